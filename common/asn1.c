/* SPDX-License-Identifier: ISC */

/*
 * The engine behind the type tables of asn1.h: what decoding, encoding and
 * printing have in common, and decoding (X.208 for types, X.209 for forms).
 */

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "asn1.h"
#include "asn1_internal.h"
#include "oid.h"

struct asn1_piece {
	struct asn1_piece	*next;
	size_t			 size;
	uint64_t		 data[];
};

#define ALIGN(n)	(((n) + 7) & ~(size_t)7)
#define PIECE_SIZE	4096

void
asn1_memory_init(struct asn1_memory *m, size_t max)
{
	m->pieces = NULL;
	m->used = m->total = 0;
	m->max = max;
}

void *
asn1_memory_alloc(struct asn1_memory *m, size_t n)
{
	struct asn1_piece	*piece;
	size_t			 size;
	void			*p;

	if (n > m->max || m->total > m->max - n)
		return NULL;
	n = ALIGN(n);
	if (m->pieces == NULL && n <= sizeof(m->first) - m->used) {
		p = (uint8_t *)m->first + m->used;
		m->used += n;
		m->total += n;
		memset(p, 0, n);
		return p;
	}
	if (m->pieces == NULL || n > m->pieces->size - m->used) {
		size = n > PIECE_SIZE ? n : PIECE_SIZE;
		if ((piece = calloc(1, sizeof(*piece) + size)) == NULL)
			return NULL;
		piece->size = size;
		piece->next = m->pieces;
		m->pieces = piece;
		m->used = 0;
	}
	p = (uint8_t *)m->pieces->data + m->used;
	m->used += n;
	m->total += n;
	return p;
}

void
asn1_memory_free(struct asn1_memory *m)
{
	struct asn1_piece	*piece;

	while ((piece = m->pieces) != NULL) {
		m->pieces = piece->next;
		free(piece);
	}
	asn1_memory_init(m, m->max);
}

void
asn1_init(struct asn1 *a, struct asn1_memory *m)
{
	a->memory = m;
	a->depth = 0;
	a->holder = NULL;
	a->error[0] = '\0';
}

/* Writes the path and what is wrong; the first error stays. */
int
asn1_fail(struct asn1 *a, const char *fmt, ...)
{
	va_list	ap;
	size_t	n = 0;
	int	i, r;

	if (a->error[0] != '\0')
		return -1;
	for (i = 0; i < a->depth && n < sizeof(a->error) - 64; i++) {
		if (a->path[i].index >= 0)
			r = snprintf(a->error + n, sizeof(a->error) - n,
			    "[%lld]", (long long)a->path[i].index);
		else
			r = snprintf(a->error + n, sizeof(a->error) - n,
			    "%s%s", i > 0 ? "." : "", a->path[i].name);
		n += r;
	}
	if (n > sizeof(a->error) - 64)
		n = sizeof(a->error) - 64;
	n += snprintf(a->error + n, sizeof(a->error) - n, ": ");
	va_start(ap, fmt);
	vsnprintf(a->error + n, sizeof(a->error) - n, fmt, ap);
	va_end(ap);
	return -1;
}

int
asn1_push(struct asn1 *a, const char *name, int64_t idx)
{
	if (a->depth == ASN1_PATH_MAX)
		return asn1_fail(a, "nested too deep");
	a->path[a->depth].name = name;
	a->path[a->depth].index = idx;
	a->depth++;
	return 0;
}

void
asn1_pop(struct asn1 *a)
{
	a->depth--;
}

const char *
asn1_tag_name(uint32_t tag, char *buf, size_t size)
{
	static const char	*class[] = {
		"UNIVERSAL ", "APPLICATION ", "", "PRIVATE "
	};

	snprintf(buf, size, "[%s%u]", class[BER_CLASS(tag)], BER_NUMBER(tag));
	return buf;
}

static int
asn1_type_matches(const struct asn1_type *type, uint32_t tag)
{
	uint32_t	i;

	if (type->tag != 0)
		return type->tag == tag;
	switch (type->kind) {
	case ASN1_ANY:
	case ASN1_OPEN_TYPE:
		return 1;
	case ASN1_STRING:
		return tag < 32 && (type->strings & ASN1_S(tag)) != 0;
	case ASN1_CHOICE:
		for (i = 0; i < type->nfield; i++)
			if (asn1_field_matches(&type->field[i], tag))
				return 1;
		return 0;
	default:
		return 0;
	}
}

int
asn1_field_matches(const struct asn1_field *field, uint32_t tag)
{
	if (field->flags & ASN1_OTHERS)
		return 0;
	if (field->alt != 0 && field->alt == tag)
		return 1;
	if (field->tag != 0)
		return field->tag == tag;
	return asn1_type_matches(field->type, tag);
}

static int	decode_type(struct asn1 *, const struct asn1_type *,
		    struct ber *, const struct ber_element *, int, void *);

static int
decode_next(struct asn1 *a, struct ber *b, struct ber_element *e)
{
	int	n;

	if ((n = ber_next(b, e)) == -1)
		asn1_fail(a, "%s", b->why);
	return n;
}

static int
decode_skip(struct asn1 *a, struct ber *b, const struct ber_element *e)
{
	return ber_skip(b, e) == -1 ? asn1_fail(a, "%s", b->why) : 0;
}

/* The inner level must be at its end; then goes on behind it. */
static int
decode_leave(struct asn1 *a, struct ber *b, struct ber *in)
{
	struct ber_element	e;
	char			name[40];
	int			n;

	if ((n = decode_next(a, in, &e)) == -1)
		return -1;
	if (n == 1)
		return asn1_fail(a, "unexpected element %s",
		    asn1_tag_name(e.h.tag, name, sizeof(name)));
	ber_leave(b, in);
	return 0;
}

static int
decode_integer(struct asn1 *a, const struct asn1_type *type, struct ber *b,
    const struct ber_element *e, int64_t *value)
{
	const uint8_t	*p = e->value;
	uint64_t	 i, v;

	if (e->h.constructed)
		return asn1_fail(a, "constructed INTEGER");
	if (e->h.len == 0)
		return asn1_fail(a, "INTEGER without contents");
	v = p[0] & 0x80 ? UINT64_MAX : 0;
	for (i = 0; i < e->h.len; i++) {
		/* Octets that only repeat the sign do no harm. */
		if (i + 8 < e->h.len && p[i] != (uint8_t)v)
			return asn1_fail(a, "INTEGER too large");
		v = v << 8 | p[i];
	}
	if (e->h.len > 8 && ((v >> 63) & 1) != (p[0] >> 7))
		return asn1_fail(a, "INTEGER too large");
	*value = (int64_t)v;
	if (*value < type->min || *value > type->max)
		return asn1_fail(a, "%lld is not in %lld..%lld",
		    (long long)*value, (long long)type->min,
		    (long long)type->max);
	b->p = e->value + e->h.len;
	return 0;
}

/*
 * The contents of a string, primitive or constructed (X.690 8.7, 8.21), bit
 * strings with their initial octets.  Called with buf NULL it measures.
 * Segments are OCTET STRINGs, or of the type itself as older editions read.
 */
static int
string_contents(struct asn1 *a, struct ber *b, const struct ber_element *e,
    uint32_t own, int depth, uint8_t *buf, uint64_t *len, uint8_t *unused)
{
	struct ber		in;
	struct ber_element	ie;
	const uint8_t		*p = e->value;
	uint64_t		 n = e->h.len;
	int			 r;

	if (!e->h.constructed) {
		if (own == BER_BIT_STRING) {
			if (*unused != 0)
				return asn1_fail(a, "unused bits inside");
			if (n == 0 || p[0] > 7 || (n == 1 && p[0] != 0))
				return asn1_fail(a, "bad count of unused bits");
			*unused = p[0];
			p++, n--;
		}
		if (buf != NULL)
			memcpy(buf + *len, p, n);
		*len += n;
		b->p = e->value + e->h.len;
		return 0;
	}
	if (depth == ASN1_SEGMENT_DEPTH)
		return asn1_fail(a, "string nested too deep");
	ber_enter(b, e, &in);
	while ((r = decode_next(a, &in, &ie)) == 1) {
		if (ie.h.tag != own && (ie.h.tag != BER_OCTET_STRING ||
		    own == BER_BIT_STRING))
			return asn1_fail(a, "string of something else");
		if (string_contents(a, &in, &ie, own, depth + 1, buf, len,
		    unused) == -1)
			return -1;
	}
	if (r == -1)
		return -1;
	ber_leave(b, &in);
	return 0;
}

/* One run of octets, copied only when the string is constructed. */
static int
string_flatten(struct asn1 *a, struct ber *b, const struct ber_element *e,
    uint32_t own, uint64_t max, const uint8_t **p, uint64_t *len,
    uint8_t *unused)
{
	struct ber	 again = *b;
	uint8_t		*buf;

	*len = 0;
	*unused = 0;
	*p = e->value;
	if (string_contents(a, b, e, own, 0, NULL, len, unused) == -1)
		return -1;
	if (*len > max)
		return asn1_fail(a, "%llu octets, limit %llu",
		    (unsigned long long)*len, (unsigned long long)max);
	if (!e->h.constructed) {
		*p += own == BER_BIT_STRING ? 1 : 0;
		return 0;
	}
	if ((buf = asn1_memory_alloc(a->memory, *len + 1)) == NULL)
		return asn1_fail(a, "out of memory");
	*p = buf;
	*len = 0;
	*unused = 0;
	return string_contents(a, &again, e, own, 0, buf, len, unused);
}

static int
decode_bits(struct asn1 *a, const struct asn1_type *type, struct ber *b,
    const struct ber_element *e, struct asn1_bits *bits)
{
	uint64_t	len;
	uint8_t		unused;

	if (string_flatten(a, b, e, BER_BIT_STRING, ((uint64_t)type->max + 7) / 8,
	    &bits->p, &len, &unused) == -1)
		return -1;
	bits->nbits = len * 8 - unused;
	return 0;
}

int
asn1_width(uint32_t tag)
{
	return tag == BER_BMP_STRING ? 2 : tag == BER_UNIVERSAL_STRING ? 4 :
	    1;
}

int
asn1_check_string(struct asn1 *a, const struct asn1_type *type,
    const struct asn1_octets *s)
{
	uint64_t	i, w = asn1_width(s->tag);

	if (s->len % w != 0)
		return asn1_fail(a, "half a character");
	if (s->len / w < (uint64_t)type->min ||
	    s->len / w > (uint64_t)type->max)
		return asn1_fail(a, "%llu %s, limits %llu..%llu",
		    (unsigned long long)(s->len / w),
		    w > 1 ? "characters" : "octets",
		    (unsigned long long)type->min,
		    (unsigned long long)type->max);
	if ((type->flags & ASN1_GRAPHIC) && s->tag != BER_T61_STRING)
		for (i = 0; i < s->len; i++)
			if (s->p[i] < 0x20 || s->p[i] > 0x7e)
				return asn1_fail(a, "character 0x%02x",
				    s->p[i]);
	if (type->kind == ASN1_TIME)
		for (i = 0; i < s->len; i++)
			if (strchr("0123456789+-Z", s->p[i]) == NULL ||
			    s->p[i] == '\0')
				return asn1_fail(a, "character 0x%02x in a "
				    "time", s->p[i]);
	return 0;
}

static int
decode_string(struct asn1 *a, const struct asn1_type *type, struct ber *b,
    const struct ber_element *e, int implicit, struct asn1_octets *s)
{
	uint64_t	max;
	uint8_t		unused;

	if (type->kind == ASN1_TIME)
		s->tag = BER_UTC_TIME;
	else if (implicit || type->tag != 0)
		s->tag = type->string;
	else
		s->tag = e->h.tag;
	max = type->max;
	if (asn1_width(s->tag) > 1)
		max *= asn1_width(s->tag);
	if (string_flatten(a, b, e, s->tag, max, &s->p, &s->len,
	    &unused) == -1)
		return -1;
	return asn1_check_string(a, type, s);
}

/* A member that no row knows goes, as it is, behind those before it. */
static int
decode_other(struct asn1 *a, struct ber *b, const struct ber_element *e,
    uint64_t max, struct asn1_octets *s)
{
	uint64_t	 n, room;
	uint8_t		*buf;

	if (decode_skip(a, b, e) == -1)
		return -1;
	n = b->p - e->start;
	if (n > max || s->len > max - n)
		return asn1_fail(a, "other members of more than %llu octets",
		    (unsigned long long)max);
	if (s->len == 0)
		s->p = e->start;
	else if (s->tag != 0 || s->p + s->len != e->start) {
		/* Room is a power of two: copied a few times at most. */
		for (room = 64; room < s->len + n; room *= 2)
			;
		if (s->tag == 0 || room > s->tag) {
			buf = asn1_memory_alloc(a->memory, room);
			if (buf == NULL)
				return asn1_fail(a, "out of memory");
			memcpy(buf, s->p, s->len);
			s->p = buf;
			s->tag = room;
		} else
			buf = (uint8_t *)(uintptr_t)s->p;
		memcpy(buf + s->len, e->start, n);
	}
	s->len += n;
	return 0;
}

static int
decode_field(struct asn1 *a, const struct asn1_field *field, struct ber *b,
    const struct ber_element *e, void *value)
{
	struct ber		 in;
	struct ber_element	 ie;
	int			 alt = field->alt != 0 &&
				    e->h.tag == field->alt;

	if ((field->flags & ASN1_EXPLICIT) == 0 || alt)
		return decode_type(a, field->type, b, e, field->tag != 0 || alt,
		    value);
	if (!e->h.constructed) {
		/* Seen: the string itself right under the explicit tag. */
		if (field->type->kind == ASN1_STRING)
			return decode_type(a, field->type, b, e, 1, value);
		return asn1_fail(a, "primitive");
	}
	ber_enter(b, e, &in);
	switch (decode_next(a, &in, &ie)) {
	case -1:
		return -1;
	case 0:
		return asn1_fail(a, "empty");
	}
	if (!asn1_type_matches(field->type, ie.h.tag))
		return asn1_fail(a, "not a %s", field->type->name);
	if (decode_type(a, field->type, &in, &ie, 0, value) == -1)
		return -1;
	return decode_leave(a, b, &in);
}

/* What was not there: defaults, and the check that nothing is missing. */
static int
decode_absent(struct asn1 *a, const struct asn1_type *type,
    struct asn1_members *m)
{
	const struct asn1_field	*field;
	uint32_t		 i;

	for (i = 0; i < type->nfield; i++) {
		field = &type->field[i];
		if (m->present >> i & 1)
			continue;
		if ((field->flags & ASN1_DEFAULT) &&
		    field->type->kind == ASN1_INTEGER)
			*(int64_t *)(void *)((uint8_t *)m + field->offset) =
			    field->dflt;
		else if ((field->flags &
		    (ASN1_OPTIONAL | ASN1_DEFAULT | ASN1_OTHERS)) == 0)
			return asn1_fail(a, "no %s", field->name);
	}
	return 0;
}

static int
decode_unknown(struct asn1 *a, const struct asn1_type *type, struct ber *b,
    const struct ber_element *e, struct asn1_members *m)
{
	char		name[40];
	uint32_t	i;

	for (i = 0; i < type->nfield; i++) {
		if ((type->field[i].flags & ASN1_OTHERS) == 0)
			continue;
		m->present |= 1u << i;
		return decode_other(a, b, e, type->field[i].type->max,
		    (void *)((uint8_t *)m + type->field[i].offset));
	}
	if (type->flags & ASN1_OPEN)
		return decode_skip(a, b, e);
	return asn1_fail(a, "unexpected element %s",
	    asn1_tag_name(e->h.tag, name, sizeof(name)));
}

/* SEQUENCE and SET.  In a SEQUENCE rows are taken in their order. */
static int
decode_members(struct asn1 *a, const struct asn1_type *type, struct ber *b,
    const struct ber_element *e, struct asn1_members *m)
{
	const struct asn1_field	*field;
	struct ber		 in;
	struct ber_element	 ie;
	uint32_t		 i, row = 0;
	int			 n;

	if (!e->h.constructed)
		return asn1_fail(a, "primitive");
	ber_enter(b, e, &in);
	while ((n = decode_next(a, &in, &ie)) == 1) {
		for (i = row; i < type->nfield; i++)
			if (asn1_field_matches(&type->field[i], ie.h.tag))
				break;
		if (i == type->nfield) {
			if (decode_unknown(a, type, &in, &ie, m) == -1)
				return -1;
			continue;
		}
		field = &type->field[i];
		if (asn1_push(a, field->name, -1) == -1)
			return -1;
		if (m->present >> i & 1)
			return asn1_fail(a, "there twice");
		m->present |= 1u << i;
		if (type->kind == ASN1_SEQUENCE)
			row = i + 1;
		a->holder = m;
		if (decode_field(a, field, &in, &ie,
		    (uint8_t *)m + field->offset) == -1)
			return -1;
		asn1_pop(a);
	}
	if (n == -1 || decode_absent(a, type, m) == -1)
		return -1;
	ber_leave(b, &in);
	return 0;
}

static int
decode_choice(struct asn1 *a, const struct asn1_type *type, struct ber *b,
    const struct ber_element *e, struct asn1_choice *c)
{
	char		name[40];
	uint32_t	i;

	for (i = 0; i < type->nfield; i++)
		if (asn1_field_matches(&type->field[i], e->h.tag))
			break;
	if (i == type->nfield)
		return asn1_fail(a, "unexpected element %s",
		    asn1_tag_name(e->h.tag, name, sizeof(name)));
	c->chosen = i;
	if (asn1_push(a, type->field[i].name, -1) == -1 ||
	    decode_field(a, &type->field[i], b, e,
	    (uint8_t *)c + type->field[i].offset) == -1)
		return -1;
	asn1_pop(a);
	return 0;
}

/* Elements are counted, and the count checked, before memory is taken. */
static int
decode_list(struct asn1 *a, const struct asn1_type *type, struct ber *b,
    const struct ber_element *e, struct asn1_list *list)
{
	struct ber		in;
	struct ber_element	ie;
	int64_t			count = 0, i;
	int			n;

	if (!e->h.constructed)
		return asn1_fail(a, "primitive");
	ber_enter(b, e, &in);
	while ((n = decode_next(a, &in, &ie)) == 1) {
		if (++count > type->max)
			return asn1_fail(a, "more than %lld elements",
			    (long long)type->max);
		if (decode_skip(a, &in, &ie) == -1)
			return -1;
	}
	if (n == -1)
		return -1;
	if (count < type->min)
		return asn1_fail(a, "%lld elements, at least %lld are due",
		    (long long)count, (long long)type->min);
	list->n = count;
	list->p = NULL;
	if (count > 0 && (list->p = asn1_memory_alloc(a->memory,
	    (size_t)count * type->of->size)) == NULL)
		return asn1_fail(a, "out of memory");
	ber_enter(b, e, &in);
	for (i = 0; i < count; i++) {
		if (asn1_push(a, NULL, i) == -1 ||
		    asn1_decode(a, type->of, &in,
		    (uint8_t *)list->p + i * type->of->size) == -1)
			return -1;
		asn1_pop(a);
	}
	return decode_leave(a, b, &in);
}

static int
decode_any(struct asn1 *a, const struct asn1_type *type, struct ber *b,
    const struct ber_element *e, struct asn1_octets *s)
{
	if (decode_skip(a, b, e) == -1)
		return -1;
	s->p = e->start;
	s->len = b->p - e->start;
	if (s->len > (uint64_t)type->max)
		return asn1_fail(a, "%llu octets, limit %llu",
		    (unsigned long long)s->len,
		    (unsigned long long)type->max);
	return 0;
}

static int
decode_oid(struct asn1 *a, struct ber *b, const struct ber_element *e,
    struct asn1_octets *s)
{
	char	text[UB_OID_TEXT + 1];

	if (e->h.constructed)
		return asn1_fail(a, "constructed OBJECT IDENTIFIER");
	s->p = e->value;
	s->len = e->h.len;
	if (oid_to_text(s->p, s->len, text) == -1)
		return asn1_fail(a, "malformed OBJECT IDENTIFIER");
	b->p = e->value + e->h.len;
	return 0;
}

/* Taken whole, and again by the type that it has turned out to be of. */
static int
decode_open(struct asn1 *a, const struct asn1_type *type, struct ber *b,
    const struct ber_element *e, struct asn1_open *open)
{
	struct ber	again = *b;
	char		name[40];

	open->type = type->by(a->holder);
	if (decode_any(a, type, b, e, &open->octets) == -1)
		return -1;
	if (open->type == NULL)
		return 0;
	if (!asn1_type_matches(open->type, e->h.tag))
		return asn1_fail(a, "element %s is not a %s",
		    asn1_tag_name(e->h.tag, name, sizeof(name)),
		    open->type->name);
	if ((open->value = asn1_memory_alloc(a->memory, open->type->size)) ==
	    NULL)
		return asn1_fail(a, "out of memory");
	return decode_type(a, open->type, &again, e, 0, open->value);
}

/* Header read, cursor at the contents.  implicit: the tag is another's. */
static int
decode_type(struct asn1 *a, const struct asn1_type *type, struct ber *b,
    const struct ber_element *e, int implicit, void *value)
{
	struct asn1_octets	*s;
	struct ber		 in;
	struct ber_element	 inner, *ie = &inner;
	int			 r;

	if ((type->flags & ASN1_TAGGED) && !implicit) {
		/* A tagged CHOICE of strings. */
		if (!e->h.constructed)
			return decode_string(a, type, b, e, 1, value);
		ber_enter(b, e, &in);
		if ((r = decode_next(a, &in, ie)) == -1)
			return -1;
		if (r == 0)
			return asn1_fail(a, "empty");
		if (ie->h.tag >= 32 ||
		    (type->strings & ASN1_S(ie->h.tag)) == 0)
			return asn1_fail(a, "not a %s", type->name);
		if (decode_string(a, type, &in, ie, 0, value) == -1)
			return -1;
		s = value;
		s->tag = ie->h.tag;
		return decode_leave(a, b, &in);
	}
	switch (type->kind) {
	case ASN1_SEQUENCE:
	case ASN1_SET:
		return decode_members(a, type, b, e, value);
	case ASN1_CHOICE:
		return decode_choice(a, type, b, e, value);
	case ASN1_SEQUENCE_OF:
		return decode_list(a, type, b, e, value);
	case ASN1_INTEGER:
		return decode_integer(a, type, b, e, value);
	case ASN1_BIT_STRING:
		return decode_bits(a, type, b, e, value);
	case ASN1_STRING:
	case ASN1_TIME:
		return decode_string(a, type, b, e, implicit, value);
	case ASN1_NULL:
		*(uint8_t *)value = 1;
		return decode_skip(a, b, e);
	case ASN1_ANY:
		return decode_any(a, type, b, e, value);
	case ASN1_OID:
		return decode_oid(a, b, e, value);
	case ASN1_OPEN_TYPE:
		return decode_open(a, type, b, e, value);
	}
	return asn1_fail(a, "no such kind");
}

int
asn1_decode(struct asn1 *a, const struct asn1_type *type, struct ber *b,
    void *value)
{
	struct ber_element	e;
	char			name[40];
	int			top = a->depth == 0, n;

	if (top && asn1_push(a, type->name, -1) == -1)
		return -1;
	if ((n = decode_next(a, b, &e)) == -1)
		return -1;
	if (n == 0)
		return asn1_fail(a, "missing");
	if (!asn1_type_matches(type, e.h.tag))
		return asn1_fail(a, "element %s is not a %s",
		    asn1_tag_name(e.h.tag, name, sizeof(name)), type->name);
	if (decode_type(a, type, b, &e, 0, value) == -1)
		return -1;
	if (top)
		asn1_pop(a);
	return 0;
}

int
asn1_decode_tagged(struct asn1 *a, const struct asn1_type *type,
    struct ber *b, void *value)
{
	struct ber_element	e;
	int			n;

	if ((n = decode_next(a, b, &e)) == -1)
		return -1;
	if (n == 0)
		return asn1_fail(a, "missing");
	return decode_type(a, type, b, &e, 1, value);
}

int
asn1_decode_all(struct asn1 *a, const struct asn1_type *type, const void *p,
    size_t len, void *value)
{
	struct ber	b;

	ber_init(&b, p, len);
	if (asn1_decode(a, type, &b, value) == -1)
		return -1;
	if (b.p != b.end) {
		asn1_push(a, type->name, -1);
		return asn1_fail(a, "%zu octets behind it",
		    (size_t)(b.end - b.p));
	}
	return 0;
}
