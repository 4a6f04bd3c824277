#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Process 1 of the guest once its root is there (see init): runs the command of
# the host (/run/vm/command), and powers off.  The output of the command goes to
# the virtio port that the host reads, its exit code into /run/vm/status.  A guest
# that dies before leaves no status, and so the host knows.

. "$(dirname "$0")/guest-lib.sh"
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root USER=root TERM=dumb LC_ALL=C.UTF-8
ulimit -c 0
ulimit -n 65536

# A virtio port can be opened once only; programs that open /dev/stderr anew
# need something else in between.
mkfifo /run/output
cat </run/output >/dev/vport0p1 &
output=$!

setsid --wait bash /run/vm/command </dev/null >/run/output 2>&1
status=$?

# Whatever the command left behind would hold the pipe open for ever.
kill_others
wait "$output"
dmesg >/run/vm/dmesg 2>/dev/null
echo "$status" >/run/vm/status
busybox poweroff -f
