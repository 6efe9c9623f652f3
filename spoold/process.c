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
 * X.411 14.3.2: what we do not know and must know to pass the message on, or
 * to deliver it, goes no further: all of it, or to that recipient.
 */
static const struct extension *
unsupported(const struct extensions *e)
{
	return (message_extension_unsupported(e, EXT_TRANSFER |
	    EXT_DELIVERY));
}

static void
say_extension(struct message *m, const struct extension *e, struct outcome *o)
{
	char	text[64];

	if (e->oid != NULL)
		snprintf(text, sizeof(text), "extension %.40s", e->oid);
	else
		snprintf(text, sizeof(text), "extension %u", e->type);
	o->reason = REASON_UNABLE_TO_TRANSFER;
	o->diagnostic = DIAGNOSTIC_UNSUPPORTED_CRITICAL_FUNCTION;
	o->text = message_memdup(m, text, strlen(text));
}

/* Is there something about the message that stops it for all of them? */
static int
refused(struct message *m, struct outcome *o)
{
	const struct extension	*e;
	time_t			 latest;

	memset(o, 0, sizeof(*o));
	o->final = 1;
	o->reason = REASON_UNABLE_TO_TRANSFER;
	if ((o->text = trace_looping(m)) != NULL) {
		o->diagnostic = DIAGNOSTIC_LOOP_DETECTED;
		return (1);
	}
	if ((e = unsupported(&m->extension)) != NULL) {
		say_extension(m, e, o);
		return (1);
	}
	latest = utctime_get(&m->latest_delivery.time);
	if (m->latest_delivery.time.text[0] != '\0' && latest != -1 &&
	    (latest < time(NULL) || latest < utctime_get(&m->deferred))) {
		o->diagnostic = DIAGNOSTIC_MAXIMUM_TIME_EXPIRED;
		o->text = "latest delivery time";
		return (1);
	}
	return (0);
}

static int
is_local(const struct target *t)
{
	return (t->kind == TARGET_DIRECTORY || t->kind == TARGET_COMMAND);
}

static int
decide(struct process *p, size_t i)
{
	struct message		*m = p->a->message;
	const struct extension	*e;
	struct outcome		 o;
	struct target		*t;

	memset(&o, 0, sizeof(o));
	if ((e = unsupported(&m->recipient[i].extension)) != NULL) {
		o.final = 1;
		say_extension(m, e, &o);
		return (outcome_add(p, i, &o));
	}
	t = route_find(&m->recipient[i].name);
	/* a command is asked itself */
	if (t != NULL && m->type == MESSAGE_PROBE &&
	    t->kind == TARGET_DIRECTORY) {
		o.delivered = 1;
		o.time = time(NULL);
		return (outcome_add(p, i, &o));
	}
	p->routing[i] = t == NULL ? 0 : t->number;
	return (0);
}

/* Reports are sent on, handed over or dropped, and never reported. */
static int
decide_report(struct process *p)
{
	struct message	*m = p->a->message;
	struct target	*t;
	const char	*why;
	char		 subject[160];

	t = route_find(&m->originator);
	if ((why = trace_looping(m)) == NULL && t != NULL && is_local(t) &&
	    !report_wanted(m))
		why = "the originator did not ask for it";
	if (why != NULL) {
		mts_identifier_print(&m->subject, subject, sizeof(subject));
		log_info("message %016" PRIX64 ": report about %s dropped: "
		    "%s", p->a->id, subject, why);
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

	for (i = 0; i < p->n; i++)
		p->routing[i] = TARGET_NOT_OURS;
	if (p->a->message->type == MESSAGE_REPORT)
		return (p->ours[0] ? decide_report(p) : 0);
	all = refused(p->a->message, &o);
	for (i = 0; i < p->n && r == 0; i++)
		if (p->ours[i])
			r = all ? outcome_add(p, i, &o) : decide(p, i);
	return (r);
}

/* Alternate recipients */

static int
was_redirected_from(const struct recipient *r, const struct or_address *name)
{
	uint32_t	i;

	if (or_address_compare(&r->name, name) == 0)
		return (1);
	for (i = 0; i < r->redirection.n; i++)
		if (or_address_compare(&r->redirection.e[i].intended,
		    name) == 0)
			return (1);
	return (0);
}

/* X.411 14.3.4.2: the alternate in place of who was meant. */
static int
redirect(struct message *m, struct recipient *r)
{
	struct utctime	now;

	utctime_set(&now, time(NULL));
	if (redirection_add(m, &r->redirection, &r->name, &now,
	    REDIRECTION_ORIGINATOR_REQUESTED) == -1)
		return (-1);
	r->name = r->alternate.name;
	memset(&r->alternate, 0, sizeof(r->alternate));
	r->flags |= PRI_RESPONSIBILITY;
	return (0);
}

ssize_t
process_alternates(struct arrival *a, struct outcome *o, size_t n)
{
	struct message	*m = NULL;
	struct recipient *r;
	size_t		 i, k, left = 0;

	for (i = 0; i < n; i++) {
		r = &a->message->recipient[o[i].recipient];
		if (o[i].delivered || o[i].final ||
		    OR_ABSENT(&r->alternate.name)) {
			o[left++] = o[i];
			continue;
		}
		if (was_redirected_from(r, &r->alternate.name) ||
		    r->redirection.n >= UB_REDIRECTIONS) {
			o[i].diagnostic =
			    DIAGNOSTIC_REDIRECTION_LOOP_DETECTED;
			o[left++] = o[i];
			continue;
		}
		if (m == NULL) {
			if ((m = message_copy(a->message)) == NULL)
				return (-1);
			for (k = 0; k < m->nrecipient; k++)
				m->recipient[k].flags &= ~PRI_RESPONSIBILITY;
			trace_action(m, TRACE_REDIRECTED);
		}
		if (redirect(m, &m->recipient[o[i].recipient]) == -1) {
			message_free(m);
			return (-1);
		}
		log_info("message %016" PRIX64 ": recipient %u goes to the "
		    "alternate recipient", a->id,
		    m->recipient[o[i].recipient].number);
	}
	if (m != NULL && arrival_add(a, m, 1, 1) == -1)
		return (-1);
	return (left);
}
