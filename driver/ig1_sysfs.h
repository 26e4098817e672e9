/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _IG1_SYSFS_H_
#define _IG1_SYSFS_H_

struct attribute_group;

extern const struct attribute_group *ig1_dev_groups[];

#endif /* _IG1_SYSFS_H_ */
