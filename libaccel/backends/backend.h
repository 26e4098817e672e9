/* SPDX-License-Identifier: MIT */
/*
 * What a back end is: a table of functions that gives the core a chip with host memory, address
 * spaces and queues. Everything the user sees (timelines, poison, fences, sessions) is above it.
 *
 * Functions return enum accel_error values and record details with env_fail(). Any thread may call
 * any function, but never two at once with the same queue, nor destroy what is in use. A back
 * end calls the core in one place only: backend_done_fn, from a thread of its own, holding no lock.
 *
 * To write a new one, copy null/.
 */
#ifndef ACCEL_BACKEND_H
#define ACCEL_BACKEND_H

#include <stdint.h>

#include "core/env.h"
#include "ig1_chip.h"

#define ACCEL_BACKEND_VERSION 1

struct backend_dev;
struct backend_space;
struct backend_bo;
struct backend_queue;

/* The contents of a simulated chip's ROMs; stays valid until close. */
struct backend_mask {
	const uint8_t *rom;
	size_t rom_bytes;
	const uint8_t *crom;
	size_t crom_bytes;
	const void *fdt;
	size_t fdt_bytes;
};

struct backend_options {
	uint32_t index;
	const char *firmware; /* NULL: the default */
	uint64_t host_bytes;  /* 0: the default */
};

enum backend_query {
	BACKEND_SRAM_BYTES,
	BACKEND_SRAM_FREE,
	BACKEND_HOST_BYTES,
	BACKEND_HOST_FREE,
	BACKEND_FW_VERSION,
	BACKEND_CYCLE_EXACT,
	BACKEND_IOCTLS, /* system calls to a driver so far */
	/* Of the whole device, all processes. */
	BACKEND_CHIP_HOST_USED,
	BACKEND_CHIP_JOBS_DONE,
	BACKEND_CHIP_JOBS_FAULTED,
	BACKEND_CHIP_TIMEOUTS,
	BACKEND_CHIP_RESETS,
	BACKEND_CHIP_CYCLES,
	BACKEND_CHIP_COUNTER_0 = 64, /* + counter */
};

struct backend_job {
	uint64_t prog_va;
	uint32_t prog_len;
	uint32_t nargs;
	uint64_t args[8];
	uint64_t emit_va;
	uint64_t trace_va;
	uint32_t emit_entries;
	uint32_t trace_entries;
	uint64_t watchdog;
};

/* How a job ended. error: 0, ACCEL_EFAULT (code, addr, index are set), ACCEL_ECANCELED (an earlier
 * job of the queue failed, or cancel(); fault is set if it was running), ACCEL_EDEVICE. */
struct backend_result {
	int error;
	uint32_t fault;
	uint64_t fault_addr;
	uint32_t fault_index;
	uint32_t emitted;
	uint32_t traced;
	uint64_t counters[IG1_CTR_COUNT];
};

typedef void (*backend_done_fn)(void *ctx, const struct backend_result *result);

#define BACKEND_BO_RESIDENT (1u << 0)
#define BACKEND_MAP_WRITE   (1u << 0)

/* The chip is made from a mask at open; without the flag the device has its own ROM. */
#define BACKEND_NEEDS_MASK (1u << 0)

struct backend_ops {
	uint32_t version; /* ACCEL_BACKEND_VERSION */
	uint32_t flags;
	const char *name;
	const char *doc;
	/* Jobs of one queue that may be handed over before the first is done. */
	uint32_t queue_depth;

	int (*count)(size_t *devices);
	int (*open)(struct accel_env *env, const struct backend_options *options,
		    const struct backend_mask *mask, struct backend_dev **out);
	/* All queues, spaces and buffers are gone. */
	void (*close)(struct backend_dev *dev);
	/* The chip's device tree; valid until close. */
	int (*fdt)(struct backend_dev *dev, const void **fdt, size_t *bytes);
	/* Device node, valid until close; the op may be NULL. */
	const char *(*node)(struct backend_dev *dev);
	/* ACCEL_ENOTSUP for what it does not have. */
	int (*query)(struct backend_dev *dev, enum backend_query what, uint64_t *value);

	int (*space_create)(struct backend_dev *dev, struct backend_space **out);
	void (*space_destroy)(struct backend_space *space);

	/* bytes: a multiple of the page size, not zero. Zeroed. space: the only one it will be
	 * bound to, or NULL; it outlives the buffer. ACCEL_ENOSPACE: full (no detail recorded, the
	 * core may try elsewhere). */
	int (*bo_create)(struct backend_dev *dev, struct backend_space *space, uint64_t bytes,
			 uint32_t flags, struct backend_bo **out);
	/* The last reference of the core; mappings are gone, running jobs may still see it. */
	void (*bo_destroy)(struct backend_bo *bo);
	/* NULL: the CPU cannot see it. */
	void *(*bo_ptr)(struct backend_bo *bo);

	/* Pages [offset, offset+bytes) of bo at va, replacing what was there. The range is inside
	 * the address space and bo. */
	int (*bind)(struct backend_space *space, uint64_t va, struct backend_bo *bo,
		    uint64_t offset, uint64_t bytes, uint32_t flags);
	int (*unbind)(struct backend_space *space, uint64_t va, uint64_t bytes);

	int (*queue_create)(struct backend_space *space, uint32_t priority,
			    struct backend_queue **out);
	/* Idle. */
	void (*queue_destroy)(struct backend_queue *queue);
	/* Hands a job over; done is called exactly once if this returns 0. */
	int (*submit)(struct backend_queue *queue, const struct backend_job *job,
		      backend_done_fn done, void *ctx);
	/* The jobs handed over end soon, with fault abort or ACCEL_ECANCELED unless they are
	 * faster. */
	int (*cancel)(struct backend_queue *queue);
	/* Called after a failed job or cancel() and before the next submit, when all jobs handed
	 * over have ended. NULL: the queue runs on by itself. */
	int (*resume)(struct backend_queue *queue);
};

extern const struct backend_ops backend_null;
extern const struct backend_ops backend_ref;
extern const struct backend_ops backend_sim;
extern const struct backend_ops backend_drm;

#endif
