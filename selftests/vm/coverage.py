#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""make coverage, second half: what the counters of the guests say.

Adds up what check.py has left in build/coverage/guest.*, prints for each file of
the module how many of its lines were reached, and then those that were not, as
FILE:LINE: TEXT.  The list stays in build/coverage/unreached.
"""

import collections
import glob
import json
import os
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COVERAGE = os.path.join(TOP, "build", "coverage")


def source(name):
    """The path in this tree; None: a header of the kernel's.

    What was compiled is a tree of links (see build-module.sh).
    """
    path = os.path.realpath(name)
    return os.path.relpath(path, TOP) if path.startswith(TOP + "/") else None


def read(counters, guest, gcda):
    """Adds what one object counted in one guest.

    A line may be there more than once, as it is in a header or was inlined.
    """
    # The guest's folder holds full paths, which are the host's too.
    built = "/" + os.path.relpath(gcda, guest)[:-len(".gcda")] + ".gcno"
    link = gcda[:-len(".gcda")] + ".gcno"
    if not os.path.lexists(link):
        os.symlink(built, link)
    said = subprocess.run(["gcov", "--json-format", "--stdout", gcda],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False)
    if said.returncode or not said.stdout:
        sys.exit(f"# error: gcov {gcda}: {said.stderr}")
    for text in said.stdout.splitlines():
        data = json.loads(text)
        for f in data["files"]:
            name = source(os.path.join(data["current_working_directory"], f["file"]))
            for line in f["lines"] if name else ():
                counters[name][line["line_number"]] += line["count"]


def main():
    counters = collections.defaultdict(collections.Counter)
    for guest in glob.glob(os.path.join(COVERAGE, "guest.*", "gcov")):
        for folder, _, names in os.walk(guest):
            for name in names:
                if name.endswith(".gcda"):
                    read(counters, guest, os.path.join(folder, name))
    if not counters:
        sys.exit("# error: no guest has left counters in build/coverage")

    print(f"{'file':28} {'lines':>6} {'reached':>8}")
    total = reached = 0
    unreached = []
    for name in sorted(counters):
        lines = counters[name]
        hit = sum(count > 0 for count in lines.values())
        total += len(lines)
        reached += hit
        print(f"{name:28} {len(lines):6} {hit:8} {100 * hit / len(lines):6.1f} %")
        with open(os.path.join(TOP, name), encoding="utf-8") as f:
            text = f.read().splitlines()
        unreached += [f"{name}:{n}: {text[n - 1].strip()}"
                      for n in sorted(lines) if not lines[n]]
    print(f"{'all':28} {total:6} {reached:8} {100 * reached / total:6.1f} %\n")
    with open(os.path.join(COVERAGE, "unreached"), "w", encoding="utf-8") as f:
        f.write("".join(line + "\n" for line in unreached))
    print("\n".join(unreached))


if __name__ == "__main__":
    main()
