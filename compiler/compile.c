// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "compiler/compile.h"
#include "compiler/codegen/hazards.h"
#include "compiler/frontends/frontend.h"

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

const struct ig1_config *compile_chip(const char *name)
{
	size_t i;

	for (i = 0; i < IG1_CONFIGS; i++) {
		if (!strcmp(ig1_configs[i].name, name))
			return &ig1_configs[i];
	}
	return NULL;
}

static int stage(const struct compile_options *o, struct compile_result *r, const char *name,
		 double since)
{
	if (!o->watch.after)
		return 0;
	return o->watch.after(o->watch.ctx, name, &r->model, now() - since);
}

static const char *command_name(void *ctx, uint32_t index)
{
	const struct cg_prog *p = ctx;

	return index < p->n_cmds ? p->cmds[index].name : NULL;
}

/* A program with a hazard is a bug of this compiler; it must not leave it. */
static int check_hazards(const struct compile_options *o, struct compile_result *r)
{
	struct hazards_stats stats;
	unsigned int k;
	int ret = 0;

	for (k = 0; k < IG1_PROGS && !ret; k++) {
		struct cg_prog *p = &r->code.prog[k];
		struct hazards_program hp = {
			.chip = o->chip,
			.kind = (enum ig1_prog)k,
			.context = r->model.meta.context,
			.max_cols = r->code.shape.cols,
			.kv_block_bytes = r->code.kv.block_bytes,
			.state_bytes = r->model.meta.state_bytes,
			.window = r->code.kv.window,
			.ring = r->code.kv.ring,
			.ring_bytes = r->code.kv.ring_bytes,
			.name = command_name,
			.name_ctx = p,
		};
		uint8_t *code = NULL;
		size_t bytes;

		ret = cg_encode_all(p, &code, &bytes);
		hp.prog = code;
		hp.n_cmds = p->n_cmds;
		if (!ret)
			ret = hazards_check(&hp, &stats, &r->model.diag);
		free(code);
	}
	return ret;
}

static int run(const struct compile_options *o, struct compile_result *r,
	       const struct gguf_file *src)
{
	struct pass_options po = { .chip = o->chip, .format = o->format, .linear = o->linear };
	struct cg_options co = { .chip = o->chip };
	double t = now();
	int ret;

	ret = fe_build(&r->model, src, o->context);
	if (!ret)
		ret = ir_verify(&r->model);
	if (!ret)
		ret = stage(o, r, COMPILE_STAGE_BUILD, t);
	if (!ret)
		ret = passes_run(&r->model, &po, &o->watch);
	t = now();
	if (!ret)
		ret = cg_generate(&r->model, &co, &r->code);
	if (!ret)
		ret = stage(o, r, COMPILE_STAGE_GENERATE, t);
	t = now();
	if (!ret)
		ret = check_hazards(o, r);
	if (!ret)
		ret = stage(o, r, COMPILE_STAGE_HAZARDS, t);
	if (!ret && !o->out && o->losses)
		ret = build_losses(&r->model);
	t = now();
	if (!ret && o->out) {
		ret = build_image(&r->model, &r->code, o->chip, src, &o->progress, o->out);
		if (!ret)
			ret = stage(o, r, COMPILE_STAGE_WRITE, t);
	}
	return ret;
}

int compile_model(const struct compile_options *o, struct compile_result *r)
{
	struct gguf_error err = { 0 };
	struct gguf_file *f = NULL;
	int ret;

	ir_init(&r->model);
	r->code = (struct cg_output){ 0 };
	r->n_left_out = 0;
	if (o->data) {
		ret = gguf_open_mem(o->data, o->size, &f, &err);
		if (ret)
			return diag_set(&r->model.diag, ret, "%s: %s", o->model, err.msg);
	} else {
		ret = source_open(o->model, &f, &err);
		if (ret)
			return diag_set(&r->model.diag, ret, "%s", err.msg);
	}
	r->n_left_out = source_left_out(f, r->left_out);
	r->model.progress = &o->progress;
	ret = run(o, r, f);
	r->model.progress = NULL;
	if (ret < 0)
		source_explain(f, r->model.diag.msg, sizeof(r->model.diag.msg));
	gguf_close(f);
	return ret;
}

void compile_free(struct compile_result *r)
{
	cg_output_free(&r->code);
	ir_free(&r->model);
}
