/* SPDX-License-Identifier: ISC */

/* See asn1_walk.h. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asn1_internal.h"
#include "asn1_walk.h"

/* What comes down to an element from where it stands. */
struct place {
	struct asn1_seen	 seen;
	int			 implicit;	/* the tag is another's */
	void			*value;		/* room for it */
	char			 chosen[128];
};

static int	walk_type(struct asn1_walk *, struct place *,
		    const struct asn1_type *, struct ber *);

const char *
asn1_universal_name(uint32_t tag)
{
	static const char *const names[31] = {
		NULL, "BOOLEAN", "INTEGER", "BIT STRING", "OCTET STRING",
		"NULL", "OBJECT IDENTIFIER", "ObjectDescriptor", "EXTERNAL",
		"REAL", "ENUMERATED", NULL, "UTF8String", NULL, NULL, NULL,
		"SEQUENCE", "SET", "NumericString", "PrintableString",
		"T61String", "VideotexString", "IA5String", "UTCTime",
		"GeneralizedTime", "GraphicString", "VisibleString",
		"GeneralString", "UniversalString", NULL, "BMPString"
	};

	return (tag < sizeof(names) / sizeof(names[0]) ? names[tag] : NULL);
}

static void
damage(struct asn1_walk *w, const uint8_t *at, const char *what)
{
	w->damage(w->arg, at, what);
}

/* Where an element that was just read ends; 0: nowhere. */
static uint64_t
whole_length(const struct ber *b, const struct ber_element *e)
{
	struct ber	c = *b;

	return (ber_skip(&c, e) == -1 ? 0 : (uint64_t)(c.p - e->start));
}

/* Octets that are missing are told of once, not at each level. */
static void
damage_at_end(struct asn1_walk *w, const struct ber *b, const char *what)
{
	if (w->cut != b->end)
		damage(w, b->p, what);
	w->cut = b->end;
}

/*
 * As ber_next, but an element that is longer than what holds it ends there,
 * and so does a level that lacks its end-of-contents.
 */
static int
next(struct asn1_walk *w, struct ber *b, struct ber_element *e)
{
	char		 text[160];
	const char	*why;
	int		 n;

	if (w->stop)
		return (-1);
	if ((n = ber_next(b, e)) != -1)
		return (n);
	if (b->p == b->end) {
		damage_at_end(w, b, "end-of-contents was expected");
		return (0);
	}
	n = ber_header(b->p, b->end - b->p, &e->h, &why);
	if (n == 0) {
		damage_at_end(w, b, "truncated: the rest of an identifier or "
		    "length was expected");
		return (-1);
	}
	if (n == -1 || e->h.tag == BER_EOC) {
		snprintf(text, sizeof(text), "%s: the header of an element%s "
		    "was expected", b->why, b->indefinite ?
		    " or end-of-contents" : "");
		damage(w, b->p, text);
		return (-1);
	}
	e->start = b->p;
	e->value = b->p + n;
	snprintf(text, sizeof(text), "truncated: %llu octets of contents were "
	    "expected, %llu are there", (unsigned long long)e->h.len,
	    (unsigned long long)(b->end - e->value));
	damage_at_end(w, b, text);
	e->h.len = b->end - e->value;
	b->p = e->value;
	return (1);
}

/* Behind an element; where that is not known, at the end of what holds it. */
static int
skip(struct asn1_walk *w, struct ber *b, const struct ber_element *e)
{
	if (ber_skip(b, e) == 0)
		return (0);
	damage_at_end(w, b, b->why);
	return (-1);
}

/* The outer level goes on behind the inner one, if need be as it says. */
static int
resume(struct ber *b, const struct ber_element *e, const struct ber *in,
    int broken)
{
	if (!e->h.indefinite)
		b->p = e->value + e->h.len;
	else if (broken)
		return (-1);
	else
		ber_leave(b, in);
	return (0);
}

static int
matches(const struct asn1_type *type, uint32_t tag)
{
	const struct asn1_field	f = { .type = type };

	return (asn1_field_matches(&f, tag));
}

static void
unexpected(struct asn1_walk *w, const struct ber_element *e,
    const char *expected)
{
	char	text[256], name[40];
	const char *u = asn1_universal_name(e->h.tag);

	snprintf(text, sizeof(text), "unexpected element %s%s%s%s: %s%s",
	    asn1_tag_name(e->h.tag, name, sizeof(name)), u != NULL ? " (" : "",
	    u != NULL ? u : "", u != NULL ? ")" : "", expected,
	    strcmp(expected, "nothing more") == 0 ? " was due" :
	    " was expected");
	damage(w, e->start, text);
}

/* What of a level is left over. */
static int
finish(struct asn1_walk *w, struct ber *b, const struct ber_element *e,
    struct ber *in)
{
	struct ber_element	ie;
	int			n;

	while ((n = next(w, in, &ie)) == 1) {
		unexpected(w, &ie, "nothing more");
		if ((n = skip(w, in, &ie)) == -1)
			break;
	}
	return (resume(b, e, in, n == -1));
}

static void
begin(struct place *pl, const char *name, const struct ber *b,
    const struct ber_element *e)
{
	memset(&pl->seen, 0, sizeof(pl->seen));
	pl->chosen[0] = '\0';
	pl->implicit = 0;
	pl->value = NULL;
	pl->seen.name = name;
	pl->seen.index = -1;
	pl->seen.e = *e;
	pl->seen.start = e->start;
	pl->seen.len = whole_length(b, e);
}

/* Without a table. */
static int
walk_raw(struct asn1_walk *w, struct place *pl, struct ber *b)
{
	struct ber_element	e = pl->seen.e, ie;
	struct ber		in;
	struct place		inner;
	int			n;

	pl->seen.type = NULL;
	pl->seen.chosen = pl->chosen[0] != '\0' ? pl->chosen : NULL;
	if (!e.h.constructed || w->depth >= ASN1_WALK_DEPTH) {
		if (e.h.constructed)
			damage(w, e.start, "nested too deep to be followed");
		w->seen_leaf(w->arg, &pl->seen);
		return (skip(w, b, &e));
	}
	w->depth++;
	w->seen_open(w->arg, &pl->seen);
	ber_enter(b, &e, &in);
	while ((n = next(w, &in, &ie)) == 1) {
		begin(&inner, NULL, &in, &ie);
		if ((n = walk_raw(w, &inner, &in)) == -1)
			break;
	}
	w->seen_close(w->arg);
	w->depth--;
	return (resume(b, &e, &in, n == -1));
}

/* Names of rows that could stand here, up to one that has to. */
static const char *
expected(const struct asn1_type *type, const struct asn1_members *m,
    uint32_t row, char *buf, size_t size)
{
	uint32_t	i, n = 0;
	size_t		used = 0;

	for (i = row; i < type->nfield; i++) {
		if ((m->present >> i & 1) || (type->field[i].flags &
		    ASN1_OTHERS))
			continue;
		if (n++ == 4) {
			strlcpy(buf + used, " ...", size - used);
			return (buf);
		}
		used += snprintf(buf + used, size - used, "%s%s", n > 1 ?
		    " or " : "", type->field[i].name);
		if (used >= size - 8)
			return (buf);
		if (type->kind == ASN1_SEQUENCE && (type->field[i].flags &
		    (ASN1_OPTIONAL | ASN1_DEFAULT)) == 0)
			return (buf);
	}
	return (n > 0 ? buf : "nothing more");
}

static int
walk_field(struct asn1_walk *w, struct place *pl,
    const struct asn1_field *field, struct ber *b)
{
	struct ber		in;
	struct ber_element	e = pl->seen.e;
	int			alt = field->alt != 0 &&
				    e.h.tag == field->alt;
	int			n;

	pl->seen.field = field;
	pl->implicit = field->tag != 0 || alt;
	if ((field->flags & ASN1_EXPLICIT) == 0 || alt || (!e.h.constructed &&
	    field->type->kind == ASN1_STRING))
		return (walk_type(w, pl, field->type, b));
	if (!e.h.constructed) {
		unexpected(w, &e, "an explicit tag, with an element in it,");
		return (walk_raw(w, pl, b));
	}
	ber_enter(b, &e, &in);
	if ((n = next(w, &in, &pl->seen.e)) != 1) {
		if (n == 0 && w->cut != in.end)
			damage(w, e.start, "empty: a value was expected");
		return (resume(b, &e, &in, n == -1));
	}
	pl->implicit = 0;
	if (!matches(field->type, pl->seen.e.h.tag)) {
		unexpected(w, &pl->seen.e, field->type->name);
		n = walk_raw(w, pl, &in);
	} else
		n = walk_type(w, pl, field->type, &in);
	return (n == -1 ? resume(b, &e, &in, 1) : finish(w, b, &e, &in));
}

static int
walk_member(struct asn1_walk *w, const struct asn1_type *type,
    struct asn1_members *m, uint32_t *row, struct ber *in,
    const struct ber_element *e)
{
	struct place	pl;
	uint32_t	i;
	char		text[200];

	begin(&pl, NULL, in, e);
	pl.seen.owner = type;
	pl.seen.holder = m;
	for (i = *row; i < type->nfield; i++)
		if (asn1_field_matches(&type->field[i], e->h.tag))
			break;
	if (i == type->nfield) {
		for (i = 0; i < type->nfield; i++)
			if (type->field[i].flags & ASN1_OTHERS)
				break;
		if (i == type->nfield && (type->flags & ASN1_OPEN) == 0)
			unexpected(w, e, expected(type, m, *row, text,
			    sizeof(text)));
		return (walk_raw(w, &pl, in));
	}
	pl.seen.name = type->field[i].name;
	if (m->present >> i & 1) {
		snprintf(text, sizeof(text), "%s is there twice",
		    pl.seen.name);
		damage(w, e->start, text);
		return (walk_raw(w, &pl, in));
	}
	m->present |= 1u << i;
	if (type->kind == ASN1_SEQUENCE)
		*row = i + 1;
	pl.value = (uint8_t *)m + type->field[i].offset;
	return (walk_field(w, &pl, &type->field[i], in));
}

static void
absent(struct asn1_walk *w, const struct asn1_type *type,
    const struct asn1_members *m, const uint8_t *at)
{
	uint32_t	i;
	char		text[160];

	for (i = 0; i < type->nfield; i++) {
		if ((m->present >> i & 1) || (type->field[i].flags &
		    (ASN1_OPTIONAL | ASN1_DEFAULT | ASN1_OTHERS)))
			continue;
		snprintf(text, sizeof(text), "%s ends without %s, which was "
		    "expected", type->name, type->field[i].name);
		damage(w, at, text);
	}
}

static int
walk_members(struct asn1_walk *w, struct place *pl,
    const struct asn1_type *type, struct ber *b)
{
	struct asn1_members	*m = pl->value;
	struct ber_element	 e = pl->seen.e, ie;
	struct ber		 in;
	uint32_t		 row = 0;
	int			 n;

	ber_enter(b, &e, &in);
	while ((n = next(w, &in, &ie)) == 1)
		if ((n = walk_member(w, type, m, &row, &in, &ie)) == -1)
			break;
	if (n == 0 && w->cut != in.end)
		absent(w, type, m, in.p);
	return (resume(b, &e, &in, n == -1));
}

/* In memory of its own.  A CHOICE moves what pl->value points to. */
static int
walk_own(struct asn1_walk *w, struct place *pl, const struct asn1_type *type,
    struct ber *b)
{
	void	*value;
	int	 r;

	if (!pl->implicit && !matches(type, pl->seen.e.h.tag)) {
		unexpected(w, &pl->seen.e, type->name);
		return (walk_raw(w, pl, b));
	}
	if ((pl->value = value = calloc(1, type->size)) == NULL) {
		damage(w, pl->seen.e.start, "out of memory");
		return (-1);
	}
	r = walk_type(w, pl, type, b);
	free(value);
	return (r);
}

static int
walk_list(struct asn1_walk *w, struct place *pl,
    const struct asn1_type *type, struct ber *b)
{
	struct ber_element	e = pl->seen.e, ie;
	struct ber		in;
	struct place		item;
	int64_t			count = 0;
	char			text[80];
	int			n;

	ber_enter(b, &e, &in);
	while ((n = next(w, &in, &ie)) == 1) {
		if (count == type->max) {
			snprintf(text, sizeof(text), "more than the %lld "
			    "elements that may be", (long long)type->max);
			damage(w, ie.start, text);
		}
		begin(&item, NULL, &in, &ie);
		item.seen.index = count++;
		item.seen.owner = type;
		n = walk_own(w, &item, type->of, &in);
		if (n == -1)
			break;
	}
	if (n == 0 && count < type->min && w->cut != in.end) {
		snprintf(text, sizeof(text), "%lld elements, at least %lld "
		    "were expected", (long long)count, (long long)type->min);
		damage(w, e.start, text);
	}
	return (resume(b, &e, &in, n == -1));
}

static int
walk_choice(struct asn1_walk *w, struct place *pl,
    const struct asn1_type *type, struct ber *b)
{
	struct asn1_choice	*c = pl->value;
	uint32_t		 i;

	for (i = 0; i < type->nfield; i++)
		if (asn1_field_matches(&type->field[i], pl->seen.e.h.tag))
			break;
	if (i == type->nfield) {
		unexpected(w, &pl->seen.e, type->name);
		return (walk_raw(w, pl, b));
	}
	c->chosen = i;
	if (pl->chosen[0] != '\0')
		strlcat(pl->chosen, ".", sizeof(pl->chosen));
	strlcat(pl->chosen, type->field[i].name, sizeof(pl->chosen));
	pl->seen.owner = type;
	pl->value = (uint8_t *)c + type->field[i].offset;
	return (walk_field(w, pl, &type->field[i], b));
}

/* Its type comes from what stands beside it. */
static int
walk_open(struct asn1_walk *w, struct place *pl,
    const struct asn1_type *type, struct ber *b)
{
	const struct asn1_type	*t = type->by(pl->seen.holder);

	return (t != NULL ? walk_own(w, pl, t, b) : walk_raw(w, pl, b));
}

/* A value of its own is decoded as the daemons do it. */
static int
walk_leaf(struct asn1_walk *w, struct place *pl,
    const struct asn1_type *type, struct ber *b)
{
	struct ber_element	e = pl->seen.e;
	struct ber		again = *b;
	struct asn1		a;
	const char		*why;
	char			text[256];

	asn1_init(&a, w->memory);
	again.p = e.start;
	if ((pl->implicit ? asn1_decode_tagged(&a, type, &again, pl->value) :
	    asn1_decode(&a, type, &again, pl->value)) == 0) {
		pl->seen.type = type;
		pl->seen.value = pl->value;
		w->seen_leaf(w->arg, &pl->seen);
		b->p = again.p;
		return (0);
	}
	if (w->cut != b->end) {
		why = strrchr(a.error, ':');
		snprintf(text, sizeof(text), "no %s as it should be: %s",
		    type->name, why != NULL ? why + 2 : a.error);
		damage(w, e.start, text);
	}
	return (walk_raw(w, pl, b));
}

/* Header read, cursor at the contents. */
static int
walk_type(struct asn1_walk *w, struct place *pl, const struct asn1_type *type,
    struct ber *b)
{
	int	r, list = type->kind == ASN1_SEQUENCE_OF;

	switch (type->kind) {
	case ASN1_SEQUENCE:
	case ASN1_SET:
	case ASN1_SEQUENCE_OF:
		break;
	case ASN1_CHOICE:
		return (walk_choice(w, pl, type, b));
	case ASN1_OPEN_TYPE:
		return (walk_open(w, pl, type, b));
	default:
		pl->seen.chosen = pl->chosen[0] != '\0' ? pl->chosen : NULL;
		return (walk_leaf(w, pl, type, b));
	}
	if (!pl->seen.e.h.constructed) {
		damage(w, pl->seen.e.start, "primitive: a constructed element "
		    "was expected");
		return (walk_raw(w, pl, b));
	}
	if (w->depth >= ASN1_WALK_DEPTH)
		return (walk_raw(w, pl, b));
	w->depth++;
	pl->seen.chosen = pl->chosen[0] != '\0' ? pl->chosen : NULL;
	pl->seen.type = type;
	w->seen_open(w->arg, &pl->seen);
	r = list ? walk_list(w, pl, type, b) : walk_members(w, pl, type, b);
	w->seen_close(w->arg);
	w->depth--;
	return (r);
}

int
asn1_walk(struct asn1_walk *w, const char *name,
    const struct asn1_type *type, int tagged, struct ber *b)
{
	struct ber_element	e;
	struct place		pl;
	int			n;

	if ((n = next(w, b, &e)) != 1) {
		if (n == 0 && w->cut != b->end)
			damage(w, b->p, "an element was expected");
		return (-1);
	}
	begin(&pl, name, b, &e);
	if (type == NULL)
		return (walk_raw(w, &pl, b));
	pl.implicit = tagged;
	return (walk_own(w, &pl, type, b));
}
