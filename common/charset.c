/* SPDX-License-Identifier: ISC */

/* Texts as Unicode, see charset.h. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "charset.h"
#include "charset_8859.h"
#include "t61.h"
#include "x420.h"

#define ESC	0x1b

/*
 * Right halves by part of ISO 8859: number in the ISO register (ISO 2375),
 * final octet of the escape sequence that designates it to G1 (ESC 2/13 F).
 */
static const struct {
	uint8_t	registration;
	char	final;
} registered[CHARSET_8859_MAX + 1] = {
	[1] = { 100, 'A' }, [2] = { 101, 'B' }, [3] = { 109, 'C' },
	[4] = { 110, 'D' }, [5] = { 144, 'L' }, [6] = { 127, 'G' },
	[7] = { 126, 'F' }, [8] = { 138, 'H' }, [9] = { 148, 'M' },
	[10] = { 157, 'V' }, [11] = { 166, 'T' }, [13] = { 179, 'Y' },
	[14] = { 199, '_' }, [15] = { 203, 'b' }, [16] = { 226, 'f' }
};

static const char	*const names[CHARSET_8859_MAX + 1] = {
	NULL, "iso-8859-1", "iso-8859-2", "iso-8859-3", "iso-8859-4",
	"iso-8859-5", "iso-8859-6", "iso-8859-7", "iso-8859-8", "iso-8859-9",
	"iso-8859-10", "iso-8859-11", NULL, "iso-8859-13", "iso-8859-14",
	"iso-8859-15", "iso-8859-16"
};

int
charset_by_name(const char *name)
{
	int	i;

	if (strcasecmp(name, "us-ascii") == 0 ||
	    strcasecmp(name, "ascii") == 0)
		return CS_ASCII;
	if (strcasecmp(name, "utf-8") == 0 || strcasecmp(name, "utf8") == 0)
		return CS_UTF8;
	for (i = 1; i <= CHARSET_8859_MAX; i++)
		if (names[i] != NULL && strcasecmp(name, names[i]) == 0)
			return CS_8859 + i;
	return CS_NONE;
}

const char *
charset_name(int id)
{
	if (id == CS_ASCII)
		return "us-ascii";
	if (id == CS_UTF8)
		return "utf-8";
	if (id > CS_8859 && id <= CS_8859 + CHARSET_8859_MAX)
		return names[id - CS_8859];
	return NULL;
}

int
charset_registered(int64_t number)
{
	int	i;

	for (i = 1; i <= CHARSET_8859_MAX; i++)
		if (registered[i].registration != 0 &&
		    registered[i].registration == number)
			return i;
	return 0;
}

int
charset_registration(int part)
{
	return part >= 1 && part <= CHARSET_8859_MAX ?
	    registered[part].registration : 0;
}

/* NULL: ISO 8859-1, which needs no table. */
static const uint16_t *
half(int part)
{
	return part <= 1 || part > CHARSET_8859_MAX ? NULL :
	    right_halves[part];
}

void
charset_init(struct charset *cs, int id)
{
	memset(cs, 0, sizeof(*cs));
	cs->id = id;
	if (id > CS_8859) {
		cs->right = half(id - CS_8859);
		cs->id = CS_8859;
	}
}

void
charset_right(struct charset *cs, int part)
{
	cs->right = half(part);
}

static uint32_t
right(struct charset *cs, uint8_t c)
{
	uint32_t	u = c;

	if (c >= 0xa0 && cs->right != NULL)
		u = cs->right[c - 0xa0];
	if (u == 0 && c != 0) {
		cs->replaced++;
		u = CHARSET_REPLACEMENT;
	}
	return u;
}

static int
emit_unknown(struct charset *cs, charset_emit *fn, void *arg)
{
	cs->npending = 0;
	cs->replaced++;
	return fn(arg, CHARSET_REPLACEMENT);
}

/* Octets that a sequence of UTF-8 has by its first; 0: none begins so. */
static size_t
utf8_need(uint8_t c)
{
	return c < 0x80 ? 1 : c >= 0xc2 && c <= 0xdf ? 2 :
	    c >= 0xe0 && c <= 0xef ? 3 : c >= 0xf0 && c <= 0xf4 ? 4 : 0;
}

static int
feed_utf8(struct charset *cs, uint8_t c, charset_emit *fn, void *arg)
{
	uint32_t	u;
	size_t		n;

	if (cs->npending > 0 && (c & 0xc0) != 0x80)
		if (emit_unknown(cs, fn, arg) == -1)
			return -1;
	if (cs->npending == 0 && utf8_need(c) == 0)
		return emit_unknown(cs, fn, arg);
	cs->pending[cs->npending++] = c;
	if (cs->npending < utf8_need(cs->pending[0]))
		return 0;
	n = utf8_get((const char *)cs->pending, cs->npending, &u);
	if (n == 0)
		return emit_unknown(cs, fn, arg);
	cs->npending = 0;
	return fn(arg, u);
}

/* A mark stands before its letter. */
static int
feed_t61(struct charset *cs, uint8_t c, charset_emit *fn, void *arg)
{
	uint32_t	u[2];
	uint8_t		octets[2];
	int		n;

	if (cs->npending == 0 && c >= 0xc1 && c <= 0xcf) {
		cs->pending[cs->npending++] = c;
		return 0;
	}
	octets[0] = cs->npending > 0 ? cs->pending[0] : c;
	octets[1] = c;
	n = t61_decode(octets, cs->npending + 1, u);
	cs->npending = 0;
	if (n == 0)
		return emit_unknown(cs, fn, arg);
	if (fn(arg, u[0]) == -1 || (n == 2 && fn(arg, u[1]) == -1))
		return -1;
	return 0;
}

static int
feed_wide(struct charset *cs, uint8_t c, charset_emit *fn, void *arg)
{
	const uint8_t	*p = cs->pending;
	uint32_t	 u;

	cs->pending[cs->npending++] = c;
	if (cs->npending < (cs->id == CS_BMP ? 2 : 4))
		return 0;
	u = p[0] << 8 | p[1];
	if (cs->id == CS_UCS4)
		u = u << 16 | p[2] << 8 | p[3];
	cs->npending = 0;
	if (u > 0x10ffff || (u >= 0xd800 && u <= 0xdfff))
		return emit_unknown(cs, fn, arg);
	return fn(arg, u);
}

/* ISO 2022: intermediate octets 2/0 to 2/15, then a final one. */
static void
escape(struct charset *cs)
{
	uint8_t	final = cs->pending[cs->npending - 1];
	int	i;

	if (cs->npending == 3 && cs->pending[1] == '%')
		cs->utf8 = final == 'G';
	else if (cs->npending == 3 && cs->pending[1] == '-') {
		cs->right = NULL;
		for (i = 1; i <= CHARSET_8859_MAX; i++)
			if (registered[i].final == (char)final) {
				cs->right = half(i);
				break;
			}
		if (i > CHARSET_8859_MAX)
			cs->replaced++;
	} else if (cs->npending == 3 && cs->pending[1] == '(') {
		if (final != 'B' && final != '@')
			cs->replaced++;
	} else if (cs->npending > 2 && cs->pending[1] != '!' &&
	    cs->pending[1] != '"')
		cs->replaced++;		/* not control characters either */
	cs->npending = 0;
}

static int
feed_general(struct charset *cs, uint8_t c, charset_emit *fn, void *arg)
{
	if (cs->npending > 0 && cs->pending[0] == ESC) {
		if (cs->npending == sizeof(cs->pending))
			return emit_unknown(cs, fn, arg);
		cs->pending[cs->npending++] = c;
		if (c < 0x20 || c > 0x2f)
			escape(cs);
		return 0;
	}
	if (c == ESC) {
		if (cs->npending > 0 && emit_unknown(cs, fn, arg) == -1)
			return -1;
		cs->pending[cs->npending++] = c;
		return 0;
	}
	if (cs->utf8)
		return feed_utf8(cs, c, fn, arg);
	return fn(arg, right(cs, c));
}

int
charset_feed(struct charset *cs, const uint8_t *p, size_t len,
    charset_emit *fn, void *arg)
{
	int	r = 0;

	for (; len > 0 && r != -1; p++, len--) {
		switch (cs->id) {
		case CS_UTF8:
			r = feed_utf8(cs, *p, fn, arg);
			break;
		case CS_T61:
			r = feed_t61(cs, *p, fn, arg);
			break;
		case CS_GENERAL:
			r = feed_general(cs, *p, fn, arg);
			break;
		case CS_BMP:
		case CS_UCS4:
			r = feed_wide(cs, *p, fn, arg);
			break;
		default:
			r = fn(arg, right(cs, *p));
			break;
		}
	}
	return r;
}

int
charset_end(struct charset *cs, charset_emit *fn, void *arg)
{
	return cs->npending > 0 ? emit_unknown(cs, fn, arg) : 0;
}

int
charset_octet(int part, uint32_t u)
{
	const uint16_t	*p = half(part);
	int		 i;

	if (u < 0xa0)
		return u;
	if (p == NULL)
		return u <= 0xff ? (int)u : -1;
	for (i = 0; i < 96; i++)
		if (p[i] == u)
			return 0xa0 + i;
	return -1;
}

size_t
utf8_put(uint32_t u, char s[4])
{
	if (u < 0x80) {
		s[0] = u;
		return 1;
	}
	if (u < 0x800) {
		s[0] = 0xc0 | u >> 6;
		s[1] = 0x80 | (u & 0x3f);
		return 2;
	}
	if (u < 0x10000) {
		s[0] = 0xe0 | u >> 12;
		s[1] = 0x80 | (u >> 6 & 0x3f);
		s[2] = 0x80 | (u & 0x3f);
		return 3;
	}
	s[0] = 0xf0 | u >> 18;
	s[1] = 0x80 | (u >> 12 & 0x3f);
	s[2] = 0x80 | (u >> 6 & 0x3f);
	s[3] = 0x80 | (u & 0x3f);
	return 4;
}

size_t
utf8_get(const char *s, size_t n, uint32_t *u)
{
	static const uint32_t	 least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const uint8_t		*p = (const uint8_t *)s;
	size_t			 i, need;

	if (n == 0 || (need = utf8_need(p[0])) == 0 || need > n)
		return 0;
	*u = need == 1 ? p[0] : p[0] & (0x7f >> need);
	for (i = 1; i < need; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*u = *u << 6 | (p[i] & 0x3f);
	}
	if (*u < least[need] || *u > 0x10ffff ||
	    (*u >= 0xd800 && *u <= 0xdfff))
		return 0;
	return need;
}

struct text {
	char	*s;
	size_t	 len;
};

static int
text_emit(void *arg, uint32_t u)
{
	struct text	*t = arg;

	if (u != 0)
		t->len += utf8_put(u, t->s + t->len);
	return 0;
}

/* No character takes more than four octets, nor than three a read one. */
char *
charset_text(const uint8_t *p, size_t len, int id)
{
	struct charset	cs;
	struct text	t = { NULL, 0 };

	if (len > (SIZE_MAX - 8) / 4 || (t.s = malloc(4 * len + 8)) == NULL)
		return NULL;
	charset_init(&cs, id);
	charset_feed(&cs, p, len, text_emit, &t);
	charset_end(&cs, text_emit, &t);
	t.s[t.len] = '\0';
	return t.s;
}

static int
is_utf8(const uint8_t *p, size_t len)
{
	uint32_t	u;
	size_t		n;

	for (; len > 0; p += n, len -= n)
		if ((n = utf8_get((const char *)p, len, &u)) == 0)
			return 0;
	return 1;
}

char *
charset_tagged(const uint8_t *p, size_t len, uint32_t tag)
{
	switch (tag) {
	case BER_T61_STRING:
		return charset_text(p, len, CS_T61);
	case BER_BMP_STRING:
		return charset_text(p, len, CS_BMP);
	case BER_UNIVERSAL_STRING:
		return charset_text(p, len, CS_UCS4);
	case BER_UTF8_STRING:
		return charset_text(p, len, CS_UTF8);
	case BER_GRAPHIC_STRING:
	case BER_GENERAL_STRING:
		/* Seen without an escape that says so. */
		if (memchr(p, ESC, len) == NULL && is_utf8(p, len))
			return charset_text(p, len, CS_UTF8);
		return charset_text(p, len, CS_GENERAL);
	default:
		return charset_text(p, len, CS_ASCII);
	}
}
