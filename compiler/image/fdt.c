// SPDX-License-Identifier: MIT
#include <errno.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/image/build.h"

struct tree {
	void *fdt;
	int err; /* first error of libfdt */
};

static void note(struct tree *t, int ret)
{
	if (!t->err && ret < 0)
		t->err = ret;
}

static void u32(struct tree *t, const char *name, uint32_t v)
{
	note(t, fdt_property_u32(t->fdt, name, v));
}

static void u64(struct tree *t, const char *name, uint64_t v)
{
	note(t, fdt_property_u64(t->fdt, name, v));
}

static void str(struct tree *t, const char *name, const char *v)
{
	note(t, fdt_property_string(t->fdt, name, v));
}

static void begin(struct tree *t, const char *path)
{
	note(t, fdt_begin_node(t->fdt, path + 1));
}

static void chip_node(struct tree *t, const struct ir_model *m, const struct ig1_config *chip)
{
	begin(t, IG1_FDT_CHIP);
	str(t, IG1_FDT_CHIP_CONFIG, chip->name);
	u32(t, IG1_FDT_CHIP_TILES, chip->tiles);
	u32(t, IG1_FDT_CHIP_ROWS, chip->rows);
	u32(t, IG1_FDT_CHIP_COLUMNS, chip->columns);
	u32(t, IG1_FDT_CHIP_LANES, chip->lanes);
	u32(t, IG1_FDT_CHIP_MEM_BYTES, chip->mem_bytes);
	u32(t, IG1_FDT_CHIP_SCRATCH_BYTES, chip->scratch_bytes);
	u64(t, IG1_FDT_CHIP_SRAM_BYTES, chip->sram_bytes);
	u64(t, IG1_FDT_CHIP_ROM_BYTES, m->meta.rom_bytes);
	u64(t, IG1_FDT_CHIP_CROM_BYTES, m->meta.crom_bytes);
	u64(t, IG1_FDT_CHIP_CLOCK_FREQUENCY, chip->clock_hz);
	note(t, fdt_end_node(t->fdt));
}

/* The format of most weights. */
static const char *main_format(const struct ir_model *m)
{
	uint64_t n[IR_FORMATS] = { 0 };
	const struct ir_tensor *t;
	uint32_t i, best = IR_FMT_Q8_0;

	for (t = m->tensors; t; t = t->next) {
		if (t->placed)
			n[t->fmt] += t->rows * t->cols;
	}
	for (i = 0; i < IR_FORMATS; i++) {
		if (n[i] > n[best])
			best = i;
	}
	return ir_format_name(best);
}

static void model_node(struct tree *t, const struct ir_model *m)
{
	const struct ir_meta *meta = &m->meta;

	begin(t, IG1_FDT_MODEL);
	str(t, IG1_FDT_MODEL_NAME, meta->name);
	str(t, IG1_FDT_MODEL_ARCH, meta->arch);
	u32(t, IG1_FDT_MODEL_LAYERS, meta->layers);
	u32(t, IG1_FDT_MODEL_WIDTH, meta->width);
	u32(t, IG1_FDT_MODEL_VOCAB, meta->vocab);
	u32(t, IG1_FDT_MODEL_CONTEXT, meta->context);
	u32(t, IG1_FDT_MODEL_HEADS, meta->heads);
	u32(t, IG1_FDT_MODEL_KV_HEADS, meta->kv_heads);
	u32(t, IG1_FDT_MODEL_HEAD_SIZE, meta->head_size);
	str(t, IG1_FDT_MODEL_FORMAT, main_format(m));
	note(t, fdt_end_node(t->fdt));
}

int build_fdt(struct ir_model *m, const struct ig1_config *chip, const uint8_t mask_id[32],
	      uint32_t rom_check, void **out, size_t *bytes)
{
	struct tree t = { 0 };

	t.fdt = calloc(1, IG1_FDT_WINDOW_BYTES);
	if (!t.fdt)
		return diag_nomem(&m->diag);
	note(&t, fdt_create(t.fdt, IG1_FDT_WINDOW_BYTES));
	note(&t, fdt_finish_reservemap(t.fdt));
	note(&t, fdt_begin_node(t.fdt, ""));
	str(&t, IG1_FDT_ROOT_COMPATIBLE, IG1_FDT_ROOT_COMPATIBLE_VALUE);
	u32(&t, IG1_FDT_ROOT_SPEC, IG1_SPEC_VERSION);
	chip_node(&t, m, chip);
	begin(&t, IG1_FDT_MASK);
	note(&t, fdt_property(t.fdt, IG1_FDT_MASK_MASK_ID, mask_id, 32));
	u32(&t, IG1_FDT_MASK_ROM_CHECK, rom_check);
	note(&t, fdt_end_node(t.fdt));
	model_node(&t, m);
	note(&t, fdt_end_node(t.fdt));
	note(&t, fdt_finish(t.fdt));
	if (t.err) {
		free(t.fdt);
		if (t.err == -FDT_ERR_NOSPACE)
			return diag_set(&m->diag, -ENOSPC,
					"device tree: larger than its window of %u bytes (key "
					"general.name has %zu)",
					IG1_FDT_WINDOW_BYTES, strlen(m->meta.name));
		return diag_set(&m->diag, -EINVAL, "device tree: %s", fdt_strerror(t.err));
	}
	*out = t.fdt;
	*bytes = fdt_totalsize(t.fdt);
	return 0;
}
