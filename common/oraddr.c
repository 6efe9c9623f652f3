/* SPDX-License-Identifier: ISC */

/*
 * O/R addresses as text (F.401 annex, RFC 1685; RFC 2156 4.1): the table of
 * attributes, printing, and the comparisons of X.402 18.  Parsing is in
 * oraddr_parse.c; man/x400addr.7 describes both forms for their users.
 *
 * What is printed and how, so that it parses into the same attributes:
 *
 *	/key=value/.../		keys of RFC 2156; '$' before '/', '=', '*',
 *				'{', '}', '$' and before whatever a
 *				PrintableString should not have held
 *	key=value; key=value	keys of RFC 1685; '=' doubled in a DDA type,
 *				'$' as above but not before '/' and '=',
 *				unless '/' would begin another attribute
 *	*text			a TeletexString, octets that are no character
 *				of PrintableString as {ddd}, decimal
 *	text*text		the printable and the teletex form of one
 *	{x0123} {u0123}		octets, and a UniversalString, in hexadecimal
 */

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "envelope.h"
#include "oraddr.h"
#include "t61.h"
#include "textout.h"

/* Bounds: X.411 annex A (1984), annex B (1988). */
const struct or_spec or_specs[OR_TYPE_MAX] = {
	[OR_G] = { "G", "G", KIND_TELETEX, 16 },
	[OR_I] = { "I", "I", KIND_TELETEX, 5 },
	[OR_S] = { "S", "S", KIND_TELETEX, 40 },
	[OR_Q] = { "GQ", "Q", KIND_TELETEX, 3 },
	[OR_CN] = { "CN", "CN", KIND_TELETEX, 64 },
	[OR_O] = { "O", "O", KIND_TELETEX, 64 },
	[OR_OU1] = { "OU1", "OU1", KIND_TELETEX, 32 },
	[OR_OU2] = { "OU2", "OU2", KIND_TELETEX, 32 },
	[OR_OU3] = { "OU3", "OU3", KIND_TELETEX, 32 },
	[OR_OU4] = { "OU4", "OU4", KIND_TELETEX, 32 },
	[OR_P] = { "PRMD", "P", KIND_DOMAIN, UB_DOMAIN_NAME },
	[OR_A] = { "ADMD", "A", KIND_DOMAIN, UB_DOMAIN_NAME },
	[OR_C] = { "C", "C", KIND_COUNTRY, UB_COUNTRY_NAME },
	[OR_X121] = { "X121", "X.121", KIND_NUMERIC, 15 },
	[OR_T_ID] = { "T-ID", "T-ID", KIND_PRINTABLE, 24 },
	[OR_N_ID] = { "UA-ID", "N-ID", KIND_NUMERIC, 32 },
	[OR_DDA] = { "DD", "DDA", KIND_DDA, 128 },
	[OR_PD_SERVICE] = { "PD-SERVICE", "PD-SN", KIND_PRINTABLE, 16 },
	[OR_PD_C] = { "PD-C", "PD-C", KIND_COUNTRY, UB_COUNTRY_NAME },
	[OR_PD_CODE] = { "PD-CODE", "PD-PC", KIND_PRINTABLE, 16 },
	[OR_PD_OFFICE] = { "PD-OFFICE", "PD-OF", KIND_TELETEX, 30 },
	[OR_PD_OFFICE_NUM] =
	    { "PD-OFFICE-NUM", "PD-OFN", KIND_TELETEX, 30 },
	[OR_PD_EXT_ADDRESS] =
	    { "PD-EXT-ADDRESS", "PD-EA", KIND_TELETEX, 30 },
	[OR_PD_PN] = { "PD-PN", "PD-PN", KIND_TELETEX, 30 },
	[OR_PD_O] = { "PD-O", "PD-O", KIND_TELETEX, 30 },
	[OR_PD_EXT_DELIVERY] =
	    { "PD-EXT-DELIVERY", "PD-ED", KIND_TELETEX, 30 },
	[OR_PD_ADDRESS] = { "PD-ADDRESS", "PD-A", KIND_LINES, 185 },
	[OR_PD_STREET] = { "PD-STREET", "PD-S", KIND_TELETEX, 30 },
	[OR_PD_BOX] = { "PD-BOX", "PD-B", KIND_TELETEX, 30 },
	[OR_PD_RESTANTE] = { "PD-RESTANTE", "PD-R", KIND_TELETEX, 30 },
	[OR_PD_UNIQUE] = { "PD-UNIQUE", "PD-U", KIND_TELETEX, 30 },
	[OR_PD_LOCAL] = { "PD-LOCAL", "PD-L", KIND_TELETEX, 30 },
	[OR_ISDN] = { "NET-NUM", "ISDN", KIND_NUMERIC, 15 },
	[OR_ISDN_SUB] = { "NET-SUB", "NET-SUB", KIND_NUMERIC, 40 },
	[OR_PSAP] = { "NET-PSAP", "PSAP", KIND_HEX, 128 },
	[OR_T_TY] = { "T-TY", "T-TY", KIND_TERMINAL, 8 },
};

static const struct key {
	const char	*key;
	int		 type;
} keys[] = {
	{ "OU", KEY_OU }, { "PN", KEY_PN }, { "RFC-822", KEY_RFC822 },
	{ "N-ID", OR_N_ID }, { "E.164", OR_ISDN },
	{ "PD-A1", KEY_LINE }, { "PD-A2", KEY_LINE + 1 },
	{ "PD-A3", KEY_LINE + 2 }, { "PD-A4", KEY_LINE + 3 },
	{ "PD-A5", KEY_LINE + 4 }, { "PD-A6", KEY_LINE + 5 },
};

/* X.411: TerminalType. */
static const struct terminal {
	const char	*name;
	int		 number;
} terminals[] = {
	{ "tlx", 3 }, { "ttx", 4 }, { "g3fax", 5 }, { "g4fax", 6 },
	{ "ia5", 7 }, { "vtx", 8 },
};

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static int
is_key(const char *key, const char *s, size_t len)
{
	return (key != NULL && strlen(key) == len &&
	    strncasecmp(key, s, len) == 0);
}

int
or_key(const char *s, size_t *len)
{
	size_t i, n;

	/* "DD.", "DD:", "DDA:" and PP's "DD1." to "DD4." */
	if (strncasecmp(s, "DD", 2) == 0) {
		n = 2;
		if (s[2] == 'A' || s[2] == 'a' || (s[2] >= '1' && s[2] <= '4'))
			n = 3;
		if (s[n] == '.' || s[n] == ':') {
			*len = n;
			return (OR_DDA);
		}
	}
	for (n = 0; isalnum((unsigned char)s[n]) || s[n] == '-' ||
	    s[n] == '.'; n++)
		;
	*len = n;
	if (s[n] != '=')
		return (KEY_UNKNOWN);
	for (i = 1; i < OR_TYPE_MAX; i++)
		if (i != OR_DDA && (is_key(or_specs[i].slash, s, n) ||
		    is_key(or_specs[i].semicolon, s, n)))
			return ((int)i);
	for (i = 0; i < COUNT(keys); i++)
		if (is_key(keys[i].key, s, n))
			return (keys[i].type);
	return (KEY_UNKNOWN);
}

int
or_terminal(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < COUNT(terminals); i++)
		if (is_key(terminals[i].name, s, len) ||
		    (len == 1 && s[0] - '0' == terminals[i].number))
			return (terminals[i].number);
	return (-1);
}

const char *
or_terminal_name(int number)
{
	size_t i;

	for (i = 0; i < COUNT(terminals); i++)
		if (terminals[i].number == number)
			return (terminals[i].name);
	return (NULL);
}

const struct or_attr *
or_address_get(const struct or_address *or, int type)
{
	uint16_t i;

	for (i = 0; i < or->nattr; i++)
		if (or->attr[i].type == type)
			return (&or->attr[i]);
	return (NULL);
}

/* Printing */

/* Would a '/' before s be read as the beginning of another attribute? */
static int
begins_attribute(const char *s)
{
	size_t len;

	return (or_key(s + strspn(s, " "), &len) != KEY_UNKNOWN);
}

static void
out_escaped(struct out *o, int c)
{
	char buf[8];

	snprintf(buf, sizeof(buf), "{%03d}", c);
	out_text(o, buf);
}

static void
out_hex(struct out *o, const char *s, size_t len)
{
	static const char digits[] = "0123456789ABCDEF";

	for (; len > 0; len--, s++) {
		out_char(o, digits[(unsigned char)*s >> 4]);
		out_char(o, digits[(unsigned char)*s & 15]);
	}
}

/* Where a string stands. */
enum place {
	IN_VALUE,
	IN_LINES,		/* a value where '|' separates lines */
	IN_DDA_TYPE,		/* ends at the next '=' */
	IN_DDA_VALUE		/* must not begin with '=' */
};

/* A string in its quoting. */
static void
out_string(struct out *o, const char *s, size_t len, int charset,
    int semicolon, enum place place)
{
	size_t i;
	int c;

	if (charset == OR_OCTETS || charset == OR_UNIVERSAL) {
		out_text(o, charset == OR_OCTETS ? "{x" : "{u");
		out_hex(o, s, len);
		out_char(o, '}');
		return;
	}
	if (charset == OR_TELETEX)
		out_char(o, '*');
	for (i = 0; i < len; i++) {
		c = (unsigned char)s[i];
		if (c == '=' && semicolon &&
		    !(place == IN_DDA_VALUE && i == 0)) {
			out_char(o, '=');
			if (place == IN_DDA_TYPE)
				out_char(o, '=');
		} else if (c == '=' || (c == '/' && (!semicolon ||
		    place == IN_DDA_TYPE || begins_attribute(s + i + 1)))) {
			out_char(o, '$');
			out_char(o, c);
		} else if (printable_char(c) || (c == '|' && place == IN_LINES))
			out_char(o, c);
		else if (charset == OR_TELETEX)
			out_escaped(o, c);
		else {
			/* Ill-formed, but as received. */
			out_char(o, '$');
			out_char(o, c >= ' ' && c < 127 ? c : '?');
		}
	}
}

/* Printable lines of an unformatted postal address: PD-A1=...; PD-A2=... */
static void
out_lines(struct out *o, const struct or_attr *a)
{
	const char *s = a->value, *end = a->value + a->len, *e;
	char key[16];
	int n;

	for (n = 1; n <= UB_PD_LINES; n++) {
		e = n < UB_PD_LINES ? memchr(s, '|', end - s) : NULL;
		if (e == NULL)
			e = end;
		snprintf(key, sizeof(key), "%sPD-A%d=", n > 1 ? "; " : "", n);
		out_text(o, key);
		out_string(o, s, e - s, OR_PRINTABLE, 1, IN_LINES);
		if (e == end)
			break;
		s = e + 1;
	}
}

static int
is_rfc822(const struct or_attr *a)
{
	return (a->dda_charset == OR_PRINTABLE &&
	    strcmp(a->dda_type, "RFC-822") == 0);
}

static enum place
place_of(const struct or_attr *a)
{
	if (a->type == OR_DDA)
		return (IN_DDA_VALUE);
	return (a->type == OR_PD_ADDRESS ? IN_LINES : IN_VALUE);
}

/* both: the teletex form follows. */
static void
out_attr(struct out *o, const struct or_attr *a, int semicolon, int both)
{
	const struct or_spec *spec = &or_specs[a->type];
	const char *name;

	if (spec->kind == KIND_LINES && semicolon && !both &&
	    a->charset == OR_PRINTABLE) {
		out_lines(o, a);
		return;
	}
	if (a->type == OR_DDA) {
		if (is_rfc822(a) && !semicolon)
			out_text(o, "RFC-822");
		else {
			out_text(o, semicolon ? "DDA:" : "DD.");
			out_string(o, a->dda_type, a->dda_len,
			    a->dda_charset, semicolon, IN_DDA_TYPE);
		}
	} else
		out_text(o, semicolon ? spec->semicolon : spec->slash);
	out_char(o, '=');
	if (spec->kind == KIND_HEX && a->charset == OR_OCTETS)
		out_hex(o, a->value, a->len);
	else if (spec->kind == KIND_TERMINAL && a->len == 1 &&
	    (name = or_terminal_name(a->value[0] - '0')) != NULL)
		out_text(o, name);
	else
		out_string(o, a->value, a->len, a->charset, semicolon,
		    place_of(a));
}

/* Attributes in the order of enum or_type, of one type as they stand. */
static void
sorted(const struct or_address *or, const struct or_attr **attr)
{
	const struct or_attr *a;
	int i, j;

	for (i = 0; i < or->nattr && i < UB_OR_ATTRIBUTES; i++) {
		a = &or->attr[i];
		for (j = i; j > 0 && attr[j - 1]->type > a->type; j--)
			attr[j] = attr[j - 1];
		attr[j] = a;
	}
}

static int
attributes(const struct or_address *or)
{
	return (or->nattr < UB_OR_ATTRIBUTES ? or->nattr : UB_OR_ATTRIBUTES);
}

/*
 * Is b the teletex form that follows the printable form of the same
 * attribute?
 */
static int
second_form(const struct or_attr *a, const struct or_attr *b)
{
	return (a->type == b->type && a->type != OR_DDA &&
	    a->charset == OR_PRINTABLE && b->charset == OR_TELETEX &&
	    (or_specs[a->type].kind == KIND_TELETEX ||
	    or_specs[a->type].kind == KIND_LINES));
}

int
or_address_print(const struct or_address *or, char *buf, size_t size,
    int semicolon)
{
	const struct or_attr *attr[UB_OR_ATTRIBUTES], *a;
	struct out o;
	int i, n = attributes(or);

	out_begin(&o, buf, size);
	sorted(or, attr);
	for (i = 0; i < n; i++) {
		a = attr[i];
		if (i > 0 && second_form(attr[i - 1], a)) {
			out_string(&o, a->value, a->len, a->charset,
			    semicolon, place_of(a));
			continue;
		}
		if (semicolon)
			out_text(&o, i > 0 ? "; " : "");
		else
			out_char(&o, '/');
		out_attr(&o, a, semicolon,
		    i + 1 < n && second_form(a, attr[i + 1]));
	}
	if (!semicolon && n > 0)
		out_char(&o, '/');
	return ((int)o.len);
}

/*
 * Comparing.  X.402 18.2: case does not count, nor do blanks at either end
 * or how many there are between words.  NumericString and PrintableString
 * of the same characters are the same.
 */

struct fold {
	const char	*s;
	size_t		 len;
};

static void
fold_begin(struct fold *f, const char *s, size_t len)
{
	while (len > 0 && *s == ' ')
		s++, len--;
	while (len > 0 && s[len - 1] == ' ')
		len--;
	f->s = s;
	f->len = len;
}

static int
fold_next(struct fold *f)
{
	int c;

	if (f->len == 0)
		return (-1);
	c = (unsigned char)*f->s++;
	f->len--;
	if (c == ' ')
		while (f->len > 0 && *f->s == ' ')
			f->s++, f->len--;
	return (c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

size_t
or_fold(const char *s, size_t len, char *out, size_t size)
{
	struct fold f;
	size_t n = 0;
	int c;

	fold_begin(&f, s, len);
	while (n < size && (c = fold_next(&f)) != -1)
		out[n++] = c;
	return (n);
}

static int
string_compare(const char *a, size_t alen, const char *b, size_t blen)
{
	struct fold x, y;
	int c, d;

	fold_begin(&x, a, alen);
	fold_begin(&y, b, blen);
	do {
		c = fold_next(&x);
		d = fold_next(&y);
	} while (c == d && c != -1);
	return (c - d);
}

static int
octets_compare(const char *a, size_t alen, const char *b, size_t blen)
{
	int c;

	c = memcmp(a, b, alen < blen ? alen : blen);
	if (c == 0)
		c = (alen > blen) - (alen < blen);
	return (c);
}

int
or_attr_compare(const struct or_attr *a, const struct or_attr *b)
{
	int c;

	if (a->type != b->type)
		return (a->type - b->type);
	if (a->type == OR_DDA && (c = string_compare(a->dda_type, a->dda_len,
	    b->dda_type, b->dda_len)) != 0)
		return (c);
	if (a->charset >= OR_UNIVERSAL || b->charset >= OR_UNIVERSAL) {
		if (a->charset != b->charset)
			return (a->charset - b->charset);
		return (octets_compare(a->value, a->len, b->value, b->len));
	}
	return (string_compare(a->value, a->len, b->value, b->len));
}

int
or_address_compare(const struct or_address *a, const struct or_address *b)
{
	const struct or_attr *x[UB_OR_ATTRIBUTES], *y[UB_OR_ATTRIBUTES];
	int c, i, n = attributes(a), m = attributes(b);

	sorted(a, x);
	sorted(b, y);
	for (i = 0; i < n && i < m; i++)
		if ((c = or_attr_compare(x[i], y[i])) != 0)
			return (c);
	return (n - m);
}

/* X.402 18.3.1: an ADMD of one blank stands for any in the country. */
int
or_any_admd(const struct or_attr *a)
{
	return (a->type == OR_A &&
	    string_compare(a->value, a->len, "", 0) == 0);
}

int
or_address_match(const struct or_address *prefix, const struct or_address *or)
{
	const struct or_attr *a;
	int i, j, n = attributes(or), matched = 0;

	for (i = 0; i < attributes(prefix); i++) {
		a = &prefix->attr[i];
		if (or_any_admd(a))
			continue;
		for (j = 0; j < n; j++)
			if (or_attr_compare(a, &or->attr[j]) == 0)
				break;
		if (j == n)
			return (-1);
		matched++;
	}
	return (matched);
}
