// SPDX-License-Identifier: MIT
/* The files behind an open model: mapping them, and putting the parts of a split one together. */
#include "compiler/frontends/gguf.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compiler/frontends/gguf_internal.h"

#define MAX_PARTS 4096
/* -00001-of-00003.gguf */
#define SUFFIX_LEN 20

/* What a split file's opener has to give back. */
struct split {
	struct gguf_file **rest; /* parts 2 and up, whose tensors were copied */
	size_t n_rest;
	struct gguf_part *maps; /* with names, when they are ours */
	size_t n_maps;
};

int gguf_map(const char *path, struct gguf_part *out, struct gguf_error *err)
{
	struct stat st;
	void *map;
	int fd, rc = 0;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		rc = -errno;
		return fail(err, rc, "%s: %s", path, strerror(-rc));
	}
	if (fstat(fd, &st)) {
		rc = -errno;
		gguf_set_error(err, "%s: %s", path, strerror(-rc));
		goto out;
	}
	if (!S_ISREG(st.st_mode) || st.st_size == 0 || (uintmax_t)st.st_size > SIZE_MAX) {
		rc = fail(err, -EINVAL, "%s: empty or not a regular file", path);
		goto out;
	}
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED) {
		rc = -errno;
		gguf_set_error(err, "%s: %s", path, strerror(-rc));
		goto out;
	}
	*out = (struct gguf_part){ strdup(path), map, (size_t)st.st_size };
	if (!out->name) {
		munmap(map, out->size);
		rc = fail(err, -ENOMEM, "%s: out of memory", path);
	}
out:
	close(fd);
	return rc;
}

void gguf_unmap(const struct gguf_part *p)
{
	munmap((void *)p->data, p->size);
	free((void *)p->name);
}

static void split_close(void *ctx)
{
	struct split *s = ctx;
	size_t i;

	if (!s)
		return;
	for (i = 0; i < s->n_rest; i++)
		gguf_close(s->rest[i]);
	for (i = 0; i < s->n_maps; i++)
		gguf_unmap(&s->maps[i]);
	free(s->rest);
	free(s->maps);
	free(s);
}

/* ---- what the parts' headers say ---- */

static int check_number(const struct gguf_file *f, const char *file, const char *key, uint64_t want,
			bool required, struct gguf_error *err)
{
	struct gguf_error e = { 0 };
	uint64_t v;
	int rc = gguf_get_u64(f, key, &v, &e);

	if (rc == -ENOENT && !required)
		return 0;
	if (rc == -ENOENT)
		return fail(err, -EINVAL, "%s: key %s: missing", file, key);
	if (rc)
		return fail(err, rc, "%s: %s", file, e.msg);
	if (v != want)
		return fail(err, -EINVAL, "%s: key %s: %" PRIu64 ", expected %" PRIu64, file, key,
			    v, want);
	return 0;
}

static bool starts_with(struct gguf_str s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.len >= n && !memcmp(s.ptr, prefix, n);
}

/* Where the value's bytes begin and end in its file. */
static size_t value_bytes(const struct gguf_kv *kv)
{
	const struct gguf_arr *a = &kv->arr;
	struct gguf_str s;

	if (kv->type == GGUF_STRING)
		return 8 + kv->str.len;
	if (kv->type != GGUF_ARRAY)
		return gguf_type_size(kv->type);
	if (a->type != GGUF_STRING)
		return 12 + a->count * gguf_type_size(a->type);
	if (!a->count)
		return 12;
	gguf_arr_str(a, a->count - 1, &s);
	return (size_t)((const uint8_t *)s.ptr - kv->data) + s.len;
}

/* Nothing that a later part says is passed over. */
static int check_keys(const struct gguf_file *first, const struct gguf_file *f, const char *file,
		      struct gguf_error *err)
{
	char key[SHOWN];
	size_t i;

	for (i = 0; i < f->n_kv; i++) {
		const struct gguf_kv *kv = &f->kv[i], *p = kv, *const * hit;

		if (starts_with(kv->key, "split.") || gguf_str_eq(kv->key, "general.alignment"))
			continue;
		hit = NULL;
		for (size_t lo = 0, hi = first->n_kv; lo < hi && !hit;) {
			size_t mid = lo + (hi - lo) / 2;
			int c = gguf_str_compare(p->key, first->kv_by_key[mid]->key);

			if (!c)
				hit = &first->kv_by_key[mid];
			else if (c < 0)
				hi = mid;
			else
				lo = mid + 1;
		}
		if (!hit)
			return fail(err, -EINVAL, "%s: key %s: not in the first part", file,
				    gguf_show(kv->key, key));
		if ((*hit)->type != kv->type || value_bytes(*hit) != value_bytes(kv) ||
		    memcmp((*hit)->data, kv->data, value_bytes(kv)))
			return fail(err, -EINVAL, "%s: key %s: not the first part's value", file,
				    gguf_show(kv->key, key));
	}
	return 0;
}

/* The tensors of all parts into the first's table. */
static int join(struct gguf_file *f, const struct split *s, struct gguf_error *err)
{
	struct gguf_tensor *all;
	size_t n = f->n_tensors, i;

	for (i = 0; i < s->n_rest; i++)
		n += s->rest[i]->n_tensors; /* each bounded by the size of a mapped file */
	all = reallocarray(f->tensors, n ? n : 1, sizeof(*all));
	if (!all)
		return fail(err, -ENOMEM, "n_tensors: out of memory");
	f->tensors = all;
	for (i = 0; i < s->n_rest; i++) {
		const struct gguf_file *p = s->rest[i];

		if (p->n_tensors)
			memcpy(all + f->n_tensors, p->tensors, p->n_tensors * sizeof(*all));
		f->n_tensors += p->n_tensors;
	}
	free(f->tensor_by_name);
	f->tensor_by_name = NULL;
	return gguf_index_tensors(f, err);
}

static const char *file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int parse_part(const struct gguf_part *part, size_t i, size_t n, struct gguf_file **out,
		      struct gguf_error *err)
{
	struct gguf_error e = { 0 };
	int rc = gguf_parse(part->data, part->size, out, &e);

	if (rc)
		return n > 1 ? fail(err, rc, "%s: %s", file_name(part->name), e.msg)
			     : fail(err, rc, "%s", e.msg);
	if (n == 1)
		return 0;
	rc = check_number(*out, file_name(part->name), "split.no", i, true, err);
	if (!rc)
		rc = check_number(*out, file_name(part->name), "split.count", n, true, err);
	return rc;
}

int gguf_open_parts(const struct gguf_part *parts, size_t n, struct gguf_file **out,
		    struct gguf_error *err)
{
	struct gguf_file *f = NULL;
	struct split *s = NULL;
	uint64_t count = 1;
	size_t i;
	int rc;

	if (!n || n > MAX_PARTS)
		return fail(err, -EINVAL, "split.count: %zu parts, supported: 1 to %u", n,
			    MAX_PARTS);
	rc = parse_part(&parts[0], 0, n, &f, err);
	if (rc)
		goto out;
	rc = gguf_get_u64(f, "split.count", &count, err);
	if (rc && rc != -ENOENT)
		goto out;
	if (n == 1 && count > 1) {
		rc = fail(err, -EINVAL, "split.count: one of %" PRIu64 " parts, without the others",
			  count);
		goto out;
	}
	f->parts = calloc(n, sizeof(*f->parts));
	s = calloc(1, sizeof(*s));
	if (s)
		s->rest = calloc(n, sizeof(*s->rest));
	if (!f->parts || !s || !s->rest) {
		split_close(s);
		rc = fail(err, -ENOMEM, "split.count: out of memory");
		goto out;
	}
	f->close = split_close;
	f->close_ctx = s;
	memcpy(f->parts, parts, n * sizeof(*parts));
	f->n_parts = n;
	rc = 0;
	for (i = 1; i < n && !rc; i++) {
		rc = parse_part(&parts[i], i, n, &s->rest[i - 1], err);
		s->n_rest += s->rest[i - 1] != NULL;
		if (!rc)
			rc = check_keys(f, s->rest[i - 1], file_name(parts[i].name), err);
	}
	if (!rc && n > 1)
		rc = join(f, s, err);
	for (i = 0; i < n && !rc && n > 1; i++)
		rc = check_number(i ? s->rest[i - 1] : f, file_name(parts[i].name),
				  "split.tensors.count", f->n_tensors, !i, err);
out:
	if (rc)
		gguf_close(f);
	else
		*out = f;
	return rc;
}

int gguf_open_mem(const uint8_t *data, size_t size, struct gguf_file **out, struct gguf_error *err)
{
	const struct gguf_part part = { "", data, size };

	return gguf_open_parts(&part, 1, out, err);
}

/* ---- by path ---- */

/* -NUMBER-of-COUNT.gguf at the end of a path; false when there is none. */
static bool split_name(const char *path, size_t *stem, uint64_t *no, uint64_t *count)
{
	size_t len = strlen(path), i;
	const char *p;

	if (len <= SUFFIX_LEN)
		return false;
	*stem = len - SUFFIX_LEN;
	p = path + *stem;
	if (p[0] != '-' || memcmp(p + 6, "-of-", 4) || memcmp(p + 15, ".gguf", 6))
		return false;
	*no = 0;
	*count = 0;
	for (i = 0; i < 5; i++) {
		if (p[1 + i] < '0' || p[1 + i] > '9' || p[10 + i] < '0' || p[10 + i] > '9')
			return false;
		*no = 10 * *no + (uint64_t)(p[1 + i] - '0');
		*count = 10 * *count + (uint64_t)(p[10 + i] - '0');
	}
	return true;
}

/* What the file at path says about parts; the bytes are parsed again with the others. */
static int count_parts(const struct gguf_part *part, uint64_t *no, uint64_t *count,
		       struct gguf_error *err)
{
	struct gguf_file *f;
	int rc = gguf_parse(part->data, part->size, &f, err);

	if (rc)
		return rc;
	*no = 0;
	*count = 1;
	rc = gguf_get_u64(f, "split.count", count, err);
	if (rc == -ENOENT)
		rc = 0;
	if (!rc && *count > 1)
		rc = gguf_get_u64(f, "split.no", no, err);
	if (rc == -ENOENT)
		rc = fail(err, -EINVAL, "key split.no: missing");
	gguf_close(f);
	return rc;
}

static int map_parts(const char *path, uint64_t no, uint64_t count, struct split *s,
		     struct gguf_error *err)
{
	size_t stem = 0, room = strlen(path) + 1;
	uint64_t name_no = 0, name_count = 0, i;
	char *name;
	int rc = 0;

	if (count > MAX_PARTS)
		return fail(err, -EINVAL, "%s: key split.count: %" PRIu64 ", supported: 1 to %u",
			    path, count, MAX_PARTS);
	if (!split_name(path, &stem, &name_no, &name_count))
		return fail(err, -EINVAL,
			    "%s: part %" PRIu64 " of %" PRIu64 ", but the name does not end in "
			    "-%05" PRIu64 "-of-%05" PRIu64
			    ".gguf, so that the other parts cannot be found",
			    path, no + 1, count, no + 1, count);
	if (name_no != no + 1 || name_count != count)
		return fail(err, -EINVAL,
			    "%s: named part %" PRIu64 " of %" PRIu64 ", but split.no is %" PRIu64
			    " and split.count %" PRIu64,
			    path, name_no, name_count, no, count);
	s->maps = calloc(count, sizeof(*s->maps));
	name = strdup(path);
	if (!s->maps || !name)
		rc = fail(err, -ENOMEM, "%s: out of memory", path);
	for (i = 0; i < count && !rc; i++) {
		snprintf(name + stem, room - stem, "-%05" PRIu64 "-of-%05" PRIu64 ".gguf", i + 1,
			 count);
		rc = gguf_map(name, &s->maps[i], err);
		s->n_maps += !rc;
	}
	free(name);
	return rc;
}

/* Before it, what was mapped would be lost; after it, closing the file frees it. */
static void adopt(struct gguf_file *f, struct split *s)
{
	struct split *mine = f->close_ctx;

	mine->maps = s->maps;
	mine->n_maps = s->n_maps;
	*s = (struct split){ 0 };
}

int gguf_open_file(const char *path, struct gguf_file **out, struct gguf_error *err)
{
	struct split *s = calloc(1, sizeof(*s));
	struct gguf_error e = { 0 };
	struct gguf_part one = { 0 };
	struct gguf_file *f = NULL;
	uint64_t no, count;
	int rc;

	if (!s)
		return fail(err, -ENOMEM, "%s: out of memory", path);
	rc = gguf_map(path, &one, err);
	if (rc)
		goto out;
	rc = count_parts(&one, &no, &count, &e);
	if (!rc && count > 1) {
		gguf_unmap(&one);
		one = (struct gguf_part){ 0 };
		rc = map_parts(path, no, count, s, err);
	} else if (!rc) {
		s->maps = malloc(sizeof(*s->maps));
		if (s->maps) {
			s->maps[s->n_maps++] = one;
			one = (struct gguf_part){ 0 };
		} else {
			rc = fail(err, -ENOMEM, "%s: out of memory", path);
		}
	}
	if (!rc)
		rc = gguf_open_parts(s->maps, s->n_maps, &f, &e);
	if (!rc) {
		adopt(f, s);
		*out = f;
	}
	if (rc && e.msg[0])
		gguf_set_error(err, "%s: %s", path, e.msg);
out:
	if (one.data)
		gguf_unmap(&one);
	split_close(s);
	return rc;
}

size_t gguf_n_parts(const struct gguf_file *f)
{
	return f->n_parts;
}

const struct gguf_part *gguf_part(const struct gguf_file *f, size_t i)
{
	return i < f->n_parts ? &f->parts[i] : NULL;
}
