// SPDX-License-Identifier: MIT
/* For the self-test of the programs: a chip with the model file of NODE_MASK. */
#include <stdio.h>
#include <stdlib.h>

#include "node.h"
#include "tests/drm/fake_kernel.h"

static void __attribute__((constructor)) start(void)
{
	const char *mask = getenv("NODE_MASK");

	if (!mask) {
		fprintf(stderr, "NODE_MASK names no .accel file\n");
		exit(2);
	}
	fake_kernel_init(mask);
}

/* For programs that leave what they made to close(). */
void node_fake_no_leak_check(void)
{
	fake_kernel.no_leak_check = true;
}
