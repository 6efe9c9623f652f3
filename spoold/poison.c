/* SPDX-License-Identifier: ISC */

/*
 * Poison messages: those that kill rtsd or spoold while they are under way,
 * or that the peer refuses again and again for what they are.
 *
 * When rtsd dies, all that it had is suspect, for only one of it need be
 * guilty.  A suspect goes alone among suspects, on trial: if rtsd dies then,
 * it is counted against that one; if it makes progress or is done, it was
 * innocent.  A kill counts WEIGHT, and 1 where something came in at the same
 * time that has no name yet and may as well have done it.  What was counted
 * is forgotten as soon as the transfer gets further than before.  After
 * "poison after" kills or refusals the message is held.
 *
 * When spoold dies, those on record as being sent are suspect; it is counted
 * against one that was on trial.  All of that is in the store, so it is worth
 * as much after a restart.  A transfer received in part that kills rtsd when
 * it is resumed is forgotten after as many times, and the peer told that it
 * is not known: it sends it from the start, or gives up.  What has no name
 * yet, for nothing of it is on record, is the peer's: poison_peer.c.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "transfer_in.h"
#include "transfer_out.h"

#define WEIGHT		POISON_WEIGHT
#define TRIAL_MAX	30000	/* ms; then the next one goes as well */
#define STEP_BACK	1000	/* ms a kill, before it is tried again */

TAILQ_HEAD(entries, entry);
struct entry {
	RB_ENTRY(entry)		 tree;
	TAILQ_ENTRY(entry)	 dirty_entry;
	struct store_poison	 row;
	struct entries		*list;		/* dirty, flushed or none */
	uint8_t			 innocent;	/* to be forgotten */
	uint64_t		 since;		/* ms, on trial */
	uint64_t		 not_before;	/* ms */
};
RB_HEAD(poison_tree, entry);

/* What rtsd had when it died. */
struct crash {
	struct entry	*entry[256];
	uint64_t	 offset[256];
	size_t		 n;
	int		 nameless;	/* others, unknown */
};

static struct poison_tree entries = RB_INITIALIZER(&entries);
static struct entries dirty = TAILQ_HEAD_INITIALIZER(dirty);
/* Those of them that the present transaction writes. */
static struct entries flushed = TAILQ_HEAD_INITIALIZER(flushed);
static int		marked;		/* the store says: running */
static int		stopping;	/* it is to say: stopped in order */

static int
entry_cmp(struct entry *a, struct entry *b)
{
	if (a->row.kind != b->row.kind)
		return (a->row.kind < b->row.kind ? -1 : 1);
	if (a->row.id != b->row.id)
		return (a->row.id < b->row.id ? -1 : 1);
	return (a->row.target < b->row.target ? -1 :
	    a->row.target > b->row.target);
}
RB_PROTOTYPE(poison_tree, entry, tree, entry_cmp)
RB_GENERATE(poison_tree, entry, tree, entry_cmp)

static struct entry *
find(int kind, uint64_t id, uint32_t target)
{
	struct entry	key;

	if (RB_EMPTY(&entries))
		return (NULL);
	key.row.kind = kind;
	key.row.id = id;
	key.row.target = target;
	return (RB_FIND(poison_tree, &entries, &key));
}

static struct entry *
find_job(const struct job *j)
{
	return (find(POISON_OUT, j->message, j->target->number));
}

static void
list(struct entry *e, struct entries *to)
{
	if (e->list != NULL)
		TAILQ_REMOVE(e->list, e, dirty_entry);
	if (to != NULL)
		TAILQ_INSERT_TAIL(to, e, dirty_entry);
	e->list = to;
}

/* One that is being written is so once more, as it is now. */
static void
changed(struct entry *e)
{
	list(e, &dirty);
	spool_dirty();
}

/* Found, or made.  NULL: no memory, and then it is not held against it. */
static struct entry *
get(int kind, uint64_t id, uint32_t target)
{
	struct entry	*e;

	if ((e = find(kind, id, target)) != NULL) {
		e->innocent = 0;
		return (e);
	}
	if ((e = calloc(1, sizeof(*e))) == NULL)
		return (NULL);
	e->row.kind = kind;
	e->row.id = id;
	e->row.target = target;
	RB_INSERT(poison_tree, &entries, e);
	return (e);
}

/* A trial is over or there is none to wait for: others may go. */
static void
next_trial(void)
{
	struct entry	*e;
	struct target	*t;

	RB_FOREACH(e, poison_tree, &entries)
		if (e->row.suspect && (t = target_number(e->row.target)) !=
		    NULL)
			t->wake = 1;
	spool_dirty();
	spool_wake(spool_clock());	/* transfers that wait to be resumed */
}

static void
forget(struct entry *e)
{
	int	trial = e->row.trial;

	e->innocent = 1;
	e->row.suspect = e->row.trial = 0;
	e->row.kills = e->row.refusals = 0;
	changed(e);
	if (trial)
		next_trial();
}

static uint32_t
limit(void)
{
	return (sp.mta.poison_after);
}

static int
guilty(const struct entry *e)
{
	return (limit() > 0 && (e->row.kills >= WEIGHT * limit() ||
	    e->row.refusals >= limit()));
}

static const char *
entry_text(const struct entry *e)
{
	static char		 text[160];
	const struct target	*t = target_number(e->row.target);

	snprintf(text, sizeof(text), "%s=%016" PRIX64 " %s=\"%.80s\"",
	    e->row.kind == POISON_IN ? "transfer" : "message", e->row.id,
	    e->row.kind == POISON_IN ? "from" : "to",
	    t == NULL ? "?" : t->name);
	return (text);
}

/* Trials */

/* What came in part and was given up is nothing to wait for. */
static int
pending(const struct entry *e)
{
	struct store_receiving	r;

	return (e->row.kind != POISON_IN || (sp.store != NULL &&
	    store_receiving_get(sp.store, e->row.id, &r) == 1));
}

/* May this suspect go now?  Not while another one is on trial. */
static int
may_go(const struct entry *e)
{
	struct entry	*other;
	uint64_t	 now = spool_clock();
	int		 waiting = 0;

	RB_FOREACH(other, poison_tree, &entries) {
		if (other == e || !other->row.suspect || !pending(other))
			continue;
		waiting = 1;
		if (other->row.trial && now - other->since < TRIAL_MAX)
			return (0);
	}
	if (!waiting || now >= e->not_before)
		return (1);
	spool_wake(e->not_before);
	return (0);
}

static void
begin_trial(struct entry *e)
{
	e->row.trial = 1;
	e->since = spool_clock();
	changed(e);
}

static void
end_trial(struct entry *e)
{
	if (!e->row.trial)
		return;
	e->row.trial = 0;
	changed(e);
	next_trial();
}

int
poison_may_go(const struct job *j)
{
	struct entry	*e;

	return ((e = find_job(j)) == NULL || !e->row.suspect || may_go(e));
}

void
poison_taken(const struct job *j)
{
	struct entry	*e;

	if ((e = find_job(j)) != NULL && e->row.suspect)
		begin_trial(e);
}

enum poison_verdict
poison_resume(const struct job *j)
{
	struct entry	*e;

	if ((e = find_job(j)) == NULL || !e->row.suspect)
		return (POISON_GO);
	if (guilty(e))
		return (POISON_GIVE_UP);
	if (!e->row.trial && !may_go(e))
		return (POISON_WAIT);
	begin_trial(e);
	return (POISON_GO);
}

void
poison_rest(const struct job *j)
{
	struct entry	*e;

	if ((e = find_job(j)) != NULL)
		end_trial(e);
}

/* It got further than ever: whatever rtsd died of was something else. */
void
poison_progress(const struct job *j)
{
	struct entry	*e;

	if ((e = find_job(j)) == NULL || !e->row.suspect)
		return;
	e->row.kills = 0;
	if (e->row.refusals == 0) {
		forget(e);
		return;
	}
	e->row.suspect = 0;
	changed(e);
	end_trial(e);
}

void
poison_refused(const struct job *j)
{
	struct entry	*e;

	if (limit() == 0 || (e = get(POISON_OUT, j->message,
	    j->target->number)) == NULL)
		return;
	e->row.refusals++;
	changed(e);
}

const char *
poison_back(const struct job *j, const char *why)
{
	static char	 text[128];
	struct entry	*e;

	if ((e = find_job(j)) == NULL)
		return (NULL);
	if (j->done) {
		forget(e);
		return (NULL);
	}
	end_trial(e);
	if (!guilty(e))
		return (NULL);
	if (e->row.refusals >= limit())
		snprintf(text, sizeof(text), "poison: refused %u times: %s",
		    e->row.refusals, why);
	else
		snprintf(text, sizeof(text), "poison: rtsd or spoold died "
		    "%u times while it was under way", (e->row.kills +
		    WEIGHT - 1) / WEIGHT);
	log_warnx(EVT_QUARANTINED, "%s: %s", entry_text(e), text);
	e->row.suspect = 0;
	changed(e);
	next_trial();
	return (text);
}

void
poison_absolve(const struct job *j)
{
	struct entry	*e;

	if ((e = find_job(j)) != NULL)
		forget(e);
}

/* Transfers coming in */

/*
 * To refuse a resumption costs the peer what it sent until it heard of that,
 * so one that could only wait for this one does not keep it.
 */
void
poison_step_back(const struct assoc *a)
{
	const struct xfer	*x;
	struct entry		*e;

	TAILQ_FOREACH(x, &a->xfers, entry)
		if (x->state == XFER_GIVEN && (e = find_job(x->job)) != NULL &&
		    e->row.trial) {
			e->row.trial = 0;
			changed(e);
		}
}

enum poison_verdict
poison_resume_in(uint64_t id, uint32_t target, int *suspect)
{
	struct entry	*e;

	*suspect = 0;
	if ((e = find(POISON_IN, id, target)) == NULL || !e->row.suspect)
		return (POISON_GO);
	if (guilty(e)) {
		log_warnx(EVT_TRANSFER_GIVEN_UP, "%s kills=%u: rtsd died of it",
		    entry_text(e), e->row.kills / WEIGHT);
		forget(e);
		return (POISON_GIVE_UP);
	}
	if (!may_go(e))
		return (POISON_WAIT);
	*suspect = 1;
	begin_trial(e);
	return (POISON_GO);
}

void
poison_rest_in(uint64_t id, uint32_t target, int innocent)
{
	struct entry	*e;

	if ((e = find(POISON_IN, id, target)) == NULL)
		return;
	if (innocent)
		forget(e);
	else
		end_trial(e);
}

/* Deaths */

static void
accuse(struct crash *c, int kind, uint64_t id, uint32_t target,
    uint64_t offset)
{
	struct entry	*e;

	if (c->n == nitems(c->entry) ||
	    (e = get(kind, id, target)) == NULL) {
		c->nameless = 1;
		return;
	}
	c->offset[c->n] = offset;
	c->entry[c->n++] = e;
}

static void
count(struct entry *e, uint64_t offset, int weight, const char *who)
{
	if (offset > e->row.offset)
		e->row.kills = 0;
	e->row.offset = offset;
	e->row.kills += weight;
	log_warnx(EVT_SUSPECT, "%s kills=%u limit=%u: %s died while it was "
	    "under way", entry_text(e), (e->row.kills + WEIGHT - 1) / WEIGHT,
	    limit(), who);
}

/* trial: only one that was on trial can be the one. */
static void
judge(struct crash *c, const char *who, int trial)
{
	struct entry	*e;
	size_t		 i, one = nitems(c->entry), trials = 0;

	for (i = 0; i < c->n; i++)
		if (c->entry[i]->row.trial && trials++ == 0)
			one = i;
	if (trials == 0 && c->n == 1 && !trial)
		one = 0;
	else if (trials != 1)
		one = nitems(c->entry);
	if (one == nitems(c->entry) && c->n > 0)
		log_info(EVT_SUSPECTS, "process=%s transfers=%zu: they go one "
		    "at a time until it is known of which it died", who, c->n);
	for (i = 0; i < c->n; i++) {
		e = c->entry[i];
		e->row.suspect = 1;
		e->row.trial = 0;
		if (i == one)
			count(e, c->offset[i], c->nameless ? 1 : WEIGHT, who);
		e->not_before = spool_clock() + STEP_BACK * e->row.kills;
		changed(e);
	}
}

/* What rtsd has of an association. */
static void
accuse_association(struct crash *c, const struct assoc *a)
{
	const struct intransfer	*t = a->in;
	const struct xfer	*x;

	TAILQ_FOREACH(x, &a->xfers, entry)
		if ((x->state == XFER_GIVEN || x->state == XFER_RUNNING) &&
		    !(x->resume && x->discard))
			accuse(c, POISON_OUT, x->job->message,
			    x->job->target->number, x->offset);
	if (t == NULL || t->state == IN_REFUSED || t->state == IN_COMPLETE)
		return;
	if (t->stored)
		accuse(c, POISON_IN, t->row.id, t->row.peer,
		    t->row.content_len + t->row.markup_len);
	else
		c->nameless = 1;
}

void
poison_rtsd_died(void)
{
	static struct crash	 c;
	const struct assoc	*a;

	if (sp.stopping || limit() == 0 || sp.store == NULL)
		return;
	memset(&c, 0, sizeof(c));
	TAILQ_FOREACH(a, &sp.assocs, entry)
		if (a->id != 0)
			accuse_association(&c, a);
	judge(&c, "rtsd", 0);
	poison_peers_died(c.n > 0);
}

/* The store */

static int
load_entry(void *arg, const struct store_poison *row)
{
	struct entry	*e;

	if ((e = get(row->kind, row->id, row->target)) == NULL)
		return (-1);
	e->row = *row;
	return (0);
}

static int
sending(void *arg, const struct store_job *j)
{
	accuse(arg, POISON_OUT, j->message, j->target, j->offset);
	return (0);
}

int
poison_load(void)
{
	static struct crash	 c;
	struct entry		*e;
	int64_t			 clean = 1;	/* a new spool */

	marked = stopping = 0;
	while ((e = RB_ROOT(&entries)) != NULL) {
		RB_REMOVE(poison_tree, &entries, e);
		list(e, NULL);
		free(e);
	}
	if (store_meta_get(sp.store, "stopped", &clean) == -1 ||
	    store_poison_each(sp.store, load_entry, NULL) == -1)
		return (-1);
	memset(&c, 0, sizeof(c));
	if (!clean && limit() > 0) {
		if (store_job_sending_each(sp.store, sending, &c) == -1)
			return (-1);
		judge(&c, "spoold", 1);
	}
	RB_FOREACH(e, poison_tree, &entries)
		e->row.trial = 0;
	return (0);
}

void
poison_stop(void)
{
	stopping = 1;
	spool_dirty();
}

int
poison_flush(void)
{
	struct entry	*e;

	if ((!marked || stopping) &&
	    store_meta_put(sp.store, "stopped", stopping) == -1)
		return (-1);
	while ((e = TAILQ_FIRST(&dirty)) != NULL)
		list(e, &flushed);
	TAILQ_FOREACH(e, &flushed, dirty_entry)
		if ((e->innocent ? store_poison_delete(sp.store, &e->row) :
		    store_poison_put(sp.store, &e->row)) == -1)
			return (-1);
	return (0);
}

void
poison_committed(void)
{
	struct entry	*e;

	marked = 1;
	while ((e = TAILQ_FIRST(&flushed)) != NULL) {
		list(e, NULL);
		if (e->innocent) {
			RB_REMOVE(poison_tree, &entries, e);
			free(e);
		}
	}
}
