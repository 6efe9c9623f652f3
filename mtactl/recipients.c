/* SPDX-License-Identifier: ISC */

/*
 * "mtactl show message": its recipients.  Of one that nothing waits for any
 * more the queue knows no more than that; what became of it, delivered or
 * not, is in the audit log.
 */

#include <err.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit_line.h"
#include "json.h"
#include "mtactl.h"
#include "table.h"

struct shown {
	char		*name, *where, *state;
	const char	*outcome;	/* NULL: not known */
	int		 over;
	int		 reason, diagnostic;	/* -1: none */
	uint64_t	 report;	/* an id, 0: none */
};

static void
set(char **to, const char *text)
{
	free(*to);
	if ((*to = strdup(text)) == NULL)
		err(1, NULL);
}

void
recipients_add(struct recipients *all, const struct ctl_recipient *row)
{
	struct shown	*r;

	if (all->n == all->size) {
		all->size = all->size * 2 + 16;
		if ((all->r = reallocarray(all->r, all->size,
		    sizeof(*r))) == NULL)
			err(1, NULL);
	}
	r = &all->r[all->n++];
	memset(r, 0, sizeof(*r));
	set(&r->name, row->name);
	set(&r->where, row->where);
	set(&r->state, row->state);
	r->over = row->over;
	r->outcome = row->over ? NULL : "waiting";
	r->reason = r->diagnostic = -1;
}

/* What became of it, for programs and in words. */
static void
said(struct shown *r, const char *outcome, const char *fmt, ...)
    __attribute__((__format__(printf, 3, 4)));

static void
said(struct shown *r, const char *outcome, const char *fmt, ...)
{
	va_list	 ap;
	char	*text;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) == -1)
		err(1, NULL);
	va_end(ap);
	free(r->state);
	r->state = text;
	r->outcome = outcome;
	r->reason = r->diagnostic = -1;
	r->report = 0;
}

static void
non_delivery(struct shown *r, const struct line *l, int reason,
    int diagnostic, const char *text)
{
	const char	*report = line_field(l, "report");
	char		 number[16] = "-", id[32] = "no report";

	if (diagnostic != -1)
		snprintf(number, sizeof(number), "%d", diagnostic);
	if (report != NULL)
		snprintf(id, sizeof(id), "report %.16s", report);
	said(r, "non-delivery", "non-delivery %d/%s, %s%s%s", reason, number,
	    id, text != NULL ? ": " : "", text != NULL ? text : "");
	r->reason = reason;
	r->diagnostic = diagnostic;
	r->report = report != NULL ? strtoull(report, NULL, 16) : 0;
}

/* What the line says of the recipient that is its field i. */
static void
became(struct shown *r, const struct line *l, size_t i)
{
	const char	*event = line_field(l, "event"), *name, *value;
	const char	*to = line_field(l, "to"), *text = NULL;
	const char	*other = "?", *members = "?";
	int		 reason = 0, diagnostic = -1;

	for (i++; i < l->n && strcmp(l->field[i].name, "recipient") != 0;
	    i++) {
		name = l->field[i].name;
		value = l->field[i].value;
		if (strcmp(name, "reason") == 0)
			reason = atoi(value);
		else if (strcmp(name, "diagnostic") == 0)
			diagnostic = atoi(value);
		else if (strcmp(name, "text") == 0)
			text = value;
		else if (strcmp(name, "redirected-to") == 0)
			other = value;
		else if (strcmp(name, "members") == 0)
			members = value;
	}
	if (strcmp(event, "transfer") == 0)
		said(r, "transferred", "transferred");
	else if (strcmp(event, "deliver") == 0)
		said(r, "delivered", "delivered");
	else if (strcmp(event, "remove") == 0)
		said(r, "removed", "removed by the operator");
	else if (strcmp(event, "redirect") == 0)
		said(r, "redirected", "redirected to %s", other);
	else if (strcmp(event, "expand") == 0)
		said(r, "expanded", "expanded, members: %s", members);
	else if (strcmp(event, "non-deliver") == 0)
		non_delivery(r, l, reason, diagnostic, text);
	else
		return;
	if (to != NULL)
		set(&r->where, to);
}

/* They are in the same order there, so that the next one is tried first. */
static struct shown *
find(struct recipients *all, const char *name, size_t *next)
{
	struct shown	*r;
	size_t		 i;

	for (i = 0; i < all->n; i++) {
		r = &all->r[(*next + i) % all->n];
		if (strcmp(r->name, name) == 0) {
			*next = r - all->r + 1;
			return (r);
		}
	}
	return (NULL);
}

static void
take(struct recipients *all, uint64_t id, const char *text, size_t len)
{
	struct line	 l;
	struct shown	*r;
	size_t		 i, next = 0;

	if (!line_parse(&l, text, len))
		return;
	for (i = 0; l.id == id && i < l.n; i++)
		if (strcmp(l.field[i].name, "recipient") == 0 && (r =
		    find(all, l.field[i].value, &next)) != NULL && r->over)
			became(r, &l, i);
	line_free(&l);
}

void
recipients_ask(struct recipients *all, struct ctl *c, uint64_t id,
    uint64_t arrival)
{
	struct ctl_track	 want;
	struct imsg		 imsg;
	const char		*p, *end, *nl;
	uint32_t		 type;
	size_t			 i;

	for (i = 0; i < all->n && !all->r[i].over; i++)
		;
	if (i == all->n)
		return;
	memset(&want, 0, sizeof(want));
	/* a clock may have been set back meanwhile */
	want.since = arrival > 3600 ? arrival - 3600 : 0;
	want.id[0] = id;
	want.nids = 1;
	c->may_fail = 1;
	ctl_send(c, CTL_TRACK, &want, sizeof(want));
	while ((type = ctl_next(c, &imsg, NULL, NULL)) != CTL_END &&
	    type != CTL_FAIL) {
		p = ibuf_data(&imsg.body);
		end = p + imsg_get_len(&imsg);
		for (; p < end && (nl = memchr(p, '\n', end - p)) != NULL;
		    p = nl + 1)
			take(all, id, p, nl - p);
	}
	c->may_fail = 0;
}

static void
forget(struct recipients *all)
{
	size_t	i;

	for (i = 0; i < all->n; i++) {
		free(all->r[i].name);
		free(all->r[i].where);
		free(all->r[i].state);
	}
	free(all->r);
	memset(all, 0, sizeof(*all));
}

void
recipients_print(struct recipients *all)
{
	const struct shown	*r;
	struct table		 t;

	if (all->n == 0)
		return;
	putchar('\n');
	memset(&t, 0, sizeof(t));
	table_begin(&t, stdout, "RECIPIENT,WHERE,STATE");
	for (r = all->r; r < all->r + all->n; r++) {
		table_text(&t, r->name);
		table_text(&t, r->where[0] != '\0' ? r->where : "-");
		table_text(&t, r->state);
	}
	table_end(&t);
	forget(all);
}

static void
string_or_null(struct json *j, const char *key, const char *s)
{
	if (s != NULL && s[0] != '\0')
		json_string(j, key, s);
	else
		json_null(j, key);
}

static void
number_or_null(struct json *j, const char *key, int v)
{
	if (v != -1)
		json_uint(j, key, v);
	else
		json_null(j, key);
}

void
recipients_json(struct recipients *all, struct json *j)
{
	const struct shown	*r;

	json_array(j, "recipient_list");
	for (r = all->r; r < all->r + all->n; r++) {
		json_object(j, NULL);
		json_string(j, "name", r->name);
		string_or_null(j, "where", r->where);
		json_string(j, "state", r->state);
		string_or_null(j, "outcome", r->outcome);
		number_or_null(j, "reason", r->reason);
		number_or_null(j, "diagnostic", r->diagnostic);
		if (r->report != 0)
			json_id(j, "report", r->report);
		else
			json_null(j, "report");
		json_close(j, '}');
	}
	json_close(j, ']');
	forget(all);
}
