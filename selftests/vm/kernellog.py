# SPDX-License-Identifier: GPL-2.0-only
"""What check.py makes of a kernel's log."""

import re

# What a healthy kernel never says, whatever a test does to it.
BAD = re.compile(
    r"WARNING: |BUG: |BUG |\bKASAN\b|\bUBSAN\b|\bKCSAN\b|\bKMSAN\b|"
    r"possible .* detected|suspicious RCU usage|inconsistent lock state|"
    r"INFO: (task|rcu|trying|lockdep)|detected stalls?|soft lockup|"
    r"blocked for more than|Oops|general protection|[Uu]nable to handle|"
    r"refcount_t|unregister_netdevice: waiting|"
    r"bad: scheduling|sleeping function called|page allocation failure|"
    r"kernel tried to execute|list_(add|del) corruption|Call Trace:|"
    r"DEBUG_LOCKS_WARN_ON|scheduling while atomic|Kernel panic"
)
# Whoever wants a slab cache and does not get the memory has his stack in the log;
# there is no way to ask quietly.
NO_CACHE = re.compile(r"kmem_cache_create\w*\(dtls_\w+\) failed with error -12")
# What it begins a line with: the time, and perhaps who speaks.
STAMP = re.compile(r"^(<\d+>)?\[ *\d+\.\d+\](\[ *[CT]\d+\])? ?")

KCSAN_BEGIN = re.compile(r"BUG: KCSAN: ")
KCSAN_END = re.compile(r"={60,}")
# "write to 0x.. of 8 bytes by task 5 on cpu 0:", "race at unknown origin, with
# read to ...:"
KCSAN_ACCESS = re.compile(r"(read|write|read-write|assert\b.*?)( \([^)]*\))? to 0x.* on cpu \d+:")
FRAME = re.compile(r"^ +(\S+)\+0x[0-9a-f]+/0x[0-9a-f]+( \[(\S+)\])?$")
# Accessors which a caller reaches its own data through: what they touch is
# touched by the function that called them.
ACCESSOR = re.compile(
    r"^_*(mem(cpy|set|move|cmp)|copy_(from|to)_|_?copy_|csum_|refcount_|atomic|"
    r"skb_(queue|dequeue|peek|unlink|insert|set_owner|copy|pull|push|put|trim|"
    r"clone|get|orphan|expand|split|header|zerocopy|store)|"
    r"pskb_|kfree_skb|consume_skb|sk_skb_|sock_(put|hold|queue|r?w?free|gen_put)|"
    r"list_|hlist_|rb_|xa_|idr_|sg_|scatterwalk|crypto_(aead_set|xor)|"
    r"(test|set|clear|change)_(and_)?\w*bit|queue_|mod_|timer_|put_page|"
    r"wait_|wake_up|add_wait|remove_wait|prepare_to|finish_wait|percpu_|u64_stats)")


def bad(lines):
    """The index of the first line that is an error, or None."""
    refused = False
    for i, line in enumerate(lines):
        if NO_CACHE.search(line):
            refused = True
        elif refused and "</TASK>" in line:
            refused = False
        elif BAD.search(line) and not (refused and "Call Trace:" in line):
            return i
    return None


def excerpt(lines, first, length):
    return lines[max(0, first - 3):first + length]


def since(lines, test):
    """The part of a console's log that belongs to a test."""
    begin = [i for i, line in enumerate(lines) if f"dtls-test: {test}" in line]
    return lines[begin[-1]:] if begin else lines


def is_ours(report):
    """Is one of the two accesses the module's own?

    The stock kernel has races of its own, and most of what it does on a UDP
    socket has a function of the module somewhere in its stack.  So only the top
    of each stack counts, but for the accessors that stand above it.
    """
    at_top = False
    for line in report:
        text = STAMP.sub("", line)
        if KCSAN_ACCESS.search(text):
            at_top = True
            continue
        frame = FRAME.match(text)
        if not frame:
            continue
        if at_top and frame.group(3) == "dtls":
            return True
        if not ACCESSOR.match(frame.group(1)):
            at_top = False
    return False


def take_kcsan(lines):
    """Parts a log into the rest, the reports of races, of which the module's."""
    rest, reports, report = [], [], None
    for line in lines:
        if report is None and KCSAN_BEGIN.search(line):
            report = [line]
        elif report is None:
            # The line of signs above a report is none of an error.
            rest.append(line)
        elif KCSAN_END.search(line):
            reports.append(report)
            report = None
        else:
            report.append(line)
    if report:
        reports.append(report)
    return rest, reports, [r for r in reports if is_ours(r)]
