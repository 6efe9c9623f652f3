/* SPDX-License-Identifier: ISC */

/*
 * Extensions of X.411 (clauses 8 and 9, figures 2 and 4) as tables: the type
 * of the value of every StandardExtension.
 *
 * What has been signed is not taken apart where it would have to be put
 * together again: certificates, tokens and algorithm parameters travel as
 * they came.
 */

#include "p1_88.h"

#define ROW(s, m)	offsetof(struct s, m)
#define ROWS(f)		.field = (f), .nfield = sizeof(f) / sizeof((f)[0])

#define UB_BIT_OPTIONS		16
#define UB_INTEGER_OPTIONS	256
#define SIGNED_MAX		(64 * 1024)	/* ours: octets of one part */

/* Something whose inside is nobody's business here. */
static const struct asn1_type	type_any = {
	.name = "ANY", .kind = ASN1_ANY, .size = sizeof(struct asn1_octets),
	.max = SIGNED_MAX
};

static const struct asn1_type	type_option = {
	.name = "INTEGER", .kind = ASN1_INTEGER, .tag = BER_INTEGER,
	.size = sizeof(int64_t), .min = 0, .max = UB_INTEGER_OPTIONS
};

/* 1, 3, 4, 7: ...Prohibited; 8, 21, 22: ...Request */

#define ENUMERATED(t, n, zero, one)					\
static const struct asn1_type	t = {					\
	.name = n, .kind = ASN1_INTEGER, .tag = BER_ENUMERATED,		\
	.size = sizeof(int64_t), .min = 0, .max = 1,			\
	.names = (const struct asn1_names[]){				\
		{ 0, zero }, { 1, one }, { 0, NULL }			\
	}								\
}

ENUMERATED(type_reassignment, "RecipientReassignmentProhibited",
    "recipient-reassignment-allowed", "recipient-reassignment-prohibited");
ENUMERATED(type_dl_prohibited, "DLExpansionProhibited",
    "dl-expansion-allowed", "dl-expansion-prohibited");
ENUMERATED(type_loss_prohibited, "ConversionWithLossProhibited",
    "conversion-with-loss-allowed", "conversion-with-loss-prohibited");
ENUMERATED(type_forwarding_prohibited, "PhysicalForwardingProhibited",
    "physical-forwarding-allowed", "physical-forwarding-prohibited");
ENUMERATED(type_forwarding_request, "PhysicalForwardingAddressRequest",
    "physical-forwarding-address-not-requested",
    "physical-forwarding-address-requested");
ENUMERATED(type_submission_proof, "ProofOfSubmissionRequest",
    "proof-of-submission-not-requested", "proof-of-submission-requested");
ENUMERATED(type_delivery_proof, "ProofOfDeliveryRequest",
    "proof-of-delivery-not-requested", "proof-of-delivery-requested");

/* 6: RequestedDeliveryMethod */

static const struct asn1_type	type_method = {
	.name = "INTEGER", .kind = ASN1_INTEGER, .tag = BER_INTEGER,
	.size = sizeof(int64_t), .min = 0, .max = UB_INTEGER_OPTIONS,
	.names = (const struct asn1_names[]){
		{ 0, "any-delivery-method" }, { 1, "mhs-delivery" },
		{ 2, "physical-delivery" }, { 3, "telex-delivery" },
		{ 4, "teletex-delivery" }, { 5, "g3-facsimile-delivery" },
		{ 6, "g4-facsimile-delivery" }, { 7, "ia5-terminal-delivery" },
		{ 8, "videotex-delivery" }, { 9, "telephone-delivery" },
		{ 0, NULL }
	}
};

static const struct asn1_type	type_methods = {
	.name = "RequestedDeliveryMethod", .kind = ASN1_SEQUENCE_OF,
	.tag = BER_SEQUENCE, .size = sizeof(struct asn1_list),
	.max = UB_DELIVERY_METHODS, .of = &type_method
};

/* 9 to 14: physical delivery */

static const struct asn1_type	type_modes = {
	.name = "PhysicalDeliveryModes", .kind = ASN1_BIT_STRING,
	.tag = BER_BIT_STRING, .size = sizeof(struct asn1_bits),
	.max = UB_BIT_OPTIONS,
	.names = (const struct asn1_names[]){
		{ 0, "ordinary-mail" }, { 1, "special-delivery" },
		{ 2, "express-mail" }, { 3, "counter-collection" },
		{ 4, "counter-collection-with-telephone-advice" },
		{ 5, "counter-collection-with-telex-advice" },
		{ 6, "counter-collection-with-teletex-advice" },
		{ 7, "bureau-fax-delivery" }, { 0, NULL }
	}
};

static const struct asn1_type	type_registered = {
	.name = "RegisteredMailType", .kind = ASN1_INTEGER,
	.tag = BER_INTEGER, .size = sizeof(int64_t), .min = 0,
	.max = UB_INTEGER_OPTIONS,
	.names = (const struct asn1_names[]){
		{ 0, "non-registered-mail" }, { 1, "registered-mail" },
		{ 2, "registered-mail-to-addressee-in-person" }, { 0, NULL }
	}
};

static const struct asn1_type	type_advice = {
	.name = "RecipientNumberForAdvice", .kind = ASN1_STRING,
	.string = BER_T61_STRING, .strings = ASN1_S(BER_T61_STRING),
	.size = sizeof(struct asn1_octets), .min = 1, .max = 32
};

/* 15, 28, 32, 34: Certificates (X.509) */

static const struct asn1_type	type_bits = {
	.name = "BIT STRING", .kind = ASN1_BIT_STRING, .tag = BER_BIT_STRING,
	.size = sizeof(struct asn1_bits), .max = SIGNED_MAX * 8
};

enum { AI_ALGORITHM, AI_PARAMETERS };
struct algorithm {
	struct asn1_members	a;
	struct asn1_octets	algorithm;
	struct asn1_octets	parameters;
};

static const struct asn1_field	algorithm_rows[] = {
	{ "algorithm", 0, 0, &type_oid, ROW(algorithm, algorithm), 0, 0 },
	{ "parameters", 0, ASN1_OPTIONAL, &type_any,
	    ROW(algorithm, parameters), 0, 0 },
};

static const struct asn1_type	type_algorithm = {
	.name = "AlgorithmIdentifier", .kind = ASN1_SEQUENCE,
	.tag = BER_SEQUENCE, .size = sizeof(struct algorithm),
	ROWS(algorithm_rows)
};

struct signature {
	struct asn1_members	a;
	struct algorithm	algorithm;
	struct asn1_bits	encrypted;
};

static const struct asn1_field	signature_rows[] = {
	{ "algorithmIdentifier", 0, 0, &type_algorithm,
	    ROW(signature, algorithm), 0, 0 },
	{ "encrypted", 0, 0, &type_bits, ROW(signature, encrypted), 0, 0 },
};

static const struct asn1_type	type_signature = {
	.name = "Signature", .kind = ASN1_SEQUENCE, .tag = BER_SEQUENCE,
	.size = sizeof(struct signature), ROWS(signature_rows)
};

/* What the first member is, only its issuer and its reader know. */
struct sealed {
	struct asn1_members	a;
	struct asn1_octets	data;
	struct algorithm	algorithm;
	struct asn1_bits	encrypted;
};

static const struct asn1_field	certificate_rows[] = {
	{ "toBeSigned", 0, 0, &type_any, ROW(sealed, data), 0, 0 },
	{ "algorithmIdentifier", 0, 0, &type_algorithm,
	    ROW(sealed, algorithm), 0, 0 },
	{ "encrypted", 0, 0, &type_bits, ROW(sealed, encrypted), 0, 0 },
};

static const struct asn1_type	type_certificate = {
	.name = "Certificate", .kind = ASN1_SEQUENCE, .tag = BER_SEQUENCE,
	.size = sizeof(struct sealed), ROWS(certificate_rows)
};

static const struct asn1_type	type_cross_certificates = {
	.name = "CrossCertificates", .kind = ASN1_SEQUENCE_OF,
	.tag = BER_SET, .size = sizeof(struct asn1_list), .max = 64,
	.of = &type_certificate
};

static const struct asn1_type	type_path = {
	.name = "ForwardCertificationPath", .kind = ASN1_SEQUENCE_OF,
	.tag = BER_SEQUENCE, .size = sizeof(struct asn1_list), .max = 64,
	.of = &type_cross_certificates
};

struct certificates {
	struct asn1_members	a;
	struct sealed		certificate;
	struct asn1_list	path;
};

static const struct asn1_field	certificates_rows[] = {
	{ "certificate", 0, 0, &type_certificate,
	    ROW(certificates, certificate), 0, 0 },
	{ "certificationPath", 0, ASN1_OPTIONAL, &type_path,
	    ROW(certificates, path), 0, 0 },
};

static const struct asn1_type	type_certificates = {
	.name = "Certificates", .kind = ASN1_SEQUENCE, .tag = BER_SEQUENCE,
	.flags = ASN1_VERBATIM, .size = sizeof(struct certificates),
	ROWS(certificates_rows)
};

/* 40: ExtendedCertificates */

struct extended_certificate {
	struct asn1_choice	c;
	struct asn1_octets	entry;
	struct certificates	certificate;
};

static const struct asn1_field	extended_certificate_rows[] = {
	{ "directory-entry", BER_CONTEXT(0), ASN1_EXPLICIT,
	    &type_directory_name, ROW(extended_certificate, entry), 0, 0 },
	{ "certificate", BER_CONTEXT(1), 0, &type_certificates,
	    ROW(extended_certificate, certificate), 0, 0 },
};

static const struct asn1_type	type_extended_certificate = {
	.name = "ExtendedCertificate", .kind = ASN1_CHOICE,
	.size = sizeof(struct extended_certificate),
	ROWS(extended_certificate_rows)
};

static const struct asn1_type	type_extended_certificates = {
	.name = "ExtendedCertificates", .kind = ASN1_SEQUENCE_OF,
	.tag = BER_SET, .flags = ASN1_VERBATIM,
	.size = sizeof(struct asn1_list), .min = 1, .max = 64,
	.of = &type_extended_certificate
};

/* 16: Token; that which is known is asymmetric, {2 6 3 6 0} */

struct token {
	struct asn1_members	a;
	struct asn1_octets	type;
	struct asn1_octets	token;
};

static const struct asn1_field	token_rows[] = {
	{ "token-type-identifier", BER_CONTEXT(0), 0, &type_oid,
	    ROW(token, type), 0, 0 },
	{ "token", BER_CONTEXT(1), ASN1_EXPLICIT, &type_any,
	    ROW(token, token), 0, 0 },
};

static const struct asn1_type	type_token = {
	.name = "Token", .kind = ASN1_SEQUENCE, .tag = BER_SEQUENCE,
	.size = sizeof(struct token), ROWS(token_rows)
};

/* 20: SecurityLabel */

struct category {
	struct asn1_members	a;
	struct asn1_octets	type;
	struct asn1_octets	value;
};

static const struct asn1_field	category_rows[] = {
	{ "type", BER_CONTEXT(0), 0, &type_oid, ROW(category, type), 0, 0 },
	{ "value", BER_CONTEXT(1), ASN1_EXPLICIT, &type_any,
	    ROW(category, value), 0, 0 },
};

static const struct asn1_type	type_category = {
	.name = "SecurityCategory", .kind = ASN1_SEQUENCE,
	.tag = BER_SEQUENCE, .size = sizeof(struct category),
	ROWS(category_rows)
};

static const struct asn1_type	type_categories = {
	.name = "SecurityCategories", .kind = ASN1_SEQUENCE_OF,
	.tag = BER_SET, .size = sizeof(struct asn1_list), .min = 1,
	.max = 64, .of = &type_category
};

static const struct asn1_type	type_classification = {
	.name = "SecurityClassification", .kind = ASN1_INTEGER,
	.tag = BER_INTEGER, .size = sizeof(int64_t), .min = 0,
	.max = UB_INTEGER_OPTIONS,
	.names = (const struct asn1_names[]){
		{ 0, "unmarked" }, { 1, "unclassified" }, { 2, "restricted" },
		{ 3, "confidential" }, { 4, "secret" }, { 5, "top-secret" },
		{ 0, NULL }
	}
};

static const struct asn1_type	type_privacy_mark = {
	.name = "PrivacyMark", .kind = ASN1_STRING, .flags = ASN1_GRAPHIC,
	.string = BER_PRINTABLE_STRING,
	.strings = ASN1_S(BER_PRINTABLE_STRING),
	.size = sizeof(struct asn1_octets), .min = 1, .max = 128
};

struct label {
	struct asn1_members	a;
	struct asn1_octets	policy;
	int64_t			classification;
	struct asn1_octets	privacy_mark;
	struct asn1_list	categories;
};

static const struct asn1_field	label_rows[] = {
	{ "security-policy-identifier", 0, ASN1_OPTIONAL, &type_oid,
	    ROW(label, policy), 0, 0 },
	{ "security-classification", 0, ASN1_OPTIONAL, &type_classification,
	    ROW(label, classification), 0, 0 },
	{ "privacy-mark", 0, ASN1_OPTIONAL, &type_privacy_mark,
	    ROW(label, privacy_mark), 0, 0 },
	{ "security-categories", 0, ASN1_OPTIONAL, &type_categories,
	    ROW(label, categories), 0, 0 },
};

static const struct asn1_type	type_label = {
	.name = "SecurityLabel", .kind = ASN1_SET, .tag = BER_SET,
	.size = sizeof(struct label), ROWS(label_rows)
};

/* 23: ContentCorrelator, of 1988 ANY */

static const struct asn1_type	type_correlator_ia5 = {
	.name = "IA5String", .kind = ASN1_STRING, .tag = BER_IA5_STRING,
	.string = BER_IA5_STRING, .strings = ASN1_S(BER_IA5_STRING),
	.size = sizeof(struct asn1_octets), .max = UB_CONTENT_CORRELATOR
};

static const struct asn1_type	type_correlator_octets = {
	.name = "OCTET STRING", .kind = ASN1_STRING, .tag = BER_OCTET_STRING,
	.string = BER_OCTET_STRING, .strings = ASN1_S(BER_OCTET_STRING),
	.size = sizeof(struct asn1_octets), .max = UB_CONTENT_CORRELATOR
};

static const struct asn1_type	type_correlator_any = {
	.name = "ANY", .kind = ASN1_ANY, .size = sizeof(struct asn1_octets),
	.max = UB_CONTENT_CORRELATOR
};

static const struct asn1_field	correlator_rows[] = {
	{ "ia5text", 0, 0, &type_correlator_ia5, ROW(p1_correlator, value),
	    0, 0 },
	{ "octets", 0, 0, &type_correlator_octets,
	    ROW(p1_correlator, value), 0, 0 },
	{ "any", 0, 0, &type_correlator_any, ROW(p1_correlator, value),
	    0, 0 },
};

static const struct asn1_type	type_correlator = {
	.name = "ContentCorrelator", .kind = ASN1_CHOICE,
	.size = sizeof(struct p1_correlator), ROWS(correlator_rows)
};

/* 25: RedirectionHistory */

static const struct asn1_type	type_redirection_reason = {
	.name = "RedirectionReason", .kind = ASN1_INTEGER,
	.tag = BER_ENUMERATED, .size = sizeof(int64_t), .min = 0, .max = 255,
	.names = (const struct asn1_names[]){
		{ 0, "recipient-assigned-alternate-recipient" },
		{ 1, "originator-requested-alternate-recipient" },
		{ 2, "recipient-MD-assigned-alternate-recipient" },
		{ 3, "directory-look-up" }, { 4, "alias" }, { 0, NULL }
	}
};

static const struct asn1_field	intended_rows[] = {
	{ "intended-recipient", 0, 0, &type_or_name_88,
	    ROW(p1_intended, recipient), 0, 0 },
	{ "redirection-time", 0, 0, &type_time, ROW(p1_intended, time),
	    0, 0 },
};

static const struct asn1_type	type_intended = {
	.name = "IntendedRecipientName", .kind = ASN1_SEQUENCE,
	.tag = BER_SEQUENCE, .size = sizeof(struct p1_intended),
	ROWS(intended_rows)
};

static const struct asn1_field	redirection_rows[] = {
	{ "intended-recipient-name", 0, 0, &type_intended,
	    ROW(p1_redirection, name), 0, 0 },
	{ "redirection-reason", 0, 0, &type_redirection_reason,
	    ROW(p1_redirection, reason), 0, 0 },
};

static const struct asn1_type	type_redirection = {
	.name = "Redirection", .kind = ASN1_SEQUENCE, .tag = BER_SEQUENCE,
	.size = sizeof(struct p1_redirection), ROWS(redirection_rows)
};

static const struct asn1_type	type_redirections = {
	.name = "RedirectionHistory", .kind = ASN1_SEQUENCE_OF,
	.tag = BER_SEQUENCE, .size = sizeof(struct asn1_list), .min = 1,
	.max = UB_REDIRECTIONS, .of = &type_redirection
};

/* 26, 30: DLExpansionHistory, OriginatorAndDLExpansionHistory */

static const struct asn1_field	dl_expansion_rows[] = {
	{ "dl", 0, 0, &type_or_name_88, ROW(p1_dl_expansion, name), 0, 0 },
	{ "dl-expansion-time", 0, 0, &type_time, ROW(p1_dl_expansion, time),
	    0, 0 },
};

static const struct asn1_type	type_dl_expansion = {
	.name = "DLExpansion", .kind = ASN1_SEQUENCE, .tag = BER_SEQUENCE,
	.size = sizeof(struct p1_dl_expansion), ROWS(dl_expansion_rows)
};

static const struct asn1_type	type_dl_expansions = {
	.name = "DLExpansionHistory", .kind = ASN1_SEQUENCE_OF,
	.tag = BER_SEQUENCE, .size = sizeof(struct asn1_list), .min = 1,
	.max = UB_DL_EXPANSIONS, .of = &type_dl_expansion
};

static const struct asn1_field	originator_dl_rows[] = {
	{ "originator-or-dl-name", 0, 0, &type_or_name_88,
	    ROW(p1_dl_expansion, name), 0, 0 },
	{ "origination-or-expansion-time", 0, 0, &type_time,
	    ROW(p1_dl_expansion, time), 0, 0 },
};

static const struct asn1_type	type_originator_dl = {
	.name = "OriginatorAndDLExpansion", .kind = ASN1_SEQUENCE,
	.tag = BER_SEQUENCE, .size = sizeof(struct p1_dl_expansion),
	ROWS(originator_dl_rows)
};

/* One is met where two are due: the originator of what was not expanded. */
static const struct asn1_type	type_originator_dls = {
	.name = "OriginatorAndDLExpansionHistory", .kind = ASN1_SEQUENCE_OF,
	.tag = BER_SEQUENCE, .size = sizeof(struct asn1_list), .min = 1,
	.max = UB_ORIG_AND_DL, .of = &type_originator_dl
};

/* 38: InternalTraceInformation */

static const struct asn1_field	attempted_rows[] = {
	{ "mta", 0, 0, &p1_88_type_mta_name, ROW(p1_attempted, mta), 0, 0 },
	{ "domain", 0, 0, &p1_88_type_domain, ROW(p1_attempted, domain),
	    0, 0 },
};

static const struct asn1_type	type_attempted = {
	.name = "attempted", .kind = ASN1_CHOICE,
	.size = sizeof(struct p1_attempted), ROWS(attempted_rows)
};

static const struct asn1_field	mta_supplied_rows[] = {
	{ "arrival-time", BER_CONTEXT(0), 0, &type_time,
	    ROW(p1_mta_supplied, arrival), 0, 0 },
	{ "routing-action", BER_CONTEXT(2), 0, &p1_88_type_action,
	    ROW(p1_mta_supplied, action), 0, 0 },
	{ "attempted", 0, ASN1_OPTIONAL, &type_attempted,
	    ROW(p1_mta_supplied, attempted), 0, 0 },
	{ "deferred-time", BER_CONTEXT(1), ASN1_OPTIONAL, &type_time,
	    ROW(p1_mta_supplied, deferred), 0, 0 },
	{ "converted-encoded-information-types", 0, ASN1_OPTIONAL,
	    &p1_88_type_eits, ROW(p1_mta_supplied, converted), 0, 0 },
	{ "other-actions", BER_CONTEXT(3), ASN1_DEFAULT,
	    &p1_88_type_other_actions, ROW(p1_mta_supplied, other_actions),
	    0, 0 },
};

static const struct asn1_type	type_mta_supplied = {
	.name = "MTASuppliedInformation", .kind = ASN1_SET, .tag = BER_SET,
	.flags = ASN1_OPEN, .size = sizeof(struct p1_mta_supplied),
	ROWS(mta_supplied_rows)
};

static const struct asn1_field	internal_trace_rows[] = {
	{ "global-domain-identifier", 0, 0, &p1_88_type_domain,
	    ROW(p1_internal_trace, domain), 0, 0 },
	{ "mta-name", 0, 0, &p1_88_type_mta_name,
	    ROW(p1_internal_trace, mta), 0, 0 },
	{ "mta-supplied-information", 0, 0, &type_mta_supplied,
	    ROW(p1_internal_trace, supplied), 0, 0 },
};

static const struct asn1_type	type_internal_trace = {
	.name = "InternalTraceInformationElement", .kind = ASN1_SEQUENCE,
	.tag = BER_SEQUENCE, .size = sizeof(struct p1_internal_trace),
	ROWS(internal_trace_rows)
};

static const struct asn1_type	type_internal_traces = {
	.name = "InternalTraceInformation", .kind = ASN1_SEQUENCE_OF,
	.tag = BER_SEQUENCE, .size = sizeof(struct asn1_list), .min = 1,
	.max = UB_TRACE, .of = &type_internal_trace
};

/* 39: ReportingMTAName */

static const struct asn1_field	reporting_mta_rows[] = {
	{ "domain", 0, 0, &p1_88_type_domain, ROW(p1_reporting_mta, domain),
	    0, 0 },
	{ "mta-name", 0, 0, &p1_88_type_mta_name, ROW(p1_reporting_mta, mta),
	    0, 0 },
	{ "mta-directory-name", BER_CONTEXT(0),
	    ASN1_OPTIONAL | ASN1_EXPLICIT, &type_directory_name,
	    ROW(p1_reporting_mta, directory), 0, 0 },
};

static const struct asn1_type	type_reporting_mta = {
	.name = "ReportingMTAName", .kind = ASN1_SEQUENCE,
	.tag = BER_SEQUENCE, .size = sizeof(struct p1_reporting_mta),
	ROWS(reporting_mta_rows)
};

/* 42: DLExemptedRecipients */

static const struct asn1_type	type_exempted = {
	.name = "DLExemptedRecipients", .kind = ASN1_SEQUENCE_OF,
	.tag = BER_SET, .size = sizeof(struct asn1_list),
	.max = UB_RECIPIENTS, .of = &type_or_name_88
};

/* 45, 46: CertificateSelectors, of assertions as they came */

struct selectors {
	struct asn1_members	a;
	struct asn1_octets	assertion[5];
};

static const struct asn1_field	selectors_rows[] = {
	{ "encryption-recipient", BER_CONTEXT(0), ASN1_OPTIONAL, &type_any,
	    ROW(selectors, assertion[0]), 0, 0 },
	{ "encryption-originator", BER_CONTEXT(1), ASN1_OPTIONAL, &type_any,
	    ROW(selectors, assertion[1]), 0, 0 },
	{ "content-integrity-check", BER_CONTEXT(2), ASN1_OPTIONAL,
	    &type_any, ROW(selectors, assertion[2]), 0, 0 },
	{ "token-signature", BER_CONTEXT(3), ASN1_OPTIONAL, &type_any,
	    ROW(selectors, assertion[3]), 0, 0 },
	{ "message-origin-authentication", BER_CONTEXT(4), ASN1_OPTIONAL,
	    &type_any, ROW(selectors, assertion[4]), 0, 0 },
};

static const struct asn1_type	type_selectors = {
	.name = "CertificateSelectors", .kind = ASN1_SET, .tag = BER_SET,
	.flags = ASN1_VERBATIM, .size = sizeof(struct selectors),
	ROWS(selectors_rows)
};

/* By number; 36, 41, 43 and 44 are of X.413 and X.420. */
static const struct asn1_type *const	types[EXT_TYPE_MAX] = {
	[1] = &type_reassignment, [2] = &type_or_name_88,
	[3] = &type_dl_prohibited, [4] = &type_loss_prohibited,
	[5] = &type_time, [6] = &type_methods,
	[7] = &type_forwarding_prohibited, [8] = &type_forwarding_request,
	[9] = &type_modes, [10] = &type_registered, [11] = &type_advice,
	[12] = &type_oid, [13] = &type_or_address, [14] = &type_option,
	[15] = &type_certificates, [16] = &type_token,
	[17] = &type_algorithm, [18] = &type_signature,
	[19] = &type_signature, [20] = &type_label,
	[21] = &type_submission_proof, [22] = &type_delivery_proof,
	[23] = &type_correlator, [24] = &type_signature,
	[25] = &type_redirections, [26] = &type_dl_expansions,
	[27] = &type_or_name_88, [28] = &type_certificates,
	[29] = &type_signature, [30] = &type_originator_dls,
	[31] = &type_or_name_88, [32] = &type_certificates,
	[33] = &type_signature, [34] = &type_certificates,
	[35] = &type_signature, [36] = &type_any,
	[37] = &p1_88_type_trace_information, [38] = &type_internal_traces,
	[39] = &type_reporting_mta, [40] = &type_extended_certificates,
	[41] = &type_any, [42] = &type_exempted, [43] = &type_any,
	[44] = &type_any, [45] = &type_selectors, [46] = &type_selectors
};

const struct asn1_type *
p1_88_extension_type(int64_t number)
{
	return number > 0 && number < EXT_TYPE_MAX ? types[number] : NULL;
}

/* ExtensionField */

static const struct asn1_type *
by_type(const void *holder)
{
	const struct p1_extension	*x = holder;

	return x->type.c.chosen == ET_STANDARD ?
	    p1_88_extension_type(x->type.standard) : NULL;
}

static const struct asn1_type	type_standard = {
	.name = "StandardExtension", .kind = ASN1_INTEGER,
	.tag = BER_INTEGER, .size = sizeof(int64_t), .min = 0, .max = 256,
	.names = (const struct asn1_names[]){
		{ 1, "recipient-reassignment-prohibited" },
		{ 2, "originator-requested-alternate-recipient" },
		{ 3, "dl-expansion-prohibited" },
		{ 4, "conversion-with-loss-prohibited" },
		{ 5, "latest-delivery-time" },
		{ 6, "requested-delivery-method" },
		{ 7, "physical-forwarding-prohibited" },
		{ 8, "physical-forwarding-address-request" },
		{ 9, "physical-delivery-modes" },
		{ 10, "registered-mail-type" },
		{ 11, "recipient-number-for-advice" },
		{ 12, "physical-rendition-attributes" },
		{ 13, "originator-return-address" },
		{ 14, "physical-delivery-report-request" },
		{ 15, "originator-certificate" }, { 16, "message-token" },
		{ 17, "content-confidentiality-algorithm-identifier" },
		{ 18, "content-integrity-check" },
		{ 19, "message-origin-authentication-check" },
		{ 20, "message-security-label" },
		{ 21, "proof-of-submission-request" },
		{ 22, "proof-of-delivery-request" },
		{ 23, "content-correlator" },
		{ 24, "probe-origin-authentication-check" },
		{ 25, "redirection-history" }, { 26, "dl-expansion-history" },
		{ 27, "physical-forwarding-address" },
		{ 28, "recipient-certificate" }, { 29, "proof-of-delivery" },
		{ 30, "originator-and-DL-expansion-history" },
		{ 31, "reporting-DL-name" },
		{ 32, "reporting-MTA-certificate" },
		{ 33, "report-origin-authentication-check" },
		{ 34, "originating-MTA-certificate" },
		{ 35, "proof-of-submission" }, { 36, "forwarding-request" },
		{ 37, "trace-information" },
		{ 38, "internal-trace-information" },
		{ 39, "reporting-MTA-name" },
		{ 40, "multiple-originator-certificates" },
		{ 41, "blind-copy-recipients" },
		{ 42, "dl-exempted-recipients" },
		{ 43, "body-part-encryption-token" },
		{ 44, "forwarded-content-token" },
		{ 45, "certificate-selectors" },
		{ 46, "certificate-selectors-override" }, { 0, NULL }
	}
};

static const struct asn1_field	extension_type_rows[] = {
	{ "standard-extension", BER_CONTEXT(0), 0, &type_standard,
	    ROW(p1_extension_type, standard), 0, 0 },
	{ "private-extension", BER_CONTEXT(3), 0, &type_oid,
	    ROW(p1_extension_type, private), 0, 0 },
};

static const struct asn1_type	type_extension_type = {
	.name = "ExtensionType", .kind = ASN1_CHOICE,
	.size = sizeof(struct p1_extension_type), ROWS(extension_type_rows)
};

static const struct asn1_type	type_criticality = {
	.name = "Criticality", .kind = ASN1_BIT_STRING,
	.tag = BER_BIT_STRING, .size = sizeof(struct asn1_bits),
	.max = UB_BIT_OPTIONS,
	.names = (const struct asn1_names[]){
		{ 0, "for-submission" }, { 1, "for-transfer" },
		{ 2, "for-delivery" }, { 0, NULL }
	}
};

static const struct asn1_type	type_value = {
	.name = "ANY", .kind = ASN1_OPEN_TYPE,
	.size = sizeof(struct asn1_open), .max = UB_EXTENSION_VALUE,
	.by = by_type
};

static const struct asn1_field	extension_rows[] = {
	{ "type", 0, 0, &type_extension_type, ROW(p1_extension, type), 0, 0 },
	{ "criticality", BER_CONTEXT(1), ASN1_DEFAULT, &type_criticality,
	    ROW(p1_extension, criticality), 0, 0 },
	{ "value", BER_CONTEXT(2), ASN1_OPTIONAL | ASN1_EXPLICIT, &type_value,
	    ROW(p1_extension, value), 0, 0 },
};

static const struct asn1_type	type_extension = {
	.name = "ExtensionField", .kind = ASN1_SEQUENCE, .tag = BER_SEQUENCE,
	.size = sizeof(struct p1_extension), ROWS(extension_rows)
};

const struct asn1_type	p1_88_type_extensions = {
	.name = "SET OF ExtensionField", .kind = ASN1_SEQUENCE_OF,
	.tag = BER_SET, .size = sizeof(struct asn1_list),
	.max = UB_EXTENSIONS, .of = &type_extension
};
