/* SPDX-License-Identifier: ISC */

/*
 * spoold as a sender, for tests: what rtsd would say and hear of associations
 * with beta that are opened here.
 */

#ifndef SPOOL_SENDER_H
#define SPOOL_SENDER_H

#include "spool_fake.h"

#define SENDER_IN	(ASSOC_INCOMING | 1)	/* gamma's, for queue_up */

/* What was asked for last. */
extern struct assoc_open opened;
extern struct xfer_req	 req;

/* n messages for beta into the queue, from gamma. */
void	 queue_up(int first, int n, int priority, size_t size);
/* An association is to be opened: its number. */
uint32_t expect_open(int recover);
void	 up(uint32_t id, int turn, int dialogue);
void	 down(uint32_t id, int kind, int reason);
/* The next transfer handed out, complete; its number. */
uint32_t expect_xfer(uint32_t id, int resume, int discard);
void	 begun(uint32_t id, uint32_t x, uint64_t total);
void	 head(uint32_t id, uint32_t x);
/* Confirmed by the peer; checked to be said to be on record. */
void	 confirmed(uint32_t id, uint32_t x, uint32_t serial, uint64_t offset);
void	 done(uint32_t id, uint32_t x);
void	 xfer_fails(uint32_t id, uint32_t x, int failure);

#endif
