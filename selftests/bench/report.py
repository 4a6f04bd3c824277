# SPDX-License-Identifier: GPL-2.0-only
"""What was measured: taken from the guest's lines, kept, shown."""

import statistics

SIZES = [64, 256, 1200, 8192]
# What one reads it for; in the order of the table.
ABOUT = {
    "plain": "UDP, nothing sealed",
    "plain-gso": "UDP_SEGMENT, UDP_GRO, nothing sealed",
    "kdtls": "a call for each record",
    "kdtls-gso": "batches: UDP_SEGMENT, UDP_GRO",
    "kdtls13": "DTLS 1.3, a call for each record",
    "kdtls13-gso": "DTLS 1.3, batches",
    "openssl": "DTLS 1.2 of OpenSSL",
    "gnutls": "DTLS 1.2 of GnuTLS",
    "wolfssl": "DTLS 1.2 of wolfSSL",
    "evp-gso": "the best userspace could do: EVP, UDP_SEGMENT, UDP_GRO",
    "ktls": "TLS 1.2 of the kernel, TCP: a stream",
    "wireguard": "UDP through WireGuard; no telling send from receive",
    "wireguard-gso": "the same, with UDP_SEGMENT and UDP_GRO inside",
}


def spread(values):
    """Half the way from the lowest to the highest, in % of the median."""
    return 50 * (max(values) - min(values)) / statistics.median(values)


def median(values):
    return statistics.median(values)


class Result:
    """Instructions of one kernel, from one boot."""

    def __init__(self, kernel, versions):
        self.kernel = kernel
        self.release = ""
        self.versions = versions
        self.rows = {}
        self.aead = {}
        self.aead_kdtls = {}
        self.associations = {}
        self.peers = {}
        self.memory = {}
        self.failed = []

    def take(self, said):
        if "release" in said:
            self.release = said["release"]
        elif "failed" in said:
            self.failed.append(said["failed"])
        elif "aead" in said:
            calls = self.aead if said["how"] == "alone" else self.aead_kdtls
            calls[said["aead"], said["size"]] = said
        elif "associations" in said:
            self.associations[said["associations"]] = said
        elif "peers" in said:
            self.peers[said["peers"]] = said
        elif "memory" in said:
            self.memory[said["memory"]] = said
        elif "side" in said:
            self.rows[said["side"], said["cipher"], said["size"]] = said

    def total(self, side, cipher, size):
        """Instructions for a record, sent and received; None if not measured."""
        row = self.rows.get((side, cipher, size))
        return median(row["total"]) if row else None

    def data(self):
        rows = []
        for row in self.rows.values():
            entry = {k: row[k] for k in ("side", "cipher", "size", "batch")}
            for part in ("send", "recv", "total"):
                if part in row:
                    entry[part] = median(row[part])
                    entry[part + "_rounds"] = row[part]
            entry["spread_percent"] = round(spread(row["total"]), 2)
            rows.append(entry)
        return {
            "unit": "instructions for a record",
            "kernel": self.kernel, "release": self.release, "versions": self.versions,
            "rows": rows,
            "aead": list(self.aead.values()) + list(self.aead_kdtls.values()),
            "associations": [dict(a, total=median(a["total"]))
                             for a in self.associations.values()],
            "peers": [dict(p, send=median(p["send"]), recv=median(p["recv"]))
                      for p in self.peers.values()],
            "memory": self.memory_numbers(), "failed": self.failed,
        }

    def memory_numbers(self):
        """Bytes of one association, of the stages' differences."""
        m = self.memory
        if "used" not in m or "transforms" not in m:
            return {}
        # As many transforms as associations: see guest.sh.
        count = m["used"]["count"]

        def grown(begin, end, key):
            a, b = m[begin]["meminfo"].get(key, 0), m[end]["meminfo"].get(key, 0)
            return (b - a) / count

        def stage(begin, end):
            parts = {k.lower(): grown(begin, end, k) for k in ("Slab", "Percpu", "VmallocUsed")}
            # Free memory goes up and down by itself: for comparison only.
            return dict(parts, all=sum(parts.values()), free_fell=-grown(begin, end, "MemFree"))

        def slabs(begin, end):
            a, b = m[begin]["slabs"], m[end]["slabs"]
            d = {k: round((b[k] - a.get(k, 0)) / count, 1) for k in b}
            return {k: v for k, v in sorted(d.items(), key=lambda i: -i[1]) if v >= 8}

        return {
            "unit": "bytes for an association", "associations": count,
            "plain socket": stage("begin", "plain"),
            "with keys": dict(stage("plain", "keys"), slabs=slabs("plain", "keys")),
            "after a record each way": stage("plain", "used"),
            "of that, two transforms": {k: 2 * v for k, v in
                                        stage("transforms-begin", "transforms").items()},
        }

    def order(self):
        seen = []
        for side, cipher, _ in self.rows:
            if (side, cipher) not in seen:
                seen.append((side, cipher))
        return seen

    def table(self):
        lines = [f"Linux {self.release}: instructions for a record over loopback, median of "
                 f"{len(next(iter(self.rows.values()))['total']) if self.rows else 0} rounds, "
                 "+- % between lowest and highest"]
        head = f"{'':31}"
        units = f"{'side':14}{'cipher':17}"
        for size in SIZES:
            head += f" | {f'{size} bytes':^29}"
            units += f" | {'send':>7}{'receive':>8}{'both':>8}{'+- %':>6}"
        lines += ["", head, units, "-" * len(units)]
        before = None
        for side, cipher in self.order():
            if before and side != before:
                lines.append("")
            before = side
            line = f"{side:14}{cipher if cipher != 'none' else '-':17}"
            for size in SIZES:
                row = self.rows.get((side, cipher, size))
                line += " | " + (self.cell(row) if row else f"{'-':>7}{'-':>8}{'-':>8}{'-':>6}")
            lines.append(line)
        lines += self.aead_lines() + self.more_lines()
        return "\n".join(lines)

    @staticmethod
    def cell(row):
        parts = [f"{median(row[p]):.0f}" if p in row else "-" for p in ("send", "recv", "total")]
        return f"{parts[0]:>7}{parts[1]:>8}{parts[2]:>8}{spread(row['total']):>6.1f}"

    def aead_lines(self):
        lines = []
        for name, aead in (("AEAD alone", self.aead), ("as by kdtls", self.aead_kdtls)):
            lines += [""] if aead else []
            for cipher in dict.fromkeys(c for c, _ in aead):
                line = f"{name:14}{cipher:17}"
                for size in SIZES:
                    a = aead.get((cipher, size))
                    line += (f" | {a['seal']:>7}{a['open']:>8}{a['seal'] + a['open']:>8}{'':6}"
                             if a else f" | {'-':>7}{'-':>8}{'-':>8}{'':6}")
                lines.append(line)
        return lines

    def more_lines(self):
        lines = [""] + [f"{side + ':':15}{text}" for side, text in ABOUT.items()
                        if any(s == side for s, _, _ in self.rows)]
        if self.associations:
            lines += ["", "Associations on the machine, instructions for a record of 1200 bytes "
                      "(AES-128-GCM, a call each), send + receive:"]
            for n, a in sorted(self.associations.items()):
                lines.append(f"{n:>8}: {median(a['total']):.0f} (+- {spread(a['total']):.1f} %)")
        if self.peers:
            lines += ["", "Peers of one socket, instructions for a record of 1200 bytes "
                      "(AES-128-GCM, a call each), at that socket:"]
            for n, p in sorted(self.peers.items()):
                lines.append(f"{n:>8}: send {median(p['send']):.0f} "
                             f"(+- {spread(p['send']):.1f} %), "
                             f"receive {median(p['recv']):.0f} (+- {spread(p['recv']):.1f} %)")
                if "add" in p:
                    lines.append(f"{'':10}a peer: to add {p['add']:.0f}; among all, to remove "
                                 f"{p['churn_del']:.0f} and add {p['churn_add']:.0f}; "
                                 f"{p['bytes']:.0f} bytes; at the end {p['close']:.0f}")
        memory = self.memory_numbers()
        if memory:
            lines += ["", f"Memory, bytes for an association (of {memory['associations']}, "
                      "AES-128-GCM, keys both ways), on top of a connected UDP socket:"]
            lines.append(f"{'':28}{'all':>7}{'slab':>7}{'percpu':>8}{'vmalloc':>9}"
                         f"{'(free memory fell by)':>23}")
            for name in ("with keys", "after a record each way", "of that, two transforms",
                         "plain socket"):
                m = memory[name]
                label = "the plain socket itself" if name == "plain socket" else name
                lines.append(f"  {label:26}{m['all']:>7.0f}{m['slab']:>7.0f}{m['percpu']:>8.0f}"
                             f"{m['vmallocused']:>9.0f}{m['free_fell']:>23.0f}")
            lines.append("  with keys, by slab: " + ", ".join(
                f"{k} {v:.0f}" for k, v in memory["with keys"]["slabs"].items()))
        lines += [f"FAILED: {f}" for f in self.failed]
        return lines


class Tried:
    """What measures speed, run where there is none."""

    def __init__(self):
        self.refusals = []
        self.dry = []
        self.failed = []

    def take(self, said):
        if "failed" in said:
            self.failed.append(said["failed"])
        elif "refusal" in said:
            self.refusals.append(said)
        elif "dry" in said:
            self.dry.append(said)


class Speed:
    """Real time of one kernel, or of this machine."""

    def __init__(self, kernel, versions):
        self.kernel = kernel
        self.release = kernel
        self.versions = versions
        self.rows = []
        self.parallel = []
        self.failed = []

    def take(self, said):
        if "release" in said:
            self.release = said["release"]
        elif "failed" in said:
            self.failed.append(said["failed"])
        elif "parallel" in said:
            self.parallel.append(said)
        elif "side" in said:
            self.rows.append(said)

    def data(self):
        return {"kernel": self.kernel, "release": self.release, "versions": self.versions,
                "unit": {"send_rate": "records/s", "recv_rate": "records/s",
                         "send_cpu": "ns of CPU time for a record",
                         "recv_cpu": "ns of CPU time for a record",
                         "busy": "ns of all CPUs for a received record"},
                "rows": self.rows, "parallel": self.parallel, "failed": self.failed}

    def table(self):
        lines = [f"Linux {self.release}: speed over loopback, sender and receiver each on a CPU "
                 "of its own; medians", "",
                 f"{'side':14}{'cipher':18}{'bytes':>6}{'packets/s':>12}{'+- %':>6}{'Gbit/s':>8}"
                 f"{'lost %':>8}{'send ns CPU':>13}{'receive ns CPU':>16}{'all ns CPU':>12}"]
        for r in self.rows:
            rate = median(r["recv_rate"])
            lost = 100 * max(0, 1 - rate / median(r["send_rate"]))
            apart = not r["side"].startswith("wireguard")
            lines.append(
                f"{r['side']:14}{r['cipher']:18}{r['size']:>6}{rate:>12.0f}"
                f"{spread(r['recv_rate']):>6.1f}{rate * r['size'] * 8 / 1e9:>8.2f}{lost:>8.1f}"
                + (f"{median(r['send_cpu']):>13.0f}{median(r['recv_cpu']):>16.0f}" if apart
                   else f"{'-':>13}{'-':>16}") + f"{median(r['busy']):>12.0f}")
        if self.parallel:
            lines += ["", "Side by side, AES-128-GCM, 1200 bytes: senders, and as many receivers, "
                      "on a CPU each", "",
                      f"{'side':14}{'of':24}{'senders':>8}{'packets/s':>12}{'of one x n':>12}"]
        alone = {}
        for p in self.parallel:
            key = p["side"], p["parallel"]
            rate = median(p["recv_rate"])
            if p["pairs"] == 1:
                alone[key] = rate
            share = f"{100 * rate / alone[key] / p['pairs']:.0f} %" if key in alone else "-"
            lines.append(f"{p['side']:14}{p['parallel']:24}{p['pairs']:>8}{rate:>12.0f}{share:>12}")
        lines += [f"FAILED: {f}" for f in self.failed]
        return "\n".join(lines)


def shown_cipher(side):
    return {"plain": "none", "wireguard": "ChaCha20-Poly1305"}.get(side.split("-")[0],
                                                                   "AES-128-GCM")


def plot(result, path):
    """Bars of AES-128-GCM (WireGuard: its ChaCha20), a field for each payload."""
    import matplotlib
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "kdtls"
    from matplotlib import pyplot

    figure, fields = pyplot.subplots(1, len(SIZES), figsize=(15, 5), sharey=True)
    sides = [s for s in ABOUT if any(side == s for side, _, _ in result.rows)]
    for field, size in zip(fields, SIZES):
        rows = [result.rows.get((side, shown_cipher(side), size)) for side in sides]
        # One that is far beyond all others must not make them small.
        most = 1.25 * max([median(r["total"]) for r in rows if r and r["side"] != "wolfssl"],
                          default=1)
        for y, row in enumerate(rows):
            if not row:
                continue
            if "send" in row:
                send, recv = median(row["send"]), median(row["recv"])
                field.barh(y, send, color="#33689b")
                field.barh(y, recv, left=send, color="#8fb8de")
            else:
                field.barh(y, median(row["total"]), color="#999999")
            total = median(row["total"])
            if total < most:
                field.text(total, y, f" {total:.0f}", va="center", fontsize=7)
            else:
                field.text(most, y, f"{total:.0f} > ", va="center", ha="right", fontsize=7,
                           color="white")
        field.set_title(f"{size} bytes")
        field.set_xlabel("instructions for a record")
        field.set_xlim(0, most)
        field.locator_params(axis="x", nbins=4)
        field.set_yticks(range(len(sides)), sides)
    fields[0].invert_yaxis()
    colours = [("#33689b", "send"), ("#8fb8de", "receive"), ("#999999", "both")]
    figure.legend(handles=[matplotlib.patches.Patch(color=c, label=t) for c, t in colours],
                  loc="upper right", ncols=3)
    figure.suptitle(f"Linux {result.release}, AES-128-GCM (WireGuard: ChaCha20-Poly1305)")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
