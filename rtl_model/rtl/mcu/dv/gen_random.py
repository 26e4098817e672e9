#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Random RV32IM programs for comparing the core with an independent simulator.

An image holds many programs. Each loads random values into all registers, runs a body of snippets
(straight-line code, forward branches, counted loops, jumps, memory accesses in a scratch area,
products and quotients, CSR accesses, traps) and appends 32 words to the signature: a hash of the
traps, x1, a hash of the scratch area, x3 to x31. x2 points at the scratch area all the time, so
that the trap handler can run between any two instructions. Snippets that hold a code address remove
it before they end: results do not depend on where the image is linked.
"""

import argparse
import random

WORDS_PER_PROGRAM = 32

SCRATCH_BYTES = 256
DUMP = 256  # offsets from x2, see the data section of the frame
TRAP_HASH = -68
SIG_POINTER = -72

INTERESTING = [0, 1, 2, 3, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000,
               0x80000001, 0xFFFFFFFE, 0xFFFFFFFF, 0x55555555, 0xAAAAAAAA]

RR_OPS = ["add", "sub", "sll", "slt", "sltu", "xor", "srl", "sra", "or", "and"]
RI_OPS = ["addi", "slti", "sltiu", "xori", "ori", "andi"]
SHIFT_OPS = ["slli", "srli", "srai"]
MUL_OPS = ["mul", "mulh", "mulhsu", "mulhu", "div", "divu", "rem", "remu"]
LOADS = [("lb", 1), ("lbu", 1), ("lh", 2), ("lhu", 2), ("lw", 4)]
STORES = [("sb", 1), ("sh", 2), ("sw", 4)]
BRANCHES = ["beq", "bne", "blt", "bge", "bltu", "bgeu"]

# Encodings that trap in the core and in QEMU 7.2 with every optional extension off.
ILLEGAL = [0xFFFFFFFF, 0x0000038B, 0x0000B383, 0x0000F383, 0x0070B023, 0x00002063, 0x000093E7,
           0x40101393, 0x80105393, 0x047303B3, 0x037303BB, 0x0000200F, 0x00004073, 0x10200073,
           0x1005A3AF, 0x00B50553, 0x7C0023F3, 0x100023F3, 0xF14292F3]

FRAME_START = f"""\
/* SPDX-License-Identifier: MIT */
#include "env.inc"

\t.section .text.start, "ax"
\t.globl\t_start
_start:
\tENV_START
\tla\tt0, trap
\tcsrw\tmtvec, t0
\tcsrw\tmscratch, zero
\tla\tx2, scratch
\tla\tt0, sig_begin
\tsw\tt0, {SIG_POINTER}(x2)
\tjal\tra, interrupts
"""

FRAME_END = f"""\
\tPASS

/* Appends the state to the signature; x1 is in the dump already and holds the return address. */
save:
{{stores}}
\tlw\tx3, {TRAP_HASH}(x2)
\tsw\tx3, {DUMP}(x2)
\tmv\tx4, x2
\taddi\tx5, x2, {SCRATCH_BYTES}
\tli\tx6, 0
1:\tlw\tx7, 0(x4)
\tslli\tx8, x6, 5
\tsub\tx6, x8, x6
\tadd\tx6, x6, x7
\taddi\tx4, x4, 4
\tbltu\tx4, x5, 1b
\tsw\tx6, {DUMP + 8}(x2)
\taddi\tx4, x2, {DUMP}
\taddi\tx5, x4, {4 * WORDS_PER_PROGRAM}
\tlw\tx6, {SIG_POINTER}(x2)
2:\tlw\tx7, 0(x4)
\tsw\tx7, 0(x6)
\taddi\tx4, x4, 4
\taddi\tx6, x6, 4
\tbltu\tx4, x5, 2b
\tsw\tx6, {SIG_POINTER}(x2)
\tret

/* hash = hash * 31 + value */
\t.macro\tHASH value
\tlw\tx6, {TRAP_HASH}(x2)
\tslli\tx8, x6, 5
\tsub\tx6, x8, x6
\tadd\tx6, x6, \\value
\tsw\tx6, {TRAP_HASH}(x2)
\t.endm

\t.align\t2
trap:
\tsw\tx5, -4(x2)
\tsw\tx6, -8(x2)
\tsw\tx7, -12(x2)
\tsw\tx8, -16(x2)
\tcsrr\tx5, mcause
\tbltz\tx5, interrupt
\tHASH\tx5
\tcsrr\tx7, mepc
\taddi\tx6, x7, 4
\tcsrw\tmepc, x6
\tla\tx6, _start
\tsub\tx7, x7, x6
\tHASH\tx7
\t/* Values of misaligned targets and breakpoints differ between implementations. */
\tbeqz\tx5, 1f
\taddi\tx6, x5, -3
\tbeqz\tx6, 1f
\tcsrr\tx7, mtval
\tHASH\tx7
1:
leave:
\tlw\tx5, -4(x2)
\tlw\tx6, -8(x2)
\tlw\tx7, -12(x2)
\tlw\tx8, -16(x2)
\tmret

#ifdef QEMU
interrupts:
\tret
interrupt:
\tj\tfail
#else
/* If the bench asks for it: the external interrupt at its whim, the timer every 20 to 147
 * cycles.
 */
interrupts:
\tli\tt0, PERIPH
\tlw\tt0, PERIPH_FLAGS(t0)
\tbeqz\tt0, 1f
\tli\tt0, MTIMECMP
\tsw\tzero, 4(t0)
\tli\tt0, MIE_MEIE | MIE_MTIE
\tcsrw\tmie, t0
\tcsrsi\tmstatus, MSTATUS_MIE
1:\tret
interrupt:
\tandi\tx6, x5, 4
\tbnez\tx6, 1f
\tli\tx6, PERIPH
\tsw\tzero, PERIPH_IRQ(x6)
\tj\tleave
1:\tcsrr\tx5, mcycle
\tandi\tx5, x5, 127
\taddi\tx5, x5, 20
\tli\tx6, MTIME
\tlw\tx7, 0(x6)
\tadd\tx7, x7, x5
\tli\tx6, MTIMECMP
\tsw\tx7, 0(x6)
\tj\tleave
#endif
\tENV_END

\t.data
\t.align\t2
\t.space\t80
scratch:
{{words}}
\t.space\t{4 * WORDS_PER_PROGRAM}

\t.bss
\t.space\t{{signature}}
"""


class Generator:
    def __init__(self, seed):
        self.rnd = random.Random(seed)
        self.labels = 0
        self.busy = []  # registers a surrounding loop needs

    def label(self):
        self.labels += 1
        return f".L{self.labels}"

    def value(self):
        r = self.rnd
        kind = r.randrange(4)
        if kind == 0:
            return r.choice(INTERESTING)
        if kind == 1:
            return r.randrange(-2048, 2048) & 0xFFFFFFFF
        if kind == 2:
            return (1 << r.randrange(32)) - r.randrange(2)
        return r.getrandbits(32)

    def source(self):
        reg = self.rnd.choice([r for r in range(32) if r != 2])
        return f"x{reg}"

    def target(self, *avoid):
        """A destination; x0 now and then, never one of avoid or a loop counter."""
        r = self.rnd
        if r.random() < 0.03:
            return "x0"
        return r.choice([f"x{i}" for i in range(1, 32)
                         if i != 2 and f"x{i}" not in avoid and f"x{i}" not in self.busy])

    def pair(self):
        a = self.holder()
        return a, self.holder(a)

    def holder(self, *avoid):
        """A destination that keeps its value: not x0."""
        reg = self.target(*avoid)
        while reg == "x0":
            reg = self.target(*avoid)
        return reg

    # Snippets: each returns lines and leaves no address in any register.

    def alu_rr(self):
        return [f"{self.rnd.choice(RR_OPS)} {self.target()}, {self.source()}, {self.source()}"]

    def alu_ri(self):
        return [f"{self.rnd.choice(RI_OPS)} {self.target()}, {self.source()}, "
                f"{self.rnd.randrange(-2048, 2048)}"]

    def shift(self):
        return [f"{self.rnd.choice(SHIFT_OPS)} {self.target()}, {self.source()}, "
                f"{self.rnd.randrange(32)}"]

    def lui(self):
        return [f"lui {self.target()}, {self.rnd.getrandbits(20)}"]

    def constant(self):
        return [f"li {self.holder()}, {self.value()}"]

    def muldiv(self):
        return [f"{self.rnd.choice(MUL_OPS)} {self.target()}, {self.source()}, {self.source()}"]

    def load(self):
        op, size = self.rnd.choice(LOADS)
        return [f"{op} {self.target()}, {self.rnd.randrange(0, SCRATCH_BYTES, size)}(x2)"]

    def store(self):
        op, size = self.rnd.choice(STORES)
        return [f"{op} {self.source()}, {self.rnd.randrange(0, SCRATCH_BYTES, size)}(x2)"]

    def indirect(self):
        r = self.rnd
        base = self.holder()
        if r.random() < 0.5:
            op, size = r.choice(LOADS)
            data = self.target(base)
        else:
            op, size = r.choice(STORES)
            data = self.source()
            while data == base:
                data = self.source()
        offset = r.randrange(-2047, 2048)
        return [f"andi {base}, {self.source()}, {256 - size}", f"add {base}, {base}, x2",
                f"addi {base}, {base}, {-offset}", f"{op} {data}, {offset}({base})",
                f"li {base}, {self.value()}"]

    def csr(self):
        r = self.rnd
        op = r.choice(["csrrw", "csrrs", "csrrc"])
        if r.random() < 0.5:
            return [f"{op}i {self.target()}, mscratch, {r.randrange(32)}"]
        return [f"{op} {self.target()}, mscratch, {self.source()}"]

    def fence(self):
        return [self.rnd.choice(["fence", "fence.i"])]

    def auipc(self):
        a, b = self.pair()
        r = self.rnd
        return [f"auipc {a}, {r.getrandbits(20)}", f"auipc {b}, {r.getrandbits(20)}",
                f"sub {a}, {a}, {b}", f"li {b}, {self.value()}"]

    def jal(self):
        a, b = self.pair()
        end = self.label()
        return [f"jal {a}, {end}"] + self.alu_rr() * self.rnd.randrange(1, 4) + \
            [f"{end}: auipc {b}, 0", f"sub {a}, {a}, {b}", f"li {b}, {self.value()}"]

    def jalr(self):
        a, b = self.pair()
        r = self.rnd
        end = self.label()
        offset = r.randrange(-2047, 2048)
        link = b if r.random() < 0.3 else a  # link and base the same register
        # An odd target loses bit 0.
        lines = [f"la {b}, {end} + {r.randrange(2)}", f"addi {b}, {b}, {-offset}",
                 f"jalr {link}, {offset}({b})"]
        lines += self.muldiv() * r.randrange(1, 4)
        lines += [f"{end}: auipc {a if link == b else b}, 0"]
        other = a if link == b else b
        return lines + [f"sub {link}, {link}, {other}", f"li {other}, {self.value()}"]

    def trap(self):
        r = self.rnd
        kind = r.randrange(6)
        if kind == 0:
            return ["ecall"]
        if kind == 1:
            return ["ebreak"]
        if kind == 2:
            return [f".word {r.choice(ILLEGAL):#x}"]
        if kind == 3:
            base = self.holder()
            op, size = r.choice(LOADS + STORES)
            return [f"li {base}, NOWHERE",
                    f"{op} {base}, {r.randrange(-2048, 2048, size)}({base})"]
        # Misaligned targets: taken or not, the next instruction follows.
        end = self.label()
        if kind == 4:
            return [f"{r.choice(BRANCHES)} {self.source()}, {self.source()}, {end} + 2", f"{end}:"]
        return [f"jal {self.target()}, {end} + 2", f"{end}:"]

    def loop(self, depth):
        counter = self.holder()
        top = self.label()
        lines = [f"li {counter}, {self.rnd.randrange(2, 6)}", f"{top}:"]
        self.busy.append(counter)
        for _ in range(self.rnd.randrange(1, 5)):
            lines += self.snippet(depth + 1)
        self.busy.pop()
        return lines + [f"addi {counter}, {counter}, -1", f"bnez {counter}, {top}"]

    def snippet(self, depth=0):
        kinds = [(self.alu_rr, 12), (self.alu_ri, 10), (self.shift, 4), (self.lui, 2),
                 (self.constant, 3), (self.muldiv, 7), (self.load, 7), (self.store, 6),
                 (self.indirect, 3), (self.csr, 2), (self.fence, 1), (self.auipc, 1),
                 (self.jal, 2), (self.jalr, 2), (self.trap, 2)]
        if depth < 2:
            kinds.append((lambda: self.loop(depth), 2))
        return self.rnd.choices([k for k, _ in kinds], [w for _, w in kinds])[0]()

    def program(self, snippets):
        lines = [f"li x{i}, {self.value()}" for i in range(1, 32) if i != 2]
        names = [self.label() for _ in range(snippets + 1)]
        for i in range(snippets):
            lines.append(f"{names[i]}:")
            if self.rnd.random() < 0.15:
                to = self.rnd.randrange(i + 1, min(i + 8, snippets + 1))
                lines.append(f"{self.rnd.choice(BRANCHES)} {self.source()}, {self.source()}, "
                             f"{names[to]}")
            else:
                lines += self.snippet()
        lines += [f"{names[snippets]}:", f"sw x1, {DUMP + 4}(x2)", "jal x1, save"]
        return lines


def image(seed, programs, snippets):
    gen = Generator(seed)
    text = [FRAME_START]
    for i in range(programs):
        text.append(f"\n/* program {i} */\n")
        for line in gen.program(snippets):
            text.append(line + "\n" if line.endswith(":") else f"\t{line}\n")
    stores = "\n".join(f"\tsw\tx{i}, {DUMP + 4 * i}(x2)" for i in range(3, 32))
    words = "\n".join(f"\t.word\t{gen.rnd.getrandbits(32):#010x}"
                      for _ in range(SCRATCH_BYTES // 4))
    text.append(FRAME_END.format(stores=stores, words=words,
                                 signature=4 * WORDS_PER_PROGRAM * programs))
    return "".join(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, help="chosen at random without; printed either way")
    parser.add_argument("--programs", type=int, default=56)
    parser.add_argument("--snippets", type=int, default=60)
    parser.add_argument("output")
    args = parser.parse_args()
    seed = args.seed if args.seed is not None else random.SystemRandom().getrandbits(31)
    print(f"{args.output}: seed {seed}, {args.programs} programs")
    with open(args.output, "w", encoding="ascii") as f:
        f.write(image(seed, args.programs, args.snippets))


if __name__ == "__main__":
    main()
