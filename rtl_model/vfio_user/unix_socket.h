/* SPDX-License-Identifier: MIT */
/* Listening at a path in the file system. */
#ifndef UNIX_SOCKET_H
#define UNIX_SOCKET_H

#include <pthread.h>

/*
 * Binds and listens; a socket that a dead process left behind is replaced. Non-blocking, closed on
 * exec. -EADDRINUSE: somebody listens there; -EEXIST: something else than a socket is there;
 * -ENAMETOOLONG; or what the system calls gave.
 */
int unix_listen(const char *path);
/* -ENOENT, -ECONNREFUSED, ... */
int unix_connect(const char *path);

/* A socket with a thread that serves its clients one after the other. */
struct unix_server {
	char *path;
	int listen_fd;
	int stop_fd; /* readable when the thread is to end: clients' polls look at it */
	pthread_t thread;
	void (*client)(struct unix_server *s, int fd); /* owns fd */
};

/* Listens when this returns. Errors as of unix_listen(), or -ENOMEM, -EAGAIN, -EMFILE. */
int unix_server_start(struct unix_server *s, const char *path,
		      void (*client)(struct unix_server *s, int fd));
/* Ends the thread, removes the socket. */
void unix_server_stop(struct unix_server *s);

#endif
