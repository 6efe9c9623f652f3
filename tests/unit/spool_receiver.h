/* SPDX-License-Identifier: ISC */

/*
 * spoold as a receiver of long contents, for tests: one incoming association
 * with beta whose checkpoints come evenly, as large as fake_checkpoint says.
 */

#ifndef SPOOL_RECEIVER_H
#define SPOOL_RECEIVER_H

#include "spool_fake.h"

#define RECEIVER_IN	(ASSOC_INCOMING | 1)

/* Octets of content that come before those of the first checkpoint. */
extern uint64_t	even_extra;

/* Octets from there on to checkpoint n: the content's length at it. */
uint64_t even_len(uint32_t n);
/* So many octets of the content, from there on: as many as a checkpoint. */
void	 content(uint64_t from, size_t len);
/* What is between two checkpoints, and checkpoint n. */
void	 even(uint32_t n);
void	 is_confirmed(uint32_t n);
/* As the loop does, and nothing that it would not do. */
void	 turn_until_sent(void);
/* A window from checkpoint n on, until it is confirmed. */
void	 window_of(uint32_t n);
/* The connection was lost: activity 5 goes on, as another, on a new one. */
void	 resume_at(uint32_t activity, uint32_t serial);

#endif
