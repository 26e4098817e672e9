// SPDX-License-Identifier: MIT
/* Three-level page tables (rtl_model/spec, "Page table"). */
#include "vm.h"

#include <string.h>

#include "ig1_chip.h"

#define TOP (IG1_PT_LEVELS - 1)

static uint64_t *table_at(struct vm *vm, uint64_t bus)
{
	return hostmem_ptr(vm->mem, bus, IG1_PAGE_BYTES);
}

static uint64_t *entry_of(uint64_t *table, uint64_t va, int level)
{
	unsigned int shift = IG1_PAGE_SHIFT + IG1_PT_BITS * (unsigned int)level;

	return &table[va >> shift & (IG1_PT_ENTRIES - 1)];
}

int vm_init(struct vm *vm, struct hostmem *mem)
{
	vm->mem = mem;
	return hostmem_alloc(mem, IG1_PAGE_BYTES, &vm->root);
}

static void free_table(struct vm *vm, uint64_t bus, int level)
{
	uint64_t *table = table_at(vm, bus);
	int i;

	for (i = 0; level && i < IG1_PT_ENTRIES; i++) {
		if (table[i] & IG1_PTE_VALID && !(table[i] & IG1_PTE_LEAF))
			free_table(vm, table[i] & IG1_PTE_ADDR_MASK, level - 1);
	}
	hostmem_free(vm->mem, bus, IG1_PAGE_BYTES);
}

void vm_fini(struct vm *vm)
{
	if (vm->root)
		free_table(vm, vm->root, TOP);
	vm->root = 0;
}

int vm_map(struct vm *vm, uint64_t va, uint64_t target, bool sram, bool write)
{
	uint64_t *table = table_at(vm, vm->root), *e, bus, pte;
	int level, err;

	for (level = TOP; level; level--) {
		e = entry_of(table, va, level);
		if (!(*e & IG1_PTE_VALID)) {
			err = hostmem_alloc(vm->mem, IG1_PAGE_BYTES, &bus);
			if (err)
				return err;
			__atomic_store_n(e, bus | IG1_PTE_VALID, __ATOMIC_RELEASE);
		}
		table = table_at(vm, *e & IG1_PTE_ADDR_MASK);
	}
	pte = target | IG1_PTE_VALID | IG1_PTE_LEAF;
	pte |= (sram ? IG1_PTE_SRAM : 0) | (write ? IG1_PTE_WRITE : 0);
	__atomic_store_n(entry_of(table, va, 0), pte, __ATOMIC_RELEASE);
	return 0;
}

void vm_unmap(struct vm *vm, uint64_t va)
{
	uint64_t *table = table_at(vm, vm->root), *e;
	int level;

	for (level = TOP; level; level--) {
		e = entry_of(table, va, level);
		if (!(*e & IG1_PTE_VALID))
			return;
		table = table_at(vm, *e & IG1_PTE_ADDR_MASK);
	}
	__atomic_store_n(entry_of(table, va, 0), 0, __ATOMIC_RELEASE);
}

static uint64_t lookup(struct vm *vm, uint64_t va)
{
	uint64_t *table = table_at(vm, vm->root), e = 0;
	int level;

	if (va >> IG1_VA_BITS)
		return 0;
	for (level = TOP; table; level--) {
		e = __atomic_load_n(entry_of(table, va, level), __ATOMIC_ACQUIRE);
		if (!level || !(e & IG1_PTE_VALID))
			break;
		table = table_at(vm, e & IG1_PTE_ADDR_MASK);
	}
	return e & IG1_PTE_VALID ? e : 0;
}

int vm_write(struct vm *vm, uint64_t va, const void *src, size_t n)
{
	const uint8_t *from = src;
	uint64_t e, off;
	size_t part;
	uint8_t *to;

	for (; n; n -= part, va += part, from += part) {
		off = va % IG1_PAGE_BYTES;
		part = n < IG1_PAGE_BYTES - off ? n : IG1_PAGE_BYTES - off;
		e = lookup(vm, va);
		if (!(e & IG1_PTE_WRITE) || e & IG1_PTE_SRAM)
			return ACCEL_EARG;
		to = hostmem_ptr(vm->mem, (e & IG1_PTE_ADDR_MASK) + off, part);
		if (!to)
			return ACCEL_EARG;
		memcpy(to, from, part);
	}
	return 0;
}
