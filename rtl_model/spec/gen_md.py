# SPDX-License-Identifier: MIT
"""docs/isa.md."""

from gen_model import CMD_WORDS, ident

PROSE = """
This is the reference of the chip: what a command stream, a driver, firmware and a compiler may rely on. It is
generated from `rtl_model/spec/isa.toml`, `chip.toml` and `numbers.md` by `gen.py`; change those, not this file. The
same description becomes `ig1_isa.h`, `ig1_chip.h`, `ig1_tables.c` and `ig1_pkg.sv` in `rtl_model/spec/gen/`.

Everything in memory is little-endian. Sizes and offsets are bytes unless stated. fl(x) is x rounded to fp32; chapter
Numbers defines it and every function that the commands use.
"""

KIND_DOC = """
Kinds: `uint` and `hex` are unsigned, `sint` two's complement, `f32` the bits of an fp32 number, `reg` a register number
(0 reads as zero), `mask` one bit per token, `enum` a value of the named table. A field of 64 bits lies in two words, low
first. A bit that no field of the command covers must be zero, as must a field that the command does not use; otherwise
the fault is `field`.
"""


def cell(text):
    return " ".join(text.split()).replace("|", "\\|")


def table(head, rows):
    out = "| " + " | ".join(head) + " |\n|" + "---|" * len(head) + "\n"
    return out + "".join("| " + " | ".join(cell(str(c)) for c in r) + " |\n" for r in rows) + "\n"


def chapter(title, text=""):
    return f"## {title}\n\n" + (text.strip() + "\n\n" if text.strip() else "")


def place(f):
    if f.bits == 64:
        return f"{f.word}..{f.word + 1}"
    return f"{f.word}"


def bits(f):
    if f.bits == 64:
        return "63..0"
    return f"{f.lo + f.bits - 1}..{f.lo}" if f.bits > 1 else f"{f.lo}"


def kind(f):
    return f"enum `{f.enum}`" if f.kind == "enum" else f.kind


def field_table(fields):
    rows = [(f"`{f.name}`", place(f), bits(f), kind(f), f.doc) for f in sorted(fields, key=lambda f: f.bit())]
    return table(("field", "word", "bits", "kind", "meaning"), rows)


def commands(spec):
    out = chapter("Encoding", f"A command is {CMD_WORDS} words of 32 bits. Its low eight bits are the opcode, which "
                              "determines the engine and the format.\n" + KIND_DOC)
    out += "Every format begins with the header:\n\n" + field_table(spec.header)
    for e in spec.isa["enum"]:
        out += f"### Values of `{e['n']}`\n\n{e['d'].strip()}\n\n"
        rows = [(v["c"], f"`{v['n']}`", v["d"] + (" (reserved)" if v.get("rsv") else "")) for v in e["v"]]
        out += table(("value", "name", "meaning"), rows)
    for fmt in spec.formats.values():
        out += f"### Format `{fmt.name}`\n\n{fmt.doc.strip()}\n\n"
        out += field_table([f for f in fmt.fields if f not in spec.header])
    out += chapter("Commands", "A command's line `uses` names the fields it takes from its format, beside the header; "
                               "without the line it takes all.")
    for e in spec.engines:
        out += f"### Engine `{e['n']}`\n\n" + (VEC_BOUNDS.strip() + "\n\n" if e["n"] == "vec" else "")
        for o in spec.ops:
            if o.engine != e["n"]:
                continue
            out += f"#### `{o.name}` ({o.code:#04x}, format `{o.fmt.name}`)\n\n{op_doc(o)}\n\n"
            used = [f.name for f in o.fields if f not in spec.header]
            every = [f.name for f in o.fmt.fields if f not in spec.header]
            if used != every:
                out += "Uses: " + (", ".join(f"`{n}`" for n in used) or "nothing") + ".\n\n"
    out += "### Reserved opcodes\n\nTaken for later work; executing one is fault `opcode`.\n\n"
    return out + table(("code", "name", "meaning"),
                       [(f"{r['code']:#04x}", f"`{r['n']}`", r["d"]) for r in spec.reserved])


VEC_BOUNDS = """
Each operation states its accuracy: |r - x| is at most that, where x is the formula without fl() in real arithmetic
on operands as they are read, and u = 2^-24. It holds while no step over- or underflows; RECIP, RSQRT, EXP, SIGMOID and SILU
are measured over all operands (chapter Numbers), the rest follows from one rounding per fl().
"""


def op_doc(o):
    """A vector operation's description is the formula of its result."""
    return f"r = {o.doc.strip()}" + vec_bound(o) if o.fmt.name == "vec" else o.doc.strip()


def vec_bound(o):
    if not o.err:
        return ". Exact."
    text = f"{o.err:g}"
    if o.arg:
        text = f"({text} + {'' if o.arg == 1 else f'{o.arg:g} * '}{o.factor})"
    size = f"({o.size})" if o.size else "|x|"
    return f". Error at most {text} u {size}."


def chip(spec):
    c = spec.chip
    out = chapter("Faults", "A job that faults ends with a code, an address and the index of the command.")
    out += table(("code", "name", "meaning"), [(f["c"], f"`{f['n']}`", f["d"]) for f in c["fault"]])
    out += chapter("Counters", "64 bits each, of one job. Those marked timed depend on the implementation; the others "
                               "are the same on every implementation. Energy: of one count in units of 2^-10 pJ, "
                               "for the power estimate of mailbox command `telemetry`; an assumption, not a measurement.")
    out += table(("index", "name", "timed", "energy", "meaning"),
                 [(i, f"`{r['n']}`", "timed" if r.get("timed") else "", r.get("energy", ""), r["d"])
                  for i, r in enumerate(c["counter"])])
    m = c["mmu"]
    out += chapter("Address translation", m["d"])
    out += table(("bits", "name", "meaning"),
                 [(f"{b['lo'] + b['b'] - 1}..{b['lo']}" if b["b"] > 1 else b["lo"], f"`{b['n']}`", b["d"]) for b in m["bit"]])
    out += chapter("Structures in memory")
    for s in spec.structs.values():
        out += f"### `struct ig1_{s['n']}`, {s['size']} bytes\n\n{s['d'].strip()}\n\n"
        rows = [(f["o"], f"{f['t']}" + (f"[{f['c']}]" if "c" in f else ""), f"`{f['n']}`", f["d"]) for f in s["f"]]
        out += table(("offset", "type", "field", "meaning"), rows)
    out += "### Constants\n\n"
    out += table(("name", "value"), [(f"`IG1_{k}`", f"{v:#x}" if v > 4096 else v) for k, v in c["const"].items()])
    return out + pci(spec) + registers(spec)


def pci(spec):
    p = spec.chip["pci"]
    out = chapter("PCI", p["d"] + "\nThe vendor number is the one that emulated devices use; none is assigned to IG1.")
    return out + table(("name", "value"), [(f"`IG1_PCI_{ident(k)}`", f"{v:#x}" if v > 9 else v)
                                           for k, v in p.items() if k != "d"])


def registers(spec):
    out = chapter("Registers", "Access: ro read-only, rw read and write, wo write-only, w1c write 1 to clear.")
    for b in spec.chip["regblock"]:
        where = f", from {b['base']:#x}" if "base" in b else ""
        out += f"### Block `{b['n']}`{where}, {b['size']:#x} bytes\n\n{b['d'].strip()}\n\n"
        if "fdt_window" in b:
            out += f"The device tree can be read from {b['fdt_window']:#x} on.\n\n"
        rows = []
        for r in b["r"]:
            last = f"..{r['o'] + 4 * (r['c'] - 1):#05x}" if "c" in r else ""
            doc = r["d"] + "".join(f"; bit {f['lo']} {f['n']}: {f['d']}" for f in r.get("f", []))
            name = r["n"] + (f"[{r['c']}]" if "c" in r else "")
            rows.append((f"{r['o']:#05x}{last}", f"`{name}`", r["a"], doc))
        out += table(("offset", "name", "access", "meaning"), rows)
    return out


def firmware(spec):
    c = spec.chip
    out = chapter("Firmware mailbox", "The host writes MBOX_CMD, MBOX_SEQ and MBOX_ARG, then MBOX_DOORBELL; the answer is "
                                      "there when MBOX_DONE equals MBOX_SEQ.")
    for title, key in (("command", "mbox"), ("result", "mboxerr"), ("FW_STATE", "fwstate"), ("FW_ERROR", "fwerror")):
        out += table((title, "name", "meaning"), [(r["c"], f"`{r['n']}`", r["d"]) for r in c[key]])
    out += chapter("Device tree", "Flattened, read from the chip; no software hard-codes what it says. `bytes32` is a "
                                  "property of 32 bytes, `u64` one of two cells.")
    for n in c["fdt"]:
        out += f"### `{n['path']}`\n\n{n['d']}\n\n"
        out += table(("property", "type", "meaning"), [(f"`{p['n']}`", p["t"], p["d"]) for p in n["p"]])
    return out


def image(spec):
    c = spec.chip
    i = c["image"]
    out = chapter(".accel file", f"Magic `{i['magic']}`, version {i['version']}. " + i["d"].strip())
    out += table(("type", "name", "content"), [(s["c"], f"`{s['n']}`", s["d"]) for s in i["section"]])
    out += chapter("Programs", c["progabi"]["d"])
    return out + table(("arg", "program", "meaning"),
                       [(p["c"], f"`{p['n']}` (IG1_PROG_{ident(p['n'])})", p["d"]) for p in c["prog"]])


def numbers(text, bounds, tables):
    """numbers.md as it is, its headings one level down so that it is a chapter here; names filled in."""
    out, code = "", False
    for name, u in bounds.items():
        text = text.replace(f"@BOUND_{name.upper()}@", f"{u:g} u")
    for name, values in tables.items():
        text = text.replace(f"@TABLE_{name.upper()}@", ", ".join(str(v) for v in values))
    for line in text.replace("<!-- SPDX-License-Identifier: MIT -->", "").strip("\n").split("\n"):
        code ^= line.startswith("```")
        out += ("#" if line.startswith("#") and not code else "") + line + "\n"
    return out + "\n" if text else ""


def isa_md(spec):
    out = "<!-- SPDX-License-Identifier: MIT -->\n<!-- Generated by rtl_model/spec/gen.py. Do not edit. -->\n\n"
    out += f"# IG1 reference, version {spec.isa['version']}.0\n" + PROSE + "\n"
    out += chapter("Execution", spec.isa["intro"])
    isa = spec.isa
    out += table(("limit", "value"), [("registers", isa["regs"]), ("job arguments", isa["args"]),
                                      ("tokens", isa["tokens"]), ("highest token count", isa["token_max"]),
                                      ("loop depth", isa["loop_depth"]), ("highest count", f"{isa['max_count']:#x}")])
    out += table(("code", "engine", "what it is"), [(e["code"], f"`{e['n']}`", e["d"]) for e in spec.engines])
    cfgs = spec.chip["config"]
    out += chapter("Configurations", "Elaboration parameters; results do not depend on them.")
    out += table(["parameter"] + [f"`{x['n']}`" for x in cfgs] + ["meaning"],
                 [[f"`{k}`"] + [x[k] for x in cfgs] + [d] for k, d in spec.chip["config_doc"].items()])
    out += commands(spec) + chapter("KV blocks", isa["kvblocks"]["d"])
    out += numbers(spec.numbers, spec.bounds, spec.tables)
    out += chip(spec) + firmware(spec) + image(spec)
    return out.rstrip("\n") + "\n"
