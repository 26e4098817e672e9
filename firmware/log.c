// SPDX-License-Identifier: MIT
/* Log ring. */
#include "log.h"

#include "copy.h"
#include "hw.h"

static struct ig1_fw_log ring[LOG_RECORDS];
static uint32_t last; /* number of the newest record */

void log_reset(void)
{
	last = 0;
}

static char *put_number(char *p, const char *end, uint32_t v, uint32_t base)
{
	char digits[10];
	int n = 0;

	do {
		digits[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	while (n && p < end)
		*p++ = digits[--n];
	return p;
}

void log_put(enum log_level level, const char *fmt, uint32_t a, uint32_t b)
{
	struct ig1_fw_log *rec = &ring[last % LOG_RECORDS];
	char *p = rec->text, *end = rec->text + sizeof(rec->text) - 1;

	rec->seq = ++last;
	rec->level = level;
	rec->cycle = hw_cycle();
	for (; *fmt && p < end; fmt++) {
		if (fmt[0] == '%' && (fmt[1] == 'u' || fmt[1] == 'x')) {
			fmt++;
			p = put_number(p, end, a, *fmt == 'u' ? 10 : 16);
			a = b;
		} else {
			*p++ = *fmt;
		}
	}
	while (p <= end)
		*p++ = 0;
}

int log_read(uint64_t bus, uint32_t space, uint32_t first)
{
	uint32_t oldest = last > LOG_RECORDS ? last - LOG_RECORDS + 1 : 1;
	uint32_t n, run, total = 0;

	if (first < oldest)
		first = oldest;
	while (space && first <= last) {
		n = last - first + 1;
		if (n > space)
			n = space;
		/* Up to the ring's end. */
		run = LOG_RECORDS - (first - 1) % LOG_RECORDS;
		if (n > run)
			n = run;
		if (copy_to_host(bus, &ring[(first - 1) % LOG_RECORDS], n * sizeof(ring[0])))
			return -1;
		bus += n * sizeof(ring[0]);
		first += n;
		space -= n;
		total += n;
	}
	return (int)total;
}
