#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Guest half of make bench-webrtc: what a message of a data channel costs webrtc-echo,
# with the kernel's records and with OpenSSL's.  One line of JSON for each.
. "$(dirname "$0")/../vm/guest-lib.sh"
load_dtls || exit 1
bin=$KDTLS_BUILD/userspace
peers=${PEERS:-1000} messages=${MESSAGES:-10} port=20000
ulimit -n 8192

for size in ${SIZES:-64 1000}; do
	for seal in ${SEALS:-kernel user}; do
		port=$((port + 1))
		dir=$(mktemp -d)
		"$bin/webrtc-echo" --dir "$dir" --candidate "127.0.0.1:$port" --versions 1.2 \
			--streams 16 --seal "$seal" 2>"$dir/log" &
		echo=$!
		until grep -q "port $port" "$dir/log"; do
			sleep 0.1
		done
		if ! line=$("$bin/webrtc-load" --dir "$dir" --server "127.0.0.1:$port" \
			--peers "$peers" --messages "$messages" --size "$size"); then
			tail -n 5 "$dir/log" >&2
			exit 1
		fi
		echo "{\"seal\": \"$seal\", ${line#\{}"
		kill $echo
		wait $echo
	done
done
rmmod dtls
