// SPDX-License-Identifier: MIT
/* OLMo 2 and 3: norms behind attention and feed-forward only. */
#include "compiler/frontends/build.h"

/* OLMo 3: windowed layers rotate without the scaling of the others. */
static int read_olmo2(struct fe_net *n)
{
	if (fe_windows(n, 0, 4))
		return n->m->diag.err;
	return n->windowed ? fe_rope_window(n, (float)n->rope->base) : 0;
}

const struct fe_arch fe_arch_olmo2 = {
	.name = "olmo2",
	.row_norms = true,
	.no_pre_norms = true,
	.post_norms = true,
	.read = read_olmo2,
};
