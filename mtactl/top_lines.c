/* SPDX-License-Identifier: ISC */

/*
 * What "mtactl top" shows, as lines of a given width.  See top.h.  Columns
 * that do not fit are left out, the least needed first.
 */

#include <err.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"
#include "top.h"

#define BAR_MIN	6
#define BAR_MAX	40
#define STATE_FITS	16	/* "down by operator" */
#define NARROW	40		/* columns: less has to do */
#define CELL	160

/* Need: 1 first to stay.  width 0: takes what is left, at least min. */
struct column {
	const char	*heading;
	int		 width, need;
	int		 right;
};

static struct top_line *
add(struct top_lines *l, enum top_style style)
{
	struct top_line	*grown;

	if (l->n == l->size) {
		l->size = l->size == 0 ? 64 : 2 * l->size;
		if ((grown = reallocarray(l->line, l->size,
		    sizeof(*l->line))) == NULL)
			err(1, NULL);
		l->line = grown;
	}
	l->line[l->n].style = style;
	l->line[l->n].text[0] = '\0';
	return (&l->line[l->n++]);
}

static void
text(struct top_lines *, enum top_style, int, const char *, ...)
    __attribute__((__format__(printf, 4, 5)));

static void
text(struct top_lines *l, enum top_style style, int width, const char *fmt,
    ...)
{
	struct top_line	*line = add(l, style);
	va_list		 ap;
	char		*s;

	va_start(ap, fmt);
	vsnprintf(line->text, sizeof(line->text), fmt, ap);
	va_end(ap);
	if (width < (int)sizeof(line->text))
		line->text[width] = '\0';
	for (s = line->text; *s != '\0'; s++)
		if (*s < ' ' || *s > '~')
			*s = '?';
}

/* Columns that fit, as bits; the last one takes the rest. */
static uint32_t
choose(const struct column *c, int n, int width)
{
	uint32_t	chosen = 0;
	int		need, i, used = -1;

	for (need = 1; need < 10; need++)
		for (i = 0; i < n; i++) {
			if (c[i].need != need)
				continue;
			if (used + 1 + c[i].width > width)
				return (chosen != 0 ? chosen : 1);
			used += 1 + c[i].width;
			chosen |= 1u << i;
		}
	return (chosen);
}

/* A row of those chosen; the last column may be longer than it says. */
static void
cells(struct top_lines *l, enum top_style style, const struct column *c,
    int n, uint32_t chosen, char cell[][CELL], int width)
{
	char	line[TOP_LINE_MAX + 1];
	size_t	used = 0;
	int	i, last = 0, left;

	for (i = 0; i < n; i++)
		if (chosen >> i & 1)
			last = i;
	line[0] = '\0';
	for (i = 0; i < n; i++) {
		if (!(chosen >> i & 1))
			continue;
		left = width - (int)used;
		if (i == last)
			used += snprintf(line + used, sizeof(line) - used,
			    "%.*s", left > 0 ? left : 0, cell[i]);
		else
			used += snprintf(line + used, sizeof(line) - used,
			    c[i].right ? "%*.*s " : "%-*.*s ", c[i].width,
			    c[i].width, cell[i]);
		if (used >= sizeof(line))
			break;
	}
	text(l, style, width, "%s", line);
}

static void
headings(struct top_lines *l, const struct column *c, int n, uint32_t chosen,
    int width)
{
	char	cell[16][CELL];
	int	i;

	for (i = 0; i < n; i++)
		strlcpy(cell[i], c[i].heading, CELL);
	cells(l, TOP_HEADING, c, n, chosen, cell, width);
}

static void
per_second(char *buf, size_t size, int valid, double v)
{
	if (!valid)
		strlcpy(buf, "-", size);
	else
		snprintf(buf, size, v < 10 ? "%.1f" : "%.0f", v);
}

static void
octets_per_second(char *buf, size_t size, int valid, double v)
{
	char	amount[AMOUNT_LEN];

	if (!valid)
		strlcpy(buf, "-", size);
	else
		snprintf(buf, size, "%s/s", size_text(amount, (uint64_t)v));
}

/* Transfers */

/* "[#####.....]" of so many columns. */
static void
bar(char *buf, int width, const struct ctl_transfer *x)
{
	int	i, full = 0;

	if (x->total > 0 && x->octets <= x->total)
		full = (int)((double)x->octets / x->total * (width - 2));
	buf[0] = '[';
	for (i = 0; i < width - 2; i++)
		buf[1 + i] = i < full ? '#' : '.';
	buf[width - 1] = ']';
	buf[width] = '\0';
}

enum { X_PEER, X_DIR, X_BAR, X_PERCENT, X_DONE, X_TOTAL, X_RATE, X_LEFT,
	X_MESSAGE, X_STATE, X_COLUMNS };

static void
transfer(const struct top *t, const struct ctl_transfer *x,
    const struct column *c, char cell[][CELL])
{
	double	rate = top_transfer_rate(t, x);
	int	known = x->total > 0 && x->octets <= x->total;

	strlcpy(cell[X_PEER], x->peer, CELL);
	strlcpy(cell[X_DIR], x->out ? "out" : "in", CELL);
	bar(cell[X_BAR], c[X_BAR].width, x);
	strlcpy(cell[X_PERCENT], "-", CELL);
	strlcpy(cell[X_TOTAL], "-", CELL);
	strlcpy(cell[X_LEFT], "-", CELL);
	if (known) {
		snprintf(cell[X_PERCENT], CELL, "%d%%",
		    (int)(100.0 * x->octets / x->total));
		size_text(cell[X_TOTAL], x->total);
		if (rate > 0)
			age_text(cell[X_LEFT],
			    (uint64_t)((x->total - x->octets) / rate + 0.5));
	}
	size_text(cell[X_DONE], x->octets);
	octets_per_second(cell[X_RATE], CELL, rate >= 0, rate);
	snprintf(cell[X_MESSAGE], CELL, x->message != 0 ? "%016" PRIX64 :
	    "-", x->message);
	strlcpy(cell[X_STATE], x->state, CELL);
}

static void
transfers(const struct top *t, struct top_lines *l, int width)
{
	struct column	c[X_COLUMNS] = {
		{ "PEER", 12, 1, 0 }, { "DIR", 3, 1, 0 },
		{ "PROGRESS", BAR_MIN, 2, 0 }, { "%", 4, 1, 1 },
		{ "DONE", 8, 3, 1 }, { "TOTAL", 8, 4, 1 },
		{ "RATE", 10, 3, 1 }, { "LEFT", 6, 5, 1 },
		{ "MESSAGE", 16, 6, 0 }, { "STATE", 8, 4, 0 },
	};
	char		cell[X_COLUMNS][CELL];
	const struct top_data *d = &t->now;
	uint32_t	chosen;
	size_t		i;
	int		k, used = -1;

	text(l, TOP_TITLE, width, "TRANSFERS %zu%s", d->ntransfer,
	    d->more[2] > 0 ? " and more" : "");
	if (d->ntransfer == 0)
		return;
	chosen = choose(c, X_COLUMNS, width);
	/* The bar gets half of what is left. */
	for (k = 0; k < X_COLUMNS; k++)
		if (chosen >> k & 1)
			used += 1 + c[k].width;
	if (used < width)
		c[X_BAR].width += (width - used) / 2;
	if (c[X_BAR].width > BAR_MAX)
		c[X_BAR].width = BAR_MAX;
	headings(l, c, X_COLUMNS, chosen, width);
	for (i = 0; i < d->ntransfer; i++) {
		transfer(t, &d->transfer[i], c, cell);
		cells(l, TOP_BUSY, c, X_COLUMNS, chosen, cell, width);
	}
}

/* Peers */

enum { P_PEER, P_ASSOCIATIONS, P_QUEUE, P_OLDEST, P_IN, P_IN_OCTETS, P_OUT,
	P_OUT_OCTETS, P_STATE, P_COLUMNS };

static void
peers(const struct top *t, struct top_lines *l, int width)
{
	const struct column	 c[P_COLUMNS] = {
		{ "PEER", 12, 1, 0 }, { "IN/OUT", 6, 4, 1 },
		{ "URG/NORM/NON", 12, 2, 1 }, { "OLDEST", 6, 2, 1 },
		{ "IN/s", 5, 5, 1 }, { "IN", 10, 3, 1 },
		{ "OUT/s", 5, 5, 1 }, { "OUT", 10, 3, 1 },
		{ "STATE", width < NARROW ? 6 : STATE_FITS, 1, 0 },
	};
	const struct top_data	*d = &t->now;
	const struct ctl_peer	*p;
	struct top_rate		 r;
	char			 cell[P_COLUMNS][CELL];
	uint32_t		 chosen;
	size_t			 i;
	int			 bad;

	text(l, TOP_TITLE, width, "PEERS %zu%s", d->npeer, d->more[0] > 0 ?
	    " and more" : "");
	if (d->npeer == 0)
		return;
	chosen = choose(c, P_COLUMNS, width);
	headings(l, c, P_COLUMNS, chosen, width);
	for (i = 0; i < d->npeer; i++) {
		p = &d->peer[i];
		r = top_peer_rate(t, p);
		strlcpy(cell[P_PEER], p->name, CELL);
		snprintf(cell[P_ASSOCIATIONS], CELL, "%u/%u",
		    p->associations_in, p->associations_out);
		snprintf(cell[P_QUEUE], CELL, "%" PRIu64 "/%" PRIu64 "/%"
		    PRIu64, p->queued[PRIORITY_URGENT],
		    p->queued[PRIORITY_NORMAL],
		    p->queued[PRIORITY_NON_URGENT]);
		if (top_queued(p) + p->active > 0)
			age_text(cell[P_OLDEST], p->oldest);
		else
			strlcpy(cell[P_OLDEST], "-", CELL);
		per_second(cell[P_IN], CELL, r.valid, r.received);
		octets_per_second(cell[P_IN_OCTETS], CELL, r.valid,
		    r.received_octets);
		per_second(cell[P_OUT], CELL, r.valid, r.sent);
		octets_per_second(cell[P_OUT_OCTETS], CELL, r.valid,
		    r.sent_octets);
		strlcpy(cell[P_STATE], p->state, CELL);
		bad = p->down || strcmp(p->state, "down by operator") == 0 ||
		    p->retry_in > 0;
		cells(l, bad ? TOP_ALARM : p->associations_in +
		    p->associations_out > 0 ? TOP_BUSY : TOP_PLAIN, c,
		    P_COLUMNS, chosen, cell, width);
	}
}

/* Associations */

enum { A_PEER, A_ADDRESS, A_ROLE, A_TURN, A_AGE, A_IDLE, A_SENT, A_RECEIVED,
	A_TLS, A_COLUMNS };

static const struct column	association_columns[A_COLUMNS] = {
	{ "PEER", 12, 1, 0 }, { "ADDRESS", 21, 3, 0 }, { "ROLE", 9, 2, 0 },
	{ "TURN", 7, 4, 0 }, { "AGE", 6, 1, 1 }, { "IDLE", 6, 1, 1 },
	{ "SENT", 6, 2, 1 }, { "RECEIVED", 8, 2, 1 }, { "TLS", 3, 5, 0 },
};

static void
associations(const struct top *t, struct top_lines *l, int width)
{
	const struct column		*c = association_columns;
	const struct top_data		*d = &t->now;
	const struct ctl_association	*a;
	char				 cell[A_COLUMNS][CELL];
	uint32_t			 chosen;
	size_t				 i;

	text(l, TOP_TITLE, width, "ASSOCIATIONS %zu%s", d->nassociation,
	    d->more[1] > 0 ? " and more" : "");
	if (d->nassociation == 0)
		return;
	chosen = choose(c, A_COLUMNS, width);
	headings(l, c, A_COLUMNS, chosen, width);
	for (i = 0; i < d->nassociation; i++) {
		a = &d->association[i];
		strlcpy(cell[A_PEER], a->peer, CELL);
		strlcpy(cell[A_ADDRESS], a->address, CELL);
		strlcpy(cell[A_ROLE], a->initiator ? "initiator" :
		    "responder", CELL);
		strlcpy(cell[A_TURN], !a->up ? "opening" : a->ours ? "ours" :
		    "theirs", CELL);
		age_text(cell[A_AGE], a->age);
		age_text(cell[A_IDLE], a->idle);
		snprintf(cell[A_SENT], CELL, "%" PRIu64, a->sent);
		snprintf(cell[A_RECEIVED], CELL, "%" PRIu64, a->received);
		strlcpy(cell[A_TLS], a->tls[0] != '\0' ? a->tls : "no", CELL);
		cells(l, TOP_PLAIN, c, A_COLUMNS, chosen, cell, width);
	}
}

/* What does not scroll. */
static void
head(const struct top *t, struct top_lines *l, int width)
{
	const struct ctl_summary	*s = &t->now.summary;
	struct top_rate			 r = top_rate(t);
	char				 a[AMOUNT_LEN], b[AMOUNT_LEN];
	char				 in[32], out[32];

	if (!t->now.valid) {
		text(l, TOP_TITLE, width, "mtactl top: %s", t->path);
		text(l, t->trouble[0] != '\0' ? TOP_ALARM : TOP_PLAIN, width,
		    "%s%s", t->trouble[0] != '\0' ? "no answer, trying again: "
		    : "asking", t->trouble);
		return;
	}
	text(l, TOP_TITLE, width, "%s  up %s  every %d s  by %s%s  %s", s->name,
	    age_text(a, s->uptime), t->interval, top_sort_name(t->sort),
	    t->paused ? "  PAUSED" : "", s->state);
	text(l, TOP_PLAIN, width, "queue %" PRIu64 ", %s, oldest %s, under "
	    "way %" PRIu64 ", deferred %" PRIu64 ", held %" PRIu64, s->queued,
	    size_text(a, s->queued_octets), age_text(b, s->oldest), s->active,
	    s->deferred, s->held);
	per_second(in, sizeof(in), r.valid, r.received);
	per_second(out, sizeof(out), r.valid, r.sent);
	octets_per_second(a, sizeof(a), r.valid, r.received_octets);
	octets_per_second(b, sizeof(b), r.valid, r.sent_octets);
	text(l, TOP_PLAIN, width, "in %s/s %s, out %s/s %s, %" PRIu64
	    " received, %" PRIu64 " sent, %" PRIu64 " delivered", in, a, out,
	    b, s->received, s->sent, s->delivered);
	if (t->trouble[0] != '\0')
		text(l, TOP_ALARM, width, "no answer for %d s, trying again: "
		    "%s", top_age(t), t->trouble);
}

static void
help(struct top_lines *l, int width)
{
	static const char *const lines[] = {
		"q        quit", "p        pause, and go on",
		"s        sort peers by name, queued, oldest, rate",
		"+ -      longer, shorter between two looks",
		"space    look now",
		"1 2 3    hide or show transfers, peers, associations",
		"up down  scroll, also j k and the page keys",
		"h ?      this, and back",
	};
	size_t	i;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		text(l, TOP_PLAIN, width, "%s", lines[i]);
}

void
top_lines(const struct top *t, struct top_lines *l, int width)
{
	if (width > TOP_LINE_MAX)
		width = TOP_LINE_MAX;
	if (width < 1)
		width = 1;
	l->n = 0;
	head(t, l, width);
	l->head = l->n;
	if (t->help) {
		help(l, width);
		return;
	}
	if (!t->now.valid)
		return;
	if (!(t->hidden & 1))
		transfers(t, l, width);
	if (!(t->hidden & 2))
		peers(t, l, width);
	if (!(t->hidden & 4))
		associations(t, l, width);
}
