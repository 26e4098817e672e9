/* SPDX-License-Identifier: MIT */
/* Sessions, as batches see them. */
#ifndef ACCEL_SESSION_H
#define ACCEL_SESSION_H

#include "runner.h"

struct accel_session {
	atomic_uint refs;
	struct accel_model *m;
	struct runner r;
	uint64_t kv_va;
	uint32_t pos;
	struct kv_block **blocks; /* kv_blocks entries, NULL: not mapped */
	bool in_batch;		  /* already part of the call being prepared */
};

/* Makes the next n positions writable: takes blocks, copies shared ones. Jobs go to r. */
int session_prepare(struct accel_session *s, struct runner *r, uint32_t n);
/* Tokens are in the vocabulary and fit the context. */
int session_check(struct accel_session *s, const int32_t *tokens, size_t n);
/* Drops blocks beyond the position. */
void session_trim(struct accel_session *s);

#endif
