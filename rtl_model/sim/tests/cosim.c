// SPDX-License-Identifier: MIT
/*
 * RTL against the reference model: random programs run as jobs on both, without firmware, through the
 * debug port. Completion, counters that do not depend on time, scratch, resident pages, host memory
 * and token records must be equal. On a difference the program is shortened until the first command
 * after which something differs is known. Some programs are stopped on the way first, by abort or
 * watchdog, and run again.
 *
 * Arguments: model name (default_dpi, ...). Environment: SEED (a number, or `fresh`: INTAGLIO_SEED's,
 * else one that no run had), COUNT, COMMANDS, KINDS (a mask), STALL, ONLY (one program's seed),
 * VERBOSE. TAP on standard output.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "compiler/asm/asm.h"
#include "env_u64.h"
#include "ig1_isa.h"
#include "ig1_tables.h"
#include "randprog.h"
#include "randspace.h"
#include "ref.h"
#include "sim.h"
#include "simmodel.h"
#include "simjob.h"

#define JOB_CYCLES  20000000
#define STOP_CYCLES 20000 /* from a stop to the end, with all that is on its way */

struct rig {
	struct randspace space;
	struct ig1_sim *sim;
	struct ig1_ref *ref;
	uint8_t *mem[2]; /* host memory: RTL, reference */
	uint64_t cycles; /* of the random programs */
	uint64_t commands;
	uint64_t jobs, faults, stopped;
	uint32_t *steps; /* commands of engines that the reference executed */
	uint32_t nsteps;
	char why[256];
};

/* All that is random comes from the seed, so what differs with it differs whenever it is given again. */
static uint64_t choose_seed(const char *name, uint64_t count)
{
	const char *s = getenv("SEED");
	uint32_t fresh;
	uint64_t seed;

	if (!s || strcmp(s, "fresh"))
		return env_u64("SEED", 1);
	if (getrandom(&fresh, sizeof(fresh), 0) != sizeof(fresh))
		fresh = (uint32_t)time(NULL);
	seed = env_u64("INTAGLIO_SEED", fresh);
	printf("# fresh seed %" PRIu64 "; again with SEED=%" PRIu64 " COUNT=%" PRIu64
	       " cosim_%s %s\n",
	       seed, seed, count, name, name);
	return seed;
}

static void on_step(void *ctx, uint32_t index, const uint32_t w[32])
{
	struct rig *r = ctx;

	if ((w[0] & 0xff) >= IG1_OP_T_MM && r->nsteps < SPACE_TRACES)
		r->steps[r->nsteps++] = index;
}

static struct ig1_job make_job(const struct rig *r, uint32_t len, const uint64_t *args, bool trace)
{
	struct ig1_job job = { .magic = IG1_JOB_MAGIC, .nargs = IG1_ARGS };

	job.pt_root = r->space.pt_root;
	job.prog_va = SPACE_PROG_VA;
	job.prog_len = len;
	job.emit_va = SPACE_EMIT_VA;
	job.emit_entries = SPACE_EMITS;
	job.trace_va = SPACE_TRACE_VA;
	job.trace_entries = trace ? SPACE_TRACES : 0;
	job.watchdog = UINT64_C(1) << 40;
	if (args)
		memcpy(job.args, args, sizeof(job.args));
	return job;
}

/* A program on both; false: they differ, r->why says how. */
static bool run_both(struct rig *r, uint32_t (*w)[IG1_CMD_WORDS], uint32_t len,
		     const uint64_t *args, bool clear, bool trace, struct ig1_completion done[2])
{
	struct ig1_job job = make_job(r, len, args, trace);
	uint32_t i;
	int side;

	for (side = 0; side < 2; side++)
		memcpy(r->mem[side] + r->space.prog, w, (size_t)len * IG1_COMMAND_BYTES);
	r->nsteps = 0;
	ig1_ref_run(r->ref, &job, clear, &done[1]);
	simjob_launch(r->sim, &job, clear, JOB_CYCLES - 1000);
	if (!simjob_finish(r->sim, JOB_CYCLES, &done[0])) {
		snprintf(r->why, sizeof(r->why), "the job does not end on the RTL");
		return false;
	}
	if (done[0].fault != done[1].fault || done[0].fault_addr != done[1].fault_addr ||
	    done[0].fault_index != done[1].fault_index) {
		snprintf(r->why, sizeof(r->why),
			 "fault %s addr %#" PRIx64 " index %u, should be %s addr %#" PRIx64
			 " index %u",
			 ig1_fault_name(done[0].fault), done[0].fault_addr, done[0].fault_index,
			 ig1_fault_name(done[1].fault), done[1].fault_addr, done[1].fault_index);
		return false;
	}
	if (done[0].emitted != done[1].emitted) {
		snprintf(r->why, sizeof(r->why), "%u tokens, should be %u", done[0].emitted,
			 done[1].emitted);
		return false;
	}
	for (i = 0; i < IG1_CTR_COUNT && !done[1].fault; i++) {
		if (!ig1_ctr_timed[i] && done[0].counters[i] != done[1].counters[i]) {
			snprintf(r->why, sizeof(r->why),
				 "counter %s: %" PRIu64 ", should be %" PRIu64,
				 ig1_ctr_names[i].name, done[0].counters[i], done[1].counters[i]);
			return false;
		}
	}
	return true;
}

/* Trace records of each engine are in program order and name what the reference executed. */
static bool check_trace(struct rig *r, const struct ig1_completion *done)
{
	const struct ig1_trace *t = (const void *)(r->mem[0] + r->space.trace);
	uint32_t at[IG1_ENGINE_COUNT] = { 0 };
	uint32_t i, k, e;

	if (done->traced != r->nsteps) {
		snprintf(r->why, sizeof(r->why), "%u trace records, should be %u", done->traced,
			 r->nsteps);
		return false;
	}
	for (i = 0; i < done->traced; i++) {
		uint32_t w0 = 0;

		e = t[i].engine;
		if (!e || e >= IG1_ENGINE_COUNT)
			goto bad;
		for (k = at[e]; k < r->nsteps; k++) {
			memcpy(&w0,
			       r->mem[0] + r->space.prog + (size_t)r->steps[k] * IG1_COMMAND_BYTES,
			       4);
			if (ig1_op_find((uint8_t)w0)->engine == e)
				break;
		}
		if (k == r->nsteps || t[i].index != r->steps[k] || t[i].opcode != (w0 & 0xff) ||
		    t[i].issue > t[i].start || t[i].start > t[i].end ||
		    (i && t[i].end < t[i - 1].end))
			goto bad;
		at[e] = k + 1;
	}
	return true;
bad:
	snprintf(r->why, sizeof(r->why),
		 "trace record %u: index %u engine %u opcode %#x, %" PRIu64 " %" PRIu64 " %" PRIu64,
		 i, t[i].index, t[i].engine, t[i].opcode, t[i].issue, t[i].start, t[i].end);
	return false;
}

static bool same(struct rig *r, const char *what, uint64_t at, uint64_t bytes)
{
	const uint8_t *a = r->mem[0] + at, *b = r->mem[1] + at;
	uint32_t x, y;
	uint64_t i;

	if (!memcmp(a, b, bytes))
		return true;
	for (i = 0; a[i] == b[i]; i++)
		;
	i &= ~UINT64_C(3);
	memcpy(&x, a + i, 4);
	memcpy(&y, b + i, 4);
	snprintf(r->why, sizeof(r->why), "%s at %#" PRIx64 ": %08x, should be %08x", what, i, x, y);
	return false;
}

/* One program from a defined state; false: the two differ. */
static bool try_program(struct rig *r, const struct randprog *p, uint32_t (*w)[IG1_CMD_WORDS],
			uint32_t len, bool trace, struct ig1_completion done[2])
{
	const struct randspace *s = &r->space;
	uint32_t helper[8][IG1_CMD_WORDS];
	struct ig1_completion ignored[2];
	uint64_t start;
	uint32_t n;

	memcpy(r->mem[0], s->initial, SPACE_BYTES);
	memcpy(r->mem[1], s->initial, SPACE_BYTES);
	n = randspace_restore(s, helper);
	if (!run_both(r, helper, n, NULL, true, false, ignored))
		return false;
	start = ig1_sim_cycles(r->sim);
	if (!run_both(r, w, len, p->args, true, trace, done))
		return false;
	r->cycles += ig1_sim_cycles(r->sim) - start;
	r->commands += done[1].counters[IG1_CTR_COMMANDS];
	if (done[1].fault)
		return true;
	if (trace && !check_trace(r, &done[0]))
		return false;
	if (p->undefined)
		return true;
	memset(r->mem[0] + s->trace, 0, SPACE_TRACES * sizeof(struct ig1_trace));
	n = randspace_dump(s, helper);
	if (!run_both(r, helper, n, NULL, false, false, ignored))
		return false;
	return same(r, "scratch", s->scratch_dump, s->world.cfg->scratch_bytes) &&
	       same(r, "resident page region", s->sram_dump,
		    SPACE_SRAM_PAGES * 4096 + SPACE_BIG_BYTES) &&
	       same(r, "host memory", 0, SPACE_BYTES);
}

/*
 * A program that is stopped on its way, on the RTL alone. What it wrote is undefined, but the job ends
 * soon, with its fault, token records up to there are the reference's, nothing is written but where it
 * may be, and nothing after the end. That the next job is not disturbed, the caller sees.
 */
static bool try_stopped(struct rig *r, const struct randprog *p, struct randprog_rng *rng)
{
	const struct randspace *s = &r->space;
	struct ig1_job job = make_job(r, p->len, p->args, false);
	uint64_t after = UINT64_C(1) << randprog_below(rng, 16);
	bool watchdog = randprog_below(rng, 2);
	uint32_t code = watchdog ? IG1_FAULT_WATCHDOG : IG1_FAULT_ABORT;
	struct ig1_completion done[2];
	uint8_t *then;
	uint64_t i;
	bool ok = false;

	after += randprog_below(rng, (uint32_t)after);
	for (i = 0; i < 2; i++) {
		memcpy(r->mem[i], s->initial, SPACE_BYTES);
		memcpy(r->mem[i] + s->prog, p->w, (size_t)p->len * IG1_COMMAND_BYTES);
	}
	ig1_ref_run(r->ref, &job, true, &done[1]);
	simjob_launch(r->sim, &job, true, watchdog ? after : JOB_CYCLES);
	if (!watchdog) {
		ig1_sim_step(r->sim, after);
		simjob_abort(r->sim);
	}
	if (!simjob_finish(r->sim, after + STOP_CYCLES, &done[0])) {
		snprintf(r->why, sizeof(r->why),
			 "stopped after %" PRIu64 " cycles, the job does not end", after);
		return false;
	}
	if (done[0].fault == code) {
		r->stopped++;
		if (done[0].fault_addr || done[0].fault_index > p->len || !done[0].status ||
		    (watchdog && done[0].counters[IG1_CTR_CYCLES] < after)) {
			snprintf(r->why, sizeof(r->why),
				 "fault %s addr %#" PRIx64 " index %u after %" PRIu64 " of %" PRIu64
				 " cycles",
				 ig1_fault_name(code), done[0].fault_addr, done[0].fault_index,
				 done[0].counters[IG1_CTR_CYCLES], after);
			return false;
		}
	} else if (done[0].fault != done[1].fault) {
		/* it came too late */
		snprintf(r->why, sizeof(r->why), "fault %s, should be %s or %s",
			 ig1_fault_name(done[0].fault), ig1_fault_name(code),
			 ig1_fault_name(done[1].fault));
		return false;
	}
	if (done[0].emitted > done[1].emitted ||
	    memcmp(r->mem[0] + s->emit, r->mem[1] + s->emit,
		   done[0].emitted * sizeof(struct ig1_token))) {
		snprintf(r->why, sizeof(r->why), "token records of a stopped job");
		return false;
	}
	then = malloc(SPACE_BYTES);
	if (!then)
		return false;
	memcpy(then, r->mem[0], SPACE_BYTES);
	ig1_sim_step(r->sim, 2000);
	if (memcmp(then, r->mem[0], SPACE_BYTES)) {
		snprintf(r->why, sizeof(r->why), "a stopped job writes after its end");
		goto out;
	}
	/* nothing but where programs may write */
	memcpy(r->mem[1] + s->emit, then + s->emit, SPACE_EMITS * sizeof(struct ig1_token));
	memcpy(r->mem[1] + s->rw, then + s->rw, SPACE_RW_BYTES);
	if (!same(r, "host memory of a stopped job", 0, SPACE_BYTES))
		goto out;
	ok = true;
out:
	free(then);
	return ok;
}

/* Programs that end before command n (where control comes to it first) for the least n that differs. */
static void bisect(struct rig *r, const struct randprog *p)
{
	uint32_t(*w)[IG1_CMD_WORDS] = malloc((size_t)p->len * sizeof(p->w[0]));
	struct ig1_completion done[2];
	char text[IG1_DISASM_MAX], why[sizeof(r->why)];
	uint32_t good = 0, bad = p->len - 1, mid;

	if (!w)
		return;
	memcpy(why, r->why, sizeof(why));
	while (bad - good > 1) {
		mid = good + (bad - good) / 2;
		memcpy(w, p->w, (size_t)p->len * sizeof(p->w[0]));
		ig1_encode_seq(&(struct ig1_fmt_seq){ .op = IG1_OP_S_END }, w[mid]);
		if (try_program(r, p, w, p->len, false, done)) {
			good = mid;
		} else {
			bad = mid;
			memcpy(why, r->why, sizeof(why));
		}
	}
	ig1_disasm(p->w[bad - 1], text, sizeof(text));
	printf("# first differing command %u: %s\n# %s\n", bad - 1, text, why);
	free(w);
}

/* A defined chip again. */
static void restart(struct rig *r)
{
	ig1_sim_write32(r->sim, IG1_BAR0_CONTROL, IG1_BAR0_CONTROL_RESET);
	while (ig1_sim_read32(r->sim, IG1_BAR0_CONTROL) & IG1_BAR0_CONTROL_RESET)
		;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "small_dpi";
	const struct ig1_sim_model *model = find_model(name);
	uint64_t seed, only = env_u64("ONLY", UINT64_MAX);
	uint64_t count = env_u64("COUNT", 40), i, bad = 0;
	struct ig1_sim_options options = { 0 };
	struct randprog_options po = { 0 };
	struct ig1_completion done[2];
	struct ig1_bus bus = { .read = randspace_read, .write = randspace_write };
	struct timespec t0, t1;
	struct randprog_rng stops;
	struct randprog p;
	struct rig r = { 0 };
	double wall;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!model) {
		fprintf(stderr, "%s: no such model\n", name);
		return 2;
	}
	seed = choose_seed(name, count);
	options.seed = (uint32_t)seed;
	options.read_latency = (uint32_t)env_u64("LATENCY", 40);
	options.stall = (uint32_t)env_u64("STALL", 10);
	options.trace = getenv("TRACE");
	r.mem[0] = malloc(SPACE_BYTES);
	r.mem[1] = malloc(SPACE_BYTES);
	r.steps = calloc(SPACE_TRACES, sizeof(*r.steps));
	if (!r.mem[0] || !r.mem[1] || !r.steps)
		return 1;
	bus.ctx = r.mem[0];
	{
		/* the model's configuration is known once it exists */
		static const uint8_t none[64];
		struct ig1_mask empty = { none, 64, none, 64 };

		if (ig1_sim_create(model, &empty, none, 64, &bus, &options, &r.sim))
			return 1;
		if (randspace_init(&r.space, ig1_sim_config(r.sim), seed))
			return 1;
		ig1_sim_destroy(r.sim);
	}
	if (ig1_sim_create(model, &r.space.mask, "dtb", 4, &bus, &options, &r.sim))
		return 1;
	bus.ctx = r.mem[1];
	if (ig1_ref_create(ig1_sim_config(r.sim), &r.space.mask, &bus, &r.ref))
		return 1;
	ig1_ref_set_step(r.ref, on_step, &r);

	po.commands = (uint32_t)env_u64("COMMANDS", 40);
	po.kinds = (uint32_t)env_u64("KINDS", RANDPROG_ALL);
	printf("# seed %" PRIu64 "\n1..%" PRIu64 "\n", seed, count);
	clock_gettime(CLOCK_MONOTONIC, &t0);
	for (i = 0; i < count && bad < 5; i++) {
		po.seed = only != UINT64_MAX ? only : seed * 1000003 + i;
		po.sequential = po.seed % 5 == 4;
		po.faulty = po.seed % 4 == 3;
		if (randprog_make(&r.space.world, &po, &p))
			return 1;
		if (p.len > SPACE_PROG_MAX)
			p.len = SPACE_PROG_MAX; /* then the program has no end, also a fault */
		if (getenv("VERBOSE")) {
			char text[IG1_DISASM_MAX];
			uint32_t k;

			for (k = 0; k < p.len; k++) {
				ig1_disasm(p.w[k], text, sizeof(text));
				printf("# %u: %s\n", k, text);
			}
		}
		r.jobs++;
		randprog_seed(&stops, po.seed);
		if (po.seed % 4 == 1 && !try_stopped(&r, &p, &stops)) {
			bad++;
			printf("not ok %" PRIu64 " - program %" PRIu64 ", stopped\n# %s\n", i + 1,
			       po.seed, r.why);
			restart(&r);
		} else if (try_program(&r, &p, p.w, p.len, po.seed % 3 == 0, done)) {
			r.faults += done[1].fault != 0;
			printf("ok %" PRIu64 " - program %" PRIu64 "%s%s\n", i + 1, po.seed,
			       p.fault ? ": " : "", p.fault ? p.fault : "");
		} else {
			bad++;
			printf("not ok %" PRIu64 " - program %" PRIu64 "%s%s\n# %s\n", i + 1,
			       po.seed, p.fault ? ": " : "", p.fault ? p.fault : "", r.why);
			if (!done[1].fault)
				bisect(&r, &p);
			restart(&r);
		}
		randprog_free(&p);
	}
	clock_gettime(CLOCK_MONOTONIC, &t1);
	wall = (double)(t1.tv_sec - t0.tv_sec) + 1e-9 * (double)(t1.tv_nsec - t0.tv_nsec);
	printf("# %" PRIu64 " programs, %" PRIu64 " faults, %" PRIu64 " stopped first, %" PRIu64
	       " commands, %" PRIu64 " cycles of programs, %" PRIu64 " in all, %.0f kHz\n",
	       r.jobs, r.faults, r.stopped, r.commands, r.cycles, ig1_sim_cycles(r.sim),
	       (double)ig1_sim_cycles(r.sim) / wall / 1e3);
	if (bad)
		printf("# one program again: SEED=%" PRIu64
		       " COUNT=1 ONLY=its number cosim_%s %s\n",
		       seed, name, name);
	if (bad == 5)
		printf("Bail out! five differences\n");
	ig1_sim_destroy(r.sim);
	ig1_ref_destroy(r.ref);
	randspace_free(&r.space);
	free(r.mem[0]);
	free(r.mem[1]);
	free(r.steps);
	return bad != 0;
}
