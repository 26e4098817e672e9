/* SPDX-License-Identifier: MIT */
/*
 * What the kernel tells about accel devices without opening them: sysfs for the chips, fdinfo for who
 * uses them. Every file is hostile input: lines and numbers that make no sense are passed over, strings
 * are made printable. `root` stands before /sys and /proc, "" for the real ones.
 */
#ifndef SMI_SYSFS_H
#define SMI_SYSFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SMI_TEXT 96

enum smi_telemetry {
	SMI_CLOCK_HZ,
	SMI_POWER_MW,
	SMI_TEMP_MC, /* 0.001 degrees Celsius */
	SMI_LOAD_PERMILLE,
	SMI_TELEMETRY,
};

struct smi_node {
	uint32_t number; /* of /dev/accel/accelN */
	char pci[SMI_TEXT];
	char mask_id[SMI_TEXT], firmware[SMI_TEXT], model[SMI_TEXT],
		arch[SMI_TEXT]; /* "": unknown */
	uint32_t known;		/* bit per value; the chip may sleep */
	int64_t value[SMI_TELEMETRY];
};

/* An open device file. A duplicate, in the same process or another, is the same client. */
struct smi_client {
	uint32_t pid; /* the first that has it */
	char name[SMI_TEXT];
	char pci[SMI_TEXT];
	uint64_t id;
	uint64_t busy_ns, cycles, jobs, faulted;
	uint64_t total_bytes, resident_bytes, shared_bytes;
};

/* Devices of our driver, ascending. 0 or -ENOMEM; free *out. */
int smi_nodes(const char *root, struct smi_node **out, size_t *n);
/* Clients of all processes that may be looked at, by process. 0 or -ENOMEM; free *out. */
int smi_clients(const char *root, struct smi_client **out, size_t *n);

/* Reads fdinfo text; false: it is not of our driver. pid and name stay. */
bool smi_fdinfo(const char *text, size_t n, struct smi_client *c);
/* Reads attribute `telemetry` of the driver. */
void smi_telemetry(const char *text, size_t n, struct smi_node *node);
/* Copies at most SMI_TEXT - 1 bytes up to a newline; what is not printable ASCII becomes '?'. */
void smi_printable(char out[SMI_TEXT], const char *p, size_t n);

#endif
