// SPDX-License-Identifier: MIT
/* Chrome trace writer. */
#include "trace.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "json_text.h"

#define ENGINES 4u

static void string(FILE *f, const char *s)
{
	json_t *j = json_text(s, SIZE_MAX);
	char *text = j ? json_dumps(j, JSON_ENCODE_ANY) : NULL;

	fputs(text ? text : "\"\"", f);
	free(text);
	json_decref(j);
}

static void separator(struct trace *t)
{
	fputs(t->first ? "\n" : ",\n", t->f);
	t->first = false;
}

int trace_open(struct trace *t, const char *path, struct accel_device *dev, struct accel_model *m)
{
	bool exact = cli_get(dev, ACCEL_PARAM_CYCLE_EXACT);
	uint64_t hz = cli_get(dev, ACCEL_PARAM_CLOCK_HZ);
	uint32_t i;

	memset(t, 0, sizeof(*t));
	t->f = fopen(path, "w");
	if (!t->f)
		return -1;
	t->path = path;
	t->m = m;
	t->first = true;
	/* Without real time a tick is shown as a microsecond. */
	t->us_per_cycle = exact && hz ? 1e6 / (double)hz : 1;
	fprintf(t->f,
		"{\"displayTimeUnit\":\"ns\",\"otherData\":{\"time\":\"%s\"},\"traceEvents\":[",
		exact ? "cycles at the nominal clock" : "one tick per command, no time");
	separator(t);
	fputs("{\"ph\":\"M\",\"pid\":1,\"name\":\"process_name\",\"args\":{\"name\":\"IG1\"}}",
	      t->f);
	for (i = 0; i < ENGINES; i++) {
		separator(t);
		fprintf(t->f,
			"{\"ph\":\"M\",\"pid\":1,\"tid\":%u,\"name\":\"thread_name\",\"args\":{"
			"\"name\":\"%s\"}}",
			i, accel_engine_name(i));
	}
	return 0;
}

void trace_job(void *ctx, enum accel_program program, const struct accel_trace_record *r, size_t n,
	       int dropped)
{
	struct trace *t = ctx;
	uint64_t end = 0;
	const char *name;
	size_t i;

	for (i = 0; i < n; i++) {
		name = accel_model_command_name(t->m, program, r[i].index);
		separator(t);
		fputs("{\"ph\":\"X\",\"pid\":1,\"name\":", t->f);
		string(t->f, name && *name ? name : accel_opcode_name(r[i].opcode));
		fprintf(t->f,
			",\"cat\":\"%s\",\"tid\":%u,\"ts\":%.4f,\"dur\":%.4f,\"args\":{\"op\":\"%s\","
			"\"command\":%u,\"job\":%" PRIu64 ",\"waited\":%" PRIu64 "}}",
			program == ACCEL_PROGRAM_DECODE ? "decode" : "prefill", r[i].engine,
			(double)(t->base + r[i].start) * t->us_per_cycle,
			(double)(r[i].end - r[i].start) * t->us_per_cycle,
			accel_opcode_name(r[i].opcode), r[i].index, t->jobs,
			r[i].start - r[i].issue);
		end = r[i].end > end ? r[i].end : end;
	}
	t->base += end;
	t->jobs++;
	t->dropped += !!dropped;
}

int trace_close(struct trace *t)
{
	int bad;

	if (!t->f)
		return 0;
	fputs("\n]}\n", t->f);
	bad = ferror(t->f);
	bad |= fclose(t->f);
	t->f = NULL;
	return bad ? -1 : 0;
}
