// SPDX-License-Identifier: MIT
/* models.md sections 1 and 3: which layers see a window of positions only. */
#include <errno.h>
#include <stdio.h>

#include "compiler/frontends/build.h"

/* The key is a period for all layers, or a flag for each. */
static int read_pattern(struct fe_net *n, uint32_t period, uint32_t *flags)
{
	struct gguf_error err = { 0 };
	char name[128];
	uint32_t i;
	int ret;

	snprintf(name, sizeof(name), "%s.attention.sliding_window_pattern", n->arch->name);
	ret = gguf_get_u32(n->f, name, &period, NULL);
	if (ret && ret != -ENOENT) {
		ret = gguf_get_u32_layers(n->f, name, n->blocks, flags, &err);
		return ret ? diag_set(&n->m->diag, ret, "%s", err.msg) : 0;
	}
	for (i = 0; i < n->layers; i++)
		flags[i] = !period || i % period < period - 1;
	return 0;
}

/* Numbers that windowed layers could have of their own. */
static int refuse_own(struct fe_net *n)
{
	const struct {
		const char *key, *as;
		uint32_t plain;
	} sizes[] = {
		{ "attention.key_length_swa", "attention.key_length", n->head_size },
		{ "attention.value_length_swa", "attention.value_length", n->value_size },
		{ "rope.dimension_count_swa", "rope.dimension_count", n->rope ? n->rope->dims : 0 },
	};
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint32_t v = sizes[i].plain;

		if (fe_u32(&n->keys, sizes[i].key, false, &v))
			return n->m->diag.err;
		if (v != sizes[i].plain)
			return diag_set(&n->m->diag, -ENOTSUP,
					"key %s.%s: %u, supported: the key absent, or %s, %u",
					n->arch->name, sizes[i].key, v, sizes[i].as,
					sizes[i].plain);
	}
	return 0;
}

int fe_refuse_window_base(struct fe_net *n)
{
	float base;

	if (!n->windowed || !n->rope || n->rope_win)
		return 0;
	base = (float)n->rope->base;
	if (fe_f32(&n->keys, "rope.freq_base_swa", false, &base))
		return n->m->diag.err;
	if (base == (float)n->rope->base)
		return 0;
	return diag_set(&n->m->diag, -ENOTSUP,
			"key %s.rope.freq_base_swa: %g, supported for %s: the key absent, or "
			"rope.freq_base, %g",
			n->arch->name, (double)base, n->arch->name, n->rope->base);
}

int fe_windows(struct fe_net *n, uint32_t window, uint32_t period)
{
	uint32_t *flags, i;

	n->reads_window = true;
	n->window = window;
	if (fe_u32(&n->keys, "attention.sliding_window", false, &n->window))
		return n->m->diag.err;
	if (!n->window)
		return 0;
	flags = arena_array(&n->m->arena, n->blocks, sizeof(*flags));
	n->windowed = arena_alloc(&n->m->arena, n->layers);
	if (!flags || !n->windowed)
		return diag_nomem(&n->m->diag);
	if (read_pattern(n, period, flags) || refuse_own(n))
		return n->m->diag.err;
	for (i = 0; i < n->layers; i++)
		n->windowed[i] = !!flags[i];
	/* one of the context or more hides nothing, but the layers keep what else is theirs */
	if (n->window >= n->context)
		n->window = 0;
	return 0;
}
