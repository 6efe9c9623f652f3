/* SPDX-License-Identifier: ISC */

/*
 * P1 of 1988 and later as ASN.1 (X.411 figures 2, 4 and 6): what is not in
 * P1 of 1984.  A message, probe or report fills the structures of p1_84.h,
 * whose last rows are of 1988; here are their tables and the extensions.
 */

#ifndef P1_88_H
#define P1_88_H

#include "p1_84.h"

/* ExtensionField */
enum { ET_STANDARD, ET_PRIVATE };
struct p1_extension_type {
	struct asn1_choice	c;
	int64_t			standard;
	struct asn1_octets	private;
};

enum { EX_TYPE, EX_CRITICALITY, EX_VALUE };
struct p1_extension {
	struct asn1_members	 a;
	struct p1_extension_type type;
	struct asn1_bits	 criticality;
	struct asn1_open	 value;
};

/* PerDomainBilateralInformation */
enum { BD_ADMD, BD_PRIVATE };
enum { PD_ADMD, PD_PRMD };
struct p1_private_domain {
	struct asn1_members	a;
	struct asn1_octets	admd;
	struct asn1_octets	prmd;
};
struct p1_bilateral_domain {
	struct asn1_choice	 c;
	struct asn1_octets	 admd;
	struct p1_private_domain private;
};
struct p1_bilateral_88 {
	struct asn1_members	   a;
	struct asn1_octets	   country;
	struct p1_bilateral_domain domain;
	struct asn1_octets	   info;
};

/* Redirection */
enum { RD_NAME, RD_REASON };
enum { IR_RECIPIENT, IR_TIME };
struct p1_intended {
	struct asn1_members	a;
	struct or_name		recipient;
	struct asn1_octets	time;
};
struct p1_redirection {
	struct asn1_members	a;
	struct p1_intended	name;
	int64_t			reason;
};

/* DLExpansion, OriginatorAndDLExpansion */
enum { DL_NAME, DL_TIME };
struct p1_dl_expansion {
	struct asn1_members	a;
	struct or_name		name;
	struct asn1_octets	time;
};

/* ContentCorrelator */
enum { CC_IA5, CC_OCTETS, CC_ANY };
struct p1_correlator {
	struct asn1_choice	c;
	struct asn1_octets	value;
};

/* ReportingMTAName */
enum { RN_DOMAIN, RN_MTA, RN_DIRECTORY };
struct p1_reporting_mta {
	struct asn1_members	a;
	struct p1_domain	domain;
	struct asn1_octets	mta;
	struct asn1_octets	directory;
};

/* InternalTraceInformationElement */
enum { AT_MTA, AT_DOMAIN };
struct p1_attempted {
	struct asn1_choice	c;
	struct asn1_octets	mta;
	struct p1_domain	domain;
};
enum { MS_ARRIVAL, MS_ACTION, MS_ATTEMPTED, MS_DEFERRED, MS_CONVERTED,
	MS_OTHER_ACTIONS };
struct p1_mta_supplied {
	struct asn1_members	a;
	struct asn1_octets	arrival;
	int64_t			action;
	struct p1_attempted	attempted;
	struct asn1_octets	deferred;
	struct p1_eits		converted;
	struct asn1_bits	other_actions;
};
enum { IT_DOMAIN, IT_MTA, IT_SUPPLIED };
struct p1_internal_trace {
	struct asn1_members	a;
	struct p1_domain	domain;
	struct asn1_octets	mta;
	struct p1_mta_supplied	supplied;
};

extern const struct asn1_type	p1_88_type_apdu;	/* MTS-APDU */
extern const struct asn1_type	p1_88_type_envelope;	/* of a message */

/* Types that the extensions share with the rest. */
extern const struct asn1_type	p1_88_type_domain;
extern const struct asn1_type	p1_88_type_mta_name;
extern const struct asn1_type	p1_88_type_eits;
extern const struct asn1_type	p1_88_type_external_eits; /* SET OF OID */
extern const struct asn1_type	p1_88_type_action;
extern const struct asn1_type	p1_88_type_other_actions;
extern const struct asn1_type	p1_88_type_trace_information;

/* p1_88_ext.c: SET OF ExtensionField */
extern const struct asn1_type	p1_88_type_extensions;
/* The type of a StandardExtension; NULL: not one that we know. */
const struct asn1_type	*p1_88_extension_type(int64_t);

#endif
