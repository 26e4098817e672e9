// SPDX-License-Identifier: MIT
/* What differs from layer to layer: windows, attention or state, feed-forwards; as keys. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "compiler/frontends/hf_internal.h"

/* What a layer may be: words of a list in config.json, or letters of a string. */
struct word {
	const char *text;
	uint32_t kind;
};

#define N_WORDS(w) (sizeof(w) / sizeof((w)[0]))

enum { WHOLE, WINDOWED };
static const struct word windows[] = { { "sliding_attention", WINDOWED },
				       { "full_attention", WHOLE } };

enum { STATE, ATTENTION, FEED_FORWARD, EXPERTS };
static const struct word hybrids[] = { { "attention", ATTENTION }, { "mamba", STATE } };
static const struct word nemotron[] = {
	{ "attention", ATTENTION }, { "mamba", STATE }, { "mlp", FEED_FORWARD }, { "moe", EXPERTS }
};
static const struct word letters[] = {
	{ "*", ATTENTION }, { "M", STATE }, { "-", FEED_FORWARD }, { "E", EXPERTS }
};

enum { FULL, LINEAR };
static const struct word deltas[] = { { "linear_attention", LINEAR }, { "full_attention", FULL } };

bool hf_is_layered(const struct hf *h, const char *key)
{
	return (h->arch->flags & HF_KV_LAYERS && !strcmp(key, "attention.head_count_kv")) ||
	       (h->arch->flags & HF_FF_LAYERS && !strcmp(key, "feed_forward_length"));
}

/* The kinds of all layers, which live as long as the model; NULL where the config has no list. */
static int read_list(struct hf *h, const struct word *words, size_t n_words,
		     const char *const *names, uint32_t **out)
{
	const char *name = NULL, *text;
	char supported[96] = "", letter[2] = "";
	json_t *list = NULL;
	uint32_t *kinds, i;
	size_t n, k;

	*out = NULL;
	for (; *names && !list; names++) {
		name = *names;
		list = hf_get(h->config, name, strlen(name));
	}
	if (!list)
		return 0;
	text = json_string_value(list);
	n = text ? strlen(text) : json_array_size(list);
	if (n < h->layers)
		return hf_fail(h, -EINVAL, "config.json: %s: %zu entries for %u layers", name, n,
			       h->layers);
	kinds = hf_alloc(h, h->layers * sizeof(*kinds));
	if (!kinds)
		return -ENOMEM;
	for (i = 0; i < h->layers; i++) {
		const char *s = json_string_value(json_array_get(list, i));

		if (text) {
			letter[0] = text[i];
			s = letter;
		}
		for (k = 0; k < n_words && (!s || strcmp(words[k].text, s)); k++)
			;
		if (k < n_words) {
			kinds[i] = words[k].kind;
			continue;
		}
		for (k = 0; k < n_words; k++) {
			n = strlen(supported);
			snprintf(supported + n, sizeof(supported) - n, "%s%s", k ? ", " : "",
				 words[k].text);
		}
		return hf_fail(h, -ENOTSUP, "config.json: %s[%u]: \"%.32s\", supported: %s", name,
			       i, s ? s : "", supported);
	}
	*out = kinds;
	return 0;
}

static const char *const type_lists[] = { "layer_types", "layers_block_type", NULL };

/* Which layers have a window, if not the last of each period has none. */
static int put_pattern(struct hf *h)
{
	static const char *const names[] = { "layer_types", NULL };
	uint32_t *kinds, i, usual = h->arch->period, odd = 0;
	json_t *period;
	uint8_t windowed;
	char name[128];
	int rc;

	if (!usual)
		return 0;
	hf_key_name(h, "attention.sliding_window_pattern", name);
	rc = read_list(h, windows, N_WORDS(windows), names, &kinds);
	if (rc)
		return rc;
	period = hf_get(h->config, "sliding_window_pattern", strlen("sliding_window_pattern"));
	if (!kinds && period) {
		json_int_t p = json_integer_value(period);

		if (!json_is_integer(period) || p < 1 || p > HF_MAX_LAYERS)
			return hf_fail(h, -EINVAL,
				       "config.json: sliding_window_pattern: not 1 to %u",
				       HF_MAX_LAYERS);
		if (p != usual)
			gguf_encode_u32(&h->keys, name, (uint32_t)p);
	}
	for (i = 0; kinds && i < h->layers; i++)
		odd += (kinds[i] == WINDOWED) != (i % usual < usual - 1);
	if (!odd)
		return 0;
	gguf_encode_array(&h->keys, name, GGUF_BOOL, h->layers);
	for (i = 0; i < h->layers; i++) {
		windowed = kinds[i] == WINDOWED;
		gguf_encode_add(&h->keys, &windowed, 1);
	}
	return 0;
}

/* By a period and an offset, as Jamba says it. */
static int by_period(struct hf *h, uint32_t **out)
{
	uint64_t period, offset;
	uint32_t *kinds, i;
	int rc;

	if (!hf_get(h->config, "attn_layer_period", strlen("attn_layer_period")))
		return hf_fail(h, -EINVAL, "config.json: %s|%s|attn_layer_period: missing",
			       type_lists[0], type_lists[1]);
	rc = hf_need(h, "attn_layer_period", 1, HF_MAX_LAYERS, &period);
	if (!rc)
		rc = hf_need(h, "attn_layer_offset", 0, HF_MAX_LAYERS, &offset);
	if (rc)
		return rc;
	kinds = hf_alloc(h, h->layers * sizeof(*kinds));
	if (!kinds)
		return -ENOMEM;
	for (i = 0; i < h->layers; i++)
		kinds[i] = (i + period - offset % period) % period ? STATE : ATTENTION;
	*out = kinds;
	return 0;
}

static void put_list(struct hf *h, const char *key, const uint32_t *values)
{
	char name[128];
	uint32_t i;

	hf_key_name(h, key, name);
	gguf_encode_array(&h->keys, name, GGUF_U32, h->layers);
	for (i = 0; i < h->layers; i++)
		gguf_encode_add_u32(&h->keys, values[i]);
}

/* by_kind[k] for layers of kind k */
static int put_layers(struct hf *h, const char *key, const uint32_t *kinds,
		      const uint32_t by_kind[4])
{
	uint32_t *values = hf_alloc(h, h->layers * sizeof(*values)), i;

	if (!values)
		return -ENOMEM;
	for (i = 0; i < h->layers; i++)
		values[i] = by_kind[kinds[i]];
	put_list(h, key, values);
	return 0;
}

/* Hybrids: layers without attention have no KV heads. */
static int put_hybrid(struct hf *h)
{
	static const char *const strings[] = { "hybrid_override_pattern", NULL };
	bool ff = h->arch->flags & HF_FF_LAYERS;
	uint32_t *kinds = NULL, i;
	uint64_t kv, n_ff = 0, n_expert = 0;
	int rc = hf_need(h, "num_key_value_heads|num_attention_heads", 1, 65535, &kv);

	if (!rc && ff)
		rc = hf_need(h, "intermediate_size|0", 0, UINT32_MAX, &n_ff);
	if (!rc && h->experts)
		rc = hf_need(h, "moe_intermediate_size|intermediate_size", 1, UINT32_MAX,
			     &n_expert);
	if (!rc && ff)
		rc = read_list(h, letters, N_WORDS(letters), strings, &kinds);
	if (!rc && !kinds)
		rc = read_list(h, ff ? nemotron : hybrids,
			       ff ? N_WORDS(nemotron) : N_WORDS(hybrids), type_lists, &kinds);
	if (!rc && !kinds && ff)
		rc = hf_fail(h, -EINVAL,
			     "config.json: hybrid_override_pattern|layers_block_type: missing");
	if (!rc && !kinds)
		rc = by_period(h, &kinds);
	for (i = 0; !rc && ff && i < h->layers; i++) {
		if (kinds[i] == FEED_FORWARD && !n_ff)
			rc = hf_fail(h, -EINVAL,
				     "config.json: intermediate_size: missing or 0, but layer %u "
				     "is a feed-forward",
				     i);
	}
	if (rc)
		return rc;
	rc = put_layers(h, "attention.head_count_kv", kinds,
			(uint32_t[4]){ [ATTENTION] = (uint32_t)kv });
	if (!rc && ff)
		rc = put_layers(
			h, "feed_forward_length", kinds,
			(uint32_t[4]){
				[FEED_FORWARD] = (uint32_t)n_ff, [EXPERTS] = (uint32_t)n_expert });
	return rc;
}

/* One layer of each interval attends; the list of layers says if others do. */
static int put_recurrent(struct hf *h)
{
	uint32_t *kinds, i, odd = 0;
	uint64_t interval;
	char name[128];
	int rc = hf_need(h, "full_attention_interval|4", 1, HF_MAX_LAYERS, &interval);

	if (!rc)
		rc = read_list(h, deltas, N_WORDS(deltas), type_lists, &kinds);
	if (rc)
		return rc;
	hf_key_name(h, "full_attention_interval", name);
	gguf_encode_u32(&h->keys, name, (uint32_t)interval);
	for (i = 0; kinds && i < h->layers; i++)
		odd += (kinds[i] == LINEAR) != ((i + 1) % interval != 0);
	return odd ? put_layers(h, "attention.recurrent_layers", kinds,
				(uint32_t[4]){ [LINEAR] = 1 })
		   : 0;
}

/* A list of numbers, one for each layer. */
static int read_numbers(struct hf *h, const char *name, double max, double *out)
{
	const json_t *list = hf_get(h->config, name, strlen(name));
	uint32_t i;

	if (json_array_size(list) < h->layers)
		return hf_fail(h, -EINVAL, "config.json: %s: not a list of %u numbers", name,
			       h->layers);
	for (i = 0; i < h->layers; i++) {
		out[i] = json_number_value(json_array_get(list, i));
		if (!(out[i] > 0 && out[i] <= max))
			return hf_fail(h, -EINVAL, "config.json: %s[%u]: not above 0 to %g", name,
				       i, max);
	}
	return 0;
}

/* A length that is a multiple of the divisor, and not much shorter (OpenELM's configuration). */
static uint32_t divisible(double v, uint64_t divisor)
{
	uint64_t n = (uint64_t)(v + (double)divisor / 2) / divisor * divisor;

	n = n < divisor ? divisor : n;
	return (uint32_t)((double)n < 0.9 * v ? n + divisor : n);
}

/* OpenELM: every layer has heads and a feed-forward of its own. */
static int put_lists(struct hf *h)
{
	static const char *const heads[][2] = { { "num_query_heads", "attention.head_count" },
						{ "num_kv_heads", "attention.head_count_kv" } };
	double *v = hf_alloc(h, h->layers * sizeof(*v));
	uint32_t *n = hf_alloc(h, h->layers * sizeof(*n)), i;
	uint64_t width, divisor;
	size_t k;
	int rc;

	if (!v || !n)
		return -ENOMEM;
	for (k = 0; k < 2; k++) {
		rc = read_numbers(h, heads[k][0], 65535, v);
		if (rc)
			return rc;
		for (i = 0; i < h->layers; i++)
			n[i] = (uint32_t)v[i];
		put_list(h, heads[k][1], n);
	}
	rc = hf_need(h, "model_dim", 1, 1 << 20, &width);
	if (!rc)
		rc = hf_need(h, "ffn_dim_divisor", 1, 1 << 20, &divisor);
	if (!rc)
		rc = read_numbers(h, "ffn_multipliers", 1000, v);
	if (rc)
		return rc;
	for (i = 0; i < h->layers; i++)
		n[i] = divisible(v[i] * (double)width, divisor);
	put_list(h, "feed_forward_length", n);
	return 0;
}

/* The dimensions of a head that are rotated. */
static int put_rope_share(struct hf *h)
{
	static const char *const places[] = { "partial_rotary_factor",
					      "rope_parameters.partial_rotary_factor" };
	uint64_t head;
	double share = h->arch->flags & HF_QUARTER_ROPE ? 0.25 : 1;
	const json_t *j = NULL;
	char name[128];
	size_t i;
	int rc = hf_need(h, "head_dim|hidden_size/num_attention_heads", 1, 65535, &head);

	for (i = 0; i < 2 && !j; i++)
		j = hf_get(h->config, places[i], strlen(places[i]));
	if (j)
		share = json_number_value(j);
	if (!rc && !(share > 0 && share <= 1))
		rc = hf_fail(h, -EINVAL,
			     "config.json: partial_rotary_factor: %g, supported: above 0 to 1",
			     share);
	if (rc)
		return rc;
	hf_key_name(h, "rope.dimension_count", name);
	gguf_encode_u32(&h->keys, name, (uint32_t)((double)head * share));
	return 0;
}

/* Granite: whether positions are rotated at all. */
static void put_finetuned(struct hf *h)
{
	const char *type;
	char name[128];

	type = json_string_value(json_object_get(h->config, "position_embedding_type"));
	hf_key_name(h, "rope.scaling.finetuned", name);
	gguf_encode_bool(&h->keys, name, type && !strcmp(type, "rope"));
}

int hf_layers(struct hf *h)
{
	int rc = put_pattern(h);

	if (!rc && h->arch->flags & HF_KV_LAYERS)
		rc = put_hybrid(h);
	if (!rc && h->arch->flags & HF_LISTS)
		rc = put_lists(h);
	if (!rc && h->arch->flags & HF_RECURRENT)
		rc = put_recurrent(h);
	if (!rc && h->arch->flags & (HF_PART_ROPE | HF_QUARTER_ROPE))
		rc = put_rope_share(h);
	if (!rc && h->arch->flags & HF_FINETUNED)
		put_finetuned(h);
	return rc;
}
