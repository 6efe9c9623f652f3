/* SPDX-License-Identifier: ISC */

/*
 * Interpersonal messages and notifications (X.420: P2 of 1984, P22) as
 * RFC 5322 and MIME, and the other way: RFC 2156 for headings, RFC 2157 for
 * bodies.
 */

#ifndef IPM_H
#define IPM_H

#include <stdint.h>
#include <stdio.h>

#include "envelope.h"

#define IPM_WHY_MAX	256

struct ipm_options {
	const char	*domain;	/* of O/R addresses as local parts */
	const char	*originator;	/* O/R address of the envelope, NULL */
	int64_t		 date;		/* seconds: of the Date field */
};

/*
 * Writes the content as one message: header fields behind those that the
 * caller has written, a blank line, the body.  Lines end as those of Unix;
 * nothing has bit 8.  0; -1: the content is none, why says how; -2: no
 * memory.  Errors of the stream are for the caller to see.
 */
int	ipm_to_mime(const uint8_t *, size_t, const struct ipm_options *,
	    FILE *, char why[IPM_WHY_MAX]);

/* A text of RFC 5322 and MIME that becomes a content. */
struct mime_submission {
	const uint8_t	*text;
	size_t		 len;
	struct message	*m;		/* arena of addresses */
	/* In and out; from the header when absent or none. */
	struct or_address originator;
	struct or_address *to;
	size_t		 nto;
	/* Out. */
	int32_t		 content_type;	/* CONTENT_P2, CONTENT_P22 */
	uint32_t	 eits;		/* bits, the first is the highest */
	int		 general_text;	/* one of ISO 8859-1 is there */
	int		 file_transfer;	/* a file is there */
	int		 priority;	/* enum priority, -1: not said */
	/* Of To, Cc and Bcc that are not among to, and the first of them. */
	size_t		 left_out;
	const struct or_address **given;	/* to, sorted, meanwhile */
	char		 left_out_first[IPM_WHY_MAX];
	char		 why[IPM_WHY_MAX];
};
/*
 * Writes the content.  The text may be large, memory is taken for what is in
 * the header fields only.  -1 with why.
 */
int	ipm_from_mime(struct mime_submission *, FILE *);

#endif
