// SPDX-License-Identifier: MIT
/*
 * Programs in the chip's SRAM: a command that the sequencer does not have yet costs a few cycles
 * from there and a share of the bus's latency from host memory, in every first step of a job and,
 * where a program is longer than the sequencer's cache, in each.
 */
#include "runner.h"

/* Of the SRAM at most this part for programs: KV cache wants it, too. */
#define SRAM_SHARE 16u

static int stage(struct runner *r, struct program *p, uint64_t *room)
{
	struct accel_model *m = r->m;
	uint64_t bytes = accel_buffer_size(p->buf), va = 0;
	struct accel_buffer *buf;
	int err;

	if (bytes > *room)
		return 0;
	err = buffer_create(m->dev, m->space, bytes, ACCEL_BUFFER_RESIDENT, &buf);
	if (err == ACCEL_ENOSPACE)
		return 0;
	if (err)
		return err;
	err = accel_space_map(m->space, buf, 0, bytes, 0, &va);
	if (!err)
		err = runner_copy_pages(r, p->va, va, bytes);
	if (va)
		accel_space_unmap(m->space, va);
	if (!err)
		err = accel_space_map(m->space, buf, 0, bytes, ACCEL_MAP_READ_ONLY, &va);
	if (err) {
		accel_buffer_unref(buf);
		return err;
	}
	accel_space_unmap(m->space, p->va);
	accel_buffer_unref(p->buf);
	p->buf = buf;
	p->va = va;
	*room -= bytes;
	return 0;
}

int stage_programs(struct runner *r)
{
	struct accel_model *m = r->m;
	uint64_t room = m->dev->info.cfg.sram_bytes / SRAM_SHARE, watchdog = r->o.watchdog;
	int err = 0, i;

	/* A dump has what the CPU sees. */
	if (m->dev->env.debug & ENV_DEBUG_DUMP)
		return 0;
	/* The user's budget is for steps of the model. */
	r->o.watchdog = 0;
	pthread_mutex_lock(&m->stage_lock);
	if (!m->staged) {
		/* Decoding first: its program is the one that runs for every token. */
		for (i = (int)IG1_PROGS - 1; i >= 0 && !err; i--)
			err = stage(r, &m->programs[i], &room);
		m->staged = !err;
	}
	pthread_mutex_unlock(&m->stage_lock);
	r->o.watchdog = watchdog;
	return err;
}
