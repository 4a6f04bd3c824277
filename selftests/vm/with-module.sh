#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# with-module.sh [vm.sh's OPTION...] [--] COMMAND [ARG...]: builds everything
# for $KERNEL (default 6.12) and runs COMMAND in a guest that has the module as
# $KDTLS_KO, not yet loaded (load_dtls in guest-lib.sh does that).  A $FILE is
# made visible there.  Exit code: that of COMMAND.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

kernel=${KERNEL:-6.12}
"$vmdir/deps.sh"

# The same lock as check.py's.
mkdir -p "$build/run"
exec 8>"$build/.lock"
flock 8
if [ -f "$top/userspace/Makefile" ]; then
	step "building userspace" make -s -j"$(nproc)" -C "$top/userspace"
fi
exec 8>&-
# Not through step: the script has progress of its own, and the errors of a
# compiler are for the person.
ko=$("$vmdir/build-module.sh" "$kernel")

run=$(mktemp -d "$build/run/with-module.XXXXXX")
trap 'rm -rf "$run"' EXIT
cp "$ko" "$run/dtls.ko"

file=()
if [ -n "${FILE:-}" ]; then
	[ -f "$FILE" ] && [ -r "$FILE" ] || die "FILE=$FILE: no such file, or not readable"
	path=$(realpath "$FILE")
	case $path in
	# The guest has its own of these.
	/tmp/*|/run/*|/dev/*|/proc/*|/sys/*)
		cp "$path" "$run/"
		path=/run/vm/$(basename "$path")
		;;
	esac
	file=(-e "FILE=$path")
fi

say "booting Linux $kernel under QEMU"
rc=0
"$vmdir/vm.sh" -k "$kernel" -d "$run" \
	-e "KDTLS_TOP=$top" -e "KDTLS_BUILD=$build" -e KDTLS_KO=/run/vm/dtls.ko \
	"${file[@]}" "$@" || rc=$?
if [ $rc -eq 125 ]; then
	# The guest died: its logs are worth more than a clean folder.
	trap - EXIT
elif grep -qE 'BUG: |WARNING: |Oops' "$run/dmesg" 2>/dev/null; then
	say "the kernel complained:"
	grep -E -A 40 'BUG: |WARNING: |Oops' "$run/dmesg" | sed 's/^/#   /' | head -n 60 >&2
	[ $rc -ne 0 ] || rc=1
fi
exit $rc
