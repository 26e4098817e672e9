/* SPDX-License-Identifier: MIT */
/* The objects behind accel.h, and what the files of the core offer each other. */
#ifndef ACCEL_INTERNAL_H
#define ACCEL_INTERNAL_H

#include <stdatomic.h>
#include <stdbool.h>

#include "accel/accel.h"
#include "accelfile.h"
#include "backends/backend.h"
#include "chipfdt.h"
#include "env.h"
#include "ig1_chip.h"

#define PAGE ((uint64_t)IG1_PAGE_BYTES)

struct accel_device {
	atomic_uint refs;
	struct accel_env env;
	const struct backend_ops *ops;
	struct backend_options options;
	char *firmware;
	struct accelfile *mask;	  /* of a simulated chip, or what a real one was asked to have */
	pthread_mutex_t lock;	  /* of the members below */
	struct backend_dev *bdev; /* NULL: a simulated chip without a mask; never changes again */
	struct chipfdt info;
	uint64_t jobs_done, jobs_faulted;
	uint64_t counters[IG1_CTR_COUNT];
};

/* Part of an address space: a mapping, or a reservation (buf NULL) whose pages someone else binds. */
struct range {
	uint64_t va, bytes;
	struct accel_buffer *buf;
	uint64_t offset;
	struct range *next;
};

struct accel_space {
	atomic_uint refs;
	struct accel_device *dev;
	struct backend_space *b;
	pthread_mutex_t lock;
	struct range *ranges; /* ascending */
};

struct accel_buffer {
	atomic_uint refs;
	struct accel_device *dev;
	struct backend_bo *b;
	uint64_t bytes;
	uint32_t flags;
};

struct accel_queue {
	atomic_uint refs;
	struct accel_space *space;
	struct backend_queue *b;
	pthread_mutex_t lock;
	pthread_cond_t idle;
	uint64_t value;		     /* of the last job submitted */
	struct accel_fence *waiting; /* not handed over yet, in order */
	uint32_t in_flight;	     /* handed over */
	uint32_t completing;	     /* fences being completed outside the lock */
	uint64_t cancelled;	     /* jobs up to this value were cancelled */
	bool stopped;		     /* a job failed or was cancelled: resume before the next one */
	int poison;		     /* error of the job that failed, 0: none */
	struct accel_fault fault;    /* of that job */
};

struct accel_fence {
	atomic_uint refs;
	struct accel_device *dev;
	struct accel_queue *queue; /* valid until the job is done */
	uint64_t value;
	struct backend_job job;
	uint64_t dump; /* serial number of its dump files, 0: none */
	struct accel_fence *next;

	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool done;
	int status;
	int event; /* eventfd, -1: none */
	struct accel_fault fault;
	struct backend_result result;
};

/* device.c */
const struct backend_ops *backend_find(const char *name);
/* The chip exists: ACCEL_ESTATE without a mask. */
int device_ready(struct accel_device *dev);
/* Makes `file` the mask if the device has none. *used tells whether the file was taken. */
int device_give_mask(struct accel_device *dev, struct accelfile *file, bool *used);
void device_account(struct accel_device *dev, const struct backend_result *r);

/* buffer.c */
/* space: the only one it will be mapped in, which outlives it, or NULL. */
int buffer_create(struct accel_device *dev, struct accel_space *space, uint64_t bytes,
		  uint32_t flags, struct accel_buffer **out);

/* space.c */
int space_reserve(struct accel_space *space, uint64_t bytes, uint64_t *va);
void space_release(struct accel_space *space, uint64_t va);
/* The bytes of a host buffer from va to its mapping's end; NULL: not there. The lock is not kept. */
const void *space_peek(struct accel_space *space, uint64_t va, uint64_t *bytes);

/* fence.c */
int fence_create(struct accel_queue *queue, struct accel_fence **out);
/* Ends it; result may be NULL. Any thread, no locks held. */
void fence_complete(struct accel_fence *fence, int status, const struct backend_result *result,
		    const struct accel_fault *fault);
/* Mutex and condition on CLOCK_MONOTONIC. */
int cond_init_monotonic(pthread_cond_t *cond);

#endif
