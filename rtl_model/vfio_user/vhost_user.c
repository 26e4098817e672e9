// SPDX-License-Identifier: MIT
/* The vhost-user messages of vhost_user.h. Both ends run on one machine: fields are native. */
#include "vhost_user.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "vhost_user_ring.h"

#define REGION_BYTES 32

struct state_payload {
	uint32_t index, num;
};

struct addr_payload {
	uint32_t index, flags;
	uint64_t desc, used, avail, log;
};

struct region_payload {
	uint64_t addr, size, user, offset;
};

void vu_init(struct vu *vu, const struct vu_ops *ops, void *ctx)
{
	memset(vu, 0, sizeof(*vu));
	vu->ops = ops;
	vu->ctx = ctx;
}

__attribute__((format(printf, 2, 3))) static int refuse(struct vu *vu, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(vu->error, sizeof(vu->error), fmt, args);
	va_end(args);
	return -EINVAL;
}

/* A ring address of the client, of n bytes, as the device sees it. */
static int ring_address(const struct vu *vu, uint64_t user, uint64_t n, uint64_t *addr)
{
	unsigned i;

	for (i = 0; i < vu->num_regions; i++) {
		const struct vu_region *r = &vu->regions[i];

		if (user < r->user || user - r->user > r->size || n > r->size - (user - r->user))
			continue;
		*addr = r->addr + (user - r->user);
		return 0;
	}
	return -EFAULT;
}

static struct vu_ring *ring_of(struct vu *vu, uint32_t index)
{
	if (index >= VU_RINGS) {
		refuse(vu, "ring index %u is not below %u", index, VU_RINGS);
		return NULL;
	}
	return &vu->rings[index];
}

static void forget_memory(struct vu *vu)
{
	unsigned i;

	vu->ops->mem_unmap_all(vu->ctx);
	vu->num_regions = 0;
	/* Ring addresses were translated by the old table. */
	for (i = 0; i < VU_RINGS; i++)
		vu->rings[i].placed = false;
}

static int check_region(struct vu *vu, unsigned n, const struct region_payload *r)
{
	uint64_t end, end_user, end_file;
	unsigned i;

	if (r->size == 0)
		return refuse(vu, "memory region %u: size is 0", n);
	if (__builtin_add_overflow(r->addr, r->size - 1, &end) ||
	    __builtin_add_overflow(r->user, r->size - 1, &end_user) ||
	    __builtin_add_overflow(r->offset, r->size, &end_file))
		return refuse(vu, "memory region %u: address, user address or offset overflows", n);
	for (i = 0; i < vu->num_regions; i++)
		if (r->addr - vu->regions[i].addr < vu->regions[i].size ||
		    vu->regions[i].addr - r->addr < r->size)
			return refuse(vu, "memory region %u overlaps region %u", n, i);
	return 0;
}

static int set_mem_table(struct vu *vu, const uint8_t *payload, size_t bytes, const int *fds,
			 unsigned nfds)
{
	struct region_payload r;
	uint32_t num;
	unsigned i;
	int rc;

	forget_memory(vu);
	if (bytes < 8)
		return refuse(vu, "memory table: %zu bytes", bytes);
	memcpy(&num, payload, 4);
	if (num == 0 || num > VU_FDS_MAX || num != nfds || bytes != 8 + (size_t)num * REGION_BYTES)
		return refuse(vu, "memory table: %u regions, %u descriptors, %zu bytes", num, nfds,
			      bytes);
	for (i = 0; i < num; i++) {
		memcpy(&r, payload + 8 + i * REGION_BYTES, sizeof(r));
		rc = check_region(vu, i, &r);
		if (rc)
			goto fail;
		rc = vu->ops->mem_map(vu->ctx, r.addr, r.size, fds[i], r.offset);
		if (rc) {
			refuse(vu, "memory region %u cannot be mapped: %s", i, strerror(-rc));
			goto fail;
		}
		vu->regions[i] = (struct vu_region){ r.addr, r.size, r.user };
		vu->num_regions++;
	}
	return 0;
fail:
	forget_memory(vu);
	return rc;
}

static int set_ring_state(struct vu *vu, uint32_t request, const uint8_t *payload, size_t bytes)
{
	struct state_payload s;
	struct vu_ring *ring;

	if (bytes != sizeof(s))
		return refuse(vu, "request %u: %zu bytes instead of %zu", request, bytes,
			      sizeof(s));
	memcpy(&s, payload, sizeof(s));
	ring = ring_of(vu, s.index);
	if (!ring)
		return -EINVAL;
	switch (request) {
	case VU_SET_VRING_NUM:
		if (s.num == 0 || s.num > VU_RING_MAX || (s.num & (s.num - 1)))
			return refuse(vu, "ring %u: %u descriptors", s.index, s.num);
		ring->num = s.num;
		ring->placed = false;
		return 0;
	case VU_SET_VRING_BASE:
		if (s.num > UINT16_MAX)
			return refuse(vu, "ring %u: base %u", s.index, s.num);
		ring->next_avail = s.num;
		ring->next_used = s.num;
		return 0;
	case VU_SET_VRING_ENABLE:
		if (s.num > 1)
			return refuse(vu, "ring %u: enable %u", s.index, s.num);
		ring->enabled = s.num;
		break;
	default: /* VU_VRING_KICK */
		break;
	}
	/* Buffers may have been there before. */
	return vu_ring_kicked(vu, s.index);
}

static int set_ring_addr(struct vu *vu, const uint8_t *payload, size_t bytes)
{
	struct addr_payload a;
	struct vu_ring *ring;

	if (bytes != sizeof(a))
		return refuse(vu, "ring addresses: %zu bytes instead of %zu", bytes, sizeof(a));
	memcpy(&a, payload, sizeof(a));
	ring = ring_of(vu, a.index);
	if (!ring)
		return -EINVAL;
	ring->placed = false;
	if (a.flags)
		return refuse(vu, "ring %u: flags %#x are not supported", a.index, a.flags);
	if (ring->num == 0)
		return refuse(vu, "ring %u: addresses before the number of descriptors", a.index);
	if (a.desc % 16 || a.avail % 2 || a.used % 4)
		return refuse(vu, "ring %u: unaligned address", a.index);
	if (ring_address(vu, a.desc, 16ull * ring->num, &ring->desc) ||
	    ring_address(vu, a.avail, 4 + 2ull * ring->num, &ring->avail) ||
	    ring_address(vu, a.used, 4 + 8ull * ring->num, &ring->used))
		return refuse(vu, "ring %u: address outside the memory table", a.index);
	ring->placed = true;
	ring->broken = false;
	return 0;
}

static int set_features(struct vu *vu, uint32_t request, const uint8_t *payload, size_t bytes)
{
	uint64_t value;

	if (bytes != sizeof(value))
		return refuse(vu, "request %u: %zu bytes instead of 8", request, bytes);
	memcpy(&value, payload, sizeof(value));
	if (request == VU_SET_FEATURES) {
		if (value & ~VU_FEATURES)
			return refuse(vu, "features %#llx were not offered",
				      (unsigned long long)(value & ~VU_FEATURES));
		vu->features = value;
		return 0;
	}
	if (value & ~VU_PROTOCOL_FEATURES)
		return refuse(vu, "protocol features %#llx were not offered",
			      (unsigned long long)(value & ~VU_PROTOCOL_FEATURES));
	if (!(value & VU_PROTOCOL_F_INBAND) || !(value & VU_PROTOCOL_F_BACKEND_REQ))
		return refuse(vu, "protocol features: in-band notifications are needed");
	vu->protocol_features = value;
	return 0;
}

/* The requests that are answered by nothing or by an acknowledgement. */
static int request_done(struct vu *vu, uint32_t request, const uint8_t *payload, size_t bytes,
			const int *fds, unsigned nfds)
{
	int rc;

	if (nfds && request != VU_SET_MEM_TABLE && request != VU_SET_BACKEND_REQ_FD)
		return refuse(vu, "request %u: %u descriptors", request, nfds);
	switch (request) {
	case VU_SET_FEATURES:
	case VU_SET_PROTOCOL_FEATURES:
		return set_features(vu, request, payload, bytes);
	case VU_SET_OWNER:
		return bytes ? refuse(vu, "request %u: %zu bytes", request, bytes) : 0;
	case VU_RESET_OWNER:
		memset(vu->rings, 0, sizeof(vu->rings));
		forget_memory(vu);
		return 0;
	case VU_SET_MEM_TABLE:
		return set_mem_table(vu, payload, bytes, fds, nfds);
	case VU_SET_VRING_NUM:
	case VU_SET_VRING_BASE:
	case VU_SET_VRING_ENABLE:
	case VU_VRING_KICK:
		return set_ring_state(vu, request, payload, bytes);
	case VU_SET_VRING_ADDR:
		return set_ring_addr(vu, payload, bytes);
	case VU_SET_BACKEND_REQ_FD:
		if (bytes || nfds != 1)
			return refuse(vu, "request %u: %zu bytes, %u descriptors", request, bytes,
				      nfds);
		rc = vu->ops->set_send_fd(vu->ctx, fds[0]);
		return rc ? refuse(vu, "descriptor of calls: %s", strerror(-rc)) : 0;
	default:
		return refuse(vu, "request %u is not supported", request);
	}
}

static void put_reply(uint32_t request, const void *payload, uint32_t bytes, uint8_t *reply,
		      size_t *reply_bytes)
{
	uint32_t header[3] = { request, VU_FLAG_VERSION | VU_FLAG_REPLY, bytes };

	memcpy(reply, header, VU_HEADER_BYTES);
	memcpy(reply + VU_HEADER_BYTES, payload, bytes);
	*reply_bytes = VU_HEADER_BYTES + bytes;
}

static int get_ring_base(struct vu *vu, const uint8_t *payload, size_t bytes, uint8_t *reply,
			 size_t *reply_bytes)
{
	struct state_payload s;
	struct vu_ring *ring;

	if (bytes != sizeof(s))
		return refuse(vu, "ring base: %zu bytes instead of %zu", bytes, sizeof(s));
	memcpy(&s, payload, sizeof(s));
	ring = ring_of(vu, s.index);
	if (!ring)
		return -EINVAL;
	s.num = ring->next_avail;
	ring->enabled = false;
	put_reply(VU_GET_VRING_BASE, &s, sizeof(s), reply, reply_bytes);
	return 0;
}

int vu_message(struct vu *vu, const uint8_t *message, size_t bytes, const int *fds, unsigned nfds,
	       uint8_t *reply, size_t *reply_bytes)
{
	const uint8_t *payload = message + VU_HEADER_BYTES;
	uint32_t header[3];
	uint64_t value;
	size_t size;
	int rc;

	*reply_bytes = 0;
	if (bytes < VU_HEADER_BYTES || bytes > VU_HEADER_BYTES + VU_PAYLOAD_MAX) {
		refuse(vu, "message of %zu bytes", bytes);
		return -EPROTO;
	}
	memcpy(header, message, sizeof(header));
	size = bytes - VU_HEADER_BYTES;
	if ((header[1] & VU_FLAG_VERSION_MASK) != VU_FLAG_VERSION || (header[1] & VU_FLAG_REPLY) ||
	    header[2] != size) {
		refuse(vu, "request %u: flags %#x, size %u with %zu bytes", header[0], header[1],
		       header[2], size);
		return -EPROTO;
	}
	switch (header[0]) {
	case VU_GET_FEATURES:
		value = VU_FEATURES;
		break;
	case VU_GET_PROTOCOL_FEATURES:
		value = VU_PROTOCOL_FEATURES;
		break;
	case VU_GET_QUEUE_NUM:
		value = VU_RINGS;
		break;
	case VU_GET_VRING_BASE:
		/* Without the answer that it waits for the client is lost. */
		return get_ring_base(vu, payload, size, reply, reply_bytes) ? -EPROTO : 0;
	default:
		rc = request_done(vu, header[0], payload, size, fds, nfds);
		if (!(header[1] & VU_FLAG_NEED_REPLY) ||
		    !(vu->protocol_features & VU_PROTOCOL_F_REPLY_ACK))
			return rc ? -EPROTO : 0;
		value = rc ? 1 : 0;
		break;
	}
	put_reply(header[0], &value, sizeof(value), reply, reply_bytes);
	return 0;
}
