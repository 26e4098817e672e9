#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The parts of the harness that need no machine, as TAP: above all, that it notices failures."""

import importlib.machinery
import importlib.util
import io
import os
import subprocess
import sys
import tempfile
import time
import types

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from harness import catalog, cpio, machine, procs, splats, tap  # noqa: E402

results = []


def ok(good, name):
    results.append(bool(good))
    print("%s %d - %s" % ("ok" if good else "not ok", len(results), name), flush=True)


def judge(lines, code=0, complaints=()):
    """(passed, failed, skipped) of one test that printed these lines."""
    report = tap.Report(io.StringIO())
    test = tap.Test(report, "t")
    for line in lines:
        test.line(line)
    test.end(code, list(complaints))
    return report.passed, report.failed, report.skipped


def test_tap():
    # A clean test has one more result: that the kernel did not complain.
    ok(judge(["ok 1 - a", "1..1"]) == (2, 0, 0), "tap: a test that passes")
    ok(judge(["not ok 1 - a", "1..1"], 1) == (1, 1, 0), "tap: a failure counts once")
    ok(judge(["ok 1 - a"])[1] == 1, "tap: no plan is a failure")
    ok(judge([])[1] == 1, "tap: no output is a failure")
    ok(judge(["ok 1 - a", "1..2"])[1] == 1, "tap: a result too few is a failure")
    ok(judge(["ok 1 - a", "1..1"], 3)[1] == 1, "tap: a bad exit status is a failure")
    ok(judge(["ok 1 - a", "1..1"], 137)[1] == 1, "tap: a timeout is a failure")
    ok(judge(["ok 1 - a", "1..1"], 0, ["WARNING: x"]) == (1, 1, 0), "tap: a splat is a failure")
    ok(judge(["ok 1 - a # SKIP why", "1..1"]) == (1, 0, 1), "tap: a skip is a skip")
    ok(judge(["1..0 # SKIP why"]) == (0, 0, 1), "tap: a test may skip as a whole")
    ok(judge(["Bail out! no"], 1)[1] == 2, "tap: bailing out is a failure")
    report = tap.Report(io.StringIO())
    ok(report.end() == 1, "tap: no result at all is a failure")


def test_splats():
    bad = ["WARNING: CPU: 0 PID: 1 at x", "BUG: KASAN: use-after-free", "Oops: 0000 [#1]",
           "BUG: sleeping function called from invalid context",
           "WARNING: possible circular locking dependency detected",
           "INFO: task accel-run:12 blocked for more than 120 seconds.",
           "kmemleak: 3 new suspected memory leaks", "DMA-API: device driver frees DMA memory"]
    for line in bad:
        ok(splats.find(["[    1.0] " + line]), "splats: " + line)
    good = ["intaglio 0000:01:00.0: reset", "Spectre V2 : Mitigation", "kmemleak: 0 new"]
    ok(not splats.find(good), "splats: plain lines are none")
    ok(not splats.find(bad[:1], ["WARNING: CPU"]), "splats: allowed ones are not reported")


def test_cpio():
    archive = cpio.Archive()
    archive.data("a/b/file", b"content", 0o755)
    archive.link("a/link", "b/file")
    archive.data("a/b/file", b"other")
    one, two = io.BytesIO(), io.BytesIO()
    archive.write(one)
    archive.write(two)
    ok(one.getvalue() == two.getvalue(), "cpio: the same bytes twice")
    names = [name for name in (b"a\0", b"a/b\0", b"a/b/file\0", b"a/link\0") if name in
             one.getvalue()]
    ok(len(names) == 4, "cpio: parents are added")
    ok(one.getvalue().count(b"070701") == 5, "cpio: an entry each, and the trailer")


def test_catalog():
    entries = catalog.load()
    ok(entries, "catalog: there are tests")
    ok(len({entry.name for entry in entries}) == len(entries), "catalog: each name once")
    grouped = [entry for group in catalog.boots(entries) for entry in group]
    ok(sorted(one.name for one in grouped) == sorted(one.name for one in entries),
       "catalog: every test is in a boot")
    try:
        catalog.load(["nonsense"])
        ok(False, "catalog: an unknown name is refused")
    except KeyError:
        ok(True, "catalog: an unknown name is refused")
    with tempfile.NamedTemporaryFile("w", suffix=".sh") as source:
        source.write("# vm: chip=1\n")
        source.flush()
        try:
            catalog.Entry(source.name)
            ok(False, "catalog: an unknown word is refused")
        except ValueError:
            ok(True, "catalog: an unknown word is refused")


def test_procs():
    child = procs.start(["sh", "-c", "trap '' TERM; while :; do sleep 1; done"])
    begin = time.monotonic()
    procs.stop(child, 0.2)
    ok(child.poll() is not None and time.monotonic() - begin < 10, "procs: a stubborn child ends")
    # The harness is killed outright: its children go too.
    script = ("import sys; sys.path.insert(0, %r)\nfrom harness import procs\n"
              "print(procs.start(['sleep', '60']).pid, flush=True)\nimport time; time.sleep(60)"
              % HERE)
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    end = time.monotonic() + 10
    gone = False
    while not gone and time.monotonic() < end:
        try:
            with open("/proc/%d/stat" % pid) as stat:
                gone = stat.read().rpartition(")")[2].split()[0] in "ZX"
        except OSError:
            gone = True
        time.sleep(0.05)
    ok(gone, "procs: children die with a harness that is killed")
    parent.stdout.close()


def test_machine():
    """With a QEMU that is none: it says nothing, or ends at once."""
    with tempfile.TemporaryDirectory() as folder:
        qemu = os.path.join(folder, "qemu")
        with open(qemu, "w") as script:
            script.write("#!/bin/sh\nexit 3\n")
        os.chmod(qemu, 0o755)
        machine.QEMU = qemu
        try:
            machine.Machine([], folder + "/console", folder + "/log")
            ok(False, "machine: a QEMU that ends at once is noticed")
        except (RuntimeError, OSError):
            ok(True, "machine: a QEMU that ends at once is noticed")


# A machine for who asks QEMU for one: answers its monitor, says what the test wants, and then either
# ends, talks for ever or does nothing, whatever it is asked to do.
FAKE = """#!%s
import json, os, re, signal, socket, sys, time
end = %r
fds = dict(re.findall(r"socket,id=(\\w+),fd=(\\d+)", " ".join(sys.argv)))
console, results, monitor = (socket.socket(fileno=int(fds[name]))
                             for name in ("console", "results", "monitor"))
signal.signal(signal.SIGTERM, signal.SIG_IGN)
monitor.recv(4096)
monitor.sendall(b'{"return": {}}\\n')
console.sendall(%r)
results.sendall(%r)
while end != "ends":
    if end == "talks":
        results.sendall(b"ok 1 - more\\n" * 100)
        console.sendall(b"and more\\n")
    elif end == "mumbles":
        results.sendall(b"no newline ")
        time.sleep(0.01)
    else:
        time.sleep(1)
"""
UP = b"##vm up fake\n"
BEGIN = UP + b"##vm begin 20-load\n"


def load_run():
    """tests/vm/run, whose name is none of a module."""
    loader = importlib.machinery.SourceFileLoader("run", os.path.join(HERE, "run"))
    run = importlib.util.module_from_spec(importlib.util.spec_from_loader("run", loader))
    loader.exec_module(run)
    return run


def boot(run, folder, said, end, seconds=60.0, console=b"its last words\n", again=False):
    """Boots a fake with two tests: (report's text, names of the tests left, seconds)."""
    machine.QEMU = os.path.join(folder, "qemu")
    with open(machine.QEMU, "w") as script:
        script.write(FAKE % (sys.executable, end, console, said))
    os.chmod(machine.QEMU, 0o755)
    session = object.__new__(run.Session)
    session.report = tap.Report(io.StringIO())
    session.args = types.SimpleNamespace(verbose=False, deadline=time.monotonic() + seconds)
    session.kernel = types.SimpleNamespace(series="fake")
    session.accel = "none"
    session.out = session.run = folder
    session.boot_number = 0
    session.initrd = lambda overlay: None
    session.arguments = lambda *words: []
    entries = catalog.load(["load", "inference"])
    for entry in entries:
        entry.chips = 0
    begin = time.monotonic()
    left = session.boot(entries, [], again)
    return (session.report.out.getvalue(), [entry.name for entry in left],
            time.monotonic() - begin)


def test_hung():
    """Whatever a guest does, the harness gets on, says why, and keeps the tests it did not get to."""
    run = load_run()
    # A test has (60 + 15) times that, a boot 90.
    run.patience = lambda args: 0.01
    machine.MONITOR_SECONDS = 1
    machine.STOP_SECONDS = 0.5
    before = len(procs.children)
    with tempfile.TemporaryDirectory() as folder:
        for name, said, end, left, words in (
                ("silent from the start", b"", "is silent", 2, "its last words"),
                ("silent after its boot", UP, "is silent", 2, "its last words"),
                ("silent within a test", BEGIN, "is silent", 1, "its last words"),
                ("who talks for ever", BEGIN, "talks", 1, "and more"),
                ("who does not end a line", BEGIN, "mumbles", 1, "its last words")):
            text, names, seconds = boot(run, folder, said, end)
            ok("timeout" in text and words in text and len(names) == left and
               seconds < 30, "hung: a guest %s (%.1f s)" % (name, seconds))
        text, names, seconds = boot(run, folder, BEGIN, "ends")
        ok("ended by itself" in text and len(names) == 1, "hung: a guest that ends within a test")
        for name, said, failed in (("did not come up", b"", False), ("came up", UP, True)):
            text, names, seconds = boot(run, folder, said, "is silent", again=True)
            ok(("not ok" in text) == failed and len(names) == 2 and "its last words" in text,
               "hung: the first boot of a guest that %s" % name)
        text, names, seconds = boot(run, folder, UP, "is silent", 0.2)
        ok(text.count("the time is up") == 2 and not names, "hung: the time for everything is up")
    ok(len(procs.children) == before, "hung: no machine is left")


def test_end():
    """What happens after the last test counts."""
    run = load_run()
    run.patience = lambda args: 0.01
    machine.MONITOR_SECONDS = 1
    machine.STOP_SECONDS = 0.5
    off = b"reboot: Power down\n"
    bye = b"WARNING: of before\n" + run.GOODBYE.encode() + b"\n"
    done = UP + b"##vm done\n"
    for name, said, console, end, good in (
            ("switches itself off", done, bye + off, "ends", True),
            ("does not end", done, bye + off, "is silent", False),
            ("ends otherwise", done, bye, "ends", False),
            ("complains as it goes", done, bye + b"WARNING: late\n" + off, "ends", False),
            ("complained after the last test", UP + b"##vm splat end BUG: x\n##vm done\n",
             bye + off, "ends", False)):
        with tempfile.TemporaryDirectory() as folder:
            text, _, _ = boot(run, folder, said, end, console=console)
        ok(("not ok" not in text) == good and "switches itself off" in text, "end: a guest that " + name)


def test_missing():
    """What the suite should have built is no reason to skip."""
    run = load_run()
    session = object.__new__(run.Session)
    session.kernel = types.SimpleNamespace(series="fake", modules=[])
    session.programs = {"accel-run": ""}
    with tempfile.TemporaryDirectory() as folder:
        mask = os.path.join(folder, "mask")
        for name, sim, at, modules, no_driver, need, want in (
                ("a simulator", "/none", mask, ["x"], False, "driver", "not ok"),
                ("a mask", "/bin/sh", "/none", ["x"], False, "driver", "not ok"),
                ("a program", "/bin/sh", mask, ["x"], False, "hoard", "not ok"),
                ("a module", "/bin/sh", mask, [], False, "driver", "not ok"),
                ("a module that was not asked for", "/bin/sh", mask, [], True, "driver", "# SKIP")):
            with open(mask, "w"):
                pass
            session.report = tap.Report(io.StringIO())
            session.args = types.SimpleNamespace(sim=sim, mask=at, no_driver=no_driver, build=folder)
            session.run = folder
            session.kernel.modules = modules
            entry = catalog.load(["load"])[0]
            entry.needs = [need]
            session.tests([entry])
            ok(want in session.report.out.getvalue(), "missing: " + name)


def main():
    print("TAP version 13")
    for test in (test_tap, test_splats, test_cpio, test_catalog, test_procs, test_machine,
                 test_hung, test_end, test_missing):
        test()
    procs.stop_all()
    print("1..%d" % len(results))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
