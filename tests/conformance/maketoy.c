// SPDX-License-Identifier: MIT
/* Writes the toy model to a file: maketoy FILE [SEED [change|endless|recurrent|window|TOKEN]]. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "toy.h"

int main(int argc, char **argv)
{
	struct toy_options o = { .seed = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 0) : 1 };
	int err;

	if (argc < 2) {
		fprintf(stderr,
			"usage: maketoy FILE [SEED [change|endless|recurrent|window|TOKEN]]\n"
			"TOKEN: where both programs stall\n");
		return 2;
	}
	o.change_row = argc > 3 && !strcmp(argv[3], "change") ? 7 : 0;
	o.stall = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 0) : 0;
	o.endless = argc > 3 && !strcmp(argv[3], "endless");
	o.window = argc > 3 && !strcmp(argv[3], "window") ? 8 : 0;
	o.recurrent = argc > 3 && !strcmp(argv[3], "recurrent");
	err = toy_write(argv[1], &o);
	if (err)
		fprintf(stderr, "maketoy: %s: %s\n", argv[1], strerror(-err));
	return err ? 1 : 0;
}
