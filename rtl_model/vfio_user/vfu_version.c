// SPDX-License-Identifier: MIT
/* The first message: versions and capabilities. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vfu_internal.h"

#define MAX_JSON 65536u

/*
 * Capabilities that were proposed are answered, others not. Numbers say what the sender takes, so
 * only the size of data concerns this side.
 */
static int offer(json_t *theirs, json_t *ours, const char *name, json_int_t value)
{
	const json_t *v = json_object_get(theirs, name);

	if (!v)
		return 0;
	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return -EINVAL;
	return json_object_set_new(ours, name, json_integer(value)) ? -ENOMEM : 0;
}

static int offer_multi(struct vfu_session *s, json_t *theirs, json_t *ours)
{
	const json_t *v = json_object_get(theirs, "write_multiple");

	if (!v)
		return 0;
	if (!json_is_boolean(v))
		return -EINVAL;
	s->write_multi = json_is_true(v);
	return json_object_set_new(ours, "write_multiple", json_boolean(s->write_multi)) ? -ENOMEM
											 : 0;
}

/* A second socket for requests to the client: its end goes with the reply. */
static int offer_twin(struct vfu_session *s, json_t *theirs, json_t *ours)
{
	const json_t *v = json_object_get(theirs, "twin_socket"), *on, *fds;
	int pair[2];
	json_t *answer;

	if (!v)
		return 0;
	on = json_object_get(v, "supported");
	if (!json_is_object(v) || (on && !json_is_boolean(on)))
		return -EINVAL;
	fds = json_object_get(theirs, "max_msg_fds");
	if (!json_is_true(on) || (fds && json_integer_value(fds) < 1))
		return 0;
	answer = json_pack("{s:b, s:i}", "supported", 1, "fd_index", 0);
	if (!answer || json_object_set_new(ours, "twin_socket", answer))
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair))
		return -errno;
	/* a socket's file flags go with it, and clients expect ordinary ones */
	fcntl(pair[1], F_SETFL, 0);
	s->twin = pair[0];
	s->twin_client = pair[1];
	return 0;
}

static int capabilities(struct vfu_session *s, json_t *theirs, json_t *ours)
{
	const json_t *v;
	int err;

	err = offer(theirs, ours, "max_msg_fds", VFU_MAX_FDS);
	if (!err)
		err = offer(theirs, ours, "max_data_xfer_size", VFU_MAX_XFER);
	if (!err)
		err = offer(theirs, ours, "max_dma_maps", DMA_MAX_MAPS);
	if (!err)
		err = offer(theirs, ours, "pgsizes", DMA_PAGE);
	if (err)
		return err;
	v = json_object_get(theirs, "max_data_xfer_size");
	if (v)
		s->client_xfer = json_integer_value(v) > VFU_MAX_XFER
					 ? VFU_MAX_XFER
					 : (uint32_t)json_integer_value(v);
	err = offer_multi(s, theirs, ours);
	return err ? err : offer_twin(s, theirs, ours);
}

static int negotiate(struct vfu_session *s, const char *text, json_t *ours)
{
	json_t *top, *theirs;
	json_error_t e;
	int err = 0;

	top = json_loads(text, JSON_REJECT_DUPLICATES, &e);
	if (!top) {
		vfu_log(s, PCI_LOG_ERROR, "version data: %.100s", e.text);
		return -EINVAL;
	}
	theirs = json_object_get(top, "capabilities");
	if (!json_is_object(top) || (theirs && !json_is_object(theirs)))
		err = -EINVAL;
	else if (theirs)
		err = capabilities(s, theirs, ours);
	json_decref(top);
	return err;
}

static int reply(struct vfu_session *s, uint16_t minor, json_t *ours)
{
	struct vfu_version v = { .major = VFU_MAJOR, .minor = minor };
	json_t *top = json_pack("{s:O}", "capabilities", ours);
	char *text = top ? json_dumps(top, JSON_COMPACT) : NULL;
	size_t n;

	json_decref(top);
	if (!text)
		return -ENOMEM;
	n = strlen(text) + 1;
	memcpy(s->reply, &v, sizeof(v));
	memcpy(s->reply + sizeof(v), text, n);
	s->reply_n = sizeof(v) + n;
	free(text);
	return 0;
}

int vfu_version(struct vfu_session *s, struct vfu_message *m)
{
	const char *text = (const char *)m->data + sizeof(struct vfu_version);
	size_t n = m->n - sizeof(struct vfu_version);
	struct vfu_version v;
	json_t *ours;
	int err = 0;

	if (s->negotiated)
		return -EINVAL;
	memcpy(&v, m->data, sizeof(v));
	if (v.major != VFU_MAJOR) {
		vfu_log(s, PCI_LOG_ERROR, "client proposes version %u.%u", v.major, v.minor);
		return -ENOTSUP;
	}
	if (n > MAX_JSON || (n && strnlen(text, n) != n - 1))
		return -EINVAL;
	ours = json_object();
	if (!ours)
		return -ENOMEM;
	if (n)
		err = negotiate(s, text, ours);
	if (!err)
		err = reply(s, v.minor < VFU_MINOR ? v.minor : VFU_MINOR, ours);
	json_decref(ours);
	s->negotiated = !err;
	return err;
}
