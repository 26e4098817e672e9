// SPDX-License-Identifier: MIT
/*
 * Address spaces in turn on a slow bus: a job is stopped, by abort or watchdog, at every stage of its
 * way, and a job of the other address space starts as soon as the chip takes it. The same addresses lead
 * to other pages there, so nothing that was looked up for the first may serve the second: neither
 * translations, nor the page-table walk that fetching ahead began and that the stop found waiting for
 * the bus. Argument: model name. Environment: LATENCY (cycles of a host read), STEP (cycles from stop to
 * stop). TAP.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "env_u64.h"
#include "ig1_isa.h"
#include "randspace.h"
#include "simjob.h"
#include "simmodel.h"

#define PAGE	   4096u
#define PROG_VA	   UINT64_C(0x1000000) /* two pages */
#define EMIT_VA	   UINT64_C(0x1010000)
#define DATA_VA	   UINT64_C(0x1020000)
#define DATA_PAGES 6u
#define EMITS	   (DATA_PAGES + 1)
#define JOB_CYCLES 2000000u

/* Host memory of a space, in pages. */
enum { ROOT, INNER, LEAF, PROG, EMIT = PROG + 2, DATA, SPACE_PAGES = DATA + DATA_PAGES };

static uint8_t *host;
static struct ig1_sim *sim;

static uint8_t *page(unsigned int space, unsigned int n)
{
	return host + (space * SPACE_PAGES + n) * PAGE;
}

static uint64_t bus_of(unsigned int space, unsigned int n)
{
	return SPACE_BUS + (space * SPACE_PAGES + n) * PAGE;
}

static void set_entry(unsigned int space, unsigned int table, uint64_t va, unsigned int level,
		      uint64_t entry)
{
	uint64_t i = va >> (IG1_PAGE_SHIFT + IG1_PT_BITS * level) & (IG1_PT_ENTRIES - 1);

	memcpy(page(space, table) + 8 * i, &entry, sizeof(entry));
}

static void map(unsigned int space, uint64_t va, unsigned int n, uint64_t flags)
{
	set_entry(space, LEAF, va, 0, bus_of(space, n) | flags | IG1_PTE_VALID | IG1_PTE_LEAF);
}

/* What tells the spaces apart: value number i of the program and of the data. */
static uint32_t mark(unsigned int space, unsigned int i)
{
	return 0x1000 * (space + 1) + i;
}

static void seq(unsigned int space, unsigned int *at, struct ig1_fmt_seq f)
{
	uint32_t w[IG1_CMD_WORDS];

	ig1_encode_seq(&f, w);
	memcpy(page(space, PROG) + (*at)++ * IG1_COMMAND_BYTES, w, sizeof(w));
}

static void load(unsigned int space, unsigned int *at, unsigned int i)
{
	struct ig1_fmt_dma f = { .op = IG1_OP_D_LD,
				 .va = DATA_VA + i * PAGE,
				 .sp = 64 * i,
				 .bytes = 64,
				 .n1 = 1,
				 .n2 = 1 };
	uint32_t w[IG1_CMD_WORDS];

	ig1_encode_dma(&f, w);
	memcpy(page(space, PROG) + (*at)++ * IG1_COMMAND_BYTES, w, sizeof(w));
}

/* Emits a number of the program's second page, then one of each data page. Returns the commands. */
static unsigned int make_space(unsigned int space)
{
	unsigned int at = 0, i;
	uint32_t v;

	set_entry(space, ROOT, PROG_VA, 2, bus_of(space, INNER) | IG1_PTE_VALID);
	set_entry(space, INNER, PROG_VA, 1, bus_of(space, LEAF) | IG1_PTE_VALID);
	map(space, PROG_VA, PROG, 0);
	map(space, PROG_VA + PAGE, PROG + 1, 0);
	map(space, EMIT_VA, EMIT, IG1_PTE_WRITE);
	for (i = 0; i < DATA_PAGES; i++) {
		map(space, DATA_VA + i * PAGE, DATA + i, 0);
		v = mark(space, i + 1);
		memcpy(page(space, DATA + i), &v, sizeof(v));
	}
	for (i = 0; i < DATA_PAGES; i++)
		load(space, &at, i);
	while (at < PAGE / IG1_COMMAND_BYTES)
		seq(space, &at, (struct ig1_fmt_seq){ .op = IG1_OP_S_LI, .rd = 9, .imm = at });
	seq(space, &at, (struct ig1_fmt_seq){ .op = IG1_OP_S_LI, .rd = 9, .imm = mark(space, 0) });
	seq(space, &at, (struct ig1_fmt_seq){ .op = IG1_OP_S_EMIT, .ra = 9 });
	seq(space, &at, (struct ig1_fmt_seq){ .op = IG1_OP_S_SYNC });
	for (i = 0; i < DATA_PAGES; i++) {
		seq(space, &at, (struct ig1_fmt_seq){ .op = IG1_OP_S_LD, .rd = 10, .imm = 64 * i });
		seq(space, &at, (struct ig1_fmt_seq){ .op = IG1_OP_S_EMIT, .ra = 10 });
	}
	seq(space, &at, (struct ig1_fmt_seq){ .op = IG1_OP_S_END });
	return at;
}

static struct ig1_job make_job(unsigned int space, unsigned int commands)
{
	return (struct ig1_job){ .magic = IG1_JOB_MAGIC,
				 .pt_root = bus_of(space, ROOT),
				 .prog_va = PROG_VA,
				 .prog_len = commands,
				 .emit_va = EMIT_VA,
				 .emit_entries = EMITS };
}

/* Stops a job after some cycles and returns as soon as it has ended: others may still be walking. */
static bool stop(const struct ig1_job *job, uint64_t after, bool watchdog)
{
	uint64_t limit = ig1_sim_cycles(sim) + JOB_CYCLES;

	simjob_launch(sim, job, false, watchdog ? after : JOB_CYCLES);
	if (!watchdog) {
		ig1_sim_step(sim, after);
		simjob_abort(sim);
	}
	while (simjob_busy(sim))
		if (ig1_sim_cycles(sim) > limit)
			return false;
	return true;
}

/* Runs a job to its end; what is wrong with it goes to `why`. */
static bool right(unsigned int space, const struct ig1_job *job, char *why, size_t n)
{
	struct ig1_completion done;
	struct ig1_token t;
	unsigned int i;

	memset(page(space, EMIT), 0, PAGE);
	simjob_launch(sim, job, false, JOB_CYCLES);
	if (!simjob_finish(sim, JOB_CYCLES, &done)) {
		snprintf(why, n, "the job does not end");
		return false;
	}
	if (done.fault || done.emitted != EMITS) {
		snprintf(why, n, "fault %u addr %#" PRIx64 " index %u, %u tokens", done.fault,
			 done.fault_addr, done.fault_index, done.emitted);
		return false;
	}
	for (i = 0; i < EMITS; i++) {
		memcpy(&t, page(space, EMIT) + i * sizeof(t), sizeof(t));
		if (t.value != mark(space, i)) {
			snprintf(why, n, "token %u is %#x, should be %#x", i, t.value,
				 mark(space, i));
			return false;
		}
	}
	return true;
}

int main(int argc, char **argv)
{
	const struct ig1_sim_model *model = find_model(argc > 1 ? argv[1] : "");
	uint64_t latency = env_u64("LATENCY", 600), step = env_u64("STEP", 450), after, whole;
	struct ig1_sim_options options = { .seed = 1, .read_latency = (uint32_t)latency };
	struct ig1_bus bus = { .read = randspace_read, .write = randspace_write };
	static const uint8_t none[64];
	struct ig1_mask empty = { none, sizeof(none), none, sizeof(none) };
	unsigned int commands, space, stops = 0, bad[2] = { 0 };
	struct ig1_job job[2];
	char why[128];
	int watchdog;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!model) {
		fprintf(stderr, "no such model\n");
		return 2;
	}
	host = calloc(1, SPACE_BYTES);
	if (!host)
		return 1;
	bus.ctx = host;
	if (ig1_sim_create(model, &empty, none, sizeof(none), &bus, &options, &sim))
		return 1;
	for (space = 0; space < 2; space++) {
		commands = make_space(space);
		job[space] = make_job(space, commands);
	}
	printf("1..4\n");
	whole = ig1_sim_cycles(sim);
	for (space = 0; space < 2; space++) {
		bool good = right(space, &job[space], why, sizeof(why));

		printf("%sok %u - a job of space %u\n", good ? "" : "not ", space + 1, space);
		if (!good)
			printf("# %s\n", why);
	}
	whole = (ig1_sim_cycles(sim) - whole) / 2;
	for (watchdog = 0; watchdog < 2; watchdog++) {
		for (after = 1; after < whole; after += step, stops++) {
			space = stops & 1;
			if (!stop(&job[space], after, watchdog))
				snprintf(why, sizeof(why), "the stopped job does not end");
			else if (right(!space, &job[!space], why, sizeof(why)))
				continue;
			if (!bad[watchdog]++)
				printf("# space %u stopped after %" PRIu64
				       " cycles, then space %u: %s\n",
				       space, after, !space, why);
		}
		printf("%sok %d - a job is not disturbed by one that %s before it\n",
		       bad[watchdog] ? "not " : "", 3 + watchdog,
		       watchdog ? "ran out of cycles" : "was aborted");
	}
	printf("# %u stops, each %" PRIu64 " of about %" PRIu64 " cycles later; %" PRIu64
	       " cycles in all\n",
	       stops, step, whole, ig1_sim_cycles(sim));
	ig1_sim_destroy(sim);
	free(host);
	return bad[0] || bad[1];
}
