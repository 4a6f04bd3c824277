#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kselftest-timeout: 240
#
# The last flight is lost, exactly, after the keys have gone into the kernel: the
# peer repeats its own, and the kernel must repeat ours, its Finished sealed anew
# (RFC 6347 4.2.4).  And: data overtakes the Finished.  A proxy between the two
# does it (udp-proxy.c).
. "$(dirname "$0")/lib.bash"
not_on_61

net_up || { not_ok "network"; finish; }
certs || { not_ok "certificates"; finish; }
s="${server_args[*]}" c="${client_args[*]}"
via=4500

# proxy WHOSE WHAT N [PORT]
proxy() {
	start "$tmp/proxy.log" in_s "$built/udp-proxy" $via $addr_s ${4:-$port} "$1" "$2" "$3"
	proxy=$started
	wait_for 20 listening $nss $via
}
listen() {
	: >"$tmp/s.log"
	# shellcheck disable=SC2086
	start "$tmp/s.log" in_s "$kdtls" -v listen --echo --retransmit 500 $* ":$port"
	server=$started
	wait_for 20 listening $nss $port
}
# connect LINE ARGUMENTS...
connect() {
	local line=$1
	shift
	: >"$tmp/c.out"
	# shellcheck disable=SC2086
	ask "$line" "$tmp/c.out" in_c timeout $((60 * slow)) "$kdtls" -v connect --retransmit 500 $* \
		2>"$tmp/c.log" && has "$tmp/c.out" "$line"
}

often=(1 3)
[ -z "$few" ] || often=(3)
for n in "${often[@]}"; do
	listen $s
	proxy server drop $n
	before=$(stat_of $nss TxLastFlight)
	connect "after $n" $c $addr_s:$via &&
		[ $(($(stat_of $nss TxLastFlight) - before)) -ge $n ] &&
		[ "$(grep -c 'dropped Finished' "$tmp/proxy.log")" -eq $n ]
	result $? "the server's last flight is lost, $n times" "$tmp/c.log" "$tmp/s.log" \
		"$tmp/proxy.log" <(in_s cat /proc/net/dtls_stat)
	stop $proxy
	stop $server
done

# The same with other libraries' clients, who repeat in ways of their own.
listen $s
proxy server drop 1
ask "from openssl" "$tmp/c.out" in_c timeout $((60 * slow)) openssl s_client -dtls1_2 -quiet \
	-connect $addr_s:$via -CAfile "$tmp/ca.pem" 2>"$tmp/c.log" &
wait_for 40 has "$tmp/c.out" "from openssl"
result $? "the client is OpenSSL" "$tmp/c.log" "$tmp/c.out" "$tmp/s.log" "$tmp/proxy.log"
stop $proxy
stop $server

# Only the beginning of it arrives, which is no answer yet: the client goes on to
# repeat its own.  First with a server all in userspace, then with the kernel.
if [ -n "$userspace" ]; then
start "$tmp/s.log" in_s gnutls-serv --udp --echo -p $port --x509certfile "$tmp/server.pem" \
	--x509keyfile "$tmp/server.key"
server=$started
wait_for 20 listening $nss $port
proxy server cut 2
connect "after a cut" $c $addr_s:$via && [ "$(grep -c 'cut Finished' "$tmp/proxy.log")" -eq 2 ]
result $? "the end of the last flight of gnutls-serv is lost, twice" "$tmp/c.log" "$tmp/s.log" \
	"$tmp/proxy.log"
stop $proxy
stop $server
fi
listen $s
proxy server cut 2
connect "after a cut" $c $addr_s:$via && [ "$(grep -c 'cut Finished' "$tmp/proxy.log")" -eq 2 ]
result $? "the end of the kernel's last flight is lost, twice" "$tmp/c.log" "$tmp/s.log" \
	"$tmp/proxy.log"
stop $proxy
stop $server

# In a resumption it is the client's flight that is the last.
listen $s --keep
connect first $c --session-out "$tmp/session" $addr_s:$port
proxy client drop 1
before=$(stat_of $nsc TxLastFlight)
connect second $c --session-in "$tmp/session" $addr_s:$via &&
	has "$tmp/c.log" ", resumed" && has "$tmp/s.log" ", resumed" &&
	[ "$(stat_of $nsc TxLastFlight)" -gt "$before" ]
result $? "the client's last flight is lost, in a resumption" "$tmp/c.log" "$tmp/s.log" \
	"$tmp/proxy.log"
stop $proxy

# The client's data overtakes its Finished.  The server keeps it, and answers.
proxy client swap 1
connect early $c --session-in "$tmp/session" $addr_s:$via &&
	has "$tmp/proxy.log" released && grep -q ', 1 early records' "$tmp/s.log"
result $? "data that came before the Finished is not lost" "$tmp/c.log" "$tmp/s.log" \
	"$tmp/proxy.log"
stop $proxy
stop $server

# OpenSSL's session in the kernel, and its last flight.
start "$tmp/s.log" in_s "$built/openssl-echo" server $addr_s $port \
	--cert "$tmp/server.pem" --key "$tmp/server.key"
server=$started
wait_for 20 listening $nss $port
proxy server drop 1
before=$(stat_of $nss TxLastFlight)
ask "by openssl" "$tmp/c.out" in_c timeout $((60 * slow)) "$built/openssl-echo" client $addr_s $via \
	--ca "$tmp/ca.pem" 2>"$tmp/c.log" &&
	[ "$(stat_of $nss TxLastFlight)" -gt "$before" ]
result $? "OpenSSL backend: the server's last flight is lost" "$tmp/c.log" "$tmp/s.log" \
	"$tmp/proxy.log"
finish
