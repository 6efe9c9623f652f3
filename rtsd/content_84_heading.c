/* SPDX-License-Identifier: ISC */

/*
 * Headings, notifications and envelopes of forwarded messages of 1988 as
 * ones of 1984: X.420 figures 1 to 6, RFC 1328 clause 5.  They are the same
 * types but for the O/R names in them and for what was added at their ends.
 *
 * The extensions of a heading have no criticality (it is for the MTS that
 * X.411 has one), so all are left out: language, incomplete copy and what
 * came later.
 */

#include <string.h>

#include "ber.h"
#include "content_84.h"
#include "downgrade.h"
#include "imsg.h"

#define LEVELS_MAX	32	/* elements in one another, of a heading */
#define CONTENT_TYPE	BER_APPLICATION(6)
#define ORIGINATOR	BER_APPLICATION(0)	/* and any ORName */
#define OID		6

enum action { A_COPY, A_DROP, A_NAME, A_TYPE };

struct rewrite {
	const char	*why;
	int		 depth;
	int		 lossy;		/* something was said there */
};

/* What becomes of a member of the level. */
static enum action
action(enum content_level level, const struct ber_header *h)
{
	if (h->tag == ORIGINATOR && h->constructed)
		return A_NAME;
	switch (level) {
	case CL_HEADING:
		/* extensions [15]; 1984 ends with autoforwarded [14] */
		return BER_CLASS(h->tag) == BER_CLASS(BER_CONTEXT(0)) &&
		    BER_NUMBER(h->tag) >= 15 ? A_DROP : A_COPY;
	case CL_RECIPIENT:
		/* recipient-extensions, of 1994 */
		return h->tag == BER_CONTEXT(3) ? A_DROP : A_COPY;
	case CL_EITS:
		/* external-encoded-information-types */
		return h->tag == BER_CONTEXT(4) ? A_DROP : A_COPY;
	case CL_ENVELOPE:
		/*
		 * 1984 (X.411 5.3, DeliverEnvelope): the type of the content
		 * has the tag it has in P1, the recipients take the tags of
		 * theirs, and submission [7] is the last.
		 */
		if (h->tag == BER_CONTEXT(0) || h->tag == CONTENT_TYPE ||
		    h->tag == OID)
			return A_TYPE;
		if (h->tag == BER_CONTEXT(4) || h->tag == BER_CONTEXT(5))
			return A_NAME;
		return BER_CLASS(h->tag) == BER_CLASS(BER_CONTEXT(0)) &&
		    BER_NUMBER(h->tag) >= 8 ? A_DROP : A_COPY;
	default:
		return A_COPY;
	}
}

/* The level of the members of a member. */
static enum content_level
below(enum content_level level, uint32_t tag)
{
	switch (level) {
	case CL_HEADING:
		/* primary, copy and blind copy recipients */
		return tag >= BER_CONTEXT(2) && tag <= BER_CONTEXT(4) ?
		    CL_RECIPIENTS : CL_ANY;
	case CL_RECIPIENTS:
		return CL_RECIPIENT;
	case CL_FORWARDED:
		return tag == BER_CONTEXT(1) ? CL_ENVELOPE : CL_ANY;
	case CL_ENVELOPE:
		return tag == BER_CONTEXT(1) || tag == BER_CONTEXT(6) ?
		    CL_EITS : CL_ANY;
	default:
		return CL_ANY;
	}
}

static int
put_element(struct rewrite *w, uint32_t tag, const void *p, size_t len,
    int constructed, struct ibuf *out)
{
	struct ber_out	o;
	int		r;

	ber_out_init(&o);
	o.after = len;
	ber_out_header(&o, tag, constructed, 0);
	r = ber_out_flush(&o, out);
	ber_out_free(&o);
	if (r == -1 || ibuf_add(out, p, len) == -1) {
		w->why = "out of memory";
		return -1;
	}
	return 0;
}

/* DeliveredContentType: [0] INTEGER or an object identifier. */
static int
put_content_type(struct rewrite *w, const struct ber_element *e,
    struct ibuf *out)
{
	static const uint8_t	id_mct[] = { 0x56, 1, 10 };	/* 2.6.1.10 */
	uint8_t			p2 = CONTENT_P2;
	const uint8_t		*p = e->value;
	size_t			len = e->h.len;

	if (e->h.constructed) {
		w->why = "the content type of a forwarded message is "
		    "malformed";
		return -1;
	}
	if (e->h.tag == OID) {
		if (len != 4 || memcmp(p, id_mct, 3) != 0 || p[3] > 1) {
			w->why = "a forwarded message is of an extended "
			    "content type";
			return -1;
		}
		p = &p2;
		len = 1;
	} else if (len == 1 && p[0] == CONTENT_P22)
		p = &p2;
	else if (e->h.tag == CONTENT_TYPE)
		return 0;
	return put_element(w, CONTENT_TYPE, p, len, 0, out) == -1 ? -1 : 1;
}

static int	members(struct rewrite *, struct ber *, enum content_level,
		    struct ibuf *);

/* The members of a constructed one; it comes out as it is if they do. */
static int
descend(struct rewrite *w, struct ber *level, const struct ber_element *e,
    enum content_level below_it, struct ibuf *out)
{
	struct ber	inner;
	struct ibuf	*b;
	int		r;

	if (w->depth == LEVELS_MAX) {
		w->why = "a heading is nested too deep";
		return -1;
	}
	if ((b = ibuf_dynamic(64, CONTENT_84_MAX)) == NULL) {
		w->why = "out of memory";
		return -1;
	}
	ber_enter(level, e, &inner);
	w->depth++;
	r = members(w, &inner, below_it, b);
	w->depth--;
	if (r != -1)
		ber_leave(level, &inner);
	if (r == 1 && put_element(w, e->h.tag, ibuf_data(b), ibuf_size(b), 1,
	    out) == -1)
		r = -1;
	ibuf_free(b);
	return r;
}

/* One member; 1: out has another, 0: it is good as it is, -1. */
static int
member(struct rewrite *w, struct ber *level, const struct ber_element *e,
    enum content_level cl, struct ibuf *out)
{
	switch (action(cl, &e->h)) {
	case A_DROP:
		if (ber_skip(level, e) == -1)
			break;
		if (cl == CL_HEADING || cl == CL_RECIPIENT)
			w->lossy = 1;
		return 1;
	case A_NAME:
		if (!e->h.constructed || ber_skip(level, e) == -1)
			break;
		return content_84_name(e->start, level->p - e->start, out,
		    &w->why);
	case A_TYPE:
		if (ber_skip(level, e) == -1)
			break;
		return put_content_type(w, e, out);
	default:
		if (e->h.constructed)
			return descend(w, level, e, below(cl, e->h.tag), out);
		if (ber_skip(level, e) == -1)
			break;
		return 0;
	}
	w->why = "a heading is malformed";
	return -1;
}

static int
members(struct rewrite *w, struct ber *level, enum content_level cl,
    struct ibuf *out)
{
	struct ber_element	e;
	int			n, r, changed = 0;

	while ((n = ber_next(level, &e)) == 1) {
		if ((r = member(w, level, &e, cl, out)) == -1)
			return -1;
		changed |= r;
		if (r == 0 && ibuf_add(out, e.start, level->p - e.start) ==
		    -1) {
			w->why = "out of memory";
			return -1;
		}
	}
	if (n == -1) {
		w->why = "a heading is malformed";
		return -1;
	}
	return changed;
}

int
content_84_element(const uint8_t *p, size_t len, enum content_level cl,
    struct ibuf *out, int *lossy, const char **why)
{
	struct rewrite		w = { .why = "a heading is malformed" };
	struct ber_element	e;
	struct ber		b;
	int			r = -1;

	ber_init(&b, p, len);
	if (ber_next(&b, &e) == 1 && e.h.constructed)
		r = descend(&w, &b, &e, cl, out);
	*why = w.why;
	*lossy |= w.lossy;
	return r;
}
