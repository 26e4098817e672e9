/* SPDX-License-Identifier: MIT */
/*
 * Power, temperature and load as digital estimates: the energies of ig1_ctr_energy times the
 * counters of ended jobs, and a thermal model of first order. Nothing is measured.
 */
#ifndef FW_TELEMETRY_H
#define FW_TELEMETRY_H

#include <stdint.h>

#include "ig1_chip.h"

struct telemetry {
	uint32_t mhz;
	uint32_t milliwatts;
	uint32_t millidegrees; /* Celsius */
	uint32_t load;	       /* 1/1000 */
};

/* Counts an ended job. */
void telemetry_add(const uint64_t counters[IG1_CTR_COUNT]);

/* The estimates over the time since the last call. */
const struct telemetry *telemetry_read(void);

/* n / d, rounded down; d is not zero. The MCU divides 32 bits only. */
uint64_t telemetry_div(uint64_t n, uint64_t d);

/* For tests; at start memory is zero. */
void telemetry_reset(void);

#endif
