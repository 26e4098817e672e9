// SPDX-License-Identifier: MIT
/* Allocator, log, debug switches and error record of a device. */
#include "env.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *default_alloc(void *ctx, size_t bytes)
{
	(void)ctx;
	return malloc(bytes);
}

static void *default_realloc(void *ctx, void *p, size_t bytes)
{
	(void)ctx;
	return realloc(p, bytes);
}

static void default_free(void *ctx, void *p)
{
	(void)ctx;
	free(p);
}

static uint32_t debug_flags(const char *s)
{
	static const struct {
		const char *name;
		uint32_t flag;
	} names[] = {
		{ "submit", ENV_DEBUG_SUBMIT },
		{ "bo", ENV_DEBUG_BO },
		{ "dump", ENV_DEBUG_DUMP },
		{ "ioctl", ENV_DEBUG_IOCTL },
	};
	uint32_t flags = 0;
	size_t i, n;

	while (s && *s) {
		n = strcspn(s, ",");
		for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			if (strlen(names[i].name) == n && !strncmp(s, names[i].name, n))
				flags |= names[i].flag;
		}
		s += n;
		s += *s == ',';
	}
	return flags;
}

int env_init(struct accel_env *env, const struct accel_allocator *alloc, accel_log_fn log,
	     void *log_ctx)
{
	static const struct accel_allocator fallback = {
		.alloc = default_alloc,
		.realloc = default_realloc,
		.free = default_free,
	};
	const char *dir = getenv("ACCEL_DEBUG_DIR");

	memset(env, 0, sizeof(*env));
	env->alloc = alloc ? *alloc : fallback;
	if (!env->alloc.alloc || !env->alloc.realloc || !env->alloc.free)
		return ACCEL_EARG;
	env->log = log;
	env->log_ctx = log_ctx;
	env->debug = debug_flags(getenv("ACCEL_DEBUG"));
	if (pthread_mutex_init(&env->lock, NULL))
		return ACCEL_ENOMEM;
	env->dump_dir = env_strdup(env, dir && *dir ? dir : ".");
	if (!env->dump_dir) {
		pthread_mutex_destroy(&env->lock);
		return ACCEL_ENOMEM;
	}
	return 0;
}

void env_fini(struct accel_env *env)
{
	env_free(env, env->dump_dir);
	pthread_mutex_destroy(&env->lock);
}

void *env_alloc(struct accel_env *env, size_t bytes)
{
	void *p = env->alloc.alloc(env->alloc.ctx, bytes ? bytes : 1);

	if (!p)
		env_fail(env, ACCEL_ENOMEM, "out of memory for %zu bytes", bytes);
	return p;
}

void *env_zalloc(struct accel_env *env, size_t n, size_t size)
{
	size_t bytes;
	void *p;

	if (__builtin_mul_overflow(n, size, &bytes))
		bytes = SIZE_MAX;
	p = env_alloc(env, bytes);
	if (p)
		memset(p, 0, bytes);
	return p;
}

void *env_realloc(struct accel_env *env, void *p, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		bytes = SIZE_MAX;
	p = env->alloc.realloc(env->alloc.ctx, p, bytes ? bytes : 1);
	if (!p)
		env_fail(env, ACCEL_ENOMEM, "out of memory for %zu bytes", bytes);
	return p;
}

void env_free(struct accel_env *env, void *p)
{
	if (p)
		env->alloc.free(env->alloc.ctx, p);
}

char *env_strdup(struct accel_env *env, const char *s)
{
	size_t n = strlen(s) + 1;
	char *p = env_alloc(env, n);

	return p ? memcpy(p, s, n) : NULL;
}

static void record(struct accel_env *env, int error, const char *text)
{
	pthread_mutex_lock(&env->lock);
	if (!env->error) {
		env->error = error;
		env->records++;
		snprintf(env->detail, sizeof(env->detail), "%s", text);
	}
	pthread_mutex_unlock(&env->lock);
	if (env->log)
		env->log(env->log_ctx, ACCEL_LOG_ERROR, text);
}

int env_fail(struct accel_env *env, int error, const char *fmt, ...)
{
	char text[ENV_DETAIL_BYTES];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	record(env, error, text);
	return error;
}

int env_fail_errno(struct accel_env *env, int err, const char *fmt, ...)
{
	char text[ENV_DETAIL_BYTES], all[ENV_DETAIL_BYTES + 64], why[64];
	int error = env_errno(err);
	const char *w;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	w = strerror_r(err < 0 ? -err : err, why, sizeof(why));
	snprintf(all, sizeof(all), "%s: %s", text, w);
	record(env, error, all);
	return error;
}

int env_take_error(struct accel_env *env, char *buf, size_t n)
{
	int error;

	pthread_mutex_lock(&env->lock);
	error = env->error;
	if (n)
		snprintf(buf, n, "%s", error ? env->detail : "");
	env->error = 0;
	env->detail[0] = 0;
	pthread_mutex_unlock(&env->lock);
	return error;
}

uint64_t env_mark(struct accel_env *env)
{
	uint64_t mark;

	pthread_mutex_lock(&env->lock);
	mark = env->records;
	pthread_mutex_unlock(&env->lock);
	return mark;
}

void env_forget(struct accel_env *env, uint64_t mark)
{
	pthread_mutex_lock(&env->lock);
	if (env->records != mark) {
		env->error = 0;
		env->detail[0] = 0;
	}
	pthread_mutex_unlock(&env->lock);
}

void env_log(struct accel_env *env, enum accel_log_level level, const char *fmt, ...)
{
	char text[ENV_DETAIL_BYTES];
	va_list ap;

	if (!env->log)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	env->log(env->log_ctx, level, text);
}

void env_debug(struct accel_env *env, uint32_t what, const char *fmt, ...)
{
	char text[ENV_DETAIL_BYTES];
	va_list ap;

	if (!(env->debug & what))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (env->log)
		env->log(env->log_ctx, ACCEL_LOG_DEBUG, text);
	else
		fprintf(stderr, "accel: %s\n", text);
}

uint64_t env_dump_serial(struct accel_env *env)
{
	return __atomic_add_fetch(&env->dump_serial, 1, __ATOMIC_RELAXED);
}

void env_dump(struct accel_env *env, uint64_t serial, const char *what, const void *data,
	      size_t bytes)
{
	char path[4096];
	FILE *f;
	int n;

	n = snprintf(path, sizeof(path), "%s/accel-%06" PRIu64 "-%s", env->dump_dir, serial, what);
	if (n < 0 || (size_t)n >= sizeof(path))
		return;
	f = fopen(path, "wb");
	if (!f || fwrite(data, 1, bytes, f) != bytes)
		env_log(env, ACCEL_LOG_WARNING, "cannot write %s", path);
	if (f)
		fclose(f);
}

int env_errno(int err)
{
	switch (err < 0 ? -err : err) {
	case 0:
		return 0;
	case ENOMEM:
		return ACCEL_ENOMEM;
	case EINVAL:
	case E2BIG:
	case ERANGE:
		return ACCEL_EARG;
	case ENOSPC:
		return ACCEL_ENOSPACE;
	case ENODEV:
	case ENXIO:
	case EACCES:
		return ACCEL_ENODEV;
	case ENOTSUP:
	case ENOSYS:
		return ACCEL_ENOTSUP;
	case ETIMEDOUT:
		return ACCEL_ETIMEOUT;
	case ECANCELED:
		return ACCEL_ECANCELED;
	case EDOM:
		return ACCEL_EDOMAIN;
	default:
		return ACCEL_EIO;
	}
}

int env_options(struct accel_env *env, void *dst, size_t known, const void *src, const char *name)
{
	const uint8_t *bytes = src;
	size_t size, i;

	memset(dst, 0, known);
	if (!src)
		return 0;
	memcpy(&size, src, sizeof(size));
	if (size < sizeof(size))
		return env_fail(env, ACCEL_ESIZE, "%s.size is %zu", name, size);
	for (i = known; i < size; i++) {
		if (bytes[i])
			return env_fail(env, ACCEL_ESIZE,
					"%s: byte %zu is set, this library knows %zu", name, i,
					known);
	}
	memcpy(dst, src, size < known ? size : known);
	return 0;
}
