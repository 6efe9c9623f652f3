/* SPDX-License-Identifier: ISC */

/*
 * The audit log: a line for whatever becomes of a message, probe or report,
 * with what ICAO Doc 9880 part II 3.2.3 wants kept.  spoold(8) says what the
 * lines look like.
 *
 * All lines of a commit are one row of the store, or a few, put there by the
 * transaction that makes them true; they are given to the thread that writes
 * the file when that is committed, and leave the store with the first commit
 * after they are durable in the file.  After a crash what the store still has
 * is written, perhaps once more: a key that never comes twice tells which
 * lines are the same.
 */

#include <sys/time.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "audit.h"
#include "log.h"

#define ID_EPOCH	1577836800	/* as in store.c */
#define TAIL_MAX	5000		/* octets of one recipient, at most */

/*
 * Made: first those in a transaction, up to flushed, then others.  A mark is
 * what was there at audit_begin.
 */
static struct audit_chunks made = TAILQ_HEAD_INITIALIZER(made);
static struct audit_chunk *flushed;
static struct {
	struct audit_chunk	*last;
	size_t			 len;
	uint64_t		 id;
} mark;
static uint64_t		 forgotten;	/* no longer in the store */
static uint64_t		 forgetting;	/* with this transaction */
static uint64_t		 newest;	/* in the store */
static uint64_t		 lost;		/* lines there was no room for */
static int		 troubled;	/* the log knows */

/* The line being made. */
static char		 buf[AUDIT_LINE_MAX];
static struct {
	struct audit_text	text;
	size_t			common;		/* octets each part has */
	unsigned		part;
	uint64_t		id;
	int64_t			time;
} line;
static struct audit_text *const l = &line.text;

/* 0: there is no audit log. */
static int
begin(const char *event, uint64_t message)
{
	struct timeval	tv;

	if (sp.mta.audit_keep == 0 || sp.store == NULL)
		return (0);
	if (audit_file_backlog() > AUDIT_BACKLOG_MAX) {
		lost++;
		return (0);
	}
	gettimeofday(&tv, NULL);
	line.id = store_next_id(sp.store);
	line.time = tv.tv_sec;
	audit_text_init(l, buf, sizeof(buf) - 1);	/* and its newline */
	audit_put_time(l, "time=", tv.tv_sec, (int)(tv.tv_usec / 1000));
	audit_put_id(l, " key=", line.id);
	audit_put(l, " event=");
	audit_put(l, event);
	audit_put_id(l, " id=", message);
	return (1);
}

static struct audit_chunk *
chunk_new(size_t len)
{
	struct audit_chunk	*c;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return (NULL);
	c->size = len < 1024 ? 1024 : len;
	if ((c->text = malloc(c->size)) == NULL) {
		free(c);
		return (NULL);
	}
	c->day = line.time / DAY;
	TAILQ_INSERT_TAIL(&made, c, entry);
	return (c);
}

/* One with room for so many octets of that day, after what is flushed. */
static struct audit_chunk *
chunk_with_room(size_t len)
{
	struct audit_chunk	*c = TAILQ_LAST(&made, audit_chunks);
	size_t			 size;
	char			*p;

	if (c == NULL || c == flushed || c->day != line.time / DAY ||
	    c->len + len > AUDIT_CHUNK_MAX)
		return (chunk_new(len + 1));
	if (c->len + len + 1 > c->size) {
		for (size = c->size; size < c->len + len + 1; size *= 2)
			;
		if ((p = realloc(c->text, size)) == NULL)
			return (NULL);
		c->text = p;
		c->size = size;
	}
	return (c);
}

static void
end(void)
{
	struct audit_chunk	*c;

	if ((c = chunk_with_room(l->len + 1)) == NULL) {
		lost++;
		return;
	}
	c->id = line.id;
	memcpy(c->text + c->len, l->buf, l->len);
	c->len += l->len;
	c->text[c->len++] = '\n';
	c->text[c->len] = '\0';
}

/* What was put is in each part of a line that becomes too long. */
static void
common(void)
{
	line.common = l->len;
	line.part = 1;
}

/* Room for one recipient more, in a further part if need be. */
static void
next(void)
{
	if (l->len + TAIL_MAX < AUDIT_LINE_MAX)
		return;
	end();
	line.id = store_next_id(sp.store);
	l->len = strlen("time=2026-11-24T20:12:00.000Z");
	audit_put_id(l, " key=", line.id);
	l->len = line.common;
	audit_put_number(l, " part=", ++line.part);
}

static void
add_reported(const struct message *m)
{
	const struct reported_recipient	*r;
	uint32_t			 i;

	audit_put_number(l, " recipients=", m->nreported);
	common();
	for (i = 0; i < m->nreported; i++) {
		next();
		r = &m->reported[i];
		audit_put_address(l, " recipient=", &r->name);
		if (r->delivered) {
			audit_put(l, " report-type=delivery");
			continue;
		}
		audit_put(l, " report-type=non-delivery");
		audit_put_reason(l, r->reason, r->diagnostic);
	}
}

static void
add_responsible(const struct message *m)
{
	uint32_t	i, n = 0;

	for (i = 0; i < m->nrecipient; i++)
		n += (m->recipient[i].flags & PRI_RESPONSIBILITY) != 0;
	audit_put_number(l, " recipients=", n);
	common();
	for (i = 0; i < m->nrecipient; i++)
		if (m->recipient[i].flags & PRI_RESPONSIBILITY) {
			next();
			audit_put_address(l, " recipient=",
			    &m->recipient[i].name);
		}
}

void
audit_arrival(const struct arrival *a)
{
	const struct message	*m = a->message;

	if (!begin(a->duplicate ? "duplicate" : a->origin != NULL ? "arrive" :
	    m->type == MESSAGE_REPORT ? "report" : "submit", a->id))
		return;
	audit_put_message(l, m);
	if (a->origin != NULL)
		audit_put_text(l, " from=", a->origin->name);
	audit_put_number(l, " size=", a->size);
	audit_put_time(l, " arrival=", line.time, -1);
	audit_put_trace(l, m, line.time);
	if (m->type == MESSAGE_REPORT)
		add_reported(m);
	else
		add_responsible(m);
	end();
}

/* Events of a message that is in the store */

/* In as many parts as it takes. */
static void
add_routed(const struct message *m, const struct store_message *sm,
    uint32_t target)
{
	size_t	i;

	common();
	if (m->type == MESSAGE_REPORT)
		return;
	for (i = 0; i < sm->nrouting && i < m->nrecipient; i++)
		if (sm->routing[i] == target) {
			next();
			audit_put_address(l, " recipient=",
			    &m->recipient[i].name);
		}
}

/* -1: it is not there, or damaged. */
static int
add_stored(const struct job *j)
{
	struct store_message	 sm;
	struct message		*m;

	if (store_message_get(sp.store, j->message, &sm, 0) != 1)
		return (-1);
	if ((m = message_deserialise(sm.envelope, sm.envelope_len)) != NULL) {
		audit_put_stored(l, m, &sm);
		add_routed(m, &sm, j->target->number);
		message_free(m);
	}
	store_message_release(sp.store);
	return (m == NULL ? -1 : 0);
}

/* With fields of audit_fields, or NULL: they are read. */
static void
audit_sent(const char *event, const char *when, const struct job *j,
    uint64_t octets, const char *fields, const char *by, const char *why)
{
	if (!begin(event, j->message))
		return;
	audit_put_text(l, " to=", j->target->name);
	if (octets > 0)
		audit_put_number(l, " octets=", octets);
	if (by != NULL)
		audit_put_text(l, " by=", by);
	if (why != NULL)
		audit_put_text(l, " reason=", why);
	if (when != NULL)
		audit_put_time(l, when, line.time, -1);
	if (fields != NULL)
		audit_put(l, fields);
	else if (add_stored(j) == -1)
		return;
	end();
}

void
audit_transfer(const struct job *j, uint64_t octets, const char *fields)
{
	audit_sent("transfer", " transferred=", j, octets, fields, NULL,
	    NULL);
}

void
audit_deliver(const struct job *j, const char *fields)
{
	audit_sent("deliver", " delivered=", j, 0, fields, NULL, NULL);
}

void
audit_job(enum audit_change what, const struct job *j, const char *by,
    const char *why)
{
	static const char *const events[] = { "hold", "release", "remove" };

	audit_sent(events[what], NULL, j, 0, NULL, by, why);
}

void
audit_non_deliver(const struct arrival *a, const struct outcome *o, size_t n,
    uint64_t report)
{
	const struct message	*m = a->message;
	size_t			 i, count = 0;

	for (i = 0; i < n; i++)
		count += !o[i].delivered;
	if (count == 0 || !begin("non-deliver", a->id))
		return;
	audit_put_message(l, m);
	if (report != 0)
		audit_put_id(l, " report=", report);
	audit_put_number(l, " recipients=", count);
	common();
	for (i = 0; i < n; i++) {
		if (o[i].delivered)
			continue;
		next();
		if (m->type != MESSAGE_REPORT)
			audit_put_address(l, " recipient=",
			    &m->recipient[o[i].recipient].name);
		audit_put_reason(l, o[i].reason, o[i].diagnostic);
		if (o[i].text != NULL)
			audit_put_text(l, " text=", o[i].text);
	}
	end();
}

void
audit_redirect(const struct arrival *a, size_t recipient,
    const struct or_address *to, int reason)
{
	if (!begin("redirect", a->id))
		return;
	audit_put_message(l, a->message);
	audit_put_address(l, " recipient=",
	    &a->message->recipient[recipient].name);
	audit_put_address(l, " redirected-to=", to);
	audit_put_number(l, " redirection-reason=", reason);
	end();
}

void
audit_expand(const struct arrival *a, const struct or_address *list,
    size_t members)
{
	if (!begin("expand", a->id))
		return;
	audit_put_message(l, a->message);
	audit_put_address(l, " recipient=", list);
	audit_put_number(l, " members=", members);
	end();
}

/* The commit */

void
audit_begin(void)
{
	memset(&mark, 0, sizeof(mark));
	if ((mark.last = TAILQ_LAST(&made, audit_chunks)) == NULL)
		return;
	mark.len = mark.last->len;
	mark.id = mark.last->id;
}

void
audit_rollback(void)
{
	struct audit_chunk	*c;

	flushed = NULL;
	while ((c = TAILQ_LAST(&made, audit_chunks)) != mark.last &&
	    c != NULL) {
		TAILQ_REMOVE(&made, c, entry);
		free(c->text);
		free(c);
	}
	if (c != NULL) {
		c->len = mark.len;
		c->id = mark.id;
		c->text[c->len] = '\0';
	}
}

int
audit_flush(void)
{
	struct audit_chunk	*c;

	forgetting = audit_file_durable();
	if (forgetting > forgotten &&
	    store_audit_delete(sp.store, forgetting) == -1)
		return (-1);
	TAILQ_FOREACH(c, &made, entry)
		if (store_audit_put(sp.store, c->id, c->text) == -1)
			return (-1);
	flushed = TAILQ_LAST(&made, audit_chunks);
	return (0);
}

/* What was made since it was flushed is for the next transaction. */
void
audit_committed(void)
{
	struct audit_chunks	 out = TAILQ_HEAD_INITIALIZER(out);
	struct audit_chunk	*c;

	forgotten = forgetting;
	if (flushed == NULL)
		return;
	newest = flushed->id;
	do {
		c = TAILQ_FIRST(&made);
		TAILQ_REMOVE(&made, c, entry);
		TAILQ_INSERT_TAIL(&out, c, entry);
	} while (c != flushed);
	flushed = NULL;
	audit_file_put(&out);
}

static int
load_chunk(void *arg, uint64_t id, const char *text)
{
	struct audit_chunks	*chunks = arg;
	struct audit_chunk	*c;

	if (text == NULL || strlen(text) > AUDIT_CHUNK_MAX)
		return (0);
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return (-1);
	if ((c->text = strdup(text)) == NULL) {
		free(c);
		return (-1);
	}
	c->id = id;
	c->day = ((int64_t)(id / 1000000) + ID_EPOCH) / DAY;
	c->len = strlen(text);
	TAILQ_INSERT_TAIL(chunks, c, entry);
	newest = id;
	return (0);
}

int
audit_load(void)
{
	struct audit_chunks	chunks = TAILQ_HEAD_INITIALIZER(chunks);

	forgotten = forgetting = 0;
	if (store_audit_each(sp.store, load_chunk, &chunks) == -1)
		return (-1);
	audit_file_put(&chunks);
	return (0);
}

void
audit_tick(void)
{
	int	error = audit_file_trouble();

	if (error != 0 && !troubled)
		log_warnx(EVT_AUDIT_FAILED, ": %s: mail goes on, it is tried "
		    "again", strerror(error));
	else if (error == 0 && troubled)
		log_info(EVT_AUDIT_WORKS, "lost=%" PRIu64, lost);
	if (error == 0 && lost > 0 && !troubled)
		log_warnx(EVT_AUDIT_LOST, "lost=%" PRIu64, lost);
	if (error == 0)
		lost = 0;
	troubled = error != 0;
	/* the store need not keep what the file has */
	if (newest > forgotten && audit_file_durable() >= newest)
		spool_dirty_later();
}
