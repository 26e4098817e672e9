// SPDX-License-Identifier: MIT
/*
 * Fuzz entry of ig1-sim's vfio-user session. Input is a sequence of records:
 *
 *	u8	what: bits 0..1 how many files come along (0..3), bits 2..3 of which kind, bit 4: the
 *		bytes begin with a message header whose size is to be made right, bit 5: twin socket
 *	u16	bytes
 *	bytes
 *
 * An input whose first byte is odd is preceded by a proper version message. The chip is a mock that
 * copies memory, clocked by its worker as usual.
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "rtl_model/vfio_user/tests/mock_chip.h"
#include "rtl_model/vfio_user/vfu_proto.h"
#include "rtl_model/vfio_user/vfu_session.h"

#define FILE_BYTES 0x10000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int make_file(unsigned int kind)
{
	int fd;

	switch (kind) {
	case 0:
		fd = memfd_create("fuzz", MFD_CLOEXEC);
		if (fd >= 0 && ftruncate(fd, FILE_BYTES)) {
			close(fd);
			fd = -1;
		}
		return fd;
	case 1:
		return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	case 2:
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	default:
		return memfd_create("empty", MFD_CLOEXEC);
	}
}

/* Everything that is to be sent, looked at as a client would. */
static void take_output(struct vfu_session *s)
{
	struct vfu_header h;
	unsigned int stream;
	const void *p;
	size_t n;
	int fd;

	for (stream = 0; stream < 2; stream++) {
		for (;;) {
			n = vfu_session_output(s, stream, &p, &fd);
			if (!n)
				break;
			if (n < sizeof(h))
				abort();
			memcpy(&h, p, sizeof(h));
			/* whole messages, of known kinds; errors without a payload */
			if (h.size < sizeof(h) || h.size > n || h.flags & ~0x2fu ||
			    (h.flags & VFU_FLAG_TYPE) > VFU_TYPE_REPLY)
				abort();
			if (h.flags & VFU_FLAG_ERROR && (h.size != sizeof(h) || !h.error))
				abort();
			vfu_session_sent(s, stream, h.size);
		}
	}
}

/* As a socket would: at most what is wanted, files with the first piece. */
static int feed(struct vfu_session *s, unsigned int stream, const uint8_t *p, size_t n, int *fds,
		size_t nfds)
{
	size_t want;
	int err = 0;

	do {
		want = vfu_session_want(s, stream);
		if (!want)
			abort(); /* output is taken all the time */
		if (want > n)
			want = n;
		err = vfu_session_input(s, stream, p, want, fds, nfds);
		nfds = 0;
		take_output(s);
		p += want;
		n -= want;
	} while (n && !err);
	return err;
}

static int version(struct vfu_session *s)
{
	static const char json[] = "{\"capabilities\":{\"max_msg_fds\":8,\"write_multiple\":true,"
				   "\"twin_socket\":{\"supported\":true}}}";
	struct {
		struct vfu_header h;
		struct vfu_version v;
		char json[sizeof(json)];
	} m = { { 1, VFU_VERSION, sizeof(m.h) + sizeof(m.v) + sizeof(json), 0, 0 },
		{ VFU_MAJOR, VFU_MINOR },
		{ 0 } };

	memcpy(m.json, json, sizeof(json));
	return feed(s, 0, (const uint8_t *)&m, m.h.size, NULL, 0);
}

static void records(struct vfu_session *s, const uint8_t *data, size_t size)
{
	uint8_t bytes[65536];
	struct vfu_header h;
	unsigned int what, i, nfds;
	int fds[3];
	size_t n;

	if (size && data[0] & 1 && version(s))
		return;
	while (size >= 3) {
		what = data[0];
		n = data[1] | (size_t)data[2] << 8;
		data += 3;
		size -= 3;
		if (n > size)
			n = size;
		memcpy(bytes, data, n);
		if (what & 0x10 && n >= sizeof(h)) {
			memcpy(&h, bytes, sizeof(h));
			h.size = (uint32_t)n;
			memcpy(bytes, &h, sizeof(h));
		}
		nfds = what & 3;
		for (i = 0; i < nfds; i++)
			fds[i] = make_file(what >> 2 & 3);
		if (!n) {
			while (nfds)
				close(fds[--nfds]);
		} else if (feed(s, what >> 5 & 1, bytes, n, fds, nfds)) {
			return;
		}
		data += n;
		size -= n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pci_device_options o = { .chip = &mock_chip, .inject = true };
	struct vfu_session_options so = { 0 };
	struct vfu_session *s;

	if (pci_device_create(&o, &so.dev))
		return 0;
	if (!vfu_session_create(&so, &s)) {
		records(s, data, size);
		vfu_session_destroy(s);
	}
	pci_device_destroy(so.dev);
	if (__atomic_load_n(&mock_chips, __ATOMIC_RELAXED))
		abort();
	return 0;
}
