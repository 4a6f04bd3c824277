#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kselftest-timeout: 600
#
# DTLS 1.3: kdtls with itself and with wolfSSL (wolf-peer13), both roles, every
# suite, with and without connection IDs, key updates started by either side,
# tickets, a lost last flight, a bad network, and who falls back to DTLS 1.2.
. "$(dirname "$0")/lib.bash"

peer=$built/wolf-peer13
[ -x "$peer" ] || { echo "1..0 # SKIP no wolfSSL with DTLS 1.3 when this was built"; exit 4; }
net_up || { not_ok "network"; finish; }
certs || { not_ok "certificates"; finish; }
s="${server_args[*]}" c="${client_args[*]}"
wolf_s="--dtls13 --cert $tmp/server.pem --key $tmp/server.key"
wolf_c="--dtls13 --ca $tmp/ca.pem --name $name_s"
# A client that has gone is a failed test, and no more.
trap '' PIPE

# suite-of-IANA suite-of-wolfSSL
suites13="
	TLS_AES_128_GCM_SHA256		TLS13-AES128-GCM-SHA256
	TLS_AES_256_GCM_SHA384		TLS13-AES256-GCM-SHA384
	TLS_CHACHA20_POLY1305_SHA256	TLS13-CHACHA20-POLY1305-SHA256
	TLS_AES_128_CCM_SHA256		TLS13-AES128-CCM-SHA256
	TLS_AES_128_CCM_8_SHA256	TLS13-AES128-CCM-8-SHA256
"

serve_wolf() {
	# shellcheck disable=SC2086
	serve "$peer" server $addr_s $((port + 1)) $wolf_s "$@"
}

client_wolf() {
	# shellcheck disable=SC2086
	client "$peer" client $addr_s $port $wolf_c "$@"
}

# ---- Every suite, who is who, connection IDs

while read -r iana wolf; do
	[ -n "$iana" ] || continue
	[ -n "$userspace" ] || [[ $iana == *128_GCM* ]] || continue
	# Short ones: wolfSSL 5.5.4 forgets them when it counts how much room a record
	# needs, and then cannot write.
	for cid in none "4 7" "3 0"; do
		[ -z "$few" ] || [ "$cid" = none ] || [[ $iana == *128_GCM* ]] || continue
		read -r cid_s cid_c <<<"$cid"
		ks='' kc='' ws='' wc='' text="$iana"
		if [ "$cid" != none ]; then
			text="$iana, CID $cid"
			ks="--cid=$cid_s" kc="--cid=$cid_c"
			ws="--cid $cid_s" wc="--cid $cid_c"
			said="connection ID: $cid_s bytes in what is sent, $cid_c in"
		else
			said="keys are in the kernel"
		fi
		# shellcheck disable=SC2086
		if [ "$cid" = none ] && picked "kdtls, kdtls: $text"; then
			serve_kdtls $s --suites $iana $ks
			client_kdtls $c --suites $iana $kc
			answer && answer && has "$tmp/c.log" "$said" &&
				both_say "DTLS 1.3, $iana," && bye && join 20 $server
			result $? "kdtls, kdtls: $text" "$tmp/c.log" "$tmp/s.log"
			stop $server
		fi
		# shellcheck disable=SC2086
		if picked "kdtls, wolfSSL: $text"; then
			serve_wolf --suite $wolf $ws
			client_kdtls $c --suites $iana $kc
			answer && answer && has "$tmp/c.log" "$said" &&
				has "$tmp/c.log" "DTLS 1.3, $iana," && bye && join 20 $server
			result $? "kdtls, wolfSSL: $text" "$tmp/c.log" "$tmp/s.log"
			stop $server
		fi
		# shellcheck disable=SC2086
		if picked "wolfSSL, kdtls: $text"; then
			serve_kdtls $s --suites $iana $ks
			client_wolf --suite $wolf $wc
			# Its close_notify with CCM_8 is too short to be a record
			# (RFC 9147 4.2.3), and is not sent.
			answer && answer && has "$tmp/s.log" "DTLS 1.3, $iana," && bye &&
				{ [[ $iana == *CCM_8* ]] || join 20 $server; }
			result $? "wolfSSL, kdtls: $text" "$tmp/c.log" "$tmp/s.log"
			stop $server
		fi
	done
done <<<"$suites13"

for cid in "32 0" "0 32" "32 32" "1 31"; do
	read -r cid_s cid_c <<<"$cid"
	picked "kdtls, kdtls: CID $cid" || continue
	# shellcheck disable=SC2086
	serve_kdtls $s --cid=$cid_s
	# shellcheck disable=SC2086
	client_kdtls $c --cid=$cid_c
	answer && has "$tmp/c.log" "connection ID: $cid_s bytes in what is sent, $cid_c in" && bye
	result $? "kdtls, kdtls: CID $cid" "$tmp/c.log" "$tmp/s.log"
	stop $server
done
if picked "CID, and the other wants none"; then
	# shellcheck disable=SC2086
	serve_kdtls $s
	# shellcheck disable=SC2086
	client_kdtls $c --cid=9
	answer && ! has "$tmp/c.log" "connection ID" && bye
	result $? "CID, and the other wants none" "$tmp/c.log" "$tmp/s.log"
	stop $server
fi

# ---- Who the peer is

if picked "client certificate"; then
	# shellcheck disable=SC2086
	serve_kdtls $s --require-cert --ca "$tmp/ca.pem"
	# shellcheck disable=SC2086
	client_kdtls $c --cert "$tmp/client.pem" --key "$tmp/client.key"
	answer && has "$tmp/s.log" "CN=client" && bye
	result $? "client certificate" "$tmp/c.log" "$tmp/s.log"
	stop $server
fi
if picked PSK; then
	serve_kdtls --psk "joe:$psk_hex"
	client_kdtls --psk "joe:$psk_hex"
	answer && both_say "PSK 'joe'" && bye
	result $? "PSK" "$tmp/c.log" "$tmp/s.log"
	stop $server
fi
if picked exporter; then
	# shellcheck disable=SC2086
	serve_kdtls $s --export EXPERIMENTAL-kdtls --keep
	for i in 1 2; do
		# shellcheck disable=SC2086
		client_kdtls $c --export EXPERIMENTAL-kdtls
		answer && bye
		for what in exported tls-exporter; do
			one=$(grep -o "$what [0-9a-f]*" "$tmp/c.log")
			[ -n "$one" ] && has "$tmp/s.log" "$one" &&
				! has "$tmp/exported" "$one"
			result $? "exporter: $what is the same at both ends, and of this session" \
				"$tmp/c.log" "$tmp/s.log"
		done
		cp "$tmp/c.log" "$tmp/exported"
	done
	stop $server
fi
# refused TEXT "LISTEN" "CONNECT" CLIENT-CODE CLIENT-SAYS
refused() {
	[ -n "$userspace" ] && picked "refused: $1" || return
	# shellcheck disable=SC2086
	serve_kdtls $2
	# shellcheck disable=SC2086
	client_kdtls $3
	exec 8>&-
	join 60 $client
	[ $? -eq "$4" ] && grep -qiE "$5" "$tmp/c.log" && ! has "$tmp/c.log" "in the kernel" &&
		! has "$tmp/s.log" "in the kernel"
	result $? "refused: $1" "$tmp/c.log" "$tmp/s.log"
	stop $server
}
refused "another name" "$s" "--ca $tmp/ca.pem --verify-name other.kdtls.example" 4 "not for the name"
refused "unknown issuer" "$s" "--ca $tmp/client.pem --verify-name $name_s" 4 "issuer"
refused "unknown PSK" "--psk joe:$psk_hex" "--psk jim:$psk_hex" 3 "alert 40"
refused "no common ALPN" "$s --alpn x" "$c --alpn y" 3 "alert 120"

# A client is done before the server has judged it; it learns it from the kernel.
if picked "refused: no certificate where one is required"; then
	# shellcheck disable=SC2086
	serve_kdtls $s --require-cert --ca "$tmp/ca.pem"
	# shellcheck disable=SC2086
	client_kdtls $c
	join 20 $server
	[ $? -eq 3 ] && ! has "$tmp/s.log" "in the kernel" &&
		wait_for 20 has "$tmp/c.log" "fatal alert"
	result $? "refused: no certificate where one is required" "$tmp/c.log" "$tmp/s.log"
	exec 8>&-
	stop $client
	stop $server
fi
if picked nobody; then
	# shellcheck disable=SC2086
	in_c timeout $((20 * slow)) "$kdtls" connect $c --dtls 1.3 $addr_s:9 >"$tmp/c.log" 2>&1 </dev/null
	[ $? -eq 2 ] && has "$tmp/c.log" "Connection refused"
	result $? "nobody there" "$tmp/c.log"
fi

# ---- Key updates, while there is something to say

kk() { serve_kdtls $s; client_kdtls $c; }
kw() { serve_wolf; client_kdtls $c --cid=5; }
wk() { serve_kdtls $s --cid=6; client_wolf --cid 3; }
log=$tmp/c.log dir=send also=
updates "kdtls's client begins" client USR1 kk
log=$tmp/s.log dir=receive also=
updates "kdtls's client begins, seen by the server" client USR1 kk
log=$tmp/s.log dir=send also=receive
updates "kdtls's server begins, and asks for the client's" server USR2 kk
log=$tmp/c.log dir=send also=receive
updates "kdtls's client and wolfSSL's server" client USR2 kw
log=$tmp/s.log dir=send also=receive
updates "kdtls's server and wolfSSL's client" server USR2 wk
log=$tmp/s.log dir=receive also=send
updates "wolfSSL's client begins" line - wk
log=$tmp/c.log dir=receive also=send
updates "wolfSSL's server begins" peer - kw

# ---- A file, with keys that change under way, and a network that does its worst

# keep_updating PID...: both ends, until one is gone
keep_updating() {
	while kill -USR1 "$1" 2>/dev/null && kill -USR2 "$2" 2>/dev/null; do
		read -rt 0.2 -u 9
	done
}
transfer() { # TEXT BYTES "LISTEN" "CONNECT"
	local text=$1 updater=
	picked "$text" || return
	head -c "$2" /dev/urandom >"$tmp/file"
	shift
	port=$((port + 1))
	# shellcheck disable=SC2086
	start "$tmp/s.log" in_s "$kdtls" -v --stats listen --dtls 1.3 $s $2 ":$port"
	server=$started
	wait_for 20 listening $nss $port
	# shellcheck disable=SC2086
	start "$tmp/c.log" in_c "$kdtls" -v --stats connect --dtls 1.3 $c $3 $addr_s:$port
	client=$started
	if [[ $text == *updates* ]]; then
		# Before that a signal would do nothing.
		wait_for 20 has "$tmp/c.log" "in the kernel" &&
			wait_for 20 has "$tmp/s.log" "in the kernel" &&
			keep_updating $client $server &
		updater=$!
	fi
	join 100 $client && join 20 $server && cmp "$tmp/file" "$tmp/got" &&
		{ [ -z "$updater" ] || grep -qE 'sent .*epoch ([4-9]|[1-9][0-9])' "$tmp/c.log"; }
	result $? "$text" "$tmp/c.log" "$tmp/s.log"
	stop $server
	[ -z "$updater" ] || stop $updater
	rm -f "$tmp/got" "$tmp/file"
}
transfer "a file, sent by the client" 1500000 "--recv $tmp/got" "--send $tmp/file"
transfer "a file, sent by the server" 1500000 "--send $tmp/file --cid" "--recv $tmp/got --cid=0"
size=3000000
[ -n "$few" ] || size=6000000
transfer "a file, with key updates" $size "--recv $tmp/got" "--send $tmp/file"
if ! picked "bad network"; then
	:
elif netem delay 5ms 2ms loss 5% duplicate 5% reorder 20%; then
	transfer "a file over a bad network, with key updates" $((size / 3 * 2)) "--recv $tmp/got --cid" \
		"--send $tmp/file --cid"
	netem_off
else
	skip "a file over a bad network" "no netem"
fi

# ---- Handshakes where 20 % of everything is lost

if ! picked "lossy handshake"; then
	:
elif netem delay 4ms 3ms loss 20% duplicate 20% reorder 30% 25%; then
	often=(1 2 3 6)
	[ -n "$few" ] || often=(1 2 3 4 5 6)
	for i in "${often[@]}"; do
		# shellcheck disable=SC2086
		case $i in
		1|4) serve_kdtls $s --mtu 400 --timeout $((90 * slow))
			client_kdtls $c --timeout $((90 * slow)) ;;
		2|5) serve_kdtls $s --require-cert --ca "$tmp/ca.pem" --cid --timeout $((90 * slow))
			client_kdtls $c --cert "$tmp/client.pem" --key "$tmp/client.key" --cid \
				--timeout $((90 * slow)) ;;
		3) serve_wolf
			client_kdtls $c --timeout $((90 * slow)) ;;
		6) serve_kdtls $s --timeout $((90 * slow))
			client_wolf ;;
		esac
		# To wolfSSL 5.5.4 data before the Finished is the end of everything.
		wait_for 60 has "$tmp/c.log" "DTLS" && wait_for 60 has "$tmp/s.log" "DTLS" &&
			answer
		result $? "lossy handshake $i" "$tmp/c.log" "$tmp/s.log"
		exec 8>&-
		stop $client
		stop $server
	done
	netem_off
else
	skip "lossy handshake" "no netem"
fi

# ---- The last flight is lost, exactly, after the hand-over

# proxy WHOSE WHAT N: between the client and $port
proxy() {
	via=$((port + 2000))
	start "$tmp/proxy.log" in_s "$built/udp-proxy" $via $addr_s $port "$1" "$2" "$3"
	proxy=$started
	wait_for 20 listening $nss $via
}
often=(1 2)
[ -z "$few" ] || often=(2)
for i in "${often[@]}"; do
	picked "last flight" || continue
	# The server repeats its own, and the kernel answers with the client's.
	# shellcheck disable=SC2086
	serve_kdtls $s
	proxy client drop13 $i
	before=$(stat_of $nsc TxLastFlight)
	# shellcheck disable=SC2086
	client_kdtls $c
	wait_for 60 has "$tmp/s.log" "keys are in the kernel" && answer && bye &&
		[ $(($(stat_of $nsc TxLastFlight) - before)) -ge $i ] &&
		[ "$(grep -c 'dropped Finished' "$tmp/proxy.log")" -eq $i ]
	result $? "the client's last flight is lost, $i times" "$tmp/c.log" "$tmp/s.log" \
		"$tmp/proxy.log" <(in_c cat /proc/net/dtls_stat)
	stop $proxy
	stop $server

	serve_wolf
	proxy client drop13 $i
	before=$(stat_of $nsc TxLastFlight)
	# shellcheck disable=SC2086
	client_kdtls $c
	wait_for 60 has "$tmp/s.log" "wolf-peer: DTLS" && answer && bye &&
		[ $(($(stat_of $nsc TxLastFlight) - before)) -ge $i ] &&
		[ "$(grep -c 'dropped Finished' "$tmp/proxy.log")" -eq $i ]
	result $? "the client's last flight to wolfSSL is lost, $i times" "$tmp/c.log" "$tmp/s.log" \
		"$tmp/proxy.log" <(in_c cat /proc/net/dtls_stat)
	stop $proxy
	stop $server

	# The client repeats it, and the kernel acknowledges it again.
	# shellcheck disable=SC2086
	serve_kdtls $s
	proxy server drop13 $i
	before=$(stat_of $nss TxAcks)
	# shellcheck disable=SC2086
	client "$peer" client $addr_s $via $wolf_c
	wait_for 60 has "$tmp/c.log" "wolf-peer: DTLS" && answer && bye &&
		[ $(($(stat_of $nss TxAcks) - before)) -ge $i ] &&
		[ "$(grep -c 'dropped Finished' "$tmp/proxy.log")" -eq $i ]
	result $? "the acknowledgement of wolfSSL's last flight is lost, $i times" "$tmp/c.log" \
		"$tmp/s.log" "$tmp/proxy.log" <(in_s cat /proc/net/dtls_stat)
	stop $proxy
	stop $server
	via=
done
if picked "overtakes"; then
	# shellcheck disable=SC2086
	serve_kdtls $s
	proxy client swap13 1
	# shellcheck disable=SC2086
	client_kdtls $c
	wait_for 20 has "$tmp/c.log" "in the kernel"
	answer && has "$tmp/proxy.log" released && grep -q ', 1 early records' "$tmp/s.log" && bye
	result $? "data that overtakes the last flight is not lost" "$tmp/c.log" "$tmp/s.log" \
		"$tmp/proxy.log"
	stop $proxy
	stop $server
	via=
fi

# ---- DTLS 1.2 for those who have no other

auto() { # TEXT "LISTEN" "CONNECT" VERSION
	picked "$1" || return
	# shellcheck disable=SC2086
	serve "$kdtls" -v listen --echo $s $2 ":$((port + 1))"
	# shellcheck disable=SC2086
	client "$kdtls" -v connect $c $3 "$addr_s:$port"
	answer && both_say "DTLS $4, " && bye && join 20 $server
	result $? "$1" "$tmp/c.log" "$tmp/s.log"
	stop $server
}
auto "auto and auto: 1.3" "--dtls auto" "--dtls auto" 1.3
auto "auto and auto with CID: 1.3" "--dtls auto --cid" "--dtls auto --cid" 1.3
auto "auto, server of 1.2" "" "--dtls auto" 1.2
auto "auto, client of 1.2" "--dtls auto" "" 1.2
auto "auto, client of 1.3" "--dtls auto" "--dtls 1.3" 1.3
auto "auto, server of 1.3" "--dtls 1.3" "--dtls auto" 1.3
if picked "auto, gnutls-serv"; then
	serve gnutls-serv --udp --echo -p $((port + 1)) --x509certfile "$tmp/server.pem" \
		--x509keyfile "$tmp/server.key"
	# shellcheck disable=SC2086
	client "$kdtls" -v connect $c --dtls auto $addr_s:$port
	answer && has "$tmp/c.log" "DTLS 1.2, " && bye
	result $? "auto, gnutls-serv" "$tmp/c.log" "$tmp/s.log"
	stop $server
fi
# Without a cookie exchange OpenSSL looks at the suites at once, and refuses.
if picked "auto, OpenSSL without cookies"; then
	serve bash -c "exec openssl s_server -dtls1_2 -quiet -accept $((port + 1)) \
		-cert '$tmp/server.pem' -key '$tmp/server.key' <'$tmp/never'"
	# shellcheck disable=SC2086
	client "$kdtls" -v connect $c --dtls auto $addr_s:$port
	wait_for 20 has "$tmp/c.log" "DTLS 1.2, "
	echo abc >&8
	wait_for 20 has "$tmp/s.log" abc && bye
	result $? "auto, OpenSSL without cookies" "$tmp/c.log" "$tmp/s.log"
	stop $server
fi

# Somebody answers the ClientHello of 1.3 with a HelloVerifyRequest of 1.2, and leaves
# the rest to a server that could do better: the client must find out.
if picked "forged"; then
	cat >"$tmp/forge.py" <<-'EOF'
		import select, socket, sys
		port, host, to = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
		front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		front.bind(("0.0.0.0", port))
		back, first = {}, None
		cookie = bytes.fromhex("fefd04") + b"kdtl"
		body = bytes([3, 0, 0, len(cookie), 0, 0, 0, 0, 0, 0, 0, len(cookie)]) + cookie
		hvr = bytes.fromhex("16fefd") + bytes(8) + len(body).to_bytes(2, "big") + body
		while True:
		    for s in select.select([front] + list(back), [], [])[0]:
		        if s is not front:
		            front.sendto(s.recv(65536), back[s])
		            continue
		        data, client = front.recvfrom(65536)
		        if first in (None, client):
		            first = client
		            front.sendto(hvr, client)
		            continue
		        out = [s for s in back if back[s] == client]
		        if not out:
		            out = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM)]
		            out[0].connect((host, to))
		            back[out[0]] = client
		        out[0].send(data)
	EOF
	# forge "LISTEN": what becomes of a client that would take both
	forge() {
		# shellcheck disable=SC2086
		serve "$kdtls" -v listen --echo $s $1 ":$((port + 1))"
		via=$((port + 2000))
		start "$tmp/forge.log" in_s python3 "$tmp/forge.py" $via $addr_s $port
		forger=$started
		wait_for 20 listening $nss $via
		# shellcheck disable=SC2086
		client "$kdtls" -v connect $c --dtls auto $addr_s:$via
	}
	forge "--dtls auto"
	exec 8>&-
	join 60 $client
	[ $? -eq 3 ] && has "$tmp/c.log" "1.3 was refused, though"
	result $? "forged refusal of 1.3: noticed" "$tmp/c.log" "$tmp/s.log" "$tmp/forge.log"
	stop $forger
	stop $server
	# The same with a server of 1.2 is no lie.
	forge "--dtls 1.2"
	answer && both_say "DTLS 1.2, " && bye
	result $? "forged refusal of 1.3, but true" "$tmp/c.log" "$tmp/s.log" "$tmp/forge.log"
	stop $forger
	stop $server
	via=
fi
finish
