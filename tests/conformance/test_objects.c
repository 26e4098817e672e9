// SPDX-License-Identifier: MIT
/* Devices, spaces, buffers, mappings. */
#include "conformance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void backends_are_listed(void **state)
{
	const char *name, *doc;
	size_t i, n, found = 0;

	(void)state;
	for (i = 0; (name = accel_backend_name(i, &doc)); i++) {
		assert_true(*doc);
		assert_int_equal(accel_backend_devices(name, &n), 0);
		found += !strcmp(name, test_backend);
	}
	assert_int_equal(found, 1);
	assert_int_equal(accel_backend_devices("nothing", &n), ACCEL_EBACKEND);
	assert_int_equal(accel_version() >> 16, ACCEL_VERSION_MAJOR);
}

static void device_has_parameters(void **state)
{
	static const enum accel_param positive[] = {
		ACCEL_PARAM_TILES,	ACCEL_PARAM_ROWS,      ACCEL_PARAM_COLUMNS,
		ACCEL_PARAM_LANES,	ACCEL_PARAM_MEM_BYTES, ACCEL_PARAM_SCRATCH_BYTES,
		ACCEL_PARAM_SRAM_BYTES, ACCEL_PARAM_ROM_BYTES, ACCEL_PARAM_CROM_BYTES,
		ACCEL_PARAM_CLOCK_HZ,	ACCEL_PARAM_SPEC,      ACCEL_PARAM_HAS_MASK,
		ACCEL_PARAM_SRAM_FREE,
	};
	struct rig r;
	char text[128];
	uint64_t v;
	size_t i;

	(void)state;
	rig_open(&r);
	for (i = 0; i < sizeof(positive) / sizeof(positive[0]); i++) {
		OK(r.dev, accel_device_get(r.dev, positive[i], &v));
		assert_true(v > 0);
	}
	OK(r.dev, accel_device_get(r.dev, ACCEL_PARAM_JOBS_DONE, &v));
	assert_int_equal(v, 0);
	OK(r.dev, accel_device_get_string(r.dev, ACCEL_STRING_MODEL, text, sizeof(text)));
	assert_string_equal(text, "toy");
	OK(r.dev, accel_device_get_string(r.dev, ACCEL_STRING_MASK_ID, text, sizeof(text)));
	assert_int_equal(strlen(text), 64);
	FAILS(r.dev, ACCEL_EARG, accel_device_get_string(r.dev, ACCEL_STRING_MASK_ID, text, 64));
	FAILS(r.dev, ACCEL_EARG, accel_device_get(r.dev, (enum accel_param)9999, &v));
	assert_string_equal(accel_device_backend(r.dev), test_backend);
	rig_close(&r);
}

static void names_are_known(void **state)
{
	const char *name;
	uint32_t i;
	int timed;

	(void)state;
	for (i = 0; (name = accel_counter_name(i, &timed)); i++)
		assert_true(*name && (timed == 0 || timed == 1));
	assert_int_equal(i, ACCEL_COUNTERS);
	assert_string_equal(accel_fault_name(12), "page");
	assert_string_equal(accel_fault_name(4711), "unknown");
	assert_string_equal(accel_engine_name(1), "tile");
	assert_string_equal(accel_opcode_name(0x20), "t.mm");
	assert_string_equal(accel_opcode_name(0x1ff), "unknown");
	for (i = 0; i < 20; i++)
		assert_string_not_equal(accel_error_string(-(int)i), "unknown error");
	assert_string_equal(accel_error_string(-1000), "unknown error");
}

static void chip_without_mask_refuses(void **state)
{
	struct accel_device *dev = open_device(NULL);
	struct accel_buffer *buf;
	struct accel_space *space;
	char text[64];
	uint64_t v;

	(void)state;
	OK(dev, accel_device_get(dev, ACCEL_PARAM_HAS_MASK, &v));
	assert_int_equal(v, 0);
	FAILS(dev, ACCEL_ESTATE, accel_space_create(dev, &space));
	assert_null(space);
	FAILS(dev, ACCEL_ESTATE, accel_buffer_create(dev, 4096, 0, &buf));
	FAILS(dev, ACCEL_ESTATE, accel_device_get(dev, ACCEL_PARAM_TILES, &v));
	FAILS(dev, ACCEL_ESTATE,
	      accel_device_get_string(dev, ACCEL_STRING_CONFIG, text, sizeof(text)));
	accel_device_unref(dev);
}

static void first_error_wins(void **state)
{
	struct accel_device *dev = open_device(test_toy);
	struct accel_buffer *buf;
	char text[512];
	uint64_t v;

	(void)state;
	assert_int_equal(accel_device_get(dev, (enum accel_param)7777, &v), ACCEL_EARG);
	assert_int_equal(accel_buffer_create(dev, 0, 0, &buf), ACCEL_EARG);
	assert_int_equal(accel_last_error(dev, text, sizeof(text)), ACCEL_EARG);
	assert_non_null(strstr(text, "7777"));
	assert_int_equal(accel_last_error(dev, text, sizeof(text)), 0);
	assert_string_equal(text, "");
	/* A short buffer is terminated. */
	assert_int_equal(accel_buffer_create(dev, 0, 0, &buf), ACCEL_EARG);
	memset(text, 'x', sizeof(text));
	accel_last_error(dev, text, 4);
	assert_int_equal(strlen(text), 3);
	accel_device_unref(dev);
}

static void buffers_are_zeroed(void **state)
{
	struct accel_buffer *b;
	struct rig r;
	uint8_t *p;
	size_t i, round;
	static const size_t sizes[] = { 1, 4096, 65536, 1 << 20 };

	(void)state;
	rig_open(&r);
	for (round = 0; round < 8; round++) {
		OK(r.dev, accel_buffer_create(r.dev, sizes[round % 4], ACCEL_BUFFER_HOST, &b));
		assert_int_equal(accel_buffer_size(b), (sizes[round % 4] + 4095) / 4096 * 4096);
		p = accel_buffer_data(b);
		for (i = 0; i < accel_buffer_size(b); i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xa5, accel_buffer_size(b));
		accel_buffer_unref(b);
	}
	OK(r.dev, accel_buffer_create(r.dev, 4096, ACCEL_BUFFER_RESIDENT, &b));
	assert_null(accel_buffer_data(b));
	accel_buffer_unref(b);
	rig_close(&r);
}

static void mappings_do_not_overlap(void **state)
{
	struct accel_buffer *b;
	uint64_t va[16], fixed, again;
	struct rig r;
	size_t i, j;

	(void)state;
	rig_open(&r);
	OK(r.dev, accel_buffer_create(r.dev, 64 << 10, ACCEL_BUFFER_HOST, &b));
	for (i = 0; i < 16; i++) {
		OK(r.dev, accel_space_map(r.space, b, 4096 * i, 65536 - 4096 * i, 0, &va[i]));
		for (j = 0; j < i; j++)
			assert_true(va[i] + 65536 - 4096 * i <= va[j] ||
				    va[j] + 65536 - 4096 * j <= va[i]);
	}
	again = va[3];
	OK(r.dev, accel_space_unmap(r.space, va[3]));
	FAILS(r.dev, ACCEL_EARG, accel_space_unmap(r.space, va[3]));
	OK(r.dev, accel_space_map(r.space, b, 0, 4096, ACCEL_MAP_FIXED, &again));
	assert_int_equal(again, va[3]);
	fixed = again;
	FAILS(r.dev, ACCEL_ESTATE, accel_space_map(r.space, b, 0, 4096, ACCEL_MAP_FIXED, &fixed));
	fixed = va[0] + 4096;
	FAILS(r.dev, ACCEL_ESTATE, accel_space_map(r.space, b, 0, 4096, ACCEL_MAP_FIXED, &fixed));
	FAILS(r.dev, ACCEL_EARG, accel_space_unmap(r.space, va[0] + 4096));
	/* Far away, and up to the very end of the address space. */
	fixed = (UINT64_C(1) << 39) - 4096;
	OK(r.dev, accel_space_map(r.space, b, 0, 4096, ACCEL_MAP_FIXED, &fixed));
	FAILS(r.dev, ACCEL_EARG, accel_space_map(r.space, b, 0, 8192, ACCEL_MAP_FIXED, &fixed));
	/* The mappings keep the buffer; the space ends them. */
	accel_buffer_unref(b);
	rig_close(&r);
}

static void references_keep_objects(void **state)
{
	struct accel_buffer *b;
	struct accel_fence *f;
	struct prog p = { 0 };
	struct area code;
	struct rig r;

	(void)state;
	rig_open(&r);
	prog_end(&p);
	f = submit(&r, r.queue, &p, NULL, 0, &code, NULL);
	OK(r.dev, accel_buffer_create(r.dev, 4096, 0, &b));
	/* From the bottom up; what is left keeps the rest alive. */
	assert_ptr_equal(accel_device_ref(r.dev), r.dev);
	accel_device_unref(r.dev);
	accel_device_unref(r.dev);
	accel_space_unref(r.space);
	assert_int_equal(accel_fence_wait(f, ACCEL_FOREVER), 0);
	accel_queue_unref(r.queue);
	assert_int_equal(accel_fence_wait(f, 0), 0);
	accel_fence_unref(f);
	accel_buffer_unref(code.buf);
	accel_buffer_unref(b);
	/* NULL is fine everywhere. */
	accel_device_unref(NULL);
	accel_space_unref(NULL);
	accel_queue_unref(NULL);
	accel_fence_unref(NULL);
	accel_buffer_unref(NULL);
	accel_model_unref(NULL);
	accel_session_unref(NULL);
	accel_batch_unref(NULL);
	accel_detok_destroy(NULL);
	accel_sampler_destroy(NULL);
}

static void resident_memory_runs_out(void **state)
{
	struct accel_buffer *b[256], *big;
	uint64_t before, after, v;
	struct rig r;
	size_t n, i;
	int err = 0;

	(void)state;
	rig_open(&r);
	OK(r.dev, accel_device_get(r.dev, ACCEL_PARAM_SRAM_FREE, &before));
	assert_int_equal(before, 64 * 4096);
	for (n = 0; n < 256; n++) {
		err = accel_buffer_create(r.dev, 8192, ACCEL_BUFFER_RESIDENT, &b[n]);
		if (err)
			break;
	}
	assert_int_equal(err, ACCEL_ENOSPACE);
	assert_int_equal(n, 32);
	/* Pages of a buffer need not be consecutive. */
	for (i = 0; i < n; i += 2)
		accel_buffer_unref(b[i]);
	OK(r.dev, accel_buffer_create(r.dev, 16 * 8192, ACCEL_BUFFER_RESIDENT, &big));
	OK(r.dev, accel_device_get(r.dev, ACCEL_PARAM_SRAM_FREE, &v));
	assert_int_equal(v, 0);
	accel_buffer_unref(big);
	for (i = 1; i < n; i += 2)
		accel_buffer_unref(b[i]);
	OK(r.dev, accel_device_get(r.dev, ACCEL_PARAM_SRAM_FREE, &after));
	assert_int_equal(before, after);
	rig_close(&r);
}

static void host_memory_runs_out(void **state)
{
	struct accel_device_options o = {
		.size = sizeof(o), .backend = test_backend, .mask = test_toy, .host_bytes = 4 << 20
	};
	struct accel_device *dev;
	struct accel_buffer *b, *c;

	(void)state;
	assert_int_equal(accel_device_open(&o, &dev), 0);
	FAILS(dev, ACCEL_ENOSPACE, accel_buffer_create(dev, 5 << 20, 0, &b));
	OK(dev, accel_buffer_create(dev, 3 << 20, 0, &b));
	FAILS(dev, ACCEL_ENOSPACE, accel_buffer_create(dev, 3 << 20, 0, &c));
	accel_buffer_unref(b);
	OK(dev, accel_buffer_create(dev, 3 << 20, 0, &c));
	accel_buffer_unref(c);
	accel_device_unref(dev);
}

TEST_LIST(objects, cmocka_unit_test(backends_are_listed), cmocka_unit_test(device_has_parameters),
	  cmocka_unit_test(names_are_known), cmocka_unit_test(first_error_wins),
	  cmocka_unit_test(buffers_are_zeroed), cmocka_unit_test(mappings_do_not_overlap),
	  cmocka_unit_test(references_keep_objects), cmocka_unit_test(resident_memory_runs_out));
TEST_LIST(simulated, cmocka_unit_test(chip_without_mask_refuses),
	  cmocka_unit_test(host_memory_runs_out));
