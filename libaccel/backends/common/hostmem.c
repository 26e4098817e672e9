// SPDX-License-Identifier: MIT
/* Arena of simulated host memory. */
#include "hostmem.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "ig1_chip.h"

#define BIG_BYTES (256u << 10) /* from here on giving pages back to the kernel beats memset */

int hostmem_init(struct hostmem *m, struct accel_env *env, uint64_t bytes)
{
	int err;

	memset(m, 0, sizeof(*m));
	m->env = env;
	if (!bytes)
		bytes = HOSTMEM_DEFAULT_BYTES;
	if (bytes > UINT64_C(1) << 44)
		return env_fail(env, ACCEL_EARG, "host_bytes: %#llx is too large",
				(unsigned long long)bytes);
	m->bytes = (bytes + IG1_PAGE_BYTES - 1) / IG1_PAGE_BYTES * IG1_PAGE_BYTES;
	m->base = mmap(NULL, m->bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (m->base == MAP_FAILED) {
		m->base = NULL;
		return env_fail_errno(env, errno, "simulated host memory of %#llx bytes",
				      (unsigned long long)m->bytes);
	}
	err = pages_init(&m->pages, env, m->bytes / IG1_PAGE_BYTES);
	if (err)
		goto unmap;
	if (pthread_mutex_init(&m->lock, NULL)) {
		err = ACCEL_ENOMEM;
		goto pages;
	}
	return 0;
pages:
	pages_fini(&m->pages, env);
unmap:
	munmap(m->base, m->bytes);
	m->base = NULL;
	return err;
}

void hostmem_fini(struct hostmem *m)
{
	if (!m->base)
		return;
	pthread_mutex_destroy(&m->lock);
	pages_fini(&m->pages, m->env);
	munmap(m->base, m->bytes);
	m->base = NULL;
}

int hostmem_alloc(struct hostmem *m, uint64_t bytes, uint64_t *bus)
{
	uint64_t first;
	int err;

	pthread_mutex_lock(&m->lock);
	err = pages_take_run(&m->pages, (bytes + IG1_PAGE_BYTES - 1) / IG1_PAGE_BYTES, &first);
	pthread_mutex_unlock(&m->lock);
	if (!err)
		*bus = HOSTMEM_BUS + first * IG1_PAGE_BYTES;
	return err;
}

void hostmem_free(struct hostmem *m, uint64_t bus, uint64_t bytes)
{
	uint64_t n = (bytes + IG1_PAGE_BYTES - 1) / IG1_PAGE_BYTES;
	uint64_t off = bus - HOSTMEM_BUS;

	/* Zeroed here, so that allocation always finds zero pages. */
	if (n * IG1_PAGE_BYTES < BIG_BYTES ||
	    madvise(m->base + off, n * IG1_PAGE_BYTES, MADV_DONTNEED))
		memset(m->base + off, 0, n * IG1_PAGE_BYTES);
	pthread_mutex_lock(&m->lock);
	pages_give(&m->pages, off / IG1_PAGE_BYTES, n);
	pthread_mutex_unlock(&m->lock);
}

uint64_t hostmem_free_bytes(struct hostmem *m)
{
	uint64_t n;

	pthread_mutex_lock(&m->lock);
	n = m->pages.free;
	pthread_mutex_unlock(&m->lock);
	return n * IG1_PAGE_BYTES;
}

void *hostmem_ptr(struct hostmem *m, uint64_t bus, uint64_t n)
{
	uint64_t off = bus - HOSTMEM_BUS, end, page;

	if (bus < HOSTMEM_BUS || !n || __builtin_add_overflow(off, n, &end) || end > m->bytes)
		return NULL;
	for (page = off / IG1_PAGE_BYTES; page <= (end - 1) / IG1_PAGE_BYTES; page++) {
		if (!pages_taken(&m->pages, page))
			return NULL;
	}
	return m->base + off;
}

int hostmem_read(void *ctx, uint64_t bus, void *dst, size_t n)
{
	void *p = hostmem_ptr(ctx, bus, n);

	if (!p)
		return -EFAULT;
	memcpy(dst, p, n);
	return 0;
}

int hostmem_write(void *ctx, uint64_t bus, const void *src, size_t n)
{
	void *p = hostmem_ptr(ctx, bus, n);
	uint64_t word[2];

	if (!p)
		return -EFAULT;
	if (n == 16 && bus % 16 == 0) {
		/* A token record: the host sees all of it or nothing, its number comes last. */
		memcpy(word, src, n);
		__atomic_store_n((uint64_t *)p + 1, word[1], __ATOMIC_RELAXED);
		__atomic_store_n((uint64_t *)p, word[0], __ATOMIC_RELEASE);
		return 0;
	}
	memcpy(p, src, n);
	return 0;
}

void *hostmem_map(void *ctx, uint64_t bus, size_t n)
{
	return hostmem_ptr(ctx, bus, n);
}
