// SPDX-License-Identifier: MIT
/* hw.h on the host. Local addresses are offsets from an anchor: all of it is static data. */
#include "mock.h"

#include <string.h>

#include "../hw.h"
#include "../log.h"
#include "../queue.h"
#include "../sched.h"
#include "../telemetry.h"

struct chip mock_chip;
uint32_t mock_spare[MOCK_SPARE_WORDS];
uint32_t mock_spare_words;
volatile uint32_t *mock_spare_at;

uint64_t mock_cycle;

static uint8_t *local(void *ctx, uint32_t addr, uint32_t bytes)
{
	(void)bytes;
	return (uint8_t *)ctx + (int32_t)addr;
}

void mock_reset(void)
{
	chip_init(&mock_chip);
	mock_chip.local = local;
	mock_chip.local_ctx = &mock_spare;
	mock_spare_words = MOCK_SPARE_WORDS;
	mock_spare_at = mock_spare;
	log_reset();
	queue_reset();
	sched_reset();
	telemetry_reset();
}

uint32_t hw_read32(uint32_t reg)
{
	return chip_read(&mock_chip, reg);
}

void hw_write32(uint32_t reg, uint32_t value)
{
	chip_write(&mock_chip, reg, value);
}

uint32_t hw_local(const void *p)
{
	return (uint32_t)((const uint8_t *)p - (const uint8_t *)&mock_spare);
}

const volatile uint32_t *hw_fdt(void)
{
	return mock_chip.fdt;
}

volatile uint32_t *hw_spare(uint32_t *words)
{
	*words = mock_spare_words;
	return mock_spare_at;
}

uint64_t hw_cycle(void)
{
	return mock_cycle += 100;
}

void hw_wait(void)
{
}
