#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# initramfs.sh KERNELDIR: makes KERNELDIR/initrd, unless it is newer than what
# it is made of.  It holds a static busybox, the modules between the kernel and
# its root file system in loading order, and the script that loads them.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

dir=${1:?usage: initramfs.sh KERNELDIR}
init=$vmdir/init
[ "$dir/initrd" -nt "$init" ] && [ "$dir/initrd" -nt "$0" ] && exit 0

release=$(cat "$dir/release")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp/lib/modules" "$tmp/fs/bin" "$tmp/fs/mod"
ln -s "$dir/modules" "$tmp/lib/modules/$release"

# modprobe in the guest would do as well, but it would read the whole
# modules.dep under an emulated CPU.
n=0
for m in virtio_pci 9pnet_virtio 9p overlay virtio_console virtio_rng; do
	modprobe -d "$tmp" -S "$release" --show-depends "$m"
done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' >"$tmp/list"
while read -r ko; do
	n=$((n + 1))
	cp -L "$ko" "$tmp/fs/mod/$(printf '%02d' $n)-$(basename "$ko")"
done <"$tmp/list"

cp "$(command -v busybox)" "$tmp/fs/bin/busybox"
install -m 755 "$init" "$tmp/fs/init"
mkdir -p "$tmp/fs/proc" "$tmp/fs/sys" "$tmp/fs/dev" "$tmp/fs/lower" \
	"$tmp/fs/run" "$tmp/fs/rw" "$tmp/fs/new"
(cd "$tmp/fs" && find . | LC_ALL=C sort | cpio -o -H newc -R 0:0 --quiet) >"$dir/initrd.$$"
mv "$dir/initrd.$$" "$dir/initrd"
