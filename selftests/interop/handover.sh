#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kselftest-timeout: 300
#
# The OpenSSL backend: openssl-echo (userspace/examples) moves its SSL into the
# kernel.  Both roles, each AEAD; its far end is OpenSSL or GnuTLS in userspace,
# or kdtls.
. "$(dirname "$0")/lib.bash"

echo_=$built/openssl-echo
net_up || { not_ok "network"; finish; }
certs && make_cert rsa rsa $name_s || { not_ok "certificates"; finish; }
n=0

served() { # ARGUMENTS...
	start "$tmp/s.log" in_s "$@"
	server=$started
	wait_for 20 listening $nss $port
}
asked() { # ARGUMENTS...
	n=$((n + 1))
	: >"$tmp/c.out"
	ask "ping $n" "$tmp/c.out" in_c timeout $((40 * slow)) "$@" 2>"$tmp/c.log"
	has "$tmp/c.out" "ping $n"
}

served gnutls-serv --udp --echo -p $port --priority \
	NORMAL:-VERS-ALL:+VERS-DTLS1.2:+AES-128-CCM:+AES-128-CCM-8:+PSK \
	--x509certfile "$tmp/server.pem" --x509keyfile "$tmp/server.key"
while read -r name kx cipher; do
	picked "$name" || continue
	asked "$echo_" client $addr_s $port --ca "$tmp/ca.pem" --ciphers "$name" &&
		has "$tmp/c.log" "$name, keys are in the kernel"
	result $? "OpenSSL in the kernel, client of gnutls-serv: $name" "$tmp/c.log" "$tmp/s.log"
done < <(suites ECDHE-ECDSA)
stop $server
port=$((port + 1))

served "$echo_" server $addr_s $port --cert "$tmp/server.pem" --key "$tmp/server.key" --count 100
while read -r name kx cipher; do
	picked "$name" || continue
	asked openssl s_client -dtls1_2 -quiet -no_ign_eof -connect $addr_s:$port -CAfile "$tmp/ca.pem" \
		-verify_return_error -cipher "$name:@SECLEVEL=0" &&
		has "$tmp/s.log" "$name, keys are in the kernel"
	result $? "OpenSSL in the kernel, server of s_client: $name" "$tmp/c.log" "$tmp/s.log"
done < <(suites ECDHE-ECDSA)
stop $server
port=$((port + 1))

# Both ends in the kernel, one of each backend: the exporters must agree.
if picked exporter; then
	served "$echo_" server $addr_s $port --cert "$tmp/server.pem" --key "$tmp/server.key"
	asked "$kdtls" -v connect "${client_args[@]}" --export EXPERIMENTAL-kdtls $addr_s:$port &&
		has "$tmp/c.log" "$(grep -o 'exported [0-9a-f]*' "$tmp/s.log")"
	result $? "exporter is the same with both backends" "$tmp/c.log" "$tmp/s.log"
	stop $server
	port=$((port + 1))
fi
if picked PSK; then
	served "$echo_" server $addr_s $port --psk $psk_hex
	asked "$kdtls" -v connect --psk joe:$psk_hex $addr_s:$port
	result $? "PSK, OpenSSL server" "$tmp/c.log" "$tmp/s.log"
	stop $server
	port=$((port + 1))
	served "$kdtls" -v listen --echo --psk client:$psk_hex ":$port"
	asked "$echo_" client $addr_s $port --psk $psk_hex
	result $? "PSK, OpenSSL client" "$tmp/c.log" "$tmp/s.log"
	stop $server
	port=$((port + 1))
fi
if picked resumption; then
	served "$kdtls" -v listen --keep --echo "${server_args[@]}" ":$port"
	(echo one; wait_for 20 has "$tmp/c.out" one) |
		in_c timeout $((60 * slow)) "$echo_" client $addr_s $port --ca "$tmp/ca.pem" --count 2 \
			>"$tmp/c.out" 2>"$tmp/c.log"
	[ "$(grep -c 'in the kernel' "$tmp/c.log")" -eq 2 ] && has "$tmp/c.log" ", resumed" &&
		has "$tmp/s.log" ", resumed"
	result $? "resumption, OpenSSL client: its flight is the last" "$tmp/c.log" "$tmp/s.log"
	stop $server
	port=$((port + 1))
fi
if picked loss; then
	if netem loss 20% duplicate 20% reorder 30% delay 3ms 2ms; then
		served "$echo_" server $addr_s $port --cert "$tmp/server.pem" --key "$tmp/server.key"
		asked "$echo_" client $addr_s $port --ca "$tmp/ca.pem"
		result $? "both OpenSSL, both in the kernel, over a bad network" "$tmp/c.log" "$tmp/s.log"
		stop $server
		netem_off
	else
		skip "both OpenSSL, over a bad network" "no netem"
	fi
fi
finish
