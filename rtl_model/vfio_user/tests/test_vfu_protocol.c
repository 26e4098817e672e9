// SPDX-License-Identifier: MIT
/* The protocol itself: versions, malformed messages field by field, streams in pieces. */
#include "vfu_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ig1_chip.h"

static void test_version(void **state)
{
	struct rig *r = *state;
	char json[400];

	assert_int_equal(vfu_client_connect(&r->c, r->path), 0);
	assert_int_equal(vfu_client_version(&r->c, RIG_CAPS, json, sizeof(json)), 0);
	assert_non_null(strstr(json, "\"max_msg_fds\":16"));
	assert_non_null(strstr(json, "\"max_data_xfer_size\":1048576"));
	assert_non_null(strstr(json, "\"max_dma_maps\":32768"));
	assert_non_null(strstr(json, "\"pgsizes\":4096"));
	assert_non_null(strstr(json, "\"write_multiple\":true"));
	/* only what was proposed */
	assert_null(strstr(json, "twin"));
	assert_null(strstr(json, "migration"));
	/* once */
	assert_int_equal(vfu_client_version(&r->c, RIG_CAPS, json, sizeof(json)), -EINVAL);
	assert_int_equal(vfu_client_get(&r->c, PCI_REGION_CONFIG, 0, 2), IG1_PCI_VENDOR);
}

static void test_version_json(void **state)
{
	static const struct {
		const char *json;
		int err;
		const char *reply;
	} rows[] = {
		{ NULL, 0, "{\"capabilities\":{}}" },
		{ "{}", 0, "{\"capabilities\":{}}" },
		{ "{\"capabilities\":{}}", 0, "{\"capabilities\":{}}" },
		{ "{\"capabilities\":{\"future\":[1]},\"x\":0}", 0, "{\"capabilities\":{}}" },
		{ "{\"capabilities\":{\"pgsizes\":4096}}", 0,
		  "{\"capabilities\":{\"pgsizes\":4096}}" },
		{ "{\"capabilities\":{\"write_multiple\":false}}", 0,
		  "{\"capabilities\":{\"write_multiple\":false}}" },
		{ "{\"capabilities\":{\"twin_socket\":{}}}", 0, "{\"capabilities\":{}}" },
		{ "{\"capabilities\":{\"twin_socket\":{\"supported\":false}}}", 0,
		  "{\"capabilities\":{}}" },
		{ "{\"capabilities\":{\"max_msg_fds\":0,\"twin_socket\":{\"supported\":true}}}", 0,
		  "{\"capabilities\":{\"max_msg_fds\":16}}" },
		{ "", -EINVAL, NULL },
		{ "[]", -EINVAL, NULL },
		{ "{", -EINVAL, NULL },
		{ "{}x", -EINVAL, NULL },
		{ "{\"capabilities\":1}", -EINVAL, NULL },
		{ "{\"capabilities\":{},\"capabilities\":{}}", -EINVAL, NULL },
		{ "{\"capabilities\":{\"max_msg_fds\":\"8\"}}", -EINVAL, NULL },
		{ "{\"capabilities\":{\"max_msg_fds\":-1}}", -EINVAL, NULL },
		{ "{\"capabilities\":{\"max_data_xfer_size\":1.5}}", -EINVAL, NULL },
		{ "{\"capabilities\":{\"max_dma_maps\":null}}", -EINVAL, NULL },
		{ "{\"capabilities\":{\"pgsizes\":[]}}", -EINVAL, NULL },
		{ "{\"capabilities\":{\"pgsizes\":99999999999999999999}}", -EINVAL, NULL },
		{ "{\"capabilities\":{\"write_multiple\":1}}", -EINVAL, NULL },
		{ "{\"capabilities\":{\"twin_socket\":true}}", -EINVAL, NULL },
		{ "{\"capabilities\":{\"twin_socket\":{\"supported\":1}}}", -EINVAL, NULL },
	};
	struct rig *r = *state;
	char json[400];
	size_t i;
	int err;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(vfu_client_connect(&r->c, r->path), 0);
		json[0] = 0;
		err = vfu_client_version(&r->c, rows[i].json, json, sizeof(json));
		if (err != rows[i].err || (!err && strcmp(json, rows[i].reply)))
			fail_msg("row %zu: %d, %s", i, err, json);
		vfu_client_close(&r->c);
		rig_expect_chips(0);
	}
}

static int raw_version(struct rig *r, const void *data, size_t n)
{
	uint8_t reply[400];
	struct vfu_call call = {
		.command = VFU_VERSION, .data = data, .n = n, .reply = reply, .room = sizeof(reply)
	};
	int err;

	assert_int_equal(vfu_client_connect(&r->c, r->path), 0);
	err = vfu_client_call(&r->c, &call);
	/* a client that was refused is dropped */
	if (err)
		assert_int_equal(recv(r->c.fd, reply, 1, 0), 0);
	vfu_client_close(&r->c);
	rig_expect_chips(0);
	return err;
}

static void test_version_numbers(void **state)
{
	static const struct vfu_version v00 = { 0, 0 }, v07 = { 0, 7 }, v10 = { 1, 0 };
	static const char unterminated[6] = { 0, 0, 0, 0, '{', '}' };
	static const char twice[9] = { 0, 0, 0, 0, '{', '}', 0, ' ', 0 };
	static char large[4 + 65536 + 2];
	struct vfu_device_info di = { .argsz = sizeof(di) };
	struct vfu_call call = { .command = VFU_DEVICE_GET_INFO, .data = &di, .n = sizeof(di) };
	struct rig *r = *state;

	assert_int_equal(raw_version(r, &v00, sizeof(v00)), 0);
	assert_int_equal(raw_version(r, &v07, sizeof(v07)), 0);
	assert_int_equal(raw_version(r, &v10, sizeof(v10)), -ENOTSUP);
	assert_int_equal(raw_version(r, &v00, 3), -EINVAL);
	assert_int_equal(raw_version(r, &v00, 0), -EINVAL);
	assert_int_equal(raw_version(r, unterminated, sizeof(unterminated)), -EINVAL);
	assert_int_equal(raw_version(r, twice, sizeof(twice)), -EINVAL);
	memset(large + 4, ' ', sizeof(large) - 5);
	assert_int_equal(raw_version(r, large, sizeof(large)), -EINVAL);
	/* anything else first */
	assert_int_equal(vfu_client_connect(&r->c, r->path), 0);
	assert_int_equal(vfu_client_call(&r->c, &call), -EINVAL);
	assert_int_equal(vfu_client_call(&r->c, &call), -EPIPE);
}

/* Sizes of payloads around what they should be, and numbers of files. */
static void test_sizes(void **state)
{
	static const struct {
		uint16_t command;
		uint16_t n; /* of a good message */
		uint16_t longer_ok, fds_ok;
	} rows[] = {
		{ VFU_DMA_MAP, sizeof(struct vfu_dma_map), 0, 1 },
		{ VFU_DMA_UNMAP, sizeof(struct vfu_dma_unmap), 0, 0 },
		{ VFU_DEVICE_GET_INFO, sizeof(struct vfu_device_info), 0, 0 },
		{ VFU_DEVICE_GET_REGION_INFO, sizeof(struct vfu_region_info), 1, 0 },
		{ VFU_DEVICE_GET_REGION_IO_FDS, sizeof(struct vfu_region_io_fds), 1, 0 },
		{ VFU_DEVICE_GET_IRQ_INFO, sizeof(struct vfu_irq_info), 0, 0 },
		{ VFU_DEVICE_SET_IRQS, sizeof(struct vfu_irq_set), 0, 0 },
		{ VFU_REGION_READ, sizeof(struct vfu_region_access), 0, 0 },
		{ VFU_REGION_WRITE, sizeof(struct vfu_region_access) + 4, 0, 0 },
		{ VFU_REGION_WRITE_MULTI, 8 + sizeof(struct vfu_region_multi), 0, 0 },
		{ VFU_DEVICE_RESET, 0, 0, 0 },
	};
	static const struct vfu_dma_map map = { sizeof(map), 3, 0, 0x1000, 0x1000 };
	static const struct vfu_dma_unmap unmap = { sizeof(unmap), VFIO_DMA_UNMAP_FLAG_ALL, 0, 0 };
	static const struct vfu_region_info region = { .argsz = sizeof(region) };
	static const struct vfu_irq_set irqs = { sizeof(irqs),
						 VFIO_IRQ_SET_DATA_NONE |
							 VFIO_IRQ_SET_ACTION_TRIGGER,
						 VFIO_PCI_MSIX_IRQ_INDEX, 0, 1 };
	static const struct vfu_region_access access = { PCI_COMMAND, PCI_REGION_CONFIG, 4 };
	struct rig *r = *state;
	uint64_t data[16], reply[64];
	size_t i, n;
	int err;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vfu_call call = { .command = rows[i].command,
					 .data = data,
					 .n = rows[i].n,
					 .reply = reply,
					 .room = sizeof(reply) };

		memset(data, 0, sizeof(data));
		switch (rows[i].command) {
		case VFU_DMA_MAP:
			memcpy(data, &map, sizeof(map));
			break;
		case VFU_DMA_UNMAP:
			memcpy(data, &unmap, sizeof(unmap));
			break;
		case VFU_DEVICE_SET_IRQS:
			memcpy(data, &irqs, sizeof(irqs));
			break;
		case VFU_REGION_READ:
		case VFU_REGION_WRITE:
			memcpy(data, &access, sizeof(access));
			break;
		case VFU_REGION_WRITE_MULTI:
			data[0] = 1;
			memcpy(data + 1, &access, sizeof(access));
			break;
		default:
			memcpy(data, &region, sizeof(region));
			break;
		}
		err = vfu_client_call(&r->c, &call);
		if (err)
			fail_msg("row %zu: good message: %d", i, err);
		for (n = 0; n < sizeof(data); n++) {
			if (n == rows[i].n || (n > rows[i].n && rows[i].longer_ok))
				continue;
			call.n = n;
			err = vfu_client_call(&r->c, &call);
			if (err != -EINVAL)
				fail_msg("row %zu: %zu bytes: %d", i, n, err);
		}
		if (rows[i].fds_ok)
			continue;
		call.n = rows[i].n;
		call.fds = &r->ram_fd;
		call.nfds = 1;
		err = vfu_client_call(&r->c, &call);
		if (err != -EINVAL)
			fail_msg("row %zu: with a file: %d", i, err);
	}
}

/* One field wrong at a time, in a message that is good otherwise. */
static void test_fields(void **state)
{
	static const struct {
		uint16_t command, field, bytes; /* of the payload */
		uint64_t value;
		int err;
	} rows[] = {
		{ VFU_DMA_MAP, 0, 4, 31, -EINVAL },
		{ VFU_DMA_MAP, 4, 4, 0x13, -EINVAL },
		{ VFU_DMA_MAP, 4, 4, ~0u, -EINVAL },
		{ VFU_DMA_MAP, 4, 4, 7, -EINVAL }, /* to be mapped, without a file */
		{ VFU_DMA_MAP, 4, 4, 11, -EINVAL },
		{ VFU_DMA_MAP, 16, 8, 0x1001, -EINVAL },
		{ VFU_DMA_MAP, 16, 8, ~0xfffull, 0 }, /* the last page */
		{ VFU_DMA_MAP, 24, 8, 0, -EINVAL },
		{ VFU_DMA_MAP, 24, 8, 0x1001, -EINVAL },
		{ VFU_DMA_MAP, 24, 8, ~0xfffull, -EINVAL },
		{ VFU_DMA_UNMAP, 0, 4, 23, -EINVAL },
		{ VFU_DMA_UNMAP, 4, 4, 1, -EINVAL },
		{ VFU_DMA_UNMAP, 4, 4, 4, -EINVAL },
		{ VFU_DMA_UNMAP, 8, 8, 0x5000, -ENOENT },
		{ VFU_DMA_UNMAP, 16, 8, 0x2000, -ENOENT },
		{ VFU_DEVICE_GET_INFO, 0, 4, 15, -EINVAL },
		{ VFU_DEVICE_GET_REGION_INFO, 0, 4, 31, -EINVAL },
		{ VFU_DEVICE_GET_REGION_INFO, 8, 4, 9, -EINVAL },
		{ VFU_DEVICE_GET_REGION_INFO, 8, 4, ~0u, -EINVAL },
		{ VFU_DEVICE_GET_REGION_IO_FDS, 0, 4, 15, -EINVAL },
		{ VFU_DEVICE_GET_REGION_IO_FDS, 4, 4, 1, -EINVAL },
		{ VFU_DEVICE_GET_REGION_IO_FDS, 8, 4, 9, -EINVAL },
		{ VFU_DEVICE_GET_IRQ_INFO, 0, 4, 15, -EINVAL },
		{ VFU_DEVICE_GET_IRQ_INFO, 8, 4, 5, -EINVAL },
		{ VFU_DEVICE_SET_IRQS, 0, 4, 19, -EINVAL },
		{ VFU_REGION_READ, 0, 8, 4093, -EINVAL },
		{ VFU_REGION_READ, 0, 8, ~0ull - 1, -EINVAL },
		{ VFU_REGION_READ, 8, 4, 1, -EINVAL },
		{ VFU_REGION_READ, 8, 4, 6, -EINVAL },
		{ VFU_REGION_READ, 8, 4, 8, -EINVAL },
		{ VFU_REGION_READ, 8, 4, ~0u, -EINVAL },
		{ VFU_REGION_READ, 12, 4, 0, -EINVAL },
		{ VFU_REGION_READ, 12, 4, 4097, -EINVAL },
		{ VFU_REGION_READ, 12, 4, ~0u, -EINVAL },
		{ VFU_REGION_WRITE, 0, 8, 4093, -EINVAL },
		{ VFU_REGION_WRITE, 8, 4, 8, -EINVAL },
		{ VFU_REGION_WRITE, 12, 4, 0, -EINVAL },
		{ VFU_REGION_WRITE, 12, 4, 3, -EINVAL },
		{ VFU_REGION_WRITE, 12, 4, 5, -EINVAL },
		{ VFU_REGION_WRITE, 12, 4, ~0u, -EINVAL },
		{ VFU_DEVICE_FEATURE, 0, 4, 8, -ENOTTY },
		{ VFU_DIRTY_PAGES, 0, 4, 0, -ENOTSUP },
		{ VFU_MIG_DATA_READ, 0, 4, 0, -ENOTSUP },
		{ VFU_MIG_DATA_WRITE, 0, 4, 0, -ENOTSUP },
		{ VFU_DMA_READ, 0, 4, 0, -ENOSYS }, /* not the client's to send */
		{ VFU_DMA_WRITE, 0, 4, 0, -ENOSYS },
		{ 0, 0, 4, 0, -ENOSYS },
		{ VFU_COMMANDS, 0, 4, 0, -ENOSYS },
		{ 0xffff, 0, 4, 0, -ENOSYS },
	};
	static const struct vfu_dma_map map = { sizeof(map), 3, 0, 0x1000, 0x1000 };
	static const struct vfu_dma_unmap unmap = { sizeof(unmap), 0, 0x1000, 0x1000 };
	static const struct vfu_region_info info = { .argsz = sizeof(info) };
	static const struct vfu_irq_set irqs = { sizeof(irqs),
						 VFIO_IRQ_SET_DATA_NONE |
							 VFIO_IRQ_SET_ACTION_TRIGGER,
						 VFIO_PCI_MSIX_IRQ_INDEX, 0, 1 };
	static const struct {
		struct vfu_region_access a;
		uint32_t v;
	} access = { { 0, PCI_REGION_CONFIG, 4 }, 0 };
	struct rig *r = *state;
	uint8_t data[64];
	uint64_t reply[64];
	size_t i, n;
	int err;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vfu_call call = { .command = rows[i].command,
					 .data = data,
					 .reply = reply,
					 .room = sizeof(reply) };
		const void *good = &info;

		n = 16;
		switch (rows[i].command) {
		case VFU_DMA_MAP:
			good = &map;
			n = sizeof(map);
			break;
		case VFU_DMA_UNMAP:
			good = &unmap;
			n = sizeof(unmap);
			break;
		case VFU_DEVICE_GET_REGION_INFO:
			n = sizeof(info);
			break;
		case VFU_DEVICE_SET_IRQS:
			good = &irqs;
			n = sizeof(irqs);
			break;
		case VFU_REGION_WRITE:
			n = 20;
			good = &access;
			break;
		case VFU_REGION_READ:
			good = &access;
			break;
		default:
			break;
		}
		memcpy(data, good, n);
		memcpy(data + rows[i].field, &rows[i].value, rows[i].bytes);
		call.n = n;
		err = vfu_client_call(&r->c, &call);
		if (err != rows[i].err)
			fail_msg("row %zu: %d", i, err);
	}
	/* and still in one piece */
	assert_int_equal(vfu_client_get(&r->c, PCI_REGION_CONFIG, 0, 2), IG1_PCI_VENDOR);
}

/* Headers that end the session, and those that do not. */
static void test_headers(void **state)
{
	static const struct {
		struct vfu_header h;
		bool fatal;
	} rows[] = {
		{ { 1, VFU_DEVICE_RESET, 15, 0, 0 }, true },
		{ { 1, VFU_DEVICE_RESET, 0, 0, 0 }, true },
		{ { 1, VFU_DEVICE_RESET, ~0u, 0, 0 }, true },
		{ { 1, VFU_DEVICE_RESET, VFU_MAX_MESSAGE + 1, 0, 0 }, true },
		{ { 1, VFU_DEVICE_RESET, 16, 2, 0 }, true },
		{ { 1, VFU_DEVICE_RESET, 16, 15, 0 }, true },
		{ { 1, VFU_DMA_READ, 16, VFU_TYPE_REPLY, 0 }, false },
		{ { 1, VFU_DMA_WRITE, 16, VFU_TYPE_REPLY | VFU_FLAG_ERROR, 5 }, false },
		{ { 1, VFU_VERSION, 16, VFU_TYPE_REPLY, 0 }, false },
		{ { 1, VFU_DEVICE_RESET, 16, VFU_FLAG_NO_REPLY, 0 }, false },
		{ { 1, 999, 16, VFU_FLAG_NO_REPLY, 0 }, false },
	};
	struct rig *r = *state;
	uint8_t byte;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(vfu_client_connect(&r->c, r->path), 0);
		assert_int_equal(vfu_client_version(&r->c, RIG_CAPS, NULL, 0), 0);
		assert_int_equal(send(r->c.fd, &rows[i].h, sizeof(rows[i].h), MSG_NOSIGNAL),
				 sizeof(rows[i].h));
		if (rows[i].fatal)
			assert_true(recv(r->c.fd, &byte, 1, 0) <= 0);
		else
			assert_int_equal(vfu_client_get(&r->c, PCI_REGION_CONFIG, 0, 2),
					 IG1_PCI_VENDOR);
		vfu_client_close(&r->c);
		rig_expect_chips(0);
	}
}

/* Byte by byte; many in one piece; half a message and gone. */
static void test_streams(void **state)
{
	struct {
		struct vfu_header h;
		struct vfu_region_access a;
	} m[50];
	uint8_t reply[16 + 16 + 2];
	struct rig *r = *state;
	size_t i, k;

	for (i = 0; i < 50; i++) {
		m[i].h = (struct vfu_header){ (uint16_t)(1000 + i), VFU_REGION_READ, 32, 0, 0 };
		m[i].a = (struct vfu_region_access){ 0, PCI_REGION_CONFIG, 2 };
	}
	for (i = 0; i < sizeof(m[0]); i++)
		assert_int_equal(send(r->c.fd, (uint8_t *)&m[0] + i, 1, MSG_NOSIGNAL), 1);
	assert_int_equal(recv(r->c.fd, reply, sizeof(reply), MSG_WAITALL), sizeof(reply));
	assert_int_equal(send(r->c.fd, m, sizeof(m), MSG_NOSIGNAL), sizeof(m));
	for (i = 0; i < 50; i++) {
		struct vfu_header h;

		assert_int_equal(recv(r->c.fd, reply, sizeof(reply), MSG_WAITALL), sizeof(reply));
		memcpy(&h, reply, sizeof(h));
		assert_int_equal(h.id, 1000 + i);
		assert_int_equal(h.flags, VFU_TYPE_REPLY);
		assert_int_equal(reply[32] | reply[33] << 8, IG1_PCI_VENDOR);
	}
	vfu_client_close(&r->c);
	for (k = 1; k < sizeof(m[0]); k += 3) {
		assert_int_equal(vfu_client_connect(&r->c, r->path), 0);
		assert_int_equal(vfu_client_version(&r->c, RIG_CAPS, NULL, 0), 0);
		assert_int_equal(send(r->c.fd, m, k, MSG_NOSIGNAL), k);
		vfu_client_close(&r->c);
		rig_expect_chips(0);
	}
}

/* Files belong to the message they came with, even among others in one go. */
static void test_files(void **state)
{
	struct rig *r = *state;
	struct vfu_dma_map map = { sizeof(map), 3, 0, RAM_BASE, RAM_BYTES };
	struct vfu_call reset = { .command = VFU_DEVICE_RESET, .flags = VFU_FLAG_NO_REPLY };
	struct vfu_call call = { .command = VFU_DMA_MAP,
				 .data = &map,
				 .n = sizeof(map),
				 .fds = &r->ram_fd,
				 .nfds = 1,
				 .flags = VFU_FLAG_NO_REPLY };
	int many[20], i;

	for (i = 0; i < 20; i++) {
		assert_int_equal(vfu_client_call(&r->c, &reset), 0);
		map.addr = RAM_BASE + (uint64_t)i * RAM_BYTES;
		assert_int_equal(vfu_client_call(&r->c, &call), 0);
		assert_int_equal(vfu_client_call(&r->c, &reset), 0);
	}
	rig_enable(r);
	rig_fill(r, 7);
	for (i = 0; i < 20; i++)
		assert_int_equal(
			rig_copy(r, RAM_BASE + 0x8000, RAM_BASE + i * (uint64_t)RAM_BYTES, 0x100),
			2);
	/* more than anybody may send */
	for (i = 0; i < 20; i++)
		many[i] = r->ram_fd;
	assert_int_equal(vfu_client_irqs(&r->c,
					 VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
					 VFIO_PCI_MSIX_IRQ_INDEX, 0, 8, many, 20),
			 -EINVAL);
	assert_int_equal(vfu_client_get(&r->c, PCI_REGION_CONFIG, 0, 2), IG1_PCI_VENDOR);
}

/* Somebody who asks and asks and never reads: the server stops listening, and lives. */
static void test_no_reader(void **state)
{
	struct {
		struct vfu_header h;
		struct vfu_region_access a;
	} m = { { 1, VFU_REGION_READ, 32, 0, 0 }, { 0, PCI_REGION_CONFIG, 4096 } };
	struct rig *r = *state;
	size_t sent = 0;
	int i;

	for (i = 0; i < 200; i++) {
		while (send(r->c.fd, &m, sizeof(m), MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
			sent++;
		assert_true(errno == EAGAIN);
		usleep(1000);
	}
	assert_true(sent > 100 && sent < 100000);
	vfu_client_close(&r->c);
	rig_expect_chips(0);
	assert_int_equal(vfu_client_connect(&r->c, r->path), 0);
	assert_int_equal(vfu_client_version(&r->c, RIG_CAPS, NULL, 0), 0);
}

#define CLIENT(f) cmocka_unit_test_setup_teardown(f, rig_client, rig_teardown)
#define SERVER(f) cmocka_unit_test_setup_teardown(f, rig_server, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVER(test_version), SERVER(test_version_json), SERVER(test_version_numbers),
		CLIENT(test_sizes),   CLIENT(test_fields),	 SERVER(test_headers),
		CLIENT(test_streams), CLIENT(test_files),	 CLIENT(test_no_reader),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
