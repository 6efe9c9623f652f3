/* SPDX-License-Identifier: ISC */

/*
 * Object identifiers: contents octets (X.690 8.19) and digits with dots.
 * Arcs may be of any size, as those under {2 25} are.
 */

#ifndef OID_H
#define OID_H

#include <stddef.h>
#include <stdint.h>

#include "bounds.h"

/*
 * Contents octets as text of at most UB_OID_TEXT characters and a NUL.  -1
 * when they are not those of an object identifier or more than UB_OID.
 */
int	oid_to_text(const uint8_t *, size_t, char text[UB_OID_TEXT + 1]);
/*
 * The other way; text need not end with a NUL.  Returns how many octets, -1
 * when it is not an object identifier in its shortest form, or too long.
 */
int	oid_from_text(const char *, size_t, uint8_t octets[UB_OID]);

#endif
