// SPDX-License-Identifier: MIT
/* d.ld and d.st. */
#include "ref_internal.h"

int ref_exec_dma(struct ig1_ref *r, const uint32_t *w)
{
	struct ig1_fmt_dma f;
	uint64_t va, sp, bytes, n1, n2, i1, i2;
	struct ref_operand o;
	int ret;

	ig1_decode_dma(w, &f);
	va = f.va + r->regs[f.rva];
	sp = f.sp + r->regs[f.rsp];
	bytes = f.bytes + r->regs[f.rbytes];
	n1 = f.n1 + r->regs[f.rn1];
	n2 = f.n2 + r->regs[f.rn2];
	if (ref_check_count(r, bytes) || ref_check_count(r, n1) || ref_check_count(r, n2))
		return -1;
	if (!bytes || !n1 || !n2)
		return 0;
	if (ref_check_align(r, va, 4) || ref_check_align(r, f.v1, 4) ||
	    ref_check_align(r, f.v2, 4) || ref_check_align(r, sp, 4) ||
	    ref_check_align(r, f.s1, 4) || ref_check_align(r, f.s2, 4) ||
	    ref_check_align(r, bytes, 4))
		return -1;
	o = (struct ref_operand){
		.base = sp,
		.limit = r->cfg->scratch_bytes,
		.fault = IG1_FAULT_SCRATCH,
		.n = { 1, (int64_t)n1, (int64_t)n2 },
		.step = { 0, f.s1, f.s2 },
		.tail = bytes,
	};
	if (ref_check_range(r, &o))
		return -1;
	for (i2 = 0; i2 < n2; i2++) {
		for (i1 = 0; i1 < n1; i1++) {
			uint64_t row = va + i2 * f.v2 + i1 * f.v1;
			uint8_t *s = r->scratch + sp + i2 * f.s2 + i1 * f.s1;

			if (f.op == IG1_OP_D_LD)
				ret = ref_mem_read(r, row, s, bytes);
			else
				ret = ref_mem_write(r, row, s, bytes);
			if (ret)
				return -1;
		}
	}
	r->counters[IG1_CTR_DMA_BYTES] += bytes * n1 * n2;
	return 0;
}
