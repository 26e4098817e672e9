/* SPDX-License-Identifier: MIT */
/*
 * The compiler's graph: a list of operations in execution order over values, plus what they refer
 * to: source tensors, constants put together from source tensors, and rotation tables.
 *
 * A value is what an operation computes for one column (token): `width` elements of fp32, or, with
 * dt = q8, int8 groups of 32 with an fp32 scale each, where every `seg` elements begin a new group
 * (a head, or the whole row). Nothing in the graph depends on the number of columns.
 *
 * Everything lives in one arena. Lists keep insertion order; ids are positions in their list and are
 * renewed by ir_renumber(). The text form (ir_print, ir_parse) holds all of it but the tensors'
 * data; printing what was parsed gives the same text.
 */
#ifndef IG1_COMPILER_IR_IR_H
#define IG1_COMPILER_IR_IR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compiler/ir/arena.h"
#include "compiler/ir/diag.h"
#include "compiler/ir/strbuf.h"

#define IR_MAX_TAPS  64u	/* of a convolution */
#define IR_MAX_WIDTH (1u << 24) /* elements of a value, rows of a matrix: a command's count limit */

enum ir_kind {
	IR_EMBED,   /* mats[0]: row of the column's token, with by_pos of its position */
	IR_RMSNORM, /* in[0], konst: weight; every seg elements are one row; eps */
	/*
	 * in[0], mats: rows one below the other; times scale unless that is 0; acc: in[1] is added, its
	 * storage reused
	 */
	IR_MATMUL,
	IR_BIAS,   /* in[0], konst: added */
	IR_SLICE,  /* in[0]: elements off .. off + width */
	IR_CONCAT, /* in[]: one after the other */
	IR_ROPE,   /* in[0], table: rotates each head of seg elements by the column's position */
	IR_QUANT,  /* in[0] to q8 in rows of seg elements */
	/*
	 * in[0] k, in[1] v (q8), see vseg: to the column's position in layer's KV blocks; squared: in[2] is
	 * stored, too
	 */
	IR_KVSTORE,
	/*
	 * in[0] q; before split_attention in[1] k, in[2] v; after it all stored ones. The softmax is over
	 * scale * (q . k), capped by cap * tanh(. / cap) unless cap is 0, of the last `window` positions
	 * (0: all). konst: with `sink` a further logit of each head, then with a window -inf.
	 * squared: not the softmax; see IR_SQLA.
	 */
	IR_ATTENTION,
	IR_ADD,	  /* in[0] + in[1] */
	IR_ACT,	  /* fn(in[0]); expand_act makes ELTs of it */
	IR_GLU,	  /* fn(in[0]) * in[1]; likewise */
	IR_ELT,	  /* one vector operation, see enum ir_fn */
	IR_CONV,  /* in[0]; konst: taps rows of weights, oldest input first, then a row of biases */
	IR_SCAN,  /* in[0] x, in[1] dt, in[2] B, in[3] C, then in[4] decay or konst; see below */
	IR_DOT,	  /* in[0] * in[1], summed over each row of seg elements: one element per row */
	IR_SHIFT, /* in[0] of the token before */
	IR_WKV,	  /* in[0] r, in[1] k, in[2] v, in[3] w, then in[4] a, in[5] b or c; see below */
	IR_PICK,  /* in[0] of the columns whose logits are wanted */
	IR_LOGITS, /* in[0]: matmul of the vocabulary and what is done to each; the program's result */
	IR_CENTER, /* in[0] less the mean of each row of seg elements */
	IR_L2NORM, /* in[0], rows of seg elements over the root of their square sum or of konst, its least */
	IR_DOTS,    /* in[0], konst: rows of its width; their dot products in fp32 */
	IR_SOFTMAX, /* in[0]: of the whole row */
	IR_ROUTE,   /* in[0] weights of experts, in[1] what selects them: the chosen's; see below */
	IR_EXPERTS, /* in[0], in[1] route, mats: the chosen experts' matrices, each on in[0] */
	IR_GATHER, /* in[0] route, konst: `parts` times a number for every expert; those of the chosen */
	IR_HEADMM, /* in[0] a row per head, mats[0] as many matrices: each on its own row */
	IR_JOIN,   /* in[0], in[1]: a row per head of each, side by side */
	IR_COMBINE, /* in[0] a row per chosen expert, in[1] route, mats: the weighted sum; acc: + in[2] */
	IR_SQLA,   /* in[0] q, in[1] k, in[2] v, in[3] x; konst: see below */
	IR_RUNSUM, /* in[0] of all tokens so far, added; a pair per element, see below */
	IR_KINDS
};

/*
 * Functions of IR_ELT, IR_ACT and IR_GLU. An IR_ELT is one pass of the vector unit, with its rounding.
 * Its operands are the inputs in order, with the constant, if there is one, as operand number kpos.
 * An operand has `width` elements, or one for each row of seg elements, or (a constant) just one.
 */
enum ir_fn {
	IR_FN_NONE,
	IR_FN_MOV,     /* a */
	IR_FN_ADD,     /* a + b */
	IR_FN_SUB,     /* a - b */
	IR_FN_MUL,     /* a * b */
	IR_FN_MAX,     /* max(a, b) */
	IR_FN_MAD,     /* a * b + c */
	IR_FN_MUL3,    /* a * b * c */
	IR_FN_LIN,     /* a * scale + shift */
	IR_FN_EXPS,    /* exp((a - b) * scale) */
	IR_FN_RECIP,   /* 1 / a */
	IR_FN_RSQRT,   /* 1 / sqrt(a * scale + shift) */
	IR_FN_SIGMOID, /* ELT, ACT and GLU */
	IR_FN_SILU,    /* ELT, ACT and GLU */
	IR_FN_SILUMUL, /* silu(a) * b */
	/* not ELT: several operations */
	IR_FN_GELU,	/* 0.5 x (1 + tanh(0.7978845608 (x + 0.044715 x^3))) */
	IR_FN_RELU2,	/* max(x, 0)^2 */
	IR_FN_TANH,	/* ACT only */
	IR_FN_EXP,	/* ACT only */
	IR_FN_SOFTPLUS, /* ln(1 + e^x); ACT only */
	IR_FN_OAI,	/* GLU only: a sigmoid(1.702 a) (clamp(u, -7, 7) + 1), a = min(g, 7) */
	IR_FNS
};

/*
 * Operations with a state of their own per sequence, all zero before the first token (models.md
 * sections 4 and 6). Inputs and results are fp32.
 *
 * IR_CONV: causal convolution of every element over the last `taps` tokens. State: the taps - 1 inputs
 * before, one row after the other.
 *
 * IR_SCAN: `heads` heads of seg elements, each with `dim` numbers of state h[i][n]; kv_heads groups of
 * heads share B and C, of dim elements. dt has one element per head:
 *	h[i][n] = decay h[i][n] + B[n] (x[i] dt), y[i] = sum over n of C[n] h[i][n]
 * decay is in[4], one element per head, or exp(dt A[i][n]) with A = konst, of which the last element is
 * zero, behind one for each of the state.
 *
 * IR_SHIFT: state: the input.
 *
 * IR_WKV: linear attention. `heads` heads with a matrix S of seg rows (values) and dim columns (keys);
 *	S[i][j] = w[j] S[i][j] + v[i] k[j] + s[i] b[j], s[i] = sum over j of S[i][j] a[j], before that
 *	S[i][j] = w[j] S[i][j] + (v[i] + c s[i]) k[j], likewise
 *	y[i] = sum over j of S[i][j] r[j], after that, or before it (early)
 * v is heads x seg; r, k and a are shared by heads, of kv_heads groups (neighbours, or with `spread`
 * every kv_heads-th); w is heads x dim or one number per head; b is heads x dim, c one per head.
 */

/*
 * Squared linear attention (arXiv 2602.17363): what a query head takes of a token's value is the square of
 * (q . k) times the decays of all tokens behind that one, over the sum of what it takes of all of them;
 * zero where that sum is. A token's decay is sigmoid(-x) = exp(-softplus(x)), one x per KV head. Heads of
 * seg elements, at most IR_MAX_SQUARED, kv_heads of them for k and v, as in IR_ATTENTION.
 *
 * Two forms compute it; pass_linear_form chooses. Recurrent is IR_SQLA itself. (q . k)^2 is the product of
 * all monomials of degree two, so that a KV head's state are the sums over tokens, decayed, of
 * v[i] (i < seg) and of 1 (i = seg) times each of ir_monomials(seg) monomials of k. Those of q hold a
 * factor of two where they are of two different elements (none of k does, instead of a root in both).
 *
 * Parallel is IR_ATTENTION with `squared`, before split_attention with a fourth input: the running sums of
 * softplus(x), which IR_KVSTORE stores in fp32, since exp of two positions' difference is the decay
 * between them. IR_RUNSUM gives a number and what is to be added to it, at most half a unit in its last
 * place: a sum over many tokens would not be exact enough in one. State: its value.
 *
 * konst: IR_SQLA_LEAST, the least sum that is divided by.
 */
#define IR_SQLA_LEAST  0x1p-100f
#define IR_MAX_SQUARED 1024u

enum ir_dtype { IR_F32, IR_Q8, IR_DTYPES };

/*
 * Mixtures of experts. A route picks `used` of `experts` columns of in[1] (of in[0] where there is
 * one input): the greatest, the lowest of equals first; with groups, of the `used_groups` groups whose
 * two greatest sum to most. Its value are their in[0], `chosen`: softmax of these; `norm`: divided by
 * their sum, at least IR_ROUTE_LEAST; times scale, when that is not 0. It also holds their numbers,
 * which only IR_EXPERTS, IR_COMBINE and IR_GATHER see. konst: what ir_const_selector makes.
 *
 * `parts` matrices belong to an expert (gate, up). Each part is a tensor with the rows of expert 0, 1, ...
 * one below the other, or a tensor for every expert; when all parts are the same tensor, each of its
 * experts has the rows of part 0, then those of part 1. The value of IR_EXPERTS is, part by part, a
 * row for every chosen expert. konst: biases, in the order of parts, experts, rows.
 */
#define IR_ROUTE_LEAST 6.103515625e-5f

/* How a tensor lies in ROM. */
enum ir_format {
	IR_FMT_NONE,
	IR_FMT_F32, /* constants */
	IR_FMT_Q8_0,
	IR_FMT_Q4_0,
	IR_FMT_T2_0,
	IR_FMT_B1_0,
	IR_FMT_MX4,
	IR_FMT_NV4,
	IR_FMT_IQ4,
	IR_FMT_Q4_1,
	IR_FMT_Q5_1,
	IR_FMT_Q6_K,
	IR_FORMATS,
};

/* What becomes of a matrix on its way to ROM; as the tensors section of .accel files has it. */
enum ir_requant {
	IR_KEPT,      /* its bytes */
	IR_REQUANT,   /* values change */
	IR_REENCODED, /* other bytes, the same values */
};

struct gguf_tensor;

struct ir_tensor {
	struct ir_tensor *next;
	uint32_t id;
	const char *name;  /* in the source file */
	uint32_t src_type; /* enum ggml_type */
	uint64_t rows, cols;
	/* in the source file: bytes, or rows to be read by build_row; NULL for a parsed graph */
	const uint8_t *data;
	const struct gguf_tensor *source;
	uint64_t source_row; /* of source: the first one */
	size_t size;
	uint32_t uses; /* by matmuls; of the pass that counts them */
	/* choose_format */
	uint32_t fmt;	  /* enum ir_format */
	uint32_t requant; /* enum ir_requant */
	/* rom.c: squares of what requantising changed, and of the values; the largest of both */
	double lost2, all2, lost_max, all_max;
	/*
	 * canon_rope: rows (of a constant: elements) of every head of perm_head are reordered in
	 * their first perm_rot: 0, 2, 4, ... then 1, 3, 5, ...; 0: left alone
	 */
	uint32_t perm_head, perm_rot;
	uint32_t transposed; /* of a constant: its columns one after the other */
	/*
	 * 1: of every head the last perm_rot rows are reordered so, and stand behind the others of
	 * all heads
	 */
	uint32_t perm_tail;
	/* place_rom */
	uint32_t placed;
	uint64_t addr, stride, groups;
};

/* `repeat` copies of n elements of a tensor, or of n times `value` when t is NULL. */
struct ir_piece {
	struct ir_tensor *t;
	float value;
	uint64_t n;
	uint64_t repeat;
};

/* fp32 vector in constant ROM */
struct ir_const {
	struct ir_const *next;
	uint32_t id;
	const char *name;
	size_t n_pieces;
	struct ir_piece *pieces;
	uint64_t n;	 /* elements in all */
	uint32_t common; /* belongs to no layer: see ir_const_value */
	uint32_t placed;
	uint64_t addr;
};

/*
 * Rotation table in constant ROM: per position cos[dims/2], -sin[dims/2], sin[dims/2] of
 *	theta_i = pos * base^(-2i/dims) / factors_i * scale, blended by yarn when ext != 0,
 * times mscale (models.md section 4; Su et al. 2021, Peng et al. 2023).
 */
struct ir_table {
	struct ir_table *next;
	uint32_t id;
	const char *name;
	uint32_t dims, positions;
	double base, scale, mscale;
	double ext, beta_fast, beta_slow;
	uint32_t orig_ctx;
	struct ir_tensor *factors;
	uint32_t placed;
	uint64_t addr, stride; /* bytes of a position */
};

struct ir_op {
	struct ir_op *next, *prev;
	uint32_t id;
	enum ir_kind kind;
	const char *name; /* "layer.3/ffn_norm" */
	size_t n_in;
	struct ir_op **in;
	size_t n_mats;
	struct ir_tensor **mats;
	struct ir_const *konst;
	struct ir_table *table;
	uint32_t width, seg;
	uint32_t dt; /* enum ir_dtype */
	uint32_t off;
	uint32_t acc;
	uint32_t pairs; /* IR_ROPE: 1: pairs (2i, 2i+1), 0: pairs (i, i + dims/2) */
	uint32_t layer, heads, kv_heads;
	uint32_t fn, kpos;	/* enum ir_fn */
	uint32_t taps, dim;	/* IR_CONV, IR_SCAN, IR_WKV */
	uint32_t early, spread; /* IR_WKV */
	uint64_t state;		/* place_state: byte offset in the sequence's state */
	uint32_t by_pos;	/* IR_EMBED */
	uint32_t window, sink;	/* IR_ATTENTION; IR_KVSTORE has the window, too */
	uint32_t squared;	/* IR_ATTENTION, IR_KVSTORE */
	float eps, scale, shift, cap;
	/* IR_ATTENTION, IR_KVSTORE: elements of a value, 0: seg; without a v they are a key's first ones */
	uint32_t vseg;
	uint32_t experts, used, groups, used_groups, chosen, norm, parts;
};

/* Numbers of the model; kept in the text form's first lines. Heads: of what has KV, or 0. */
struct ir_meta {
	const char *arch, *name;
	uint32_t layers, width, vocab, context, heads, kv_heads, head_size, ff;
	uint64_t rom_bytes, crom_bytes, state_bytes; /* after placement */
};

struct build_progress;

struct ir_model {
	struct arena arena;
	struct diag diag;
	struct ir_meta meta;
	struct ir_tensor *tensors, **tensors_tail;
	struct ir_const *consts, **consts_tail;
	struct ir_table *tables, **tables_tail;
	struct ir_op *first, *last;
	const struct build_progress *progress; /* while it is compiled, or NULL */
	const char *no_tokenizer;	       /* why the file was written without one, else NULL */
};

void ir_init(struct ir_model *m);
void ir_free(struct ir_model *m);

/*
 * Constructors append and return the new object, or NULL with m->diag set. Those that take an
 * operation return NULL for a NULL input, so that a chain needs one check at its end.
 */
struct ir_tensor *ir_tensor_new(struct ir_model *m, const char *name, size_t len);
struct ir_const *ir_const_new(struct ir_model *m, const char *name, size_t n_pieces);
/* A constant of one tensor. */
struct ir_const *ir_const_tensor(struct ir_model *m, struct ir_tensor *t);
/* A single number; the same constant for the same number. */
struct ir_const *ir_const_value(struct ir_model *m, float value);
/*
 * What picks among n: n - 1 zeros, a one, n - 1 zeros (from element n - 1 - i on it is one at i and zero
 * elsewhere), the least number, IR_ROUTE_LEAST. The same constant for the same n.
 */
struct ir_const *ir_const_selector(struct ir_model *m, uint32_t n);
struct ir_table *ir_table_new(struct ir_model *m, const char *name);
struct ir_op *ir_op_new(struct ir_model *m, enum ir_kind kind, const char *name, size_t n_in,
			struct ir_op *const *in, size_t n_mats);
/* The same, but unlinked; put it in place with ir_op_before. */
struct ir_op *ir_op_make(struct ir_model *m, enum ir_kind kind, const char *name, size_t n_in,
			 struct ir_op *const *in, size_t n_mats);
void ir_op_before(struct ir_model *m, struct ir_op *at, struct ir_op *op); /* at NULL: append */
void ir_op_unlink(struct ir_model *m, struct ir_op *op);
/* Every use of `from`, except by `keep` (may be NULL), becomes a use of `to`. */
void ir_replace_uses(struct ir_model *m, struct ir_op *from, struct ir_op *to, struct ir_op *keep);
size_t ir_uses(const struct ir_model *m, const struct ir_op *op);
/* The only user of op, or NULL. */
struct ir_op *ir_only_user(const struct ir_model *m, const struct ir_op *op);

void ir_renumber(struct ir_model *m);
const char *ir_kind_name(enum ir_kind kind);
const char *ir_format_name(uint32_t fmt);
/* IG1_WFMT_* of a format of matrices. */
uint32_t ir_format_wfmt(uint32_t fmt);
/* The name of an IG1_WFMT_*; "?": no matrix is written in it. */
const char *ir_wfmt_name(uint32_t wfmt);
const char *ir_fn_name(uint32_t fn);
/* Operands of an IR_ELT; 0: not a function of one. */
unsigned int ir_fn_operands(uint32_t fn);

/* Groups of 32 of a q8 value, 64-bit so that hostile widths do not wrap. */
static inline uint64_t ir_groups(uint64_t width, uint64_t seg)
{
	return seg ? width / seg * ((seg + 31) / 32) : 0;
}

/* Products of two of n numbers, those with themselves among them; n <= IR_MAX_SQUARED. */
static inline uint32_t ir_monomials(uint32_t n)
{
	return n * (n + 1) / 2;
}

/* Bytes of state that an operation keeps for a sequence, 0: none. */
uint64_t ir_state_bytes(const struct ir_op *op);
static inline uint64_t ir_selector_elements(uint32_t n)
{
	return 2 * (uint64_t)n + 1;
}

/* Rows of a part of an expert, of IR_EXPERTS and IR_COMBINE; 0: the matrices do not fit. */
uint64_t ir_expert_rows(const struct ir_op *op);

/* Checks every operation against the rules above; 0 or -EINVAL with the operation named. */
int ir_verify(struct ir_model *m);

/* Text form. ir_parse starts from an initialised, empty model; -EINVAL names the line. */
void ir_print(struct ir_model *m, struct strbuf *out);
int ir_parse(struct ir_model *m, const char *text, size_t n);

/* Graphviz. */
void ir_dot(struct ir_model *m, struct strbuf *out);

#endif
