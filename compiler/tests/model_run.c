// SPDX-License-Identifier: MIT
#include "compiler/tests/model_run.h"
#include "compiler/tests/test_folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ig1_tables.h"

#define TABLES	 0x0ull /* page tables: level 2, level 1 */
#define COL_VA	 0x10000ull
#define EMIT_VA	 0x20000ull
#define EMITS	 8192u
#define PROG_VA	 0x200000ull /* both programs, 16 MiB apart */
#define PROG_GAP 0x1000000ull
#define LOGIT_VA 0x4000000ull
#define KV_VA	 0x8000000ull
#define LEAF	 0x200000ull

static int bus_read(void *ctx, uint64_t addr, void *dst, size_t n)
{
	struct model_run *r = ctx;

	if (addr > r->mem_bytes || n > r->mem_bytes - addr)
		return -EFAULT;
	memcpy(dst, r->mem + addr, n);
	return 0;
}

static int bus_write(void *ctx, uint64_t addr, const void *src, size_t n)
{
	struct model_run *r = ctx;

	if (addr > r->mem_bytes || n > r->mem_bytes - addr)
		return -EFAULT;
	memcpy(r->mem + addr, src, n);
	return 0;
}

static uint64_t ring_bytes(const struct model_run *r)
{
	return r->mf->win_blocks * r->mf->win_block_bytes;
}

/* Of a sequence: KV, then state. */
static uint64_t region(const struct model_run *r)
{
	return r->mf->kv_blocks * r->mf->kv_block_bytes + 2 * ring_bytes(r) + r->mf->state_bytes;
}

static uint64_t state_va(const struct model_run *r, uint32_t seq)
{
	if (!r->mf->state_bytes)
		return 0;
	return KV_VA + (seq + 1) * region(r) - r->mf->state_bytes;
}

void model_forget(struct model_run *r, uint32_t seq)
{
	if (r->mf->state_bytes)
		memset(r->mem + state_va(r, seq), 0, r->mf->state_bytes);
}

/* One to one, but the second half of a sequence's window ring is the first. */
static uint64_t target(const struct model_run *r, uint64_t va)
{
	uint64_t kv = r->mf->kv_blocks * r->mf->kv_block_bytes, at;
	uint64_t end = r->kv_end, ring = ring_bytes(r);

	if (va < KV_VA || va >= end || !ring)
		return va;
	at = (va - KV_VA) % region(r);
	return at >= kv + ring && at < kv + 2 * ring ? va - ring : va;
}

/* Large leaves, but small ones for the regions when there are rings; their tables lie behind. */
static void map_memory(struct model_run *r)
{
	uint64_t *root = (uint64_t *)(r->mem + TABLES), *mid = root + IG1_PT_ENTRIES, i, j;
	uint64_t at = (r->kv_end + LEAF - 1) / LEAF * LEAF;

	root[0] = (TABLES + 4096) | IG1_PTE_VALID;
	for (i = 0; i < r->mem_bytes / LEAF; i++) {
		uint64_t *low = (uint64_t *)(r->mem + at);

		mid[i] = i * LEAF | IG1_PTE_VALID | IG1_PTE_WRITE | IG1_PTE_LEAF;
		if (!ring_bytes(r) || i * LEAF < KV_VA || i * LEAF >= r->kv_end)
			continue;
		for (j = 0; j < IG1_PT_ENTRIES; j++)
			low[j] = target(r, i * LEAF + 4096 * j) | IG1_PTE_VALID | IG1_PTE_WRITE |
				 IG1_PTE_LEAF;
		mid[i] = at | IG1_PTE_VALID;
		at += 4096;
	}
}

static int fail(struct model_run *r, const char *what, int err)
{
	if (!r->err[0])
		snprintf(r->err, sizeof(r->err), "%s: %s", what, strerror(-err));
	return err;
}

static int open_image(struct model_run *r, uint32_t seqs, const struct ig1_config *chip)
{
	const struct ig1_bus bus = { .ctx = r, .read = bus_read, .write = bus_write };
	struct ig1_mask mask = { 0 };
	const void *cmds;
	unsigned int k;
	int ret;

	ret = ig1_image_open(r->path, &r->img, r->err);
	if (!ret)
		ret = ig1_image_verify(r->img, r->err);
	if (!ret)
		ret = ig1_image_check_model(r->img, r->err);
	if (!ret)
		ret = ig1_image_section(r->img, IG1_SEC_ROM, 0, (const void **)&mask.rom,
					&mask.rom_bytes);
	if (!ret)
		ret = ig1_image_section(r->img, IG1_SEC_CROM, 0, (const void **)&mask.crom,
					&mask.crom_bytes);
	if (ret)
		return fail(r, "image", ret);
	r->mf = ig1_image_manifest(r->img);
	r->kv_end = KV_VA + seqs * region(r);
	/* a page of tables for 2 MiB, at most 512 of them */
	r->mem_bytes = (r->kv_end + LEAF - 1) / LEAF * LEAF + LEAF;
	r->mem = mmap(NULL, r->mem_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0);
	if (r->mem == MAP_FAILED) {
		r->mem = NULL;
		return -ENOMEM;
	}
	/* what was never written must not matter */
	memset(r->mem + KV_VA, 0xa5, r->mem_bytes - KV_VA);
	for (k = 0; k < seqs; k++)
		model_forget(r, k);
	map_memory(r);
	for (k = 0; k < IG1_PROGS; k++) {
		ret = ig1_image_program(r->img, k, &cmds, &r->n_cmds[k]);
		if (ret || r->n_cmds[k] * IG1_COMMAND_BYTES > PROG_GAP)
			return fail(r, "program", ret ? ret : -E2BIG);
		memcpy(r->mem + PROG_VA + k * PROG_GAP, cmds, r->n_cmds[k] * IG1_COMMAND_BYTES);
	}
	return ig1_ref_create(chip, &mask, &bus, &r->ref);
}

int model_open(struct model_run *r, const struct compile_options *o, uint32_t seqs)
{
	struct compile_options opt = *o;
	int fd, ret;

	memset(r, 0, sizeof(*r));
	test_template(r->path, sizeof(r->path), "model");
	fd = mkstemp(r->path);
	if (fd < 0)
		return fail(r, r->path, -errno);
	close(fd);
	opt.model = "model";
	opt.out = r->path;
	ret = compile_model(&opt, &r->built);
	r->compiled = !ret;
	if (ret)
		snprintf(r->err, sizeof(r->err), "%s", r->built.model.diag.msg);
	else
		ret = open_image(r, seqs, o->chip);
	if (ret) {
		fail(r, "open", ret);
		model_close(r);
	}
	return ret;
}

void model_close(struct model_run *r)
{
	ig1_ref_destroy(r->ref);
	if (r->img)
		ig1_image_close(r->img);
	compile_free(&r->built);
	if (r->mem)
		munmap(r->mem, r->mem_bytes);
	unlink(r->path);
	r->ref = NULL;
	r->img = NULL;
	r->mem = NULL;
}

static int run(struct model_run *r, unsigned int prog, const uint64_t args[IG1_ARGS])
{
	struct ig1_job job = {
		.magic = IG1_JOB_MAGIC,
		.nargs = IG1_ARGS,
		.pt_root = TABLES,
		.prog_va = PROG_VA + prog * PROG_GAP,
		.prog_len = (uint32_t)r->n_cmds[prog],
		.emit_va = EMIT_VA,
		.emit_entries = EMITS,
	};
	const char *name;

	memcpy(job.args, args, sizeof(job.args));
	ig1_ref_run(r->ref, &job, 1, &r->done);
	if (!r->done.status)
		return 0;
	name = ig1_image_debug(r->img, prog, r->done.fault_index);
	snprintf(r->err, sizeof(r->err), "program %u: fault %s at 0x%llx in command %u (%s)", prog,
		 ig1_fault_name(r->done.fault), (unsigned long long)r->done.fault_addr,
		 r->done.fault_index, name ? name : "?");
	return -EIO;
}

int model_prefill(struct model_run *r, uint32_t seq, uint32_t pos, const uint32_t *tokens,
		  uint32_t n, float *logits)
{
	struct ig1_column *col = (struct ig1_column *)(r->mem + COL_VA);
	const uint64_t args[IG1_ARGS] = { COL_VA, n, logits ? LOGIT_VA : 0, 0, n };
	uint32_t i;
	int ret;

	for (i = 0; i < n; i++)
		col[i] = (struct ig1_column){ .token = tokens[i],
					      .pos = pos + i,
					      .kv = KV_VA + seq * region(r),
					      .state = state_va(r, seq) };
	ret = run(r, IG1_PROG_PREFILL, args);
	if (!ret && logits)
		memcpy(logits, r->mem + LOGIT_VA, 4ull * n * r->mf->vocab);
	return ret;
}

int model_prompt(struct model_run *r, uint32_t seq, const uint32_t *tokens, uint32_t n,
		 uint32_t chunk, float *logits)
{
	uint32_t i, k;
	int ret = 0;

	for (i = 0; i < n && !ret; i += k) {
		k = n - i < chunk ? n - i : chunk;
		ret = model_prefill(r, seq, i, tokens + i, k,
				    logits ? logits + (size_t)i * r->mf->vocab : NULL);
	}
	return ret;
}

int model_decode(struct model_run *r, uint32_t first, const uint32_t *pos, const uint32_t *tokens,
		 uint32_t n, uint32_t steps, uint32_t stop, uint32_t *out, float *logits)
{
	struct ig1_column *col = (struct ig1_column *)(r->mem + COL_VA);
	const struct ig1_token *t = (const struct ig1_token *)(r->mem + EMIT_VA);
	const uint64_t args[IG1_ARGS] = { COL_VA, n,	     logits ? LOGIT_VA : 0, 0, 0, steps,
					  stop,	  UINT32_MAX };
	uint32_t i;
	int ret;

	for (i = 0; i < n; i++)
		col[i] = (struct ig1_column){ .token = tokens[i],
					      .pos = pos[i],
					      .kv = KV_VA + (first + i) * region(r),
					      .state = state_va(r, first + i) };
	ret = run(r, IG1_PROG_DECODE, args);
	if (ret)
		return ret;
	for (i = 0; i < r->done.emitted; i++) {
		if (t[i].slot != i % n || t[i].kind != IG1_EMIT_TOKEN || t[i].seq != i + 1) {
			snprintf(r->err, sizeof(r->err), "token record %u is out of order", i);
			return -EIO;
		}
		out[i] = t[i].value;
	}
	if (logits)
		memcpy(logits, r->mem + LOGIT_VA, 4ull * n * r->mf->vocab);
	return (int)r->done.emitted;
}

int model_estimate(const struct compile_result *built, uint32_t pos, struct estimate *e)
{
	const struct cg_prog *p = &built->code.prog[IG1_PROG_DECODE];
	struct ig1_column col = { .pos = pos, .kv = KV_VA, .state = 1ull << (IG1_VA_BITS - 1) };
	struct trace_job job = {
		.chip = p->chip,
		.cols = &col,
		.n_cols = 1,
		.n_cmds = p->n_cmds,
		.max_commands = 1u << 22,
		.args = { COL_VA, 1, 0, 0, 1, 1, UINT32_MAX, UINT32_MAX },
	};
	struct diag d = { 0 };
	uint8_t *code = NULL;
	size_t bytes;
	int ret;

	ret = cg_encode_all(p, &code, &bytes);
	job.prog = code;
	if (!ret)
		ret = estimate_job(&job, NULL, NULL, e, &d);
	free(code);
	return ret;
}
