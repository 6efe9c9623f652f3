/* SPDX-License-Identifier: ISC */

/*
 * Goes through the octets of a value along its table (asn1.h), element by
 * element, and tells who called what each of them is and where it lies.
 * Values are judged by the decoder that the daemons use.  Unlike it, the walk
 * does not end at what is wrong: that is told, and it goes on behind it when
 * the lengths say where that is.
 */

#ifndef ASN1_WALK_H
#define ASN1_WALK_H

#include "asn1.h"

/* Elements in each other, of all that is walked through. */
#define ASN1_WALK_DEPTH	64

struct asn1_seen {
	const char		*name;	/* of its row; NULL: none, or a list's */
	int64_t			 index;	/* in a list, -1 */
	const char		*chosen; /* rows of a CHOICE, "a.b"; or NULL */
	const struct asn1_type	*type;	/* NULL: not in the table */
	const struct asn1_field	*field;	/* its row, NULL: has none */
	const struct asn1_type	*owner;	/* what the row is of */
	const void		*holder; /* value of owner, decoded so far */
	const void		*value;	/* seen_leaf, type not NULL */
	const uint8_t		*start;	/* its first octet */
	uint64_t		 len;	/* of all of it; 0: does not end */
	struct ber_element	 e;	/* without an explicit tag */
};

struct asn1_walk {
	struct asn1_memory	*memory;
	/* With what is inside of it between the two. */
	void	(*seen_open)(void *, const struct asn1_seen *);
	void	(*seen_close)(void *);
	/* A value of its own, with or without a type. */
	void	(*seen_leaf)(void *, const struct asn1_seen *);
	/* At that octet is something that should not be. */
	void	(*damage)(void *, const uint8_t *at, const char *what);
	void	*arg;
	int	 depth;		/* 0; kept over walks within callbacks */
	int	 stop;		/* 0; a callback has seen enough */
	const uint8_t *cut;	/* NULL; where octets that are due end */
};

/*
 * The next element of the cursor.  name: what it is called, NULL for nothing.
 * type NULL: as it comes.  tagged: its tag stands for that of the type.  0,
 * or -1 when it is not known where the next one would begin.
 */
int	asn1_walk(struct asn1_walk *, const char *name,
	    const struct asn1_type *, int tagged, struct ber *);
/* "SEQUENCE", "IA5String", or NULL: of universal tags. */
const char *asn1_universal_name(uint32_t tag);

#endif
