// SPDX-License-Identifier: MIT
#include <math.h>
#include <string.h>
#include <utf8proc.h>

#include "compiler/report/report.h"

const char *const report_fate_names[REPORT_FATES] = {
	[REPORT_KEPT] = "kept",
	[REPORT_REENCODED] = "re-encoded, exact",
	[REPORT_REQUANT] = "requantised",
	[REPORT_CONSTANT] = "constant",
	[REPORT_TABLE] = "in a rotation table",
};

const char *const report_where_names[] = {
	[REPORT_MASK] = "mask",
	[REPORT_OVERRIDE] = "mask, replaceable",
	[REPORT_PROGRAM] = "program",
	[REPORT_HOST] = "host",
};

static bool is_plain(utf8proc_int32_t c)
{
	switch (utf8proc_category(c)) {
	case UTF8PROC_CATEGORY_CN:
	case UTF8PROC_CATEGORY_CC:
	case UTF8PROC_CATEGORY_CF:
	case UTF8PROC_CATEGORY_CS:
	case UTF8PROC_CATEGORY_CO:
	case UTF8PROC_CATEGORY_ZL:
	case UTF8PROC_CATEGORY_ZP:
		return false;
	default:
		return true;
	}
}

const char *report_text(struct arena *a, const char *s)
{
	size_t n = s ? strlen(s) : 0, i, at = 0;
	char *p = arena_alloc(a, 3 * n + 1);
	utf8proc_ssize_t k;
	utf8proc_int32_t c;

	for (i = 0; p && i<n; i += k> 0 ? (size_t)k : 1) {
		k = utf8proc_iterate((const utf8proc_uint8_t *)s + i, (utf8proc_ssize_t)(n - i),
				     &c);
		if (k > 0 && is_plain(c)) {
			memcpy(p + at, s + i, (size_t)k);
			at += (size_t)k;
		} else {
			memcpy(p + at, "\xef\xbf\xbd", 3);
			at += 3;
		}
	}
	return p;
}

const char *report_any_layer(struct arena *a, const char *name)
{
	const char *slash = strchr(name, '/');

	if (strncmp(name, "layer.", 6) || !slash)
		return report_text(a, name);
	return report_text(a, arena_printf(a, "layer%s", slash));
}

double report_bits(uint64_t bytes, uint64_t weights)
{
	return weights ? 8 * (double)bytes / (double)weights : NAN;
}
