/* SPDX-License-Identifier: MIT */
/* Masks as the DPI bodies see them, and words of a data bus. */
#ifndef PRIM_DPI_MASK_H
#define PRIM_DPI_MASK_H

#include <stddef.h>
#include <stdint.h>

#define DPI_WORDS 32 /* of a data bus argument */

struct dpi_mask {
	const uint8_t *rom;
	size_t rom_bytes;
	const uint8_t *crom;
	size_t crom_bytes;
};

const struct dpi_mask *ig1_dpi_mask(uint8_t chip);

#endif
