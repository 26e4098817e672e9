/* SPDX-License-Identifier: MIT */
/* The shapes of models that test_models goes through. */
#ifndef IG1_TESTS_MODELS_SHAPES_H
#define IG1_TESTS_MODELS_SHAPES_H

#include <stddef.h>

#include "tests/models/synth.h"

extern const struct synth_model shapes[];
extern const size_t n_shapes;

/* A small one, with any mixture of what struct synth_model has; without a name. */
void shape_random(uint64_t seed, struct synth_model *m);

#endif
