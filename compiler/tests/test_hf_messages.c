// SPDX-License-Identifier: MIT
/*
 * Folders of every class with one thing wrong: a tensor that is missing, a member of config.json that is
 * missing or no number. What is refused is named as the folder names it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/frontends/frontend.h"
#include "compiler/frontends/hf.h"
#include "compiler/frontends/source.h"
#include "compiler/quant/ggml_types.h"
#include "compiler/quant/half.h"
#include "compiler/tests/hf_writer.h"
#include "tests/models/shapes.h"
#include "tests/models/synth_ssm.h"

/* The first of shapes.c of each architecture, and the first with experts. */
static const char *const dense[] = {
	"llama-mha",	"llama-moe8x2",	  "qwen2-d8",	      "qwen3-d20", "gemma",	 "gemma2",
	"gemma3",	"olmo2",	  "granite",	      "phi3-long", "starcoder2", "gpt2",
	"qwen3moe-7x1", "openelm",	  "qwen2moe-12x4",    "olmoe",	   "granitemoe", "afmoe",
	"gpt-oss",	"deepseek2-lite", "deepseek2-groups",
};

static const char *const recurrent[] = {
	"mamba-plain",		 "mamba2-plain",      "jamba-pattern", "granitehybrid-plain",
	"nemotron_h-plain",	 "falcon-h1-plain",   "rwkv7-plain",   "rwkv6-plain",
	"qwen3next-plain",	 "qwen35-plain",      "jamba-experts", "granitehybrid-experts",
	"nemotron_h_moe-latent", "qwen3next-experts", "qwen35moe",
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* The message of the folder, opened and made a graph; empty: there is none. */
static void message(const struct hf_folder *d, char *msg, size_t room)
{
	struct gguf_error err = { 0 };
	struct gguf_file *f;
	struct ir_model m;

	msg[0] = '\0';
	if (hf_open_files(d->file, d->n, &f, &err)) {
		snprintf(msg, room, "%s", err.msg);
		return;
	}
	ir_init(&m);
	if (fe_build(&m, f, 0)) {
		source_explain(f, m.diag.msg, sizeof(m.diag.msg));
		snprintf(msg, room, "%s", m.diag.msg);
	}
	ir_free(&m);
	gguf_close(f);
}

/* All other files of the folder. */
static void copy_files(struct hf_folder *to, const struct hf_folder *from, const char *without)
{
	size_t i;

	*to = (struct hf_folder){ 0 };
	for (i = 0; i < from->n; i++) {
		if (strcmp(from->file[i].name, without))
			hf_put(to, from->file[i].name, from->file[i].data, from->file[i].size);
	}
}

/* model.safetensors of all tensors but one. */
static void copy_tensors(struct hf_folder *to, const json_t *header, const struct gguf_part *from,
			 const char *without)
{
	const uint8_t *data = from->data + 8 + load_le64(from->data);
	const char *name;
	json_t *j, *v;
	size_t i;

	json_object_foreach((json_t *)header, name, j)
	{
		json_t *at = json_object_get(j, "data_offsets");
		json_int_t begin = json_integer_value(json_array_get(at, 0));
		uint64_t shape[8] = { 0 };

		if (!strcmp(name, without) || !strcmp(name, "__metadata__"))
			continue;
		json_array_foreach(json_object_get(j, "shape"), i, v) shape[i] =
			(uint64_t)json_integer_value(v);
		hf_tensor(to, name, json_string_value(json_object_get(j, "dtype")), shape,
			  data + begin,
			  (size_t)(json_integer_value(json_array_get(at, 1)) - begin));
	}
	hf_finish_file(to, "model.safetensors");
}

/* One of the layer's, or of an expert: a message names the first of its kind. */
static void first_of_kind(const char *name, char *first, size_t room)
{
	static const char *const experts[] = { "experts.", NULL };
	size_t i;
	char *at;

	snprintf(first, room, "%s", name);
	for (i = 0; experts[i]; i++) {
		at = strstr(first, experts[i]);
		if (!at || (at != first && at[-1] != '.') || !isdigit((unsigned char)at[8]))
			continue;
		at += strlen(experts[i]);
		*at = '0';
		memmove(at + 1, at + strspn(at + 1, "0123456789") + 1,
			strlen(at + strspn(at + 1, "0123456789") + 1) + 1);
	}
}

/* A model without these is one, too: of another kind, or the same. */
static bool may_lack(const char *arch, const char *name)
{
	static const struct {
		const char *arch, *name;
	} may[] = {
		{ "", "lm_head" },
		{ "", "_proj.bias" },
		{ "", "conv1d.bias" },
		{ "", "e_score_correction_bias" },
		{ "", "expert_bias" },
		/* no use in the first layer */
		{ "rwkv7", "layers.0.attn.v_lora" },
	};
	size_t i;

	for (i = 0; i < COUNT(may); i++) {
		if ((!may[i].arch[0] || !strcmp(may[i].arch, arch)) && strstr(name, may[i].name))
			return true;
	}
	return false;
}

static void check_tensors(const struct hf_folder *d, const char *what, const char *arch)
{
	const struct gguf_part *st = hf_find(d, "model.safetensors");
	json_t *header = json_loadb((const char *)st->data + 8, load_le64(st->data), 0, NULL), *j;
	size_t refused = 0, accepted = 0;
	char msg[1024], first[256];
	const char *name;

	assert_non_null(header);
	json_object_foreach(header, name, j)
	{
		struct hf_folder less;

		if (!strcmp(name, "__metadata__"))
			continue;
		copy_files(&less, d, "model.safetensors");
		copy_tensors(&less, header, st, name);
		message(&less, msg, sizeof(msg));
		first_of_kind(name, first, sizeof(first));
		if (!msg[0] && !may_lack(arch, name))
			fail_msg("%s: nobody misses %s", what, name);
		if (msg[0] && !strstr(msg, name) && !strstr(msg, first))
			fail_msg("%s without %s: \"%s\"", what, name, msg);
		refused += msg[0] != '\0';
		accepted += !msg[0];
		hf_folder_free(&less);
	}
	print_message("# %-24s %3zu tensors refused, %zu not missed\n", what, refused, accepted);
	assert_true(refused > 8);
	json_decref(header);
}

static void check_config(const struct hf_folder *d, const char *what)
{
	const struct gguf_part *part = hf_find(d, "config.json");
	json_t *config = json_loadb((const char *)part->data, part->size, 0, NULL), *j;
	size_t refused = 0, tried = 0, k;
	char msg[1024], *text;
	const char *name;

	assert_non_null(config);
	json_object_foreach(config, name, j)
	{
		/* absent; of another type; a number that no model has */
		for (k = 0; k < 3; k++) {
			json_t *other = json_deep_copy(config);
			struct hf_folder changed;

			if (k == 2 && !json_is_number(j)) {
				json_decref(other);
				continue;
			}
			json_object_del(other, name);
			if (k)
				json_object_set_new(other, name,
						    k == 1 ? json_pack("{s:i}", "a", 1)
							   : json_integer(-7));
			text = json_dumps(other, 0);
			assert_non_null(text);
			copy_files(&changed, d, "config.json");
			hf_put_text(&changed, "config.json", text);
			free(text);
			message(&changed, msg, sizeof(msg));
			tried++;
			refused += msg[0] != '\0';
			/* without it another one may count, which some tensor contradicts */
			if (msg[0] && !strstr(msg, name) && (k || strncmp(msg, "tensor ", 7)))
				fail_msg("%s, %s %s: \"%s\"", what, name,
					 k == 0	  ? "missing"
					 : k == 1 ? "an object"
						  : "-7",
					 msg);
			hf_folder_free(&changed);
			json_decref(other);
		}
	}
	print_message("# %-24s %3zu of %zu members refused\n", what, refused, tried);
	assert_true(refused > 10);
	json_decref(config);
}

static void check(const char *what, const char *arch, uint8_t *data, size_t size)
{
	struct gguf_file *f;
	struct hf_folder d;
	char msg[1024];

	assert_int_equal(gguf_open_mem(data, size, &f, NULL), 0);
	hf_from_gguf(&d, f, 1);
	message(&d, msg, sizeof(msg));
	if (msg[0])
		fail_msg("%s: %s", what, msg);
	check_tensors(&d, what, arch);
	check_config(&d, what);
	hf_folder_free(&d);
	gguf_close(f);
	free(data);
}

static void test_transformers(void **state)
{
	size_t i, k, size;
	uint8_t *data;

	(void)state;
	for (i = 0; i < COUNT(dense); i++) {
		struct synth_model m;

		for (k = 0; k < n_shapes && strcmp(shapes[k].name, dense[i]); k++)
			;
		assert_true(k < n_shapes);
		m = shapes[k];
		m.type = GGML_TYPE_F32;
		m.type2 = 0;
		m.rope_freqs &= !!strcmp(m.arch, "llama");
		if (!strcmp(m.arch, "gpt-oss")) {
			m.expert_type = GGML_TYPE_MXFP4;
			m.ff = m.expert_ff = 64;
		}
		assert_int_equal(synth_build(&m, &data, &size), 0);
		check(m.name, m.arch, data, size);
	}
}

static void test_recurrent(void **state)
{
	size_t i, k, size;
	uint8_t *data;

	(void)state;
	for (i = 0; i < COUNT(recurrent); i++) {
		struct synth_ssm m;

		for (k = 0; k < n_ssm_shapes && strcmp(ssm_shapes[k].name, recurrent[i]); k++)
			;
		assert_true(k < n_ssm_shapes);
		m = ssm_shapes[k];
		m.type = GGML_TYPE_F32;
		if (!strcmp(m.arch, "jamba"))
			m.inner = 2 * m.width;
		assert_int_equal(synth_ssm_build(&m, &data, &size), 0);
		check(m.name, m.arch, data, size);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_transformers),
		cmocka_unit_test(test_recurrent),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
