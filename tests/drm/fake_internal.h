/* SPDX-License-Identifier: MIT */
/* Objects of the fake kernel. One lock guards all of them. */
#ifndef FAKE_INTERNAL_H
#define FAKE_INTERNAL_H

#include <pthread.h>

#include "backends/backend.h"
#include "core/accelfile.h"
#include "core/chipfdt.h"
#include "fake_kernel.h"
#include "uapi/intaglio_accel.h"

#define FAKE_IDS     4096
#define FAKE_VA_BITS IG1_VA_BITS

enum fake_type {
	FAKE_BO,
	FAKE_VM,
	FAKE_QUEUE,
	FAKE_SYNCOBJ,
	FAKE_TYPES,
};

struct fake_dev {
	struct fake_dev *next;
	const struct fake_node *node;
	uint32_t opens;
	bool unplugged;
	struct accel_env env;
	struct accelfile *file;
	struct backend_dev *ref;
	struct chipfdt info;
	struct drm_intaglio_stats_info stats;
	uint64_t host_bytes;
	struct fake_queue *queues;
	struct fake_vm *vms;
};

struct fake_file {
	struct fake_dev *dev;
	void *objects[FAKE_TYPES][FAKE_IDS]; /* by id */
};

struct fake_bo {
	uint32_t refs; /* handle, CPU mappings, VM mappings, ring */
	struct fake_dev *dev;
	struct fake_vm *vm; /* the only one, or NULL; compared only */
	uint64_t size;
	uint32_t flags;
	struct backend_bo *b;
};

struct fake_map {
	struct fake_map *next;
	uint64_t va, size, offset;
	struct fake_bo *bo;
	uint32_t flags;
};

struct fake_syncobj {
	uint32_t refs;
	uint64_t added, signaled; /* points; each fence of a binary one is the next */
};

struct fake_sync {
	struct fake_syncobj *obj;
	uint64_t point;
	uint32_t flags;
};

struct fake_syncs {
	struct fake_sync *v;
	uint32_t n;
};

/* An asynchronous operation; only its last part has signals. */
struct fake_bind {
	struct fake_bind *next;
	struct drm_intaglio_bind_op op;
	struct fake_bo *bo;
	struct fake_syncs syncs;
};

struct fake_vm {
	uint32_t refs; /* id, queues */
	struct fake_dev *dev;
	struct fake_vm *next;
	struct backend_space *b;
	struct fake_map *maps;
	struct fake_bind *pending; /* in order */
	bool unusable;
};

struct fake_job {
	struct fake_job *next;
	struct fake_queue *queue;
	struct backend_job job;
	uint64_t seq;
	struct fake_syncs syncs;
};

struct fake_queue {
	struct fake_queue *next;
	struct fake_dev *dev;
	struct fake_vm *vm;
	struct backend_queue *b;
	struct fake_bo *ring;
	uint64_t ring_offset;
	uint32_t ring_entries;
	uint32_t state;
	struct drm_intaglio_completion last;
	uint64_t submitted, completed;
	struct fake_job *jobs; /* the first may be running */
	bool running, cancel;
	bool settling; /* the next RESUME gets EBUSY once */
};

extern pthread_mutex_t fake_lock;
extern pthread_cond_t fake_changed;

void *fake_lookup(struct fake_file *f, enum fake_type type, uint32_t id);
/* Returns the id, or -ENOSPC. */
int fake_add(struct fake_file *f, enum fake_type type, void *object);
void fake_remove(struct fake_file *f, enum fake_type type, uint32_t id);

void fake_bo_put(struct fake_bo *bo);
void fake_syncobj_put(struct fake_syncobj *s);

/* Copies element i of a caller's array; -EINVAL: not zero beyond what is known. */
int fake_element(const struct drm_intaglio_obj_array *a, uint32_t i, void *dst, size_t size);
/* Stride and pointer of an array. */
int fake_array(const struct drm_intaglio_obj_array *a, size_t size, uint32_t max);

int fake_syncs_get(struct fake_file *f, const struct drm_intaglio_obj_array *a,
		   struct fake_syncs *out);
/* Attaches the signals; nothing can fail after it. */
void fake_syncs_attach(struct fake_syncs *s);
bool fake_syncs_ready(const struct fake_syncs *s);
/* Signals and releases. */
void fake_syncs_end(struct fake_syncs *s, bool signal);

int fake_vm_create(struct fake_file *f, struct drm_intaglio_vm_create *a);
int fake_vm_destroy(struct fake_file *f, struct drm_intaglio_vm_destroy *a);
int fake_vm_bind(struct fake_file *f, struct drm_intaglio_vm_bind *a);
int fake_vm_get_state(struct fake_file *f, struct drm_intaglio_vm_get_state *a);
void fake_vm_put(struct fake_vm *vm);
/* Runs what no longer waits for a fence. Returns whether there was something. */
bool fake_vm_progress(struct fake_vm *vm);

int fake_queue_create(struct fake_file *f, struct drm_intaglio_queue_create *a);
int fake_queue_destroy(struct fake_file *f, struct drm_intaglio_queue_destroy *a);
int fake_queue_get_state(struct fake_file *f, struct drm_intaglio_queue_get_state *a);
int fake_queue_control(struct fake_file *f, struct drm_intaglio_queue_control *a);
int fake_exec(struct fake_file *f, struct drm_intaglio_exec *a);
/* Stops its jobs with an error and waits for the end. Lock held, dropped meanwhile. */
void fake_queue_kill(struct fake_queue *q, int error);
bool fake_queue_progress(struct fake_queue *q);
/* After anything that may let others run. */
void fake_progress(struct fake_dev *dev);

#endif
