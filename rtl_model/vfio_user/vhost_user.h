/* SPDX-License-Identifier: MIT */
/*
 * A PCI device for user-mode Linux: the back end of a vhost-user connection that carries the
 * virtio-pcidev messages (the kernel's include/uapi/linux/virtio_pcidev.h).
 *
 * The client hands over its memory as file descriptors and two virtio rings in it: commands (0,
 * config space and BAR accesses of the client) and interrupts (1, empty buffers for MSI messages).
 * Rings are kicked and called by messages (VHOST_USER_PROTOCOL_F_INBAND_NOTIFICATIONS): a kick is
 * acknowledged when the accesses are done, so that an access takes as long as it takes and the
 * client needs no time limit.
 *
 * This file knows no socket: it takes messages and gives answers, so that tests and fuzzers can
 * call it. Everything that comes from the client is hostile.
 * Sources: QEMU's vhost-user specification; virtio 1.2, 2.7 (split virtqueues).
 */
#ifndef VHOST_USER_H
#define VHOST_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VU_HEADER_BYTES 12
#define VU_PAYLOAD_MAX	512 /* of a message in either direction */
#define VU_FDS_MAX	8   /* with a message; also the number of memory regions */
#define VU_RINGS	2
#define VU_RING_MAX	1024	  /* descriptors */
#define VU_ACCESS_MAX	(1 << 16) /* bytes of one config or BAR access */
#define VU_VECTORS	32
#define VU_CONFIG_BYTES 4096
#define VU_ERROR_MAX	160

enum vu_request {
	VU_GET_FEATURES = 1,
	VU_SET_FEATURES = 2,
	VU_SET_OWNER = 3,
	VU_RESET_OWNER = 4,
	VU_SET_MEM_TABLE = 5,
	VU_SET_VRING_NUM = 8,
	VU_SET_VRING_ADDR = 9,
	VU_SET_VRING_BASE = 10,
	VU_GET_VRING_BASE = 11,
	VU_SET_VRING_KICK = 12,
	VU_SET_VRING_CALL = 13,
	VU_SET_VRING_ERR = 14,
	VU_GET_PROTOCOL_FEATURES = 15,
	VU_SET_PROTOCOL_FEATURES = 16,
	VU_GET_QUEUE_NUM = 17,
	VU_SET_VRING_ENABLE = 18,
	VU_SET_BACKEND_REQ_FD = 21,
	VU_VRING_KICK = 35,
};

#define VU_BACKEND_VRING_CALL	  4

#define VU_FLAG_VERSION_MASK	  3
#define VU_FLAG_VERSION		  1
#define VU_FLAG_REPLY		  (1 << 2)
#define VU_FLAG_NEED_REPLY	  (1 << 3)

#define VU_F_PROTOCOL_FEATURES	  (1ull << 30)
#define VU_F_VERSION_1		  (1ull << 32)
#define VU_FEATURES		  (VU_F_PROTOCOL_FEATURES | VU_F_VERSION_1)
#define VU_PROTOCOL_F_MQ	  (1ull << 0)
#define VU_PROTOCOL_F_REPLY_ACK	  (1ull << 3)
#define VU_PROTOCOL_F_BACKEND_REQ (1ull << 5)
#define VU_PROTOCOL_F_INBAND	  (1ull << 14)
#define VU_PROTOCOL_FEATURES                                                      \
	(VU_PROTOCOL_F_MQ | VU_PROTOCOL_F_REPLY_ACK | VU_PROTOCOL_F_BACKEND_REQ | \
	 VU_PROTOCOL_F_INBAND)

enum vu_pcidev_op {
	VU_OP_CFG_READ = 1,
	VU_OP_CFG_WRITE,
	VU_OP_MMIO_READ,
	VU_OP_MMIO_WRITE,
	VU_OP_MMIO_MEMSET,
	VU_OP_INT,
	VU_OP_MSI,
	VU_OP_PME,
};

#define VU_PCIDEV_HEADER_BYTES 16

/*
 * What the device and the connection do for the transport. All return 0 or a negative errno.
 * Accesses are those of the client's driver: any offset and size within the named limits.
 */
struct vu_ops {
	/* size bytes at address addr of the client are at offset of fd. fd stays the caller's. */
	int (*mem_map)(void *ctx, uint64_t addr, uint64_t size, int fd, uint64_t offset);
	/* Takes all mappings back. */
	void (*mem_unmap_all)(void *ctx);
	/* Copies from and to the client's memory; -EFAULT: not mapped. */
	int (*mem_read)(void *ctx, uint64_t addr, void *buf, size_t n);
	int (*mem_write)(void *ctx, uint64_t addr, const void *buf, size_t n);

	/* n is 1, 2, 4 or 8, within the config space. */
	int (*config_read)(void *ctx, uint32_t offset, void *buf, size_t n);
	int (*config_write)(void *ctx, uint32_t offset, const void *buf, size_t n);
	/* bar is 0..5; n at most VU_ACCESS_MAX; offset + n does not overflow. */
	int (*bar_read)(void *ctx, unsigned bar, uint64_t offset, void *buf, size_t n);
	int (*bar_write)(void *ctx, unsigned bar, uint64_t offset, const void *buf, size_t n);

	/* Rings up the client with a message; -EAGAIN: later. */
	int (*send)(void *ctx, const void *message, size_t n);
	/* The connection's end takes over fd, which vu_ops.send writes to. */
	int (*set_send_fd)(void *ctx, int fd);
};

struct vu_region {
	uint64_t addr; /* as the device sees it */
	uint64_t size;
	uint64_t user; /* as ring addresses name it */
};

struct vu_ring {
	uint64_t desc, avail, used; /* addresses as the device sees them */
	uint32_t num;
	uint16_t next_avail, next_used;
	bool enabled, placed;
	bool broken; /* the client's ring made no sense; until it is placed anew */
	bool call;   /* to be rung up */
};

/* A connection. Plain memory: no resources of its own. */
struct vu {
	const struct vu_ops *ops;
	void *ctx;
	uint64_t features, protocol_features;
	struct vu_region regions[VU_FDS_MAX];
	unsigned num_regions;
	struct vu_ring rings[VU_RINGS];
	uint32_t irq_data[VU_VECTORS]; /* messages that wait for a buffer */
	uint32_t irq_pending;
	uint64_t accesses, refused; /* of the client's driver: done, not understood */
	char error[VU_ERROR_MAX];   /* why the last message was refused */
	uint8_t buf[VU_PCIDEV_HEADER_BYTES + VU_ACCESS_MAX];
};

void vu_init(struct vu *vu, const struct vu_ops *ops, void *ctx);

/*
 * Takes one message: header and payload, exactly as long as the header says, with nfds descriptors,
 * which the caller closes (vu_ops.set_send_fd takes its own copy). Writes the answer, if any, to
 * reply (VU_HEADER_BYTES + VU_PAYLOAD_MAX) and its length to *reply_bytes.
 * 0; -EPROTO: the connection is beyond repair, vu->error says why. A refused request that can be
 * answered is answered with an error and is 0.
 */
int vu_message(struct vu *vu, const uint8_t *message, size_t bytes, const int *fds, unsigned nfds,
	       uint8_t *reply, size_t *reply_bytes);

/* Sends an MSI with this data; of several before the client took them one per vector is sent. */
void vu_msi(struct vu *vu, unsigned vector, uint32_t data);

/* Sends what waits: calls that met -EAGAIN. True when something still waits. */
bool vu_flush(struct vu *vu);

#endif
