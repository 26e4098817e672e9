// SPDX-License-Identifier: MIT
/* Checks of resolved operands at issue (docs/isa.md, "Checks at issue"). */
#include "ref_internal.h"

int ref_check_count(struct ig1_ref *r, uint64_t v)
{
	return v > IG1_MAX_COUNT ? ref_fault(r, IG1_FAULT_COUNT, v) : 0;
}

int ref_check_align(struct ig1_ref *r, uint64_t v, uint32_t to)
{
	return v & (to - 1) ? ref_fault(r, IG1_FAULT_ALIGN, v) : 0;
}

/*
 * Counts are 1..2^24 and strides below 2^34 in magnitude, so that the sums of three products stay
 * far inside 64 bits.
 */
int ref_check_range(struct ig1_ref *r, const struct ref_operand *o)
{
	int64_t lo = 0, hi = (int64_t)o->tail;
	int i;

	for (i = 0; i < 3; i++) {
		int64_t span = o->n[i] > 1 ? (o->n[i] - 1) * o->step[i] : 0;

		if (span < 0)
			lo += span;
		else
			hi += span;
	}
	if (o->base > o->limit || (int64_t)o->base + lo < 0 || (uint64_t)hi > o->limit - o->base)
		return ref_fault(r, o->fault, o->base + (uint64_t)lo);
	return 0;
}
