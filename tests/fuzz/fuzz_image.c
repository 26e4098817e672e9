// SPDX-License-Identifier: MIT
/*
 * Fuzz entry of the .accel reader: open and touch everything that is handed out. Once as it is, and
 * once with file size and table CRC made right, which a fuzzer would hardly find.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rtl_model/image/crc32.h"
#include "rtl_model/image/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t sum(const void *data, size_t n)
{
	return ig1_crc32(0, data, n);
}

static volatile uint32_t sink; /* keeps the reads */

static void walk(struct ig1_image *img)
{
	const struct ig1_image_section *s;
	const char *text;
	const void *p;
	uint32_t i, k;
	size_t n;

	for (i = 0; i < ig1_image_header(img)->sections; i++) {
		s = ig1_image_section_at(img, i);
		sink += sum(ig1_image_data_at(img, i), (size_t)s->bytes);
		if (!ig1_image_section(img, s->type, s->arg, &p, &n))
			sink += sum(p, n);
	}
	for (i = 0; i < ig1_image_tensors(img); i++) {
		if (ig1_image_tensor_find(img, ig1_image_tensor_name(img, i), &k) || k != i)
			abort();
	}
	for (k = 0; k < IG1_PROGS; k++) {
		if (ig1_image_program(img, k, &p, &n))
			continue;
		for (i = 0; i < n; i++) {
			text = ig1_image_debug(img, k, i);
			sink += text ? (uint32_t)strlen(text) : 0;
		}
	}
	if (ig1_image_manifest(img))
		sink += sum(ig1_image_manifest(img), sizeof(struct ig1_image_manifest));
	ig1_image_verify(img, NULL);
	ig1_image_check_model(img, NULL);
}

static void one(const uint8_t *data, size_t size)
{
	char err[IG1_IMAGE_ERR] = "";
	struct ig1_image *img;

	if (!ig1_image_open_mem(data, size, &img, err)) {
		walk(img);
		ig1_image_close(img);
	} else if (!err[0]) {
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ig1_image_header h;
	uint8_t *copy;

	one(data, size);
	if (size < sizeof(h))
		return 0;
	memcpy(&h, data, sizeof(h));
	h.file_bytes = size;
	h.sections %= (uint32_t)((size - sizeof(h)) / sizeof(struct ig1_image_section)) + 1;
	h.table_crc = ig1_crc32(0, data + sizeof(h), h.sections * sizeof(struct ig1_image_section));
	copy = malloc(size);
	if (!copy)
		return 0;
	memcpy(copy, data, size);
	memcpy(copy, &h, sizeof(h));
	one(copy, size);
	free(copy);
	return 0;
}
