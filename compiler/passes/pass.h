/* SPDX-License-Identifier: MIT */
/*
 * Passes over the graph, in the order of pipeline.c. Each keeps the graph valid (ir_verify runs
 * after every one), returns 0 or a negative errno with m->diag set, and is a no-op where it finds
 * nothing to do.
 */
#ifndef IG1_COMPILER_PASSES_PASS_H
#define IG1_COMPILER_PASSES_PASS_H

#include <stdio.h>

#include "ig1_chip.h"
#include "compiler/ir/ir.h"

enum pass_format {
	/* Q8_0 and Q4_0 as they are; others in the smallest format that holds them exactly, or q8_0 */
	PASS_FORMAT_KEEP,
	PASS_FORMAT_Q8_0, /* all matrices */
	PASS_FORMAT_Q4_0,
};

/* How squared linear attention is computed; see IR_SQLA. */
enum pass_linear {
	/* whichever keeps less of a sequence as long as the context; no state larger than SRAM */
	PASS_LINEAR_AUTO,
	PASS_LINEAR_RECURRENT,
	PASS_LINEAR_PARALLEL,
};

struct pass_options {
	const struct ig1_config *chip;
	enum pass_format format;
	enum pass_linear linear;
};

struct pass {
	const char *name;
	const char *what;
	int (*run)(struct ir_model *m, const struct pass_options *o);
};

extern const struct pass passes[];
extern const size_t n_passes;

/* For progress and --print-after: called after each pass, with the time it took in seconds. */
struct pass_watch {
	void *ctx;
	int (*after)(void *ctx, const char *pass, struct ir_model *m, double seconds);
};

/*
 * Runs all passes with the verifier between them. `after` returning non-zero ends the run with
 * that value (positive: a wanted stop).
 */
int passes_run(struct ir_model *m, const struct pass_options *o, const struct pass_watch *watch);

int pass_canon_rope(struct ir_model *m, const struct pass_options *o);
int pass_rom_routers(struct ir_model *m, const struct pass_options *o);
int pass_choose_format(struct ir_model *m, const struct pass_options *o);
int pass_fuse_matmul(struct ir_model *m, const struct pass_options *o);
int pass_linear_form(struct ir_model *m, const struct pass_options *o);
int pass_split_attention(struct ir_model *m, const struct pass_options *o);
int pass_expand_act(struct ir_model *m, const struct pass_options *o);
int pass_merge_slices(struct ir_model *m, const struct pass_options *o);
int pass_pack_kv(struct ir_model *m, const struct pass_options *o);
int pass_fuse_residual(struct ir_model *m, const struct pass_options *o);
int pass_insert_quant(struct ir_model *m, const struct pass_options *o);
int pass_fuse_quant(struct ir_model *m, const struct pass_options *o);
int pass_sink_queries(struct ir_model *m, const struct pass_options *o);
int pass_dead_code(struct ir_model *m, const struct pass_options *o);
int pass_place_rom(struct ir_model *m, const struct pass_options *o);
int pass_place_crom(struct ir_model *m, const struct pass_options *o);
int pass_place_state(struct ir_model *m, const struct pass_options *o);

/* The operation that owns op's storage: op itself, or what the slices below it cut. *off: elements. */
struct ir_op *pass_slice_root(struct ir_op *op, uint64_t *off);
/* A slice of `of`, put before `at`; `of` itself when it is all of it. */
struct ir_op *pass_slice(struct ir_model *m, struct ir_op *at, struct ir_op *of, uint32_t off,
			 uint32_t width, const char *name);

/*
 * For a placed graph that is larger than the chip's weight ROM: "; 5 such chips in a row would hold it
 * (layers ...), or 8 side by side".
 */
void pass_chips(const struct ir_model *m, const struct ig1_config *chip, struct strbuf *out);

/* Bytes of constant ROM for the constants and tables that there are. */
uint64_t pass_crom_need(const struct ir_model *m);

/*
 * Numbers that the two forms of squared linear attention keep for a head of d elements are equally many at
 * (d + 1)^2 / 4 + 3/2 tokens (models.md section 6): the first context with more in the KV cache.
 */
uint32_t pass_linear_crossing(uint32_t d);

/* For m->progress: row `row` of t is about to be compared with a format; earlier tensors have theirs. */
void pass_checked(const struct ir_model *m, const struct ir_tensor *t, uint64_t row);

/* A rotation whose result can be written as q8. */
bool pass_rope_to_q8(const struct ir_op *op);

#endif
