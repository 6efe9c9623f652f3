/* SPDX-License-Identifier: ISC */

/*
 * Transfers coming in: what is made durable and what is said then.  Rule 1
 * of recovery lives here: nothing is confirmed before its commit, and what a
 * failed commit held is refused, so that both sides go on from the last
 * checkpoint that is on record.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "transfer_in.h"

/* arg: NULL, or the row goes with it */
static int
forget_one(void *arg, const struct store_receiving *r)
{
	if (r->kind == CONTENT_FILE)
		content_discard(r->id);
	return (arg == NULL ? 0 : store_receiving_delete(sp.store, r->id));
}

int
recv_forget(uint64_t association)
{
	return (store_receiving_of(sp.store, association, forget_one, NULL));
}

struct oldest {
	int			n;
	struct store_receiving	row;
};

static int
count_partial(void *arg, const struct store_receiving *r)
{
	struct oldest	*o = arg;

	if (o->n++ == 0)
		o->row = *r;
	return (0);
}

struct expired {
	time_t			now;
	int			n;
	struct store_receiving	row[32];
};

static int
expired_row(void *arg, const struct store_receiving *r)
{
	struct expired	*e = arg;
	struct assoc	*a;
	int64_t		 last = r->confirmed > r->since ? r->confirmed :
			    r->since;

	if (e->now - last <= assoc_keep(target_number(r->peer)))
		return (0);
	/* one that is lost has a time of its own */
	TAILQ_FOREACH(a, &sp.assocs, entry)
		if (a->row.id == r->association)
			break;
	if (a == NULL || a->id == 0 || (a->in != NULL &&
	    a->in->row.id == r->id))
		return (0);
	e->row[e->n++] = *r;
	return (e->n == (int)nitems(e->row));
}

void
recv_expire(time_t now)
{
	struct expired	e = { .now = now };
	int		i, r = 0;

	if (store_receiving_each(sp.store, expired_row, &e) == -1)
		goto fail;
	if (e.n == 0)
		return;
	if (store_begin(sp.store) == -1)
		goto fail;
	for (i = 0; i < e.n && r == 0; i++)
		r = forget_one(&e, &e.row[i]);
	if (r == 0 && store_commit(sp.store) == 0) {
		content_discarded();
		return;
	}
	content_keep();
	store_rollback(sp.store);
fail:
	spool_failed(store_error(sp.store));
}

int
recv_give_up(uint64_t id)
{
	struct store_receiving	row;
	int			r;

	if ((r = store_receiving_get(sp.store, id, &row)) != 1)
		return (r);
	if (store_begin(sp.store) == 0 && forget_one(&row, &row) == 0 &&
	    store_commit(sp.store) == 0) {
		content_discarded();
		return (0);
	}
	content_keep();
	store_rollback(sp.store);
	spool_failed(store_error(sp.store));
	return (-1);
}

/* A peer may interrupt one after the other and never resume any. */
static int
bound_partial(struct intransfer *t)
{
	struct oldest	o;

	o.n = 0;
	if (store_receiving_of(sp.store, t->row.association, count_partial,
	    &o) == -1)
		return (-1);
	return (o.n >= PARTIAL_MAX ? forget_one(t, &o.row) : 0);
}

static int
put_foreseen(struct intransfer *t)
{
	struct store_checkpoint	cp = t->at;
	uint32_t		last = recv_foresee(t);

	if (t->nready != t->ncp || last <= t->foreseen.last)
		return (0);
	while (cp.serial < last) {
		cp.serial++;
		cp.content_len += (uint64_t)t->assoc->row.checkpoint * 1024;
		if (cp.serial > t->foreseen.last &&
		    store_checkpoint_put(sp.store, t->row.id, &cp) == -1)
			return (-1);
	}
	t->foreseen.put = last;
	return (0);
}

/* The new octets and the checkpoints among them. */
static int
flush_partial(struct intransfer *t)
{
	struct store_receiving	*row = &t->row;
	size_t			 i;

	if (t->nready > t->nrecorded) {
		row->serial = t->cp[t->nready - 1].row.serial;
		row->markup_len = t->cp[t->nready - 1].row.markup_len;
		row->content_len = t->cp[t->nready - 1].row.content_len;
		row->confirmed = time(NULL);
		/* not before the file is durable as far as that */
		if (t->body.fd != -1 && row->kind == CONTENT_INLINE &&
		    store_piece_delete(sp.store, row->id,
		    PIECE_CONTENT) == -1)
			return (-1);
		row->kind = t->body.fd != -1 ? CONTENT_FILE :
		    CONTENT_INLINE;
	}
	if (!t->stored && bound_partial(t) == -1)
		return (-1);
	if ((t->stored && !t->put_pair ?
	    store_receiving_progress(sp.store, row) :
	    store_receiving_put(sp.store, row)) == -1)
		return (-1);
	if (t->put_pair && store_activity_put(sp.store, t->connection,
	    &t->activity, row->id) == -1)
		return (-1);
	if (t->foreseen.wrong != 0 && store_checkpoint_forget(sp.store,
	    row->id, t->foreseen.wrong) == -1)
		return (-1);
	for (i = t->nrecorded; i < t->nready; i++)
		if (store_checkpoint_put(sp.store, row->id,
		    &t->cp[i].row) == -1)
			return (-1);
	if (put_foreseen(t) == -1)
		return (-1);
	if (t->markup_used > 0 && store_piece_put(sp.store, row->id,
	    PIECE_MARKUP, t->markup_at, t->markup, t->markup_used) == -1)
		return (-1);
	if (t->body.fd == -1 && t->body.len > t->content_stored)
		return (store_piece_put(sp.store, row->id, PIECE_CONTENT,
		    t->content_stored, t->body.octets + t->content_stored,
		    t->body.len - t->content_stored));
	return (0);
}

static int
flush_resume(struct intransfer *t)
{
	struct store_checkpoint	 cp;
	struct store_receiving	 old;
	int			 r;

	if (t->forget != 0) {
		if ((r = store_receiving_get(sp.store, t->forget,
		    &old)) != 1)
			return (r);
		return (forget_one(t, &old));
	}
	/* what the peer sends now is confirmed as it comes, by this pair */
	if (t->complete)
		return (store_completed(sp.store, t->connection,
		    &t->activity, 1));
	if (!t->stored)
		return (0);
	cp.serial = t->serial;
	cp.markup_len = t->markup_len;
	cp.content_len = t->body.len;
	if (store_receiving_truncate(sp.store, t->row.id, &cp) == -1 ||
	    store_receiving_put(sp.store, &t->row) == -1)
		return (-1);
	return (store_activity_put(sp.store, t->connection, &t->activity,
	    t->row.id));
}

static int
remember_pair(void *arg, uint64_t connection, const struct activity_id *a)
{
	return (store_completed(sp.store, connection, a, 1));
}

/*
 * Rule 5: that it is complete is known by every pair that the peer may name,
 * which is any that it had an answer to.
 */
static int
flush_end(struct intransfer *t)
{
	if (t->stored && store_activity_each(sp.store, t->row.id,
	    remember_pair, NULL) == -1)
		return (-1);
	if (store_completed(sp.store, t->connection, &t->activity,
	    1) == -1)
		return (-1);
	if (t->complete)
		return (0);
	if (arrival_store(&t->arrival) == -1)
		return (-1);
	return (t->stored ? store_receiving_delete(sp.store, t->row.id) : 0);
}

static int
flush_one(struct intransfer *t)
{
	if (t->reused && store_completed(sp.store, t->connection,
	    &t->activity, 0) == -1)
		return (-1);
	if (t->give_up && store_receiving_of(sp.store, t->row.association,
	    forget_one, t) == -1)
		return (-1);
	switch (t->state) {
	case IN_INTERRUPTING:
		/* this, too, may come in one batch with the resumption */
		if ((t->complete || t->forget != 0 || (t->stored &&
		    t->put_pair)) && flush_resume(t) == -1)
			return (-1);
		/* FALLTHROUGH */
	case IN_RECEIVING:
		/* once for all: it depends on the time */
		t->put = recv_to_put(t);
		return (t->put ? flush_partial(t) : 0);
	case IN_RESUMING:
		return (flush_resume(t));
	case IN_ENDING:
		return (flush_end(t));
	case IN_DISCARDING:
		/* it may come in one batch with the resumption */
		if (t->forget != 0 && flush_resume(t) == -1)
			return (-1);
		if (!t->stored || t->complete)
			return (0);
		return (forget_one(t, &t->row));
	default:
		return (0);
	}
}

int
recv_waits(void)
{
	return (recv_first_dirty() != NULL);
}

int
recv_flush(void)
{
	struct intransfer *t;

	for (t = recv_first_dirty(); t != NULL;
	    t = TAILQ_NEXT(t, dirty_entry))
		if (!t->waiting && flush_one(t) == -1)
			return (-1);
	return (0);
}

/* What is said after the commit */

static void
committed_partial(struct intransfer *t)
{
	if (!t->put) {
		recv_confirm(t);
		return;
	}
	t->put = 0;
	t->stored = 1;
	t->stored_file = t->row.kind == CONTENT_FILE;
	t->put_pair = 0;
	t->markup_at += t->markup_used;
	t->markup_used = 0;
	t->content_stored = t->body.len;
	t->row_behind = 0;
	t->foreseen.wrong = 0;
	if (t->foreseen.put != 0) {
		t->foreseen.last = t->foreseen.put;
		t->foreseen.commit = store_commits(sp.store);
		t->foreseen.put = 0;
	}
	if (recv_recorded(t) > 0 && t->nrecorded > 0)
		recv_sync_more(t);
}

static int
send_markup(void *arg, uint64_t offset, const void *data, size_t len)
{
	struct intransfer *t = arg;

	return (rtsd_send_pieces(IMSG_RECV_OLD_MARKUP, t->assoc->id, data,
	    len));
}

void
recv_resumed(struct intransfer *t)
{
	struct recv_resumed	 r;

	memset(&r, 0, sizeof(r));
	r.complete = t->complete;
	r.content_len = t->body.len;
	t->forget = 0;
	t->put_pair = !t->stored;
	if (t->stored && store_piece_each(sp.store, t->row.id, PIECE_MARKUP,
	    send_markup, t) == -1) {
		spool_failed(store_error(sp.store));
		recv_refuse(t, sp.state);
		return;
	}
	rtsd_send(IMSG_RECV_RESUMED, t->assoc->id, -1, &r, sizeof(r));
	t->state = t->complete ? IN_COMPLETE : IN_RECEIVING;
	log_info(EVT_TRANSFER_IN_RESUMED, "%s checkpoint=%u octets=%" PRIu64
	    "%s", recv_text(t), t->serial, t->body.len,
	    t->complete ? ": it was complete" : "");
}

static void
log_end(const struct intransfer *t)
{
	const struct arrival	*a = &t->arrival;
	const struct target	*to;
	char			 mts_id[160], where[300];
	size_t			 i;

	mts_identifier_print(&a->message->id, mts_id, sizeof(mts_id));
	where[0] = '\0';
	for (i = 0; i < a->njobs; i++) {
		to = target_number(a->jobs[i].target);
		snprintf(where + strlen(where), sizeof(where) -
		    strlen(where), "%s%.80s", i > 0 ? ", " : ": for ",
		    to == NULL ? "?" : to->name);
	}
	log_info(a->duplicate ? EVT_DUPLICATE : EVT_RECEIVED,
	    "%s id=\"%s\" octets=%" PRIu64 " checkpoint=%u%s", recv_text(t),
	    mts_id, a->size, t->serial, a->duplicate ? ": not taken again" :
	    a->njobs == 0 ? ": no responsibility" : where);
}

static void
committed_end(struct intransfer *t)
{
	struct peer	*p = t->origin->peer;

	recv_recorded(t);
	recv_say(t, IMSG_RECV_ENDED, t->end_serial);
	if (t->assoc != NULL) {
		completed_add(&t->assoc->conn.completed, &t->activity);
		t->assoc->received++;
		t->assoc->progress = 1;
	}
	recv_confirmed(t, t->body.len);
	if (!t->complete) {
		t->keep_file = t->body.fd != -1;
		log_end(t);
		arrival_committed(&t->arrival);
		if (!t->arrival.duplicate) {
			sp.stats.received++;
			sp.stats.received_octets += t->body.len;
			sp.stats.received_mpdu_octets += t->markup_len +
			    t->body.len;
			if (p != NULL) {
				p->received++;
				p->received_octets += t->body.len;
				p->received_mpdu_octets += t->markup_len +
				    t->body.len;
			}
		}
		if (p != NULL)
			p->last_in = time(NULL);
	}
}

void
recv_committed(void)
{
	struct intransfer *t, *next;
	int		   free_it;

	for (t = recv_first_dirty(); t != NULL; t = next) {
		next = TAILQ_NEXT(t, dirty_entry);
		if (t->waiting)
			continue;
		free_it = t->assoc == NULL;
		t->give_up = t->reused = 0;
		switch (t->state) {
		case IN_RECEIVING:
			committed_partial(t);
			if (t->ncp == 0)
				break;
			if (t->ncp == t->nrecorded)
				continue;
			if (recv_ahead(t) && !recv_half_window(t))
				spool_settle();
			else
				spool_dirty_later();	/* the next sync */
			continue;
		case IN_RESUMING:
			if (t->assoc != NULL)
				recv_resumed(t);
			break;
		case IN_ENDING:
			committed_end(t);
			free_it = 1;
			break;
		case IN_INTERRUPTING:
			committed_partial(t);
			recv_interrupted(t);
			free_it = 1;
			break;
		case IN_DISCARDING:
			recv_discarded(t);
			free_it = 1;
			break;
		default:
			break;
		}
		recv_done(t, free_it);
	}
}

void
recv_interrupted(struct intransfer *t)
{
	if (t->assoc != NULL)
		rtsd_send(IMSG_RECV_INTERRUPTED, t->assoc->id, -1, NULL, 0);
	log_info(EVT_TRANSFER_IN_CUT, "%s checkpoint=%u octets=%" PRIu64,
	    recv_text(t), t->row.serial, t->row.content_len);
}

void
recv_discarded(struct intransfer *t)
{
	recv_say(t, IMSG_RECV_DISCARDED, t->discarded_complete);
	log_info(EVT_TRANSFER_IN_DISCARDED, "%s%s", recv_text(t),
	    t->discarded_complete ? ": it was complete" : "");
}

/* The commit failed: back to the last one. */
void
recv_failed(const char *why)
{
	struct intransfer *t;

	while ((t = recv_first_dirty()) != NULL) {
		/* it may be on record all the same */
		if (t->body.fd != -1 && !t->stored_file) {
			t->keep_file = 1;
			content_doubt(t->body.id);
		}
		if (t->assoc == NULL) {
			recv_done(t, 1);
			continue;
		}
		switch (t->state) {
		case IN_INTERRUPTING:
			recv_interrupted(t);
			recv_done(t, 1);
			break;
		case IN_DISCARDING:
			/* what is left expires */
			recv_discarded(t);
			recv_done(t, 1);
			break;
		default:
			recv_refuse(t, why);
			break;
		}
	}
}
