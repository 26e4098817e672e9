// SPDX-License-Identifier: MIT
/* Address spaces of the fake kernel. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fake_internal.h"

#define PAGE	((uint64_t)IG1_PAGE_BYTES)
#define MAX_OPS 1024

int fake_vm_create(struct fake_file *f, struct drm_intaglio_vm_create *a)
{
	struct fake_vm *vm;
	int id;

	if (a->flags)
		return -EINVAL;
	vm = calloc(1, sizeof(*vm));
	vm->refs = 1;
	vm->dev = f->dev;
	if (backend_ref.space_create(f->dev->ref, &vm->b)) {
		free(vm);
		return -ENOSPC;
	}
	id = fake_add(f, FAKE_VM, vm);
	if (id < 0) {
		backend_ref.space_destroy(vm->b);
		free(vm);
		return id;
	}
	vm->next = f->dev->vms;
	f->dev->vms = vm;
	a->vm_id = (uint32_t)id;
	return 0;
}

static void unmap(struct fake_vm *vm, uint64_t va, uint64_t size)
{
	uint64_t end = va + size, m_end, cut;
	struct fake_map **p = &vm->maps, *m, *rest;

	backend_ref.unbind(vm->b, va, size);
	while ((m = *p)) {
		m_end = m->va + m->size;
		if (m_end <= va || m->va >= end) {
			p = &m->next;
			continue;
		}
		if (m->va < va && m_end > end) { /* a hole */
			rest = malloc(sizeof(*rest));
			*rest = *m;
			rest->va = end;
			rest->size = m_end - end;
			rest->offset += end - m->va;
			rest->bo->refs++;
			m->next = rest;
			m->size = va - m->va;
		} else if (m->va < va) {
			m->size = va - m->va;
		} else if (m_end > end) {
			cut = end - m->va;
			m->va += cut;
			m->offset += cut;
			m->size -= cut;
		} else {
			*p = m->next;
			fake_bo_put(m->bo);
			free(m);
			continue;
		}
		p = &m->next;
	}
}

static void map(struct fake_vm *vm, const struct drm_intaglio_bind_op *op, struct fake_bo *bo)
{
	struct fake_map *m;

	unmap(vm, op->va, op->size);
	m = calloc(1, sizeof(*m));
	*m = (struct fake_map){ vm->maps, op->va, op->size, op->offset, bo, op->flags };
	bo->refs++;
	vm->maps = m;
	if (backend_ref.bind(vm->b, op->va, bo->b, op->offset, op->size,
			     op->flags & DRM_INTAGLIO_BIND_READONLY ? 0 : BACKEND_MAP_WRITE))
		abort(); /* tables of simulated memory */
}

void fake_vm_put(struct fake_vm *vm)
{
	struct fake_vm **p;

	if (--vm->refs)
		return;
	while (vm->maps)
		unmap(vm, vm->maps->va, vm->maps->size);
	backend_ref.space_destroy(vm->b);
	for (p = &vm->dev->vms; *p != vm; p = &(*p)->next)
		;
	*p = vm->next;
	free(vm);
}

int fake_vm_destroy(struct fake_file *f, struct drm_intaglio_vm_destroy *a)
{
	struct fake_vm *vm = fake_lookup(f, FAKE_VM, a->vm_id);

	if (a->pad)
		return -EINVAL;
	if (!vm)
		return -ENOENT;
	fake_remove(f, FAKE_VM, a->vm_id);
	while (vm->pending)
		pthread_cond_wait(&fake_changed, &fake_lock);
	fake_vm_put(vm);
	return 0;
}

static int check_op(struct fake_file *f, struct fake_vm *vm, const struct drm_intaglio_bind_op *op,
		    bool async, struct fake_bo **out)
{
	struct fake_bo *bo = NULL;
	uint64_t end;

	if (op->pad || op->va % PAGE || op->size % PAGE || op->offset % PAGE || !op->size ||
	    __builtin_add_overflow(op->va, op->size, &end) || end > UINT64_C(1) << FAKE_VA_BITS ||
	    (!async && op->syncs.count))
		return -EINVAL;
	switch (op->op) {
	case DRM_INTAGLIO_BIND_MAP:
		if (op->flags & ~DRM_INTAGLIO_BIND_READONLY)
			return -EINVAL;
		bo = fake_lookup(f, FAKE_BO, op->handle);
		if (!bo)
			return -ENOENT;
		if (__builtin_add_overflow(op->offset, op->size, &end) || end > bo->size ||
		    (bo->vm && bo->vm != vm))
			return -EINVAL;
		break;
	case DRM_INTAGLIO_BIND_UNMAP:
		if (op->flags || op->handle || op->offset)
			return -EINVAL;
		break;
	default:
		return -EINVAL;
	}
	if (vm->unusable && op->op != DRM_INTAGLIO_BIND_UNMAP)
		return -ECANCELED;
	*out = bo;
	return 0;
}

static void apply(struct fake_vm *vm, const struct drm_intaglio_bind_op *op, struct fake_bo *bo)
{
	if (op->op == DRM_INTAGLIO_BIND_MAP)
		map(vm, op, bo);
	else
		unmap(vm, op->va, op->size);
}

bool fake_vm_progress(struct fake_vm *vm)
{
	struct fake_bind *b = vm->pending;

	if (!b || !fake_syncs_ready(&b->syncs))
		return false;
	vm->pending = b->next;
	apply(vm, &b->op, b->bo);
	fake_syncs_end(&b->syncs, true);
	if (b->bo)
		fake_bo_put(b->bo);
	free(b);
	return true;
}

static int bind_async(struct fake_file *f, struct fake_vm *vm, struct drm_intaglio_vm_bind *a)
{
	struct fake_bind *list = NULL, **tail = &list, *b;
	uint32_t i;
	int err = 0;

	for (i = 0; i < a->ops.count && !err; i++) {
		b = calloc(1, sizeof(*b));
		*tail = b;
		tail = &b->next;
		err = fake_element(&a->ops, i, &b->op, sizeof(b->op));
		if (!err)
			err = check_op(f, vm, &b->op, true, &b->bo);
		if (!err)
			err = fake_syncs_get(f, &b->op.syncs, &b->syncs);
		if (err)
			b->bo = NULL;
		if (b->bo)
			b->bo->refs++;
	}
	if (!err) {
		for (b = list; b; b = b->next)
			fake_syncs_attach(&b->syncs);
		for (tail = &vm->pending; *tail; tail = &(*tail)->next)
			;
		*tail = list;
		fake_progress(f->dev);
		return 0;
	}
	while ((b = list)) {
		list = b->next;
		fake_syncs_end(&b->syncs, false);
		if (b->bo)
			fake_bo_put(b->bo);
		free(b);
	}
	a->ops.count = 0;
	return err;
}

int fake_vm_bind(struct fake_file *f, struct drm_intaglio_vm_bind *a)
{
	struct fake_vm *vm = fake_lookup(f, FAKE_VM, a->vm_id);
	struct drm_intaglio_bind_op op;
	struct fake_bo *bo;
	uint32_t i;
	int err;

	if (a->flags & ~DRM_INTAGLIO_VM_BIND_ASYNC)
		return -EINVAL;
	if (!vm)
		return -ENOENT;
	err = fake_array(&a->ops, sizeof(op), MAX_OPS);
	if (err)
		return err;
	if (a->flags & DRM_INTAGLIO_VM_BIND_ASYNC)
		return bind_async(f, vm, a);
	vm->refs++;
	while (vm->pending)
		pthread_cond_wait(&fake_changed, &fake_lock);
	for (i = 0; i < a->ops.count; i++) {
		err = fake_element(&a->ops, i, &op, sizeof(op));
		if (!err)
			err = check_op(f, vm, &op, false, &bo);
		if (err)
			break;
		apply(vm, &op, bo);
	}
	a->ops.count = err ? i : a->ops.count;
	fake_vm_put(vm);
	return err;
}

int fake_vm_get_state(struct fake_file *f, struct drm_intaglio_vm_get_state *a)
{
	struct fake_vm *vm = fake_lookup(f, FAKE_VM, a->vm_id);

	if (!vm)
		return -ENOENT;
	a->state = vm->unusable ? DRM_INTAGLIO_VM_UNUSABLE : DRM_INTAGLIO_VM_USABLE;
	return 0;
}
