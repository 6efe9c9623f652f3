/* SPDX-License-Identifier: ISC */

/*
 * Extension attributes of O/R names (X.411 8.5.5, figure 5) made of struct
 * or_address.  See oraddr_88.c.
 */

#include <stdio.h>
#include <string.h>

#include "oraddr.h"
#include "orname.h"
#include "orname_88.h"

#define NAME_MEMORY_MAX	(1024 * 1024)	/* of one name */

struct out {
	struct asn1_memory	*memory;
	const char		*why;
	void			*value[XA_MAX + 1];
	uint32_t		 has[2];	/* units: teletex, universal */
};

static int
out_fail(struct out *o, const char *why)
{
	if (o->why == NULL)
		o->why = why;
	return -1;
}

static void *
out_alloc(struct out *o, size_t n)
{
	void	*p;

	if ((p = asn1_memory_alloc(o->memory, n)) == NULL)
		out_fail(o, "out of memory");
	return p;
}

/* The value of an extension attribute, which may be there already. */
static void *
value_of(struct out *o, int number)
{
	if (o->value[number] == NULL)
		o->value[number] = out_alloc(o,
		    or_extension_type(number)->size);
	return o->value[number];
}

static int
string_put(struct out *o, struct asn1_octets *s, const char *p, size_t len,
    uint32_t tag)
{
	if (s->tag != 0)
		return out_fail(o,
		    "an attribute is there twice in an O/R name");
	s->p = (const uint8_t *)p;
	s->len = len;
	s->tag = tag;
	return 0;
}

/* The next character of UTF-8, and how many octets; 0 when it is none. */
static int
utf8_get(const uint8_t *s, size_t len, uint32_t *c)
{
	static const uint32_t	least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	int			i, n;

	n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 :
	    s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
	if (n == 0 || (size_t)n > len)
		return 0;
	*c = n == 1 ? s[0] : s[0] & (0x3f >> (n - 1));
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (s[i] & 0x3f);
	}
	return *c >= least[n] && *c <= 0x10ffff ? n : 0;
}

/* BMPString where it does, else UniversalString. */
static int
universal_put(struct out *o, struct or_universal *v, const char *text,
    size_t len)
{
	const uint8_t	*s = (const uint8_t *)text;
	const char	*nul;
	uint32_t	 c, w = 2;
	size_t		 i, n = 0, end = len;
	uint8_t		*p;
	int		 used;

	if (ASN1_HAS(v, UN_TEXT))
		return out_fail(o,
		    "an attribute is there twice in an O/R name");
	if ((nul = memchr(text, '\0', len)) != NULL) {
		end = nul - text;
		ASN1_PUT(v, UN_LANGUAGE);
		string_put(o, &v->language, nul + 1, len - end - 1,
		    BER_PRINTABLE_STRING);
	}
	for (i = 0; i < end; i += used, n++) {
		if ((used = utf8_get(s + i, end - i, &c)) == 0)
			return out_fail(o, "a universal attribute is not in "
			    "UTF-8");
		if (c > 0xffff)
			w = 4;
	}
	if ((p = out_alloc(o, n * w + 1)) == NULL)
		return -1;
	ASN1_PUT(v, UN_TEXT);
	v->text.p = p;
	v->text.len = n * w;
	v->text.tag = w == 2 ? BER_BMP_STRING : BER_UNIVERSAL_STRING;
	for (i = 0; i < end; i += used) {
		used = utf8_get(s + i, end - i, &c);
		if (w == 4) {
			*p++ = c >> 24;
			*p++ = c >> 16;
		}
		*p++ = c >> 8;
		*p++ = c;
	}
	return 0;
}

static int
row_of(int type)
{
	int	i;

	for (i = 0; i < 3; i++)
		if (person_type[i] == type)
			break;
	return i;
}

/* One more structure at the end of a list that has room for all. */
static void *
list_more(struct out *o, struct asn1_list *list, size_t size)
{
	if (list->p == NULL)
		list->p = out_alloc(o, UB_OR_ATTRIBUTES * size);
	if (list->p == NULL)
		return NULL;
	return (uint8_t *)list->p + list->n++ * size;
}

static int
dda_put(struct out *o, struct asn1_list *list, const struct or_attr *attr)
{
	struct or_dda	*v;

	if ((v = list_more(o, list, sizeof(*v))) == NULL)
		return -1;
	v->a.present = 1 << DD_TYPE | 1 << DD_VALUE;
	string_put(o, &v->type, attr->dda_type, attr->dda_len,
	    BER_T61_STRING);
	return string_put(o, &v->value, attr->value, attr->len,
	    BER_T61_STRING);
}

static int
universal_dda_put(struct out *o, struct asn1_list *list,
    const struct or_attr *attr)
{
	struct or_universal_dda	*v;

	if (attr->charset == OR_TELETEX || attr->dda_charset == OR_TELETEX)
		return out_fail(o, "a domain-defined attribute is both "
		    "teletex and universal");
	if ((v = list_more(o, list, sizeof(*v))) == NULL)
		return -1;
	v->a.present = 1 << DD_TYPE | 1 << DD_VALUE;
	if (universal_put(o, &v->type, attr->dda_type, attr->dda_len) == -1)
		return -1;
	return universal_put(o, &v->value, attr->value, attr->len);
}

static int
lines_put(struct out *o, struct asn1_list *list, const struct or_attr *attr)
{
	struct asn1_octets	*line;
	const char		*p = attr->value, *end = p + attr->len, *e;

	if ((line = out_alloc(o, OR_LINES * sizeof(*line))) == NULL)
		return -1;
	list->p = line;
	for (;; p = e + 1) {
		if ((e = memchr(p, '|', end - p)) == NULL)
			e = end;
		if (list->n == OR_LINES)
			return out_fail(o, "a postal address of more than "
			    "six lines");
		string_put(o, &line[list->n++], p, e - p,
		    BER_PRINTABLE_STRING);
		if (e == end)
			return 0;
	}
}

static int
pds_put(struct out *o, struct or_pds *v, const struct or_attr *attr)
{
	int	row = attr->charset == OR_TELETEX ? PDS_TELETEX :
		    PDS_PRINTABLE;

	ASN1_PUT(v, row);
	return string_put(o, row == PDS_TELETEX ? &v->teletex : &v->printable,
	    attr->value, attr->len, row == PDS_TELETEX ? BER_T61_STRING :
	    BER_PRINTABLE_STRING);
}

static int
unformatted_put(struct out *o, struct or_unformatted *v,
    const struct or_attr *attr)
{
	if (attr->charset == OR_TELETEX) {
		ASN1_PUT(v, UPA_TELETEX);
		return string_put(o, &v->teletex, attr->value, attr->len,
		    BER_T61_STRING);
	}
	if (ASN1_HAS(v, UPA_LINES))
		return out_fail(o,
		    "an attribute is there twice in an O/R name");
	ASN1_PUT(v, UPA_LINES);
	return lines_put(o, &v->lines, attr);
}

static int
network_put(struct out *o, struct or_network *v, const struct or_attr *attr)
{
	struct asn1	a;

	if (attr->type == OR_PSAP) {
		if (v->e163_4.a.present != 0 || v->psap.a.present != 0)
			return out_fail(o, "two extended network addresses "
			    "in an O/R name");
		asn1_init(&a, o->memory);
		if (asn1_decode_all(&a, &type_or_psap, attr->value, attr->len,
		    &v->psap) == -1)
			return out_fail(o, "a PSAP address is not a "
			    "PresentationAddress");
		v->c.chosen = NETWORK_PSAP;
		return 0;
	}
	if (v->psap.a.present != 0)
		return out_fail(o, "two extended network addresses in an O/R "
		    "name");
	v->c.chosen = NETWORK_E163_4;
	if (attr->type == OR_ISDN) {
		ASN1_PUT(&v->e163_4, E163_NUMBER);
		return string_put(o, &v->e163_4.number, attr->value,
		    attr->len, BER_NUMERIC_STRING);
	}
	ASN1_PUT(&v->e163_4, E163_SUB_ADDRESS);
	return string_put(o, &v->e163_4.sub_address, attr->value, attr->len,
	    BER_NUMERIC_STRING);
}

static int
terminal_put(struct out *o, int64_t *v, const struct or_attr *attr)
{
	int	i;

	*v = 0;
	for (i = 0; i < attr->len; i++)
		if (attr->value[i] >= '0' && attr->value[i] <= '9' && i < 3)
			*v = *v * 10 + attr->value[i] - '0';
		else
			return out_fail(o, "a terminal type is no number");
	return 0;
}

/* Units are put in order when all of them are known. */
static int
unit_put(struct out *o, int number, const struct or_attr *attr)
{
	struct asn1_list	*list;
	int			 i = attr->type - OR_OU1;
	int			 universal = attr->charset == OR_UNIVERSAL;
	size_t			 size = universal ?
				    sizeof(struct or_universal) :
				    sizeof(struct asn1_octets);

	if ((list = value_of(o, number)) == NULL)
		return -1;
	if (list->p == NULL &&
	    (list->p = out_alloc(o, OR_UNITS * size)) == NULL)
		return -1;
	o->has[universal] |= 1u << i;
	if (universal)
		return universal_put(o, (struct or_universal *)list->p + i,
		    attr->value, attr->len);
	return string_put(o, (struct asn1_octets *)list->p + i, attr->value,
	    attr->len, BER_T61_STRING);
}

static int
number_of(const struct or_attr *attr, int charset)
{
	int	i, type = attr->type, kind;

	if (type >= OR_G && type <= OR_Q)
		type = OR_S;
	if (type > OR_OU1 && type <= OR_OU4)
		type = OR_OU1;
	if (type == OR_ISDN_SUB || type == OR_PSAP)
		type = OR_ISDN;
	for (i = 1; i <= XA_MAX; i++) {
		if (xa[i].type != type)
			continue;
		kind = xa[i].kind;
		switch (charset) {
		case OR_UNIVERSAL:
			if (kind == XK_UNIVERSAL || kind == XK_UNIVERSAL_DDAS ||
			    kind == XK_UNIVERSAL_UNITS ||
			    kind == XK_UNIVERSAL_PERSON)
				return i;
			break;
		case OR_TELETEX:
			if (kind == XK_TELETEX || kind == XK_PERSON ||
			    kind == XK_UNITS || kind == XK_DDAS ||
			    kind == XK_PDS || kind == XK_LINES)
				return i;
			break;
		case OR_OCTETS:
			if (attr->type == OR_PSAP)
				return i;
			break;
		default:
			if (kind == XK_STRING || kind == XK_PDS ||
			    kind == XK_LINES || kind == XK_TERMINAL ||
			    (kind == XK_NETWORK && attr->type != OR_PSAP))
				return i;
		}
	}
	return 0;
}

static int
extension_put(struct out *o, const struct or_attr *attr, int charset)
{
	struct or_personal_name		*person;
	struct or_universal_person	*universal;
	static char			 text[80];
	int				 number, row = row_of(attr->type);
	void				*v;

	if ((number = number_of(attr, charset)) == 0) {
		snprintf(text, sizeof(text), "%s is in characters that X.411 "
		    "does not have for it", or_specs[attr->type].slash);
		return out_fail(o, text);
	}
	if (xa[number].kind == XK_UNITS ||
	    xa[number].kind == XK_UNIVERSAL_UNITS)
		return unit_put(o, number, attr);
	if ((xa[number].kind == XK_TERMINAL) && o->value[number] != NULL)
		return out_fail(o,
		    "an attribute is there twice in an O/R name");
	if ((v = value_of(o, number)) == NULL)
		return -1;
	switch (xa[number].kind) {
	case XK_STRING:
		return string_put(o, v, attr->value, attr->len,
		    charset == OR_NUMERIC ? BER_NUMERIC_STRING :
		    BER_PRINTABLE_STRING);
	case XK_TELETEX:
		return string_put(o, v, attr->value, attr->len,
		    BER_T61_STRING);
	case XK_UNIVERSAL:
		return universal_put(o, v, attr->value, attr->len);
	case XK_PERSON:
		person = v;
		ASN1_PUT(person, row);
		return string_put(o, &person->part[row], attr->value,
		    attr->len, BER_T61_STRING);
	case XK_UNIVERSAL_PERSON:
		universal = v;
		ASN1_PUT(universal, row);
		return universal_put(o, &universal->part[row], attr->value,
		    attr->len);
	case XK_DDAS:
		return dda_put(o, v, attr);
	case XK_UNIVERSAL_DDAS:
		return universal_dda_put(o, v, attr);
	case XK_PDS:
		return pds_put(o, v, attr);
	case XK_LINES:
		return unformatted_put(o, v, attr);
	case XK_NETWORK:
		return network_put(o, v, attr);
	default:
		return terminal_put(o, v, attr);
	}
}

/*
 * A list of units names them by order alone: where one has no teletex form
 * but a less significant one has, its printable form stands for it.
 */
static int
close_units(struct out *o, const struct asn1_octets *printable,
    uint32_t has_printable)
{
	struct asn1_list	*list[2] = { o->value[5], o->value[27] };
	struct asn1_octets	*s;
	struct or_universal	*u;
	uint32_t		 i;

	for (i = 0; list[0] != NULL && o->has[0] >> i != 0; i++) {
		s = (struct asn1_octets *)list[0]->p + i;
		if ((o->has[0] >> i & 1) == 0) {
			if ((has_printable >> i & 1) == 0)
				continue;
			*s = printable[i];
			s->tag = BER_T61_STRING;
		}
		((struct asn1_octets *)list[0]->p)[list[0]->n++] = *s;
	}
	for (i = 0; list[1] != NULL && o->has[1] >> i != 0; i++) {
		u = (struct or_universal *)list[1]->p + i;
		if ((o->has[1] >> i & 1) == 0) {
			if ((has_printable >> i & 1) == 0)
				continue;
			if (universal_put(o, u, (const char *)printable[i].p,
			    printable[i].len) == -1)
				return -1;
		}
		((struct or_universal *)list[1]->p)[list[1]->n++] = *u;
	}
	return 0;
}

static int
close_extensions(struct out *o, struct or_name *name,
    const struct or_address *or)
{
	struct or_extension	*x;
	struct asn1		 a;
	struct ber		 b;
	uint32_t		 i, n = or->unknown_len / 2;

	for (i = 1; i <= XA_MAX; i++)
		n += o->value[i] != NULL;
	if (n == 0)
		return 0;
	if (n > XA_MAX + 256)
		n = XA_MAX + 256;
	if ((x = out_alloc(o, n * sizeof(*x))) == NULL)
		return -1;
	ASN1_PUT(name, OR_EXTENSION);
	name->extension.p = x;
	for (i = 1; i <= XA_MAX; i++) {
		if (o->value[i] == NULL)
			continue;
		x->a.present = 1 << XA_TYPE | 1 << XA_VALUE;
		x->type = i;
		x->value.type = or_extension_type(i);
		x->value.value = o->value[i];
		x++;
		name->extension.n++;
	}
	asn1_init(&a, o->memory);
	ber_init(&b, or->unknown, or->unknown_len);
	while (b.p != b.end) {
		if (name->extension.n == n ||
		    asn1_decode(&a, &type_or_extension, &b, x) == -1)
			return out_fail(o, "malformed extension attributes");
		x++;
		name->extension.n++;
	}
	return 0;
}

/* Does it have a place among the built-in attributes? */
static int
built_in(const struct or_attr *attr)
{
	if (attr->charset > OR_NUMERIC)
		return 0;
	if (attr->type == OR_DDA)
		return attr->dda_charset <= OR_NUMERIC;
	return attr->type < OR_PD_SERVICE && attr->type != OR_CN;
}

static int
charset_of(const struct or_attr *attr)
{
	if (attr->type == OR_DDA && attr->dda_charset > attr->charset)
		return attr->dda_charset;
	return attr->charset;
}

int
or_name_88_from_address(struct or_name *name, const struct or_address *or,
    struct asn1_memory *memory, const char **why)
{
	struct out		 o = { .memory = memory };
	struct asn1_members	 units = { 0 };
	struct asn1_octets	*unit;
	uint32_t		 i, ndda = 0;

	memset(name, 0, sizeof(*name));
	ASN1_PUT(name, OR_STANDARD);
	for (i = 0; i < or->nattr; i++)
		ndda += or->attr[i].type == OR_DDA && built_in(&or->attr[i]);
	*why = "out of memory";
	if ((unit = asn1_memory_alloc(memory, OR_UNITS * sizeof(*unit))) ==
	    NULL || (ndda > 0 && (name->defined.p = asn1_memory_alloc(memory,
	    ndda * sizeof(struct or_dda))) == NULL))
		return -1;
	name->standard.units.p = unit;
	for (i = 0; i < or->nattr; i++) {
		if (built_in(&or->attr[i])) {
			if (or_attr_to_name(name, &or->attr[i], &units, ndda,
			    why) == -1)
				return -1;
		} else if (extension_put(&o, &or->attr[i],
		    charset_of(&or->attr[i])) == -1) {
			*why = o.why;
			return -1;
		}
	}
	if (close_units(&o, unit, units.present) == -1 ||
	    close_extensions(&o, name, or) == -1) {
		*why = o.why;
		return -1;
	}
	or_name_close(name, &units);
	if (or->directory_len > 0) {
		ASN1_PUT(name, OR_DIRECTORY);
		name->directory.p = or->directory;
		name->directory.len = or->directory_len;
	}
	return 0;
}

static int
has_form(const struct or_address *or, const char **why)
{
	struct asn1_memory	memory;
	struct or_name		name;
	int			r;

	asn1_memory_init(&memory, NAME_MEMORY_MAX);
	r = or_name_88_from_address(&name, or, &memory, why);
	asn1_memory_free(&memory);
	return r == 0;
}

int
or_address_has_form(const struct or_address *or, const struct or_attr **attr,
    const char **why)
{
	struct or_address	one = { .nattr = 1 };
	uint32_t		i;

	*attr = NULL;
	if (has_form(or, why))
		return 1;
	for (i = 0; i < or->nattr; i++) {
		one.attr = &or->attr[i];
		if (!has_form(&one, why)) {
			*attr = one.attr;
			return 0;
		}
	}
	has_form(or, why);
	return 0;
}
