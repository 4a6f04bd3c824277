#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# make check-full: everything that there is, which takes hours.  Goes on after
# a failure; the last lines say what failed.  FUZZ_SECONDS (300) is the time of
# each fuzzer.
set -uo pipefail
. "$(dirname "$0")/lib.sh"
cd "$top" || exit 1
fuzz_time=${FUZZ_SECONDS:-300}
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
"$vmdir/deps.sh" clang libclang-rt-dev || exit
phase "both kernels of Debian, and the long tests" \
	env KDTLS_LONG=1 KERNEL="6.1 6.12" "${check[@]}"
phase "both kernels of Debian, generic ciphers" \
	env KDTLS_CRYPTO=generic KERNEL="6.1 6.12" TEST='dtls_*' "${check[@]}"
phase "kernels that look for errors" env DEBUG=1 "${check[@]}"
phase "fuzzers, $fuzz_time s each" selftests/fuzz/run.sh "$fuzz_time"
echo "# ----"
printf '# %s\n' "${said[@]}"
exit $bad
