// SPDX-License-Identifier: MIT
/* rope_scaling of config.json: keys of linear and yarn, factor tensors of llama3 and longrope. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "compiler/frontends/hf_internal.h"

#define MAX_DIMS 65536

/* A number of rope_scaling. -ENOENT: absent or null. */
static int number(struct hf *h, const json_t *rs, const char *name, double *out)
{
	const json_t *j = json_object_get(rs, name);

	if (!j || json_is_null(j))
		return -ENOENT;
	if (!json_is_number(j) || !(fabs(json_number_value(j)) < 1e9))
		return hf_fail(h, -EINVAL, "config.json: rope_scaling.%s: not a number", name);
	*out = json_number_value(j);
	return 0;
}

/* `otherwise` NAN: the number is required. */
static int number_or(struct hf *h, const json_t *rs, const char *name, double otherwise,
		     double *out)
{
	int rc = number(h, rs, name, out);

	if (rc != -ENOENT)
		return rc;
	if (isnan(otherwise))
		return hf_fail(h, -EINVAL, "config.json: rope_scaling.%s: missing", name);
	*out = otherwise;
	return 0;
}

static void put_f32(struct hf *h, const char *key, double v)
{
	char name[128];

	hf_key_name(h, key, name);
	gguf_encode_f32(&h->keys, name, (float)v);
}

static void put_str(struct hf *h, const char *key, const char *v)
{
	char name[128];

	hf_key_name(h, key, name);
	gguf_encode_str(&h->keys, name, v, strlen(v));
}

static int put_original(struct hf *h, const json_t *rs)
{
	double v;
	char name[128];
	int rc = number(h, rs, "original_max_position_embeddings", &v);

	if (rc == -ENOENT)
		return 0;
	if (rc)
		return rc;
	if (!(v >= 1) || v > UINT32_MAX)
		return hf_fail(h, -EINVAL,
			       "config.json: rope_scaling.original_max_position_embeddings: %g", v);
	hf_key_name(h, "rope.scaling.original_context_length", name);
	gguf_encode_u32(&h->keys, name, (uint32_t)v);
	return 0;
}

static int linear(struct hf *h, const json_t *rs)
{
	double factor;
	int rc = number_or(h, rs, "factor", NAN, &factor);

	if (rc)
		return rc;
	put_str(h, "rope.scaling.type", "linear");
	put_f32(h, "rope.scaling.factor", factor);
	return 0;
}

static double yarn_mscale(double factor, double mscale)
{
	return factor <= 1 ? 1 : 0.1 * mscale * log(factor) + 1;
}

/* What cosines and sines are multiplied by. -ENOENT: what GGUF multiplies by anyway. */
static int yarn_attention(struct hf *h, const json_t *rs, double factor, double *out)
{
	double mscale, all;
	int rc = number(h, rs, "attention_factor", out);

	if (rc != -ENOENT || h->arch->flags & HF_YARN_MSCALE)
		return rc;
	rc = number(h, rs, "mscale", &mscale);
	if (!rc)
		rc = number(h, rs, "mscale_all_dim", &all);
	if (rc)
		return rc;
	if (mscale == 0 || all == 0)
		return -ENOENT;
	*out = yarn_mscale(factor, mscale) / yarn_mscale(factor, all);
	return 0;
}

static int yarn(struct hf *h, const json_t *rs)
{
	static const char *const betas[] = { "beta_fast", "beta_slow" };
	double factor, v, mscale;
	size_t i;
	int rc = number_or(h, rs, "factor", NAN, &factor);

	if (!rc && !(factor > 0))
		rc = hf_fail(h, -EINVAL,
			     "config.json: rope_scaling.factor: %g, supported: positive", factor);
	if (!rc)
		rc = put_original(h, rs);
	if (rc)
		return rc;
	put_str(h, "rope.scaling.type", "yarn");
	put_f32(h, "rope.scaling.factor", factor);
	for (i = 0; i < 2; i++) {
		char key[48];

		rc = number(h, rs, betas[i], &v);
		if (rc && rc != -ENOENT)
			return rc;
		snprintf(key, sizeof(key), "rope.scaling.yarn_%s", betas[i]);
		if (!rc)
			put_f32(h, key, v);
	}
	/* Here it replaces what GGUF's multiplies. */
	rc = yarn_attention(h, rs, factor, &v);
	if (rc && rc != -ENOENT)
		return rc;
	if (!rc)
		put_f32(h, "rope.scaling.attn_factor", v / (1 + 0.1 * log(factor)));
	if (!(h->arch->flags & HF_YARN_MSCALE))
		return 0;
	/* Only where the two are equal do cosines and sines keep their size. */
	if (number(h, rs, "mscale", &mscale) || number(h, rs, "mscale_all_dim", &v) ||
	    mscale != v || v == 0)
		return hf_fail(
			h, -ENOTSUP,
			"config.json: rope_scaling.mscale: supported: present, not 0 and equal to "
			"mscale_all_dim");
	put_f32(h, "rope.scaling.yarn_log_multiplier", 0.1 * v);
	return 0;
}

static int dims_of_head(struct hf *h, uint64_t *dims)
{
	int rc = hf_need(h, "head_dim|hidden_size/num_attention_heads", 2, MAX_DIMS, dims);

	if (!rc && *dims % 2)
		rc = hf_fail(h, -EINVAL, "config.json: head_dim: %" PRIu64 " is odd", *dims);
	return rc;
}

/* Low frequencies divided, those between two wavelengths in part (Llama 3.1's technical report). */
static int llama3(struct hf *h, const json_t *rs)
{
	double factor, low, high, orig, base = 10000;
	float factors[MAX_DIMS / 2];
	json_t *theta;
	uint64_t dims, i;
	int rc;

	rc = number_or(h, rs, "factor", NAN, &factor);
	if (!rc)
		rc = number_or(h, rs, "low_freq_factor", NAN, &low);
	if (!rc)
		rc = number_or(h, rs, "high_freq_factor", NAN, &high);
	if (!rc)
		rc = number_or(h, rs, "original_max_position_embeddings", 8192, &orig);
	if (!rc)
		rc = dims_of_head(h, &dims);
	if (rc)
		return rc;
	theta = hf_get(h->config, "rope_theta", 10);
	if (!theta)
		theta = hf_get(h->config, "rope_parameters.rope_theta", 26);
	if (theta)
		base = json_number_value(theta);
	if (!(factor > 0) || !(low > 0) || !(high > low) || !(orig > 0) || !(base > 0))
		return hf_fail(h, -EINVAL,
			       "config.json: rope_scaling: llama3 needs positive numbers, "
			       "high_freq_factor above low_freq_factor");
	for (i = 0; i < dims / 2; i++) {
		double wave = 2 * M_PI * pow(base, 2.0 * (double)i / (double)dims);
		double smooth = (orig / wave - low) / (high - low);

		if (wave < orig / high)
			factors[i] = 1;
		else if (wave > orig / low)
			factors[i] = (float)factor;
		else
			factors[i] = (float)(1 / ((1 - smooth) / factor + smooth));
	}
	return hf_add_f32(h, "rope_freqs.weight", factors, dims / 2);
}

static int factor_list(struct hf *h, const json_t *rs, const char *from, const char *to)
{
	const json_t *list = json_object_get(rs, from);
	float factors[MAX_DIMS / 2];
	size_t n = json_array_size(list), i;

	if (!n || n > MAX_DIMS / 2)
		return hf_fail(h, -EINVAL, "config.json: rope_scaling.%s: %zu factors", from, n);
	for (i = 0; i < n; i++) {
		double v = json_number_value(json_array_get(list, i));

		if (!(v > 0) || v > 1e30)
			return hf_fail(h, -EINVAL,
				       "config.json: rope_scaling.%s[%zu]: not a positive number",
				       from, i);
		factors[i] = (float)v;
	}
	return hf_add_f32(h, to, factors, n);
}

static int longrope(struct hf *h, const json_t *rs)
{
	int rc = factor_list(h, rs, "long_factor", "rope_factors_long.weight");
	uint64_t orig = 0, context = 0;
	double attn;

	if (!rc)
		rc = factor_list(h, rs, "short_factor", "rope_factors_short.weight");
	if (!rc)
		rc = hf_need(
			h,
			"original_max_position_embeddings|rope_scaling.original_max_position_embeddings",
			1, UINT32_MAX, &orig);
	if (!rc)
		rc = hf_need(h, "max_position_embeddings", 1, UINT32_MAX, &context);
	if (rc)
		return rc;
	put_str(h, "rope.scaling.type", "longrope");
	/* sqrt(1 + ln(scale) / ln(original)), 1 where the context was not extended */
	attn = context > orig && orig > 1
		       ? sqrt(1 + log((double)context / (double)orig) / log((double)orig))
		       : 1;
	rc = number(h, rs, "attention_factor", &attn);
	if (!rc || rc == -ENOENT)
		put_f32(h, "rope.scaling.attn_factor", attn);
	return rc == -ENOENT ? 0 : rc;
}

int hf_rope(struct hf *h)
{
	static const char *const places[] = { "rope_scaling", "rope_parameters.full_attention",
					      "rope_parameters" };
	bool llama = !strcmp(h->arch->gguf, "llama"), lng = h->arch->flags & HF_LONG_ROPE;
	const char *type = NULL;
	json_t *rs = NULL;
	double beta;
	size_t i;
	int rc;

	if (h->arch->flags & HF_NO_ROPE)
		return 0;
	for (i = 0; i < 3 && !rs; i++)
		rs = hf_get(h->config, places[i], strlen(places[i]));
	if (!rs)
		return 0;
	if (!json_is_object(rs))
		return hf_fail(h, -EINVAL, "config.json: rope_scaling: not an object");
	rc = number_or(h, rs, "llama_4_scaling_beta", 0, &beta);
	if (rc)
		return rc;
	if (beta != 0)
		return hf_fail(h, -ENOTSUP,
			       "config.json: rope_scaling.llama_4_scaling_beta: %g, supported: 0",
			       beta);
	type = json_string_value(json_object_get(rs, "rope_type"));
	if (!type)
		type = json_string_value(json_object_get(rs, "type"));
	if (!type && !json_object_get(rs, "factor"))
		return 0;
	/* by sections: the same for text, whose positions are one number */
	if (type && (!strcmp(type, "default") || !strcmp(type, "mrope")))
		return 0;
	if (type && !strcmp(type, "linear"))
		return linear(h, rs);
	if (type && !strcmp(type, "yarn"))
		return yarn(h, rs);
	if (type && !strcmp(type, "llama3") && llama)
		return llama3(h, rs);
	if (type && lng && (!strcmp(type, "longrope") || !strcmp(type, "su")))
		return longrope(h, rs);
	return hf_fail(h, -ENOTSUP,
		       "config.json: rope_scaling: type \"%.32s\" is not supported for %s; "
		       "supported: default, linear, yarn%s%s",
		       type ? type : "", h->arch->gguf, llama ? ", llama3" : "",
		       lng ? ", longrope" : "");
}
