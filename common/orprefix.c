/* SPDX-License-Identifier: ISC */

/*
 * Prefixes of routes (mtad.conf(5)): O/R addresses whose CN and
 * domain-defined attributes may be patterns, '*' for any characters and '?'
 * for one.  '*' otherwise begins the teletex form of a value (RFC 2156), so
 * that it is quoted before it is parsed.
 */

#include <stdlib.h>
#include <string.h>

#include "envelope.h"
#include "oraddr.h"

/* Does the attribute whose key begins at s have patterns? */
static int
takes_patterns(const char *s, int before)
{
	size_t len;

	switch (or_key(s + strspn(s, " "), &len)) {
	case OR_CN:
	case OR_DDA:
	case KEY_RFC822:
		return (1);
	case KEY_UNKNOWN:
		return (before);	/* of a value still */
	default:
		return (0);
	}
}

/* Quotes every '*' of such a value; out has room for two of each octet. */
static void
quote(const char *s, char *out)
{
	int patterns;

	patterns = takes_patterns(s + (*s == '/'), 0);
	for (; *s != '\0'; s++) {
		if (*s == '$' && s[1] != '\0')
			*out++ = *s++;
		else if (*s == '*' && patterns)
			*out++ = '$';
		else if (*s == '/' || *s == ';')
			patterns = takes_patterns(s + 1, patterns);
		*out++ = *s;
	}
	*out = '\0';
}

int
or_prefix_parse(struct message *m, struct or_address *or, const char *text,
    size_t *where, const char **why)
{
	size_t i, n, at;
	char *quoted;
	int r;

	*where = 0;
	*why = "out of memory";
	if ((quoted = malloc(2 * strlen(text) + 1)) == NULL)
		return (-1);
	quote(text, quoted);
	if ((r = or_address_parse(m, or, quoted, where, why)) == -1) {
		/* where that is in the text that was given */
		for (i = n = at = 0; i < *where && text[at] != '\0'; i++)
			if (quoted[i] == text[at])
				at++;
			else
				n++;
		*where -= n;
	}
	free(quoted);
	return (r);
}

int
or_attr_is_pattern(const struct or_attr *a)
{
	return ((a->type == OR_CN || a->type == OR_DDA) &&
	    a->charset < OR_UNIVERSAL &&
	    (memchr(a->value, '*', a->len) != NULL ||
	    memchr(a->value, '?', a->len) != NULL));
}

/* Only the last '*' is ever gone back to. */
static int
glob(const char *p, size_t plen, const char *s, size_t len)
{
	size_t i = 0, k = 0, star = plen, mark = 0;

	while (k < len) {
		if (i < plen && p[i] == '*') {
			star = i++;
			mark = k;
		} else if (i < plen && (p[i] == '?' || p[i] == s[k])) {
			i++;
			k++;
		} else if (star < plen) {
			i = star + 1;
			k = ++mark;
		} else
			return (0);
	}
	while (i < plen && p[i] == '*')
		i++;
	return (i == plen);
}

int
or_pattern_match(const struct or_attr *pattern, const struct or_attr *a)
{
	char p[UB_OR_VALUE], v[UB_OR_VALUE], q[UB_OR_VALUE];
	size_t plen, len;

	if (a->type != pattern->type || a->charset >= OR_UNIVERSAL)
		return (0);
	if (a->type == OR_DDA) {
		plen = or_fold(pattern->dda_type, pattern->dda_len, p,
		    sizeof(p));
		len = or_fold(a->dda_type, a->dda_len, q, sizeof(q));
		if (plen != len || memcmp(p, q, len) != 0)
			return (0);
	}
	plen = or_fold(pattern->value, pattern->len, p, sizeof(p));
	len = or_fold(a->value, a->len, v, sizeof(v));
	return (glob(p, plen, v, len));
}
