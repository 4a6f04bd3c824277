#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Guest half of make check-webrtc: one webrtc-echo for each line of /run/vm/servers
# (NAME PORT OPTIONS...), until /run/vm/stop appears.  Offers and answers are files
# in /run/vm/NAME.
. "$(dirname "$0")/../vm/guest-lib.sh"
load_dtls && modprobe virtio_net || exit 1
ip addr add 10.0.2.15/24 dev eth0 && ip link set eth0 up &&
	ip route add default via 10.0.2.2 || exit 1

pids=()
while read -r name port options; do
	mkdir -p "/run/vm/$name"
	# shellcheck disable=SC2086
	"$KDTLS_BUILD/userspace/webrtc-echo" --dir "/run/vm/$name" \
		--candidate "127.0.0.1:$port" $options >"/run/vm/$name.log" 2>&1 &
	pids+=($!)
done </run/vm/servers
: >/run/vm/ready
until [ -e /run/vm/stop ]; do
	sleep 0.3
done
kill "${pids[@]}"
rc=0
for p in "${pids[@]}"; do
	wait "$p" || rc=1
done
cat /proc/net/dtls_stat >/run/vm/dtls_stat
rmmod dtls || rc=1
exit $rc
