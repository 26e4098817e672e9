// SPDX-License-Identifier: MIT
/* The firmware's reader against libfdt. */
#include "trees.h"

#include <stdio.h>
#include <string.h>

#include <libfdt.h>

#include "../dtree.h"
#include "ig1_chip.h"

static const char *const paths[] = {
	IG1_FDT_ROOT, IG1_FDT_CHIP, IG1_FDT_MASK, IG1_FDT_MODEL, "/a",	    "/a@1",	"/a@2",
	"/a/b",	      "/a/b@3/c",   "//a//b",	  "/a/",	 "/chip@0", "/model/x",
};

static const char *const names[] = {
	IG1_FDT_ROOT_COMPATIBLE,
	IG1_FDT_ROOT_SPEC,
	IG1_FDT_CHIP_TILES,
	IG1_FDT_CHIP_SRAM_BYTES,
	IG1_FDT_CHIP_CLOCK_FREQUENCY,
	IG1_FDT_MASK_MASK_ID,
	IG1_FDT_MASK_ROM_CHECK,
	IG1_FDT_MODEL_FORMAT,
	IG1_FDT_MODEL_NAME,
	"p",
	"empty",
	"",
};

#define N(a) (sizeof(a) / sizeof((a)[0]))

static const char *compare_prop(const struct dt *f, const void *fdt, uint32_t node, int lnode,
				const char *name)
{
	const uint8_t *base = fdt;
	struct dt_prop p;
	const void *v;
	uint64_t v64;
	uint32_t v32;
	int len, err;

	v = fdt_getprop(fdt, lnode, name, &len);
	err = dt_prop(f, node, name, &p);
	if (!v != !!err)
		return "one finds a property";
	if (err)
		return NULL;
	if ((const uint8_t *)v != base + p.at || (uint32_t)len != p.len)
		return "place or length of a property";
	if (!dt_u32(f, node, name, &v32) != (len == 4) || (len == 4 && v32 != fdt32_ld(v)))
		return "32-bit number";
	if (!dt_u64(f, node, name, &v64) != (len == 8) || (len == 8 && v64 != fdt64_ld(v)))
		return "64-bit number";
	err = dt_string(f, node, name, &p);
	if (!err != (len > 0 && !((const char *)v)[len - 1]))
		return "string";
	if (!err && (!dt_is(f, &p, v) || dt_is(f, &p, "other") != !strcmp(v, "other")))
		return "string's value";
	return NULL;
}

const char *trees_compare(const void *data, size_t size, int *accepted)
{
	const char *differ;
	uint32_t node = 0;
	struct dt f;
	size_t i, k;
	int lnode;

	*accepted = !dt_open(&f, data, (uint32_t)size);
	/* libfdt 1.6.1 follows a null pointer for some of what is refused. */
	if (!*accepted)
		return NULL;
	if (fdt_check_full(data, size))
		return "accepted";
	for (i = 0; i < N(paths); i++) {
		lnode = fdt_path_offset(data, paths[i]);
		if ((lnode < 0) != !!dt_node(&f, paths[i], &node))
			return "one finds a node";
		for (k = 0; lnode >= 0 && k < N(names); k++) {
			differ = compare_prop(&f, data, node, lnode, names[k]);
			if (differ)
				return differ;
		}
	}
	return NULL;
}
