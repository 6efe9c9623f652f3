/* SPDX-License-Identifier: ISC */

/*
 * Hexadecimal dumps for decode.h: those of xxd, hexdump -C, od, tcpdump and
 * Wireshark, and plain digits, in lines as one copies them.
 *
 * A line may begin with its offset, which is known by being the number of
 * octets so far or by a colon, and end with the octets as characters.  How
 * many octets a line has is what the offset of the next line says.
 */

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"

struct dump {
	const char	*p, *end;
	int		 line;
};

struct dump_line {
	const char	*p, *end;	/* without its offset */
	int		 has_offset;
	size_t		 offset;
};

static size_t
digits(const char *p, const char *end)
{
	const char	*q = p;

	while (q < end && isxdigit((unsigned char)*q))
		q++;
	return (q - p);
}

static const char *
blank(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r'))
		p++;
	return (p);
}

/* The next line that is not empty and no comment. */
static int
next_line(struct dump *d, struct dump_line *l, size_t so_far)
{
	const char	*p, *q;
	size_t		 n;

	for (;;) {
		if (d->p >= d->end)
			return (0);
		d->line++;
		l->p = d->p;
		q = memchr(d->p, '\n', d->end - d->p);
		l->end = q != NULL ? q : d->end;
		d->p = q != NULL ? q + 1 : d->end;
		l->p = blank(l->p, l->end);
		if (l->p < l->end && *l->p != '#')
			break;
	}
	l->has_offset = 0;
	p = l->p;
	if (l->end - p > 2 && p[0] == '0' && (p[1] == 'x' || p[1] == 'X'))
		p += 2;
	n = digits(p, l->end);
	if (n < 4 || n > 8)
		return (1);
	l->offset = strtoul(p, NULL, 16);
	if (p + n < l->end && p[n] == ':')
		q = p + n + 1;
	else if ((p + n == l->end || p[n] == ' ' || p[n] == '\t') &&
	    l->offset == so_far && n != 4)
		q = p + n;
	else if (p + n < l->end && l->offset == so_far && n == 4 &&
	    p[n] == ' ')
		q = p + n;
	else
		return (1);
	l->has_offset = 1;
	l->p = q;
	return (1);
}

static int
value(char c)
{
	return (isdigit((unsigned char)c) ? c - '0' :
	    tolower((unsigned char)c) - 'a' + 10);
}

/* Do the characters begin here, after a gap of so many blanks? */
static int
is_text(const char *p, size_t gap, size_t count, size_t width)
{
	if (*p == '|' || gap > 2)
		return (count > 0);
	return (gap == 2 && count > 0 && (width != 2 || count != 8));
}

/*
 * The octets of a line, at most so many; SIZE_MAX: all.  Returns how many,
 * or -1 where something else stands.
 */
static long
octets(const struct dump_line *l, size_t most, uint8_t *out,
    const char **where)
{
	const char	*p = l->p, *q;
	size_t		 n = 0, width, last = 0, i;

	while (n < most) {
		q = blank(p, l->end);
		if (q >= l->end)
			break;
		width = digits(q, l->end);
		if (l->has_offset && most == SIZE_MAX &&
		    is_text(q, q - p, n, last))
			break;
		if (width == 0 || width % 2 != 0 || (q + width < l->end &&
		    strchr(" \t\r,;:-", q[width]) == NULL)) {
			*where = q + width;
			if (l->has_offset && n > 0)
				break;
			return (-1);
		}
		for (i = 0; i < width && n < most; i += 2)
			out[n++] = value(q[i]) << 4 | value(q[i + 1]);
		last = width;
		p = q + width;
		if (p < l->end && strchr(",;:-", *p) != NULL)
			p++;
	}
	return (n);
}

uint8_t *
decode_hex(const char *text, size_t len, size_t *outlen, char *why,
    size_t size)
{
	struct dump		 d = { text, text + len, 0 }, ahead;
	struct dump_line	 l, next;
	const char		*where = text;
	uint8_t			*out;
	size_t			 n = 0, most;
	long			 k;

	if ((out = malloc(len / 2 + 1)) == NULL) {
		strlcpy(why, "out of memory", size);
		return (NULL);
	}
	while (next_line(&d, &l, n)) {
		if (l.has_offset && l.offset != n) {
			snprintf(why, size, "line %d: offset 0x%zx: 0x%zx was "
			    "expected", d.line, l.offset, n);
			goto fail;
		}
		most = SIZE_MAX;
		ahead = d;
		if (l.has_offset && next_line(&ahead, &next, SIZE_MAX) &&
		    digits(next.p, next.end) >= 4) {
			size_t	o = strtoul(next.p, NULL, 16);

			if (next.has_offset)
				o = next.offset;
			if (o > n && o - n <= 256)
				most = o - n;
		}
		if ((k = octets(&l, most, out + n, &where)) == -1) {
			snprintf(why, size, "line %d, column %ld: two "
			    "hexadecimal digits were expected", d.line,
			    (long)(where - l.p) + 1);
			goto fail;
		}
		n += k;
	}
	if (n == 0) {
		strlcpy(why, "no hexadecimal digits", size);
		goto fail;
	}
	*outlen = n;
	return (out);
fail:
	free(out);
	return (NULL);
}
