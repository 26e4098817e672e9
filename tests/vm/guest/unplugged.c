// SPDX-License-Identifier: MIT
/*
 * What a process sees of a device that goes while it works: every call fails with ENODEV, the job that
 * runs and the one that waits end with it, and what is mapped can still be read. TAP.
 *
 *	unplugged FILE TEXT	writing the text to the file makes the device go
 */
#include "node.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define SPARE_VA UINT64_C(0x5000000)
#define PATTERN	 0x5a

/* What one round of calls uses up. */
struct spare {
	uint32_t vm;
	struct node_queue q;
	uint64_t va;
};

static void must(int err, const char *what)
{
	if (!err)
		return;
	printf("Bail out! %s: %s\n", what, strerror(-err));
	exit(1);
}

/* Each call of the driver's, with arguments that are good as long as there is a device. */
static void each_call(struct node_rig *r, struct spare *s, int want, const char *when)
{
	struct drm_intaglio_memory_info memory = { 0 };
	struct drm_intaglio_dev_query dev_query = { DRM_INTAGLIO_QUERY_MEMORY, sizeof(memory),
						    (uintptr_t)&memory };
	struct drm_intaglio_gem_create gem_create = { .size = IG1_PAGE_BYTES };
	struct drm_intaglio_gem_mmap_offset offset = { .handle = r->data.handle };
	struct drm_intaglio_gem_info info = { .handle = r->data.handle };
	struct drm_intaglio_vm_create vm_create = { 0 };
	struct drm_intaglio_bind_op op = { .op = DRM_INTAGLIO_BIND_MAP,
					   .handle = r->data.handle,
					   .va = s->va,
					   .size = IG1_PAGE_BYTES };
	struct drm_intaglio_vm_bind bind = { .vm_id = r->vm,
					     .ops = { sizeof(op), 1, (uintptr_t)&op } };
	struct drm_intaglio_vm_get_state vm_state = { .vm_id = r->vm };
	struct drm_intaglio_vm_destroy vm_destroy = { .vm_id = s->vm };
	struct drm_intaglio_queue_create queue_create = { .vm_id = r->vm, .priority = 1 };
	struct drm_intaglio_job job = { .prog_va = NODE_CODE_VA, .prog_len = 1 };
	struct drm_intaglio_exec exec = { .queue_id = s->q.id,
					  .jobs = { sizeof(job), 1, (uintptr_t)&job } };
	struct drm_intaglio_queue_get_state queue_state = { .queue_id = s->q.id };
	struct drm_intaglio_queue_control control = { .queue_id = s->q.id,
						      .op = DRM_INTAGLIO_QUEUE_CANCEL };
	struct drm_intaglio_queue_destroy queue_destroy = { .queue_id = s->q.id };
	const struct {
		const char *name;
		unsigned long request;
		void *arg;
	} calls[] = {
		{ "DEV_QUERY", DRM_IOCTL_INTAGLIO_DEV_QUERY, &dev_query },
		{ "GEM_CREATE", DRM_IOCTL_INTAGLIO_GEM_CREATE, &gem_create },
		{ "GEM_MMAP_OFFSET", DRM_IOCTL_INTAGLIO_GEM_MMAP_OFFSET, &offset },
		{ "GEM_INFO", DRM_IOCTL_INTAGLIO_GEM_INFO, &info },
		{ "VM_CREATE", DRM_IOCTL_INTAGLIO_VM_CREATE, &vm_create },
		{ "VM_BIND", DRM_IOCTL_INTAGLIO_VM_BIND, &bind },
		{ "VM_GET_STATE", DRM_IOCTL_INTAGLIO_VM_GET_STATE, &vm_state },
		{ "VM_DESTROY", DRM_IOCTL_INTAGLIO_VM_DESTROY, &vm_destroy },
		{ "QUEUE_CREATE", DRM_IOCTL_INTAGLIO_QUEUE_CREATE, &queue_create },
		{ "EXEC", DRM_IOCTL_INTAGLIO_EXEC, &exec },
		{ "QUEUE_GET_STATE", DRM_IOCTL_INTAGLIO_QUEUE_GET_STATE, &queue_state },
		{ "QUEUE_CONTROL", DRM_IOCTL_INTAGLIO_QUEUE_CONTROL, &control },
		{ "QUEUE_DESTROY", DRM_IOCTL_INTAGLIO_QUEUE_DESTROY, &queue_destroy },
	};
	char what[64];
	uint32_t i;

	_Static_assert(sizeof(calls) / sizeof(calls[0]) == DRM_INTAGLIO_EXEC + 1, "all of them");
	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		snprintf(what, sizeof(what), "%s, %s", calls[i].name, when);
		tap_result(drm_sys.ioctl(r->fd, calls[i].request, calls[i].arg), want, what);
	}
}

static void unplug(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t len = (ssize_t)strlen(text);

	must(fd < 0 ? -errno : 0, path);
	must(write(fd, text, (size_t)len) != len ? -errno : 0, path);
	close(fd);
}

static void check_record(int fd, struct node_queue *q, uint64_t seq, const char *what)
{
	struct drm_intaglio_completion c;

	if (tap_result(node_wait(fd, q, seq, &c), 0, what))
		tap_result(c.error, -ENODEV, what);
}

int main(int argc, char **argv)
{
	struct drm_intaglio_gem_mmap_offset at = { 0 };
	struct drm_intaglio_job job = { .prog_va = NODE_CODE_VA, .watchdog = UINT64_C(1) << 60 };
	struct drm_intaglio_job later = { .prog_va = NODE_CODE_VA, .prog_len = 1 };
	struct prog end = { 0 }, endless = { 0 };
	struct spare spare[2] = { 0 };
	uint8_t want[IG1_PAGE_BYTES];
	struct node_rig r, busy;
	int fd, i;
	void *p;

	if (argc != 3) {
		fprintf(stderr, "usage: unplugged FILE TEXT\n");
		return 2;
	}
	fd = node_open(0, 100);
	node_rig_open(fd, &r);
	node_rig_open(fd, &busy);
	prog_end(&end);
	memcpy(r.code.p, end.w, sizeof(end.w));
	prog_endless(&endless);
	memcpy(busy.code.p, endless.w, sizeof(endless.w));
	memset(want, PATTERN, sizeof(want));
	memcpy(r.data.p, want, sizeof(want));
	at.handle = r.data.handle;
	must(NODE_CALL(fd, GEM_MMAP_OFFSET, &at), "GEM_MMAP_OFFSET");
	for (i = 0; i < 2; i++) {
		spare[i].va = SPARE_VA + (uint64_t)i * IG1_PAGE_BYTES;
		must(node_vm_create(fd, &spare[i].vm), "VM_CREATE");
		must(node_queue_create(fd, r.vm, 1, &spare[i].q), "QUEUE_CREATE");
	}
	each_call(&r, &spare[0], 0, "before");

	job.prog_len = endless.n;
	must(node_submit(fd, &busy.q, &job), "EXEC");
	must(node_submit_after(fd, &r.q, &later, busy.q.syncobj, busy.q.point), "EXEC");
	unplug(argv[1], argv[2]);

	each_call(&r, &spare[1], -ENODEV, "without the device");
	tap_result(drm_sys.map(fd, at.offset, IG1_PAGE_BYTES, &p), -ENODEV, "mmap");
	check_record(fd, &busy.q, job.seq, "the ring's record of the job that ran");
	check_record(fd, &r.q, later.seq, "the ring's record of the job that waited");
	tap_ok(!memcmp(r.data.p, want, sizeof(want)), "a mapped buffer has its data");
	tap_ok(!memcmp(r.code.p, end.w, sizeof(end.w)), "and so has one of an address space");
	return tap_end();
}
