/* SPDX-License-Identifier: MIT */
/*
 * GGUF file to graph. One file per architecture says what is special about it; net.c builds
 * what they share. Keys, tensors and shapes follow llama.cpp's conventions for GGUF.
 *
 * What cannot be compiled is refused with -ENOTSUP and a message that names the key or tensor; a
 * file that contradicts itself with -EINVAL.
 */
#ifndef IG1_COMPILER_FRONTENDS_FRONTEND_H
#define IG1_COMPILER_FRONTENDS_FRONTEND_H

#include <stdbool.h>
#include <stdint.h>

#include "compiler/frontends/gguf.h"
#include "compiler/ir/ir.h"

#define FE_MAX_LAYERS 4096

/*
 * Builds the graph of an open file, which must stay open as long as tensor data are needed.
 * context: positions, 0 for the file's own number; above that number it is refused.
 * Returns 0 or a negative errno with m->diag set.
 */
int fe_build(struct ir_model *m, const struct gguf_file *f, uint32_t context);

/* Values of general.architecture that are supported, one after the other; NULL behind the last. */
const char *fe_arch_name(size_t i);

/* keys.c: "<arch>.<key>"; the message of a wrong value goes to m->diag. */
struct fe_keys {
	struct ir_model *m;
	const struct gguf_file *f;
	const char *arch;
};
int fe_u32(struct fe_keys *k, const char *key, bool required, uint32_t *out);
int fe_bool(struct fe_keys *k, const char *key, bool *out);
int fe_f32(struct fe_keys *k, const char *key, bool required, float *out);
/* A value per layer. */
int fe_u32_layers(struct fe_keys *k, const char *key, uint32_t layers, uint32_t *out);
int fe_str(struct fe_keys *k, const char *key, struct gguf_str *out);

#endif
