// SPDX-License-Identifier: MIT
/*
 * Command stream: the reference model runs whatever bytes it is given as a program and must end with a
 * fault or without one, inside its own memories. A few pages are mapped, read-only ones among them.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "rtl_model/ref/tests/rig.h"

#define ROM_BYTES (64 * 34 * 4)
#define DATA_VA	  UINT64_C(0x40000000)

static struct rig rig;
static uint8_t rom[ROM_BYTES];
static float crom[16384];

static int start(void)
{
	size_t i;

	for (i = 0; i < sizeof(rom); i++)
		rom[i] = (uint8_t)(i * 37 + (i >> 5));
	for (i = 0; i < 16384; i++)
		crom[i] = (float)(i % 512) / 64 - 4;
	if (rig_open(&rig, "small", rom, sizeof(rom), crom, sizeof(crom)))
		return -1;
	for (i = 0; i < 16; i++)
		rig_map(&rig, DATA_VA + 4096 * i, 4096 * i, IG1_PTE_SRAM | IG1_PTE_WRITE);
	rig_map(&rig, DATA_VA + 4096 * 16, rig_page(&rig), 0);
	rig_map(&rig, DATA_VA + 4096 * 17, rig_page(&rig), IG1_PTE_WRITE);
	rig.job.nargs = 8;
	for (i = 0; i < 8; i++)
		rig.job.args[i] =
			(uint64_t[]){ DATA_VA, 1, 32, 0x1000, 3, 64, UINT64_MAX, 1u << 20 }[i];
	rig.job.watchdog = 4096 * 200;
	return 0;
}

/* How the last program ended, for the deterministic test that drives this entry. */
const struct ig1_completion *fuzz_program_done(void);

const struct ig1_completion *fuzz_program_done(void)
{
	return &rig.done;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int state;
	size_t n;

	if (!state)
		state = start() ? -1 : 1;
	if (state < 0)
		return 0;
	rig_reset(&rig);
	for (n = 0; n + IG1_COMMAND_BYTES <= size && rig.len < 64; n += IG1_COMMAND_BYTES)
		memcpy(rig_cmd(&rig), data + n, IG1_COMMAND_BYTES);
	if (!rig.len)
		return 0;
	rig_run(&rig);
	return 0;
}
