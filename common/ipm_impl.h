/* SPDX-License-Identifier: ISC */

/* Between the files that make MIME of a content: ipm_*.c. */

#ifndef IPM_IMPL_H
#define IPM_IMPL_H

#include "ipm.h"
#include "mime_out.h"
#include "x420.h"

#define IPM_DEPTH_MAX	8		/* messages in one another */
#define IPM_PARTS_MAX	4096		/* body parts of all of them */
#define IPM_MEMORY_MAX	(64 * 1024 * 1024)	/* of one heading */

struct ipm {
	const struct ipm_options *options;
	FILE		*f;
	int		 depth;
	uint32_t	 parts;
	uint32_t	 boundaries;
	int		 no_memory;
	char		*why;
};

/* All return 0, or -1 after these. */
int	ipm_fail(struct ipm *, const char *, ...)
	    __attribute__((__format__(printf, 2, 3)));
int	ipm_no_memory(struct ipm *);
/* With the error of the decoder: memory, or what is wrong. */
int	ipm_decode_fail(struct ipm *, const struct asn1 *);

/* ipm_mime.c: the members of an IPM, of the level that the cursor is in. */
int	ipm_message(struct ipm *, struct ber *, int64_t date,
	    const char *delivered);
/* The boundary of a new multipart. */
#define IPM_BOUNDARY_LEN 32
void	ipm_boundary(struct ipm *, char [IPM_BOUNDARY_LEN]);
/* The one element of that level, which must be constructed; or -1. */
int	ipm_expect(struct ipm *, struct ber *, uint32_t tag,
	    struct ber_element *);

/* ipm_heading.c: the fields of a heading, and of an O/R descriptor. */
int	ipm_heading(struct ipm *, struct ber *, int64_t date,
	    const char *delivered);
void	ipm_mailbox(struct ipm *, struct mime_field *,
	    const struct x420_descriptor *);
void	ipm_message_id(struct mime_field *, const struct x420_id *);
/* UTCTime as a date of RFC 5322; -1: it is none. */
int	ipm_date(const struct asn1_octets *, char [MIME_DATE_LEN]);
/* GeneralizedTime likewise. */
int	ipm_generalized_date(const struct asn1_octets *,
	    char [MIME_DATE_LEN]);

/* ipm_body.c: Content-Type and what follows it, of a whole body. */
int	ipm_body(struct ipm *, struct ber *, const struct ber_element *);

/*
 * ipm_file.c: Content-Type, Content-Disposition and Content-Description of
 * a file, whose parameters the cursor is at; NULL: there are none.
 */
int	ipm_file_fields(struct ipm *, struct ber *);

/* ipm_notice.c: an IPN that the cursor is at the beginning of. */
int	ipm_notification(struct ipm *, struct ber *);

#endif
