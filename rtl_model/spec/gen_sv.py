# SPDX-License-Identifier: MIT
"""ig1_pkg.sv."""

import textwrap

from gen_model import CMD_WORDS, camel, need

# `wait` is a keyword of SystemVerilog, `signal` its twin, `list` a word Verilator reserves.
KEYWORDS = {"wait": "wait_mask", "signal": "signal_mask", "list": "by_list"}


def comment(text, indent="  "):
    rows = [y for x in text.strip("\n").split("\n") for y in textwrap.wrap(x, 95) or [""]]
    return "".join(f"{indent}// {x}".rstrip() + "\n" for x in rows)


def sv_name(name):
    return KEYWORDS.get(name, name)


def enum(tag, bits, rows, names, prefix):
    """rows of (name, value)."""
    out = f"  typedef enum logic [{bits - 1}:0] {{\n"
    lines = []
    for name, value in rows:
        ident = prefix + camel(name)
        need(ident not in names, f"package: {ident} defined twice")
        names.add(ident)
        lines.append(f"    {ident} = {bits}'h{value:x}")
    return out + ",\n".join(lines) + f"\n  }} {tag}_e;\n\n"


def param(names, name, bits, value, doc=""):
    need(name not in names, f"package: {name} defined twice")
    names.add(name)
    kind = "int unsigned" if bits == 0 else f"logic [{bits - 1}:0]"
    text = f"{value}" if bits == 0 else f"{bits}'h{value:x}"
    line = f"  localparam {kind} {name} = {text};"
    doc = " ".join(doc.split())
    if doc and len(line) + len(doc) + 4 <= 100:
        return f"{line}  // {doc}\n"
    return (comment(doc) if doc else "") + line + "\n"


def field_type(f):
    if f.kind == "enum":
        return f"{f.enum}_e"
    sign = " signed" if f.kind == "sint" else ""
    return f"logic{sign} [{f.bits - 1}:0]" if f.bits > 1 else "logic"


def packed(fmt):
    """The format as a packed struct of exactly one command, most significant member first."""
    rows = []
    pos, pads = 0, 0
    for f in sorted(fmt.fields, key=lambda f: f.bit()):
        if f.bit() > pos:
            rows.append((f"logic [{f.bit() - pos - 1}:0]", f"pad{pads}"))
            pads += 1
        rows.append((field_type(f), sv_name(f.name)))
        pos = f.bit() + f.bits
    rest = 32 * CMD_WORDS - pos
    if rest:
        rows.append((f"logic [{rest - 1}:0]", f"pad{pads}"))
    out = comment(fmt.doc) + "  typedef struct packed {\n"
    for kind, name in reversed(rows):
        out += f"    {kind} {name};\n"
    return out + f"  }} cmd_{fmt.name}_t;\n\n"


def mask_function(spec):
    out = comment("Bits that an operation may set; none for an unknown or reserved one.")
    out += "  function automatic logic [CmdBits-1:0] used_mask(logic [7:0] op);\n"
    out += "    logic [CmdBits-1:0] mask;\n    case (op)\n"
    groups = {}
    for o in spec.ops:
        groups.setdefault(tuple(o.used()), []).append(o)
    for used, ops in groups.items():
        names = ", ".join("Op" + camel(o.name) for o in ops)
        out += "\n".join(textwrap.wrap(f"{names}: mask = {{", 94, initial_indent=" " * 6,
                                       subsequent_indent=" " * 6)) + "\n"
        words = [f"32'h{w:08x}" for w in reversed(used)]
        rows = [", ".join(words[i:i + 4]) for i in range(0, CMD_WORDS, 4)]
        out += ",\n".join("        " + r for r in rows) + "\n      };\n"
    return out + "      default: mask = '0;\n    endcase\n    used_mask = mask;\n  endfunction\n\n"


def vec_sources(spec):
    out = comment("Sources of a vector operation: bit 0 is a, bit 1 b, bit 2 c, bit 3 d; 0: not one.")
    out += "  function automatic logic [3:0] vec_sources(logic [7:0] op);\n    case (op)\n"
    for mask, ops in spec.vec_sources():
        rows = textwrap.wrap(", ".join("Op" + camel(o.name) for o in ops) + f": vec_sources = 4'h{mask:x};", 94,
                             initial_indent=" " * 6, subsequent_indent=" " * 6)
        out += "\n".join(rows) + "\n"
    return out + "      default: vec_sources = 4'h0;\n    endcase\n  endfunction\n\n"


def places(spec, names):
    """Where a field lies in the 1024 bits, and its word for fault `field`."""
    out = comment("Lowest bits of the commands' fields.")
    for fmt in spec.formats.values():
        for f in fmt.fields:
            if f not in spec.header:
                out += param(names, "Cmd" + camel(fmt.name) + camel(f.name) + "Lsb", 0, f.bit())
    return out + "\n"


def op_functions(spec):
    out = comment("The opcode is known and implemented.")
    out += "  function automatic logic op_known(logic [7:0] op);\n    case (op)\n      "
    out += ", ".join("Op" + camel(o.name) for o in spec.ops[:1])
    for o in spec.ops[1:]:
        out += f",\n      Op{camel(o.name)}"
    out += ": op_known = 1'b1;\n      default: op_known = 1'b0;\n    endcase\n  endfunction\n\n"
    out += comment("The engine of a known opcode.")
    out += "  function automatic engine_e op_engine(logic [7:0] op);\n    case (op)\n"
    default = spec.engines[0]["n"]
    for e in spec.engines[1:]:
        names = ["Op" + camel(o.name) for o in spec.ops if o.engine == e["n"]]
        out += "      " + ",\n      ".join(names) + f": op_engine = Engine{camel(e['n'])};\n"
    return out + f"      default: op_engine = Engine{camel(default)};\n    endcase\n  endfunction\n\n"


def check_function(spec):
    out = comment("Bit n: word n of the command has a bit that its operation does not use, or an enum value that is\n"
                  "undefined or reserved. The lowest such word is the address of fault `field`.")
    out += "  function automatic logic [CmdWords-1:0] bad_words(logic [CmdBits-1:0] bits);\n"
    out += "    logic [CmdBits-1:0] stray;\n    logic [CmdWords-1:0] bad;\n"
    out += "    stray = bits & ~used_mask(bits[7:0]);\n"
    out += "    for (int unsigned i = 0; i < CmdWords; i++) bad[i] = |stray[32*i+:32];\n"
    out += "    case (bits[7:0])\n"
    for fmt in spec.formats.values():
        rows = [f for f in fmt.fields if f.kind == "enum"]
        full = {f.name for f in rows if spec.valid_values(f.enum) == (1 << (1 << f.bits)) - 1}
        rows = [f for f in rows if f.name not in full]
        if not rows:
            continue
        names = ["Op" + camel(o.name) for o in spec.ops if o.fmt is fmt]
        out += "      " + ",\n      ".join(names) + ": begin\n"
        for f in rows:
            hi, lo = f.bit() + f.bits - 1, f.bit()
            out += f"        if (!{f.enum}_ok(bits[{hi}:{lo}])) bad[{f.word}] = 1'b1;\n"
        out += "      end\n"
    return out + "      default: ;\n    endcase\n    bad_words = bad;\n  endfunction\n\n"


def enum_ok(spec, e):
    """A function that tells the values a command may hold; none where every value is allowed."""
    bits = spec.enum_bits[e["n"]]
    valid = [v for v in e["v"] if not v.get("rsv")]
    if len(valid) == 1 << bits:
        return ""
    names = ", ".join(camel(e["n"]) + camel(v["n"]) for v in valid)
    first = "\n".join(textwrap.wrap(f"{names}: {e['n']}_ok = 1'b1;", 94, initial_indent=" " * 6,
                                    subsequent_indent=" " * 6))
    return (f"  function automatic logic {e['n']}_ok(logic [{bits - 1}:0] v);\n    case (v)\n"
            f"{first}\n      default: {e['n']}_ok = 1'b0;\n    endcase\n  endfunction\n\n")


def registers(spec, names):
    out = ""
    for b in spec.chip["regblock"]:
        out += comment(b["d"])
        p = camel(b["n"])
        bits = (b["size"] - 1).bit_length()
        out += param(names, p + "AddrBits", 0, bits)
        if "base" in b:
            out += param(names, p + "Base", 32, b["base"])
        if "fdt_window" in b:
            out += param(names, p + "FdtWindow", 32 if "base" in b else bits, b["fdt_window"])
        for r in b["r"]:
            out += param(names, p + camel(r["n"]), bits, r["o"], f"{r['a']}: {r['d']}")
            if "c" in r:
                out += param(names, p + camel(r["n"]) + "Count", 0, r["c"])
            for f in r.get("f", []):
                need(f["b"] == 1, f"{b['n']}.{r['n']}.{f['n']}: only single bits so far")
                out += param(names, p + camel(r["n"]) + camel(f["n"]) + "Bit", 0, f["lo"], f["d"])
        out += "\n"
    return out


def structs(spec, names):
    out = comment("Structures in memory: sizes and byte offsets.")
    for s in ("job", "completion", "token", "trace"):
        st = spec.structs[s]
        out += param(names, camel(s) + "Bytes", 0, st["size"], st["d"])
        for f in st["f"]:
            out += param(names, camel(s) + camel(f["n"]) + "Offset", 0, f["o"])
    return out + "\n"


def pkg(spec):
    isa, chip = spec.isa, spec.chip
    names = set()
    out = "// SPDX-License-Identifier: MIT\n// Generated by gen.py from isa.toml and chip.toml. Do not edit.\n//\n"
    out += "// Commands, faults, counters, registers and parameters of IG1; docs/isa.md is the reference.\n"
    out += "// A command is 1024 bits, bits 31:0 being word 0, so cmd_mm_t'(bits) decodes it. The fields\n"
    out += "// `wait`, `signal` and `list` are called wait_mask, signal_mask and by_list here.\n\npackage ig1_pkg;\n\n"
    out += "  /* verilator lint_off UNUSEDPARAM */\n\n"
    out += param(names, "SpecVersion", 32, spec.spec_version(), "major << 16 | minor")
    out += param(names, "CmdBytes", 0, isa["command_bytes"])
    out += param(names, "CmdWords", 0, CMD_WORDS)
    out += param(names, "CmdBits", 0, 32 * CMD_WORDS)
    out += param(names, "Regs", 0, isa["regs"])
    out += param(names, "RegBits", 0, (isa["regs"] - 1).bit_length())
    out += param(names, "Args", 0, isa["args"])
    out += param(names, "Tokens", 0, isa["tokens"])
    out += param(names, "TokenBits", 0, isa["token_max"].bit_length(), "of a token counter")
    out += param(names, "TokenMax", 0, isa["token_max"])
    out += param(names, "LoopDepth", 0, isa["loop_depth"])
    out += param(names, "MaxCount", 0, isa["max_count"])
    for key, value in chip["const"].items():
        if key not in ("MCU_SRAM_BYTES",):
            out += param(names, camel(key), 64 if value >= 1 << 32 else 32, value)
    out += param(names, "McuSramBytes", 0, chip["const"]["MCU_SRAM_BYTES"]) + "\n"
    for cfg in chip["config"]:
        out += comment(f"Configuration `{cfg['n']}`.")
        for key, doc in chip["config_doc"].items():
            bits = 64 if spec.config_type(key) == "u64" else 0
            out += param(names, camel(cfg["n"]) + camel(key), bits, cfg[key], doc)
        out += "\n"
    bits = max(1, (len(spec.engines) - 1).bit_length())
    out += enum("engine", bits, [(e["n"], e["code"]) for e in spec.engines], names, "Engine")
    out += enum("opcode", 8, [(o.name, o.code) for o in spec.ops], names, "Op")
    for e in isa["enum"]:
        out += comment(e["d"])
        out += enum(e["n"], spec.enum_bits[e["n"]], [(v["n"], v["c"]) for v in e["v"]], names, camel(e["n"]))
        out += enum_ok(spec, e)
    out += enum("fault", 8, [(f["n"], f["c"]) for f in chip["fault"]], names, "Fault")
    out += comment("Counters, in the order of the completion record.")
    out += param(names, "Counters", 0, len(chip["counter"]))
    for i, c in enumerate(chip["counter"]):
        out += param(names, "Ctr" + camel(c["n"]), 0, i, c["d"])
    for fact, doc in spec.WFMT_FACTS.items():
        out += "\n" + comment(doc)
        out += f"  function automatic logic [7:0] wfmt_{fact}(logic [3:0] fmt);\n    case (fmt)\n"
        for name, n in spec.wfmt_fact(fact):
            out += f"      Wfmt{camel(name)}: wfmt_{fact} = 8'd{n};\n"
        out += f"      default: wfmt_{fact} = 8'd0;\n    endcase\n  endfunction\n"
    out += "\n"
    for fmt in spec.formats.values():
        out += packed(fmt)
    out += places(spec, names) + vec_sources(spec)
    out += op_functions(spec) + mask_function(spec) + check_function(spec)
    m = chip["mmu"]
    out += comment("Page table.")
    out += param(names, "PageShift", 0, m["page_shift"]) + param(names, "VaBits", 0, m["va_bits"])
    out += param(names, "PtLevels", 0, m["levels"]) + param(names, "PtBits", 0, m["bits_per_level"])
    for b in m["bit"]:
        out += param(names, "Pte" + camel(b["n"]) + ("Lsb" if b["b"] > 1 else "Bit"), 0, b["lo"], b["d"])
        if b["b"] > 1:
            out += param(names, "Pte" + camel(b["n"]) + "Bits", 0, b["b"])
    out += "\n" + structs(spec, names) + registers(spec, names)
    return out + "  /* verilator lint_on UNUSEDPARAM */\n\nendpackage\n"
