/* SPDX-License-Identifier: MIT */
/* A session from inside: vfu_session.c moves messages, vfu_commands.c carries them out. */
#ifndef VFU_INTERNAL_H
#define VFU_INTERNAL_H

#include <pthread.h>
#include <stdbool.h>

#include "ig1_chip.h"
#include "vfu_proto.h"
#include "vfu_session.h"

#define VFU_DMA_MESSAGES 64u

/* Interrupt types with eventfds, and their place in the table. */
enum vfu_event_fd { VFU_EVENT_MSIX, VFU_EVENT_ERR = IG1_VECTORS, VFU_EVENT_REQ, VFU_EVENTS };

/* A command being carried out. */
struct vfu_message {
	struct vfu_header h;
	const uint8_t *data; /* behind the header, aligned to 8 */
	size_t n;
	int *fds; /* the one who keeps a file puts -1 here */
	size_t nfds;
};

/* One DMA request, from the device's callback to the client's answer. */
struct vfu_dma {
	bool used, sent;
	bool write;
	uint16_t id;
	uint32_t ticket, n;
	uint64_t addr;
	uint8_t data[DMA_MAX_BYTES];
};

struct vfu_buffer {
	uint8_t *p;
	size_t n, room;
};

struct vfu_stream {
	/* the message that is coming in: header, then the rest */
	uint64_t *in; /* in words for the alignment */
	size_t have, room;
	int fds[VFU_MAX_FDS];
	size_t nfds;
	bool too_many_fds;
	struct vfu_buffer out;
};

struct vfu_session {
	struct vfu_session_options o;
	struct pci_client client;
	bool negotiated, write_multi;
	uint32_t client_xfer; /* data bytes of a message that the client takes */

	struct vfu_stream stream[2]; /* main, twin */
	int twin;		     /* our end */
	int twin_client;	     /* the client's, until it is sent */

	uint8_t *reply; /* VFU_MAX_MESSAGE, behind the header */
	size_t reply_n;

	pthread_mutex_t lock; /* of the rest; taken after the device's */
	int event[VFU_EVENTS];
	struct vfu_dma dma[VFU_DMA_MESSAGES];
	uint16_t dma_id;
	bool ended;
};

__attribute__((format(printf, 3, 4))) void
vfu_log(const struct vfu_session *s, enum pci_log_level level, const char *format, ...);

/*
 * Carries a command out; its answer's payload is s->reply, s->reply_n. 0 or a negative errno for
 * the error reply.
 */
int vfu_command(struct vfu_session *s, struct vfu_message *m);
/* vfu_version.c */
int vfu_version(struct vfu_session *s, struct vfu_message *m);
/* vfu_irq.c */
void vfu_irq_init(struct vfu_session *s);
void vfu_irq_close(struct vfu_session *s);
int vfu_get_irq_info(struct vfu_session *s, struct vfu_message *m);
int vfu_set_irqs(struct vfu_session *s, struct vfu_message *m);
bool vfu_signal(struct vfu_session *s, unsigned int event);

#endif
