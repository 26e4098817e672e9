// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>

#include "compiler/frontends/frontend.h"

#define KEY_BYTES 160

static int key_name(struct fe_keys *k, const char *key, char *buf)
{
	int n = snprintf(buf, KEY_BYTES, "%s.%s", k->arch, key);

	if (n < 0 || n >= KEY_BYTES)
		return diag_set(&k->m->diag, -EINVAL, "key %s: name too long", key);
	return 0;
}

/* ret is what a getter of gguf.h said. */
static int key_result(struct fe_keys *k, const char *name, bool required, int ret,
		      const struct gguf_error *err)
{
	if (!ret || (ret == -ENOENT && !required))
		return 0;
	if (ret == -ENOENT)
		return diag_set(&k->m->diag, -EINVAL, "key %s: missing", name);
	return diag_set(&k->m->diag, ret, "%s", err->msg);
}

int fe_u32(struct fe_keys *k, const char *key, bool required, uint32_t *out)
{
	struct gguf_error err = { 0 };
	char name[KEY_BYTES];

	if (key_name(k, key, name))
		return k->m->diag.err;
	return key_result(k, name, required, gguf_get_u32(k->f, name, out, &err), &err);
}

int fe_bool(struct fe_keys *k, const char *key, bool *out)
{
	struct gguf_error err = { 0 };
	char name[KEY_BYTES];

	if (key_name(k, key, name))
		return k->m->diag.err;
	return key_result(k, name, false, gguf_get_bool(k->f, name, out, &err), &err);
}

int fe_f32(struct fe_keys *k, const char *key, bool required, float *out)
{
	struct gguf_error err = { 0 };
	char name[KEY_BYTES];

	if (key_name(k, key, name))
		return k->m->diag.err;
	return key_result(k, name, required, gguf_get_f32(k->f, name, out, &err), &err);
}

int fe_u32_layers(struct fe_keys *k, const char *key, uint32_t layers, uint32_t *out)
{
	struct gguf_error err = { 0 };
	char name[KEY_BYTES];

	if (key_name(k, key, name))
		return k->m->diag.err;
	return key_result(k, name, true, gguf_get_u32_layers(k->f, name, layers, out, &err), &err);
}

int fe_str(struct fe_keys *k, const char *key, struct gguf_str *out)
{
	struct gguf_error err = { 0 };
	char name[KEY_BYTES];

	if (key_name(k, key, name))
		return k->m->diag.err;
	return key_result(k, name, false, gguf_get_str(k->f, name, out, &err), &err);
}
