#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# make check-full: everything that there is, which takes an hour or two.  Goes on
# after a failure; the last lines say what failed.  FUZZ_SECONDS (60) is the time
# of each fuzzer.
set -uo pipefail
. "$(dirname "$0")/lib.sh"
cd "$top" || exit 1
fuzz_time=${FUZZ_SECONDS:-60}
unset KERNEL TEST DEBUG GCOV KDTLS_LONG KDTLS_CRYPTO
bad=0 said=()

phase() {
	local text=$1 begin=$SECONDS result="passed"
	shift
	echo "# ---- $text"
	"$@" </dev/null || { result="FAILED"; bad=1; }
	said+=("$result: $text, $((SECONDS - begin)) s")
}

check=(python3 "$vmdir/check.py")
# The kernel that finds most comes first. Its module counts lines, as for make
# coverage, so that nobody has to wait for that once more.
kasan() {
	local rc=0
	rm -rf build/coverage
	env DEBUG=1 GCOV=1 KERNEL=debug "${check[@]}" || rc=1
	"$vmdir/coverage.py" || rc=1
	return $rc
}

"$vmdir/deps.sh" clang libclang-rt-dev || exit
"$vmdir/deps.sh" firefox-esr libnss3-dev || echo "# no NSS of today: interop/nss skips"
phase "fuzzers, $fuzz_time s each" selftests/fuzz/run.sh "$fuzz_time"
phase "kernel that looks for errors, and coverage" kasan
phase "kernel that looks for races" env KERNEL=kcsan "${check[@]}"
phase "Linux 6.12, and the long tests" env KDTLS_LONG=1 KERNEL=6.12 "${check[@]}"
phase "Linux 6.1" env KERNEL=6.1 "${check[@]}"
phase "both, generic ciphers" env KDTLS_CRYPTO=generic KERNEL="6.1 6.12" \
	TEST="dtls_async dtls_matrix dtls_pages dtls_wire" "${check[@]}"
phase "WebRTC, Chromium and Linux 6.12" "$top/selftests/webrtc/run.sh"
echo "# ----"
printf '# %s\n' "${said[@]}"
exit $bad
