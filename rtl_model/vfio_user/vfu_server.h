/* SPDX-License-Identifier: MIT */
/*
 * One device at one socket: a thread that accepts a client at a time and moves bytes between it
 * and a vfu_session. A second client is turned away while there is one. When a client goes, the
 * device is off until the next comes.
 */
#ifndef VFU_SERVER_H
#define VFU_SERVER_H

#include "pci_device.h"

struct vfu_server;

struct vfu_server_options {
	const char *path; /* copied */
	struct pci_device *dev;
	void (*log)(void *ctx, enum pci_log_level level, const char *text);
	void *log_ctx;
};

/* Listens when this returns. Errors as of unix_listen(), or -ENOMEM, -EAGAIN. */
int vfu_server_start(const struct vfu_server_options *options, struct vfu_server **out);
/* Drops the client, removes the socket, ends the thread. NULL is fine. */
void vfu_server_stop(struct vfu_server *server);

/*
 * The same on a connected socket until its other end closes it, or `stop_fd` (-1: none) becomes
 * readable; `listen_fd` (-1: none) is the socket where others are turned away. Owns fd. 0, or why
 * the client was dropped.
 */
int vfu_serve(const struct vfu_server_options *options, int fd, int stop_fd, int listen_fd);

#endif
