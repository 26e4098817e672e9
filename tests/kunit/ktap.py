#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""KTAP of a kernel log to flat TAP 13, one line per case, and the log's complaints.

KUnit nests its results (suite, case, parameter) and prints "ok" after a WARN or a lockdep report;
Meson and tests/check.py count flat results. So a case's name becomes suite.case[.parameter], a plan
that is not fulfilled becomes a failure, and so does every complaint.
"""

import re
import sys

# What the kernel prints when something is wrong, whoever noticed. lockdep, RCU and the like do not
# obey panic_on_warn.
COMPLAINT = re.compile(
    r"\bWARNING: |\bBUG: |\bINFO: (?:possible|rcu|task|trying|inconsistent|lockdep)|"
    r"Kernel panic|Oops|Internal error|DEBUG_LOCKS_WARN_ON|ODEBUG: |"
    r"BUG \S+ \(|Bad page|unreferenced object|double fault|refcount_t: |"
    r"list_(?:add|del) corruption|scheduling while atomic|UBSAN: |"
    r"Kernel mode fault|Segfault with no mm|general protection")
STAMP = re.compile(r"^(?:<\d+>)?(?:\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ?)?")
RESULT = re.compile(r"^(not ok|ok) (\d+)(?: -)?(?: (.*?))?(?: +# *(SKIP|TODO)\b ?(.*))?$", re.I)
PLAN = re.compile(r"^1\.\.(\d+)")
SUBTEST = re.compile(r"^# Subtest: (.*)$")


class Group:
    """A suite, or a case with parameters: what it announced and what came."""

    def __init__(self, depth, name):
        self.depth = depth
        self.name = name
        self.plan = None
        self.seen = 0
        self.bad = 0


class Report:
    """Flat results: (ok, name, skip reason or None, notes)."""

    def __init__(self):
        self.results = []
        self.started = False

    def add(self, good, name, skip=None, notes=()):
        self.results.append((good, name, skip, list(notes)))

    def write(self, out):
        print("TAP version 13", file=out)
        for n, (good, name, skip, notes) in enumerate(self.results, 1):
            print("%s %d - %s%s" % ("ok" if good else "not ok", n, name.replace("#", "_"),
                                    "" if skip is None else " # SKIP " + skip), file=out)
            for note in notes:
                print("# " + note, file=out)
        print("1..%d" % len(self.results), file=out)

    def failed(self):
        return sum(not good for good, _, _, _ in self.results)


def _close(report, stack, depth, notes):
    """Ends the groups that are at least as deep; what they did not deliver has failed."""
    bad = 0
    while stack and stack[-1].depth >= depth:
        group = stack.pop()
        bad += group.bad
        if group.plan is None or group.seen == group.plan:
            continue
        path = ".".join([g.name for g in stack if g.name] + ([group.name] if group.name else []))
        report.add(False, "%s: %d of %d results" % (path or "all suites", group.seen, group.plan),
                   notes=notes)
        bad += 1
    return bad


def convert(lines):
    """Parses a log. The notes of a failed case are what was printed since the last result."""
    report = Report()
    stack = []
    notes = []
    for line in lines:
        line = STAMP.sub("", line.rstrip("\r\n"))
        depth = (len(line) - len(line.lstrip(" "))) // 4
        text = line.strip()
        if text.startswith("KTAP version") or text.startswith("TAP version"):
            _close(report, stack, depth, notes)
            stack.append(Group(depth, ""))
            report.started = True
            notes = []
            continue
        if not report.started:
            continue
        group = stack[-1] if stack else None
        subtest = SUBTEST.match(text)
        if subtest and group and group.depth == depth:
            group.name = subtest.group(1)
            continue
        plan = PLAN.match(text)
        if plan and group and group.depth == depth:
            group.plan = int(plan.group(1))
            continue
        result = RESULT.match(text)
        # Only at the depth of a group that is open: drivers may print anything.
        if not result or not any(g.depth == depth for g in stack):
            if text:
                notes.append(text)
            continue
        inner = stack[-1].depth > depth
        bad = _close(report, stack, depth + 1, notes)
        group = stack[-1]
        group.seen += 1
        good = result.group(1) == "ok"
        name = result.group(3) or result.group(2)
        path = ".".join([g.name for g in stack if g.name] + [name])
        skip = None
        if (result.group(4) or "").upper() == "SKIP":
            skip = result.group(5) or "no reason given"
        if not inner or skip is not None:
            report.add(good, path, skip, [] if good else notes)
        elif not good and not bad:
            report.add(False, path + " (outside its cases)", notes=notes)
        if not good or bad:
            group.bad += 1
        if int(result.group(2)) != group.seen:
            report.add(False, "%s: result %s where %d was due" % (path, result.group(2),
                                                                  group.seen))
        notes = []
    _close(report, stack, 0, notes)
    if not report.started:
        report.add(False, "the kernel ran its tests", notes=["no KTAP in its output"])
    elif not report.results:
        report.add(False, "there is a test", notes=["the kernel ran no case"])
    return report


def complaints(lines, context=30):
    """[(first line, following lines)] of every complaint, overlapping ones merged."""
    lines = [STAMP.sub("", line.rstrip("\r\n")) for line in lines]
    found = []
    end = -1
    for i, line in enumerate(lines):
        if not COMPLAINT.search(line):
            continue
        if i >= end:
            found.append((line.strip(), lines[i + 1:i + 1 + context]))
            end = i + 1 + context
    return found


def judge(lines):
    """The report of a log, with a failure per complaint."""
    lines = list(lines)
    report = convert(lines)
    for first, rest in complaints(lines):
        report.add(False, "no complaint in the kernel's log", notes=[first] + rest)
    return report


def main():
    report = judge(sys.stdin)
    report.write(sys.stdout)
    return 1 if report.failed() else 0


if __name__ == "__main__":
    sys.exit(main())
