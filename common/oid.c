/* SPDX-License-Identifier: ISC */

/* Object identifiers (X.690 8.19): see oid.h. */

#include <string.h>

#include "oid.h"

/* A natural number, least significant digit first. */
struct number {
	uint8_t	digit[UB_OID_TEXT];
	size_t	n;
};

/* v * by + add in digits of the base; -1 when there is no room. */
static int
number_grow(struct number *v, unsigned int base, unsigned int by,
    unsigned int add)
{
	size_t	i;

	for (i = 0; i < v->n; i++) {
		add += v->digit[i] * by;
		v->digit[i] = add % base;
		add /= base;
	}
	for (; add > 0; add /= base) {
		if (v->n == sizeof(v->digit))
			return -1;
		v->digit[v->n++] = add % base;
	}
	return 0;
}

/* Less a small number that it is not less than. */
static void
number_less(struct number *v, unsigned int base, unsigned int less)
{
	size_t	i;
	int	d, borrow = 0;

	for (i = 0; i < v->n; i++) {
		d = v->digit[i] - (int)(less % base) - borrow;
		less /= base;
		borrow = d < 0;
		v->digit[i] = borrow ? d + (int)base : d;
	}
	while (v->n > 0 && v->digit[v->n - 1] == 0)
		v->n--;
}

static int
put_arc(const struct number *v, char *text, size_t *len)
{
	size_t	i, n = v->n > 0 ? v->n : 1;

	if (UB_OID_TEXT - *len < n)
		return -1;
	for (i = n; i-- > 0; )
		text[(*len)++] = '0' + (v->n > 0 ? v->digit[i] : 0);
	return 0;
}

int
oid_to_text(const uint8_t *p, size_t n, char text[UB_OID_TEXT + 1])
{
	struct number	v;
	size_t		i = 0, len = 0;
	int		root = -1;

	if (n == 0 || n > UB_OID || (p[n - 1] & 0x80))
		return -1;
	while (i < n) {
		if (p[i] == 0x80)
			return -1;	/* not the shortest */
		v.n = 0;
		do
			if (number_grow(&v, 10, 128, p[i] & 0x7f) == -1)
				return -1;
		while (p[i++] & 0x80);
		if (len > 0) {
			if (len == UB_OID_TEXT)
				return -1;
			text[len++] = '.';
		} else {
			/* Two arcs in one: 40 * first + second. */
			root = v.n > 2 || (v.n == 2 && v.digit[1] >= 8) ? 2 :
			    v.n == 2 && v.digit[1] >= 4 ? 1 : 0;
			number_less(&v, 10, 40 * root);
			text[len++] = '0' + root;
			text[len++] = '.';
		}
		if (put_arc(&v, text, &len) == -1)
			return -1;
	}
	text[len] = '\0';
	return 0;
}

/* The next arc, base 128, and whatever ends it. */
static int
take_arc(const char *s, size_t len, size_t *i, struct number *v)
{
	size_t	from = *i;

	v->n = 0;
	for (; *i < len && s[*i] >= '0' && s[*i] <= '9'; (*i)++)
		if (number_grow(v, 128, 10, s[*i] - '0') == -1)
			return -1;
	if (*i == from || (s[from] == '0' && *i > from + 1))
		return -1;
	if (*i == len)
		return 0;
	return s[*i] == '.' && ++*i < len ? 0 : -1;
}

int
oid_from_text(const char *s, size_t len, uint8_t octets[UB_OID])
{
	struct number	v;
	size_t		i = 0, j, n = 0;
	unsigned int	root;

	if (len < 3 || len > UB_OID_TEXT || s[0] < '0' || s[0] > '2' ||
	    s[1] != '.')
		return -1;
	root = s[0] - '0';
	for (i = 2; i < len; ) {
		if (take_arc(s, len, &i, &v) == -1)
			return -1;
		if (n == 0) {
			if (root < 2 && (v.n > 1 || (v.n == 1 &&
			    v.digit[0] >= 40)))
				return -1;
			if (number_grow(&v, 128, 1, 40 * root) == -1)
				return -1;
		}
		j = v.n > 0 ? v.n : 1;
		if (j > UB_OID - n)
			return -1;
		while (j-- > 0)
			octets[n++] = (v.n > 0 ? v.digit[j] : 0) |
			    (j > 0 ? 0x80 : 0);
	}
	return n;
}
