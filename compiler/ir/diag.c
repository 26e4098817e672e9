// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "compiler/ir/diag.h"

int diag_set(struct diag *d, int err, const char *fmt, ...)
{
	va_list ap;

	if (d->err)
		return d->err;
	d->err = err;
	va_start(ap, fmt);
	vsnprintf(d->msg, sizeof(d->msg), fmt, ap);
	va_end(ap);
	return err;
}

int diag_nomem(struct diag *d)
{
	return diag_set(d, -ENOMEM, "out of memory");
}
