// SPDX-License-Identifier: MIT
/*
 * ig1-sim as a program: started, driven over its sockets by a small driver, with real firmware and
 * a model, compared with the reference model; resets and vanishing clients in the middle of jobs;
 * its command line. Arguments: ig1-sim, firmware, maketoy. TAP.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "control.h"
#include "pci_config.h"
#include "pci_device.h"
#include "sim_driver.h"
#include "unix_socket.h"

#define PATIENCE_MS 120000

static const char *program, *firmware, *maketoy;
static char dir[40], toy[80], endless[80], sockets[80], control[80];

/* --- the program ---------------------------------------------------------------------------------- */

static pid_t start(char *const argv[])
{
	pid_t pid = fork();

	if (!pid) {
		dup2(2, 1); /* standard output is TAP's */
		execv(argv[0], argv);
		_exit(127);
	}
	assert_true(pid > 0);
	return pid;
}

static int finish(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* Runs to its end without a word; the exit code. */
static int run_quiet(const char *a, const char *b, const char *c, const char *d, const char *e,
		     const char *f)
{
	const char *argv[] = { program, a, b, c, d, e, f, NULL };
	pid_t pid = fork();

	if (!pid) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 1);
		dup2(null, 2);
		execv(program, (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	return finish(pid);
}

static pid_t start_sim(const char *mask, const char *chips)
{
	const char *argv[] = { program, "--mask",    mask,    "--socket", sockets, "--chips",
			       chips,	"--control", control, "--inject", NULL };

	return start((char *const *)(uintptr_t)argv);
}

static void stop_sim(pid_t pid)
{
	kill(pid, SIGTERM);
	assert_int_equal(finish(pid), 0);
}

static void path_of(char out[100], unsigned int chip)
{
	snprintf(out, 100, "%s.%u", sockets, chip);
}

/* --- jobs ------------------------------------------------------------------------------------------ */

static void check_job(struct sim_driver *d, const char *mask, uint32_t token, uint32_t steps)
{
	struct ig1_completion done = { 0 };
	uint8_t *before = malloc(SIM_RAM);
	const char *differs;

	sim_prepare(d, mask, token, steps);
	memcpy(before, d->ram, SIM_RAM);
	sim_submit(d, 0x1234567800000000ull + token);
	assert_true(sim_wait(d, &done, PATIENCE_MS));
	assert_int_equal(done.emitted, steps);
	differs = sim_compare(d, mask, before, &done);
	if (differs)
		fail_msg("chip and reference model differ: %s", differs);
	free(before);
}

static long ticks(pid_t pid)
{
	unsigned long user = 0, sys = 0;
	char path[40];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f,
				"%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
				&user, &sys),
			 2);
	fclose(f);
	return (long)(user + sys);
}

static void test_job(void **state)
{
	struct sim_driver d;
	pid_t pid = start_sim(toy, "1");
	long before;

	(void)state;
	sim_open(&d, sockets, SIM_SHARED);
	assert_true(sim_boot(&d, firmware));
	check_job(&d, toy, 3, 8);
	check_job(&d, toy, 9, 5);
	/* an idle chip is an idle process: less than one tick of 10 ms in a second */
	before = ticks(pid);
	sleep(1);
	assert_true(ticks(pid) - before <= 1);
	check_job(&d, toy, 3, 8);
	sim_close(&d);
	stop_sim(pid);
}

static void test_job_by_message(void **state)
{
	struct sim_driver d;
	pid_t pid = start_sim(toy, "1");

	(void)state;
	sim_open(&d, sockets, SIM_BY_MESSAGE);
	assert_true(sim_boot(&d, firmware));
	check_job(&d, toy, 5, 3);
	sim_close(&d);
	stop_sim(pid);
}

static void test_three_chips(void **state)
{
	struct ig1_completion done[3] = { 0 };
	uint8_t *before[3];
	struct sim_driver d[3];
	pid_t pid = start_sim(toy, "3");
	const char *differs;
	char path[100];
	unsigned int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		path_of(path, i);
		sim_open(&d[i], path, SIM_SHARED);
		assert_true(sim_boot(&d[i], firmware));
		sim_prepare(&d[i], toy, 7 * i + 1, 6);
		before[i] = malloc(SIM_RAM);
		memcpy(before[i], d[i].ram, SIM_RAM);
	}
	for (i = 0; i < 3; i++)
		sim_submit(&d[i], i);
	for (i = 0; i < 3; i++)
		assert_true(sim_wait(&d[i], &done[i], PATIENCE_MS));
	for (i = 0; i < 3; i++) {
		differs = sim_compare(&d[i], toy, before[i], &done[i]);
		if (differs)
			fail_msg("chip %u: %s", i, differs);
		free(before[i]);
	}
	/* one goes, the others stay */
	sim_close(&d[1]);
	check_job(&d[0], toy, 2, 2);
	check_job(&d[2], toy, 2, 2);
	sim_close(&d[0]);
	sim_close(&d[2]);
	stop_sim(pid);
}

static void flr(struct sim_driver *d)
{
	vfu_client_set(&d->c, PCI_REGION_CONFIG, PCI_CONFIG_EXP + PCI_EXP_DEVCTL,
		       PCI_EXP_DEVCTL_BCR_FLR, 2);
}

static void power_cycle(struct sim_driver *d)
{
	vfu_client_set(&d->c, PCI_REGION_CONFIG, PCI_CONFIG_PM + PCI_PM_CTRL, 3, 2);
	vfu_client_set(&d->c, PCI_REGION_CONFIG, PCI_CONFIG_PM + PCI_PM_CTRL, 0, 2);
}

static void device_reset(struct sim_driver *d)
{
	struct vfu_call call = { .command = VFU_DEVICE_RESET };

	assert_int_equal(vfu_client_call(&d->c, &call), 0);
}

/* Each reset in the middle of a job that would never end; then the chip works like new. */
static void test_resets(void **state)
{
	void (*const resets[])(struct sim_driver *) = { flr, power_cycle, device_reset };
	struct ig1_completion done;
	struct sim_driver d;
	pid_t pid = start_sim(endless, "1");
	size_t i;

	(void)state;
	sim_open(&d, sockets, SIM_SHARED);
	for (i = 0; i < 3; i++) {
		assert_true(sim_boot(&d, firmware));
		sim_prepare(&d, endless, 1, 1);
		sim_submit(&d, 1);
		assert_false(sim_wait(&d, &done, 100));
		assert_true(sim_get(&d, IG1_BAR0_STATUS) & IG1_BAR0_STATUS_BUSY);
		resets[i](&d);
		vfu_client_set(&d.c, PCI_REGION_CONFIG, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
		assert_int_equal(sim_get(&d, IG1_BAR0_ID), IG1_CHIP_ID);
		assert_int_equal(sim_get(&d, IG1_BAR0_STATUS), 0);
		assert_int_equal(sim_get(&d, IG1_BAR0_FW_STATE), IG1_FW_STATE_RESET);
		assert_int_equal(sim_get(&d, IG1_BAR0_IRQ_ENABLE), 0);
	}
	sim_close(&d);
	stop_sim(pid);
}

/* Registers answer at once while a job runs. */
static void test_prompt(void **state)
{
	struct ig1_completion done;
	struct sim_driver d;
	pid_t pid = start_sim(endless, "1");
	struct timespec a, b;
	int i;

	(void)state;
	sim_open(&d, sockets, SIM_SHARED);
	assert_true(sim_boot(&d, firmware));
	sim_prepare(&d, endless, 1, 1);
	sim_submit(&d, 1);
	assert_false(sim_wait(&d, &done, 50));
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (i = 0; i < 1000; i++)
		assert_int_equal(sim_get(&d, IG1_BAR0_ID), IG1_CHIP_ID);
	clock_gettime(CLOCK_MONOTONIC, &b);
	/* on average, on a machine with other work; typically a tenth of it */
	assert_true((b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000 < 10000);
	/* the firmware is alive beside the job, and ends it */
	assert_int_equal(sim_mailbox(&d, IG1_MBOX_PING, 42, 0, PATIENCE_MS), 0);
	assert_int_equal(sim_get(&d, IG1_BAR0_MBOX_VAL), 42);
	assert_int_equal(sim_mailbox(&d, IG1_MBOX_CTX_STOP, 1, 0, PATIENCE_MS), 0);
	assert_true(sim_wait(&d, &done, PATIENCE_MS));
	assert_int_equal(done.fault, IG1_FAULT_ABORT);
	sim_close(&d);
	stop_sim(pid);
}

/* A client that goes in the middle of a job leaves nothing behind. */
static void test_reconnect(void **state)
{
	struct ig1_completion done;
	struct sim_driver d;
	pid_t pid = start_sim(endless, "1");
	char answer[CONTROL_LINE];
	long before;
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		sim_open(&d, sockets, SIM_SHARED);
		assert_int_equal(vfu_client_get(&d.c, PCI_REGION_CONFIG, PCI_COMMAND, 2), 0);
		assert_true(sim_boot(&d, firmware));
		sim_prepare(&d, endless, 1, 1);
		sim_submit(&d, 1);
		assert_false(sim_wait(&d, &done, 50));
		sim_close(&d);
	}
	for (i = 0; i < 500; i++) {
		usleep(10000);
		assert_int_equal(control_send(control, "0 status", answer), 0);
		if (strstr(answer, "client=0"))
			break;
	}
	assert_non_null(strstr(answer, "mappings=0"));
	before = ticks(pid);
	usleep(300000);
	assert_true(ticks(pid) - before <= 1);
	stop_sim(pid);
}

/* Memory goes away in the middle of a job: a bus fault, and the next job is fine. */
static void test_unmap(void **state)
{
	struct ig1_completion done = { 0 };
	struct sim_driver d;
	pid_t pid = start_sim(toy, "1");

	(void)state;
	sim_open(&d, sockets, SIM_SHARED);
	assert_true(sim_boot(&d, firmware));
	sim_prepare(&d, toy, 1, 60);
	/* the job's memory apart from rings and the queue's page */
	assert_int_equal(vfu_client_unmap(&d.c, SIM_BASE, SIM_RAM, 0), 0);
	assert_int_equal(
		vfu_client_map(&d.c, SIM_BASE, d.rings + 2 * IG1_PAGE_BYTES, 3, d.ram_fd, 0), 0);
	sim_submit(&d, 77);
	assert_true(sim_wait(&d, &done, PATIENCE_MS));
	assert_int_equal(done.status, 1);
	assert_int_equal(done.fault, IG1_FAULT_BUS);
	assert_int_equal(done.job_id, 77);
	assert_int_equal(vfu_client_unmap(&d.c, 0, 0, 2), 0);
	assert_int_equal(vfu_client_map(&d.c, SIM_BASE, SIM_RAM, 3, d.ram_fd, 0), 0);
	check_job(&d, toy, 4, 2);
	sim_close(&d);
	stop_sim(pid);
}

static bool inject(const char *line)
{
	char answer[CONTROL_LINE];

	return !control_send(control, line, answer) && !strcmp(answer, "ok");
}

static void test_faults(void **state)
{
	struct ig1_completion done;
	struct sim_driver d;
	pid_t pid = start_sim(toy, "1");

	(void)state;
	assert_false(inject("0 stall")); /* no client, no chip */
	sim_open(&d, sockets, SIM_SHARED);
	/* firmware that died: nothing answers any more, until a reset */
	assert_true(sim_boot(&d, firmware));
	assert_true(inject("0 mcu-stuck"));
	assert_int_equal(sim_mailbox(&d, IG1_MBOX_PING, 1, 0, 100), 255);
	assert_int_equal(sim_get(&d, IG1_BAR0_STATUS), IG1_BAR0_STATUS_MCU_RUN);
	flr(&d);
	assert_true(sim_boot(&d, firmware));
	assert_true(inject("0 mcu-lockup"));
	assert_true(sim_get(&d, IG1_BAR0_STATUS) & IG1_BAR0_STATUS_MCU_LOCKUP);
	flr(&d);
	/* a job whose reads are never answered */
	assert_true(sim_boot(&d, firmware));
	sim_prepare(&d, toy, 1, 40);
	assert_true(inject("0 dma-hang"));
	sim_submit(&d, 5);
	assert_false(sim_wait(&d, &done, 200));
	flr(&d);
	/* an interrupt that got lost: the completion is there all the same */
	assert_true(sim_boot(&d, firmware));
	assert_true(inject("0 irq-lost 1"));
	sim_prepare(&d, toy, 1, 2);
	sim_submit(&d, 6);
	assert_false(sim_wait(&d, &done, 500));
	done = *(const struct ig1_completion *)(const void *)(d.ram + d.rings + IG1_PAGE_BYTES);
	assert_int_equal(done.job_id, 6);
	check_job(&d, toy, 1, 2);
	/* the link goes */
	assert_true(inject("0 link-down"));
	assert_int_equal(sim_get(&d, IG1_BAR0_ID), ~0u);
	assert_int_equal(vfu_client_get(&d.c, PCI_REGION_CONFIG, 0, 4), ~0u);
	assert_true(inject("0 clear"));
	assert_int_equal(sim_get(&d, IG1_BAR0_ID), IG1_CHIP_ID);
	sim_close(&d);
	stop_sim(pid);
}

/* --- the command line -------------------------------------------------------------------------------- */

static void test_usage(void **state)
{
	char damaged[100], plain[100];
	FILE *f;
	int fd;

	(void)state;
	assert_int_equal(run_quiet(NULL, NULL, NULL, NULL, NULL, NULL), 2);
	assert_int_equal(run_quiet("--mask", toy, NULL, NULL, NULL, NULL), 2);
	assert_int_equal(run_quiet("--mask", toy, "--socket", sockets, "--chips", "0"), 2);
	assert_int_equal(run_quiet("--mask", toy, "--socket", sockets, "--chips", "65"), 2);
	assert_int_equal(run_quiet("--mask", toy, "--socket", sockets, "--latency", "-1"), 2);
	assert_int_equal(run_quiet("--mask", toy, "--socket", sockets, "--seed", "x"), 2);
	assert_int_equal(run_quiet("--mask", toy, "--socket", sockets, "--leaves", "leaf"), 2);
	assert_int_equal(run_quiet("--nonsense", NULL, NULL, NULL, NULL, NULL), 2);
	assert_int_equal(run_quiet("--help", NULL, NULL, NULL, NULL, NULL), 0);
	assert_int_equal(run_quiet("--send", "0 status", NULL, NULL, NULL, NULL), 2);
	assert_int_equal(run_quiet("--control", control, "--send", "0 status", NULL, NULL), 1);
	assert_int_equal(run_quiet("--mask", "/nonexistent", "--socket", sockets, NULL, NULL), 5);
	snprintf(damaged, sizeof(damaged), "%s/damaged", dir);
	f = fopen(damaged, "w");
	fputs("INTAGLIO, but that is all", f);
	fclose(f);
	assert_int_equal(run_quiet("--mask", damaged, "--socket", sockets, NULL, NULL), 5);
	unlink(damaged);
	assert_int_equal(run_quiet("--mask", toy, "--socket", "/nonexistent/socket", NULL, NULL),
			 1);
	/* something else is there */
	snprintf(plain, sizeof(plain), "%s/plain", dir);
	fd = open(plain, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(run_quiet("--mask", toy, "--socket", plain, NULL, NULL), 1);
	assert_int_equal(access(plain, F_OK), 0);
	close(fd);
	unlink(plain);
}

static void test_sockets(void **state)
{
	struct sim_driver d;
	pid_t pid;
	int fd;

	(void)state;
	/* one that a dead process left */
	fd = unix_listen(sockets);
	assert_true(fd >= 0);
	close(fd);
	pid = start_sim(toy, "1");
	sim_open(&d, sockets, SIM_SHARED);
	/* and one that is in use */
	assert_int_equal(run_quiet("--mask", toy, "--socket", sockets, NULL, NULL), 1);
	assert_int_equal(vfu_client_get(&d.c, PCI_REGION_CONFIG, 0, 2), IG1_PCI_VENDOR);
	/* ends with a client connected, and cleans up */
	stop_sim(pid);
	sim_close(&d);
	assert_int_equal(access(sockets, F_OK), -1);
	assert_int_equal(access(control, F_OK), -1);
}

static void test_gates(void **state)
{
	const char *argv[] = { program, "--mask", toy, "--socket",  sockets, "--leaves",
			       "gates", "--seed", "7", "--latency", "50",    NULL };
	struct sim_driver d;
	pid_t pid;

	(void)state;
	pid = start((char *const *)(uintptr_t)argv);
	sim_open(&d, sockets, SIM_SHARED);
	assert_true(sim_boot(&d, firmware));
	check_job(&d, toy, 3, 1);
	sim_close(&d);
	stop_sim(pid);
}

static int make_toy(const char *path, const char *kind)
{
	const char *argv[] = { maketoy, path, "1", kind, NULL };

	return finish(start((char *const *)(uintptr_t)argv));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_job),	    cmocka_unit_test(test_job_by_message),
		cmocka_unit_test(test_three_chips), cmocka_unit_test(test_resets),
		cmocka_unit_test(test_prompt),	    cmocka_unit_test(test_reconnect),
		cmocka_unit_test(test_unmap),	    cmocka_unit_test(test_faults),
		cmocka_unit_test(test_usage),	    cmocka_unit_test(test_sockets),
		cmocka_unit_test(test_gates),
	};
	int failed;

	if (argc < 4) {
		fprintf(stderr, "usage: test_ig1_sim IG1-SIM FIRMWARE MAKETOY [TEST]\n");
		return 2;
	}
	if (argc > 4)
		cmocka_set_test_filter(argv[4]);
	program = argv[1];
	firmware = argv[2];
	maketoy = argv[3];
	snprintf(dir, sizeof(dir), "/tmp/ig1-sim-XXXXXX");
	if (!mkdtemp(dir))
		return 1;
	snprintf(toy, sizeof(toy), "%s/toy.accel", dir);
	snprintf(endless, sizeof(endless), "%s/endless.accel", dir);
	snprintf(sockets, sizeof(sockets), "%s/sock", dir);
	snprintf(control, sizeof(control), "%s/control", dir);
	if (make_toy(toy, "") || make_toy(endless, "endless"))
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(toy);
	unlink(endless);
	rmdir(dir);
	return failed;
}
