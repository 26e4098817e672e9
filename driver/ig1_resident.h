/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _IG1_RESIDENT_H_
#define _IG1_RESIDENT_H_

struct ig1_device;
struct ig1_resident;

/*
 * Memory for a copy of the resident SRAM and for the programs that make it. Allocated before
 * hw_lock is taken; then save and load allocate nothing.
 */
struct ig1_resident *ig1_resident_alloc(struct ig1_device *dev);
void ig1_resident_free(struct ig1_resident *resident);

/*
 * hw_lock held for writing, the rings are empty and parked. Negative errno: the chip failed. After
 * -ETIMEDOUT it may still be copying: stop it before the memory is freed.
 */
int ig1_resident_save(struct ig1_device *dev, struct ig1_resident *resident);
int ig1_resident_load(struct ig1_device *dev, struct ig1_resident *resident);

#endif /* _IG1_RESIDENT_H_ */
