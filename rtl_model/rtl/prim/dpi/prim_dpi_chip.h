/* SPDX-License-Identifier: MIT */
/*
 * Mask contents behind the Verilated model. A leaf names its chip by the number at the model's
 * chip_i; several models may share a number if they share the masks.
 *
 * Ownership: the caller keeps both masks for as long as models with this number run; sizes in
 * bytes; reads beyond a mask give zeros. Not locked: set before the model's first evaluation.
 */
#ifndef PRIM_DPI_CHIP_H
#define PRIM_DPI_CHIP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define IG1_DPI_CHIPS 256

/* Numbers from IG1_DPI_CHIPS on are ignored; NULL and 0 take a mask away. */
void ig1_dpi_chip_set(unsigned int chip, const uint8_t *rom, size_t rom_bytes, const uint8_t *crom,
		      size_t crom_bytes);

#ifdef __cplusplus
}
#endif

#endif
