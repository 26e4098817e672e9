// SPDX-License-Identifier: MIT
/*
 * Random mutations of a session that uses everything, through the fuzz entry. Arguments: how many,
 * and the seed. A failure aborts and names the case; run it alone with arguments 1 and that seed.
 */
#include <dirent.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ig1_chip.h"
#include "mock_chip.h"
#include "pci_config.h"
#include "vfu_proto.h"

#define ROOM 8192u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t session[ROOM];
static size_t session_bytes;
static uint16_t record_at[128];
static unsigned int records;

static void add(unsigned int fds, unsigned int kind, unsigned int command, const void *data,
		size_t n)
{
	struct vfu_header h = { .id = (uint16_t)records, .command = (uint16_t)command };
	size_t bytes = sizeof(h) + n;
	uint8_t *p = session + session_bytes;

	record_at[records++] = (uint16_t)session_bytes;
	h.size = (uint32_t)bytes;
	p[0] = (uint8_t)(fds | kind << 2 | 0x10);
	p[1] = (uint8_t)bytes;
	p[2] = (uint8_t)(bytes >> 8);
	memcpy(p + 3, &h, sizeof(h));
	if (n)
		memcpy(p + 3 + sizeof(h), data, n);
	session_bytes += 3 + bytes;
}

static void add_write(uint32_t region, uint64_t offset, uint64_t value, uint32_t n)
{
	struct {
		struct vfu_region_access a;
		uint64_t v;
	} m = { { offset, region, n }, value };

	add(0, 0, VFU_REGION_WRITE, &m, sizeof(m.a) + n);
}

static void add_read(uint32_t region, uint64_t offset, uint32_t n)
{
	struct vfu_region_access a = { offset, region, n };

	add(0, 0, VFU_REGION_READ, &a, sizeof(a));
}

static void add_copy(uint64_t dst, uint64_t src)
{
	add_write(0, MOCK_SRC, src, 8);
	add_write(0, MOCK_DST, dst, 8);
	add_write(0, MOCK_BYTES, 0x100, 4);
	add_write(0, MOCK_GO, 1, 4);
	add_read(0, MOCK_STATUS, 4);
}

/* The first record carries one file, so that a version message goes before it. */
static void build(void)
{
	struct vfu_dma_map map = { sizeof(map), 3, 0, 0x100000, 0x10000 };
	struct vfu_dma_map none = { sizeof(none), 3, 0, 0x200000, 0x10000 };
	struct vfu_dma_unmap unmap = { sizeof(unmap), 0, 0x100000, 0x10000 };
	struct vfu_device_info di = { .argsz = sizeof(di) };
	struct vfu_region_info ri = { .argsz = sizeof(ri), .index = 7 };
	struct vfu_region_io_fds io = { .argsz = sizeof(io) };
	struct vfu_irq_info ii = { .argsz = sizeof(ii), .index = VFIO_PCI_MSIX_IRQ_INDEX };
	struct vfu_irq_set set = { sizeof(set),
				   VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
				   VFIO_PCI_MSIX_IRQ_INDEX, 0, 3 };
	struct {
		uint64_t count;
		struct vfu_region_multi w[2];
	} multi = { 2, { { MOCK_VECTOR, 0, 4, { 2 } }, { MOCK_BYTES, 0, 8, { 32 } } } };
	struct vfu_dma_access reply = { 0x200000, 32 };
	uint8_t answer[sizeof(reply) + 32] = { 0 };
	uint64_t feature = 0;

	memcpy(answer, &reply, sizeof(reply));
	add(1, 0, VFU_DMA_MAP, &map, sizeof(map));
	add(0, 0, VFU_DMA_MAP, &none, sizeof(none));
	add(0, 0, VFU_DEVICE_GET_INFO, &di, sizeof(di));
	add(0, 0, VFU_DEVICE_GET_REGION_INFO, &ri, sizeof(ri));
	add(0, 0, VFU_DEVICE_GET_REGION_IO_FDS, &io, sizeof(io));
	add(0, 0, VFU_DEVICE_GET_IRQ_INFO, &ii, sizeof(ii));
	add(3, 1, VFU_DEVICE_SET_IRQS, &set, sizeof(set));
	add_write(7, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
	add_write(7, PCI_CONFIG_MSIX + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, 2);
	add_copy(0x108000, 0x100000);
	add_copy(0x100000, 0x200000);
	add(0, 0, VFU_DMA_READ, answer, sizeof(answer));
	session[record_at[records - 1] + 3 + 8] = VFU_TYPE_REPLY;
	add(0, 0, VFU_REGION_WRITE_MULTI, &multi, sizeof(multi));
	add(0, 0, VFU_DEVICE_FEATURE, &feature, sizeof(feature));
	add(0, 0, VFU_DMA_UNMAP, &unmap, sizeof(unmap));
	add_write(7, PCI_CONFIG_EXP + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR, 2);
	add_write(7, PCI_CONFIG_PM + PCI_PM_CTRL, 3, 2);
	add_write(7, PCI_CONFIG_PM + PCI_PM_CTRL, 0, 2);
	add_write(7, PCI_CONFIG_INJECT + PCI_CONFIG_INJECT_REG, 5 | 3 << 8, 4);
	add(0, 0, VFU_DEVICE_RESET, NULL, 0);
	add_read(2, IG1_PCI_MSIX_PBA, 8);
}

static uint64_t state;

static uint32_t rnd(uint32_t below)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(state >> 33) % below;
}

static void mutate(uint8_t *p, size_t *n)
{
	static const uint64_t special[] = { 0,	    1,		0x7f,	    0x80,
					    0xff,   0xffff,	0x7fffffff, 0x80000000,
					    ~0u,    0xfffff000, ~0ull,	    1ull << 63,
					    0x1000, 0xfff,	0x100000,   0x200000 };
	uint32_t changes = 1 + rnd(6), at, len, from;

	while (changes--) {
		at = rnd((uint32_t)*n);
		switch (rnd(7)) {
		case 0:
			p[at] ^= (uint8_t)(1u << rnd(8));
			break;
		case 1:
			p[at] = (uint8_t)rnd(256);
			break;
		case 2: /* a field of a message gets an interesting value */
			at = record_at[rnd(records)] + 3 + 4 * rnd(12);
			len = rnd(2) ? 4 : 8;
			if (at + len <= *n)
				memcpy(p + at, &special[rnd(16)], len);
			break;
		case 3: /* files */
			p[record_at[rnd(records)]] = (uint8_t)rnd(64);
			break;
		case 4: /* a piece goes */
			len = rnd(64);
			if (at + len < *n) {
				memmove(p + at, p + at + len, *n - at - len);
				*n -= len;
			}
			break;
		case 5: /* a record again */
			from = record_at[rnd(records)];
			len = 3 + p[from + 1] + 256u * p[from + 2];
			if (from + len <= *n && *n + len <= 2 * ROOM) {
				memmove(p + *n, p + from, len);
				*n += len;
			}
			break;
		default:
			*n = 1 + rnd((uint32_t)*n);
			break;
		}
	}
}

static unsigned int open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned int n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

int main(int argc, char **argv)
{
	uint32_t count = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 0) : 1000, i;
	uint32_t seed = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 0) : 1;
	static uint8_t copy[2 * ROOM];
	unsigned int before, after;
	size_t n;

	printf("1..2\n");
	fflush(stdout);
	build();
	LLVMFuzzerTestOneInput(session, session_bytes);
	before = open_files();
	for (i = 0; i < count; i++) {
		state = seed + i;
		rnd(2);
		memcpy(copy, session, session_bytes);
		n = session_bytes;
		mutate(copy, &n);
		/* where a crash can be found again */
		if (i % 64 == 0)
			fprintf(stderr, "# seed %u\n", seed + i);
		LLVMFuzzerTestOneInput(copy, n);
	}
	printf("ok 1 - %u mutated sessions, seed %u\n", count, seed);
	after = open_files();
	printf("%sok 2 - no file left open (%u before, %u after)\n", before == after ? "" : "not ",
	       before, after);
	return before != after;
}
