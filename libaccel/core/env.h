/* SPDX-License-Identifier: MIT */
/*
 * What a device hands to everything below it: allocator, log sink, debug switches and the record
 * of the first error. Any thread.
 *
 * Internal functions return enum accel_error values; a function that fails has called env_fail()
 * with a sentence if it knew more than the code says.
 */
#ifndef ACCEL_ENV_H
#define ACCEL_ENV_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "accel/accel.h"

#define ENV_DETAIL_BYTES 512

#define ENV_DEBUG_SUBMIT (1u << 0)
#define ENV_DEBUG_BO	 (1u << 1)
#define ENV_DEBUG_DUMP	 (1u << 2)
#define ENV_DEBUG_IOCTL	 (1u << 3)

struct accel_env {
	struct accel_allocator alloc;
	accel_log_fn log;
	void *log_ctx;
	uint32_t debug;
	char *dump_dir;
	uint64_t dump_serial;
	pthread_mutex_t lock; /* of the members below */
	int error;
	uint64_t records; /* made so far */
	char detail[ENV_DETAIL_BYTES];
};

/* Reads ACCEL_DEBUG and ACCEL_DEBUG_DIR. 0, ACCEL_EARG (allocator without functions). */
int env_init(struct accel_env *env, const struct accel_allocator *alloc, accel_log_fn log,
	     void *log_ctx);
void env_fini(struct accel_env *env);

/* bytes may be zero. Arrays: n * size is checked. NULL when out of memory, which is recorded. */
void *env_alloc(struct accel_env *env, size_t bytes);
void *env_zalloc(struct accel_env *env, size_t n, size_t size);
void *env_realloc(struct accel_env *env, void *p, size_t n, size_t size);
void env_free(struct accel_env *env, void *p);
char *env_strdup(struct accel_env *env, const char *s);

/* Records the first error and logs it; returns `error`. */
int env_fail(struct accel_env *env, int error, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same for an errno (positive or negative). */
int env_fail_errno(struct accel_env *env, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int env_take_error(struct accel_env *env, char *buf, size_t n);
/* For what turns out to be no error: drops the record if it was made after the mark. */
uint64_t env_mark(struct accel_env *env);
void env_forget(struct accel_env *env, uint64_t mark);

void env_log(struct accel_env *env, enum accel_log_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Debug output: to the log, or to stderr when there is no sink, since the user asked for it. */
void env_debug(struct accel_env *env, uint32_t what, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* ACCEL_DEBUG=dump: writes DIR/accel-NNNNNN-<what>; failures are logged only. */
void env_dump(struct accel_env *env, uint64_t serial, const char *what, const void *data,
	      size_t bytes);
uint64_t env_dump_serial(struct accel_env *env);

/* enum accel_error for a negative errno. */
int env_errno(int err);

/*
 * Copies an option struct: the smaller of its size and `known` bytes, the rest of dst is zero.
 * src NULL: all zero. ACCEL_ESIZE: size below sizeof(size_t) or non-zero bytes beyond `known`.
 */
int env_options(struct accel_env *env, void *dst, size_t known, const void *src, const char *name);

#endif
