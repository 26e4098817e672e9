# SPDX-License-Identifier: MIT
"""The simulated chips: one ig1-sim process each, with its vfio-user socket."""

import os
import socket
import time

from . import procs


class Chips:
    def __init__(self, program, mask, count, folder, logs, extra=()):
        self.program = program
        self.mask = mask
        self.count = count
        self.folder = folder
        self.logs = logs
        self.extra = list(extra)
        self.children = [None] * count
        for index in range(count):
            self.start(index)
        for index in range(count):
            self.ready(index)

    def socket(self, index):
        return os.path.join(self.folder, "chip%d.sock" % index)

    def control(self, index):
        return os.path.join(self.folder, "chip%d.control" % index)

    def start(self, index):
        for path in (self.socket(index), self.control(index)):
            if os.path.exists(path):
                os.unlink(path)
        with open(os.path.join(self.logs, "chip%d.log" % index), "ab") as log:
            self.children[index] = procs.start(
                [self.program, "--mask", self.mask, "--socket", self.socket(index),
                 "--control", self.control(index), *self.extra],
                stdin=None, stdout=log, stderr=log)

    def ready(self, index, seconds=30):
        end = time.monotonic() + seconds
        while not (os.path.exists(self.socket(index)) and os.path.exists(self.control(index))):
            if self.children[index].poll() is not None:
                raise RuntimeError("ig1-sim ended with %d, see chip%d.log"
                                   % (self.children[index].returncode, index))
            if time.monotonic() > end:
                raise RuntimeError("ig1-sim made no socket within %d s" % seconds)
            time.sleep(0.02)

    def send(self, index, command):
        """One line for the control socket; returns the answer."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(20)
            sock.connect(self.control(index))
            sock.sendall(("0 %s\n" % command).encode())
            answer = b""
            while not answer.endswith(b"\n"):
                more = sock.recv(4096)
                if not more:
                    break
                answer += more
        return answer.decode().strip()

    def kill(self, index):
        procs.stop(self.children[index], 0)

    def restart(self, index):
        self.kill(index)
        self.start(index)
        self.ready(index)

    def ended(self):
        """Chips that are gone though nobody stopped them."""
        return [index for index, child in enumerate(self.children)
                if child in procs.children and child.poll() is not None]

    def stop(self):
        for child in self.children:
            if child:
                procs.stop(child, 1)
