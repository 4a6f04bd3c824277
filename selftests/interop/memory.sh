#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The unit test of the library's sessions without sockets: see memory-test.c.
. "$(dirname "$0")/lib.bash"
not_on_61
"$built/memory-test"
