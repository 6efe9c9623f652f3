/* SPDX-License-Identifier: ISC */

/*
 * Messages that wait, routed again: after a new configuration, when their
 * peer cannot be reached and the route has others (X.411 14.3.4.4), and when
 * it can be again.  What is being sent, or was interrupted and may be
 * resumed, stays until its fate is known.  It is done a chunk at a time, each
 * in a transaction of its own, so that a long queue keeps nobody waiting.
 *
 * A recipient moves by its number in the routing of its message and a job
 * for its new target.  If that target had a job for other recipients that is
 * done, those are set apart first: nobody is sent a message twice.
 */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "salvage.h"

#define AT_ONCE		10	/* chunks, in reroute_all */
#define AGAIN		60	/* s between looks at all of a target */

enum { REROUTE_NOT = 0, REROUTE_BACK, REROUTE_AWAY, REROUTE_ALL };

/* What memory is to be told when the store has it. */
struct effect {
	TAILQ_ENTRY(effect)	 entry;
	enum { FORGET, ARRIVE, REPORT } what;
	struct target		*target;
	struct store_job	 job;
	struct arrival		 subject;	/* of reports */
};
static TAILQ_HEAD(effects, effect) effects = TAILQ_HEAD_INITIALIZER(effects);

/* One job that is looked at. */
struct rerouting {
	struct target		*from;
	struct target		*via;		/* NULL: by the routes */
	const struct store_job	*job;
	struct message		*message;
	uint32_t		*routing;
	struct outcome		*over;		/* recipients given up */
	size_t			 n, nover;
	size_t			 left, moved;
};

static struct effect *
effect(int what, struct target *t, const struct store_job *j)
{
	struct effect	*e;

	if ((e = calloc(1, sizeof(*e))) == NULL)
		return (NULL);
	e->what = what;
	e->target = t;
	if (j != NULL)
		e->job = *j;
	TAILQ_INSERT_TAIL(&effects, e, entry);
	return (e);
}

static void
effects_end(int committed)
{
	struct effect	*e;
	struct arrival	*a;

	while ((e = TAILQ_FIRST(&effects)) != NULL) {
		TAILQ_REMOVE(&effects, e, entry);
		if (committed && e->what == FORGET)
			queue_forget(e->target, &e->job);
		else if (committed && e->what == ARRIVE) {
			queue_arrived(e->target, &e->job);
			e->target->wake = 1;
		} else if (committed && e->subject.has_more)
			TAILQ_FOREACH(a, &e->subject.more, entry)
				arrival_committed(a);
		arrival_free(&e->subject);
		free(e);
	}
}

static int
copy_job(void *arg, const struct store_job *j)
{
	*(struct store_job *)arg = *j;
	return (0);
}

static const struct or_address *
recipient(const struct rerouting *r, size_t i)
{
	return (r->message->type == MESSAGE_REPORT ?
	    &r->message->originator : &r->message->recipient[i].name);
}

/* Is the target one that was given up for the one that is chosen now? */
static uint32_t
attempted(const struct rerouting *r, const struct route_choice *c)
{
	uint32_t	i;

	for (i = 0; i < c->nhop; i++)
		if (c->hop[i].target == r->from && !target_usable(r->from))
			return (r->from->number);
	return (0);
}

/* Recipients that a job of that target, now gone, was for. */
static void
settle(struct rerouting *r, const struct target *t)
{
	size_t	i;

	for (i = 0; i < r->n; i++)
		if (r->routing[i] == t->number)
			r->routing[i] = TARGET_SETTLED;
}

/* It goes with others that wait there.  0: not with what is under way. */
static int
join_job(struct target *t, struct store_job *j, uint32_t given_up,
    uint8_t chosen)
{
	uint8_t	pinned = j->pinned | chosen;

	if (j->state == JOB_SENDING || queue_is_taken(t, j->message))
		return (0);
	if ((given_up == 0 || j->attempted != 0) && pinned == j->pinned)
		return (1);
	if (j->attempted == 0)
		j->attempted = given_up;
	j->pinned = pinned;
	return (store_job_add(sp.store, j) == -1 ||
	    effect(FORGET, t, j) == NULL || effect(ARRIVE, t, j) == NULL ?
	    -1 : 1);
}

/* A job for the new target, unless one waits.  0: it cannot be now. */
static int
move_job(struct rerouting *r, struct target *t, uint32_t given_up)
{
	struct store_job	j;
	uint8_t			chosen = r->via != NULL ? PINNED_CHOSEN : 0;
	int			n;

	if ((n = store_job_get(sp.store, t->number, r->job->rank,
	    r->job->message, copy_job, &j)) == -1)
		return (-1);
	if (n > 0)
		return (join_job(t, &j, given_up, chosen));
	settle(r, t);
	memset(&j, 0, sizeof(j));
	j.target = t->number;
	j.rank = r->job->rank;
	j.message = r->job->message;
	j.size = r->job->size;
	j.deadline = r->job->deadline;
	j.attempts = r->job->attempts;
	j.attempted = given_up;
	j.pinned = chosen;
	j.state = JOB_READY;
	if (r->job->state == JOB_DEFERRED && r->message->type ==
	    MESSAGE_USER && utctime_get(&r->message->deferred) > time(NULL)) {
		j.state = JOB_DEFERRED;		/* delivery is */
		j.next_try = r->job->next_try;
		strlcpy(j.reason, r->job->reason, sizeof(j.reason));
	} else if (r->job->state == JOB_HELD && r->job->next_try >
	    time(NULL)) {
		j.state = JOB_DEFERRED;		/* was, before it was held */
		j.next_try = r->job->next_try;
		strlcpy(j.reason, DEFERRED_DELIVERY, sizeof(j.reason));
	}
	if (store_job_add(sp.store, &j) == -1 ||
	    effect(ARRIVE, t, &j) == NULL)
		return (-1);
	log_info(EVT_REROUTED, "message=%016" PRIX64 " from=\"%s\" to=\"%s\"",
	    j.message, r->from->name, t->name);
	return (1);
}

/* It can go nowhere any more. */
static int
add_outcome(struct rerouting *r, size_t i, const struct outcome *why)
{
	struct outcome	*o;

	if ((o = recallocarray(r->over, r->nover, r->nover + 1,
	    sizeof(*o))) == NULL)
		return (-1);
	r->over = o;
	o += r->nover++;
	*o = *why;
	o->recipient = i;
	r->routing[i] = TARGET_SETTLED;
	return (0);
}

static int
unknown(struct rerouting *r, size_t i)
{
	struct outcome	o;

	memset(&o, 0, sizeof(o));
	o.reason = REASON_UNABLE_TO_TRANSFER;
	o.diagnostic = DIAGNOSTIC_UNRECOGNISED_OR_NAME;
	o.text = ROUTE_UNKNOWN_TEXT;
	return (add_outcome(r, i, &o));
}

/* Peers that do not take such a message are no choice; *o is of the last. */
static void
apply_policy(const struct rerouting *r, size_t i, struct route_choice *c,
    struct outcome *o)
{
	uint32_t	k, n = 0;

	memset(o, 0, sizeof(*o));
	if (r->message->type == MESSAGE_REPORT)
		return;
	for (k = 0; k < c->nhop; k++)
		if (c->hop[k].target == r->from ||
		    !policy_refuses_recipient(NULL, c->hop[k].target->peer,
		    r->message, i, r->job->size, o))
			c->hop[n++] = c->hop[k];
	c->nhop = n;
}

static int
reroute_recipient(struct rerouting *r, size_t i)
{
	struct route_choice	 c;
	struct target		*t = NULL;
	struct outcome		 o;
	int			 n;

	memset(&c, 0, sizeof(c));
	if (r->via != NULL)
		t = r->via;
	else
		switch (route_lookup(recipient(r, i), &c)) {
		case ROUTE_UNKNOWN:
			return (unknown(r, i));
		case ROUTE_FOUND:
			apply_policy(r, i, &c, &o);
			if (c.nhop == 0)
				return (add_outcome(r, i, &o));
			t = route_pick(&c, r->from);
			break;
		}
	if (t == NULL || t == r->from || !target_configured(t)) {
		r->left++;
		return (0);
	}
	if ((n = move_job(r, t, attempted(r, &c))) == -1)
		return (-1);
	if (n == 0)
		r->left++;
	else {
		r->routing[i] = t->number;
		r->moved++;
	}
	return (0);
}

/* What is left for the target it was at: other recipients, or nothing. */
static int
end_job(struct rerouting *r)
{
	struct store_job	j = *r->job;
	int			kind, n;

	if (r->left > 0) {
		if (r->via == NULL)
			j.pinned &= ~PINNED_CHOSEN;
		if (!j.sole && j.pinned == r->job->pinned)
			return (0);
		if (r->moved + r->nover > 0)
			j.sole = 0;
		return (store_job_add(sp.store, &j) == -1 ||
		    effect(FORGET, r->from, &j) == NULL ||
		    effect(ARRIVE, r->from, &j) == NULL ? -1 : 0);
	}
	if (store_job_done(sp.store, j.target, j.rank, j.message) == -1 ||
	    effect(FORGET, r->from, &j) == NULL ||
	    (n = store_message_done(sp.store, j.message, &kind)) == -1)
		return (-1);
	if (n == 1 && kind == CONTENT_FILE)
		content_discard(j.message);
	return (0);
}

/* The message as one that arrives, for its content may go back. */
static int
load_subject(struct arrival *a, uint64_t id)
{
	struct store_message	 sm;
	int			 r = -1;

	if (store_message_get(sp.store, id, &sm, 1) != 1) {
		/* what it is for is known nevertheless */
		if (!store_row_damaged(sp.store) ||
		    store_message_get(sp.store, id, &sm, 0) != 1)
			return (-1);
		sm.kind = CONTENT_NONE;
	}
	if (sm.kind == CONTENT_FILE && content_trouble(id, sm.size) != NULL)
		sm.kind = CONTENT_NONE;
	a->id = id;
	a->origin = target_number(sm.origin);
	a->size = sm.size;
	a->kind = sm.kind;
	a->message = message_deserialise(sm.envelope, sm.envelope_len);
	if (a->message != NULL && (a->kind != CONTENT_INLINE ||
	    (a->content = (uint8_t *)message_memdup(a->message, sm.content,
	    sm.size)) != NULL))
		r = 0;
	store_message_release(sp.store);
	return (r);
}

static int
report_over(struct rerouting *r)
{
	struct effect	*e;
	ssize_t		 left;

	if (r->nover == 0)
		return (0);
	if ((e = effect(REPORT, NULL, NULL)) == NULL ||
	    load_subject(&e->subject, r->job->message) == -1)
		return (-1);
	left = r->message->type == MESSAGE_REPORT ? (ssize_t)r->nover :
	    process_redirections(&e->subject, r->over, r->nover);
	return (left == -1 ? -1 : report_store(&e->subject, r->over,
	    left));
}

static int
reroute_recipients(struct rerouting *r)
{
	size_t	i;

	route_seed(r->job->message);
	for (i = 0; i < r->n; i++)
		if (r->routing[i] == r->job->target &&
		    reroute_recipient(r, i) == -1)
			return (-1);
	if (r->moved == 0 && r->nover == 0) {
		/* what the operator chose once is with the routes again */
		if (r->via != NULL || r->left == 0 ||
		    !(r->job->pinned & PINNED_CHOSEN))
			return (0);
		return (end_job(r) == -1 ? -1 : 1);
	}
	if (store_message_routing(sp.store, r->job->message, r->routing,
	    r->n) == -1 || report_over(r) == -1)
		return (-1);
	return (end_job(r) == -1 ? -1 : 1);
}

int
reroute_job(struct target *t, const struct store_job *j, struct target *via)
{
	struct store_message	 sm;
	struct rerouting	 r;
	int			 n;

	memset(&r, 0, sizeof(r));
	r.from = t;
	r.via = via;
	r.job = j;
	if ((n = store_message_get(sp.store, j->message, &sm, 0)) != 1)
		return (n);
	r.n = sm.nrouting;
	r.message = message_deserialise(sm.envelope, sm.envelope_len);
	if ((r.routing = calloc(r.n + 1, sizeof(*r.routing))) != NULL)
		memcpy(r.routing, sm.routing, r.n * sizeof(*r.routing));
	store_message_release(sp.store);
	n = 0;
	if (r.routing == NULL)
		n = -1;
	else if (r.message != NULL && (r.message->type == MESSAGE_REPORT ||
	    r.message->nrecipient == r.n))
		n = reroute_recipients(&r);
	free(r.over);
	free(r.routing);
	if (r.message != NULL)
		message_free(r.message);
	return (n);
}

int
reroute_begin(void)
{
	audit_begin();
	return (store_begin(sp.store));
}

int
reroute_end(int ok)
{
	if (ok)
		ok = audit_flush() == 0 && store_commit(sp.store) == 0;
	if (ok) {
		content_discarded();
		audit_committed();
	} else {
		store_rollback(sp.store);
		content_keep();
		audit_rollback();
	}
	route_seed(0);
	effects_end(ok);
	return (ok ? 0 : -1);
}

/* May it be moved at all? */
static int
movable(const struct target *t, const struct store_job *j)
{
	if (j->state == JOB_HELD || queue_is_taken(t, j->message))
		return (0);
	/* sent another way it might be delivered twice */
	if (j->pinned & PINNED_SENT)
		return (0);
	/* as long as there is such a way */
	if (j->pinned & PINNED_CHOSEN && target_configured(t))
		return (0);
	/* for a reason of its own */
	if (j->state == JOB_STUCK && target_configured(t))
		return (0);
	return (t->reroute != REROUTE_BACK || j->attempted != 0);
}

static int
reroute_chunk(struct target *t, const struct chunk *c, int rank)
{
	int	i, r;

	r = reroute_begin();
	for (i = 0; i < c->n && r == 0; i++)
		if (movable(t, &c->job[i]) &&
		    reroute_job(t, &c->job[i], NULL) == -1)
			r = -1;
	if (reroute_end(r == 0) == -1)
		return (-1);
	if (c->n > 0)
		t->rerouted[rank] = c->job[c->n - 1].message;
	return (0);
}

/* The next chunk of a target.  0: there is none, -1: the store failed. */
static int
reroute_some(struct target *t)
{
	static struct chunk	 c;
	int			 rank;

	c.n = 0;
	for (rank = 0; rank < 3; rank++) {
		if (store_job_waiting(sp.store, t->number, rank,
		    t->rerouted[rank], INT64_MAX, CHUNK_MAX, chunk_add,
		    &c) == -1)
			goto fail;
		if (c.n > 0)
			break;
	}
	if (c.n == 0) {
		t->reroute = REROUTE_NOT;
		return (0);
	}
	if (reroute_chunk(t, &c, rank) == -1)
		goto fail;
	return (1);
fail:
	spool_failed(store_error(sp.store));
	return (-1);
}

/* 1: there was something to do, 0: not, or not now. */
static int
reroute_next(void)
{
	struct target	*t;
	int		 r = 0;

	if (sp.store == NULL || sp.failing || sp.dirty || !queue_settled())
		return (0);
	TAILQ_FOREACH(t, &sp.targets, entry)
		if (t->reroute != REROUTE_NOT && (r = reroute_some(t)) != 0)
			break;
	return (r);
}

static void
begin(struct target *t, int how)
{
	if (t->reroute < how)
		t->reroute = how;
	memset(t->rerouted, 0, sizeof(t->rerouted));
	spool_wake(spool_clock());
}

int
reroute_all(void)
{
	struct target	*t;
	int		 i, r;

	if (sp.dirty && spool_commit() == -1)
		return (-1);
	TAILQ_FOREACH(t, &sp.targets, entry)
		begin(t, REROUTE_ALL);
	for (i = 0; i < AT_ONCE; i++)
		if ((r = reroute_next()) != 1)
			return (r);
	return (0);
}

void
reroute_away(struct target *t, uint64_t after)
{
	int	rank;

	if (t->reroute < REROUTE_AWAY)
		t->reroute = REROUTE_AWAY;
	for (rank = 0; rank < 3; rank++)
		if (t->rerouted[rank] > after)
			t->rerouted[rank] = after;
	spool_wake(spool_clock());
}

void
reroute_back(void)
{
	struct target	*t;

	TAILQ_FOREACH(t, &sp.targets, entry)
		if (t->alternates)
			begin(t, target_usable(t) ? REROUTE_BACK :
			    REROUTE_AWAY);
}

/*
 * Where another way was taken or wanted, all is looked at again after a
 * while: a job may have been in the way, or held.
 */
static void
look_again(void)
{
	static time_t	 last;
	struct target	*t;
	time_t		 now = time(NULL);

	if (now >= last && now - last < AGAIN)
		return;
	last = now;
	TAILQ_FOREACH(t, &sp.targets, entry)
		if (t->alternates && t->reroute == REROUTE_NOT &&
		    !target_usable(t))
			begin(t, REROUTE_AWAY);
}

void
reroute_tick(void)
{
	struct target	*t;

	look_again();
	if (reroute_next() != 1)
		return;
	queue_wake();
	TAILQ_FOREACH(t, &sp.targets, entry)
		if (t->reroute != REROUTE_NOT)
			spool_wake(spool_clock());
}
