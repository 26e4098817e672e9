/* SPDX-License-Identifier: MIT */
/* What the parts of the test of all ioctls share. */
#ifndef IOCTL_TEST_H
#define IOCTL_TEST_H

#include "node.h"

#define PAGE ((uint64_t)IG1_PAGE_BYTES)

/* What the tests themselves cannot do without. */
void must(int err, const char *what);

int exec_jobs(uint32_t queue, const void *jobs, uint32_t stride, uint32_t count);

/* ioctl_uses.c; after the checks, with the queue as new. */
void plain_uses(int node, struct node_rig *the_rig);

#endif
