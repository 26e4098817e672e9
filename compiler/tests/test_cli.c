// SPDX-License-Identifier: MIT
/* The program as users run it: exit codes, messages, JSON, and that its parts fit each other. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compiler/quant/ggml_types.h"
#include "compiler/tests/gguf_writer.h"
#include "compiler/tests/hf_writer.h"
#include "compiler/tests/test_folder.h"
#include "image.h"
#include "tests/models/synth.h"

static const struct synth_model spec = {
	.name = "cli",
	.arch = "qwen2",
	.layers = 2,
	.width = 64,
	.heads = 4,
	.kv_heads = 2,
	.ff = 64,
	.vocab = 64,
	.context = 96,
	.bias = SYNTH_BIAS_QKV,
	.eps = 1e-5f,
	.type = GGML_TYPE_Q8_0,
	.seed = 1,
};

static const char *accelc;
static char dir[64];
static char out[1 << 20], was[1 << 20], err[8192];

static void slurp(const char *name, char *buf, size_t room)
{
	char path[128];
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "rb");
	if (f) {
		n = fread(buf, 1, room - 1, f);
		fclose(f);
	}
	buf[n] = '\0';
}

/* Exit code of `accelc ARGS`, run in the folder; out and err are filled. */
static int run(const char *args)
{
	char cmd[1024];
	int ret;

	snprintf(cmd, sizeof(cmd), "cd %s && %s %s >stdout 2>stderr", dir, accelc, args);
	ret = system(cmd);
	slurp("stdout", out, sizeof(out));
	slurp("stderr", err, sizeof(err));
	if (!WIFEXITED(ret))
		fail_msg("accelc %s: ended by a signal: %s", args, err);
	return WEXITSTATUS(ret);
}

static void expect(const char *args, int code, const char *says)
{
	int got = run(args);

	if (got != code)
		fail_msg("accelc %s: exit code %d, expected %d: %s", args, got, code, err);
	if (says && !strstr(err, says))
		fail_msg("accelc %s: \"%s\" does not say \"%s\"", args, err, says);
	/* whatever fails says so */
	assert_true(code == 0 || err[0]);
}

static void write_file(const char *name, const void *data, size_t n)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static bool exists(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return !access(path, F_OK);
}

/* The same model as a folder, "folder". */
static void write_folder(const uint8_t *data, size_t size)
{
	struct hf_folder d;
	struct gguf_file *f;
	char path[128];

	snprintf(path, sizeof(path), "%s/folder", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(gguf_open_mem(data, size, &f, NULL), 0);
	hf_from_gguf(&d, f, 2);
	assert_int_equal(hf_write_folder(&d, path), 0);
	hf_folder_free(&d);
	gguf_close(f);
}

static int setup(void **state)
{
	struct gguf_writer w;
	uint8_t *data;
	size_t size;

	(void)state;
	accelc = getenv("ACCELC");
	if (!accelc) {
		print_error("ACCELC is not set\n");
		return -1;
	}
	test_template(dir, sizeof(dir), "cli");
	if (!mkdtemp(dir) || synth_build(&spec, &data, &size))
		return -1;
	write_file("model.gguf", data, size);
	write_folder(data, size);
	free(data);
	gguf_writer_init(&w);
	if (synth_keys(&spec, &w) || synth_tensors(&spec, &w))
		return -1;
	gguf_write_u32(&w, "qwen2.nextn_predict_layers", 1);
	if (gguf_writer_finish(&w, &data, &size))
		return -1;
	write_file("predicting.gguf", data, size);
	free(data);
	gguf_writer_free(&w);
	gguf_writer_init(&w);
	gguf_write_str(&w, "general.architecture", "bert");
	if (gguf_writer_finish(&w, &data, &size))
		return -1;
	write_file("bert.gguf", data, size);
	free(data);
	gguf_writer_free(&w);
	write_file("garbage", "This is no model.", 17);
	return run("compile model.gguf -o model.accel");
}

static int teardown(void **state)
{
	char cmd[128];

	(void)state;
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

static void test_usage(void **state)
{
	(void)state;
	expect("", 2, "Usage");
	expect("fly", 2, "unknown command \"fly\"");
	expect("compile", 2, "no model");
	expect("compile model.gguf", 2, "nothing to do");
	expect("compile a b -o c", 2, "more than one model");
	expect("compile model.gguf -o x --format q5", 2, "\"q5\" is none of");
	expect("compile model.gguf -o x --linear both", 2, "\"both\" is none of");
	expect("compile model.gguf -o x --chip huge", 2, "no configuration \"huge\"");
	expect("compile model.gguf -o x --ctx 0", 2, "is no number of positions");
	expect("compile model.gguf -o x --ctx 12x", 2, "is no number of positions");
	expect("compile model.gguf -o x --ctx 97", 2, "context of 97 positions, the model has 96");
	expect("compile model.gguf --print-after=magic", 2, "no pass \"magic\"");
	expect("info", 2, "no file");
	expect("disasm model.accel --program train", 2, "neither prefill nor decode");
	expect("as x", 2, "no output");
	expect("estimate model.accel --cols 9", 2, "the program takes 8");
	expect("estimate model.accel --pos 96", 2, "96 positions");
	assert_int_equal(run("--help"), 0);
	assert_non_null(strstr(out, "estimate"));
	assert_int_equal(run("compile --help"), 0);
	assert_non_null(strstr(out, "--print-after=PASS"));
	assert_int_equal(run("--version"), 0);
	assert_int_equal(run("compile --list-passes"), 0);
	assert_non_null(strstr(out, "fuse_matmul"));
}

static void test_bad_input(void **state)
{
	(void)state;
	expect("compile absent.gguf -o x", 1, "absent.gguf: No such file");
	expect("compile garbage -o x", 5, "garbage: ");
	expect("compile bert.gguf -o x", 5, "\"bert\" is not supported");
	expect("compile . -o x", 1, ".: config.json: no such file in the folder");
	expect("compile garbage.bin -o x", 1, "garbage.bin: No such file");
	write_file("weights.bin", "PK\3\4", 4);
	expect("compile weights.bin -o x", 5, "pickled objects are programs");
	write_file("model.safetensors", "x", 1);
	expect("compile model.safetensors -o x", 5, "weights without config.json");
	assert_false(exists("x"));
	expect("compile model.gguf -o no/such/folder", 1, NULL);
	expect("info garbage", 5, "garbage: ");
	write_file("short.gguf", "GGUF\3", 5);
	expect("info short.gguf", 5, "short.gguf: version");
	expect("info .", 1, ".: config.json: no such file");
	expect("verify garbage", 5, NULL);
	expect("graph garbage", 5, NULL);
	expect("as garbage -o x", 5, "garbage: ");
	expect("info absent", 1, "absent");
}

static void test_info(void **state)
{
	json_error_t e;
	json_t *j;

	(void)state;
	assert_int_equal(run("info model.accel"), 0);
	assert_non_null(strstr(out, "cli (qwen2)"));
	assert_int_equal(run("info model.gguf"), 0);
	assert_non_null(strstr(out, "qwen2.block_count = 2"));
	assert_non_null(strstr(out, "Q8_0    64 x 64  blk.1.attn_q.weight"));
	assert_int_equal(run("info model.gguf --json"), 0);
	j = json_loads(out, 0, &e);
	assert_int_equal(json_array_size(json_object_get(j, "tensors")), 27);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(j, "keys"),
							    "qwen2.context_length")),
			 96);
	json_decref(j);
	assert_int_equal(run("info predicting.gguf --json"), 0);
	j = json_loads(out, 0, &e);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(j, "left_out"),
							    "layers that predict further tokens")),
			 12);
	json_decref(j);
	assert_int_equal(run("info predicting.gguf"), 0);
	assert_non_null(strstr(out, "\nleft out: 12 tensors of layers that predict further"));
	expect("compile predicting.gguf -o x", 0, "left out: 12 tensors of layers that predict");
	assert_int_equal(run("info folder"), 0);
	assert_non_null(strstr(out, "general.architecture = \"qwen2\""));
	assert_non_null(strstr(out, "folder/model-00002-of-00002.safetensors"));
	expect("compile folder -o folder.accel", 0, NULL);
	expect("verify folder.accel", 0, NULL);
	assert_int_equal(run("info model.accel --json"), 0);
	j = json_loads(out, 0, &e);
	if (!j)
		fail_msg("%s", e.text);
	assert_string_equal(json_string_value(json_object_get(j, "chip")), "default");
	assert_int_equal(json_integer_value(json_object_get(json_object_get(j, "model"), "layers")),
			 2);
	assert_int_equal(json_array_size(json_object_get(j, "tensors")), 27);
	assert_true(json_integer_value(json_object_get(json_object_get(j, "programs"), "decode")) >
		    10);
	json_decref(j);
}

/* as(disasm(program)) == program */
static void test_round_trip(void **state)
{
	static const char *const names[] = { "prefill", "decode" };
	char path[128], args[128];
	struct ig1_image *img;
	const void *cmds;
	size_t count, n;
	uint32_t k;
	FILE *f;
	void *p;

	(void)state;
	snprintf(path, sizeof(path), "%s/model.accel", dir);
	assert_int_equal(ig1_image_open(path, &img, err), 0);
	for (k = 0; k < 2; k++) {
		snprintf(args, sizeof(args), "disasm model.accel %s --program %s",
			 k ? "--names" : "", names[k]);
		assert_int_equal(run(args), 0);
		write_file("text", out, strlen(out));
		expect("as text -o bin", 0, NULL);
		assert_int_equal(ig1_image_program(img, k, &cmds, &count), 0);
		snprintf(path, sizeof(path), "%s/bin", dir);
		f = fopen(path, "rb");
		assert_non_null(f);
		p = malloc(count * IG1_COMMAND_BYTES + 1);
		assert_non_null(p);
		n = fread(p, 1, count * IG1_COMMAND_BYTES + 1, f);
		fclose(f);
		assert_int_equal(n, count * IG1_COMMAND_BYTES);
		assert_memory_equal(p, cmds, n);
		free(p);
	}
	ig1_image_close(img);
	assert_int_equal(run("disasm model.accel --program decode"), 0);
	strcpy(was, out);
	assert_int_equal(run("disasm --raw bin"), 0);
	assert_string_equal(out, was);
	expect("disasm --raw garbage", 5, "are not a number of commands");
	expect("disasm --raw --names bin", 2, "--raw");
	expect("disasm --raw absent", 1, "absent");
	assert_int_equal(run("disasm model.accel"), 0);
	assert_non_null(strstr(out, "# prefill\n"));
	assert_non_null(strstr(out, "# decode\n"));
	assert_int_equal(run("disasm model.accel --names"), 0);
	assert_non_null(strstr(out, "# layer.0-1/attn/scores"));
}

static void test_verify(void **state)
{
	char path[128], *p;
	const struct ig1_image_section *s;
	struct ig1_image *img;
	struct stat st;
	uint32_t i;
	FILE *f;

	(void)state;
	assert_int_equal(run("verify model.accel"), 0);
	assert_non_null(strstr(out, "checksums and mask id match"));
	assert_non_null(strstr(out, "decode: "));
	snprintf(path, sizeof(path), "%s/model.accel", dir);
	assert_int_equal(stat(path, &st), 0);
	p = malloc((size_t)st.st_size);
	assert_non_null(p);
	f = fopen(path, "rb");
	assert_non_null(f);
	assert_int_equal(fread(p, 1, (size_t)st.st_size, f), st.st_size);
	fclose(f);
	/* a bit of each section */
	assert_int_equal(ig1_image_open(path, &img, err), 0);
	for (i = 0; i < ig1_image_header(img)->sections; i++) {
		s = ig1_image_section_at(img, i);
		p[s->offset + s->bytes / 2] ^= 4;
		write_file("damaged.accel", p, (size_t)st.st_size);
		expect("verify damaged.accel", 5, NULL);
		p[s->offset + s->bytes / 2] ^= 4;
	}
	ig1_image_close(img);
	write_file("short.accel", p, (size_t)st.st_size / 2);
	expect("verify short.accel", 5, NULL);
	free(p);
}

static json_t *json_out(void)
{
	json_error_t e;
	json_t *j = json_loads(out, 0, &e);

	if (!j)
		fail_msg("%s: %s", e.text, out);
	return j;
}

static const char *text_at(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

/* verify --json of p[n] with a byte of it changed: damage to a section, and to a tensor if it has one */
static void expect_damage(char *p, size_t n, uint64_t at, const char *section, const char *tensor)
{
	json_t *j;

	p[at] ^= 4;
	write_file("damaged.accel", p, n);
	p[at] ^= 4;
	expect("verify damaged.accel --json", 5, "damaged");
	j = json_out();
	assert_true(json_is_false(json_object_get(j, "ok")));
	assert_string_equal(text_at(j, "image"), "damaged.accel");
	assert_non_null(strstr(text_at(j, "error"), "damaged"));
	assert_string_equal(text_at(j, "section"), section);
	if (tensor)
		assert_string_equal(text_at(j, "tensor"), tensor);
	else
		assert_true(json_is_null(json_object_get(j, "tensor")));
	assert_int_equal(json_object_size(json_object_get(j, "programs")), 0);
	json_decref(j);
}

static void test_verify_json(void **state)
{
	const struct ig1_image_section *rom = NULL, *s;
	const struct ig1_image_tensor *t;
	struct ig1_image *img;
	char path[128];
	uint32_t i;
	size_t n;
	json_t *j;
	char *p;
	FILE *f;

	(void)state;
	expect("verify model.accel --json", 0, NULL);
	j = json_out();
	assert_true(json_is_true(json_object_get(j, "ok")));
	assert_string_equal(text_at(j, "image"), "model.accel");
	assert_true(json_is_null(json_object_get(j, "error")));
	assert_true(json_is_null(json_object_get(j, "section")));
	assert_true(json_is_null(json_object_get(j, "tensor")));
	assert_int_equal(json_object_size(json_object_get(j, "programs")), 2);
	assert_true(json_integer_value(json_object_get(
			    json_object_get(json_object_get(j, "programs"), "decode"),
			    "checked_jobs")) > 0);
	json_decref(j);

	snprintf(path, sizeof(path), "%s/model.accel", dir);
	assert_int_equal(ig1_image_open(path, &img, err), 0);
	n = ig1_image_header(img)->file_bytes;
	p = malloc(n);
	assert_non_null(p);
	f = fopen(path, "rb");
	assert_non_null(f);
	assert_int_equal(fread(p, 1, n, f), n);
	fclose(f);
	for (i = 0; i < ig1_image_header(img)->sections; i++) {
		s = ig1_image_section_at(img, i);
		if (s->type == IG1_SEC_ROM)
			rom = s;
		if (s->type == IG1_SEC_GRAPH)
			expect_damage(p, n, s->offset, "graph", NULL);
	}
	assert_non_null(rom);
	for (i = 0; i < ig1_image_tensors(img); i++) {
		t = ig1_image_tensor(img, i);
		if (t->fmt != IG1_TENSOR_F32)
			expect_damage(p, n, rom->offset + t->offset + t->bytes - 1, "rom",
				      ig1_image_tensor_name(img, i));
	}
	ig1_image_close(img);
	free(p);

	expect("verify garbage --json", 5, "garbage: ");
	j = json_out();
	assert_true(json_is_false(json_object_get(j, "ok")));
	json_decref(j);
	expect("verify absent --json", 1, "absent: open: No such file");
	j = json_out();
	assert_string_equal(text_at(j, "error"), "open: No such file or directory");
	json_decref(j);
}

static void test_compile_json(void **state)
{
	json_t *j, *info, *t;
	size_t i, changed = 0;
	const char *key;
	json_t *value;

	(void)state;
	expect("compile model.gguf --json", 2, "--json needs -o");
	expect("compile model.gguf -o json.accel --json --report", 2, "excludes --report");
	expect("compile model.gguf -o json.accel --json --stop-after=build", 2, "--stop-after");
	assert_false(exists("json.accel"));
	expect("compile garbage -o json.accel --json", 5, "garbage: ");
	assert_string_equal(out, "");
	expect("compile model.gguf -o json.accel --json --format q4_0", 0, NULL);
	j = json_out();
	expect("info json.accel --json", 0, NULL);
	info = json_out();
	assert_string_equal(text_at(j, "image"), "json.accel");
	assert_int_equal(json_object_size(json_object_get(j, "left_out")), 0);
	json_object_foreach(info, key, value)
		assert_true(json_equal(json_object_get(j, key), value));
	assert_int_equal(json_object_size(j), json_object_size(info) + 1);
	json_array_foreach(json_object_get(j, "tensors"), i, t)
	{
		if (strcmp(text_at(t, "values"), "requantised"))
			continue;
		changed++;
		assert_true(json_number_value(json_object_get(t, "loss")) > 1e-3);
	}
	assert_true(changed > 10);
	json_decref(info);
	json_decref(j);
	expect("compile predicting.gguf -o json.accel --json", 0, "left out: 12 tensors");
	j = json_out();
	assert_int_equal(json_integer_value(json_object_get(json_object_get(j, "left_out"),
							    "layers that predict further tokens")),
			 12);
	json_decref(j);
	/* the image remembers */
	expect("info json.accel", 0, NULL);
	assert_non_null(
		strstr(out, "\nleft out: 12 tensors of layers that predict further tokens, "));
	expect("info json.accel --json", 0, NULL);
	j = json_out();
	assert_int_equal(json_integer_value(json_object_get(json_object_get(j, "left_out"),
							    "layers that predict further tokens")),
			 12);
	assert_true(json_integer_value(json_object_get(json_object_get(j, "left_out_bytes"),
						       "layers that predict further tokens")) >
		    10000);
	json_decref(j);
	expect("verify json.accel", 0, NULL);
}

/* Of a file that has this text as its list of what is left out: null, or how many parts. */
static void check_left_out(const char *text, int parts, const char *says)
{
	struct ig1_image_writer *w;
	char path[128];
	json_t *j;

	snprintf(path, sizeof(path), "%s/parts.accel", dir);
	if (text) {
		assert_int_equal(ig1_image_create(path, &w, err), 0);
		ig1_image_add(w, IG1_SEC_LEFT_OUT, 0, text, strlen(text));
		assert_int_equal(ig1_image_commit(w, err), 0);
	}
	expect("info parts.accel --json", 0, NULL);
	j = json_out();
	if (parts < 0) {
		assert_true(json_is_null(json_object_get(j, "left_out")));
		assert_true(json_is_null(json_object_get(j, "left_out_bytes")));
	} else {
		assert_int_equal(json_object_size(json_object_get(j, "left_out")), parts);
	}
	json_decref(j);
	expect("info parts.accel", 0, NULL);
	if (says ? !strstr(out, says) : !!strstr(out, "left out:"))
		fail_msg("\"%s\": \"%s\"", text ? text : "", out);
}

/* A list that cannot be read is not an empty one. */
static void test_left_out(void **state)
{
	static const char unreadable[] = "\nleft out: unreadable\n";
	char path[128];
	FILE *f;
	int c;

	(void)state;
	check_left_out("1 2 a\n1 2 b\n1 2 c\n1 2 d\n1 2 e\n1 2 f\n1 2 g\n3 4 h\n", 8,
		       "left out: 3 tensors of h, 4 bytes\n");
	check_left_out("1 9223372036854775808 a\n", -1, unreadable);
	check_left_out("1 2 a", -1, unreadable);
	check_left_out("1 2 a\033[2J\n", -1, unreadable);
	check_left_out("1 2 ab\n", 1, "left out: 1 tensor of ab, 2 bytes\n");
	/* another byte than its sum is of */
	snprintf(path, sizeof(path), "%s/parts.accel", dir);
	f = fopen(path, "r+b");
	assert_non_null(f);
	do
		c = fgetc(f);
	while (c != EOF && !(c == 'a' && fgetc(f) == 'b'));
	assert_true(c == 'a');
	assert_int_equal(fseek(f, -1, SEEK_CUR), 0);
	fputc('c', f);
	assert_int_equal(fclose(f), 0);
	check_left_out(NULL, -1, unreadable);
}

static void test_graph(void **state)
{
	(void)state;
	assert_int_equal(run("graph model.accel"), 0);
	assert_memory_equal(out, "digraph", 7);
	assert_non_null(strstr(out, "blk.1.ffn_down.weight q8_0"));
}

static void test_estimate(void **state)
{
	json_int_t near, far;
	json_error_t e;
	json_t *j;

	(void)state;
	assert_int_equal(run("estimate model.accel --json"), 0);
	j = json_loads(out, 0, &e);
	assert_non_null(j);
	near = json_integer_value(json_object_get(json_object_get(j, "decode"), "cycles"));
	assert_true(near > 500 && near < 20000);
	json_decref(j);
	assert_int_equal(
		run("estimate model.accel --json --pos 90 --program decode --trace t.json"), 0);
	j = json_loads(out, 0, &e);
	assert_non_null(j);
	assert_null(json_object_get(j, "prefill"));
	far = json_integer_value(json_object_get(json_object_get(j, "decode"), "cycles"));
	assert_true(far > near);
	json_decref(j);
	slurp("t.json", out, sizeof(out));
	j = json_loads(out, 0, &e);
	if (!j)
		fail_msg("trace: %s", e.text);
	assert_true(json_array_size(json_object_get(j, "traceEvents")) > 50);
	json_decref(j);
}

static void test_passes(void **state)
{
	(void)state;
	expect("compile model.gguf -o stopped.accel --stop-after=fuse_matmul --print-after=fuse_matmul",
	       0, NULL);
	assert_memory_equal(out, "intaglio-ir 1\n", 14);
	assert_false(exists("stopped.accel"));
	expect("compile model.gguf --print-after=generate --chip small", 0, NULL);
	assert_non_null(strstr(out, "# prefill\n    0: "));
	expect("compile model.gguf --report -v", 0, "place_rom");
	assert_non_null(strstr(out, "scratch: "));
	assert_non_null(strstr(out, "layer.0-1/attn/scores"));
	expect("compile model.gguf -o q4.accel --format q4_0 --ctx 40", 0, NULL);
	assert_int_equal(run("info q4.accel"), 0);
	assert_non_null(strstr(out, "Q8_0, requantised, error 0.0"));
	assert_int_equal(run("info q4.accel --json"), 0);
	assert_non_null(strstr(out, "\"values\": \"requantised\""));
	assert_null(strstr(out, "\"loss\": 0.0,\n      \"values\": \"requantised\""));
	/* the same figures before anything is written */
	expect("compile model.gguf --report --format q4_0", 0, NULL);
	assert_non_null(strstr(out, "q4_0  Q8_0    requantised, relative RMS error 0.0"));
	expect("compile model.gguf --report", 0, NULL);
	assert_non_null(strstr(out, "q8_0  Q8_0    kept  token_embd.weight"));
	assert_int_equal(run("info q4.accel"), 0);
	assert_non_null(strstr(out, "40 positions"));
	expect("verify q4.accel", 0, NULL);
}

static json_t *report_json(const char *args)
{
	json_error_t e;
	json_t *j;

	assert_int_equal(run(args), 0);
	j = json_loads(out, 0, &e);
	if (!j)
		fail_msg("%s: %s", args, e.text);
	return j;
}

static double real_at(const json_t *j, const char *object, const char *key)
{
	return json_number_value(json_object_get(json_object_get(j, object), key));
}

static void test_report(void **state)
{
	json_t *j;

	(void)state;
	expect("report", 2, "no model");
	expect("report a b", 2, "more than one model");
	expect("report model.gguf --json --html", 2, "exclude each other");
	expect("report model.gguf --tokens many", 2, "--tokens: bad number \"many\"");
	expect("report model.gguf --format q5", 2, "\"q5\" is none of");
	expect("report model.gguf --tokens 0 --pos 96", 2, "the model has 96 positions");
	expect("report model.gguf -o ./model.gguf", 2, "that is an input");
	expect("report garbage --text stdin -o garbage", 2, "that is an input");
	expect("report garbage", 5, "garbage: ");
	expect("report absent.gguf", 1, "absent.gguf: No such file");
	expect("report bert.gguf", 5, "\"bert\" is not supported");
	expect("report model.gguf --tokens 0 -o no/such/folder", 1, "no/such/folder");
	expect("report model.gguf --text absent", 5, "absent: No such file");

	j = report_json("report model.gguf --json --tokens 20 --format q4_0");
	assert_string_equal(json_string_value(json_object_get(j, "format")), "q4_0");
	assert_int_equal(real_at(j, "accuracy", "tokens"), 20);
	assert_int_equal(real_at(j, "accuracy", "scored"), 19);
	assert_true(real_at(j, "accuracy", "kl_mean") > 1e-6);
	assert_true(real_at(j, "accuracy", "kl_max") >= real_at(j, "accuracy", "kl_mean"));
	assert_true(real_at(j, "accuracy", "perplexity_source") > 1);
	assert_true(real_at(j, "bits_per_weight", "source") == 8.5);
	assert_true(real_at(j, "bits_per_weight", "rom") == 4.5);
	assert_int_equal(json_array_size(json_object_get(j, "tensors")), 27);
	assert_int_equal(json_array_size(json_object_get(json_object_get(j, "rom"), "tiles")), 8);
	assert_int_equal(real_at(j, "critical_path", "position"), 48);
	json_decref(j);
	strcpy(was, out);
	assert_int_equal(run("report model.gguf --json --tokens 20 --format q4_0"), 0);
	assert_string_equal(out, was);

	/* 8-bit blocks as they are: less is lost than with 4 bits; a folder is the same model */
	j = report_json("report folder --json --tokens 20");
	assert_true(real_at(j, "bits_per_weight", "rom") == 8.5);
	json_decref(j);
	j = report_json("report model.gguf --json --tokens 0 --pos 90 --chip small");
	assert_true(json_is_null(json_object_get(j, "accuracy")));
	assert_int_equal(real_at(j, "critical_path", "position"), 90);
	assert_int_equal(json_array_size(json_object_get(json_object_get(j, "rom"), "tiles")), 2);
	json_decref(j);
	assert_int_equal(run("report model.gguf"), 0);
	assert_non_null(strstr(out, "\ncritical path"));
	assert_non_null(strstr(out, "blk.1.ffn_down.weight (kept)"));
}

/* A text of the file's own choice is text wherever it is shown. */
static void test_report_names(void **state)
{
	struct synth_model m = spec;
	char tmp[128];
	uint8_t *data;
	size_t size;
	json_t *j;

	(void)state;
	m.name = "<script>alert('1')</script> & \"\x1b[31m\xff";
	assert_int_equal(synth_build(&m, &data, &size), 0);
	write_file("odd<&'.gguf", data, size);
	free(data);
	assert_int_equal(run("report \"odd<&'.gguf\" --tokens 4 --html -o page.html"), 0);
	assert_string_equal(out, "");
	slurp("page.html", out, sizeof(out));
	assert_null(strstr(out, "<script"));
	assert_null(strchr(out, 0x1b));
	assert_non_null(strstr(out, "<h1>&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; "
				    "&quot;\xef\xbf\xbd[31m\xef\xbf\xbd</h1>"));
	assert_non_null(strstr(out, "odd&lt;&amp;&#39;.gguf"));
	/* nothing is fetched from anywhere */
	assert_null(strstr(out, "http"));
	assert_null(strstr(out, "url("));
	assert_null(strstr(out, "Relative RMS error"));
	strcpy(was, out);
	assert_int_equal(run("report \"odd<&'.gguf\" --tokens 4 --html"), 0);
	assert_string_equal(out, was);
	assert_int_equal(run("report \"odd<&'.gguf\" --tokens 4 --html --format q4_0"), 0);
	assert_non_null(strstr(out, "Relative RMS error"));
	assert_int_equal(run("report \"odd<&'.gguf\" --tokens 4"), 0);
	assert_null(strchr(out, 0x1b));
	j = report_json("report \"odd<&'.gguf\" --tokens 4 --json");
	assert_string_equal(json_string_value(json_object_get(json_object_get(j, "model"), "name")),
			    "<script>alert('1')</script> & \"\xef\xbf\xbd[31m\xef\xbf\xbd");
	json_decref(j);
	/* and nothing stays behind */
	snprintf(tmp, sizeof(tmp), "%s/tmp", dir);
	assert_int_equal(mkdir(tmp, 0700), 0);
	assert_int_equal(setenv("TMPDIR", "tmp", 1), 0); /* accelc runs in dir */
	expect("report model.gguf --tokens 2", 0, NULL);
	expect("report model.gguf --text absent", 5, NULL);
	expect("report garbage", 5, NULL);
	assert_int_equal(rmdir(tmp), 0);
	expect("report model.gguf --tokens 2", 1, "tmp");
	unsetenv("TMPDIR");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_usage),	     cmocka_unit_test(test_bad_input),
		cmocka_unit_test(test_info),	     cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_verify),	     cmocka_unit_test(test_verify_json),
		cmocka_unit_test(test_compile_json), cmocka_unit_test(test_graph),
		cmocka_unit_test(test_estimate),     cmocka_unit_test(test_passes),
		cmocka_unit_test(test_report),	     cmocka_unit_test(test_report_names),
		cmocka_unit_test(test_left_out),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("cli", tests, setup, teardown);
}
