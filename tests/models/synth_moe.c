// SPDX-License-Identifier: MIT
/* Mixtures of experts of synth's models, and what comes with them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "compiler/quant/ggml_types.h"
#include "tests/models/synth_parts.h"

#define GAIN_ROUTER 1.5f /* some experts are clearly better than others */
#define GAIN_FF	    1.5f
#define GAIN_DN	    1.2f /* weights of experts are below one */
#define GAIN_QK	    1.0f
#define GAIN_V	    1.5f
#define GAIN_O	    1.5f
#define BIAS	    0.4f
#define SELECT	    0.1f /* of the bias of choices: it decides some of them */

static bool is(const struct synth_model *m, const char *arch)
{
	return !strcmp(m->arch, arch);
}

static uint32_t expert_ff(const struct synth_model *m)
{
	return m->expert_ff ? m->expert_ff : m->ff;
}

const char *synth_ffn_norm(const struct synth_model *m)
{
	return is(m, "gpt-oss") ? "post_attention_norm" : "ffn_norm";
}

bool synth_moe_makes_sense(const struct synth_model *m)
{
	bool moe = strstr(m->arch, "moe") || is(m, "gpt-oss") || is(m, "deepseek2");

	if (is(m, "deepseek2") && (!m->mla_rank || !m->mla_value || !m->rope_dims ||
				   m->head_size != m->mla_rank + m->rope_dims || m->kv_heads != 1))
		return false;
	if (!m->experts)
		return !moe;
	return (moe || is(m, "llama") || is(m, "qwen2")) && m->used && m->used <= m->experts &&
	       m->experts <= 1024 && m->expert_ff <= 65536 && m->shared_ff <= 65536;
}

static void experts(struct synth *s, uint32_t layer, const char *what, uint32_t type, uint32_t cols,
		    uint32_t rows, float gain)
{
	const struct synth_model *m = s->m;
	char name[64];
	uint32_t k;

	type = m->expert_type ? m->expert_type : type;
	if (m->expert_files != SYNTH_SINGLE) {
		snprintf(name, sizeof(name), "blk.%u.%s_exps.weight", layer, what);
		synth_matrices(s, name, type, cols, rows, m->experts, gain);
		snprintf(name, sizeof(name), "%s_exps", what);
		synth_scales(s, layer, name, m->experts);
		return;
	}
	for (k = 0; k < m->experts; k++) {
		snprintf(name, sizeof(name), "blk.%u.%s.%u.weight", layer, what, k);
		synth_matrices(s, name, type, cols, rows, 1, gain);
	}
}

/* {rows, experts}, as they lie in memory */
static void expert_bias(struct synth *s, uint32_t layer, const char *what, uint32_t rows)
{
	char name[64];

	snprintf(name, sizeof(name), "blk.%u.%s_exps.bias", layer, what);
	synth_matrices(s, name, GGML_TYPE_F32, rows, s->m->experts, 1, BIAS * sqrtf((float)rows));
}

static void shared(struct synth *s, uint32_t i, uint32_t type2)
{
	const struct synth_model *m = s->m;
	char name[64];

	if (!m->shared_ff)
		return;
	synth_linear(s, i, "ffn_gate_shexp", m->type, m->width, m->shared_ff, GAIN_FF, 0);
	synth_linear(s, i, "ffn_up_shexp", m->type, m->width, m->shared_ff, GAIN_FF, 0);
	synth_linear(s, i, "ffn_down_shexp", type2, m->shared_ff, m->width, GAIN_DN, 0);
	snprintf(name, sizeof(name), "blk.%u.ffn_gate_inp_shexp.weight", i);
	if (is(m, "qwen2moe"))
		synth_vector(s, name, m->width, 0, 0.2f);
}

bool synth_moe_layer(struct synth *s, uint32_t i, uint32_t type2)
{
	const struct synth_model *m = s->m;
	uint32_t ff = expert_ff(m);
	bool biases = is(m, "gpt-oss");
	char name[64];

	if (!m->experts || i < m->dense_layers)
		return false;
	synth_linear(s, i, "ffn_gate_inp", GGML_TYPE_F32, m->width, m->experts, GAIN_ROUTER,
		     biases);
	snprintf(name, sizeof(name), "blk.%u.exp_probs_b.bias", i);
	if (m->select_bias)
		synth_vector(s, name, m->experts, 0, SELECT);
	if (m->expert_files == SYNTH_FUSED) {
		experts(s, i, "ffn_gate_up", m->type, m->width, 2 * ff, GAIN_FF);
	} else {
		experts(s, i, "ffn_gate", m->type, m->width, ff, GAIN_FF);
		experts(s, i, "ffn_up", m->type, m->width, ff, GAIN_FF);
	}
	experts(s, i, "ffn_down", type2, ff, m->width, GAIN_DN);
	if (biases) {
		expert_bias(s, i, "ffn_gate", ff);
		expert_bias(s, i, "ffn_up", ff);
		expert_bias(s, i, "ffn_down", m->width);
	}
	shared(s, i, type2);
	return true;
}

void synth_moe_keys(struct synth *s)
{
	const struct synth_model *m = s->m;
	bool counted = is(m, "afmoe") || is(m, "deepseek2");

	if (is(m, "deepseek2")) {
		synth_key_u32(s, "attention.kv_lora_rank", m->mla_rank);
		if (!m->mla_joined) {
			synth_key_u32(s, "attention.key_length_mla", m->mla_plain + m->rope_dims);
			synth_key_u32(s, "attention.value_length_mla", m->mla_value);
		}
		if (m->mla_q_rank)
			synth_key_u32(s, "attention.q_lora_rank", m->mla_q_rank);
		if (m->yarn_log != 0)
			synth_key_f32(s, "rope.scaling.yarn_log_multiplier", m->yarn_log);
	}
	if (!m->experts)
		return;
	synth_key_u32(s, "expert_count", m->experts);
	synth_key_u32(s, "expert_used_count", m->used);
	if (!is(m, "llama") && !is(m, "olmoe") && !is(m, "granitemoe"))
		synth_key_u32(s, "expert_feed_forward_length", expert_ff(m));
	if (m->shared_ff && !counted)
		synth_key_u32(s, "expert_shared_feed_forward_length", m->shared_ff);
	if (m->shared_ff && counted)
		synth_key_u32(s, "expert_shared_count", m->shared_ff / expert_ff(m));
	if (m->dense_layers)
		synth_key_u32(s, "leading_dense_block_count", m->dense_layers);
	if (m->gating)
		synth_key_u32(s, "expert_gating_func", m->gating);
	if (m->weights_norm)
		synth_key_bool(s, "expert_weights_norm", true);
	if (m->weights_scale != 0)
		synth_key_f32(s, "expert_weights_scale", m->weights_scale);
	if (m->groups) {
		synth_key_u32(s, "expert_group_count", m->groups);
		synth_key_u32(s, "expert_group_used_count", m->used_groups);
	}
}

void synth_mla(struct synth *s, uint32_t i)
{
	const struct synth_model *m = s->m;
	uint32_t key = m->mla_plain + m->rope_dims, from = m->width;
	char name[64];

	if (m->mla_q_rank) {
		synth_linear(s, i, "attn_q_a", m->type, m->width, m->mla_q_rank, GAIN_QK, 0);
		synth_norm(s, i, "attn_q_a_norm", m->mla_q_rank);
		from = m->mla_q_rank;
	}
	synth_linear(s, i, m->mla_q_rank ? "attn_q_b" : "attn_q", m->type, from, m->heads * key,
		     GAIN_QK, 0);
	synth_linear(s, i, "attn_kv_a_mqa", m->type, m->width, m->mla_rank + m->rope_dims, GAIN_QK,
		     0);
	synth_norm(s, i, "attn_kv_a_norm", m->mla_rank);
	if (m->mla_joined) {
		synth_linear(s, i, "attn_kv_b", m->type, m->mla_rank,
			     m->heads * (m->mla_plain + m->mla_value), GAIN_V, 0);
	} else {
		snprintf(name, sizeof(name), "blk.%u.attn_k_b.weight", i);
		synth_matrices(s, name, m->type, m->mla_plain, m->mla_rank, m->heads, GAIN_QK);
		snprintf(name, sizeof(name), "blk.%u.attn_v_b.weight", i);
		synth_matrices(s, name, m->type, m->mla_rank, m->mla_value, m->heads, GAIN_V);
	}
	synth_linear(s, i, "attn_output", m->type, m->heads * m->mla_value, m->width, GAIN_O, 0);
}
