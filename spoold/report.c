/* SPDX-License-Identifier: ISC */

/*
 * Non-delivery reports (X.411 clause 14.4): what is told the originator, or
 * the last distribution list that the message went through, about recipients
 * whose copy goes no further.  A report is a message of our own from here
 * on, stored in the transaction that gives its subject up.  There are none
 * about reports.
 */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "imsg.h"
#include "log.h"
#include "spoold.h"

/* A job that is given up: all recipients that its target has. */
struct given_up {
	TAILQ_ENTRY(given_up)	 entry;
	uint64_t		 message;
	uint32_t		 target;
	int			 reason, diagnostic;
	char			 text[128];
	struct arrival		 report;	/* made in the transaction */
};

static TAILQ_HEAD(, given_up) list = TAILQ_HEAD_INITIALIZER(list);

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
    const struct nondelivery *nd)
{
	struct reported_recipient	*to = &r->reported[r->nreported++];
	const struct recipient		*from = &m->recipient[nd->recipient];

	to->number = from->number;
	to->flags = from->flags;
	to->type_of_ua = -1;
	to->reason = nd->reason;
	to->diagnostic = nd->diagnostic;
	if (m->ntrace > 0)
		to->arrival = m->trace[m->ntrace - 1].arrival;
	if (nd->text != NULL)
		to->supplementary = printable(r, nd->text);
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
audited(const struct message *m, const struct nondelivery *nd, size_t n)
{
	while (n-- > 0)
		if (PRI_REPORT_VALUE(m->recipient[nd[n].recipient].flags) ==
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
fill(struct message *r, const struct message *m, uint64_t id,
    const struct nondelivery *nd, size_t n)
{
	size_t	i;

	r->type = MESSAGE_REPORT;
	r->priority = m->priority;
	r->id.domain = sp.mta.domain;
	snprintf(r->id.local, sizeof(r->id.local), "%.12s-%016" PRIX64,
	    sp.mta.name, id);
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
	    put_history(r, m) == -1 || (audited(m, nd, n) &&
	    put_trace(r, m) == -1) || (r->reported = message_alloc(r,
	    n * sizeof(*r->reported))) == NULL)
		return (-1);
	for (i = 0; i < n; i++)
		if (put_recipient(r, m, &nd[i]) == -1)
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

int
report_store(struct arrival *report, const struct message *m, uint64_t id,
    const struct nondelivery *nd, size_t n)
{
	char	subject[160], to[OR_TEXT_MAX];

	memset(report, 0, sizeof(*report));
	if (n == 0)
		return (0);
	mts_identifier_print(&m->id, subject, sizeof(subject));
	if (m->type == MESSAGE_REPORT) {
		log_warnx("message %016" PRIX64 ": report %s dropped: %s", id,
		    subject, nd->text != NULL ? nd->text : "");
		return (0);
	}
	report->id = store_next_id(sp.store);
	report->kind = CONTENT_NONE;
	if ((report->message = message_new()) == NULL)
		return (-1);
	if (fill(report->message, m, report->id, nd, n) == -1)
		goto fail;
	/* never the spool's trouble: a peer could stop it that way */
	if (too_long(report->message)) {
		log_warnx("message %016" PRIX64 ": %s not delivered to %zu "
		    "recipients, and their report is too long to be made",
		    id, subject, n);
		arrival_free(report);
		return (0);
	}
	if (arrival_store(report) == -1)
		goto fail;
	or_address_print(destination(m), to, sizeof(to), 0);
	log_info("message %016" PRIX64 ": %s not delivered to %zu "
	    "recipients, reason %d/%d%s%s: report %016" PRIX64 " to %s", id,
	    subject, n, nd->reason, nd->diagnostic, nd->text != NULL ? ", " :
	    "", nd->text != NULL ? nd->text : "", report->id, to);
	return (0);
fail:
	arrival_free(report);
	return (-1);
}

/* Jobs that are given up */

int
report_give_up(const struct job *j, int reason, int diagnostic,
    const char *text)
{
	struct given_up	*g;

	if ((g = calloc(1, sizeof(*g))) == NULL)
		return (-1);
	g->message = j->message;
	g->target = j->target->number;
	g->reason = reason;
	g->diagnostic = diagnostic;
	strlcpy(g->text, text, sizeof(g->text));
	TAILQ_INSERT_TAIL(&list, g, entry);
	spool_dirty();
	return (0);
}

static int
flush_one(struct given_up *g)
{
	struct nondelivery	*nd = NULL;
	struct store_message	 sm;
	struct message		*m;
	uint32_t		 i;
	size_t			 n = 0;
	int			 r;

	arrival_free(&g->report);	/* of a try that failed */
	if ((r = store_message_get(sp.store, g->message, &sm, 0)) != 1)
		return (r);
	r = -1;
	m = message_deserialise(sm.envelope, sm.envelope_len);
	if (m == NULL || (nd = calloc(sm.nrouting + 1, sizeof(*nd))) == NULL)
		goto done;
	for (i = 0; i < sm.nrouting; i++) {
		if (sm.routing[i] != g->target)
			continue;
		nd[n].recipient = i;
		nd[n].reason = g->reason;
		nd[n].diagnostic = g->diagnostic;
		nd[n++].text = g->text;
	}
	store_message_release(sp.store);
	r = report_store(&g->report, m, g->message, nd, n);
done:
	if (r == -1)
		store_message_release(sp.store);
	free(nd);
	if (m != NULL)
		message_free(m);
	return (r);
}

int
report_flush(void)
{
	struct given_up	*g;

	TAILQ_FOREACH(g, &list, entry)
		if (flush_one(g) == -1)
			return (-1);
	return (0);
}

void
report_committed(void)
{
	struct given_up	*g;

	while ((g = TAILQ_FIRST(&list)) != NULL) {
		TAILQ_REMOVE(&list, g, entry);
		arrival_committed(&g->report);
		arrival_free(&g->report);
		free(g);
	}
}
