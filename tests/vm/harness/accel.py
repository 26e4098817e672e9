# SPDX-License-Identifier: MIT
"""KVM only where a guest really starts on it: /dev/kvm may exist and be useless."""

import os
import time

from . import cpio, machine

INIT = """#!/usr/bin/busybox sh
/usr/bin/busybox mount -t devtmpfs devtmpfs /dev
echo "##vm up" >/dev/ttyS1
/usr/bin/busybox poweroff -f
"""


def probe(root, kernel, folder):
    """Boots a kernel with nothing in it; True when it reaches its first process."""
    archive = cpio.Archive()
    archive.file("usr/bin/busybox", os.path.join(root, "usr/bin/busybox"))
    archive.directory("dev")
    archive.data("init", INIT.encode(), 0o755)
    initrd = os.path.join(folder, "kvm.cpio")
    with open(initrd, "wb") as out:
        archive.write(out)
    try:
        guest = machine.Machine(machine.arguments(kernel, initrd, "kvm", 256, 1, "quiet"),
                                os.path.join(folder, "kvm.console"),
                                os.path.join(folder, "kvm.qemu"))
    except (RuntimeError, OSError):
        return False
    try:
        return guest.line(time.monotonic() + 15).startswith("##vm up")
    except machine.Hung:
        return False
    finally:
        guest.stop()


def choose(root, kernel, cache, folder):
    """"kvm" or "tcg". The answer is kept until the host boots anew."""
    if os.environ.get("VM_ACCEL"):
        return os.environ["VM_ACCEL"]
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "tcg"
    with open("/proc/sys/kernel/random/boot_id") as boot:
        note = os.path.join(cache, "kvm-" + boot.read().strip())
    if not os.path.exists(note):
        answer = "kvm" if probe(root, kernel, folder) else "tcg"
        with open(note, "w") as out:
            out.write(answer)
    with open(note) as answer:
        return answer.read()
