#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests the microcontroller: prints TAP, exits nonzero if a test fails.

Environment:
  BUILD_DIR        where to build (default: a temporary directory, removed afterwards)
  SEED             seed of programs, stalls and reset values (default: random, printed)
  COUNT            number of random programs (default 504)
  VERILATOR        simulator command (default verilator)
  VERILATOR_FLAGS  more flags for it, such as "-fno-const-bit-op-tree -fno-dfg"
  RISCV_PREFIX     of the assembler (default: the first one found)
  QEMU             emulator command (default qemu-system-riscv32)

Without QEMU the comparisons with it are skipped and random programs are only compared between
runs of the RTL with and without stalls and interrupts.
"""

import os
import random
import shlex
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True  # the source tree may be read-only
import gen_random  # noqa: E402

DV = Path(__file__).resolve().parent
MCU = DV.parent
GATES = MCU.parent / "prim" / "gates"

PROGRAMS_PER_IMAGE = 56
SNIPPETS = 60

# Base addresses of the two targets: the chip's SRAM and the RAM of QEMU's "virt" machine.
BASE_RTL = 0
BASE_QEMU = 0x80000000

# Everything the core does not have is switched off.
QEMU_CPU = "rv32," + ",".join(
    f"{ext}=off" for ext in "a f d c h s u mmu pmp zba zbb zbc zbs".split())

# name: runs on the core bench too, arguments of the bench, compared with QEMU
DIRECTED = {
    "rv32i": (True, [], True),
    "rv32m": (True, [], True),
    "csr": (True, [], True),
    "trap": (True, [], True),
    "trap_local": (True, [], False),
    "irq": (True, [], False),
    "cycles": (False, [], False),
    "lockup_no_vector": (True, ["--expect-lockup", "1"], False),
    "lockup_double": (True, ["--expect-lockup", "2"], False),
}


class Failure(Exception):
    pass


class Skip(Exception):
    pass


def run(command, timeout=600):
    try:
        done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=timeout, check=False)
    except FileNotFoundError as e:
        raise Failure(f"{command[0]}: not found") from e
    except subprocess.TimeoutExpired as e:
        raise Failure(f"{command[0]}: no end after {timeout} s") from e
    text = done.stdout.decode("utf-8", "replace").strip()
    if done.returncode != 0:
        raise Failure(f"{' '.join(str(c) for c in command)}\n{text}\nexit code {done.returncode}")
    return text


def read_words(path):
    data = Path(path).read_bytes()
    if len(data) % 4:
        raise Failure(f"{path}: {len(data)} bytes, not whole words")
    return list(struct.unpack(f"<{len(data) // 4}I", data))


class Tests:
    def __init__(self, build, seed, count):
        self.build = build
        self.seed = seed
        self.rnd = random.Random(seed)
        self.images = []
        while count > 0:
            self.images.append(min(count, PROGRAMS_PER_IMAGE))
            count -= PROGRAMS_PER_IMAGE
        self.verilator = os.environ.get("VERILATOR", "verilator")
        self.flags = shlex.split(os.environ.get("VERILATOR_FLAGS", ""))
        self.qemu = shutil.which(os.environ.get("QEMU", "qemu-system-riscv32"))
        self.prefix = os.environ.get("RISCV_PREFIX") or next(
            (p for p in ("riscv64-unknown-elf-", "riscv32-unknown-elf-", "riscv64-linux-gnu-")
             if shutil.which(p + "gcc")), None)

    # Tools

    def sources(self, top):
        return ["-y", MCU, "-y", GATES, "--top-module", top, MCU / "ig1_mcu_pkg.sv",
                MCU / f"{top}.sv"]

    def verilate(self, top, bench):
        run([self.verilator, "--cc", "--exe", "--build", "--assert", "-O3", "--x-initial", "unique",
             "--x-assign", "unique", "-CFLAGS", "-O2", "--Mdir", self.build / bench, "-o", bench,
             *self.flags, *self.sources(top), DV / f"{bench}.cc"])

    def assemble(self, source, qemu=False):
        """Returns the flat image for the RTL, the ELF file for QEMU."""
        if not self.prefix:
            raise Failure("no RISC-V gcc found")
        elf = self.build / (source.stem + (".qemu.elf" if qemu else ".elf"))
        run([self.prefix + "gcc", *(["-DQEMU"] if qemu else []), "-I", DV,
             "-march=rv32im_zicsr_zifencei", "-mabi=ilp32", "-nostdlib", "-nostartfiles", "-static",
             "-Wl,--build-id=none", f"-Wl,--defsym=BASE={BASE_QEMU if qemu else BASE_RTL:#x}",
             "-T", DV / "link.ld", "-o", elf, source])
        if qemu:
            return elf
        image = self.build / (source.stem + ".bin")
        run([self.prefix + "objcopy", "-O", "binary", elf, image])
        return image

    def bench(self, bench, image, args=(), signature=True):
        """Runs an image, returns the signature: the result word first."""
        seed = self.rnd.getrandbits(31)
        out = self.build / f"{image.stem}.{bench}.sig"
        command = [self.build / bench / bench, image, "--seed", seed, "--signature", out,
                   "--max-cycles", 20000000, "+verilator+rand+reset+2",
                   f"+verilator+seed+{seed % 0x7FFFFFFE + 1}", *args]
        run(command)
        return read_words(out) if signature else None

    def emulate(self, source):
        if not self.qemu:
            raise Skip("qemu-system-riscv32 not found: NOT compared with an independent simulator")
        elf = self.assemble(source, qemu=True)
        out = self.build / f"{source.stem}.qemu.sig"
        run([self.qemu, "-machine", "virt", "-m", "16M", "-bios", "none", "-cpu", QEMU_CPU,
             "-display", "none", "-monitor", "none", "-serial", f"file:{out}", "-kernel", elf],
            timeout=60)
        return read_words(out)

    # Tests

    def lint(self):
        for extra in (["--assert"], ["-DSYNTHESIS"]):
            run([self.verilator, "--lint-only", "-Wall", *extra, *self.sources("ig1_mcu")])

    def directed(self, name):
        on_core, args, _ = DIRECTED[name]
        image = self.assemble(DV / f"{name}.S")
        self.bench("tb_mcu", image, args)
        if name != "cycles":
            self.bench("tb_mcu", image, args + ["--stall", 50])
        if on_core:
            for stall in (0, 20, 70):
                self.bench("tb_core", image, args + ["--stall", stall])

    def directed_qemu(self, name):
        want = self.emulate(DV / f"{name}.S")
        got = self.bench("tb_mcu", self.assemble(DV / f"{name}.S"))
        if want[0] != 1:
            raise Failure(f"QEMU: check {want[0] >> 1} failed")
        compare(got, want, "RTL", "QEMU", lambda i: f"signature word {i - 1}")

    def generate(self, i):
        source = self.build / f"random{i}.S"
        source.write_text(gen_random.image(self.seed + i, self.images[i], SNIPPETS),
                          encoding="ascii")
        return source

    def random_rtl(self, i):
        image = self.assemble(self.generate(i))
        want = self.bench("tb_mcu", image)
        expect_length(want, self.images[i])
        for bench, args in (("tb_mcu", ["--storm", "--stall", 40]),
                            ("tb_core", []),
                            ("tb_core", ["--stall", 40]),
                            ("tb_core", ["--storm", "--stall", 25])):
            got = self.bench(bench, image, args)
            compare(got, want, f"{bench} {' '.join(map(str, args))}", "tb_mcu",
                    self.describe(i))

    def random_qemu(self, i):
        source = self.generate(i)
        want = self.emulate(source)
        got = self.bench("tb_mcu", self.assemble(source))
        expect_length(want, self.images[i])
        compare(got, want, "RTL", "QEMU", self.describe(i))

    def describe(self, i):
        def name(word):
            program, reg = divmod(word - 1, gen_random.WORDS_PER_PROGRAM)
            what = {0: "hash of the traps", 2: "hash of the scratch area"}.get(reg, f"x{reg}")
            return f"image {i} (seed {self.seed + i}), program {program}, {what}"
        return name

    def reset(self):
        """Core resets at arbitrary points, peripheral accesses in flight among them."""
        image = self.assemble(DV / "irq.S")
        for i in range(60):
            args = ["--kill", self.rnd.randrange(1, 12000), "--stall", 60, "--late", 60]
            self.bench("tb_mcu", image, args + (["--reload"] if i % 3 == 0 else []))
        image = self.assemble(DV / "reset_sleep.S")
        for _ in range(30):
            self.bench("tb_mcu", image, ["--kill", self.rnd.randrange(80, 500), "--stall", 90,
                                         "--late", 60])

    def all(self):
        yield "lint", self.lint
        yield "build whole microcontroller", lambda: self.verilate("ig1_mcu", "tb_mcu")
        yield "build core", lambda: self.verilate("ig1_mcu_core", "tb_core")
        for name in DIRECTED:
            yield f"directed {name}", lambda name=name: self.directed(name)
        yield "core reset while running", self.reset
        for name in (n for n, d in DIRECTED.items() if d[2]):
            yield f"directed {name} as QEMU", lambda name=name: self.directed_qemu(name)
        for i, n in enumerate(self.images):
            yield (f"random image {i}, {n} programs, with and without stalls and interrupts",
                   lambda i=i: self.random_rtl(i))
            yield f"random image {i}, {n} programs as QEMU", lambda i=i: self.random_qemu(i)


def expect_length(words, programs):
    want = 1 + gen_random.WORDS_PER_PROGRAM * programs
    if len(words) != want or words[0] != 1:
        raise Failure(f"signature of {len(words)} words, result {words[:1]}; want {want}, result 1")


def compare(got, want, got_name, want_name, describe):
    for i, (a, b) in enumerate(zip(got, want)):
        if a != b:
            raise Failure(f"{describe(i)}: {got_name} {a:#010x}, {want_name} {b:#010x}")
    if len(got) != len(want):
        raise Failure(f"{got_name} {len(got)} words, {want_name} {len(want)} words")


def main():
    seed = int(os.environ.get("SEED") or random.SystemRandom().getrandbits(31))
    count = int(os.environ.get("COUNT") or 504)
    given = os.environ.get("BUILD_DIR")
    build = Path(given or tempfile.mkdtemp(prefix="mcu-dv-")).resolve()
    build.mkdir(parents=True, exist_ok=True)
    tests = Tests(build, seed, count)
    listed = list(tests.all())
    failed = skipped = 0

    print(f"1..{len(listed)}")
    print(f"# SEED={seed} COUNT={count}", flush=True)
    for number, (name, function) in enumerate(listed, 1):
        try:
            function()
            print(f"ok {number} - {name}", flush=True)
        except Skip as e:
            skipped += 1
            print(f"ok {number} - {name} # SKIP {e}", flush=True)
        except Failure as e:
            failed += 1
            print(f"not ok {number} - {name}")
            for line in str(e).splitlines():
                print(f"#   {line}")
            sys.stdout.flush()
            if name.startswith("build"):
                print(f"Bail out! {name} failed")
                break
    if skipped:
        print(f"# {skipped} of {len(listed)} tests SKIPPED")
    if failed:
        print(f"# {failed} of {len(listed)} tests FAILED; SEED={seed} COUNT={count}")
    if not given:
        shutil.rmtree(build, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
