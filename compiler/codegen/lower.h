/* SPDX-License-Identifier: MIT */
/* Shared by the lowering files: where values are, registers, small emitters. */
#ifndef IG1_COMPILER_CODEGEN_LOWER_H
#define IG1_COMPILER_CODEGEN_LOWER_H

#include "compiler/codegen/codegen.h"

/* Registers of a program; R1..R8 are the job's arguments ([progabi]). */
enum cg_reg {
	R_ZERO = 0,
	R_TABLE = 1,  /* column table */
	R_COLS = 2,   /* columns of the batch */
	R_LOGITS = 3, /* where logits go, or zero */
	R_FIRST = 4,  /* first wanted column */
	R_WANTED = 5, /* wanted columns */
	R_STEPS = 6,
	R_STOP0 = 7,
	R_STOP1 = 8,
	R_PICKED = 9,  /* columns behind IR_PICK */
	R_PICK = 10,   /* byte offset of the first of them */
	R_STORED = 11, /* columns whose logits are stored */
	R_STEP = 12,
	R_COL = 13,   /* column of a column loop */
	R_T0 = 14,    /* temporaries up to R_T0 + 9 */
	R_PAIRS = 24, /* (columns + 1) / 2 */
	R_STATE = 25, /* in a run: distance of the state from the first iteration's */
	R_AUX = 26,   /* temporary in both kinds of programs */
	R_TOKEN = 27, /* of feedback; a temporary before it */
	R_LAYER = 28, /* iteration of a run of equal layers; of nested ones, see lower.c */
	R_ROM = 29,   /* its distance from the first: weight ROM, constant ROM, KV block; bytes */
	R_CROM = 30,
	R_KV = 31,
};

/*
 * Registers of a program for one column instead: that column's values stay in them for a step. R_COL
 * stays zero.
 */
enum cg_reg_single {
	R_S_NPOS = 14,	 /* position + 1 */
	R_S_BLOCKS = 15, /* KV blocks that hold them */
	R_S_KV = 16,
	R_S_DATA = 17, /* CG_COL_DATA and CG_COL_SCALES */
	R_S_SCALES = 18,
	R_S_POS = 19,
	R_S_T0 = 20, /* temporaries up to R_S_T0 + 3 */
	R_S_STATE = 24,
};

/* Operations first .. first + count * period - 1: equal layers, see runs.c. */
struct cg_run {
	size_t first, period, count;
	uint64_t rom_step, crom_step, kv_step, ring_step, state_step;
	size_t carried_in;  /* operation whose value the first iteration reads */
	size_t carried_out; /* the next one reads this one's, an index into the period */
	bool rom_known, crom_known, kv_known, ring_known, state_known, carried_known;
	bool nested; /* there are runs in an iteration */
};

/* A value's place: column c is at off + c*cstride of buf (q8: data; scales in sbuf). Bytes. */
struct cg_val {
	bool set;
	uint32_t buf, sbuf;
	uint64_t off, soff;
	uint64_t cstride, scstride;
	uint8_t rcols; /* register with the number of columns */
	uint8_t roff;  /* register with a byte offset, or R_ZERO */
};

struct lower {
	struct ir_model *m;
	struct cg_prog *p;
	enum ig1_prog kind;
	const struct cg_shape *shape;
	const struct cg_kv *kv;
	struct cg_val *vals;	  /* by operation id */
	uint32_t coltab;	  /* buffer: CG_COL_BYTES per column */
	uint32_t wintab;	  /* buffer: CG_WIN_* per column, where there is a window */
	uint32_t *rope_bufs;	  /* by table id: the columns' rows of the table */
	uint32_t tokens;	  /* decode: the arg max per column */
	const struct cg_run *run; /* that is being lowered, or NULL */
	bool nested;	/* it has runs in it, or is in one: R_LAYER is the ring's distance */
	bool addressed; /* lw_single_addresses has been called */
	/*
	 * A command before a loop and one in its body give CG_CARRY, an earlier one of the body takes
	 * it: each iteration works on what the one before has begun. The last gift is taken by the
	 * next vector command behind the loop, while this is set.
	 */
	bool carry;
};

/*
 * The scratch copy of the column table: struct ig1_column with what is worked out from it behind, a row
 * each.
 */
#define CG_COL_BYTES  64u
#define CG_COL_TOKEN  0u
#define CG_COL_POS    4u
#define CG_COL_KV     8u
#define CG_COL_STATE  16u
#define CG_COL_DATA   32u /* the position's row in block (0, 0, 0) of its KV block */
#define CG_COL_SCALES 40u /* the position's scale, likewise */

/* What a windowed layer's column looks at; CG_COL_BYTES per column, too. */
#define CG_WIN_DATA   0u /* as CG_COL_DATA, of the ring, if there is one */
#define CG_WIN_SCALES 8u
#define CG_WIN_KV     16u /* region, at the first block with a visible position */
#define CG_WIN_NPOS   24u /* positions from that block's first on */
#define CG_WIN_LEAD   28u /* of them, those before the window */

/* "layer.3/attn" + "/" + what */
const char *lw_name(struct lower *l, const char *base, const char *what);
uint64_t lw_seg_bytes(uint32_t seg); /* int8 bytes of a quantised row */
uint8_t lw_wfmt(const struct ir_tensor *t);

/* Sequencer commands; imm is the immediate. */
struct cg_cmd *lw_alu(struct lower *l, const char *name, unsigned int rd, unsigned int ra,
		      enum ig1_aluop alu, unsigned int rb, uint64_t imm);
struct cg_cmd *lw_ld(struct lower *l, const char *name, unsigned int rd, unsigned int ra,
		     enum ig1_ldw width, uint32_t buf, uint64_t off);
struct cg_cmd *lw_st(struct lower *l, const char *name, unsigned int ra, unsigned int rb,
		     enum ig1_ldw width, uint32_t buf, uint64_t off);
/* for R_COL < R[count]; returns the loop's index for lw_loop_end. */
size_t lw_loop(struct lower *l, const char *name, unsigned int rd, unsigned int count);
void lw_loop_end(struct lower *l, size_t at);

/* A pass with n0, n1, n2; rcols is added to n2. */
struct cg_cmd *lw_vec(struct lower *l, uint8_t op, const char *name, uint64_t n0, uint64_t n1,
		      unsigned int rcols);
/* Source 'a'..'d' in scratch; strides in elements, s2 is the column's. */
void lw_src(struct lower *l, struct cg_cmd *c, char which, uint32_t buf, uint64_t off, int s0,
	    int64_t s1, int64_t s2, unsigned int reg);
/* Source from a value of fp32 in rows of seg elements. */
void lw_src_val(struct lower *l, struct cg_cmd *c, char which, const struct cg_val *v,
		uint64_t elem, uint32_t seg);
/* Source in constant ROM. */
void lw_src_crom(struct lower *l, struct cg_cmd *c, char which, uint64_t addr, int64_t s1);
/* A constant, of the layer or common. */
void lw_src_const(struct lower *l, struct cg_cmd *c, char which, const struct ir_const *k,
		  int64_t s1);
/* One row, or with s0 = 0 one number, in constant ROM at addr + R[reg]. */
void lw_src_crom_at(struct lower *l, struct cg_cmd *c, char which, uint64_t addr, int s0,
		    unsigned int reg);
/* Result in rows of seg elements, from byte `off` of the value on: fp32 or q8. */
void lw_dst_val(struct lower *l, struct cg_cmd *c, const struct cg_val *v, enum ir_dtype dt,
		uint64_t elem, uint32_t seg);
/* fp32 elements, or with red != none the reductions, at buf. */
void lw_dst(struct lower *l, struct cg_cmd *c, uint32_t buf, uint64_t off, int64_t s1, int64_t s2);
void lw_red(struct lower *l, struct cg_cmd *c, enum ig1_vred red, uint32_t buf, uint64_t off,
	    int64_t s1, int64_t s2);

/* The program takes one column only, and needs no loops over columns. */
bool lw_single(const struct lower *l);
/* R_ROM, R_CROM, R_KV or R_STATE inside a run, R_ZERO outside. */
unsigned int lw_run_reg(const struct lower *l, unsigned int reg);
/* Nobody behind op reads what op's first input holds, so op may write there. */
bool lw_may_overwrite(const struct ir_op *op);

/* runs.c */
bool cg_is_anchor(const struct ir_op *op); /* a store or a state: it is in a layer */
/*
 * A run of at least two layers that begins at operation `first` and ends before `end`, of n operations; ops
 * are by id. nested: those in its iterations count, too.
 */
bool cg_find_run(struct ir_op *const *ops, size_t n, size_t first, size_t end,
		 const struct cg_kv *kv, bool nested, struct cg_run *run);

/* lower_elt.c */
void lw_elt(struct lower *l, const struct ir_op *op);
uint8_t lw_elt_opcode(uint32_t fn);

/* lower_norm.c: IR_CENTER, IR_L2NORM; the value has its place */
void lw_norm(struct lower *l, const struct ir_op *op);

/* lower_conv.c, lower_scan.c, lower_wkv.c, lower_sqla.c, lower_runsum.c; y is the operation's value */
void lw_conv(struct lower *l, const struct ir_op *op, const struct cg_val *y);
void lw_shift(struct lower *l, const struct ir_op *op, const struct cg_val *y);
void lw_wkv(struct lower *l, const struct ir_op *op, const struct cg_val *y);
void lw_scan(struct lower *l, const struct ir_op *op, const struct cg_val *y);
void lw_sqla(struct lower *l, const struct ir_op *op, const struct cg_val *y);
void lw_runsum(struct lower *l, const struct ir_op *op, const struct cg_val *y);

/* lower_state.c: the loop over columns of an operation with a state. */
#define LW_STATE_VALS 7
struct lw_state {
	struct lower *l;
	const struct ir_op *op;
	unsigned int va; /* register: the sequence's state, and in a run the iteration's distance */
	/* registers: byte offset of the column in each of the values */
	unsigned int off[LW_STATE_VALS];
	size_t loop;
};
/* The body runs for every column, in their order. n values, at most LW_STATE_VALS. */
void lw_state_begin(struct lw_state *s, struct lower *l, const struct ir_op *op,
		    const struct cg_val *const *vals, size_t n);
void lw_state_end(struct lw_state *s);
/* Rows of the state to or from scratch, row after row of `bytes`; at: byte offset in the op's state. */
struct cg_cmd *lw_state_move(struct lw_state *s, uint8_t op, const char *name, uint64_t at,
			     uint64_t pitch, uint32_t rows, uint32_t bytes, uint32_t buf,
			     uint64_t off, unsigned int reg);

/*
 * Passes over `n` heads of a state of seg x dim numbers each: heads of one row are rows of one block.
 * Operands: all of it; dim numbers, the same for all rows, `step` from head to head; one number per
 * row; one per head. Those at a register's offset are of the column.
 */
struct cg_cmd *lw_state_pass(struct lw_state *s, uint8_t code, const char *name, uint32_t n);
void lw_state_full(struct lw_state *s, struct cg_cmd *c, char which, uint32_t buf, uint64_t off);
void lw_state_cols(struct lw_state *s, struct cg_cmd *c, char which, const struct cg_val *v,
		   uint64_t elem, uint32_t step, unsigned int reg);
void lw_state_rows(struct lw_state *s, struct cg_cmd *c, char which, uint32_t buf, uint64_t off);
void lw_state_heads(struct lw_state *s, struct cg_cmd *c, char which, const struct cg_val *v,
		    uint64_t elem, unsigned int reg);
/* The result, all of the state; or the sums of its rows, from element `elem` of v on. */
void lw_state_dst(struct lw_state *s, struct cg_cmd *c, uint32_t buf, uint64_t off);
void lw_state_sum(struct lw_state *s, struct cg_cmd *c, const struct cg_val *v, uint64_t elem,
		  unsigned int reg);
/* Heads whose state is handled at once. */
uint32_t lw_state_step(const struct ir_op *op);
/* lower_heads.c: the value's place is set */
void lw_headmm(struct lower *l, const struct ir_op *op);
void lw_join(struct lower *l, const struct ir_op *op);

/* lower_experts.c: the value's place is set */
void lw_dots(struct lower *l, const struct ir_op *op);
void lw_softmax(struct lower *l, const struct ir_op *op);
void lw_route(struct lower *l, const struct ir_op *op);
void lw_experts(struct lower *l, const struct ir_op *op);
void lw_gather(struct lower *l, const struct ir_op *op);
void lw_combine(struct lower *l, const struct ir_op *op);

/* lower_attention.c */
/* R[rd] += the run's distance of layer's KV blocks; uses R_AUX */
void lw_add_kv_step(struct lower *l, const char *name, unsigned int rd, uint32_t layer);
void lw_kvstore(struct lower *l, const struct ir_op *op);
void lw_attention(struct lower *l, const struct ir_op *op, const struct cg_val *q,
		  const struct cg_val *y);
/* lower_step.c: what surrounds the graph */
void lw_prologue(struct lower *l);
void lw_columns(struct lower *l);
void lw_single_addresses(struct lower *l);
void lw_logits(struct lower *l, const struct ir_op *mm, const struct cg_val *x);
void lw_feedback(struct lower *l);

#endif
