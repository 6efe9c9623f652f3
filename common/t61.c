/* SPDX-License-Identifier: ISC */

/*
 * T.61 (TeletexString, X.208 31.2) from UTF-8.  A letter with a diacritical
 * mark is two octets in T.61, the mark first (T.61 3.2, ISO 6937).
 */

#include <string.h>

#include "charset.h"
#include "t61.h"

/* Characters of one octet, in the order of the code, gaps as NUL. */
static const struct run {
	uint8_t		 first;
	const char	*text;
} runs[] = {
	{ 0xa1, "¡¢£$¥#§¤" },
	{ 0xab, "«" },
	{ 0xb0, "°±²³×µ¶·÷" },
	{ 0xbb, "»¼½¾¿" },
	{ 0xe0, "ΩÆĐªĦ" },
	{ 0xe2, "Ð" },
	{ 0xe6, "ĲĿŁØ" },
	{ 0xea, "ŒºÞŦŊŉĸæđðħıĳŀłø" },
	{ 0xfa, "œßþŧŋ" },
};

/* Mark, then pairs of the letter without and with it. */
static const struct marked {
	uint8_t		 mark;
	const char	*pairs;
} marks[] = {
	{ 0xc1, "AÀEÈIÌOÒUÙaàeèiìoòuù" },
	{ 0xc2, "AÁEÉIÍOÓUÚYÝaáeéiíoóuúyýCĆcćLĹlĺNŃnńRŔrŕSŚsśZŹzź" },
	{ 0xc3, "AÂEÊIÎOÔUÛaâeêiîoôuûCĈcĉGĜgĝHĤhĥJĴjĵSŜsŝWŴwŵYŶyŷ" },
	{ 0xc4, "AÃNÑOÕaãnñoõIĨiĩUŨuũ" },
	{ 0xc5, "AĀaāEĒeēIĪiīOŌoōUŪuū" },
	{ 0xc6, "AĂaăEĔeĕGĞgğIĬiĭOŎoŏUŬuŭ" },
	{ 0xc7, "CĊcċEĖeėGĠgġIİZŻzż" },
	{ 0xc8, "AÄEËIÏOÖUÜaäeëiïoöuüyÿYŸ" },
	{ 0xca, "AÅaåUŮuů" },
	{ 0xcb, "CÇcçGĢgģKĶkķLĻlļNŅnņRŖrŗSŞsşTŢtţ" },
	{ 0xcd, "OŐoőUŰuű" },
	{ 0xce, "AĄaąEĘeęIĮiįUŲuų" },
	{ 0xcf, "CČcčDĎdďEĚeěLĽlľNŇnňRŘrřSŠsšTŤtťZŽzž" },
};

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

int
printable_char(int c)
{
	return ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	    (c >= '0' && c <= '9') ||
	    (c > 0 && c < 128 && strchr(" '()+,-./:=?", c) != NULL));
}

/* Octets of the UTF-8 character at s; 0 when it is none. */
static size_t
utf8_len(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t i, len;

	if (u[0] < 0x80)
		return (1);
	if (u[0] >= 0xc2 && u[0] <= 0xdf)
		len = 2;
	else if (u[0] >= 0xe0 && u[0] <= 0xef)
		len = 3;
	else if (u[0] >= 0xf0 && u[0] <= 0xf4)
		len = 4;
	else
		return (0);
	for (i = 1; i < len; i++)
		if ((u[i] & 0xc0) != 0x80)
			return (0);
	return (len);
}

size_t
t61_char(const char *s, uint8_t out[2], int *n)
{
	const char *t;
	size_t i, len, l, at;

	if ((len = utf8_len(s)) == 0)
		return (0);
	*n = 1;
	for (i = 0; i < COUNT(runs); i++) {
		for (t = runs[i].text, at = 0; *t != '\0'; t += l, at++) {
			l = utf8_len(t);
			if (l == len && memcmp(s, t, l) == 0) {
				out[0] = (uint8_t)(runs[i].first + at);
				return (len);
			}
		}
	}
	if (len == 1) {
		/* The national positions of ISO 646 are not in T.61. */
		if (*s < ' ' || *s > 'z' || strchr("\\^`", *s) != NULL)
			if (*s != '|')
				return (0);
		out[0] = (uint8_t)*s;
		return (1);
	}
	*n = 2;
	for (i = 0; i < COUNT(marks); i++) {
		for (t = marks[i].pairs; *t != '\0'; t += 1 + l) {
			l = utf8_len(t + 1);
			if (l == len && memcmp(s, t + 1, l) == 0) {
				out[0] = marks[i].mark;
				out[1] = (uint8_t)*t;
				return (len);
			}
		}
	}
	return (0);
}

int
t61_from_utf8(const char *s, char *out, size_t size, size_t *where)
{
	const char *begin = s;
	uint8_t octets[2];
	size_t len, used = 0;
	int n;

	while (*s != '\0') {
		len = t61_char(s, octets, &n);
		if (len == 0 || used + n >= size) {
			*where = s - begin;
			return (-1);
		}
		memcpy(out + used, octets, n);
		used += n;
		s += len;
	}
	if (used >= size) {
		*where = s - begin;
		return (-1);
	}
	out[used] = '\0';
	return ((int)used);
}

/* The combining marks of Unicode, by the last digit of the octet in T.61. */
static const uint16_t combining[16] = {
	[1] = 0x300, [2] = 0x301, [3] = 0x302, [4] = 0x303, [5] = 0x304,
	[6] = 0x306, [7] = 0x307, [8] = 0x308, [9] = 0x308, [10] = 0x30a,
	[11] = 0x327, [12] = 0x332, [13] = 0x30b, [14] = 0x328, [15] = 0x30c
};

static int
decode_marked(uint8_t mark, uint8_t letter, uint32_t u[2])
{
	const char *t;
	size_t i, l;

	for (i = 0; i < COUNT(marks); i++) {
		if (marks[i].mark != mark)
			continue;
		for (t = marks[i].pairs; *t != '\0'; t += 1 + l) {
			l = utf8_get(t + 1, strlen(t + 1), u);
			if (l == 0)
				break;
			if (*t == (char)letter)
				return (1);
		}
	}
	u[0] = letter;
	u[1] = combining[mark & 15];
	return (letter >= ' ' && letter < 127 && u[1] != 0 ? 2 : 0);
}

int
t61_decode(const uint8_t *p, size_t n, uint32_t u[2])
{
	const char *t;
	size_t i, at, l;

	if (n == 2)
		return (decode_marked(p[0], p[1], u));
	u[0] = p[0];
	if (p[0] < 0x80)
		return (1);
	for (i = 0; i < COUNT(runs); i++) {
		if (p[0] < runs[i].first)
			continue;
		at = p[0] - runs[i].first;
		for (t = runs[i].text; *t != '\0' && at > 0; t += l, at--)
			l = utf8_len(t);
		if (*t != '\0')
			return (utf8_get(t, strlen(t), u) > 0);
	}
	return (0);
}
