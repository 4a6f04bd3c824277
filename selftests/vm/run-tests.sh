#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Guest half of make check: loads the module, runs what /run/vm/tests lists, one
# line each: NAME TIMEOUT PATH [ARGUMENT...].  All judgement is with check.py on
# the host, which lives on if this guest dies; from here it gets the programs'
# own output between lines that begin with @@:
#
#	@@ begin NAME
#	@@ end NAME EXIT-CODE
#
# and in /run/vm/NAME.log what the kernel had to say meanwhile.

run=/run/vm
# How much slower than a machine this guest is, at the worst.
slow=${KDTLS_TIMEOUT_SCALE:-1}
. "$(dirname "$0")/guest-lib.sh"
cd "$(dirname "$0")/.." || exit 1

begin() {
	printf '\n@@ begin %s\n' "$1"
	dmesg --clear
	echo "dtls-test: $1" >/dev/kmsg
}

end() {
	local log=$run/${1//\//_}.log
	dmesg >"$log"
	printf '\n@@ end %s %s\n' "$1" "$2"
}

# Sockets that are still in flight hold the module for a moment.
unload() {
	local tries=$((10 * slow))
	while [ $((tries -= 1)) -ge 0 ]; do
		rmmod dtls && return
		sleep 0.3
	done
	lsmod | grep dtls
	return 1
}

run_one() {
	local name=$1 timeout=$2 rc
	shift 2
	begin "$name"
	setsid --wait timeout -k $((5 * slow)) "$timeout" "$@" </dev/null 2>&1
	rc=$?
	# A test that crashed leaves daemons and namespaces behind, which must
	# not meet the next one.  This script is a session of its own.
	kill_others $$
	[ ! -d /run/netns ] || [ -z "$(ls /run/netns)" ] || ip -all netns delete
	end "$name" "$rc"
}

# A kernel that can look for leaks does so by itself each ten minutes too, and
# then takes for a leak what is only on its way from one place to another.
leaks=/sys/kernel/debug/kmemleak
[ ! -w $leaks ] || echo scan=off >$leaks

# KCSAN stops at one access of some thousands and waits for another processor to
# come along. One that is emulated does not come far in 80 us.
kcsan=/sys/module/kcsan/parameters
watch() {
	echo 1000 >$kcsan/skip_watch
	echo 1000 >$kcsan/udelay_task
	echo 300 >$kcsan/udelay_interrupt
}

# What kmemleak says, but for one leak of the kernel's own: a slab cache for whose
# entry in sysfs there is no memory (dtls_fault) leaves the entry's name behind,
# as sysfs_slab_add() does not put the object then.
ours() {
	awk '/^unreferenced object/ { flush() }
		{ object = object $0 "\n" }
		/ sysfs_slab_add\+/ { known = 1 }
		END { flush() }
		function flush() {
			if (!known)
				printf "%s", object
			object = ""
			known = 0
		}'
}

# scan TIMES: an object must be five seconds old, and have been seen, and not
# referred to, by two scans.
scan() {
	local found n
	sleep 6
	for ((n = 0; n < $1; n++)); do
		echo scan >$leaks
	done
	found=$(ours <$leaks)
	printf '%s\n' "$found"
	# Said once is enough.
	echo clear >$leaks
	[ -z "$found" ]
}

# The kernel changes its own code when the first socket asks for UDP_GRO or for time
# stamps, and when the last one goes. QEMU's emulation of two processors runs the
# breakpoint that is there meanwhile even after it has gone (7.2 does, on 6.12, after
# seconds of such sockets that come and go with traffic beside them), and the kernel
# dies. So one socket has both from the beginning to the end.
keep_code() {
	grep -q 'QEMU TCG' /proc/cpuinfo || return 0
	python3 -c '
import signal, socket
SO_TIMESTAMPNS, UDP_GRO = 35, 104
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_UDP, UDP_GRO, 1)
s.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
print(flush=True)
signal.pause()' </dev/null >"$1" 2>&1 &
	read -r _ <"$1"
}

mkfifo /run/keep_code
keep_code /run/keep_code

begin insmod
load_dtls 2>&1
rc=$?
end insmod $rc
[ $rc -eq 0 ] || exit 1
[ ! -d $kcsan ] || watch

while read -r name timeout command; do
	# shellcheck disable=SC2086
	run_one "$name" "$timeout" $command
done <$run/tests

# With the module, and so with the names of its functions; and without it, and
# so with nothing that refers to what it forgot.
if [ -w $leaks ]; then
	begin leaks
	scan 2
	end leaks $?
fi

begin rmmod
unload 2>&1
end rmmod $?

if [ -w $leaks ]; then
	begin kmemleak
	scan 1
	end kmemleak $?
fi

# Counters stay when the module goes.
if [ "${GCOV:-}" = 1 ] && [ -d /sys/kernel/debug/gcov ]; then
	begin gcov
	# tar would believe the files to be empty.
	(cd /sys/kernel/debug/gcov && find . -name '*.gcda') | while read -r f; do
		mkdir -p "$run/gcov/${f%/*}" &&
			cat "/sys/kernel/debug/gcov/$f" >"$run/gcov/$f" || exit 1
	done && [ -d $run/gcov ]
	end gcov $?
fi

# Lockdep falls silent after its first report, and when its tables are full.
if [ -r /proc/lockdep_stats ]; then
	begin lockdep
	grep -w debug_locks: /proc/lockdep_stats
	grep -qw 'debug_locks: *1' /proc/lockdep_stats
	end lockdep $?
fi
