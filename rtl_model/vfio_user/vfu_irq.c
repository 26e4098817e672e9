// SPDX-License-Identifier: MIT
/* Interrupts: eventfds of the client's. */
#include <errno.h>
#include <linux/vfio.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vfu_internal.h"

#define DATA_FLAGS   VFIO_IRQ_SET_DATA_TYPE_MASK
#define ACTION_FLAGS VFIO_IRQ_SET_ACTION_TYPE_MASK

void vfu_irq_init(struct vfu_session *s)
{
	unsigned int i;

	for (i = 0; i < VFU_EVENTS; i++)
		s->event[i] = -1;
}

void vfu_irq_close(struct vfu_session *s)
{
	unsigned int i;

	pthread_mutex_lock(&s->lock);
	for (i = 0; i < VFU_EVENTS; i++) {
		if (s->event[i] >= 0)
			close(s->event[i]);
		s->event[i] = -1;
	}
	pthread_mutex_unlock(&s->lock);
}

/* How many interrupts a type has; they are event[*first], ... */
static unsigned int vectors(uint32_t index, unsigned int *first)
{
	switch (index) {
	case VFIO_PCI_MSIX_IRQ_INDEX:
		*first = VFU_EVENT_MSIX;
		return IG1_VECTORS;
	case VFIO_PCI_ERR_IRQ_INDEX:
		*first = VFU_EVENT_ERR;
		return 1;
	case VFIO_PCI_REQ_IRQ_INDEX:
		*first = VFU_EVENT_REQ;
		return 1;
	default:
		return 0;
	}
}

int vfu_get_irq_info(struct vfu_session *s, struct vfu_message *m)
{
	struct vfu_irq_info info;
	unsigned int first;

	memcpy(&info, m->data, sizeof(info));
	if (info.argsz < sizeof(info) || info.index >= VFIO_PCI_NUM_IRQS)
		return -EINVAL;
	info.argsz = sizeof(info);
	info.count = vectors(info.index, &first);
	info.flags = info.count ? VFIO_IRQ_INFO_EVENTFD : 0;
	memcpy(s->reply, &info, sizeof(info));
	s->reply_n = sizeof(info);
	return 0;
}

/* s->lock held. A full counter is the client's choice: it must not stop the chip. */
static bool signal_locked(struct vfu_session *s, unsigned int event)
{
	struct pollfd p = { .fd = s->event[event], .events = POLLOUT };
	const uint64_t one = 1;
	ssize_t n;

	if (p.fd < 0)
		return false;
	if (poll(&p, 1, 0) == 1 && p.revents & POLLOUT) {
		do
			n = write(p.fd, &one, sizeof(one));
		while (n < 0 && errno == EINTR);
	}
	return true;
}

bool vfu_signal(struct vfu_session *s, unsigned int event)
{
	bool sent;

	pthread_mutex_lock(&s->lock);
	sent = signal_locked(s, event);
	pthread_mutex_unlock(&s->lock);
	return sent;
}

static bool is_eventfd(int fd)
{
	static const char want[] = "anon_inode:[eventfd]";
	char path[40], link[sizeof(want)];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, link, sizeof(link));
	return n == (ssize_t)sizeof(want) - 1 && !memcmp(link, want, sizeof(want) - 1);
}

static int assign(struct vfu_session *s, struct vfu_message *m, unsigned int first,
		  unsigned int count)
{
	unsigned int i;

	if (m->nfds && m->nfds != count)
		return -EINVAL;
	for (i = 0; i < m->nfds; i++) {
		if (!is_eventfd(m->fds[i]))
			return -EINVAL;
	}
	pthread_mutex_lock(&s->lock);
	for (i = 0; i < count; i++) {
		if (s->event[first + i] >= 0)
			close(s->event[first + i]);
		s->event[first + i] = m->nfds ? m->fds[i] : -1;
		if (m->nfds)
			m->fds[i] = -1;
	}
	pthread_mutex_unlock(&s->lock);
	pci_device_msix_retry(s->o.dev);
	return 0;
}

static int trigger(struct vfu_session *s, const uint8_t *which, unsigned int first,
		   unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (!which || which[i])
			vfu_signal(s, first + i);
	}
	return 0;
}

int vfu_set_irqs(struct vfu_session *s, struct vfu_message *m)
{
	struct vfu_irq_set set;
	unsigned int total, first;
	const uint8_t *data;
	size_t n;
	uint32_t end;

	memcpy(&set, m->data, sizeof(set));
	data = m->data + sizeof(set);
	n = m->n - sizeof(set);
	if (set.argsz < sizeof(set) || set.flags & ~(DATA_FLAGS | ACTION_FLAGS) ||
	    __builtin_popcount(set.flags & DATA_FLAGS) != 1 ||
	    __builtin_popcount(set.flags & ACTION_FLAGS) != 1)
		return -EINVAL;
	total = vectors(set.index, &first);
	if (!total || __builtin_add_overflow(set.start, set.count, &end) || end > total)
		return -EINVAL;
	if (n != (set.flags & VFIO_IRQ_SET_DATA_BOOL ? set.count : 0))
		return -EINVAL;
	if (m->nfds && !(set.flags & VFIO_IRQ_SET_DATA_EVENTFD))
		return -EINVAL;
	/* no type is maskable */
	if (!(set.flags & VFIO_IRQ_SET_ACTION_TRIGGER))
		return -ENOTTY;
	if (set.flags & VFIO_IRQ_SET_DATA_NONE && !set.count) {
		if (set.start)
			return -EINVAL;
		return assign(s, m, first, total);
	}
	if (!set.count)
		return -EINVAL;
	if (set.flags & VFIO_IRQ_SET_DATA_EVENTFD)
		return assign(s, m, first + set.start, set.count);
	return trigger(s, set.flags & VFIO_IRQ_SET_DATA_BOOL ? data : NULL, first + set.start,
		       set.count);
}
