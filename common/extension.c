/* SPDX-License-Identifier: ISC */

/*
 * Extensions of X.411-1988 in a message: found, added, taken out, copied.
 */

#include <errno.h>
#include <string.h>

#include "envelope.h"
#include "imsg.h"

/* X.411 9.1, X.413 and X.420: StandardExtension. */
static const char *const names[EXT_TYPE_MAX] = {
	[EXT_RECIPIENT_REASSIGNMENT_PROHIBITED] =
	    "recipient-reassignment-prohibited",
	[EXT_ORIGINATOR_REQUESTED_ALTERNATE_RECIPIENT] =
	    "originator-requested-alternate-recipient",
	[EXT_DL_EXPANSION_PROHIBITED] = "dl-expansion-prohibited",
	[EXT_CONVERSION_WITH_LOSS_PROHIBITED] =
	    "conversion-with-loss-prohibited",
	[EXT_LATEST_DELIVERY_TIME] = "latest-delivery-time",
	[EXT_REQUESTED_DELIVERY_METHOD] = "requested-delivery-method",
	[EXT_PHYSICAL_FORWARDING_PROHIBITED] =
	    "physical-forwarding-prohibited",
	[EXT_PHYSICAL_FORWARDING_ADDRESS_REQUEST] =
	    "physical-forwarding-address-request",
	[EXT_PHYSICAL_DELIVERY_MODES] = "physical-delivery-modes",
	[EXT_REGISTERED_MAIL_TYPE] = "registered-mail-type",
	[EXT_RECIPIENT_NUMBER_FOR_ADVICE] = "recipient-number-for-advice",
	[EXT_PHYSICAL_RENDITION_ATTRIBUTES] = "physical-rendition-attributes",
	[EXT_ORIGINATOR_RETURN_ADDRESS] = "originator-return-address",
	[EXT_PHYSICAL_DELIVERY_REPORT_REQUEST] =
	    "physical-delivery-report-request",
	[EXT_ORIGINATOR_CERTIFICATE] = "originator-certificate",
	[EXT_MESSAGE_TOKEN] = "message-token",
	[EXT_CONTENT_CONFIDENTIALITY_ALGORITHM_IDENTIFIER] =
	    "content-confidentiality-algorithm-identifier",
	[EXT_CONTENT_INTEGRITY_CHECK] = "content-integrity-check",
	[EXT_MESSAGE_ORIGIN_AUTHENTICATION_CHECK] =
	    "message-origin-authentication-check",
	[EXT_MESSAGE_SECURITY_LABEL] = "message-security-label",
	[EXT_PROOF_OF_SUBMISSION_REQUEST] = "proof-of-submission-request",
	[EXT_PROOF_OF_DELIVERY_REQUEST] = "proof-of-delivery-request",
	[EXT_CONTENT_CORRELATOR] = "content-correlator",
	[EXT_PROBE_ORIGIN_AUTHENTICATION_CHECK] =
	    "probe-origin-authentication-check",
	[EXT_REDIRECTION_HISTORY] = "redirection-history",
	[EXT_DL_EXPANSION_HISTORY] = "dl-expansion-history",
	[EXT_PHYSICAL_FORWARDING_ADDRESS] = "physical-forwarding-address",
	[EXT_RECIPIENT_CERTIFICATE] = "recipient-certificate",
	[EXT_PROOF_OF_DELIVERY] = "proof-of-delivery",
	[EXT_ORIGINATOR_AND_DL_EXPANSION_HISTORY] =
	    "originator-and-DL-expansion-history",
	[EXT_REPORTING_DL_NAME] = "reporting-DL-name",
	[EXT_REPORTING_MTA_CERTIFICATE] = "reporting-MTA-certificate",
	[EXT_REPORT_ORIGIN_AUTHENTICATION_CHECK] =
	    "report-origin-authentication-check",
	[EXT_ORIGINATING_MTA_CERTIFICATE] = "originating-MTA-certificate",
	[EXT_PROOF_OF_SUBMISSION] = "proof-of-submission",
	[EXT_FORWARDING_REQUEST] = "forwarding-request",
	[EXT_TRACE_INFORMATION] = "trace-information",
	[EXT_INTERNAL_TRACE_INFORMATION] = "internal-trace-information",
	[EXT_REPORTING_MTA_NAME] = "reporting-MTA-name",
	[EXT_MULTIPLE_ORIGINATOR_CERTIFICATES] =
	    "multiple-originator-certificates",
	[EXT_BLIND_COPY_RECIPIENTS] = "blind-copy-recipients",
	[EXT_DL_EXEMPTED_RECIPIENTS] = "dl-exempted-recipients",
	[EXT_BODY_PART_ENCRYPTION_TOKEN] = "body-part-encryption-token",
	[EXT_FORWARDED_CONTENT_TOKEN] = "forwarded-content-token",
	[EXT_CERTIFICATE_SELECTORS] = "certificate-selectors",
	[EXT_CERTIFICATE_SELECTORS_OVERRIDE] =
	    "certificate-selectors-override"
};

const char *
extension_name(int type)
{
	return (type > 0 && type < EXT_TYPE_MAX ? names[type] : NULL);
}

const struct extension *
message_extension_get(const struct extensions *v, int type)
{
	uint32_t i;

	for (i = 0; i < v->n; i++)
		if (type != EXT_PRIVATE && v->e[i].type == type)
			return (&v->e[i]);
	return (NULL);
}

const struct extension *
message_extension_get_oid(const struct extensions *v, const char *oid)
{
	uint32_t i;

	for (i = 0; i < v->n; i++)
		if (v->e[i].oid != NULL && strcmp(v->e[i].oid, oid) == 0)
			return (&v->e[i]);
	return (NULL);
}

const struct extension *
message_extension_unsupported(const struct extensions *v, int criticality)
{
	uint32_t i;

	for (i = 0; i < v->n; i++)
		if ((v->e[i].criticality & criticality) &&
		    extension_name(v->e[i].type) == NULL)
			return (&v->e[i]);
	return (NULL);
}

static int
extension_copy(struct message *m, struct extension *to,
    const struct extension *from)
{
	struct extension e = *from;

	if (e.oid != NULL &&
	    (e.oid = message_memdup(m, e.oid, strlen(e.oid))) == NULL)
		return (-1);
	if (e.value != NULL && (e.value =
	    (uint8_t *)message_memdup(m, e.value, e.len)) == NULL)
		return (-1);
	*to = e;
	return (0);
}

int
message_extension_add(struct message *m, struct extensions *v,
    const struct extension *from)
{
	const struct extension *old;
	struct extension *e;

	old = from->type == EXT_PRIVATE ?
	    message_extension_get_oid(v, from->oid) :
	    message_extension_get(v, from->type);
	if (old != NULL)
		return (extension_copy(m, &v->e[old - v->e], from));
	if (v->n >= UB_EXTENSIONS) {
		errno = EINVAL;
		return (-1);
	}
	if ((e = message_alloc(m, (v->n + 1) * sizeof(*e))) == NULL)
		return (-1);
	if (v->n > 0)
		memcpy(e, v->e, v->n * sizeof(*e));
	if (extension_copy(m, &e[v->n], from) == -1)
		return (-1);
	v->e = e;
	v->n++;
	return (0);
}

int
message_extension_remove(struct extensions *v, int type)
{
	const struct extension *e;
	size_t i;

	if ((e = message_extension_get(v, type)) == NULL)
		return (0);
	i = e - v->e;
	v->n--;
	memmove(&v->e[i], &v->e[i + 1], (v->n - i) * sizeof(*v->e));
	return (1);
}

static const char *
eits_are_1988(const struct eits *e)
{
	return (e->nexternal > 0 ? "extended-encoded-information-types" :
	    NULL);
}

static const char *
traces_are_1988(const struct trace_element *t, uint32_t n)
{
	for (; n > 0; n--, t++)
		if (eits_are_1988(&t->converted) != NULL)
			return ("extended-encoded-information-types in the "
			    "trace");
	return (NULL);
}

static const char *
recipients_are_1988(const struct message *m)
{
	const struct reported_recipient *rr;
	const struct recipient *r;
	uint32_t i;

	for (i = 0, r = m->recipient; i < m->nrecipient; i++, r++) {
		if (!OR_ABSENT(&r->alternate.name))
			return ("originator-requested-alternate-recipient");
		if (r->methods.n > 0)
			return ("requested-delivery-method");
		if (r->redirection.n > 0)
			return ("redirection-history");
		if (r->extension.n > 0)
			return ("an extension of a recipient");
	}
	for (i = 0, rr = m->reported; i < m->nreported; i++, rr++) {
		if (rr->redirection.n > 0)
			return ("redirection-history");
		if (rr->extension.n > 0)
			return ("an extension of a reported recipient");
		if (eits_are_1988(&rr->converted) != NULL)
			return (eits_are_1988(&rr->converted));
	}
	return (NULL);
}

const char *
message_is_1988(const struct message *m)
{
	const char *why;
	uint32_t i;

	if (m->content_oid != NULL)
		return ("an extended content-type");
	if (m->type == MESSAGE_REPORT &&
	    (m->content_type != -1 || m->original.present))
		return ("content or encoded information types in a report");
	if (m->reassignment_prohibited.set)
		return ("recipient-reassignment-prohibited");
	if (m->dl_expansion_prohibited.set)
		return ("dl-expansion-prohibited");
	if (m->conversion_loss_prohibited.set)
		return ("conversion-with-loss-prohibited");
	if (m->latest_delivery.time.text[0] != '\0')
		return ("latest-delivery-time");
	if (m->dl_exempted.n > 0)
		return ("dl-exempted-recipients");
	if (m->dl_expansion.n > 0)
		return ("dl-expansion-history");
	if (m->correlator.kind != CORRELATOR_ABSENT)
		return ("content-correlator");
	if (m->internal.n > 0)
		return ("internal-trace-information");
	if (m->redirection.n > 0)
		return ("redirection-history");
	if (m->originator_and_dl.n > 0)
		return ("originator-and-DL-expansion-history");
	if (!OR_ABSENT(&m->reporting_dl.name))
		return ("reporting-DL-name");
	if (m->reporting_mta.present)
		return ("reporting-MTA-name");
	if (m->extension.n > 0 || m->content_extension.n > 0)
		return ("an extension");
	for (i = 0; i < m->nbilateral; i++)
		if (m->bilateral[i].prmd[0] != '\0')
			return ("bilateral information of a private domain");
	if ((why = eits_are_1988(&m->original)) != NULL ||
	    (why = traces_are_1988(m->trace, m->ntrace)) != NULL ||
	    (why = traces_are_1988(m->subject_trace,
	    m->nsubject_trace)) != NULL)
		return (why);
	return (recipients_are_1988(m));
}

int
redirection_add(struct message *m, struct redirection_history *v,
    const struct or_address *intended, const struct utctime *t, int reason)
{
	struct redirection *e;

	if (v->n >= UB_REDIRECTIONS) {
		errno = EINVAL;
		return (-1);
	}
	if ((e = message_alloc(m, (v->n + 1) * sizeof(*e))) == NULL)
		return (-1);
	if (v->n > 0)
		memcpy(e, v->e, v->n * sizeof(*e));
	if (or_address_copy(m, &e[v->n].intended, intended) == -1)
		return (-1);
	e[v->n].time = *t;
	e[v->n].reason = reason;
	v->e = e;
	v->n++;
	return (0);
}

int
dl_expansion_add(struct message *m, struct dl_history *v,
    const struct or_address *name, const struct utctime *t, uint32_t max)
{
	struct dl_expansion *e;

	if (v->n >= max) {
		errno = EINVAL;
		return (-1);
	}
	if ((e = message_alloc(m, (v->n + 1) * sizeof(*e))) == NULL)
		return (-1);
	if (v->n > 0)
		memcpy(e, v->e, v->n * sizeof(*e));
	if (or_address_copy(m, &e[v->n].name, name) == -1)
		return (-1);
	e[v->n].time = *t;
	v->e = e;
	v->n++;
	return (0);
}

/* Copies. */

int
eits_copy(struct message *m, struct eits *to, const struct eits *from)
{
	struct eits e = *from;
	uint32_t i;

	if (e.other_len > 0 && (e.other =
	    (uint8_t *)message_memdup(m, e.other, e.other_len)) == NULL)
		return (-1);
	if (e.nexternal > 0 && (e.external = message_alloc(m,
	    e.nexternal * sizeof(*e.external))) == NULL)
		return (-1);
	for (i = 0; i < e.nexternal; i++)
		if ((e.external[i] = message_memdup(m, from->external[i],
		    strlen(from->external[i]))) == NULL)
			return (-1);
	*to = e;
	return (0);
}

int
extensions_copy(struct message *m, struct extensions *to,
    const struct extensions *from)
{
	struct extensions v = { NULL, from->n };
	uint32_t i;

	if (v.n > 0 && (v.e = message_alloc(m, v.n * sizeof(*v.e))) == NULL)
		return (-1);
	for (i = 0; i < v.n; i++)
		if (extension_copy(m, &v.e[i], &from->e[i]) == -1)
			return (-1);
	*to = v;
	return (0);
}

int
redirection_history_copy(struct message *m, struct redirection_history *to,
    const struct redirection_history *from)
{
	struct redirection_history v = *from;
	uint32_t i;

	v.e = NULL;
	if (v.n > 0 && (v.e = message_alloc(m, v.n * sizeof(*v.e))) == NULL)
		return (-1);
	for (i = 0; i < v.n; i++) {
		v.e[i] = from->e[i];
		if (or_address_copy(m, &v.e[i].intended,
		    &from->e[i].intended) == -1)
			return (-1);
	}
	*to = v;
	return (0);
}

int
dl_history_copy(struct message *m, struct dl_history *to,
    const struct dl_history *from)
{
	struct dl_history v = *from;
	uint32_t i;

	v.e = NULL;
	if (v.n > 0 && (v.e = message_alloc(m, v.n * sizeof(*v.e))) == NULL)
		return (-1);
	for (i = 0; i < v.n; i++) {
		v.e[i] = from->e[i];
		if (or_address_copy(m, &v.e[i].name, &from->e[i].name) == -1)
			return (-1);
	}
	*to = v;
	return (0);
}

int
internal_trace_copy(struct message *m, struct internal_trace *to,
    const struct internal_trace *from)
{
	struct internal_trace v = *from;
	uint32_t i;

	v.e = NULL;
	if (v.n > 0 && (v.e = message_alloc(m, v.n * sizeof(*v.e))) == NULL)
		return (-1);
	for (i = 0; i < v.n; i++) {
		v.e[i] = from->e[i];
		if (eits_copy(m, &v.e[i].converted,
		    &from->e[i].converted) == -1)
			return (-1);
	}
	*to = v;
	return (0);
}

int
recipient_copy(struct message *m, struct recipient *to,
    const struct recipient *from)
{
	struct recipient r = *from;

	if (or_address_copy(m, &r.name, &from->name) == -1 ||
	    or_address_copy(m, &r.alternate.name,
	    &from->alternate.name) == -1 ||
	    redirection_history_copy(m, &r.redirection,
	    &from->redirection) == -1 ||
	    extensions_copy(m, &r.extension, &from->extension) == -1)
		return (-1);
	if (r.methods.n > 0 && (r.methods.method =
	    (uint16_t *)(void *)message_memdup(m, from->methods.method,
	    r.methods.n * sizeof(*r.methods.method))) == NULL)
		return (-1);
	*to = r;
	return (0);
}

int
reported_recipient_copy(struct message *m, struct reported_recipient *to,
    const struct reported_recipient *from)
{
	struct reported_recipient r = *from;

	if (or_address_copy(m, &r.name, &from->name) == -1 ||
	    or_address_copy(m, &r.intended, &from->intended) == -1 ||
	    eits_copy(m, &r.converted, &from->converted) == -1 ||
	    redirection_history_copy(m, &r.redirection,
	    &from->redirection) == -1 ||
	    extensions_copy(m, &r.extension, &from->extension) == -1)
		return (-1);
	if (r.supplementary != NULL && (r.supplementary = message_memdup(m,
	    r.supplementary, strlen(r.supplementary))) == NULL)
		return (-1);
	*to = r;
	return (0);
}

/* Through the one form that has everything. */
struct message *
message_copy(const struct message *from)
{
	struct message *m = NULL;
	struct ibuf *b;

	if ((b = ibuf_dynamic(1024, SIZE_MAX / 4)) == NULL)
		return (NULL);
	if (message_serialise(from, b) == 0)
		m = message_deserialise(ibuf_data(b), ibuf_size(b));
	ibuf_free(b);
	return (m);
}
