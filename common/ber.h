/* SPDX-License-Identifier: ISC */

/*
 * Basic encoding rules (X.209, X.690 clause 8): headers, a bounded cursor
 * for reading and a buffer for writing.  What the octets mean is the matter
 * of asn1.h.
 */

#ifndef BER_H
#define BER_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

struct ibuf;

/*
 * A tag in one number: class in the two upper bits, number in the rest.
 * Universal 0 (end-of-contents) is never the tag of an element, so that 0
 * can say "no tag".
 */
#define BER_UNIVERSAL(n)	((uint32_t)(n))
#define BER_APPLICATION(n)	(0x40000000u | (uint32_t)(n))
#define BER_CONTEXT(n)		(0x80000000u | (uint32_t)(n))
#define BER_PRIVATE(n)		(0xc0000000u | (uint32_t)(n))
#define BER_CLASS(tag)		((tag) >> 30)
#define BER_NUMBER(tag)		((tag) & 0x3fffffffu)

enum ber_universal {
	BER_EOC = 0, BER_BOOLEAN = 1, BER_INTEGER = 2, BER_BIT_STRING = 3,
	BER_OCTET_STRING = 4, BER_NULL = 5, BER_OBJECT_IDENTIFIER = 6,
	BER_ENUMERATED = 10, BER_SEQUENCE = 16, BER_SET = 17,
	BER_NUMERIC_STRING = 18, BER_PRINTABLE_STRING = 19,
	BER_T61_STRING = 20, BER_IA5_STRING = 22, BER_UTC_TIME = 23,
	BER_UNIVERSAL_STRING = 28, BER_BMP_STRING = 30
};

/* Octets of the longest header read: high tag form and long-form length. */
#define BER_HEADER_MAX		24
/* Nested indefinite lengths, and constructed strings, that are followed. */
#define BER_DEPTH_MAX		64

/* Identifier and length octets (X.690 8.1.2, 8.1.3). */
struct ber_header {
	uint32_t	tag;
	uint8_t		constructed;
	uint8_t		indefinite;	/* len is 0 then */
	uint64_t	len;		/* of the contents */
};

/*
 * Reads a header from at most n octets.  Returns its length in octets, 0
 * when there are too few of them, -1 when it is malformed (*why says how).
 * End-of-contents is a header like any other: tag 0, length 0.
 */
int	ber_header(const uint8_t *, size_t n, struct ber_header *,
	    const char **why);

/*
 * Cursor: the octets of one level that have not been read.  An element is
 * read with ber_next, which leaves the cursor at its contents; then either
 * ber_skip, or ber_enter and, when the inner level is at its end, ber_leave.
 */
struct ber {
	const uint8_t	*p;
	const uint8_t	*end;
	const char	*why;		/* set when a function returned -1 */
	uint8_t		 indefinite;	/* the level ends at end-of-contents */
};

struct ber_element {
	struct ber_header	 h;
	const uint8_t		*start;		/* identifier octets */
	const uint8_t		*value;
};

void	ber_init(struct ber *, const void *, size_t);
/*
 * The next element of the level: 1 when there is one, 0 at the end of the
 * level (end-of-contents is consumed), -1 when it is malformed or does not
 * fit into what holds it.
 */
int	ber_next(struct ber *, struct ber_element *);
/* Inside of a constructed element, or the octets of a definite one. */
void	ber_enter(const struct ber *, const struct ber_element *,
	    struct ber *inner);
void	ber_leave(struct ber *, const struct ber *inner);
/* Beyond the contents of the element; -1 as ber_next. */
int	ber_skip(struct ber *, const struct ber_element *);

/*
 * Writer.  Octets are put in front of those that are there already, so that
 * lengths are known when headers are written: contents first, last member
 * first.  Errors (no memory, too much) stick and come out at ber_out_flush.
 */
struct ber_out {
	uint8_t		*buf;		/* octets are buf[pos..size) */
	size_t		 size;
	size_t		 pos;
	uint64_t	 after;		/* octets behind, kept elsewhere */
	int		 error;
	uint8_t		 local[1024];	/* first buffer */
	/*
	 * For tests: asked before each element, returns which of the legal
	 * forms to use (BER_FORM_*).  NULL: the one canonical form.
	 */
	unsigned int	(*form)(void *);
	void		*form_arg;
};

#define BER_FORM_INDEFINITE	0x01	/* constructed, end-of-contents */
#define BER_FORM_LONG		0x02	/* length octets more than needed */
#define BER_FORM_SEGMENTS	0x04	/* strings constructed */
#define BER_FORM_REVERSE	0x08	/* SET members the other way round */
#define BER_FORM_DEFAULTS	0x10	/* default values written */

void		ber_out_init(struct ber_out *);
/* Octets that will follow the first octet written so far. */
uint64_t	ber_out_length(const struct ber_out *);
void		ber_out_octets(struct ber_out *, const void *, size_t);
/* Header of what has been written since ber_out_length() was mark. */
void		ber_out_header(struct ber_out *, uint32_t tag,
		    int constructed, uint64_t mark);
void		ber_out_header_form(struct ber_out *, uint32_t tag,
		    int constructed, uint64_t mark, unsigned int form);
void		ber_out_integer(struct ber_out *, uint32_t tag, int64_t);
/* A primitive string element. */
void		ber_out_string(struct ber_out *, uint32_t tag, const void *,
		    size_t);
/*
 * Appends what was written to a dynamic ibuf and frees the writer.  -1: no
 * memory, nothing was appended.  ber_out_free alone drops it.
 */
int		ber_out_flush(struct ber_out *, struct ibuf *);
void		ber_out_free(struct ber_out *);

#endif
