// SPDX-License-Identifier: MIT
#include "compiler/tests/split.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/tests/gguf_writer.h"

/* A key as it stands in the file: name, type, value. */
static void copy_key(struct gguf_writer *w, const struct gguf_kv *kv, const uint8_t *end)
{
	gguf_buf_str(&w->kv, kv->key.ptr, kv->key.len);
	gguf_buf_u32(&w->kv, kv->type);
	gguf_buf_bytes(&w->kv, kv->data, (size_t)(end - kv->data));
	w->n_kv++;
}

static const uint8_t *value_end(const struct gguf_file *f, size_t i, const uint8_t *last)
{
	const struct gguf_kv *next = gguf_kv(f, i + 1);

	/* the next key's length and name, or the first tensor's, begin where this value ends */
	return next ? (const uint8_t *)next->key.ptr - 8 : last;
}

static int build_part(const struct gguf_file *f, size_t i, size_t n, size_t from, size_t to,
		      const struct split_faults *x, struct gguf_part *out)
{
	const struct gguf_tensor *t;
	struct gguf_writer w;
	uint8_t *data;
	size_t k, size;
	int rc;

	gguf_writer_init(&w);
	for (k = 0; i == 0 && k < gguf_n_kv(f); k++)
		copy_key(&w, gguf_kv(f, k),
			 value_end(f, k, (const uint8_t *)gguf_tensor(f, 0)->name.ptr - 8));
	if (!x->no_no)
		gguf_write_u16(&w, "split.no", (uint16_t)(i + x->add_no));
	if (!x->no_count)
		gguf_write_u16(&w, "split.count", (uint16_t)(n + x->add_count));
	gguf_write_i32(&w, "split.tensors.count", (int32_t)(gguf_n_tensors(f) + x->add_tensors));
	if (x->extra_key)
		gguf_write_str(&w, x->extra_key, x->extra_value);
	for (k = from; k < to; k++) {
		t = gguf_tensor(f, k);
		char name[64] = "";

		memcpy(name, t->name.ptr, t->name.len);
		gguf_write_tensor(&w, name, t->type, t->n_dims, t->ne, t->data, t->size);
	}
	if (x->repeat) {
		t = gguf_find_tensor(f, x->repeat);
		gguf_write_tensor(&w, x->repeat, t->type, t->n_dims, t->ne, t->data, t->size);
	}
	rc = gguf_writer_finish(&w, &data, &size);
	gguf_writer_free(&w);
	*out = (struct gguf_part){ NULL, rc ? NULL : data, rc ? 0 : size };
	return rc;
}

int split_build(const struct gguf_file *f, size_t n, int empty_first,
		const struct split_faults *faults, struct gguf_part *parts)
{
	static const struct split_faults none;
	size_t total = gguf_n_tensors(f), full = empty_first ? n - 1 : n, i, from = 0;
	int rc = 0;

	for (i = 0; i < n; i++) {
		size_t k = empty_first ? i : i + 1, to = empty_first && !i ? 0 : total * k / full;

		rc = build_part(f, i, n, from, to, faults && faults->part == i ? faults : &none,
				&parts[i]);
		if (rc)
			break;
		from = to;
	}
	for (; rc && i < n; i++)
		parts[i] = (struct gguf_part){ 0 };
	return rc;
}
