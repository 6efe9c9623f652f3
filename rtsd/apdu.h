/* SPDX-License-Identifier: ISC */

/*
 * What the codecs of reliable transfer, association control and presentation
 * have in common: how a table is run over an APDU, and types that occur in
 * several of them.
 */

#ifndef APDU_H
#define APDU_H

#include "asn1.h"

struct ibuf;

#define ROW(s, m)	offsetof(struct s, m)
#define ROWS(f)		.field = (f), .nfield = sizeof(f) / sizeof((f)[0])

/* -1, with *why a copy of text that lasts until the next failure. */
int	apdu_fail(const char **why, const char *text);
/* The whole of p is one value of the type.  -1: *why names the field. */
int	apdu_decode(const struct asn1_type *, const uint8_t *p, size_t,
	    void *value, struct asn1_memory *, const char **why);
/* Appends; defaults: values that are the default are written as well. */
int	apdu_encode(const struct asn1_type *, const void *value,
	    int defaults, struct ibuf *);
/* To a C string.  -1: it does not fit, or there is a NUL in it. */
int	apdu_string(char *, size_t, const struct asn1_octets *);

extern const struct asn1_type	apdu_integer;	/* of 32 bits */
extern const struct asn1_type	apdu_natural;	/* the same, not below 0 */
extern const struct asn1_type	apdu_any;
extern const struct asn1_type	apdu_null;
extern const struct asn1_type	apdu_oid;
extern const struct asn1_type	apdu_octets;
extern const struct asn1_type	apdu_bits;
extern const struct asn1_type	apdu_mta_name;
extern const struct asn1_type	apdu_password;
extern const struct asn1_type	apdu_dialogue_mode;
extern const struct asn1_type	apdu_refuse_reason;

/* An INTEGER of 32 bits, from min, whose values have names. */
#define APDU_NAMED(ident, text, min_, ...)				\
const struct asn1_type ident = {					\
	.name = text, .kind = ASN1_INTEGER, .tag = BER_INTEGER,		\
	.size = sizeof(int64_t), .min = min_, .max = INT32_MAX,		\
	.names = (const struct asn1_names[]){ __VA_ARGS__, { 0, NULL } }	\
}
/* The same of a BIT STRING. */
#define APDU_NAMED_BITS(ident, text, ...)				\
const struct asn1_type ident = {					\
	.name = text, .kind = ASN1_BIT_STRING, .tag = BER_BIT_STRING,	\
	.size = sizeof(struct asn1_bits), .max = APDU_MAX * 8,		\
	.names = (const struct asn1_names[]){ __VA_ARGS__, { 0, NULL } }	\
}

/* Longest values of the types above, octets. */
#define APDU_MAX	65536
#define APDU_OID_MAX	32

/*
 * SessionConnectionIdentifier ::= SEQUENCE { callingSSuserReference,
 * commonReference UTCTime, [0] IMPLICIT T61String OPTIONAL }; the first is a
 * T61String, in normal mode also an OCTET STRING.
 */
enum { ID_USER, ID_COMMON, ID_ADDITIONAL };
struct session_connection_identifier {
	struct asn1_members	a;
	struct asn1_octets	user;
	struct asn1_octets	common;
	struct asn1_octets	additional;
};
extern const struct asn1_type	apdu_session_connection_identifier;

/* AbortInformation and RTAB but for the tag. */
enum { AB_REASON, AB_REFLECTED, AB_FIELDS };
struct abort_fields {
	struct asn1_members	a;
	int64_t			reason;
	struct asn1_bits	reflected;
};
extern const struct asn1_field	apdu_abort_rows[AB_FIELDS];

struct abort_information;
void	apdu_abort_get(const struct abort_fields *,
	    struct abort_information *);
void	apdu_abort_put(const struct abort_information *,
	    struct abort_fields *);

#endif
