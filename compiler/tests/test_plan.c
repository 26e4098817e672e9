// SPDX-License-Identifier: MIT
/* Scratch planner and token insertion on random programs; the planner's own verifier. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/codegen/codegen.h"
#include "compiler/codegen/hazards.h"
#include "compiler/compile.h"
#include "compiler/tests/gguf_walk.h"

struct fixture {
	struct arena arena;
	struct diag diag;
	struct cg_prog p;
	uint64_t seed;
};

static void begin(struct fixture *f, uint64_t seed)
{
	memset(f, 0, sizeof(*f));
	f->seed = seed;
	cg_prog_init(&f->p, &f->arena, &f->diag, compile_chip("small"));
}

static void end(struct fixture *f)
{
	cg_prog_free(&f->p);
	arena_free(&f->arena);
}

static uint32_t dice(struct fixture *f, uint32_t n)
{
	return (uint32_t)(gguf_random(&f->seed) >> 33) % n;
}

/* One command of some engine that reads `from` and writes `to`, 32 bytes each. */
static void command(struct fixture *f, unsigned int engine, uint32_t from, uint32_t to)
{
	struct cg_cmd *c;

	switch (engine) {
	case IG1_ENGINE_VEC:
		c = cg_cmd(&f->p, IG1_OP_V_MOV, "vec");
		c->u.vec.out = IG1_VFMT_F32;
		c->u.vec.n0 = 8;
		c->u.vec.n1 = 1;
		c->u.vec.n2 = 1;
		c->u.vec.a0 = 1;
		c->u.vec.y0 = 1;
		cg_ref(&f->p, c, CG_FIELD(vec, a), false, false, from, 0);
		cg_ref(&f->p, c, CG_FIELD(vec, y), false, true, to, 0);
		break;
	case IG1_ENGINE_TILE:
		c = cg_cmd(&f->p, IG1_OP_T_EMB, "tile");
		c->u.emb.wstride = 34;
		c->u.emb.rows = 1;
		c->u.emb.groups = 1;
		c->u.emb.cols = 1;
		cg_ref(&f->p, c, CG_FIELD(emb, idx), false, false, from, 0);
		cg_ref(&f->p, c, CG_FIELD(emb, y), false, true, to, 0);
		break;
	case IG1_ENGINE_DMA:
		c = cg_cmd(&f->p, dice(f, 2) ? IG1_OP_D_LD : IG1_OP_D_ST, "dma");
		c->u.dma.va = 0x100000;
		c->u.dma.bytes = 32;
		c->u.dma.n1 = 1;
		c->u.dma.n2 = 1;
		c->va_kind = CG_VA_KV;
		c->va_write = c->u.dma.op == IG1_OP_D_ST;
		cg_ref(&f->p, c, CG_FIELD(dma, sp), false, !c->va_write, to, 0);
		break;
	default:
		c = cg_cmd(&f->p, IG1_OP_S_LD, "load");
		c->u.seq.rd = 9;
		cg_ref(&f->p, c, CG_FIELD(seq, imm), true, false, from, 0);
		break;
	}
}

/* The sequencer stays outside loops: there it may not wait for a body. */
static void commands(struct fixture *f, uint32_t n, uint32_t n_bufs, bool seq)
{
	while (n--)
		command(f, seq && !dice(f, 6) ? IG1_ENGINE_SEQ : 1 + dice(f, 3), dice(f, n_bufs),
			dice(f, n_bufs));
}

static size_t open_loop(struct fixture *f, uint64_t times)
{
	struct cg_cmd *c = cg_cmd(&f->p, IG1_OP_S_LOOP, "loop");

	c->u.seq.rd = 10;
	c->u.seq.imm = times;
	return f->p.n_cmds - 1;
}

static void close_loop(struct fixture *f, size_t at)
{
	f->p.cmds[at].u.seq.len = (uint32_t)(f->p.n_cmds - 1 - at);
}

/* Two runs of commands, a loop with a loop in it between them. */
static void random_program(struct fixture *f, uint64_t seed, uint32_t size)
{
	uint32_t n_bufs, i;
	size_t outer, inner;

	begin(f, seed);
	n_bufs = 3 + dice(f, 20);
	for (i = 0; i < n_bufs; i++)
		cg_buf(&f->p, "buffer", 128 * (1 + dice(f, 40)));
	cg_cmd(&f->p, IG1_OP_S_LI, "start")->u.seq.rd = 11;
	commands(f, size, n_bufs, true);
	if (dice(f, 4)) {
		outer = open_loop(f, 2 + dice(f, 2));
		commands(f, 1 + dice(f, size), n_bufs, false);
		if (dice(f, 2)) {
			inner = open_loop(f, 1 + dice(f, 3));
			commands(f, 1 + dice(f, size), n_bufs, false);
			close_loop(f, inner);
			commands(f, dice(f, 4), n_bufs, false);
		}
		close_loop(f, outer);
		/* what a body did is not known to the sequencer without this */
		cg_cmd(&f->p, IG1_OP_S_SYNC, "sync");
	}
	commands(f, size, n_bufs, true);
	cg_cmd(&f->p, IG1_OP_S_END, "end");
	assert_int_equal(f->diag.err, 0);
}

static void test_plan(void **state)
{
	uint64_t seed, sum, peak_sum = 0, total = 0;
	struct fixture f;
	size_t i;

	(void)state;
	for (seed = 1; seed <= 300; seed++) {
		uint32_t *addr;

		random_program(&f, seed, 12);
		assert_int_equal(cg_plan(&f.p), 0);
		if (cg_plan_verify(&f.p))
			fail_msg("seed %u: %s", (unsigned int)seed, f.diag.msg);
		for (i = 0, sum = 0; i < f.p.n_bufs; i++)
			sum += f.p.bufs[i].used ? (f.p.bufs[i].size + 127) / 128 * 128 : 0;
		assert_true(f.p.scratch_used <= sum);
		peak_sum += f.p.scratch_used;
		total += sum;
		/* the same program, the same plan */
		addr = calloc(f.p.n_bufs + 1, sizeof(*addr));
		assert_non_null(addr);
		for (i = 0; i < f.p.n_bufs; i++)
			addr[i] = f.p.bufs[i].addr;
		assert_int_equal(cg_plan(&f.p), 0);
		for (i = 0; i < f.p.n_bufs; i++)
			assert_int_equal(f.p.bufs[i].addr, addr[i]);
		free(addr);
		end(&f);
	}
	print_message("# peaks are %.1f %% of the buffers' sum\n",
		      100.0 * (double)peak_sum / (double)total);
}

/* Two short-lived buffers share memory, a long-lived one keeps its own. */
static void test_reuse(void **state)
{
	uint32_t a, b, c;
	struct fixture f;
	size_t loop;

	(void)state;
	begin(&f, 1);
	a = cg_buf(&f.p, "a", 4096);
	b = cg_buf(&f.p, "b", 4096);
	c = cg_buf(&f.p, "c", 4096);
	command(&f, IG1_ENGINE_VEC, c, a);
	command(&f, IG1_ENGINE_VEC, a, c);
	command(&f, IG1_ENGINE_VEC, c, b);
	command(&f, IG1_ENGINE_VEC, b, c);
	assert_int_equal(cg_plan(&f.p), 0);
	assert_int_equal(f.p.scratch_used, 8192);
	assert_int_equal(f.p.bufs[a].addr, f.p.bufs[b].addr);
	end(&f);
	/* in a loop, what comes from outside is needed to its end */
	begin(&f, 1);
	a = cg_buf(&f.p, "a", 4096);
	b = cg_buf(&f.p, "b", 4096);
	c = cg_buf(&f.p, "c", 4096);
	command(&f, IG1_ENGINE_VEC, c, a);
	loop = open_loop(&f, 2);
	command(&f, IG1_ENGINE_VEC, a, c);
	command(&f, IG1_ENGINE_VEC, c, b);
	close_loop(&f, loop);
	assert_int_equal(cg_plan(&f.p), 0);
	assert_int_equal(f.p.scratch_used, 3 * 4096);
	assert_int_equal(cg_plan_verify(&f.p), 0);
	end(&f);
}

static void test_verifier(void **state)
{
	struct fixture f;
	uint32_t a, b;

	(void)state;
	begin(&f, 1);
	a = cg_buf(&f.p, "first", 4096);
	b = cg_buf(&f.p, "second", 4096);
	command(&f, IG1_ENGINE_VEC, a, b);
	assert_int_equal(cg_plan(&f.p), 0);
	assert_int_equal(cg_plan_verify(&f.p), 0);
	f.p.bufs[a].addr = f.p.bufs[b].addr + 128;
	assert_int_equal(cg_plan_verify(&f.p), -EINVAL);
	assert_string_equal(f.diag.msg, "scratch plan: first and second live together and overlap");
	f.diag = (struct diag){ 0 };
	f.p.bufs[a].addr = f.p.chip->scratch_bytes - 4092;
	assert_int_equal(cg_plan_verify(&f.p), -EINVAL);
	assert_string_equal(f.diag.msg, "scratch plan: first is outside");
	end(&f);
}

/* What the token pass made, the hazard checker accepts; without it, it rarely does. */
static void test_tokens(void **state)
{
	static const struct ig1_column col = { .pos = 1, .kv = 0x100000 };
	unsigned int bare_ok = 0, programs = 0;
	struct fixture f;
	uint64_t seed;
	int round;

	(void)state;
	for (seed = 1; seed <= 400; seed++) {
		random_program(&f, seed, 4 + (uint32_t)seed % 12);
		assert_int_equal(cg_plan(&f.p), 0);
		for (round = 0; round < 2; round++) {
			struct hazards_program hp = { .chip = f.p.chip };
			struct trace_job job = { .chip = f.p.chip,
						 .cols = &col,
						 .n_cols = 1,
						 .max_commands = 100000,
						 .args = { 0x10000, 1 } };
			struct hazards_stats stats = { 0 };
			struct diag d = { 0 };
			uint8_t *code;
			size_t bytes;
			int ret;

			if (round && cg_tokens(&f.p))
				fail_msg("seed %u: %s", (unsigned int)seed, f.diag.msg);
			assert_int_equal(cg_encode_all(&f.p, &code, &bytes), 0);
			job.prog = code;
			job.n_cmds = f.p.n_cmds;
			ret = hazards_check_job(&hp, &job, &stats, &d);
			if (round && ret)
				fail_msg("seed %u: %s", (unsigned int)seed, d.msg);
			if (!round && !ret)
				bare_ok++;
			free(code);
		}
		programs++;
		end(&f);
	}
	print_message("# %u of %u programs need no tokens\n", bare_ok, programs);
	assert_true(bare_ok < programs / 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plan),
		cmocka_unit_test(test_reuse),
		cmocka_unit_test(test_verifier),
		cmocka_unit_test(test_tokens),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
