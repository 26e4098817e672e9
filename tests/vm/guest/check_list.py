#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The table of docs/isolation.md is what the program does: check_list.py ISOLATION DOC"""

import subprocess
import sys

rows = subprocess.run([sys.argv[1], "--list"], capture_output=True, text=True,
                      check=True).stdout.splitlines()
text = open(sys.argv[2], encoding="utf-8").read().splitlines()
kept = [x for x in text if x.startswith("| ") and not x.startswith("| a program")]
if not rows or rows != kept:
    sys.exit("the table is not current; it should be\n" + "\n".join(rows))
