// SPDX-License-Identifier: MIT
/* models.md section 3 and 4: frequencies, linear scaling, yarn. */
#include <errno.h>
#include <math.h>

#include "compiler/frontends/build.h"
#include "compiler/frontends/gguf_internal.h"
#include "compiler/frontends/source.h"

/* The factors of a context beyond the original one, or of one within it. */
static void long_factors(struct fe_net *n, struct ir_table *r)
{
	struct ir_tensor *lng, *shrt;

	fe_tensor(n, "rope_factors_long.weight", false, r->dims / 2, 1, &lng);
	fe_tensor(n, "rope_factors_short.weight", false, r->dims / 2, 1, &shrt);
	if (!lng != !shrt)
		diag_set(&n->m->diag, -EINVAL, "tensor rope_factors_%s.weight: missing",
			 lng ? "short" : "long");
	r->factors = n->context > r->orig_ctx ? lng : shrt;
}

int fe_rope_table(struct fe_net *n)
{
	struct fe_keys *k = &n->keys;
	uint32_t dims = n->head_size, orig = 0;
	float base = 10000.0f, factor = 0.0f, attn = 1.0f, ext = -1.0f, fast = 32.0f, slow = 1.0f;
	float yarn_attn = 1.0f;
	struct gguf_str type = { "linear", 6 };
	struct ir_table *r;
	char shown[SHOWN];
	bool yarn, none;

	if (fe_u32(k, "context_length", true, &orig) ||
	    fe_u32(k, "rope.dimension_count", false, &dims) ||
	    fe_f32(k, "rope.freq_base", false, &base) || fe_str(k, "rope.scaling.type", &type) ||
	    fe_f32(k, "rope.scale_linear", false, &factor) ||
	    fe_f32(k, "rope.scaling.factor", false, &factor) ||
	    fe_f32(k, "rope.scaling.attn_factor", false, &attn) ||
	    fe_f32(k, "rope.scaling.yarn_attn_factor", false, &yarn_attn) ||
	    fe_f32(k, "rope.scaling.yarn_ext_factor", false, &ext) ||
	    fe_f32(k, "rope.scaling.yarn_beta_fast", false, &fast) ||
	    fe_f32(k, "rope.scaling.yarn_beta_slow", false, &slow) ||
	    fe_u32(k, "rope.scaling.original_context_length", false, &orig))
		return n->m->diag.err;
	if (!dims || dims % 2 || dims > n->head_size)
		return diag_set(&n->m->diag, -EINVAL,
				"key %s.rope.dimension_count: %u, supported: even, 2 to the head "
				"size %u",
				n->arch->name, dims, n->head_size);
	if (!(base > 0.0f) || base == 1.0f)
		return diag_set(&n->m->diag, -EINVAL,
				"key %s.rope.freq_base: %g, supported: positive, not 1",
				n->arch->name, (double)base);
	if (factor < 0.0f)
		return diag_set(&n->m->diag, -EINVAL,
				"key %s.rope.scaling.factor: %g, supported: not negative",
				n->arch->name, (double)factor);
	yarn = gguf_str_eq(type, "yarn");
	none = gguf_str_eq(type, "none");
	if (!yarn && !none && !gguf_str_eq(type, "linear") &&
	    !(n->arch->long_rope && gguf_str_eq(type, "longrope")))
		return diag_set(&n->m->diag, -ENOTSUP,
				"key %s.rope.scaling.type: \"%s\", supported: none, linear, yarn%s",
				n->arch->name, gguf_show(type, shown),
				n->arch->long_rope ? ", longrope" : "");
	if (yarn && (!orig || !(fast > 0.0f) || !(slow > 0.0f)))
		return diag_set(&n->m->diag, -EINVAL,
				"key %s.rope.scaling: yarn needs a positive original context and "
				"betas",
				n->arch->name);
	r = ir_table_new(n->m, "rope");
	if (!r)
		return n->m->diag.err;
	r->dims = dims;
	r->positions = n->context;
	r->base = base;
	r->scale = none || factor == 0.0f ? 1.0 : 1.0 / (double)factor;
	r->mscale = attn;
	r->beta_fast = fast;
	r->beta_slow = slow;
	r->orig_ctx = orig;
	r->ext = ext < 0.0f ? yarn : ext;
	/* with yarn's ramp it follows from the factor, whatever yarn_attn_factor says */
	r->mscale *= r->ext != 0.0 ? 1.0 + 0.1 * log(1.0 / r->scale) : yarn_attn;
	if (source_uses_rope_freqs(n->f))
		fe_tensor(n, "rope_freqs.weight", false, dims / 2, 1, &r->factors);
	if (n->arch->long_rope)
		long_factors(n, r);
	n->rope = r;
	return n->m->diag.err;
}

int fe_rope_window(struct fe_net *n, float base)
{
	struct ir_table *r;

	if (fe_f32(&n->keys, "rope.freq_base_swa", false, &base))
		return n->m->diag.err;
	if (!(base > 0.0f) || base == 1.0f)
		return diag_set(&n->m->diag, -EINVAL,
				"key %s.rope.freq_base_swa: %g, supported: positive, not 1",
				n->arch->name, (double)base);
	r = ir_table_new(n->m, "rope_window");
	if (!r)
		return n->m->diag.err;
	r->dims = n->rope->dims;
	r->positions = n->context;
	r->base = base;
	r->scale = 1;
	r->mscale = 1;
	n->rope_win = r;
	return 0;
}
