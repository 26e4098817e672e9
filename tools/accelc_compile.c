// SPDX-License-Identifier: MIT
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "accelc.h"
#include "common/json_text.h"
#include "compiler/asm/asm.h"
#include "compiler/compile.h"
#include "compiler/quant/ggml_types.h"
#include "image.h"

#define BAR_BYTES (32u << 20) /* smaller ROMs are written before a bar could be read */

enum {
	OPT_FORMAT = 0x100,
	OPT_CHIP,
	OPT_CTX,
	OPT_LINEAR,
	OPT_PRINT,
	OPT_STOP,
	OPT_REPORT,
	OPT_PASSES,
	OPT_JSON,
};

struct args {
	struct compile_options o;
	const char *print_after, *stop_after;
	bool verbose, report, json;
	const char *bar; /* what the bar that stands there is of */
	uint64_t most;	 /* that it showed */
	struct compile_result *result;
};

static const struct argp_option model_options[] = {
	{ "format", OPT_FORMAT, "FORMAT", 0,
	  "matrices in ROM: keep (the default: unchanged in the smallest format that holds them, "
	  "others as q8_0), q8_0 or q4_0 (all of them)",
	  0 },
	{ "chip", OPT_CHIP, "CONFIG", 0, "default, large or small", 0 },
	{ "ctx", OPT_CTX, "N", 0, "positions (default: the model's context length)", 0 },
	{ "linear", OPT_LINEAR, "FORM", 0,
	  "squared linear attention: auto (the default: what keeps less of a sequence as long as "
	  "the context), recurrent or parallel",
	  0 },
	{ 0 },
};

static error_t parse_model(int key, char *arg, struct argp_state *state)
{
	struct compile_options *o = state->input;
	unsigned long v;
	char *end;

	switch (key) {
	case OPT_FORMAT:
		if (!strcmp(arg, "keep"))
			o->format = PASS_FORMAT_KEEP;
		else if (!strcmp(arg, "q8_0"))
			o->format = PASS_FORMAT_Q8_0;
		else if (!strcmp(arg, "q4_0"))
			o->format = PASS_FORMAT_Q4_0;
		else
			argp_error(state, "--format: \"%s\" is none of keep, q8_0, q4_0", arg);
		return 0;
	case OPT_CHIP:
		o->chip = compile_chip(arg);
		if (!o->chip)
			argp_error(state, "--chip: no configuration \"%s\"", arg);
		return 0;
	case OPT_CTX:
		errno = 0;
		v = strtoul(arg, &end, 10);
		if (errno || *end || end == arg || arg[0] == '-' || !v || v > 1u << 24)
			argp_error(state, "--ctx: \"%s\" is no number of positions", arg);
		o->context = (uint32_t)v;
		return 0;
	case OPT_LINEAR:
		if (!strcmp(arg, "auto"))
			o->linear = PASS_LINEAR_AUTO;
		else if (!strcmp(arg, "recurrent"))
			o->linear = PASS_LINEAR_RECURRENT;
		else if (!strcmp(arg, "parallel"))
			o->linear = PASS_LINEAR_PARALLEL;
		else
			argp_error(state, "--linear: \"%s\" is none of auto, recurrent, parallel",
				   arg);
		return 0;
	case ARGP_KEY_ARG:
		if (o->model)
			argp_error(state, "more than one model");
		o->model = arg;
		return 0;
	case ARGP_KEY_END:
		if (!o->model)
			argp_error(state, "no model given");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp accelc_model_argp = { model_options, parse_model };

static const struct argp_option options[] = {
	{ NULL, 'o', "FILE", 0, "write FILE (default: nothing is written)", 0 },
	{ "print-after", OPT_PRINT, "PASS", 0, "print the graph, or the programs, after PASS", 0 },
	{ "stop-after", OPT_STOP, "PASS", 0, "end after PASS, writing nothing", 0 },
	{ "list-passes", OPT_PASSES, NULL, 0, "print the names for PASS", 0 },
	{ "report", OPT_REPORT, NULL, 0, "print sizes, the scratch plan and what each matrix loses",
	  0 },
	{ "json", OPT_JSON, NULL, 0, "print what was written as JSON", 0 },
	{ "verbose", 'v', NULL, 0, "time of each pass", 0 },
	{ 0 },
};

static const char *const stages[] = { COMPILE_STAGE_GENERATE, COMPILE_STAGE_HAZARDS,
				      COMPILE_STAGE_WRITE };

#define N_STAGES (sizeof(stages) / sizeof(stages[0]))

static bool known_pass(const char *name)
{
	size_t i;

	if (!strcmp(name, COMPILE_STAGE_BUILD))
		return true;
	for (i = 0; i < n_passes; i++) {
		if (!strcmp(name, passes[i].name))
			return true;
	}
	for (i = 0; i < N_STAGES; i++) {
		if (!strcmp(name, stages[i]))
			return true;
	}
	return false;
}

static void list_passes(void)
{
	size_t i;

	printf("%-16s %s\n", COMPILE_STAGE_BUILD, "the graph as read from the file");
	for (i = 0; i < n_passes; i++)
		printf("%-16s %s\n", passes[i].name, passes[i].what);
	printf("%-16s %s\n", COMPILE_STAGE_GENERATE, "programs, with addresses and tokens");
	printf("%-16s %s\n", COMPILE_STAGE_HAZARDS, "check of the programs' order");
	printf("%-16s %s\n", COMPILE_STAGE_WRITE, "the file");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &a->o;
		return 0;
	case 'o':
		a->o.out = arg;
		return 0;
	case 'v':
		a->verbose = true;
		return 0;
	case OPT_REPORT:
		a->report = true;
		a->o.losses = true;
		return 0;
	case OPT_JSON:
		a->json = true;
		return 0;
	case OPT_PRINT:
	case OPT_STOP:
		if (!known_pass(arg))
			argp_error(state, "no pass \"%s\"; see --list-passes", arg);
		*(key == OPT_PRINT ? &a->print_after : &a->stop_after) = arg;
		return 0;
	case OPT_PASSES:
		list_passes();
		exit(ACCELC_OK);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void print_programs(const struct compile_result *r)
{
	unsigned int k;
	size_t bytes, len;
	uint8_t *code;
	char *text;

	for (k = 0; k < IG1_PROGS; k++) {
		if (cg_encode_all(&r->code.prog[k], &code, &bytes))
			return;
		if (!ig1_disasm_program(code, bytes, 1, &text, &len)) {
			printf("# %s\n%s", accelc_program_names[k], text);
			free(text);
		}
		free(code);
	}
}

static void end_bar(struct args *a)
{
	if (a->bar)
		fputc('\n', stderr);
	a->bar = NULL;
	a->most = 0;
}

static int after_pass(void *ctx, const char *pass, struct ir_model *m, double seconds)
{
	struct args *a = ctx;
	bool programs =
		!strcmp(pass, COMPILE_STAGE_GENERATE) || !strcmp(pass, COMPILE_STAGE_HAZARDS);

	end_bar(a);
	if (a->verbose)
		fprintf(stderr, "%-16s %9.3f ms\n", pass, 1e3 * seconds);
	if (a->print_after && !strcmp(a->print_after, pass)) {
		if (programs) {
			print_programs(a->result);
		} else {
			struct strbuf s = { 0 };

			ir_print(m, &s);
			fwrite(s.p ? s.p : "", 1, s.len, stdout);
			strbuf_free(&s);
		}
	}
	return a->stop_after && !strcmp(a->stop_after, pass);
}

/* Never goes back: a tensor is read again for another format. */
static void show_bar(struct args *a, const char *what, uint64_t done, uint64_t total)
{
	int i, n;

	if (total < BAR_BYTES)
		return;
	if (a->bar && strcmp(a->bar, what))
		end_bar(a);
	a->bar = what;
	a->most = done > a->most ? done : a->most;
	n = (int)(40 * a->most / total);
	fprintf(stderr, "\r%-10s [", what);
	for (i = 0; i < 40; i++)
		fputc(i < n ? '=' : ' ', stderr);
	fprintf(stderr, "] %3d %%", (int)(100 * a->most / total));
}

static void check_progress(void *ctx, uint64_t done, uint64_t total)
{
	show_bar(ctx, "formats", done, total);
}

static void rom_progress(void *ctx, uint64_t done, uint64_t total)
{
	show_bar(ctx, "weight ROM", done, total);
}

static void report_tensors(const struct ir_model *m)
{
	static const char *const what[] = { "kept", "requantised", "re-encoded, exact" };
	const struct ir_tensor *t;

	puts("\nmatrices");
	for (t = m->tensors; t; t = t->next) {
		if (!t->placed)
			continue;
		printf("  %-5s %-7s %s", ir_format_name(t->fmt), ggml_type_name(t->src_type),
		       what[t->requant]);
		if (t->requant == IR_REQUANT)
			printf(", relative RMS error %.3g", build_loss(t));
		printf("  %s\n", t->name);
	}
}

static void report(const struct compile_result *r, const struct ig1_config *chip)
{
	const struct ir_meta *m = &r->model.meta;
	struct strbuf s = { 0 };
	unsigned int k;

	printf("chip `%s`, %u columns at once, %u KV heads at once, %u logits at once, attention %u deep\n",
	       chip->name, r->code.shape.cols, r->code.shape.kv_heads, r->code.shape.logits,
	       r->code.shape.depth);
	printf("weight ROM: %" PRIu64 " of %" PRIu64 " bytes\n", m->rom_bytes, chip->rom_bytes);
	printf("constant ROM: %" PRIu64 " of %" PRIu64 " bytes\n", m->crom_bytes, chip->crom_bytes);
	printf("KV cache: %" PRIu64 " bytes for 32 positions, %" PRIu64 " for %u\n",
	       r->code.kv.block_bytes, r->code.kv.block_bytes * ((m->context + 31) / 32),
	       m->context);
	for (k = 0; k < IG1_PROGS; k++) {
		strbuf_printf(&s, "\n%s: %zu commands\n", accelc_program_names[k],
			      r->code.prog[k].n_cmds);
		cg_plan_report(&r->code.prog[k], &s);
	}
	fwrite(s.p ? s.p : "", 1, s.len, stdout);
	strbuf_free(&s);
	report_tensors(&r->model);
}

/* What info says of the file, and its path. */
static int print_json(const char *path)
{
	struct ig1_image *img;
	int code = ACCELC_OK;
	json_t *j;

	img = accelc_open(path, &code);
	if (!img)
		return code;
	j = accelc_image_json(img);
	ig1_image_close(img);
	json_object_set_new(j, "image", json_text(path, SIZE_MAX));
	json_dumpf(j, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(j);
	return code;
}

bool accelc_same_file(const char *a, const char *b)
{
	struct stat x, y;

	return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

int accelc_compile(int argc, char **argv)
{
	static const struct argp_child children[] = { { &accelc_model_argp }, { 0 } };
	static const struct argp argp = {
		options, parse, "MODEL",
		"Compile a model, a GGUF file (any part of a split one) or a "
		"folder with config.json and safetensors, to an .accel file.",
		children
	};
	struct compile_result r;
	struct args a = { .result = &r };
	int ret, code;

	a.o.chip = compile_chip("default");
	a.o.watch.ctx = &a;
	a.o.watch.after = after_pass;
	if (isatty(STDERR_FILENO))
		a.o.progress = (struct build_progress){ &a, check_progress, rom_progress };
	argp_parse(&argp, argc, argv, 0, NULL, &a);
	if (a.json && (!a.o.out || a.report || a.print_after || a.stop_after)) {
		accelc_error("compile: --json needs -o and excludes --report, --print-after and "
			     "--stop-after");
		return ACCELC_USAGE;
	}
	if (!a.o.out && !a.stop_after && !a.print_after && !a.report) {
		accelc_error("nothing to do: give -o, --print-after, --stop-after or --report");
		return ACCELC_USAGE;
	}
	if (a.o.out && accelc_same_file(a.o.model, a.o.out)) {
		accelc_error("-o %s: that is the model", a.o.out);
		return ACCELC_USAGE;
	}
	ret = compile_model(&a.o, &r);
	end_bar(&a);
	accelc_left_out(stderr, r.left_out, r.n_left_out);
	if (ret >= 0 && r.model.no_tokenizer)
		fprintf(stderr,
			"left out: the tokenizer, %s; the file takes and gives token ids only\n",
			r.model.no_tokenizer);
	if (ret < 0)
		accelc_error("%s", r.model.diag.msg);
	else if (a.report && r.code.prog[0].n_cmds)
		report(&r, a.o.chip);
	code = ret > 0 ? ACCELC_OK : accelc_exit_code(ret);
	if (!ret && a.json)
		code = print_json(a.o.out);
	compile_free(&r);
	return code;
}
