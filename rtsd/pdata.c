/* SPDX-License-Identifier: ISC */

/*
 * P-DATA as a stream (X.226 8.4.2; X.228: one RTTR, an OCTET STRING, in the
 * context of RTSE).  An SSDU may be as long as a message, so that nothing of
 * it is kept.
 */

#include <string.h>

#include "presentation.h"

enum {			/* what a level is the inside of */
	IN_TOP,			/* nothing yet: User-data is due */
	IN_USER_DATA,		/* [APPLICATION 1]: PDV-lists */
	IN_PDV_LIST,
	IN_SINGLE,		/* [0]: one value */
	IN_ENCODING,		/* octets of [1], [2]: values */
	IN_SEGMENTS,		/* [1] constructed: OCTET STRINGs */
	IN_BIT_SEGMENTS,	/* [2] constructed: BIT STRINGs */
	IN_STRING		/* RTTR constructed: OCTET STRINGs */
};

enum {			/* what a primitive is */
	IS_SKIPPED, IS_CONTEXT, IS_DATA, IS_ENCODING, IS_BITS
};

#define SEEN_CONTEXT	0x01
#define SEEN_VALUE	0x02

static size_t
put_header(uint8_t *p, uint8_t tag, uint64_t len)
{
	size_t	n = 0, i;

	*p++ = tag;
	if (len < 0x80) {
		*p = len;
		return (2);
	}
	while (n < 8 && len >> (8 * n) != 0)
		n++;
	*p++ = 0x80 | n;
	for (i = n; i > 0; i--)
		*p++ = len >> (8 * (i - 1));
	return (2 + n);
}

size_t
p_data_header(uint8_t *buf, int64_t context, uint64_t len)
{
	uint8_t		string[10], single[10], id[8], list[10];
	size_t		nstring, nsingle, nid, nlist, n;
	int64_t		v = context;

	nstring = put_header(string, 0x04, len);
	nsingle = put_header(single, 0xa0, nstring + len);
	id[0] = 0x02;
	if (v >= -0x80 && v < 0x80) {
		id[1] = 1;
		id[2] = v;
		nid = 3;
	} else {
		id[1] = 4;
		id[2] = v >> 24;
		id[3] = v >> 16;
		id[4] = v >> 8;
		id[5] = v;
		nid = 6;
		/* the shortest form */
		while (id[1] > 1 && ((id[2] == 0 && !(id[3] & 0x80)) ||
		    (id[2] == 0xff && (id[3] & 0x80)))) {
			memmove(id + 2, id + 3, --id[1]);
			nid--;
		}
	}
	nlist = put_header(list, 0x30, nid + nsingle + nstring + len);
	n = put_header(buf, 0x61, nlist + nid + nsingle + nstring + len);
	memcpy(buf + n, list, nlist);
	n += nlist;
	memcpy(buf + n, id, nid);
	n += nid;
	memcpy(buf + n, single, nsingle);
	n += nsingle;
	memcpy(buf + n, string, nstring);
	return (n + nstring);
}

static void
stream_init(struct p_stream *s, int what)
{
	memset(s, 0, sizeof(*s));
	s->level[0].what = what;
	s->level[0].indefinite = 1;
}

void
p_data_init(struct p_data *d, int64_t context)
{
	d->context = context;
	d->value = 0;
	d->first = 1;
	stream_init(&d->outer, IN_TOP);
	stream_init(&d->inner, IN_ENCODING);
}

/* What may be inside: the level to enter, or -1 - what a primitive is. */
static int
element(struct p_data *d, struct p_stream *s, const struct ber_header *h,
    const char **why)
{
	struct p_level	*l = &s->level[s->depth];

	switch (l->what) {
	case IN_TOP:
		if (h->tag == BER_APPLICATION(1) && h->constructed &&
		    l->seen == 0) {
			l->seen = SEEN_VALUE;
			return (IN_USER_DATA);
		}
		*why = "not fully-encoded-data";
		return (-100);
	case IN_USER_DATA:
		if (h->tag == BER_SEQUENCE && h->constructed)
			return (IN_PDV_LIST);
		*why = "not a PDV-list";
		return (-100);
	case IN_PDV_LIST:
		if (h->tag == BER_UNIVERSAL(6) && !h->constructed &&
		    l->seen == 0)
			return (-1 - IS_SKIPPED);
		if (h->tag == BER_INTEGER && !h->constructed &&
		    l->seen == 0 && h->len >= 1 && h->len <= 4) {
			l->seen |= SEEN_CONTEXT;
			d->value = 0;
			d->first = 1;
			return (-1 - IS_CONTEXT);
		}
		if (l->seen != SEEN_CONTEXT || h->tag < BER_CONTEXT(0) ||
		    h->tag > BER_CONTEXT(2)) {
			*why = "malformed PDV-list";
			return (-100);
		}
		if (d->value != d->context) {
			*why = "data in a presentation context that is not "
			    "that of RTSE";
			return (-100);
		}
		l->seen |= SEEN_VALUE;
		d->first = 1;
		if (h->tag == BER_CONTEXT(0)) {
			if (h->constructed)
				return (IN_SINGLE);
			*why = "single-ASN1-type is primitive";
			return (-100);
		}
		if (h->constructed)
			return (h->tag == BER_CONTEXT(1) ? IN_SEGMENTS :
			    IN_BIT_SEGMENTS);
		return (h->tag == BER_CONTEXT(1) ? -1 - IS_ENCODING :
		    -1 - IS_BITS);
	case IN_SINGLE:
		if (l->seen) {
			*why = "more than one value in single-ASN1-type";
			return (-100);
		}
		/* FALLTHROUGH */
	case IN_ENCODING:
	case IN_STRING:
		l->seen = SEEN_VALUE;
		if (h->tag == BER_OCTET_STRING)
			return (h->constructed ? IN_STRING : -1 - IS_DATA);
		*why = "not an RTTR: no OCTET STRING";
		return (-100);
	case IN_SEGMENTS:
		if (h->tag == BER_OCTET_STRING)
			return (h->constructed ? IN_SEGMENTS :
			    -1 - IS_ENCODING);
		break;
	case IN_BIT_SEGMENTS:
		d->first = 1;
		if (h->tag == BER_BIT_STRING)
			return (h->constructed ? IN_BIT_SEGMENTS :
			    -1 - IS_BITS);
		break;
	}
	*why = "malformed encoding in a PDV-list";
	return (-100);
}

/* All definite levels lose the octets that were read. */
static int
count(struct p_stream *s, uint64_t n, const char **why)
{
	int	i;

	for (i = 0; i <= s->depth; i++) {
		if (s->level[i].indefinite)
			continue;
		if (s->level[i].left < n) {
			*why = "element longer than what holds it";
			return (-1);
		}
		s->level[i].left -= n;
	}
	return (0);
}

static int
leave(struct p_stream *s, const char **why)
{
	const struct p_level	*l = &s->level[s->depth];

	if ((l->what == IN_PDV_LIST && !(l->seen & SEEN_VALUE)) ||
	    (l->what == IN_SINGLE && !l->seen)) {
		*why = "no value in a PDV-list";
		return (-1);
	}
	s->depth--;
	return (0);
}

static int
leave_all(struct p_stream *s, const char **why)
{
	while (s->primitive == 0 && s->depth > 0 &&
	    !s->level[s->depth].indefinite && s->level[s->depth].left == 0)
		if (leave(s, why) == -1)
			return (-1);
	return (0);
}

/* Octets of the header used, 0: more are needed, -1. */
static int
header(struct p_data *d, struct p_stream *s, const uint8_t *p, size_t len,
    const char **why)
{
	struct ber_header	h;
	size_t			take = 0;
	int			n, what;

	if (s->nheader > 0) {
		take = sizeof(s->header) - s->nheader;
		if (take > len)
			take = len;
		memcpy(s->header + s->nheader, p, take);
		n = ber_header(s->header, s->nheader + take, &h, why);
	} else
		n = ber_header(p, len, &h, why);
	if (n == -1)
		return (-1);
	if (n == 0) {
		if (s->nheader == 0) {
			if (len >= sizeof(s->header)) {
				*why = "header too long";
				return (-1);
			}
			memcpy(s->header, p, len);
			take = len;
		}
		s->nheader += take;
		if (s->nheader >= sizeof(s->header)) {
			*why = "header too long";
			return (-1);
		}
		s->used = take;
		return (0);
	}
	s->used = n - s->nheader;
	s->nheader = 0;
	if (count(s, n, why) == -1)
		return (-1);
	if (h.tag == 0) {
		if (s->depth == 0 || !s->level[s->depth].indefinite) {
			*why = "end-of-contents out of place";
			return (-1);
		}
		return (leave(s, why) == -1 ? -1 : 1);
	}
	if ((what = element(d, s, &h, why)) == -100)
		return (-1);
	if (what >= 0) {
		if (s->depth + 1 == P_DATA_DEPTH) {
			*why = "nested too deep";
			return (-1);
		}
		s->depth++;
		s->level[s->depth].what = what;
		s->level[s->depth].seen = 0;
		s->level[s->depth].indefinite = h.indefinite;
		s->level[s->depth].left = h.len;
	} else {
		s->kind = -1 - what;
		s->primitive = h.len;
	}
	return (1);
}

static int
input(struct p_data *d, struct p_stream *s, const uint8_t *p, size_t len,
    void (*data)(void *, const uint8_t *, size_t), void *arg,
    const char **why)
{
	size_t	n;
	int	r;

	for (;;) {
		if (leave_all(s, why) == -1)
			return (-1);
		if (len == 0)
			return (0);
		if (s->primitive == 0) {
			if ((r = header(d, s, p, len, why)) == -1)
				return (-1);
			p += s->used;
			len -= s->used;
			continue;
		}
		n = s->primitive < len ? s->primitive : len;
		if (count(s, n, why) == -1)
			return (-1);
		s->primitive -= n;
		len -= n;
		switch (s->kind) {
		case IS_CONTEXT:
			for (; n > 0; n--, p++) {
				d->value = d->first && (*p & 0x80) ? -1 :
				    d->value;
				d->first = 0;
				d->value = (int64_t)((uint64_t)d->value << 8 |
				    *p);
			}
			break;
		case IS_DATA:
			data(arg, p, n);
			p += n;
			break;
		case IS_BITS:
			if (d->first) {
				if (*p != 0) {
					*why = "arbitrary: not whole octets";
					return (-1);
				}
				d->first = 0;
				p++;
				n--;
			}
			/* FALLTHROUGH */
		case IS_ENCODING:
			if (input(d, &d->inner, p, n, data, arg, why) == -1)
				return (-1);
			p += n;
			break;
		default:
			p += n;
		}
	}
}

int
p_data_input(struct p_data *d, const uint8_t *p, size_t len, int last,
    void (*data)(void *, const uint8_t *, size_t), void *arg,
    const char **why)
{
	const struct p_stream	*o = &d->outer, *i = &d->inner;

	if (input(d, &d->outer, p, len, data, arg, why) == -1)
		return (-1);
	if (!last)
		return (0);
	if (o->depth != 0 || o->primitive != 0 || o->nheader != 0 ||
	    o->level[0].seen == 0 || i->depth != 0 || i->primitive != 0 ||
	    i->nheader != 0) {
		*why = "user data ends too early";
		return (-1);
	}
	return (0);
}
