/* SPDX-License-Identifier: ISC */

/*
 * From struct message to P1 as ASN.1 (p1_84.h): X.411-1984 clause 4.3, and
 * what X.411-1988 has in the same places.  What it has besides is in
 * p1_88_out.c.
 */

#include <string.h>

#include "p1_84.h"
#include "p1_88.h"
#include "p1_impl.h"

void *
p1_list_put(struct p1_out *o, struct asn1_list *list, uint32_t n, size_t size)
{
	list->n = n;
	if (n > 0 && (list->p = asn1_memory_alloc(o->memory, n * size)) ==
	    NULL && o->why == NULL)
		o->why = "out of memory";
	return list->p;
}

void
p1_text_put(struct asn1_octets *s, const char *text, int numeric)
{
	s->p = (const uint8_t *)text;
	s->len = strlen(text);
	s->tag = numeric ? BER_NUMERIC_STRING : BER_PRINTABLE_STRING;
}

/* Returns the bit of the row, 0 when there is no time. */
uint32_t
p1_time_put(struct asn1_octets *s, const struct utctime *t, int row)
{
	p1_text_put(s, t->text, 0);
	return s->len > 0 ? 1u << row : 0;
}

void
p1_domain_put(struct p1_domain *v, const struct global_domain *d)
{
	v->a.present = 1 << GD_COUNTRY | 1 << GD_ADMD;
	p1_text_put(&v->country, d->country, d->country_numeric);
	p1_text_put(&v->admd, d->admd, d->admd_numeric);
	p1_text_put(&v->prmd, d->prmd, d->prmd_numeric);
	if (v->prmd.len > 0)
		ASN1_PUT(v, GD_PRMD);
}

static void
identifier_put(struct p1_identifier *v, const struct mts_identifier *id)
{
	v->a.present = 1 << ID_DOMAIN | 1 << ID_LOCAL;
	p1_domain_put(&v->domain, &id->domain);
	p1_text_put(&v->local, id->local, 0);
	v->local.tag = BER_IA5_STRING;
}

void
p1_name_put(struct p1_out *o, struct or_name *v, const struct or_address *or)
{
	const char	*why;

	if ((o->protocol == P1_1984 ?
	    or_name_from_address(v, or, o->memory, &why) :
	    or_name_88_from_address(v, or, o->memory, &why)) == -1 &&
	    o->why == NULL)
		o->why = why;
}

void
p1_octets_put(struct asn1_octets *s, const uint8_t *p, size_t len)
{
	s->p = p;
	s->len = len;
}

uint8_t *
p1_bits_put(struct p1_out *o, struct asn1_bits *v, uint32_t nbits)
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
indicators_put(struct p1_out *o, struct asn1_bits *v, uint8_t indicators,
    int row)
{
	if (indicators == 0)
		return 0;
	*p1_bits_put(o, v, indicators & 0x0f ? 8 : 4) = indicators;
	return 1u << row;
}

uint32_t
p1_eits_put(struct p1_out *o, struct p1_eits *v, const struct eits *e, int row)
{
	uint8_t	*p;
	int	 i;

	if (!e->present)
		return 0;
	v->a.present = 1 << EIT_BITS;
	p = p1_bits_put(o, &v->bits, e->nbits <= 32 ? e->nbits : 32);
	for (i = 0; i < 4; i++)
		p[i] = e->bits >> (24 - 8 * i);
	if (e->other_len > 0) {
		ASN1_PUT(v, EIT_OTHERS);
		p1_octets_put(&v->others, e->other, e->other_len);
	}
	if (e->nexternal > 0)
		p1_external_put(o, v, e);
	return 1u << row;
}

static void
trace_put(struct p1_out *o, struct asn1_list *list,
    const struct trace_element *t, uint32_t n)
{
	struct p1_trace		*v;
	struct p1_supplied	*s;
	uint32_t		 i;

	if ((v = p1_list_put(o, list, n, sizeof(*v))) == NULL)
		return;
	for (i = 0; i < n; i++, t++, v++) {
		v->a.present = 1 << TR_DOMAIN | 1 << TR_SUPPLIED;
		p1_domain_put(&v->domain, &t->domain);
		s = &v->supplied;
		s->a.present = 1 << DS_ACTION |
		    p1_time_put(&s->arrival, &t->arrival, DS_ARRIVAL) |
		    p1_time_put(&s->deferred, &t->deferred, DS_DEFERRED) |
		    p1_eits_put(o, &s->converted, &t->converted, DS_CONVERTED);
		s->action = t->action;
		if (t->has_previous) {
			ASN1_PUT(s, DS_PREVIOUS);
			p1_domain_put(&s->previous, &t->previous);
		}
		if (t->other_actions != 0) {
			ASN1_PUT(s, DS_OTHER_ACTIONS);
			*p1_bits_put(o, &s->other_actions,
			    P1_ACTIONS_BITS(t->other_actions)) =
			    t->other_actions;
		}
	}
}

static uint32_t
bilateral_put(struct p1_out *o, struct asn1_list *list, const struct message *m,
    int row)
{
	const struct bilateral_info	*b = m->bilateral;
	struct p1_bilateral		*v;
	uint32_t			 i;

	if (o->protocol != P1_1984)
		return p1_bilateral_88_put(o, list, m, row);
	if ((v = p1_list_put(o, list, m->nbilateral, sizeof(*v))) == NULL)
		return 0;
	for (i = 0; i < m->nbilateral; i++, b++, v++) {
		v->a.present = 1 << BI_COUNTRY | 1 << BI_ADMD | 1 << BI_INFO;
		p1_text_put(&v->country, b->country, b->country_numeric);
		p1_text_put(&v->admd, b->admd, b->admd_numeric);
		p1_octets_put(&v->info, b->info, b->info_len);
	}
	return 1u << row;
}

static void
recipients_put(struct p1_out *o, struct asn1_list *list,
    const struct message *m)
{
	const struct recipient	*r = m->recipient;
	struct p1_recipient	*v;
	uint32_t		 i;

	if ((v = p1_list_put(o, list, m->nrecipient, sizeof(*v))) == NULL)
		return;
	for (i = 0; i < m->nrecipient; i++, r++, v++) {
		v->a.present = 1 << RI_RECIPIENT | 1 << RI_EXTENSION |
		    1 << RI_FLAGS;
		p1_name_put(o, &v->recipient, &r->name);
		v->extension = r->number;
		/* eight bits, reserved ones 0, or it is refused (KB Q140937) */
		*p1_bits_put(o, &v->flags, 8) = r->flags & PRI_DEFINED;
		if (r->has_conversion) {
			ASN1_PUT(v, RI_CONVERSION);
			v->conversion = r->explicit_conversion;
		}
		if (p1_recipient_extensions_put(o, &v->extensions, r))
			ASN1_PUT(v, RI_EXTENSIONS);
	}
}

static void
envelope_put(struct p1_out *o, struct p1_envelope *v, const struct message *m)
{
	identifier_put(&v->id, &m->id);
	p1_name_put(o, &v->originator, &m->originator);
	v->a.present = 1 << UE_ID | 1 << UE_ORIGINATOR | 1 << UE_PRIORITY |
	    1 << UE_RECIPIENTS | 1 << UE_TRACE |
	    p1_eits_put(o, &v->original, &m->original, UE_ORIGINAL) |
	    indicators_put(o, &v->indicators, m->indicators, UE_INDICATORS) |
	    p1_time_put(&v->deferred, &m->deferred, UE_DEFERRED) |
	    bilateral_put(o, &v->bilateral, m, UE_BILATERAL);
	if ((v->content_type = m->content_type) != -1)
		ASN1_PUT(v, UE_CONTENT_TYPE);
	v->priority = m->priority;
	if (m->has_content_id) {
		ASN1_PUT(v, UE_CONTENT_ID);
		p1_text_put(&v->content_id, m->content_id, 0);
	}
	recipients_put(o, &v->recipients, m);
	trace_put(o, &v->trace, m->trace, m->ntrace);
	if (m->content_oid != NULL) {
		ASN1_PUT(v, UE_CONTENT_OID);
		p1_oid_put(o, &v->content_oid, m->content_oid);
	}
	if (p1_message_extensions_put(o, &v->extensions, m))
		ASN1_PUT(v, UE_EXTENSIONS);
}

static void
probe_put(struct p1_out *o, struct p1_probe *v, const struct message *m)
{
	identifier_put(&v->id, &m->id);
	p1_name_put(o, &v->originator, &m->originator);
	v->a.present = 1 << PE_ID | 1 << PE_ORIGINATOR | 1 << PE_TRACE |
	    1 << PE_RECIPIENTS |
	    p1_eits_put(o, &v->original, &m->original, PE_ORIGINAL) |
	    indicators_put(o, &v->indicators, m->indicators, PE_INDICATORS) |
	    bilateral_put(o, &v->bilateral, m, PE_BILATERAL);
	if ((v->content_type = m->content_type) != -1)
		ASN1_PUT(v, PE_CONTENT_TYPE);
	if ((v->length = m->probe_length) != -1)
		ASN1_PUT(v, PE_LENGTH);
	if (m->has_content_id) {
		ASN1_PUT(v, PE_CONTENT_ID);
		p1_text_put(&v->content_id, m->content_id, 0);
	}
	recipients_put(o, &v->recipients, m);
	trace_put(o, &v->trace, m->trace, m->ntrace);
	if (m->content_oid != NULL) {
		ASN1_PUT(v, PE_CONTENT_OID);
		p1_oid_put(o, &v->content_oid, m->content_oid);
	}
	if (p1_message_extensions_put(o, &v->extensions, m))
		ASN1_PUT(v, PE_EXTENSIONS);
}

static void
last_trace_put(struct p1_out *o, struct p1_last_trace *v,
    const struct reported_recipient *r)
{
	struct p1_delivered	*d = &v->report.delivered;
	struct p1_non_delivered	*n = &v->report.non_delivered;

	v->a.present = 1 << LT_REPORT |
	    p1_time_put(&v->arrival, &r->arrival, LT_ARRIVAL) |
	    p1_eits_put(o, &v->converted, &r->converted, LT_CONVERTED);
	if (r->delivered) {
		v->report.c.chosen = REPORT_DELIVERED;
		d->a.present = p1_time_put(&d->delivery, &r->delivery,
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
reported_put(struct p1_out *o, struct asn1_list *list, const struct message *m)
{
	const struct reported_recipient	*r = m->reported;
	struct p1_reported		*v;
	uint32_t			 i;

	if ((v = p1_list_put(o, list, m->nreported, sizeof(*v))) == NULL)
		return;
	for (i = 0; i < m->nreported; i++, r++, v++) {
		v->a.present = 1 << RR_RECIPIENT | 1 << RR_EXTENSION |
		    1 << RR_FLAGS | 1 << RR_LAST_TRACE;
		p1_name_put(o, &v->recipient, &r->name);
		v->extension = r->number;
		*p1_bits_put(o, &v->flags, 8) = r->flags & PRI_DEFINED;
		last_trace_put(o, &v->last_trace, r);
		if (!OR_ABSENT(&r->intended)) {
			ASN1_PUT(v, RR_INTENDED);
			p1_name_put(o, &v->intended, &r->intended);
		}
		if (r->supplementary != NULL) {
			ASN1_PUT(v, RR_SUPPLEMENTARY);
			p1_text_put(&v->supplementary, r->supplementary, 0);
			/* 1984 sets no bound. */
			if (o->protocol != P1_1984 &&
			    v->supplementary.len > UB_SUPPLEMENTARY_INFO)
				v->supplementary.len = UB_SUPPLEMENTARY_INFO;
		}
		if (p1_reported_extensions_put(o, &v->extensions, r))
			ASN1_PUT(v, RR_EXTENSIONS);
	}
}

static void
report_put(struct p1_out *o, struct p1_report_mpdu *v, const struct message *m)
{
	struct p1_report_envelope	*e = &v->envelope;
	struct p1_report_content	*c = &v->content;

	v->a.present = 1 << RM_ENVELOPE | 1 << RM_CONTENT;
	e->a.present = 1 << RE_ID | 1 << RE_ORIGINATOR | 1 << RE_TRACE;
	identifier_put(&e->id, &m->id);
	p1_name_put(o, &e->originator, &m->originator);
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
		p1_text_put(&c->content_id, m->content_id, 0);
	}
	reported_put(o, &c->reported, m);
	if (m->billing != NULL) {
		ASN1_PUT(c, RC_BILLING);
		p1_octets_put(&c->billing, m->billing, m->billing_len);
	}
	if (o->protocol != P1_1984)
		p1_report_88_put(o, v, m);
	if (m->has_content) {
		ASN1_PUT(c, RC_RETURNED);
		p1_octets_put(&c->returned, NULL, m->content_len);
	}
}

int
p1_mpdu_from_message(enum p1_protocol protocol, struct p1_mpdu *mpdu,
    const struct message *m, struct asn1_memory *memory, const char **why)
{
	struct p1_out	o = { .memory = memory, .protocol = protocol };

	memset(mpdu, 0, sizeof(*mpdu));
	if (protocol == P1_1984 && (*why = message_is_1988(m)) != NULL)
		return -1;
	switch (m->type) {
	case MESSAGE_USER:
		mpdu->c.chosen = MPDU_USER;
		mpdu->u.user.a.present = 1 << UM_ENVELOPE | 1 << UM_CONTENT;
		p1_octets_put(&mpdu->u.user.content, NULL, m->content_len);
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
