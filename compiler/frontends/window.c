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
	if (read_pattern(n, period, flags))
		return n->m->diag.err;
	for (i = 0; i < n->layers; i++)
		n->windowed[i] = !!flags[i];
	/* one of the context or more hides nothing, but the layers keep what else is theirs */
	if (n->window >= n->context)
		n->window = 0;
	return 0;
}
