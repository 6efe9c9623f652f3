/* SPDX-License-Identifier: ISC */

/*
 * Reads RFC 5322 and MIME (RFC 2045 to 2047, 2231): as much as it takes to
 * make a content of a text.  A parser of our own, since the C libraries for
 * it that distributions keep (GMime) bring GLib into a program that is small
 * and confined, and the whole message into memory.  Nothing here is copied
 * but the values of header fields; bodies stay where they are.
 */

#ifndef MIME_H
#define MIME_H

#include <stddef.h>
#include <stdint.h>

#define MIME_FIELD_MAX		(1024 * 1024)	/* octets of one field */
#define MIME_DEPTH_MAX		16		/* entities in one another */
#define MIME_PARTS_MAX		4096
#define MIME_NAME_MAX		64		/* of a type, charset ... */

struct mime_entity {
	const char	*head;
	size_t		 head_len;
	const char	*body;
	size_t		 body_len;
};

/* mime.c */

/* Header and body; a body follows the first blank line. */
void	mime_entity(struct mime_entity *, const void *, size_t);
/*
 * The first line of the header that is neither a field nor the continuation
 * of one, with its length without its end; NULL: there is none.  mbox: it may
 * begin with a "From " line.  *fields: how many there are before that.
 */
const char *mime_header_bad(const struct mime_entity *, int mbox,
	    size_t *len, size_t *fields);
/*
 * The value of the nth field of that name, unfolded, spaces at its ends taken
 * off, to be freed.  NULL: there is none, or no memory.
 */
char	*mime_field(const struct mime_entity *, const char *name,
	    unsigned int nth);
/* UTF-8 of unstructured text with encoded words, to be freed or NULL. */
char	*mime_words(const char *);
/* "type/subtype" in lower case at the beginning of the value of a field. */
void	mime_token(const char *, char *, size_t);
/* A parameter (RFC 2231 too) as UTF-8, to be freed; NULL: absent. */
char	*mime_parameter(const char *value, const char *name);
/*
 * The parts of a multipart, one after another: *at begins as 0.  1, or 0
 * when there are no more.
 */
int	mime_part(const struct mime_entity *, const char *boundary,
	    size_t *at, const char **part, size_t *len);
/* Seconds since 1970 of a date; -1: it is none. */
int	mime_date_parse(const char *, int64_t *);

/* mime_decode.c */

enum mime_encoding { MIME_IDENTITY, MIME_BASE64, MIME_QP };
/* By the name of Content-Transfer-Encoding; -1: not known. */
int	mime_encoding(const char *);
typedef void	mime_octets(void *, const uint8_t *, size_t);
/* The octets of a body, in runs.  Malformed ones are read as well as can be. */
void	mime_decode(const char *, size_t, int encoding, mime_octets *,
	    void *);

/* mime_address.c */

struct mime_mailbox {
	char	*name;		/* UTF-8, or NULL */
	char	*local;		/* unquoted */
	char	*domain;	/* "" when there is none */
};
/*
 * The next mailbox of a list, groups opened up; *s is moved behind it.  1: to
 * be freed with mime_mailbox_free, 0: none left, -1: malformed or no memory.
 */
int	mime_mailbox(const char **s, struct mime_mailbox *);
void	mime_mailbox_free(struct mime_mailbox *);
/* The next msg-id of a list without its brackets, to be freed, or NULL. */
char	*mime_msg_id(const char **s);

#endif
