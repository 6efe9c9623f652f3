/* SPDX-License-Identifier: ISC */

/* Writing of MIME, see mime_out.h. */

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "charset.h"
#include "mime_out.h"

#define FOLD		76	/* RFC 5322 2.1.1: 78 without CR LF */
#define LINE_MAX_RAW	990	/* of 998, in text that is not encoded */
#define WORD_MAX	75	/* RFC 2047 2: of an encoded word */
#define QP_LINE		75	/* and the '=' of a soft line break */

static void
field_octets(struct mime_field *mf, const char *s, size_t n)
{
	size_t	 size;
	char	*p;

	if (mf->failed)
		return;
	if (n >= mf->size - mf->len) {
		size = 2 * (mf->size + n) + 64;
		if ((p = realloc(mf->s, size)) == NULL) {
			mf->failed = 1;
			return;
		}
		mf->s = p;
		mf->size = size;
	}
	memcpy(mf->s + mf->len, s, n);
	mf->len += n;
}

void
mime_field_begin(struct mime_field *mf, const char *name)
{
	memset(mf, 0, sizeof(*mf));
	field_octets(mf, name, strlen(name));
	field_octets(mf, ": ", 2);
}

void
mime_field_raw(struct mime_field *mf, const char *s)
{
	for (; *s != '\0'; s++)
		field_octets(mf, *s >= ' ' && *s <= '~' ? s : "?", 1);
}

/* May it stand in a field without being encoded? */
static int
is_plain(const char *s)
{
	const char	*p;

	for (p = s; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			return 0;
	return strstr(s, "=?") == NULL && strlen(s) < LINE_MAX_RAW &&
	    s[0] != ' ' && (p == s || p[-1] != ' ');
}

/* RFC 2047 5 (3): what may stand for itself in a phrase. */
static int
q_literal(unsigned char c)
{
	return isalnum(c) || c == '!' || c == '*' || c == '+' || c == '-' ||
	    c == '/';
}

/* Words of whole characters, a space between them. */
static void
encoded_words(struct mime_field *mf, const char *s)
{
	static const char	begin[] = "=?utf-8?q?";
	char			word[16];
	uint32_t		u;
	size_t			n, i, used = 0, left = strlen(s), w;
	size_t			max = WORD_MAX;

	/* RFC 2047 2: nor is a line that holds one longer than 76. */
	if (mf->len < WORD_MAX / 2)
		max -= mf->len;
	for (; left > 0; s += n, left -= n) {
		if ((n = utf8_get(s, left, &u)) == 0)
			n = 1;
		for (i = w = 0; i < n; i++) {
			if (s[i] == ' ')
				word[w++] = '_';
			else if (q_literal(s[i]))
				word[w++] = s[i];
			else
				w += snprintf(word + w, sizeof(word) - w,
				    "=%02X", (unsigned char)s[i]);
		}
		if (used != 0 && used + w + 2 > max) {
			field_octets(mf, "?= ", 3);
			used = 0;
			max = WORD_MAX;
		}
		if (used == 0) {
			field_octets(mf, begin, sizeof(begin) - 1);
			used = sizeof(begin) - 1;
		}
		field_octets(mf, word, w);
		used += w;
	}
	if (used != 0)
		field_octets(mf, "?=", 2);
}

void
mime_field_text(struct mime_field *mf, const char *s)
{
	if (is_plain(s))
		field_octets(mf, s, strlen(s));
	else
		encoded_words(mf, s);
}

static void
quoted(struct mime_field *mf, const char *s)
{
	field_octets(mf, "\"", 1);
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			field_octets(mf, "\\", 1);
		field_octets(mf, s, 1);
	}
	field_octets(mf, "\"", 1);
}

void
mime_field_phrase(struct mime_field *mf, const char *s)
{
	if (is_plain(s))
		quoted(mf, s);
	else
		encoded_words(mf, s);
}

void
mime_field_parameter(struct mime_field *mf, const char *name,
    const char *value)
{
	const char	*p;
	char		 hex[8];

	field_octets(mf, "; ", 2);
	field_octets(mf, name, strlen(name));
	for (p = value; *p >= ' ' && *p <= '~'; p++)
		;
	if (*p == '\0' && p - value < FOLD * 8) {
		field_octets(mf, "=", 1);
		quoted(mf, value);
		return;
	}
	field_octets(mf, "*=utf-8''", 9);
	for (p = value; *p != '\0'; p++) {
		if (isalnum((unsigned char)*p) || *p == '.' || *p == '-' ||
		    *p == '_')
			field_octets(mf, p, 1);
		else {
			snprintf(hex, sizeof(hex), "%%%02X",
			    (unsigned char)*p);
			field_octets(mf, hex, 3);
		}
	}
}

/*
 * Folds at spaces with characters on both sides: what is unfolded is what
 * was there.  Where there are none for too long a space is put in.
 */
static void
fold(const char *s, size_t len, FILE *f)
{
	size_t	at = 0, last = 0, i;

	for (i = 0; i < len; i++) {
		if (s[i] == ' ' && i > 0 && s[i - 1] != ' ' &&
		    i + 1 < len && s[i + 1] != ' ' && s[i - 1] != ':')
			last = i;
		if (i - at >= FOLD && last > at) {
			fwrite(s + at, 1, last - at, f);
			putc('\n', f);
			at = last;
		} else if (i - at >= LINE_MAX_RAW) {
			fwrite(s + at, 1, i - at, f);
			fputs("\n ", f);
			at = last = i;
		}
	}
	fwrite(s + at, 1, len - at, f);
	putc('\n', f);
}

int
mime_field_end(struct mime_field *mf, FILE *f)
{
	int	r = mf->failed ? -1 : 0;

	if (r == 0)
		fold(mf->s, mf->len, f);
	free(mf->s);
	return r;
}

int
mime_text_field(FILE *f, const char *name, const char *utf8)
{
	struct mime_field	mf;

	mime_field_begin(&mf, name);
	mime_field_text(&mf, utf8);
	return mime_field_end(&mf, f);
}

int
mime_raw_field(FILE *f, const char *name, const char *ascii)
{
	struct mime_field	mf;

	mime_field_begin(&mf, name);
	mime_field_raw(&mf, ascii);
	return mime_field_end(&mf, f);
}

char *
mime_date(char buf[MIME_DATE_LEN], int64_t seconds, int zone)
{
	static const char	*const days[] = {
		"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"
	};
	static const char	*const months[] = {
		"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
		"Sep", "Oct", "Nov", "Dec"
	};
	time_t			 t = seconds + zone * 60;
	struct tm		 tm;
	int			 minutes = abs(zone);

	if (gmtime_r(&t, &tm) == NULL || tm.tm_year < -1900 ||
	    tm.tm_year > 8099)
		memset(&tm, 0, sizeof(tm));
	snprintf(buf, MIME_DATE_LEN, "%s, %02d %s %04d %02d:%02d:%02d "
	    "%c%02d%02d", days[tm.tm_wday % 7], tm.tm_mday % 100,
	    months[tm.tm_mon % 12], (tm.tm_year + 1900) % 10000,
	    tm.tm_hour % 100, tm.tm_min % 100, tm.tm_sec % 100,
	    zone < 0 ? '-' : '+', minutes / 60 % 100, minutes % 60);
	return buf;
}

/* Base64 (RFC 2045 6.8) */

void
mime_base64_begin(struct mime_base64 *b, FILE *f)
{
	b->f = f;
	b->n = 0;
}

static void
base64_line(struct mime_base64 *b)
{
	static const char	digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	char			line[80], *q = line;
	size_t			i;
	uint32_t		v;

	for (i = 0; i < b->n; i += 3) {
		v = (uint32_t)b->buf[i] << 16;
		if (i + 1 < b->n)
			v |= (uint32_t)b->buf[i + 1] << 8;
		if (i + 2 < b->n)
			v |= b->buf[i + 2];
		*q++ = digits[v >> 18];
		*q++ = digits[v >> 12 & 63];
		*q++ = i + 1 < b->n ? digits[v >> 6 & 63] : '=';
		*q++ = i + 2 < b->n ? digits[v & 63] : '=';
	}
	*q++ = '\n';
	fwrite(line, 1, q - line, b->f);
	b->n = 0;
}

void
mime_base64_put(struct mime_base64 *b, const uint8_t *p, size_t len)
{
	size_t	n;

	while (len > 0) {
		n = sizeof(b->buf) - b->n;
		if (n > len)
			n = len;
		memcpy(b->buf + b->n, p, n);
		b->n += n;
		p += n;
		len -= n;
		if (b->n == sizeof(b->buf))
			base64_line(b);
	}
}

void
mime_base64_end(struct mime_base64 *b)
{
	if (b->n > 0)
		base64_line(b);
}

/* Text */

void
mime_text_begin(struct mime_text *t, FILE *f, int encoded)
{
	memset(t, 0, sizeof(*t));
	t->f = f;
	t->encoded = encoded;
	t->ascii = 1;
}

static void
text_octet(struct mime_text *t, char c, int hex)
{
	if (t->f == NULL) {
		t->column++;
		return;
	}
	if (!t->encoded) {
		putc(c, t->f);
		return;
	}
	if (t->column + (hex ? 3 : 1) > QP_LINE) {
		fputs("=\n", t->f);
		t->column = 0;
	}
	if (hex)
		t->column += fprintf(t->f, "=%02X", (unsigned char)c);
	else {
		putc(c, t->f);
		t->column++;
	}
}

/* A space that was held back, in clear when something follows it. */
static void
text_space(struct mime_text *t, int last)
{
	char	c = t->space;

	t->space = '\0';
	if (c != '\0')
		text_octet(t, c, last && t->encoded);
}

static void
text_newline(struct mime_text *t)
{
	text_space(t, 1);
	if (t->f != NULL)
		putc('\n', t->f);
	t->column = 0;
	t->dashes = 0;
}

/*
 * Must it be encoded?  Lines that begin with "--" are: no text can look like
 * the boundary of a multipart.
 */
static void
text_look(struct mime_text *t, uint32_t u)
{
	if (u >= 128)
		t->ascii = 0;
	if (u == '-' && t->dashes >= 0)
		t->dashes++;
	else
		t->dashes = -1;
	if (u >= 127 || (u < ' ' && u != '\t') || t->dashes == 2 ||
	    t->column > LINE_MAX_RAW)
		t->encoded = 1;
}

static void
text_char(struct mime_text *t, uint32_t u)
{
	char	octets[4];
	size_t	i, n = utf8_put(u, octets);

	text_space(t, 0);
	if (t->f == NULL)
		text_look(t, u);
	if (u == ' ' || u == '\t') {
		t->space = u;
		return;
	}
	for (i = 0; i < n; i++)
		text_octet(t, octets[i], u < ' ' || u > '~' || u == '=' ||
		    (u == '-' && t->column == 0));
}

int
mime_text_put(void *arg, uint32_t u)
{
	struct mime_text	*t = arg;

	if (t->cr) {
		t->cr = 0;
		if (u == '\n') {
			text_newline(t);
			return 0;
		}
		text_char(t, '\r');
	}
	if (u == '\r')
		t->cr = 1;
	else if (u == '\n')
		text_newline(t);
	else
		text_char(t, u);
	return 0;
}

/* A text that does not end in a newline keeps to that. */
void
mime_text_end(struct mime_text *t)
{
	if (t->cr) {
		t->cr = 0;
		text_char(t, '\r');
	}
	text_space(t, 1);
}
