// SPDX-License-Identifier: MIT
/*
 * Hostile programs: commands that pass the encoding check but have random operands, counts and
 * registers, and mutations of them. Nothing may be touched outside the model's memories (run under
 * ASan), and a good job after each must work. Usage: test_hostile [count [seed]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ig1_tables.h"
#include "rig.h"

extern const struct ig1_completion *fuzz_program_done(void);
extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t state;

static uint32_t rnd(void)
{
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(state >> 33);
}

/* Anything, with a liking for limits. */
static uint64_t wild(void)
{
	switch (rnd() % 4) {
	case 0:
		return 0x40000 - 4 * (rnd() % 64); /* the end of scratch */
	case 1:
		return 0x40000000 + (uint64_t)(rnd() % 20) * 4096 - rnd() % 2 * 4;
	case 2:
		return UINT64_C(1) << rnd() % 64;
	default:
		return (uint64_t)rnd() << 33 | rnd();
	}
}

/* Mostly what such a field would hold, so that programs get somewhere before they fault. */
static uint64_t number(const struct ig1_field_desc *x)
{
	uint64_t v = wild();

	if (rnd() % 40) {
		if (!strcmp(x->name, "va") || !strcmp(x->name, "kv") || !strcmp(x->name, "ks"))
			v = 0x40000000 + 1024 * (uint64_t)(rnd() % 64);
		else if (!strcmp(x->name, "bstride"))
			v = 1024 * (rnd() % 8);
		else if (!strcmp(x->name, "sbstride"))
			v = 128 * (rnd() % 8);
		else if (!strcmp(x->name, "len"))
			v = 1 + rnd() % 3;
		else if (!strcmp(x->name, "rom"))
			v = 34 * (rnd() % 32);
		else if (!strcmp(x->name, "y0"))
			v = 1;
		else if (!strcmp(x->name, "imm"))
			v = rnd() % 12 * 4;
		else if (x->kind == IG1_KIND_HEX)
			v = 4 * (rnd() % 0x4000) % (rnd() % 2 ? 1024 : 0x10000);
		else if (x->kind == IG1_KIND_SINT)
			v = rnd() % 8 ? rnd() % 64 : -(uint64_t)(rnd() % 8);
		else
			v = 4 * (rnd() % 16);
	}
	return x->bits == 64 ? v : v & ((UINT64_C(1) << x->bits) - 1);
}

static void put(uint32_t *w, unsigned int word, unsigned int lo, unsigned int bits, uint64_t v)
{
	if (bits == 64) {
		w[word] = (uint32_t)v;
		w[word + 1] = (uint32_t)(v >> 32);
		return;
	}
	w[word] |= (uint32_t)(v << lo);
}

static void command(uint32_t *w)
{
	const struct ig1_op_desc *op = &ig1_ops[rnd() % IG1_OPS];
	uint32_t i;

	memset(w, 0, IG1_COMMAND_BYTES);
	for (i = 0; i < op->fmt->count; i++) {
		const struct ig1_field_desc *x = &op->fmt->fields[i];

		if (!strcmp(x->name, "op"))
			put(w, 0, 0, 8, op->code);
		else if (x->kind == IG1_KIND_MASK)
			continue; /* tokens end most programs early */
		else if (x->kind == IG1_KIND_REG)
			put(w, x->word, x->lo, x->bits, rnd() % 12 ? 0 : rnd() % 10);
		else if (x->kind == IG1_KIND_ENUM)
			put(w, x->word, x->lo, x->bits, rnd() % 4 % x->en->count);
		else
			put(w, x->word, x->lo, x->bits, number(x));
	}
	for (i = 0; i < IG1_CMD_WORDS; i++)
		w[i] &= op->used[i];
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 0) : 20000;
	uint32_t prog[24][IG1_CMD_WORDS];
	unsigned long ends[IG1_FAULTS] = { 0 }, executed = 0, n;
	uint32_t i;

	state = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	printf("# seed %llu count %lu\n1..1\n", (unsigned long long)state, count);
	for (n = 0; n < count; n++) {
		uint32_t len = 1 + rnd() % 24;

		for (i = 0; i < len; i++)
			command(prog[i]);
		if (!(rnd() % 8))
			prog[rnd() % len][rnd() % IG1_CMD_WORDS] ^= 1u << rnd() % 32;
		LLVMFuzzerTestOneInput((const uint8_t *)prog, len * IG1_COMMAND_BYTES);
		ends[fuzz_program_done()->fault]++;
		executed += fuzz_program_done()->counters[IG1_CTR_COMMANDS];
	}
	for (i = 0; i < IG1_FAULTS; i++)
		printf("# %-8s %lu\n", ig1_fault_names[i].name, ends[i]);
	printf("# %lu commands executed\n", executed);
	if (executed < count) {
		printf("not ok 1 - programs end at once\n");
		return 1;
	}
	printf("ok 1 - %lu hostile programs\n", count);
	return 0;
}
