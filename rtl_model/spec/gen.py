#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Turns isa.toml, chip.toml, numbers.toml and numbers.md into everything that is generated from them.

gen.py            writes rtl_model/spec/gen/ and docs/isa.md
gen.py --check    writes nothing; fails and names the files that differ
"""

import argparse
import sys
from pathlib import Path

import gen_c
import gen_kernel
import gen_md
import gen_numbers
import gen_sv
import gen_tables
from gen_model import Spec, SpecError

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def outputs(spec, numbers):
    return {
        HERE / "gen/ig1_isa.h": gen_c.isa_h(spec),
        HERE / "gen/ig1_chip.h": gen_c.chip_h(spec),
        HERE / "gen/ig1_tables.h": gen_tables.tables_h(spec),
        HERE / "gen/ig1_tables.c": gen_tables.tables_c(spec),
        HERE / "gen/ig1_pkg.sv": gen_sv.pkg(spec),
        HERE / "gen/ig1_numbers.h": gen_numbers.c_header(numbers),
        HERE / "gen/ig1_numbers_pkg.sv": gen_numbers.sv_package(numbers),
        ROOT / "driver/ig1_hw.h": gen_kernel.hw_h(spec),
        ROOT / "docs/isa.md": gen_md.isa_md(spec),
    }


def main():
    ap = argparse.ArgumentParser(description="generate from the specification")
    ap.add_argument("--check", action="store_true", help="only compare, fail on a difference")
    args = ap.parse_args()
    try:
        numbers = gen_numbers.load(HERE / "numbers.toml")
        bounds = {n: b["u"] for n, b in numbers["bound"].items()}
        tables = {n: t["values"] for n, t in numbers["table"].items()}
        files = outputs(Spec(HERE, bounds, tables), numbers)
    except (SpecError, KeyError, ValueError) as e:
        print(f"gen.py: {e}", file=sys.stderr)
        return 1
    bad = 0
    for path, text in files.items():
        old = path.read_text(encoding="utf-8") if path.exists() else None
        if old == text:
            continue
        if args.check:
            print(f"gen.py: {path.relative_to(ROOT)} is not current", file=sys.stderr)
            bad = 1
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
    return bad


if __name__ == "__main__":
    sys.exit(main())
