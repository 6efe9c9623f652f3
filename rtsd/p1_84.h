/* SPDX-License-Identifier: ISC */

/*
 * P1 of 1984 as ASN.1 (X.411-1984 clause 4.3, figures 19 to 28): the tables
 * and the C structures they fill, in the order of the Recommendation.  Only
 * the files of P1 need this; to all others p1.h is the door.
 *
 * The same structures are filled by the tables of 1988 (p1_88.h), whose types
 * are these and a few rows more: those behind a comment "1988".  The tables
 * of 1984 do not have these rows.
 */

#ifndef P1_84_H
#define P1_84_H

#include "asn1.h"
#include "envelope.h"
#include "orname.h"
#include "p1.h"

/* GlobalDomainIdentifier */
enum { GD_COUNTRY, GD_ADMD, GD_PRMD };
struct p1_domain {
	struct asn1_members	a;
	struct asn1_octets	country;
	struct asn1_octets	admd;
	struct asn1_octets	prmd;
};

/* MPDUIdentifier */
enum { ID_DOMAIN, ID_LOCAL };
struct p1_identifier {
	struct asn1_members	a;
	struct p1_domain	domain;
	struct asn1_octets	local;
};

/* EncodedInformationTypes */
enum { EIT_BITS, EIT_OTHERS, /* 1988 */ EIT_EXTERNAL };
struct p1_eits {
	struct asn1_members	a;
	struct asn1_bits	bits;
	struct asn1_octets	others;
	struct asn1_list	external;	/* struct asn1_octets */
};

/* DomainSuppliedInfo */
enum { DS_ARRIVAL, DS_DEFERRED, DS_ACTION, DS_CONVERTED, DS_PREVIOUS,
	DS_OTHER_ACTIONS };
struct p1_supplied {
	struct asn1_members	a;
	struct asn1_octets	arrival;
	struct asn1_octets	deferred;
	int64_t			action;
	struct p1_eits		converted;
	struct p1_domain	previous;
	struct asn1_bits	other_actions;
};

/* An element of TraceInformation */
enum { TR_DOMAIN, TR_SUPPLIED };
struct p1_trace {
	struct asn1_members	a;
	struct p1_domain	domain;
	struct p1_supplied	supplied;
};

/* PerDomainBilateralInfo */
enum { BI_COUNTRY, BI_ADMD, BI_INFO };
struct p1_bilateral {
	struct asn1_members	a;
	struct asn1_octets	country;
	struct asn1_octets	admd;
	struct asn1_octets	info;
};

/* RecipientInfo */
enum { RI_RECIPIENT, RI_EXTENSION, RI_FLAGS, RI_CONVERSION,
	/* 1988 */ RI_EXTENSIONS };
struct p1_recipient {
	struct asn1_members	a;
	struct or_name	recipient;
	int64_t			extension;
	struct asn1_bits	flags;
	int64_t			conversion;
	struct asn1_list	extensions;	/* struct p1_extension */
};

/* UMPDUEnvelope */
enum { UE_ID, UE_ORIGINATOR, UE_ORIGINAL, UE_CONTENT_TYPE, UE_CONTENT_ID,
	UE_PRIORITY, UE_INDICATORS, UE_DEFERRED, UE_BILATERAL, UE_RECIPIENTS,
	UE_TRACE, /* 1988 */ UE_CONTENT_OID, UE_EXTENSIONS };
struct p1_envelope {
	struct asn1_members	a;
	struct p1_identifier	id;
	struct or_name	originator;
	struct p1_eits		original;
	int64_t			content_type;
	struct asn1_octets	content_id;
	int64_t			priority;
	struct asn1_bits	indicators;
	struct asn1_octets	deferred;
	struct asn1_list	bilateral;	/* struct p1_bilateral */
	struct asn1_list	recipients;	/* struct p1_recipient */
	struct asn1_list	trace;		/* struct p1_trace */
	struct asn1_octets	content_oid;
	struct asn1_list	extensions;	/* struct p1_extension */
};

/* UserMPDU */
enum { UM_ENVELOPE, UM_CONTENT };
struct p1_user_mpdu {
	struct asn1_members	a;
	struct p1_envelope	envelope;
	struct asn1_octets	content;
};

/* ProbeEnvelope */
enum { PE_ID, PE_ORIGINATOR, PE_CONTENT_TYPE, PE_CONTENT_ID, PE_ORIGINAL,
	PE_TRACE, PE_INDICATORS, PE_LENGTH, PE_BILATERAL, PE_RECIPIENTS,
	/* 1988 */ PE_CONTENT_OID, PE_EXTENSIONS };
struct p1_probe {
	struct asn1_members	a;
	struct p1_identifier	id;
	struct or_name	originator;
	int64_t			content_type;
	struct asn1_octets	content_id;
	struct p1_eits		original;
	struct asn1_list	trace;
	struct asn1_bits	indicators;
	int64_t			length;
	struct asn1_list	bilateral;
	struct asn1_list	recipients;
	struct asn1_octets	content_oid;
	struct asn1_list	extensions;
};

/* DeliveryReportEnvelope */
enum { RE_ID, RE_ORIGINATOR, RE_TRACE, /* 1988 */ RE_EXTENSIONS };
struct p1_report_envelope {
	struct asn1_members	a;
	struct p1_identifier	id;
	struct or_name	originator;
	struct asn1_list	trace;
	struct asn1_list	extensions;
};

/* DeliveredInfo, NonDeliveredInfo, Report */
enum { DI_DELIVERY, DI_TYPE };
struct p1_delivered {
	struct asn1_members	a;
	struct asn1_octets	delivery;
	int64_t			type;
};

enum { ND_REASON, ND_DIAGNOSTIC };
struct p1_non_delivered {
	struct asn1_members	a;
	int64_t			reason;
	int64_t			diagnostic;
};

enum { REPORT_DELIVERED, REPORT_NON_DELIVERED };
struct p1_report {
	struct asn1_choice	c;
	struct p1_delivered	delivered;
	struct p1_non_delivered	non_delivered;
};

/* LastTraceInformation */
enum { LT_ARRIVAL, LT_CONVERTED, LT_REPORT };
struct p1_last_trace {
	struct asn1_members	a;
	struct asn1_octets	arrival;
	struct p1_eits		converted;
	struct p1_report	report;
};

/* ReportedRecipientInfo */
enum { RR_RECIPIENT, RR_EXTENSION, RR_FLAGS, RR_LAST_TRACE, RR_INTENDED,
	RR_SUPPLEMENTARY, /* 1988 */ RR_EXTENSIONS };
struct p1_reported {
	struct asn1_members	a;
	struct or_name	recipient;
	int64_t			extension;
	struct asn1_bits	flags;
	struct p1_last_trace	last_trace;
	struct or_name	intended;
	struct asn1_octets	supplementary;
	struct asn1_list	extensions;
};

/* DeliveryReportContent */
enum { RC_ORIGINAL, RC_INTERMEDIATE, RC_CONTENT_ID, RC_REPORTED, RC_RETURNED,
	RC_BILLING, /* 1988 */ RC_ORIGINAL_EITS, RC_CONTENT_TYPE,
	RC_CONTENT_OID, RC_EXTENSIONS };
struct p1_report_content {
	struct asn1_members	a;
	struct p1_identifier	original;
	struct asn1_list	intermediate;	/* struct p1_trace */
	struct asn1_octets	content_id;
	struct asn1_list	reported;	/* struct p1_reported */
	struct asn1_octets	returned;
	struct asn1_octets	billing;
	struct p1_eits		original_eits;
	int64_t			content_type;
	struct asn1_octets	content_oid;
	struct asn1_list	extensions;
};

/* DeliveryReportMPDU */
enum { RM_ENVELOPE, RM_CONTENT };
struct p1_report_mpdu {
	struct asn1_members		a;
	struct p1_report_envelope	envelope;
	struct p1_report_content	content;
};

/* MPDU */
enum { MPDU_USER, MPDU_REPORT, MPDU_PROBE };
struct p1_mpdu {
	struct asn1_choice	c;
	union {
		struct p1_user_mpdu	user;
		struct p1_report_mpdu	report;
		struct p1_probe		probe;
	}			u;
};

extern const struct asn1_type	p1_type_trace;		/* one element */
extern const struct asn1_type	p1_type_envelope;	/* UMPDUEnvelope */
extern const struct asn1_type	p1_type_mpdu;

#define P1_TAG_USER	BER_CONTEXT(0)
#define P1_TAG_REPORT	BER_CONTEXT(1)
#define P1_TAG_PROBE	BER_CONTEXT(2)
#define P1_TAG_RETURNED	BER_CONTEXT(1)	/* in DeliveryReportContent */

/* All values of an MPDU with as many recipients as may be. */
#define P1_MEMORY_MAX	(64 * 1024 * 1024)

/*
 * Between the two forms.  The first fills a fresh message: copies everything,
 * so that the octets decoded may go; of contents only the length is taken.
 * -1: no memory, or (EINVAL, with *why) no value that could be.  The second
 * makes values that point into the message; -1 with *why when the protocol
 * has no place for something.
 */
int	p1_message_from_mpdu(enum p1_protocol, struct message *,
	    const struct p1_mpdu *, const char **why);
int	p1_mpdu_from_message(enum p1_protocol, struct p1_mpdu *,
	    const struct message *, struct asn1_memory *, const char **why);
/* MPDU or MTS-APDU; and the envelope of a message. */
const struct asn1_type	*p1_type_of_apdu(enum p1_protocol);
const struct asn1_type	*p1_type_of_envelope(enum p1_protocol);

#endif
