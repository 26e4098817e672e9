// SPDX-License-Identifier: MIT
/* Tensors of safetensors files as those of a GGUF file, by the rules of hf_archs.c. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/frontends/hf_convert.h"
#include "compiler/quant/ggml_types.h"
#include "compiler/quant/half.h"

static struct gguf_tensor *append(struct hf *h, const struct gguf_tensor *t)
{
	size_t room = h->tensors_room ? 2 * h->tensors_room : 64;
	struct gguf_tensor *more;

	if (h->n_tensors == h->tensors_room) {
		more = reallocarray(h->tensors, room, sizeof(*more));
		if (!more) {
			gguf_set_error(h->err, "tensors: out of memory");
			return NULL;
		}
		h->tensors = more;
		h->tensors_room = room;
	}
	h->tensors[h->n_tensors] = *t;
	return &h->tensors[h->n_tensors++];
}

static int name_tensor(struct hf *h, struct gguf_tensor *t, const char *name)
{
	size_t n = strlen(name);
	char *copy = hf_alloc(h, n + 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, name, n);
	t->name = (struct gguf_str){ copy, n };
	return 0;
}

/* Sizes from the shape. */
static int finish(struct hf_making *m, const char *name)
{
	struct gguf_tensor *t = &m->t;
	uint64_t size;
	int i, rc;

	t->elements = 1;
	for (i = 0; i < GGUF_MAX_DIMS; i++) {
		if (i >= (int)t->n_dims)
			t->ne[i] = 1;
		if (__builtin_mul_overflow(t->elements, (uint64_t)t->ne[i], &t->elements) ||
		    t->elements > INT64_MAX)
			return hf_refuse(m, -EINVAL, "the number of elements overflows");
	}
	rc = ggml_tensor_size(t->type, t->ne, &size);
	if (rc || size > SIZE_MAX)
		return hf_refuse(m, -EINVAL, "rows of %" PRId64 " elements do not fit type %s",
				 t->ne[0], ggml_type_name(t->type));
	t->size = (size_t)size;
	t->rows = m->rows ? &m->rows->base : NULL;
	rc = name_tensor(m->h, t, name);
	return rc ? rc : append(m->h, t) ? 0 : -ENOMEM;
}

int hf_add_f32(struct hf *h, const char *name, const float *values, size_t n)
{
	struct hf_making m = { .h = h, .hf = name };
	uint8_t *data = hf_alloc(h, 4 * n);
	size_t i;

	if (!data)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		uint32_t u = htole32(float_bits(values[i]));

		memcpy(data + 4 * i, &u, sizeof(u));
	}
	m.t = (struct gguf_tensor){ .type = GGML_TYPE_F32, .n_dims = 1, .data = data };
	m.t.ne[0] = (int64_t)n;
	return finish(&m, name);
}

/*
 * Tensors whose names differ in a number ("{e}": of all experts) or a letter ("{wkvrg}": each of
 * these), one below the other. Without both of the first two experts there are none: config.json may claim
 * any number of them.
 */
static int stack(struct hf_making *m, const char *gguf, const char *pattern, uint32_t layer)
{
	const char *at = strchr(pattern, '{') + 1, *end = strchr(pattern, '}');
	bool experts = end == at + 1;
	uint32_t n = experts ? m->h->experts : (uint32_t)(end - at), i;
	const struct st_tensor **parts = NULL;
	struct st_tensor *first = NULL, *s;
	char name[256], missing[256] = "", which[16];
	int rc;

	for (i = 0; i < n; i++) {
		if (experts)
			snprintf(which, sizeof(which), "%u", i);
		else
			snprintf(which, sizeof(which), "%c", at[i]);
		snprintf(name, sizeof(name), "%s%u.%.*s%s%s", m->h->arch->prefix, layer,
			 (int)(at - 1 - pattern), pattern, which, end + 1);
		m->hf = name;
		s = st_find(&m->h->set, name);
		if (!s && !missing[0])
			memcpy(missing, name, sizeof(missing));
		if (missing[0] && (s || first)) {
			m->hf = missing;
			return hf_refuse(m, -EINVAL, "missing, others of its kind are there");
		}
		if (!s && experts && i)
			return 0;
		if (!s)
			continue;
		if (!first) {
			first = s;
			parts = hf_alloc(m->h, n * sizeof(*parts));
			if (!parts)
				return -ENOMEM;
		}
		if (s->n_dims < 1 || s->n_dims > (experts ? 2 : 3) || s->n_dims != first->n_dims ||
		    s->dtype != first->dtype || memcmp(s->shape, first->shape, sizeof(s->shape)))
			return hf_refuse(m, -EINVAL, "not the shape and type of the first one");
		rc = hf_check_type(m, s);
		if (rc)
			return rc;
		s->used = true;
		parts[i] = s;
	}
	if (!first)
		return 0;
	m->hf = name;
	rc = hf_convert_stack(m, parts, n, !experts);
	return rc ? rc : finish(m, gguf);
}

static bool have_tensor(const struct hf *h, const char *name)
{
	size_t i = h->n_tensors, n = strlen(name);

	/* rules for one name follow each other: the last few suffice */
	for (; i && i + 4 > h->n_tensors; i--) {
		if (h->tensors[i - 1].name.len == n && !memcmp(h->tensors[i - 1].name.ptr, name, n))
			return true;
	}
	return false;
}

static double multiplier(const struct hf *h, const char *name)
{
	const json_t *j = hf_get(h->config, name, strlen(name));

	return j ? json_number_value(j) : 1;
}

static bool needs_output(const struct hf *h)
{
	return multiplier(h, "embedding_multiplier") != multiplier(h, "lm_head_multiplier");
}

static int make_one(struct hf *h, const struct hf_rule *rule, const char *gguf, const char *hf,
		    uint32_t layer)
{
	struct hf_making m = { .h = h, .rule = rule, .hf = hf, .layer = layer };
	struct st_tensor *s, *scales = NULL;
	bool mx = rule->op >= HF_MXFP4 && rule->op <= HF_MXFP4_ODD;
	char blocks[272], name[272];
	int rc;

	snprintf(blocks, sizeof(blocks), "%s%s", hf, mx ? "_blocks" : "");
	snprintf(name, sizeof(name), "%s_scales", hf);
	s = st_find(&h->set, blocks);
	if (!s && mx && st_find(&h->set, name))
		return hf_fail(h, -EINVAL, "tensor %s: missing", blocks);
	if (!s)
		return 0;
	if (have_tensor(h, gguf) || (rule->op == HF_SCALE_TIED && !needs_output(h)))
		return 0;
	s->used = true;
	if (!mx) {
		rc = hf_check_type(&m, s);
	} else {
		scales = st_find(&h->set, name);
		if (!scales)
			return hf_fail(h, -EINVAL, "tensor %s: missing", name);
		scales->used = true;
		rc = hf_convert_mxfp4(&m, s, scales);
	}
	if (!rc && !mx)
		rc = hf_convert(&m, s);
	return rc ? rc : finish(&m, gguf);
}

static int apply_rule(struct hf *h, const struct hf_rule *rule, const char *gguf_prefix,
		      const char *hf_prefix, uint32_t layer)
{
	static const char *const suffixes[] = { ".weight", ".bias" };
	char gguf[128], hf[256];
	size_t i, n = rule->raw ? 1 : 2;
	int rc = 0;

	for (i = 0; i < n && !rc; i++) {
		const char *suffix = rule->raw ? "" : suffixes[i];

		snprintf(gguf, sizeof(gguf), "%s%s%s", gguf_prefix, rule->gguf, suffix);
		if (strchr(rule->hf, '{')) {
			struct hf_making m = { .h = h, .rule = rule, .layer = layer };

			snprintf(hf, sizeof(hf), "%s%s", rule->hf, suffix);
			rc = stack(&m, gguf, hf, layer);
		} else {
			snprintf(hf, sizeof(hf), "%s%.*s%s", hf_prefix, (int)strcspn(rule->hf, "*"),
				 rule->hf, suffix);
			rc = make_one(h, rule, gguf, hf, layer);
		}
	}
	return rc;
}

static int apply_rules(struct hf *h, const struct hf_rule *rule, const char *gguf_prefix,
		       const char *hf_prefix, uint32_t layer)
{
	int rc = 0;

	for (; rule && rule->gguf && !rc; rule++)
		rc = apply_rule(h, rule, gguf_prefix, hf_prefix, layer);
	return rc;
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && !strcmp(s + n - m, end);
}

/* Prediction layers behind the last one, or beside the model. */
static bool beyond_last(const struct hf *h, const char *name)
{
	size_t n = strlen(h->arch->prefix);
	char *end;

	if (!strncmp(name, "mtp.", 4))
		return true;
	if (strncmp(name, h->arch->prefix, n) || name[n] < '0' || name[n] > '9')
		return false;
	return strtoul(name + n, &end, 10) >= h->layers && *end == '.';
}

static int refuse_unused(struct hf *h)
{
	size_t i, k;

	for (i = 0; i < h->set.n; i++) {
		struct st_tensor *s = &h->set.t[i];

		for (k = 0; k < hf_n_ignored && !s->used; k++) {
			if (ends_with(s->name, hf_ignored[k]))
				hf_skip(h, s, SOURCE_BUFFERS);
		}
		if (!s->used && h->arch->flags & HF_DROP_MTP && beyond_last(h, s->name))
			hf_skip(h, s, SOURCE_PREDICTING);
		if (!s->used)
			return hf_fail(h, -ENOTSUP,
				       "tensor %.100s: not part of a supported %s model", s->name,
				       h->arch->gguf);
	}
	return 0;
}

/*
 * The tensor of a rule in a layer (-1: of the model), the first where there is one for each expert or
 * letter; suffix: where the rule's name has none.
 */
static void torch_name(const struct hf *h, const struct hf_rule *rule, int layer,
		       const char *suffix, char *buf, size_t room)
{
	bool blocks = rule->op >= HF_MXFP4 && rule->op <= HF_MXFP4_ODD;
	const char *at = strchr(rule->hf, '{'), *rest = at ? strchr(at, '}') + 1 : "";
	int n = (int)strcspn(rule->hf, at ? "{" : "*");
	char prefix[96] = "", which[2] = "";

	if (layer >= 0)
		snprintf(prefix, sizeof(prefix), "%s%d.", h->arch->prefix, layer);
	if (at)
		which[0] = rest == at + 3 ? '0' : at[1];
	snprintf(buf, room, "%s%.*s%s%s%s", prefix, n, rule->hf, which, rest,
		 blocks	     ? "_blocks"
		 : rule->raw ? ""
			     : suffix);
}

/* Of several rules the one whose tensor is there, or the first. */
const char *hf_stored_name(void *ctx, const char *name, char *buf, size_t room)
{
	const struct hf *h = ctx;
	const struct hf_rule *lists[2] = { h->arch->globals, NULL }, *rule;
	int layer = -1, used = 0;
	char first[256] = "";
	size_t i;

	if (sscanf(name, "blk.%d.%n", &layer, &used) == 1 && used) {
		name += used;
		lists[0] = h->arch->layer2;
		lists[1] = h->arch->layer;
	}
	for (i = 0; i < 2; i++) {
		for (rule = lists[i]; rule && rule->gguf; rule++) {
			const char *suffix = name + strlen(rule->gguf);

			if (strncmp(name, rule->gguf, strlen(rule->gguf)) ||
			    (rule->raw ? *suffix != '\0'
				       : strcmp(suffix, ".weight") && strcmp(suffix, ".bias")))
				continue;
			torch_name(h, rule, layer, suffix, buf, room);
			if (st_find(&h->set, buf))
				return buf;
			if (!first[0])
				torch_name(h, rule, layer, suffix, first, sizeof(first));
		}
	}
	snprintf(buf, room, "%s", first);
	return first[0] ? buf : NULL;
}

static const struct hf_rule *rule_for(const struct hf_rule *rule, const char *gguf)
{
	for (; rule && rule->gguf; rule++) {
		if (!strcmp(rule->gguf, gguf))
			return rule;
	}
	return NULL;
}

/* A layer's rule for gguf, or for gguf and this suffix. */
static const struct hf_rule *layer_rule(const struct hf *h, const char *gguf, const char *suffix)
{
	const struct hf_rule *rule = rule_for(h->arch->layer, gguf);
	char name[64];

	if (!rule)
		rule = rule_for(h->arch->layer2, gguf);
	snprintf(name, sizeof(name), "%s%s", gguf, suffix);
	return rule || !suffix[0] ? rule : layer_rule(h, name, "");
}

/* There are biases of this tensor, says `why`: in the first layer that has it. */
static int check_bias(struct hf *h, const char *why, const char *gguf)
{
	const struct hf_rule *weight = layer_rule(h, gguf, ".weight");
	const struct hf_rule *bias = layer_rule(h, gguf, ".bias");
	uint32_t i;
	char name[256];

	for (i = 0; weight && bias && i < h->layers; i++) {
		torch_name(h, weight, (int)i, ".weight", name, sizeof(name));
		if (!st_find(&h->set, name))
			continue;
		torch_name(h, bias, (int)i, ".bias", name, sizeof(name));
		if (st_find(&h->set, name))
			return 0;
		return hf_fail(h, -EINVAL, "tensor %.128s: missing, config.json: %s", name, why);
	}
	return 0;
}

/* What config.json says is there, and what a model without would be another one. */
static int check_promised(struct hf *h)
{
	/* arch: one whose models have them unless the key is false */
	static const struct {
		const char *key, *gguf, *arch;
	} biases[] = {
		{ "attention_bias", "attn_q", NULL },	 { "attention_bias", "attn_k", NULL },
		{ "attention_bias", "attn_v", NULL },	 { "attention_bias", "attn_qkv", NULL },
		{ "attention_bias", "attn_q_a", NULL },	 { "mlp_bias", "ffn_up", NULL },
		{ "mlp_bias", "ffn_down", NULL },	 { "use_bias", "attn_q", "starcoder2" },
		{ "use_bias", "attn_k", "starcoder2" },	 { "use_bias", "attn_v", "starcoder2" },
		{ "qkv_bias", "attn_q", "qwen2" },	 { "qkv_bias", "attn_k", "qwen2" },
		{ "qkv_bias", "attn_v", "qwen2" },	 { "qkv_bias", "attn_q", "qwen2moe" },
		{ "qkv_bias", "attn_k", "qwen2moe" },	 { "qkv_bias", "attn_v", "qwen2moe" },
		{ "use_conv_bias", "ssm_conv1d", NULL }, { "mamba_conv_bias", "ssm_conv1d", NULL },
	};
	const struct hf_rule *output = rule_for(h->arch->globals, "output");
	const json_t *tie = json_object_get(h->config, "tie_word_embeddings");
	char name[256];
	size_t i;
	int rc = 0;

	if (tie && !json_is_boolean(tie) && !json_is_null(tie))
		return hf_fail(h, -EINVAL, "config.json: tie_word_embeddings: not true or false");
	if (json_is_false(tie) && output) {
		torch_name(h, output, -1, ".weight", name, sizeof(name));
		if (!st_find(&h->set, name))
			return hf_fail(
				h, -EINVAL,
				"tensor %.128s: missing, config.json: tie_word_embeddings is "
				"false",
				name);
	}
	for (i = 0; i < sizeof(biases) / sizeof(biases[0]) && !rc; i++) {
		const json_t *flag = json_object_get(h->config, biases[i].key);
		bool usual = biases[i].arch && !strcmp(biases[i].arch, h->arch->gguf);

		if (!json_is_true(flag) && (!usual || json_is_false(flag)))
			continue;
		snprintf(name, sizeof(name), "%s is %s", biases[i].key,
			 flag ? "true" : "absent, not false");
		rc = check_bias(h, name, biases[i].gguf);
	}
	return rc;
}

int hf_tensors(struct hf *h)
{
	json_t *tie = json_object_get(h->config, "tie_word_embeddings");
	char gguf[64], hf[128];
	struct st_tensor *s;
	uint32_t layer;
	int rc;

	/* A tied matrix that was stored all the same must not become another one. */
	s = st_find(&h->set, "lm_head.weight");
	if (s && (json_is_true(tie) || (!json_is_false(tie) && h->arch->flags & HF_TIED))) {
		hf_skip(h, s, SOURCE_TIED);
		s->name[0] = '\0'; /* no rule finds it; still the first of its kind in the order */
		rc = st_index(&h->set, h->err);
		if (rc)
			return rc;
	}
	rc = check_promised(h);
	if (!rc)
		rc = hf_scales(h);
	if (!rc)
		rc = apply_rules(h, h->arch->globals, "", "", 0);
	for (layer = 0; layer < h->layers && !rc; layer++) {
		snprintf(gguf, sizeof(gguf), "blk.%u.", layer);
		snprintf(hf, sizeof(hf), "%s%u.", h->arch->prefix, layer);
		rc = apply_rules(h, h->arch->layer2, gguf, hf, layer);
		if (!rc)
			rc = apply_rules(h, h->arch->layer, gguf, hf, layer);
	}
	return rc ? rc : refuse_unused(h);
}
