/* SPDX-License-Identifier: MIT */
/* Prometheus text of devices and their users. */
#ifndef SMI_METRICS_H
#define SMI_METRICS_H

#include <stdio.h>

#include "accel/accel.h"
#include "smi_sysfs.h"

/* Of a device that could be opened; bit set: the value is known. */
enum smi_number {
	SMI_SRAM_BYTES,
	SMI_SRAM_FREE,
	SMI_HOST_USED,
	SMI_JOBS_DONE,
	SMI_JOBS_FAULTED,
	SMI_TIMEOUTS,
	SMI_RESETS,
	SMI_NUMBERS,
};

struct smi_device {
	const struct smi_node *node;
	uint32_t known;
	uint64_t number[SMI_NUMBERS];
	uint32_t counters; /* how many of counter[] are known */
	uint64_t counter[ACCEL_COUNTERS];
};

/* Asks an open device of the driver. */
void smi_device_read(struct smi_device *d, struct accel_device *dev);

void smi_metrics(FILE *f, const struct smi_device *devices, size_t n_devices,
		 const struct smi_client *clients, size_t n_clients);

#endif
