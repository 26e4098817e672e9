#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs Meson's tests and prints one line per suite, then the sum.

A test program's TAP results count one by one; a program without subtests counts as one.
Failures print the end of their output. Skips are counted and give their reason.
"""

import argparse
import collections
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET


# Suites that have to be asked for, and what to say of it.
ASKED = {
    "kernel": "they make a root folder of some gigabytes; `make check-all` runs them",
    "soak": "",
}


def listed(build, suite):
    """Names of the tests of a suite."""
    text = subprocess.run(["meson", "introspect", "--tests", build], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    return [test["name"] for test in json.loads(text)
            if any(one.partition(":")[2] == suite for one in test["suite"])]


def run(build, args, without):
    cmd = ["meson", "test", "-C", build, "--num-processes", str(args.jobs), "--print-errorlogs",
           "--no-rebuild", *args.tests]
    if args.suite:
        cmd += ["--suite", args.suite]
    for suite in without:
        cmd += ["--no-suite", suite]
    log = os.path.join(build, "meson-logs", "check.log")
    with open(log, "w") as out:
        code = subprocess.run(cmd, stdout=out, stderr=subprocess.STDOUT).returncode
    return code, log


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("build")
    ap.add_argument("tests", nargs="*", help="only these (default: all)")
    ap.add_argument("--suite", help="only this suite")
    ap.add_argument("--all", action="store_true", help="also the kernel's suite, not soak")
    ap.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    args = ap.parse_args()

    report = os.path.join(args.build, "meson-logs", "testlog.junit.xml")
    if os.path.exists(report):
        os.unlink(report)
    without = [] if args.suite else ["soak"] if args.all else list(ASKED)
    code, log = run(args.build, args, without)
    if not os.path.exists(report):
        sys.stdout.write(open(log).read())
        print("0 passed, 1 failed")
        return 1

    total = collections.Counter()
    for suite in ET.parse(report).getroot().iter("testsuite"):
        cases = suite.findall("testcase")
        out = suite.findtext("system-out", "")
        # TAP: "ok 3 - name # SKIP why"
        reasons = dict(re.findall(r"^ok (\d+ - .*?) # SKIP (.*)$", out, re.MULTILINE))
        n = collections.Counter()
        # what was random in this run
        notes = ["    " + x for x in re.findall(r"^# (fresh seed .*)$", out, re.MULTILINE)]
        for case in cases:
            bad = case.find("failure") is not None or case.find("error") is not None
            skip = case.find("skipped")
            if bad:
                n["failed"] += 1
                notes.append("    not ok: " + case.get("name", "?"))
            elif skip is not None:
                n["skipped"] += 1
                name = case.get("name", "?")
                # a program that skips as a whole: "1..0 # SKIP why"
                whole = re.search(r"^1\.\.0 # SKIP (.*)$", case.findtext("system-out", ""), re.M)
                why = whole.group(1) if whole else reasons.get(name, "no reason given")
                notes.append("    skipped: %s: %s" % (name, why))
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
    # What was left out is no secret.
    for suite in without:
        for name in listed(args.build, suite) if ASKED[suite] and not args.tests else []:
            total["skipped"] += 1
            print("%-32s      0 passed, 0 failed, 1 skipped" % (suite + "/" + name))
            print("    skipped: " + ASKED[suite])
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
