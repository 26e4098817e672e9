/* SPDX-License-Identifier: MIT */
/* Steps of the boot, apart for tests. Each returns IG1_FW_ERROR_*. */
#ifndef FW_BOOT_H
#define FW_BOOT_H

#include <stdint.h>

#include "dtree.h"

uint32_t boot_test_spare(void);
uint32_t boot_read_tree(uint32_t *rom_check);
uint32_t boot_test_rom(uint32_t check);
uint32_t boot_test_sram(void);

#endif
