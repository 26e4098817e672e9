// SPDX-License-Identifier: MIT
/* A folder of a text model as the text part of one that takes images, too. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/tests/hf_from_gguf.h"

#define IMAGE_TENSOR "vision_tower.patches.weight"

static json_t *parse(const void *data, size_t n)
{
	return hf_must(json_loadb(data, n, 0, NULL));
}

static void wrap_config(struct hf_folder *d, const struct hf_wrapping *w)
{
	const struct gguf_part *p = hf_find(d, "config.json");
	json_t *text = parse(p->data, p->size);
	json_t *all = hf_must(json_pack("{s:[s],s:{s:i}}", "architectures", w->class,
					"vision_config", "hidden_size", 7));

	json_object_del(text, "architectures");
	json_object_set_new(text, "model_type", json_string(w->type));
	/* both places have some */
	json_object_set(all, "tie_word_embeddings", json_object_get(text, "tie_word_embeddings"));
	json_object_set(all, "_name_or_path", json_object_get(text, "_name_or_path"));
	json_object_del(text, "tie_word_embeddings");
	json_object_del(text, "_name_or_path");
	json_object_set_new(all, "text_config", text);
	hf_put_json(d, "config.json", all);
}

/* Members of a header, or of the index's map, under their new names. */
static json_t *renamed(json_t *from, const struct hf_wrapping *w)
{
	json_t *to = hf_must(json_object()), *j;
	char buf[256];
	const char *name;

	json_object_foreach(from, name, j)
	{
		if (!strncmp(name, "model.", 6))
			snprintf(buf, sizeof(buf), "%s%s", w->model, name + 6);
		else
			snprintf(buf, sizeof(buf), "%s%s", name[0] == '_' ? "" : w->rest, name);
		json_object_set(to, buf, j);
	}
	return to;
}

static void wrap_weights(struct hf_folder *d, const char *name, bool image,
			 const struct hf_wrapping *w)
{
	const struct gguf_part *p = hf_find(d, name);
	uint64_t n, old, data;
	json_t *from, *to;
	uint8_t *all;
	char *text;

	memcpy(&old, p->data, sizeof(old));
	data = p->size - 8 - old;
	from = parse(p->data + 8, old);
	to = renamed(from, w);
	if (image)
		json_object_set_new(to, IMAGE_TENSOR,
				    json_pack("{s:s,s:[i],s:[I,I]}", "dtype", "F64", "shape", 2,
					      "data_offsets", (json_int_t)data,
					      (json_int_t)data + 16));
	text = hf_must(json_dumps(to, JSON_COMPACT));
	n = strlen(text);
	all = hf_must(calloc(1, 8 + n + data + 16));
	memcpy(all, &n, 8);
	memcpy(all + 8, text, n);
	memcpy(all + 8 + n, p->data + 8 + old, data);
	hf_put(d, name, all, 8 + n + data + (image ? 16 : 0));
	free(all);
	free(text);
	json_decref(from);
	json_decref(to);
}

void hf_wrap(struct hf_folder *d, const struct hf_wrapping *w)
{
	const struct gguf_part *p = hf_find(d, "model.safetensors.index.json");
	char names[HF_MAX_FILES][64];
	json_t *index, *map;
	size_t n = 0, i;

	wrap_config(d, w);
	for (i = 0; i < d->n; i++) {
		size_t len = strlen(d->file[i].name), end = strlen(".safetensors");

		if (len > end && !strcmp(d->file[i].name + len - end, ".safetensors"))
			snprintf(names[n++], sizeof(names[0]), "%s", d->file[i].name);
	}
	for (i = 0; i < n; i++)
		wrap_weights(d, names[i], !i, w);
	if (!p)
		return;
	p = hf_find(d, "model.safetensors.index.json");
	index = parse(p->data, p->size);
	map = renamed(json_object_get(index, "weight_map"), w);
	json_object_set_new(map, IMAGE_TENSOR, json_string(names[0]));
	json_object_set_new(index, "weight_map", map);
	hf_put_json(d, "model.safetensors.index.json", index);
}
