#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes docs/uapi.md from the comments of uapi/intaglio_accel.h, overview.md and example.c.

    gen.py            writes it
    gen.py --check    fails if it is not current
    gen.py --layout   prints the layout table that tests/drm/uapi_layout.h keeps
"""

import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
HEADER = os.path.join(ROOT, "uapi", "intaglio_accel.h")
OUTPUT = os.path.join(ROOT, "docs", "uapi.md")
SIZES = {"__u8": 1, "__u32": 4, "__s32": 4, "__u64": 8}
# The order of the page; what belongs to an ioctl is told with it.
SECTIONS = [
    ("Shared", ["obj_array", "sync"]),
    ("DEV_QUERY", ["dev_query", "chip_info", "memory_info", "stats_info"]),
    ("GEM_CREATE", ["gem_create"]),
    ("GEM_MMAP_OFFSET", ["gem_mmap_offset"]),
    ("GEM_INFO", ["gem_info"]),
    ("VM_CREATE", ["vm_create"]),
    ("VM_DESTROY", ["vm_destroy"]),
    ("VM_BIND", ["vm_bind", "bind_op"]),
    ("VM_GET_STATE", ["vm_get_state"]),
    ("QUEUE_CREATE", ["queue_create", "completion"]),
    ("QUEUE_DESTROY", ["queue_destroy"]),
    ("QUEUE_GET_STATE", ["queue_get_state"]),
    ("QUEUE_CONTROL", ["queue_control"]),
    ("EXEC", ["exec", "job"]),
]


def fail(text):
    sys.exit(f"{HEADER}: {text}")


def comment_text(block):
    """The text of a comment without its stars; blank lines stay."""
    lines = [re.sub(r"^\s*\*? ?", "", line) for line in block.strip().splitlines()]
    return "\n".join(lines).strip()


def inline(text):
    """kernel-doc marks as Markdown, on one line."""
    text = " ".join(text.split())
    text = re.sub(r"&struct (\w+)", r"`struct \1`", text)
    text = re.sub(r"@([\w.]+\w)", r"`\1`", text)
    text = re.sub(r"(?<![`\w])(DRM_INTAGLIO_[A-Z0-9_]+\*?)", r"`\1`", text)
    return text.replace("|", "\\|")


def paragraphs(text):
    out = []
    for part in re.split(r"\n\s*\n", text):
        lines = part.splitlines()
        if lines and lines[0].startswith("- "):
            items = re.split(r"\n- ", "\n" + part)[1:]
            out.append("\n".join("- " + inline(x) for x in items))
        else:
            out.append(inline(part))
    return "\n\n".join(out)


class Header:
    def __init__(self, text):
        self.text = text
        self.defines = {}   # name: value
        self.notes = {}     # name: (text, position)
        self.structs = {}   # short name: (brief, description, [(type, name, count, doc)])
        self.order = []
        self.ioctls = {}    # name: (direction, struct)
        for m in re.finditer(r"^#define (DRM_(?:IOCTL_)?INTAGLIO_\w+)[ \t]+((?:.*\\\n)*.*)$", text, re.M):
            self.defines[m.group(1)] = " ".join(m.group(2).replace("\\\n", " ").split())
        for m in re.finditer(r"/\*\* @(DRM_INTAGLIO_\w+): (.*?)\*/", text, re.S):
            self.notes[m.group(1)] = (comment_text(m.group(2)), m.start())
        for m in re.finditer(r"/\*\*\n \* struct drm_intaglio_(\w+) - (.*?)\n(.*?)\*/\n"
                             r"struct drm_intaglio_(\w+) \{\n(.*?)\n\};", text, re.S):
            if m.group(1) != m.group(4):
                fail(f"the comment of struct {m.group(4)} names {m.group(1)}")
            self.structs[m.group(1)] = (m.group(2), comment_text(m.group(3)),
                                        self.fields(m.group(1), m.group(5)))
            self.order.append((m.start(), m.group(1)))
        plain = re.findall(r"^struct drm_intaglio_(\w+) \{", text, re.M)
        if plain != [x for _, x in self.order]:
            fail(f"structures without a comment: {set(plain) - set(self.structs)}")
        for name, value in self.defines.items():
            m = re.match(r"DRM_(IOWR?)\(.*struct drm_intaglio_(\w+)\)", value)
            if name.startswith("DRM_IOCTL_INTAGLIO_"):
                if not m:
                    fail(f"{name} is not understood")
                self.ioctls[name[len("DRM_IOCTL_INTAGLIO_"):]] = (m.group(1), m.group(2))

    @staticmethod
    def fields(struct, body):
        out, at = [], 0
        pattern = re.compile(r"\s*/\*\*(?P<doc>.*?)\*/\s*(?P<type>(?:struct )?\w+) (?P<name>\w+)"
                             r"(?:\[(?P<count>\w+)\])?;", re.S)
        while body[at:].strip():
            m = pattern.match(body, at)
            if not m:
                fail(f"struct {struct}: a field has no comment near '{body[at:at + 60]}'")
            doc = comment_text(m.group("doc"))
            if not doc.startswith("@" + m.group("name") + ":"):
                fail(f"struct {struct}: the comment of {m.group('name')} names another field")
            out.append((m.group("type"), m.group("name"), m.group("count"),
                        doc.split(":", 1)[1].strip()))
            at = m.end()
        return out

    def count(self, text):
        return 1 if text is None else int(text, 0) if text.isdigit() else int(self.defines[text], 0)

    def layout(self, name):
        """[(field, offset, size)], size; holes are a mistake."""
        out, at, widest = [], 0, 1
        for kind, field, count, _ in self.structs[name][2]:
            if kind.startswith("struct drm_intaglio_"):
                _, one, align = self.layout(kind[len("struct drm_intaglio_"):])
            else:
                one = align = SIZES[kind]
            if at % align:
                fail(f"struct {name}: a hole before {field}")
            size = one * self.count(count)
            out.append((field, at, size))
            at += size
            widest = max(widest, align)
        if at % widest or at % 8:
            fail(f"struct {name}: its {at} bytes are not a multiple of eight")
        return out, at, widest

    def number(self, value):
        value = value.strip("() ")
        m = re.match(r"(\d+) << (\d+)$", value)
        return f"{int(m.group(1)) << int(m.group(2)):#x}" if m else value

    def constants_before(self, name):
        """Those documented between the structure before and this one."""
        at = self.text.index(f"struct drm_intaglio_{name} - ")
        before = [0] + [p for p, _ in self.order if p < at - 10]
        return [(k, t) for k, (t, p) in self.notes.items() if before[-1] < p < at]

    def struct_text(self, name):
        brief, description, fields = self.structs[name]
        places, size, _ = self.layout(name)
        out = [f"**`struct drm_intaglio_{name}`**, {size} bytes: {inline(brief)}", ""]
        if description:
            out += [paragraphs(description), ""]
        constants = self.constants_before(name)
        if constants:
            out += ["| constant | value | |", "|---|---|---|"]
            out += [f"| `{k}` | {self.number(self.defines[k])} | {inline(t)} |" for k, t in constants]
            out.append("")
        out += ["| offset | type | field | |", "|---|---|---|---|"]
        for (kind, field, count, doc), (_, at, _) in zip(fields, places):
            kind = kind.replace("struct drm_intaglio_", "").replace("__", "")
            suffix = f"[{count}]" if count else ""
            out.append(f"| {at} | {kind} | `{field}{suffix}` | {inline(doc)} |")
        return "\n".join(out) + "\n"


def page(h):
    overview = open(os.path.join(HERE, "overview.md"), encoding="utf-8").read()
    example = open(os.path.join(HERE, "example.c"), encoding="utf-8").read()
    doc = re.search(r"/\*\*\n \* DOC: Overview\n(.*?)\*/", h.text, re.S)
    told = {s for _, names in SECTIONS for s in names}
    if told != set(h.structs):
        fail(f"gen.py does not know, or knows too much of: {told ^ set(h.structs)}")
    if {n for n, _ in SECTIONS} - {"Shared"} != set(h.ioctls):
        fail("gen.py and the header differ in the ioctls")
    # Its licence line goes first.
    spdx, overview = overview.split("\n", 1)
    out = [spdx,
           "<!-- Written by docs/uapi/gen.py from uapi/intaglio_accel.h and docs/uapi/. -->",
           overview.replace("@EXAMPLE@", "```c\n" + example.strip() + "\n```").strip(), "",
           "## Rules", "", paragraphs(comment_text(doc.group(1))), "", "## Calls", ""]
    for name, structs in SECTIONS:
        if name == "Shared":
            out += ["### Shared structures", ""]
        else:
            direction, _ = h.ioctls[name]
            number = h.defines[f"DRM_INTAGLIO_{name}"]
            way = "in and out" if direction == "IOWR" else "in"
            out += [f"### {name}", "",
                    f"`DRM_IOCTL_INTAGLIO_{name}`, number DRM_COMMAND_BASE + {number}, {way}.", ""]
        out += [h.struct_text(s) for s in structs]
    return "\n".join(out).rstrip() + "\n"


def layout(h):
    for _, name in h.order:
        fields, size, _ = h.layout(name)
        print(f"STRUCT({name}, {size})")
        for field, at, bytes_ in fields:
            print(f"FIELD({name}, {field}, {at}, {bytes_})")


def main():
    h = Header(open(HEADER, encoding="utf-8").read())
    if sys.argv[1:] == ["--layout"]:
        layout(h)
        return 0
    text = page(h)
    if sys.argv[1:] == ["--check"]:
        if not os.path.exists(OUTPUT) or open(OUTPUT, encoding="utf-8").read() != text:
            print(f"{OUTPUT} is not current; run docs/uapi/gen.py", file=sys.stderr)
            return 1
        return 0
    open(OUTPUT, "w", encoding="utf-8").write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
