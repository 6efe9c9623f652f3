/* SPDX-License-Identifier: ISC */

/*
 * Interpersonal messages (X.420 clause 7, X.420-1984 clause 3) as ASN.1: the
 * tables of heading, notification and file transfer parameters, and the C
 * structures that they fill.  P2 of 1984 and P22 have the same types but for
 * what was added at their ends.  Bodies are no structures: they may be larger
 * than memory and are walked or written element by element.
 *
 * Limits are wider than the upper bounds of the Recommendation: what is
 * merely too long is shown to its recipient, not refused.
 */

#ifndef X420_H
#define X420_H

#include "asn1.h"
#include "orname.h"

/* Universal tags that only contents have. */
#define BER_EXTERNAL		8
#define BER_UTF8_STRING		12
#define BER_GENERALIZED_TIME	24
#define BER_GRAPHIC_STRING	25
#define BER_VISIBLE_STRING	26
#define BER_GENERAL_STRING	27

#define UB_IPM_ID		64	/* ub-local-ipm-identifier, to send */
#define UB_SUBJECT		256	/* to send; ub-subject-field is 128 */
#define UB_FREE_FORM		64	/* ub-free-form-name, to send */
#define X420_TEXT_MAX		4096	/* of any text of a heading, read */
#define X420_NAMES_MAX		UB_RECIPIENTS
#define X420_EXTENSIONS_MAX	256
#define X420_EXTENSION_MAX	(1024 * 1024)	/* octets of one */

/* IPMIdentifier ::= [APPLICATION 11] SET */
enum { XI_USER, XI_ID };
struct x420_id {
	struct asn1_members	a;
	struct or_name		user;
	struct asn1_octets	id;
};

/* ORDescriptor ::= SET */
enum { XD_NAME, XD_FREE_FORM, XD_TELEPHONE };
struct x420_descriptor {
	struct asn1_members	a;
	struct or_name		name;
	struct asn1_octets	free_form;
	struct asn1_octets	telephone;
};

/* RecipientSpecifier ::= SET */
enum { XR_DESCRIPTOR, XR_NOTIFICATIONS, XR_REPLY };
struct x420_recipient {
	struct asn1_members	a;
	struct x420_descriptor	descriptor;
	struct asn1_bits	notifications;	/* rn 0, nrn 1, ipm-return 2 */
	int64_t			reply;
};

/* IPMSExtension ::= SEQUENCE */
enum { XE_TYPE, XE_VALUE };
struct x420_extension {
	struct asn1_members	a;
	struct asn1_octets	type;
	struct asn1_octets	value;
};

/* Heading ::= SET; rows of the names that 1984 gives them */
enum { XH_ID, XH_ORIGINATOR, XH_AUTHORIZING, XH_PRIMARY, XH_COPY, XH_BLIND,
	XH_REPLIED_TO, XH_OBSOLETED, XH_RELATED, XH_SUBJECT, XH_EXPIRY,
	XH_REPLY_TIME, XH_REPLY_RECIPIENTS, XH_IMPORTANCE, XH_SENSITIVITY,
	XH_AUTO_FORWARDED, XH_EXTENSIONS };
struct x420_heading {
	struct asn1_members	a;
	struct x420_id		id;
	struct x420_descriptor	originator;
	struct asn1_list	authorizing;	/* struct x420_descriptor */
	struct asn1_list	recipients[3];	/* struct x420_recipient */
	struct x420_id		replied_to;
	struct asn1_list	obsoleted;	/* struct x420_id */
	struct asn1_list	related;
	struct asn1_octets	subject;
	struct asn1_octets	expiry;
	struct asn1_octets	reply_time;
	struct asn1_list	reply_recipients; /* struct x420_descriptor */
	int64_t			importance;
	int64_t			sensitivity;
	int64_t			auto_forwarded;
	struct asn1_list	extensions;	/* struct x420_extension */
};

/* NonReceiptFields, ReceiptFields, one structure for both */
enum { XN_REASON, XN_DISCARD, XN_COMMENT, XN_RETURNED };
struct x420_non_receipt {
	struct asn1_members	a;
	int64_t			reason;
	int64_t			discard;
	struct asn1_octets	comment;
	struct asn1_octets	returned;	/* [3] IPM, whole */
};
enum { XN_TIME, XN_MODE, XN_SUPPLEMENTARY };
struct x420_receipt {
	struct asn1_members	a;
	struct asn1_octets	time;
	int64_t			mode;
	struct asn1_octets	supplementary;
};
enum { XN_NON_RECEIPT, XN_RECEIPT, XN_OTHER };
struct x420_notification {
	struct asn1_choice	c;
	struct x420_non_receipt	non_receipt;
	struct x420_receipt	receipt;
	struct asn1_octets	other;
};

/* IPN ::= [1] SET */
enum { XN_SUBJECT, XN_ORIGINATOR, XN_PREFERRED, XN_EITS, XN_CHOICE };
struct x420_ipn {
	struct asn1_members		a;
	struct x420_id			subject;
	struct x420_descriptor		originator;
	struct x420_descriptor		preferred;
	struct asn1_octets		eits;
	struct x420_notification	choice;
};

/* FileTransferParameters (X.420 clause 7.4.12, annex), what is of use */
enum { XF_REGISTERED, XF_DESCRIPTIVE };
struct x420_application {
	struct asn1_choice	c;
	struct asn1_octets	registered;
	struct asn1_list	descriptive;	/* struct asn1_octets */
};
enum { XF_APPLICATION, XF_VISIBLE };
struct x420_environment {
	struct asn1_members	a;
	struct x420_application	application;
	struct asn1_list	visible;	/* struct asn1_octets */
};
enum { XF_NO_VALUE, XF_VALUE };
struct x420_file_time {
	struct asn1_choice	c;
	uint8_t			none;
	struct asn1_octets	time;		/* GeneralizedTime */
};
struct x420_file_size {
	struct asn1_choice	c;
	uint8_t			none;
	int64_t			octets;
};
enum { XF_INCOMPLETE, XF_COMPLETE, XF_CREATED, XF_MODIFIED, XF_SIZE };
struct x420_file_attributes {
	struct asn1_members	a;
	struct asn1_list	incomplete;	/* struct asn1_octets */
	struct asn1_list	complete;
	struct x420_file_time	created;
	struct x420_file_time	modified;
	struct x420_file_size	size;
};
enum { XF_ENVIRONMENT, XF_COMPRESSION, XF_ATTRIBUTES };
struct x420_file {
	struct asn1_members		a;
	struct x420_environment		environment;
	struct asn1_octets		compression;
	struct x420_file_attributes	attributes;
};

extern const struct asn1_type	x420_type_id;
extern const struct asn1_type	x420_type_descriptor;
extern const struct asn1_type	x420_type_heading;
extern const struct asn1_type	x420_type_ipn;
extern const struct asn1_type	x420_type_file;
extern const struct asn1_type	x420_type_graphics;

/* Contents octets of id-et { 2 6 1 4 }, id-ep { 2 6 1 11 }, id-hex. */
#define X420_ID_ET		"\x56\x01\x04"
#define X420_ID_EP		"\x56\x01\x0b"
#define X420_ID_HEX		"\x56\x01\x05"
enum x420_extended {		/* the last arc of both */
	ET_IA5 = 0, ET_VOICE, ET_G3, ET_G4, ET_TELETEX, ET_VIDEOTEX,
	ET_ENCRYPTED, ET_MESSAGE, ET_MIXED, ET_BILATERAL, ET_NATIONAL,
	ET_GENERAL_TEXT, ET_FILE
};
enum x420_heading_extension {
	HEX_INCOMPLETE_COPY = 0, HEX_LANGUAGES, HEX_AUTO_SUBMITTED
};

/* Tags of basic body parts, CONTEXT n (X.420 7.3, X.420-1984 3.3). */
enum x420_body_part {
	BP_IA5 = 0, BP_TELEX, BP_VOICE, BP_G3, BP_G4, BP_TELETEX,
	BP_VIDEOTEX, BP_NATIONAL, BP_ENCRYPTED, BP_MESSAGE, BP_SFD, BP_MIXED,
	BP_BILATERAL = 14, BP_EXTENDED = 15
};

#endif
