#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""make profile: where the instructions of a record go, by function of the kernel.

Boots twice under the emulator that counts, with a plug-in (plugin.c) that tells how
often each block of instructions has run, for a few records and for many. What the
second has more than the first is what records cost.

Environment:

    KERNEL  default 6.12
    SIDE    what sends and receives, by its name in the table of make bench
            (kdtls-gso)
    CIPHER  (AES-128-GCM)
    SIZE    bytes (1200)
    LINES   how many functions are shown (40)
"""

import bisect
import collections
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import bench  # noqa: E402

PLUGIN = os.path.join(bench.BUILD, "profile.so")
ROUNDS = 5, 90
# Above it is the kernel.
KERNEL_SPACE = 0xffff800000000000


def build():
    bench.build()
    subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-shared", "-fPIC", "-o", PLUGIN,
                    os.path.join(HERE, "plugin.c")], check=True)


def count(kernel, options, rounds):
    """One boot: records, and by function instructions and calls."""
    raw = os.path.join(bench.BUILD, f"profile.{os.getpid()}")
    command = [os.path.join(bench.VM, "with-module.sh"), "-t", str(bench.TIMEOUT),
               "-e", f"BENCH={bench.BENCH}", "-e", f"ARGS={options}",
               "-e", f"ROUNDS={rounds}",
               "bash", os.path.join(bench.HERE, "guest.sh"), "rows", "symbols"]
    environment = dict(os.environ, KERNEL=kernel, ICOUNT="1", KDTLS_ACCEL="tcg",
                       MEM=bench.GUEST_MEMORY,
                       KERNEL_APPEND=bench.GUEST_KERNEL + " nokaslr",
                       QEMU_EXTRA=f"-plugin {PLUGIN},out={raw}")
    said = subprocess.run(command, env=environment, check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    records, symbols = 0, []
    for line in said.splitlines():
        if line.startswith("@ "):
            _, address, name = line.split()[:3]
            symbols.append((int(address, 16), name))
        elif line.startswith("{"):
            records += json.loads(line).get("records", 0)
    if not records:
        bench.die("nothing was measured: is there such a side, cipher and size?")
    symbols.sort()
    starts = [address for address, _ in symbols]
    instructions, calls = collections.Counter(), collections.Counter()
    with open(raw, encoding="ascii") as f:
        for line in f:
            address, size, times = line.split()
            address, times = int(address, 16), int(times)
            if address < KERNEL_SPACE:
                instructions["(programs)"] += int(size) * times
                continue
            start, name = symbols[bisect.bisect_right(starts, address) - 1]
            instructions[name] += int(size) * times
            if start == address:
                calls[name] += times
    os.unlink(raw)
    return records, instructions, calls


def main():
    kernel = os.environ.get("KERNEL") or "6.12"
    side = os.environ.get("SIDE") or "kdtls-gso"
    cipher = os.environ.get("CIPHER") or "AES-128-GCM"
    size = os.environ.get("SIZE") or "1200"
    build()
    few, many = (count(kernel, f"-s {side} -c {cipher} -l {size}", rounds)
                 for rounds in ROUNDS)
    records = many[0] - few[0]
    each = {name: (n - few[1][name]) / records for name, n in many[1].items()}
    print(f"{kernel}, {side}, {cipher}, {size} bytes: instructions for a record, sent "
          f"and received, of {records} records")
    print(f"{'all':>10} {sum(each.values()):9.1f}")
    print(f"{'calls':>10} {'instr.':>9}  function")
    shown = sorted(each, key=lambda name: -each[name])
    for name in shown[:int(os.environ.get("LINES") or "40")]:
        calls = (many[2][name] - few[2][name]) / records
        print(f"{calls:10.2f} {each[name]:9.1f}  {name}")


if __name__ == "__main__":
    main()
