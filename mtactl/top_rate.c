/* SPDX-License-Identifier: ISC */

/* Rates, ages and the order of rows for "mtactl top".  See top.h. */

#include <stdlib.h>
#include <string.h>

#include "top.h"

static const char *const sorts[TOP_SORTS] = {
	"name", "queued", "oldest", "rate"
};

const char *
top_sort_name(enum top_sort sort)
{
	return (sorts[sort]);
}

int
top_sort_find(const char *name)
{
	int	i;

	for (i = 0; i < TOP_SORTS; i++)
		if (strcmp(sorts[i], name) == 0)
			return (i);
	return (-1);
}

static double
seconds(const struct timespec *a, const struct timespec *b)
{
	return (b->tv_sec - a->tv_sec + (b->tv_nsec - a->tv_nsec) / 1e9);
}

int
top_age(const struct top *t)
{
	struct timespec	now;

	if (!t->now.valid)
		return (0);
	clock_gettime(CLOCK_MONOTONIC, &now);
	return ((int)seconds(&t->now.taken, &now));
}

/* s between the looks; 0: there are no two, or another mtad was there. */
static double
between(const struct top *t)
{
	double	s;

	if (!t->now.valid || !t->before.valid ||
	    t->now.summary.uptime < t->before.summary.uptime)
		return (0);
	s = seconds(&t->before.taken, &t->now.taken);
	return (s > 0 ? s : 0);
}

static double
per(uint64_t before, uint64_t now, double s)
{
	return (now > before ? (now - before) / s : 0);
}

struct top_rate
top_rate(const struct top *t)
{
	const struct ctl_summary	*a = &t->before.summary;
	const struct ctl_summary	*b = &t->now.summary;
	struct top_rate			 r = { 0 };
	double				 s = between(t);

	if (s == 0)
		return (r);
	r.valid = 1;
	r.received = per(a->received, b->received, s);
	r.sent = per(a->sent, b->sent, s);
	r.received_octets = per(a->confirmed_in, b->confirmed_in, s);
	r.sent_octets = per(a->confirmed_out, b->confirmed_out, s);
	return (r);
}

struct top_rate
top_peer_rate(const struct top *t, const struct ctl_peer *p)
{
	const struct ctl_peer	*a;
	struct top_rate		 r = { 0 };
	double			 s = between(t);
	size_t			 i;

	for (i = 0; s > 0 && i < t->before.npeer; i++) {
		a = &t->before.peer[i];
		if (strcmp(a->name, p->name) != 0)
			continue;
		r.valid = 1;
		r.received = per(a->received, p->received, s);
		r.sent = per(a->sent, p->sent, s);
		r.received_octets = per(a->confirmed_in, p->confirmed_in, s);
		r.sent_octets = per(a->confirmed_out, p->confirmed_out, s);
		break;
	}
	return (r);
}

double
top_transfer_rate(const struct top *t, const struct ctl_transfer *x)
{
	const struct ctl_transfer	*a;
	double				 s = between(t);
	size_t				 i;

	for (i = 0; s > 0 && i < t->before.ntransfer; i++) {
		a = &t->before.transfer[i];
		if (a->out == x->out && a->message == x->message &&
		    strcmp(a->peer, x->peer) == 0 &&
		    strcmp(a->activity, x->activity) == 0)
			return (per(a->octets, x->octets, s));
	}
	return (-1);
}

uint64_t
top_queued(const struct ctl_peer *p)
{
	return (p->queued[0] + p->queued[1] + p->queued[2]);
}

/* For qsort, which tells its function nothing. */
static const struct top	*sorting;

static double
busy(const struct ctl_peer *p)
{
	struct top_rate	r = top_peer_rate(sorting, p);

	return (r.received_octets + r.sent_octets);
}

static int
compare(const void *va, const void *vb)
{
	const struct ctl_peer	*a = va, *b = vb;
	double			 x = 0, y = 0;

	switch (sorting->sort) {
	case TOP_QUEUED:
		x = top_queued(a);
		y = top_queued(b);
		break;
	case TOP_OLDEST:
		x = a->oldest;
		y = b->oldest;
		break;
	case TOP_RATE:
		x = busy(a);
		y = busy(b);
		break;
	default:
		break;
	}
	return (x > y ? -1 : x < y ? 1 : strcmp(a->name, b->name));
}

void
top_sort(struct top *t)
{
	sorting = t;
	if (t->now.npeer > 1)
		qsort(t->now.peer, t->now.npeer, sizeof(*t->now.peer),
		    compare);
}
