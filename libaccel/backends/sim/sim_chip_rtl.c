// SPDX-License-Identifier: MIT
/*
 * The sim back end's chip: the Verilated RTL. SIM_CHIPS lists the models that are linked, as
 * SIM_CHIP(configuration, body of the leaves) one after the other.
 */
#include "sim_chip.h"

#include <errno.h>
#include <string.h>

#include "rtl_model/sim/sim.h"

#define SIM_CHIP(config, leaves) { #config, &ig1_sim_##config##_##leaves },

static const struct {
	const char *name;
	const struct ig1_sim_model *model;
} models[] = { SIM_CHIPS };

int sim_chip_open(const struct ig1_config *cfg, const struct ig1_mask *mask, const void *fdt,
		  size_t fdt_bytes, const struct ig1_bus *bus, struct sim_chip **out)
{
	struct ig1_sim *sim;
	size_t i;
	int err;

	for (i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
		if (strcmp(models[i].name, cfg->name))
			continue;
		err = ig1_sim_create(models[i].model, mask, fdt, fdt_bytes, bus, NULL, &sim);
		if (!err)
			*out = (struct sim_chip *)sim;
		return err;
	}
	return -ENOTSUP;
}

static struct ig1_sim *sim_of(struct sim_chip *chip)
{
	return (struct ig1_sim *)chip;
}

void sim_chip_close(struct sim_chip *chip)
{
	ig1_sim_destroy(sim_of(chip));
}

uint32_t sim_chip_read32(struct sim_chip *chip, uint32_t offset)
{
	return ig1_sim_read32(sim_of(chip), offset);
}

void sim_chip_write32(struct sim_chip *chip, uint32_t offset, uint32_t value)
{
	ig1_sim_write32(sim_of(chip), offset, value);
}

uint64_t sim_chip_run(struct sim_chip *chip, uint64_t n)
{
	return ig1_sim_run(sim_of(chip), n);
}

uint32_t sim_chip_irqs(struct sim_chip *chip)
{
	return ig1_sim_irqs(sim_of(chip));
}
