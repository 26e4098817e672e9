// SPDX-License-Identifier: MIT
/* Layout and field names are those of docs/isa.md, ".accel file" and "Structures in memory". */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crc32.h"
#include "image.h"
#include "sha256.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "structures are used as they lie");

#define MAX_CONTEXT (1u << 30)
#define MAX_COLS    65536u /* a token record's slot has 16 bits */
#define FDT_MAGIC   0xd00dfeedu
#define FDT_HEADER  40u

/* States of a section's CRC. */
enum crc_state {
	CRC_UNKNOWN,
	CRC_GOOD,
	CRC_BAD,
};

struct section {
	struct ig1_image_section s;
	uint8_t crc; /* enum crc_state; atomic */
};

struct ig1_image {
	const uint8_t *data;
	size_t bytes;
	void *map; /* NULL: the caller's memory */
	struct ig1_image_header header;
	struct section *sections;
	uint32_t *order; /* scratch of the checks: sections by offset */
	struct ig1_image_manifest manifest;
	int has_manifest;
	uint32_t tensor_count;
	struct ig1_image_tensor *tensors;
	char *names;	   /* the tensors' string table */
	uint32_t *by_name; /* tensors in order of name */
};

static const char *const type_names[] = {
	[IG1_SEC_ROM] = "rom",
	[IG1_SEC_CROM] = "crom",
	[IG1_SEC_FDT] = "fdt",
	[IG1_SEC_PROGRAM] = "program",
	[IG1_SEC_TENSORS] = "tensors",
	[IG1_SEC_DEBUG] = "debug",
	[IG1_SEC_TOKENIZER] = "tokenizer",
	[IG1_SEC_TEMPLATE] = "template",
	[IG1_SEC_MANIFEST] = "manifest",
	[IG1_SEC_GRAPH] = "graph",
	[IG1_SEC_LEFT_OUT] = "left_out",
};

#define KNOWN_TYPES (sizeof(type_names) / sizeof(type_names[0]))

__attribute__((format(printf, 3, 4))) static int fail(char *err, int ret, const char *fmt, ...)
{
	va_list ap;

	if (err) {
		va_start(ap, fmt);
		vsnprintf(err, IG1_IMAGE_ERR, fmt, ap);
		va_end(ap);
	}
	return ret;
}

const char *ig1_image_type_name(uint32_t type)
{
	return type < KNOWN_TYPES && type_names[type] ? type_names[type] : "unknown";
}

static int has_arg(uint32_t type)
{
	return type == IG1_SEC_PROGRAM || type == IG1_SEC_DEBUG;
}

static int is_known(uint32_t type)
{
	return type < KNOWN_TYPES && type_names[type];
}

static int all_zero(const void *p, size_t n)
{
	const uint8_t *b = p;

	while (n && !*b) {
		b++;
		n--;
	}
	return !n;
}

static const struct section *find(const struct ig1_image *img, uint32_t type, uint32_t arg)
{
	uint32_t i;

	for (i = 0; i < img->header.sections; i++) {
		if (img->sections[i].s.type == type && img->sections[i].s.arg == arg)
			return &img->sections[i];
	}
	return NULL;
}

static const uint8_t *contents(const struct ig1_image *img, const struct section *s)
{
	return img->data + s->s.offset;
}

static uint64_t size_of(const struct section *s)
{
	return s ? s->s.bytes : 0;
}

/* --- header and section table --- */

static int read_header(struct ig1_image *img, char *err)
{
	struct ig1_image_header *h = &img->header;

	if (img->bytes < sizeof(*h))
		return fail(err, -EINVAL, "header: the file has only %zu bytes", img->bytes);
	memcpy(h, img->data, sizeof(*h));
	if (memcmp(h->magic, IG1_IMAGE_MAGIC, sizeof(h->magic)))
		return fail(err, -EINVAL, "header: magic: this is not an .accel file");
	if (h->version != IG1_IMAGE_VERSION)
		return fail(err, -EINVAL, "header: version: %" PRIu32 " is not supported",
			    h->version);
	if (h->file_bytes != img->bytes)
		return fail(err, -EINVAL, "header: file_bytes: %" PRIu64 ", but the file has %zu",
			    h->file_bytes, img->bytes);
	if (h->flags)
		return fail(err, -EINVAL, "header: flags: %#" PRIx32 " is not zero", h->flags);
	if (h->sections > IG1_IMAGE_MAX_SECTIONS ||
	    h->sections > (img->bytes - sizeof(*h)) / sizeof(struct ig1_image_section))
		return fail(err, -EINVAL, "header: sections: %" PRIu32 " do not fit", h->sections);
	return 0;
}

static int read_table(struct ig1_image *img, char *err)
{
	size_t n = img->header.sections, i;
	const uint8_t *table = img->data + sizeof(img->header);

	img->sections = calloc(n + 1, sizeof(*img->sections));
	img->order = calloc(n + 1, sizeof(*img->order));
	if (!img->sections || !img->order)
		return fail(err, -ENOMEM, "section table: out of memory");
	for (i = 0; i < n; i++)
		memcpy(&img->sections[i].s, table + i * sizeof(struct ig1_image_section),
		       sizeof(struct ig1_image_section));
	if (ig1_crc32(0, table, n * sizeof(struct ig1_image_section)) != img->header.table_crc)
		return fail(err, -EINVAL, "header: table_crc: the section table is damaged");
	return 0;
}

static int check_entry(const struct ig1_image *img, uint32_t i, char *err)
{
	const struct ig1_image_section *s = &img->sections[i].s;
	const char *name = ig1_image_type_name(s->type);
	uint64_t end, first = sizeof(img->header) + sizeof(*s) * (uint64_t)img->header.sections;

	if (s->pad)
		return fail(err, -EINVAL, "section %" PRIu32 " (%s): pad: not zero", i, name);
	if (s->offset % IG1_IMAGE_ALIGN)
		return fail(err, -EINVAL,
			    "section %" PRIu32 " (%s): offset: %#" PRIx64 " is no multiple of %u",
			    i, name, s->offset, IG1_IMAGE_ALIGN);
	if (s->offset < first)
		return fail(err, -EINVAL,
			    "section %" PRIu32 " (%s): offset: inside the section table", i, name);
	if (__builtin_add_overflow(s->offset, s->bytes, &end) || end > img->bytes)
		return fail(err, -EINVAL,
			    "section %" PRIu32 " (%s): bytes: %#" PRIx64 " from %#" PRIx64
			    " is outside the file",
			    i, name, s->bytes, s->offset);
	if (!is_known(s->type))
		return 0;
	if (s->arg >= (has_arg(s->type) ? IG1_PROGS : 1u))
		return fail(err, -EINVAL, "section %" PRIu32 " (%s): arg: %" PRIu32 " is undefined",
			    i, name, s->arg);
	if (find(img, s->type, s->arg) != &img->sections[i])
		return fail(err, -EINVAL, "section %" PRIu32 " (%s): type: there are two", i, name);
	return 0;
}

/* Sorting callbacks get no context, so this is a heap sort of our own. */
static void sift(const struct section *sec, uint32_t *v, uint32_t root, uint32_t n)
{
	uint32_t child, t;

	for (; (child = 2 * root + 1) < n; root = child) {
		if (child + 1 < n && sec[v[child + 1]].s.offset > sec[v[child]].s.offset)
			child++;
		if (sec[v[root]].s.offset >= sec[v[child]].s.offset)
			return;
		t = v[root];
		v[root] = v[child];
		v[child] = t;
	}
}

static int check_overlap(const struct ig1_image *img, char *err)
{
	uint32_t n = 0, i, t, *v = img->order;
	const struct section *sec = img->sections;

	/* Empty sections lie nowhere. */
	for (i = 0; i < img->header.sections; i++) {
		if (sec[i].s.bytes)
			v[n++] = i;
	}
	for (i = n / 2; i-- > 0;)
		sift(sec, v, i, n);
	for (i = n; i-- > 1;) {
		t = v[0];
		v[0] = v[i];
		v[i] = t;
		sift(sec, v, 0, i);
	}
	for (i = 1; i < n; i++) {
		if (sec[v[i - 1]].s.offset + sec[v[i - 1]].s.bytes > sec[v[i]].s.offset)
			return fail(err, -EINVAL,
				    "section %" PRIu32 " (%s): offset: overlaps section %" PRIu32,
				    v[i], ig1_image_type_name(sec[v[i]].s.type), v[i - 1]);
	}
	return 0;
}

/* --- manifest --- */

/* NUL-padded: a terminator, and nothing after it. */
static int is_padded(const char *s, size_t n)
{
	size_t len = strnlen(s, n);

	return len < n && all_zero(s + len, n - len);
}

static int check_heads(const struct ig1_image_manifest *m, char *err)
{
	if (!m->kv_heads)
		return fail(err, -EINVAL, "manifest: kv_heads: zero");
	if (!m->heads || m->heads % m->kv_heads)
		return fail(err, -EINVAL, "manifest: heads: %" PRIu32 " is no multiple of kv_heads",
			    m->heads);
	if (!m->head_size || m->head_size > IG1_MAX_COUNT)
		return fail(err, -EINVAL, "manifest: head_size: %" PRIu32, m->head_size);
	return 0;
}

/* The ring keeps a window, and what a step may write beyond the position it goes on from. */
static int check_ring(const struct ig1_image_manifest *m, char *err)
{
	uint64_t least = ((uint64_t)m->window + IG1_WINDOW_SLACK - 1 + 31 + 31) / 32;

	if (!m->win_blocks) {
		if (m->win_block_bytes || m->window)
			return fail(err, -EINVAL, "manifest: window: without a ring");
		return 0;
	}
	if (m->abi < IG1_PROGRAM_ABI)
		return fail(err, -EINVAL, "manifest: win_blocks: not in abi %" PRIu32, m->abi);
	if (m->max_cols > IG1_WINDOW_SLACK)
		return fail(err, -EINVAL, "manifest: max_cols: %" PRIu32 " with a ring",
			    m->max_cols);
	if (!m->window || m->window > m->context)
		return fail(err, -EINVAL, "manifest: window: %" PRIu32, m->window);
	if (m->win_blocks < least || m->win_blocks > (m->context + 31) / 32)
		return fail(err, -EINVAL, "manifest: win_blocks: %" PRIu32, m->win_blocks);
	if (!m->win_block_bytes || m->win_block_bytes % IG1_PAGE_BYTES ||
	    m->win_block_bytes > (1ull << (IG1_VA_BITS - 2)) / m->win_blocks)
		return fail(err, -EINVAL, "manifest: win_block_bytes: %" PRIu64,
			    m->win_block_bytes);
	return 0;
}

/* Without KV nothing of attention may be set. */
static int check_kv(const struct ig1_image_manifest *m, char *err)
{
	bool none = !m->kv_block_bytes && m->abi >= IG1_PROGRAM_ABI;
	uint64_t kv;

	if (check_ring(m, err))
		return -EINVAL;
	if (none && m->kv_blocks)
		return fail(err, -EINVAL, "manifest: kv_blocks: %" PRIu32 " of no bytes",
			    m->kv_blocks);
	if (none && !m->win_blocks) {
		if (m->heads || m->kv_heads || m->head_size)
			return fail(err, -EINVAL, "manifest: heads: %" PRIu32 " without KV",
				    m->heads);
		return 0;
	}
	if (none)
		return check_heads(m, err);
	if (!m->kv_block_bytes || m->kv_block_bytes % IG1_PAGE_BYTES)
		return fail(err, -EINVAL,
			    "manifest: kv_block_bytes: %" PRIu64 " is no multiple of %u",
			    m->kv_block_bytes, IG1_PAGE_BYTES);
	if (m->kv_blocks != (m->context + 31) / 32)
		return fail(err, -EINVAL,
			    "manifest: kv_blocks: %" PRIu32 " for %" PRIu32 " positions",
			    m->kv_blocks, m->context);
	if (__builtin_mul_overflow(m->kv_block_bytes, (uint64_t)m->kv_blocks, &kv) ||
	    kv > 1ull << IG1_VA_BITS)
		return fail(err, -EINVAL,
			    "manifest: kv_block_bytes: the KV region exceeds 2^%d bytes",
			    IG1_VA_BITS);
	return check_heads(m, err);
}

static int check_state(const struct ig1_image_manifest *m, char *err)
{
	if (m->state_bytes && m->abi < IG1_PROGRAM_ABI)
		return fail(err, -EINVAL, "manifest: state_bytes: not in abi %" PRIu32, m->abi);
	if (m->state_bytes % IG1_PAGE_BYTES)
		return fail(err, -EINVAL, "manifest: state_bytes: %" PRIu64 " is no multiple of %u",
			    m->state_bytes, IG1_PAGE_BYTES);
	if (m->state_bytes > 1ull << IG1_VA_BITS)
		return fail(err, -EINVAL, "manifest: state_bytes: the state exceeds 2^%d bytes",
			    IG1_VA_BITS);
	return 0;
}

static int check_manifest(const struct ig1_image_manifest *m, char *err)
{
	if (m->abi != IG1_PROGRAM_ABI && m->abi != IG1_PROGRAM_ABI_KV)
		return fail(err, -EINVAL, "manifest: abi: %" PRIu32 " is not supported", m->abi);
	if (!m->vocab || m->vocab > IG1_MAX_COUNT)
		return fail(err, -EINVAL, "manifest: vocab: %" PRIu32, m->vocab);
	if (!m->context || m->context > MAX_CONTEXT)
		return fail(err, -EINVAL, "manifest: context: %" PRIu32, m->context);
	if (!m->max_cols || m->max_cols > MAX_COLS)
		return fail(err, -EINVAL, "manifest: max_cols: %" PRIu32, m->max_cols);
	if (check_kv(m, err) || check_state(m, err))
		return -EINVAL;
	if (!m->layers)
		return fail(err, -EINVAL, "manifest: layers: zero");
	if (!m->width || m->width > IG1_MAX_COUNT)
		return fail(err, -EINVAL, "manifest: width: %" PRIu32, m->width);
	if (!is_padded(m->arch, sizeof(m->arch)))
		return fail(err, -EINVAL, "manifest: arch: not NUL-padded");
	if (!is_padded(m->name, sizeof(m->name)))
		return fail(err, -EINVAL, "manifest: name: not NUL-padded");
	if (!all_zero(m->pad, sizeof(m->pad)))
		return fail(err, -EINVAL, "manifest: pad: not zero");
	return 0;
}

static int read_manifest(struct ig1_image *img, char *err)
{
	const struct section *s = find(img, IG1_SEC_MANIFEST, 0);

	if (!s)
		return 0;
	if (s->s.bytes != sizeof(img->manifest))
		return fail(err, -EINVAL, "manifest: bytes: %" PRIu64 ", not %zu", s->s.bytes,
			    sizeof(img->manifest));
	memcpy(&img->manifest, contents(img, s), sizeof(img->manifest));
	img->has_manifest = 1;
	return check_manifest(&img->manifest, err);
}

/* --- tensors --- */

static int check_tensor(const struct ig1_image *img, uint32_t i, uint64_t names, char *err)
{
	const struct ig1_image_tensor *t = &img->tensors[i];
	int constant = t->fmt == IG1_TENSOR_F32;
	uint64_t space = size_of(find(img, constant ? IG1_SEC_CROM : IG1_SEC_ROM, 0));
	uint64_t row, all, end, unit = constant ? 4 : ig1_wfmt_block_bytes(t->fmt);

	if (t->name >= names || !img->names[t->name])
		return fail(err, -EINVAL,
			    "tensor %" PRIu32 ": name: outside the string table, or empty", i);
	if (!unit)
		return fail(err, -EINVAL, "tensor %" PRIu32 ": fmt: %" PRIu32 " is undefined", i,
			    t->fmt);
	if (!t->rows || !t->groups)
		return fail(err, -EINVAL, "tensor %" PRIu32 ": rows: no rows or no groups", i);
	if (__builtin_mul_overflow(t->groups, unit, &row) || (t->rows > 1 && t->stride < row))
		return fail(err, -EINVAL, "tensor %" PRIu32 ": stride: rows overlap", i);
	if (t->stride % (constant ? 4 : 2) || t->offset % (constant ? 4 : 2))
		return fail(err, -EINVAL,
			    "tensor %" PRIu32 ": offset: it or the stride is not aligned", i);
	if (__builtin_mul_overflow(t->rows - 1, t->stride, &all) ||
	    __builtin_add_overflow(all, row, &all) || all > t->bytes)
		return fail(err, -EINVAL, "tensor %" PRIu32 ": bytes: too few for its rows", i);
	if (__builtin_add_overflow(t->offset, t->bytes, &end) || end > space)
		return fail(err, -EINVAL, "tensor %" PRIu32 ": offset: outside the %s section", i,
			    constant ? "crom" : "rom");
	if (t->requant > 2)
		return fail(err, -EINVAL, "tensor %" PRIu32 ": requant: %" PRIu32, i, t->requant);
	/* neither negative nor beyond the finite, and only where something can be lost */
	if (t->loss >= 0x7f800000u || (t->loss && t->requant != 1))
		return fail(err, -EINVAL, "tensor %" PRIu32 ": loss: 0x%08" PRIx32, i, t->loss);
	if (!all_zero(t->pad, sizeof(t->pad)))
		return fail(err, -EINVAL, "tensor %" PRIu32 ": pad: not zero", i);
	return 0;
}

static const char *name_of(const struct ig1_image *img, uint32_t i)
{
	return img->names + img->tensors[i].name;
}

/* by_name[lo..hi) in order; tmp is as large. Merge sort: no worst case a file could aim at. */
static void sort_names(const struct ig1_image *img, uint32_t *v, uint32_t *tmp, uint32_t lo,
		       uint32_t hi)
{
	uint32_t mid = lo + (hi - lo) / 2, a = lo, b = mid, k = lo;

	if (hi - lo < 2)
		return;
	sort_names(img, v, tmp, lo, mid);
	sort_names(img, v, tmp, mid, hi);
	while (a < mid || b < hi) {
		if (b == hi || (a < mid && strcmp(name_of(img, v[a]), name_of(img, v[b])) <= 0))
			tmp[k++] = v[a++];
		else
			tmp[k++] = v[b++];
	}
	memcpy(v + lo, tmp + lo, (hi - lo) * sizeof(*v));
}

static int index_names(struct ig1_image *img, char *err)
{
	uint32_t n = img->tensor_count, i;
	uint32_t *tmp;

	img->by_name = calloc((size_t)n + 1, sizeof(*img->by_name));
	tmp = calloc((size_t)n + 1, sizeof(*tmp));
	if (!img->by_name || !tmp) {
		free(tmp);
		return fail(err, -ENOMEM, "tensors: out of memory");
	}
	for (i = 0; i < n; i++)
		img->by_name[i] = i;
	sort_names(img, img->by_name, tmp, 0, n);
	free(tmp);
	for (i = 1; i < n; i++) {
		if (!strcmp(name_of(img, img->by_name[i - 1]), name_of(img, img->by_name[i])))
			return fail(err, -EINVAL,
				    "tensor %" PRIu32 ": name: '%.64s' is there twice",
				    img->by_name[i], name_of(img, img->by_name[i]));
	}
	return 0;
}

static int read_tensors(struct ig1_image *img, char *err)
{
	const struct section *s = find(img, IG1_SEC_TENSORS, 0);
	uint64_t names;
	const uint8_t *p;
	uint32_t head[2], i;
	int ret;

	if (!s)
		return 0;
	if (s->s.bytes < sizeof(head))
		return fail(err, -EINVAL, "tensors: bytes: %" PRIu64 " are no table", s->s.bytes);
	p = contents(img, s);
	memcpy(head, p, sizeof(head));
	if (head[1])
		return fail(err, -EINVAL, "tensors: the word after count is not zero");
	if (head[0] > (s->s.bytes - sizeof(head)) / sizeof(struct ig1_image_tensor))
		return fail(err, -EINVAL, "tensors: count: %" PRIu32 " do not fit", head[0]);
	names = s->s.bytes - sizeof(head) - head[0] * (uint64_t)sizeof(struct ig1_image_tensor);
	p += sizeof(head);
	img->tensors = malloc((size_t)head[0] * sizeof(*img->tensors) + 1);
	img->names = malloc((size_t)names + 1);
	if (!img->tensors || !img->names)
		return fail(err, -ENOMEM, "tensors: out of memory");
	memcpy(img->tensors, p, head[0] * sizeof(*img->tensors));
	memcpy(img->names, p + head[0] * sizeof(*img->tensors), names);
	if (names && img->names[names - 1])
		return fail(err, -EINVAL, "tensors: the string table does not end with NUL");
	img->tensor_count = head[0];
	for (i = 0; i < head[0]; i++) {
		ret = check_tensor(img, i, names, err);
		if (ret)
			return ret;
	}
	return index_names(img, err);
}

/* --- other sections --- */

static int check_debug(const struct ig1_image *img, uint32_t prog, char *err)
{
	const struct section *s = find(img, IG1_SEC_DEBUG, prog);
	uint64_t count, strings, i;
	const uint8_t *p;
	uint32_t offset;

	if (!s)
		return 0;
	count = size_of(find(img, IG1_SEC_PROGRAM, prog)) / IG1_COMMAND_BYTES;
	if (s->s.bytes / 4 < count)
		return fail(err, -EINVAL,
			    "debug %" PRIu32 ": bytes: too few for %" PRIu64 " commands", prog,
			    count);
	strings = s->s.bytes - 4 * count;
	p = contents(img, s);
	if (strings && p[s->s.bytes - 1])
		return fail(err, -EINVAL,
			    "debug %" PRIu32 ": the string table does not end with NUL", prog);
	for (i = 0; i < count; i++) {
		memcpy(&offset, p + 4 * i, 4);
		if (offset >= strings)
			return fail(err, -EINVAL,
				    "debug %" PRIu32 ": offset of command %" PRIu64
				    " is outside the string table",
				    prog, i);
	}
	return 0;
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int check_contents(const struct ig1_image *img, char *err)
{
	const struct section *s;
	uint32_t i;
	int ret;

	s = find(img, IG1_SEC_CROM, 0);
	if (s && s->s.bytes % 4)
		return fail(err, -EINVAL, "crom: bytes: %" PRIu64 " is no multiple of 4",
			    s->s.bytes);
	s = find(img, IG1_SEC_FDT, 0);
	if (s) {
		if (s->s.bytes < FDT_HEADER || s->s.bytes > IG1_FDT_WINDOW_BYTES)
			return fail(err, -EINVAL, "fdt: bytes: %" PRIu64 ", not %u to %u",
				    s->s.bytes, FDT_HEADER, IG1_FDT_WINDOW_BYTES);
		if (be32(contents(img, s)) != FDT_MAGIC)
			return fail(err, -EINVAL, "fdt: magic: this is no device tree");
		if (be32(contents(img, s) + 4) > s->s.bytes)
			return fail(err, -EINVAL, "fdt: totalsize: larger than the section");
	}
	for (i = 0; i < IG1_PROGS; i++) {
		s = find(img, IG1_SEC_PROGRAM, i);
		if (s && s->s.bytes % IG1_COMMAND_BYTES)
			return fail(err, -EINVAL,
				    "program %" PRIu32 ": bytes: %" PRIu64 " is no multiple of %u",
				    i, s->s.bytes, IG1_COMMAND_BYTES);
		if (s && s->s.bytes / IG1_COMMAND_BYTES > UINT32_MAX)
			return fail(err, -EINVAL, "program %" PRIu32 ": bytes: too many commands",
				    i);
		ret = check_debug(img, i, err);
		if (ret)
			return ret;
	}
	return 0;
}

/* --- opening --- */

static int check_all(struct ig1_image *img, char *err)
{
	uint32_t i;
	int ret;

	ret = read_header(img, err);
	if (ret)
		return ret;
	ret = read_table(img, err);
	if (ret)
		return ret;
	for (i = 0; i < img->header.sections; i++) {
		ret = check_entry(img, i, err);
		if (ret)
			return ret;
	}
	ret = check_overlap(img, err);
	if (ret)
		return ret;
	ret = read_manifest(img, err);
	if (ret)
		return ret;
	ret = read_tensors(img, err);
	if (ret)
		return ret;
	return check_contents(img, err);
}

static int open_common(const void *data, size_t n, void *map, struct ig1_image **out, char *err)
{
	struct ig1_image *img = calloc(1, sizeof(*img));
	int ret;

	*out = NULL;
	if (!img) {
		if (map)
			munmap(map, n);
		return fail(err, -ENOMEM, "out of memory");
	}
	img->data = data;
	img->bytes = n;
	img->map = map;
	ret = check_all(img, err);
	if (ret) {
		ig1_image_close(img);
		return ret;
	}
	*out = img;
	return 0;
}

int ig1_image_open_mem(const void *data, size_t n, struct ig1_image **img, char *err)
{
	return open_common(data, n, NULL, img, err);
}

int ig1_image_open(const char *path, struct ig1_image **img, char *err)
{
	struct stat st;
	void *map;
	int fd, ret;

	*img = NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return fail(err, -errno, "open: %s", strerror(errno));
	if (fstat(fd, &st)) {
		ret = fail(err, -errno, "stat: %s", strerror(errno));
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		ret = fail(err, -EINVAL, "not a regular file");
		goto out;
	}
	if (st.st_size < (off_t)sizeof(struct ig1_image_header)) {
		ret = fail(err, -EINVAL, "header: the file has only %lld bytes",
			   (long long)st.st_size);
		goto out;
	}
	if ((uint64_t)st.st_size > SIZE_MAX) {
		ret = fail(err, -EFBIG, "file_bytes: too large to map");
		goto out;
	}
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED) {
		ret = fail(err, -errno, "mmap: %s", strerror(errno));
		goto out;
	}
	ret = open_common(map, (size_t)st.st_size, map, img, err);
out:
	close(fd);
	return ret;
}

void ig1_image_close(struct ig1_image *img)
{
	if (!img)
		return;
	free(img->by_name);
	free(img->names);
	free(img->tensors);
	free(img->order);
	free(img->sections);
	if (img->map)
		munmap(img->map, img->bytes);
	free(img);
}

/* --- contents --- */

static int crc_matches(const struct ig1_image *img, const struct section *s)
{
	return ig1_crc32(0, contents(img, s), (size_t)s->s.bytes) == s->s.crc;
}

int ig1_image_tensor_intact(const struct ig1_image *img, uint32_t i)
{
	const struct ig1_image_tensor *t = &img->tensors[i];
	uint32_t type = t->fmt == IG1_TENSOR_F32 ? IG1_SEC_CROM : IG1_SEC_ROM;
	const uint8_t *p = contents(img, find(img, type, 0)) + t->offset;

	return ig1_crc32(0, p, (size_t)t->bytes) == t->crc;
}

int ig1_image_section_intact(const struct ig1_image *img, uint32_t i)
{
	return crc_matches(img, &img->sections[i]);
}

int ig1_image_verify(const struct ig1_image *img, char *err)
{
	static const uint32_t mask[] = { IG1_SEC_ROM, IG1_SEC_CROM };
	uint8_t digest[IG1_SHA256_BYTES];
	const struct section *s;
	struct ig1_sha256 sha;
	uint32_t i;

	for (i = 0; i < img->header.sections; i++) {
		s = &img->sections[i];
		if (!ig1_image_section_intact(img, i))
			return fail(err, -EBADMSG,
				    "section %" PRIu32 " (%s): crc: the content is damaged", i,
				    ig1_image_type_name(s->s.type));
	}
	for (i = 0; i < img->tensor_count; i++) {
		if (!ig1_image_tensor_intact(img, i))
			return fail(err, -EBADMSG,
				    "tensor %" PRIu32 " ('%.64s'): crc: does not match", i,
				    name_of(img, i));
	}
	ig1_sha256_init(&sha);
	for (i = 0; i < sizeof(mask) / sizeof(mask[0]); i++) {
		s = find(img, mask[i], 0);
		if (s)
			ig1_sha256_update(&sha, contents(img, s), (size_t)s->s.bytes);
	}
	ig1_sha256_final(&sha, digest);
	if (memcmp(digest, img->header.mask_id, sizeof(digest)))
		return fail(err, -EBADMSG, "header: mask_id: does not match rom and crom");
	return 0;
}

int ig1_image_check_model(const struct ig1_image *img, char *err)
{
	static const uint32_t need[] = { IG1_SEC_ROM, IG1_SEC_FDT, IG1_SEC_MANIFEST };
	uint32_t i;

	for (i = 0; i < sizeof(need) / sizeof(need[0]); i++) {
		if (!find(img, need[i], 0))
			return fail(err, -ENOENT, "%s: the section is missing",
				    ig1_image_type_name(need[i]));
	}
	for (i = 0; i < IG1_PROGS; i++) {
		if (!size_of(find(img, IG1_SEC_PROGRAM, i)))
			return fail(err, -ENOENT, "program %" PRIu32 ": missing or empty", i);
	}
	return 0;
}

const struct ig1_image_header *ig1_image_header(const struct ig1_image *img)
{
	return &img->header;
}

const struct ig1_image_section *ig1_image_section_at(const struct ig1_image *img, uint32_t i)
{
	return &img->sections[i].s;
}

const void *ig1_image_data_at(const struct ig1_image *img, uint32_t i)
{
	return contents(img, &img->sections[i]);
}

int ig1_image_section(struct ig1_image *img, uint32_t type, uint32_t arg, const void **data,
		      size_t *bytes)
{
	struct section *s = (struct section *)find(img, type, arg);
	uint8_t state;

	*data = NULL;
	*bytes = 0;
	if (!s)
		return -ENOENT;
	if (s->s.bytes <= IG1_IMAGE_LAZY_CRC) {
		state = __atomic_load_n(&s->crc, __ATOMIC_RELAXED);
		if (state == CRC_UNKNOWN) {
			state = crc_matches(img, s) ? CRC_GOOD : CRC_BAD;
			__atomic_store_n(&s->crc, state, __ATOMIC_RELAXED);
		}
		if (state == CRC_BAD)
			return -EBADMSG;
	}
	*data = contents(img, s);
	*bytes = (size_t)s->s.bytes;
	return 0;
}

int ig1_image_program(struct ig1_image *img, uint32_t prog, const void **cmds, size_t *count)
{
	int ret = ig1_image_section(img, IG1_SEC_PROGRAM, prog, cmds, count);

	*count /= IG1_COMMAND_BYTES;
	return ret;
}

const struct ig1_image_manifest *ig1_image_manifest(const struct ig1_image *img)
{
	return img->has_manifest ? &img->manifest : NULL;
}

uint32_t ig1_image_tensors(const struct ig1_image *img)
{
	return img->tensor_count;
}

const struct ig1_image_tensor *ig1_image_tensor(const struct ig1_image *img, uint32_t i)
{
	return i < img->tensor_count ? &img->tensors[i] : NULL;
}

const char *ig1_image_tensor_name(const struct ig1_image *img, uint32_t i)
{
	return i < img->tensor_count ? name_of(img, i) : NULL;
}

int ig1_image_tensor_find(const struct ig1_image *img, const char *name, uint32_t *i)
{
	uint32_t lo = 0, hi = img->tensor_count, mid;
	int c;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		c = strcmp(name, name_of(img, img->by_name[mid]));
		if (!c) {
			*i = img->by_name[mid];
			return 0;
		}
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return -ENOENT;
}

const char *ig1_image_debug(const struct ig1_image *img, uint32_t prog, size_t command)
{
	const struct section *s = find(img, IG1_SEC_DEBUG, prog);
	uint64_t count = size_of(find(img, IG1_SEC_PROGRAM, prog)) / IG1_COMMAND_BYTES;
	uint32_t offset;

	if (!s || command >= count)
		return NULL;
	memcpy(&offset, contents(img, s) + 4 * command, 4);
	/* Checked when opened, but the mapping can have changed since. */
	if (offset >= s->s.bytes - 4 * count ||
	    !memchr(contents(img, s) + 4 * count + offset, 0, s->s.bytes - 4 * count - offset))
		return NULL;
	return (const char *)contents(img, s) + 4 * count + offset;
}
