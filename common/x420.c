/* SPDX-License-Identifier: ISC */

/* Tables of interpersonal messages, see x420.h. */

#include "x420.h"

#define ROW(s, m)	offsetof(struct s, m)
#define ROWS(f)		.field = (f), .nfield = sizeof(f) / sizeof((f)[0])
#define OPT		ASN1_OPTIONAL

#define PRINTABLE_AS_SEEN	(ASN1_S(BER_PRINTABLE_STRING) | \
	ASN1_S(BER_NUMERIC_STRING) | ASN1_S(BER_IA5_STRING) | \
	ASN1_S(BER_T61_STRING) | ASN1_S(BER_VISIBLE_STRING))
#define TELETEX_AS_SEEN		(ASN1_S(BER_T61_STRING) | \
	ASN1_S(BER_PRINTABLE_STRING) | ASN1_S(BER_IA5_STRING) | \
	ASN1_S(BER_BMP_STRING) | ASN1_S(BER_UTF8_STRING) | \
	ASN1_S(BER_UNIVERSAL_STRING))
#define GRAPHIC_AS_SEEN		(ASN1_S(BER_GRAPHIC_STRING) | \
	ASN1_S(BER_VISIBLE_STRING) | ASN1_S(BER_GENERAL_STRING) | \
	ASN1_S(BER_UTF8_STRING) | PRINTABLE_AS_SEEN)

static const struct asn1_type	type_message_id = {
	.name = "PrintableString", .kind = ASN1_STRING,
	.flags = ASN1_GRAPHIC, .string = BER_PRINTABLE_STRING,
	.strings = PRINTABLE_AS_SEEN,
	.size = sizeof(struct asn1_octets), .max = 256
};

static const struct asn1_type	type_printable = {
	.name = "PrintableString", .kind = ASN1_STRING,
	.string = BER_PRINTABLE_STRING, .strings = PRINTABLE_AS_SEEN,
	.size = sizeof(struct asn1_octets), .max = X420_TEXT_MAX
};

static const struct asn1_type	type_teletex = {
	.name = "T61String", .kind = ASN1_STRING, .string = BER_T61_STRING,
	.strings = TELETEX_AS_SEEN,
	.size = sizeof(struct asn1_octets), .max = X420_TEXT_MAX
};

static const struct asn1_type	type_graphic = {
	.name = "GraphicString", .kind = ASN1_STRING,
	.string = BER_GRAPHIC_STRING, .strings = GRAPHIC_AS_SEEN,
	.size = sizeof(struct asn1_octets), .max = X420_TEXT_MAX
};

const struct asn1_type	x420_type_graphics = {
	.name = "SEQUENCE OF GraphicString", .kind = ASN1_SEQUENCE_OF,
	.tag = BER_SEQUENCE, .size = sizeof(struct asn1_list), .max = 64,
	.of = &type_graphic
};

static const struct asn1_type	type_integer = {
	.name = "INTEGER", .kind = ASN1_INTEGER, .tag = BER_INTEGER,
	.size = sizeof(int64_t), .min = -1, .max = INT64_MAX
};

/* ENUMERATED, with words for its values. */
#define ENUMERATED(ident, text, ...)					\
static const struct asn1_type	ident = {				\
	.name = text, .kind = ASN1_INTEGER, .tag = BER_ENUMERATED,	\
	.size = sizeof(int64_t), .min = 0, .max = INT32_MAX,		\
	.names = (const struct asn1_names[]){ __VA_ARGS__, { 0, NULL } }	\
}
ENUMERATED(type_importance, "Importance", { 0, "low" }, { 1, "normal" },
    { 2, "high" });
ENUMERATED(type_sensitivity, "Sensitivity", { 1, "personal" },
    { 2, "private" }, { 3, "company-confidential" });
ENUMERATED(type_reason, "NonReceiptReason", { 0, "ipm-discarded" },
    { 1, "ipm-auto-forwarded" });
ENUMERATED(type_discard, "DiscardReason", { 0, "ipm-expired" },
    { 1, "ipm-obsoleted" }, { 2, "user-subscription-terminated" });
ENUMERATED(type_mode, "AcknowledgmentMode", { 0, "manual" },
    { 1, "automatic" });

/* BOOLEAN: one octet, which is an INTEGER of another tag; TRUE is not 0. */
static const struct asn1_type	type_boolean = {
	.name = "BOOLEAN", .kind = ASN1_INTEGER, .tag = BER_BOOLEAN,
	.size = sizeof(int64_t), .min = -128, .max = 127
};

static const struct asn1_type	type_null = {
	.name = "NULL", .kind = ASN1_NULL, .tag = BER_NULL, .size = 1
};

static const struct asn1_type	type_bits = {
	.name = "BIT STRING", .kind = ASN1_BIT_STRING, .tag = BER_BIT_STRING,
	.size = sizeof(struct asn1_bits), .max = 32,
	.names = (const struct asn1_names[]){
		{ 0, "rn" }, { 1, "nrn" }, { 2, "ipm-return" }, { 0, NULL }
	}
};

static const struct asn1_type	type_opaque = {
	.name = "ANY", .kind = ASN1_ANY, .size = sizeof(struct asn1_octets),
	.max = X420_EXTENSION_MAX
};

static const struct asn1_type	type_any = {
	.name = "ANY", .kind = ASN1_ANY, .size = sizeof(struct asn1_octets),
	.max = INT64_MAX
};

/* IPMIdentifier */
static const struct asn1_field	id_rows[] = {
	{ "user", 0, OPT, &type_or_name_88, ROW(x420_id, user), 0,
	    BER_SEQUENCE },
	{ "id", 0, 0, &type_message_id, ROW(x420_id, id), 0, 0 },
};

const struct asn1_type	x420_type_id = {
	.name = "IPMessageId", .kind = ASN1_SET, .tag = BER_APPLICATION(11),
	.size = sizeof(struct x420_id), ROWS(id_rows)
};

static const struct asn1_type	type_ids = {
	.name = "SEQUENCE OF IPMessageId", .kind = ASN1_SEQUENCE_OF,
	.tag = BER_SEQUENCE, .size = sizeof(struct asn1_list),
	.max = X420_NAMES_MAX, .of = &x420_type_id
};

/* ORDescriptor */
static const struct asn1_field	descriptor_rows[] = {
	{ "oRName", 0, OPT, &type_or_name_88, ROW(x420_descriptor, name), 0,
	    0 },
	{ "freeFormName", BER_CONTEXT(0), OPT, &type_teletex,
	    ROW(x420_descriptor, free_form), 0, 0 },
	{ "telephoneNumber", BER_CONTEXT(1), OPT, &type_printable,
	    ROW(x420_descriptor, telephone), 0, 0 },
};

const struct asn1_type	x420_type_descriptor = {
	.name = "ORDescriptor", .kind = ASN1_SET, .tag = BER_SET,
	.flags = ASN1_OPEN, .size = sizeof(struct x420_descriptor),
	ROWS(descriptor_rows)
};

static const struct asn1_type	type_descriptors = {
	.name = "SEQUENCE OF ORDescriptor", .kind = ASN1_SEQUENCE_OF,
	.tag = BER_SEQUENCE, .size = sizeof(struct asn1_list),
	.max = X420_NAMES_MAX, .of = &x420_type_descriptor
};

/* RecipientSpecifier, Recipient of 1984 */
static const struct asn1_field	recipient_rows[] = {
	{ "oRDescriptor", BER_CONTEXT(0), 0, &x420_type_descriptor,
	    ROW(x420_recipient, descriptor), 0, 0 },
	{ "reportRequest", BER_CONTEXT(1), ASN1_DEFAULT, &type_bits,
	    ROW(x420_recipient, notifications), 0, 0 },
	{ "replyRequest", BER_CONTEXT(2), ASN1_DEFAULT, &type_boolean,
	    ROW(x420_recipient, reply), 0, 0 },
};

static const struct asn1_type	type_recipient = {
	.name = "Recipient", .kind = ASN1_SET, .tag = BER_SET,
	.flags = ASN1_OPEN, .size = sizeof(struct x420_recipient),
	ROWS(recipient_rows)
};

static const struct asn1_type	type_recipients = {
	.name = "SEQUENCE OF Recipient", .kind = ASN1_SEQUENCE_OF,
	.tag = BER_SEQUENCE, .size = sizeof(struct asn1_list),
	.max = X420_NAMES_MAX, .of = &type_recipient
};

/* IPMSExtension */
static const struct asn1_field	extension_rows[] = {
	{ "type", 0, 0, &type_oid, ROW(x420_extension, type), 0, 0 },
	{ "value", 0, OPT, &type_opaque, ROW(x420_extension, value), 0, 0 },
};

static const struct asn1_type	type_extension = {
	.name = "IPMSExtension", .kind = ASN1_SEQUENCE, .tag = BER_SEQUENCE,
	.size = sizeof(struct x420_extension), ROWS(extension_rows)
};

static const struct asn1_type	type_extensions = {
	.name = "SET OF IPMSExtension", .kind = ASN1_SEQUENCE_OF,
	.tag = BER_SET, .size = sizeof(struct asn1_list),
	.max = X420_EXTENSIONS_MAX, .of = &type_extension
};

/* Heading */
static const struct asn1_field	heading_rows[] = {
	{ "iPMessageId", 0, 0, &x420_type_id, ROW(x420_heading, id), 0, 0 },
	{ "originator", BER_CONTEXT(0), OPT, &x420_type_descriptor,
	    ROW(x420_heading, originator), 0, 0 },
	{ "authorizingUsers", BER_CONTEXT(1), OPT, &type_descriptors,
	    ROW(x420_heading, authorizing), 0, 0 },
	{ "primaryRecipients", BER_CONTEXT(2), OPT, &type_recipients,
	    ROW(x420_heading, recipients[0]), 0, 0 },
	{ "copyRecipients", BER_CONTEXT(3), OPT, &type_recipients,
	    ROW(x420_heading, recipients[1]), 0, 0 },
	{ "blindCopyRecipients", BER_CONTEXT(4), OPT, &type_recipients,
	    ROW(x420_heading, recipients[2]), 0, 0 },
	{ "inReplyTo", BER_CONTEXT(5), OPT, &x420_type_id,
	    ROW(x420_heading, replied_to), 0, 0 },
	{ "obsoletes", BER_CONTEXT(6), OPT, &type_ids,
	    ROW(x420_heading, obsoleted), 0, 0 },
	{ "crossReferences", BER_CONTEXT(7), OPT, &type_ids,
	    ROW(x420_heading, related), 0, 0 },
	{ "subject", BER_CONTEXT(8), OPT | ASN1_EXPLICIT, &type_teletex,
	    ROW(x420_heading, subject), 0, 0 },
	{ "expiryDate", BER_CONTEXT(9), OPT, &type_time,
	    ROW(x420_heading, expiry), 0, 0 },
	{ "replyBy", BER_CONTEXT(10), OPT, &type_time,
	    ROW(x420_heading, reply_time), 0, 0 },
	{ "replyToUsers", BER_CONTEXT(11), OPT, &type_descriptors,
	    ROW(x420_heading, reply_recipients), 0, 0 },
	{ "importance", BER_CONTEXT(12), ASN1_DEFAULT, &type_importance,
	    ROW(x420_heading, importance), 1, 0 },
	{ "sensitivity", BER_CONTEXT(13), OPT, &type_sensitivity,
	    ROW(x420_heading, sensitivity), 0, 0 },
	{ "autoforwarded", BER_CONTEXT(14), ASN1_DEFAULT, &type_boolean,
	    ROW(x420_heading, auto_forwarded), 0, 0 },
	{ "extensions", BER_CONTEXT(15), OPT, &type_extensions,
	    ROW(x420_heading, extensions), 0, 0 },
};

const struct asn1_type	x420_type_heading = {
	.name = "Heading", .kind = ASN1_SET, .tag = BER_SET,
	.flags = ASN1_OPEN, .size = sizeof(struct x420_heading),
	ROWS(heading_rows)
};

/* IPN */
static const struct asn1_field	non_receipt_rows[] = {
	{ "nonReceiptReason", BER_CONTEXT(0), 0, &type_reason,
	    ROW(x420_non_receipt, reason), 0, 0 },
	{ "discardReason", BER_CONTEXT(1), OPT, &type_discard,
	    ROW(x420_non_receipt, discard), 0, 0 },
	{ "autoForwardComment", BER_CONTEXT(2), OPT, &type_printable,
	    ROW(x420_non_receipt, comment), 0, 0 },
	{ "returnedIPM", BER_CONTEXT(3), OPT, &type_any,
	    ROW(x420_non_receipt, returned), 0, 0 },
};

static const struct asn1_type	type_non_receipt = {
	.name = "NonReceiptFields", .kind = ASN1_SET, .tag = BER_SET,
	.flags = ASN1_OPEN, .size = sizeof(struct x420_non_receipt),
	ROWS(non_receipt_rows)
};

static const struct asn1_field	receipt_rows[] = {
	{ "receiptTime", BER_CONTEXT(0), 0, &type_time,
	    ROW(x420_receipt, time), 0, 0 },
	{ "acknowledgmentMode", BER_CONTEXT(1), ASN1_DEFAULT,
	    &type_mode, ROW(x420_receipt, mode), 0, 0 },
	{ "supplReceiptInfo", BER_CONTEXT(2), OPT, &type_printable,
	    ROW(x420_receipt, supplementary), 0, 0 },
};

static const struct asn1_type	type_receipt = {
	.name = "ReceiptFields", .kind = ASN1_SET, .tag = BER_SET,
	.flags = ASN1_OPEN, .size = sizeof(struct x420_receipt),
	ROWS(receipt_rows)
};

static const struct asn1_field	notification_rows[] = {
	{ "nonReceipt", BER_CONTEXT(0), 0, &type_non_receipt,
	    ROW(x420_notification, non_receipt), 0, 0 },
	{ "receipt", BER_CONTEXT(1), 0, &type_receipt,
	    ROW(x420_notification, receipt), 0, 0 },
	{ "other", BER_CONTEXT(2), 0, &type_opaque,
	    ROW(x420_notification, other), 0, 0 },
};

static const struct asn1_type	type_notification = {
	.name = "CHOICE", .kind = ASN1_CHOICE,
	.size = sizeof(struct x420_notification), ROWS(notification_rows)
};

static const struct asn1_field	ipn_rows[] = {
	{ "subjectIPM", 0, 0, &x420_type_id, ROW(x420_ipn, subject), 0, 0 },
	{ "ipnOriginator", BER_CONTEXT(1), OPT, &x420_type_descriptor,
	    ROW(x420_ipn, originator), 0, 0 },
	{ "preferredRecipient", BER_CONTEXT(2), OPT, &x420_type_descriptor,
	    ROW(x420_ipn, preferred), 0, 0 },
	{ "conversionEITs", BER_APPLICATION(5), OPT, &type_opaque,
	    ROW(x420_ipn, eits), 0, BER_SET },
	{ "notification", BER_CONTEXT(0), ASN1_EXPLICIT, &type_notification,
	    ROW(x420_ipn, choice), 0, 0 },
};

const struct asn1_type	x420_type_ipn = {
	.name = "IPN", .kind = ASN1_SET, .tag = BER_CONTEXT(1),
	.flags = ASN1_OPEN, .size = sizeof(struct x420_ipn), ROWS(ipn_rows)
};

/* FileTransferParameters */
static const struct asn1_field	application_rows[] = {
	{ "registered", BER_CONTEXT(0), 0, &type_oid,
	    ROW(x420_application, registered), 0, 0 },
	{ "descriptive", BER_CONTEXT(1), 0, &x420_type_graphics,
	    ROW(x420_application, descriptive), 0, 0 },
};

static const struct asn1_type	type_application = {
	.name = "GeneralIdentifier", .kind = ASN1_CHOICE,
	.size = sizeof(struct x420_application), ROWS(application_rows)
};

static const struct asn1_field	environment_rows[] = {
	{ "application-reference", BER_CONTEXT(0), OPT | ASN1_EXPLICIT,
	    &type_application, ROW(x420_environment, application), 0, 0 },
	{ "user-visible-string", BER_CONTEXT(3), OPT, &x420_type_graphics,
	    ROW(x420_environment, visible), 0, 0 },
};

/* Read in any order, as are the other SEQUENCEs of files. */
static const struct asn1_type	type_environment = {
	.name = "EnvironmentParameter", .kind = ASN1_SET,
	.tag = BER_SEQUENCE, .flags = ASN1_OPEN,
	.size = sizeof(struct x420_environment), ROWS(environment_rows)
};

static const struct asn1_type	type_generalized_time = {
	.name = "GeneralizedTime", .kind = ASN1_STRING,
	.flags = ASN1_GRAPHIC, .string = BER_GENERALIZED_TIME,
	.strings = ASN1_S(BER_GENERALIZED_TIME),
	.size = sizeof(struct asn1_octets), .max = 32
};

static const struct asn1_field	file_time_rows[] = {
	{ "no-value-available", BER_CONTEXT(0), 0, &type_null,
	    ROW(x420_file_time, none), 0, 0 },
	{ "actual-values", BER_CONTEXT(1), 0, &type_generalized_time,
	    ROW(x420_file_time, time), 0, BER_GENERALIZED_TIME },
};

static const struct asn1_type	type_file_time = {
	.name = "Date-and-Time-Attribute", .kind = ASN1_CHOICE,
	.size = sizeof(struct x420_file_time), ROWS(file_time_rows)
};

static const struct asn1_field	file_size_rows[] = {
	{ "no-value-available", BER_CONTEXT(0), 0, &type_null,
	    ROW(x420_file_size, none), 0, 0 },
	{ "actual-values", BER_CONTEXT(1), 0, &type_integer,
	    ROW(x420_file_size, octets), 0, 0 },
};

static const struct asn1_type	type_file_size = {
	.name = "Object-Size-Attribute", .kind = ASN1_CHOICE,
	.size = sizeof(struct x420_file_size), ROWS(file_size_rows)
};

static const struct asn1_field	file_attributes_rows[] = {
	{ "incomplete-pathname", BER_CONTEXT(0), OPT, &x420_type_graphics,
	    ROW(x420_file_attributes, incomplete), 0, 0 },
	{ "complete-pathname", BER_CONTEXT(23), OPT, &x420_type_graphics,
	    ROW(x420_file_attributes, complete), 0, 0 },
	{ "date-and-time-of-creation", BER_CONTEXT(4), OPT | ASN1_EXPLICIT,
	    &type_file_time, ROW(x420_file_attributes, created), 0, 0 },
	{ "date-and-time-of-last-modification", BER_CONTEXT(5),
	    OPT | ASN1_EXPLICIT, &type_file_time,
	    ROW(x420_file_attributes, modified), 0, 0 },
	{ "object-size", BER_CONTEXT(13), OPT | ASN1_EXPLICIT,
	    &type_file_size, ROW(x420_file_attributes, size), 0, 0 },
};

static const struct asn1_type	type_file_attributes = {
	.name = "FileAttributes", .kind = ASN1_SET, .tag = BER_SEQUENCE,
	.flags = ASN1_OPEN, .size = sizeof(struct x420_file_attributes),
	ROWS(file_attributes_rows)
};

static const struct asn1_field	file_rows[] = {
	{ "environment", BER_CONTEXT(2), OPT, &type_environment,
	    ROW(x420_file, environment), 0, 0 },
	{ "compression", BER_CONTEXT(3), OPT, &type_opaque,
	    ROW(x420_file, compression), 0, 0 },
	{ "file-attributes", BER_CONTEXT(4), OPT, &type_file_attributes,
	    ROW(x420_file, attributes), 0, 0 },
};

const struct asn1_type	x420_type_file = {
	.name = "FileTransferParameters", .kind = ASN1_SET,
	.tag = BER_SEQUENCE, .flags = ASN1_OPEN,
	.size = sizeof(struct x420_file), ROWS(file_rows)
};
