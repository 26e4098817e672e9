// SPDX-License-Identifier: MIT
/* Messages out of streams and into them; DMA requests to the client. */
#include "vfu_session.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vfu_internal.h"

/* Beyond this much that the client has not read, nothing more is taken from it. */
#define MAX_BACKLOG (4u * VFU_MAX_MESSAGE)

void vfu_log(const struct vfu_session *s, enum pci_log_level level, const char *format, ...)
{
	char text[160];
	va_list ap;

	if (!s->o.log)
		return;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	s->o.log(s->o.log_ctx, level, text);
}

/* --- the device's callbacks --------------------------------------------------------------------- */

static bool on_msix(void *ctx, unsigned int vector, uint64_t addr, uint32_t data)
{
	(void)addr;
	(void)data;
	return vfu_signal(ctx, VFU_EVENT_MSIX + vector);
}

static void kick(struct vfu_session *s)
{
	if (s->o.kick)
		s->o.kick(s->o.kick_ctx);
}

static void on_event(void *ctx, enum pci_event event)
{
	struct vfu_session *s = ctx;

	switch (event) {
	case PCI_EVENT_ERROR:
		vfu_signal(s, VFU_EVENT_ERR);
		break;
	case PCI_EVENT_REQUEST:
		vfu_signal(s, VFU_EVENT_REQ);
		break;
	case PCI_EVENT_DISCONNECT:
		pthread_mutex_lock(&s->lock);
		s->ended = true;
		pthread_mutex_unlock(&s->lock);
		kick(s);
		break;
	}
}

static int on_dma(void *ctx, uint32_t ticket, bool write, uint64_t addr, const void *data, size_t n)
{
	struct vfu_session *s = ctx;
	struct vfu_dma *d = NULL;
	unsigned int i;

	if (n > s->client_xfer || n > sizeof(d->data))
		return -EFAULT;
	pthread_mutex_lock(&s->lock);
	for (i = 0; i < VFU_DMA_MESSAGES; i++) {
		/* in a ring, so that requests are sent in the order they were made */
		d = &s->dma[s->dma_id % VFU_DMA_MESSAGES];
		if (!d->used)
			break;
		s->dma_id++;
	}
	if (i == VFU_DMA_MESSAGES) {
		pthread_mutex_unlock(&s->lock);
		return -EFAULT;
	}
	d->used = true;
	d->sent = false;
	d->write = write;
	d->id = s->dma_id++;
	d->ticket = ticket;
	d->addr = addr;
	d->n = (uint32_t)n;
	if (write)
		memcpy(d->data, data, n);
	pthread_mutex_unlock(&s->lock);
	kick(s);
	return 0;
}

/* --- output ------------------------------------------------------------------------------------- */

static uint8_t *append(struct vfu_buffer *b, size_t n)
{
	size_t room = b->room ? b->room : 4096;
	uint8_t *p;

	while (room - b->n < n)
		room *= 2;
	if (room != b->room) {
		p = realloc(b->p, room);
		if (!p)
			return NULL;
		b->p = p;
		b->room = room;
	}
	p = b->p + b->n;
	b->n += n;
	return p;
}

static int send_message(struct vfu_session *s, unsigned int stream, const struct vfu_header *h,
			const void *data, size_t n)
{
	uint8_t *p = append(&s->stream[stream].out, sizeof(*h) + n);

	if (!p)
		return -ENOMEM;
	memcpy(p, h, sizeof(*h));
	if (n)
		memcpy(p + sizeof(*h), data, n);
	return 0;
}

static void send_dma(struct vfu_session *s, const struct vfu_dma *d)
{
	struct vfu_dma_access a = { .addr = d->addr, .count = d->n };
	size_t n = sizeof(a) + (d->write ? d->n : 0);
	struct vfu_header h = {
		.id = d->id,
		.command = d->write ? VFU_DMA_WRITE : VFU_DMA_READ,
		.size = (uint32_t)(sizeof(h) + n),
	};
	uint8_t data[sizeof(a) + DMA_MAX_BYTES];

	memcpy(data, &a, sizeof(a));
	if (d->write)
		memcpy(data + sizeof(a), d->data, d->n);
	/* unsent for want of memory: the client's time runs out, as with a card that does not answer */
	send_message(s, s->twin >= 0, &h, data, n);
}

/* Requests that callbacks have queued, oldest first. */
static void send_requests(struct vfu_session *s)
{
	struct vfu_dma *d;
	unsigned int i;

	pthread_mutex_lock(&s->lock);
	for (i = 0; i < VFU_DMA_MESSAGES; i++) {
		d = &s->dma[(s->dma_id + i) % VFU_DMA_MESSAGES];
		if (!d->used || d->sent)
			continue;
		d->sent = true;
		send_dma(s, d);
	}
	pthread_mutex_unlock(&s->lock);
}

size_t vfu_session_output(struct vfu_session *s, unsigned int stream, const void **data, int *fd)
{
	send_requests(s);
	*data = s->stream[stream].out.p;
	*fd = stream ? -1 : s->twin_client;
	return s->stream[stream].out.n;
}

void vfu_session_sent(struct vfu_session *s, unsigned int stream, size_t n)
{
	struct vfu_buffer *b = &s->stream[stream].out;

	if (!n)
		return;
	memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
	if (!stream && s->twin_client >= 0) {
		close(s->twin_client);
		s->twin_client = -1;
	}
}

int vfu_session_twin(const struct vfu_session *s)
{
	return s->twin;
}

bool vfu_session_ended(struct vfu_session *s)
{
	bool ended;

	pthread_mutex_lock(&s->lock);
	ended = s->ended;
	pthread_mutex_unlock(&s->lock);
	return ended;
}

/* --- input -------------------------------------------------------------------------------------- */

static struct vfu_header *header(struct vfu_stream *in)
{
	return (struct vfu_header *)(void *)in->in;
}

size_t vfu_session_want(const struct vfu_session *s, unsigned int stream)
{
	const struct vfu_stream *in = &s->stream[stream];

	if (in->out.n > MAX_BACKLOG)
		return 0;
	if (in->have < sizeof(struct vfu_header))
		return sizeof(struct vfu_header) - in->have;
	return ((const struct vfu_header *)(const void *)in->in)->size - in->have;
}

/* The header is there: may the rest come, and is there room for it? */
static int check_header(struct vfu_session *s, struct vfu_stream *in)
{
	struct vfu_header *h = header(in);
	size_t room;
	uint64_t *p;

	if (h->size < sizeof(*h) || h->size > VFU_MAX_MESSAGE ||
	    (h->flags & VFU_FLAG_TYPE) > VFU_TYPE_REPLY) {
		vfu_log(s, PCI_LOG_ERROR, "message of %u bytes, flags %#x: dropping the client",
			h->size, h->flags);
		return -EPROTO;
	}
	room = (h->size + 7) & ~(size_t)7;
	if (room <= in->room)
		return 0;
	p = realloc(in->in, room);
	if (!p)
		return -ENOMEM;
	in->in = p;
	in->room = room;
	return 0;
}

static void close_fds(struct vfu_stream *in)
{
	while (in->nfds) {
		if (in->fds[--in->nfds] >= 0)
			close(in->fds[in->nfds]);
	}
	in->too_many_fds = false;
}

/* A client's answer to a DMA request. Errors and nonsense make the access fail. */
static void take_reply(struct vfu_session *s, const struct vfu_header *h, const uint8_t *data,
		       size_t n)
{
	struct vfu_dma_access a = { 0 };
	struct vfu_dma *d;
	uint32_t ticket;
	bool write;
	int err = -EIO;

	pthread_mutex_lock(&s->lock);
	d = &s->dma[h->id % VFU_DMA_MESSAGES];
	if (!d->used || !d->sent || d->id != h->id ||
	    h->command != (d->write ? VFU_DMA_WRITE : VFU_DMA_READ)) {
		pthread_mutex_unlock(&s->lock);
		vfu_log(s, PCI_LOG_INFO, "reply %u to command %u that was not sent", h->id,
			h->command);
		return;
	}
	if (n >= sizeof(a))
		memcpy(&a, data, sizeof(a));
	if (h->flags & VFU_FLAG_ERROR)
		err = -EFAULT;
	else if (d->write && (!n || (n == sizeof(a) && a.count == d->n)))
		err = 0; /* some answer a write with a mere header */
	else if (!d->write && n == sizeof(a) + d->n && a.count == d->n)
		err = 0;
	ticket = d->ticket;
	write = d->write;
	n = d->n;
	d->used = false;
	pthread_mutex_unlock(&s->lock);
	pci_device_dma_done(s->o.dev, ticket, err, write ? NULL : data + sizeof(a), write ? 0 : n);
}

static int take_command(struct vfu_session *s, unsigned int stream, struct vfu_message *m,
			bool too_many_fds)
{
	struct vfu_header h = m->h;
	int err;

	err = too_many_fds ? -EINVAL : vfu_command(s, m);
	if (err)
		vfu_log(s, PCI_LOG_INFO, "command %u refused: %s", h.command, strerror(-err));
	else
		vfu_log(s, PCI_LOG_DEBUG, "command %u, %u bytes", h.command, h.size);
	if (!(h.flags & VFU_FLAG_NO_REPLY)) {
		h.flags = VFU_TYPE_REPLY | (err ? VFU_FLAG_ERROR : 0);
		h.error = err ? (uint32_t)-err : 0;
		h.size = (uint32_t)(sizeof(h) + (err ? 0 : s->reply_n));
		if (send_message(s, stream, &h, s->reply, h.size - sizeof(h)))
			return -ENOMEM;
	}
	/* without a version there is nothing more to say */
	return s->negotiated ? 0 : -EPROTO;
}

static int take_message(struct vfu_session *s, unsigned int stream)
{
	struct vfu_stream *in = &s->stream[stream];
	struct vfu_message m = {
		.h = *header(in),
		.data = (const uint8_t *)in->in + sizeof(struct vfu_header),
		.n = header(in)->size - sizeof(struct vfu_header),
		.fds = in->fds,
		.nfds = in->nfds,
	};
	int err = 0;

	if ((m.h.flags & VFU_FLAG_TYPE) == VFU_TYPE_REPLY)
		take_reply(s, &m.h, m.data, m.n);
	else if (stream)
		err = -EPROTO; /* commands come on the main socket only */
	else
		err = take_command(s, stream, &m, in->too_many_fds);
	close_fds(in);
	in->have = 0;
	return err;
}

int vfu_session_input(struct vfu_session *s, unsigned int stream, const void *data, size_t n,
		      const int *fds, size_t nfds)
{
	struct vfu_stream *in = &s->stream[stream];
	size_t i;
	int err;

	for (i = 0; i < nfds; i++) {
		if (in->nfds < VFU_MAX_FDS) {
			in->fds[in->nfds++] = fds[i];
		} else {
			close(fds[i]);
			in->too_many_fds = true;
		}
	}
	if (n > vfu_session_want(s, stream))
		return -EINVAL;
	memcpy((uint8_t *)in->in + in->have, data, n);
	in->have += n;
	if (in->have == sizeof(struct vfu_header)) {
		err = check_header(s, in);
		if (err)
			return err;
	}
	if (in->have < sizeof(struct vfu_header) || in->have < header(in)->size)
		return 0;
	return take_message(s, stream);
}

/* --- life --------------------------------------------------------------------------------------- */

static void free_session(struct vfu_session *s)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		close_fds(&s->stream[i]);
		free(s->stream[i].in);
		free(s->stream[i].out.p);
	}
	vfu_irq_close(s);
	if (s->twin >= 0)
		close(s->twin);
	if (s->twin_client >= 0)
		close(s->twin_client);
	pthread_mutex_destroy(&s->lock);
	free(s->reply);
	free(s);
}

int vfu_session_create(const struct vfu_session_options *options, struct vfu_session **out)
{
	struct vfu_session *s = calloc(1, sizeof(*s));
	unsigned int i;
	int err = -ENOMEM;

	if (!s)
		return err;
	s->o = *options;
	s->twin = s->twin_client = -1;
	s->client_xfer = VFU_MAX_XFER;
	pthread_mutex_init(&s->lock, NULL);
	vfu_irq_init(s);
	for (i = 0; i < 2; i++) {
		s->stream[i].room = 4096;
		s->stream[i].in = malloc(s->stream[i].room);
	}
	s->reply = malloc(VFU_MAX_MESSAGE);
	if (s->reply && s->stream[0].in && s->stream[1].in) {
		s->client = (struct pci_client){
			.ctx = s,
			.msix = on_msix,
			.own_msix_table = true,
			.dma = on_dma,
			.event = on_event,
		};
		err = pci_device_attach(s->o.dev, &s->client);
	}
	if (err) {
		free_session(s);
		return err;
	}
	*out = s;
	return 0;
}

void vfu_session_destroy(struct vfu_session *s)
{
	if (!s)
		return;
	pci_device_detach(s->o.dev);
	free_session(s);
}
