/* SPDX-License-Identifier: MIT */
/* The rings of a vhost-user connection: between vhost_user.c and vhost_user_ring.c. */
#ifndef VHOST_USER_RING_H
#define VHOST_USER_RING_H

#include "vhost_user.h"

/*
 * Does what waits in ring index: accesses of the command ring, interrupts for new buffers of the
 * other. 0 or -EINVAL with vu->error: the ring makes no sense and is left alone from now on.
 */
int vu_ring_kicked(struct vu *vu, uint32_t index);

#endif
