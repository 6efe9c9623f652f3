/* SPDX-License-Identifier: ISC */

/*
 * Interpersonal messages (X.420-1984, P2): makes the content of a message
 * from a heading and a text (IA5 body part).  With names of 1988, which P2
 * has no place for, the same is of P22 (X.420-1988).
 */

#ifndef P2_H
#define P2_H

#include "envelope.h"

struct ibuf;

struct p2_heading {
	const char		*id;		/* user relative identifier */
	const struct or_address	*originator;
	const struct or_address	*to;
	size_t			 nto;
	const char		*subject;	/* T.61; NULL none */
	int			 is_1988;	/* P22 */
};

/* Has 1984 a form for all names of a heading?  Else it has to be of 1988. */
int	p2_is_1984(const struct p2_heading *);

/*
 * Everything before the text of the one IA5 body part, whose length is
 * text_len octets; what follows the text is appended to tail.  -1 with *why.
 */
int	p2_ipm_head(const struct p2_heading *, uint64_t text_len,
	    struct ibuf *head, struct ibuf *tail, const char **why);

#endif
