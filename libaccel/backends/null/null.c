// SPDX-License-Identifier: MIT
/*
 * Back end without a chip: accepts every job and completes it at once. Memory stays as it is, so
 * logits are zero; the token buffer is filled with token 0, as many as it holds, so that the host
 * path of decoding can be measured. Counters are zero.
 */
#include "backends/common/soft.h"

#include <string.h>

#include "core/chipfdt.h"

struct null_chip {
	struct accel_env *env;
	struct hostmem *mem;
	struct chipfdt info;
	struct ig1_job job;
	bool busy;
};

static int null_start(void *chip, uint32_t priority, const struct ig1_job *job)
{
	struct null_chip *c = chip;

	(void)priority;
	if (c->busy)
		return ACCEL_ENOSPACE;
	c->job = *job;
	c->busy = true;
	return 0;
}

static int null_advance(void *chip, struct ig1_completion *done)
{
	struct null_chip *c = chip;
	struct vm vm = { .mem = c->mem, .root = c->job.pt_root };
	struct ig1_token t = { .kind = IG1_EMIT_TOKEN };
	uint32_t i, cols = c->job.nargs > 1 && c->job.args[1] ? (uint32_t)c->job.args[1] : 1;

	for (i = 0; i < c->job.emit_entries; i++) {
		t.seq = i + 1;
		t.slot = (uint16_t)(i % cols);
		if (vm_write(&vm, c->job.emit_va + i * sizeof(t), &t, sizeof(t)))
			break;
	}
	done->job_id = c->job.job_id;
	done->context = c->job.context;
	done->emitted = i;
	c->busy = false;
	return 1;
}

static void null_abort(void *chip, const struct ig1_job *job)
{
	(void)chip;
	(void)job;
}

static int null_sram_zero(void *chip, uint64_t page, uint64_t n)
{
	(void)chip;
	(void)page;
	(void)n;
	return 0;
}

static void null_free(void *chip)
{
	struct null_chip *c = chip;

	env_free(c->env, c);
}

static const struct soft_chip_ops null_ops = {
	.start = null_start,
	.advance = null_advance,
	.abort = null_abort,
	.sram_zero = null_sram_zero,
	.close = null_free,
};

static int null_count(size_t *n)
{
	*n = 1;
	return 0;
}

static int null_open(struct accel_env *env, const struct backend_options *options,
		     const struct backend_mask *mask, struct backend_dev **out)
{
	struct null_chip *c;
	struct soft_dev *dev;
	int err;

	err = soft_create(env, options->host_bytes, &dev);
	if (err)
		return err;
	err = ACCEL_ENOMEM;
	c = env_zalloc(env, 1, sizeof(*c));
	if (!c)
		goto destroy;
	c->env = env;
	c->mem = soft_hostmem(dev);
	err = chipfdt_read(env, mask->fdt, mask->fdt_bytes, &c->info);
	if (err)
		goto free;
	err = soft_start(dev, &null_ops, c, mask->fdt, mask->fdt_bytes, c->info.cfg.sram_bytes);
	if (err)
		goto destroy;
	*out = (struct backend_dev *)dev;
	return 0;
free:
	env_free(env, c);
destroy:
	soft_destroy(dev);
	return err;
}

const struct backend_ops backend_null = {
	.version = ACCEL_BACKEND_VERSION,
	.flags = BACKEND_NEEDS_MASK,
	.name = "null",
	.doc = "no chip: accepts every job, logits are zero",
	.count = null_count,
	.open = null_open,
	.close = soft_close,
	.query = soft_query,
	SOFT_OPS,
};
