/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _IG1_FDT_H_
#define _IG1_FDT_H_

#include <linux/types.h>

/*
 * Reader of the chip's device tree blob, which the kernel neither owns nor trusts. (The kernel's
 * own libfdt is not there for modules, and not at all without CONFIG_OF.)
 */

/*
 * Value of a property of the root ("/") or of a node right below it ("/chip"), and its length. NULL
 * if there is none or the blob is malformed up to there.
 */
const void *ig1_fdt_get(const void *blob, u32 bytes, const char *path, const char *name, u32 *len);

/* Numbers of 32 and 64 bits, 0 or -EINVAL. */
int ig1_fdt_u32(const void *blob, u32 bytes, const char *path, const char *name, u32 *val);
int ig1_fdt_u64(const void *blob, u32 bytes, const char *path, const char *name, u64 *val);

/* A string that ends inside its property, or NULL. */
const char *ig1_fdt_string(const void *blob, u32 bytes, const char *path, const char *name);

#endif /* _IG1_FDT_H_ */
