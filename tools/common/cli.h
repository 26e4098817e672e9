/* SPDX-License-Identifier: MIT */
/* What the command-line tools share: exit codes, opening, interruption, numbers, JSON output. */
#ifndef CLI_H
#define CLI_H

#include <argp.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "accel/accel.h"

enum cli_exit {
	CLI_OK = 0,
	CLI_FAILURE = 1, /* also: interrupted, partial results were printed */
	CLI_USAGE = 2,	 /* also: a back end that does not exist */
	CLI_NO_DEVICE = 3,
	CLI_MISMATCH = 4, /* the model is not the one in the chip */
	CLI_INPUT = 5,	  /* a damaged or unsuitable input file */
};

/* What every tool that runs a model is told. */
struct cli_target {
	const char *program; /* argv[0] without folders, for messages */
	const char *model;   /* cli_model_option only, as json */
	bool json;
	const char *backend, *mask, *firmware;
	uint32_t device;
	struct accel_device *dev;
	struct accel_model *m;
};

#define CLI_KEY_BACKEND	 0x1001
#define CLI_KEY_MASK	 0x1002
#define CLI_KEY_FIRMWARE 0x1003
#define CLI_KEY_DEVICE	 0x1004
#define CLI_KEY_JSON	 0x1005

#define CLI_TARGET_OPTIONS                                                                      \
	{ "backend", CLI_KEY_BACKEND, "NAME", 0, "drm, sim, ref or null (ACCEL_BACKEND)", 90 }, \
		{ "device", CLI_KEY_DEVICE, "N", 0, "which of the back end's devices", 90 },    \
		{ "mask",                                                                       \
		  CLI_KEY_MASK,                                                                 \
		  "FILE",                                                                       \
		  0,                                                                            \
		  "simulated chips: what is in the ROM (default: the model)",                   \
		  90 },                                                                         \
	{                                                                                       \
		"firmware", CLI_KEY_FIRMWARE, "FILE", 0, "sim: firmware (ACCEL_FIRMWARE)", 90   \
	}

/* Also answers --version, as "PROGRAM VERSION". */
void cli_init(const char *argv0, struct cli_target *t);
/* true: key was one of the target's. */
bool cli_target_option(struct cli_target *t, int key, const char *arg);
/*
 * For tools with exactly one MODEL.accel: the target's options, --json, and the argument. 0, or
 * ARGP_ERR_UNKNOWN: the key is the tool's. At ARGP_KEY_END, which is the tool's too, the model is there.
 */
error_t cli_model_option(struct cli_target *t, int key, char *arg, struct argp_state *state);
/* Whether the back end that is asked for can exist; CLI_OK or CLI_USAGE with a message. */
int cli_check_backend(const struct cli_target *t);
/* Open device, then model; prints what went wrong. enum cli_exit. */
int cli_open_device(struct cli_target *t);
int cli_open(struct cli_target *t);
void cli_close(struct cli_target *t);

int cli_exit_code(int error);
/* Prints the detail of a failed call; returns its exit code. */
int cli_fail(struct cli_target *t, int error, const char *what);
void cli_message(const struct cli_target *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* A number of an option; prints and exits with CLI_USAGE when it is not one in [lo, hi]. */
uint64_t cli_uint(const char *name, const char *arg, uint64_t lo, uint64_t hi);
double cli_double(const char *name, const char *arg, double lo, double hi);
/* "1,2,3" (spaces allowed): ids below vocab. Returns how many, or prints and returns -1. */
ssize_t cli_ids(const struct cli_target *t, const char *arg, uint64_t vocab, int32_t **out);
/* Whether prefill jobs of `chunk` tokens fit the model's program; CLI_OK or CLI_USAGE with a message. */
int cli_check_chunk(struct cli_target *t, uint32_t chunk);
/* Tokens of a text, malloc'ed; flags of enum accel_text. enum cli_exit; `what` names the text. */
int cli_tokenize(struct cli_target *t, const char *what, const char *text, size_t len,
		 uint32_t flags, int32_t **ids, size_t *n);
/* A whole file, terminated; NULL with a message. */
char *cli_read_file(const struct cli_target *t, const char *path, size_t *n);

/* Whether the two name one regular file: as an output it would destroy the other. NULLs do not. */
bool cli_same_file(const char *a, const char *b);

/* SIGINT and SIGTERM: cancels the session or batch that is set, once; the second one kills. What is
 * set after the first one is cancelled at once. */
void cli_catch_interrupt(struct accel_session *s, struct accel_batch *b);
bool cli_interrupted(void);

double cli_now(void); /* seconds */
/* Progress on stderr, if that is a terminal: "label 12/40"; total 0 clears the line. */
void cli_progress(const char *label, size_t done, size_t total);
/* At the end of a tool that would return `code`: CLI_FAILURE instead of CLI_OK if output was lost. */
int cli_flush(struct cli_target *t, int code);
/* Prints with a newline and frees. */
void cli_print_json(json_t *j);
/* The model's name, whatever bytes it has. */
json_t *cli_model_name(struct accel_model *m);
/* By name; what depends on time is null where cycles are not the chip's. */
json_t *cli_counters_json(struct accel_device *dev, const uint64_t *counters);
/* A number, or null where it is not known (NaN). */
json_t *cli_number_json(double v);
/* The same as text: "-" where it is not known. */
const char *cli_number(char *buf, size_t n, int digits, double v);
uint64_t cli_get(struct accel_device *dev, enum accel_param p);
uint64_t cli_model(struct accel_model *m, enum accel_model_param p);

#endif
