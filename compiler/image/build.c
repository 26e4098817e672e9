// SPDX-License-Identifier: MIT
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/image/build.h"
#include "compiler/quant/half.h"
#include "sha256.h"

struct build {
	struct ir_model *m;
	const struct cg_output *out;
	const struct ig1_config *chip;
	const struct gguf_file *src;
	struct ig1_image_writer *w;
	struct ig1_image_tensor *entries; /* by tensor id */
	uint32_t n_tensors;
	uint32_t rom_check;
	uint8_t mask_id[32];
};

static void describe_tensors(struct build *b)
{
	const struct ir_tensor *t;

	for (t = b->m->tensors; t; t = t->next) {
		struct ig1_image_tensor *e = &b->entries[t->id];

		e->src_type = t->src_type;
		e->requant = t->requant;
		if (t->placed) {
			e->fmt = ir_format_wfmt(t->fmt);
			e->offset = t->addr;
			e->rows = t->rows;
			e->groups = t->groups;
			e->stride = t->stride;
			e->bytes = t->rows * t->stride;
		} else {
			e->fmt = IG1_TENSOR_F32;
			e->rows = 1;
			e->groups = t->rows * t->cols;
			e->stride = 4 * e->groups;
			e->bytes = e->stride;
		}
	}
}

/* Constants that are nowhere in ROM, baked into tables, are left out. */
static bool in_rom(const struct ir_model *m, const struct ir_tensor *t)
{
	const struct ir_const *c;
	size_t i;

	if (t->placed)
		return true;
	for (c = m->consts; c; c = c->next) {
		for (i = 0; i < c->n_pieces; i++) {
			if (c->pieces[i].t == t)
				return true;
		}
	}
	return false;
}

/* Beyond what a float holds: the largest one. */
static uint32_t loss_bits(const struct ir_tensor *t)
{
	double loss = build_loss(t);

	return t->requant == IR_REQUANT ? float_bits(loss < 0x1p127 ? (float)loss : 0x1p127f) : 0;
}

static int add_tensors(struct build *b)
{
	const struct ir_tensor *t;
	struct ig1_image_tensor *list;
	const char **names;
	uint32_t n = 0;

	list = arena_array(&b->m->arena, b->n_tensors + 1, sizeof(*list));
	names = arena_array(&b->m->arena, b->n_tensors + 1, sizeof(*names));
	if (!list || !names)
		return diag_nomem(&b->m->diag);
	for (t = b->m->tensors; t; t = t->next) {
		if (!in_rom(b->m, t))
			continue;
		names[n] = t->name;
		list[n] = b->entries[t->id];
		list[n++].loss = loss_bits(t);
	}
	return ig1_image_add_tensors(b->w, list, names, n);
}

static int add_roms(struct build *b, const struct build_progress *progress)
{
	struct build_rom rom = { .m = b->m, .entries = b->entries, .progress = progress };
	uint8_t *crom = NULL;
	int ret;

	ret = ig1_image_add_stream(b->w, IG1_SEC_ROM, 0, build_rom, &rom);
	if (!ret)
		ret = build_crom(b->m, b->entries, &crom);
	if (!ret)
		ret = ig1_image_add(b->w, IG1_SEC_CROM, 0, crom, b->m->meta.crom_bytes);
	free(crom);
	b->rom_check = rom.check;
	ig1_image_mask_id(b->w, b->mask_id);
	return ret;
}

static int add_fdt(struct build *b)
{
	size_t bytes = 0;
	void *fdt = NULL;
	int ret = build_fdt(b->m, b->chip, b->mask_id, b->rom_check, &fdt, &bytes);

	if (!ret)
		ret = ig1_image_add(b->w, IG1_SEC_FDT, 0, fdt, bytes);
	free(fdt);
	return ret;
}

/* Cut at a character's border, so that the text stays UTF-8. */
static void copy_text(char *dst, size_t n, const char *src)
{
	size_t len = strnlen(src, n);

	if (len == n) {
		for (len = n - 1; len && ((unsigned char)src[len] & 0xc0) == 0x80; len--)
			;
	}
	memcpy(dst, src, len);
}

static int add_manifest(struct build *b)
{
	struct ig1_image_manifest mf = { .abi = IG1_PROGRAM_ABI_KV };
	const struct ir_meta *meta = &b->m->meta;
	const struct ir_tensor *t;
	const struct ir_op *op;
	struct ig1_sha256 sha;
	size_t i;

	mf.vocab = meta->vocab;
	mf.context = meta->context;
	mf.max_cols = b->out->shape.cols;
	mf.kv_block_bytes = b->out->kv.block_bytes;
	mf.kv_blocks = b->out->kv.blocks;
	mf.win_block_bytes = b->out->kv.ring_bytes;
	mf.win_blocks = b->out->kv.ring;
	mf.window = b->out->kv.ring ? b->out->kv.window : 0;
	mf.state_bytes = meta->state_bytes;
	if (mf.state_bytes || mf.win_blocks || !mf.kv_block_bytes)
		mf.abi = IG1_PROGRAM_ABI;
	mf.layers = meta->layers;
	mf.width = meta->width;
	mf.heads = meta->heads;
	mf.kv_heads = meta->kv_heads;
	mf.head_size = meta->head_size;
	for (t = b->m->tensors; t; t = t->next) {
		if (t->placed)
			mf.weights += t->rows * t->cols;
	}
	for (op = b->m->first; op; op = op->next) {
		if (op->kind == IR_MATMUL || op->kind == IR_HEADMM)
			mf.macs_token += (uint64_t)op->width * op->mats[0]->cols;
		if (op->kind == IR_EXPERTS || op->kind == IR_COMBINE)
			mf.macs_token += (uint64_t)op->width * op->mats[0]->cols *
					 (op->kind == IR_COMBINE ? op->in[1]->used : 1);
	}
	ig1_sha256_init(&sha);
	for (i = 0; i < gguf_n_parts(b->src); i++) {
		const struct gguf_part *part = gguf_part(b->src, i);

		mf.source_bytes += part->size;
		ig1_sha256_update(&sha, part->data, part->size);
	}
	ig1_sha256_final(&sha, mf.source_sha256);
	copy_text(mf.arch, sizeof(mf.arch), meta->arch);
	copy_text(mf.name, sizeof(mf.name), meta->name);
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the manifest is written as it lies in memory"
#endif
	return ig1_image_add(b->w, IG1_SEC_MANIFEST, 0, &mf, sizeof(mf));
}

static int add_program(struct build *b, enum ig1_prog k)
{
	const struct cg_prog *p = &b->out->prog[k];
	const char **texts;
	uint8_t *code = NULL;
	size_t bytes = 0, i;
	int ret;

	texts = arena_array(&b->m->arena, p->n_cmds + 1, sizeof(*texts));
	if (!texts)
		return diag_nomem(&b->m->diag);
	for (i = 0; i < p->n_cmds; i++)
		texts[i] = p->cmds[i].name;
	ret = cg_encode_all(p, &code, &bytes);
	if (!ret)
		ret = ig1_image_add(b->w, IG1_SEC_PROGRAM, k, code, bytes);
	free(code);
	return ret ? ret : ig1_image_add_debug(b->w, k, texts, p->n_cmds);
}

static int add_tokenizer(struct build *b)
{
	struct gguf_str s;
	void *blob = NULL;
	size_t bytes;
	int ret;

	ret = build_tokenizer(b->m, b->src, &blob, &bytes);
	if (!ret && blob)
		ret = ig1_image_add(b->w, IG1_SEC_TOKENIZER, 0, blob, bytes);
	free(blob);
	if (ret || gguf_get_str(b->src, "tokenizer.chat_template", &s, NULL) || !s.len)
		return ret;
	return ig1_image_add(b->w, IG1_SEC_TEMPLATE, 0, s.ptr, s.len);
}

static int add_graph(struct build *b)
{
	struct strbuf s = { 0 };
	int ret;

	ir_print(b->m, &s);
	ret = s.err ? diag_nomem(&b->m->diag) : ig1_image_add(b->w, IG1_SEC_GRAPH, 0, s.p, s.len);
	strbuf_free(&s);
	return ret;
}

static int add_left_out(struct build *b)
{
	struct strbuf s = { 0 };
	int ret = 0;

	build_left_out(b->src, &s);
	if (s.err)
		ret = diag_nomem(&b->m->diag);
	else if (s.len)
		ret = ig1_image_add(b->w, IG1_SEC_LEFT_OUT, 0, s.p, s.len);
	strbuf_free(&s);
	return ret;
}

int build_image(struct ir_model *m, const struct cg_output *out, const struct ig1_config *chip,
		const struct gguf_file *src, const struct build_progress *progress,
		const char *path)
{
	struct build b = { .m = m, .out = out, .chip = chip, .src = src };
	char err[IG1_IMAGE_ERR] = "";
	const struct ir_tensor *t;
	unsigned int k;
	int ret, last;

	ir_renumber(m);
	for (t = m->tensors; t; t = t->next)
		b.n_tensors++;
	b.entries = arena_array(&m->arena, b.n_tensors + 1, sizeof(*b.entries));
	if (!b.entries)
		return diag_nomem(&m->diag);
	ret = ig1_image_create(path, &b.w, err);
	if (ret)
		return diag_set(&m->diag, ret, "%s: %s", path, err);
	describe_tensors(&b);
	ret = add_roms(&b, progress);
	if (!ret)
		ret = add_fdt(&b);
	for (k = 0; k < IG1_PROGS && !ret; k++)
		ret = add_program(&b, (enum ig1_prog)k);
	if (!ret)
		ret = add_tensors(&b);
	if (!ret)
		ret = add_tokenizer(&b);
	if (!ret)
		ret = add_manifest(&b);
	if (!ret)
		ret = add_graph(&b);
	if (!ret)
		ret = add_left_out(&b);
	if (m->diag.err) {
		ig1_image_abort(b.w);
		return m->diag.err;
	}
	last = ig1_image_commit(b.w, err);
	if (last || ret)
		return diag_set(&m->diag, last ? last : ret, "%s: %s", path,
				err[0] ? err : strerror(-(last ? last : ret)));
	return 0;
}
