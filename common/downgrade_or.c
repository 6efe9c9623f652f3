/* SPDX-License-Identifier: ISC */

/*
 * O/R addresses of 1988 in systems of 1984, and back: RFC 1328 clause 3, RFC
 * 1615 clause 4.2, RFC 2156 appendix B.
 *
 * An address with no attribute of 1988 stays as it is.  A teletex or universal
 * form beside a printable one says nothing new and is left out.  A common name
 * that is the only thing of 1988 then left becomes the domain-defined
 * attribute "Common".  With anything else of 1988 the whole address, as text
 * in the form of RFC 2156, becomes the value of the attribute "X400-88" and,
 * behind 128 characters, of "X400-C1" to "X400-C3"; of it only the standard
 * attributes of 1984 are there once more, to route on.
 *
 * That the text is the whole address and not only what 1984 lacks is as RFC
 * 1328 has it, whose readers take it in place of the one around it.  They have
 * the address of a gateway around it; we have none to give, so what we make
 * is told from such a source route by the standard attributes: they are those
 * of the address inside.  A source route through somebody else's gateway is
 * not ours to open, and is left alone.
 */

#include <string.h>
#include <strings.h>

#include "downgrade.h"
#include "oraddr.h"
#include "t61.h"

#define COMMON		"Common"
#define COMMON_RFC1615	"common-name"	/* what RFC 1615 calls it */
#define WRAPPERS	4		/* X400-88, X400-C1, -C2, -C3 */
#define WRAPPER_LEN	128	/* ub-domain-defined-attribute-value-length */

static const char *const wrapper[WRAPPERS] = {
	"X400-88", "X400-C1", "X400-C2", "X400-C3"
};

/* Attributes being put together; they are all alive in the arena. */
struct attrs {
	struct or_attr	a[UB_OR_ATTRIBUTES];
	uint16_t	n;
};

/* Of a printable type and value, for 1984 has no other. */
static int
is_dda(const struct or_attr *a, const char *type)
{
	return (a->type == OR_DDA && a->dda_charset <= OR_NUMERIC &&
	    a->charset <= OR_NUMERIC && a->dda_len == strlen(type) &&
	    strncasecmp(a->dda_type, type, a->dda_len) == 0);
}

static int
is_common(const struct or_attr *a)
{
	return (is_dda(a, COMMON) || is_dda(a, COMMON_RFC1615));
}

static int
is_unit(const struct or_attr *a)
{
	return (a->type >= OR_OU1 && a->type <= OR_OU4);
}

/*
 * Does an O/R name of 1984 have a place for it?  Teletex is no part of the
 * Recommendation there, but is seen where a tag tells of it: in units and in
 * domain-defined attributes.
 */
static int
is_84(const struct or_attr *a)
{
	if (a->type == OR_CN || a->type > OR_DDA)
		return (0);
	if (a->type == OR_DDA)
		return (a->charset <= OR_TELETEX &&
		    a->dda_charset <= OR_TELETEX);
	return (a->charset <= (is_unit(a) ? OR_TELETEX : OR_NUMERIC));
}

static int
is_standard_84(const struct or_attr *a)
{
	return (a->type != OR_DDA && is_84(a));
}

static int
find(const struct or_attr *a, uint16_t n, int type)
{
	uint16_t i;

	for (i = 0; i < n; i++)
		if (a[i].type == type)
			return (i);
	return (-1);
}

static int
has_standard(const struct or_attr *a, uint16_t n)
{
	uint16_t i;

	for (i = 0; i < n; i++)
		if (is_standard_84(&a[i]))
			return (1);
	return (0);
}

/* One form of the attribute is enough, and 1984 has one place for it. */
static int
is_twice(const struct or_attr *a, uint16_t n)
{
	uint64_t seen = 0, bit;

	for (; n > 0; n--, a++) {
		if (a->type == OR_DDA)
			continue;
		bit = UINT64_C(1) << a->type;
		if (seen & bit)
			return (1);
		seen |= bit;
	}
	return (0);
}
_Static_assert(OR_TYPE_MAX <= 64, "is_twice has a bit for each type");

/* Is a another form of b, which is printable? */
static int
is_variant(const struct or_attr *a, const struct or_attr *b)
{
	if (a->type != b->type || a->charset <= OR_NUMERIC ||
	    b->charset > OR_NUMERIC)
		return (0);
	return (a->type != OR_DDA || (b->dda_charset <= OR_NUMERIC &&
	    a->dda_len == b->dda_len &&
	    memcmp(a->dda_type, b->dda_type, a->dda_len) == 0));
}

/* A universal string in T.61, when that has all its characters. */
static int
to_t61(struct message *m, char **s, uint16_t *len, uint8_t *charset)
{
	char buf[UB_OR_VALUE + 1];
	size_t where;
	int n;

	if (*charset != OR_UNIVERSAL || memchr(*s, '\0', *len) != NULL ||
	    (n = t61_from_utf8(*s, buf, sizeof(buf), &where)) == -1)
		return (0);
	if ((*s = message_memdup(m, buf, n)) == NULL)
		return (-1);
	*len = n;
	*charset = OR_TELETEX;
	return (0);
}

/*
 * Without other forms of what is printable, and in teletex what is universal
 * where teletex may stand.
 */
static int
strip(struct message *m, const struct or_address *or, struct attrs *out)
{
	struct or_attr *a;
	uint16_t i, j;

	out->n = 0;
	for (i = 0; i < or->nattr; i++) {
		for (j = 0; j < or->nattr; j++)
			if (is_variant(&or->attr[i], &or->attr[j]))
				break;
		if (j < or->nattr)
			continue;
		a = &out->a[out->n++];
		*a = or->attr[i];
		if (!is_unit(a) && a->type != OR_DDA)
			continue;
		if (to_t61(m, &a->value, &a->len, &a->charset) == -1 ||
		    (a->type == OR_DDA && to_t61(m, &a->dda_type, &a->dda_len,
		    &a->dda_charset) == -1))
			return (-1);
	}
	return (0);
}

static int
put(struct message *m, struct or_address *or, const struct attrs *attrs)
{
	struct or_attr *a;

	if ((a = message_alloc(m, attrs->n * sizeof(*a))) == NULL)
		return (-1);
	memcpy(a, attrs->a, attrs->n * sizeof(*a));
	memset(or, 0, sizeof(*or));
	or->attr = a;
	or->nattr = attrs->n;
	return (0);
}

static int
put_dda(struct message *m, struct or_attr *a, const char *type,
    const char *value, size_t len)
{
	memset(a, 0, sizeof(*a));
	a->type = OR_DDA;
	a->charset = a->dda_charset = OR_PRINTABLE;
	a->len = len;
	a->dda_len = strlen(type);
	if ((a->value = message_memdup(m, value, len)) == NULL ||
	    (a->dda_type = message_memdup(m, type, a->dda_len)) == NULL)
		return (-1);
	return (0);
}

/*
 * The common name as "Common", in its place.  1: done; 0: there is more of
 * 1988, or it would not be known again.
 */
static int
downgrade_common(struct message *m, struct attrs *v)
{
	struct or_attr *cn = NULL;
	uint16_t i;
	int ddas = 0;

	for (i = 0; i < v->n; i++) {
		if (v->a[i].type == OR_DDA)
			ddas++;
		if (v->a[i].type == OR_CN && v->a[i].charset <= OR_NUMERIC)
			cn = &v->a[i];
		else if (!is_84(&v->a[i]) || is_common(&v->a[i]))
			return (0);
	}
	if (cn == NULL)
		return (1);
	if (ddas >= UB_DDAS || cn->len == 0 || cn->len > or_specs[OR_CN].max)
		return (0);
	return (put_dda(m, cn, COMMON, cn->value, cn->len) == -1 ? -1 : 1);
}

/* RFC 2156 3.4: any character of IA5 in a PrintableString. */

/* Character and the letter that stands for it. */
static const char escapes[] = "@a%p!b\"q_u(l)r";

/* One character, at most five; returns how many. */
static size_t
encode_char(int c, char out[5])
{
	const char *e;

	for (e = escapes; *e != '\0' && *e != c; e += 2)
		;
	if (*e == '\0' && printable_char(c)) {
		out[0] = c;
		return (1);
	}
	out[0] = '(';
	if (*e != '\0') {
		out[1] = e[1];
		out[2] = ')';
		return (3);
	}
	out[1] = '0' + c / 100;
	out[2] = '0' + c / 10 % 10;
	out[3] = '0' + c % 10;
	out[4] = ')';
	return (5);
}

/* Returns the octets, -1 when there are more than size or it is not IA5. */
static int
encode_ia5(const char *s, char *out, size_t size)
{
	char piece[5];
	size_t n = 0, len;

	for (; *s != '\0'; s++) {
		if ((unsigned char)*s > 127)
			return (-1);
		len = encode_char((unsigned char)*s, piece);
		if (n + len > size)
			return (-1);
		memcpy(out + n, piece, len);
		n += len;
	}
	return ((int)n);
}

/* The character at s, of len octets; returns how many it takes, 0: none. */
static size_t
decode_char(const char *s, size_t len, char *c)
{
	const char *e;
	int i, n = 0;

	if (*s != '(') {
		*c = *s;
		return (1);
	}
	if (len >= 3 && s[2] == ')') {
		for (e = escapes; *e != '\0'; e += 2)
			if (e[1] == (s[1] | 0x20)) {
				*c = *e;
				return (3);
			}
		return (0);
	}
	if (len < 5 || s[4] != ')')
		return (0);
	for (i = 1; i < 4; i++) {
		if (s[i] < '0' || s[i] > '9')
			return (0);
		n = n * 10 + s[i] - '0';
	}
	*c = n;
	return (n > 0 && n <= 127 ? 5 : 0);
}

/* As text that ends in a NUL; -1 when it is malformed or does not fit. */
static int
decode_ia5(const char *s, size_t len, char *out, size_t size)
{
	size_t n, used = 0;

	for (; len > 0; s += n, len -= n) {
		if (used + 1 >= size ||
		    (n = decode_char(s, len, &out[used++])) == 0)
			return (-1);
	}
	out[used] = '\0';
	return (0);
}

/*
 * The standard attributes of 1984.  What they say must hold without the
 * others: a unit counts only under the one above it, for 1984 has no numbers
 * for them, and the rest of a name does not go without the surname.
 */
static void
outer_84(const struct attrs *v, struct attrs *out)
{
	const struct or_attr *a;
	int type, units = OR_OU1, surname;
	uint16_t i;

	for (; units <= OR_OU4; units++) {
		if ((type = find(v->a, v->n, units)) == -1 ||
		    !is_84(&v->a[type]))
			break;
	}
	surname = find(v->a, v->n, OR_S);
	surname = surname != -1 && is_84(&v->a[surname]);
	out->n = 0;
	for (i = 0; i < v->n; i++) {
		a = &v->a[i];
		if (!is_standard_84(a) || (is_unit(a) && a->type >= units) ||
		    (a->type <= OR_Q && !surname))
			continue;
		out->a[out->n++] = *a;
	}
}

/* The whole address as text, in one to four domain-defined attributes. */
static int
downgrade_wrap(struct message *m, const struct attrs *v, struct attrs *out,
    const char **why)
{
	char text[OR_TEXT_MAX], value[WRAPPERS * WRAPPER_LEN];
	struct or_address whole = {
		.attr = (struct or_attr *)(uintptr_t)v->a, .nattr = v->n
	}, back;
	const char *unused;
	size_t where;
	int i, len, n;

	outer_84(v, out);
	if (out->n == 0) {
		*why = "no standard attribute of 1984 in an O/R name";
		return (-1);
	}
	*why = "an O/R address of 1988 has no form as text";
	if (or_address_print(&whole, text, sizeof(text), 0) >=
	    (int)sizeof(text) ||
	    (len = encode_ia5(text, value, sizeof(value))) == -1) {
		*why = "an O/R address of 1988 is longer than X400-C3";
		return (-1);
	}
	/* It must come back as it was. */
	if (or_address_parse(m, &back, text, &where, &unused) == -1 ||
	    or_address_compare(&back, &whole) != 0)
		return (-1);
	for (i = 0; i * WRAPPER_LEN < len; i++) {
		n = len - i * WRAPPER_LEN;
		if (n > WRAPPER_LEN)
			n = WRAPPER_LEN;
		if (out->n == UB_OR_ATTRIBUTES) {
			*why = "too many attributes in an O/R name";
			return (-1);
		}
		if (put_dda(m, &out->a[out->n++], wrapper[i],
		    value + i * WRAPPER_LEN, n) == -1) {
			*why = "out of memory";
			return (-1);
		}
	}
	return (0);
}

static int
is_1988(const struct or_address *or)
{
	uint16_t i;

	if (or->directory_len > 0 || or->unknown_len > 0)
		return (1);
	for (i = 0; i < or->nattr; i++)
		if (!is_84(&or->attr[i]))
			return (1);
	return (0);
}

int
or_address_downgrade(struct message *m, struct or_address *or,
    const char **why)
{
	struct attrs v, out;
	int r;

	if (or->nattr == 0 && or->unknown_len == 0 && or->directory_len > 0) {
		*why = "an O/R name that is a directory name only";
		return (-1);
	}
	if (or->unknown_len > 0) {
		*why = "an extension attribute of an O/R name is not known";
		return (-1);
	}
	if (!is_1988(or)) {
		if (is_twice(or->attr, or->nattr)) {
			*why = "an attribute is there twice in an O/R name";
			return (-1);
		}
		if (!has_standard(or->attr, or->nattr)) {
			*why = "no standard attribute in an O/R name";
			return (-1);
		}
		return (0);
	}
	*why = "out of memory";
	if (or->nattr > UB_OR_ATTRIBUTES || strip(m, or, &v) == -1)
		return (-1);
	if (is_twice(v.a, v.n)) {
		*why = "an attribute of an O/R name has two forms, "
		    "none of them printable";
		return (-1);
	}
	if ((r = downgrade_common(m, &v)) == -1)
		return (-1);
	if (r == 1) {
		if (!has_standard(v.a, v.n)) {
			*why = "no standard attribute of 1984 in an O/R name";
			return (-1);
		}
		return (put(m, or, &v));
	}
	if (downgrade_wrap(m, &v, &out, why) == -1)
		return (-1);
	*why = "out of memory";
	return (put(m, or, &out));
}

/*
 * The address that is the value of "X400-88" and those that follow it, and
 * what stands beside them.  0: there is none, or none that can be read.
 */
static int
unwrap(struct message *m, const struct or_address *or,
    struct or_address *inner, struct attrs *rest)
{
	char value[WRAPPERS * WRAPPER_LEN], text[OR_TEXT_MAX];
	const struct or_attr *part[WRAPPERS] = { NULL };
	const char *why;
	size_t len = 0, where;
	uint16_t i;
	int j;

	rest->n = 0;
	for (i = 0; i < or->nattr; i++) {
		for (j = 0; j < WRAPPERS; j++)
			if (is_dda(&or->attr[i], wrapper[j]))
				break;
		if (j == WRAPPERS)
			rest->a[rest->n++] = or->attr[i];
		else if (part[j] != NULL)
			return (0);
		else
			part[j] = &or->attr[i];
	}
	if (part[0] == NULL)
		return (0);
	for (j = 0; j < WRAPPERS && part[j] != NULL; j++) {
		if (part[j]->len > sizeof(value) - len)
			return (0);
		memcpy(value + len, part[j]->value, part[j]->len);
		len += part[j]->len;
	}
	for (; j < WRAPPERS; j++)
		if (part[j] != NULL)
			return (0);
	return (decode_ia5(value, len, text, sizeof(text)) == 0 &&
	    or_address_parse(m, inner, text, &where, &why) == 0);
}

/* 1: the address is that inside, or has the attributes that were. */
static int
upgrade_wrapped(struct message *m, struct or_address *or)
{
	struct or_address inner, outer;
	struct attrs rest;
	uint16_t i;

	if (!unwrap(m, or, &inner, &rest))
		return (0);
	outer = (struct or_address){ .attr = rest.a, .nattr = rest.n };
	if (or_address_match(&outer, &inner) != -1) {
		inner.directory = or->directory;
		inner.directory_len = or->directory_len;
		*or = inner;
		return (1);
	}
	/* Not a whole address: those it adds to the others. */
	for (i = 0; i < inner.nattr; i++) {
		if (rest.n == UB_OR_ATTRIBUTES || (inner.attr[i].type !=
		    OR_DDA && find(or->attr, or->nattr, inner.attr[i].type) !=
		    -1))
			return (0);
		rest.a[rest.n++] = inner.attr[i];
	}
	outer = *or;
	if (put(m, &outer, &rest) == -1)
		return (-1);
	*or = outer;
	return (1);
}

/* "Common" becomes the common name, when it can be only that. */
static int
upgrade_common(struct message *m, struct or_address *or)
{
	struct or_attr *a, *v;
	uint16_t i;
	int common = -1;

	for (i = 0; i < or->nattr; i++) {
		if (or->attr[i].type == OR_CN)
			return (0);
		if (!is_common(&or->attr[i]))
			continue;
		if (common != -1)
			return (0);
		common = i;
	}
	if (common == -1 || or->attr[common].len == 0 ||
	    or->attr[common].len > or_specs[OR_CN].max)
		return (0);
	/* The address may be somebody else's as well. */
	if ((v = message_alloc(m, or->nattr * sizeof(*v))) == NULL)
		return (-1);
	memcpy(v, or->attr, or->nattr * sizeof(*v));
	a = &v[common];
	a->type = OR_CN;
	a->charset = OR_PRINTABLE;
	a->dda_type = NULL;
	a->dda_len = 0;
	a->dda_charset = 0;
	or->attr = v;
	return (0);
}

int
or_address_upgrade(struct message *m, struct or_address *or)
{
	struct or_address up = *or, down;
	const char *why;
	uint16_t i;
	int r;

	/* Most addresses have nothing of the kind. */
	for (i = 0; i < or->nattr; i++)
		if (is_common(&or->attr[i]) || is_dda(&or->attr[i],
		    wrapper[0]))
			break;
	if (i == or->nattr || or->nattr > UB_OR_ATTRIBUTES)
		return (0);
	if ((r = upgrade_wrapped(m, &up)) == -1 ||
	    (r == 0 && upgrade_common(m, &up) == -1))
		return (-1);
	/* What came from one system of 1984 must be able to go to another. */
	down = up;
	if (or_address_downgrade(m, &down, &why) == 0)
		*or = up;
	return (0);
}
