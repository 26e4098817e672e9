/* SPDX-License-Identifier: MIT */
/*
 * What there is to say about a compiled model: collected once, printed as text, JSON or HTML. Every
 * string in here is valid UTF-8 without control characters, whatever the file had (report_text), and
 * lives in `arena`. Numbers that are not known are NaN; -1 of a count of bits means the same.
 */
#ifndef IG1_COMPILER_REPORT_REPORT_H
#define IG1_COMPILER_REPORT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compiler/codegen/estimate.h"
#include "compiler/compile.h"

/* What became of a tensor of the file. */
enum report_fate {
	REPORT_KEPT,	  /* a matrix, its bytes */
	REPORT_REENCODED, /* a matrix, other bytes of the same values */
	REPORT_REQUANT,	  /* a matrix, values changed */
	REPORT_CONSTANT,  /* fp32 in constant ROM */
	REPORT_TABLE,	  /* part of a rotation table */
	REPORT_FATES
};

struct report_tensor {
	const char *name, *type, *format;
	enum report_fate fate;
	uint64_t rows, cols;
	uint64_t source_bytes, rom_bytes;
	uint32_t tiles; /* that hold rows of it; 0: constants, which are in none */
	/* what requantising changed: RMS and largest error over the values' RMS and largest; else 0 */
	double rms_error, max_error;
};

/* Positions are those of the tokens: kl[i] compares what follows token i. */
struct report_accuracy {
	const char *text; /* what was read */
	uint32_t tokens, scored;
	uint32_t top1;		     /* positions whose most likely token is the same */
	double nll_source, nll_chip; /* sums over `scored` predictions, in nats */
	double kl_sum, kl_max;	     /* of source || chip, in nats */
	uint32_t kl_max_at;
	double error2, power2; /* squares of the logits' difference, and of the source's logits */
	float *kl;	       /* malloc'ed, one per token */
};

struct report_kind {
	const char *name;
	uint64_t bytes;
};

struct report_rom {
	uint64_t bytes, capacity; /* of weights */
	uint32_t tiles;
	uint64_t *tile;	     /* bytes in each */
	uint64_t *tile_read; /* of them, what a decoded token reads by t.mm */
	uint64_t min, max, read, read_min, read_max;
	double fill; /* share of the array's rows that have work while matrices are read */
	uint64_t const_bytes, const_capacity;
	struct report_kind *kinds; /* of constants */
	size_t n_kinds;
};

struct report_buf {
	const char *name;
	uint64_t addr, bytes;
	uint32_t birth, death; /* commands */
};

struct report_program {
	const char *name;
	size_t commands, n_bufs;
	uint64_t scratch;
	struct report_buf *bufs;
};

struct report_sram {
	uint64_t scratch, resident; /* capacity */
	uint64_t kv_block, kv_blocks, ring_block, ring_blocks, state;
	uint64_t sequence;  /* bytes of one at full context */
	uint64_t sequences; /* that fit into resident memory */
	struct report_program programs[IG1_PROGS];
};

/* Commands of one name on the longest chain. */
struct report_step {
	const char *name;
	unsigned int engine;
	uint32_t count;
	uint64_t cycles;
};

/* A stretch of time: of an engine's work, or of the chain. */
struct report_span {
	const char *name;
	unsigned int engine;
	uint64_t start, end;
};

struct report_path {
	uint32_t pos; /* of the token */
	struct estimate all;
	uint64_t prefill_cycles;
	uint32_t prefill_cols;
	uint64_t on_path[IG1_ENGINE_COUNT]; /* the sequencer's share is issuing and register work */
	uint64_t gaps;			    /* between a command and what waits for it */
	struct report_step *steps;	    /* by cycles */
	size_t n_steps;
	struct report_span *chain; /* in order of time, without gaps' entries */
	size_t n_chain;
	struct report_span *work; /* all commands of the engines */
	size_t n_work;
};

/* Where something of the model is, hence what can still be done about it. */
enum report_where { REPORT_MASK, REPORT_OVERRIDE, REPORT_PROGRAM, REPORT_HOST };

struct report_change {
	const char *what;
	enum report_where where;
	uint64_t bytes; /* 0: none to speak of */
	const char *how;
};

/* A matrix that a low-rank adapter could stand beside. */
struct report_site {
	const char *tensor;
	uint64_t rows, cols, copies; /* copies: experts or heads with a matrix each */
	uint64_t rank_bytes;	     /* for each unit of rank, as int8 groups with fp32 scales */
};

struct report {
	struct arena arena;
	struct diag diag;
	const char *file, *arch, *name, *format;
	const struct ig1_config *chip;
	struct ir_meta meta; /* without its strings */
	uint64_t weights;
	uint64_t source_bytes, rom_bytes; /* of the matrices */
	struct report_tensor *tensors;
	size_t n_tensors, n_requantised;
	bool have_accuracy;
	struct report_accuracy accuracy;
	struct report_rom rom;
	struct report_sram sram;
	struct report_path path;
	struct report_change *changes;
	size_t n_changes;
	struct report_site *sites;
	size_t n_sites;
};

/*
 * All but the accuracy, of a compilation that has succeeded with losses measured (r). pos: of the decoded
 * token whose chain is looked at. 0 or a negative errno with rep->diag set. report_free in every case.
 */
int report_collect(struct report *rep, const struct compile_options *o,
		   const struct compile_result *r, const char *file, uint32_t pos);
void report_free(struct report *rep);

/* accuracy.c: logits after one more token; next: the token that follows it, -1 for the last. */
int report_accuracy_begin(struct report *rep, const char *text, uint32_t tokens);
void report_accuracy_add(struct report *rep, const double *source, const float *chip, int32_t next);
double report_perplexity(double nll, uint32_t scored);

/* print_*.c: appended to out, whose err tells when memory ran out. */
void report_print_text(const struct report *rep, struct strbuf *out);
void report_print_json(const struct report *rep, struct strbuf *out);
void report_print_html(const struct report *rep, struct strbuf *out);

/* names.c */
extern const char *const report_fate_names[REPORT_FATES];
extern const char *const report_where_names[];
/*
 * A copy without what could break a terminal or a document: bytes that are no UTF-8 and control,
 * format and unassigned characters become U+FFFD.
 */
const char *report_text(struct arena *a, const char *s);
/* "layer.3/attn_norm" and "layer.0-4/attn_norm": "layer/attn_norm" */
const char *report_any_layer(struct arena *a, const char *name);
double report_bits(uint64_t bytes, uint64_t weights); /* bits per weight, NaN without weights */

/* collect_*.c */
int report_collect_tensors(struct report *rep, const struct ir_model *m);
int report_collect_rom(struct report *rep, const struct ir_model *m);
int report_collect_sram(struct report *rep, const struct compile_result *r);
int report_collect_path(struct report *rep, const struct compile_result *r, uint32_t pos);
int report_collect_changes(struct report *rep, const struct ir_model *m);

#endif
