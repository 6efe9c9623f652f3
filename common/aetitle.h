/* SPDX-License-Identifier: ISC */

/*
 * Application entity titles (X.227, X.650 annex): an AP-title and an
 * AE-qualifier, each a whole BER element.  Form 1 is a directory name and a
 * relative one, form 2 an object identifier and a number.
 */

#ifndef AETITLE_H
#define AETITLE_H

#include <stddef.h>
#include <stdint.h>

#include "mtad.h"

/*
 * Into a buffer of AE_TITLE_MAX: "1.3.27.3" or "/C=XX/O=ICAO/CN=centre" for
 * an AP-title, "7" or "CN=AMS" for an AE-qualifier.  -1 with *why a constant
 * text: what was expected.
 */
int	ap_title_parse(const char *, uint8_t *, uint8_t *len,
	    const char **why);
int	ae_qualifier_parse(const char *, uint8_t *, uint8_t *len,
	    const char **why);
/*
 * An element as the two make them, in the words that they take; anything
 * else is "?".  Returns the buffer.
 */
const char *ae_element_print(const uint8_t *, size_t, char *, size_t);

#endif
