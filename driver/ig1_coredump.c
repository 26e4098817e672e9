// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Core dumps
 *
 * Text, sections in brackets, "name: value" lines, numbers decimal or 0x hexadecimal. The first
 * line is "intaglio coredump VERSION"; a reader ignores sections and names it does not know::
 *
 *	[device]     reason, time, kernel, firmware, mask
 *	[registers]  host registers
 *	[rings]      hardware queues, and the numbers of the jobs in them
 *	[job]        the job that is the reason: queue, descriptor
 *	[translation] page-table entry of the program, and the bytes it covers
 *	[program]    its first commands, a line of 32 words each
 *	[counters]   sums over all jobs of the device
 *	[log]        the firmware's log
 *
 * It is taken before the chip is touched, into memory set aside, because a reset must not wait for
 * memory; a work item hands it to devcoredump.
 */
#include <linux/devcoredump.h>
#include <linux/highmem.h>
#include <linux/ktime.h>
#include <linux/utsname.h>
#include <linux/vmalloc.h>

#include <drm/drm_managed.h>
#include <drm/drm_print.h>

#include "ig1_coredump.h"
#include "ig1_device.h"
#include "ig1_queue.h"

#define DUMP_VERSION  1
#define DUMP_BYTES    65536
#define DUMP_COMMANDS 16
#define COMMAND_WORDS (IG1_COMMAND_BYTES / 4)

/**
 * struct ig1_coredump - Memory of a core dump
 */
struct ig1_coredump {
	/** @dev: device */
	struct ig1_device *dev;
	/** @busy: bit 0: taken and not published */
	unsigned long busy;
	/** @work: publishes it */
	struct work_struct work;
	/** @len: bytes in @text */
	size_t len;
	/** @text: the dump */
	char *text;
};

static void dump_printfn(struct drm_printer *p, struct va_format *vaf)
{
	struct ig1_coredump *dump = p->arg;

	dump->len += vscnprintf(dump->text + dump->len, DUMP_BYTES - dump->len, vaf->fmt, *vaf->va);
}

static void publish(struct work_struct *work)
{
	struct ig1_coredump *dump = container_of(work, struct ig1_coredump, work);
	void *copy = vmalloc(dump->len);

	if (copy) {
		memcpy(copy, dump->text, dump->len);
		/* It frees the copy. */
		dev_coredumpv(dump->dev->drm.dev, copy, dump->len, GFP_KERNEL);
	}
	clear_bit_unlock(0, &dump->busy);
}

static void text_free(struct drm_device *drm, void *res)
{
	vfree(res);
}

int ig1_coredump_init(struct ig1_device *dev)
{
	struct ig1_coredump *dump;
	int err;

	dump = drmm_kzalloc(&dev->drm, sizeof(*dump), GFP_KERNEL);
	if (!dump)
		return -ENOMEM;
	dump->text = vmalloc(DUMP_BYTES);
	if (!dump->text)
		return -ENOMEM;
	err = drmm_add_action_or_reset(&dev->drm, text_free, dump->text);
	if (err)
		return err;
	dump->dev = dev;
	INIT_WORK(&dump->work, publish);
	dev->reset.dump = dump;
	return 0;
}

void ig1_coredump_fini(struct ig1_device *dev)
{
	if (dev->reset.dump)
		disable_work_sync(&dev->reset.dump->work);
}

static const struct {
	u32 reg;
	const char *name;
} registers[] = {
	{ IG1_REG_ID, "ID" },
	{ IG1_REG_SPEC, "SPEC" },
	{ IG1_REG_STATUS, "STATUS" },
	{ IG1_REG_CONTROL, "CONTROL" },
	{ IG1_REG_FW_STATE, "FW_STATE" },
	{ IG1_REG_FW_ERROR, "FW_ERROR" },
	{ IG1_REG_FW_ABI, "FW_ABI" },
	{ IG1_REG_FW_VERSION, "FW_VERSION" },
	{ IG1_REG_IRQ_STATUS, "IRQ_STATUS" },
	{ IG1_REG_IRQ_ENABLE, "IRQ_ENABLE" },
	{ IG1_REG_MBOX_CMD, "MBOX_CMD" },
	{ IG1_REG_MBOX_SEQ, "MBOX_SEQ" },
	{ IG1_REG_MBOX_DONE, "MBOX_DONE" },
	{ IG1_REG_MBOX_RET, "MBOX_RET" },
	{ IG1_REG_MBOX_VAL, "MBOX_VAL" },
	{ IG1_REG_MBOX_OUT(0), "MBOX_OUT0" },
	{ IG1_REG_MBOX_OUT(1), "MBOX_OUT1" },
	{ IG1_REG_MBOX_OUT(2), "MBOX_OUT2" },
	{ IG1_REG_MBOX_OUT(3), "MBOX_OUT3" },
	{ IG1_REG_CYCLES(0), "CYCLES_LO" },
	{ IG1_REG_CYCLES(1), "CYCLES_HI" },
};

static void print_device(struct ig1_device *dev, struct drm_printer *p, const char *reason)
{
	drm_printf(p, "intaglio coredump %u\n[device]\nreason: %s\n", DUMP_VERSION, reason);
	drm_printf(p, "time: %lld\n", ktime_get_real_seconds());
	drm_printf(p, "kernel: %s\n", init_utsname()->release);
	drm_printf(p, "firmware: 0x%06x abi 0x%08x\n", dev->fw.version, dev->fw.abi);
	drm_printf(p, "mask: %*phN\n", (int)sizeof(dev->chip.mask_id), dev->chip.mask_id);
}

static void print_registers(struct ig1_device *dev, struct drm_printer *p)
{
	u32 i;

	drm_puts(p, "[registers]\n");
	for (i = 0; i < ARRAY_SIZE(registers); i++)
		drm_printf(p, "%s: 0x%08x\n", registers[i].name, ig1_rd(dev, registers[i].reg));
}

static void print_rings(struct ig1_device *dev, struct drm_printer *p)
{
	struct ig1_hwq_entry *entry;
	u32 i;

	drm_puts(p, "[rings]\n");
	ig1_hwq_print(dev, p);
	guard(spinlock)(&dev->hwq.lock);
	for (i = 0; i < IG1_PRIORITIES; i++) {
		list_for_each_entry(entry, &dev->hwq.q[i].inflight, node)
			drm_printf(p, "ring %u job: %llu context %u\n", i, entry->id,
				   le32_to_cpu(entry->desc.context));
	}
}

static void print_job(struct ig1_job *job, struct drm_printer *p)
{
	const struct ig1_hw_job *d = &job->entry.desc;
	struct ig1_queue *queue = job->queue;
	u32 i;

	drm_printf(p, "[job]\nqueue: %u priority %u state %u\n", queue->id, queue->priority,
		   queue->state);
	drm_printf(p, "job: %llu seq %llu of %llu\n", job->entry.id, job->seq, queue->submitted);
	drm_printf(p, "context: %u\n", queue->context);
	drm_printf(p, "commands: %u emitted %u\n", job->commands, job->emitted);
	drm_printf(p, "pt_root: 0x%llx\n", le64_to_cpu(d->pt_root));
	drm_printf(p, "prog_va: 0x%llx\nprog_len: %u\n", le64_to_cpu(d->prog_va),
		   le32_to_cpu(d->prog_len));
	drm_printf(p, "emit_va: 0x%llx entries %u\n", le64_to_cpu(d->emit_va),
		   le32_to_cpu(d->emit_entries));
	drm_printf(p, "trace_va: 0x%llx entries %u\n", le64_to_cpu(d->trace_va),
		   le32_to_cpu(d->trace_entries));
	drm_printf(p, "watchdog: %llu\n", le64_to_cpu(d->watchdog));
	for (i = 0; i < le32_to_cpu(d->nargs); i++)
		drm_printf(p, "arg%u: 0x%llx\n", i, le64_to_cpu(d->args[i]));
}

/* A page of a host buffer that is mapped at an address, or NULL. */
static struct page *page_at(struct ig1_vm *vm, u64 va, u32 *offset)
{
	struct drm_gpuva *map = drm_gpuva_find_first(&vm->base, va, 1);
	struct ig1_bo *bo;
	u64 at;

	if (!map || !map->gem.obj)
		return NULL;
	bo = to_ig1_bo(map->gem.obj);
	if (ig1_bo_resident(bo) || !bo->base.pages)
		return NULL;
	at = map->gem.offset + (va - map->va.addr);
	*offset = offset_in_page(at);
	return bo->base.pages[at >> PAGE_SHIFT];
}

/* A command does not cross a page: both are powers of two. */
static void print_command(struct ig1_vm *vm, u64 va, u32 index, struct drm_printer *p)
{
	u32 words[COMMAND_WORDS], offset, i;
	struct page *page;
	void *from;

	page = page_at(vm, va, &offset);
	if (!page) {
		drm_printf(p, "%u: not in host memory\n", index);
		return;
	}
	from = kmap_local_page(page);
	memcpy(words, from + offset, sizeof(words));
	kunmap_local(from);
	drm_printf(p, "%u:", index);
	for (i = 0; i < COMMAND_WORDS; i++)
		drm_printf(p, " %08x", words[i]);
	drm_puts(p, "\n");
}

static void print_program(struct ig1_job *job, struct drm_printer *p)
{
	u64 va = le64_to_cpu(job->entry.desc.prog_va), bytes = 0, entry;
	u32 n = min(le32_to_cpu(job->entry.desc.prog_len), DUMP_COMMANDS), i;
	struct ig1_vm *vm = job->queue->vm;

	guard(mutex)(&vm->op_lock);
	drm_puts(p, "[translation]\n");
	if (va >> IG1_VA_BITS || !vm->mmu.root) {
		drm_printf(p, "0x%llx: outside\n", va);
		return;
	}
	entry = ig1_mmu_walk(&vm->mmu, va, &bytes);
	drm_printf(p, "0x%llx: entry 0x%llx covers 0x%llx\n", va, entry, bytes);
	drm_puts(p, "[program]\n");
	for (i = 0; i < n; i++)
		print_command(vm, va + (u64)i * IG1_COMMAND_BYTES, i, p);
}

static void print_counters(struct ig1_device *dev, struct drm_printer *p)
{
	static const char * const names[] = IG1_CTR_NAMES;
	u32 i;

	drm_puts(p, "[counters]\n");
	for (i = 0; i < IG1_CTR_COUNT; i++)
		drm_printf(p, "%s: %llu\n", names[i], dev->stats.counts.counters[i]);
}

void ig1_coredump_take(struct ig1_device *dev, struct ig1_job *job, const char *reason)
{
	struct ig1_coredump *dump = dev->reset.dump;
	struct drm_printer p = { .printfn = dump_printfn, .arg = dump };

	lockdep_assert_held_write(&dev->hw_lock);
	if (!dump || test_and_set_bit_lock(0, &dump->busy))
		return;
	dump->len = 0;
	print_device(dev, &p, reason);
	print_registers(dev, &p);
	print_rings(dev, &p);
	if (job) {
		print_job(job, &p);
		print_program(job, &p);
	}
	print_counters(dev, &p);
	drm_puts(&p, "[log]\n");
	ig1_fw_log_print(dev, &p);
	queue_work(ig1_free_wq, &dump->work);
}
