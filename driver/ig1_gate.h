/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _IG1_GATE_H_
#define _IG1_GATE_H_

#include <linux/list.h>
#include <linux/spinlock.h>

struct drm_sched_entity;
struct drm_sched_job;

/**
 * struct ig1_gates - Gates of an entity that are shut
 */
struct ig1_gates {
	/** @lock: protects @shut; taken under any fence's lock */
	spinlock_t lock;
	/** @shut: by &struct ig1_gate.node */
	struct list_head shut;
};

void ig1_gates_init(struct ig1_gates *gates);

/*
 * Puts a gate before each fence that the job waits for. After the last dependency was added, before
 * arm. May allocate; on -ENOMEM the job is cleaned up as ever.
 */
int ig1_gates_shut(struct ig1_gates *gates, struct drm_sched_entity *entity,
		   struct drm_sched_job *job);

/*
 * Opens them, whatever the fences do: jobs behind them reach run_job, which ends them. Afterwards
 * no callback of ours is on those fences. Process context, may be fence-signalling.
 */
void ig1_gates_open(struct ig1_gates *gates);

#endif /* _IG1_GATE_H_ */
