#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Rules of CONTRIBUTING.md that a program can judge: style.py SOURCE

The SPDX line of every file and its licence by folder; C and C++ as .clang-format has them.
Looks at the files that git knows; without git (a source package) at all but what .gitignore names.
Speaks TAP.
"""

import fnmatch
import os
import re
import shutil
import subprocess
import sys

# The first folder that matches; the rest is MIT.
LICENCES = (
    ("driver/", "GPL-2.0-only"),
    ("uapi/", "GPL-2.0-only WITH Linux-syscall-note"),
    ("", "MIT"),
)

# Files without the line: licences, formats without comments, and texts whose every byte counts.
NO_SPDX = (
    "LICENSES/*.txt",
    "models/*.gguf",
    "tests/data/*.bin",
    "tests/data/*.json",
    "tests/data/reference/*.txt",
    "tests/data/tokenizer/bpe_corpus.txt",
    "tests/fuzz/corpus/*",
)

# Where the format wants something else in the first line, SPDX is the second: scdoc's title.
SECOND_LINE = ("#!", "<?xml ")
SECOND_LINE_NAMES = (".scd",)

SOURCES = (".c", ".h", ".cc", ".cpp", ".hpp")
# Not for .clang-format: what the generator writes, and what checkpatch judges (tests/vm/lint).
NOT_FORMATTED = ("rtl_model/spec/gen/", "driver/", "uapi/")
# Its versions lay out code differently; this is Debian 12's.
CLANG_FORMAT = "14"


def tracked(tree):
    git = subprocess.run(["git", "-C", tree, "ls-files", "-z"], stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL, check=False) if shutil.which("git") else None
    if not git or git.returncode:
        return []
    names = git.stdout.decode().split("\0")[:-1]
    return [x for x in names if os.path.isfile(os.path.join(tree, x))]


def walked(tree):
    with open(os.path.join(tree, ".gitignore"), encoding="utf-8") as f:
        ignored = [x.strip() for x in f if x.strip() and not x.startswith("#")]

    def kept(path, folder):
        for pattern in ignored + ["/.git/", "/.git"]:
            if pattern.endswith("/") and not folder:
                continue
            name = path if pattern.startswith("/") else os.path.basename(path)
            if fnmatch.fnmatchcase(name, pattern.strip("/")):
                return False
        return True

    found = []
    for top, folders, names in os.walk(tree):
        here = os.path.relpath(top, tree)
        folders[:] = [x for x in folders if kept(os.path.normpath(os.path.join(here, x)), True)]
        found += [x for x in (os.path.normpath(os.path.join(here, x)) for x in names)
                  if kept(x, False)]
    return sorted(found)


def spdx(tree, files):
    """What is wrong, one line per file."""
    for path in files:
        if any(fnmatch.fnmatchcase(path, x) for x in NO_SPDX):
            continue
        with open(os.path.join(tree, path), "rb") as f:
            lines = [f.readline(200).decode("utf-8", "replace") for _ in range(2)]
        second = lines[0].startswith(SECOND_LINE) or path.endswith(SECOND_LINE_NAMES)
        line = lines[1 if second else 0].strip()
        found = re.fullmatch(r"(?:#|//|/\*|<!--|;|\.\\\"|--) SPDX-License-Identifier: (.*?)"
                             r"(?: \*/| -->)?", line)
        want = next(x for folder, x in LICENCES if path.startswith(folder))
        if not found:
            yield f"{path}: line {2 if second else 1} is not the SPDX line"
        elif found[1] != want:
            yield f"{path}: {found[1]}, not {want}"


def clang_format():
    """(program, why there is none)"""
    why = "clang-format is not installed"
    for name in (f"clang-format-{CLANG_FORMAT}", "clang-format"):
        if not shutil.which(name):
            continue
        text = subprocess.run([name, "--version"], stdout=subprocess.PIPE, text=True,
                              check=True).stdout
        major = re.search(r"version (\d+)", text)
        if major and major[1] == CLANG_FORMAT:
            return name, ""
        why = f"clang-format is {text.strip()}, its layout that of {CLANG_FORMAT}"
    return None, why


def unformatted(tree, program, files):
    run = subprocess.run([program, "--dry-run", "-Werror", "--style=file", *files], cwd=tree,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if not run.returncode:
        return []
    found = [x for x in run.stdout.splitlines() if re.search(r": (error|warning): ", x)]
    return found or run.stdout.splitlines() or [f"{program}: exit {run.returncode}"]


def main():
    tree = os.path.abspath(sys.argv[1])
    files = tracked(tree) or walked(tree)
    sources = [x for x in files if x.endswith(SOURCES) and not x.startswith(NOT_FORMATTED)]
    failed = 0

    def report(number, name, bad):
        nonlocal failed
        failed += bool(bad)
        print(f"{'not ok' if bad else 'ok'} {number} - {name}")
        for line in bad:
            print("# " + line)

    print("TAP version 13\n1..3")
    report(1, "files found", [] if len(sources) > 100 and len(files) > len(sources) else
           [f"{len(files)} files, {len(sources)} of them C: is {tree} the source folder?"])
    report(2, "SPDX lines, licences by folder", list(spdx(tree, files)))
    program, why = clang_format()
    if program:
        report(3, "C and C++ as .clang-format has them", unformatted(tree, program, sources))
    else:
        print(f"ok 3 - C and C++ as .clang-format has them # SKIP {why}")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
