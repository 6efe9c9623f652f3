/* SPDX-License-Identifier: ISC */

/*
 * The small parts of an envelope as text: GlobalDomainIdentifier and
 * MTSIdentifier (X.411 8.5; printed as RFC 2156 4.7 does), Priority, and
 * UTCTime (X.208 33).
 */

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "envelope.h"
#include "t61.h"
#include "textout.h"

static const char *const priorities[] = { "normal", "non-urgent", "urgent" };

const char *
priority_name(int priority)
{
	if (priority < PRIORITY_NORMAL || priority > PRIORITY_URGENT)
		return ("unknown");
	return (priorities[priority]);
}

int
priority_parse(const char *s)
{
	int i;

	for (i = PRIORITY_NORMAL; i <= PRIORITY_URGENT; i++)
		if (strcasecmp(s, priorities[i]) == 0)
			return (i);
	return (-1);
}

static int
all_digits(const char *s)
{
	return (*s != '\0' && strspn(s, "0123456789") == strlen(s));
}

/* X.411 CountryName: x121-dcc-code or iso-3166-alpha2-code. */
static int
is_country(const char *s)
{
	if (all_digits(s))
		return (strlen(s) == 3);
	return (isalpha((unsigned char)s[0]) && isalpha((unsigned char)s[1]) &&
	    s[2] == '\0');
}

static const struct domain_label {
	const char	*label;
	int		 type;
} domain_labels[] = {
	{ "C", OR_C }, { "A", OR_A }, { "ADMD", OR_A },
	{ "P", OR_P }, { "PRMD", OR_P }
};

static int
domain_label(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof(domain_labels) / sizeof(domain_labels[0]); i++)
		if (strlen(domain_labels[i].label) == len &&
		    strncasecmp(domain_labels[i].label, s, len) == 0)
			return (domain_labels[i].type);
	return (-1);
}

/*
 * One value up to a delimiter that is not doubled; returns where it ends,
 * or NULL with *why and the character in *bad.
 */
static const char *
domain_value(const char *s, char delimiter, char *value, size_t size,
    const char **bad, const char **why)
{
	size_t n = 0;

	for (*bad = s; *s != '\0'; s++) {
		*bad = s;
		if (*s == delimiter) {
			if (s[1] != delimiter)
				break;
			s++;
		} else if (*s == '$' && s[1] != '\0')
			s++;
		if (!printable_char((unsigned char)*s)) {
			*why = "not a character of PrintableString";
			return (NULL);
		}
		if (n + 1 == size) {
			*why = "value too long";
			return (NULL);
		}
		value[n++] = *s;
	}
	if (n == 0) {
		*why = "empty value";
		return (NULL);
	}
	value[n] = '\0';
	return (s);
}

/*
 * Parses "/C=GB/ADMD=GOLD 400/PRMD=ALPHA" and the form with ';', in any
 * order.  Country is required; without ADMD it is a single space.  On
 * error *where is the offset of the offending character.
 */
int
global_domain_parse(const char *text, struct global_domain *d, size_t *where,
    const char **why)
{
	struct global_domain t;
	const char *s = text, *end, *bad;
	char delimiter, *value;
	size_t size;

	memset(&t, 0, sizeof(t));
	delimiter = *s == '/' || strchr(s, ';') == NULL ? '/' : ';';
	while (*s != '\0') {
		if (*s == delimiter)
			s++;
		s += strspn(s, " ");
		if (*s == '\0')
			break;
		bad = s;
		end = s + strcspn(s, "=/;");
		*why = "C=, ADMD= or PRMD= expected";
		if (*end != '=')
			goto fail;
		switch (domain_label(s, end - s)) {
		case OR_C:
			value = t.country;
			size = sizeof(t.country);
			break;
		case OR_A:
			value = t.admd;
			size = sizeof(t.admd);
			break;
		case OR_P:
			value = t.prmd;
			size = sizeof(t.prmd);
			break;
		default:
			goto fail;
		}
		*why = "given twice";
		if (*value != '\0')
			goto fail;
		s = domain_value(end + 1, delimiter, value, size, &bad, why);
		if (s == NULL)
			goto fail;
		bad = end + 1;
		*why = "two letters or three digits expected";
		if (value == t.country && !is_country(value))
			goto fail;
	}
	bad = s;
	*why = "no country (C=) in the domain";
	if (t.country[0] == '\0')
		goto fail;
	if (t.admd[0] == '\0')
		strcpy(t.admd, " ");
	t.country_numeric = all_digits(t.country);
	t.admd_numeric = all_digits(t.admd);
	t.prmd_numeric = all_digits(t.prmd);
	*why = NULL;
	*d = t;
	return (0);
fail:
	*where = bad - text;
	return (-1);
}

/*
 * "/label=value", a slash in it doubled.  What is received may hold what no
 * PrintableString should; it does not reach a log or a terminal as it is.
 */
static void
out_part(struct out *o, const char *label, const char *s)
{
	if (*s == '\0')
		return;
	out_char(o, '/');
	out_text(o, label);
	out_char(o, '=');
	for (; *s != '\0'; s++) {
		if (*s == '/')
			out_char(o, '/');
		out_char(o, isprint((unsigned char)*s) ? *s : '?');
	}
}

int
global_domain_print(const struct global_domain *d, char *buf, size_t size)
{
	struct out o;

	out_begin(&o, buf, size);
	out_part(&o, "C", d->country);
	out_part(&o, "ADMD", d->admd);
	out_part(&o, "PRMD", d->prmd);
	return ((int)o.len);
}

/* Next character of a value, in lower case, runs of blanks as one. */
static int
folded(const char **s)
{
	int c;

	if (**s == ' ') {
		*s += strspn(*s, " ");
		return (**s == '\0' ? '\0' : ' ');
	}
	if ((c = (unsigned char)**s) == '\0')
		return ('\0');
	(*s)++;
	return (c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static int
value_compare(const char *a, const char *b)
{
	int x, y;

	a += strspn(a, " ");
	b += strspn(b, " ");
	do {
		x = folded(&a);
		y = folded(&b);
	} while (x == y && x != '\0');
	return (x - y);
}

int
global_domain_compare(const struct global_domain *a,
    const struct global_domain *b)
{
	int c;

	if ((c = value_compare(a->country, b->country)) != 0 ||
	    (c = value_compare(a->admd, b->admd)) != 0)
		return (c);
	return (value_compare(a->prmd, b->prmd));
}

int
mts_identifier_print(const struct mts_identifier *id, char *buf, size_t size)
{
	const char *s;
	struct out o;

	out_begin(&o, buf, size);
	out_char(&o, '[');
	out_part(&o, "PRMD", id->domain.prmd);
	out_part(&o, "ADMD", id->domain.admd);
	out_part(&o, "C", id->domain.country);
	out_text(&o, "/;");
	for (s = id->local; *s != '\0'; s++)
		out_char(&o, isprint((unsigned char)*s) ? *s : '?');
	out_char(&o, ']');
	return ((int)o.len);
}

void
utctime_set(struct utctime *t, time_t now)
{
	struct tm tm;

	if (gmtime_r(&now, &tm) == NULL)
		memset(&tm, 0, sizeof(tm));
	strftime(t->text, sizeof(t->text), "%y%m%d%H%M%SZ", &tm);
}

/* The next two digits, from low to high; -1 otherwise. */
static int
two_digits(const char **s, int low, int high)
{
	int n;

	if (!isdigit((unsigned char)(*s)[0]) ||
	    !isdigit((unsigned char)(*s)[1]))
		return (-1);
	n = ((*s)[0] - '0') * 10 + ((*s)[1] - '0');
	*s += 2;
	return (n < low || n > high ? -1 : n);
}

/*
 * The year that the two digits mean: no more than 40 after this one (ICAO
 * Doc 9880 part II, 2.5: a window that slides, ten years back at the least).
 */
static int
utctime_year(int yy)
{
	struct tm tm;
	time_t now = time(NULL);
	int this, year;

	if (gmtime_r(&now, &tm) == NULL)
		return (yy < 80 ? 2000 + yy : 1900 + yy);
	this = tm.tm_year + 1900;
	year = this - this % 100 + yy;
	if (year > this + 40)
		year -= 100;
	else if (year <= this - 60)
		year += 100;
	return (year);
}

/* Seconds may be missing; Z or a difference to UTC may not. */
time_t
utctime_get(const struct utctime *t)
{
	static const int days[] = {
		31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
	};
	const char *s = t->text;
	struct tm tm;
	time_t when;
	int yy, hours, minutes, east, leap;

	memset(&tm, 0, sizeof(tm));
	if ((yy = two_digits(&s, 0, 99)) == -1 ||
	    (tm.tm_mon = two_digits(&s, 1, 12)) == -1 ||
	    (tm.tm_mday = two_digits(&s, 1, 31)) == -1 ||
	    (tm.tm_hour = two_digits(&s, 0, 23)) == -1 ||
	    (tm.tm_min = two_digits(&s, 0, 59)) == -1)
		return (-1);
	tm.tm_mon--;
	tm.tm_year = utctime_year(yy) - 1900;
	leap = tm.tm_mon == 1 && tm.tm_year % 4 == 0;	/* 1967 to 2099 */
	if (tm.tm_mday > days[tm.tm_mon] + leap)
		return (-1);
	if (isdigit((unsigned char)*s) &&
	    (tm.tm_sec = two_digits(&s, 0, 59)) == -1)
		return (-1);
	if ((when = timegm(&tm)) == -1)
		return (-1);
	if (*s == 'Z')
		return (s[1] == '\0' ? when : -1);
	if (*s != '+' && *s != '-')
		return (-1);
	east = *s++ == '+';
	if ((hours = two_digits(&s, 0, 23)) == -1 ||
	    (minutes = two_digits(&s, 0, 59)) == -1 || *s != '\0')
		return (-1);
	minutes += hours * 60;
	return (east ? when - minutes * 60 : when + minutes * 60);
}
