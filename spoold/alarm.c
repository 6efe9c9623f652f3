/* SPDX-License-Identifier: ISC */

/*
 * Alarms in the log: too much waits for a peer, or for too long, or the spool
 * has little space.  One is over only below a mark of its own, so that what
 * moves around one mark does not fill the log.
 */

#include <inttypes.h>

#include "log.h"
#include "spoold.h"

/* 1: it is raised now, -1: it is over, 0: as it was. */
static int
change(uint8_t *alarms, uint8_t bit, int above, int below)
{
	if (!(*alarms & bit) && above) {
		*alarms |= bit;
		return (1);
	}
	if ((*alarms & bit) && below) {
		*alarms &= ~bit;
		return (-1);
	}
	return (0);
}

static void
look_at_peer(struct peer *p)
{
	const struct peer_conf	*c = &p->conf;
	uint64_t		 n = queue_stored(p->target);
	uint64_t		 age = queue_age(p->target);

	switch (change(&p->alarms, ALARM_QUEUE, c->alarm_queue != 0 &&
	    n >= c->alarm_queue, c->alarm_queue == 0 ||
	    n <= c->alarm_queue_clear)) {
	case 1:
		log_warnx(EVT_ALARM, "peer=%s alarm=queue waiting=%" PRIu64
		    " mark=%u", c->name, n, c->alarm_queue);
		break;
	case -1:
		log_info(EVT_ALARM_OVER, "peer=%s alarm=queue waiting=%"
		    PRIu64, c->name, n);
		break;
	}
	switch (change(&p->alarms, ALARM_AGE, c->alarm_age != 0 &&
	    age >= c->alarm_age, c->alarm_age == 0 ||
	    age <= c->alarm_age_clear)) {
	case 1:
		log_warnx(EVT_ALARM, "peer=%s alarm=age seconds=%" PRIu64
		    " mark=%u", c->name, age, c->alarm_age);
		break;
	case -1:
		log_info(EVT_ALARM_OVER, "peer=%s alarm=age seconds=%" PRIu64,
		    c->name, age);
		break;
	}
}

void
alarm_tick(void)
{
	const struct mta_conf	*c = &sp.mta;
	uint64_t		 space = content_free();
	struct peer		*p;

	switch (change(&sp.alarms, ALARM_SPACE, c->alarm_space != 0 &&
	    space < c->alarm_space, c->alarm_space == 0 ||
	    space >= c->alarm_space_clear)) {
	case 1:
		log_warnx(EVT_ALARM, "alarm=space free=%" PRIu64 " mark=%"
		    PRIu64, space, c->alarm_space);
		break;
	case -1:
		log_info(EVT_ALARM_OVER, "alarm=space free=%" PRIu64, space);
		break;
	}
	TAILQ_FOREACH(p, &sp.peers, entry)
		if (p->seen && p->target != NULL)
			look_at_peer(p);
}
