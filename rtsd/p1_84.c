/* SPDX-License-Identifier: ISC */

/*
 * P1 of 1984 as tables: X.411-1984 clause 4.3, figures 19 to 28, in their
 * order.  See p1_84.h.
 *
 * A SET of the envelope passes over members that it does not know: systems
 * of 1988 that talk to one of 1984 leave extensions behind.  A SEQUENCE does
 * not, for what stands where something else is due is an error.
 */

#include "p1_84.h"

#define ROW(s, m)	offsetof(struct s, m)
#define ROWS(f)		.field = (f), .nfield = sizeof(f) / sizeof((f)[0])

#define NUMERIC_OR_PRINTABLE	(ASN1_S(BER_NUMERIC_STRING) | \
	ASN1_S(BER_PRINTABLE_STRING))

static const struct asn1_type	type_integer = {
	.name = "INTEGER", .kind = ASN1_INTEGER, .tag = BER_INTEGER,
	.size = sizeof(int64_t), .min = 0, .max = INT32_MAX
};

/* Sizes of contents go beyond 32 bits. */
static const struct asn1_type	type_length = {
	.name = "INTEGER", .kind = ASN1_INTEGER, .tag = BER_INTEGER,
	.size = sizeof(int64_t), .min = 0, .max = INT64_MAX
};

static const struct asn1_type	type_bits = {
	.name = "BIT STRING", .kind = ASN1_BIT_STRING, .tag = BER_BIT_STRING,
	.size = sizeof(struct asn1_bits), .max = 64
};

/* IA5 and Printable are mixed up by many. */
static const struct asn1_type	type_local_identifier = {
	.name = "IA5String", .kind = ASN1_STRING, .flags = ASN1_GRAPHIC,
	.string = BER_IA5_STRING,
	.strings = ASN1_S(BER_IA5_STRING) | NUMERIC_OR_PRINTABLE,
	.size = sizeof(struct asn1_octets), .max = UB_LOCAL_IDENTIFIER
};

/* Length limited and for further study: what comes is cut to print. */
static const struct asn1_type	type_supplementary = {
	.name = "SupplementaryInformation", .kind = ASN1_STRING,
	.string = BER_PRINTABLE_STRING,
	.strings = ASN1_S(BER_PRINTABLE_STRING),
	.size = sizeof(struct asn1_octets), .max = 1024
};

static const struct asn1_type	type_content = {
	.name = "UMPDUContent", .kind = ASN1_STRING,
	.string = BER_OCTET_STRING, .strings = ASN1_S(BER_OCTET_STRING),
	.size = sizeof(struct asn1_octets), .max = INT64_MAX
};

static const struct asn1_type	type_content_type = {
	.name = "ContentType", .kind = ASN1_INTEGER, .tag = BER_APPLICATION(6),
	.size = sizeof(int64_t), .min = 0, .max = INT32_MAX,
	.names = (const struct asn1_names[]){
		{ 2, "p2" }, { 22, "p22" }, { 0, NULL }
	}
};

/* May be of no characters at all, which has broken others. */
static const struct asn1_type	type_content_id = {
	.name = "UAContentID", .kind = ASN1_STRING, .tag = BER_APPLICATION(10),
	.flags = ASN1_GRAPHIC, .string = BER_PRINTABLE_STRING,
	.strings = ASN1_S(BER_PRINTABLE_STRING),
	.size = sizeof(struct asn1_octets), .max = UB_CONTENT_ID
};

static const struct asn1_type	type_priority = {
	.name = "Priority", .kind = ASN1_INTEGER, .tag = BER_APPLICATION(7),
	.size = sizeof(int64_t), .min = PRIORITY_NORMAL,
	.max = PRIORITY_URGENT,
	.names = (const struct asn1_names[]){
		{ 0, "normal" }, { 1, "nonUrgent" }, { 2, "urgent" },
		{ 0, NULL }
	}
};

static const struct asn1_type	type_per_message_flag = {
	.name = "PerMessageFlag", .kind = ASN1_BIT_STRING,
	.tag = BER_APPLICATION(8), .size = sizeof(struct asn1_bits), .max = 64,
	.names = (const struct asn1_names[]){
		{ 0, "discloseRecipients" }, { 1, "conversionProhibited" },
		{ 2, "alternateRecipientAllowed" },
		{ 3, "contentReturnRequest" }, { 0, NULL }
	}
};

static const struct asn1_type	type_explicit_conversion = {
	.name = "ExplicitConversion", .kind = ASN1_INTEGER,
	.tag = BER_INTEGER, .size = sizeof(int64_t), .min = 0,
	.max = INT32_MAX,
	.names = (const struct asn1_names[]){
		{ 0, "iA5TextTeletex" }, { 1, "teletexTelex" }, { 0, NULL }
	}
};

/* GlobalDomainIdentifier */

static const struct asn1_field	domain_rows[] = {
	{ "countryName", 0, 0, &type_country_name, ROW(p1_domain, country),
	    0, 0 },
	{ "administrationDomainName", 0, 0, &type_administration_domain_name,
	    ROW(p1_domain, admd), 0, 0 },
	{ "privateDomainIdentifier", 0, ASN1_OPTIONAL,
	    &type_private_domain_name, ROW(p1_domain, prmd), 0, 0 },
};

static const struct asn1_type	type_domain = {
	.name = "GlobalDomainIdentifier", .kind = ASN1_SEQUENCE,
	.tag = BER_APPLICATION(3), .size = sizeof(struct p1_domain),
	ROWS(domain_rows)
};

/* MPDUIdentifier */

static const struct asn1_field	identifier_rows[] = {
	{ "globalDomainIdentifier", 0, 0, &type_domain,
	    ROW(p1_identifier, domain), 0, 0 },
	{ "localIdentifier", 0, 0, &type_local_identifier,
	    ROW(p1_identifier, local), 0, 0 },
};

static const struct asn1_type	type_identifier = {
	.name = "MPDUIdentifier", .kind = ASN1_SEQUENCE,
	.tag = BER_APPLICATION(4), .size = sizeof(struct p1_identifier),
	ROWS(identifier_rows)
};

/*
 * EncodedInformationTypes.  Members other than the bits (G3 and teletex
 * parameters, presentation capabilities) are relayed as they are.  EAN of
 * 1985 writes the bits without their tag.
 */

static const struct asn1_type	type_eit_bits = {
	.name = "BIT STRING", .kind = ASN1_BIT_STRING, .tag = BER_BIT_STRING,
	.size = sizeof(struct asn1_bits), .max = 64,
	.names = (const struct asn1_names[]){
		{ 0, "undefined" }, { 1, "tLX" }, { 2, "iA5Text" },
		{ 3, "g3Fax" }, { 4, "tIF0" }, { 5, "tTX" },
		{ 6, "videotex" }, { 7, "voice" }, { 8, "sFD" },
		{ 9, "tIF1" }, { 0, NULL }
	}
};

static const struct asn1_field	eits_rows[] = {
	{ "basic", BER_CONTEXT(0), ASN1_OPTIONAL, &type_eit_bits,
	    ROW(p1_eits, bits), 0, BER_BIT_STRING },
	{ "others", 0, ASN1_OTHERS, &type_any_4096, ROW(p1_eits, others),
	    0, 0 },
};

static const struct asn1_type	type_eits = {
	.name = "EncodedInformationTypes", .kind = ASN1_SET,
	.tag = BER_APPLICATION(5), .size = sizeof(struct p1_eits), ROWS(eits_rows)
};

/* TraceInformation */

static const struct asn1_type	type_action = {
	.name = "INTEGER", .kind = ASN1_INTEGER, .tag = BER_INTEGER,
	.size = sizeof(int64_t), .min = TRACE_RELAYED, .max = TRACE_REROUTED,
	.names = (const struct asn1_names[]){
		{ 0, "relayed" }, { 1, "rerouted" }, { 0, NULL }
	}
};

static const struct asn1_type	type_other_actions = {
	.name = "OtherActions", .kind = ASN1_BIT_STRING,
	.tag = BER_BIT_STRING, .size = sizeof(struct asn1_bits), .max = 64,
	.names = (const struct asn1_names[]){
		{ 0, "redirected" }, { 1, "dlOperation" }, { 0, NULL }
	}
};

static const struct asn1_field	supplied_rows[] = {
	{ "arrival", BER_CONTEXT(0), 0, &type_time,
	    ROW(p1_supplied, arrival), 0, 0 },
	{ "deferred", BER_CONTEXT(1), ASN1_OPTIONAL, &type_time,
	    ROW(p1_supplied, deferred), 0, 0 },
	{ "action", BER_CONTEXT(2), 0, &type_action,
	    ROW(p1_supplied, action), 0, 0 },
	{ "converted", 0, ASN1_OPTIONAL, &type_eits,
	    ROW(p1_supplied, converted), 0, 0 },
	{ "previous", 0, ASN1_OPTIONAL, &type_domain,
	    ROW(p1_supplied, previous), 0, 0 },
	/* X.411-1988 8.5.7, seen from systems of 1988 in P1 of 1984 */
	{ "otherActions", BER_CONTEXT(3), ASN1_OPTIONAL, &type_other_actions,
	    ROW(p1_supplied, other_actions), 0, 0 },
};

static const struct asn1_type	type_supplied = {
	.name = "DomainSuppliedInfo", .kind = ASN1_SET, .tag = BER_SET,
	.flags = ASN1_OPEN, .size = sizeof(struct p1_supplied),
	ROWS(supplied_rows)
};

static const struct asn1_field	trace_rows[] = {
	{ "domain", 0, 0, &type_domain, ROW(p1_trace, domain), 0, 0 },
	{ "domainSupplied", 0, 0, &type_supplied, ROW(p1_trace, supplied),
	    0, 0 },
};

const struct asn1_type	p1_type_trace = {
	.name = "SEQUENCE", .kind = ASN1_SEQUENCE, .tag = BER_SEQUENCE,
	.size = sizeof(struct p1_trace), ROWS(trace_rows)
};

static const struct asn1_type	type_trace_information = {
	.name = "TraceInformation", .kind = ASN1_SEQUENCE_OF,
	.tag = BER_APPLICATION(9), .size = sizeof(struct asn1_list),
	.max = UB_TRACE, .of = &p1_type_trace
};

/* PerDomainBilateralInfo */

static const struct asn1_type	type_bilateral_info = {
	.name = "BilateralInfo", .kind = ASN1_ANY,
	.size = sizeof(struct asn1_octets), .max = UB_BILATERAL_INFO
};

static const struct asn1_field	bilateral_rows[] = {
	{ "countryName", 0, 0, &type_country_name,
	    ROW(p1_bilateral, country), 0, 0 },
	{ "administrationDomainName", 0, 0, &type_administration_domain_name,
	    ROW(p1_bilateral, admd), 0, 0 },
	{ "bilateralInfo", 0, 0, &type_bilateral_info,
	    ROW(p1_bilateral, info), 0, 0 },
};

static const struct asn1_type	type_bilateral = {
	.name = "PerDomainBilateralInfo", .kind = ASN1_SEQUENCE,
	.tag = BER_SEQUENCE, .size = sizeof(struct p1_bilateral),
	ROWS(bilateral_rows)
};

static const struct asn1_type	type_bilaterals = {
	.name = "SEQUENCE OF PerDomainBilateralInfo",
	.kind = ASN1_SEQUENCE_OF, .tag = BER_SEQUENCE,
	.size = sizeof(struct asn1_list), .max = UB_TRACE,
	.of = &type_bilateral
};

/* RecipientInfo */

static const struct asn1_field	recipient_rows[] = {
	{ "recipient", 0, 0, &type_or_name, ROW(p1_recipient, recipient),
	    0, 0 },
	{ "extensionIdentifier", BER_CONTEXT(0), 0, &type_integer,
	    ROW(p1_recipient, extension), 0, 0 },
	{ "perRecipientFlag", BER_CONTEXT(1), 0, &type_bits,
	    ROW(p1_recipient, flags), 0, 0 },
	{ "explicitConversion", BER_CONTEXT(2), ASN1_OPTIONAL,
	    &type_explicit_conversion, ROW(p1_recipient, conversion), 0, 0 },
};

static const struct asn1_type	type_recipient = {
	.name = "RecipientInfo", .kind = ASN1_SET, .tag = BER_SET,
	.flags = ASN1_OPEN, .size = sizeof(struct p1_recipient),
	ROWS(recipient_rows)
};

static const struct asn1_type	type_recipients = {
	.name = "SEQUENCE OF RecipientInfo", .kind = ASN1_SEQUENCE_OF,
	.tag = BER_SEQUENCE, .size = sizeof(struct asn1_list), .min = 1,
	.max = UB_RECIPIENTS, .of = &type_recipient
};

/* UMPDUEnvelope */

static const struct asn1_field	envelope_rows[] = {
	{ "mpduIdentifier", 0, 0, &type_identifier, ROW(p1_envelope, id),
	    0, 0 },
	{ "originator", 0, 0, &type_or_name, ROW(p1_envelope, originator),
	    0, 0 },
	{ "original", 0, ASN1_OPTIONAL, &type_eits,
	    ROW(p1_envelope, original), 0, 0 },
	{ "contentType", 0, 0, &type_content_type,
	    ROW(p1_envelope, content_type), 0, 0 },
	{ "uaContentID", 0, ASN1_OPTIONAL, &type_content_id,
	    ROW(p1_envelope, content_id), 0, 0 },
	{ "priority", 0, ASN1_DEFAULT, &type_priority,
	    ROW(p1_envelope, priority), PRIORITY_NORMAL, 0 },
	{ "perMessageFlag", 0, ASN1_DEFAULT, &type_per_message_flag,
	    ROW(p1_envelope, indicators), 0, 0 },
	{ "deferredDelivery", BER_CONTEXT(0), ASN1_OPTIONAL, &type_time,
	    ROW(p1_envelope, deferred), 0, 0 },
	{ "perDomainBilateralInfo", BER_CONTEXT(1), ASN1_OPTIONAL,
	    &type_bilaterals, ROW(p1_envelope, bilateral), 0, 0 },
	{ "recipients", BER_CONTEXT(2), 0, &type_recipients,
	    ROW(p1_envelope, recipients), 0, 0 },
	{ "traceInformation", 0, 0, &type_trace_information,
	    ROW(p1_envelope, trace), 0, 0 },
};

const struct asn1_type	p1_type_envelope = {
	.name = "UMPDUEnvelope", .kind = ASN1_SET, .tag = BER_SET,
	.flags = ASN1_OPEN, .size = sizeof(struct p1_envelope),
	ROWS(envelope_rows)
};

/* UserMPDU */

static const struct asn1_field	user_rows[] = {
	{ "envelope", 0, 0, &p1_type_envelope, ROW(p1_user_mpdu, envelope),
	    0, 0 },
	{ "content", 0, ASN1_LAST, &type_content, ROW(p1_user_mpdu, content),
	    0, 0 },
};

static const struct asn1_type	type_user = {
	.name = "UserMPDU", .kind = ASN1_SEQUENCE, .tag = BER_SEQUENCE,
	.size = sizeof(struct p1_user_mpdu), ROWS(user_rows)
};

/* ProbeMPDU */

static const struct asn1_field	probe_rows[] = {
	{ "probe", 0, 0, &type_identifier, ROW(p1_probe, id), 0, 0 },
	{ "originator", 0, 0, &type_or_name, ROW(p1_probe, originator),
	    0, 0 },
	{ "contentType", 0, 0, &type_content_type,
	    ROW(p1_probe, content_type), 0, 0 },
	{ "uaContentID", 0, ASN1_OPTIONAL, &type_content_id,
	    ROW(p1_probe, content_id), 0, 0 },
	{ "original", 0, ASN1_OPTIONAL, &type_eits, ROW(p1_probe, original),
	    0, 0 },
	{ "traceInformation", 0, 0, &type_trace_information,
	    ROW(p1_probe, trace), 0, 0 },
	{ "perMessageFlag", 0, ASN1_DEFAULT, &type_per_message_flag,
	    ROW(p1_probe, indicators), 0, 0 },
	{ "contentLength", BER_CONTEXT(0), ASN1_OPTIONAL, &type_length,
	    ROW(p1_probe, length), 0, 0 },
	{ "perDomainBilateralInfo", BER_CONTEXT(1), ASN1_OPTIONAL,
	    &type_bilaterals, ROW(p1_probe, bilateral), 0, 0 },
	{ "recipients", BER_CONTEXT(2), 0, &type_recipients,
	    ROW(p1_probe, recipients), 0, 0 },
};

static const struct asn1_type	type_probe = {
	.name = "ProbeEnvelope", .kind = ASN1_SET, .tag = BER_SET,
	.flags = ASN1_OPEN, .size = sizeof(struct p1_probe), ROWS(probe_rows)
};

/* DeliveryReportEnvelope */

static const struct asn1_field	report_envelope_rows[] = {
	{ "report", 0, 0, &type_identifier, ROW(p1_report_envelope, id),
	    0, 0 },
	{ "originator", 0, 0, &type_or_name,
	    ROW(p1_report_envelope, originator), 0, 0 },
	{ "traceInformation", 0, 0, &type_trace_information,
	    ROW(p1_report_envelope, trace), 0, 0 },
};

static const struct asn1_type	type_report_envelope = {
	.name = "DeliveryReportEnvelope", .kind = ASN1_SET, .tag = BER_SET,
	.flags = ASN1_OPEN, .size = sizeof(struct p1_report_envelope),
	ROWS(report_envelope_rows)
};

/* LastTraceInformation */

static const struct asn1_type	type_type_of_ua = {
	.name = "INTEGER", .kind = ASN1_INTEGER, .tag = BER_INTEGER,
	.size = sizeof(int64_t), .min = 0, .max = INT32_MAX,
	.names = (const struct asn1_names[]){
		{ 0, "public" }, { 1, "private" }, { 0, NULL }
	}
};

static const struct asn1_field	delivered_rows[] = {
	{ "delivery", BER_CONTEXT(0), 0, &type_time,
	    ROW(p1_delivered, delivery), 0, 0 },
	{ "typeOfUA", BER_CONTEXT(1), ASN1_DEFAULT, &type_type_of_ua,
	    ROW(p1_delivered, type), 0, 0 },
};

static const struct asn1_type	type_delivered = {
	.name = "DeliveredInfo", .kind = ASN1_SET, .tag = BER_SET,
	.flags = ASN1_OPEN, .size = sizeof(struct p1_delivered),
	ROWS(delivered_rows)
};

static const struct asn1_type	type_reason = {
	.name = "ReasonCode", .kind = ASN1_INTEGER, .tag = BER_INTEGER,
	.size = sizeof(int64_t), .min = 0, .max = INT32_MAX,
	.names = (const struct asn1_names[]){
		{ 0, "transferFailure" }, { 1, "unableToTransfer" },
		{ 2, "conversionNotPerformed" }, { 0, NULL }
	}
};

static const struct asn1_type	type_diagnostic = {
	.name = "DiagnosticCode", .kind = ASN1_INTEGER, .tag = BER_INTEGER,
	.size = sizeof(int64_t), .min = 0, .max = INT32_MAX,
	.names = (const struct asn1_names[]){
		{ 0, "unrecognizedORName" }, { 1, "ambiguousORName" },
		{ 2, "mtaCongestion" }, { 3, "loopDetected" },
		{ 4, "uaUnavailable" }, { 5, "maximumTimeExpired" },
		{ 6, "encodedInformationTypesUnsupported" },
		{ 7, "contentTooLong" }, { 8, "conversionImpractical" },
		{ 9, "conversionProhibited" },
		{ 10, "implicitConversionNotRegistered" },
		{ 11, "invalidParameters" }, { 0, NULL }
	}
};

static const struct asn1_field	non_delivered_rows[] = {
	{ "reasonCode", BER_CONTEXT(0), 0, &type_reason,
	    ROW(p1_non_delivered, reason), 0, 0 },
	{ "diagnosticCode", BER_CONTEXT(1), ASN1_OPTIONAL, &type_diagnostic,
	    ROW(p1_non_delivered, diagnostic), 0, 0 },
};

static const struct asn1_type	type_non_delivered = {
	.name = "NonDeliveredInfo", .kind = ASN1_SET, .tag = BER_SET,
	.flags = ASN1_OPEN, .size = sizeof(struct p1_non_delivered),
	ROWS(non_delivered_rows)
};

static const struct asn1_field	report_choice_rows[] = {
	{ "delivered", BER_CONTEXT(0), 0, &type_delivered,
	    ROW(p1_report, delivered), 0, 0 },
	{ "nonDelivered", BER_CONTEXT(1), 0, &type_non_delivered,
	    ROW(p1_report, non_delivered), 0, 0 },
};

static const struct asn1_type	type_report_choice = {
	.name = "Report", .kind = ASN1_CHOICE,
	.size = sizeof(struct p1_report), ROWS(report_choice_rows)
};

static const struct asn1_field	last_trace_rows[] = {
	{ "arrival", BER_CONTEXT(0), 0, &type_time,
	    ROW(p1_last_trace, arrival), 0, 0 },
	{ "converted", 0, ASN1_OPTIONAL, &type_eits,
	    ROW(p1_last_trace, converted), 0, 0 },
	{ "report", BER_CONTEXT(1), ASN1_EXPLICIT, &type_report_choice,
	    ROW(p1_last_trace, report), 0, 0 },
};

static const struct asn1_type	type_last_trace = {
	.name = "LastTraceInformation", .kind = ASN1_SET, .tag = BER_SET,
	.flags = ASN1_OPEN, .size = sizeof(struct p1_last_trace),
	ROWS(last_trace_rows)
};

/* ReportedRecipientInfo */

static const struct asn1_field	reported_rows[] = {
	{ "recipient", BER_CONTEXT(0), 0, &type_or_name,
	    ROW(p1_reported, recipient), 0, 0 },
	{ "extensionIdentifier", BER_CONTEXT(1), 0, &type_integer,
	    ROW(p1_reported, extension), 0, 0 },
	{ "perRecipientFlag", BER_CONTEXT(2), 0, &type_bits,
	    ROW(p1_reported, flags), 0, 0 },
	{ "lastTrace", BER_CONTEXT(3), 0, &type_last_trace,
	    ROW(p1_reported, last_trace), 0, 0 },
	{ "intendedRecipient", BER_CONTEXT(4), ASN1_OPTIONAL, &type_or_name,
	    ROW(p1_reported, intended), 0, 0 },
	{ "supplementaryInformation", BER_CONTEXT(5), ASN1_OPTIONAL,
	    &type_supplementary, ROW(p1_reported, supplementary), 0, 0 },
};

static const struct asn1_type	type_reported = {
	.name = "ReportedRecipientInfo", .kind = ASN1_SET, .tag = BER_SET,
	.flags = ASN1_OPEN, .size = sizeof(struct p1_reported),
	ROWS(reported_rows)
};

static const struct asn1_type	type_reporteds = {
	.name = "SEQUENCE OF ReportedRecipientInfo",
	.kind = ASN1_SEQUENCE_OF, .tag = BER_SEQUENCE,
	.size = sizeof(struct asn1_list), .min = 1, .max = UB_RECIPIENTS,
	.of = &type_reported
};

/* DeliveryReportContent: the content returned may be kept apart. */

static const struct asn1_field	report_content_rows[] = {
	{ "original", 0, 0, &type_identifier,
	    ROW(p1_report_content, original), 0, 0 },
	{ "intermediate", 0, ASN1_OPTIONAL, &type_trace_information,
	    ROW(p1_report_content, intermediate), 0, 0 },
	{ "uaContentID", 0, ASN1_OPTIONAL, &type_content_id,
	    ROW(p1_report_content, content_id), 0, 0 },
	{ "reportedRecipients", BER_CONTEXT(0), 0, &type_reporteds,
	    ROW(p1_report_content, reported), 0, 0 },
	{ "returned", P1_TAG_RETURNED, ASN1_OPTIONAL | ASN1_LAST,
	    &type_content, ROW(p1_report_content, returned), 0, 0 },
	{ "billingInformation", BER_CONTEXT(2),
	    ASN1_OPTIONAL | ASN1_EXPLICIT, &type_any_4096,
	    ROW(p1_report_content, billing), 0, 0 },
};

static const struct asn1_type	type_report_content = {
	.name = "DeliveryReportContent", .kind = ASN1_SET, .tag = BER_SET,
	.flags = ASN1_OPEN, .size = sizeof(struct p1_report_content),
	ROWS(report_content_rows)
};

static const struct asn1_field	report_rows[] = {
	{ "envelope", 0, 0, &type_report_envelope,
	    ROW(p1_report_mpdu, envelope), 0, 0 },
	{ "content", 0, ASN1_LAST, &type_report_content,
	    ROW(p1_report_mpdu, content), 0, 0 },
};

static const struct asn1_type	type_report = {
	.name = "DeliveryReportMPDU", .kind = ASN1_SEQUENCE,
	.tag = BER_SEQUENCE, .size = sizeof(struct p1_report_mpdu),
	ROWS(report_rows)
};

/* MPDU ::= CHOICE { [0] UserMPDU, ServiceMPDU } */

static const struct asn1_field	mpdu_rows[] = {
	{ "userMPDU", P1_TAG_USER, 0, &type_user, ROW(p1_mpdu, u), 0, 0 },
	{ "deliveryReportMPDU", P1_TAG_REPORT, 0, &type_report,
	    ROW(p1_mpdu, u), 0, 0 },
	{ "probeMPDU", P1_TAG_PROBE, 0, &type_probe, ROW(p1_mpdu, u), 0, 0 },
};

const struct asn1_type	p1_type_mpdu = {
	.name = "MPDU", .kind = ASN1_CHOICE, .size = sizeof(struct p1_mpdu),
	ROWS(mpdu_rows)
};
