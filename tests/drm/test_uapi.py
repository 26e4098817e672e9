#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The ioctl header for any compiler: test_uapi.py ROOT CC CXX [CFLAG...]. Speaks TAP."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT, CC, CXX = sys.argv[1:4]
FLAGS = ["-isystem" + x[2:] if x.startswith("-I") else x for x in sys.argv[4:]]
STRICT = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-Wpadded", "-I" + ROOT]
HEADER = os.path.join(ROOT, "uapi", "intaglio_accel.h")
LAYOUT = os.path.join(ROOT, "tests", "drm", "uapi_layout")


def compile_(cmd, text, suffix, folder):
    path = os.path.join(folder, "t" + suffix)
    open(path, "w").write(text)
    p = subprocess.run([*cmd, *STRICT, *FLAGS, "-c", path, "-o", path + ".o"], capture_output=True,
                       text=True, check=False)
    return p.returncode == 0, p.stderr


def main():
    found = [x for x in dict.fromkeys([CC, "gcc", "clang"]) if shutil.which(x)]
    found_cxx = [x for x in dict.fromkeys([CXX, "g++", "clang++"]) if shutil.which(x)]
    cases = []
    alone = '#include "uapi/intaglio_accel.h"\nint used(void);\nint used(void) { return 0; }\n'
    twice = '#include "uapi/intaglio_accel.h"\n' + alone
    table = f'#include "{LAYOUT}.c"\n'
    for cc in found:
        for std in ("c11", "gnu17"):
            cases += [(f"{cc} -std={std}: alone", [cc, "-std=" + std], alone, ".c", True),
                      (f"{cc} -std={std}: frozen layout", [cc, "-std=" + std], table, ".c", True)]
        cases.append((f"{cc}: twice", [cc, "-std=c11"], twice, ".c", True))
    for cxx in found_cxx:
        for std in ("c++11", "c++20"):
            cases += [(f"{cxx} -std={std}: alone", [cxx, "-std=" + std], alone, ".cc", True),
                      (f"{cxx} -std={std}: frozen layout", [cxx, "-std=" + std], table, ".cc", True)]
    # The checks can fail: a hole, a moved field.
    hole = alone + "struct hole { __u32 a; __u64 b; }; extern struct hole hole;\n"
    moved = ('#include "uapi/intaglio_accel.h"\n#include <stddef.h>\n'
             '_Static_assert(offsetof(struct drm_intaglio_sync, point) == 4, "moved");\n')
    cases += [("a hole would be found", [CC, "-std=c11"], hole, ".c", False),
              ("a moved field would be found", [CC, "-std=c11"], moved, ".c", False)]
    print(f"1..{len(cases) + 3}")
    failed = 0
    with tempfile.TemporaryDirectory() as d:
        for i, (name, cmd, text, suffix, want) in enumerate(cases, 1):
            good, why = compile_(cmd, text, suffix, d)
            failed += good != want
            print(f"{'ok' if good == want else 'not ok'} {i} - {name}")
            if good != want:
                print("".join("# " + x + "\n" for x in why.splitlines()[:20]))
    # Every structure and field of the header is in the table, in its order.
    gen = subprocess.run([sys.executable, os.path.join(ROOT, "docs/uapi/gen.py"), "--layout"],
                         capture_output=True, text=True, check=False)
    kept = "".join(re.findall(r"^(?:STRUCT|FIELD)\(.*\n", open(LAYOUT + ".h").read(), re.M))
    good = gen.returncode == 0 and gen.stdout == kept
    failed += not good
    print(f"{'ok' if good else 'not ok'} {len(cases) + 1} - the table has every field")
    # Nothing but fixed-width types.
    text = re.sub(r"/\*.*?\*/", "", open(HEADER).read(), flags=re.S)
    bad = re.findall(r"\b(?:int|long|short|char|unsigned|signed|enum|union|size_t|bool|_Bool)\b|\*\w", text)
    failed += bool(bad)
    print(f"{'not ok' if bad else 'ok'} {len(cases) + 2} - only fixed-width types, no pointers")
    # The example of docs/uapi.md, by the command that stands there.
    with tempfile.TemporaryDirectory() as d:
        overview = open(os.path.join(ROOT, "docs/uapi/overview.md")).read()
        line = re.search(r"^cc .*example\.c.*$", overview, re.M)
        p = subprocess.run([line[0] + " -o " + os.path.join(d, "example")] if line else ["false"],
                           shell=True, cwd=ROOT, capture_output=True, text=True, check=False)
        bad = p.returncode or not os.access(os.path.join(d, "example"), os.X_OK)
    failed += bool(bad)
    print(f"{'not ok' if bad else 'ok'} {len(cases) + 3} - the documented command makes the example")
    print("".join("# " + x + "\n" for x in p.stderr.splitlines()[:20]), end="")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
