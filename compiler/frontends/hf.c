// SPDX-License-Identifier: MIT
/* A model folder from its files to an open model. */
#include "compiler/frontends/hf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "compiler/frontends/hf_internal.h"

#define MAX_SHARDS 4096
#define MAX_NAME   255

void *hf_alloc(struct hf *h, size_t n)
{
	struct hf_block *b;
	size_t bytes;

	b = __builtin_add_overflow(sizeof(*b), n, &bytes) ? NULL : calloc(1, bytes);
	if (!b) {
		gguf_set_error(h->err, "out of memory");
		return NULL;
	}
	b->next = h->blocks;
	h->blocks = b;
	return b->bytes;
}

void hf_skip(struct hf *h, struct st_tensor *s, enum source_part part)
{
	s->used = true;
	h->skipped[part].tensors++;
	h->skipped[part].bytes += s->stored;
}

static void hf_close(void *ctx)
{
	struct hf *h = ctx;
	struct hf_block *b;
	size_t i;

	json_decref(h->config);
	gguf_encode_free(&h->keys);
	free(h->key_bytes);
	st_free(&h->set);
	free(h->tensors);
	while ((b = h->blocks)) {
		h->blocks = b->next;
		free(b);
	}
	for (i = 0; i < h->n_parts && h->mapped; i++)
		gguf_unmap(&h->parts[i]);
	free(h->parts);
	free(h);
}

/* ---- files ---- */

int hf_file(struct hf *h, const char *name, struct gguf_part *out)
{
	struct gguf_part *more;
	size_t i, room = h->parts_room ? 2 * h->parts_room : 16;
	int rc;

	for (i = 0; i < h->n_parts; i++) {
		const char *slash = strrchr(h->parts[i].name, '/');

		if (!strcmp(slash ? slash + 1 : h->parts[i].name, name)) {
			*out = h->parts[i];
			return 0;
		}
	}
	if (h->n_parts == h->parts_room) {
		more = reallocarray(h->parts, room, sizeof(*more));
		if (!more)
			return hf_fail(h, -ENOMEM, "%s: out of memory", name);
		h->parts = more;
		h->parts_room = room;
	}
	rc = h->get(h, name, out);
	if (!rc)
		h->parts[h->n_parts++] = *out;
	return rc;
}

/* Names that an index, which is a stranger's, may give: of this folder, and safetensors. */
static bool plain_name(const char *s)
{
	const char *end = ".safetensors";
	size_t n = strlen(s), m = strlen(end);

	return n > m && n <= MAX_NAME && !strchr(s, '/') && s[0] != '.' && !strcmp(s + n - m, end);
}

static int read_shard(struct hf *h, const char *name, size_t number)
{
	struct gguf_part part;
	int rc = hf_file(h, name, &part);

	if (rc == -ENOENT)
		return hf_fail(h, rc, "%s: no such file in the folder", name);
	if (rc)
		return rc;
	part.name = name;
	return st_read(&h->set, &part, number, h->err);
}

static int find_shard(const char **list, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (!strcmp(list[i], name))
			return (int)i;
	}
	return -1;
}

/* The index says in which file each tensor is; all of them must be there, and no others. */
static int read_index(struct hf *h, const json_t *index)
{
	const char **files = calloc(MAX_SHARDS, sizeof(*files)), *tensor;
	json_t *map = json_object_get(index, "weight_map"), *j;
	size_t n = 0, i;
	int rc = 0;

	if (!files)
		return hf_fail(h, -ENOMEM, "index: out of memory");
	if (!json_object_size(map))
		rc = hf_fail(h, -EINVAL,
			     "model.safetensors.index.json: weight_map: missing or empty");
	json_object_foreach(map, tensor, j)
	{
		const char *name = json_string_value(j);

		if (rc)
			break;
		if (!name || !plain_name(name))
			rc = hf_fail(h, -EINVAL,
				     "model.safetensors.index.json: weight_map: \"%.80s\" is no "
				     "safetensors file of the folder",
				     name ? name : "");
		else if (find_shard(files, n, name) >= 0)
			continue;
		else if (n == MAX_SHARDS)
			rc = hf_fail(h, -ENOTSUP,
				     "model.safetensors.index.json: more than %u files",
				     MAX_SHARDS);
		else
			files[n++] = name;
	}
	for (i = 0; i < n && !rc; i++)
		rc = read_shard(h, files[i], i);
	if (!rc)
		rc = st_index(&h->set, h->err);
	for (i = 0; i < h->set.n && !rc; i++) {
		const struct st_tensor *t = &h->set.t[i];
		const char *want = json_string_value(json_object_get(map, t->name));

		if (!want || strcmp(want, files[t->file]))
			rc = hf_fail(h, -EINVAL, "%.80s: tensor %.80s: not in the index",
				     files[t->file], t->name);
	}
	json_object_foreach(map, tensor, j)
	{
		if (!rc && !st_find(&h->set, tensor))
			rc = hf_fail(h, -EINVAL, "%.80s: tensor %.80s: missing, the index has it",
				     json_string_value(j), tensor);
	}
	free(files);
	return rc;
}

static int read_weights(struct hf *h)
{
	static const char *const pickles[] = { "pytorch_model.bin", "pytorch_model.bin.index.json",
					       "model.bin",	    "consolidated.00.pth",
					       "model.pt",	    "tf_model.h5",
					       "flax_model.msgpack" };
	struct gguf_part part;
	json_t *index;
	size_t i;
	int rc;

	rc = hf_json_file(h, "model.safetensors.index.json", false, 0, &index);
	if (rc)
		return rc;
	if (index) {
		rc = read_index(h, index);
		json_decref(index);
		return rc;
	}
	rc = hf_file(h, "model.safetensors", &part);
	if (!rc) {
		rc = read_shard(h, "model.safetensors", 0);
		return rc ? rc : st_index(&h->set, h->err);
	}
	if (rc != -ENOENT)
		return rc;
	for (i = 0; i < sizeof(pickles) / sizeof(pickles[0]); i++) {
		if (!hf_file(h, pickles[i], &part))
			return hf_fail(h, -ENOTSUP,
				       "%s: not read (pickled objects are programs); supported: "
				       "model.safetensors",
				       pickles[i]);
	}
	return hf_fail(
		h, -ENOENT,
		"model.safetensors, model.safetensors.index.json: no such file in the folder");
}

/* ---- the open model ---- */

static int by_name(const void *a, const void *b)
{
	const struct gguf_part *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int read_folder(struct hf *h)
{
	int rc = hf_json_file(h, "config.json", true, 0, &h->config);

	if (!rc)
		rc = hf_text_config(h);
	if (!rc)
		rc = hf_find_arch(h);
	if (!rc)
		rc = read_weights(h);
	if (!rc)
		rc = hf_text_tensors(h);
	if (!rc)
		hf_bare_arch(h);
	if (!rc)
		rc = hf_unpacked_names(h);
	gguf_encode_begin(&h->keys);
	if (!rc)
		rc = hf_keys(h);
	if (!rc)
		rc = hf_rope(h);
	if (!rc)
		rc = hf_tokenizer(h);
	if (!rc)
		rc = hf_tensors(h);
	if (!rc && gguf_encode_end(&h->keys))
		rc = hf_fail(h, -ENOMEM, "keys: out of memory");
	return rc;
}

/* Takes h over in any case. */
static int open_model(struct hf *h, struct gguf_file **out)
{
	struct gguf_file *f = NULL;
	int rc = read_folder(h);

	if (!rc) {
		h->key_bytes = h->keys.data;
		h->keys.data = NULL;
		rc = gguf_parse(h->key_bytes, h->keys.size, &f, h->err);
	}
	if (rc) {
		hf_close(h);
		return rc;
	}
	f->close = hf_close;
	f->close_ctx = h;
	f->stored_name = hf_stored_name;
	f->stored_key = hf_stored_key;
	free(f->tensors);
	free(f->tensor_by_name);
	f->tensors = h->tensors;
	f->n_tensors = h->n_tensors;
	memcpy(f->skipped, h->skipped, sizeof(f->skipped));
	f->tensor_by_name = NULL;
	h->tensors = NULL;
	f->parts = malloc(h->n_parts * sizeof(*f->parts));
	if (f->parts) {
		memcpy(f->parts, h->parts, h->n_parts * sizeof(*f->parts));
		f->n_parts = h->n_parts;
		qsort(f->parts, f->n_parts, sizeof(*f->parts), by_name);
		rc = gguf_index_tensors(f, h->err);
	} else {
		rc = hf_fail(h, -ENOMEM, "files: out of memory");
	}
	json_decref(h->config);
	h->config = NULL;
	h->err = NULL;
	if (rc)
		gguf_close(f);
	else
		*out = f;
	return rc;
}

struct folder {
	const char *path;
};

static int get_mapped(struct hf *h, const char *name, struct gguf_part *out)
{
	const struct folder *d = h->ctx;
	struct gguf_error e = { 0 };
	size_t room = strlen(d->path) + strlen(name) + 2;
	char *path = malloc(room);
	int rc;

	if (!path)
		return hf_fail(h, -ENOMEM, "%s: out of memory", name);
	snprintf(path, room, "%s/%s", d->path, name);
	rc = gguf_map(path, out, &e);
	if (rc && rc != -ENOENT)
		gguf_set_error(
			h->err, "%s",
			e.msg + (strncmp(e.msg, path, strlen(d->path)) ? 0 : strlen(d->path) + 1));
	free(path);
	return rc;
}

int hf_open_folder(const char *path, struct gguf_file **out, struct gguf_error *err)
{
	struct hf *h = calloc(1, sizeof(*h));
	struct folder d = { path };
	struct gguf_error e = { 0 };
	int rc;

	if (!h)
		return fail(err, -ENOMEM, "%s: out of memory", path);
	h->get = get_mapped;
	h->ctx = &d;
	h->mapped = true;
	h->err = &e;
	rc = open_model(h, out);
	return rc ? fail(err, rc, "%s: %s", path, e.msg) : 0;
}

struct memory {
	const struct gguf_part *files;
	size_t n;
};

static int get_given(struct hf *h, const char *name, struct gguf_part *out)
{
	const struct memory *m = h->ctx;
	size_t i;

	for (i = 0; i < m->n; i++) {
		if (!strcmp(m->files[i].name, name)) {
			*out = m->files[i];
			return 0;
		}
	}
	return -ENOENT;
}

int hf_open_files(const struct gguf_part *files, size_t n, struct gguf_file **out,
		  struct gguf_error *err)
{
	struct hf *h = calloc(1, sizeof(*h));
	struct memory m = { files, n };

	if (!h)
		return fail(err, -ENOMEM, "files: out of memory");
	h->get = get_given;
	h->ctx = &m;
	h->err = err;
	return open_model(h, out);
}
