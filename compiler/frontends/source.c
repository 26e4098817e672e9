// SPDX-License-Identifier: MIT
#include "compiler/frontends/source.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "compiler/frontends/gguf_internal.h"

int source_open(const char *path, struct gguf_file **out, struct gguf_error *err)
{
	return gguf_open_file(path, out, err);
}
