/* SPDX-License-Identifier: ISC */

/*
 * From P1 of 1988 as ASN.1 to struct message: extensions (X.411 9), each to
 * its field or to a list; and small things that 1984 does not have.
 */

#include <errno.h>
#include <string.h>

#include "oid.h"
#include "p1_88.h"
#include "p1_impl.h"

static int
invalid(void)
{
	errno = EINVAL;
	return -1;
}

int
p1_oid_get(struct message *m, char **oid, const struct asn1_octets *s)
{
	char	text[UB_OID_TEXT + 1];

	if (oid_to_text(s->p, s->len, text) == -1)
		return invalid();
	*oid = message_memdup(m, text, strlen(text));
	return *oid == NULL ? -1 : 0;
}

int
p1_external_get(struct message *m, struct eits *e,
    const struct asn1_list *list)
{
	const struct asn1_octets	*v = list->p;
	uint32_t			 i;

	if (list->n == 0)
		return 0;
	if ((e->external = message_alloc(m, list->n * sizeof(char *))) ==
	    NULL)
		return -1;
	for (i = 0; i < list->n; i++)
		if (p1_oid_get(m, &e->external[i], &v[i]) == -1)
			return -1;
	e->nexternal = list->n;
	return 0;
}

/*
 * Systems of 1988 leave external types behind in P1 of 1984, where they are
 * one of the members that nobody knows.  What cannot be read stays there.
 */
int
p1_external_find(struct message *m, struct eits *e)
{
	struct asn1_memory	memory;
	struct asn1		a;
	struct asn1_list	list = { NULL, 0 };
	struct ber		b, at;
	struct ber_element	el;
	int			r = 0;

	ber_init(&b, e->other, e->other_len);
	for (;;) {
		at = b;
		if (b.p == b.end || ber_next(&b, &el) != 1)
			return 0;
		if (el.h.tag == BER_CONTEXT(4) && el.h.constructed)
			break;
		if (ber_skip(&b, &el) == -1)
			return 0;
	}
	asn1_memory_init(&memory, P1_MEMORY_MAX);
	asn1_init(&a, &memory);
	if (asn1_decode_tagged(&a, &p1_88_type_external_eits, &at, &list) ==
	    0) {
		r = p1_external_get(m, e, &list);
		e->other_len -= at.p - el.start;
		memmove((uint8_t *)(uintptr_t)el.start, at.p,
		    e->other + e->other_len - el.start);
	}
	asn1_memory_free(&memory);
	return r;
}

int
p1_bilateral_88_get(struct message *m, const struct asn1_list *list)
{
	const struct p1_bilateral_88	*v = list->p;
	const struct asn1_octets	*admd;
	struct bilateral_info		*b;
	uint32_t			 i;

	if (list->n == 0)
		return 0;
	if ((b = message_alloc(m, list->n * sizeof(*b))) == NULL)
		return -1;
	m->bilateral = b;
	m->nbilateral = list->n;
	for (i = 0; i < list->n; i++, b++, v++) {
		admd = &v->domain.admd;
		if (v->domain.c.chosen == BD_PRIVATE) {
			admd = &v->domain.private.admd;
			p1_text_get(b->prmd, sizeof(b->prmd),
			    &v->domain.private.prmd);
			b->prmd_numeric = v->domain.private.prmd.tag ==
			    BER_NUMERIC_STRING;
			/* None is not a private domain of no name. */
			if (b->prmd[0] == '\0')
				return invalid();
		}
		p1_text_get(b->country, sizeof(b->country), &v->country);
		p1_text_get(b->admd, sizeof(b->admd), admd);
		b->country_numeric = v->country.tag == BER_NUMERIC_STRING;
		b->admd_numeric = admd->tag == BER_NUMERIC_STRING;
		if (p1_octets_get(m, &b->info, &b->info_len, &v->info) == -1)
			return -1;
	}
	return 0;
}

/* Extensions that have a field. */

static int
flag_get(struct ext_flag *to, const struct p1_extension *x)
{
	to->set = *(const int64_t *)x->value.value != 0;
	to->criticality = to->set ? p1_flags_get(&x->criticality) : 0;
	return 0;
}

static int
name_get(struct message *m, struct ext_name *to, const struct p1_extension *x)
{
	to->criticality = p1_flags_get(&x->criticality);
	return or_address_from_name(m, &to->name, x->value.value);
}

static int
names_get(struct message *m, struct ext_names *to,
    const struct p1_extension *x)
{
	const struct asn1_list	*list = x->value.value;
	const struct or_name	*v = list->p;
	uint32_t		 i;

	to->criticality = p1_flags_get(&x->criticality);
	if ((to->name = message_alloc(m, list->n * sizeof(*to->name))) ==
	    NULL)
		return -1;
	for (i = 0; i < list->n; i++)
		if (or_address_from_name(m, &to->name[i], &v[i]) == -1)
			return -1;
	to->n = list->n;
	return 0;
}

static int
methods_get(struct message *m, struct ext_methods *to,
    const struct p1_extension *x)
{
	const struct asn1_list	*list = x->value.value;
	const int64_t		*v = list->p;
	uint32_t		 i;

	to->criticality = p1_flags_get(&x->criticality);
	if ((to->method = message_alloc(m, list->n * sizeof(*to->method))) ==
	    NULL)
		return -1;
	for (i = 0; i < list->n; i++)
		to->method[i] = v[i];
	to->n = list->n;
	return 0;
}

static int
correlator_get(struct message *m, struct ext_correlator *to,
    const struct p1_extension *x)
{
	static const uint8_t		 kind[] = {
		[CC_IA5] = CORRELATOR_IA5, [CC_OCTETS] = CORRELATOR_OCTETS,
		[CC_ANY] = CORRELATOR_ANY
	};
	const struct p1_correlator	*v = x->value.value;

	to->criticality = p1_flags_get(&x->criticality);
	to->kind = kind[v->c.chosen];
	return p1_octets_get(m, &to->octets, &to->len, &v->value);
}

static int
redirections_get(struct message *m, struct redirection_history *to,
    const struct p1_extension *x)
{
	const struct asn1_list		*list = x->value.value;
	const struct p1_redirection	*v = list->p;
	struct redirection		*e;
	uint32_t			 i;

	to->criticality = p1_flags_get(&x->criticality);
	if ((to->e = e = message_alloc(m, list->n * sizeof(*e))) == NULL)
		return -1;
	for (i = 0; i < list->n; i++, e++, v++) {
		if (or_address_from_name(m, &e->intended,
		    &v->name.recipient) == -1)
			return -1;
		p1_time_get(&e->time, &v->name.time);
		e->reason = v->reason;
	}
	to->n = list->n;
	return 0;
}

static int
dl_history_get(struct message *m, struct dl_history *to,
    const struct p1_extension *x)
{
	const struct asn1_list		*list = x->value.value;
	const struct p1_dl_expansion	*v = list->p;
	struct dl_expansion		*e;
	uint32_t			 i;

	to->criticality = p1_flags_get(&x->criticality);
	if ((to->e = e = message_alloc(m, list->n * sizeof(*e))) == NULL)
		return -1;
	for (i = 0; i < list->n; i++, e++, v++) {
		if (or_address_from_name(m, &e->name, &v->name) == -1)
			return -1;
		p1_time_get(&e->time, &v->time);
	}
	to->n = list->n;
	return 0;
}

static int
internal_get(struct message *m, struct internal_trace *to,
    const struct p1_extension *x)
{
	const struct asn1_list		*list = x->value.value;
	const struct p1_internal_trace	*v = list->p;
	const struct p1_mta_supplied	*s;
	struct internal_trace_element	*e;
	uint32_t			 i;

	to->criticality = p1_flags_get(&x->criticality);
	if ((to->e = e = message_alloc(m, list->n * sizeof(*e))) == NULL)
		return -1;
	for (i = 0; i < list->n; i++, e++, v++) {
		s = &v->supplied;
		p1_domain_get(&e->domain, &v->domain);
		p1_text_get(e->mta, sizeof(e->mta), &v->mta);
		p1_time_get(&e->arrival, &s->arrival);
		p1_time_get(&e->deferred, &s->deferred);
		e->action = s->action;
		e->other_actions = p1_flags_get(&s->other_actions);
		if (ASN1_HAS(s, MS_CONVERTED) &&
		    p1_eits_get(m, &e->converted, &s->converted) == -1)
			return -1;
		if (!ASN1_HAS(s, MS_ATTEMPTED))
			continue;
		if (s->attempted.c.chosen == AT_MTA) {
			e->attempted = ATTEMPTED_MTA;
			p1_text_get(e->attempted_mta,
			    sizeof(e->attempted_mta), &s->attempted.mta);
		} else {
			e->attempted = ATTEMPTED_DOMAIN;
			p1_domain_get(&e->attempted_domain,
			    &s->attempted.domain);
		}
	}
	to->n = list->n;
	return 0;
}

static int
reporting_mta_get(struct message *m, struct reporting_mta *to,
    const struct p1_extension *x)
{
	const struct p1_reporting_mta	*v = x->value.value;
	uint32_t			 len;

	to->present = 1;
	to->criticality = p1_flags_get(&x->criticality);
	p1_domain_get(&to->domain, &v->domain);
	p1_text_get(to->mta, sizeof(to->mta), &v->mta);
	if (!ASN1_HAS(v, RN_DIRECTORY))
		return 0;
	if (p1_octets_get(m, &to->directory, &len, &v->directory) == -1)
		return -1;
	to->directory_len = len;
	return 0;
}

/* All others: octets made anew when we know what they say. */
static int
keep(struct message *m, struct extension *to, const struct p1_extension *x)
{
	const struct asn1_open	*v = &x->value;
	int			 r;

	to->criticality = p1_flags_get(&x->criticality);
	if (x->type.c.chosen == ET_STANDARD)
		to->type = x->type.standard;
	else if (p1_oid_get(m, &to->oid, &x->type.private) == -1)
		return -1;
	if (!ASN1_HAS(x, EX_VALUE))
		return 0;
	if (v->type != NULL && (v->type->flags & ASN1_VERBATIM) == 0)
		r = asn1_to_message(m, v->type, v->value, &to->value,
		    &to->len);
	else
		r = p1_octets_get(m, &to->value, &to->len, &v->octets);
	if (r == -1)
		return -1;
	/* NULL is the default. */
	if (to->len == 2 && memcmp(to->value, "\5\0", 2) == 0) {
		to->value = NULL;
		to->len = 0;
	}
	return to->len > UB_EXTENSION_VALUE ? invalid() : 0;
}

/*
 * Each list of extensions: get takes those that have a field where they are
 * found and returns 1, 0 when it leaves one to the list, or -1.
 */

struct holder {
	struct message			*m;
	struct recipient		*recipient;
	struct reported_recipient	*reported;
};

static int
extensions_get(const struct holder *h, struct extensions *to,
    const struct asn1_list *list,
    int (*get)(const struct holder *, const struct p1_extension *, int))
{
	const struct p1_extension	*x = list->p;
	uint8_t				 seen[(256 + 8) / 8] = { 0 };
	uint32_t			 i;
	int				 n, r;

	for (i = 0; i < list->n; i++, x++) {
		n = x->type.c.chosen == ET_STANDARD ? x->type.standard : 0;
		/* At most one instance of each extension type. */
		if (x->type.c.chosen == ET_STANDARD) {
			if (n == 0 || (seen[n / 8] & 1 << n % 8))
				return invalid();
			seen[n / 8] |= 1 << n % 8;
		}
		r = 0;
		if (p1_88_extension_type(n) != NULL) {
			if (!ASN1_HAS(x, EX_VALUE) &&
			    p1_88_extension_type(n)->kind != ASN1_ANY)
				return invalid();
			if ((r = get(h, x, n)) == -1)
				return -1;
		}
		if (r == 1)
			continue;
		if (to->e == NULL && (to->e = message_alloc(h->m,
		    (list->n - i) * sizeof(*to->e))) == NULL)
			return -1;
		if (keep(h->m, &to->e[to->n++], x) == -1)
			return -1;
	}
	return 0;
}

#define FIELD(call)	((call) == -1 ? -1 : 1)

static int
message_field(const struct holder *h, const struct p1_extension *x, int type)
{
	struct message	*m = h->m;

	switch (type) {
	case EXT_RECIPIENT_REASSIGNMENT_PROHIBITED:
		return FIELD(flag_get(&m->reassignment_prohibited, x));
	case EXT_DL_EXPANSION_PROHIBITED:
		return FIELD(flag_get(&m->dl_expansion_prohibited, x));
	case EXT_CONVERSION_WITH_LOSS_PROHIBITED:
		return FIELD(flag_get(&m->conversion_loss_prohibited, x));
	case EXT_LATEST_DELIVERY_TIME:
		m->latest_delivery.criticality =
		    p1_flags_get(&x->criticality);
		p1_time_get(&m->latest_delivery.time, x->value.value);
		return 1;
	case EXT_CONTENT_CORRELATOR:
		return FIELD(correlator_get(m, &m->correlator, x));
	case EXT_DL_EXPANSION_HISTORY:
		return FIELD(dl_history_get(m, &m->dl_expansion, x));
	case EXT_INTERNAL_TRACE_INFORMATION:
		return FIELD(internal_get(m, &m->internal, x));
	case EXT_DL_EXEMPTED_RECIPIENTS:
		return FIELD(names_get(m, &m->dl_exempted, x));
	}
	return 0;
}

static int
report_field(const struct holder *h, const struct p1_extension *x, int type)
{
	struct message	*m = h->m;

	switch (type) {
	case EXT_REDIRECTION_HISTORY:
		return FIELD(redirections_get(m, &m->redirection, x));
	case EXT_ORIGINATOR_AND_DL_EXPANSION_HISTORY:
		return FIELD(dl_history_get(m, &m->originator_and_dl, x));
	case EXT_REPORTING_DL_NAME:
		return FIELD(name_get(m, &m->reporting_dl, x));
	case EXT_INTERNAL_TRACE_INFORMATION:
		return FIELD(internal_get(m, &m->internal, x));
	case EXT_REPORTING_MTA_NAME:
		return FIELD(reporting_mta_get(m, &m->reporting_mta, x));
	}
	return 0;
}

static int
report_content_field(const struct holder *h, const struct p1_extension *x,
    int type)
{
	if (type == EXT_CONTENT_CORRELATOR)
		return FIELD(correlator_get(h->m, &h->m->correlator, x));
	return 0;
}

static int
recipient_field(const struct holder *h, const struct p1_extension *x,
    int type)
{
	struct recipient	*r = h->recipient;

	switch (type) {
	case EXT_ORIGINATOR_REQUESTED_ALTERNATE_RECIPIENT:
		return FIELD(name_get(h->m, &r->alternate, x));
	case EXT_REQUESTED_DELIVERY_METHOD:
		return FIELD(methods_get(h->m, &r->methods, x));
	case EXT_REDIRECTION_HISTORY:
		return FIELD(redirections_get(h->m, &r->redirection, x));
	}
	return 0;
}

static int
reported_field(const struct holder *h, const struct p1_extension *x, int type)
{
	if (type == EXT_REDIRECTION_HISTORY)
		return FIELD(redirections_get(h->m, &h->reported->redirection,
		    x));
	return 0;
}

int
p1_message_extensions_get(struct message *m, const struct asn1_list *list)
{
	struct holder	h = { .m = m };

	return extensions_get(&h, &m->extension, list, message_field);
}

int
p1_recipient_extensions_get(struct message *m, struct recipient *r,
    const struct asn1_list *list)
{
	struct holder	h = { .m = m, .recipient = r };

	return extensions_get(&h, &r->extension, list, recipient_field);
}

int
p1_reported_extensions_get(struct message *m, struct reported_recipient *r,
    const struct asn1_list *list)
{
	struct holder	h = { .m = m, .reported = r };

	return extensions_get(&h, &r->extension, list, reported_field);
}

int
p1_report_extensions_get(struct message *m, const struct asn1_list *envelope,
    const struct asn1_list *content)
{
	struct holder	h = { .m = m };

	if (extensions_get(&h, &m->extension, envelope, report_field) == -1)
		return -1;
	return extensions_get(&h, &m->content_extension, content,
	    report_content_field);
}
