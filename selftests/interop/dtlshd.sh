#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kselftest-timeout: 300
#
# dtlshd shakes hands for programs that have no TLS library (handshake.py): as clients
# and servers, with OpenSSL and kdtls at the far end.
. "$(dirname "$0")/lib.bash"
not_on_61

net_up || { not_ok "network"; finish; }
certs || { not_ok "certificates"; finish; }
program="$(dirname "$0")/handshake.py"

cat >"$tmp/psk" <<END
# identity:key
joe:$psk_hex
END
chmod 600 "$tmp/psk"
cat >"$tmp/dtlshd.conf" <<END
# what every test needs
[daemon]
log-level = 6

[client]
trust = $tmp/ca.pem

[server]
certificate = $tmp/server.pem
key = $tmp/server.key
users = *

[credential joe]
psk-file = $tmp/psk
psk-identity = joe

[credential me]
trust = $tmp/ca.pem
certificate = $tmp/client.pem
key = $tmp/client.key
alpn = coap

[credential strict]
trust = $tmp/ca.pem
certificate = $tmp/server.pem
key = $tmp/server.key
require-certificate = yes
users = nobody
alpn = coap
END

# daemon NS: starts one there.
daemon() {
	: >"$tmp/d$1.log"
	start "$tmp/d$1.log" ip netns exec "$1" "$built/dtlshd" -v -c "$tmp/dtlshd.conf"
	[ "$1" != $nsc ] || client_daemon=$started
	wait_for 20 has "$tmp/d$1.log" ready
}
# busy COUNT: the clients' has so many descriptors open.
busy() {
	local fds=(/proc/"$client_daemon"/fd/*)
	[ ${#fds[@]} -ge "$1" ]
}
logs=("$tmp/c.log" "$tmp/c.out" "$tmp/s.log" "$tmp/s.out" "$tmp/d$nsc.log" "$tmp/d$nss.log")

# client ARGUMENTS...: a line to the far end, which must come back.
n=0
client() {
	n=$((n + 1))
	: >"$tmp/c.out"
	ask "ping $n" "$tmp/c.out" in_c timeout $((60 * slow)) "$program" client "$@" \
		2>"$tmp/c.log" && has "$tmp/c.out" "ping $n"
}
# here TEXT: is this case wanted, which is the daemon's affair alone?
here() { [ -z "$few" ] && picked "$1"; }
# fails TEXT ERROR ARGUMENTS...: as client, but the option says ERROR.
fails() {
	local text=$1 error=$2
	shift 2
	{ [ "$error" = "No such process" ] && picked "$text"; } || here "$text" || return
	client "$@" </dev/null
	has "$tmp/c.out" "failed: $error"
	result $? "$text" "${logs[@]}"
}

fails "no daemon" "No such process" $addr_s $port $name_s

{ daemon $nsc && daemon $nss; } || { result 1 "daemons" "${logs[@]}"; finish; }
ok "two daemons, one for each namespace"

# ---- kdtls at the far end
listen() {
	: >"$tmp/s.log"
	start "$tmp/s.log" in_s "$kdtls" -v listen --keep --echo "$@" ":$port"
	server=$started
	wait_for 20 listening $nss $port
}
listen "${server_args[@]}" --psk joe:$psk_hex --alpn coap,x
if picked client; then
	client $addr_s $port $name_s && has "$tmp/c.out" "DNS:$name_s" &&
		has "$tmp/c.out" "CN=server" && has "$tmp/c.out" "version fefd"
	result $? "client, kdtls" "${logs[@]}"
	client $addr_s $port "" joe
	result $? "client with a PSK, kdtls" "${logs[@]}"
	client $addr_s $port $name_s me && has "$tmp/c.out" " coap "
	result $? "client with ALPN, kdtls" "${logs[@]}"
fi
fails "another name" "Key was rejected by service" $addr_s $port other.example
fails "no name: the address is no name of the server" "Key was rejected by service" $addr_s $port
fails "nobody there" "Connection refused" $addr_s 10 $name_s
fails "no such credential" "No such file or directory" $addr_s $port $name_s jim
if here user; then
	: >"$tmp/c.out"
	in_c env AS=65534 timeout $((60 * slow)) "$program" client $addr_s $port "" joe \
		>"$tmp/c.out" 2>"$tmp/c.log" </dev/null
	has "$tmp/c.out" "failed: Permission denied"
	result $? "a user who may not use a credential" "${logs[@]}"
	in_c env AS=65534 timeout $((60 * slow)) "$program" client $addr_s $port $name_s \
		>"$tmp/c.out" 2>"$tmp/c.log" </dev/null && has "$tmp/c.out" "peer:"
	result $? "a user without privilege" "${logs[@]}"
fi

# Many at once, and the daemon has one process for them.
if picked many; then
	: >"$tmp/c.out"
	in_c timeout $((100 * slow)) "$program" many $addr_s $port $name_s 30 \
		>"$tmp/c.out" 2>"$tmp/c.log" </dev/null
	[ "$(grep -c "^many " "$tmp/c.out")" -eq 30 ]
	result $? "30 clients at once" "${logs[@]}"
fi
stop $server

# ---- OpenSSL at the far end
port=$((port + 1))
if picked s_server; then
	mkfifo "$tmp/in"
	exec 8<>"$tmp/in"
	start "$tmp/s.log" in_s bash -c "exec openssl s_server -dtls1_2 -quiet -accept $port \
		-cert $tmp/server.pem -key $tmp/server.key <'$tmp/in' >'$tmp/s.out'"
	server=$started
	wait_for 20 listening $nss $port
	: >"$tmp/c.out"
	(
		echo ping
		wait_for 20 eval "has '$tmp/s.out' ping || [ -e '$tmp/c.gone' ]"
		echo pong >&8
		wait_for 20 eval "has '$tmp/c.out' pong || [ -e '$tmp/c.gone' ]"
	) | {
		in_c timeout $((60 * slow)) "$program" client $addr_s $port $name_s \
			>"$tmp/c.out" 2>"$tmp/c.log"
		: >"$tmp/c.gone"
	}
	has "$tmp/c.out" pong && has "$tmp/s.out" ping && has "$tmp/c.out" "DNS:$name_s"
	result $? "client, s_server" "${logs[@]}"
	stop $server
	exec 8>&-
fi

# serve CREDENTIAL: handshake.py as a server, for one peer.
serve() {
	port=$((port + 1))
	: >"$tmp/s.out"
	start "$tmp/s.out" in_s env ${2:+AS=$2} "$program" server $addr_s $port "" "$1"
	server=$started
	wait_for 20 has "$tmp/s.out" bound
}
if picked s_client; then
	serve ""
	: >"$tmp/c.out"
	(
		echo ping
		wait_for 20 eval "grep -q ^ping '$tmp/c.out' || [ -e '$tmp/c.gone2' ]"
		echo Q
	) | {
		in_c timeout $((60 * slow)) openssl s_client -dtls1_2 -connect $addr_s:$port \
			-CAfile "$tmp/ca.pem" -verify_return_error -verify_hostname $name_s \
			>"$tmp/c.out" 2>"$tmp/c.log"
		: >"$tmp/c.gone2"
	}
	grep -q ^ping "$tmp/c.out" && join 20 $server
	result $? "server, s_client" "${logs[@]}"
fi
if here server; then
	serve strict 65534
	: >"$tmp/c.out"
	ask "ping s" "$tmp/c.out" in_c timeout $((60 * slow)) "$kdtls" -v connect "${client_args[@]}" \
		--cert "$tmp/client.pem" --key "$tmp/client.key" --alpn coap $addr_s:$port \
		2>"$tmp/c.log" && has "$tmp/c.out" "ping s" &&
		has "$tmp/s.out" "CN=client" && has "$tmp/s.out" "DNS:client.kdtls.example"
	result $? "server that wants a certificate, kdtls" "${logs[@]}"
	stop $server
fi

# ---- The life of the daemon
if here reload; then
	sed "s|^\[client\]|[credential new]\ntrust = $tmp/ca.pem\n\n&|" "$tmp/dtlshd.conf" >"$tmp/new" &&
		cat "$tmp/new" >"$tmp/dtlshd.conf"
	kill -HUP "$client_daemon"
	wait_for 20 has "$tmp/d$nsc.log" "read again"
	port=$((port + 1))
	listen "${server_args[@]}"
	client $addr_s $port $name_s new
	result $? "a credential that came with SIGHUP" "${logs[@]}"
	echo "[nonsense" >>"$tmp/dtlshd.conf"
	kill -HUP "$client_daemon"
	wait_for 20 has "$tmp/d$nsc.log" "old configuration"
	client $addr_s $port $name_s new
	result $? "a bad configuration changes nothing" "${logs[@]}"
	stop $server
	cat "$tmp/new" >"$tmp/dtlshd.conf"
fi

# It is killed: who waits for it hears of that, what it has done stays.
if picked kill; then
	port=$((port + 1))
	listen "${server_args[@]}"
	mkfifo "$tmp/old"
	exec 7<>"$tmp/old"
	start "$tmp/old.out" in_c bash -c "exec '$program' client $addr_s $port $name_s <'$tmp/old'"
	old=$started
	wait_for 20 has "$tmp/old.out" "peer:"
	# A port that somebody has bound, and never reads.
	mkfifo "$tmp/deaf"
	exec 6<>"$tmp/deaf"
	start "$tmp/deaf.log" in_s socat -u "PIPE:$tmp/deaf" "UDP4-DATAGRAM:$addr_c:9,bind=$addr_s:9"
	deaf=$started
	wait_for 20 listening $nss 9
	start "$tmp/c.out" in_c "$program" many $addr_s 9 $name_s 30
	waiting=$started
	# seven of its own, and two for each that it has taken
	wait_for 60 busy 66
	kill -9 "$client_daemon"
	join 60 $waiting && [ "$(grep -c "failed: Owner died" "$tmp/c.out")" -eq 30 ]
	result $? "30 handshakes, and the daemon is killed" "${logs[@]}"
	echo "still there" >&7
	wait_for 20 has "$tmp/old.out" "still there"
	result $? "traffic goes on without a daemon" "$tmp/old.out" "$tmp/s.log"
	fails "no daemon any more (kill)" "No such process" $addr_s $port $name_s
	daemon $nsc && client $addr_s $port $name_s
	result $? "and with a new daemon" "${logs[@]}"
	stop $old
	stop $deaf
	exec 6>&- 7>&-
	stop $server
fi
finish
