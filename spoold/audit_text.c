/* SPDX-License-Identifier: ISC */

/*
 * Fields of the lines of the audit log, as text.  There are two lines or more
 * of each message, so printf(3) and strftime(3) are worth avoiding.
 */

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "audit.h"

#define FIELDS_MAX	2048	/* octets that are kept for later */

void
audit_text_init(struct audit_text *t, char *buf, size_t size)
{
	t->buf = buf;
	t->size = size;
	t->len = 0;
	t->full = 0;
}

static void
put_octets(struct audit_text *t, const char *s, size_t len)
{
	if (len > t->size - t->len) {
		t->full = 1;
		return;
	}
	memcpy(t->buf + t->len, s, len);
	t->len += len;
}

void
audit_put(struct audit_text *t, const char *s)
{
	put_octets(t, s, strlen(s));
}

/* A quote, and a character of four octets, always fit. */
#define ROOM	6

void
audit_put_text(struct audit_text *t, const char *name, const char *text)
{
	static const char	 digits[] = "0123456789abcdef";
	const unsigned char	*p = (const unsigned char *)text;
	size_t			 len = strlen(name);
	char			*to;

	if (t->size - t->len < len + ROOM) {
		t->full = 1;
		return;
	}
	put_octets(t, name, len);
	to = t->buf + t->len;
	*to++ = '"';
	for (; *p != '\0' && t->buf + t->size - to >= ROOM; p++) {
		if (*p < ' ' || *p > '~') {
			*to++ = '\\';
			*to++ = 'x';
			*to++ = digits[*p >> 4];
			*to++ = digits[*p & 15];
			continue;
		}
		if (*p == '"' || *p == '\\')
			*to++ = '\\';
		*to++ = *p;
	}
	*to++ = '"';
	t->len = to - t->buf;
	if (*p != '\0')
		t->full = 1;
}

void
audit_put_number(struct audit_text *t, const char *name, uint64_t v)
{
	char	digits[20], *p = digits + sizeof(digits);

	do
		*--p = '0' + v % 10;
	while ((v /= 10) != 0);
	audit_put(t, name);
	put_octets(t, p, digits + sizeof(digits) - p);
}

void
audit_put_id(struct audit_text *t, const char *name, uint64_t v)
{
	char	digits[16];
	int	i;

	for (i = 15; i >= 0; i--, v >>= 4)
		digits[i] = "0123456789ABCDEF"[v & 15];
	audit_put(t, name);
	put_octets(t, digits, sizeof(digits));
}

/* "2026-11-24T20:12:00"; most are of the last seconds. */
static const char *
second_text(int64_t when)
{
	static _Thread_local struct {
		int64_t	when;
		char	text[24];
	} known[4], *k;
	struct tm	tm;
	time_t		tt = when;

	k = &known[when & 3];
	if (k->when == when && k->text[0] != '\0')
		return (k->text);
	k->when = when;
	if (gmtime_r(&tt, &tm) == NULL || strftime(k->text, sizeof(k->text),
	    "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		strlcpy(k->text, "?", sizeof(k->text));
	return (k->text);
}

void
audit_put_time(struct audit_text *t, const char *name, int64_t when, int ms)
{
	char	fraction[4] = ".";

	audit_put(t, name);
	audit_put(t, second_text(when));
	if (ms >= 0) {
		fraction[1] = '0' + ms / 100 % 10;
		fraction[2] = '0' + ms / 10 % 10;
		fraction[3] = '0' + ms % 10;
		put_octets(t, fraction, sizeof(fraction));
	}
	audit_put(t, "Z");
}

void
audit_put_address(struct audit_text *t, const char *name,
    const struct or_address *a)
{
	char	text[OR_TEXT_MAX];

	or_address_print(a, text, sizeof(text), 0);
	audit_put_text(t, name, text);
}

static void
put_signed(struct audit_text *t, const char *name, int v)
{
	audit_put(t, name);
	audit_put_number(t, v < 0 ? "-" : "", v < 0 ? -(int64_t)v : v);
}

void
audit_put_reason(struct audit_text *t, int reason, int diagnostic)
{
	put_signed(t, " reason=", reason);
	if (diagnostic != -1)
		put_signed(t, " diagnostic=", diagnostic);
}

static void
put_mts_id(struct audit_text *t, const char *name,
    const struct mts_identifier *id)
{
	char	text[160];

	mts_identifier_print(id, text, sizeof(text));
	audit_put_text(t, name, text);
}

static const char *
type_name(int type)
{
	return (type == MESSAGE_REPORT ? "report" :
	    type == MESSAGE_PROBE ? "probe" : "message");
}

void
audit_put_message(struct audit_text *t, const struct message *m)
{
	audit_put(t, " type=");
	audit_put(t, type_name(m->type));
	put_mts_id(t, " mts-id=", &m->id);
	audit_put(t, " priority=");
	audit_put(t, priority_name(m->priority));
	if (m->content_oid != NULL)
		audit_put_text(t, " content-type=", m->content_oid);
	else if (m->content_type != -1)
		put_signed(t, " content-type=", m->content_type);
	if (m->type == MESSAGE_REPORT) {
		put_mts_id(t, " subject-id=", &m->subject);
		audit_put_address(t, " destination=", &m->originator);
	} else
		audit_put_address(t, " originator=", &m->originator);
}

void
audit_put_trace(struct audit_text *t, const struct message *m, int64_t now)
{
	const struct trace_element	*e;
	struct trace_element		 own;
	char				 text[160];

	if (m->ntrace > 0)
		e = &m->trace[m->ntrace - 1];
	else {
		memset(&own, 0, sizeof(own));
		own.domain = sp.mta.domain;
		utctime_set(&own.arrival, now);
		e = &own;
	}
	global_domain_print(&e->domain, text, sizeof(text));
	strlcat(text, " ", sizeof(text));
	strlcat(text, e->arrival.text, sizeof(text));
	strlcat(text, e->action == TRACE_REROUTED ? " rerouted" :
	    " relayed", sizeof(text));
	audit_put_text(t, " trace=", text);
}

void
audit_put_stored(struct audit_text *t, const struct message *m,
    const struct store_message *sm)
{
	audit_put_message(t, m);
	audit_put_number(t, " size=", sm->size);
	audit_put_time(t, " arrival=", sm->arrival, -1);
	audit_put_trace(t, m, sm->arrival);
}

char *
audit_fields(const struct message *m, const struct store_message *sm,
    uint32_t target)
{
	struct audit_text	 t;
	char			 buf[FIELDS_MAX], *p;
	size_t			 i;

	/* a trace that has to be made needs our domain: not in any thread */
	if (m->ntrace == 0)
		return (NULL);
	audit_text_init(&t, buf, sizeof(buf));
	audit_put_stored(&t, m, sm);
	for (i = 0; m->type != MESSAGE_REPORT && i < sm->nrouting &&
	    i < m->nrecipient && !t.full; i++)
		if (sm->routing[i] == target)
			audit_put_address(&t, " recipient=",
			    &m->recipient[i].name);
	if (t.full || (p = malloc(t.len + 1)) == NULL)
		return (NULL);
	memcpy(p, buf, t.len);
	p[t.len] = '\0';
	return (p);
}
