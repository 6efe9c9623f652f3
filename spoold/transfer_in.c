/* SPDX-License-Identifier: ISC */

/*
 * Transfers coming in (X.410 clause 4.3, X.228 clause 7.3 and 7.8).
 *
 * Markup and content are kept apart.  A content of up to
 * CONTENT_INLINE_MAX stays in memory and goes into rows, a longer one into
 * a file that is appended to.  A checkpoint is confirmed when the octets
 * before it, and the fact, are durable; the end when the message is in the
 * queue.  After a refusal only what was confirmed counts: the object goes
 * and a resumption reads the store again.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>


#include "log.h"
#include "transfer_in.h"

static TAILQ_HEAD(, intransfer) dirty = TAILQ_HEAD_INITIALIZER(dirty);

static void
recv_list(struct intransfer *t)
{
	if (!t->dirty)
		TAILQ_INSERT_TAIL(&dirty, t, dirty_entry);
	t->dirty = 1;
}

void
recv_dirty(struct intransfer *t)
{
	recv_list(t);
	spool_dirty_later();	/* recv_later tells whether it can be */
}

static void
recv_clean(struct intransfer *t)
{
	if (t->dirty)
		TAILQ_REMOVE(&dirty, t, dirty_entry);
	t->dirty = 0;
}

/* Lets go of everything but the name; a file that no row has goes too. */
static void
recv_release(struct intransfer *t)
{
	/* that the log failed is not for this one alone */
	if (sync_look(&t->sync, 1) == SYNC_ENDED)
		recv_log_failed(t);
	t->sync.state = SYNC_NONE;
	body_release(&t->body, !t->stored_file && !t->keep_file);
	free(t->markup);
	free(t->envelope);
	free(t->cp);
	t->markup = t->envelope = NULL;
	t->cp = NULL;
	t->ncp = t->cp_size = t->nready = t->nrecorded = 0;
	t->row_behind = 0;
	t->put = 0;
	t->markup_size = t->envelope_len = 0;
	arrival_free(&t->arrival);
}

static void
recv_free(struct intransfer *t)
{
	recv_clean(t);
	if (t->suspect)
		poison_rest_in(t->row.id, t->row.peer,
		    t->state == IN_ENDING);
	if (t->assoc != NULL && t->assoc->in == t)
		t->assoc->in = NULL;
	recv_release(t);
	free(t);
}

static struct intransfer *
recv_new(struct assoc *a, const struct activity_id *activity)
{
	struct intransfer *t;

	if ((t = calloc(1, sizeof(*t))) == NULL)
		return (NULL);
	t->assoc = a;
	t->origin = a->peer->target;
	t->connection = a->conn.id;
	t->activity = *activity;
	t->row.id = store_next_id(sp.store);
	body_init(&t->body, t->row.id);
	t->row.peer = t->origin->number;
	t->row.association = a->row.id;
	t->row.since = time(NULL);
	t->row.kind = CONTENT_INLINE;
	a->in = t;
	return (t);
}

const char *
recv_text(const struct intransfer *t)
{
	static char	text[200];
	char		activity[32];

	snprintf(text, sizeof(text), "peer=%.64s transfer=%016" PRIX64
	    " activity=%s", t->origin->name, t->row.id,
	    activity_text(&t->activity, activity, sizeof(activity)));
	return (text);
}

static void
refuse(struct intransfer *t, int kind, const char *why)
{
	struct recv_refuse	r;

	if (t->assoc != NULL && t->assoc->id != 0) {
		memset(&r, 0, sizeof(r));
		r.kind = kind;
		strlcpy(r.text, why, sizeof(r.text));
		rtsd_send(IMSG_RECV_REFUSE, t->assoc->id, -1, &r, sizeof(r));
	}
	if (kind == RECV_UNACCEPTABLE && t->origin->peer != NULL)
		t->origin->peer->rejected++;
	log_info(EVT_TRANSFER_IN_REFUSED, "%s octets=%" PRIu64 ": %s",
	    recv_text(t), t->body.len, why);
	recv_clean(t);
	recv_release(t);
	t->state = IN_REFUSED;
}

static void
jeopardized(struct intransfer *t, const char *what)
{
	char	why[128];
	int	error = errno;

	snprintf(why, sizeof(why), "%s: %s", what, strerror(error));
	if (error == ENOSPC || error == EDQUOT || error == EFBIG)
		spool_full(why);
	else
		log_warnx(EVT_CONTENT, "message=%016" PRIX64 ": %s", t->row.id,
		    why);
	refuse(t, RECV_JEOPARDIZED, why);
}

/* Octets */

static int
append(uint8_t **buf, size_t *size, size_t used, const uint8_t *data,
    size_t len)
{
	uint8_t	*p;
	size_t	 want = *size < 1024 ? 1024 : *size;

	while (want < used + len)
		want *= 2;
	if (want != *size) {
		if ((p = realloc(*buf, want)) == NULL)
			return (-1);
		*buf = p;
		*size = want;
	}
	memcpy(*buf + used, data, len);
	return (0);
}

static int
recv_markup(struct intransfer *t, const uint8_t *data, size_t len)
{
	if (t->markup_len + len > ENVELOPE_MAX) {
		refuse(t, RECV_UNACCEPTABLE, "envelope too long");
		return (0);
	}
	t->markup_len += len;
	if (t->assoc->row.checkpoint == 0)
		return (0);	/* never resumed, never decoded again */
	if (append(&t->markup, &t->markup_size, t->markup_used, data,
	    len) == -1) {
		refuse(t, RECV_JEOPARDIZED, "out of memory");
		return (0);
	}
	t->markup_used += len;
	if (t->markup_used > MARKUP_SPILL)
		recv_dirty(t);
	return (0);
}

static uint64_t
max_content(const struct intransfer *t)
{
	uint64_t	a = sp.mta.max_content;
	uint64_t	b = t->assoc->peer->conf.max_content;

	return (a == 0 ? b : b == 0 ? a : a < b ? a : b);
}

static int
recv_content(struct intransfer *t, const uint8_t *data, size_t len)
{
	uint64_t	max = max_content(t);

	if (max != 0 && t->body.len + len > max)
		refuse(t, RECV_UNACCEPTABLE, "content too long");
	else if (body_add(&t->body, data, len) == -1)
		jeopardized(t, "content");
	else if (t->assoc->row.checkpoint == 0)
		recv_go_direct(t);
	return (0);
}

/* Nothing but content since the one before, and as much as is agreed? */
static void
look_at_place(struct intransfer *t, const struct store_checkpoint *cp)
{
	uint64_t	size = (uint64_t)t->assoc->row.checkpoint * 1024;

	if (size != 0 && cp->markup_len == t->at.markup_len &&
	    cp->content_len == t->at.content_len + size)
		t->even++;
	else {
		t->even = 0;
		if (t->foreseen.last >= cp->serial) {
			t->foreseen.wrong = cp->serial;
			t->foreseen.last = 0;
		}
	}
	t->at = *cp;
}

static int
recv_checkpoint(struct intransfer *t, uint32_t serial)
{
	struct incheckpoint	*cp;

	if (serial != t->serial + 1 || serial > S_SERIAL_MAX)
		return (-1);
	if (t->ncp == t->cp_size) {
		if ((cp = reallocarray(t->cp, t->cp_size + 16,
		    sizeof(*cp))) == NULL) {
			refuse(t, RECV_JEOPARDIZED, "out of memory");
			return (0);
		}
		t->cp = cp;
		t->cp_size += 16;
	}
	t->serial = serial;
	if (t->suspect)
		poison_rest_in(t->row.id, t->row.peer, 1);
	t->suspect = 0;
	cp = &t->cp[t->ncp++];
	cp->row.serial = serial;
	cp->row.markup_len = t->markup_len;
	cp->row.content_len = t->body.len;
	look_at_place(t, &cp->row);
	if (!recv_ahead(t))
		recv_dirty(t);
	else if (recv_foreseen(t))
		recv_list(t);
	else if (recv_half_window(t)) {
		recv_dirty(t);
		spool_turn_now();
	} else {
		recv_list(t);
		spool_settle();
	}
	return (0);
}

/* The end */

static int
recv_end(struct intransfer *t, uint32_t serial)
{
	struct arrival	*a = &t->arrival;

	if (serial == 0 || serial > S_SERIAL_MAX)
		return (-1);
	t->end_serial = serial;
	if (t->state == IN_COMPLETE) {
		t->state = IN_ENDING;
		recv_dirty(t);
		return (0);
	}
	if (t->envelope_len == 0)
		return (-1);
	if ((a->message = message_deserialise(t->envelope,
	    t->envelope_len)) == NULL) {
		if (errno == ENOMEM) {
			refuse(t, RECV_JEOPARDIZED, "out of memory");
			return (0);
		}
		return (-1);
	}
	if (a->message->type != MESSAGE_REPORT &&
	    a->message->nrecipient == 0) {
		refuse(t, RECV_UNACCEPTABLE, "no recipient");
		return (0);
	}
	a->id = t->row.id;
	a->origin = t->origin;
	a->size = a->message->content_len = t->body.len;
	if (t->body.len > 0)
		a->message->has_content = 1;
	a->kind = t->body.fd != -1 ? CONTENT_FILE :
	    a->message->has_content ? CONTENT_INLINE : CONTENT_NONE;
	a->content = t->body.octets != NULL ? t->body.octets :
	    (const uint8_t *)"";
	t->state = IN_ENDING;
	recv_dirty(t);
	return (0);
}

static int
recv_envelope(struct intransfer *t, const uint8_t *data, size_t len)
{
	if (t->envelope_len + len > 2 * ENVELOPE_MAX) {
		refuse(t, RECV_UNACCEPTABLE, "envelope too long");
		return (0);
	}
	if (append(&t->envelope, &t->envelope_size, t->envelope_len, data,
	    len) == -1)
		refuse(t, RECV_JEOPARDIZED, "out of memory");
	else
		t->envelope_len += len;
	return (0);
}

/* Beginning */

static int
recv_start(struct assoc *a, const struct recv_start *start)
{
	struct intransfer *t;

	if (a->in != NULL && a->in->state != IN_REFUSED)
		return (-1);
	if (start->activity.len > S_ACTIVITY_ID_MAX)
		return (-1);
	if (a->in != NULL)
		recv_free(a->in);
	if ((t = recv_new(a, &start->activity)) == NULL)
		return (-1);
	t->put_pair = 1;
	if (!spool_receiving()) {
		refuse(t, RECV_JEOPARDIZED, sp.state);
		return (0);
	}
	if (!policy_rate(a->peer)) {
		refuse(t, RECV_JEOPARDIZED, "more messages than its rate");
		return (0);
	}
	/* a peer may count its activities as it likes */
	if (completed_has(&a->conn.completed, &start->activity)) {
		completed_remove(&a->conn.completed, &start->activity);
		t->reused = 1;
		recv_dirty(t);
	}
	/* rule 4: after a recovery, the old activity is given up */
	if (a->recovered && assoc_has_partial(a) == 1) {
		t->give_up = 1;
		recv_dirty(t);
	}
	a->recovered = 0;
	return (0);
}

/*
 * Looks an old activity up on one connection (rule 3).  1: *id, or complete
 * when *id is 0.
 */
static int
find_on(struct assoc *a, const struct store_connection *c,
    const struct activity_id *activity, uint64_t *id)
{
	struct store_association row;
	int			 r;

	if (c->association != a->row.id) {
		if ((r = store_association_get(sp.store, c->association,
		    &row)) != 1)
			return (r);
		if (row.peer != a->row.peer)
			return (0);
	}
	*id = 0;
	if (completed_has(&c->completed, activity))
		return (1);
	if ((r = store_activity_find(sp.store, c->id, activity, id)) != 0)
		return (r);
	return (store_activity_find_association(sp.store, c->association,
	    activity, id));
}

static int
find_old(struct assoc *a, const struct recv_resume *rs, uint64_t *id)
{
	struct store_connection	 conn[8];
	struct connection_key	 key;
	int			 i, n, r = 0, initiator;

	if (rs->old_connection.user_len == 0) {
		r = store_connection_get(sp.store, a->conn.id, &conn[0]);
		return (r != 1 ? r : find_on(a, &conn[0], &rs->old_activity,
		    id));
	}
	if (connection_key(&rs->old_connection, &key) == -1)
		return (0);
	for (initiator = 0; initiator < 2 && r == 0; initiator++) {
		if ((n = assoc_connections(&key, initiator, conn,
		    nitems(conn))) == -1)
			return (-1);
		for (i = 0; i < n && r == 0; i++)
			r = find_on(a, &conn[i], &rs->old_activity, id);
	}
	return (r);
}

static int
load_piece(void *arg, uint64_t offset, const void *data, size_t len)
{
	struct intransfer *t = arg;

	if (offset != t->content_stored ||
	    offset + len > CONTENT_INLINE_MAX)
		return (1);
	memcpy(t->body.octets + offset, data, len);
	t->content_stored += len;
	return (0);
}

/* Back to a checkpoint: 0, or -1 when its octets are not there. */
static int
load_content(struct intransfer *t, const struct store_checkpoint *cp)
{
	body_init(&t->body, t->row.id);
	if (t->row.kind == CONTENT_FILE) {
		t->stored_file = 1;
		if (body_open(&t->body, cp->content_len) == -1)
			return (-1);
	} else {
		if ((t->body.octets = malloc(CONTENT_INLINE_MAX)) == NULL)
			return (-1);
		if (store_piece_each(sp.store, t->row.id, PIECE_CONTENT,
		    load_piece, t) == -1 ||
		    t->content_stored < cp->content_len)
			return (-1);
		t->content_stored = t->body.len = cp->content_len;
	}
	t->synced = t->confirmed_len = t->body.len;
	t->serial = cp->serial;
	t->markup_len = t->markup_at = cp->markup_len;
	t->stored = 1;
	t->at = *cp;
	t->row.serial = cp->serial;
	t->row.markup_len = cp->markup_len;
	t->row.content_len = cp->content_len;
	return (0);
}

/* Another association that still believes to be receiving it. */
static void
take_over(const struct assoc *a, uint64_t id)
{
	struct assoc	*other;

	TAILQ_FOREACH(other, &sp.assocs, entry) {
		if (other == a || other->in == NULL ||
		    other->in->row.id != id || other->id == 0)
			continue;
		log_info(EVT_TRANSFER_IN_MOVED, "%s: resumed on another "
		    "association", assoc_name(other));
		assoc_detach(other, RTS_ABORT_TEMPORARY_PROBLEM, 1);
		other->row.lost = time(NULL);
		other->put_row = 1;
		xfer_down(other);
		other->gone = !xfer_in_question(other);
		assoc_dirty(other);
		spool_commit();
		return;
	}
}

static int
resume_partial(struct intransfer *t, uint64_t id,
    const struct recv_resume *rs)
{
	struct store_checkpoint	cp;
	struct store_receiving	row;

	take_over(t->assoc, id);
	if (store_receiving_get(sp.store, id, &row) != 1 ||
	    row.peer != t->origin->number ||
	    store_checkpoint_get(sp.store, id, rs->serial, INT64_MAX,
	    &cp) != 1 || cp.serial != rs->serial)
		return (-1);
	t->row = row;
	t->row.association = t->assoc->row.id;
	return (load_content(t, &cp));
}

/*
 * One that rtsd may have died of is taken up alone, and in the end not at
 * all: the peer sends it anew.  0: it was answered.
 */
static int
may_resume(struct intransfer *t, uint64_t id)
{
	int	suspect;

	poison_step_back(t->assoc);
	switch (poison_resume_in(id, t->origin->number, &suspect)) {
	case POISON_WAIT:
		refuse(t, RECV_JEOPARDIZED, "others are tried first");
		return (0);
	case POISON_GIVE_UP:
		if (recv_give_up(id) == -1)
			refuse(t, RECV_JEOPARDIZED, sp.state);
		else
			refuse(t, RECV_UNRECOGNIZED, "given up");
		return (0);
	default:
		t->suspect = suspect;
		return (1);
	}
}

static int
recv_resume(struct assoc *a, const struct recv_resume *rs)
{
	struct intransfer *t;
	uint64_t	 id = 0;
	int		 found;

	if ((a->in != NULL && a->in->state != IN_REFUSED) ||
	    rs->activity.len > S_ACTIVITY_ID_MAX ||
	    rs->old_activity.len > S_ACTIVITY_ID_MAX ||
	    rs->serial > S_SERIAL_MAX)
		return (-1);
	if (a->in != NULL)
		recv_free(a->in);
	if ((t = recv_new(a, &rs->activity)) == NULL)
		return (-1);
	a->recovered = 0;
	t->put_pair = 1;
	if (!spool_receiving() || spool_commit() == -1) {
		refuse(t, RECV_JEOPARDIZED, sp.state);
		return (0);
	}
	if ((found = find_old(a, rs, &id)) == -1) {
		spool_failed(store_error(sp.store));
		refuse(t, RECV_JEOPARDIZED, sp.state);
		return (0);
	}
	if (found && id != 0 && rs->serial > 0 && !may_resume(t, id))
		return (0);
	if (found && id == 0)
		t->complete = 1;
	else if (found && rs->serial == 0) {
		take_over(a, id);
		t->forget = id;		/* and from the start */
	} else if (rs->serial > 0 && (!found ||
	    resume_partial(t, id, rs) == -1)) {
		refuse(t, RECV_UNRECOGNIZED, "unknown activity or "
		    "checkpoint");
		return (0);
	}
	t->state = IN_RESUMING;
	if (t->stored || t->forget != 0 || t->complete)
		recv_dirty(t);
	else
		recv_resumed(t);
	return (0);
}

/* Ending otherwise */

static int
recv_interrupt(struct intransfer *t)
{
	t->state = IN_INTERRUPTING;
	if (t->dirty || t->row_behind)
		recv_dirty(t);
	else {
		recv_interrupted(t);
		recv_free(t);
	}
	return (0);
}

static int
recv_discard(struct intransfer *t)
{
	t->discarded_complete = t->complete;
	t->state = IN_DISCARDING;
	if (t->stored || t->dirty)
		recv_dirty(t);
	else {
		recv_discarded(t);
		recv_free(t);
	}
	return (0);
}

int
recv_imsg(struct assoc *a, uint32_t type, const uint8_t *data, size_t len)
{
	struct intransfer *t = a->in;
	struct recv_start  start;
	struct recv_resume resume;
	uint32_t	   number = 0;

	if (a->state != ASSOC_IS_UP && a->state != ASSOC_CLOSING)
		return (-1);
	a->active = spool_clock();
	switch (type) {
	case IMSG_RECV_START:
		if (len != sizeof(start))
			return (-1);
		memcpy(&start, data, sizeof(start));
		return (recv_start(a, &start));
	case IMSG_RECV_RESUME:
		if (len != sizeof(resume))
			return (-1);
		memcpy(&resume, data, sizeof(resume));
		return (recv_resume(a, &resume));
	}
	if (t == NULL)
		return (-1);
	if (type == IMSG_RECV_CHECKPOINT || type == IMSG_RECV_END ||
	    type == IMSG_RECV_INTERRUPT || type == IMSG_RECV_DISCARD) {
		if (len != sizeof(number))
			return (-1);
		memcpy(&number, data, sizeof(number));
	}
	/* a resumption that was answered is no obstacle to its end */
	if (type == IMSG_RECV_INTERRUPT && t->state != IN_ENDING &&
	    t->state != IN_INTERRUPTING && t->state != IN_DISCARDING)
		return (recv_interrupt(t));
	if (type == IMSG_RECV_DISCARD && t->state != IN_ENDING &&
	    t->state != IN_INTERRUPTING && t->state != IN_DISCARDING)
		return (recv_discard(t));
	if (t->state == IN_REFUSED)
		return (0);
	if (t->state == IN_COMPLETE)
		return (type == IMSG_RECV_END ? recv_end(t, number) : 0);
	if (t->state != IN_RECEIVING)
		return (-1);
	switch (type) {
	case IMSG_RECV_MARKUP:
		return (recv_markup(t, data, len));
	case IMSG_RECV_CONTENT:
		return (recv_content(t, data, len));
	case IMSG_RECV_CHECKPOINT:
		return (recv_checkpoint(t, number));
	case IMSG_RECV_ENVELOPE:
		return (recv_envelope(t, data, len));
	case IMSG_RECV_END:
		return (recv_end(t, number));
	default:
		return (-1);
	}
}

void
recv_detach(struct assoc *a)
{
	struct intransfer *t = a->in;

	if (t == NULL)
		return;
	a->in = NULL;
	t->assoc = NULL;
	if (t->state == IN_REFUSED || (!t->dirty && !t->row_behind))
		recv_free(t);
	else
		recv_dirty(t);
}

void
recv_refuse_all(const char *why)
{
	struct assoc	*a;

	TAILQ_FOREACH(a, &sp.assocs, entry)
		if (a->in != NULL && (a->in->state == IN_RECEIVING ||
		    a->in->state == IN_RESUMING))
			refuse(a->in, RECV_JEOPARDIZED, why);
}

void
recv_confirmed(struct intransfer *t, uint64_t len)
{
	if (len > t->confirmed_len) {
		if (t->origin->peer != NULL)
			t->origin->peer->confirmed_in +=
			    len - t->confirmed_len;
		sp.stats.confirmed_in += len - t->confirmed_len;
	}
	t->confirmed_len = len;
}

struct intransfer *
recv_first_dirty(void)
{
	return (TAILQ_FIRST(&dirty));
}

void
recv_done(struct intransfer *t, int free_it)
{
	recv_clean(t);
	if (free_it)
		recv_free(t);
}

void
recv_refuse(struct intransfer *t, const char *why)
{
	refuse(t, RECV_JEOPARDIZED, why);
}

int
recv_show(const struct assoc *a, struct store_receiving *r,
    const char **state)
{
	static const char *const names[] = { "receiving", "refused",
	    "resuming", "complete", "ending", "interrupted", "discarded" };
	const struct intransfer *t = a->in;

	if (t == NULL)
		return (-1);
	*r = t->row;
	r->content_len = t->body.len;
	r->markup_len = t->confirmed_len;	/* of the checkpoint */
	r->serial = t->serial - t->ncp;
	*state = names[t->state];
	return (0);
}
