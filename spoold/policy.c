/* SPDX-License-Identifier: ISC */

/*
 * Limits and access rules: what a peer may send and from and to whom, what it
 * takes.  A message that breaks one is a non-delivery with the reason that
 * X.411 8.3.1.2.1.12 has for it; one too many for the rate of a peer waits.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "log.h"
#include "spoold.h"

struct rule {
	TAILQ_ENTRY(rule)	 entry;
	uint32_t		 peer;
	uint8_t			 what;		/* enum policy_what */
	int			 number;	/* content type, bit; -1 oid */
	char			*oid;
	struct or_address	 subtree;
};
TAILQ_HEAD(rules, rule);

static struct rules	 staged = TAILQ_HEAD_INITIALIZER(staged);
static struct rules	 rules = TAILQ_HEAD_INITIALIZER(rules);
static struct message	*staged_arena, *arena;

static void
clear(struct rules *list, struct message **m)
{
	struct rule	*r;

	while ((r = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, r, entry);
		free(r);
	}
	if (*m != NULL)
		message_free(*m);
	*m = NULL;
}

void
policy_begin(void)
{
	clear(&staged, &staged_arena);
	if ((staged_arena = message_new()) == NULL)
		fatalx("out of memory");
}

void
policy_end(void)
{
	clear(&rules, &arena);
	TAILQ_CONCAT(&rules, &staged, entry);
	arena = staged_arena;
	staged_arena = NULL;
}

int
policy_add(const struct policy_conf *c)
{
	const char	*why, *error;
	struct rule	*r;
	size_t		 where;
	int		 ok;

	if (staged_arena == NULL || c->what > POLICY_TO ||
	    memchr(c->text, '\0', sizeof(c->text)) == NULL ||
	    (r = calloc(1, sizeof(*r))) == NULL)
		return (-1);
	r->peer = c->peer;
	r->what = c->what;
	r->number = -1;
	if (c->what == POLICY_FROM || c->what == POLICY_TO)
		ok = or_address_parse(staged_arena, &r->subtree, c->text,
		    &where, &why) == 0;
	else {
		r->number = c->what == POLICY_EIT ? eit_parse(c->text) :
		    (int)strtonum(c->text, 0, 32767, &error);
		if (c->what == POLICY_CONTENT_TYPE && error != NULL)
			r->number = -1;
		r->oid = message_memdup(staged_arena, c->text,
		    strlen(c->text));
		ok = r->oid != NULL;
	}
	if (!ok) {
		free(r);
		return (-1);
	}
	TAILQ_INSERT_TAIL(&staged, r, entry);
	return (0);
}

/* Asks each rule of that kind; none at all is a yes. */
static int
allowed(uint32_t peer, int what, int (*match)(const struct rule *,
    const void *), const void *arg)
{
	const struct rule	*r;
	int			 any = 0;

	TAILQ_FOREACH(r, &rules, entry) {
		if (r->peer != peer || r->what != what)
			continue;
		if (match(r, arg))
			return (1);
		any = 1;
	}
	return (!any);
}

static int
holds(const struct rule *r, const void *name)
{
	return (or_address_match(&r->subtree, name) != -1);
}

static int
is_type(const struct rule *r, const void *arg)
{
	const struct message	*m = arg;

	return (m->content_oid != NULL ? strcmp(r->oid,
	    m->content_oid) == 0 : r->number != -1 &&
	    r->number == m->content_type);
}

static int
is_bit(const struct rule *r, const void *arg)
{
	return (r->number == *(const int *)arg);
}

static int
is_oid(const struct rule *r, const void *oid)
{
	return (strcmp(r->oid, oid) == 0);
}

/* 1984 has each type in a bit of its own, 1988 others under a name. */
static int
eits_allowed(uint32_t peer, const struct eits *e)
{
	uint32_t	i;
	int		bit;

	if (!e->present)
		return (1);
	for (bit = 0; bit < e->nbits && bit < 32; bit++)
		if ((e->bits & (UINT32_C(1) << (31 - bit))) &&
		    !allowed(peer, POLICY_EIT, is_bit, &bit))
			return (0);
	for (i = 0; i < e->nexternal; i++)
		if (!allowed(peer, POLICY_EIT, is_oid, e->external[i]))
			return (0);
	return (1);
}

static int
refuse(struct outcome *o, int diagnostic, const char *text)
{
	o->reason = REASON_UNABLE_TO_TRANSFER;
	o->diagnostic = diagnostic;
	o->text = text;
	return (1);
}

/* What a peer neither sends nor takes; peer 0: what nobody does. */
static int
refuses(uint32_t peer, uint32_t max_recipients, const struct message *m,
    struct outcome *o)
{
	if (max_recipients != 0 && m->nrecipient > max_recipients)
		return (refuse(o, DIAGNOSTIC_TOO_MANY_RECIPIENTS, NULL));
	if ((m->content_type != -1 || m->content_oid != NULL) &&
	    !allowed(peer, POLICY_CONTENT_TYPE, is_type, m))
		return (refuse(o, DIAGNOSTIC_CONTENT_TYPE_NOT_SUPPORTED,
		    m->content_oid));
	if (!eits_allowed(peer, &m->original))
		return (refuse(o, DIAGNOSTIC_EITS_UNSUPPORTED, NULL));
	return (0);
}

/* X.411 9.1: whoever delivers it must know what is critical for that. */
static int
undeliverable(const struct message *m, size_t i, struct outcome *o)
{
	if (message_extension_unsupported(&m->extension, EXT_DELIVERY) ==
	    NULL && message_extension_unsupported(&m->recipient[i].extension,
	    EXT_DELIVERY) == NULL)
		return (0);
	o->final = 1;
	return (refuse(o, DIAGNOSTIC_UNSUPPORTED_CRITICAL_FUNCTION,
	    "extension critical for delivery"));
}

static int
too_long(const struct message *m, uint64_t size, uint64_t max)
{
	if (m->type == MESSAGE_PROBE)
		size = m->probe_length < 0 ? 0 : (uint64_t)m->probe_length;
	return (max != 0 && size > max);
}

int
policy_refuses(const struct peer *from, const struct message *m,
    uint64_t size, struct outcome *o)
{
	if (refuses(0, sp.mta.max_recipients, m, o))
		return (1);
	if (too_long(m, size, sp.mta.max_content) ||
	    (from != NULL && too_long(m, size, from->conf.max_content)))
		return (refuse(o, DIAGNOSTIC_CONTENT_TOO_LONG, NULL));
	if (from == NULL)
		return (0);
	if (!allowed(from->conf.id, POLICY_FROM, holds, &m->originator))
		return (refuse(o, DIAGNOSTIC_NO_BILATERAL_AGREEMENT,
		    "originator"));
	return (refuses(from->conf.id, from->conf.max_recipients, m, o));
}

int
policy_allows(const struct peer *from, const struct or_address *to)
{
	return (from == NULL || allowed(from->conf.id, POLICY_TO, holds,
	    to));
}

int
policy_refuses_recipient(const struct peer *from, const struct peer *to,
    const struct message *m, size_t i, uint64_t size, struct outcome *o)
{
	if (!policy_allows(from, &m->recipient[i].name))
		return (refuse(o, DIAGNOSTIC_NO_BILATERAL_AGREEMENT,
		    "recipient"));
	if (to == NULL)
		return (undeliverable(m, i, o));
	if (too_long(m, size, to->conf.max_content))
		return (refuse(o, DIAGNOSTIC_CONTENT_TOO_LONG, NULL));
	if (!refuses(to->conf.id, to->conf.max_recipients, m, o))
		return (0);
	/* other types might be taken, were it not forbidden to make them */
	if (o->diagnostic == DIAGNOSTIC_EITS_UNSUPPORTED &&
	    (m->indicators & PMI_CONVERSION_PROHIBITED)) {
		o->reason = REASON_CONVERSION_NOT_PERFORMED;
		o->diagnostic = DIAGNOSTIC_IMPLICIT_CONVERSION_PROHIBITED;
	}
	return (1);
}

/* A bucket of as many as the rate allows in its time, filled evenly. */
static void
fill(struct bucket *b, uint32_t rate, uint32_t seconds, uint64_t now)
{
	uint64_t	full = (uint64_t)rate * RATE_UNIT;

	if (b->since == 0)
		b->left = full;
	else if (now > b->since)
		b->left += (now - b->since) * rate * RATE_UNIT /
		    (seconds * UINT64_C(1000));
	b->since = now == 0 ? 1 : now;
	if (b->left > full)
		b->left = full;
}

int
policy_rate(struct peer *p)
{
	static struct bucket	all;
	uint64_t		now = spool_clock();

	if (p->conf.rate != 0)
		fill(&p->bucket, p->conf.rate, p->conf.rate_time, now);
	if (sp.mta.rate != 0)
		fill(&all, sp.mta.rate, sp.mta.rate_time, now);
	if ((p->conf.rate != 0 && p->bucket.left < RATE_UNIT) ||
	    (sp.mta.rate != 0 && all.left < RATE_UNIT))
		return (0);
	if (p->conf.rate != 0)
		p->bucket.left -= RATE_UNIT;
	if (sp.mta.rate != 0)
		all.left -= RATE_UNIT;
	return (1);
}
