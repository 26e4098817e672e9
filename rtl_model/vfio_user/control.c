// SPDX-License-Identifier: MIT
/* Commands from outside. */
#include "control.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pci_inject.h"
#include "unix_socket.h"

#define PATIENCE_MS 5000 /* with somebody who sends half a line */

struct control {
	struct pci_device *const *devs;
	unsigned int count;
	struct unix_server server;
};

static void status(struct pci_device *dev, char answer[CONTROL_LINE])
{
	struct pci_status s;

	pci_device_status(dev, &s);
	snprintf(answer, CONTROL_LINE,
		 "ok client=%d idle=%d faults=%#x cycles=%" PRIu64 " accesses=%" PRIu64
		 " interrupts=%" PRIu64 " resets=%" PRIu64 " mappings=%u reads=%" PRIu64
		 " writes=%" PRIu64 " refused=%" PRIu64 "\n",
		 s.attached, s.idle, s.faults, s.cycles, s.accesses, s.interrupts, s.resets,
		 s.mappings, s.dma_reads, s.dma_writes, s.dma_refused);
}

void control_command(struct pci_device *const *devs, unsigned int count, const char *line,
		     char answer[CONTROL_LINE])
{
	char name[16] = "", rest = 0;
	unsigned int chip, n = 0, i;
	int err, got;

	got = sscanf(line, "%9u %15s %9u %c", &chip, name, &n, &rest);
	if (got < 2 || got > 3) {
		snprintf(answer, CONTROL_LINE, "error usage: CHIP COMMAND [N]\n");
		return;
	}
	if (chip >= count) {
		snprintf(answer, CONTROL_LINE, "error there are %u chips\n", count);
		return;
	}
	if (!strcmp(name, "status")) {
		status(devs[chip], answer);
		return;
	}
	for (i = 0; pci_fault_name(i); i++) {
		if (strcmp(pci_fault_name(i), name))
			continue;
		err = pci_device_inject(devs[chip], i, n);
		if (err)
			snprintf(answer, CONTROL_LINE, "error %s\n", strerror(-err));
		else
			snprintf(answer, CONTROL_LINE, "ok\n");
		return;
	}
	snprintf(answer, CONTROL_LINE, "error unknown command '%s'\n", name);
}

/* Reads up to a newline. Bytes of the line; 0: end; negative: error. */
static int read_line(int fd, int stop_fd, char line[CONTROL_LINE])
{
	struct pollfd p[2] = { { .fd = fd, .events = POLLIN },
			       { .fd = stop_fd, .events = POLLIN } };
	size_t n = 0;
	ssize_t got;

	while (n < CONTROL_LINE - 1) {
		if (poll(p, 2, PATIENCE_MS) <= 0 || p[1].revents)
			return -ETIMEDOUT;
		got = recv(fd, line + n, 1, 0);
		if (got <= 0)
			return got ? -errno : 0;
		if (line[n] == '\n') {
			line[n] = 0;
			return (int)n + 1;
		}
		n++;
	}
	return -EMSGSIZE;
}

static void converse(struct unix_server *server, int fd)
{
	struct control *c = (struct control *)((char *)server - offsetof(struct control, server));
	char line[CONTROL_LINE], answer[CONTROL_LINE];

	while (read_line(fd, server->stop_fd, line) > 0) {
		control_command(c->devs, c->count, line, answer);
		if (send(fd, answer, strlen(answer), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			break;
	}
	close(fd);
}

int control_start(const char *path, struct pci_device *const *devs, unsigned int count,
		  struct control **out)
{
	struct control *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	c->devs = devs;
	c->count = count;
	err = unix_server_start(&c->server, path, converse);
	if (err) {
		free(c);
		return err;
	}
	*out = c;
	return 0;
}

void control_stop(struct control *c)
{
	if (!c)
		return;
	unix_server_stop(&c->server);
	free(c);
}

int control_send(const char *path, const char *line, char answer[CONTROL_LINE])
{
	char buf[CONTROL_LINE];
	int fd, n;

	n = snprintf(buf, sizeof(buf), "%s\n", line);
	if (n < 0 || (size_t)n >= sizeof(buf) || strchr(line, '\n'))
		return -EINVAL;
	fd = unix_connect(path);
	if (fd < 0)
		return fd;
	if (send(fd, buf, (size_t)n, MSG_NOSIGNAL) < 0)
		n = -errno;
	else
		n = read_line(fd, -1, answer);
	close(fd);
	return n > 0 ? 0 : n ? n : -EPIPE;
}
