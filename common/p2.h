/* SPDX-License-Identifier: ISC */

/*
 * Interpersonal messages (X.420-1984, P2): makes the content of a message
 * from a heading and a text (IA5 body part).
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
};

/*
 * Everything before the text of the one IA5 body part, whose length is
 * text_len octets; what follows the text is appended to tail.  -1 with *why.
 */
int	p2_ipm_head(const struct p2_heading *, uint64_t text_len,
	    struct ibuf *head, struct ibuf *tail, const char **why);

#endif
