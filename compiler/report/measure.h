/* SPDX-License-Identifier: MIT */
/* A text's tokens by the model file and by whatever runs its image. */
#ifndef IG1_COMPILER_REPORT_MEASURE_H
#define IG1_COMPILER_REPORT_MEASURE_H

#include "compiler/report/report.h"

/* What runs the image: the sequence's next n tokens, n rows of logits. 0 or a negative errno. */
struct measure_chip {
	int (*run)(void *ctx, const int32_t *tokens, uint32_t n, float *logits);
	void *ctx;
};

/*
 * Fills rep->accuracy with n tokens; rep is of the same options. text: what they are, for the reader. Opens
 * the model again, for its graph before any pass. 0, or a negative errno with rep->diag set, but for an
 * error of run, which is returned as it is.
 */
int measure(struct report *rep, const struct compile_options *o, const char *text,
	    const int32_t *tokens, uint32_t n, const struct measure_chip *chip);

#endif
