#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares the symbols a shared library exports with a list: check_symbols.py NM LIBRARY LIST HEADER

Every symbol must be in the list with its version, and declared ACCEL_API in the header; and the
other way round.
"""

import re
import subprocess
import sys


def main():
    nm, library, listing, header = sys.argv[1:5]
    out = subprocess.run([nm, "-D", "--defined-only", "--with-symbol-versions", library],
                         check=True, capture_output=True, text=True).stdout
    have = set()
    for line in out.splitlines():
        _, kind, name = line.split()
        if kind != "A":  # the version nodes themselves
            have.add(name)
    want = {x.split("#")[0].strip() for x in open(listing, encoding="utf-8")} - {""}
    text = open(header, encoding="utf-8").read()
    declared = set(re.findall(r"^ACCEL_API[^;(]*?(\w+)\(", text, re.M))
    bad = [f"exported, but not in the list: {x}" for x in sorted(have - want)]
    bad += [f"in the list, but not exported: {x}" for x in sorted(want - have)]
    names = {x.split("@")[0] for x in want}
    bad += [f"in the header, but not in the list: {x}" for x in sorted(declared - names)]
    bad += [f"in the list, but not in the header: {x}" for x in sorted(names - declared)]
    for x in bad:
        print(x, file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
