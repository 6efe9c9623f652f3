/* SPDX-License-Identifier: ISC */

/*
 * See mask.h.  A password is known by its place and not by its value, which
 * may be a wrong one: Credentials is a CHOICE within [1], so that an element
 * with the tag [1] whose one and only member is a string is one (X.411
 * MTABind; X.410 has the same in PConnect).  A reference of RTSE, which is a
 * string in [1] too, has a time beside it.
 *
 * Decoders, ours among them, take more than that for a password, a tag that
 * does not say that it is constructed to begin with.  So ours has the last
 * word: what it can still read is not shown.
 */

#include <stdlib.h>
#include <string.h>

#include "mask.h"
#include "normal.h"
#include "rtspdu.h"

#define TPKT_HEADER	4
#define DT_HEADER	3
#define DEPTH_MAX	32

#define TAG_OCTETS	0x04
#define CONSTRUCTED	0x20
#define TAG_1		0x81

#define SI_CN		13
#define SI_AC		14
#define PGI_USER_DATA	193
#define PGI_EXTENDED	194

struct element {
	uint8_t	 tag;
	uint8_t	*p;		/* contents */
	size_t	 len;
	size_t	 whole;		/* octets of all of it */
};

static int	element(uint8_t *, size_t, int, struct element *);

/* Contents that end with an end-of-contents: how long are they? */
static int
indefinite(uint8_t *p, size_t len, int depth, struct element *e)
{
	struct element	inner;
	size_t		off = 0;

	while (len - off >= 2 && (p[off] != 0 || p[off + 1] != 0)) {
		if (element(p + off, len - off, depth + 1, &inner) == -1)
			return (-1);
		off += inner.whole;
	}
	if (len - off < 2)
		return (-1);
	e->p = p;
	e->len = off;
	return (0);
}

/* The element that begins there.  -1: there is none. */
static int
element(uint8_t *p, size_t len, int depth, struct element *e)
{
	size_t	n = 1, octets;

	if (len < 2 || depth > DEPTH_MAX)
		return (-1);
	e->tag = p[0];
	if ((p[0] & 0x1f) == 0x1f)
		do
			if (n >= len)
				return (-1);
		while (p[n++] & 0x80);
	if (n >= len)
		return (-1);
	if (p[n] == 0x80) {
		if (!(e->tag & CONSTRUCTED) || indefinite(p + n + 1,
		    len - n - 1, depth, e) == -1)
			return (-1);
		e->whole = n + 1 + e->len + 2;
		return (0);
	}
	octets = p[n] & 0x80 ? p[n] & 0x7f : 0;
	e->len = octets == 0 ? p[n] : 0;
	if (octets > 4 || octets > len - n - 1)
		return (-1);
	for (n++; octets > 0; octets--)
		e->len = e->len << 8 | p[n++];
	if (e->len > len - n)
		return (-1);
	e->p = p + n;
	e->whole = n + e->len;
	return (0);
}

/* All that is primitive in a string. */
static void
mask_string(struct element *s, int depth)
{
	struct element	e;
	size_t		off = 0;

	if (!(s->tag & CONSTRUCTED)) {
		memset(s->p, '*', s->len);
		return;
	}
	while (off < s->len && element(s->p + off, s->len - off, depth + 1,
	    &e) == 0) {
		mask_string(&e, depth + 1);
		off += e.whole;
	}
}

static int
is_password(const struct element *e, int depth, struct element *string)
{
	/* and whatever else a peer may take for a string */
	static const uint8_t	tags[] = { TAG_OCTETS, 0x0c, 0x12, 0x13,
	    0x14, 0x15, 0x16, 0x19, 0x1a, 0x1b, 0x1c, 0x1e };

	if ((e->tag & ~CONSTRUCTED) != TAG_1 ||
	    element(e->p, e->len, depth + 1, string) == -1)
		return (0);
	return (string->whole == e->len && memchr(tags, string->tag &
	    ~CONSTRUCTED, sizeof(tags)) != NULL);
}

static int
walk(uint8_t *p, size_t len, int depth)
{
	struct element	e, string;
	size_t		off;

	for (off = 0; off < len; off += e.whole) {
		if (element(p + off, len - off, depth, &e) == -1)
			return (-1);
		if (is_password(&e, depth, &string))
			mask_string(&string, depth + 1);
		else if (walk(e.p, e.len, depth + 1) == -1 &&
		    e.tag & CONSTRUCTED)
			return (-1);	/* otherwise it is a mere text */
	}
	return (0);
}

static int
is_shown(const struct rts_connection_data *d)
{
	const char	*s = d->credentials.password;

	return (s[strspn(s, "*")] != '\0');
}

/* Can a password be read? */
static int
readable(const uint8_t *p, size_t len)
{
	struct pconnect	 pc;
	struct paccept	 pa;
	struct normal	 n;
	const char	*why;
	int		 reason, refusal, shown = 0;

	memset(&pc, 0, sizeof(pc));
	memset(&pa, 0, sizeof(pa));
	pconnect_decode(&pc, p, len, &reason, &why);
	if (pc.normal) {
		normal_init(&n, NULL, NULL);
		normal_connect_decode(&n, &pc, p, len, &refusal, &reason,
		    &why);
	}
	shown = is_shown(&pc.data);
	paccept_decode(&pa, p, len, &why);
	shown |= is_shown(&pa.data);
	normal_init(&n, NULL, NULL);
	n.ncontext = 3;		/* as we propose */
	normal_accept_decode(&n, &pa, p, len, &why);
	shown |= is_shown(&pa.data);
	explicit_bzero(&pc, sizeof(pc));
	explicit_bzero(&pa, sizeof(pa));
	return (shown);
}

int
mask_user_data(uint8_t *p, size_t len)
{
	return (walk(p, len, 0) == -1 || readable(p, len) ? -1 : 0);
}

/* A length of the session layer; octets it takes, 0: it is cut off. */
static size_t
length(const uint8_t *p, size_t len, size_t *value)
{
	if (len >= 1 && p[0] != 255) {
		*value = p[0];
		return (1);
	}
	if (len < 3)
		return (0);
	*value = p[1] << 8 | p[2];
	return (3);
}

/* 1: the TSDU is none of those that have a password, or it is masked now. */
static int
mask_tsdu(uint8_t *p, size_t len)
{
	size_t	n, l;
	uint8_t	code;

	if (len < 2 || (p[0] != SI_CN && p[0] != SI_AC))
		return (1);
	if ((n = length(p + 1, len - 1, &l)) == 0 || l > len - 1 - n)
		return (0);
	p += 1 + n;
	len = l;
	while (len > 0) {
		code = p[0];
		if ((n = length(p + 1, len - 1, &l)) == 0 ||
		    l > len - 1 - n)
			return (0);
		p += 1 + n;
		len -= 1 + n;
		if ((code == PGI_USER_DATA || code == PGI_EXTENDED) &&
		    mask_user_data(p, l) == -1)
			memset(p, '*', l);
		p += l;
		len -= l;
	}
	return (1);
}

/* The next TPKT; its user data when it is a DT, which may be none. */
static size_t
packet(uint8_t *p, size_t len, uint8_t **data, size_t *n, int *last)
{
	size_t	whole;

	*data = p;
	*n = 0;
	*last = 0;
	if (len < TPKT_HEADER + DT_HEADER)
		return (0);
	whole = p[2] << 8 | p[3];
	if (whole < TPKT_HEADER + DT_HEADER || whole > len)
		return (0);
	if ((p[5] & 0xf0) != 0xf0)
		return (whole);
	*data = p + TPKT_HEADER + DT_HEADER;
	*n = whole - TPKT_HEADER - DT_HEADER;
	*last = (p[6] & 0x80) != 0;
	return (whole);
}

void
mask_opening(uint8_t *p, size_t len)
{
	uint8_t	*tsdu, *data;
	size_t	 off, whole, n, have = 0;
	int	 last = 0;

	if ((tsdu = malloc(len + 1)) == NULL) {
		memset(p, '*', len);
		return;
	}
	for (off = 0; !last && (whole = packet(p + off, len - off, &data, &n,
	    &last)) > 0; off += whole) {
		memcpy(tsdu + have, data, n);
		have += n;
	}
	if (!mask_tsdu(tsdu, have))
		memset(tsdu, '*', have);
	for (off = have = last = 0; !last && (whole = packet(p + off,
	    len - off, &data, &n, &last)) > 0; off += whole) {
		memcpy(data, tsdu + have, n);
		have += n;
	}
	explicit_bzero(tsdu, len + 1);
	free(tsdu);
}
