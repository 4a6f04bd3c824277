#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The unit test of the library's watch: see watch-test.c.
exec "${KDTLS_BUILD:-$(dirname "$0")/../../build}/userspace/watch-test"
