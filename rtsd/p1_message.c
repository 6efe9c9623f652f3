/* SPDX-License-Identifier: ISC */

/*
 * From P1 as ASN.1 (p1_84.h) to struct message: X.411-1984 clause 4.3,
 * and what X.411-1988 has in the same places.  What it has besides is in
 * p1_88_in.c.  Limits were checked when the octets were
 * decoded.
 */

#include <errno.h>
#include <string.h>

#include "p1_84.h"
#include "p1_88.h"
#include "p1_impl.h"

void
p1_text_get(char *buf, size_t size, const struct asn1_octets *s)
{
	size_t	n = s->len < size ? s->len : size - 1;

	if (n > 0)
		memcpy(buf, s->p, n);
	buf[n] = '\0';
}

void
p1_time_get(struct utctime *t, const struct asn1_octets *s)
{
	p1_text_get(t->text, sizeof(t->text), s);
}

void
p1_domain_get(struct global_domain *d, const struct p1_domain *v)
{
	p1_text_get(d->country, sizeof(d->country), &v->country);
	p1_text_get(d->admd, sizeof(d->admd), &v->admd);
	p1_text_get(d->prmd, sizeof(d->prmd), &v->prmd);
	d->country_numeric = v->country.tag == BER_NUMERIC_STRING;
	d->admd_numeric = v->admd.tag == BER_NUMERIC_STRING;
	d->prmd_numeric = v->prmd.tag == BER_NUMERIC_STRING;
}

static void
identifier_get(struct mts_identifier *id, const struct p1_identifier *v)
{
	p1_domain_get(&id->domain, &v->domain);
	p1_text_get(id->local, sizeof(id->local), &v->local);
}

/* First octet of a BIT STRING, bits that are not there zero. */
uint8_t
p1_flags_get(const struct asn1_bits *bits)
{
	if (bits->nbits == 0)
		return 0;
	return bits->nbits >= 8 ? bits->p[0] :
	    bits->p[0] & (0xff00 >> bits->nbits);
}

int
p1_octets_get(struct message *m, uint8_t **p, uint32_t *len,
    const struct asn1_octets *s)
{
	if ((*p = (uint8_t *)message_memdup(m, s->p, s->len)) == NULL)
		return -1;
	*len = s->len;
	return 0;
}

/* Types beyond the 32nd have never been given out. */
int
p1_eits_get(struct message *m, struct eits *e, const struct p1_eits *v)
{
	uint32_t	i;

	e->present = 1;
	e->nbits = v->bits.nbits < 32 ? v->bits.nbits : 32;
	for (i = 0; i < e->nbits; i++)
		if (v->bits.p[i / 8] & 0x80 >> i % 8)
			e->bits |= 0x80000000u >> i;
	if (p1_external_get(m, e, &v->external) == -1)
		return -1;
	if (v->others.len == 0)
		return 0;
	if (p1_octets_get(m, &e->other, &e->other_len, &v->others) == -1)
		return -1;
	return e->nexternal > 0 ? 0 : p1_external_find(m, e);
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
		p1_domain_get(&t->domain, &v->domain);
		p1_time_get(&t->arrival, &v->supplied.arrival);
		p1_time_get(&t->deferred, &v->supplied.deferred);
		t->action = v->supplied.action;
		t->other_actions = p1_flags_get(&v->supplied.other_actions);
		if (ASN1_HAS(&v->supplied, DS_PREVIOUS)) {
			t->has_previous = 1;
			p1_domain_get(&t->previous, &v->supplied.previous);
		}
		if (ASN1_HAS(&v->supplied, DS_CONVERTED) &&
		    p1_eits_get(m, &t->converted, &v->supplied.converted) == -1)
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
		p1_text_get(b->country, sizeof(b->country), &v->country);
		p1_text_get(b->admd, sizeof(b->admd), &v->admd);
		b->country_numeric = v->country.tag == BER_NUMERIC_STRING;
		b->admd_numeric = v->admd.tag == BER_NUMERIC_STRING;
		if (p1_octets_get(m, &b->info, &b->info_len, &v->info) == -1)
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
		r->flags = p1_flags_get(&v->flags);
		if (ASN1_HAS(v, RI_CONVERSION)) {
			r->has_conversion = 1;
			r->explicit_conversion = v->conversion;
		}
		if (p1_recipient_extensions_get(m, r, &v->extensions) == -1)
			return -1;
	}
	return 0;
}

static void
content_id_get(struct message *m, int present, const struct asn1_octets *s)
{
	m->has_content_id = present;
	if (present)
		p1_text_get(m->content_id, sizeof(m->content_id), s);
}

/* A content-type of 1988 is the one or the other. */
static int
content_type_get(struct message *m, int has, int64_t type, int has_oid,
    const struct asn1_octets *oid)
{
	if (has + has_oid > 1) {
		errno = EINVAL;
		return -1;
	}
	if (has)
		m->content_type = type;
	return has_oid ? p1_oid_get(m, &m->content_oid, oid) : 0;
}

static int
envelope_get(struct message *m, const struct p1_envelope *v)
{
	identifier_get(&m->id, &v->id);
	if (content_type_get(m, ASN1_HAS(v, UE_CONTENT_TYPE), v->content_type,
	    ASN1_HAS(v, UE_CONTENT_OID), &v->content_oid) == -1)
		return -1;
	content_id_get(m, ASN1_HAS(v, UE_CONTENT_ID), &v->content_id);
	m->priority = v->priority;
	m->indicators = p1_flags_get(&v->indicators);
	p1_time_get(&m->deferred, &v->deferred);
	if (or_address_from_name(m, &m->originator, &v->originator) == -1)
		return -1;
	if (ASN1_HAS(v, UE_ORIGINAL) &&
	    p1_eits_get(m, &m->original, &v->original) == -1)
		return -1;
	if (recipients_get(m, &v->recipients) == -1 ||
	    p1_message_extensions_get(m, &v->extensions) == -1)
		return -1;
	return trace_get(m, &m->trace, &m->ntrace, &v->trace);
}

static int
probe_get(struct message *m, const struct p1_probe *v)
{
	identifier_get(&m->id, &v->id);
	if (content_type_get(m, ASN1_HAS(v, PE_CONTENT_TYPE), v->content_type,
	    ASN1_HAS(v, PE_CONTENT_OID), &v->content_oid) == -1)
		return -1;
	content_id_get(m, ASN1_HAS(v, PE_CONTENT_ID), &v->content_id);
	m->indicators = p1_flags_get(&v->indicators);
	if (ASN1_HAS(v, PE_LENGTH))
		m->probe_length = v->length;
	if (or_address_from_name(m, &m->originator, &v->originator) == -1)
		return -1;
	if (ASN1_HAS(v, PE_ORIGINAL) &&
	    p1_eits_get(m, &m->original, &v->original) == -1)
		return -1;
	if (recipients_get(m, &v->recipients) == -1 ||
	    p1_message_extensions_get(m, &v->extensions) == -1)
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
	r->flags = p1_flags_get(&v->flags);
	p1_time_get(&r->arrival, &last->arrival);
	if (ASN1_HAS(last, LT_CONVERTED) &&
	    p1_eits_get(m, &r->converted, &last->converted) == -1)
		return -1;
	r->type_of_ua = r->diagnostic = -1;
	if (last->report.c.chosen == REPORT_DELIVERED) {
		r->delivered = 1;
		p1_time_get(&r->delivery, &last->report.delivered.delivery);
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
	return p1_reported_extensions_get(m, r, &v->extensions);
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
	    p1_octets_get(m, &m->billing, &m->billing_len, &c->billing) == -1)
		return -1;
	if (ASN1_HAS(c, RC_ORIGINAL_EITS) &&
	    p1_eits_get(m, &m->original, &c->original_eits) == -1)
		return -1;
	if (content_type_get(m, ASN1_HAS(c, RC_CONTENT_TYPE), c->content_type,
	    ASN1_HAS(c, RC_CONTENT_OID), &c->content_oid) == -1 ||
	    p1_report_extensions_get(m, &v->envelope.extensions,
	    &c->extensions) == -1)
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

static int
message_get(struct message *m, const struct p1_mpdu *mpdu)
{
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

/* Information of domains, where the two protocols differ. */
static int
bilaterals_get(enum p1_protocol protocol, struct message *m,
    const struct p1_mpdu *mpdu)
{
	const struct asn1_list	*list;

	if (mpdu->c.chosen == MPDU_REPORT)
		return 0;
	list = mpdu->c.chosen == MPDU_USER ? &mpdu->u.user.envelope.bilateral :
	    &mpdu->u.probe.bilateral;
	return protocol == P1_1984 ? bilateral_get(m, list) :
	    p1_bilateral_88_get(m, list);
}

int
p1_message_from_mpdu(enum p1_protocol protocol, struct message *m,
    const struct p1_mpdu *mpdu, const char **why)
{
	errno = ENOMEM;
	m->content_type = -1;
	m->probe_length = -1;
	if (message_get(m, mpdu) == -1 ||
	    bilaterals_get(protocol, m, mpdu) == -1) {
		*why = errno == EINVAL ? "an O/R name or an extension with "
		    "something twice, or with too much in it" :
		    "out of memory";
		return -1;
	}
	if (mpdu->c.chosen != MPDU_REPORT && m->content_type == -1 &&
	    m->content_oid == NULL) {
		*why = "no content-type";
		return -1;
	}
	return 0;
}
