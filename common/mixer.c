/* SPDX-License-Identifier: ISC */

/* MIXER, see mixer.h; clauses are those of RFC 2156. */

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mixer.h"
#include "t61.h"
#include "textout.h"

#define DDA_MAX		128	/* ub-domain-defined-attribute-value-length */
#define MSG_ID_DOMAIN	"MHS"

/* 3.2.1: characters that PrintableString has not got. */
static const struct {
	char	letter;
	char	c;
} escapes[] = {
	{ 'a', '@' }, { 'p', '%' }, { 'b', '!' }, { 'q', '"' }, { 'u', '_' },
	{ 'l', '(' }, { 'r', ')' }
};
#define NESCAPES	(sizeof(escapes) / sizeof(escapes[0]))

/* The character that begins at s, or -1 when it is none of the escapes. */
static int
decode_escape(const char *s, size_t n, size_t *used)
{
	size_t	i;
	int	c;

	if (n >= 3 && s[0] == '(' && s[2] == ')')
		for (i = 0; i < NESCAPES; i++)
			if (tolower((unsigned char)s[1]) ==
			    escapes[i].letter) {
				*used = 3;
				return escapes[i].c;
			}
	if (n >= 5 && s[0] == '(' && s[4] == ')' &&
	    isdigit((unsigned char)s[1]) && isdigit((unsigned char)s[2]) &&
	    isdigit((unsigned char)s[3])) {
		c = (s[1] - '0') * 100 + (s[2] - '0') * 10 + s[3] - '0';
		*used = 5;
		return c > 0 && c < 128 ? c : -1;
	}
	return -1;
}

int
mixer_decode(const char *s, size_t n, char *out, size_t size)
{
	struct out	o;
	size_t		used;
	int		c;

	out_begin(&o, out, size);
	for (; n > 0; s += used, n -= used) {
		if ((c = decode_escape(s, n, &used)) == -1) {
			c = (unsigned char)*s;
			used = 1;
		}
		if (c == 0 || c >= 128)
			return -1;
		out_char(&o, c);
	}
	return o.len < size ? (int)o.len : -1;
}

int
mixer_encode(const char *s, size_t n, char *out, size_t size)
{
	struct out	o;
	char		number[8];
	size_t		i;

	out_begin(&o, out, size);
	for (; n > 0; s++, n--) {
		if ((unsigned char)*s >= 128 || *s == '\0')
			return -1;
		for (i = 0; i < NESCAPES; i++)
			if (escapes[i].c == *s)
				break;
		if (i < NESCAPES) {
			snprintf(number, sizeof(number), "(%c)",
			    escapes[i].letter);
			out_text(&o, number);
		} else if (printable_char((unsigned char)*s))
			out_char(&o, *s);
		else {
			snprintf(number, sizeof(number), "(%03d)",
			    (unsigned char)*s);
			out_text(&o, number);
		}
	}
	return o.len < size ? (int)o.len : -1;
}

static int
is_atext(int c)
{
	return isalnum(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) !=
	    NULL);
}

/* dot-atom (RFC 5322 3.2.3) */
static int
is_dot_atom(const char *s, size_t n)
{
	size_t	i;

	if (n == 0 || s[0] == '.' || s[n - 1] == '.')
		return 0;
	for (i = 0; i < n; i++)
		if (!is_atext((unsigned char)s[i]) &&
		    (s[i] != '.' || s[i + 1] == '.'))
			return 0;
	return 1;
}

/* Local part and domain that need no quotes at all. */
static int
is_addr_spec(const char *s)
{
	const char	*at = strrchr(s, '@');

	return at != NULL && is_dot_atom(s, at - s) &&
	    is_dot_atom(at + 1, strlen(at + 1));
}

static void
out_quoted(struct out *o, const char *s)
{
	out_char(o, '"');
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			out_char(o, '\\');
		out_char(o, *s);
	}
	out_char(o, '"');
}

/* Which of the four DDAs that bear an address it is; -1: none of them. */
static int
rfc822_dda(const struct or_attr *a)
{
	if (a->type != OR_DDA || a->charset > OR_NUMERIC)
		return -1;
	if (strcasecmp(a->dda_type, "RFC-822") == 0)
		return 0;
	if (strncasecmp(a->dda_type, "RFC822C", 7) == 0 &&
	    a->dda_type[7] >= '1' && a->dda_type[7] <= '3' &&
	    a->dda_type[8] == '\0')
		return a->dda_type[7] - '0';
	return -1;
}

/* 4.3.1: a DDA RFC-822 is the address, whatever is beside it. */
static int
from_dda(const struct or_address *or, char *out, size_t size)
{
	const struct or_attr	*part[4] = { NULL, NULL, NULL, NULL };
	char			 joined[4 * UB_OR_VALUE + 1];
	size_t			 n = 0;
	int			 i, which;

	for (i = 0; i < or->nattr; i++)
		if ((which = rfc822_dda(&or->attr[i])) != -1)
			part[which] = &or->attr[i];
	for (i = 0; i < 4 && part[i] != NULL; i++) {
		if (part[i]->len > UB_OR_VALUE)
			return -1;
		memcpy(joined + n, part[i]->value, part[i]->len);
		n += part[i]->len;
	}
	if (n == 0 || mixer_decode(joined, n, out, size) == -1 ||
	    !is_addr_spec(out))
		return -1;
	return 0;
}

static int
is_printable(const char *s)
{
	for (; *s != '\0'; s++)
		if (*s < ' ' || *s > '~')
			return 0;
	return 1;
}

int
mixer_addr_spec(const struct or_address *or, const char *domain, char *out,
    size_t size)
{
	char		text[MIXER_MAX];
	struct out	o;
	int		n;

	if (or->nattr == 0)
		return -1;
	if (from_dda(or, out, size) == 0)
		return 0;
	n = or_address_print(or, text, sizeof(text), 0);
	if (n <= 0 || (size_t)n >= sizeof(text) || !is_printable(text))
		return -1;
	out_begin(&o, out, size);
	if (is_dot_atom(text, n))
		out_text(&o, text);
	else
		out_quoted(&o, text);
	out_char(&o, '@');
	out_text(&o, domain);
	return o.len < size ? 0 : -1;
}

static int
attr_add(struct message *m, struct or_attr *a, int type, const char *dda,
    const char *value, size_t len)
{
	memset(a, 0, sizeof(*a));
	a->type = type;
	a->len = len;
	if ((a->value = message_memdup(m, value, len)) == NULL)
		return -1;
	if (dda != NULL) {
		a->dda_len = strlen(dda);
		a->dda_type = message_memdup(m, dda, a->dda_len);
		if (a->dda_type == NULL)
			return -1;
	}
	return 0;
}

/* The domain of base with the encoded address in up to four DDAs. */
static int
to_dda(struct message *m, struct or_address *or, const char *encoded,
    const struct or_address *base)
{
	static const char	*const types[] = {
		"RFC-822", "RFC822C1", "RFC822C2", "RFC822C3"
	};
	static const uint8_t	 kept[] = { OR_C, OR_A, OR_P, OR_O };
	const struct or_attr	*a;
	struct or_attr		*attr;
	size_t			 i, n = 0, len;

	attr = message_alloc(m, 8 * sizeof(*attr));
	if (attr == NULL)
		return -1;
	for (i = 0; i < sizeof(kept); i++) {
		if ((a = or_address_get(base, kept[i])) == NULL)
			continue;
		if (attr_add(m, &attr[n], a->type, NULL, a->value, a->len) ==
		    -1)
			return -1;
		attr[n++].charset = a->charset;
	}
	for (i = 0; i < 4 && *encoded != '\0'; i++, encoded += len) {
		len = strlen(encoded) < DDA_MAX ? strlen(encoded) : DDA_MAX;
		if (attr_add(m, &attr[n++], OR_DDA, types[i], encoded, len) ==
		    -1)
			return -1;
	}
	memset(or, 0, sizeof(*or));
	or->attr = attr;
	or->nattr = n;
	return 0;
}

int
mixer_address(struct message *m, struct or_address *or, const char *local,
    const char *domain, const struct or_address *base, const char **why)
{
	char	text[MIXER_MAX], encoded[MIXER_RFC822_MAX + 1];
	size_t	where;
	int	n;

	if (local[0] == '/' && strchr(local, '=') != NULL) {
		if (or_address_parse(m, or, local, &where, why) == -1)
			return -1;
		if (or_address_get(or, OR_C) != NULL ||
		    or_address_get(or, OR_X121) != NULL)
			return 0;
		*why = "no country (C=) in the address";
		return -1;
	}
	*why = "not an O/R address";
	if (base == NULL || domain[0] == '\0')
		return -1;
	n = snprintf(text, sizeof(text), "%s@%s", local, domain);
	if (n < 0 || (size_t)n >= sizeof(text) || !is_addr_spec(text))
		return -1;
	*why = "address too long";
	if (mixer_encode(text, n, encoded, sizeof(encoded)) == -1)
		return -1;
	*why = "out of memory";
	return to_dda(m, or, encoded, base);
}

/* Of one made from a msg-id the user is absent, else "id*std-or"@MHS. */
int
mixer_msg_id(const struct x420_id *id, char *out, size_t size)
{
	struct or_address	 or;
	struct message		*m;
	struct out		 o;
	char			 text[MIXER_MAX];
	size_t			 n = 0, len = id->id.len;
	int			 r;

	if (!ASN1_HAS(id, XI_USER) &&
	    mixer_decode((const char *)id->id.p, len, out, size) != -1 &&
	    is_addr_spec(out))
		return 0;
	if (len > sizeof(text) / 2)
		return -1;
	memcpy(text, id->id.p, len);
	for (n = 0; n < len; n++)
		if (text[n] < ' ' || text[n] > '~')
			text[n] = '?';
	text[n++] = '*';
	text[n] = '\0';
	if (ASN1_HAS(id, XI_USER)) {
		if ((m = message_new()) == NULL)
			return -1;
		r = or_address_from_name(m, &or, &id->user);
		if (r == 0)
			r = or_address_print(&or, text + n, sizeof(text) - n,
			    0);
		message_free(m);
		if (r < 0 || (size_t)r >= sizeof(text) - n)
			return -1;
	}
	if (!is_printable(text))
		return -1;
	out_begin(&o, out, size);
	if (is_dot_atom(text, strlen(text)))
		out_text(&o, text);
	else
		out_quoted(&o, text);
	out_text(&o, "@" MSG_ID_DOMAIN);
	return o.len < size ? 0 : -1;
}

/* FNV-1a: enough to tell apart what has the same beginning. */
static uint64_t
hash(const char *s)
{
	uint64_t	h = 0xcbf29ce484222325ULL;

	for (; *s != '\0'; s++)
		h = (h ^ (uint8_t)*s) * 0x100000001b3ULL;
	return h;
}

/* "id*std-or"@MHS, quotes and backslashes taken off. */
static int
is_x400_id(const char *msg_id, char *local, size_t size)
{
	const char	*at = strrchr(msg_id, '@');
	struct out	 o;
	size_t		 i, n, quoted;

	if (at == NULL || strcasecmp(at + 1, MSG_ID_DOMAIN) != 0)
		return 0;
	n = at - msg_id;
	quoted = n >= 2 && msg_id[0] == '"' && msg_id[n - 1] == '"';
	out_begin(&o, local, size);
	for (i = quoted; i < n - quoted; i++) {
		if (quoted && msg_id[i] == '\\' && i + 1 < n - 1)
			i++;
		out_char(&o, msg_id[i]);
	}
	return o.len < size && strchr(local, '*') != NULL;
}

static int
put_id(struct x420_id *id, const char *s, struct asn1_memory *memory)
{
	char	*p;
	size_t	 n = strlen(s);

	if (n == 0 || (p = asn1_memory_alloc(memory, UB_IPM_ID + 1)) == NULL)
		return -1;
	if (n > UB_IPM_ID) {
		snprintf(p, UB_IPM_ID + 1, "%.*s %016llX", UB_IPM_ID - 17, s,
		    (unsigned long long)hash(s));
		n = UB_IPM_ID;
	} else
		memcpy(p, s, n);
	ASN1_PUT(id, XI_ID);
	id->id.p = (uint8_t *)p;
	id->id.len = n;
	return 0;
}

int
mixer_ipm_id(struct x420_id *id, const char *msg_id, struct message *m,
    struct asn1_memory *memory)
{
	struct or_address	*or;
	const char		*why;
	char			 text[MIXER_MAX], *star;
	size_t			 where;

	memset(id, 0, sizeof(*id));
	if (is_x400_id(msg_id, text, sizeof(text))) {
		star = strchr(text, '*');
		*star++ = '\0';
		if (*star == '\0')
			return put_id(id, text, memory);
		if ((or = message_alloc(m, sizeof(*or))) == NULL)
			return -1;
		if (or_address_parse(m, or, star, &where, &why) == 0 &&
		    or_name_88_from_address(&id->user, or, memory, &why) ==
		    0) {
			ASN1_PUT(id, XI_USER);
			return put_id(id, text, memory);
		}
		memset(id, 0, sizeof(*id));
	}
	if (mixer_encode(msg_id, strlen(msg_id), text, sizeof(text)) == -1)
		return -1;
	return put_id(id, text, memory);
}
