/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Ioctls of intaglio.ko, the driver of the IG1 inference accelerator (/dev/accel/accelN).
 */
#ifndef _UAPI_INTAGLIO_ACCEL_H_
#define _UAPI_INTAGLIO_ACCEL_H_

#if defined(__KERNEL__)
#include <drm/drm.h>
#else
#include <drm.h>
#endif

#if defined(__cplusplus)
extern "C" {
#endif

/**
 * DOC: Overview
 *
 * A process creates address spaces (VM), buffers (GEM objects in host memory or in the chip's
 * resident SRAM), binds buffers to addresses, creates queues on an address space and executes jobs
 * on them. A job is a program of the chip's command set (docs/isa.md), placed in a buffer, with up
 * to eight 64-bit arguments.
 *
 * Rules of every ioctl:
 *
 * - Reserved fields, padding and unknown flags must be zero, else EINVAL. Fields are added only at
 *   the end of a structure and in reserved places; zero means what it meant before.
 * - Fields that are only returned are ignored on entry.
 * - Arrays are &struct drm_intaglio_obj_array: a pointer, a count, and the stride the caller was
 *   compiled with. An element that is longer than the kernel knows must be zero beyond.
 * - A call that fails with EINTR or EAGAIN changed nothing but, maybe, returned fields, and may
 *   be repeated. Unless the call says more, these mean something only when it succeeds.
 *
 * Memory that a call takes, the pages of buffers as well as page tables, queues and jobs, is
 * charged to the caller's control group.
 *
 * Errors, unless the call says more: EINVAL bad argument, ENOENT unknown handle or id, EFAULT bad
 * pointer, ENOMEM host memory, ENOSPC resident SRAM, address spaces, queues or contexts exhausted,
 * EACCES privilege, ENODEV device unplugged, EIO device dead, ECANCELED queue stopped or VM
 * unusable.
 */

#define DRM_INTAGLIO_DRIVER_NAME "intaglio"
#define DRM_INTAGLIO_VERSION_MAJOR 1
#define DRM_INTAGLIO_VERSION_MINOR 0

#define DRM_INTAGLIO_DEV_QUERY		0x00
#define DRM_INTAGLIO_GEM_CREATE		0x01
#define DRM_INTAGLIO_GEM_MMAP_OFFSET	0x02
#define DRM_INTAGLIO_GEM_INFO		0x03
#define DRM_INTAGLIO_VM_CREATE		0x04
#define DRM_INTAGLIO_VM_DESTROY		0x05
#define DRM_INTAGLIO_VM_BIND		0x06
#define DRM_INTAGLIO_VM_GET_STATE	0x07
#define DRM_INTAGLIO_QUEUE_CREATE	0x08
#define DRM_INTAGLIO_QUEUE_DESTROY	0x09
#define DRM_INTAGLIO_QUEUE_GET_STATE	0x0a
#define DRM_INTAGLIO_QUEUE_CONTROL	0x0b
#define DRM_INTAGLIO_EXEC		0x0c

/**
 * struct drm_intaglio_obj_array - An array of structures of versioned size
 */
struct drm_intaglio_obj_array {
	/** @stride: bytes from element to element as compiled, at most 4096 */
	__u32 stride;
	/** @count: number of elements */
	__u32 count;
	/** @array: user pointer; ignored when @count is zero */
	__u64 array;
};

/** @DRM_INTAGLIO_SYNC_TIMELINE: @handle is a timeline syncobj, @point its point */
#define DRM_INTAGLIO_SYNC_TIMELINE (1 << 0)
/** @DRM_INTAGLIO_SYNC_SIGNAL: signal it when the work is done; without: wait for it first */
#define DRM_INTAGLIO_SYNC_SIGNAL   (1 << 1)

/**
 * struct drm_intaglio_sync - A fence to wait for or to signal
 */
struct drm_intaglio_sync {
	/** @flags: DRM_INTAGLIO_SYNC_* */
	__u32 flags;
	/** @handle: drm_syncobj */
	__u32 handle;
	/** @point: of a timeline, not zero; otherwise zero */
	__u64 point;
};

/* --- queries ------------------------------------------------------------------------------- */

/** @DRM_INTAGLIO_QUERY_CHIP: &struct drm_intaglio_chip_info */
#define DRM_INTAGLIO_QUERY_CHIP		0
/** @DRM_INTAGLIO_QUERY_FDT: the device tree blob that describes chip and model */
#define DRM_INTAGLIO_QUERY_FDT		1
/** @DRM_INTAGLIO_QUERY_MEMORY: &struct drm_intaglio_memory_info */
#define DRM_INTAGLIO_QUERY_MEMORY	2
/** @DRM_INTAGLIO_QUERY_STATS: &struct drm_intaglio_stats_info, of the whole device */
#define DRM_INTAGLIO_QUERY_STATS	3

/**
 * struct drm_intaglio_dev_query - Properties of the device
 *
 * With @pointer zero, sets @size to the bytes there are. Otherwise copies at most @size bytes of it
 * and sets @size to the number copied.
 */
struct drm_intaglio_dev_query {
	/** @type: DRM_INTAGLIO_QUERY_* */
	__u32 type;
	/** @size: bytes, in and out */
	__u32 size;
	/** @pointer: user pointer or zero */
	__u64 pointer;
};

/**
 * struct drm_intaglio_chip_info - Answer of DRM_INTAGLIO_QUERY_CHIP
 */
struct drm_intaglio_chip_info {
	/** @spec: version of the specification, major << 16 | minor */
	__u32 spec;
	/** @fw_abi: ABI of the running firmware, major << 16 | minor */
	__u32 fw_abi;
	/** @fw_version: major << 16 | minor << 8 | patch */
	__u32 fw_version;
	/** @va_bits: width of a virtual address */
	__u32 va_bits;
	/** @page_bytes: size of a page, the granularity of everything mapped */
	__u32 page_bytes;
	/** @priorities: priorities of queues, 0 is the highest */
	__u32 priorities;
	/** @min_priority_user: highest priority (lowest number) without CAP_SYS_NICE */
	__u32 min_priority_user;
	/** @counters: 64-bit counters of a job, in the order of docs/isa.md */
	__u32 counters;
	/** @sram_bytes: resident SRAM */
	__u64 sram_bytes;
	/** @clock_hz: nominal clock */
	__u64 clock_hz;
	/** @mask_id: SHA-256 of the weight ROM and the constant ROM */
	__u8 mask_id[32];
};

/**
 * struct drm_intaglio_memory_info - Answer of DRM_INTAGLIO_QUERY_MEMORY
 */
struct drm_intaglio_memory_info {
	/** @sram_bytes: resident SRAM of the device */
	__u64 sram_bytes;
	/** @sram_free: of that, not in any buffer */
	__u64 sram_free;
	/** @host_bytes: host memory in buffers of this device, all processes */
	__u64 host_bytes;
};

/** @DRM_INTAGLIO_COUNTERS_MAX: counters that a record has room for */
#define DRM_INTAGLIO_COUNTERS_MAX 32

/**
 * struct drm_intaglio_stats_info - Answer of DRM_INTAGLIO_QUERY_STATS
 */
struct drm_intaglio_stats_info {
	/** @jobs_done: jobs that ended without a fault */
	__u64 jobs_done;
	/** @jobs_faulted: jobs that ended with a fault */
	__u64 jobs_faulted;
	/** @timeouts: jobs that the driver gave up */
	__u64 timeouts;
	/** @resets: resets of the chip */
	__u64 resets;
	/** @cycles: the chip's cycle counter when asked; zero while it sleeps or is stopped */
	__u64 cycles;
	/** @counters: sums over all jobs, in the order of docs/isa.md; unused ones are zero */
	__u64 counters[DRM_INTAGLIO_COUNTERS_MAX];
};

/* --- buffers -------------------------------------------------------------------------------- */

/** @DRM_INTAGLIO_GEM_RESIDENT: in the chip's SRAM; the CPU cannot map it */
#define DRM_INTAGLIO_GEM_RESIDENT (1 << 0)

/**
 * struct drm_intaglio_gem_create - New buffer, filled with zeros
 */
struct drm_intaglio_gem_create {
	/**
	 * @size: bytes, not zero and at most 2^va_bits; rounded up to pages on return. In host
	 * memory at most half of what the machine has, else ENOMEM; in SRAM what is free, else
	 * ENOSPC.
	 */
	__u64 size;
	/** @flags: DRM_INTAGLIO_GEM_* */
	__u32 flags;
	/**
	 * @vm_id: the only VM it will be bound to, or zero. Such a buffer cannot be exported
	 * (PRIME: EINVAL; EOPNOTSUPP for one in SRAM), costs nothing per job, and orders no
	 * queues (see EXEC).
	 */
	__u32 vm_id;
	/** @handle: returned */
	__u32 handle;
	/** @pad: zero */
	__u32 pad;
};

/**
 * struct drm_intaglio_gem_mmap_offset - Offset for mmap() of the device file
 *
 * EOPNOTSUPP for a buffer in SRAM or an imported one.
 */
struct drm_intaglio_gem_mmap_offset {
	/** @handle: buffer */
	__u32 handle;
	/** @pad: zero */
	__u32 pad;
	/** @offset: returned */
	__u64 offset;
};

/**
 * struct drm_intaglio_gem_info - What a buffer is
 */
struct drm_intaglio_gem_info {
	/** @handle: buffer */
	__u32 handle;
	/** @flags: returned, DRM_INTAGLIO_GEM_* */
	__u32 flags;
	/** @size: returned, bytes */
	__u64 size;
};

/* --- address spaces --------------------------------------------------------------------------- */

/**
 * struct drm_intaglio_vm_create - New address space
 *
 * A file has at most 4095 of them.
 */
struct drm_intaglio_vm_create {
	/** @flags: zero */
	__u32 flags;
	/** @vm_id: returned, not zero */
	__u32 vm_id;
};

/**
 * struct drm_intaglio_vm_destroy - Drop an address space
 *
 * It lives on while queues use it; its mappings cannot be changed any more.
 */
struct drm_intaglio_vm_destroy {
	/** @vm_id: address space */
	__u32 vm_id;
	/** @pad: zero */
	__u32 pad;
};

/** @DRM_INTAGLIO_BIND_MAP: map a part of a buffer, replacing what is there */
#define DRM_INTAGLIO_BIND_MAP	0
/** @DRM_INTAGLIO_BIND_UNMAP: remove all mappings from a range; parts without are fine */
#define DRM_INTAGLIO_BIND_UNMAP	1

/** @DRM_INTAGLIO_BIND_READONLY: the chip must not write (fault `write`) */
#define DRM_INTAGLIO_BIND_READONLY (1 << 0)

/**
 * struct drm_intaglio_bind_op - One change of an address space
 *
 * Addresses, offsets and sizes are multiples of the page size, sizes are not zero.
 */
struct drm_intaglio_bind_op {
	/** @op: DRM_INTAGLIO_BIND_MAP or DRM_INTAGLIO_BIND_UNMAP */
	__u32 op;
	/** @flags: DRM_INTAGLIO_BIND_READONLY, only with MAP */
	__u32 flags;
	/** @handle: buffer to map; zero with UNMAP */
	__u32 handle;
	/** @pad: zero */
	__u32 pad;
	/** @offset: into the buffer; zero with UNMAP */
	__u64 offset;
	/** @va: first address */
	__u64 va;
	/** @size: bytes */
	__u64 size;
	/** @syncs: &struct drm_intaglio_sync, at most 1024; only with DRM_INTAGLIO_VM_BIND_ASYNC */
	struct drm_intaglio_obj_array syncs;
};

/** @DRM_INTAGLIO_VM_BIND_ASYNC: the operations run in order, later, on the VM's own queue */
#define DRM_INTAGLIO_VM_BIND_ASYNC (1 << 0)

/**
 * struct drm_intaglio_vm_bind - Change an address space
 *
 * Without ASYNC the operations are done, one after the other, when the call returns; the first
 * that fails ends it, the earlier ones stay. On failure @ops.count is the number of operations
 * that were done.
 *
 * Without ASYNC it does not wait for asynchronous operations queued before.
 *
 * With ASYNC all operations are checked and queued or none is. One that fails later makes the VM
 * unusable: its jobs end with ECANCELED, only UNMAP is still accepted. See VM_GET_STATE.
 *
 * A mapping changes at once; jobs that run meanwhile see the old or the new one. Order with fences.
 */
struct drm_intaglio_vm_bind {
	/** @vm_id: address space */
	__u32 vm_id;
	/** @flags: DRM_INTAGLIO_VM_BIND_ASYNC */
	__u32 flags;
	/** @ops: &struct drm_intaglio_bind_op, at most 1024 */
	struct drm_intaglio_obj_array ops;
};

/** @DRM_INTAGLIO_VM_USABLE: jobs can run */
#define DRM_INTAGLIO_VM_USABLE   0
/** @DRM_INTAGLIO_VM_UNUSABLE: an asynchronous operation failed */
#define DRM_INTAGLIO_VM_UNUSABLE 1

/**
 * struct drm_intaglio_vm_get_state - Whether an address space can be used
 */
struct drm_intaglio_vm_get_state {
	/** @vm_id: address space */
	__u32 vm_id;
	/** @state: returned, DRM_INTAGLIO_VM_USABLE or DRM_INTAGLIO_VM_UNUSABLE */
	__u32 state;
};

/* --- queues ----------------------------------------------------------------------------------- */

/**
 * struct drm_intaglio_queue_create - New queue: jobs run in order
 *
 * The driver writes a &struct drm_intaglio_completion per job into a ring in a host buffer, before
 * it signals the job's fences, so that user space learns results without a call. The record of job
 * seq is in slot seq mod @ring_entries; the writer does not wait for the reader. The ring stays
 * readable after the device is unplugged.
 *
 * A file has at most 256 queues.
 */
struct drm_intaglio_queue_create {
	/** @vm_id: address space of its jobs */
	__u32 vm_id;
	/** @priority: 0 (highest) to priorities - 1; above min_priority_user wants CAP_SYS_NICE */
	__u32 priority;
	/** @flags: zero */
	__u32 flags;
	/** @ring_handle: host buffer of the completion ring; zero: none */
	__u32 ring_handle;
	/** @ring_offset: of its first record, a multiple of 64 */
	__u64 ring_offset;
	/** @ring_entries: records, a power of two up to 4096; zero without a ring */
	__u32 ring_entries;
	/** @queue_id: returned, not zero */
	__u32 queue_id;
};

/**
 * struct drm_intaglio_queue_destroy - Drop a queue
 *
 * Jobs not done are stopped; their fences signal with ECANCELED.
 */
struct drm_intaglio_queue_destroy {
	/** @queue_id: queue */
	__u32 queue_id;
	/** @pad: zero */
	__u32 pad;
};

/**
 * struct drm_intaglio_completion - Record of a finished job
 */
struct drm_intaglio_completion {
	/** @seq: number of the job, as EXEC returned it; written last */
	__u64 seq;
	/** @error: 0, or a negative errno: EFAULT (see @fault), ECANCELED, ETIME, ENODEV, EIO */
	__s32 error;
	/** @fault: fault code of docs/isa.md */
	__u32 fault;
	/** @fault_addr: see the code */
	__u64 fault_addr;
	/** @fault_index: index of the faulting command */
	__u32 fault_index;
	/** @emitted: token records written */
	__u32 emitted;
	/** @traced: trace records written */
	__u32 traced;
	/** @pad: zero */
	__u32 pad;
	/** @counters: of the job, in the order of docs/isa.md; unused ones are zero */
	__u64 counters[DRM_INTAGLIO_COUNTERS_MAX];
	/** @reserved: zero */
	__u64 reserved[3];
};

/** @DRM_INTAGLIO_QUEUE_RUNNING: takes jobs */
#define DRM_INTAGLIO_QUEUE_RUNNING	0
/** @DRM_INTAGLIO_QUEUE_STOPPED: a job faulted, or CANCEL; takes jobs again after RESUME */
#define DRM_INTAGLIO_QUEUE_STOPPED	1
/** @DRM_INTAGLIO_QUEUE_BANNED: a job timed out or the chip was lost under it; for good */
#define DRM_INTAGLIO_QUEUE_BANNED	2

/**
 * struct drm_intaglio_queue_get_state - What became of a queue
 */
struct drm_intaglio_queue_get_state {
	/** @queue_id: queue */
	__u32 queue_id;
	/** @state: returned, DRM_INTAGLIO_QUEUE_* */
	__u32 state;
	/** @last: returned, record of the last job that ended with an error; seq 0: none */
	struct drm_intaglio_completion last;
	/** @submitted: returned, seq of the last job submitted */
	__u64 submitted;
	/** @completed: returned, jobs ended */
	__u64 completed;
};

/** @DRM_INTAGLIO_QUEUE_CANCEL: stop it; all its jobs end soon, with ECANCELED, waiting or not */
#define DRM_INTAGLIO_QUEUE_CANCEL 0
/** @DRM_INTAGLIO_QUEUE_RESUME: let a stopped queue run; EBUSY while its cancelled jobs end */
#define DRM_INTAGLIO_QUEUE_RESUME 1

/**
 * struct drm_intaglio_queue_control - Stop a queue's jobs, or let it go on
 */
struct drm_intaglio_queue_control {
	/** @queue_id: queue */
	__u32 queue_id;
	/** @op: DRM_INTAGLIO_QUEUE_CANCEL or DRM_INTAGLIO_QUEUE_RESUME (ECANCELED when banned) */
	__u32 op;
};

/**
 * struct drm_intaglio_job - A program to run
 */
struct drm_intaglio_job {
	/** @prog_va: its first command, a multiple of 128 */
	__u64 prog_va;
	/** @prog_len: commands, 1 to 2^24 */
	__u32 prog_len;
	/** @nargs: of @args, at most 8; the others are zero */
	__u32 nargs;
	/** @args: R1 to R8 */
	__u64 args[8];
	/** @emit_va: token buffer, a multiple of 16 */
	__u64 emit_va;
	/** @trace_va: trace buffer, a multiple of 32 */
	__u64 trace_va;
	/** @emit_entries: token records there is room for */
	__u32 emit_entries;
	/** @trace_entries: trace records there is room for; zero: no trace */
	__u32 trace_entries;
	/**
	 * @watchdog: cycles it may take; zero: the firmware's default. Either way no more than the
	 * device's job_limit_ms (sysfs) at its nominal clock
	 */
	__u64 watchdog;
	/** @seq: returned, number of the job in its queue: 1, 2, ... */
	__u64 seq;
	/** @syncs: &struct drm_intaglio_sync, at most 1024 */
	struct drm_intaglio_obj_array syncs;
};

/**
 * struct drm_intaglio_exec - Submit jobs to a queue
 *
 * All or none. Page-table changes by VM_BIND calls that returned before are seen; order with
 * asynchronous ones by fences. ECANCELED: the queue does not run.
 *
 * Implicit fencing: the first job waits for all readers and writers of every buffer that is mapped
 * in the VM and not private to it, and the last job's fence is added to each as a writer's. That is
 * so for READONLY mappings too, whatever the jobs touch. So calls of queues that have one such
 * buffer in common, even queues of one VM, run one after the other in the order of the calls,
 * whatever their priorities. Create what is not shared with @drm_intaglio_gem_create.vm_id set:
 * then only fences that are named in @drm_intaglio_job.syncs order the queues.
 *
 * @drm_intaglio_job.seq is written before jobs are queued. A call that fails, also with EINTR, may
 * leave numbers there; no job has them, and the queue's next jobs get them.
 */
struct drm_intaglio_exec {
	/** @queue_id: queue */
	__u32 queue_id;
	/** @flags: zero */
	__u32 flags;
	/** @jobs: &struct drm_intaglio_job, 1 to 64 */
	struct drm_intaglio_obj_array jobs;
};

#define DRM_IOCTL_INTAGLIO_DEV_QUERY \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_INTAGLIO_DEV_QUERY, struct drm_intaglio_dev_query)
#define DRM_IOCTL_INTAGLIO_GEM_CREATE \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_INTAGLIO_GEM_CREATE, struct drm_intaglio_gem_create)
#define DRM_IOCTL_INTAGLIO_GEM_MMAP_OFFSET \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_INTAGLIO_GEM_MMAP_OFFSET, \
		 struct drm_intaglio_gem_mmap_offset)
#define DRM_IOCTL_INTAGLIO_GEM_INFO \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_INTAGLIO_GEM_INFO, struct drm_intaglio_gem_info)
#define DRM_IOCTL_INTAGLIO_VM_CREATE \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_INTAGLIO_VM_CREATE, struct drm_intaglio_vm_create)
#define DRM_IOCTL_INTAGLIO_VM_DESTROY \
	DRM_IOW(DRM_COMMAND_BASE + DRM_INTAGLIO_VM_DESTROY, struct drm_intaglio_vm_destroy)
#define DRM_IOCTL_INTAGLIO_VM_BIND \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_INTAGLIO_VM_BIND, struct drm_intaglio_vm_bind)
#define DRM_IOCTL_INTAGLIO_VM_GET_STATE \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_INTAGLIO_VM_GET_STATE, struct drm_intaglio_vm_get_state)
#define DRM_IOCTL_INTAGLIO_QUEUE_CREATE \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_INTAGLIO_QUEUE_CREATE, struct drm_intaglio_queue_create)
#define DRM_IOCTL_INTAGLIO_QUEUE_DESTROY \
	DRM_IOW(DRM_COMMAND_BASE + DRM_INTAGLIO_QUEUE_DESTROY, struct drm_intaglio_queue_destroy)
#define DRM_IOCTL_INTAGLIO_QUEUE_GET_STATE \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_INTAGLIO_QUEUE_GET_STATE, \
		 struct drm_intaglio_queue_get_state)
#define DRM_IOCTL_INTAGLIO_QUEUE_CONTROL \
	DRM_IOW(DRM_COMMAND_BASE + DRM_INTAGLIO_QUEUE_CONTROL, struct drm_intaglio_queue_control)
#define DRM_IOCTL_INTAGLIO_EXEC \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_INTAGLIO_EXEC, struct drm_intaglio_exec)

#if defined(__cplusplus)
}
#endif

#endif /* _UAPI_INTAGLIO_ACCEL_H_ */
