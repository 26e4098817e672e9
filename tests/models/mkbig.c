// SPDX-License-Identifier: MIT
/*
 * Writes a llama model of random weights of any size, Q4_0, without having it in memory: for seeing how
 * the compiler does with files larger than it. Same options, same bytes. No tokenizer.
 *
 * Nibbles are uniform; the scale makes a matrix's outputs about as large as its inputs.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/quant/ggml_types.h"
#include "compiler/quant/half.h"
#include "compiler/tests/gguf_writer.h"

#define BLOCK_BYTES  18u
#define CHUNK_BLOCKS 65536u

static struct shape {
	uint32_t layers, width, heads, kv_heads, ff, vocab, context;
} shape = { 32, 4096, 32, 8, 14336, 128256, 8192 }; /* 8.03 billion weights */

static const struct {
	const char *name;
	uint32_t *at;
} options[] = {
	{ "--layers", &shape.layers },	   { "--width", &shape.width }, { "--heads", &shape.heads },
	{ "--kv-heads", &shape.kv_heads }, { "--ff", &shape.ff },	{ "--vocab", &shape.vocab },
	{ "--context", &shape.context },
};

struct big {
	FILE *out; /* NULL: only the table is made */
	struct gguf_buf infos;
	uint64_t n, offset; /* tensors and bytes of data so far */
	uint64_t rng;
	uint8_t *chunk;
};

static uint64_t next(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

static int put(struct big *b, const void *p, size_t n)
{
	return fwrite(p, 1, n, b->out) == n ? 0 : -EIO;
}

static int put_blocks(struct big *b, uint64_t blocks, uint16_t scale)
{
	while (blocks) {
		size_t n = blocks < CHUNK_BLOCKS ? (size_t)blocks : CHUNK_BLOCKS, i;

		for (i = 0; i < n; i++) {
			uint64_t r[2] = { next(&b->rng), next(&b->rng) };

			memcpy(b->chunk + BLOCK_BYTES * i, &scale, 2);
			memcpy(b->chunk + BLOCK_BYTES * i + 2, r, 16);
		}
		if (put(b, b->chunk, BLOCK_BYTES * n))
			return -EIO;
		blocks -= n;
	}
	return 0;
}

static int put_ones(struct big *b, uint32_t n)
{
	const float one = 1.0f;
	int ret = 0;

	while (n-- && !ret)
		ret = put(b, &one, sizeof(one));
	return ret;
}

/* rows 0: a norm's weight of cols ones */
static int tensor(struct big *b, const char *name, uint32_t cols, uint32_t rows)
{
	int64_t ne[2] = { cols, rows };
	uint64_t bytes = rows ? (uint64_t)rows * (cols / 32) * BLOCK_BYTES : 4ull * cols;
	uint64_t padded = (bytes + 31) / 32 * 32;
	static const uint8_t zeros[32];
	int ret;

	if (!b->out) {
		gguf_buf_tensor(&b->infos, name, rows ? 2 : 1, ne,
				rows ? GGML_TYPE_Q4_0 : GGML_TYPE_F32, b->offset);
		b->n++;
		b->offset += padded;
		return 0;
	}
	/* a uniform nibble deviates by 4.61 */
	ret = rows ? put_blocks(b, (uint64_t)rows * (cols / 32),
				float_to_half((float)(1 / (4.61 * sqrt(cols)))))
		   : put_ones(b, cols);
	return ret ? ret : put(b, zeros, (size_t)(padded - bytes));
}

static int layer_tensor(struct big *b, uint32_t layer, const char *what, uint32_t cols,
			uint32_t rows)
{
	char name[64];

	snprintf(name, sizeof(name), "blk.%" PRIu32 ".%s.weight", layer, what);
	return tensor(b, name, cols, rows);
}

static int tensors(struct big *b)
{
	const struct shape *s = &shape;
	uint32_t kv = s->width / s->heads * s->kv_heads, i;
	int ret = tensor(b, "token_embd.weight", s->width, s->vocab);

	for (i = 0; i < s->layers && !ret; i++) {
		ret = layer_tensor(b, i, "attn_norm", s->width, 0) ?:
		      layer_tensor(b, i, "attn_q", s->width, s->width) ?:
		      layer_tensor(b, i, "attn_k", s->width, kv) ?:
		      layer_tensor(b, i, "attn_v", s->width, kv) ?:
		      layer_tensor(b, i, "attn_output", s->width, s->width) ?:
		      layer_tensor(b, i, "ffn_norm", s->width, 0) ?:
		      layer_tensor(b, i, "ffn_gate", s->width, s->ff) ?:
		      layer_tensor(b, i, "ffn_up", s->width, s->ff) ?:
		      layer_tensor(b, i, "ffn_down", s->ff, s->width);
	}
	return ret ?: tensor(b, "output_norm.weight", s->width, 0) ?:
		      tensor(b, "output.weight", s->width, s->vocab);
}

static void number(struct gguf_buf *kv, uint64_t *n, const char *key, uint32_t v)
{
	gguf_buf_key(kv, key, GGUF_U32);
	gguf_buf_u32(kv, v);
	++*n;
}

static void text(struct gguf_buf *kv, uint64_t *n, const char *key, const char *v)
{
	gguf_buf_key(kv, key, GGUF_STRING);
	gguf_buf_str(kv, v, strlen(v));
	++*n;
}

static int header(struct big *b)
{
	const float eps = 1e-5f, base = 500000.0f;
	struct gguf_buf kv = { 0 }, head = { 0 };
	uint64_t n = 0;
	uint32_t u;
	int ret;

	text(&kv, &n, "general.architecture", "llama");
	text(&kv, &n, "general.name", "random");
	number(&kv, &n, "llama.block_count", shape.layers);
	number(&kv, &n, "llama.embedding_length", shape.width);
	number(&kv, &n, "llama.context_length", shape.context);
	number(&kv, &n, "llama.feed_forward_length", shape.ff);
	number(&kv, &n, "llama.attention.head_count", shape.heads);
	number(&kv, &n, "llama.attention.head_count_kv", shape.kv_heads);
	memcpy(&u, &eps, sizeof(u));
	gguf_buf_key(&kv, "llama.attention.layer_norm_rms_epsilon", GGUF_F32);
	gguf_buf_u32(&kv, u);
	memcpy(&u, &base, sizeof(u));
	gguf_buf_key(&kv, "llama.rope.freq_base", GGUF_F32);
	gguf_buf_u32(&kv, u);
	n += 2;
	gguf_buf_header(&head, 3, b->n, n);
	gguf_buf_bytes(&head, kv.data, kv.size);
	gguf_buf_bytes(&head, b->infos.data, b->infos.size);
	gguf_buf_align(&head, 32);
	ret = head.error ?: kv.error ?: b->infos.error ?: put(b, head.data, head.size);
	gguf_buf_free(&head);
	gguf_buf_free(&kv);
	return ret;
}

static int usage(const char *me)
{
	size_t i;

	fprintf(stderr, "usage: %s FILE", me);
	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		fprintf(stderr, " [%s=%" PRIu32 "]", options[i].name, *options[i].at);
	fprintf(stderr, "\n");
	return 2;
}

static int parse(int argc, char **argv)
{
	size_t k, len;
	int i;

	for (i = 2; i < argc; i++) {
		for (k = 0; k < sizeof(options) / sizeof(options[0]); k++) {
			unsigned long v;
			char *end;

			len = strlen(options[k].name);
			if (strncmp(argv[i], options[k].name, len) || argv[i][len] != '=')
				continue;
			v = strtoul(argv[i] + len + 1, &end, 10);
			if (*end || !v || v > 1u << 24)
				return -EINVAL;
			*options[k].at = (uint32_t)v;
			break;
		}
		if (k == sizeof(options) / sizeof(options[0]))
			return -EINVAL;
	}
	if (argc < 2 || shape.width % (32 * shape.heads) || shape.heads % shape.kv_heads ||
	    shape.ff % 32)
		return -EINVAL;
	return 0;
}

int main(int argc, char **argv)
{
	struct big b = { .rng = 0x9e3779b97f4a7c15ull };
	int ret;

	if (parse(argc, argv))
		return usage(argv[0]);
	b.chunk = malloc((size_t)CHUNK_BLOCKS * BLOCK_BYTES);
	ret = b.chunk ? tensors(&b) : -ENOMEM;
	if (!ret) {
		b.out = fopen(argv[1], "wb");
		ret = b.out ? 0 : -errno;
	}
	if (!ret)
		ret = header(&b) ?: tensors(&b);
	if (b.out && fclose(b.out) && !ret)
		ret = -errno;
	if (ret)
		fprintf(stderr, "%s: %s: %s\n", argv[0], argv[1], strerror(-ret));
	gguf_buf_free(&b.infos);
	free(b.chunk);
	return ret ? 1 : 0;
}
