/* SPDX-License-Identifier: MIT */
/* Page tables of one address space, kept in simulated host memory. The caller serialises; the
 * chip may walk them at any time. */
#ifndef ACCEL_VM_H
#define ACCEL_VM_H

#include "hostmem.h"

struct vm {
	struct hostmem *mem;
	uint64_t root; /* bus address of the level-2 table */
};

int vm_init(struct vm *vm, struct hostmem *mem);
/* Frees all tables. */
void vm_fini(struct vm *vm);
/* One page: va and target are page-aligned, target a bus address or an SRAM offset. Replaces what
 * was there. ACCEL_ENOSPACE: no memory for tables. */
int vm_map(struct vm *vm, uint64_t va, uint64_t target, bool sram, bool write);
void vm_unmap(struct vm *vm, uint64_t va);
/* Writes through the tables to host memory, for chips that are models. ACCEL_EARG: not all of it
 * is mapped there for writing. */
int vm_write(struct vm *vm, uint64_t va, const void *src, size_t n);

#endif
