/* SPDX-License-Identifier: ISC */

/*
 * Interpersonal messages and notifications of 1988 (X.420, content type 22)
 * as ones of 1984 (P2, content type 2): RFC 1328 clauses 5 and 6.
 *
 * A content may be larger than memory.  Only what is rewritten is read whole:
 * headings, descriptors and headers of elements.  What comes out is put in
 * front of the rest of the content, which goes as it is.  The same content
 * always gives the same octets: a transfer that is resumed makes them again.
 */

#ifndef CONTENT_84_H
#define CONTENT_84_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

struct ibuf;

#define HEADING_MAX	(1024 * 1024)	/* octets of one heading */
#define CONTENT_84_MAX	(2 * 1024 * 1024) /* of what is put in front */
#define FORWARDED_MAX	8		/* messages in one another */
#define ELEMENTS_MAX	100000		/* headers looked at */
#define EDITS_MAX	4096		/* places that are rewritten */

/* As pread(2) on the content; -1 or less than asked for: it fails. */
typedef ssize_t	content_read(void *arg, void *, size_t, uint64_t offset);

struct content_84 {
	struct ibuf	*prefix;	/* goes in place of ... */
	uint64_t	 offset;	/* ... so many octets of the content */
	uint64_t	 len;		/* of both, prefix and what is left */
	int		 unreadable;	/* -1 for want of octets or memory */
	int		 lossy;		/* 1984 has no place for some of it */
	char		 why[128];
};

/*
 * From a content of len octets.  -1 with why: it cannot go as P2, or
 * unreadable is set.  content_84_free in either case.
 */
int	content_84(content_read *, void *arg, uint64_t len,
	    struct content_84 *);
void	content_84_free(struct content_84 *);

/* content_84_heading.c */

/* What the elements are the members of. */
enum content_level {
	CL_ANY,			/* O/R names are changed, wherever */
	CL_HEADING,		/* Heading */
	CL_RECIPIENTS,		/* SEQUENCE OF RecipientSpecifier */
	CL_RECIPIENT,		/* RecipientSpecifier */
	CL_FORWARDED,		/* MessageParameters */
	CL_ENVELOPE,		/* OtherMessageDeliveryFields */
	CL_EITS			/* EncodedInformationTypes */
};

/*
 * Of one constructed element, whose members are of that level: 1 when it was
 * changed, the new one then appended; 0: it is good as it is; -1 with why.
 * *lossy is set when something of a heading was left out.
 */
int	content_84_element(const uint8_t *, size_t, enum content_level,
	    struct ibuf *, int *lossy, const char **why);

/* content_84_name.c */

/*
 * The element of an O/R name of 1988, whatever its tag, which is one octet
 * and stays; the rest as content_84_element.
 */
int	content_84_name(const uint8_t *, size_t, struct ibuf *,
	    const char **why);

#endif
