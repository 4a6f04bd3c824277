#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# wolfssl.sh [--look]
#
# Prints the folder with a wolfSSL that has DTLS 1.3 (lib/libwolfssl.a, include/),
# after building it from Debian's source package if need be; with --look only if
# it is there.
#
# Debian's library has no DTLS 1.3, but its source has it: so the source package is
# fetched with apt, through a list of sources that is this script's own, patched as
# Debian does it, and built with ../../userspace/wolfssl/user_settings.h.  5.5.4 it
# is because that is what this Debian has and keeps safe.  Its release is pinned by
# its hash; Debian's patches are those of the day.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

version=5.5.4
sha256=b7ee150e49def77c765bc02aac92ddeb0bebefd4cb12aa263d8f95e405221fb8
settings=$top/userspace/wolfssl/user_settings.h
key=$(cat "$settings" "$0" | sha256sum)
dir=$cache/wolfssl-$version-${key:0:12}

# sources TMP: apt-get source, where the machine itself knows of binaries only.
sources() {
	mkdir -p "$1/apt/lists/partial"
	apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT)' \
		'Created-By: Packages' 'Origin: Debian' | sort -u |
		awk '$3 == "main" { print "deb-src", $0 }' >"$1/apt/list"
	set -- -q -o Dir::Etc::SourceList="$1/apt/list" -o Dir::Etc::SourceParts=- \
		-o Dir::State::Lists="$1/apt/lists" \
		-o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=
	apt-get "$@" update
	apt-get "$@" --download-only source wolfssl
}

if [ "${1:-}" = --build ]; then
	cd "$2"
	sources "$2"
	echo "$sha256  wolfssl_$version.orig.tar.gz" | sha256sum -c
	mkdir src
	tar -xzf wolfssl_$version.orig.tar.gz -C src --strip-components=1
	tar -xJf wolfssl_$version-*.debian.tar.xz
	cd src
	grep -v '^#' ../debian/patches/series | while read -r p; do
		patch -p1 -s <"../debian/patches/$p"
	done
	# The mask of ChaCha20's record numbers is of the wrong byte order: the C
	# library defines BIG_ENDIAN everywhere.
	sed -i 's/^#ifdef BIG_ENDIAN$/#ifdef BIG_ENDIAN_ORDER/' src/dtls13.c
	grep -q BIG_ENDIAN_ORDER src/dtls13.c
	# use_srtp: a client writes each of its profiles once, in the room that there is;
	# a server does not look behind the end for one more.
	sed -i -e 's/for (i=0; i< srtp->profileCount; i+=2)/for (i=0; i<1; i++)/' \
		-e 's/for (i=offset; i<length; i+=OPAQUE16_LEN)/for (i=offset; i+1<length; i+=OPAQUE16_LEN)/' \
		src/tls.c
	grep -q 'i=0; i<1; i++' src/tls.c
	grep -q 'i=offset; i+1<length' src/tls.c
	cp "$settings" .
	files=$(echo src/{internal,wolfio,keys,ssl,tls,tls13,dtls,dtls13}.c wolfcrypt/src/*.c |
		tr ' ' '\n' | grep -vE '/(misc|evp)\.c$')
	echo "$files" | xargs -P "$(nproc)" -I{} sh -c 'o=$(echo {} | tr / -).o &&
		gcc-12 -O2 -fPIC -fvisibility=hidden -DWOLFSSL_USER_SETTINGS \
			-DBUILDING_WOLFSSL -I. -c -o "$o" {}'
	mkdir -p ../lib ../include
	ar rcs ../lib/libwolfssl.a ./*.o
	cp -r user_settings.h wolfssl ../include
	cd ..
	rm -rf apt src debian wolfssl_*
	exit 0
fi

if [ ! -d "$dir" ]; then
	[ "${1:-}" != --look ] || exit 0
	mkdir -p "$cache"
	tmp=$(mktemp -d "$cache/tmp.XXXXXX")
	chmod 755 "$tmp"
	trap 'rm -rf "$tmp"' EXIT
	step "building wolfSSL $version with DTLS 1.3" "$0" --build "$tmp"
	publish "$tmp" "$dir"
	trap - EXIT
fi
echo "$dir"
