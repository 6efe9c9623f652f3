/* SPDX-License-Identifier: ISC */

/*
 * The audit log: a line for whatever becomes of a message, probe or report,
 * with what ICAO Doc 9880 part II 3.2.3 wants kept.  spoold(8) says what the
 * lines look like.
 *
 * A line is put into the store by the transaction that makes it true, and
 * given to the thread that writes the file when that is committed; it leaves
 * the store with the first commit after it is durable in the file.  After a
 * crash what the store still has is written, perhaps once more: a key that
 * never comes twice tells which lines are the same.
 */

#include <sys/time.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "spoold.h"

#define ID_EPOCH	1577836800	/* as in store.c */
#define TAIL_MAX	5000		/* octets of one recipient, at most */

/* Made, not yet in a transaction; behind made_before: since audit_begin. */
static struct audit_lines made = TAILQ_HEAD_INITIALIZER(made);
static struct audit_line *made_before;
static uint64_t		 forgotten;	/* no longer in the store */
static uint64_t		 forgetting;	/* with this transaction */
static uint64_t		 newest;	/* in the store */
static uint64_t		 lost;		/* lines there was no room for */
static int		 troubled;	/* the log knows */

/* The line being made. */
static struct {
	char		text[AUDIT_LINE_MAX + 2];
	size_t		len;
	size_t		common;		/* octets that each part has */
	unsigned	part;
	uint64_t	id;
	int64_t		time;
	const char	*event;
	uint64_t	message;
} line;

static void	add(const char *, ...)
    __attribute__((__format__(printf, 1, 2)));

static void
add(const char *fmt, ...)
{
	va_list	ap;
	size_t	room = AUDIT_LINE_MAX - line.len;
	int	n;

	va_start(ap, fmt);
	n = vsnprintf(line.text + line.len, room, fmt, ap);
	va_end(ap);
	if (n > 0)
		line.len += (size_t)n < room ? (size_t)n : room - 1;
}

/* In quotes; what is not printable ASCII as \xNN. */
static void
add_text(const char *name, const char *text)
{
	const unsigned char	*p = (const unsigned char *)text;

	add(" %s=\"", name);
	for (; *p != '\0' && line.len + 8 < AUDIT_LINE_MAX; p++) {
		if (*p == '"' || *p == '\\') {
			line.text[line.len++] = '\\';
			line.text[line.len++] = *p;
		} else if (*p < ' ' || *p > '~')
			add("\\x%02x", *p);
		else
			line.text[line.len++] = *p;
	}
	line.text[line.len++] = '"';
}

static void
add_address(const char *name, const struct or_address *a)
{
	char	text[OR_TEXT_MAX];

	or_address_print(a, text, sizeof(text), 0);
	add_text(name, text);
}

static void
add_mts_id(const char *name, const struct mts_identifier *id)
{
	char	text[160];

	mts_identifier_print(id, text, sizeof(text));
	add_text(name, text);
}

static void
add_time(const char *name, int64_t when, int ms)
{
	char		text[32];
	struct tm	tm;
	time_t		t = when;

	if (gmtime_r(&t, &tm) == NULL || strftime(text, sizeof(text),
	    "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		return;
	if (ms >= 0)
		add("%s=%s.%03dZ", name, text, ms);
	else
		add(" %s=%sZ", name, text);
}

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
	line.len = 0;
	line.event = event;
	line.message = message;
	add_time("time", tv.tv_sec, (int)(tv.tv_usec / 1000));
	add(" key=%016" PRIX64 " event=%s id=%016" PRIX64, line.id, event,
	    message);
	return (1);
}

static void
end(void)
{
	struct audit_line	*l;

	if ((l = malloc(sizeof(*l) + line.len + 2)) == NULL) {
		lost++;
		return;
	}
	l->id = line.id;
	l->time = line.time;
	memcpy(l->text, line.text, line.len);
	l->text[line.len] = '\n';
	l->text[line.len + 1] = '\0';
	l->len = line.len + 1;
	TAILQ_INSERT_TAIL(&made, l, entry);
}

/* What was put is in each part of a line that becomes too long. */
static void
common(void)
{
	line.common = line.len;
	line.part = 1;
}

/* Room for one recipient more, in a further part if need be. */
static void
next(void)
{
	char	key[17];

	if (line.len + TAIL_MAX < AUDIT_LINE_MAX)
		return;
	end();
	line.len = line.common;
	line.id = store_next_id(sp.store);
	snprintf(key, sizeof(key), "%016" PRIX64, line.id);
	memcpy(strstr(line.text, " key=") + 5, key, 16);
	add(" part=%u", ++line.part);
}

static const char *
type_name(int type)
{
	return (type == MESSAGE_REPORT ? "report" :
	    type == MESSAGE_PROBE ? "probe" : "message");
}

/* What every line has of its message. */
static void
add_message(const struct message *m)
{
	add(" type=%s", type_name(m->type));
	add_mts_id("mts-id", &m->id);
	add(" priority=%s", priority_name(m->priority));
	if (m->content_oid != NULL)
		add_text("content-type", m->content_oid);
	else if (m->content_type != -1)
		add(" content-type=%d", m->content_type);
	if (m->type == MESSAGE_REPORT) {
		add_mts_id("subject-id", &m->subject);
		add_address("destination", &m->originator);
	} else
		add_address("originator", &m->originator);
}

/* The last element; of what has none yet, the one that it will get. */
static void
add_trace(const struct message *m)
{
	const struct trace_element	*t;
	struct trace_element		 own;
	char				 text[160];
	size_t				 n;

	if (m->ntrace > 0)
		t = &m->trace[m->ntrace - 1];
	else {
		memset(&own, 0, sizeof(own));
		own.domain = sp.mta.domain;
		utctime_set(&own.arrival, line.time);
		t = &own;
	}
	global_domain_print(&t->domain, text, sizeof(text));
	n = strlen(text);
	snprintf(text + n, sizeof(text) - n, " %s %s", t->arrival.text,
	    t->action == TRACE_REROUTED ? "rerouted" : "relayed");
	add_text("trace", text);
}

static void
add_reported(const struct message *m)
{
	const struct reported_recipient	*r;
	uint32_t			 i;

	add(" recipients=%u", m->nreported);
	common();
	for (i = 0; i < m->nreported; i++) {
		next();
		r = &m->reported[i];
		add_address("recipient", &r->name);
		if (r->delivered) {
			add(" report-type=delivery");
			continue;
		}
		add(" report-type=non-delivery reason=%d", r->reason);
		if (r->diagnostic != -1)
			add(" diagnostic=%d", r->diagnostic);
	}
}

static void
add_responsible(const struct message *m)
{
	uint32_t	i, n = 0;

	for (i = 0; i < m->nrecipient; i++)
		n += (m->recipient[i].flags & PRI_RESPONSIBILITY) != 0;
	add(" recipients=%u", n);
	common();
	for (i = 0; i < m->nrecipient; i++)
		if (m->recipient[i].flags & PRI_RESPONSIBILITY) {
			next();
			add_address("recipient", &m->recipient[i].name);
		}
}

void
audit_arrival(const struct arrival *a)
{
	const struct message	*m = a->message;

	if (!begin(a->duplicate ? "duplicate" : a->origin != NULL ? "arrive" :
	    m->type == MESSAGE_REPORT ? "report" : "submit", a->id))
		return;
	add_message(m);
	if (a->origin != NULL)
		add_text("from", a->origin->name);
	add(" size=%" PRIu64, a->size);
	add_time("arrival", line.time, -1);
	add_trace(m);
	if (m->type == MESSAGE_REPORT)
		add_reported(m);
	else
		add_responsible(m);
	end();
}

/* Events of a message that is in the store */

struct stored {
	struct message	*m;
	uint32_t	*routing;
	size_t		 n;
	uint64_t	 size;
	int64_t		 arrival;
};

static int
load(uint64_t id, struct stored *s)
{
	struct store_message	sm;

	memset(s, 0, sizeof(*s));
	if (store_message_get(sp.store, id, &sm, 0) != 1)
		return (-1);
	s->m = message_deserialise(sm.envelope, sm.envelope_len);
	s->routing = calloc(sm.nrouting + 1, sizeof(*s->routing));
	if (s->routing != NULL && sm.nrouting > 0)
		memcpy(s->routing, sm.routing, sm.nrouting *
		    sizeof(*s->routing));
	s->n = sm.nrouting;
	s->size = sm.size;
	s->arrival = sm.arrival;
	store_message_release(sp.store);
	if (s->m != NULL && s->routing != NULL)
		return (0);
	if (s->m != NULL)
		message_free(s->m);
	free(s->routing);
	return (-1);
}

/* Those that the target of a job has, in as many parts as it takes. */
static void
add_routed(const struct stored *s, const struct job *j)
{
	size_t	i;

	common();
	if (s->m->type == MESSAGE_REPORT)
		return;
	for (i = 0; i < s->n && i < s->m->nrecipient; i++)
		if (s->routing[i] == j->target->number) {
			next();
			add_address("recipient", &s->m->recipient[i].name);
		}
}

static void
audit_sent(const char *event, const char *when, const struct job *j,
    uint64_t octets, const char *by, const char *why)
{
	struct stored	s;

	if (!begin(event, j->message) || load(j->message, &s) == -1)
		return;
	add_message(s.m);
	add_text("to", j->target->name);
	add(" size=%" PRIu64, s.size);
	if (octets > 0)
		add(" octets=%" PRIu64, octets);
	if (by != NULL)
		add_text("by", by);
	if (why != NULL)
		add_text("reason", why);
	add_time("arrival", s.arrival, -1);
	if (when != NULL)
		add_time(when, line.time, -1);
	add_trace(s.m);
	add_routed(&s, j);
	end();
	message_free(s.m);
	free(s.routing);
}

void
audit_transfer(const struct job *j, uint64_t octets)
{
	audit_sent("transfer", "transferred", j, octets, NULL, NULL);
}

void
audit_deliver(const struct job *j)
{
	audit_sent("deliver", "delivered", j, 0, NULL, NULL);
}

void
audit_job(enum audit_change what, const struct job *j, const char *by,
    const char *why)
{
	static const char *const events[] = { "hold", "release", "remove" };

	audit_sent(events[what], NULL, j, 0, by, why);
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
	add_message(m);
	if (report != 0)
		add(" report=%016" PRIX64, report);
	add(" recipients=%zu", count);
	common();
	for (i = 0; i < n; i++) {
		if (o[i].delivered)
			continue;
		next();
		if (m->type != MESSAGE_REPORT)
			add_address("recipient",
			    &m->recipient[o[i].recipient].name);
		add(" reason=%d", o[i].reason);
		if (o[i].diagnostic != -1)
			add(" diagnostic=%d", o[i].diagnostic);
		if (o[i].text != NULL)
			add_text("text", o[i].text);
	}
	end();
}

void
audit_redirect(const struct arrival *a, size_t recipient,
    const struct or_address *to, int reason)
{
	if (!begin("redirect", a->id))
		return;
	add_message(a->message);
	add_address("recipient", &a->message->recipient[recipient].name);
	add_address("redirected-to", to);
	add(" redirection-reason=%d", reason);
	end();
}

void
audit_expand(const struct arrival *a, const struct or_address *list,
    size_t members)
{
	if (!begin("expand", a->id))
		return;
	add_message(a->message);
	add_address("recipient", list);
	add(" members=%zu", members);
	end();
}

/* The commit */

void
audit_begin(void)
{
	made_before = TAILQ_LAST(&made, audit_lines);
}

void
audit_rollback(void)
{
	struct audit_line	*l;

	while ((l = TAILQ_LAST(&made, audit_lines)) != made_before &&
	    l != NULL) {
		TAILQ_REMOVE(&made, l, entry);
		free(l);
	}
}

int
audit_flush(void)
{
	struct audit_line	*l;

	forgetting = audit_file_durable();
	if (forgetting > forgotten &&
	    store_audit_delete(sp.store, forgetting) == -1)
		return (-1);
	TAILQ_FOREACH(l, &made, entry)
		if (store_audit_put(sp.store, l->id, l->text) == -1)
			return (-1);
	return (0);
}

void
audit_committed(void)
{
	struct audit_line	*l;

	forgotten = forgetting;
	if ((l = TAILQ_LAST(&made, audit_lines)) == NULL)
		return;
	newest = l->id;
	audit_file_put(&made);
	made_before = NULL;
}

static int
load_line(void *arg, uint64_t id, const char *text)
{
	struct audit_lines	*lines = arg;
	struct audit_line	*l;
	size_t			 len;

	if (text == NULL || (len = strlen(text)) > AUDIT_LINE_MAX + 1)
		return (0);
	if ((l = malloc(sizeof(*l) + len + 1)) == NULL)
		return (-1);
	l->id = id;
	l->time = (int64_t)(id / 1000000) + ID_EPOCH;
	l->len = len;
	memcpy(l->text, text, len + 1);
	TAILQ_INSERT_TAIL(lines, l, entry);
	newest = id;
	return (0);
}

int
audit_load(void)
{
	struct audit_lines	lines = TAILQ_HEAD_INITIALIZER(lines);

	forgotten = forgetting = 0;
	if (store_audit_each(sp.store, load_line, &lines) == -1)
		return (-1);
	audit_file_put(&lines);
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
