// SPDX-License-Identifier: MIT
/*
 * Memory of another exporter in the chip's jobs: a memfd's pages, through /dev/udmabuf. What the chip
 * writes is what the memfd has, also when only the import is left of the dma-buf. TAP.
 */
#include "node.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/udmabuf.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define BYTES	 64u
#define PAGES	 3u
#define LENGTH	 (PAGES * (size_t)IG1_PAGE_BYTES)
#define SHARE_VA UINT64_C(0x5000000)

static void must(int err, const char *what)
{
	if (!err)
		return;
	printf("Bail out! %s: %s\n", what, strerror(-err));
	exit(1);
}

/* A dma-buf of a new memfd's pages, which are mapped at *pages. */
static int make(uint8_t **pages)
{
	struct udmabuf_create create = { .flags = UDMABUF_FLAGS_CLOEXEC, .size = LENGTH };
	int device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC), fd, dmabuf;

	must(device < 0 ? -errno : 0, "/dev/udmabuf");
	fd = memfd_create("foreign", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	must(fd < 0 ? -errno : 0, "memfd_create");
	must(ftruncate(fd, LENGTH) ? -errno : 0, "ftruncate");
	must(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) ? -errno : 0, "F_ADD_SEALS");
	*pages = mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(*pages == MAP_FAILED ? -errno : 0, "mmap");
	create.memfd = fd;
	dmabuf = ioctl(device, UDMABUF_CREATE, &create);
	must(dmabuf < 0 ? -errno : 0, "UDMABUF_CREATE");
	close(fd);
	close(device);
	return dmabuf;
}

/* The chip copies from `from` to `to`; -EFAULT of the record and the like. */
static int copy(struct node_rig *r, uint64_t from, uint64_t to)
{
	const uint64_t args[] = { from, to };
	struct drm_intaglio_completion c;
	struct prog p = { 0 };
	int err;

	prog_move(&p, IG1_OP_D_LD, 1, 0, 0, BYTES);
	prog_move(&p, IG1_OP_D_ST, 2, 0, 0, BYTES);
	prog_end(&p);
	err = node_run(r, &p, args, 2, &c);
	return err ? err : c.error;
}

int main(void)
{
	struct drm_intaglio_gem_mmap_offset offset = { 0 };
	struct node_bo bo = { .size = LENGTH };
	uint8_t *pages, want[BYTES];
	struct node_rig r;
	int fd, dmabuf;

	if (access("/dev/udmabuf", F_OK)) {
		printf("TAP version 13\n1..0 # SKIP this kernel has no udmabuf\n");
		return 0;
	}
	fd = node_open(0, 100);
	node_rig_open(fd, &r);
	dmabuf = make(&pages);
	tap_result(node_import(fd, dmabuf, &bo.handle), 0, "a memfd's pages are imported");
	close(dmabuf);
	offset.handle = bo.handle;
	tap_result(NODE_CALL(fd, GEM_MMAP_OFFSET, &offset), -EOPNOTSUPP,
		   "they are mapped through their exporter only");
	tap_result(node_map(fd, r.vm, &bo, 0, SHARE_VA, LENGTH, 0), 0,
		   "the chip's address space has them");
	memset(pages + 2 * IG1_PAGE_BYTES, 0x5a, BYTES);
	memset(want, 0x5a, BYTES);
	tap_result(copy(&r, SHARE_VA + 2 * IG1_PAGE_BYTES, SHARE_VA + IG1_PAGE_BYTES), 0,
		   "a job copies the last page to the second");
	tap_ok(!memcmp(pages + IG1_PAGE_BYTES, want, BYTES), "the memfd has it");
	tap_ok(!pages[0] && !pages[IG1_PAGE_BYTES + BYTES], "and nothing else has changed");
	tap_result(copy(&r, SHARE_VA, SHARE_VA + LENGTH), -EFAULT,
		   "behind its end there is a fault");
	drm_sys.bo_close(fd, bo.handle);
	munmap(pages, LENGTH);
	node_rig_close(&r);
	drm_sys.close(fd);
	return tap_end();
}
