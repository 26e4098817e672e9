// SPDX-License-Identifier: MIT
/* Interrupts, and faults as tests of drivers inject them. */
#include "vfu_rig.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control.h"
#include "ig1_chip.h"

#define EVENTS (VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER)
#define MSIX   VFIO_PCI_MSIX_IRQ_INDEX

static void make_events(int *fds, uint32_t n)
{
	while (n--) {
		fds[n] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		assert_true(fds[n] >= 0);
	}
}

static void close_events(const int *fds, uint32_t n)
{
	while (n--)
		close(fds[n]);
}

static void raise_vector(struct rig *r, uint32_t vector)
{
	rig_copy_start(r, RAM_BASE + 0x8000, RAM_BASE, 32, vector, 1);
	assert_int_equal(rig_copy_end(r), 2);
}

static void test_msix(void **state)
{
	struct rig *r = *state;
	int fds[IG1_VECTORS];
	uint32_t v;

	rig_map(r);
	rig_enable(r);
	make_events(fds, IG1_VECTORS);
	/* off: pending */
	assert_int_equal(vfu_client_irqs(&r->c, EVENTS, MSIX, 0, 8, fds, 8), 0);
	raise_vector(r, 5);
	assert_int_equal(rig_event(fds[5], 20), 0);
	assert_int_equal(rig_pending(r), 1u << 5);
	/* switched on: delivered */
	rig_msix(r, PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(rig_event(fds[5], 1000), 1);
	assert_int_equal(rig_pending(r), 0);
	for (v = 0; v < IG1_VECTORS; v++) {
		raise_vector(r, v);
		assert_int_equal(rig_event(fds[v], 1000), 1);
	}
	/* masked as a whole */
	rig_msix(r, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	raise_vector(r, 1);
	raise_vector(r, 1);
	assert_int_equal(rig_event(fds[1], 20), 0);
	assert_int_equal(rig_pending(r), 2);
	rig_msix(r, PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(rig_event(fds[1], 1000), 1);
	/* without a file: kept until there is one */
	assert_int_equal(vfu_client_irqs(&r->c, EVENTS, MSIX, 2, 1, NULL, 0), 0);
	raise_vector(r, 2);
	assert_int_equal(rig_event(fds[2], 20), 0);
	assert_int_equal(rig_pending(r), 4);
	assert_int_equal(vfu_client_irqs(&r->c, EVENTS, MSIX, 2, 1, &fds[2], 1), 0);
	assert_int_equal(rig_event(fds[2], 1000), 1);
	/* not bus master: an MSI is a write */
	raise_vector(r, 3);
	assert_int_equal(rig_event(fds[3], 1000), 1);
	/* all off */
	assert_int_equal(vfu_client_irqs(&r->c,
					 VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER, MSIX,
					 0, 0, NULL, 0),
			 0);
	raise_vector(r, 0);
	assert_int_equal(rig_event(fds[0], 20), 0);
	close_events(fds, IG1_VECTORS);
}

static void test_msix_loopback(void **state)
{
	struct {
		struct vfu_irq_set set;
		uint8_t which[8];
	} m = { { sizeof(m.set) + 8, VFIO_IRQ_SET_DATA_BOOL | VFIO_IRQ_SET_ACTION_TRIGGER, MSIX, 0,
		  8 },
		{ 0, 1, 0, 0, 0, 0, 0, 1 } };
	struct vfu_call call = { .command = VFU_DEVICE_SET_IRQS, .data = &m, .n = 28 };
	struct rig *r = *state;
	int fds[8], i;

	make_events(fds, 8);
	assert_int_equal(vfu_client_irqs(&r->c, EVENTS, MSIX, 0, 8, fds, 8), 0);
	assert_int_equal(vfu_client_irqs(&r->c,
					 VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER, MSIX,
					 3, 2, NULL, 0),
			 0);
	for (i = 0; i < 8; i++)
		assert_int_equal(rig_event(fds[i], 0), i == 3 || i == 4);
	assert_int_equal(vfu_client_call(&r->c, &call), 0);
	for (i = 0; i < 8; i++)
		assert_int_equal(rig_event(fds[i], 0), m.which[i]);
	close_events(fds, 8);
}

/* An eventfd whose counter is full would block a write: the chip must go on. */
static void test_msix_full(void **state)
{
	const uint64_t full = ~0ull - 1;
	struct rig *r = *state;
	int fd = eventfd(0, EFD_CLOEXEC);

	rig_map(r);
	rig_enable(r);
	rig_msix(r, PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(write(fd, &full, sizeof(full)), sizeof(full));
	assert_int_equal(vfu_client_irqs(&r->c, EVENTS, MSIX, 0, 1, &fd, 1), 0);
	raise_vector(r, 0);
	raise_vector(r, 0);
	assert_int_equal(rig_event(fd, 0), full);
	close(fd);
}

static void test_irqs_refused(void **state)
{
	static const struct {
		uint32_t flags, index, start, count, nfds;
		int err;
	} bad[] = {
		{ EVENTS, MSIX, 0, 9, 0, -EINVAL },
		{ EVENTS, MSIX, 8, 1, 1, -EINVAL },
		{ EVENTS, MSIX, ~0u, 2, 1, -EINVAL },
		{ EVENTS, MSIX, 1, ~0u, 1, -EINVAL },
		{ EVENTS, MSIX, 0, 3, 2, -EINVAL },
		{ EVENTS, MSIX, 0, 1, 2, -EINVAL },
		{ EVENTS, MSIX, 0, 0, 1, -EINVAL },
		{ EVENTS, VFIO_PCI_INTX_IRQ_INDEX, 0, 1, 1, -EINVAL },
		{ EVENTS, VFIO_PCI_MSI_IRQ_INDEX, 0, 1, 1, -EINVAL },
		{ EVENTS, VFIO_PCI_NUM_IRQS, 0, 1, 1, -EINVAL },
		{ EVENTS, ~0u, 0, 1, 1, -EINVAL },
		{ EVENTS, VFIO_PCI_ERR_IRQ_INDEX, 0, 2, 2, -EINVAL },
		{ 0, MSIX, 0, 1, 0, -EINVAL },
		{ VFIO_IRQ_SET_DATA_EVENTFD, MSIX, 0, 1, 1, -EINVAL },
		{ VFIO_IRQ_SET_ACTION_TRIGGER, MSIX, 0, 1, 0, -EINVAL },
		{ EVENTS | VFIO_IRQ_SET_DATA_NONE, MSIX, 0, 1, 1, -EINVAL },
		{ EVENTS | VFIO_IRQ_SET_ACTION_MASK, MSIX, 0, 1, 1, -EINVAL },
		{ EVENTS | 0x40, MSIX, 0, 1, 1, -EINVAL },
		{ VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER, MSIX, 1, 0, 0, -EINVAL },
		{ VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER, MSIX, 0, 1, 1, -EINVAL },
		{ VFIO_IRQ_SET_DATA_BOOL | VFIO_IRQ_SET_ACTION_TRIGGER, MSIX, 0, 1, 0, -EINVAL },
		{ VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_MASK, MSIX, 0, 1, 0, -ENOTTY },
		{ VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_UNMASK, MSIX, 0, 1, 0, -ENOTTY },
	};
	struct rig *r = *state;
	int fds[8], pipes[2];
	size_t i;

	make_events(fds, 8);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int err = vfu_client_irqs(&r->c, bad[i].flags, bad[i].index, bad[i].start,
					  bad[i].count, fds, bad[i].nfds);

		if (err != bad[i].err)
			fail_msg("row %zu: %d", i, err);
	}
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(vfu_client_irqs(&r->c, EVENTS, MSIX, 0, 1, &pipes[1], 1), -EINVAL);
	close_events(pipes, 2);
	close_events(fds, 8);
}

static void inject(struct rig *r, uint32_t fault, uint32_t n)
{
	rig_cfg_set(r, PCI_CONFIG_INJECT + PCI_CONFIG_INJECT_REG, fault | n << 8, 4);
}

static void test_faults(void **state)
{
	struct rig *r = *state;
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	rig_map(r);
	rig_enable(r);
	rig_msix(r, PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(vfu_client_irqs(&r->c, EVENTS, MSIX, 0, 1, &fd, 1), 0);
	inject(r, PCI_FAULT_DMA_ERROR, 2);
	assert_int_equal(rig_copy(r, RAM_BASE, RAM_BASE + 32, 32), 3);
	assert_int_equal(rig_copy(r, RAM_BASE, RAM_BASE + 32, 32), 3);
	assert_int_equal(rig_copy(r, RAM_BASE, RAM_BASE + 32, 32), 2);
	while (rig_event(fd, 10))
		;
	inject(r, PCI_FAULT_IRQ_LOST, 1);
	raise_vector(r, 0);
	assert_int_equal(rig_event(fd, 20), 0);
	assert_int_equal(rig_pending(r), 0);
	raise_vector(r, 0);
	assert_int_equal(rig_event(fd, 1000), 1);

	inject(r, PCI_FAULT_DMA_HANG, 0);
	rig_copy_start(r, RAM_BASE, RAM_BASE + 32, 32, 0, 1);
	usleep(20000);
	assert_int_equal(rig_get(r, MOCK_STATUS), 1);
	inject(r, PCI_FAULT_CLEAR, 0);
	assert_int_equal(rig_copy_end(r), 3);

	inject(r, PCI_FAULT_STALL, 0);
	rig_copy_start(r, RAM_BASE, RAM_BASE + 32, 32, 0, 1);
	usleep(20000);
	assert_int_equal(rig_get(r, MOCK_STATUS), 1);
	inject(r, PCI_FAULT_CLEAR, 0);
	assert_int_equal(rig_copy_end(r), 2);

	inject(r, PCI_FAULT_LINK_DOWN, 0);
	assert_int_equal(rig_get(r, IG1_BAR0_ID), ~0u);
	assert_int_equal(rig_cfg(r, PCI_VENDOR_ID, 4), ~0u);
	rig_set(r, IG1_BAR0_MBOX_CMD, 99);
	inject(r, PCI_FAULT_CLEAR, 0);
	assert_int_equal(rig_get(r, IG1_BAR0_ID), IG1_CHIP_ID);
	assert_int_not_equal(rig_get(r, IG1_BAR0_MBOX_CMD), 99);

	rig_set(r, IG1_BAR0_CONTROL, IG1_BAR0_CONTROL_MCU_RUN);
	inject(r, PCI_FAULT_MCU_LOCKUP, 0);
	assert_int_equal(rig_get(r, IG1_BAR0_STATUS),
			 IG1_BAR0_STATUS_MCU_RUN | IG1_BAR0_STATUS_MCU_LOCKUP);
	assert_int_equal(rig_get(r, IG1_BAR0_CONTROL), IG1_BAR0_CONTROL_MCU_RUN);
	rig_set(r, IG1_BAR0_CONTROL, 0);
	assert_int_equal(rig_get(r, IG1_BAR0_STATUS), 0);
	inject(r, PCI_FAULT_MCU_STUCK, 0);
	assert_int_equal(rig_get(r, IG1_BAR0_STATUS), IG1_BAR0_STATUS_MCU_RUN);
	/* a reset ends them all */
	rig_reset(r);
	rig_enable(r);
	assert_int_equal(rig_get(r, IG1_BAR0_STATUS), 0);
	/* what does not exist is ignored */
	inject(r, 200, 0);
	close(fd);
}

static void test_fault_events(void **state)
{
	struct rig *r = *state;
	uint8_t byte;
	int fds[2];

	make_events(fds, 2);
	assert_int_equal(vfu_client_irqs(&r->c, EVENTS, VFIO_PCI_ERR_IRQ_INDEX, 0, 1, &fds[0], 1),
			 0);
	assert_int_equal(vfu_client_irqs(&r->c, EVENTS, VFIO_PCI_REQ_IRQ_INDEX, 0, 1, &fds[1], 1),
			 0);
	inject(r, PCI_FAULT_AER, 0);
	assert_int_equal(rig_event(fds[0], 1000), 1);
	assert_int_equal(rig_cfg(r, PCI_CONFIG_AER + PCI_ERR_UNCOR_STATUS, 4), PCI_ERR_UNC_INTN);
	assert_int_equal(rig_cfg(r, PCI_CONFIG_EXP + PCI_EXP_DEVSTA, 2), PCI_EXP_DEVSTA_FED);
	/* sticky over a function-level reset, cleared by writing it back */
	rig_cfg_set(r, PCI_CONFIG_EXP + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR, 2);
	assert_int_equal(rig_cfg(r, PCI_CONFIG_AER + PCI_ERR_UNCOR_STATUS, 4), PCI_ERR_UNC_INTN);
	rig_cfg_set(r, PCI_CONFIG_AER + PCI_ERR_UNCOR_STATUS, ~0u, 4);
	assert_int_equal(rig_cfg(r, PCI_CONFIG_AER + PCI_ERR_UNCOR_STATUS, 4), 0);
	inject(r, PCI_FAULT_UNPLUG, 0);
	assert_int_equal(rig_event(fds[1], 1000), 1);
	/* the socket closes, in answer or instead of one */
	assert_int_equal(pci_device_inject(r->dev, PCI_FAULT_DISCONNECT, 0), 0);
	while (recv(r->c.fd, &byte, 1, 0) > 0)
		;
	rig_expect_chips(0);
	close_events(fds, 2);
}

static void test_control(void **state)
{
	struct rig *r = *state;
	struct pci_device *devs[1] = { r->dev };
	struct control *control;
	char path[80], answer[CONTROL_LINE];

	snprintf(path, sizeof(path), "%s/control", r->dir);
	assert_int_equal(control_start(path, devs, 1, &control), 0);
	assert_int_equal(control_send(path, "0 status", answer), 0);
	assert_non_null(strstr(answer, "client=1"));
	assert_int_equal(control_send(path, "0 stall", answer), 0);
	assert_string_equal(answer, "ok");
	assert_int_equal(control_send(path, "0 irq-lost 3", answer), 0);
	assert_string_equal(answer, "ok");
	assert_int_equal(control_send(path, "1 stall", answer), 0);
	assert_string_equal(answer, "error there are 1 chips");
	assert_int_equal(control_send(path, "0 nothing", answer), 0);
	assert_string_equal(answer, "error unknown command 'nothing'");
	assert_int_equal(control_send(path, "stall", answer), 0);
	assert_int_equal(control_send(path, "0 stall 1 2", answer), 0);
	assert_string_equal(answer, "error usage: CHIP COMMAND [N]");
	assert_int_equal(control_send(path, "", answer), 0);
	/* taken, not stale */
	assert_int_equal(control_start(path, devs, 1, &control), -EADDRINUSE);
	control_stop(control);
	assert_int_equal(control_send(path, "0 status", answer), -ENOENT);
}

#define CLIENT(f) cmocka_unit_test_setup_teardown(f, rig_client, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLIENT(test_msix),	   CLIENT(test_msix_loopback), CLIENT(test_msix_full),
		CLIENT(test_irqs_refused), CLIENT(test_faults),	       CLIENT(test_fault_events),
		CLIENT(test_control),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
