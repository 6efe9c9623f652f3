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

/*
 * Type, how often it was here before, domain and local part, each ended by
 * NUL.  What goes in circles is no duplicate: its originator is to hear of it.
 */
static size_t
mpdu_key(const struct message *m, char *key, size_t size)
{
	char	*p = key;

	*p++ = m->type;
	*p++ = trace_passes(m);
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

/*
 * Of whom a copy came: the number alone will not do, for the members of a list
 * all have that of the list.
 */
static uint32_t
recipient_key(const struct message *m, const struct recipient *r)
{
	char		 name[OR_TEXT_MAX];
	const char	*p;
	uint32_t	 h = 2166136261u;	/* FNV-1a */

	or_address_print(&r->name, name, sizeof(name), 0);
	for (p = name; *p != '\0'; p++)
		h = (h ^ (uint8_t)*p) * 16777619u;
	h = (h ^ r->number) * 16777619u;
	return ((h ^ m->dl_expansion.n) * 16777619u);
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
	uint32_t	 who;
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
		who = recipient_key(m, &m->recipient[i]);
		for (k = 0; k < had; k++)
			if (known[k] == who)
				break;
		if (k < had)
			ours[i] = 0;
		else if (nknown < nitems(known))
			known[nknown++] = who;
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

/*
 * X.411 14.3.4.1: deferred delivery is done where the message was submitted,
 * or where it is delivered.
 */
static int64_t
deferred(const struct arrival *a, const struct target *t)
{
	const struct message	*m = a->message;
	time_t			 until = utctime_get(&m->deferred);

	if (m->type != MESSAGE_USER || m->deferred.text[0] == '\0' ||
	    until <= time(NULL) || (a->origin != NULL && t->peer != NULL))
		return (0);
	return (until);
}

static int64_t
latest(const struct message *m)
{
	time_t	t = utctime_get(&m->latest_delivery.time);

	return (m->latest_delivery.time.text[0] == '\0' || t == -1 ? 0 : t);
}

/* The job of that target among those of the arrival, made when new. */
static int
add_job(struct arrival *a, struct target *t)
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
	j->state = JOB_READY;
	j->deadline = latest(a->message);
	if (t == NULL) {
		j->state = JOB_STUCK;
		strlcpy(j->reason, "no route", sizeof(j->reason));
	} else if ((j->next_try = deferred(a, t)) != 0) {
		j->state = JOB_DEFERRED;
		strlcpy(j->reason, DEFERRED_DELIVERY, sizeof(j->reason));
		trace_deferred(a->message, &a->message->deferred);
	}
	return (0);
}

static int
make_jobs(struct arrival *a, const uint32_t *routing, size_t n)
{
	size_t	i;

	for (i = 0; i < n; i++)
		if (routing[i] != TARGET_NOT_OURS && add_job(a,
		    routing[i] == 0 ? NULL : target_number(routing[i])) == -1)
			return (-1);
	return (0);
}

/* The file of a content that nothing else needs may be handed over. */
static void
mark_sole(struct arrival *a)
{
	if (a->njobs == 1)
		a->jobs[0].sole = !a->shared;
}

/*
 * The envelope may be longer than any that is received: redirections add to
 * it, for each recipient.  That must not be taken for a failure of the store.
 */
static int
put_arrival(struct arrival *a, const uint32_t *routing, size_t n)
{
	struct store_message	 sm;
	struct ibuf		*buf;
	size_t			 i;
	int			 r = -1;

	if ((buf = ibuf_dynamic(1024, SIZE_MAX / 4)) == NULL)
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
drop_more(struct arrival *a)
{
	struct arrival	*other;

	if (!a->has_more)
		return;
	while ((other = TAILQ_FIRST(&a->more)) != NULL) {
		TAILQ_REMOVE(&a->more, other, entry);
		arrival_free(other);
		free(other);
	}
}

void
arrival_name(struct message *m, uint64_t id)
{
	memset(&m->id, 0, sizeof(m->id));
	m->id.domain = sp.mta.domain;
	snprintf(m->id.local, sizeof(m->id.local), "%.12s-%016" PRIX64,
	    sp.mta.name, id);
}

int
arrival_add(struct arrival *a, struct message *m, int with_content, int copy)
{
	struct arrival	*other;

	if ((other = calloc(1, sizeof(*other))) == NULL) {
		message_free(m);
		return (-1);
	}
	if (!a->has_more) {
		TAILQ_INIT(&a->more);
		a->has_more = 1;
	}
	TAILQ_INSERT_TAIL(&a->more, other, entry);
	other->message = m;
	other->id = store_next_id(sp.store);
	other->copy = copy;
	other->origin = copy ? a->origin : NULL;
	if (!copy)
		arrival_name(m, other->id);
	other->kind = CONTENT_NONE;
	if (with_content) {
		other->kind = a->kind;
		other->size = a->size;
		other->content = a->content;
		if (a->kind == CONTENT_FILE) {
			a->shared = other->shared = 1;
			if (content_share(a->id, other->id) == -1)
				return (-1);
		}
	}
	return (arrival_store(other));
}

/* What is said of those that go no further, and where else they go. */
static int
conclude(struct arrival *a, struct outcome *o, size_t n)
{
	ssize_t	left;

	if (n == 0)
		return (0);
	if ((left = process_redirections(a, o, n)) == -1)
		return (-1);
	return (report_store(a, o, left));
}

/* The recipients of ours[], each of them once and only once. */
static int
take(struct arrival *a, struct process *p)
{
	int	r;

	if (!a->copy && trace_add(a->message, a->origin) == -1)
		return (-1);
	if ((r = process_recipients(p)) == 0 &&
	    (r = make_jobs(a, p->routing, p->n)) == 0 &&
	    (r = conclude(a, p->outcome, p->noutcome)) == 0 && a->njobs > 0) {
		mark_sole(a);
		r = put_arrival(a, p->routing, p->n);
	}
	return (r);
}

int
arrival_store(struct arrival *a)
{
	struct message	*m = a->message;
	struct process	 p;
	uint32_t	 one_routing;
	uint8_t		 one_ours;
	size_t		 i;
	int		 r = -1;

	free(a->jobs);		/* of a try that failed */
	a->jobs = NULL;
	a->njobs = 0;
	drop_more(a);
	memset(&p, 0, sizeof(p));
	p.a = a;
	p.routing = &one_routing;
	p.ours = &one_ours;
	p.n = m->type == MESSAGE_REPORT ? 1 : m->nrecipient;
	if (p.n > 1 && ((p.routing = calloc(p.n,
	    sizeof(*p.routing))) == NULL || (p.ours = calloc(p.n,
	    1)) == NULL))
		goto done;
	for (i = 0; i < p.n; i++)
		p.ours[i] = m->type == MESSAGE_REPORT ||
		    (m->recipient[i].flags & PRI_RESPONSIBILITY) != 0;
	r = a->copy ? 1 : check_duplicate(a, p.ours,
	    m->type == MESSAGE_REPORT ? 0 : p.n);
	if (r == -1)
		goto done;
	a->duplicate = r == 0;
	if (!a->copy)
		audit_arrival(a);
	r = a->duplicate ? 0 : take(a, &p);
	if (r == 0 && a->njobs == 0 && a->kind == CONTENT_FILE)
		content_discard(a->id);
done:
	free(p.outcome);
	free(p.list);
	if (p.routing != &one_routing)
		free(p.routing);
	if (p.ours != &one_ours)
		free(p.ours);
	return (r);
}

void
arrival_committed(struct arrival *a)
{
	struct arrival	*other;
	struct target	*t;
	size_t		 i;

	if (a->duplicate) {
		sp.stats.duplicates++;
		return;
	}
	if (a->said != NULL)
		log_info(EVT_REPORT_MADE, "%s", a->said);
	if (a->has_more)
		TAILQ_FOREACH(other, &a->more, entry)
			arrival_committed(other);
	for (i = 0; i < a->njobs; i++) {
		if ((t = target_number(a->jobs[i].target)) == NULL)
			continue;
		queue_arrived(t, &a->jobs[i]);
		if (a->jobs[i].state == JOB_STUCK)
			log_warnx(EVT_HELD, "message=%016" PRIX64 ": %s", a->id,
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
	drop_more(a);
	free(a->said);
	a->said = NULL;
	if (a->message != NULL)
		message_free(a->message);
	a->message = NULL;
}
