/* SPDX-License-Identifier: MIT */
/*
 * The driver for chips that live in this process: simulated host memory, page tables, resident
 * SRAM, contexts, and a worker thread that schedules jobs by priority and hands them to a chip. A
 * chip is a table of functions; ref, sim and null differ in nothing else.
 *
 * At most one job of a context is with the chip at a time, so that stopping the context stops that
 * job and no other.
 */
#ifndef ACCEL_SOFT_H
#define ACCEL_SOFT_H

#include "backends/backend.h"
#include "hostmem.h"
#include "vm.h"

#define SOFT_CONTEXTS 65536u

struct soft_chip_ops {
	/* All but abort and sram_zero are called by the worker thread only. */

	/* Takes a job of priority 0..3, or ACCEL_ENOSPACE (not recorded): busy, ask later. */
	int (*start)(void *chip, uint32_t priority, const struct ig1_job *job);
	/* Works for a while. 1: a job ended, *done tells which; 0: call again; negative: lost. */
	int (*advance)(void *chip, struct ig1_completion *done);
	/* Any thread: the job, if the chip has it, ends with fault abort. May be called again. */
	void (*abort)(void *chip, const struct ig1_job *job);
	/* Any thread: clears pages that no job can reach. */
	int (*sram_zero)(void *chip, uint64_t page, uint64_t n);
	void (*close)(void *chip);
};

struct soft_dev;

/* Step 1 of a back end's open: memory and the device object. */
int soft_create(struct accel_env *env, uint64_t host_bytes, struct soft_dev **out);
struct hostmem *soft_hostmem(struct soft_dev *dev);
/* Step 2: the chip (owned from here on, also on failure), its device tree and SRAM; starts the
 * worker. fdt must outlive the device. */
int soft_start(struct soft_dev *dev, const struct soft_chip_ops *ops, void *chip, const void *fdt,
	       size_t fdt_bytes, uint64_t sram_bytes);
/* Undoes step 1 and, if it was taken, step 2. */
void soft_destroy(struct soft_dev *dev);
void *soft_chip(struct backend_dev *dev);

/* Members of a struct backend_ops. */
void soft_close(struct backend_dev *dev);
int soft_fdt(struct backend_dev *dev, const void **fdt, size_t *bytes);
int soft_query(struct backend_dev *dev, enum backend_query what, uint64_t *value);
int soft_space_create(struct backend_dev *dev, struct backend_space **out);
void soft_space_destroy(struct backend_space *space);
int soft_bo_create(struct backend_dev *dev, struct backend_space *space, uint64_t bytes,
		   uint32_t flags, struct backend_bo **out);
void soft_bo_destroy(struct backend_bo *bo);
void *soft_bo_ptr(struct backend_bo *bo);
int soft_bind(struct backend_space *space, uint64_t va, struct backend_bo *bo, uint64_t offset,
	      uint64_t bytes, uint32_t flags);
int soft_unbind(struct backend_space *space, uint64_t va, uint64_t bytes);
int soft_queue_create(struct backend_space *space, uint32_t priority, struct backend_queue **out);
void soft_queue_destroy(struct backend_queue *queue);
int soft_submit(struct backend_queue *queue, const struct backend_job *job, backend_done_fn done,
		void *ctx);
int soft_cancel(struct backend_queue *queue);

/* All of them but close and query, for a designated initialiser. */
#define SOFT_OPS                                                                                 \
	.fdt = soft_fdt, .space_create = soft_space_create, .space_destroy = soft_space_destroy, \
	.bo_create = soft_bo_create, .bo_destroy = soft_bo_destroy, .bo_ptr = soft_bo_ptr,       \
	.bind = soft_bind, .unbind = soft_unbind, .queue_create = soft_queue_create,             \
	.queue_destroy = soft_queue_destroy, .submit = soft_submit, .cancel = soft_cancel,       \
	.queue_depth = 1

#endif
