/* SPDX-License-Identifier: ISC */

/*
 * The content of a message of 1988 followed element by element: X.420 clause
 * 7 and 8 (InformationObject, IPM, IPN), X.420-1984 clause 3 (UAPDU).
 *
 *	[0] IPM { SET heading, SEQUENCE OF body part }
 *	[1] IPN SET { ..., [0] { [0] non-receipt | [1] receipt } }
 *
 * What has to be otherwise in 1984 becomes a list of edits, in the order of
 * their places: octets that are replaced by others.  An element of definite
 * length around an edit has its header edited as well.  In the end everything
 * up to the last edit is put together; it is the rest that may be large.
 *
 * Body parts are passed over by their lengths.  Of those only the forwarded
 * message [9] is looked into, and the extended one [15], which is turned into
 * the basic one of 1984 when that has the same octets under another tag.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ber.h"
#include "content_84.h"
#include "imsg.h"
#include "oid.h"

#define WINDOW		4096	/* octets read at once */
#define PARAMETERS_MAX	4096	/* of an extended body part */
#define EXTERNAL	8	/* universal tags */
#define OID		6

struct edit {
	uint64_t	 offset;
	uint64_t	 len;		/* octets replaced */
	struct ibuf	*octets;	/* by these; NULL: by none */
	uint8_t		 same;		/* nothing is replaced after all */
};

struct walk {
	content_read	*read;
	void		*arg;
	uint64_t	 len;
	struct content_84 *c;
	struct edit	*edit;
	uint32_t	 nedit, size;
	uint32_t	 elements;	/* headers looked at */
	size_t		 octets;	/* of all edits */
	int		 depth;		/* forwarded messages */
	uint8_t		 window[WINDOW];
	uint64_t	 window_at;
	size_t		 window_len;
};

/* The members of an element, those before pos read. */
struct level {
	uint64_t	pos;
	uint64_t	end;		/* of it, or of what holds it */
	int		indefinite;
};

struct element {
	struct ber_header	h;
	uint64_t		start;
	uint64_t		value;
};

static int	fail(struct walk *, const char *, ...)
		    __attribute__((__format__(printf, 2, 3)));

static int
fail(struct walk *w, const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	vsnprintf(w->c->why, sizeof(w->c->why), fmt, ap);
	va_end(ap);
	return -1;
}

static int
malformed(struct walk *w, uint64_t at)
{
	return fail(w, "the content is no interpersonal message, octet %"
	    PRIu64, at);
}

static int
no_memory(struct walk *w)
{
	w->c->unreadable = 1;
	return fail(w, "out of memory");
}

/* Reading */

static int
read_at(struct walk *w, void *p, size_t len, uint64_t at)
{
	ssize_t	n;

	while (len > 0) {
		if ((n = w->read(w->arg, p, len, at)) <= 0) {
			w->c->unreadable = 1;
			return fail(w, "content unreadable");
		}
		p = (uint8_t *)p + n;
		len -= n;
		at += n;
	}
	return 0;
}

/* Octets from there on, as many as a header may have if there are. */
static int
peek(struct walk *w, uint64_t at, uint64_t end, const uint8_t **p, size_t *n)
{
	uint64_t	want = end - at;

	if (want > BER_HEADER_MAX)
		want = BER_HEADER_MAX;
	if (at < w->window_at || at + want > w->window_at + w->window_len) {
		w->window_len = 0;
		w->window_at = at;
		*n = w->len - at < WINDOW ? w->len - at : WINDOW;
		if (read_at(w, w->window, *n, at) == -1)
			return -1;
		w->window_len = *n;
	}
	*p = w->window + (at - w->window_at);
	*n = want;
	return 0;
}

/* As ber_next: 1, 0 at the end of the level, -1. */
static int
next(struct walk *w, struct level *l, struct element *e)
{
	const uint8_t	*p;
	const char	*why;
	size_t		 n;
	int		 used;

	if (!l->indefinite && l->pos == l->end)
		return 0;
	if (++w->elements > ELEMENTS_MAX)
		return fail(w, "the content has too many elements");
	if (peek(w, l->pos, l->end, &p, &n) == -1)
		return -1;
	if ((used = ber_header(p, n, &e->h, &why)) <= 0)
		return malformed(w, l->pos);
	if (e->h.tag == BER_EOC) {
		if (!l->indefinite || used != 2 || e->h.constructed ||
		    e->h.len != 0)
			return malformed(w, l->pos);
		l->pos += 2;
		return 0;
	}
	e->start = l->pos;
	e->value = l->pos + used;
	if (e->h.len > l->end - e->value)
		return malformed(w, l->pos);
	l->pos = e->value;
	return 1;
}

static void
enter(const struct level *l, const struct element *e, struct level *inner)
{
	inner->pos = e->value;
	inner->end = e->h.indefinite ? l->end : e->value + e->h.len;
	inner->indefinite = e->h.indefinite;
}

static void
leave(struct level *l, const struct level *inner)
{
	l->pos = inner->pos;
}

static int
skip(struct walk *w, struct level *l, const struct element *e)
{
	struct level	in;
	struct element	ie;
	int		depth = 1, n;

	if (!e->h.indefinite) {
		l->pos = e->value + e->h.len;
		return 0;
	}
	enter(l, e, &in);
	while (depth > 0) {
		if ((n = next(w, &in, &ie)) == -1)
			return -1;
		if (n == 0)
			depth--;
		else if (!ie.h.indefinite)
			in.pos = ie.value + ie.h.len;
		else if (++depth > BER_DEPTH_MAX)
			return fail(w, "the content is nested too deep");
	}
	leave(l, &in);
	return 0;
}

static int
at_end(struct walk *w, struct level *l)
{
	struct element	e;
	int		n;

	if ((n = next(w, l, &e)) == 1)
		return malformed(w, e.start);
	return n;
}

/* The next one must be there, constructed, and have that tag. */
static int
expect(struct walk *w, struct level *l, uint32_t tag, struct element *e)
{
	uint64_t	at = l->pos;
	int		n;

	if ((n = next(w, l, e)) == -1)
		return -1;
	if (n == 0 || e->h.tag != tag || !e->h.constructed)
		return malformed(w, at);
	return 0;
}

/* Edits */

static struct edit *
edit_add(struct walk *w, uint64_t offset, uint64_t len)
{
	struct edit	*e;
	uint32_t	 size;

	if (w->nedit == EDITS_MAX) {
		fail(w, "too much of the content is of 1988");
		return NULL;
	}
	if (w->nedit == w->size) {
		size = w->size == 0 ? 16 : 2 * w->size;
		if ((e = reallocarray(w->edit, size, sizeof(*e))) == NULL) {
			no_memory(w);
			return NULL;
		}
		w->edit = e;
		w->size = size;
	}
	e = &w->edit[w->nedit++];
	memset(e, 0, sizeof(*e));
	e->offset = offset;
	e->len = len;
	return e;
}

/* Takes the octets over, also when it fails. */
static int
replace(struct walk *w, uint64_t offset, uint64_t len, struct ibuf *octets,
    int64_t *delta)
{
	struct edit	*e;
	size_t		 n = octets == NULL ? 0 : ibuf_size(octets);

	if (n > CONTENT_84_MAX - w->octets) {
		ibuf_free(octets);
		return fail(w, "too much of the content is of 1988");
	}
	if ((e = edit_add(w, offset, len)) == NULL) {
		ibuf_free(octets);
		return -1;
	}
	e->octets = octets;
	w->octets += n;
	*delta += (int64_t)n - (int64_t)len;
	return 0;
}

static int
put_header(struct walk *w, struct ibuf *b, uint32_t tag, int constructed,
    uint64_t len)
{
	struct ber_out	o;
	int		r;

	ber_out_init(&o);
	o.after = len;
	ber_out_header(&o, tag, constructed, 0);
	r = ber_out_flush(&o, b);
	ber_out_free(&o);
	return r == -1 ? no_memory(w) : 0;
}

/*
 * Around edits: a place is kept for the header, which is known when the
 * members are.
 */
static int
open_frame(struct walk *w, const struct element *e, int64_t *frame)
{
	*frame = -1;
	if (e->h.indefinite)
		return 0;
	*frame = w->nedit;
	return edit_add(w, e->start, e->value - e->start) == NULL ? -1 : 0;
}

/* inner: how much longer the members have become. */
static int
close_frame(struct walk *w, const struct element *e, int64_t frame,
    int64_t inner, int64_t *delta)
{
	struct edit	*edit;

	*delta += inner;
	if (frame == -1)
		return 0;
	if (inner == 0) {
		if (frame == (int64_t)w->nedit - 1)
			w->nedit--;
		else
			w->edit[frame].same = 1;
		return 0;
	}
	edit = &w->edit[frame];
	if ((edit->octets = ibuf_dynamic(BER_HEADER_MAX, 64)) == NULL)
		return no_memory(w);
	if (put_header(w, edit->octets, e->h.tag, 1, e->h.len + inner) == -1)
		return -1;
	*delta += (int64_t)ibuf_size(edit->octets) - (int64_t)edit->len;
	return 0;
}

/* Structure */

/* A small element, rewritten in memory. */
static int
rewrite(struct walk *w, struct level *l, const struct element *e,
    enum content_level cl, int64_t *delta)
{
	const char	*why;
	struct ibuf	*out;
	uint8_t		*p;
	uint64_t	 len;
	int		 r;

	if (skip(w, l, e) == -1)
		return -1;
	if ((len = l->pos - e->start) > HEADING_MAX)
		return fail(w, "a heading is longer than %d octets",
		    HEADING_MAX);
	if ((p = malloc(len)) == NULL)
		return no_memory(w);
	out = ibuf_dynamic(len + 64, CONTENT_84_MAX);
	if (out == NULL || read_at(w, p, len, e->start) == -1) {
		free(p);
		ibuf_free(out);
		return out == NULL ? no_memory(w) : -1;
	}
	errno = 0;
	r = content_84_element(p, len, cl, out, &w->c->lossy, &why);
	if (r == -1 && errno == ENOMEM)
		w->c->unreadable = 1;
	free(p);
	if (r == 1)
		return replace(w, e->start, len, out, delta);
	ibuf_free(out);
	return r == -1 ? fail(w, "%s", why) : 0;
}

static int	ipm(struct walk *, struct level *, int64_t *);

/* [9] { SET parameters, SEQUENCE the message } */
static int
forwarded(struct walk *w, struct level *l, const struct element *part,
    int64_t *delta)
{
	struct level	in, message;
	struct element	e;
	int64_t		frame, inner_frame, inner = 0, longer = 0;

	if (!part->h.constructed)
		return malformed(w, part->start);
	if (++w->depth > FORWARDED_MAX)
		return fail(w, "more than %d messages in one another",
		    FORWARDED_MAX);
	if (open_frame(w, part, &frame) == -1)
		return -1;
	enter(l, part, &in);
	if (expect(w, &in, BER_SET, &e) == -1 ||
	    rewrite(w, &in, &e, CL_FORWARDED, &longer) == -1 ||
	    expect(w, &in, BER_SEQUENCE, &e) == -1 ||
	    open_frame(w, &e, &inner_frame) == -1)
		return -1;
	enter(&in, &e, &message);
	if (ipm(w, &message, &inner) == -1 ||
	    close_frame(w, &e, inner_frame, inner, &longer) == -1)
		return -1;
	leave(&in, &message);
	if (at_end(w, &in) == -1)
		return -1;
	leave(l, &in);
	w->depth--;
	return close_frame(w, part, frame, longer, delta);
}

/*
 * Extended body part types (X.420 annex, id-et 2.6.1.4.n) that have the data
 * of a basic type of 1984, and the tag of that; those with parameters have a
 * SET of them before it.
 */
static const struct {
	uint8_t	id;
	uint8_t	tag;
	uint8_t	parameters;
} basic[] = {
	{ 0, 0, 1 },		/* ia5-text */
	{ 2, 3, 1 },		/* g3-facsimile */
	{ 3, 4, 0 },		/* g4-class1, TIF.0 of 1984 */
	{ 4, 5, 1 },		/* teletex */
	{ 5, 6, 1 },		/* videotex */
	{ 6, 8, 1 },		/* encrypted */
	{ 8, 11, 0 },		/* mixed-mode, TIF.1 of 1984 */
};

static int
find_basic(const uint8_t *oid, size_t len)
{
	static const uint8_t	id_et[] = { 0x56, 1, 4 };	/* 2.6.1.4 */
	size_t			i;

	if (len != 4 || memcmp(oid, id_et, 3) != 0)
		return -1;
	for (i = 0; i < sizeof(basic) / sizeof(basic[0]); i++)
		if (basic[i].id == oid[3])
			return i;
	return -1;
}

/*
 * EXTERNAL { OBJECT IDENTIFIER, [0] the element }: its identifier, and the
 * cursor at the element.  -1: it is not of that form, and where it is not
 * the caller says.
 */
static int
external(struct walk *w, struct level *l, uint8_t *oid, size_t *len,
    struct element *single)
{
	struct element	e;
	int		n;

	*len = 0;
	if ((n = next(w, l, &e)) == -1)
		return -1;
	if (n == 0 || e.h.tag != OID || e.h.constructed || e.h.len > UB_OID)
		return fail(w, "extended body part without an object "
		    "identifier");
	if (read_at(w, oid, e.h.len, e.value) == -1 || skip(w, l, &e) == -1)
		return -1;
	*len = e.h.len;
	if ((n = next(w, l, single)) == -1)
		return -1;
	if (n == 0 || single->h.tag != BER_CONTEXT(0) ||
	    !single->h.constructed)
		single->h.tag = BER_EOC;
	return 0;
}

static int
no_basic(struct walk *w, const uint8_t *oid, size_t len)
{
	char	text[UB_OID_TEXT + 1];

	if (oid_to_text(oid, len, text) == -1)
		return fail(w, "extended body part of a malformed type");
	return fail(w, "extended body part %.80s", text);
}

/* The SET of parameters of an EXTERNAL; an empty one when there is none. */
static int
parameters(struct walk *w, struct level *l, const struct element *e,
    struct ibuf **out)
{
	uint8_t		oid[UB_OID];
	uint8_t		*p;
	struct level	in, single;
	struct element	wrap, set;
	size_t		len;

	if ((*out = ibuf_dynamic(64, PARAMETERS_MAX)) == NULL)
		return no_memory(w);
	if (e == NULL)
		return ibuf_add(*out, "\x31\x00", 2) == -1 ? no_memory(w) : 0;
	enter(l, e, &in);
	if (external(w, &in, oid, &len, &wrap) == -1)
		return -1;
	if (wrap.h.tag == BER_EOC)
		return no_basic(w, oid, len);
	enter(&in, &wrap, &single);
	if (expect(w, &single, BER_SET, &set) == -1 ||
	    skip(w, &single, &set) == -1)
		return -1;
	if (single.pos - set.start > PARAMETERS_MAX)
		return fail(w, "parameters of a body part are too long");
	len = single.pos - set.start;
	if ((p = ibuf_reserve(*out, len)) == NULL)
		return no_memory(w);
	if (read_at(w, p, len, set.start) == -1 || at_end(w, &single) == -1)
		return -1;
	leave(&in, &single);
	if (at_end(w, &in) == -1)
		return -1;
	leave(l, &in);
	return 0;
}

/* What the body part is with another tag and without what is around it. */
static int
retag(struct walk *w, int i, const struct element *part,
    const struct element *data, uint64_t end, const struct ibuf *set,
    int64_t *delta)
{
	struct ibuf	*b;
	uint64_t	 from = basic[i].parameters ? data->start :
			    data->value;

	if ((b = ibuf_dynamic(64, PARAMETERS_MAX + 64)) == NULL)
		return no_memory(w);
	if (put_header(w, b, BER_CONTEXT(basic[i].tag), 1, end - from +
	    (basic[i].parameters ? ibuf_size(set) : 0)) == -1 ||
	    (basic[i].parameters && ibuf_add_ibuf(b, set) == -1)) {
		ibuf_free(b);
		return no_memory(w);
	}
	return replace(w, part->start, from - part->start, b, delta);
}

/*
 * [15] { [0] IMPLICIT EXTERNAL parameters OPTIONAL, EXTERNAL data }.  The
 * data comes last, so with definite lengths there is nothing to take away
 * behind it.
 */
static int
extended(struct walk *w, struct level *l, const struct element *part,
    int64_t *delta)
{
	uint8_t		oid[UB_OID];
	struct level	in, ext, single, parms = { 0, 0, 0 };
	struct element	e, wrap, data, first = { .start = 0 };
	struct ibuf	*set = NULL;
	size_t		len;
	int		i, n, has_parameters = 0, r = -1;

	if (!part->h.constructed)
		return malformed(w, part->start);
	enter(l, part, &in);
	if ((n = next(w, &in, &e)) == -1)
		return -1;
	if (n == 1 && e.h.tag == BER_CONTEXT(0) && e.h.constructed) {
		has_parameters = 1;
		first = e;
		parms = in;
		if (skip(w, &in, &e) == -1 ||
		    (n = next(w, &in, &e)) == -1)
			return -1;
	}
	if (n == 0 || e.h.tag != EXTERNAL || !e.h.constructed)
		return malformed(w, part->start);
	enter(&in, &e, &ext);
	if (external(w, &ext, oid, &len, &wrap) == -1)
		return -1;
	if (wrap.h.tag == BER_EOC || (i = find_basic(oid, len)) == -1 ||
	    part->h.indefinite || e.h.indefinite || wrap.h.indefinite)
		return no_basic(w, oid, len);
	enter(&ext, &wrap, &single);
	if ((n = next(w, &single, &data)) == -1)
		return -1;
	if (n == 0)
		return malformed(w, wrap.start);
	if (!basic[i].parameters && (data.h.tag != BER_SEQUENCE ||
	    data.h.indefinite || !data.h.constructed))
		return no_basic(w, oid, len);
	if (skip(w, &single, &data) == -1 || at_end(w, &single) == -1)
		return -1;
	if (parameters(w, &parms, has_parameters ? &first : NULL, &set) == 0) {
		r = 0;
		leave(&ext, &single);
		if (at_end(w, &ext) == -1)
			r = -1;
		leave(&in, &ext);
		if (r == 0 && at_end(w, &in) == -1)
			r = -1;
	}
	if (r == 0)
		r = retag(w, i, part, &data, in.pos, set, delta);
	ibuf_free(set);
	leave(l, &in);
	return r;
}

/* SEQUENCE OF BodyPart */
static int
body(struct walk *w, struct level *l, int64_t *delta)
{
	struct element	e;
	int		n, r;

	while ((n = next(w, l, &e)) == 1) {
		if (e.h.tag == BER_CONTEXT(9))
			r = forwarded(w, l, &e, delta);
		else if (e.h.tag == BER_CONTEXT(15))
			r = extended(w, l, &e, delta);
		else if (e.h.tag >= BER_CONTEXT(0) &&
		    e.h.tag <= BER_CONTEXT(14))
			r = skip(w, l, &e);
		else
			r = malformed(w, e.start);
		if (r == -1)
			return -1;
	}
	return n;
}

/* IPM, IM-UAPDU: heading and body */
static int
ipm(struct walk *w, struct level *l, int64_t *delta)
{
	struct level	parts;
	struct element	e;
	int64_t		frame, inner = 0;

	if (expect(w, l, BER_SET, &e) == -1 ||
	    rewrite(w, l, &e, CL_HEADING, delta) == -1 ||
	    expect(w, l, BER_SEQUENCE, &e) == -1 ||
	    open_frame(w, &e, &frame) == -1)
		return -1;
	enter(l, &e, &parts);
	if (body(w, &parts, &inner) == -1)
		return -1;
	leave(l, &parts);
	if (close_frame(w, &e, frame, inner, delta) == -1)
		return -1;
	return at_end(w, l);
}

static int
drop(struct walk *w, struct level *l, const struct element *e,
    int64_t *delta)
{
	if (skip(w, l, e) == -1)
		return -1;
	return replace(w, e->start, l->pos - e->start, NULL, delta);
}

/* Non-receipt fields, where a message may be returned, or receipt fields. */
static int
notification_fields(struct walk *w, struct level *l, int receipt,
    int64_t *delta)
{
	struct level	in;
	struct element	e;
	int64_t		frame, inner;
	int		n;

	while ((n = next(w, l, &e)) == 1) {
		if (e.h.tag >= BER_CONTEXT(receipt ? 3 : 4)) {
			/* rn-extensions, nrn-extensions, of 1994 */
			if (drop(w, l, &e, delta) == -1)
				return -1;
		} else if (!receipt && e.h.tag == BER_CONTEXT(3) &&
		    e.h.constructed) {
			inner = 0;
			if (open_frame(w, &e, &frame) == -1)
				return -1;
			enter(l, &e, &in);
			if (ipm(w, &in, &inner) == -1 ||
			    close_frame(w, &e, frame, inner, delta) == -1)
				return -1;
			leave(l, &in);
		} else if (skip(w, l, &e) == -1)
			return -1;
	}
	return n;
}

/* [0] CHOICE { [0] non-receipt-fields, [1] receipt-fields } */
static int
notification_choice(struct walk *w, struct level *l, int64_t *delta)
{
	struct level	in;
	struct element	e;
	int64_t		frame, inner = 0;
	uint64_t	at = l->pos;
	int		n;

	if ((n = next(w, l, &e)) == -1)
		return -1;
	if (n == 0 || !e.h.constructed)
		return malformed(w, at);
	if (e.h.tag != BER_CONTEXT(0) && e.h.tag != BER_CONTEXT(1))
		return fail(w, "notification of another type than receipt "
		    "and non-receipt");
	if (open_frame(w, &e, &frame) == -1)
		return -1;
	enter(l, &e, &in);
	if (notification_fields(w, &in, e.h.tag == BER_CONTEXT(1), &inner) ==
	    -1 || close_frame(w, &e, frame, inner, delta) == -1)
		return -1;
	leave(l, &in);
	return at_end(w, l);
}

/* IPN, SR-UAPDU */
static int
ipn(struct walk *w, struct level *l, int64_t *delta)
{
	struct level	in;
	struct element	e;
	int64_t		frame, inner;
	int		n, r;

	while ((n = next(w, l, &e)) == 1) {
		if (!e.h.constructed)
			return malformed(w, e.start);
		if (e.h.tag == BER_CONTEXT(0)) {
			inner = 0;
			if (open_frame(w, &e, &frame) == -1)
				return -1;
			enter(l, &e, &in);
			r = notification_choice(w, &in, &inner) == -1 ||
			    close_frame(w, &e, frame, inner, delta) == -1 ?
			    -1 : 0;
			leave(l, &in);
		} else if (e.h.tag == BER_APPLICATION(5))
			r = rewrite(w, l, &e, CL_EITS, delta);
		else if (e.h.tag >= BER_CONTEXT(3))
			r = drop(w, l, &e, delta);
		else
			r = rewrite(w, l, &e, CL_ANY, delta);
		if (r == -1)
			return -1;
	}
	return n;
}

static int
information_object(struct walk *w)
{
	struct level	all = { 0, w->len, 0 }, in;
	struct element	e;
	int64_t		frame, inner = 0, delta = 0;
	int		n, r;

	if ((n = next(w, &all, &e)) == -1)
		return -1;
	if (n == 0 || !e.h.constructed)
		return malformed(w, 0);
	if (open_frame(w, &e, &frame) == -1)
		return -1;
	enter(&all, &e, &in);
	if (e.h.tag == BER_CONTEXT(0))
		r = ipm(w, &in, &inner);
	else if (e.h.tag == BER_CONTEXT(1))
		r = ipn(w, &in, &inner);
	else
		r = malformed(w, 0);
	if (r == -1 || close_frame(w, &e, frame, inner, &delta) == -1)
		return -1;
	w->c->len = w->len + delta;
	return 0;
}

static int
copy(struct walk *w, struct ibuf *b, uint64_t from, uint64_t to)
{
	void	*p;

	if (from == to)
		return 0;
	if (to - from > CONTENT_84_MAX - ibuf_size(b))
		return fail(w, "something of 1988 is too far into the "
		    "content, octet %" PRIu64, to);
	if ((p = ibuf_reserve(b, to - from)) == NULL)
		return no_memory(w);
	return read_at(w, p, to - from, from);
}

/* All edits and what is between them. */
static int
put_together(struct walk *w)
{
	struct ibuf	*b;
	struct edit	*e;
	uint64_t	 at = 0;
	uint32_t	 i;

	/* Headers of frames come on top of what copy() limits. */
	b = ibuf_dynamic(1024, 2 * CONTENT_84_MAX + EDITS_MAX *
	    BER_HEADER_MAX);
	if ((w->c->prefix = b) == NULL)
		return no_memory(w);
	for (i = 0; i < w->nedit; i++) {
		e = &w->edit[i];
		if (e->same)
			continue;
		if (ibuf_size(b) > CONTENT_84_MAX)
			return fail(w, "too much of the content is of 1988");
		if (copy(w, b, at, e->offset) == -1)
			return -1;
		if (e->octets != NULL && ibuf_add_ibuf(b, e->octets) == -1)
			return no_memory(w);
		at = e->offset + e->len;
	}
	w->c->offset = at;
	return 0;
}

int
content_84(content_read *fn, void *arg, uint64_t len, struct content_84 *c)
{
	struct walk	*w;
	uint32_t	 i;
	int		 r;

	memset(c, 0, sizeof(*c));
	if ((w = calloc(1, sizeof(*w))) == NULL) {
		c->unreadable = 1;
		strlcpy(c->why, "out of memory", sizeof(c->why));
		return -1;
	}
	w->read = fn;
	w->arg = arg;
	w->len = len;
	w->c = c;
	r = information_object(w);
	if (r == 0)
		r = put_together(w);
	for (i = 0; i < w->nedit; i++)
		ibuf_free(w->edit[i].octets);
	free(w->edit);
	free(w);
	return r;
}

void
content_84_free(struct content_84 *c)
{
	ibuf_free(c->prefix);
	c->prefix = NULL;
}
