// SPDX-License-Identifier: MIT
/* The C interface of sim.h: chip numbers, masks, and the model behind them. */
#include "sim.h"

#include <cerrno>
#include <mutex>
#include <new>

#include "prim_dpi_chip.h"
#include "prim_dpi_mem.h"
#include "sim_model.h"

struct ig1_sim {
	const struct ig1_sim_model *model;
	unsigned int number;
	sim_chip *chip;
};

static std::mutex numbers_lock;
static bool numbers_used[IG1_DPI_CHIPS];

static int take_number(unsigned int *number)
{
	std::lock_guard<std::mutex> guard(numbers_lock);

	for (unsigned int i = 0; i < IG1_DPI_CHIPS; i++) {
		if (!numbers_used[i]) {
			numbers_used[i] = true;
			*number = i;
			return 0;
		}
	}
	return -EBUSY;
}

static void free_number(unsigned int number)
{
	ig1_dpi_chip_set(number, nullptr, 0, nullptr, 0);
	ig1_dpi_mem_clear(number);
	std::lock_guard<std::mutex> guard(numbers_lock);
	numbers_used[number] = false;
}

int ig1_sim_create(const struct ig1_sim_model *model, const struct ig1_mask *mask, const void *fdt,
		   size_t fdt_bytes, const struct ig1_bus *bus,
		   const struct ig1_sim_options *options, struct ig1_sim **out)
{
	static const struct ig1_sim_options defaults = { 0, IG1_SIM_READ_LATENCY, 0, nullptr,
							 nullptr };
	struct ig1_dpi_mem mem = { fdt, fdt_bytes, mask->rom_bytes, mask->crom_bytes,
				   model->sram_outside ? model->config->sram_bytes : 0 };
	struct ig1_sim *sim;
	struct sim_setup setup;
	int ret;

	if (mask->rom_bytes > model->config->rom_bytes ||
	    mask->crom_bytes > model->config->crom_bytes || fdt_bytes > IG1_FDT_WINDOW_BYTES)
		return -EINVAL;
	sim = new (std::nothrow) ig1_sim;
	if (!sim)
		return -ENOMEM;
	sim->model = model;
	ret = take_number(&sim->number);
	if (ret) {
		delete sim;
		return ret;
	}
	ig1_dpi_chip_set(sim->number, mask->rom, mask->rom_bytes, mask->crom, mask->crom_bytes);
	ret = ig1_dpi_mem_set(sim->number, &mem);
	if (!ret) {
		setup.chip = sim->number;
		setup.bus = bus;
		setup.options = options ? options : &defaults;
		try {
			sim->chip = model->create(&setup);
		} catch (const std::bad_alloc &) {
			ret = -ENOMEM;
		}
	}
	if (ret) {
		free_number(sim->number);
		delete sim;
		return ret;
	}
	*out = sim;
	return 0;
}

void ig1_sim_destroy(struct ig1_sim *sim)
{
	if (!sim)
		return;
	delete sim->chip;
	free_number(sim->number);
	delete sim;
}

const struct ig1_config *ig1_sim_config(const struct ig1_sim *sim)
{
	return sim->model->config;
}

uint32_t ig1_sim_read32(struct ig1_sim *sim, uint32_t offset)
{
	return sim->chip->bar0(false, offset, 0);
}

void ig1_sim_write32(struct ig1_sim *sim, uint32_t offset, uint32_t value)
{
	sim->chip->bar0(true, offset, value);
}

void ig1_sim_step(struct ig1_sim *sim, uint64_t n)
{
	uint64_t run;

	sim->chip->cycles(n, false, &run);
}

uint64_t ig1_sim_run(struct ig1_sim *sim, uint64_t n)
{
	uint64_t run;

	sim->chip->cycles(n, true, &run);
	return run;
}

uint32_t ig1_sim_irqs(struct ig1_sim *sim)
{
	uint32_t irqs = sim->chip->irqs;

	sim->chip->irqs = 0;
	return irqs;
}

int ig1_sim_idle(const struct ig1_sim *sim)
{
	return sim->chip->idle();
}

uint64_t ig1_sim_cycles(const struct ig1_sim *sim)
{
	return sim->chip->now;
}

static int debug_access(struct ig1_sim *sim, bool we, uint32_t addr, uint32_t in, uint32_t *out)
{
	bool err = false;

	if (ig1_sim_read32(sim, IG1_BAR0_STATUS) & IG1_BAR0_STATUS_MCU_RUN)
		return -EBUSY;
	sim->chip->debug(we, addr, in, out, &err);
	return err ? -EIO : 0;
}

int ig1_sim_debug_read(struct ig1_sim *sim, uint32_t addr, uint32_t *value)
{
	return debug_access(sim, false, addr, 0, value);
}

int ig1_sim_debug_write(struct ig1_sim *sim, uint32_t addr, uint32_t value)
{
	uint32_t ignored;

	return debug_access(sim, true, addr, value, &ignored);
}

uint8_t *ig1_sim_sram(struct ig1_sim *sim)
{
	return ig1_dpi_mem_sram(sim->number);
}
