/* SPDX-License-Identifier: MIT */
/*
 * What the programs that test a device node have in common. They make their system calls through
 * libaccel's `drm_sys`; linked with the fake kernel instead (NODE_FAKE) they test themselves.
 * Calls return 0 or a negative errno.
 */
#ifndef NODE_H
#define NODE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "libaccel/backends/drm/drm_sys.h"
#include "tests/conformance/prog.h"
#include "ig1_chip.h"
#include "uapi/intaglio_accel.h"

/* --- TAP ---------------------------------------------------------------------------------------- */

/* One test; the format describes it. Returns what it was given. */
bool tap_ok(bool good, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Equal results of calls; the difference is told. */
bool tap_result(int got, int want, const char *what);
void tap_skip(const char *what, const char *why);
/* Prints the plan; the exit status. */
int tap_end(void);

/* --- the node ------------------------------------------------------------------------------------ */

/* Device number `index` of the driver. Exits when there is none. Ends the process after `seconds`. */
int node_open(unsigned int index, unsigned int seconds);
/* False: the kernel is a fake in this process, without PRIME, implicit fences and bad memory. */
bool node_real(void);
/* Capabilities of the process on or off; false: it has none to begin with. */
bool node_privileged(bool on);
/* PRIME; -EOPNOTSUPP where the kernel is a fake. */
int node_export(int fd, uint32_t handle, int *dmabuf);
int node_import(int fd, int dmabuf, uint32_t *handle);
/* `fd` becomes the file of `with`, which is closed; the old file goes when nobody is in it any more. */
int node_replace(int fd, int with);
/* A syncobj with a fence that does not signal while the process lives; -EOPNOTSUPP without SW_SYNC. */
int node_never(int fd, uint32_t *handle);

/* Where the kernel is a fake: what is left at close() is no defect of the program. */
void node_fake_no_leak_check(void);

#define NODE_CALL(fd, NAME, arg) drm_sys.ioctl(fd, DRM_IOCTL_INTAGLIO_##NAME, arg)

struct node_bo {
	uint32_t handle;
	uint64_t size;
	void *p; /* NULL: resident */
};

int node_bo_create(int fd, uint64_t size, uint32_t flags, uint32_t vm, struct node_bo *bo);
void node_bo_destroy(int fd, struct node_bo *bo);
int node_map(int fd, uint32_t vm, const struct node_bo *bo, uint64_t offset, uint64_t va,
	     uint64_t size, uint32_t flags);
int node_unmap(int fd, uint32_t vm, uint64_t va, uint64_t size);
int node_vm_create(int fd, uint32_t *vm);
int node_vm_destroy(int fd, uint32_t vm);

/* A queue with a completion ring and a timeline of its own. */
#define NODE_RING 64u
struct node_queue {
	uint32_t id, vm, syncobj;
	struct node_bo ring;
	uint64_t point; /* last one */
};

int node_queue_create(int fd, uint32_t vm, uint32_t priority, struct node_queue *q);
void node_queue_destroy(int fd, struct node_queue *q);
/* One job; its syncs and seq are filled in. */
int node_submit(int fd, struct node_queue *q, struct drm_intaglio_job *job);
/* The same, after the fence of a syncobj, at a point of it if that is a timeline. */
int node_submit_after(int fd, struct node_queue *q, struct drm_intaglio_job *job, uint32_t handle,
		      uint64_t point);
/* Waits for a job and copies its record; -ENODATA: there is none. */
int node_wait(int fd, struct node_queue *q, uint64_t seq, struct drm_intaglio_completion *c);

/* A VM with a page for the program and one for data, and a queue. */
#define NODE_CODE_VA UINT64_C(0x100000)
#define NODE_DATA_VA UINT64_C(0x200000)
struct node_rig {
	int fd;
	uint32_t vm;
	struct node_bo code, data;
	struct node_queue q;
};

/* Exits with a message when something fails. */
void node_rig_open(int fd, struct node_rig *r);
void node_rig_close(struct node_rig *r);
/* Runs a program with the given R1, R2, ...; a negative errno of the call, or 0 and the record. */
int node_run(struct node_rig *r, const struct prog *p, const uint64_t *args, uint32_t nargs,
	     struct drm_intaglio_completion *c);

#endif
