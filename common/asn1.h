/* SPDX-License-Identifier: ISC */

/*
 * ASN.1 types as tables (X.208, X.209).  A type is written once, one row a
 * field, in the order of its Recommendation; the same rows decode, encode,
 * print and check a C structure whose members have the shapes below.
 *
 * The decoder is strict about limits and lenient about form: members of a
 * SET in any order, indefinite and long-form lengths, constructed strings,
 * default values present; a string under an explicit tag may lack its own.
 * ENUMERATED is an INTEGER of another tag, SET OF a SEQUENCE OF likewise.
 * The encoder makes one form only: definite, shortest lengths, members in
 * the order of the table, default values left out.
 */

#ifndef ASN1_H
#define ASN1_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "ber.h"

/*
 * Shapes of values.  Octets point into the decoded buffer where they can,
 * else into the memory of the context; both must outlive the value.
 */

/* Strings, ANY (a whole element), UTCTime.  p NULL: octets kept apart. */
struct asn1_octets {
	const uint8_t	*p;
	uint64_t	 len;
	uint32_t	 tag;	/* universal tag of the string type */
};

/* BIT STRING; bits behind nbits are to be ignored. */
struct asn1_bits {
	const uint8_t	*p;
	uint32_t	 nbits;
};

/* SEQUENCE OF, SET OF: n structures in a row. */
struct asn1_list {
	void		*p;
	uint32_t	 n;
};

/* INTEGER, ENUMERATED: int64_t.  NULL: uint8_t. */

/*
 * A value whose type a member before it tells.  octets is the element as it
 * came; type is NULL when nobody knows it, else value is what octets say and
 * is what will be encoded, unless the type is ASN1_VERBATIM.
 */
struct asn1_type;
struct asn1_open {
	struct asn1_octets	 octets;
	const struct asn1_type	*type;
	void			*value;
};

/*
 * SEQUENCE and SET: a structure that begins with this; bit i tells that the
 * field of row i is there.  A field with a default is filled in when it is
 * not.  CHOICE: the same, chosen being the row, and a union may follow.
 */
struct asn1_members {
	uint32_t	present;
};
struct asn1_choice {
	uint32_t	chosen;
};
#define ASN1_HAS(v, row)	((v)->a.present >> (row) & 1)
#define ASN1_PUT(v, row)	((v)->a.present |= 1u << (row))

enum asn1_kind {
	ASN1_SEQUENCE, ASN1_SET, ASN1_CHOICE, ASN1_SEQUENCE_OF,
	ASN1_INTEGER, ASN1_BIT_STRING,
	ASN1_STRING,		/* also OCTET STRING; CHOICE of strings */
	ASN1_TIME,		/* UTCTime */
	ASN1_NULL, ASN1_ANY,
	ASN1_OID,		/* contents octets of an OBJECT IDENTIFIER */
	ASN1_OPEN_TYPE		/* ANY DEFINED BY: struct asn1_open */
};

/* Flags of types. */
#define ASN1_OPEN	0x01	/* unknown members are passed over */
#define ASN1_TAGGED	0x02	/* the tag of the type is an explicit one */
#define ASN1_GRAPHIC	0x04	/* characters 2/0 to 7/14, but in T.61 */
#define ASN1_VERBATIM	0x08	/* in an open type: encoded as it came */
/* Flags of fields. */
#define ASN1_OPTIONAL	0x01
#define ASN1_EXPLICIT	0x02	/* the tag of the row; else implicit */
#define ASN1_DEFAULT	0x04	/* INTEGER: dflt; BIT STRING: {} */
#define ASN1_LAST	0x08	/* written behind all other members */
#define ASN1_OTHERS	0x10	/* elements not in the table, as they are */

struct asn1_field;

/* Names of integers and bits, for printing; ends with a NULL name. */
struct asn1_names {
	int64_t		 value;
	const char	*name;
};

struct asn1_type {
	const char		*name;
	enum asn1_kind		 kind;
	uint32_t		 tag;	/* 0: that of the chosen */
	uint32_t		 flags;
	uint32_t		 size;	/* of its C value */
	/*
	 * INTEGER: values; strings: characters, which are octets but in
	 * BMPString and UniversalString; BIT STRING: bits; OF: count
	 */
	int64_t			 min, max;
	uint32_t		 string;	/* ASN1_STRING: universal tag */
	uint32_t		 strings;	/* all that may be: ASN1_S() */
	const struct asn1_field	*field;		/* rows */
	uint32_t		 nfield;	/* at most 32 */
	const struct asn1_type	*of;		/* ASN1_SEQUENCE_OF */
	/* ASN1_OPEN_TYPE: from the structure it is a member of; or NULL */
	const struct asn1_type	*(*by)(const void *);
	const struct asn1_names	*names;
};
/* Set of universal string tags; several: a CHOICE of them. */
#define ASN1_S(tag)	(1u << (tag))

struct asn1_field {
	const char		*name;
	uint32_t		 tag;	/* 0: that of the type */
	uint32_t		 flags;
	const struct asn1_type	*type;
	uint32_t		 offset;	/* in the structure */
	int64_t			 dflt;
	uint32_t		 alt;	/* decoding: another tag accepted */
};

/* Memory of values: pieces that are freed together. */
struct asn1_piece;
struct asn1_memory {
	struct asn1_piece	*pieces;
	size_t			 used;	/* of the newest piece */
	size_t			 total;
	size_t			 max;
	uint64_t		 first[64];	/* before any malloc */
};
void	 asn1_memory_init(struct asn1_memory *, size_t max);
/* Zeroed; NULL: out of memory or over the limit. */
void	*asn1_memory_alloc(struct asn1_memory *, size_t);
void	 asn1_memory_free(struct asn1_memory *);

#define ASN1_PATH_MAX	32	/* nested fields of any of our types */
#define ASN1_SEGMENT_DEPTH 16	/* of constructed strings in each other */

struct asn1 {
	struct asn1_memory	*memory;
	struct {
		const char	*name;
		int64_t		 index;		/* -1: not in a list */
	}			 path[ASN1_PATH_MAX];
	int			 depth;
	const void		*holder;	/* of the member decoded next */
	char			 error[192];	/* "" or "A.b[2].c: what" */
};
void	asn1_init(struct asn1 *, struct asn1_memory *);

/*
 * Decodes the one element that the cursor holds, or the next one of it, into
 * value (type->size octets, zeroed by the caller).  -1: see error.
 */
int	asn1_decode(struct asn1 *, const struct asn1_type *, struct ber *,
	    void *value);
/* The same, and the tag of the element stands for that of the type. */
int	asn1_decode_tagged(struct asn1 *, const struct asn1_type *,
	    struct ber *, void *value);
/* The whole buffer is one element: trailing octets are an error. */
int	asn1_decode_all(struct asn1 *, const struct asn1_type *,
	    const void *, size_t, void *value);
/*
 * Writes the value in front of what is in the writer.  -1: a value is out of
 * its bounds or missing, see error.  Want of memory comes out at the flush.
 */
int	asn1_encode(struct asn1 *, const struct asn1_type *, const void *,
	    struct ber_out *);
/* A tag for messages: "[2]", "[APPLICATION 9]", "[UNIVERSAL 17]". */
const char *asn1_tag_name(uint32_t, char *, size_t);
/* One line a field, indented.  Octets outside of 2/0 to 7/14 as \xNN. */
void	asn1_print(const struct asn1_type *, const void *, FILE *, int indent);

#endif
