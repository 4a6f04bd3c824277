#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kselftest-timeout: 300
#
# The ten lines of Python in README.md serve OpenSSL, GnuTLS and kdtls: dtlshd shakes
# hands with everybody who comes to their socket.
. "$(dirname "$0")/lib.bash"
not_on_61

net_up || { not_ok "network"; finish; }
certs || { not_ok "certificates"; finish; }
program="$(dirname "$0")/handshake.py"

echo "joe:$psk_hex" >"$tmp/psk"
echo "many:$(printf 0123456789abcdef | od -An -tx1 | tr -d ' \n')" >>"$tmp/psk"
chmod 600 "$tmp/psk"
cat >"$tmp/dtlshd.conf" <<END
[daemon]
max-handshakes = 4000
max-per-peer = 2000

[server]
certificate = $tmp/server.pem
key = $tmp/server.key
psk-file = $tmp/psk
trust = $tmp/ca.pem
versions = 1.2-1.3
users = *

[credential strict]
certificate = $tmp/server.pem
key = $tmp/server.key
trust = $tmp/ca.pem
require-certificate = yes
END
logs=("$tmp/c.log" "$tmp/c.out" "$tmp/s.log" "$tmp/d.log")

daemon() {
	: >"$tmp/d.log"
	start "$tmp/d.log" ip netns exec $nss "$built/dtlshd" -v -c "$tmp/dtlshd.conf"
	daemon=$started
	wait_for 20 has "$tmp/d.log" ready
}
# As it stands in README.md, but for the port: what is there is what works.
ten_lines() {
	awk '/^```python$/ { text = ""; on = 1; next }
		/^```$/ { if (on && text ~ /336, 3,/) printf "%s", text; on = 0 }
		on { text = text $0 "\n" }' "$top/README.md" | sed "s/4433/$port/"
}
serve() {
	: >"$tmp/s.log"
	start "$tmp/s.log" in_s python3 -IS "$tmp/server.py"
	server=$started
	wait_for 20 has "$tmp/d.log" listens
}
n=0
# back COMMAND...: a line to the far end, which must come back.
back() {
	n=$((n + 1))
	: >"$tmp/c.out"
	ask "ping $n" "$tmp/c.out" in_c timeout $((60 * slow)) "$@" 2>"$tmp/c.log" &&
		has "$tmp/c.out" "ping $n"
}
by_kdtls() { back "$kdtls" -v connect "$@" $addr_s:$port; }

ten_lines >"$tmp/server.py"
[ "$(wc -l <"$tmp/server.py")" -eq 10 ]
result $? "ten lines of README.md" "$tmp/server.py"
daemon && serve
result $? "dtlshd, and the ten lines" "${logs[@]}"

if picked s_client; then
	n=$((n + 1))
	: >"$tmp/c.out"
	rm -f "$tmp/c.gone"
	(
		echo "ping $n"
		wait_for 20 eval "grep -q '^ping $n' '$tmp/c.out' || [ -e '$tmp/c.gone' ]"
		echo Q
	) | {
		in_c timeout $((60 * slow)) openssl s_client -dtls1_2 -connect $addr_s:$port \
			-CAfile "$tmp/ca.pem" -verify_return_error -verify_hostname $name_s \
			>"$tmp/c.out" 2>"$tmp/c.log"
		: >"$tmp/c.gone"
	}
	grep -q "^ping $n" "$tmp/c.out"
	result $? "s_client" "${logs[@]}"
fi
if picked gnutls-cli; then
	back gnutls-cli --udp -p $port --x509cafile "$tmp/ca.pem" --verify-hostname $name_s $addr_s
	result $? "gnutls-cli" "${logs[@]}"
fi
if picked kdtls; then
	by_kdtls "${client_args[@]}" && has "$tmp/c.log" "DTLS 1.2"
	result $? "kdtls, DTLS 1.2" "${logs[@]}"
	by_kdtls --dtls 1.3 "${client_args[@]}" && has "$tmp/c.log" "DTLS 1.3"
	result $? "kdtls, DTLS 1.3" "${logs[@]}"
	by_kdtls --dtls auto --psk joe:$psk_hex && has "$tmp/c.log" "DTLS 1.3"
	result $? "kdtls with a PSK, DTLS 1.3 for the asking" "${logs[@]}"
fi

# What is not sealed does not come in: the server would have sent it back.
if picked plain; then
	start "$tmp/plain.log" in_c socat -T 2 - "UDP4:$addr_s:$port" <<<"in the clear"
	plain=$started
	by_kdtls --psk joe:$psk_hex && join 20 $plain && ! has "$tmp/plain.log" clear
	result $? "nothing for who has not shaken hands" "${logs[@]}"
fi

# The same address again, whose old peer the server still has.
if picked anew; then
	again() {
		back openssl s_client -dtls1_2 -quiet -no_ign_eof -bind $addr_c:5555 -connect $addr_s:$port \
			-psk_identity joe -psk $psk_hex -cipher PSK
	}
	start "$tmp/old.log" in_c bash -c "exec openssl s_client -dtls1_2 -bind $addr_c:5555 \
		-connect $addr_s:$port -psk_identity joe -psk $psk_hex -cipher PSK <'$tmp/never'"
	old=$started
	wait_for 20 has "$tmp/old.log" "Verify return code"
	kill -9 $old
	wait $old 2>/dev/null
	again
	result $? "a peer that starts anew" "${logs[@]}" "$tmp/old.log"
fi

# The daemon is killed under way: the peers that are there have no need of it.
if picked kill; then
	mkfifo "$tmp/held"
	exec 7<>"$tmp/held"
	start "$tmp/held.out" in_c bash -c "exec '$kdtls' -v connect --psk joe:$psk_hex \
		$addr_s:$port <'$tmp/held'"
	held=$started
	echo before >&7
	wait_for 20 has "$tmp/held.out" before
	kill -9 $daemon
	wait $daemon 2>/dev/null
	echo after >&7
	wait_for 20 has "$tmp/held.out" after
	result $? "traffic goes on without a daemon" "$tmp/held.out" "${logs[@]}"
	daemon && wait_for 20 has "$tmp/d.log" listens &&
		by_kdtls --psk joe:$psk_hex
	result $? "the next daemon takes the socket, and serves new ones" "${logs[@]}"
	echo still >&7
	wait_for 20 has "$tmp/held.out" still
	result $? "and the old ones are as they were" "$tmp/held.out" "${logs[@]}"
	stop $held
	exec 7>&-
fi

if picked SIGHUP; then
	echo "eve:$psk_hex" >>"$tmp/psk"
	kill -HUP $daemon
	wait_for 20 has "$tmp/d.log" "read again" && by_kdtls --psk eve:$psk_hex
	result $? "a key that came with SIGHUP" "${logs[@]}"
fi

# many COUNT VERSION: so many at once, a tenth of everything lost.
many() {
	local seconds=$((200 * slow))
	: >"$tmp/c.log"
	in_c timeout $((seconds + 20)) "$built/many-clients" $addr_s $port "$1" "$2" many \
		0123456789abcdef $seconds >"$tmp/c.log" 2>&1
	local rc=$?
	echo "# DTLS $2: $(tail -n 1 "$tmp/c.log")"
	return $rc
}
if picked many; then
	netem loss 10% limit 20000 || skip "netem" "this kernel has none"
	at_once=30
	[ -n "$few" ] || at_once=1000
	for v in 1.2 1.3; do
		many $at_once $v
		result $? "$at_once at once, 10 % loss, DTLS $v" "${logs[@]}"
	done
	netem_off
fi

# When the program ends so does all: nobody else holds its socket.
if picked end; then
	stop $server
	wait_for 20 has "$tmp/d.log" "listens no more"
	result $? "the daemon lets go of a socket that is closed" "${logs[@]}"
	: >"$tmp/s.log"
	start "$tmp/s.log" in_s python3 -IS "$tmp/server.py"
	server=$started
	by_kdtls --psk joe:$psk_hex
	result $? "and its port is free at once" "${logs[@]}"
	stop $server
fi

# Who is it?
if picked identity; then
	port=$((port + 1))
	start "$tmp/s.log" in_s "$program" listen 0.0.0.0 $port "" strict
	server=$started
	wait_for 20 has "$tmp/s.log" bound
	by_kdtls "${client_args[@]}" --cert "$tmp/client.pem" --key "$tmp/client.key" &&
		has "$tmp/s.log" "CN=client" && has "$tmp/s.log" "DNS:client.kdtls.example"
	result $? "who it is, of each peer" "${logs[@]}"
	! by_kdtls "${client_args[@]}" --timeout 3 </dev/null
	result $? "and nobody without a name, where one is wanted" "${logs[@]}"
	stop $server
fi
finish
