/* SPDX-License-Identifier: MIT */
/*
 * Simulated host memory: one range of bus addresses backed by demand-zero pages. The chip may
 * touch only pages that are allocated, as behind an IOMMU.
 */
#ifndef ACCEL_HOSTMEM_H
#define ACCEL_HOSTMEM_H

#include "pages.h"

#define HOSTMEM_BUS	      UINT64_C(0x100000000)
#define HOSTMEM_DEFAULT_BYTES UINT64_C(0x100000000)

struct hostmem {
	struct accel_env *env;
	uint8_t *base;
	uint64_t bytes;
	pthread_mutex_t lock;
	struct pages pages;
};

/* bytes 0: the default; rounded up to pages. */
int hostmem_init(struct hostmem *m, struct accel_env *env, uint64_t bytes);
void hostmem_fini(struct hostmem *m);
/* Consecutive zeroed pages; ACCEL_ENOSPACE (not recorded). */
int hostmem_alloc(struct hostmem *m, uint64_t bytes, uint64_t *bus);
void hostmem_free(struct hostmem *m, uint64_t bus, uint64_t bytes);
uint64_t hostmem_free_bytes(struct hostmem *m);
/* [bus, bus+n), or NULL if it is not all allocated. Any thread. */
void *hostmem_ptr(struct hostmem *m, uint64_t bus, uint64_t n);

/* For bus masters; ctx is the struct hostmem. 0 or -EFAULT. */
int hostmem_read(void *ctx, uint64_t bus, void *dst, size_t n);
int hostmem_write(void *ctx, uint64_t bus, const void *src, size_t n);
void *hostmem_map(void *ctx, uint64_t bus, size_t n);

#endif
