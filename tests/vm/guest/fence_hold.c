// SPDX-License-Identifier: MIT
/*
 * Keeps fences of the driver in descriptors of their own (sync_file) after everything else of it is
 * closed: of a job that has ended, of one that waits for ever, and of a queued mapping. Asks for their
 * names on demand, which calls into whoever made them. Lines on stdin: `names` prints one line per fence,
 * `DRIVER TIMELINE STATUS`, `drop` closes them and ends. Says `ready` first.
 */
#include "node.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <xf86drm.h>

#include <linux/sync_file.h>

#define FENCES 3

static int fences[FENCES];

static void must(int err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(-err));
	exit(1);
}

static uint32_t syncobj(int fd)
{
	uint32_t handle;

	must(drm_sys.syncobj_create(fd, &handle), "SYNCOBJ_CREATE");
	return handle;
}

/* A job that signals `out` and, unless it is 0, waits for `in`. */
static void exec(struct node_rig *r, uint32_t queue, uint32_t len, uint32_t in, uint32_t out)
{
	struct drm_intaglio_sync s[2] = { { .flags = DRM_INTAGLIO_SYNC_SIGNAL, .handle = out },
					  { .handle = in } };
	struct drm_intaglio_job job = { .prog_va = NODE_CODE_VA,
					.prog_len = len,
					.watchdog = UINT64_C(1) << 60,
					.syncs = { sizeof(s[0]), in ? 2 : 1, (uintptr_t)s } };
	struct drm_intaglio_exec a = { .queue_id = queue,
				       .jobs = { sizeof(job), 1, (uintptr_t)&job } };

	must(NODE_CALL(r->fd, EXEC, &a), "EXEC");
}

static void bind_later(struct node_rig *r, uint32_t out)
{
	struct drm_intaglio_sync s = { .flags = DRM_INTAGLIO_SYNC_SIGNAL, .handle = out };
	struct drm_intaglio_bind_op op = { .op = DRM_INTAGLIO_BIND_MAP,
					   .handle = r->data.handle,
					   .va = 0x5000000,
					   .size = IG1_PAGE_BYTES,
					   .syncs = { sizeof(s), 1, (uintptr_t)&s } };
	struct drm_intaglio_vm_bind a = { .vm_id = r->vm,
					  .flags = DRM_INTAGLIO_VM_BIND_ASYNC,
					  .ops = { sizeof(op), 1, (uintptr_t)&op } };

	must(NODE_CALL(r->fd, VM_BIND, &a), "VM_BIND");
}

static void make(int fd)
{
	struct node_rig r, other;
	struct prog end = { 0 }, endless = { 0 };
	uint32_t handles[FENCES], never = syncobj(fd), i;

	for (i = 0; i < FENCES; i++)
		handles[i] = syncobj(fd);
	node_rig_open(fd, &r);
	node_rig_open(fd, &other);
	prog_end(&end);
	memcpy(r.code.p, end.w, sizeof(end.w));
	prog_endless(&endless);
	memcpy(other.code.p, endless.w, sizeof(endless.w));

	exec(&r, r.q.id, end.n, 0, handles[0]);
	must(drm_sys.syncobj_wait(fd, handles[0], 0), "SYNCOBJ_WAIT");
	bind_later(&r, handles[1]);
	must(drm_sys.syncobj_wait(fd, handles[1], 0), "SYNCOBJ_WAIT");
	exec(&other, other.q.id, endless.n, 0, never);
	exec(&r, r.q.id, end.n, never, handles[2]);
	for (i = 0; i < FENCES; i++)
		must(drmSyncobjExportSyncFile(fd, handles[i], &fences[i]), "EXPORT_SYNC_FILE");
}

static void print_names(void)
{
	struct sync_fence_info fence;
	struct sync_file_info info;
	int i;

	for (i = 0; i < FENCES; i++) {
		memset(&info, 0, sizeof(info));
		memset(&fence, 0, sizeof(fence));
		info.num_fences = 1;
		info.sync_fence_info = (uintptr_t)&fence;
		if (ioctl(fences[i], SYNC_IOC_FILE_INFO, &info) || info.num_fences != 1) {
			printf("no name\n");
			continue;
		}
		printf("%.32s %.32s %d\n", fence.driver_name, fence.obj_name, fence.status);
	}
	printf("end\n");
}

int main(void)
{
	int fd = node_open(0, 0), i;
	char line[32];

	make(fd);
	printf("ready\n");
	while (fgets(line, sizeof(line), stdin)) {
		if (!strcmp(line, "names\n"))
			print_names();
		if (!strcmp(line, "close\n"))
			drm_sys.close(fd);
		if (!strcmp(line, "drop\n"))
			break;
	}
	for (i = 0; i < FENCES; i++)
		close(fences[i]);
	return 0;
}
