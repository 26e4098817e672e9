// SPDX-License-Identifier: MIT
#include "compiler/frontends/source.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "compiler/frontends/gguf_internal.h"
#include "compiler/frontends/hf.h"

/* Names of PyTorch's and Keras' files. */
static bool is_pickle(const char *path)
{
	static const char *const ends[] = { ".bin", ".pt", ".pth", ".pkl", ".ckpt", ".h5" };
	size_t n = strlen(path), i;

	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		size_t m = strlen(ends[i]);

		if (n >= m && !strcmp(path + n - m, ends[i]))
			return true;
	}
	return false;
}

int source_open(const char *path, struct gguf_file **out, struct gguf_error *err)
{
	size_t n = strlen(path), m = strlen(".safetensors");
	struct gguf_error e = { 0 };
	struct stat st;
	int rc;

	if (!stat(path, &st) && S_ISDIR(st.st_mode))
		return hf_open_folder(path, out, err);
	if (n >= m && !strcmp(path + n - m, ".safetensors"))
		return fail(err, -ENOTSUP,
			    "%s: weights without config.json; supported: the folder that has both",
			    path);
	rc = gguf_open_file(path, out, &e);
	/* such a name alone says nothing */
	if (rc == -EINVAL && is_pickle(path))
		return fail(err, -ENOTSUP,
			    "%s: not read (pickled objects are programs); supported: GGUF files, "
			    "folders with safetensors",
			    path);
	return rc ? fail(err, rc, "%s", e.msg) : 0;
}

/* Of the last layers, whose number is a key. */
static size_t predicting(const struct gguf_file *f)
{
	uint32_t layers = 0, last = 0, layer;
	struct gguf_str arch;
	char name[128];
	size_t i, n = 0;

	if (gguf_get_str(f, "general.architecture", &arch, NULL))
		return 0;
	snprintf(name, sizeof(name), "%.*s.nextn_predict_layers", (int)arch.len, arch.ptr);
	if (gguf_get_u32(f, name, &last, NULL))
		return 0;
	snprintf(name, sizeof(name), "%.*s.block_count", (int)arch.len, arch.ptr);
	if (gguf_get_u32(f, name, &layers, NULL) || last >= layers)
		return 0;
	for (i = 0; i < gguf_n_tensors(f); i++)
		n += gguf_layer_of(gguf_tensor(f, i), &layer) && layer >= layers - last &&
		     layer < layers;
	return n;
}

size_t source_left_out(const struct gguf_file *f, struct source_left_out out[SOURCE_LEFT_OUT])
{
	const struct source_left_out all[SOURCE_LEFT_OUT] = {
		{ "layers that predict further tokens", f->predicting + predicting(f) },
		{ "images and sounds", f->media },
	};
	size_t i, n = 0;

	for (i = 0; i < SOURCE_LEFT_OUT; i++) {
		if (all[i].tensors)
			out[n++] = all[i];
	}
	return n;
}
