/* SPDX-License-Identifier: MIT */
/* A model: programs in an address space, text tables, and KV memory for sessions. */
#ifndef ACCEL_MODEL_H
#define ACCEL_MODEL_H

#include "internal.h"
#include "tokenizer.h"

#define KV_POSITIONS 32u /* of a block */

struct program {
	struct accel_buffer *buf;
	uint64_t va;
	uint32_t commands;
};

struct accel_model {
	atomic_uint refs;
	struct accel_device *dev;
	struct accelfile *file;
	struct accel_space *space;
	struct program programs[IG1_PROGS];
	struct program copy; /* built here: copies pages, for copy-on-write */
	pthread_mutex_t stage_lock;
	bool staged; /* the programs are where they stay; they do not move under a queue's jobs */
	struct tokenizer *tok;
	char *chat_template;
	char source[65];
	atomic_uint kv_resident, kv_host; /* blocks */
	pthread_mutex_t kv_lock;	  /* of the members below */
	struct kv_slab *slabs;
	bool sram_full; /* since the last slab in SRAM was given back */
};

/* A buffer of the model's programs, read-only in the address space. */
int program_load(struct accel_model *m, const void *cmds, size_t bytes, struct program *out);

/*
 * Writes the copy program: R1 = source, R2 = destination, R3 = pages. `out` has room for
 * COPY_COMMANDS commands.
 */
#define COPY_COMMANDS 6
void copy_program(uint32_t (*out)[IG1_CMD_WORDS]);

/* Blocks come from buffers of several, so that a growing sequence seldom asks the driver. */
#define KV_SLAB_BLOCKS 8u

struct kv_slab {
	struct kv_slab *next;
	struct accel_buffer *buf;
	uint32_t n;    /* blocks, at most KV_SLAB_BLOCKS */
	uint32_t used; /* bit i: block i is taken */
	uint64_t block_bytes;
	bool resident;
};

/* One block of 32 positions. Shared by sessions after a fork; written only by a single owner. Its
 * contents are whatever an earlier owner left. */
struct kv_block {
	atomic_uint refs;
	struct kv_slab *slab;
	uint32_t index; /* in the slab */
};

static inline uint64_t kv_block_offset(const struct kv_block *b)
{
	return b->index * b->slab->block_bytes;
}

/* bytes: kv_block_bytes or win_block_bytes of the manifest. Blocks that one sequence takes at once. */
uint32_t kv_slab_blocks(const struct accel_model *m, uint64_t bytes);
int kv_block_create(struct accel_model *m, uint64_t bytes, struct kv_block **out);
void kv_block_unref(struct accel_model *m, struct kv_block *b);

#endif
