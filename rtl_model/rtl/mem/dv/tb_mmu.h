/* SPDX-License-Identifier: MIT */
/* The reference model's MMU alone, for the bench. */
#ifndef IG1_TB_MMU_H
#define IG1_TB_MMU_H

#include "ref.h"

#ifdef __cplusplus
extern "C" {
#endif

struct tb_mmu;

struct tb_mmu *tb_mmu_new(uint64_t sram_bytes, const struct ig1_bus *bus);
void tb_mmu_free(struct tb_mmu *mmu);
uint8_t *tb_mmu_sram(struct tb_mmu *mmu);
/* A context begins. */
void tb_mmu_start(struct tb_mmu *mmu, uint64_t pt_root);
/* Returns the fault code. */
uint32_t tb_mmu_access(struct tb_mmu *mmu, int we, uint64_t va, void *data, size_t n);

#ifdef __cplusplus
}
#endif

#endif
