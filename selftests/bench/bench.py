#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""make bench, make bench-check: what a record costs.

    bench.py            boots each kernel once and counts instructions: a table,
                        build/bench/KERNEL.json and build/bench/KERNEL.svg. Where
                        there is KVM, a second boot measures speed.
    bench.py check      counts those of kdtls and of its yardsticks, and compares
                        with baseline.json and with the budgets (judge.py)
    bench.py baseline   the same, and writes baseline.json

Environment:

    KERNEL  kernels, default "6.1 6.12"
    HERE    1: speed only, of this machine, as root, with the module loaded
    SIDES, CIPHERS, SIZES   bench: only these, by their names in the table
    V       1: show what the guest prints

Instructions are those of an emulated processor that counts them
(Documentation/testing.rst), the same on every machine. Speed is real time, and
there is none from an emulated processor.
"""

import json
import os
import shutil
import subprocess
import sys

import judge
import report

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
VM = os.path.join(TOP, "selftests", "vm")
BUILD = os.path.join(TOP, "build", "bench")
BENCH = os.path.join(BUILD, "bench")
BASELINE = os.path.join(HERE, "baseline.json")

STOCK = ["6.1", "6.12"]
ROUNDS = 9
ASSOCIATIONS = 100000
# What bench-check looks at: ours, and what the budgets are made of.
CHECKED = ["plain", "plain-gso", "kdtls", "kdtls-gso", "kdtls13", "kdtls13-gso",
           "openssl"]
# 100,000 associations, and a table of UDP sockets as it is on a machine that has
# so many: with the one of a machine of this size, UDP alone gets slower.
GUEST_MEMORY = "4G"
GUEST_KERNEL = "uhash_entries=65536"
TIMEOUT = 1500
SECONDS_EACH = 0.2


def say(text):
    print("# " + text, file=sys.stderr, flush=True)


def die(text):
    say("error: " + text)
    sys.exit(2)


def has_kvm():
    """As vm.sh judges it."""
    accel = os.environ.get("KDTLS_ACCEL")
    if accel:
        return accel == "kvm"
    with open("/proc/cpuinfo") as f:
        flags = next((l for l in f if l.startswith("flags")), "").split()
    return os.access("/dev/kvm", os.W_OK) and bool({"svm", "vmx"} & set(flags))


def selection():
    """The options of the program for what the environment wants."""
    words = []
    for option, variable in (("-s", "SIDES"), ("-c", "CIPHERS"), ("-l", "SIZES")):
        for word in os.environ.get(variable, "").replace(",", " ").split():
            words += [option, word]
    return " ".join(words)


def build():
    subprocess.run(["make", "-s", "-j", str(os.cpu_count()), "-C", HERE], check=True)


def guest(kernel, what, environment, options):
    """Boots, runs guest.sh WHAT, and yields what it says, a dict for a line."""
    ko = subprocess.run([os.path.join(HERE, "build-aead.sh"), kernel],
                        check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    options = dict(BENCH=BENCH, AEAD_KO=ko, ASSOCIATIONS=ASSOCIATIONS, **options)
    command = [os.path.join(VM, "with-module.sh"), "-t", str(TIMEOUT)]
    for name, value in options.items():
        command += ["-e", f"{name}={value}"]
    command += ["bash", os.path.join(HERE, "guest.sh")] + what
    environment = dict(os.environ, KERNEL=kernel, MEM=GUEST_MEMORY,
                       KERNEL_APPEND=GUEST_KERNEL, **environment)
    return lines_of(command, environment)


def lines_of(command, environment):
    side = None
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE,
                          text=True, cwd=TOP) as process:
        for line in process.stdout:
            if os.environ.get("V") or not line.startswith("{"):
                say(line.rstrip())
            if not line.startswith("{"):
                continue
            said = json.loads(line)
            if said.get("side", side) != side:
                side = said["side"]
                say(f"measuring {side}")
            yield said
    if process.returncode:
        yield {"failed": f"{os.path.basename(command[0])}: exit code {process.returncode}"}


def versions():
    """Of what is measured beside the kernel."""
    packages = ["libssl3", "libgnutls30", "libwolfssl35", "qemu-system-x86"]
    out = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version}\n"] + packages,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return dict(line.split() for line in out.stdout.splitlines())


def instructions(kernel, what, arguments):
    """One boot under the emulator that counts."""
    result = report.Result(kernel, versions())
    say(f"kernel {kernel}: counting instructions")
    for said in guest(kernel, what, {"ICOUNT": "1", "KDTLS_ACCEL": "tcg"},
                      {"ROUNDS": ROUNDS, "ARGS": arguments}):
        result.take(said)
    return result


def speed(kernel):
    say(f"kernel {kernel}: measuring speed")
    return take_speed(kernel, guest(
        kernel, ["time", "parallel"], {"KDTLS_ACCEL": "kvm", "SMP": str(os.cpu_count())},
        {"ROUNDS": ROUNDS, "SECONDS_EACH": SECONDS_EACH, "ARGS": selection()}))


def take_speed(kernel, lines):
    result = report.Speed(kernel, versions())
    for said in lines:
        result.take(said)
    return result


def speed_here():
    if os.geteuid():
        die("HERE=1 needs root: the sockets' buffers are larger than others may have")
    if not os.path.exists("/proc/net/dtls_stat"):
        die("HERE=1 needs the module: it is not loaded")
    # A host without the others' modules has no row for them.
    subprocess.run(["modprobe", "-q", "-a", "tls", "wireguard"], check=False)
    environment = dict(os.environ, BENCH_SCRIPTS=HERE)
    lines = []
    for what in ("time", "parallel"):
        arguments = selection().split() if what == "time" else []
        lines += lines_of([BENCH] + arguments + [what, str(SECONDS_EACH), str(ROUNDS)],
                          environment)
    return take_speed(os.uname().release, lines)


def write(name, data):
    path = os.path.join(BUILD, name)
    with open(path + ".tmp", "w") as f:
        json.dump(data, f, indent=1)
        f.write("\n")
    os.replace(path + ".tmp", path)
    return os.path.relpath(path, TOP)


def bench(kernels):
    bad = False
    for kernel in kernels:
        result = instructions(kernel, ["aead", "memory", "rows", "many", "peers"], selection())
        print(result.table())
        print(judge.budgets_table([b for b in judge.budgets(result) if b.measured]))
        written = [write(f"{kernel}.json", result.data())]
        svg = os.path.join(BUILD, f"{kernel}.svg")
        report.plot(result, svg)
        written.append(os.path.relpath(svg, TOP))
        bad = bad or result.failed
        if has_kvm():
            fast = speed(kernel)
            print(fast.table())
            written.append(write(f"{kernel}-speed.json", fast.data()))
            bad = bad or fast.failed
        else:
            print("No speed: there is no KVM here, and an emulated processor has none.")
        print("Written: " + ", ".join(written))
        print(flush=True)
    return 1 if bad else 0


def try_speed(kernel):
    """That what measures speed works, and keeps silent on this processor."""
    say(f"kernel {kernel}: what measures speed, without measuring it")
    result = report.Tried()
    for said in guest(kernel, ["refusal", "dry"], {"KDTLS_ACCEL": "tcg", "SMP": "4"},
                      {"ARGS": "-c AES-128-GCM -c ChaCha20-Poly1305 -l 1200"}):
        result.take(said)
    return result


def check(kernels, keep):
    bad = False
    try:
        with open(BASELINE) as f:
            baseline = json.load(f)
    except FileNotFoundError:
        baseline = {}
    for kernel in kernels:
        result = instructions(kernel, ["aead", "rows", "many", "peers"],
                              " ".join("-s " + side for side in CHECKED))
        write(f"{kernel}-check.json", result.data())
        if keep:
            baseline[kernel] = judge.baseline_of(result)
        good, text = judge.judge(result, baseline.get(kernel))
        print(text)
        good_too, text = judge.judge_speed(try_speed(kernel))
        print(text)
        good = good and good_too
        print(flush=True)
        bad = bad or not good
    if keep:
        with open(BASELINE, "w") as f:
            json.dump(baseline, f, indent=1, sort_keys=True)
            f.write("\n")
    print("bench-check: " + ("failed" if bad else "passed"))
    return 1 if bad else 0


def main():
    what = sys.argv[1] if len(sys.argv) > 1 else "bench"
    kernels = os.environ.get("KERNEL", "").replace(",", " ").split() or STOCK
    build()
    if what == "bench" and os.environ.get("HERE"):
        fast = speed_here()
        print(fast.table())
        print("Written: " + write("here-speed.json", fast.data()))
        return 1 if fast.failed else 0
    if not shutil.which("qemu-system-x86_64"):
        die("no qemu-system-x86_64: make bench installs it")
    if what == "bench":
        return bench(kernels)
    if what in ("check", "baseline"):
        return check(kernels, what == "baseline")
    die(__doc__)


if __name__ == "__main__":
    sys.exit(main())
