/* SPDX-License-Identifier: MIT */
/* The Verilated chips that a test program is built with: COSIM_MODELS, { name, model } each. */
#ifndef IG1_SIMMODEL_H
#define IG1_SIMMODEL_H

#include <stddef.h>
#include <string.h>

#include "sim.h"

static inline const struct ig1_sim_model *find_model(const char *name)
{
	static const struct {
		const char *name;
		const struct ig1_sim_model *model;
	} models[] = { COSIM_MODELS };
	size_t i;

	for (i = 0; i < sizeof(models) / sizeof(models[0]); i++)
		if (!strcmp(name, models[i].name))
			return models[i].model;
	return NULL;
}

#endif
