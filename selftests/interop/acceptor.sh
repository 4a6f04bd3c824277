#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The unit test of the library's acceptor: see acceptor-test.c.
. "$(dirname "$0")/lib.bash"
not_on_61
[ -n "$userspace" ] || { echo "1..0 # SKIP all in userspace"; exit 4; }
"$built/acceptor-test"
