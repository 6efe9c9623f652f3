/* SPDX-License-Identifier: ISC */

/*
 * Reports (X.411 clause 14.4): what is told the originator, or the last
 * distribution list that the message went through, about recipients whose copy
 * goes no further, and about deliveries where that is asked for.  A report is
 * a message of our own from here on, stored in the transaction that ends what
 * it is about.  There are none about reports.
 */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "imsg.h"
#include "log.h"
#include "salvage.h"

/* A job that is over: all recipients that its target has. */
struct ended {
	TAILQ_ENTRY(ended)	 entry;
	uint64_t		 message;
	uint32_t		 target;
	struct outcome		 outcome;	/* of each */
	char			 text[128];
	struct arrival		 subject;	/* report, copies hang from it */
};

static TAILQ_HEAD(, ended) list = TAILQ_HEAD_INITIALIZER(list);

/* The last list that the message was expanded by, else the originator. */
static const struct or_address *
destination(const struct message *m)
{
	return (m->dl_expansion.n > 0 ?
	    &m->dl_expansion.e[m->dl_expansion.n - 1].name : &m->originator);
}

/* originator-and-DL-expansion-history, of what had gone through lists. */
static int
put_history(struct message *r, const struct message *m)
{
	struct utctime	submitted;
	uint32_t	i;

	if (m->dl_expansion.n == 0)
		return (0);
	memset(&submitted, 0, sizeof(submitted));
	if (m->ntrace > 0)
		submitted = m->trace[0].arrival;
	if (dl_expansion_add(r, &r->originator_and_dl, &m->originator,
	    &submitted, UB_ORIG_AND_DL) == -1)
		return (-1);
	for (i = 0; i < m->dl_expansion.n; i++)
		if (dl_expansion_add(r, &r->originator_and_dl,
		    &m->dl_expansion.e[i].name, &m->dl_expansion.e[i].time,
		    UB_ORIG_AND_DL) == -1)
			return (-1);
	return (0);
}

/* An X.411 PrintableString of what may be anything. */
static char *
printable(struct message *r, const char *s)
{
	char	*copy, *p;

	if (s[0] == '\0' || (copy = message_memdup(r, s, strlen(s))) == NULL)
		return (NULL);
	for (p = copy; *p != '\0'; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		    (*p >= '0' && *p <= '9') || strchr(" '()+,-./:=?",
		    *p) != NULL))
			*p = ' ';
	return (copy);
}

static int
put_recipient(struct message *r, const struct message *m,
    const struct outcome *o)
{
	struct reported_recipient	*to = &r->reported[r->nreported++];
	const struct recipient		*from = &m->recipient[o->recipient];

	to->number = from->number;
	to->flags = from->flags;
	to->type_of_ua = -1;
	to->delivered = o->delivered;
	if (o->delivered) {
		utctime_set(&to->delivery, o->time);
		to->type_of_ua = o->user;
	} else {
		to->reason = o->reason;
		to->diagnostic = o->diagnostic;
	}
	if (m->ntrace > 0)
		to->arrival = m->trace[m->ntrace - 1].arrival;
	if (o->text != NULL)
		to->supplementary = printable(r, o->text);
	if (or_address_copy(r, &to->name, &from->name) == -1 ||
	    redirection_history_copy(r, &to->redirection,
	    &from->redirection) == -1)
		return (-1);
	/* who was meant at first, for those that know no history */
	if (from->redirection.n > 0 && or_address_copy(r, &to->intended,
	    &from->redirection.e[0].intended) == -1)
		return (-1);
	return (0);
}

/* The trace so far goes back only to an MTA that audits. */
static int
audited(const struct message *m, const struct outcome *o, size_t n)
{
	while (n-- > 0)
		if (PRI_REPORT_VALUE(m->recipient[o[n].recipient].flags) ==
		    3)
			return (1);
	return (0);
}

static int
put_trace(struct message *r, const struct message *m)
{
	struct trace_element	*t;
	uint32_t		 i;

	if (m->ntrace == 0)
		return (0);
	if ((t = message_alloc(r, m->ntrace * sizeof(*t))) == NULL)
		return (-1);
	for (i = 0; i < m->ntrace; i++) {
		t[i] = m->trace[i];
		memset(&t[i].converted, 0, sizeof(t[i].converted));
		if (eits_copy(r, &t[i].converted, &m->trace[i].converted) ==
		    -1)
			return (-1);
	}
	r->subject_trace = t;
	r->nsubject_trace = m->ntrace;
	return (0);
}

static int
fill(struct message *r, const struct message *m, const struct outcome *o,
    size_t n)
{
	size_t	i;

	r->type = MESSAGE_REPORT;
	r->priority = m->priority;
	r->subject = m->id;
	r->content_type = m->content_type;
	r->probe_length = -1;
	r->has_content_id = m->has_content_id;
	memcpy(r->content_id, m->content_id, sizeof(r->content_id));
	r->reporting_mta.present = 1;
	r->reporting_mta.domain = sp.mta.domain;
	strlcpy(r->reporting_mta.mta, sp.mta.name,
	    sizeof(r->reporting_mta.mta));
	r->correlator = m->correlator;
	r->correlator.octets = NULL;
	if (m->correlator.len > 0 && (r->correlator.octets = (uint8_t *)
	    message_memdup(r, m->correlator.octets, m->correlator.len)) ==
	    NULL)
		return (-1);
	if (m->content_oid != NULL && (r->content_oid = message_memdup(r,
	    m->content_oid, strlen(m->content_oid))) == NULL)
		return (-1);
	if (or_address_copy(r, &r->originator, destination(m)) == -1 ||
	    eits_copy(r, &r->original, &m->original) == -1 ||
	    put_history(r, m) == -1 || (audited(m, o, n) &&
	    put_trace(r, m) == -1) || (r->reported = message_alloc(r,
	    n * sizeof(*r->reported))) == NULL)
		return (-1);
	for (i = 0; i < n; i++)
		if (put_recipient(r, m, &o[i]) == -1)
			return (-1);
	return (0);
}

/*
 * Names stand in a report more than once, so that of a message as long as may
 * be it can be longer than what the store and rtsd take.
 */
static int
too_long(const struct message *r)
{
	struct ibuf	*b;
	int		 n;

	if ((b = ibuf_dynamic(1024, ENVELOPE_MAX)) == NULL)
		return (1);
	n = message_serialise(r, b);
	ibuf_free(b);
	return (n == -1);
}

/* X.411 14.4.2: non-delivery always, deliveries where asked for. */
static int
wanted(const struct message *m, const struct outcome *o)
{
	return (!o->delivered || m->type == MESSAGE_PROBE ||
	    PRI_REPORT_VALUE(m->recipient[o->recipient].flags) >= 2);
}

/* What the log has of a report when it is committed.  -1: no memory. */
static int
say(const struct arrival *a, const struct outcome *o, size_t n,
    struct arrival *report)
{
	char	subject[160], to[OR_TEXT_MAX], diagnostic[16] = "-";
	char	reason[48] = "";

	mts_identifier_print(&a->message->id, subject, sizeof(subject));
	or_address_print(destination(a->message), to, sizeof(to), 0);
	if (o->diagnostic != -1)
		snprintf(diagnostic, sizeof(diagnostic), "%d", o->diagnostic);
	if (!o->delivered)
		snprintf(reason, sizeof(reason), " reason=%d/%s", o->reason,
		    diagnostic);
	if (asprintf(&report->said, "message=%016" PRIX64 " about=\"%s\" "
	    "recipients=%zu%s report=%016" PRIX64 " to=\"%s\": %sdelivered"
	    "%s%s", a->id, subject, n, reason, report->id, to, o->delivered ?
	    "" : "not ", !o->delivered && o->text != NULL ? ": " : "",
	    !o->delivered && o->text != NULL ? o->text : "") == -1) {
		report->said = NULL;
		return (-1);
	}
	return (0);
}

/* The content goes back where that is asked for and it is not too long. */
static int
returned(const struct arrival *a, const struct outcome *o, size_t n)
{
	if (a->message->type != MESSAGE_USER || a->kind == CONTENT_NONE ||
	    !(a->message->indicators & PMI_CONTENT_RETURN) ||
	    a->size > sp.mta.return_max)
		return (0);
	while (n-- > 0)
		if (!o[n].delivered)
			return (1);
	return (0);
}

/* About as many of them as go into one, which is all but always all. */
static int
store_one(struct arrival *a, const struct outcome *o, size_t n)
{
	struct message	*r;
	struct arrival	*made;
	int		 with_content = returned(a, o, n);

	if ((r = message_new()) == NULL)
		return (-1);
	if (fill(r, a->message, o, n) == -1) {
		message_free(r);
		return (-1);
	}
	/* never the spool's trouble: a peer could stop it that way */
	if (too_long(r)) {
		message_free(r);
		if (n > 1)
			return (store_one(a, o, n / 2) == -1 ? -1 :
			    store_one(a, o + n / 2, n - n / 2));
		log_warnx(EVT_REPORT_DROPPED, "message=%016" PRIX64
		    ": it would be too long", a->id);
		audit_non_deliver(a, o, n, 0);
		return (0);
	}
	r->has_content = with_content;
	r->content_len = with_content ? a->size : 0;
	if (arrival_add(a, r, with_content, 0) == -1)
		return (-1);
	made = TAILQ_LAST(&a->more, arrivals);
	audit_non_deliver(a, o, n, made->id);
	return (say(a, o, n, made));
}

int
report_store(struct arrival *a, const struct outcome *o, size_t n)
{
	const struct message	*m = a->message;
	struct outcome		*about;
	size_t			 i, k = 0;
	int			 r;

	if (n == 0)
		return (0);
	if (m->type == MESSAGE_REPORT) {
		log_warnx(EVT_REPORT_DROPPED, "message=%016" PRIX64 ": %s",
		    a->id, o->text != NULL ? o->text : "");
		audit_non_deliver(a, o, n, 0);
		return (0);
	}
	if ((about = calloc(n, sizeof(*about))) == NULL)
		return (-1);
	for (i = 0; i < n; i++)
		if (wanted(m, &o[i]))
			about[k++] = o[i];
	r = k == 0 ? 0 : store_one(a, about, k);
	free(about);
	return (r);
}

int
report_wanted(struct message *r)
{
	struct reported_recipient	*t;
	uint32_t			 i, n = 0;
	int				 asked;

	for (i = 0; i < r->nreported; i++) {
		t = &r->reported[i];
		asked = PRI_USER_REPORT_VALUE(t->flags);
		/* of one that gives no indicators nothing is known */
		if ((t->flags & ~PRI_RESPONSIBILITY) == 0 ||
		    asked >= (t->delivered ? 2 : 1))
			r->reported[n++] = *t;
	}
	r->nreported = n;
	return (n > 0);
}

/* Jobs that are over */

static int
job_ended(const struct job *j, const struct outcome *o, const char *text)
{
	struct ended	*e;

	if ((e = calloc(1, sizeof(*e))) == NULL)
		return (-1);
	e->message = j->message;
	e->target = j->target->number;
	e->outcome = *o;
	strlcpy(e->text, text, sizeof(e->text));
	TAILQ_INSERT_TAIL(&list, e, entry);
	spool_dirty();
	return (0);
}

int
report_give_up(const struct job *j, int reason, int diagnostic,
    const char *text)
{
	struct outcome	o;

	memset(&o, 0, sizeof(o));
	o.reason = reason;
	o.diagnostic = diagnostic;
	return (job_ended(j, &o, text));
}

int
report_delivered(const struct job *j)
{
	struct outcome	o;

	memset(&o, 0, sizeof(o));
	o.delivered = 1;
	o.time = time(NULL);
	o.user = TYPE_OF_USER_PRIVATE;
	return (job_ended(j, &o, ""));
}

/* The message as it was when it came, with what it takes to copy it. */
static int
load(struct ended *e, uint32_t **routing, size_t *n)
{
	struct store_message	 sm;
	struct arrival		*a = &e->subject;
	int			 r;

	arrival_free(a);		/* of a try that failed */
	memset(a, 0, sizeof(*a));
	r = store_message_get(sp.store, e->message, &sm,
	    !e->outcome.delivered);
	/* a content that is lost does not go back; the report does */
	if (r == 0 && store_row_damaged(sp.store)) {
		r = store_message_get(sp.store, e->message, &sm, 0);
		sm.kind = CONTENT_NONE;
	}
	if (r != 1)
		return (r);
	if (sm.kind == CONTENT_FILE && content_trouble(sm.id, sm.size) != NULL)
		sm.kind = CONTENT_NONE;
	a->id = e->message;
	a->origin = target_number(sm.origin);
	a->size = sm.size;
	a->kind = sm.kind;
	if ((a->message = message_deserialise(sm.envelope,
	    sm.envelope_len)) == NULL) {
		store_message_release(sp.store);
		log_warnx(EVT_REPORT_DROPPED, "message=%016" PRIX64
		    ": envelope damaged", e->message);
		return (0);
	}
	r = -1;
	*n = sm.nrouting;
	if ((*routing = calloc(*n + 1, sizeof(**routing))) == NULL)
		goto done;
	memcpy(*routing, sm.routing, *n * sizeof(**routing));
	if (!e->outcome.delivered && a->kind == CONTENT_INLINE &&
	    (a->content = (uint8_t *)message_memdup(a->message, sm.content,
	    sm.size)) == NULL)
		goto done;
	r = 1;
done:
	store_message_release(sp.store);
	return (r);
}

static int
flush_one(struct ended *e)
{
	struct outcome	*o = NULL;
	uint32_t	*routing = NULL;
	ssize_t		 left;
	size_t		 i, n, k = 0;
	int		 r;

	if ((r = load(e, &routing, &n)) != 1)
		goto done;
	r = -1;
	if ((o = calloc(n + 1, sizeof(*o))) == NULL)
		goto done;
	for (i = 0; i < n; i++) {
		if (routing[i] != e->target)
			continue;
		o[k] = e->outcome;
		o[k].text = e->text[0] == '\0' ? NULL : e->text;
		o[k++].recipient = i;
	}
	left = e->subject.message->type == MESSAGE_REPORT ? (ssize_t)k :
	    process_redirections(&e->subject, o, k);
	if (left != -1)
		r = report_store(&e->subject, o, left);
done:
	free(o);
	free(routing);
	return (r);
}

int
report_flush(void)
{
	struct ended	*e;

	TAILQ_FOREACH(e, &list, entry)
		if (flush_one(e) == -1)
			return (-1);
	return (0);
}

void
report_committed(void)
{
	struct ended	*e;
	struct arrival	*a;

	while ((e = TAILQ_FIRST(&list)) != NULL) {
		TAILQ_REMOVE(&list, e, entry);
		if (e->subject.has_more)
			TAILQ_FOREACH(a, &e->subject.more, entry)
				arrival_committed(a);
		arrival_free(&e->subject);
		free(e);
	}
}
