// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "compiler/frontends/build.h"
#include "compiler/frontends/gguf_internal.h"

static const struct fe_arch *const archs[] = {
	&fe_arch_llama,	    &fe_arch_qwen2,	 &fe_arch_qwen3,	 &fe_arch_gemma,
	&fe_arch_gemma2,    &fe_arch_gemma3,	 &fe_arch_olmo2,	 &fe_arch_granite,
	&fe_arch_phi3,	    &fe_arch_starcoder2, &fe_arch_gpt2,		 &fe_arch_mamba,
	&fe_arch_mamba2,    &fe_arch_jamba,	 &fe_arch_granitehybrid, &fe_arch_nemotron_h,
	&fe_arch_falcon_h1, &fe_arch_rwkv6,	 &fe_arch_rwkv7,	 &fe_arch_qwen3moe,
	&fe_arch_qwen2moe,  &fe_arch_olmoe,	 &fe_arch_granitemoe,	 &fe_arch_gpt_oss,
	&fe_arch_afmoe,	    &fe_arch_deepseek2,	 &fe_arch_qwen3next,	 &fe_arch_qwen35,
	&fe_arch_qwen2vl,   &fe_arch_qwen3vl,	 &fe_arch_qwen3vlmoe,	 &fe_arch_nemotron_h_moe,
	&fe_arch_qwen35moe, &fe_arch_openelm,	 &fe_arch_sqla,
};

#define N_ARCHS (sizeof(archs) / sizeof(archs[0]))

const char *fe_arch_name(size_t i)
{
	return i < N_ARCHS ? archs[i]->name : NULL;
}

int fe_build(struct ir_model *m, const struct gguf_file *f, uint32_t context)
{
	struct gguf_error err = { 0 };
	struct gguf_str arch, type;
	char names[1024] = "", shown[SHOWN];
	size_t i, n = 0;
	int ret;

	ret = gguf_get_str(f, "general.type", &type, &err);
	if (ret && ret != -ENOENT)
		return diag_set(&m->diag, ret, "%s", err.msg);
	if (!ret && !gguf_str_eq(type, "model"))
		return diag_set(&m->diag, -ENOTSUP,
				"key general.type: \"%s\", supported: the key absent or \"model\"",
				gguf_show(type, shown));
	ret = gguf_get_str(f, "general.architecture", &arch, &err);
	if (ret == -ENOENT)
		return diag_set(&m->diag, -EINVAL, "key general.architecture: missing");
	if (ret)
		return diag_set(&m->diag, ret, "%s", err.msg);
	for (i = 0; i < N_ARCHS; i++) {
		if (gguf_str_eq(arch, archs[i]->name))
			return fe_build_net(m, f, archs[i], context);
	}
	for (i = 0; i < N_ARCHS; i++) {
		n += strlen(archs[i]->name) + 2;
		if (n >= sizeof(names))
			break;
		if (i)
			strcat(names, ", ");
		strcat(names, archs[i]->name);
	}
	return diag_set(&m->diag, -ENOTSUP,
			"key general.architecture: \"%s\" is not supported; supported: %s",
			gguf_show(arch, shown), names);
}
