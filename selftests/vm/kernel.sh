#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernel.sh NAME        NAME: 6.1 | 6.12 | debug | kcsan (see debug-kernel.sh) |
#			a folder that has the same layout
#
# Prints the folder of an unpacked kernel, after fetching it if need be:
#
#	release		what uname -r says in it
#	vmlinux		the kernel (or bzImage, which takes longer to boot)
#	modules/	lib/modules/<release>, ready for modprobe
#	kdir/		what one gives to make -C to build a module
#	initrd		gets the guest from the kernel to its root (see initramfs.sh)
#
# The packages are downloaded and unpacked, never installed: an installed
# kernel package writes into /boot and may call the boot loader.  (So do the
# 6.12 header packages, which depend on the image.)
set -euo pipefail
. "$(dirname "$0")/lib.sh"

name=${1:?usage: kernel.sh NAME}
fetch_into=''
if [ "$name" = --fetch ]; then
	fetch_into=$2 name=$3
fi

case $name in
*/*)
	[ -f "$name/vmlinux" ] || [ -f "$name/bzImage" ] || die "$name is not a kernel folder"
	name=$(cd "$name" && pwd -P)
	"$vmdir/initramfs.sh" "$name"
	echo "$name"
	exit 0
	;;
debug|kcsan) exec "$vmdir/debug-kernel.sh" "$name" ;;
6.1)	meta=linux-image-amd64 ;;
6.12)	meta=linux-image-6.12-amd64 ;;
*)	die "unknown kernel '$name' (6.1, 6.12, debug, kcsan, or a folder)" ;;
esac

# The meta package depends on the one image of the day; its name holds the ABI,
# its version the build.
resolve() {
	local image version
	image=$(apt-cache depends "$meta" 2>/dev/null |
		sed -n "s/^ *Depends: \(linux-image-${name//./\\.}\.[^ ]*\)\$/\1/p" | head -n 1)
	[ -n "$image" ] || return 1
	version=$(apt-cache show --no-all-versions "$image" 2>/dev/null |
		sed -n 's/^Version: //p' | head -n 1)
	[ -n "$version" ] || return 1
	echo "${image#linux-image-} $version"
}

# apt-cache takes a second; its answer can only change when the lists do.
memo=$cache/current-$name
mkdir -p "$cache"
if [ -s "$memo" ] && [ "$memo" -nt /var/lib/apt/lists ]; then
	read -r release version <"$memo"
else
	now=$(resolve) || {
		step "apt-get update" apt_update
		now=$(resolve)
	} || die "apt knows no kernel $name here (Debian 12 has 6.1 and 6.12)"
	echo "$now" >"$memo.$$"
	mv "$memo.$$" "$memo"
	read -r release version <<<"$now"
fi

# The number after the release is that of this script's layout: raise it when
# the layout changes, and old folders are left alone.
dir=$cache/kernel-$release-${version//[!a-zA-Z0-9.+~-]/_}-2

# A script of its own (kernel.sh --fetch), because the shell ignores set -e in a
# function whose result is tested.
fetch() {
	local common kbuild f headers
	# The -common headers drop the flavour; linux-kbuild has the full release
	# in its name for some kernels and only 6.1 for others.
	common=linux-headers-${release%-amd64}-common
	headers=linux-headers-$release
	kbuild=$(apt-cache depends "$headers" | sed -n 's/^ *Depends: \(linux-kbuild-.*\)$/\1/p' | head -n 1)
	[ -n "$kbuild" ]
	mkdir "$tmp/debs" "$tmp/root"
	(cd "$tmp/debs" && apt-get -q download "linux-image-$release=$version" \
		"$headers=$version" "$common=$version" "$kbuild")
	for f in "$tmp"/debs/*.deb; do
		# Three quarters of an image package are drivers that no guest has.
		dpkg-deb --fsys-tarfile "$f" | tar -x -C "$tmp/root" \
			--wildcards \
			--exclude='*/kernel/sound' \
			--exclude='*/kernel/drivers/gpu' \
			--exclude='*/kernel/drivers/media' \
			--exclude='*/kernel/drivers/infiniband' \
			--exclude='*/kernel/drivers/iio' \
			--exclude='*/kernel/drivers/scsi' \
			--exclude='*/kernel/drivers/staging' \
			--exclude='*/kernel/drivers/usb' \
			--exclude='*/kernel/drivers/hwmon' \
			--exclude='*/kernel/drivers/net/wireless' \
			--exclude='*/kernel/drivers/net/ethernet' \
			--exclude='./usr/share/doc'
	done
	rm -r "$tmp/debs"
	"$vmdir/unpack-bzimage.py" "$tmp/root/boot/vmlinuz-$release" "$tmp/vmlinux"
	mv "$tmp/root/lib/modules/$release" "$tmp/modules"
	rm -f "$tmp/modules/build" "$tmp/modules/source"
	echo "$release" >"$tmp/release"
	# Decompressing under an emulated CPU is slow, and this happens once.
	find "$tmp/modules" -name '*.ko.xz' -exec xz -d -T 0 {} +
	# depmod wants to see lib/modules/<release>.
	mkdir -p "$tmp/root/depmod/lib/modules"
	mv "$tmp/modules" "$tmp/root/depmod/lib/modules/$release"
	depmod -b "$tmp/root/depmod" "$release"
	mv "$tmp/root/depmod/lib/modules/$release" "$tmp/modules"
	rm -rf "$tmp/root/depmod" "$tmp/root/boot"
	# The one absolute path in the unpacked headers.
	f=$tmp/root/usr/src/$headers/Makefile
	sed -i "s|^include /usr/src/|include $dir/root/usr/src/|" "$f"
	ln -s "root/usr/src/$headers" "$tmp/kdir"
}

if [ -n "$fetch_into" ]; then
	tmp=$fetch_into
	fetch
	exit 0
fi
if [ ! -d "$dir" ]; then
	tmp=$(mktemp -d "$cache/tmp.XXXXXX")
	chmod 755 "$tmp"
	trap 'rm -rf "$tmp"' EXIT
	step "fetching kernel $release" "$0" --fetch "$tmp" "$name" || {
		# The archive moved on since our lists were written.
		rm -rf "$tmp"
		[ -z "${KDTLS_FETCH_RETRY:-}" ] || die "cannot fetch kernel $release"
		step "apt-get update" apt_update || :
		rm -f "$memo"
		trap - EXIT
		KDTLS_FETCH_RETRY=1 exec "$0" "$@"
	}
	publish "$tmp" "$dir"
	trap - EXIT
fi
"$vmdir/initramfs.sh" "$dir"
echo "$dir"
