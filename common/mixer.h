/* SPDX-License-Identifier: ISC */

/*
 * Addresses and message identifiers between X.400 and RFC 5322, as MIXER has
 * them (RFC 2156 clauses 3 and 4), without tables of domains: an address is
 * the DDA "RFC-822" of an O/R address, or the O/R address as the local part.
 */

#ifndef MIXER_H
#define MIXER_H

#include "envelope.h"
#include "x420.h"

#define MIXER_MAX	(4 * OR_TEXT_MAX)	/* octets of a result */
#define MIXER_RFC822_MAX	512	/* octets of four DDAs of 128 */

/*
 * PrintableString as ASCII (3.2): "(a)" is '@' and so on.  Returns the length
 * of out, which ends in a NUL; -1: too long, or no ASCII.
 */
int	mixer_decode(const char *, size_t, char *out, size_t);
int	mixer_encode(const char *, size_t, char *out, size_t);
/*
 * The addr-spec of an address (4.3): ASCII, its local part quoted when that
 * is due.  domain is of O/R addresses as local parts.  -1: there is none.
 */
int	mixer_addr_spec(const struct or_address *, const char *domain,
	    char *out, size_t);
/*
 * The address of an addr-spec, in the arena of m.  One that is not an O/R
 * address becomes the DDA RFC-822 beside the C, ADMD, PRMD and O of base
 * (NULL: -1).  -1 with *why.
 */
int	mixer_address(struct message *, struct or_address *,
	    const char *local, const char *domain,
	    const struct or_address *base, const char **why);
/* msg-id without angle brackets (4.7.3.4); -1: too long. */
int	mixer_msg_id(const struct x420_id *, char *out, size_t);
/*
 * The other way.  What does not fit into ub-local-ipm-identifier is cut and
 * told apart by a hash.  -1: no memory or no identifier.
 */
int	mixer_ipm_id(struct x420_id *, const char *msg_id, struct message *,
	    struct asn1_memory *);

#endif
