// SPDX-License-Identifier: MIT
/*
 * Split virtqueues in the client's memory and the virtio-pcidev messages in them. Each word of a
 * ring is read once into local memory before it is checked: the client may change it at any time.
 */
#include "vhost_user_ring.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { RING_COMMAND, RING_IRQ };

#define DESC_F_NEXT	1
#define DESC_F_WRITE	2
#define DESC_F_INDIRECT 4
#define AVAIL_F_NO_CALL 1

struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

struct pcidev_header {
	uint8_t op, bar;
	uint16_t reserved;
	uint32_t size;
	uint64_t addr;
};

/* A descriptor chain: what the client gives, and where its answer goes. */
struct chain {
	uint16_t head;
	size_t in;  /* bytes in vu->buf; may exceed it, then only its start is there */
	size_t out; /* room for the answer */
	uint16_t out_first;
	unsigned out_count;
};

static int broken(struct vu *vu, unsigned index, const char *what)
{
	vu->rings[index].broken = true;
	snprintf(vu->error, sizeof(vu->error), "ring %u: %s", index, what);
	return -EINVAL;
}

static int read_desc(struct vu *vu, const struct vu_ring *ring, uint16_t n, struct desc *d)
{
	int rc = vu->ops->mem_read(vu->ctx, ring->desc + 16ull * n, d, sizeof(*d));

	d->addr = le64toh(d->addr);
	d->len = le32toh(d->len);
	d->flags = le16toh(d->flags);
	d->next = le16toh(d->next);
	return rc;
}

/* Follows the chain from head; 0 or a negative errno with the ring marked. */
static int read_chain(struct vu *vu, unsigned index, uint16_t head, struct chain *c)
{
	struct vu_ring *ring = &vu->rings[index];
	struct desc d;
	uint16_t next = head;
	unsigned i;

	*c = (struct chain){ .head = head };
	for (i = 0; i < ring->num; i++) {
		size_t room;

		if (next >= ring->num)
			return broken(vu, index, "descriptor number out of range");
		if (read_desc(vu, ring, next, &d))
			return broken(vu, index, "descriptors are not mapped");
		if (d.flags & DESC_F_INDIRECT)
			return broken(vu, index, "indirect descriptors were not offered");
		if (d.flags & DESC_F_WRITE) {
			if (!c->out_count++)
				c->out_first = next;
			c->out += d.len;
		} else {
			if (c->out_count)
				return broken(vu, index, "readable descriptor after a writable");
			room = c->in < sizeof(vu->buf) ? sizeof(vu->buf) - c->in : 0;
			if (room > d.len)
				room = d.len;
			if (room && vu->ops->mem_read(vu->ctx, d.addr, vu->buf + c->in, room))
				return broken(vu, index, "buffer is not mapped");
			c->in += d.len;
		}
		if (!(d.flags & DESC_F_NEXT))
			return 0;
		next = d.next;
	}
	return broken(vu, index, "descriptors form a loop");
}

/* n bytes of vu->buf to the writable descriptors, which have room. */
static int write_answer(struct vu *vu, unsigned index, const struct chain *c, size_t n)
{
	struct vu_ring *ring = &vu->rings[index];
	uint16_t next = c->out_first;
	struct desc d;
	size_t done = 0;
	unsigned i;

	for (i = 0; i < c->out_count && done < n; i++) {
		size_t part = n - done;

		/* Read again, so checked again. */
		if (next >= ring->num || read_desc(vu, ring, next, &d))
			return broken(vu, index, "descriptor changed while in use");
		if (part > d.len)
			part = d.len;
		if (part && vu->ops->mem_write(vu->ctx, d.addr, vu->buf + done, part))
			return broken(vu, index, "buffer is not mapped");
		done += part;
		next = d.next;
	}
	return done == n ? 0 : broken(vu, index, "descriptor changed while in use");
}

/* The next chain; 0, -EAGAIN (none), -EINVAL. */
static int pop(struct vu *vu, unsigned index, struct chain *c)
{
	struct vu_ring *ring = &vu->rings[index];
	uint16_t avail, head;

	if (!ring->enabled || !ring->placed || ring->broken)
		return -EAGAIN;
	if (vu->ops->mem_read(vu->ctx, ring->avail + 2, &avail, sizeof(avail)))
		return broken(vu, index, "available ring is not mapped");
	avail = le16toh(avail);
	if (avail == ring->next_avail)
		return -EAGAIN;
	if ((uint16_t)(avail - ring->next_avail) > ring->num)
		return broken(vu, index, "more available than descriptors");
	/* What the index announces is read after it. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (vu->ops->mem_read(vu->ctx, ring->avail + 4 + 2ull * (ring->next_avail % ring->num),
			      &head, sizeof(head)))
		return broken(vu, index, "available ring is not mapped");
	ring->next_avail++;
	return read_chain(vu, index, le16toh(head), c);
}

/* Gives a chain back with n bytes of answer. */
static int push(struct vu *vu, unsigned index, const struct chain *c, uint32_t n)
{
	struct vu_ring *ring = &vu->rings[index];
	uint32_t used[2] = { htole32(c->head), htole32(n) };
	uint16_t next;

	if (vu->ops->mem_write(vu->ctx, ring->used + 4 + 8ull * (ring->next_used % ring->num), used,
			       sizeof(used)))
		return broken(vu, index, "used ring is not mapped");
	__atomic_thread_fence(__ATOMIC_RELEASE);
	next = htole16(++ring->next_used);
	if (vu->ops->mem_write(vu->ctx, ring->used + 2, &next, sizeof(next)))
		return broken(vu, index, "used ring is not mapped");
	return 0;
}

/* The access of a command in vu->buf; the bytes of its answer, which are then in vu->buf. */
static size_t access_device(struct vu *vu, const struct chain *c)
{
	struct pcidev_header h;
	uint8_t *data = vu->buf + VU_PCIDEV_HEADER_BYTES;
	size_t given;
	uint64_t end;
	int rc;

	if (c->in < sizeof(h) || c->in > sizeof(vu->buf))
		goto refused;
	memcpy(&h, vu->buf, sizeof(h));
	given = c->in - sizeof(h);
	if (h.size == 0 || h.size > VU_ACCESS_MAX || __builtin_add_overflow(h.addr, h.size, &end))
		goto refused;
	switch (h.op) {
	case VU_OP_CFG_READ:
	case VU_OP_CFG_WRITE:
		if (end > VU_CONFIG_BYTES || h.size > 8 || (h.size & (h.size - 1)))
			goto refused;
		break;
	case VU_OP_MMIO_READ:
	case VU_OP_MMIO_WRITE:
	case VU_OP_MMIO_MEMSET:
		if (h.bar > 5)
			goto refused;
		break;
	default:
		goto refused;
	}
	/* A write may come with more than its size: Linux always sends eight bytes to config space. */
	switch (h.op) {
	case VU_OP_CFG_READ:
		rc = c->out < h.size ? -EINVAL
				     : vu->ops->config_read(vu->ctx, h.addr, vu->buf, h.size);
		break;
	case VU_OP_MMIO_READ:
		rc = c->out < h.size ? -EINVAL
				     : vu->ops->bar_read(vu->ctx, h.bar, h.addr, vu->buf, h.size);
		break;
	case VU_OP_CFG_WRITE:
		rc = given < h.size ? -EINVAL
				    : vu->ops->config_write(vu->ctx, h.addr, data, h.size);
		break;
	case VU_OP_MMIO_WRITE:
		rc = given < h.size ? -EINVAL
				    : vu->ops->bar_write(vu->ctx, h.bar, h.addr, data, h.size);
		break;
	default: /* VU_OP_MMIO_MEMSET */
		if (!given)
			goto refused;
		memset(data, data[0], h.size);
		rc = vu->ops->bar_write(vu->ctx, h.bar, h.addr, data, h.size);
		break;
	}
	if (rc)
		goto refused;
	vu->accesses++;
	return h.op == VU_OP_CFG_READ || h.op == VU_OP_MMIO_READ ? h.size : 0;
refused:
	/* Nobody on the bus answers: the client keeps the ones that it filled in. */
	vu->refused++;
	return 0;
}

/*
 * The command ring is never called, although virtio wants it: the acknowledged kick already says
 * that the accesses are done, and the client collects them with its next access.
 */
static int run_commands(struct vu *vu)
{
	struct chain c;
	size_t n;
	int rc;

	while (!(rc = pop(vu, RING_COMMAND, &c))) {
		n = access_device(vu, &c);
		if (n)
			rc = write_answer(vu, RING_COMMAND, &c, n);
		if (!rc)
			rc = push(vu, RING_COMMAND, &c, n);
		if (rc)
			return rc;
	}
	return rc == -EAGAIN ? 0 : rc;
}

static int send_irqs(struct vu *vu)
{
	struct {
		struct pcidev_header h;
		uint32_t data;
	} __attribute__((packed)) msg = {
		.h = { .op = VU_OP_MSI, .size = sizeof(msg.data) },
	};
	struct vu_ring *ring = &vu->rings[RING_IRQ];
	struct chain c;
	uint16_t flags;
	unsigned vector;
	int rc;

	while (vu->irq_pending) {
		rc = pop(vu, RING_IRQ, &c);
		if (rc)
			return rc == -EAGAIN ? 0 : rc;
		if (c.in || c.out < sizeof(msg))
			return broken(vu, RING_IRQ, "buffer does not fit an interrupt message");
		vector = __builtin_ctz(vu->irq_pending);
		msg.data = htole32(vu->irq_data[vector]);
		memcpy(vu->buf, &msg, sizeof(msg));
		rc = write_answer(vu, RING_IRQ, &c, sizeof(msg));
		if (!rc)
			rc = push(vu, RING_IRQ, &c, sizeof(msg));
		if (rc)
			return rc;
		vu->irq_pending &= vu->irq_pending - 1;
		if (vu->ops->mem_read(vu->ctx, ring->avail, &flags, sizeof(flags)))
			return broken(vu, RING_IRQ, "available ring is not mapped");
		if (!(le16toh(flags) & AVAIL_F_NO_CALL))
			ring->call = true;
	}
	return 0;
}

bool vu_flush(struct vu *vu)
{
	struct vu_ring *ring = &vu->rings[RING_IRQ];
	uint32_t call[5] = { VU_BACKEND_VRING_CALL, VU_FLAG_VERSION, 8, RING_IRQ, 0 };

	if (ring->call && vu->ops->send(vu->ctx, call, sizeof(call)) != -EAGAIN)
		ring->call = false;
	return ring->call;
}

int vu_ring_kicked(struct vu *vu, uint32_t index)
{
	int rc = index == RING_COMMAND ? run_commands(vu) : send_irqs(vu);

	vu_flush(vu);
	return rc;
}

void vu_msi(struct vu *vu, unsigned vector, uint32_t data)
{
	if (vector >= VU_VECTORS)
		return;
	vu->irq_data[vector] = data;
	vu->irq_pending |= 1u << vector;
	send_irqs(vu);
	vu_flush(vu);
}
