// SPDX-License-Identifier: MIT
/*
 * What sessions do when a back end fails at the worst moment. The reference back end, with functions
 * of its table replaced: only here do tests look into the library's objects.
 */
#include "conformance.h"

#include <pthread.h>
#include <stdlib.h>

#include "decode.h"
#include "image.h"

#define NEVER UINT32_MAX

const char *test_backend = "ref";
static char dir[256];

/* What goes wrong, and what was done. */
static struct {
	uint32_t bind_from;	     /* this call of bind and those after it fail */
	uint32_t binds;		     /* so far */
	uint64_t no_host;	     /* host buffers of this size fail */
	bool lazy;		     /* jobs end well, but nothing is done */
	struct backend_bo *first_bo; /* what the first bind since reset() mapped */
	uint64_t first_offset;
} fault = { .bind_from = NEVER };

/* Pages that are mapped: the last word on each. */
static struct mapping {
	struct backend_space *space;
	uint64_t va, bytes, offset;
	struct backend_bo *bo;
} mappings[4096];
static size_t n_mappings;

static const struct backend_ops *real;
static struct backend_ops ops;

static void forget(struct backend_space *space, uint64_t va, uint64_t bytes)
{
	size_t i;

	for (i = 0; i < n_mappings;) {
		if (mappings[i].space == space && mappings[i].va >= va &&
		    mappings[i].va < va + bytes)
			mappings[i] = mappings[--n_mappings];
		else
			i++;
	}
}

static int bind(struct backend_space *space, uint64_t va, struct backend_bo *bo, uint64_t offset,
		uint64_t bytes, uint32_t flags)
{
	uint64_t at;
	int err;

	if (!fault.binds) {
		fault.first_bo = bo;
		fault.first_offset = offset;
	}
	if (fault.binds++ >= fault.bind_from)
		return ACCEL_ENOMEM;
	err = real->bind(space, va, bo, offset, bytes, flags);
	if (err)
		return err;
	forget(space, va, bytes);
	for (at = 0; at < bytes; at += PAGE) {
		assert_true(n_mappings < 4096);
		mappings[n_mappings++] = (struct mapping){ space, va + at, PAGE, offset + at, bo };
	}
	return 0;
}

static int unbind(struct backend_space *space, uint64_t va, uint64_t bytes)
{
	forget(space, va, bytes);
	return real->unbind(space, va, bytes);
}

static int bo_create(struct backend_dev *dev, struct backend_space *space, uint64_t bytes,
		     uint32_t flags, struct backend_bo **out)
{
	if (bytes == fault.no_host && !(flags & BACKEND_BO_RESIDENT))
		return ACCEL_ENOMEM;
	return real->bo_create(dev, space, bytes, flags, out);
}

struct ending {
	backend_done_fn done;
	void *ctx;
};

static void *end(void *arg)
{
	static const struct backend_result nothing;
	struct ending *e = arg;

	e->done(e->ctx, &nothing);
	free(e);
	return NULL;
}

static int lazy_submit(struct backend_queue *queue, const struct backend_job *job,
		       backend_done_fn done, void *ctx)
{
	struct ending *e;
	pthread_t t;

	if (!fault.lazy)
		return real->submit(queue, job, done, ctx);
	e = malloc(sizeof(*e));
	assert_non_null(e);
	*e = (struct ending){ done, ctx };
	assert_int_equal(pthread_create(&t, NULL, end, e), 0);
	pthread_detach(t);
	return 0;
}

static void reset(uint32_t bind_from)
{
	memset(&fault, 0, sizeof(fault));
	fault.bind_from = bind_from;
}

static size_t mapped(const struct backend_bo *bo, uint64_t offset)
{
	size_t i, n = 0;

	for (i = 0; i < n_mappings; i++)
		n += mappings[i].bo == bo && mappings[i].offset == offset;
	return n;
}

struct fixture {
	struct accel_device *dev;
	struct accel_model *m;
	int32_t v[TOY_CONTEXT];
	float logits[TOY_VOCAB];
};

static void open_model(struct fixture *f, const struct toy_options *o)
{
	struct accel_device_options options = { .size = sizeof(options), .backend = "ref" };
	char path[300];
	uint32_t i;

	snprintf(path, sizeof(path), "%s/toy.accel", dir);
	assert_int_equal(toy_write(path, o), 0);
	options.mask = path;
	assert_int_equal(accel_device_open(&options, &f->dev), 0);
	real = f->dev->ops;
	ops = *real;
	ops.bind = bind;
	ops.unbind = unbind;
	ops.bo_create = bo_create;
	ops.submit = lazy_submit;
	f->dev->ops = &ops;
	n_mappings = 0;
	reset(NEVER);
	OK(f->dev, accel_model_open(f->dev, path, NULL, &f->m));
	for (i = 0; i < TOY_CONTEXT; i++)
		f->v[i] = (int32_t)((i * 37 + 5) % TOY_VOCAB);
}

static void close_model(struct fixture *f)
{
	reset(NEVER);
	accel_model_unref(f->m);
	accel_device_unref(f->dev);
	assert_int_equal(n_mappings, 0);
}

static struct accel_session *begin(struct fixture *f, uint32_t n)
{
	struct accel_session *s;

	OK(f->dev, accel_session_create(f->m, NULL, &s));
	OK(f->dev, accel_session_append(s, f->v, n, NULL));
	return s;
}

/* Logits after the first n tokens, of a session that nothing happened to. */
static void want(struct fixture *f, uint32_t n, float *out)
{
	struct accel_session *s;

	OK(f->dev, accel_session_create(f->m, NULL, &s));
	OK(f->dev, accel_session_append(s, f->v, n, out));
	accel_session_unref(s);
}

/*
 * A fork writes to a block that it shares: the new block is mapped, the copy fails, and so does mapping
 * the old one again.
 */
static void fault_in_a_shared_block(struct fixture *f, uint32_t good_binds, uint32_t back)
{
	float expect[TOY_VOCAB], got[TOY_VOCAB];
	struct accel_session *s, *t, *u;
	struct backend_bo *bo;
	uint64_t offset;

	want(f, 45, expect);
	s = begin(f, 40);
	OK(f->dev, accel_session_fork(s, &t));
	reset(good_binds);
	FAILS(f->dev, ACCEL_ENOMEM, accel_session_append(t, f->v + 40, 5, NULL));
	assert_true(fault.binds > good_binds + 1);
	bo = fault.first_bo;
	offset = fault.first_offset;
	/* the block goes back to those that others may have: nothing may still write to it */
	assert_int_equal(mapped(bo, offset), 0);
	reset(NEVER);
	u = begin(f, 40);
	/* what the fork no longer has, it does not make up */
	FAILS(f->dev, ACCEL_ESTATE, accel_session_append(t, f->v + 40, 5, got));
	assert_int_equal(accel_session_position(t), 40);
	OK(f->dev, accel_session_rewind(t, back));
	OK(f->dev, accel_session_append(t, f->v + back, 45 - back, got));
	assert_memory_equal(got, expect, sizeof(got));
	OK(f->dev, accel_session_append(s, f->v + 40, 5, got));
	assert_memory_equal(got, expect, sizeof(got));
	OK(f->dev, accel_session_append(u, f->v + 40, 5, got));
	assert_memory_equal(got, expect, sizeof(got));
	accel_session_unref(u);
	accel_session_unref(t);
	accel_session_unref(s);
}

static void lost_kv_block(void **state)
{
	struct toy_options o = { .seed = 1 };
	struct accel_session *s, *t;
	struct fixture f;

	(void)state;
	open_model(&f, &o);
	fault_in_a_shared_block(&f, 1, 32);
	/* a fault that passes: the old block is back, and so is everything else */
	s = begin(&f, 40);
	OK(f.dev, accel_session_fork(s, &t));
	reset(0);
	FAILS(f.dev, ACCEL_ENOMEM, accel_session_append(t, f.v + 40, 5, NULL));
	reset(NEVER);
	OK(f.dev, accel_session_rewind(t, 32));
	OK(f.dev, accel_session_append(t, f.v + 32, 8, NULL));
	accel_session_unref(t);
	accel_session_unref(s);
	close_model(&f);
}

static void lost_window_block(void **state)
{
	struct toy_options o = { .seed = 1, .window = 8 };
	struct fixture f;

	(void)state;
	open_model(&f, &o);
	/* a slot is mapped twice, and before the blocks */
	fault_in_a_shared_block(&f, 2, 0);
	close_model(&f);
}

/* Without memory for a snapshot going back takes longer; nothing fails, nothing is reported. */
static void no_memory_for_snapshots(void **state)
{
	struct toy_options o = { .seed = 1, .recurrent = 1 };
	float expect[TOY_VOCAB], got[TOY_VOCAB];
	struct accel_session *s, *t;
	struct fixture f;

	(void)state;
	open_model(&f, &o);
	want(&f, 21, expect);
	fault.no_host = TOY_STATE;
	s = begin(&f, 40);
	assert_int_equal(accel_last_error(f.dev, NULL, 0), 0);
	assert_int_equal(s->st.n_snaps, 0);
	OK(f.dev, accel_session_fork(s, &t));
	assert_int_equal(accel_last_error(f.dev, NULL, 0), 0);
	OK(f.dev, accel_session_rewind(t, 20));
	OK(f.dev, accel_session_append(t, f.v + 20, 1, got));
	assert_memory_equal(got, expect, sizeof(got));
	assert_int_equal(accel_last_error(f.dev, NULL, 0), 0);
	/* an older error is not lost by it */
	FAILS(f.dev, ACCEL_EARG, accel_session_rewind(t, 99));
	assert_int_equal(accel_session_rewind(t, 99), ACCEL_EARG);
	OK(f.dev, accel_session_append(t, f.v + 21, 19, NULL));
	assert_int_equal(accel_last_error(f.dev, NULL, 0), ACCEL_EARG);
	accel_session_unref(t);
	accel_session_unref(s);
	close_model(&f);
}

/* A program that ends well without a token has done something to the state, or nothing: who knows. */
static void silent_decode(void **state)
{
	struct toy_options o = { .seed = 1, .recurrent = 1 };
	struct accel_session *s;
	struct fixture f;
	uint32_t n = 7;

	(void)state;
	open_model(&f, &o);
	s = begin(&f, 40);
	assert_int_equal(s->st.pos, 40);
	fault.lazy = true;
	FAILS(f.dev, ACCEL_EFAULT, accel_session_decode(s, 1, 4, NULL, 0, NULL, NULL, NULL, &n));
	assert_int_equal(n, 0);
	assert_int_equal(s->st.pos, STATE_LOST);
	fault.lazy = false;
	accel_session_unref(s);
	close_model(&f);
}

/* A job takes no more steps than lie between two snapshots, or than a ring has room for. */
static void long_jobs_are_cut(void **state)
{
	struct accelfile file = { .manifest = { .state_bytes = TOY_STATE } };
	struct accel_model m = { .file = &file };

	(void)state;
	assert_int_equal(state_steps(&m, 10), 10);
	assert_int_equal(state_steps(&m, 65536), STATE_EVERY);
	assert_int_equal(ring_steps(&m, 65536), 65536);
	file.manifest = (struct ig1_image_manifest){ .win_blocks = 4 };
	assert_int_equal(state_steps(&m, 65536), 65536);
	assert_int_equal(ring_steps(&m, 65536), IG1_WINDOW_SLACK);
}

#define FIELD(name) \
	offsetof(struct ig1_image_manifest, name), sizeof(((struct ig1_image_manifest *)0)->name)

/* Where the manifest is in a file. */
static long manifest_offset(const char *path)
{
	struct ig1_image *img;
	long at = 0;
	uint32_t i;

	assert_int_equal(ig1_image_open(path, &img, NULL), 0);
	for (i = 0; i < ig1_image_header(img)->sections; i++) {
		if (ig1_image_section_at(img, i)->type == IG1_SEC_MANIFEST)
			at = (long)ig1_image_section_at(img, i)->offset;
	}
	ig1_image_close(img);
	assert_true(at > 0);
	return at;
}

/* Numbers of the ring, and regions that do not fit the address space together. */
static void manifests_are_checked(void **state)
{
	static const struct toy_options ring = { .seed = 1, .window = 8 };
	static const struct toy_options recurrent = { .seed = 1, .recurrent = 1 };
	static const struct {
		const struct toy_options *o;
		size_t at, bytes;
		uint64_t value;
		const char *says;
	} cases[] = {
		{ &ring, FIELD(window), 0, "manifest: window: 0" },
		{ &ring, FIELD(window), 101, "manifest: window: 101" },
		{ &ring, FIELD(window), 0xffffffff, "manifest: window: 4294967295" },
		{ &ring, FIELD(win_blocks), 0, "manifest: window: without a ring" },
		{ &ring, FIELD(win_blocks), 3, "manifest: win_blocks: 3" },
		{ &ring, FIELD(win_blocks), 5, "manifest: win_blocks: 5" },
		{ &ring, FIELD(win_blocks), 0xffffffff, "manifest: win_blocks: 4294967295" },
		{ &ring, FIELD(win_block_bytes), 0, "manifest: win_block_bytes: 0" },
		{ &ring, FIELD(win_block_bytes), 4095, "manifest: win_block_bytes: 4095" },
		{ &ring, FIELD(win_block_bytes), 1ull << 38, "manifest: win_block_bytes" },
		{ &ring, FIELD(win_block_bytes), ~0xfffull, "manifest: win_block_bytes" },
		{ &ring, FIELD(max_cols), 65, "manifest: max_cols: 65 with a ring" },
		{ &ring, FIELD(abi), 1, "manifest: win_blocks: not in abi 1" },
		{ &ring, FIELD(state_bytes), 4096, "manifest.state_bytes with win_blocks" },
		{ &ring, FIELD(kv_block_bytes), 1ull << 33, "manifest.kv_block_bytes is out" },
		/* it fits once, but not twice beside the keys and values */
		{ &recurrent, FIELD(state_bytes), 1ull << (IG1_VA_BITS - 1), "state_bytes is out" },
		{ &recurrent, FIELD(state_bytes), ~0xfffull, "manifest" },
	};
	struct accel_device_options options = { .size = sizeof(options), .backend = "null" };
	struct accel_device *dev;
	struct accel_model *m;
	char path[300], text[512];
	size_t i;
	FILE *f;

	(void)state;
	snprintf(path, sizeof(path), "%s/manifest.accel", dir);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(toy_write(path, cases[i].o), 0);
		f = fopen(path, "r+b");
		assert_non_null(f);
		fseek(f, manifest_offset(path) + (long)cases[i].at, SEEK_SET);
		assert_int_equal(fwrite(&cases[i].value, 1, cases[i].bytes, f), cases[i].bytes);
		fclose(f);
		assert_int_equal(accel_device_open(&options, &dev), 0);
		assert_int_equal(accel_model_open(dev, path, NULL, &m), ACCEL_EFORMAT);
		accel_last_error(dev, text, sizeof(text));
		if (!strstr(text, cases[i].says))
			fail_msg("case %zu: \"%s\", expected \"%s\"", i, text, cases[i].says);
		accel_device_unref(dev);
	}
}

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/accel-injected-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	char cmd[300];

	(void)state;
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lost_kv_block),	   cmocka_unit_test(lost_window_block),
		cmocka_unit_test(no_memory_for_snapshots), cmocka_unit_test(silent_decode),
		cmocka_unit_test(long_jobs_are_cut),	   cmocka_unit_test(manifests_are_checked),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
