// SPDX-License-Identifier: MIT
/* Telemetry. All products stay below 64 bits; see the bounds beside them. */
#include "telemetry.h"

#include "fw.h"
#include "hw.h"

#define PJ_SHIFT   10 /* ig1_ctr_energy */
#define MAX_MW	   1000000u
#define TIME_SHIFT 10 /* of the thermal step */

static struct {
	uint64_t energy; /* of jobs ended since `since`, pJ */
	uint64_t busy;	 /* cycles of those jobs */
	uint64_t since;
	int started;
	struct telemetry last;
} state;

void telemetry_reset(void)
{
	memset(&state, 0, sizeof(state));
}

uint64_t telemetry_div(uint64_t n, uint64_t d)
{
	uint64_t q = 0, bit = 1;

	while (d < n && !(d >> 63)) {
		d <<= 1;
		bit <<= 1;
	}
	for (; bit; bit >>= 1, d >>= 1) {
		if (n >= d) {
			n -= d;
			q |= bit;
		}
	}
	return q;
}

static uint64_t add_capped(uint64_t a, uint64_t b)
{
	return b > UINT64_MAX - a ? UINT64_MAX : a + b;
}

static uint64_t mul_capped(uint64_t a, uint32_t b)
{
	uint64_t high = (a >> 32) * b, low = (a & UINT32_MAX) * b;

	return high >> 32 ? UINT64_MAX : add_capped(high << 32, low);
}

void telemetry_add(const uint64_t counters[IG1_CTR_COUNT])
{
	uint64_t sum = 0;
	uint32_t i;

	for (i = 0; i < IG1_CTR_COUNT; i++) {
		if (ig1_ctr_energy[i])
			sum = add_capped(sum, mul_capped(counters[i], ig1_ctr_energy[i]));
	}
	state.energy = add_capped(state.energy, sum >> PJ_SHIFT);
	state.busy = add_capped(state.busy, counters[IG1_CTR_CYCLES]);
}

/* A ratio that keeps its precision: both shrink until the numerator can be multiplied. */
static uint32_t scaled(uint64_t n, uint32_t factor, uint64_t d, uint32_t max)
{
	uint64_t q;

	while (n >> 32) {
		n >>= 1;
		d >>= 1;
	}
	q = telemetry_div(n * factor, d ? d : 1);
	return q < max ? (uint32_t)q : max;
}

/* One implicit step, stable whatever its length: T += (target - T) * dt / (dt + tau). */
static uint32_t warm(uint32_t now, uint32_t target, uint64_t dt)
{
	uint64_t step = dt >> TIME_SHIFT, tau = IG1_TLM_TAU_CYCLES >> TIME_SHIFT;
	uint32_t diff = target > now ? target - now : now - target;

	/* diff has 32 bits, the weight at most 31. */
	if (step >> 30)
		step = 1u << 30;
	diff = (uint32_t)telemetry_div(diff * step, step + tau);
	return target > now ? now + diff : now - diff;
}

const struct telemetry *telemetry_read(void)
{
	uint64_t now = hw_cycle(), dt = now - state.since;
	struct telemetry *t = &state.last;
	uint32_t target;

	if (!state.started) {
		/* Since the start of the cycle counter nothing but leakage and clocks. */
		state.started = 1;
		t->mhz = (uint32_t)telemetry_div(fw_chip.clock_hz, 1000000);
		t->millidegrees = IG1_TLM_AMBIENT_MC;
		t->milliwatts = IG1_TLM_STATIC_MW;
	}
	if (dt < IG1_TLM_WINDOW_CYCLES)
		return t;
	/* pJ per ns is mW; dt cycles are dt * 1000 / mhz ns. */
	t->milliwatts = IG1_TLM_STATIC_MW + scaled(state.energy, t->mhz,
						   dt > UINT64_MAX / 1000 ? dt : dt * 1000, MAX_MW);
	t->load = scaled(state.busy, 1000, dt, 1000);
	target = IG1_TLM_AMBIENT_MC +
		 (uint32_t)telemetry_div((uint64_t)IG1_TLM_MC_PER_W * t->milliwatts, 1000);
	t->millidegrees = warm(t->millidegrees, target, dt);
	state.energy = 0;
	state.busy = 0;
	state.since = now;
	return t;
}
