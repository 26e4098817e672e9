// SPDX-License-Identifier: MIT
/* ig1-sim: simulated chips as vfio-user PCI devices. The man page is docs/man/ig1-sim.1.scd. */
#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "chip_sim.h"
#include "control.h"
#include "mask.h"
#include "vfu_server.h"
#include "vhost_user_server.h"

#define MAX_CHIPS 64u

enum exit_code {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_MISMATCH = 4, /* no model of the mask's chip */
	EXIT_INPUT = 5,	   /* a damaged or unsuitable mask */
};

struct chip {
	unsigned int number;
	char path[128];
	struct pci_device *dev;
	struct vfu_server *server;
	struct vhost_user_server *vhost_user; /* instead */
};

struct program {
	const char *mask_path, *socket, *leaves, *control, *send;
	unsigned int count;
	uint32_t seed, latency;
	bool inject, vhost_user;
	struct mask_file mask;
	struct chip_sim_arg sim;
	struct chip chips[MAX_CHIPS];
	struct pci_device *devs[MAX_CHIPS];
	struct control *control_server;
};

static int verbose;

enum {
	KEY_CHIPS = 0x1001,
	KEY_LEAVES,
	KEY_LATENCY,
	KEY_SEED,
	KEY_INJECT,
	KEY_CONTROL,
	KEY_SEND,
	KEY_VHOST_USER
};

static const struct argp_option options[] = {
	{ "mask", 'm', "MODEL.accel", 0, "what is in the chip's ROM", 0 },
	{ "socket", 's', "PATH", 0, "where the chip listens; with several, PATH.0, PATH.1, ...",
	  0 },
	{ "socket-path", 's', "PATH", OPTION_ALIAS, NULL, 0 },
	{ "chips", KEY_CHIPS, "N", 0, "that many chips in this process (1)", 0 },
	{ "leaves", KEY_LEAVES, "BODY", 0, "dpi (fast, default) or gates", 0 },
	{ "latency", KEY_LATENCY, "N", 0, "cycles of a read from host memory (200)", 0 },
	{ "seed", KEY_SEED, "N", 0, "random contents of unreset registers (0: zeros)", 0 },
	{ "vhost-user", KEY_VHOST_USER, NULL, 0, "speak vhost-user, for user-mode Linux", 0 },
	{ "verbose", 'v', NULL, 0, "say what happens; twice: every message", 0 },
	{ NULL, 0, NULL, 0, "For tests of drivers:", 1 },
	{ "inject", KEY_INJECT, NULL, 0, "a config space capability that injects faults", 1 },
	{ "control", KEY_CONTROL, "PATH", 0, "a socket that takes commands", 1 },
	{ "send", KEY_SEND, "LINE", 0, "send LINE to the control socket of a running ig1-sim", 1 },
	{ 0 },
};

static uint32_t number(struct argp_state *state, const char *what, const char *arg, uint32_t min,
		       uint32_t max)
{
	unsigned long v;
	char *end;

	errno = 0;
	v = strtoul(arg, &end, 0);
	if (errno || end == arg || *end || arg[0] == '-' || v < min || v > max)
		argp_error(state, "%s: '%s' is not a number from %u to %u", what, arg, min, max);
	return (uint32_t)v;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct program *p = state->input;

	switch (key) {
	case 'm':
		p->mask_path = arg;
		return 0;
	case 's':
		p->socket = arg;
		return 0;
	case KEY_CHIPS:
		p->count = number(state, "--chips", arg, 1, MAX_CHIPS);
		return 0;
	case KEY_LEAVES:
		if (strcmp(arg, "dpi") && strcmp(arg, "gates"))
			argp_error(state, "--leaves: '%s' is neither dpi nor gates", arg);
		p->leaves = arg;
		return 0;
	case KEY_LATENCY:
		p->latency = number(state, "--latency", arg, 1, 1000000);
		return 0;
	case KEY_SEED:
		p->seed = number(state, "--seed", arg, 0, UINT32_MAX);
		return 0;
	case KEY_INJECT:
		p->inject = true;
		return 0;
	case KEY_CONTROL:
		p->control = arg;
		return 0;
	case KEY_SEND:
		p->send = arg;
		return 0;
	case KEY_VHOST_USER:
		p->vhost_user = true;
		return 0;
	case 'v':
		verbose++;
		return 0;
	case ARGP_KEY_END:
		if (p->send && !p->control)
			argp_error(state, "--send needs --control");
		if (!p->send && (!p->mask_path || !p->socket))
			argp_error(state, "--mask and --socket are needed");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Simulates IG1 chips as vfio-user PCI devices, for QEMU 10.1 or later.",
};

static void log_text(void *ctx, enum pci_log_level level, const char *text)
{
	const struct chip *c = ctx;

	if ((int)level <= verbose)
		fprintf(stderr, "ig1-sim: chip %u: %s\n", c->number, text);
}

static int open_mask(struct program *p)
{
	char err[MASK_ERR];

	if (mask_open(&p->mask, p->mask_path, err)) {
		fprintf(stderr, "ig1-sim: %s: %s\n", p->mask_path, err);
		return EXIT_INPUT;
	}
	p->sim.model = chip_sim_model(p->mask.config, p->leaves);
	p->sim.mask = &p->mask;
	p->sim.seed = p->seed;
	p->sim.latency = p->latency;
	if (!p->sim.model) {
		fprintf(stderr,
			"ig1-sim: %s: there is no simulated chip of configuration '%s' with %s\n",
			p->mask_path, p->mask.config, p->leaves);
		return EXIT_MISMATCH;
	}
	return 0;
}

static int start_chip(struct program *p, unsigned int i)
{
	struct chip *c = &p->chips[i];
	struct pci_device_options o = {
		.chip = &chip_sim,
		.chip_arg = &p->sim,
		.serial = mask_serial(&p->mask),
		.inject = p->inject,
		.log = log_text,
		.log_ctx = c,
	};
	struct vfu_server_options so = { .path = c->path, .log = log_text, .log_ctx = c };
	struct vhost_user_server_options vo = { .path = c->path, .log = log_text, .log_ctx = c };
	int n, err;

	c->number = i;
	n = p->count > 1 ? snprintf(c->path, sizeof(c->path), "%s.%u", p->socket, i)
			 : snprintf(c->path, sizeof(c->path), "%s", p->socket);
	err = n < 0 || (size_t)n >= sizeof(c->path) ? -ENAMETOOLONG : 0;
	if (!err)
		err = pci_device_create(&o, &c->dev);
	if (!err) {
		p->devs[i] = so.dev = vo.dev = c->dev;
		err = p->vhost_user ? vhost_user_server_start(&vo, &c->vhost_user)
				    : vfu_server_start(&so, &c->server);
	}
	if (err) {
		fprintf(stderr, "ig1-sim: %s: %s\n", c->path,
			err == -EADDRINUSE ? "somebody listens there already"
			: err == -EEXIST   ? "exists and is not a socket"
					   : strerror(-err));
		return EXIT_FAILED;
	}
	return 0;
}

/* A mask that the chip cannot hold is found when one is powered up: do it before clients come. */
static int try_chip(struct program *p)
{
	struct pci_client nobody = { .ctx = NULL };
	struct pci_device_options o = { .chip = &chip_sim, .chip_arg = &p->sim };
	struct pci_device *dev;
	int err;

	err = pci_device_create(&o, &dev);
	if (!err) {
		err = pci_device_attach(dev, &nobody);
		pci_device_destroy(dev);
	}
	if (err)
		fprintf(stderr, "ig1-sim: %s: %s\n", p->mask_path,
			err == -EINVAL ? "the mask is larger than the chip" : strerror(-err));
	return err == -EINVAL ? EXIT_MISMATCH : err ? EXIT_FAILED : 0;
}

static int start(struct program *p)
{
	unsigned int i;
	int ret, err;

	ret = open_mask(p);
	if (!ret)
		ret = try_chip(p);
	for (i = 0; i < p->count && !ret; i++)
		ret = start_chip(p, i);
	if (!ret && p->control) {
		err = control_start(p->control, p->devs, p->count, &p->control_server);
		if (err) {
			fprintf(stderr, "ig1-sim: %s: %s\n", p->control, strerror(-err));
			ret = EXIT_FAILED;
		}
	}
	return ret;
}

static void stop(struct program *p)
{
	unsigned int i;

	control_stop(p->control_server);
	for (i = 0; i < p->count; i++) {
		vfu_server_stop(p->chips[i].server);
		vhost_user_server_stop(p->chips[i].vhost_user);
		pci_device_destroy(p->chips[i].dev);
	}
	mask_close(&p->mask);
}

static int send_line(const struct program *p)
{
	char answer[CONTROL_LINE];
	int err = control_send(p->control, p->send, answer);

	if (err) {
		fprintf(stderr, "ig1-sim: %s: %s\n", p->control, strerror(-err));
		return EXIT_FAILED;
	}
	puts(answer);
	return strncmp(answer, "ok", 2) ? EXIT_FAILED : EXIT_OK;
}

int main(int argc, char **argv)
{
	static struct program p = { .leaves = "dpi", .count = 1, .latency = IG1_SIM_READ_LATENCY };
	sigset_t ends;
	int ret, sig;

	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &p);
	if (p.send)
		return send_line(&p);
	/* before there are threads, so that none of them takes these */
	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &ends, NULL);
	signal(SIGPIPE, SIG_IGN);
	ret = start(&p);
	if (!ret) {
		/* for scripts that wait for it */
		printf("ig1-sim: ready\n");
		fflush(stdout);
		sigwait(&ends, &sig);
	}
	stop(&p);
	return ret;
}
