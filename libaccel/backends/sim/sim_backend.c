// SPDX-License-Identifier: MIT
/*
 * Back end with a whole chip behind its registers: loads the firmware, creates one hardware queue
 * per priority, and works through submission and completion rings, as a kernel driver would.
 */
#include "backends/common/soft.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "core/chipfdt.h"
#include "sim_chip.h"
#include "sim_firmware.h"

#define ENTRIES	     16u   /* of a ring */
#define SLICE	     4096u /* cycles between looks at the rings */
#define BOOT_CYCLES  UINT64_C(400000000)
#define MBOX_CYCLES  UINT64_C(100000000)
#define STUCK_SLICES 4096u /* without a cycle to run, with a job outstanding */

struct ring {
	struct ig1_job *sq; /* in simulated host memory */
	struct ig1_completion *cq;
	uint64_t bus;
	uint32_t tail, head, done; /* free-running; done: completions seen */
};

struct sim {
	struct accel_env *env;
	struct hostmem *mem;
	struct chipfdt info; /* of the mask */
	struct sim_chip *chip;
	pthread_mutex_t lock; /* of the chip, and all below */
	atomic_int waiting;   /* threads that want it besides the worker */
	struct ring rings[IG1_PRIORITIES];
	uint64_t scratch_bus; /* a page for mailbox arguments */
	uint32_t mbox_seq;
	uint32_t stuck;
	uint32_t fw_version;
	void *fdt; /* as read from the chip */
	size_t fdt_bytes;
	bool lost;
};

static void lock_chip(struct sim *s)
{
	atomic_fetch_add(&s->waiting, 1);
	pthread_mutex_lock(&s->lock);
	atomic_fetch_sub(&s->waiting, 1);
}

static uint32_t rd(struct sim *s, uint32_t reg)
{
	return sim_chip_read32(s->chip, reg);
}

static void wr(struct sim *s, uint32_t reg, uint32_t v)
{
	sim_chip_write32(s->chip, reg, v);
}

/* Lock held. Runs until `reg` holds `want`, or not (when `differ`); ACCEL_EDEVICE after `cycles`. */
static int wait_reg(struct sim *s, uint32_t reg, uint32_t want, bool differ, uint64_t cycles)
{
	uint64_t n;

	for (n = 0; n < cycles; n += SLICE) {
		if ((rd(s, reg) == want) != differ)
			return 0;
		if (rd(s, IG1_BAR0_STATUS) & IG1_BAR0_STATUS_MCU_LOCKUP)
			return env_fail(s->env, ACCEL_EDEVICE, "the chip's MCU locked up");
		sim_chip_run(s->chip, SLICE);
	}
	return env_fail(s->env, ACCEL_EDEVICE, "register %#x did not change in %" PRIu64 " cycles",
			reg, cycles);
}

/* Lock held. */
static int mailbox(struct sim *s, uint32_t cmd, const uint32_t args[4])
{
	uint32_t i, ret;
	int err;

	for (i = 0; i < IG1_BAR0_MBOX_ARG_COUNT; i++)
		wr(s, IG1_BAR0_MBOX_ARG(i), args[i]);
	wr(s, IG1_BAR0_MBOX_CMD, cmd);
	if (!++s->mbox_seq)
		s->mbox_seq = 1;
	wr(s, IG1_BAR0_MBOX_SEQ, s->mbox_seq);
	wr(s, IG1_BAR0_MBOX_DOORBELL, 1);
	err = wait_reg(s, IG1_BAR0_MBOX_DONE, s->mbox_seq, false, MBOX_CYCLES);
	if (err)
		return err;
	ret = rd(s, IG1_BAR0_MBOX_RET);
	return ret ? env_fail(s->env, ACCEL_EDEVICE, "mailbox command %u: error %u", cmd, ret) : 0;
}

/* --- the chip under the common driver ----------------------------------------------------------- */

static int sim_start(void *chip, uint32_t priority, const struct ig1_job *job)
{
	struct sim *s = chip;
	struct ring *r = &s->rings[priority];

	lock_chip(s);
	if (r->tail - r->head == ENTRIES) {
		pthread_mutex_unlock(&s->lock);
		return ACCEL_ENOSPACE;
	}
	r->sq[r->tail % ENTRIES] = *job;
	r->tail++;
	wr(s, IG1_BAR0_DOORBELL(priority), r->tail);
	pthread_mutex_unlock(&s->lock);
	return 0;
}

/* Lock held. A completion not seen yet, if there is one. */
static bool take_completion(struct sim *s, struct ig1_completion *done)
{
	struct ig1_completion *c;
	struct ring *r;
	uint32_t i, phase;

	for (i = 0; i < IG1_PRIORITIES; i++) {
		r = &s->rings[i];
		c = &r->cq[r->done % ENTRIES];
		phase = r->done & ENTRIES ? 0 : 1;
		if (r->done == r->tail || c->phase != phase)
			continue;
		*done = *c;
		r->head = c->head;
		r->done++;
		return true;
	}
	return false;
}

static int sim_advance(void *chip, struct ig1_completion *done)
{
	struct sim *s = chip;
	uint64_t ran;
	uint32_t v;
	int r = 0;

	while (atomic_load(&s->waiting))
		usleep(20);
	pthread_mutex_lock(&s->lock);
	if (take_completion(s, done)) {
		r = 1;
		goto out;
	}
	ran = sim_chip_run(s->chip, SLICE);
	v = sim_chip_irqs(s->chip);
	if (v)
		wr(s, IG1_BAR0_IRQ_STATUS, v);
	if (take_completion(s, done)) {
		r = 1;
	} else if (rd(s, IG1_BAR0_STATUS) & IG1_BAR0_STATUS_MCU_LOCKUP ||
		   rd(s, IG1_BAR0_FW_STATE) != IG1_FW_STATE_READY) {
		r = env_fail(s->env, ACCEL_EDEVICE, "the chip's firmware failed, error %u",
			     rd(s, IG1_BAR0_FW_ERROR));
	} else if (!ran && ++s->stuck == STUCK_SLICES) {
		r = env_fail(s->env, ACCEL_EDEVICE, "the chip is idle with a job outstanding");
	}
	if (ran || r)
		s->stuck = 0;
out:
	pthread_mutex_unlock(&s->lock);
	return r;
}

static void sim_abort(void *chip, const struct ig1_job *job)
{
	uint32_t args[4] = { job->context };
	struct sim *s = chip;

	/* The context has no other job with the chip; one that waits in the ring is found later. */
	lock_chip(s);
	if (!mailbox(s, IG1_MBOX_CTX_STOP, args))
		mailbox(s, IG1_MBOX_CTX_RESUME, args);
	pthread_mutex_unlock(&s->lock);
}

static int sim_sram_zero(void *chip, uint64_t page, uint64_t n)
{
	uint32_t args[4] = { (uint32_t)page, (uint32_t)n };
	struct sim *s = chip;
	int err;

	lock_chip(s);
	err = mailbox(s, IG1_MBOX_SRAM_ZERO, args);
	pthread_mutex_unlock(&s->lock);
	return err;
}

static void sim_free(void *chip)
{
	struct sim *s = chip;

	if (s->chip)
		sim_chip_close(s->chip);
	env_free(s->env, s->fdt);
	pthread_mutex_destroy(&s->lock);
	env_free(s->env, s);
}

static const struct soft_chip_ops sim_ops = {
	.start = sim_start,
	.advance = sim_advance,
	.abort = sim_abort,
	.sram_zero = sim_sram_zero,
	.close = sim_free,
};

/* --- start ---------------------------------------------------------------------------------------- */

static int boot(struct sim *s, const char *path)
{
	struct sim_firmware fw;
	uint32_t i, word, state;
	int err;

	if (rd(s, IG1_BAR0_ID) != IG1_CHIP_ID)
		return env_fail(s->env, ACCEL_EDEVICE, "register ID is %#x", rd(s, IG1_BAR0_ID));
	if (rd(s, IG1_BAR0_SPEC) >> 16 != IG1_SPEC_VERSION >> 16)
		return env_fail(s->env, ACCEL_EVERSION, "the chip speaks specification %#x",
				rd(s, IG1_BAR0_SPEC));
	err = sim_firmware_load(s->env, path, &fw);
	if (err)
		return err;
	wr(s, IG1_BAR0_LOAD_ADDR, fw.h.load_addr);
	for (i = 0; i < fw.h.image_bytes; i += 4) {
		memcpy(&word, fw.image + i, 4);
		wr(s, IG1_BAR0_LOAD_DATA, word);
	}
	sim_firmware_free(s->env, &fw);
	wr(s, IG1_BAR0_CONTROL, IG1_BAR0_CONTROL_MCU_RUN);
	err = wait_reg(s, IG1_BAR0_FW_STATE, IG1_FW_STATE_RESET, true, BOOT_CYCLES);
	if (!err)
		err = wait_reg(s, IG1_BAR0_FW_STATE, IG1_FW_STATE_BOOT, true, BOOT_CYCLES);
	if (err)
		return err;
	state = rd(s, IG1_BAR0_FW_STATE);
	if (state != IG1_FW_STATE_READY)
		return env_fail(s->env, ACCEL_EDEVICE, "the chip's self-test failed, error %u",
				rd(s, IG1_BAR0_FW_ERROR));
	if (rd(s, IG1_BAR0_FW_ABI) >> 16 != IG1_FW_ABI >> 16)
		return env_fail(s->env, ACCEL_EVERSION, "firmware ABI %#x", rd(s, IG1_BAR0_FW_ABI));
	s->fw_version = rd(s, IG1_BAR0_FW_VERSION);
	env_log(s->env, ACCEL_LOG_INFO, "chip is ready after %u cycles, firmware %u.%u.%u",
		rd(s, IG1_BAR0_CYCLES(0)), s->fw_version >> 16, s->fw_version >> 8 & 0xff,
		s->fw_version & 0xff);
	return 0;
}

static int read_fdt(struct sim *s)
{
	uint32_t bytes = rd(s, IG1_BAR0_FDT_SIZE), i, word;
	uint8_t *p;

	if (!bytes || bytes > IG1_FDT_WINDOW_BYTES)
		return env_fail(s->env, ACCEL_EDEVICE, "register FDT_SIZE is %u", bytes);
	p = env_zalloc(s->env, (bytes + 3) / 4, 4);
	if (!p)
		return ACCEL_ENOMEM;
	s->fdt = p;
	s->fdt_bytes = bytes;
	for (i = 0; i < bytes; i += 4) {
		word = rd(s, IG1_BAR0_FDT_WINDOW + i);
		memcpy(p + i, &word, 4);
	}
	return 0;
}

static int create_queue(struct sim *s, uint32_t n)
{
	const uint64_t bytes = (ENTRIES * sizeof(struct ig1_job) + IG1_PAGE_BYTES - 1) /
			       IG1_PAGE_BYTES * IG1_PAGE_BYTES;
	struct ig1_queue *q = hostmem_ptr(s->mem, s->scratch_bus, sizeof(*q));
	uint32_t args[4] = { n, (uint32_t)s->scratch_bus, (uint32_t)(s->scratch_bus >> 32) };
	struct ring *r = &s->rings[n];
	int err;

	err = hostmem_alloc(s->mem, 2 * bytes, &r->bus);
	if (err)
		return env_fail(s->env, err, "simulated host memory is full (rings)");
	r->sq = hostmem_ptr(s->mem, r->bus, bytes);
	r->cq = hostmem_ptr(s->mem, r->bus + bytes, bytes);
	*q = (struct ig1_queue){
		.ring = r->bus,
		.cq = r->bus + bytes,
		.entries = ENTRIES,
		.priority = n,
		.vector = n,
	};
	return mailbox(s, IG1_MBOX_QUEUE_CREATE, args);
}

static int power_up(struct sim *s, const struct backend_options *options,
		    const struct backend_mask *mask)
{
	struct ig1_bus bus = { s->mem, hostmem_read, hostmem_write, hostmem_map };
	struct ig1_mask m = { mask->rom, mask->rom_bytes, mask->crom, mask->crom_bytes };
	uint32_t i;
	int err;

	err = chipfdt_read(s->env, mask->fdt, mask->fdt_bytes, &s->info);
	if (err)
		return err;
	err = sim_chip_open(&s->info.cfg, &m, mask->fdt, mask->fdt_bytes, &bus, &s->chip);
	if (err == -ENOTSUP)
		return env_fail(s->env, ACCEL_ENOTSUP,
				"there is no simulated chip of configuration '%s'", s->info.config);
	if (err)
		return env_fail_errno(s->env, err, "simulated chip");
	err = boot(s, options->firmware);
	if (!err)
		err = read_fdt(s);
	if (!err)
		err = hostmem_alloc(s->mem, IG1_PAGE_BYTES, &s->scratch_bus);
	for (i = 0; i < IG1_PRIORITIES && !err; i++)
		err = create_queue(s, i);
	if (!err)
		wr(s, IG1_BAR0_IRQ_ENABLE, (1u << IG1_PRIORITIES) - 1);
	return err;
}

static int sim_count(size_t *n)
{
	*n = 1;
	return 0;
}

static int sim_open(struct accel_env *env, const struct backend_options *options,
		    const struct backend_mask *mask, struct backend_dev **out)
{
	struct soft_dev *dev;
	struct sim *s;
	int err;

	err = soft_create(env, options->host_bytes, &dev);
	if (err)
		return err;
	s = env_zalloc(env, 1, sizeof(*s));
	if (!s) {
		soft_destroy(dev);
		return ACCEL_ENOMEM;
	}
	s->env = env;
	s->mem = soft_hostmem(dev);
	pthread_mutex_init(&s->lock, NULL);
	err = power_up(s, options, mask);
	if (err) {
		sim_free(s);
		soft_destroy(dev);
		return err;
	}
	err = soft_start(dev, &sim_ops, s, s->fdt, s->fdt_bytes, s->info.cfg.sram_bytes);
	if (err) {
		soft_destroy(dev);
		return err;
	}
	*out = (struct backend_dev *)dev;
	return 0;
}

static int sim_query(struct backend_dev *dev, enum backend_query what, uint64_t *value)
{
	struct sim *s = soft_chip(dev);

	switch (what) {
	case BACKEND_FW_VERSION:
		*value = s->fw_version;
		return 0;
	case BACKEND_CYCLE_EXACT:
		*value = 1;
		return 0;
	default:
		return soft_query(dev, what, value);
	}
}

const struct backend_ops backend_sim = {
	.version = ACCEL_BACKEND_VERSION,
	.flags = BACKEND_NEEDS_MASK,
	.name = "sim",
	.doc = "the chip's RTL, simulated in this process, with its firmware",
	.count = sim_count,
	.open = sim_open,
	.close = soft_close,
	.query = sim_query,
	SOFT_OPS,
};
