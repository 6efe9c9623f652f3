/* SPDX-License-Identifier: ISC */

/* See normal.h. */

#include <stdio.h>
#include <string.h>

#include "acse.h"
#include "imsg.h"
#include "normal.h"
#include "rtse.h"

#define ACSE_CONTEXT	1	/* as real systems number them */
#define RTSE_CONTEXT	3
#define MTSE_CONTEXT	5
#define PDU_MAX		(16 * 1024)
#define MEMORY_MAX	(32 * 1024)

static const uint8_t	mta_rtse_arcs[] = { 0x56, 0x00, 0x02, 0x0c };
static const uint8_t	mtse_arcs[] = { 0x56, 0x00, 0x02, 0x07 };
/* {2 6 0 2 12} id-as-mta-rtse, {2 6 0 2 7} id-as-mtse */
static const struct asn1_octets	oid_mta_rtse = {
	mta_rtse_arcs, sizeof(mta_rtse_arcs), BER_UNIVERSAL(6)
};
static const struct asn1_octets	oid_mtse = {
	mtse_arcs, sizeof(mtse_arcs), BER_UNIVERSAL(6)
};

static char	text[256];

static int
fail(const char **why, const char *s)
{
	if (s != text)
		strlcpy(text, s, sizeof(text));
	*why = text;
	return (-1);
}

void
normal_init(struct normal *n, const struct selector *calling,
    const struct selector *called)
{
	memset(n, 0, sizeof(*n));
	if (calling != NULL)
		n->calling_psel = *calling;
	if (called != NULL)
		n->called_psel = *called;
	n->acse = ACSE_CONTEXT;
	n->rtse = RTSE_CONTEXT;
}

static struct asn1_octets
octets_of(const struct ibuf *b)
{
	struct asn1_octets	o = { ibuf_data(b), ibuf_size(b), 0 };

	return (o);
}

static struct asn1_octets
selector_octets(const struct selector *s)
{
	struct asn1_octets	o = { s->octets, s->len, 0 };

	return (o);
}

static struct acse_title
title_octets(const struct ae_title *t)
{
	struct acse_title	o;

	memset(&o, 0, sizeof(o));
	o.ap.p = t->ap;
	o.ap.len = t->ap_len;
	o.ae.p = t->ae;
	o.ae.len = t->ae_len;
	return (o);
}

/* An ACSE APDU with an RTSE APDU inside, or none, as a presentation value. */
static int
associate(const struct normal *n, struct acse *ac, const struct ibuf *rtse,
    struct ibuf *out, struct p_value *v)
{
	ac->user.context = -1;
	if (rtse != NULL) {
		ac->user.context = n->rtse;
		ac->user.octets = octets_of(rtse);
	}
	if (acse_encode(ac, out) == -1)
		return (-1);
	v->context = n->acse;
	v->octets = octets_of(out);
	return (0);
}

static void
add_context(struct p_connect *c, int64_t id, const struct asn1_octets *oid)
{
	c->context[c->ncontext].id = id;
	c->context[c->ncontext].abstract = *oid;
	c->context[c->ncontext++].basic = 1;
}

int
normal_connect_encode(struct normal *n, const struct pconnect *pc,
    struct ibuf *out)
{
	struct p_connect	 c;
	struct acse		 ac;
	struct ibuf		*rtse, *acse;
	int			 r = -1;

	rtse = ibuf_dynamic(128, PDU_MAX);
	acse = ibuf_dynamic(256, PDU_MAX);
	if (rtse == NULL || acse == NULL || rtorq_encode(pc, rtse) == -1)
		goto out;
	memset(&ac, 0, sizeof(ac));
	ac.kind = ACSE_AARQ;
	ac.context_name = oid_mts_transfer;
	ac.called = title_octets(&n->called_title);
	ac.calling = title_octets(&n->calling_title);
	memset(&c, 0, sizeof(c));
	c.provider_reason = -1;
	c.calling = selector_octets(&n->calling_psel);
	c.called = selector_octets(&n->called_psel);
	add_context(&c, n->acse, &oid_acse);
	add_context(&c, n->rtse, &oid_mta_rtse);
	add_context(&c, MTSE_CONTEXT, &oid_mtse);
	n->ncontext = c.ncontext;
	if (associate(n, &ac, rtse, acse, &c.user) == 0)
		r = cp_encode(&c, out);
out:
	ibuf_free(rtse);
	ibuf_free(acse);
	return (r);
}

/*
 * One result for each context that was proposed.  All that we know and that
 * can be in basic encoding are accepted; the rest is refused one by one.
 */
static void
judge_contexts(struct normal *n, const struct p_connect *c)
{
	static const struct asn1_octets *const	known[] = { &oid_acse,
	    &oid_mta_rtse, &oid_mtse };
	const struct p_context			*x;
	uint32_t				 i, k;

	n->acse = n->rtse = -1;
	n->ncontext = c->ncontext;
	for (i = 0; i < c->ncontext; i++) {
		x = &c->context[i];
		for (k = 0; k < 3; k++)
			if (oid_equal(&x->abstract, known[k]))
				break;
		n->result[i] = P_PROVIDER_REJECTION;
		n->rejection[i] = P_ABSTRACT_SYNTAX_NOT_SUPPORTED;
		if (k == 3)
			continue;
		n->rejection[i] = P_TRANSFER_SYNTAXES_NOT_SUPPORTED;
		if (!x->basic)
			continue;
		n->result[i] = P_ACCEPTANCE;
		if (k == 0 && n->acse == -1)
			n->acse = x->id;
		else if (k == 1 && n->rtse == -1)
			n->rtse = x->id;
	}
}

static int
decode_connect(struct normal *n, struct pconnect *pc, const uint8_t *p,
    size_t len, struct asn1_memory *m, int *refusal, int *reason,
    const char **why)
{
	struct p_connect	c;
	struct acse		ac;
	char			oid[80];
	int			x410;

	*refusal = NORMAL_PRESENTATION;
	if (cp_decode(&c, p, len, m, &x410, reason, why) == -1)
		return (-1);
	*reason = P_REASON_NOT_SPECIFIED;
	if (x410)
		return (fail(why, "CP: mode x410-1984"));
	judge_contexts(n, &c);
	*reason = P_USER_DATA_NOT_READABLE;
	if (n->acse == -1)
		return (fail(why, "CP: no presentation context for ACSE"));
	if (c.user.context != n->acse)
		return (fail(why, "CP: no AARQ in the context of ACSE"));
	if (acse_decode(&ac, c.user.octets.p, c.user.octets.len, m,
	    why) == -1)
		return (-1);
	if (ac.kind != ACSE_AARQ)
		return (fail(why, "CP: another APDU than AARQ"));
	*refusal = NORMAL_ACSE;
	*reason = ACSE_NO_REASON;
	if (!ac.version_1)
		return (fail(why, "AARQ: not of version 1"));
	*reason = ACSE_CONTEXT_NAME_NOT_SUPPORTED;
	if (!oid_equal(&ac.context_name, &oid_mts_transfer)) {
		snprintf(text, sizeof(text), "AARQ: application context %s, "
		    "mts-transfer (2.6.0.1.6) was expected",
		    oid_print(&ac.context_name, oid, sizeof(oid)));
		return (fail(why, text));
	}
	*reason = ACSE_NO_REASON;
	if (n->rtse == -1)
		return (fail(why, "CP: no presentation context for MTA-RTSE "
		    "(2.6.0.2.12)"));
	if (ac.user.context != n->rtse)
		return (fail(why, "AARQ: no RTORQ in the context of RTSE"));
	*refusal = NORMAL_RTS;
	return (rtorq_decode(pc, ac.user.octets.p, ac.user.octets.len,
	    reason, why));
}

int
normal_connect_decode(struct normal *n, struct pconnect *pc,
    const uint8_t *p, size_t len, int *refusal, int *reason,
    const char **why)
{
	struct asn1_memory	m;
	int			r;

	asn1_memory_init(&m, MEMORY_MAX);
	r = decode_connect(n, pc, p, len, &m, refusal, reason, why);
	if (r == -1)
		fail(why, *why);	/* it may lie in that memory */
	asn1_memory_free(&m);
	return (r);
}

static void
put_results(const struct normal *n, struct p_connect *c)
{
	uint32_t	i;

	memset(c, 0, sizeof(*c));
	c->provider_reason = -1;
	c->user.context = -1;
	c->responding = selector_octets(&n->called_psel);
	c->ncontext = n->ncontext;
	for (i = 0; i < n->ncontext; i++) {
		c->context[i].result = n->result[i];
		c->context[i].rejection = n->rejection[i];
	}
}

int
normal_accept_encode(const struct normal *n, const struct paccept *pa,
    struct ibuf *out)
{
	struct p_connect	 c;
	struct acse		 ac;
	struct ibuf		*rtse, *acse;
	int			 r = -1;

	rtse = ibuf_dynamic(128, PDU_MAX);
	acse = ibuf_dynamic(256, PDU_MAX);
	if (rtse == NULL || acse == NULL || rtoac_encode(pa, rtse) == -1)
		goto out;
	memset(&ac, 0, sizeof(ac));
	ac.kind = ACSE_AARE;
	ac.context_name = oid_mts_transfer;
	ac.responding = title_octets(&n->called_title);
	ac.result = ACSE_ACCEPTED;
	ac.source = ACSE_USER;
	ac.diagnostic = ACSE_NULL;
	put_results(n, &c);
	if (associate(n, &ac, rtse, acse, &c.user) == 0)
		r = cpa_encode(&c, out);
out:
	ibuf_free(rtse);
	ibuf_free(acse);
	return (r);
}

static int
decode_accept(struct normal *n, struct paccept *pa, const uint8_t *p,
    size_t len, struct asn1_memory *m, const char **why)
{
	struct p_connect	c;
	struct acse		ac;

	if (cpa_decode(&c, p, len, m, why) == -1)
		return (-1);
	/* we proposed ACSE, RTSE and MTSE, in this order */
	if (c.ncontext != n->ncontext)
		return (fail(why, "CPA: not one result for each presentation "
		    "context"));
	if (c.context[0].result != P_ACCEPTANCE || !c.context[0].basic ||
	    c.context[1].result != P_ACCEPTANCE || !c.context[1].basic)
		return (fail(why, "CPA: presentation context of ACSE or RTSE "
		    "not accepted"));
	if (c.user.context != n->acse)
		return (fail(why, "CPA: no AARE in the context of ACSE"));
	if (acse_decode(&ac, c.user.octets.p, c.user.octets.len, m,
	    why) == -1)
		return (-1);
	if (ac.kind != ACSE_AARE || ac.result != ACSE_ACCEPTED)
		return (fail(why, "CPA: no AARE that accepts"));
	if (ac.user.context != n->rtse)
		return (fail(why, "AARE: no RTOAC in the context of RTSE"));
	return (rtoac_decode(pa, ac.user.octets.p, ac.user.octets.len, why));
}

int
normal_accept_decode(struct normal *n, struct paccept *pa, const uint8_t *p,
    size_t len, const char **why)
{
	struct asn1_memory	m;
	int			r;

	asn1_memory_init(&m, MEMORY_MAX);
	if ((r = decode_accept(n, pa, p, len, &m, why)) == -1)
		fail(why, *why);
	asn1_memory_free(&m);
	return (r);
}

int
normal_refuse_encode(const struct normal *n, int refusal, int reason,
    struct ibuf *out)
{
	struct p_connect	 c;
	struct acse		 ac;
	struct ibuf		*rtse = NULL, *acse = NULL;
	int			 r = -1;

	put_results(n, &c);
	if (refusal == NORMAL_PRESENTATION || n->acse == -1) {
		c.provider_reason = refusal == NORMAL_PRESENTATION ? reason :
		    P_REASON_NOT_SPECIFIED;
		return (cpr_encode(&c, out));
	}
	memset(&ac, 0, sizeof(ac));
	ac.kind = ACSE_AARE;
	ac.context_name = oid_mts_transfer;
	ac.result = refusal == NORMAL_RTS && reason == RTS_BUSY ?
	    ACSE_REJECTED_TRANSIENT : ACSE_REJECTED_PERMANENT;
	ac.source = ACSE_USER;
	ac.diagnostic = refusal == NORMAL_ACSE ? reason : ACSE_NO_REASON;
	acse = ibuf_dynamic(256, PDU_MAX);
	if (refusal == NORMAL_RTS && n->rtse != -1) {
		rtse = ibuf_dynamic(32, PDU_MAX);
		if (rtse == NULL || rtorj_encode(reason, rtse) == -1)
			goto out;
	}
	if (acse != NULL && associate(n, &ac, rtse, acse, &c.user) == 0)
		r = cpr_encode(&c, out);
out:
	ibuf_free(rtse);
	ibuf_free(acse);
	return (r);
}

static int
decode_refuse(const struct normal *n, int *reason, const uint8_t *p,
    size_t len, struct asn1_memory *m, const char **why)
{
	static const char *const presentation[] = { "no reason given",
	    "temporary congestion", "local limit exceeded",
	    "called presentation address unknown",
	    "protocol version not supported",
	    "default context not supported", "user data not readable",
	    "no PSAP available" };
	struct p_connect	c;
	struct acse		ac;

	*reason = -1;
	if (cpr_decode(&c, p, len, m, why) == -1)
		return (-1);
	if (c.user.context == -1) {
		snprintf(text, sizeof(text), "refused by presentation: %s",
		    c.provider_reason >= 0 && c.provider_reason < 8 ?
		    presentation[c.provider_reason] : "unknown reason");
		*why = text;
		return (0);
	}
	if (acse_decode(&ac, c.user.octets.p, c.user.octets.len, m,
	    why) == -1)
		return (-1);
	if (ac.kind != ACSE_AARE)
		return (fail(why, "CPR: another APDU than AARE"));
	if (ac.user.context == -1) {
		snprintf(text, sizeof(text), "rejected by association "
		    "control, %s: %s", ac.result == ACSE_REJECTED_TRANSIENT ?
		    "transient" : "permanent",
		    acse_diagnostic_text(ac.source, ac.diagnostic));
		*why = text;
		return (0);
	}
	if (rtorj_decode(reason, ac.user.octets.p, ac.user.octets.len,
	    why) == -1) {
		*reason = -1;
		return (-1);
	}
	return (0);
}

int
normal_refuse_decode(const struct normal *n, int *reason, const uint8_t *p,
    size_t len, const char **why)
{
	struct asn1_memory	m;
	int			r;

	asn1_memory_init(&m, MEMORY_MAX);
	if ((r = decode_refuse(n, reason, p, len, &m, why)) == -1)
		fail(why, *why);
	asn1_memory_free(&m);
	return (r);
}

int
normal_abort_encode(const struct normal *n,
    const struct abort_information *info, struct ibuf *out)
{
	struct acse	 ac;
	struct p_value	 v;
	struct ibuf	*rtse, *acse;
	int		 r = -1;

	rtse = ibuf_dynamic(32, PDU_MAX);
	acse = ibuf_dynamic(64, PDU_MAX);
	memset(&ac, 0, sizeof(ac));
	ac.kind = ACSE_ABRT;
	ac.reason = 0;			/* abort-source: the service user */
	if (rtse != NULL && acse != NULL && rtab_encode(info, rtse) == 0 &&
	    associate(n, &ac, rtse, acse, &v) == 0)
		r = aru_encode(&v, out);
	ibuf_free(rtse);
	ibuf_free(acse);
	return (r);
}

static int
decode_abort(struct abort_information *info, const uint8_t *p, size_t len,
    struct asn1_memory *m, const char **why)
{
	struct p_abort	ab;
	struct acse	ac;

	if (p_abort_decode(&ab, p, len, m, why) == -1)
		return (-1);
	if (ab.provider || ab.user.context == -1) {
		/* it found an error of ours, or one of its own */
		info->reason = ab.provider ? RTS_ABORT_PROTOCOL_ERROR : -1;
		return (0);
	}
	if (acse_decode(&ac, ab.user.octets.p, ab.user.octets.len, m,
	    why) == -1)
		return (-1);
	if (ac.kind != ACSE_ABRT)
		return (fail(why, "ARU: another APDU than ABRT"));
	if (ac.user.context == -1) {
		info->reason = ac.reason == 1 ? RTS_ABORT_PROTOCOL_ERROR : -1;
		return (0);
	}
	return (rtab_decode(info, ac.user.octets.p, ac.user.octets.len, why));
}

int
normal_abort_decode(const struct normal *n, struct abort_information *info,
    const uint8_t *p, size_t len, const char **why)
{
	struct asn1_memory	m;
	int			r;

	memset(info, 0, sizeof(*info));
	info->reason = -1;
	asn1_memory_init(&m, MEMORY_MAX);
	if ((r = decode_abort(info, p, len, &m, why)) == -1)
		fail(why, *why);
	asn1_memory_free(&m);
	return (r);
}

int
normal_release_encode(const struct normal *n, int response, struct ibuf *out)
{
	struct acse	 ac;
	struct p_value	 v;
	struct ibuf	*acse;
	int		 r = -1;

	acse = ibuf_dynamic(32, PDU_MAX);
	memset(&ac, 0, sizeof(ac));
	ac.kind = response ? ACSE_RLRE : ACSE_RLRQ;
	ac.reason = 0;			/* normal */
	if (acse != NULL && associate(n, &ac, NULL, acse, &v) == 0)
		r = p_user_data_encode(&v, out);
	ibuf_free(acse);
	return (r);
}

int
normal_priority_encode(const struct normal *n, int priority,
    struct ibuf *out)
{
	struct p_value	 v;
	struct ibuf	*b;
	int		 r = -1;

	b = ibuf_dynamic(16, 64);
	if (b != NULL && priority_encode(priority, b) == 0) {
		v.context = n->rtse;
		v.octets = octets_of(b);
		r = p_user_data_encode(&v, out);
	}
	ibuf_free(b);
	return (r);
}

int
normal_priority_decode(const struct normal *n, int *priority,
    const uint8_t *p, size_t len)
{
	struct asn1_memory	m;
	struct p_value		v;
	const char		*why;
	int			r = -1;

	asn1_memory_init(&m, MEMORY_MAX);
	if (p_user_data_decode(&v, p, len, &m, &why) == 0 &&
	    v.context == n->rtse)
		r = priority_decode(priority, v.octets.p, v.octets.len);
	asn1_memory_free(&m);
	return (r);
}
