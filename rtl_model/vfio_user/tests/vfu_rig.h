/* SPDX-License-Identifier: MIT */
/* A device with a mock chip behind a vfio-user server, and a client with memory. */
#ifndef VFU_RIG_H
#define VFU_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/vfio.h>

#include "mock_chip.h"
#include "pci_config.h"
#include "pci_device.h"
#include "pci_inject.h"
#include "vfu_client.h"
#include "vfu_server.h"

#define RAM_BYTES 0x10000u
#define RAM_BASE  0x100000000ull /* bus address of the mapped memory */
#define RW	  (VFU_MAP_READ | VFU_MAP_WRITE)
#define RIG_CAPS                                                               \
	"{\"capabilities\":{\"max_msg_fds\":8,\"max_data_xfer_size\":1048576," \
	"\"max_dma_maps\":65535,\"pgsizes\":4096,\"write_multiple\":true}}"

struct rig {
	char dir[40], path[60];
	struct pci_device *dev;
	struct vfu_server *server;
	struct vfu_client c;
	int ram_fd;
	uint8_t *ram;
};

/* cmocka setups: a server; a server with a client that has said its version. */
int rig_server(void **state);
int rig_client(void **state);
int rig_teardown(void **state);

/* Memory and bus mastering on; the RAM mapped at RAM_BASE. */
void rig_enable(struct rig *r);
void rig_map(struct rig *r);
/* Config space; MSI-X flags; pending bits; DEVICE_RESET. */
uint32_t rig_cfg(struct rig *r, uint32_t offset, uint32_t n);
void rig_cfg_set(struct rig *r, uint32_t offset, uint32_t v, uint32_t n);
void rig_msix(struct rig *r, uint32_t flags);
uint32_t rig_pending(struct rig *r);
void rig_reset(struct rig *r);
/* Registers of the chip. */
void rig_set(struct rig *r, uint32_t reg, uint32_t v);
uint32_t rig_get(struct rig *r, uint32_t reg);
/* Copies with the chip; MOCK_STATUS at the end, 1 if it does not end within a second. */
uint32_t rig_copy(struct rig *r, uint64_t dst, uint64_t src, uint32_t bytes);
void rig_copy_start(struct rig *r, uint64_t dst, uint64_t src, uint32_t bytes, uint32_t vector,
		    uint32_t go);
uint32_t rig_copy_end(struct rig *r);
/* A counter that has been signalled, or 0 after ms. */
uint64_t rig_event(int fd, int ms);
void rig_fill(struct rig *r, uint32_t seed);
/* Waits for mock_chips to become n. */
void rig_expect_chips(int n);

#endif
