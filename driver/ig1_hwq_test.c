// SPDX-License-Identifier: GPL-2.0-only
/* KUnit: rings, completions that lie, and what a reset does to the jobs in them. */
#include "ig1_test_chip.h"

static void test_arithmetic(struct kunit *test)
{
	u32 n;

	KUNIT_EXPECT_EQ(test, ig1_ring_space(0, 0), IG1_HWQ_ENTRIES);
	KUNIT_EXPECT_EQ(test, ig1_ring_space(IG1_HWQ_ENTRIES, 0), 0);
	/* Indices run freely, over the end of their type too. */
	KUNIT_EXPECT_EQ(test, ig1_ring_space(3, U32_MAX - 1), IG1_HWQ_ENTRIES - 5);
	for (n = 0; n < 4 * IG1_HWQ_ENTRIES; n++)
		KUNIT_EXPECT_EQ(test, ig1_ring_phase(n), n / IG1_HWQ_ENTRIES % 2 ? 0 : 1);
	KUNIT_EXPECT_EQ(test, ig1_ring_phase(U32_MAX), 0);
}

/**
 * struct entry - A job without a scheduler
 */
struct entry {
	/** @base: base */
	struct ig1_hwq_entry base;
	/** @ended: how often it ended */
	u32 ended;
	/** @turn: after how many others */
	u32 turn;
	/** @result: with what */
	struct ig1_result result;
};

static u32 turns;

static void entry_done(struct ig1_hwq_entry *base, const struct ig1_result *result)
{
	struct entry *entry = container_of(base, struct entry, base);

	entry->ended++;
	entry->turn = turns++;
	entry->result = *result;
}

/* Before the entries are freed, which is before the chip goes. */
static void end_left(void *dev)
{
	ig1_hwq_kill(dev, -ENODEV);
}

static struct entry *push(struct test_chip *chip, u32 ring, u32 n)
{
	struct entry *entries = kunit_kcalloc(chip->test, n, sizeof(*entries), GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(chip->test, entries);
	turns = 0;
	for (i = 0; i < n; i++) {
		entries[i].base.done = entry_done;
		entries[i].base.desc.magic = cpu_to_le32(IG1_JOB_MAGIC);
		entries[i].base.desc.context = cpu_to_le32(7);
		entries[i].base.desc.emit_entries = cpu_to_le32(3);
		scoped_guard(spinlock, &chip->dev->hwq.lock)
			ig1_hwq_push_locked(chip->dev, ring, &entries[i].base);
	}
	KUNIT_ASSERT_EQ(chip->test, kunit_add_action(chip->test, end_left, chip->dev), 0);
	return entries;
}

/* What does not fit waits; nothing is refused, lost or reordered. */
static void test_ring_full(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	const u32 n = 3 * IG1_HWQ_ENTRIES + 5;
	struct entry *entries = push(chip, 1, n);
	u32 i;

	KUNIT_EXPECT_EQ(test, chip->tail[1], IG1_HWQ_ENTRIES);
	KUNIT_EXPECT_EQ(test, chip->tail[0], 0);
	for (i = 0; i < n; i++) {
		KUNIT_EXPECT_EQ(test, entries[i].ended, 0);
		test_chip_answer(chip, 1, i % 3 ? 0 : IG1_FAULT_PAGE);
		KUNIT_EXPECT_EQ(test, entries[i].ended, 1);
		KUNIT_EXPECT_EQ(test, entries[i].turn, i);
		KUNIT_EXPECT_EQ(test, entries[i].result.error, 0);
		KUNIT_EXPECT_EQ(test, entries[i].result.fault, i % 3 ? 0 : IG1_FAULT_PAGE);
		KUNIT_EXPECT_EQ(test, chip->tail[1], min(n, i + 1 + IG1_HWQ_ENTRIES));
	}
	KUNIT_EXPECT_TRUE(test, ig1_hwq_idle(chip->dev));
	/* An interrupt without an answer. */
	KUNIT_EXPECT_EQ(test, ig1_hwq_process(chip->dev, 1), 0);
	KUNIT_EXPECT_EQ(test, chip->broken, 0);
}

/* Many answers, one interrupt. */
static void test_batch(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct entry *entries = push(chip, 0, 40);
	u32 i;

	for (i = 0; i < 40; i++)
		test_chip_write(chip, 0, 0);
	KUNIT_EXPECT_EQ(test, ig1_hwq_process(chip->dev, 0), 40);
	for (i = 0; i < 40; i++)
		KUNIT_EXPECT_EQ(test, entries[i].turn, i);
}

/* A field of a completion and a value that cannot be. */
static const struct lie {
	const char *name;
	size_t at;
	u64 value;
	u32 bytes;
} lies[] = {
	{ "job_id", offsetof(struct ig1_hw_completion, job_id), 99, 8 },
	{ "job_id_zero", offsetof(struct ig1_hw_completion, job_id), 0, 8 },
	{ "job_id_high", offsetof(struct ig1_hw_completion, job_id) + 4, 1, 4 },
	{ "status", offsetof(struct ig1_hw_completion, status), 1, 4 },
	{ "status_unknown", offsetof(struct ig1_hw_completion, status), 2, 4 },
	{ "fault", offsetof(struct ig1_hw_completion, fault), IG1_FAULT_PAGE, 4 },
	{ "fault_unknown", offsetof(struct ig1_hw_completion, fault), IG1_FAULT_DESC + 1, 4 },
	{ "emitted", offsetof(struct ig1_hw_completion, emitted), 4, 4 },
	{ "emitted_huge", offsetof(struct ig1_hw_completion, emitted), U32_MAX, 4 },
	{ "traced", offsetof(struct ig1_hw_completion, traced), 1, 4 },
	{ "context", offsetof(struct ig1_hw_completion, context), 8, 4 },
	{ "head", offsetof(struct ig1_hw_completion, head), 2, 4 },
	{ "head_zero", offsetof(struct ig1_hw_completion, head), 0, 4 },
};

KUNIT_ARRAY_PARAM_DESC(lie, lies, name);

/* Nonsense ends no job, touches nothing, and is reported once. */
static void test_lies(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	const struct lie *lie = test->param_value;
	struct entry *entries = push(chip, 2, 2);
	struct ig1_hw_completion *c = test_chip_write(chip, 2, 0);

	memcpy((void *)c + lie->at, &lie->value, lie->bytes);
	KUNIT_EXPECT_EQ(test, ig1_hwq_process(chip->dev, 2), 0);
	KUNIT_EXPECT_EQ(test, chip->broken, 1);
	KUNIT_EXPECT_EQ(test, ig1_hwq_process(chip->dev, 2), 0);
	KUNIT_EXPECT_EQ(test, chip->broken, 1);
	KUNIT_EXPECT_EQ(test, entries[0].ended, 0);
	KUNIT_EXPECT_EQ(test, entries[1].ended, 0);
	/* Stopped, the same answer is not believed either. */
	ig1_hwq_stop(chip->dev);
	ig1_hwq_harvest(chip->dev);
	KUNIT_EXPECT_EQ(test, entries[0].ended, 0);
}

/* An answer without a job, and one whose phase is not written. */
static void test_no_job(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct ig1_hw_completion *c = chip->dev->hwq.q[0].cq;
	struct entry *entries;

	memset(c, 0xff, sizeof(*c));
	c->phase = cpu_to_le32(1);
	KUNIT_EXPECT_EQ(test, ig1_hwq_process(chip->dev, 0), 0);
	KUNIT_EXPECT_EQ(test, chip->broken, 0);
	memset(c, 0, sizeof(*c));
	entries = push(chip, 0, 1);
	c = test_chip_write(chip, 0, 0);
	c->phase = 0;
	KUNIT_EXPECT_EQ(test, ig1_hwq_process(chip->dev, 0), 0);
	KUNIT_EXPECT_EQ(test, entries[0].ended, 0);
	c->phase = cpu_to_le32(1);
	KUNIT_EXPECT_EQ(test, ig1_hwq_process(chip->dev, 0), 1);
}

static int pick_odd(struct ig1_hwq_entry *entry, bool head, void *data)
{
	*(u32 *)data += head;
	return entry->id % 2 ? -EIO : 0;
}

/* Some end, the others go into the new ring in their order, those that waited behind them. */
static void test_end_some(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	const u32 n = IG1_HWQ_ENTRIES + 6;
	struct entry *entries = push(chip, 0, n);
	u32 i, heads = 0;

	test_chip_answer(chip, 0, 0);
	ig1_hwq_stop(chip->dev);
	ig1_hwq_end(chip->dev, pick_odd, &heads);
	KUNIT_EXPECT_EQ(test, heads, 1);
	for (i = 1; i < n; i++) {
		KUNIT_EXPECT_EQ(test, entries[i].ended, entries[i].base.id % 2);
		if (entries[i].ended)
			KUNIT_EXPECT_EQ(test, entries[i].result.error, -EIO);
	}
	KUNIT_EXPECT_EQ(test, chip->dev->hwq.ops->start(chip->dev), 0);
	KUNIT_EXPECT_EQ(test, chip->tail[0], n / 2);
	for (i = 0; i < chip->tail[0]; i++)
		KUNIT_EXPECT_EQ(test, le64_to_cpu(test_chip_job(chip, 0, i)->job_id), 2 * i + 2);
	turns = 0;
	while (test_chip_job(chip, 0, chip->answered[0]))
		test_chip_answer(chip, 0, 0);
	for (i = 1; i < n; i += 2)
		KUNIT_EXPECT_EQ(test, entries[i].turn, i / 2);
}

/* However few vectors there are, each ring is looked at by one of them, and by no other. */
static void test_vectors(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct ig1_device *dev = chip->dev;
	u32 ring, vector;

	for (dev->irq.count = 1; dev->irq.count <= IG1_VECTORS; dev->irq.count++) {
		for (ring = 0; ring < IG1_PRIORITIES; ring++) {
			struct entry *entry = push(chip, ring, 1);

			test_chip_write(chip, ring, 0);
			for (vector = 0; vector < dev->irq.count; vector++) {
				if (vector != ring % dev->irq.count)
					ig1_hwq_vector(dev, vector);
			}
			KUNIT_EXPECT_EQ(test, entry->ended, 0);
			ig1_hwq_vector(dev, ring % dev->irq.count);
			KUNIT_EXPECT_EQ(test, entry->ended, 1);
		}
	}
}

/* After the end of a device nothing is left, and nothing is taken. */
static void test_kill(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct entry *entries = push(chip, 0, IG1_HWQ_ENTRIES + 2);
	u32 i;

	ig1_hwq_kill(chip->dev, -ENODEV);
	for (i = 0; i < IG1_HWQ_ENTRIES + 2; i++) {
		KUNIT_EXPECT_EQ(test, entries[i].ended, 1);
		KUNIT_EXPECT_EQ(test, entries[i].turn, i);
		KUNIT_EXPECT_EQ(test, entries[i].result.error, -ENODEV);
	}
	KUNIT_EXPECT_EQ(test, chip->dev->hwq.dead, -ENODEV);
	KUNIT_EXPECT_TRUE(test, ig1_hwq_idle(chip->dev));
}

/* Parked, the ring runs empty and the driver's own job passes the others. */
static void test_park(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	struct entry *entries = push(chip, 0, 1), *later;
	struct ig1_hwq_kernel_job *job;

	KUNIT_EXPECT_EQ(test, ig1_hwq_park(chip->dev, 1), -EBUSY);
	KUNIT_EXPECT_FALSE(test, chip->dev->hwq.parked);
	test_chip_answer(chip, 0, 0);
	KUNIT_EXPECT_EQ(test, entries[0].ended, 1);
	KUNIT_EXPECT_EQ(test, ig1_hwq_park(chip->dev, 1), 0);
	later = push(chip, 0, 3);
	KUNIT_EXPECT_EQ(test, chip->tail[0], 1);
	/* Nobody answers it in time; the answer comes when nobody waits any more. */
	job = ig1_hwq_kernel_job_create();
	KUNIT_ASSERT_NOT_NULL(test, job);
	KUNIT_EXPECT_EQ(test, ig1_hwq_run(chip->dev, job, &(struct ig1_hw_job){}, 1), -ETIMEDOUT);
	ig1_hwq_kernel_job_put(job);
	KUNIT_EXPECT_EQ(test, chip->tail[0], 2);
	test_chip_answer(chip, 0, 0);
	ig1_hwq_unpark(chip->dev);
	KUNIT_EXPECT_EQ(test, chip->tail[0], 5);
	test_chip_answer(chip, 0, 0);
	KUNIT_EXPECT_EQ(test, later[0].ended, 1);
}

/* Numbers go round before one is used again, and there are as many as there are. */
static void test_contexts(struct kunit *test)
{
	struct test_chip *chip = test_chip_create(test);
	int first = ig1_context_alloc(chip->dev), n, i;

	KUNIT_EXPECT_GT(test, first, IG1_CONTEXT_KERNEL);
	ig1_context_free(chip->dev, first);
	for (i = 0; i < 3; i++) {
		n = ig1_context_alloc(chip->dev);
		KUNIT_EXPECT_EQ(test, n, first + 1 + i);
	}
	for (i = 3; i < IG1_CONTEXTS - 1; i++) {
		n = ig1_context_alloc(chip->dev);
		if (n <= IG1_CONTEXT_KERNEL || n >= IG1_CONTEXTS)
			break;
	}
	KUNIT_EXPECT_EQ(test, i, IG1_CONTEXTS - 1);
	KUNIT_EXPECT_EQ(test, n, first);
	KUNIT_EXPECT_EQ(test, ig1_context_alloc(chip->dev), -ENOSPC);
	ig1_context_free(chip->dev, 4711);
	KUNIT_EXPECT_EQ(test, ig1_context_alloc(chip->dev), 4711);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(test_arithmetic),
	KUNIT_CASE(test_ring_full),
	KUNIT_CASE(test_batch),
	KUNIT_CASE_PARAM(test_lies, lie_gen_params),
	KUNIT_CASE(test_no_job),
	KUNIT_CASE(test_end_some),
	KUNIT_CASE(test_vectors),
	KUNIT_CASE(test_kill),
	KUNIT_CASE(test_park),
	KUNIT_CASE(test_contexts),
	{},
};

static struct kunit_suite suite = {
	.name = "ig1_hwq",
	.test_cases = cases,
};

kunit_test_suite(suite);
