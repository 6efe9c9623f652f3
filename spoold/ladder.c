/* SPDX-License-Identifier: ISC */

/*
 * The ladder of tries: how long a peer is left alone that could not be
 * reached, or could not receive.  Each priority has steps of its own, and
 * the peer is tried when it is time for one that has something waiting; what
 * came of it then holds for all whose time it was as well, so that those
 * with the same steps stay together and cause no more calls than one.
 */

#include <stdlib.h>
#include <string.h>

#include "spoold.h"

void
ladder_failed(struct ladder *l, const struct peer_conf *c)
{
	uint64_t	now = spool_clock();
	uint32_t	spread = arc4random_uniform(501);
	int		i;

	for (i = 0; i < 3; i++) {
		if (now < l->after[i])
			continue;
		l->backoff[i] = backoff_next(l->backoff[i], c->retry_min[i],
		    c->retry_max[i]);
		/* three quarters to five quarters of it */
		l->after[i] = now + l->backoff[i] * (UINT64_C(750) + spread);
	}
}

/* What is to be left alone still is, but for no longer than the first step. */
void
ladder_passed(struct ladder *l, const struct peer_conf *c)
{
	uint64_t	first;
	int		i;

	for (i = 0; i < 3; i++) {
		first = spool_clock() + c->retry_min[i] * UINT64_C(1000);
		if (l->after[i] > first)
			l->after[i] = first;
		l->backoff[i] = 0;
	}
}

uint64_t
ladder_due(const struct peer *p, const struct ladder *l, int rank)
{
	uint64_t	due = UINT64_MAX;
	int		i;

	for (i = 0; i < 3; i++)
		if ((i == rank || queue_ready(p->target, i) > 0) &&
		    l->after[i] < due)
			due = l->after[i];
	return (due == UINT64_MAX ? l->after[1] : due);
}
