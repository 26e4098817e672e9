/* SPDX-License-Identifier: MIT */
/*
 * The window ring of a session: keys and values of layers that look at the last positions only. Block
 * b of the sequence is in slot b modulo the number of slots, whose memory is taken when it is first
 * needed, mapped twice ([progabi] of the specification) and shared by forks until it is written.
 *
 * A job may write up to IG1_WINDOW_SLACK positions beyond the session's; what a window at the session's
 * position needs is then still there. Older positions are overwritten: a session can go back as far as
 * the ring reaches, or to zero.
 */
#ifndef ACCEL_RING_H
#define ACCEL_RING_H

#include "runner.h"

struct accel_session;

struct session_ring {
	uint32_t n;  /* slots, 0: the model has no ring, nothing else is used */
	uint64_t va; /* of slot 0; mapped again n slots later */
	struct kv_block **slot;
	uint32_t *number; /* of the sequence's block that a slot holds */
};

#define RING_NONE UINT32_MAX

/* The session's KV region is reserved already; ring_region() bytes at its end are the ring's. */
uint64_t ring_region(const struct accel_model *m);
int ring_init(struct accel_session *s);
void ring_fini(struct accel_session *s);
/* Positions pos .. pos + n - 1 become writable, with jobs of r; n is at most IG1_WINDOW_SLACK. */
int ring_own(struct accel_session *s, struct runner *r, uint32_t pos, uint32_t n);
/* A column at position pos would find all that it looks at. */
bool ring_reaches(const struct accel_session *s, uint32_t pos);
/* Gives back what is beyond the session's position. */
void ring_trim(struct accel_session *s);
/* to, which is new, shares the slots. */
int ring_fork(struct accel_session *s, struct accel_session *to);
/* Positions that a job may write at once: n, or fewer. */
uint32_t ring_steps(const struct accel_model *m, uint32_t n);

#endif
