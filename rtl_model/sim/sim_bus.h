/* SPDX-License-Identifier: MIT */
/*
 * Host memory behind the chip's bus master: requests are carried out when they are accepted and
 * answered in order, reads after a fixed number of cycles, writes as soon as those before them; or
 * later, if the bus takes its time (sim.h, finish).
 */
#ifndef IG1_SIM_BUS_H
#define IG1_SIM_BUS_H

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "sim.h"

template <unsigned int MemBytes> class sim_bus
{
public:
	static const unsigned int SLOTS = 32; /* more than the chip has in flight */

	typedef int (*finish_fn)(void *ctx, void *dst, size_t n);

	sim_bus(const struct ig1_bus &b, uint32_t read_latency, finish_fn f)
		: bus(b), latency(read_latency ? read_latency : 1), finish(f)
	{
	}

	bool full() const
	{
		return tail - head == SLOTS;
	}

	/* An accepted request. */
	void request(uint64_t now, bool we, uint64_t addr, uint32_t bytes, const uint32_t *data)
	{
		slot &s = slots[tail++ % SLOTS];
		int err;

		if (bytes > MemBytes)
			bytes = MemBytes;
		if (we) {
			err = bus.write(bus.ctx, addr, data, bytes);
		} else {
			err = bus.read(bus.ctx, addr, s.data, bytes);
		}
		s.read = !we;
		s.bytes = bytes;
		s.due = now + (we ? 1 : latency);
		s.pending = err == -EINPROGRESS && finish;
		if (!s.pending)
			answer(s, err);
	}

	/* The response shown in this cycle; false: none. data is set for reads only. */
	bool response(uint64_t now, bool *err, const uint32_t **data)
	{
		stalled = false;
		if (head == tail || slots[head % SLOTS].due > now)
			return false;
		slot &s = slots[head % SLOTS];

		if (s.pending) {
			int ret = finish(bus.ctx, s.read ? s.data : nullptr, s.bytes);

			if (ret == -EINPROGRESS) {
				stalled = true;
				return false;
			}
			s.pending = false;
			answer(s, ret);
		}
		head++;
		*err = s.err;
		*data = s.read ? s.data : nullptr;
		return true;
	}

	/* The last call of response() found one due that the bus does not have. */
	bool waiting() const
	{
		return stalled;
	}

private:
	struct slot {
		uint32_t data[MemBytes / 4];
		uint64_t due;
		uint32_t bytes;
		bool err, read, pending;
	};

	static void answer(slot &s, int err)
	{
		uint32_t bytes = err ? 0 : s.bytes;

		s.err = err != 0;
		if (s.read)
			memset(reinterpret_cast<uint8_t *>(s.data) + bytes, 0, MemBytes - bytes);
	}

	struct ig1_bus bus;
	uint32_t latency;
	finish_fn finish;
	bool stalled = false;
	unsigned int head = 0, tail = 0;
	slot slots[SLOTS];
};

#endif
