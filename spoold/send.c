/* SPDX-License-Identifier: ISC */

/*
 * A message on its way to rtsd: the envelope for this peer (X.411-1984
 * clause 3.3: the responsibility flag set for the recipients that go this
 * way, cleared for all others), the head as it was first sent, the content.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imsg.h"
#include "transfer_out.h"

static void
activity_make(struct activity_id *a, uint32_t n)
{
	uint8_t	v[5] = { 0, n >> 24, n >> 16, n >> 8, n };
	int	i = 0;

	/* INTEGER: shortest form, not negative, four octets at most */
	while (i < 4 && v[i] == 0 && !(v[i + 1] & 0x80))
		i++;
	memset(a, 0, sizeof(*a));
	a->len = 2 + 5 - i;
	a->octets[0] = 0x02;
	a->octets[1] = 5 - i;
	memcpy(a->octets + 2, v + i, 5 - i);
}

/* The envelope with the flags for this target, in pieces. */
static int
send_envelope(struct xfer *x, const struct store_message *sm)
{
	struct message	*m;
	struct ibuf	*buf;
	uint32_t	 i;
	int		 r = -1;

	if ((m = message_deserialise(sm->envelope, sm->envelope_len)) == NULL)
		return (-1);
	if (m->type != MESSAGE_REPORT && m->nrecipient != sm->nrouting) {
		message_free(m);
		return (-1);
	}
	if (x->fields == NULL && sp.mta.audit_keep > 0)
		x->fields = audit_fields(m, sm, x->job->target->number);
	for (i = 0; m->type != MESSAGE_REPORT && i < m->nrecipient; i++) {
		if (sm->routing[i] == x->job->target->number)
			m->recipient[i].flags |= PRI_RESPONSIBILITY;
		else
			m->recipient[i].flags &= ~PRI_RESPONSIBILITY;
	}
	if (x->job->attempted != 0)
		trace_rerouted(m, target_number(x->job->attempted));
	trace_strip(m, x->assoc->peer);
	if ((buf = ibuf_dynamic(1024, 2 * ENVELOPE_MAX)) != NULL) {
		r = message_serialise(m, buf);
		if (r == 0)
			rtsd_send_pieces(IMSG_XFER_ENVELOPE, x->assoc->id,
			    ibuf_data(buf), ibuf_size(buf));
		ibuf_free(buf);
	}
	message_free(m);
	return (r);
}

static int
old_connection(const struct xfer *x, struct s_connection_id *id)
{
	struct store_connection	c;

	memset(id, 0, sizeof(*id));
	if (x->connection == x->assoc->conn.id)
		return (0);
	if (store_connection_get(sp.store, x->connection, &c) != 1)
		return (-1);
	return (connection_key_parse(&c.key, id));
}

int
send_xfer(struct xfer *x, const char **why)
{
	struct store_message	 sm;
	struct xfer_req		 req;
	uint32_t		 id = x->assoc->id;
	int			 fd = -1;

	memset(&req, 0, sizeof(req));
	if (store_message_get(sp.store, x->job->message, &sm, 1) != 1) {
		*why = "message unreadable";
		return (-1);
	}
	*why = "content unreadable";
	if (sm.kind == CONTENT_FILE && !x->discard &&
	    (fd = content_open_whole(&sm)) == -1)
		goto fail;
	req.xfer = x->id;
	req.priority = sm.priority;
	req.content_follows = fd == -1;
	req.resume = x->resume;
	req.discard = x->discard;
	req.content_len = x->discard ? 0 : sm.size;
	activity_make(&req.activity, x->now_activity);
	snprintf(req.id, sizeof(req.id), "%016" PRIX64, sm.id);
	if (x->resume) {
		req.serial = x->serial;
		req.offset = x->offset;
		activity_make(&req.old_activity, x->activity);
		*why = "connection forgotten";
		if (old_connection(x, &req.old_connection) == -1)
			goto fail;
	}
	rtsd_send(IMSG_XFER_REQ, id, -1, &req, sizeof(req));
	if (!x->discard) {
		*why = "envelope damaged";
		if (send_envelope(x, &sm) == -1) {
			/* REQ is out: an envelope that rtsd finds unusable */
			rtsd_send(IMSG_XFER_GO, id, fd, &x->id,
			    sizeof(x->id));
			store_message_release(sp.store);
			return (0);
		}
		if (x->resume && x->head != NULL)
			rtsd_send_pieces(IMSG_XFER_HEAD, id, x->head,
			    x->head_len);
		if (fd == -1 && sm.size > 0)
			rtsd_send_pieces(IMSG_XFER_CONTENT, id, sm.content,
			    sm.size);
	}
	rtsd_send(IMSG_XFER_GO, id, fd, &x->id, sizeof(x->id));
	store_message_release(sp.store);
	return (0);
fail:
	if (fd != -1)
		close(fd);
	store_message_release(sp.store);
	return (-1);
}
