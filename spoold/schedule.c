/* SPDX-License-Identifier: ISC */

/*
 * Which associations are opened, used, released, recovered and when.  Each
 * peer has its own queue, associations and timers: a slow one delays no
 * other.  Associations that a peer opened for two-way alternate dialogue
 * carry our messages as well.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#include "log.h"
#include "spoold.h"

#define SOON		2000	/* ms; a recovery due by then is waited for */

struct census {
	uint32_t	up, coming, normal, all;
};

/* Associations through which messages to the peer can go. */
static void
count(const struct peer *p, struct census *c)
{
	const struct assoc	*a;
	uint64_t		 now = spool_clock();

	memset(c, 0, sizeof(*c));
	TAILQ_FOREACH(a, &sp.assocs, entry) {
		if (a->peer != p || a->drop || a->gone ||
		    (!a->row.initiator && a->row.dialogue != DIALOGUE_TWA))
			continue;
		if (a->state == ASSOC_IS_UP)
			c->up++;
		else if (a->row.initiator && (a->state == ASSOC_OPENING ||
		    (a->state == ASSOC_LOST && a->retry_at < now + SOON)))
			c->coming++;
		else
			continue;
		c->all++;
		if (!a->urgent_only)
			c->normal++;
	}
}

uint32_t
peer_associations(const struct peer *p, int initiator)
{
	const struct assoc	*a;
	uint32_t		 n = 0;

	TAILQ_FOREACH(a, &sp.assocs, entry)
		if (a->peer == p && a->row.initiator == initiator &&
		    (a->state == ASSOC_IS_UP || a->state == ASSOC_CLOSING))
			n++;
	return (n);
}

static void
open_fresh(struct peer *p, int urgent_only)
{
	struct s_connection_id	 id;
	struct assoc		*a;

	if (sp.mta.max_associations != 0 &&
	    sp.nassoc >= sp.mta.max_associations) {
		p->waiting_since = 0;	/* it is not the peer that fails */
		return;
	}
	if ((a = assoc_new(p)) == NULL)
		return;
	a->row.id = store_next_id(sp.store);
	a->row.peer = p->target->number;
	a->row.initiator = 1;
	/* what it would send then is not taken now */
	a->row.dialogue = poison_peer_shut(p) > 0 ? DIALOGUE_MONOLOGUE :
	    p->conf.dialogue;
	if (a->row.dialogue == DIALOGUE_TWA)
		poison_peer_opens(p);
	a->row.turn = TURN_INITIATOR;
	a->row.checkpoint = p->conf.checkpoint;
	a->row.window = p->conf.window;
	a->row.opened = time(NULL);
	a->row.next_activity = a->next_activity = 1;
	a->urgent_only = urgent_only;
	assoc_register(a, assoc_number());
	a->state = ASSOC_OPENING;
	a->say = SAY_OPEN;
	a->put_row = 1;
	assoc_connection(a, &id);
	assoc_dirty(a);
}

static void
open_recover(struct assoc *a)
{
	struct s_connection_id	id;

	assoc_register(a, assoc_number());
	a->state = ASSOC_OPENING;
	a->recovering = 1;
	a->say = SAY_OPEN;
	assoc_connection(a, &id);
	assoc_dirty(a);
}

#define POLLS_MAX	3

/*
 * The responder may have begun what never arrived here, or wait to know what
 * became of something, and it is for us, who can connect, to let it go on.
 * Not for ever: one that has nothing may lose each connection.
 */
static int
may_be_theirs(const struct assoc *a)
{
	return (a->row.dialogue == DIALOGUE_TWA && a->row.initiator &&
	    a->polls < POLLS_MAX);
}

/* Rule 2: the turn is with the side that was sending. */
static int
recovery_turn(const struct assoc *a)
{
	if (a->row.dialogue == DIALOGUE_MONOLOGUE || xfer_in_question(a))
		return (TURN_INITIATOR);
	return (assoc_has_partial(a) == 1 ? TURN_RESPONDER : a->row.turn);
}

void
schedule_open_now(struct assoc *a)
{
	struct assoc_open	o;

	memset(&o, 0, sizeof(o));
	o.peer = a->peer->conf.id;
	o.recover = a->recovering;
	o.turn = a->recovering ? recovery_turn(a) : TURN_INITIATOR;
	o.dialogue = a->row.dialogue;
	o.checkpoint = a->row.checkpoint;
	o.window = a->row.window;
	connection_key_parse(&a->conn.key, &o.id);
	if (a->recovering)
		connection_key_parse(&a->established.key, &o.recovered);
	rtsd_send(IMSG_ASSOC_OPEN, a->id, -1, &o, sizeof(o));
}

/* It cannot be reached: what has another way takes that. */
static void
unreachable(struct peer *p, const char *why)
{
	if (p->alternate || p->target == NULL)
		return;
	p->alternate = 1;
	if (!p->target->alternates)
		return;
	log_warnx(EVT_ALTERNATES, "peer=%s: %s", p->conf.name, why);
	reroute_away(p->target, 0);
}

static void
reachable(struct peer *p)
{
	p->busy = 0;
	p->waiting_since = 0;
	if (!p->alternate)
		return;
	p->alternate = 0;
	if (p->target == NULL || !p->target->alternates)
		return;
	log_info(EVT_ALTERNATES_OVER, "peer=%s", p->conf.name);
	reroute_back();
}

/*
 * One that has too many associations is there: its messages wait, for other
 * ways may lead to the same crowd (KB Q278444).
 */
void
schedule_failure(struct peer *p, const char *why, int busy)
{
	char	text[160];

	p->busy = busy;
	p->failed_out++;
	if (!busy && ++p->failures >= p->conf.alternate_failures &&
	    p->conf.alternate_failures != 0) {
		snprintf(text, sizeof(text), "%u opens failed, %s",
		    p->failures, why);
		unreachable(p, text);
	}
	ladder_failed(&p->open, &p->conf);
	strlcpy(p->why, why, sizeof(p->why));
	if (p->target != NULL)
		spool_wake(ladder_due(p, &p->open, -1));
}

/* Jobs to associations, one at a time to the one with the least to do. */
static void
give(struct peer *p)
{
	struct assoc	*a, *best;
	struct job	*j;
	uint64_t	 due = ladder_due(p, &p->send, -1);

	if (spool_clock() < due) {
		spool_wake(due);
		return;
	}
	while (queue_ready(p->target, -1) > 0) {
		best = NULL;
		TAILQ_FOREACH(a, &sp.assocs, entry) {
			if (a->peer != p || !xfer_room(a) || (a->urgent_only &&
			    queue_ready(p->target, 0) == 0))
				continue;
			if (best == NULL || a->nxfers < best->nxfers)
				best = a;
		}
		if (best == NULL)
			return;
		if ((j = queue_next(p->target, best->urgent_only)) == NULL)
			return;
		if (xfer_give(best, j) == -1) {
			queue_return(j, "out of memory");
			return;
		}
	}
}

/*
 * One for each threshold that is full.  Urgent messages, which may go there
 * as well, count as normal ones: their own threshold is that of associations
 * that are only theirs.
 */
static uint64_t
deserved(const struct peer *p)
{
	uint64_t	normal, other, n = p->conf.threshold[1];
	uint64_t	m = p->conf.threshold[2];

	if (n == 0 || m == 0)
		return (UINT32_MAX);
	normal = queue_ready(p->target, 0) + queue_ready(p->target, 1);
	other = queue_ready(p->target, 2);
	return ((normal * m + other * n + n * m - 1) / (n * m));
}

/* One more, now and then, while a message waits too long for its rank. */
static int
too_old(struct peer *p, int rank)
{
	uint32_t	limit = p->conf.threshold_oldest[rank];
	int64_t		oldest = queue_oldest(p->target, rank);

	if (oldest == 0 || limit == 0 || time(NULL) - oldest <= limit ||
	    spool_clock() < p->more_after[rank])
		return (0);
	p->more_after[rank] = spool_clock() + limit * UINT64_C(1000);
	return (1);
}

/* How many associations the queue of all messages deserves. */
static uint32_t
desired(struct peer *p, const struct census *c)
{
	uint32_t	limit;
	uint64_t	want;
	int		rank;

	limit = p->conf.max_associations == 0 ? 1 : p->conf.max_associations;
	if (limit > p->conf.reserved_urgent)
		limit -= p->conf.reserved_urgent;
	if (c->up == 0)
		return (1);	/* first see whether it answers */
	want = deserved(p);
	for (rank = 0; rank < 3; rank++)
		if (too_old(p, rank) && want <= c->normal)
			want = c->normal + 1;
	return (want < limit ? (uint32_t)want : limit);
}

/* Messages wait, and for how long has there been nothing to send them by? */
static void
look_at_wait(struct peer *p, uint64_t ready, uint64_t now)
{
	struct census	c;

	if (p->conf.alternate_time == 0 || p->alternate)
		return;
	count(p, &c);
	if (ready == 0 || c.up > 0 || p->busy) {
		p->waiting_since = 0;
		return;
	}
	if (p->waiting_since == 0)
		p->waiting_since = now;
	if (now - p->waiting_since >= p->conf.alternate_time *
	    UINT64_C(1000))
		unreachable(p, "no association for too long");
}

void
schedule_peer(struct peer *p)
{
	struct census	c;
	uint64_t	now = spool_clock(), ready, urgent, due;
	uint32_t	want;

	if (p->target == NULL || sp.failing || sp.stopping ||
	    !rtsd_connected() || p->conf.disabled || p->down || p->held)
		return;
	give(p);
	ready = queue_ready(p->target, -1);
	look_at_wait(p, ready, now);
	/* one that was given up is called to see whether it is back */
	if (ready == 0 && (!p->poll || poison_peer_shut(p) > 0) &&
	    !(p->alternate && p->target->alternates))
		return;
	if (p->conf.naddress == 0 || now < ladder_due(p, &p->send, -1))
		return;
	if (now < (due = ladder_due(p, &p->open, -1))) {
		spool_wake(due);
		return;
	}
	count(p, &c);
	want = desired(p, &c);
	for (; c.normal < want; c.normal++, c.all++)
		open_fresh(p, 0);
	urgent = queue_ready(p->target, 0);
	if (urgent > 0 && c.coming == 0 && c.all < p->conf.max_associations &&
	    (c.all == c.normal || urgent > p->conf.threshold[0]) &&
	    c.up > 0)
		open_fresh(p, 1);
}

void
schedule_give(struct assoc *a)
{
	schedule_peer(a->peer);
}

void
schedule_recover(struct assoc *a)
{
	if (a->state != ASSOC_LOST || !a->row.initiator)
		return;
	a->retry_at = spool_clock();
	spool_wake(a->retry_at);
}

int
schedule_recovers_it(const struct assoc *a)
{
	return (a->state == ASSOC_LOST && a->row.initiator && !a->drop &&
	    !a->gone);
}

int
schedule_recovers(const struct peer *p)
{
	const struct assoc	*a;

	TAILQ_FOREACH(a, &sp.assocs, entry)
		if (a->peer == p && schedule_recovers_it(a))
			return (1);
	return (0);
}

/* The peer is there again: what was lost need not wait for its time. */
static void
recover_others(const struct assoc *up)
{
	struct assoc	*a;

	TAILQ_FOREACH(a, &sp.assocs, entry)
		if (a->peer == up->peer)
			schedule_recover(a);
}

void
schedule_up(struct assoc *a)
{
	recover_others(a);
	memset(a->peer->open.after, 0, sizeof(a->peer->open.after));
	a->peer->why[0] = '\0';
	if (a->row.initiator) {
		if (a->peer->calls > 1)
			log_info(EVT_PEER_ANSWERS, "peer=%s failed=%u",
			    a->peer->conf.name, a->peer->calls);
		a->peer->calls = 0;
		a->peer->said[0] = '\0';
	}
	if (a->row.initiator || a->row.dialogue == DIALOGUE_TWA)
		reachable(a->peer);
	if (xfer_in_question(a))
		xfer_resume(a);
	schedule_peer(a->peer);
}

static void
forget(struct assoc *a, const struct assoc_down *down, int was_up)
{
	struct peer	*p = a->peer;

	if ((!was_up && !a->recovering) || (was_up && !a->progress &&
	    down->kind != DOWN_RELEASED))
		schedule_failure(p, down_text(down), !was_up &&
		    down->kind == DOWN_REFUSED && down->reason == RTS_BUSY);
	else if (was_up)
		p->failures = 0;
	assoc_drop(a);
}

static void
remember(struct assoc *a)
{
	struct peer	*p = a->peer;

	p->no_recovery = time(NULL) + p->conf.no_recovery_memory;
	a->no_recovery = p->no_recovery;
	log_info(EVT_CANNOT_RECOVER, "peer=%s seconds=%u: not asked to "
	    "meanwhile", p->conf.name, p->conf.no_recovery_memory);
}

void
schedule_down(struct assoc *a, enum assoc_state was,
    const struct assoc_down *down)
{
	struct recovery_case	 c;
	struct peer		*p = a->peer;
	time_t			 now = time(NULL);

	memset(&c, 0, sizeof(c));
	c.was_up = was == ASSOC_IS_UP || was == ASSOC_CLOSING;
	c.recovering = a->recovering;
	xfer_down(a);
	if (!c.was_up && !a->put_conn)
		a->drop_conn = a->conn.id;
	if (!c.was_up)
		a->put_conn = 0;
	if (a->row.lost == 0) {
		a->row.lost = now;
		a->lost = spool_clock();
		a->put_row = 1;
	}
	if (a->progress)
		a->polls = 0;
	c.in_question = xfer_in_question(a) || (a->row.connection != 0 &&
	    assoc_has_partial(a) == 1);
	if (!c.in_question && a->row.connection != 0 &&
	    (!c.was_up || down->kind != DOWN_RELEASED) && may_be_theirs(a)) {
		c.in_question = 1;
		if (c.was_up)
			a->polls++;
	}
	c.kind = down->kind;
	c.reason = down->reason;
	c.allowed = p->conf.recover && now >= p->no_recovery;
	c.expired = now - a->row.lost >= (int64_t)p->conf.recovery_timeout;
	c.again = down->kind == DOWN_TRANSPORT_LOST ? a->died :
	    p->cannot_recover;
	a->died = c.recovering && !c.was_up &&
	    down->kind == DOWN_TRANSPORT_LOST;
	if (c.recovering && !c.was_up && down->kind == DOWN_REFUSED &&
	    down->reason == RTS_CANNOT_RECOVER && !a->uncertain)
		p->cannot_recover = 1;
	switch (recovery_decide(&c)) {
	case RECOVERY_NONE:
		xfer_abandon(a, 0, "");
		forget(a, down, c.was_up);
		break;
	case RECOVERY_NOW:
		a->retry_at = spool_clock() + 20 + arc4random_uniform(100);
		spool_wake(a->retry_at);
		assoc_dirty(a);
		break;
	case RECOVERY_LATER:
		a->retry_at = spool_clock() + (a->uncertain ? 200 :
		    jitter(p->conf.recovery_delay) * UINT64_C(1000));
		spool_wake(a->retry_at);
		assoc_dirty(a);
		break;
	case RECOVERY_FRESH_REMEMBER:
		remember(a);
		/* FALLTHROUGH */
	case RECOVERY_FRESH:
		log_info(EVT_NOT_RECOVERED, "%s: its messages are sent anew",
		    assoc_name(a));
		/* what it was sending is its to send again, to us who open */
		if (assoc_has_partial(a) == 1 ||
		    (a->progress && may_be_theirs(a)))
			p->poll = 1;
		xfer_abandon(a, 0, down_text(down));
		forget(a, down, c.was_up);
		break;
	case RECOVERY_FRESH_PENALTY:
		xfer_abandon(a, 1, down_text(down));
		forget(a, down, c.was_up);
		break;
	}
	schedule_peer(p);
}

/* An association of ours without a connection: is it time? */
static void
tick_lost(struct assoc *a, uint64_t now)
{
	struct assoc_down	down;

	if (a->drop || a->gone || !rtsd_connected())
		return;
	if (time(NULL) - a->row.lost >=
	    (int64_t)a->peer->conf.recovery_timeout) {
		log_info(EVT_RECOVERY_TIMEOUT, "%s", assoc_name(a));
		memset(&down, 0, sizeof(down));
		down.kind = DOWN_TIMEOUT;
		xfer_abandon(a, 0, "not recovered in time");
		assoc_drop(a);
		return;
	}
	if (a->peer->down || a->peer->held ||
	    a->peer->conf.disabled ||
	    (a->row.dialogue == DIALOGUE_TWA &&
	    poison_peer_shut(a->peer) > 0))
		return;
	if (now >= a->retry_at)
		open_recover(a);
	else
		spool_wake(a->retry_at);
}

static void
tick_up(struct assoc *a, uint64_t now)
{
	xfer_tick(a);
	if (a->nxfers > 0 || a->state != ASSOC_IS_UP ||
	    (a->row.initiator && a->in != NULL))
		return;
	/* what it calls it is told when what it sends has come */
	if (!a->row.initiator) {
		if (a->peer->down) {
			a->state = ASSOC_CLOSING;
			rtsd_send(IMSG_ASSOC_CLOSE, a->id, -1, NULL, 0);
		}
		return;
	}
	if (now - a->active >= a->peer->conf.idle * UINT64_C(1000) ||
	    sp.stopping || a->peer->down || a->peer->conf.disabled) {
		a->state = ASSOC_CLOSING;
		rtsd_send(IMSG_ASSOC_CLOSE, a->id, -1, NULL, 0);
	}
}

void
schedule_tick(void)
{
	struct peer	*p;
	struct assoc	*a, *next;
	uint64_t	 now = spool_clock();

	if (sp.store == NULL || sp.failing)
		return;
	for (a = TAILQ_FIRST(&sp.assocs); a != NULL; a = next) {
		next = TAILQ_NEXT(a, entry);
		if (a->state == ASSOC_IS_UP)
			tick_up(a, now);
		else if (a->state == ASSOC_LOST && a->row.initiator)
			tick_lost(a, now);
	}
	TAILQ_FOREACH(p, &sp.peers, entry)
		schedule_peer(p);
}

/* At the start: associations that were ours or that carry our transfers. */

static int
load_job(void *arg, const struct store_job *sj)
{
	struct assoc	*a;
	struct target	*t;
	struct job	*j;

	TAILQ_FOREACH(a, &sp.assocs, entry)
		if (a->row.id == sj->association)
			break;
	if (a != NULL)
		return (xfer_load(a, sj));
	/* its association is not known (any more): again */
	if ((t = target_number(sj->target)) == NULL ||
	    (j = queue_take(t, sj)) == NULL)
		return (-1);
	queue_return(j, "");
	return (0);
}

static int
load_association(void *arg, const struct store_association *row)
{
	struct target	*t;
	struct assoc	*a;

	if ((t = target_number(row->peer)) == NULL || t->peer == NULL)
		return (0);
	if ((a = assoc_new(t->peer)) == NULL)
		return (-1);
	a->row = *row;
	a->next_activity = row->next_activity;
	a->retry_at = spool_clock() + arc4random_uniform(200);
	return (0);
}

/* The connection that it is known by; 0: none. */
static int
last_connection(struct assoc *a)
{
	if (a->row.connection != 0 && store_connection_get(sp.store,
	    a->row.connection, &a->established) == 1)
		return (1);
	/* It may have been up, and the responder at work, before we knew. */
	if (a->row.dialogue != DIALOGUE_TWA || store_connection_last(sp.store,
	    a->row.id, &a->established) != 1)
		return (0);
	a->row.connection = a->established.id;
	return (1);
}

int
load_associations(void)
{
	struct assoc	*a, *next;
	struct peer	*p;
	int64_t		 until;

	TAILQ_FOREACH(p, &sp.peers, entry)
		if (p->target != NULL && store_target_no_recovery_get(
		    sp.store, p->target->number, &until) == 1)
			p->no_recovery = until;
	if (store_association_each(sp.store, -1, load_association,
	    NULL) == -1 ||
	    store_job_sending_each(sp.store, load_job, NULL) == -1)
		return (-1);
	for (a = TAILQ_FIRST(&sp.assocs); a != NULL; a = next) {
		next = TAILQ_NEXT(a, entry);
		if (!last_connection(a) && a->row.initiator) {
			xfer_abandon(a, 0, "");
			assoc_drop(a);
			continue;
		}
		a->conn = a->established;
		/* the turn may have moved after the last record */
		a->uncertain = 1;
		if (!a->row.initiator) {
			if (!xfer_in_question(a))
				assoc_free(a);
		} else if ((!xfer_in_question(a) &&
		    assoc_has_partial(a) != 1 && !may_be_theirs(a)) ||
		    !a->peer->conf.recover) {
			xfer_abandon(a, 0, "");
			assoc_drop(a);
		}
	}
	return (0);
}
