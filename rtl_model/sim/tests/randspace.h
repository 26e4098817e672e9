/* SPDX-License-Identifier: MIT */
/*
 * A piece of host memory with page tables and random data in it, the address space that random
 * programs run in, and the masks they use. Two copies of the memory start equal; each implementation
 * gets its own.
 */
#ifndef IG1_RANDSPACE_H
#define IG1_RANDSPACE_H

#include <stddef.h>
#include <stdint.h>

#include "randprog.h"
#include "ref.h"

#define SPACE_BUS	 UINT64_C(0x80000000) /* of the memory's first byte; 1 GiB aligned */
#define SPACE_BYTES	 (4u << 20)
#define SPACE_PROG_VA	 UINT64_C(0x1000000)
#define SPACE_PROG_MAX	 4096 /* commands */
#define SPACE_EMIT_VA	 UINT64_C(0x2000000)
#define SPACE_EMITS	 64
#define SPACE_TRACE_VA	 UINT64_C(0x3000000)
#define SPACE_TRACES	 2048
#define SPACE_SCRATCH_VA UINT64_C(0x4000000) /* where scratch is dumped */
#define SPACE_SRAM_VA	 UINT64_C(0x5000000) /* where the resident pages are dumped */
#define SPACE_SRAM_PAGES 16		     /* of the first SRAM region */
#define SPACE_BIG_BYTES	 0x4000		     /* used of the SRAM region behind a large leaf */
#define SPACE_RW_BYTES	 0x10000	     /* of the host memory that programs may write */

struct randspace {
	struct randprog_world world;
	uint64_t pt_root;
	uint8_t *initial; /* SPACE_BYTES */
	uint8_t *rom, *crom;
	struct ig1_mask mask;
	/* bus offsets */
	uint64_t prog, emit, trace, scratch_dump, sram_dump, sram_init, rw;
	uint64_t sram_va, big_va;
};

/* 0 or -ENOMEM. */
int randspace_init(struct randspace *s, const struct ig1_config *cfg, uint64_t seed);
void randspace_free(struct randspace *s);

/* struct ig1_bus callbacks; ctx is a pointer to SPACE_BYTES. */
int randspace_read(void *ctx, uint64_t addr, void *dst, size_t n);
int randspace_write(void *ctx, uint64_t addr, const void *src, size_t n);

/*
 * Helper programs of at most 8 commands; both return their length. restore: puts the contents of
 * sram_init into the resident pages. dump: scratch, then the resident pages, to where the world's
 * programs cannot reach them; destroys scratch.
 */
uint32_t randspace_restore(const struct randspace *s, uint32_t (*w)[IG1_CMD_WORDS]);
uint32_t randspace_dump(const struct randspace *s, uint32_t (*w)[IG1_CMD_WORDS]);

#endif
