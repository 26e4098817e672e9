/* SPDX-License-Identifier: MIT */
/*
 * A .accel file as libaccel uses it: mapped, checked by the image reader, its parts by pointer.
 * Immutable and reference-counted; any thread.
 */
#ifndef ACCEL_ACCELFILE_H
#define ACCEL_ACCELFILE_H

#include "env.h"
#include "ig1_chip.h"

struct accelfile_part {
	const uint8_t *p; /* NULL: the file has none */
	size_t n;
};

struct accelfile {
	unsigned int refs; /* atomic */
	struct accel_env *env;
	char *path;
	struct ig1_image *image;
	struct ig1_image_manifest manifest;
	char arch[17], name[65]; /* of the manifest, terminated */
	uint8_t mask_id[32];
	struct accelfile_part rom, crom, fdt, tokenizer, chat_template;
	struct accelfile_part program[IG1_PROGS]; /* bytes */
};

/* ACCEL_EIO, ACCEL_EFORMAT, ACCEL_EVERSION, ACCEL_ENOMEM; the detail names file and field. */
int accelfile_open(struct accel_env *env, const char *path, struct accelfile **out);
/* Every checksum, tensors and mask id included. */
int accelfile_verify(struct accelfile *f);
struct accelfile *accelfile_ref(struct accelfile *f);
void accelfile_unref(struct accelfile *f);

/* Name of a command, NULL if there is none. */
const char *accelfile_command_name(const struct accelfile *f, uint32_t program, uint32_t index);

/* Describes the first tensor in which the files differ; false: the tables are equal. */
bool accelfile_first_difference(const struct accelfile *chip, const struct accelfile *model,
				char *buf, size_t n);

#endif
