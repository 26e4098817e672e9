/* SPDX-License-Identifier: MIT */
/*
 * The conformance suite: one set of tests for every back end.
 *
 *	ACCEL_TEST_BACKEND	back end, default ref; the option --backend goes before it. For
 *				drm, the chip must have the ROM that maketoy writes.
 *	ACCEL_TEST_MODEL	.accel file for the tests of sessions, default the toy model
 *	ACCEL_TEST_SLOW		1: opening a device takes long, try fewer cases that do
 */
#ifndef CONFORMANCE_H
#define CONFORMANCE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "accel/accel.h"
#include "prog.h"
#include "toy.h"

extern const char *test_backend;
extern int test_slow;
extern int test_simulated;	 /* the chip is made from the file; else its ROM is the toy model */
extern char test_dir[256];	 /* for files, removed at the end */
extern char test_model[512];	 /* the model of the session tests */
extern char test_toy[512];	 /* the toy model, for tests of jobs */
extern char test_recurrent[512]; /* the same ROM with programs that keep a state */

/* Longer than any test, for jobs that are to be cancelled. */
#define LONG_WATCHDOG (UINT64_C(1) << 60)

/* Fails the test with the device's detail. */
#define OK(dev, expr)                                                \
	do {                                                         \
		int err_ = (expr);                                   \
		if (err_) {                                          \
			char text_[512];                             \
			accel_last_error(dev, text_, sizeof(text_)); \
			fail_msg("%s: %d, %s", #expr, err_, text_);  \
		}                                                    \
	} while (0)

/* Expects an error code and a detail; forgets the detail. */
#define FAILS(dev, code, expr)                                               \
	do {                                                                 \
		char text_[512];                                             \
		int err_;                                                    \
		accel_last_error(dev, NULL, 0);                              \
		err_ = (expr);                                               \
		if (err_ != (code))                                          \
			fail_msg("%s: %d, expected %s", #expr, err_, #code); \
		err_ = accel_last_error(dev, text_, sizeof(text_));          \
		if (err_ != (code) || !text_[0])                             \
			fail_msg("%s: detail %d '%s'", #expr, err_, text_);  \
	} while (0)

/* A device with the toy model as its mask, a space and a queue. */
struct rig {
	struct accel_device *dev;
	struct accel_space *space;
	struct accel_queue *queue;
};

struct accel_device *open_device(const char *mask);
void rig_open(struct rig *r);
void rig_close(struct rig *r);

/* A mapped host buffer. */
struct area {
	struct accel_buffer *buf;
	uint64_t va;
	uint8_t *p;
	uint64_t bytes;
};

void area_open(struct rig *r, struct area *a, uint64_t bytes, uint32_t buffer_flags,
	       uint32_t map_flags);
void area_close(struct rig *r, struct area *a);

/* Puts the program into a new area and submits it. */
struct accel_fence *submit(struct rig *r, struct accel_queue *q, const struct prog *p,
			   const uint64_t *args, uint32_t nargs, struct area *code,
			   const struct area *emit);
/* The same, waits, and gives the job's status. */
int run_prog(struct rig *r, const struct prog *p, const uint64_t *args, uint32_t nargs,
	     struct accel_fault *fault);

/* A device and model for sessions. */
struct bench {
	struct accel_device *dev;
	struct accel_model *m;
	uint32_t vocab, context, max_cols;
};

void bench_open(struct bench *b, const char *path);
void bench_close(struct bench *b);
struct accel_session *session_open(struct bench *b, uint32_t chunk);
/* Token i of a fixed sequence. */
int32_t token_at(const struct bench *b, uint32_t seed, uint32_t i);
void fill_tokens(const struct bench *b, uint32_t seed, int32_t *v, size_t n);
/* n x vocab values; free with free(). */
float *logits_alloc(const struct bench *b, size_t n);
/* Logits of all tokens. */
void append_all(struct bench *b, struct accel_session *s, const int32_t *v, size_t n, float *out);
/* Reports the first row and column that differ. */
void assert_logits(const struct bench *b, const float *a, const float *x, size_t rows,
		   const char *what);

/* Lists for every back end, and those that need one that computes: not null. */
#define TEST_LISTS(X) X(objects) X(jobs) X(sessions) X(models) X(arguments) X(memory)
#define RESULT_LISTS(X)   \
	X(jobs_results)   \
	X(faults_results) \
	X(sessions_results) X(decode_results) X(sessions_recurrent) X(decode_recurrent)
#define DECLARE_LIST(name)                             \
	extern const struct CMUnitTest tests_##name[]; \
	extern const size_t n_tests_##name;
TEST_LISTS(DECLARE_LIST)
RESULT_LISTS(DECLARE_LIST)
DECLARE_LIST(null)	/* for the null back end alone */
DECLARE_LIST(simulated) /* for chips made from a file */

/* A test of sessions once more, with the recurrent model. */
int use_recurrent(void **state);
int use_default(void **state);
#define RECURRENT_TEST(f)                                            \
	{                                                            \
		"recurrent_" #f, f, use_recurrent, use_default, NULL \
	}

#define TEST_LIST(name, ...)                                      \
	const struct CMUnitTest tests_##name[] = { __VA_ARGS__ }; \
	const size_t n_tests_##name = sizeof(tests_##name) / sizeof(tests_##name[0])

#endif
