/* SPDX-License-Identifier: ISC */

/*
 * The sending side of an association: transfers that spoold handed out wait
 * in a queue; the first goes out when we have the turn, as far as the window
 * and the socket allow.  Its head is encoded here; the content comes from
 * the descriptor or from the imsgs that brought a small one.
 *
 * For a peer of 1984 envelope and content are made fit (X.419 annex B).  What
 * the beginning of the content becomes is part of the head then.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "content_84.h"
#include "downgrade.h"
#include "imsg.h"
#include "log.h"
#include "rtsd.h"

#define QUEUE_MAX	64		/* handed out ahead of time */
#define INLINE_MAX	(1024 * 1024)	/* octets of a small content */
#define HEAD_MAX	(ENVELOPE_MAX + 3 * CONTENT_84_MAX)

/* X.410 4.2.3: the lower the number, the more urgent. */
static int
turn_priority(int priority)
{
	switch (priority) {
	case PRIORITY_URGENT:
		return (0);
	case PRIORITY_NORMAL:
		return (1);
	default:
		return (2);
	}
}

static void
xfer_free(struct assoc *a, struct xfer *x)
{
	TAILQ_REMOVE(&a->outq, x, entry);
	if (a->cur == x)
		a->cur = NULL;
	if (a->filling == x)
		a->filling = NULL;
	ibuf_free(x->envelope);
	ibuf_free(x->head);
	ibuf_free(x->content);
	if (x->fd != -1)
		close(x->fd);
	free(x);
}

void
xfer_free_all(struct assoc *a)
{
	struct xfer *x;

	while ((x = TAILQ_FIRST(&a->outq)) != NULL)
		xfer_free(a, x);
}

void
xfer_free_all_but_current(struct assoc *a)
{
	struct xfer *x, *next;

	for (x = TAILQ_FIRST(&a->outq); x != NULL; x = next) {
		next = TAILQ_NEXT(x, entry);
		if (x != a->cur)
			xfer_free(a, x);
	}
}

static void
xfer_failed_why(struct assoc *a, struct xfer *x, int failure, int reason,
    const char *why)
{
	struct xfer_failed xf;

	memset(&xf, 0, sizeof(xf));
	xf.xfer = x->req.xfer;
	xf.failure = failure;
	xf.reason = reason;
	strlcpy(xf.text, why, sizeof(xf.text));
	to_spoold(IMSG_XFER_FAILED, a, &xf, sizeof(xf));
	xfer_free(a, x);
}

static void
xfer_failed(struct assoc *a, struct xfer *x, int failure, int reason)
{
	xfer_failed_why(a, x, failure, reason, "");
}

/* Octets of the content, of a small one or of a large one. */
static ssize_t
content_pread(void *arg, void *p, size_t n, uint64_t offset)
{
	const struct xfer *x = arg;
	size_t size;

	if (x->content == NULL)
		return (pread(x->fd, p, n, offset));
	size = ibuf_size(x->content);
	if (offset > size)
		return (-1);
	if (n > size - offset)
		n = size - offset;
	memcpy(p, (const uint8_t *)ibuf_data(x->content) + offset, n);
	return (n);
}

/*
 * The envelope and the beginning of the content for P1 of 1984.  Nothing is
 * done that could come out in another way when it is done again.  Returns -1,
 * or enum xfer_failure with *why.
 */
static int
downgrade(struct xfer *x, struct message *m, struct content_84 *c,
    const char **why)
{
	int p22, lossless = m->conversion_loss_prohibited.set;

	memset(c, 0, sizeof(*c));
	c->len = x->req.content_len;
	p22 = m->content_type == CONTENT_P22;
	if (m->content_oid != NULL)
		p22 = strcmp(m->content_oid, CONTENT_P22_OID) == 0;
	errno = 0;
	if (message_downgrade(m, why) == -1)
		return (errno == ENOMEM ? XFER_LOCAL :
		    XFER_UNABLE_TO_DOWNGRADE);
	/* What a report returns is of no type in 1984, and goes as it came. */
	if (m->type != MESSAGE_USER || !p22)
		return (-1);
	if (content_84(content_pread, x, x->req.content_len, c) == -1) {
		*why = c->why;
		return (c->unreadable ? XFER_LOCAL :
		    XFER_UNABLE_TO_DOWNGRADE);
	}
	/* X.411 8.2.1.1.1.11 */
	if (c->lossy && lossless) {
		*why = "a heading would lose something, which is prohibited";
		return (XFER_LOSS_PROHIBITED);
	}
	x->skip = c->offset;
	return (-1);
}

/* Does the head that was sent end with what the content begins with now? */
static int
ends_with(const struct ibuf *head, const struct ibuf *prefix)
{
	size_t n;

	if (prefix == NULL || (n = ibuf_size(prefix)) == 0)
		return (1);
	return (n <= ibuf_size(head) && memcmp((const uint8_t *)
	    ibuf_data(head) + ibuf_size(head) - n, ibuf_data(prefix), n) == 0);
}

/*
 * The octets before the content, as first sent or encoded now; for 1984 with
 * those that take the place of its first skip octets.  Returns -1, or enum
 * xfer_failure with why.
 */
static int
make_head(struct assoc *a, struct xfer *x, char *why_text, size_t size)
{
	struct content_84 c;
	struct message *m;
	const char *why = "envelope not understood";
	int failure = XFER_LOCAL, downgraded = -1;

	memset(&c, 0, sizeof(c));
	c.len = x->req.content_len;
	x->head_given = x->head != NULL;
	if (x->head_given && a->peer.mode != MODE_X410_1984)
		return (-1);
	if (x->envelope == NULL || (m = message_deserialise(
	    ibuf_data(x->envelope), ibuf_size(x->envelope))) == NULL)
		goto done;
	if (a->peer.mode == MODE_X410_1984)
		downgraded = downgrade(x, m, &c, &why);
	if (downgraded != -1)
		failure = downgraded;
	else if (x->head_given) {
		failure = ends_with(x->head, c.prefix) ? -1 : XFER_LOCAL;
		why = "it does not begin as it did when first sent";
	} else if ((x->head = ibuf_dynamic(512, HEAD_MAX)) == NULL)
		why = "out of memory";
	else {
		m->content_len = c.len;
		if (p1_out_head(assoc_p1(a), m, x->head, &why) == 0) {
			why = "out of memory";
			if (rts_normal(a->rts) ? p1_out_external(x->head,
			    c.len, rts_mtse(a->rts)) == 0 : c.prefix == NULL ||
			    ibuf_add_ibuf(x->head, c.prefix) == 0)
				failure = -1;
		}
	}
	message_free(m);
done:
	if (failure != -1) {
		strlcpy(why_text, why, size);
		log_warnx(EVT_NOT_ENCODED, "%s message=%s: cannot be %s: %s",
		    assoc_name(a), x->req.id, failure == XFER_LOCAL ? "encoded"
		    : "downgraded", why);
	}
	content_84_free(&c);
	return (failure);
}

/* Begins the first transfer of the queue.  0: begun, -1: it is not to be. */
static int
xfer_begin(struct assoc *a, struct xfer *x)
{
	struct s_resume resume;
	struct xfer_begun xb;
	struct ibuf *b;
	char why[sizeof(((struct xfer_failed *)0)->text)];
	int failure;

	memset(&resume, 0, sizeof(resume));
	if (x->req.resume) {
		resume.activity = x->req.activity;
		resume.old_activity = x->req.old_activity;
		resume.serial = x->req.serial;
		if (x->req.old_connection.user_len > 0) {
			resume.has_connection = 1;
			resume.old_connection = x->req.old_connection;
			resume.called_len = x->req.old_connection.user_len;
			memcpy(resume.called, x->req.old_connection.user,
			    resume.called_len);
		}
	}
	if (x->req.resume && x->req.discard) {
		a->cur = x;
		if (rts_resume_discard_req(a->rts, &x->req.activity,
		    &resume) == -1) {
			xfer_failed(a, x, XFER_NOT_BEGUN, 0);
			return (-1);
		}
		return (0);
	}
	if (x->content != NULL &&
	    ibuf_size(x->content) != x->req.content_len) {
		log_warnx(EVT_NOT_ENCODED, "%s message=%s: lengths do not agree",
		    assoc_name(a), x->req.id);
		xfer_failed(a, x, XFER_LOCAL, 0);
		return (-1);
	}
	if ((failure = make_head(a, x, why, sizeof(why))) != -1) {
		xfer_failed_why(a, x, failure, 0, why);
		return (-1);
	}
	x->total = ibuf_size(x->head) + x->req.content_len - x->skip;
	x->offset = x->req.resume ? x->req.offset : 0;
	if (x->offset >= x->total) {
		log_warnx(EVT_NOT_ENCODED, "%s message=%s: lengths do not agree",
		    assoc_name(a), x->req.id);
		xfer_failed(a, x, XFER_LOCAL, 0);
		return (-1);
	}
	a->cur = x;
	x->begun_at = now_ms();
	if (rts_transfer_req(a->rts, &x->req.activity, x->req.resume ?
	    &resume : NULL, x->offset, x->total, a->peer.safe_store) == -1) {
		xfer_failed(a, x, XFER_NOT_BEGUN, 0);
		return (-1);
	}
	memset(&xb, 0, sizeof(xb));
	xb.xfer = x->req.xfer;
	xb.total = x->total;
	to_spoold(IMSG_XFER_BEGUN, a, &xb, sizeof(xb));
	/* It can come to a resumption only when there are checkpoints. */
	if (!x->head_given && rts_checkpoint_size(a->rts) != 0 &&
	    x->total > (uint64_t)rts_checkpoint_size(a->rts) * 1024 &&
	    ibuf_size(x->head) < FRAGMENT_MAX - sizeof(uint32_t)) {
		b = ibuf_dynamic(512, FRAGMENT_MAX);
		if (b != NULL && ibuf_add(b, &x->req.xfer,
		    sizeof(x->req.xfer)) == 0 &&
		    ibuf_add_ibuf(b, x->head) == 0)
			to_spoold(IMSG_XFER_HEAD_OUT, a, ibuf_data(b),
			    ibuf_size(b));
		ibuf_free(b);
	}
	return (0);
}

/* Hands octets to the RTS as far as it and the socket take them. */
static void
xfer_pump(struct assoc *a)
{
	static uint8_t buf[FRAGMENT_MAX];
	struct xfer *x = a->cur;
	const uint8_t *p;
	uint64_t room, head, at;
	ssize_t n;

	while (x != NULL && x == a->cur && a->phase == ASSOC_OPEN &&
	    (room = rts_data_room(a->rts)) > 0 &&
	    evbuffer_get_length(a->out) < OUT_HIGH) {
		head = ibuf_size(x->head);
		if (x->offset < head) {
			p = (const uint8_t *)ibuf_data(x->head) + x->offset;
			n = head - x->offset;
			if ((uint64_t)n > room)
				n = room;
		} else if (x->content != NULL) {
			at = x->offset - head + x->skip;
			p = (const uint8_t *)ibuf_data(x->content) + at;
			n = ibuf_size(x->content) - at;
			if ((uint64_t)n > room)
				n = room;
		} else {
			at = x->offset - head + x->skip;
			n = room < sizeof(buf) ? room : sizeof(buf);
			n = pread(x->fd, buf, n, at);
			p = buf;
			if (n <= 0) {
				if (n == -1)
					log_warn(EVT_CONTENT, "%s message=%s",
					    assoc_name(a), x->req.id);
				else
					log_warnx(EVT_CONTENT, "%s message=%s: "
					    "ends too early", assoc_name(a),
					    x->req.id);
				x->unreadable = 1;
				rts_discard_req(a->rts, S_REASON_LOCAL_USER);
				return;
			}
		}
		x->offset += n;
		a->progress = now_ms();
		if (rts_data_req(a->rts, p, n) == -1)
			return;
	}
}

/*
 * A responder cannot ask later what became of a transfer whose end it did
 * not record: the initiator comes back only as long as the turn was not its
 * own.  So the turn waits for the record.
 */
static int
must_keep(const struct assoc *a)
{
	return (a->unsettled > 0);
}

/*
 * Whether the peer, which has asked, gets the turn before x: when there is
 * nothing to send, or it has something more urgent, or as urgent once we
 * have sent something.  Two that only asked would pass it on for ever.
 */
static int
give_turn(const struct assoc *a, const struct xfer *x)
{
	int ours;

	if (x == NULL)
		return (1);
	ours = turn_priority(x->req.priority);
	return (a->peer_priority < ours ||
	    (a->peer_priority == ours && a->sent_in_turn > 0));
}

/* The turn and the next transfer. */
void
xfer_run(struct assoc *a)
{
	struct xfer *x;
	struct assoc_turn at;

	while (a->phase == ASSOC_OPEN) {
		if (a->cur != NULL) {
			xfer_pump(a);
			return;
		}
		x = TAILQ_FIRST(&a->outq);
		if (x != NULL && !x->ready)
			x = NULL;
		if (rts_turn(a->rts) && a->peer_asked && !must_keep(a) &&
		    give_turn(a, x)) {
			a->peer_asked = 0;
			a->sent_in_turn = 0;
			a->asked_turn = 0;
			if (rts_turn_give_req(a->rts) == 0) {
				at.ours = 0;
				to_spoold(IMSG_TURN, a, &at, sizeof(at));
			}
			continue;
		}
		if (x == NULL && !a->initiator && a->sent_in_turn > 0 &&
		    rts_turn(a->rts) && !must_keep(a)) {
			/* The initiator needs it, were it to close. */
			a->peer_asked = 1;
			a->peer_priority = 0;
			continue;
		}
		if (x == NULL)
			return;
		if (!rts_turn(a->rts)) {
			if (!a->asked_turn && rts_turn_please_req(a->rts,
			    turn_priority(x->req.priority)) == 0)
				a->asked_turn = 1;
			return;
		}
		if (rts_sending(a->rts))
			return;
		xfer_begin(a, x);
	}
}

void
xfer_idle_turn(struct assoc *a)
{
	if (a->initiator || rts_dialogue(a->rts) != DIALOGUE_TWA ||
	    !rts_turn(a->rts) || !TAILQ_EMPTY(&a->outq))
		return;
	a->peer_asked = 1;
	a->peer_priority = 0;
	assoc_run(a);
}

/* From the RTS. */

void
xfer_confirmed(void *arg, uint32_t serial, uint64_t offset)
{
	struct assoc *a = arg;
	struct xfer_serial xs;

	if (a->cur == NULL)
		return;
	memset(&xs, 0, sizeof(xs));
	xs.xfer = a->cur->req.xfer;
	xs.serial = serial;
	xs.offset = offset;
	xs.sent = rts_sent(a->rts);
	assoc_debug(a, "reliable transfer: checkpoint %u is confirmed, octet "
	    "%" PRIu64 ", message %s", serial, offset, a->cur->req.id);
	to_spoold(IMSG_XFER_CONFIRMED, a, &xs, sizeof(xs));
}

void
xfer_room(void *arg)
{
	xfer_pump(arg);
}

void
xfer_cnf(void *arg, int failure, int reason)
{
	struct assoc *a = arg;
	struct xfer *x = a->cur;
	struct xfer_serial xs;

	if (x == NULL)
		return;
	assoc_debug(a, "reliable transfer: message %s %s", x->req.id,
	    failure == -1 ? "is confirmed" : "ended unconfirmed");
	/* after a discard the same message follows, anew */
	if (!x->req.discard)
		a->sent_in_turn++;
	if (!a->initiator && (failure == -1 || failure == XFER_COMPLETED))
		a->unsettled++;
	if (failure == XFER_DISCARDED && x->unreadable)
		failure = XFER_LOCAL;
	if (failure != -1) {
		xfer_failed(a, x, failure, reason);
		return;
	}
	memset(&xs, 0, sizeof(xs));
	xs.xfer = x->req.xfer;
	xs.offset = x->total;
	xs.sent = rts_sent(a->rts);
	to_spoold(IMSG_XFER_DONE, a, &xs, sizeof(xs));
	xfer_free(a, x);
}

/* From spoold. */

static int
append(struct ibuf **to, struct imsg *imsg, size_t max)
{
	struct ibuf b;

	if (imsg_get_ibuf(imsg, &b) == -1)
		return (-1);
	if (*to == NULL && (*to = ibuf_dynamic(ibuf_size(&b) + 1, max)) ==
	    NULL)
		return (-1);
	return (ibuf_add(*to, ibuf_data(&b), ibuf_size(&b)));
}

static struct xfer *
xfer_find(struct assoc *a, uint32_t id)
{
	struct xfer *x;

	TAILQ_FOREACH(x, &a->outq, entry)
		if (x->req.xfer == id)
			return (x);
	return (NULL);
}

static int
xfer_req(struct assoc *a, struct imsg *imsg)
{
	struct xfer *x, *y;
	unsigned n = 0;

	if (a->filling != NULL)
		return (-1);
	TAILQ_FOREACH(y, &a->outq, entry)
		n++;
	if (n >= QUEUE_MAX || (x = calloc(1, sizeof(*x))) == NULL)
		return (-1);
	x->fd = -1;
	if (imsg_get_data(imsg, &x->req, sizeof(x->req)) == -1 ||
	    x->req.activity.len > S_ACTIVITY_ID_MAX ||
	    x->req.old_activity.len > S_ACTIVITY_ID_MAX ||
	    x->req.old_connection.user_len > S_USER_REFERENCE_MAX ||
	    x->req.old_connection.common_len > S_COMMON_REFERENCE_MAX ||
	    x->req.old_connection.additional_len >
	    S_ADDITIONAL_REFERENCE_MAX ||
	    x->req.serial > S_SERIAL_MAX ||
	    x->req.content_len > INT64_MAX ||
	    (x->req.discard && !x->req.resume) ||
	    (x->req.content_follows && x->req.content_len > INLINE_MAX)) {
		free(x);
		return (-1);
	}
	x->req.id[sizeof(x->req.id) - 1] = '\0';
	TAILQ_INSERT_TAIL(&a->outq, x, entry);
	a->filling = x;
	return (0);
}

static int
xfer_go(struct assoc *a, struct imsg *imsg)
{
	struct xfer *x = a->filling;
	uint32_t id;

	if (x == NULL || imsg_get_data(imsg, &id, sizeof(id)) == -1 ||
	    id != x->req.xfer)
		return (-1);
	x->fd = imsg_get_fd(imsg);
	if (!x->req.discard) {
		if (x->req.content_follows ? x->fd != -1 : x->fd == -1)
			return (-1);
		if (x->req.content_follows && x->content == NULL &&
		    (x->content = ibuf_dynamic(1, 1)) == NULL)
			return (-1);
	}
	x->ready = 1;
	a->filling = NULL;
	return (0);
}

/* -1: not what may come now; the channel is to be dropped. */
int
xfer_imsg(struct assoc *a, struct imsg *imsg)
{
	struct xfer_serial xs;
	struct xfer *x;
	uint32_t id;

	switch (imsg_get_type(imsg)) {
	case IMSG_XFER_REQ:
		return (xfer_req(a, imsg));
	case IMSG_XFER_ENVELOPE:
		return (a->filling == NULL ? -1 : append(&a->filling->envelope,
		    imsg, 2 * ENVELOPE_MAX));
	case IMSG_XFER_HEAD:
		return (a->filling == NULL ? -1 : append(&a->filling->head,
		    imsg, ENVELOPE_MAX));
	case IMSG_XFER_CONTENT:
		return (a->filling == NULL ? -1 : append(&a->filling->content,
		    imsg, INLINE_MAX));
	case IMSG_XFER_GO:
		return (xfer_go(a, imsg));
	case IMSG_XFER_STORED:
		if (imsg_get_data(imsg, &xs, sizeof(xs)) == -1)
			return (-1);
		if (a->phase == ASSOC_OPEN && a->cur != NULL &&
		    a->cur->req.xfer == xs.xfer)
			rts_stored(a->rts, xs.serial);
		return (0);
	case IMSG_XFER_SETTLED:
		if (imsg_get_data(imsg, &id, sizeof(id)) == -1 ||
		    id > a->unsettled)
			return (-1);
		a->unsettled -= id;
		return (0);
	case IMSG_XFER_CANCEL:
		if (imsg_get_data(imsg, &id, sizeof(id)) == -1)
			return (-1);
		if ((x = xfer_find(a, id)) != NULL && x != a->cur)
			xfer_failed(a, x, XFER_NOT_BEGUN, 0);
		return (0);
	default:
		return (-1);
	}
}
