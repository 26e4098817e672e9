/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM intaglio

#if !defined(_IG1_TRACE_H_) || defined(TRACE_HEADER_MULTI_READ)
#define _IG1_TRACE_H_

#include <linux/tracepoint.h>
#include <linux/types.h>

#include "ig1_device.h"
#include "ig1_queue.h"

#ifndef IG1_TRACE_INDEX
#define IG1_TRACE_INDEX
/* Number of the node; there is none before it is registered. */
static inline int ig1_trace_index(const struct ig1_device *dev)
{
	return dev->drm.accel ? dev->drm.accel->index : -1;
}
#endif

DECLARE_EVENT_CLASS(ig1_job,
		    TP_PROTO(const struct ig1_job *job),
		    TP_ARGS(job),
		    TP_STRUCT__entry(__field(int, dev)
				     __field(u32, context)
				     __field(u32, priority)
				     __field(u64, seq)
				     __field(u64, prog_va)
		    ),
		    TP_fast_assign(__entry->dev = ig1_trace_index(job->queue->dev);
				   __entry->context = job->queue->context;
				   __entry->priority = job->queue->priority;
				   __entry->seq = job->seq;
				   __entry->prog_va = le64_to_cpu(job->entry.desc.prog_va);
		    ),
		    TP_printk("accel%d context=%u priority=%u seq=%llu prog=0x%llx",
			      __entry->dev, __entry->context, __entry->priority, __entry->seq,
			      __entry->prog_va)
);

/* EXEC has accepted it. */
DEFINE_EVENT(ig1_job, ig1_job_queue,
	     TP_PROTO(const struct ig1_job *job),
	     TP_ARGS(job)
);

/* What it waited for is there; it goes to its ring. */
DEFINE_EVENT(ig1_job, ig1_job_run,
	     TP_PROTO(const struct ig1_job *job),
	     TP_ARGS(job)
);

/* It has ended; its fences signal next. */
TRACE_EVENT(ig1_job_done,
	    TP_PROTO(const struct ig1_job *job, int error, const struct ig1_result *result),
	    TP_ARGS(job, error, result),
	    TP_STRUCT__entry(__field(int, dev)
			     __field(u32, context)
			     __field(u64, seq)
			     __field(int, error)
			     __field(u32, fault)
			     __field(u64, fault_addr)
			     __field(u32, fault_index)
			     __field(u64, cycles)
	    ),
	    TP_fast_assign(__entry->dev = ig1_trace_index(job->queue->dev);
			   __entry->context = job->queue->context;
			   __entry->seq = job->seq;
			   __entry->error = error;
			   __entry->fault = result->fault;
			   __entry->fault_addr = result->fault_addr;
			   __entry->fault_index = result->fault_index;
			   __entry->cycles = result->counters[IG1_CTR_CYCLES];
	    ),
	    TP_printk("accel%d context=%u seq=%llu error=%d fault=%u addr=0x%llx index=%u cycles=%llu",
		      __entry->dev, __entry->context, __entry->seq, __entry->error, __entry->fault,
		      __entry->fault_addr, __entry->fault_index, __entry->cycles)
);

/* A mapping has changed. */
TRACE_EVENT(ig1_bind,
	    TP_PROTO(const struct ig1_vm *vm, u64 va, u64 bytes, bool map, int error),
	    TP_ARGS(vm, va, bytes, map, error),
	    TP_STRUCT__entry(__field(int, dev)
			     __field(const void *, vm)
			     __field(u64, va)
			     __field(u64, bytes)
			     __field(bool, map)
			     __field(int, error)
	    ),
	    TP_fast_assign(__entry->dev = ig1_trace_index(vm->dev);
			   __entry->vm = vm;
			   __entry->va = va;
			   __entry->bytes = bytes;
			   __entry->map = map;
			   __entry->error = error;
	    ),
	    TP_printk("accel%d vm=%p %s va=0x%llx bytes=0x%llx error=%d",
		      __entry->dev, __entry->vm, __entry->map ? "map" : "unmap", __entry->va,
		      __entry->bytes, __entry->error)
);

/* The chip has been reset. */
TRACE_EVENT(ig1_reset,
	    TP_PROTO(const struct ig1_device *dev, int error, u32 ended),
	    TP_ARGS(dev, error, ended),
	    TP_STRUCT__entry(__field(int, dev)
			     __field(int, error)
			     __field(u32, ended)
	    ),
	    TP_fast_assign(__entry->dev = ig1_trace_index(dev);
			   __entry->error = error;
			   __entry->ended = ended;
	    ),
	    TP_printk("accel%d error=%d jobs_ended=%u",
		      __entry->dev, __entry->error, __entry->ended)
);

/* The firmware has answered a command. */
TRACE_EVENT(ig1_mbox,
	    TP_PROTO(const struct ig1_device *dev, u32 cmd, u32 arg, int error),
	    TP_ARGS(dev, cmd, arg, error),
	    TP_STRUCT__entry(__field(int, dev)
			     __field(u32, cmd)
			     __field(u32, arg)
			     __field(int, error)
	    ),
	    TP_fast_assign(__entry->dev = ig1_trace_index(dev);
			   __entry->cmd = cmd;
			   __entry->arg = arg;
			   __entry->error = error;
	    ),
	    TP_printk("accel%d cmd=%u arg=0x%x error=%d",
		      __entry->dev, __entry->cmd, __entry->arg, __entry->error)
);

#endif /* _IG1_TRACE_H_ */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE ig1_trace
#include <trace/define_trace.h>
