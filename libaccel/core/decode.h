/* SPDX-License-Identifier: MIT */
/* Decoding of several sessions, for batches. */
#ifndef ACCEL_DECODE_H
#define ACCEL_DECODE_H

#include "session.h"

/* Arguments are checked already. *steps_out: complete steps, by which every position grew. */
int batch_decode(struct runner *r, struct accel_session *const *sessions, const int32_t *first,
		 uint32_t n, uint32_t steps, accel_token_fn fn, void *ctx, int32_t *tokens,
		 uint32_t *steps_out);

#endif
