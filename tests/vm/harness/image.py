# SPDX-License-Identifier: MIT
"""The guest's initramfs."""

import math
import os
import subprocess

from . import catalog, cpio, kmod, programs

GUEST = os.path.join(os.path.dirname(__file__), "..", "guest")
MODULES = ["virtio_blk", "drm", "gpu_sched", "drm_exec", "drm_gpuvm", "drm_shmem_helper",
           "aer_inject"]
WRAPPED = ["usr/bin/lspci", "usr/bin/setpci", "usr/bin/stress-ng"]
HOST = ["tools/accel-run", "tools/accel-smi", "tools/accel-bench", "tests/conformance/conformance",
        "tests/conformance/maketoy", "tests/vm/guest/isolation", "tests/vm/guest/ioctl_test",
        "tests/vm/guest/ioctl_fuzz"]


def built(build):
    """The programs of the build folder that go in, {name: path}."""
    found = {os.path.basename(path): os.path.join(build, path) for path in HOST}
    folder = os.path.join(build, "tests", "vm", "guest")
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        path = os.path.join(folder, name)
        if os.path.isfile(path) and os.access(path, os.X_OK) and "." not in name:
            found[name] = path
    return {name: path for name, path in found.items() if os.access(path, os.X_OK)}


def firmware(module, build):
    """{guest path: file} of the firmware that the module asks for."""
    found = {}
    for name in kmod.modinfo(module, "firmware"):
        base = os.path.basename(name)
        for folder in ("firmware", "."):
            path = os.path.join(build, folder, base)
            if os.path.exists(path):
                found["lib/firmware/" + name] = path
    return found


def base(root, release, modules, build, debug=False, stock=None):
    """Everything but the tests. stock: the folder with usr/lib/modules, if that is not root."""
    archive = cpio.Archive()
    for folder in ("usr/bin", "usr/sbin", "usr/lib", "usr/lib64"):
        archive.directory(folder)
    for link in ("bin", "sbin", "lib", "lib64"):
        archive.link(link, "usr/" + link)
    for folder in ("proc", "sys", "dev", "run", "tmp", "root", "tests", "etc"):
        archive.directory(folder)
    # "lib" is a link: everything below it is named by its real place.
    archive.device("dev/console", 5, 1)
    archive.device("dev/null", 1, 3, 0o666)

    busybox = os.path.join(root, "usr/bin/busybox")
    archive.file("usr/bin/busybox", busybox)
    for applet in subprocess.run([busybox, "--list-full"], check=True, text=True,
                                 stdout=subprocess.PIPE).stdout.split():
        name = os.path.basename(applet)
        folder = "usr/sbin" if "sbin/" in applet else "usr/bin"
        if name not in ("busybox", "init") and "usr/bin/" + name not in archive:
            archive.link("%s/%s" % (folder, name), "/usr/bin/busybox")
    for path in WRAPPED:
        if os.path.exists(os.path.join(root, path)):
            programs.install_wrapped(archive, root, path)
    if os.path.exists(os.path.join(root, "usr/share/misc/pci.ids")):
        archive.file("usr/share/misc/pci.ids", os.path.join(root, "usr/share/misc/pci.ids"))
    for path in built(build).values():
        programs.install(archive, path)

    stock = kmod.Modules(stock or root, release)
    names = [name for name in MODULES if name in stock.paths or not debug]
    stock.install(archive, names, modules)
    for module in modules:
        for target, path in firmware(module, build).items():
            archive.file("usr/" + target, path)

    archive.data("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n")
    archive.data("etc/group", b"root:x:0:\n")
    with open(os.path.join(GUEST, "init"), "rb") as init:
        archive.data("init", init.read(), 0o755)
    with open(os.path.join(GUEST, "splats")) as splats:
        archive.data("tests/splats", "".join(line for line in splats
                                             if line.strip() and line[0] != "#").encode())
    for name in ("tap.sh", "driver.sh"):
        archive.file("tests/" + name, os.path.join(GUEST, name))
    for entry in catalog.load():
        archive.file("tests/%s.sh" % entry.name, entry.path)
    return archive


def overlay(entries=(), files=(), first=None, shell=False, scale=1.0):
    """What differs from boot to boot; the kernel unpacks it over the base."""
    archive = cpio.Archive()
    if entries:
        archive.data("tests/list", "".join(
            "%s %d %s\n" % (entry.name, round(entry.timeout * scale), "|".join(entry.allow))
            for entry in entries).encode())
        archive.data("tests/scale", b"%d\n" % math.ceil(scale))
    for target, path in files:
        archive.file(target, path)
    if first:
        archive.data("tests/first", first.encode(), 0o755)
    if shell:
        archive.data("tests/shell", b"")
    return archive
