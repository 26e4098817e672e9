// SPDX-License-Identifier: MIT
/* Reading the chip's device tree. */
#include "chipfdt.h"

#include <libfdt.h>
#include <string.h>

struct reader {
	struct accel_env *env;
	const void *fdt;
	const char *path;
	int node;
};

static int bad(const struct reader *r, const char *prop)
{
	return env_fail(r->env, ACCEL_EFORMAT, "device tree: %s: %s is missing or malformed",
			r->path, prop);
}

static int open_node(struct reader *r, const char *path)
{
	r->path = path;
	r->node = fdt_path_offset(r->fdt, path);
	if (r->node < 0)
		return env_fail(r->env, ACCEL_EFORMAT, "device tree: no node %s", path);
	return 0;
}

static int get_u32(const struct reader *r, const char *prop, uint32_t *v)
{
	const void *p;
	int n;

	p = fdt_getprop(r->fdt, r->node, prop, &n);
	if (!p || n != 4)
		return bad(r, prop);
	*v = fdt32_ld(p);
	return 0;
}

static int get_u64(const struct reader *r, const char *prop, uint64_t *v)
{
	const void *p;
	int n;

	p = fdt_getprop(r->fdt, r->node, prop, &n);
	if (!p || n != 8)
		return bad(r, prop);
	*v = fdt64_ld(p);
	return 0;
}

static int get_string(const struct reader *r, const char *prop, char *buf)
{
	const char *p;
	int n;

	p = fdt_getprop(r->fdt, r->node, prop, &n);
	if (!p || n < 1 || p[n - 1])
		return bad(r, prop);
	/* A longer name is cut, it is for people only. */
	n = n > CHIPFDT_STRING ? CHIPFDT_STRING : n;
	memcpy(buf, p, (size_t)n);
	buf[n - 1] = 0;
	return 0;
}

/* struct ig1_config chooses its own widths, hence a copy through a number of the property's. */
#define GET(r, bits, prop, dst)                  \
	do {                                     \
		uint##bits##_t v_;               \
		err = get_u##bits(r, prop, &v_); \
		if (err)                         \
			return err;              \
		(dst) = (__typeof__(dst))v_;     \
	} while (0)

static int read_chip(struct reader *r, struct chipfdt *out)
{
	struct ig1_config *c = &out->cfg;
	int err;

	err = open_node(r, IG1_FDT_CHIP);
	if (!err)
		err = get_string(r, IG1_FDT_CHIP_CONFIG, out->config);
	if (err)
		return err;
	c->name = out->config;
	GET(r, 32, IG1_FDT_CHIP_TILES, c->tiles);
	GET(r, 32, IG1_FDT_CHIP_ROWS, c->rows);
	GET(r, 32, IG1_FDT_CHIP_COLUMNS, c->columns);
	GET(r, 32, IG1_FDT_CHIP_LANES, c->lanes);
	GET(r, 32, IG1_FDT_CHIP_MEM_BYTES, c->mem_bytes);
	GET(r, 32, IG1_FDT_CHIP_SCRATCH_BYTES, c->scratch_bytes);
	GET(r, 64, IG1_FDT_CHIP_SRAM_BYTES, c->sram_bytes);
	GET(r, 64, IG1_FDT_CHIP_ROM_BYTES, c->rom_bytes);
	GET(r, 64, IG1_FDT_CHIP_CROM_BYTES, c->crom_bytes);
	GET(r, 64, IG1_FDT_CHIP_CLOCK_FREQUENCY, c->clock_hz);
	if (!c->tiles || !c->rows || !c->columns || !c->lanes)
		return bad(r, "tiles, rows, columns or lanes");
	if (!c->scratch_bytes || c->scratch_bytes % IG1_PAGE_BYTES)
		return bad(r, IG1_FDT_CHIP_SCRATCH_BYTES);
	if (c->sram_bytes % IG1_PAGE_BYTES || c->sram_bytes > UINT64_C(1) << 40)
		return bad(r, IG1_FDT_CHIP_SRAM_BYTES);
	return 0;
}

static int read_model(struct reader *r, struct chipfdt *out)
{
	int err;

	err = open_node(r, IG1_FDT_MODEL);
	if (!err)
		err = get_string(r, IG1_FDT_MODEL_NAME, out->name);
	if (!err)
		err = get_string(r, IG1_FDT_MODEL_ARCH, out->arch);
	if (!err)
		err = get_string(r, IG1_FDT_MODEL_FORMAT, out->format);
	if (err)
		return err;
	GET(r, 32, IG1_FDT_MODEL_LAYERS, out->layers);
	GET(r, 32, IG1_FDT_MODEL_WIDTH, out->width);
	GET(r, 32, IG1_FDT_MODEL_VOCAB, out->vocab);
	GET(r, 32, IG1_FDT_MODEL_CONTEXT, out->context);
	GET(r, 32, IG1_FDT_MODEL_HEADS, out->heads);
	GET(r, 32, IG1_FDT_MODEL_KV_HEADS, out->kv_heads);
	GET(r, 32, IG1_FDT_MODEL_HEAD_SIZE, out->head_size);
	return 0;
}

int chipfdt_read(struct accel_env *env, const void *fdt, size_t bytes, struct chipfdt *out)
{
	struct reader r = { .env = env, .fdt = fdt };
	const void *id;
	int err, n;

	memset(out, 0, sizeof(*out));
	if (bytes < sizeof(struct fdt_header) || bytes > INT32_MAX || fdt_check_full(fdt, bytes))
		return env_fail(env, ACCEL_EFORMAT, "device tree: not a valid blob");
	err = open_node(&r, IG1_FDT_ROOT);
	if (err)
		return err;
	if (fdt_node_check_compatible(fdt, r.node, IG1_FDT_ROOT_COMPATIBLE_VALUE))
		return bad(&r, IG1_FDT_ROOT_COMPATIBLE);
	err = get_u32(&r, IG1_FDT_ROOT_SPEC, &out->spec);
	if (err)
		return err;
	if (out->spec >> 16 != IG1_SPEC_VERSION >> 16)
		return env_fail(env, ACCEL_EVERSION,
				"device tree: specification %u.%u, this library speaks %u.%u",
				out->spec >> 16, out->spec & 0xffff, IG1_SPEC_VERSION >> 16,
				IG1_SPEC_VERSION & 0xffff);
	err = read_chip(&r, out);
	if (!err)
		err = open_node(&r, IG1_FDT_MASK);
	if (err)
		return err;
	id = fdt_getprop(fdt, r.node, IG1_FDT_MASK_MASK_ID, &n);
	if (!id || n != sizeof(out->mask_id))
		return bad(&r, IG1_FDT_MASK_MASK_ID);
	memcpy(out->mask_id, id, sizeof(out->mask_id));
	return read_model(&r, out);
}
