// SPDX-License-Identifier: MIT
/* Device tree of the model, written by libfdt. */
#include <string.h>

#include <libfdt.h>

#include "chip.h"
#include "tree.h"

static int string(void *fdt, const char *name, const char *value)
{
	return fdt_property_string(fdt, name, value);
}

int tree_make(void *buf, int room, const struct tree_values *v)
{
	uint8_t id[32] = { 1, 2, 3 };
	int e = 0;

	e |= fdt_create(buf, room);
	e |= fdt_finish_reservemap(buf);
	e |= fdt_begin_node(buf, "");
	e |= string(buf, IG1_FDT_ROOT_COMPATIBLE, v->compatible);
	e |= fdt_property_u32(buf, IG1_FDT_ROOT_SPEC, v->spec);
	e |= fdt_begin_node(buf, IG1_FDT_CHIP + 1);
	e |= string(buf, IG1_FDT_CHIP_CONFIG, "small");
	e |= fdt_property_u32(buf, IG1_FDT_CHIP_TILES, 2);
	e |= fdt_property_u32(buf, IG1_FDT_CHIP_ROWS, 4);
	e |= fdt_property_u32(buf, IG1_FDT_CHIP_COLUMNS, 2);
	e |= fdt_property_u32(buf, IG1_FDT_CHIP_LANES, 8);
	e |= fdt_property_u32(buf, IG1_FDT_CHIP_MEM_BYTES, 32);
	e |= fdt_property_u32(buf, IG1_FDT_CHIP_SCRATCH_BYTES, 0x40000);
	e |= fdt_property_u64(buf, IG1_FDT_CHIP_SRAM_BYTES, v->sram_bytes);
	e |= fdt_property_u64(buf, IG1_FDT_CHIP_ROM_BYTES, v->rom_bytes);
	e |= fdt_property_u64(buf, IG1_FDT_CHIP_CROM_BYTES, 4096);
	e |= fdt_property_u64(buf, IG1_FDT_CHIP_CLOCK_FREQUENCY, 1000000000);
	e |= fdt_end_node(buf);
	e |= fdt_begin_node(buf, IG1_FDT_MASK + 1);
	e |= fdt_property(buf, IG1_FDT_MASK_MASK_ID, id, v->mask_id_bytes);
	e |= fdt_property_u32(buf, IG1_FDT_MASK_ROM_CHECK, v->rom_check);
	e |= fdt_end_node(buf);
	e |= fdt_begin_node(buf, IG1_FDT_MODEL + 1);
	e |= string(buf, IG1_FDT_MODEL_NAME, "a model");
	e |= string(buf, IG1_FDT_MODEL_ARCH, "llama");
	e |= fdt_property_u32(buf, IG1_FDT_MODEL_LAYERS, 2);
	e |= fdt_property_u32(buf, IG1_FDT_MODEL_WIDTH, 64);
	e |= fdt_property_u32(buf, IG1_FDT_MODEL_VOCAB, 512);
	e |= fdt_property_u32(buf, IG1_FDT_MODEL_CONTEXT, 256);
	e |= fdt_property_u32(buf, IG1_FDT_MODEL_HEADS, 4);
	e |= fdt_property_u32(buf, IG1_FDT_MODEL_KV_HEADS, 2);
	e |= fdt_property_u32(buf, IG1_FDT_MODEL_HEAD_SIZE, 16);
	if (!v->skip_last)
		e |= string(buf, IG1_FDT_MODEL_FORMAT, "q8_0");
	e |= fdt_end_node(buf);
	e |= fdt_end_node(buf);
	e |= fdt_finish(buf);
	return e ? -1 : (int)fdt_totalsize(buf);
}

void tree_defaults(struct tree_values *v)
{
	memset(v, 0, sizeof(*v));
	v->compatible = IG1_FDT_ROOT_COMPATIBLE_VALUE;
	v->spec = IG1_SPEC_VERSION;
	v->sram_bytes = CHIP_SRAM_BYTES;
	v->rom_bytes = CHIP_ROM_BYTES;
	v->mask_id_bytes = 32;
}

int chip_make_tree(struct chip *c)
{
	struct tree_values v;
	int n;

	tree_defaults(&v);
	v.rom_check = chip_rom_check(c);
	n = tree_make(c->fdt, sizeof(c->fdt), &v);
	c->fdt_size = n > 0 ? (uint32_t)n : 0;
	return n > 0 ? 0 : -1;
}
