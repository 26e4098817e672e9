// SPDX-License-Identifier: MIT
#include "compiler/tests/hf_writer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *must(void *p)
{
	if (!p)
		abort();
	return p;
}

void hf_folder_free(struct hf_folder *d)
{
	size_t i;

	for (i = 0; i < d->n; i++) {
		free((void *)d->file[i].name);
		free((void *)d->file[i].data);
	}
	free(d->header);
	free(d->data);
	*d = (struct hf_folder){ 0 };
}

void hf_remove(struct hf_folder *d, const char *name)
{
	size_t i;

	for (i = 0; i < d->n; i++) {
		if (strcmp(d->file[i].name, name))
			continue;
		free((void *)d->file[i].name);
		free((void *)d->file[i].data);
		d->file[i] = d->file[--d->n];
		return;
	}
}

void hf_put(struct hf_folder *d, const char *name, const void *data, size_t n)
{
	uint8_t *copy = must(malloc(n ? n : 1));

	if (n)
		memcpy(copy, data, n);
	hf_remove(d, name);
	if (d->n == HF_MAX_FILES)
		abort();
	d->file[d->n++] = (struct gguf_part){ must(strdup(name)), copy, n };
}

void hf_put_text(struct hf_folder *d, const char *name, const char *text)
{
	hf_put(d, name, text, strlen(text));
}

const struct gguf_part *hf_find(const struct hf_folder *d, const char *name)
{
	size_t i;

	for (i = 0; i < d->n; i++) {
		if (!strcmp(d->file[i].name, name))
			return &d->file[i];
	}
	return NULL;
}

static void append(void *buf, size_t *size, size_t *room, const void *p, size_t n)
{
	uint8_t **b = buf;

	while (*size + n > *room) {
		*room = *room ? 2 * *room : 4096;
		*b = must(realloc(*b, *room));
	}
	if (n)
		memcpy(*b + *size, p, n);
	*size += n;
}

static void add_text(struct hf_folder *d, const char *fmt, ...)
{
	char buf[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	append(&d->header, &d->header_size, &d->header_room, buf, (size_t)n);
}

void hf_tensor(struct hf_folder *d, const char *name, const char *dtype, const uint64_t *shape,
	       const void *data, size_t bytes)
{
	size_t begin = d->data_size, i;

	add_text(d, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[",
		 d->header_size ? "," : "{\"__metadata__\":{\"format\":\"pt\"},", name, dtype);
	for (i = 0; shape[i]; i++)
		add_text(d, "%s%llu", i ? "," : "", (unsigned long long)shape[i]);
	add_text(d, "],\"data_offsets\":[%zu,%zu]}", begin, begin + bytes);
	append(&d->data, &d->data_size, &d->data_room, data, bytes);
}

void hf_finish_file(struct hf_folder *d, const char *name)
{
	uint8_t *all;
	uint64_t n;

	add_text(d, d->header_size ? "}" : "{}");
	while (d->header_size % 8)
		add_text(d, " ");
	n = d->header_size;
	all = must(malloc(8 + d->header_size + d->data_size));
	memcpy(all, &n, 8);
	memcpy(all + 8, d->header, d->header_size);
	if (d->data_size)
		memcpy(all + 8 + d->header_size, d->data, d->data_size);
	hf_put(d, name, all, 8 + d->header_size + d->data_size);
	free(all);
	d->header_size = 0;
	d->data_size = 0;
}

int hf_write_folder(const struct hf_folder *d, const char *path)
{
	char name[512];
	size_t i;
	FILE *f;

	for (i = 0; i < d->n; i++) {
		snprintf(name, sizeof(name), "%s/%s", path, d->file[i].name);
		f = fopen(name, "wb");
		if (!f)
			return -1;
		if (fwrite(d->file[i].data, 1, d->file[i].size, f) != d->file[i].size) {
			fclose(f);
			return -1;
		}
		if (fclose(f))
			return -1;
	}
	return 0;
}
