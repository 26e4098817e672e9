// SPDX-License-Identifier: MIT
/*
 * What stays changeable once the mask is made: by where the image has it. Matrices are read from ROM
 * only. Constants are, too, but their readers are vector passes, whose sources may be scratch as well:
 * another program can load a replacement. Numbers in commands and what the host does are free.
 */
#include <string.h>

#include "compiler/report/report.h"

#define MOST_CHANGES 40u
#define GROUP_BYTES  36u /* 32 numbers as int8 with an fp32 scale */

static void add(struct report *rep, const char *what, enum report_where where, uint64_t bytes,
		const char *how)
{
	if (what && how && rep->n_changes < MOST_CHANGES)
		rep->changes[rep->n_changes++] = (struct report_change){ what, where, bytes, how };
}

static size_t count(const struct ir_model *m, enum ir_kind kind, bool (*is)(const struct ir_op *))
{
	const struct ir_op *op;
	size_t n = 0;

	for (op = m->first; op; op = op->next)
		n += op->kind == kind && (!is || is(op));
	return n;
}

static bool is_affine(const struct ir_op *op)
{
	return op->fn == IR_FN_LIN;
}

static bool has_cap(const struct ir_op *op)
{
	return op->cap != 0;
}

static bool has_window(const struct ir_op *op)
{
	return op->window != 0;
}

static const struct {
	enum ir_kind kind;
	bool (*is)(const struct ir_op *op);
	const char *what, *how;
} numbers[] = {
	{ IR_RMSNORM, NULL, "norm epsilons", "numbers in commands" },
	{ IR_ATTENTION, NULL, "attention scales", "numbers in commands" },
	{ IR_ATTENTION, has_cap, "attention soft caps", "numbers in commands" },
	{ IR_ATTENTION, has_window, "attention windows",
	  "layers: position arithmetic of the program, and the ring's size" },
	{ IR_ELT, is_affine, "factors and offsets of values",
	  "pairs of numbers in commands: scales of embedding, residual and logits, parts of "
	  "activations" },
	{ IR_ROUTE, NULL, "experts used per token, their groups, norm and scale",
	  "routings written out in commands" },
};

static void add_numbers(struct report *rep, const struct ir_model *m)
{
	size_t i, n;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		n = count(m, numbers[i].kind, numbers[i].is);
		if (n)
			add(rep, numbers[i].what, REPORT_PROGRAM, 0,
			    arena_printf(&rep->arena, "%zu %s", n, numbers[i].how));
	}
}

/* A low-rank adapter adds B (A x): A has a row of the input's width per rank, B a column of the rows. */
static uint64_t rank_bytes(uint64_t rows, uint64_t cols)
{
	return GROUP_BYTES * ((cols + 31) / 32 + (rows + 31) / 32);
}

static int add_sites(struct report *rep, const struct ir_model *m)
{
	const struct ir_tensor *t;
	const struct ir_op *op;
	size_t n = 0, i;
	bool *seen;

	for (t = m->tensors; t; t = t->next)
		n++;
	seen = arena_array(&rep->arena, n + 1, sizeof(*seen));
	rep->sites = arena_array(&rep->arena, n + 1, sizeof(*rep->sites));
	if (!seen || !rep->sites)
		return diag_nomem(&rep->diag);
	for (op = m->first; op; op = op->next) {
		bool experts = op->kind == IR_EXPERTS || op->kind == IR_COMBINE;

		if (op->kind != IR_MATMUL && op->kind != IR_HEADMM && !experts)
			continue;
		for (i = 0; i < op->n_mats; i++) {
			struct report_site *s = &rep->sites[rep->n_sites];

			t = op->mats[i];
			if (seen[t->id])
				continue;
			seen[t->id] = true;
			s->copies = op->kind == IR_HEADMM ? op->heads
				    : experts		  ? t->rows / ir_expert_rows(op)
							  : 1;
			s->tensor = report_text(&rep->arena, t->name);
			if (!s->tensor)
				return diag_nomem(&rep->diag);
			s->rows = t->rows / s->copies;
			s->cols = t->cols;
			s->rank_bytes = s->copies * rank_bytes(s->rows, s->cols);
			rep->n_sites++;
		}
	}
	return 0;
}

int report_collect_changes(struct report *rep, const struct ir_model *m)
{
	uint64_t adapters = 0;
	size_t i;

	rep->changes = arena_array(&rep->arena, MOST_CHANGES, sizeof(*rep->changes));
	if (!rep->changes || add_sites(rep, m))
		return diag_nomem(&rep->diag);
	add(rep, "matrices", REPORT_MASK, rep->rom.bytes,
	    "weight ROM; commands read matrices from nowhere else");
	for (i = 0; i < rep->rom.n_kinds; i++) {
		const struct report_kind *k = &rep->rom.kinds[i];
		bool table = !strcmp(k->name, "rotation tables");

		add(rep, k->name, REPORT_OVERRIDE, k->bytes,
		    table ? "constant ROM; another program can load the positions' rows from memory"
			  : "constant ROM; another program can load others from memory into scratch");
	}
	add_numbers(rep, m);
	for (i = 0; i < rep->n_sites; i++)
		adapters += rep->sites[i].rank_bytes;
	add(rep, "low-rank adapters", REPORT_PROGRAM, adapters,
	    "bytes for rank 1 beside every matrix; the programs of this image have none, and the "
	    "ISA only reserves t.lora for them");
	add(rep, "commands, and the order of operations", REPORT_PROGRAM,
	    (rep->sram.programs[0].commands + rep->sram.programs[1].commands) * IG1_COMMAND_BYTES,
	    "programs are data in host memory");
	if (rep->sram.kv_block)
		add(rep, "keys and values", REPORT_HOST,
		    rep->sram.kv_block * rep->sram.kv_blocks +
			    rep->sram.ring_block * rep->sram.ring_blocks,
		    "of a sequence: host memory or resident SRAM, by the page tables");
	if (rep->sram.state)
		add(rep, "recurrent state", REPORT_HOST, rep->sram.state,
		    "of a sequence: host memory or resident SRAM, by the page tables");
	add(rep, "tokenizer, chat template, sampling", REPORT_HOST, 0,
	    "of the file and the library; the chip knows token numbers only");
	return 0;
}
