// SPDX-License-Identifier: MIT
/* Models: identity checks, programs in the address space, parameters. */
#include "model.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The device tree knows less than a tensor table, but has the model's dimensions. */
static const char *dimension_difference(const struct accel_device *dev, const struct accelfile *f,
					uint32_t *chip, uint32_t *file)
{
	const struct chipfdt *c = &dev->info;
	const struct ig1_image_manifest *m = &f->manifest;
	const struct {
		const char *name;
		uint32_t chip, file;
	} v[] = {
		{ "vocabulary", c->vocab, m->vocab },
		{ "context", c->context, m->context },
		{ "layers", c->layers, m->layers },
		{ "width", c->width, m->width },
		{ "heads", c->heads, m->heads },
		{ "KV heads", c->kv_heads, m->kv_heads },
		{ "head size", c->head_size, m->head_size },
	};
	size_t i;

	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		if (v[i].chip != v[i].file) {
			*chip = v[i].chip;
			*file = v[i].file;
			return v[i].name;
		}
	}
	return NULL;
}

static int check_identity(struct accel_device *dev, struct accelfile *f)
{
	char where[256];
	const char *dim;
	uint32_t a, b;

	dim = dimension_difference(dev, f, &a, &b);
	if (!memcmp(dev->info.mask_id, f->mask_id, sizeof(f->mask_id)) && !dim)
		return 0;
	if (dev->mask && accelfile_first_difference(dev->mask, f, where, sizeof(where)))
		return env_fail(&dev->env, ACCEL_EMISMATCH,
				"%s is not the model in the chip (%s): %s", f->path, dev->info.name,
				where);
	if (dim)
		return env_fail(&dev->env, ACCEL_EMISMATCH,
				"%s is not the model in the chip (%s): %s is %u in the chip, %u in "
				"the file",
				f->path, dev->info.name, dim, a, b);
	return env_fail(&dev->env, ACCEL_EMISMATCH,
			"%s is not the model in the chip (%s): the mask ids differ", f->path,
			dev->info.name);
}

int program_load(struct accel_model *m, const void *cmds, size_t bytes, struct program *out)
{
	int err;

	if (!bytes || bytes % IG1_COMMAND_BYTES || bytes / IG1_COMMAND_BYTES > IG1_MAX_COUNT)
		return env_fail(&m->dev->env, ACCEL_EFORMAT, "%s: a program of %zu bytes",
				m->file->path, bytes);
	err = buffer_create(m->dev, m->space, bytes, ACCEL_BUFFER_HOST, &out->buf);
	if (err)
		return err;
	memcpy(accel_buffer_data(out->buf), cmds, bytes);
	out->commands = (uint32_t)(bytes / IG1_COMMAND_BYTES);
	return accel_space_map(m->space, out->buf, 0, accel_buffer_size(out->buf),
			       ACCEL_MAP_READ_ONLY, &out->va);
}

static int load_programs(struct accel_model *m)
{
	uint32_t cmds[COPY_COMMANDS][IG1_CMD_WORDS];
	int err, i;

	for (i = 0; i < (int)IG1_PROGS; i++) {
		err = program_load(m, m->file->program[i].p, m->file->program[i].n,
				   &m->programs[i]);
		if (err)
			return err;
	}
	copy_program(cmds);
	return program_load(m, cmds, sizeof(cmds), &m->copy);
}

static int load_text(struct accel_model *m)
{
	struct accel_env *env = &m->dev->env;
	char text[TOKENIZER_ERR_LEN] = "";
	const struct accelfile *f = m->file;
	int err, i;

	for (i = 0; i < 32; i++)
		snprintf(m->source + 2 * i, 3, "%02x", f->manifest.source_sha256[i]);
	if (f->tokenizer.p) {
		err = tokenizer_create(f->tokenizer.p, f->tokenizer.n, &m->tok, text);
		if (err == -ENOMEM)
			return env_fail(env, ACCEL_ENOMEM, "tokenizer: out of memory");
		if (err)
			return env_fail(env, ACCEL_EFORMAT, "%s: tokenizer: %s", f->path, text);
		if (tokenizer_n_tokens(m->tok) > f->manifest.vocab)
			return env_fail(env, ACCEL_EFORMAT,
					"%s: tokenizer: %zu tokens, manifest.vocab is %u", f->path,
					tokenizer_n_tokens(m->tok), f->manifest.vocab);
	}
	if (f->chat_template.p) {
		m->chat_template = env_zalloc(env, f->chat_template.n + 1, 1);
		if (!m->chat_template)
			return ACCEL_ENOMEM;
		memcpy(m->chat_template, f->chat_template.p, f->chat_template.n);
	}
	return 0;
}

int accel_model_open(struct accel_device *dev, const char *path,
		     const struct accel_model_options *options, struct accel_model **out)
{
	struct accel_model_options o;
	struct accel_model *m;
	bool used;
	int err;

	if (!dev || !path || !out)
		return ACCEL_EARG;
	*out = NULL;
	err = env_options(&dev->env, &o, sizeof(o), options, "accel_model_options");
	if (err)
		return err;
	if (o.flags & ~ACCEL_MODEL_VERIFY || o.pad)
		return env_fail(&dev->env, ACCEL_EARG, "accel_model_options.flags or pad");
	m = env_zalloc(&dev->env, 1, sizeof(*m));
	if (!m)
		return ACCEL_ENOMEM;
	atomic_init(&m->refs, 1);
	pthread_mutex_init(&m->kv_lock, NULL);
	pthread_mutex_init(&m->stage_lock, NULL);
	m->dev = accel_device_ref(dev);
	err = accelfile_open(&dev->env, path, &m->file);
	if (!err && o.flags & ACCEL_MODEL_VERIFY)
		err = accelfile_verify(m->file);
	if (!err)
		err = device_give_mask(dev, m->file, &used);
	if (!err)
		err = check_identity(dev, m->file);
	if (!err)
		err = load_text(m);
	if (!err)
		err = accel_space_create(dev, &m->space);
	if (!err)
		err = load_programs(m);
	if (err) {
		accel_model_unref(m);
		return err;
	}
	*out = m;
	return 0;
}

struct accel_model *accel_model_ref(struct accel_model *m)
{
	if (m)
		atomic_fetch_add(&m->refs, 1);
	return m;
}

void accel_model_unref(struct accel_model *m)
{
	struct accel_device *dev;
	int i;

	if (!m || atomic_fetch_sub(&m->refs, 1) != 1)
		return;
	dev = m->dev;
	for (i = 0; i < (int)IG1_PROGS; i++)
		accel_buffer_unref(m->programs[i].buf);
	accel_buffer_unref(m->copy.buf);
	accel_space_unref(m->space);
	tokenizer_destroy(m->tok);
	pthread_mutex_destroy(&m->stage_lock);
	pthread_mutex_destroy(&m->kv_lock);
	env_free(&dev->env, m->chat_template);
	accelfile_unref(m->file);
	env_free(&dev->env, m);
	accel_device_unref(dev);
}

static int special(struct accel_model *m, enum tokenizer_special which, uint64_t *value)
{
	int32_t id = m->tok ? tokenizer_special_id(m->tok, which) : -1;

	if (id < 0)
		return ACCEL_ENOTSUP;
	*value = (uint64_t)id;
	return 0;
}

int accel_model_get(struct accel_model *m, enum accel_model_param param, uint64_t *value)
{
	const struct ig1_image_manifest *f;

	if (!m || !value)
		return ACCEL_EARG;
	f = &m->file->manifest;
	*value = 0;
	switch (param) {
	case ACCEL_MODEL_VOCAB:
		*value = f->vocab;
		return 0;
	case ACCEL_MODEL_CONTEXT:
		*value = f->context;
		return 0;
	case ACCEL_MODEL_MAX_COLS:
		*value = f->max_cols;
		return 0;
	case ACCEL_MODEL_LAYERS:
		*value = f->layers;
		return 0;
	case ACCEL_MODEL_WIDTH:
		*value = f->width;
		return 0;
	case ACCEL_MODEL_HEADS:
		*value = f->heads;
		return 0;
	case ACCEL_MODEL_KV_HEADS:
		*value = f->kv_heads;
		return 0;
	case ACCEL_MODEL_HEAD_SIZE:
		*value = f->head_size;
		return 0;
	case ACCEL_MODEL_WEIGHTS:
		*value = f->weights;
		return 0;
	case ACCEL_MODEL_MACS_TOKEN:
		*value = f->macs_token;
		return 0;
	case ACCEL_MODEL_KV_BLOCK_BYTES:
		*value = f->kv_block_bytes;
		return 0;
	case ACCEL_MODEL_STATE_BYTES:
		*value = f->state_bytes;
		return 0;
	case ACCEL_MODEL_KV_BLOCKS:
		*value = f->kv_blocks;
		return 0;
	case ACCEL_MODEL_SOURCE_BYTES:
		*value = f->source_bytes;
		return 0;
	case ACCEL_MODEL_BOS:
		return special(m, TOKENIZER_BOS, value);
	case ACCEL_MODEL_EOS:
		return special(m, TOKENIZER_EOS, value);
	case ACCEL_MODEL_ADD_BOS:
		*value = m->tok && tokenizer_blob_flags(m->tok) & TOKENIZER_BLOB_ADD_BOS;
		return 0;
	case ACCEL_MODEL_KV_RESIDENT:
		*value = atomic_load(&m->kv_resident);
		return 0;
	case ACCEL_MODEL_KV_HOST:
		*value = atomic_load(&m->kv_host);
		return 0;
	}
	return env_fail(&m->dev->env, ACCEL_EARG, "unknown model parameter %d", (int)param);
}

const char *accel_model_string(struct accel_model *m, enum accel_model_string which)
{
	if (!m)
		return NULL;
	switch (which) {
	case ACCEL_MODEL_NAME:
		return m->file->name;
	case ACCEL_MODEL_ARCH:
		return m->file->arch;
	case ACCEL_MODEL_TEMPLATE:
		return m->chat_template;
	case ACCEL_MODEL_SOURCE:
		return m->source;
	}
	return NULL;
}

const char *accel_model_command_name(struct accel_model *m, enum accel_program program,
				     uint32_t index)
{
	if (!m || (uint32_t)program >= IG1_PROGS)
		return NULL;
	return accelfile_command_name(m->file, program, index);
}
