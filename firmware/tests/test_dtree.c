// SPDX-License-Identifier: MIT
/* Device tree reader: trees by libfdt and dtc, then damaged ones, always next to libfdt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <libfdt.h>

#include "../dtree.h"
#include "ig1_chip.h"
#include "tree.h"
#include "trees.h"

#define ROOM	8192
#define MUTANTS 60000

static uint32_t base[ROOM / 4];
static int base_size;

static uint32_t seed = 1;

static uint32_t rnd(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)(seed >> 8) * n >> 24);
}

/* In an allocation of its own, so that a sanitizer sees the end. */
static const char *compare(const void *data, size_t size, int *accepted)
{
	size_t room = (size + 3) & ~(size_t)3;
	const char *differ;
	void *copy = malloc(room ? room : 1);

	assert_non_null(copy);
	memset(copy, 0xff, room);
	memcpy(copy, data, size);
	differ = trees_compare(copy, size, accepted);
	free(copy);
	return differ;
}

static int make_base(void **state)
{
	struct tree_values v;

	(void)state;
	tree_defaults(&v);
	base_size = tree_make(base, sizeof(base), &v);
	return base_size > 0 ? 0 : -1;
}

static void test_libfdt_tree(void **state)
{
	uint32_t node, v32;
	uint64_t v64;
	struct dt_prop p;
	struct dt f;
	int accepted;

	(void)state;
	assert_null(compare(base, (size_t)base_size, &accepted));
	assert_true(accepted);
	assert_int_equal(dt_open(&f, base, (uint32_t)base_size), 0);
	assert_int_equal(dt_node(&f, IG1_FDT_CHIP, &node), 0);
	assert_int_equal(dt_u32(&f, node, IG1_FDT_CHIP_COLUMNS, &v32), 0);
	assert_int_equal(v32, 2);
	assert_int_equal(dt_u64(&f, node, IG1_FDT_CHIP_CLOCK_FREQUENCY, &v64), 0);
	assert_int_equal(v64, 1000000000);
	assert_int_equal(dt_u64(&f, node, IG1_FDT_CHIP_COLUMNS, &v64), -DT_ETYPE);
	assert_int_equal(dt_u32(&f, node, IG1_FDT_CHIP_SRAM_BYTES, &v32), -DT_ETYPE);
	assert_int_equal(dt_u32(&f, node, "intaglio,none", &v32), -DT_ENONE);
	assert_int_equal(dt_string(&f, node, IG1_FDT_CHIP_COLUMNS, &p), -DT_ETYPE);
	assert_int_equal(dt_string(&f, node, IG1_FDT_CHIP_CONFIG, &p), 0);
	assert_true(dt_is(&f, &p, "small"));
	assert_false(dt_is(&f, &p, "smal"));
	assert_false(dt_is(&f, &p, "small "));
	assert_int_equal(dt_node(&f, "/none", &node), -DT_ENONE);
	assert_int_equal(dt_node(&f, "chip", &node), -DT_ENONE);
	assert_int_equal(dt_node(&f, "/chip/mask", &node), -DT_ENONE);
}

/* Every shorter file. */
static void test_truncated(void **state)
{
	int n, accepted;

	(void)state;
	for (n = 0; n < base_size; n++) {
		assert_null(compare(base, (size_t)n, &accepted));
		assert_false(accepted);
	}
}

static const char *const sources[] = {
	/* Unit addresses, nesting, empty and doubled names, nothing at all. */
	"/dts-v1/; / { p = <1>; a@1 { p = <2>; empty; b@3 { p = <3>; c { p = \"x\"; }; }; };"
	" a@2 { p = <4 5>; b { p = [01 02 03]; }; }; chip@0 { intaglio,tiles = <7>; }; };",
	"/dts-v1/; / { a { b { p = \"one\", \"two\"; }; }; aa { p = <9>; }; };",
	"/dts-v1/; / { };",
	"/dts-v1/; /memreserve/ 0x1000 0x2000; /memreserve/ 0x5000 0x1;"
	" / { compatible = \"other\", \"x\";"
	" a { b { p = <1>; }; }; model { intaglio,name = \"\"; x { p; }; }; };",
};

static int compile(const char *source, void *buf, size_t room)
{
	char command[128], path[] = "/tmp/fw-tree-XXXXXX";
	FILE *f;
	int fd = mkstemp(path), n = -1;

	if (fd < 0)
		return -1;
	snprintf(command, sizeof(command), "dtc -q -I dts -O dtb -o %s -", path);
	f = popen(command, "w");
	if (f) {
		fputs(source, f);
		if (!pclose(f))
			n = (int)read(fd, buf, room);
	}
	close(fd);
	unlink(path);
	return n;
}

static void mutate(const uint32_t *tree, int size, uint32_t count, uint32_t *accepted)
{
	static uint32_t copy[ROOM / 4];
	static const uint32_t values[] = { 0, 1,	  2,	      3,	  4,
					   9, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffc };
	uint8_t *bytes = (uint8_t *)copy;
	uint32_t i, k, at, v;
	int ok, n;

	for (i = 0; i < count; i++) {
		memcpy(copy, tree, (size_t)size);
		n = size;
		for (k = 0; k <= rnd(4); k++) {
			switch (rnd(6)) {
			case 0:
				bytes[rnd((uint32_t)size)] ^= (uint8_t)(1u << rnd(8));
				break;
			case 1:
				bytes[rnd((uint32_t)size)] = (uint8_t)rnd(256);
				break;
			case 2: /* a word of the header or anywhere, near its value or special */
				at = rnd(2) ? rnd(10) : rnd((uint32_t)size / 4);
				v = rnd(2) ? values[rnd(10)] : fdt32_to_cpu(copy[at]) + rnd(17) - 8;
				copy[at] = cpu_to_fdt32(v);
				break;
			case 3: /* a token where there is none */
				copy[rnd((uint32_t)size / 4)] = cpu_to_fdt32(1 + rnd(4));
				break;
			case 4: /* words move */
				at = rnd((uint32_t)size / 4 - 1);
				memmove(&copy[at], &copy[at + 1], (size_t)size - 4 * at - 4);
				break;
			default:
				n = (int)rnd((uint32_t)size + 1);
				break;
			}
		}
		/* Only version 17 is read. */
		if (n >= 40 && rnd(8)) {
			copy[5] = cpu_to_fdt32(17);
			copy[6] = cpu_to_fdt32(16);
		}
		{
			const char *differ = compare(copy, (size_t)n, &ok);

			if (differ) {
				FILE *f = fopen("fw-tree-differs.dtb", "wb");

				if (f) {
					fwrite(copy, 1, (size_t)n, f);
					fclose(f);
				}
				fail_msg("mutant %u: %s (fw-tree-differs.dtb)", i, differ);
			}
			*accepted += (uint32_t)ok;
		}
	}
}

/* Other values, reservations and boot processor do not make a tree bad. */
static void harmless(const uint32_t *tree, int size, uint32_t count)
{
	static uint32_t copy[ROOM / 4];
	int at[64], len[64], n = 0, offset = 0, next, accepted;
	const struct fdt_property *p;
	uint8_t *bytes = (uint8_t *)copy;
	uint32_t i, k;

	while (offset >= 0 && n < 64) {
		if (fdt_next_tag(tree, offset, &next) == FDT_PROP) {
			p = fdt_get_property_by_offset(tree, offset, &len[n]);
			at[n] = (int)(p->data - (const char *)tree);
			n += len[n] > 0;
		}
		offset = fdt_next_tag(tree, offset, &next) == FDT_END ? -1 : next;
	}
	for (i = 0; n && i < count; i++) {
		memcpy(copy, tree, (size_t)size);
		k = rnd((uint32_t)n);
		bytes[at[k] + (int)rnd((uint32_t)len[k])] = (uint8_t)rnd(256);
		copy[7] = rnd(1000);
		assert_null(compare(copy, (size_t)size, &accepted));
		assert_true(accepted);
	}
}

static void test_mutants(void **state)
{
	uint32_t accepted = 0;

	(void)state;
	mutate(base, base_size, MUTANTS, &accepted);
	harmless(base, base_size, MUTANTS / 10);
	print_message("# %u mutants, %u accepted by both\n", MUTANTS, accepted);
	assert_true(accepted > MUTANTS / 100);
}

static void test_dtc(void **state)
{
	static uint32_t tree[ROOM / 4];
	uint32_t mutants = 0;
	size_t i;
	int n, accepted;

	(void)state;
	if (system("dtc --version >/dev/null 2>&1")) {
		print_message("# no dtc: trees made by it are NOT tested\n");
		skip();
	}
	for (i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		n = compile(sources[i], tree, sizeof(tree));
		assert_true(n > 0);
		assert_null(compare(tree, (size_t)n, &accepted));
		assert_true(accepted);
		mutate(tree, n, MUTANTS / 4, &mutants);
		harmless(tree, n, MUTANTS / 40);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_libfdt_tree),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_mutants),
		cmocka_unit_test(test_dtc),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("dtree", tests, make_base, NULL);
}
