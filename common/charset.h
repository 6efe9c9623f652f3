/* SPDX-License-Identifier: ISC */

/*
 * Characters of texts, octet by octet, as Unicode: IA5, T.61, ISO 8859, the
 * ISO 2022 strings of general text (X.208 31, ISO 2375 registrations), UTF-8.
 */

#ifndef CHARSET_H
#define CHARSET_H

#include <stddef.h>
#include <stdint.h>

enum charset_id {
	CS_NONE = 0,		/* not known */
	CS_ASCII,		/* IA5; what has bit 8 is taken for 8859-1 */
	CS_UTF8,
	CS_T61,
	CS_GENERAL,		/* G0 ASCII; G1 as charset_right says, escapes */
	CS_BMP,			/* two octets, most significant first */
	CS_UCS4,		/* four octets */
	CS_8859			/* + part: ISO 8859-1 is CS_8859 + 1 */
};
#define CHARSET_8859_MAX	16
#define CHARSET_REPLACEMENT	0xfffd

struct charset {
	int		 id;
	const uint16_t	*right;		/* G1, 96 characters; CS_8859 too */
	uint8_t		 pending[8];	/* of a character or an escape */
	uint8_t		 npending;
	uint8_t		 utf8;		/* ESC 2/5 4/7 was seen */
	uint64_t	 replaced;	/* characters that were not known */
};

/* -1: stop. */
typedef int	charset_emit(void *, uint32_t);

/* By the name that MIME has, case does not count; CS_NONE: not known. */
int	charset_by_name(const char *);
/* "us-ascii", "utf-8", "iso-8859-1" ..., else NULL. */
const char *charset_name(int);
/* The part of ISO 8859 whose right half that registration is, or 0. */
int	charset_registered(int64_t);
/* The registration of the right half of that part; 0: none. */
int	charset_registration(int part);
void	charset_init(struct charset *, int id);
/* CS_GENERAL: the right half that is there before any escape. */
void	charset_right(struct charset *, int part);
/* Calls for each character; -1 when a call did.  The last are with _end. */
int	charset_feed(struct charset *, const uint8_t *, size_t,
	    charset_emit *, void *);
int	charset_end(struct charset *, charset_emit *, void *);
/* The octet of ISO 8859-1 to -16 for a character; -1: none. */
int	charset_octet(int part, uint32_t);

/* UTF-8 of a character, its octets (at most 4) are returned. */
size_t	utf8_put(uint32_t, char [4]);
/* The character at s of n octets and its length; 0: malformed. */
size_t	utf8_get(const char *s, size_t n, uint32_t *);
/* A string as UTF-8, NUL terminated, to be freed; NULL: no memory. */
char	*charset_text(const uint8_t *, size_t, int id);
/* The string of a universal tag, likewise. */
char	*charset_tagged(const uint8_t *, size_t, uint32_t tag);

#endif
