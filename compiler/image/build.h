/* SPDX-License-Identifier: MIT */
/*
 * From graph and programs to the .accel file: contents of both ROMs, device tree, manifest, tables,
 * tokenizer, template. The bytes depend on the model file and the options only.
 */
#ifndef IG1_COMPILER_IMAGE_BUILD_H
#define IG1_COMPILER_IMAGE_BUILD_H

#include <stddef.h>
#include <stdint.h>

#include "compiler/codegen/codegen.h"
#include "compiler/frontends/source.h"
#include "image.h"
#include "compiler/ir/ir.h"

/*
 * Called now and then, each may be NULL: while weights are compared with the formats (bytes of tensors; a
 * tensor may begin again), then while the ROM is written.
 */
struct build_progress {
	void *ctx;
	void (*check)(void *ctx, uint64_t done, uint64_t total);
	void (*step)(void *ctx, uint64_t done, uint64_t total);
};

/* Writes `path`; nothing is left there after a failure. 0 or a negative errno, m->diag set. */
int build_image(struct ir_model *m, const struct cg_output *out, const struct ig1_config *chip,
		const struct gguf_file *src, const struct build_progress *progress,
		const char *path);

/* rom.c: the weight ROM into w, entries' CRCs filled in. */
struct build_rom {
	struct ir_model *m;
	struct ig1_image_tensor *entries; /* by tensor id */
	const struct build_progress *progress;
	uint32_t check; /* device tree's rom-check */
	uint64_t done;
};
int build_rom(void *ctx, struct ig1_image_writer *w);
/* Relative RMS error of a matrix that was requantised, after build_rom or build_losses; else 0. */
double build_loss(const struct ir_tensor *t);
/* The same sums without writing anything. */
int build_losses(struct ir_model *m);
/* Row `row` of the source, as stored: in the file or in buf, which has room for one. */
const uint8_t *build_row(const struct ir_tensor *t, uint64_t row, void *buf);
/* The source row of ROM row `row`. */
uint64_t build_source_row(const struct ir_tensor *t, uint64_t row);

/* crom.c: malloc'ed contents of the constant ROM; entries filled in. */
int build_crom(struct ir_model *m, struct ig1_image_tensor *entries, uint8_t **out);
/* The c->n elements of a constant. */
int build_const(struct ir_model *m, const struct ir_const *c, float *out);
/* Radians per position of the t->dims / 2 pairs of a table. */
int build_freqs(struct ir_model *m, const struct ir_table *t, double *out);

/* fdt.c: malloc'ed device tree */
int build_fdt(struct ir_model *m, const struct ig1_config *chip, const uint8_t mask_id[32],
	      uint32_t rom_check, void **out, size_t *bytes);

/*
 * left_out.c: what of the model's files is not in the image, as text: a line for each part, numbers of
 * tensors and bytes, then what it is. The reader takes any bytes; *out, with the names that it points to, is
 * malloc'ed. 0, -EINVAL or -ENOMEM.
 */
void build_left_out(const struct gguf_file *f, struct strbuf *out);
int build_left_out_parse(const char *text, size_t bytes, struct source_left_out **out, size_t *n);

/* tokenizer.c: malloc'ed blob; *out NULL and m->no_tokenizer set when there is none to have. */
int build_tokenizer(struct ir_model *m, const struct gguf_file *f, void **out, size_t *bytes);

#endif
