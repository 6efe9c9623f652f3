/* SPDX-License-Identifier: ISC */

/* What asn1.c (decoding) shares with asn1_out.c (encoding, printing). */

#ifndef ASN1_INTERNAL_H
#define ASN1_INTERNAL_H

#include "asn1.h"

int		 asn1_fail(struct asn1 *, const char *, ...)
		    __attribute__((__format__(printf, 2, 3)));
int		 asn1_push(struct asn1 *, const char *, int64_t);
void		 asn1_pop(struct asn1 *);
int		 asn1_field_matches(const struct asn1_field *, uint32_t);
/* Length and repertoire of a string against its type. */
int		 asn1_check_string(struct asn1 *, const struct asn1_type *,
		    const struct asn1_octets *);
/* Octets of a character in strings of that universal tag. */
int		 asn1_width(uint32_t);

#endif
