/* SPDX-License-Identifier: ISC */

/*
 * A transfer coming in, as transfer_in.c (what arrives), recv_sync.c (when
 * it is made durable) and recv_store.c (how) share it.
 */

#ifndef TRANSFER_IN_H
#define TRANSFER_IN_H

#include "spoold.h"

#define MARKUP_SPILL		(128 * 1024)	/* octets, then into rows */
#define PARTIAL_MAX		16	/* interrupted ones, association */

enum in_state {
	IN_RECEIVING = 0,
	IN_REFUSED,		/* RECV_REFUSE sent, all is dropped */
	IN_RESUMING,		/* RECV_RESUMED goes out with the commit */
	IN_COMPLETE,		/* resumed, but we have it all */
	IN_ENDING,		/* RECV_ENDED goes out with the commit */
	IN_INTERRUPTING,
	IN_DISCARDING
};

/* A checkpoint from its arrival until it is confirmed. */
struct incheckpoint {
	struct store_checkpoint	 row;
	uint64_t		 commit;	/* store_commits with it */
};

/*
 * Checkpoints on record before they are received.  In the middle of a
 * content nothing but content comes, so the place of each is known.
 */
struct foreseen {
	uint32_t		 last;		/* 0: none */
	uint32_t		 put;		/* last in this transaction */
	uint32_t		 wrong;		/* this and later rows go */
	uint64_t		 commit;	/* store_commits with them */
};

struct intransfer {
	TAILQ_ENTRY(intransfer)	 dirty_entry;
	uint8_t			 dirty;
	enum in_state		 state;
	struct assoc		*assoc;		/* NULL: connection gone */
	struct target		*origin;
	struct store_receiving	 row;		/* as in the store */
	uint8_t			 stored;	/* the row is there */
	uint8_t			 stored_file;	/* and names the file */
	uint8_t			 keep_file;	/* a message names it */
	uint8_t			 put_pair;
	uint8_t			 reused;	/* pair of a complete one */
	uint8_t			 give_up;	/* others of the association */
	uint8_t			 complete;	/* was so when resumed */
	uint8_t			 discarded_complete;
	uint8_t			 suspect;	/* poison.c, on trial */
	uint64_t		 forget;	/* old transfer, not wanted */
	uint64_t		 connection;	/* row */
	struct activity_id	 activity;
	/* received so far */
	uint32_t		 serial;
	uint64_t		 markup_len;
	struct body		 body;		/* the content */
	struct sync		 sync;		/* of the content */
	uint64_t		 synced;	/* octets of it */
	uint8_t			 tried_direct;	/* body_direct, once */
	uint8_t			 waiting;	/* not in this transaction */
	uint8_t			 put;		/* flush_partial is in it */
	struct incheckpoint	*cp;		/* not yet confirmed */
	size_t			 ncp, cp_size;
	size_t			 nready;	/* of them, in the transaction */
	size_t			 nrecorded;	/* committed, not yet durable */
	uint64_t		 confirmed_len;	/* content before the last */
	struct store_checkpoint	 at;		/* the last one received */
	uint32_t		 even;		/* so many came evenly */
	struct foreseen		 foreseen;
	uint64_t		 row_behind;	/* what is on record: since */
	uint32_t		 burst;		/* checkpoints for one sync */
	uint32_t		 steady;	/* so many bursts were as long */
	uint64_t		 waits;		/* ms, for more of it; or 0 */
	uint8_t			*markup;	/* not yet in the store */
	size_t			 markup_used, markup_size;
	uint64_t		 markup_at;	/* where it begins */
	uint64_t		 content_stored; /* of an inline one */
	uint8_t			*envelope;
	size_t			 envelope_len, envelope_size;
	uint32_t		 end_serial;
	struct arrival		 arrival;
};

const char	*recv_text(const struct intransfer *);
struct intransfer *recv_first_dirty(void);
void		 recv_dirty(struct intransfer *);

/* recv_sync.c */

/* Checkpoints may go on record before their octets are durable. */
int		 recv_ahead(const struct intransfer *);
/*
 * With half a window of checkpoints that are not on record there is enough
 * for a transaction: the peer sends the other half meanwhile.
 */
int		 recv_half_window(const struct intransfer *);
/* Up to which checkpoint the places can be foreseen now; 0: none. */
uint32_t	 recv_foresee(const struct intransfer *);
/*
 * The last checkpoint received: is it where it was foreseen, and those before
 * it on record?  Then it is on record as well, and its octets are synced as
 * soon as there are enough of them.
 */
int		 recv_foreseen(struct intransfer *);
/* Is there something for the store? */
int		 recv_to_put(const struct intransfer *);
/* Those up to nready are in the transaction just committed.  How many? */
size_t		 recv_recorded(struct intransfer *);
/* A long content goes past the page cache from here on, if it can. */
void		 recv_go_direct(struct intransfer *);
/* RECV_CONFIRM for those on record that are durable as are their octets. */
void		 recv_confirm(struct intransfer *);
/* A sync of all octets there are, unless one is running. */
void		 recv_sync_more(struct intransfer *);
/* Of the sync that ended: did the log fail?  Then the spool does. */
int		 recv_log_failed(const struct intransfer *);
/* An imsg of one number to rtsd. */
void		 recv_say(const struct intransfer *, uint32_t type,
		    uint32_t number);

/* transfer_in.c, recv_store.c */

/* Off the dirty list, and away when free_it. */
void		 recv_done(struct intransfer *, int free_it);
/* The peer has been told, or is now, that content octets before len stay. */
void		 recv_confirmed(struct intransfer *, uint64_t len);
/* RECV_INTERRUPTED and RECV_DISCARDED. */
void		 recv_interrupted(struct intransfer *);
void		 recv_discarded(struct intransfer *);
/* What follows RECV_RESUME when nothing needs to be stored for it. */
void		 recv_resumed(struct intransfer *);
/* Forgets a transfer received in part.  -1: the spool failed. */
int		 recv_give_up(uint64_t id);
/* RECV_REFUSE, receiving ability jeopardized. */
void		 recv_refuse(struct intransfer *, const char *why);

#endif
