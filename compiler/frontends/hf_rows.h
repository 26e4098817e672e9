/* SPDX-License-Identifier: MIT */
/*
 * Tensors that no file has as such: where their elements are in the tensors of safetensors files,
 * and what is done to them on the way. Made by hf_tensors.c, read row by row (struct gguf_rows).
 */
#ifndef IG1_COMPILER_FRONTENDS_HF_ROWS_H
#define IG1_COMPILER_FRONTENDS_HF_ROWS_H

#include "compiler/frontends/gguf_internal.h"
#include "compiler/frontends/safetensors.h"

#define HF_MAX_RUNS	      5
#define HF_MAX_FACTORS	      3

#define HF_MXFP4_BLOCK	      32
#define HF_MXFP4_BLOCK_BYTES  17 /* in GGUF: scale, 16 bytes of codes */
#define HF_MXFP4_STORED_BYTES 16

/*
 * Some of a part's units (rows, or elements), in order. Unit w of the run is the source's unit
 *	tiled(w / inner) * outer + offset + permuted(w % inner) * step.
 */
struct hf_run {
	uint64_t units;
	uint64_t inner, outer, offset, step;
	uint64_t half;	 /* of a head, where rows [2][half] become [half][2]; 0: not */
	uint64_t groups; /* [groups][each] become [each][groups]; 0: not */
	uint64_t each;
	float by[HF_MAX_FACTORS]; /* one after the other */
	uint32_t n_by;
};

enum hf_map {
	HF_MAP_NONE,
	HF_MAP_PLUS1,
	HF_MAP_NEG_EXP,
};

struct hf_rows {
	struct gguf_rows base;
	/* Unit u of the GGUF tensor is unit u % part_units of part u / part_units, which has runs. */
	const struct st_tensor **parts;
	uint64_t n_parts, part_units;
	uint64_t unit;	  /* elements of a unit */
	uint64_t per_row; /* units in a row of the GGUF tensor */
	struct hf_run run[HF_MAX_RUNS];
	size_t n_runs;
	bool f32; /* elements become F32: run's factors first, then map */
	enum hf_map map;
	const uint8_t *scales; /* MXFP4 */
	/* Transposed: elements of a source row, of which `cols` count, every col_step-th from col_first on. */
	uint64_t src_cols, cols, col_first, col_step;
};

/* For gguf_rows.read: units, bytes or numbers. */
void hf_read_units(const struct gguf_rows *base, const struct gguf_tensor *t, uint64_t first,
		   uint64_t n, uint8_t *dst);
/*
 * Row u is a column of a matrix of run[0].inner rows, of which the first is the source's row
 * m * run[0].outer + run[0].offset, m being the number of the matrix.
 */
void hf_read_transposed(const struct gguf_rows *base, const struct gguf_tensor *t, uint64_t first,
			uint64_t n, uint8_t *dst);
/* Blocks: the source has neighbours in a byte, GGUF the halves of a block in its nibbles. */
void hf_read_mxfp4(const struct gguf_rows *base, const struct gguf_tensor *t, uint64_t first,
		   uint64_t n, uint8_t *dst);

#endif
