# SPDX-License-Identifier: MIT
"""One flat TAP stream out of many tests' own."""

import re
import sys

POINT = re.compile(r"^(not )?ok\b\s*(\d+)?\s*(?:- )?(.*)$")
PLAN = re.compile(r"^1\.\.(\d+)(?:\s*# SKIP\b\s*(.*))?", re.IGNORECASE)


class Report:
    def __init__(self, out=sys.stdout):
        self.out = out
        self.passed = self.failed = self.skipped = 0
        self.failures = []
        self._write("TAP version 13")

    def _write(self, line):
        self.out.write(line + "\n")
        self.out.flush()

    def point(self, good, name, skip=None):
        number = self.passed + self.failed + self.skipped + 1
        if skip is not None:
            self.skipped += 1
            self._write("ok %d - %s # SKIP %s" % (number, name, skip or "no reason given"))
        elif good:
            self.passed += 1
            self._write("ok %d - %s" % (number, name))
        else:
            self.failed += 1
            self.failures.append(name)
            self._write("not ok %d - %s" % (number, name))

    def note(self, text):
        for line in text.splitlines():
            self._write("# " + line)

    def end(self):
        self._write("1..%d" % (self.passed + self.failed + self.skipped))
        for name in self.failures:
            self.note("failed: " + name)
        line = "%d passed, %d failed" % (self.passed, self.failed)
        if self.skipped:
            line += ", %d skipped" % self.skipped
        self.note(line)
        return 0 if not self.failed and self.passed else 1


class Test:
    """The lines of one test, judged as they come."""

    def __init__(self, report, name, verbose=False):
        self.report = report
        self.name = name
        self.verbose = verbose
        self.points = 0
        self.failed = 0
        self.plan = None
        self.skip_all = None
        self.other = []

    def line(self, line):
        point = POINT.match(line)
        plan = PLAN.match(line)
        if point:
            self.points += 1
            text, _, skip = point[3].partition("# SKIP")
            self.failed += bool(point[1])
            self.report.point(not point[1], "%s: %s" % (self.name, text.strip()),
                              skip.strip() if "# SKIP" in point[3] else None)
        elif plan:
            self.plan = int(plan[1])
            self.skip_all = plan[2]
        elif line.startswith("#"):
            self.report.note(line[1:].lstrip())
        elif line.startswith("Bail out!"):
            self.report.point(False, "%s: %s" % (self.name, line))
        elif line.strip() and not line.startswith("TAP version"):
            self.other = (self.other + [line])[-20:]
            if self.verbose:
                self.report.note("%s| %s" % (self.name, line))

    def end(self, code, splats):
        """The test's exit status and the kernel's complaints during it."""
        problem = None
        if code == 137:
            problem = "it ran into its timeout"
        elif self.plan == 0 and not self.points:
            self.report.point(True, self.name, self.skip_all or "no reason given")
        elif self.plan is None:
            problem = "it ended without a plan (exit status %d)" % code
        elif self.plan != self.points:
            problem = "%d results, %d planned (exit status %d)" % (self.points, self.plan, code)
        elif code and not self.failed:
            problem = "exit status %d" % code
        if problem:
            self.report.point(False, "%s: %s" % (self.name, problem))
            self.report.note("\n".join(self.other))
        if splats:
            self.report.point(False, "%s: the kernel complains" % self.name)
            self.report.note("\n".join(splats))
        elif self.points:
            self.report.point(True, "%s: the kernel does not complain" % self.name)
