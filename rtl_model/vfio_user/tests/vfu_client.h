/* SPDX-License-Identifier: MIT */
/*
 * A vfio-user client for tests: one thread, synchronous. Requests of the server (DMA) are answered
 * by the memory callbacks while a call waits, or, with `lazy`, only by vfu_client_answer(), as
 * clients do that cannot serve DMA while they wait for a register.
 */
#ifndef VFU_CLIENT_H
#define VFU_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vfu_proto.h"

#define VFU_CLIENT_QUEUE 64

struct vfu_client {
	int fd, twin; /* twin -1: none */
	uint16_t id;
	bool lazy;
	/* DMA by message; 0 or an errno for the error reply */
	void *ctx;
	int (*read)(void *ctx, uint64_t addr, void *dst, size_t n);
	int (*write)(void *ctx, uint64_t addr, const void *src, size_t n);
	unsigned int answered;
	/* requests not yet answered */
	uint8_t *queue[VFU_CLIENT_QUEUE];
	unsigned int queued;
};

/* A connected socket is the client's from here on. Nothing is sent. */
void vfu_client_init(struct vfu_client *c, int fd);
/* Waits up to five seconds for the socket to exist. 0 or -errno. */
int vfu_client_connect(struct vfu_client *c, const char *path);
void vfu_client_close(struct vfu_client *c);

struct vfu_call {
	uint16_t command;
	uint32_t flags; /* VFU_FLAG_NO_REPLY */
	const void *data;
	size_t n;
	const int *fds;
	size_t nfds;
	void *reply; /* at most `room` bytes of the payload */
	size_t room, got;
	int fd; /* came with the reply, or -1 */
};

/* 0; -errno as in the error reply; -EPIPE: the server is gone; -ETIMEDOUT: five seconds. */
int vfu_client_call(struct vfu_client *c, struct vfu_call *call);
/* Serves DMA for that long, or until `until` (optional) says so. Messages answered, or -errno. */
int vfu_client_answer(struct vfu_client *c, int ms, bool (*until)(void *arg), void *arg);

/* Shorthands. */
int vfu_client_version(struct vfu_client *c, const char *json, char *reply, size_t room);
int vfu_client_map(struct vfu_client *c, uint64_t addr, uint64_t size, uint32_t flags, int fd,
		   uint64_t offset);
int vfu_client_unmap(struct vfu_client *c, uint64_t addr, uint64_t size, uint32_t flags);
int vfu_client_read(struct vfu_client *c, uint32_t region, uint64_t offset, void *data, uint32_t n);
int vfu_client_write(struct vfu_client *c, uint32_t region, uint64_t offset, const void *data,
		     uint32_t n);
/* Without an answer. */
int vfu_client_post(struct vfu_client *c, uint32_t region, uint64_t offset, uint32_t value);
int vfu_client_irqs(struct vfu_client *c, uint32_t flags, uint32_t index, uint32_t start,
		    uint32_t count, const int *fds, size_t nfds);

/* Registers and config space; abort the program if the call fails. */
uint32_t vfu_client_get(struct vfu_client *c, uint32_t region, uint64_t offset, uint32_t n);
void vfu_client_set(struct vfu_client *c, uint32_t region, uint64_t offset, uint32_t value,
		    uint32_t n);

#endif
