#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kselftest-timeout: 120
#
# dtlsctl: what it shows of a server with peers and of a client, changes, and tells
# of as it happens; as text and as JSON; and what it says when it cannot.
. "$(dirname "$0")/lib.bash"

dtlsctl=$built/dtlsctl
net_up || { not_ok "network"; finish; }

# A server with three peers, and a client of its own, all with the socket options
# alone; a line on stdin ends it.
cat >"$tmp/sockets.py" <<'END'
import socket, struct, sys

SOL_DTLS, TX, RX, PEER_ADD = 290, 1, 2, 20

def keys(version, suite, epoch, fill):
    v13 = version == 0xfefc
    return struct.pack("=IHHQQBBBBI32s12sI32s4Q48sBBHI", 200, version, suite, epoch, 0,
                       0 if v13 else 16, 0 if v13 else 4, 0, 0, 0,
                       b"" if v13 else bytes([fill]) * 16, b"" if v13 else b"salt",
                       0, b"", 0, 0, 0, 0, bytes([fill]) * 32 if v13 else b"",
                       32 if v13 else 0, 0, 0, 0)

def attach():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_IP, 17492, b"dtls\0")
    return s

server = attach()
server.bind(("127.0.0.1", 4433))
for i in range(3):
    addr = struct.pack("=H", socket.AF_INET) + struct.pack("!H4s", 5001 + i, socket.inet_aton("127.0.0.1"))
    server.setsockopt(SOL_DTLS, PEER_ADD, struct.pack("=IIQII128s", 152, 3, 0, 0, 0, addr) +
                      keys(0xfefd, 0xc02b, 1, 65) + keys(0xfefd, 0xc02b, 1, 66))
far = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
far.bind(("127.0.0.1", 4434))
client = attach()
client.bind(("127.0.0.1", 4435))
client.connect(("127.0.0.1", 4434))
client.setsockopt(SOL_DTLS, TX, keys(0xfefc, 0x1301, 3, 67))
client.setsockopt(SOL_DTLS, RX, keys(0xfefc, 0x1301, 3, 68))
client.send(b"hello")
print("ready", flush=True)
sys.stdin.readline()
END
mkfifo "$tmp/in"
ip netns exec $nss /usr/bin/python3 "$tmp/sockets.py" <"$tmp/in" >"$tmp/sockets.log" 2>&1 &
pids+=($!)
sockets=$!
exec 8>"$tmp/in"
wait_for 20 has "$tmp/sockets.log" ready
result $? "sockets to look at" "$tmp/sockets.log" || finish

# One python3 for all: FILE, a tab, and what has to be true of the JSON in it.
coproc judge {
	exec /usr/bin/python3 -uc '
import json, sys
for line in sys.stdin:
    name, expr = line.split("\t", 1)
    try:
        out = json.load(open(name))
        print("yes" if eval(expr) else "no")
    except Exception as e:
        print(e)' 2>&1
}
# shellcheck disable=SC2154
pids+=("$judge_PID")
ctl() { "$dtlsctl" -n $nss "$@" >"$tmp/ctl.out" 2>"$tmp/ctl.err"; }
# shows TEXT EXPRESSION ARGUMENTS...: the JSON that comes out is such.
shows() {
	local text=$1 expr=$2
	shift 2
	local verdict=
	ctl -j "$@" && printf '%s\t%s\n' "$tmp/ctl.out" "${expr//$'\n'/ }" >&"${judge[1]}" &&
		read -rt $((20 * slow)) verdict <&"${judge[0]}"
	[ "$verdict" = yes ]
	result $? "$text" "$tmp/ctl.out" "$tmp/ctl.err"
}
# says TEXT PATTERN ARGUMENTS...: in text.
says() {
	local text=$1 pattern=$2
	shift 2
	ctl "$@" && grep -qE -- "$pattern" "$tmp/ctl.out"
	result $? "$text" "$tmp/ctl.out" "$tmp/ctl.err"
}
# refused TEXT CODE PATTERN ARGUMENTS...
refused() {
	local text=$1 code=$2 pattern=$3
	shift 3
	ctl "$@"
	[ $? -eq "$code" ] && grep -qE -- "$pattern" "$tmp/ctl.err" && [ ! -s "$tmp/ctl.out" ]
	result $? "$text" "$tmp/ctl.out" "$tmp/ctl.err"
}

shows "show: both sockets" 'len(out) == 2 and {s["local"] for s in out} ==
	{"127.0.0.1:4433", "127.0.0.1:4435"}' show
shows "show: the one with peers" '[s["peers"] for s in out if s["local"] == "127.0.0.1:4433"] == [3]' show
server=$(ctl -N show; sed -n 's/^socket \([0-9]*\) local 127.0.0.1:4433 .*/\1/p' "$tmp/ctl.out")
client=$(sed -n 's/^socket \([0-9]*\) local 127.0.0.1:4435 .*/\1/p' "$tmp/ctl.out")
shows "show socket: the connected one" 'out[0]["address"] == "127.0.0.1:4434" and
	out[0]["version"] == "1.3" and out[0]["state"] == "open" and out[0]["uid"] == 0 and
	out[0]["tx"]["suite"] == "TLS_AES_128_GCM_SHA256" and out[0]["tx"]["epoch"] == 3 and
	out[0]["tx"]["records"] == 1 and out[0]["tx"]["bytes"] == 5 and
	out[0]["rx"]["window"] == 1024' show socket "$client"
if [ -z "$userspace" ]; then
	echo >&8
	finish
fi
says "show: text, with names" "uid root .*version 1.3 state open" show socket "$client"
shows "show peer: all" '[p["id"] for p in out] == [1, 2, 3] and
	[p["address"] for p in out] == ["127.0.0.1:%d" % (5001 + i) for i in range(3)] and
	out[0]["version"] == "1.2"' show peer
if [ -z "$few" ]; then
says "show: text, with numbers" "uid 0 " -N show socket "$client"
says "show: the suite's number" "tx suite 0x1301 epoch 3" --numeric sh s "$client"
shows "show peer: of one socket" 'len(out) == 3' show peer socket "$server"
shows "show peer: none of a connected one" 'out == []' show peer socket "$client"
shows "show peer: by number" 'len(out) == 1 and out[0]["address"] == "127.0.0.1:5002"' \
	show peer socket "$server" id 2
shows "show peer: by address" 'len(out) == 1 and out[0]["id"] == 3' \
	show peer socket "$server" address 127.0.0.1:5003
shows "stat" 'out["CurrSockets"] == 2 and out["CurrAssociations"] == 4 and len(out) > 30' stat
shows "stat of a name" 'out == {"TxRecords": 1}' stat txrecords
says "stat, as the file" "^CurrAssociations  *4$" stat
! ctl -c show || ! grep -q $'\033' "$tmp/ctl.out"
result $? "no colour in a file" "$tmp/ctl.out"
says "colour on demand" $'\033\\[35m127.0.0.1:4433' --color=always show
[ -n "$server" ] && ! grep -aqE 'A{8}|B{8}|C{8}|D{8}|salt' <(
	"$dtlsctl" -n $nss -j show; "$dtlsctl" -n $nss -j show peer)
result $? "no key anywhere"
fi

# monitoring PID: it sleeps in recvmsg(2); what it asks before is answered at once.
monitoring() { [[ $(</proc/$1/syscall) == 47\ * ]]; }
start "$tmp/monitor.log" "$dtlsctl" -n $nss monitor
wait_for 20 monitoring $started
start "$tmp/monitor.json" "$dtlsctl" -n $nss -j monitor
wait_for 20 monitoring $started
ctl set socket "$server" id 1 address 127.0.0.1:6001
result $? "set: another address" "$tmp/ctl.err"
shows "and there it is" 'out[0]["address"] == "127.0.0.1:6001"' show peer socket "$server" id 1
ctl del socket "$server" id 2
result $? "del: by number" "$tmp/ctl.err"
ctl delete socket "$server" address 127.0.0.1:5003 notify
result $? "del: by address, with a last word" "$tmp/ctl.err"
shows "and then there was one" '[p["id"] for p in out] == [1]' show peer
ctl set socket "$client" key-update both
result $? "set: key-update" "$tmp/ctl.err"
wait_for 20 grep -qE "^20.*removed socket $server id 2 address 127.0.0.1:5002" "$tmp/monitor.log" &&
	wait_for 20 grep -q "removed socket $server id 3" "$tmp/monitor.log"
result $? "monitor" "$tmp/monitor.log"
wait_for 20 grep -q '"event":"removed".*"id":3' "$tmp/monitor.json" &&
	[ "$(grep -c '^{"time":".*}$' "$tmp/monitor.json")" -eq "$(wc -l <"$tmp/monitor.json")" ]
result $? "monitor: an object to a line" "$tmp/monitor.json"

if [ -z "$few" ]; then
refused "no such peer" 2 "the socket has no such peer .No such file" del socket "$server" id 2
refused "no such socket" 2 "no attached socket with this cookie" del socket 999999999999 id 2
refused "an update with DTLS 1.2" 2 "only with DTLS 1.3" set socket "$server" id 1 key-update own
refused "a second update" 2 "has not been acknowledged" set socket "$client" key-update own
refused "no such command" 1 "what is \"frobnicate\"" frobnicate
refused "no such word" 1 "what is \"plug\"" show plug 1
refused "no such option" 1 "unknown" --frobnicate show
refused "no such address" 1 "no address with a port" del socket 1 address 1.2.3.4
refused "nothing said to be deleted" 1 "Usage" del socket 1
refused "no such namespace" 1 "No such file" -n none show
chmod 755 "$tmp"
setpriv --reuid 65534 --clear-groups "$dtlsctl" show >"$tmp/ctl.out" 2>"$tmp/ctl.err"
[ $? -eq 2 ] && has "$tmp/ctl.err" "sockets of all are for CAP_NET_ADMIN"
result $? "not for everybody" "$tmp/ctl.err"
fi

echo >&8
wait_for 20 grep -qE "removed socket $server\$" "$tmp/monitor.log"
result $? "monitor: the end of a socket" "$tmp/monitor.log"
join 20 $sockets
shows "nothing is left" 'out == []' show

[ -z "$few" ] || finish
# What bash would offer, with a dtlsctl on the path.
PATH=$built:$PATH
. "$top/userspace/dtlsctl/completion.bash"
complete_at() {
	COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
	_dtlsctl
	echo "${COMPREPLY[*]}"
}
[ "$(complete_at dtlsctl s)" = "show stat set" ] &&
	[ "$(complete_at dtlsctl show peer s)" = "socket" ] &&
	[ "$(complete_at dtlsctl -n $nss set key-update '')" = "own both" ] &&
	[ "$(complete_at dtlsctl stat KeyL)" = "KeyLimit" ]
result $? "completion"
finish
