// SPDX-License-Identifier: GPL-2.0-only
/* Reader of flattened device trees, format version 17 (Devicetree Specification 0.4, chapter 5). */
#include "ig1_fdt.h"

#include <linux/errno.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#define FDT_MAGIC	 0xd00dfeed
#define FDT_VERSION	 17
#define FDT_COMPAT	 16
#define FDT_BEGIN_NODE	 1
#define FDT_END_NODE	 2
#define FDT_PROP	 3
#define FDT_NOP		 4
#define FDT_END		 9
#define FDT_HEADER_BYTES 40

/* Words of the header. */
enum {
	H_MAGIC,
	H_TOTAL,
	H_STRUCT,
	H_STRINGS,
	H_RESERVED,
	H_VERSION,
	H_COMPAT,
	H_CPU,
	H_STRINGS_BYTES,
	H_STRUCT_BYTES,
};

/* A part of the blob that is being read. */
struct cursor {
	const u8 *p;
	u32 left;
};

static bool part(const u8 *blob, u32 bytes, u32 offset, u32 size, struct cursor *c)
{
	if (offset > bytes || size > bytes - offset)
		return false;
	c->p = blob + offset;
	c->left = size;
	return true;
}

static bool take(struct cursor *c, u32 n, const u8 **p)
{
	if (n > c->left)
		return false;
	*p = c->p;
	c->p += n;
	c->left -= n;
	return true;
}

static bool take_word(struct cursor *c, u32 *v)
{
	const u8 *p;

	if (!take(c, 4, &p))
		return false;
	*v = get_unaligned_be32(p);
	return true;
}

/* Up to a multiple of four; the structure block begins at one. */
static bool take_padded(struct cursor *c, u32 n, const u8 **p)
{
	const u8 *pad;

	return take(c, n, p) && take(c, -n & 3, &pad);
}

static const char *string_at(const struct cursor *c, u32 offset)
{
	if (offset >= c->left || !memchr(c->p + offset, 0, c->left - offset))
		return NULL;
	return (const char *)c->p + offset;
}

static bool open_blob(const u8 *blob, u32 bytes, struct cursor *tree, struct cursor *strings)
{
	u32 h[10], i;

	if (bytes < FDT_HEADER_BYTES)
		return false;
	for (i = 0; i < ARRAY_SIZE(h); i++)
		h[i] = get_unaligned_be32(blob + 4 * i);
	return h[H_MAGIC] == FDT_MAGIC && h[H_TOTAL] <= bytes && h[H_VERSION] >= FDT_VERSION &&
	       h[H_COMPAT] <= FDT_VERSION && h[H_COMPAT] >= FDT_COMPAT && !(h[H_STRUCT] & 3) &&
	       part(blob, h[H_TOTAL], h[H_STRUCT], h[H_STRUCT_BYTES], tree) &&
	       part(blob, h[H_TOTAL], h[H_STRINGS], h[H_STRINGS_BYTES], strings);
}

const void *ig1_fdt_get(const void *blob, u32 bytes, const char *path, const char *name, u32 *len)
{
	u32 want = path[1] ? 2 : 1, depth = 0, token, size, where;
	struct cursor tree, strings;
	const char *key;
	bool here = false;
	const u8 *p;

	if (!open_blob(blob, bytes, &tree, &strings))
		return NULL;
	while (take_word(&tree, &token)) {
		switch (token) {
		case FDT_BEGIN_NODE:
			key = string_at(&tree, 0);
			if (!key || !take_padded(&tree, strlen(key) + 1, &p))
				return NULL;
			depth++;
			here = depth == want && !strcmp(key, path + 1);
			break;
		case FDT_END_NODE:
			if (!depth)
				return NULL;
			depth--;
			here = depth == 1 && want == 1;
			break;
		case FDT_PROP:
			if (!take_word(&tree, &size) || !take_word(&tree, &where) ||
			    !take_padded(&tree, size, &p))
				return NULL;
			key = string_at(&strings, where);
			if (!key)
				return NULL;
			if (here && !strcmp(key, name)) {
				*len = size;
				return p;
			}
			break;
		case FDT_NOP:
			break;
		default:
			return NULL;
		}
	}
	return NULL;
}

int ig1_fdt_u32(const void *blob, u32 bytes, const char *path, const char *name, u32 *val)
{
	u32 len;
	const void *p = ig1_fdt_get(blob, bytes, path, name, &len);

	if (!p || len != 4)
		return -EINVAL;
	*val = get_unaligned_be32(p);
	return 0;
}

int ig1_fdt_u64(const void *blob, u32 bytes, const char *path, const char *name, u64 *val)
{
	u32 len;
	const void *p = ig1_fdt_get(blob, bytes, path, name, &len);

	if (!p || len != 8)
		return -EINVAL;
	*val = get_unaligned_be64(p);
	return 0;
}

const char *ig1_fdt_string(const void *blob, u32 bytes, const char *path, const char *name)
{
	u32 len;
	const char *p = ig1_fdt_get(blob, bytes, path, name, &len);

	return p && len && memchr(p, 0, len) ? p : NULL;
}
