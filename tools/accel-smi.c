// SPDX-License-Identifier: MIT
/* accel-smi: back ends, devices, the model on each, memory and counters. accel-smi(1) tells more. */
#include <argp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cli.h"
#include "common/smi_metrics.h"
#include "common/smi_sysfs.h"

enum { KEY_BEST = 0x2001, KEY_LOOP, KEY_PROMETHEUS, KEY_ROOT };

static const struct argp_option options[] = {
	{ "best-backend", KEY_BEST, NULL, 0, "print the back end that would be used, and no more",
	  1 },
	{ "watch", KEY_LOOP, "SECONDS", 0, "repeat until interrupted", 1 },
	{ "loop", KEY_LOOP, NULL, OPTION_ALIAS, NULL, 1 },
	{ "prometheus", KEY_PROMETHEUS, NULL, 0,
	  "print the driver's devices and their users in Prometheus' text format", 1 },
	{ "root", KEY_ROOT, "DIR", 0, "look for /sys and /proc there", 1 },
	{ "backend", CLI_KEY_BACKEND, "NAME", 0, "only this back end", 1 },
	{ "mask", CLI_KEY_MASK, "FILE", 0, "simulated chips: make them from this .accel file", 1 },
	{ "firmware", CLI_KEY_FIRMWARE, "FILE", 0, "sim: firmware", 1 },
	{ "json", CLI_KEY_JSON, NULL, 0, "print one JSON object", 1 },
	{ 0 },
};

struct run {
	struct cli_target t;
	bool best, json, prometheus;
	double loop;
	const char *root;
};

/* The driver's devices and who uses them. */
struct kernel_view {
	struct smi_node *nodes;
	struct smi_client *clients;
	size_t n_nodes, n_clients;
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
	case KEY_PROMETHEUS:
		r->prometheus = true;
		break;
	case KEY_ROOT:
		r->root = arg;
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
	{ "chip_host_bytes", ACCEL_PARAM_CHIP_HOST_USED },
	{ "chip_jobs_done", ACCEL_PARAM_CHIP_JOBS_DONE },
	{ "chip_jobs_faulted", ACCEL_PARAM_CHIP_JOBS_FAULTED },
	{ "chip_timeouts", ACCEL_PARAM_CHIP_TIMEOUTS },
	{ "chip_resets", ACCEL_PARAM_CHIP_RESETS },
	{ "chip_cycles", ACCEL_PARAM_CHIP_CYCLES },
};

static const struct {
	const char *name;
	enum accel_device_string which;
} strings[] = {
	{ "config", ACCEL_STRING_CONFIG },   { "model", ACCEL_STRING_MODEL },
	{ "arch", ACCEL_STRING_ARCH },	     { "format", ACCEL_STRING_FORMAT },
	{ "mask_id", ACCEL_STRING_MASK_ID }, { "node", ACCEL_STRING_NODE },
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
	json_object_set_new(j, "counters", cli_counters_json(dev, counters));
	for (i = 0; i < ACCEL_COUNTERS; i++) {
		if (accel_device_get(dev, (enum accel_param)(ACCEL_PARAM_CHIP_COUNTER_0 + i),
				     &counters[i]))
			return j;
	}
	json_object_set_new(j, "chip_counters", cli_counters_json(dev, counters));
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
		else if (json_is_string(v) && (!strcmp(key, "config") || !strcmp(key, "mask_id") ||
					       !strcmp(key, "node")))
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

static const char *const telemetry_names[SMI_TELEMETRY] = {
	[SMI_CLOCK_HZ] = "clock_hz",
	[SMI_POWER_MW] = "power_mw",
	[SMI_TEMP_MC] = "temperature_mc",
	[SMI_LOAD_PERMILLE] = "load_permille",
};

static int kernel_view(struct run *r, struct kernel_view *v)
{
	memset(v, 0, sizeof(*v));
	if (!smi_nodes(r->root, &v->nodes, &v->n_nodes) &&
	    !smi_clients(r->root, &v->clients, &v->n_clients))
		return 0;
	cli_message(&r->t, "out of memory");
	return CLI_FAILURE;
}

static void kernel_view_free(struct kernel_view *v)
{
	free(v->nodes);
	free(v->clients);
}

static json_t *client_json(const struct smi_client *c)
{
	return json_pack("{s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "pid",
			 (json_int_t)c->pid, "process", c->name, "client", (json_int_t)c->id,
			 "busy_ns", (json_int_t)c->busy_ns, "cycles", (json_int_t)c->cycles,
			 "jobs_done", (json_int_t)c->jobs, "jobs_faulted", (json_int_t)c->faulted,
			 "memory_bytes", (json_int_t)c->total_bytes, "resident_bytes",
			 (json_int_t)c->resident_bytes, "shared_bytes",
			 (json_int_t)c->shared_bytes);
}

static json_t *nodes_json(const struct kernel_view *v)
{
	json_t *list = json_array(), *users, *j;
	const struct smi_node *n;
	char path[64];
	size_t i, k;

	for (i = 0; i < v->n_nodes; i++) {
		n = &v->nodes[i];
		snprintf(path, sizeof(path), "/dev/accel/accel%u", n->number);
		j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "node", path, "pci", n->pci,
			      "model", n->model, "arch", n->arch, "mask_id", n->mask_id, "firmware",
			      n->firmware);
		for (k = 0; k < SMI_TELEMETRY; k++) {
			if (n->known & 1u << k)
				json_object_set_new(j, telemetry_names[k],
						    json_integer(n->value[k]));
		}
		users = json_array();
		for (k = 0; k < v->n_clients; k++) {
			if (!strcmp(v->clients[k].pci, n->pci))
				json_array_append_new(users, client_json(&v->clients[k]));
		}
		json_object_set_new(j, "processes", users);
		json_array_append_new(list, j);
	}
	return list;
}

static void print_nodes(const struct kernel_view *v)
{
	const struct smi_client *c;
	const struct smi_node *n;
	size_t i, k;

	for (i = 0; i < v->n_nodes; i++) {
		n = &v->nodes[i];
		printf("\n/dev/accel/accel%u at %s: %s (%s), firmware %s\n", n->number, n->pci,
		       n->model[0] ? n->model : "?", n->arch[0] ? n->arch : "?",
		       n->firmware[0] ? n->firmware : "?");
		if (!n->known)
			printf("    asleep");
		if (n->known & 1u << SMI_CLOCK_HZ)
			printf("    %.0f MHz", (double)n->value[SMI_CLOCK_HZ] / 1e6);
		if (n->known & 1u << SMI_POWER_MW)
			printf("    %.1f W", (double)n->value[SMI_POWER_MW] / 1e3);
		if (n->known & 1u << SMI_TEMP_MC)
			printf("    %.1f C", (double)n->value[SMI_TEMP_MC] / 1e3);
		if (n->known & 1u << SMI_LOAD_PERMILLE)
			printf("    %.1f %% busy", (double)n->value[SMI_LOAD_PERMILLE] / 10);
		printf("\n");
		for (k = 0; k < v->n_clients; k++) {
			c = &v->clients[k];
			if (strcmp(c->pci, n->pci))
				continue;
			printf("    pid %-8u %-16s %10.3f s busy %8llu jobs %10llu KiB\n", c->pid,
			       c->name, (double)c->busy_ns * 1e-9, (unsigned long long)c->jobs,
			       (unsigned long long)(c->total_bytes / 1024));
		}
	}
}

/* Fills in what only an open device tells, for those that may be opened. */
static void ask_devices(struct smi_device *d, size_t n)
{
	struct accel_device_options o = { .size = sizeof(o), .backend = "drm" };
	struct accel_device *dev;
	char node[64], want[64];
	size_t devices = 0, i;

	accel_backend_devices("drm", &devices);
	for (o.index = 0; o.index < devices; o.index++) {
		if (accel_device_open(&o, &dev))
			continue;
		if (accel_device_get_string(dev, ACCEL_STRING_NODE, node, sizeof(node)))
			node[0] = 0;
		for (i = 0; i < n; i++) {
			snprintf(want, sizeof(want), "/dev/accel/accel%u", d[i].node->number);
			if (!strcmp(want, node))
				smi_device_read(&d[i], dev);
		}
		accel_device_unref(dev);
	}
}

static int prometheus(struct run *r)
{
	struct smi_device *d;
	struct kernel_view v;
	size_t i;
	int code = kernel_view(r, &v);

	d = code ? NULL : calloc(v.n_nodes + 1, sizeof(*d));
	for (i = 0; d && i < v.n_nodes; i++)
		d[i].node = &v.nodes[i];
	if (d) {
		/* Another machine's files say nothing about this one's devices. */
		if (!r->root[0])
			ask_devices(d, v.n_nodes);
		smi_metrics(stdout, d, v.n_nodes, v.clients, v.n_clients);
	}
	code = d ? cli_flush(&r->t, 0) : CLI_FAILURE;
	free(d);
	kernel_view_free(&v);
	return code;
}

static int snapshot(struct run *r)
{
	json_t *list = json_array(), *b, *d;
	const char *name, *doc;
	size_t i, k, good = 0, known = 0;
	struct kernel_view v;

	if (r->prometheus) {
		json_decref(list);
		return prometheus(r);
	}
	if (kernel_view(r, &v)) {
		json_decref(list);
		kernel_view_free(&v);
		return CLI_FAILURE;
	}

	for (i = 0; (name = accel_backend_name(i, &doc)); i++) {
		if (r->t.backend && strcmp(r->t.backend, name))
			continue;
		known++;
		good += look(r, name, doc, list);
	}
	if (r->json) {
		cli_print_json(json_pack("{s:O, s:o}", "backends", list, "nodes", nodes_json(&v)));
	} else {
		json_array_foreach(list, i, b)
		{
			printf("%s: %s\n", json_string_value(json_object_get(b, "backend")),
			       json_string_value(json_object_get(b, "description")));
			json_array_foreach(json_object_get(b, "devices"), k, d) print_device(d);
		}
		print_nodes(&v);
	}
	json_decref(list);
	kernel_view_free(&v);
	if (!known)
		cli_message(&r->t, "back end '%s' is not compiled in", r->t.backend);
	return cli_flush(&r->t, good ? 0 : CLI_NO_DEVICE);
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
	struct run r = { .root = "" };
	int code;

	cli_init(argv[0], &r.t);
	argp_parse(&argp, argc, argv, 0, NULL, &r);
	code = cli_check_backend(&r.t);
	if (code)
		return code;
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
