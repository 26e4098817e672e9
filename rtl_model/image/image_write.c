// SPDX-License-Identifier: MIT
/*
 * The header and the section table come first in the file but are known last, so the first page is
 * left free for them; the sections are streamed behind it.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crc32.h"
#include "image.h"
#include "sha256.h"

#define MAX_SECTIONS \
	((IG1_IMAGE_ALIGN - sizeof(struct ig1_image_header)) / sizeof(struct ig1_image_section))
#define BUFFER	     (256u << 10)
#define MAX_ATTEMPTS 1000
#define MAX_LINKS    40 /* one after the other, as in Linux */

struct ig1_image_writer {
	char *path, *tmp; /* tmp: NULL while the file has no name */
	int fd;
	int error; /* the first failure, and what failed */
	const char *what;
	int in_section;
	uint32_t sections;
	struct ig1_image_section table[MAX_SECTIONS];
	struct ig1_sha256 mask;
	uint64_t pos; /* in the file, bytes still buffered included */
	size_t used;  /* of the buffer */
	uint8_t buffer[BUFFER];
};

static int fail(char *err, int ret, const char *what)
{
	if (err && what)
		snprintf(err, IG1_IMAGE_ERR, "%s: %s", what, strerror(-ret));
	else if (err)
		snprintf(err, IG1_IMAGE_ERR, "not a regular file");
	return ret;
}

static int stick(struct ig1_image_writer *w, int ret, const char *what)
{
	if (!w->error) {
		w->error = ret;
		w->what = what;
	}
	return w->error;
}

/* --- the file --- */

static int write_all(int fd, const uint8_t *p, size_t n)
{
	ssize_t got;

	while (n) {
		got = write(fd, p, n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			return -EIO;
		p += got;
		n -= (size_t)got;
	}
	return 0;
}

static int flush(struct ig1_image_writer *w)
{
	int ret = write_all(w->fd, w->buffer, w->used);

	w->used = 0;
	return ret ? stick(w, ret, "write") : 0;
}

static int append(struct ig1_image_writer *w, const uint8_t *p, size_t n)
{
	size_t part;

	w->pos += n;
	while (n) {
		part = n < BUFFER - w->used ? n : BUFFER - w->used;
		memcpy(w->buffer + w->used, p, part);
		w->used += part;
		p += part;
		n -= part;
		if (w->used == BUFFER && flush(w))
			return w->error;
	}
	return 0;
}

static int append_zeros(struct ig1_image_writer *w, uint64_t n)
{
	static const uint8_t zeros[IG1_IMAGE_ALIGN];

	return append(w, zeros, (size_t)n);
}

/* What the symbolic link at `path` says, from where `path` is meant; NULL and errno set if it is none. */
static char *read_link(const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t folder = slash ? (size_t)(slash - path) + 1 : 0;
	char text[PATH_MAX], *to;
	ssize_t n = readlink(path, text, sizeof(text));

	if (n < 0)
		return NULL;
	if (n == sizeof(text)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	if (n && text[0] == '/')
		folder = 0;
	to = malloc(folder + (size_t)n + 1);
	if (!to)
		return NULL;
	memcpy(to, path, folder);
	memcpy(to + folder, text, (size_t)n);
	to[folder + (size_t)n] = 0;
	return to;
}

/*
 * The file that a rename shall replace: not a link, but where it leads, though nothing is there yet; and
 * never a device or the like, which nobody wants to lose.
 */
static int find_target(struct ig1_image_writer *w, const char *path, const char **what)
{
	struct stat st;
	int i, known = !stat(path, &st);
	char *next;

	if (!known && errno != ENOENT)
		return -errno;
	if (known && S_ISDIR(st.st_mode))
		return -EISDIR;
	if (known && !S_ISREG(st.st_mode)) {
		*what = NULL;
		return -EPERM;
	}
	w->path = strdup(path);
	for (i = 0; w->path && i < MAX_LINKS; i++) {
		next = read_link(w->path);
		if (!next) /* no link, or nothing at all */
			return errno == EINVAL || errno == ENOENT ? 0 : -errno;
		free(w->path);
		w->path = next;
	}
	return w->path ? -ELOOP : -ENOMEM;
}

/* Gives the file a name beside the target: one that has none yet, or, with fd -1, a new one. */
static int name_tmp(struct ig1_image_writer *w)
{
	size_t size = strlen(w->path) + 48;
	char proc[32];
	int i, ret;

	w->tmp = malloc(size);
	if (!w->tmp)
		return -ENOMEM;
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", w->fd);
	for (i = 0; i < MAX_ATTEMPTS; i++) {
		snprintf(w->tmp, size, "%s.tmp-%ld-%d", w->path, (long)getpid(), i);
		if (w->fd >= 0)
			ret = linkat(AT_FDCWD, proc, AT_FDCWD, w->tmp, AT_SYMLINK_FOLLOW);
		else
			ret = w->fd = open(
				w->tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
		if (ret >= 0)
			return 0;
		if (errno != EEXIST)
			break;
	}
	ret = -errno;
	free(w->tmp);
	w->tmp = NULL;
	return ret;
}

/*
 * A new file beside the target, with the permissions that the process gives to new files. Where the
 * file system can do that it has no name until it is complete, so that nothing stays of it when
 * the process is killed.
 */
static int open_tmp(struct ig1_image_writer *w)
{
	char *slash = strrchr(w->path, '/'), *dir;

	dir = slash ? strndup(w->path, (size_t)(slash - w->path) + 1) : strdup(".");
	if (!dir)
		return -ENOMEM;
	w->fd = open(dir, O_RDWR | O_TMPFILE | O_CLOEXEC, 0666);
	free(dir);
	return w->fd >= 0 ? 0 : name_tmp(w);
}

int ig1_image_create(const char *path, struct ig1_image_writer **out, char *err)
{
	struct ig1_image_writer *w = calloc(1, sizeof(*w));
	const char *what = "create";
	int ret;

	*out = NULL;
	if (!w)
		return fail(err, -ENOMEM, "create");
	w->fd = -1;
	ret = find_target(w, path, &what);
	if (!ret)
		ret = open_tmp(w);
	if (ret) {
		ig1_image_abort(w);
		return fail(err, ret, what);
	}
	ig1_sha256_init(&w->mask);
	append_zeros(w, IG1_IMAGE_ALIGN);
	*out = w;
	return 0;
}

void ig1_image_abort(struct ig1_image_writer *w)
{
	if (!w)
		return;
	if (w->fd >= 0)
		close(w->fd);
	if (w->tmp)
		unlink(w->tmp);
	free(w->tmp);
	free(w->path);
	free(w);
}

/* --- sections --- */

static int in_mask(uint32_t type)
{
	return type == IG1_SEC_ROM || type == IG1_SEC_CROM;
}

static int has_section(const struct ig1_image_writer *w, uint32_t type, uint32_t arg)
{
	uint32_t i;

	for (i = 0; i < w->sections; i++) {
		if (w->table[i].type == type && w->table[i].arg == arg)
			return 1;
	}
	return 0;
}

int ig1_image_begin(struct ig1_image_writer *w, uint32_t type, uint32_t arg)
{
	struct ig1_image_section *s;

	if (w->error)
		return w->error;
	if (w->in_section)
		return stick(w, -EINVAL, "begin: the section before is not ended");
	if (has_section(w, type, arg))
		return stick(w, -EEXIST, ig1_image_type_name(type));
	/* The mask id is taken on the way, in the order rom, crom. */
	if (type == IG1_SEC_ROM && has_section(w, IG1_SEC_CROM, 0))
		return stick(w, -EINVAL, "begin: rom must come before crom");
	if (w->sections == MAX_SECTIONS)
		return stick(w, -ENOSPC, "begin: too many sections");
	if (append_zeros(w, -w->pos % IG1_IMAGE_ALIGN))
		return w->error;
	s = &w->table[w->sections++];
	s->type = type;
	s->arg = arg;
	s->offset = w->pos;
	w->in_section = 1;
	return 0;
}

int ig1_image_write(struct ig1_image_writer *w, const void *data, size_t n)
{
	struct ig1_image_section *s;

	if (w->error)
		return w->error;
	if (!w->in_section)
		return stick(w, -EINVAL, "write: no section has begun");
	s = &w->table[w->sections - 1];
	s->crc = ig1_crc32(s->crc, data, n);
	s->bytes += n;
	if (in_mask(s->type))
		ig1_sha256_update(&w->mask, data, n);
	return append(w, data, n);
}

int ig1_image_end(struct ig1_image_writer *w)
{
	if (w->error)
		return w->error;
	if (!w->in_section)
		return stick(w, -EINVAL, "end: no section has begun");
	w->in_section = 0;
	return 0;
}

int ig1_image_add(struct ig1_image_writer *w, uint32_t type, uint32_t arg, const void *data,
		  size_t n)
{
	ig1_image_begin(w, type, arg);
	ig1_image_write(w, data, n);
	return ig1_image_end(w);
}

int ig1_image_add_stream(struct ig1_image_writer *w, uint32_t type, uint32_t arg,
			 int (*produce)(void *ctx, struct ig1_image_writer *w), void *ctx)
{
	int ret;

	if (ig1_image_begin(w, type, arg))
		return w->error;
	ret = produce(ctx, w);
	if (ret)
		return stick(w, ret, ig1_image_type_name(type));
	return ig1_image_end(w);
}

void ig1_image_mask_id(const struct ig1_image_writer *w, uint8_t id[32])
{
	struct ig1_sha256 sha = w->mask;

	ig1_sha256_final(&sha, id);
}

/* --- tables with strings --- */

int ig1_image_add_tensors(struct ig1_image_writer *w, const struct ig1_image_tensor *tensors,
			  const char *const *names, uint32_t count)
{
	uint32_t head[2] = { count, 0 }, i;
	struct ig1_image_tensor t;
	uint64_t offset = 0;

	ig1_image_begin(w, IG1_SEC_TENSORS, 0);
	ig1_image_write(w, head, sizeof(head));
	for (i = 0; i < count; i++) {
		if (offset > UINT32_MAX)
			return stick(w, -EOVERFLOW, "tensors: the string table is too large");
		t = tensors[i];
		t.name = (uint32_t)offset;
		offset += strlen(names[i]) + 1;
		ig1_image_write(w, &t, sizeof(t));
	}
	for (i = 0; i < count; i++)
		ig1_image_write(w, names[i], strlen(names[i]) + 1);
	return ig1_image_end(w);
}

struct text {
	const char *s;
	size_t index;
	size_t first; /* index of the first equal text */
	uint32_t offset;
};

static int by_text(const void *a, const void *b)
{
	const struct text *x = a, *y = b;
	int c = strcmp(x->s, y->s);

	return c ? c : x->index < y->index ? -1 : 1;
}

static int by_index(const void *a, const void *b)
{
	const struct text *x = a, *y = b;

	return x->index < y->index ? -1 : 1;
}

int ig1_image_add_debug(struct ig1_image_writer *w, uint32_t prog, const char *const *texts,
			size_t count)
{
	struct text *v;
	uint64_t offset = 0;
	size_t i;

	if (w->error)
		return w->error;
	v = calloc(count ? count : 1, sizeof(*v));
	if (!v)
		return stick(w, -ENOMEM, "debug");
	for (i = 0; i < count; i++) {
		v[i].s = texts[i];
		v[i].index = i;
	}
	qsort(v, count, sizeof(*v), by_text);
	for (i = 0; i < count; i++)
		v[i].first = i && !strcmp(v[i].s, v[i - 1].s) ? v[i - 1].first : v[i].index;
	qsort(v, count, sizeof(*v), by_index);

	ig1_image_begin(w, IG1_SEC_DEBUG, prog);
	for (i = 0; i < count; i++) {
		if (v[i].first < i) {
			v[i].offset = v[v[i].first].offset;
		} else if (offset > UINT32_MAX) {
			stick(w, -EOVERFLOW, "debug: the string table is too large");
			break;
		} else {
			v[i].offset = (uint32_t)offset;
			offset += strlen(v[i].s) + 1;
		}
		ig1_image_write(w, &v[i].offset, sizeof(v[i].offset));
	}
	for (i = 0; i < count; i++) {
		if (v[i].first == i)
			ig1_image_write(w, v[i].s, strlen(v[i].s) + 1);
	}
	free(v);
	return ig1_image_end(w);
}

/* --- completion --- */

static int write_head(struct ig1_image_writer *w)
{
	struct ig1_image_header h = {
		.version = IG1_IMAGE_VERSION,
		.sections = w->sections,
		.file_bytes = w->pos,
	};
	size_t table = w->sections * sizeof(w->table[0]);
	int ret;

	memcpy(h.magic, IG1_IMAGE_MAGIC, sizeof(h.magic));
	ig1_image_mask_id(w, h.mask_id);
	h.table_crc = ig1_crc32(0, w->table, table);
	if (lseek(w->fd, 0, SEEK_SET) < 0)
		return -errno;
	ret = write_all(w->fd, (const uint8_t *)&h, sizeof(h));
	return ret ? ret : write_all(w->fd, (const uint8_t *)w->table, table);
}

/* Everything is on disk and the file is closed, or the error is set. */
static int finish(struct ig1_image_writer *w)
{
	int ret;

	if (w->in_section)
		stick(w, -EINVAL, "commit: the last section is not ended");
	if (w->error || flush(w))
		return w->error;
	ret = write_head(w);
	if (ret)
		return stick(w, ret, "write");
	/* Some file systems find out only now that they are full. */
	if (fsync(w->fd))
		return stick(w, -errno, "fsync");
	ret = w->tmp ? 0 : name_tmp(w);
	if (ret)
		return stick(w, ret, "link");
	ret = close(w->fd);
	w->fd = -1;
	return ret ? stick(w, -errno, "close") : 0;
}

int ig1_image_commit(struct ig1_image_writer *w, char *err)
{
	struct ig1_image *img;
	int ret;

	if (finish(w)) {
		ret = fail(err, w->error, w->what);
		goto out;
	}
	ret = ig1_image_open(w->tmp, &img, err);
	if (ret)
		goto out;
	ig1_image_close(img);
	if (rename(w->tmp, w->path)) {
		ret = fail(err, -errno, "rename");
		goto out;
	}
	free(w->tmp);
	w->tmp = NULL;
out:
	ig1_image_abort(w);
	return ret;
}
