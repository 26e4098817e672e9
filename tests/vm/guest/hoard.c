// SPDX-License-Identifier: MIT
/*
 * A process that wants all memory, in one way of the driver's: `hoard tables` maps one page into as many
 * page tables as address spaces have, `hoard buffers` binds buffers. Ends with status 0 when it is refused
 * (ENOMEM), with 1 when anything else is wrong or when it got what it wanted.
 */
#include "node.h"

#include <errno.h>

#define REGION	 (UINT64_C(1) << 21) /* of one page table */
#define CALL_OPS 1024u
#define VMS	 4u
#define BUFFERS	 4096u
#define BUFFER	 (UINT64_C(1) << 24)

static int bind_regions(int fd, uint32_t vm, uint32_t handle, uint64_t first)
{
	static struct drm_intaglio_bind_op ops[CALL_OPS];
	struct drm_intaglio_vm_bind a = { .vm_id = vm,
					  .ops = { sizeof(ops[0]), CALL_OPS, (uintptr_t)ops } };
	uint32_t i;

	for (i = 0; i < CALL_OPS; i++)
		ops[i] = (struct drm_intaglio_bind_op){ .op = DRM_INTAGLIO_BIND_MAP,
							.handle = handle,
							.va = (first + i) * REGION,
							.size = IG1_PAGE_BYTES };
	return NODE_CALL(fd, VM_BIND, &a);
}

static int tables(int fd)
{
	uint64_t regions = (UINT64_C(1) << IG1_VA_BITS) / REGION, i;
	uint32_t vm, k;
	struct node_bo bo;
	int err;

	err = node_bo_create(fd, IG1_PAGE_BYTES, 0, 0, &bo);
	for (k = 0; !err && k < VMS; k++) {
		err = node_vm_create(fd, &vm);
		for (i = 0; !err && i < regions; i += CALL_OPS)
			err = bind_regions(fd, vm, bo.handle, i);
	}
	return err;
}

static int buffers(int fd)
{
	struct drm_intaglio_gem_create c;
	uint32_t vm, k;
	int err;

	err = node_vm_create(fd, &vm);
	for (k = 0; !err && k < BUFFERS; k++) {
		struct node_bo bo = { .size = BUFFER };

		c = (struct drm_intaglio_gem_create){ .size = BUFFER, .vm_id = vm };
		err = NODE_CALL(fd, GEM_CREATE, &c);
		bo.handle = c.handle;
		if (!err)
			err = node_map(fd, vm, &bo, 0, k * BUFFER, BUFFER, 0);
	}
	return err;
}

int main(int argc, char **argv)
{
	int fd = node_open(0, 200), err;

	err = argc > 1 && !strcmp(argv[1], "buffers") ? buffers(fd) : tables(fd);
	fprintf(stderr, "%s\n", err ? strerror(-err) : "nothing was refused");
	return err != -ENOMEM;
}
