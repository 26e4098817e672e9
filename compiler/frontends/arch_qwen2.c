// SPDX-License-Identifier: MIT
#include "compiler/frontends/build.h"

const struct fe_arch fe_arch_qwen2 = {
	.name = "qwen2",
	.bias_out = true,
};
