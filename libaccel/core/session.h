/* SPDX-License-Identifier: MIT */
/* Sessions, as batches see them. */
#ifndef ACCEL_SESSION_H
#define ACCEL_SESSION_H

#include "ring.h"
#include "runner.h"
#include "state.h"

#define SESSION_WHOLE UINT32_MAX

struct accel_session {
	atomic_uint refs;
	struct accel_model *m;
	struct runner r;
	uint64_t kv_va;
	uint32_t pos;
	uint32_t lost; /* positions from here on are no longer there; SESSION_WHOLE: all are */
	struct kv_block **blocks; /* kv_blocks entries, NULL: not mapped */
	struct session_ring ring;
	struct session_state st;
	bool in_batch; /* already part of the call being prepared */
};

static inline struct ig1_column session_column(const struct accel_session *s, int32_t token,
					       uint32_t pos)
{
	return (struct ig1_column){
		.token = (uint32_t)token, .pos = pos, .kv = s->kv_va, .state = s->st.va
	};
}

/* Positions first .. first + n - 1 become writable: takes blocks, copies shared ones. Jobs go to r. */
int session_own(struct accel_session *s, struct runner *r, uint32_t first, uint32_t n);
/* The same for the next n positions, and the state becomes that of the session's position. */
int session_prepare(struct accel_session *s, struct runner *r, uint32_t n);
/*
 * The same, where a call will come to need `all` positions (>= n): when it takes blocks it takes several
 * of those at once. The caller trims the session at its end.
 */
int session_prepare_ahead(struct accel_session *s, struct runner *r, uint32_t n, uint32_t all);
/* Tokens are in the vocabulary and fit the context. */
int session_check(struct accel_session *s, const int32_t *tokens, size_t n);
/* Drops blocks beyond the position. */
void session_trim(struct accel_session *s);

#endif
