/* SPDX-License-Identifier: ISC */

/*
 * Between P1 of 1984 as ASN.1 (p1_84.h) and struct message: X.411-1984
 * clause 4.3.  Limits were checked when the octets were decoded.
 */

#include <string.h>

#include "p1_84.h"

/* From octets */

static void
text_get(char *buf, size_t size, const struct asn1_octets *s)
{
	size_t	n = s->len < size ? s->len : size - 1;

	if (n > 0)
		memcpy(buf, s->p, n);
	buf[n] = '\0';
}

static void
time_get(struct utctime *t, const struct asn1_octets *s)
{
	text_get(t->text, sizeof(t->text), s);
}

static void
domain_get(struct global_domain *d, const struct p1_domain *v)
{
	text_get(d->country, sizeof(d->country), &v->country);
	text_get(d->admd, sizeof(d->admd), &v->admd);
	text_get(d->prmd, sizeof(d->prmd), &v->prmd);
	d->country_numeric = v->country.tag == BER_NUMERIC_STRING;
	d->admd_numeric = v->admd.tag == BER_NUMERIC_STRING;
	d->prmd_numeric = v->prmd.tag == BER_NUMERIC_STRING;
}

static void
identifier_get(struct mts_identifier *id, const struct p1_identifier *v)
{
	domain_get(&id->domain, &v->domain);
	text_get(id->local, sizeof(id->local), &v->local);
}

/* First octet of a BIT STRING, bits that are not there zero. */
static uint8_t
flags_get(const struct asn1_bits *bits)
{
	if (bits->nbits == 0)
		return 0;
	return bits->nbits >= 8 ? bits->p[0] :
	    bits->p[0] & (0xff00 >> bits->nbits);
}

static int
octets_get(struct message *m, uint8_t **p, uint32_t *len,
    const struct asn1_octets *s)
{
	if ((*p = (uint8_t *)message_memdup(m, s->p, s->len)) == NULL)
		return -1;
	*len = s->len;
	return 0;
}

/* Types beyond the 32nd have never been given out. */
static int
eits_get(struct message *m, struct eits *e, const struct p1_eits *v)
{
	uint32_t	i;

	e->present = 1;
	e->nbits = v->bits.nbits < 32 ? v->bits.nbits : 32;
	for (i = 0; i < e->nbits; i++)
		if (v->bits.p[i / 8] & 0x80 >> i % 8)
			e->bits |= 0x80000000u >> i;
	if (v->others.len == 0)
		return 0;
	return octets_get(m, &e->other, &e->other_len, &v->others);
}

static int
trace_get(struct message *m, struct trace_element **trace, uint32_t *n,
    const struct asn1_list *list)
{
	const struct p1_trace	*v = list->p;
	struct trace_element	*t;
	uint32_t		 i;

	if (list->n == 0)
		return 0;
	if ((t = message_alloc(m, list->n * sizeof(*t))) == NULL)
		return -1;
	*trace = t;
	*n = list->n;
	for (i = 0; i < list->n; i++, t++, v++) {
		domain_get(&t->domain, &v->domain);
		time_get(&t->arrival, &v->supplied.arrival);
		time_get(&t->deferred, &v->supplied.deferred);
		t->action = v->supplied.action;
		t->other_actions = flags_get(&v->supplied.other_actions);
		if (ASN1_HAS(&v->supplied, DS_PREVIOUS)) {
			t->has_previous = 1;
			domain_get(&t->previous, &v->supplied.previous);
		}
		if (ASN1_HAS(&v->supplied, DS_CONVERTED) &&
		    eits_get(m, &t->converted, &v->supplied.converted) == -1)
			return -1;
	}
	return 0;
}

static int
bilateral_get(struct message *m, const struct asn1_list *list)
{
	const struct p1_bilateral	*v = list->p;
	struct bilateral_info		*b;
	uint32_t			 i;

	if (list->n == 0)
		return 0;
	if ((b = message_alloc(m, list->n * sizeof(*b))) == NULL)
		return -1;
	m->bilateral = b;
	m->nbilateral = list->n;
	for (i = 0; i < list->n; i++, b++, v++) {
		text_get(b->country, sizeof(b->country), &v->country);
		text_get(b->admd, sizeof(b->admd), &v->admd);
		b->country_numeric = v->country.tag == BER_NUMERIC_STRING;
		b->admd_numeric = v->admd.tag == BER_NUMERIC_STRING;
		if (octets_get(m, &b->info, &b->info_len, &v->info) == -1)
			return -1;
	}
	return 0;
}

static int
recipients_get(struct message *m, const struct asn1_list *list)
{
	const struct p1_recipient	*v = list->p;
	struct recipient		*r;
	uint32_t			 i;

	if ((r = message_alloc(m, list->n * sizeof(*r))) == NULL)
		return -1;
	m->recipient = r;
	m->nrecipient = list->n;
	for (i = 0; i < list->n; i++, r++, v++) {
		if (or_address_from_name(m, &r->name, &v->recipient) == -1)
			return -1;
		r->number = v->extension;
		r->flags = flags_get(&v->flags);
		if (ASN1_HAS(v, RI_CONVERSION)) {
			r->has_conversion = 1;
			r->explicit_conversion = v->conversion;
		}
	}
	return 0;
}

static void
content_id_get(struct message *m, int present, const struct asn1_octets *s)
{
	m->has_content_id = present;
	if (present)
		text_get(m->content_id, sizeof(m->content_id), s);
}

static int
envelope_get(struct message *m, const struct p1_envelope *v)
{
	identifier_get(&m->id, &v->id);
	m->content_type = v->content_type;
	content_id_get(m, ASN1_HAS(v, UE_CONTENT_ID), &v->content_id);
	m->priority = v->priority;
	m->indicators = flags_get(&v->indicators);
	time_get(&m->deferred, &v->deferred);
	if (or_address_from_name(m, &m->originator, &v->originator) == -1)
		return -1;
	if (ASN1_HAS(v, UE_ORIGINAL) &&
	    eits_get(m, &m->original, &v->original) == -1)
		return -1;
	if (bilateral_get(m, &v->bilateral) == -1 ||
	    recipients_get(m, &v->recipients) == -1)
		return -1;
	return trace_get(m, &m->trace, &m->ntrace, &v->trace);
}

static int
probe_get(struct message *m, const struct p1_probe *v)
{
	identifier_get(&m->id, &v->id);
	m->content_type = v->content_type;
	content_id_get(m, ASN1_HAS(v, PE_CONTENT_ID), &v->content_id);
	m->indicators = flags_get(&v->indicators);
	if (ASN1_HAS(v, PE_LENGTH))
		m->probe_length = v->length;
	if (or_address_from_name(m, &m->originator, &v->originator) == -1)
		return -1;
	if (ASN1_HAS(v, PE_ORIGINAL) &&
	    eits_get(m, &m->original, &v->original) == -1)
		return -1;
	if (bilateral_get(m, &v->bilateral) == -1 ||
	    recipients_get(m, &v->recipients) == -1)
		return -1;
	return trace_get(m, &m->trace, &m->ntrace, &v->trace);
}

/* Characters that have no place in a line become blanks. */
static char *
supplementary_get(struct message *m, const struct asn1_octets *s)
{
	char		*text, *p;
	uint64_t	 i;

	if ((text = message_memdup(m, s->p, s->len)) == NULL)
		return NULL;
	for (i = 0, p = text; i < s->len; i++, p++)
		if ((uint8_t)*p < 0x20 || (uint8_t)*p > 0x7e)
			*p = ' ';
	return text;
}

static int
reported_get(struct message *m, struct reported_recipient *r,
    const struct p1_reported *v)
{
	const struct p1_last_trace	*last = &v->last_trace;

	if (or_address_from_name(m, &r->name, &v->recipient) == -1)
		return -1;
	r->number = v->extension;
	r->flags = flags_get(&v->flags);
	time_get(&r->arrival, &last->arrival);
	if (ASN1_HAS(last, LT_CONVERTED) &&
	    eits_get(m, &r->converted, &last->converted) == -1)
		return -1;
	r->type_of_ua = r->diagnostic = -1;
	if (last->report.c.chosen == REPORT_DELIVERED) {
		r->delivered = 1;
		time_get(&r->delivery, &last->report.delivered.delivery);
		r->type_of_ua = last->report.delivered.type;
	} else {
		r->reason = last->report.non_delivered.reason;
		if (ASN1_HAS(&last->report.non_delivered, ND_DIAGNOSTIC))
			r->diagnostic =
			    last->report.non_delivered.diagnostic;
	}
	if (ASN1_HAS(v, RR_INTENDED) &&
	    or_address_from_name(m, &r->intended, &v->intended) == -1)
		return -1;
	if (ASN1_HAS(v, RR_SUPPLEMENTARY) && (r->supplementary =
	    supplementary_get(m, &v->supplementary)) == NULL)
		return -1;
	return 0;
}

static int
report_get(struct message *m, const struct p1_report_mpdu *v)
{
	const struct p1_report_content	*c = &v->content;
	const struct p1_reported	*reported = c->reported.p;
	uint32_t			 i;

	identifier_get(&m->id, &v->envelope.id);
	if (or_address_from_name(m, &m->originator,
	    &v->envelope.originator) == -1 ||
	    trace_get(m, &m->trace, &m->ntrace, &v->envelope.trace) == -1)
		return -1;
	identifier_get(&m->subject, &c->original);
	if (trace_get(m, &m->subject_trace, &m->nsubject_trace,
	    &c->intermediate) == -1)
		return -1;
	content_id_get(m, ASN1_HAS(c, RC_CONTENT_ID), &c->content_id);
	if (ASN1_HAS(c, RC_BILLING) &&
	    octets_get(m, &m->billing, &m->billing_len, &c->billing) == -1)
		return -1;
	m->has_content = ASN1_HAS(c, RC_RETURNED);
	m->content_len = c->returned.len;
	if ((m->reported = message_alloc(m, c->reported.n *
	    sizeof(*m->reported))) == NULL)
		return -1;
	m->nreported = c->reported.n;
	for (i = 0; i < c->reported.n; i++)
		if (reported_get(m, &m->reported[i], &reported[i]) == -1)
			return -1;
	return 0;
}

int
p1_message_from_mpdu(struct message *m, const struct p1_mpdu *mpdu)
{
	m->content_type = -1;
	m->probe_length = -1;
	switch (mpdu->c.chosen) {
	case MPDU_USER:
		m->type = MESSAGE_USER;
		m->has_content = 1;
		m->content_len = mpdu->u.user.content.len;
		return envelope_get(m, &mpdu->u.user.envelope);
	case MPDU_REPORT:
		m->type = MESSAGE_REPORT;
		return report_get(m, &mpdu->u.report);
	default:
		m->type = MESSAGE_PROBE;
		return probe_get(m, &mpdu->u.probe);
	}
}

/* To octets.  What is allocated, and the first reason why not. */

struct out {
	struct asn1_memory	*memory;
	const char		*why;
};

static void *
out_list(struct out *o, struct asn1_list *list, uint32_t n, size_t size)
{
	list->n = n;
	if (n > 0 && (list->p = asn1_memory_alloc(o->memory, n * size)) ==
	    NULL && o->why == NULL)
		o->why = "out of memory";
	return list->p;
}

static void
text_put(struct asn1_octets *s, const char *text, int numeric)
{
	s->p = (const uint8_t *)text;
	s->len = strlen(text);
	s->tag = numeric ? BER_NUMERIC_STRING : BER_PRINTABLE_STRING;
}

/* Returns the bit of the row, 0 when there is no time. */
static uint32_t
time_put(struct asn1_octets *s, const struct utctime *t, int row)
{
	text_put(s, t->text, 0);
	return s->len > 0 ? 1u << row : 0;
}

static void
domain_put(struct p1_domain *v, const struct global_domain *d)
{
	v->a.present = 1 << GD_COUNTRY | 1 << GD_ADMD;
	text_put(&v->country, d->country, d->country_numeric);
	text_put(&v->admd, d->admd, d->admd_numeric);
	text_put(&v->prmd, d->prmd, d->prmd_numeric);
	if (v->prmd.len > 0)
		ASN1_PUT(v, GD_PRMD);
}

static void
identifier_put(struct p1_identifier *v, const struct mts_identifier *id)
{
	v->a.present = 1 << ID_DOMAIN | 1 << ID_LOCAL;
	domain_put(&v->domain, &id->domain);
	text_put(&v->local, id->local, 0);
	v->local.tag = BER_IA5_STRING;
}

static void
name_put(struct out *o, struct or_name *v, const struct or_address *or)
{
	const char	*why;

	if (or_name_from_address(v, or, o->memory, &why) == -1 &&
	    o->why == NULL)
		o->why = why;
}

static void
octets_put(struct asn1_octets *s, const uint8_t *p, size_t len)
{
	s->p = p;
	s->len = len;
}

static uint8_t *
bits_put(struct out *o, struct asn1_bits *v, uint32_t nbits)
{
	static uint8_t	 none[8];
	uint8_t		*p;

	if ((p = asn1_memory_alloc(o->memory, 8)) == NULL) {
		o->why = "out of memory";
		p = none;
	}
	v->p = p;
	v->nbits = nbits;
	return p;
}

/* Four bits by name; eight when something is set beyond them. */
static uint32_t
indicators_put(struct out *o, struct asn1_bits *v, uint8_t indicators,
    int row)
{
	if (indicators == 0)
		return 0;
	*bits_put(o, v, indicators & 0x0f ? 8 : 4) = indicators;
	return 1u << row;
}

static uint32_t
eits_put(struct out *o, struct p1_eits *v, const struct eits *e, int row)
{
	uint8_t	*p;
	int	 i;

	if (!e->present)
		return 0;
	v->a.present = 1 << EIT_BITS;
	p = bits_put(o, &v->bits, e->nbits <= 32 ? e->nbits : 32);
	for (i = 0; i < 4; i++)
		p[i] = e->bits >> (24 - 8 * i);
	if (e->other_len > 0) {
		ASN1_PUT(v, EIT_OTHERS);
		octets_put(&v->others, e->other, e->other_len);
	}
	return 1u << row;
}

static void
trace_put(struct out *o, struct asn1_list *list,
    const struct trace_element *t, uint32_t n)
{
	struct p1_trace		*v;
	struct p1_supplied	*s;
	uint32_t		 i;

	if ((v = out_list(o, list, n, sizeof(*v))) == NULL)
		return;
	for (i = 0; i < n; i++, t++, v++) {
		v->a.present = 1 << TR_DOMAIN | 1 << TR_SUPPLIED;
		domain_put(&v->domain, &t->domain);
		s = &v->supplied;
		s->a.present = 1 << DS_ACTION |
		    time_put(&s->arrival, &t->arrival, DS_ARRIVAL) |
		    time_put(&s->deferred, &t->deferred, DS_DEFERRED) |
		    eits_put(o, &s->converted, &t->converted, DS_CONVERTED);
		s->action = t->action;
		if (t->has_previous) {
			ASN1_PUT(s, DS_PREVIOUS);
			domain_put(&s->previous, &t->previous);
		}
		if (t->other_actions != 0) {
			ASN1_PUT(s, DS_OTHER_ACTIONS);
			*bits_put(o, &s->other_actions,
			    t->other_actions & 0x3f ? 8 : 2) =
			    t->other_actions;
		}
	}
}

static uint32_t
bilateral_put(struct out *o, struct asn1_list *list, const struct message *m,
    int row)
{
	const struct bilateral_info	*b = m->bilateral;
	struct p1_bilateral		*v;
	uint32_t			 i;

	if ((v = out_list(o, list, m->nbilateral, sizeof(*v))) == NULL)
		return 0;
	for (i = 0; i < m->nbilateral; i++, b++, v++) {
		v->a.present = 1 << BI_COUNTRY | 1 << BI_ADMD | 1 << BI_INFO;
		text_put(&v->country, b->country, b->country_numeric);
		text_put(&v->admd, b->admd, b->admd_numeric);
		octets_put(&v->info, b->info, b->info_len);
	}
	return 1u << row;
}

static void
recipients_put(struct out *o, struct asn1_list *list,
    const struct message *m)
{
	const struct recipient	*r = m->recipient;
	struct p1_recipient	*v;
	uint32_t		 i;

	if ((v = out_list(o, list, m->nrecipient, sizeof(*v))) == NULL)
		return;
	for (i = 0; i < m->nrecipient; i++, r++, v++) {
		v->a.present = 1 << RI_RECIPIENT | 1 << RI_EXTENSION |
		    1 << RI_FLAGS;
		name_put(o, &v->recipient, &r->name);
		v->extension = r->number;
		/* Always eight bits: others are known to be refused. */
		*bits_put(o, &v->flags, 8) = r->flags;
		if (r->has_conversion) {
			ASN1_PUT(v, RI_CONVERSION);
			v->conversion = r->explicit_conversion;
		}
	}
}

static void
envelope_put(struct out *o, struct p1_envelope *v, const struct message *m)
{
	identifier_put(&v->id, &m->id);
	name_put(o, &v->originator, &m->originator);
	v->a.present = 1 << UE_ID | 1 << UE_ORIGINATOR | 1 << UE_PRIORITY |
	    1 << UE_RECIPIENTS | 1 << UE_TRACE |
	    eits_put(o, &v->original, &m->original, UE_ORIGINAL) |
	    indicators_put(o, &v->indicators, m->indicators, UE_INDICATORS) |
	    time_put(&v->deferred, &m->deferred, UE_DEFERRED) |
	    bilateral_put(o, &v->bilateral, m, UE_BILATERAL);
	if ((v->content_type = m->content_type) != -1)
		ASN1_PUT(v, UE_CONTENT_TYPE);
	v->priority = m->priority;
	if (m->has_content_id) {
		ASN1_PUT(v, UE_CONTENT_ID);
		text_put(&v->content_id, m->content_id, 0);
	}
	recipients_put(o, &v->recipients, m);
	trace_put(o, &v->trace, m->trace, m->ntrace);
}

static void
probe_put(struct out *o, struct p1_probe *v, const struct message *m)
{
	identifier_put(&v->id, &m->id);
	name_put(o, &v->originator, &m->originator);
	v->a.present = 1 << PE_ID | 1 << PE_ORIGINATOR | 1 << PE_TRACE |
	    1 << PE_RECIPIENTS |
	    eits_put(o, &v->original, &m->original, PE_ORIGINAL) |
	    indicators_put(o, &v->indicators, m->indicators, PE_INDICATORS) |
	    bilateral_put(o, &v->bilateral, m, PE_BILATERAL);
	if ((v->content_type = m->content_type) != -1)
		ASN1_PUT(v, PE_CONTENT_TYPE);
	if ((v->length = m->probe_length) != -1)
		ASN1_PUT(v, PE_LENGTH);
	if (m->has_content_id) {
		ASN1_PUT(v, PE_CONTENT_ID);
		text_put(&v->content_id, m->content_id, 0);
	}
	recipients_put(o, &v->recipients, m);
	trace_put(o, &v->trace, m->trace, m->ntrace);
}

static void
last_trace_put(struct out *o, struct p1_last_trace *v,
    const struct reported_recipient *r)
{
	struct p1_delivered	*d = &v->report.delivered;
	struct p1_non_delivered	*n = &v->report.non_delivered;

	v->a.present = 1 << LT_REPORT |
	    time_put(&v->arrival, &r->arrival, LT_ARRIVAL) |
	    eits_put(o, &v->converted, &r->converted, LT_CONVERTED);
	if (r->delivered) {
		v->report.c.chosen = REPORT_DELIVERED;
		d->a.present = time_put(&d->delivery, &r->delivery,
		    DI_DELIVERY);
		if ((d->type = r->type_of_ua) != -1)
			ASN1_PUT(d, DI_TYPE);
	} else {
		v->report.c.chosen = REPORT_NON_DELIVERED;
		n->a.present = 1 << ND_REASON;
		n->reason = r->reason;
		if ((n->diagnostic = r->diagnostic) != -1)
			ASN1_PUT(n, ND_DIAGNOSTIC);
	}
}

static void
reported_put(struct out *o, struct asn1_list *list, const struct message *m)
{
	const struct reported_recipient	*r = m->reported;
	struct p1_reported		*v;
	uint32_t			 i;

	if ((v = out_list(o, list, m->nreported, sizeof(*v))) == NULL)
		return;
	for (i = 0; i < m->nreported; i++, r++, v++) {
		v->a.present = 1 << RR_RECIPIENT | 1 << RR_EXTENSION |
		    1 << RR_FLAGS | 1 << RR_LAST_TRACE;
		name_put(o, &v->recipient, &r->name);
		v->extension = r->number;
		*bits_put(o, &v->flags, 8) = r->flags;
		last_trace_put(o, &v->last_trace, r);
		if (r->intended.nattr > 0) {
			ASN1_PUT(v, RR_INTENDED);
			name_put(o, &v->intended, &r->intended);
		}
		if (r->supplementary != NULL) {
			ASN1_PUT(v, RR_SUPPLEMENTARY);
			text_put(&v->supplementary, r->supplementary, 0);
		}
	}
}

static void
report_put(struct out *o, struct p1_report_mpdu *v, const struct message *m)
{
	struct p1_report_envelope	*e = &v->envelope;
	struct p1_report_content	*c = &v->content;

	v->a.present = 1 << RM_ENVELOPE | 1 << RM_CONTENT;
	e->a.present = 1 << RE_ID | 1 << RE_ORIGINATOR | 1 << RE_TRACE;
	identifier_put(&e->id, &m->id);
	name_put(o, &e->originator, &m->originator);
	trace_put(o, &e->trace, m->trace, m->ntrace);
	c->a.present = 1 << RC_ORIGINAL | 1 << RC_REPORTED;
	identifier_put(&c->original, &m->subject);
	if (m->nsubject_trace > 0) {
		ASN1_PUT(c, RC_INTERMEDIATE);
		trace_put(o, &c->intermediate, m->subject_trace,
		    m->nsubject_trace);
	}
	if (m->has_content_id) {
		ASN1_PUT(c, RC_CONTENT_ID);
		text_put(&c->content_id, m->content_id, 0);
	}
	reported_put(o, &c->reported, m);
	if (m->billing != NULL) {
		ASN1_PUT(c, RC_BILLING);
		octets_put(&c->billing, m->billing, m->billing_len);
	}
	if (m->has_content) {
		ASN1_PUT(c, RC_RETURNED);
		octets_put(&c->returned, NULL, m->content_len);
	}
}

int
p1_mpdu_from_message(struct p1_mpdu *mpdu, const struct message *m,
    struct asn1_memory *memory, const char **why)
{
	struct out	o = { .memory = memory };

	memset(mpdu, 0, sizeof(*mpdu));
	switch (m->type) {
	case MESSAGE_USER:
		mpdu->c.chosen = MPDU_USER;
		mpdu->u.user.a.present = 1 << UM_ENVELOPE | 1 << UM_CONTENT;
		octets_put(&mpdu->u.user.content, NULL, m->content_len);
		envelope_put(&o, &mpdu->u.user.envelope, m);
		break;
	case MESSAGE_REPORT:
		mpdu->c.chosen = MPDU_REPORT;
		report_put(&o, &mpdu->u.report, m);
		break;
	case MESSAGE_PROBE:
		mpdu->c.chosen = MPDU_PROBE;
		probe_put(&o, &mpdu->u.probe, m);
		break;
	default:
		o.why = "no type of MPDU";
		break;
	}
	*why = o.why;
	return o.why == NULL ? 0 : -1;
}
