// SPDX-License-Identifier: MIT
#include "rig.h"

#include <stdlib.h>
#include <string.h>

static int bus_check(uint64_t addr, size_t n)
{
	return addr < RIG_HOST_BASE || n > RIG_HOST_BYTES ||
	       addr - RIG_HOST_BASE > RIG_HOST_BYTES - n;
}

static int bus_read(void *ctx, uint64_t addr, void *dst, size_t n)
{
	struct rig *g = ctx;

	if (bus_check(addr, n))
		return -1;
	memcpy(dst, g->host + (addr - RIG_HOST_BASE), n);
	return 0;
}

static int bus_write(void *ctx, uint64_t addr, const void *src, size_t n)
{
	struct rig *g = ctx;

	if (bus_check(addr, n))
		return -1;
	memcpy(g->host + (addr - RIG_HOST_BASE), src, n);
	return 0;
}

uint64_t rig_page(struct rig *g)
{
	uint64_t bus = RIG_HOST_BASE + g->host_used;

	if (g->host_used + 4096 > RIG_HOST_BYTES)
		abort();
	memset(g->host + g->host_used, 0, 4096);
	g->host_used += 4096;
	return bus;
}

uint8_t *rig_host(struct rig *g, uint64_t bus)
{
	return g->host + (bus - RIG_HOST_BASE);
}

void rig_pte(struct rig *g, uint64_t va, int level, uint64_t pte)
{
	uint64_t table = g->root;
	uint64_t *e;
	int l;

	for (l = 2;; l--) {
		e = (uint64_t *)rig_host(g, table) + ((va >> (12 + 9 * l)) & 511);
		if (l == level)
			break;
		if (!(*e & IG1_PTE_VALID))
			*e = rig_page(g) | IG1_PTE_VALID;
		table = *e & IG1_PTE_ADDR_MASK;
	}
	*e = pte;
}

void rig_map(struct rig *g, uint64_t va, uint64_t target, uint64_t flags)
{
	rig_pte(g, va, 0, target | flags | IG1_PTE_VALID | IG1_PTE_LEAF);
}

int rig_open(struct rig *g, const char *config, const void *rom, size_t rom_bytes, const void *crom,
	     size_t crom_bytes)
{
	struct ig1_mask mask = { rom, rom_bytes, crom, crom_bytes };
	struct ig1_bus bus = { .ctx = g, .read = bus_read, .write = bus_write };
	uint32_t i;

	memset(g, 0, sizeof(*g));
	for (i = 0; i < IG1_CONFIGS; i++)
		if (!strcmp(ig1_configs[i].name, config))
			g->cfg = &ig1_configs[i];
	g->host = calloc(1, RIG_HOST_BYTES);
	if (!g->cfg || !g->host || ig1_ref_create(g->cfg, &mask, &bus, &g->ref)) {
		free(g->host);
		return -1;
	}
	g->root = rig_page(g);
	for (i = 0; i < RIG_MAX_CMDS * IG1_COMMAND_BYTES; i += 4096)
		rig_map(g, RIG_PROG_VA + i, rig_page(g), 0);
	g->emit_bus = rig_page(g);
	rig_map(g, RIG_EMIT_VA, g->emit_bus, IG1_PTE_WRITE);
	g->job = (struct ig1_job){
		.magic = IG1_JOB_MAGIC,
		.job_id = 1,
		.pt_root = g->root,
		.prog_va = RIG_PROG_VA,
		.emit_va = RIG_EMIT_VA,
		.emit_entries = 4096 / sizeof(struct ig1_token),
	};
	return 0;
}

void rig_close(struct rig *g)
{
	ig1_ref_destroy(g->ref);
	free(g->host);
}

void rig_reset(struct rig *g)
{
	g->len = 0;
}

uint32_t *rig_cmd(struct rig *g)
{
	if (g->len == RIG_MAX_CMDS)
		abort();
	memset(g->prog[g->len], 0, sizeof(g->prog[0]));
	return g->prog[g->len++];
}

void rig_end(struct rig *g)
{
	rig_cmd(g)[0] = IG1_OP_S_END;
}

uint32_t rig_run(struct rig *g)
{
	uint64_t *table;
	uint32_t i;

	for (i = 0; i < g->len; i++) {
		uint64_t va = RIG_PROG_VA + (uint64_t)i * IG1_COMMAND_BYTES;
		uint64_t t = g->root;
		int l;

		for (l = 2; l >= 0; l--) {
			table = (uint64_t *)rig_host(g, t);
			t = table[(va >> (12 + 9 * l)) & 511] & IG1_PTE_ADDR_MASK;
		}
		memcpy(rig_host(g, t) + (va & 4095), g->prog[i], IG1_COMMAND_BYTES);
	}
	g->job.prog_len = g->len;
	ig1_ref_run(g->ref, &g->job, 0, &g->done);
	return g->done.fault;
}
