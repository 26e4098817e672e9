// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Copying the resident SRAM
 *
 * The CPU has no way to the resident SRAM, but a program has. The driver's own context (number 0)
 * has an address space with the SRAM at SRAM_VA, chunks of host memory at HOST_VA and the program
 * at PROG_VA. The program moves a chunk into scratch (d.ld) and out again (d.st); commands of one
 * engine run in order. The firmware clears scratch before another context uses it.
 */
#include <linux/dma-mapping.h>
#include <linux/slab.h>

#include "ig1_device.h"
#include "ig1_resident.h"

/* Half of the smallest configuration's scratch. */
#define CHUNK_BYTES	0x20000u
#define SRAM_VA		0ull
#define HOST_VA		BIT_ULL(36)
#define PROG_VA		BIT_ULL(37)
#define COPY_TIMEOUT_MS 60000

/* A load and a store per chunk, and the end. */
#define COMMANDS(chunks) (2 * (chunks) + 1)

/**
 * struct ig1_resident - Copy of the resident SRAM
 */
struct ig1_resident {
	/** @dev: DMA device; the copy is gone before it is */
	struct device *dev;
	/** @mmu: page tables of the driver's context */
	struct ig1_mmu mmu;
	/** @prog: program, DMA memory */
	__le32 *prog;
	/** @prog_dma: its bus address */
	dma_addr_t prog_dma;
	/** @prog_bytes: its size, pages */
	size_t prog_bytes;
	/** @save: job that saves */
	struct ig1_hwq_kernel_job *save;
	/** @load: job that loads */
	struct ig1_hwq_kernel_job *load;
	/** @chunks: number of chunks */
	u32 chunks;
	/** @chunk: DMA memory */
	struct {
		/** @chunk.mem: the CPU's address */
		void *mem;
		/** @chunk.dma: bus address */
		dma_addr_t dma;
	} chunk[] __counted_by(chunks);
};

static int map(struct ig1_resident *r, u64 va, u64 addr, u64 bytes, u64 flags)
{
	struct ig1_pt_need need = {};
	struct ig1_pt_cache cache;
	int err;

	ig1_pt_cache_init(&cache);
	ig1_pt_need_extent(&need, va, addr, bytes);
	err = ig1_pt_cache_fill(r->mmu.pool, &cache, &need);
	if (!err)
		err = ig1_mmu_map(&r->mmu, &cache, va, addr, bytes, flags);
	ig1_pt_cache_free(r->mmu.pool, &cache);
	return err;
}

void ig1_resident_free(struct ig1_resident *r)
{
	u32 i;

	if (IS_ERR_OR_NULL(r))
		return;
	for (i = 0; i < r->chunks; i++) {
		if (r->chunk[i].mem)
			dma_free_coherent(r->dev, CHUNK_BYTES, r->chunk[i].mem, r->chunk[i].dma);
	}
	if (r->prog)
		dma_free_coherent(r->dev, r->prog_bytes, r->prog, r->prog_dma);
	ig1_mmu_fini(&r->mmu);
	ig1_hwq_kernel_job_put(r->save);
	ig1_hwq_kernel_job_put(r->load);
	kvfree(r);
}

static int alloc_chunks(struct ig1_resident *r)
{
	int err;
	u32 i;

	for (i = 0; i < r->chunks; i++) {
		r->chunk[i].mem = dma_alloc_coherent(r->dev, CHUNK_BYTES, &r->chunk[i].dma,
						     GFP_KERNEL);
		if (!r->chunk[i].mem)
			return -ENOMEM;
		err = map(r, HOST_VA + (u64)i * CHUNK_BYTES, r->chunk[i].dma, CHUNK_BYTES,
			  IG1_PTE_WRITE);
		if (err)
			return err;
	}
	return 0;
}

struct ig1_resident *ig1_resident_alloc(struct ig1_device *dev)
{
	u32 chunks = DIV_ROUND_UP_ULL(dev->chip.sram_bytes, CHUNK_BYTES);
	struct ig1_resident *r;
	int err;

	r = kvzalloc(struct_size(r, chunk, chunks), GFP_KERNEL);
	if (!r)
		return ERR_PTR(-ENOMEM);
	r->chunks = chunks;
	r->dev = dev->drm.dev;
	r->prog_bytes = PAGE_ALIGN(COMMANDS(chunks) * IG1_COMMAND_BYTES);
	err = ig1_mmu_init(&r->mmu, &dev->mmu);
	if (err)
		goto free;
	r->save = ig1_hwq_kernel_job_create();
	r->load = ig1_hwq_kernel_job_create();
	r->prog = dma_alloc_coherent(r->dev, r->prog_bytes, &r->prog_dma, GFP_KERNEL);
	if (!r->save || !r->load || !r->prog) {
		err = -ENOMEM;
		goto free;
	}
	err = map(r, PROG_VA, r->prog_dma, r->prog_bytes, 0);
	if (err)
		goto free;
	err = map(r, SRAM_VA, 0, dev->chip.sram_bytes, IG1_PTE_WRITE | IG1_PTE_SRAM);
	if (err)
		goto free;
	err = alloc_chunks(r);
	if (err)
		goto free;
	return r;
free:
	ig1_resident_free(r);
	return ERR_PTR(err);
}

static __le32 *put_move(__le32 *words, u32 op, u64 va, u32 bytes)
{
	words[0] = cpu_to_le32(op);
	words[IG1_DMA_VA] = cpu_to_le32(lower_32_bits(va));
	words[IG1_DMA_VA + 1] = cpu_to_le32(upper_32_bits(va));
	words[IG1_DMA_SP] = 0;
	words[IG1_DMA_BYTES] = cpu_to_le32(bytes);
	words[IG1_DMA_N1] = cpu_to_le32(1);
	words[IG1_DMA_N2] = cpu_to_le32(1);
	return words + IG1_COMMAND_BYTES / 4;
}

static int copy(struct ig1_device *dev, struct ig1_resident *r, struct ig1_hwq_kernel_job *job,
		u64 from, u64 to)
{
	__le32 *words = r->prog;
	struct ig1_hw_job desc = {
		.magic = cpu_to_le32(IG1_JOB_MAGIC),
		.context = cpu_to_le32(IG1_CONTEXT_KERNEL),
		.pt_root = cpu_to_le64(r->mmu.root->dma),
		.prog_va = cpu_to_le64(PROG_VA),
		.prog_len = cpu_to_le32(COMMANDS(r->chunks)),
	};
	u64 at, left;
	u32 i, n;

	memset(r->prog, 0, r->prog_bytes);
	for (i = 0; i < r->chunks; i++) {
		at = (u64)i * CHUNK_BYTES;
		left = dev->chip.sram_bytes - at;
		n = min_t(u64, left, CHUNK_BYTES);
		words = put_move(words, IG1_OP_D_LD, from + at, n);
		words = put_move(words, IG1_OP_D_ST, to + at, n);
	}
	words[0] = cpu_to_le32(IG1_OP_S_END);
	return ig1_hwq_run(dev, job, &desc, msecs_to_jiffies(COPY_TIMEOUT_MS));
}

int ig1_resident_save(struct ig1_device *dev, struct ig1_resident *resident)
{
	return copy(dev, resident, resident->save, SRAM_VA, HOST_VA);
}

int ig1_resident_load(struct ig1_device *dev, struct ig1_resident *resident)
{
	return copy(dev, resident, resident->load, HOST_VA, SRAM_VA);
}
