/* SPDX-License-Identifier: MIT */
/*
 * A small machine for tests: host memory with page tables in it, and one reference model. Programs
 * are written command by command; run() executes them as one job.
 */
#ifndef IG1_TEST_RIG_H
#define IG1_TEST_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ig1_chip.h"
#include "ref.h"

#define RIG_HOST_BASE  UINT64_C(0x100000) /* bus address of host memory */
#define RIG_HOST_BYTES (8u << 20)
#define RIG_MAX_CMDS   1024
#define RIG_PROG_VA    UINT64_C(0x10000000)
#define RIG_EMIT_VA    UINT64_C(0x20000000)

struct rig {
	struct ig1_ref *ref;
	const struct ig1_config *cfg;
	uint8_t *host;
	size_t host_used; /* bump allocator, 4096-byte pages */
	uint64_t root;	  /* bus address of the level-2 table */
	uint64_t emit_bus;
	uint32_t prog[RIG_MAX_CMDS][IG1_CMD_WORDS];
	uint32_t len;
	struct ig1_job job; /* set up by rig_open, changed by the test */
	struct ig1_completion done;
};

/* 0 or -1. rom and crom stay the caller's. */
int rig_open(struct rig *g, const char *config, const void *rom, size_t rom_bytes, const void *crom,
	     size_t crom_bytes);
void rig_close(struct rig *g);

/* A zeroed page of host memory: its bus address. */
uint64_t rig_page(struct rig *g);
uint8_t *rig_host(struct rig *g, uint64_t bus);
/* Maps one 4096-byte page; flags are IG1_PTE_* without VALID and LEAF. */
void rig_map(struct rig *g, uint64_t va, uint64_t target, uint64_t flags);
/* Writes a raw entry at a level (2, 1, 0), making the tables above it. */
void rig_pte(struct rig *g, uint64_t va, int level, uint64_t pte);

void rig_reset(struct rig *g);	  /* empties the program */
uint32_t *rig_cmd(struct rig *g); /* the next command, zeroed */
void rig_end(struct rig *g);

/* Runs the program as a job; scratch is kept. Returns the fault code. */
uint32_t rig_run(struct rig *g);

#endif
