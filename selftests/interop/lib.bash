# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Shared by the interop tests and the demo: two network namespaces joined by a
# veth pair, certificates, processes with deadlines, and TAP.  Sourced in the
# guest, as root, with the module loaded.

top=${KDTLS_TOP:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)}
built=${KDTLS_BUILD:-$top/build}/userspace
kdtls=$built/kdtls
tmp=$(mktemp -d)
# Names with the pid, so that a demo and a test do not meet.
nsc=kdtls-c-$$ nss=kdtls-s-$$
addr_s=10.77.0.1 addr_c=10.77.0.2 addr6_s=fd77::1 addr6_c=fd77::2
name_s=server.kdtls.example
port=4433
mkfifo "$tmp/never" && exec 9<>"$tmp/never"
pids=()
only=("$@")
count=0 bad=0
# How much slower than a machine the guest is, at the worst; says check.py.
slow=${KDTLS_TIMEOUT_SCALE:-1}

cleanup() {
	[ ${#pids[@]} -eq 0 ] || kill -9 "${pids[@]}" 2>/dev/null
	wait 2>/dev/null
	ip netns del $nsc 2>/dev/null
	ip netns del $nss 2>/dev/null
	rm -rf "$tmp"
}
trap cleanup EXIT

# ---- TAP

# picked TEXT: is this case wanted?  TEST=interop/kdtls:PSK picks by a part of it.
picked() {
	local p
	[ ${#only[@]} -gt 0 ] || return 0
	for p in "${only[@]}"; do
		[[ $1 != *$p* ]] || return 0
	done
	return 1
}

ok() { count=$((count + 1)); echo "ok $count - $*"; }
not_ok() {
	count=$((count + 1)) bad=$((bad + 1))
	echo "not ok $count - $*"
}
skip() { count=$((count + 1)); echo "ok $count - $1 # SKIP $2"; }
# result CODE TEXT [FILE...]: shows the files if it is bad.
result() {
	local rc=$1 text=$2 f
	shift 2
	if [ "$rc" -eq 0 ]; then
		ok "$text"
		return
	fi
	for f in "$@"; do
		echo "# --- $(basename "$f"):"
		tail -n 25 "$f" 2>/dev/null | tr -cd '[:print:]\n\t' | sed 's/^/# /'
	done
	not_ok "$text"
}
finish() {
	echo "1..$count"
	[ $bad -eq 0 ]
	exit
}

# ---- Time

# wait_for SECONDS COMMAND...: until it succeeds; false when time is up.
wait_for() {
	local end=$((SECONDS + $1 * slow))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		# sleep(1) without the process: nobody writes into this pipe.
		read -rt 0.1 -u 9
	done
	return 0
}
# has FILE TEXT: without a process, since it is asked ten times a second.
has() { [[ -e $1 && $(<"$1") == *"$2"* ]]; }
# listening NS PORT: somebody has bound the UDP port there.
listening() { ip netns exec "$1" ss -Hlun "sport = :$2" | grep -q .; }
gone() { ! kill -0 "$1" 2>/dev/null; }

# start LOG COMMAND...: in the background; its process is $started.
start() {
	local log=$1
	shift
	# A function would run in a shell of its own, which is not what stop()
	# has to kill.
	case $1 in
	in_c) shift; set -- ip netns exec $nsc "$@" ;;
	in_s) shift; set -- ip netns exec $nss "$@" ;;
	esac
	"$@" >"$log" 2>&1 &
	started=$!
	pids+=("$started")
}
# Ends what start() has started, and gets its exit code (143: our TERM).
stop() {
	kill "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}
# join SECONDS PID: its exit code, or 124 and an end to it.
join() {
	if ! wait_for "$1" gone "$2"; then
		kill -9 "$2" 2>/dev/null
		wait "$2" 2>/dev/null
		return 124
	fi
	wait "$2"
}

# ---- Network

in_c() { ip netns exec $nsc "$@"; }
in_s() { ip netns exec $nss "$@"; }

net_up() {
	ip netns add $nsc && ip netns add $nss || return
	ip link add veth0 netns $nsc type veth peer name veth0 netns $nss || return
	ip -n $nsc addr add $addr_c/24 dev veth0
	ip -n $nss addr add $addr_s/24 dev veth0
	ip -n $nsc addr add $addr6_c/64 dev veth0 nodad
	ip -n $nss addr add $addr6_s/64 dev veth0 nodad
	ip -n $nsc link set veth0 up
	ip -n $nss link set veth0 up
	ip -n $nsc link set lo up
	ip -n $nss link set lo up
	wait_for 10 in_c ping -c 1 -W 1 $addr_s
}

# netem ARGUMENTS: the same misfortune both ways.
netem() {
	modprobe sch_netem 2>/dev/null
	ip netns exec $nsc tc qdisc replace dev veth0 root netem "$@" &&
		ip netns exec $nss tc qdisc replace dev veth0 root netem "$@"
}
netem_off() {
	in_c tc qdisc del dev veth0 root 2>/dev/null
	in_s tc qdisc del dev veth0 root 2>/dev/null
	:
}

# stat NS NAME: a counter of /proc/net/dtls_stat.
stat_of() { ip netns exec "$1" awk -v n="$2" '$1 == n { print $2 }' /proc/net/dtls_stat; }

# ---- Certificates

# make_cert NAME KEYTYPE DNS: $tmp/NAME.pem and NAME.key, of the CA in $tmp/ca.pem
make_cert() {
	local alg
	case $2 in
	ec) alg="ec -pkeyopt ec_paramgen_curve:prime256v1" ;;
	rsa) alg="rsa:2048" ;;
	esac
	# shellcheck disable=SC2086
	openssl req -newkey $alg -nodes -keyout "$tmp/$1.key" -out "$tmp/$1.csr" \
		-subj "/O=kdtls test/CN=$1" 2>/dev/null &&
	openssl x509 -req -in "$tmp/$1.csr" -CA "$tmp/ca.pem" -CAkey "$tmp/ca.key" \
		-set_serial $((RANDOM + 2)) -days 7 -out "$tmp/$1.pem" -extfile <(
			echo "subjectAltName=DNS:$3"
			echo "extendedKeyUsage=serverAuth,clientAuth"
			echo "keyUsage=digitalSignature,keyEncipherment"
		) 2>/dev/null
}

certs() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
		-keyout "$tmp/ca.key" -out "$tmp/ca.pem" -days 7 \
		-subj "/CN=kdtls test CA" 2>/dev/null &&
	make_cert server ec $name_s &&
	make_cert client ec client.kdtls.example
}

# What every kdtls that connects here needs.
client_args=(--ca "$tmp/ca.pem" --verify-name $name_s)
server_args=(--cert "$tmp/server.pem" --key "$tmp/server.key")
psk_hex=00112233445566778899aabbccddeeff

# ---- Suites

# What is all in userspace is for KDTLS_LONG=1, as make check-full does it: the kernel
# has one AEAD of a suite whatever the key exchange was.
few=1
[ "${KDTLS_LONG:-}" != 1 ] || few=
# What the kernel has no part in, on one kernel: it is slow where that looks for errors.
userspace=1
if [ -n "$few" ]; then
	[ ! -e /proc/lockdep ] && [ ! -e /sys/kernel/debug/kcsan ] || userspace=
	[[ $(uname -r) != 6.1.* ]] || userspace=
fi
# not_on_61: for a test that takes long, and to which all kernels are the same.
not_on_61() {
	[ -n "$few" ] && [[ $(uname -r) == 6.1.* ]] || return 0
	echo "1..0 # SKIP on 6.1 with KDTLS_LONG=1 only"
	exit 4
}
# suites [KX...]: "openssl-name gnutls-kx gnutls-cipher" of every suite of DTLS 1.2
# with one of the kernel's AEADs; or, with few, of one for each AEAD, as the key
# exchange is userspace's affair.
suites() {
	local kx prefix c few=$few kxs="${*:-ECDHE-ECDSA ECDHE-RSA DHE-RSA RSA PSK DHE-PSK ECDHE-PSK}"
	[ $# -ne 1 ] || few=
	for kx in $kxs; do
		prefix=$kx-
		[ "$kx" != RSA ] || prefix=
		for c in AES128-GCM-SHA256:AES-128-GCM AES256-GCM-SHA384:AES-256-GCM \
			CHACHA20-POLY1305:CHACHA20-POLY1305 \
			AES128-CCM:AES-128-CCM AES128-CCM8:AES-128-CCM-8; do
			case $kx:$c in
			ECDHE-RSA:*CCM*|RSA:CHACHA*|ECDHE-PSK:AES*) continue ;;
			esac
			case $few:$kx:$c in
			:*|1:ECDHE-ECDSA:AES*|1:PSK:CHACHA*) ;;
			*) continue ;;
			esac
			echo "$prefix${c%%:*} $kx ${c#*:}"
		done
	done
}
# The priority string for one of them.
priority() { echo "-KX-ALL:+$1:-CIPHER-ALL:+$2"; }
# What kdtls says of it: openssl's names and GnuTLS's, in terms of IANA's.
cipher_of() {
	case $1 in
	AES-128-GCM) echo AES_128_GCM_SHA256 ;;
	AES-256-GCM) echo AES_256_GCM_SHA384 ;;
	CHACHA20-POLY1305) echo CHACHA20_POLY1305_SHA256 ;;
	AES-128-CCM) echo AES_128_CCM ;;
	AES-128-CCM-8) echo AES_128_CCM_8 ;;
	esac
}
# said_suite LOG KX CIPHER: the keys of that suite are in the kernel.
said_suite() {
	local iana
	iana=$(cipher_of "$3")
	grep -qE "DTLS 1.2, TLS_[A-Z_]*WITH_${iana}(_SHA256)?,.*keys are in the kernel" "$1"
}

# ask LINE OUTPUT COMMAND...: the command gets LINE on stdin, which stays open
# until OUTPUT has it (or the command has gone).
ask() {
	local line=$1 out=$2
	shift 2
	rm -f "$out.gone"
	(echo "$line"; wait_for 20 eval "has '$out' '$line' || [ -e '$out.gone' ]") |
		{ "$@" >"$out"; rc=$?; : >"$out.gone"; exit $rc; }
}

# ---- A dialogue of DTLS 1.3: a server, and a client whose stdin is a pipe

# serve COMMAND...: in the background, its log is s.log; each on a port of its own
serve() {
	port=$((port + 1))
	: >"$tmp/s.log"
	start "$tmp/s.log" in_s "$@"
	server=$started
	wait_for 20 listening $nss $port
}
serve_kdtls() { serve "$kdtls" -v listen --dtls 1.3 --echo "$@" ":$((port + 1))"; }
# client COMMAND...: in the background
client() {
	rm -f "$tmp/c.in"
	mkfifo "$tmp/c.in"
	: >"$tmp/c.out"
	: >"$tmp/c.log"
	ip netns exec $nsc "$@" <"$tmp/c.in" >"$tmp/c.out" 2>"$tmp/c.log" &
	client=$!
	pids+=("$client")
	exec 8>"$tmp/c.in"
}
client_kdtls() { client "$kdtls" -v connect --dtls 1.3 "$@" "$addr_s:${via:-$port}"; }
# says LINE: to the client, until it comes back: this is UDP.
says() {
	local tries
	for tries in 1 2 3 4 5; do
		echo "$1" >&8
		wait_for 3 has "$tmp/c.out" "$1" && return
		gone $client && return 1
	done
	return 1
}
# The end of its stdin; its exit code.
bye() {
	exec 8>&-
	join 20 $client
}
asked=0
# answer: one question
answer() {
	asked=$((asked + 1))
	says "line $asked"
}
both_say() { has "$tmp/c.log" "$1" && has "$tmp/s.log" "$1"; }
rekeyed() { # LOG WAY EPOCH
	wait_for 20 has "$1" "new keys to $2 with, epoch $3"
}
updates() { # TEXT: KDTLS-SIGNAL or a line "update", as the arguments say
	local text=$1 who=$2 way=$3
	shift 3
	picked "key update: $text" || return
	"$@"
	answer
	for i in 4 5 6; do
		case $who in
		client) kill "-$way" $client ;;
		server) kill "-$way" $server ;;
		line) echo update >&8 ;;
		peer) says "update $i" ;;
		esac
		answer && answer && rekeyed "$log" "$dir" $i && answer || break
	done
	[ $i -eq 6 ] && answer && { [ -z "$also" ] || rekeyed "$log" "$also" 6; } && bye
	result $? "key update: $text" "$tmp/c.log" "$tmp/s.log"
	stop $server
}
