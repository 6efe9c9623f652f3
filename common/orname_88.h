/* SPDX-License-Identifier: ISC */

/*
 * Values of extension attributes (X.411 figure 5), which only orname_88.c and
 * oraddr_88.c need.
 */

#ifndef ORNAME_88_H
#define ORNAME_88_H

#include "orname.h"

#define XA_MAX		40	/* the last of X.411 */
#define XA_NETWORK	22
#define XA_TERMINAL	23
#define OR_UNITS	4	/* ub-organizational-units */
#define OR_LINES	6	/* ub-pds-physical-address-lines */
#define UNIVERSAL_MAX	500	/* characters: UTF-8 and a language fit */

/* UniversalOrBMPString */
enum { UN_TEXT, UN_LANGUAGE };
struct or_universal {
	struct asn1_members	a;
	struct asn1_octets	text;
	struct asn1_octets	language;
};

struct or_universal_person {
	struct asn1_members	a;
	struct or_universal	part[4];	/* by row, as PN_ */
};

struct or_universal_dda {
	struct asn1_members	a;
	struct or_universal	type;
	struct or_universal	value;
};

/* PDSParameter */
enum { PDS_PRINTABLE, PDS_TELETEX };
struct or_pds {
	struct asn1_members	a;
	struct asn1_octets	printable;
	struct asn1_octets	teletex;
};

/* UnformattedPostalAddress */
enum { UPA_LINES, UPA_TELETEX };
struct or_unformatted {
	struct asn1_members	a;
	struct asn1_list	lines;		/* struct asn1_octets */
	struct asn1_octets	teletex;
};

/* ExtendedNetworkAddress */
enum { E163_NUMBER, E163_SUB_ADDRESS };
struct or_e163_4 {
	struct asn1_members	a;
	struct asn1_octets	number;
	struct asn1_octets	sub_address;
};
struct or_psap {
	struct asn1_members	a;
	struct asn1_octets	selector[3];
	struct asn1_list	addresses;
};
enum { NETWORK_E163_4, NETWORK_PSAP };
struct or_network {
	struct asn1_choice	c;
	struct or_e163_4	e163_4;
	struct or_psap		psap;
};

/* What the value of an extension attribute is. */
enum xa_kind {
	XK_NONE = 0, XK_STRING, XK_TELETEX, XK_UNIVERSAL, XK_PERSON,
	XK_UNIVERSAL_PERSON, XK_UNITS, XK_UNIVERSAL_UNITS, XK_DDAS,
	XK_UNIVERSAL_DDAS, XK_PDS, XK_LINES, XK_NETWORK, XK_TERMINAL
};

struct xa_form {
	uint8_t	type;		/* enum or_type, the first of several */
	uint8_t	kind;		/* enum xa_kind */
};
extern const struct xa_form	xa[XA_MAX + 1];		/* by number */
extern const uint8_t		person_type[4];		/* by PN_ */

extern const struct asn1_type	type_or_extension;
extern const struct asn1_type	type_or_psap;

/* NULL: not an attribute of X.411. */
const struct asn1_type	*or_extension_type(int64_t);

/* orname.c: an attribute into its place among the built-in ones. */
int	or_attr_to_name(struct or_name *, const struct or_attr *,
	    struct asn1_members *units, uint32_t ndda, const char **why);
void	or_name_close(struct or_name *, const struct asn1_members *units);

#endif
