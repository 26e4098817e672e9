// SPDX-License-Identifier: MIT
#include "tb_mmu.h"

#include <stdlib.h>

#include "ref_internal.h"

struct tb_mmu {
	struct ig1_config cfg;
	struct ig1_ref ref;
};

struct tb_mmu *tb_mmu_new(uint64_t sram_bytes, const struct ig1_bus *bus)
{
	struct tb_mmu *m = calloc(1, sizeof(*m));

	if (!m)
		abort();
	m->cfg.sram_bytes = sram_bytes;
	m->ref.cfg = &m->cfg;
	m->ref.bus = *bus;
	m->ref.sram = calloc(1, sram_bytes);
	if (!m->ref.sram)
		abort();
	return m;
}

void tb_mmu_free(struct tb_mmu *m)
{
	free(m->ref.sram);
	free(m);
}

uint8_t *tb_mmu_sram(struct tb_mmu *m)
{
	return m->ref.sram;
}

void tb_mmu_start(struct tb_mmu *m, uint64_t pt_root)
{
	ref_mmu_start(&m->ref, pt_root);
}

uint32_t tb_mmu_access(struct tb_mmu *m, int we, uint64_t va, void *data, size_t n)
{
	m->ref.fault.code = 0;
	if (we)
		ref_mem_write(&m->ref, va, data, n);
	else
		ref_mem_read(&m->ref, va, data, n);
	return m->ref.fault.code;
}
