// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <xf86drm.h>

#include "ig1_isa.h"
#include "uapi/intaglio_accel.h"

#define PAGE 4096

int main(void)
{
	uint64_t point = 1; /* on the timeline */
	int fd = open("/dev/accel/accel0", O_RDWR | O_CLOEXEC);
	struct drm_intaglio_gem_create bo = { .size = PAGE };
	struct drm_intaglio_gem_mmap_offset at = { 0 };
	struct drm_intaglio_vm_create vm = { 0 };
	struct drm_intaglio_bind_op op = { .op = DRM_INTAGLIO_BIND_MAP,
					   .va = 0x100000,
					   .size = PAGE };
	struct drm_intaglio_vm_bind bind = { .ops = { sizeof(op), 1, (uintptr_t)&op } };
	struct drm_intaglio_queue_create queue = { .priority = 1 };
	struct drm_intaglio_queue_get_state state = { 0 };
	struct drm_intaglio_sync sync = {
		.flags = DRM_INTAGLIO_SYNC_TIMELINE | DRM_INTAGLIO_SYNC_SIGNAL, .point = point
	};
	/* R1 is the page's address; the program stands at its begin, the number behind it. */
	struct drm_intaglio_job job = {
		.prog_va = 0x100000, .prog_len = 7, .nargs = 1, .args = { 0x100000 }
	};
	struct drm_intaglio_exec exec = { .jobs = { sizeof(job), 1, (uintptr_t)&job } };
	struct ig1_fmt_dma move = {
		.op = IG1_OP_D_LD, .rva = 1, .va = 2048, .bytes = 4, .n1 = 1, .n2 = 1
	};
	struct ig1_fmt_seq seq = { .op = IG1_OP_S_SYNC };
	uint32_t(*code)[IG1_CMD_WORDS], *number;

	if (fd < 0 || drmIoctl(fd, DRM_IOCTL_INTAGLIO_GEM_CREATE, &bo))
		return perror("/dev/accel/accel0"), 1;
	at.handle = op.handle = bo.handle;
	if (drmIoctl(fd, DRM_IOCTL_INTAGLIO_GEM_MMAP_OFFSET, &at))
		return perror("GEM_MMAP_OFFSET"), 1;
	code = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)at.offset);
	if (code == MAP_FAILED || drmIoctl(fd, DRM_IOCTL_INTAGLIO_VM_CREATE, &vm))
		return perror("VM_CREATE"), 1;
	bind.vm_id = queue.vm_id = vm.vm_id;
	if (drmIoctl(fd, DRM_IOCTL_INTAGLIO_VM_BIND, &bind) ||
	    drmIoctl(fd, DRM_IOCTL_INTAGLIO_QUEUE_CREATE, &queue) ||
	    drmSyncobjCreate(fd, 0, &sync.handle))
		return perror("VM_BIND"), 1;

	number = (uint32_t *)code + 512;
	*number = 21;
	ig1_encode_dma(&move, code[0]); /* scratch[0] = *number */
	ig1_encode_seq(&seq, code[1]);
	seq = (struct ig1_fmt_seq){ .op = IG1_OP_S_LD, .rd = 9 };
	ig1_encode_seq(&seq, code[2]);
	seq = (struct ig1_fmt_seq){
		.op = IG1_OP_S_ALU, .alu = IG1_ALUOP_ADD, .rd = 9, .ra = 9, .rb = 9
	};
	ig1_encode_seq(&seq, code[3]);
	seq = (struct ig1_fmt_seq){ .op = IG1_OP_S_ST, .rb = 9 };
	ig1_encode_seq(&seq, code[4]);
	move.op = IG1_OP_D_ST;
	ig1_encode_dma(&move, code[5]);
	seq = (struct ig1_fmt_seq){ .op = IG1_OP_S_END };
	ig1_encode_seq(&seq, code[6]);

	exec.queue_id = state.queue_id = queue.queue_id;
	job.syncs = (struct drm_intaglio_obj_array){ sizeof(sync), 1, (uintptr_t)&sync };
	if (drmIoctl(fd, DRM_IOCTL_INTAGLIO_EXEC, &exec) ||
	    drmSyncobjTimelineWait(fd, &sync.handle, &point, 1, INT64_MAX, 0, NULL) ||
	    drmIoctl(fd, DRM_IOCTL_INTAGLIO_QUEUE_GET_STATE, &state))
		return perror("EXEC"), 1;
	if (state.last.seq == job.seq)
		return fprintf(stderr, "fault %u\n", state.last.fault), 1;
	printf("%u\n", *number); /* 42 */
	return 0;
}
