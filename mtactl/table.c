/* SPDX-License-Identifier: ISC */

/*
 * Tables of mtactl.  Rows are held back to learn the widths of the columns,
 * but no more than so many: a queue may be long.
 */

#include <err.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

#define TABLE_ROWS	1000

char *
size_text(char buf[AMOUNT_LEN], uint64_t octets)
{
	static const char units[] = "KMGTPE";
	double v = octets;
	int u = -1;

	if (octets < 1024) {
		snprintf(buf, AMOUNT_LEN, "%" PRIu64 " B", octets);
		return (buf);
	}
	while (v >= 1023.95 && units[u + 1] != '\0') {
		v /= 1024;
		u++;
	}
	snprintf(buf, AMOUNT_LEN, "%.1f %cB", v, units[u]);
	return (buf);
}

char *
age_text(char buf[AMOUNT_LEN], uint64_t s)
{
	if (s < 60)
		snprintf(buf, AMOUNT_LEN, "%us", (unsigned)s);
	else if (s < 3600)
		snprintf(buf, AMOUNT_LEN, "%um%02us", (unsigned)(s / 60),
		    (unsigned)(s % 60));
	else if (s < 86400)
		snprintf(buf, AMOUNT_LEN, "%uh%02um", (unsigned)(s / 3600),
		    (unsigned)(s / 60 % 60));
	else
		snprintf(buf, AMOUNT_LEN, "%" PRIu64 "d%02uh", s / 86400,
		    (unsigned)(s / 3600 % 24));
	return (buf);
}

static void
table_print(struct table *t)
{
	size_t i;
	int c, pad;

	for (i = 0; i < t->ncells; i++) {
		c = i % t->ncolumns;
		pad = t->width[c] - (int)strlen(t->cell[i]);
		if (c > 0)
			fputs("  ", t->f);
		if (t->right[c])
			fprintf(t->f, "%*s", pad, "");
		fputs(t->cell[i], t->f);
		if (c == t->ncolumns - 1)
			putc('\n', t->f);
		else if (!t->right[c])
			fprintf(t->f, "%*s", pad, "");
		free(t->cell[i]);
	}
	t->ncells = 0;
}

void
table_text(struct table *t, const char *text)
{
	char *s, *copy;
	int c, w;

	if (t->ncells == (size_t)t->ncolumns * TABLE_ROWS)
		table_print(t);
	if (t->ncells == t->size) {
		t->size = t->size == 0 ? 64 : t->size * 2;
		t->cell = reallocarray(t->cell, t->size, sizeof(*t->cell));
		if (t->cell == NULL)
			err(1, NULL);
	}
	if ((copy = strdup(text)) == NULL)
		err(1, NULL);
	for (s = copy; *s != '\0'; s++)
		if (*s < ' ' || *s > '~')
			*s = '?';
	c = t->ncells % t->ncolumns;
	if ((w = (int)strlen(copy)) > t->width[c])
		t->width[c] = w;
	t->cell[t->ncells++] = copy;
}

void
table_begin(struct table *t, FILE *f, const char *headings)
{
	char *copy, *s, *h;

	memset(t, 0, sizeof(*t));
	t->f = f;
	if ((copy = s = strdup(headings)) == NULL)
		err(1, NULL);
	for (h = copy; *h != '\0'; h++)
		t->ncolumns += *h == ',';
	t->ncolumns++;
	for (; (h = strsep(&s, ",")) != NULL; table_text(t, h))
		if (*h == '>') {
			t->right[t->ncells] = 1;
			h++;
		}
	free(copy);
}

void
table_number(struct table *t, uint64_t v)
{
	char buf[AMOUNT_LEN];

	snprintf(buf, sizeof(buf), "%" PRIu64, v);
	table_text(t, buf);
}

void
table_id(struct table *t, uint64_t id)
{
	char buf[AMOUNT_LEN];

	snprintf(buf, sizeof(buf), "%016" PRIX64, id);
	table_text(t, buf);
}

void
table_size(struct table *t, uint64_t octets)
{
	char buf[AMOUNT_LEN];

	table_text(t, size_text(buf, octets));
}

void
table_age(struct table *t, uint64_t seconds)
{
	char buf[AMOUNT_LEN];

	table_text(t, age_text(buf, seconds));
}

void
table_end(struct table *t)
{
	table_print(t);
	free(t->cell);
	t->cell = NULL;
	t->size = 0;
}
