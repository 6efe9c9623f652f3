/* SPDX-License-Identifier: ISC */

/*
 * The part of the neutral form that came with X.411-1988 (clauses 8 and 9):
 * extensions, and their serialisation behind that of version 1.
 *
 * What is there is told by bits, for a message u32 and for a recipient u8, in
 * the order in which it follows.  Most messages have none of it, and then all
 * of this costs one octet a recipient.
 */

#include <errno.h>
#include <string.h>

#include "envelope.h"
#include "envelope_impl.h"
#include "imsg.h"
#include "oid.h"

/* Of a message, in the order written. */
#define HAS_CONTENT_OID		0x0001
#define HAS_REASSIGNMENT	0x0002
#define HAS_DL_PROHIBITED	0x0004
#define HAS_LOSS_PROHIBITED	0x0008
#define HAS_LATEST		0x0010
#define HAS_EXEMPTED		0x0020
#define HAS_DL_EXPANSION	0x0040
#define HAS_CORRELATOR		0x0080
#define HAS_INTERNAL		0x0100
#define HAS_REDIRECTION		0x0200
#define HAS_ORIGINATOR_DL	0x0400
#define HAS_REPORTING_DL	0x0800
#define HAS_REPORTING_MTA	0x1000
#define HAS_EXTENSION		0x2000
#define HAS_CONTENT_EXTENSION	0x4000
#define HAS_ALL			0x7fff
/* Of a recipient and a reported recipient. */
#define RCPT_ALTERNATE		0x01	/* not of a reported one */
#define RCPT_METHODS		0x02	/* nor that */
#define RCPT_REDIRECTION	0x04
#define RCPT_EXTENSION		0x08
#define RCPT_ALL		0x0f
#define REPORTED_ALL		0x0c

/* Fewest octets that one of these takes. */
#define DL_EXPANSION_MIN	2
#define REDIRECTION_MIN		3
#define INTERNAL_MIN		11
#define EXTENSION_MIN		7
#define ADDRESS_MIN		1

int
env_is_oid(const char *s, size_t len)
{
	uint8_t octets[UB_OID];

	return (oid_from_text(s, len, octets) != -1);
}

static int
put_names(struct ibuf *b, const struct ext_names *v)
{
	uint32_t i;

	if (v->n > UB_RECIPIENTS)
		return (env_invalid());
	if (ibuf_add_n8(b, v->criticality) == -1 ||
	    ibuf_add_h16(b, v->n) == -1)
		return (-1);
	for (i = 0; i < v->n; i++)
		if (env_put_address(b, &v->name[i]) == -1)
			return (-1);
	return (0);
}

static int
put_dl_history(struct ibuf *b, const struct dl_history *v)
{
	uint32_t i;

	if (v->n > UB_ORIG_AND_DL)
		return (env_invalid());
	if (ibuf_add_n8(b, v->criticality) == -1 ||
	    ibuf_add_h16(b, v->n) == -1)
		return (-1);
	for (i = 0; i < v->n; i++)
		if (env_put_address(b, &v->e[i].name) == -1 ||
		    env_put_time(b, &v->e[i].time) == -1)
			return (-1);
	return (0);
}

static int
put_redirection(struct ibuf *b, const struct redirection_history *v)
{
	uint32_t i;

	if (v->n > UB_REDIRECTIONS)
		return (env_invalid());
	if (ibuf_add_n8(b, v->criticality) == -1 ||
	    ibuf_add_h16(b, v->n) == -1)
		return (-1);
	for (i = 0; i < v->n; i++)
		if (env_put_address(b, &v->e[i].intended) == -1 ||
		    env_put_time(b, &v->e[i].time) == -1 ||
		    ibuf_add_n8(b, v->e[i].reason) == -1)
			return (-1);
	return (0);
}

static int
put_internal(struct ibuf *b, const struct internal_trace *v)
{
	const struct internal_trace_element *t;
	uint32_t i;

	if (v->n > UB_TRACE)
		return (env_invalid());
	if (ibuf_add_n8(b, v->criticality) == -1 ||
	    ibuf_add_h16(b, v->n) == -1)
		return (-1);
	for (i = 0, t = v->e; i < v->n; i++, t++) {
		if (t->action > TRACE_REROUTED ||
		    t->attempted > ATTEMPTED_DOMAIN)
			return (env_invalid());
		if (env_put_domain(b, &t->domain) == -1 ||
		    env_put_string(b, t->mta, sizeof(t->mta)) == -1 ||
		    env_put_time(b, &t->arrival) == -1 ||
		    env_put_time(b, &t->deferred) == -1 ||
		    ibuf_add_n8(b, t->action) == -1 ||
		    ibuf_add_n8(b, t->other_actions) == -1 ||
		    env_put_eits(b, &t->converted) == -1 ||
		    ibuf_add_n8(b, t->attempted) == -1)
			return (-1);
		if (t->attempted == ATTEMPTED_MTA && env_put_string(b,
		    t->attempted_mta, sizeof(t->attempted_mta)) == -1)
			return (-1);
		if (t->attempted == ATTEMPTED_DOMAIN &&
		    env_put_domain(b, &t->attempted_domain) == -1)
			return (-1);
	}
	return (0);
}

static int
put_reporting_mta(struct ibuf *b, const struct reporting_mta *v)
{
	if (ibuf_add_n8(b, v->criticality) == -1 ||
	    env_put_domain(b, &v->domain) == -1 ||
	    env_put_string(b, v->mta, sizeof(v->mta)) == -1)
		return (-1);
	return (env_put_octets(b, v->directory, v->directory_len,
	    UB_OR_OPAQUE));
}

static int
put_extensions(struct ibuf *b, const struct extensions *v)
{
	const struct extension *e;
	uint32_t i;

	if (v->n > UB_EXTENSIONS)
		return (env_invalid());
	if (ibuf_add_h16(b, v->n) == -1)
		return (-1);
	for (i = 0, e = v->e; i < v->n; i++, e++) {
		if ((e->type == EXT_PRIVATE) != (e->oid != NULL))
			return (env_invalid());
		if (ibuf_add_h16(b, e->type) == -1 ||
		    ibuf_add_n8(b, e->criticality) == -1 ||
		    (e->oid != NULL && env_put_oid(b, e->oid) == -1) ||
		    env_put_octets(b, e->value, e->len,
		    UB_EXTENSION_VALUE) == -1)
			return (-1);
	}
	return (0);
}

static int
put_methods(struct ibuf *b, const struct ext_methods *v)
{
	int i;

	if (v->n > UB_DELIVERY_METHODS)
		return (env_invalid());
	if (ibuf_add_n8(b, v->criticality) == -1 || ibuf_add_n8(b, v->n) == -1)
		return (-1);
	for (i = 0; i < v->n; i++)
		if (ibuf_add_h16(b, v->method[i]) == -1)
			return (-1);
	return (0);
}

static int
put_name(struct ibuf *b, const struct ext_name *v)
{
	if (ibuf_add_n8(b, v->criticality) == -1)
		return (-1);
	return (env_put_address(b, &v->name));
}

static int
put_recipients(struct ibuf *b, const struct message *m)
{
	const struct recipient *r;
	uint32_t i;
	int has;

	for (i = 0, r = m->recipient; i < m->nrecipient; i++, r++) {
		has = (OR_ABSENT(&r->alternate.name) ? 0 : RCPT_ALTERNATE) |
		    (r->methods.n > 0 ? RCPT_METHODS : 0) |
		    (r->redirection.n > 0 ? RCPT_REDIRECTION : 0) |
		    (r->extension.n > 0 ? RCPT_EXTENSION : 0);
		if (ibuf_add_n8(b, has) == -1 ||
		    ((has & RCPT_ALTERNATE) &&
		    put_name(b, &r->alternate) == -1) ||
		    ((has & RCPT_METHODS) &&
		    put_methods(b, &r->methods) == -1) ||
		    ((has & RCPT_REDIRECTION) &&
		    put_redirection(b, &r->redirection) == -1) ||
		    ((has & RCPT_EXTENSION) &&
		    put_extensions(b, &r->extension) == -1))
			return (-1);
	}
	return (0);
}

static int
put_reported(struct ibuf *b, const struct message *m)
{
	const struct reported_recipient *r;
	uint32_t i;
	int has;

	for (i = 0, r = m->reported; i < m->nreported; i++, r++) {
		has = (r->redirection.n > 0 ? RCPT_REDIRECTION : 0) |
		    (r->extension.n > 0 ? RCPT_EXTENSION : 0);
		if (ibuf_add_n8(b, has) == -1 ||
		    ((has & RCPT_REDIRECTION) &&
		    put_redirection(b, &r->redirection) == -1) ||
		    ((has & RCPT_EXTENSION) &&
		    put_extensions(b, &r->extension) == -1))
			return (-1);
	}
	return (0);
}

static uint32_t
has_of(const struct message *m)
{
	return ((m->content_oid != NULL ? HAS_CONTENT_OID : 0) |
	    (m->reassignment_prohibited.set ? HAS_REASSIGNMENT : 0) |
	    (m->dl_expansion_prohibited.set ? HAS_DL_PROHIBITED : 0) |
	    (m->conversion_loss_prohibited.set ? HAS_LOSS_PROHIBITED : 0) |
	    (m->latest_delivery.time.text[0] != '\0' ? HAS_LATEST : 0) |
	    (m->dl_exempted.n > 0 ? HAS_EXEMPTED : 0) |
	    (m->dl_expansion.n > 0 ? HAS_DL_EXPANSION : 0) |
	    (m->correlator.kind != CORRELATOR_ABSENT ? HAS_CORRELATOR : 0) |
	    (m->internal.n > 0 ? HAS_INTERNAL : 0) |
	    (m->redirection.n > 0 ? HAS_REDIRECTION : 0) |
	    (m->originator_and_dl.n > 0 ? HAS_ORIGINATOR_DL : 0) |
	    (OR_ABSENT(&m->reporting_dl.name) ? 0 : HAS_REPORTING_DL) |
	    (m->reporting_mta.present ? HAS_REPORTING_MTA : 0) |
	    (m->extension.n > 0 ? HAS_EXTENSION : 0) |
	    (m->content_extension.n > 0 ? HAS_CONTENT_EXTENSION : 0));
}

int
env_put_88(struct ibuf *b, const struct message *m)
{
	uint32_t has = has_of(m);

	if (m->correlator.kind > CORRELATOR_ANY ||
	    (m->content_oid != NULL && m->content_type != -1))
		return (env_invalid());
	if (ibuf_add_h32(b, has) == -1 ||
	    ((has & HAS_CONTENT_OID) && env_put_oid(b, m->content_oid) == -1) ||
	    ((has & HAS_REASSIGNMENT) &&
	    ibuf_add_n8(b, m->reassignment_prohibited.criticality) == -1) ||
	    ((has & HAS_DL_PROHIBITED) &&
	    ibuf_add_n8(b, m->dl_expansion_prohibited.criticality) == -1) ||
	    ((has & HAS_LOSS_PROHIBITED) &&
	    ibuf_add_n8(b, m->conversion_loss_prohibited.criticality) == -1) ||
	    ((has & HAS_LATEST) &&
	    (ibuf_add_n8(b, m->latest_delivery.criticality) == -1 ||
	    env_put_time(b, &m->latest_delivery.time) == -1)) ||
	    ((has & HAS_EXEMPTED) && put_names(b, &m->dl_exempted) == -1) ||
	    ((has & HAS_DL_EXPANSION) &&
	    put_dl_history(b, &m->dl_expansion) == -1) ||
	    ((has & HAS_CORRELATOR) &&
	    (ibuf_add_n8(b, m->correlator.kind) == -1 ||
	    ibuf_add_n8(b, m->correlator.criticality) == -1 ||
	    env_put_octets(b, m->correlator.octets, m->correlator.len,
	    UB_CONTENT_CORRELATOR) == -1)) ||
	    ((has & HAS_INTERNAL) && put_internal(b, &m->internal) == -1) ||
	    ((has & HAS_REDIRECTION) &&
	    put_redirection(b, &m->redirection) == -1) ||
	    ((has & HAS_ORIGINATOR_DL) &&
	    put_dl_history(b, &m->originator_and_dl) == -1) ||
	    ((has & HAS_REPORTING_DL) && put_name(b, &m->reporting_dl) == -1) ||
	    ((has & HAS_REPORTING_MTA) &&
	    put_reporting_mta(b, &m->reporting_mta) == -1) ||
	    ((has & HAS_EXTENSION) &&
	    put_extensions(b, &m->extension) == -1) ||
	    ((has & HAS_CONTENT_EXTENSION) &&
	    put_extensions(b, &m->content_extension) == -1))
		return (-1);
	if (put_recipients(b, m) == -1)
		return (-1);
	return (m->type == MESSAGE_REPORT ? put_reported(b, m) : 0);
}

/*
 * Reading.  What a bit announces must be there, so that a message has one
 * serialised form.
 */

static int
get_names(struct message *m, struct ibuf *b, struct ext_names *v)
{
	uint32_t i;

	if (ibuf_get_n8(b, &v->criticality) == -1 ||
	    env_get_count(m, b, &v->n, &v->name, sizeof(*v->name),
	    UB_RECIPIENTS, ADDRESS_MIN) == -1 || v->n == 0)
		return (-1);
	for (i = 0; i < v->n; i++)
		if (env_get_address(m, b, &v->name[i]) == -1)
			return (-1);
	return (0);
}

static int
get_dl_history(struct message *m, struct ibuf *b, struct dl_history *v)
{
	uint32_t i;

	if (ibuf_get_n8(b, &v->criticality) == -1 ||
	    env_get_count(m, b, &v->n, &v->e, sizeof(*v->e),
	    UB_ORIG_AND_DL, DL_EXPANSION_MIN) == -1 || v->n == 0)
		return (-1);
	for (i = 0; i < v->n; i++)
		if (env_get_address(m, b, &v->e[i].name) == -1 ||
		    env_get_time(b, &v->e[i].time) == -1)
			return (-1);
	return (0);
}

static int
get_redirection(struct message *m, struct ibuf *b,
    struct redirection_history *v)
{
	uint32_t i;

	if (ibuf_get_n8(b, &v->criticality) == -1 ||
	    env_get_count(m, b, &v->n, &v->e, sizeof(*v->e),
	    UB_REDIRECTIONS, REDIRECTION_MIN) == -1 || v->n == 0)
		return (-1);
	for (i = 0; i < v->n; i++)
		if (env_get_address(m, b, &v->e[i].intended) == -1 ||
		    env_get_time(b, &v->e[i].time) == -1 ||
		    ibuf_get_n8(b, &v->e[i].reason) == -1)
			return (-1);
	return (0);
}

static int
get_internal(struct message *m, struct ibuf *b, struct internal_trace *v)
{
	struct internal_trace_element *t;
	uint32_t i;

	if (ibuf_get_n8(b, &v->criticality) == -1 ||
	    env_get_count(m, b, &v->n, &v->e, sizeof(*v->e), UB_TRACE,
	    INTERNAL_MIN) == -1 || v->n == 0)
		return (-1);
	for (i = 0, t = v->e; i < v->n; i++, t++) {
		if (env_get_domain(b, &t->domain) == -1 ||
		    env_get_string(b, t->mta, sizeof(t->mta)) == -1 ||
		    env_get_time(b, &t->arrival) == -1 ||
		    env_get_time(b, &t->deferred) == -1 ||
		    ibuf_get_n8(b, &t->action) == -1 ||
		    t->action > TRACE_REROUTED ||
		    ibuf_get_n8(b, &t->other_actions) == -1 ||
		    env_get_eits(m, b, &t->converted) == -1 ||
		    ibuf_get_n8(b, &t->attempted) == -1 ||
		    t->attempted > ATTEMPTED_DOMAIN)
			return (-1);
		if (t->attempted == ATTEMPTED_MTA && env_get_string(b,
		    t->attempted_mta, sizeof(t->attempted_mta)) == -1)
			return (-1);
		if (t->attempted == ATTEMPTED_DOMAIN &&
		    env_get_domain(b, &t->attempted_domain) == -1)
			return (-1);
	}
	return (0);
}

static int
get_reporting_mta(struct message *m, struct ibuf *b, struct reporting_mta *v)
{
	uint32_t len;

	v->present = 1;
	if (ibuf_get_n8(b, &v->criticality) == -1 ||
	    env_get_domain(b, &v->domain) == -1 ||
	    env_get_string(b, v->mta, sizeof(v->mta)) == -1 ||
	    env_get_octets(m, b, &v->directory, &len, UB_OR_OPAQUE) == -1)
		return (-1);
	v->directory_len = len;
	return (0);
}

static int
get_extensions(struct message *m, struct ibuf *b, struct extensions *v)
{
	struct extension *e;
	uint32_t i;

	if (env_get_count(m, b, &v->n, &v->e, sizeof(*v->e), UB_EXTENSIONS,
	    EXTENSION_MIN) == -1 || v->n == 0)
		return (-1);
	for (i = 0, e = v->e; i < v->n; i++, e++)
		if (ibuf_get_h16(b, &e->type) == -1 ||
		    ibuf_get_n8(b, &e->criticality) == -1 ||
		    (e->type == EXT_PRIVATE &&
		    env_get_oid(m, b, &e->oid) == -1) ||
		    env_get_octets(m, b, &e->value, &e->len,
		    UB_EXTENSION_VALUE) == -1)
			return (-1);
	return (0);
}

static int
get_methods(struct message *m, struct ibuf *b, struct ext_methods *v)
{
	int i;

	if (ibuf_get_n8(b, &v->criticality) == -1 ||
	    ibuf_get_n8(b, &v->n) == -1 || v->n == 0 ||
	    v->n > UB_DELIVERY_METHODS || v->n > ibuf_size(b) / 2 ||
	    (v->method = message_alloc(m, v->n * sizeof(*v->method))) == NULL)
		return (-1);
	for (i = 0; i < v->n; i++)
		if (ibuf_get_h16(b, &v->method[i]) == -1)
			return (-1);
	return (0);
}

static int
get_name(struct message *m, struct ibuf *b, struct ext_name *v)
{
	if (ibuf_get_n8(b, &v->criticality) == -1 ||
	    env_get_address(m, b, &v->name) == -1)
		return (-1);
	return (OR_ABSENT(&v->name) ? -1 : 0);
}

static int
get_recipients(struct message *m, struct ibuf *b)
{
	struct recipient *r;
	uint32_t i;
	uint8_t has;

	for (i = 0, r = m->recipient; i < m->nrecipient; i++, r++)
		if (ibuf_get_n8(b, &has) == -1 || (has & ~RCPT_ALL) ||
		    ((has & RCPT_ALTERNATE) &&
		    get_name(m, b, &r->alternate) == -1) ||
		    ((has & RCPT_METHODS) &&
		    get_methods(m, b, &r->methods) == -1) ||
		    ((has & RCPT_REDIRECTION) &&
		    get_redirection(m, b, &r->redirection) == -1) ||
		    ((has & RCPT_EXTENSION) &&
		    get_extensions(m, b, &r->extension) == -1))
			return (-1);
	return (0);
}

static int
get_reported(struct message *m, struct ibuf *b)
{
	struct reported_recipient *r;
	uint32_t i;
	uint8_t has;

	for (i = 0, r = m->reported; i < m->nreported; i++, r++)
		if (ibuf_get_n8(b, &has) == -1 || (has & ~REPORTED_ALL) ||
		    ((has & RCPT_REDIRECTION) &&
		    get_redirection(m, b, &r->redirection) == -1) ||
		    ((has & RCPT_EXTENSION) &&
		    get_extensions(m, b, &r->extension) == -1))
			return (-1);
	return (0);
}

static int
get_flag(struct ibuf *b, struct ext_flag *v)
{
	v->set = 1;
	return (ibuf_get_n8(b, &v->criticality));
}

static int
get_latest(struct ibuf *b, struct ext_time *v)
{
	if (ibuf_get_n8(b, &v->criticality) == -1 ||
	    env_get_time(b, &v->time) == -1)
		return (-1);
	return (v->time.text[0] == '\0' ? -1 : 0);
}

static int
get_correlator(struct message *m, struct ibuf *b, struct ext_correlator *v)
{
	if (ibuf_get_n8(b, &v->kind) == -1 ||
	    v->kind == CORRELATOR_ABSENT || v->kind > CORRELATOR_ANY ||
	    ibuf_get_n8(b, &v->criticality) == -1)
		return (-1);
	return (env_get_octets(m, b, &v->octets, &v->len,
	    UB_CONTENT_CORRELATOR));
}

int
env_get_88(struct message *m, struct ibuf *b)
{
	uint32_t has;

	if (ibuf_get_h32(b, &has) == -1 || (has & ~HAS_ALL) ||
	    ((has & HAS_CONTENT_OID) && (m->content_type != -1 ||
	    env_get_oid(m, b, &m->content_oid) == -1)) ||
	    ((has & HAS_REASSIGNMENT) &&
	    get_flag(b, &m->reassignment_prohibited) == -1) ||
	    ((has & HAS_DL_PROHIBITED) &&
	    get_flag(b, &m->dl_expansion_prohibited) == -1) ||
	    ((has & HAS_LOSS_PROHIBITED) &&
	    get_flag(b, &m->conversion_loss_prohibited) == -1) ||
	    ((has & HAS_LATEST) && get_latest(b, &m->latest_delivery) == -1) ||
	    ((has & HAS_EXEMPTED) &&
	    get_names(m, b, &m->dl_exempted) == -1) ||
	    ((has & HAS_DL_EXPANSION) &&
	    get_dl_history(m, b, &m->dl_expansion) == -1) ||
	    ((has & HAS_CORRELATOR) &&
	    get_correlator(m, b, &m->correlator) == -1) ||
	    ((has & HAS_INTERNAL) &&
	    get_internal(m, b, &m->internal) == -1) ||
	    ((has & HAS_REDIRECTION) &&
	    get_redirection(m, b, &m->redirection) == -1) ||
	    ((has & HAS_ORIGINATOR_DL) &&
	    get_dl_history(m, b, &m->originator_and_dl) == -1) ||
	    ((has & HAS_REPORTING_DL) &&
	    get_name(m, b, &m->reporting_dl) == -1) ||
	    ((has & HAS_REPORTING_MTA) &&
	    get_reporting_mta(m, b, &m->reporting_mta) == -1) ||
	    ((has & HAS_EXTENSION) &&
	    get_extensions(m, b, &m->extension) == -1) ||
	    ((has & HAS_CONTENT_EXTENSION) &&
	    get_extensions(m, b, &m->content_extension) == -1))
		return (-1);
	if (get_recipients(m, b) == -1)
		return (-1);
	return (m->type == MESSAGE_REPORT ? get_reported(m, b) : 0);
}
