/* SPDX-License-Identifier: MIT */
/* An .accel file as a chip's mask: ROM contents, device tree, and what it says about the chip. */
#ifndef VFIO_USER_MASK_H
#define VFIO_USER_MASK_H

#include <stddef.h>
#include <stdint.h>

#include "ref.h" /* struct ig1_mask */

#define MASK_ERR 256

struct ig1_image;

struct mask_file {
	struct ig1_image *image; /* holds everything that is pointed to */
	struct ig1_mask mask;
	const void *fdt;
	size_t fdt_bytes;
	char config[64];
	uint8_t id[32];
};

/*
 * Opens and checks the file. 0; -EINVAL: not a mask, err says what is wrong; or what open(2) gave.
 * Closed with mask_close(), also after an error.
 */
int mask_open(struct mask_file *m, const char *path, char err[MASK_ERR]);
void mask_close(struct mask_file *m);

/* Device serial number: the first eight bytes of the mask's id, the first of them on top. */
uint64_t mask_serial(const struct mask_file *m);

#endif
