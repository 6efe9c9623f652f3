/* SPDX-License-Identifier: ISC */

/*
 * Why an address goes where it goes (mtactl route), and what would become of
 * a message (mtactl check).  The message goes through arrival_store like any
 * other, in a transaction that is rolled back, so that the answer is what
 * would happen and not what somebody thought would.
 */

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "imsg.h"
#include "log.h"
#include "oraddr.h"
#include "route.h"

#define STEPS_MAX	8	/* other prefixes of a kind */
#define STEP_LEN	(2 * OR_TEXT_MAX + 256)

static void	step(struct client *, const char *, ...)
		    __attribute__((__format__(printf, 2, 3)));

static void
step(struct client *c, const char *fmt, ...)
{
	char	text[STEP_LEN];
	va_list	ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	client_row(c, CTL_ROW_STEP, text, strlen(text) + 1);
}

/* As in mtad.conf(5), where a '*' need not be quoted. */
static void
prefix_text(const struct or_address *prefix, char *text, size_t size)
{
	char	*from, *to;

	or_address_print(prefix, text, size, 0);
	for (from = to = text; *from != '\0'; from++)
		if (from[0] != '$' || from[1] != '*')
			*to++ = *from;
	*to = '\0';
}

static void
attr_text(const struct or_attr *a, char *text, size_t size)
{
	struct or_address	one;
	size_t			len;

	memset(&one, 0, sizeof(one));
	one.attr = (struct or_attr *)(uintptr_t)a;
	one.nattr = 1;
	prefix_text(&one, text, size);
	len = strlen(text);
	if (len > 1)
		text[len - 1] = '\0';
	memmove(text, text + 1, strlen(text + 1) + 1);
}

/* How many attributes of it the address has, and the first it has not. */
static int
matched(const struct route *r, const struct or_address *or,
    const struct or_attr **missing)
{
	const struct or_attr	*attr[UB_OR_ATTRIBUTES], *a;
	int			 i, k, count, n = 0;

	*missing = NULL;
	count = route_in_order(&r->prefix, attr);
	for (i = 0; i < count; i++) {
		a = attr[i];
		if (or_any_admd(a))
			continue;
		for (k = 0; k < or->nattr; k++)
			if (or_attr_is_pattern(a) ?
			    or_pattern_match(a, &or->attr[k]) :
			    or_attr_compare(a, &or->attr[k]) == 0)
				break;
		if (k < or->nattr)
			n++;
		else if (*missing == NULL)
			*missing = a;
	}
	return (n);
}

static void
longer(struct client *c, const struct or_address *or, const struct route *r,
    const struct or_attr *missing)
{
	char			 prefix[OR_TEXT_MAX], want[OR_TEXT_MAX / 2];
	char			 have[OR_TEXT_MAX / 2];
	const struct or_attr	*a = NULL;
	int			 i;

	for (i = 0; i < or->nattr && a == NULL; i++)
		if (or->attr[i].type == missing->type)
			a = &or->attr[i];
	prefix_text(&r->prefix, prefix, sizeof(prefix));
	attr_text(missing, want, sizeof(want));
	if (a == NULL)
		step(c, "longer, but not for it: %s, for there is no %s in "
		    "the address", prefix, want);
	else {
		attr_text(a, have, sizeof(have));
		step(c, "longer, but not for it: %s, for the address has %s",
		    prefix, have);
	}
}

/* The prefixes that came near, and those that were not long enough. */
static void
others(struct client *c, const struct or_address *or,
    const struct route *best)
{
	const struct or_attr	*missing;
	const struct route	*r;
	char			 prefix[OR_TEXT_MAX];
	int			 n, length = best == NULL ? 0 : best->nattr;
	int			 near = 0, shorter = 0;

	TAILQ_FOREACH(r, route_all(), entry) {
		n = matched(r, or, &missing);
		if (missing != NULL) {
			if (r->nattr > length && n > 0 && n >= length &&
			    near++ < STEPS_MAX)
				longer(c, or, r, missing);
		} else if (r != best && shorter++ < STEPS_MAX) {
			prefix_text(&r->prefix, prefix, sizeof(prefix));
			step(c, "it is in %s too, %s", prefix,
			    r->nattr < length ? "which is shorter" :
			    r->npattern > best->npattern ?
			    "which is a pattern" : "which comes later");
		}
	}
	if (near > STEPS_MAX)
		step(c, "%d more that are longer and not for it",
		    near - STEPS_MAX);
	if (shorter > STEPS_MAX)
		step(c, "%d more that it is in too", shorter - STEPS_MAX);
}

static void
hop_row(struct client *c, const struct route_hop *h, const struct target *at)
{
	struct ctl_hop	 r;

	memset(&r, 0, sizeof(r));
	strlcpy(r.name, h->target->name, sizeof(r.name));
	r.kind = h->target->kind == TARGET_DIRECTORY ? CTL_HOP_DIRECTORY :
	    h->target->kind == TARGET_COMMAND ? CTL_HOP_COMMAND :
	    CTL_HOP_PEER;
	r.usable = target_usable(h->target);
	r.chosen = h->target == at;
	r.cost = h->cost;
	r.weight = h->weight;
	if (h->target->peer != NULL)
		peer_text(h->target->peer, r.state, sizeof(r.state));
	else
		strlcpy(r.state, target_configured(h->target) ? "up" :
		    "not configured", sizeof(r.state));
	client_row(c, CTL_ROW_HOP, &r, sizeof(r));
}

static void
result_step(struct client *c, const struct ctl_route *r,
    const struct route_choice *ch, const struct target *t)
{
	if (r->result == ROUTE_NONE)
		step(c, "there is no route: the message would be held until "
		    "there is one, or it expires");
	else if (r->result == ROUTE_UNKNOWN)
		step(c, "the domain is complete, and nothing longer holds "
		    "the address: non-delivery 1/0, unrecognised-OR-name");
	else if (!target_usable(t))
		step(c, "none of them can be reached: it would wait for %s",
		    t->name);
	else if (t != ch->hop[0].target)
		step(c, "%s cannot be reached: it would go to %s",
		    ch->hop[0].target->name, t->name);
	else
		step(c, "it would go to %s", t->name);
}

/* What comes before any route. */
static void
in_place(struct client *c, const struct or_address *or)
{
	const struct or_address	*to;
	char			 text[OR_TEXT_MAX];

	if (list_find(or) != NULL)
		step(c, "but it is a distribution list, whose members take "
		    "its place in a message");
	else if ((to = redirect_find(or)) != NULL) {
		or_address_print(to, text, sizeof(text), 0);
		step(c, "but a message for it is redirected to %s", text);
	}
}

static void
explain_address(struct client *c, const struct or_address *or)
{
	struct route_choice	 ch;
	struct ctl_route	 r;
	const struct target	*t;
	uint32_t		 i;

	memset(&r, 0, sizeof(r));
	route_seed(0);
	r.result = route_lookup(or, &ch);
	t = route_pick(&ch, NULL);
	or_address_print(or, r.address, sizeof(r.address), 0);
	if (ch.route != NULL) {
		prefix_text(&ch.route->prefix, r.prefix, sizeof(r.prefix));
		r.attributes = ch.route->nattr;
	}
	if (t != NULL)
		strlcpy(r.via, t->name, sizeof(r.via));
	client_row(c, CTL_ROW, &r, sizeof(r));
	if (ch.route != NULL)
		step(c, "the longest prefix that holds it is %s: %d "
		    "attribute%s%s", r.prefix, ch.route->nattr,
		    ch.route->nattr == 1 ? "" : "s",
		    ch.route->npattern > 0 ? ", by a pattern" : "");
	else
		step(c, "no prefix holds it");
	others(c, or, ch.route);
	in_place(c, or);
	for (i = 0; i < ch.nhop; i++)
		hop_row(c, &ch.hop[i], t);
	result_step(c, &r, &ch, t);
	client_end(c);
}

void
explain_route(struct client *c, const struct ibuf *text)
{
	struct or_address	 or;
	struct message		*m;
	const char		*why;
	char			 buf[OR_TEXT_MAX], fail[160];
	size_t			 where, len = ibuf_size(text);

	/* no route is known before the spool is */
	if (sp.store == NULL) {
		client_fail(c, sp.state);
		return;
	}
	if (len >= sizeof(buf)) {
		client_fail(c, "address too long");
		return;
	}
	memcpy(buf, ibuf_data(text), len);
	buf[len] = '\0';
	if ((m = message_new()) == NULL) {
		client_fail(c, "out of memory");
		return;
	}
	if (or_address_parse(m, &or, buf, &where, &why) == -1) {
		snprintf(fail, sizeof(fail), "address: character %zu: %s",
		    where + 1, why);
		client_fail(c, fail);
	} else
		explain_address(c, &or);
	message_free(m);
}

/* What would become of a message */

static const struct store_job *
job_for(const struct arrival *a, uint32_t target)
{
	size_t	i;

	for (i = 0; i < a->njobs; i++)
		if (a->jobs[i].target == target)
			return (&a->jobs[i]);
	return (NULL);
}

static void
fate_of_job(struct ctl_check *r, const struct store_job *j,
    const struct or_address *name)
{
	struct route_choice	 c;
	const struct target	*t = target_number(j->target), *other;

	if (t != NULL && t->number != 0)
		strlcpy(r->where, t->name, sizeof(r->where));
	if (j->state == JOB_STUCK || t == NULL) {
		r->fate = CTL_HELD;
		strlcpy(r->text, j->reason, sizeof(r->text));
		return;
	}
	r->fate = t->kind == TARGET_PEER ? CTL_ROUTED : CTL_DELIVERED;
	if (t->peer == NULL)
		return;
	peer_text(t->peer, r->text, sizeof(r->text));
	if (route_lookup(name, &c) == ROUTE_FOUND &&
	    (other = route_pick(&c, t)) != t && other != NULL) {
		snprintf(r->text, sizeof(r->text), "%.100s cannot be reached",
		    t->name);
		strlcpy(r->where, other->name, sizeof(r->where));
	}
}

/* Is it reported in one of the reports that were made?  1: yes. */
static int
fate_in_report(struct ctl_check *r, const struct message *m, uint32_t number)
{
	const struct reported_recipient	*rr;
	uint32_t			 i;

	for (i = 0; i < m->nreported; i++) {
		rr = &m->reported[i];
		if (rr->number != number || rr->delivered)
			continue;
		r->fate = CTL_NONDELIVERY;
		r->reason = rr->reason;
		r->diagnostic = rr->diagnostic;
		if (rr->supplementary != NULL)
			strlcpy(r->text, rr->supplementary, sizeof(r->text));
		return (1);
	}
	return (0);
}

/* One for whom there is no job: reported, or others are in its place. */
static void
fate_of_others(struct ctl_check *r, const struct arrival *a, uint32_t number)
{
	const struct arrival	*other;

	r->fate = CTL_REPLACED;
	strlcpy(r->text, "redirected, or a list", sizeof(r->text));
	if (a->has_more)
		TAILQ_FOREACH(other, &a->more, entry)
			if (other->message->type == MESSAGE_REPORT &&
			    fate_in_report(r, other->message, number))
				return;
}

static uint32_t *
stored_routing(const struct arrival *a, size_t *n)
{
	struct store_message	 sm;
	uint32_t		*routing;

	*n = 0;
	if (a->njobs == 0 ||
	    store_message_get(sp.store, a->id, &sm, 0) != 1)
		return (NULL);
	if ((routing = calloc(sm.nrouting + 1, sizeof(*routing))) != NULL) {
		*n = sm.nrouting;
		memcpy(routing, sm.routing, *n * sizeof(*routing));
	}
	store_message_release(sp.store);
	return (routing);
}

/* 0: it is not ours to send it there. */
static int
fate(struct ctl_check *r, const struct arrival *a, uint32_t i,
    const uint32_t *routing, size_t n)
{
	const struct recipient	*to = &a->message->recipient[i];
	const struct store_job	*j;

	if (!(to->flags & PRI_RESPONSIBILITY))
		return (0);
	memset(r, 0, sizeof(*r));
	or_address_print(&to->name, r->name, sizeof(r->name), 0);
	if (i < n && (j = job_for(a, routing[i])) != NULL)
		fate_of_job(r, j, &to->name);
	else
		fate_of_others(r, a, to->number);
	return (1);
}

/* Of a message, and of the copies that were made of it. */
static void
check_rows(struct client *c, const struct arrival *a)
{
	const struct arrival	*other;
	struct ctl_check	 r;
	uint32_t		*routing, i;
	size_t			 n;

	routing = stored_routing(a, &n);
	for (i = 0; i < a->message->nrecipient; i++)
		if (fate(&r, a, i, routing, n))
			client_row(c, CTL_ROW, &r, sizeof(r));
	free(routing);
	if (a->has_more)
		TAILQ_FOREACH(other, &a->more, entry)
			if (other->message->type != MESSAGE_REPORT)
				check_rows(c, other);
}

uint32_t
explain_troubles(const struct arrival *a, struct ctl_check *first)
{
	const struct arrival	*other;
	struct ctl_check	 r;
	uint32_t		*routing, i, count = 0;
	size_t			 n;

	routing = stored_routing(a, &n);
	for (i = 0; i < a->message->nrecipient; i++)
		if (fate(&r, a, i, routing, n) && (r.fate == CTL_HELD ||
		    r.fate == CTL_NONDELIVERY) && count++ == 0)
			*first = r;
	free(routing);
	if (a->has_more)
		TAILQ_FOREACH(other, &a->more, entry)
			if (other->message->type != MESSAGE_REPORT) {
				i = explain_troubles(other, &r);
				if (count == 0 && i > 0)
					*first = r;
				count += i;
			}
	return (count);
}

/* -1: it cannot be told now. */
static int
check_arrival(struct client *c, struct arrival *a)
{
	int	r;

	audit_begin();
	if (store_begin(sp.store) == -1)
		return (-1);
	log_mute(1);
	r = arrival_store(a);
	log_mute(0);
	if (r == 0)
		check_rows(c, a);
	store_rollback(sp.store);
	content_undo();
	audit_rollback();
	return (r);
}

static void
too_long_rows(struct client *c, const struct message *m)
{
	struct ctl_check	 r;
	uint32_t		 i;

	for (i = 0; i < m->nrecipient; i++) {
		memset(&r, 0, sizeof(r));
		or_address_print(&m->recipient[i].name, r.name,
		    sizeof(r.name), 0);
		r.fate = CTL_REFUSED;
		snprintf(r.text, sizeof(r.text), "more than the %" PRIu64
		    " octets of limit content", sp.mta.max_content);
		client_row(c, CTL_ROW, &r, sizeof(r));
	}
	client_end(c);
}

void
explain_check(struct client *c)
{
	struct arrival	 a;
	const char	*why;
	uint64_t	 len;

	memset(&a, 0, sizeof(a));
	if (sp.store == NULL || sp.failing || spool_commit() == -1 ||
	    !queue_settled()) {
		client_fail(c, sp.failing ? sp.state : "busy, try again");
		return;
	}
	if (c->submit == NULL || (a.message = message_deserialise(
	    ibuf_data(c->submit), ibuf_size(c->submit))) == NULL) {
		client_fail(c, "envelope not understood");
		return;
	}
	ibuf_free(c->submit);
	c->submit = NULL;
	len = a.message->content_len;
	a.id = store_next_id(sp.store);
	a.kind = CONTENT_NONE;
	a.size = len;
	if ((why = submission_complete(c, a.message)) != NULL)
		client_fail(c, why);
	else if (sp.mta.max_content != 0 && len > sp.mta.max_content)
		too_long_rows(c, a.message);
	else {
		a.message->content_len = len;
		if (check_arrival(c, &a) == -1)
			client_fail(c, "cannot be told: see the log");
		else
			client_end(c);
	}
	arrival_free(&a);
}
