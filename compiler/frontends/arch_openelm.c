// SPDX-License-Identifier: MIT
/* Heads and feed-forward length grow from layer to layer. */
#include "compiler/frontends/build.h"

const struct fe_arch fe_arch_openelm = {
	.name = "openelm",
	.head_norms = true,
	.fused = true,
};
