/* SPDX-License-Identifier: ISC */

/*
 * P1 of 1988 and later as tables: MTS-APDU and what it is made of (X.411
 * figures 4 and 6), in the order of the Recommendation but for the rows of
 * 1988 which are behind those that 1984 has too (see p1_84.h).
 *
 * A SET of an envelope passes over members that it does not know: later
 * editions have added some.  Bounds are those of X.411 annex B, but where
 * what breaks them has been seen: identifiers of no characters, and bit
 * strings shorter than they have to be.
 */

#include "p1_88.h"

#define ROW(s, m)	offsetof(struct s, m)
#define ROWS(f)		.field = (f), .nfield = sizeof(f) / sizeof((f)[0])

#define NUMERIC_OR_PRINTABLE	(ASN1_S(BER_NUMERIC_STRING) | \
	ASN1_S(BER_PRINTABLE_STRING))
#define UB_BIT_OPTIONS		16

static const struct asn1_type	type_recipient_number = {
	.name = "OriginallySpecifiedRecipientNumber", .kind = ASN1_INTEGER,
	.tag = BER_INTEGER, .size = sizeof(int64_t), .min = 1,
	.max = UB_RECIPIENTS
};

/* Sizes of contents go beyond ub-content-length. */
static const struct asn1_type	type_length = {
	.name = "ContentLength", .kind = ASN1_INTEGER, .tag = BER_INTEGER,
	.size = sizeof(int64_t), .min = 0, .max = INT64_MAX
};

/* IA5 and Printable are mixed up by many. */
static const struct asn1_type	type_local_identifier = {
	.name = "LocalIdentifier", .kind = ASN1_STRING, .flags = ASN1_GRAPHIC,
	.string = BER_IA5_STRING,
	.strings = ASN1_S(BER_IA5_STRING) | NUMERIC_OR_PRINTABLE,
	.size = sizeof(struct asn1_octets), .max = UB_LOCAL_IDENTIFIER
};

const struct asn1_type	p1_88_type_mta_name = {
	.name = "MTAName", .kind = ASN1_STRING, .flags = ASN1_GRAPHIC,
	.string = BER_IA5_STRING,
	.strings = ASN1_S(BER_IA5_STRING) | NUMERIC_OR_PRINTABLE,
	.size = sizeof(struct asn1_octets), .max = UB_MTA_NAME
};

static const struct asn1_type	type_content = {
	.name = "Content", .kind = ASN1_STRING,
	.string = BER_OCTET_STRING, .strings = ASN1_S(BER_OCTET_STRING),
	.size = sizeof(struct asn1_octets), .max = INT64_MAX
};

static const struct asn1_type	type_content_type = {
	.name = "BuiltInContentType", .kind = ASN1_INTEGER,
	.tag = BER_APPLICATION(6), .size = sizeof(int64_t), .min = 0,
	.max = 32767,
	.names = (const struct asn1_names[]){
		{ 0, "unidentified" }, { 1, "external" },
		{ 2, "interpersonal-messaging-1984" },
		{ 22, "interpersonal-messaging-1988" },
		{ 35, "edi-messaging" }, { 40, "voice-messaging" },
		{ 0, NULL }
	}
};

/* May be of no characters at all, which has broken others. */
static const struct asn1_type	type_content_id = {
	.name = "ContentIdentifier", .kind = ASN1_STRING,
	.tag = BER_APPLICATION(10), .flags = ASN1_GRAPHIC,
	.string = BER_PRINTABLE_STRING,
	.strings = ASN1_S(BER_PRINTABLE_STRING),
	.size = sizeof(struct asn1_octets), .max = UB_CONTENT_ID
};

static const struct asn1_type	type_priority = {
	.name = "Priority", .kind = ASN1_INTEGER, .tag = BER_APPLICATION(7),
	.size = sizeof(int64_t), .min = PRIORITY_NORMAL,
	.max = PRIORITY_URGENT,
	.names = (const struct asn1_names[]){
		{ 0, "normal" }, { 1, "non-urgent" }, { 2, "urgent" },
		{ 0, NULL }
	}
};

static const struct asn1_type	type_per_message_indicators = {
	.name = "PerMessageIndicators", .kind = ASN1_BIT_STRING,
	.tag = BER_APPLICATION(8), .size = sizeof(struct asn1_bits),
	.max = UB_BIT_OPTIONS,
	.names = (const struct asn1_names[]){
		{ 0, "disclosure-of-other-recipients" },
		{ 1, "implicit-conversion-prohibited" },
		{ 2, "alternate-recipient-allowed" },
		{ 3, "content-return-request" }, { 4, "reserved" },
		{ 5, "bit-5" }, { 6, "bit-6" }, { 7, "service-message" },
		{ 0, NULL }
	}
};

static const struct asn1_type	type_per_recipient_indicators = {
	.name = "PerRecipientIndicators", .kind = ASN1_BIT_STRING,
	.tag = BER_BIT_STRING, .size = sizeof(struct asn1_bits),
	.max = UB_BIT_OPTIONS,
	.names = (const struct asn1_names[]){
		{ 0, "responsibility" }, { 1, "originating-MTA-report" },
		{ 2, "originating-MTA-non-delivery-report" },
		{ 3, "originator-report" },
		{ 4, "originator-non-delivery-report" }, { 0, NULL }
	}
};

static const struct asn1_type	type_explicit_conversion = {
	.name = "ExplicitConversion", .kind = ASN1_INTEGER,
	.tag = BER_INTEGER, .size = sizeof(int64_t), .min = 0, .max = 256,
	.names = (const struct asn1_names[]){
		{ 0, "ia5-text-to-teletex" }, { 8, "ia5-text-to-g3-facsimile" },
		{ 9, "ia5-text-to-g4-class-1" },
		{ 10, "ia5-text-to-videotex" }, { 11, "teletex-to-ia5-text" },
		{ 12, "teletex-to-g3-facsimile" },
		{ 13, "teletex-to-g4-class-1" },
		{ 14, "teletex-to-videotex" }, { 16, "videotex-to-ia5-text" },
		{ 17, "videotex-to-teletex" }, { 0, NULL }
	}
};

static const struct asn1_type	type_supplementary = {
	.name = "SupplementaryInformation", .kind = ASN1_STRING,
	.string = BER_PRINTABLE_STRING,
	.strings = ASN1_S(BER_PRINTABLE_STRING),
	.size = sizeof(struct asn1_octets), .max = UB_SUPPLEMENTARY_INFO
};

/* GlobalDomainIdentifier, MTSIdentifier */

static const struct asn1_field	domain_rows[] = {
	{ "country-name", 0, 0, &type_country_name, ROW(p1_domain, country),
	    0, 0 },
	{ "administration-domain-name", 0, 0, &type_administration_domain_name,
	    ROW(p1_domain, admd), 0, 0 },
	{ "private-domain-identifier", 0, ASN1_OPTIONAL,
	    &type_private_domain_name, ROW(p1_domain, prmd), 0, 0 },
};

const struct asn1_type	p1_88_type_domain = {
	.name = "GlobalDomainIdentifier", .kind = ASN1_SEQUENCE,
	.tag = BER_APPLICATION(3), .size = sizeof(struct p1_domain),
	ROWS(domain_rows)
};

static const struct asn1_field	identifier_rows[] = {
	{ "global-domain-identifier", 0, 0, &p1_88_type_domain,
	    ROW(p1_identifier, domain), 0, 0 },
	{ "local-identifier", 0, 0, &type_local_identifier,
	    ROW(p1_identifier, local), 0, 0 },
};

static const struct asn1_type	type_identifier = {
	.name = "MTSIdentifier", .kind = ASN1_SEQUENCE,
	.tag = BER_APPLICATION(4), .size = sizeof(struct p1_identifier),
	ROWS(identifier_rows)
};

/* EncodedInformationTypes; non-basic parameters are relayed as they are. */

static const struct asn1_type	type_eit_bits = {
	.name = "BuiltInEncodedInformationTypes", .kind = ASN1_BIT_STRING,
	.tag = BER_BIT_STRING, .size = sizeof(struct asn1_bits), .max = 32,
	.names = (const struct asn1_names[]){
		{ 0, "unknown" }, { 1, "telex" }, { 2, "ia5-text" },
		{ 3, "g3-facsimile" }, { 4, "g4-class-1" }, { 5, "teletex" },
		{ 6, "videotex" }, { 7, "voice" }, { 8, "sfd" },
		{ 9, "mixed-mode" }, { 0, NULL }
	}
};

const struct asn1_type	p1_88_type_external_eits = {
	.name = "ExtendedEncodedInformationTypes", .kind = ASN1_SEQUENCE_OF,
	.tag = BER_SET, .size = sizeof(struct asn1_list), .min = 1,
	.max = UB_EXTERNAL_EITS, .of = &type_oid
};

static const struct asn1_field	eits_rows[] = {
	{ "built-in-encoded-information-types", BER_CONTEXT(0), ASN1_OPTIONAL,
	    &type_eit_bits, ROW(p1_eits, bits), 0, BER_BIT_STRING },
	{ "non-basic-parameters", 0, ASN1_OTHERS, &type_any_4096,
	    ROW(p1_eits, others), 0, 0 },
	{ "extended-encoded-information-types", BER_CONTEXT(4),
	    ASN1_OPTIONAL, &p1_88_type_external_eits, ROW(p1_eits, external),
	    0, 0 },
};

const struct asn1_type	p1_88_type_eits = {
	.name = "EncodedInformationTypes", .kind = ASN1_SET,
	.tag = BER_APPLICATION(5), .size = sizeof(struct p1_eits),
	ROWS(eits_rows)
};

/* TraceInformation */

const struct asn1_type	p1_88_type_action = {
	.name = "RoutingAction", .kind = ASN1_INTEGER, .tag = BER_ENUMERATED,
	.size = sizeof(int64_t), .min = TRACE_RELAYED, .max = TRACE_REROUTED,
	.names = (const struct asn1_names[]){
		{ 0, "relayed" }, { 1, "rerouted" }, { 0, NULL }
	}
};

const struct asn1_type	p1_88_type_other_actions = {
	.name = "OtherActions", .kind = ASN1_BIT_STRING,
	.tag = BER_BIT_STRING, .size = sizeof(struct asn1_bits),
	.max = UB_BIT_OPTIONS,
	.names = (const struct asn1_names[]){
		{ 0, "redirected" }, { 1, "dl-operation" }, { 0, NULL }
	}
};

static const struct asn1_field	supplied_rows[] = {
	{ "arrival-time", BER_CONTEXT(0), 0, &type_time,
	    ROW(p1_supplied, arrival), 0, 0 },
	{ "deferred-time", BER_CONTEXT(1), ASN1_OPTIONAL, &type_time,
	    ROW(p1_supplied, deferred), 0, 0 },
	{ "routing-action", BER_CONTEXT(2), 0, &p1_88_type_action,
	    ROW(p1_supplied, action), 0, 0 },
	{ "converted-encoded-information-types", 0, ASN1_OPTIONAL,
	    &p1_88_type_eits, ROW(p1_supplied, converted), 0, 0 },
	{ "attempted-domain", 0, ASN1_OPTIONAL, &p1_88_type_domain,
	    ROW(p1_supplied, previous), 0, 0 },
	{ "other-actions", BER_CONTEXT(3), ASN1_DEFAULT,
	    &p1_88_type_other_actions, ROW(p1_supplied, other_actions),
	    0, 0 },
};

static const struct asn1_type	type_supplied = {
	.name = "DomainSuppliedInformation", .kind = ASN1_SET,
	.tag = BER_SET, .flags = ASN1_OPEN, .size = sizeof(struct p1_supplied),
	ROWS(supplied_rows)
};

static const struct asn1_field	trace_rows[] = {
	{ "global-domain-identifier", 0, 0, &p1_88_type_domain,
	    ROW(p1_trace, domain), 0, 0 },
	{ "domain-supplied-information", 0, 0, &type_supplied,
	    ROW(p1_trace, supplied), 0, 0 },
};

static const struct asn1_type	type_trace = {
	.name = "TraceInformationElement", .kind = ASN1_SEQUENCE,
	.tag = BER_SEQUENCE, .size = sizeof(struct p1_trace), ROWS(trace_rows)
};

const struct asn1_type	p1_88_type_trace_information = {
	.name = "TraceInformation", .kind = ASN1_SEQUENCE_OF,
	.tag = BER_APPLICATION(9), .size = sizeof(struct asn1_list),
	.max = UB_TRACE, .of = &type_trace
};

/* PerDomainBilateralInformation */

/* AdministrationDomainName where [0] stands for its own tag. */
static const struct asn1_type	type_admd = {
	.name = "AdministrationDomainName", .kind = ASN1_STRING,
	.flags = ASN1_GRAPHIC, .string = BER_PRINTABLE_STRING,
	.strings = NUMERIC_OR_PRINTABLE, .size = sizeof(struct asn1_octets),
	.max = UB_DOMAIN_NAME
};

static const struct asn1_field	private_rows[] = {
	{ "administration-domain-name", BER_CONTEXT(0), ASN1_EXPLICIT,
	    &type_admd, ROW(p1_private_domain, admd), 0, 0 },
	{ "private-domain-identifier", BER_CONTEXT(1), ASN1_EXPLICIT,
	    &type_private_domain_name, ROW(p1_private_domain, prmd), 0, 0 },
};

static const struct asn1_type	type_private = {
	.name = "private-domain", .kind = ASN1_SEQUENCE, .tag = BER_SEQUENCE,
	.size = sizeof(struct p1_private_domain), ROWS(private_rows)
};

static const struct asn1_field	bilateral_domain_rows[] = {
	{ "administration-domain-name", 0, 0, &type_administration_domain_name,
	    ROW(p1_bilateral_domain, admd), 0, 0 },
	{ "private-domain", 0, 0, &type_private,
	    ROW(p1_bilateral_domain, private), 0, 0 },
};

static const struct asn1_type	type_bilateral_domain = {
	.name = "domain", .kind = ASN1_CHOICE,
	.size = sizeof(struct p1_bilateral_domain), ROWS(bilateral_domain_rows)
};

static const struct asn1_type	type_bilateral_info = {
	.name = "bilateral-information", .kind = ASN1_ANY,
	.size = sizeof(struct asn1_octets), .max = UB_BILATERAL_INFO
};

static const struct asn1_field	bilateral_rows[] = {
	{ "country-name", 0, 0, &type_country_name,
	    ROW(p1_bilateral_88, country), 0, 0 },
	{ "domain", 0, 0, &type_bilateral_domain,
	    ROW(p1_bilateral_88, domain), 0, 0 },
	{ "bilateral-information", 0, 0, &type_bilateral_info,
	    ROW(p1_bilateral_88, info), 0, 0 },
};

static const struct asn1_type	type_bilateral = {
	.name = "PerDomainBilateralInformation", .kind = ASN1_SEQUENCE,
	.tag = BER_SEQUENCE, .size = sizeof(struct p1_bilateral_88),
	ROWS(bilateral_rows)
};

static const struct asn1_type	type_bilaterals = {
	.name = "SEQUENCE OF PerDomainBilateralInformation",
	.kind = ASN1_SEQUENCE_OF, .tag = BER_SEQUENCE,
	.size = sizeof(struct asn1_list), .max = UB_TRACE,
	.of = &type_bilateral
};

/* PerRecipientMessageTransferFields, PerRecipientProbeTransferFields */

static const struct asn1_field	recipient_rows[] = {
	{ "recipient-name", 0, 0, &type_or_name_88,
	    ROW(p1_recipient, recipient), 0, 0 },
	{ "originally-specified-recipient-number", BER_CONTEXT(0), 0,
	    &type_recipient_number, ROW(p1_recipient, extension), 0, 0 },
	{ "per-recipient-indicators", BER_CONTEXT(1), 0,
	    &type_per_recipient_indicators, ROW(p1_recipient, flags), 0, 0 },
	{ "explicit-conversion", BER_CONTEXT(2), ASN1_OPTIONAL,
	    &type_explicit_conversion, ROW(p1_recipient, conversion), 0, 0 },
	{ "extensions", BER_CONTEXT(3), ASN1_DEFAULT, &p1_88_type_extensions,
	    ROW(p1_recipient, extensions), 0, 0 },
};

static const struct asn1_type	type_recipient = {
	.name = "PerRecipientTransferFields", .kind = ASN1_SET,
	.tag = BER_SET, .flags = ASN1_OPEN,
	.size = sizeof(struct p1_recipient), ROWS(recipient_rows)
};

static const struct asn1_type	type_recipients = {
	.name = "SEQUENCE OF PerRecipientTransferFields",
	.kind = ASN1_SEQUENCE_OF, .tag = BER_SEQUENCE,
	.size = sizeof(struct asn1_list), .min = 1, .max = UB_RECIPIENTS,
	.of = &type_recipient
};

/* MessageTransferEnvelope; content-type is a CHOICE of two rows */

static const struct asn1_field	envelope_rows[] = {
	{ "message-identifier", 0, 0, &type_identifier, ROW(p1_envelope, id),
	    0, 0 },
	{ "originator-name", 0, 0, &type_or_name_88,
	    ROW(p1_envelope, originator), 0, 0 },
	{ "original-encoded-information-types", 0, ASN1_OPTIONAL,
	    &p1_88_type_eits, ROW(p1_envelope, original), 0, 0 },
	{ "content-type", 0, ASN1_OPTIONAL, &type_content_type,
	    ROW(p1_envelope, content_type), 0, 0 },
	{ "content-identifier", 0, ASN1_OPTIONAL, &type_content_id,
	    ROW(p1_envelope, content_id), 0, 0 },
	{ "priority", 0, ASN1_DEFAULT, &type_priority,
	    ROW(p1_envelope, priority), PRIORITY_NORMAL, 0 },
	{ "per-message-indicators", 0, ASN1_DEFAULT,
	    &type_per_message_indicators, ROW(p1_envelope, indicators),
	    0, 0 },
	{ "deferred-delivery-time", BER_CONTEXT(0), ASN1_OPTIONAL, &type_time,
	    ROW(p1_envelope, deferred), 0, 0 },
	{ "per-domain-bilateral-information", BER_CONTEXT(1), ASN1_OPTIONAL,
	    &type_bilaterals, ROW(p1_envelope, bilateral), 0, 0 },
	{ "per-recipient-fields", BER_CONTEXT(2), 0, &type_recipients,
	    ROW(p1_envelope, recipients), 0, 0 },
	{ "trace-information", 0, 0, &p1_88_type_trace_information,
	    ROW(p1_envelope, trace), 0, 0 },
	{ "content-type", 0, ASN1_OPTIONAL, &type_oid,
	    ROW(p1_envelope, content_oid), 0, 0 },
	{ "extensions", BER_CONTEXT(3), ASN1_DEFAULT, &p1_88_type_extensions,
	    ROW(p1_envelope, extensions), 0, 0 },
};

const struct asn1_type	p1_88_type_envelope = {
	.name = "MessageTransferEnvelope", .kind = ASN1_SET, .tag = BER_SET,
	.flags = ASN1_OPEN, .size = sizeof(struct p1_envelope),
	ROWS(envelope_rows)
};

static const struct asn1_field	message_rows[] = {
	{ "envelope", 0, 0, &p1_88_type_envelope,
	    ROW(p1_user_mpdu, envelope), 0, 0 },
	{ "content", 0, ASN1_LAST, &type_content, ROW(p1_user_mpdu, content),
	    0, 0 },
};

static const struct asn1_type	type_message = {
	.name = "Message", .kind = ASN1_SEQUENCE, .tag = BER_SEQUENCE,
	.size = sizeof(struct p1_user_mpdu), ROWS(message_rows)
};

/* ProbeTransferEnvelope */

static const struct asn1_field	probe_rows[] = {
	{ "probe-identifier", 0, 0, &type_identifier, ROW(p1_probe, id),
	    0, 0 },
	{ "originator-name", 0, 0, &type_or_name_88,
	    ROW(p1_probe, originator), 0, 0 },
	{ "content-type", 0, ASN1_OPTIONAL, &type_content_type,
	    ROW(p1_probe, content_type), 0, 0 },
	{ "content-identifier", 0, ASN1_OPTIONAL, &type_content_id,
	    ROW(p1_probe, content_id), 0, 0 },
	{ "original-encoded-information-types", 0, ASN1_OPTIONAL,
	    &p1_88_type_eits, ROW(p1_probe, original), 0, 0 },
	{ "trace-information", 0, 0, &p1_88_type_trace_information,
	    ROW(p1_probe, trace), 0, 0 },
	{ "per-message-indicators", 0, ASN1_DEFAULT,
	    &type_per_message_indicators, ROW(p1_probe, indicators), 0, 0 },
	{ "content-length", BER_CONTEXT(0), ASN1_OPTIONAL, &type_length,
	    ROW(p1_probe, length), 0, 0 },
	{ "per-domain-bilateral-information", BER_CONTEXT(1), ASN1_OPTIONAL,
	    &type_bilaterals, ROW(p1_probe, bilateral), 0, 0 },
	{ "per-recipient-fields", BER_CONTEXT(2), 0, &type_recipients,
	    ROW(p1_probe, recipients), 0, 0 },
	{ "content-type", 0, ASN1_OPTIONAL, &type_oid,
	    ROW(p1_probe, content_oid), 0, 0 },
	{ "extensions", BER_CONTEXT(3), ASN1_DEFAULT, &p1_88_type_extensions,
	    ROW(p1_probe, extensions), 0, 0 },
};

static const struct asn1_type	type_probe = {
	.name = "ProbeTransferEnvelope", .kind = ASN1_SET, .tag = BER_SET,
	.flags = ASN1_OPEN, .size = sizeof(struct p1_probe), ROWS(probe_rows)
};

/* ReportTransferEnvelope */

static const struct asn1_field	report_envelope_rows[] = {
	{ "report-identifier", 0, 0, &type_identifier,
	    ROW(p1_report_envelope, id), 0, 0 },
	{ "report-destination-name", 0, 0, &type_or_name_88,
	    ROW(p1_report_envelope, originator), 0, 0 },
	{ "trace-information", 0, 0, &p1_88_type_trace_information,
	    ROW(p1_report_envelope, trace), 0, 0 },
	{ "extensions", BER_CONTEXT(1), ASN1_DEFAULT, &p1_88_type_extensions,
	    ROW(p1_report_envelope, extensions), 0, 0 },
};

static const struct asn1_type	type_report_envelope = {
	.name = "ReportTransferEnvelope", .kind = ASN1_SET, .tag = BER_SET,
	.flags = ASN1_OPEN, .size = sizeof(struct p1_report_envelope),
	ROWS(report_envelope_rows)
};

/* LastTraceInformation */

static const struct asn1_type	type_type_of_user = {
	.name = "TypeOfMTSUser", .kind = ASN1_INTEGER, .tag = BER_INTEGER,
	.size = sizeof(int64_t), .min = 0, .max = 256,
	.names = (const struct asn1_names[]){
		{ 0, "public" }, { 1, "private" }, { 2, "ms" }, { 3, "dl" },
		{ 4, "pdau" }, { 5, "physical-recipient" }, { 6, "other" },
		{ 0, NULL }
	}
};

static const struct asn1_field	delivered_rows[] = {
	{ "message-delivery-time", BER_CONTEXT(0), 0, &type_time,
	    ROW(p1_delivered, delivery), 0, 0 },
	{ "type-of-MTS-user", BER_CONTEXT(1), ASN1_DEFAULT,
	    &type_type_of_user, ROW(p1_delivered, type), 0, 0 },
};

static const struct asn1_type	type_delivered = {
	.name = "DeliveryReport", .kind = ASN1_SET, .tag = BER_SET,
	.flags = ASN1_OPEN, .size = sizeof(struct p1_delivered),
	ROWS(delivered_rows)
};

static const struct asn1_type	type_reason = {
	.name = "NonDeliveryReasonCode", .kind = ASN1_INTEGER,
	.tag = BER_INTEGER, .size = sizeof(int64_t), .min = 0, .max = 32767,
	.names = (const struct asn1_names[]){
		{ 0, "transfer-failure" }, { 1, "unable-to-transfer" },
		{ 2, "conversion-not-performed" },
		{ 3, "physical-rendition-not-performed" },
		{ 4, "physical-delivery-not-performed" },
		{ 5, "restricted-delivery" },
		{ 6, "directory-operation-unsuccessful" },
		{ 7, "deferred-delivery-not-performed" },
		{ 8, "transfer-failure-for-security-reason" }, { 0, NULL }
	}
};

static const struct asn1_type	type_diagnostic = {
	.name = "NonDeliveryDiagnosticCode", .kind = ASN1_INTEGER,
	.tag = BER_INTEGER, .size = sizeof(int64_t), .min = 0, .max = 32767,
	.names = (const struct asn1_names[]){
		{ 0, "unrecognised-OR-name" },
		{ 1, "ambiguous-OR-name" },
		{ 2, "mts-congestion" },
		{ 3, "loop-detected" },
		{ 4, "UA-unavailable" },
		{ 5, "maximum-time-expired" },
		{ 6, "encoded-information-types-unsupported" },
		{ 7, "content-too-long" },
		{ 8, "conversion-impractical" },
		{ 9, "conversion-prohibited" },
		{ 10, "implicit-conversion-not-subscribed" },
		{ 11, "invalid-parameters" },
		{ 12, "content-syntax-error" },
		{ 13, "size-constraint-violation" },
		{ 14, "protocol-violation" },
		{ 15, "content-type-not-supported" },
		{ 16, "too-many-recipients" },
		{ 17, "no-bilateral-agreement" },
		{ 18, "unsupported-critical-function" },
		{ 19, "conversion-with-loss-prohibited" },
		{ 20, "line-too-long" },
		{ 21, "page-split" },
		{ 22, "pictorial-symbol-loss" },
		{ 23, "punctuation-symbol-loss" },
		{ 24, "alphabetic-character-loss" },
		{ 25, "multiple-information-loss" },
		{ 26, "recipient-reassignment-prohibited" },
		{ 27, "redirection-loop-detected" },
		{ 28, "dl-expansion-prohibited" },
		{ 29, "no-dl-submit-permission" },
		{ 30, "dl-expansion-failure" },
		{ 31, "physical-rendition-attributes-not-supported" },
		{ 32, "undeliverable-mail-physical-delivery-address-incorrect" },
		{ 33, "undeliverable-mail-physical-delivery-office-incorrect-or-invalid" },
		{ 34, "undeliverable-mail-physical-delivery-address-incomplete" },
		{ 35, "undeliverable-mail-recipient-unknown" },
		{ 36, "undeliverable-mail-recipient-deceased" },
		{ 37, "undeliverable-mail-organization-expired" },
		{ 38, "undeliverable-mail-recipient-refused-to-accept" },
		{ 39, "undeliverable-mail-recipient-did-not-claim" },
		{ 40, "undeliverable-mail-recipient-changed-address-permanently" },
		{ 41, "undeliverable-mail-recipient-changed-address-temporarily" },
		{ 42, "undeliverable-mail-recipient-changed-temporary-address" },
		{ 43, "undeliverable-mail-new-address-unknown" },
		{ 44, "undeliverable-mail-recipient-did-not-want-forwarding" },
		{ 45, "undeliverable-mail-originator-prohibited-forwarding" },
		{ 46, "secure-messaging-error" },
		{ 47, "unable-to-downgrade" },
		{ 48, "unable-to-complete-transfer" },
		{ 49, "transfer-attempts-limit-reached" },
		{ 0, NULL }
	}
};

static const struct asn1_field	non_delivered_rows[] = {
	{ "non-delivery-reason-code", BER_CONTEXT(0), 0, &type_reason,
	    ROW(p1_non_delivered, reason), 0, 0 },
	{ "non-delivery-diagnostic-code", BER_CONTEXT(1), ASN1_OPTIONAL,
	    &type_diagnostic, ROW(p1_non_delivered, diagnostic), 0, 0 },
};

static const struct asn1_type	type_non_delivered = {
	.name = "NonDeliveryReport", .kind = ASN1_SET, .tag = BER_SET,
	.flags = ASN1_OPEN, .size = sizeof(struct p1_non_delivered),
	ROWS(non_delivered_rows)
};

static const struct asn1_field	report_type_rows[] = {
	{ "delivery", BER_CONTEXT(0), 0, &type_delivered,
	    ROW(p1_report, delivered), 0, 0 },
	{ "non-delivery", BER_CONTEXT(1), 0, &type_non_delivered,
	    ROW(p1_report, non_delivered), 0, 0 },
};

static const struct asn1_type	type_report_type = {
	.name = "ReportType", .kind = ASN1_CHOICE,
	.size = sizeof(struct p1_report), ROWS(report_type_rows)
};

static const struct asn1_field	last_trace_rows[] = {
	{ "arrival-time", BER_CONTEXT(0), 0, &type_time,
	    ROW(p1_last_trace, arrival), 0, 0 },
	{ "converted-encoded-information-types", 0, ASN1_OPTIONAL,
	    &p1_88_type_eits, ROW(p1_last_trace, converted), 0, 0 },
	{ "report-type", BER_CONTEXT(1), ASN1_EXPLICIT, &type_report_type,
	    ROW(p1_last_trace, report), 0, 0 },
};

static const struct asn1_type	type_last_trace = {
	.name = "LastTraceInformation", .kind = ASN1_SET, .tag = BER_SET,
	.flags = ASN1_OPEN, .size = sizeof(struct p1_last_trace),
	ROWS(last_trace_rows)
};

/* PerRecipientReportTransferFields */

static const struct asn1_field	reported_rows[] = {
	{ "actual-recipient-name", BER_CONTEXT(0), 0, &type_or_name_88,
	    ROW(p1_reported, recipient), 0, 0 },
	{ "originally-specified-recipient-number", BER_CONTEXT(1), 0,
	    &type_recipient_number, ROW(p1_reported, extension), 0, 0 },
	{ "per-recipient-indicators", BER_CONTEXT(2), 0,
	    &type_per_recipient_indicators, ROW(p1_reported, flags), 0, 0 },
	{ "last-trace-information", BER_CONTEXT(3), 0, &type_last_trace,
	    ROW(p1_reported, last_trace), 0, 0 },
	{ "originally-intended-recipient-name", BER_CONTEXT(4),
	    ASN1_OPTIONAL, &type_or_name_88, ROW(p1_reported, intended),
	    0, 0 },
	{ "supplementary-information", BER_CONTEXT(5), ASN1_OPTIONAL,
	    &type_supplementary, ROW(p1_reported, supplementary), 0, 0 },
	{ "extensions", BER_CONTEXT(6), ASN1_DEFAULT, &p1_88_type_extensions,
	    ROW(p1_reported, extensions), 0, 0 },
};

static const struct asn1_type	type_reported = {
	.name = "PerRecipientReportTransferFields", .kind = ASN1_SET,
	.tag = BER_SET, .flags = ASN1_OPEN,
	.size = sizeof(struct p1_reported), ROWS(reported_rows)
};

static const struct asn1_type	type_reporteds = {
	.name = "SEQUENCE OF PerRecipientReportTransferFields",
	.kind = ASN1_SEQUENCE_OF, .tag = BER_SEQUENCE,
	.size = sizeof(struct asn1_list), .min = 1, .max = UB_RECIPIENTS,
	.of = &type_reported
};

/* ReportTransferContent: the content returned may be kept apart. */

static const struct asn1_field	report_content_rows[] = {
	{ "subject-identifier", 0, 0, &type_identifier,
	    ROW(p1_report_content, original), 0, 0 },
	{ "subject-intermediate-trace-information", 0, ASN1_OPTIONAL,
	    &p1_88_type_trace_information,
	    ROW(p1_report_content, intermediate), 0, 0 },
	{ "content-identifier", 0, ASN1_OPTIONAL, &type_content_id,
	    ROW(p1_report_content, content_id), 0, 0 },
	{ "per-recipient-fields", BER_CONTEXT(0), 0, &type_reporteds,
	    ROW(p1_report_content, reported), 0, 0 },
	{ "returned-content", P1_TAG_RETURNED, ASN1_OPTIONAL | ASN1_LAST,
	    &type_content, ROW(p1_report_content, returned), 0, 0 },
	{ "additional-information", BER_CONTEXT(2),
	    ASN1_OPTIONAL | ASN1_EXPLICIT, &type_any_4096,
	    ROW(p1_report_content, billing), 0, 0 },
	{ "original-encoded-information-types", 0, ASN1_OPTIONAL,
	    &p1_88_type_eits, ROW(p1_report_content, original_eits), 0, 0 },
	{ "content-type", 0, ASN1_OPTIONAL, &type_content_type,
	    ROW(p1_report_content, content_type), 0, 0 },
	{ "content-type", 0, ASN1_OPTIONAL, &type_oid,
	    ROW(p1_report_content, content_oid), 0, 0 },
	{ "extensions", BER_CONTEXT(3), ASN1_DEFAULT, &p1_88_type_extensions,
	    ROW(p1_report_content, extensions), 0, 0 },
};

static const struct asn1_type	type_report_content = {
	.name = "ReportTransferContent", .kind = ASN1_SET, .tag = BER_SET,
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
	.name = "Report", .kind = ASN1_SEQUENCE, .tag = BER_SEQUENCE,
	.size = sizeof(struct p1_report_mpdu), ROWS(report_rows)
};

/* MTS-APDU */

static const struct asn1_field	apdu_rows[] = {
	{ "message", P1_TAG_USER, 0, &type_message, ROW(p1_mpdu, u), 0, 0 },
	{ "report", P1_TAG_REPORT, 0, &type_report, ROW(p1_mpdu, u), 0, 0 },
	{ "probe", P1_TAG_PROBE, 0, &type_probe, ROW(p1_mpdu, u), 0, 0 },
};

const struct asn1_type	p1_88_type_apdu = {
	.name = "MTS-APDU", .kind = ASN1_CHOICE,
	.size = sizeof(struct p1_mpdu), ROWS(apdu_rows)
};
