# SPDX-License-Identifier: MIT
"""Programs with the shared libraries that they need.

The host's programs are installed as they are, their libraries in /usr/lib, where their loader finds
them. Programs of the root folder need another C library: each gets a wrapper that runs it by the
root's own loader.
"""

import os
import re
import shutil
import subprocess


def libraries(path, loader=()):
    """{name: path} of what ldd lists, and the loader itself. Static programs have none."""
    if loader:
        run = subprocess.run([*loader, "--list", path], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True)
    else:
        run = subprocess.run(["ldd", path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True, env={**os.environ, "LC_ALL": "C"})
    found = {}
    for line in run.stdout.splitlines():
        if "not found" in line:
            raise FileNotFoundError("%s: %s" % (path, line.strip()))
        match = re.match(r"\s*(\S+)(?: => (\S+))? \(0x", line)
        if match and (match[2] or match[1]).startswith("/"):
            found[os.path.basename(match[1])] = match[2] or match[1]
    return found


def install(archive, path, target=None):
    """A program of the host, by default as /usr/bin/NAME."""
    real = path if os.path.sep in path else shutil.which(path)
    if not real or not os.path.exists(real):
        raise FileNotFoundError(path)
    archive.file(target or "usr/bin/" + os.path.basename(real), real)
    for name, library in libraries(real).items():
        where = "usr/lib64/" + name if name.startswith("ld-linux") else "usr/lib/" + name
        if where not in archive:
            archive.file(where, os.path.realpath(library))


def install_wrapped(archive, root, path):
    """A program of the root folder, by its path there."""
    lib = os.path.join(root, "usr/lib/x86_64-linux-gnu")
    loader = os.path.join(lib, "ld-linux-x86-64.so.2")
    name = os.path.basename(path)
    real = os.path.join(root, path)
    archive.file("opt/root/bin/" + name, os.path.realpath(real))
    for soname, library in libraries(real, [loader, "--library-path", lib]).items():
        if "opt/root/lib/" + soname not in archive:
            archive.file("opt/root/lib/" + soname, os.path.realpath(library))
    archive.data("usr/bin/" + name, (
        "#!/bin/sh\nexec /opt/root/lib/ld-linux-x86-64.so.2 --library-path /opt/root/lib "
        "--argv0 %s /opt/root/bin/%s \"$@\"\n" % (name, name)).encode(), 0o755)
