#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""ktap.py: results are counted one by one and nothing that went wrong is lost."""

import io
import sys
import unittest

import ktap

GOOD = """\
Linux version 7.3
not ok 7 boot noise before the results
KTAP version 1
1..2
    KTAP version 1
    # Subtest: mmu
    # module: intaglio
    1..3
    ok 1 walk
    ok 2 split # SKIP no memory
        KTAP version 1
        # Subtest: sizes
        ok 1 4 KiB
        ok 2 2 MiB
    # sizes: pass:2 fail:0 skip:0 total:2
    ok 3 sizes
# mmu: pass:2 fail:0 skip:1 total:3
ok 1 mmu
    KTAP version 1
    # Subtest: ring
    1..1
    ok 1 wrap
ok 2 ring
reboot: System halted
"""


def judge(text):
    report = ktap.judge(text.splitlines())
    return report, [(good, name) for good, name, _, _ in report.results]


class Convert(unittest.TestCase):
    def failures(self, text):
        report, results = judge(text)
        self.assertEqual(report.failed(), sum(not good for good, _ in results))
        return [name for good, name in results if not good]

    def test_good(self):
        report, results = judge(GOOD)
        self.assertEqual(results, [(True, "mmu.walk"), (True, "mmu.split"),
                                   (True, "mmu.sizes.4 KiB"), (True, "mmu.sizes.2 MiB"),
                                   (True, "ring.wrap")])
        self.assertEqual(report.results[1][2], "no memory")

    def test_stamps(self):
        text = "".join("[    1.%06d][    T1] %s" % (n, line)
                       for n, line in enumerate(GOOD.splitlines(True)))
        self.assertEqual(judge(text)[1], judge(GOOD)[1])

    def test_written(self):
        out = io.StringIO()
        judge(GOOD)[0].write(out)
        lines = out.getvalue().splitlines()
        self.assertEqual(lines[0], "TAP version 13")
        self.assertIn("ok 2 - mmu.split # SKIP no memory", lines)
        self.assertEqual(lines[-1], "1..5")

    def test_failed_case(self):
        text = GOOD.replace("    ok 1 wrap", "    # wrap: EXPECTATION FAILED at ring_test.c:7\n"
                            "    not ok 1 wrap").replace("ok 2 ring", "not ok 2 ring")
        report, _ = judge(text)
        self.assertEqual(self.failures(text), ["ring.wrap"])
        self.assertIn("# wrap: EXPECTATION FAILED at ring_test.c:7", report.results[-1][3])

    def test_failed_parameter(self):
        text = GOOD.replace("        ok 2 2 MiB", "        not ok 2 2 MiB")
        text = text.replace("    ok 3 sizes", "    not ok 3 sizes").replace("\nok 1", "\nnot ok 1")
        self.assertEqual(self.failures(text), ["mmu.sizes.2 MiB"])

    def test_failed_suite(self):
        self.assertEqual(self.failures(GOOD.replace("\nok 2 ring", "\nnot ok 2 ring")),
                         ["ring (outside its cases)"])

    def test_crash(self):
        text = GOOD.split("    ok 3 sizes")[0] + "Kernel panic - not syncing: x\n"
        self.assertEqual(self.failures(text), ["mmu: 2 of 3 results", "all suites: 0 of 2 results",
                                               "no complaint in the kernel's log"])

    def test_lost_case(self):
        self.assertEqual(self.failures(GOOD.replace("    ok 1 wrap\n", "")),
                         ["ring: 0 of 1 results"])

    def test_nothing(self):
        self.assertEqual(self.failures("Linux version 7.3\n"), ["the kernel ran its tests"])
        self.assertEqual(self.failures("KTAP version 1\n1..0\n"), ["there is a test"])

    def test_complaints(self):
        for text in ("WARNING: drivers/accel/intaglio/ig1_mmu.c:7 at ig1_mmu_map+0x1/0x2",
                     "WARNING: possible circular locking dependency detected",
                     "WARNING: suspicious RCU usage",
                     "BUG: sleeping function called from invalid context at mm/slab.h:1",
                     "BUG: KASAN: slab-use-after-free in ig1_vm_free+0x1/0x2",
                     "BUG kmalloc-64 (Not tainted): Poison overwritten",
                     "ODEBUG: free active (active state 0) object: 0 object type: work_struct",
                     "INFO: task ig1:7 blocked for more than 61 seconds.",
                     "refcount_t: underflow; use-after-free.",
                     "DEBUG_LOCKS_WARN_ON(lock->magic != lock)"):
            with self.subTest(text):
                noisy = GOOD.replace("    ok 1 walk", "[    0.1] %s\n    ok 1 walk" % text)
                self.assertEqual(self.failures(noisy), ["no complaint in the kernel's log"])

    def test_no_complaint(self):
        noisy = GOOD.replace("    ok 1 walk", "intaglio: warning: information only\n    ok 1 walk")
        self.assertEqual(self.failures(noisy), [])


class Tap(unittest.TextTestResult):
    """unittest's results as TAP."""

    def _tap(self, good, test, note=""):
        print("%s %d - %s" % ("ok" if good else "not ok", self.testsRun, test.id().split(".", 1)[-1]))
        print("".join("# %s\n" % line for line in note.splitlines()), end="")

    def addSuccess(self, test):
        self._tap(True, test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._tap(False, test, self.failures[-1][1])

    def addError(self, test, err):
        super().addError(test, err)
        self._tap(False, test, self.errors[-1][1])

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err:
            self._tap(False, subtest, str(err[1]))


def main():
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])
    print("TAP version 13\n1..%d" % suite.countTestCases())
    runner = unittest.TextTestRunner(stream=io.StringIO(), resultclass=Tap)
    return 0 if runner.run(suite).wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
