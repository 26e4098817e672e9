// SPDX-License-Identifier: MIT
/* The conformance suite's kernel: a chip with the toy model. */
#include "../conformance/conformance.h"
#include "fake_kernel.h"

static void __attribute__((constructor)) start(void)
{
	fake_kernel_init(test_toy);
}
