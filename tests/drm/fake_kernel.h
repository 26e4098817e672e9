/* SPDX-License-Identifier: MIT */
/*
 * A kernel for tests: the ioctls of uapi/intaglio_accel.h in this process, on the reference model,
 * with every check that the header's comments ask for. It defines `drm_sys` (libaccel's drm back
 * end) and aborts when a program closes a device without having given back what it made.
 */
#ifndef FAKE_KERNEL_H
#define FAKE_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#define FAKE_NODES 4

struct fake_node {
	uint32_t number;
	const char *driver; /* NULL: end of the list */
	int major;
	int open_error;	  /* errno of open(); 0: none */
	const char *mask; /* .accel file in the chip's ROM */
};

/* What tests change before or while a device is open. */
struct fake_kernel {
	struct fake_node nodes[FAKE_NODES];
	bool unprivileged; /* no CAP_SYS_NICE */
	/* Calls with this ioctl number (_IOC_NR) fail with fail_error after fail_after others. */
	unsigned int fail_nr;
	int fail_error; /* errno; 0: none fails */
	uint32_t fail_after;
	bool hang_next;	  /* the next job to start never ends: timeout, queue banned */
	bool lose_record; /* the next job to end leaves no completion record */
	bool no_leak_check;
	uint32_t fdt_bytes; /* not 0: size that the device tree pretends to have */
	/* How often each ioctl number was called, successful or not. */
	uint64_t calls[256];
};

extern struct fake_kernel fake_kernel;

/* Everything to its defaults: node 3 of another driver, node 4 with `mask`. */
void fake_kernel_init(const char *mask);
/* Takes the device of a node away; jobs end with ENODEV. */
void fake_kernel_unplug(uint32_t number);

#endif
