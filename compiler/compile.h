/* SPDX-License-Identifier: MIT */
/* The compiler as a whole: model file in, .accel file out. */
#ifndef IG1_COMPILER_COMPILE_H
#define IG1_COMPILER_COMPILE_H

#include <stddef.h>
#include <stdint.h>

#include "compiler/frontends/source.h"
#include "compiler/image/build.h"
#include "compiler/passes/pass.h"

struct compile_options {
	const char *model; /* what source_open takes; with data: a name for messages */
	const void *data;  /* a GGUF file's bytes, when they are in memory already; else NULL */
	size_t size;
	const char *out; /* NULL: nothing is written */
	bool losses;	 /* measure what requantising costs though nothing is written */
	const struct ig1_config *chip;
	enum pass_format format;
	enum pass_linear linear;
	uint32_t context; /* 0: the model's */
	struct pass_watch watch;
	struct build_progress progress;
};

struct compile_result {
	struct ir_model model;
	struct cg_output code;
	struct source_left_out left_out[SOURCE_LEFT_OUT];
	size_t n_left_out;
};

/* Stages that --print-after and --stop-after know beside the passes. */
#define COMPILE_STAGE_BUILD    "build"	  /* graph as read from the file */
#define COMPILE_STAGE_GENERATE "generate" /* programs */
#define COMPILE_STAGE_HAZARDS  "hazards"  /* programs checked */
#define COMPILE_STAGE_WRITE    "write"	  /* file written */

/*
 * Returns 0, a positive value of the watch (stopped where it wanted), or a negative errno with
 * r->model.diag set: -EINVAL for a malformed file, -ENOTSUP for what cannot be compiled, -ENOSPC for
 * what does not fit the chip. compile_free(r) in every case.
 */
int compile_model(const struct compile_options *o, struct compile_result *r);
void compile_free(struct compile_result *r);

/* NULL: no such configuration. */
const struct ig1_config *compile_chip(const char *name);

#endif
