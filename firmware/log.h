/* SPDX-License-Identifier: MIT */
/* Log: a ring of the last LOG_RECORDS records, numbered from 1. */
#ifndef FW_LOG_H
#define FW_LOG_H

#include <stdint.h>

#define LOG_RECORDS 32u /* a power of two */

enum log_level {
	LOG_ERROR,
	LOG_WARNING,
	LOG_INFO,
};

/* fmt knows %u and %x, 32 bits each, at most two. Longer text is cut. */
void log_put(enum log_level level, const char *fmt, uint32_t a, uint32_t b);

/*
 * Writes records from number `first` on (or the oldest kept) to host memory, at most `space`.
 * Returns their number, or -1 when the host refused.
 */
int log_read(uint64_t bus, uint32_t space, uint32_t first);

/* For tests; at start memory is zero. */
void log_reset(void);

#endif
