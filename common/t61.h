/* SPDX-License-Identifier: ISC */

/*
 * T.61, the octets of TeletexString, from the UTF-8 of a terminal and as
 * Unicode; and the repertoires of the ASN.1 strings (X.208 31).
 */

#ifndef T61_H
#define T61_H

#include <stddef.h>
#include <stdint.h>

/* A character of PrintableString (X.208 table 7)? */
int	printable_char(int);

/*
 * The first character of s (UTF-8, NUL terminated) as T.61.  Returns the
 * octets of s it takes and sets *n to the octets of out (1 or 2); 0 when s
 * is not UTF-8 or the character has no form in T.61.
 */
size_t	t61_char(const char *s, uint8_t out[2], int *n);

/*
 * A whole string.  Returns the octets written, NUL not counted, or -1 with
 * *where the offset in s of what does not fit or has no form in T.61.
 */
int	t61_from_utf8(const char *s, char *out, size_t size, size_t *where);

/*
 * The other way: one character of 1 or 2 octets (a mark, and its letter) as
 * Unicode.  Returns how many characters that is: 2, letter and combining
 * mark, when there is no letter with that mark; 0 when there is none.
 */
int	t61_decode(const uint8_t *, size_t, uint32_t [2]);

#endif
