// SPDX-License-Identifier: MIT
/* The client's side of vfio-user. */
#include "vfu_client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "unix_socket.h"

#define PATIENCE_MS 5000

void vfu_client_init(struct vfu_client *c, int fd)
{
	memset(c, 0, sizeof(*c));
	c->fd = fd;
	c->twin = -1;
}

int vfu_client_connect(struct vfu_client *c, const char *path)
{
	int i, fd = -ENOENT;

	for (i = 0; i < PATIENCE_MS / 10; i++) {
		fd = unix_connect(path);
		if (fd >= 0 || (fd != -ENOENT && fd != -ECONNREFUSED))
			break;
		usleep(10000);
	}
	if (fd < 0)
		return fd;
	vfu_client_init(c, fd);
	return 0;
}

void vfu_client_close(struct vfu_client *c)
{
	while (c->queued)
		free(c->queue[--c->queued]);
	if (c->fd >= 0)
		close(c->fd);
	if (c->twin >= 0)
		close(c->twin);
	c->fd = c->twin = -1;
}

static int send_all(int fd, const struct vfu_header *h, const void *data, size_t n, const int *fds,
		    size_t nfds)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(64 * sizeof(int))];
	} control = { 0 };
	struct iovec iov[2] = { { (void *)(uintptr_t)h, sizeof(*h) },
				{ (void *)(uintptr_t)data, n } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = n ? 2 : 1 };
	ssize_t sent;
	size_t done;

	if (nfds) {
		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		CMSG_FIRSTHDR(&m)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&m)->cmsg_type = SCM_RIGHTS;
		CMSG_FIRSTHDR(&m)->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), fds, nfds * sizeof(int));
	}
	sent = sendmsg(fd, &m, MSG_NOSIGNAL);
	if (sent < (ssize_t)sizeof(*h))
		return sent < 0 ? -errno : -EIO;
	for (done = (size_t)sent - sizeof(*h); done < n; done += (size_t)sent) {
		sent = send(fd, (const char *)data + done, n - done, MSG_NOSIGNAL);
		if (sent < 0)
			return -errno;
	}
	return 0;
}

static int receive_all(int fd, void *data, size_t n)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t done = 0;
	ssize_t got;

	while (done < n) {
		if (poll(&p, 1, PATIENCE_MS) <= 0)
			return -ETIMEDOUT;
		got = recv(fd, (char *)data + done, n - done, 0);
		if (got <= 0)
			return got && errno != ECONNRESET ? -errno : -EPIPE;
		done += (size_t)got;
	}
	return 0;
}

/* A header with the file that came along, then the payload into new memory (header first). */
static int receive(int fd, uint8_t **message, int *file)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct vfu_header h;
	struct iovec iov = { &h, sizeof(h) };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t got;
	int err;

	*file = -1;
	if (poll(&p, 1, PATIENCE_MS) <= 0)
		return -ETIMEDOUT;
	got = recvmsg(fd, &m, MSG_CMSG_CLOEXEC | MSG_WAITALL);
	if (got != (ssize_t)sizeof(h))
		return -EPIPE;
	if (CMSG_FIRSTHDR(&m))
		memcpy(file, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
	if (h.size < sizeof(h) || h.size > VFU_MAX_MESSAGE)
		return -EPROTO;
	*message = malloc(h.size);
	if (!*message)
		return -ENOMEM;
	memcpy(*message, &h, sizeof(h));
	err = receive_all(fd, *message + sizeof(h), h.size - sizeof(h));
	if (err)
		free(*message);
	return err;
}

static int answer(struct vfu_client *c, const uint8_t *message)
{
	struct vfu_header h;
	struct vfu_dma_access a;
	uint8_t data[sizeof(a) + 4096];
	size_t n = sizeof(a);
	int err = EINVAL;

	memcpy(&h, message, sizeof(h));
	if (h.size < sizeof(h) + sizeof(a))
		return -EPROTO;
	memcpy(&a, message + sizeof(h), sizeof(a));
	if (a.count > 4096)
		return -EPROTO;
	if (h.command == VFU_DMA_READ && c->read) {
		err = c->read(c->ctx, a.addr, data + sizeof(a), a.count);
		n += a.count;
	} else if (h.command == VFU_DMA_WRITE && c->write &&
		   h.size == sizeof(h) + sizeof(a) + a.count) {
		err = c->write(c->ctx, a.addr, message + sizeof(h) + sizeof(a), a.count);
	}
	memcpy(data, &a, sizeof(a));
	if (err)
		n = 0;
	h.flags = VFU_TYPE_REPLY | (err ? VFU_FLAG_ERROR : 0);
	h.error = (uint32_t)err;
	h.size = (uint32_t)(sizeof(h) + n);
	c->answered++;
	return send_all(c->twin >= 0 ? c->twin : c->fd, &h, data, n, NULL, 0);
}

/* A request of the server's: now or later. Owns message. */
static int request(struct vfu_client *c, uint8_t *message)
{
	int err = 0;

	if (c->lazy) {
		if (c->queued == VFU_CLIENT_QUEUE)
			err = -ENOBUFS;
		else
			c->queue[c->queued++] = message;
	} else {
		err = answer(c, message);
	}
	if (err || !c->lazy)
		free(message);
	return err;
}

static bool is_reply(const uint8_t *message)
{
	struct vfu_header h;

	memcpy(&h, message, sizeof(h));
	return (h.flags & VFU_FLAG_TYPE) == VFU_TYPE_REPLY;
}

/* Until then, rounded up; negative: over. */
static int milliseconds(const struct timespec *end)
{
	struct timespec now;
	int64_t ns;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ns = (end->tv_sec - now.tv_sec) * 1000000000ll + (end->tv_nsec - now.tv_nsec);
	return ns < 0 ? -1 : (int)(ns / 1000000) + 1;
}

int vfu_client_answer(struct vfu_client *c, int ms, bool (*until)(void *arg), void *arg)
{
	struct pollfd p = { .fd = c->twin >= 0 ? c->twin : c->fd, .events = POLLIN };
	unsigned int before = c->answered;
	struct timespec end;
	uint8_t *message;
	int err = 0, fd, left = ms;
	unsigned int i;

	for (i = 0; i < c->queued && !err; i++) {
		err = answer(c, c->queue[i]);
		free(c->queue[i]);
	}
	c->queued = 0;
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += ms / 1000;
	end.tv_nsec += ms % 1000 * 1000000;
	for (; !err && left >= 0 && !(until && until(arg)); left = milliseconds(&end)) {
		if (until && left > 5)
			left = 5;
		if (poll(&p, 1, left) <= 0)
			continue;
		err = receive(p.fd, &message, &fd);
		if (err)
			break;
		if (fd >= 0)
			close(fd);
		if (is_reply(message))
			err = -EPROTO;
		else
			err = answer(c, message);
		free(message);
	}
	return err ? err : (int)(c->answered - before);
}

/* The next message that answers the call; requests in between are dealt with. */
static int wait_reply(struct vfu_client *c, uint8_t **message, int *fd)
{
	struct pollfd p[2];
	int err;

	for (;;) {
		p[0] = (struct pollfd){ .fd = c->fd, .events = POLLIN };
		p[1] = (struct pollfd){ .fd = c->lazy ? -1 : c->twin, .events = POLLIN };
		if (poll(p, 2, PATIENCE_MS) <= 0)
			return -ETIMEDOUT;
		err = receive(p[1].revents ? c->twin : c->fd, message, fd);
		if (err)
			return err;
		if (is_reply(*message))
			return 0;
		if (*fd >= 0)
			close(*fd);
		err = request(c, *message);
		if (err)
			return err;
	}
}

int vfu_client_call(struct vfu_client *c, struct vfu_call *call)
{
	struct vfu_header h = { .id = ++c->id,
				.command = call->command,
				.size = (uint32_t)(sizeof(h) + call->n),
				.flags = VFU_TYPE_COMMAND | call->flags };
	uint8_t *message;
	int err;

	call->fd = -1;
	call->got = 0;
	err = send_all(c->fd, &h, call->data, call->n, call->fds, call->nfds);
	if (err || call->flags & VFU_FLAG_NO_REPLY)
		return err == -ECONNRESET ? -EPIPE : err;
	err = wait_reply(c, &message, &call->fd);
	if (err)
		return err;
	memcpy(&h, message, sizeof(h));
	if (h.id != c->id || h.command != call->command) {
		err = -EPROTO;
	} else if (h.flags & VFU_FLAG_ERROR) {
		/* an error reply is a header and nothing else */
		err = h.size == sizeof(h) && h.error ? -(int)h.error : -EPROTO;
	} else {
		call->got = h.size - sizeof(h);
		if (call->got > call->room)
			err = -EPROTO;
		else if (call->got)
			memcpy(call->reply, message + sizeof(h), call->got);
	}
	free(message);
	return err;
}

int vfu_client_version(struct vfu_client *c, const char *json, char *reply, size_t room)
{
	static uint8_t request_data[4 + 70000], reply_data[4096];
	struct vfu_version v = { VFU_MAJOR, 1 };
	struct vfu_call call = { .command = VFU_VERSION,
				 .data = request_data,
				 .n = sizeof(v),
				 .reply = reply_data,
				 .room = sizeof(reply_data) };
	int err;

	memcpy(request_data, &v, sizeof(v));
	if (json) {
		memcpy(request_data + sizeof(v), json, strlen(json) + 1);
		call.n += strlen(json) + 1;
	}
	err = vfu_client_call(c, &call);
	if (err)
		return err;
	if (call.fd >= 0)
		c->twin = call.fd;
	memcpy(&v, reply_data, sizeof(v));
	if (v.major != VFU_MAJOR || v.minor > 1)
		return -EPROTO;
	if (reply)
		snprintf(reply, room, "%s", (char *)reply_data + sizeof(v));
	return 0;
}

int vfu_client_map(struct vfu_client *c, uint64_t addr, uint64_t size, uint32_t flags, int fd,
		   uint64_t offset)
{
	struct vfu_dma_map m = { sizeof(m), flags, offset, addr, size };
	struct vfu_call call = {
		.command = VFU_DMA_MAP, .data = &m, .n = sizeof(m), .fds = &fd, .nfds = fd >= 0
	};

	return vfu_client_call(c, &call);
}

int vfu_client_unmap(struct vfu_client *c, uint64_t addr, uint64_t size, uint32_t flags)
{
	struct vfu_dma_unmap m = { sizeof(m), flags, addr, size }, back;
	struct vfu_call call = { .command = VFU_DMA_UNMAP,
				 .data = &m,
				 .n = sizeof(m),
				 .reply = &back,
				 .room = sizeof(back) };
	int err = vfu_client_call(c, &call);

	if (!err && (call.got != sizeof(back) || memcmp(&m, &back, sizeof(m)) != 0))
		err = -EPROTO;
	return err;
}

int vfu_client_read(struct vfu_client *c, uint32_t region, uint64_t offset, void *data, uint32_t n)
{
	struct vfu_region_access a = { offset, region, n }, back;
	uint8_t *reply = malloc(sizeof(a) + n);
	struct vfu_call call = { .command = VFU_REGION_READ,
				 .data = &a,
				 .n = sizeof(a),
				 .reply = reply,
				 .room = sizeof(a) + n };
	int err;

	if (!reply)
		return -ENOMEM;
	err = vfu_client_call(c, &call);
	if (!err) {
		memcpy(&back, reply, sizeof(back));
		if (call.got != sizeof(a) + n || memcmp(&a, &back, sizeof(a)) != 0)
			err = -EPROTO;
		else
			memcpy(data, reply + sizeof(a), n);
	}
	free(reply);
	return err;
}

int vfu_client_write(struct vfu_client *c, uint32_t region, uint64_t offset, const void *data,
		     uint32_t n)
{
	struct vfu_region_access a = { offset, region, n }, back;
	uint8_t *message = malloc(sizeof(a) + n);
	struct vfu_call call = { .command = VFU_REGION_WRITE,
				 .data = message,
				 .n = sizeof(a) + n,
				 .reply = &back,
				 .room = sizeof(back) };
	int err;

	if (!message)
		return -ENOMEM;
	memcpy(message, &a, sizeof(a));
	memcpy(message + sizeof(a), data, n);
	err = vfu_client_call(c, &call);
	if (!err && (call.got != sizeof(back) || memcmp(&a, &back, sizeof(a)) != 0))
		err = -EPROTO;
	free(message);
	return err;
}

int vfu_client_post(struct vfu_client *c, uint32_t region, uint64_t offset, uint32_t value)
{
	struct {
		struct vfu_region_access a;
		uint32_t value;
	} m = { { offset, region, sizeof(value) }, value };
	struct vfu_call call = { .command = VFU_REGION_WRITE,
				 .flags = VFU_FLAG_NO_REPLY,
				 .data = &m,
				 .n = sizeof(m.a) + sizeof(value) };

	return vfu_client_call(c, &call);
}

int vfu_client_irqs(struct vfu_client *c, uint32_t flags, uint32_t index, uint32_t start,
		    uint32_t count, const int *fds, size_t nfds)
{
	struct vfu_irq_set set = { sizeof(set), flags, index, start, count };
	struct vfu_call call = { .command = VFU_DEVICE_SET_IRQS,
				 .data = &set,
				 .n = sizeof(set),
				 .fds = fds,
				 .nfds = nfds };

	return vfu_client_call(c, &call);
}

static void must(int err, const char *what, uint64_t offset)
{
	if (!err)
		return;
	fprintf(stderr, "vfio-user %s at %#llx: %s\n", what, (unsigned long long)offset,
		strerror(-err));
	abort();
}

uint32_t vfu_client_get(struct vfu_client *c, uint32_t region, uint64_t offset, uint32_t n)
{
	uint32_t v = 0;

	must(vfu_client_read(c, region, offset, &v, n), "read", offset);
	return v;
}

void vfu_client_set(struct vfu_client *c, uint32_t region, uint64_t offset, uint32_t value,
		    uint32_t n)
{
	must(vfu_client_write(c, region, offset, &value, n), "write", offset);
}
