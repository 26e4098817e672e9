# SPDX-License-Identifier: MIT
"""An initramfs archive ("newc"), the same bytes for the same contents."""

import os
import stat


class Archive:
    def __init__(self):
        self.entries = {}

    def _parents(self, path):
        parent = os.path.dirname(path)
        if parent and parent not in self.entries:
            self.directory(parent)

    def _add(self, path, mode, data=b"", rdev=(0, 0)):
        path = path.strip("/")
        self._parents(path)
        self.entries[path] = (mode, data, rdev)

    def directory(self, path, mode=0o755):
        self._add(path, stat.S_IFDIR | mode)

    def link(self, path, target):
        self._add(path, stat.S_IFLNK | 0o777, target.encode())

    def device(self, path, major, minor, mode=0o600):
        self._add(path, stat.S_IFCHR | mode, rdev=(major, minor))

    def data(self, path, data, mode=0o644):
        self._add(path, stat.S_IFREG | mode, data)

    def file(self, path, source):
        with open(source, "rb") as src:
            self.data(path, src.read(), stat.S_IMODE(os.stat(source).st_mode) | 0o444)

    def __contains__(self, path):
        return path.strip("/") in self.entries

    def write(self, out):
        def entry(ino, name, mode, data, rdev):
            head = (ino, mode, 0, 0, 1, 0, len(data), 0, 0, rdev[0], rdev[1], len(name) + 1, 0)
            out.write(b"070701" + b"".join(b"%08x" % field for field in head) + name + b"\0")
            out.write(b"\0" * (-(110 + len(name) + 1) % 4))
            out.write(data)
            out.write(b"\0" * (-len(data) % 4))

        for ino, (path, (mode, data, rdev)) in enumerate(sorted(self.entries.items()), 1):
            entry(ino, path.encode(), mode, data, rdev)
        entry(0, b"TRAILER!!!", 0, b"", (0, 0))
