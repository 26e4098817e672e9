/* SPDX-License-Identifier: MIT */
/* The chip's device tree: parameters of the chip, its mask and its model. */
#ifndef ACCEL_CHIPFDT_H
#define ACCEL_CHIPFDT_H

#include "env.h"
#include "ig1_chip.h"

#define CHIPFDT_STRING 64

struct chipfdt {
	uint32_t spec;
	struct ig1_config cfg; /* cfg.name points to config */
	char config[CHIPFDT_STRING];
	uint8_t mask_id[32];
	char name[CHIPFDT_STRING], arch[CHIPFDT_STRING], format[CHIPFDT_STRING];
	uint32_t layers, width, vocab, context, heads, kv_heads, head_size;
};

/* Reads and checks a blob. ACCEL_EFORMAT, with the property in the detail. `out` must not move
 * afterwards. */
int chipfdt_read(struct accel_env *env, const void *fdt, size_t bytes, struct chipfdt *out);

#endif
