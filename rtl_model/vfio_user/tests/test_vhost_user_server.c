// SPDX-License-Identifier: MIT
/*
 * The vhost-user server on a real socket, with the real PCI device and a chip that copies memory: a
 * client's life, clients that misbehave or vanish at any byte, DMA and an interrupt all the way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/pci_regs.h>

#include "dma_guard.h"
#include "ig1_chip.h"
#include "mock_chip.h"
#include "pci_config.h"
#include "pci_device.h"
#include "unix_socket.h"
#include "vhost_user.h"
#include "vhost_user_server.h"

#define BYTES	4096u * 8
#define ADDR	0x400000ull
#define NUM	8u
#define SECONDS 10

static struct sigaction guard;

struct test {
	char dir[32], path[64];
	struct pci_device *dev;
	struct vhost_user_server *server;
	/* the client */
	int sock, memfd, calls;
	uint8_t *mem;
	uint16_t avail[VU_RINGS];
};

static int setup(void **state)
{
	struct test *t = calloc(1, sizeof(*t));
	struct pci_device_options o = { .chip = &mock_chip };
	struct vhost_user_server_options so = { 0 };

	if (!t)
		return -1;
	strcpy(t->dir, "/tmp/vhost-user.XXXXXX");
	assert_non_null(mkdtemp(t->dir));
	snprintf(t->path, sizeof(t->path), "%s/s", t->dir);
	assert_int_equal(pci_device_create(&o, &t->dev), 0);
	so.dev = t->dev;
	so.path = t->path;
	assert_int_equal(vhost_user_server_start(&so, &t->server), 0);
	t->sock = t->calls = -1;
	t->memfd = memfd_create("client", MFD_CLOEXEC);
	assert_true(t->memfd >= 0);
	assert_int_equal(ftruncate(t->memfd, BYTES), 0);
	t->mem = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, t->memfd, 0);
	assert_true(t->mem != MAP_FAILED);
	*state = t;
	return 0;
}

static void leave(struct test *t)
{
	if (t->sock >= 0)
		close(t->sock);
	if (t->calls >= 0)
		close(t->calls);
	t->sock = t->calls = -1;
}

static int teardown(void **state)
{
	struct test *t = *state;

	leave(t);
	vhost_user_server_stop(t->server);
	pci_device_destroy(t->dev);
	assert_int_equal(access(t->path, F_OK), -1);
	rmdir(t->dir);
	munmap(t->mem, BYTES);
	close(t->memfd);
	free(t);
	return 0;
}

static void come(struct test *t)
{
	int flags;

	t->sock = unix_connect(t->path);
	assert_true(t->sock >= 0);
	flags = fcntl(t->sock, F_GETFL);
	assert_int_equal(fcntl(t->sock, F_SETFL, flags & ~O_NONBLOCK), 0);
}

static int readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, SECONDS * 1000) == 1;
}

/* True: the server closed the connection. */
static int dropped(struct test *t)
{
	uint8_t b[64];
	ssize_t n;

	do {
		if (!readable(t->sock))
			return 0;
		n = recv(t->sock, b, sizeof(b), 0);
	} while (n > 0);
	return 1;
}

static int send_bytes(struct test *t, const void *bytes, size_t n, const int *fds, unsigned nfds)
{
	char control[CMSG_SPACE(16 * sizeof(int))] = { 0 };
	struct iovec iov = { (void *)(uintptr_t)bytes, n };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (nfds) {
		m.msg_control = control;
		m.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, nfds * sizeof(int));
	}
	return sendmsg(t->sock, &m, MSG_NOSIGNAL) == (ssize_t)n ? 0 : -errno;
}

static size_t build(uint8_t *out, uint32_t request, uint32_t flags, const void *payload,
		    uint32_t bytes)
{
	uint32_t header[3] = { request, VU_FLAG_VERSION | flags, bytes };

	memcpy(out, header, VU_HEADER_BYTES);
	if (bytes)
		memcpy(out + VU_HEADER_BYTES, payload, bytes);
	return VU_HEADER_BYTES + bytes;
}

/* Sends a request and returns the 64-bit answer. */
static uint64_t ask(struct test *t, uint32_t request, const void *payload, uint32_t bytes,
		    const int *fds, unsigned nfds)
{
	uint8_t m[VU_HEADER_BYTES + VU_PAYLOAD_MAX];
	uint64_t v;

	assert_int_equal(
		send_bytes(t, m, build(m, request, VU_FLAG_NEED_REPLY, payload, bytes), fds, nfds),
		0);
	assert_true(readable(t->sock));
	assert_int_equal(recv(t->sock, m, VU_HEADER_BYTES + 8, MSG_WAITALL), VU_HEADER_BYTES + 8);
	memcpy(&v, m + VU_HEADER_BYTES, sizeof(v));
	return v;
}

static uint64_t ask_state(struct test *t, uint32_t request, uint32_t index, uint32_t num)
{
	uint32_t s[2] = { index, num };

	return ask(t, request, s, sizeof(s), NULL, 0);
}

#define AVAIL(q) (0x2000u * (q) + 0x800)
#define USED(q)	 (0x2000u * (q) + 0x1000)
#define BUFFERS	 0x6000u

static uint64_t ask_table(struct test *t, uint64_t size, uint64_t offset)
{
	struct {
		uint32_t num, pad;
		uint64_t addr, size, user, offset;
	} m = { 1, 0, ADDR, size, ADDR, offset };

	return ask(t, VU_SET_MEM_TABLE, &m, sizeof(m), &t->memfd, 1);
}

static void negotiate(struct test *t)
{
	const uint64_t features = VU_FEATURES, protocol = VU_PROTOCOL_FEATURES;
	int pipes[2];
	uint32_t q;

	memset(t->mem, 0, BYTES);
	assert_int_equal(ask(t, VU_GET_FEATURES, NULL, 0, NULL, 0), VU_FEATURES);
	assert_int_equal(ask(t, VU_SET_PROTOCOL_FEATURES, &protocol, 8, NULL, 0), 0);
	assert_int_equal(ask(t, VU_SET_FEATURES, &features, 8, NULL, 0), 0);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(ask(t, VU_SET_BACKEND_REQ_FD, NULL, 0, &pipes[1], 1), 0);
	close(pipes[1]);
	t->calls = pipes[0];
	assert_int_equal(ask_table(t, BYTES, 0), 0);
	for (q = 0; q < VU_RINGS; q++) {
		struct {
			uint32_t index, flags;
			uint64_t desc, used, avail, log;
		} a = { q, 0, ADDR + 0x2000 * q, ADDR + USED(q), ADDR + AVAIL(q), 0 };

		assert_int_equal(ask_state(t, VU_SET_VRING_NUM, q, NUM), 0);
		assert_int_equal(ask_state(t, VU_SET_VRING_BASE, q, 0), 0);
		assert_int_equal(ask(t, VU_SET_VRING_ADDR, &a, sizeof(a), NULL, 0), 0);
		assert_int_equal(ask_state(t, VU_SET_VRING_ENABLE, q, 1), 0);
		t->avail[q] = 0;
	}
}

static void put_desc(struct test *t, uint32_t q, uint16_t n, uint64_t at, uint32_t len,
		     uint16_t flags, uint16_t next)
{
	uint8_t *d = t->mem + 0x2000 * q + 16 * n;
	uint64_t addr = ADDR + at;

	memcpy(d, &addr, 8);
	memcpy(d + 8, &len, 4);
	memcpy(d + 12, &flags, 2);
	memcpy(d + 14, &next, 2);
}

static void offer(struct test *t, uint32_t q, uint16_t head)
{
	memcpy(t->mem + AVAIL(q) + 4 + 2 * (t->avail[q] % NUM), &head, 2);
	t->avail[q]++;
	memcpy(t->mem + AVAIL(q) + 2, &t->avail[q], 2);
	assert_int_equal(ask_state(t, VU_VRING_KICK, q, 0), 0);
}

struct command {
	uint8_t op, bar;
	uint16_t reserved;
	uint32_t size;
	uint64_t addr;
	uint32_t data;
} __attribute__((packed));

static uint32_t access32(struct test *t, uint8_t op, uint8_t bar, uint64_t addr, uint32_t data)
{
	struct command c = { op, bar, 0, 4, addr, data };

	memcpy(t->mem + BUFFERS, &c, sizeof(c));
	memset(t->mem + BUFFERS + 0x80, 0xff, 4);
	put_desc(t, 0, 0, BUFFERS, sizeof(c), 1, 1);
	put_desc(t, 0, 1, BUFFERS + 0x80, 4, 2, 0);
	offer(t, 0, 0);
	memcpy(&data, t->mem + BUFFERS + 0x80, 4);
	return data;
}

static void test_life(void **state)
{
	struct test *t = *state;
	struct command irq;
	uint32_t call[5];
	int round;

	for (round = 0; round < 3; round++) {
		come(t);
		negotiate(t);
		assert_int_equal(access32(t, VU_OP_CFG_READ, 0, 0, 0),
				 IG1_PCI_VENDOR | IG1_PCI_DEVICE << 16);
		/* Nothing answers before memory space is enabled. */
		assert_int_equal(access32(t, VU_OP_MMIO_READ, IG1_PCI_BAR_REGS, 8, 0), ~0u);
		access32(t, VU_OP_CFG_WRITE, 0, PCI_COMMAND,
			 PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
		/* A new client finds a chip that was switched on. */
		assert_int_equal(access32(t, VU_OP_MMIO_READ, IG1_PCI_BAR_REGS, 8, 0), 0);
		access32(t, VU_OP_MMIO_WRITE, IG1_PCI_BAR_REGS, 8, 0x12345678);
		assert_int_equal(access32(t, VU_OP_MMIO_READ, IG1_PCI_BAR_REGS, 8, 0), 0x12345678);
		/* Vector 3, unmasked; MSI-X on. */
		access32(t, VU_OP_MMIO_WRITE, IG1_PCI_BAR_MSIX, 3 * 16, 0xa0000);
		access32(t, VU_OP_MMIO_WRITE, IG1_PCI_BAR_MSIX, 3 * 16 + 8, 42);
		access32(t, VU_OP_MMIO_WRITE, IG1_PCI_BAR_MSIX, 3 * 16 + 12, 0);
		access32(t, VU_OP_CFG_WRITE, 0, PCI_CONFIG_MSIX,
			 (uint32_t)PCI_MSIX_FLAGS_ENABLE << 16);
		put_desc(t, 1, 2, BUFFERS + 0x100, sizeof(irq), 2, 0);
		offer(t, 1, 2);
		memset(t->mem + BUFFERS + 0x200, 'x', 32);
		access32(t, VU_OP_MMIO_WRITE, IG1_PCI_BAR_REGS, MOCK_SRC, ADDR + BUFFERS + 0x200);
		access32(t, VU_OP_MMIO_WRITE, IG1_PCI_BAR_REGS, MOCK_DST, ADDR + BUFFERS + 0x300);
		access32(t, VU_OP_MMIO_WRITE, IG1_PCI_BAR_REGS, MOCK_BYTES, 32);
		access32(t, VU_OP_MMIO_WRITE, IG1_PCI_BAR_REGS, MOCK_VECTOR, 3);
		access32(t, VU_OP_MMIO_WRITE, IG1_PCI_BAR_REGS, MOCK_GO, 1);
		assert_true(readable(t->calls));
		assert_int_equal(read(t->calls, call, sizeof(call)), sizeof(call));
		assert_int_equal(call[0], VU_BACKEND_VRING_CALL);
		memcpy(&irq, t->mem + BUFFERS + 0x100, sizeof(irq));
		assert_int_equal(irq.op, VU_OP_MSI);
		assert_int_equal(irq.data, 42);
		assert_memory_equal(t->mem + BUFFERS + 0x300, t->mem + BUFFERS + 0x200, 32);
		assert_int_equal(t->mem[BUFFERS + 0x320], 0);
		leave(t);
	}
}

/* A client that sends any part of a message and goes harms nobody. */
static void test_vanish(void **state)
{
	uint8_t m[VU_HEADER_BYTES + 40] = { 0 };
	struct test *t = *state;
	size_t n, all;

	all = build(m, VU_SET_MEM_TABLE, VU_FLAG_NEED_REPLY, m + VU_HEADER_BYTES, 40);
	for (n = 0; n < all; n++) {
		come(t);
		if (n)
			assert_int_equal(send_bytes(t, m, n, &t->memfd, 1), 0);
		leave(t);
	}
	come(t);
	negotiate(t);
	/* The same in single bytes is a message like any other. */
	for (n = 0; n < all; n++)
		assert_int_equal(send_bytes(t, m + n, 1, NULL, 0), 0);
	assert_true(readable(t->sock));
}

static void test_junk(void **state)
{
	struct test *t = *state;
	uint8_t m[4096];
	uint32_t seed = 1;
	int fds[16], i, round;
	size_t n;

	for (i = 0; i < 16; i++)
		fds[i] = t->memfd;
	/* A payload that is announced as too long, then too many descriptors. */
	come(t);
	build(m, VU_SET_OWNER, 0, NULL, 0);
	memset(m + 8, 0xff, 4);
	assert_int_equal(send_bytes(t, m, VU_HEADER_BYTES, NULL, 0), 0);
	assert_true(dropped(t));
	leave(t);
	come(t);
	n = build(m, VU_SET_OWNER, 0, NULL, 0);
	assert_int_equal(send_bytes(t, m, n, fds, 16), 0);
	assert_true(dropped(t));
	leave(t);
	for (round = 0; round < 50; round++) {
		for (n = 0; n < sizeof(m); n++)
			m[n] = (uint8_t)((seed = seed * 1103515245 + 12345) >> 16);
		come(t);
		if (!send_bytes(t, m, sizeof(m), NULL, 0))
			assert_true(dropped(t));
		leave(t);
	}
	come(t);
	negotiate(t);
}

/* Descriptors that are no memory and no pipe. */
static void test_descriptors(void **state)
{
	struct test *t = *state;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), ends[2], fd = t->memfd;

	come(t);
	negotiate(t);
	assert_int_equal(ask_table(t, BYTES + 4096, 0), 1); /* beyond the file */
	assert_int_equal(ask_table(t, BYTES, 4096), 1);
	assert_int_equal(ask_table(t, 100, 0), 1); /* not whole pages */
	t->memfd = null;
	assert_int_equal(ask_table(t, BYTES, 0), 1);
	t->memfd = fd;
	assert_int_equal(ask(t, VU_SET_BACKEND_REQ_FD, NULL, 0, &null, 1), 1);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(ask(t, VU_SET_BACKEND_REQ_FD, NULL, 0, &ends[0], 1), 1);
	close(ends[0]);
	close(ends[1]);
	close(null);
}

/* The file shrinks while the rings are in it. */
static void test_truncated(void **state)
{
	struct test *t = *state;

	come(t);
	negotiate(t);
	access32(t, VU_OP_CFG_READ, 0, 0, 0);
	/* cmocka has put its own handler in the place of the device's. */
	assert_int_equal(sigaction(SIGBUS, &guard, NULL), 0);
	assert_int_equal(ftruncate(t->memfd, 0), 0);
	assert_int_equal(ask_state(t, VU_VRING_KICK, 0, 0), 1);
	leave(t);
	assert_int_equal(ftruncate(t->memfd, BYTES), 0);
	come(t);
	negotiate(t);
	assert_int_equal(access32(t, VU_OP_CFG_READ, 0, 0, 0),
			 IG1_PCI_VENDOR | IG1_PCI_DEVICE << 16);
}

/* Stopped with a client, without one, and with one in the middle of a message: by teardown. */
static void test_stop(void **state)
{
	struct test *t = *state;
	uint8_t m[VU_HEADER_BYTES];

	come(t);
	negotiate(t);
	build(m, VU_SET_OWNER, 0, NULL, 0);
	assert_int_equal(send_bytes(t, m, 5, &t->memfd, 1), 0);
	vhost_user_server_stop(t->server);
	t->server = NULL;
	assert_true(dropped(t));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_life, setup, teardown),
		cmocka_unit_test_setup_teardown(test_vanish, setup, teardown),
		cmocka_unit_test_setup_teardown(test_junk, setup, teardown),
		cmocka_unit_test_setup_teardown(test_descriptors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_truncated, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stop, setup, teardown),
	};

	if (dma_guard_install() || sigaction(SIGBUS, NULL, &guard))
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("vhost_user_server", tests, NULL, NULL);
}
