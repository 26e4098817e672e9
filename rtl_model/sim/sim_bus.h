/* SPDX-License-Identifier: MIT */
/*
 * Host memory behind the chip's bus master: requests are carried out when they are accepted and
 * answered in order, reads after a fixed number of cycles, writes as soon as those before them.
 */
#ifndef IG1_SIM_BUS_H
#define IG1_SIM_BUS_H

#include <cstdint>
#include <cstring>

#include "sim.h"

template <unsigned int MemBytes> class sim_bus
{
public:
	static const unsigned int SLOTS = 32; /* more than the chip has in flight */

	sim_bus(const struct ig1_bus &b, uint32_t read_latency)
		: bus(b), latency(read_latency ? read_latency : 1)
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
			if (err)
				bytes = 0;
			memset(reinterpret_cast<uint8_t *>(s.data) + bytes, 0, MemBytes - bytes);
		}
		s.err = err != 0;
		s.read = !we;
		s.due = now + (we ? 1 : latency);
	}

	/* The response shown in this cycle; false: none. data is set for reads only. */
	bool response(uint64_t now, bool *err, const uint32_t **data)
	{
		if (head == tail || slots[head % SLOTS].due > now)
			return false;
		slot &s = slots[head++ % SLOTS];

		*err = s.err;
		*data = s.read ? s.data : nullptr;
		return true;
	}

private:
	struct slot {
		uint32_t data[MemBytes / 4];
		uint64_t due;
		bool err, read;
	};
	struct ig1_bus bus;
	uint32_t latency;
	unsigned int head = 0, tail = 0;
	slot slots[SLOTS];
};

#endif
