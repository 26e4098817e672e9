/* SPDX-License-Identifier: MIT */
/* A vhost-user client's memory and a device of plain bytes behind struct vu, for test and fuzzer. */
#ifndef VHOST_USER_RIG_H
#define VHOST_USER_RIG_H

#include <errno.h>
#include <string.h>

#include "rtl_model/vfio_user/vhost_user.h"

#define RIG_ADDR  0x100000ull /* of the memory, as the device sees it */
#define RIG_USER  0x7f0000ull /* as the client names it */
#define RIG_BYTES 0x40000u
#define RIG_BAR	  0x1000u

struct rig {
	struct vu vu;
	uint8_t mem[RIG_BYTES];
	uint8_t config[VU_CONFIG_BYTES];
	uint8_t bar[RIG_BAR]; /* BAR0; there is no other */
	bool mapped, blocked; /* blocked: calls meet -EAGAIN */
	unsigned calls, reads, writes;
	int send_fd;
};

static int rig_map(void *ctx, uint64_t addr, uint64_t size, int fd, uint64_t offset)
{
	struct rig *r = ctx;

	if (fd < 0 || offset || addr != RIG_ADDR || size > RIG_BYTES)
		return -EINVAL;
	r->mapped = true;
	return 0;
}

static void rig_unmap_all(void *ctx)
{
	((struct rig *)ctx)->mapped = false;
}

static uint8_t *rig_at(struct rig *r, uint64_t addr, size_t n)
{
	if (!r->mapped || addr < RIG_ADDR || addr - RIG_ADDR > RIG_BYTES ||
	    n > RIG_BYTES - (addr - RIG_ADDR))
		return NULL;
	return r->mem + (addr - RIG_ADDR);
}

static int rig_mem_read(void *ctx, uint64_t addr, void *buf, size_t n)
{
	const uint8_t *p = rig_at(ctx, addr, n);

	if (!p)
		return -EFAULT;
	memcpy(buf, p, n);
	return 0;
}

static int rig_mem_write(void *ctx, uint64_t addr, const void *buf, size_t n)
{
	uint8_t *p = rig_at(ctx, addr, n);

	if (!p)
		return -EFAULT;
	memcpy(p, buf, n);
	return 0;
}

static int rig_config_read(void *ctx, uint32_t offset, void *buf, size_t n)
{
	struct rig *r = ctx;

	r->reads++;
	memcpy(buf, r->config + offset, n);
	return 0;
}

static int rig_config_write(void *ctx, uint32_t offset, const void *buf, size_t n)
{
	struct rig *r = ctx;

	r->writes++;
	memcpy(r->config + offset, buf, n);
	return 0;
}

static int rig_bar_read(void *ctx, unsigned bar, uint64_t offset, void *buf, size_t n)
{
	struct rig *r = ctx;

	if (bar || offset > RIG_BAR || n > RIG_BAR - offset)
		return -EINVAL;
	r->reads++;
	memcpy(buf, r->bar + offset, n);
	return 0;
}

static int rig_bar_write(void *ctx, unsigned bar, uint64_t offset, const void *buf, size_t n)
{
	struct rig *r = ctx;

	if (bar || offset > RIG_BAR || n > RIG_BAR - offset)
		return -EINVAL;
	r->writes++;
	memcpy(r->bar + offset, buf, n);
	return 0;
}

static int rig_send(void *ctx, const void *message, size_t n)
{
	static const uint32_t call[5] = { VU_BACKEND_VRING_CALL, VU_FLAG_VERSION, 8, 1, 0 };
	struct rig *r = ctx;

	if (r->blocked)
		return -EAGAIN;
	if (n == sizeof(call) && !memcmp(message, call, n))
		r->calls++;
	return 0;
}

static int rig_set_send_fd(void *ctx, int fd)
{
	((struct rig *)ctx)->send_fd = fd;
	return 0;
}

static const struct vu_ops rig_ops = {
	.mem_map = rig_map,
	.mem_unmap_all = rig_unmap_all,
	.mem_read = rig_mem_read,
	.mem_write = rig_mem_write,
	.config_read = rig_config_read,
	.config_write = rig_config_write,
	.bar_read = rig_bar_read,
	.bar_write = rig_bar_write,
	.send = rig_send,
	.set_send_fd = rig_set_send_fd,
};

#endif
