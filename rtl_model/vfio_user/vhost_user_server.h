/* SPDX-License-Identifier: MIT */
/*
 * A PCI device on a vhost-user socket, for user-mode Linux: `linux virtio_uml.device=PATH:ID` with
 * CONFIG_UML_PCI_OVER_VIRTIO and ID its CONFIG_UML_PCI_OVER_VIRTIO_DEVICE_ID. One client at a time;
 * the next may connect when it is gone. A thread of its own does everything.
 */
#ifndef VHOST_USER_SERVER_H
#define VHOST_USER_SERVER_H

#include "pci_device.h"

struct vhost_user_server;

struct vhost_user_server_options {
	struct pci_device *dev; /* the caller's, outlives the server */
	const char *path;	/* copied */
	/* Optional; the server's thread. */
	void (*log)(void *ctx, enum pci_log_level level, const char *text);
	void *log_ctx;
};

/* Listens when it returns. Errors as of unix_listen(), or -ENOMEM, -EAGAIN. */
int vhost_user_server_start(const struct vhost_user_server_options *options,
			    struct vhost_user_server **out);
/* Drops the client, detaches the device, removes the socket. NULL is fine. */
void vhost_user_server_stop(struct vhost_user_server *s);

#endif
