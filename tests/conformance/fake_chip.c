// SPDX-License-Identifier: MIT
/*
 * A chip for testing the sim back end without Verilator: BAR0 registers and what the firmware does
 * with mailbox and queues, in C, with the reference model as sequencer and engines. Time is
 * pretended. Its firmware file is only checked for having been loaded.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/common/vm.h"
#include "backends/sim/sim_chip.h"
#include "ig1_tables.h"

#define BOOT_RUNS 3

struct fake_queue {
	uint32_t state, head, tail, done;
	struct ig1_queue c;
};

struct sim_chip {
	struct ig1_config cfg;
	struct ig1_bus bus;
	struct ig1_ref *ref;
	const uint8_t *fdt;
	size_t fdt_bytes;
	uint32_t regs[0x200 / 4];
	uint8_t sram[IG1_MCU_SRAM_BYTES];
	uint32_t boot, irqs, mbox;
	struct fake_queue q[IG1_QUEUES];
	uint8_t stopped[65536];
	uint32_t context;

	/* the job in the sequencer */
	pthread_mutex_t lock;
	pthread_cond_t cond;
	pthread_t thread;
	int run, ended, quit, clear;
	uint32_t queue;
	struct ig1_job job;
	struct ig1_completion completion;
	int abort;
	uint64_t tick;
	uint32_t traced;
};

extern const unsigned char sim_firmware_builtin[];
extern const size_t sim_firmware_builtin_bytes;

/* ABI 1.0, version 1.2.3, sixteen bytes with their CRC. */
const unsigned char
	sim_firmware_builtin[80] = {
		[0] = 'I', 'G', 'F',	     'W',  0,	 0,    1,	 0,  3,	 2,  1,
		0,	   16,	[24] = 0x88, 0xe2, 0xce, 0xce, [64] = 0, 1,  2,	 3,  4,
		5,	   6,	7,	     8,	   9,	 10,   11,	 12, 13, 14, 15,
	};
const size_t sim_firmware_builtin_bytes = sizeof(sim_firmware_builtin);

/* A record per command of an engine, one tick each. */
static void on_step(void *ctx, uint32_t index, const uint32_t w[32])
{
	struct sim_chip *c = ctx;
	struct vm vm = { .mem = c->bus.ctx, .root = c->job.pt_root }; /* as the back end sets it */
	const struct ig1_op_desc *op = ig1_op_find(w[0] & 0xff);
	struct ig1_trace t = { .index = index };

	t.issue = t.start = c->tick++;
	t.end = c->tick;
	if (!op || op->engine == IG1_ENGINE_SEQ || c->traced >= c->job.trace_entries)
		return;
	t.engine = op->engine;
	t.opcode = op->code;
	if (!vm_write(&vm, c->job.trace_va + c->traced * sizeof(t), &t, sizeof(t)))
		c->traced++;
}

static void *sequencer(void *arg)
{
	struct sim_chip *c = arg;

	pthread_mutex_lock(&c->lock);
	while (!c->quit) {
		if (!c->run) {
			pthread_cond_wait(&c->cond, &c->lock);
			continue;
		}
		pthread_mutex_unlock(&c->lock);
		c->tick = 0;
		c->traced = 0;
		ig1_ref_set_step(c->ref, c->job.trace_entries ? on_step : NULL, c);
		ig1_ref_run(c->ref, &c->job, c->clear, &c->completion);
		c->completion.traced = c->traced;
		pthread_mutex_lock(&c->lock);
		c->run = 0;
		c->ended = 1;
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

static int bus_read(void *ctx, uint64_t addr, void *dst, size_t n)
{
	struct sim_chip *c = ctx;

	if (__atomic_load_n(&c->abort, __ATOMIC_RELAXED))
		ig1_ref_abort(c->ref);
	return c->bus.read(c->bus.ctx, addr, dst, n);
}

static int bus_write(void *ctx, uint64_t addr, const void *src, size_t n)
{
	struct sim_chip *c = ctx;

	return c->bus.write(c->bus.ctx, addr, src, n);
}

int sim_chip_open(const struct ig1_config *cfg, const struct ig1_mask *mask, const void *fdt,
		  size_t fdt_bytes, const struct ig1_bus *bus, struct sim_chip **out)
{
	struct sim_chip *c;
	struct ig1_bus b = { .read = bus_read, .write = bus_write };
	int err;

	if (strcmp(cfg->name, "small") && strcmp(cfg->name, "default"))
		return -ENOTSUP;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->cfg = *cfg;
	c->bus = *bus;
	c->fdt = fdt;
	c->fdt_bytes = fdt_bytes;
	c->context = UINT32_MAX;
	b.ctx = c;
	err = ig1_ref_create(&c->cfg, mask, &b, &c->ref);
	if (err) {
		free(c);
		return err;
	}
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->cond, NULL);
	pthread_create(&c->thread, NULL, sequencer, c);
	*out = c;
	return 0;
}

void sim_chip_close(struct sim_chip *c)
{
	pthread_mutex_lock(&c->lock);
	c->quit = 1;
	pthread_cond_signal(&c->cond);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->thread, NULL);
	ig1_ref_destroy(c->ref);
	pthread_cond_destroy(&c->cond);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

uint32_t sim_chip_read32(struct sim_chip *c, uint32_t offset)
{
	uint32_t v = 0;

	switch (offset) {
	case IG1_BAR0_ID:
		return IG1_CHIP_ID;
	case IG1_BAR0_SPEC:
		return IG1_SPEC_VERSION;
	case IG1_BAR0_FDT_SIZE:
		return (uint32_t)c->fdt_bytes;
	case IG1_BAR0_IRQ_STATUS:
		return c->irqs;
	default:
		break;
	}
	if (offset >= IG1_BAR0_FDT_WINDOW && offset - IG1_BAR0_FDT_WINDOW < c->fdt_bytes) {
		offset -= IG1_BAR0_FDT_WINDOW;
		memcpy(&v, c->fdt + offset, c->fdt_bytes - offset < 4 ? c->fdt_bytes - offset : 4);
		return v;
	}
	return offset < sizeof(c->regs) ? c->regs[offset / 4] : 0;
}

void sim_chip_write32(struct sim_chip *c, uint32_t offset, uint32_t value)
{
	uint32_t at;

	switch (offset) {
	case IG1_BAR0_LOAD_DATA:
		at = c->regs[IG1_BAR0_LOAD_ADDR / 4];
		memcpy(c->sram + at % sizeof(c->sram), &value, 4);
		c->regs[IG1_BAR0_LOAD_ADDR / 4] += 4;
		return;
	case IG1_BAR0_IRQ_STATUS:
		c->irqs &= ~value;
		return;
	case IG1_BAR0_MBOX_DOORBELL:
		c->mbox = 1;
		return;
	case IG1_BAR0_CONTROL:
		if (value & IG1_BAR0_CONTROL_MCU_RUN && !c->boot)
			c->boot = 1;
		break;
	default:
		break;
	}
	if (offset >= IG1_BAR0_DOORBELL(0) && offset < IG1_BAR0_DOORBELL(IG1_QUEUES))
		c->q[(offset - IG1_BAR0_DOORBELL(0)) / 4].tail = value;
	if (offset < sizeof(c->regs))
		c->regs[offset / 4] = value;
}

static uint32_t create(struct sim_chip *c, uint32_t n, uint64_t bus)
{
	struct fake_queue *q = &c->q[n % IG1_QUEUES];

	if (n >= IG1_QUEUES || bus % 4)
		return IG1_MBOX_EARG;
	if (q->state)
		return IG1_MBOX_ESTATE;
	if (c->bus.read(c->bus.ctx, bus, &q->c, sizeof(q->c)))
		return IG1_MBOX_EBUS;
	if (q->c.ring % 4096 || q->c.cq % 4096 || q->c.entries < 2 || q->c.entries > 1024 ||
	    (q->c.entries & (q->c.entries - 1)) || q->c.priority > 3 || q->c.vector > 7)
		return IG1_MBOX_EARG;
	q->state = 1;
	q->head = q->tail = q->done = 0;
	return 0;
}

static void stop_context(struct sim_chip *c, uint32_t context)
{
	c->stopped[context % 65536] = 1;
	pthread_mutex_lock(&c->lock);
	while (c->run && c->job.context == context) {
		__atomic_store_n(&c->abort, 1, __ATOMIC_RELAXED);
		ig1_ref_abort(c->ref);
		pthread_mutex_unlock(&c->lock);
		usleep(50);
		pthread_mutex_lock(&c->lock);
	}
	pthread_mutex_unlock(&c->lock);
	__atomic_store_n(&c->abort, 0, __ATOMIC_RELAXED);
}

static uint32_t mailbox(struct sim_chip *c, const uint32_t *arg)
{
	switch (c->regs[IG1_BAR0_MBOX_CMD / 4]) {
	case IG1_MBOX_QUEUE_CREATE:
		return create(c, arg[0], arg[1] | (uint64_t)arg[2] << 32);
	case IG1_MBOX_CTX_STOP:
		stop_context(c, arg[0]);
		return 0;
	case IG1_MBOX_CTX_RESUME:
		c->stopped[arg[0] % 65536] = 0;
		return 0;
	case IG1_MBOX_SRAM_ZERO:
		if (arg[0] + (uint64_t)arg[1] > c->cfg.sram_bytes / IG1_PAGE_BYTES)
			return IG1_MBOX_EARG;
		memset(ig1_ref_sram(c->ref) + (uint64_t)arg[0] * IG1_PAGE_BYTES, 0,
		       (uint64_t)arg[1] * IG1_PAGE_BYTES);
		return 0;
	default:
		return IG1_MBOX_ECMD;
	}
}

static void finish(struct sim_chip *c, uint32_t n)
{
	struct fake_queue *q = &c->q[n];

	c->completion.phase = q->done & q->c.entries ? 0 : 1;
	c->completion.head = q->done + 1;
	c->completion.counters[IG1_CTR_CYCLES] = 10 * c->completion.counters[IG1_CTR_COMMANDS];
	c->bus.write(c->bus.ctx,
		     q->c.cq + (q->done & (q->c.entries - 1)) * sizeof(struct ig1_completion),
		     &c->completion, sizeof(c->completion));
	q->done++;
	c->irqs |= 1u << q->c.vector;
}

static void launch(struct sim_chip *c)
{
	struct fake_queue *q, *best = NULL;
	uint32_t i;

	for (i = 0; i < IG1_QUEUES; i++) {
		q = &c->q[i];
		if (q->state && q->head != q->tail && (!best || q->c.priority < best->c.priority)) {
			best = q;
			c->queue = i;
		}
	}
	if (!best)
		return;
	c->bus.read(c->bus.ctx,
		    best->c.ring + (best->head & (best->c.entries - 1)) * sizeof(struct ig1_job),
		    &c->job, sizeof(c->job));
	best->head++;
	if (c->stopped[c->job.context % 65536]) {
		memset(&c->completion, 0, sizeof(c->completion));
		c->completion.job_id = c->job.job_id;
		c->completion.status = 1;
		c->completion.fault = IG1_FAULT_ABORT;
		finish(c, c->queue);
		return;
	}
	c->clear = c->context != c->job.context;
	c->context = c->job.context;
	c->run = 1;
	pthread_cond_signal(&c->cond);
}

uint64_t sim_chip_run(struct sim_chip *c, uint64_t n)
{
	int work = 0;

	if (c->boot && c->boot < BOOT_RUNS) {
		c->boot++;
		c->regs[IG1_BAR0_FW_STATE / 4] = IG1_FW_STATE_BOOT;
		return n;
	}
	if (c->boot == BOOT_RUNS) {
		c->boot++;
		c->regs[IG1_BAR0_FW_ABI / 4] = IG1_FW_ABI;
		c->regs[IG1_BAR0_FW_VERSION / 4] = 0x010203;
		/* 0 1 2 3 ... is what must have been loaded */
		c->regs[IG1_BAR0_FW_STATE / 4] = c->sram[1] == 1 && c->sram[15] == 15
							 ? IG1_FW_STATE_READY
							 : IG1_FW_STATE_FAILED;
		return n;
	}
	if (c->mbox) {
		c->mbox = 0;
		c->regs[IG1_BAR0_MBOX_RET / 4] = mailbox(c, &c->regs[IG1_BAR0_MBOX_ARG(0) / 4]);
		c->regs[IG1_BAR0_MBOX_DONE / 4] = c->regs[IG1_BAR0_MBOX_SEQ / 4];
		return n;
	}
	pthread_mutex_lock(&c->lock);
	if (c->ended) {
		c->ended = 0;
		finish(c, c->queue);
		work = 1;
	}
	if (!c->run)
		launch(c);
	work |= c->run;
	pthread_mutex_unlock(&c->lock);
	if (!c->irqs)
		usleep(20);
	return work ? n : 0;
}

uint32_t sim_chip_irqs(struct sim_chip *c)
{
	return c->irqs;
}
