/* SPDX-License-Identifier: ISC */

/*
 * The table of O/R address attributes that parser and printer share.
 */

#ifndef ORADDR_H
#define ORADDR_H

#include <stddef.h>

#include "envelope.h"

/* What a value may be. */
enum or_kind {
	KIND_COUNTRY,		/* two letters or three digits */
	KIND_DOMAIN,		/* NumericString if all digits, or printable */
	KIND_NUMERIC,		/* digits */
	KIND_PRINTABLE,
	KIND_TELETEX,		/* printable and/or teletex */
	KIND_LINES,		/* the same, lines joined with '|' */
	KIND_HEX,		/* octets as hexadecimal digits */
	KIND_TERMINAL,		/* terminal type, a name or its number */
	KIND_DDA
};

struct or_spec {
	const char	*slash;		/* key of RFC 2156 */
	const char	*semicolon;	/* label of RFC 1685 */
	uint8_t		 kind;		/* enum or_kind */
	uint16_t	 max;		/* characters, X.411 annex */
};

#define UB_DDA_TYPE	8	/* ub-domain-defined-attribute-type-length */
#define UB_DDAS		4	/* ub-domain-defined-attributes */
#define UB_OR_UNITS	4	/* ub-organizational-units */
#define UB_PD_LINES	6	/* ub-pds-physical-address-lines */

/* By enum or_type; [0] is empty. */
extern const struct or_spec or_specs[OR_TYPE_MAX];

/* Keys that stand for no one attribute. */
enum or_key {
	KEY_UNKNOWN = -1,
	KEY_OU = OR_TYPE_MAX,	/* OU, not numbered */
	KEY_PN,			/* PN=Marshall.M.T.Rose */
	KEY_RFC822,		/* RFC-822=..., a DDA */
	KEY_LINE		/* PD-A1 to PD-A6: KEY_LINE to KEY_LINE + 5 */
};

/*
 * The key at the beginning of s, an enum or_type or enum or_key.  *len is
 * its length without the '=' (or the '.' or ':' of "DD.type=").
 */
int		or_key(const char *s, size_t *len);

/* The number of a terminal type ("ia5" or "7"), -1; and its name or NULL. */
int		or_terminal(const char *, size_t);
const char	*or_terminal_name(int);

/* An order of attributes in which those that X.402 18 calls equal are. */
int		 or_attr_compare(const struct or_attr *,
		    const struct or_attr *);
/* An ADMD of one blank: any in the country (X.402 18.3.1). */
int		 or_any_admd(const struct or_attr *);
/* As it is compared: lower case, blanks folded.  Octets, size at most. */
size_t		 or_fold(const char *, size_t, char *, size_t size);

/*
 * orprefix.c: subtrees of mtad.conf(5).  Parses as or_address_parse, but in
 * the values of CN and of DDAs '*' and '?' are those of a pattern.  What
 * or_address_print makes of it means the same to or_address_parse.
 */
int		 or_prefix_parse(struct message *, struct or_address *,
		    const char *, size_t *where, const char **why);
int		 or_attr_is_pattern(const struct or_attr *);
/* Both of a type (and of a DDA type), and the pattern fits the value? */
int		 or_pattern_match(const struct or_attr *pattern,
		    const struct or_attr *);

#endif
