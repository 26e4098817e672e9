// SPDX-License-Identifier: MIT
/* sysfs and fdinfo. */
#include "smi_sysfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DRIVER	    "intaglio"
#define FILE_BYTES  8192
#define MAX_NODES   256
#define MAX_CLIENTS 65536

void smi_printable(char out[SMI_TEXT], const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n && i < SMI_TEXT - 1 && p[i] && p[i] != '\n'; i++)
		out[i] = p[i] >= ' ' && p[i] <= '~' ? p[i] : '?';
	out[i] = 0;
}

/* A decimal number at p, before end; NULL: none, or more than an int64_t. */
static const char *number(const char *p, const char *end, uint64_t *v)
{
	const char *begin = p;

	*v = 0;
	for (; p < end && *p >= '0' && *p <= '9'; p++) {
		if (__builtin_mul_overflow(*v, 10, v) ||
		    __builtin_add_overflow(*v, (uint64_t)(*p - '0'), v))
			return NULL;
	}
	return p == begin || *v > INT64_MAX ? NULL : p;
}

static bool is(const char *p, const char *end, const char *word)
{
	return (size_t)(end - p) == strlen(word) && !memcmp(p, word, (size_t)(end - p));
}

/* The value of a fdinfo line: a number, and "KiB" or "MiB" for memory. */
static bool amount(const char *p, const char *end, uint64_t *v)
{
	uint64_t unit = 1;

	p = number(p, end, v);
	if (!p)
		return false;
	while (p < end && *p == ' ')
		p++;
	if (is(p, end, "KiB"))
		unit = 1024;
	else if (is(p, end, "MiB"))
		unit = 1024 * 1024;
	else if (p != end && !is(p, end, "ns") && !is(p, end, "Hz"))
		return false;
	return !__builtin_mul_overflow(*v, unit, v) && *v <= INT64_MAX;
}

static void sum(uint64_t *to, uint64_t v)
{
	if (__builtin_add_overflow(*to, v, to) || *to > INT64_MAX)
		*to = INT64_MAX; /* JSON has no more */
}

static bool starts(const char *p, const char *end, const char *word)
{
	return (size_t)(end - p) >= strlen(word) && !memcmp(p, word, strlen(word));
}

static void line(const char *key, const char *colon, const char *p, const char *end,
		 struct smi_client *c, bool *ours)
{
	uint64_t v;

	if (is(key, colon, "drm-driver")) {
		*ours = is(p, end, DRIVER);
		return;
	}
	if (is(key, colon, "drm-pdev")) {
		smi_printable(c->pci, p, (size_t)(end - p));
		return;
	}
	if (!amount(p, end, &v))
		return;
	if (is(key, colon, "drm-client-id"))
		c->id = v;
	else if (is(key, colon, "intaglio-jobs"))
		c->jobs = v;
	else if (is(key, colon, "intaglio-jobs-faulted"))
		c->faulted = v;
	else if (starts(key, colon, "drm-engine-") && !starts(key, colon, "drm-engine-capacity-"))
		sum(&c->busy_ns, v);
	else if (starts(key, colon, "drm-cycles-"))
		sum(&c->cycles, v);
	else if (starts(key, colon, "drm-total-") && !starts(key, colon, "drm-total-cycles-"))
		sum(&c->total_bytes, v);
	else if (starts(key, colon, "drm-resident-"))
		sum(&c->resident_bytes, v);
	else if (starts(key, colon, "drm-shared-"))
		sum(&c->shared_bytes, v);
}

bool smi_fdinfo(const char *text, size_t n, struct smi_client *c)
{
	const char *end = text + n, *eol, *colon, *p;
	bool ours = false;

	for (p = text; p < end; p = eol + (eol < end)) {
		eol = memchr(p, '\n', (size_t)(end - p));
		if (!eol)
			eol = end;
		colon = memchr(p, ':', (size_t)(eol - p));
		if (!colon)
			continue;
		text = colon + 1;
		while (text < eol && (*text == ' ' || *text == '\t'))
			text++;
		line(p, colon, text, eol, c, &ours);
	}
	return ours;
}

static void set(struct smi_node *node, enum smi_telemetry what, int64_t v)
{
	node->value[what] = v;
	node->known |= 1u << what;
}

void smi_telemetry(const char *text, size_t n, struct smi_node *node)
{
	const char *end = text + n, *eol, *space, *p;
	uint64_t v;

	for (p = text; p < end; p = eol + (eol < end)) {
		eol = memchr(p, '\n', (size_t)(end - p));
		if (!eol)
			eol = end;
		space = memchr(p, ' ', (size_t)(eol - p));
		if (!space || number(space + 1, eol, &v) != eol || v > INT32_MAX)
			continue;
		if (is(p, space, "clock_mhz"))
			set(node, SMI_CLOCK_HZ, (int64_t)v * 1000000);
		else if (is(p, space, "power_mw"))
			set(node, SMI_POWER_MW, (int64_t)v);
		else if (is(p, space, "temp_mc"))
			set(node, SMI_TEMP_MC, (int64_t)v);
		else if (is(p, space, "load_permille") && v <= 1000)
			set(node, SMI_LOAD_PERMILLE, (int64_t)v);
	}
}

/* --- files ------------------------------------------------------------------------------------------ */

/* At most FILE_BYTES of a file; the number of bytes, 0 if it cannot be read. */
static size_t slurp(int dir, const char *path, char *buf)
{
	size_t n = 0;
	ssize_t got;
	int fd;

	fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return 0;
	while (n < FILE_BYTES) {
		got = read(fd, buf + n, FILE_BYTES - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	close(fd);
	return n;
}

static DIR *open_dir(int at, const char *path)
{
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d;

	if (fd < 0)
		return NULL;
	d = fdopendir(fd);
	if (!d)
		close(fd);
	return d;
}

/* The last part of what a link points to. */
static bool link_name(int dir, const char *path, char out[SMI_TEXT])
{
	char target[4096];
	ssize_t n = readlinkat(dir, path, target, sizeof(target) - 1);
	const char *slash;

	if (n <= 0)
		return false;
	target[n] = 0;
	slash = strrchr(target, '/');
	slash = slash ? slash + 1 : target;
	smi_printable(out, slash, strlen(slash));
	return out[0];
}

static void attribute(int dir, const char *name, char out[SMI_TEXT])
{
	char buf[FILE_BYTES];

	smi_printable(out, buf, slurp(dir, name, buf));
}

/* The hwmon sensors say the same as attribute telemetry, where that is missing. */
static void read_hwmon(int dir, struct smi_node *node)
{
	DIR *d = open_dir(dir, "device/hwmon");
	char path[512], buf[FILE_BYTES];
	struct dirent *e;
	const char *p;
	uint64_t v;
	size_t n;

	while (d && (e = readdir(d))) {
		if (strncmp(e->d_name, "hwmon", 5))
			continue;
		snprintf(path, sizeof(path), "%s/temp1_input", e->d_name);
		n = slurp(dirfd(d), path, buf);
		p = number(buf, buf + n, &v);
		if (p && v <= INT32_MAX && !(node->known & 1u << SMI_TEMP_MC))
			set(node, SMI_TEMP_MC, (int64_t)v);
		snprintf(path, sizeof(path), "%s/power1_input", e->d_name);
		n = slurp(dirfd(d), path, buf);
		p = number(buf, buf + n, &v);
		if (p && v / 1000 <= INT32_MAX && !(node->known & 1u << SMI_POWER_MW))
			set(node, SMI_POWER_MW, (int64_t)(v / 1000));
	}
	if (d)
		closedir(d);
}

/* False: not a device of our driver. */
static bool read_node(int dir, struct smi_node *node)
{
	char driver[SMI_TEXT], buf[FILE_BYTES];

	if (!link_name(dir, "device/driver", driver) || strcmp(driver, DRIVER))
		return false;
	link_name(dir, "device", node->pci);
	attribute(dir, "device/mask_id", node->mask_id);
	attribute(dir, "device/fw_version", node->firmware);
	attribute(dir, "device/model", node->model);
	attribute(dir, "device/model_arch", node->arch);
	smi_telemetry(buf, slurp(dir, "device/telemetry", buf), node);
	read_hwmon(dir, node);
	return true;
}

static int by_number(const void *a, const void *b)
{
	const struct smi_node *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static bool all_digits(const char *p, uint64_t max, uint64_t *v)
{
	const char *end = p + strlen(p);

	return number(p, end, v) == end && *v <= max;
}

int smi_nodes(const char *root, struct smi_node **out, size_t *n)
{
	struct smi_node *v = calloc(MAX_NODES, sizeof(*v));
	struct dirent *e;
	char path[4096];
	uint64_t x;
	DIR *d;
	int fd;

	*n = 0;
	*out = v;
	if (!v)
		return -ENOMEM;
	snprintf(path, sizeof(path), "%s/sys/class/accel", root);
	d = open_dir(AT_FDCWD, path);
	while (d && *n < MAX_NODES && (e = readdir(d))) {
		if (strncmp(e->d_name, "accel", 5) || !all_digits(e->d_name + 5, UINT32_MAX, &x))
			continue;
		fd = openat(dirfd(d), e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			continue;
		memset(&v[*n], 0, sizeof(*v));
		v[*n].number = (uint32_t)x;
		*n += read_node(fd, &v[*n]);
		close(fd);
	}
	if (d)
		closedir(d);
	qsort(v, *n, sizeof(*v), by_number);
	return 0;
}

/* --- clients ---------------------------------------------------------------------------------------- */

struct clients {
	struct smi_client *v;
	size_t n, room;
	int err;
};

static void add(struct clients *l, const struct smi_client *c)
{
	struct smi_client *grown;
	size_t i;

	for (i = 0; i < l->n; i++) {
		if (l->v[i].id == c->id && !strcmp(l->v[i].pci, c->pci))
			return;
	}
	if (l->n == MAX_CLIENTS)
		return;
	if (l->n == l->room) {
		grown = realloc(l->v, (l->room * 2 + 16) * sizeof(*grown));
		if (!grown) {
			l->err = -ENOMEM;
			return;
		}
		l->v = grown;
		l->room = l->room * 2 + 16;
	}
	l->v[l->n++] = *c;
}

static void process(int proc, uint32_t pid, struct clients *l)
{
	char path[64], buf[FILE_BYTES], comm[SMI_TEXT] = "";
	struct smi_client c;
	struct dirent *e;
	uint64_t fd;
	DIR *d;

	snprintf(path, sizeof(path), "%u/fdinfo", pid);
	d = open_dir(proc, path);
	while (d && (e = readdir(d))) {
		if (!all_digits(e->d_name, UINT32_MAX, &fd))
			continue;
		memset(&c, 0, sizeof(c));
		if (!smi_fdinfo(buf, slurp(dirfd(d), e->d_name, buf), &c))
			continue;
		if (!comm[0]) {
			snprintf(path, sizeof(path), "%u/comm", pid);
			attribute(proc, path, comm);
		}
		c.pid = pid;
		memcpy(c.name, comm, sizeof(c.name));
		add(l, &c);
	}
	if (d)
		closedir(d);
}

static int by_pid(const void *a, const void *b)
{
	const struct smi_client *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

int smi_clients(const char *root, struct smi_client **out, size_t *n)
{
	struct clients l = { 0 };
	struct dirent *e;
	char path[4096];
	uint64_t pid;
	DIR *d;

	snprintf(path, sizeof(path), "%s/proc", root);
	d = open_dir(AT_FDCWD, path);
	while (d && (e = readdir(d))) {
		if (all_digits(e->d_name, UINT32_MAX, &pid))
			process(dirfd(d), (uint32_t)pid, &l);
	}
	if (d)
		closedir(d);
	if (l.err) {
		free(l.v);
		return l.err;
	}
	if (l.n)
		qsort(l.v, l.n, sizeof(*l.v), by_pid);
	*out = l.v;
	*n = l.n;
	return 0;
}
