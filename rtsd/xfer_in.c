/* SPDX-License-Identifier: ISC */

/*
 * The receiving side of an association: octets of the activity pass through
 * the P1 decoder and on to spoold, divided into markup and content; what
 * spoold has made durable is confirmed to the peer.
 *
 * A resumed activity is decoded again from the markup that spoold kept.
 * Until that has come, what the peer sends is held; reading stops, so that
 * no more than one read is ever held.
 */

#include <stdlib.h>
#include <string.h>

#include "downgrade.h"
#include "imsg.h"
#include "log.h"
#include "rtsd.h"

/* The octets of segment headers kept of a resumed transfer. */
#define OLD_MARKUP_MAX	(64 * 1024 * 1024)

/* The smaller of what the peer and what anybody may send; 0: no limit. */
static uint64_t
content_limit(const struct assoc *a)
{
	uint64_t ours = mta()->max_content, peers = a->peer.max_content;

	if (ours == 0 || (peers != 0 && peers < ours))
		return (peers);
	return (ours);
}

static struct p1_in *
decoder(const struct assoc *a)
{
	struct p1_in *p;

	p = p1_in_new(assoc_p1(a), content_limit(a));
	if (p != NULL)
		p1_in_memory(p, mta()->association_memory);
	if (p != NULL && rts_normal(a->rts))
		p1_in_external(p);
	return (p);
}

static void
recv_reset(struct assoc *a)
{
	struct held *h;

	while ((h = TAILQ_FIRST(&a->held)) != NULL) {
		TAILQ_REMOVE(&a->held, h, entry);
		free(h);
	}
	a->held_octets = 0;
	a->holding = 0;
	a->in_refused = 0;
	a->in_complete = 0;
	p1_in_free(a->in);
	a->in = NULL;
	ibuf_free(a->old_markup);
	a->old_markup = NULL;
	a->npiece = 0;
	a->piece_len = 0;
}

void
recv_free(struct assoc *a)
{
	recv_reset(a);
}

void
recv_flush(struct assoc *a)
{
	if (a->npiece == 0)
		return;
	to_spoold_v(a->piece_content ? IMSG_RECV_CONTENT : IMSG_RECV_MARKUP,
	    a, a->piece, a->npiece);
	a->npiece = 0;
	a->piece_len = 0;
}

static void
refuse_receive(struct assoc *a, int refusal, const char *why)
{
	if (a->in_refused)
		return;
	a->in_refused = 1;
	rts_refuse_receive(a->rts, refusal, why);
}

static void
recv_refuse_mine(struct assoc *a, int refusal, const char *why)
{
	if (a->in_refused)
		return;
	if (refusal == RECV_JEOPARDIZED)	/* it is not the peer's fault */
		log_warnx(EVT_TRANSFER_IN_FAILED, "%s: %s", assoc_name(a), why);
	else
		log_warnx(EVT_TRANSFER_REFUSED, "%s: %s", assoc_name(a), why);
	refuse_receive(a, refusal, why);
}

/* Gathers pieces that lie side by side in the MPDU, but for headers. */
static void
recv_pass(struct assoc *a, const uint8_t *p, size_t len, int content)
{
	size_t n;

	if (a->piece_content != content)
		recv_flush(a);
	a->piece_content = content;
	for (; len > 0; p += n, len -= n) {
		if (a->npiece == PIECES || a->piece_len == FRAGMENT_MAX)
			recv_flush(a);
		n = FRAGMENT_MAX - a->piece_len;
		if (n > len)
			n = len;
		a->piece[a->npiece].iov_base = (void *)(uintptr_t)p;
		a->piece[a->npiece++].iov_len = n;
		a->piece_len += n;
	}
}

static void
recv_octets(struct assoc *a, const uint8_t *p, size_t len)
{
	ssize_t n;
	int content;

	if (a->in_refused || a->in_complete)
		return;
	while (len > 0) {
		n = p1_in_octets(a->in, p, len, &content);
		if (n == -1) {
			recv_refuse_mine(a, RECV_UNACCEPTABLE,
			    p1_in_error(a->in));
			return;
		}
		recv_pass(a, p, n, content);
		p += n;
		len -= n;
	}
}

static void
recv_checkpoint(struct assoc *a, uint32_t serial)
{
	if (a->in_refused)
		return;
	if (a->in_complete) {
		/* All of it is durable. */
		rts_checkpoint_rsp(a->rts, serial);
		return;
	}
	recv_flush(a);
	to_spoold(IMSG_RECV_CHECKPOINT, a, &serial, sizeof(serial));
}

static void
recv_end(struct assoc *a, uint32_t serial)
{
	struct message *m;
	struct ibuf *b;
	const uint8_t *p;
	size_t len, n;

	if (a->in_refused)
		return;
	if (!a->in_complete) {
		recv_flush(a);
		if ((m = p1_in_end(a->in)) == NULL) {
			recv_refuse_mine(a, RECV_UNACCEPTABLE,
			    p1_in_error(a->in));
			return;
		}
		b = ibuf_dynamic(1024, ENVELOPE_MAX * 2);
		if (b == NULL || (a->peer.mode == MODE_X410_1984 &&
		    message_upgrade(m) == -1) ||
		    message_serialise(m, b) == -1) {
			ibuf_free(b);
			message_free(m);
			recv_refuse_mine(a, RECV_JEOPARDIZED,
			    "out of memory");
			return;
		}
		message_free(m);
		p = ibuf_data(b);
		for (len = ibuf_size(b); len > 0; len -= n, p += n) {
			n = len > FRAGMENT_MAX ? FRAGMENT_MAX : len;
			to_spoold(IMSG_RECV_ENVELOPE, a, p, n);
		}
		ibuf_free(b);
	}
	to_spoold(IMSG_RECV_END, a, &serial, sizeof(serial));
}

static int
hold(struct assoc *a, enum held_kind kind, uint32_t serial, const void *p,
    size_t len)
{
	struct held *h;

	if ((h = malloc(sizeof(*h) + len)) == NULL) {
		rts_abort_req(a->rts, RTS_ABORT_LOCAL_SYSTEM_PROBLEM,
		    "out of memory");
		return (-1);
	}
	h->kind = kind;
	h->serial = serial;
	h->len = len;
	if (len > 0)
		memcpy(h->data, p, len);
	a->held_octets += len;
	TAILQ_INSERT_TAIL(&a->held, h, entry);
	return (0);
}

static void
release_held(struct assoc *a)
{
	struct held *h;

	while (!a->holding && (h = TAILQ_FIRST(&a->held)) != NULL) {
		TAILQ_REMOVE(&a->held, h, entry);
		a->held_octets -= h->len;
		switch (h->kind) {
		case HELD_DATA:
			recv_octets(a, h->data, h->len);
			recv_flush(a);
			break;
		case HELD_CHECKPOINT:
			recv_checkpoint(a, h->serial);
			break;
		case HELD_END:
			recv_end(a, h->serial);
			break;
		}
		free(h);
		if (a->phase != ASSOC_OPEN)
			return;
	}
}

/* From the RTS. */

void
recv_start_ind(void *arg, const struct activity_id *id)
{
	struct assoc *a = arg;
	struct recv_start rs;

	assoc_debug(a, "reliable transfer: an activity starts");
	recv_reset(a);
	if ((a->in = decoder(a)) == NULL) {
		recv_refuse_mine(a, RECV_JEOPARDIZED, "out of memory");
		return;
	}
	memset(&rs, 0, sizeof(rs));
	rs.activity = *id;
	to_spoold(IMSG_RECV_START, a, &rs, sizeof(rs));
	to_spoold_now();
}

void
recv_resume_ind(void *arg, const struct s_resume *s)
{
	struct assoc *a = arg;
	struct recv_resume rr;

	assoc_debug(a, "reliable transfer: an activity is resumed from "
	    "checkpoint %u", s->serial);
	recv_reset(a);
	memset(&rr, 0, sizeof(rr));
	rr.activity = s->activity;
	rr.old_activity = s->old_activity;
	if (s->has_connection)
		rr.old_connection = s->old_connection;
	rr.serial = s->serial;
	a->holding = 1;
	to_spoold(IMSG_RECV_RESUME, a, &rr, sizeof(rr));
	assoc_update_reading(a);
}

void
recv_data_ind(void *arg, const uint8_t *p, size_t len)
{
	struct assoc *a = arg;

	if (a->holding)
		hold(a, HELD_DATA, 0, p, len);
	else
		recv_octets(a, p, len);
}

void
recv_checkpoint_ind(void *arg, uint32_t serial)
{
	struct assoc *a = arg;

	assoc_debug(a, "reliable transfer: checkpoint %u comes", serial);
	if (a->holding)
		hold(a, HELD_CHECKPOINT, serial, NULL, 0);
	else
		recv_checkpoint(a, serial);
}

void
recv_end_ind(void *arg, uint32_t serial)
{
	struct assoc *a = arg;

	assoc_debug(a, "reliable transfer: the activity ends, serial %u",
	    serial);
	if (a->holding)
		hold(a, HELD_END, serial, NULL, 0);
	else
		recv_end(a, serial);
}

static void
recv_left(struct assoc *a, uint32_t type, int reason)
{
	uint32_t r = reason;

	if (!a->in_refused && !a->holding)
		recv_flush(a);
	recv_reset(a);
	to_spoold(type, a, &r, sizeof(r));
	assoc_update_reading(a);
}

void
recv_interrupt_ind(void *arg, int reason)
{
	assoc_debug(arg, "reliable transfer: interrupted, reason %d", reason);
	recv_left(arg, IMSG_RECV_INTERRUPT, reason);
}

void
recv_discard_ind(void *arg, int reason)
{
	assoc_debug(arg, "reliable transfer: discarded, reason %d", reason);
	recv_left(arg, IMSG_RECV_DISCARD, reason);
}

/* From spoold. */

/* Brings a fresh decoder to where the secured octets end.  -1: they do not
 * agree with the length of the content that is said to be there. */
static int
replay(struct assoc *a, uint64_t content)
{
	const uint8_t *p;
	size_t len;
	ssize_t n;
	uint64_t k;

	p = a->old_markup != NULL ? ibuf_data(a->old_markup) : NULL;
	len = a->old_markup != NULL ? ibuf_size(a->old_markup) : 0;
	while (len > 0 || content > 0) {
		n = 0;
		if (len > 0 && (n = p1_in_markup(a->in, p, len)) == -1)
			return (-1);
		p += n;
		len -= n;
		k = content > 0 ? p1_in_skip(a->in, content) : 0;
		content -= k;
		if (n == 0 && k == 0)
			return (-1);
	}
	return (0);
}

static int
recv_resumed(struct assoc *a, const struct recv_resumed *rr)
{
	if (!a->holding)
		return (0);	/* interrupted meanwhile */
	a->holding = 0;
	a->in_complete = rr->complete != 0;
	if (!a->in_complete) {
		p1_in_free(a->in);
		a->in = decoder(a);
		if (a->in == NULL || replay(a, rr->content_len) == -1) {
			log_warnx(EVT_TRANSFER_REFUSED, "%s: secured octets of "
			    "the resumed transfer do not decode: %s",
			    assoc_name(a), a->in == NULL ? "out of memory" :
			    p1_in_error(a->in));
			recv_refuse_mine(a, RECV_UNRECOGNIZED,
			    "secured octets unusable");
			return (0);
		}
	}
	ibuf_free(a->old_markup);
	a->old_markup = NULL;
	release_held(a);
	assoc_update_reading(a);
	return (0);
}

/* -1: not what may come now; the channel is to be dropped. */
int
recv_imsg(struct assoc *a, struct imsg *imsg)
{
	struct recv_resumed rr;
	struct recv_refuse rf;
	struct ibuf b;
	uint32_t u;

	switch (imsg_get_type(imsg)) {
	case IMSG_RECV_CONFIRM:
		if (imsg_get_data(imsg, &u, sizeof(u)) == -1)
			return (-1);
		if (a->phase == ASSOC_OPEN)
			rts_checkpoint_rsp(a->rts, u);
		return (0);
	case IMSG_RECV_ENDED:
		if (imsg_get_data(imsg, &u, sizeof(u)) == -1)
			return (-1);
		if (a->phase == ASSOC_OPEN) {
			rts_end_rsp(a->rts);
			recv_reset(a);
		}
		return (0);
	case IMSG_RECV_INTERRUPTED:
		if (a->phase == ASSOC_OPEN)
			rts_interrupt_rsp(a->rts);
		return (0);
	case IMSG_RECV_DISCARDED:
		if (imsg_get_data(imsg, &u, sizeof(u)) == -1)
			return (-1);
		if (a->phase == ASSOC_OPEN)
			rts_discard_rsp(a->rts, u == 1);
		return (0);
	case IMSG_RECV_REFUSE:
		if (imsg_get_data(imsg, &rf, sizeof(rf)) == -1 ||
		    rf.kind > RECV_UNACCEPTABLE)
			return (-1);
		rf.text[sizeof(rf.text) - 1] = '\0';
		if (a->phase == ASSOC_OPEN) {
			a->holding = 0;
			refuse_receive(a, rf.kind, rf.text);
			if (a->phase == ASSOC_OPEN)
				release_held(a);
			assoc_update_reading(a);
		}
		return (0);
	case IMSG_RECV_OLD_MARKUP:
		if (imsg_get_ibuf(imsg, &b) == -1)
			return (-1);
		if (!a->holding)
			return (0);
		if (a->old_markup == NULL)
			a->old_markup = ibuf_dynamic(4096, OLD_MARKUP_MAX);
		if (a->old_markup != NULL && ibuf_size(a->old_markup) +
		    ibuf_size(&b) > mta()->association_memory) {
			rts_abort_req(a->rts, RTS_ABORT_LOCAL_SYSTEM_PROBLEM,
			    "resuming takes more memory than it may have");
			return (0);
		}
		if (a->old_markup == NULL ||
		    ibuf_add(a->old_markup, ibuf_data(&b),
		    ibuf_size(&b)) == -1)
			return (-1);
		return (0);
	case IMSG_RECV_RESUMED:
		if (imsg_get_data(imsg, &rr, sizeof(rr)) == -1)
			return (-1);
		if (a->phase != ASSOC_OPEN)
			return (0);
		return (recv_resumed(a, &rr));
	default:
		return (-1);
	}
}
