/* SPDX-License-Identifier: MIT */
/* Compiles a model and runs its programs on the reference model, for tests. */
#ifndef IG1_COMPILER_TESTS_MODEL_RUN_H
#define IG1_COMPILER_TESTS_MODEL_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compiler/codegen/estimate.h"
#include "compiler/compile.h"
#include "image.h"
#include "ref.h"

struct model_run {
	char path[64]; /* of the .accel file, removed by model_close */
	struct compile_result built;
	bool compiled; /* model_open got that far */
	struct ig1_image *img;
	const struct ig1_image_manifest *mf;
	struct ig1_ref *ref;
	uint8_t *mem; /* host memory, mapped one to one */
	size_t mem_bytes;
	uint64_t kv_end; /* behind the sequences' regions */
	size_t n_cmds[IG1_PROGS];
	char err[DIAG_MSG_BYTES];   /* why model_open or a run failed */
	struct ig1_completion done; /* of the last job */
};

/* Compiles with these options (model, out and watch are set here) for `seqs` sequences. 0 or errno. */
int model_open(struct model_run *r, const struct compile_options *o, uint32_t seqs);
void model_close(struct model_run *r);

/* The sequence has had no token yet; it is so at first. Only a recurrent state needs to be told. */
void model_forget(struct model_run *r, uint32_t seq);
/*
 * One prefill of n <= max_cols tokens of sequence seq from position pos; logits (n x vocab) may be
 * NULL. 0 or -EIO with err.
 */
int model_prefill(struct model_run *r, uint32_t seq, uint32_t pos, const uint32_t *tokens,
		  uint32_t n, float *logits);
/* The same for any number of tokens, `chunk` at a time. */
int model_prompt(struct model_run *r, uint32_t seq, const uint32_t *tokens, uint32_t n,
		 uint32_t chunk, float *logits);
/*
 * `steps` greedy steps of n columns: sequence first + i is at pos[i] with tokens[i] to be read. out:
 * steps x n tokens. logits: of the last step, n x vocab, or NULL. Returns the tokens emitted, or
 * -EIO with err.
 */
int model_decode(struct model_run *r, uint32_t first, const uint32_t *pos, const uint32_t *tokens,
		 uint32_t n, uint32_t steps, uint32_t stop, uint32_t *out, float *logits);

/* What decoding one token at a position costs, estimated. 0 or a negative errno. */
int model_estimate(const struct compile_result *built, uint32_t pos, struct estimate *e);

#endif
