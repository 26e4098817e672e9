// SPDX-License-Identifier: MIT
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accelc.h"
#include "common/json_text.h"
#include "compiler/image/build.h"
#include "compiler/ir/ir.h"
#include "compiler/quant/ggml_types.h"
#include "compiler/quant/half.h"
#include "image.h"

#define OPT_JSON 0x100

struct args {
	const char *file;
	bool json;
};

static const struct argp_option options[] = {
	{ "json", OPT_JSON, NULL, 0, "print JSON", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;

	switch (key) {
	case OPT_JSON:
		a->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (a->file)
			argp_error(state, "more than one file");
		a->file = arg;
		return 0;
	case ARGP_KEY_END:
		if (!a->file)
			argp_error(state, "no file given");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const char *fmt_name(uint32_t fmt)
{
	return fmt == IG1_TENSOR_F32 ? "f32" : ir_wfmt_name(fmt);
}

static void hex(const uint8_t *p, size_t n, char *out)
{
	size_t i;

	for (i = 0; i < n; i++)
		sprintf(out + 2 * i, "%02x", p[i]);
}

static json_t *sections(const struct ig1_image *img)
{
	json_t *list = json_array();
	uint32_t i;

	for (i = 0; i < ig1_image_header(img)->sections; i++) {
		const struct ig1_image_section *s = ig1_image_section_at(img, i);

		json_array_append_new(list,
				      json_pack("{s:s,s:i,s:I,s:I,s:I}", "type",
						ig1_image_type_name(s->type), "arg", (int)s->arg,
						"offset", (json_int_t)s->offset, "bytes",
						(json_int_t)s->bytes, "crc", (json_int_t)s->crc));
	}
	return list;
}

/* By requant, which the reader has checked. */
static const char *const values[] = { "kept", "requantised", "exact" };

static json_t *tensors(const struct ig1_image *img)
{
	json_t *list = json_array();
	uint32_t i;

	for (i = 0; i < ig1_image_tensors(img); i++) {
		const struct ig1_image_tensor *t = ig1_image_tensor(img, i);
		const char *name = ig1_image_tensor_name(img, i);

		json_array_append_new(
			list,
			json_pack("{s:o,s:s,s:I,s:I,s:I,s:I,s:s,s:b,s:s,s:f,s:I}", "name",
				  json_text(name, SIZE_MAX), "format", fmt_name(t->fmt), "offset",
				  (json_int_t)t->offset, "rows", (json_int_t)t->rows, "groups",
				  (json_int_t)t->groups, "bytes", (json_int_t)t->bytes, "source",
				  ggml_type_name(t->src_type), "requantised",
				  (int)(t->requant == IR_REQUANT), "values", values[t->requant],
				  "loss", (double)float_from_bits(t->loss), "crc",
				  (json_int_t)t->crc));
	}
	return list;
}

static json_t *manifest(const struct ig1_image_manifest *m)
{
	char sha[65];

	hex(m->source_sha256, 32, sha);
	return json_pack(
		"{s:o,s:o,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:s}",
		"name", json_text(m->name, sizeof(m->name)), "arch",
		json_text(m->arch, sizeof(m->arch)), "layers", (json_int_t)m->layers, "width",
		(json_int_t)m->width, "vocab", (json_int_t)m->vocab, "context",
		(json_int_t)m->context, "heads", (json_int_t)m->heads, "kv_heads",
		(json_int_t)m->kv_heads, "head_size", (json_int_t)m->head_size, "max_cols",
		(json_int_t)m->max_cols, "kv_block_bytes", (json_int_t)m->kv_block_bytes,
		"kv_blocks", (json_int_t)m->kv_blocks, "state_bytes", (json_int_t)m->state_bytes,
		"window_block_bytes", (json_int_t)m->win_block_bytes, "window_blocks",
		(json_int_t)m->win_blocks, "window", (json_int_t)m->window, "weights",
		(json_int_t)m->weights, "macs_token", (json_int_t)m->macs_token, "source_bytes",
		(json_int_t)m->source_bytes, "source_sha256", sha);
}

/* Parts of the model that the image lacks: *parts is to be freed. An error: they cannot be told. */
static int left_out(struct ig1_image *img, struct source_left_out **parts, size_t *n)
{
	const void *data;
	size_t bytes;
	int ret = ig1_image_section(img, IG1_SEC_LEFT_OUT, 0, &data, &bytes);

	*parts = NULL;
	*n = 0;
	if (ret)
		return ret == -ENOENT ? 0 : ret;
	return build_left_out_parse(data, bytes, parts, n);
}

json_t *accelc_image_json(struct ig1_image *img)
{
	const struct ig1_config *chip = accelc_image_chip(img);
	const struct ig1_image_manifest *m = ig1_image_manifest(img);
	json_t *j = json_object(), *programs = json_object();
	struct source_left_out *parts;
	const void *cmds;
	size_t count;
	char id[65];
	int i;

	hex(ig1_image_header(img)->mask_id, 32, id);
	json_object_set_new(j, "mask_id", json_string(id));
	json_object_set_new(j, "file_bytes",
			    json_integer((json_int_t)ig1_image_header(img)->file_bytes));
	json_object_set_new(j, "chip", chip ? json_string(chip->name) : json_null());
	json_object_set_new(j, "model", m ? manifest(m) : json_null());
	for (i = 0; i < IG1_PROGS; i++) {
		if (!ig1_image_program(img, (uint32_t)i, &cmds, &count))
			json_object_set_new(programs, accelc_program_names[i],
					    json_integer((json_int_t)count));
	}
	json_object_set_new(j, "programs", programs);
	json_object_set_new(j, "sections", sections(img));
	json_object_set_new(j, "tensors", tensors(img));
	if (left_out(img, &parts, &count)) {
		json_object_set_new(j, "left_out", json_null());
		json_object_set_new(j, "left_out_bytes", json_null());
	} else {
		accelc_left_out_json(j, parts, count);
	}
	free(parts);
	return j;
}

/* Names come from the file: nothing of them reaches the terminal but printable characters. */
static void print_name(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n && s[i]; i++)
		putchar((unsigned char)s[i] < 0x20 || s[i] == 0x7f ? '?' : s[i]);
}

static void print_text(struct ig1_image *img, const struct ig1_config *chip)
{
	const struct ig1_image_manifest *m = ig1_image_manifest(img);
	struct source_left_out *parts;
	const void *cmds;
	size_t count;
	char id[65];
	uint32_t i;
	int ret;

	hex(ig1_image_header(img)->mask_id, 32, id);
	if (m) {
		printf("model      ");
		print_name(m->name, sizeof(m->name));
		printf(" (");
		print_name(m->arch, sizeof(m->arch));
		printf(")\nshape      %u layers, width %u, %u heads, %u KV heads of %u, vocabulary %u\n",
		       m->layers, m->width, m->heads, m->kv_heads, m->head_size, m->vocab);
		printf("weights    %" PRIu64 ", %" PRIu64 " multiply-accumulates a token\n",
		       m->weights, m->macs_token);
		printf("context    %u positions, %" PRIu64 " bytes of KV cache for 32\n",
		       m->context, m->kv_block_bytes);
		if (m->state_bytes)
			printf("state      %" PRIu64 " bytes a sequence\n", m->state_bytes);
		printf("columns    %u at once\n", m->max_cols);
	}
	printf("chip       %s\n", chip ? chip->name : "unknown");
	printf("mask       %s\n", id);
	for (i = 0; i < IG1_PROGS; i++) {
		if (!ig1_image_program(img, i, &cmds, &count))
			printf("%-10s %zu commands\n", accelc_program_names[i], count);
	}
	puts("\nsections");
	for (i = 0; i < ig1_image_header(img)->sections; i++) {
		const struct ig1_image_section *s = ig1_image_section_at(img, i);

		printf("  %-10s %2u %12" PRIu64 " bytes at %" PRIu64 "\n",
		       ig1_image_type_name(s->type), s->arg, s->bytes, s->offset);
	}
	puts("\ntensors");
	for (i = 0; i < ig1_image_tensors(img); i++) {
		const struct ig1_image_tensor *t = ig1_image_tensor(img, i);

		printf("  %-5s %8" PRIu64 " rows of %6" PRIu64 " %s at %10" PRIu64 "  ",
		       fmt_name(t->fmt), t->rows, t->groups,
		       t->fmt == IG1_TENSOR_F32 ? "values" : "groups", t->offset);
		print_name(ig1_image_tensor_name(img, i), SIZE_MAX);
		if (t->requant == IR_REQUANT)
			printf(" (%s, requantised, error %.3g)\n", ggml_type_name(t->src_type),
			       (double)float_from_bits(t->loss));
		else
			printf(" (%s%s)\n", ggml_type_name(t->src_type),
			       t->requant == IR_REENCODED ? ", exact" : "");
	}
	ret = left_out(img, &parts, &count);
	if (ret || count)
		putchar('\n');
	if (ret)
		puts("left out: unreadable");
	accelc_left_out(stdout, parts, count);
	free(parts);
}

int accelc_info(int argc, char **argv)
{
	static const struct argp argp = { options, parse, "FILE",
					  "Describe an .accel file or a model." };
	struct args a = { 0 };
	struct ig1_image *img;
	int code = ACCELC_OK;
	json_t *j;

	argp_parse(&argp, argc, argv, 0, NULL, &a);
	if (accelc_is_source(a.file))
		return accelc_source_info(a.file, a.json);
	img = accelc_open(a.file, &code);
	if (!img)
		return code;
	if (a.json) {
		j = accelc_image_json(img);
		json_dumpf(j, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(j);
	} else {
		print_text(img, accelc_image_chip(img));
	}
	ig1_image_close(img);
	return code;
}

int accelc_graph(int argc, char **argv)
{
	static const struct argp argp = { NULL, parse, "FILE",
					  "Print the model's graph in Graphviz' language." };
	struct args a = { 0 };
	struct strbuf s = { 0 };
	struct ig1_image *img;
	struct ir_model m;
	const void *graph;
	int code = ACCELC_OK, ret;
	size_t n;

	argp_parse(&argp, argc, argv, 0, NULL, &a);
	img = accelc_open(a.file, &code);
	if (!img)
		return code;
	ir_init(&m);
	ret = ig1_image_section(img, IG1_SEC_GRAPH, 0, &graph, &n);
	if (ret)
		accelc_error("%s: no usable graph section", a.file);
	else
		ret = ir_parse(&m, graph, n);
	if (!ret)
		ret = ir_verify(&m);
	if (ret && m.diag.err)
		accelc_error("%s: %s", a.file, m.diag.msg);
	if (ret) {
		code = ACCELC_INPUT;
	} else {
		ir_dot(&m, &s);
		fwrite(s.p ? s.p : "", 1, s.len, stdout);
	}
	strbuf_free(&s);
	ir_free(&m);
	ig1_image_close(img);
	return code;
}
