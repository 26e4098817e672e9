// SPDX-License-Identifier: MIT
#include "compiler/frontends/build.h"

const struct fe_arch fe_arch_qwen2 = {
	.name = "qwen2",
	.bias_out = true,
};

/* Its rotation by sections is the plain one where positions are those of text. */
const struct fe_arch fe_arch_qwen2vl = {
	.name = "qwen2vl",
	.bias_out = true,
};
