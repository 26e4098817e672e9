// SPDX-License-Identifier: MIT
/* Text exposition format 0.0.4: all samples of a metric stand together, after its HELP and TYPE. */
#include "smi_metrics.h"

#include <inttypes.h>
#include <string.h>

static const struct {
	enum accel_param param;
	const char *metric, *type, *help;
} numbers[SMI_NUMBERS] = {
	[SMI_SRAM_BYTES] = { ACCEL_PARAM_SRAM_BYTES, "accel_device_sram_bytes", "gauge",
			     "Resident SRAM of the chip." },
	[SMI_SRAM_FREE] = { ACCEL_PARAM_SRAM_FREE, "accel_device_sram_free_bytes", "gauge",
			    "Resident SRAM that is in no buffer." },
	[SMI_HOST_USED] = { ACCEL_PARAM_CHIP_HOST_USED, "accel_device_host_bytes", "gauge",
			    "Host memory in buffers of the device." },
	[SMI_JOBS_DONE] = { ACCEL_PARAM_CHIP_JOBS_DONE, "accel_device_jobs_total", "counter",
			    "Jobs that ended without a fault." },
	[SMI_JOBS_FAULTED] = { ACCEL_PARAM_CHIP_JOBS_FAULTED, "accel_device_faults_total",
			       "counter", "Jobs that ended with a fault." },
	[SMI_TIMEOUTS] = { ACCEL_PARAM_CHIP_TIMEOUTS, "accel_device_timeouts_total", "counter",
			   "Jobs that the driver gave up." },
	[SMI_RESETS] = { ACCEL_PARAM_CHIP_RESETS, "accel_device_resets_total", "counter",
			 "Resets of the chip." },
};

static const struct {
	const char *metric, *help;
	double unit;
} telemetry[SMI_TELEMETRY] = {
	[SMI_CLOCK_HZ] = { "accel_device_clock_hertz", "Clock of the chip.", 1 },
	[SMI_POWER_MW] = { "accel_device_power_watts", "Power, estimated by the firmware.", 1e-3 },
	[SMI_TEMP_MC] = { "accel_device_temperature_celsius",
			  "Temperature, estimated by the firmware.", 1e-3 },
	[SMI_LOAD_PERMILLE] = { "accel_device_load_ratio", "Part of the time that jobs run.",
				1e-3 },
};

void smi_device_read(struct smi_device *d, struct accel_device *dev)
{
	int i;

	for (i = 0; i < SMI_NUMBERS; i++) {
		if (!accel_device_get(dev, numbers[i].param, &d->number[i]))
			d->known |= 1u << i;
	}
	for (i = 0; i < ACCEL_COUNTERS; i++) {
		if (accel_device_get(dev, (enum accel_param)(ACCEL_PARAM_CHIP_COUNTER_0 + i),
				     &d->counter[i]))
			return;
	}
	d->counters = ACCEL_COUNTERS;
}

static void begin(FILE *f, const char *metric, const char *type, const char *help)
{
	fprintf(f, "# HELP %s %s\n# TYPE %s %s\n", metric, help, metric, type);
}

/* ,name="value" with the format's escapes. */
static void label(FILE *f, const char *name, const char *value)
{
	fprintf(f, ",%s=\"", name);
	for (; *value; value++) {
		if (*value == '\\' || *value == '"')
			fputc('\\', f);
		if (*value == '\n')
			fputs("\\n", f);
		else
			fputc(*value, f);
	}
	fputc('"', f);
}

static void device_metrics(FILE *f, const struct smi_device *d, size_t n)
{
	const char *name;
	size_t i;
	int k;

	begin(f, "accel_device_info", "gauge", "A device: its model, mask and firmware.");
	for (i = 0; i < n; i++) {
		fprintf(f, "accel_device_info{device=\"accel%" PRIu32 "\"", d[i].node->number);
		label(f, "pci", d[i].node->pci);
		label(f, "model", d[i].node->model);
		label(f, "arch", d[i].node->arch);
		label(f, "mask_id", d[i].node->mask_id);
		label(f, "firmware", d[i].node->firmware);
		fprintf(f, "} 1\n");
	}
	for (k = 0; k < SMI_TELEMETRY; k++) {
		begin(f, telemetry[k].metric, "gauge", telemetry[k].help);
		for (i = 0; i < n; i++) {
			if (d[i].node->known & 1u << k)
				fprintf(f, "%s{device=\"accel%" PRIu32 "\"} %.17g\n",
					telemetry[k].metric, d[i].node->number,
					(double)d[i].node->value[k] * telemetry[k].unit);
		}
	}
	for (k = 0; k < SMI_NUMBERS; k++) {
		begin(f, numbers[k].metric, numbers[k].type, numbers[k].help);
		for (i = 0; i < n; i++) {
			if (d[i].known & 1u << k)
				fprintf(f, "%s{device=\"accel%" PRIu32 "\"} %" PRIu64 "\n",
					numbers[k].metric, d[i].node->number, d[i].number[k]);
		}
	}
	begin(f, "accel_device_counter_total", "counter",
	      "Sums of the jobs' counters; docs/isa.md explains them.");
	for (i = 0; i < n; i++) {
		for (k = 0; k < (int)d[i].counters; k++) {
			name = accel_counter_name((uint32_t)k, NULL);
			fprintf(f,
				"accel_device_counter_total{device=\"accel%" PRIu32
				"\",counter=\"%s\"} %" PRIu64 "\n",
				d[i].node->number, name, d[i].counter[k]);
		}
	}
}

static const struct {
	const char *metric, *type, *help;
	size_t offset;
	double unit;
} fields[] = {
#define FIELD(m) offsetof(struct smi_client, m)
	{ "accel_process_busy_seconds_total", "counter", "Time that jobs of the client ran.",
	  FIELD(busy_ns), 1e-9 },
	{ "accel_process_cycles_total", "counter", "Cycles that jobs of the client took.",
	  FIELD(cycles), 1 },
	{ "accel_process_jobs_total", "counter", "Jobs of the client that ended without a fault.",
	  FIELD(jobs), 1 },
	{ "accel_process_faults_total", "counter", "Jobs of the client that ended with a fault.",
	  FIELD(faulted), 1 },
	{ "accel_process_memory_bytes", "gauge", "Memory in buffers of the client.",
	  FIELD(total_bytes), 1 },
	{ "accel_process_resident_bytes", "gauge", "Of that, what is in memory.",
	  FIELD(resident_bytes), 1 },
};

void smi_metrics(FILE *f, const struct smi_device *devices, size_t n_devices,
		 const struct smi_client *clients, size_t n_clients)
{
	const struct smi_client *c;
	size_t i, k;
	uint64_t v;

	device_metrics(f, devices, n_devices);
	for (k = 0; k < sizeof(fields) / sizeof(fields[0]); k++) {
		begin(f, fields[k].metric, fields[k].type, fields[k].help);
		for (i = 0; i < n_clients; i++) {
			c = &clients[i];
			memcpy(&v, (const char *)c + fields[k].offset, sizeof(v));
			fprintf(f, "%s{pid=\"%" PRIu32 "\",client=\"%" PRIu64 "\"",
				fields[k].metric, c->pid, c->id);
			label(f, "pci", c->pci);
			label(f, "process", c->name);
			fprintf(f, "} %.17g\n", (double)v * fields[k].unit);
		}
	}
}
