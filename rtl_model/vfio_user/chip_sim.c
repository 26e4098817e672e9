// SPDX-License-Identifier: MIT
/*
 * rtl_model/sim as a chip of the PCI device. SIM_CHIPS lists the models that are linked, as
 * SIM_CHIP(configuration, body of the leaves) one after the other.
 */
#include "chip_sim.h"

#include <string.h>

#include "mask.h"

#define SIM_CHIP(config, leaves) { #config, #leaves, &ig1_sim_##config##_##leaves },

static const struct {
	const char *config, *leaves;
	const struct ig1_sim_model *model;
} models[] = { SIM_CHIPS };

const struct ig1_sim_model *chip_sim_model(const char *config, const char *leaves)
{
	size_t i;

	for (i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
		if (!strcmp(models[i].config, config) && !strcmp(models[i].leaves, leaves))
			return models[i].model;
	}
	return NULL;
}

static int create(void *arg, const struct ig1_bus *bus,
		  int (*finish)(void *ctx, void *dst, size_t n), void **chip)
{
	const struct chip_sim_arg *a = arg;
	struct ig1_sim_options options = {
		.seed = a->seed,
		.read_latency = a->latency,
		.finish = finish,
	};
	struct ig1_sim *sim;
	int err;

	err = ig1_sim_create(a->model, &a->mask->mask, a->mask->fdt, a->mask->fdt_bytes, bus,
			     &options, &sim);
	if (!err)
		*chip = sim;
	return err;
}

static void destroy(void *chip)
{
	ig1_sim_destroy(chip);
}

static uint32_t read32(void *chip, uint32_t offset)
{
	return ig1_sim_read32(chip, offset);
}

static void write32(void *chip, uint32_t offset, uint32_t value)
{
	ig1_sim_write32(chip, offset, value);
}

static uint64_t run(void *chip, uint64_t n)
{
	return ig1_sim_run(chip, n);
}

static uint32_t irqs(void *chip)
{
	return ig1_sim_irqs(chip);
}

static int idle(void *chip)
{
	return ig1_sim_idle(chip);
}

const struct chip_ops chip_sim = {
	.create = create,
	.destroy = destroy,
	.read32 = read32,
	.write32 = write32,
	.run = run,
	.irqs = irqs,
	.idle = idle,
};
