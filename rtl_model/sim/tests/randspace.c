// SPDX-License-Identifier: MIT
/* Host memory, page tables, masks and helper programs of the random tests. */
#include "randspace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ig1_isa.h"

#define PAGE	   UINT64_C(4096)
#define ROM_BYTES  (200u * 1024 + 18)
#define CROM_BYTES (20u * 1024)
#define SRAM_BIG   0x200000 /* SRAM offset behind the large leaf */

struct builder {
	struct randspace *s;
	struct randprog_rng rng;
	uint64_t next; /* free page, bus offset */
};

static uint64_t take(struct builder *b, uint64_t bytes)
{
	uint64_t at = b->next;

	b->next += (bytes + PAGE - 1) & ~(PAGE - 1);
	if (b->next > SPACE_BYTES)
		abort(); /* SPACE_BYTES is too small for what is asked here */
	return at;
}

static uint64_t *table(struct builder *b, uint64_t pte)
{
	return (uint64_t *)(void *)(b->s->initial + ((pte & IG1_PTE_ADDR_MASK) - SPACE_BUS));
}

/* The entry that translates va at a level, making the tables above it. */
static uint64_t *entry(struct builder *b, uint64_t va, int level)
{
	uint64_t *t = table(b, b->s->pt_root);
	int l;

	for (l = 2;; l--) {
		uint64_t *e = &t[va >> (IG1_PAGE_SHIFT + IG1_PT_BITS * l) & (IG1_PT_ENTRIES - 1)];

		if (l == level)
			return e;
		if (!*e)
			*e = (SPACE_BUS + take(b, PAGE)) | IG1_PTE_VALID;
		t = table(b, *e);
	}
}

static void map(struct builder *b, uint64_t va, uint64_t target, uint64_t flags)
{
	*entry(b, va, 0) = target | flags | IG1_PTE_VALID | IG1_PTE_LEAF;
}

/* Pages from `from` in a random order, n of them from va on. */
static void map_shuffled(struct builder *b, uint64_t va, uint64_t from, uint32_t n, uint64_t flags)
{
	uint32_t *order = malloc(n * sizeof(*order));
	uint32_t i, j, t;

	if (!order)
		abort();
	for (i = 0; i < n; i++)
		order[i] = i;
	for (i = n - 1; i > 0; i--) {
		j = randprog_below(&b->rng, i + 1);
		t = order[i];
		order[i] = order[j];
		order[j] = t;
	}
	for (i = 0; i < n; i++)
		map(b, va + i * PAGE, from + order[i] * PAGE, flags);
	free(order);
}

static void map_linear(struct builder *b, uint64_t va, uint64_t from, uint64_t bytes,
		       uint64_t flags)
{
	uint64_t i;

	for (i = 0; i < bytes; i += PAGE)
		map(b, va + i, from + i, flags);
}

static void fill(struct builder *b, uint64_t at, uint64_t bytes)
{
	uint64_t i;
	uint32_t v;

	for (i = 0; i < bytes; i += 4) {
		v = randprog_float(&b->rng);
		memcpy(b->s->initial + at + i, &v, 4);
	}
}

static void region(struct builder *b, uint64_t va, uint64_t bytes, int writable)
{
	struct randprog_world *w = &b->s->world;

	w->region[w->regions++] = (struct randprog_region){ va, bytes, writable };
}

static void bad(struct builder *b, uint64_t va)
{
	b->s->world.bad_va[b->s->world.bads++] = va;
}

static void bad_pte(struct builder *b, uint64_t va, int level, uint64_t pte)
{
	*entry(b, va, level) = pte;
	bad(b, va);
}

/* Every way a translation can fail. */
static void bad_pages(struct builder *b, uint64_t good)
{
	const uint64_t base = UINT64_C(0x700000000); /* nothing else is near */
	const uint64_t leaf = IG1_PTE_VALID | IG1_PTE_LEAF | IG1_PTE_WRITE;
	const struct ig1_config *cfg = b->s->world.cfg;

	bad(b, base + (UINT64_C(1) << 36)); /* no entry at level 2 */
	map(b, base, good, IG1_PTE_WRITE);
	bad(b, base + PAGE);		    /* none at level 0 */
	bad(b, base + (UINT64_C(5) << 21)); /* none at level 1 */
	bad(b, UINT64_C(1) << IG1_VA_BITS); /* beyond the address space */
	bad(b, UINT64_C(0xfffffffffffff000));
	bad_pte(b, base + 2 * PAGE, 0, good | leaf | 1u << 5); /* unknown bits */
	bad_pte(b, base + 3 * PAGE, 0, good | leaf | UINT64_C(1) << 60);
	bad_pte(b, base + 4 * PAGE, 0, good | IG1_PTE_VALID); /* no leaf at level 0 */
	bad_pte(b, base + (UINT64_C(6) << 21), 1, (SPACE_BUS + PAGE) | leaf); /* leaf not aligned */
	bad_pte(b, base + (UINT64_C(7) << 21), 1, good | IG1_PTE_VALID | IG1_PTE_WRITE);
	bad_pte(b, base + (UINT64_C(8) << 21), 1, good | IG1_PTE_VALID | IG1_PTE_SRAM);
	bad_pte(b, base + 5 * PAGE, 0, cfg->sram_bytes | leaf | IG1_PTE_SRAM); /* beyond the SRAM */
	bad_pte(b, base + 6 * PAGE, 0, (SPACE_BUS + SPACE_BYTES) | leaf);      /* refused */
	bad_pte(b, base + (UINT64_C(9) << 21), 1, (SPACE_BUS + SPACE_BYTES) | IG1_PTE_VALID);
	/* a large leaf that goes beyond the SRAM */
	*entry(b, base + (UINT64_C(1) << 30), 2) = leaf | IG1_PTE_SRAM;
	bad(b, base + (UINT64_C(1) << 30) + cfg->sram_bytes);
	/* a good page before a refused one */
	map(b, base + 7 * PAGE, good, IG1_PTE_WRITE);
	bad_pte(b, base + 8 * PAGE, 0, (SPACE_BUS - PAGE) | leaf);
}

int randspace_init(struct randspace *s, const struct ig1_config *cfg, uint64_t seed)
{
	struct builder b = { .s = s };
	uint64_t ro, good;
	uint32_t i;

	memset(s, 0, sizeof(*s));
	randprog_seed(&b.rng, seed ^ UINT64_C(0x5a5a5a5a));
	s->world.cfg = cfg;
	s->initial = calloc(1, SPACE_BYTES);
	s->rom = malloc(ROM_BYTES);
	s->crom = malloc(CROM_BYTES);
	if (!s->initial || !s->rom || !s->crom) {
		randspace_free(s);
		return -ENOMEM;
	}
	for (i = 0; i < ROM_BYTES; i++)
		s->rom[i] = (uint8_t)(randprog_next(&b.rng) >> 40);
	/* scales of moderate size, mostly: the high byte of every 17th half */
	for (i = 1; i < ROM_BYTES; i += 2)
		if (randprog_below(&b.rng, 4))
			s->rom[i] = (uint8_t)((s->rom[i] & 0x83) | 0x20 |
					      randprog_below(&b.rng, 6) << 2);
	for (i = 0; i < CROM_BYTES; i += 4) {
		uint32_t v = randprog_float(&b.rng);

		memcpy(s->crom + i, &v, 4);
	}
	s->mask = (struct ig1_mask){ s->rom, ROM_BYTES, s->crom, CROM_BYTES };
	s->world.rom_bytes = ROM_BYTES;
	s->world.crom_bytes = CROM_BYTES;
	s->world.emit_entries = SPACE_EMITS;

	s->pt_root = SPACE_BUS + take(&b, PAGE);
	s->prog = take(&b, SPACE_PROG_MAX * IG1_COMMAND_BYTES);
	s->emit = take(&b, SPACE_EMITS * sizeof(struct ig1_token));
	s->trace = take(&b, SPACE_TRACES * sizeof(struct ig1_trace));
	s->scratch_dump = take(&b, cfg->scratch_bytes);
	s->sram_dump = take(&b, SPACE_SRAM_PAGES * PAGE + SPACE_BIG_BYTES);
	s->sram_init = take(&b, SPACE_SRAM_PAGES * PAGE + SPACE_BIG_BYTES);
	fill(&b, s->sram_init, SPACE_SRAM_PAGES * PAGE + SPACE_BIG_BYTES);
	ro = take(&b, 24 * PAGE);
	s->rw = take(&b, SPACE_RW_BYTES);
	good = SPACE_BUS + take(&b, PAGE);
	fill(&b, ro, 24 * PAGE);
	fill(&b, s->rw, SPACE_RW_BYTES);
	fill(&b, good - SPACE_BUS, PAGE);

	map_linear(&b, SPACE_PROG_VA, SPACE_BUS + s->prog, SPACE_PROG_MAX * IG1_COMMAND_BYTES, 0);
	map_linear(&b, SPACE_EMIT_VA, SPACE_BUS + s->emit, PAGE, IG1_PTE_WRITE);
	map_linear(&b, SPACE_TRACE_VA, SPACE_BUS + s->trace,
		   SPACE_TRACES * sizeof(struct ig1_trace), IG1_PTE_WRITE);
	map_linear(&b, SPACE_SCRATCH_VA, SPACE_BUS + s->scratch_dump, cfg->scratch_bytes,
		   IG1_PTE_WRITE);
	map_linear(&b, SPACE_SRAM_VA, SPACE_BUS + s->sram_dump,
		   SPACE_SRAM_PAGES * PAGE + SPACE_BIG_BYTES, IG1_PTE_WRITE);
	map_linear(&b, SPACE_SRAM_VA + 0x100000, SPACE_BUS + s->sram_init,
		   SPACE_SRAM_PAGES * PAGE + SPACE_BIG_BYTES, 0);

	/* host pages, read only and not, across a table's end */
	map_shuffled(&b, UINT64_C(0x101ff8000), SPACE_BUS + ro, 24, 0);
	region(&b, UINT64_C(0x101ff8000), 24 * PAGE, 0);
	map_shuffled(&b, UINT64_C(0x1ffffc000), SPACE_BUS + s->rw, SPACE_RW_BYTES / PAGE,
		     IG1_PTE_WRITE);
	region(&b, UINT64_C(0x1ffffc000), SPACE_RW_BYTES, 1);
	/* resident pages */
	s->sram_va = UINT64_C(0x280000000);
	map_shuffled(&b, s->sram_va, cfg->sram_bytes - SPACE_SRAM_PAGES * PAGE, SPACE_SRAM_PAGES,
		     IG1_PTE_WRITE | IG1_PTE_SRAM);
	region(&b, s->sram_va, SPACE_SRAM_PAGES * PAGE, 1);
	region(&b, s->sram_va, SPACE_SRAM_PAGES * PAGE, 1);
	/* large leaves: 2 MiB of SRAM, 2 MiB and 1 GiB of host memory */
	s->big_va = UINT64_C(0x300000000);
	*entry(&b, s->big_va, 1) =
		SRAM_BIG | IG1_PTE_VALID | IG1_PTE_LEAF | IG1_PTE_WRITE | IG1_PTE_SRAM;
	region(&b, s->big_va, SPACE_BIG_BYTES, 1);
	*entry(&b, UINT64_C(0x340000000), 1) = SPACE_BUS | IG1_PTE_VALID | IG1_PTE_LEAF;
	*entry(&b, UINT64_C(0x380000000), 2) = SPACE_BUS | IG1_PTE_VALID | IG1_PTE_LEAF;
	if (ro + 24 * PAGE <= 1u << 21)
		region(&b, UINT64_C(0x340000000) + ro, 24 * PAGE, 0);
	region(&b, UINT64_C(0x380000000) + ro, 24 * PAGE, 0);
	s->world.ro_va = UINT64_C(0x380000000) + ro;
	bad_pages(&b, good);
	return 0;
}

void randspace_free(struct randspace *s)
{
	free(s->initial);
	free(s->rom);
	free(s->crom);
	memset(s, 0, sizeof(*s));
}

int randspace_read(void *ctx, uint64_t addr, void *dst, size_t n)
{
	if (addr < SPACE_BUS || addr - SPACE_BUS > SPACE_BYTES - n)
		return -EFAULT;
	memcpy(dst, (uint8_t *)ctx + (addr - SPACE_BUS), n);
	return 0;
}

int randspace_write(void *ctx, uint64_t addr, const void *src, size_t n)
{
	if (addr < SPACE_BUS || addr - SPACE_BUS > SPACE_BYTES - n)
		return -EFAULT;
	memcpy((uint8_t *)ctx + (addr - SPACE_BUS), src, n);
	return 0;
}

static uint32_t put_dma(uint32_t (*w)[IG1_CMD_WORDS], uint32_t at, uint8_t op, uint64_t va,
			uint32_t sp, uint32_t bytes)
{
	struct ig1_fmt_dma f = { .op = op, .va = va, .sp = sp, .bytes = bytes, .n1 = 1, .n2 = 1 };

	ig1_encode_dma(&f, w[at]);
	return at + 1;
}

static uint32_t put_end(uint32_t (*w)[IG1_CMD_WORDS], uint32_t at)
{
	ig1_encode_seq(&(struct ig1_fmt_seq){ .op = IG1_OP_S_END }, w[at]);
	return at + 1;
}

uint32_t randspace_restore(const struct randspace *s, uint32_t (*w)[IG1_CMD_WORDS])
{
	const uint32_t pages = SPACE_SRAM_PAGES * 4096, all = pages + SPACE_BIG_BYTES;
	uint32_t n = 0;

	n = put_dma(w, n, IG1_OP_D_LD, SPACE_SRAM_VA + 0x100000, 0, all);
	n = put_dma(w, n, IG1_OP_D_ST, s->sram_va, 0, pages);
	n = put_dma(w, n, IG1_OP_D_ST, s->big_va, pages, SPACE_BIG_BYTES);
	return put_end(w, n);
}

uint32_t randspace_dump(const struct randspace *s, uint32_t (*w)[IG1_CMD_WORDS])
{
	const uint32_t pages = SPACE_SRAM_PAGES * 4096, all = pages + SPACE_BIG_BYTES;
	uint32_t n = 0;

	n = put_dma(w, n, IG1_OP_D_ST, SPACE_SCRATCH_VA, 0, s->world.cfg->scratch_bytes);
	n = put_dma(w, n, IG1_OP_D_LD, s->sram_va, 0, pages);
	n = put_dma(w, n, IG1_OP_D_LD, s->big_va, pages, SPACE_BIG_BYTES);
	n = put_dma(w, n, IG1_OP_D_ST, SPACE_SRAM_VA, 0, all);
	return put_end(w, n);
}
