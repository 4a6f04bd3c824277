#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Guest half of make bench: guest.sh WHAT..., each of rows, aead, many, peers, memory,
# refusal, dry, time, parallel, symbols. Prints lines of JSON. bench.py says the rest in
# the environment: BENCH (the program), AEAD_KO, ROUNDS, ASSOCIATIONS, ARGS.
here=$(cd "$(dirname "$0")" && pwd -P)
. "$here/../vm/guest-lib.sh"
export BENCH_SCRIPTS=$here

load_dtls || exit
modprobe -a tls wireguard || exit

# What the bench module has said about each cipher and size, as JSON. To be called
# before rows: it waits until the crypto API has found and tested each cipher.
aead() {
	insmod "$AEAD_KO" 2>/dev/null
	dmesg | sed -n 's/.*aead_bench: \(.* failed: .*\)$/{"failed": "AEAD \1"}/p'
	dmesg | sed -n 's/.*aead_bench: \([^ ]*\) \([^ ]*\) \([^ ]*\) \([0-9]*\) \([0-9]*\) \([0-9]*\)$/{"how": "\1", "aead": "\2", "driver": "\3", "size": \4, "seal": \5, "open": \6}/p'
}

transforms() {
	"$BENCH" memory transforms-begin
	insmod "$AEAD_KO" transforms="$1" || return
	"$BENCH" memory transforms
	rmmod aead_bench
}

# What lies where in the kernel, for profile.py.
symbols() {
	echo 0 >/proc/sys/kernel/kptr_restrict
	awk '$2 ~ /[tTwW]/ { print "@", $1, $3 }' /proc/kallsyms
}

# Under an emulated processor there must be no speed, but an error.
refusal() {
	local what out
	for what in time parallel; do
		out=$("$BENCH" $what 0.1 1 2>/dev/null)
		echo "{\"refusal\": \"$what\", \"code\": $?, \"printed\": ${#out}}"
	done
}

echo "{\"release\": \"$(uname -r)\"}"
rc=0
for what; do
	case $what in
	rows) "$BENCH" $ARGS rows "$ROUNDS" ;;
	aead) aead ;;
	many) "$BENCH" many "$ASSOCIATIONS" ;;
	peers) "$BENCH" peers "$ASSOCIATIONS" ;;
	memory) "$BENCH" memory 10000 && transforms 10000 ;;
	refusal) refusal ;;
	dry) "$BENCH" $ARGS time 0 1 && "$BENCH" parallel 0 1 ;;
	time) "$BENCH" $ARGS time "$SECONDS_EACH" "$ROUNDS" ;;
	parallel) "$BENCH" parallel "$SECONDS_EACH" "$ROUNDS" ;;
	symbols) symbols ;;
	esac || rc=1
done
exit $rc
