/* SPDX-License-Identifier: ISC */

/* A message, report or probe of no great complication. */

#ifndef P1_SAMPLE_H
#define P1_SAMPLE_H

#include <string.h>

#include "envelope.h"

/* The caller frees. */
static inline struct message *
p1_sample(int type)
{
	struct message			*m = message_new();
	struct reported_recipient	*rr;
	struct recipient		*r;
	struct trace_element		*t;
	struct or_attr			*at;
	int				 i;

	m->type = type;
	strlcpy(m->id.domain.country, "GB", 4);
	strlcpy(m->id.domain.admd, "GOLD 400", 9);
	strlcpy(m->id.domain.prmd, "ALPHA", 6);
	strlcpy(m->id.local, "alpha-1", 8);
	m->trace = t = message_alloc(m, sizeof(*t));
	m->ntrace = 1;
	t->domain = m->id.domain;
	strlcpy(t->arrival.text, "261123160000Z", 14);
	at = message_alloc(m, 6 * sizeof(*at));
	m->originator.attr = at;
	m->originator.nattr = 6;
	for (i = 0; i < 6; i++) {
		static const uint8_t	type_of[] = { OR_C, OR_A, OR_P,
			OR_S, OR_OU1, OR_DDA };
		static const char	*value[] = { "GB", "GOLD 400",
			"ALPHA", "Doe", "Sales", "jo@example.com" };

		at[i].type = type_of[i];
		at[i].value = message_memdup(m, value[i], strlen(value[i]));
		at[i].len = strlen(value[i]);
	}
	at[5].dda_type = message_memdup(m, "RFC-822", 7);
	at[5].dda_len = 7;
	m->content_type = type == MESSAGE_REPORT ? -1 : 2;
	if (type == MESSAGE_REPORT) {
		m->subject = m->id;
		m->reported = rr = message_alloc(m, 2 * sizeof(*rr));
		m->nreported = 2;
		for (i = 0; i < 2; i++) {
			rr[i].name = m->originator;
			rr[i].number = i + 1;
			rr[i].flags = PRI_RESPONSIBILITY | PRI_REPORT(2);
			rr[i].arrival = t->arrival;
			rr[i].delivered = i;
			rr[i].delivery = t->arrival;
			rr[i].type_of_ua = i == 0 ? -1 : 1;
			rr[i].reason = 1;
			rr[i].diagnostic = i == 0 ? 0 : -1;
		}
		rr[0].intended = m->originator;
		rr[0].supplementary = message_memdup(m, "no such user", 12);
		return m;
	}
	m->recipient = r = message_alloc(m, sizeof(*r));
	m->nrecipient = 1;
	r->name = m->originator;
	r->number = 1;
	r->flags = PRI_RESPONSIBILITY | PRI_REPORT(1);
	if (type == MESSAGE_USER)
		m->priority = PRIORITY_URGENT;
	return m;
}

#endif
