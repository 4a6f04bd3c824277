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
	local tries=10
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
	setsid --wait timeout -k 5 "$timeout" "$@" </dev/null 2>&1
	rc=$?
	# A test that crashed leaves daemons and namespaces behind, which must
	# not meet the next one.  This script is a session of its own.
	kill_others $$
	[ ! -d /run/netns ] || [ -z "$(ls /run/netns)" ] || ip -all netns delete
	end "$name" "$rc"
}

begin insmod
load_dtls 2>&1
rc=$?
end insmod $rc
[ $rc -eq 0 ] || exit 1

while read -r name timeout command; do
	# shellcheck disable=SC2086
	run_one "$name" "$timeout" $command
done <$run/tests

begin rmmod
unload 2>&1
end rmmod $?

# A kernel that can look for leaks is asked to, twice: an object must be seen
# unreferenced by two scans.
if [ -w /sys/kernel/debug/kmemleak ]; then
	begin kmemleak
	sleep 5
	echo scan >/sys/kernel/debug/kmemleak
	sleep 1
	echo scan >/sys/kernel/debug/kmemleak
	leaks=$(cat /sys/kernel/debug/kmemleak)
	printf '%s\n' "$leaks"
	[ -z "$leaks" ]
	end kmemleak $?
fi
