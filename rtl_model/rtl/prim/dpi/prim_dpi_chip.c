// SPDX-License-Identifier: MIT
/* prim_crom, prim_rom_word, prim_rom_deq: access to the masks. */
#include "prim_dpi_chip.h"

#include <string.h>

#include "fp.h"
#include "kernels.h"
#include "prim_dpi_mask.h"

static struct dpi_mask masks[IG1_DPI_CHIPS];

void ig1_dpi_chip_set(unsigned int chip, const uint8_t *rom, size_t rom_bytes, const uint8_t *crom,
		      size_t crom_bytes)
{
	if (chip < IG1_DPI_CHIPS)
		masks[chip] = (struct dpi_mask){ rom, rom_bytes, crom, crom_bytes };
}

const struct dpi_mask *ig1_dpi_mask(uint8_t chip)
{
	return &masks[chip];
}

static void copy(void *dst, const uint8_t *mask, size_t mask_bytes, uint64_t addr, size_t n)
{
	size_t have = addr < mask_bytes ? mask_bytes - (size_t)addr : 0;

	if (have >= n) {
		memcpy(dst, mask + addr, n);
		return;
	}
	if (have)
		memcpy(dst, mask + addr, have);
	memset((uint8_t *)dst + have, 0, n - have);
}

void ig1_dpi_rom_word(uint8_t chip, uint64_t addr, uint32_t bytes, uint32_t *data)
{
	copy(data, masks[chip].rom, masks[chip].rom_bytes, addr, bytes);
}

void ig1_dpi_crom_read(uint8_t chip, uint32_t addr, uint32_t words, uint32_t *data)
{
	copy(data, masks[chip].crom, masks[chip].crom_bytes, addr, 4 * (size_t)words);
}

/* Elements first .. first + words - 1 of the block at addr. */
void ig1_dpi_rom_deq(uint8_t chip, uint64_t addr, uint8_t fmt, uint32_t first, uint32_t words,
		     uint32_t *data)
{
	uint32_t bytes = ig1_wfmt_block_bytes(fmt);
	uint8_t block[64]; /* of any format */
	struct ig1_fpenv env;
	float y[32];

	if (!bytes)
		return;
	copy(block, masks[chip].rom, masks[chip].rom_bytes, addr, bytes);
	env = ig1_fp_enter();
	ig1_kernels()->dequant[fmt](y, block, 1);
	ig1_fp_leave(env);
	memcpy(data, y + first, 4 * (size_t)words);
}
