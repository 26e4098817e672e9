// SPDX-License-Identifier: MIT
/* Text form of the graph: printing what was parsed gives the same text; what is wrong is refused. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/compile.h"
#include "compiler/quant/ggml_types.h"
#include "compiler/tests/gguf_walk.h"
#include "tests/models/synth.h"

static const struct synth_model specs[] = {
	{ .name = "quote \" back \\ \xc3\xa9 \x01",
	  .arch = "llama",
	  .layers = 2,
	  .width = 64,
	  .heads = 4,
	  .kv_heads = 2,
	  .ff = 64,
	  .vocab = 64,
	  .context = 96,
	  .bias = SYNTH_BIAS_QKV | SYNTH_BIAS_O,
	  .rope_freqs = true,
	  .eps = 1e-5f,
	  .type = GGML_TYPE_Q4_0,
	  .type2 = GGML_TYPE_Q8_0,
	  .seed = 1 },
	{ .name = "q2",
	  .arch = "qwen2",
	  .layers = 2,
	  .width = 64,
	  .heads = 4,
	  .kv_heads = 4,
	  .ff = 64,
	  .vocab = 64,
	  .context = 96,
	  .bias = SYNTH_BIAS_QKV,
	  .tied = true,
	  .scaling = "yarn",
	  .factor = 3,
	  .original = 32,
	  .eps = 1e-5f,
	  .type = GGML_TYPE_F32,
	  .seed = 2 },
	{ .name = "q3",
	  .arch = "qwen3",
	  .layers = 3,
	  .width = 64,
	  .heads = 4,
	  .kv_heads = 2,
	  .ff = 64,
	  .vocab = 64,
	  .context = 96,
	  .head_size = 64,
	  .eps = 1e-5f,
	  .type = GGML_TYPE_Q8_0,
	  .seed = 3 },
	{ .name = "moe",
	  .arch = "qwen2moe",
	  .bias = SYNTH_BIAS_QKV,
	  .layers = 2,
	  .width = 64,
	  .heads = 4,
	  .kv_heads = 2,
	  .ff = 64,
	  .vocab = 64,
	  .context = 96,
	  .experts = 6,
	  .used = 2,
	  .expert_ff = 32,
	  .shared_ff = 64,
	  .eps = 1e-5f,
	  .type = GGML_TYPE_Q8_0,
	  .seed = 4 },
};

static void check_round_trip(const char *when, const char *text, size_t n)
{
	struct strbuf again = { 0 };
	struct ir_model m;

	ir_init(&m);
	if (ir_parse(&m, text, n) || ir_verify(&m))
		fail_msg("after %s: %s", when, m.diag.msg);
	ir_print(&m, &again);
	assert_int_equal(again.err, 0);
	if (again.len != n || memcmp(again.p, text, n))
		fail_msg("after %s: text differs", when);
	strbuf_free(&again);
	ir_free(&m);
}

static int after(void *ctx, const char *pass, struct ir_model *m, double seconds)
{
	size_t *count = ctx;
	struct strbuf s = { 0 };

	(void)seconds;
	ir_print(m, &s);
	assert_int_equal(s.err, 0);
	check_round_trip(pass, s.p, s.len);
	strbuf_free(&s);
	(*count)++;
	return 0;
}

static void test_round_trip(void **state)
{
	struct compile_options o = { .model = "model", .chip = compile_chip("default") };
	struct compile_result r;
	size_t i, size, count;
	uint8_t *data;

	(void)state;
	for (i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		assert_int_equal(synth_build(&specs[i], &data, &size), 0);
		o.data = data;
		o.size = size;
		count = 0;
		o.watch.ctx = &count;
		o.watch.after = after;
		if (compile_model(&o, &r))
			fail_msg("%s", r.model.diag.msg);
		/* the frontend, every pass, generate, hazards */
		assert_int_equal(count, n_passes + 3);
		compile_free(&r);
		free(data);
	}
}

static char *sample(size_t which, size_t *n)
{
	struct compile_options o = { .model = "model", .chip = compile_chip("default") };
	struct compile_result r;
	struct strbuf s = { 0 };
	uint8_t *data;
	size_t size;

	assert_int_equal(synth_build(&specs[which], &data, &size), 0);
	o.data = data;
	o.size = size;
	assert_int_equal(compile_model(&o, &r), 0);
	ir_print(&r.model, &s);
	compile_free(&r);
	free(data);
	*n = s.len;
	return s.p;
}

static int parse(const char *text, size_t n, struct diag *d)
{
	struct ir_model m;
	int ret;

	ir_init(&m);
	ret = ir_parse(&m, text, n);
	if (!ret)
		ret = ir_verify(&m);
	*d = m.diag;
	ir_free(&m);
	return ret;
}

#define HEAD "intaglio-ir 1\nmodel layers=1 vocab=8\n"
#define T0   "tensor t0 name=\"a\" rows=8 cols=4\n"

#define SQLA                                                \
	HEAD T0 "const c0 n=1 pieces=[zero*1*1] common=1\n" \
		"op v0 embed mats=[t0] width=4\nop v1 slice in=[v0] width=2\n"

static const struct {
	const char *text, *says;
} wrong[] = {
	{ "", "empty" },
	{ "intaglio-ir 2\nmodel\n", "line 1" },
	{ "intaglio-ir 1\n", "empty" },
	{ "intaglio-ir 1\nmodel", "does not end" },
	{ "intaglio-ir 1\nmodle\n", "\"model\" expected" },
	{ HEAD "nothing\n", "line 3: unknown line" },
	{ HEAD "tensor t1\n", "bad number" },
	{ HEAD "tensor c0\n", "bad number" },
	{ HEAD T0 "tensor t0\n", "line 4: bad number" },
	{ HEAD "tensor t0 colour=1\n", "unknown attribute" },
	{ HEAD "tensor t0 rows=1 rows=2\n", "given twice" },
	{ HEAD "tensor t0 rows\n", "'=' expected" },
	{ HEAD "tensor t0 rows=x\n", "number expected" },
	{ HEAD "tensor t0 rows=-1\n", "number expected" },
	{ HEAD "tensor t0 rows=18446744073709551616\n", "too large" },
	{ HEAD "tensor t0 type=4294967296\n", "too large" },
	{ HEAD "tensor t0 rows=1x\n", "space expected" },
	{ HEAD "tensor t0 fmt=q9\n", "unknown name" },
	{ HEAD "tensor t0 name=abc\n", "string expected" },
	{ HEAD "tensor t0 name=\"abc\n", "string does not end" },
	{ HEAD "tensor t0 name=\"\\xZZ\"\n", "bad escape" },
	{ HEAD "tensor t0 name=\"\\x00\"\n", "bad escape" },
	{ HEAD "tensor t0 rows=0 cols=1\n", "unusable shape" },
	{ HEAD T0 "const c0 n=8 pieces=[t0*8]\n", "tensor*elements*copies" },
	{ HEAD T0 "const c0 n=8 pieces=[t1*8*1]\n", "not defined before" },
	{ HEAD T0 "const c0 n=8 pieces=[one*8*1]\n", "reference expected" },
	{ HEAD T0 "const c0 n=33 pieces=[t0*32*1]\n", "do not add up" },
	{ HEAD T0 "const c0 n=8 pieces=[zero*18446744073709551615*2]\n", "do not add up" },
	{ HEAD "table r0 dims=3 positions=1\n", "bad shape" },
	{ HEAD "table r0 dims=4 positions=1 base=inf\n", "finite number" },
	{ HEAD T0 "op v0 embed\n", "wrong number of matrices" },
	{ HEAD T0 "op v0 embed mats=[t0] width=5\n", "width is not that" },
	{ HEAD T0 "op v0 embed mats=[t0\n", "list does not end" },
	{ HEAD T0 "op v0 embed mats=[t1] width=4\n", "not defined before" },
	{ HEAD T0 "op v0 fry\n", "unknown name" },
	{ HEAD T0 "op v0 add in=[v0,v0] width=4\n", "not defined before" },
	{ HEAD T0 "op v0 embed mats=[t0] width=4\nop v1 matmul in=[v0] mats=[t0] width=9\n",
	  "width is not the number of rows" },
	{ HEAD T0 "op v0 embed mats=[t0] width=4\nop v1 slice in=[v0] width=4 off=1\n",
	  "beyond the end" },
	{ HEAD T0 "op v0 embed mats=[t0] width=4\nop v1 slice in=[v0] width=4 off=4294967295\n",
	  "beyond the end" },
	{ HEAD T0
	  "op v0 embed mats=[t0] width=4\nop v1 attention in=[v0] width=4 seg=1 heads=3 kv_heads=1\n",
	  "heads do not fit" },
	{ HEAD T0 "op v0 embed mats=[t0] width=4\nop v1 quant in=[v0] width=4 seg=3 dt=q8\n",
	  "no multiple" },
	{ HEAD T0 "op v0 embed mats=[t0] width=4\nop v1 logits in=[v0]\n",
	  "not of the vocabulary" },
	{ HEAD T0 "op v0 embed mats=[t0] width=4\nop v1 kvstore in=[v0,v0] seg=2\n", "do not fit" },
	{ HEAD T0 "op v0 embed mats=[t0] width=4\n"
		  "op v1 attention in=[v0] width=4 seg=1 heads=4 kv_heads=1 window=4294967290\n",
	  "window beyond the context" },
	{ HEAD T0 "op v0 embed mats=[t0] width=4\n"
		  "op v1 attention in=[v0,v0] width=4 seg=1 heads=4 kv_heads=4\n",
	  "values in keys" },
	{ HEAD T0 "op v0 embed mats=[t0] width=4\n"
		  "op v1 attention in=[v0,v0,v0] width=8 seg=1 vseg=2 heads=4 kv_heads=4\n",
	  "keys or values do not fit" },
	{ HEAD T0 "op v0 embed mats=[t0] width=4\nop v1 quant in=[v0] width=4 seg=2 dt=q8\n"
		  "op v2 kvstore in=[v1,v1] seg=2 vseg=1\n",
	  "keys and values do not fit" },
	{ SQLA "op v2 sqla in=[v0,v0,v0,v1] const=c0 width=4 seg=2 heads=2 kv_heads=1\n",
	  "operands do not fit" },
	{ SQLA "op v2 sqla in=[v0,v0,v0,v1] const=c0 width=4 seg=4 heads=2 kv_heads=2\n",
	  "heads do not fit" },
	{ SQLA "op v2 sqla in=[v0,v0,v0,v1] width=4 seg=2 heads=2 kv_heads=2\n",
	  "constant missing" },
	{ SQLA "op v2 runsum in=[v1] width=2\n", "not a pair for each element" },
	{ SQLA
	  "op v2 attention in=[v0,v0,v0,v1] const=c0 width=4 seg=2 heads=2 kv_heads=2 squared=1\n",
	  "running sums do not fit" },
	{ SQLA
	  "op v2 attention in=[v0,v0,v0,v0] const=c0 width=4 seg=2 heads=2 kv_heads=2 squared=1 "
	  "scale=1\n",
	  "what only a softmax has" },
	{ SQLA "op v2 attention in=[v0,v0,v0] width=4 seg=2 heads=2 kv_heads=2 squared=1\n",
	  "wrong number of inputs" },
	{ SQLA "op v2 quant in=[v0] width=4 seg=2 dt=q8\n"
	       "op v3 kvstore in=[v2,v2,v1] seg=2 kv_heads=2 squared=1\n",
	  "running sums do not fit" },
};

static void test_refused(void **state)
{
	struct diag d;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (parse(wrong[i].text, strlen(wrong[i].text), &d) != -EINVAL)
			fail_msg("case %zu was accepted: %s", i, wrong[i].text);
		if (!strstr(d.msg, wrong[i].says))
			fail_msg("case %zu: \"%s\" does not say \"%s\"", i, d.msg, wrong[i].says);
	}
	assert_int_equal(parse(HEAD T0, strlen(HEAD T0), &d), 0);
}

/* Damaged texts: refused, or a graph that prints and parses again. */
static void damage(size_t which)
{
	static const char bytes[] = "\n \"=[]*,0179-tcrv.exq\\\xff";
	size_t n, i, k, accepted = 0;
	char *text = sample(which, &n), *copy = malloc(n + 1);
	uint64_t seed = 7;

	assert_non_null(copy);
	for (i = 0; i < 3000; i++) {
		struct strbuf s = { 0 };
		struct ir_model m;

		memcpy(copy, text, n);
		for (k = gguf_random(&seed) % 3 + 1; k; k--)
			copy[gguf_random(&seed) % n] =
				bytes[gguf_random(&seed) % (sizeof(bytes) - 1)];
		ir_init(&m);
		if (!ir_parse(&m, copy, n) && !ir_verify(&m)) {
			accepted++;
			ir_print(&m, &s);
			check_round_trip("damage", s.p, s.len);
			ir_dot(&m, &s);
			strbuf_free(&s);
		} else {
			assert_int_not_equal(m.diag.msg[0], 0);
		}
		ir_free(&m);
	}
	print_message("# %zu of 3000 damaged graphs are still graphs\n", accepted);
	free(copy);
	free(text);
}

static void test_damaged(void **state)
{
	(void)state;
	damage(0);
	damage(sizeof(specs) / sizeof(specs[0]) - 1);
}

static void test_dot(void **state)
{
	struct strbuf s = { 0 };
	struct ir_model m;
	size_t n;
	char *text = sample(0, &n);

	(void)state;
	ir_init(&m);
	assert_int_equal(ir_parse(&m, text, n), 0);
	ir_dot(&m, &s);
	assert_memory_equal(s.p, "digraph model {\n", 16);
	assert_string_equal(s.p + s.len - 2, "}\n");
	assert_non_null(strstr(s.p, "layer.1/ffn_down"));
	strbuf_free(&s);
	ir_free(&m);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_dot),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("ir", tests, NULL, NULL);
}
