// SPDX-License-Identifier: MIT
#include "tests/models/synth_ssm.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/quant/ggml_types.h"
#include "compiler/quant/requant.h"
#include "compiler/tests/gguf_walk.h"
#include "compiler/tests/gguf_writer.h"

/* clang-format off */
const struct synth_ssm ssm_shapes[] = {
	{ .name = "mamba-plain", .arch = "mamba", .layers = 3, .width = 64, .vocab = 200,
	  .context = 4096, .taps = 4, .inner = 128, .state = 16, .rank = 8, .eps = 1e-5f,
	  .type = GGML_TYPE_Q8_0 },
	{ .name = "mamba-falcon", .arch = "mamba", .layers = 2, .width = 40, .vocab = 100,
	  .context = 128, .taps = 3, .inner = 80, .state = 5, .rank = 33, .inner_norms = true,
	  .eps = 1e-6f, .type = GGML_TYPE_F32 },
	{ .name = "mamba-odd", .arch = "mamba", .layers = 1, .width = 33, .vocab = 67,
	  .context = 90, .taps = 2, .inner = 71, .state = 3, .rank = 1, .eps = 1e-5f,
	  .type = GGML_TYPE_F32 },
	/* a state in parts: 1100 * 16 * 4 bytes */
	{ .name = "mamba-wide", .arch = "mamba", .layers = 2, .width = 32, .vocab = 64,
	  .context = 128, .taps = 4, .inner = 1100, .state = 16, .rank = 16, .eps = 1e-5f,
	  .type = GGML_TYPE_Q4_0 },
	{ .name = "mamba2-plain", .arch = "mamba2", .layers = 3, .width = 64, .vocab = 200,
	  .context = 4096, .taps = 4, .inner = 128, .state = 32, .rank = 4, .groups = 1,
	  .eps = 1e-5f, .type = GGML_TYPE_Q8_0 },
	{ .name = "mamba2-groups", .arch = "mamba2", .layers = 2, .width = 48, .vocab = 120,
	  .context = 100, .taps = 4, .inner = 96, .state = 24, .rank = 12, .groups = 4,
	  .eps = 1e-6f, .type = GGML_TYPE_F32 },
	{ .name = "mamba2-odd", .arch = "mamba2", .layers = 2, .width = 35, .vocab = 70,
	  .context = 100, .taps = 5, .inner = 63, .state = 7, .rank = 9, .groups = 3,
	  .eps = 1e-5f, .type = GGML_TYPE_F32 },
	/* parts of heads that cross groups: four heads of 32 x 64 at a time, five to a group */
	{ .name = "mamba2-parts", .arch = "mamba2", .layers = 2, .width = 64, .vocab = 64,
	  .context = 100, .taps = 4, .inner = 640, .state = 64, .rank = 20, .groups = 4,
	  .eps = 1e-5f, .type = GGML_TYPE_Q8_0 },
	/* heads of one element, convolved in two parts */
	{ .name = "mamba2-heads1", .arch = "mamba2", .layers = 1, .width = 32, .vocab = 64,
	  .context = 100, .taps = 4, .inner = 40, .state = 2100, .rank = 40, .groups = 1,
	  .eps = 1e-5f, .type = GGML_TYPE_Q8_0 },
	{ .name = "jamba-pattern", .arch = "jamba", .layers = 8, .pattern = "mamm", .width = 64,
	  .vocab = 100, .context = 96, .taps = 4, .inner = 96, .state = 8, .rank = 8,
	  .inner_norms = true, .heads = 4, .kv_heads = 2, .head_size = 16, .ff = 96, .eps = 1e-6f,
	  .type = GGML_TYPE_Q8_0 },
	{ .name = "jamba-bias", .arch = "jamba", .layers = 8, .pattern = "mamm", .width = 64,
	  .vocab = 100, .context = 96, .taps = 4, .inner = 96, .state = 8, .rank = 8,
	  .inner_norms = true, .heads = 4, .kv_heads = 2, .head_size = 16, .ff = 96, .attn_bias = true, .eps = 1e-6f,
	  .type = GGML_TYPE_Q8_0 },
	{ .name = "granitehybrid-plain", .arch = "granitehybrid", .layers = 6, .pattern = "mma",
	  .width = 64, .vocab = 100, .context = 96, .taps = 4, .inner = 96, .state = 16, .rank = 6,
	  .groups = 2, .heads = 4, .kv_heads = 2, .head_size = 16, .ff = 96, .scales = true,
	  .eps = 1e-5f, .type = GGML_TYPE_Q8_0 },
	{ .name = "granitehybrid-odd", .arch = "granitehybrid", .layers = 3, .pattern = "am",
	  .width = 50, .vocab = 90, .context = 96, .taps = 4, .inner = 60, .state = 10, .rank = 6,
	  .groups = 1, .heads = 5, .kv_heads = 1, .head_size = 12, .ff = 44, .eps = 1e-5f,
	  .type = GGML_TYPE_F32 },
	{ .name = "granitehybrid-plain-conv", .arch = "granitehybrid", .layers = 3, .pattern = "am",
	  .width = 50, .vocab = 90, .context = 96, .taps = 4, .inner = 60, .state = 10, .rank = 6,
	  .groups = 1, .heads = 5, .kv_heads = 1, .head_size = 12, .ff = 44, .plain_conv = true, .attn_bias = true, .eps = 1e-5f,
	  .type = GGML_TYPE_F32 },
	{ .name = "nemotron_h-plain", .arch = "nemotron_h", .layers = 7, .pattern = "mfmamff",
	  .width = 64, .vocab = 100, .context = 96, .taps = 4, .inner = 96, .state = 16, .rank = 6,
	  .groups = 2, .heads = 4, .kv_heads = 2, .head_size = 24, .ff = 96, .eps = 1e-5f,
	  .type = GGML_TYPE_Q8_0 },
	{ .name = "nemotron_h-plain-conv", .arch = "nemotron_h", .layers = 7, .pattern = "mfmamff",
	  .width = 64, .vocab = 100, .context = 96, .taps = 4, .inner = 96, .state = 16, .rank = 6,
	  .groups = 2, .heads = 4, .kv_heads = 2, .head_size = 24, .ff = 96, .plain_conv = true, .attn_bias = true, .eps = 1e-5f,
	  .type = GGML_TYPE_Q8_0 },
	{ .name = "falcon-h1-plain", .arch = "falcon-h1", .layers = 3, .width = 64, .vocab = 100,
	  .context = 96, .taps = 4, .inner = 96, .state = 16, .rank = 6, .groups = 1, .heads = 4,
	  .kv_heads = 2, .head_size = 16, .ff = 96, .eps = 1e-5f, .type = GGML_TYPE_Q8_0 },
	{ .name = "falcon-h1-no-norm", .arch = "falcon-h1", .layers = 3, .width = 48, .vocab = 90,
	  .context = 96, .taps = 4, .inner = 64, .state = 12, .rank = 4, .groups = 2, .heads = 3,
	  .kv_heads = 1, .head_size = 20, .ff = 64, .no_gate_norm = true, .eps = 1e-5f,
	  .type = GGML_TYPE_F32 },
	{ .name = "falcon-h1-plain-conv", .arch = "falcon-h1", .layers = 3, .width = 48, .vocab = 90,
	  .context = 96, .taps = 4, .inner = 64, .state = 12, .rank = 4, .groups = 2, .heads = 3,
	  .kv_heads = 1, .head_size = 20, .ff = 64, .no_gate_norm = true, .plain_conv = true, .attn_bias = true, .eps = 1e-5f,
	  .type = GGML_TYPE_F32 },
	{ .name = "rwkv7-plain", .arch = "rwkv7", .layers = 4, .width = 64, .vocab = 100,
	  .context = 4096, .head_size = 16, .ff = 128, .lora = 8, .eps = 1e-5f,
	  .type = GGML_TYPE_Q8_0 },
	{ .name = "rwkv7-odd", .arch = "rwkv7", .layers = 2, .width = 42, .vocab = 70,
	  .context = 100, .head_size = 14, .ff = 50, .lora = 5, .eps = 1e-5f,
	  .type = GGML_TYPE_F32 },
	/* a state in parts: heads of 16 KB, two at a time */
	{ .name = "rwkv7-parts", .arch = "rwkv7", .layers = 2, .width = 320, .vocab = 64,
	  .context = 100, .head_size = 64, .ff = 96, .lora = 16, .eps = 1e-5f,
	  .type = GGML_TYPE_Q8_0 },
	{ .name = "rwkv6-plain", .arch = "rwkv6", .layers = 4, .width = 64, .vocab = 100,
	  .context = 4096, .head_size = 16, .ff = 128, .lora = 8, .eps = 1e-5f,
	  .type = GGML_TYPE_Q8_0 },
	{ .name = "rwkv6-odd", .arch = "rwkv6", .layers = 3, .width = 42, .vocab = 70,
	  .context = 100, .head_size = 14, .ff = 50, .lora = 5, .rescale = 2, .eps = 1e-5f,
	  .type = GGML_TYPE_F32 },
	{ .name = "qwen3next-plain", .arch = "qwen3next", .layers = 4, .pattern = "mmma",
	  .width = 64, .vocab = 100, .context = 96, .taps = 4, .inner = 96, .state = 16, .rank = 6,
	  .groups = 3, .heads = 4, .kv_heads = 2, .head_size = 16, .ff = 96, .eps = 1e-6f,
	  .type = GGML_TYPE_Q8_0 },
	{ .name = "qwen3next-joined", .arch = "qwen3next", .layers = 4, .pattern = "mmma",
	  .width = 64, .vocab = 100, .context = 96, .taps = 4, .inner = 96, .state = 16, .rank = 6,
	  .groups = 3, .heads = 4, .kv_heads = 2, .head_size = 16, .ff = 96, .joined_in = true, .eps = 1e-6f,
	  .type = GGML_TYPE_Q8_0 },
	{ .name = "qwen35-plain", .arch = "qwen35", .layers = 8, .pattern = "mmma", .width = 64,
	  .vocab = 100, .context = 96, .taps = 4, .inner = 96, .state = 16, .rank = 6,
	  .groups = 2, .heads = 4, .kv_heads = 2, .head_size = 16, .ff = 96, .eps = 1e-6f,
	  .type = GGML_TYPE_Q8_0 },
	/* values longer than keys; state in parts: heads of 8 KB, four at a time */
	{ .name = "qwen35-parts", .arch = "qwen35", .layers = 2, .pattern = "ma", .width = 48,
	  .vocab = 64, .context = 96, .taps = 3, .inner = 576, .state = 32, .rank = 9,
	  .groups = 3, .heads = 3, .kv_heads = 1, .head_size = 20, .ff = 40, .eps = 1e-6f,
	  .type = GGML_TYPE_F32 },
	/* experts */
	{ .name = "jamba-experts", .arch = "jamba", .layers = 8, .pattern = "mamm", .width = 64,
	  .vocab = 100, .context = 96, .taps = 4, .inner = 96, .state = 8, .rank = 8,
	  .inner_norms = true, .heads = 4, .kv_heads = 2, .head_size = 16, .ff = 64, .eps = 1e-6f,
	  .experts = 8, .used = 2, .every = 2, .type = GGML_TYPE_Q8_0 },
	{ .name = "granitehybrid-experts", .arch = "granitehybrid", .layers = 6, .pattern = "mma",
	  .width = 64, .vocab = 100, .context = 96, .taps = 4, .inner = 96, .state = 16, .rank = 6,
	  .groups = 2, .heads = 4, .kv_heads = 2, .head_size = 16, .ff = 40, .scales = true,
	  .eps = 1e-5f, .experts = 10, .used = 3, .shared_ff = 72, .every = 1,
	  .type = GGML_TYPE_Q8_0 },
	{ .name = "nemotron_h_moe-latent", .arch = "nemotron_h_moe", .layers = 7,
	  .pattern = "memaefe", .width = 64, .vocab = 100, .context = 96, .taps = 4, .inner = 96,
	  .state = 16, .rank = 6, .groups = 2, .heads = 4, .kv_heads = 2, .head_size = 24, .ff = 96,
	  .eps = 1e-5f, .experts = 8, .used = 3, .expert_ff = 48, .shared_ff = 80, .latent = 32,
	  .select_bias = true, .weights_norm = true, .weights_scale = 2.5f,
	  .type = GGML_TYPE_Q8_0 },
	{ .name = "nemotron_h_moe-odd", .arch = "nemotron_h_moe", .layers = 4, .pattern = "mea",
	  .width = 50, .vocab = 90, .context = 96, .taps = 4, .inner = 60, .state = 10, .rank = 6,
	  .groups = 1, .heads = 5, .kv_heads = 1, .head_size = 12, .ff = 44, .eps = 1e-5f,
	  .experts = 5, .used = 2, .expert_ff = 27, .type = GGML_TYPE_F32 },
	{ .name = "qwen3next-experts", .arch = "qwen3next", .layers = 8, .pattern = "mmma",
	  .width = 64, .vocab = 100, .context = 96, .taps = 4, .inner = 96, .state = 16, .rank = 6,
	  .groups = 3, .heads = 4, .kv_heads = 2, .head_size = 16, .ff = 96, .eps = 1e-6f,
	  .experts = 12, .used = 4, .expert_ff = 32, .shared_ff = 48, .type = GGML_TYPE_Q8_0 },
	{ .name = "qwen35moe", .arch = "qwen35moe", .layers = 4, .pattern = "mmma", .width = 64,
	  .vocab = 100, .context = 96, .taps = 4, .inner = 96, .state = 16, .rank = 6,
	  .groups = 2, .heads = 4, .kv_heads = 2, .head_size = 16, .eps = 1e-6f,
	  .experts = 6, .used = 2, .expert_ff = 40, .shared_ff = 32, .type = GGML_TYPE_Q4_0 },
	/* recurrent, some heads at a time */
	{ .name = "sqla-plain", .arch = "sqla", .layers = 3, .width = 64, .vocab = 100,
	  .context = 4096, .taps = 2, .heads = 8, .kv_heads = 4, .head_size = 16, .ff = 96,
	  .eps = 1e-5f, .type = GGML_TYPE_Q8_0 },
	/* recurrent: an odd head size, three taps */
	{ .name = "sqla-odd", .arch = "sqla", .layers = 2, .width = 42, .vocab = 70,
	  .context = 100, .taps = 3, .heads = 6, .kv_heads = 6, .head_size = 7, .ff = 50,
	  .plain_conv = true, .eps = 1e-5f, .type = GGML_TYPE_F32 },
	/* recurrent: rows of a head's state in three parts */
	{ .name = "sqla-parts", .arch = "sqla", .layers = 2, .width = 64, .vocab = 64,
	  .context = 300, .taps = 2, .heads = 2, .kv_heads = 1, .head_size = 33, .ff = 64,
	  .eps = 1e-5f, .type = GGML_TYPE_Q8_0 },
	{ .name = "sqla-parallel", .arch = "sqla", .row = "sqla (parallel)", .layers = 3,
	  .width = 64, .vocab = 100, .context = 96, .taps = 2, .heads = 4, .kv_heads = 2,
	  .head_size = 20, .ff = 96, .eps = 1e-5f, .type = GGML_TYPE_Q8_0 },
	/* two groups of 32 to a head */
	{ .name = "sqla-parallel-wide", .arch = "sqla", .row = "sqla (parallel)", .layers = 2,
	  .width = 60, .vocab = 90, .context = 128, .taps = 2, .heads = 3, .kv_heads = 3,
	  .head_size = 40, .ff = 44, .plain_conv = true, .eps = 1e-5f, .type = GGML_TYPE_F32 },
};
/* clang-format on */
const size_t n_ssm_shapes = sizeof(ssm_shapes) / sizeof(ssm_shapes[0]);

struct synth {
	const struct synth_ssm *m;
	struct gguf_writer w;
	int error;
};

static uint64_t stream(uint64_t seed, const char *name)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ seed;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
	return h;
}

static float uniform(uint64_t *rng)
{
	return (float)(gguf_random(rng) >> 40) * 0x1p-24f;
}

static float normal(uint64_t *rng)
{
	float sum = -6.0f;
	int i;

	for (i = 0; i < 12; i++)
		sum += uniform(rng);
	return sum;
}

/* A 32-block type where the rows allow it, for matrices; everything else is F32. */
static void put(struct synth *s, const char *name, uint32_t dims, uint32_t cols, uint32_t rows,
		bool matrix, float *v)
{
	uint32_t type = matrix && cols % 32 == 0 ? s->m->type : GGML_TYPE_F32, r;
	int64_t ne[3] = { cols, dims == 3 ? rows / s->m->experts : rows, s->m->experts };
	uint64_t bytes = 0;
	uint8_t *data;

	if (s->error || (s->m->drop && !strcmp(s->m->drop, name)))
		return;
	for (r = 0; s->m->change && !strcmp(s->m->change, name) && r < cols * rows; r++)
		v[r] *= s->m->factor;
	s->error = ggml_row_size(type, cols, &bytes);
	data = s->error ? NULL : malloc(bytes * rows);
	if (!data) {
		s->error = s->error ? s->error : -ENOMEM;
		return;
	}
	for (r = 0; r < rows; r++) {
		const float *src = v + (size_t)cols * r;

		if (type == GGML_TYPE_Q8_0)
			requant_row_q8_0(src, data + bytes * r, cols);
		else if (type == GGML_TYPE_Q4_0)
			requant_row_q4_0(src, data + bytes * r, cols);
		else
			memcpy(data + bytes * r, src, bytes);
	}
	gguf_write_tensor(&s->w, name, type, dims, ne, data, bytes * rows);
	free(data);
}

enum kind { MATRIX, NORM, SMALL, DECAY_1, DECAY_2, STEP };

/* cols x rows numbers of a kind; layer SIZE_MAX: of the model. */
static void tensor(struct synth *s, size_t layer, const char *what, uint32_t dims, uint32_t cols,
		   uint32_t rows, enum kind kind, float gain)
{
	uint64_t rng;
	char name[96];
	size_t n, i;
	float *v;

	if (layer == SIZE_MAX)
		snprintf(name, sizeof(name), "%s", what);
	else
		snprintf(name, sizeof(name), "blk.%zu.%s", layer, what);
	if (s->m->wide && !strcmp(s->m->wide, name))
		cols++;
	n = (size_t)cols * rows;
	v = malloc((n + 1) * sizeof(*v));
	rng = stream(s->m->seed, name);
	if (!v) {
		s->error = -ENOMEM;
		return;
	}
	for (i = 0; i < n; i++) {
		switch (kind) {
		case MATRIX:
			v[i] = gain * normal(&rng) / sqrtf((float)cols);
			break;
		case NORM:
			v[i] = fmaxf(gain * (1 + 0.25f * normal(&rng)), 0.25f * gain);
			break;
		case SMALL:
			v[i] = gain * normal(&rng);
			break;
		case DECAY_1: /* -1 to -cols, as S4 begins */
			v[i] = -(float)(i % cols + 1) * (0.5f + uniform(&rng));
			break;
		case DECAY_2:
			v[i] = -0.1f - 4 * uniform(&rng) * uniform(&rng);
			break;
		case STEP: /* softplus of it: about 0.02 to 0.7 */
			v[i] = -4 + 4 * uniform(&rng);
			break;
		}
	}
	put(s, name, dims, cols, rows, kind == MATRIX, v);
	free(v);
}

static void matrix(struct synth *s, size_t i, const char *what, uint32_t cols, uint32_t rows,
		   float gain)
{
	tensor(s, i, what, 2, cols, rows, MATRIX, gain);
}

static void vector(struct synth *s, size_t i, const char *what, uint32_t n, enum kind kind,
		   float gain)
{
	tensor(s, i, what, 1, n, 1, kind, gain);
}

static void put_mamba(struct synth *s, size_t i)
{
	const struct synth_ssm *m = s->m;

	matrix(s, i, "ssm_in.weight", m->width, 2 * m->inner, 1.5f);
	tensor(s, i, "ssm_conv1d.weight", 2, m->taps, m->inner, SMALL, 0.6f);
	vector(s, i, "ssm_conv1d.bias", m->inner, SMALL, 0.3f);
	matrix(s, i, "ssm_x.weight", m->inner, m->rank + 2 * m->state, 2.0f);
	if (m->inner_norms) {
		vector(s, i, "ssm_dt_norm.weight", m->rank, NORM, 1);
		vector(s, i, "ssm_b_norm.weight", m->state, NORM, 1);
		vector(s, i, "ssm_c_norm.weight", m->state, NORM, 1);
	}
	matrix(s, i, "ssm_dt.weight", m->rank, m->inner, 1.0f);
	vector(s, i, "ssm_dt.bias", m->inner, STEP, 1);
	tensor(s, i, "ssm_a", 2, m->state, m->inner, DECAY_1, 1);
	vector(s, i, "ssm_d", m->inner, NORM, 1);
	matrix(s, i, "ssm_out.weight", m->inner, m->width, 1.5f);
}

static void put_mamba2(struct synth *s, size_t i)
{
	const struct synth_ssm *m = s->m;
	uint32_t bc = m->groups * m->state;

	matrix(s, i, "ssm_in.weight", m->width, 2 * m->inner + 2 * bc + m->rank, 1.5f);
	tensor(s, i, "ssm_conv1d.weight", 2, m->taps, m->inner + 2 * bc, SMALL, 0.6f);
	if (!m->plain_conv)
		vector(s, i, "ssm_conv1d.bias", m->inner + 2 * bc, SMALL, 0.3f);
	vector(s, i, "ssm_dt.bias", m->rank, STEP, 1);
	tensor(s, i, "ssm_a", 2, 1, m->rank, DECAY_2, 1);
	tensor(s, i, "ssm_d", 2, 1, m->rank, NORM, 1);
	if (!m->no_gate_norm)
		tensor(s, i, "ssm_norm.weight", 2, m->inner / m->groups, m->groups, NORM, 1);
	matrix(s, i, "ssm_out.weight", m->inner, m->width, 1.5f);
}

static void put_lora(struct synth *s, size_t i, char which, uint32_t rank, float gain, float bias)
{
	const struct synth_ssm *m = s->m;
	char name[32];

	snprintf(name, sizeof(name), "time_mix_%c1.weight", which);
	matrix(s, i, name, m->width, rank, 1);
	snprintf(name, sizeof(name), "time_mix_%c2.weight", which);
	matrix(s, i, name, rank, m->width, gain);
	snprintf(name, sizeof(name), "time_mix_%c0.weight", which);
	if (bias != 0)
		vector(s, i, name, m->width, SMALL, bias);
}

static void norm_bias(struct synth *s, size_t i, const char *name)
{
	char buf[64];

	snprintf(buf, sizeof(buf), "%s.weight", name);
	vector(s, i, buf, s->m->width, NORM, 1);
	snprintf(buf, sizeof(buf), "%s.bias", name);
	vector(s, i, buf, s->m->width, SMALL, 0.2f);
}

static void put_rwkv7(struct synth *s, size_t i)
{
	const struct synth_ssm *m = s->m;
	uint32_t e = m->width;

	norm_bias(s, i, "attn_norm");
	norm_bias(s, i, "attn_norm_2");
	norm_bias(s, i, "time_mix_ln");
	tensor(s, i, "time_mix_lerp_fused.weight", 2, e, 6, SMALL, 0.4f);
	matrix(s, i, "time_mix_receptance.weight", e, e, 1);
	matrix(s, i, "time_mix_key.weight", e, e, 1);
	matrix(s, i, "time_mix_value.weight", e, e, 1);
	matrix(s, i, "time_mix_output.weight", e, e, 1);
	put_lora(s, i, 'w', m->lora, 1, 1);
	put_lora(s, i, 'a', m->lora + 1, 1, 0.5f);
	/* without a use in the first layer, where converters put those of 'a' */
	put_lora(s, i, 'v', m->lora + (i ? 2 : 1), 1, 0.5f);
	put_lora(s, i, 'g', m->lora + 3, 2, 0);
	vector(s, i, "time_mix_k_k.weight", e, NORM, 1);
	vector(s, i, "time_mix_k_a.weight", e, NORM, 0.7f);
	vector(s, i, "time_mix_r_k.weight", e, SMALL, 0.3f);
	vector(s, i, "channel_mix_lerp_k.weight", e, SMALL, 0.4f);
	matrix(s, i, "channel_mix_key.weight", e, m->ff, 1.2f);
	matrix(s, i, "channel_mix_value.weight", m->ff, e, 0.8f);
}

static void put_rwkv6(struct synth *s, size_t i)
{
	const struct synth_ssm *m = s->m;
	uint32_t e = m->width, rank = m->lora, slow = m->lora + 1;

	norm_bias(s, i, "attn_norm");
	norm_bias(s, i, "attn_norm_2");
	norm_bias(s, i, "time_mix_ln");
	vector(s, i, "time_mix_lerp_x.weight", e, SMALL, 0.4f);
	tensor(s, i, "time_mix_lerp_fused.weight", 2, e, 5, SMALL, 0.4f);
	matrix(s, i, "time_mix_w1.weight", e, 5 * rank, 1);
	matrix(s, i, "time_mix_w2.weight", rank, 5 * e, 0.5f);
	vector(s, i, "time_mix_decay.weight", e, STEP, 1);
	matrix(s, i, "time_mix_decay_w1.weight", e, slow, 1);
	matrix(s, i, "time_mix_decay_w2.weight", slow, e, 0.5f);
	tensor(s, i, "time_mix_first.weight", 2, m->head_size, e / m->head_size, SMALL, 0.5f);
	matrix(s, i, "time_mix_receptance.weight", e, e, 1);
	matrix(s, i, "time_mix_key.weight", e, e, 1);
	matrix(s, i, "time_mix_value.weight", e, e, 1);
	matrix(s, i, "time_mix_gate.weight", e, e, 1);
	matrix(s, i, "time_mix_output.weight", e, e, 1);
	vector(s, i, "channel_mix_lerp_k.weight", e, SMALL, 0.4f);
	vector(s, i, "channel_mix_lerp_r.weight", e, SMALL, 0.4f);
	matrix(s, i, "channel_mix_key.weight", e, m->ff, 1.2f);
	matrix(s, i, "channel_mix_value.weight", m->ff, e, 0.8f);
	matrix(s, i, "channel_mix_receptance.weight", e, e, 1);
}

static void put_attention(struct synth *s, size_t i)
{
	const struct synth_ssm *m = s->m;
	uint32_t nq = m->heads * m->head_size, nk = m->kv_heads * m->head_size;

	matrix(s, i, "attn_q.weight", m->width, nq, 1);
	matrix(s, i, "attn_k.weight", m->width, nk, 1);
	matrix(s, i, "attn_v.weight", m->width, nk, 1.5f);
	matrix(s, i, "attn_output.weight", nq, m->width, 1.5f);
	if (!m->attn_bias)
		return;
	vector(s, i, "attn_q.bias", nq, SMALL, 0.4f);
	vector(s, i, "attn_k.bias", nk, SMALL, 0.4f);
	vector(s, i, "attn_v.bias", nk, SMALL, 0.4f);
}

static void put_conv(struct synth *s, size_t i, char which, uint32_t width)
{
	char name[32];

	snprintf(name, sizeof(name), "ssm_conv1d_%c.weight", which);
	tensor(s, i, name, 2, s->m->taps, width, SMALL, 0.6f);
	snprintf(name, sizeof(name), "ssm_conv1d_%c.bias", which);
	if (!s->m->plain_conv)
		vector(s, i, name, width, SMALL, 0.3f);
}

static void put_squared(struct synth *s, size_t i)
{
	const struct synth_ssm *m = s->m;
	uint32_t nq = m->heads * m->head_size, nk = m->kv_heads * m->head_size;

	put_attention(s, i);
	put_conv(s, i, 'q', nq);
	put_conv(s, i, 'k', nk);
	put_conv(s, i, 'v', nk);
	matrix(s, i, "ssm_alpha.weight", m->width, m->kv_heads, 1);
	vector(s, i, "ssm_dt.bias", m->kv_heads, STEP, 1);
}

static void put_delta(struct synth *s, size_t i)
{
	const struct synth_ssm *m = s->m;
	uint32_t keys = m->groups * m->state;

	if (m->joined_in) {
		matrix(s, i, "ssm_in.weight", m->width, 2 * keys + 2 * m->inner, 1.5f);
	} else {
		matrix(s, i, "attn_qkv.weight", m->width, 2 * keys + m->inner, 1.5f);
		matrix(s, i, "attn_gate.weight", m->width, m->inner, 1.5f);
	}
	if (!strcmp(m->arch, "qwen3next")) {
		matrix(s, i, "ssm_ba.weight", m->width, 2 * m->rank, 1);
	} else {
		matrix(s, i, "ssm_beta.weight", m->width, m->rank, 1);
		matrix(s, i, "ssm_alpha.weight", m->width, m->rank, 1);
	}
	tensor(s, i, "ssm_conv1d.weight", 2, m->taps, 2 * keys + m->inner, SMALL, 0.6f);
	vector(s, i, "ssm_dt.bias", m->rank, STEP, 1);
	vector(s, i, "ssm_a", m->rank, DECAY_2, 1);
	vector(s, i, "ssm_norm.weight", m->inner / m->rank, NORM, 1);
	matrix(s, i, "ssm_out.weight", m->inner, m->width, 1.5f);
}

/* Queries and their gates in turn, head by head. */
static void put_gated(struct synth *s, size_t i)
{
	const struct synth_ssm *m = s->m;
	uint32_t nq = m->heads * m->head_size, nk = m->kv_heads * m->head_size;

	matrix(s, i, "attn_q.weight", m->width, 2 * nq, 1);
	matrix(s, i, "attn_k.weight", m->width, nk, 1);
	matrix(s, i, "attn_v.weight", m->width, nk, 1.5f);
	vector(s, i, "attn_q_norm.weight", m->head_size, NORM, 1);
	vector(s, i, "attn_k_norm.weight", m->head_size, NORM, 1);
	matrix(s, i, "attn_output.weight", nq, m->width, 1.5f);
}

static void put_ffn(struct synth *s, size_t i, const char *norm, bool gate)
{
	const struct synth_ssm *m = s->m;

	if (norm)
		vector(s, i, norm, m->width, NORM, 1);
	if (gate)
		matrix(s, i, "ffn_gate.weight", m->width, m->ff, 1.5f);
	matrix(s, i, "ffn_up.weight", m->width, m->ff, 1.2f);
	matrix(s, i, "ffn_down.weight", m->ff, m->width, 0.8f);
}

/* A matrix of every expert. */
static void experts(struct synth *s, size_t i, const char *what, uint32_t cols, uint32_t rows,
		    float gain)
{
	tensor(s, i, what, 3, cols, s->m->experts * rows, MATRIX, gain);
}

static void put_experts(struct synth *s, size_t i, const char *norm)
{
	const struct synth_ssm *m = s->m;
	uint32_t ff = m->expert_ff ? m->expert_ff : m->ff;
	uint32_t width = m->latent ? m->latent : m->width;
	bool gate = strcmp(m->arch, "nemotron_h_moe");

	if (norm)
		vector(s, i, norm, m->width, NORM, 1);
	/* some experts are clearly better than others */
	tensor(s, i, "ffn_gate_inp.weight", 2, m->width, m->experts, SMALL,
	       1.5f / sqrtf((float)m->width));
	if (m->select_bias)
		vector(s, i, "exp_probs_b.bias", m->experts, SMALL, 0.1f);
	if (m->latent) {
		matrix(s, i, "ffn_latent_down.weight", m->width, width, 1);
		matrix(s, i, "ffn_latent_up.weight", width, m->width, 1);
	}
	if (gate)
		experts(s, i, "ffn_gate_exps.weight", width, ff, 1.5f);
	experts(s, i, "ffn_up_exps.weight", width, ff, 1.2f);
	experts(s, i, "ffn_down_exps.weight", ff, width, 1);
	if (!m->shared_ff)
		return;
	if (gate)
		matrix(s, i, "ffn_gate_shexp.weight", m->width, m->shared_ff, 1.5f);
	matrix(s, i, "ffn_up_shexp.weight", m->width, m->shared_ff, 1.2f);
	matrix(s, i, "ffn_down_shexp.weight", m->shared_ff, m->width, 0.8f);
	if (!strncmp(m->arch, "qwen", 4))
		vector(s, i, "ffn_gate_inp_shexp.weight", m->width, SMALL, 0.2f);
}

static char letter(const struct synth_ssm *m, size_t i)
{
	return m->pattern ? m->pattern[i % strlen(m->pattern)] : 'm';
}

static void put_layer(struct synth *s, size_t i)
{
	const struct synth_ssm *m = s->m;
	bool jamba = !strcmp(m->arch, "jamba"), nemotron = !strncmp(m->arch, "nemotron_h", 10);
	bool falcon = !strcmp(m->arch, "falcon-h1"), pure = !strncmp(m->arch, "mamba", 5);

	if (!strcmp(m->arch, "rwkv6")) {
		put_rwkv6(s, i);
		return;
	}
	if (!strcmp(m->arch, "rwkv7")) {
		put_rwkv7(s, i);
		return;
	}
	vector(s, i, "attn_norm.weight", m->width, NORM, 1);
	if (!strncmp(m->arch, "qwen", 4)) {
		if (letter(m, i) == 'a')
			put_gated(s, i);
		else
			put_delta(s, i);
		if (m->experts)
			put_experts(s, i, "post_attention_norm.weight");
		else
			put_ffn(s, i, "post_attention_norm.weight", true);
		return;
	}
	if (!strcmp(m->arch, "sqla")) {
		put_squared(s, i);
		put_ffn(s, i, "ffn_norm.weight", true);
		return;
	}
	if (letter(m, i) == 'a' || falcon)
		put_attention(s, i);
	if (letter(m, i) == 'f')
		put_ffn(s, i, NULL, false);
	if (letter(m, i) == 'e')
		put_experts(s, i, NULL);
	if (letter(m, i) == 'm') {
		if (jamba || !strcmp(m->arch, "mamba"))
			put_mamba(s, i);
		else
			put_mamba2(s, i);
	}
	if (m->every && (i + 1) % m->every == 0)
		put_experts(s, i, "ffn_norm.weight");
	else if (!pure && !nemotron)
		put_ffn(s, i, falcon ? "ffn_norm" : "ffn_norm.weight", true);
}

static void key_u32(struct synth *s, const char *name, uint32_t v)
{
	char buf[64];

	snprintf(buf, sizeof(buf), "%s.%s", s->m->arch, name);
	gguf_write_u32(&s->w, buf, v);
}

static void key_f32(struct synth *s, const char *name, float v)
{
	char buf[64];

	snprintf(buf, sizeof(buf), "%s.%s", s->m->arch, name);
	gguf_write_f32(&s->w, buf, v);
}

/* v in layers of one of the letters, 0 in others */
static void key_layers(struct synth *s, const char *name, const char *of, uint32_t v)
{
	uint32_t list[256];
	char buf[64];
	size_t i;

	for (i = 0; i < s->m->layers; i++)
		list[i] = strchr(of, letter(s->m, i)) ? v : 0;
	snprintf(buf, sizeof(buf), "%s.%s", s->m->arch, name);
	gguf_write_arr(&s->w, buf, GGUF_U32, s->m->layers, list);
}

static void key_bool(struct synth *s, const char *name, bool v)
{
	char buf[64];

	snprintf(buf, sizeof(buf), "%s.%s", s->m->arch, name);
	gguf_write_bool(&s->w, buf, v);
}

static void put_expert_keys(struct synth *s)
{
	const struct synth_ssm *m = s->m;

	if (!m->experts)
		return;
	key_u32(s, "expert_count", m->experts);
	key_u32(s, "expert_used_count", m->used);
	if (m->expert_ff)
		key_u32(s, "expert_feed_forward_length", m->expert_ff);
	if (m->shared_ff)
		key_u32(s, "expert_shared_feed_forward_length", m->shared_ff);
	if (m->latent)
		key_u32(s, "moe_latent_size", m->latent);
	if (m->weights_norm)
		key_bool(s, "expert_weights_norm", true);
	if (m->weights_scale != 0)
		key_f32(s, "expert_weights_scale", m->weights_scale);
}

static void put_keys(struct synth *s)
{
	const struct synth_ssm *m = s->m;

	gguf_write_str(&s->w, "general.architecture", m->arch);
	gguf_write_str(&s->w, "general.name", m->name);
	key_u32(s, "context_length", m->context);
	key_u32(s, "embedding_length", m->width);
	key_u32(s, "block_count", m->layers);
	if (m->lora) {
		key_f32(s, "attention.layer_norm_epsilon", m->eps);
		key_u32(s, "wkv.head_size", m->head_size);
		key_u32(s, "feed_forward_length", m->ff);
		key_u32(s, "attention.head_count", 0);
		if (!strcmp(m->arch, "rwkv6")) {
			key_u32(s, "time_mix_extra_dim", m->lora);
			key_u32(s, "time_decay_extra_dim", m->lora + 1);
			key_u32(s, "rescale_every_n_layers", m->rescale);
			return;
		}
		key_u32(s, "attention.decay_lora_rank", m->lora);
		key_u32(s, "attention.iclr_lora_rank", m->lora + 1);
		key_u32(s, "attention.value_residual_mix_lora_rank", m->lora + 2);
		key_u32(s, "attention.gate_lora_rank", m->lora + 3);
		return;
	}
	key_f32(s, "attention.layer_norm_rms_epsilon", m->eps);
	if (m->taps != 2 || strcmp(m->arch, "sqla"))
		key_u32(s, "ssm.conv_kernel", m->taps);
	if (!strcmp(m->arch, "sqla")) {
		key_u32(s, "feed_forward_length", m->ff);
		key_u32(s, "attention.head_count", m->heads);
		key_u32(s, "attention.head_count_kv", m->kv_heads);
		key_u32(s, "attention.key_length", m->head_size);
		key_u32(s, "attention.value_length", m->head_size);
		return;
	}
	key_u32(s, "ssm.inner_size", m->inner);
	key_u32(s, "ssm.state_size", m->state);
	key_u32(s, "ssm.time_step_rank", m->rank);
	if (m->groups)
		key_u32(s, "ssm.group_count", m->groups);
	if (m->inner_norms && !strcmp(m->arch, "mamba"))
		key_bool(s, "ssm.dt_b_c_rms", true);
	key_u32(s, "attention.head_count", m->heads);
	put_expert_keys(s);
	if (!strncmp(m->arch, "nemotron_h", 10))
		key_layers(s, "feed_forward_length", "fe", m->ff);
	else if (m->ff)
		key_u32(s, "feed_forward_length", m->ff);
	if (!m->heads)
		return;
	if (!strncmp(m->arch, "qwen", 4))
		key_u32(s, "full_attention_interval", (uint32_t)strlen(m->pattern));
	if (!strcmp(m->arch, "falcon-h1") || !strncmp(m->arch, "qwen", 4))
		key_u32(s, "attention.head_count_kv", m->kv_heads);
	else
		key_layers(s, "attention.head_count_kv", "a", m->kv_heads);
	key_u32(s, "attention.key_length", m->head_size);
	key_u32(s, "attention.value_length", m->head_size);
	if (m->scales) {
		key_f32(s, "embedding_scale", 3);
		key_f32(s, "residual_scale", 0.4f);
		key_f32(s, "logit_scale", 2.5f);
		key_f32(s, "attention.scale", 0.11f);
	}
}

int synth_ssm_build(const struct synth_ssm *m, uint8_t **data, size_t *size)
{
	struct synth s = { .m = m };
	size_t i;

	if (m->layers > 256)
		return -EINVAL;
	gguf_writer_init(&s.w);
	put_keys(&s);
	matrix(&s, SIZE_MAX, "token_embd.weight", m->width, m->vocab, 3);
	for (i = 0; i < m->layers; i++)
		put_layer(&s, i);
	if (m->lora) {
		vector(&s, SIZE_MAX, "token_embd_norm.weight", m->width, NORM, 1);
		vector(&s, SIZE_MAX, "token_embd_norm.bias", m->width, SMALL, 0.2f);
		vector(&s, SIZE_MAX, "output_norm.bias", m->width, SMALL, 0.2f);
	}
	vector(&s, SIZE_MAX, "output_norm.weight", m->width, NORM, 1);
	matrix(&s, SIZE_MAX, "output.weight", m->width, m->vocab, 3);
	if (!s.error)
		s.error = gguf_writer_finish(&s.w, data, size);
	gguf_writer_free(&s.w);
	return s.error;
}
