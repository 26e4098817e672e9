// SPDX-License-Identifier: MIT
/* Jobs of sessions and batches. */
#include "runner.h"

#include <inttypes.h>
#include <string.h>

#define DECODE_STEPS	 64u
#define MAX_DECODE_STEPS 65536u
#define MAX_TRACE	 (1u << 20)

/* How often a waiting thread looks for tokens and cancellation. */
#define POLL_TOKENS_NS INT64_C(100000)
#define POLL_CANCEL_NS INT64_C(5000000)

static void release(struct runner *r, struct mapped *b)
{
	if (b->va)
		accel_space_unmap(r->m->space, b->va);
	accel_buffer_unref(b->buf);
	memset(b, 0, sizeof(*b));
}

/* Host memory of at least `bytes`, mapped; contents are lost when it grows. */
static int reserve(struct runner *r, struct mapped *b, uint64_t bytes)
{
	int err;

	if (bytes <= b->bytes)
		return 0;
	release(r, b);
	err = buffer_create(r->m->dev, r->m->space, bytes, ACCEL_BUFFER_HOST, &b->buf);
	if (err)
		return err;
	b->bytes = accel_buffer_size(b->buf);
	err = accel_space_map(r->m->space, b->buf, 0, b->bytes, 0, &b->va);
	if (err) {
		release(r, b);
		return err;
	}
	b->p = accel_buffer_data(b->buf);
	return 0;
}

static int check_options(struct runner *r, const struct accel_session_options *o)
{
	struct accel_env *env = &r->m->dev->env;
	uint32_t max = r->m->file->manifest.max_cols;

	if (o->chunk > max)
		return env_fail(env, ACCEL_EARG, "session: chunk %u, the program takes %u",
				o->chunk, max);
	if (o->decode_steps > MAX_DECODE_STEPS)
		return env_fail(env, ACCEL_EARG, "session: decode_steps %u, at most %u",
				o->decode_steps, MAX_DECODE_STEPS);
	if (o->trace_entries > MAX_TRACE)
		return env_fail(env, ACCEL_EARG, "session: trace_entries %u, at most %u",
				o->trace_entries, MAX_TRACE);
	if (o->trace_entries && !o->trace)
		return env_fail(env, ACCEL_EARG, "session: trace_entries without trace");
	return 0;
}

int runner_init(struct runner *r, struct accel_model *m, const struct accel_session_options *user)
{
	const struct ig1_image_manifest *f = &m->file->manifest;
	int err;

	memset(r, 0, sizeof(*r));
	r->m = m;
	err = env_options(&m->dev->env, &r->o, sizeof(r->o), user, "accel_session_options");
	if (!err)
		err = check_options(r, &r->o);
	if (err)
		return err;
	if (!r->o.chunk)
		r->o.chunk = f->max_cols;
	if (!r->o.decode_steps)
		r->o.decode_steps = DECODE_STEPS;
	err = accel_queue_create(m->space, r->o.priority, &r->queue);
	if (!err)
		err = reserve(r, &r->columns, f->max_cols * sizeof(struct ig1_column));
	if (!err && r->o.trace_entries)
		err = reserve(r, &r->trace, r->o.trace_entries * sizeof(struct ig1_trace));
	if (!err)
		err = stage_programs(r);
	/* Counters are of the user's jobs. */
	if (!err)
		err = runner_counters(r, NULL, 0, NULL, 1);
	if (err)
		runner_fini(r);
	return err;
}

void runner_fini(struct runner *r)
{
	accel_queue_unref(r->queue);
	r->queue = NULL;
	release(r, &r->columns);
	release(r, &r->logits);
	release(r, &r->emit);
	release(r, &r->trace);
	if (r->window)
		space_release(r->m->space, r->window);
	r->window = 0;
}

int runner_trace(struct runner *r, uint32_t entries, accel_trace_fn fn, void *ctx)
{
	struct accel_session_options o = r->o;
	struct mapped more = { 0 };
	int err;

	o.trace_entries = entries;
	o.trace = fn;
	o.trace_ctx = ctx;
	err = check_options(r, &o);
	if (!err && entries * sizeof(struct ig1_trace) > r->trace.bytes) {
		err = reserve(r, &more, entries * sizeof(struct ig1_trace));
		if (!err) {
			release(r, &r->trace);
			r->trace = more;
		}
	}
	if (!err)
		r->o = o;
	return err;
}

void runner_cancel(struct runner *r)
{
	atomic_store(&r->cancel, 1);
}

int runner_check(struct runner *r)
{
	return atomic_exchange(&r->cancel, 0)
		       ? env_fail(&r->m->dev->env, ACCEL_ECANCELED, "cancelled by the caller")
		       : 0;
}

struct ig1_column *runner_columns(struct runner *r)
{
	return r->columns.p;
}

static void report_trace(struct runner *r, enum accel_program program, uint32_t n)
{
	const struct ig1_trace *t = r->trace.p;
	struct accel_trace_record *v;
	uint32_t i;

	n = n < r->o.trace_entries ? n : r->o.trace_entries;
	v = env_zalloc(&r->m->dev->env, n, sizeof(*v));
	if (!v)
		return;
	for (i = 0; i < n; i++)
		v[i] = (struct accel_trace_record){ t[i].index, t[i].engine, t[i].opcode,
						    t[i].issue, t[i].start,  t[i].end };
	r->o.trace(r->o.trace_ctx, program, v, n, n == r->o.trace_entries);
	env_free(&r->m->dev->env, v);
}

static int failed(struct runner *r, struct accel_fence *f, enum accel_program program, int status)
{
	struct accel_env *env = &r->m->dev->env;
	const char *name;

	accel_queue_reset(r->queue);
	if (status != ACCEL_EFAULT)
		return env_fail(env, status, "job: %s", accel_error_string(status));
	accel_fence_fault(f, &r->fault);
	name = accel_model_command_name(r->m, program, r->fault.index);
	r->fault_name = name;
	return env_fail(env, status, "job: fault %s at command %u (%s), address %#" PRIx64,
			accel_fault_name(r->fault.code), r->fault.index, name ? name : "no name",
			r->fault.address);
}

/* What `run` looks at while the job runs: the token buffer. */
struct watch {
	runner_token_fn fn;
	void *ctx;
	uint32_t seen, max;
	bool enough;
};

static void look(struct runner *r, struct watch *w, uint32_t limit)
{
	const struct ig1_token *t = r->emit.p;

	limit = limit < w->max ? limit : w->max;
	while (!w->enough && w->seen < limit) {
		/* A record is written at once; its number tells that it is there. */
		if (__atomic_load_n(&t[w->seen].seq, __ATOMIC_ACQUIRE) != w->seen + 1)
			break;
		w->enough = w->fn(w->ctx, w->seen, &t[w->seen]) != 0;
		w->seen++;
	}
}

static int run(struct runner *r, enum accel_program program, const struct accel_job *job,
	       struct watch *w)
{
	int64_t poll = w ? POLL_TOKENS_NS : POLL_CANCEL_NS;
	bool cancelled = false;
	uint64_t counters[IG1_CTR_COUNT];
	uint32_t emitted, traced;
	struct accel_fence *f;
	int err, i;

	err = accel_queue_submit(r->queue, job, &f);
	if (err)
		return err;
	while ((err = accel_fence_wait(f, accel_deadline(poll))) == ACCEL_ETIMEOUT) {
		if (w)
			look(r, w, UINT32_MAX);
		if (atomic_exchange(&r->cancel, 0))
			cancelled = true;
		if (cancelled || (w && w->enough)) {
			accel_queue_cancel(r->queue);
			poll = POLL_CANCEL_NS;
		}
	}
	accel_fence_counters(f, counters, IG1_CTR_COUNT, &emitted, &traced);
	r->emitted = emitted;
	r->complete = !err;
	for (i = 0; i < IG1_CTR_COUNT; i++)
		r->counters[i] += counters[i];
	r->jobs++;
	if (w)
		look(r, w, emitted);
	if (job->trace_entries && r->o.trace)
		report_trace(r, program, traced);
	if (w && w->enough)
		err = err == ACCEL_ECANCELED ? 0 : err;
	if (cancelled && !err)
		err = ACCEL_ECANCELED;
	if (err == ACCEL_ECANCELED)
		env_fail(&r->m->dev->env, err, "cancelled by the caller");
	else if (err)
		err = failed(r, f, program, err);
	accel_fence_unref(f);
	return err;
}

static void job_init(struct runner *r, struct accel_job *job, const struct program *p)
{
	memset(job, 0, sizeof(*job));
	job->size = sizeof(*job);
	job->prog = p->va;
	job->commands = p->commands;
	job->watchdog = r->o.watchdog;
}

static void job_trace(struct runner *r, struct accel_job *job)
{
	job->trace = r->trace.va;
	job->trace_entries = r->o.trace_entries;
}

int runner_prefill(struct runner *r, uint32_t cols, uint32_t first, uint32_t n,
		   const float **logits)
{
	uint64_t bytes = (uint64_t)n * r->m->file->manifest.vocab * sizeof(float);
	struct accel_job job;
	int err;

	err = n ? reserve(r, &r->logits, bytes) : 0;
	if (err)
		return err;
	job_init(r, &job, &r->m->programs[IG1_PROG_PREFILL]);
	job_trace(r, &job);
	job.nargs = 5;
	job.args[0] = r->columns.va;
	job.args[1] = cols;
	job.args[2] = n ? r->logits.va : 0;
	job.args[3] = first;
	job.args[4] = n;
	err = run(r, ACCEL_PROGRAM_PREFILL, &job, NULL);
	if (!err && logits)
		*logits = r->logits.p;
	return err;
}

int runner_decode(struct runner *r, uint32_t cols, uint32_t steps, const uint32_t stop[2],
		  runner_token_fn fn, void *ctx)
{
	uint32_t entries = cols * steps;
	struct watch w = { .fn = fn, .ctx = ctx, .max = entries };
	struct accel_job job;
	int err;

	err = reserve(r, &r->emit, (uint64_t)entries * sizeof(struct ig1_token));
	if (err)
		return err;
	memset(r->emit.p, 0, entries * sizeof(struct ig1_token));
	job_init(r, &job, &r->m->programs[IG1_PROG_DECODE]);
	job_trace(r, &job);
	job.nargs = 8;
	job.args[0] = r->columns.va;
	job.args[1] = cols;
	job.args[5] = steps;
	job.args[6] = stop[0];
	job.args[7] = stop[1];
	job.emit = r->emit.va;
	job.emit_entries = entries;
	return run(r, ACCEL_PROGRAM_DECODE, &job, &w);
}

int runner_copy(struct runner *r, struct kv_block *src, uint64_t dst_va)
{
	const struct backend_ops *ops = r->m->dev->ops;
	const struct ig1_image_manifest *f = &r->m->file->manifest;
	uint64_t bytes = src->slab->block_bytes;
	struct accel_space *space = r->m->space;
	int err;

	if (!r->window) {
		err = space_reserve(space,
				    f->kv_block_bytes > f->win_block_bytes ? f->kv_block_bytes
									   : f->win_block_bytes,
				    &r->window);
		if (err)
			return err;
	}
	err = ops->bind(space->b, r->window, src->slab->buf->b, kv_block_offset(src), bytes, 0);
	if (err)
		return env_fail(&r->m->dev->env, err, "KV block: %s", accel_error_string(err));
	err = runner_copy_pages(r, r->window, dst_va, bytes);
	ops->unbind(space->b, r->window, bytes);
	return err;
}

int runner_copy_pages(struct runner *r, uint64_t src_va, uint64_t dst_va, uint64_t bytes)
{
	struct accel_job job;

	job_init(r, &job, &r->m->copy);
	job.nargs = 3;
	job.args[0] = src_va;
	job.args[1] = dst_va;
	job.args[2] = bytes / PAGE;
	return run(r, ACCEL_PROGRAM_PREFILL, &job, NULL);
}

int runner_counters(struct runner *r, uint64_t *counters, size_t n, uint64_t *jobs, int reset)
{
	if ((n && !counters) || n > IG1_CTR_COUNT)
		return env_fail(&r->m->dev->env, ACCEL_EARG, "counters: %zu of %d", n,
				(int)IG1_CTR_COUNT);
	if (n)
		memcpy(counters, r->counters, n * sizeof(*counters));
	if (jobs)
		*jobs = r->jobs;
	if (reset) {
		memset(r->counters, 0, sizeof(r->counters));
		r->jobs = 0;
	}
	return 0;
}
