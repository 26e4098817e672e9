// SPDX-License-Identifier: MIT
#include "compiler/frontends/build.h"

const struct fe_arch fe_arch_qwen3 = {
	.name = "qwen3",
	.head_norms = true,
};

/* What it adds to the first layers' results is of images. */
const struct fe_arch fe_arch_qwen3vl = {
	.name = "qwen3vl",
	.head_norms = true,
};
