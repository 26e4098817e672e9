// SPDX-License-Identifier: MIT
/* The client's memory: regions by file and by message, what is refused, changes on the way. */
#include "vfu_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dma_guard.h"
#include "dma_map.h"
#include "ig1_chip.h"

static void test_dma(void **state)
{
	struct rig *r = *state;

	rig_map(r);
	rig_fill(r, 1);
	rig_set(r, MOCK_GO, 0);
	rig_enable(r);
	assert_int_equal(rig_copy(r, RAM_BASE + 0x8000, RAM_BASE, 0x4000), 2);
	assert_memory_equal(r->ram + 0x8000, r->ram, 0x4000);
	/* over the end, below the start, nowhere, around zero */
	assert_int_equal(rig_copy(r, RAM_BASE, RAM_BASE + RAM_BYTES - 32, 64), 3);
	assert_int_equal(rig_copy(r, RAM_BASE, RAM_BASE + RAM_BYTES - 16, 32), 3);
	assert_int_equal(rig_copy(r, RAM_BASE, RAM_BASE - 16, 32), 3);
	assert_int_equal(rig_copy(r, RAM_BASE, 0, 32), 3);
	assert_int_equal(rig_copy(r, ~0ull - 15, RAM_BASE, 32), 3);
	/* without bus mastering nothing */
	rig_cfg_set(r, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	assert_int_equal(rig_copy(r, RAM_BASE + 0x8000, RAM_BASE, 32), 3);
	rig_enable(r);
	assert_int_equal(rig_copy(r, RAM_BASE + 0x8000, RAM_BASE, 32), 2);
}

static void test_dma_maps(void **state)
{
	const uint64_t top = 0ull - 0x2000;
	struct rig *r = *state;
	uint64_t i;

	rig_enable(r);
	rig_fill(r, 2);
	/* sparse pieces of one file, out of order */
	for (i = 0; i < 8; i++)
		assert_int_equal(vfu_client_map(&r->c, RAM_BASE + (i * 5 % 8) * 0x10000, 0x1000, RW,
						r->ram_fd, i * 0x1000),
				 0);
	for (i = 0; i < 8; i++) {
		assert_int_equal(rig_copy(r, RAM_BASE + (i * 5 % 8) * 0x10000 + 0x800,
					  RAM_BASE + (i * 5 % 8) * 0x10000, 0x800),
				 2);
		assert_memory_equal(r->ram + i * 0x1000, r->ram + i * 0x1000 + 0x800, 0x800);
	}
	assert_int_equal(rig_copy(r, RAM_BASE + 0x1000, RAM_BASE, 32), 3);
	/* overlaps of every kind */
	assert_int_equal(vfu_client_map(&r->c, RAM_BASE, 0x1000, RW, r->ram_fd, 0), -EEXIST);
	assert_int_equal(vfu_client_map(&r->c, RAM_BASE - 0x1000, 0x2000, RW, r->ram_fd, 0),
			 -EEXIST);
	assert_int_equal(vfu_client_map(&r->c, RAM_BASE + 0xf000, 0x2000, RW, r->ram_fd, 0),
			 -EEXIST);
	assert_int_equal(vfu_client_map(&r->c, 0, 0x200000000ull, RW, -1, 0), -EEXIST);
	/* the place must be exact */
	assert_int_equal(vfu_client_unmap(&r->c, RAM_BASE, 0x2000, 0), -ENOENT);
	assert_int_equal(vfu_client_unmap(&r->c, RAM_BASE + 0x1000, 0x1000, 0), -ENOENT);
	assert_int_equal(vfu_client_unmap(&r->c, RAM_BASE, 0x1000, 0), 0);
	assert_int_equal(rig_copy(r, RAM_BASE + 0x10000, RAM_BASE, 32), 3);
	assert_int_equal(vfu_client_map(&r->c, RAM_BASE, 0x1000, RW, r->ram_fd, 0), 0);
	/* rights */
	assert_int_equal(vfu_client_map(&r->c, 0x1000, 0x1000, VFU_MAP_READ, r->ram_fd, 0), 0);
	assert_int_equal(vfu_client_map(&r->c, 0x2000, 0x1000, 0, r->ram_fd, 0), 0);
	assert_int_equal(rig_copy(r, RAM_BASE, 0x1000, 32), 2);
	assert_int_equal(rig_copy(r, 0x1000, RAM_BASE, 32), 3);
	assert_int_equal(rig_copy(r, RAM_BASE, 0x2000, 32), 3);
	/* the last pages of the address space */
	assert_int_equal(vfu_client_map(&r->c, top, 0x2000, RW, r->ram_fd, 0x4000), 0);
	assert_int_equal(rig_copy(r, top + 0x1fe0, top, 32), 2);
	assert_int_equal(rig_copy(r, top, top + 0x1ff0, 32), 3);
	assert_int_equal(vfu_client_unmap(&r->c, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL), 0);
	assert_int_equal(rig_copy(r, top + 0x1fe0, top, 32), 3);
}

static void test_dma_map_refused(void **state)
{
	struct rig *r = *state;
	int pipes[2], ro;
	char path[40];

	assert_int_equal(vfu_client_map(&r->c, 0, 0, RW, r->ram_fd, 0), -EINVAL);
	assert_int_equal(vfu_client_map(&r->c, 0x800, 0x1000, RW, r->ram_fd, 0), -EINVAL);
	assert_int_equal(vfu_client_map(&r->c, 0, 0x1800, RW, r->ram_fd, 0), -EINVAL);
	assert_int_equal(vfu_client_map(&r->c, 0, 0x1000, RW, r->ram_fd, 0x10), -EINVAL);
	assert_int_equal(vfu_client_map(&r->c, 0, ~0xfffull, RW, r->ram_fd, 0), -EINVAL);
	assert_int_equal(vfu_client_map(&r->c, ~0xfffull, 0x2000, RW, r->ram_fd, 0), -EINVAL);
	assert_int_equal(vfu_client_map(&r->c, 0, 0x1000, RW, r->ram_fd, ~0xfffull), -EINVAL);
	/* beyond the file */
	assert_int_equal(vfu_client_map(&r->c, 0, RAM_BYTES + 0x1000, RW, r->ram_fd, 0), -EINVAL);
	assert_int_equal(vfu_client_map(&r->c, 0, 0x1000, RW, r->ram_fd, RAM_BYTES), -EINVAL);
	/* flags */
	assert_int_equal(vfu_client_map(&r->c, 0, 0x1000, RW | 0x10, r->ram_fd, 0), -EINVAL);
	assert_int_equal(
		vfu_client_map(&r->c, 0, 0x1000, RW | VFU_MAP_MMAP | VFU_MAP_FILE, r->ram_fd, 0),
		-EINVAL);
	assert_int_equal(vfu_client_map(&r->c, 0, 0x1000, RW | VFU_MAP_MMAP, -1, 0), -EINVAL);
	assert_int_equal(vfu_client_map(&r->c, 0, 0x1000, RW | VFU_MAP_FILE, -1, 0), -EINVAL);
	/* files that are none */
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(vfu_client_map(&r->c, 0, 0x1000, RW, pipes[0], 0), -EINVAL);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", r->ram_fd);
	ro = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(ro >= 0);
	assert_int_equal(vfu_client_map(&r->c, 0, 0x1000, RW, ro, 0), -EACCES);
	assert_int_equal(vfu_client_map(&r->c, 0, 0x1000, VFU_MAP_READ, ro, 0), 0);
	assert_int_equal(vfu_client_unmap(&r->c, 0, 0x1000, 4), -EINVAL);
	assert_int_equal(vfu_client_unmap(&r->c, 0, 0x1000, 1), -EINVAL);
	close(ro);
	close(pipes[0]);
	close(pipes[1]);
}

static void test_dma_file(void **state)
{
	struct rig *r = *state;

	rig_enable(r);
	rig_fill(r, 3);
	assert_int_equal(
		vfu_client_map(&r->c, 0, RAM_BYTES - 0x1000, RW | VFU_MAP_FILE, r->ram_fd, 0x1000),
		0);
	assert_int_equal(rig_copy(r, 0x4000, 0, 0x1000), 2);
	assert_memory_equal(r->ram + 0x5000, r->ram + 0x1000, 0x1000);
	assert_int_equal(ftruncate(r->ram_fd, 0x2000), 0);
	assert_int_equal(rig_copy(r, 0, 0x4000, 32), 3);
	assert_int_equal(ftruncate(r->ram_fd, RAM_BYTES), 0);
}

/* The client takes the file away under the mapping. */
static void test_dma_truncated(void **state)
{
	struct rig *r = *state;

	rig_enable(r);
	rig_map(r);
	rig_fill(r, 4);
	/* cmocka has its own handler around each test */
	assert_int_equal(dma_guard_install(), 0);
	assert_int_equal(rig_copy(r, RAM_BASE + 0x2000, RAM_BASE + 0x1000, 0x1000), 2);
	assert_int_equal(ftruncate(r->ram_fd, 0x1000), 0);
	assert_int_equal(rig_copy(r, RAM_BASE + 0x2000, RAM_BASE + 0x1000, 0x1000), 3);
	assert_int_equal(rig_copy(r, RAM_BASE, RAM_BASE + 0x20, 0x20), 2);
	assert_int_equal(vfu_client_unmap(&r->c, RAM_BASE, RAM_BYTES, 0), 0);
	assert_int_equal(ftruncate(r->ram_fd, RAM_BYTES), 0);
	rig_map(r);
	memset(r->ram, 0, RAM_BYTES);
	rig_fill(r, 5);
	assert_int_equal(rig_copy(r, RAM_BASE + 0x2000, RAM_BASE + 0x1000, 0x1000), 2);
	assert_memory_equal(r->ram + 0x2000, r->ram + 0x1000, 0x1000);
}

static int ram_read(void *ctx, uint64_t addr, void *dst, size_t n)
{
	struct rig *r = ctx;

	if (addr >= RAM_BYTES || n > RAM_BYTES - addr)
		return EFAULT;
	memcpy(dst, r->ram + addr, n);
	return 0;
}

static int ram_write(void *ctx, uint64_t addr, const void *src, size_t n)
{
	struct rig *r = ctx;

	if (addr >= RAM_BYTES || n > RAM_BYTES - addr)
		return EFAULT;
	memcpy(r->ram + addr, src, n);
	return 0;
}

static void message_memory(struct rig *r, bool lazy)
{
	r->c.ctx = r;
	r->c.read = ram_read;
	r->c.write = ram_write;
	r->c.lazy = lazy;
	rig_enable(r);
	/* twice as much as there is */
	assert_int_equal(vfu_client_map(&r->c, 0, 2 * RAM_BYTES, RW, -1, 0), 0);
}

struct goal {
	const struct vfu_client *c;
	unsigned int answered;
};

static bool reached(void *arg)
{
	const struct goal *g = arg;

	return g->c->answered >= g->answered;
}

/* Answers n requests, not one more. */
static void serve(struct rig *r, unsigned int n)
{
	struct goal g = { &r->c, r->c.answered + n };

	assert_true(vfu_client_answer(&r->c, 20000, reached, &g) >= 0);
	assert_int_equal(r->c.answered, g.answered);
}

static void messages(struct rig *r)
{
	rig_fill(r, 6);
	rig_copy_start(r, 0x8000, 0, 0x2000, 0, 1);
	serve(r, r->c.lazy ? 2 * 0x2000 / 32 : 1);
	assert_int_equal(rig_copy_end(r), 2);
	assert_memory_equal(r->ram + 0x8000, r->ram, 0x2000);
	/* the client's errors are the chip's */
	rig_copy_start(r, 0, RAM_BYTES, 32, 0, 1);
	if (r->c.lazy)
		serve(r, 1);
	assert_int_equal(rig_copy_end(r), 3);
	rig_copy_start(r, RAM_BYTES, 0, 32, 0, 1);
	if (r->c.lazy)
		serve(r, 2);
	assert_int_equal(rig_copy_end(r), 3);
}

static void test_dma_messages(void **state)
{
	message_memory(*state, false);
	messages(*state);
}

/* A client that answers no DMA while it waits for a register: registers must not wait for DMA. */
static void test_dma_messages_lazy(void **state)
{
	struct rig *r = *state;
	int i;

	message_memory(r, true);
	messages(r);
	rig_copy_start(r, 0x8000, 0, 0x40, 0, 1);
	for (i = 0; i < 100; i++)
		assert_int_equal(rig_get(r, IG1_BAR0_ID), IG1_CHIP_ID);
	assert_int_equal(rig_get(r, MOCK_STATUS), 1);
	serve(r, 4);
	assert_int_equal(rig_copy_end(r), 2);
}

/* The same over a socket of its own. */
static void test_dma_twin(void **state)
{
	struct rig *r = *state;
	char json[300];

	assert_int_equal(vfu_client_connect(&r->c, r->path), 0);
	assert_int_equal(vfu_client_version(&r->c,
					    "{\"capabilities\":{\"max_msg_fds\":8,"
					    "\"twin_socket\":{\"supported\":true}}}",
					    json, sizeof(json)),
			 0);
	assert_non_null(strstr(json, "\"supported\":true"));
	assert_true(r->c.twin >= 0);
	message_memory(r, false);
	messages(r);
	r->c.lazy = true;
	messages(r);
}

/* What is with the client when its region goes must fail, and its answer be ignored. */
static void test_dma_unmap_in_flight(void **state)
{
	struct rig *r = *state;

	message_memory(r, true);
	rig_copy_start(r, 0x8000, 0, 0x1000, 0, 1);
	assert_int_equal(rig_get(r, MOCK_STATUS), 1);
	assert_int_equal(vfu_client_unmap(&r->c, 0, 2 * RAM_BYTES, 0), 0);
	assert_int_equal(rig_copy_end(r), 3);
	assert_true(vfu_client_answer(&r->c, 50, NULL, NULL) >= 0);
	/* the device still works */
	rig_map(r);
	assert_int_equal(rig_copy(r, RAM_BASE + 0x8000, RAM_BASE, 0x1000), 2);
}

/* Mappings come and go while the chip copies for ever. */
static void test_dma_unmap_running(void **state)
{
	struct rig *r = *state;
	uint32_t i, done = 0, refused = 0;

	rig_enable(r);
	for (i = 0; i < 300; i++) {
		rig_map(r);
		rig_copy_start(r, RAM_BASE + 0x8000, RAM_BASE, 0x4000, 0, 3);
		if (i % 3)
			usleep(100);
		assert_int_equal(vfu_client_unmap(&r->c, RAM_BASE, RAM_BYTES, 0), 0);
		if (rig_copy_end(r) == 3)
			refused++;
		else
			done++;
	}
	assert_int_equal(refused, 300);
	assert_int_equal(done, 0);
}

/* In the middle of DMA by message: answers that come later belong to nobody. */
static void test_reset_in_flight(void **state)
{
	struct rig *r = *state;

	message_memory(r, true);
	rig_copy_start(r, 0x8000, 0, 0x1000, 0, 1);
	assert_int_equal(rig_get(r, MOCK_STATUS), 1);
	rig_reset(r);
	rig_enable(r);
	assert_int_equal(rig_get(r, MOCK_STATUS), 0);
	vfu_client_answer(&r->c, 50, NULL, NULL);
	messages(r);
}

/* Writes a record, an instruction at a time: what a program would see after each. Returns them. */
static uint32_t step_through(struct dma_entry *e, uint64_t addr, const struct ig1_token *token,
			     const struct ig1_token *seen)
{
	uint32_t steps = 0;
	pid_t child = fork();
	int status = 0;

	assert_true(child >= 0);
	if (!child) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
			_exit(2);
		raise(SIGSTOP);
		_exit(dma_entry_write(e, addr, token, sizeof(*token)) ? 1 : 0);
	}
	while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
		struct ig1_token now = *(const volatile struct ig1_token *)seen;

		if (now.seq == token->seq)
			assert_memory_equal(&now, token, sizeof(now));
		else
			assert_int_equal(now.seq, 0);
		steps++;
		assert_int_equal(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
	}
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_memory_equal(seen, token, sizeof(*token));
	return steps;
}

/* Its number is the first thing in a token record and the last that appears. */
static void test_token_record(void **state)
{
	const struct ig1_token token = { .seq = 7, .slot = 3, .kind = 1, .value = 99, .step = 5 };
	struct dma_region region = { 0x1000, 0x1000, 0, DMA_READ | DMA_WRITE, DMA_MMAP };
	struct ig1_token *seen;
	struct dma_entry *e;
	struct dma_map map;
	int fd, file;

	(void)state;
	fd = memfd_create("record", 0);
	assert_int_equal(ftruncate(fd, 0x1000), 0);
	seen = mmap(NULL, 0x1000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(seen != MAP_FAILED);
	for (file = 0; file < 2; file++) {
		region.mode = file ? DMA_FILE : DMA_MMAP;
		memset(seen, 0, 0x1000);
		dma_map_init(&map);
		assert_int_equal(dma_map_add(&map, &region, fd), 0);
		e = dma_map_find(&map, 0x1020, sizeof(token), DMA_WRITE);
		assert_non_null(e);
		assert_true(step_through(e, 0x1020, &token, seen + 2) > 10);
		dma_map_free(&map);
	}
	munmap(seen, 0x1000);
	close(fd);
}

#define CLIENT(f) cmocka_unit_test_setup_teardown(f, rig_client, rig_teardown)
#define SERVER(f) cmocka_unit_test_setup_teardown(f, rig_server, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLIENT(test_dma),
		CLIENT(test_dma_maps),
		CLIENT(test_dma_map_refused),
		CLIENT(test_dma_file),
		CLIENT(test_dma_truncated),
		CLIENT(test_dma_messages),
		CLIENT(test_dma_messages_lazy),
		SERVER(test_dma_twin),
		CLIENT(test_dma_unmap_in_flight),
		CLIENT(test_dma_unmap_running),
		CLIENT(test_reset_in_flight),
		cmocka_unit_test(test_token_record),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
