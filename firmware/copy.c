// SPDX-License-Identifier: MIT
/* Copy engine. Polled: a copy takes about as long as going to sleep and waking up. */
#include "copy.h"

#include "hw.h"

#define GO_FROM_HOST 1
#define GO_TO_HOST   2
#define GO_ZERO_SRAM 3

static int run(uint64_t host, uint32_t local, uint32_t bytes, uint32_t go)
{
	uint32_t status;

	hw_write64(IG1_MCU_COPY_HOST(0), host);
	hw_write32(IG1_MCU_COPY_LOCAL, local);
	hw_write32(IG1_MCU_COPY_BYTES, bytes);
	hw_write32(IG1_MCU_COPY_GO, go);
	do {
		status = hw_read32(IG1_MCU_COPY_STATUS);
	} while (status & IG1_MCU_COPY_STATUS_BUSY);
	return status & IG1_MCU_COPY_STATUS_ERROR ? -1 : 0;
}

int copy_from_host(void *dst, uint64_t bus, uint32_t bytes)
{
	int err = run(bus, hw_local(dst), bytes, GO_FROM_HOST);

	/* Again, so that nothing of dst is remembered from before. */
	(void)hw_local(dst);
	return err;
}

int copy_to_host(uint64_t bus, const void *src, uint32_t bytes)
{
	return run(bus, hw_local(src), bytes, GO_TO_HOST);
}

int copy_zero_sram(uint32_t offset, uint32_t bytes)
{
	return run(offset, 0, bytes, GO_ZERO_SRAM);
}
