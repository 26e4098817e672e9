/* SPDX-License-Identifier: MIT */
/*
 * What a chip of the Verilated model has besides the masks of prim_dpi_chip.h: its device tree, the
 * sizes of everything, and the resident SRAM of the DPI body.
 *
 * Not locked: set before the model's first evaluation, cleared after its last.
 */
#ifndef PRIM_DPI_MEM_H
#define PRIM_DPI_MEM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ig1_dpi_mem {
	const void *fdt; /* the caller's, kept while the chip exists */
	size_t fdt_bytes;
	uint64_t rom_bytes;
	uint64_t crom_bytes;
	uint64_t sram_bytes; /* a multiple of 4096; 0: none */
};

/* 0, -EINVAL (chip number), -ENOMEM. The SRAM starts as zeros. */
int ig1_dpi_mem_set(unsigned int chip, const struct ig1_dpi_mem *mem);
void ig1_dpi_mem_clear(unsigned int chip);
/* NULL without one. */
uint8_t *ig1_dpi_mem_sram(unsigned int chip);

#ifdef __cplusplus
}
#endif

#endif
