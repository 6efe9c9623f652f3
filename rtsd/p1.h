/* SPDX-License-Identifier: ISC */

/*
 * P1 of 1984 (X.411-1984 clause 4) and of 1988 and later (X.411-1988 clause
 * 12): MPDUs, which 1988 calls MTS-APDUs, from octets and back.
 *
 * Incoming MPDUs are decoded as they arrive.  The octets divide into markup
 * (everything but the content) and content (the value octets of UMPDUContent
 * or of the returned content of a report, segment headers taken out when it
 * is constructed).  The division depends on nothing but the octets, so that a
 * transfer that is resumed is decoded again from its markup alone:
 * p1_in_markup() on the octets kept, p1_in_skip() for the content between.
 */

#ifndef P1_H
#define P1_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "envelope.h"

struct ibuf;
struct p1_in;

/* Which is spoken is agreed upon by the association (X.419 12, 13). */
enum p1_protocol { P1_1984, P1_1988 };

/* max_content: octets, 0 for no limit.  NULL: no memory. */
struct p1_in	*p1_in_new(enum p1_protocol, uint64_t max_content);
void		 p1_in_free(struct p1_in *);
/*
 * Before the first octet: the MPDU comes in an EXTERNAL, as in normal mode
 * (X.228 7.3.2).
 */
void		 p1_in_external(struct p1_in *);
/*
 * The same: octets of memory it may take, at most P1_MEMORY_MAX, which is
 * what holds without.  An MPDU that needs more is an error.
 */
void		 p1_in_memory(struct p1_in *, uint64_t);

/*
 * Next octets of the MPDU.  Consumes some of them, at least one unless len
 * is 0, and returns how many; *content tells whether they were content or
 * markup (never both in one call).  The caller passes on what was consumed
 * and calls again with the rest.  Returns -1 on an error, see p1_in_error.
 */
ssize_t		 p1_in_octets(struct p1_in *, const uint8_t *, size_t len,
		    int *content);
/*
 * Replay.  p1_in_markup consumes markup until content is expected next or
 * len is used up; p1_in_skip counts n octets of content as seen and returns
 * how many of them the present segment took (0: markup is expected next).
 */
ssize_t		 p1_in_markup(struct p1_in *, const uint8_t *, size_t len);
uint64_t	 p1_in_skip(struct p1_in *, uint64_t n);
/*
 * The MPDU ends here.  Returns the message (caller frees) or NULL with
 * p1_in_error set: truncated, trailing octets, or not a legal MPDU.
 */
struct message	*p1_in_end(struct p1_in *);
/* Text for the log, with the path of the field; "" when all is well. */
const char	*p1_in_error(const struct p1_in *);

/*
 * Encodes everything of the MPDU that precedes the content octets; content,
 * content_len octets of it, is the rest and the end.  Appends to a dynamic
 * ibuf.  -1 with *why when the protocol has no place for something, as that
 * of 1984 has none for an extension (message_is_1988): X.419 annex B says
 * what to leave out, and that is done before.
 */
int		 p1_out_head(enum p1_protocol, const struct message *,
		    struct ibuf *, const char **why);

/*
 * Puts an EXTERNAL around an MPDU: what stands before it, of which head holds
 * the beginning and content_len octets are to follow.  context is the
 * presentation context of MTSE, -1 for a reference to basic encoding in its
 * place.  -1: no memory.
 */
int		 p1_out_external(struct ibuf *head, uint64_t content_len,
		    int64_t context);

/*
 * Prints an MPDU's octets field by field with the names of the
 * Recommendation, through the same tables (mtactl decode, tests).  -1: not
 * a legal MPDU; the line printed says why.
 */
int		 p1_print(enum p1_protocol, const uint8_t *, size_t, FILE *);

#endif
