// SPDX-License-Identifier: MIT
/* Gemma 1, 2 and 3. */
#include <errno.h>
#include <math.h>

#include "compiler/frontends/build.h"

#define GEMMA2_LAYERS_27B 46
#define GEMMA3_LAYERS_27B 62

/*
 * The largest models scale queries by the width of a head's share, not by its size. Folders say it
 * (query_pre_attn_scalar), GGUF files usually do not.
 */
static int query_scale(struct fe_net *n, uint32_t layers_27b)
{
	float v = 0;

	if (layers_27b && n->layers == layers_27b)
		n->attn_scale = (float)(1.0 / sqrt((double)n->width / n->heads));
	if (fe_f32(&n->keys, "attention.scale", false, &v))
		return n->m->diag.err;
	if (v == 0)
		return 0;
	n->attn_scale = v;
	if (v >= 1e-6f && v <= 1e6f)
		return 0;
	return diag_set(&n->m->diag, -EINVAL,
			"key %s.attention.scale: %g, supported: 0, 1e-6 to 1e6", n->arch->name,
			(double)v);
}

static int read_gemma(struct fe_net *n)
{
	n->embd_scale = sqrtf((float)n->width);
	return query_scale(n, 0);
}

static int read_cap(struct fe_net *n, const char *key, float *cap)
{
	if (fe_f32(&n->keys, key, false, cap))
		return n->m->diag.err;
	if (*cap >= 0 && *cap < 1e6f && (*cap == 0 || *cap > 1e-6f))
		return 0;
	return diag_set(&n->m->diag, -EINVAL, "key %s.%s: %g, supported: 0, 1e-6 to 1e6",
			n->arch->name, key, (double)*cap);
}

static int read_gemma2(struct fe_net *n)
{
	n->embd_scale = sqrtf((float)n->width);
	n->attn_cap = 50;
	n->final_cap = 30;
	if (query_scale(n, GEMMA2_LAYERS_27B) ||
	    read_cap(n, "attn_logit_softcapping", &n->attn_cap) ||
	    read_cap(n, "final_logit_softcapping", &n->final_cap))
		return n->m->diag.err;
	return fe_windows(n, 4096, 2);
}

/* Windowed layers have a base of their own and no scaling. */
static int read_gemma3(struct fe_net *n)
{
	n->embd_scale = sqrtf((float)n->width);
	if (query_scale(n, GEMMA3_LAYERS_27B) ||
	    read_cap(n, "attn_logit_softcapping", &n->attn_cap) ||
	    read_cap(n, "final_logit_softcapping", &n->final_cap) || fe_windows(n, 0, 6))
		return n->m->diag.err;
	return n->windowed ? fe_rope_window(n, 10000) : 0;
}

static const char *const caps[] = { "attention.scale", "attn_logit_softcapping",
				    "final_logit_softcapping", NULL };
static const char *const scale[] = { "attention.scale", NULL };

const struct fe_arch fe_arch_gemma = {
	.name = "gemma",
	.act = IR_FN_GELU,
	.keys = scale,
	.read = read_gemma,
};

const struct fe_arch fe_arch_gemma2 = {
	.name = "gemma2",
	.act = IR_FN_GELU,
	.post_norms = true,
	.keys = caps,
	.read = read_gemma2,
};

const struct fe_arch fe_arch_gemma3 = {
	.name = "gemma3",
	.act = IR_FN_GELU,
	.head_norms = true,
	.post_norms = true,
	.keys = caps,
	.read = read_gemma3,
};
