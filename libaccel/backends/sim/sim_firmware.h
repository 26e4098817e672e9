/* SPDX-License-Identifier: MIT */
/* The MCU's firmware file: the caller's, the environment's, or the one built into the library. */
#ifndef ACCEL_SIM_FIRMWARE_H
#define ACCEL_SIM_FIRMWARE_H

#include "core/env.h"
#include "ig1_chip.h"

struct sim_firmware {
	struct ig1_fw_header h;
	const uint8_t *image; /* h.image_bytes */
	uint8_t *file;	      /* owned, or NULL */
};

/* Generated from the firmware's file. */
extern const unsigned char sim_firmware_builtin[];
extern const size_t sim_firmware_builtin_bytes;

/* path NULL: ACCEL_FIRMWARE, else the built-in one. Checks header, size, checksum, ABI. */
int sim_firmware_load(struct accel_env *env, const char *path, struct sim_firmware *fw);
void sim_firmware_free(struct accel_env *env, struct sim_firmware *fw);

#endif
