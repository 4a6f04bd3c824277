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
pids=()
count=0 bad=0

cleanup() {
	[ ${#pids[@]} -eq 0 ] || kill -9 "${pids[@]}" 2>/dev/null
	wait 2>/dev/null
	ip netns del $nsc 2>/dev/null
	ip netns del $nss 2>/dev/null
	rm -rf "$tmp"
}
trap cleanup EXIT

# ---- TAP

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
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}
has() { grep -qsF -- "$2" "$1"; }
# listening NS PORT: somebody has bound the UDP port there.
listening() { ip netns exec "$1" ss -Hlun "sport = :$2" | grep -q .; }
gone() { ! kill -0 "$1" 2>/dev/null; }

# start LOG COMMAND...: in the background; its process is $started.
start() {
	local log=$1
	shift
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
