#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kselftest-timeout: 400
#
# The far end is openssl s_server or s_client: both roles, every suite that it and
# the kernel have.  TEST=interop/openssl:CCM picks suites by a part of their name.
. "$(dirname "$0")/lib.bash"

net_up || { not_ok "network"; finish; }
certs && make_cert rsa rsa $name_s || { not_ok "certificates"; finish; }
all="ALL:@SECLEVEL=0"
psk="--psk Client_identity:$psk_hex"

# ---- kdtls connects
mkfifo "$tmp/in"
exec 8<>"$tmp/in"
# shellcheck disable=SC2086
start "$tmp/s.log" in_s bash -c "exec openssl s_server -dtls1_2 -quiet -accept $port \
	-cert $tmp/server.pem -key $tmp/server.key -dcert $tmp/rsa.pem -dkey $tmp/rsa.key \
	-psk $psk_hex -cipher '$all' -alpn coap,x <'$tmp/in' >'$tmp/s.out'"
server=$started
wait_for 20 listening $nss $port || { result 1 "s_server" "$tmp/s.log"; finish; }

# client TEXT ARGUMENTS...: a line each way.
n=0
client() {
	local text=$1 rc
	n=$((n + 1))
	shift
	: >"$tmp/c.out"
	# shellcheck disable=SC2086
	(
		echo "ping $n"
		wait_for 20 eval "has '$tmp/s.out' 'ping $n' || [ -e '$tmp/c.gone' ]"
		echo "pong $n" >&8
		wait_for 20 eval "has '$tmp/c.out' 'pong $n' || [ -e '$tmp/c.gone' ]"
	) | {
		in_c timeout $((40 * slow)) "$kdtls" -v connect "$@" --verify-name $name_s $addr_s:$port \
			>"$tmp/c.out" 2>"$tmp/c.log"
		rc=$?
		: >"$tmp/c.gone"
		exit $rc
	} && has "$tmp/c.out" "pong $n" && has "$tmp/s.out" "ping $n"
	rc=$?
	rm -f "$tmp/c.gone"
	return $rc
}
while read -r name kx cipher; do
	picked "$name" || continue
	case $kx in
	*PSK) who=$psk ;;
	*) who="--ca $tmp/ca.pem" ;;
	esac
	# shellcheck disable=SC2086
	client "$name" $who --priority "$(priority $kx $cipher)" && said_suite "$tmp/c.log" $kx $cipher
	result $? "kernel client, s_server: $name" "$tmp/c.log" "$tmp/s.log"
done < <(suites)
if picked ALPN; then
	client ALPN --ca "$tmp/ca.pem" --alpn h2,coap && has "$tmp/c.log" "ALPN coap"
	result $? "kernel client, s_server: ALPN" "$tmp/c.log" "$tmp/s.log"
fi
if picked resumption; then
	client first --ca "$tmp/ca.pem" --session-out "$tmp/session" &&
		client second --ca "$tmp/ca.pem" --session-in "$tmp/session" &&
		has "$tmp/c.log" ", resumed"
	result $? "kernel client, s_server: resumption" "$tmp/c.log" "$tmp/s.log"
fi
stop $server
exec 8>&-
port=$((port + 1))

# ---- kdtls listens
# shellcheck disable=SC2086
start "$tmp/s.log" in_s "$kdtls" -v listen --keep --echo "${server_args[@]}" \
	--cert "$tmp/rsa.pem" --key "$tmp/rsa.key" $psk --alpn coap,x --priority +RSA ":$port"
server=$started
wait_for 20 listening $nss $port || { result 1 "kdtls" "$tmp/s.log"; finish; }

# s_client TEXT ARGUMENTS...: a line, which must come back.
s_client() {
	n=$((n + 1))
	shift
	: >"$tmp/c.out"
	# Q at the start of a line ends it, with a close_notify.
	(
		echo "ping $n"
		wait_for 20 eval "grep -q '^ping $n' '$tmp/c.out' || [ -e '$tmp/c.gone' ]"
		echo Q
	) | {
		in_c timeout $((40 * slow)) openssl s_client -dtls1_2 -connect $addr_s:$port -alpn coap \
			"$@" >"$tmp/c.out" 2>"$tmp/c.log"
		: >"$tmp/c.gone"
	}
	rm -f "$tmp/c.gone"
	grep -q "^ping $n" "$tmp/c.out" && has "$tmp/s.log" "ping $n"
}
while read -r name kx cipher; do
	picked "$name" || continue
	case $kx in
	*PSK) who="-psk $psk_hex" ;;
	*) who="-CAfile $tmp/ca.pem -verify_return_error -verify_hostname $name_s" ;;
	esac
	# shellcheck disable=SC2086
	s_client "$name" $who -cipher "$name:@SECLEVEL=0" &&
		said_suite <(tail -n 12 "$tmp/s.log") $kx $cipher
	result $? "kernel server, s_client: $name" "$tmp/c.log" "$tmp/s.log"
done < <(suites)
if picked resumption; then
	who="-CAfile $tmp/ca.pem -verify_return_error"
	# shellcheck disable=SC2086
	s_client first $who -sess_out "$tmp/session.pem" &&
		s_client second $who -sess_in "$tmp/session.pem" &&
		has "$tmp/c.out" "Reused, TLSv1.2" && has "$tmp/s.log" ", resumed"
	result $? "kernel server, s_client: resumption" "$tmp/c.log" "$tmp/s.log"
fi
if picked ALPN; then
	has "$tmp/c.out" "ALPN protocol: coap" && has "$tmp/s.log" "ALPN coap"
	result $? "kernel server, s_client: ALPN" "$tmp/c.log" "$tmp/s.log"
fi
stop $server
port=$((port + 1))

# ---- The cookie exchange of OpenSSL's server
if picked cookie; then
	mkfifo "$tmp/in2"
	exec 8<>"$tmp/in2"
	start "$tmp/s.log" in_s bash -c "exec openssl s_server -dtls1_2 -listen -quiet -accept $port \
		-cert $tmp/server.pem -key $tmp/server.key <'$tmp/in2' >'$tmp/s.out'"
	server=$started
	wait_for 20 listening $nss $port
	client cookie --ca "$tmp/ca.pem"
	result $? "kernel client, s_server -listen: cookie" "$tmp/c.log" "$tmp/s.log"
	stop $server
fi
finish
