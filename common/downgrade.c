/* SPDX-License-Identifier: ISC */

/*
 * Messages of 1988 for systems of 1984: X.419 annex B with RFC 1328 and RFC
 * 1615 clause 4.3 and appendix A.
 *
 * An extension that is critical for transfer keeps the message from going;
 * all others are left behind.  The histories and the name of the reporting
 * MTA in a report are left behind in any case: there is nobody to tell that a
 * report did not go.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "downgrade.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static char why_text[160];

static int	fail(const char **, const char *, ...)
		    __attribute__((__format__(printf, 2, 3)));

static int
fail(const char **why, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why_text, sizeof(why_text), fmt, ap);
	va_end(ap);
	*why = why_text;
	return (-1);
}

/* Critical extensions */

static int
critical(int criticality, int type, const char **why)
{
	if (!(criticality & EXT_TRANSFER))
		return (0);
	return (fail(why, "%s is critical for transfer",
	    extension_name(type)));
}

static int
critical_extensions(const struct extensions *v, const char **why)
{
	const struct extension *e;
	uint32_t i;

	for (i = 0, e = v->e; i < v->n; i++, e++) {
		if (!(e->criticality & EXT_TRANSFER))
			continue;
		if (e->oid != NULL)
			return (fail(why, "extension %.100s is critical for "
			    "transfer", e->oid));
		if (extension_name(e->type) == NULL)
			return (fail(why, "extension %u is critical for "
			    "transfer", (unsigned)e->type));
		return (critical(e->criticality, e->type, why));
	}
	return (0);
}

static int
critical_recipients(const struct message *m, const char **why)
{
	const struct recipient *r;
	uint32_t i;

	for (i = 0, r = m->recipient; i < m->nrecipient; i++, r++) {
		if (!OR_ABSENT(&r->alternate.name) &&
		    critical(r->alternate.criticality,
		    EXT_ORIGINATOR_REQUESTED_ALTERNATE_RECIPIENT, why) == -1)
			return (-1);
		if (r->methods.n > 0 && critical(r->methods.criticality,
		    EXT_REQUESTED_DELIVERY_METHOD, why) == -1)
			return (-1);
		if (r->redirection.n > 0 &&
		    critical(r->redirection.criticality,
		    EXT_REDIRECTION_HISTORY, why) == -1)
			return (-1);
		if (critical_extensions(&r->extension, why) == -1)
			return (-1);
	}
	for (i = 0; i < m->nreported; i++)
		if (critical_extensions(&m->reported[i].extension, why) == -1)
			return (-1);
	return (0);
}

static int
critical_message(const struct message *m, const char **why)
{
	if ((m->reassignment_prohibited.set &&
	    critical(m->reassignment_prohibited.criticality,
	    EXT_RECIPIENT_REASSIGNMENT_PROHIBITED, why) == -1) ||
	    (m->dl_expansion_prohibited.set &&
	    critical(m->dl_expansion_prohibited.criticality,
	    EXT_DL_EXPANSION_PROHIBITED, why) == -1) ||
	    (m->conversion_loss_prohibited.set &&
	    critical(m->conversion_loss_prohibited.criticality,
	    EXT_CONVERSION_WITH_LOSS_PROHIBITED, why) == -1) ||
	    (m->latest_delivery.time.text[0] != '\0' &&
	    critical(m->latest_delivery.criticality,
	    EXT_LATEST_DELIVERY_TIME, why) == -1) ||
	    (m->dl_exempted.n > 0 && critical(m->dl_exempted.criticality,
	    EXT_DL_EXEMPTED_RECIPIENTS, why) == -1) ||
	    (m->correlator.kind != CORRELATOR_ABSENT &&
	    critical(m->correlator.criticality,
	    EXT_CONTENT_CORRELATOR, why) == -1) ||
	    (m->type != MESSAGE_REPORT && m->dl_expansion.n > 0 &&
	    critical(m->dl_expansion.criticality,
	    EXT_DL_EXPANSION_HISTORY, why) == -1))
		return (-1);
	if (critical_extensions(&m->extension, why) == -1 ||
	    critical_extensions(&m->content_extension, why) == -1)
		return (-1);
	return (critical_recipients(m, why));
}

static void
drop_extensions(struct message *m)
{
	static const struct extensions none;
	static const struct redirection_history no_redirection;
	struct reported_recipient *rr;
	struct recipient *r;
	uint32_t i;

	memset(&m->reassignment_prohibited, 0,
	    sizeof(m->reassignment_prohibited));
	memset(&m->dl_expansion_prohibited, 0,
	    sizeof(m->dl_expansion_prohibited));
	memset(&m->conversion_loss_prohibited, 0,
	    sizeof(m->conversion_loss_prohibited));
	memset(&m->latest_delivery, 0, sizeof(m->latest_delivery));
	memset(&m->dl_exempted, 0, sizeof(m->dl_exempted));
	memset(&m->dl_expansion, 0, sizeof(m->dl_expansion));
	memset(&m->correlator, 0, sizeof(m->correlator));
	/* In another domain it is seen as a loop (Q169299). */
	memset(&m->internal, 0, sizeof(m->internal));
	memset(&m->originator_and_dl, 0, sizeof(m->originator_and_dl));
	memset(&m->reporting_dl, 0, sizeof(m->reporting_dl));
	memset(&m->reporting_mta, 0, sizeof(m->reporting_mta));
	m->redirection = no_redirection;
	m->extension = m->content_extension = none;
	for (i = 0, r = m->recipient; i < m->nrecipient; i++, r++) {
		memset(&r->alternate, 0, sizeof(r->alternate));
		memset(&r->methods, 0, sizeof(r->methods));
		r->redirection = no_redirection;
		r->extension = none;
	}
	for (i = 0, rr = m->reported; i < m->nreported; i++, rr++) {
		rr->redirection = no_redirection;
		rr->extension = none;
	}
}

/* Content type */

/*
 * Object identifiers of what has a number: X.411 id-cont (2.6.3.3), X.420
 * id-mct (2.6.1.10), X.435 id-mct (2.6.7.10).
 */
static const struct {
	const char	*oid;
	int32_t		 type;
} content_types[] = {
	{ "2.6.3.3.0", 0 },		/* unidentified */
	{ "2.6.1.10.0", CONTENT_P2 }, { CONTENT_P22_OID, CONTENT_P22 },
	{ "2.6.7.10.0", CONTENT_PEDI },
};

static int
downgrade_content_type(struct message *m, const char **why)
{
	size_t i;

	if (m->type == MESSAGE_REPORT) {
		/* Told of what the report is on, in 1988 only. */
		m->content_oid = NULL;
		m->content_type = -1;
		memset(&m->original, 0, sizeof(m->original));
		return (0);
	}
	if (m->content_oid != NULL) {
		for (i = 0; i < COUNT(content_types); i++)
			if (strcmp(content_types[i].oid, m->content_oid) == 0)
				break;
		if (i == COUNT(content_types))
			return (fail(why, "content type %.100s",
			    m->content_oid));
		m->content_type = content_types[i].type;
		m->content_oid = NULL;
	}
	if (m->content_type == CONTENT_P22)
		m->content_type = CONTENT_P2;
	return (0);
}

/* Encoded information types */

#define EIT_OID		"2.6.3.4."	/* X.411 annex A: id-eit */
#define EIT_UNDEFINED	0
#define EIT_LAST	9		/* mixed-mode, of 1984 TIF.1 */

/* X.411 numbers them as the bits are: id-eit-ia5-text is {id-eit 2}. */
static int
eit_bit(const char *oid)
{
	const char *n = oid + sizeof(EIT_OID) - 1;

	if (strncmp(oid, EIT_OID, sizeof(EIT_OID) - 1) != 0 ||
	    n[0] < '0' || n[0] > '0' + EIT_LAST || n[1] != '\0')
		return (EIT_UNDEFINED);
	return (n[0] - '0');
}

static void
downgrade_eits(struct eits *e)
{
	uint32_t i;
	int bit;

	for (i = 0; i < e->nexternal; i++) {
		bit = eit_bit(e->external[i]);
		e->bits |= 0x80000000u >> bit;
		if (e->nbits <= bit)
			e->nbits = bit + 1;
	}
	e->external = NULL;
	e->nexternal = 0;
}

/* Trace */

/*
 * RFC 1615 appendix A: systems of 1984 see a loop in any domain that is there
 * twice, though the message was expanded or redirected in between, which they
 * have no flag for.  Everything before the last element with such a flag goes
 * and that element stays without it: it is the domain that sent the message
 * on anew, and where its trace begins now.  So there is always an element
 * left, which 1984 wants.
 */
static void
downgrade_trace(struct message *m)
{
	struct trace_element *t;
	uint32_t i;

	for (i = m->ntrace; i > 0; i--)
		if (m->trace[i - 1].other_actions &
		    (TRACE_REDIRECTED | TRACE_DL_OPERATION))
			break;
	if (i > 1) {
		m->trace += i - 1;
		m->ntrace -= i - 1;
	}
	for (i = 0, t = m->trace; i < m->ntrace; i++, t++) {
		t->other_actions = 0;
		downgrade_eits(&t->converted);
	}
	/* Of the subject nobody looks for loops: only the flags go. */
	for (i = 0, t = m->subject_trace; i < m->nsubject_trace; i++, t++) {
		t->other_actions = 0;
		downgrade_eits(&t->converted);
	}
}

/* 1984 has no place for information that is meant for a private domain. */
static void
downgrade_bilateral(struct message *m)
{
	uint32_t i, n = 0;

	for (i = 0; i < m->nbilateral; i++)
		if (m->bilateral[i].prmd[0] == '\0')
			m->bilateral[n++] = m->bilateral[i];
	m->nbilateral = n;
}

/* Reports */

/*
 * X.411-1988 8.3.1.2.1.10: NonDeliveryReasonCode beyond the three of 1984.
 * That no rendition was made is nearest to a conversion that was not; in all
 * others it is the message or the recipient that keeps it from going, and
 * trying again does not help.
 */
static const int8_t reasons[] = {
	[0] = 0,	/* transfer-failure */
	[1] = 1,	/* unable-to-transfer */
	[2] = 2,	/* conversion-not-performed */
	[3] = 2,	/* physical-rendition-not-performed */
	[4] = 1,	/* physical-delivery-not-performed */
	[5] = 1,	/* restricted-delivery */
	[6] = 1,	/* directory-operation-unsuccessful */
	[7] = 1,	/* deferred-delivery-not-performed */
	[8] = 1,	/* transfer-failure-for-security-reason */
};

/*
 * 8.3.1.2.1.11: NonDeliveryDiagnosticCode beyond 11, the last of 1984; -1:
 * none of those comes near, and the reason stands alone.
 */
#define DIAGNOSTIC_84	11
static const int8_t diagnostics[] = {
	[12] = 11,	/* content-syntax-error: invalid parameters */
	[13] = 11,	/* size-constraint-violation */
	[14] = 11,	/* protocol-violation */
	[15] = 6,	/* content-type-not-supported: EITs unsupported */
	[16] = 11,	/* too-many-recipients */
	[17] = -1,	/* no-bilateral-agreement */
	[18] = 11,	/* unsupported-critical-function */
	[19] = 9,	/* conversion-with-loss-prohibited: prohibited */
	[20] = 8,	/* line-too-long: conversion impractical */
	[21] = 8,	/* page-split */
	[22] = 8,	/* pictorial-symbol-loss */
	[23] = 8,	/* punctuation-symbol-loss */
	[24] = 8,	/* alphabetic-character-loss */
	[25] = 8,	/* multiple-information-loss */
	[26] = 4,	/* recipient-reassignment-prohibited: UA unavailable */
	[27] = 3,	/* redirection-loop-detected: loop detected */
	[28] = -1,	/* DL-expansion-prohibited */
	[29] = -1,	/* no-DL-submit-permission */
	[30] = -1,	/* DL-expansion-failure */
	[31] = 8,	/* physical-rendition-attributes-not-supported */
	[32] = 0,	/* undeliverable mail: address incorrect */
	[33] = 0,	/* office incorrect or invalid */
	[34] = 0,	/* address incomplete */
	[35] = 0,	/* recipient unknown: unrecognized O/R name */
	[36] = 0,	/* recipient deceased */
	[37] = 0,	/* organization expired */
	[38] = 4,	/* recipient refused to accept: UA unavailable */
	[39] = 4,	/* recipient did not claim */
	[40] = 0,	/* address changed permanently */
	[41] = 4,	/* address changed temporarily */
	[42] = 4,	/* temporary address changed */
	[43] = 0,	/* new address unknown */
	[44] = 4,	/* recipient did not want forwarding */
	[45] = 4,	/* originator prohibited forwarding */
	[46] = -1,	/* secure-messaging-error */
	[47] = 8,	/* unable-to-downgrade: conversion impractical */
	[48] = -1,	/* unable-to-complete-transfer */
	[49] = 5,	/* transfer-attempts-limit-reached: time expired */
};

/* X.411-1988 TypeOfMTSUser: 4 a PDAU and 5 its recipient are public. */
static int32_t
type_of_ua(int32_t type)
{
	if (type <= 1)
		return (type);
	return (type == 4 || type == 5 ? 0 : 1);
}

static void
downgrade_reported(struct reported_recipient *r)
{
	r->flags &= ~7;		/* three bits of PerRecipientFlag are free */
	downgrade_eits(&r->converted);
	if (r->delivered) {
		r->type_of_ua = type_of_ua(r->type_of_ua);
		return;
	}
	if (r->reason < 0 || r->reason >= (int32_t)COUNT(reasons))
		r->reason = 1;
	else
		r->reason = reasons[r->reason];
	if (r->diagnostic <= DIAGNOSTIC_84)
		return;
	r->diagnostic = r->diagnostic < (int32_t)COUNT(diagnostics) ?
	    diagnostics[r->diagnostic] : -1;
}

/* O/R names */

static int
downgrade_name(struct message *m, struct or_address *or, const char *whose,
    uint32_t n, const char **why)
{
	const char *reason;

	if (or_address_downgrade(m, or, &reason) == 0)
		return (0);
	if (n == 0)
		return (fail(why, "%s: %s", whose, reason));
	return (fail(why, "%s %u: %s", whose, n, reason));
}

static int
downgrade_names(struct message *m, const char **why)
{
	struct reported_recipient *rr;
	const char *unused;
	uint32_t i;

	if (downgrade_name(m, &m->originator, m->type == MESSAGE_REPORT ?
	    "destination" : "originator", 0, why) == -1)
		return (-1);
	for (i = 0; i < m->nrecipient; i++)
		if (downgrade_name(m, &m->recipient[i].name, "recipient",
		    i + 1, why) == -1)
			return (-1);
	for (i = 0, rr = m->reported; i < m->nreported; i++, rr++) {
		if (downgrade_name(m, &rr->name, "reported recipient", i + 1,
		    why) == -1)
			return (-1);
		/*
		 * Who was meant first may be left out, and is rather than
		 * that the report does not go, or goes with an empty name
		 * (Q188597).
		 */
		if (!OR_ABSENT(&rr->intended) &&
		    or_address_downgrade(m, &rr->intended, &unused) == -1)
			memset(&rr->intended, 0, sizeof(rr->intended));
	}
	return (0);
}

int
message_downgrade(struct message *m, const char **why)
{
	const char *left;
	uint32_t i;

	if (critical_message(m, why) == -1 ||
	    downgrade_content_type(m, why) == -1 ||
	    downgrade_names(m, why) == -1)
		return (-1);
	drop_extensions(m);
	downgrade_trace(m);
	downgrade_bilateral(m);
	downgrade_eits(&m->original);
	/*
	 * PerMessageFlag has four bits, PerRecipientFlag five.  An explicit
	 * conversion of 1988 is a number there like any other: who cannot do
	 * it reports that.
	 */
	m->indicators &= 0xf0;
	for (i = 0; i < m->nrecipient; i++)
		m->recipient[i].flags &= ~7;
	for (i = 0; i < m->nreported; i++)
		downgrade_reported(&m->reported[i]);
	if ((left = message_is_1988(m)) != NULL)
		return (fail(why, "%s", left));
	return (0);
}

int
message_upgrade(struct message *m)
{
	uint32_t i;

	if (or_address_upgrade(m, &m->originator) == -1)
		return (-1);
	for (i = 0; i < m->nrecipient; i++)
		if (or_address_upgrade(m, &m->recipient[i].name) == -1)
			return (-1);
	for (i = 0; i < m->nreported; i++)
		if (or_address_upgrade(m, &m->reported[i].name) == -1 ||
		    or_address_upgrade(m, &m->reported[i].intended) == -1)
			return (-1);
	return (0);
}
