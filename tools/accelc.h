/* SPDX-License-Identifier: MIT */
/* Sub-commands of accelc. Each parses its own arguments (argv[0] is "accelc NAME") and returns an exit code. */
#ifndef ACCELC_H
#define ACCELC_H

#include <argp.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "compiler/frontends/source.h"

enum accelc_exit {
	ACCELC_OK = 0,
	ACCELC_FAILURE = 1,
	ACCELC_USAGE = 2,
	ACCELC_INPUT = 5, /* damaged, or nothing that can be compiled */
};

int accelc_compile(int argc, char **argv);
int accelc_report(int argc, char **argv);
int accelc_info(int argc, char **argv);
int accelc_disasm(int argc, char **argv);
int accelc_as(int argc, char **argv);
int accelc_verify(int argc, char **argv);
int accelc_estimate(int argc, char **argv);
int accelc_graph(int argc, char **argv);

/* "accelc: ..." and a newline to stderr */
void accelc_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Exit code for a negative errno of the compiler or the image reader. */
int accelc_exit_code(int err);

/* accelc_source.c: a GGUF file by its first bytes, or a folder. */
bool accelc_is_source(const char *path);
int accelc_source_info(const char *path, bool json);
/* A line for each kind of tensors that are left out; members of j. */
void accelc_left_out(FILE *f, const struct source_left_out *kinds, size_t n);
void accelc_left_out_json(json_t *j, const struct source_left_out *kinds, size_t n);

/*
 * accelc_compile.c: which model, and how it is to be compiled; argp's child of commands that compile. Its
 * input is a struct compile_options.
 */
extern const struct argp accelc_model_argp;
/* Whether the two name one file: as an output it would destroy the other. */
bool accelc_same_file(const char *a, const char *b);

/* accelc_program.c: an option's number from min to 2^24; otherwise argp's usage error. */
uint32_t accelc_number(struct argp_state *state, const char *name, const char *arg, uint32_t min);
/* a whole file, malloc'ed; - is standard input. 0 or a negative errno. */
int accelc_read_file(const char *path, char **text, size_t *len);

struct ig1_image;
/* Opens an .accel file, reporting what is wrong; NULL and *code set on failure. */
struct ig1_image *accelc_open(const char *path, int *code);
/* Chip configuration that an image was made for, by its device tree; NULL when it names none we know. */
const struct ig1_config *accelc_image_chip(struct ig1_image *img);
/* accelc_info.c: what info --json says of an image. */
json_t *accelc_image_json(struct ig1_image *img);
/* "prefill" or "decode" to IG1_PROG_*, or -1. */
int accelc_program(const char *name);
extern const char *const accelc_program_names[];

#endif
