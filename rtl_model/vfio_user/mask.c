// SPDX-License-Identifier: MIT
/* Reading the mask. The device tree is only looked into for the chip's configuration. */
#include "mask.h"

#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <string.h>

#include "ig1_chip.h"
#include "image.h"

static int fail(char err[MASK_ERR], const char *what)
{
	snprintf(err, MASK_ERR, "%s", what);
	return -EINVAL;
}

static int section(struct mask_file *m, uint32_t type, const void **data, size_t *n,
		   char err[MASK_ERR])
{
	int ret = ig1_image_section(m->image, type, 0, data, n);

	if (ret)
		snprintf(err, MASK_ERR, "section %s: %s", ig1_image_type_name(type),
			 ret == -ENOENT ? "missing" : "checksum is wrong");
	return ret ? -EINVAL : 0;
}

static const void *property(const struct mask_file *m, const char *path, const char *name, int *n)
{
	int node = fdt_path_offset(m->fdt, path);

	return node < 0 ? NULL : fdt_getprop(m->fdt, node, name, n);
}

static int read_tree(struct mask_file *m, char err[MASK_ERR])
{
	const char *config;
	const void *id;
	int n;

	if (m->fdt_bytes < sizeof(struct fdt_header) || m->fdt_bytes > IG1_FDT_WINDOW_BYTES ||
	    fdt_check_full(m->fdt, m->fdt_bytes))
		return fail(err, "device tree: not a valid blob");
	config = property(m, IG1_FDT_CHIP, IG1_FDT_CHIP_CONFIG, &n);
	if (!config || n < 2 || (size_t)n > sizeof(m->config) || config[n - 1])
		return fail(err, "device tree: " IG1_FDT_CHIP ": " IG1_FDT_CHIP_CONFIG
				 " is missing or malformed");
	memcpy(m->config, config, (size_t)n);
	id = property(m, IG1_FDT_MASK, IG1_FDT_MASK_MASK_ID, &n);
	if (!id || n != sizeof(m->id))
		return fail(err, "device tree: " IG1_FDT_MASK ": " IG1_FDT_MASK_MASK_ID
				 " is missing or malformed");
	memcpy(m->id, id, sizeof(m->id));
	return 0;
}

int mask_open(struct mask_file *m, const char *path, char err[MASK_ERR])
{
	const void *rom, *crom;
	char text[IG1_IMAGE_ERR] = "";
	int ret;

	memset(m, 0, sizeof(*m));
	ret = ig1_image_open(path, &m->image, text);
	if (ret) {
		snprintf(err, MASK_ERR, "%s", text[0] ? text : strerror(-ret));
		return ret;
	}
	ret = section(m, IG1_SEC_ROM, &rom, &m->mask.rom_bytes, err);
	if (!ret)
		ret = section(m, IG1_SEC_FDT, &m->fdt, &m->fdt_bytes, err);
	if (ret)
		return ret;
	m->mask.rom = rom;
	/* a mask need not have constants */
	ret = ig1_image_section(m->image, IG1_SEC_CROM, 0, &crom, &m->mask.crom_bytes);
	if (ret && ret != -ENOENT)
		return fail(err, "section crom: checksum is wrong");
	m->mask.crom = ret ? NULL : crom;
	if (ret)
		m->mask.crom_bytes = 0;
	return read_tree(m, err);
}

void mask_close(struct mask_file *m)
{
	if (m->image)
		ig1_image_close(m->image);
	m->image = NULL;
}

uint64_t mask_serial(const struct mask_file *m)
{
	uint64_t v = 0;
	int i;

	for (i = 0; i < 8; i++)
		v = v << 8 | m->id[i];
	return v;
}
