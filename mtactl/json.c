/* SPDX-License-Identifier: ISC */

/*
 * JSON for "mtactl -j", RFC 8259.
 */

#include <inttypes.h>
#include <string.h>

#include "json.h"

void
json_begin(struct json *j, FILE *f)
{
	memset(j, 0, sizeof(*j));
	j->f = f;
}

/* Octets of the UTF-8 sequence at s, 0 when it is none (RFC 3629 4). */
static int
utf8(const unsigned char *s)
{
	if (s[0] < 0x80)
		return (1);
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		return ((s[1] & 0xc0) == 0x80 ? 2 : 0);
	if ((s[0] & 0xf0) == 0xe0) {
		if ((s[1] & 0xc0) != 0x80 || (s[2] & 0xc0) != 0x80 ||
		    (s[0] == 0xe0 && s[1] < 0xa0) ||
		    (s[0] == 0xed && s[1] > 0x9f))
			return (0);
		return (3);
	}
	if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		if ((s[1] & 0xc0) != 0x80 || (s[2] & 0xc0) != 0x80 ||
		    (s[3] & 0xc0) != 0x80 || (s[0] == 0xf0 && s[1] < 0x90) ||
		    (s[0] == 0xf4 && s[1] > 0x8f))
			return (0);
		return (4);
	}
	return (0);
}

static void
put_string(FILE *f, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	int len;

	putc('"', f);
	while (*s != '\0') {
		len = utf8(s);
		if (*s == '"' || *s == '\\')
			fprintf(f, "\\%c", *s++);
		else if (*s == '\n')
			fputs("\\n", f), s++;
		else if (*s < ' ' || *s == 127 || len == 0)
			fprintf(f, "\\u%04x", *s++);
		else
			for (; len > 0; len--)
				putc(*s++, f);
	}
	putc('"', f);
}

/* What stands before a member. */
static void
member(struct json *j, const char *key)
{
	if (j->filled[j->depth]++)
		putc(',', j->f);
	if (j->depth > 0 && j->depth <= j->rows)
		putc('\n', j->f);
	if (key != NULL) {
		put_string(j->f, key);
		putc(':', j->f);
	}
}

static void
begin(struct json *j, const char *key, char bracket)
{
	member(j, key);
	putc(bracket, j->f);
	if (j->depth + 1 < JSON_DEPTH)
		j->depth++;
	j->filled[j->depth] = 0;
}

void
json_object(struct json *j, const char *key)
{
	begin(j, key, '{');
}

/* The elements of the outermost array have a line each. */
void
json_array(struct json *j, const char *key)
{
	begin(j, key, '[');
	if (j->depth == 1)
		j->rows = 1;
}

void
json_close(struct json *j, char bracket)
{
	if (j->depth > 0 && j->depth <= j->rows && j->filled[j->depth])
		putc('\n', j->f);
	putc(bracket, j->f);
	if (j->depth > 0)
		j->depth--;
}

void
json_string(struct json *j, const char *key, const char *s)
{
	member(j, key);
	put_string(j->f, s);
}

void
json_uint(struct json *j, const char *key, uint64_t v)
{
	member(j, key);
	fprintf(j->f, "%" PRIu64, v);
}

void
json_decimal(struct json *j, const char *key, double v)
{
	member(j, key);
	fprintf(j->f, "%.1f", v);
}

void
json_bool(struct json *j, const char *key, int v)
{
	member(j, key);
	fputs(v ? "true" : "false", j->f);
}

void
json_null(struct json *j, const char *key)
{
	member(j, key);
	fputs("null", j->f);
}

void
json_id(struct json *j, const char *key, uint64_t id)
{
	member(j, key);
	fprintf(j->f, "\"%016" PRIX64 "\"", id);
}

void
json_end(struct json *j)
{
	putc('\n', j->f);
}
