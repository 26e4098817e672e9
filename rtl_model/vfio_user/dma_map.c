// SPDX-License-Identifier: MIT
/* Regions of client memory, sorted by address. */
#include "dma_map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dma_guard.h"

void dma_map_init(struct dma_map *map)
{
	memset(map, 0, sizeof(*map));
}

static void entry_free(struct dma_entry *e)
{
	if (e->base)
		munmap(e->base, e->bytes);
	if (e->fd >= 0)
		close(e->fd);
	free(e);
}

void dma_map_clear(struct dma_map *map)
{
	size_t i;

	for (i = 0; i < map->count; i++)
		entry_free(map->entry[i]);
	map->count = 0;
	map->last = NULL;
}

void dma_map_free(struct dma_map *map)
{
	dma_map_clear(map);
	free(map->entry);
	memset(map, 0, sizeof(*map));
}

static int check(const struct dma_region *r, int fd)
{
	uint64_t end;

	if (!r->size || r->addr % DMA_PAGE || r->size % DMA_PAGE || r->offset % DMA_PAGE)
		return -EINVAL;
	/* the last byte, so that a region may end at 2^64 */
	if (__builtin_add_overflow(r->addr, r->size - 1, &end) ||
	    __builtin_add_overflow(r->offset, r->size, &end) || end > INT64_MAX)
		return -EINVAL;
	if (r->prot & ~(DMA_READ | DMA_WRITE))
		return -EINVAL;
	switch (r->mode) {
	case DMA_MESSAGE:
		return 0;
	case DMA_MMAP:
	case DMA_FILE:
		return fd < 0 ? -EINVAL : 0;
	default:
		return -EINVAL;
	}
}

/* Maps the file's pages that hold the region: whole huge pages, where it has such. */
static int entry_mmap(struct dma_entry *e, int fd, size_t page)
{
	uint64_t skip = e->r.offset % page;
	uint64_t bytes;
	int prot = 0;

	if (__builtin_add_overflow(e->r.size, skip + page - 1, &bytes) || bytes > SIZE_MAX / 2)
		return -EINVAL;
	bytes -= bytes % page;
	if (e->r.prot & DMA_READ)
		prot |= PROT_READ;
	if (e->r.prot & DMA_WRITE)
		prot |= PROT_WRITE;
	e->base = mmap(NULL, bytes, prot, MAP_SHARED | MAP_NORESERVE, fd,
		       (off_t)(e->r.offset - skip));
	if (e->base == MAP_FAILED) {
		e->base = NULL;
		return -errno;
	}
	e->bytes = bytes;
	e->host = (uint8_t *)e->base + skip;
	return 0;
}

static int entry_open(struct dma_entry *e, int fd)
{
	struct stat st;

	if (e->r.mode == DMA_MESSAGE)
		return 0;
	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size < e->r.offset + e->r.size)
		return -EINVAL;
	if (e->r.mode == DMA_MMAP)
		/* the block size of hugetlbfs is its page size */
		return entry_mmap(
			e, fd, st.st_blksize > (long)DMA_PAGE ? (size_t)st.st_blksize : DMA_PAGE);
	e->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return e->fd < 0 ? -errno : 0;
}

/* The first entry whose end lies beyond addr. */
static size_t lower(const struct dma_map *map, uint64_t addr)
{
	size_t lo = 0, hi = map->count, mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (map->entry[mid]->r.addr + (map->entry[mid]->r.size - 1) < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int make_room(struct dma_map *map)
{
	size_t room = map->room ? 2 * map->room : 16;
	struct dma_entry **p;

	if (map->count < map->room)
		return 0;
	if (map->count >= DMA_MAX_MAPS)
		return -ENOSPC;
	p = realloc(map->entry, room * sizeof(struct dma_entry *));
	if (!p)
		return -ENOMEM;
	map->entry = p;
	map->room = room;
	return 0;
}

int dma_map_add(struct dma_map *map, const struct dma_region *region, int fd)
{
	struct dma_entry *e;
	size_t at;
	int err;

	err = check(region, fd);
	if (err)
		return err;
	at = lower(map, region->addr);
	if (at < map->count && map->entry[at]->r.addr <= region->addr + (region->size - 1))
		return -EEXIST;
	err = make_room(map);
	if (err)
		return err;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->r = *region;
	e->fd = -1;
	err = entry_open(e, fd);
	if (err) {
		entry_free(e);
		return err;
	}
	memmove(&map->entry[at + 1], &map->entry[at],
		(map->count - at) * sizeof(struct dma_entry *));
	map->entry[at] = e;
	map->count++;
	return 0;
}

int dma_map_remove(struct dma_map *map, uint64_t addr, uint64_t size)
{
	size_t at = lower(map, addr);

	if (at == map->count || map->entry[at]->r.addr != addr || map->entry[at]->r.size != size)
		return -ENOENT;
	if (map->last == map->entry[at])
		map->last = NULL;
	entry_free(map->entry[at]);
	map->count--;
	memmove(&map->entry[at], &map->entry[at + 1],
		(map->count - at) * sizeof(struct dma_entry *));
	return 0;
}

static bool holds(const struct dma_entry *e, uint64_t addr, size_t n)
{
	/* addr - e->addr wraps to something large below the region */
	return addr - e->r.addr < e->r.size && n <= e->r.size - (addr - e->r.addr);
}

struct dma_entry *dma_map_find(struct dma_map *map, uint64_t addr, size_t n, uint32_t prot)
{
	struct dma_entry *e = map->last;
	size_t at;

	if (!e || !holds(e, addr, n)) {
		at = lower(map, addr);
		if (at == map->count || !holds(map->entry[at], addr, n))
			return NULL;
		e = map->entry[at];
		map->last = e;
	}
	return (e->r.prot & prot) == prot ? e : NULL;
}

static int all(ssize_t done, size_t n)
{
	return done >= 0 && (size_t)done == n ? 0 : -EFAULT;
}

int dma_entry_read(struct dma_entry *e, uint64_t addr, void *dst, size_t n)
{
	uint64_t at = addr - e->r.addr;

	if (e->r.mode == DMA_FILE)
		return all(pread(e->fd, dst, n, (off_t)(e->r.offset + at)), n);
	dma_guard_begin(e->base, e->bytes);
	memcpy(dst, e->host + at, n);
	return dma_guard_end() ? -EFAULT : 0;
}

/* A token record: the first word of it has its number, which says that the other is there. */
static bool is_record(uint64_t addr, size_t n)
{
	return n == 16 && !(addr & 15);
}

/* In ascending order: the last word of a ring entry says that the others are there. */
static void store(uint8_t *dst, const uint8_t *src, size_t n)
{
	uint64_t v;
	uint32_t w;

	while (n) {
		if (n >= 8 && !((uintptr_t)dst & 7)) {
			memcpy(&v, src, 8);
			__atomic_store_n((uint64_t *)(void *)dst, v, __ATOMIC_RELEASE);
			dst += 8, src += 8, n -= 8;
		} else if (n >= 4 && !((uintptr_t)dst & 3)) {
			memcpy(&w, src, 4);
			__atomic_store_n((uint32_t *)(void *)dst, w, __ATOMIC_RELEASE);
			dst += 4, src += 4, n -= 4;
		} else {
			__atomic_store_n(dst, *src, __ATOMIC_RELEASE);
			dst++, src++, n--;
		}
	}
}

static int write_file(struct dma_entry *e, uint64_t at, const uint8_t *src, size_t n)
{
	return all(pwrite(e->fd, src, n, (off_t)(e->r.offset + at)), n);
}

int dma_entry_write(struct dma_entry *e, uint64_t addr, const void *src, size_t n)
{
	size_t first = is_record(addr, n) ? 8 : 0;
	uint64_t at = addr - e->r.addr;
	const uint8_t *p = src;
	int err;

	if (e->r.mode == DMA_FILE) {
		err = write_file(e, at + first, p + first, n - first);
		return err || !first ? err : write_file(e, at, p, first);
	}
	dma_guard_begin(e->base, e->bytes);
	store(e->host + at + first, p + first, n - first);
	store(e->host + at, p, first);
	return dma_guard_end() ? -EFAULT : 0;
}
