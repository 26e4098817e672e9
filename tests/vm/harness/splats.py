# SPDX-License-Identifier: MIT
"""What must never be in a kernel log. tests/vm/guest/init greps with the same list."""

import os
import re

WORDS = os.path.join(os.path.dirname(__file__), "..", "guest", "splats")


def pattern():
    with open(WORDS) as words:
        lines = [line.strip() for line in words if line.strip() and not line.startswith("#")]
    return re.compile("|".join(lines))


def find(lines, allowed=()):
    """The lines that are a complaint of the kernel and not allowed."""
    bad = pattern()
    return [line for line in lines if bad.search(line) and
            not any(re.search(one, line) for one in allowed)]
