// SPDX-License-Identifier: GPL-2.0-only
/* Firmware files and device tree blobs, good and bad. */
#include <kunit/test.h>

#include <linux/crc32.h>
#include <linux/unaligned.h>

#include <drm/drm_kunit_helpers.h>

#include "ig1_fdt.h"
#include "ig1_fw.h"

/* --- firmware ------------------------------------------------------------------------------- */

#define IMAGE_WORDS 16

struct fw_file {
	struct ig1_hw_fw_header h;
	__le32 words[IMAGE_WORDS];
};

static void fill_file(struct fw_file *f)
{
	u32 i;

	memset(f, 0, sizeof(*f));
	for (i = 0; i < IMAGE_WORDS; i++)
		f->words[i] = cpu_to_le32(0x1000 + i);
	f->h.magic = cpu_to_le32(IG1_FW_MAGIC);
	f->h.abi = cpu_to_le32(IG1_FW_ABI + 3);
	f->h.version = cpu_to_le32(0x10203);
	f->h.image_bytes = cpu_to_le32(sizeof(f->words));
	f->h.load_addr = cpu_to_le32(0x100);
	f->h.entry = cpu_to_le32(0x104);
	f->h.crc32 = cpu_to_le32(crc32_le(~0, f->words, sizeof(f->words)) ^ ~0);
}

static void test_fw_good(struct kunit *test)
{
	struct device *dev = drm_kunit_helper_alloc_device(test);
	struct ig1_fw_image image;
	struct fw_file f;

	fill_file(&f);
	KUNIT_ASSERT_EQ(test, ig1_fw_check(dev, &f, sizeof(f), &image), 0);
	KUNIT_EXPECT_PTR_EQ(test, image.words, (const __le32 *)f.words);
	KUNIT_EXPECT_EQ(test, image.count, IMAGE_WORDS);
	KUNIT_EXPECT_EQ(test, image.load_addr, 0x100);
	KUNIT_EXPECT_EQ(test, image.abi, IG1_FW_ABI + 3);
	KUNIT_EXPECT_EQ(test, image.version, 0x10203);
}

struct fw_case {
	const char *name;
	/* Word of the file and its value, or the size of the file. */
	u32 word, value, size;
	int error;
};

#define WORD(field) (offsetof(struct ig1_hw_fw_header, field) / 4)

static const struct fw_case fw_cases[] = {
	{ "empty", 0, IG1_FW_MAGIC, 0, -EINVAL },
	{ "half a header", 0, IG1_FW_MAGIC, 32, -EINVAL },
	{ "no image", 0, IG1_FW_MAGIC, 64, -EINVAL },
	{ "short", 0, IG1_FW_MAGIC, sizeof(struct fw_file) - 4, -EINVAL },
	{ "magic", WORD(magic), 1, sizeof(struct fw_file), -EINVAL },
	{ "abi major", WORD(abi), IG1_FW_ABI + 0x10000, sizeof(struct fw_file), -EPROTO },
	{ "image_bytes 0", WORD(image_bytes), 0, sizeof(struct fw_file), -EINVAL },
	{ "image_bytes odd", WORD(image_bytes), 63, sizeof(struct fw_file), -EINVAL },
	{ "image_bytes large", WORD(image_bytes), ~3u, sizeof(struct fw_file), -EINVAL },
	{ "load_addr odd", WORD(load_addr), 0x102, sizeof(struct fw_file), -EINVAL },
	{ "load_addr high", WORD(load_addr), IG1_MCU_SRAM_BYTES, sizeof(struct fw_file), -EINVAL },
	{ "load_addr wraps", WORD(load_addr), ~3u, sizeof(struct fw_file), -EINVAL },
	{ "entry before", WORD(entry), 0xfc, sizeof(struct fw_file), -EINVAL },
	{ "entry behind", WORD(entry), 0x140, sizeof(struct fw_file), -EINVAL },
	{ "entry odd", WORD(entry), 0x102, sizeof(struct fw_file), -EINVAL },
	{ "pad", WORD(pad) + 8, 1, sizeof(struct fw_file), -EINVAL },
	{ "crc32", WORD(crc32), 1, sizeof(struct fw_file), -EINVAL },
	{ "image", 20, 1, sizeof(struct fw_file), -EINVAL },
};

static void fw_name(const struct fw_case *c, char *to)
{
	strscpy(to, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(fw, fw_cases, fw_name);

static void test_fw_bad(struct kunit *test)
{
	const struct fw_case *c = test->param_value;
	struct device *dev = drm_kunit_helper_alloc_device(test);
	struct ig1_fw_image image;
	struct fw_file f;
	void *copy;

	fill_file(&f);
	((__le32 *)&f)[c->word] = cpu_to_le32(c->value);
	/* Of exactly that size, so that KASAN sees who reads beyond. */
	copy = kunit_kmalloc(test, max(c->size, 1u), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, copy);
	memcpy(copy, &f, c->size);
	KUNIT_EXPECT_EQ(test, ig1_fw_check(dev, copy, c->size, &image), c->error);
}

/* --- device tree ---------------------------------------------------------------------------- */

#define FDT_BYTES 512

struct fdt_builder {
	u8 blob[FDT_BYTES];
	u32 at;
	char strings[64];
	u32 strings_bytes;
};

static void put_word(struct fdt_builder *b, u32 v)
{
	put_unaligned_be32(v, b->blob + b->at);
	b->at += 4;
}

static void put_bytes(struct fdt_builder *b, const void *p, u32 n)
{
	memcpy(b->blob + b->at, p, n);
	b->at += round_up(n, 4);
}

static void begin(struct fdt_builder *b, const char *name)
{
	put_word(b, 1);
	put_bytes(b, name, strlen(name) + 1);
}

static void prop(struct fdt_builder *b, const char *name, const void *p, u32 n)
{
	put_word(b, 3);
	put_word(b, n);
	put_word(b, b->strings_bytes);
	put_bytes(b, p, n);
	memcpy(b->strings + b->strings_bytes, name, strlen(name) + 1);
	b->strings_bytes += strlen(name) + 1;
}

/* / { who = "root"; chip { n = <5>; inner { who = "inner"; }; }; big { n = <2^32 7>; }; }; */
static u32 build_tree(struct fdt_builder *b)
{
	static const u8 five[] = { 0, 0, 0, 5 }, big[] = { 0, 0, 0, 1, 0, 0, 0, 7 };
	u32 strings;

	memset(b, 0, sizeof(*b));
	b->at = 56;
	begin(b, "");
	prop(b, "who", "root", 5);
	begin(b, "chip");
	put_word(b, 4);
	prop(b, "n", five, 4);
	begin(b, "inner");
	prop(b, "inner-who", "inner", 6);
	put_word(b, 2);
	put_word(b, 2);
	begin(b, "big");
	prop(b, "n", big, 8);
	prop(b, "open", "xyz", 3);
	put_word(b, 2);
	put_word(b, 2);
	put_word(b, 9);
	strings = b->at;
	put_bytes(b, b->strings, b->strings_bytes);
	put_unaligned_be32(0xd00dfeed, b->blob);
	put_unaligned_be32(b->at, b->blob + 4);
	put_unaligned_be32(56, b->blob + 8);
	put_unaligned_be32(strings, b->blob + 12);
	put_unaligned_be32(40, b->blob + 16);
	put_unaligned_be32(17, b->blob + 20);
	put_unaligned_be32(16, b->blob + 24);
	put_unaligned_be32(b->strings_bytes, b->blob + 32);
	put_unaligned_be32(strings - 56, b->blob + 36);
	return b->at;
}

static void test_fdt_values(struct kunit *test)
{
	struct fdt_builder *b = kunit_kzalloc(test, sizeof(*b), GFP_KERNEL);
	u32 n, v32;
	u64 v64;

	KUNIT_ASSERT_NOT_NULL(test, b);
	n = build_tree(b);
	KUNIT_EXPECT_STREQ(test, ig1_fdt_string(b->blob, n, "/", "who"), "root");
	KUNIT_EXPECT_EQ(test, ig1_fdt_u32(b->blob, n, "/chip", "n", &v32), 0);
	KUNIT_EXPECT_EQ(test, v32, 5);
	KUNIT_EXPECT_EQ(test, ig1_fdt_u64(b->blob, n, "/big", "n", &v64), 0);
	KUNIT_EXPECT_EQ(test, v64, 0x100000007ull);
	/* Wrong sizes, other nodes, deeper ones, no end of the string. */
	KUNIT_EXPECT_EQ(test, ig1_fdt_u32(b->blob, n, "/big", "n", &v32), -EINVAL);
	KUNIT_EXPECT_EQ(test, ig1_fdt_u64(b->blob, n, "/chip", "n", &v64), -EINVAL);
	KUNIT_EXPECT_EQ(test, ig1_fdt_u32(b->blob, n, "/none", "n", &v32), -EINVAL);
	KUNIT_EXPECT_NULL(test, ig1_fdt_string(b->blob, n, "/chip", "who"));
	KUNIT_EXPECT_NULL(test, ig1_fdt_string(b->blob, n, "/chip", "inner-who"));
	KUNIT_EXPECT_NULL(test, ig1_fdt_string(b->blob, n, "/inner", "inner-who"));
	KUNIT_EXPECT_NULL(test, ig1_fdt_string(b->blob, n, "/", "n"));
	KUNIT_EXPECT_NULL(test, ig1_fdt_string(b->blob, n, "/big", "open"));
}

static void read_all(const void *blob, u32 n)
{
	u32 v32;
	u64 v64;

	ig1_fdt_string(blob, n, "/", "who");
	ig1_fdt_u32(blob, n, "/chip", "n", &v32);
	ig1_fdt_u64(blob, n, "/big", "n", &v64);
	ig1_fdt_string(blob, n, "/big", "none");
}

/* Cut off anywhere it has no values beyond its end; with any byte changed nothing breaks. */
static void test_fdt_hostile(struct kunit *test)
{
	static const u8 values[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
	struct fdt_builder *b = kunit_kzalloc(test, sizeof(*b), GFP_KERNEL);
	u32 n, i, k;
	u8 *copy;

	KUNIT_ASSERT_NOT_NULL(test, b);
	n = build_tree(b);
	for (i = 0; i < n; i++) {
		copy = kmemdup(b->blob, i, GFP_KERNEL);
		KUNIT_EXPECT_NULL(test, ig1_fdt_string(copy, i, "/", "who"));
		kfree(copy);
	}
	copy = kmemdup(b->blob, n, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, copy);
	for (i = 0; i < n; i++) {
		for (k = 0; k < ARRAY_SIZE(values); k++) {
			copy[i] = values[k];
			read_all(copy, n);
		}
		copy[i] = b->blob[i];
	}
	kfree(copy);
}

static struct kunit_case fw_test_cases[] = {
	KUNIT_CASE(test_fw_good),
	KUNIT_CASE_PARAM(test_fw_bad, fw_gen_params),
	{},
};

static struct kunit_case fdt_test_cases[] = {
	KUNIT_CASE(test_fdt_values),
	KUNIT_CASE(test_fdt_hostile),
	{},
};

static struct kunit_suite fw_suite = {
	.name = "ig1_fw",
	.test_cases = fw_test_cases,
};

static struct kunit_suite fdt_suite = {
	.name = "ig1_fdt",
	.test_cases = fdt_test_cases,
};

kunit_test_suites(&fw_suite, &fdt_suite);
