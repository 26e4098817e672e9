#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the examples of the man pages: test_man.py MAKETOY GGUF PAGES CC INCLUDE LIBRARY TOOL...

Lines of literal blocks that begin with "$ " are commands; blocks that begin with #include are C
programs, compiled and run. Speaks TAP.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile


def examples(path):
    """(kind, text) of a page."""
    for block in re.findall(r"^```\n(.*?)^```$", open(path, encoding="utf-8").read(), re.S | re.M):
        if block.startswith("#include"):
            yield "c", block.replace("\\\\", "\\")
            continue
        for line in block.splitlines():
            if line.startswith("$ "):
                yield "sh", line[2:]


def main():
    maketoy, gguf, pages, cc, include, library = [os.path.abspath(x) if i != 3 else x
                                                  for i, x in enumerate(sys.argv[1:7])]
    folder = os.path.dirname(library)
    tests = [(page, kind, text) for page in sorted(os.listdir(pages)) if page.endswith(".scd")
             for kind, text in examples(os.path.join(pages, page))]
    print(f"1..{len(tests)}")
    failed = 0
    with tempfile.TemporaryDirectory() as d:
        os.mkdir(os.path.join(d, "bin"))
        for tool in sys.argv[7:]:
            os.symlink(os.path.abspath(tool), os.path.join(d, "bin", os.path.basename(tool)))
        subprocess.run([maketoy, os.path.join(d, "MODEL.accel")], check=True)
        shutil.copy(gguf, os.path.join(d, "MODEL.gguf"))
        open(os.path.join(d, "TEXT"), "w").write("the cat sat on the mat and the rat ran " * 9)
        env = dict(os.environ, PATH=os.path.join(d, "bin") + ":" + os.environ["PATH"],
                   LD_LIBRARY_PATH=folder, ACCEL_BACKEND="ref")
        for i, (page, kind, text) in enumerate(tests, 1):
            name = f"{page}: {text.splitlines()[0] if kind == 'c' else text}".replace("#", "")
            if "jq" in text and not shutil.which("jq"):
                print(f"ok {i} - {name} # SKIP jq is not installed")
                continue
            if kind == "c":
                open(os.path.join(d, "example.c"), "w", encoding="utf-8").write(text)
                text = (f"{cc} -Wall -Wextra -Werror -I{include} example.c -o example "
                        f"{library} && ./example MODEL.accel")
            p = subprocess.run(["bash", "-o", "pipefail", "-c", text], cwd=d, env=env, timeout=60,
                               capture_output=True, text=True, check=False)
            good = p.returncode == 0 and (p.stdout.strip() or p.stderr.strip())
            failed += not good
            print(f"{'ok' if good else 'not ok'} {i} - {name}")
            if not good:
                print("".join("# " + x + "\n" for x in (p.stdout + p.stderr).splitlines()))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
