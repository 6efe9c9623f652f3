/* SPDX-License-Identifier: ISC */

/* Content-Transfer-Encoding (RFC 2045 6), see mime.h. */

#include <string.h>
#include <strings.h>

#include "mime.h"

#define RUN	4096

struct run {
	mime_octets	*fn;
	void		*arg;
	size_t		 n;
	uint8_t		 buf[RUN];
};

static void
run_put(struct run *r, uint8_t c)
{
	r->buf[r->n++] = c;
	if (r->n == RUN) {
		r->fn(r->arg, r->buf, r->n);
		r->n = 0;
	}
}

int
mime_encoding(const char *name)
{
	if (strcasecmp(name, "base64") == 0)
		return MIME_BASE64;
	if (strcasecmp(name, "quoted-printable") == 0)
		return MIME_QP;
	if (strcasecmp(name, "7bit") == 0 || strcasecmp(name, "8bit") == 0 ||
	    strcasecmp(name, "binary") == 0)
		return MIME_IDENTITY;
	return -1;
}

static int
base64_digit(int c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static void
base64(const char *p, size_t len, struct run *r)
{
	uint32_t	v = 0;
	int		d, bits = 0;

	for (; len > 0 && *p != '='; p++, len--) {
		if ((d = base64_digit((unsigned char)*p)) == -1)
			continue;
		v = v << 6 | d;
		if ((bits += 6) >= 8) {
			bits -= 8;
			run_put(r, v >> bits);
		}
	}
}

static int
hex(int c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ?
	    c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Spaces from p on that end a line, so many. */
static size_t
trailing(const char *p, size_t len)
{
	size_t	n = 0;

	while (n < len && (p[n] == ' ' || p[n] == '\t'))
		n++;
	return n == len || p[n] == '\n' || (p[n] == '\r' && n + 1 < len &&
	    p[n + 1] == '\n') ? n : 0;
}

static void
quoted_printable(const char *p, size_t len, struct run *r)
{
	const char	*end = p + len;
	size_t		 n;

	while (p < end) {
		len = end - p;
		if (*p == '=' && len >= 3 && hex(p[1]) >= 0 &&
		    hex(p[2]) >= 0) {
			run_put(r, hex(p[1]) << 4 | hex(p[2]));
			p += 3;
		} else if (*p == '=' && (n = trailing(p + 1, len - 1)) + 1 <
		    len && (p[n + 1] == '\n' || p[n + 1] == '\r')) {
			/* A soft line break. */
			p += n + 1 + (p[n + 1] == '\r' && n + 2 < len &&
			    p[n + 2] == '\n') + 1;
		} else if (*p == '=' && len == 1)
			p++;
		else if ((n = trailing(p, len)) > 0 && p + n < end)
			p += n;		/* put there on the way */
		else
			run_put(r, *p++);
	}
}

void
mime_decode(const char *p, size_t len, int encoding, mime_octets *fn,
    void *arg)
{
	struct run	r;

	if (encoding == MIME_IDENTITY) {
		if (len > 0)
			fn(arg, (const uint8_t *)p, len);
		return;
	}
	r.fn = fn;
	r.arg = arg;
	r.n = 0;
	if (encoding == MIME_BASE64)
		base64(p, len, &r);
	else
		quoted_printable(p, len, &r);
	if (r.n > 0)
		fn(arg, r.buf, r.n);
}
