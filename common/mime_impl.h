/* SPDX-License-Identifier: ISC */

/* Between the files that make a content of MIME: mime_heading.c, mime_ipm.c. */

#ifndef MIME_IMPL_H
#define MIME_IMPL_H

#include "ipm.h"
#include "mime.h"
#include "x420.h"

struct ibuf;

#define MIME_MEMORY_MAX	(64 * 1024 * 1024)	/* of one heading */

/* What of an entity its body part depends on. */
struct mime_kind {
	char	 type[MIME_NAME_MAX];
	char	*value;			/* of Content-Type, or NULL */
	char	*disposition;		/* or NULL */
	int	 encoding;
};

/* The address of a mailbox; -1 with why. */
int	mime_or_address(struct mime_submission *, struct or_address *,
	    const struct mime_mailbox *, const char **why);
/* Originator and recipients of the envelope that were not given. */
int	mime_envelope(struct mime_submission *, const struct mime_entity *);
/*
 * The heading of an entity as octets, appended.  *is_1988: P2 has no place
 * for it.  -1 with why.
 */
int	mime_heading(struct mime_submission *, const struct mime_entity *,
	    struct ibuf *, int *is_1988);
/* UTF-8 as T.61, '?' for what that has not got; at most max octets. */
int	mime_t61(struct asn1_memory *, struct asn1_octets *, const char *,
	    size_t max);

/* mime_file.c: FileTransferParameters, appended; -1 with why. */
int	mime_file_parameters(struct mime_submission *,
	    const struct mime_entity *, const struct mime_kind *,
	    uint64_t octets, struct ibuf *);

#endif
