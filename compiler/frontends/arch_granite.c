// SPDX-License-Identifier: MIT
/* Granite 3 and 4, dense: llama with four factors. */
#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "compiler/frontends/build.h"

/* *v: what stands there when the key is absent or 0. */
static int read_factor(struct fe_net *n, const char *key, float *v)
{
	float f = 0;

	if (fe_f32(&n->keys, key, false, &f))
		return n->m->diag.err;
	if (f == 0)
		return 0;
	if (fabsf(f) < 1e-6f || fabsf(f) > 1e6f)
		return diag_set(&n->m->diag, -EINVAL,
				"key %s.%s: %g, supported: 0, or magnitudes from 1e-6 to 1e6",
				n->arch->name, key, (double)f);
	*v = f;
	return 0;
}

int fe_read_granite(struct fe_net *n)
{
	bool finetuned = true;
	char name[128];
	int ret;

	if (read_factor(n, "attention.scale", &n->attn_scale) ||
	    read_factor(n, "embedding_scale", &n->embd_scale) ||
	    read_factor(n, "residual_scale", &n->residual_scale) ||
	    read_factor(n, "logit_scale", &n->logit_scale))
		return n->m->diag.err;
	n->logit_scale = 1 / n->logit_scale;
	snprintf(name, sizeof(name), "%s.rope.scaling.finetuned", n->arch->name);
	ret = gguf_get_bool(n->f, name, &finetuned, NULL);
	if (ret && ret != -ENOENT)
		return diag_set(&n->m->diag, ret, "key %s: not a bool", name);
	if (!finetuned)
		n->rope = NULL;
	return 0;
}

const char *const fe_granite_keys[] = { FE_GRANITE_KEYS, NULL };

const struct fe_arch fe_arch_granite = {
	.name = "granite",
	.rope_pairs = 1,
	.bias_o = FE_MAY_BIAS,
	.bias_ffn = FE_MAY_BIAS,
	.keys = fe_granite_keys,
	.read = fe_read_granite,
};
