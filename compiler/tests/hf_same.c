// SPDX-License-Identifier: MIT
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "compiler/compile.h"
#include "compiler/tests/hf_same.h"
#include "compiler/tests/test_folder.h"
#include "image.h"

static char dir[64];

int hf_same_setup(void **state)
{
	(void)state;
	test_template(dir, sizeof(dir), "hf");
	return mkdtemp(dir) ? 0 : -1;
}

int hf_same_teardown(void **state)
{
	char cmd[128];

	(void)state;
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

static struct ig1_image *compile(const char *model, const void *data, size_t size, uint32_t context,
				 const char *name)
{
	struct compile_options o = { .model = model,
				     .data = data,
				     .size = size,
				     .chip = compile_chip("small"),
				     .context = context };
	struct compile_result r;
	struct ig1_image *img;
	char out[160];
	int ret;

	snprintf(out, sizeof(out), "%s/%s.accel", dir, name);
	o.out = out;
	ret = compile_model(&o, &r);
	if (ret)
		fail_msg("%s: %s", model, r.model.diag.msg);
	compile_free(&r);
	assert_int_equal(ig1_image_open(out, &img, NULL), 0);
	return img;
}

/* The folder on disk, compiled. */
static struct ig1_image *compile_folder(const struct hf_folder *d, uint32_t context,
					const char *name)
{
	char path[128], cmd[160];

	snprintf(path, sizeof(path), "%s/model", dir);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", path);
	assert_int_equal(system(cmd), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(hf_write_folder(d, path), 0);
	return compile(path, NULL, 0, context, name);
}

/* What is left out, the last section, may be there in one of the two only: that one is not looked at. */
static uint32_t n_sections(struct ig1_image *img, struct ig1_image *other)
{
	const void *data;
	size_t bytes;
	bool here = !ig1_image_section(img, IG1_SEC_LEFT_OUT, 0, &data, &bytes);
	bool there = !ig1_image_section(other, IG1_SEC_LEFT_OUT, 0, &data, &bytes);

	return ig1_image_header(img)->sections - (here && !there);
}

/*
 * Section by section; of the manifest all but the source's size and sum. NULL, or what differs; closes
 * both.
 */
static const char *difference(struct ig1_image *a, struct ig1_image *b, const uint32_t *skip)
{
	struct ig1_image_manifest x = *ig1_image_manifest(a), y = *ig1_image_manifest(b);
	const char *which = NULL;
	uint32_t i;

	x.source_bytes = y.source_bytes = 0;
	memset(x.source_sha256, 0, 32);
	memset(y.source_sha256, 0, 32);
	if (memcmp(&x, &y, sizeof(x)))
		which = "manifest";
	else if (n_sections(a, b) != n_sections(b, a))
		which = "number of sections";
	for (i = 0; !which && i < n_sections(a, b); i++) {
		const struct ig1_image_section *s = ig1_image_section_at(a, i);
		const uint32_t *k;
		bool skipped = s->type == IG1_SEC_MANIFEST;

		for (k = skip; k && *k; k++)
			skipped |= s->type == *k;
		if (!skipped &&
		    (s->bytes != ig1_image_section_at(b, i)->bytes ||
		     memcmp(ig1_image_data_at(a, i), ig1_image_data_at(b, i), s->bytes)))
			which = ig1_image_type_name(s->type);
	}
	ig1_image_close(a);
	ig1_image_close(b);
	return which;
}

void hf_same(const char *model, const void *data, size_t size, const struct hf_folder *d,
	     uint32_t context, const uint32_t *skip, const char *what)
{
	const char *which = difference(compile(model, data, size, context, "gguf"),
				       compile_folder(d, context, "folder"), skip);

	if (which)
		fail_msg("%s: %s differs", what, which);
}

bool hf_is_same(const struct hf_folder *a, const struct hf_folder *b, uint32_t context)
{
	return !difference(compile_folder(a, context, "a"), compile_folder(b, context, "b"), NULL);
}

void hf_refused(const struct hf_folder *d, const char *says)
{
	struct compile_options o = { .chip = compile_chip("small") };
	struct compile_result r;
	char path[128], cmd[160];

	snprintf(path, sizeof(path), "%s/model", dir);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", path);
	assert_int_equal(system(cmd), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(hf_write_folder(d, path), 0);
	o.model = path;
	assert_int_not_equal(compile_model(&o, &r), 0);
	if (!strstr(r.model.diag.msg, says))
		fail_msg("\"%s\" does not say \"%s\"", r.model.diag.msg, says);
	compile_free(&r);
}
