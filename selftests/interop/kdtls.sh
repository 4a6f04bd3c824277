#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kselftest-timeout: 300
#
# kdtls on both ends: what the library and the program promise.
. "$(dirname "$0")/lib.bash"

net_up || { not_ok "network"; finish; }
certs || { not_ok "certificates"; finish; }
make_cert server2 rsa $name_s || { not_ok "RSA certificate"; finish; }
openssl pkey -in "$tmp/server.key" -pubout -out "$tmp/server.pub" 2>/dev/null
openssl pkey -in "$tmp/client.key" -pubout -out "$tmp/client.pub" 2>/dev/null

s="${server_args[*]}" c="${client_args[*]}"
raw_c="--rawpk $tmp/client.key"
raw_s="--rawpk $tmp/server.key"
label="--export EXPERIMENTAL-kdtls"

# listen ARGUMENTS...: an echo server; its log is s.log.
listen() {
	: >"$tmp/s.log"
	# shellcheck disable=SC2086
	start "$tmp/s.log" in_s "$kdtls" -v listen --echo $* ":$port"
	server=$started
	wait_for 20 listening $nss $port
}
# connect ARGUMENTS...: asks it; leaves c.log, c.out, and the exit code.
connect() {
	: >"$tmp/c.out"
	# shellcheck disable=SC2086
	ask "ping $RANDOM" "$tmp/c.out" in_c timeout $((60 * slow)) "$kdtls" -v connect $* \
		2>"$tmp/c.log" && [ -s "$tmp/c.out" ]
}

# good TEXT "LISTEN" "CONNECT" [HOST [CLIENT-SAYS [SERVER-SAYS]]]
good() {
	local text=$1 host=${4:-$addr_s} rc
	picked "$text" || return
	# shellcheck disable=SC2086
	listen $2 || { result 1 "$text" "$tmp/s.log"; return; }
	# shellcheck disable=SC2086
	connect $3 "$host:$port"
	rc=$?
	[ $rc -eq 0 ] && wait_for 10 has "$tmp/s.log" "$(cat "$tmp/c.out")" &&
		has "$tmp/c.log" "${5:-in the kernel}" &&
		has "$tmp/s.log" "${6:-in the kernel}" && join 10 $server
	result $? "$text" "$tmp/c.log" "$tmp/s.log"
	stop $server
}
# refused TEXT "LISTEN" "CONNECT" CLIENT-CODE CLIENT-SAYS: neither side goes on, and
# the kernel has no part in it.
refused() {
	local text=$1 rc
	[ -n "$userspace" ] && picked "$text" || return
	# shellcheck disable=SC2086
	listen $2 || { result 1 "$text" "$tmp/s.log"; return; }
	# shellcheck disable=SC2086
	connect $3 $addr_s:$port
	rc=$?
	[ $rc -eq "$4" ] && grep -qiE "$5" "$tmp/c.log" && ! has "$tmp/c.log" "in the kernel" &&
		! has "$tmp/s.log" "in the kernel"
	result $? "$text" "$tmp/c.log" "$tmp/s.log"
	stop $server
}

good "X.509" "$s" "$c"
good "X.509, IPv6" "$s" "$c" "[$addr6_s]"
good "X.509 of both" "$s --require-cert --ca $tmp/ca.pem" \
	"$c --cert $tmp/client.pem --key $tmp/client.key" "" "" "CN=client"
good "RSA or ECDSA, as the client likes" "$s --cert $tmp/server2.pem --key $tmp/server2.key" \
	"$c --priority -KX-ALL:+ECDHE-RSA" "" ECDHE_RSA
good "PSK" "--psk joe:$psk_hex" "--psk joe:$psk_hex" "" "PSK 'joe'" "PSK 'joe'"
good "raw public keys" "$raw_s --require-cert --peer-rawpk $tmp/client.pub" \
	"$raw_c --peer-rawpk $tmp/server.pub" "" "raw public key" "raw public key"
good "ALPN" "$s --alpn x,b" "$c --alpn a,b" "" "ALPN b" "ALPN b"
good "small handshake MTU" "$s --mtu 300" "$c --mtu 300"
refused "another name" "$s" "--ca $tmp/ca.pem --verify-name other.example" 4 \
	"not for the name 'other.example'"
refused "no name that fits the address" "$s" "--ca $tmp/ca.pem" 4 "not for the name"
refused "unknown issuer" "$s" "--ca $tmp/server2.pem --verify-name $name_s" 4 "not trusted"
refused "no certificate where one is required" "$s --require-cert --ca $tmp/ca.pem" "$c" 3 "alert"
refused "unknown PSK identity" "--psk joe:$psk_hex" "--psk jim:$psk_hex" 3 "alert"
refused "wrong PSK" "--psk joe:$psk_hex --timeout 5" "--psk joe:${psk_hex}00 --timeout 5" 2 \
	"did not come to an end"
refused "another raw public key" "$raw_s" "--peer-rawpk $tmp/client.pub" 4 \
	"not one of those expected"
refused "raw public key, and none expected" "$raw_s" "$raw_c" 4 "none is expected"
refused "no common ALPN" "$s --alpn x" "$c --alpn y" 3 "alert 120"
refused "no common suite" "$s --priority -CIPHER-ALL:+AES-128-CCM" \
	"$c --priority -CIPHER-ALL:+AES-256-GCM" 3 "alert 40"

# What one may ask of a session must be the same at both ends.
if picked exporter; then
good "exporter and channel bindings" "$s $label" "$c $label"
for what in exported tls-exporter tls-unique tls-server-end-point; do
	a=$(grep -o "$what [0-9a-f]*" "$tmp/c.log")
	[ -n "$a" ] && has "$tmp/s.log" "$a"
	result $? "$what is the same at both ends" "$tmp/c.log" "$tmp/s.log"
done
grep -q "exported .*keys are in the kernel" <(tr '\n' ' ' <"$tmp/c.log") &&
	has "$tmp/c.log" "peer's name DNS:$name_s"
result $? "the peer's names are there after the hand-over" "$tmp/c.log"
fi

if picked resumption; then
# Resumption: the last flight is the client's.
listen $s --keep
connect $c --session-out "$tmp/session" $addr_s:$port
result $? "a session to resume" "$tmp/c.log" "$tmp/s.log"
connect $c --session-in "$tmp/session" $addr_s:$port && has "$tmp/c.log" ", resumed" &&
	has "$tmp/c.log" "last flight ours" && has "$tmp/s.log" ", resumed"
result $? "resumption" "$tmp/c.log" "$tmp/s.log"
# Several at once, each with a socket of its own.
: >"$tmp/s.log"
many=()
for i in 1 2 3 4; do
	ask "many $i" "$tmp/many$i" in_c timeout $((60 * slow)) "$kdtls" -v connect $c $addr_s:$port \
		2>"$tmp/many$i.log" &
	many+=($!)
done
rc=0
for i in 1 2 3 4; do
	wait "${many[i - 1]}" && [ "$(cat "$tmp/many$i")" = "many $i" ] || rc=1
done
result $rc "four clients at a time" "$tmp"/many*.log "$tmp/s.log"
stop $server
fi

# Nothing before the cookie: a ClientHello without one gets a HelloVerifyRequest
# and is forgotten.  Here the client never sees it.
if picked cookie; then
	listen $s
	in_s tc qdisc replace dev veth0 root netem loss 100%
	start "$tmp/tap.log" in_s tcpdump -i veth0 -nn -c 2 -x "udp port $port and udp[8] == 22"
	tap=$started
	wait_for 20 has "$tmp/tap.log" "listening on"
	in_c timeout $((20 * slow)) "$kdtls" connect $c --timeout 2 $addr_s:$port >"$tmp/c.log" 2>&1 </dev/null
	wait_for 5 has "$tmp/tap.log" "length" &&
		[ "$(in_s ss -Huan "sport = :$port" | wc -l)" -eq 1 ] &&
		[ "$(wc -l <"$tmp/s.log")" -eq 1 ]
	result $? "no socket before the cookie" "$tmp/s.log" "$tmp/c.log"
	netem_off
	# And now the whole exchange, on the same server.
	connect $c $addr_s:$port
	result $? "the same listener takes a client with a cookie" "$tmp/s.log" "$tmp/c.log"
	stop $tap
	stop $server
fi

if picked nobody; then
	in_c timeout $((20 * slow)) "$kdtls" connect $c $addr_s:9 >"$tmp/c.log" 2>&1 </dev/null
	[ $? -eq 2 ] && has "$tmp/c.log" "Connection refused"
	result $? "nobody there" "$tmp/c.log"
fi

# A file, and a network that does its worst to it.
head -c 1500000 /dev/urandom >"$tmp/file"
transfer() { # TEXT "LISTEN" "CONNECT"
	picked "$1" || return
	start "$tmp/s.log" in_s "$kdtls" -v --stats listen $s $2 ":$port"
	server=$started
	wait_for 20 listening $nss $port
	in_c timeout $((100 * slow)) "$kdtls" -v --stats connect $c $3 $addr_s:$port >"$tmp/c.log" 2>&1 &&
		join 20 $server && cmp "$tmp/file" "$tmp/got"
	result $? "$1" "$tmp/c.log" "$tmp/s.log"
	stop $server
	rm -f "$tmp/got"
}
transfer "a file, sent by the client" "--recv $tmp/got" "--send $tmp/file"
transfer "a file, sent by the server" "--send $tmp/file" "--recv $tmp/got"
transfer "a file, record by record" "--recv $tmp/got --no-batch" "--send $tmp/file --no-batch"
if ! picked "bad network"; then
	:
elif netem delay 5ms 2ms loss 5% duplicate 5% reorder 20%; then
	transfer "a file over a bad network" "--recv $tmp/got" "--send $tmp/file"
	netem_off
else
	skip "a file over a bad network" "no netem"
fi
: >"$tmp/file"
transfer "an empty file" "--recv $tmp/got" "--send $tmp/file"
finish
