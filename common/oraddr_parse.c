/* SPDX-License-Identifier: ISC */

/*
 * Parses O/R addresses: F.401 annex (RFC 1685) and std-or of RFC 2156 4.1,
 * both with either delimiter.
 *
 * The delimiter of a text that begins with '/' is '/'; of another it is
 * ';' where there is one.  Doubled, it is a character of the value.  The
 * other of the two delimits as well where a known key and '=' follow it,
 * which is when RFC 2156 allows both to be mixed and nothing else can have
 * been meant.  '$' takes the special meaning from the next character, and
 * puts a character into a PrintableString that does not belong there, for
 * the peers that have such addresses.
 */

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "envelope.h"
#include "oraddr.h"
#include "t61.h"

/* A string with the place in the text of each of its octets. */
struct part {
	char		octet[UB_OR_VALUE];
	size_t		at[UB_OR_VALUE + 1];
	uint16_t	len;
	uint8_t		charset;	/* enum or_charset */
	size_t		bad;		/* what is not PrintableString */
};

/* A value: printable form, teletex form (after '*'), or both. */
struct value {
	struct part	part[2];
	int		n;
	size_t		star;
};

struct parse {
	struct message	*m;
	const char	*text;
	const char	*p;
	char		 delimiter;
	char		 other;
	size_t		 where;
	const char	*why;
	struct or_attr	 attr[UB_OR_ATTRIBUTES];
	uint8_t		 unit[UB_OR_ATTRIBUTES]; /* of OU, by appearance */
	uint16_t	 nattr;
	uint8_t		 seen[OR_TYPE_MAX];
	size_t		 seen_at[OR_TYPE_MAX];
	int		 units;			/* OU without number */
	int		 ddas;
	int		 nlines;		/* PD-A1 and on */
	struct part	 lines;
	struct value	 value;
	struct value	 type;			/* of a DDA */
};

static int
fail(struct parse *ps, size_t at, const char *why)
{
	ps->where = at;
	ps->why = why;
	return (-1);
}

static size_t
here(const struct parse *ps)
{
	return (ps->p - ps->text);
}

/* Scanning */

static void
part_begin(struct part *part, size_t at, int charset)
{
	part->len = 0;
	part->at[0] = at;
	part->charset = charset;
	part->bad = at;
}

/* Adds an octet that stands at p and takes len characters of the text. */
static int
part_add(struct parse *ps, struct part *part, int octet, size_t len)
{
	if (part->len == UB_OR_VALUE)
		return (fail(ps, here(ps), "value too long"));
	part->octet[part->len] = octet;
	part->at[part->len++] = here(ps);
	part->at[part->len] = here(ps) + len;
	return (0);
}

static void
not_printable(struct parse *ps, struct part *part)
{
	if (part->charset == OR_PRINTABLE) {
		part->charset = OR_TELETEX;
		part->bad = here(ps);
	}
}

static int
hex_digit(int c)
{
	if (c >= '0' && c <= '9')
		return (c - '0');
	if (c >= 'A' && c <= 'F')
		return (c - 'A' + 10);
	if (c >= 'a' && c <= 'f')
		return (c - 'a' + 10);
	return (-1);
}

/* {x0123} or {u0123}, which are a whole value. */
static int
scan_hex(struct parse *ps, struct part *part)
{
	int high, low;

	part->bad = here(ps);
	part->charset = ps->p[1] == 'x' ? OR_OCTETS : OR_UNIVERSAL;
	for (ps->p += 2; *ps->p != '}'; ps->p += 2) {
		if ((high = hex_digit((unsigned char)ps->p[0])) == -1)
			return (fail(ps, here(ps),
			    "hexadecimal digits and '}' expected"));
		if ((low = hex_digit((unsigned char)ps->p[1])) == -1)
			return (fail(ps, here(ps) + 1,
			    "hexadecimal digit expected"));
		if (part_add(ps, part, high << 4 | low, 2) == -1)
			return (-1);
	}
	ps->p++;
	part->at[part->len] = here(ps);
	return (0);
}

/* {165} or {200117}: octets of T.61, three decimal digits each. */
static int
scan_escape(struct parse *ps, struct part *part)
{
	int i, octet;

	if ((ps->p[1] == 'x' || ps->p[1] == 'u') && part->len == 0 &&
	    part->charset == OR_PRINTABLE)
		return (scan_hex(ps, part));
	not_printable(ps, part);
	ps->p++;
	do {
		for (octet = i = 0; i < 3; i++) {
			if (!isdigit((unsigned char)ps->p[i]))
				return (fail(ps, here(ps) + i,
				    "three decimal digits expected"));
			octet = octet * 10 + ps->p[i] - '0';
		}
		if (octet > 255)
			return (fail(ps, here(ps), "more than 255"));
		if (part_add(ps, part, octet, 3) == -1)
			return (-1);
		ps->p += 3;
	} while (*ps->p != '}' && *ps->p != '\0');
	if (*ps->p != '}')
		return (fail(ps, here(ps), "'}' expected"));
	ps->p++;
	part->at[part->len] = here(ps);
	return (0);
}

/* Any other character. */
static int
scan_char(struct parse *ps, struct part *part, int line)
{
	uint8_t octets[2];
	size_t len;
	int c = (unsigned char)*ps->p, n;

	if (c < ' ' || c == 127)
		return (fail(ps, here(ps), "control character"));
	if (printable_char(c) || (c == '|' && line)) {
		if (part_add(ps, part, c, 1) == -1)
			return (-1);
		ps->p++;
		return (0);
	}
	if ((len = t61_char(ps->p, octets, &n)) == 0)
		return (fail(ps, here(ps), c < 128 ?
		    "neither in PrintableString nor in TeletexString" :
		    "not UTF-8, or not in TeletexString"));
	not_printable(ps, part);
	if (part_add(ps, part, octets[0], len) == -1 ||
	    (n == 2 && part_add(ps, part, octets[1], len) == -1))
		return (-1);
	ps->p += len;
	return (0);
}

/* Does the text at p end a value?  Looks, and does not move. */
static int
at_end(const struct parse *ps)
{
	size_t len;

	if (*ps->p == '\0')
		return (1);
	if (*ps->p == ps->delimiter)
		return (ps->p[1] != ps->delimiter);
	return (*ps->p == ps->other &&
	    or_key(ps->p + 1 + strspn(ps->p + 1, " "), &len) != KEY_UNKNOWN);
}

/*
 * A value, or with dda_type set a type that ends at '='.  line: '|' is a
 * character.
 */
static int
scan_value(struct parse *ps, struct value *v, int dda_type, int line)
{
	struct part *part = &v->part[0];

	v->n = 1;
	part_begin(part, here(ps), OR_PRINTABLE);
	while (!at_end(ps)) {
		if (part->charset > OR_TELETEX)
			return (fail(ps, here(ps), "characters after '}'"));
		switch (*ps->p) {
		case '=':
			if (!dda_type) {
				if (scan_char(ps, part, line) == -1)
					return (-1);
				break;
			}
			if (ps->p[1] != '=')
				return (0);
			if (part_add(ps, part, '=', 2) == -1)
				return (-1);
			ps->p += 2;
			break;
		case '$':
			if (ps->p[1] < ' ' || ps->p[1] == 127)
				return (fail(ps, here(ps),
				    "'$' with no character to quote"));
			if (part_add(ps, part, ps->p[1], 2) == -1)
				return (-1);
			ps->p += 2;
			break;
		case '{':
			if (scan_escape(ps, part) == -1)
				return (-1);
			break;
		case '*':
			if (v->n == 2) {
				if (part_add(ps, part, '*', 1) == -1)
					return (-1);
				ps->p++;
				break;
			}
			if (part->charset != OR_PRINTABLE)
				return (fail(ps, part->bad,
				    "not in PrintableString before '*'"));
			v->star = here(ps);
			ps->p++;
			v->n = 2;
			part = &v->part[1];
			part_begin(part, here(ps), OR_TELETEX);
			break;
		default:
			if (*ps->p == ps->delimiter) {
				/* Doubled. */
				if (*ps->p == ';')
					not_printable(ps, part);
				if (part_add(ps, part, *ps->p, 2) == -1)
					return (-1);
				ps->p += 2;
			} else if (scan_char(ps, part, line) == -1)
				return (-1);
		}
	}
	return (0);
}

/* Checking */

/* At most max characters; a diacritical mark is none of its own. */
static int
check_length(struct parse *ps, const struct part *part, size_t from,
    size_t len, int charset, size_t max)
{
	size_t i, n = 0;
	int c;

	for (i = from; i < from + len; i++) {
		c = (unsigned char)part->octet[i];
		if (charset == OR_TELETEX && c >= 0xc1 && c <= 0xcf)
			continue;
		if (++n > max)
			return (fail(ps, part->at[i], "value too long"));
	}
	return (0);
}

static int
check_digits(struct parse *ps, const struct part *part)
{
	uint16_t i;

	for (i = 0; i < part->len; i++)
		if (!isdigit((unsigned char)part->octet[i]))
			return (fail(ps, part->at[i], "digit expected"));
	if (part->len == 0)
		return (fail(ps, part->at[0], "digit expected"));
	return (0);
}

static int
check_country(struct parse *ps, const struct part *part)
{
	static const char why[] = "two letters or three digits expected";
	uint16_t i, len;
	int c, digits;

	digits = part->len > 0 && isdigit((unsigned char)part->octet[0]);
	len = digits ? 3 : 2;
	for (i = 0; i < part->len; i++) {
		c = (unsigned char)part->octet[i];
		if (i == len || (digits ? !isdigit(c) :
		    !((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))))
			return (fail(ps, part->at[i], why));
	}
	if (part->len < len)
		return (fail(ps, part->at[part->len], why));
	return (0);
}

/* Six lines of thirty characters. */
static int
check_lines(struct parse *ps, const struct part *part)
{
	uint16_t i;
	int lines = 1, n = 0;

	for (i = 0; i < part->len; i++) {
		if (part->octet[i] == '|') {
			n = 0;
			if (++lines > UB_PD_LINES)
				return (fail(ps, part->at[i],
				    "more than six lines"));
		} else if (++n > 30)
			return (fail(ps, part->at[i], "line too long"));
	}
	return (0);
}

/* Nothing but one PrintableString. */
static int
check_printable(struct parse *ps, const struct value *v)
{
	if (v->n == 2)
		return (fail(ps, v->star,
		    "this attribute has no teletex form"));
	if (v->part[0].charset != OR_PRINTABLE)
		return (fail(ps, v->part[0].bad,
		    "not a character of PrintableString"));
	return (0);
}

/* Adding */

static struct or_attr *
add(struct parse *ps, int type, int charset, const struct part *part,
    size_t from, size_t len)
{
	struct or_attr *a;

	if (ps->nattr == UB_OR_ATTRIBUTES) {
		fail(ps, part->at[0], "too many attributes");
		return (NULL);
	}
	a = &ps->attr[ps->nattr];
	memset(a, 0, sizeof(*a));
	a->type = type;
	a->charset = charset;
	a->len = len;
	a->value = message_memdup(ps->m, part->octet + from, len);
	if (a->value == NULL) {
		fail(ps, part->at[0], "out of memory");
		return (NULL);
	}
	ps->unit[ps->nattr++] = ps->units;
	return (a);
}

/* The forms of a value that may be printable, teletex or both. */
static int
add_forms(struct parse *ps, int type, size_t max)
{
	const struct part *part;
	int i;

	for (i = 0; i < ps->value.n; i++) {
		part = &ps->value.part[i];
		if (i == 0 && part->len == 0 && ps->value.n == 2)
			continue;
		if (check_length(ps, part, 0, part->len, part->charset,
		    part->charset > OR_TELETEX ? UB_OR_VALUE : max) == -1)
			return (-1);
		if (add(ps, type, part->charset, part, 0, part->len) == NULL)
			return (-1);
	}
	return (0);
}

static int
all_printable(const struct part *part, size_t from, size_t len)
{
	for (; len > 0; from++, len--)
		if (!printable_char((unsigned char)part->octet[from]))
			return (0);
	return (1);
}

/*
 * Of a name that is teletex only for a character in it, the parts without
 * such are printable; what follows a '*' is not.
 */
static int
name_charset(const struct parse *ps, const struct part *part,
    const struct part *name, size_t from, size_t len)
{
	if (part == &ps->value.part[0] && all_printable(name, from, len))
		return (OR_PRINTABLE);
	return (part->charset);
}

static int
add_name(struct parse *ps, int type, const struct part *part, size_t from,
    size_t len)
{
	int charset = name_charset(ps, part, part, from, len);

	if (check_length(ps, part, from, len, charset,
	    or_specs[type].max) == -1)
		return (-1);
	return (add(ps, type, charset, part, from, len) == NULL ? -1 : 0);
}

/*
 * RFC 2156 4.2: encoded-pn = [ given "." ] *( initial "." ) surname, where
 * a given name has two characters at least, and initials one.
 */
static int
add_pn(struct parse *ps, const struct part *part)
{
	struct part initials;
	const char *dot;
	size_t from = 0, len;

	if (part->charset > OR_TELETEX)
		return (fail(ps, part->bad, "a name expected"));
	part_begin(&initials, part->at[0], part->charset);
	dot = memchr(part->octet, '.', part->len);
	len = dot == NULL ? 0 : dot - part->octet;
	if (len >= 2) {
		if (add_name(ps, OR_G, part, 0, len) == -1)
			return (-1);
		from = len + 1;
	}
	while (from + 1 < part->len && part->octet[from] != '.' &&
	    part->octet[from + 1] == '.') {
		initials.octet[initials.len] = part->octet[from];
		initials.at[initials.len++] = part->at[from];
		from += 2;
	}
	if (from == part->len)
		return (fail(ps, part->at[from], "surname expected"));
	if (initials.len > 0) {
		initials.charset = name_charset(ps, part, &initials, 0,
		    initials.len);
		if (check_length(ps, &initials, 0, initials.len,
		    initials.charset, or_specs[OR_I].max) == -1 ||
		    add(ps, OR_I, initials.charset, &initials, 0,
		    initials.len) == NULL)
			return (-1);
	}
	return (add_name(ps, OR_S, part, from, part->len - from));
}

static int
add_terminal(struct parse *ps)
{
	struct part *part = &ps->value.part[0];
	int number;

	if ((number = or_terminal(part->octet, part->len)) == -1)
		return (fail(ps, part->at[0],
		    "tlx, ttx, g3fax, g4fax, ia5 or vtx expected"));
	part->octet[0] = '0' + number;
	return (add(ps, OR_T_TY, OR_NUMERIC, part, 0, 1) == NULL ? -1 : 0);
}

static int
add_octets(struct parse *ps, int type, const struct part *part)
{
	struct part octets;
	uint16_t i;
	int high, low;

	part_begin(&octets, part->at[0], OR_OCTETS);
	for (i = 0; i < part->len; i += 2) {
		high = hex_digit((unsigned char)part->octet[i]);
		low = i + 1 < part->len ?
		    hex_digit((unsigned char)part->octet[i + 1]) : -1;
		if (high == -1 || low == -1)
			return (fail(ps, part->at[high == -1 ? i : i + 1],
			    "hexadecimal digit expected"));
		octets.octet[octets.len] = high << 4 | low;
		octets.at[octets.len++] = part->at[i];
	}
	if (octets.len == 0)
		return (fail(ps, part->at[0], "hexadecimal digit expected"));
	return (add(ps, type, OR_OCTETS, &octets, 0, octets.len) == NULL ?
	    -1 : 0);
}

/* Attributes */

static int
parse_standard(struct parse *ps, int type)
{
	const struct or_spec *spec = &or_specs[type];
	struct value *v = &ps->value;
	struct part *part = &v->part[0];
	int charset = OR_PRINTABLE, kind = spec->kind;

	if (scan_value(ps, v, 0, kind == KIND_LINES) == -1)
		return (-1);
	if (kind == KIND_TELETEX)
		return (add_forms(ps, type, spec->max));
	if (kind == KIND_LINES) {
		if (part->charset == OR_PRINTABLE &&
		    check_lines(ps, part) == -1)
			return (-1);
		return (add_forms(ps, type, spec->max));
	}
	if (check_printable(ps, v) == -1)
		return (-1);
	switch (kind) {
	case KIND_HEX:
		if (check_length(ps, part, 0, part->len, charset,
		    spec->max) == -1)
			return (-1);
		return (add_octets(ps, type, part));
	case KIND_TERMINAL:
		return (add_terminal(ps));
	case KIND_COUNTRY:
		if (check_country(ps, part) == -1)
			return (-1);
		if (isdigit((unsigned char)part->octet[0]))
			charset = OR_NUMERIC;
		break;
	case KIND_DOMAIN:
		if (part->len > 0 && check_digits(ps, part) == 0)
			charset = OR_NUMERIC;
		if (part->len == 0 && type == OR_A) {
			part->octet[0] = ' ';
			part->len = 1;
		}
		break;
	case KIND_NUMERIC:
		if (check_digits(ps, part) == -1)
			return (-1);
		charset = OR_NUMERIC;
		break;
	default:
		if (part->len == 0)
			return (fail(ps, part->at[0], "empty value"));
	}
	if (check_length(ps, part, 0, part->len, charset, spec->max) == -1)
		return (-1);
	return (add(ps, type, charset, part, 0, part->len) == NULL ? -1 : 0);
}

static int
parse_pn(struct parse *ps, size_t at)
{
	int i, type;

	for (type = OR_G; type <= OR_S; type++)
		if (ps->seen[type])
			return (fail(ps, at, "PN beside G, I or S"));
	if (scan_value(ps, &ps->value, 0, 0) == -1)
		return (-1);
	for (i = 0; i < ps->value.n; i++) {
		if (i == 0 && ps->value.n == 2 && ps->value.part[0].len == 0)
			continue;
		if (add_pn(ps, &ps->value.part[i]) == -1)
			return (-1);
	}
	for (type = OR_G; type <= OR_S; type++)
		ps->seen[type] = 1;
	return (0);
}

/* PD-A1 to PD-A6, put together as one address. */
static int
parse_line(struct parse *ps, int n, size_t at)
{
	const struct part *part = &ps->value.part[0];

	if (ps->seen[OR_PD_ADDRESS] && ps->nlines == 0)
		return (fail(ps, at, "given twice"));
	if (n != ps->nlines)
		return (fail(ps, at, "lines out of order"));
	if (scan_value(ps, &ps->value, 0, 0) == -1 ||
	    check_printable(ps, &ps->value) == -1 ||
	    check_length(ps, part, 0, part->len, OR_PRINTABLE, 30) == -1)
		return (-1);
	if (ps->nlines++ == 0) {
		ps->seen[OR_PD_ADDRESS] = 1;
		part_begin(&ps->lines, at, OR_PRINTABLE);
	} else
		ps->lines.octet[ps->lines.len++] = '|';
	memcpy(ps->lines.octet + ps->lines.len, part->octet, part->len);
	ps->lines.len += part->len;
	return (0);
}

static int
is_rfc822(const struct part *type)
{
	return (type->len == 7 && strncasecmp(type->octet, "RFC-822", 7) == 0);
}

/* The value of a DDA whose type is in ps->type. */
static int
parse_dda_value(struct parse *ps, const struct part *type, size_t at)
{
	static const char why[] = "not in PrintableString, "
	    "where RFC 2156 writes @ as (a), _ as (u), % as (p)";
	const struct value *v = &ps->value;
	int i, first = ps->nattr;

	if (scan_value(ps, &ps->value, 0, 0) == -1)
		return (-1);
	if (is_rfc822(type) && v->n == 2)
		return (fail(ps, v->star, why));
	if (is_rfc822(type) && v->part[0].charset == OR_TELETEX)
		return (fail(ps, v->part[0].bad, why));
	if (add_forms(ps, OR_DDA, or_specs[OR_DDA].max) == -1)
		return (-1);
	/* With both forms they are two. */
	if ((ps->ddas += ps->nattr - first) > UB_DDAS)
		return (fail(ps, at,
		    "more than four domain-defined attributes"));
	for (i = first; i < ps->nattr; i++) {
		ps->attr[i].dda_charset = type->charset;
		ps->attr[i].dda_len = type->len;
		ps->attr[i].dda_type = message_memdup(ps->m, type->octet,
		    type->len);
		if (ps->attr[i].dda_type == NULL)
			return (fail(ps, here(ps), "out of memory"));
	}
	return (0);
}

static int
parse_dda(struct parse *ps, size_t at)
{
	struct value *v = &ps->type;
	struct part *type = &v->part[0];

	if (scan_value(ps, v, 1, 0) == -1)
		return (-1);
	if (v->n == 2) {
		if (type->len != 0)
			return (fail(ps, v->star,
			    "a type is either printable or teletex"));
		type = &v->part[1];
	}
	if (*ps->p != '=')
		return (fail(ps, here(ps), "'=' expected"));
	if (type->len == 0)
		return (fail(ps, here(ps), "empty type"));
	if (check_length(ps, type, 0, type->len, type->charset,
	    UB_DDA_TYPE) == -1)
		return (-1);
	ps->p++;
	return (parse_dda_value(ps, type, at));
}

static int
parse_rfc822(struct parse *ps, size_t at)
{
	struct part *type = &ps->type.part[0];

	part_begin(type, at, OR_PRINTABLE);
	memcpy(type->octet, "RFC-822", 7);
	type->len = 7;
	return (parse_dda_value(ps, type, at));
}

static int
parse_attribute(struct parse *ps)
{
	size_t at = here(ps), len;
	int key, type;

	if ((key = or_key(ps->p, &len)) == KEY_UNKNOWN) {
		if (len == 0)
			return (fail(ps, at, "attribute expected"));
		if (ps->p[len] != '=' && ps->p[len] != ' ')
			return (fail(ps, at + len, "'=' expected"));
		return (fail(ps, at, "unknown attribute"));
	}
	ps->p += len + 1;
	switch (key) {
	case OR_DDA:
		return (parse_dda(ps, at));
	case KEY_RFC822:
		return (parse_rfc822(ps, at));
	case KEY_PN:
		return (parse_pn(ps, at));
	case KEY_OU:
		for (type = OR_OU1; type <= OR_OU4; type++)
			if (ps->seen[type])
				return (fail(ps, at,
				    "OU beside OU1 to OU4"));
		if (ps->units++ == UB_OR_UNITS)
			return (fail(ps, at, "more than four units"));
		return (parse_standard(ps, OR_OU1));
	}
	if (key >= KEY_LINE)
		return (parse_line(ps, key - KEY_LINE, at));
	if (ps->seen[key])
		return (fail(ps, at, "given twice"));
	if (key >= OR_OU1 && key <= OR_OU4 && ps->units > 0)
		return (fail(ps, at, "OU beside OU1 to OU4"));
	ps->seen[key] = 1;
	ps->seen_at[key] = at;
	return (parse_standard(ps, key));
}

/*
 * RFC 2156 4.1: without numbers the least significant unit comes first.
 */
static int
number_units(struct parse *ps)
{
	uint16_t i;
	int type;

	for (i = 0; i < ps->nattr && ps->units > 0; i++)
		if (ps->attr[i].type == OR_OU1)
			ps->attr[i].type = OR_OU1 + ps->units - ps->unit[i];
	for (type = OR_OU2; type <= OR_OU4; type++)
		if (ps->seen[type] && !ps->seen[type - 1])
			return (fail(ps, ps->seen_at[type],
			    "the unit above this one is missing"));
	return (0);
}

/* ADMD is mandatory beside a country; a blank means any (RFC 1685 4.2). */
static int
default_admd(struct parse *ps)
{
	struct part *part = &ps->lines;

	if (ps->seen[OR_A] || (!ps->seen[OR_C] && !ps->seen[OR_P]))
		return (0);
	part_begin(part, here(ps), OR_PRINTABLE);
	part->octet[0] = ' ';
	return (add(ps, OR_A, OR_PRINTABLE, part, 0, 1) == NULL ? -1 : 0);
}

static void
choose_delimiter(struct parse *ps)
{
	const char *s;
	size_t len;
	int slash = 0;

	ps->delimiter = '/';
	ps->other = ';';
	if (*ps->p == '/')
		return;
	for (s = ps->p; *s != '\0'; s++) {
		if (*s == ';')
			break;
		if (*s == '$' && s[1] != '\0')
			s++;
		else if (*s == '/' &&
		    or_key(s + 1 + strspn(s + 1, " "), &len) != KEY_UNKNOWN)
			slash = 1;
	}
	if (*s == '\0' && slash)
		return;
	ps->delimiter = ';';
	ps->other = '/';
}

static int
parse_address(struct parse *ps)
{
	ps->p += strspn(ps->p, " ");
	if (strncasecmp(ps->p, "X.400", 5) == 0 &&
	    (ps->p[5] == ':' || ps->p[5] == ' '))
		ps->p += 6;
	ps->p += strspn(ps->p, " ");
	choose_delimiter(ps);
	for (;;) {
		if (*ps->p == ps->delimiter || *ps->p == ps->other)
			ps->p++;
		ps->p += strspn(ps->p, " ");
		if (*ps->p == '\0')
			break;
		if (parse_attribute(ps) == -1)
			return (-1);
	}
	if (ps->nlines > 0 && add(ps, OR_PD_ADDRESS, OR_PRINTABLE,
	    &ps->lines, 0, ps->lines.len) == NULL)
		return (-1);
	if (ps->nattr == 0)
		return (fail(ps, here(ps), "no attribute"));
	if (number_units(ps) == -1)
		return (-1);
	return (default_admd(ps));
}

int
or_address_parse(struct message *m, struct or_address *or, const char *text,
    size_t *where, const char **why)
{
	struct parse *ps;
	struct or_attr *attr;
	int r = -1;

	if ((ps = calloc(1, sizeof(*ps))) == NULL) {
		*where = 0;
		*why = "out of memory";
		return (-1);
	}
	ps->m = m;
	ps->text = ps->p = text;
	if (parse_address(ps) == -1) {
		*where = ps->where;
		*why = ps->why;
	} else if ((attr = (struct or_attr *)message_memdup(m, ps->attr,
	    ps->nattr * sizeof(*attr))) == NULL) {
		*where = 0;
		*why = "out of memory";
	} else {
		memset(or, 0, sizeof(*or));
		or->attr = attr;
		or->nattr = ps->nattr;
		r = 0;
	}
	free(ps);
	return (r);
}
