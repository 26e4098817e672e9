/* SPDX-License-Identifier: MIT */
/*
 * One tensor being made of those in safetensors files: hf_tensors.c finds the rule and the sources,
 * hf_convert.c does what enum hf_op says. Returns as hf_internal.h's.
 */
#ifndef IG1_COMPILER_FRONTENDS_HF_CONVERT_H
#define IG1_COMPILER_FRONTENDS_HF_CONVERT_H

#include "compiler/frontends/hf_internal.h"
#include "compiler/frontends/hf_rows.h"

struct hf_making {
	struct hf *h;
	const struct hf_rule *rule;
	const char *hf; /* the source's name */
	uint32_t layer;
	struct gguf_tensor t;
	struct hf_rows *rows;
};

#define hf_refuse(m, code, fmt, ...) \
	hf_fail((m)->h, code, "tensor %.100s: " fmt, (m)->hf, ##__VA_ARGS__)

/* m->t's type, shape and data or m->rows, by the rule's op. */
int hf_convert(struct hf_making *m, const struct st_tensor *s);
int hf_convert_mxfp4(struct hf_making *m, const struct st_tensor *s,
		     const struct st_tensor *scales);
/* n tensors of one shape and type, one below the other; flat: each is a row. */
int hf_convert_stack(struct hf_making *m, const struct st_tensor **parts, uint32_t n, bool flat);
/* Of a dtype that can be converted. */
int hf_check_type(struct hf_making *m, const struct st_tensor *s);

#endif
