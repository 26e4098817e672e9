// SPDX-License-Identifier: MIT
/* Jobs: launch, command loop, completion. */
#include "ref.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "fp.h"
#include "ig1_tables.h"
#include "ref_internal.h"

#define WATCHDOG_CYCLES_PER_COMMAND 4096

int ig1_ref_create(const struct ig1_config *cfg, const struct ig1_mask *mask,
		   const struct ig1_bus *bus, struct ig1_ref **out)
{
	struct ig1_ref *r;
	int i;

	if (mask->rom_bytes > cfg->rom_bytes || mask->crom_bytes > cfg->crom_bytes)
		return -EINVAL;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->cfg = cfg;
	r->mask = *mask;
	r->bus = *bus;
	r->k = ig1_kernels();
	r->scratch = aligned_alloc(64, cfg->scratch_bytes);
	/* mapped, so that pages nobody touches cost nothing */
	r->sram = mmap(NULL, cfg->sram_bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (r->sram == MAP_FAILED)
		r->sram = NULL;
	for (i = 0; i < 5; i++)
		r->row[i] = aligned_alloc(64, (REF_ROW_CHUNK + 32) * sizeof(float));
	if (!r->scratch || !r->sram || !r->row[0] || !r->row[1] || !r->row[2] || !r->row[3] ||
	    !r->row[4]) {
		ig1_ref_destroy(r);
		return -ENOMEM;
	}
	memset(r->scratch, 0, cfg->scratch_bytes);
	*out = r;
	return 0;
}

void ig1_ref_destroy(struct ig1_ref *r)
{
	int i;

	if (!r)
		return;
	for (i = 0; i < 5; i++)
		free(r->row[i]);
	free(r->kv_rows);
	free(r->kv_scales);
	free(r->prog);
	free(r->prog_seen);
	if (r->sram)
		munmap(r->sram, r->cfg->sram_bytes);
	free(r->scratch);
	free(r);
}

void ig1_ref_set_step(struct ig1_ref *r, ig1_ref_step_fn fn, void *ctx)
{
	r->step = fn;
	r->step_ctx = ctx;
}

void ig1_ref_abort(struct ig1_ref *r)
{
	atomic_store(&r->abort, 1);
}

uint8_t *ig1_ref_scratch(struct ig1_ref *r)
{
	return r->scratch;
}

uint8_t *ig1_ref_sram(struct ig1_ref *r)
{
	return r->sram;
}

/* What the firmware refuses before it launches. */
static int check_job(struct ig1_ref *r, const struct ig1_job *job)
{
	size_t i;

#define REFUSE(cond, field)                                                                   \
	do {                                                                                  \
		if (cond)                                                                     \
			return ref_fault(r, IG1_FAULT_DESC, offsetof(struct ig1_job, field)); \
	} while (0)

	REFUSE(job->magic != IG1_JOB_MAGIC, magic);
	REFUSE(job->flags & ~(uint32_t)IG1_JOB_STOP_ON_FAULT, flags);
	REFUSE(job->context > 0xffff, context);
	REFUSE(job->nargs > IG1_ARGS, nargs);
	REFUSE(job->pt_root & 4095, pt_root);
	REFUSE(job->prog_va & (IG1_COMMAND_BYTES - 1), prog_va);
	REFUSE(!job->prog_len || job->prog_len > IG1_MAX_COUNT, prog_len);
	REFUSE(job->emit_va & 15, emit_va);
	REFUSE(job->trace_va & 31, trace_va);
	REFUSE(job->pad0, pad0);
	for (i = job->nargs; i < IG1_ARGS; i++)
		if (job->args[i])
			return ref_fault(r, IG1_FAULT_DESC, offsetof(struct ig1_job, args) + 8 * i);
	for (i = 0; i < sizeof(job->pad1) / sizeof(job->pad1[0]); i++)
		if (job->pad1[i])
			return ref_fault(r, IG1_FAULT_DESC, offsetof(struct ig1_job, pad1) + 8 * i);
#undef REFUSE
	return 0;
}

static int reserve_program(struct ig1_ref *r, uint32_t len)
{
	void *p;

	if (len > r->prog_cap) {
		p = realloc(r->prog, (size_t)len * sizeof(r->prog[0]));
		if (!p)
			return -1;
		r->prog = p;
		p = realloc(r->prog_seen, len);
		if (!p)
			return -1;
		r->prog_seen = p;
		r->prog_cap = len;
	}
	memset(r->prog_seen, 0, len);
	return 0;
}

/* The command at pc, fetched and its encoding checked once per job. */
static const uint32_t *fetch(struct ig1_ref *r, const struct ig1_job *job)
{
	uint32_t *w;
	uint64_t addr = 0;
	int code;

	if (r->pc >= r->prog_len) {
		ref_fault(r, IG1_FAULT_PROG, 0);
		return NULL;
	}
	w = r->prog[r->pc];
	if (r->prog_seen[r->pc])
		return w;
	if (ref_mem_read(r, job->prog_va + (uint64_t)r->pc * IG1_COMMAND_BYTES, w,
			 IG1_COMMAND_BYTES))
		return NULL;
	code = ig1_cmd_check(w, &addr);
	if (code) {
		ref_fault(r, (uint32_t)code, addr);
		return NULL;
	}
	r->prog_seen[r->pc] = 1;
	return w;
}

/*
 * Tokens are accounted for in program order. The model executes in that order too, so a token that
 * was given is there.
 */
static int account_tokens(struct ig1_ref *r, const uint32_t *w)
{
	uint32_t wait = w[0] >> 16, signal = w[1] & 0xffff;
	uint32_t t;

	if (!(wait | signal))
		return 0;
	for (t = 0; t < IG1_TOKENS; t++) {
		if (!(wait >> t & 1))
			continue;
		if (!r->tokens[t])
			return ref_fault(r, IG1_FAULT_TOKEN, t);
		r->tokens[t]--;
	}
	for (t = 0; t < IG1_TOKENS; t++) {
		if (!(signal >> t & 1))
			continue;
		if (r->tokens[t] == IG1_TOKEN_MAX)
			return ref_fault(r, IG1_FAULT_TOKEN, t);
		r->tokens[t]++;
	}
	return 0;
}

static int execute(struct ig1_ref *r, const uint32_t *w, bool *end)
{
	uint32_t op = w[0] & 0xff;

	switch (op) {
	case IG1_OP_T_MM:
		return ref_exec_mm(r, w);
	case IG1_OP_T_EMB:
		return ref_exec_emb(r, w);
	case IG1_OP_T_QK:
		return ref_exec_qk(r, w);
	case IG1_OP_T_PV:
		return ref_exec_pv(r, w);
	case IG1_OP_D_LD:
	case IG1_OP_D_ST:
		return ref_exec_dma(r, w);
	default:
		if (op >= IG1_OP_V_MOV)
			return ref_exec_vec(r, w);
		return ref_exec_seq(r, w, end);
	}
}

/* Ends of bodies reached by pc: next iteration, or out. */
static void close_loops(struct ig1_ref *r)
{
	while (r->depth) {
		struct ref_loop *l = &r->loops[r->depth - 1];

		if (r->pc != l->end)
			return;
		if (++l->iter < l->count) {
			r->pc = l->start;
			if (l->rd)
				r->regs[l->rd] = l->iter;
			return;
		}
		r->depth--;
	}
}

static void run_commands(struct ig1_ref *r, const struct ig1_job *job)
{
	uint64_t budget = job->watchdog ? job->watchdog : IG1_WATCHDOG_DEFAULT;
	uint64_t left = budget / WATCHDOG_CYCLES_PER_COMMAND + 1;
	bool end = false;

	while (!end) {
		uint32_t index = r->pc;
		const uint32_t *w;

		if (!left--) {
			ref_fault(r, IG1_FAULT_WATCHDOG, 0);
			return;
		}
		if (atomic_load_explicit(&r->abort, memory_order_relaxed)) {
			ref_fault(r, IG1_FAULT_ABORT, 0);
			return;
		}
		w = fetch(r, job);
		if (!w || account_tokens(r, w) || execute(r, w, &end))
			return;
		r->counters[IG1_CTR_COMMANDS]++;
		if (r->step)
			r->step(r->step_ctx, index, w);
		r->pc++;
		close_loops(r);
	}
}

void ig1_ref_run(struct ig1_ref *r, const struct ig1_job *job, int clear,
		 struct ig1_completion *done)
{
	struct ig1_fpenv env;
	uint32_t i;

	atomic_store(&r->abort, 0);
	memset(&r->fault, 0, sizeof(r->fault));
	memset(r->regs, 0, sizeof(r->regs));
	memset(r->tokens, 0, sizeof(r->tokens));
	memset(r->counters, 0, sizeof(r->counters));
	r->depth = 0;
	r->pc = 0;
	r->emitted = 0;
	if (!check_job(r, job)) {
		if (clear)
			memset(r->scratch, 0, r->cfg->scratch_bytes);
		for (i = 0; i < IG1_ARGS; i++)
			r->regs[1 + i] = job->args[i];
		r->prog_len = job->prog_len;
		r->emit_va = job->emit_va;
		r->emit_entries = job->emit_entries;
		ref_mmu_start(r, job->pt_root);
		if (reserve_program(r, job->prog_len)) {
			ref_fault(r, IG1_FAULT_ABORT, 0);
		} else {
			env = ig1_fp_enter();
			run_commands(r, job);
			ig1_fp_leave(env);
		}
	}
	memset(done, 0, sizeof(*done));
	done->job_id = job->job_id;
	done->context = job->context;
	done->status = r->fault.code ? 1 : 0;
	done->fault = r->fault.code;
	done->fault_addr = r->fault.addr;
	done->fault_index = r->fault.code ? r->pc : 0;
	done->emitted = r->emitted;
	memcpy(done->counters, r->counters, sizeof(r->counters));
}
