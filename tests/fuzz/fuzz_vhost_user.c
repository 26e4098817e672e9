// SPDX-License-Identifier: MIT
/*
 * Fuzz entry of the vhost-user back end: messages, writes to the client's memory and interrupts in
 * any order, on a device that is set up as Linux does it. The device must see only accesses that it
 * allows, and answers must fit.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rtl_model/vfio_user/tests/vhost_user_rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DO_MESSAGE, DO_MEMORY, DO_MSI, DO_BLOCK, DO_KICK, DOS };

static void send_message(struct rig *r, uint32_t request, const void *payload, uint32_t bytes,
			 unsigned nfds)
{
	uint8_t reply[VU_HEADER_BYTES + VU_PAYLOAD_MAX];
	uint32_t header[3] = { request, VU_FLAG_VERSION | VU_FLAG_NEED_REPLY, bytes };
	uint8_t *m = malloc(VU_HEADER_BYTES + bytes);
	int fds[VU_FDS_MAX] = { 0 };
	size_t n;

	if (!m)
		return;
	memcpy(m, header, sizeof(header));
	if (bytes)
		memcpy(m + VU_HEADER_BYTES, payload, bytes);
	/* A connection that is beyond repair is closed; here a new one begins. */
	if (vu_message(&r->vu, m, VU_HEADER_BYTES + bytes, fds, nfds, reply, &n))
		vu_init(&r->vu, &rig_ops, r);
	else if (n > sizeof(reply))
		abort();
	free(m);
}

static void setup(struct rig *r)
{
	static const uint64_t features = VU_FEATURES, protocol = VU_PROTOCOL_FEATURES;
	static const struct {
		uint32_t num, pad;
		uint64_t addr, size, user, offset;
	} table = { 1, 0, RIG_ADDR, RIG_BYTES, RIG_USER, 0 };
	uint32_t q;

	vu_init(&r->vu, &rig_ops, r);
	send_message(r, VU_SET_PROTOCOL_FEATURES, &protocol, 8, 0);
	send_message(r, VU_SET_FEATURES, &features, 8, 0);
	send_message(r, VU_SET_MEM_TABLE, &table, sizeof(table), 1);
	for (q = 0; q < VU_RINGS; q++) {
		struct {
			uint32_t index, flags;
			uint64_t desc, used, avail, log;
		} a = { q,
			0,
			RIG_USER + 0x100 * q,
			RIG_USER + 0x100 * q + 0xc0,
			RIG_USER + 0x100 * q + 0x80,
			0 };

		send_message(r, VU_SET_VRING_NUM, (uint32_t[]){ q, 8 }, 8, 0);
		send_message(r, VU_SET_VRING_ADDR, &a, sizeof(a), 0);
		send_message(r, VU_SET_VRING_ENABLE, (uint32_t[]){ q, 1 }, 8, 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rig *r = calloc(1, sizeof(*r));
	const uint8_t *end = data + size;

	if (!r)
		return 0;
	setup(r);
	while (end - data >= 4) {
		unsigned what = data[0] % DOS, a = data[1], b = data[2], n = data[3];

		data += 4;
		if (n > (size_t)(end - data))
			n = end - data;
		switch (what) {
		case DO_MESSAGE:
			send_message(r, a % 40, data, n, b % (VU_FDS_MAX + 1));
			data += n;
			break;
		case DO_MEMORY:
			/* mostly where the rings are */
			memcpy(r->mem + (a * 256 + b) % 0x800, data, n);
			data += n;
			break;
		case DO_MSI:
			vu_msi(&r->vu, a, b);
			break;
		case DO_BLOCK:
			r->blocked = a & 1;
			vu_flush(&r->vu);
			break;
		default:
			send_message(r, VU_VRING_KICK, (uint32_t[]){ a % 3, 0 }, 8, 0);
			break;
		}
	}
	free(r);
	return 0;
}
