/* SPDX-License-Identifier: ISC */

/*
 * Messages that waited too long (X.411 14.3.4.4, F.410): given up with
 * maximum-time-expired, a report of ours without one.  The time runs from
 * their arrival here, or from the time until which delivery was deferred.
 * What is being sent, or may be resumed, does not expire.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "spoold.h"

#define CHUNK	100		/* jobs at a time, of CHUNK_MAX */
#define ID_EPOCH 1577836800	/* as in store.c */

/* Seconds; 0: for ever. */
static uint32_t
limit(const struct target *t, int rank)
{
	return (t->peer != NULL ? t->peer->conf.expire[rank] :
	    sp.mta.expire[rank]);
}

/* 1: its delivery was deferred, and that not so long ago. */
static int
was_deferred(const struct store_job *j, int64_t before)
{
	struct store_message	 sm;
	struct message		*m;
	int			 r = 0;

	if (store_message_get(sp.store, j->message, &sm, 0) != 1)
		return (0);
	m = message_deserialise(sm.envelope, sm.envelope_len);
	store_message_release(sp.store);
	if (m != NULL) {
		r = m->deferred.text[0] != '\0' &&
		    utctime_get(&m->deferred) > before;
		message_free(m);
	}
	return (r);
}

static void
give_up(struct target *t, const struct store_job *sj, const char *what)
{
	struct job	*j;
	char		 text[128];

	if ((j = queue_claim(t, sj)) == NULL)
		return;
	snprintf(text, sizeof(text), "%s%s%.80s", what,
	    sj->reason[0] != '\0' ? ": " : "", sj->reason);
	if (report_give_up(j, REASON_UNABLE_TO_TRANSFER,
	    DIAGNOSTIC_MAXIMUM_TIME_EXPIRED, text) == -1) {
		queue_return(j, sj->reason);
		return;
	}
	queue_done(j);
}

/* 1: there may be more. */
static int
expire(struct target *t, int rank, time_t now)
{
	static struct chunk	 c;
	uint32_t		 seconds = limit(t, rank);
	int64_t			 before = (int64_t)now - seconds;
	char			 what[32];
	int			 i;

	if (seconds == 0 || before <= ID_EPOCH || (t->deferred == 0 &&
	    t->stuck == 0 && queue_ready(t, rank) == 0))
		return (0);
	c.n = 0;
	if (store_job_waiting(sp.store, t->number, rank, t->expired[rank],
	    (uint64_t)(before - ID_EPOCH) * 1000000, CHUNK, chunk_add,
	    &c) == -1) {
		spool_failed(store_error(sp.store));
		return (0);
	}
	snprintf(what, sizeof(what), "not sent in %u s", seconds);
	for (i = 0; i < c.n; i++)
		if (!queue_is_taken(t, c.job[i].message) &&
		    !was_deferred(&c.job[i], before))
			give_up(t, &c.job[i], what);
	/* those that stayed are looked at again when all were */
	t->expired[rank] = c.n == CHUNK ? c.job[c.n - 1].message : 0;
	return (c.n == CHUNK);
}

/* X.411 8.2.1.1.1.13; those under way are let go on. */
static int
overdue(time_t now)
{
	static struct chunk	 c;
	struct target		*t;
	int			 i, n = 0;

	c.n = 0;
	if (store_job_overdue(sp.store, now, CHUNK, chunk_add, &c) == -1) {
		spool_failed(store_error(sp.store));
		return (0);
	}
	for (i = 0; i < c.n; i++) {
		t = target_number(c.job[i].target);
		if (t == NULL || queue_is_taken(t, c.job[i].message))
			continue;
		give_up(t, &c.job[i], "latest delivery time");
		n++;
	}
	return (n == CHUNK);
}

void
expire_tick(time_t now)
{
	struct target	*t;
	int		 rank, more = 0;

	if (sp.store == NULL || sp.failing || !queue_settled())
		return;
	TAILQ_FOREACH(t, &sp.targets, entry)
		for (rank = 0; rank < 3; rank++)
			more |= expire(t, rank, now);
	if (!sp.failing && !sp.dirty)
		more |= overdue(now);
	if (more)
		spool_wake(spool_clock() + 10);
}
