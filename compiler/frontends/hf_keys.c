// SPDX-License-Identifier: MIT
/* config.json to general.* and <arch>.* keys, by the tables of hf_archs.c. */
#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/frontends/hf_internal.h"

#define MAX_NAME 64
#define EXPERTS	 "num_local_experts|num_experts|n_routed_experts"

static bool is_number(const char *s)
{
	return *s && s[strspn(s, "0123456789")] == '\0';
}

json_t *hf_get(const json_t *config, const char *path, size_t len)
{
	json_t *j = (json_t *)config;
	char name[MAX_NAME];

	while (j) {
		const char *dot = memchr(path, '.', len);
		size_t n = dot ? (size_t)(dot - path) : len;

		if (n >= sizeof(name))
			return NULL;
		memcpy(name, path, n);
		name[n] = '\0';
		if (json_is_array(j) && is_number(name))
			j = json_array_get(j, strtoul(name, NULL, 10));
		else
			j = json_object_get(j, name);
		if (!dot)
			break;
		path += n + 1;
		len -= n + 1;
	}
	return json_is_null(j) ? NULL : j;
}

static bool is_auto(const json_t *j)
{
	const char *s = json_string_value(j);

	return s && !strcmp(s, "auto");
}

/* "@NAME:I": a size of a tensor of the files. */
static int tensor_size(struct hf *h, const char *s, size_t n, int64_t *out)
{
	const char *colon = memchr(s, ':', n);
	char name[128];
	const struct st_tensor *t;
	uint32_t i;

	snprintf(name, sizeof(name), "%.*s", (int)(colon - s - 1), s + 1);
	t = st_find(&h->set, name);
	i = (uint32_t)(colon[1] - '0');
	if (!t)
		return -ENOENT;
	if (i >= t->n_dims)
		return hf_fail(h, -EINVAL, "tensor %s: %u dimensions, expected more", name,
			       t->n_dims);
	*out = (int64_t)t->shape[i];
	return 0;
}

/* One name or number of an expression. */
static int operand(struct hf *h, const char *s, size_t n, int64_t *out)
{
	json_t *j;

	if (s[0] >= '0' && s[0] <= '9') {
		*out = strtoll(s, NULL, 10);
		return 0;
	}
	if (s[0] == '@')
		return tensor_size(h, s, n, out);
	j = hf_get(h->config, s, n);
	if (!j || is_auto(j))
		return -ENOENT;
	if (!json_is_integer(j))
		return hf_fail(h, -EINVAL, "config.json: %.*s: not an integer", (int)n, s);
	*out = json_integer_value(j);
	return 0;
}

static int apply(struct hf *h, char op, const char *expr, size_t len, int64_t b, int64_t *v)
{
	bool over = false;

	switch (op) {
	case '+':
		over = __builtin_add_overflow(*v, b, v);
		break;
	case '-':
		over = __builtin_sub_overflow(*v, b, v);
		break;
	case '*':
		over = __builtin_mul_overflow(*v, b, v);
		break;
	case '/':
		over = b <= 0;
		if (!over)
			*v /= b;
		break;
	default:
		*v = b;
	}
	return over ? hf_fail(h, -EINVAL, "config.json: %.*s: overflows or divides by 0", (int)len,
			      expr)
		    : 0;
}

static int expression(struct hf *h, const char *expr, size_t len, int64_t *out)
{
	size_t at = 0, n;
	int64_t v = 0, b;
	char op = 0;
	int rc;

	while (at < len) {
		for (n = 0; at + n < len && !strchr("+-*/", expr[at + n]); n++)
			;
		rc = operand(h, expr + at, n, &b);
		if (!rc)
			rc = apply(h, op, expr, len, b, &v);
		if (rc)
			return rc;
		at += n;
		op = at < len ? expr[at++] : 0;
	}
	*out = v;
	return 0;
}

int hf_number(struct hf *h, const char *json, int64_t *out)
{
	int rc = -ENOENT;

	while (rc == -ENOENT && *json) {
		size_t n = strcspn(json, "|");

		rc = expression(h, json, n, out);
		json += n + (json[n] == '|');
	}
	return rc;
}

int hf_need(struct hf *h, const char *json, int64_t min, int64_t max, uint64_t *out)
{
	int64_t v;
	int rc = hf_number(h, json, &v);

	if (rc == -ENOENT)
		return hf_fail(h, -EINVAL, "config.json: %s: missing", json);
	if (rc)
		return rc;
	if (v < min || v > max)
		return hf_fail(h, -EINVAL,
			       "config.json: %s: %" PRId64 ", supported: %" PRId64 " to %" PRId64,
			       json, v, min, max);
	*out = (uint64_t)v;
	return 0;
}

void hf_key_name(struct hf *h, const char *key, char buf[128])
{
	snprintf(buf, 128, "%s.%s", h->arch->gguf, key);
}

/* The first alternative that is present, of any type; a number in the table is its text. */
static json_t *first(struct hf *h, const char *json, const char **literal)
{
	*literal = NULL;
	while (*json) {
		size_t n = strcspn(json, "|");
		json_t *j = hf_get(h->config, json, n);

		if (j && !is_auto(j))
			return j;
		if (json[0] >= '0' && json[0] <= '9') {
			*literal = json;
			return NULL;
		}
		json += n + (json[n] == '|');
	}
	return NULL;
}

static int put_key(struct hf *h, const struct hf_key *k)
{
	const char *literal = NULL;
	json_t *j = k->type == HF_U32 ? NULL : first(h, k->json, &literal);
	int64_t v = 0;
	char name[128];
	int rc = 0;

	hf_key_name(h, k->key, name);
	if (k->type == HF_U32)
		rc = hf_number(h, k->json, &v);
	else if (!j && !literal)
		rc = -ENOENT;
	if (rc == -ENOENT && !k->required)
		return 0;
	if (rc == -ENOENT)
		return hf_fail(h, -EINVAL, "config.json: %s: missing", k->json);
	if (rc)
		return rc;
	switch (k->type) {
	case HF_U32:
		if (v < 0 || v > UINT32_MAX)
			return hf_fail(h, -EINVAL, "config.json: %s: %" PRId64 " is out of range",
				       k->json, v);
		gguf_encode_u32(&h->keys, name, (uint32_t)v);
		return 0;
	case HF_F32: {
		double d = literal ? strtod(literal, NULL) : json_number_value(j);

		if ((!literal && !json_is_number(j)) || !(fabs(d) <= 3e38))
			return hf_fail(h, -EINVAL, "config.json: %s: not a number", k->json);
		gguf_encode_f32(&h->keys, name, (float)d);
		return 0;
	}
	case HF_RSQRT: {
		double d = json_number_value(j);

		if (!(d >= 1e-12 && d <= 1e12))
			return hf_fail(h, -EINVAL, "config.json: %s: %g, supported: 1e-12 to 1e12",
				       k->json, d);
		gguf_encode_f32(&h->keys, name, (float)(1 / sqrt(d)));
		return 0;
	}
	case HF_BOOL:
		if (!literal && !json_is_boolean(j))
			return hf_fail(h, -EINVAL, "config.json: %s: not true or false", k->json);
		gguf_encode_bool(&h->keys, name, literal ? literal[0] == '1' : json_is_true(j));
		return 0;
	case HF_GATING: {
		const char *s = json_string_value(j);

		if (!s || (strcmp(s, "softmax") && strcmp(s, "sigmoid")))
			return hf_fail(h, -ENOTSUP,
				       "config.json: %s: \"%.32s\", supported: softmax, sigmoid",
				       k->json, s ? s : "");
		gguf_encode_u32(&h->keys, name, strcmp(s, "softmax") ? 2 : 1);
		return 0;
	}
	}
	return -EINVAL;
}

/* ---- what must hold ---- */

/* Of a pair of numbers; beyond what F32 has is infinite. */
static double bound(const json_t *pair, size_t i)
{
	double d = json_number_value(json_array_get(pair, i));

	return fabs(d) > FLT_MAX ? copysign(INFINITY, d) : d;
}

static bool is_pair(const json_t *j)
{
	return json_array_size(j) == 2 && json_is_number(json_array_get(j, 0)) &&
	       json_is_number(json_array_get(j, 1));
}

static void as_text(const json_t *j, char *buf, size_t room)
{
	if (json_is_string(j))
		snprintf(buf, room, "%s", json_string_value(j));
	else if (json_is_integer(j))
		snprintf(buf, room, "%" JSON_INTEGER_FORMAT, json_integer_value(j));
	else if (json_is_real(j))
		snprintf(buf, room, "%.9g", json_real_value(j));
	else if (json_is_boolean(j))
		snprintf(buf, room, "%s", json_is_true(j) ? "true" : "false");
	else if (json_is_array(j) && !json_array_size(j))
		snprintf(buf, room, "[]");
	else if (is_pair(j))
		snprintf(buf, room, "[%.9g,%.9g]", bound(j, 0), bound(j, 1));
	else
		snprintf(buf, room, "%s", json_is_array(j) ? "an array" : "an object");
}

static bool is_one_of(const char *list, const char *s)
{
	size_t len = strlen(s);

	while (*list) {
		size_t n = strcspn(list, "|");

		if (n == len && !memcmp(list, s, n))
			return true;
		list += n + (list[n] == '|');
	}
	return false;
}

static int check_demand(struct hf *h, const struct hf_demand *d)
{
	const char *literal;
	json_t *j = first(h, d->json, &literal);
	char text[64] = "-";

	if (d->when && !json_is_true(hf_get(h->config, d->when, strlen(d->when))))
		return 0;
	if (j)
		as_text(j, text, sizeof(text));
	if (is_one_of(d->values, text))
		return 0;
	return hf_fail(h, -ENOTSUP, "config.json: %s: %s, supported for %s: %s", d->json,
		       j ? text : "absent", h->arch->gguf, d->values);
}

/* ---- all ---- */

int hf_find_arch(struct hf *h)
{
	json_t *list = json_object_get(h->config, "architectures");
	const char *class = json_string_value(json_array_get(list, 0));
	const struct hf_arch *a, *last = NULL;
	char names[336] = "";
	int64_t experts = 0;
	size_t i;

	if (!class)
		return hf_fail(h, -EINVAL, "config.json: architectures: missing");
	if (hf_number(h, EXPERTS, &experts) == -EINVAL)
		return -EINVAL;
	if (experts < 0)
		return hf_fail(h, -EINVAL, "config.json: " EXPERTS ": %" PRId64, experts);
	for (i = 0; (a = hf_arch_at(i)); i++) {
		if (is_one_of(a->classes, class) && !(a->flags & HF_BARE) &&
		    !(a->flags & HF_DENSE && experts > 1)) {
			h->arch = a;
			return 0;
		}
	}
	for (i = 0; (a = hf_arch_at(i)); last = a, i++) {
		if (last && !strcmp(a->gguf, last->gguf))
			continue;
		if (strlen(names) + strlen(a->gguf) + 3 > sizeof(names))
			break;
		strcat(names, names[0] ? ", " : "");
		strcat(names, a->gguf);
	}
	return hf_fail(h, -ENOTSUP,
		       "config.json: architectures: \"%.48s\" is not supported; supported: %s",
		       class, names);
}

void hf_bare_arch(struct hf *h)
{
	const struct hf_arch *a;
	size_t i, k;

	for (i = 0; (a = hf_arch_at(i)); i++) {
		if (!(a->flags & HF_BARE) || strcmp(a->classes, h->arch->classes))
			continue;
		for (k = 0; k < h->set.n; k++) {
			if (!strncmp(h->set.t[k].name, a->prefix, strlen(a->prefix))) {
				h->arch = a;
				return;
			}
		}
	}
}

static bool has_key(const struct hf_key *k, const char *key)
{
	for (; k && k->key; k++) {
		if (!strcmp(k->key, key))
			return true;
	}
	return false;
}

static int put_keys(struct hf *h, const struct hf_key *k, const struct hf_key *before)
{
	int rc = 0;

	for (; k && k->key && !rc; k++) {
		if (has_key(before, k->key) || hf_is_layered(h, k->key))
			continue;
		rc = put_key(h, k);
	}
	return rc;
}

static void put_general(struct hf *h)
{
	const char *name = json_string_value(json_object_get(h->config, "_name_or_path")), *slash;

	gguf_encode_str(&h->keys, "general.architecture", h->arch->gguf, strlen(h->arch->gguf));
	slash = name ? strrchr(name, '/') : NULL;
	if (slash)
		name = slash + 1;
	if (!name || !name[0])
		name = json_string_value(json_object_get(h->config, "model_type"));
	if (name)
		gguf_encode_str(&h->keys, "general.name", name, strlen(name));
}

int hf_keys(struct hf *h)
{
	const struct hf_demand *d;
	uint64_t v;
	int rc;

	rc = hf_need(h, "num_hidden_layers|n_layer|num_transformer_layers", 1, HF_MAX_LAYERS, &v);
	if (rc)
		return rc;
	h->layers = (uint32_t)v;
	if (h->arch->n_experts) {
		int64_t n = 0;

		rc = hf_number(h, h->arch->n_experts, &n);
		if (rc && rc != -ENOENT)
			return rc;
		if (n < 0 || n > HF_MAX_EXPERTS)
			return hf_fail(h, -EINVAL,
				       "config.json: %s: %" PRId64 ", supported: 0 to %u",
				       h->arch->n_experts, n, HF_MAX_EXPERTS);
		h->experts = (uint32_t)n;
	}
	put_general(h);
	rc = hf_check_quantization(h);
	for (d = h->arch->demands; d && d->json && !rc; d++)
		rc = check_demand(h, d);
	if (!rc)
		rc = put_keys(h, h->arch->keys2, NULL);
	if (!rc)
		rc = put_keys(h, h->arch->keys, h->arch->keys2);
	return rc ? rc : hf_layers(h);
}

/* Keys that are made of more than a number of config.json, and those of classes whose tables lack them. */
static const struct hf_key others[] = {
	{ "attention.sliding_window_pattern", "layer_types|sliding_window_pattern", HF_U32, false },
	{ "attention.recurrent_layers", "layer_types", HF_U32, false },
	{ "full_attention_interval", "full_attention_interval", HF_U32, false },
	{ "attention.head_count", "num_query_heads", HF_U32, false },
	{ "attention.head_count_kv", "num_key_value_heads|num_kv_heads", HF_U32, false },
	{ "feed_forward_length", "intermediate_size|ffn_multipliers", HF_U32, false },
	{ "rope.dimension_count", "partial_rotary_factor", HF_U32, false },
	{ "rope.scaling.finetuned", "position_embedding_type", HF_BOOL, false },
	{ NULL, NULL, HF_U32, false },
};

const char *hf_stored_key(void *ctx, const char *key, char *buf, size_t room)
{
	const struct hf *h = ctx;
	const struct hf_key *lists[] = { h->arch->keys2, h->arch->keys, others }, *k;
	size_t n = strlen(h->arch->gguf), i;

	if (!strncmp(key, "tokenizer.", 10)) {
		snprintf(buf, room, "tokenizer.json");
		return buf;
	}
	if (strncmp(key, h->arch->gguf, n) || key[n] != '.')
		return NULL;
	key += n + 1;
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		for (k = lists[i]; k && k->key; k++) {
			/* a number of the table is nobody's */
			if (strcmp(k->key, key) || is_number(k->json))
				continue;
			snprintf(buf, room, "config.json: %s", k->json);
			return buf;
		}
	}
	if (strncmp(key, "rope.scaling.", 13))
		return NULL;
	snprintf(buf, room, "config.json: rope_scaling");
	return buf;
}
