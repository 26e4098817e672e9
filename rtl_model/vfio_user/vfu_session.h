/* SPDX-License-Identifier: MIT */
/*
 * A vfio-user session with one client, server side, without the socket: bytes and files go in,
 * bytes (and one file) come out. vfu_server.c moves them.
 *
 * Threads: one, the transport thread, calls the functions. The device's callbacks come from other
 * threads, too; for them there is a lock of the session's own, taken after the device's. What they
 * want sent is queued and `kick` called.
 *
 * Every input is hostile. A message that makes no sense is answered with an error; a stream that
 * cannot be followed any more ends the session (-EPROTO).
 */
#ifndef VFU_SESSION_H
#define VFU_SESSION_H

#include <stddef.h>
#include <stdint.h>

#include "pci_device.h"

struct vfu_session;

struct vfu_session_options {
	struct pci_device *dev;
	/* Any thread, locks held: output is waiting, or the session is to end. Must not block. */
	void (*kick)(void *ctx);
	void *kick_ctx;
	void (*log)(void *ctx, enum pci_log_level level, const char *text);
	void *log_ctx;
};

/* Attaches to the device. */
int vfu_session_create(const struct vfu_session_options *options, struct vfu_session **out);
/* Detaches, closes every file that the client sent. */
void vfu_session_destroy(struct vfu_session *s);

/*
 * How many bytes may be read from a stream next, at most, so that files that come along belong to
 * the message they were sent with. `stream`: 0 is the main socket, 1 the twin.
 */
size_t vfu_session_want(const struct vfu_session *s, unsigned int stream);

/*
 * Takes n bytes (at most what was wanted) and the files that came with them; owns the files.
 * 0; -EPROTO: drop the client; -ENOMEM.
 */
int vfu_session_input(struct vfu_session *s, unsigned int stream, const void *data, size_t n,
		      const int *fds, size_t nfds);

/*
 * What is to be sent on a stream; *fd (-1: none) goes with the first byte. The pointer is good
 * until the next call of any function here.
 */
size_t vfu_session_output(struct vfu_session *s, unsigned int stream, const void **data, int *fd);
void vfu_session_sent(struct vfu_session *s, unsigned int stream, size_t n);

/* The twin socket's own end, once negotiated; -1: none. Stays the session's. */
int vfu_session_twin(const struct vfu_session *s);
/* The device wants the client dropped. */
bool vfu_session_ended(struct vfu_session *s);

#endif
