// SPDX-License-Identifier: MIT
/* s.*: registers, loops, branches, token output. */
#include <string.h>

#include "../spec/ig1_seq_ops.h"
#include "ref_internal.h"

static void set_reg(struct ig1_ref *r, uint32_t rd, uint64_t v)
{
	if (rd)
		r->regs[rd] = v;
}

/* Where the innermost body, or the program, ends. */
static uint32_t limit(const struct ig1_ref *r)
{
	return r->depth ? r->loops[r->depth - 1].end : r->prog_len;
}

static int scratch_word(struct ig1_ref *r, const struct ig1_fmt_seq *f, uint64_t *addr)
{
	uint64_t bytes = f->width == IG1_LDW_U64 ? 8 : 4;

	*addr = f->imm + r->regs[f->ra];
	if (ref_check_align(r, *addr, 4))
		return -1;
	if (*addr > r->cfg->scratch_bytes || bytes > r->cfg->scratch_bytes - *addr)
		return ref_fault(r, IG1_FAULT_SCRATCH, *addr);
	return 0;
}

static int start_loop(struct ig1_ref *r, const struct ig1_fmt_seq *f)
{
	uint64_t count = r->regs[f->ra] + f->imm;
	uint64_t end = (uint64_t)r->pc + 1 + f->len;

	if (ref_check_count(r, count))
		return -1;
	if (!f->len || r->depth == IG1_LOOP_DEPTH || end > limit(r))
		return ref_fault(r, IG1_FAULT_LOOP, 0);
	if (!count) {
		r->pc += f->len;
		return 0;
	}
	r->loops[r->depth++] = (struct ref_loop){
		.start = r->pc + 1,
		.end = (uint32_t)end,
		.count = (uint32_t)count,
		.rd = f->rd,
	};
	set_reg(r, f->rd, 0);
	return 0;
}

static int emit(struct ig1_ref *r, const struct ig1_fmt_seq *f)
{
	struct ig1_token t = {
		.seq = r->emitted + 1,
		.slot = (uint16_t)r->regs[f->rb],
		.kind = f->kind,
		.value = (uint32_t)r->regs[f->ra],
	};

	if (r->emitted == r->emit_entries)
		return ref_fault(r, IG1_FAULT_EMIT, 0);
	if (ref_mem_write(r, r->emit_va + (uint64_t)r->emitted * sizeof(t), &t, sizeof(t)))
		return -1;
	r->emitted++;
	r->counters[IG1_CTR_EMITS]++;
	return 0;
}

/* Executes the command at pc; pc is left on the command before the next one. */
int ref_exec_seq(struct ig1_ref *r, const uint32_t *w, bool *end)
{
	struct ig1_fmt_seq f;
	uint64_t addr, v = 0;

	ig1_decode_seq(w, &f);
	switch (f.op) {
	case IG1_OP_S_END:
		*end = true;
		return 0;
	case IG1_OP_S_LI:
		set_reg(r, f.rd, f.imm);
		return 0;
	case IG1_OP_S_ALU:
		set_reg(r, f.rd, ig1_seq_alu(f.alu, r->regs[f.ra], r->regs[f.rb] + f.imm));
		return 0;
	case IG1_OP_S_LD:
		if (scratch_word(r, &f, &addr))
			return -1;
		memcpy(&v, r->scratch + addr, f.width == IG1_LDW_U64 ? 8 : 4);
		set_reg(r, f.rd, v);
		return 0;
	case IG1_OP_S_ST:
		if (scratch_word(r, &f, &addr))
			return -1;
		v = r->regs[f.rb];
		memcpy(r->scratch + addr, &v, f.width == IG1_LDW_U64 ? 8 : 4);
		return 0;
	case IG1_OP_S_LOOP:
		return start_loop(r, &f);
	case IG1_OP_S_SKIP:
		if ((uint64_t)r->pc + 1 + f.len > limit(r))
			return ref_fault(r, IG1_FAULT_LOOP, 0);
		if (ig1_seq_holds(f.cond, r->regs[f.ra], r->regs[f.rb] + f.imm))
			r->pc += f.len;
		return 0;
	case IG1_OP_S_BRK:
		if (!r->depth)
			return ref_fault(r, IG1_FAULT_LOOP, 0);
		if (ig1_seq_holds(f.cond, r->regs[f.ra], r->regs[f.rb] + f.imm)) {
			r->depth--;
			r->pc = r->loops[r->depth].end - 1;
		}
		return 0;
	case IG1_OP_S_EMIT:
		return emit(r, &f);
	default: /* s.sync: everything is done already */
		return 0;
	}
}
