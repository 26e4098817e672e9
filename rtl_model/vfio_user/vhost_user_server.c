// SPDX-License-Identifier: MIT
/* Socket, descriptors and thread of a vhost-user connection; its meaning is in vhost_user.c. */
#include "vhost_user_server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dma_guard.h"
#include "unix_socket.h"
#include "vhost_user.h"

struct vhost_user_server {
	struct vhost_user_server_options opt;
	char *path;
	pthread_t thread;
	int listener, wake;

	/* of the thread */
	int conn, send_fd;
	bool attached;
	struct pci_client client;
	struct dma_map map;
	uint8_t in[VU_HEADER_BYTES + VU_PAYLOAD_MAX];
	size_t have;
	int fds[VU_FDS_MAX];
	unsigned nfds;
	struct vu vu;

	pthread_mutex_t lock; /* of what the device's threads leave here; innermost */
	uint32_t irqs;
	uint32_t irq_data[VU_VECTORS];
	bool drop, stop;
};

__attribute__((format(printf, 3, 4))) static void
say(struct vhost_user_server *s, enum pci_log_level level, const char *fmt, ...)
{
	char text[VU_ERROR_MAX + 64];
	va_list args;

	if (!s->opt.log)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	s->opt.log(s->opt.log_ctx, level, text);
}

static void wake(struct vhost_user_server *s)
{
	const uint64_t one = 1;

	/* Fails only when the counter is full: then it is readable anyway. */
	if (write(s->wake, &one, sizeof(one)) < 0)
		return;
}

/* The device's callbacks; any thread, with the device's lock. */

static bool on_msix(void *ctx, unsigned int vector, uint64_t addr, uint32_t data)
{
	struct vhost_user_server *s = ctx;

	(void)addr; /* there is one interrupt controller; the data tell the interrupt */
	if (vector >= VU_VECTORS)
		return false;
	pthread_mutex_lock(&s->lock);
	s->irqs |= 1u << vector;
	s->irq_data[vector] = data;
	pthread_mutex_unlock(&s->lock);
	wake(s);
	return true;
}

static void on_event(void *ctx, enum pci_event event)
{
	struct vhost_user_server *s = ctx;

	/* The bus knows neither AER nor a request to let go: both ways of leaving are the same. */
	if (event == PCI_EVENT_ERROR)
		return;
	pthread_mutex_lock(&s->lock);
	s->drop = true;
	pthread_mutex_unlock(&s->lock);
	wake(s);
}

/* struct vu_ops */

static void mem_unmap_all(void *ctx)
{
	struct vhost_user_server *s = ctx;

	pci_device_dma_unmap_all(s->opt.dev);
	dma_map_clear(&s->map);
}

static int mem_map(void *ctx, uint64_t addr, uint64_t size, int fd, uint64_t offset)
{
	struct vhost_user_server *s = ctx;
	struct dma_region r = {
		.addr = addr,
		.size = size,
		.offset = offset,
		.prot = DMA_READ | DMA_WRITE,
		.mode = DMA_MMAP,
	};
	int rc = dma_map_add(&s->map, &r, fd);

	/* A failure is followed by mem_unmap_all. */
	return rc ? rc : pci_device_dma_map(s->opt.dev, &r, fd);
}

static int mem_read(void *ctx, uint64_t addr, void *buf, size_t n)
{
	struct vhost_user_server *s = ctx;
	struct dma_entry *e = dma_map_find(&s->map, addr, n, DMA_READ);

	return e ? dma_entry_read(e, addr, buf, n) : -EFAULT;
}

static int mem_write(void *ctx, uint64_t addr, const void *buf, size_t n)
{
	struct vhost_user_server *s = ctx;
	struct dma_entry *e = dma_map_find(&s->map, addr, n, DMA_WRITE);

	return e ? dma_entry_write(e, addr, buf, n) : -EFAULT;
}

static int config_read(void *ctx, uint32_t offset, void *buf, size_t n)
{
	struct vhost_user_server *s = ctx;

	return pci_device_read(s->opt.dev, PCI_REGION_CONFIG, offset, buf, n);
}

static int config_write(void *ctx, uint32_t offset, const void *buf, size_t n)
{
	struct vhost_user_server *s = ctx;

	return pci_device_write(s->opt.dev, PCI_REGION_CONFIG, offset, buf, n);
}

static int bar_read(void *ctx, unsigned bar, uint64_t offset, void *buf, size_t n)
{
	struct vhost_user_server *s = ctx;

	return pci_device_read(s->opt.dev, PCI_REGION_BAR0 + bar, offset, buf, n);
}

static int bar_write(void *ctx, unsigned bar, uint64_t offset, const void *buf, size_t n)
{
	struct vhost_user_server *s = ctx;

	return pci_device_write(s->opt.dev, PCI_REGION_BAR0 + bar, offset, buf, n);
}

static int send_call(void *ctx, const void *message, size_t n)
{
	struct vhost_user_server *s = ctx;
	ssize_t done;

	if (s->send_fd < 0)
		return -ENOTCONN;
	done = write(s->send_fd, message, n);
	if (done == (ssize_t)n)
		return 0;
	if (done < 0 && (errno == EAGAIN || errno == EINTR))
		return -EAGAIN;
	/* Half a message cannot be taken back; gone it is noticed on the socket. */
	say(s, PCI_LOG_ERROR, "vhost-user: calls: %s", done < 0 ? strerror(errno) : "short write");
	close(s->send_fd);
	s->send_fd = -1;
	return -EIO;
}

static int set_send_fd(void *ctx, int fd)
{
	struct vhost_user_server *s = ctx;
	struct stat st;
	int copy, flags;

	if (fstat(fd, &st))
		return -errno;
	/* What may block or is not a stream is nothing to write to; Linux gives a pipe. */
	if (!S_ISFIFO(st.st_mode) && !S_ISSOCK(st.st_mode))
		return -EINVAL;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0)
		return -errno;
	flags = fcntl(copy, F_GETFL);
	if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY ||
	    fcntl(copy, F_SETFL, flags | O_NONBLOCK)) {
		close(copy);
		return -EINVAL;
	}
	if (s->send_fd >= 0)
		close(s->send_fd);
	s->send_fd = copy;
	return 0;
}

static const struct vu_ops ops = {
	.mem_map = mem_map,
	.mem_unmap_all = mem_unmap_all,
	.mem_read = mem_read,
	.mem_write = mem_write,
	.config_read = config_read,
	.config_write = config_write,
	.bar_read = bar_read,
	.bar_write = bar_write,
	.send = send_call,
	.set_send_fd = set_send_fd,
};

/* The connection */

static void close_fds(struct vhost_user_server *s)
{
	while (s->nfds)
		close(s->fds[--s->nfds]);
	s->have = 0;
}

static void disconnect(struct vhost_user_server *s, const char *why)
{
	if (s->conn < 0)
		return;
	say(s, PCI_LOG_INFO, "vhost-user: client gone: %s (%llu accesses, %llu refused)", why,
	    (unsigned long long)s->vu.accesses, (unsigned long long)s->vu.refused);
	if (s->attached)
		pci_device_detach(s->opt.dev);
	s->attached = false;
	dma_map_clear(&s->map);
	close_fds(s);
	if (s->send_fd >= 0)
		close(s->send_fd);
	s->send_fd = -1;
	close(s->conn);
	s->conn = -1;
}

static void accept_client(struct vhost_user_server *s)
{
	int rc;

	s->conn = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (s->conn < 0)
		return;
	pthread_mutex_lock(&s->lock);
	s->irqs = 0;
	s->drop = false;
	pthread_mutex_unlock(&s->lock);
	vu_init(&s->vu, &ops, s);
	rc = pci_device_attach(s->opt.dev, &s->client);
	s->attached = !rc;
	if (rc)
		disconnect(s, strerror(-rc));
	else
		say(s, PCI_LOG_INFO, "vhost-user: client connected");
}

static size_t want(const struct vhost_user_server *s)
{
	uint32_t size;

	if (s->have < VU_HEADER_BYTES)
		return VU_HEADER_BYTES - s->have;
	memcpy(&size, s->in + 8, sizeof(size));
	if (size > VU_PAYLOAD_MAX)
		return 0;
	return VU_HEADER_BYTES + size - s->have;
}

/* Keeps the descriptors that came; -EPROTO: more than a message may have. */
static int take_fds(struct vhost_user_server *s, struct msghdr *msg)
{
	struct cmsghdr *c;
	int rc = msg->msg_flags & MSG_CTRUNC ? -EPROTO : 0;

	for (c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		const uint8_t *at = CMSG_DATA(c);
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); n; n--, at += sizeof(int)) {
			int fd;

			memcpy(&fd, at, sizeof(fd));
			if (s->nfds < VU_FDS_MAX) {
				s->fds[s->nfds++] = fd;
			} else {
				close(fd);
				rc = -EPROTO;
			}
		}
	}
	return rc;
}

static int handle(struct vhost_user_server *s)
{
	uint8_t reply[VU_HEADER_BYTES + VU_PAYLOAD_MAX];
	uint64_t refused = s->vu.refused;
	size_t n;
	int rc;

	s->vu.error[0] = 0;
	rc = vu_message(&s->vu, s->in, s->have, s->fds, s->nfds, reply, &n);
	close_fds(s);
	if (s->vu.error[0])
		say(s, PCI_LOG_ERROR, "vhost-user: %s", s->vu.error);
	if (s->vu.refused != refused)
		say(s, PCI_LOG_DEBUG, "vhost-user: an access outside the device or unknown");
	if (rc || !n)
		return rc;
	/* Who does not take a few bytes of answers has sent far more than it may. */
	return send(s->conn, reply, n, MSG_NOSIGNAL) == (ssize_t)n ? 0 : -EPROTO;
}

/* Takes what is there of one message. 0, -EAGAIN (nothing there), others: drop the client. */
static int receive(struct vhost_user_server *s)
{
	union {
		char buf[CMSG_SPACE(VU_FDS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { s->in + s->have, want(s) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	ssize_t n;
	int rc;

	n = recvmsg(s->conn, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	if (n == 0)
		return -ECONNRESET;
	s->have += (size_t)n;
	rc = take_fds(s, &msg);
	if (rc || s->have < VU_HEADER_BYTES)
		return rc;
	if (want(s))
		return 0;
	if (s->have == VU_HEADER_BYTES) {
		uint32_t size;

		memcpy(&size, s->in + 8, sizeof(size));
		if (size)
			return -EPROTO;
	}
	return handle(s);
}

/* Interrupts that the device raised since the last time. */
static void forward_irqs(struct vhost_user_server *s)
{
	uint32_t irqs, data[VU_VECTORS];

	pthread_mutex_lock(&s->lock);
	irqs = s->irqs;
	s->irqs = 0;
	memcpy(data, s->irq_data, sizeof(data));
	pthread_mutex_unlock(&s->lock);
	for (; irqs && s->conn >= 0; irqs &= irqs - 1)
		vu_msi(&s->vu, (unsigned)__builtin_ctz(irqs), data[__builtin_ctz(irqs)]);
}

static void *serve(void *arg)
{
	struct vhost_user_server *s = arg;
	uint64_t count;
	int rc;

	for (;;) {
		bool waits = s->conn >= 0 && vu_flush(&s->vu);
		struct pollfd p[3] = {
			{ .fd = s->wake, .events = POLLIN },
			{ .fd = s->conn >= 0 ? s->conn : s->listener, .events = POLLIN },
			{ .fd = waits ? s->send_fd : -1, .events = POLLOUT },
		};
		bool stop, drop;

		if (poll(p, 3, -1) < 0)
			continue;
		if (p[0].revents && read(s->wake, &count, sizeof(count)) < 0)
			count = 0;
		pthread_mutex_lock(&s->lock);
		stop = s->stop;
		drop = s->drop;
		pthread_mutex_unlock(&s->lock);
		if (stop)
			break;
		if (drop)
			disconnect(s, "the device was removed");
		if (s->conn < 0) {
			if (p[1].fd == s->listener && p[1].revents)
				accept_client(s);
			continue;
		}
		rc = 0;
		while (p[1].revents && !rc) {
			rc = receive(s);
			forward_irqs(s);
		}
		if (rc && rc != -EAGAIN)
			disconnect(s, rc == -ECONNRESET ? "closed" : strerror(-rc));
		else
			forward_irqs(s);
	}
	disconnect(s, "stopped");
	return NULL;
}

static void release(struct vhost_user_server *s)
{
	if (s->listener >= 0) {
		unlink(s->path);
		close(s->listener);
	}
	if (s->wake >= 0)
		close(s->wake);
	dma_map_free(&s->map);
	pthread_mutex_destroy(&s->lock);
	free(s->path);
	free(s);
}

int vhost_user_server_start(const struct vhost_user_server_options *options,
			    struct vhost_user_server **out)
{
	struct vhost_user_server *s;
	sigset_t all, old;
	int rc;

	rc = dma_guard_install();
	if (rc)
		return rc;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->opt = *options;
	s->conn = -1;
	s->send_fd = -1;
	s->listener = -1;
	s->client = (struct pci_client){ .ctx = s, .msix = on_msix, .event = on_event };
	pthread_mutex_init(&s->lock, NULL);
	dma_map_init(&s->map);
	s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->path = strdup(options->path);
	if (s->wake < 0 || !s->path) {
		rc = s->path ? -errno : -ENOMEM;
		goto fail;
	}
	s->listener = unix_listen(s->path);
	if (s->listener < 0) {
		rc = s->listener;
		goto fail;
	}
	/* Signals are the main thread's; a pipe without a reader is an error of write(). */
	sigfillset(&all);
	sigdelset(&all, SIGBUS);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = -pthread_create(&s->thread, NULL, serve, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc)
		goto fail;
	*out = s;
	return 0;
fail:
	release(s);
	return rc;
}

void vhost_user_server_stop(struct vhost_user_server *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_mutex_unlock(&s->lock);
	wake(s);
	pthread_join(s->thread, NULL);
	release(s);
}
