/* SPDX-License-Identifier: ISC */

/*
 * A transfer going out, as transfer_out.c (its life) and send.c (what is
 * handed to rtsd) share it.
 */

#ifndef TRANSFER_OUT_H
#define TRANSFER_OUT_H

#include "spoold.h"

enum xfer_state {
	XFER_NEW = 0,		/* to be recorded, then given to rtsd */
	XFER_GIVEN,		/* rtsd has it */
	XFER_RUNNING,		/* it has begun */
	XFER_SUSPENDED,		/* interrupted, the association lives */
	XFER_WAITING		/* in question until the peer tells */
};

struct xfer {
	TAILQ_ENTRY(xfer)	 entry;		/* of the association */
	TAILQ_ENTRY(xfer)	 dirty_entry;
	struct assoc		*assoc;
	struct job		*job;
	uint32_t		 id;
	enum xfer_state		 state;
	uint8_t			 dirty, record, progress;
	uint8_t			 priority;
	uint8_t			 began;		/* at any time */
	uint8_t			 resume, discard;
	uint8_t			 parked;	/* to be resumed, not yet */
	uint8_t			 jeopardized;	/* suspended as the peer is */
	/* the pair that the peer knows for sure, and the present one */
	uint64_t		 connection, now_connection;
	uint32_t		 activity, now_activity;
	uint32_t		 serial;	/* confirmed */
	uint64_t		 offset;	/* octets before it */
	uint64_t		 high;		/* octets put out at most */
	uint64_t		 resumed_at;
	uint64_t		 running_from;	/* high when it (re)began */
	uint64_t		 running_since;	/* monotonic ms */
	uint64_t		 total;
	uint8_t			*head;
	size_t			 head_len;
	uint8_t			 put_head;
	char			*fields;	/* audit_fields */
	uint64_t		 resume_at;	/* monotonic ms */
	int64_t			 since;		/* time_t */
};

/* Hands it to rtsd.  -1: it cannot be sent, why says so. */
int	send_xfer(struct xfer *, const char **why);

#endif
