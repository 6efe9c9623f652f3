/* SPDX-License-Identifier: ISC */

/*
 * Text into a buffer of fixed size that counts on as snprintf(3) does: len
 * is what there would be to write, and the buffer always ends in a NUL.
 */

#ifndef TEXTOUT_H
#define TEXTOUT_H

#include <stddef.h>

struct out {
	char	*buf;		/* may be NULL when size is 0 */
	size_t	 size;
	size_t	 len;
};

static inline void
out_begin(struct out *o, char *buf, size_t size)
{
	o->buf = buf;
	o->size = size;
	o->len = 0;
	if (size > 0)
		buf[0] = '\0';
}

static inline void
out_char(struct out *o, char c)
{
	if (o->len + 1 < o->size) {
		o->buf[o->len] = c;
		o->buf[o->len + 1] = '\0';
	}
	o->len++;
}

static inline void
out_text(struct out *o, const char *s)
{
	for (; *s != '\0'; s++)
		out_char(o, *s);
}

#endif
