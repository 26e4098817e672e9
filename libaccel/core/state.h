/* SPDX-License-Identifier: MIT */
/*
 * The recurrent state of a session's sequence. Programs update it in place, so memory holds the state
 * of one position only, or of none that is known after a job that failed or was cut short. To get
 * back to a position, the tokens since the nearest earlier snapshot are fed again.
 *
 * Snapshots are taken at the end of an append (unless the last one is less than STATE_SHORT tokens
 * back), by a fork, which shares them, and before a job that begins STATE_EVERY tokens or more behind
 * the last one; decode jobs take no more steps than that, prefill jobs a chunk. A session keeps at most
 * STATE_SNAPSHOTS; the one that leaves the smallest gap goes first. They live in host memory, the state
 * itself in SRAM while there is some. Where there is no memory for a snapshot, there is none.
 */
#ifndef ACCEL_STATE_H
#define ACCEL_STATE_H

#include "runner.h"

#define STATE_SNAPSHOTS 8u
#define STATE_EVERY	256u
#define STATE_SHORT	8u
#define STATE_LOST	UINT32_MAX

struct accel_session;
struct state_snapshot;

struct session_state {
	uint64_t bytes; /* 0: the model has no state, nothing else is used */
	uint64_t va, window;
	struct accel_buffer *buf; /* NULL: not yet */
	uint32_t pos;		  /* whose state buf holds, or STATE_LOST */
	int32_t *tokens;	  /* of positions 0 .. session's position - 1 */
	uint32_t room;
	struct state_snapshot *snap[STATE_SNAPSHOTS]; /* by position */
	uint32_t n_snaps;
};

int state_init(struct accel_session *s);
void state_fini(struct accel_session *s);
/*
 * Before a job that feeds up to n tokens: the state in memory becomes that of the session's position.
 * Jobs that this needs go to r. From here on it counts as lost, until state_done().
 */
int state_prepare(struct accel_session *s, struct runner *r, uint32_t n);
/* Steps of decoding that a job may take at once: n, or fewer. */
uint32_t state_steps(const struct accel_model *m, uint32_t n);
/* The token that was fed at a position, below the position that was prepared for plus n. */
void state_fed(struct accel_session *s, uint32_t pos, int32_t token);
/* After a job: memory holds the state of the session's position. */
void state_done(struct accel_session *s);
/* At the end of an append. */
int state_appended(struct accel_session *s, struct runner *r);
/* The session has gone back to its position. */
void state_rewound(struct accel_session *s);
/* to, which is new, goes on where s is. */
int state_fork(struct accel_session *s, struct accel_session *to);

#endif
