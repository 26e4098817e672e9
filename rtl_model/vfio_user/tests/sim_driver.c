// SPDX-License-Identifier: MIT
/* A driver in a page. */
#include "sim_driver.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "image.h"
#include "mask.h"
#include "pci_config.h"
#include "pci_device.h"
#include "ref.h"

#define PROG_VA	  0x10000000ull
#define COLUMN_VA 0x20000000ull
#define LOGITS_VA 0x30000000ull
#define KV_VA	  0x40000000ull
#define EMIT_VA	  0x50000000ull

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "sim_driver: %s failed\n", what);
	abort();
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int by_message_read(void *ctx, uint64_t addr, void *dst, size_t n)
{
	struct sim_driver *d = ctx;

	if (addr < SIM_BASE || addr - SIM_BASE > SIM_RAM - n)
		return EFAULT;
	memcpy(dst, d->ram + (addr - SIM_BASE), n);
	return 0;
}

static int by_message_write(void *ctx, uint64_t addr, const void *src, size_t n)
{
	struct sim_driver *d = ctx;

	if (addr < SIM_BASE || addr - SIM_BASE > SIM_RAM - n)
		return EFAULT;
	memcpy(d->ram + (addr - SIM_BASE), src, n);
	return 0;
}

void sim_open(struct sim_driver *d, const char *socket, uint32_t how)
{
	unsigned int i;

	memset(d, 0, sizeof(*d));
	must(!vfu_client_connect(&d->c, socket), "connecting");
	must(!vfu_client_version(&d->c,
				 "{\"capabilities\":{\"max_msg_fds\":16,"
				 "\"max_data_xfer_size\":1048576}}",
				 NULL, 0),
	     "version");
	d->ram_fd = memfd_create("ram", MFD_CLOEXEC);
	must(d->ram_fd >= 0 && !ftruncate(d->ram_fd, SIM_RAM), "memory");
	d->ram = mmap(NULL, SIM_RAM, PROT_READ | PROT_WRITE, MAP_SHARED, d->ram_fd, 0);
	must(d->ram != MAP_FAILED, "mmap");
	d->c.ctx = d;
	d->c.read = by_message_read;
	d->c.write = by_message_write;
	must(!vfu_client_map(&d->c, SIM_BASE, SIM_RAM, VFU_MAP_READ | VFU_MAP_WRITE,
			     how == SIM_BY_MESSAGE ? -1 : d->ram_fd, 0),
	     "DMA_MAP");
	for (i = 0; i < IG1_VECTORS; i++)
		d->irq[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	must(!vfu_client_irqs(&d->c, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
			      VFIO_PCI_MSIX_IRQ_INDEX, 0, IG1_VECTORS, d->irq, IG1_VECTORS),
	     "SET_IRQS");
}

void sim_close(struct sim_driver *d)
{
	unsigned int i;

	vfu_client_close(&d->c);
	for (i = 0; i < IG1_VECTORS; i++)
		close(d->irq[i]);
	munmap(d->ram, SIM_RAM);
	close(d->ram_fd);
}

uint32_t sim_get(struct sim_driver *d, uint32_t reg)
{
	return vfu_client_get(&d->c, PCI_REGION_BAR0, reg, 4);
}

void sim_set(struct sim_driver *d, uint32_t reg, uint32_t v)
{
	vfu_client_set(&d->c, PCI_REGION_BAR0, reg, v, 4);
}

/* Serves DMA by message, if there is any, while time passes. */
static void pause_ms(struct sim_driver *d, int ms)
{
	must(vfu_client_answer(&d->c, ms, NULL, NULL) >= 0, "serving DMA");
}

uint32_t sim_mailbox(struct sim_driver *d, uint32_t cmd, uint32_t a0, uint64_t a12, int ms)
{
	int64_t end = now_ms() + ms;

	sim_set(d, IG1_BAR0_MBOX_ARG(0), a0);
	sim_set(d, IG1_BAR0_MBOX_ARG(1), (uint32_t)a12);
	sim_set(d, IG1_BAR0_MBOX_ARG(2), (uint32_t)(a12 >> 32));
	sim_set(d, IG1_BAR0_MBOX_ARG(3), 0);
	sim_set(d, IG1_BAR0_MBOX_CMD, cmd);
	sim_set(d, IG1_BAR0_MBOX_SEQ, ++d->seq);
	sim_set(d, IG1_BAR0_MBOX_DOORBELL, 1);
	while (sim_get(d, IG1_BAR0_MBOX_DONE) != d->seq) {
		if (now_ms() > end)
			return 255;
		pause_ms(d, 1);
	}
	return sim_get(d, IG1_BAR0_MBOX_RET);
}

/* A zeroed page; offset in the memory. */
static uint64_t pages(struct sim_driver *d, uint64_t bytes)
{
	uint64_t at = d->used;

	bytes = (bytes + IG1_PAGE_BYTES - 1) / IG1_PAGE_BYTES * IG1_PAGE_BYTES;
	must(bytes <= SIM_RAM - at, "allocation");
	memset(d->ram + at, 0, bytes);
	d->used += bytes;
	return at;
}

static void load_firmware(struct sim_driver *d, const char *path)
{
	struct ig1_fw_header h;
	uint32_t i, word;
	FILE *f = fopen(path, "rb");

	must(f && fread(&h, sizeof(h), 1, f) == 1 && h.magic == IG1_FW_MAGIC, path);
	sim_set(d, IG1_BAR0_LOAD_ADDR, h.load_addr);
	for (i = 0; i < h.image_bytes; i += 4) {
		must(fread(&word, 4, 1, f) == 1, "reading the firmware");
		must(!vfu_client_post(&d->c, PCI_REGION_BAR0, IG1_BAR0_LOAD_DATA, word),
		     "LOAD_DATA");
	}
	fclose(f);
}

static void create_queue(struct sim_driver *d)
{
	uint64_t config = pages(d, IG1_PAGE_BYTES);
	struct ig1_queue q = { 0 };

	d->rings = pages(d, 2 * IG1_PAGE_BYTES);
	q.ring = SIM_BASE + d->rings;
	q.cq = q.ring + IG1_PAGE_BYTES;
	q.entries = SIM_ENTRIES;
	q.vector = 3;
	memcpy(d->ram + config, &q, sizeof(q));
	must(!sim_mailbox(d, IG1_MBOX_QUEUE_CREATE, 0, SIM_BASE + config, 20000), "queue_create");
	d->tail = 0;
}

bool sim_boot(struct sim_driver *d, const char *firmware)
{
	int64_t end = now_ms() + 120000;
	uint32_t state;

	vfu_client_set(&d->c, PCI_REGION_CONFIG, PCI_COMMAND,
		       PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
	vfu_client_set(&d->c, PCI_REGION_CONFIG, PCI_CONFIG_MSIX + PCI_MSIX_FLAGS,
		       PCI_MSIX_FLAGS_ENABLE, 2);
	if (sim_get(d, IG1_BAR0_ID) != IG1_CHIP_ID)
		return false;
	load_firmware(d, firmware);
	sim_set(d, IG1_BAR0_CONTROL, IG1_BAR0_CONTROL_MCU_RUN);
	do {
		pause_ms(d, 5);
		state = sim_get(d, IG1_BAR0_FW_STATE);
	} while ((state == IG1_FW_STATE_RESET || state == IG1_FW_STATE_BOOT) && now_ms() < end);
	if (state != IG1_FW_STATE_READY)
		return false;
	d->seq = 0;
	d->used = 0;
	create_queue(d);
	sim_set(d, IG1_BAR0_IRQ_ENABLE, (1u << IG1_VECTORS) - 1);
	return true;
}

/* --- a job -------------------------------------------------------------------------------------- */

static void map_page(struct sim_driver *d, uint64_t va, uint64_t at)
{
	uint64_t table = d->root - SIM_BASE, next, *e;
	int level;

	for (level = 2; level > 0; level--) {
		e = (uint64_t *)(void *)(d->ram + table) +
		    (va >> (IG1_PAGE_SHIFT + level * IG1_PT_BITS)) % IG1_PT_ENTRIES;
		if (!*e) {
			next = pages(d, IG1_PAGE_BYTES);
			*e = (SIM_BASE + next) | IG1_PTE_VALID;
		}
		table = (*e & IG1_PTE_ADDR_MASK) - SIM_BASE;
	}
	e = (uint64_t *)(void *)(d->ram + table) + (va >> IG1_PAGE_SHIFT) % IG1_PT_ENTRIES;
	*e = (SIM_BASE + at) | IG1_PTE_VALID | IG1_PTE_WRITE | IG1_PTE_LEAF;
}

static uint64_t map_range(struct sim_driver *d, uint64_t va, uint64_t bytes)
{
	uint64_t at = pages(d, bytes), i;

	for (i = 0; i < bytes; i += IG1_PAGE_BYTES)
		map_page(d, va + i, at + i);
	return at;
}

void sim_prepare(struct sim_driver *d, const char *mask, uint32_t token, uint32_t steps)
{
	const struct ig1_image_manifest *m;
	struct ig1_column column = { .token = token, .kv = KV_VA };
	char err[MASK_ERR];
	struct mask_file f;
	const void *cmds;
	uint64_t at;
	size_t n;

	must(!mask_open(&f, mask, err), mask);
	must(!ig1_image_program(f.image, IG1_PROG_DECODE, &cmds, &n), "the decode program");
	m = ig1_image_manifest(f.image);
	must(m, "the manifest");
	d->root = SIM_BASE + pages(d, IG1_PAGE_BYTES);
	at = map_range(d, PROG_VA, n * IG1_COMMAND_BYTES);
	memcpy(d->ram + at, cmds, n * IG1_COMMAND_BYTES);
	d->results = map_range(d, COLUMN_VA, IG1_PAGE_BYTES);
	memcpy(d->ram + d->results, &column, sizeof(column));
	map_range(d, LOGITS_VA, m->vocab * 4ull * m->max_cols);
	map_range(d, KV_VA, m->kv_blocks * m->kv_block_bytes);
	map_range(d, EMIT_VA, IG1_PAGE_BYTES);
	d->results_end = d->used;
	d->job = (struct ig1_job){
		.magic = IG1_JOB_MAGIC,
		.context = 1,
		.nargs = 8,
		.pt_root = d->root,
		.prog_va = PROG_VA,
		.prog_len = (uint32_t)n,
		.emit_va = EMIT_VA,
		.emit_entries = IG1_PAGE_BYTES / sizeof(struct ig1_token),
		.args = { COLUMN_VA, 1, LOGITS_VA, 0, 1, steps, UINT32_MAX, UINT32_MAX },
	};
	mask_close(&f);
}

void sim_submit(struct sim_driver *d, uint64_t id)
{
	struct ig1_job *ring = (struct ig1_job *)(void *)(d->ram + d->rings);

	d->job.job_id = id;
	ring[d->tail++ % SIM_ENTRIES] = d->job;
	sim_set(d, IG1_BAR0_DOORBELL(0), d->tail);
}

bool sim_wait(struct sim_driver *d, struct ig1_completion *done, int ms)
{
	const struct ig1_completion *cq = (const void *)(d->ram + d->rings + IG1_PAGE_BYTES);
	struct pollfd p[2] = { { .fd = d->irq[3], .events = POLLIN },
			       { .fd = d->c.fd, .events = POLLIN } };
	int64_t end = now_ms() + ms;
	uint64_t count;

	while (poll(p, 2, (int)(end - now_ms()) < 0 ? 0 : (int)(end - now_ms())) > 0) {
		if (p[1].revents)
			pause_ms(d, 1);
		if (!p[0].revents)
			continue;
		must(read(d->irq[3], &count, sizeof(count)) == sizeof(count), "eventfd");
		sim_set(d, IG1_BAR0_IRQ_STATUS, 1u << 3);
		*done = cq[(d->tail - 1) % SIM_ENTRIES];
		if (done->head == d->tail)
			return true;
	}
	return false;
}

/* --- the same on the reference model ---------------------------------------------------------------- */

static int copy_read(void *ctx, uint64_t addr, void *dst, size_t n)
{
	if (addr < SIM_BASE || addr - SIM_BASE > SIM_RAM - n)
		return -EFAULT;
	memcpy(dst, (uint8_t *)ctx + (addr - SIM_BASE), n);
	return 0;
}

static int copy_write(void *ctx, uint64_t addr, const void *src, size_t n)
{
	if (addr < SIM_BASE || addr - SIM_BASE > SIM_RAM - n)
		return -EFAULT;
	memcpy((uint8_t *)ctx + (addr - SIM_BASE), src, n);
	return 0;
}

static const struct ig1_config *config(const char *name)
{
	unsigned int i;

	for (i = 0; i < IG1_CONFIGS; i++) {
		if (!strcmp(ig1_configs[i].name, name))
			return &ig1_configs[i];
	}
	return NULL;
}

const char *sim_compare(struct sim_driver *d, const char *mask, const uint8_t *before,
			const struct ig1_completion *done)
{
	struct ig1_completion want = { 0 };
	const char *differs = NULL;
	uint8_t *copy = malloc(SIM_RAM);
	struct ig1_bus bus = { copy, copy_read, copy_write, NULL };
	char err[MASK_ERR];
	struct mask_file f;
	struct ig1_ref *ref;
	uint32_t i;

	must(copy && !mask_open(&f, mask, err), "opening the mask");
	memcpy(copy, before, SIM_RAM);
	must(!ig1_ref_create(config(f.config), &f.mask, &bus, &ref), "ig1_ref_create");
	ig1_ref_run(ref, &d->job, 1, &want);
	if (done->job_id != d->job.job_id || done->status != want.status ||
	    done->fault != want.fault || done->fault_addr != want.fault_addr ||
	    done->fault_index != want.fault_index)
		differs = "status";
	else if (done->emitted != want.emitted)
		differs = "emitted";
	else if (memcmp(d->ram + d->results, copy + d->results, d->results_end - d->results) != 0)
		differs = "memory";
	for (i = 0; i < IG1_CTR_COUNT && !differs; i++) {
		if (!ig1_ctr_timed[i] && done->counters[i] != want.counters[i])
			differs = "counters";
	}
	/* and it did something */
	if (!differs &&
	    !memcmp(before + d->results, copy + d->results, d->results_end - d->results))
		differs = "nothing was written";
	ig1_ref_destroy(ref);
	mask_close(&f);
	free(copy);
	return differs;
}
