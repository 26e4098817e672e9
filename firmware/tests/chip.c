// SPDX-License-Identifier: MIT
/* Registers, copy engine and sequencer of the model. */
#include "chip.h"

#include <stdio.h>
#include <string.h>

static void breach(struct chip *c, const char *what, uint32_t reg)
{
	if (!c->breaches++)
		snprintf(c->breach, sizeof(c->breach), "%s: register 0x%03x", what, reg);
}

static void note(struct chip *c, enum chip_event event, uint64_t a, uint64_t b)
{
	if (c->n_journal < CHIP_JOURNAL)
		c->journal[c->n_journal++] = (struct chip_record){ event, a, b };
}

void chip_init(struct chip *c)
{
	uint32_t i;

	memset(c, 0, sizeof(*c));
	c->copy_delay = 3;
	c->abort_delay = 5;
	for (i = 0; i < CHIP_ROM_BYTES / 4; i++)
		c->rom[i] = i * 0x9e3779b1u + 7;
	memset(c->sram, 0xa5, sizeof(c->sram));
}

uint32_t chip_rom_check(const struct chip *c)
{
	uint32_t sum = 0, i;

	for (i = 0; i < 4096 && i < CHIP_ROM_BYTES / 4; i++)
		sum += c->rom[i];
	return sum;
}

void *chip_host(struct chip *c, uint64_t bus, uint64_t bytes)
{
	uint64_t at = bus - CHIP_HOST_BASE;

	if (bus < CHIP_HOST_BASE || at > CHIP_HOST_BYTES || bytes > CHIP_HOST_BYTES - at)
		return NULL;
	if (c->refuse_bytes && bus < c->refuse_at + c->refuse_bytes && c->refuse_at < bus + bytes)
		return NULL;
	return c->host + at;
}

int chip_irq(const struct chip *c)
{
	return (c->pending & c->mask) != 0;
}

void chip_doorbell(struct chip *c, uint32_t queue, uint32_t tail)
{
	c->bell[queue] = tail;
	c->bell_mask |= 1u << queue;
	c->pending |= IG1_MCU_IRQ_PENDING_DOORBELL;
}

void chip_mbox(struct chip *c, uint32_t cmd, uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3)
{
	c->mbox_cmd = cmd;
	c->mbox_seq++;
	c->mbox_arg[0] = a0;
	c->mbox_arg[1] = a1;
	c->mbox_arg[2] = a2;
	c->mbox_arg[3] = a3;
	c->pending |= IG1_MCU_IRQ_PENDING_MBOX;
}

uint64_t chip_counter(uint32_t n, uint32_t i)
{
	return (n + 1) * 0x100000003ull * (i + 1);
}

void chip_finish(struct chip *c, uint32_t fault, uint64_t addr, uint32_t index, uint32_t n)
{
	uint32_t i;

	if (!c->busy)
		breach(c, "test finishes no job", 0);
	c->busy = 0;
	c->abort_left = 0;
	c->fault = fault;
	c->fault_addr = addr;
	c->fault_index = index;
	c->emitted = n + 1;
	c->traced = n + 2;
	for (i = 0; i < IG1_CTR_COUNT; i++)
		c->counters[i] = chip_counter(n, i);
	c->pending |= IG1_MCU_IRQ_PENDING_JOB;
}

static void copy_end(struct chip *c)
{
	uint64_t host = c->copy[0] | (uint64_t)c->copy[1] << 32;
	uint32_t local = c->copy[2], bytes = c->copy[3];
	uint8_t *mem, *sram;

	c->pending |= IG1_MCU_IRQ_PENDING_COPY;
	c->copy_error = 1;
	if (c->ring_tail) {
		chip_doorbell(c, c->ring_queue, c->ring_tail);
		c->ring_tail = 0;
	}
	if (c->copy[4] == 3) {
		if (host > CHIP_SRAM_BYTES || bytes > CHIP_SRAM_BYTES - host)
			return;
		note(c, CHIP_ZERO, host, bytes);
		memset(c->sram + host, 0, bytes);
		c->copy_error = 0;
		return;
	}
	note(c, c->copy[4] == 1 ? CHIP_READ : CHIP_WRITE, host, bytes);
	mem = chip_host(c, host, bytes);
	sram = c->local(c->local_ctx, local, bytes);
	if (!sram)
		breach(c, "copy outside the MCU's SRAM", IG1_MCU_COPY_LOCAL);
	if (!mem || !sram)
		return;
	if (c->copy[4] == 1)
		memcpy(sram, mem, bytes);
	else
		memcpy(mem, sram, bytes);
	c->copy_error = 0;
}

static uint32_t copy_status(struct chip *c)
{
	if (c->copy_left) {
		if (--c->copy_left)
			return IG1_MCU_COPY_STATUS_BUSY;
		copy_end(c);
	}
	return c->copy_error ? IG1_MCU_COPY_STATUS_ERROR : 0;
}

static uint32_t seq_status(struct chip *c)
{
	uint32_t i;

	if (c->busy && c->abort_left && !--c->abort_left) {
		chip_finish(c, IG1_FAULT_ABORT, 0, 77, 0);
		for (i = 0; i < IG1_CTR_COUNT; i++)
			c->counters[i] = 1;
		c->emitted = 0;
		c->traced = 0;
	}
	return (c->busy ? IG1_MCU_SEQ_STATUS_BUSY : 0) | (c->fault ? IG1_MCU_SEQ_STATUS_FAULT : 0);
}

static uint32_t *sram_word(struct chip *c, uint32_t reg)
{
	uint32_t at = c->sram_at & ~c->sram_alias;

	c->sram_at += 4;
	if (at % 4 || at > CHIP_SRAM_BYTES - 4) {
		breach(c, "resident SRAM test address", reg);
		return NULL;
	}
	return (uint32_t *)(void *)(c->sram + at);
}

static uint32_t word_of(const uint64_t *v, uint32_t i)
{
	return (uint32_t)(v[i / 2] >> (i % 2 * 32));
}

uint32_t chip_read(struct chip *c, uint32_t reg)
{
	uint32_t *p;

	if (reg >= IG1_MCU_DOORBELL(0) && reg < IG1_MCU_DOORBELL(IG1_QUEUES))
		return c->bell[(reg - IG1_MCU_DOORBELL(0)) / 4];
	if (reg >= IG1_MCU_COUNTERS(0) && reg < IG1_MCU_COUNTERS(IG1_MCU_COUNTERS_COUNT)) {
		/* The others may change while the two words of one are read. */
		if (c->busy && reg != IG1_MCU_COUNTERS(2 * IG1_CTR_COMMANDS))
			breach(c, "counters of a running job", reg);
		return word_of(c->counters, (reg - IG1_MCU_COUNTERS(0)) / 4);
	}
	switch (reg) {
	case IG1_MCU_IRQ_PENDING:
		return c->pending;
	case IG1_MCU_IRQ_MASK:
		return c->mask;
	case IG1_MCU_FW_STATE:
	case IG1_MCU_FW_ERROR:
	case IG1_MCU_FW_ABI:
	case IG1_MCU_FW_VERSION:
		return c->fw[(reg - IG1_MCU_FW_STATE) / 4];
	case IG1_MCU_MBOX_CMD:
		return c->mbox_cmd;
	case IG1_MCU_MBOX_SEQ:
		return c->mbox_seq;
	case IG1_MCU_MBOX_ARG(0):
	case IG1_MCU_MBOX_ARG(1):
	case IG1_MCU_MBOX_ARG(2):
	case IG1_MCU_MBOX_ARG(3):
		return c->mbox_arg[(reg - IG1_MCU_MBOX_ARG(0)) / 4];
	case IG1_MCU_DOORBELL_MASK:
		return c->bell_mask;
	case IG1_MCU_COPY_STATUS:
		return copy_status(c);
	case IG1_MCU_SEQ_STATUS:
		return seq_status(c);
	case IG1_MCU_SEQ_FAULT:
		return c->fault;
	case IG1_MCU_SEQ_FAULT_ADDR(0):
	case IG1_MCU_SEQ_FAULT_ADDR(1):
		return word_of(&c->fault_addr, (reg - IG1_MCU_SEQ_FAULT_ADDR(0)) / 4);
	case IG1_MCU_SEQ_FAULT_INDEX:
		return c->fault_index;
	case IG1_MCU_SEQ_EMITTED:
		return c->emitted;
	case IG1_MCU_SEQ_TRACED:
		return c->traced;
	case IG1_MCU_FDT_SIZE:
		return c->fdt_size;
	case IG1_MCU_ROM_TEST_DATA:
		c->rom_at += 4;
		return c->rom_at <= CHIP_ROM_BYTES ? c->rom[c->rom_at / 4 - 1] : 0;
	case IG1_MCU_SRAM_TEST_DATA:
		p = sram_word(c, reg);
		return p ? *p | c->sram_stuck : 0;
	default:
		breach(c, "read", reg);
		return 0;
	}
}

static void write_copy(struct chip *c, uint32_t reg, uint32_t value)
{
	uint32_t i = (reg - IG1_MCU_COPY_HOST(0)) / 4;

	if (c->copy_left)
		breach(c, "copy engine is busy", reg);
	c->copy[i] = value;
	if (reg != IG1_MCU_COPY_GO)
		return;
	if (value < 1 || value > 3 || c->copy[0] % 4 || c->copy[2] % 4 || c->copy[3] % 4 ||
	    !c->copy[3])
		breach(c, "copy parameters", reg);
	c->copy_left = c->copy_delay + 1;
}

static void write_go(struct chip *c, uint32_t value)
{
	if (c->busy || !(value & 1) || value > 3)
		breach(c, "launch", IG1_MCU_SEQ_GO);
	memcpy(c->live, c->seq, sizeof(c->live));
	note(c, CHIP_LAUNCH, c->live[2] | (uint64_t)c->live[3] << 32, value);
	c->busy = 1;
	c->fault = 0;
	memset(c->counters, 0, sizeof(c->counters));
}

void chip_write(struct chip *c, uint32_t reg, uint32_t value)
{
	uint32_t *p;

	if (reg >= IG1_MCU_COPY_HOST(0) && reg <= IG1_MCU_COPY_GO) {
		write_copy(c, reg, value);
		return;
	}
	if (reg >= IG1_MCU_SEQ_PT_ROOT(0) && reg < IG1_MCU_SEQ_GO) {
		if (reg == 0x22c || (reg >= 0x238 && reg < 0x240))
			breach(c, "job register", reg);
		c->seq[(reg - IG1_MCU_SEQ_PT_ROOT(0)) / 4] = value;
		return;
	}
	switch (reg) {
	case IG1_MCU_IRQ_PENDING:
		c->pending &= ~value;
		break;
	case IG1_MCU_IRQ_MASK:
		c->mask = value;
		break;
	case IG1_MCU_HOST_IRQ:
		if (value >= IG1_VECTORS)
			breach(c, "vector", reg);
		note(c, CHIP_IRQ, value, 0);
		break;
	case IG1_MCU_FW_STATE:
	case IG1_MCU_FW_ERROR:
	case IG1_MCU_FW_ABI:
	case IG1_MCU_FW_VERSION:
		c->fw[(reg - IG1_MCU_FW_STATE) / 4] = value;
		break;
	case IG1_MCU_MBOX_DONE:
		c->mbox_done = value;
		note(c, CHIP_DONE, value, 0);
		break;
	case IG1_MCU_MBOX_RET:
		c->mbox_ret = value;
		break;
	case IG1_MCU_MBOX_VAL:
		c->mbox_val = value;
		break;
	case IG1_MCU_MBOX_OUT(0):
	case IG1_MCU_MBOX_OUT(1):
	case IG1_MCU_MBOX_OUT(2):
	case IG1_MCU_MBOX_OUT(3):
		c->mbox_out[(reg - IG1_MCU_MBOX_OUT(0)) / 4] = value;
		break;
	case IG1_MCU_DOORBELL_MASK:
		c->bell_mask &= ~value;
		break;
	case IG1_MCU_SEQ_GO:
		write_go(c, value);
		break;
	case IG1_MCU_SEQ_ABORT:
		note(c, CHIP_ABORT, c->busy, 0);
		if (c->busy)
			c->abort_left = c->abort_delay + 1;
		break;
	case IG1_MCU_ROM_TEST_ADDR(0):
	case IG1_MCU_ROM_TEST_ADDR(1):
		if (value % 4)
			breach(c, "ROM test address", reg);
		c->rom_at = reg == IG1_MCU_ROM_TEST_ADDR(0)
				    ? (c->rom_at & ~0xffffffffull) | value
				    : (uint64_t)value << 32 | (uint32_t)c->rom_at;
		break;
	case IG1_MCU_SRAM_TEST_ADDR:
		c->sram_at = value;
		break;
	case IG1_MCU_SRAM_TEST_DATA:
		p = sram_word(c, reg);
		if (p)
			*p = value;
		break;
	default:
		breach(c, "write", reg);
	}
}
