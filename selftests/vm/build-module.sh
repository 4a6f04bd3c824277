#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# build-module.sh KERNEL [MAKE-ARGUMENT...]: builds dtls.ko for KERNEL (see
# kernel.sh) in build/KERNEL/module and prints its path.
#
# kbuild puts objects next to their sources, so each kernel gets a tree of
# links to the sources: no object is ever in the source tree, and a second
# build does only what changed.  KDTLS_BUILD_DIR names another place, for
# builds that must not mix with the usual one (lint's).  With GCOV=1 in the
# environment the module counts which lines run, and is built in build/KERNEL-gcov.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

kernel=${1:?usage: build-module.sh KERNEL [MAKE-ARGUMENT...]}
shift
dir=$("$vmdir/kernel.sh" "$kernel")
gcov=${GCOV:-}
[ "$gcov" = 1 ] || gcov=''
out=${KDTLS_BUILD_DIR:-$build/$(basename "$kernel")${gcov:+-gcov}}/module
mkdir -p "$out"
out=$(cd "$out" && pwd -P)

# Two people may type make check at the same time.
exec 9>"$out/.lock"
flock 9

# Links to what is there, and no more links to what is gone.
cd "$top"
find "$out" -type l ! -exec test -e {} \; -delete
find Kbuild kernel uapi -name '*.[chS]' -o -name Kbuild | while read -r f; do
	[ -L "$out/$f" ] && continue
	mkdir -p "$(dirname "$out/$f")"
	ln -sf "$top/$f" "$out/$f"
done
# An object outlives a header that moved to another folder, and a kernel that
# was replaced by its update: kbuild notices neither.
if [ "$(cat "$out/.kernel" 2>/dev/null)" != "$dir" ]; then
	find "$out" -name '*.o' -delete
	echo "$dir" >"$out/.kernel"
fi

make -s -C "$dir/kdir" M="$out" ${gcov:+GCOV=1} -j"$(nproc)" "$@" modules 9>&- 2>&1 >&2 |
	{ grep -v 'Skipping BTF generation' >&2 || :; }
[ -f "$out/dtls.ko" ] || die "no dtls.ko came out of the build"
echo "$out/dtls.ko"
