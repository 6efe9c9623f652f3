/* SPDX-License-Identifier: ISC */

/*
 * A message becomes ours: from a peer at the end of its transfer, or from
 * mtactl.  Duplicates are known by MPDU identifier and recipient, since a
 * message may rightly come in several copies, each with the responsibility
 * for other recipients (X.411 clause 3.3).  Our trace element is added once,
 * here, so that whatever goes out later is always the same octets.
 */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>


#include "imsg.h"
#include "log.h"
#include "spoold.h"

/* Type, domain and local part, each ended by NUL. */
static size_t
mpdu_key(const struct message *m, char *key, size_t size)
{
	char	*p = key;

	*p++ = m->type;
#define ADD(field) do {							\
	size_t len = strlen(field) + 1;					\
	if (len > size - (p - key))					\
		len = size - (p - key);					\
	memcpy(p, field, len);						\
	p += len;							\
} while (0)
	ADD(m->id.domain.country);
	ADD(m->id.domain.admd);
	ADD(m->id.domain.prmd);
	ADD(m->id.local);
#undef ADD
	return (p - key);
}

static int
add_trace(struct message *m)
{
	struct trace_element	*t;

	if ((t = message_alloc(m, (m->ntrace + 1) * sizeof(*t))) == NULL)
		return (-1);
	if (m->ntrace > 0)
		memcpy(t, m->trace, m->ntrace * sizeof(*t));
	t[m->ntrace].domain = sp.mta.domain;
	utctime_set(&t[m->ntrace].arrival, time(NULL));
	t[m->ntrace].action = TRACE_RELAYED;
	m->trace = t;
	m->ntrace++;
	return (0);
}

static int
looping(const struct message *m)
{
	uint32_t	i, n = 0;

	for (i = 0; i < m->ntrace; i++)
		if (global_domain_compare(&m->trace[i].domain,
		    &sp.mta.domain) == 0)
			n++;
	return (n > LOOP_MAX || m->ntrace >= UB_TRACE);
}

/*
 * Which of the responsible recipients are new?  Sets ours[] and stores the
 * set.  1: some, or a first arrival; 0: a duplicate.
 */
static int
check_duplicate(struct arrival *a, uint8_t *ours, size_t n)
{
	static uint32_t	 known[2 * UB_RECIPIENTS];
	struct message	*m = a->message;
	char		 key[256];
	size_t		 keylen, nknown = 0, had, i, k;
	int		 found;

	if (a->origin == NULL)
		return (1);
	keylen = mpdu_key(m, key, sizeof(key));
	if ((found = store_accepted_get(sp.store, a->origin->number, key,
	    keylen, known, UB_RECIPIENTS, &nknown)) == -1)
		return (-1);
	had = nknown;
	for (i = 0; i < n; i++) {
		if (!ours[i])
			continue;
		for (k = 0; k < had; k++)
			if (known[k] == m->recipient[i].number)
				break;
		if (k < had)
			ours[i] = 0;
		else if (nknown < nitems(known))
			known[nknown++] = m->recipient[i].number;
	}
	if (found && nknown == had)
		return (0);
	if (nknown > UB_RECIPIENTS)
		nknown = UB_RECIPIENTS;
	return (store_accepted_put(sp.store, a->origin->number, key, keylen,
	    known, nknown, time(NULL)) == -1 ? -1 : 1);
}

static int
rank(int priority)
{
	return (priority == PRIORITY_URGENT ? 0 :
	    priority == PRIORITY_NON_URGENT ? 2 : 1);
}

/* The job of that target among those of the arrival, made when new. */
static int
add_job(struct arrival *a, struct target *t, const char *stuck)
{
	struct store_job *j;
	size_t		  i;
	uint32_t	  number = t == NULL ? 0 : t->number;

	for (i = 0; i < a->njobs; i++)
		if (a->jobs[i].target == number)
			return (0);
	if ((j = recallocarray(a->jobs, a->njobs, a->njobs + 1,
	    sizeof(*j))) == NULL)
		return (-1);
	a->jobs = j;
	j = &a->jobs[a->njobs++];
	j->target = number;
	j->rank = rank(a->message->priority);
	j->message = a->id;
	j->size = a->size;
	j->state = stuck != NULL ? JOB_STUCK : JOB_READY;
	strlcpy(j->reason, stuck != NULL ? stuck : "", sizeof(j->reason));
	return (0);
}

static const char *
why_stuck(const struct message *m, const struct target *t, int loop)
{
	if (t == NULL)
		return ("no route");
	if (loop)
		return ("loop: our domain is too often in the trace");
	if (m->type == MESSAGE_PROBE && t->kind == TARGET_DIRECTORY)
		return ("probe for a recipient here");
	return (NULL);
}

/*
 * X.411 14.3.2: what we do not know and must know to pass the message on, or
 * to deliver it, goes no further: all of it, or to that recipient.
 */
static const struct extension *
unsupported(const struct message *m, size_t i)
{
	const struct extension	*e;
	int			 kinds = EXT_TRANSFER | EXT_DELIVERY;

	if (m->type == MESSAGE_REPORT)
		return (NULL);
	if ((e = message_extension_unsupported(&m->extension, kinds)) == NULL)
		e = message_extension_unsupported(&m->recipient[i].extension,
		    kinds);
	return (e);
}

/* Is it, in a domain of which all addresses are known, none of them? */
static int
unknown(const struct message *m, size_t i)
{
	struct route_choice	c;

	return (route_lookup(m->type == MESSAGE_REPORT ? &m->originator :
	    &m->recipient[i].name, &c) == ROUTE_UNKNOWN);
}

static int
refuse_unsupported(struct arrival *a, uint8_t *ours, size_t n)
{
	const struct extension	*e;
	struct nondelivery	*nd = NULL, *p;
	size_t			 i, nnd = 0;
	char			 text[64];
	int			 r = 0;

	for (i = 0; i < n; i++) {
		if (!ours[i] || ((e = unsupported(a->message, i)) == NULL &&
		    !unknown(a->message, i)))
			continue;
		ours[i] = 0;
		if ((p = reallocarray(nd, nnd + 1, sizeof(*nd))) == NULL) {
			r = -1;
			break;
		}
		nd = p;
		if (e == NULL)
			strlcpy(text, "no such address in its domain",
			    sizeof(text));
		else if (e->oid != NULL)
			snprintf(text, sizeof(text), "extension %.40s",
			    e->oid);
		else
			snprintf(text, sizeof(text), "extension %u",
			    e->type);
		nd[nnd].recipient = i;
		nd[nnd].reason = REASON_UNABLE_TO_TRANSFER;
		nd[nnd].diagnostic = e == NULL ?
		    DIAGNOSTIC_UNRECOGNISED_OR_NAME :
		    DIAGNOSTIC_UNSUPPORTED_CRITICAL_FUNCTION;
		nd[nnd++].text = message_memdup(a->message, text,
		    strlen(text));
	}
	if (r == 0 && nnd > 0)
		r = (a->report = calloc(1, sizeof(*a->report))) == NULL ? -1 :
		    report_store(a->report, a->message, a->id, nd, nnd);
	free(nd);
	return (r);
}

/* Routes what is ours into routing[], and makes the jobs. */
static int
route_arrival(struct arrival *a, const uint8_t *ours, uint32_t *routing,
    size_t n)
{
	struct message	*m = a->message;
	struct target	*t;
	size_t		 i;
	int		 loop = looping(m);

	route_seed(a->id);
	for (i = 0; i < n; i++) {
		routing[i] = TARGET_NOT_OURS;
		if (!ours[i])
			continue;
		t = route_find(m->type == MESSAGE_REPORT ? &m->originator :
		    &m->recipient[i].name);
		routing[i] = t == NULL ? 0 : t->number;
		if (add_job(a, t, why_stuck(m, t, loop)) == -1)
			return (-1);
	}
	for (i = 0; i < a->njobs; i++)
		a->jobs[i].sole = a->njobs == 1;
	return (0);
}

static int
put_arrival(struct arrival *a, const uint32_t *routing, size_t n)
{
	struct store_message	 sm;
	struct ibuf		*buf;
	size_t			 i;
	int			 r = -1;

	if ((buf = ibuf_dynamic(1024, ENVELOPE_MAX * 2)) == NULL)
		return (-1);
	if (message_serialise(a->message, buf) == -1)
		goto done;
	memset(&sm, 0, sizeof(sm));
	sm.id = a->id;
	sm.type = a->message->type;
	sm.priority = a->message->priority;
	sm.kind = a->kind;
	sm.arrival = time(NULL);
	sm.origin = a->origin == NULL ? 0 : a->origin->number;
	sm.size = a->size;
	sm.envelope = ibuf_data(buf);
	sm.envelope_len = ibuf_size(buf);
	sm.routing = routing;
	sm.nrouting = n;
	sm.content = a->content;
	if (store_message_add(sp.store, &sm) == -1)
		goto done;
	for (i = 0; i < a->njobs; i++)
		if (store_job_add(sp.store, &a->jobs[i]) == -1)
			goto done;
	r = 0;
done:
	ibuf_free(buf);
	return (r);
}

static void
report_drop(struct arrival *a)
{
	if (a->report == NULL)
		return;
	arrival_free(a->report);
	free(a->report);
	a->report = NULL;
}

int
arrival_store(struct arrival *a)
{
	struct message	*m = a->message;
	uint32_t	 one_routing, *routing = &one_routing;
	uint8_t		 one_ours, *ours = &one_ours;
	size_t		 i, n;
	int		 r = -1;

	free(a->jobs);		/* of a try that failed */
	a->jobs = NULL;
	a->njobs = 0;
	report_drop(a);
	n = m->type == MESSAGE_REPORT ? 1 : m->nrecipient;
	if (n > 1 && ((routing = calloc(n, sizeof(*routing))) == NULL ||
	    (ours = calloc(n, 1)) == NULL))
		goto done;
	for (i = 0; i < n; i++)
		ours[i] = m->type == MESSAGE_REPORT ||
		    (m->recipient[i].flags & PRI_RESPONSIBILITY) != 0;
	if ((r = check_duplicate(a, ours, m->type == MESSAGE_REPORT ? 0 :
	    n)) == -1)
		goto done;
	a->duplicate = r == 0;
	r = 0;
	if (!a->duplicate) {
		if ((r = add_trace(m)) == 0 &&
		    (r = refuse_unsupported(a, ours, n)) == 0 &&
		    (r = route_arrival(a, ours, routing, n)) == 0 &&
		    a->njobs > 0)
			r = put_arrival(a, routing, n);
	}
	if (r == 0 && a->njobs == 0 && a->kind == CONTENT_FILE)
		content_discard(a->id);
done:
	if (routing != &one_routing)
		free(routing);
	if (ours != &one_ours)
		free(ours);
	return (r);
}

void
arrival_committed(struct arrival *a)
{
	struct target	*t;
	size_t		 i;

	if (a->duplicate) {
		sp.stats.duplicates++;
		return;
	}
	if (a->report != NULL)
		arrival_committed(a->report);
	for (i = 0; i < a->njobs; i++) {
		if ((t = target_number(a->jobs[i].target)) == NULL)
			continue;
		queue_arrived(t, &a->jobs[i]);
		if (a->jobs[i].state == JOB_STUCK)
			log_warnx("message %016" PRIX64 ": held: %s", a->id,
			    a->jobs[i].reason);
		t->wake = 1;
	}
}

void
arrival_free(struct arrival *a)
{
	free(a->jobs);
	a->jobs = NULL;
	a->njobs = 0;
	report_drop(a);
	if (a->message != NULL)
		message_free(a->message);
	a->message = NULL;
}
