#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Installs a build into an empty folder and uses it from there: test_install.py BUILD MAKETOY CC.

Speaks TAP.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import traceback

TREE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RULES = "packaging/60-intaglio.rules"
BUILD, MAKETOY = [os.path.abspath(x) for x in sys.argv[1:3]]
CC = sys.argv[3].split()
ROOT = ""

PROGRAM = """
#include <accel/accel.h>
#include <stdio.h>
#include <drm.h>
#include <intaglio/intaglio_accel.h>

int main(int argc, char **argv)
{
	struct accel_device_options o = { .size = sizeof(o), .backend = "ref", .mask = argv[argc - 1] };
	struct accel_device *dev;
	char name[64];

	if (accel_device_open(&o, &dev) || accel_device_get_string(dev, ACCEL_STRING_MODEL, name, 64))
		return 1;
	accel_device_unref(dev);
	puts(name);
	return DRM_INTAGLIO_VERSION_MAJOR != 1;
}
"""


def options():
    p = subprocess.run(["meson", "introspect", "--buildoptions", BUILD], capture_output=True,
                       text=True, check=True)
    return {x["name"]: x["value"] for x in json.loads(p.stdout)}


def path(*parts):
    return os.path.join(ROOT, *[x.lstrip("/") for x in parts])


def call(cmd, **kw):
    p = subprocess.run(cmd, capture_output=True, text=True, check=False, timeout=60, **kw)
    assert p.returncode == 0, f"{cmd}: exit {p.returncode}: {p.stderr}"
    return p.stdout


def env(o):
    return dict(os.environ, LD_LIBRARY_PATH=path(o["prefix"], o["libdir"]), ACCEL_BACKEND="ref",
                PATH=path(o["prefix"], o["bindir"]) + ":" + os.environ["PATH"],
                PKG_CONFIG_SYSROOT_DIR=ROOT,
                PKG_CONFIG_PATH=path(o["prefix"], o["libdir"], "pkgconfig"))


def test_install(o):
    call(["meson", "install", "-C", BUILD, "--no-rebuild"], env=dict(os.environ, DESTDIR=ROOT))
    outside = [x for x in os.listdir(ROOT) if x not in ("usr", "lib", "etc")]
    assert not outside, outside
    for name in ("accelc", "accel-run", "accel-perplexity", "accel-bench", "accel-smi"):
        f = path(o["prefix"], o["bindir"], name)
        assert os.access(f, os.X_OK), f


def test_files(o):
    for f in (path(o["prefix"], o["includedir"], "accel/accel.h"),
              path(o["prefix"], o["includedir"], "intaglio/intaglio_accel.h"),
              path(o["prefix"], o["libdir"], "libaccel.so.0"),
              path(o["prefix"], o["libdir"], "pkgconfig/libaccel.pc"),
              path(o["prefix"], o["datadir"], "doc/intaglio/modprobe.conf"),
              path(o["udevrulesdir"], "60-intaglio.rules")):
        assert os.path.getsize(f), f
    link = os.readlink(path(o["prefix"], o["libdir"], "libaccel.so"))
    assert link.startswith("libaccel.so.0"), link


def test_firmware(o):
    if not os.path.exists(os.path.join(BUILD, "firmware/ig1-fw.bin")):
        return "no RISC-V compiler, no firmware"
    data = open(path(o["firmwaredir"], "intaglio/ig1-fw.bin"), "rb").read()
    assert data[:4] == b"IGFW" and data == open(os.path.join(BUILD, "firmware/ig1-fw.bin"), "rb").read()
    return None


def test_manual_pages(o):
    if not shutil.which("scdoc"):
        return "scdoc is not installed"
    for page in ("accel-run.1", "accel-smi.1", "accel.7", "libaccel.3"):
        text = open(path(o["prefix"], o["mandir"], "man" + page[-1], page)).read()
        assert ".TH" in text, page
    return None


def test_programs_run(o):
    toy = path("toy.accel")
    call([MAKETOY, toy])
    out = call(["accel-run", toy, "--tokens", "1,2,3", "-n", "4", "--ignore-eos"], env=env(o))
    assert len(out.strip().split(",")) == 4, out
    assert "accel-smi" in call(["accel-smi", "--version"], env=env(o))
    # By its soname, from where it was put.
    out = call(["ldd", path(o["prefix"], o["bindir"], "accel-run")], env=env(o))
    assert path(o["prefix"], o["libdir"], "libaccel.so.0") in out, out


def test_library_is_found_by_pkg_config(o):
    src, exe = path("use.c"), path("use")
    open(src, "w").write(PROGRAM)
    flags = call(["pkg-config", "--cflags", "--libs", "libaccel"], env=env(o)).split()
    drm = subprocess.run(["pkg-config", "--cflags-only-I", "libdrm"], capture_output=True, text=True,
                         check=False).stdout.split()
    call([*CC, "-Wall", "-Wextra", "-Werror", src, "-o", exe, *flags, *drm])
    assert call([exe, path("toy.accel")], env=env(o)).strip() == "toy"


def verifier():
    """An udevadm that checks rules (systemd 254 or later): the host's, or the one in the root folder of
    tests/vm if that was made. The second value says why there is none."""
    found = [["udevadm"]] if shutil.which("udevadm") else []
    vm = os.path.join(TREE, "tests/vm")
    if subprocess.run([os.path.join(vm, "root"), "--path"], capture_output=True, check=False).returncode == 0:
        found.append([os.path.join(vm, "enter"), "udevadm"])
    for udevadm in found:
        p = subprocess.run([*udevadm, "verify", "--help"], capture_output=True, text=True, check=False)
        if p.returncode == 0:
            return udevadm, None
    return None, "no udevadm of systemd 254 here, and tests/vm/root was not run"


def test_udev_rule(o):
    rule = path(o["udevrulesdir"], "60-intaglio.rules")
    text = open(rule).read()
    lines = [x for x in text.splitlines() if x and not x.startswith("#")]
    assert lines == ['SUBSYSTEM=="accel", KERNEL=="accel*", GROUP="render", MODE="0660"']
    # The root folder sees the tree, not the place of installation.
    assert text == open(os.path.join(TREE, RULES)).read()


def test_udev_rule_verifies(_):
    udevadm, why = verifier()
    if not udevadm:
        return why

    def verify(rule):
        return subprocess.run([*udevadm, "verify", "--resolve-names=never", rule], text=True, check=False,
                              capture_output=True, env=dict(os.environ, VM_BIND=BUILD))

    p = verify(os.path.join(TREE, RULES))
    assert p.returncode == 0, p.stdout + p.stderr
    with tempfile.NamedTemporaryFile("w", suffix=".rules", dir=BUILD) as bad:
        bad.write('SUBSYSTEM=="accel", NOSUCHKEY=="accel*"\n')
        bad.flush()
        p = verify(bad.name)
        assert p.returncode != 0 and "NOSUCHKEY" in p.stdout + p.stderr, "a wrong rule is not found"
    return None


def main():
    global ROOT
    tests = [(k[5:], v) for k, v in globals().items() if k.startswith("test_")]
    print(f"1..{len(tests)}")
    failed = 0
    with tempfile.TemporaryDirectory(prefix="intaglio-install-") as ROOT:
        o = options()
        for i, (name, test) in enumerate(tests, 1):
            try:
                why = test(o)
                print(f"ok {i} - {name}" + (f" # SKIP {why}" if why else ""), flush=True)
            except Exception:  # pylint: disable=broad-except
                failed += 1
                print(f"not ok {i} - {name}")
                print("".join("# " + x + "\n" for x in traceback.format_exc().splitlines()),
                      flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
