// SPDX-License-Identifier: MIT
/*
 * The text part of models that take images or sounds, too: their config.json has it as text_config, their
 * tensors under a name of its own. What is left looks like a folder of the text model alone; encoders and
 * what joins them to the text are left out.
 */
#include <errno.h>
#include <string.h>

#include "compiler/frontends/hf_internal.h"

/* A text_config's model_type and the class of such a model; what it leaves out, as transformers has it. */
static const struct {
	const char *type, *class, *defaults;
} types[] = {
	{ "gemma3_text", "Gemma3ForCausalLM",
	  "{\"num_attention_heads\":8,\"num_key_value_heads\":4,\"head_dim\":256,"
	  "\"max_position_embeddings\":131072,\"rms_norm_eps\":1e-6,"
	  "\"query_pre_attn_scalar\":256,\"sliding_window\":4096}" },
	{ "granite", "GraniteForCausalLM", NULL },
	{ "llama", "LlamaForCausalLM",
	  "{\"hidden_size\":4096,\"intermediate_size\":11008,\"num_hidden_layers\":32,"
	  "\"num_attention_heads\":32,\"hidden_act\":\"silu\"}" },
	{ "mistral", "MistralForCausalLM", NULL },
	{ "qwen2", "Qwen2ForCausalLM", NULL },
	{ "qwen2_5_vl_text", "Qwen2ForCausalLM", NULL },
	{ "qwen2_vl_text", "Qwen2ForCausalLM", NULL },
	{ "qwen3", "Qwen3ForCausalLM", NULL },
	{ "qwen3_5_moe_text", "Qwen3_5MoeForCausalLM", NULL },
	{ "qwen3_5_text", "Qwen3_5ForCausalLM", NULL },
	{ "qwen3_vl_moe_text", "Qwen3VLMoeTextModel", NULL },
	{ "qwen3_vl_text", "Qwen3ForCausalLM", NULL },
};
#define N_TYPES (sizeof(types) / sizeof(types[0]))

/* Older ones, whose numbers stand beside those of the images. */
static const struct {
	const char *class, *text;
} flat[] = {
	{ "Qwen2VLForConditionalGeneration", "Qwen2ForCausalLM" },
	{ "Qwen2_5_VLForConditionalGeneration", "Qwen2ForCausalLM" },
};

/* Beginnings of tensor names: those of the text, and what stands there in a text model. */
static const char *const prefixes[][2] = {
	{ "language_model.", "" },
	{ "model.language_model.", "model." },
	{ "model.text_model.", "model." },
};

/* And those of everything else, with or without "model." before them. */
static const char *const media[] = {
	"audio_tower.",	 "connector.", "embed_audio.", "embed_vision.", "image_newline",
	"mm_projector.", "visual.",    "vision_model", "vision_tower.", "multi_modal_projector.",
};

static int set_class(struct hf *h, const char *class)
{
	json_t *list = json_pack("[s]", class);

	h->wrapped = true;
	return json_object_set_new(h->config, "architectures", list) ? -ENOMEM : 0;
}

static int unknown_type(struct hf *h, const char *type)
{
	char names[192] = "";
	size_t i;

	for (i = 0; i < N_TYPES; i++) {
		strcat(names, i ? ", " : "");
		strcat(names, types[i].type);
	}
	return hf_fail(h, -ENOTSUP,
		       "config.json: text_config.model_type: \"%.32s\" is not supported; "
		       "supported: %s",
		       type ? type : "", names);
}

/* text_config, with what it leaves out from the class and from around it. */
static int unwrap(struct hf *h, json_t *text, const char *class, const char *defaults)
{
	json_t *all = json_deep_copy(text), *d = defaults ? json_loads(defaults, 0, NULL) : NULL;
	bool bad = !all || (defaults && (!d || json_object_update_missing(all, d))) ||
		   json_object_update_missing(all, h->config);

	json_decref(d);
	if (bad) {
		json_decref(all);
		return hf_fail(h, -ENOMEM, "config.json: out of memory");
	}
	json_object_del(all, "text_config");
	json_decref(h->config);
	h->config = all;
	return set_class(h, class);
}

int hf_text_config(struct hf *h)
{
	json_t *text = json_object_get(h->config, "text_config");
	json_t *list = json_object_get(h->config, "architectures");
	const char *class = json_string_value(json_array_get(list, 0)), *type;
	size_t i;

	if (!text) {
		for (i = 0; class && i < sizeof(flat) / sizeof(flat[0]); i++) {
			if (!strcmp(class, flat[i].class))
				return set_class(h, flat[i].text);
		}
		return 0;
	}
	if (!json_is_object(text))
		return hf_fail(h, -EINVAL, "config.json: text_config: not an object");
	type = json_string_value(json_object_get(text, "model_type"));
	for (i = 0; type && i < N_TYPES; i++) {
		if (!strcmp(type, types[i].type))
			return unwrap(h, text, types[i].class, types[i].defaults);
	}
	return unknown_type(h, type);
}

static bool of_media(const char *name)
{
	size_t i;

	if (!strncmp(name, "model.", 6))
		name += 6;
	for (i = 0; i < sizeof(media) / sizeof(media[0]); i++) {
		if (!strncmp(name, media[i], strlen(media[i])))
			return true;
	}
	return false;
}

/* New names are never longer. */
static void rename_text(char *name)
{
	size_t i, n, m;

	for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		n = strlen(prefixes[i][0]);
		m = strlen(prefixes[i][1]);
		if (strncmp(name, prefixes[i][0], n))
			continue;
		memcpy(name, prefixes[i][1], m);
		memmove(name + m, name + n, strlen(name + n) + 1);
		return;
	}
}

int hf_text_tensors(struct hf *h)
{
	size_t i;

	if (!h->wrapped)
		return 0;
	for (i = 0; i < h->set.n; i++) {
		struct st_tensor *s = &h->set.t[i];

		if (of_media(s->name))
			hf_skip(h, s, SOURCE_MEDIA);
		else
			rename_text(s->name);
	}
	return st_index(&h->set, h->err);
}
