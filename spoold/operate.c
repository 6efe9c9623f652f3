/* SPDX-License-Identifier: ISC */

/*
 * What the operator does with the queue: hold, release, remove, expire, retry,
 * reroute, of one message, of all, or of all for a peer.  Some messages at a
 * time, so that a long queue stops nothing else; the answer comes when the
 * last change is committed.  What is under way, being sent or delivered, is
 * left alone and said to be: nobody can tell yet what becomes of it.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "log.h"

#define MESSAGES_AT_ONCE	100
#define BY_OPERATOR		"by the operator"

struct copies {
	struct store_job	*job;
	size_t			 n;
};

static int
collect(void *arg, const struct store_job *j)
{
	struct copies		*c = arg;
	struct store_job	*p;

	if ((p = reallocarray(c->job, c->n + 1, sizeof(*p))) == NULL)
		return (-1);
	c->job = p;
	c->job[c->n++] = *j;
	return (0);
}

/* The messages for this target are meant? */
static int
meant(const struct client *c, const struct store_job *j)
{
	const struct target	*t = target_number(j->target);

	return (t != NULL && (c->change.peer[0] == '\0' ||
	    (t->kind == TARGET_PEER &&
	    strcmp(t->name, c->change.peer) == 0)));
}

/* Until when its originator wants it to wait; 0: that is over. */
static int64_t
deferred(const struct store_job *j)
{
	return (j->next_try > time(NULL) && (j->state == JOB_HELD ||
	    (j->state == JOB_DEFERRED &&
	    strcmp(j->reason, DEFERRED_DELIVERY) == 0)) ? j->next_try : 0);
}

/* Is there anything to be changed about a copy in that state? */
static int
concerns(const struct client *c, const struct store_job *j)
{
	switch (c->request) {
	case CTL_RETRY:
		return (j->state == JOB_DEFERRED && deferred(j) == 0);
	case CTL_HOLD:
		return (j->state != JOB_HELD && j->state != JOB_STUCK);
	case CTL_RELEASE:
		return (j->state == JOB_HELD);
	default:
		return (1);
	}
}

/* At once, whatever was waited for. */
static void
hurry(struct peer *p)
{
	memset(&p->open, 0, sizeof(p->open));
	memset(&p->send, 0, sizeof(p->send));
	memset(p->more_after, 0, sizeof(p->more_after));
}

/* With a report, in the transaction in which the copy goes. */
static int
give_up(struct job *j, int diagnostic, const char *text)
{
	if (report_give_up(j, REASON_UNABLE_TO_TRANSFER, diagnostic,
	    text) == 0)
		return (0);
	queue_return(j, "");
	return (-1);
}

/* A copy that is ours now; it is given back in its new state. */
static int
change(struct client *c, struct job *j, const struct store_job *was)
{
	switch (c->request) {
	case CTL_RETRY:
		queue_return(j, "");
		break;
	case CTL_HOLD:
		audit_job(AUDIT_HOLD, j, "operator", NULL);
		queue_hold(j, deferred(was), BY_OPERATOR);
		break;
	case CTL_RELEASE:
		audit_job(AUDIT_RELEASE, j, "operator", NULL);
		poison_absolve(j);
		if (deferred(was) != 0)
			queue_until(j, deferred(was), DEFERRED_DELIVERY);
		else
			queue_return(j, "");
		break;
	case CTL_REMOVE:
		if (c->change.report &&
		    give_up(j, -1, "removed by the operator") == -1)
			return (-1);
		audit_job(AUDIT_REMOVE, j, "operator", NULL);
		queue_done(j);
		break;
	case CTL_EXPIRE:
		if (give_up(j, DIAGNOSTIC_MAXIMUM_TIME_EXPIRED,
		    "expired by the operator") == -1)
			return (-1);
		queue_done(j);
		break;
	}
	return (0);
}

static const char *
done_text(const struct client *c)
{
	switch (c->request) {
	case CTL_RETRY:
		return ("tried again");
	case CTL_HOLD:
		return ("held");
	case CTL_RELEASE:
		return ("released");
	case CTL_REROUTE:
		return ("rerouted");
	case CTL_EXPIRE:
		return ("expired");
	default:
		return (c->change.report ? "removed with a report" :
		    "removed");
	}
}

struct result {
	int	changed, busy, idle, tried;
	char	why[160];	/* of the first copy that is idle */
};

static void
is_idle(struct result *o, const char *why)
{
	o->idle = 1;
	if (o->why[0] == '\0')
		strlcpy(o->why, why, sizeof(o->why));
}

/* It does not concern such a copy: why. */
static const char *
no_concern(const struct client *c, const struct store_job *j, char *buf,
    size_t size)
{
	char	state[256];

	if (c->request == CTL_RETRY)
		return (show_job_text(j, buf, size));
	if (c->request == CTL_HOLD && j->state == JOB_HELD)
		return ("it is held already");
	snprintf(buf, size, "%s%s", c->request == CTL_HOLD ?
	    "it waits anyway: " : "it is not held: ",
	    show_job_text(j, state, sizeof(state)));
	return (buf);
}

static int
can_be_called(const struct peer *p)
{
	return (!p->conf.disabled && !p->down && !p->held);
}

/*
 * A copy that goes at once: its own wait is over, or what waited was its
 * peer.
 */
static void
try_now(struct client *c, const struct store_job *was, struct result *o)
{
	const struct target	*t = target_number(was->target);

	if (t->peer == NULL) {
		o->tried |= was->state != JOB_READY;
		return;
	}
	hurry(t->peer);
	if (!can_be_called(t->peer))
		return;
	o->tried = 1;
	if (c->change.id != 0)
		c->changed.peers++;
}

/* Those with something to be tried, when more than one message is meant. */
static void
count_called(struct client *c)
{
	const struct peer	*p;

	TAILQ_FOREACH(p, &sp.peers, entry)
		if (can_be_called(p) && (queue_ready(p->target, -1) > 0 ||
		    schedule_recovers(p)) && (c->change.peer[0] == '\0' ||
		    strcmp(c->change.peer, p->conf.name) == 0))
			c->changed.peers++;
}

static int
under_way(const struct store_job *j)
{
	const struct target	*t = target_number(j->target);

	return (j->state == JOB_SENDING || (t != NULL &&
	    queue_is_taken(t, j->message)));
}

static int
change_copies(struct client *c, const struct copies *cs, struct result *o)
{
	const struct store_job	*sj;
	struct job		*j;
	char			 buf[320];
	size_t			 i;

	for (i = 0; i < cs->n; i++) {
		sj = &cs->job[i];
		if (!meant(c, sj))
			continue;
		if (c->request == CTL_RETRY && !under_way(sj) &&
		    (sj->state == JOB_READY || concerns(c, sj)))
			try_now(c, sj, o);
		if (under_way(sj))
			o->busy = 1;
		else if (!concerns(c, sj))
			is_idle(o, no_concern(c, sj, buf, sizeof(buf)));
		else if ((j = queue_claim(target_number(sj->target),
		    sj)) == NULL || change(c, j, sj) == -1)
			return (-1);
		else
			o->changed = 1;
	}
	return (0);
}

static struct target *
via(const struct client *c)
{
	struct peer	*p;

	TAILQ_FOREACH(p, &sp.peers, entry)
		if (p->seen && strcmp(p->conf.name, c->change.via) == 0)
			return (p->target);
	return (NULL);
}

static int
reroute_copies(struct client *c, const struct copies *cs, struct result *o)
{
	const struct store_job	*sj;
	struct target		*to;
	struct job		 j;
	char			 why[160];
	size_t			 i;
	int			 r;

	to = c->change.via[0] != '\0' ? via(c) : NULL;
	for (i = 0; i < cs->n; i++) {
		sj = &cs->job[i];
		if (!meant(c, sj))
			continue;
		if (under_way(sj)) {
			o->busy = 1;
			continue;
		}
		/* the peer may have it: only on express wish */
		if (sj->pinned & PINNED_SENT && to == NULL) {
			is_idle(o, "its peer may have it already: -V sends it "
			    "to another nevertheless");
			continue;
		}
		memset(&j, 0, sizeof(j));
		j.target = target_number(sj->target);
		j.message = sj->message;
		if ((r = reroute_job(j.target, sj, to)) == -1)
			return (-1);
		if (r == 0) {
			snprintf(why, sizeof(why), j.target->number == 0 ?
			    "there is no route for it" : "it is for %.100s "
			    "already", j.target->name);
			is_idle(o, why);
			continue;
		}
		o->changed = 1;
		poison_absolve(&j);
	}
	return (0);
}

static int
change_message(struct client *c, uint64_t id)
{
	struct result	o = { 0, 0, 0, 0, "" };
	struct copies	cs = { NULL, 0 };
	int		r;

	r = store_job_of_message(sp.store, id, collect, &cs);
	if (r == 0)
		r = c->request == CTL_REROUTE ? reroute_copies(c, &cs, &o) :
		    change_copies(c, &cs, &o);
	free(cs.job);
	if (r == -1)
		return (-1);
	c->changed.changed += o.changed;
	c->changed.tried += o.tried;
	c->changed.under_way += o.busy;
	c->changed.unchanged += o.idle && !o.changed && !o.busy;
	if (c->changed.why[0] == '\0' && !o.changed && !o.busy && !o.tried)
		strlcpy(c->changed.why, o.why, sizeof(c->changed.why));
	if (o.changed)
		log_info(EVT_OPERATOR, "message=%016" PRIX64
		    ": %s by the operator", id, done_text(c));
	return (0);
}

static void
fail(struct client *c)
{
	spool_failed(store_error(sp.store));
	client_fail(c, sp.state);
}

/* All of it is done but, perhaps, the commit. */
static void
finish(struct client *c)
{
	char	why[160];

	if (c->change.id != 0 && c->changed.changed == 0) {
		if (c->changed.under_way > 0) {
			snprintf(why, sizeof(why), "message %016" PRIX64
			    " is under way: wait until it is known what "
			    "becomes of it, then try again", c->change.id);
			client_fail(c, why);
			return;
		}
		if (c->changed.unchanged == 0) {
			client_fail(c, "no such message in the queue: "
			    "\"track\" may know what became of it");
			return;
		}
	}
	if (c->request == CTL_RETRY && c->change.id == 0)
		count_called(c);
	c->changing = CHANGE_COMMIT;
	spool_dirty();
	schedule_tick();
	deliver_wake();
}

static int
some(struct client *c)
{
	uint64_t	ids[MESSAGES_AT_ONCE];
	int		i, n;

	if (c->change.id != 0)
		return (change_message(c, c->change.id) == -1 ? -1 : 0);
	if ((n = store_message_ids(sp.store, c->cursor, ids,
	    MESSAGES_AT_ONCE)) == -1)
		return (-1);
	for (i = 0; i < n && ids[i] <= c->change_last; i++) {
		c->cursor = ids[i];
		if (change_message(c, ids[i]) == -1)
			return (-1);
	}
	return (i == MESSAGES_AT_ONCE);
}

void
operate_more(struct client *c)
{
	int	r;

	/* the store is to know what memory does */
	if (sp.store == NULL || sp.failing || spool_commit() == -1) {
		client_fail(c, sp.state);
		return;
	}
	if (c->changing != CHANGE_WORK)
		return;
	if (c->request != CTL_REROUTE)
		r = some(c);
	else if (!queue_settled()) {
		control_work();		/* there is more to commit first */
		return;
	} else if ((r = reroute_begin()) == 0) {
		r = some(c);
		if (reroute_end(r != -1) == -1)
			r = -1;
	}
	if (r == -1)
		fail(c);
	else if (r == 0)
		finish(c);
}

#define TEXT(field)	(memchr(field, '\0', sizeof(field)) != NULL)

static int
known_peer(const char *name)
{
	struct target	*t;

	TAILQ_FOREACH(t, &sp.targets, entry)
		if (t->kind == TARGET_PEER && strcmp(t->name, name) == 0)
			return (1);
	return (0);
}

int
operate_begin(struct client *c, uint32_t type, const struct ctl_change *ch)
{
	struct peer	*p;

	if (!TEXT(ch->peer) || !TEXT(ch->via))
		return (-1);
	c->request = type;
	c->change = *ch;
	memset(&c->changed, 0, sizeof(c->changed));
	c->cursor = 0;
	if (sp.store == NULL || sp.failing) {
		client_fail(c, sp.state);
		return (0);
	}
	if ((ch->peer[0] != '\0' && !known_peer(ch->peer)) ||
	    (ch->via[0] != '\0' && via(c) == NULL)) {
		client_fail(c, no_such_peer(""));
		return (0);
	}
	if (type == CTL_RETRY && ch->id == 0) {
		TAILQ_FOREACH(p, &sp.peers, entry) {
			if (ch->peer[0] != '\0' &&
			    strcmp(ch->peer, p->conf.name) != 0)
				continue;
			hurry(p);
			xfer_retry(p);
		}
	}
	c->change_last = store_next_id(sp.store);
	c->changing = CHANGE_WORK;
	/* one message is no work at all */
	if (ch->id != 0)
		operate_more(c);
	else
		control_work();
	return (0);
}
