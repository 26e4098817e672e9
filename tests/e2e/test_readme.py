#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The README's commands, output and links, and the script behind `make run`: test_readme.py SOURCE BUILD

Every line of the README's sh blocks is run in the source folder, with build/ and /tmp/ replaced by
the build folder under test and a temporary one. `make` lines would build that folder again: of
those, what make would run is looked at, and the script of `make run` is run. Speaks TAP.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

SOURCE, BUILD = (os.path.abspath(x) for x in sys.argv[1:3])
README = open(os.path.join(SOURCE, "README.md"), encoding="utf-8").read()
DIR = ""
SIM = False


class Skip(Exception):
    pass


def sh(command, code=0, **kw):
    p = subprocess.run(["sh", "-c", command], cwd=SOURCE, capture_output=True, text=True,
                       timeout=600, check=False, **kw)
    assert p.returncode == code, f"{command}: exit {p.returncode}, not {code}: {p.stdout}{p.stderr}"
    return p


def blocks(language):
    inside, text, found = None, "", []
    for line in README.splitlines():
        if line.startswith("```"):
            if inside == language:
                found.append(text)
            inside, text = (line[3:], "") if inside is None else (None, "")
        else:
            text += line + "\n"
    return found


def commands():
    for block in blocks("sh"):
        for line in block.splitlines():
            command = line.split(" #")[0].strip()
            if command:
                yield command


def here(command):
    return re.sub(r"(?<![\w/])build(?=[/ ]|$)", BUILD, command.replace("/tmp/", DIR + "/"))


def make_says(target):
    # A make above us exports its variables.
    outer = ("MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS", "BUILD", "MESON_FLAGS", "MODEL",
             "BACKEND", "N", "PROMPT")
    env = {k: v for k, v in os.environ.items() if k not in outer}
    return sh(f"make -n {target}", env=env).stdout


def story(folder, *args, code=0, **kw):
    return sh(" ".join([os.path.join(SOURCE, "tests/story"), shlex.quote(folder),
                        *[shlex.quote(str(a)) for a in args]]), code, **kw)


def build_folder():
    """What the story needs of a build, in a folder whose times can be changed."""
    d = tempfile.mkdtemp(dir=DIR)
    for name in ("compiler/accelc", "tools/accel-run", "firmware/ig1-fw.bin"):
        path = os.path.join(d, name)
        os.makedirs(os.path.dirname(path))
        if os.path.exists(os.path.join(BUILD, name)):
            os.symlink(os.path.join(BUILD, name), path)
    return d


MODEL = os.path.join(SOURCE, "models/tinyqwen2-Q4_0.gguf")


def run_command(command):
    if "--backend sim" in command and not SIM:
        raise Skip(os.environ.get("INTAGLIO_SIM_MISSING", "no sim back end"))
    if command.startswith("ninja "):
        raise Skip("it builds for minutes")
    if not shutil.which(os.path.join(SOURCE, shlex.split(here(command))[0])):
        raise Skip("not part of the default build")
    p = sh(here(command))
    assert p.stdout.strip() or "-o " in command, "it prints nothing"


def test_make_run():
    """What `make run` runs is the script, and what the script prints is what the README shows."""
    lines = [x for x in make_says("run").splitlines() if "tests/story" in x]
    assert len(lines) == 1, lines
    args = shlex.split(lines[0])
    args = args[args.index("tests/story") + 1:]
    assert args[0] == "build"
    folder = build_folder()
    backend = "sim" if SIM else "ref"
    begin = time.monotonic()
    p = story(folder, os.path.join(SOURCE, args[1]), backend, *args[3:])
    text = " ".join(p.stdout.split())
    shown = [" ".join(x.split()) for x in blocks("") if x.startswith(args[4])]
    assert len(shown) == 1 and len(shown[0]) > 200, shown
    assert text.startswith(shown[0]), f"the README shows {shown[0]!r}, it is {text!r}"
    assert re.search(r"wall clock: first token after .* tokens/s", p.stderr), p.stderr
    print(f"# {backend}: {time.monotonic() - begin:.1f} s")


def test_make_targets():
    """The other make commands, and those of `make help`, are targets."""
    out = make_says("check")
    assert "tests/check.py" in out and "tools/bootstrap" in out, out
    targets = {c.split()[1] for c in commands() if c.startswith("make ")}
    targets |= set(re.findall(r"^  make (\S+)", sh("make help").stdout, re.M))
    assert len(targets) > 5
    for target in targets:
        assert make_says(target).strip(), target


def test_story_compiles_once():
    d = build_folder()
    args = (d, MODEL, "ref", 4, "Once upon")
    image = os.path.join(d, "tinyqwen2-Q4_0.accel")
    first = story(*args).stdout
    assert first.startswith("Once upon") and first.endswith("\n"), first
    begin = os.stat(image)
    assert story(*args).stdout == first
    assert os.stat(image) == begin or os.stat(image).st_mtime_ns == begin.st_mtime_ns
    # older than the model: made again
    os.utime(image, (1, 1))
    story(*args)
    assert os.stat(image).st_mtime > 1


def test_story_takes_any_prompt():
    d = build_folder()
    prompt = "Tom said, \"it's $HOME; `x` \\n *\""
    assert story(d, MODEL, "ref", 2, prompt).stdout.startswith(prompt)
    assert story(d, MODEL, "auto", 2, "a", env=dict(os.environ, ACCEL_BACKEND="ref")).stdout


def test_story_fails_loudly():
    d = build_folder()
    p = story(d, os.path.join(d, "absent.gguf"), "ref", 2, "a", code=1)
    assert "absent.gguf" in p.stderr and not p.stdout
    bad = os.path.join(d, "bad.gguf")
    open(bad, "wb").write(b"GGUF" + bytes(100))
    p = story(d, bad, "ref", 2, "a", code=5)
    assert "bad.gguf" in p.stderr and not p.stdout
    assert not os.path.exists(os.path.join(d, "bad.accel"))
    story(d, MODEL, "nothing", 2, "a", code=2)
    p = subprocess.run([os.path.join(SOURCE, "tests/story"), d, MODEL], capture_output=True,
                       check=False)
    assert p.returncode


def test_links():
    """Files and pictures that the README points to are there, and pictures are drawn."""
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    assert len(targets) > 6
    for t in targets:
        assert os.path.exists(os.path.join(SOURCE, t)), t
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", README)
    assert len(pictures) >= 2
    for t in pictures:
        assert open(os.path.join(SOURCE, t), encoding="utf-8").read().count("<text") > 10, t
    for folder in re.findall(r"`((?:docs|tools|tests|models)/[\w./]*)`", README):
        assert os.path.exists(os.path.join(SOURCE, folder)), folder


def main():
    global DIR, SIM
    tests = [(f.__doc__.splitlines()[0] if f.__doc__ else n[5:].replace("_", " "), f)
             for n, f in globals().items() if n.startswith("test_")]
    found = [c for c in commands()]
    tests += [(c, lambda c=c: run_command(c)) for c in found if not c.startswith("make ")]
    assert {"make run", "make check"} <= set(found), found
    print(f"1..{len(tests)}", flush=True)
    failed = 0
    DIR = tempfile.mkdtemp()
    try:
        accel = os.path.join(DIR, "probe.accel")
        subprocess.run([os.path.join(BUILD, "compiler/accelc"), "compile", MODEL, "-o", accel],
                       check=True)
        SIM = not subprocess.run([os.path.join(BUILD, "tools/accel-run"), accel, "-p", "a", "-n",
                                  "1", "--backend", "sim"], capture_output=True,
                                 check=False).returncode
        for i, (name, f) in enumerate(tests, 1):
            name = name.replace("#", "")
            try:
                f()
                print(f"ok {i} - {name}", flush=True)
            except Skip as s:
                print(f"ok {i} - {name} # SKIP {s}", flush=True)
            except Exception:  # pylint: disable=broad-except
                failed += 1
                print(f"not ok {i} - {name}")
                print("".join("# " + x + "\n" for x in traceback.format_exc().split("\n")),
                      flush=True)
    finally:
        shutil.rmtree(DIR)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
