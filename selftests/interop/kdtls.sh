#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kselftest-timeout: 300
#
# kdtls on both ends: what the library and the program promise.
. "$(dirname "$0")/lib.bash"

net_up || { not_ok "network"; finish; }
certs || { not_ok "certificates"; finish; }

# session NAME "LISTEN ARGUMENTS" "CONNECT ARGUMENTS" [HOST]: a line each way.
session() {
	local name=$1 host=${4:-$addr_s} server rc
	# shellcheck disable=SC2086
	start "$tmp/s.log" in_s bash -c "{ cat; } < <(echo pong; sleep 60) | timeout 60 $kdtls -v listen $2 :$port"
	server=$started
	wait_for 20 listening $nss $port || { result 1 "$name: listens" "$tmp/s.log"; return 1; }
	# shellcheck disable=SC2086
	(echo ping; wait_for 30 has "$tmp/c.out" pong) |
		in_c timeout 60 "$kdtls" -v connect $3 "$host:$port" >"$tmp/c.out" 2>"$tmp/c.log"
	rc=$?
	[ $rc -eq 0 ] && has "$tmp/c.out" pong && wait_for 10 has "$tmp/s.log" ping
	result $? "$name" "$tmp/c.log" "$tmp/c.out" "$tmp/s.log"
	stop "$server"
	return $rc
}

s="${server_args[*]}" c="${client_args[*]}"
session "X.509, IPv4" "$s" "$c"
session "X.509, IPv6" "$s" "$c" "[$addr6_s]"
finish
