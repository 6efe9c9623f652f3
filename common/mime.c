/* SPDX-License-Identifier: ISC */

/* Header fields and the structure of MIME, see mime.h. */

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "charset.h"
#include "mime.h"

/* The end of the line that begins at p, behind its newline. */
static const char *
line_end(const char *p, const char *end)
{
	const char	*nl = memchr(p, '\n', end - p);

	return nl == NULL ? end : nl + 1;
}

static int
is_blank(const char *p, const char *next)
{
	return next - p > 0 && (p[0] == '\n' || (p[0] == '\r' &&
	    next - p == 2 && p[1] == '\n'));
}

void
mime_entity(struct mime_entity *e, const void *text, size_t len)
{
	const char	*p = text, *end = p + len, *next;

	e->head = p;
	for (; p < end; p = next) {
		next = line_end(p, end);
		if (is_blank(p, next)) {
			e->head_len = p - e->head;
			e->body = next;
			e->body_len = end - next;
			return;
		}
	}
	e->head_len = len;
	e->body = end;
	e->body_len = 0;
}

/* RFC 5322 2.2; blanks before the colon are those of 4.5. */
static int
is_field(const char *p, const char *end)
{
	const char	*name = p;

	while (p < end && *p > ' ' && *p < 127 && *p != ':')
		p++;
	if (p == name)
		return 0;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p < end && *p == ':';
}

const char *
mime_header_bad(const struct mime_entity *e, int mbox, size_t *len,
    size_t *fields)
{
	const char	*p = e->head, *end = p + e->head_len, *next;

	*fields = 0;
	for (; p < end; p = next) {
		next = line_end(p, end);
		if (is_field(p, next)) {
			++*fields;
			continue;
		}
		if ((*p == ' ' || *p == '\t') && *fields > 0)
			continue;
		if (mbox && p == e->head && next - p > 5 &&
		    memcmp(p, "From ", 5) == 0)
			continue;
		while (next > p && (next[-1] == '\n' || next[-1] == '\r'))
			next--;
		*len = next - p;
		return p;
	}
	return NULL;
}

/* Line breaks out, tabs and other controls as spaces, ends trimmed. */
static char *
unfold(const char *p, size_t n)
{
	char	*s, *q;

	while (n > 0 && isspace((unsigned char)*p))
		p++, n--;
	if (n > MIME_FIELD_MAX || (s = malloc(n + 1)) == NULL)
		return NULL;
	for (q = s; n > 0; p++, n--) {
		if (*p == '\r' || *p == '\n')
			continue;
		*q++ = (unsigned char)*p < ' ' ? ' ' : *p;
	}
	while (q > s && q[-1] == ' ')
		q--;
	*q = '\0';
	return s;
}

char *
mime_field(const struct mime_entity *e, const char *name, unsigned int nth)
{
	const char	*p = e->head, *end = p + e->head_len, *next, *value;
	size_t		 n = strlen(name);

	for (; p < end; p = next) {
		next = line_end(p, end);
		while (next < end && (*next == ' ' || *next == '\t'))
			next = line_end(next, end);
		if ((size_t)(next - p) <= n || strncasecmp(p, name, n) != 0)
			continue;
		value = p + n;
		while (value < next && (*value == ' ' || *value == '\t'))
			value++;
		if (value < next && *value == ':' && nth-- == 0)
			return unfold(value + 1, next - value - 1);
	}
	return NULL;
}

/* Encoded words (RFC 2047) */

struct words {
	char	*s;
	size_t	 len, size;
};

static void
words_put(void *arg, const uint8_t *p, size_t n)
{
	struct words	*w = arg;

	/* Room for all was made beforehand. */
	if (n < w->size - w->len) {
		memcpy(w->s + w->len, p, n);
		w->len += n;
	}
}

/* "=?charset?q?text?=" at s: its UTF-8 behind w; octets taken, or 0. */
static size_t
word(const char *s, struct words *w)
{
	char		 charset[MIME_NAME_MAX], *utf8, *star, *q;
	const char	*p, *end;
	struct words	 octets = { NULL, 0, 0 };
	size_t		 n = strcspn(s + 2, "? ");
	int		 id, encoding;

	if (n == 0 || n >= sizeof(charset) || s[2 + n] != '?')
		return 0;
	memcpy(charset, s + 2, n);
	charset[n] = '\0';
	if ((star = strchr(charset, '*')) != NULL)
		*star = '\0';		/* a language */
	p = s + 2 + n + 1;
	encoding = *p == 'q' || *p == 'Q' ? MIME_QP :
	    *p == 'b' || *p == 'B' ? MIME_BASE64 : -1;
	if (encoding == -1 || p[1] != '?' ||
	    (end = strstr(p + 2, "?=")) == NULL ||
	    (id = charset_by_name(charset)) == CS_NONE)
		return 0;
	p += 2;
	n = end - p;
	if (memchr(p, ' ', n) != NULL ||
	    (octets.s = malloc(2 * n + 1)) == NULL)
		return 0;
	octets.size = 2 * n + 1;
	if (encoding == MIME_QP) {
		q = octets.s + n;
		memcpy(q, p, n);
		for (size_t i = 0; i < n; i++)
			if (q[i] == '_')
				q[i] = ' ';
		octets.size = n + 1;
		mime_decode(q, n, MIME_QP, words_put, &octets);
	} else
		mime_decode(p, n, MIME_BASE64, words_put, &octets);
	utf8 = charset_text((uint8_t *)octets.s, octets.len, id);
	free(octets.s);
	if (utf8 == NULL)
		return 0;
	words_put(w, (uint8_t *)utf8, strlen(utf8));
	free(utf8);
	return end + 2 - s;
}

/* What is neither an encoded word nor UTF-8 is taken for ISO 8859-1. */
char *
mime_words(const char *s)
{
	struct words	w = { NULL, 0, 4 * strlen(s) + 8 };
	uint32_t	u;
	size_t		n, blanks;
	char		utf8[4];
	int		after = 0;	/* an encoded word */

	if ((w.s = malloc(w.size)) == NULL)
		return NULL;
	while (*s != '\0') {
		/* Spaces between encoded words are not of the text. */
		blanks = strspn(s, " ");
		if (strncmp(s + blanks, "=?", 2) == 0) {
			size_t	before = w.len;

			if (!after)
				words_put(&w, (const uint8_t *)s, blanks);
			if ((n = word(s + blanks, &w)) > 0) {
				s += blanks + n;
				after = 1;
				continue;
			}
			w.len = before;
		}
		after = 0;
		if ((n = utf8_get(s, strlen(s), &u)) == 0) {
			u = (unsigned char)*s;
			n = 1;
		}
		words_put(&w, (uint8_t *)utf8, utf8_put(u, utf8));
		s += n;
	}
	w.s[w.len] = '\0';
	return w.s;
}

/* Parameters */

void
mime_token(const char *s, char *out, size_t size)
{
	size_t	n = 0;

	while (*s == ' ')
		s++;
	for (; *s != '\0' && *s != ';' && *s != ' ' && *s != '(' &&
	    n + 1 < size; s++)
		out[n++] = tolower((unsigned char)*s);
	out[n] = '\0';
}

/* Behind the value that begins at s; as much of it as fits into out. */
static const char *
parameter_value(const char *s, char *out, size_t size)
{
	size_t	n = 0;

	if (*s == '"') {
		for (s++; *s != '\0' && *s != '"'; s++) {
			if (*s == '\\' && s[1] != '\0')
				s++;
			if (n + 1 < size)
				out[n++] = *s;
		}
		if (*s == '"')
			s++;
	} else
		for (; *s != '\0' && *s != ';' && *s != ' '; s++)
			if (n + 1 < size)
				out[n++] = *s;
	out[n] = '\0';
	return s;
}

static int
hex_digit(int c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ?
	    c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* RFC 2231 4: charset'language'%41; later segments have no charset. */
static size_t
percent(char *s)
{
	char	*p, *q = s;

	for (p = s; *p != '\0'; p++) {
		if (*p == '%' && hex_digit(p[1]) >= 0 &&
		    hex_digit(p[2]) >= 0) {
			*q++ = hex_digit(p[1]) << 4 | hex_digit(p[2]);
			p += 2;
		} else
			*q++ = *p;
	}
	*q = '\0';
	return q - s;
}

/* The parameter of that exact name, "*" and all; NULL: there is none. */
static char *
exact_parameter(const char *s, const char *name)
{
	size_t	 size = strlen(s) + 1, n = strlen(name);
	char	*value;
	int	 found;

	if ((value = malloc(size)) == NULL)
		return NULL;
	/* The first is the value of the field itself. */
	for (s += strcspn(s, ";"); *s == ';'; s += strcspn(s, ";")) {
		s++;
		s += strspn(s, " ");
		found = strncasecmp(s, name, n) == 0 &&
		    s[n + strspn(s + n, " ")] == '=';
		s += strcspn(s, "=;");
		if (*s != '=')
			continue;
		s++;
		s += strspn(s, " ");
		s = parameter_value(s, value, size);
		if (found)
			return value;
	}
	free(value);
	return NULL;
}

static char *
extended_parameter(char *value)
{
	char	*quote, *text, *utf8;
	size_t	 n;
	int	 id;

	if ((quote = strchr(value, '\'')) == NULL ||
	    (text = strchr(quote + 1, '\'')) == NULL)
		return value;
	*quote = '\0';
	text++;
	n = percent(text);
	if ((id = charset_by_name(value)) == CS_NONE)
		id = CS_ASCII;
	utf8 = charset_text((uint8_t *)text, n, id);
	free(value);
	return utf8;
}

/* RFC 2231 3: name*0, name*1 ..., each of them perhaps with a "*". */
static char *
continued_parameter(const char *s, const char *name)
{
	char	 segment[MIME_NAME_MAX], *value, *all = NULL, *p;
	int	 i, extended = 0;
	size_t	 len = 0, n;

	for (i = 0; i < 100; i++) {
		snprintf(segment, sizeof(segment), "%s*%d", name, i);
		if ((value = exact_parameter(s, segment)) == NULL) {
			strlcat(segment, "*", sizeof(segment));
			if ((value = exact_parameter(s, segment)) == NULL)
				break;
			extended |= i == 0;
		}
		n = strlen(value);
		if ((p = realloc(all, len + n + 1)) == NULL) {
			free(value);
			free(all);
			return NULL;
		}
		all = p;
		memcpy(all + len, value, n + 1);
		len += n;
		free(value);
	}
	return all != NULL && extended ? extended_parameter(all) : all;
}

char *
mime_parameter(const char *s, const char *name)
{
	char	 star[MIME_NAME_MAX], *value, *utf8;

	snprintf(star, sizeof(star), "%s*", name);
	if ((value = exact_parameter(s, star)) != NULL)
		return extended_parameter(value);
	if ((value = continued_parameter(s, name)) != NULL)
		return value;
	if ((value = exact_parameter(s, name)) == NULL)
		return NULL;
	utf8 = mime_words(value);	/* not allowed, and common */
	free(value);
	return utf8;
}

/* Multipart (RFC 2046 5.1) */

/* Is the line at p a boundary?  2: the last one. */
static int
is_boundary(const char *p, const char *next, const char *boundary, size_t n)
{
	if ((size_t)(next - p) < n + 2 || p[0] != '-' || p[1] != '-' ||
	    memcmp(p + 2, boundary, n) != 0)
		return 0;
	p += 2 + n;
	if (next - p >= 2 && p[0] == '-' && p[1] == '-')
		return 2;
	while (p < next && isspace((unsigned char)*p))
		p++;
	return p == next;
}

int
mime_part(const struct mime_entity *e, const char *boundary, size_t *at,
    const char **part, size_t *len)
{
	const char	*p = e->body + *at, *end = e->body + e->body_len;
	const char	*next, *begin = NULL;
	size_t		 n = strlen(boundary);
	int		 kind;

	if (n == 0)
		return 0;
	for (; p < end; p = next) {
		next = line_end(p, end);
		if ((kind = is_boundary(p, next, boundary, n)) == 0)
			continue;
		if (begin != NULL)
			break;
		if (kind == 2)
			return 0;
		begin = next;
	}
	if (begin == NULL)
		return 0;
	*at = p - e->body;
	/* The newline before the boundary is of the boundary. */
	if (p > begin && p < end && p[-1] == '\n')
		p--;
	if (p > begin && p < end && p[-1] == '\r')
		p--;
	*part = begin;
	*len = p - begin;
	return 1;
}

/* Dates (RFC 5322 3.3) */

static int
zone_minutes(const char *s)
{
	static const struct {
		const char	*name;
		int		 hours;
	} zones[] = {
		{ "EDT", -4 }, { "EST", -5 }, { "CDT", -5 }, { "CST", -6 },
		{ "MDT", -6 }, { "MST", -7 }, { "PDT", -7 }, { "PST", -8 }
	};
	size_t	i;
	int	n;

	while (*s == ' ')
		s++;
	if ((*s == '+' || *s == '-') && strspn(s + 1, "0123456789") >= 4) {
		n = ((s[1] - '0') * 10 + s[2] - '0') * 60 +
		    (s[3] - '0') * 10 + s[4] - '0';
		return *s == '-' ? -n : n;
	}
	for (i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
		if (strncasecmp(s, zones[i].name, 3) == 0)
			return zones[i].hours * 60;
	return 0;
}

int
mime_date_parse(const char *s, int64_t *seconds)
{
	static const char	 months[] = "JanFebMarAprMayJunJulAugSepOct"
				    "NovDec";
	const char		*comma = strchr(s, ',');
	char			 month[4];
	struct tm		 tm;
	int			 n = 0, i;

	memset(&tm, 0, sizeof(tm));
	if (comma != NULL)
		s = comma + 1;
	if (sscanf(s, " %2d %3[A-Za-z] %4d %2d:%2d%n", &tm.tm_mday, month,
	    &tm.tm_year, &tm.tm_hour, &tm.tm_min, &n) != 5)
		return -1;
	s += n;
	if (*s == ':') {
		if (sscanf(s, ":%2d%n", &tm.tm_sec, &n) != 1)
			return -1;
		s += n;
	}
	for (i = 0; i < 12; i++)
		if (strncasecmp(months + 3 * i, month, 3) == 0)
			break;
	if (i == 12 || tm.tm_mday < 1 || tm.tm_mday > 31 ||
	    tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60 ||
	    tm.tm_hour < 0 || tm.tm_min < 0 || tm.tm_sec < 0 ||
	    tm.tm_year < 0)
		return -1;
	tm.tm_mon = i;
	if (tm.tm_year < 50)
		tm.tm_year += 2000;
	else if (tm.tm_year < 1000)
		tm.tm_year += 1900;
	tm.tm_year -= 1900;
	*seconds = timegm(&tm) - zone_minutes(s) * 60;
	return 0;
}
