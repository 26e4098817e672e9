# SPDX-License-Identifier: MIT
"""QEMU: its command line, its three channels (console, results, monitor) and its end."""

import collections
import json
import os
import selectors
import socket
import time

from . import procs

QEMU = os.path.join(os.path.dirname(__file__), "..", "qemu")
TAIL = 30
NUDGE_SECONDS = 5
MONITOR_SECONDS = 30
STOP_SECONDS = 5


class Hung(Exception):
    """Nothing happened for too long, or the machine ended by itself."""


def arguments(kernel, initrd, accel, memory, cpus, append):
    args = ["-accel", accel, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-machine", "q35,memory-backend=mem0",
            # The ports' own hot plug: with ACPI's they report no link, and a reset of the bus fails.
            "-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off",
            "-object", "memory-backend-memfd,id=mem0,size=%dM,share=on" % memory,
            "-m", "%dM" % memory, "-smp", str(cpus), "-cpu", "max" if accel == "kvm" else "Nehalem",
            "-kernel", kernel, "-initrd", initrd,
            "-append", "console=ttyS0 panic=-1 printk.devkmsg=on no_timer_check "
            "sysrq_always_enabled " + append]
    return args


def port(index):
    """A PCIe slot that can be unplugged."""
    return ["-device", "pcie-root-port,id=port%d,bus=pcie.0,chassis=%d,slot=%d,addr=%x.0"
            % (index, index + 1, index + 1, 0x10 + index)]


def chip_device(index, path):
    return {"driver": "vfio-user-pci", "id": "chip%d" % index, "bus": "port%d" % index,
            "socket": {"path": path, "type": "unix"}}


class Machine:
    """A running QEMU. `line` gets each line of the results channel, `log` the console's."""

    nudge_at = None  # when to send the next empty line, while the guest sleeps

    def __init__(self, args, console_log, qemu_log):
        self.tail = collections.deque(maxlen=TAIL)
        self.console_log = open(console_log, "ab")
        self.selector = selectors.DefaultSelector()
        self.lines = collections.deque()
        self.answers = collections.deque()
        self.partial = {}
        ours, theirs = {}, {}
        for name in ("console", "results", "monitor"):
            ours[name], theirs[name] = socket.socketpair()
            ours[name].setblocking(False)
            self.selector.register(ours[name], selectors.EVENT_READ, name)
            self.partial[name] = b""
        self.sockets = ours
        fds = {name: sock.fileno() for name, sock in theirs.items()}
        args = [QEMU, *args]
        for name in ("console", "results", "monitor"):
            args += ["-chardev", "socket,id=%s,fd=%d" % (name, fds[name])]
        args += ["-serial", "chardev:console", "-serial", "chardev:results",
                 "-mon", "chardev=monitor,mode=control"]
        with open(qemu_log, "ab") as log:
            log.write((" ".join(args) + "\n").encode())
            log.flush()
            self.child = procs.start(args, stdin=None, stdout=log, stderr=log,
                                     pass_fds=list(fds.values()))
        for sock in theirs.values():
            sock.close()
        self.command("qmp_capabilities")

    def _take(self, name, data):
        if name == "console":
            self.console_log.write(data)
            self.console_log.flush()
        *whole, self.partial[name] = (self.partial[name] + data).split(b"\n")
        for line in whole:
            text = line.decode(errors="replace").rstrip("\r")
            if name == "console":
                self.tail.append(text)
            elif name == "results":
                self.lines.append(text)
            else:
                answer = json.loads(text)
                if "return" in answer or "error" in answer:
                    self.answers.append(answer)

    def pump(self, seconds):
        """Waits for input at most so long; False when every channel is closed."""
        if not self.selector.get_map():
            return False
        for key, _ in self.selector.select(seconds):
            try:
                data = key.fileobj.recv(65536)
            except BlockingIOError:
                continue
            except ConnectionResetError:
                data = b""
            if data:
                self._take(key.data, data)
            else:
                self.selector.unregister(key.fileobj)
        return True

    def line(self, deadline):
        """The next line of results; raises Hung at the deadline or when the machine is gone."""
        while True:
            # Also where it never stops talking.
            left = deadline - time.monotonic()
            if left <= 0:
                raise Hung("timeout")
            if self.lines:
                break
            if self.nudge_at and time.monotonic() >= self.nudge_at:
                self.answer("")
                self.nudge()
            if not self.pump(min(left, 1.0)):
                if self.lines:
                    break
                code = procs.stop(self.child)
                raise Hung("the machine ended by itself (QEMU returned %s)" % code)
        self.nudge_at = None
        return self.lines.popleft()

    def nudge(self):
        """Sends empty lines until the guest says something: they wake it when it sleeps."""
        self.nudge_at = time.monotonic() + NUDGE_SECONDS

    def command(self, name, **arguments):
        """One monitor command; raises RuntimeError with QEMU's text when refused."""
        self.sockets["monitor"].setblocking(True)
        self.sockets["monitor"].sendall(
            json.dumps({"execute": name, "arguments": arguments}).encode() + b"\n")
        self.sockets["monitor"].setblocking(False)
        end = time.monotonic() + MONITOR_SECONDS
        while not self.answers:
            if time.monotonic() > end or not self.pump(0.5):
                raise RuntimeError("QEMU does not answer %s" % name)
        answer = self.answers.popleft()
        if "error" in answer:
            raise RuntimeError("%s: %s" % (name, answer["error"]["desc"]))
        return answer["return"]

    def answer(self, text):
        self.sockets["results"].setblocking(True)
        self.sockets["results"].sendall(text.encode() + b"\n")
        self.sockets["results"].setblocking(False)

    def sysrq(self, keys):
        """Break and a key on the console: has the kernel print its tasks before it is killed."""
        for key in keys:
            try:
                self.command("chardev-send-break", id="console")
                self.sockets["console"].sendall(key.encode())
            except (RuntimeError, OSError):
                return
            end = time.monotonic() + 2
            while time.monotonic() < end and self.pump(0.3):
                pass

    def ended(self, seconds):
        """Waits at most so long for it to end by itself."""
        end = time.monotonic() + seconds
        while self.child.poll() is None and time.monotonic() < end:
            if not self.pump(0.1):
                time.sleep(0.05)
        while self.pump(0) and any(True for _ in self.selector.select(0)):
            pass
        return self.child.poll() is not None

    def since(self, text):
        """The console's lines behind the last one that has this text; all, if there is none."""
        with open(self.console_log.name, errors="replace") as log:
            lines = log.read().splitlines()
        at = max((i for i, line in enumerate(lines) if text in line), default=-1)
        return lines[at + 1:]

    def stop(self):
        end = time.monotonic() + STOP_SECONDS
        while self.child.poll() is None and time.monotonic() < end and self.pump(0.1):
            pass
        procs.stop(self.child, 1)
        while self.pump(0) and any(True for _ in self.selector.select(0)):
            pass
        for sock in self.sockets.values():
            sock.close()
        self.console_log.close()
