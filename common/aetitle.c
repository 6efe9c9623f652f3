/* SPDX-License-Identifier: ISC */

/* See aetitle.h. */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "aetitle.h"
#include "ber.h"
#include "oid.h"

#define ARCS_MAX	16

static const char	oid_why[] = "an object identifier as 1.3.27.3 was "
			    "expected";
static const char	dn_why[] = "a directory name as /C=XX/O=ICAO/CN=COM, "
			    "of C, L, ST, O, OU, CN, was expected";
static const char	long_why[] = "too long";

/* Writes towards the front of a buffer; at 0 and more to come: too long. */
struct back {
	uint8_t	*buf;
	size_t	 at;
	int	 over;
};

static void
put(struct back *b, const void *p, size_t len)
{
	if (len > b->at) {
		b->over = 1;
		return;
	}
	b->at -= len;
	memcpy(b->buf + b->at, p, len);
}

/* A tag and a length below 128 in front of what stands from end back. */
static void
wrap(struct back *b, uint8_t tag, size_t end)
{
	uint8_t	head[2] = { tag, 0 };

	if (end - b->at > 127)
		b->over = 1;
	head[1] = end - b->at;
	put(b, head, 2);
}

static void
put_arc(struct back *b, unsigned long arc)
{
	uint8_t	octet = arc & 0x7f;

	put(b, &octet, 1);
	while ((arc >>= 7) != 0) {
		octet = (arc & 0x7f) | 0x80;
		put(b, &octet, 1);
	}
}

static int
oid(const char *s, struct back *b)
{
	unsigned long	arc[ARCS_MAX];
	size_t		end = b->at;
	char		*p;
	int		n = 0;

	for (;;) {
		if (!isdigit((unsigned char)*s) || n == ARCS_MAX)
			return (-1);
		errno = 0;
		arc[n] = strtoul(s, &p, 10);
		if (errno != 0 || arc[n++] > UINT32_MAX)
			return (-1);
		if (*p == '\0')
			break;
		if (*p != '.')
			return (-1);
		s = p + 1;
	}
	if (n < 2 || arc[0] > 2 || (arc[0] < 2 && arc[1] > 39))
		return (-1);
	arc[1] += arc[0] * 40;
	while (--n > 0)
		put_arc(b, arc[n]);
	wrap(b, 0x06, end);
	return (0);
}

static int
printable(const char *s, size_t len)
{
	size_t	i;

	for (i = 0; i < len; i++)
		if (!isalnum((unsigned char)s[i]) &&
		    strchr(" '()+,-./:=?", s[i]) == NULL)
			return (0);
	return (len > 0 && len <= 64);
}

/* RelativeDistinguishedName of one attribute, "CN=AMS"; X.520 types. */
static int
rdn(const char *s, size_t len, struct back *b)
{
	static const struct {
		const char	*name;
		uint8_t		 type;
	} types[] = { { "CN", 3 }, { "C", 6 }, { "L", 7 }, { "ST", 8 },
	    { "O", 10 }, { "OU", 11 } };
	const char	*eq = memchr(s, '=', len);
	uint8_t		 type[] = { 0x06, 0x03, 0x55, 0x04, 0 };
	size_t		 i, end = b->at;

	if (eq == NULL || !printable(eq + 1, s + len - eq - 1))
		return (-1);
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strlen(types[i].name) == (size_t)(eq - s) &&
		    strncasecmp(types[i].name, s, eq - s) == 0)
			type[4] = types[i].type;
	if (type[4] == 0 || (type[4] == 6 && s + len - eq != 3))
		return (-1);
	put(b, eq + 1, s + len - eq - 1);
	wrap(b, 0x13, end);
	put(b, type, sizeof(type));
	wrap(b, 0x30, end);
	wrap(b, 0x31, end);
	return (0);
}

static int
directory_name(const char *s, struct back *b)
{
	const char	*start, *next = s + strlen(s);
	size_t		 end = b->at;

	while (next > s) {
		for (start = next; start > s && start[-1] != '/'; start--)
			;
		if (start == s || rdn(start, next - start, b) == -1)
			return (-1);
		next = start - 1;
	}
	wrap(b, 0x30, end);
	return (0);
}

static int
finish(const struct back *b, uint8_t *buf, uint8_t *len, const char **why)
{
	if (b->over) {
		*why = long_why;
		return (-1);
	}
	*len = AE_TITLE_MAX - b->at;
	memmove(buf, buf + b->at, *len);
	return (0);
}

int
ap_title_parse(const char *s, uint8_t *buf, uint8_t *len, const char **why)
{
	struct back	b = { buf, AE_TITLE_MAX, 0 };

	if (s[0] == '/') {
		*why = dn_why;
		if (directory_name(s, &b) == -1)
			return (-1);
	} else {
		*why = oid_why;
		if (oid(s, &b) == -1)
			return (-1);
	}
	return (finish(&b, buf, len, why));
}

int
ae_qualifier_parse(const char *s, uint8_t *buf, uint8_t *len,
    const char **why)
{
	struct back	 b = { buf, AE_TITLE_MAX, 0 };
	unsigned long	 v;
	uint8_t		 octet;
	char		*end;

	*why = "a number up to 65535 or a relative name as CN=AMS was "
	    "expected";
	if (isdigit((unsigned char)s[0])) {
		v = strtoul(s, &end, 10);
		if (*end != '\0' || v > 65535)
			return (-1);
		do {
			octet = v & 0xff;
			put(&b, &octet, 1);
		} while ((v >>= 8) != 0);
		if (octet & 0x80) {
			octet = 0;
			put(&b, &octet, 1);
		}
		wrap(&b, 0x02, AE_TITLE_MAX);
	} else if (rdn(s, strlen(s), &b) == -1)
		return (-1);
	return (finish(&b, buf, len, why));
}

/* A tag and a length below 128: its contents, which are within len. */
static const uint8_t *
unwrap(const uint8_t *p, size_t len, uint8_t tag, size_t *n)
{
	if (len < 2 || p[0] != tag || p[1] > 127 || p[1] > len - 2)
		return (NULL);
	*n = p[1];
	return (p + 2);
}

/* "CN=AMS" of a RelativeDistinguishedName; octets that it takes, 0: none. */
static size_t
rdn_print(const uint8_t *p, size_t len, char *out, size_t size)
{
	static const char *const	types[] = { [3] = "CN", [6] = "C",
	    [7] = "L", [8] = "ST", [10] = "O", [11] = "OU" };
	const uint8_t			*set, *seq, *value;
	size_t				 nset, nseq, n;

	if ((set = unwrap(p, len, 0x31, &nset)) == NULL ||
	    (seq = unwrap(set, nset, 0x30, &nseq)) == NULL || nseq < 5 ||
	    memcmp(seq, "\006\003\125\004", 4) != 0 || seq[4] >=
	    sizeof(types) / sizeof(types[0]) || types[seq[4]] == NULL ||
	    (value = unwrap(seq + 5, nseq - 5, 0x13, &n)) == NULL ||
	    !printable((const char *)value, n))
		return (0);
	snprintf(out, size, "%s=%.*s", types[seq[4]], (int)n,
	    (const char *)value);
	return (nset + 2);
}

static int
name_print(const uint8_t *p, size_t len, char *out, size_t size)
{
	size_t	n, have = 0;

	for (; len > 0; p += n, len -= n) {
		if (have + 2 > size)
			return (-1);
		out[have++] = '/';
		if ((n = rdn_print(p, len, out + have, size - have)) == 0)
			return (-1);
		have += strlen(out + have);
	}
	return (0);
}

const char *
ae_element_print(const uint8_t *p, size_t len, char *out, size_t size)
{
	const uint8_t	*c;
	char		 oid_text[UB_OID_TEXT + 1];
	unsigned	 v = 0;
	size_t		 n;

	strlcpy(out, "?", size);
	if ((c = unwrap(p, len, 0x06, &n)) != NULL &&
	    oid_to_text(c, n, oid_text) == 0)
		strlcpy(out, oid_text, size);
	else if ((c = unwrap(p, len, 0x02, &n)) != NULL && n >= 1 && n <= 3) {
		for (; n > 0; n--)
			v = v << 8 | *c++;
		snprintf(out, size, "%u", v);
	} else if ((c = unwrap(p, len, 0x30, &n)) != NULL) {
		if (name_print(c, n, out, size) == -1)
			strlcpy(out, "?", size);
	} else if (rdn_print(p, len, out, size) == 0)
		strlcpy(out, "?", size);
	return (out);
}
