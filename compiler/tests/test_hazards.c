// SPDX-License-Identifier: MIT
/*
 * The hazard checker: accepts what the compiler makes, and rejects it as soon as one token is left
 * out, whichever it is; small streams written by hand for what the compiler never makes.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/asm/asm.h"
#include "compiler/codegen/hazards.h"
#include "compiler/compile.h"
#include "compiler/quant/ggml_types.h"
#include "tests/models/synth.h"

/* Of the compiler's token numbers: those that are taken and given back; the one between iterations. */
#define BATONS 0x7e00u
#define CARRY  0x8000u

static const struct synth_model spec = {
	.name = "hazards",
	.arch = "qwen3",
	.layers = 2,
	.width = 64,
	.heads = 4,
	.kv_heads = 2,
	.ff = 64,
	.vocab = 64,
	.context = 96,
	.eps = 1e-5f,
	.type = GGML_TYPE_Q8_0,
	.seed = 1,
};

static const struct synth_model experts = {
	.name = "hazards",
	.arch = "qwen2moe",
	.bias = SYNTH_BIAS_QKV,
	.layers = 2,
	.width = 64,
	.heads = 4,
	.kv_heads = 2,
	.ff = 64,
	.vocab = 64,
	.context = 96,
	.experts = 8,
	.used = 3,
	.expert_ff = 32,
	.shared_ff = 64,
	.eps = 1e-5f,
	.type = GGML_TYPE_Q8_0,
	.seed = 1,
};

struct program {
	uint8_t *code;
	size_t n;
	struct hazards_program hp;
};

static uint32_t word(const struct program *p, size_t cmd, unsigned int w)
{
	uint32_t v;

	memcpy(&v, p->code + cmd * IG1_COMMAND_BYTES + 4 * w, 4);
	return v;
}

static void set_word(struct program *p, size_t cmd, unsigned int w, uint32_t v)
{
	memcpy(p->code + cmd * IG1_COMMAND_BYTES + 4 * w, &v, 4);
}

static uint32_t waits(const struct program *p, size_t cmd)
{
	return word(p, cmd, 0) >> 16;
}

static uint32_t signals(const struct program *p, size_t cmd)
{
	return word(p, cmd, 1) & 0xffff;
}

static void drop_wait(struct program *p, size_t cmd, uint32_t bit)
{
	set_word(p, cmd, 0, word(p, cmd, 0) & ~(bit << 16));
}

static void drop_signal(struct program *p, size_t cmd, uint32_t bit)
{
	set_word(p, cmd, 1, word(p, cmd, 1) & ~bit);
}

static int verdict(const struct program *p, struct diag *d)
{
	struct hazards_stats stats;

	*d = (struct diag){ 0 };
	return hazards_check(&p->hp, &stats, d);
}

static void build(struct compile_result *r, struct program *p, const struct synth_model *s,
		  enum ig1_prog kind)
{
	const struct ig1_config *chip = compile_chip("small");
	struct compile_options o = { .model = "model", .chip = chip };
	uint8_t *data;
	size_t size;

	assert_int_equal(synth_build(s, &data, &size), 0);
	o.data = data;
	o.size = size;
	if (compile_model(&o, r))
		fail_msg("%s", r->model.diag.msg);
	free(data);
	assert_int_equal(cg_encode_all(&r->code.prog[kind], &p->code, &size), 0);
	p->n = r->code.prog[kind].n_cmds;
	p->hp = (struct hazards_program){
		.chip = chip,
		.prog = p->code,
		.n_cmds = p->n,
		.kind = kind,
		.context = s->context,
		.max_cols = r->code.shape.cols,
		.kv_block_bytes = r->code.kv.block_bytes,
		.window = r->code.kv.window,
		.ring = r->code.kv.ring,
		.ring_bytes = r->code.kv.ring_bytes,
	};
}

/* The command whose plain token `cmd` takes: the n-th taken is the n-th given. */
static size_t giver_of(const struct program *p, size_t cmd, uint32_t bit)
{
	size_t i, taken = 0, given = 0;

	for (i = 0; i < cmd; i++)
		taken += (waits(p, i) & bit) != 0;
	for (i = 0; i < cmd; i++) {
		if (signals(p, i) & bit && given++ == taken)
			return i;
	}
	fail_msg("command %zu takes token 0x%x from nobody", cmd, bit);
	return 0;
}

static void drop_each(const struct synth_model *s, enum ig1_prog kind)
{
	struct compile_result r;
	size_t i, n = 0, missed = 0;
	struct program p;
	uint8_t *keep;
	unsigned int t;
	struct diag d;

	build(&r, &p, s, kind);
	assert_int_equal(verdict(&p, &d), 0);
	keep = malloc(p.n * IG1_COMMAND_BYTES);
	assert_non_null(keep);
	memcpy(keep, p.code, p.n * IG1_COMMAND_BYTES);
	for (i = 0; i < p.n; i++) {
		for (t = 0; t < IG1_TOKENS; t++) {
			uint32_t bit = 1u << t;

			if (!(waits(&p, i) & bit))
				continue;
			if (bit & CARRY)
				continue;
			if (bit & BATONS)
				drop_signal(&p, i, bit);
			else
				drop_signal(&p, giver_of(&p, i, bit), bit);
			drop_wait(&p, i, bit);
			n++;
			if (verdict(&p, &d) == -EBADMSG) {
				assert_non_null(strstr(d.msg, "nothing orders them"));
			} else {
				missed++;
				print_message("# command %zu, %s, token %u: %s\n", i,
					      r.code.prog[kind].cmds[i].name, t,
					      d.err ? d.msg : "accepted");
			}
			memcpy(p.code, keep, p.n * IG1_COMMAND_BYTES);
		}
	}
	for (i = 0; i < p.n; i++) {
		drop_wait(&p, i, CARRY);
		drop_signal(&p, i, CARRY);
	}
	assert_int_equal(verdict(&p, &d), -EBADMSG);
	assert_non_null(strstr(d.msg, "nothing orders them"));
	print_message("# %zu tokens left out one by one, %zu unnoticed\n", n, missed);
	assert_true(n > 20);
	assert_int_equal(missed, 0);
	free(keep);
	free(p.code);
	compile_free(&r);
}

static void test_drop_prefill(void **state)
{
	(void)state;
	drop_each(&spec, IG1_PROG_PREFILL);
	drop_each(&experts, IG1_PROG_PREFILL);
}

static void test_drop_decode(void **state)
{
	(void)state;
	drop_each(&spec, IG1_PROG_DECODE);
	drop_each(&experts, IG1_PROG_DECODE);
}

/* Commands as text, one job with nothing in its column table but one column. */
static int check_text(const char *text, struct diag *d)
{
	static const struct ig1_column col = { .token = 1, .pos = 3, .kv = 0x100000 };
	char err[IG1_ASM_ERR] = "";
	struct hazards_program p = {
		.chip = compile_chip("small"), .context = 96, .max_cols = 1, .kv_block_bytes = 4096
	};
	struct trace_job job = { .chip = p.chip,
				 .cols = &col,
				 .n_cols = 1,
				 .max_commands = 10000,
				 .args = { 0x10000, 1 } };
	struct hazards_stats stats = { 0 };
	void *prog;
	size_t bytes;
	int ret;

	if (ig1_asm_program(text, strlen(text), &prog, &bytes, err, sizeof(err)))
		fail_msg("%s", err);
	job.prog = prog;
	job.n_cmds = bytes / IG1_COMMAND_BYTES;
	*d = (struct diag){ 0 };
	ret = hazards_check_job(&p, &job, &stats, d);
	free(prog);
	return ret;
}

#define ADD(w, s, a, y) \
	"v.mov wait=" w " signal=" s " out=f32 n0=8 n1=1 n2=1 a0=1 y0=1 a=" a " y=" y "\n"
#define LOAD(w, s, sp)	"d.ld wait=" w " signal=" s " va=0x200000 sp=" sp " bytes=32 n1=1 n2=1\n"
#define STORE(w, s, sp) "d.st wait=" w " signal=" s " va=0x200000 sp=" sp " bytes=32 n1=1 n2=1\n"

static const struct {
	const char *what, *text;
	int ret;
	const char *says; /* part of the message */
} streams[] = {
	{ "read after write", LOAD("0", "0", "0x0") ADD("0", "0", "0x0", "0x40") "s.end\n",
	  -EBADMSG, "command 1 (unnamed) reads scratch 0x0, which command 0 (unnamed) writes" },
	{ "the same with a token", LOAD("0", "1", "0x0") ADD("1", "0", "0x0", "0x40") "s.end\n", 0,
	  NULL },
	{ "the same with a sync",
	  LOAD("0", "0", "0x0") "s.sync\n" ADD("0", "0", "0x0", "0x40") "s.end\n", 0, NULL },
	{ "write after read", STORE("0", "0", "0x40") ADD("0", "0", "0x0", "0x40") "s.end\n",
	  -EBADMSG, "writes scratch 0x40, which command 0 (unnamed) reads" },
	{ "write after write", LOAD("0", "0", "0x40") ADD("0", "0", "0x0", "0x40") "s.end\n",
	  -EBADMSG, "writes scratch 0x40, which command 0 (unnamed) writes" },
	{ "no common byte", LOAD("0", "0", "0x40") ADD("0", "0", "0x0", "0x60") "s.end\n", 0,
	  NULL },
	{ "one engine", STORE("0", "0", "0x40") LOAD("0", "0", "0x40") "s.end\n", 0, NULL },
	{ "sequencer reads too early", LOAD("0", "0", "0x40") "s.ld rd=r9 imm=0x40\ns.end\n",
	  -EBADMSG, "reads scratch 0x40" },
	{ "sequencer waits", LOAD("0", "1", "0x40") "s.ld wait=1 rd=r9 imm=0x40\ns.end\n", 0,
	  NULL },
	{ "sequencer writes, then issues",
	  "s.st rb=r1 imm=0x0\n" ADD("0", "0", "0x0", "0x40") "s.end\n", 0, NULL },
	{ "through a third engine",
	  LOAD("0", "1", "0x0") "t.emb wait=1 signal=2 rows=1 groups=1 cols=1 istride=4 idx=0x0 y=0x100 wstride=34\n" ADD(
		  "2", "0", "0x0", "0x40") "s.end\n",
	  0, NULL },
	{ "from iteration to iteration",
	  "s.loop rd=r9 imm=2 len=2\n" LOAD("0", "1", "0x0") ADD("1", "0", "0x0", "0x40") "s.end\n",
	  -EBADMSG, "command 1 (unnamed) writes scratch 0x0, which command 2 (unnamed) reads" },
	{ "the same, one iteration",
	  "s.loop rd=r9 imm=1 len=2\n" LOAD("0", "1", "0x0") ADD("1", "0", "0x0", "0x40") "s.end\n",
	  0, NULL },
	{ "the same with a baton",
	  "s.loop signal=2 rd=r9 imm=2 len=2\n" LOAD("2", "1", "0x0")
		  ADD("1", "2", "0x0", "0x40") "s.end\n",
	  0, NULL },
	{ "different places in each iteration",
	  "s.loop rd=r9 imm=2 len=3\ns.alu rd=r10 ra=r9 alu=mul imm=0x100\n"
	  "d.ld signal=1 va=0x200000 bytes=32 n1=1 n2=1 rsp=r10\n"
	  "v.mov wait=1 out=f32 n0=8 n1=1 n2=1 a0=1 y0=1 ra=r10 y=0x40\ns.end\n",
	  0, NULL },
	{ "token out of nothing", ADD("1", "0", "0x0", "0x40") "s.end\n", -EBADMSG,
	  "takes token 0, which nobody has given" },
	{ "token of two givers",
	  LOAD("0", "1",
	       "0x0") "v.mov signal=1 out=f32 n0=8 n1=1 n2=1 a0=1 y0=1 a=0x80 y=0xc0\n"
		      "t.emb wait=1 rows=1 groups=1 cols=1 istride=4 idx=0x0 y=0x100 wstride=34\ns.end\n",
	  -EBADMSG, "both give token 0, unordered" },
	{ "token of two takers",
	  LOAD("0", "1", "0x0") LOAD("0", "1", "0x20") ADD(
		  "1", "0", "0x0",
		  "0x40") "t.emb wait=1 rows=1 groups=1 cols=1 istride=4 idx=0x20 y=0x100 wstride=34\ns.end\n",
	  -EBADMSG, "both take token 0, unordered" },
	{ "operand from computed data",
	  "v.mov red=argmax n0=8 n1=1 n2=1 a0=1 z=0x40\ns.sync\n"
	  "s.ld rd=r9 imm=0x40\nv.mov out=f32 n0=8 n1=1 n2=1 a0=1 y0=1 ra=r9 y=0x80\ns.end\n",
	  -ENOTSUP, "depends on computed data" },
	{ "loop over computed data",
	  "v.mov red=argmax n0=8 n1=1 n2=1 a0=1 z=0x40\ns.sync\n"
	  "s.ld rd=r9 imm=0x40\ns.loop rd=r10 ra=r9 len=1\ns.sync\ns.end\n",
	  -ENOTSUP, "depends on computed data" },
	{ "no end", "s.sync\n", -EINVAL, "past the end" },
	{ "endless", "s.loop rd=r9 imm=0x100000 len=1\ns.sync\ns.end\n", -E2BIG, "more commands" },
	{ "loop beyond the program", "s.loop rd=r9 imm=1 len=9\ns.end\n", -EINVAL,
	  "its body outside" },
	{ "skip beyond the body", "s.loop rd=r9 imm=1 len=1\ns.skip len=2\ns.sync\ns.sync\ns.end\n",
	  -EINVAL, "skip beyond" },
	{ "break outside", "s.brk\ns.end\n", -EINVAL, "break outside" },
	{ "outside scratch", ADD("0", "0", "0x0", "0xfffffff0") "s.end\n", -EINVAL,
	  "out of range" },
};

static void test_streams(void **state)
{
	struct diag d;
	size_t i;
	int ret;

	(void)state;
	for (i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
		ret = check_text(streams[i].text, &d);
		if (ret != streams[i].ret)
			fail_msg("%s: %d (%s), expected %d", streams[i].what, ret, d.msg,
				 streams[i].ret);
		if (streams[i].says && !strstr(d.msg, streams[i].says))
			fail_msg("%s: \"%s\" does not say \"%s\"", streams[i].what, d.msg,
				 streams[i].says);
	}
}

/* 255 tokens fit a counter. */
static void test_counter(void **state)
{
	char text[300 * 80], *p = text;
	struct diag d;
	int i;

	(void)state;
	for (i = 0; i < 255; i++)
		p += sprintf(p, "v.mov signal=1 out=f32 n0=1 n1=1 n2=1 a0=1 y0=1 y=0x40\n");
	strcpy(p, "s.end\n");
	assert_int_equal(check_text(text, &d), 0);
	strcpy(p, "v.mov signal=1 out=f32 n0=1 n1=1 n2=1 a0=1 y0=1 y=0x40\ns.end\n");
	assert_int_equal(check_text(text, &d), -EBADMSG);
	assert_non_null(strstr(d.msg, "gives token 0 beyond 255"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_counter),
		cmocka_unit_test(test_drop_prefill),
		cmocka_unit_test(test_drop_decode),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("hazards", tests, NULL, NULL);
}
