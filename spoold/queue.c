/* SPDX-License-Identifier: ISC */

/*
 * The queue in memory.  Only the first ready jobs of each target and rank
 * are held; the rest is read from the store when they have gone, so that
 * memory does not grow with the queue.  A job that was taken belongs to its
 * taker until queue_done, _return, _defer or _stuck gives it back; the store
 * hears of that with the next commit.
 */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "salvage.h"

#define ID_EPOCH	1577836800	/* as in store.c */

static struct jobs	dirty = TAILQ_HEAD_INITIALIZER(dirty);
/* Those of them that the present transaction writes. */
static struct jobs	flushed = TAILQ_HEAD_INITIALIZER(flushed);

static struct target *
target_add(uint32_t number, int kind, const char *name)
{
	struct target	*t;
	int		 i;

	if ((t = calloc(1, sizeof(*t))) == NULL)
		return (NULL);
	t->number = number;
	t->kind = kind;
	strlcpy(t->name, name, sizeof(t->name));
	for (i = 0; i < 3; i++)
		TAILQ_INIT(&t->window[i].jobs);
	TAILQ_INIT(&t->taken);
	TAILQ_INSERT_TAIL(&sp.targets, t, entry);
	return (t);
}

struct target *
target_number(uint32_t number)
{
	struct target	*t;

	TAILQ_FOREACH(t, &sp.targets, entry)
		if (t->number == number)
			return (t);
	return (NULL);
}

struct target *
target_get(int kind, const char *name)
{
	struct target	*t;
	uint32_t	 number;

	TAILQ_FOREACH(t, &sp.targets, entry)
		if (t->kind == kind && strcmp(t->name, name) == 0)
			return (t);
	if (sp.store == NULL ||
	    (number = store_target(sp.store, kind, name)) == 0)
		return (NULL);
	return (target_add(number, kind, name));
}

int
target_configured(const struct target *t)
{
	return (t->peer != NULL || t->command != NULL ||
	    (t->directory != NULL && t->directory->seen));
}

static int
load_target(void *arg, uint32_t number, int kind, const char *name)
{
	if (target_number(number) == NULL &&
	    target_add(number, kind, name) == NULL)
		return (-1);
	return (0);
}

static int
load_count(void *arg, uint32_t number, int rank, int state, uint64_t n,
    uint64_t oldest)
{
	struct target	*t;

	if ((t = target_number(number)) == NULL || rank < 0 || rank > 2)
		return (0);
	switch (state) {
	case JOB_READY:
		t->window[rank].count = n;
		t->window[rank].oldest = oldest;
		t->window[rank].more = 1;
		break;
	case JOB_DEFERRED:
		t->deferred += n;
		break;
	case JOB_HELD:
	case JOB_STUCK:
		t->stuck += n;
		break;
	}
	return (0);
}

int
queue_load(void)
{
	if (target_number(0) == NULL && target_add(0, TARGET_NONE,
	    "no route") == NULL)
		return (-1);
	if (store_target_each(sp.store, load_target, NULL) == -1)
		return (-1);
	return (queue_reload());
}

int
queue_reload(void)
{
	struct target	*t;
	struct window	*w;
	struct job	*j;
	int		 i;

	TAILQ_FOREACH(t, &sp.targets, entry) {
		for (i = 0; i < 3; i++) {
			w = &t->window[i];
			while ((j = TAILQ_FIRST(&w->jobs)) != NULL) {
				TAILQ_REMOVE(&w->jobs, j, entry);
				free(j);
			}
			w->n = 0;
			w->last = 0;
			w->more = 0;
			w->count = 0;
		}
		t->deferred = t->stuck = 0;
		t->next_due = 1;
	}
	if (store_job_counts(sp.store, load_count, NULL) == -1)
		return (-1);
	/* deliveries under way are not on record */
	TAILQ_FOREACH(t, &sp.targets, entry) {
		if (t->kind != TARGET_DIRECTORY && t->kind != TARGET_COMMAND)
			continue;
		TAILQ_FOREACH(j, &t->taken, entry)
			if (t->window[j->rank].count > 0)
				t->window[j->rank].count--;
	}
	return (0);
}

/* Into the window in order of arrival; the window does not outgrow itself. */
static void
window_insert(struct window *w, struct job *j)
{
	struct job	*p;

	if (j->message > w->last && (w->more || w->n >= JOB_WINDOW)) {
		w->more = 1;	/* it will be read in its turn */
		free(j);
		return;
	}
	TAILQ_FOREACH_REVERSE(p, &w->jobs, jobs, entry)
		if (p->message < j->message)
			break;
	if (p == NULL)
		TAILQ_INSERT_HEAD(&w->jobs, j, entry);
	else
		TAILQ_INSERT_AFTER(&w->jobs, p, j, entry);
	w->n++;
	if (j->message > w->last)
		w->last = j->message;
	if (w->n > 2 * JOB_WINDOW) {
		p = TAILQ_LAST(&w->jobs, jobs);
		TAILQ_REMOVE(&w->jobs, p, entry);
		w->n--;
		w->more = 1;
		free(p);
		w->last = TAILQ_LAST(&w->jobs, jobs)->message;
	}
}

static struct job *
job_new(struct target *t, const struct store_job *sj)
{
	struct job	*j;

	if ((j = calloc(1, sizeof(*j))) == NULL)
		return (NULL);
	j->target = t;
	j->message = sj->message;
	j->size = sj->size;
	j->rank = sj->rank;
	j->sole = sj->sole;
	j->attempts = sj->attempts;
	j->attempted = sj->attempted;
	j->pinned = sj->pinned;
	return (j);
}

/* One that waits there, on record: perhaps it should not. */
static void
look_for_another_way(struct target *t, uint64_t message)
{
	if (t->alternates && !target_usable(t))
		reroute_away(t, message - 1);
}

void
queue_arrived(struct target *t, const struct store_job *sj)
{
	struct window	*w;
	struct job	*j;

	look_for_another_way(t, sj->message);
	if (sj->state == JOB_DEFERRED) {
		t->deferred++;
		if (t->next_due == 0 || sj->next_try < t->next_due)
			t->next_due = sj->next_try;
		return;
	}
	if (sj->state != JOB_READY) {
		t->stuck++;
		return;
	}
	w = &t->window[sj->rank];
	w->count++;
	if ((j = job_new(t, sj)) == NULL)
		w->more = 1;
	else
		window_insert(w, j);
}

struct job *
queue_take(struct target *t, const struct store_job *sj)
{
	struct job	*j;

	if ((j = job_new(t, sj)) != NULL)
		TAILQ_INSERT_TAIL(&t->taken, j, entry);
	return (j);
}

static int
is_among(const struct jobs *jobs, const struct target *t, uint64_t message)
{
	const struct job	*j;

	TAILQ_FOREACH(j, jobs, entry)
		if (j->message == message && j->target == t)
			return (1);
	return (0);
}

/* Given back is taken, too, until the store knows. */
int
queue_is_taken(const struct target *t, uint64_t message)
{
	return (is_among(&t->taken, t, message) ||
	    is_among(&dirty, t, message) || is_among(&flushed, t, message));
}

int
queue_settled(void)
{
	return (TAILQ_EMPTY(&dirty) && TAILQ_EMPTY(&flushed));
}

void
queue_forget(struct target *t, const struct store_job *sj)
{
	struct window	*w = &t->window[sj->rank];
	struct job	*j;

	if (sj->state == JOB_DEFERRED && t->deferred > 0)
		t->deferred--;
	if ((sj->state == JOB_HELD || sj->state == JOB_STUCK) && t->stuck > 0)
		t->stuck--;
	if (sj->state != JOB_READY)
		return;
	if (w->count > 0)
		w->count--;
	TAILQ_FOREACH(j, &w->jobs, entry)
		if (j->message == sj->message) {
			TAILQ_REMOVE(&w->jobs, j, entry);
			w->n--;
			free(j);
			return;
		}
}

struct job *
queue_claim(struct target *t, const struct store_job *sj)
{
	struct job	*j;

	if ((j = queue_take(t, sj)) != NULL)
		queue_forget(t, sj);
	return (j);
}

int
chunk_add(void *arg, const struct store_job *j)
{
	struct chunk	*c = arg;

	if (c->n == CHUNK_MAX)
		return (1);
	c->job[c->n++] = *j;
	return (0);
}

struct refill {
	struct target	*target;
	struct window	*window;
};

static int
refill_row(void *arg, const struct store_job *sj)
{
	struct refill	*r = arg;
	struct job	*j;

	r->window->last = sj->message;
	if (queue_is_taken(r->target, sj->message))
		return (0);
	if ((j = job_new(r->target, sj)) == NULL)
		return (-1);
	TAILQ_INSERT_TAIL(&r->window->jobs, j, entry);
	r->window->n++;
	return (0);
}

static void
refill(struct target *t, int rank)
{
	struct window	*w = &t->window[rank];
	struct refill	 r = { t, w };
	int		 n;

	if (sp.store == NULL || sp.failing)
		return;
	n = store_job_ready(sp.store, t->number, rank, w->last, JOB_WINDOW,
	    refill_row, &r);
	if (n == -1)
		spool_failed(store_error(sp.store));
	else if (n < JOB_WINDOW)
		w->more = 0;
}

struct job *
queue_next(struct target *t, int urgent)
{
	struct window	*w;
	struct job	*j;
	int		 rank;

	for (rank = 0; rank < (urgent ? 1 : 3); rank++) {
		w = &t->window[rank];
		if (TAILQ_EMPTY(&w->jobs) && w->more)
			refill(t, rank);
		TAILQ_FOREACH(j, &w->jobs, entry)
			if (poison_may_go(j))
				break;
		if (j != NULL) {
			poison_taken(j);
			TAILQ_REMOVE(&w->jobs, j, entry);
			TAILQ_INSERT_TAIL(&t->taken, j, entry);
			w->n--;
			if (w->count > 0)
				w->count--;
			return (j);
		}
	}
	return (NULL);
}

uint64_t
queue_ready(const struct target *t, int rank)
{
	if (rank >= 0)
		return (t->window[rank].count);
	return (t->window[0].count + t->window[1].count +
	    t->window[2].count);
}

int64_t
queue_oldest(const struct target *t, int rank)
{
	const struct window	*w;
	const struct job	*j;
	uint64_t		 oldest = 0, first;
	int			 i;

	for (i = 0; i < 3; i++) {
		if (rank != -1 && i != rank)
			continue;
		w = &t->window[i];
		if ((j = TAILQ_FIRST(&w->jobs)) != NULL)
			first = j->message;
		else if (w->count > 0)	/* not read yet: no older than that */
			first = w->last != 0 ? w->last : w->oldest;
		else
			continue;
		if (oldest == 0 || first < oldest)
			oldest = first;
	}
	return (oldest == 0 ? 0 : (int64_t)(oldest / 1000000) + ID_EPOCH);
}

uint64_t
queue_age(const struct target *t)
{
	const struct job	*j;
	int64_t			 oldest = queue_oldest(t, -1), since;
	int64_t			 now = time(NULL);

	/* what is being sent, or was cut, has not gone either */
	TAILQ_FOREACH(j, &t->taken, entry) {
		since = (int64_t)(j->message / 1000000) + ID_EPOCH;
		if (oldest == 0 || since < oldest)
			oldest = since;
	}

	return (oldest == 0 || now < oldest ? 0 : (uint64_t)(now - oldest));
}

uint64_t
queue_taken(const struct target *t)
{
	const struct job	*j;
	uint64_t		 n = 0;

	TAILQ_FOREACH(j, &t->taken, entry)
		n++;
	return (n);
}

uint64_t
queue_stored(const struct target *t)
{
	return (queue_ready(t, -1) + queue_taken(t) + t->deferred +
	    t->stuck);
}

static void
queue_put(struct job *j, int state, int64_t next_try, const char *why)
{
	const char	*poison = poison_back(j, why);

	if (poison != NULL) {
		state = JOB_HELD;
		next_try = 0;
		why = poison;
		audit_job(AUDIT_HOLD, j, "mtad", why);
	}
	j->state = state;
	j->next_try = next_try;
	strlcpy(j->reason, why, sizeof(j->reason));
	TAILQ_REMOVE(&j->target->taken, j, entry);
	TAILQ_INSERT_TAIL(&dirty, j, entry);
	spool_dirty();
}

void
queue_done(struct job *j)
{
	j->done = 1;
	queue_put(j, JOB_READY, 0, "");
}

void
queue_return(struct job *j, const char *why)
{
	queue_put(j, JOB_READY, 0, why);
}

void
queue_defer(struct job *j, int64_t next_try, const char *why)
{
	j->attempts++;
	queue_put(j, JOB_DEFERRED, next_try, why);
}

void
queue_stuck(struct job *j, const char *why)
{
	queue_put(j, JOB_STUCK, 0, why);
}

void
queue_hold(struct job *j, int64_t until, const char *why)
{
	queue_put(j, JOB_HELD, until, why);
}

void
queue_lost(struct job *j, const char *why)
{
	log_warnx(EVT_HELD, "message=%016" PRIX64 " to=\"%s\": %s",
	    j->message, j->target->name, why);
	audit_job(AUDIT_HOLD, j, "mtad", why);
	queue_put(j, JOB_HELD, 0, why);
}

const char *
message_trouble(uint64_t id)
{
	struct store_message	m;
	const char		*why = NULL;

	if (store_row_damaged(sp.store))
		return ("message lost: damaged in the data base");
	if (store_message_get(sp.store, id, &m, 0) == 1 &&
	    m.kind == CONTENT_FILE)
		why = content_trouble(id, m.size);
	store_message_release(sp.store);
	return (why);
}

void
queue_until(struct job *j, int64_t until, const char *why)
{
	queue_put(j, JOB_DEFERRED, until, why);
}

static int
flush_job(struct job *j)
{
	struct store_job sj;
	int		 kind, r;

	if (j->done) {
		if (store_job_done(sp.store, j->target->number, j->rank,
		    j->message) == -1)
			return (-1);
		if ((r = store_message_done(sp.store, j->message,
		    &kind)) == -1)
			return (-1);
		if (r == 1 && kind == CONTENT_FILE)
			content_discard(j->message);
		return (0);
	}
	memset(&sj, 0, sizeof(sj));
	sj.target = j->target->number;
	sj.rank = j->rank;
	sj.message = j->message;
	sj.state = j->state;
	sj.attempts = j->attempts;
	sj.next_try = j->next_try;
	strlcpy(sj.reason, j->reason, sizeof(sj.reason));
	sj.pinned = j->pinned;
	return (store_job_state(sp.store, &sj));
}

int
queue_flush(void)
{
	struct job	*j;

	TAILQ_CONCAT(&flushed, &dirty, entry);
	TAILQ_FOREACH(j, &flushed, entry)
		if (flush_job(j) == -1)
			return (-1);
	return (0);
}

void
queue_committed(void)
{
	struct target	*t;
	struct job	*j;

	while ((j = TAILQ_FIRST(&flushed)) != NULL) {
		TAILQ_REMOVE(&flushed, j, entry);
		t = j->target;
		if (!j->done)
			look_for_another_way(t, j->message);
		if (!j->done && j->state == JOB_READY) {
			t->window[j->rank].count++;
			window_insert(&t->window[j->rank], j);
			t->wake = 1;
			continue;
		}
		if (!j->done && j->state == JOB_DEFERRED) {
			t->deferred++;
			if (t->next_due == 0 || j->next_try < t->next_due)
				t->next_due = j->next_try;
		} else if (!j->done)
			t->stuck++;
		free(j);
	}
}

/* The commit is over: what it made ready may go. */
void
queue_wake(void)
{
	struct target	*t;

	TAILQ_FOREACH(t, &sp.targets, entry) {
		if (!t->wake)
			continue;
		t->wake = 0;
		if (t->peer != NULL)
			schedule_peer(t->peer);
		else if (t->directory != NULL)
			deliver_wake();
		else if (t->command != NULL)
			command_wake();
	}
}

void
queue_tick(time_t now)
{
	struct target	*t;
	int64_t		 when;
	int		 n, due = 0;

	if (sp.store == NULL || sp.failing || !queue_settled())
		return;
	TAILQ_FOREACH(t, &sp.targets, entry) {
		if (t->next_due == 0 || t->next_due > now)
			continue;
		if (t->deferred > 0) {
			if ((n = store_job_due(sp.store, t->number,
			    now)) == -1)
				goto fail;
			due += n;
		}
		switch (store_job_next(sp.store, t->number, &when)) {
		case -1:
			goto fail;
		case 0:
			t->next_due = 0;
			break;
		default:
			t->next_due = when;
		}
	}
	if (due > 0 && queue_reload() == -1)
		goto fail;
	return;
fail:
	spool_failed(store_error(sp.store));
}

uint32_t
backoff_next(uint32_t now, uint32_t min, uint32_t max)
{
	uint64_t	next = (uint64_t)now * 2;

	if (min == 0)
		min = 1;
	if (next < min)
		next = min;
	if (max >= min && next > max)
		next = max;
	return ((uint32_t)next);
}

/* Three quarters to five quarters of it. */
uint32_t
jitter(uint32_t v)
{
	return (v - v / 4 + arc4random_uniform(v / 2 + 1));
}
