/* SPDX-License-Identifier: ISC */

/*
 * After a new configuration: messages that had no route, or whose peer or
 * directory is configured no more, are routed again.  What still has no
 * other way stays where it is.
 */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>


#include "log.h"
#include "spoold.h"

#define CHUNK	200		/* messages a transaction */

struct chunk {
	struct store_job	 job[CHUNK];
	int			 n;
};

static int
collect(void *arg, const struct store_job *j)
{
	struct chunk	*c = arg;

	if (c->n == CHUNK)
		return (1);
	c->job[c->n++] = *j;
	return (0);
}

static int
count_job(void *arg, const struct store_job *j)
{
	*(int *)arg = 1;
	return (0);
}

/* Deliveries are not on record; what somebody works at stays where it is. */
static int
under_way(const struct target *t, uint64_t message)
{
	const struct job	*j;

	TAILQ_FOREACH(j, &t->taken, entry)
		if (j->message == message)
			return (1);
	return (0);
}

/* A job for the new target, unless it is there. */
static int
move_job(const struct store_job *old, uint32_t number)
{
	struct store_job	j;
	int			found = 0;

	if (store_job_get(sp.store, number, old->rank, old->message,
	    count_job, &found) == -1)
		return (-1);
	if (found)
		return (0);
	memset(&j, 0, sizeof(j));
	j.target = number;
	j.rank = old->rank;
	j.message = old->message;
	j.size = old->size;
	j.sole = old->sole;
	j.state = JOB_READY;
	return (store_job_add(sp.store, &j));
}

/* 1: something of it goes another way now. */
static int
reroute_one(const struct store_job *old)
{
	struct store_message	 sm;
	struct message		*m;
	struct target		*t;
	uint32_t		*routing = NULL;
	size_t			 i, n, left = 0, moved = 0;
	int			 r;

	if ((r = store_message_get(sp.store, old->message, &sm, 0)) != 1)
		return (r);
	n = sm.nrouting;
	m = message_deserialise(sm.envelope, sm.envelope_len);
	if (m != NULL && (routing = calloc(n + 1, sizeof(*routing))) != NULL)
		memcpy(routing, sm.routing, n * sizeof(*routing));
	store_message_release(sp.store);
	if (routing == NULL || (m->type != MESSAGE_REPORT &&
	    m->nrecipient != n)) {
		r = 0;
		goto done;
	}
	for (i = 0, r = 0; i < n && r == 0; i++) {
		if (routing[i] != old->target)
			continue;
		t = route_find(m->type == MESSAGE_REPORT ? &m->originator :
		    &m->recipient[i].name);
		if (t == NULL || t->number == old->target ||
		    !target_configured(t)) {
			left++;
			continue;
		}
		routing[i] = t->number;
		moved++;
		r = move_job(old, t->number);
	}
	if (r == 0 && moved > 0) {
		r = store_message_routing(sp.store, old->message, routing, n);
		if (r == 0 && left == 0)
			r = store_job_done(sp.store, old->target, old->rank,
			    old->message);
		if (r == 0) {
			log_info("message %016" PRIX64 ": routed again",
			    old->message);
			r = 1;
		}
	}
done:
	free(routing);
	if (m != NULL)
		message_free(m);
	return (r);
}

/* All jobs of a target in one state.  How many moved, or -1. */
static int
reroute_target(struct target *t, int state)
{
	static struct chunk	 c;
	uint64_t		 after = 0;
	int			 i, r, moved = 0;

	do {
		c.n = 0;
		if (store_job_in_state(sp.store, t->number, state, after,
		    CHUNK, collect, &c) == -1 || store_begin(sp.store) == -1)
			return (-1);
		for (i = 0; i < c.n; i++) {
			after = c.job[i].message;
			if (under_way(t, after))
				continue;
			if ((r = reroute_one(&c.job[i])) == -1)
				return (-1);
			moved += r;
		}
		if (store_commit(sp.store) == -1)
			return (-1);
	} while (c.n == CHUNK);
	return (moved);
}

int
arrival_reroute(void)
{
	struct target	*t;
	int		 a, b, c, moved = 0;

	if (sp.dirty && spool_commit() == -1)
		return (-1);
	TAILQ_FOREACH(t, &sp.targets, entry) {
		if (target_configured(t))
			continue;
		if ((a = reroute_target(t, JOB_STUCK)) == -1 ||
		    (b = reroute_target(t, JOB_READY)) == -1 ||
		    (c = reroute_target(t, JOB_DEFERRED)) == -1) {
			store_rollback(sp.store);
			spool_failed(store_error(sp.store));
			return (-1);
		}
		moved += a + b + c;
	}
	return (moved > 0 ? queue_reload() : 0);
}
