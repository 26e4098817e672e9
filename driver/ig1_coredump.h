/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _IG1_COREDUMP_H_
#define _IG1_COREDUMP_H_

struct ig1_device;
struct ig1_job;

int ig1_coredump_init(struct ig1_device *dev);
void ig1_coredump_fini(struct ig1_device *dev);

/*
 * Puts what there is to know into memory set aside for it, and has a work item publish it.
 * Allocates nothing; fence-signalling context. hw_lock held for writing. @job: the reason, or
 * NULL. Nothing happens while the last one is not published.
 */
void ig1_coredump_take(struct ig1_device *dev, struct ig1_job *job, const char *reason);

#endif /* _IG1_COREDUMP_H_ */
