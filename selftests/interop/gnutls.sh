#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kselftest-timeout: 600
#
# The far end is gnutls-serv or gnutls-cli: both roles, each AEAD of the kernel,
# each way to authenticate.
. "$(dirname "$0")/lib.bash"

net_up || { not_ok "network"; finish; }
certs && make_cert rsa rsa $name_s || { not_ok "certificates"; finish; }
echo "joe:$psk_hex" >"$tmp/psk"
for k in server client; do
	openssl pkey -in "$tmp/$k.key" -pubout -out "$tmp/$k.pub" 2>/dev/null
done
base=NORMAL:-VERS-ALL:+VERS-DTLS1.2:+AES-128-CCM:+AES-128-CCM-8
n=0

# ---- kdtls connects; gnutls-serv sends back what it gets

serv() { # ARGUMENTS...
	start "$tmp/s.log" in_s gnutls-serv --udp --echo -p $port "$@"
	server=$started
	wait_for 20 listening $nss $port
}
client() { # ARGUMENTS...
	n=$((n + 1))
	: >"$tmp/c.out"
	ask "ping $n" "$tmp/c.out" in_c timeout $((40 * slow)) "$kdtls" -v connect "$@" \
		--verify-name $name_s $addr_s:$port 2>"$tmp/c.log" && has "$tmp/c.out" "ping $n"
}

serv --priority "$base:+PSK:+DHE-PSK:+ECDHE-PSK" --x509certfile "$tmp/server.pem" \
	--x509keyfile "$tmp/server.key" --x509certfile "$tmp/rsa.pem" \
	--x509keyfile "$tmp/rsa.key" --pskpasswd "$tmp/psk" --alpn coap
while read -r name kx cipher; do
	picked "$name" || continue
	case $kx in
	*PSK) who="--psk joe:$psk_hex" ;;
	*) who="--ca $tmp/ca.pem" ;;
	esac
	# shellcheck disable=SC2086
	client $who --priority "$(priority $kx $cipher)" && said_suite "$tmp/c.log" $kx $cipher
	result $? "kernel client, gnutls-serv: $name" "$tmp/c.log" "$tmp/s.log"
done < <(suites)
if picked resumption; then
	client --ca "$tmp/ca.pem" --session-out "$tmp/session" &&
		client --ca "$tmp/ca.pem" --session-in "$tmp/session" &&
		has "$tmp/c.log" ", resumed"
	result $? "kernel client, gnutls-serv: resumption" "$tmp/c.log" "$tmp/s.log"
fi
if picked ALPN; then
	client --ca "$tmp/ca.pem" --alpn x,coap && has "$tmp/c.log" "ALPN coap"
	result $? "kernel client, gnutls-serv: ALPN" "$tmp/c.log" "$tmp/s.log"
fi
stop $server
port=$((port + 1))

if picked "raw public key"; then
	serv --priority "$base:-CTYPE-ALL:+CTYPE-SRV-RAWPK:+CTYPE-CLI-RAWPK" \
		--rawpkkeyfile "$tmp/server.key" --rawpkfile "$tmp/server.pub"
	client --rawpk "$tmp/client.key" --peer-rawpk "$tmp/server.pub" &&
		has "$tmp/c.log" "raw public key"
	result $? "kernel client, gnutls-serv: raw public keys" "$tmp/c.log" "$tmp/s.log"
	stop $server
	port=$((port + 1))
fi
if picked "client certificate"; then
	serv --priority "$base" --x509certfile "$tmp/server.pem" --x509keyfile "$tmp/server.key" \
		--x509cafile "$tmp/ca.pem" --require-client-cert --verify-client-cert
	client --ca "$tmp/ca.pem" --cert "$tmp/client.pem" --key "$tmp/client.key"
	result $? "kernel client, gnutls-serv: client certificate" "$tmp/c.log" "$tmp/s.log"
	stop $server
	port=$((port + 1))
fi

# ---- kdtls listens

listen() { # ARGUMENTS...
	start "$tmp/s.log" in_s "$kdtls" -v listen --keep --echo "$@" ":$port"
	server=$started
	wait_for 20 listening $nss $port
}
cli() { # ARGUMENTS...
	n=$((n + 1))
	: >"$tmp/c.out"
	ask "ping $n" "$tmp/c.out" in_c timeout $((40 * slow)) gnutls-cli --udp -p $port "$@" $addr_s \
		2>"$tmp/c.log" && has "$tmp/c.out" "ping $n" && has "$tmp/s.log" "ping $n"
}

# A key exchange that libkdtls does not offer by itself.
more=+RSA
listen "${server_args[@]}" --cert "$tmp/rsa.pem" --key "$tmp/rsa.key" --psk joe:$psk_hex \
	--alpn coap,x --priority $more
while read -r name kx cipher; do
	picked "$name" || continue
	case $kx in
	*PSK) who="--pskusername joe --pskkey $psk_hex" ;;
	*) who="--x509cafile $tmp/ca.pem --verify-hostname $name_s" ;;
	esac
	# shellcheck disable=SC2086
	cli $who --priority "$base:$(priority $kx $cipher)" &&
		said_suite <(tail -n 12 "$tmp/s.log") $kx $cipher
	result $? "kernel server, gnutls-cli: $name" "$tmp/c.log" "$tmp/c.out" "$tmp/s.log"
# Not DHE-PSK and ECDHE-PSK: there Debian's gnutls-cli 3.7.9 itself dies of a
# segmentation fault.  The kernel as their client is tested above.
done < <(suites ECDHE-ECDSA ECDHE-RSA DHE-RSA RSA PSK)
if picked ALPN; then
	cli --x509cafile "$tmp/ca.pem" --verify-hostname $name_s --alpn coap &&
		has "$tmp/s.log" "ALPN coap"
	result $? "kernel server, gnutls-cli: ALPN" "$tmp/c.log" "$tmp/c.out" "$tmp/s.log"
fi
stop $server
port=$((port + 1))

if picked "raw public key"; then
	listen --rawpk "$tmp/server.key" --peer-rawpk "$tmp/client.pub" --require-cert
	cli --priority "$base:-CTYPE-ALL:+CTYPE-SRV-RAWPK:+CTYPE-CLI-RAWPK" --no-ca-verification \
		--rawpkkeyfile "$tmp/client.key" --rawpkfile "$tmp/client.pub" &&
		has "$tmp/s.log" "raw public key"
	result $? "kernel server, gnutls-cli: raw public keys" "$tmp/c.log" "$tmp/c.out" "$tmp/s.log"
	stop $server
fi
finish
