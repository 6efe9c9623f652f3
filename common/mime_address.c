/* SPDX-License-Identifier: ISC */

/* Addresses (RFC 5322 3.4) and message identifiers (3.6.4), see mime.h. */

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "mime.h"

#define SPECIALS	"()<>[]:;@\\,\""

/* Octets that are put together; room for all was made beforehand. */
struct buffer {
	char	*s;
	size_t	 len;
};

/* Spaces and comments, which nest. */
static const char *
skip(const char *s)
{
	int	depth = 0;

	for (; *s != '\0'; s++) {
		if (*s == '(')
			depth++;
		else if (*s == ')' && depth > 0)
			depth--;
		else if (*s == '\\' && depth > 0 && s[1] != '\0')
			s++;
		else if (*s != ' ' && depth == 0)
			break;
	}
	return s;
}

static void
add(struct buffer *b, char c)
{
	b->s[b->len++] = c;
	b->s[b->len] = '\0';
}

/* A word: quoted string or atom with its dots; NULL: there is none. */
static const char *
word(const char *s, struct buffer *b)
{
	const char	*begin = s;

	if (*s == '"') {
		for (s++; *s != '\0' && *s != '"'; s++) {
			if (*s == '\\' && s[1] != '\0')
				s++;
			add(b, *s);
		}
		return *s == '"' ? s + 1 : NULL;
	}
	for (; *s != '\0' && *s != ' ' && strchr(SPECIALS, *s) == NULL; s++)
		add(b, *s);
	return s > begin ? s : NULL;
}

static const char *
domain(const char *s, struct buffer *b)
{
	s = skip(s);
	if (*s == '[') {
		for (; *s != '\0' && *s != ']'; s++)
			add(b, *s);
		if (*s != ']')
			return NULL;
		add(b, *s);
		return s + 1;
	}
	return word(s, b);
}

/* local [ "@" domain ] */
static const char *
addr_spec(const char *s, struct buffer *local, struct buffer *dom)
{
	const char	*next;

	s = skip(s);
	if (*s == '@') {		/* a route of RFC 822 */
		if ((s = strchr(s, ':')) == NULL)
			return NULL;
		s = skip(s + 1);
	}
	if ((s = word(s, local)) == NULL)
		return NULL;
	/* "a" . "b" of RFC 822 */
	for (next = skip(s); *next == '.' || next[0] == '"'; next = skip(s)) {
		if (*next == '.') {
			add(local, '.');
			next++;
		}
		if ((s = word(skip(next), local)) == NULL)
			return NULL;
	}
	if (*next != '@')
		return next;
	return domain(next + 1, dom);
}

/* Words before "<", ":" or what is an address without brackets. */
static const char *
phrase(const char *s, struct buffer *b)
{
	for (s = skip(s); ; s = skip(s)) {
		if (*s != '"' && (*s == '\0' || strchr(SPECIALS, *s) !=
		    NULL))
			return s;
		if (b->len > 0)
			add(b, ' ');
		if ((s = word(s, b)) == NULL)
			return NULL;
	}
}

void
mime_mailbox_free(struct mime_mailbox *m)
{
	free(m->name);
	free(m->local);
	free(m->domain);
}

static const char *
mailbox(const char *s, struct mime_mailbox *m)
{
	struct buffer	 name = { m->name, 0 }, local = { m->local, 0 };
	struct buffer	 dom = { m->domain, 0 };
	const char	*p;

	if ((p = phrase(s, &name)) == NULL)
		return NULL;
	if (*p == ':') {		/* a group: its members follow */
		m->name[0] = '\0';
		return p + 1;
	}
	if (*p == '<') {
		if ((p = addr_spec(p + 1, &local, &dom)) == NULL)
			return NULL;
		p = skip(p);
		return *p == '>' ? p + 1 : NULL;
	}
	m->name[0] = '\0';
	return addr_spec(s, &local, &dom);
}

/* The name decoded; none when it is empty. */
static int
finish(struct mime_mailbox *m)
{
	char	*decoded = NULL;

	if (m->name[0] != '\0' && (decoded = mime_words(m->name)) == NULL)
		return -1;
	free(m->name);
	m->name = decoded;
	return 1;
}

int
mime_mailbox(const char **s, struct mime_mailbox *m)
{
	const char	*p = *s;
	size_t		 size = strlen(p) + 2;
	int		 r = -1;

	m->name = calloc(1, size);
	m->local = calloc(1, size);
	m->domain = calloc(1, size);
	if (m->name == NULL || m->local == NULL || m->domain == NULL)
		goto out;
	for (;;) {
		for (p = skip(p); *p == ',' || *p == ';'; p = skip(p + 1))
			;
		if (*p == '\0') {
			r = 0;
			break;
		}
		m->name[0] = m->local[0] = m->domain[0] = '\0';
		if ((p = mailbox(p, m)) == NULL)
			break;
		if (m->local[0] == '\0')
			continue;	/* the beginning of a group */
		*s = p;
		r = finish(m);
		break;
	}
out:
	if (r != 1)
		mime_mailbox_free(m);
	return r;
}

char *
mime_msg_id(const char **s)
{
	const char	*begin, *p;
	char		*id;
	int		 quoted = 0;

	if ((begin = strchr(*s, '<')) == NULL)
		return NULL;
	for (p = ++begin; *p != '\0' && (quoted || *p != '>'); p++) {
		if (*p == '"')
			quoted = !quoted;
		else if (*p == '\\' && p[1] != '\0')
			p++;
	}
	if (*p != '>')
		return NULL;
	*s = p + 1;
	if ((id = strndup(begin, p - begin)) == NULL)
		return NULL;
	return id;
}
