#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# deps.sh [PACKAGE...]
#
# Installs the Debian packages that building and testing need, and only when
# one is missing: the usual answer is one dpkg-query.  Nothing here installs a
# kernel: those are unpacked into the cache by kernel.sh, so that /boot and the
# boot loader of this machine stay as they are.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

packages="
	ca-certificates make gcc gcc-12 libc6-dev pkg-config python3 python3-yaml python3-jsonschema perl
	bc flex bison libelf-dev libelf1 libssl3 zlib1g cpio xz-utils zstd kmod
	qemu-system-x86 busybox-static iproute2 iputils-ping tcpdump procps
	util-linux ethtool nftables socat patch
	openssl libssl-dev gnutls-bin libgnutls28-dev libwolfssl-dev
	liburing-dev libnl-3-dev libnl-genl-3-dev
	sparse pahole cppcheck codespell shellcheck git tshark
	$*
"

command -v dpkg-query >/dev/null 2>&1 || die "this is made for Debian: no dpkg here"

missing_packages() {
	# shellcheck disable=SC2086
	dpkg-query -W -f '${Package} ${db:Status-Status}\n' $packages 2>/dev/null |
		awk -v want="$packages" '
			$2 == "installed" { have[$1] = 1 }
			END {
				n = split(want, w)
				for (i = 1; i <= n; i++)
					if (!(w[i] in have))
						printf "%s ", w[i]
			}' || :
}

install_packages() {
	# tshark asks a question through debconf; its default (no capture for
	# ordinary users) is what we want.
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
		-o Dpkg::Use-Pty=0 install --no-install-recommends "$@"
}

# What the backend for DTLS 1.3 is built with: no package has it here (wolfssl.sh).
wolfssl() {
	printf '%s\n' '#include <wolfssl/options.h>' '#if !defined(WOLFSSL_DTLS13) || \
		!defined(WOLFSSL_DTLS_CID) || !defined(HAVE_SECRET_CALLBACK) || \
		!defined(WOLFSSL_SRTP)' '#error' '#endif' |
		gcc-12 -E -x c - >/dev/null 2>&1 || "$vmdir/wolfssl.sh" >/dev/null
}

missing=$(missing_packages)
if [ -z "$missing" ]; then
	wolfssl
	exit
fi

say "installing Debian packages: $missing"
# shellcheck disable=SC2086
if ! apt-get -s -qq --no-install-recommends install $missing >/dev/null 2>&1; then
	step "apt-get update" apt_update
fi
# Old lists name files that the archive no longer has: refresh and try again.
# shellcheck disable=SC2086
step "installing packages" install_packages $missing || {
	step "apt-get update" apt_update
	step "installing packages, second try" install_packages $missing
}
missing=$(missing_packages)
[ -z "$missing" ] || die "still missing after apt-get: $missing"
wolfssl
