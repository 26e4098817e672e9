/* SPDX-License-Identifier: MIT */
/*
 * Graph to programs. Lowering turns every operation into commands over virtual scratch buffers;
 * the planner gives the buffers addresses; token insertion orders the engines; encoding writes the
 * words. The program contract is [progabi] of the specification.
 */
#ifndef IG1_COMPILER_CODEGEN_CODEGEN_H
#define IG1_COMPILER_CODEGEN_CODEGEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ig1_chip.h"
#include "compiler/ir/ir.h"

#define CG_MAX_REFS  8
#define CG_BUF_ALIGN 128	/* bytes; scratch rows start at a port word */
#define CG_MAX_CMDS  (1u << 20) /* of a program under construction */
#define CG_CARRY     15		/* token that the lowering itself gives and takes; see lower.h */

/* Memory that commands reach through the page tables, as far as order is concerned. */
enum cg_va_kind { CG_VA_NONE, CG_VA_COLUMNS, CG_VA_KV, CG_VA_LOGITS, CG_VA_STATE };

/* An operand in scratch: the field of the command that holds its address, and what is touched. */
struct cg_ref {
	uint16_t field; /* byte offset in struct cg_cmd.u */
	bool wide;	/* the field has 64 bits */
	bool write;
	uint32_t buf;
	uint64_t off;
};

struct cg_cmd {
	union {
		struct ig1_fmt_seq seq; /* op, wait and signal come first in all formats */
		struct ig1_fmt_mm mm;
		struct ig1_fmt_emb emb;
		struct ig1_fmt_att att;
		struct ig1_fmt_vec vec;
		struct ig1_fmt_dma dma;
	} u;
	uint8_t engine;
	uint8_t va_kind; /* enum cg_va_kind */
	bool va_write;
	uint32_t va_id; /* layer of CG_VA_KV, operation of CG_VA_STATE */
	const char *name;
	size_t n_refs;
	struct cg_ref refs[CG_MAX_REFS];
};

struct cg_buf {
	const char *name;
	uint64_t size;
	uint32_t birth, death; /* first and last command that needs it, loops taken into account */
	bool used;
	bool whole_loop; /* keeps its memory through the innermost loop around it */
	bool extended;	 /* planner: that has been done */
	uint32_t addr;
};

struct cg_prog {
	struct arena *arena;
	struct diag *diag;
	const struct ig1_config *chip;
	struct cg_cmd *cmds;
	size_t n_cmds, cap_cmds;
	struct cg_buf *bufs;
	size_t n_bufs, cap_bufs;
	uint64_t scratch_used;
};

/* What lowering may choose to make a program fit. */
struct cg_shape {
	uint32_t cols;	   /* columns a program takes */
	uint32_t kv_heads; /* KV heads whose scores are in scratch at once */
	uint32_t logits;   /* rows of the vocabulary computed at once */
	uint32_t depth;	   /* 2: attention has two sets of buffers, 1: one */
	bool nested; /* runs of layers have runs in them: shorter, with more to do at their edges */
};

#define CG_CACHE_CMDS 256u /* that the sequencer keeps: CacheCmds of ig1_seq.sv */

/* Address space of a sequence, see kv.c. */
struct cg_kv_layer {
	uint64_t k, v, ks, vs; /* byte offsets in the region, of the first block */
	uint64_t sums;	       /* with IR_KVSTORE.squared: likewise */
	uint64_t bstride;      /* from block to block */
	bool ring;
};
struct cg_kv {
	uint64_t block_bytes, ring_bytes; /* of a block; 0: no layer of the kind */
	uint32_t window; /* positions that windowed layers look at, 0: there are none */
	uint32_t blocks; /* of the part that is no ring */
	uint32_t ring;	 /* blocks of the ring that windowed layers are in, 0: as all others */
	uint32_t n_layers;
	struct cg_kv_layer *layers;
};

struct cg_options {
	const struct ig1_config *chip;
};

/*
 * A program has two versions behind each other: for one column, without loops over columns, and,
 * where the chip takes more, for any number. The first command picks by R2.
 */
struct cg_output {
	struct cg_shape single, shape;
	struct cg_kv kv;
	struct cg_prog prog[IG1_PROGS];
};

/* emit.c */
void cg_prog_init(struct cg_prog *p, struct arena *a, struct diag *d,
		  const struct ig1_config *chip);
void cg_prog_free(struct cg_prog *p);
uint32_t cg_buf(struct cg_prog *p, const char *name, uint64_t size);
/* Appends a zeroed command; never NULL: after an allocation failure it is a dummy, with diag set. */
struct cg_cmd *cg_cmd(struct cg_prog *p, uint8_t op, const char *name);
/* Puts a command at index `at`, moving the others and mending loop and skip lengths. */
struct cg_cmd *cg_insert(struct cg_prog *p, size_t at, uint8_t op, const char *name);
void cg_ref(struct cg_prog *p, struct cg_cmd *c, size_t field, bool wide, bool write, uint32_t buf,
	    uint64_t off);
/* Appends b's commands and buffers to a; both are planned. b is empty afterwards. */
int cg_append(struct cg_prog *a, struct cg_prog *b);
/* Words of a command, addresses resolved; p must be planned. */
void cg_encode(const struct cg_prog *p, const struct cg_cmd *c, uint32_t w[IG1_CMD_WORDS]);
/* All words as little-endian bytes, malloc'ed. */
int cg_encode_all(const struct cg_prog *p, uint8_t **out, size_t *bytes);

#define CG_FIELD(fmt, f) offsetof(struct cg_cmd, u.fmt.f)

/* kv.c */
int cg_kv_layout(struct ir_model *m, struct cg_kv *kv);

/* lower.c: commands of one program over virtual buffers. */
int cg_lower(struct ir_model *m, enum ig1_prog kind, const struct cg_shape *shape,
	     const struct cg_kv *kv, struct cg_prog *p);

/* plan.c: live ranges and addresses; p->scratch_used is set even when it is too much. */
int cg_plan(struct cg_prog *p);
/* No two buffers that live at the same time overlap: 0 or -EINVAL with both named. */
int cg_plan_verify(const struct cg_prog *p);
void cg_plan_report(const struct cg_prog *p, struct strbuf *out);

/* tokens.c: wait and signal masks. */
int cg_tokens(struct cg_prog *p);

/* Everything from placed graph to programs with addresses and tokens. */
int cg_generate(struct ir_model *m, const struct cg_options *o, struct cg_output *out);
void cg_output_free(struct cg_output *out);

#endif
