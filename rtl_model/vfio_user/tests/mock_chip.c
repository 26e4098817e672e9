// SPDX-License-Identifier: MIT
/* A chip that copies. */
#include "mock_chip.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ig1_chip.h"

#define LINE   32u
#define CYCLES 8u

struct mock {
	struct ig1_bus bus;
	int (*finish)(void *ctx, void *dst, size_t n);
	uint32_t regs[IG1_BAR0_SIZE / 4];
	uint32_t irqs, done, wait;
	enum { IDLE, READ, READING, WRITE, WRITING } state;
	uint8_t line[LINE];
};

int mock_chips;
int mock_chip_error;

static int create(void *arg, const struct ig1_bus *bus,
		  int (*finish)(void *ctx, void *dst, size_t n), void **chip)
{
	struct mock *m;
	int err = mock_chip_error;

	(void)arg;
	mock_chip_error = 0;
	if (err)
		return err;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->bus = *bus;
	m->finish = finish;
	__atomic_add_fetch(&mock_chips, 1, __ATOMIC_RELAXED);
	*chip = m;
	return 0;
}

static void destroy(void *chip)
{
	__atomic_sub_fetch(&mock_chips, 1, __ATOMIC_RELAXED);
	free(chip);
}

static uint32_t read32(void *chip, uint32_t offset)
{
	struct mock *m = chip;

	return offset == IG1_BAR0_ID ? IG1_CHIP_ID : m->regs[offset / 4];
}

static void go(struct mock *m)
{
	m->regs[MOCK_STATUS / 4] = 1;
	m->done = 0;
	m->state = READ;
}

static void write32(void *chip, uint32_t offset, uint32_t value)
{
	struct mock *m = chip;

	m->regs[offset / 4] = value;
	if (offset == MOCK_GO && m->state == IDLE && m->regs[MOCK_BYTES / 4])
		go(m);
}

static uint64_t place(const struct mock *m, uint32_t reg)
{
	return (m->regs[reg / 4] | (uint64_t)m->regs[reg / 4 + 1] << 32) + m->done;
}

static void end(struct mock *m, uint32_t status)
{
	m->state = IDLE;
	m->regs[MOCK_STATUS / 4] = status;
	m->irqs |= 1u << m->regs[MOCK_VECTOR / 4] % IG1_VECTORS;
	if (status == 2 && m->regs[MOCK_GO / 4] & 2)
		go(m);
}

/* One access; false: its answer is not there yet. */
static bool advance(struct mock *m)
{
	int err;

	switch (m->state) {
	case READ:
		err = m->bus.read(m->bus.ctx, place(m, MOCK_SRC), m->line, LINE);
		m->state = READING;
		break;
	case READING:
		err = m->finish(m->bus.ctx, m->line, LINE);
		break;
	case WRITE:
		err = m->bus.write(m->bus.ctx, place(m, MOCK_DST), m->line, LINE);
		m->state = WRITING;
		break;
	default:
		err = m->finish(m->bus.ctx, NULL, LINE);
		break;
	}
	if (err == -EINPROGRESS)
		return false;
	if (err) {
		end(m, 3);
	} else if (m->state == READING) {
		m->state = WRITE;
	} else {
		m->state = READ;
		m->done += LINE;
		if (m->done >= m->regs[MOCK_BYTES / 4])
			end(m, 2);
	}
	return true;
}

static uint64_t run(void *chip, uint64_t n)
{
	struct mock *m = chip;
	uint64_t i;

	for (i = 0; i < n && m->state != IDLE && !m->irqs; i++) {
		if (++m->wait % CYCLES)
			continue;
		if (!advance(m))
			return i + 1;
	}
	return i;
}

static uint32_t irqs(void *chip)
{
	struct mock *m = chip;
	uint32_t v = m->irqs;

	m->irqs = 0;
	return v;
}

static int idle(void *chip)
{
	return ((struct mock *)chip)->state == IDLE;
}

const struct chip_ops mock_chip = {
	.create = create,
	.destroy = destroy,
	.read32 = read32,
	.write32 = write32,
	.run = run,
	.irqs = irqs,
	.idle = idle,
};
