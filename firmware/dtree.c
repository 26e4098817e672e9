// SPDX-License-Identifier: MIT
/* Flattened device tree. Every offset is checked against its block before it is used. */
#include "dtree.h"

#define MAGIC	    0xd00dfeedu
#define VERSION	    17u
#define HEADER	    40u
#define RESERVATION 16u

enum header {
	H_MAGIC,
	H_TOTAL,
	H_STRUCT,
	H_STRINGS,
	H_RESERVED,
	H_VERSION,
	H_COMPATIBLE,
	H_BOOT_CPU,
	H_STRINGS_SIZE,
	H_STRUCT_SIZE,
};

enum token {
	T_BEGIN_NODE = 1,
	T_END_NODE,
	T_PROP,
	T_NOP,
	T_END = 9,
};

/* A token of the structure block; at and len are of a node's name or a property's value. */
struct item {
	uint32_t token;
	uint32_t at, len;
	uint32_t name; /* of a property, bytes from the start */
	uint32_t next;
};

/* at: multiple of 4, below end. */
static uint32_t word(const struct dt *f, uint32_t at)
{
	uint32_t v = f->words[at / 4];

	v = (v & 0x00ff00ff) << 8 | (v >> 8 & 0x00ff00ff);
	return v << 16 | v >> 16;
}

uint8_t dt_byte(const struct dt *f, uint32_t at)
{
	return (uint8_t)(f->words[at / 4] >> (at % 4 * 8));
}

/* Length of the string at `at`, or -1 if it does not end before `end`. */
static int32_t string_length(const struct dt *f, uint32_t at, uint32_t end)
{
	uint32_t p;

	for (p = at; p < end; p++) {
		if (!dt_byte(f, p))
			return (int32_t)(p - at);
	}
	return -1;
}

static int block(uint32_t off, uint32_t size, uint32_t total)
{
	return off >= HEADER && off <= total && size <= total - off;
}

/* Reads the token at `at`. */
static int read_item(const struct dt *f, uint32_t at, struct item *it)
{
	uint32_t left;
	int32_t len;

	if (at > f->strct_end || f->strct_end - at < 4)
		return -DT_ESTRUCT;
	it->token = word(f, at);
	at += 4;
	left = f->strct_end - at;
	switch (it->token) {
	case T_BEGIN_NODE:
		len = string_length(f, at, f->strct_end);
		if (len < 0)
			return -DT_ESTRUCT;
		it->at = at;
		it->len = (uint32_t)len;
		at += ((uint32_t)len + 4) & ~3u;
		break;
	case T_PROP:
		if (left < 8)
			return -DT_ESTRUCT;
		it->len = word(f, at);
		it->name = word(f, at + 4);
		at += 8;
		left -= 8;
		if (it->len > left || it->name >= f->strings_end - f->strings)
			return -DT_ESTRUCT;
		it->name += f->strings;
		it->at = at;
		at += (it->len + 3) & ~3u;
		break;
	case T_END_NODE:
	case T_NOP:
	case T_END:
		break;
	default:
		return -DT_ESTRUCT;
	}
	/* Padding may end the block. */
	if (at > f->strct_end)
		return -DT_ESTRUCT;
	it->next = at;
	return 0;
}

static int check_structure(const struct dt *f)
{
	uint32_t at = f->strct, depth = 0;
	int seen_root = 0;
	struct item it;

	for (;;) {
		if (read_item(f, at, &it))
			return -DT_ESTRUCT;
		at = it.next;
		switch (it.token) {
		case T_BEGIN_NODE:
			/* One root, without a name. */
			if (!depth && (seen_root || it.len))
				return -DT_ESTRUCT;
			seen_root = 1;
			depth++;
			break;
		case T_END_NODE:
			if (!depth)
				return -DT_ESTRUCT;
			depth--;
			break;
		case T_PROP:
			if (!depth || string_length(f, it.name, f->strings_end) < 0)
				return -DT_ESTRUCT;
			break;
		case T_END:
			return depth || !seen_root ? -DT_ESTRUCT : 0;
		default:
			break;
		}
	}
}

/* Memory reservations, up to the pair of zeros that ends them. */
static int check_reservations(const struct dt *f, uint32_t at)
{
	if (at < HEADER || at % 8)
		return -DT_EHEADER;
	for (; at <= f->end && f->end - at >= RESERVATION; at += RESERVATION) {
		if (!(word(f, at + 8) | word(f, at + 12)))
			return 0;
	}
	return -DT_EHEADER;
}

int dt_open(struct dt *f, const volatile uint32_t *words, uint32_t bytes)
{
	uint32_t size;

	f->words = words;
	if (bytes < HEADER || word(f, 4 * H_MAGIC) != MAGIC)
		return -DT_EHEADER;
	f->end = word(f, 4 * H_TOTAL);
	if (f->end < HEADER || f->end > bytes || f->end > INT32_MAX)
		return -DT_EHEADER;
	if (word(f, 4 * H_VERSION) < VERSION || word(f, 4 * H_COMPATIBLE) > VERSION)
		return -DT_EHEADER;
	f->strct = word(f, 4 * H_STRUCT);
	size = word(f, 4 * H_STRUCT_SIZE);
	if (!block(f->strct, size, f->end) || f->strct % 4)
		return -DT_EHEADER;
	f->strct_end = f->strct + size;
	f->strings = word(f, 4 * H_STRINGS);
	size = word(f, 4 * H_STRINGS_SIZE);
	if (!block(f->strings, size, f->end))
		return -DT_EHEADER;
	f->strings_end = f->strings + size;
	if (check_reservations(f, word(f, 4 * H_RESERVED)))
		return -DT_EHEADER;
	return check_structure(f);
}

/* Does the node's name at `at` of `len` bytes match the path component s of n bytes? */
static int node_matches(const struct dt *f, const struct item *it, const char *s, uint32_t n)
{
	int unit = 0;
	uint32_t i;

	if (it->len < n)
		return 0;
	for (i = 0; i < n; i++) {
		if (dt_byte(f, it->at + i) != (uint8_t)s[i])
			return 0;
		unit |= s[i] == '@';
	}
	return it->len == n || (!unit && dt_byte(f, it->at + n) == '@');
}

/* Skips slashes; n = bytes of the component that follows. */
static const char *component(const char *path, uint32_t *n)
{
	while (*path == '/')
		path++;
	for (*n = 0; path[*n] && path[*n] != '/'; (*n)++)
		;
	return path;
}

int dt_node(const struct dt *f, const char *path, uint32_t *node)
{
	uint32_t at = f->strct, depth = 0, found = 0, n = 0;
	struct item it;

	if (*path != '/')
		return -DT_ENONE;
	/* depth: nodes open; found: how many of them lie on the path. */
	for (;; at = it.next) {
		if (read_item(f, at, &it))
			return -DT_ESTRUCT;
		if (it.token == T_BEGIN_NODE) {
			if (depth == found && (!depth || node_matches(f, &it, path, n))) {
				path = component(path + n, &n);
				if (!n) {
					*node = it.next;
					return 0;
				}
				found++;
			}
			depth++;
		} else if (it.token == T_END_NODE) {
			/* The first match was the one. */
			if (depth == found)
				return -DT_ENONE;
			depth--;
		} else if (it.token == T_END) {
			return -DT_ENONE;
		}
	}
}

/* From the end: the names of one binding begin alike. */
static int name_is(const struct dt *f, uint32_t at, const char *s, uint32_t n)
{
	if (f->strings_end - at <= n)
		return 0;
	for (;;) {
		if (dt_byte(f, at + n) != (uint8_t)s[n])
			return 0;
		if (!n--)
			return 1;
	}
}

int dt_prop(const struct dt *f, uint32_t node, const char *name, struct dt_prop *p)
{
	uint32_t at = node, n;
	struct item it;

	for (n = 0; name[n]; n++)
		;
	for (;; at = it.next) {
		if (read_item(f, at, &it))
			return -DT_ESTRUCT;
		if (it.token == T_NOP)
			continue;
		/* Properties come before child nodes. */
		if (it.token != T_PROP)
			return -DT_ENONE;
		if (name_is(f, it.name, name, n)) {
			p->at = it.at;
			p->len = it.len;
			return 0;
		}
	}
}

int dt_u32(const struct dt *f, uint32_t node, const char *name, uint32_t *v)
{
	struct dt_prop p;
	int err = dt_prop(f, node, name, &p);

	if (err)
		return err;
	if (p.len != 4)
		return -DT_ETYPE;
	*v = word(f, p.at);
	return 0;
}

int dt_u64(const struct dt *f, uint32_t node, const char *name, uint64_t *v)
{
	struct dt_prop p;
	int err = dt_prop(f, node, name, &p);

	if (err)
		return err;
	if (p.len != 8)
		return -DT_ETYPE;
	*v = (uint64_t)word(f, p.at) << 32 | word(f, p.at + 4);
	return 0;
}

int dt_string(const struct dt *f, uint32_t node, const char *name, struct dt_prop *p)
{
	int err = dt_prop(f, node, name, p);

	if (err)
		return err;
	return p->len && !dt_byte(f, p->at + p->len - 1) ? 0 : -DT_ETYPE;
}

int dt_is(const struct dt *f, const struct dt_prop *p, const char *s)
{
	uint32_t i;

	for (i = 0; i < p->len && dt_byte(f, p->at + i) == (uint8_t)s[i]; i++) {
		if (!s[i])
			return 1;
	}
	return 0;
}
