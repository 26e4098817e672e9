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

int trace_open(struct trace *t, const char *path, struct accel_device *dev, struct accel_model *m,
	       bool one)
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
	t->one = one;
	t->first = true;
	t->exact = exact;
	/* Without real time a tick is shown as a microsecond. */
	t->us_per_cycle = exact && hz ? 1e6 / (double)hz : 1;
	fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[", t->f);
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

static void write_record(struct trace *t, const struct accel_trace_record *r, uint64_t base,
			 enum accel_program program)
{
	const char *name = accel_model_command_name(t->m, program, r->index);

	separator(t);
	fputs("{\"ph\":\"X\",\"pid\":1,\"name\":", t->f);
	string(t->f, name && *name ? name : accel_opcode_name(r->opcode));
	fprintf(t->f,
		",\"cat\":\"%s\",\"tid\":%u,\"ts\":%.4f,\"dur\":%.4f,\"args\":{\"op\":\"%s\","
		"\"command\":%u,\"job\":%" PRIu64 ",\"waited\":%" PRIu64 "}}",
		program == ACCEL_PROGRAM_DECODE ? "decode" : "prefill", r->engine,
		(double)(r->start + base) * t->us_per_cycle,
		(double)(r->end - r->start) * t->us_per_cycle, accel_opcode_name(r->opcode),
		r->index, t->jobs, r->start - r->issue);
}

void trace_job(void *ctx, enum accel_program program, const struct accel_trace_record *r, size_t n,
	       int dropped)
{
	struct accel_trace_record *kept;
	struct trace *t = ctx;
	uint64_t end = 0;
	size_t i;

	if (t->one) {
		kept = realloc(t->kept, (n ? n : 1) * sizeof(*kept));
		t->dropped = dropped || !kept;
		t->n_kept = 0;
		if (!kept)
			return;
		memcpy(kept, r, n * sizeof(*kept));
		t->kept = kept;
		t->n_kept = n;
		t->program = program;
		return;
	}
	for (i = 0; i < n; i++) {
		write_record(t, &r[i], t->base, program);
		end = r[i].end > end ? r[i].end : end;
	}
	t->base += end;
	t->jobs++;
	t->dropped += !!dropped;
}

/*
 * Moves the records of the last of `steps` steps to the front and returns their number. A command
 * that is executed less often than there are steps is outside of their loop. 0: steps are not equal.
 */
static size_t last_step(struct accel_trace_record *r, size_t n, uint32_t steps)
{
	uint32_t *count, *seen, top = 0;
	size_t i, out = 0;

	for (i = 0; i < n; i++)
		top = r[i].index > top ? r[i].index : top;
	count = top < 1u << 24 ? calloc(2 * ((size_t)top + 1), sizeof(*count)) : NULL;
	if (!count)
		return 0;
	seen = count + top + 1;
	for (i = 0; i < n; i++)
		count[r[i].index]++;
	for (i = 0; i < n; i++) {
		uint32_t k = r[i].index, each = count[k] / steps;

		if (each && count[k] % steps) {
			out = 0;
			break;
		}
		if (++seen[k] > count[k] - each)
			r[out++] = r[i];
	}
	free(count);
	return out;
}

void trace_token(struct trace *t, uint32_t token, uint32_t steps, const uint64_t *counters)
{
	size_t n = last_step(t->kept, t->n_kept, steps), i;
	uint64_t begin = UINT64_MAX, end = 0;
	const char *name;
	int timed;

	if (!n || t->dropped)
		return;
	for (i = 0; i < n; i++) {
		begin = t->kept[i].issue < begin ? t->kept[i].issue : begin;
		end = t->kept[i].end > end ? t->kept[i].end : end;
	}
	for (i = 0; i < n; i++)
		write_record(t, &t->kept[i], -begin, t->program);
	separator(t);
	fprintf(t->f,
		"{\"ph\":\"X\",\"pid\":1,\"name\":\"token %u\",\"cat\":\"token\",\"tid\":0,\"ts\":0,"
		"\"dur\":%.4f,\"args\":{\"steps_of_job\":%u",
		token, (double)(end - begin) * t->us_per_cycle, steps);
	for (i = 0; (name = accel_counter_name((uint32_t)i, &timed)); i++) {
		if (t->exact || !timed)
			fprintf(t->f, ",\"job_%s\":%" PRIu64, name, counters[i]);
	}
	fputs("}}", t->f);
	t->jobs = 1;
	t->complete = true;
}

int trace_close(struct trace *t)
{
	int bad;

	free(t->kept);
	t->kept = NULL;
	t->n_kept = 0;
	if (!t->f)
		return 0;
	fprintf(t->f, "\n],\"otherData\":{\"time\":\"%s\",\"jobs\":%" PRIu64,
		t->exact ? "cycles at the nominal clock" : "one tick per command, no time",
		t->jobs);
	fprintf(t->f, ",\"complete\":%s}}\n", t->complete && !t->dropped ? "true" : "false");
	bad = ferror(t->f);
	bad |= fclose(t->f);
	t->f = NULL;
	return bad ? -1 : 0;
}
