# SPDX-License-Identifier: MIT
"""Which modules the guest needs, from the stock modules.dep and our module's own .modinfo."""

import lzma
import os
import re
import subprocess


def name_of(path):
    return re.sub(r"\.ko(\.\w+)?$", "", os.path.basename(path)).replace("-", "_")


def contents(path):
    """A module's bytes, uncompressed: the guest has little time and no decompressor to spare."""
    with open(path, "rb") as src:
        data = src.read()
    if path.endswith(".xz"):
        return lzma.decompress(data)
    if path.endswith(".zst"):
        return subprocess.run(["zstd", "-dc", path], check=True, stdout=subprocess.PIPE).stdout
    return data


def modinfo(path, field):
    """The values of one field, in order."""
    return [value.decode() for value in
            re.findall(rb"\0" + field.encode() + rb"=([^\0]*)", b"\0" + contents(path))]


def depends(path):
    """The names of the modules that one asks for itself."""
    return [name.replace("-", "_") for name in ",".join(modinfo(path, "depends")).split(",") if name]


class Modules:
    """The stock modules of one kernel."""

    def __init__(self, root, release):
        self.folder = os.path.join(root, "usr/lib/modules", release)
        self.release = release
        self.paths = {}
        self.needs = {}
        with open(os.path.join(self.folder, "modules.dep")) as dep:
            for line in dep:
                path, _, needs = line.partition(":")
                self.paths[name_of(path)] = path
                self.needs[name_of(path)] = [name_of(need) for need in needs.split()]
        with open(os.path.join(self.folder, "modules.builtin")) as builtin:
            self.builtin = {name_of(line.strip()) for line in builtin}

    def closure(self, names):
        """Names with everything they need; raises KeyError for a module nobody has."""
        found = []
        for name in names:
            name = name.replace("-", "_")
            if name in self.builtin:
                continue
            if name not in self.paths:
                raise KeyError("the kernel %s has no module %s" % (self.release, name))
            for one in [name] + self.needs[name]:
                if one not in found:
                    found.append(one)
        return found

    def install(self, archive, names, extra):
        """Puts stock modules and our own (paths) in, with a modules.dep for modprobe."""
        base = "usr/lib/modules/" + self.release
        for path in extra:
            own = {name_of(one) for one in extra}
            names = names + [need for need in depends(path) if need not in own]
        found = self.closure(names)
        where = {name: "kernel/%s.ko" % name for name in found}
        where.update({name_of(path): "updates/%s" % os.path.basename(path) for path in extra})
        lines = []
        for name in found:
            archive.data("%s/%s" % (base, where[name]),
                         contents(os.path.join(self.folder, self.paths[name])))
            lines.append("%s:%s" % (where[name], "".join(
                " " + where[need] for need in self.needs[name])))
        aliases = []
        for path in extra:
            archive.file("%s/%s" % (base, where[name_of(path)]), path)
            # modprobe loads them from the last to the first.
            needs = []
            for need in depends(path):
                for one in reversed(self.closure([need]) if need in self.paths else [need]):
                    if one in where and one not in needs:
                        needs.append(one)
            needs.reverse()
            lines.append("%s:%s" % (where[name_of(path)], "".join(
                " " + where[need] for need in needs)))
            aliases += ["alias %s %s" % (alias, name_of(path)) for alias in modinfo(path, "alias")]
        archive.data(base + "/modules.dep", ("\n".join(lines) + "\n").encode())
        archive.data(base + "/modules.alias", "".join(one + "\n" for one in aliases).encode())
        archive.data(base + "/modules.symbols", b"")
        archive.file(base + "/modules.builtin", os.path.join(self.folder, "modules.builtin"))
