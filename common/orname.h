/* SPDX-License-Identifier: ISC */

/*
 * O/R names of 1984 (X.411-1984 clause 4.3, figure 24) and of 1988 (X.411
 * 8.5.5) as ASN.1, which P1 and P2 share: tables, the C structures they fill,
 * and translation from and to struct or_address.
 */

#ifndef ORNAME_H
#define ORNAME_H

#include "asn1.h"
#include "envelope.h"

/* PersonalName */
enum { PN_SURNAME, PN_GIVEN, PN_INITIALS, PN_QUALIFIER };
struct or_personal_name {
	struct asn1_members	a;
	struct asn1_octets	part[4];	/* by row */
};

/* StandardAttributeList */
enum { SA_COUNTRY, SA_ADMD, SA_X121, SA_TERMINAL, SA_PRMD, SA_ORGANIZATION,
	SA_UA, SA_PERSONAL, SA_UNITS };
struct or_standard {
	struct asn1_members	a;
	struct asn1_octets	value[7];	/* SA_COUNTRY..SA_UA, by row */
	struct or_personal_name	personal;
	struct asn1_list	units;		/* struct asn1_octets */
};

/* DomainDefinedAttribute */
enum { DD_TYPE, DD_VALUE };
struct or_dda {
	struct asn1_members	a;
	struct asn1_octets	type;
	struct asn1_octets	value;
};

/* ExtensionAttribute */
enum { XA_TYPE, XA_VALUE };
struct or_extension {
	struct asn1_members	a;
	int64_t			type;
	struct asn1_open	value;
};

/* ORName; the last two are of 1988 */
enum { OR_STANDARD, OR_DOMAIN_DEFINED, OR_EXTENSION, OR_DIRECTORY };
struct or_name {
	struct asn1_members	a;
	struct or_standard	standard;
	struct asn1_list	defined;	/* struct or_dda */
	struct asn1_list	extension;	/* struct or_extension */
	struct asn1_octets	directory;	/* Name */
};

extern const struct asn1_type	type_country_name;
extern const struct asn1_type	type_administration_domain_name;
extern const struct asn1_type	type_private_domain_name;
extern const struct asn1_type	type_or_name;
extern const struct asn1_type	type_or_name_88;
extern const struct asn1_type	type_or_address;	/* no directory name */
extern const struct asn1_type	type_or_standard;	/* what they share */
extern const struct asn1_type	type_or_ddas;
extern const struct asn1_type	type_or_printable;
extern const struct asn1_type	type_or_numeric;

/* Types that all modules use. */
extern const struct asn1_type	type_time;		/* UTCTime */
extern const struct asn1_type	type_any_4096;		/* ANY */
extern const struct asn1_type	type_oid;		/* OBJECT IDENTIFIER */
extern const struct asn1_type	type_directory_name;	/* Name, opaque */

/* Fields that say which characters a string has (enum or_charset). */
int	or_charset_of(const struct asn1_octets *);

/*
 * Into an address in the arena of the message, everything copied.  -1: no
 * memory, or (EINVAL) more attributes than UB_OR_ATTRIBUTES, one twice, or a
 * value that is none.
 */
int	or_address_from_name(struct message *, struct or_address *,
	    const struct or_name *);
/* Extension attributes and directory name, behind what is in attr. */
int	or_extensions_from_name(struct message *, struct or_address *,
	    const struct or_name *, struct or_attr *attr, uint32_t *n);
/*
 * The other way; values point into the address.  A common name becomes the
 * domain-defined attribute "Common" (RFC 2156 appendix B).  -1 with *why
 * when an O/R name of 1984 has no place for an attribute, or no memory.
 */
int	or_name_from_address(struct or_name *, const struct or_address *,
	    struct asn1_memory *, const char **why);
/* In 1988, where a teletex or universal form is an attribute of its own. */
int	or_name_88_from_address(struct or_name *, const struct or_address *,
	    struct asn1_memory *, const char **why);

/*
 * Has it one even there?  0: no, for *why, and it is the fault of *attr; or
 * (NULL) of more than one.
 */
int	or_address_has_form(const struct or_address *,
	    const struct or_attr **attr, const char **why);

/* Octets of a value by its type, in the arena.  -1: no memory (or no value). */
int	asn1_to_message(struct message *, const struct asn1_type *,
	    const void *value, uint8_t **, uint32_t *len);

#endif
