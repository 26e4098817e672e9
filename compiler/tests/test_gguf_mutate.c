// SPDX-License-Identifier: MIT
/*
 * Damaged GGUF files: test_gguf_mutate [COUNT [SEED]] opens COUNT mutants of the
 * files in the source tree's models/ and of files made here, and walks those
 * that are accepted. It passes when nothing crashes, so it is worth running only
 * under the sanitizers; a mutant lies in an allocation of exactly its size.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "compiler/frontends/gguf.h"
#include "compiler/quant/ggml_types.h"
#include "compiler/tests/gguf_walk.h"
#include "compiler/tests/gguf_writer.h"

/* Larger files would only slow the copying down; what is parsed is at their beginning. */
#define MAX_SEED_FILE (2u << 20)
#define MAX_SEEDS     64

struct seed_file {
	uint8_t *data;
	size_t size;
	size_t head; /* bytes before the tensor data */
};

static struct seed_file seeds[MAX_SEEDS];
static size_t n_seeds, n_files;
static uint64_t state;

static uint64_t below(uint64_t n)
{
	return gguf_random(&state) % n;
}

static int add_seed(uint8_t *data, size_t size)
{
	struct gguf_error err = { 0 };
	struct gguf_file *f;

	if (n_seeds == MAX_SEEDS || size > MAX_SEED_FILE) {
		free(data);
		return 0;
	}
	if (gguf_open_mem(data, size, &f, &err)) {
		printf("# a seed file is refused: %s\n", err.msg);
		free(data);
		return -EINVAL;
	}
	seeds[n_seeds].data = data;
	seeds[n_seeds].size = size;
	seeds[n_seeds].head = gguf_n_tensors(f) ? (size_t)(gguf_tensor(f, 0)->data - data) : size;
	n_seeds++;
	gguf_close(f);
	return 0;
}

/* A tensor of every type, arrays and strings: every branch of the parser has something to do. */
static int add_written_seed(uint32_t version, uint32_t alignment)
{
	static const char *const words[] = { "one", "", "three", "four four" };
	static uint8_t zeros[2 * 210];
	struct gguf_writer w;
	uint8_t *data;
	uint32_t id;
	size_t size;
	int rc;

	gguf_writer_init(&w);
	w.version = version;
	gguf_write_str(&w, "general.architecture", "llama");
	gguf_write_alignment(&w, alignment);
	gguf_write_strs(&w, "tokenizer.ggml.tokens", 4, words);
	gguf_write_arr(&w, "tokenizer.ggml.scores", GGUF_F32, 4, zeros);
	gguf_write_arr(&w, "llama.attention.pattern", GGUF_BOOL, 3, zeros);
	gguf_write_bool(&w, "tokenizer.ggml.add_bos_token", true);
	gguf_write_u8(&w, "a.u8", 1);
	gguf_write_i16(&w, "a.i16", -1);
	gguf_write_u64(&w, "a.u64", 1);
	gguf_write_f64(&w, "a.f64", 1);
	gguf_write_u32(&w, "split.count", 1);
	for (id = 0; id < 64; id++) {
		const struct ggml_type_traits *t = ggml_type_get(id);
		int64_t ne[3];

		if (!ggml_type_supported(id))
			continue;
		ne[0] = t->block;
		ne[1] = 2;
		ne[2] = 1;
		gguf_write_tensor(&w, t->name, id, 1 + id % 3, ne, zeros,
				  t->bytes * (id % 3 ? 2 : 1));
	}
	rc = gguf_writer_finish(&w, &data, &size);
	gguf_writer_free(&w);
	return rc ? rc : add_seed(data, size);
}

static int add_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data;
	long size;

	if (!f)
		return -errno;
	if (fseek(f, 0, SEEK_END) || (size = ftell(f)) <= 0 || (size_t)size > MAX_SEED_FILE) {
		fclose(f);
		return 0;
	}
	rewind(f);
	data = malloc((size_t)size);
	if (!data || fread(data, 1, (size_t)size, f) != (size_t)size) {
		free(data);
		fclose(f);
		return -EIO;
	}
	fclose(f);
	n_files++;
	return add_seed(data, (size_t)size);
}

static uint64_t absurd(void)
{
	static const uint64_t values[] = { 0,
					   1,
					   0x7f,
					   0x80,
					   0xffff,
					   0x7fffffff,
					   0x80000000,
					   0xffffffff,
					   UINT64_C(1) << 30,
					   (UINT64_C(1) << 30) + 1,
					   UINT64_C(1) << 32,
					   UINT64_C(1) << 61,
					   UINT64_C(1) << 62,
					   INT64_MAX,
					   UINT64_C(1) << 63,
					   UINT64_MAX - 31,
					   UINT64_MAX };

	return values[below(sizeof(values) / sizeof(values[0]))];
}

/* Nearly always in the part that is parsed. */
static size_t place(const struct seed_file *s, size_t size, size_t width)
{
	size_t limit = below(16) && s->head < size ? s->head : size;

	return limit > width ? below(limit - width + 1) : 0;
}

static void mutate(const struct seed_file *s, uint8_t *p, size_t size)
{
	size_t at, other;
	uint8_t eight[8];
	uint64_t v;

	if (size < 16)
		return;
	switch (below(5)) {
	case 0:
		p[place(s, size, 1)] ^= 1 << below(8);
		break;
	case 1:
		p[place(s, size, 1)] = (uint8_t)below(256);
		break;
	case 2: /* an absurd length or count, of 4 or 8 bytes */
		v = absurd();
		memcpy(p + place(s, size, 8), &v, below(2) ? 8 : 4);
		break;
	case 3:
		at = place(s, size, 8);
		other = place(s, size, 8);
		memcpy(eight, p + at, 8);
		memmove(p + at, p + other, 8);
		memcpy(p + other, eight, 8);
		break;
	default: /* a number that is off by a little */
		at = place(s, size, 8);
		memcpy(&v, p + at, 8);
		v += below(2) ? 1 + below(64) : -(1 + below(64));
		memcpy(p + at, &v, 8);
	}
}

static int run_one(uint64_t *sum)
{
	const struct seed_file *s = &seeds[below(n_seeds)];
	struct gguf_error err = { 0 };
	size_t size = s->size;
	struct gguf_file *f;
	uint8_t *p;
	int n, rc;

	if (below(4) == 0)
		size = below(8) ? below(s->head + 1) : below(s->size + 1);
	p = malloc(size ? size : 1);
	if (!p)
		return -ENOMEM;
	memcpy(p, s->data, size);
	for (n = below(2) ? 0 : (int)below(4); n >= 0; n--)
		mutate(s, p, size);
	rc = gguf_open_mem(p, size, &f, &err);
	if (!rc) {
		*sum += gguf_walk(f);
		gguf_close(f);
	} else if (!err.msg[0]) {
		rc = -ENOMSG; /* a refusal must say why */
	}
	free(p);
	return rc;
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 0) : 10000, i;
	unsigned long accepted = 0, refused = 0, broken = 0;
	uint64_t sum = 0, first = argc > 2 ? strtoull(argv[2], NULL, 0) : (uint64_t)time(NULL);
	char folder[4096];
	struct gguf_paths paths;
	int rc;

	state = first;
	printf("1..1\n# seed %llu\n", (unsigned long long)first);
	fflush(stdout); /* a crash must not take the seed with it */
	rc = add_written_seed(3, 32);
	if (!rc)
		rc = add_written_seed(2, 8);
	snprintf(folder, sizeof(folder), "%s/models", gguf_source_root());
	gguf_paths_find(&paths, folder);
	for (i = 0; i < paths.count && !rc; i++)
		rc = add_file(paths.path[i]);
	gguf_paths_free(&paths);
	for (i = 0; i < count && !rc; i++) {
		switch (run_one(&sum)) {
		case 0:
			accepted++;
			break;
		case -ENOMSG:
			broken++;
			/* fall through */
		default:
			refused++;
		}
	}
	while (n_seeds)
		free(seeds[--n_seeds].data);
	printf("# %lu mutants of 2 written files and %zu of %s: %lu refused, %lu accepted\n", count,
	       n_files, folder, refused, accepted);
	if (broken)
		printf("# %lu refused without a message\n", broken);
	printf("# sum %016llx\n", (unsigned long long)sum);
	rc = rc || broken || accepted + refused != count;
	printf("%s 1 - mutants\n", rc ? "not ok" : "ok");
	return rc;
}
