#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Prints the folder that holds the few files we use of the kernel's sources
# (the kselftest headers, checkpatch and its data), after fetching them from
# Debian's linux-source if need be.  Taken from there, so that there is no
# copy of them in this tree to grow old.
#
# The version does not follow each Debian update: the files hardly change, and
# the package is a big one.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

package=linux-source-6.12
wanted="
	tools/testing/selftests/kselftest.h
	tools/testing/selftests/kselftest_harness.h
	scripts/checkpatch.pl
	scripts/spelling.txt
	scripts/const_structs.checkpatch
	scripts/kernel-doc
	tools/net/ynl
	Documentation/netlink/genetlink-legacy.yaml
"
dir=$cache/source-6.12-2

if [ "${1:-}" = --fetch ]; then
	tmp=$2
	tarball=/usr/src/$package.tar.xz
	if [ ! -f "$tarball" ]; then
		cd "$tmp"
		apt-get -q download "$package"
		dpkg-deb --fsys-tarfile "$package"_*.deb | tar -x ./usr/src
		tarball=$tmp/usr/src/$package.tar.xz
	fi
	# shellcheck disable=SC2086,SC2046
	xz -dc -T 0 "$tarball" | tar -x -C "$tmp" --strip-components=1 \
		$(printf "$package/%s " $wanted)
	rm -rf "${tmp:?}/usr" "$tmp"/*.deb
	exit 0
fi

if [ ! -d "$dir" ]; then
	mkdir -p "$cache"
	tmp=$(mktemp -d "$cache/tmp.XXXXXX")
	chmod 755 "$tmp"
	trap 'rm -rf "$tmp"' EXIT
	step "fetching pieces of $package" "$0" --fetch "$tmp" || {
		step "apt-get update" apt_update || :
		step "fetching pieces of $package, second try" "$0" --fetch "$tmp"
	}
	publish "$tmp" "$dir"
	trap - EXIT
fi
echo "$dir"
