/* SPDX-License-Identifier: MIT */
/*
 * The first error of a compilation, with a message that names the field, tensor or number at fault.
 * Functions of the compiler return the negative errno they report here; later reports do not
 * overwrite the first. A compilation is single-threaded.
 */
#ifndef IG1_COMPILER_IR_DIAG_H
#define IG1_COMPILER_IR_DIAG_H

#define DIAG_MSG_BYTES 1024

struct diag {
	int err; /* 0 or a negative errno */
	char msg[DIAG_MSG_BYTES];
};

/* Records err (negative) and the message unless an error is already there; returns d->err. */
int diag_set(struct diag *d, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* diag_set(d, -ENOMEM, "out of memory") */
int diag_nomem(struct diag *d);

#endif
