# SPDX-License-Identifier: MIT
"""Loads isa.toml and chip.toml, checks them and derives what the emitters share."""

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

CMD_WORDS = 32
STRUCT_TYPES = {"u8": 1, "char": 1, "u16": 2, "u32": 4, "u64": 8}


class SpecError(Exception):
    pass


def need(cond, msg):
    if not cond:
        raise SpecError(msg)


@dataclass
class Field:
    name: str
    word: int
    lo: int
    bits: int
    kind: str  # uint, sint, hex, f32, reg, mask or enum
    enum: str
    doc: str

    def masks(self):
        """(word, mask) of every 32-bit word the field covers."""
        if self.bits == 64:
            return [(self.word, 0xFFFFFFFF), (self.word + 1, 0xFFFFFFFF)]
        return [(self.word, ((1 << self.bits) - 1) << self.lo)]

    def bit(self):
        """Lowest bit, counted over the whole command."""
        return 32 * self.word + self.lo


@dataclass
class Format:
    name: str
    doc: str
    fields: list  # header fields first, then as written


@dataclass
class Op:
    name: str
    code: int
    engine: str
    fmt: Format
    doc: str
    srcs: str = ""  # sources of a vector operation, and the bound of its error:
    err: float = 0  # (err + arg * factor) * 2^-24 * size
    arg: float = 0
    size: str = ""
    factor: str = ""
    fields: list = field(default_factory=list)  # the fields this operation uses

    def used(self):
        """32 words: the bits that may be set."""
        words = [0] * CMD_WORDS
        for f in self.fields:
            for w, m in f.masks():
                words[w] |= m
        return words


class Spec:
    def __init__(self, folder, bounds, tables):
        """bounds: of the special functions, by name, in units of 2^-24; tables: of numbers.toml."""
        folder = Path(folder)
        self.bounds = bounds
        self.tables = tables
        with open(folder / "isa.toml", "rb") as f:
            self.isa = tomllib.load(f)
        with open(folder / "chip.toml", "rb") as f:
            self.chip = tomllib.load(f)
        numbers = folder / "numbers.md"
        self.numbers = numbers.read_text(encoding="utf-8") if numbers.exists() else ""
        self._isa()
        self._chip()

    # --- commands ---

    def _isa(self):
        isa = self.isa
        need(isa["command_bytes"] == 4 * CMD_WORDS, "command_bytes: only 128 is supported")
        need(isa["tokens"] <= 16, "tokens: the masks have 16 bits")
        self.engines = isa["engine"]
        self._unique("engine", self.engines, "code")
        self.enums = {e["n"]: e for e in isa["enum"]}
        need(len(self.enums) == len(isa["enum"]), "enum: duplicate name")
        for e in isa["enum"]:
            self._unique(f"enum {e['n']}", e["v"], "c")
            need(any(v["c"] == 0 and not v.get("rsv") for v in e["v"]),
                 f"enum {e['n']}: zero must be a defined value")
        header = [self._field("header", f) for f in isa["header"]["fields"]]
        self.formats = {}
        for f in isa["format"]:
            fields = header + [self._field(f["n"], x) for x in f["fields"]]
            self._check_fields(f["n"], fields)
            need(f["n"] not in self.formats, f"format {f['n']}: duplicate name")
            self.formats[f["n"]] = Format(f["n"], f["d"], fields)
        self.header = header
        self.enum_bits = {}
        for fmt in self.formats.values():
            for f in fmt.fields:
                if f.kind == "enum":
                    need(self.enum_bits.setdefault(f.enum, f.bits) == f.bits,
                         f"enum {f.enum}: fields of different widths")
        for name, e in self.enums.items():
            need(name in self.enum_bits, f"enum {name}: no field uses it")
            for v in e["v"]:
                need(v["c"] < 1 << self.enum_bits[name], f"enum {name}.{v['n']}: too wide")
        self.ops = [self._op(o) for o in isa["op"]]
        self.reserved = isa["reserved"]
        self._unique("op", isa["op"] + isa["reserved"], "code")
        for o in isa["op"] + isa["reserved"]:
            need(0 < o["code"] < 256, f"op {o['n']}: code")

    @staticmethod
    def _unique(what, rows, code):
        need(len({r["n"] for r in rows}) == len(rows), f"{what}: duplicate name")
        need(len({r[code] for r in rows}) == len(rows), f"{what}: duplicate code")

    def _field(self, where, f):
        kind, _, enum = f["k"].partition(":")
        need(kind in ("uint", "sint", "hex", "f32", "reg", "mask", "enum"),
             f"{where}.{f['n']}: unknown kind {f['k']}")
        need(kind != "enum" or enum in self.enums, f"{where}.{f['n']}: unknown enum {enum}")
        need(kind != "f32" or f["b"] == 32, f"{where}.{f['n']}: f32 has 32 bits")
        need(kind != "mask" or f["b"] == self.isa["tokens"], f"{where}.{f['n']}: mask width")
        need(kind != "reg" or 1 << f["b"] == self.isa["regs"], f"{where}.{f['n']}: reg width")
        if f["b"] == 64:
            need(f["lo"] == 0 and f["w"] + 1 < CMD_WORDS, f"{where}.{f['n']}: place")
        else:
            need(0 < f["b"] and f["lo"] + f["b"] <= 32 and f["w"] < CMD_WORDS,
                 f"{where}.{f['n']}: place")
        return Field(f["n"], f["w"], f["lo"], f["b"], kind, enum, f["d"])

    @staticmethod
    def _check_fields(where, fields):
        seen = [0] * CMD_WORDS
        names = set()
        for f in fields:
            need(f.name not in names, f"{where}.{f.name}: duplicate name")
            names.add(f.name)
            for w, m in f.masks():
                need(not seen[w] & m, f"{where}.{f.name}: overlaps another field")
                seen[w] |= m

    def _op(self, o):
        need(o["engine"] in [e["n"] for e in self.engines], f"op {o['n']}: unknown engine")
        need(o["format"] in self.formats, f"op {o['n']}: unknown format")
        fmt = self.formats[o["format"]]
        head = {f.name for f in self.header}
        names = {f.name for f in fmt.fields}
        if "uses" in o:
            used = head | set(o["uses"])
            need(set(o["uses"]) <= names, f"op {o['n']}: uses an unknown field")
        else:
            need(set(o.get("unused", [])) <= names - head, f"op {o['n']}: unused: unknown field")
            used = names - set(o.get("unused", []))
        if "srcs" in o:
            used -= self._vec_unused(o["srcs"], o.get("consts", ""))
        need(fmt.name != "vec" or "srcs" in o, f"op {o['n']}: srcs is missing")
        op = Op(o["n"], o["code"], o["engine"], fmt, o["d"], o.get("srcs", ""))
        if fmt.name == "vec":
            need("err" in o, f"op {o['n']}: err is missing")
            need(("arg" in o) == ("factor" in o), f"op {o['n']}: arg and factor")
            for e in o["err"]:
                need(not isinstance(e, str) or e in self.bounds, f"op {o['n']}: no bound {e}")
            op.err = float(sum(self.bounds[e] if isinstance(e, str) else e for e in o["err"]))
            op.arg, op.size, op.factor = float(o.get("arg", 0)), o.get("size", ""), o.get("factor", "")
        op.fields = [f for f in fmt.fields if f.name in used]
        return op

    @staticmethod
    def _vec_unused(srcs, consts):
        """Fields of the vec format that an operation with these sources must leave zero."""
        base = {"a": "a", "b": "bb", "c": "c", "d": "dd"}
        need("a" in srcs and set(srcs) <= set(base), f"srcs {srcs}")
        out = set()
        for s in base:
            if s not in srcs:
                out |= {"s" + s, base[s], s + "0", s + "1", s + "2"}
        if "b" not in srcs:
            out.add("rb")
        if "c" not in srcs and "d" not in srcs:
            out.add("rc")
        if "a" not in consts:
            out.add("alpha")
        if "b" not in consts:
            out.add("beta")
        return out

    def vec_sources(self):
        """(mask, operations) of the vector operations: bit 0 source a, bit 1 b, bit 2 c, bit 3 d."""
        groups = {}
        for o in self.ops:
            if o.srcs:
                groups.setdefault(sum(1 << "abcd".index(s) for s in o.srcs), []).append(o)
        return sorted(groups.items())

    def valid_values(self, enum):
        """Bit mask of the values a command may hold."""
        return sum(1 << v["c"] for v in self.enums[enum]["v"] if not v.get("rsv"))

    def block_bytes(self, value):
        """Bytes of a 32-weight block of a wfmt value, from its description; 0: reserved."""
        if value.get("rsv"):
            return 0
        m = re.search(r"32 weights in (\d+) bytes", value["d"])
        need(m, f"enum wfmt.{value['n']}: size")
        return int(m.group(1))

    WFMT_FACTS = {
        "block_bytes": "Bytes of a block of 32 weights; 0: reserved or undefined.",
        "step_groups": "Groups that the tile array takes in one step; 0 as above.",
        "terms": "Terms of a group in a dot product; 0 as above.",
    }

    def wfmt_fact(self, fact):
        """What there is of each wfmt value that is implemented: name, number."""
        of = {
            "block_bytes": self.block_bytes,
            "step_groups": lambda v: v["step"],
            "terms": lambda v: v["terms"],
        }[fact]
        return [(v["n"], of(v)) for v in self.enums["wfmt"]["v"] if not v.get("rsv")]

    # --- chip ---

    def _chip(self):
        chip = self.chip
        self._unique("fault", chip["fault"], "c")
        need([f["c"] for f in chip["fault"]] == list(range(len(chip["fault"]))),
             "fault: codes must be consecutive")
        for cfg in chip["config"]:
            need(set(cfg) - {"n"} == set(chip["config_doc"]), f"config {cfg['n']}: parameters")
        self.structs = {}
        for s in chip["struct"]:
            off = 0
            rows = []
            for f in s["f"]:
                need(f["t"] in STRUCT_TYPES, f"struct {s['n']}.{f['n']}: type")
                size = STRUCT_TYPES[f["t"]]
                need(off % size == 0, f"struct {s['n']}.{f['n']}: not naturally aligned")
                rows.append(dict(f, o=off, size=size * f.get("c", 1)))
                off += rows[-1]["size"]
            need(off == s["size"], f"struct {s['n']}: {off} bytes, not {s['size']}")
            self.structs[s["n"]] = dict(s, f=rows)
        n = next(f for f in self.structs["completion"]["f"] if f["n"] == "counters")["c"]
        need(n == len(chip["counter"]), "struct completion.counters: number of counters")
        for b in chip["regblock"]:
            if "fdt_window" in b and "base" not in b:
                need(b["fdt_window"] + chip["const"]["FDT_WINDOW_BYTES"] <= b["size"], f"{b['n']}: fdt_window")
            seen = {}
            for r in b["r"]:
                for i in range(r.get("c", 1)):
                    o = r["o"] + 4 * i
                    need(o % 4 == 0 and o < b["size"], f"{b['n']}.{r['n']}: offset")
                    need(o not in seen, f"{b['n']}.{r['n']}: overlaps {seen.get(o)}")
                    seen[o] = r["n"]
            if b["n"] == "mcu":
                c = next(r for r in b["r"] if r["n"] == "COUNTERS")["c"]
                need(c == 2 * len(chip["counter"]), "mcu.COUNTERS: number of counters")
        for key in ("mbox", "mboxerr", "fwstate", "fwerror", "prog"):
            self._unique(key, chip[key], "c")
        self._unique("image.section", chip["image"]["section"], "c")
        self.fdt_types = {p["n"]: p["t"] for n in chip["fdt"] for p in n["p"]}

    def config_type(self, name):
        """Type of a configuration parameter: that of its device tree property."""
        return self.fdt_types.get("intaglio," + name.replace("_", "-"), "u64")

    def spec_version(self):
        return self.isa["version"] << 16


def camel(name):
    """snake_case, kebab-case or dotted to UpperCamelCase."""
    return "".join(p[:1].upper() + p[1:].lower() for p in re.split(r"[^A-Za-z0-9]+", name) if p)


def ident(name):
    """To an upper-case C identifier."""
    return re.sub(r"[^A-Za-z0-9]+", "_", name).upper()
