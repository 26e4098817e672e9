/* SPDX-License-Identifier: MIT */
/* Latent attention (models.md section 5, deepseek2): files from before its absorbed form. */
#ifndef IG1_COMPILER_FRONTENDS_MLA_H
#define IG1_COMPILER_FRONTENDS_MLA_H

#include "compiler/frontends/build.h"

/*
 * attn_kv_b of a layer, whose n->heads heads have `plain` rows that make keys of latent vectors and
 * `value` that make values, as the two matrices of the absorbed form: of keys transposed head by head,
 * in F32 (its blocks lie across the file's), and values as they are in the file. Both are made row by row.
 */
int fe_split_kv_b(struct fe_net *n, uint32_t layer, uint32_t rank, uint32_t plain, uint32_t value,
		  struct ir_tensor **k_b, struct ir_tensor **v_b);

#endif
