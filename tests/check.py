#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs Meson's tests and prints one line per suite, then the sum.

A test program's TAP results count one by one; a program without subtests counts as one.
Failures print the end of their output. Skips are counted and give their reason.
"""

import argparse
import collections
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET


def run(build, suite, jobs):
    cmd = ["meson", "test", "-C", build, "--num-processes", str(jobs), "--print-errorlogs",
           "--no-rebuild"]
    cmd += ["--suite", suite] if suite else ["--no-suite", "soak", "--no-suite", "kernel"]
    log = os.path.join(build, "meson-logs", "check.log")
    with open(log, "w") as out:
        code = subprocess.run(cmd, stdout=out, stderr=subprocess.STDOUT).returncode
    return code, log


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("build")
    ap.add_argument("--suite", help="only this suite")
    ap.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    args = ap.parse_args()

    report = os.path.join(args.build, "meson-logs", "testlog.junit.xml")
    if os.path.exists(report):
        os.unlink(report)
    code, log = run(args.build, args.suite, args.jobs)
    if not os.path.exists(report):
        sys.stdout.write(open(log).read())
        print("0 passed, 1 failed")
        return 1

    total = collections.Counter()
    for suite in ET.parse(report).getroot().iter("testsuite"):
        cases = suite.findall("testcase")
        # TAP: "ok 3 - name # SKIP why"
        reasons = dict(re.findall(r"^ok (\d+ - .*?) # SKIP (.*)$", suite.findtext("system-out", ""),
                                  re.MULTILINE))
        n = collections.Counter()
        notes = []
        for case in cases:
            bad = case.find("failure") is not None or case.find("error") is not None
            skip = case.find("skipped")
            if bad:
                n["failed"] += 1
                notes.append("    not ok: " + case.get("name", "?"))
            elif skip is not None:
                n["skipped"] += 1
                name = case.get("name", "?")
                notes.append("    skipped: %s: %s" % (name, reasons.get(name, "no reason given")))
            else:
                n["passed"] += 1
        total += n
        # programs that speak no TAP are together in one suite
        name = suite.get("name").partition(":")[2].replace(" / ", "/") or "others"
        line = "%-32s %6d passed, %d failed" % (name, n["passed"], n["failed"])
        if n["skipped"]:
            line += ", %d skipped" % n["skipped"]
        print(line + "  (%.1f s)" % float(suite.get("time", 0) or 0))
        for note in notes:
            print(note)
    # A program may fail without a failed subtest (crash, bad plan, timeout).
    if code and not total["failed"]:
        total["failed"] += 1
    if total["failed"]:
        sys.stdout.write(open(log, errors="replace").read()[-20000:])
    end = "%d passed, %d failed" % (total["passed"], total["failed"])
    if total["skipped"]:
        end += ", %d skipped" % total["skipped"]
    print(end)
    return 1 if total["failed"] or not total["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
