/* SPDX-License-Identifier: MIT */
/* Listening at a path in the file system. */
#ifndef UNIX_SOCKET_H
#define UNIX_SOCKET_H

/*
 * Binds and listens; a socket that a dead process left behind is replaced. Non-blocking, closed on
 * exec. -EADDRINUSE: somebody listens there; -EEXIST: something else than a socket is there;
 * -ENAMETOOLONG; or what the system calls gave.
 */
int unix_listen(const char *path);
/* -ENOENT, -ECONNREFUSED, ... */
int unix_connect(const char *path);

#endif
