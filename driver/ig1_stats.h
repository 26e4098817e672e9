/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _IG1_STATS_H_
#define _IG1_STATS_H_

#include <linux/kref.h>
#include <linux/seqlock.h>
#include <linux/types.h>

#include "ig1_hw.h"

struct drm_file;
struct drm_intaglio_stats_info;
struct drm_printer;
struct ig1_device;
struct ig1_result;

/**
 * struct ig1_counts - Sums over jobs
 */
struct ig1_counts {
	/** @done: jobs that ended without a fault */
	u64 done;
	/** @faulted: jobs that ended with a fault */
	u64 faulted;
	/** @counters: sums of the jobs' counters */
	u64 counters[IG1_CTR_COUNT];
};

/**
 * struct ig1_file_stats - Sums over the jobs of one open file
 *
 * Outlives the file: jobs hold references.
 */
struct ig1_file_stats {
	/** @ref: references of the file and of its queues */
	struct kref ref;
	/** @seq: protects @counts, its writers serialise */
	seqlock_t seq;
	/** @counts: the sums */
	struct ig1_counts counts;
};

/**
 * struct ig1_stats - Sums over all jobs of a device
 */
struct ig1_stats {
	/** @seq: protects what follows, its writers serialise */
	seqlock_t seq;
	/** @counts: the sums */
	struct ig1_counts counts;
	/** @timeouts: jobs that the driver gave up */
	u64 timeouts;
	/** @resets: resets of the chip */
	u64 resets;
};

int ig1_stats_init(struct ig1_device *dev);

/* NULL: no memory. */
struct ig1_file_stats *ig1_file_stats_create(void);
struct ig1_file_stats *ig1_file_stats_get(struct ig1_file_stats *stats);
void ig1_file_stats_put(struct ig1_file_stats *stats);

/* Counts an ended job in both; atomic. */
void ig1_stats_job(struct ig1_device *dev, struct ig1_file_stats *stats,
		   const struct ig1_result *result);
void ig1_stats_timeout(struct ig1_device *dev);
void ig1_stats_reset(struct ig1_device *dev);

/* Nanoseconds that cycles take; wraps, whatever the chip says it has counted. @hz: up to 2^40. */
u64 ig1_cycles_to_ns(u64 cycles, u64 hz);

void ig1_show_fdinfo(struct drm_printer *p, struct drm_file *file);
void ig1_stats_query(struct ig1_device *dev, struct drm_intaglio_stats_info *info);

#endif /* _IG1_STATS_H_ */
