// SPDX-License-Identifier: MIT
/* Sockets with names. */
#include "unix_socket.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 4

static int address(const char *path, struct sockaddr_un *a)
{
	size_t n = strlen(path);

	if (!n)
		return -EINVAL;
	if (n >= sizeof(a->sun_path))
		return -ENAMETOOLONG;
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	memcpy(a->sun_path, path, n + 1);
	return 0;
}

int unix_connect(const char *path)
{
	struct sockaddr_un a;
	int fd, err;

	err = address(path, &a);
	if (err)
		return err;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&a, sizeof(a))) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

/* Removes a socket nobody listens at. */
static int remove_stale(const char *path)
{
	struct stat st;
	int fd;

	if (lstat(path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = unix_connect(path);
	if (fd >= 0) {
		close(fd);
		return -EADDRINUSE;
	}
	if (fd != -ECONNREFUSED)
		return fd;
	return unlink(path) && errno != ENOENT ? -errno : 0;
}

int unix_listen(const char *path)
{
	struct sockaddr_un a;
	int fd, err;

	err = address(path, &a);
	if (!err)
		err = remove_stale(path);
	if (err)
		return err;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, BACKLOG)) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

static void *serve(void *arg)
{
	struct unix_server *s = arg;
	struct pollfd p[2] = { { .fd = s->listen_fd, .events = POLLIN },
			       { .fd = s->stop_fd, .events = POLLIN } };
	int fd;

	for (;;) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			break;
		if (p[1].revents)
			break;
		if (!p[0].revents)
			continue;
		fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			s->client(s, fd);
		/* out of descriptors, say: wait for some to come back */
		else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			poll(&p[1], 1, 100);
	}
	return NULL;
}

int unix_server_start(struct unix_server *s, const char *path,
		      void (*client)(struct unix_server *s, int fd))
{
	int err;

	s->client = client;
	s->path = strdup(path);
	if (!s->path)
		return -ENOMEM;
	s->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->stop_fd < 0) {
		err = -errno;
		goto free_path;
	}
	s->listen_fd = unix_listen(s->path);
	if (s->listen_fd < 0) {
		err = s->listen_fd;
		goto close_stop;
	}
	err = -pthread_create(&s->thread, NULL, serve, s);
	if (err)
		goto remove;
	return 0;

remove:
	unlink(s->path);
	close(s->listen_fd);
close_stop:
	close(s->stop_fd);
free_path:
	free(s->path);
	return err;
}

void unix_server_stop(struct unix_server *s)
{
	const uint64_t one = 1;

	if (write(s->stop_fd, &one, sizeof(one)) == sizeof(one))
		pthread_join(s->thread, NULL);
	unlink(s->path);
	close(s->listen_fd);
	close(s->stop_fd);
	free(s->path);
}
