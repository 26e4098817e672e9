/* SPDX-License-Identifier: MIT */
/* State of the reference model, shared by its execution files. */
#ifndef IG1_REF_INTERNAL_H
#define IG1_REF_INTERNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ig1_chip.h"
#include "ig1_isa.h"
#include "kernels.h"
#include "ref.h"

#define REF_TLB_ENTRIES 256  /* direct-mapped; a cache only, of no architectural size */
#define REF_ROW_CHUNK	4096 /* elements of a vector row handled at once, a multiple of 32 */

struct ref_tlb_entry {
	uint64_t page; /* virtual page number + 1; 0: empty */
	uint64_t addr; /* of the page: bus address or SRAM offset */
	bool sram;
	bool write;
};

struct ref_loop {
	uint32_t start, end; /* first command of the body, first after it */
	uint32_t count, iter;
	uint8_t rd;
};

struct ref_fault {
	uint32_t code;
	uint64_t addr;
};

struct ig1_ref {
	const struct ig1_config *cfg;
	struct ig1_mask mask;
	struct ig1_bus bus;
	const struct ig1_kernels *k;
	uint8_t *scratch;
	uint8_t *sram;
	ig1_ref_step_fn step;
	void *step_ctx;
	atomic_int abort;

	/* of the running job */
	uint64_t pt_root;
	uint64_t regs[IG1_REGS];
	uint16_t tokens[IG1_TOKENS];
	struct ref_loop loops[IG1_LOOP_DEPTH];
	uint32_t depth;
	uint32_t pc;
	uint32_t prog_len;
	uint32_t emitted;
	uint32_t emit_entries;
	uint64_t emit_va;
	uint64_t counters[IG1_CTR_COUNT];
	struct ref_fault fault;
	struct ref_tlb_entry tlb[REF_TLB_ENTRIES];

	/* commands fetched and checked by this job */
	uint32_t (*prog)[IG1_CMD_WORDS];
	uint8_t *prog_seen;
	uint32_t prog_cap;

	/* row buffers of the vector unit and the attention gather buffers */
	float *row[5];
	uint8_t *kv_rows; /* 32 rows gathered, or 32 values transposed */
	float *kv_scales;
	size_t kv_cap;
};

/* Records the first fault of a command; always returns -1 so that callers can `return` it. */
static inline int ref_fault(struct ig1_ref *r, uint32_t code, uint64_t addr)
{
	if (!r->fault.code) {
		r->fault.code = code;
		r->fault.addr = addr;
	}
	return -1;
}

/* mmu.c: virtual accesses of any length; 0, or -1 with the fault recorded. */
void ref_mmu_start(struct ig1_ref *r, uint64_t pt_root);
int ref_mem_read(struct ig1_ref *r, uint64_t va, void *dst, size_t n);
int ref_mem_write(struct ig1_ref *r, uint64_t va, const void *src, size_t n);
/* n bytes inside one page: a pointer to them, either direct or `bounce` filled with them. */
const uint8_t *ref_mem_peek(struct ig1_ref *r, uint64_t va, size_t n, uint8_t *bounce);

/* check.c: the checks at issue that need resolved operands. */
struct ref_operand {
	uint64_t base;	 /* resolved address */
	uint64_t limit;	 /* bytes of its space */
	uint32_t fault;	 /* code when out of range */
	int64_t n[3];	 /* counts */
	int64_t step[3]; /* byte strides */
	uint64_t tail;	 /* bytes at each position */
};
int ref_check_count(struct ig1_ref *r, uint64_t v);
int ref_check_align(struct ig1_ref *r, uint64_t v, uint32_t to);
int ref_check_range(struct ig1_ref *r, const struct ref_operand *o);

/* exec_*.c: one command of an engine, tokens already taken; 0 or -1 with the fault recorded. */
int ref_exec_mm(struct ig1_ref *r, const uint32_t *w);
int ref_exec_emb(struct ig1_ref *r, const uint32_t *w);
int ref_exec_qk(struct ig1_ref *r, const uint32_t *w);
int ref_exec_pv(struct ig1_ref *r, const uint32_t *w);
int ref_exec_vec(struct ig1_ref *r, const uint32_t *w);
int ref_exec_dma(struct ig1_ref *r, const uint32_t *w);
int ref_exec_seq(struct ig1_ref *r, const uint32_t *w, bool *end);

#endif
