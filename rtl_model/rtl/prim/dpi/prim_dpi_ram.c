// SPDX-License-Identifier: MIT
/* prim_scratch_ram: a byte memory per instance. Its end reads as zero and is not written. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "prim_dpi_mask.h"

struct dpi_ram {
	uint32_t bytes;
	uint32_t pad;
	uint8_t data[]; /* bytes, and a bus width of zeros */
};

void *ig1_dpi_ram_new(uint32_t bytes)
{
	struct dpi_ram *ram = calloc(1, sizeof(*ram) + (size_t)bytes + 4 * DPI_WORDS);

	if (!ram)
		abort();
	ram->bytes = bytes;
	return ram;
}

void ig1_dpi_ram_free(void *ram)
{
	free(ram);
}

void ig1_dpi_ram_read(void *handle, uint32_t addr, uint32_t words, uint32_t *data)
{
	struct dpi_ram *ram = handle;

	if (addr < ram->bytes)
		memcpy(data, ram->data + addr, 4 * (size_t)words);
	else
		memset(data, 0, 4 * (size_t)words);
}

void ig1_dpi_ram_write(void *handle, uint32_t addr, uint32_t mask, const uint32_t *data)
{
	struct dpi_ram *ram = handle;
	uint32_t n = 32, i;

	if (addr >= ram->bytes)
		return;
	if ((ram->bytes - addr) / 4 < n)
		n = (ram->bytes - addr) / 4;
	if (mask == UINT32_MAX && n == 32) {
		memcpy(ram->data + addr, data, 128);
		return;
	}
	for (i = 0; i < n; i++)
		if (mask >> i & 1)
			memcpy(ram->data + addr + 4 * i, &data[i], 4);
}
