// SPDX-License-Identifier: MIT
/*
 * The vhost-user back end against a client made of bytes: what Linux does works, what no sane client
 * does is refused with a reason and harms nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "vhost_user_rig.h"

/* Where the client keeps things, offsets in its memory. */
#define NUM	   8u
#define DESC(q)	   (0x1000u * (q))
#define AVAIL(q)   (0x1000u * (q) + 0x400)
#define USED(q)	   (0x1000u * (q) + 0x800)
#define BUFFERS	   0x4000u

#define F_NEXT	   1
#define F_WRITE	   2
#define F_INDIRECT 4

struct test {
	struct rig rig;
	uint8_t reply[VU_HEADER_BYTES + VU_PAYLOAD_MAX];
	size_t reply_bytes;
	uint16_t avail[VU_RINGS];
};

static int message(struct test *t, uint32_t request, uint32_t flags, const void *payload,
		   uint32_t bytes, const int *fds, unsigned nfds)
{
	uint32_t header[3] = { request, VU_FLAG_VERSION | flags, bytes };
	size_t n = VU_HEADER_BYTES + bytes;
	uint8_t *m = malloc(n); /* exactly as long, for sanitizers */
	int rc;

	assert_non_null(m);
	memcpy(m, header, VU_HEADER_BYTES);
	if (bytes)
		memcpy(m + VU_HEADER_BYTES, payload, bytes);
	rc = vu_message(&t->rig.vu, m, n, fds, nfds, t->reply, &t->reply_bytes);
	free(m);
	return rc;
}

/* The 64-bit answer. */
static uint64_t value(struct test *t)
{
	uint32_t header[3];
	uint64_t v;

	assert_int_equal(t->reply_bytes, VU_HEADER_BYTES + 8);
	memcpy(header, t->reply, sizeof(header));
	assert_int_equal(header[1], VU_FLAG_VERSION | VU_FLAG_REPLY);
	assert_int_equal(header[2], 8);
	memcpy(&v, t->reply + VU_HEADER_BYTES, sizeof(v));
	return v;
}

/* With acknowledgement; 0 or 1 as the client gets it. */
static uint64_t ask(struct test *t, uint32_t request, const void *payload, uint32_t bytes,
		    const int *fds, unsigned nfds)
{
	t->rig.vu.error[0] = 0;
	assert_int_equal(message(t, request, VU_FLAG_NEED_REPLY, payload, bytes, fds, nfds), 0);
	if (value(t))
		assert_true(t->rig.vu.error[0]);
	return value(t);
}

static uint64_t ask_u64(struct test *t, uint32_t request, uint64_t v)
{
	return ask(t, request, &v, sizeof(v), NULL, 0);
}

static uint64_t ask_state(struct test *t, uint32_t request, uint32_t index, uint32_t num)
{
	uint32_t s[2] = { index, num };

	return ask(t, request, s, sizeof(s), NULL, 0);
}

struct table {
	uint32_t num, pad;
	uint64_t region[VU_FDS_MAX + 1][4]; /* address, size, user address, offset */
};

static uint64_t ask_table(struct test *t, const struct table *m, unsigned nfds)
{
	int fds[VU_FDS_MAX + 1] = { 0 };

	return ask(t, VU_SET_MEM_TABLE, m, 8 + 32 * m->num, fds, nfds);
}

static const struct table whole = { .num = 1, .region = { { RIG_ADDR, RIG_BYTES, RIG_USER, 0 } } };

static uint64_t ask_ring(struct test *t, uint32_t q, uint64_t desc, uint64_t used, uint64_t avail)
{
	struct {
		uint32_t index, flags;
		uint64_t desc, used, avail, log;
	} a = { q, 0, RIG_USER + desc, RIG_USER + used, RIG_USER + avail, ~0ull };

	return ask(t, VU_SET_VRING_ADDR, &a, sizeof(a), NULL, 0);
}

static void place(struct test *t, uint32_t q)
{
	assert_int_equal(ask_state(t, VU_SET_VRING_NUM, q, NUM), 0);
	assert_int_equal(ask_state(t, VU_SET_VRING_BASE, q, 0), 0);
	assert_int_equal(ask_ring(t, q, DESC(q), USED(q), AVAIL(q)), 0);
	assert_int_equal(ask_state(t, VU_SET_VRING_ENABLE, q, 1), 0);
	t->avail[q] = 0;
}

static void negotiate(struct test *t)
{
	assert_int_equal(message(t, VU_SET_OWNER, 0, NULL, 0, NULL, 0), 0);
	assert_int_equal(t->reply_bytes, 0);
	assert_int_equal(message(t, VU_GET_FEATURES, 0, NULL, 0, NULL, 0), 0);
	assert_int_equal(value(t), VU_FEATURES);
	assert_int_equal(message(t, VU_GET_PROTOCOL_FEATURES, 0, NULL, 0, NULL, 0), 0);
	assert_int_equal(value(t), VU_PROTOCOL_FEATURES);
	/* The acknowledgement that this message asks for is what it negotiates. */
	assert_int_equal(ask_u64(t, VU_SET_PROTOCOL_FEATURES, VU_PROTOCOL_FEATURES), 0);
	assert_int_equal(ask_u64(t, VU_SET_FEATURES, VU_FEATURES), 0);
	assert_int_equal(message(t, VU_GET_QUEUE_NUM, 0, NULL, 0, NULL, 0), 0);
	assert_int_equal(value(t), VU_RINGS);
}

static int setup_raw(void **state)
{
	struct test *t = calloc(1, sizeof(*t));

	if (!t)
		return -1;
	vu_init(&t->rig.vu, &rig_ops, &t->rig);
	*state = t;
	return 0;
}

static int setup(void **state)
{
	struct test *t;
	int fd = 0;

	if (setup_raw(state))
		return -1;
	t = *state;
	negotiate(t);
	assert_int_equal(ask(t, VU_SET_BACKEND_REQ_FD, NULL, 0, &fd, 1), 0);
	assert_int_equal(ask_table(t, &whole, 1), 0);
	place(t, 0);
	place(t, 1);
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void put_desc(struct test *t, uint32_t q, uint16_t n, uint64_t addr, uint32_t len,
		     uint16_t flags, uint16_t next)
{
	uint8_t *d = t->rig.mem + DESC(q) + 16 * n;

	memcpy(d, &addr, 8);
	memcpy(d + 8, &len, 4);
	memcpy(d + 12, &flags, 2);
	memcpy(d + 14, &next, 2);
}

static void offer(struct test *t, uint32_t q, uint16_t head)
{
	uint8_t *a = t->rig.mem + AVAIL(q);

	memcpy(a + 4 + 2 * (t->avail[q] % NUM), &head, 2);
	t->avail[q]++;
	memcpy(a + 2, &t->avail[q], 2);
}

static uint16_t used_index(struct test *t, uint32_t q)
{
	uint16_t n;

	memcpy(&n, t->rig.mem + USED(q) + 2, 2);
	return n;
}

/* The newest element of the used ring; its length. */
static uint32_t used_len(struct test *t, uint32_t q, uint32_t head)
{
	uint32_t e[2];

	memcpy(e, t->rig.mem + USED(q) + 4 + 8 * ((used_index(t, q) - 1) % NUM), 8);
	assert_int_equal(e[0], head);
	return e[1];
}

struct command {
	uint8_t op, bar;
	uint16_t reserved;
	uint32_t size;
	uint64_t addr;
	uint8_t data[16];
};

/*
 * Runs one command of in bytes with room for out bytes of answer, which is in answer afterwards;
 * the length that the device reports.
 */
static uint32_t run(struct test *t, const struct command *c, uint32_t in, uint32_t out,
		    uint8_t answer[16])
{
	uint16_t before = used_index(t, 0);

	memcpy(t->rig.mem + BUFFERS, c, in);
	memset(t->rig.mem + BUFFERS + 0x100, 0xee, 16);
	put_desc(t, 0, 3, RIG_ADDR + BUFFERS, in, out ? F_NEXT : 0, 5);
	put_desc(t, 0, 5, RIG_ADDR + BUFFERS + 0x100, out, F_WRITE, 0);
	offer(t, 0, 3);
	assert_int_equal(ask_state(t, VU_VRING_KICK, 0, 0), 0);
	assert_int_equal((uint16_t)(before + 1), used_index(t, 0));
	if (answer)
		memcpy(answer, t->rig.mem + BUFFERS + 0x100, 16);
	return used_len(t, 0, 3);
}

static void test_negotiate(void **state)
{
	struct test *t = *state;

	negotiate(t);
	assert_int_equal(ask_u64(t, VU_SET_FEATURES, 1ull << 33), 1);
	assert_int_equal(ask_u64(t, VU_SET_PROTOCOL_FEATURES, VU_PROTOCOL_FEATURES | 1 << 9), 1);
	assert_int_equal(
		ask_u64(t, VU_SET_PROTOCOL_FEATURES, VU_PROTOCOL_FEATURES & ~VU_PROTOCOL_F_INBAND),
		1);
	assert_int_equal(ask(t, VU_SET_FEATURES, "1234", 4, NULL, 0), 1);
	assert_int_equal(ask_u64(t, 6, 0), 1);
	assert_int_equal(ask_u64(t, VU_SET_VRING_KICK, 0), 1);
	/* Without an acknowledgement a refusal can only end the connection. */
	assert_int_equal(message(t, 6, 0, NULL, 0, NULL, 0), -EPROTO);
}

static void test_framing(void **state)
{
	struct test *t = *state;
	uint8_t m[VU_HEADER_BYTES + 8] = { 0 };
	uint32_t h[3] = { VU_SET_FEATURES, VU_FLAG_VERSION, 8 };
	size_t n;

	memcpy(m, h, sizeof(h));
	for (n = 0; n < sizeof(m); n++)
		assert_int_equal(vu_message(&t->rig.vu, m, n, NULL, 0, t->reply, &t->reply_bytes),
				 -EPROTO);
	assert_int_equal(vu_message(&t->rig.vu, m, sizeof(m), NULL, 0, t->reply, &t->reply_bytes),
			 0);
	m[4] = 2; /* version */
	assert_int_equal(vu_message(&t->rig.vu, m, sizeof(m), NULL, 0, t->reply, &t->reply_bytes),
			 -EPROTO);
	m[4] = VU_FLAG_VERSION | VU_FLAG_REPLY;
	assert_int_equal(vu_message(&t->rig.vu, m, sizeof(m), NULL, 0, t->reply, &t->reply_bytes),
			 -EPROTO);
	assert_int_equal(message(t, VU_GET_VRING_BASE, 0, "1234", 4, NULL, 0), -EPROTO);
}

static void test_memory_table(void **state)
{
	static const struct table bad[] = {
		{ .num = 0 },
		{ .num = VU_FDS_MAX + 1, .region = { { RIG_ADDR, RIG_BYTES, RIG_USER, 0 } } },
		{ .num = 1, .region = { { RIG_ADDR, 0, RIG_USER, 0 } } },
		{ .num = 1, .region = { { ~0ull - 4095, 8192, RIG_USER, 0 } } },
		{ .num = 1, .region = { { RIG_ADDR, RIG_BYTES, ~0ull - 4095, 0 } } },
		{ .num = 1, .region = { { RIG_ADDR, RIG_BYTES, RIG_USER, ~0ull - 4095 } } },
		{ .num = 1,
		  .region = { { RIG_ADDR + 1, RIG_BYTES, RIG_USER, 0 } } }, /* map fails */
		{ .num = 2,
		  .region = { { RIG_ADDR, RIG_BYTES, RIG_USER, 0 },
			      { RIG_ADDR + 4096, 4096, 0, 0 } } },
		{ .num = 2,
		  .region = { { RIG_ADDR, RIG_BYTES, RIG_USER, 0 },
			      { RIG_ADDR - 4096, 8192, 0, 0 } } },
	};
	struct test *t = *state;
	int fds[2] = { 0, 0 };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(ask_table(t, &whole, 1), 0);
		assert_int_equal(ask_table(t, &bad[i], bad[i].num), 1);
		/* Nothing of it stays. */
		assert_false(t->rig.mapped);
		assert_int_equal(t->rig.vu.num_regions, 0);
		assert_int_equal(ask_ring(t, 0, DESC(0), USED(0), AVAIL(0)), 1);
	}
	assert_int_equal(ask_table(t, &whole, 0), 1);
	assert_int_equal(ask_table(t, &whole, 2), 1);
	assert_int_equal(ask(t, VU_SET_MEM_TABLE, &whole, 39, fds, 1), 1);
	assert_int_equal(ask(t, VU_SET_MEM_TABLE, &whole, 4, fds, 1), 1);
	/* Descriptors where none belong. */
	assert_int_equal(ask(t, VU_SET_OWNER, NULL, 0, fds, 1), 1);
	assert_int_equal(ask(t, VU_SET_BACKEND_REQ_FD, NULL, 0, fds, 2), 1);
	assert_int_equal(ask(t, VU_SET_BACKEND_REQ_FD, NULL, 0, NULL, 0), 1);
}

static void test_ring_setup(void **state)
{
	struct test *t = *state;
	uint32_t s[2] = { 0, 0 };

	assert_int_equal(ask_state(t, VU_SET_VRING_NUM, 0, 0), 1);
	assert_int_equal(ask_state(t, VU_SET_VRING_NUM, 0, 3), 1);
	assert_int_equal(ask_state(t, VU_SET_VRING_NUM, 0, 2 * VU_RING_MAX), 1);
	assert_int_equal(ask_state(t, VU_SET_VRING_NUM, VU_RINGS, 8), 1);
	assert_int_equal(ask_state(t, VU_SET_VRING_BASE, 0, 0x10000), 1);
	assert_int_equal(ask_state(t, VU_SET_VRING_ENABLE, 0, 2), 1);
	assert_int_equal(ask_state(t, VU_VRING_KICK, ~0u, 0), 1);
	assert_int_equal(ask(t, VU_SET_VRING_NUM, s, 7, NULL, 0), 1);
	assert_int_equal(ask_ring(t, 0, 8, USED(0), AVAIL(0)), 1);
	assert_int_equal(ask_ring(t, 0, 0, USED(0) + 2, AVAIL(0)), 1);
	assert_int_equal(ask_ring(t, 0, 0, USED(0), AVAIL(0) + 1), 1);
	assert_int_equal(ask_ring(t, 0, RIG_BYTES - 16, USED(0), AVAIL(0)), 1);
	assert_int_equal(ask_ring(t, 0, 0, RIG_BYTES, AVAIL(0)), 1);
	assert_int_equal(ask_ring(t, 0, 0, USED(0), (uint64_t)-0x1000), 1);
	/* A number of descriptors takes the place away: it was checked for another. */
	assert_int_equal(ask_ring(t, 0, RIG_BYTES - 16 * NUM, USED(0), AVAIL(0)), 0);
	assert_int_equal(ask_state(t, VU_SET_VRING_NUM, 0, 2 * NUM), 0);
	offer(t, 0, 0);
	assert_int_equal(ask_state(t, VU_VRING_KICK, 0, 0), 0);
	assert_int_equal(used_index(t, 0), 0);
	assert_int_equal(ask_ring(t, 0, RIG_BYTES - 16 * NUM, USED(0), AVAIL(0)), 1);
	/* Stopped by the question for its state. */
	place(t, 1);
	assert_int_equal(message(t, VU_GET_VRING_BASE, 0, (uint32_t[]){ 1, 0 }, 8, NULL, 0), 0);
	assert_false(t->rig.vu.rings[1].enabled);
}

static void test_config(void **state)
{
	struct test *t = *state;
	struct command c = { .op = VU_OP_CFG_READ, .size = 4, .addr = 8 };
	uint8_t a[16];

	memcpy(t->rig.config + 8, "\1\2\3\4\5", 5);
	assert_int_equal(run(t, &c, 16, 4, a), 4);
	assert_memory_equal(a, "\1\2\3\4\xee", 5);
	c.size = 1;
	assert_int_equal(run(t, &c, 16, 8, a), 1);
	assert_memory_equal(a, "\1\xee", 2);
	/* Linux sends eight bytes of data whatever the size. */
	c = (struct command){ .op = VU_OP_CFG_WRITE, .size = 2, .addr = 4094, .data = "abcdefg" };
	assert_int_equal(run(t, &c, 24, 0, NULL), 0);
	assert_memory_equal(t->rig.config + 4092, "\0\0ab", 4);
	assert_int_equal(t->rig.writes, 1);
}

static void test_bar(void **state)
{
	struct test *t = *state;
	struct command c = { .op = VU_OP_MMIO_WRITE, .size = 4, .addr = 0x10, .data = "wxyz" };
	uint8_t a[16];

	assert_int_equal(run(t, &c, 20, 0, NULL), 0);
	assert_memory_equal(t->rig.bar + 0x10, "wxyz", 5);
	c = (struct command){ .op = VU_OP_MMIO_READ, .size = 8, .addr = 0x0e };
	assert_int_equal(run(t, &c, 16, 8, a), 8);
	assert_memory_equal(a, "\0\0wxyz\0\0\xee", 9);
	c = (struct command){ .op = VU_OP_MMIO_MEMSET, .size = 0x100, .addr = 0xf00, .data = "!" };
	assert_int_equal(run(t, &c, 17, 0, NULL), 0);
	assert_int_equal(t->rig.bar[0xeff], 0);
	assert_int_equal(t->rig.bar[0xf00], '!');
	assert_int_equal(t->rig.bar[0xfff], '!');
	assert_int_equal(t->rig.vu.refused, 0);
}

/* Answered, so that the client goes on, but with nothing, and the device saw nothing. */
static void test_refused(void **state)
{
	static const struct {
		struct command c;
		uint32_t in, out;
	} bad[] = {
		{ { .op = 0, .size = 4 }, 20, 8 },
		{ { .op = VU_OP_MSI, .size = 4 }, 20, 8 },
		{ { .op = 200, .size = 4 }, 20, 8 },
		{ { .op = VU_OP_CFG_READ, .size = 0 }, 16, 8 },
		{ { .op = VU_OP_CFG_READ, .size = 3 }, 16, 8 },
		{ { .op = VU_OP_CFG_READ, .size = 16 }, 16, 16 },
		{ { .op = VU_OP_CFG_READ, .size = 4, .addr = 4093 }, 16, 8 },
		{ { .op = VU_OP_CFG_READ, .size = 4, .addr = 1ull << 32 }, 16, 8 },
		{ { .op = VU_OP_CFG_READ, .size = 4, .addr = ~0ull - 1 }, 16, 8 },
		{ { .op = VU_OP_CFG_READ, .size = 4 }, 16, 3 },
		{ { .op = VU_OP_CFG_READ, .size = 4 }, 16, 0 },
		{ { .op = VU_OP_CFG_READ, .size = 4 }, 15, 8 },
		{ { .op = VU_OP_CFG_WRITE, .size = 4 }, 19, 0 },
		{ { .op = VU_OP_CFG_WRITE, .size = 4 }, 0, 8 },
		{ { .op = VU_OP_MMIO_READ, .size = 4, .bar = 6 }, 16, 8 },
		{ { .op = VU_OP_MMIO_READ, .size = 4, .bar = 1 }, 16, 8 },
		{ { .op = VU_OP_MMIO_READ, .size = 4, .addr = RIG_BAR - 2 }, 16, 8 },
		{ { .op = VU_OP_MMIO_READ, .size = 16 }, 16, 8 },
		{ { .op = VU_OP_MMIO_READ, .size = VU_ACCESS_MAX + 1 }, 16, 8 },
		{ { .op = VU_OP_MMIO_WRITE, .size = 8 }, 20, 0 },
		{ { .op = VU_OP_MMIO_WRITE, .size = ~0u }, 20, 0 },
		{ { .op = VU_OP_MMIO_WRITE, .size = 4, .addr = ~0ull }, 20, 0 },
		{ { .op = VU_OP_MMIO_MEMSET, .size = 4 }, 16, 0 },
		{ { .op = VU_OP_MMIO_MEMSET, .size = RIG_BAR + 1 }, 17, 0 },
	};
	struct test *t = *state;
	uint8_t a[16];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(run(t, &bad[i].c, bad[i].in, bad[i].out, a), 0);
		assert_int_equal(a[0], 0xee);
		assert_int_equal(t->rig.vu.refused, i + 1);
	}
	assert_int_equal(t->rig.reads + t->rig.writes, 0);
}

/* The header in three pieces, the answer in two, one of them empty. */
static void test_pieces(void **state)
{
	struct test *t = *state;
	struct command c = { .op = VU_OP_MMIO_READ, .size = 4, .addr = 0x20 };

	memcpy(t->rig.bar + 0x20, "abcd", 4);
	memcpy(t->rig.mem + BUFFERS, &c, 16);
	put_desc(t, 0, 0, RIG_ADDR + BUFFERS, 1, F_NEXT, 7);
	put_desc(t, 0, 7, RIG_ADDR + BUFFERS + 1, 8, F_NEXT, 2);
	put_desc(t, 0, 2, RIG_ADDR + BUFFERS + 9, 7, F_NEXT, 4);
	put_desc(t, 0, 4, RIG_ADDR + BUFFERS + 0x40, 1, F_NEXT | F_WRITE, 6);
	put_desc(t, 0, 6, 0, 0, F_NEXT | F_WRITE, 1);
	put_desc(t, 0, 1, RIG_ADDR + BUFFERS + 0x50, 30, F_WRITE, 0);
	offer(t, 0, 0);
	assert_int_equal(ask_state(t, VU_VRING_KICK, 0, 0), 0);
	assert_int_equal(used_len(t, 0, 0), 4);
	assert_memory_equal(t->rig.mem + BUFFERS + 0x40, "a\0", 2);
	assert_memory_equal(t->rig.mem + BUFFERS + 0x50, "bcd\0", 4);
}

/* Both indices wrap, and several commands wait at one kick. */
static void test_wrap(void **state)
{
	struct test *t = *state;
	struct command c = { .op = VU_OP_MMIO_WRITE, .size = 4 };
	uint32_t i;

	for (i = 0; i < 70000; i++) {
		memcpy(c.data, &i, 4);
		assert_int_equal(run(t, &c, 20, 0, NULL), 0);
		assert_memory_equal(t->rig.bar, &i, 4);
	}
	memcpy(t->rig.mem + BUFFERS, &c, 20);
	put_desc(t, 0, 1, RIG_ADDR + BUFFERS, 20, 0, 0);
	for (i = 0; i < NUM; i++)
		offer(t, 0, 1);
	assert_int_equal(ask_state(t, VU_VRING_KICK, 0, 0), 0);
	assert_int_equal(t->rig.writes, 70000 + NUM);
}

static void mess_head(struct test *t)
{
	offer(t, 0, NUM);
}

static void mess_jump(struct test *t)
{
	offer(t, 0, 0);
	t->avail[0] += NUM;
	offer(t, 0, 0);
}

static void mess_loop(struct test *t)
{
	put_desc(t, 0, 0, RIG_ADDR + BUFFERS, 16, F_NEXT, 1);
	put_desc(t, 0, 1, RIG_ADDR + BUFFERS, 16, F_NEXT, 0);
	offer(t, 0, 0);
}

static void mess_next(struct test *t)
{
	put_desc(t, 0, 0, RIG_ADDR + BUFFERS, 16, F_NEXT, 0xffff);
	offer(t, 0, 0);
}

static void mess_indirect(struct test *t)
{
	put_desc(t, 0, 0, RIG_ADDR + BUFFERS, 16, F_INDIRECT, 0);
	offer(t, 0, 0);
}

static void mess_order(struct test *t)
{
	put_desc(t, 0, 0, RIG_ADDR + BUFFERS, 16, F_NEXT | F_WRITE, 1);
	put_desc(t, 0, 1, RIG_ADDR + BUFFERS, 16, 0, 0);
	offer(t, 0, 0);
}

static void mess_unmapped(struct test *t)
{
	put_desc(t, 0, 0, RIG_ADDR + RIG_BYTES - 8, 16, 0, 0);
	offer(t, 0, 0);
}

static void mess_unmapped_answer(struct test *t)
{
	struct command c = { .op = VU_OP_CFG_READ, .size = 4 };

	memcpy(t->rig.mem + BUFFERS, &c, 16);
	put_desc(t, 0, 0, RIG_ADDR + BUFFERS, 16, F_NEXT, 1);
	put_desc(t, 0, 1, RIG_ADDR - 2, 4, F_WRITE, 0);
	offer(t, 0, 0);
}

static void test_mess(void **state)
{
	static void (*const mess[])(struct test *) = {
		mess_head,     mess_jump,  mess_loop,	  mess_next,
		mess_indirect, mess_order, mess_unmapped, mess_unmapped_answer,
	};
	struct command good = { .op = VU_OP_MMIO_WRITE, .size = 4 };
	struct test *t = *state;
	size_t i;

	for (i = 0; i < sizeof(mess) / sizeof(mess[0]); i++) {
		memset(t->rig.mem, 0, BUFFERS);
		place(t, 0);
		mess[i](t);
		assert_int_equal(ask_state(t, VU_VRING_KICK, 0, 0), 1);
		/* Left alone until it is set up anew, then as if nothing had been. */
		memset(t->rig.mem, 0, BUFFERS);
		t->avail[0] = 0;
		offer(t, 0, 0);
		assert_int_equal(ask_state(t, VU_VRING_KICK, 0, 0), 0);
		assert_int_equal(used_index(t, 0), 0);
		memset(t->rig.mem, 0, BUFFERS);
		place(t, 0);
		assert_int_equal(run(t, &good, 20, 0, NULL), 0);
	}
	assert_int_equal(t->rig.writes, i);
}

/* A chain that is far longer than any access: its start is read, no more. */
static void test_long(void **state)
{
	struct test *t = *state;
	uint16_t i;

	for (i = 0; i < NUM; i++)
		put_desc(t, 0, i, RIG_ADDR, RIG_BYTES, i + 1u < NUM ? F_NEXT : 0, i + 1);
	t->rig.mem[0] = 0; /* descriptor 0 is the header, too */
	offer(t, 0, 0);
	assert_int_equal(ask_state(t, VU_VRING_KICK, 0, 0), 0);
	assert_int_equal(used_len(t, 0, 0), 0);
	assert_int_equal(t->rig.vu.refused, 1);
}

static void give_buffer(struct test *t, uint16_t n)
{
	put_desc(t, 1, n, RIG_ADDR + BUFFERS + 0x40 * n, 20, F_WRITE, 0);
	offer(t, 1, n);
}

static void assert_irq(struct test *t, uint16_t n, uint32_t data)
{
	struct command c;

	memcpy(&c, t->rig.mem + BUFFERS + 0x40 * n, 20);
	assert_int_equal(c.op, VU_OP_MSI);
	assert_int_equal(c.size, 4);
	assert_memory_equal(c.data, &data, 4);
	assert_int_equal(used_len(t, 1, n), 20);
}

static void test_msi(void **state)
{
	struct test *t = *state;

	give_buffer(t, 0);
	assert_int_equal(ask_state(t, VU_VRING_KICK, 1, 0), 0);
	assert_int_equal(used_index(t, 1), 0);
	vu_msi(&t->rig.vu, 3, 77);
	assert_irq(t, 0, 77);
	assert_int_equal(t->rig.calls, 1);
	/* No buffer: each vector waits once, with its newest data. */
	vu_msi(&t->rig.vu, 3, 78);
	vu_msi(&t->rig.vu, 3, 79);
	vu_msi(&t->rig.vu, 1, 80);
	vu_msi(&t->rig.vu, VU_VECTORS, 81);
	assert_int_equal(used_index(t, 1), 1);
	give_buffer(t, 1);
	assert_int_equal(ask_state(t, VU_VRING_KICK, 1, 0), 0);
	assert_irq(t, 1, 80);
	give_buffer(t, 2);
	give_buffer(t, 3);
	assert_int_equal(ask_state(t, VU_VRING_KICK, 1, 0), 0);
	assert_irq(t, 2, 79);
	assert_int_equal(used_index(t, 1), 3);
	assert_int_equal(t->rig.calls, 3);
	/* The client polls. */
	t->rig.mem[AVAIL(1)] = 1;
	vu_msi(&t->rig.vu, 0, 82);
	assert_irq(t, 3, 82);
	assert_int_equal(t->rig.calls, 3);
	t->rig.mem[AVAIL(1)] = 0;
	/* A full pipe. */
	t->rig.blocked = true;
	give_buffer(t, 4);
	vu_msi(&t->rig.vu, 0, 83);
	assert_irq(t, 4, 83);
	assert_true(vu_flush(&t->rig.vu));
	t->rig.blocked = false;
	assert_false(vu_flush(&t->rig.vu));
	assert_int_equal(t->rig.calls, 4);
}

static void test_msi_mess(void **state)
{
	struct test *t = *state;

	/* Too small, then readable. */
	put_desc(t, 1, 0, RIG_ADDR + BUFFERS, 19, F_WRITE, 0);
	offer(t, 1, 0);
	vu_msi(&t->rig.vu, 0, 1);
	assert_true(t->rig.vu.rings[1].broken);
	assert_int_equal(used_index(t, 1), 0);
	memset(t->rig.mem, 0, BUFFERS);
	place(t, 1);
	put_desc(t, 1, 0, RIG_ADDR + BUFFERS, 20, 0, 0);
	offer(t, 1, 0);
	assert_int_equal(ask_state(t, VU_VRING_KICK, 1, 0), 1);
	assert_true(t->rig.vu.rings[1].broken);
	/* What waited comes with the next good buffer. */
	memset(t->rig.mem, 0, BUFFERS);
	place(t, 1);
	give_buffer(t, 2);
	assert_int_equal(ask_state(t, VU_VRING_KICK, 1, 0), 0);
	assert_irq(t, 2, 1);
}

/* The memory goes while rings are in it. */
static void test_memory_gone(void **state)
{
	struct test *t = *state;
	struct command c = { .op = VU_OP_MMIO_WRITE, .size = 4 };

	assert_int_equal(run(t, &c, 20, 0, NULL), 0);
	assert_int_equal(message(t, VU_RESET_OWNER, VU_FLAG_NEED_REPLY, NULL, 0, NULL, 0), 0);
	assert_int_equal(value(t), 0);
	offer(t, 0, 3);
	assert_int_equal(ask_state(t, VU_VRING_KICK, 0, 0), 0);
	vu_msi(&t->rig.vu, 0, 1);
	assert_int_equal(t->rig.writes, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_negotiate, setup_raw, teardown),
		cmocka_unit_test_setup_teardown(test_framing, setup_raw, teardown),
		cmocka_unit_test_setup_teardown(test_memory_table, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ring_setup, setup, teardown),
		cmocka_unit_test_setup_teardown(test_config, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bar, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pieces, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wrap, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mess, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long, setup, teardown),
		cmocka_unit_test_setup_teardown(test_msi, setup, teardown),
		cmocka_unit_test_setup_teardown(test_msi_mess, setup, teardown),
		cmocka_unit_test_setup_teardown(test_memory_gone, setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("vhost_user", tests, NULL, NULL);
}
