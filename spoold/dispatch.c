/* SPDX-License-Identifier: ISC */

/*
 * What rtsd says: length and association checked, handed to the part of
 * spoold that it is for.
 */

#include <string.h>

#include "log.h"
#include "spoold.h"

static int
turn(struct assoc *a, const struct assoc_turn *t)
{
	if (a->state != ASSOC_IS_UP && a->state != ASSOC_CLOSING)
		return (-1);
	a->turn_ours = t->ours != 0;
	a->row.turn = (t->ours != 0) == (a->row.initiator != 0) ?
	    TURN_INITIATOR : TURN_RESPONDER;
	a->put_row = 1;		/* with the next commit that there is */
	return (0);
}

int
rtsd_imsg(uint32_t type, uint32_t id, const uint8_t *data, size_t len)
{
	struct assoc_ind	ind;
	struct assoc_up		up;
	struct assoc_down	down;
	struct assoc_turn	t;
	struct assoc		*a;

	if (type == IMSG_ASSOC_IND) {
		if (len != sizeof(ind))
			return (-1);
		memcpy(&ind, data, sizeof(ind));
		return (assoc_ind(id, &ind));
	}
	if (type >= IMSG_PING_STEP && type <= IMSG_TRACE_DATA)
		return (live_imsg(type, id, data, len));
	if (type == IMSG_CALL_REFUSED)
		return (assoc_call_refused(data, len));
	if (type < IMSG_ASSOC_UP || type > IMSG_RECV_REFUSE)
		return (-1);
	/* words about one that we have given up already */
	if ((a = assoc_find(id)) == NULL)
		return (0);
	switch (type) {
	case IMSG_ASSOC_UP:
		if (len != sizeof(up))
			return (-1);
		memcpy(&up, data, sizeof(up));
		return (assoc_up(a, &up));
	case IMSG_ASSOC_DOWN:
		if (len != sizeof(down))
			return (-1);
		memcpy(&down, data, sizeof(down));
		return (assoc_down(a, &down));
	case IMSG_TURN:
		if (len != sizeof(t))
			return (-1);
		memcpy(&t, data, sizeof(t));
		return (turn(a, &t));
	}
	if (type >= IMSG_XFER_BEGUN && type <= IMSG_XFER_FAILED)
		return (xfer_imsg(a, type, data, len));
	if (type >= IMSG_RECV_START && type <= IMSG_RECV_DISCARD)
		return (recv_imsg(a, type, data, len));
	return (-1);
}

void
rtsd_gone(void)
{
	struct assoc_down	 down;
	struct assoc		*a, *next;

	live_rtsd_gone();
	poison_rtsd_died();
	memset(&down, 0, sizeof(down));
	strlcpy(down.text, "rtsd is gone", sizeof(down.text));
	for (a = TAILQ_FIRST(&sp.assocs); a != NULL; a = next) {
		next = TAILQ_NEXT(a, entry);
		if (a->id == 0)
			continue;
		down.kind = a->state == ASSOC_IS_UP ||
		    a->state == ASSOC_CLOSING ? DOWN_TRANSPORT_LOST :
		    DOWN_CONNECT_FAILED;
		a->uncertain = 1;
		assoc_down(a, &down);
	}
}
