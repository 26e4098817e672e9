#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the firmware file from the linked ELF: struct ig1_fw_header, then the image.

usage: mkfw.py --spec chip.toml --version-header fw.h ELF OUTPUT

Prints the sizes and what is left of the MCU's SRAM. Equal inputs give equal bytes.
"""

import argparse
import re
import struct
import sys
import tomllib
import zlib

PT_LOAD = 1
SHT_NOBITS = 8
SHF_ALLOC = 2
SHF_EXEC = 4
SHF_WRITE = 1
EM_RISCV = 243


class Error(Exception):
    pass


def part(data, offset, size, what):
    if offset + size > len(data):
        raise Error(f"{what} lies outside the file")
    return data[offset:offset + size]


class Elf:
    """A little-endian 32-bit RISC-V executable."""

    def __init__(self, data):
        head = part(data, 0, 52, "ELF header")
        if head[:6] != b"\x7fELF\x01\x01":
            raise Error("not a little-endian 32-bit ELF file")
        (_, machine, _, self.entry, phoff, shoff, _, _, phsize, phnum, shsize, shnum,
         _) = struct.unpack("<HHIIIIIHHHHHH", head[16:])
        if machine != EM_RISCV:
            raise Error("not a RISC-V ELF file")
        self.segments = []
        for i in range(phnum):
            kind, offset, _, paddr, filesz, _, _, _ = struct.unpack(
                "<8I", part(data, phoff + i * phsize, 32, "program header"))
            if kind == PT_LOAD and filesz:
                self.segments.append((paddr, part(data, offset, filesz, "segment")))
        self.sections = []
        for i in range(shnum):
            _, kind, flags, addr, _, size, _, _, _, _ = struct.unpack(
                "<10I", part(data, shoff + i * shsize, 40, "section header"))
            if flags & SHF_ALLOC:
                self.sections.append((kind, flags, addr, size))

    def image(self):
        if not self.segments:
            raise Error("nothing to load")
        base = min(addr for addr, _ in self.segments)
        out = bytearray(max(addr + len(data) for addr, data in self.segments) - base)
        for addr, data in self.segments:
            out[addr - base:addr - base + len(data)] = data
        out += bytes(-len(out) % 4)
        return base, bytes(out)

    def sizes(self):
        text = rodata = data = bss = end = 0
        for kind, flags, addr, size in self.sections:
            end = max(end, addr + size)
            if kind == SHT_NOBITS:
                bss += size
            elif flags & SHF_EXEC:
                text += size
            elif flags & SHF_WRITE:
                data += size
            else:
                rodata += size
        return text, rodata, data, bss, end


def header(spec, values):
    """The structure's bytes, its layout taken from the specification."""
    layout = next(s for s in spec["struct"] if s["n"] == "fw_header")
    out = b""
    for field in layout["f"]:
        if field["t"] != "u32":
            raise Error(f"fw_header: field {field['n']} is not a u32")
        words = field.get("c", 1)
        out += struct.pack(f"<{words}I", values.pop(field["n"], 0), *[0] * (words - 1))
    if values or len(out) != layout["size"]:
        raise Error("fw_header is not as expected")
    return out


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--spec", required=True)
    ap.add_argument("--version-header", required=True)
    ap.add_argument("elf")
    ap.add_argument("output")
    args = ap.parse_args()

    with open(args.spec, "rb") as f:
        spec = tomllib.load(f)
    with open(args.version_header, encoding="utf-8") as f:
        version = re.search(r"^#define FW_VERSION (0x[0-9a-f]+)u", f.read(), re.M)
    with open(args.elf, "rb") as f:
        elf = Elf(f.read())
    if not version:
        raise Error(f"{args.version_header}: no FW_VERSION")
    base, image = elf.image()
    text, rodata, data, bss, end = elf.sizes()
    sram = spec["const"]["MCU_SRAM_BYTES"]
    if end > sram:
        raise Error(f"the firmware ends at {end}, the SRAM at {sram}")
    out = header(spec, {
        "magic": spec["const"]["FW_MAGIC"],
        "abi": spec["const"]["FW_ABI"],
        "version": int(version.group(1), 16),
        "image_bytes": len(image),
        "load_addr": base,
        "entry": elf.entry,
        "crc32": zlib.crc32(image),
    }) + image
    with open(args.output, "wb") as f:
        f.write(out)
    print(f"text {text}  rodata {rodata}  data {data}  bss {bss}  image {len(image)}  "
          f"file {len(out)}  SRAM left {sram - end} of {sram} (stack included)")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Error, OSError) as e:
        sys.exit(f"mkfw: {e}")
