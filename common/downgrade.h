/* SPDX-License-Identifier: ISC */

/*
 * Interworking with systems of 1984: X.419 annex B, RFC 1328, and RFC 1615
 * clauses 4.2 and 4.3.  downgrade.c treats whole messages, downgrade_or.c
 * the O/R addresses in them.
 */

#ifndef DOWNGRADE_H
#define DOWNGRADE_H

#include "envelope.h"

#define CONTENT_P2	2	/* ContentType: X.420 of 1984 */
#define CONTENT_P22	22	/* X.420 of 1988 */
#define CONTENT_PEDI	35	/* X.435 */
#define CONTENT_P22_OID	"2.6.1.10.1"	/* X.420 id-mct: the same, extended */

/*
 * Makes of a message, probe or report what P1 of 1984 can carry; new memory
 * comes from the arena of the message.  A content type of P22 becomes P2: the
 * content is for the caller to convert (rtsd/content_84.h).  -1 with *why,
 * valid until the next call, naming what cannot go, or with errno ENOMEM when
 * it was memory that lacked: the message is then only fit to be freed.
 */
int	message_downgrade(struct message *, const char **why);
/*
 * Of a message that came by P1 of 1984: takes the attributes of 1988 in its
 * O/R names out of the domain-defined attributes that carried them.  What is
 * not understood stays as it is.  -1: no memory.
 */
int	message_upgrade(struct message *);

/*
 * The same for one address, whose new attributes are in the arena of the
 * message.  or_address_downgrade leaves it alone when it returns -1.
 */
int	or_address_downgrade(struct message *, struct or_address *,
	    const char **why);
int	or_address_upgrade(struct message *, struct or_address *);

#endif
