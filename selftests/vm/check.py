#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""make check: builds, boots each kernel, runs the tests, and judges.

Prints TAP as it goes, and at the end one line "N passed, N failed".
Takes no arguments but these environment variables:

    KERNEL  kernels to test (see kernel.sh), default "6.1 6.12", and without TEST=
            the tests marked for it on "debug"
    DEBUG   1: instead, every test on the kernel that looks for errors, and those
            of concurrency on the one that looks for races: KERNEL="debug kcsan"
    TEST    what to run, default all: names of programs, shell patterns, or
            parts of names; "name:case" picks cases of a program
    GCOV    1: which lines of the module run is counted, for "make coverage",
            which asks for KERNEL=debug
    V       1: show everything that the programs print

    KDTLS_LONG    1: tests that can go on for long do so
    KDTLS_CRYPTO  generic: without the drivers of the processor's own ciphers
    KDTLS_NSS     folder of an NSS for interop/nss, default firefox-esr's

What a test is for besides stands in a comment of its file:

    kselftest-debug: yes    worth the time that KERNEL=debug takes; or in the place of
                            "yes" patterns of those cases that are
    kselftest-kcsan: yes    concurrency: KERNEL=kcsan runs these, without TEST=
    kselftest-6.1: ...      patterns: these cases are enough there, without KERNEL=

The debug kernel panics at the first report, so that nothing runs on after it;
the rest of the tests gets another guest.  The races that kcsan's kernel reports
are failures if one of the two accesses is the module's (see kernellog.py).
"""

import copy
import fcntl
import fnmatch
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import kernellog

VM = os.path.dirname(os.path.abspath(__file__))
SELFTESTS = os.path.dirname(VM)
TOP = os.path.dirname(SELFTESTS)
BUILD = os.path.join(TOP, "build")
COVERAGE = os.path.join(BUILD, "coverage")

STOCK = ["6.1", "6.12"]
DEFAULT_TIMEOUT = 120
# One boot under an emulated CPU, on a machine that does other things too.
BOOT_TIME = 60
# What a guest may take to end a test on its own, after the test's time is up.
GRACE = 30
# How much slower than a stock kernel one with such checks is, at the worst.
SLOW_KASAN = 6
SLOW_KCSAN = 12
# The first report ends the guest (but for lockdep, which knows no such thing).
PANIC = "panic_on_warn=1 kasan.fault=panic page_poison=1"
# Reports are long, and the tests many.
SLOW_KERNEL = "rcupdate.rcu_cpu_stall_timeout=120 log_buf_len=16M"
# For tests that go on for minutes, with KDTLS_LONG=1.
LONG = 20

# What QEMU's emulation does now and then when the kernel changes its own code: it
# runs an instruction that is not there any more, the breakpoint or half of what
# is being written.  Nobody's fault here, and rare: run-tests.sh sees to it that the
# keys that sockets turn stay as they are, but there are others.
EMULATOR = re.compile(r"Oops: int3: |RIP: 0010:text_poke_early")
EMULATOR_TIMES = 5
# What run-tests.sh does when all tests have run.
AFTER = ("leaks", "rmmod", "kmemleak", "gcov", "lockdep")
RESULT = re.compile(r"^(not )?ok\b\s*(\d+)?\s*(?:- )?(.*)$")
PLAN = re.compile(r"^1\.\.(\d+)")


class Tap:
    """The one output: numbers the results and counts them."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.failures = []
        self.lock = threading.Lock()
        print("TAP version 13", flush=True)

    def result(self, ok, name, detail=(), skip=None):
        with self.lock:
            self.count(ok, name, detail, skip)

    def count(self, ok, name, detail, skip):
        number = self.passed + self.failed + self.skipped + 1
        text = f"{'ok' if ok else 'not ok'} {number} - {name}"
        if ok and skip is not None:
            self.skipped += 1
            text += f" # SKIP {skip}".rstrip()
        elif ok:
            self.passed += 1
        else:
            self.failed += 1
            self.failures.append(name)
        print(text)
        for line in detail:
            print(f"#   {line}")
        sys.stdout.flush()

    def note(self, text):
        print(f"# {text}", flush=True)

    def close(self):
        total = self.passed + self.failed + self.skipped
        print(f"1..{total}")
        for name in self.failures:
            print(f"# failed: {name}")
        if total == 0:
            print("# no test ran")
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        print(f"{self.passed} passed, {self.failed} failed{skipped}", flush=True)
        return 1 if self.failed or self.passed + self.skipped == 0 else 0


class Test:
    def __init__(self, kind, name, path):
        self.kind, self.name, self.path = kind, name, path
        self.timeout = DEFAULT_TIMEOUT
        self.cases = []  # patterns; empty: all
        source = path if kind == "script" else os.path.join(SELFTESTS, name + ".c")
        with open(source, encoding="utf-8") as f:
            text = f.read()
        said = re.search(r"kselftest-timeout:\s*(\d+)", text)
        if said:
            self.timeout = int(said.group(1))
        # The patterns behind each mark; none: all cases.
        self.marks = {mark: [] if words.strip() == "yes" else words.split()
                      for mark, words in re.findall(
                          r"kselftest-(debug|kcsan|6\.1):([^*\n]*)", text)}

    def marked(self, mark):
        """What of it a mark is about, or None."""
        if mark not in self.marks:
            return None
        part = copy.copy(self)
        part.cases = self.marks[mark]
        return part

    def arguments(self):
        """Picks the cases that the person asked for.

        The harness takes only whole names, so it is asked for them first.
        A script gets the patterns as they are, and may ignore them.
        """
        if not self.cases or self.kind == "script":
            return list(self.cases)
        names = [n for n in self.list_cases() if any(matches(p, n) for p in self.cases)]
        return [word for n in names for word in ("-r", n)]

    def list_cases(self):
        """Full names out of the table that the harness prints for -l.

        Two columns go on independently under each fixture: its variants and
        its tests.
        """
        table = subprocess.run([self.path, "-l"], stdin=subprocess.DEVNULL,
                               capture_output=True, text=True, timeout=30).stderr
        names = []
        fixture, variants, tests = "", [], []

        def flush():
            names.extend(f"{fixture}.{v + '.' if v else ''}{t}"
                         for v in (variants or [""]) for t in tests)

        for line in table.splitlines():
            if line.startswith("# FIXTURE"):
                continue
            if line.startswith("-----"):
                flush()
                fixture, variants, tests = "", [], []
                continue
            # %-20s %-25s %s: long names push the columns to the right, so go
            # by the words where there are three of them.
            words = line.split()
            if not fixture and words and not line.startswith(" "):
                fixture = words.pop(0)
            if len(words) == 2:
                variants.append(words[0])
                tests.append(words[1])
            elif len(words) == 1:
                column = len(line) - len(line.lstrip()) if line.startswith(" ") else 46
                (tests if column >= 46 or line.rstrip() != line[:46].rstrip()
                 else variants).append(words[0])
        flush()
        return names


def matches(pattern, name):
    """A shell pattern if it has wildcards; otherwise any part of the name."""
    if any(c in pattern for c in "*?["):
        return fnmatch.fnmatchcase(name, pattern)
    return pattern in name


def select(tests, wanted):
    """The tests that the patterns of TEST= pick, with their case patterns.

    A pattern that is the whole name of a test means this one and not every
    test that has the name as a part.
    """
    if not wanted:
        return tests
    chosen = {}
    for item in wanted:
        program, _, case = item.partition(":")
        exact = [t for t in tests if t.name == program]
        for t in exact or [t for t in tests if matches(program, t.name)]:
            chosen.setdefault(t, []).append(case)
    for t, cases in chosen.items():
        # A bare name beside name:case means all.
        t.cases = [] if "" in cases else cases
    return [t for t in tests if t in chosen]


class Kernel:
    """A kernel to test on, and what is particular about it."""

    def __init__(self, name, folder):
        self.name, self.folder = name, folder
        self.label = os.path.basename(name)
        try:
            with open(os.path.join(folder, "kdir", ".config"), encoding="utf-8") as f:
                config = f.read().splitlines()
        except FileNotFoundError:
            config = []
        self.kasan = "CONFIG_KASAN=y" in config
        self.kcsan = "CONFIG_KCSAN=y" in config
        self.gcov = "CONFIG_GCOV_KERNEL=y" in config
        self.scale = SLOW_KASAN if self.kasan else SLOW_KCSAN if self.kcsan else 1
        if os.environ.get("KDTLS_LONG", "") not in ("", "0"):
            self.scale *= LONG

    def parameters(self):
        words = [os.environ.get("KERNEL_APPEND", "")]
        if self.kasan or self.kcsan:
            words.append(SLOW_KERNEL)
        if self.kasan:
            words.append(PANIC)
        return " ".join(words).strip()


class Judge:
    """Turns the output of one program into results."""

    def __init__(self, tap, label, verbose):
        self.tap, self.label, self.verbose = tap, label, verbose
        self.plan = None
        self.seen = self.bad = 0
        self.held = []
        self.start = time.monotonic()

    def line(self, line):
        if self.verbose:
            self.tap.note(f"  {line}")
        m = PLAN.match(line)
        if m:
            self.plan = int(m.group(1))
            skip = re.search(r"#\s*SKIP\b\s*(.*)", line, re.I)
            if self.plan == 0 and skip:
                self.seen += 1
                self.tap.result(True, self.label, skip=skip.group(1))
                self.plan = 1
            return
        m = RESULT.match(line)
        if not m:
            if line and not line.startswith("TAP version"):
                self.held.append(line)
                del self.held[:-200]
            return
        self.seen += 1
        ok = not m.group(1)
        text, _, directive = m.group(3).partition("#")
        directive = directive.strip()
        name = f"{self.label} {text.strip() or m.group(2) or self.seen}"
        skip = None
        # The harness counts an expected failure as a pass, and an unexpected
        # pass as a failure; so do we.
        if directive.upper().startswith("SKIP"):
            skip = directive[4:].strip()
        if not ok:
            self.bad += 1
        self.tap.result(ok, name, [] if ok or self.verbose else self.held, skip)
        self.held = []

    def fail(self, why, detail=()):
        self.bad += 1
        self.tap.result(False, f"{self.label} {why}",
                        list(detail) or ([] if self.verbose else self.held))
        self.held = []

    def end(self, rc, timeout):
        took = time.monotonic() - self.start
        if rc in (124, 137) and took >= timeout:
            self.fail(f"(no end after {timeout} s)")
        elif rc >= 128:
            self.fail(f"(killed by signal {rc - 128})")
        elif self.plan is not None and self.seen != self.plan:
            self.fail(f"({self.seen} results, but a plan of {self.plan}, "
                      f"exit code {rc})")
        elif self.seen == 0 and rc == 4:
            # A script that prints no TAP speaks through its exit code.
            self.tap.result(True, self.label, skip=(self.held or [""])[-1].lstrip("# "))
        elif self.seen == 0 and rc == 0 and self.plan is None:
            self.seen = 1
            self.tap.result(True, self.label)
        elif self.seen == 0:
            self.fail(f"(exit code {rc}, no results)")
        elif rc not in (0, 4) and not self.bad:
            self.fail(f"(exit code {rc}, though no result was bad)")
        if took > 10:
            self.tap.note(f"{self.label}: {took:.0f} s")

    def kernel_log(self, path):
        try:
            with open(path, encoding="utf-8", errors="replace") as f:
                log = f.read().splitlines()
        except FileNotFoundError:
            self.fail("(no kernel log)")
            return
        log, reports, ours = kernellog.take_kcsan(log)
        if reports:
            self.tap.note(f"{self.label}: {len(reports)} KCSAN reports, "
                          f"{len(ours)} of them of the module")
        # The same race may be seen many times.
        for title, report in {r[0].split(" in ", 1)[-1]: r for r in ours}.items():
            self.fail(f"race in {title}", report)
        hit = kernellog.bad(log)
        if hit is not None:
            self.fail("kernel log", kernellog.excerpt(log, hit, 60))

    def death(self, why, console, said):
        """The guest is gone: what the kernel's last words were."""
        try:
            with open(console, encoding="utf-8", errors="replace") as f:
                log = kernellog.since(f.read().splitlines(), self.label.split()[-1])
        except FileNotFoundError:
            log = []
        hit = kernellog.bad(log)
        if hit is not None:
            said = said[:1] + kernellog.excerpt(log, hit, 150)
        self.fail(f"({why})", self.held[-20:] + said)


def run_unit(tap, test, verbose):
    judge = Judge(tap, test.name, verbose)
    try:
        done = subprocess.run(["timeout", "-k", "5", str(test.timeout), test.path]
                              + test.arguments(), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", cwd=SELFTESTS)
    except OSError as e:
        judge.fail(f"({e})")
        return
    for line in done.stdout.splitlines():
        judge.line(line.rstrip())
    rc = done.returncode
    judge.end(rc if rc >= 0 else 128 - rc, test.timeout)


def run_lint(tap, verbose, wanted_kernels):
    judge = Judge(tap, "lint", verbose)
    env = dict(os.environ, KERNEL=" ".join(wanted_kernels))
    with subprocess.Popen([os.path.join(SELFTESTS, "lint.sh")], env=env,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          text=True, errors="replace") as p:
        for line in p.stdout:
            judge.line(line.rstrip())
    judge.end(p.returncode, float("inf"))


def own_copy(test, folder):
    """A link to a program that stays when someone else builds it anew."""
    if test.kind == "script":
        return test.path
    path = os.path.join(folder, "bin", test.name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    os.link(test.path, path)
    return path


class Guest:
    """One boot.  Returns from run() the tests that it did not get to."""

    def __init__(self, tap, kernel, ko, verbose):
        self.tap, self.kernel, self.ko, self.verbose = tap, kernel, ko, verbose
        self.name, self.scale = kernel.label, kernel.scale
        self.patience, self.again = True, False

    def emulator_failed(self, folder):
        if not self.patience or os.environ.get("KDTLS_ACCEL") == "kvm":
            return False
        try:
            with open(os.path.join(folder, "console"), encoding="utf-8",
                      errors="replace") as f:
                return bool(EMULATOR.search(f.read()))
        except FileNotFoundError:
            return False

    def run(self, tests):
        os.makedirs(os.path.join(BUILD, "run"), exist_ok=True)
        folder = tempfile.mkdtemp(prefix=f"check-{self.name}.",
                                  dir=os.path.join(BUILD, "run"))
        os.chmod(folder, 0o755)
        shutil.copy(self.ko, os.path.join(folder, "dtls.ko"))
        with open(os.path.join(folder, "tests"), "w", encoding="utf-8") as f:
            for t in tests:
                words = [t.name, str(t.timeout * self.scale), own_copy(t, folder)]
                words += t.arguments()
                f.write(" ".join(words) + "\n")
        by_name = {t.name: t for t in tests}
        left = list(tests)
        limit = self.scale * (2 * BOOT_TIME + sum(t.timeout + GRACE for t in tests))
        command = [os.path.join(VM, "vm.sh"), "-k", self.kernel.name, "-t", str(limit),
                   "-d", folder]
        # So that a test can find the files that were built for it.
        for name, value in (("KDTLS_BUILD", BUILD), ("KDTLS_TOP", TOP),
                            ("KDTLS_KO", "/run/vm/dtls.ko"),
                            ("KDTLS_TIMEOUT_SCALE", self.scale)):
            command += ["-e", f"{name}={value}"]
        for name in ("KDTLS_MODULE_PARAMS", "KDTLS_LONG", "KDTLS_CRYPTO", "KDTLS_NSS",
                     "GCOV"):
            if name in os.environ:
                command += ["-e", f"{name}={os.environ[name]}"]
        command += ["--", os.path.join(VM, "run-tests.sh")]

        failed_before = self.tap.failed
        judge, ended = None, set()
        hung = threading.Event()

        # The guest keeps the time of each test; this is for a guest that
        # cannot, because its kernel is stuck.
        def stop():
            hung.set()
            try:
                with open(os.path.join(folder, "pid"), encoding="utf-8") as f:
                    os.kill(int(f.read()), signal.SIGTERM)
            except (OSError, ValueError):
                p.terminate()

        def expect_news_in(seconds):
            nonlocal timer
            timer.cancel()
            timer = threading.Timer(seconds * self.scale, stop)
            timer.daemon = True
            timer.start()

        timer = threading.Timer(0, stop)
        env = dict(os.environ, KERNEL_APPEND=self.kernel.parameters())
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, errors="replace",
                              env=env) as p:
            expect_news_in(BOOT_TIME)
            for line in p.stdout:
                line = line.rstrip()
                if line.startswith("@@ begin "):
                    name = line.split()[2]
                    expect_news_in(GRACE + (by_name[name].timeout if name in by_name
                                            else DEFAULT_TIMEOUT))
                    judge = Judge(self.tap, f"{self.name} {name}", self.verbose)
                elif line.startswith("@@ end ") and judge:
                    name, rc = line.split()[2:4]
                    timeout = by_name[name].timeout if name in by_name else 60
                    judge.end(int(rc), timeout * self.scale)
                    judge.kernel_log(os.path.join(
                        folder, name.replace("/", "_") + ".log"))
                    ended.add(name)
                    left = [t for t in left if t.name != name]
                    judge = None
                    expect_news_in(BOOT_TIME)
                elif judge:
                    judge.line(line)
                elif line:
                    self.tap.note(line)
            said = p.stderr.read().splitlines()
            timer.cancel()
        died = "the guest hung" if hung.is_set() else "the guest died"
        said = [line[2:] if line.startswith("# ") else line for line in said]
        if (judge or "insmod" not in ended) and self.emulator_failed(folder):
            self.again = True
            self.tap.note(f"{self.name}: the emulator lost its way in code that was "
                          "being changed; the same again")
        elif judge:
            judge.death(died, os.path.join(folder, "console"), said)
            name = judge.label.split()[-1]
            left = [t for t in left if t.name != name]
            # Without the module, or after all tests, another boot tells no more.
            if name in AFTER + ("insmod",):
                left = []
        elif "insmod" not in ended:
            self.tap.result(False, f"{self.name} boot ({died})", said)
            left = []
        elif "rmmod" not in ended and "insmod" in ended:
            if p.returncode == 125:
                self.tap.result(False, f"{self.name} ({died} between tests)", said)
            else:
                # insmod failed, which has been said.
                left = []
        counters = os.path.join(folder, "gcov")
        if os.path.isdir(counters):
            os.makedirs(COVERAGE, exist_ok=True)
            shutil.move(counters, tempfile.mkdtemp(prefix="guest.", dir=COVERAGE))
        if self.tap.failed == failed_before:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            self.tap.note(f"logs of this guest: {os.path.relpath(folder)}")
        return left


def build(tap, name, command):
    """One build; its errors become a failed test.  Returns its stdout."""
    said = []
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, text=True,
                          errors="replace", stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as p:
        # What a script says with a "#" is progress, for now and not for later.
        for line in p.stderr:
            if line.startswith("# "):
                print(line, end="", file=sys.stderr, flush=True)
            else:
                said.append(line.rstrip())
        out = p.stdout.read()
    if p.returncode:
        tap.result(False, name, (out.splitlines() + said)[-200:])
        return None
    for line in said:
        tap.note(line)
    return out


def run_kernel(tap, name, tests, verbose):
    """All that is to run on one kernel, in as many guests as it takes."""
    folder = build(tap, f"{name} kernel", [os.path.join(VM, "kernel.sh"), name])
    if folder is None:
        return
    kernel = Kernel(name, folder.strip())
    ko = build(tap, f"{kernel.label} build", [os.path.join(VM, "build-module.sh"), name])
    if ko is None:
        return
    left, again = tests, 0
    while True:
        before = len(left)
        guest = Guest(tap, kernel, ko.strip(), verbose)
        guest.patience = again < EMULATOR_TIMES
        left = guest.run(left)
        if guest.again:
            again += 1
            continue
        if not left or len(left) == before:
            return
        tap.note(f"{kernel.label}: another guest for the rest")


def forget_old_runs():
    """Folders of failed runs are kept for reading, but not for ever."""
    folder = os.path.join(BUILD, "run")
    for entry in os.scandir(folder) if os.path.isdir(folder) else ():
        if time.time() - entry.stat().st_mtime > 24 * 3600:
            shutil.rmtree(entry.path, ignore_errors=True)


def main():
    tap = Tap()
    verbose = os.environ.get("V", "") not in ("", "0")
    debug = os.environ.get("DEBUG", "") not in ("", "0")
    kernels = os.environ.get("KERNEL", "").replace(",", " ").split()
    wanted = os.environ.get("TEST", "").replace(",", " ").split()
    # On which kernels, and there only those with a mark, or None.
    if kernels:
        plan = {k: "kcsan" if k == "kcsan" else None for k in kernels}
    elif debug:
        plan = {"debug": None, "kcsan": "kcsan"}
    else:
        plan = dict.fromkeys(STOCK)
        if not wanted:
            plan["debug"] = "debug"
    forget_old_runs()

    # Two people may type make check in one tree at the same time.
    os.makedirs(BUILD, exist_ok=True)
    lock = open(os.path.join(BUILD, ".lock"), "w", encoding="utf-8")
    fcntl.flock(lock, fcntl.LOCK_EX)
    make = ["make", "-s", f"-j{os.cpu_count()}", "-C"]
    listing = build(tap, "list selftests", make + [SELFTESTS, "list"]) or ""
    tests = select([Test(*line.split()) for line in listing.splitlines()], wanted)
    # What is asked for must not wait for, or fail with, what is not.
    if not wanted or any(t.kind == "script" for t in tests):
        if build(tap, "build userspace", make + [os.path.join(TOP, "userspace")]) is None:
            return tap.close()
    programs = [t.path for t in tests if t.kind != "script"]
    if programs:
        # One that does not compile is a failure of its own and no reason not to
        # run the others: hence -k, and the look for the files.
        build(tap, "build selftests", make + [SELFTESTS, "-k"] + programs)
        tests = [t for t in tests if os.path.exists(t.path)]
    lock.close()

    lint = None
    # What needs no guest is not run again for kernels that look for errors.
    plain = [k for k in plan if k not in ("debug", "kcsan")]
    if plain:
        for t in tests:
            if t.kind == "unit":
                run_unit(tap, t, verbose)
        if not wanted or "lint" in wanted:
            # One processor is enough for it, and for most of what guests do.
            lint = threading.Thread(target=run_lint, args=(tap, verbose, plain))
            lint.start()

    in_guest = [t for t in tests if t.kind != "unit"]
    # Without TEST= at least the loading and unloading is tested.
    for name, mark in plan.items() if in_guest or not wanted else ():
        if mark and not wanted:
            chosen = [part for part in (t.marked(mark) for t in in_guest) if part]
        elif not kernels and not wanted:
            chosen = [t.marked(name) or t for t in in_guest]
        else:
            chosen = in_guest
        run_kernel(tap, name, chosen, verbose)
    if lint:
        lint.join()
    return tap.close()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
