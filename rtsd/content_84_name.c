/* SPDX-License-Identifier: ISC */

/*
 * O/R names in a content of 1988 (X.411-1988 8.5.5, figure 5) as ones of
 * 1984.  Names that have nothing of 1988 are left as they are, so those of
 * 1984 go octet for octet.
 *
 * Attributes are read by hand and no further than there is use: a universal
 * form is only looked for one of 1984 beside it, and strings in segments,
 * which nobody makes in a name, are refused.
 */

#include <stdlib.h>
#include <string.h>

#include "downgrade.h"
#include "imsg.h"
#include "oraddr.h"
#include "orname.h"
#include "content_84.h"

#define NAME_MEMORY_MAX	(1024 * 1024)

enum kind {
	K_NONE, K_STRING, K_PERSON, K_UNITS, K_DDAS, K_PDS, K_LINES,
	K_NETWORK, K_TERMINAL,
	K_UNIVERSAL		/* other form of an attribute of that type */
};

/* ExtensionAttributeTable, by number */
static const struct {
	uint8_t	type;		/* enum or_type, the first of several */
	uint8_t	kind;
} table[] = {
	[1] = { OR_CN, K_STRING },
	[2] = { OR_CN, K_STRING },
	[3] = { OR_O, K_STRING },
	[4] = { OR_S, K_PERSON },
	[5] = { OR_OU1, K_UNITS },
	[6] = { OR_DDA, K_DDAS },
	[7] = { OR_PD_SERVICE, K_STRING },
	[8] = { OR_PD_C, K_STRING },
	[9] = { OR_PD_CODE, K_STRING },
	[10] = { OR_PD_OFFICE, K_PDS },
	[11] = { OR_PD_OFFICE_NUM, K_PDS },
	[12] = { OR_PD_EXT_ADDRESS, K_PDS },
	[13] = { OR_PD_PN, K_PDS },
	[14] = { OR_PD_O, K_PDS },
	[15] = { OR_PD_EXT_DELIVERY, K_PDS },
	[16] = { OR_PD_ADDRESS, K_LINES },
	[17] = { OR_PD_STREET, K_PDS },
	[18] = { OR_PD_BOX, K_PDS },
	[19] = { OR_PD_RESTANTE, K_PDS },
	[20] = { OR_PD_UNIQUE, K_PDS },
	[21] = { OR_PD_LOCAL, K_PDS },
	[22] = { OR_ISDN, K_NETWORK },
	[23] = { OR_T_TY, K_TERMINAL },
	[24] = { OR_CN, K_UNIVERSAL },
	[25] = { OR_O, K_UNIVERSAL },
	[26] = { OR_S, K_UNIVERSAL },
	[27] = { OR_OU1, K_UNIVERSAL },
	[28] = { OR_DDA, K_UNIVERSAL },
	[29] = { OR_PD_OFFICE, K_UNIVERSAL },
	[30] = { OR_PD_OFFICE_NUM, K_UNIVERSAL },
	[31] = { OR_PD_EXT_ADDRESS, K_UNIVERSAL },
	[32] = { OR_PD_PN, K_UNIVERSAL },
	[33] = { OR_PD_O, K_UNIVERSAL },
	[34] = { OR_PD_EXT_DELIVERY, K_UNIVERSAL },
	[35] = { OR_PD_ADDRESS, K_UNIVERSAL },
	[36] = { OR_PD_STREET, K_UNIVERSAL },
	[37] = { OR_PD_BOX, K_UNIVERSAL },
	[38] = { OR_PD_RESTANTE, K_UNIVERSAL },
	[39] = { OR_PD_UNIQUE, K_UNIVERSAL },
	[40] = { OR_PD_LOCAL, K_UNIVERSAL },
};
#define NTABLE	(sizeof(table) / sizeof(table[0]))

/* Members [0] to [3] of TeletexPersonalName */
static const uint8_t	person[] = { OR_S, OR_G, OR_I, OR_Q };

struct name {
	struct message	*m;
	const char	*why;
	struct or_attr	 attr[UB_OR_ATTRIBUTES];
	uint16_t	 n;
	uint64_t	 universal;	/* types that have such a form */
};
_Static_assert(OR_TYPE_MAX <= 64, "universal has a bit for each type");

static int
fail(struct name *v, const char *why)
{
	if (v->why == NULL)
		v->why = why;
	return -1;
}

static int
malformed(struct name *v)
{
	return fail(v, "an O/R name is malformed");
}

static int
charset_of(uint32_t tag)
{
	if (tag == BER_NUMERIC_STRING)
		return OR_NUMERIC;
	return tag == BER_T61_STRING ? OR_TELETEX : OR_PRINTABLE;
}

static struct or_attr *
add(struct name *v, int type, int charset, const void *p, size_t len)
{
	struct or_attr	*a = &v->attr[v->n];

	if (v->n == UB_OR_ATTRIBUTES || len > UB_OR_VALUE) {
		fail(v, "an O/R name is too long");
		return NULL;
	}
	memset(a, 0, sizeof(*a));
	a->type = type;
	a->charset = charset;
	a->len = len;
	if ((a->value = message_memdup(v->m, p, len)) == NULL) {
		fail(v, "out of memory");
		return NULL;
	}
	v->n++;
	return a;
}

/* The next element of the level, a string of characters: 1, 0, -1. */
static int
next_string(struct name *v, struct ber *level, struct ber_element *e)
{
	int	n;

	if ((n = ber_next(level, e)) == -1 || (n == 1 && e->h.constructed))
		return malformed(v);
	if (n == 1 && ber_skip(level, e) == -1)
		return malformed(v);
	return n;
}

static int
get_string(struct name *v, struct ber *level, int type)
{
	struct ber_element	e;
	struct ber		inner;
	int			n;

	/* CHOICE of strings under a tag: a country, with its own */
	if ((n = ber_next(level, &e)) != 1)
		return malformed(v);
	if (!e.h.constructed) {
		if (ber_skip(level, &e) == -1)
			return malformed(v);
		return add(v, type, charset_of(e.h.tag), e.value,
		    e.h.len) == NULL ? -1 : 0;
	}
	ber_enter(level, &e, &inner);
	if (next_string(v, &inner, &e) != 1 ||
	    add(v, type, charset_of(e.h.tag), e.value, e.h.len) == NULL ||
	    next_string(v, &inner, &e) != 0)
		return malformed(v);
	ber_leave(level, &inner);
	return 0;
}

static int
get_person(struct name *v, struct ber *level)
{
	struct ber_element	e;
	uint32_t		i;
	int			n;

	while ((n = next_string(v, level, &e)) == 1) {
		i = e.h.tag - BER_CONTEXT(0);
		if (i >= sizeof(person) / sizeof(person[0]))
			return malformed(v);
		if (add(v, person[i], OR_TELETEX, e.value, e.h.len) == NULL)
			return -1;
	}
	return n;
}

static int
get_units(struct name *v, struct ber *level)
{
	struct ber_element	e;
	int			i, n;

	for (i = 0; (n = next_string(v, level, &e)) == 1; i++) {
		if (i == UB_OR_UNITS)
			return malformed(v);
		if (add(v, OR_OU1 + i, charset_of(e.h.tag), e.value,
		    e.h.len) == NULL)
			return -1;
	}
	return n;
}

static int
get_ddas(struct name *v, struct ber *level)
{
	struct ber_element	dda, type, value, end;
	struct ber		inner;
	struct or_attr		*a;
	int			n;

	while ((n = ber_next(level, &dda)) == 1) {
		if (dda.h.tag != BER_SEQUENCE || !dda.h.constructed)
			return malformed(v);
		ber_enter(level, &dda, &inner);
		if (next_string(v, &inner, &type) != 1 ||
		    next_string(v, &inner, &value) != 1 ||
		    next_string(v, &inner, &end) != 0)
			return malformed(v);
		ber_leave(level, &inner);
		if (type.h.len > UB_OR_VALUE)
			return malformed(v);
		if ((a = add(v, OR_DDA, charset_of(value.h.tag), value.value,
		    value.h.len)) == NULL)
			return -1;
		a->dda_charset = charset_of(type.h.tag);
		a->dda_len = type.h.len;
		if ((a->dda_type = message_memdup(v->m, type.value,
		    type.h.len)) == NULL)
			return fail(v, "out of memory");
	}
	return n == -1 ? malformed(v) : 0;
}

static int
get_pds(struct name *v, struct ber *level, int type)
{
	struct ber_element	e;
	int			n;

	while ((n = next_string(v, level, &e)) == 1)
		if (add(v, type, charset_of(e.h.tag), e.value, e.h.len) ==
		    NULL)
			return -1;
	return n;
}

/* UnformattedPostalAddress: the lines, a teletex string, or both. */
static int
get_lines(struct name *v, struct ber *level, int type)
{
	char			text[UB_OR_VALUE];
	struct ber_element	e, line;
	struct ber		inner;
	size_t			len = 0;
	int			n, lines = 0;

	while ((n = ber_next(level, &e)) == 1) {
		if (!e.h.constructed) {
			if (ber_skip(level, &e) == -1)
				return malformed(v);
			if (add(v, type, OR_TELETEX, e.value, e.h.len) ==
			    NULL)
				return -1;
			continue;
		}
		ber_enter(level, &e, &inner);
		while ((n = next_string(v, &inner, &line)) == 1) {
			if (line.h.len + 1 > sizeof(text) - len ||
			    memchr(line.value, '|', line.h.len) != NULL)
				return malformed(v);
			if (lines++ > 0)
				text[len++] = '|';
			memcpy(text + len, line.value, line.h.len);
			len += line.h.len;
		}
		if (n == -1)
			return -1;
		ber_leave(level, &inner);
		if (add(v, type, OR_PRINTABLE, text, len) == NULL)
			return -1;
	}
	return n == -1 ? malformed(v) : 0;
}

/* A SEQUENCE of two numbers, or [0] a PresentationAddress. */
static int
get_network(struct name *v, const struct ber_element *value,
    struct ber *level)
{
	struct ber_element	e;
	struct or_attr		*a;
	uint32_t		i;
	int			n;

	if (value->h.tag == BER_CONTEXT(0)) {
		if (value->h.indefinite)
			return malformed(v);
		a = add(v, OR_PSAP, OR_OCTETS, value->start,
		    value->value - value->start + value->h.len);
		if (a == NULL)
			return -1;
		a->value[0] = 0x20 | BER_SEQUENCE;
		level->p = level->end;
		return 0;
	}
	while ((n = next_string(v, level, &e)) == 1) {
		i = e.h.tag - BER_CONTEXT(0);
		if (i > 1)
			return malformed(v);
		if (add(v, i == 0 ? OR_ISDN : OR_ISDN_SUB, OR_NUMERIC,
		    e.value, e.h.len) == NULL)
			return -1;
	}
	return n;
}

static int
get_terminal(struct name *v, const struct ber_element *value)
{
	char	digit;

	if (value->h.len != 1 || value->value[0] > 9)
		return fail(v, "a terminal type is not known");
	digit = '0' + value->value[0];
	return add(v, OR_T_TY, OR_NUMERIC, &digit, 1) == NULL ? -1 : 0;
}

/* [1], the value, as what the number says; the cursor is in front of it. */
static int
get_value(struct name *v, struct ber *level, uint32_t number)
{
	struct ber_element	value;
	struct ber		inner, start = *level;
	int			type, r;

	if (number >= NTABLE || table[number].kind == K_NONE)
		return fail(v, "an extension attribute of an O/R name is not "
		    "known");
	type = table[number].type;
	if (table[number].kind == K_STRING) {
		if (get_string(v, level, type) == -1)
			return -1;
		return ber_next(level, &value) == 0 ? 0 : malformed(v);
	}
	if (ber_next(level, &value) != 1)
		return malformed(v);
	if (table[number].kind == K_UNIVERSAL) {
		v->universal |= UINT64_C(1) << type;
		r = ber_skip(level, &value);
		return r == -1 || ber_next(level, &value) != 0 ?
		    malformed(v) : 0;
	}
	if (table[number].kind == K_TERMINAL) {
		if (value.h.constructed || get_terminal(v, &value) == -1 ||
		    ber_skip(level, &value) == -1)
			return malformed(v);
		return ber_next(level, &value) == 0 ? 0 : malformed(v);
	}
	if (!value.h.constructed)
		return malformed(v);
	ber_enter(&start, &value, &inner);
	switch (table[number].kind) {
	case K_PERSON:
		r = get_person(v, &inner);
		break;
	case K_UNITS:
		r = get_units(v, &inner);
		break;
	case K_DDAS:
		r = get_ddas(v, &inner);
		break;
	case K_PDS:
		r = get_pds(v, &inner, type);
		break;
	case K_LINES:
		r = get_lines(v, &inner, type);
		break;
	default:
		r = get_network(v, &value, &inner);
		break;
	}
	if (r == -1)
		return -1;
	ber_leave(level, &inner);
	return ber_next(level, &value) == 0 ? 0 : malformed(v);
}

/* SET OF SEQUENCE { [0] INTEGER, [1] ANY DEFINED BY it } */
static int
get_extensions(struct name *v, struct ber *level)
{
	struct ber_element	e, number, value;
	struct ber		inner, in;
	int			n;

	while ((n = ber_next(level, &e)) == 1) {
		if (e.h.tag != BER_SEQUENCE || !e.h.constructed)
			return malformed(v);
		ber_enter(level, &e, &inner);
		if (ber_next(&inner, &number) != 1 ||
		    number.h.tag != BER_CONTEXT(0) || number.h.constructed ||
		    number.h.len != 1 || ber_skip(&inner, &number) == -1 ||
		    ber_next(&inner, &value) != 1 ||
		    value.h.tag != BER_CONTEXT(1) || !value.h.constructed)
			return malformed(v);
		ber_enter(&inner, &value, &in);
		if (get_value(v, &in, number.value[0]) == -1)
			return -1;
		ber_leave(&inner, &in);
		if (ber_next(&inner, &value) != 0)
			return malformed(v);
		ber_leave(level, &inner);
	}
	return n == -1 ? malformed(v) : 0;
}

/* The attributes of 1984, octets of one or two elements. */
static int
get_standard(struct name *v, const uint8_t *p, size_t len)
{
	struct asn1_memory	memory;
	struct asn1		a;
	struct ber_out		o;
	struct or_address	or;
	struct or_name		name;
	struct ibuf		*b;
	int			r = -1;

	memset(&name, 0, sizeof(name));
	memset(&or, 0, sizeof(or));
	asn1_memory_init(&memory, NAME_MEMORY_MAX);
	asn1_init(&a, &memory);
	ber_out_init(&o);
	ber_out_octets(&o, p, len);
	ber_out_header(&o, BER_APPLICATION(0), 1, 0);
	if ((b = ibuf_dynamic(len + 16, len + 64)) == NULL ||
	    ber_out_flush(&o, b) == -1)
		fail(v, "out of memory");
	else if (asn1_decode_all(&a, &type_or_name, ibuf_data(b),
	    ibuf_size(b), &name) == -1 ||
	    or_address_from_name(v->m, &or, &name) == -1)
		malformed(v);
	else {
		r = 0;
		if (or.nattr > 0)
			memcpy(v->attr, or.attr, or.nattr *
			    sizeof(*or.attr));
		v->n = or.nattr;
	}
	ber_out_free(&o);
	ibuf_free(b);
	asn1_memory_free(&memory);
	return r;
}

static int
put_name(struct name *v, struct or_address *or, uint32_t tag,
    struct ibuf *out)
{
	struct asn1_memory	memory;
	struct asn1		a;
	struct ber_out		o;
	struct or_name		name;
	const char		*why;
	size_t			at = ibuf_size(out);
	int			r = -1;

	asn1_memory_init(&memory, NAME_MEMORY_MAX);
	asn1_init(&a, &memory);
	ber_out_init(&o);
	if (or_name_from_address(&name, or, &memory, &why) == -1)
		fail(v, why);
	else if (asn1_encode(&a, &type_or_name, &name, &o) == -1)
		malformed(v);
	else if (ber_out_flush(&o, out) == -1)
		fail(v, "out of memory");
	else {
		/* Another tag of one octet in place of its own. */
		((uint8_t *)ibuf_data(out))[at] = 0x20 |
		    (BER_CLASS(tag) << 6) | BER_NUMBER(tag);
		r = 1;
	}
	ber_out_free(&o);
	asn1_memory_free(&memory);
	return r;
}

/* The types of which there is a universal form are there in another. */
static int
check_universal(struct name *v)
{
	uint64_t	types = v->universal;
	uint16_t	i;

	for (i = 0; i < v->n; i++)
		types &= ~(UINT64_C(1) << v->attr[i].type);
	return types == 0 ? 0 :
	    fail(v, "an attribute of an O/R name is universal only");
}

static int
convert(struct name *v, struct ber *level, uint32_t tag, struct ibuf *out)
{
	struct or_address	or;
	struct ber_element	e;
	struct ber		inner;
	const uint8_t		*start = level->p, *end = NULL;
	int			n, members = 0, of_1988 = 0, directory = 0;

	while ((n = ber_next(level, &e)) == 1) {
		if (e.h.tag == BER_SEQUENCE && members < 2 && !of_1988) {
			members++;
			if (ber_skip(level, &e) == -1)
				return malformed(v);
			end = level->p;
			continue;
		}
		if (members == 0)
			return malformed(v);
		if (!of_1988 && get_standard(v, start, end - start) == -1)
			return -1;
		of_1988 = 1;
		if (e.h.tag == BER_SET && e.h.constructed) {
			ber_enter(level, &e, &inner);
			if (get_extensions(v, &inner) == -1)
				return -1;
			ber_leave(level, &inner);
		} else if (e.h.tag == BER_CONTEXT(0)) {
			directory = 1;
			if (ber_skip(level, &e) == -1)
				return malformed(v);
		} else
			return malformed(v);
	}
	if (n == -1)
		return malformed(v);
	if (!of_1988)
		return 0;
	if (v->n == 0 && directory)
		return fail(v, "an O/R name that is a directory name only");
	if (check_universal(v) == -1)
		return -1;
	or = (struct or_address){ .attr = v->attr, .nattr = v->n };
	if (or_address_downgrade(v->m, &or, &v->why) == -1)
		return -1;
	v->why = NULL;
	return put_name(v, &or, tag, out);
}

int
content_84_name(struct ber *level, uint32_t tag, struct ibuf *out,
    const char **why)
{
	struct name	*v;
	int		 r = -1;

	*why = "out of memory";
	if ((v = calloc(1, sizeof(*v))) == NULL)
		return -1;
	if ((v->m = message_new()) != NULL) {
		if ((r = convert(v, level, tag, out)) == -1)
			*why = v->why;
		message_free(v->m);
	}
	free(v);
	return r;
}
