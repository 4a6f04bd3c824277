#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# wireguard.sh up|down NETNS: a pair of devices, one here and one in NETNS (a
# path), that talk over this namespace's loopback: a device leaves its socket
# behind when it moves.
set -e
far=$2
if [ "$1" = down ]; then
	ip link del bench0
	nsenter --net="$far" ip link del bench1
	exit 0
fi
keys=("$(wg genkey)" "$(wg genkey)")
for i in 0 1; do
	ip link add bench$i type wireguard
	wg set bench$i listen-port $((51820 + i)) private-key <(echo "${keys[i]}") \
		peer "$(wg pubkey <<<"${keys[1 - i]}")" \
		endpoint 127.0.0.1:$((51821 - i)) allowed-ips 10.99.0.0/24
	# Room for the largest payload, as loopback has it for the others.
	ip link set bench$i mtu 16000
done
ip link set bench1 netns "$far"
ip addr add 10.99.0.1/24 dev bench0
ip link set bench0 up
nsenter --net="$far" sh -e -c 'ip addr add 10.99.0.2/24 dev bench1; ip link set bench1 up'
