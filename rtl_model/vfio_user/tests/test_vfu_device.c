// SPDX-License-Identifier: MIT
/* The device behind the server: config space, BARs, resets, clients that come and go. */
#include "vfu_rig.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ig1_chip.h"

static void test_identity(void **state)
{
	struct rig *r = *state;

	assert_int_equal(rig_cfg(r, PCI_VENDOR_ID, 2), IG1_PCI_VENDOR);
	assert_int_equal(rig_cfg(r, PCI_DEVICE_ID, 2), IG1_PCI_DEVICE);
	assert_int_equal(rig_cfg(r, PCI_CLASS_REVISION, 4), 0x12000001);
	assert_int_equal(rig_cfg(r, PCI_SUBSYSTEM_VENDOR_ID, 4),
			 IG1_PCI_SUBSYSTEM << 16 | IG1_PCI_SUBSYSTEM_VENDOR);
	assert_int_equal(rig_cfg(r, PCI_HEADER_TYPE, 1), 0);
	assert_int_equal(rig_cfg(r, PCI_INTERRUPT_PIN, 1), 0);
	assert_true(rig_cfg(r, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST);
	/* none of that can be written */
	rig_cfg_set(r, PCI_VENDOR_ID, 0, 4);
	rig_cfg_set(r, PCI_CLASS_REVISION, 0, 4);
	assert_int_equal(rig_cfg(r, PCI_VENDOR_ID, 4), IG1_PCI_DEVICE << 16 | IG1_PCI_VENDOR);
	assert_int_equal(rig_cfg(r, PCI_CLASS_REVISION, 4), 0x12000001);
}

/* Follows both lists; each capability once, inside, aligned. */
static void test_capabilities(void **state)
{
	static const uint16_t want[] = { PCI_EXT_CAP_ID_ERR, PCI_EXT_CAP_ID_DSN, 0x23 };
	struct rig *r = *state;
	uint32_t at, id, n = 0, seen = 0;

	for (at = rig_cfg(r, PCI_CAPABILITY_LIST, 1); at; at = rig_cfg(r, at + 1, 1)) {
		assert_true(at >= 0x40 && at % 4 == 0 && ++n < 10);
		id = rig_cfg(r, at, 1);
		assert_true(id < 32 && !(seen & 1u << id));
		seen |= 1u << id;
	}
	assert_int_equal(seen, 1u << PCI_CAP_ID_PM | 1u << PCI_CAP_ID_MSIX | 1u << PCI_CAP_ID_EXP);
	for (at = 0x100, n = 0; at; at = rig_cfg(r, at, 4) >> 20, n++) {
		assert_true(n < 3 && at >= 0x100 && at % 4 == 0);
		assert_int_equal(rig_cfg(r, at, 4) & 0xffff, want[n]);
	}
	assert_int_equal(n, 3);
	assert_int_equal(rig_cfg(r, PCI_CONFIG_MSIX + PCI_MSIX_FLAGS, 2), IG1_VECTORS - 1);
	assert_int_equal(rig_cfg(r, PCI_CONFIG_MSIX + PCI_MSIX_TABLE, 4) & 7, IG1_PCI_BAR_MSIX);
	assert_int_equal(rig_cfg(r, PCI_CONFIG_DSN + 4, 4), 0x89abcdef);
	assert_int_equal(rig_cfg(r, PCI_CONFIG_DSN + 8, 4), 0x01234567);
	assert_true(rig_cfg(r, PCI_CONFIG_EXP + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR);
	/* every byte can be read, in any pieces */
	for (at = 0; at < 4096; at++)
		rig_cfg(r, at, 1);
	for (at = 0; at < 4093; at += 7)
		rig_cfg(r, at, 4);
}

static void test_bars(void **state)
{
	static const uint32_t sizes[6] = {
		[IG1_PCI_BAR_REGS] = IG1_BAR0_SIZE, [IG1_PCI_BAR_MSIX] = IG1_PCI_BAR_MSIX_BYTES
	};
	struct rig *r = *state;
	uint32_t i, at, v;

	for (i = 0; i < 6; i++) {
		at = PCI_BASE_ADDRESS_0 + 4 * i;
		rig_cfg_set(r, at, ~0u, 4);
		v = rig_cfg(r, at, 4);
		/* 32-bit memory, not prefetchable */
		assert_int_equal(v & 0xf, 0);
		assert_int_equal(sizes[i] ? ~v + 1 : v, sizes[i]);
		rig_cfg_set(r, at, 0xfeb00000, 4);
		assert_int_equal(rig_cfg(r, at, 4), sizes[i] ? 0xfeb00000 : 0);
	}
	rig_cfg_set(r, PCI_ROM_ADDRESS, ~0u, 4);
	assert_int_equal(rig_cfg(r, PCI_ROM_ADDRESS, 4), 0);
}

static void test_info(void **state)
{
	struct rig *r = *state;
	struct vfu_device_info di = { .argsz = sizeof(di) };
	struct vfu_region_info ri;
	struct vfu_irq_info ii;
	struct vfu_region_io_fds io;
	struct vfu_call call = { .command = VFU_DEVICE_GET_INFO,
				 .data = &di,
				 .n = sizeof(di),
				 .reply = &di,
				 .room = sizeof(di) };
	uint64_t size;
	uint32_t i;

	assert_int_equal(vfu_client_call(&r->c, &call), 0);
	assert_int_equal(call.got, sizeof(di));
	assert_int_equal(di.flags, VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET);
	assert_int_equal(di.regions, VFIO_PCI_NUM_REGIONS);
	assert_int_equal(di.irqs, VFIO_PCI_NUM_IRQS);
	for (i = 0; i < VFIO_PCI_NUM_REGIONS; i++) {
		ri = (struct vfu_region_info){ .argsz = sizeof(ri), .index = i };
		call = (struct vfu_call){ .command = VFU_DEVICE_GET_REGION_INFO,
					  .data = &ri,
					  .n = sizeof(ri),
					  .reply = &ri,
					  .room = sizeof(ri) };
		assert_int_equal(vfu_client_call(&r->c, &call), 0);
		size = i == 0 ? IG1_BAR0_SIZE : i == 2 ? IG1_PCI_BAR_MSIX_BYTES : i == 7 ? 4096 : 0;
		assert_int_equal(ri.size, size);
		assert_int_equal(ri.flags, size ? 3 : 0);
		io = (struct vfu_region_io_fds){ .argsz = sizeof(io), .index = i };
		call = (struct vfu_call){ .command = VFU_DEVICE_GET_REGION_IO_FDS,
					  .data = &io,
					  .n = sizeof(io),
					  .reply = &io,
					  .room = sizeof(io) };
		assert_int_equal(vfu_client_call(&r->c, &call), 0);
		assert_int_equal(io.count, 0);
	}
	for (i = 0; i < VFIO_PCI_NUM_IRQS; i++) {
		ii = (struct vfu_irq_info){ .argsz = sizeof(ii), .index = i };
		call = (struct vfu_call){ .command = VFU_DEVICE_GET_IRQ_INFO,
					  .data = &ii,
					  .n = sizeof(ii),
					  .reply = &ii,
					  .room = sizeof(ii) };
		assert_int_equal(vfu_client_call(&r->c, &call), 0);
		assert_int_equal(ii.count,
				 i == VFIO_PCI_MSIX_IRQ_INDEX ? IG1_VECTORS
				 : i == VFIO_PCI_ERR_IRQ_INDEX || i == VFIO_PCI_REQ_IRQ_INDEX ? 1
											      : 0);
		assert_int_equal(ii.flags, ii.count ? VFIO_IRQ_INFO_EVENTFD : 0);
	}
}

static void test_registers(void **state)
{
	struct rig *r = *state;
	uint64_t v8 = 0x1122334455667788ull;
	uint8_t bytes[64];

	/* memory space is off */
	assert_int_equal(rig_get(r, IG1_BAR0_ID), ~0u);
	rig_set(r, IG1_BAR0_MBOX_CMD, 7);
	rig_enable(r);
	assert_int_equal(rig_get(r, IG1_BAR0_ID), IG1_CHIP_ID);
	assert_int_equal(rig_get(r, IG1_BAR0_MBOX_CMD), 0);
	assert_int_equal(vfu_client_get(&r->c, 0, IG1_BAR0_ID + 1, 1), IG1_CHIP_ID >> 8 & 0xff);
	assert_int_equal(vfu_client_get(&r->c, 0, IG1_BAR0_ID + 2, 2), IG1_CHIP_ID >> 16);
	/* two registers at once, low word first */
	assert_int_equal(vfu_client_write(&r->c, 0, IG1_BAR0_MBOX_ARG(0), &v8, 8), 0);
	assert_int_equal(rig_get(r, IG1_BAR0_MBOX_ARG(0)), 0x55667788);
	assert_int_equal(rig_get(r, IG1_BAR0_MBOX_ARG(1)), 0x11223344);
	/* parts of a register cannot be written */
	vfu_client_set(&r->c, 0, IG1_BAR0_MBOX_ARG(0), 0xff, 1);
	vfu_client_set(&r->c, 0, IG1_BAR0_MBOX_ARG(0) + 2, 0xffff, 2);
	assert_int_equal(rig_get(r, IG1_BAR0_MBOX_ARG(0)), 0x55667788);
	assert_int_equal(vfu_client_read(&r->c, 0, IG1_BAR0_SIZE - 64, bytes, 64), 0);
	assert_int_equal(vfu_client_read(&r->c, 0, IG1_BAR0_SIZE - 63, bytes, 64), -EINVAL);
	assert_int_equal(vfu_client_read(&r->c, 0, ~0ull, bytes, 4), -EINVAL);
	assert_int_equal(vfu_client_read(&r->c, 1, 0, bytes, 4), -EINVAL);
	assert_int_equal(vfu_client_read(&r->c, 0, 0, bytes, 0), -EINVAL);
	assert_int_equal(vfu_client_write(&r->c, 0, IG1_BAR0_SIZE, bytes, 4), -EINVAL);
}

static void test_write_multi(void **state)
{
	struct rig *r = *state;
	struct {
		uint64_t count;
		struct vfu_region_multi w[3];
	} m = { 3,
		{ { PCI_COMMAND, PCI_REGION_CONFIG, 2, { 6, 0 } },
		  { IG1_BAR0_MBOX_ARG(0), 0, 4, { 1, 2, 3, 4 } },
		  { IG1_BAR0_MBOX_ARG(2), 0, 8, { 5, 0, 0, 0, 6, 0, 0, 0 } } } };
	uint64_t done = 0;
	struct vfu_call call = { .command = VFU_REGION_WRITE_MULTI,
				 .data = &m,
				 .n = sizeof(m),
				 .reply = &done,
				 .room = sizeof(done) };

	assert_int_equal(vfu_client_call(&r->c, &call), 0);
	assert_int_equal(done, 3);
	assert_int_equal(rig_get(r, IG1_BAR0_MBOX_ARG(0)), 0x04030201);
	assert_int_equal(rig_get(r, IG1_BAR0_MBOX_ARG(2)), 5);
	assert_int_equal(rig_get(r, IG1_BAR0_MBOX_ARG(3)), 6);
	m.w[1].count = 9;
	assert_int_equal(vfu_client_call(&r->c, &call), -EINVAL);
	m.w[1].count = 4;
	m.count = ~0ull / 24 + 2;
	assert_int_equal(vfu_client_call(&r->c, &call), -EINVAL);
}

static void dirty(struct rig *r)
{
	rig_enable(r);
	rig_msix(r, PCI_MSIX_FLAGS_ENABLE);
	rig_cfg_set(r, PCI_BASE_ADDRESS_0, 0xfe000000, 4);
	rig_set(r, IG1_BAR0_MBOX_CMD, 0x1234);
	/* and a copy that never ends */
	rig_copy_start(r, RAM_BASE + 0x8000, RAM_BASE, 0x4000, 0, 3);
	assert_int_equal(rig_get(r, IG1_BAR0_MBOX_CMD), 0x1234);
}

static void expect_clean(struct rig *r)
{
	assert_int_equal(rig_cfg(r, PCI_COMMAND, 2), 0);
	assert_int_equal(rig_cfg(r, PCI_BASE_ADDRESS_0, 4), 0);
	assert_int_equal(rig_cfg(r, PCI_CONFIG_MSIX + PCI_MSIX_FLAGS, 2), IG1_VECTORS - 1);
	assert_int_equal(rig_get(r, IG1_BAR0_ID), ~0u);
	rig_enable(r);
	assert_int_equal(rig_get(r, IG1_BAR0_MBOX_CMD), 0);
	assert_int_equal(rig_get(r, MOCK_STATUS), 0);
	assert_int_equal(rig_pending(r), 0);
	assert_int_equal(mock_chips, 1);
	/* memory stays mapped */
	rig_fill(r, 9);
	assert_int_equal(rig_copy(r, RAM_BASE + 0x8000, RAM_BASE, 0x1000), 2);
	assert_memory_equal(r->ram + 0x8000, r->ram, 0x1000);
}

static void test_resets(void **state)
{
	const uint32_t devctl = PCI_CONFIG_EXP + PCI_EXP_DEVCTL;
	const uint32_t pmcsr = PCI_CONFIG_PM + PCI_PM_CTRL;
	struct rig *r = *state;
	uint32_t i;

	rig_map(r);
	for (i = 0; i < 20; i++) {
		dirty(r);
		rig_cfg_set(r, devctl, rig_cfg(r, devctl, 2) | PCI_EXP_DEVCTL_BCR_FLR, 2);
		assert_false(rig_cfg(r, devctl, 2) & PCI_EXP_DEVCTL_BCR_FLR);
		expect_clean(r);
		dirty(r);
		rig_cfg_set(r, pmcsr, 3, 2);
		assert_int_equal(rig_cfg(r, pmcsr, 2) & 3, 3);
		assert_int_equal(rig_get(r, IG1_BAR0_ID), ~0u);
		rig_cfg_set(r, pmcsr, 0, 2);
		expect_clean(r);
		dirty(r);
		rig_reset(r);
		expect_clean(r);
	}
	/* D1 and D2 do not exist */
	rig_cfg_set(r, pmcsr, 1, 2);
	rig_cfg_set(r, pmcsr, 2, 2);
	assert_int_equal(rig_cfg(r, pmcsr, 2) & 3, 0);
	/* no reset without leaving D3hot */
	rig_set(r, IG1_BAR0_MBOX_CMD, 5);
	rig_cfg_set(r, pmcsr, 0, 2);
	assert_int_equal(rig_get(r, IG1_BAR0_MBOX_CMD), 5);
}

static void test_reconnect(void **state)
{
	struct vfu_client second;
	struct rig *r = *state;
	char byte;
	int i;

	for (i = 0; i < 10; i++) {
		assert_int_equal(vfu_client_connect(&r->c, r->path), 0);
		assert_int_equal(vfu_client_version(&r->c, RIG_CAPS, NULL, 0), 0);
		/* a second one is turned away */
		assert_int_equal(vfu_client_connect(&second, r->path), 0);
		assert_int_equal(recv(second.fd, &byte, 1, 0), 0);
		vfu_client_close(&second);
		assert_int_equal(rig_cfg(r, PCI_COMMAND, 2), 0);
		rig_map(r);
		rig_enable(r);
		assert_int_equal(rig_get(r, IG1_BAR0_MBOX_CMD), 0);
		dirty(r);
		vfu_client_close(&r->c);
		rig_expect_chips(0);
	}
}

/* The chip does not come up: the client is sent away, the next one is served. */
static void test_no_chip(void **state)
{
	struct rig *r = *state;

	mock_chip_error = -ENOMEM;
	assert_int_equal(vfu_client_connect(&r->c, r->path), 0);
	assert_int_equal(vfu_client_version(&r->c, RIG_CAPS, NULL, 0), -EPIPE);
	vfu_client_close(&r->c);
	assert_int_equal(vfu_client_connect(&r->c, r->path), 0);
	assert_int_equal(vfu_client_version(&r->c, RIG_CAPS, NULL, 0), 0);
	/* and on a reset: nobody home until the next */
	rig_enable(r);
	mock_chip_error = -ENOMEM;
	rig_reset(r);
	rig_enable(r);
	assert_int_equal(rig_get(r, IG1_BAR0_ID), ~0u);
	rig_reset(r);
	rig_enable(r);
	assert_int_equal(rig_get(r, IG1_BAR0_ID), IG1_CHIP_ID);
}

/* A device that nobody uses costs nothing: no clock, no wakeups. */
static void test_idle(void **state)
{
	struct rig *r = *state;
	struct pci_status a, b;

	rig_map(r);
	rig_enable(r);
	assert_int_equal(rig_copy(r, RAM_BASE, RAM_BASE + 0x1000, 0x1000), 2);
	pci_device_status(r->dev, &a);
	usleep(50000);
	pci_device_status(r->dev, &b);
	assert_true(a.idle && b.idle);
	assert_int_equal(a.cycles, b.cycles);
}

#define CLIENT(f) cmocka_unit_test_setup_teardown(f, rig_client, rig_teardown)
#define SERVER(f) cmocka_unit_test_setup_teardown(f, rig_server, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLIENT(test_identity), CLIENT(test_capabilities), CLIENT(test_bars),
		CLIENT(test_info),     CLIENT(test_registers),	  CLIENT(test_write_multi),
		CLIENT(test_resets),   SERVER(test_reconnect),	  SERVER(test_no_chip),
		CLIENT(test_idle),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
