// SPDX-License-Identifier: MIT
/* accelc: GGUF models to .accel files, and what can be said about those. */
#include <argp.h>
#include <errno.h>
#include <libfdt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "accelc.h"
#include "compiler/compile.h"
#include "image.h"

const char *argp_program_version = "accelc " ACCEL_VERSION;
const char *const accelc_program_names[] = { "prefill", "decode" };

static const struct {
	const char *name, *title, *what;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "compile", "accelc compile", "compile a model to an .accel file", accelc_compile },
	{ "info", "accelc info", "describe an .accel file, a GGUF file or a folder", accelc_info },
	{ "disasm", "accelc disasm", "print a program as text", accelc_disasm },
	{ "as", "accelc as", "assemble text to commands", accelc_as },
	{ "verify", "accelc verify", "check sums, commands and their order", accelc_verify },
	{ "estimate", "accelc estimate", "estimate the cycles of a step", accelc_estimate },
	{ "report", "accelc report", "accuracy, ROM, SRAM and time of a model", accelc_report },
	{ "graph", "accelc graph", "print the model's graph for Graphviz", accelc_graph },
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void usage(FILE *f)
{
	size_t i;

	fprintf(f, "Usage: accelc COMMAND [OPTION...]\n\n");
	for (i = 0; i < N_COMMANDS; i++)
		fprintf(f, "  %-10s %s\n", commands[i].name, commands[i].what);
	fprintf(f, "\n`accelc COMMAND --help` lists a command's options.\n");
}

void accelc_error(const char *fmt, ...)
{
	va_list ap;

	fputs("accelc: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

int accelc_exit_code(int err)
{
	switch (-err) {
	case 0:
		return ACCELC_OK;
	case EDOM:
		return ACCELC_USAGE;
	case EINVAL:
	case ENOTSUP:
	case ERANGE:
	case EBADMSG:
	case EOVERFLOW:
	case E2BIG:
		return ACCELC_INPUT;
	default:
		return ACCELC_FAILURE;
	}
}

struct ig1_image *accelc_open(const char *path, int *code)
{
	char err[IG1_IMAGE_ERR] = "";
	struct ig1_image *img = NULL;
	int ret = ig1_image_open(path, &img, err);

	if (!ret)
		return img;
	accelc_error("%s: %s", path, err[0] ? err : strerror(-ret));
	*code = accelc_exit_code(ret);
	return NULL;
}

const struct ig1_config *accelc_image_chip(struct ig1_image *img)
{
	const void *fdt;
	const char *name;
	size_t bytes;
	int node, len;

	if (ig1_image_section(img, IG1_SEC_FDT, 0, &fdt, &bytes) || fdt_check_full(fdt, bytes))
		return NULL;
	node = fdt_path_offset(fdt, IG1_FDT_CHIP);
	name = node < 0 ? NULL : fdt_getprop(fdt, node, IG1_FDT_CHIP_CONFIG, &len);
	if (!name || len <= 0 || name[len - 1])
		return NULL;
	return compile_chip(name);
}

int accelc_program(const char *name)
{
	int i;

	for (i = 0; i < IG1_PROGS; i++) {
		if (!strcmp(name, accelc_program_names[i]))
			return i;
	}
	return -1;
}

/* A full disk is a failure, whatever was printed. */
static int flush(int code)
{
	errno = 0;
	if (!fflush(stdout) && !ferror(stdout))
		return code;
	accelc_error("standard output: %s", errno ? strerror(errno) : "write error");
	return code ? code : ACCELC_FAILURE;
}

int main(int argc, char **argv)
{
	size_t i;

	argp_err_exit_status = ACCELC_USAGE;
	if (argc < 2) {
		usage(stderr);
		return ACCELC_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-?") || !strcmp(argv[1], "help")) {
		usage(stdout);
		return ACCELC_OK;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		puts(argp_program_version);
		return ACCELC_OK;
	}
	for (i = 0; i < N_COMMANDS; i++) {
		if (!strcmp(argv[1], commands[i].name)) {
			argv[1] = (char *)commands[i].title;
			return flush(commands[i].run(argc - 1, argv + 1));
		}
	}
	accelc_error("unknown command \"%s\"", argv[1]);
	usage(stderr);
	return ACCELC_USAGE;
}
