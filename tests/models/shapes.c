// SPDX-License-Identifier: MIT
#include "tests/models/shapes.h"

#include <string.h>

#include "compiler/quant/ggml_types.h"
#include "compiler/tests/gguf_walk.h"

/* The seeds are such that the first one agrees with the int8 pass; see test_models.c. */
/* clang-format off */
const struct synth_model shapes[] = {
	{ .name = "llama-mha", .arch = "llama", .seed = 4, .layers = 2, .width = 72, .heads = 6,
	  .kv_heads = 6, .ff = 100, .vocab = 301, .context = 70, .tied = true, .eps = 1e-5f,
	  .type = GGML_TYPE_F32 },
	{ .name = "llama-gqa-freqs", .arch = "llama", .seed = 3, .layers = 2, .width = 128,
	  .heads = 4, .kv_heads = 2, .ff = 224, .vocab = 512, .context = 96, .eps = 1e-6f,
	  .rope_dims = 32, .rope_base = 500000, .rope_freqs = true, .type = GGML_TYPE_Q8_0 },
	{ .name = "llama-mqa-linear", .arch = "llama", .layers = 2, .width = 72, .heads = 6,
	  .kv_heads = 1, .head_size = 20, .ff = 100, .vocab = 97, .context = 128,
	  .bias = SYNTH_BIAS_ALL, .eps = 1e-5f, .scaling = "linear", .factor = 4,
	  .type = GGML_TYPE_F16 },
	{ .name = "llama-d64-yarn", .arch = "llama", .seed = 1, .layers = 2, .width = 96,
	  .heads = 2, .kv_heads = 1, .head_size = 64, .ff = 160, .vocab = 320, .context = 128,
	  .eps = 1e-5f, .scaling = "yarn", .factor = 4, .original = 32, .type = GGML_TYPE_BF16 },
	{ .name = "llama-d8-partial", .arch = "llama", .layers = 3, .width = 64, .heads = 8,
	  .kv_heads = 4, .ff = 192, .vocab = 400, .context = 80, .tied = true, .eps = 1e-5f,
	  .rope_dims = 4, .type = GGML_TYPE_Q4_0 },
	{ .name = "llama-kquants", .arch = "llama", .seed = 11, .layers = 2, .width = 256,
	  .heads = 4, .kv_heads = 2, .ff = 256, .vocab = 300, .context = 100, .eps = 1e-5f,
	  .rope_freqs = true, .type = GGML_TYPE_Q4_K, .type2 = GGML_TYPE_Q6_K },
	{ .name = "llama-ternary", .arch = "llama", .seed = 7, .layers = 2, .width = 256,
	  .heads = 4, .kv_heads = 2, .ff = 256, .vocab = 300, .context = 96, .eps = 1e-5f,
	  .type = GGML_TYPE_TQ2_0, .type2 = GGML_TYPE_Q8_0 },
	{ .name = "llama-mxfp4", .arch = "llama", .seed = 3, .layers = 2, .width = 96, .heads = 4,
	  .kv_heads = 2, .ff = 160, .vocab = 300, .context = 96, .eps = 1e-5f,
	  .type = GGML_TYPE_MXFP4 },
	{ .name = "llama-affine", .arch = "llama", .layers = 3, .width = 96, .heads = 4,
	  .kv_heads = 2, .ff = 160, .vocab = 300, .context = 96, .tied = true, .eps = 1e-5f,
	  .type = GGML_TYPE_Q4_1, .type2 = GGML_TYPE_Q5_1, .type2_from = 1 },
	{ .name = "llama-nvfp4", .arch = "llama", .seed = 4, .layers = 2, .width = 128, .heads = 4,
	  .kv_heads = 2, .ff = 192, .vocab = 300, .context = 96, .tied = true, .eps = 1e-5f,
	  .type = GGML_TYPE_NVFP4 },
	{ .name = "llama-iq4", .arch = "llama", .layers = 2, .width = 96, .heads = 4,
	  .kv_heads = 2, .ff = 160, .vocab = 300, .context = 96, .tied = true, .eps = 1e-5f,
	  .type = GGML_TYPE_IQ4_NL },
	{ .name = "llama-d128", .arch = "llama", .seed = 1, .layers = 1, .width = 128, .heads = 2,
	  .kv_heads = 2, .head_size = 128, .ff = 96, .vocab = 288, .context = 256, .eps = 1e-5f,
	  .type = GGML_TYPE_Q8_0 },
	{ .name = "llama-d80-yarn-freqs", .arch = "llama", .seed = 1, .layers = 2, .width = 160,
	  .heads = 2, .kv_heads = 1, .head_size = 80, .ff = 130, .vocab = 333, .context = 200,
	  .eps = 1e-5f, .scaling = "yarn", .factor = 8, .original = 40, .attn_factor = 1.25f,
	  .beta_fast = 16, .beta_slow = 2, .rope_freqs = true, .type = GGML_TYPE_F16 },
	{ .name = "llama-deep", .arch = "llama", .layers = 7, .width = 64, .heads = 4,
	  .kv_heads = 2, .ff = 64, .ff_step = 36, .vocab = 300, .context = 72, .tied = true,
	  .eps = 1e-5f, .type = GGML_TYPE_Q4_0, .type2 = GGML_TYPE_Q8_0 },
	{ .name = "llama-odd", .arch = "llama", .seed = 1, .layers = 2, .width = 75, .heads = 5,
	  .kv_heads = 5, .head_size = 14, .ff = 101, .vocab = 303, .context = 75,
	  .bias = SYNTH_BIAS_ALL, .eps = 1e-5f, .type = GGML_TYPE_F32 },
	{ .name = "llama-fused", .arch = "llama", .seed = 1, .layers = 2, .width = 75, .heads = 5,
	  .kv_heads = 5, .head_size = 14, .ff = 101, .vocab = 303, .context = 75,
	  .bias = SYNTH_BIAS_ALL, .fused_qkv = true, .eps = 1e-5f, .type = GGML_TYPE_Q8_0 },
	{ .name = "llama-heads40", .arch = "llama", .seed = 1, .layers = 1, .width = 96,
	  .heads = 40, .kv_heads = 8, .head_size = 10, .ff = 64, .vocab = 300, .context = 96,
	  .eps = 1e-5f, .scale_linear = 2.5f, .type = GGML_TYPE_F16 },
	{ .name = "llama-runs", .arch = "llama", .layers = 6, .width = 64, .heads = 4,
	  .kv_heads = 4, .ff = 96, .vocab = 300, .context = 72, .tied = true, .eps = 1e-5f,
	  .bias = SYNTH_BIAS_Q | SYNTH_BIAS_O | SYNTH_BIAS_UP, .type = GGML_TYPE_Q4_0,
	  .type2 = GGML_TYPE_Q8_0, .type2_from = 2 },
	{ .name = "llama-tiny", .arch = "llama", .layers = 1, .width = 6, .heads = 2, .kv_heads = 1,
	  .head_size = 4, .ff = 3, .vocab = 5, .context = 71, .eps = 1e-5f, .type = GGML_TYPE_F32 },
	{ .name = "qwen2-d8", .arch = "qwen2", .layers = 2, .width = 64, .heads = 8, .kv_heads = 2,
	  .ff = 96, .vocab = 512, .context = 96, .tied = true, .bias = SYNTH_BIAS_ALL, .eps = 1e-6f,
	  .rope_base = 1e6f, .type = GGML_TYPE_Q8_0 },
	{ .name = "qwen2-no-bias", .arch = "qwen2", .layers = 2, .width = 64, .heads = 8, .kv_heads = 2,
	  .ff = 96, .vocab = 512, .context = 96, .tied = true, .eps = 1e-6f,
	  .rope_base = 1e6f, .type = GGML_TYPE_Q8_0 },
	{ .name = "qwen2-deep", .arch = "qwen2", .seed = 2, .layers = 8, .width = 40, .heads = 4,
	  .kv_heads = 2, .ff = 56, .vocab = 300, .context = 71, .bias = SYNTH_BIAS_QKV,
	  .eps = 1e-6f, .type = GGML_TYPE_F32 },
	{ .name = "qwen2-d20-partial", .arch = "qwen2", .layers = 2, .width = 72, .heads = 6,
	  .kv_heads = 3, .head_size = 20, .ff = 100, .vocab = 299, .context = 90,
	  .bias = SYNTH_BIAS_ALL, .eps = 1e-6f, .rope_dims = 10, .type = GGML_TYPE_F32 },
	{ .name = "qwen2-d64-yarn", .arch = "qwen2", .layers = 2, .width = 128, .heads = 2,
	  .kv_heads = 2, .ff = 224, .vocab = 512, .context = 256, .bias = SYNTH_BIAS_ALL,
	  .eps = 1e-6f, .rope_base = 1e6f, .scaling = "yarn", .factor = 4, .original = 64,
	  .type = GGML_TYPE_Q4_0, .type2 = GGML_TYPE_Q8_0 },
	{ .name = "qwen3-d128-wide", .arch = "qwen3", .layers = 2, .width = 96, .heads = 3,
	  .kv_heads = 1, .head_size = 128, .ff = 160, .vocab = 384, .context = 128, .tied = true,
	  .eps = 1e-6f, .rope_base = 1e6f, .type = GGML_TYPE_Q8_0 },
	{ .name = "qwen3-d20", .arch = "qwen3", .seed = 1, .layers = 2, .width = 72, .heads = 6,
	  .kv_heads = 2, .head_size = 20, .ff = 100, .vocab = 301, .context = 77, .eps = 1e-6f,
	  .type = GGML_TYPE_F32 },
	{ .name = "qwen3-fused", .arch = "qwen3", .seed = 1, .layers = 2, .width = 72, .heads = 6,
	  .kv_heads = 2, .head_size = 20, .ff = 100, .vocab = 301, .context = 77, .fused_qkv = true, .bias = SYNTH_BIAS_QKV, .eps = 1e-6f,
	  .type = GGML_TYPE_F32 },
	{ .name = "qwen3-1bit", .arch = "qwen3", .seed = 2, .layers = 2, .width = 128, .heads = 4,
	  .kv_heads = 2, .head_size = 32, .ff = 384, .vocab = 300, .context = 96, .eps = 1e-6f,
	  .type = GGML_TYPE_Q1_0 },
	{ .name = "qwen3-d64-eps", .arch = "qwen3", .seed = 1, .layers = 2, .width = 64, .heads = 4,
	  .kv_heads = 1, .head_size = 64, .ff = 128, .vocab = 300, .context = 128, .eps = 0.25f,
	  .scaling = "yarn", .factor = 2, .original = 48, .type = GGML_TYPE_Q4_0 },
	{ .name = "qwen3-d80-partial", .arch = "qwen3", .seed = 1, .layers = 2, .width = 90,
	  .heads = 4, .kv_heads = 2, .head_size = 80, .ff = 70, .vocab = 310, .context = 96,
	  .eps = 1e-6f, .rope_dims = 40, .scaling = "linear", .factor = 3, .type = GGML_TYPE_BF16 },
	/* windows shorter than the prompt, caps, sinks, other norms and positions */
	{ .name = "llama-window-sinks", .arch = "llama", .layers = 3, .width = 64, .heads = 6,
	  .kv_heads = 2, .head_size = 16, .ff = 96, .vocab = 300, .context = 128, .eps = 1e-5f,
	  .window = 21, .sinks = true, .type = GGML_TYPE_Q8_0 },
	{ .name = "llama-sinks", .arch = "llama", .layers = 2, .width = 64, .heads = 4,
	  .kv_heads = 4, .ff = 96, .vocab = 300, .context = 96, .eps = 1e-5f, .sinks = true,
	  .type = GGML_TYPE_F32 },
	{ .name = "gemma", .arch = "gemma", .layers = 2, .width = 48, .heads = 2, .kv_heads = 1,
	  .head_size = 64, .ff = 100, .vocab = 300, .context = 96, .tied = true, .eps = 1e-6f,
	  .type = GGML_TYPE_Q8_0 },
	{ .name = "gemma-bias", .arch = "gemma", .layers = 2, .width = 48, .heads = 2, .kv_heads = 1,
	  .head_size = 64, .ff = 100, .vocab = 300, .context = 96, .tied = true, .bias = SYNTH_BIAS_QKV, .eps = 1e-6f,
	  .type = GGML_TYPE_Q8_0 },
	{ .name = "gemma2", .arch = "gemma2", .layers = 6, .width = 48, .heads = 4, .kv_heads = 2,
	  .head_size = 32, .ff = 100, .vocab = 300, .context = 128, .tied = true, .eps = 1e-6f,
	  .window = 24, .attn_cap = 2, .final_cap = 5, .type = GGML_TYPE_Q8_0 },
	{ .name = "gemma2-defaults", .arch = "gemma2", .layers = 2, .width = 48, .heads = 4,
	  .kv_heads = 2, .ff = 64, .vocab = 300, .context = 96, .tied = true, .eps = 1e-6f,
	  .type = GGML_TYPE_F16 },
	{ .name = "gemma3", .arch = "gemma3", .layers = 13, .width = 32, .heads = 2, .kv_heads = 1,
	  .head_size = 32, .ff = 64, .vocab = 300, .context = 96, .tied = true, .eps = 1e-6f,
	  .rope_base = 1e6f, .scaling = "linear", .factor = 8, .window = 20,
	  .type = GGML_TYPE_Q8_0 },
	{ .name = "gemma3-cap", .arch = "gemma3", .layers = 2, .width = 32, .heads = 2,
	  .kv_heads = 2, .head_size = 20, .ff = 64, .vocab = 300, .context = 96, .eps = 1e-6f,
	  .base_win = 5000, .window = 32, .pattern = 2, .final_cap = 4, .type = GGML_TYPE_F32 },
	/* windows that hide nothing: the layers' rotations differ all the same */
	{ .name = "gemma3-wide", .arch = "gemma3", .layers = 3, .width = 32, .heads = 2,
	  .kv_heads = 1, .head_size = 32, .ff = 64, .vocab = 300, .context = 96, .tied = true,
	  .eps = 1e-6f, .rope_base = 1e6f, .scaling = "linear", .factor = 8, .window = 96,
	  .pattern = 2, .type = GGML_TYPE_Q8_0 },
	{ .name = "olmo2-wide-yarn", .arch = "olmo2", .layers = 4, .width = 64, .heads = 4,
	  .kv_heads = 4, .ff = 96, .vocab = 300, .context = 96, .eps = 1e-6f, .window = 200,
	  .scaling = "yarn", .factor = 4, .original = 24, .type = GGML_TYPE_Q8_0 },
	{ .name = "olmo2", .arch = "olmo2", .layers = 3, .width = 64, .heads = 4, .kv_heads = 2,
	  .ff = 96, .vocab = 300, .context = 96, .eps = 1e-6f, .rope_base = 500000,
	  .type = GGML_TYPE_Q8_0 },
	{ .name = "olmo2-bias", .arch = "olmo2", .layers = 3, .width = 64, .heads = 4, .kv_heads = 2,
	  .ff = 96, .vocab = 300, .context = 96, .bias = SYNTH_BIAS_Q | SYNTH_BIAS_V, .eps = 1e-6f, .rope_base = 500000,
	  .type = GGML_TYPE_Q8_0 },
	{ .name = "olmo2-window-yarn", .arch = "olmo2", .layers = 4, .width = 64, .heads = 4,
	  .kv_heads = 4, .ff = 96, .vocab = 300, .context = 96, .eps = 1e-6f, .window = 33,
	  .scaling = "yarn", .factor = 4, .original = 24, .attn_factor = 1.2f,
	  .type = GGML_TYPE_Q8_0 },
	{ .name = "granite", .arch = "granite", .layers = 3, .width = 64, .heads = 4,
	  .kv_heads = 2, .ff = 96, .vocab = 300, .context = 96, .tied = true, .eps = 1e-5f,
	  .attn_scale = 0.125f, .embd_scale = 6, .residual_scale = 0.3f, .logit_scale = 4,
	  .type = GGML_TYPE_Q8_0 },
	{ .name = "granite-norope", .arch = "granite", .layers = 2, .width = 60, .heads = 3,
	  .kv_heads = 3, .ff = 90, .vocab = 300, .context = 80, .eps = 1e-5f, .embd_scale = 2,
	  .residual_scale = 1.5f, .bias = SYNTH_BIAS_ALL, .no_rope = true,
	  .type = GGML_TYPE_F32 },
	{ .name = "phi3-long", .arch = "phi3", .layers = 2, .width = 96, .heads = 4, .kv_heads = 4,
	  .ff = 96, .vocab = 300, .context = 128, .eps = 1e-5f, .rope_dims = 18,
	  .original = 64, .attn_factor = 1.19f, .rope_freqs = true, .type = GGML_TYPE_Q4_0 },
	{ .name = "phi3-short-window", .arch = "phi3", .layers = 2, .width = 64, .heads = 4,
	  .kv_heads = 2, .ff = 96, .vocab = 300, .context = 96, .eps = 1e-5f, .scaling = "longrope",
	  .original = 96, .rope_freqs = true, .window = 40, .bias = SYNTH_BIAS_ALL,
	  .type = GGML_TYPE_Q8_0 },
	{ .name = "starcoder2", .arch = "starcoder2", .layers = 3, .width = 64, .heads = 4,
	  .kv_heads = 2, .ff = 128, .vocab = 300, .context = 96, .eps = 1e-5f, .window = 27,
	  .bias = SYNTH_BIAS_ALL, .type = GGML_TYPE_Q8_0 },
	{ .name = "starcoder2-no-qkv", .arch = "starcoder2", .layers = 3, .width = 64, .heads = 4,
	  .kv_heads = 2, .ff = 128, .vocab = 300, .context = 96, .eps = 1e-5f, .window = 27,
	  .bias = SYNTH_BIAS_ALL & ~SYNTH_BIAS_QKV, .type = GGML_TYPE_Q8_0 },
	{ .name = "gpt2", .arch = "gpt2", .layers = 3, .width = 64, .heads = 4, .kv_heads = 4,
	  .ff = 128, .vocab = 300, .context = 96, .tied = true, .eps = 1e-5f,
	  .bias = SYNTH_BIAS_ALL, .type = GGML_TYPE_Q8_0 },
	/* mixtures of experts */
	{ .name = "llama-moe8x2", .arch = "llama", .seed = 1, .layers = 2, .width = 64, .heads = 4,
	  .kv_heads = 2, .ff = 96, .vocab = 300, .context = 96, .tied = true, .eps = 1e-5f,
	  .experts = 8, .used = 2, .type = GGML_TYPE_F32 },
	{ .name = "llama-moe-single", .arch = "llama", .seed = 2, .layers = 2, .width = 72, .heads = 6,
	  .kv_heads = 3, .ff = 75, .vocab = 301, .context = 80, .eps = 1e-5f,
	  .bias = SYNTH_BIAS_QKV, .experts = 5, .used = 3, .expert_files = SYNTH_SINGLE,
	  .type = GGML_TYPE_F16 },
	{ .name = "llama-moe-one", .arch = "llama", .seed = 3, .layers = 2, .width = 64, .heads = 4,
	  .kv_heads = 2, .ff = 64, .vocab = 300, .context = 72, .eps = 1e-5f, .experts = 1,
	  .used = 1, .expert_files = SYNTH_SINGLE, .type = GGML_TYPE_Q8_0 },
	{ .name = "llama-moe-runs", .arch = "llama", .seed = 13, .layers = 5, .width = 64, .heads = 4,
	  .kv_heads = 4, .ff = 64, .vocab = 300, .context = 72, .eps = 1e-5f, .experts = 7,
	  .used = 2, .type = GGML_TYPE_Q4_0, .type2 = GGML_TYPE_Q8_0 },
	{ .name = "qwen3moe-7x1", .arch = "qwen3moe", .layers = 2, .width = 64, .heads = 4,
	  .kv_heads = 2, .head_size = 32, .ff = 64, .vocab = 300, .context = 96, .eps = 1e-6f,
	  .experts = 7, .used = 1, .expert_ff = 96, .type = GGML_TYPE_Q8_0 },
	{ .name = "qwen3moe-fused", .arch = "qwen3moe", .seed = 4, .layers = 2, .width = 75, .heads = 5,
	  .kv_heads = 1, .head_size = 20, .ff = 64, .vocab = 303, .context = 75, .tied = true,
	  .eps = 1e-6f, .experts = 16, .used = 4, .expert_ff = 50, .expert_files = SYNTH_FUSED,
	  .type = GGML_TYPE_BF16 },
	{ .name = "qwen3moe-64x8", .arch = "qwen3moe", .layers = 3, .width = 64, .heads = 4,
	  .kv_heads = 2, .ff = 64, .vocab = 300, .context = 80, .eps = 1e-6f, .rope_base = 1e6f,
	  .experts = 64, .used = 8, .expert_ff = 32, .type = GGML_TYPE_Q4_0 },
	{ .name = "qwen2moe-6x6", .arch = "qwen2moe", .layers = 2, .width = 64, .heads = 4,
	  .kv_heads = 2, .ff = 64, .vocab = 300, .context = 80, .bias = SYNTH_BIAS_ALL,
	  .eps = 1e-6f, .experts = 6, .used = 6, .expert_ff = 44, .shared_ff = 100,
	  .type = GGML_TYPE_F32 },
	{ .name = "qwen2moe-12x4", .arch = "qwen2moe", .seed = 8, .layers = 3, .width = 96, .heads = 3,
	  .kv_heads = 3, .ff = 64, .vocab = 300, .context = 80, .bias = SYNTH_BIAS_QKV,
	  .eps = 1e-6f, .experts = 12, .used = 4, .expert_ff = 64, .shared_ff = 96,
	  .type = GGML_TYPE_Q8_0 },
	{ .name = "olmoe", .arch = "olmoe", .layers = 2, .width = 64, .heads = 4, .kv_heads = 2,
	  .ff = 48, .vocab = 300, .context = 96, .eps = 1e-5f, .experts = 9, .used = 3,
	  .type = GGML_TYPE_Q8_0 },
	{ .name = "granitemoe", .arch = "granitemoe", .seed = 1, .layers = 3, .width = 64, .heads = 4,
	  .kv_heads = 2, .ff = 40, .vocab = 300, .context = 96, .tied = true, .eps = 1e-5f,
	  .attn_scale = 0.125f, .embd_scale = 6, .residual_scale = 0.3f, .logit_scale = 4,
	  .experts = 10, .used = 3, .shared_ff = 72, .type = GGML_TYPE_Q8_0 },
	{ .name = "granitemoe-plain", .arch = "granitemoe", .layers = 2, .width = 60, .heads = 3,
	  .kv_heads = 3, .ff = 33, .vocab = 300, .context = 80, .eps = 1e-5f, .experts = 5,
	  .used = 2, .type = GGML_TYPE_F16 },
	{ .name = "afmoe", .arch = "afmoe", .seed = 8, .layers = 5, .width = 64, .heads = 4, .kv_heads = 2,
	  .head_size = 32, .ff = 96, .vocab = 300, .context = 96, .eps = 1e-5f, .window = 24,
	  .experts = 8, .used = 2, .expert_ff = 32, .shared_ff = 64, .dense_layers = 1,
	  .select_bias = true, .weights_norm = true, .weights_scale = 2.826f,
	  .type = GGML_TYPE_Q8_0 },
	{ .name = "afmoe-fused", .arch = "afmoe", .seed = 8, .layers = 5, .width = 64, .heads = 4, .kv_heads = 2,
	  .head_size = 32, .ff = 96, .vocab = 300, .context = 96, .fused_qkv = true, .bias = SYNTH_BIAS_QKV, .eps = 1e-5f, .window = 24,
	  .experts = 8, .used = 2, .expert_ff = 32, .shared_ff = 64, .dense_layers = 1,
	  .select_bias = true, .weights_norm = true, .weights_scale = 2.826f,
	  .type = GGML_TYPE_Q8_0 },
	{ .name = "afmoe-softmax", .arch = "afmoe", .seed = 1, .layers = 4, .width = 60, .heads = 3,
	  .kv_heads = 3, .ff = 60, .vocab = 300, .context = 80, .tied = true, .eps = 1e-5f,
	  .experts = 6, .used = 3, .expert_ff = 20, .shared_ff = 20, .gating = 1, .weights_scale = 1.5f,
	  .type = GGML_TYPE_F32 },
	{ .name = "gpt-oss", .arch = "gpt-oss", .seed = 3, .layers = 4, .width = 64, .heads = 4, .kv_heads = 2,
	  .head_size = 32, .ff = 48, .vocab = 300, .context = 128, .eps = 1e-5f,
	  .bias = SYNTH_BIAS_QKV | SYNTH_BIAS_O, .rope_base = 150000, .scaling = "yarn",
	  .factor = 32, .original = 32, .window = 16, .sinks = true, .experts = 8, .used = 4,
	  .expert_ff = 64, .type = GGML_TYPE_Q8_0, .expert_type = GGML_TYPE_MXFP4 },
	{ .name = "deepseek2-lite", .arch = "deepseek2", .layers = 3, .width = 64, .heads = 4,
	  .kv_heads = 1, .head_size = 48, .ff = 96, .vocab = 300, .context = 96, .eps = 1e-6f,
	  .rope_dims = 16, .mla_rank = 32, .mla_plain = 32, .mla_value = 32, .experts = 8,
	  .used = 3, .expert_ff = 32, .shared_ff = 64, .dense_layers = 1, .weights_scale = 1,
	  .type = GGML_TYPE_Q8_0 },
	{ .name = "deepseek2-groups", .arch = "deepseek2", .seed = 2, .layers = 3, .width = 64, .heads = 3,
	  .kv_heads = 1, .head_size = 60, .ff = 64, .vocab = 300, .context = 96, .eps = 1e-6f,
	  .rope_dims = 20, .scaling = "yarn", .factor = 8, .original = 32, .yarn_log = 0.0707f,
	  .mla_rank = 40, .mla_q_rank = 48, .mla_plain = 24, .mla_value = 20, .experts = 16,
	  .used = 4, .expert_ff = 32, .shared_ff = 32, .gating = 2, .groups = 4, .used_groups = 2,
	  .select_bias = true, .weights_norm = true, .weights_scale = 2.5f,
	  .type = GGML_TYPE_F32 },
	{ .name = "deepseek2-yarn", .arch = "deepseek2", .seed = 1, .layers = 2, .width = 64, .heads = 2,
	  .kv_heads = 1, .head_size = 128, .ff = 64, .vocab = 300, .context = 96, .eps = 1e-6f,
	  .rope_dims = 64, .scaling = "yarn", .factor = 4, .original = 32, .mla_rank = 64,
	  .mla_plain = 48, .mla_value = 32, .experts = 6, .used = 3, .expert_ff = 32, .groups = 3,
	  .used_groups = 3, .type = GGML_TYPE_Q4_0 },
	/* older files: one matrix for keys and values, of types with blocks across which it is turned */
	{ .name = "deepseek2-kv_b", .arch = "deepseek2", .seed = 3, .layers = 2, .width = 64, .heads = 4,
	  .kv_heads = 1, .head_size = 48, .ff = 96, .vocab = 300, .context = 96, .eps = 1e-6f,
	  .rope_dims = 16, .mla_rank = 32, .mla_plain = 32, .mla_value = 24, .mla_joined = true,
	  .experts = 8, .used = 3, .expert_ff = 32, .shared_ff = 64, .dense_layers = 1,
	  .type = GGML_TYPE_Q8_0 },
	{ .name = "deepseek2-kv_b-q4k", .arch = "deepseek2", .seed = 1, .layers = 2, .width = 64, .heads = 2,
	  .kv_heads = 1, .head_size = 276, .ff = 64, .vocab = 300, .context = 96, .eps = 1e-6f,
	  .rope_dims = 20, .scaling = "yarn", .factor = 4, .original = 32, .mla_rank = 256,
	  .mla_q_rank = 40, .mla_plain = 24, .mla_value = 20, .mla_joined = true, .experts = 6,
	  .used = 2, .expert_ff = 32, .type = GGML_TYPE_Q4_K },
	/* heads by layer; values of another length than keys */
	{ .name = "openelm", .arch = "openelm", .layers = 4, .width = 64, .heads = 6, .kv_heads = 2,
	  .head_size = 16, .heads_of = (const uint32_t[]){ 4, 6, 6, 8 },
	  .kv_of = (const uint32_t[]){ 2, 2, 3, 4 }, .ff = 64, .ff_step = 32, .vocab = 300,
	  .context = 96, .tied = true, .eps = 1e-6f, .type = GGML_TYPE_Q8_0 },
	{ .name = "llama-kv-heads", .arch = "llama", .layers = 5, .width = 64, .heads = 4,
	  .kv_heads = 4, .head_size = 16, .kv_of = (const uint32_t[]){ 1, 4, 2, 2, 2 }, .ff = 64,
	  .vocab = 300, .context = 96, .eps = 1e-5f, .window = 21,
	  .flags = (const uint8_t[]){ 1, 0, 1, 1, 0 }, .sinks = true, .type = GGML_TYPE_F32 },
	{ .name = "llama-short-values", .arch = "llama", .layers = 3, .width = 64, .heads = 6,
	  .kv_heads = 3, .head_size = 48, .value_size = 20, .ff = 96, .vocab = 300, .context = 128,
	  .bias = SYNTH_BIAS_ALL, .eps = 1e-5f, .type = GGML_TYPE_Q8_0 },
	{ .name = "phi3-long-values", .arch = "phi3", .layers = 2, .width = 60, .heads = 4,
	  .kv_heads = 2, .head_size = 24, .value_size = 72, .ff = 96, .vocab = 300, .context = 96,
	  .eps = 1e-5f, .window = 40, .bias = SYNTH_BIAS_ALL, .type = GGML_TYPE_F32 },
	{ .name = "qwen3moe-values", .arch = "qwen3moe", .seed = 2, .layers = 3, .width = 64, .heads = 4,
	  .kv_heads = 2, .head_size = 32, .value_size = 64, .ff = 64, .vocab = 300, .context = 96,
	  .eps = 1e-6f, .experts = 6, .used = 2, .expert_ff = 32, .type = GGML_TYPE_Q4_0 },
	/* scores scaled and capped by keys that few files have */
	{ .name = "gemma-scale", .arch = "gemma", .seed = 1, .layers = 2, .width = 48, .heads = 2, .kv_heads = 1,
	  .head_size = 32, .ff = 64, .vocab = 300, .context = 96, .tied = true, .eps = 1e-6f,
	  .attn_scale = 0.09f, .type = GGML_TYPE_Q8_0 },
	{ .name = "gemma3-scale-cap", .arch = "gemma3", .layers = 3, .width = 32, .heads = 2,
	  .kv_heads = 2, .head_size = 32, .ff = 64, .vocab = 300, .context = 96, .tied = true,
	  .eps = 1e-6f, .window = 24, .pattern = 2, .attn_scale = 0.2f, .attn_cap = 3,
	  .type = GGML_TYPE_Q8_0 },
	/* scales that multiply what matrices make */
	{ .name = "phi3-scales", .arch = "phi3", .seed = 3, .layers = 3, .width = 64, .heads = 4, .kv_heads = 2,
	  .ff = 96, .vocab = 300, .context = 96, .bias = SYNTH_BIAS_ALL, .eps = 1e-5f,
	  .scales = true, .type = GGML_TYPE_Q8_0 },
	{ .name = "qwen2moe-scales", .arch = "qwen2moe", .seed = 2, .layers = 3, .width = 64, .heads = 4,
	  .kv_heads = 2, .ff = 64, .vocab = 300, .context = 80, .bias = SYNTH_BIAS_QKV,
	  .eps = 1e-6f, .experts = 7, .used = 3, .expert_ff = 40, .shared_ff = 48, .scales = true,
	  .type = GGML_TYPE_Q8_0 },
	{ .name = "qwen3moe-scales-fused", .arch = "qwen3moe", .layers = 2, .width = 64, .heads = 4,
	  .kv_heads = 2, .ff = 64, .vocab = 300, .context = 80, .eps = 1e-6f, .experts = 5,
	  .used = 2, .expert_ff = 32, .expert_files = SYNTH_FUSED, .scales = true,
	  .type = GGML_TYPE_Q4_0 },
	/* too large for the scratch at once: heads, vocabulary, columns */
	{ .name = "llama-long", .arch = "llama", .seed = 1, .layers = 2, .width = 64, .heads = 10,
	  .kv_heads = 5, .head_size = 40, .ff = 64, .vocab = 300, .context = 8192, .eps = 1e-5f,
	  .rope_base = 500000, .type = GGML_TYPE_Q8_0 },
	{ .name = "qwen2-vocab", .arch = "qwen2", .seed = 1, .layers = 1, .width = 32, .heads = 2,
	  .kv_heads = 1, .ff = 64, .vocab = 20011, .context = 80, .bias = SYNTH_BIAS_ALL,
	  .eps = 1e-5f, .type = GGML_TYPE_Q8_0 },
	{ .name = "qwen3-ff", .arch = "qwen3", .layers = 1, .width = 32, .heads = 2, .kv_heads = 1,
	  .ff = 12001, .vocab = 300, .context = 80, .eps = 1e-6f, .type = GGML_TYPE_F16 },
};
/* clang-format on */
const size_t n_shapes = sizeof(shapes) / sizeof(shapes[0]);

static uint32_t between(uint64_t *rng, uint32_t lo, uint32_t hi)
{
	return lo + (uint32_t)(gguf_random(rng) % (hi - lo + 1));
}

static bool chance(uint64_t *rng, uint32_t percent)
{
	return between(rng, 1, 100) <= percent;
}

static void random_rope(uint64_t *rng, struct synth_model *m)
{
	uint32_t d = synth_head_size(m);

	if (d % 2 || chance(rng, 30))
		m->rope_dims = 2 * between(rng, 1, d / 2);
	if (chance(rng, 50))
		m->rope_base = (float)between(rng, 100, 1000000);
	m->rope_freqs = chance(rng, 25);
	switch (between(rng, 0, 5)) {
	case 0:
		m->scaling = "none";
		m->factor = 3;
		break;
	case 1:
		m->scaling = chance(rng, 50) ? "linear" : NULL;
		m->factor = (float)between(rng, 2, 80) / 8;
		break;
	case 2:
		m->scale_linear = (float)between(rng, 2, 80) / 8;
		break;
	case 3:
		m->scaling = "yarn";
		m->factor = (float)between(rng, 8, 80) / 8;
		m->original = between(rng, 0, 200);
		if (chance(rng, 30))
			m->attn_factor = (float)between(rng, 6, 12) / 8;
		if (chance(rng, 30))
			m->beta_fast = (float)between(rng, 8, 64);
		if (chance(rng, 30))
			m->beta_slow = (float)between(rng, 1, 8);
		break;
	default:
		break;
	}
}

/* What only some architectures have. */
static void random_extras(uint64_t *rng, struct synth_model *m)
{
	bool granite = !strcmp(m->arch, "granite");

	if (chance(rng, 60))
		m->window = between(rng, 1, 60);
	if (!strncmp(m->arch, "qwen", 4) || granite || !strcmp(m->arch, "gemma") ||
	    !strcmp(m->arch, "gpt2"))
		m->window = 0;
	if (chance(rng, 40))
		m->pattern = between(rng, 2, 4);
	m->sinks = chance(rng, 20);
	if (chance(rng, 50) && (!strcmp(m->arch, "gemma3") || !strcmp(m->arch, "olmo2")))
		m->base_win = (float)between(rng, 100, 1000000);
	if (!strcmp(m->arch, "gemma2")) {
		m->attn_cap = (float)between(rng, 1, 60);
		m->final_cap = (float)between(rng, 1, 40);
	}
	if (granite && chance(rng, 70))
		m->attn_scale = (float)between(rng, 1, 40) / 64;
	if (granite && chance(rng, 70))
		m->embd_scale = (float)between(rng, 1, 40) / 8;
	if (granite && chance(rng, 70))
		m->residual_scale = (float)between(rng, 1, 16) / 8;
	if (granite && chance(rng, 70))
		m->logit_scale = (float)between(rng, 1, 40) / 4;
	m->no_rope = granite && chance(rng, 20);
	/* not normalised before it is rounded, a row of four-bit weights is full of ties */
	if (!strcmp(m->arch, "olmo2"))
		m->type = m->type2 = GGML_TYPE_F32;
}

void shape_random(uint64_t seed, struct synth_model *m)
{
	static const char *const archs[] = { "llama",  "qwen2",	     "qwen3", "gemma",
					     "gemma2", "gemma3",     "olmo2", "granite",
					     "phi3",   "starcoder2", "gpt2" };
	static const uint32_t types[] = {
		GGML_TYPE_F32,	GGML_TYPE_F16,	GGML_TYPE_BF16, GGML_TYPE_Q8_0,
		GGML_TYPE_Q4_0, GGML_TYPE_Q4_K, GGML_TYPE_Q6_K,
	};
	uint64_t rng = seed;
	bool blocks = chance(&rng, 50), wide = chance(&rng, 10);

	memset(m, 0, sizeof(*m));
	m->arch = archs[between(&rng, 0, sizeof(archs) / sizeof(archs[0]) - 1)];
	m->seed = seed;
	m->layers = between(&rng, 1, 3);
	/* the more numbers are rounded, the more seeds it takes to find one without a tie */
	m->head_size = between(&rng, 2, chance(&rng, 25) ? 130 : 40);
	m->kv_heads = between(&rng, 1, m->head_size > 40 ? 2 : 4);
	m->heads = m->kv_heads * between(&rng, 1, m->head_size > 40 ? 2 : m->kv_heads > 2 ? 3 : 5);
	m->width = wide ? 256 : blocks ? 32 * between(&rng, 1, 3) : between(&rng, 1, 96);
	if (chance(&rng, 20)) {
		m->head_size = 0;
		m->width = m->heads * 2 * between(&rng, 1, 8);
	}
	m->ff = blocks ? 32 * between(&rng, 1, 4) : between(&rng, 1, 128);
	if (wide && chance(&rng, 50))
		m->ff = 256;
	m->ff_step = chance(&rng, 15) ? between(&rng, 1, 40) : 0;
	m->vocab = chance(&rng, 20) ? between(&rng, 4, 100) : between(&rng, 259, 700);
	m->context = between(&rng, 70, chance(&rng, 20) ? 1000 : 128);
	m->tied = chance(&rng, 40);
	m->bias = chance(&rng, 50) ? (uint32_t)gguf_random(&rng) & SYNTH_BIAS_ALL : 0;
	m->eps = chance(&rng, 20) ? 0.1f : 1e-6f;
	m->type = types[between(&rng, 0, sizeof(types) / sizeof(types[0]) - 1)];
	if (chance(&rng, 30)) {
		m->type2 = types[between(&rng, 1, sizeof(types) / sizeof(types[0]) - 1)];
		m->type2_from = between(&rng, 0, m->layers - 1);
	}
	/* these need most of theirs */
	if (!strcmp(m->arch, "starcoder2"))
		m->bias |= SYNTH_BIAS_ALL & ~SYNTH_BIAS_QKV;
	if (!strcmp(m->arch, "gpt2"))
		m->bias = SYNTH_BIAS_ALL;
	random_rope(&rng, m);
	random_extras(&rng, m);
	m->fused_qkv = chance(&rng, 20);
}
