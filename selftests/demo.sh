#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The show, guest half: run as root in the guest (make demo boots it).
#
#	demo.sh [FILE]		or FILE=..., KDTLS_KO=... if dtls is not loaded
#
# A file crosses a network of two namespaces in DTLS records that the kernel
# sealed and opened; then the same kernel talks to OpenSSL and GnuTLS, in both
# roles.  Exit code 0: all of it worked.
. "$(dirname "$0")/interop/lib.bash"

file=${1:-${FILE:-}}
began=$SECONDS failed=0
log=$tmp/log

head1() { printf '\n==> %s\n' "$*"; }
line() { printf '    %s\n' "$*"; }
die() {
	printf '\nFAILED: %s\n' "$1"
	shift
	for f in "$@"; do
		tail -n 20 "$f" | tr -cd '[:print:]\n\t' | sed 's/^/    | /'
	done
	exit 1
}
# Shows the lines of a kdtls log that a person wants to see.
kdtls_says() { sed -n 's/^kdtls: /    /p' "$1" | grep -v -e listening -e ' of .* KiB$'; }

load() {
	local dep ko=${KDTLS_KO:-/run/vm/dtls.ko}
	if [ ! -d /sys/module/dtls ]; then
		for dep in $(modinfo -F depends "$ko" | tr ',' ' '); do
			modprobe "$dep" || return
		done
		insmod "$ko" || return
		line "insmod $(basename "$ko")"
	fi
	line "Linux $(uname -r), module dtls is loaded"
}

# Something of tens of megabytes that every machine of this kind has.
choose_file() {
	local f
	for f in "$file" /usr/lib/gcc/*-linux-gnu/*/cc1 \
		/usr/bin/qemu-system-x86_64; do
		[ -n "$f" ] && [ -f "$f" ] && file=$f && return
	done
	[ -z "$file" ] || die "there is no file $file"
	file=$tmp/random
	head -c 20000000 /dev/urandom >"$file"
}

# Two packets of the middle of the transfer, as anybody on the wire sees them.
show_tap() {
	# Behind the UDP header: 28 bytes after the IP header starts.
	tcpdump -nn -r "$tmp/tap" -x 2>/dev/null | awk '
		/^[0-9]/ { n++ }
		n >= 9 && n <= 10 { if (/^[0-9]/ || c[n]++ < 4) print "    " $0 }'
	line "(one packet for many records: segmentation is left to the network card;"
	line " at 0x001c: 17 = application data, fefd = DTLS 1.2, 0001 = epoch 1,"
	line " six bytes of sequence number, two of length; then explicit nonce, ciphertext)"
	# The first bytes of the file are in the capture: not readable, please.
	if head -c 256 "$file" | od -An -tx1 -v -w16 | tr -d ' ' |
	   grep -v -E '^(..)\1*$' | grep -F -f - <(od -An -tx1 -v -w4096 "$tmp/tap" | tr -d ' \n') >/dev/null; then
		die "the tap has seen plaintext"
	fi
}

transfer() {
	local tap size
	size=$(stat -L -c %s "$file")
	head1 "A file: $file, $((size >> 20)) MiB, from $addr_c to $addr_s"
	in_s tcpdump -i veth0 -nn -s 400 -c 16 -w "$tmp/tap" \
		"udp dst port $port and greater 500" 2>"$tmp/tap.log" &
	tap=$!
	pids+=($tap)
	wait_for 20 has "$tmp/tap.log" "listening on" || die "no packet tap" "$tmp/tap.log"
	start "$tmp/s.log" in_s "$kdtls" listen "${server_args[@]}" --stats \
		--recv "$tmp/received" ":$port"
	wait_for 20 listening $nss $port || die "kdtls does not listen" "$tmp/s.log"
	line "server: kdtls listen --cert server.pem --recv received :$port"
	line "client: kdtls connect --ca ca.pem --send FILE $addr_s:$port"
	in_c "$kdtls" connect "${client_args[@]}" --stats --send "$file" \
		$addr_s:$port 2>&1 | tee "$tmp/c.log" | sed -un 's/^kdtls: \(sent .* KiB\)$/    ... \1/p'
	join 60 "$started" || die "the file did not arrive" "$tmp/s.log" "$tmp/c.log"
	line
	line "client:"
	kdtls_says "$tmp/c.log"
	line "server:"
	kdtls_says "$tmp/s.log"
	line
	line "sent      $(sha256sum <"$file" | cut -c1-64)"
	line "received  $(sha256sum <"$tmp/received" | cut -c1-64)"
	cmp -s "$file" "$tmp/received" || die "the two differ"
	line "SHA-256 is the same"
	rm -f "$tmp/received"

	head1 "What the counters say (/proc/net/dtls_stat)"
	paste <(in_c cat /proc/net/dtls_stat) <(in_s cat /proc/net/dtls_stat) |
		awk 'BEGIN { printf "    %-20s %12s %12s\n", "", "client", "server" }
		     $2 || $4 { printf "    %-20s %12s %12s\n", $1, $2, $4 }'
	head1 "What a packet tap saw"
	kill $tap 2>/dev/null
	wait $tap 2>/dev/null
	show_tap
}

# peer NAME ROLE [ECHO]: the far end is a program of another library.  It gets
# the numbers from 1 to 500, and sends as many lines as one datagram holds, or
# everything back that it got.
answer() { seq -f 'from afar %g' 1 60; }
far=
run_far() {	# our role is connect
	mkfifo "$tmp/in"
	sleep 100 >"$tmp/in" &
	pids+=($!)
	# shellcheck disable=SC2086
	start "$tmp/far.log" in_s bash -c "exec $far <'$tmp/in' >'$tmp/far.out'"
	wait_for 20 listening $nss $port || die "$1 does not listen" "$tmp/far.log"
	(seq 1 500; wait_for 20 has "$tmp/our.out" "$last") |
		in_c timeout 40 "$kdtls" connect "${client_args[@]}" $addr_s:$port \
		>"$tmp/our.out" 2>"$tmp/our.log" &
	ours=$!
	pids+=($ours)
	[ -n "$echo" ] || { wait_for 20 has "$tmp/far.out" 500 && answer >"$tmp/in"; }
	join 40 $ours
}

run_near() {	# our role is listen
	# shellcheck disable=SC2086
	start "$tmp/our.log" in_s bash -c "{ cat; } < <(seq 1 500; sleep 60) |
		timeout 40 $kdtls listen ${server_args[*]} :$port >'$tmp/our.out'"
	wait_for 20 listening $nss $port || die "kdtls does not listen" "$tmp/our.log"
	mkfifo "$tmp/in"
	sleep 100 >"$tmp/in" &
	pids+=($!)
	# shellcheck disable=SC2086
	start "$tmp/far.log" in_c bash -c "exec $far <'$tmp/in' >'$tmp/far.out'"
	wait_for 20 has "$tmp/far.out" 500 && answer >"$tmp/in"
	wait_for 20 has "$tmp/our.out" "$last"
}

peer() {
	local name=$1 role=$2 echo=${3:-} start=$SECONDS last="from afar 60"
	[ -z "$echo" ] || last=500
	rm -f "$tmp"/our.* "$tmp"/far.* "$tmp/in"
	if [ "$role" = connect ]; then run_far "$name"; else run_near "$name"; fi
	if grep -q 'keys are in the kernel' "$tmp/our.log" &&
	   if [ -n "$echo" ]; then
		diff <(seq 1 500) "$tmp/our.out" >/dev/null
	   else
		diff <(seq 1 500) <(grep -aE '^[0-9]+$' "$tmp/far.out") >/dev/null &&
		diff <(answer) "$tmp/our.out" >/dev/null
	   fi; then
		line "$name: ok ($((SECONDS - start)) s)"
		line "  $(sed -n 's/^kdtls: DTLS 1.2, \([^,]*\).*/\1/p' "$tmp/our.log")"
	else
		failed=1
		line "$name: FAILED"
		for f in our.log our.out far.log far.out; do
			tail -n 8 "$tmp/$f" | tr -cd '[:print:]\n\t' | sed "s/^/    $f| /"
		done
	fi
	stop "$started"
	port=$((port + 1))
}

head1 "kdtls: DTLS records sealed and opened by the kernel"
load || die "the module cannot be loaded"
choose_file
net_up || die "no network namespaces"
line "two network namespaces, joined by veth: client $addr_c, server $addr_s"
certs || die "no certificates"
line "X.509: a CA, and a certificate for $name_s"

transfer

head1 "The same kernel and other libraries' programs, 500 lines there, some back"
tls="-cert $tmp/server.pem -key $tmp/server.key"
port=$((port + 1))
far="openssl s_server -dtls1_2 -quiet -naccept 1 -accept $port $tls"
peer "openssl s_server <- kernel" connect
far="openssl s_client -dtls1_2 -quiet -connect $addr_s:$port -CAfile $tmp/ca.pem -verify_return_error"
peer "openssl s_client -> kernel" listen
far="gnutls-serv --udp --echo -p $port --x509certfile $tmp/server.pem --x509keyfile $tmp/server.key"
peer "gnutls-serv --udp <- kernel" connect echo
far="gnutls-cli --udp --x509cafile $tmp/ca.pem --verify-hostname $name_s -p $port $addr_s"
peer "gnutls-cli --udp -> kernel" listen

head1 "$([ $failed -eq 0 ] && echo Done || echo FAILED): $((SECONDS - began)) s"
exit $failed
