/* SPDX-License-Identifier: ISC */

/*
 * The store: targets, messages, duplicates, the queue.
 *
 * A message row holds the envelope, the target of each recipient and a
 * small content.  A queue row is one message for one target, that is one
 * transfer or one delivery; it goes when that is done, and the message with
 * its last queue row.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#include "store_int.h"

/* Ranks of X.411 priorities: urgent before normal before non-urgent. */
static int
rank_of(int priority)
{
	return (priority == PRIORITY_URGENT ? 0 :
	    priority == PRIORITY_NON_URGENT ? 2 : 1);
}

uint32_t
store_target(struct store *s, int kind, const char *name)
{
	sqlite3_stmt	*st;
	uint32_t	 id = 0;
	int		 r;

	if ((st = store_bind(s, S_TARGET_FIND, "it", I(kind), name)) == NULL)
		return (0);
	if ((r = store_step(s, st)) == 1) {
		id = column_u32(st, 0);
		sqlite3_reset(st);
	}
	if (r == 0 &&
	    store_run(s, S_TARGET_ADD, "it", I(kind), name) == 0)
		id = (uint32_t)sqlite3_last_insert_rowid(s->db);
	return (id);
}

int
store_target_get(struct store *s, uint32_t id, int *kind, char *name,
    size_t size)
{
	sqlite3_stmt	*st;
	int		 r;

	if ((st = store_bind(s, S_TARGET_GET, "i", I(id))) == NULL)
		return (-1);
	if ((r = store_step(s, st)) == 1) {
		*kind = sqlite3_column_int(st, 0);
		strlcpy(name, (const char *)sqlite3_column_text(st, 1), size);
		sqlite3_reset(st);
	}
	return (r);
}

int
store_target_each(struct store *s, int (*cb)(void *, uint32_t, int,
    const char *), void *arg)
{
	sqlite3_stmt	*st;
	int		 r;

	if ((st = store_bind(s, S_TARGET_EACH, "")) == NULL)
		return (-1);
	while ((r = store_step(s, st)) == 1) {
		if (cb(arg, column_u32(st, 0), sqlite3_column_int(st, 1),
		    (const char *)sqlite3_column_text(st, 2)) != 0) {
			sqlite3_reset(st);
			break;
		}
	}
	return (r == -1 ? -1 : 0);
}

int
store_target_no_recovery(struct store *s, uint32_t id, int64_t until)
{
	return (store_run(s, S_TARGET_NOREC, "ii", until, I(id)));
}

int
store_target_no_recovery_get(struct store *s, uint32_t id, int64_t *until)
{
	sqlite3_stmt	*st;
	int		 r;

	if ((st = store_bind(s, S_TARGET_NOREC_GET, "i", I(id))) == NULL)
		return (-1);
	if ((r = store_step(s, st)) == 1) {
		*until = sqlite3_column_int64(st, 0);
		sqlite3_reset(st);
	}
	return (r);
}

/*
 * FNV-1a: SQLite finds pages that are damaged, not octets in them.  Each
 * step is a bijection, so that no change of one octet goes unseen.
 */
static uint64_t
fnv(uint64_t h, const void *data, size_t len)
{
	const uint8_t	*p = data;
	size_t		 i;

	for (i = 0; i < len; i++)
		h = (h ^ p[i]) * UINT64_C(1099511628211);
	return (h);
}

int64_t
store_message_sum(const struct store_message *m)
{
	const uint64_t	v[] = { m->id, m->type, m->priority, m->kind,
			    (uint64_t)m->arrival, m->origin, m->size };
	uint64_t	h = UINT64_C(14695981039346656037);

	h = fnv(h, v, sizeof(v));
	h = fnv(h, m->envelope, m->envelope_len);
	if (m->kind == CONTENT_INLINE && m->content != NULL)
		h = fnv(h, m->content, m->size);
	return ((int64_t)h);
}

int
store_message_add(struct store *s, const struct store_message *m)
{
	return (store_run(s, S_MSG_ADD, "iiiiiiibbbi", I(m->id), I(m->type),
	    I(m->priority), I(m->kind), m->arrival, I(m->origin), I(m->size),
	    m->envelope, m->envelope_len, (const void *)m->routing,
	    m->nrouting * sizeof(m->routing[0]),
	    m->kind == CONTENT_INLINE ? m->content : NULL,
	    (size_t)(m->kind == CONTENT_INLINE ? m->size : 0),
	    store_message_sum(m)));
}

/* Column 8 is the content, 9 the sum, if it has one. */
static int
whole(sqlite3_stmt *st, const struct store_message *m)
{
	if (m->kind == CONTENT_INLINE &&
	    (uint64_t)sqlite3_column_bytes(st, 8) != m->size)
		return (0);
	return (sqlite3_column_type(st, 9) == SQLITE_NULL ||
	    sqlite3_column_int64(st, 9) == store_message_sum(m));
}

int
store_row_damaged(const struct store *s)
{
	return (s->row_damaged);
}

int
store_message_get(struct store *s, uint64_t id, struct store_message *m,
    int with_content)
{
	sqlite3_stmt	*st;
	int		 r;

	store_message_release(s);
	memset(m, 0, sizeof(*m));
	s->row_damaged = 0;
	if ((st = store_bind(s, with_content ? S_MSG_GET_CONTENT : S_MSG_GET,
	    "i", I(id))) == NULL)
		return (-1);
	if ((r = store_step(s, st)) != 1)
		return (r);
	s->held = with_content ? S_MSG_GET_CONTENT : S_MSG_GET;
	m->id = id;
	m->type = sqlite3_column_int(st, 0);
	m->priority = sqlite3_column_int(st, 1);
	m->kind = sqlite3_column_int(st, 2);
	m->arrival = sqlite3_column_int64(st, 3);
	m->origin = column_u32(st, 4);
	m->size = column_u64(st, 5);
	m->envelope = sqlite3_column_blob(st, 6);
	m->envelope_len = sqlite3_column_bytes(st, 6);
	m->routing = sqlite3_column_blob(st, 7);
	m->nrouting = sqlite3_column_bytes(st, 7) / sizeof(m->routing[0]);
	if (with_content && m->kind == CONTENT_INLINE) {
		m->content = sqlite3_column_blob(st, 8);
		if (m->size == 0)
			m->content = "";
	}
	if (with_content && !whole(st, m)) {
		store_message_release(s);
		snprintf(s->error, sizeof(s->error), "message %016" PRIX64
		    ": damaged in the data base", id);
		s->row_damaged = 1;
		return (0);
	}
	return (1);
}

void
store_message_release(struct store *s)
{
	if (s->held != S_BEGIN && s->stmt[s->held] != NULL)
		sqlite3_reset(s->stmt[s->held]);
	s->held = S_BEGIN;
}

int
store_message_routing(struct store *s, uint64_t id, const uint32_t *routing,
    size_t n)
{
	return (store_run(s, S_MSG_ROUTING, "bi", (const void *)routing,
	    n * sizeof(routing[0]), I(id)));
}

/* A row of the queue for that target?  1: yes. */
static int
job_exists(struct store *s, uint32_t target, int rank, uint64_t message)
{
	sqlite3_stmt	*st;
	int		 r;

	if ((st = store_bind(s, S_JOB_GET, "iii", I(target), I(rank),
	    I(message))) == NULL)
		return (-1);
	if ((r = store_step(s, st)) == 1)
		sqlite3_reset(st);
	return (r);
}

static int
compare_target(const void *a, const void *b)
{
	const uint32_t	*x = a, *y = b;

	return (*x < *y ? -1 : *x > *y);
}

/*
 * The targets of a message, each once, in *targets (to be freed).  How
 * many; -2: no such message; -1.
 */
static int
message_targets(struct store *s, uint64_t id, uint32_t **targets, int *rank,
    int *kind)
{
	sqlite3_stmt	*st;
	uint32_t	*t;
	size_t		 i, n, out = 0;
	int		 r;

	if ((st = store_bind(s, S_MSG_ROUTED, "i", I(id))) == NULL)
		return (-1);
	if ((r = store_step(s, st)) != 1)
		return (r == 0 ? -2 : -1);
	*rank = rank_of(sqlite3_column_int(st, 0));
	*kind = sqlite3_column_int(st, 1);
	n = sqlite3_column_bytes(st, 2) / sizeof(*t);
	if ((t = calloc(n + 1, sizeof(*t))) == NULL) {
		sqlite3_reset(st);
		return (store_fail(s, "out of memory"));
	}
	if (n > 0)
		memcpy(t, sqlite3_column_blob(st, 2), n * sizeof(*t));
	sqlite3_reset(st);
	if (n > 1)
		qsort(t, n, sizeof(*t), compare_target);
	for (i = 0; i < n; i++)
		if (t[i] != TARGET_NOT_OURS && t[i] != TARGET_SETTLED &&
		    (out == 0 || t[out - 1] != t[i]))
			t[out++] = t[i];
	*targets = t;
	return ((int)out);
}

int
store_message_done(struct store *s, uint64_t id, int *kind)
{
	uint32_t	*targets;
	int		 i, n, rank, r = 0;

	if ((n = message_targets(s, id, &targets, &rank, kind)) < 0)
		return (n == -2 ? 0 : -1);
	for (i = 0; i < n && r == 0; i++)
		r = job_exists(s, targets[i], rank, id);
	free(targets);
	if (r != 0)
		return (r == 1 ? 0 : -1);
	if (store_run(s, S_MSG_DELETE, "i", I(id)) == -1)
		return (-1);
	return (1);
}

int
store_message_ids(struct store *s, uint64_t after, uint64_t *ids, int max)
{
	sqlite3_stmt	*st;
	int		 n = 0, r = 0;

	if ((st = store_bind(s, S_MSG_IDS, "ii", I(after), I(max))) == NULL)
		return (-1);
	while (n < max && (r = store_step(s, st)) == 1)
		ids[n++] = column_u64(st, 0);
	sqlite3_reset(st);
	return (r == -1 ? -1 : n);
}

int
store_message_totals(struct store *s, uint64_t *count, uint64_t *octets)
{
	sqlite3_stmt	*st;

	if ((st = store_bind(s, S_MSG_TOTALS, "")) == NULL ||
	    store_step(s, st) != 1)
		return (-1);
	*count = column_u64(st, 0);
	*octets = column_u64(st, 1);
	sqlite3_reset(st);
	return (0);
}

/* Duplicates */

int
store_accepted_get(struct store *s, uint32_t peer, const void *key,
    size_t len, uint32_t *recipients, size_t max, size_t *n)
{
	sqlite3_stmt	*st;
	size_t		 have;
	int		 r;

	if ((st = store_bind(s, S_ACC_GET, "ib", I(peer), key, len)) == NULL)
		return (-1);
	if ((r = store_step(s, st)) != 1)
		return (r);
	have = sqlite3_column_bytes(st, 0) / sizeof(*recipients);
	if (have > max)
		have = max;
	if (have > 0)
		memcpy(recipients, sqlite3_column_blob(st, 0),
		    have * sizeof(*recipients));
	*n = have;
	sqlite3_reset(st);
	return (1);
}

int
store_accepted_put(struct store *s, uint32_t peer, const void *key,
    size_t len, const uint32_t *recipients, size_t n, int64_t now)
{
	return (store_run(s, S_ACC_PUT, "ibbi", I(peer), key, len,
	    (const void *)recipients, n * sizeof(*recipients), now));
}

int
store_accepted_prune(struct store *s, int64_t before, int limit)
{
	if (store_run(s, S_ACC_PRUNE, "ii", before, I(limit)) == -1)
		return (-1);
	return (sqlite3_changes(s->db));
}

/* The queue */

int
store_job_add(struct store *s, const struct store_job *j)
{
	return (store_run(s, S_JOB_ADD, "iiiiiiiitiii", I(j->target),
	    I(j->rank), I(j->message), I(j->state), I(j->sole),
	    I(j->attempts), j->next_try, I(j->size), j->reason,
	    I(j->attempted), I(j->pinned), j->deadline));
}

static void
job_row(sqlite3_stmt *st, struct store_job *j)
{
	const char	*reason;

	memset(j, 0, sizeof(*j));
	j->target = column_u32(st, 0);
	j->rank = sqlite3_column_int(st, 1);
	j->message = column_u64(st, 2);
	j->state = sqlite3_column_int(st, 3);
	j->sole = sqlite3_column_int(st, 4);
	j->attempts = column_u32(st, 5);
	j->next_try = sqlite3_column_int64(st, 6);
	j->size = column_u64(st, 7);
	if ((reason = (const char *)sqlite3_column_text(st, 8)) != NULL)
		strlcpy(j->reason, reason, sizeof(j->reason));
	j->association = column_u64(st, 9);
	j->connection = column_u64(st, 10);
	j->activity = column_u32(st, 11);
	j->serial = column_u32(st, 12);
	j->offset = column_u64(st, 13);
	j->total = column_u64(st, 14);
	j->since = sqlite3_column_int64(st, 15);
	j->head = sqlite3_column_blob(st, 16);
	j->head_len = sqlite3_column_bytes(st, 16);
	j->attempted = column_u32(st, 17);
	j->pinned = sqlite3_column_int(st, 18);
	j->deadline = sqlite3_column_int64(st, 19);
}

/* Runs a bound query of job rows through cb.  How many, or -1. */
static int
job_rows(struct store *s, sqlite3_stmt *st, store_job_cb *cb, void *arg)
{
	struct store_job j;
	int		 n = 0, r;

	if (st == NULL)
		return (-1);
	while ((r = store_step(s, st)) == 1) {
		job_row(st, &j);
		n++;
		if (cb(arg, &j) != 0) {
			sqlite3_reset(st);
			break;
		}
	}
	return (r == -1 ? -1 : n);
}

int
store_job_get(struct store *s, uint32_t target, int rank, uint64_t message,
    store_job_cb *cb, void *arg)
{
	return (job_rows(s, store_bind(s, S_JOB_GET, "iii", I(target),
	    I(rank), I(message)), cb, arg));
}

int
store_job_state(struct store *s, const struct store_job *j)
{
	return (store_run(s, S_JOB_STATE, "iiiiiiti", I(j->target),
	    I(j->rank), I(j->message), I(j->state), I(j->attempts),
	    j->next_try, j->reason, I(j->pinned)));
}

int
store_job_sending(struct store *s, const struct store_job *j)
{
	return (store_run(s, S_JOB_SENDING, "iiiiiii", I(j->target),
	    I(j->rank), I(j->message), I(j->association), I(j->connection),
	    I(j->activity), j->since));
}

int
store_job_progress(struct store *s, const struct store_job *j)
{
	if (j->head == NULL)
		return (store_run(s, S_JOB_PROGRESS, "iiiiiiii",
		    I(j->target), I(j->rank), I(j->message),
		    I(j->connection), I(j->activity), I(j->serial),
		    I(j->offset), I(j->total)));
	return (store_run(s, S_JOB_PROGRESS_HEAD, "iiiiiiiib", I(j->target),
	    I(j->rank), I(j->message), I(j->connection), I(j->activity),
	    I(j->serial), I(j->offset), I(j->total), j->head, j->head_len));
}

int
store_job_done(struct store *s, uint32_t target, int rank, uint64_t message)
{
	return (store_run(s, S_JOB_DONE, "iii", I(target), I(rank),
	    I(message)));
}

int
store_job_ready(struct store *s, uint32_t target, int rank, uint64_t after,
    int limit, store_job_cb *cb, void *arg)
{
	return (job_rows(s, store_bind(s, S_JOB_READY, "iiii", I(target),
	    I(rank), I(after), I(limit)), cb, arg));
}

int
store_job_sending_each(struct store *s, store_job_cb *cb, void *arg)
{
	return (job_rows(s, store_bind(s, S_JOB_SENDING_EACH, ""), cb, arg));
}

int
store_job_in_state(struct store *s, uint32_t target, int state,
    uint64_t after, int limit, store_job_cb *cb, void *arg)
{
	return (job_rows(s, store_bind(s, S_JOB_IN_STATE, "iiii", I(target),
	    I(state), I(after), I(limit)), cb, arg));
}

int
store_job_of_message(struct store *s, uint64_t id, store_job_cb *cb,
    void *arg)
{
	uint32_t	*targets;
	int		 i, n, rank, kind, r = 0;

	if ((n = message_targets(s, id, &targets, &rank, &kind)) < 0)
		return (n == -2 ? 0 : -1);
	for (i = 0; i < n && r != -1; i++)
		r = store_job_get(s, targets[i], rank, id, cb, arg);
	free(targets);
	return (r == -1 ? -1 : 0);
}

int
store_job_waiting(struct store *s, uint32_t target, int rank, uint64_t after,
    uint64_t before, int limit, store_job_cb *cb, void *arg)
{
	return (job_rows(s, store_bind(s, S_JOB_WAITING, "iiiii", I(target),
	    I(rank), I(after), I(before), I(limit)), cb, arg));
}

int
store_job_overdue(struct store *s, int64_t now, int limit, store_job_cb *cb,
    void *arg)
{
	return (job_rows(s, store_bind(s, S_JOB_OVERDUE, "ii", now,
	    I(limit)), cb, arg));
}

int
store_job_counts(struct store *s, int (*cb)(void *, uint32_t, int, int,
    uint64_t, uint64_t), void *arg)
{
	sqlite3_stmt	*st;
	int		 r;

	if ((st = store_bind(s, S_JOB_COUNTS, "")) == NULL)
		return (-1);
	while ((r = store_step(s, st)) == 1)
		cb(arg, column_u32(st, 0), sqlite3_column_int(st, 1),
		    sqlite3_column_int(st, 2), column_u64(st, 3),
		    column_u64(st, 4));
	return (r);
}

int
store_job_due(struct store *s, uint32_t target, int64_t now)
{
	if (store_run(s, S_JOB_DUE, "ii", I(target), now) == -1)
		return (-1);
	return (sqlite3_changes(s->db));
}

int
store_job_next(struct store *s, uint32_t target, int64_t *when)
{
	sqlite3_stmt	*st;
	int		 r;

	if ((st = store_bind(s, S_JOB_NEXT, "i", I(target))) == NULL)
		return (-1);
	if ((r = store_step(s, st)) == 1) {
		r = sqlite3_column_type(st, 0) != SQLITE_NULL;
		*when = sqlite3_column_int64(st, 0);
		sqlite3_reset(st);
	}
	return (r);
}
