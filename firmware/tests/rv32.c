// SPDX-License-Identifier: MIT
/* RV32IM, unprivileged specification 20191213, privileged 1.12. */
#include "rv32.h"

#include <string.h>

enum cause {
	FETCH_FAULT = 1,
	ILLEGAL = 2,
	BREAKPOINT = 3,
	LOAD_MISALIGNED = 4,
	LOAD_FAULT = 5,
	STORE_MISALIGNED = 6,
	STORE_FAULT = 7,
	ECALL = 11,
};

#define MEIE 0x800u

static uint8_t *local(void *ctx, uint32_t addr, uint32_t bytes)
{
	struct rv32 *cpu = ctx;

	if (addr > IG1_MCU_SRAM_BYTES || bytes > IG1_MCU_SRAM_BYTES - addr)
		return NULL;
	return cpu->mem + addr;
}

void rv32_reset(struct rv32 *cpu, struct chip *chip)
{
	memset(cpu, 0, sizeof(*cpu));
	cpu->chip = chip;
	cpu->low_sp = ~0u;
	chip->local = local;
	chip->local_ctx = cpu;
}

static void trap(struct rv32 *cpu, uint32_t cause, uint32_t value)
{
	cpu->mepc = cpu->pc;
	cpu->mcause = cause;
	cpu->mtval = value;
	cpu->pc = cpu->mtvec;
	cpu->traps++;
	cpu->cycle += 2;
}

static uint32_t *csr(struct rv32 *cpu, uint32_t n, uint32_t *scrap)
{
	switch (n) {
	case 0x300:
		return &cpu->mstatus;
	case 0x304:
		return &cpu->mie;
	case 0x305:
		return &cpu->mtvec;
	case 0x340:
		return &cpu->mscratch;
	case 0x341:
		return &cpu->mepc;
	case 0x342:
		return &cpu->mcause;
	case 0x343:
		return &cpu->mtval;
	case 0x344:
		*scrap = chip_irq(cpu->chip) ? MEIE : 0;
		return scrap;
	case 0xb00:
		*scrap = (uint32_t)cpu->cycle;
		return scrap;
	case 0xb80:
		*scrap = (uint32_t)(cpu->cycle >> 32);
		return scrap;
	case 0xb02:
		*scrap = (uint32_t)cpu->instret;
		return scrap;
	default:
		return NULL;
	}
}

/* Access of 1, 2 or 4 bytes; 0, or a cause + 1. */
static int load(struct rv32 *cpu, uint32_t at, uint32_t n, uint32_t *v)
{
	*v = 0;
	if (at % n)
		return LOAD_MISALIGNED + 1;
	if (at < IG1_MCU_SRAM_BYTES) {
		memcpy(v, cpu->mem + at, n);
		return 0;
	}
	if (n != 4)
		return LOAD_FAULT + 1;
	if (at >= IG1_MCU_BASE && at < IG1_MCU_BASE + IG1_MCU_SIZE) {
		*v = chip_read(cpu->chip, at - IG1_MCU_BASE);
		return 0;
	}
	if (at >= IG1_MCU_FDT_WINDOW && at < IG1_MCU_FDT_WINDOW + IG1_FDT_WINDOW_BYTES) {
		*v = cpu->chip->fdt[(at - IG1_MCU_FDT_WINDOW) / 4];
		return 0;
	}
	return LOAD_FAULT + 1;
}

static int store(struct rv32 *cpu, uint32_t at, uint32_t n, uint32_t v)
{
	if (at % n)
		return STORE_MISALIGNED + 1;
	if (at < IG1_MCU_SRAM_BYTES) {
		memcpy(cpu->mem + at, &v, n);
		return 0;
	}
	if (n != 4 || at < IG1_MCU_BASE || at >= IG1_MCU_BASE + IG1_MCU_SIZE)
		return STORE_FAULT + 1;
	at -= IG1_MCU_BASE;
	cpu->written_instret[at / 4] = cpu->instret;
	cpu->written_cycle[at / 4] = cpu->cycle;
	chip_write(cpu->chip, at, v);
	return 0;
}

static uint32_t alu(uint32_t op, int alternate, uint32_t a, uint32_t b)
{
	switch (op) {
	case 0:
		return alternate ? a - b : a + b;
	case 1:
		return a << (b & 31);
	case 2:
		return (int32_t)a < (int32_t)b;
	case 3:
		return a < b;
	case 4:
		return a ^ b;
	case 5:
		return alternate ? (uint32_t)((int32_t)a >> (b & 31)) : a >> (b & 31);
	case 6:
		return a | b;
	default:
		return a & b;
	}
}

static uint32_t muldiv(uint32_t op, uint32_t a, uint32_t b)
{
	int32_t sa = (int32_t)a, sb = (int32_t)b;

	switch (op) {
	case 0:
		return a * b;
	case 1:
		return (uint32_t)((int64_t)sa * sb >> 32);
	case 2:
		return (uint32_t)((int64_t)sa * b >> 32);
	case 3:
		return (uint32_t)((uint64_t)a * b >> 32);
	case 4:
		return !b ? ~0u : a == 0x80000000 && b == ~0u ? a : (uint32_t)(sa / sb);
	case 5:
		return b ? a / b : ~0u;
	case 6:
		return !b ? a : a == 0x80000000 && b == ~0u ? 0 : (uint32_t)(sa % sb);
	default:
		return b ? a % b : a;
	}
}

static int branch_taken(uint32_t op, uint32_t a, uint32_t b)
{
	int r = op >= 6 ? a < b : op >= 4 ? (int32_t)a < (int32_t)b : a == b;

	return r ^ (int)(op & 1);
}

/* mret is not used by the firmware and traps. */
static int system_op(struct rv32 *cpu, uint32_t w, uint32_t f3, uint32_t *result)
{
	uint32_t n = w >> 20, rs1 = w >> 15 & 31, src = f3 & 4 ? rs1 : cpu->x[rs1], scrap, *r;

	if (!f3) {
		if (w == 0x00000073)
			return ECALL + 1;
		if (w == 0x00100073)
			return BREAKPOINT + 1;
		if (w != 0x10500073)
			return ILLEGAL + 1;
		cpu->asleep = !((cpu->mie & MEIE) && chip_irq(cpu->chip));
		cpu->cycle++;
		return 0;
	}
	r = csr(cpu, n, &scrap);
	if (!r || f3 == 4)
		return ILLEGAL + 1;
	*result = *r;
	if ((f3 & 3) == 1)
		*r = src;
	else if ((f3 & 3) == 2)
		*r |= src;
	else
		*r &= ~src;
	return 0;
}

static void step(struct rv32 *cpu)
{
	uint32_t w, op, rd, f3, f7, a, b, i, next = cpu->pc + 4, v = 0, at, n;
	int err = 0, write = 1;

	if (cpu->pc % 4 || cpu->pc >= IG1_MCU_SRAM_BYTES) {
		trap(cpu, FETCH_FAULT, cpu->pc);
		return;
	}
	memcpy(&w, cpu->mem + cpu->pc, 4);
	op = w & 127;
	rd = w >> 7 & 31;
	f3 = w >> 12 & 7;
	f7 = w >> 25;
	a = cpu->x[w >> 15 & 31];
	b = cpu->x[w >> 20 & 31];
	i = (uint32_t)((int32_t)w >> 20);
	cpu->cycle++;
	switch (op) {
	case 0x37:
		v = w & 0xfffff000;
		break;
	case 0x17:
		v = cpu->pc + (w & 0xfffff000);
		break;
	case 0x6f:
		v = next;
		next = cpu->pc + ((uint32_t)((int32_t)(w & 0x80000000) >> 11) | (w & 0xff000) |
				  (w >> 9 & 0x800) | (w >> 20 & 0x7fe));
		cpu->cycle++;
		break;
	case 0x67:
		v = next;
		next = (a + i) & ~1u;
		cpu->cycle++;
		break;
	case 0x63:
		write = 0;
		if (f3 == 2 || f3 == 3) {
			err = ILLEGAL + 1;
		} else if (branch_taken(f3, a, b)) {
			next = cpu->pc + ((uint32_t)((int32_t)(w & 0x80000000) >> 19) |
					  (w << 4 & 0x800) | (w >> 20 & 0x7e0) | (w >> 7 & 0x1e));
			cpu->cycle++;
		}
		break;
	case 0x03:
		n = 1u << (f3 & 3);
		if (f3 == 3 || f3 > 5) {
			err = ILLEGAL + 1;
			break;
		}
		err = load(cpu, a + i, n, &v);
		cpu->cycle += 2;
		if (f3 < 2)
			v = (uint32_t)((int32_t)(v << (32 - 8 * n)) >> (32 - 8 * n));
		break;
	case 0x23:
		write = 0;
		at = a + ((i & ~31u) | rd);
		err = f3 > 2 ? ILLEGAL + 1 : store(cpu, at, 1u << f3, b);
		cpu->cycle += 2;
		break;
	case 0x13:
		if ((f3 == 1 && f7) || (f3 == 5 && (f7 & ~0x20u)))
			err = ILLEGAL + 1;
		v = alu(f3, f3 == 5 && f7, a, i);
		break;
	case 0x33:
		if (f7 == 1) {
			v = muldiv(f3, a, b);
			cpu->cycle += f3 < 4 ? 2 : 33;
		} else {
			if (f7 & ~0x20u || (f7 && f3 != 0 && f3 != 5))
				err = ILLEGAL + 1;
			v = alu(f3, f7 != 0, a, b);
		}
		break;
	case 0x0f:
		write = 0;
		break;
	case 0x73:
		write = f3 != 0;
		err = system_op(cpu, w, f3, &v);
		break;
	default:
		err = ILLEGAL + 1;
	}
	if (err) {
		trap(cpu, (uint32_t)err - 1, err == ILLEGAL + 1 ? w : 0);
		return;
	}
	cpu->instret++;
	if (write && rd)
		cpu->x[rd] = v;
	if (rd == 2 && write && v < cpu->low_sp && v >= IG1_MCU_SRAM_BYTES / 2)
		cpu->low_sp = v;
	cpu->pc = next;
}

int rv32_run(struct rv32 *cpu, uint64_t limit)
{
	cpu->asleep = 0;
	while (limit--) {
		step(cpu);
		if (cpu->asleep)
			return 0;
	}
	return -1;
}
