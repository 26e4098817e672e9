/* SPDX-License-Identifier: MIT */
/*
 * Reader of flattened device trees (Devicetree Specification 0.4, chapter 5), version 17. The tree
 * is not trusted. It lies where only aligned words can be read; nothing is copied.
 *
 * All functions return 0 or a negative enum dt_error; they allocate nothing and do not recurse.
 */
#ifndef FW_DTREE_H
#define FW_DTREE_H

#include <stdint.h>

enum dt_error {
	DT_EHEADER = 1, /* magic, version, or a block outside the tree */
	DT_ESTRUCT,	/* structure block: token, length, nesting, name */
	DT_ENONE,	/* no such node or property */
	DT_ETYPE,	/* the property has another length, or is no string */
};

struct dt {
	const volatile uint32_t *words;
	uint32_t strct, strct_end; /* structure block, bytes from the start */
	uint32_t strings, strings_end;
	uint32_t end;
};

struct dt_prop {
	uint32_t at; /* byte offset of the value in the tree, multiple of 4 */
	uint32_t len;
};

/* Checks header, reservations and the whole structure. `bytes` rounded up to 4 are readable. */
int dt_open(struct dt *f, const volatile uint32_t *words, uint32_t bytes);

/* A node by absolute path; a component without "@" also names a node with a unit address. */
int dt_node(const struct dt *f, const char *path, uint32_t *node);

int dt_prop(const struct dt *f, uint32_t node, const char *name, struct dt_prop *p);
int dt_u32(const struct dt *f, uint32_t node, const char *name, uint32_t *v);
int dt_u64(const struct dt *f, uint32_t node, const char *name, uint64_t *v);
/* A NUL-terminated string, or a list of them: DT_ETYPE if it is not. */
int dt_string(const struct dt *f, uint32_t node, const char *name, struct dt_prop *p);
/* Nonzero: the first string of p is s. */
int dt_is(const struct dt *f, const struct dt_prop *p, const char *s);

/* Byte at an offset below f->end; for tests too. */
uint8_t dt_byte(const struct dt *f, uint32_t at);

#endif
