// SPDX-License-Identifier: MIT
/* JSON as Python writes it: integers of any size, Infinity and NaN. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "compiler/tests/hf_fixture.h"

#define BIG	 "1000000000000000019884624838656"
#define LLAMA(s) "{\"architectures\":[\"LlamaForCausalLM\"]," FX_SIZES s "}"
#define TOKENIZER                                                                             \
	"{\"pre_tokenizer\":{\"type\":\"ByteLevel\"},\"model\":{\"type\":\"BPE\",\"vocab\":{" \
	"\"a\":0,\"b\":1,\"ab\":2},\"merges\":[\"a b\"]},\"added_tokens\":[{\"id\":3,"        \
	"\"content\":\"<|end|>\",\"special\":true}]}"

/* What the length is when it is unknown. */
static void test_model_max_length(void **state)
{
	(void)state;
	fx_put_globals();
	hf_put_text(&fx_folder, "tokenizer.json", TOKENIZER);
	hf_put_text(&fx_folder, "tokenizer_config.json",
		    "{\"eos_token\":\"<|end|>\",\"model_max_length\":" BIG "}");
	fx_open_folder(LLAMA("\"a\":0"));
	fx_key_u32("tokenizer.ggml.eos_token_id", 3);
	fx_reset();
}

static void test_values(void **state)
{
	(void)state;
	/* strings stay, numbers have their values */
	fx_put_globals();
	fx_open_folder(LLAMA("\"_name_or_path\":\"Infinity, \\\" NaN " BIG "\",\"rope_theta\":" BIG
			     ",\"a\":[-Infinity,NaN,Infinity,-" BIG ",9223372036854775808,"
			     "-9223372036854775808,9223372036854775807]"));
	fx_key_str("general.name", "Infinity, \" NaN " BIG);
	fx_key_f32("llama.rope.freq_base", 1e30f);
	fx_reset();
	fx_put_globals();
	fx_open_folder(LLAMA("\"rope_theta\":9223372036854775808"));
	fx_key_f32("llama.rope.freq_base", 0x1p63f);
	fx_reset();
}

/* None of them is a number that a key takes, and what is no JSON in Python stays none. */
static void test_refused(void **state)
{
	static const struct {
		const char *config, *says;
	} cases[] = {
		{ LLAMA("\"head_dim\":" BIG), "config.json: head_dim: not an integer" },
		{ LLAMA("\"head_dim\":Infinity"), "config.json: head_dim: not an integer" },
		{ LLAMA("\"rope_theta\":Infinity"), "rope_theta: not a number" },
		{ LLAMA("\"rope_theta\":-Infinity"), "rope_theta: not a number" },
		{ LLAMA("\"rope_theta\":NaN"), "rope_theta: not a number" },
		{ LLAMA("\"a\":1e999"), "config.json: line 1: real number overflow" },
		{ LLAMA("\"a\":Infinity,\"b\":nan"), "config.json: line 1: invalid token near" },
		{ LLAMA("\"a\":Infinity,\"architectures\":1"), "config.json: line 1: invalid" },
		{ LLAMA("\"a\":1Infinity"), "config.json: line 1: " },
		{ LLAMA("\"a\":--Infinity"), "config.json: line 1: " },
		{ LLAMA("\"a\":-NaN"), "config.json: line 1: " },
		{ LLAMA("\"a\":0" BIG), "config.json: line 1: " },
		{ "{\"a\":NaN,\"b\\", "config.json: line 1: " },
		{ "{\"a\":NaN,\"b\\\"", "config.json: line 1: " },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fx_put_globals();
		fx_refused(cases[i].config, -EINVAL, cases[i].says);
	}
}

#define MAMBA2(s)                                                       \
	"{\"architectures\":[\"Mamba2ForCausalLM\"],\"hidden_size\":8," \
	"\"num_hidden_layers\":1,\"num_heads\":4,\"head_dim\":4,\"state_size\":3" s "}"

static void test_time_step_limit(void **state)
{
	static const char *const taken[] = {
		MAMBA2(""),
		MAMBA2(",\"time_step_limit\":null"),
		MAMBA2(",\"time_step_limit\":[0.0,Infinity]"),
		MAMBA2(",\"time_step_limit\":[0,Infinity]"),
	};
	static const struct {
		const char *config, *says;
	} refused[] = {
		{ MAMBA2(",\"time_step_limit\":[0.001,0.1]"),
		  "time_step_limit: [0.001,0.1], supported for mamba2: [0,inf]" },
		{ MAMBA2(",\"time_step_limit\":[0.0,100]"), "time_step_limit: [0,100], supported" },
		{ MAMBA2(",\"time_step_limit\":[0.5,Infinity]"), "time_step_limit: [0.5,inf]" },
		{ MAMBA2(",\"time_step_limit\":[0]"), "time_step_limit: an array, supported" },
		{ "{\"architectures\":[\"NemotronHForCausalLM\"]," FX_SIZES
		  "\"mlp_hidden_act\":\"relu2\",\"time_step_limit\":[0.0,1.0]}",
		  "time_step_limit: [0,1], supported for nemotron_h:" },
		{ "{\"architectures\":[\"NemotronHForCausalLM\"]," FX_SIZES
		  "\"mlp_hidden_act\":\"relu2\",\"n_routed_experts\":2,"
		  "\"time_step_limit\":[0.0,1.0]}",
		  "time_step_limit: [0,1], supported for nemotron_h_moe:" },
		{ "{\"architectures\":[\"GraniteMoeHybridForCausalLM\"]," FX_SIZES
		  "\"time_step_limit\":[0.0,1.0]}",
		  "time_step_limit: [0,1], supported for granitehybrid:" },
		{ "{\"architectures\":[\"FalconH1ForCausalLM\"]," FX_SIZES
		  "\"mamba_norm_before_gate\":false,\"time_step_limit\":[0.0,1.0]}",
		  "time_step_limit: [0,1], supported for falcon-h1:" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		fx_put("backbone.embeddings.weight", 5, 8, 0);
		fx_open_folder(taken[i]);
		fx_reset();
	}
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		fx_put("backbone.embeddings.weight", 5, 8, 0);
		fx_refused(refused[i].config, -ENOTSUP, refused[i].says);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model_max_length),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_time_step_limit),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
