// SPDX-License-Identifier: MIT
/* Opening .accel files, comparing their tensor tables. */
#include "accelfile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "image.h"

static int fail(struct accelfile *f, int err, const char *text)
{
	int code;

	switch (err) {
	case -EINVAL:
	case -EBADMSG:
	case -ENOENT:
		code = ACCEL_EFORMAT;
		break;
	case -ENOMEM:
		code = ACCEL_ENOMEM;
		break;
	default:
		return env_fail(f->env, ACCEL_EIO, "%s: %s", f->path,
				text[0] ? text : accel_error_string(ACCEL_EIO));
	}
	return env_fail(f->env, code, "%s: %s", f->path, text[0] ? text : "malformed");
}

/* A section; absent ones are left out. */
static int part(struct accelfile *f, uint32_t type, uint32_t arg, struct accelfile_part *out)
{
	const void *data;
	size_t n;
	int err;

	err = ig1_image_section(f->image, type, arg, &data, &n);
	if (err == -ENOENT)
		return 0;
	if (err) {
		char text[64];

		snprintf(text, sizeof(text), "section %s: checksum is wrong",
			 ig1_image_type_name(type));
		return fail(f, err, text);
	}
	out->p = data;
	out->n = n;
	return 0;
}

/*
 * Numbers with which the runtime computes. The image's reader has checked each section by itself, the
 * ring's numbers among them; here is what this library can run.
 */
static int check_manifest(struct accelfile *f)
{
	const struct ig1_image_manifest *m = &f->manifest;
	uint64_t bytes, ring, state, space = UINT64_C(1) << IG1_VA_BITS;
	const char *field = NULL;

	if (m->abi < IG1_PROGRAM_ABI_KV || m->abi > IG1_PROGRAM_ABI)
		return env_fail(f->env, ACCEL_EVERSION,
				"%s: manifest.abi is %u, this library speaks %u to %u", f->path,
				m->abi, IG1_PROGRAM_ABI_KV, IG1_PROGRAM_ABI);
	if (!m->vocab || m->vocab > 1u << 24)
		field = "vocab";
	else if (!m->context || m->context > 1u << 24)
		field = "context";
	else if (!m->max_cols || m->max_cols > 1024)
		field = "max_cols";
	else if (m->kv_block_bytes % IG1_PAGE_BYTES || m->kv_block_bytes > UINT64_C(1) << 32 ||
		 (!m->kv_block_bytes && m->abi == IG1_PROGRAM_ABI_KV))
		field = "kv_block_bytes";
	else if (m->kv_blocks != (m->kv_block_bytes ? (m->context + 31) / 32 : 0))
		field = "kv_blocks";
	else if (m->state_bytes % IG1_PAGE_BYTES || m->state_bytes >> IG1_VA_BITS ||
		 (m->state_bytes && m->abi == IG1_PROGRAM_ABI_KV))
		field = "state_bytes";
	else if (m->state_bytes && m->win_blocks) /* going back needs positions the ring lost */
		field = "state_bytes with win_blocks";
	/* a session's region: blocks, the ring twice; and its state twice */
	else if (__builtin_mul_overflow(m->kv_block_bytes, (uint64_t)m->kv_blocks, &bytes) ||
		 bytes >= space)
		field = "kv_blocks x kv_block_bytes";
	else if (__builtin_mul_overflow(m->win_block_bytes, 2 * (uint64_t)m->win_blocks, &ring) ||
		 __builtin_add_overflow(bytes, ring, &bytes) || bytes >= space)
		field = "win_blocks x win_block_bytes";
	else if (__builtin_mul_overflow(m->state_bytes, UINT64_C(2), &state) ||
		 __builtin_add_overflow(bytes, state, &bytes) || bytes >= space)
		field = "state_bytes";
	if (field)
		return env_fail(f->env, ACCEL_EFORMAT, "%s: manifest.%s is out of range", f->path,
				field);
	return 0;
}

static int load(struct accelfile *f)
{
	char text[IG1_IMAGE_ERR] = "";
	uint32_t i;
	int err;

	err = ig1_image_open(f->path, &f->image, text);
	if (err == -ENOENT) /* no such file; later it is a missing section */
		return env_fail(f->env, ACCEL_EIO, "%s: no such file", f->path);
	if (!err)
		err = ig1_image_check_model(f->image, text);
	if (err)
		return fail(f, err, text);
	memcpy(f->mask_id, ig1_image_header(f->image)->mask_id, sizeof(f->mask_id));
	f->manifest = *ig1_image_manifest(f->image);
	memcpy(f->arch, f->manifest.arch, sizeof(f->manifest.arch));
	memcpy(f->name, f->manifest.name, sizeof(f->manifest.name));
	err = check_manifest(f);
	if (!err)
		err = part(f, IG1_SEC_ROM, 0, &f->rom);
	if (!err)
		err = part(f, IG1_SEC_CROM, 0, &f->crom);
	if (!err)
		err = part(f, IG1_SEC_FDT, 0, &f->fdt);
	if (!err)
		err = part(f, IG1_SEC_TOKENIZER, 0, &f->tokenizer);
	if (!err)
		err = part(f, IG1_SEC_TEMPLATE, 0, &f->chat_template);
	for (i = 0; i < IG1_PROGS && !err; i++)
		err = part(f, IG1_SEC_PROGRAM, i, &f->program[i]);
	return err;
}

static void destroy(struct accelfile *f)
{
	if (f->image)
		ig1_image_close(f->image);
	env_free(f->env, f->path);
	env_free(f->env, f);
}

int accelfile_open(struct accel_env *env, const char *path, struct accelfile **out)
{
	struct accelfile *f;
	int err;

	f = env_zalloc(env, 1, sizeof(*f));
	if (!f)
		return ACCEL_ENOMEM;
	f->env = env;
	f->refs = 1;
	err = ACCEL_ENOMEM;
	f->path = env_strdup(env, path);
	if (f->path)
		err = load(f);
	if (err) {
		destroy(f);
		return err;
	}
	*out = f;
	return 0;
}

int accelfile_verify(struct accelfile *f)
{
	char text[IG1_IMAGE_ERR] = "";
	int err = ig1_image_verify(f->image, text);

	return err ? fail(f, err, text) : 0;
}

struct accelfile *accelfile_ref(struct accelfile *f)
{
	__atomic_add_fetch(&f->refs, 1, __ATOMIC_RELAXED);
	return f;
}

void accelfile_unref(struct accelfile *f)
{
	if (f && !__atomic_sub_fetch(&f->refs, 1, __ATOMIC_ACQ_REL))
		destroy(f);
}

const char *accelfile_command_name(const struct accelfile *f, uint32_t program, uint32_t index)
{
	return ig1_image_debug(f->image, program, index);
}

bool accelfile_first_difference(const struct accelfile *chip, const struct accelfile *model,
				char *buf, size_t n)
{
	uint32_t a = ig1_image_tensors(chip->image), b = ig1_image_tensors(model->image), i;
	const struct ig1_image_tensor *x, *y;
	const char *nx, *ny, *what;

	for (i = 0; i < a && i < b; i++) {
		x = ig1_image_tensor(chip->image, i);
		y = ig1_image_tensor(model->image, i);
		nx = ig1_image_tensor_name(chip->image, i);
		ny = ig1_image_tensor_name(model->image, i);
		what = NULL;
		if (strcmp(nx, ny)) {
			snprintf(buf, n, "tensor %u is '%s' in the chip, '%s' in the file", i, nx,
				 ny);
			return true;
		}
		if (x->fmt != y->fmt)
			what = "format";
		else if (x->rows != y->rows || x->groups != y->groups)
			what = "shape";
		else if (x->offset != y->offset || x->stride != y->stride || x->bytes != y->bytes)
			what = "place in ROM";
		else if (x->crc != y->crc)
			what = "contents";
		if (what) {
			snprintf(buf, n, "tensor '%s' (number %u) differs in its %s", nx, i, what);
			return true;
		}
	}
	if (a != b) {
		snprintf(buf, n, "the chip has %u tensors, the file %u", a, b);
		return true;
	}
	return false;
}
