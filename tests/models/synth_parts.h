/* SPDX-License-Identifier: MIT */
/* What the files of synth share: tensors and keys of the model that is being written. */
#ifndef IG1_TESTS_MODELS_SYNTH_PARTS_H
#define IG1_TESTS_MODELS_SYNTH_PARTS_H

#include "tests/models/synth.h"

struct synth {
	const struct synth_model *m;
	struct gguf_writer *w;
	int error; /* sticky */
};

/*
 * `count` matrices {cols, rows} in one tensor: outputs have the deviation `gain` for inputs of
 * deviation 1.
 */
void synth_matrices(struct synth *s, const char *name, uint32_t type, uint32_t cols, uint32_t rows,
		    uint32_t count, float gain);
/* n values around `mean`, at least a quarter of it away from zero when it is positive. */
void synth_vector(struct synth *s, const char *name, uint32_t n, float mean, float deviation);
/* Matrix and, if wanted, bias of a layer. */
void synth_linear(struct synth *s, uint32_t layer, const char *what, uint32_t type, uint32_t cols,
		  uint32_t rows, float gain, uint32_t bias);
/* n numbers WHAT.scale of a layer, if the model has such */
void synth_scales(struct synth *s, uint32_t layer, const char *what, uint32_t n);
/* A weight of a layer's norm, near 1 */
void synth_norm(struct synth *s, uint32_t layer, const char *what, uint32_t n);
/* "<arch>.<name>" */
void synth_key_u32(struct synth *s, const char *name, uint32_t v);
void synth_key_f32(struct synth *s, const char *name, float v);
void synth_key_bool(struct synth *s, const char *name, bool v);

/* synth_moe.c: the feed-forward of a layer, false when it is a dense one; keys */
bool synth_moe_layer(struct synth *s, uint32_t layer, uint32_t type2);
void synth_moe_keys(struct synth *s);
bool synth_moe_makes_sense(const struct synth_model *m);
const char *synth_ffn_norm(const struct synth_model *m); /* the norm before it */
/* synth_moe.c: latent attention of a layer */
void synth_mla(struct synth *s, uint32_t layer);

#endif
