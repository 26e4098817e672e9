// SPDX-License-Identifier: MIT
/* Below the interface: page allocator, simulated host memory, page tables, device trees, firmware
 * files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <libfdt.h>

#include "backends/common/vm.h"
#include "backends/sim/sim_firmware.h"
#include "core/chipfdt.h"
#include "crc32.h"
#include "image.h"

static struct accel_env env;

static int setup(void **state)
{
	(void)state;
	return env_init(&env, NULL, NULL, NULL);
}

static int teardown(void **state)
{
	(void)state;
	env_fini(&env);
	return 0;
}

static uint32_t rnd(void)
{
	static uint32_t s = 1;

	s = s * 1664525u + 1013904223u;
	return s >> 8;
}

static void pages_agree_with_a_plain_map(void **state)
{
	enum { N = 300, RUNS = 40 };
	uint64_t first[RUNS] = { 0 }, count[RUNS] = { 0 }, free_pages = N, i, k, run, longest;
	bool map[N] = { false };
	struct pages p;
	int step, err;

	(void)state;
	assert_int_equal(pages_init(&p, &env, N), 0);
	for (step = 0; step < 20000; step++) {
		i = rnd() % RUNS;
		if (count[i]) {
			pages_give(&p, first[i], count[i]);
			memset(map + first[i], 0, count[i] * sizeof(map[0]));
			free_pages += count[i];
			count[i] = 0;
			continue;
		}
		count[i] = 1 + rnd() % 40;
		err = pages_take_run(&p, count[i], &first[i]);
		if (err) {
			assert_int_equal(err, ACCEL_ENOSPACE);
			for (k = 0, run = 0, longest = 0; k < N; k++) {
				run = map[k] ? 0 : run + 1;
				longest = run > longest ? run : longest;
			}
			assert_true(longest < count[i]);
			count[i] = 0;
			continue;
		}
		assert_true(first[i] + count[i] <= N);
		for (k = first[i]; k < first[i] + count[i]; k++) {
			assert_false(map[k]);
			map[k] = true;
		}
		free_pages -= count[i];
		assert_int_equal(p.free, free_pages);
		for (k = 0; k < N; k++)
			assert_int_equal(pages_taken(&p, k), map[k]);
	}
	assert_false(pages_taken(&p, N));
	assert_false(pages_taken(&p, UINT64_MAX));
	assert_int_equal(pages_take_run(&p, 0, &i), ACCEL_ENOSPACE);
	assert_int_equal(pages_take_run(&p, N + 1, &i), ACCEL_ENOSPACE);
	pages_fini(&p, &env);
}

static void host_memory_is_bounded_and_zeroed(void **state)
{
	struct hostmem m;
	uint64_t a, b, i;
	uint8_t buf[8192], *p;

	(void)state;
	assert_int_equal(hostmem_init(&m, &env, 64 * 4096 - 5), 0);
	assert_int_equal(hostmem_free_bytes(&m), 64 * 4096);
	assert_int_equal(hostmem_alloc(&m, 8192, &a), 0);
	assert_int_equal(hostmem_alloc(&m, 1, &b), 0);
	assert_int_equal(b, a + 8192);
	memset(buf, 0x5a, sizeof(buf));
	assert_int_equal(hostmem_write(&m, a, buf, 8192), 0);
	assert_int_equal(hostmem_write(&m, a + 4096 + 16, buf, 16), 0);
	assert_int_equal(hostmem_read(&m, a + 4096, buf, 4096), 0);
	assert_true(hostmem_write(&m, a - 1, buf, 1) < 0);
	assert_true(hostmem_read(&m, a, buf, 0) < 0);
	assert_true(hostmem_read(&m, b, buf, 4097) < 0); /* runs into a free page */
	assert_true(hostmem_read(&m, HOSTMEM_BUS + 64 * 4096 - 4, buf, 8) < 0);
	assert_true(hostmem_read(&m, UINT64_MAX - 3, buf, 8) < 0);
	assert_true(hostmem_read(&m, 0, buf, 8) < 0);
	hostmem_free(&m, a, 8192);
	assert_null(hostmem_map(&m, a, 4));
	assert_int_equal(hostmem_alloc(&m, 8192, &a), 0);
	p = hostmem_map(&m, a, 8192);
	for (i = 0; i < 8192; i++)
		assert_int_equal(p[i], 0);
	hostmem_fini(&m);
	assert_int_equal(hostmem_init(&m, &env, UINT64_MAX), ACCEL_EARG);
	env_take_error(&env, NULL, 0);
}

/* What the chip would find; 0: nothing. */
static uint64_t walk(struct vm *vm, uint64_t va)
{
	uint64_t table = vm->root, pte = 0;
	int level;

	for (level = 2; level >= 0; level--) {
		if (hostmem_read(vm->mem, table + 8 * (va >> (12 + 9 * level) & 511), &pte, 8))
			return 0;
		if (!(pte & IG1_PTE_VALID))
			return 0;
		if (level) {
			/* The format allows nothing else here. */
			assert_int_equal(pte & ~IG1_PTE_ADDR_MASK, IG1_PTE_VALID);
			table = pte & IG1_PTE_ADDR_MASK;
		}
	}
	return pte;
}

static void page_tables_translate(void **state)
{
	enum { N = 64 };
	uint64_t va[N], target[N], before, i, step;
	struct hostmem m;
	struct vm vm;

	(void)state;
	memset(target, 0, sizeof(target));
	assert_int_equal(hostmem_init(&m, &env, 0), 0);
	before = hostmem_free_bytes(&m);
	assert_int_equal(vm_init(&vm, &m), 0);
	for (i = 0; i < N; i++) /* far apart and close together */
		va[i] = ((uint64_t)rnd() << 15 ^ i << 12) % (UINT64_C(1) << 39) & ~UINT64_C(4095);
	va[0] = 0;
	va[1] = (UINT64_C(1) << 39) - 4096;
	for (step = 0; step < 2000; step++) {
		i = rnd() % N;
		if (target[i]) {
			vm_unmap(&vm, va[i]);
			target[i] = 0;
		} else {
			target[i] = (uint64_t)(rnd() + 1) << 12 | IG1_PTE_VALID | IG1_PTE_LEAF |
				    (rnd() & 1 ? IG1_PTE_SRAM : 0) |
				    (rnd() & 1 ? IG1_PTE_WRITE : 0);
			assert_int_equal(vm_map(&vm, va[i], target[i] & IG1_PTE_ADDR_MASK,
						target[i] & IG1_PTE_SRAM,
						target[i] & IG1_PTE_WRITE),
					 0);
		}
		i = rnd() % N;
		assert_int_equal(walk(&vm, va[i]), target[i]);
	}
	vm_unmap(&vm, UINT64_C(1) << 30); /* never mapped */
	vm_fini(&vm);
	assert_int_equal(hostmem_free_bytes(&m), before);
	hostmem_fini(&m);
}

static void models_write_through_page_tables(void **state)
{
	uint64_t a, b;
	struct hostmem m;
	uint8_t data[64];
	struct vm vm;

	(void)state;
	memset(data, 7, sizeof(data));
	assert_int_equal(hostmem_init(&m, &env, 1 << 20), 0);
	assert_int_equal(vm_init(&vm, &m), 0);
	assert_int_equal(hostmem_alloc(&m, 4096, &a), 0);
	assert_int_equal(hostmem_alloc(&m, 4096, &b), 0);
	assert_int_equal(vm_map(&vm, 0x5000, b, false, true), 0);
	assert_int_equal(vm_map(&vm, 0x6000, a, false, true), 0);
	assert_int_equal(vm_map(&vm, 0x7000, a, false, false), 0);
	assert_int_equal(vm_map(&vm, 0x8000, 0, true, true), 0);
	assert_int_equal(vm_write(&vm, 0x5ff0, data, 64), 0); /* across pages out of order */
	assert_memory_equal(hostmem_ptr(&m, b + 0xff0, 16), data, 16);
	assert_memory_equal(hostmem_ptr(&m, a, 48), data, 48);
	assert_int_equal(vm_write(&vm, 0x7000, data, 4), ACCEL_EARG); /* read-only */
	assert_int_equal(vm_write(&vm, 0x8000, data, 4), ACCEL_EARG); /* SRAM */
	assert_int_equal(vm_write(&vm, 0x9000, data, 4), ACCEL_EARG);
	assert_int_equal(vm_write(&vm, UINT64_C(1) << 39, data, 4), ACCEL_EARG);
	vm_fini(&vm);
	hostmem_fini(&m);
}

static size_t make_tree(uint8_t *buf, size_t n)
{
	static const char *const numbers[] = {
		IG1_FDT_CHIP_TILES,	      IG1_FDT_CHIP_ROWS,      IG1_FDT_CHIP_COLUMNS,
		IG1_FDT_CHIP_LANES,	      IG1_FDT_CHIP_MEM_BYTES, IG1_FDT_CHIP_SCRATCH_BYTES,
		IG1_FDT_CHIP_SRAM_BYTES,      IG1_FDT_CHIP_ROM_BYTES, IG1_FDT_CHIP_CROM_BYTES,
		IG1_FDT_CHIP_CLOCK_FREQUENCY,
	};
	static const char *const dims[] = {
		IG1_FDT_MODEL_LAYERS,	 IG1_FDT_MODEL_WIDTH, IG1_FDT_MODEL_VOCAB,
		IG1_FDT_MODEL_CONTEXT,	 IG1_FDT_MODEL_HEADS, IG1_FDT_MODEL_KV_HEADS,
		IG1_FDT_MODEL_HEAD_SIZE,
	};
	uint8_t id[32] = { 1, 2, 3 };
	int e = 0;
	size_t i;

	e |= fdt_create(buf, (int)n);
	e |= fdt_finish_reservemap(buf);
	e |= fdt_begin_node(buf, "");
	e |= fdt_property_string(buf, IG1_FDT_ROOT_COMPATIBLE, IG1_FDT_ROOT_COMPATIBLE_VALUE);
	e |= fdt_property_u32(buf, IG1_FDT_ROOT_SPEC, IG1_SPEC_VERSION);
	e |= fdt_begin_node(buf, "chip");
	e |= fdt_property_string(buf, IG1_FDT_CHIP_CONFIG, "small");
	for (i = 0; i < 10; i++) {
		if (i < 6)
			e |= fdt_property_u32(buf, numbers[i], i == 5 ? 0x40000 : 2 + (uint32_t)i);
		else
			e |= fdt_property_u64(buf, numbers[i], 0x400000);
	}
	e |= fdt_end_node(buf);
	e |= fdt_begin_node(buf, "mask");
	e |= fdt_property(buf, IG1_FDT_MASK_MASK_ID, id, 32);
	e |= fdt_end_node(buf);
	e |= fdt_begin_node(buf, "model");
	e |= fdt_property_string(buf, IG1_FDT_MODEL_NAME,
				 "a model of a rather long name, longer "
				 "than the reader keeps of it, I would say");
	e |= fdt_property_string(buf, IG1_FDT_MODEL_ARCH, "llama");
	e |= fdt_property_string(buf, IG1_FDT_MODEL_FORMAT, "q8_0");
	for (i = 0; i < 7; i++)
		e |= fdt_property_u32(buf, dims[i], 10 + (uint32_t)i);
	e |= fdt_end_node(buf);
	e |= fdt_end_node(buf);
	e |= fdt_finish(buf);
	assert_int_equal(e, 0);
	return fdt_totalsize(buf);
}

static void device_trees_are_checked(void **state)
{
	uint8_t buf[4096], *copy;
	struct chipfdt info;
	char text[256];
	size_t n, i, bit;
	int err, good = 0;

	(void)state;
	n = make_tree(buf, sizeof(buf));
	assert_int_equal(chipfdt_read(&env, buf, n, &info), 0);
	assert_string_equal(info.config, "small");
	assert_ptr_equal(info.cfg.name, info.config);
	assert_int_equal(info.cfg.columns, 4);
	assert_int_equal(info.cfg.clock_hz, 0x400000);
	assert_int_equal(info.head_size, 16);
	assert_int_equal(info.mask_id[2], 3);
	assert_int_equal(strlen(info.name), CHIPFDT_STRING - 1);
	/* Every cut and every flipped bit: an error or not, but nothing out of bounds. */
	for (i = 0; i < n; i++) {
		copy = malloc(i + 1);
		memcpy(copy, buf, i);
		assert_true(chipfdt_read(&env, copy, i, &info) < 0);
		assert_true(env_take_error(&env, text, sizeof(text)) < 0);
		free(copy);
	}
	copy = malloc(n);
	for (i = 0; i < 8 * n; i++) {
		bit = i % 8;
		memcpy(copy, buf, n);
		copy[i / 8] ^= (uint8_t)(1u << bit);
		err = chipfdt_read(&env, copy, n, &info);
		good += !err;
		if (err) {
			assert_true(err == ACCEL_EFORMAT || err == ACCEL_EVERSION);
			assert_true(env_take_error(&env, text, sizeof(text)) == err && text[0]);
		}
	}
	free(copy);
	assert_true(good > 0 && good < (int)(8 * n));
}

const unsigned char sim_firmware_builtin[] = { 0 };
const size_t sim_firmware_builtin_bytes = sizeof(sim_firmware_builtin);

static int try_firmware(const char *path, const void *data, size_t n)
{
	struct sim_firmware fw;
	FILE *f = fopen(path, "wb");
	int err;

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, n, f), n);
	fclose(f);
	err = sim_firmware_load(&env, path, &fw);
	if (!err) {
		assert_memory_equal(fw.image, (const uint8_t *)data + 64, fw.h.image_bytes);
		sim_firmware_free(&env, &fw);
	} else {
		assert_true(env_take_error(&env, NULL, 0) == err);
	}
	return err;
}

static void firmware_files_are_checked(void **state)
{
	char path[] = "/tmp/ig1-fw-XXXXXX";
	struct {
		struct ig1_fw_header h;
		uint8_t image[256];
	} fw = { .h = { .magic = IG1_FW_MAGIC, .abi = IG1_FW_ABI, .image_bytes = 256 } };
	struct sim_firmware loaded;
	size_t i;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	for (i = 0; i < 256; i++)
		fw.image[i] = (uint8_t)i;
	fw.h.crc32 = ig1_crc32(0, fw.image, 256);
	assert_int_equal(try_firmware(path, &fw, sizeof(fw)), 0);
	for (i = 0; i < sizeof(fw); i++) {
		if (i >= 8 && i < 12) /* the version may be any */
			continue;
		if (i >= 20 && i < 24) /* so may the entry */
			continue;
		if (i == 4 || i == 5 || i == 17) /* minor ABI, another place that fits */
			continue;
		((uint8_t *)&fw)[i] ^= 0x11;
		if (try_firmware(path, &fw, sizeof(fw)) >= 0)
			fail_msg("byte %zu", i);
		((uint8_t *)&fw)[i] ^= 0x11;
	}
	for (i = 0; i < sizeof(fw); i += 5)
		assert_int_equal(try_firmware(path, &fw, i), ACCEL_EFORMAT);
	fw.h.load_addr = IG1_MCU_SRAM_BYTES - 128;
	assert_int_equal(try_firmware(path, &fw, sizeof(fw)), ACCEL_EFORMAT);
	fw.h.abi = IG1_FW_ABI + 0x10000;
	assert_int_equal(try_firmware(path, &fw, sizeof(fw)), ACCEL_EVERSION);
	unlink(path);
	assert_int_equal(sim_firmware_load(&env, path, &loaded), ACCEL_EIO);
	env_take_error(&env, NULL, 0);
	assert_int_equal(sim_firmware_load(&env, NULL, &loaded), ACCEL_EFORMAT);
	env_take_error(&env, NULL, 0);
}

static void options_of_any_size(void **state)
{
	struct {
		size_t size;
		uint32_t a, b;
	} o = { .size = sizeof(o), .a = 1, .b = 2 }, out;
	uint8_t big[64] = { 0 };
	size_t n;

	(void)state;
	assert_int_equal(env_options(&env, &out, sizeof(out), NULL, "x"), 0);
	assert_int_equal(out.a, 0);
	assert_int_equal(env_options(&env, &out, sizeof(out), &o, "x"), 0);
	assert_int_equal(out.b, 2);
	o.size = offsetof(__typeof__(o), b);
	assert_int_equal(env_options(&env, &out, sizeof(out), &o, "x"), 0);
	assert_true(out.a == 1 && out.b == 0);
	for (n = 0; n < sizeof(size_t); n++) {
		o.size = n;
		assert_int_equal(env_options(&env, &out, sizeof(out), &o, "x"), ACCEL_ESIZE);
		env_take_error(&env, NULL, 0);
	}
	n = sizeof(big);
	memcpy(big, &n, sizeof(n));
	assert_int_equal(env_options(&env, &out, sizeof(out), big, "x"), 0);
	big[63] = 1;
	assert_int_equal(env_options(&env, &out, sizeof(out), big, "x"), ACCEL_ESIZE);
	env_take_error(&env, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_agree_with_a_plain_map),
		cmocka_unit_test(host_memory_is_bounded_and_zeroed),
		cmocka_unit_test(page_tables_translate),
		cmocka_unit_test(models_write_through_page_tables),
		cmocka_unit_test(device_trees_are_checked),
		cmocka_unit_test(firmware_files_are_checked),
		cmocka_unit_test(options_of_any_size),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("soft", tests, setup, teardown);
}
