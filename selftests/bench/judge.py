# SPDX-License-Identifier: GPL-2.0-only
"""The verdict of make bench-check: budgets, and the baseline.

Only what the module does is compared with the baseline. A yardstick that moved
(a new OpenSSL, a new kernel) is told, for the numbers beside it mean something
else then; no change of the module can move it.
"""

from report import ABOUT, SIZES, median

OURS = ("kdtls", "kdtls-gso", "kdtls13", "kdtls13-gso")
CIPHER = "AES-128-GCM"
CIPHERS = (CIPHER, "AES-256-GCM", "ChaCha20-Poly1305", "AES-128-CCM", "AES-128-CCM-8")
# More than this is worse, less is better; in between is the method's noise.
TOLERANCE = 0.02


class Budget:
    """@value must not be above @bound; both in the same unit. None: not measured."""

    def __init__(self, name, value, bound, how):
        self.name, self.value, self.bound, self.how = name, value, bound, how
        self.measured = value is not None and bound is not None
        self.good = self.measured and value <= bound


def times(factor, value):
    return factor * value if value is not None else None


def floor(result, side, size):
    """UDP in the same mode, and the AEAD call alone, twice."""
    plain = result.total(side, "none", size)
    aead = result.aead.get((CIPHER, size))
    return plain + aead["seal"] + aead["open"] if plain is not None and aead else None


def budgets(result):
    found = []
    for ours, plain, name in (("kdtls-gso", "plain-gso", "batched"), ("kdtls", "plain", "single")):
        for size in (64, 1200, 8192):
            found.append(Budget(f"{name}, {size} bytes", result.total(ours, CIPHER, size),
                                times(1.10, floor(result, plain, size)), "1.10 x floor"))
    for ours, name, size, factor in (("kdtls-gso", "batched", 64, 0.30),
                                     ("kdtls-gso", "batched", 1200, 0.42),
                                     ("kdtls", "single", 1200, 0.75)):
        found.append(Budget(f"{name}, {size} bytes", result.total(ours, CIPHER, size),
                            times(factor, result.total("openssl", CIPHER, size)),
                            f"{factor:.2f} x OpenSSL"))
    for ours, before, name in (("kdtls13-gso", "kdtls-gso", "batched"),
                               ("kdtls13", "kdtls", "single")):
        for cipher in CIPHERS:
            for size in SIZES:
                found.append(Budget(f"1.3 {name}, {size}, {cipher}",
                                    result.total(ours, cipher, size),
                                    times(1.10, result.total(before, cipher, size)),
                                    "1.10 x DTLS 1.2"))
    if result.associations:
        n = sorted(result.associations)
        one, all_of_them = (median(result.associations[i]["total"]) for i in (n[0], n[-1]))
        found.append(Budget(f"{n[-1]} associations", all_of_them, 1.05 * one, "1.05 x one alone"))
    else:
        found.append(Budget("100000 associations", None, None, "1.05 x one alone"))
    if result.peers:
        n = sorted(result.peers)
        few, all_of_them = result.peers[n[0]], result.peers[n[-1]]
        found.append(Budget(f"{n[-1]} peers, to add one", all_of_them.get("add"), 50000,
                            "of a peer"))
        for way in ("send", "recv"):
            found.append(Budget(f"{n[-1]} peers, {way}", median(all_of_them[way]),
                                1.05 * median(few[way]), f"1.05 x {n[0]} peers"))
    else:
        found.append(Budget("100000 peers", None, None, "of a peer"))
    return found


def budgets_table(found):
    lines = ["", "Budgets, instructions for a record of AES-128-GCM if nothing else is said, "
             "send + receive (floor: UDP in the same mode + twice the AEAD call alone)", "",
             f"{'':36}{'is':>8}{'at most':>9}  {'which is':18}{'is/bound':>9}"]
    for b in found:
        if not b.measured:
            lines.append(f"{b.name:36}{'-':>8}{'-':>9}  {b.how:18}{'-':>9}  FAIL: not measured")
            continue
        lines.append(f"{b.name:36}{b.value:>8.0f}{b.bound:>9.0f}  {b.how:18}"
                     f"{b.value / b.bound:>9.3f}  {'pass' if b.good else 'FAIL'}")
    return "\n".join(lines)


def key(row):
    return "/".join(str(part) for part in row)


def baseline_of(result):
    return {"release": result.release, "versions": result.versions,
            "unit": "instructions for a record, send + receive",
            "rows": {key(row): round(result.total(*row)) for row in sorted(result.rows)}}


def compare(result, baseline):
    """Lines to say, and whether nothing of ours is worse."""
    lines, worse, better, same = [], 0, 0, 0
    if not baseline:
        return ["no baseline of this kernel: make bench-check BASELINE=write makes one"], False
    if baseline["release"] != result.release:
        lines.append(f"the baseline is of {baseline['release']}, this is {result.release}")
    for name, version in baseline["versions"].items():
        if result.versions.get(name) != version:
            lines.append(f"the baseline is with {name} {version}, "
                         f"this is with {result.versions.get(name)}")
    now = {key(row): result.total(*row) for row in result.rows}
    for name, old in sorted(baseline["rows"].items()):
        ours = name.split("/")[0] in OURS
        new = now.get(name)
        if new is None:
            if ours:
                lines.append(f"{name}: not measured  FAIL")
                worse += 1
            continue
        change = new / old - 1
        text = f"{name}: {old} -> {new:.0f} ({change:+.1%})"
        if abs(change) <= TOLERANCE:
            same += ours
        elif not ours:
            lines.append(text + "  a yardstick moved")
        elif change > 0:
            lines.append(text + "  FAIL: worse")
            worse += 1
        else:
            lines.append(text + "  better: write a new baseline")
            better += 1
    lines += [f"{name}: not in the baseline" for name in sorted(set(now) - set(baseline["rows"]))]
    lines.append(f"rows of kdtls: {same} as in the baseline within {TOLERANCE:.0%}, "
                 f"{better} better, {worse} worse")
    return lines, not worse


def judge(result, baseline):
    found = budgets(result)
    lines, good = compare(result, baseline)
    text = [f"Linux {result.release}", budgets_table(found), "",
            "Against the baseline, instructions for a record, send + receive", ""] + lines
    failed = sum(not b.good for b in found)
    text += ["", f"budgets: {len(found) - failed} kept, {failed} not"]
    text += [f"FAIL: {f}" for f in result.failed]
    return good and not failed and not result.failed, "\n".join(text)


# The program's exit code for a processor that is emulated.
REFUSED = 3


def judge_speed(tried):
    refused = (len(tried.refusals) == 2 and
               all(r["code"] == REFUSED and not r["printed"] for r in tried.refusals))
    sides = {d["side"] for d in tried.dry}
    pairs = {d["pairs"] for d in tried.dry if "parallel" in d}
    # Without times, whatever they would be called.
    silent = not any(k.endswith(("rate", "cpu", "busy")) for d in tried.dry for k in d)
    good = refused and silent and len(sides) == len(ABOUT) and pairs == {1, 2}
    text = ["what measures speed: " + ", ".join((
        "refuses an emulated processor" if refused else "FAIL: does not refuse",
        f"runs on {len(sides)} of {len(ABOUT)} sides, with {sorted(pairs)} pairs of threads",
        "and tells no times" if silent else "FAIL: and tells times"))]
    text += [f"FAIL: {f}" for f in tried.failed]
    return good and not tried.failed, "\n".join(text)
