#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kselftest-timeout: 300
#
# DTLS 1.3 with a peer that is neither ours nor wolfSSL: NSS (nss-peer.c), both
# roles, every suite that it has, key updates started by either side, tickets, lost
# last flights, a bad network.
#
# It is the NSS of firefox-esr: Debian's own speaks a draft, and proves nothing.
. "$(dirname "$0")/lib.bash"

not_on_61
where=${KDTLS_NSS:-/usr/lib/firefox-esr}
least=3.125
nss_peer=(env "LD_LIBRARY_PATH=$where" "$built/nss-peer")
[ -x "$built/nss-peer" ] || { echo "1..0 # SKIP no libnss3-dev when this was built"; exit 4; }
[ -e "$where/libssl3.so" ] || { echo "1..0 # SKIP no firefox-esr, whose NSS this needs"; exit 4; }
version=$("${nss_peer[@]}" version) || { echo "1..0 # SKIP NSS of $where does not run"; exit 4; }
printf '%s\n' $least "$version" | sort -CV ||
	{ echo "1..0 # SKIP NSS is $version, DTLS 1.3 of RFC 9147 needs $least"; exit 4; }
echo "# NSS $version"
net_up || { not_ok "network"; finish; }
certs || { not_ok "certificates"; finish; }
s="${server_args[*]}" c="${client_args[*]}"
# A client that has gone is a failed test, and no more.
trap '' PIPE

serve_nss() {
	serve "${nss_peer[@]}" server $addr_s $((port + 1)) --cert "$tmp/server.pem" \
		--key "$tmp/server.key" "$@"
}
client_nss() {
	client "${nss_peer[@]}" client $addr_s "${via:-$port}" --ca "$tmp/ca.pem" \
		--name $name_s "$@"
}

# ---- Every suite

for suite in TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256; do
	[ -n "$userspace" ] || [[ $suite == *128_GCM* ]] || continue
	if picked "kdtls, NSS: $suite"; then
		serve_nss --suite $suite
		# shellcheck disable=SC2086
		client_kdtls $c --suites $suite
		answer && answer && answer && both_say "DTLS 1.3, $suite" &&
			has "$tmp/c.log" "keys are in the kernel" && bye && join 20 $server &&
			has "$tmp/s.log" "close_notify received"
		result $? "kdtls, NSS: $suite" "$tmp/c.log" "$tmp/s.log"
		stop $server
	fi
	if picked "NSS, kdtls: $suite"; then
		# shellcheck disable=SC2086
		serve_kdtls $s --suites $suite
		client_nss --suite $suite
		answer && answer && answer && both_say "DTLS 1.3, $suite" &&
			has "$tmp/s.log" "keys are in the kernel" && bye && join 20 $server
		result $? "NSS, kdtls: $suite" "$tmp/c.log" "$tmp/s.log"
		stop $server
	fi
done

# ---- What NSS has not, and what it has besides

if picked "kdtls, NSS: CID"; then
	serve_nss
	# shellcheck disable=SC2086
	client_kdtls $c --cid=9
	answer && ! has "$tmp/c.log" "connection ID" && bye
	result $? "kdtls, NSS: CID, and NSS wants none" "$tmp/c.log" "$tmp/s.log"
	stop $server
fi
if picked "kdtls, NSS: another name"; then
	serve_nss
	# shellcheck disable=SC2086
	client_kdtls --ca "$tmp/ca.pem" --verify-name other.kdtls.example
	exec 8>&-
	join 60 $client
	[ $? -eq 4 ] && ! has "$tmp/c.log" "in the kernel" && join 20 $server
	[ $? -eq 1 ] && has "$tmp/s.log" "SSL_ERROR_" && ! has "$tmp/s.log" "DTLS 1.3"
	result $? "kdtls, NSS: another name, refused" "$tmp/c.log" "$tmp/s.log"
	stop $server
fi
if picked "NSS, kdtls: another name"; then
	# shellcheck disable=SC2086
	serve_kdtls $s
	client_nss --name other.kdtls.example
	exec 8>&-
	join 60 $client
	[ $? -eq 1 ] && has "$tmp/c.log" "SSL_ERROR_BAD_CERT_DOMAIN" && join 20 $server
	[ $? -eq 3 ] && ! has "$tmp/s.log" "in the kernel"
	result $? "NSS, kdtls: another name, refused" "$tmp/c.log" "$tmp/s.log"
	stop $server
fi
# Its ticket comes with keys of the kernel, which acknowledges it: else it comes again.
if picked "kdtls, NSS: ticket"; then
	serve_nss --tickets
	before=$(stat_of $nsc TxAcks)
	# shellcheck disable=SC2086
	client_kdtls $c
	answer && [ "$(stat_of $nsc TxAcks)" -gt "$before" ] && answer && bye
	result $? "kdtls, NSS: ticket" "$tmp/c.log" "$tmp/s.log" <(in_c cat /proc/net/dtls_stat)
	stop $server
fi

# ---- Key updates, while there is something to say

kn() { serve_nss; client_kdtls $c; }
nk() { serve_kdtls $s; client_nss; }
log=$tmp/c.log dir=send also=
updates "kdtls's client begins, NSS's server" client USR1 kn
log=$tmp/s.log dir=send also=
updates "kdtls's server begins, NSS's client" server USR1 nk
log=$tmp/c.log dir=send also=receive
updates "kdtls's client asks for that of NSS's server" client USR2 kn
log=$tmp/s.log dir=send also=receive
updates "kdtls's server asks for that of NSS's client" server USR2 nk
log=$tmp/s.log dir=receive also=send
updates "NSS's client begins" line - nk
log=$tmp/c.log dir=receive also=send
updates "NSS's server begins" peer - kn

# ---- The last flight is lost, exactly, after the hand-over

# proxy WHOSE: what that one says last is lost once
proxy() {
	via=$((port + 2000))
	start "$tmp/proxy.log" in_s "$built/udp-proxy" $via $addr_s $port "$1" drop13 1
	proxy=$started
	wait_for 20 listening $nss $via
}
if picked "last flight to NSS"; then
	serve_nss
	proxy client
	before=$(stat_of $nsc TxLastFlight)
	# shellcheck disable=SC2086
	client_kdtls $c
	wait_for 60 has "$tmp/s.log" "nss-peer: DTLS" && answer && bye &&
		[ "$(stat_of $nsc TxLastFlight)" -gt "$before" ] &&
		has "$tmp/proxy.log" "dropped Finished"
	result $? "the client's last flight to NSS is lost" "$tmp/c.log" "$tmp/s.log" \
		"$tmp/proxy.log" <(in_c cat /proc/net/dtls_stat)
	stop $proxy
	stop $server
	via=
fi
if picked "NSS's last flight"; then
	# shellcheck disable=SC2086
	serve_kdtls $s
	proxy server
	before=$(stat_of $nss TxAcks)
	client_nss
	wait_for 60 has "$tmp/c.log" "nss-peer: DTLS" && answer && bye &&
		[ "$(stat_of $nss TxAcks)" -gt "$before" ] &&
		has "$tmp/proxy.log" "dropped Finished"
	result $? "the acknowledgement of NSS's last flight is lost" "$tmp/c.log" "$tmp/s.log" \
		"$tmp/proxy.log" <(in_s cat /proc/net/dtls_stat)
	stop $proxy
	stop $server
	via=
fi

# ---- Handshakes where 20 % of everything is lost

if ! picked "lossy handshake"; then
	:
elif netem delay 4ms 3ms loss 20% duplicate 20% reorder 30% 25%; then
	for who in kdtls NSS; do
		# shellcheck disable=SC2086
		case $who in
		kdtls) serve_nss
			client_kdtls $c --timeout $((90 * slow)) ;;
		NSS) serve_kdtls $s --timeout $((90 * slow))
			client_nss ;;
		esac
		wait_for 60 has "$tmp/c.log" "DTLS" && answer && answer
		result $? "lossy handshake, the client is $who" "$tmp/c.log" "$tmp/s.log"
		exec 8>&-
		stop $client
		stop $server
	done
	netem_off
else
	skip "lossy handshake" "no netem"
fi
finish
