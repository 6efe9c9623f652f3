/* SPDX-License-Identifier: ISC */

/*
 * Trace (X.411 12.3.1, 14.3.1): every MTA adds an element of internal trace,
 * the first of a domain one of trace information, when a message comes.  Both
 * say where a message has been, which is how a loop is known: only what
 * stands behind the last redirection or list expansion counts, since these
 * rightly send a message back (RFC 1615 4.3).
 */

#include <string.h>

#include "spoold.h"

/* From another domain?  A peer of which none is known is of another. */
int
peer_foreign(const struct peer *p)
{
	return (p == NULL || global_domain_compare(&p->conf.domain,
	    &sp.mta.domain) != 0);
}

static int
add_external(struct message *m, const struct utctime *now)
{
	struct trace_element	*t;

	if ((t = message_alloc(m, (m->ntrace + 1) * sizeof(*t))) == NULL)
		return (-1);
	if (m->ntrace > 0)
		memcpy(t, m->trace, m->ntrace * sizeof(*t));
	t[m->ntrace].domain = sp.mta.domain;
	t[m->ntrace].arrival = *now;
	t[m->ntrace].action = TRACE_RELAYED;
	m->trace = t;
	m->ntrace++;
	return (0);
}

static int
add_internal(struct message *m, const struct utctime *now)
{
	struct internal_trace_element	*t;
	uint32_t			 n = m->internal.n;

	if ((t = message_alloc(m, (n + 1) * sizeof(*t))) == NULL)
		return (-1);
	if (n > 0)
		memcpy(t, m->internal.e, n * sizeof(*t));
	t[n].domain = sp.mta.domain;
	strlcpy(t[n].mta, sp.mta.name, sizeof(t[n].mta));
	t[n].arrival = *now;
	t[n].action = TRACE_RELAYED;
	m->internal.e = t;
	m->internal.n++;
	return (0);
}

int
trace_add(struct message *m, const struct target *origin)
{
	struct utctime	now;

	utctime_set(&now, time(NULL));
	/* full ones are for trace_looping */
	if ((m->ntrace == 0 || origin == NULL || peer_foreign(origin->peer)) &&
	    m->ntrace < UB_TRACE && add_external(m, &now) == -1)
		return (-1);
	return (m->internal.n < UB_TRACE ? add_internal(m, &now) : 0);
}

void
trace_action(struct message *m, int other_actions)
{
	if (m->ntrace > 0)
		m->trace[m->ntrace - 1].other_actions |= other_actions;
	if (m->internal.n > 0)
		m->internal.e[m->internal.n - 1].other_actions |=
		    other_actions;
}

void
trace_deferred(struct message *m, const struct utctime *until)
{
	if (m->ntrace > 0)
		m->trace[m->ntrace - 1].deferred = *until;
	if (m->internal.n > 0)
		m->internal.e[m->internal.n - 1].deferred = *until;
}

/* Our own of before, the last element being that of this arrival. */
static uint32_t
times_through_domain(const struct message *m)
{
	uint32_t	i, n = 0;

	for (i = 0; i + 1 < m->ntrace; i++) {
		if (m->trace[i].other_actions != 0)
			n = 0;
		if (global_domain_compare(&m->trace[i].domain,
		    &sp.mta.domain) == 0)
			n++;
	}
	return (n);
}

static uint32_t
times_through_us(const struct message *m)
{
	const struct internal_trace_element *e = m->internal.e;
	uint32_t	i, n = 0;

	for (i = 0; i + 1 < m->internal.n; i++, e++) {
		if (e->other_actions != 0)
			n = 0;
		if (strcasecmp(e->mta, sp.mta.name) == 0 &&
		    global_domain_compare(&e->domain, &sp.mta.domain) == 0)
			n++;
	}
	return (n);
}

uint8_t
trace_passes(const struct message *m)
{
	uint32_t	i, n = 0;

	for (i = 0; i < m->ntrace; i++)
		n += global_domain_compare(&m->trace[i].domain,
		    &sp.mta.domain) == 0;
	for (i = 0; i < m->internal.n; i++)
		n += strcasecmp(m->internal.e[i].mta, sp.mta.name) == 0 &&
		    global_domain_compare(&m->internal.e[i].domain,
		    &sp.mta.domain) == 0;
	return (n > UINT8_MAX ? UINT8_MAX : n);
}

const char *
trace_looping(const struct message *m)
{
	if (times_through_domain(m) >= sp.mta.loop_limit)
		return ("our domain is too often in the trace");
	if (times_through_us(m) >= sp.mta.loop_limit)
		return ("this MTA is too often in the internal trace");
	if (m->ntrace > sp.mta.hop_limit || m->ntrace >= UB_TRACE)
		return ("too many domains in the trace");
	if (m->internal.n > sp.mta.hop_limit || m->internal.n >= UB_TRACE)
		return ("too many MTAs in the internal trace");
	return (NULL);
}

static int
is_ours(const struct global_domain *d)
{
	return (global_domain_compare(d, &sp.mta.domain) == 0);
}

/* X.411 12.3.1: rerouted, and from which domain if it is not ours. */
static void
reroute_external(struct trace_element *t, const struct peer *p)
{
	if (!is_ours(&t->domain) || (p != NULL && !peer_foreign(p)))
		return;
	t->action = TRACE_REROUTED;
	if (p != NULL && p->conf.domain.country[0] != '\0') {
		t->has_previous = 1;
		t->previous = p->conf.domain;
	}
}

static void
reroute_internal(struct internal_trace_element *t, const struct peer *p)
{
	if (!is_ours(&t->domain) || strcasecmp(t->mta, sp.mta.name) != 0)
		return;
	t->action = TRACE_REROUTED;
	if (p == NULL)
		return;
	if (!peer_foreign(p) || p->conf.domain.country[0] == '\0') {
		t->attempted = ATTEMPTED_MTA;
		strlcpy(t->attempted_mta, p->conf.remote.name,
		    sizeof(t->attempted_mta));
	} else {
		t->attempted = ATTEMPTED_DOMAIN;
		t->attempted_domain = p->conf.domain;
	}
}

void
trace_rerouted(struct message *m, const struct target *attempted)
{
	const struct peer	*p = attempted == NULL ? NULL :
				    attempted->peer;

	if (m->ntrace > 0)
		reroute_external(&m->trace[m->ntrace - 1], p);
	if (m->internal.n > 0)
		reroute_internal(&m->internal.e[m->internal.n - 1], p);
}

/*
 * What others did inside their domain is nobody's business outside of it, and
 * makes some believe in a loop (KB Q169299).
 */
void
trace_strip(struct message *m, const struct peer *p)
{
	if (p->conf.internal_trace == INTERNAL_TRACE_STRIP ||
	    (p->conf.internal_trace == INTERNAL_TRACE_AUTO &&
	    peer_foreign(p)))
		memset(&m->internal, 0, sizeof(m->internal));
}
