/* SPDX-License-Identifier: ISC */

/*
 * What rtsd dies of before its first checkpoint has no name here: the peer
 * sends it as another activity each time, and no octet of it is kept.  So it
 * is counted against the peer.  After "poison after" deaths nothing is taken
 * from it for a while, longer each time; what goes to it goes on.  That
 * bounds how often rtsd dies of it, and with it how often all others are
 * interrupted, and leaves the peer the means to send something else.
 *
 * A death in which others may have a part counts half against each.  Those
 * that were shut out come back one at a time; after five minutes without
 * harm, as after an hour without a death, nothing is held against them.
 * Nothing of this is kept over a restart of spoold.
 */

#include <stdio.h>
#include <string.h>

#include "log.h"
#include "transfer_in.h"

#define PAUSE_MIN	60		/* s */
#define PAUSE_MAX	3600
#define TRIAL		30000		/* ms that one comes back alone */
#define CALM		300000		/* ms after that without a death */
#define FORGET		3600000		/* ms without one otherwise */

/* The last one that came back. */
static uint32_t	 tried;			/* its id */
static uint64_t	 tried_since;		/* ms, 0 none */

/* Is something coming in from it that is not on record? */
static int
nameless(const struct peer *p)
{
	const struct assoc	*a;

	TAILQ_FOREACH(a, &sp.assocs, entry)
		if (a->peer == p && a->id != 0 && a->in != NULL &&
		    !a->in->stored && a->in->state != IN_REFUSED &&
		    a->in->state != IN_COMPLETE)
			return (1);
	return (0);
}

static void
shut(struct peer *p)
{
	struct accusation	*acc = &p->accused;

	acc->pause = acc->pause == 0 ? PAUSE_MIN : acc->pause * 2;
	if (acc->pause > PAUSE_MAX)
		acc->pause = PAUSE_MAX;
	acc->shut_until = spool_clock() + acc->pause * UINT64_C(1000);
	acc->back = 0;
	/* when it comes back, one death is enough */
	acc->kills -= POISON_WEIGHT;
	log_warnx(EVT_PEER_SHUT_OUT, "peer=%s seconds=%u: rtsd dies of what it "
	    "sends", p->conf.name, acc->pause);
}

static int
forgotten(const struct accusation *acc, uint64_t now)
{
	return (now - acc->last > FORGET + acc->pause * UINT64_C(1000) ||
	    (acc->back != 0 && acc->back > acc->last &&
	    now - acc->back > CALM));
}

static void
accuse(struct peer *p, int weight)
{
	struct accusation	*acc = &p->accused;
	uint32_t		 limit = sp.mta.poison_after;

	if (forgotten(acc, spool_clock()))
		memset(acc, 0, sizeof(*acc));
	acc->last = spool_clock();
	acc->kills += weight;
	log_warnx(EVT_PEER_SUSPECT, "peer=%s kills=%u limit=%u: rtsd died while "
	    "something came from it", p->conf.name, (acc->kills +
	    POISON_WEIGHT - 1) / POISON_WEIGHT, limit);
	if (acc->kills >= POISON_WEIGHT * limit)
		shut(p);
}

void
poison_peers_died(int doubt)
{
	struct peer	*p;
	int		 n = 0;

	TAILQ_FOREACH(p, &sp.peers, entry)
		n += nameless(p);
	TAILQ_FOREACH(p, &sp.peers, entry)
		if (nameless(p))
			accuse(p, n > 1 || doubt ? 1 : POISON_WEIGHT);
}

uint32_t
poison_peer_shut(const struct peer *p)
{
	uint64_t	now = spool_clock(), until = p->accused.shut_until;

	/* not together with another one that was */
	if (p->accused.pause != 0 && p->accused.back == 0 && tried_since != 0 &&
	    tried != p->conf.id && tried_since + TRIAL > until)
		until = tried_since + TRIAL;
	return (sp.mta.poison_after == 0 || now >= until ? 0 :
	    (uint32_t)((until - now + 999) / 1000));
}

void
poison_peer_opens(struct peer *p)
{
	if (p->accused.pause == 0 || p->accused.back != 0)
		return;
	p->accused.back = tried_since = spool_clock();
	tried = p->conf.id;
}
