// SPDX-License-Identifier: MIT
/* Enumeration of accel nodes, which libdrm does not know. */
#include "drm_sys.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* "accel" and a number without sign, leading zero or anything behind it. */
static int node_number(const char *name, uint32_t *n)
{
	unsigned long long v = 0;
	const char *p;

	if (strncmp(name, "accel", 5))
		return 0;
	for (p = name + 5; *p >= '0' && *p <= '9' && v <= UINT32_MAX; p++)
		v = 10 * v + (unsigned long long)(*p - '0');
	if (p == name + 5 || *p || v > UINT32_MAX || (name[5] == '0' && name[6]))
		return 0;
	*n = (uint32_t)v;
	return 1;
}

static int ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

int drm_sys_scan(const char *folder, uint32_t *n, int max)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	int count = 0;

	if (!d)
		return errno == ENOENT ? 0 : -errno;
	while (count < max && (e = readdir(d)))
		count += node_number(e->d_name, &n[count]);
	closedir(d);
	qsort(n, (size_t)count, sizeof(*n), ascending);
	return count;
}
