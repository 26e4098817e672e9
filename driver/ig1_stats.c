// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Statistics
 *
 * Counters are summed when a job ends, for its file and for the device. The engine time of fdinfo
 * is the jobs' cycles at the nominal clock: the same for the same work, on a simulated chip too.
 */
#include <linux/slab.h>

#include <drm/drm_file.h>
#include <drm/drm_print.h>

#include "ig1_device.h"

int ig1_stats_init(struct ig1_device *dev)
{
	seqlock_init(&dev->stats.seq);
	return 0;
}

struct ig1_file_stats *ig1_file_stats_create(void)
{
	struct ig1_file_stats *stats = kzalloc_obj(*stats, GFP_KERNEL_ACCOUNT);

	if (!stats)
		return NULL;
	kref_init(&stats->ref);
	seqlock_init(&stats->seq);
	return stats;
}

struct ig1_file_stats *ig1_file_stats_get(struct ig1_file_stats *stats)
{
	kref_get(&stats->ref);
	return stats;
}

static void file_stats_free(struct kref *ref)
{
	kfree(container_of(ref, struct ig1_file_stats, ref));
}

void ig1_file_stats_put(struct ig1_file_stats *stats)
{
	if (stats)
		kref_put(&stats->ref, file_stats_free);
}

static void add(struct ig1_counts *c, const struct ig1_result *result)
{
	u32 i;

	if (result->error || result->fault)
		c->faulted++;
	else
		c->done++;
	for (i = 0; i < IG1_CTR_COUNT; i++)
		c->counters[i] += result->counters[i];
}

void ig1_stats_job(struct ig1_device *dev, struct ig1_file_stats *stats,
		   const struct ig1_result *result)
{
	write_seqlock(&stats->seq);
	add(&stats->counts, result);
	write_sequnlock(&stats->seq);
	write_seqlock(&dev->stats.seq);
	add(&dev->stats.counts, result);
	write_sequnlock(&dev->stats.seq);
}

void ig1_stats_timeout(struct ig1_device *dev)
{
	write_seqlock(&dev->stats.seq);
	dev->stats.timeouts++;
	write_sequnlock(&dev->stats.seq);
}

void ig1_stats_reset(struct ig1_device *dev)
{
	write_seqlock(&dev->stats.seq);
	dev->stats.resets++;
	write_sequnlock(&dev->stats.seq);
}

static const char * const counter_names[] = IG1_CTR_NAMES;

u64 ig1_cycles_to_ns(u64 cycles, u64 hz)
{
	u64 rest;

	if (!hz)
		return 0;
	/* In two parts: a quotient of more than 64 bits is a trap on some processors. */
	cycles = div64_u64_rem(cycles, hz, &rest);
	return cycles * NSEC_PER_SEC + mul_u64_u64_div_u64(rest, NSEC_PER_SEC, hz);
}

void ig1_show_fdinfo(struct drm_printer *p, struct drm_file *file)
{
	struct ig1_file *ifile = file->driver_priv;
	struct ig1_device *dev = ifile->dev;
	struct ig1_counts c;
	unsigned int seq;
	u64 cycles;
	u32 i;

	do {
		seq = read_seqbegin(&ifile->stats->seq);
		c = ifile->stats->counts;
	} while (read_seqretry(&ifile->stats->seq, seq));

	cycles = c.counters[IG1_CTR_CYCLES];
	drm_printf(p, "drm-engine-npu:\t%llu ns\n",
		   ig1_cycles_to_ns(cycles, dev->chip.clock_hz));
	drm_printf(p, "drm-cycles-npu:\t%llu\n", cycles);
	drm_printf(p, "drm-maxfreq-npu:\t%llu Hz\n", dev->chip.clock_hz);
	drm_printf(p, "intaglio-jobs:\t%llu\n", c.done);
	drm_printf(p, "intaglio-jobs-faulted:\t%llu\n", c.faulted);
	for (i = 0; i < IG1_CTR_COUNT; i++)
		drm_printf(p, "intaglio-counter-%s:\t%llu\n", counter_names[i], c.counters[i]);
	drm_show_memory_stats(p, file);
}

/* A 64-bit counter in two registers, the upper one of which changes once in seconds. */
static u64 read_cycles(struct ig1_device *dev)
{
	u32 hi, lo, again, i;

	for (i = 0; i < 2; i++) {
		hi = ig1_rd(dev, IG1_REG_CYCLES(1));
		lo = ig1_rd(dev, IG1_REG_CYCLES(0));
		again = ig1_rd(dev, IG1_REG_CYCLES(1));
		if (hi == again)
			break;
	}
	return (u64)again << 32 | lo;
}

void ig1_stats_query(struct ig1_device *dev, struct drm_intaglio_stats_info *info)
{
	unsigned int seq;
	int idx;
	u32 i;

	memset(info, 0, sizeof(*info));
	do {
		seq = read_seqbegin(&dev->stats.seq);
		info->jobs_done = dev->stats.counts.done;
		info->jobs_faulted = dev->stats.counts.faulted;
		info->timeouts = dev->stats.timeouts;
		info->resets = dev->stats.resets;
		for (i = 0; i < IG1_CTR_COUNT; i++)
			info->counters[i] = dev->stats.counts.counters[i];
	} while (read_seqretry(&dev->stats.seq, seq));

	if (!drm_dev_enter(&dev->drm, &idx))
		return;
	if (ig1_pm_get_if_awake(dev)) {
		down_read(&dev->hw_lock);
		/* A stopped chip may be in the middle of a reset and decode no address. */
		if (dev->fw.running)
			info->cycles = read_cycles(dev);
		up_read(&dev->hw_lock);
		ig1_pm_put_unused(dev);
	}
	drm_dev_exit(idx);
}
