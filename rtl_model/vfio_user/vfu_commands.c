// SPDX-License-Identifier: MIT
/* What the client may ask for. */
#include <errno.h>
#include <linux/vfio.h>
#include <string.h>

#include "vfu_internal.h"

static int dma_map(struct vfu_session *s, struct vfu_message *m)
{
	const uint32_t flags = VFU_MAP_READ | VFU_MAP_WRITE | VFU_MAP_MMAP | VFU_MAP_FILE;
	struct dma_region r = { 0 };
	struct vfu_dma_map map;

	memcpy(&map, m->data, sizeof(map));
	if (map.argsz < sizeof(map) || map.flags & ~flags ||
	    (map.flags & VFU_MAP_MMAP && map.flags & VFU_MAP_FILE))
		return -EINVAL;
	r.addr = map.addr;
	r.size = map.size;
	r.prot = (map.flags & VFU_MAP_READ ? DMA_READ : 0) |
		 (map.flags & VFU_MAP_WRITE ? DMA_WRITE : 0);
	if (map.flags & VFU_MAP_FILE)
		r.mode = DMA_FILE;
	else if (map.flags & VFU_MAP_MMAP || m->nfds)
		r.mode = DMA_MMAP;
	else
		r.mode = DMA_MESSAGE;
	if (r.mode != DMA_MESSAGE)
		r.offset = map.offset;
	return pci_device_dma_map(s->o.dev, &r, m->nfds ? m->fds[0] : -1);
}

static int dma_unmap(struct vfu_session *s, struct vfu_message *m)
{
	struct vfu_dma_unmap unmap;
	int err = 0;

	memcpy(&unmap, m->data, sizeof(unmap));
	if (unmap.argsz < sizeof(unmap) || unmap.flags & ~VFIO_DMA_UNMAP_FLAG_ALL)
		return -EINVAL;
	if (unmap.flags & VFIO_DMA_UNMAP_FLAG_ALL)
		pci_device_dma_unmap_all(s->o.dev);
	else
		err = pci_device_dma_unmap(s->o.dev, unmap.addr, unmap.size);
	if (err)
		return err;
	memcpy(s->reply, &unmap, sizeof(unmap));
	s->reply_n = sizeof(unmap);
	return 0;
}

static int get_info(struct vfu_session *s, struct vfu_message *m)
{
	struct vfu_device_info info;

	memcpy(&info, m->data, sizeof(info));
	if (info.argsz < sizeof(info))
		return -EINVAL;
	info.argsz = sizeof(info);
	info.flags = VFIO_DEVICE_FLAGS_RESET | VFIO_DEVICE_FLAGS_PCI;
	info.regions = VFIO_PCI_NUM_REGIONS;
	info.irqs = VFIO_PCI_NUM_IRQS;
	memcpy(s->reply, &info, sizeof(info));
	s->reply_n = sizeof(info);
	return 0;
}

/* Everything is trapped: a register access is an event for the chip. */
static int get_region_info(struct vfu_session *s, struct vfu_message *m)
{
	struct vfu_region_info info;

	memcpy(&info, m->data, sizeof(info));
	if (info.argsz < sizeof(info) || info.index >= VFIO_PCI_NUM_REGIONS)
		return -EINVAL;
	info.argsz = sizeof(info);
	info.size = pci_device_region_size(info.index);
	info.flags = info.size ? VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE : 0;
	info.cap_offset = 0;
	info.offset = 0;
	memcpy(s->reply, &info, sizeof(info));
	s->reply_n = sizeof(info);
	return 0;
}

/* None: a doorbell that bypasses the client would overtake the writes before it. */
static int get_region_io_fds(struct vfu_session *s, struct vfu_message *m)
{
	struct vfu_region_io_fds info;

	memcpy(&info, m->data, sizeof(info));
	if (info.argsz < sizeof(info) || info.flags || info.index >= VFIO_PCI_NUM_REGIONS)
		return -EINVAL;
	info.argsz = sizeof(info);
	info.count = 0;
	memcpy(s->reply, &info, sizeof(info));
	s->reply_n = sizeof(info);
	return 0;
}

static int region_read(struct vfu_session *s, struct vfu_message *m)
{
	struct vfu_region_access a;
	int err;

	memcpy(&a, m->data, sizeof(a));
	if (!a.count || a.count > VFU_MAX_XFER || a.count > s->client_xfer)
		return -EINVAL;
	err = pci_device_read(s->o.dev, a.region, a.offset, s->reply + sizeof(a), a.count);
	if (err)
		return err;
	memcpy(s->reply, &a, sizeof(a));
	s->reply_n = sizeof(a) + a.count;
	return 0;
}

static int region_write(struct vfu_session *s, struct vfu_message *m)
{
	struct vfu_region_access a;
	int err;

	memcpy(&a, m->data, sizeof(a));
	if (!a.count || a.count != m->n - sizeof(a))
		return -EINVAL;
	err = pci_device_write(s->o.dev, a.region, a.offset, m->data + sizeof(a), a.count);
	if (err)
		return err;
	memcpy(s->reply, &a, sizeof(a));
	s->reply_n = sizeof(a);
	return 0;
}

static int region_write_multi(struct vfu_session *s, struct vfu_message *m)
{
	struct vfu_region_multi w;
	uint64_t count, i, done = 0;
	size_t room = m->n - sizeof(count);
	int err = 0;

	if (!s->write_multi)
		return -EINVAL;
	memcpy(&count, m->data, sizeof(count));
	if (count > room / sizeof(w) || count * sizeof(w) != room)
		return -EINVAL;
	for (i = 0; i < count && !err; i++) {
		memcpy(&w, m->data + sizeof(count) + i * sizeof(w), sizeof(w));
		if (!w.count || w.count > sizeof(w.data))
			err = -EINVAL;
		else
			err = pci_device_write(s->o.dev, w.region, w.offset, w.data, w.count);
		done += !err;
	}
	if (err)
		return err;
	memcpy(s->reply, &done, sizeof(done));
	s->reply_n = sizeof(done);
	return 0;
}

static int device_reset(struct vfu_session *s, struct vfu_message *m)
{
	(void)m;
	pci_device_reset(s->o.dev);
	return 0;
}

/* All device features are about migration, which there is not; VFIO's answer to an unknown one. */
static int device_feature(struct vfu_session *s, struct vfu_message *m)
{
	(void)s;
	(void)m;
	return -ENOTTY;
}

static int not_supported(struct vfu_session *s, struct vfu_message *m)
{
	(void)s;
	(void)m;
	return -ENOTSUP;
}

#define DATA VFU_MAX_MESSAGE

static const struct {
	int (*run)(struct vfu_session *s, struct vfu_message *m);
	size_t min, max; /* payload */
	size_t fds;
} commands[VFU_COMMANDS] = {
	[VFU_VERSION] = { vfu_version, sizeof(struct vfu_version), DATA, 0 },
	[VFU_DMA_MAP] = { dma_map, sizeof(struct vfu_dma_map), sizeof(struct vfu_dma_map), 1 },
	[VFU_DMA_UNMAP] = { dma_unmap, sizeof(struct vfu_dma_unmap), sizeof(struct vfu_dma_unmap),
			    0 },
	[VFU_DEVICE_GET_INFO] = { get_info, sizeof(struct vfu_device_info),
				  sizeof(struct vfu_device_info), 0 },
	[VFU_DEVICE_GET_REGION_INFO] = { get_region_info, sizeof(struct vfu_region_info), DATA, 0 },
	[VFU_DEVICE_GET_REGION_IO_FDS] = { get_region_io_fds, sizeof(struct vfu_region_io_fds),
					   DATA, 0 },
	[VFU_DEVICE_GET_IRQ_INFO] = { vfu_get_irq_info, sizeof(struct vfu_irq_info),
				      sizeof(struct vfu_irq_info), 0 },
	[VFU_DEVICE_SET_IRQS] = { vfu_set_irqs, sizeof(struct vfu_irq_set), DATA, VFU_MAX_FDS },
	[VFU_REGION_READ] = { region_read, sizeof(struct vfu_region_access),
			      sizeof(struct vfu_region_access), 0 },
	[VFU_REGION_WRITE] = { region_write, sizeof(struct vfu_region_access), DATA, 0 },
	[VFU_DEVICE_RESET] = { device_reset, 0, 0, 0 },
	[VFU_DIRTY_PAGES] = { not_supported, 0, DATA, 0 },
	[VFU_REGION_WRITE_MULTI] = { region_write_multi, sizeof(uint64_t), DATA, 0 },
	[VFU_DEVICE_FEATURE] = { device_feature, 8, DATA, 0 },
	[VFU_MIG_DATA_READ] = { not_supported, 0, DATA, 0 },
	[VFU_MIG_DATA_WRITE] = { not_supported, 0, DATA, 0 },
};

int vfu_command(struct vfu_session *s, struct vfu_message *m)
{
	s->reply_n = 0;
	if (!s->negotiated && m->h.command != VFU_VERSION)
		return -EINVAL;
	if (m->h.command >= VFU_COMMANDS || !commands[m->h.command].run)
		return -ENOSYS;
	if (m->n < commands[m->h.command].min || m->n > commands[m->h.command].max ||
	    m->nfds > commands[m->h.command].fds)
		return -EINVAL;
	return commands[m->h.command].run(s, m);
}
