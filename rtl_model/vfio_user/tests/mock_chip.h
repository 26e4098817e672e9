/* SPDX-License-Identifier: MIT */
/*
 * A chip for tests of everything around it: remembers its registers and copies memory. Registers
 * from MOCK_SRC on belong to the copier: GO starts it, 32 bytes every eight cycles, then STATUS
 * tells and the vector is raised. Host bus answers in order, as the real chip.
 */
#ifndef MOCK_CHIP_H
#define MOCK_CHIP_H

#include "chip.h"

#define MOCK_SRC    0x800u /* 64 bits */
#define MOCK_DST    0x808u
#define MOCK_BYTES  0x810u /* multiple of 32 */
#define MOCK_VECTOR 0x814u
#define MOCK_GO	    0x818u /* write: start; bit 1: again and again */
#define MOCK_STATUS 0x81cu /* 0 never, 1 busy, 2 done, 3 refused by the host */

extern const struct chip_ops mock_chip;

/* How many exist: none may be left when all is over. */
extern int mock_chips;
/* The next create() fails with this. */
extern int mock_chip_error;

#endif
