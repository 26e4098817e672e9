// SPDX-License-Identifier: MIT
#include "compiler/frontends/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
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

void source_explain(const struct gguf_file *f, char *msg, size_t room)
{
	char name[160], buf[256], *all, *at = msg;
	const char *stored;
	bool key;
	size_t n;

	/* the first of them, at the message's begin or in brackets */
	while (strncmp(at, "key ", 4) && strncmp(at, "tensor ", 7)) {
		at = strchr(at, '(');
		if (!at++)
			return;
	}
	key = at[0] == 'k';
	at = strchr(at, ' ') + 1;
	n = strcspn(at, ": )[");
	snprintf(name, sizeof(name), "%.*s", (int)n, at);
	stored = key ? gguf_stored_key(f, name, buf, sizeof(buf))
		     : gguf_stored_name(f, name, buf, sizeof(buf));
	n += strcspn(at + n, ": )");
	if (!stored || asprintf(&all, "%.*s (%s)%s", (int)(at + n - msg), msg, stored, at + n) < 0)
		return;
	snprintf(msg, room, "%s", all);
	free(all);
}

static bool is_arch(const struct gguf_file *f, const char *name)
{
	struct gguf_str arch;

	return !gguf_get_str(f, "general.architecture", &arch, NULL) && gguf_str_eq(arch, name);
}

/* Of the last layers, whose number is a key. */
static bool predicting(const struct gguf_file *f, const struct gguf_tensor *t)
{
	uint32_t layers = 0, last = 0, layer;
	struct gguf_str arch;
	char name[128];

	if (!gguf_layer_of(t, &layer) || gguf_get_str(f, "general.architecture", &arch, NULL))
		return false;
	snprintf(name, sizeof(name), "%.*s.nextn_predict_layers", (int)arch.len, arch.ptr);
	if (gguf_get_u32(f, name, &last, NULL))
		return false;
	snprintf(name, sizeof(name), "%.*s.block_count", (int)arch.len, arch.ptr);
	return !gguf_get_u32(f, name, &layers, NULL) && last < layers && layer >= layers - last &&
	       layer < layers;
}

bool source_uses_rope_freqs(const struct gguf_file *f)
{
	static const char *const archs[] = { "llama", "granite", "granitehybrid", "granitemoe" };
	size_t i;

	for (i = 0; i < sizeof(archs) / sizeof(archs[0]); i++) {
		if (is_arch(f, archs[i]))
			return true;
	}
	return false;
}

static bool begins(const struct gguf_tensor *t, const char *with)
{
	size_t n = strlen(with);

	return t->name.len > n && !memcmp(t->name.ptr, with, n);
}

static bool ends(const struct gguf_tensor *t, const char *with)
{
	size_t n = strlen(with);

	return t->name.len > n && !memcmp(t->name.ptr + t->name.len - n, with, n);
}

enum source_part source_part_of(const struct gguf_file *f, const struct gguf_tensor *t)
{
	if (ends(t, ".input_scale"))
		return SOURCE_ACTIVATIONS;
	if (gguf_str_eq(t->name, "rope_freqs.weight"))
		return source_uses_rope_freqs(f) ? SOURCE_LEFT_OUT : SOURCE_ROPE_FREQS;
	/* files that have the encoders of images (v.), of sounds (a.) and what joins them (mm.), too */
	if (begins(t, "v.") || begins(t, "a.") || begins(t, "mm."))
		return SOURCE_MEDIA;
	if (begins(t, "blk.0.time_mix_v") && is_arch(f, "rwkv7") &&
	    (ends(t, "_v0.weight") || ends(t, "_v1.weight") || ends(t, "_v2.weight")))
		return SOURCE_FIRST_VALUE;
	return predicting(f, t) ? SOURCE_PREDICTING : SOURCE_LEFT_OUT;
}

size_t source_left_out(const struct gguf_file *f, struct source_left_out out[SOURCE_LEFT_OUT])
{
	static const char *const names[SOURCE_LEFT_OUT] = {
		[SOURCE_PREDICTING] = "layers that predict further tokens",
		[SOURCE_MEDIA] = "images and sounds",
		[SOURCE_ROPE_FREQS] = "rotation factors that the architecture ignores",
		[SOURCE_ACTIVATIONS] = "scales of activations",
		[SOURCE_TIED] = "a copy of the embedding",
		[SOURCE_BUFFERS] = "constants of other programs",
		[SOURCE_FIRST_VALUE] = "value mixing of the first layer",
	};
	struct gguf_skipped all[SOURCE_LEFT_OUT];
	size_t i, n = 0;

	memcpy(all, f->skipped, sizeof(all));
	for (i = 0; i < gguf_n_tensors(f); i++) {
		const struct gguf_tensor *t = gguf_tensor(f, i);
		enum source_part part = source_part_of(f, t);

		if (part == SOURCE_LEFT_OUT)
			continue;
		all[part].tensors++;
		all[part].bytes += t->size;
	}
	for (i = 0; i < SOURCE_LEFT_OUT; i++) {
		if (all[i].tensors)
			out[n++] =
				(struct source_left_out){ names[i], all[i].tensors, all[i].bytes };
	}
	return n;
}
