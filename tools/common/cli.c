// SPDX-License-Identifier: MIT
/* Shared parts of the command-line tools. */
#include "cli.h"

#include <argp.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "json_text.h"

static volatile sig_atomic_t interrupted;
static struct accel_session *volatile active_session;
static struct accel_batch *volatile active_batch;

static const char *program;

static void print_version(FILE *f, struct argp_state *state)
{
	(void)state;
	fprintf(f, "%s " ACCEL_VERSION "\n", program);
}

void cli_init(const char *argv0, struct cli_target *t)
{
	const char *slash = strrchr(argv0, '/');

	memset(t, 0, sizeof(*t));
	t->program = slash ? slash + 1 : argv0;
	program = t->program;
	argp_program_version_hook = print_version;
	argp_err_exit_status = CLI_USAGE;
	signal(SIGPIPE, SIG_DFL);
}

bool cli_target_option(struct cli_target *t, int key, const char *arg)
{
	switch (key) {
	case CLI_KEY_BACKEND:
		t->backend = arg;
		return true;
	case CLI_KEY_MASK:
		t->mask = arg;
		return true;
	case CLI_KEY_FIRMWARE:
		t->firmware = arg;
		return true;
	case CLI_KEY_DEVICE:
		t->device = (uint32_t)cli_uint("device", arg, 0, UINT32_MAX);
		return true;
	}
	return false;
}

error_t cli_model_option(struct cli_target *t, int key, char *arg, struct argp_state *state)
{
	if (cli_target_option(t, key, arg))
		return 0;
	switch (key) {
	case CLI_KEY_JSON:
		t->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (t->model)
			argp_usage(state);
		t->model = arg;
		return 0;
	case ARGP_KEY_END:
		if (!t->model)
			argp_error(state, "no MODEL.accel");
		break;
	}
	return ARGP_ERR_UNKNOWN;
}

void cli_message(const struct cli_target *t, const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "%s: ", t->program);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

int cli_exit_code(int error)
{
	switch (error) {
	case 0:
		return CLI_OK;
	case ACCEL_ENODEV:
	case ACCEL_EBACKEND:
		return CLI_NO_DEVICE;
	case ACCEL_EMISMATCH:
		return CLI_MISMATCH;
	case ACCEL_EFORMAT:
	case ACCEL_EVERSION:
		return CLI_INPUT;
	default:
		return CLI_FAILURE;
	}
}

int cli_fail(struct cli_target *t, int error, const char *what)
{
	char text[512] = "";

	accel_last_error(t->dev, text, sizeof(text));
	cli_message(t, "%s: %s", what, text[0] ? text : accel_error_string(error));
	return cli_exit_code(error);
}

/* A build may lack some of these; any other name is a mistake. */
static bool is_backend(const char *name)
{
	static const char *const names[] = { "drm", "sim", "ref", "null" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(names[i], name))
			return true;
	}
	return false;
}

int cli_check_backend(const struct cli_target *t)
{
	const char *name = t->backend && *t->backend ? t->backend : getenv("ACCEL_BACKEND");

	if (!name || !*name || is_backend(name))
		return CLI_OK;
	cli_message(t, "back end '%.40s' is unknown; there are drm, sim, ref and null", name);
	return CLI_USAGE;
}

int cli_open_device(struct cli_target *t)
{
	char text[512] = "";
	struct accel_device_options o = {
		.size = sizeof(o),
		.backend = t->backend,
		.mask = t->mask,
		.firmware = t->firmware,
		.index = t->device,
		.error = text,
		.error_size = sizeof(text),
	};
	int err;

	err = cli_check_backend(t);
	if (err)
		return err;
	err = accel_device_open(&o, &t->dev);
	if (!err)
		return CLI_OK;
	cli_message(t, "%s", text[0] ? text : accel_error_string(err));
	if (err == ACCEL_ENOTSUP) /* no simulated chip of that configuration */
		return CLI_NO_DEVICE;
	/* A file that cannot be read is a bad input file here. */
	return err == ACCEL_EIO ? CLI_INPUT : cli_exit_code(err);
}

int cli_open(struct cli_target *t)
{
	const char *mask = t->mask;
	char text[512] = "";
	int err, code;

	/* Where nobody names a back end, a chip that has the model goes before others. */
	if (!mask && !t->backend && !getenv("ACCEL_BACKEND"))
		t->mask = t->model;
	code = cli_open_device(t);
	t->mask = mask;
	if (code)
		return code;
	err = accel_model_open(t->dev, t->model, NULL, &t->m);
	if (!err)
		return CLI_OK;
	accel_last_error(t->dev, text, sizeof(text));
	cli_message(t, "%s", text[0] ? text : accel_error_string(err));
	cli_close(t);
	if (err == ACCEL_ENOTSUP) /* no simulated chip of that configuration */
		return CLI_NO_DEVICE;
	return err == ACCEL_EIO ? CLI_INPUT : cli_exit_code(err);
}

void cli_close(struct cli_target *t)
{
	accel_model_unref(t->m);
	accel_device_unref(t->dev);
	t->m = NULL;
	t->dev = NULL;
}

__attribute__((noreturn, format(printf, 3, 4))) static void
bad_number(const char *name, const char *arg, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: %s%s: '%s' is not ", program, name[1] ? "--" : "-", name, arg);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(CLI_USAGE);
}

uint64_t cli_uint(const char *name, const char *arg, uint64_t lo, uint64_t hi)
{
	char *end;
	uint64_t v;

	errno = 0;
	v = strtoull(arg, &end, 0);
	if (errno || end == arg || *end || strchr(arg, '-') || v < lo || v > hi)
		bad_number(name, arg, "a whole number from %llu to %llu", (unsigned long long)lo,
			   (unsigned long long)hi);
	return v;
}

double cli_double(const char *name, const char *arg, double lo, double hi)
{
	char *end;
	double v;

	v = strtod(arg, &end);
	if (end == arg || *end || !(v >= lo && v <= hi))
		bad_number(name, arg, "a number from %g to %g", lo, hi);
	return v;
}

ssize_t cli_ids(const struct cli_target *t, const char *arg, uint64_t vocab, int32_t **out)
{
	const char *p = arg;
	size_t n = 0, cap = 0;
	int32_t *v = NULL, *grown;
	char *end;
	long x;

	while (*p) {
		errno = 0;
		x = strtol(p, &end, 10);
		if (end == p || errno || x < 0 || (uint64_t)x >= vocab) {
			cli_message(t, "--tokens: entry %zu is not an id below %llu", n + 1,
				    (unsigned long long)vocab);
			free(v);
			return -1;
		}
		if (n == cap) {
			cap = cap ? 2 * cap : 64;
			grown = realloc(v, cap * sizeof(*v));
			if (!grown) {
				cli_message(t, "out of memory");
				free(v);
				return -1;
			}
			v = grown;
		}
		v[n++] = (int32_t)x;
		p = end + strspn(end, " \t\n");
		if (*p == ',')
			p++;
		else if (*p) {
			cli_message(t, "--tokens: no comma after entry %zu", n);
			free(v);
			return -1;
		}
		p += strspn(p, " \t\n");
	}
	*out = v;
	return (ssize_t)n;
}

int cli_check_chunk(struct cli_target *t, uint32_t chunk)
{
	uint64_t max = cli_model(t->m, ACCEL_MODEL_MAX_COLS);

	if (chunk <= max)
		return CLI_OK;
	cli_message(t, "--chunk: the model takes %llu tokens at once", (unsigned long long)max);
	return CLI_USAGE;
}

int cli_tokenize(struct cli_target *t, const char *what, const char *text, size_t len,
		 uint32_t flags, int32_t **ids, size_t *n)
{
	int err;

	*ids = NULL;
	err = accel_model_tokenize(t->m, text, len, flags, NULL, 0, n);
	if (err && err != ACCEL_ENOSPACE)
		return cli_fail(t, err, what);
	*ids = malloc((*n ? *n : 1) * sizeof(**ids));
	if (!*ids) {
		cli_message(t, "out of memory");
		return CLI_FAILURE;
	}
	err = accel_model_tokenize(t->m, text, len, flags, *ids, *n, n);
	return err ? cli_fail(t, err, what) : CLI_OK;
}

/* The tokenizer takes no more. */
#define MAX_TEXT (256u << 20)

char *cli_read_file(const struct cli_target *t, const char *path, size_t *n)
{
	size_t cap = 65536, used = 0, got;
	char *buf = malloc(cap + 1), *grown;
	FILE *f = strcmp(path, "-") ? fopen(path, "rb") : stdin;

	if (!f || !buf)
		goto fail;
	while ((got = fread(buf + used, 1, cap - used, f)) > 0) {
		used += got;
		if (used < cap)
			continue;
		if (cap >= MAX_TEXT) {
			errno = EFBIG;
			goto fail;
		}
		grown = realloc(buf, 2 * cap + 1);
		if (!grown)
			goto fail;
		buf = grown;
		cap *= 2;
	}
	if (ferror(f))
		goto fail;
	if (f != stdin)
		fclose(f);
	buf[used] = 0;
	*n = used;
	return buf;
fail:
	cli_message(t, "%s: %s", path, strerror(errno));
	if (f && f != stdin)
		fclose(f);
	free(buf);
	return NULL;
}

bool cli_same_file(const char *a, const char *b)
{
	struct stat x, y;

	return a && b && !stat(a, &x) && !stat(b, &y) && S_ISREG(x.st_mode) &&
	       x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static void on_signal(int sig)
{
	if (interrupted) {
		signal(sig, SIG_DFL);
		raise(sig);
	}
	interrupted = 1;
	accel_session_cancel(active_session);
	accel_batch_cancel(active_batch);
}

void cli_catch_interrupt(struct accel_session *s, struct accel_batch *b)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	active_session = s;
	active_batch = b;
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	if (interrupted) {
		accel_session_cancel(s);
		accel_batch_cancel(b);
	}
}

bool cli_interrupted(void)
{
	return interrupted;
}

double cli_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void cli_progress(const char *label, size_t done, size_t total)
{
	if (!isatty(STDERR_FILENO))
		return;
	if (total)
		fprintf(stderr, "\r\033[K%s %zu/%zu", label, done, total);
	else
		fprintf(stderr, "\r\033[K");
	fflush(stderr);
}

int cli_flush(struct cli_target *t, int code)
{
	errno = 0;
	if (!fflush(stdout) && !ferror(stdout))
		return code;
	cli_message(t, "standard output: %s", errno ? strerror(errno) : "write error");
	return code ? code : CLI_FAILURE;
}

void cli_print_json(json_t *j)
{
	json_dumpf(j, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	putchar('\n');
	json_decref(j);
}

json_t *cli_counters_json(struct accel_device *dev, const uint64_t *counters)
{
	bool exact = cli_get(dev, ACCEL_PARAM_CYCLE_EXACT);
	json_t *j = json_object();
	const char *name;
	uint32_t i;
	int timed;

	for (i = 0; (name = accel_counter_name(i, &timed)); i++)
		json_object_set_new(j, name,
				    timed && !exact ? json_null()
						    : json_integer((json_int_t)counters[i]));
	return j;
}

json_t *cli_number_json(double v)
{
	return isfinite(v) ? json_real(v) : json_null();
}

const char *cli_number(char *buf, size_t n, int digits, double v)
{
	if (!isfinite(v))
		return "-";
	snprintf(buf, n, "%.*f", digits, v);
	return buf;
}

uint64_t cli_get(struct accel_device *dev, enum accel_param p)
{
	uint64_t v = 0;

	accel_device_get(dev, p, &v);
	return v;
}

uint64_t cli_model(struct accel_model *m, enum accel_model_param p)
{
	uint64_t v = 0;

	accel_model_get(m, p, &v);
	return v;
}

json_t *cli_model_name(struct accel_model *m)
{
	const char *name = accel_model_string(m, ACCEL_MODEL_NAME);

	return json_text(name ? name : "", SIZE_MAX);
}
