// SPDX-License-Identifier: MIT
#include <time.h>

#include "compiler/passes/pass.h"

const struct pass passes[] = {
	{ "canon_rope", "reorder rows so that only the half-split rotation is left",
	  pass_canon_rope },
	{ "rom_routers", "routers into the weight ROM where the constant ROM is too small",
	  pass_rom_routers },
	{ "choose_format", "choose the ROM format of every matrix", pass_choose_format },
	{ "fuse_matmul", "one matmul for matrices of one input and format", pass_fuse_matmul },
	{ "linear_form", "choose the recurrent or the parallel form of linear attention",
	  pass_linear_form },
	{ "split_attention", "quantise queries, keys and values; store and attend apart",
	  pass_split_attention },
	{ "expand_act", "activations as single passes of the vector unit", pass_expand_act },
	{ "merge_slices", "one operation for equal ones on neighbouring slices",
	  pass_merge_slices },
	{ "pack_kv", "keys and values side by side", pass_pack_kv },
	{ "fuse_residual", "matmuls accumulate into the residual", pass_fuse_residual },
	{ "insert_quant", "quantise the inputs of matmuls", pass_insert_quant },
	{ "fuse_quant", "quantise where a value is made", pass_fuse_quant },
	{ "sink_queries", "make queries while keys and values are stored", pass_sink_queries },
	{ "dead_code", "remove what is not used", pass_dead_code },
	{ "place_rom", "addresses in the weight ROM", pass_place_rom },
	{ "place_crom", "addresses in the constant ROM", pass_place_crom },
	{ "place_state", "offsets in a sequence's state", pass_place_state },
};

const size_t n_passes = sizeof(passes) / sizeof(passes[0]);

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

int passes_run(struct ir_model *m, const struct pass_options *o, const struct pass_watch *watch)
{
	size_t i;
	int ret;

	ret = ir_verify(m);
	for (i = 0; i < n_passes && !ret; i++) {
		double t = now();

		ret = passes[i].run(m, o);
		if (!ret)
			ret = ir_verify(m);
		if (!ret && watch && watch->after)
			ret = watch->after(watch->ctx, passes[i].name, m, now() - t);
	}
	return ret;
}
