#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The ABI of a header against the one that was written down: check_abi.py HEADER BASELINE CC [--update]

The baseline has a line per function (its prototype), callback type, enumerator (its value), integer
macro, member of a public struct (offset and size) and struct (size). Lines may be added; one that
changes or goes away breaks programs built before. Only structs that begin with `size` may grow: the
library knows which version its caller has. --update writes the baseline, for a release that breaks
with the past on purpose and changes the soname.
"""

import os
import re
import subprocess
import sys
import tempfile


def squeeze(text):
    return re.sub(r"\s*([(),*;])\s*", r"\1", " ".join(text.split()))


def members(body):
    """Names of a struct's members."""
    for part in body.split(";"):
        part = part.strip()
        if not part:
            continue
        pointer = re.search(r"\(\s*\*\s*(\w+)\s*\)\s*\(", part)
        if pointer:
            yield pointer.group(1)
            continue
        for name in part.split(","):
            yield re.findall(r"\w+", re.sub(r"\[.*?\]", "", name))[-1]


def parse(path):
    """Lines that are known from the text, and the C expressions of the others' numbers."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", open(path, encoding="utf-8").read(), flags=re.S)
    plain, exprs = [], []
    for m in re.finditer(r"^#define (ACCEL_\w+)[ \t]+[-\w(]", text, re.M):
        if m.group(1) != "ACCEL_API":
            exprs.append((f"define {m.group(1)}", m.group(1)))
    text = re.sub(r"^#.*$", "", text, flags=re.M)
    for m in re.finditer(r"ACCEL_API\s+([^;]+);", text):
        name = re.search(r"(\w+)\s*\(", m.group(1)).group(1)
        plain.append(f"function {name} = {squeeze(m.group(1))}")
    for m in re.finditer(r"typedef\s+([^;{]+);", text):
        name = re.search(r"\(\s*\*\s*(\w+)", m.group(1)).group(1)
        plain.append(f"callback {name} = {squeeze(m.group(1))}")
    for m in re.finditer(r"enum\s+\w+\s*\{(.*?)\}", text, re.S):
        for part in m.group(1).split(","):
            if part.strip():
                name = re.match(r"\s*(\w+)", part).group(1)
                exprs.append((f"enumerator {name}", name))
    for m in re.finditer(r"struct\s+(\w+)\s*\{([^{}]*)\}", text):
        s, names = m.group(1), list(members(m.group(2)))
        kind = "struct that may grow" if names[0] == "size" else "struct"
        exprs.append((f"{kind} {s}", f"sizeof(struct {s})"))
        for name in names:
            exprs.append((f"member {s}.{name} at", f"offsetof(struct {s}, {name})"))
            exprs.append((f"member {s}.{name} size", f"sizeof(((struct {s} *)0)->{name})"))
    return plain, exprs


def measure(header, cc, exprs):
    with tempfile.TemporaryDirectory() as d:
        src = os.path.join(d, "abi.c")
        with open(src, "w", encoding="utf-8") as f:
            f.write(f'#include <stddef.h>\n#include <stdio.h>\n#include "{os.path.abspath(header)}"\n'
                    "int main(void)\n{\n")
            for label, expr in exprs:
                f.write(f'\tprintf("{label} = %lld\\n", (long long)({expr}));\n')
            f.write("\treturn 0;\n}\n")
        subprocess.run(cc.split() + [src, "-o", os.path.join(d, "abi")], check=True)
        return subprocess.run([os.path.join(d, "abi")], check=True, capture_output=True,
                              text=True).stdout.splitlines()


def table(lines):
    return dict(x.split(" = ", 1) for x in lines if x and not x.startswith("#"))


def main():
    header, baseline, cc = sys.argv[1:4]
    plain, exprs = parse(header)
    lines = sorted(plain + measure(header, cc, exprs))
    # a count, or the end of a range, is not an interface: it grows with what it counts
    lines = [x for x in lines if not re.match(r"(enumerator|define) ACCEL_\w*(COUNT|COUNTERS|PARAMS) ", x)]
    assert len(plain) > 50 and len(exprs) > 100, "the header is not understood"
    if sys.argv[4:] == ["--update"]:
        with open(baseline, "w", encoding="utf-8") as f:
            f.write("# SPDX-License-Identifier: MIT\n# Written by check_abi.py --update.\n")
            f.write("\n".join(lines) + "\n")
        return 0
    want, have = table(open(baseline, encoding="utf-8").read().splitlines()), table(lines)
    bad = []
    for name, value in want.items():
        if name not in have:
            bad.append(f"gone: {name} = {value}")
        elif name.startswith("struct that may grow") and int(have[name]) >= int(value):
            continue
        elif have[name] != value:
            bad.append(f"changed: {name} = {value}, now {have[name]}")
    added = sorted(set(have) - set(want))
    print(f"1..1\n# {len(want)} lines, {len(added)} added since")
    for x in bad:
        print("# " + x)
    if bad:
        print("# if this is meant: a new soname, and check_abi.py ... --update")
    print("not ok 1 - the ABI is what it was" if bad else "ok 1 - the ABI is what it was")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
