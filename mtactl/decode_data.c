/* SPDX-License-Identifier: ISC */

/*
 * Octets of decode.h that are put together of pieces, with where they came
 * from, so that what is in them is told by its offset in the input.
 */

#include <stdlib.h>
#include <string.h>

#include "decode.h"

static int
room(void **p, size_t *size, size_t want, size_t each)
{
	size_t	n = *size == 0 ? 64 : *size;
	void	*q;

	if (want <= *size)
		return (0);
	while (n < want)
		n *= 2;
	if ((q = reallocarray(*p, n, each)) == NULL)
		return (-1);
	*p = q;
	*size = n;
	return (0);
}

void
data_add(struct decode *d, struct decode_data *to, const uint8_t *p,
    size_t len)
{
	if (to->lacking || len == 0)
		return;
	if (to->len + len > DECODE_MAX ||
	    room((void **)&to->p, &to->size, to->len + len, 1) == -1 ||
	    room((void **)&to->piece, &to->sizepieces, to->npieces + 1,
	    sizeof(*to->piece)) == -1) {
		to->lacking = 1;
		tree_damage(d, p, "out of memory for data in pieces");
		return;
	}
	to->piece[to->npieces].at = to->len;
	to->piece[to->npieces++].offset = tree_offset(d, p);
	memcpy(to->p + to->len, p, len);
	to->len += len;
}

void
data_free(struct decode_data *data)
{
	free(data->p);
	free(data->piece);
	memset(data, 0, sizeof(*data));
}

int
space_enter(struct decode *d, struct decode_space *s,
    const struct decode_data *data)
{
	if (d->nested == DECODE_NESTED)
		return (-1);
	d->nested++;
	s->p = data->p;
	s->len = data->len;
	s->piece = data->piece;
	s->npieces = data->npieces;
	s->outer = d->space;
	d->space = s;
	return (0);
}

void
space_leave(struct decode *d)
{
	d->space = d->space->outer;
	d->nested--;
}

static int
segments(struct decode *d, struct decode_data *to, struct ber *b,
    const struct ber_element *e, int depth)
{
	struct ber		in;
	struct ber_element	ie;
	int			n;

	if (!e->h.constructed) {
		data_add(d, to, e->value, e->h.len);
		b->p = e->value + e->h.len;
		return (0);
	}
	if (depth == ASN1_SEGMENT_DEPTH)
		return (-1);
	ber_enter(b, e, &in);
	while ((n = ber_next(&in, &ie)) == 1)
		if (segments(d, to, &in, &ie, depth + 1) == -1)
			return (-1);
	ber_leave(b, &in);
	return (n);
}

void
data_string(struct decode *d, struct decode_data *to, const uint8_t *p,
    size_t len)
{
	struct ber		b;
	struct ber_element	e;

	ber_init(&b, p, len);
	if (ber_next(&b, &e) == 1)
		segments(d, to, &b, &e, 0);
}
