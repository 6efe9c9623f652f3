/* SPDX-License-Identifier: ISC */

/*
 * Basic encoding rules, X.209 (1988) and X.690 clause 8.  See ber.h.
 */

#include <sys/queue.h>

#include <stdlib.h>
#include <string.h>

#include "ber.h"
#include "imsg.h"

/* More than any element we make: the markup of an MPDU and some. */
#define BER_OUT_MAX	(64 * 1024 * 1024)

/* X.690 8.1.2.4: tag numbers from 31 on, at most 28 bits of them. */
static int
ber_high_tag(const uint8_t *p, size_t n, uint32_t *number, const char **why)
{
	size_t	i;

	*number = 0;
	for (i = 1; i < n; i++) {
		if (i > 4) {
			*why = "tag number too large";
			return -1;
		}
		*number = *number << 7 | (p[i] & 0x7f);
		if ((p[i] & 0x80) == 0)
			return i + 1;
	}
	return 0;
}

int
ber_header(const uint8_t *p, size_t n, struct ber_header *h, const char **why)
{
	uint32_t	number;
	size_t		i, o;
	int		used = 1;

	if (n < 2)
		return 0;
	number = p[0] & 0x1f;
	if (number == 0x1f &&
	    (used = ber_high_tag(p, n, &number, why)) <= 0)
		return used;
	h->tag = (uint32_t)(p[0] & 0xc0) << 24 | number;
	h->constructed = (p[0] & 0x20) != 0;
	h->indefinite = 0;
	o = used;
	if (o >= n)
		return 0;
	if ((p[o] & 0x80) == 0) {
		h->len = p[o];
		return o + 1;
	}
	h->len = 0;
	if (p[o] == 0x80) {
		if (!h->constructed) {
			*why = "indefinite length of a primitive element";
			return -1;
		}
		h->indefinite = 1;
		return o + 1;
	}
	number = p[o++] & 0x7f;
	if (number > 16) {
		*why = "too many length octets";
		return -1;
	}
	for (i = 0; i < number; i++) {
		if (o + i >= n)
			return 0;
		if (h->len >> 55) {
			*why = "length too large";
			return -1;
		}
		h->len = h->len << 8 | p[o + i];
	}
	return o + number;
}

void
ber_init(struct ber *b, const void *p, size_t len)
{
	b->p = p;
	b->end = len > 0 ? b->p + len : b->p;	/* p may be NULL */
	b->why = NULL;
	b->indefinite = 0;
}

int
ber_next(struct ber *b, struct ber_element *e)
{
	int	n;

	if (b->p == b->end) {
		if (!b->indefinite)
			return 0;
		b->why = "no end-of-contents";
		return -1;
	}
	n = ber_header(b->p, b->end - b->p, &e->h, &b->why);
	if (n <= 0) {
		if (n == 0)
			b->why = "truncated";
		return -1;
	}
	if (e->h.tag == BER_EOC) {
		if (!b->indefinite || n != 2 || e->h.constructed ||
		    e->h.len != 0) {
			b->why = "misplaced end-of-contents";
			return -1;
		}
		b->p += 2;
		return 0;
	}
	e->start = b->p;
	e->value = b->p + n;
	if (e->h.len > (uint64_t)(b->end - e->value)) {
		b->why = "longer than what holds it";
		return -1;
	}
	b->p = e->value;
	return 1;
}

void
ber_enter(const struct ber *b, const struct ber_element *e, struct ber *inner)
{
	inner->p = e->value;
	inner->end = e->h.indefinite ? b->end : e->value + e->h.len;
	inner->indefinite = e->h.indefinite;
	inner->why = NULL;
}

void
ber_leave(struct ber *b, const struct ber *inner)
{
	b->p = inner->p;
}

/*
 * Definite elements are passed over whole, also inside of an indefinite one:
 * only the nesting of indefinite lengths has to be followed.
 */
int
ber_skip(struct ber *b, const struct ber_element *e)
{
	struct ber		in;
	struct ber_element	ie;
	int			depth = 1, n;

	if (!e->h.indefinite) {
		b->p = e->value + e->h.len;
		return 0;
	}
	ber_enter(b, e, &in);
	while (depth > 0) {
		if ((n = ber_next(&in, &ie)) == -1) {
			b->why = in.why;
			return -1;
		}
		if (n == 0)
			depth--;
		else if (!ie.h.indefinite)
			in.p = ie.value + ie.h.len;
		else if (++depth > BER_DEPTH_MAX) {
			b->why = "nested too deep";
			return -1;
		}
	}
	ber_leave(b, &in);
	return 0;
}

void
ber_out_init(struct ber_out *o)
{
	o->buf = o->local;
	o->size = o->pos = sizeof(o->local);
	o->after = 0;
	o->error = 0;
	o->form = NULL;
	o->form_arg = NULL;
}

uint64_t
ber_out_length(const struct ber_out *o)
{
	return o->after + (o->size - o->pos);
}

/* Makes room for n octets in front: doubles the buffer, moves to its end. */
static int
ber_out_grow(struct ber_out *o, size_t n)
{
	uint8_t	*buf;
	size_t	 used = o->size - o->pos, size = o->size;

	while (size - used < n) {
		if (size > BER_OUT_MAX) {
			o->error = 1;
			return -1;
		}
		size *= 2;
	}
	if ((buf = malloc(size)) == NULL) {
		o->error = 1;
		return -1;
	}
	memcpy(buf + size - used, o->buf + o->pos, used);
	if (o->buf != o->local)
		free(o->buf);
	o->buf = buf;
	o->size = size;
	o->pos = size - used;
	return 0;
}

void
ber_out_octets(struct ber_out *o, const void *p, size_t n)
{
	if (o->error || n == 0)
		return;
	if (n > o->pos && (n > BER_OUT_MAX || ber_out_grow(o, n) == -1)) {
		o->error = 1;
		return;
	}
	o->pos -= n;
	memcpy(o->buf + o->pos, p, n);
}

void
ber_out_header_form(struct ber_out *o, uint32_t tag, int constructed,
    uint64_t mark, unsigned int form)
{
	uint8_t		 h[BER_HEADER_MAX], *p = h + sizeof(h);
	uint64_t	 len = ber_out_length(o) - mark;
	uint32_t	 number = BER_NUMBER(tag);
	uint8_t		 id = (tag >> 24 & 0xc0) | (constructed ? 0x20 : 0);

	if (form & BER_FORM_INDEFINITE)
		*--p = 0x80;
	else if (len < 0x80 && (form & BER_FORM_LONG) == 0)
		*--p = len;
	else {
		uint8_t	*last = p;

		do
			*--p = len;
		while ((len >>= 8) != 0);
		if (form & BER_FORM_LONG) {
			*--p = 0;
			*--p = 0;
		}
		p[-1] = 0x80 | (last - p);
		p--;
	}
	if (number < 0x1f)
		*--p = id | number;
	else {
		*--p = number & 0x7f;
		while ((number >>= 7) != 0)
			*--p = 0x80 | (number & 0x7f);
		*--p = id | 0x1f;
	}
	ber_out_octets(o, p, h + sizeof(h) - p);
}

void
ber_out_header(struct ber_out *o, uint32_t tag, int constructed,
    uint64_t mark)
{
	ber_out_header_form(o, tag, constructed, mark, 0);
}

void
ber_out_integer(struct ber_out *o, uint32_t tag, int64_t value)
{
	uint8_t		 v[9], *p = v + sizeof(v);
	uint64_t	 mark = ber_out_length(o);
	int64_t		 rest = value;

	/* X.690 8.3.2: the fewest octets that keep the sign. */
	do {
		*--p = rest & 0xff;
		rest >>= 8;
	} while (rest != ((*p & 0x80) ? -1 : 0));
	ber_out_octets(o, p, v + sizeof(v) - p);
	ber_out_header(o, tag, 0, mark);
}

void
ber_out_string(struct ber_out *o, uint32_t tag, const void *p, size_t len)
{
	uint64_t	mark = ber_out_length(o);

	ber_out_octets(o, p, len);
	ber_out_header(o, tag, 0, mark);
}

int
ber_out_flush(struct ber_out *o, struct ibuf *ibuf)
{
	int	r = -1;

	if (!o->error)
		r = ibuf_add(ibuf, o->buf + o->pos, o->size - o->pos);
	ber_out_free(o);
	return r == -1 ? -1 : 0;
}

void
ber_out_free(struct ber_out *o)
{
	if (o->buf != o->local)
		free(o->buf);
	ber_out_init(o);
}
