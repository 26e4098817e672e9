// SPDX-License-Identifier: MIT
/* disasm, as, verify, estimate: what is done with command streams. */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accelc.h"
#include "common/json_text.h"
#include "compiler/asm/asm.h"
#include "compiler/codegen/estimate.h"
#include "compiler/codegen/hazards.h"
#include "ig1_tables.h"
#include "image.h"

enum { OPT_PROGRAM = 0x100, OPT_COLS, OPT_POS, OPT_JSON, OPT_TRACE, OPT_NAMES, OPT_RAW };

struct args {
	const char *file, *out, *trace;
	int program;
	uint32_t cols, pos;
	bool have_cols, have_pos, json, names, raw;
};

uint32_t accelc_number(struct argp_state *state, const char *name, const char *arg, uint32_t min)
{
	unsigned long v;
	char *end;

	errno = 0;
	v = strtoul(arg, &end, 10);
	if (errno || *end || end == arg || arg[0] == '-' || v < min || v > 1u << 24)
		argp_error(state, "--%s: bad number \"%s\"", name, arg);
	return (uint32_t)v;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;

	switch (key) {
	case 'o':
		a->out = arg;
		return 0;
	case OPT_PROGRAM:
		a->program = accelc_program(arg);
		if (a->program < 0)
			argp_error(state, "--program: \"%s\" is neither prefill nor decode", arg);
		return 0;
	case OPT_COLS:
		a->cols = accelc_number(state, "cols", arg, 1);
		a->have_cols = true;
		return 0;
	case OPT_POS:
		a->pos = accelc_number(state, "pos", arg, 0);
		a->have_pos = true;
		return 0;
	case OPT_JSON:
		a->json = true;
		return 0;
	case OPT_NAMES:
		a->names = true;
		return 0;
	case OPT_RAW:
		a->raw = true;
		return 0;
	case OPT_TRACE:
		a->trace = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (a->file)
			argp_error(state, "more than one file");
		a->file = arg;
		return 0;
	case ARGP_KEY_END:
		if (!a->file)
			argp_error(state, "no file given");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int accelc_read_file(const char *path, char **text, size_t *len)
{
	FILE *f = strcmp(path, "-") ? fopen(path, "rb") : stdin;
	size_t cap = 65536, n;
	char *p, *q;
	int ret = 0;

	if (!f)
		return -errno;
	*len = 0;
	p = malloc(cap);
	while (p) {
		n = fread(p + *len, 1, cap - *len, f);
		*len += n;
		if (*len < cap)
			break;
		cap *= 2;
		q = realloc(p, cap);
		if (!q)
			free(p);
		p = q;
	}
	if (!p)
		ret = -ENOMEM;
	else if (ferror(f))
		ret = -EIO;
	if (f != stdin)
		fclose(f);
	if (ret)
		free(p);
	else
		*text = p;
	return ret;
}

/* ---- disasm ---- */

/* With the debug database's names behind the commands. */
static int print_named(struct ig1_image *img, int prog, const void *cmds, size_t count)
{
	char line[IG1_DISASM_MAX];
	size_t i, k;

	for (i = 0; i < count; i++) {
		const uint8_t *p = (const uint8_t *)cmds + i * IG1_COMMAND_BYTES;
		const char *name = ig1_image_debug(img, (uint32_t)prog, i);
		uint32_t w[IG1_CMD_WORDS];

		for (k = 0; k < IG1_CMD_WORDS; k++)
			w[k] = (uint32_t)p[4 * k] | (uint32_t)p[4 * k + 1] << 8 |
			       (uint32_t)p[4 * k + 2] << 16 | (uint32_t)p[4 * k + 3] << 24;
		if (ig1_disasm(w, line, sizeof(line)) < 0)
			return -ENOSPC;
		printf("%5zu: %s", i, line);
		if (name && name[0])
			printf(" # %s", name);
		putchar('\n');
	}
	return 0;
}

static int print_plain(const void *cmds, size_t bytes)
{
	size_t len;
	char *text;
	int ret = ig1_disasm_program(cmds, bytes, 1, &text, &len);

	if (ret)
		return ret;
	fwrite(text, 1, len, stdout);
	free(text);
	return 0;
}

/* A file of nothing but commands, as `as` writes it and ACCEL_DEBUG=dump does. */
static int disasm_raw(const char *path)
{
	size_t bytes;
	char *cmds;
	int ret;

	ret = accelc_read_file(path, &cmds, &bytes);
	if (ret) {
		accelc_error("%s: %s", path, strerror(-ret));
		return ACCELC_FAILURE;
	}
	if (!bytes || bytes % IG1_COMMAND_BYTES) {
		accelc_error("%s: %zu bytes are not a number of commands of %d bytes", path, bytes,
			     IG1_COMMAND_BYTES);
		ret = -EINVAL;
	} else {
		ret = print_plain(cmds, bytes);
		if (ret)
			accelc_error("%s: %s", path, strerror(-ret));
	}
	free(cmds);
	return ret ? accelc_exit_code(ret) : ACCELC_OK;
}

int accelc_disasm(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "program", OPT_PROGRAM, "NAME", 0, "prefill or decode (default: both)", 0 },
		{ "names", OPT_NAMES, NULL, 0, "what each command is for, as comments", 0 },
		{ "raw", OPT_RAW, NULL, 0, "FILE holds nothing but commands", 0 },
		{ 0 },
	};
	static const struct argp argp = { options, parse, "FILE", "Print programs as text." };
	struct args a = { .program = -1 };
	struct ig1_image *img;
	int code = ACCELC_OK, k, ret;
	const void *cmds;
	size_t count;

	argp_parse(&argp, argc, argv, 0, NULL, &a);
	if (a.raw && (a.names || a.program >= 0)) {
		accelc_error("disasm: --raw has neither --names nor --program");
		return ACCELC_USAGE;
	}
	if (a.raw)
		return disasm_raw(a.file);
	img = accelc_open(a.file, &code);
	if (!img)
		return code;
	for (k = 0; k < IG1_PROGS; k++) {
		if (a.program >= 0 && a.program != k)
			continue;
		ret = ig1_image_program(img, (uint32_t)k, &cmds, &count);
		if (ret) {
			accelc_error("%s: no usable program `%s`", a.file, accelc_program_names[k]);
			code = ACCELC_INPUT;
			break;
		}
		if (a.program < 0)
			printf("# %s\n", accelc_program_names[k]);
		ret = a.names ? print_named(img, k, cmds, count)
			      : print_plain(cmds, count * IG1_COMMAND_BYTES);
		if (ret) {
			accelc_error("%s: %s", a.file, strerror(-ret));
			code = ACCELC_FAILURE;
			break;
		}
	}
	ig1_image_close(img);
	return code;
}

/* ---- as ---- */

int accelc_as(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ NULL, 'o', "FILE", 0, "write the commands to FILE", 0 },
		{ 0 },
	};
	static const struct argp argp = { options, parse, "TEXT",
					  "Assemble text (- for standard input) to commands." };
	char err[IG1_ASM_ERR] = "";
	struct args a = { .program = -1 };
	size_t len = 0, bytes = 0;
	void *prog = NULL;
	char *text = NULL;
	int ret, code = ACCELC_OK;
	FILE *f;

	argp_parse(&argp, argc, argv, 0, NULL, &a);
	if (!a.out) {
		accelc_error("as: no output given (-o FILE)");
		return ACCELC_USAGE;
	}
	ret = accelc_read_file(a.file, &text, &len);
	if (ret) {
		accelc_error("%s: %s", a.file, strerror(-ret));
		return ACCELC_FAILURE;
	}
	ret = ig1_asm_program(text, len, &prog, &bytes, err, sizeof(err));
	free(text);
	if (ret) {
		accelc_error("%s: %s", a.file, err[0] ? err : strerror(-ret));
		return accelc_exit_code(ret);
	}
	f = fopen(a.out, "wb");
	if (!f || (bytes && fwrite(prog, 1, bytes, f) != bytes)) {
		accelc_error("%s: %s", a.out, strerror(errno));
		code = ACCELC_FAILURE;
	}
	if (f && fclose(f) && code == ACCELC_OK) {
		accelc_error("%s: %s", a.out, strerror(errno));
		code = ACCELC_FAILURE;
	}
	free(prog);
	return code;
}

/* ---- verify ---- */

struct naming {
	struct ig1_image *img;
	uint32_t prog;
};

static const char *command_name(void *ctx, uint32_t command)
{
	struct naming *n = ctx;

	return ig1_image_debug(n->img, n->prog, command);
}

/* err gets what is wrong. programs: NULL for text. */
static int verify_program(struct ig1_image *img, const struct ig1_config *chip, uint32_t k,
			  json_t *programs, char *err, size_t room)
{
	const struct ig1_image_manifest *m = ig1_image_manifest(img);
	struct naming naming = { img, k };
	struct hazards_program p = {
		.chip = chip,
		.kind = (enum ig1_prog)k,
		.context = m->context,
		.max_cols = m->max_cols < chip->columns ? m->max_cols : chip->columns,
		.kv_block_bytes = m->kv_block_bytes,
		.window = m->window,
		.ring = m->win_blocks,
		.ring_bytes = m->win_block_bytes,
		.state_bytes = m->state_bytes,
		.name = command_name,
		.name_ctx = &naming,
	};
	struct hazards_stats stats;
	struct diag d = { 0 };
	int ret;

	ret = ig1_image_program(img, k, &p.prog, &p.n_cmds);
	if (!ret)
		ret = hazards_check(&p, &stats, &d);
	if (ret) {
		snprintf(err, room, "program `%s`: %s", accelc_program_names[k],
			 d.err ? d.msg : strerror(-ret));
		return ret;
	}
	if (programs) {
		json_object_set_new(programs, accelc_program_names[k],
				    json_pack("{s:I,s:I,s:I}", "commands", (json_int_t)p.n_cmds,
					      "checked_jobs", (json_int_t)stats.jobs,
					      "checked_commands", (json_int_t)stats.commands));
		return 0;
	}
	printf("%s: %zu commands, order holds in %" PRIu64 " jobs of %" PRIu64 " commands\n",
	       accelc_program_names[k], p.n_cmds, stats.jobs, stats.commands);
	return 0;
}

/* Where the first damage is, if it is in the content. */
static void find_damage(const struct ig1_image *img, json_t *j)
{
	uint32_t n = ig1_image_header(img)->sections, i;

	for (i = 0; i < n && ig1_image_section_intact(img, i); i++)
		;
	if (i < n)
		json_object_set_new(
			j, "section",
			json_string(ig1_image_type_name(ig1_image_section_at(img, i)->type)));
	n = ig1_image_tensors(img);
	for (i = 0; i < n && ig1_image_tensor_intact(img, i); i++)
		;
	if (i < n)
		json_object_set_new(j, "tensor",
				    json_text(ig1_image_tensor_name(img, i), SIZE_MAX));
}

static int verify_image(struct ig1_image *img, json_t *j, char *err, size_t room)
{
	json_t *programs = json_object_get(j, "programs");
	const struct ig1_config *chip;
	char what[IG1_IMAGE_ERR] = "";
	uint32_t k;
	int ret;

	ret = ig1_image_check_model(img, what);
	if (!ret)
		ret = ig1_image_verify(img, what);
	chip = accelc_image_chip(img);
	if (!ret && !chip) {
		snprintf(what, sizeof(what), "device tree: no chip configuration known here");
		ret = -EINVAL;
	}
	if (ret) {
		snprintf(err, room, "%s", what[0] ? what : strerror(-ret));
		if (j)
			find_damage(img, j);
		return ret;
	}
	if (!j)
		printf("checksums and mask id match\n");
	for (k = 0; k < IG1_PROGS && !ret; k++)
		ret = verify_program(img, chip, k, programs, err, room);
	return ret;
}

int accelc_verify(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "json", OPT_JSON, NULL, 0, "print JSON", 0 },
		{ 0 },
	};
	static const struct argp argp = {
		options, parse, "FILE",
		"Check an .accel file: checksums, mask id, commands, and that their order is safe."
	};
	char err[sizeof(((struct diag *)0)->msg) + 64] = "";
	struct args a = { .program = -1 };
	struct ig1_image *img = NULL;
	int ret, code = ACCELC_OK;
	json_t *j = NULL;

	argp_parse(&argp, argc, argv, 0, NULL, &a);
	if (a.json)
		j = json_pack("{s:o,s:n,s:n,s:n,s:{}}", "image", json_text(a.file, SIZE_MAX),
			      "error", "section", "tensor", "programs");
	ret = ig1_image_open(a.file, &img, err);
	if (ret) {
		if (!err[0])
			snprintf(err, sizeof(err), "%s", strerror(-ret));
		code = accelc_exit_code(ret);
	} else {
		ret = verify_image(img, j, err, sizeof(err));
		code = ret ? ACCELC_INPUT : ACCELC_OK;
	}
	if (ret)
		accelc_error("%s: %s", a.file, err);
	if (j) {
		json_object_set_new(j, "ok", json_boolean(!ret));
		if (ret)
			json_object_set_new(j, "error", json_text(err, SIZE_MAX));
		json_dumpf(j, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(j);
	}
	ig1_image_close(img);
	return code;
}

/* ---- estimate ---- */

struct spans {
	FILE *f;
	struct naming naming;
	bool first;
};

static void write_span(void *ctx, const struct estimate_span *s)
{
	struct spans *t = ctx;
	const struct ig1_op_desc *op = ig1_op_find(s->op);
	const char *name = command_name(&t->naming, s->index);
	json_t *j;

	j = json_pack("{s:s,s:s,s:s,s:I,s:I,s:i,s:i,s:{s:i,s:I}}", "name",
		      name && name[0] ? name : op->name, "cat", op->name, "ph", "X", "ts",
		      (json_int_t)s->start, "dur", (json_int_t)(s->end - s->start), "pid", 0, "tid",
		      (int)s->engine, "args", "command", (int)s->index, "issue",
		      (json_int_t)s->issue);
	if (!j)
		return;
	fputs(t->first ? "\n" : ",\n", t->f);
	t->first = false;
	json_dumpf(j, t->f, JSON_COMPACT);
	json_decref(j);
}

static json_t *estimate_json(const struct estimate *e, const struct ig1_config *chip,
			     uint32_t tokens)
{
	json_t *j = json_object(), *busy = json_object();
	unsigned int q;

	for (q = 0; q < IG1_ENGINE_COUNT; q++)
		json_object_set_new(busy, ig1_engine_names[q].name,
				    json_integer((json_int_t)e->busy[q]));
	json_object_set_new(j, "tokens", json_integer(tokens));
	json_object_set_new(j, "cycles", json_integer((json_int_t)e->cycles));
	json_object_set_new(j, "commands", json_integer((json_int_t)e->commands));
	json_object_set_new(j, "busy", busy);
	json_object_set_new(j, "macs", json_integer((json_int_t)e->macs));
	json_object_set_new(j, "rom_bytes", json_integer((json_int_t)e->rom_bytes));
	json_object_set_new(j, "kv_bytes", json_integer((json_int_t)e->kv_bytes));
	json_object_set_new(j, "dma_bytes", json_integer((json_int_t)e->dma_bytes));
	json_object_set_new(j, "vec_elems", json_integer((json_int_t)e->vec_elems));
	json_object_set_new(j, "tokens_per_second",
			    json_real((double)tokens * (double)chip->clock_hz / (double)e->cycles));
	json_object_set_new(
		j, "mac_utilisation",
		json_real((double)e->macs / ((double)e->cycles * (double)e->macs_cycle)));
	return j;
}

static void estimate_text(const char *name, const struct estimate *e, const struct ig1_config *chip,
			  const struct args *a, uint32_t tokens)
{
	unsigned int q;

	printf("%s: %u column%s at position %u: %" PRIu64 " cycles, %" PRIu64
	       " commands, %.0f tokens/s at %" PRIu64 " MHz\n",
	       name, tokens, tokens == 1 ? "" : "s", a->pos, e->cycles, e->commands,
	       (double)tokens * (double)chip->clock_hz / (double)e->cycles,
	       chip->clock_hz / 1000000);
	for (q = 0; q < IG1_ENGINE_COUNT; q++)
		printf("  %-5s %6" PRIu64 " commands, busy %5.1f %%\n", ig1_engine_names[q].name,
		       e->count[q], 100.0 * (double)e->busy[q] / (double)e->cycles);
	printf("  MACs  %" PRIu64 ", utilisation %.2f %%\n", e->macs,
	       100.0 * (double)e->macs / ((double)e->cycles * (double)e->macs_cycle));
}

static int estimate_program(struct ig1_image *img, const struct ig1_config *chip,
			    const struct args *a, int k, struct spans *spans, json_t *json)
{
	const struct ig1_image_manifest *m = ig1_image_manifest(img);
	bool decode = k == IG1_PROG_DECODE;
	uint32_t cols = a->have_cols ? a->cols : decode ? 1 : m->max_cols;
	struct estimate_step step = { .chip = chip,
				      .kind = (enum ig1_prog)k,
				      .cols = cols,
				      .pos = a->pos,
				      .kv_bytes = (uint64_t)m->kv_blocks * m->kv_block_bytes,
				      .state_bytes = m->state_bytes };
	struct diag d = { 0 };
	struct estimate e;
	int ret;

	if (cols > m->max_cols || a->pos >= m->context || (!decode && cols > m->context - a->pos)) {
		accelc_error("%s: %u columns at position %u; the program takes %u in %u positions",
			     accelc_program_names[k], cols, a->pos, m->max_cols, m->context);
		return ACCELC_USAGE;
	}
	ret = ig1_image_program(img, (uint32_t)k, &step.prog, &step.n_cmds);
	if (spans)
		spans->naming = (struct naming){ img, (uint32_t)k };
	if (!ret)
		ret = estimate_step(&step, spans ? write_span : NULL, spans, &e, &d);
	if (ret) {
		accelc_error("%s: program `%s`: %s", a->file, accelc_program_names[k],
			     d.err ? d.msg : strerror(-ret));
		return ACCELC_INPUT;
	}
	if (json)
		json_object_set_new(json, accelc_program_names[k], estimate_json(&e, chip, cols));
	else
		estimate_text(accelc_program_names[k], &e, chip, a, cols);
	return ACCELC_OK;
}

int accelc_estimate(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "program", OPT_PROGRAM, "NAME", 0, "prefill or decode (default: both)", 0 },
		{ "cols", OPT_COLS, "N", 0,
		  "columns (default: decode 1, prefill as many as it takes)", 0 },
		{ "pos", OPT_POS, "N", 0, "position of the first column (default: 0)", 0 },
		{ "trace", OPT_TRACE, "FILE", 0,
		  "write a Chrome trace of the program given, a row per engine, cycles as us", 0 },
		{ "json", OPT_JSON, NULL, 0, "print JSON", 0 },
		{ 0 },
	};
	static const struct argp argp = { options, parse, "FILE",
					  "Estimate the cycles of one step from a latency table." };
	struct args a = { .program = -1 };
	struct spans spans = { .first = true };
	const struct ig1_config *chip;
	struct ig1_image *img;
	int code = ACCELC_OK, k;
	json_t *json = NULL;

	argp_parse(&argp, argc, argv, 0, NULL, &a);
	if (a.trace && a.program < 0) {
		accelc_error("estimate: --trace needs --program");
		return ACCELC_USAGE;
	}
	img = accelc_open(a.file, &code);
	if (!img)
		return code;
	chip = accelc_image_chip(img);
	if (!chip || !ig1_image_manifest(img)) {
		accelc_error("%s: no manifest, or no chip configuration known here", a.file);
		code = ACCELC_INPUT;
		goto out;
	}
	if (a.trace) {
		spans.f = fopen(a.trace, "w");
		if (!spans.f) {
			accelc_error("%s: %s", a.trace, strerror(errno));
			code = ACCELC_FAILURE;
			goto out;
		}
		fputs("{\"traceEvents\":[", spans.f);
	}
	if (a.json)
		json = json_object();
	for (k = 0; k < IG1_PROGS && code == ACCELC_OK; k++) {
		if (a.program < 0 || a.program == k)
			code = estimate_program(img, chip, &a, k, spans.f ? &spans : NULL, json);
	}
	if (json && code == ACCELC_OK) {
		json_dumpf(json, stdout, JSON_INDENT(2));
		putchar('\n');
	}
	json_decref(json);
	if (spans.f) {
		fputs("\n]}\n", spans.f);
		if (fclose(spans.f) && code == ACCELC_OK) {
			accelc_error("%s: %s", a.trace, strerror(errno));
			code = ACCELC_FAILURE;
		}
	}
out:
	ig1_image_close(img);
	return code;
}
