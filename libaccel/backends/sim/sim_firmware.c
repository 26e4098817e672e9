// SPDX-License-Identifier: MIT
/* Reading and checking firmware files. */
#include "sim_firmware.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crc32.h"

#define MAX_BYTES (IG1_MCU_SRAM_BYTES + sizeof(struct ig1_fw_header))

static int bad(struct accel_env *env, const char *name, const char *field)
{
	return env_fail(env, ACCEL_EFORMAT, "firmware %s: %s is wrong", name, field);
}

static int check(struct accel_env *env, const char *name, const uint8_t *p, size_t n,
		 struct sim_firmware *fw)
{
	struct ig1_fw_header *h = &fw->h;
	size_t i;

	if (n < sizeof(*h))
		return bad(env, name, "size");
	memcpy(h, p, sizeof(*h));
	if (h->magic != IG1_FW_MAGIC)
		return bad(env, name, "magic");
	if (h->abi >> 16 != IG1_FW_ABI >> 16)
		return env_fail(
			env, ACCEL_EVERSION, "firmware %s: ABI %u.%u, this library speaks %u.%u",
			name, h->abi >> 16, h->abi & 0xffff, IG1_FW_ABI >> 16, IG1_FW_ABI & 0xffff);
	if (h->image_bytes != n - sizeof(*h) || h->image_bytes % 4 || !h->image_bytes)
		return bad(env, name, "image_bytes");
	if (h->load_addr % 4 || h->load_addr > IG1_MCU_SRAM_BYTES ||
	    h->image_bytes > IG1_MCU_SRAM_BYTES - h->load_addr)
		return bad(env, name, "load_addr");
	for (i = 0; i < sizeof(h->pad) / sizeof(h->pad[0]); i++) {
		if (h->pad[i])
			return bad(env, name, "pad");
	}
	fw->image = p + sizeof(*h);
	if (ig1_crc32(0, fw->image, h->image_bytes) != h->crc32)
		return bad(env, name, "crc32");
	return 0;
}

int sim_firmware_load(struct accel_env *env, const char *path, struct sim_firmware *fw)
{
	size_t n;
	FILE *f;
	int err;

	memset(fw, 0, sizeof(*fw));
	if (!path || !*path)
		path = getenv("ACCEL_FIRMWARE");
	if (!path || !*path)
		return check(env, "in the library", sim_firmware_builtin,
			     sim_firmware_builtin_bytes, fw);
	fw->file = env_alloc(env, MAX_BYTES + 1);
	if (!fw->file)
		return ACCEL_ENOMEM;
	f = fopen(path, "rb");
	n = f ? fread(fw->file, 1, MAX_BYTES + 1, f) : 0;
	if (!f || ferror(f))
		err = env_fail_errno(env, f ? EIO : errno, "firmware %s", path);
	else
		err = check(env, path, fw->file, n, fw);
	if (f)
		fclose(f);
	if (err)
		sim_firmware_free(env, fw);
	return err;
}

void sim_firmware_free(struct accel_env *env, struct sim_firmware *fw)
{
	env_free(env, fw->file);
	fw->file = NULL;
}
