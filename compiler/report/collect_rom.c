// SPDX-License-Identifier: MIT
/*
 * How the weights spread over the tiles. A command's matrix is striped: its row o is in tile o mod
 * tiles, so what counts is which rows belong to one command: all of a matmul, one head's, one expert's.
 */
#include <math.h>
#include <string.h>

#include "compiler/report/report.h"

struct spread {
	struct report_rom *rom;
	uint32_t rows_of_tile;
	uint64_t used, slots; /* rows x groups with work, and those there are */
};

/* A command's matrix, `times` of them; `read`: how many of these a token reads. */
static void add_matrix(struct spread *s, uint64_t rows, const struct ir_tensor *t, uint64_t times,
		       uint64_t read)
{
	uint64_t tiles = s->rom->tiles, at_once = tiles * s->rows_of_tile, k;

	for (k = 0; k < tiles; k++) {
		uint64_t bytes = (rows / tiles + (k < rows % tiles)) * t->stride;

		s->rom->tile[k] += bytes * times;
		s->rom->tile_read[k] += bytes * read;
	}
	s->used += rows * t->groups * read;
	s->slots += (rows + at_once - 1) / at_once * at_once * t->groups * read;
}

static void add_op(struct spread *s, const struct ir_op *op)
{
	const struct ir_tensor *t = op->mats[0];
	uint64_t rows = 0;
	size_t i;

	switch (op->kind) {
	case IR_EMBED:
		add_matrix(s, t->rows, t, 1, 0);
		break;
	case IR_HEADMM:
		add_matrix(s, t->rows / op->heads, t, op->heads, op->heads);
		break;
	case IR_EXPERTS:
	case IR_COMBINE:
		for (i = 0; i < op->parts; i++)
			add_matrix(s, ir_expert_rows(op), op->mats[i * (op->n_mats / op->parts)],
				   op->in[1]->experts, op->in[1]->used);
		break;
	default:
		for (i = 0; i < op->n_mats; i++)
			rows += op->mats[i]->rows;
		add_matrix(s, rows, t, 1, 1);
		break;
	}
}

/* A tied embedding is there once, read as the output. */
static bool used_again(const struct ir_op *op)
{
	const struct ir_op *u;
	size_t i;

	for (u = op->next; op->kind == IR_EMBED && u; u = u->next) {
		for (i = 0; i < u->n_mats; i++) {
			if (u->mats[i] == op->mats[0])
				return true;
		}
	}
	return false;
}

static const struct {
	enum ir_kind kind;
	const char *suffix; /* of the operation's name; NULL: any */
	const char *name;
} kinds[] = {
	{ IR_RMSNORM, NULL, "norm weights" },
	{ IR_BIAS, "/router_bias", "router biases" },
	{ IR_BIAS, "/router_select", "router biases" },
	{ IR_BIAS, NULL, "biases" },
	{ IR_DOTS, NULL, "router and gate rows" },
	{ IR_CONV, NULL, "convolutions" },
	{ IR_SCAN, NULL, "state decays" },
	{ IR_ATTENTION, NULL, "attention sinks and masks" },
	{ IR_EXPERTS, NULL, "expert biases" },
	{ IR_COMBINE, NULL, "expert biases" },
	{ IR_GATHER, NULL, "expert scales" },
	{ IR_ELT, NULL, "factors of elements" },
};

static const char *kind_of(const struct ir_op *op)
{
	size_t i, n = strlen(op->name), k;

	if (op->konst->common)
		return "shared numbers";
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		k = kinds[i].suffix ? strlen(kinds[i].suffix) : 0;
		if (kinds[i].kind == op->kind && k <= n &&
		    (!k || !strcmp(op->name + n - k, kinds[i].suffix)))
			return kinds[i].name;
	}
	return "others";
}

static void add_kind(struct report_rom *rom, const char *name, uint64_t bytes)
{
	size_t i;

	for (i = 0; i < rom->n_kinds && strcmp(rom->kinds[i].name, name); i++)
		;
	if (i == rom->n_kinds)
		rom->kinds[rom->n_kinds++].name = name;
	rom->kinds[i].bytes += bytes;
}

/* Each constant by its first user. */
static int collect_constants(struct report *rep, const struct ir_model *m)
{
	struct report_rom *rom = &rep->rom;
	const struct ir_table *t;
	const struct ir_const *c;
	const struct ir_op *op;
	size_t n = 0;
	bool *seen;

	for (c = m->consts; c; c = c->next)
		n++;
	seen = arena_array(&rep->arena, n + 1, sizeof(*seen));
	/* as many kinds as there could be names */
	rom->kinds =
		arena_array(&rep->arena, sizeof(kinds) / sizeof(kinds[0]) + 4, sizeof(*rom->kinds));
	if (!seen || !rom->kinds)
		return diag_nomem(&rep->diag);
	for (op = m->first; op; op = op->next) {
		if (!op->konst || !op->konst->placed || seen[op->konst->id])
			continue;
		seen[op->konst->id] = true;
		add_kind(rom, kind_of(op), 4 * op->konst->n);
	}
	for (t = m->tables; t; t = t->next)
		add_kind(rom, "rotation tables", t->stride * t->positions);
	rom->const_bytes = m->meta.crom_bytes;
	rom->const_capacity = rep->chip->crom_bytes;
	return 0;
}

int report_collect_rom(struct report *rep, const struct ir_model *m)
{
	struct spread s = { .rom = &rep->rom, .rows_of_tile = rep->chip->rows };
	struct report_rom *rom = &rep->rom;
	const struct ir_op *op;
	uint32_t k;

	rom->tiles = rep->chip->tiles;
	rom->tile = arena_array(&rep->arena, rom->tiles, sizeof(*rom->tile));
	rom->tile_read = arena_array(&rep->arena, rom->tiles, sizeof(*rom->tile_read));
	if (!rom->tile || !rom->tile_read)
		return diag_nomem(&rep->diag);
	for (op = m->first; op; op = op->next) {
		if (op->n_mats && !used_again(op))
			add_op(&s, op);
	}
	rom->bytes = m->meta.rom_bytes;
	rom->capacity = rep->chip->rom_bytes;
	rom->fill = s.slots ? (double)s.used / (double)s.slots : NAN;
	rom->min = rom->read_min = UINT64_MAX;
	for (k = 0; k < rom->tiles; k++) {
		rom->read += rom->tile_read[k];
		if (rom->tile[k] < rom->min)
			rom->min = rom->tile[k];
		if (rom->tile[k] > rom->max)
			rom->max = rom->tile[k];
		if (rom->tile_read[k] < rom->read_min)
			rom->read_min = rom->tile_read[k];
		if (rom->tile_read[k] > rom->read_max)
			rom->read_max = rom->tile_read[k];
	}
	return collect_constants(rep, m);
}
