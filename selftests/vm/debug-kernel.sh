#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# debug-kernel.sh debug|kcsan
#
# Prints the folder (see kernel.sh) of a debug kernel: linux-source-6.12 built
# with lockdep, checks of sleeping and more (debug.config), and with
#
#	debug	KASAN, UBSAN, kmemleak, checks of objects, fault injection, gcov
#		(debug-kasan.config)
#	kcsan	KCSAN (debug-kcsan.config), which excludes KASAN
#
# Built when it is not there, which takes some ten minutes on two processors, and
# kept under a name made of the source's version, the configuration, and the
# number below: raise it when what this script makes of them changes.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

package=linux-source-6.12
layout=2
# Megabytes, when the kernel is being linked; a twentieth of it stays.
room=3000
build_into=''
if [ "${1:-}" = --build ]; then
	build_into=$2
	shift 2
fi
flavour=${1:?usage: debug-kernel.sh debug|kcsan}
configs=$vmdir/debug.config
patches=$vmdir/debug-padata.patch
case $flavour in
debug)	configs+=" $vmdir/debug-kasan.config" ;;
kcsan)	configs+=" $vmdir/debug-kcsan.config" ;;
*)	die "unknown debug kernel '$flavour'" ;;
esac

if [ -n "$build_into" ]; then
	tmp=$build_into
	cd "$tmp"
	tarball=/usr/src/$package.tar.xz
	if [ ! -f "$tarball" ]; then
		apt-get -q download "$package"
		dpkg-deb --fsys-tarfile "$package"_*.deb | tar -x ./usr/src
		tarball=$tmp/usr/src/$package.tar.xz
	fi
	mkdir kdir
	xz -dc -T 0 "$tarball" | tar -x -C kdir --strip-components=1
	rm -rf usr ./*.deb
	cd kdir
	for f in $patches; do
		patch -s -p1 <"$f"
	done
	make -s allnoconfig
	# shellcheck disable=SC2086
	scripts/kconfig/merge_config.sh -m .config $configs
	make -s olddefconfig
	# An option that went away unnoticed would be a check that is not made.
	# shellcheck disable=SC2086
	cat $configs | while read -r line; do
		case $line in
		CONFIG_*=[ym]) grep -qx "$line" .config ||
			{ echo "not in the kernel's configuration: $line"; exit 1; } ;;
		esac
	done
	make -s -j"$(nproc)" vmlinux modules
	make -s kernelrelease >../release
	release=$(cat ../release)
	make -s INSTALL_MOD_PATH="$tmp/mod" modules_install
	rm -f "$tmp/mod/lib/modules/$release"/build \
		"$tmp/mod/lib/modules/$release"/source
	mv "$tmp/mod/lib/modules/$release" "$tmp/modules"
	rm -r "$tmp/mod"
	# With its debug information the kernel takes long to load.
	objcopy --strip-debug vmlinux "$tmp/vmlinux"
	# What building a module needs stays, the rest goes: it is two gigabytes.
	mv tools/objtool "$tmp/objtool"
	for f in * arch/* .tmp_vmlinux*; do
		case $f in
		arch|arch/x86|include|scripts|Makefile|Module.symvers) ;;
		*) rm -rf "$f" ;;
		esac
	done
	mkdir tools
	mv "$tmp/objtool" tools/objtool
	find arch tools -name '*.[ao]' -delete
	exit 0
fi

command -v apt-cache >/dev/null || die "this wants Debian's $package"
version=$(apt-cache show --no-all-versions "$package" | sed -n 's/^Version: //p' | head -n 1)
[ -n "$version" ] || die "apt knows no $package"
# shellcheck disable=SC2086
sum=$( (cat $configs $patches; echo $layout) |
	sha256sum | cut -c1-12)
dir=$cache/$flavour-${version//[!a-zA-Z0-9.+~-]/_}-$sum
if [ ! -d "$dir" ]; then
	mkdir -p "$cache"
	free=$(df -Pm "$cache" | awk 'NR == 2 { print $4 }')
	[ "$free" -ge $room ] ||
		die "building the $flavour kernel takes $room MB in $cache," \
			"which has $free (KDTLS_CACHE names another place)"
	tmp=$(mktemp -d "$cache/tmp.XXXXXX")
	chmod 755 "$tmp"
	trap 'rm -rf "$tmp"' EXIT
	step "building the $flavour kernel (once, some ten minutes)" \
		"$0" --build "$tmp" "$flavour"
	publish "$tmp" "$dir"
	trap - EXIT
fi
"$vmdir/initramfs.sh" "$dir"
echo "$dir"
