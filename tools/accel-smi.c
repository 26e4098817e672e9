// SPDX-License-Identifier: MIT
/* accel-smi: back ends, devices, the model on each, memory and counters. accel-smi(1) tells more. */
#include <argp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cli.h"

const char *argp_program_version = "accel-smi 0.1.0";

enum { KEY_BEST = 0x2001, KEY_LOOP };

static const struct argp_option options[] = {
	{ "best-backend", KEY_BEST, NULL, 0, "print the back end that would be used, and no more",
	  1 },
	{ "loop", KEY_LOOP, "SECONDS", 0, "repeat until interrupted", 1 },
	{ "backend", CLI_KEY_BACKEND, "NAME", 0, "only this back end", 1 },
	{ "mask", CLI_KEY_MASK, "FILE", 0, "simulated chips: make them from this .accel file", 1 },
	{ "firmware", CLI_KEY_FIRMWARE, "FILE", 0, "sim: firmware", 1 },
	{ "json", CLI_KEY_JSON, NULL, 0, "print one JSON object", 1 },
	{ 0 },
};

struct run {
	struct cli_target t;
	bool best, json;
	double loop;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct run *r = state->input;

	if (key != CLI_KEY_DEVICE && cli_target_option(&r->t, key, arg))
		return 0;
	switch (key) {
	case KEY_BEST:
		r->best = true;
		break;
	case KEY_LOOP:
		r->loop = cli_double("loop", arg, 0.01, 1e6);
		break;
	case CLI_KEY_JSON:
		r->json = true;
		break;
	case ARGP_KEY_ARG:
		argp_usage(state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct {
	const char *name;
	enum accel_param param;
} numbers[] = {
	{ "tiles", ACCEL_PARAM_TILES },
	{ "rows", ACCEL_PARAM_ROWS },
	{ "columns", ACCEL_PARAM_COLUMNS },
	{ "lanes", ACCEL_PARAM_LANES },
	{ "mem_bytes", ACCEL_PARAM_MEM_BYTES },
	{ "scratch_bytes", ACCEL_PARAM_SCRATCH_BYTES },
	{ "sram_bytes", ACCEL_PARAM_SRAM_BYTES },
	{ "sram_free_bytes", ACCEL_PARAM_SRAM_FREE },
	{ "rom_bytes", ACCEL_PARAM_ROM_BYTES },
	{ "crom_bytes", ACCEL_PARAM_CROM_BYTES },
	{ "clock_hz", ACCEL_PARAM_CLOCK_HZ },
	{ "spec", ACCEL_PARAM_SPEC },
	{ "firmware_version", ACCEL_PARAM_FW_VERSION },
	{ "cycle_exact", ACCEL_PARAM_CYCLE_EXACT },
	{ "jobs_done", ACCEL_PARAM_JOBS_DONE },
	{ "jobs_faulted", ACCEL_PARAM_JOBS_FAULTED },
};

static const struct {
	const char *name;
	enum accel_device_string which;
} strings[] = {
	{ "config", ACCEL_STRING_CONFIG },   { "model", ACCEL_STRING_MODEL },
	{ "arch", ACCEL_STRING_ARCH },	     { "format", ACCEL_STRING_FORMAT },
	{ "mask_id", ACCEL_STRING_MASK_ID },
};

static json_t *device_json(struct accel_device *dev, uint32_t index)
{
	json_t *j = json_object();
	uint64_t counters[ACCEL_COUNTERS], v;
	char text[128];
	size_t i;

	json_object_set_new(j, "index", json_integer(index));
	if (!cli_get(dev, ACCEL_PARAM_HAS_MASK)) {
		json_object_set_new(j, "mask", json_false());
		return j;
	}
	json_object_set_new(j, "mask", json_true());
	for (i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		if (!accel_device_get_string(dev, strings[i].which, text, sizeof(text)))
			json_object_set_new(j, strings[i].name, json_string(text));
	}
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (!accel_device_get(dev, numbers[i].param, &v))
			json_object_set_new(j, numbers[i].name, json_integer((json_int_t)v));
	}
	for (i = 0; i < ACCEL_COUNTERS; i++)
		counters[i] = cli_get(dev, (enum accel_param)(ACCEL_PARAM_COUNTER_0 + i));
	json_object_set_new(j, "counters", cli_counters_json(counters));
	return j;
}

static void print_device(const json_t *d)
{
	const char *key;
	json_t *v;

	printf("  device %lld", (long long)json_integer_value(json_object_get(d, "index")));
	if (!json_is_true(json_object_get(d, "mask"))) {
		printf(": no mask; --mask MODEL.accel makes a chip\n");
		return;
	}
	printf(": %s (%s, %s)\n", json_string_value(json_object_get(d, "model")),
	       json_string_value(json_object_get(d, "arch")),
	       json_string_value(json_object_get(d, "format")));
	json_object_foreach((json_t *)d, key, v)
	{
		if (json_is_integer(v) && strcmp(key, "index"))
			printf("    %-18s %lld\n", key, (long long)json_integer_value(v));
		else if (json_is_string(v) && (!strcmp(key, "config") || !strcmp(key, "mask_id")))
			printf("    %-18s %s\n", key, json_string_value(v));
	}
}

/* Adds a back end's devices to the list; returns how many could be opened. */
static size_t look(struct run *r, const char *name, const char *doc, json_t *list)
{
	json_t *j = json_pack("{s:s, s:s}", "backend", name, "description", doc), *devices;
	char text[512];
	size_t n = 0, i, good = 0;
	struct accel_device *dev;
	int err;

	devices = json_array();
	accel_backend_devices(name, &n);
	for (i = 0; i < n; i++) {
		struct accel_device_options o = {
			.size = sizeof(o),
			.backend = name,
			.mask = r->t.mask,
			.firmware = r->t.firmware,
			.index = (uint32_t)i,
			.error = text,
			.error_size = sizeof(text),
		};

		err = accel_device_open(&o, &dev);
		if (err) {
			cli_message(&r->t, "%s device %zu: %s", name, i, text);
			continue;
		}
		json_array_append_new(devices, device_json(dev, (uint32_t)i));
		accel_device_unref(dev);
		good++;
	}
	json_object_set_new(j, "devices", devices);
	json_array_append_new(list, j);
	return good;
}

static int snapshot(struct run *r)
{
	json_t *list = json_array(), *b, *d;
	const char *name, *doc;
	size_t i, k, good = 0, known = 0;

	for (i = 0; (name = accel_backend_name(i, &doc)); i++) {
		if (r->t.backend && strcmp(r->t.backend, name))
			continue;
		known++;
		good += look(r, name, doc, list);
	}
	if (r->json) {
		cli_print_json(json_pack("{s:O}", "backends", list));
	} else {
		json_array_foreach(list, i, b)
		{
			printf("%s: %s\n", json_string_value(json_object_get(b, "backend")),
			       json_string_value(json_object_get(b, "description")));
			json_array_foreach(json_object_get(b, "devices"), k, d) print_device(d);
		}
	}
	json_decref(list);
	fflush(stdout);
	if (!known)
		cli_message(&r->t, "back end '%s' is unknown or not compiled in", r->t.backend);
	return good ? 0 : CLI_NO_DEVICE;
}

static int best(struct run *r)
{
	int code = cli_open_device(&r->t);

	if (!code)
		puts(accel_device_backend(r->t.dev));
	cli_close(&r->t);
	return code;
}

int main(int argc, char **argv)
{
	static const struct argp argp = { options, parse, NULL, "Shows IG1 devices.",
					  NULL,	   NULL,  NULL };
	struct run r = { 0 };
	int code;

	cli_init(argv[0], &r.t);
	argp_parse(&argp, argc, argv, 0, NULL, &r);
	if (r.best)
		return best(&r);
	cli_catch_interrupt(NULL, NULL);
	code = snapshot(&r);
	while (!code && r.loop > 0 && !cli_interrupted()) {
		usleep((useconds_t)(r.loop * 1e6));
		if (!cli_interrupted())
			code = snapshot(&r);
	}
	return code;
}
