/* SPDX-License-Identifier: ISC */

/*
 * What becomes of each recipient that we are responsible for (X.411 14.3): a
 * way to go, an alternate recipient, or a line in a report.
 */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "spoold.h"

static int
outcome_add(struct process *p, size_t i, const struct outcome *o)
{
	struct outcome	*n;

	if ((n = reallocarray(p->outcome, p->noutcome + 1,
	    sizeof(*n))) == NULL)
		return (-1);
	p->outcome = n;
	p->outcome[p->noutcome] = *o;
	p->outcome[p->noutcome++].recipient = i;
	p->ours[i] = 0;
	return (0);
}

/*
 * X.411 14.3.2: what we do not know and must know to pass the message on goes
 * no further: all of it, or to that recipient.
 */
static int
unsupported(struct message *m, const struct extensions *v, struct outcome *o)
{
	const struct extension	*e;
	char			 text[64];

	if ((e = message_extension_unsupported(v, EXT_TRANSFER)) == NULL)
		return (0);
	if (e->oid != NULL)
		snprintf(text, sizeof(text), "extension %.40s", e->oid);
	else
		snprintf(text, sizeof(text), "extension %u", e->type);
	o->reason = REASON_UNABLE_TO_TRANSFER;
	o->diagnostic = DIAGNOSTIC_UNSUPPORTED_CRITICAL_FUNCTION;
	o->text = message_memdup(m, text, strlen(text));
	o->final = 1;
	return (1);
}

static const struct peer *
came_from(const struct arrival *a)
{
	return (a->copy || a->origin == NULL ? NULL : a->origin->peer);
}

/* Is there something about the message that stops it for all of them? */
static int
refused(const struct arrival *a, struct outcome *o)
{
	struct message	*m = a->message;
	time_t		 latest;

	memset(o, 0, sizeof(*o));
	o->final = 1;
	o->reason = REASON_UNABLE_TO_TRANSFER;
	if ((o->text = trace_looping(m)) != NULL) {
		sp.stats.loops++;
		o->diagnostic = DIAGNOSTIC_LOOP_DETECTED;
		return (1);
	}
	if (unsupported(m, &m->extension, o))
		return (1);
	latest = utctime_get(&m->latest_delivery.time);
	if (m->latest_delivery.time.text[0] != '\0' && latest != -1 &&
	    (latest < time(NULL) || latest < utctime_get(&m->deferred))) {
		o->diagnostic = DIAGNOSTIC_MAXIMUM_TIME_EXPIRED;
		o->text = "latest delivery time";
		return (1);
	}
	o->text = NULL;
	/* copies were looked at when they came */
	return (a->copy ? 0 : policy_refuses(came_from(a), m, a->size, o));
}

static int
is_local(const struct target *t)
{
	return (t->kind == TARGET_DIRECTORY || t->kind == TARGET_COMMAND);
}

/* An outcome that is a delivery: of a probe, of a list. */
static int
reached(struct process *p, size_t i, int user)
{
	struct outcome	o;

	memset(&o, 0, sizeof(o));
	o.delivered = 1;
	o.time = time(NULL);
	o.user = user;
	return (outcome_add(p, i, &o));
}

/* Redirection */

/* Not to where it was before, and not for ever. */
static int
redirectable(const struct recipient *r, const struct or_address *to)
{
	uint32_t	i;

	if (or_address_compare(&r->name, to) == 0 ||
	    r->redirection.n >= UB_REDIRECTIONS)
		return (0);
	for (i = 0; i < r->redirection.n; i++)
		if (or_address_compare(&r->redirection.e[i].intended,
		    to) == 0)
			return (0);
	return (1);
}

/* X.411 14.3.4.2: somebody else in place of who was meant. */
static int
redirect(struct message *m, struct recipient *r, const struct outcome *o)
{
	struct utctime	now;

	utctime_set(&now, time(NULL));
	if (redirection_add(m, &r->redirection, &r->name, &now, o->why) == -1)
		return (-1);
	if (o->why == REDIRECTION_ORIGINATOR_REQUESTED)
		memset(&r->alternate, 0, sizeof(r->alternate));
	r->flags |= PRI_RESPONSIBILITY;
	return (or_address_copy(m, &r->name, o->redirect));
}

/*
 * Is it to go to somebody else after all?  To whom its originator asked for
 * only when the peer that it came from may send there.
 */
static int
has_other(const struct arrival *a, struct outcome *o)
{
	const struct recipient	*r = &a->message->recipient[o->recipient];

	if (o->redirect != NULL)
		return (1);
	if (o->delivered || o->final || OR_ABSENT(&r->alternate.name) ||
	    !policy_allows(a->origin == NULL ? NULL : a->origin->peer,
	    &r->alternate.name))
		return (0);
	if (!redirectable(r, &r->alternate.name)) {
		o->diagnostic = DIAGNOSTIC_REDIRECTION_LOOP_DETECTED;
		return (0);
	}
	o->redirect = &r->alternate.name;
	o->why = REDIRECTION_ORIGINATOR_REQUESTED;
	return (1);
}

static struct message *
copy_for_nobody(const struct message *m)
{
	struct message	*c;
	uint32_t	 i;

	if ((c = message_copy(m)) == NULL)
		return (NULL);
	for (i = 0; i < c->nrecipient; i++)
		c->recipient[i].flags &= ~PRI_RESPONSIBILITY;
	trace_action(c, TRACE_REDIRECTED);
	return (c);
}

ssize_t
process_redirections(struct arrival *a, struct outcome *o, size_t n)
{
	struct message	*m = NULL;
	char		 from[OR_TEXT_MAX], to[OR_TEXT_MAX];
	size_t		 i, left = 0;

	for (i = 0; i < n; i++) {
		if (!has_other(a, &o[i])) {
			o[left++] = o[i];
			continue;
		}
		or_address_print(&a->message->recipient[o[i].recipient].name,
		    from, sizeof(from), 0);
		or_address_print(o[i].redirect, to, sizeof(to), 0);
		if ((m == NULL && (m = copy_for_nobody(a->message)) == NULL))
			return (-1);
		if (redirect(m, &m->recipient[o[i].recipient], &o[i]) == -1) {
			message_free(m);
			return (-1);
		}
		audit_redirect(a, o[i].recipient, o[i].redirect, o[i].why);
		log_info(EVT_REDIRECTED, "message=%016" PRIX64
		    " from=\"%s\" to=\"%s\": %s", a->id, from, to, o[i].why ==
		    REDIRECTION_ORIGINATOR_REQUESTED ?
		    "as its originator asked for" : "as configured");
	}
	if (m != NULL && arrival_add(a, m, 1, 1) == -1)
		return (-1);
	return (left);
}

/* Deciding */

/*
 * Once for a message, however often it names the list: its members have it,
 * and nobody is to make of one transfer as many copies as he likes.
 */
static int
expand(struct process *p, size_t i, const struct list *l)
{
	const struct list	**n;
	size_t			 k;

	for (k = 0; k < p->nlist; k++)
		if (p->list[k] == l)
			return (0);
	if ((n = reallocarray(p->list, p->nlist + 1, sizeof(*n))) == NULL)
		return (-1);
	p->list = n;
	p->list[p->nlist++] = l;
	return (list_expand(l, p->a, i));
}

static int
decide_list(struct process *p, size_t i, const struct list *l)
{
	struct message	*m = p->a->message;
	struct outcome	 o;

	memset(&o, 0, sizeof(o));
	if (list_refuses(l, m, i, &o))
		return (outcome_add(p, i, &o));
	/* X.411 14.3.11: a list is not expanded for a probe */
	if (m->type == MESSAGE_PROBE)
		return (reached(p, i, TYPE_OF_USER_DL));
	if (expand(p, i, l) == -1)
		return (-1);
	if (list_reports_itself(l))
		return (reached(p, i, TYPE_OF_USER_DL));
	p->ours[i] = 0;
	return (0);
}

/* Redirections of the configuration. */
static int
decide_redirect(struct process *p, size_t i, const struct or_address *to)
{
	struct message	*m = p->a->message;
	struct outcome	 o;

	memset(&o, 0, sizeof(o));
	o.reason = REASON_UNABLE_TO_TRANSFER;
	if (m->reassignment_prohibited.set)
		o.diagnostic = DIAGNOSTIC_RECIPIENT_REASSIGNMENT_PROHIBITED;
	else if (!redirectable(&m->recipient[i], to))
		o.diagnostic = DIAGNOSTIC_REDIRECTION_LOOP_DETECTED;
	else {
		o.redirect = to;
		o.why = REDIRECTION_RECIPIENT_ASSIGNED;
	}
	return (outcome_add(p, i, &o));
}

/* In a domain of which all addresses are known, and none of them. */
static int
unknown(struct process *p, size_t i, const struct route *route)
{
	const struct message	*m = p->a->message;
	const struct recipient	*r = &m->recipient[i];
	const struct or_address	*to = route_alternate(route);
	struct outcome		 o;

	memset(&o, 0, sizeof(o));
	o.reason = REASON_UNABLE_TO_TRANSFER;
	o.diagnostic = DIAGNOSTIC_UNRECOGNISED_OR_NAME;
	o.text = ROUTE_UNKNOWN_TEXT;
	/* X.411 14.3.4: after the one that the originator asked for */
	if (to != NULL && OR_ABSENT(&r->alternate.name) &&
	    (m->indicators & PMI_ALTERNATE_RECIPIENT) &&
	    redirectable(r, to)) {
		o.redirect = to;
		o.why = REDIRECTION_RECIPIENT_MD_ASSIGNED;
	}
	return (outcome_add(p, i, &o));
}

/* Not to be had from that peer, be it a list or redirected. */
static int
forbidden(struct process *p, size_t i)
{
	struct outcome	o;

	memset(&o, 0, sizeof(o));
	o.reason = REASON_UNABLE_TO_TRANSFER;
	o.diagnostic = DIAGNOSTIC_NO_BILATERAL_AGREEMENT;
	o.text = "recipient";
	return (outcome_add(p, i, &o));
}

/* The first of a route's targets that takes it; NULL: *o says why not. */
static struct target *
choose(struct process *p, size_t i, const struct route_choice *c,
    struct outcome *o)
{
	struct outcome	why;
	uint32_t	k;

	for (k = 0; k < c->nhop; k++) {
		memset(&why, 0, sizeof(why));
		if (!policy_refuses_recipient(came_from(p->a),
		    c->hop[k].target->peer, p->a->message, i, p->a->size,
		    &why))
			return (c->hop[k].target);
		if (k == 0)
			*o = why;
	}
	return (NULL);
}

static int
decide(struct process *p, size_t i)
{
	struct message		*m = p->a->message;
	const struct or_address	*name = &m->recipient[i].name, *to;
	const struct list	*l;
	struct outcome		 o;
	struct target		*t;
	struct route_choice	 c;

	memset(&o, 0, sizeof(o));
	if (unsupported(m, &m->recipient[i].extension, &o))
		return (outcome_add(p, i, &o));
	if (!policy_allows(came_from(p->a), name))
		return (forbidden(p, i));
	if ((l = list_find(name)) != NULL)
		return (decide_list(p, i, l));
	if ((to = redirect_find(name)) != NULL)
		return (decide_redirect(p, i, to));
	if (route_lookup(name, &c) == ROUTE_UNKNOWN)
		return (unknown(p, i, c.route));
	if ((t = choose(p, i, &c, &o)) == NULL && c.nhop > 0)
		return (outcome_add(p, i, &o));
	/* a command is asked itself */
	if (t != NULL && m->type == MESSAGE_PROBE &&
	    t->kind == TARGET_DIRECTORY)
		return (reached(p, i, TYPE_OF_USER_PRIVATE));
	p->routing[i] = t == NULL ? 0 : t->number;
	return (0);
}

/* Reports are sent on, handed over or dropped, and never reported. */
static int
decide_report(struct process *p)
{
	struct message		*m = p->a->message;
	const struct list	*l;
	struct target		*t;
	struct route_choice	 c;
	const char		*why;
	char			 subject[160];
	int			 found;

	if ((l = list_find(&m->originator)) != NULL &&
	    trace_looping(m) == NULL) {
		p->ours[0] = 0;
		return (list_report(l, p->a));
	}
	found = route_lookup(&m->originator, &c);
	t = found == ROUTE_FOUND ? c.hop[0].target : NULL;
	if ((why = trace_looping(m)) == NULL && t != NULL && is_local(t) &&
	    !report_wanted(m))
		why = "the originator did not ask for it";
	else if (why == NULL && found == ROUTE_UNKNOWN)
		why = ROUTE_UNKNOWN_TEXT;
	if (why != NULL) {
		mts_identifier_print(&m->subject, subject, sizeof(subject));
		log_info(EVT_REPORT_DROPPED, "message=%016" PRIX64
		    " about=\"%s\": %s", p->a->id, subject, why);
		p->ours[0] = 0;
		return (0);
	}
	p->routing[0] = t == NULL ? 0 : t->number;
	return (0);
}

int
process_recipients(struct process *p)
{
	struct outcome	 o;
	size_t		 i;
	int		 all, r = 0;

	route_seed(p->a->id);
	for (i = 0; i < p->n; i++)
		p->routing[i] = TARGET_NOT_OURS;
	if (p->a->message->type == MESSAGE_REPORT)
		return (p->ours[0] ? decide_report(p) : 0);
	all = refused(p->a, &o);
	for (i = 0; i < p->n && r == 0; i++)
		if (p->ours[i])
			r = all ? outcome_add(p, i, &o) : decide(p, i);
	return (r);
}
