/* SPDX-License-Identifier: ISC */

/*
 * A line of the audit log, as spoold(8) has it, taken apart.
 */

#include <ctype.h>
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "audit_line.h"

#define FIELDS_MAX	8192	/* of a line; more than fit into one */

/* The value at p, ended and without quotes; what follows it. */
static char *
unquote(char *p, char **value)
{
	char	hex[3] = "", *out;

	if (*p != '"') {
		*value = p;
		p += strcspn(p, " ");
		if (*p != '\0')
			*p++ = '\0';
		return (p);
	}
	*value = out = ++p;
	for (; *p != '\0' && *p != '"'; p++) {
		if (*p == '\\' && p[1] == 'x' &&
		    isxdigit((unsigned char)p[2]) &&
		    isxdigit((unsigned char)p[3])) {
			hex[0] = p[2];
			hex[1] = p[3];
			*out++ = (char)strtoul(hex, NULL, 16);
			p += 3;
			continue;
		}
		if (*p == '\\' && p[1] != '\0')
			p++;
		*out++ = *p;
	}
	if (*p == '"')
		p++;
	if (*p == ' ')
		p++;
	*out = '\0';
	return (p);
}

const char *
line_field(const struct line *e, const char *name)
{
	size_t	i;

	for (i = 0; i < e->n; i++)
		if (strcmp(e->field[i].name, name) == 0)
			return (e->field[i].value);
	return (NULL);
}

void
line_free(struct line *e)
{
	free(e->field);
	free(e->text);
}

int
line_parse(struct line *e, const char *text, size_t len)
{
	char	*p, *eq;
	const char *v;

	memset(e, 0, sizeof(*e));
	if ((e->text = strndup(text, len)) == NULL ||
	    (e->field = calloc(FIELDS_MAX, sizeof(*e->field))) == NULL)
		err(1, NULL);
	for (p = e->text; *p != '\0' && e->n < FIELDS_MAX; e->n++) {
		if ((eq = strchr(p, '=')) == NULL)
			break;
		*eq = '\0';
		e->field[e->n].name = p;
		p = unquote(eq + 1, &e->field[e->n].value);
	}
	e->field = reallocarray(e->field, e->n + 1, sizeof(*e->field));
	if (e->field == NULL)
		err(1, NULL);
	if ((v = line_field(e, "id")) != NULL)
		e->id = strtoull(v, NULL, 16);
	if ((v = line_field(e, "key")) != NULL)
		e->key = strtoull(v, NULL, 16);
	if (e->id != 0 && e->key != 0 && line_field(e, "event") != NULL)
		return (1);
	line_free(e);
	return (0);
}
