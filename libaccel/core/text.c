// SPDX-License-Identifier: MIT
/* Text and sampling behind the public interface. */
#include "model.h"

#include <errno.h>
#include <string.h>

#include "sampler.h"

static int no_tokenizer(struct accel_model *m)
{
	return env_fail(&m->dev->env, ACCEL_ENOTSUP, "%s has no tokenizer", m->file->path);
}

static int text_error(struct accel_model *m, int err, const char *text)
{
	int code = err == -ENOENT ? ACCEL_ENOTSUP : env_errno(err);

	return env_fail(&m->dev->env, code, "tokenizer: %s",
			text && text[0] ? text : accel_error_string(code));
}

int accel_model_tokenize(struct accel_model *m, const char *text, size_t len, uint32_t flags,
			 int32_t *ids, size_t cap, size_t *n)
{
	const uint32_t known =
		ACCEL_TEXT_AUTO | ACCEL_TEXT_BOS | ACCEL_TEXT_EOS | ACCEL_TEXT_SPECIAL;
	char detail[TOKENIZER_ERR_LEN] = "";
	struct tokenizer_ids out = { 0 };
	unsigned int f;
	int err;

	if (!m || !n)
		return ACCEL_EARG;
	*n = 0;
	if ((len && !text) || (cap && !ids) || flags & ~known)
		return env_fail(&m->dev->env, ACCEL_EARG, "tokenize: text, ids or flags");
	if (!m->tok)
		return no_tokenizer(m);
	f = (flags & ACCEL_TEXT_AUTO ? TOKENIZER_AUTO : 0) |
	    (flags & ACCEL_TEXT_BOS ? TOKENIZER_WITH_BOS : 0) |
	    (flags & ACCEL_TEXT_EOS ? TOKENIZER_WITH_EOS : 0) |
	    (flags & ACCEL_TEXT_SPECIAL ? TOKENIZER_PARSE_SPECIAL : TOKENIZER_PARSE_USER);
	err = tokenizer_encode(m->tok, text ? text : "", len, f, &out, NULL, detail);
	if (err) {
		tokenizer_ids_free(&out);
		return text_error(m, err, detail);
	}
	*n = out.n;
	if (ids && out.n)
		memcpy(ids, out.v, (out.n < cap ? out.n : cap) * sizeof(*ids));
	err = out.n > cap ? ACCEL_ENOSPACE : 0;
	tokenizer_ids_free(&out);
	return err;
}

int32_t accel_model_find_token(struct accel_model *m, const char *text, size_t len)
{
	int32_t id;

	if (!m || (len && !text))
		return ACCEL_EARG;
	if (!m->tok)
		return no_tokenizer(m);
	id = tokenizer_find(m->tok, text ? text : "", len);
	return id < 0 ? ACCEL_ENOTSUP : id;
}

int accel_model_is_end(struct accel_model *m, int32_t id)
{
	if (!m || id < 0 || (uint32_t)id >= m->file->manifest.vocab)
		return ACCEL_EARG;
	return m->tok ? tokenizer_is_eog(m->tok, id) : 0;
}

struct accel_detok {
	struct accel_model *m;
	struct tokenizer_stream stream;
	struct tokenizer_bytes out;
};

int accel_detok_create(struct accel_model *m, uint32_t flags, struct accel_detok **out)
{
	const uint32_t known = ACCEL_DETOK_SPECIAL | ACCEL_DETOK_CONTINUE | ACCEL_DETOK_REPLACE;
	struct accel_detok *d;
	unsigned int f;
	int err;

	if (!m || !out)
		return ACCEL_EARG;
	*out = NULL;
	if (flags & ~known)
		return env_fail(&m->dev->env, ACCEL_EARG, "detok: flags %#x", flags);
	if (!m->tok)
		return no_tokenizer(m);
	d = env_zalloc(&m->dev->env, 1, sizeof(*d));
	if (!d)
		return ACCEL_ENOMEM;
	f = (flags & ACCEL_DETOK_SPECIAL ? TOKENIZER_SHOW_SPECIAL : 0) |
	    (flags & ACCEL_DETOK_CONTINUE ? TOKENIZER_CONTINUE : 0) |
	    (flags & ACCEL_DETOK_REPLACE ? TOKENIZER_REPLACE : 0);
	err = tokenizer_stream_init(&d->stream, m->tok, f);
	if (err) {
		env_free(&m->dev->env, d);
		return text_error(m, err, NULL);
	}
	d->m = accel_model_ref(m);
	*out = d;
	return 0;
}

void accel_detok_destroy(struct accel_detok *d)
{
	struct accel_model *m;

	if (!d)
		return;
	m = d->m;
	tokenizer_stream_free(&d->stream);
	tokenizer_bytes_free(&d->out);
	env_free(&m->dev->env, d);
	accel_model_unref(m);
}

int accel_detok_push(struct accel_detok *d, int32_t id, const char **text, size_t *len)
{
	int err;

	if (!d || !text || !len)
		return ACCEL_EARG;
	*text = "";
	*len = 0;
	d->out.n = 0;
	if (id == -1)
		err = tokenizer_stream_flush(&d->stream, &d->out);
	else if (id >= 0 && (size_t)id >= tokenizer_n_tokens(d->m->tok) &&
		 (uint32_t)id < d->m->file->manifest.vocab)
		err = 0; /* a padded row of the vocabulary has no text */
	else
		err = tokenizer_stream_push(&d->stream, id, &d->out);
	if (err)
		return text_error(d->m, err, NULL);
	if (d->out.n) {
		*text = (const char *)d->out.v;
		*len = d->out.n;
	}
	return 0;
}

struct accel_sampler {
	struct accel_device *dev;
	struct sampler *s;
};

int accel_sampler_create(struct accel_device *dev, const struct accel_sampler_options *options,
			 struct accel_sampler **out)
{
	struct accel_sampler_options o;
	char detail[SAMPLER_ERR_LEN] = "";
	struct sampler_params p;
	struct accel_sampler *s;
	int err;

	if (!dev || !out)
		return ACCEL_EARG;
	*out = NULL;
	err = env_options(&dev->env, &o, sizeof(o), options, "accel_sampler_options");
	if (err)
		return err;
	sampler_params_init(&p);
	p.temperature = o.temperature;
	p.top_p = o.top_p != 0 ? o.top_p : p.top_p;
	p.min_p = o.min_p;
	p.repeat_penalty = o.repeat_penalty != 0 ? o.repeat_penalty : p.repeat_penalty;
	p.presence_penalty = o.presence_penalty;
	p.frequency_penalty = o.frequency_penalty;
	p.seed = o.seed;
	p.top_k = o.top_k;
	p.last_n = o.last_n ? o.last_n : p.last_n;
	s = env_zalloc(&dev->env, 1, sizeof(*s));
	if (!s)
		return ACCEL_ENOMEM;
	err = sampler_create(&p, &s->s, detail);
	if (err) {
		env_free(&dev->env, s);
		return env_fail(&dev->env, env_errno(err), "sampler: %s",
				detail[0] ? detail : "out of memory");
	}
	s->dev = accel_device_ref(dev);
	*out = s;
	return 0;
}

void accel_sampler_destroy(struct accel_sampler *s)
{
	struct accel_device *dev;

	if (!s)
		return;
	dev = s->dev;
	sampler_destroy(s->s);
	env_free(&dev->env, s);
	accel_device_unref(dev);
}

int accel_sampler_accept(struct accel_sampler *s, int32_t id)
{
	int err;

	if (!s)
		return ACCEL_EARG;
	err = sampler_accept(s->s, id);
	return err ? env_fail(&s->dev->env, env_errno(err), "sampler: token %d", id) : 0;
}

int accel_sampler_sample(struct accel_sampler *s, const float *logits, size_t vocab, int32_t *id,
			 double *probability)
{
	int32_t r;

	if (!s || !logits || !id)
		return ACCEL_EARG;
	r = sampler_sample(s->s, logits, vocab, probability);
	if (r < 0)
		return env_fail(&s->dev->env, env_errno(r), "sampler: %s",
				accel_error_string(env_errno(r)));
	*id = r;
	return 0;
}
