// SPDX-License-Identifier: MIT
/* prim_fdt, prim_mask_info and the DPI body of prim_sram. */
#include "prim_dpi_mem.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "prim_dpi_chip.h"

struct chip_mem {
	struct ig1_dpi_mem mem;
	uint8_t *sram;
};

static struct chip_mem chips[IG1_DPI_CHIPS];

int ig1_dpi_mem_set(unsigned int chip, const struct ig1_dpi_mem *mem)
{
	void *sram = NULL;

	if (chip >= IG1_DPI_CHIPS)
		return -EINVAL;
	/* mapped, so that pages nobody touches cost nothing */
	if (mem->sram_bytes) {
		sram = mmap(NULL, mem->sram_bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (sram == MAP_FAILED)
			return -ENOMEM;
	}
	ig1_dpi_mem_clear(chip);
	chips[chip] = (struct chip_mem){ *mem, sram };
	return 0;
}

void ig1_dpi_mem_clear(unsigned int chip)
{
	if (chip >= IG1_DPI_CHIPS)
		return;
	if (chips[chip].sram)
		munmap(chips[chip].sram, chips[chip].mem.sram_bytes);
	memset(&chips[chip], 0, sizeof(chips[chip]));
}

uint8_t *ig1_dpi_mem_sram(unsigned int chip)
{
	return chip < IG1_DPI_CHIPS ? chips[chip].sram : NULL;
}

uint32_t ig1_dpi_fdt_word(uint8_t chip, uint32_t addr)
{
	const struct ig1_dpi_mem *m = &chips[chip].mem;
	uint32_t word = 0;
	size_t n;

	if (addr < m->fdt_bytes) {
		n = m->fdt_bytes - addr;
		memcpy(&word, (const uint8_t *)m->fdt + addr, n < 4 ? n : 4);
	}
	return word;
}

uint64_t ig1_dpi_mask_bytes(uint8_t chip, uint32_t which)
{
	const struct ig1_dpi_mem *m = &chips[chip].mem;

	return which == 0 ? m->fdt_bytes : which == 1 ? m->rom_bytes : m->crom_bytes;
}

/* From addr to the end of its line, the rest of the bus zero. */
void ig1_dpi_sram_read(uint8_t chip, uint32_t addr, uint32_t line_bytes, uint32_t *data)
{
	const struct chip_mem *c = &chips[chip];
	uint32_t skip = addr & (line_bytes - 1);
	uint32_t n = line_bytes - skip;

	if (!c->sram || addr + (uint64_t)n > c->mem.sram_bytes)
		n = 0;
	else
		memcpy(data, c->sram + addr, n);
	memset((uint8_t *)data + n, 0, line_bytes - n);
}

void ig1_dpi_sram_write(uint8_t chip, uint32_t addr, uint32_t bytes, const uint32_t *data)
{
	const struct chip_mem *c = &chips[chip];

	if (c->sram && addr + (uint64_t)bytes <= c->mem.sram_bytes)
		memcpy(c->sram + addr, data, bytes);
}
