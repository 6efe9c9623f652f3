/* SPDX-License-Identifier: ISC */

/*
 * From struct message to P1 of 1988 as ASN.1: extensions (X.411 9), those
 * of X.411 by their number, private ones behind them as they stand; and small
 * things that 1984 does not have.
 */

#include <string.h>

#include "oid.h"
#include "p1_88.h"
#include "p1_impl.h"

static void *
out_alloc(struct p1_out *o, size_t n)
{
	void	*p;

	if ((p = asn1_memory_alloc(o->memory, n > 0 ? n : 1)) == NULL &&
	    o->why == NULL)
		o->why = "out of memory";
	return p;
}

void
p1_oid_put(struct p1_out *o, struct asn1_octets *s, const char *text)
{
	uint8_t	*p;
	int	 n;

	if ((p = out_alloc(o, UB_OID)) == NULL)
		return;
	if ((n = oid_from_text(text, strlen(text), p)) == -1) {
		if (o->why == NULL)
			o->why = "no object identifier";
		return;
	}
	p1_octets_put(s, p, n);
}

void
p1_external_put(struct p1_out *o, struct p1_eits *v, const struct eits *e)
{
	struct asn1_octets	*s;
	uint32_t		 i;

	if ((s = p1_list_put(o, &v->external, e->nexternal, sizeof(*s))) ==
	    NULL)
		return;
	ASN1_PUT(v, EIT_EXTERNAL);
	for (i = 0; i < e->nexternal; i++)
		p1_oid_put(o, &s[i], e->external[i]);
}

uint32_t
p1_bilateral_88_put(struct p1_out *o, struct asn1_list *list,
    const struct message *m, int row)
{
	const struct bilateral_info	*b = m->bilateral;
	struct p1_bilateral_88		*v;
	struct p1_private_domain	*p;
	uint32_t			 i;

	if ((v = p1_list_put(o, list, m->nbilateral, sizeof(*v))) == NULL)
		return 0;
	for (i = 0; i < m->nbilateral; i++, b++, v++) {
		v->a.present = 7;
		p1_text_put(&v->country, b->country, b->country_numeric);
		if (b->prmd[0] != '\0') {
			p = &v->domain.private;
			v->domain.c.chosen = BD_PRIVATE;
			p->a.present = 1 << PD_ADMD | 1 << PD_PRMD;
			p1_text_put(&p->admd, b->admd, b->admd_numeric);
			p1_text_put(&p->prmd, b->prmd, b->prmd_numeric);
		} else
			p1_text_put(&v->domain.admd, b->admd,
			    b->admd_numeric);
		p1_octets_put(&v->info, b->info, b->info_len);
	}
	return 1u << row;
}

/*
 * Extensions are gathered by number; most lists stay empty and then there is
 * no SET of them at all, for an empty one has been refused by some.
 */

struct gathered {
	struct p1_out		*o;
	struct p1_extension	*by_number[EXT_TYPE_MAX];
	uint32_t		 n;
};

static void
criticality_put(struct p1_out *o, struct p1_extension *x, uint8_t criticality)
{
	int	nbits = 8;

	if (criticality == 0)
		return;
	while ((criticality & 1 << (8 - nbits)) == 0)
		nbits--;
	ASN1_PUT(x, EX_CRITICALITY);
	*p1_bits_put(o, &x->criticality, nbits) = criticality;
}

/* An extension with a value of its type, zeroed; NULL: no memory, twice. */
static void *
field_put(struct gathered *g, int type, uint8_t criticality)
{
	const struct asn1_type	*t = p1_88_extension_type(type);
	struct p1_extension	*x;

	if (g->by_number[type] != NULL) {
		if (g->o->why == NULL)
			g->o->why = "an extension is there twice";
		return NULL;
	}
	if ((x = out_alloc(g->o, sizeof(*x))) == NULL)
		return NULL;
	g->by_number[type] = x;
	g->n++;
	ASN1_PUT(x, EX_TYPE);
	x->type.c.chosen = ET_STANDARD;
	x->type.standard = type;
	criticality_put(g->o, x, criticality);
	ASN1_PUT(x, EX_VALUE);
	x->value.type = t;
	return x->value.value = out_alloc(g->o, t->size);
}

static void
flag_put(struct gathered *g, int type, const struct ext_flag *v)
{
	int64_t	*p;

	if (v->set && (p = field_put(g, type, v->criticality)) != NULL)
		*p = 1;
}

static void
name_put(struct gathered *g, int type, const struct ext_name *v)
{
	struct or_name	*p;

	if (!OR_ABSENT(&v->name) &&
	    (p = field_put(g, type, v->criticality)) != NULL)
		p1_name_put(g->o, p, &v->name);
}

static void
names_put(struct gathered *g, int type, const struct ext_names *v)
{
	struct asn1_list	*list;
	struct or_name		*p;
	uint32_t		 i;

	if (v->n == 0 || (list = field_put(g, type, v->criticality)) == NULL ||
	    (p = p1_list_put(g->o, list, v->n, sizeof(*p))) == NULL)
		return;
	for (i = 0; i < v->n; i++)
		p1_name_put(g->o, &p[i], &v->name[i]);
}

static void
latest_put(struct gathered *g, const struct ext_time *v)
{
	struct asn1_octets	*p;

	if (v->time.text[0] != '\0' && (p = field_put(g,
	    EXT_LATEST_DELIVERY_TIME, v->criticality)) != NULL)
		p1_text_put(p, v->time.text, 0);
}

static void
methods_put(struct gathered *g, const struct ext_methods *v)
{
	struct asn1_list	*list;
	int64_t			*p;
	int			 i;

	if (v->n == 0 || (list = field_put(g, EXT_REQUESTED_DELIVERY_METHOD,
	    v->criticality)) == NULL ||
	    (p = p1_list_put(g->o, list, v->n, sizeof(*p))) == NULL)
		return;
	for (i = 0; i < v->n; i++)
		p[i] = v->method[i];
}

static void
correlator_put(struct gathered *g, const struct ext_correlator *v)
{
	struct p1_correlator	*p;

	if (v->kind == CORRELATOR_ABSENT || (p = field_put(g,
	    EXT_CONTENT_CORRELATOR, v->criticality)) == NULL)
		return;
	p->c.chosen = v->kind == CORRELATOR_IA5 ? CC_IA5 :
	    v->kind == CORRELATOR_OCTETS ? CC_OCTETS : CC_ANY;
	/* Octets of a length but at no place would be taken for a content. */
	p1_octets_put(&p->value, v->octets, v->octets != NULL ? v->len : 0);
}

static void
redirections_put(struct gathered *g, const struct redirection_history *v)
{
	struct asn1_list	*list;
	struct p1_redirection	*p;
	uint32_t		 i;

	if (v->n == 0 || (list = field_put(g, EXT_REDIRECTION_HISTORY,
	    v->criticality)) == NULL ||
	    (p = p1_list_put(g->o, list, v->n, sizeof(*p))) == NULL)
		return;
	for (i = 0; i < v->n; i++, p++) {
		p->a.present = 1 << RD_NAME | 1 << RD_REASON;
		p->reason = v->e[i].reason;
		p->name.a.present = 1 << IR_RECIPIENT | 1 << IR_TIME;
		p1_name_put(g->o, &p->name.recipient, &v->e[i].intended);
		p1_text_put(&p->name.time, v->e[i].time.text, 0);
	}
}

static void
dl_history_put(struct gathered *g, int type, const struct dl_history *v)
{
	struct asn1_list	*list;
	struct p1_dl_expansion	*p;
	uint32_t		 i;

	if (v->n == 0 || (list = field_put(g, type, v->criticality)) == NULL ||
	    (p = p1_list_put(g->o, list, v->n, sizeof(*p))) == NULL)
		return;
	for (i = 0; i < v->n; i++, p++) {
		p->a.present = 1 << DL_NAME | 1 << DL_TIME;
		p1_name_put(g->o, &p->name, &v->e[i].name);
		p1_text_put(&p->time, v->e[i].time.text, 0);
	}
}

static void
attempted_put(struct p1_mta_supplied *s,
    const struct internal_trace_element *e)
{
	if (e->attempted == ATTEMPTED_NONE)
		return;
	ASN1_PUT(s, MS_ATTEMPTED);
	if (e->attempted == ATTEMPTED_MTA) {
		s->attempted.c.chosen = AT_MTA;
		p1_text_put(&s->attempted.mta, e->attempted_mta, 0);
		s->attempted.mta.tag = BER_IA5_STRING;
	} else {
		s->attempted.c.chosen = AT_DOMAIN;
		p1_domain_put(&s->attempted.domain, &e->attempted_domain);
	}
}

static void
internal_put(struct gathered *g, const struct internal_trace *v)
{
	const struct internal_trace_element	*e = v->e;
	struct asn1_list			*list;
	struct p1_internal_trace		*p;
	struct p1_mta_supplied			*s;
	uint32_t				 i;

	if (v->n == 0 || (list = field_put(g, EXT_INTERNAL_TRACE_INFORMATION,
	    v->criticality)) == NULL ||
	    (p = p1_list_put(g->o, list, v->n, sizeof(*p))) == NULL)
		return;
	for (i = 0; i < v->n; i++, p++, e++) {
		p->a.present = 1 << IT_DOMAIN | 1 << IT_MTA | 1 << IT_SUPPLIED;
		p1_domain_put(&p->domain, &e->domain);
		p1_text_put(&p->mta, e->mta, 0);
		p->mta.tag = BER_IA5_STRING;
		s = &p->supplied;
		s->a.present = 1 << MS_ACTION |
		    p1_time_put(&s->arrival, &e->arrival, MS_ARRIVAL) |
		    p1_time_put(&s->deferred, &e->deferred, MS_DEFERRED) |
		    p1_eits_put(g->o, &s->converted, &e->converted,
		    MS_CONVERTED);
		s->action = e->action;
		attempted_put(s, e);
		if (e->other_actions != 0) {
			ASN1_PUT(s, MS_OTHER_ACTIONS);
			*p1_bits_put(g->o, &s->other_actions,
			    P1_ACTIONS_BITS(e->other_actions)) =
			    e->other_actions;
		}
	}
}

static void
reporting_mta_put(struct gathered *g, const struct reporting_mta *v)
{
	struct p1_reporting_mta	*p;

	if (!v->present || (p = field_put(g, EXT_REPORTING_MTA_NAME,
	    v->criticality)) == NULL)
		return;
	p->a.present = 1 << RN_DOMAIN | 1 << RN_MTA;
	p1_domain_put(&p->domain, &v->domain);
	p1_text_put(&p->mta, v->mta, 0);
	p->mta.tag = BER_IA5_STRING;
	if (v->directory_len > 0) {
		ASN1_PUT(p, RN_DIRECTORY);
		p1_octets_put(&p->directory, v->directory, v->directory_len);
	}
}

static void
kept_put(struct p1_out *o, struct p1_extension *x, const struct extension *e)
{
	ASN1_PUT(x, EX_TYPE);
	if (e->oid != NULL) {
		x->type.c.chosen = ET_PRIVATE;
		p1_oid_put(o, &x->type.private, e->oid);
	} else {
		x->type.c.chosen = ET_STANDARD;
		x->type.standard = e->type;
	}
	criticality_put(o, x, e->criticality);
	if (e->len > 0) {
		ASN1_PUT(x, EX_VALUE);
		p1_octets_put(&x->value.octets, e->value, e->len);
	}
}

/* The next by number of those in the list behind the number given. */
static const struct extension *
next_kept(const struct extensions *v, int after)
{
	const struct extension	*best = NULL;
	uint32_t		 i;

	for (i = 0; i < v->n; i++)
		if (v->e[i].oid == NULL && v->e[i].type > after &&
		    (best == NULL || v->e[i].type < best->type))
			best = &v->e[i];
	return best;
}

static int
gathered_put(struct gathered *g, struct asn1_list *list,
    const struct extensions *v)
{
	const struct extension	*e;
	struct p1_extension	*x;
	int			 i, last = 0;
	uint32_t		 k;

	if (g->n + v->n == 0 || g->o->why != NULL ||
	    (x = p1_list_put(g->o, list, g->n + v->n, sizeof(*x))) == NULL)
		return 0;
	list->n = 0;
	e = next_kept(v, 0);
	for (i = 1; i < EXT_TYPE_MAX || e != NULL; i++) {
		if (i < EXT_TYPE_MAX && g->by_number[i] != NULL) {
			x[list->n++] = *g->by_number[i];
			last = i;
		}
		if (e == NULL || e->type > i)
			continue;
		if (e->type == last && g->o->why == NULL)
			g->o->why = "an extension is there twice";
		kept_put(g->o, &x[list->n++], e);
		e = next_kept(v, i);
	}
	for (k = 0; k < v->n; k++)
		if (v->e[k].oid != NULL)
			kept_put(g->o, &x[list->n++], &v->e[k]);
	return 1;
}

int
p1_message_extensions_put(struct p1_out *o, struct asn1_list *list,
    const struct message *m)
{
	struct gathered	g = { .o = o };

	flag_put(&g, EXT_RECIPIENT_REASSIGNMENT_PROHIBITED,
	    &m->reassignment_prohibited);
	flag_put(&g, EXT_DL_EXPANSION_PROHIBITED, &m->dl_expansion_prohibited);
	flag_put(&g, EXT_CONVERSION_WITH_LOSS_PROHIBITED,
	    &m->conversion_loss_prohibited);
	latest_put(&g, &m->latest_delivery);
	correlator_put(&g, &m->correlator);
	dl_history_put(&g, EXT_DL_EXPANSION_HISTORY, &m->dl_expansion);
	internal_put(&g, &m->internal);
	names_put(&g, EXT_DL_EXEMPTED_RECIPIENTS, &m->dl_exempted);
	return gathered_put(&g, list, &m->extension);
}

int
p1_recipient_extensions_put(struct p1_out *o, struct asn1_list *list,
    const struct recipient *r)
{
	struct gathered	g = { .o = o };

	name_put(&g, EXT_ORIGINATOR_REQUESTED_ALTERNATE_RECIPIENT,
	    &r->alternate);
	methods_put(&g, &r->methods);
	redirections_put(&g, &r->redirection);
	return gathered_put(&g, list, &r->extension);
}

int
p1_reported_extensions_put(struct p1_out *o, struct asn1_list *list,
    const struct reported_recipient *r)
{
	struct gathered	g = { .o = o };

	redirections_put(&g, &r->redirection);
	return gathered_put(&g, list, &r->extension);
}

void
p1_report_88_put(struct p1_out *o, struct p1_report_mpdu *v,
    const struct message *m)
{
	struct p1_report_content	*c = &v->content;
	struct gathered			 g = { .o = o };

	redirections_put(&g, &m->redirection);
	dl_history_put(&g, EXT_ORIGINATOR_AND_DL_EXPANSION_HISTORY,
	    &m->originator_and_dl);
	name_put(&g, EXT_REPORTING_DL_NAME, &m->reporting_dl);
	internal_put(&g, &m->internal);
	reporting_mta_put(&g, &m->reporting_mta);
	if (gathered_put(&g, &v->envelope.extensions, &m->extension))
		ASN1_PUT(&v->envelope, RE_EXTENSIONS);
	memset(&g, 0, sizeof(g));
	g.o = o;
	correlator_put(&g, &m->correlator);
	if (gathered_put(&g, &c->extensions, &m->content_extension))
		ASN1_PUT(c, RC_EXTENSIONS);
	c->a.present |= p1_eits_put(o, &c->original_eits, &m->original,
	    RC_ORIGINAL_EITS);
	if ((c->content_type = m->content_type) != -1)
		ASN1_PUT(c, RC_CONTENT_TYPE);
	if (m->content_oid != NULL) {
		ASN1_PUT(c, RC_CONTENT_OID);
		p1_oid_put(o, &c->content_oid, m->content_oid);
	}
}
