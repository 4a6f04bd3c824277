#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# build-aead.sh KERNEL: builds the module that measures the AEAD calls alone, in
# build/KERNEL/aead, and prints its path.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
. "$here/../vm/lib.sh"

kernel=${1:?usage: build-aead.sh KERNEL}
dir=$("$vmdir/kernel.sh" "$kernel")
out=$build/$(basename "$kernel")/aead
mkdir -p "$out"
exec 9>"$out/.lock"
flock 9
# An update of the kernel goes unnoticed by kbuild.
if [ "$(cat "$out/.kernel" 2>/dev/null)" != "$dir" ]; then
	find "$out" -name '*.o' -delete
	echo "$dir" >"$out/.kernel"
fi
ln -sf "$here"/aead/* "$out/"
make -s -C "$dir/kdir" M="$out" modules 9>&- 2>&1 >&2 |
	{ grep -v 'Skipping BTF generation' >&2 || :; }
[ -f "$out/aead_bench.ko" ] || die "no aead_bench.ko came out of the build"
echo "$out/aead_bench.ko"
