/* SPDX-License-Identifier: MIT */
/* Shared by the hf_*.c files: a folder while it is being opened, and what stays of it. */
#ifndef IG1_COMPILER_FRONTENDS_HF_INTERNAL_H
#define IG1_COMPILER_FRONTENDS_HF_INTERNAL_H

#include <jansson.h>

#include "compiler/frontends/gguf_encode.h"
#include "compiler/frontends/gguf_internal.h"
#include "compiler/frontends/hf.h"
#include "compiler/frontends/hf_archs.h"
#include "compiler/frontends/safetensors.h"

#define HF_MAX_LAYERS  4096
#define HF_MAX_EXPERTS 65536

/* Memory that lives as long as the open model. */
struct hf_block {
	struct hf_block *next;
	_Alignas(16) uint8_t bytes[];
};

struct hf {
	/* where files come from: -ENOENT without a message when there is none of that name */
	int (*get)(struct hf *h, const char *name, struct gguf_part *out);
	void *ctx;
	struct gguf_error *err;
	/* while opening */
	json_t *config;
	const struct hf_arch *arch;
	struct gguf_encode keys;
	uint32_t layers, experts;
	bool wrapped; /* the text part of a model for more: hf_text.c */
	/* for good */
	struct gguf_part *parts;
	size_t n_parts, parts_room;
	bool mapped; /* parts are ours to unmap */
	struct st_set set;
	struct gguf_tensor *tensors;
	size_t n_tensors, tensors_room;
	struct gguf_skipped skipped[SOURCE_LEFT_OUT];
	struct hf_block *blocks;
	uint8_t *key_bytes;
};

#define hf_fail(h, code, ...) fail((h)->err, code, __VA_ARGS__)

/* hf.c */
void *hf_alloc(struct hf *h, size_t n); /* zeroed; NULL with the message set */
/* A file of the folder, read and remembered as a part; -ENOENT without a message. */
int hf_file(struct hf *h, const char *name, struct gguf_part *out);
/* hf_json.c: the same as JSON; *out NULL when there is no such file and it is optional. */
int hf_json_file(struct hf *h, const char *name, bool required, size_t flags, json_t **out);

/* No rule is to use the tensor, and none need. */
void hf_skip(struct hf *h, struct st_tensor *s, enum source_part part);

/* hf_text.c: config and tensors of the text part become those of a text model. */
int hf_text_config(struct hf *h);
int hf_text_tensors(struct hf *h);

/* hf_keys.c: config.json to keys. */
int hf_find_arch(struct hf *h);
/* With the tensors known: the HF_BARE entry of the class, if they are its. */
void hf_bare_arch(struct hf *h);
int hf_keys(struct hf *h);
/* A dotted path, with numbers for elements of arrays; null counts as absent (NULL). */
json_t *hf_get(const json_t *config, const char *path, size_t len);
/*
 * An integer by a key's json (hf_archs.h). -ENOENT: absent; -EINVAL with a message. hf_need: absent
 * is an error too.
 */
int hf_number(struct hf *h, const char *json, int64_t *out);
int hf_need(struct hf *h, const char *json, int64_t min, int64_t max, uint64_t *out);
void hf_key_name(struct hf *h, const char *key, char buf[128]);

/* struct gguf_file's; ctx: struct hf */
const char *hf_stored_key(void *ctx, const char *key, char *buf, size_t room);

/* hf_layers.c: what differs from layer to layer. */
int hf_layers(struct hf *h);
/* hf_layers() writes the key. */
bool hf_is_layered(const struct hf *h, const char *key);

/* hf_scales.c: quantised weights. Which are read; names of packed ones; then their scales and shapes. */
int hf_check_quantization(struct hf *h);
int hf_unpacked_names(struct hf *h);
int hf_scales(struct hf *h);

/* hf_rope.c: rope_scaling to keys and tensors of frequency factors. */
int hf_rope(struct hf *h);

/* hf_tensors.c: the GGUF file's tensors. */
int hf_tensors(struct hf *h);
/* struct gguf_file's; ctx: struct hf */
const char *hf_stored_name(void *ctx, const char *name, char *buf, size_t room);
/* A tensor of values that no file has; they are copied. */
int hf_add_f32(struct hf *h, const char *name, const float *values, size_t n);

/* hf_tokenizer.c: tokenizer.json and its companions to tokenizer.ggml.* keys. */
int hf_tokenizer(struct hf *h);

#endif
