#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kselftest-timeout: 300
#
# The far end is wolfSSL (wolf-peer.c): both roles, every suite that it and the
# kernel have.
. "$(dirname "$0")/lib.bash"

peer=$built/wolf-peer
[ -x "$peer" ] || { echo "1..0 # SKIP no libwolfssl-dev when this was built"; exit 4; }
"$peer" suites >"$tmp/suites" || { echo "1..0 # SKIP $(cat "$tmp/suites")"; exit 4; }

net_up || { not_ok "network"; finish; }
certs && make_cert rsa rsa $name_s || { not_ok "certificates"; finish; }
n=0

# Suites that wolfSSL knows by OpenSSL's names, and GnuTLS and the kernel too.
common() {
	local name kx cipher
	suites | while read -r name kx cipher; do
		grep -qx -- "$name" "$tmp/suites" && echo "$name $kx $cipher"
	done
}
credentials() { # KX
	case $1 in
	*PSK) ours="--psk client:$psk_hex" theirs="--psk $psk_hex" cert=server ;;
	*ECDSA) ours="--ca $tmp/ca.pem" theirs='' cert=server ;;
	*) ours="--ca $tmp/ca.pem" theirs='' cert=rsa ;;
	esac
}

while read -r name kx cipher; do
	picked "$name" || continue
	credentials $kx
	n=$((n + 1))

	# shellcheck disable=SC2086
	start "$tmp/s.log" in_s "$peer" server $addr_s $port --suite "$name" $theirs \
		--cert "$tmp/$cert.pem" --key "$tmp/$cert.key"
	server=$started
	wait_for 20 listening $nss $port
	: >"$tmp/c.out"
	# shellcheck disable=SC2086
	ask "ping $n" "$tmp/c.out" in_c timeout $((40 * slow)) "$kdtls" -v connect $ours --verify-name $name_s \
		--priority "$(priority $kx $cipher)" $addr_s:$port 2>"$tmp/c.log" &&
		has "$tmp/c.out" "ping $n" && said_suite "$tmp/c.log" $kx $cipher
	result $? "kernel client, wolfSSL: $name" "$tmp/c.log" "$tmp/s.log"
	stop $server
	port=$((port + 1))

	# shellcheck disable=SC2086
	start "$tmp/s.log" in_s "$kdtls" -v listen --echo --cert "$tmp/$cert.pem" \
		--key "$tmp/$cert.key" ${theirs:+$ours} ":$port"
	server=$started
	wait_for 20 listening $nss $port
	: >"$tmp/c.out"
	# shellcheck disable=SC2086
	ask "ping $n" "$tmp/c.out" in_c timeout $((40 * slow)) "$peer" client $addr_s $port --suite "$name" \
		--ca "$tmp/ca.pem" --name $name_s $theirs 2>"$tmp/c.log" &&
		has "$tmp/c.out" "ping $n" && said_suite "$tmp/s.log" $kx $cipher && join 10 $server
	result $? "kernel server, wolfSSL: $name" "$tmp/c.log" "$tmp/s.log"
	stop $server
	port=$((port + 1))
done < <(common)
finish
