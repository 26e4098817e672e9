// SPDX-License-Identifier: MIT
/* The sockets of a session. */
#include "vfu_server.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unix_socket.h"
#include "vfu_session.h"

#define CHUNK	 65536u
#define SCM_FDS	 253 /* the kernel's limit: none is lost before it can be closed */
#define MESSAGES 64  /* handled before the others at the poll get their turn */

struct vfu_server {
	struct vfu_server_options o;
	struct unix_server server;
};

/* One client. */
struct serving {
	const struct vfu_server_options *o;
	struct vfu_session *session;
	int fd, kick_fd;
	uint8_t chunk[CHUNK];
};

static void say(const struct vfu_server_options *o, enum pci_log_level level, const char *text)
{
	if (o->log)
		o->log(o->log_ctx, level, text);
}

static void kick(void *ctx)
{
	struct serving *c = ctx;
	const uint64_t one = 1;

	/* full means kicked already */
	if (write(c->kick_fd, &one, sizeof(one)) < 0)
		return;
}

static int socket_of(const struct serving *c, unsigned int stream)
{
	return stream ? vfu_session_twin(c->session) : c->fd;
}

static size_t take_fds(struct msghdr *h, int *fds)
{
	struct cmsghdr *m;
	size_t n = 0, k;

	for (m = CMSG_FIRSTHDR(h); m; m = CMSG_NXTHDR(h, m)) {
		if (m->cmsg_level != SOL_SOCKET || m->cmsg_type != SCM_RIGHTS)
			continue;
		k = (m->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds + n, CMSG_DATA(m), k * sizeof(int));
		n += k;
	}
	return n;
}

/* 1: there was something; 0: not now; -EPIPE: the other end is gone. */
static int receive(struct serving *c, unsigned int stream)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(SCM_FDS * sizeof(int))];
	} control;
	size_t want = vfu_session_want(c->session, stream);
	struct iovec iov = { c->chunk, want < CHUNK ? want : CHUNK };
	struct msghdr h = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int fds[SCM_FDS], err;
	ssize_t n;

	if (!want)
		return 0;
	n = recvmsg(socket_of(c, stream), &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (!n)
		return -EPIPE;
	err = vfu_session_input(c->session, stream, c->chunk, (size_t)n, fds, take_fds(&h, fds));
	return err ? err : 1;
}

static int transmit(struct serving *c, unsigned int stream)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr h = { 0 };
	const void *data;
	struct iovec iov;
	ssize_t n;
	int fd;

	for (;;) {
		iov.iov_len = vfu_session_output(c->session, stream, &data, &fd);
		if (!iov.iov_len)
			return 0;
		iov.iov_base = (void *)(uintptr_t)data;
		h.msg_iov = &iov;
		h.msg_iovlen = 1;
		h.msg_control = NULL;
		h.msg_controllen = 0;
		if (fd >= 0) {
			h.msg_control = &control;
			h.msg_controllen = sizeof(control);
			CMSG_FIRSTHDR(&h)->cmsg_level = SOL_SOCKET;
			CMSG_FIRSTHDR(&h)->cmsg_type = SCM_RIGHTS;
			CMSG_FIRSTHDR(&h)->cmsg_len = CMSG_LEN(sizeof(int));
			memcpy(CMSG_DATA(CMSG_FIRSTHDR(&h)), &fd, sizeof(fd));
		}
		n = sendmsg(socket_of(c, stream), &h, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		vfu_session_sent(c->session, stream, (size_t)n);
	}
}

static short interest(struct serving *c, unsigned int stream)
{
	const void *data;
	int fd;

	return (vfu_session_want(c->session, stream) ? POLLIN : 0) |
	       (vfu_session_output(c->session, stream, &data, &fd) ? POLLOUT : 0);
}

static int drain(struct serving *c, unsigned int stream, short events)
{
	unsigned int i;
	int ret;

	if (events & (POLLIN | POLLHUP | POLLERR)) {
		for (i = 0; i < MESSAGES; i++) {
			ret = receive(c, stream);
			if (ret < 0)
				return ret;
			if (!ret)
				break;
			/* answer at once, the client waits */
			ret = transmit(c, stream);
			if (ret)
				return ret;
		}
		/* a client that is gone but still owes us nothing to read */
		if (events & (POLLHUP | POLLERR) && !i)
			return -EPIPE;
	}
	return transmit(c, stream);
}

static void turn_away(const struct vfu_server_options *o, int listen_fd)
{
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	say(o, PCI_LOG_INFO, "a second client was turned away");
	close(fd);
}

/* The client is gone, so that the next may wait for its turn. */
static bool hung_up(const struct serving *c)
{
	struct pollfd p = { .fd = c->fd };

	return poll(&p, 1, 0) == 1 && p.revents & (POLLHUP | POLLERR);
}

static int loop(struct serving *c, int stop_fd, int listen_fd)
{
	struct pollfd p[5];
	uint64_t kicks;
	int err;

	for (;;) {
		/* negative descriptors are ignored */
		p[0] = (struct pollfd){ .fd = c->fd, .events = interest(c, 0) };
		p[1] = (struct pollfd){ .fd = vfu_session_twin(c->session),
					.events = interest(c, 1) };
		p[2] = (struct pollfd){ .fd = c->kick_fd, .events = POLLIN };
		p[3] = (struct pollfd){ .fd = stop_fd, .events = POLLIN };
		p[4] = (struct pollfd){ .fd = listen_fd, .events = POLLIN };
		if (poll(p, 5, -1) < 0 && errno != EINTR)
			return -errno;
		if (p[3].revents)
			return 0;
		if (p[2].revents && read(c->kick_fd, &kicks, sizeof(kicks)) < 0 && errno != EAGAIN)
			return -errno;
		if (vfu_session_ended(c->session))
			return -ECONNABORTED;
		if (p[4].revents && !hung_up(c))
			turn_away(c->o, listen_fd);
		err = drain(c, 0, p[0].revents);
		if (!err && vfu_session_twin(c->session) >= 0)
			err = drain(c, 1, p[1].fd < 0 ? 0 : p[1].revents);
		if (err == -EPROTO)
			transmit(c, 0); /* the last words */
		if (err)
			return err == -EPIPE ? 0 : err;
	}
}

int vfu_serve(const struct vfu_server_options *options, int fd, int stop_fd, int listen_fd)
{
	struct serving *c = calloc(1, sizeof(*c));
	struct vfu_session_options so = {
		.dev = options->dev,
		.kick = kick,
		.kick_ctx = c,
		.log = options->log,
		.log_ctx = options->log_ctx,
	};
	int err = -ENOMEM;

	if (!c) {
		close(fd);
		return err;
	}
	c->o = options;
	c->fd = fd;
	c->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = c->kick_fd < 0 ? -errno : vfu_session_create(&so, &c->session);
	if (!err)
		err = loop(c, stop_fd, listen_fd);
	vfu_session_destroy(c->session);
	if (c->kick_fd >= 0)
		close(c->kick_fd);
	close(fd);
	free(c);
	return err;
}

static void serve_client(struct unix_server *server, int fd)
{
	struct vfu_server *s =
		(struct vfu_server *)((char *)server - offsetof(struct vfu_server, server));
	char text[120];
	int err;

	say(&s->o, PCI_LOG_INFO, "client connected");
	err = vfu_serve(&s->o, fd, server->stop_fd, server->listen_fd);
	snprintf(text, sizeof(text), "client disconnected%s%s", err ? ": " : "",
		 err ? strerror(-err) : "");
	say(&s->o, err && err != -ECONNRESET ? PCI_LOG_ERROR : PCI_LOG_INFO, text);
}

int vfu_server_start(const struct vfu_server_options *options, struct vfu_server **out)
{
	struct vfu_server *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->o = *options;
	s->o.path = NULL; /* the server's copy is the one that lasts */
	err = unix_server_start(&s->server, options->path, serve_client);
	if (err) {
		free(s);
		return err;
	}
	*out = s;
	return 0;
}

void vfu_server_stop(struct vfu_server *s)
{
	if (!s)
		return;
	unix_server_stop(&s->server);
	free(s);
}
