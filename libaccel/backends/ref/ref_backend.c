// SPDX-License-Identifier: MIT
/*
 * Back end with the reference model as its chip. Bit-exact, and without time: timed counters are
 * zero, and a trace has one tick per command.
 */
#include "backends/common/soft.h"

#include <stdatomic.h>
#include <string.h>

#include "core/chipfdt.h"
#include "ig1_tables.h"
#include "ref.h"

struct ref_chip {
	struct accel_env *env;
	struct hostmem *mem;
	struct chipfdt info;
	struct ig1_ref *ref;
	pthread_mutex_t lock; /* of job and busy, against abort */
	struct ig1_job job;
	bool busy;
	atomic_bool aborted;
	bool fresh; /* no job yet: scratch is clear */
	uint32_t context;
	/* trace of the running job */
	struct vm vm;
	uint64_t tick;
	uint32_t traced;
};

/* An abort just before the model starts would be forgotten; its first access brings it back. */
static int ref_read(void *ctx, uint64_t addr, void *dst, size_t n)
{
	struct ref_chip *c = ctx;

	if (atomic_load_explicit(&c->aborted, memory_order_relaxed))
		ig1_ref_abort(c->ref);
	return hostmem_read(c->mem, addr, dst, n);
}

static int ref_write(void *ctx, uint64_t addr, const void *src, size_t n)
{
	return hostmem_write(((struct ref_chip *)ctx)->mem, addr, src, n);
}

static void *ref_map(void *ctx, uint64_t addr, size_t n)
{
	return hostmem_map(((struct ref_chip *)ctx)->mem, addr, n);
}

static int ref_start(void *chip, uint32_t priority, const struct ig1_job *job)
{
	struct ref_chip *c = chip;
	int err = ACCEL_ENOSPACE;

	(void)priority;
	pthread_mutex_lock(&c->lock);
	if (!c->busy) {
		c->job = *job;
		c->busy = true;
		atomic_store(&c->aborted, false);
		err = 0;
	}
	pthread_mutex_unlock(&c->lock);
	return err;
}

static void ref_step(void *ctx, uint32_t index, const uint32_t w[32])
{
	struct ref_chip *c = ctx;
	const struct ig1_op_desc *op = ig1_op_find(w[0] & 0xff);
	struct ig1_trace t = { .index = index };

	c->tick++;
	if (!op || op->engine == IG1_ENGINE_SEQ || c->traced >= c->job.trace_entries)
		return;
	t.engine = op->engine;
	t.opcode = op->code;
	t.issue = t.start = c->tick - 1;
	t.end = c->tick;
	if (!vm_write(&c->vm, c->job.trace_va + c->traced * sizeof(t), &t, sizeof(t)))
		c->traced++;
}

static int ref_advance(void *chip, struct ig1_completion *done)
{
	struct ref_chip *c = chip;
	bool clear = !c->fresh && c->context != c->job.context;

	c->vm = (struct vm){ .mem = c->mem, .root = c->job.pt_root };
	c->tick = 0;
	c->traced = 0;
	ig1_ref_set_step(c->ref, c->job.trace_entries ? ref_step : NULL, c);
	ig1_ref_run(c->ref, &c->job, clear, done);
	done->traced = c->traced;
	c->fresh = false;
	c->context = c->job.context;
	pthread_mutex_lock(&c->lock);
	c->busy = false;
	pthread_mutex_unlock(&c->lock);
	return 1;
}

static void ref_abort(void *chip, const struct ig1_job *job)
{
	struct ref_chip *c = chip;

	pthread_mutex_lock(&c->lock);
	if (c->busy && c->job.job_id == job->job_id) {
		atomic_store(&c->aborted, true);
		ig1_ref_abort(c->ref);
	}
	pthread_mutex_unlock(&c->lock);
}

static int ref_sram_zero(void *chip, uint64_t page, uint64_t n)
{
	struct ref_chip *c = chip;

	memset(ig1_ref_sram(c->ref) + page * IG1_PAGE_BYTES, 0, n * IG1_PAGE_BYTES);
	return 0;
}

static void ref_free(void *chip)
{
	struct ref_chip *c = chip;

	ig1_ref_destroy(c->ref);
	pthread_mutex_destroy(&c->lock);
	env_free(c->env, c);
}

static const struct soft_chip_ops ref_ops = {
	.start = ref_start,
	.advance = ref_advance,
	.abort = ref_abort,
	.sram_zero = ref_sram_zero,
	.close = ref_free,
};

static int ref_count(size_t *n)
{
	*n = 1;
	return 0;
}

static int ref_open(struct accel_env *env, const struct backend_options *options,
		    const struct backend_mask *mask, struct backend_dev **out)
{
	struct ig1_mask m = { mask->rom, mask->rom_bytes, mask->crom, mask->crom_bytes };
	struct ig1_bus bus = { .read = ref_read, .write = ref_write, .map = ref_map };
	struct ref_chip *c;
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
	c->fresh = true;
	if (pthread_mutex_init(&c->lock, NULL))
		goto free;
	err = chipfdt_read(env, mask->fdt, mask->fdt_bytes, &c->info);
	if (err)
		goto lock;
	if (mask->rom_bytes > c->info.cfg.rom_bytes || mask->crom_bytes > c->info.cfg.crom_bytes) {
		err = env_fail(env, ACCEL_EFORMAT,
			       "device tree: ROM sizes are smaller than the mask's sections");
		goto lock;
	}
	bus.ctx = c;
	err = ig1_ref_create(&c->info.cfg, &m, &bus, &c->ref);
	if (err) {
		err = env_fail_errno(env, err, "reference model");
		goto lock;
	}
	err = soft_start(dev, &ref_ops, c, mask->fdt, mask->fdt_bytes, c->info.cfg.sram_bytes);
	if (err)
		goto destroy;
	*out = (struct backend_dev *)dev;
	return 0;
lock:
	pthread_mutex_destroy(&c->lock);
free:
	env_free(env, c);
destroy:
	soft_destroy(dev);
	return err;
}

const struct backend_ops backend_ref = {
	.version = ACCEL_BACKEND_VERSION,
	.flags = BACKEND_NEEDS_MASK,
	.name = "ref",
	.doc = "reference model of the chip, bit-exact, without time",
	.count = ref_count,
	.open = ref_open,
	.close = soft_close,
	.query = soft_query,
	SOFT_OPS,
};
