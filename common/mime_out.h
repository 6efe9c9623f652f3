/* SPDX-License-Identifier: ISC */

/*
 * Writes MIME (RFC 2045 to 2047, 2231) and RFC 5322 headers with lines of
 * Unix: header fields folded and encoded, bodies in base64 or quoted-printable
 * as the octets come.  Errors of the stream are for the caller to see in the
 * end (ferror).
 */

#ifndef MIME_OUT_H
#define MIME_OUT_H

#include <stdint.h>
#include <stdio.h>

/* A header field that is being put together: ASCII, unlimited length. */
struct mime_field {
	char	*s;
	size_t	 len, size;
	int	 failed;	/* no memory: nothing is written */
};

void	mime_field_begin(struct mime_field *, const char *name);
/* ASCII as it is; octets that are none, and controls, come out as '?'. */
void	mime_field_raw(struct mime_field *, const char *);
/* UTF-8: as it is when it may stand there, else as encoded words. */
void	mime_field_text(struct mime_field *, const char *);
/* A phrase: the same, or a quoted string. */
void	mime_field_phrase(struct mime_field *, const char *);
/* "; name=value", or as RFC 2231 has it when it is not ASCII. */
void	mime_field_parameter(struct mime_field *, const char *name,
	    const char *value);
/* Folds, writes and frees; -1: no memory. */
int	mime_field_end(struct mime_field *, FILE *);
/* A field of unstructured text. */
int	mime_text_field(FILE *, const char *name, const char *utf8);
int	mime_raw_field(FILE *, const char *name, const char *ascii);
/* "Tue, 24 Nov 2026 22:00:00 +0000" */
#define MIME_DATE_LEN	40
char	*mime_date(char [MIME_DATE_LEN], int64_t seconds, int zone_minutes);

/* Base64 in lines of 76. */
struct mime_base64 {
	FILE	*f;
	uint8_t	 buf[57];
	size_t	 n;
};
void	mime_base64_begin(struct mime_base64 *, FILE *);
void	mime_base64_put(struct mime_base64 *, const uint8_t *, size_t);
void	mime_base64_end(struct mime_base64 *);

/*
 * Text, one character after another; CR LF and LF end lines.  First looked
 * at with f NULL, which finds the encoding it needs, then written.
 */
struct mime_text {
	FILE	*f;		/* NULL: look only */
	int	 encoded;	/* quoted-printable */
	int	 ascii;		/* so far nothing else was seen */
	size_t	 column;	/* octets of the line, as written */
	int	 dashes;	/* so many '-' and nothing else in the line */
	int	 cr;		/* the last was CR */
	char	 space;		/* held back: it may end the line */
};
void	mime_text_begin(struct mime_text *, FILE *, int encoded);
int	mime_text_put(void *, uint32_t);	/* a charset_emit */
void	mime_text_end(struct mime_text *);

#endif
