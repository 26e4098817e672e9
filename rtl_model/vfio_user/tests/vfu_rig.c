// SPDX-License-Identifier: MIT
/* What the tests of the vfio-user server share. */
#include "vfu_rig.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ig1_chip.h"

int rig_server(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));
	struct pci_device_options o = { .chip = &mock_chip,
					.serial = 0x0123456789abcdefull,
					.inject = true };
	struct vfu_server_options so = { 0 };

	if (!r)
		return -1;
	*state = r;
	r->c.fd = r->c.twin = -1;
	snprintf(r->dir, sizeof(r->dir), "/tmp/vfu-XXXXXX");
	if (!mkdtemp(r->dir))
		return -1;
	snprintf(r->path, sizeof(r->path), "%s/sock", r->dir);
	r->ram_fd = memfd_create("ram", MFD_CLOEXEC);
	if (r->ram_fd < 0 || ftruncate(r->ram_fd, RAM_BYTES))
		return -1;
	r->ram = mmap(NULL, RAM_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, r->ram_fd, 0);
	if (r->ram == MAP_FAILED || pci_device_create(&o, &r->dev))
		return -1;
	so.path = r->path;
	so.dev = r->dev;
	return vfu_server_start(&so, &r->server);
}

int rig_client(void **state)
{
	struct rig *r;

	if (rig_server(state))
		return -1;
	r = *state;
	if (vfu_client_connect(&r->c, r->path))
		return -1;
	return vfu_client_version(&r->c, RIG_CAPS, NULL, 0);
}

int rig_teardown(void **state)
{
	struct rig *r = *state;

	vfu_client_close(&r->c);
	vfu_server_stop(r->server);
	pci_device_destroy(r->dev);
	munmap(r->ram, RAM_BYTES);
	close(r->ram_fd);
	if (!access(r->path, F_OK)) /* stopping removes the socket */
		return -1;
	rmdir(r->dir);
	free(r);
	return mock_chips ? -1 : 0;
}

void rig_enable(struct rig *r)
{
	vfu_client_set(&r->c, PCI_REGION_CONFIG, PCI_COMMAND,
		       PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
}

void rig_map(struct rig *r)
{
	assert_int_equal(vfu_client_map(&r->c, RAM_BASE, RAM_BYTES, RW, r->ram_fd, 0), 0);
}

uint32_t rig_cfg(struct rig *r, uint32_t offset, uint32_t n)
{
	return vfu_client_get(&r->c, PCI_REGION_CONFIG, offset, n);
}

void rig_cfg_set(struct rig *r, uint32_t offset, uint32_t v, uint32_t n)
{
	vfu_client_set(&r->c, PCI_REGION_CONFIG, offset, v, n);
}

void rig_msix(struct rig *r, uint32_t flags)
{
	rig_cfg_set(r, PCI_CONFIG_MSIX + PCI_MSIX_FLAGS, flags, 2);
}

uint32_t rig_pending(struct rig *r)
{
	return vfu_client_get(&r->c, IG1_PCI_BAR_MSIX, IG1_PCI_MSIX_PBA, 4);
}

void rig_reset(struct rig *r)
{
	struct vfu_call call = { .command = VFU_DEVICE_RESET };

	assert_int_equal(vfu_client_call(&r->c, &call), 0);
}

void rig_set(struct rig *r, uint32_t reg, uint32_t v)
{
	vfu_client_set(&r->c, PCI_REGION_BAR0, reg, v, 4);
}

uint32_t rig_get(struct rig *r, uint32_t reg)
{
	return vfu_client_get(&r->c, PCI_REGION_BAR0, reg, 4);
}

void rig_copy_start(struct rig *r, uint64_t dst, uint64_t src, uint32_t bytes, uint32_t vector,
		    uint32_t go)
{
	rig_set(r, MOCK_SRC, (uint32_t)src);
	rig_set(r, MOCK_SRC + 4, (uint32_t)(src >> 32));
	rig_set(r, MOCK_DST, (uint32_t)dst);
	rig_set(r, MOCK_DST + 4, (uint32_t)(dst >> 32));
	rig_set(r, MOCK_BYTES, bytes);
	rig_set(r, MOCK_VECTOR, vector);
	rig_set(r, MOCK_GO, go);
}

uint32_t rig_copy_end(struct rig *r)
{
	uint32_t i, status = 1;

	for (i = 0; i < 1000 && status == 1; i++) {
		usleep(1000);
		status = rig_get(r, MOCK_STATUS);
	}
	return status;
}

uint32_t rig_copy(struct rig *r, uint64_t dst, uint64_t src, uint32_t bytes)
{
	rig_copy_start(r, dst, src, bytes, 0, 1);
	return rig_copy_end(r);
}

uint64_t rig_event(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t v = 0;

	if (poll(&p, 1, ms) != 1)
		return 0;
	return read(fd, &v, sizeof(v)) == sizeof(v) ? v : 0;
}

void rig_fill(struct rig *r, uint32_t seed)
{
	uint32_t i;

	for (i = 0; i < RAM_BYTES; i++) {
		seed = seed * 1664525u + 1013904223u;
		r->ram[i] = (uint8_t)(seed >> 24);
	}
}

void rig_expect_chips(int n)
{
	int i;

	for (i = 0; i < 2000 && __atomic_load_n(&mock_chips, __ATOMIC_RELAXED) != n; i++)
		usleep(1000);
	assert_int_equal(__atomic_load_n(&mock_chips, __ATOMIC_RELAXED), n);
}
