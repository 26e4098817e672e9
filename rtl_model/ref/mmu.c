// SPDX-License-Identifier: MIT
/* Address translation and virtual accesses (docs/isa.md, section "Page tables"). */
#include <string.h>

#include "ref_internal.h"

#define PAGE_BYTES (UINT64_C(1) << IG1_PAGE_SHIFT)
#define PAGE_MASK  (PAGE_BYTES - 1)
#define LEVEL_BITS 9
#define PTE_KNOWN  (IG1_PTE_VALID | IG1_PTE_WRITE | IG1_PTE_SRAM | IG1_PTE_LEAF | IG1_PTE_ADDR_MASK)

void ref_mmu_start(struct ig1_ref *r, uint64_t pt_root)
{
	r->pt_root = pt_root;
	memset(r->tlb, 0, sizeof(r->tlb));
}

static int walk(struct ig1_ref *r, uint64_t va, struct ref_tlb_entry *e)
{
	uint64_t table = r->pt_root;
	uint8_t raw[8];
	uint64_t pte, low, addr;
	int level, i;

	for (level = 2;; level--) {
		unsigned int shift = IG1_PAGE_SHIFT + LEVEL_BITS * (unsigned int)level;
		uint64_t index = (va >> shift) & ((1u << LEVEL_BITS) - 1);

		if (r->bus.read(r->bus.ctx, table + 8 * index, raw, sizeof(raw)))
			return ref_fault(r, IG1_FAULT_BUS, va);
		for (pte = 0, i = 7; i >= 0; i--)
			pte = pte << 8 | raw[i];
		if (!(pte & IG1_PTE_VALID))
			return ref_fault(r, IG1_FAULT_PAGE, va);
		if (pte & ~PTE_KNOWN)
			return ref_fault(r, IG1_FAULT_PTE, va);
		addr = pte & IG1_PTE_ADDR_MASK;
		if (pte & IG1_PTE_LEAF) {
			low = (UINT64_C(1) << shift) - 1;
			if (addr & low)
				return ref_fault(r, IG1_FAULT_PTE, va);
			addr |= va & low & ~PAGE_MASK;
			break;
		}
		if (!level || pte & (IG1_PTE_SRAM | IG1_PTE_WRITE))
			return ref_fault(r, IG1_FAULT_PTE, va);
		table = addr;
	}
	if (pte & IG1_PTE_SRAM && addr >= r->cfg->sram_bytes)
		return ref_fault(r, IG1_FAULT_PTE, va);
	e->page = (va >> IG1_PAGE_SHIFT) + 1;
	e->addr = addr;
	e->sram = !!(pte & IG1_PTE_SRAM);
	e->write = !!(pte & IG1_PTE_WRITE);
	return 0;
}

static const struct ref_tlb_entry *translate(struct ig1_ref *r, uint64_t va, bool write)
{
	uint64_t page = va >> IG1_PAGE_SHIFT;
	struct ref_tlb_entry *e = &r->tlb[page % REF_TLB_ENTRIES];

	if (e->page != page + 1) {
		if (va >> IG1_VA_BITS) {
			ref_fault(r, IG1_FAULT_PAGE, va);
			return NULL;
		}
		if (walk(r, va, e)) {
			e->page = 0;
			return NULL;
		}
	}
	if (write && !e->write) {
		ref_fault(r, IG1_FAULT_WRITE, va);
		return NULL;
	}
	return e;
}

static size_t in_page(uint64_t va, size_t n)
{
	size_t room = (size_t)(PAGE_BYTES - (va & PAGE_MASK));

	return n < room ? n : room;
}

int ref_mem_read(struct ig1_ref *r, uint64_t va, void *dst, size_t n)
{
	uint8_t *d = dst;

	while (n) {
		const struct ref_tlb_entry *e = translate(r, va, false);
		size_t part = in_page(va, n);

		if (!e)
			return -1;
		if (e->sram)
			memcpy(d, r->sram + e->addr + (va & PAGE_MASK), part);
		else if (r->bus.read(r->bus.ctx, e->addr + (va & PAGE_MASK), d, part))
			return ref_fault(r, IG1_FAULT_BUS, va);
		d += part;
		va += part;
		n -= part;
	}
	return 0;
}

int ref_mem_write(struct ig1_ref *r, uint64_t va, const void *src, size_t n)
{
	const uint8_t *s = src;

	while (n) {
		const struct ref_tlb_entry *e = translate(r, va, true);
		size_t part = in_page(va, n);

		if (!e)
			return -1;
		if (e->sram)
			memcpy(r->sram + e->addr + (va & PAGE_MASK), s, part);
		else if (r->bus.write(r->bus.ctx, e->addr + (va & PAGE_MASK), s, part))
			return ref_fault(r, IG1_FAULT_BUS, va);
		s += part;
		va += part;
		n -= part;
	}
	return 0;
}

const uint8_t *ref_mem_peek(struct ig1_ref *r, uint64_t va, size_t n, uint8_t *bounce)
{
	const struct ref_tlb_entry *e = translate(r, va, false);
	const uint8_t *p;

	if (!e)
		return NULL;
	if (e->sram)
		return r->sram + e->addr + (va & PAGE_MASK);
	if (r->bus.map) {
		p = r->bus.map(r->bus.ctx, e->addr + (va & PAGE_MASK), n);
		if (p)
			return p;
	}
	if (r->bus.read(r->bus.ctx, e->addr + (va & PAGE_MASK), bounce, n)) {
		ref_fault(r, IG1_FAULT_BUS, va);
		return NULL;
	}
	return bounce;
}
