/* SPDX-License-Identifier: ISC */

/*
 * Interpersonal messages as a whole for decode.h: heading, as all programs
 * here have it (x420.h), and body parts, which those that convert them walk
 * without a table.
 */

#ifndef DECODE_IPM_H
#define DECODE_IPM_H

#include "asn1_walk.h"

/* IPM ::= [0] IMPLICIT SEQUENCE { Heading, Body } */
extern const struct asn1_type	ipm_type_ipm;

/* EXTERNAL of any length, and the one that an MTS-APDU is in (X.419). */
extern const struct asn1_type	ipm_type_external;
extern const struct asn1_type	ipm_type_mts_external;

/* Is that an IPM, whatever its tag: forwarded, or returned in an IPN? */
int	ipm_is_ipm(const struct asn1_seen *);

#endif
