#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# ynl.sh [FOLDER]: writes what the kernel's own generator (tools/net/ynl) makes of
# Documentation/netlink/specs/dtls.yaml: kernel/netlink-gen.[ch] and
# uapi/linux/dtls_netlink.h, in this tree, or in FOLDER (make lint compares).
#
# What comes out has to build on 6.1 too, and the generator of 6.12 cannot do all. So
# it is shown another spec, in these points:
#
#	6.1 knows no genl_split_ops, but one policy for do and dump (kernel-policy:
#	per-op), which only the schema of legacy families knows.
#	An operation without attributes has a policy that lets none pass.
#
# and afterwards the groups get their flag: both want CAP_NET_ADMIN.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

out=${1:-$top}
source=$("$vmdir/source.sh")
spec=Documentation/netlink/specs/dtls.yaml
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

mkdir -p "$tmp/Documentation/netlink/specs" "$out/kernel" "$out/uapi/linux"
cp "$source/Documentation/netlink/genetlink-legacy.yaml" "$tmp/Documentation/netlink/genetlink.yaml"
# The generator looks for the root of a kernel tree.
touch "$tmp/MAINTAINERS"
# Debian's python3, which has the modules.
/usr/bin/python3 - "$top/$spec" "$tmp/$spec" <<'END'
import sys
import yaml

with open(sys.argv[1]) as f:
    license = f.readline()
    spec = yaml.safe_load(f)
spec["kernel-policy"] = "per-op"
for op in spec["operations"]["list"]:
    if "do" in op and not op["do"].get("request", {}).get("attributes"):
        op["do"]["request"] = {"attributes": ["pad"]}
    if "dump" in op:
        op["dump"] = {k: v for k, v in op["dump"].items() if k != "request"}
with open(sys.argv[2], "w") as f:
    f.write(license)
    yaml.safe_dump(spec, f, sort_keys=False)
END

ynl() {
	/usr/bin/python3 "$source/tools/net/ynl/ynl-gen-c.py" --spec "$tmp/$spec" "$@"
}

ynl --mode uapi --header -o "$out/uapi/linux/dtls_netlink.h"
ynl --mode kernel --header -o "$out/kernel/netlink-gen.h"
ynl --mode kernel --source -o "$out/kernel/netlink-gen.c"
sed -i -E 's/^(\t\[DTLS_NLGRP_[A-Z]+\] = \{ "[a-z]+",) \},/\1 GENL_MCAST_CAP_NET_ADMIN, },/' \
	"$out/kernel/netlink-gen.c"
