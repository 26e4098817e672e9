# SPDX-License-Identifier: MIT
"""The guest's tests and what each asks for.

A test is guest/tests/NAME.sh. Its `# vm:` lines hold words KEY=VALUE: chips (0 to 3, default 1),
timeout (seconds, default 60), needs (comma list of programs, or `driver`), boot=own (a boot that no
other test shares), only=qemu (it needs what user-mode Linux lacks: slots, AER, FLR below a port),
append (kernel parameter; may be repeated), mask (`toy`: the chip has the conformance suite's model,
not the demo model). `# vm-allow: REGEX` names a line of the kernel's log
that the test provokes.
"""

import os
import re

FOLDER = os.path.join(os.path.dirname(__file__), "..", "guest", "tests")
KEYS = {"chips", "timeout", "needs", "boot", "append", "only", "mask"}


class Entry:
    def __init__(self, path):
        self.path = path
        self.name = os.path.basename(path)[:-len(".sh")]
        self.chips = 1
        self.timeout = 60
        self.needs = []
        self.own = False
        self.mask = "model"
        self.only = ""
        self.append = []
        self.allow = []
        with open(path) as source:
            for line in source:
                words = re.match(r"# vm: (.*)", line)
                allow = re.match(r"# vm-allow: (.*)", line)
                if words:
                    for word in words[1].split():
                        key, _, value = word.partition("=")
                        if key not in KEYS:
                            raise ValueError("%s: unknown word %s" % (path, word))
                        self._set(key, value)
                elif allow:
                    self.allow.append(allow[1].strip())

    def _set(self, key, value):
        if key in ("chips", "timeout"):
            setattr(self, key, int(value))
        elif key == "needs":
            self.needs += value.split(",")
        elif key == "only":
            self.only = value
        elif key == "mask":
            self.mask = value
        elif key == "boot":
            self.own = value == "own"
        else:
            self.append.append(value)

    def boot(self):
        """Tests with equal values share a boot."""
        return (self.chips, self.mask, tuple(self.append), self.name if self.own else "")


def load(names=()):
    """All tests in order, or those named; raises KeyError for one that does not exist."""
    files = sorted(name for name in os.listdir(FOLDER) if name.endswith(".sh"))
    every = {name[:-len(".sh")]: name for name in files}
    short = {re.sub(r"^\d+-", "", name): name for name in every}
    chosen = []
    for name in names or every:
        name = short.get(name, name)
        if name not in every:
            raise KeyError("no test %s; there are: %s" % (name, " ".join(short)))
        chosen.append(Entry(os.path.join(FOLDER, every[name])))
    return chosen


def boots(entries):
    """Groups of tests, each for one boot, in the order of their first test."""
    groups = {}
    for entry in entries:
        groups.setdefault(entry.boot(), []).append(entry)
    return list(groups.values())
