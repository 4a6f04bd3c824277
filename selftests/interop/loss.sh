#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kselftest-timeout: 400
#
# Handshakes come up, and stay up, where the network loses, doubles and reorders
# 30 % of everything each way.
. "$(dirname "$0")/lib.bash"

net_up || { not_ok "network"; finish; }
certs || { not_ok "certificates"; finish; }
netem delay 4ms 3ms loss 30% duplicate 30% reorder 30% 25% || {
	skip "netem" "this kernel has none"
	finish
}

# Five rounds of question and answer after each handshake: it is up at both
# ends or it is not.
talk() {
	local i
	for i in 1 2 3 4 5; do
		# UDP loses: the person in front of it types it again.
		until has "$1" "line $i"; do
			echo "line $i"
			sleep 0.3
			[ ! -e "$1.gone" ] || return
		done
	done
}

# one N "LISTEN" "CONNECT": a handshake and a talk.
one() {
	local n=$1 p=$((port + $1)) rc
	# shellcheck disable=SC2086
	start "$tmp/s$n.log" in_s timeout $((200 * slow)) "$kdtls" -v listen --echo --timeout $((120 * slow)) \
		--retransmit 300 $2 ":$p"
	wait_for 60 has "$tmp/s$n.log" "listening on" || return 1
	: >"$tmp/c$n.out"
	# shellcheck disable=SC2086
	talk "$tmp/c$n.out" | {
		in_c timeout $((150 * slow)) "$kdtls" -v connect --timeout $((120 * slow)) --retransmit 300 $3 \
			$addr_s:$p >"$tmp/c$n.out" 2>"$tmp/c$n.log"
		rc=$?
		echo "exit code $rc" >>"$tmp/c$n.log"
		: >"$tmp/c$n.out.gone"
		exit $rc
	} && has "$tmp/c$n.out" "line 5"
}

s="${server_args[*]}" c="${client_args[*]}"
psk="--psk joe:$psk_hex"
runs=12
[ -z "$few" ] || runs=4
jobs=()
for i in $(seq 1 $runs); do
	if [ $((i % 3)) -eq 0 ]; then
		(one "$i" "$psk" "$psk") &
	elif [ $((i % 3)) -eq 1 ]; then
		(one "$i" "$s --mtu 400" "$c") &
	else
		(one "$i" "$s --require-cert --ca $tmp/ca.pem" \
			"$c --cert $tmp/client.pem --key $tmp/client.key") &
	fi
	jobs+=($!)
	# Two processors: a few at a time.
	[ $((i % 4)) -ne 0 ] || wait "${jobs[@]: -4}"
done
up=0 logs=()
for i in $(seq 1 $runs); do
	if wait "${jobs[i - 1]}"; then
		up=$((up + 1))
		echo "# handshake $i came up"
	else
		echo "# handshake $i did not"
		logs+=("$tmp/c$i.log" "$tmp/s$i.log")
	fi
done
# The timer doubles, so that 120 seconds are eight tries or so, and all of them
# may be lost: once in some hundred handshakes.  Two of twelve are no accident.
[ $up -ge $((runs - 1)) ]
result $? "$up of $runs handshakes and data, 30 % loss, duplication, reordering" \
	"${logs[@]}"
echo "# last flights that the kernel sent again: $(stat_of $nss TxLastFlight)"
finish
