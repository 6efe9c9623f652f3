/* SPDX-License-Identifier: ISC */

/*
 * What decode.h prints: one line an element with its offset and its octets,
 * indented, or the same as JSON.
 */

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "imsg.h"

#define INDENT_MAX	60	/* columns */
/* A damage weighs as much as so many elements that no table has. */
#define WEIGHT		4

uint64_t
tree_offset(const struct decode *d, const uint8_t *at)
{
	const struct decode_space	*s;
	size_t				 i, n, half;

	for (s = d->space; s != NULL; s = s->outer) {
		if (at < s->p || at > s->p + s->len)
			continue;
		i = at - s->p;
		if (s->npieces == 0)
			return (i);
		/* The last piece that begins at or before it. */
		for (n = 0, half = s->npieces; half > 1;) {
			size_t	mid = half / 2;

			if (s->piece[n + mid].at <= i)
				n += mid;
			half -= mid;
		}
		return (s->piece[n].offset + (i - s->piece[n].at));
	}
	return (0);
}

char *
tree_hex(const uint8_t *p, uint64_t len, char *buf, size_t size)
{
	size_t		used = 0;
	uint64_t	i;

	buf[0] = '\0';
	for (i = 0; i < len && used + 40 < size; i++)
		used += snprintf(buf + used, size - used, "%02x", p[i]);
	if (i < len)
		snprintf(buf + used, size - used, "... (%" PRIu64 " octets)",
		    len);
	return (buf);
}

char *
tree_text(const uint8_t *p, uint64_t len, char *buf, size_t size)
{
	size_t		used = 0;
	uint64_t	i;

	buf[used++] = '"';
	for (i = 0; i < len && used + 48 < size; i++) {
		if (p[i] < 0x20 || p[i] > 0x7e)
			used += snprintf(buf + used, size - used, "\\x%02x",
			    p[i]);
		else {
			if (p[i] == '"' || p[i] == '\\')
				buf[used++] = '\\';
			buf[used++] = p[i];
		}
	}
	buf[used++] = '"';
	buf[used] = '\0';
	if (i < len)
		snprintf(buf + used, size - used, "... (%" PRIu64 " octets)",
		    len);
	return (buf);
}

static void
line(struct decode *d, const uint8_t *at, int64_t len, const char *name,
    const char *type, const char *value)
{
	struct decode_tree	*t = d->tree;
	int			 indent = 2 * t->depth;
	char			 n[24] = "-";

	if (len >= 0)
		snprintf(n, sizeof(n), "%" PRId64, len);
	fprintf(t->f, "%06" PRIx64 " %6s  %*s%s", tree_offset(d, at), n,
	    indent < INDENT_MAX ? indent : INDENT_MAX, "", name != NULL ?
	    name : "");
	if (type != NULL && (name == NULL || strcmp(name, type) != 0))
		fprintf(t->f, "%s%s", name != NULL ? " " : "", type);
	if (value != NULL)
		fprintf(t->f, ": %s", value);
	putc('\n', t->f);
}

static void
object(struct decode *d, const uint8_t *at, int64_t len, const char *name,
    const char *type, const char *value)
{
	struct json	*j = &d->tree->json;

	json_object(j, NULL);
	json_uint(j, "offset", tree_offset(d, at));
	if (len >= 0)
		json_uint(j, "length", len);
	else
		json_null(j, "length");
	if (name != NULL)
		json_string(j, "name", name);
	if (type != NULL)
		json_string(j, "type", type);
	if (value != NULL)
		json_string(j, "value", value);
}

void
tree_open(struct decode *d, const uint8_t *at, int64_t len, const char *name,
    const char *type, const char *value)
{
	struct decode_tree	*t = d->tree;

	if (!t->silent && t->as_json) {
		object(d, at, len, name, type, value);
		json_array(&t->json, "elements");
	} else if (!t->silent)
		line(d, at, len, name, type, value);
	t->depth++;
	t->known++;
}

void
tree_close(struct decode *d)
{
	struct decode_tree	*t = d->tree;

	t->depth--;
	if (!t->silent && t->as_json) {
		json_close(&t->json, ']');
		json_close(&t->json, '}');
	}
}

void
tree_leaf(struct decode *d, const uint8_t *at, int64_t len, const char *name,
    const char *type, const char *value)
{
	struct decode_tree	*t = d->tree;

	t->known++;
	if (t->silent)
		return;
	if (t->as_json) {
		object(d, at, len, name, type, value);
		json_close(&t->json, '}');
	} else
		line(d, at, len, name, type, value);
}

uint64_t
tree_misfit(const struct decode_tree *t)
{
	return (t->damages * WEIGHT + t->unknown);
}

int
tree_plausible(const struct decode_tree *t, uint64_t outer)
{
	return (tree_misfit(t) == 0 || t->known > outer + t->damages);
}

/* What fits worse than something else need not be known to its end. */
static void
enough(struct decode *d)
{
	struct decode_tree	*t = d->tree;

	if (t->enough > 0 && tree_misfit(t) > t->enough)
		d->walk.stop = 1;
}

void
tree_unknown(struct decode *d)
{
	d->tree->known--;	/* as which it is opened */
	tree_odd(d);
}

void
tree_odd(struct decode *d)
{
	d->tree->unknown++;
	if (d->tree->silent)
		enough(d);
}

void
tree_damage(struct decode *d, const uint8_t *at, const char *fmt, ...)
{
	struct decode_tree	*t = d->tree;
	char			 text[512];
	va_list			 ap;

	t->damages++;
	if (t->silent) {
		enough(d);
		return;
	}
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (t->as_json) {
		json_object(&t->json, NULL);
		json_uint(&t->json, "offset", tree_offset(d, at));
		json_string(&t->json, "damage", text);
		json_close(&t->json, '}');
	} else
		fprintf(t->f, "%06" PRIx64 " ******  %*sdamaged: %s\n",
		    tree_offset(d, at), 2 * t->depth < INDENT_MAX ?
		    2 * t->depth : INDENT_MAX, "", text);
}
