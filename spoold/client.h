/* SPDX-License-Identifier: ISC */

/*
 * A client of the control socket, as control.c (requests) and show.c (rows)
 * share it.
 */

#ifndef CLIENT_H
#define CLIENT_H

#include "control.h"
#include "imsgev.h"
#include "spoold.h"

#define CLIENTS_MAX	16
#define CLIENT_HIGH	(256 * 1024)	/* octets waiting: rows pause */

struct client {
	TAILQ_ENTRY(client)	 entry;
	struct imsgev		 iev;
	uint32_t		 request;	/* enum ctl_type, 0 none */
	uint64_t		 cursor;	/* of the rows */
	/* CTL_SHOW_QUEUE */
	char			 only[PEER_NAME_MAX];	/* "": all */
	uint8_t			 looking;	/* for more rows of that peer */
	/* CTL_SHOW_MESSAGE */
	struct message		*message;
	uint32_t		*routing;
	size_t			 nrouting;
	uint8_t			*envelope;
	size_t			 envelope_len;
	/* CTL_SUBMIT */
	struct ibuf		*submit;
	struct body		 body;
	struct arrival		 arrival;
	uint8_t			 submitting, committing;
	/* CTL_RETRY and its like: operate.c */
	struct ctl_change	 change;
	struct ctl_changed	 changed;
	uint64_t		 change_last;	/* newer ones are let be */
	uint8_t			 changing;
#define CHANGE_WORK	1	/* there is more to be done */
#define CHANGE_COMMIT	2	/* all is, answered after the commit */
#define CHANGE_PEER	3	/* the same, of the state of a peer */
	struct track		*track;		/* CTL_TRACK */
	struct backup		*backup;	/* CTL_BACKUP */
	struct live		*live;		/* CTL_PING, _TRACE, _RELOAD */
	time_t			 active;
};

void	client_row(struct client *, uint32_t type, const void *, size_t);
void	client_end(struct client *);
void	client_fail(struct client *, const char *);
/* More rows of the request, as many as the socket should hold. */
void	show_more(struct client *);
/* What a copy waits for, in buf or elsewhere. */
const char *show_job_text(const struct store_job *, char *buf, size_t);
/* operate.c: begins; does some messages at a time.  -1: malformed. */
int	operate_begin(struct client *, uint32_t type,
	    const struct ctl_change *);
void	operate_more(struct client *);
/* track.c: the same of the audit log. */
int	track_begin(struct client *, const struct ctl_track *);
void	track_more(struct client *);
void	track_free(struct client *);
/* backup.c: the same of a backup; -1: it is not to be asked for one more. */
void	backup_begin(struct client *);
void	backup_more(struct client *);
int	backup_works(const struct client *);
int	backup_next(struct client *);
void	backup_free(struct client *);
/* live.c: those that others answer, and peers.  -1: malformed. */
int	live_request(struct client *, struct imsg *);
void	live_free(struct client *);
int	live_flush(void);
void	live_committed(void);
/* As show peers has it. */
/* Counts transfers cut in the middle, for the rows of all peers.  -1. */
int	show_count_cut(void);
void	show_peer_row(const struct peer *, struct ctl_peer *);
/* There is work that goes on beside the loop. */
void	control_work(void);
/* Lets go of what a request held. */
void	show_free(struct client *);
/* In words, as show peers has it. */
void	peer_text(const struct peer *, char *, size_t);
/* What a submission lacks, which is filled in; NULL: nothing. */
const char *submission_complete(struct client *, struct message *);
/* explain.c: CTL_ROUTE and CTL_CHECK, answered as a whole. */
void	explain_route(struct client *, const struct ibuf *);
void	explain_check(struct client *);
/*
 * Of a message that is in the store: to how many of its recipients it does
 * not go, and what becomes of the first of them.
 */
uint32_t explain_troubles(const struct arrival *, struct ctl_check *);

/*
 * Words for a peer that is not there: the configuration does not have that
 * name, or the spool cannot be used, and no peer is there before it can.
 */
const char *no_such_peer(const char *name);

#endif
