/* SPDX-License-Identifier: MIT */
/* Shared by the hf_from_*.c files: a GGUF model that becomes a folder. */
#ifndef IG1_COMPILER_TESTS_HF_FROM_GGUF_H
#define IG1_COMPILER_TESTS_HF_FROM_GGUF_H

#include <jansson.h>

#include "compiler/tests/hf_writer.h"

/* How torch's tensor differs from GGUF's beside the order of its sizes. */
enum hf_undo {
	SAME,
	ROWS_Q, /* of a head the first halves of the pairs come first */
	ROWS_K,
	MINUS_1,
	LOG_OF_MINUS, /* {..., n} of values below 0; sizes of 1 are left out */
	SQUEEZE,      /* sizes of 1 are left out */
	FLAT,	      /* one size */
	DEPTHWISE,    /* [C, 1, K] */
	LEADING,      /* [1, 1, n] */
	PER_EXPERT,   /* a tensor for each; {e} in the name */
	PER_LETTER,   /* a tensor [1, 1, n] for each row; {letters} in the name */
	TRANSPOSED,
	TRANSPOSED_5, /* five matrices */
	WITH_UP,      /* the up matrices' rows follow the gate's, for each expert */
	IS_UP,	      /* that tensor: part of the gate's */
	KV_B,	      /* keys (transposed) and values of a head in turn */
	IS_V_B,
	QKVZ, /* queries, keys, values and gates of a head in turn */
	IS_Z,
	UNTILED,      /* value heads that share a key head come side by side */
	UNTILED_LOG,  /* and LOG_OF_MINUS */
	UNTILED_ROWS, /* of more than one row each */
	UNTILED_QKV,  /* behind queries and keys */
	UNTILED_CONV, /* and DEPTHWISE */
	UNTILED_COLUMNS,
	BLOCKS,	   /* MXFP4: NAME_blocks, NAME_scales */
	BLOCKS_UP, /* of the gate's and up's rows in turn */
	IN_TURN,   /* the same of biases */
	DIVIDED,   /* by the config's numbers behind the name, "*a*b" */
	DIVIDED_PARTS,
	SCALED_BACK, /* times 2 for every `rescale_every` layers before */
};

struct hf_name {
	const char *gguf, *hf; /* without .weight or .bias, unless it is part of the name */
	enum hf_undo undo;
};

struct hf_value {
	const char *json, *key;
	char type; /* u, f, b; z: as u, 0 where there is none; o: as f, or 1 */
};

struct hf_class {
	const char *arch;
	bool experts; /* of two of an arch: the one with experts */
	const char *class;
	const char *prefix;	       /* of layers */
	const char *extra;	       /* members that no key has */
	const struct hf_value *values; /* beside the usual ones */
	const struct hf_name *names;
};

struct hf_from {
	struct hf_folder *d;
	const struct gguf_file *f;
	const struct hf_class *class;
	json_t *config;
	char arch[32];
	uint32_t heads, kv_heads, layers;
	/* linear attention */
	uint32_t k_heads, v_heads, key, value;
	json_t *map; /* of tensors to files */
	const char *file;
};

void *hf_must(void *p);
json_t *hf_text(struct gguf_str s);
void hf_put_json(struct hf_folder *d, const char *name, json_t *j);

/* hf_from_classes.c */
const struct hf_class *hf_class_of(const char *arch, bool experts);

/* hf_from_tensors.c: the torch tensors of a GGUF one; layer -1: none. */
void hf_write_tensor(struct hf_from *c, const struct gguf_tensor *t);
const struct hf_name *hf_name_of(const struct hf_class *class, const char *gguf, int *layer,
				 const char **suffix);
void hf_write_tokenizer(struct hf_from *c, int pairs);

#endif
