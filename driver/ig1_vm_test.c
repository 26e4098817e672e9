// SPDX-License-Identifier: GPL-2.0-only
/* KUnit: address spaces: mappings and their splits, arguments and ioctls. */
#include <linux/prandom.h>

#include "ig1_test_vm.h"

#define WINDOW_PAGES 256
#define WINDOW_VA    (SZ_2M - WINDOW_PAGES / 2 * PAGE)

/* --- operations ----------------------------------------------------------------------------- */

struct split_case {
	const char *name;
	/* Pages of a second operation on top of a mapping of pages 4 to 11. */
	u32 first, pages;
	/* Mappings after an unmap, after a map. */
	u32 after_unmap, after_map;
};

static const struct split_case split_cases[] = {
	{ "apart", 0, 4, 1, 2 },	 { "front", 2, 4, 1, 2 },     { "back", 10, 4, 1, 2 },
	{ "middle", 6, 2, 2, 3 },	 { "all of it", 4, 8, 0, 1 }, { "more", 0, 16, 0, 1 },
	{ "its beginning", 4, 1, 1, 2 }, { "its end", 11, 1, 1, 2 },
};

static void split_name(const struct split_case *c, char *to)
{
	strscpy(to, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(split, split_cases, split_name);

static void test_split(struct kunit *test)
{
	const struct split_case *c = test->param_value;
	u64 va = SZ_2M - 8 * PAGE;
	struct ig1_bo *a, *b;
	u32 ha, hb, i;
	bool hit;

	a = rig_scattered_bo(test, 8, &ha);
	b = rig_bo(test, 16, &hb);
	rig_map(test, va + 4 * PAGE, ha, 0, 8, DRM_INTAGLIO_BIND_READONLY);
	rig_unmap(test, va + c->first * PAGE, c->pages);
	KUNIT_EXPECT_EQ(test, rig_mappings(test), c->after_unmap);
	for (i = 0; i < 16; i++) {
		hit = i >= 4 && i < 12 && !(i >= c->first && i < c->first + c->pages);
		KUNIT_EXPECT_EQ(test, rig_translate(test, va + i * PAGE),
				hit ? rig_page(a, i - 4, DRM_INTAGLIO_BIND_READONLY) : 0);
	}
	rig_map(test, va + 4 * PAGE, ha, 0, 8, DRM_INTAGLIO_BIND_READONLY);
	rig_map(test, va + c->first * PAGE, hb, c->first, c->pages, 0);
	KUNIT_EXPECT_EQ(test, rig_mappings(test), c->after_map);
	for (i = 0; i < 16; i++) {
		u64 want = 0;

		if (i >= c->first && i < c->first + c->pages)
			want = rig_page(b, i, 0);
		else if (i >= 4 && i < 12)
			want = rig_page(a, i - 4, DRM_INTAGLIO_BIND_READONLY);
		KUNIT_EXPECT_EQ(test, rig_translate(test, va + i * PAGE), want);
	}
	rig_unmap(test, 0, 1 << 20);
	KUNIT_EXPECT_EQ(test, rig_mappings(test), 0);
	KUNIT_EXPECT_EQ(test, rig_refs(a), 1);
	KUNIT_EXPECT_EQ(test, rig_refs(b), 1);
	/* Only the root is left. */
	KUNIT_EXPECT_EQ(test, rig_vm(test)->dev->mmu.count, 1);
}

/* Random operations on buffers in many pieces, compared page by page. */
static void test_random(struct kunit *test)
{
	u32 round, first, pages, page, flags, k, i, handle[3];
	struct rnd_state rnd;
	struct ig1_bo *bo[3];
	u64 *model;

	model = kunit_kcalloc(test, WINDOW_PAGES, sizeof(*model), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, model);
	bo[0] = rig_scattered_bo(test, 100, &handle[0]);
	bo[1] = rig_scattered_bo(test, 256, &handle[1]);
	bo[2] = rig_bo(test, 256, &handle[2]);
	prandom_seed_state(&rnd, 3);
	for (round = 0; round < 300; round++) {
		k = prandom_u32_state(&rnd) % 4;
		first = prandom_u32_state(&rnd) % WINDOW_PAGES;
		pages = 1 + prandom_u32_state(&rnd) % 90;
		pages = min(pages, WINDOW_PAGES - first);
		if (k == 3) {
			rig_unmap(test, WINDOW_VA + first * PAGE, pages);
			memset(model + first, 0, pages * sizeof(*model));
		} else {
			page = prandom_u32_state(&rnd) % (101 - pages);
			flags = prandom_u32_state(&rnd) % 2 ? DRM_INTAGLIO_BIND_READONLY : 0;
			rig_map(test, WINDOW_VA + first * PAGE, handle[k], page, pages, flags);
			for (i = 0; i < pages; i++)
				model[first + i] = rig_page(bo[k], page + i, flags);
		}
		for (i = 0; i < WINDOW_PAGES; i++)
			KUNIT_ASSERT_EQ_MSG(test, rig_translate(test, WINDOW_VA + i * PAGE),
					    model[i], "round %u, page %u", round, i);
	}
	rig_unmap(test, WINDOW_VA, WINDOW_PAGES);
	for (k = 0; k < 3; k++)
		KUNIT_EXPECT_EQ(test, rig_refs(bo[k]), 1);
}

/* One page at many addresses, and closed handles: the mappings hold the buffer. */
static void test_share(struct kunit *test)
{
	struct rig *rig = test->priv;
	u32 handle, i;
	struct ig1_bo *bo = rig_bo(test, 1, &handle);

	for (i = 0; i < 40; i++)
		rig_map(test, (u64)i * SZ_2M, handle, 0, 1, 0);
	for (i = 0; i < 40; i++)
		KUNIT_EXPECT_EQ(test, rig_translate(test, (u64)i * SZ_2M), rig_page(bo, 0, 0));
	idr_remove(&rig->file->object_idr, handle);
	drm_gem_object_put(&bo->base.base);
	KUNIT_EXPECT_EQ(test, ig1_sram_free_pages(&rig->dev->sram), SRAM_PAGES - 1);
	for (i = 0; i < 40; i++) {
		KUNIT_EXPECT_EQ(test, ig1_sram_free_pages(&rig->dev->sram), SRAM_PAGES - 1);
		rig_unmap(test, (u64)i * SZ_2M, 1);
	}
	KUNIT_EXPECT_EQ(test, ig1_sram_free_pages(&rig->dev->sram), SRAM_PAGES);
}

/* --- arguments ------------------------------------------------------------------------------ */

struct bad_op {
	const char *name;
	struct drm_intaglio_bind_op op;
	int error;
};

static const struct bad_op bad_ops[] = {
	{ "good map", { GOOD_MAP }, 0 },
	{ "good unmap", { GOOD_UNMAP }, 0 },
	{ "op", { .op = 2, .handle = 1, .va = SZ_1M, .size = 2 * PAGE }, -EINVAL },
	{ "pad", { GOOD_MAP, .pad = 1 }, -EINVAL },
	{ "map flags", { GOOD_MAP, .flags = 2 }, -EINVAL },
	{ "handle 0", { MAP_OP(0, 0, SZ_1M, 2 * PAGE) }, -ENOENT },
	{ "handle", { MAP_OP(77, 0, SZ_1M, 2 * PAGE) }, -ENOENT },
	{ "offset not in pages", { MAP_OP(1, 8, SZ_1M, 2 * PAGE) }, -EINVAL },
	{ "offset beyond", { MAP_OP(1, 4 * PAGE, SZ_1M, 2 * PAGE) }, -EINVAL },
	{ "offset and size beyond", { MAP_OP(1, 3 * PAGE, SZ_1M, 2 * PAGE) }, -EINVAL },
	{ "offset wraps", { MAP_OP(1, -PAGE, SZ_1M, 2 * PAGE) }, -EINVAL },
	{ "size 0", { MAP_OP(1, 0, SZ_1M, 0) }, -EINVAL },
	{ "size not in pages", { MAP_OP(1, 0, SZ_1M, 100) }, -EINVAL },
	{ "size beyond the buffer", { MAP_OP(1, 0, SZ_1M, 5 * PAGE) }, -EINVAL },
	{ "size wraps", { MAP_OP(1, 0, SZ_1M, -PAGE) }, -EINVAL },
	{ "va not in pages", { MAP_OP(1, 0, 4, 2 * PAGE) }, -EINVAL },
	{ "va beyond", { MAP_OP(1, 0, BIT_ULL(IG1_VA_BITS), 2 * PAGE) }, -EINVAL },
	{ "va and size beyond", { MAP_OP(1, 0, BIT_ULL(IG1_VA_BITS) - PAGE, 2 * PAGE) }, -EINVAL },
	{ "va wraps", { MAP_OP(1, 0, -PAGE, 2 * PAGE) }, -EINVAL },
	{ "unmap flags", { GOOD_UNMAP, .flags = 1 }, -EINVAL },
	{ "unmap handle", { GOOD_UNMAP, .handle = 1 }, -EINVAL },
	{ "unmap offset", { GOOD_UNMAP, .offset = PAGE }, -EINVAL },
	{ "unmap size 0", { UNMAP_OP(SZ_1M, 0) }, -EINVAL },
	{ "unmap va", { UNMAP_OP(1, 2 * PAGE) }, -EINVAL },
	{ "unmap beyond", { UNMAP_OP(SZ_1M, BIT_ULL(IG1_VA_BITS)) }, -EINVAL },
};

static void bad_op_name(const struct bad_op *c, char *to)
{
	strscpy(to, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(bad_op, bad_ops, bad_op_name);

static void test_bad_op(struct kunit *test)
{
	const struct bad_op *c = test->param_value;
	struct ig1_bo *bo;
	u32 handle;

	bo = rig_bo(test, 4, &handle);
	KUNIT_ASSERT_EQ(test, handle, 1);
	KUNIT_EXPECT_EQ(test, rig_op(test, &c->op), c->error);
	if (c->error) {
		KUNIT_EXPECT_EQ(test, rig_mappings(test), 0);
		KUNIT_EXPECT_EQ(test, rig_refs(bo), 1);
		KUNIT_EXPECT_EQ(test, rig_vm(test)->dev->mmu.count, 1);
	}
}

/* A buffer that is private to another VM. */
static void test_private(struct kunit *test)
{
	struct drm_intaglio_bind_op op = { GOOD_MAP };
	struct drm_intaglio_vm_create create = { 0 };
	struct rig *rig = test->priv;
	struct ig1_vm *other;
	struct ig1_bo *bo;

	bo = rig_bo(test, 4, &op.handle);
	KUNIT_ASSERT_EQ(test, ig1_vm_create_ioctl(&rig->dev->drm, &create, rig->file), 0);
	other = xa_load(&rig->priv->vms, create.vm_id);
	bo->root = other->base.r_obj;
	drm_gem_object_get(bo->root);
	bo->base.base.resv = bo->root->resv;
	KUNIT_EXPECT_EQ(test, rig_op(test, &op), -EINVAL);
	KUNIT_EXPECT_TRUE(test, IS_ERR(bo->base.base.funcs->export(&bo->base.base, 0)));
	rig->vm_id = create.vm_id;
	KUNIT_EXPECT_EQ(test, rig_op(test, &op), 0);
}

static void test_vm_ioctls(struct kunit *test)
{
	struct drm_intaglio_vm_get_state state = { 0 };
	struct drm_intaglio_vm_destroy destroy = { 0 };
	struct drm_intaglio_vm_create create = { 0 };
	struct rig *rig = test->priv;
	struct drm_device *drm = &rig->dev->drm;

	create.flags = 1;
	KUNIT_EXPECT_EQ(test, ig1_vm_create_ioctl(drm, &create, rig->file), -EINVAL);
	create.flags = 0;
	KUNIT_EXPECT_EQ(test, ig1_vm_create_ioctl(drm, &create, rig->file), 0);
	KUNIT_EXPECT_NE(test, create.vm_id, 0);
	state.vm_id = create.vm_id;
	KUNIT_EXPECT_EQ(test, ig1_vm_get_state_ioctl(drm, &state, rig->file), 0);
	KUNIT_EXPECT_EQ(test, state.state, DRM_INTAGLIO_VM_USABLE);
	state.vm_id = 0;
	KUNIT_EXPECT_EQ(test, ig1_vm_get_state_ioctl(drm, &state, rig->file), -ENOENT);
	destroy.vm_id = create.vm_id;
	destroy.pad = 1;
	KUNIT_EXPECT_EQ(test, ig1_vm_destroy_ioctl(drm, &destroy, rig->file), -EINVAL);
	destroy.pad = 0;
	KUNIT_EXPECT_EQ(test, ig1_vm_destroy_ioctl(drm, &destroy, rig->file), 0);
	KUNIT_EXPECT_EQ(test, ig1_vm_destroy_ioctl(drm, &destroy, rig->file), -ENOENT);
	state.vm_id = create.vm_id;
	KUNIT_EXPECT_EQ(test, ig1_vm_get_state_ioctl(drm, &state, rig->file), -ENOENT);
}

static void test_gem_ioctls(struct kunit *test)
{
	static const struct {
		struct drm_intaglio_gem_create args;
		int error;
	} create[] = {
		{ { .size = 0 }, -EINVAL },
		{ { .size = BIT_ULL(IG1_VA_BITS) + 1 }, -EINVAL },
		{ { .size = ~0ull }, -EINVAL },
		{ { .size = PAGE, .flags = 2 }, -EINVAL },
		{ { .size = PAGE, .pad = 1 }, -EINVAL },
		{ { .size = PAGE, .vm_id = 99 }, -ENOENT },
		{ { .size = (SRAM_PAGES + 1) * PAGE, .flags = DRM_INTAGLIO_GEM_RESIDENT },
		  -ENOSPC },
	};
	struct drm_intaglio_gem_mmap_offset offset = { 0 };
	struct drm_intaglio_gem_info info = { 0 };
	struct drm_intaglio_gem_create args;
	struct rig *rig = test->priv;
	struct drm_device *drm = &rig->dev->drm;
	u32 handle, i;

	for (i = 0; i < ARRAY_SIZE(create); i++) {
		args = create[i].args;
		KUNIT_EXPECT_EQ_MSG(test, ig1_gem_create_ioctl(drm, &args, rig->file),
				    create[i].error, "case %u", i);
	}
	rig_bo(test, 3, &handle);
	info.handle = handle;
	KUNIT_EXPECT_EQ(test, ig1_gem_info_ioctl(drm, &info, rig->file), 0);
	KUNIT_EXPECT_EQ(test, info.size, 3 * PAGE);
	KUNIT_EXPECT_EQ(test, info.flags, DRM_INTAGLIO_GEM_RESIDENT);
	info.handle = 55;
	KUNIT_EXPECT_EQ(test, ig1_gem_info_ioctl(drm, &info, rig->file), -ENOENT);
	offset.handle = handle;
	KUNIT_EXPECT_EQ(test, ig1_gem_mmap_offset_ioctl(drm, &offset, rig->file), -EOPNOTSUPP);
	offset.handle = 55;
	KUNIT_EXPECT_EQ(test, ig1_gem_mmap_offset_ioctl(drm, &offset, rig->file), -ENOENT);
	offset.pad = 1;
	offset.handle = handle;
	KUNIT_EXPECT_EQ(test, ig1_gem_mmap_offset_ioctl(drm, &offset, rig->file), -EINVAL);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(test_split, split_gen_params),
	KUNIT_CASE(test_random),
	KUNIT_CASE(test_share),
	KUNIT_CASE_PARAM(test_bad_op, bad_op_gen_params),
	KUNIT_CASE(test_private),
	KUNIT_CASE(test_vm_ioctls),
	KUNIT_CASE(test_gem_ioctls),
	{},
};

static struct kunit_suite suite = {
	.name = "ig1_vm",
	.init = rig_init,
	.exit = rig_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
