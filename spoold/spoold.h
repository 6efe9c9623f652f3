/* SPDX-License-Identifier: ISC */

/*
 * The spool process.  It owns the queue, the checkpoints and the contents;
 * it decides what goes where and when; it never looks into a content and
 * never decodes ASN.1.
 *
 * One rule holds it together: whatever arrives only changes memory and
 * marks objects dirty.  spool_commit(), once for everything that one turn
 * of the event loop brought, writes the dirty objects in one transaction
 * and, when it is durable, lets each object say so to its peer.  Nothing is
 * confirmed on any other path.
 */

#ifndef SPOOLD_H
#define SPOOLD_H

#include <sys/queue.h>
#include <sys/tree.h>

#include <pthread.h>
#include <stdint.h>
#include <time.h>

#include "mtad.h"
#include "store.h"

#ifndef nitems
#define nitems(a)		(sizeof(a) / sizeof((a)[0]))
#endif
#define CONTENT_INLINE_MAX	(32 * 1024)	/* octets kept in a row */
#define PREFETCH		6	/* transfers given ahead, association */
#define PREFETCH_OCTETS		(256 * 1024)	/* to go before another */
#define JOB_WINDOW		256	/* ready jobs held, target and rank */
#define JEOPARDY_RETRY		3	/* s between looks at a sick spool */
#define ACCEPTED_KEEP		(30 * 24 * 3600)	/* s, duplicates */

struct peer;
struct assoc;
struct target;
struct intransfer;
struct direct;
struct xfer;

/* A message for one target. */
struct job {
	TAILQ_ENTRY(job)	 entry;
	struct target		*target;
	uint64_t		 message;
	uint64_t		 size;
	uint8_t			 rank;
	uint8_t			 sole;
	uint32_t		 attempts;
	uint32_t		 attempted;	/* target given up, 0 none */
	uint8_t			 pinned;	/* PINNED_ */
	/* what the store is to be told, once it is on the dirty list */
	uint8_t			 done;
	uint8_t			 state;		/* enum job_state */
	int64_t			 next_try;
	char			 reason[128];
};
TAILQ_HEAD(jobs, job);

/* The first ready jobs of one rank in order of arrival. */
struct window {
	struct jobs	 jobs;
	uint32_t	 n;
	uint64_t	 last;		/* what the store was read up to */
	uint8_t		 more;		/* it may hold others after that */
	uint64_t	 count;		/* ready, here and in the store */
	uint64_t	 oldest;	/* when the store was looked at */
};

struct target {
	TAILQ_ENTRY(target)	 entry;
	uint32_t		 number;
	int			 kind;		/* enum target_kind */
	char			 name[1024];
	struct window		 window[3];
	struct jobs		 taken;		/* given to somebody */
	uint8_t			 wake;		/* jobs came back */
	uint64_t		 deferred, stuck;
	int64_t			 next_due;	/* time_t, 0 none */
	uint8_t			 alternates;	/* a route has others */
	uint8_t			 reroute;	/* reroute.c: enum, to do */
	uint64_t		 rerouted[3];	/* up to there, by rank */
	uint64_t		 expired[3];	/* expire.c: the same */
	struct peer		*peer;		/* configured */
	struct directory	*directory;	/* configured */
	struct command		*command;	/* configured */
};
TAILQ_HEAD(targets, target);

/* When each priority tries again: ladder.c. */
struct ladder {
	uint64_t	after[3];	/* not before, monotonic ms */
	uint32_t	backoff[3];	/* s, the last step */
};

/* What is left of a rate, in parts of a message. */
struct bucket {
	uint64_t	since, left;
};

/* What is known against a peer; times are monotonic milliseconds. */
struct accusation {
	uint32_t	kills;		/* WEIGHT each beyond doubt */
	uint32_t	pause;		/* s, the last one; 0 none */
	uint64_t	last;		/* when it was accused */
	uint64_t	shut_until;
	uint64_t	back;		/* it came back, 0 not yet */
};

struct peer {
	TAILQ_ENTRY(peer)	 entry;
	struct peer_conf	 conf;
	struct target		*target;
	uint8_t			 seen;		/* in this configuration */
	uint8_t			 down, held;	/* by the operator */
	uint8_t			 put_state;	/* that, with the commit */
	/* schedule.c; times are monotonic milliseconds */
	struct ladder		 open, send;	/* associations, transfers */
	uint64_t		 more_after[3];	/* no further open before */
	int64_t			 no_recovery;	/* until, time_t */
	uint8_t			 cannot_recover; /* it said so last time */
	uint8_t			 poll;		/* it may have something */
	uint32_t		 failures;	/* opens, one after another */
	uint8_t			 busy;		/* it said so last time */
	uint8_t			 alternate;	/* other ways are taken */
	uint64_t		 waiting_since;	/* no association, 0 none */
	char			 why[128];	/* of the last failure */
	uint64_t		 has_some;	/* associations, at that look */
	char			 said[128];	/* of calls, in the log */
	uint32_t		 calls;		/* that failed so, in a row */
	struct bucket		 bucket;		/* policy.c */
	struct accusation	 accused;	/* poison_peer.c */
	/* figures */
	/* octets: of contents, of MPDUs, of MPDUs */
	uint64_t		 received, sent, received_octets, sent_octets;
	uint64_t		 received_mpdu_octets, resent_octets;
	/* octets up to a confirmed checkpoint, or the end */
	uint64_t		 confirmed_in, confirmed_out;
	uint64_t		 opened_in, opened_out;	/* associations */
	uint64_t		 refused_in, failed_out;
	struct call_refused	 refused;		/* the last of them */
	int64_t			 last_refused;		/* time_t, 0 never */
	uint64_t		 rejected;	/* transfers, for good */
	int64_t			 last_in, last_out;
	uint32_t		 cut_in;	/* show.c: as last counted */
	uint8_t			 alarms;	/* alarm.c: ALARM_* */
};
#define ALARM_QUEUE	0x01
#define ALARM_AGE	0x02
#define ALARM_SPACE	0x04
TAILQ_HEAD(peers, peer);

struct directory {
	TAILQ_ENTRY(directory)	 entry;
	struct target		*target;
	int			 fd;
	uint8_t			 seen;
	uint8_t			 gone;		/* removed, it was said */
};
TAILQ_HEAD(directories, directory);

struct command {
	TAILQ_ENTRY(command)	 entry;
	struct target		*target;
	uint32_t		 id;		/* of mtad */
	uint32_t		 parallel, running;
	uint8_t			 seen;
};
TAILQ_HEAD(commands, command);

enum assoc_state {
	ASSOC_ASKED,		/* ASSOC_IND came, answer not yet given */
	ASSOC_OPENING,		/* to be opened, or open sent */
	ASSOC_ANSWERED,		/* accepted, not yet up */
	ASSOC_IS_UP,
	ASSOC_CLOSING,		/* release asked for */
	ASSOC_LOST		/* no connection; may be recovered */
};

struct assoc {
	RB_ENTRY(assoc)		 by_id;
	TAILQ_ENTRY(assoc)	 entry;
	TAILQ_ENTRY(assoc)	 dirty_entry;
	uint32_t		 id;		/* imsg; 0: ASSOC_LOST */
	enum assoc_state	 state;
	struct peer		*peer;
	struct store_association row;
	struct store_connection	 conn;		/* of this connection */
	struct store_connection	 established;	/* last that was up */
	uint8_t			 dirty;
	uint8_t			 put_row, put_conn;
	uint64_t		 drop_conn;	/* row to be forgotten */
	uint8_t			 drop;		/* forget it all, and free */
	uint8_t			 gone;		/* free, keep the rows */
	uint8_t			 anew;		/* the peer opened another */
	uint8_t			 say;		/* after the commit: */
#define SAY_OPEN	1
#define SAY_ANSWER	2
	uint8_t			 recovering;	/* this open or ind */
	uint8_t			 recovered;	/* no activity since */
	uint8_t			 urgent_only;
	uint8_t			 turn_ours;
	uint8_t			 progress;	/* since it came up */
	uint8_t			 uncertain;	/* rtsd died under it */
	uint8_t			 died;		/* connection, on recovery */
	uint8_t			 polls;		/* recovered, to no avail */
	int64_t			 no_recovery;	/* to be remembered, time_t */
	uint32_t		 next_activity;
	struct assoc_answer	 answer;
	struct intransfer	*in;
	TAILQ_HEAD(, xfer)	 xfers;		/* oldest first */
	uint32_t		 nxfers;
	uint32_t		 ended;		/* since the last commit */
	/* monotonic milliseconds */
	uint64_t		 opened, active, lost, retry_at;
	uint64_t		 sent, received;
	char			 address[64];
	char			 tls[TLS_TEXT_MAX];	/* "": plain */
};
RB_HEAD(assoc_tree, assoc);
TAILQ_HEAD(assocs, assoc);

struct spool_stats {
	uint64_t	received, sent, delivered, duplicates;
	/* of contents, of MPDUs, of MPDUs */
	uint64_t	received_octets, sent_octets, resent_octets;
	uint64_t	received_mpdu_octets;
	uint64_t	confirmed_in, confirmed_out;	/* as of peers */
	uint64_t	recoveries_in, recoveries_out;
	uint64_t	submitted, loops;
};

/* In the store's meta, an enum ctl_peer_state: by the number of its target. */
#define PEER_STATE	"peer %u"
#define PEERS_STATE	"peers"		/* of all that have none */

struct spool {
	struct mta_conf		 mta;
	struct store		*store;
	char			 dir[1024];
	char			 path[1024];	/* of it outside, for words */
	int			 dirfd;
	uint8_t			 dirty;		/* a commit is wanted */
	uint8_t			 urgent;	/* and a sync with it */
	uint8_t			 settle;	/* less than half a window, too */
	uint64_t		 durable;	/* store_commits, synced */
	uint8_t			 failing;	/* store not to be trusted */
	uint8_t			 full;		/* nothing more comes in */
	uint8_t			 stopping;
	uint8_t			 alarms;	/* ALARM_SPACE */
	char			 state[64];	/* for show */
	uint64_t		 batch;		/* octets taken since commit */
	time_t			 started;
	struct peers		 peers;
	struct targets		 targets;
	struct directories	 directories;
	struct commands		 commands;
	struct assocs		 assocs;
	struct assoc_tree	 assoc_tree;
	uint32_t		 nassoc;
	uint32_t		 next_assoc;	/* imsg id */
	uint32_t		 next_xfer;
	struct spool_stats	 stats;
};
extern struct spool sp;

/*
 * spoold.c: to rtsd and mtad.  Messages to an rtsd that is not there are
 * dropped; -1 says so.  fd is passed on (and closed here).
 */
int	 rtsd_send(uint32_t type, uint32_t id, int fd, const void *, size_t);
/* In pieces of at most FRAGMENT_MAX, octets before them in each. */
int	 rtsd_send_pieces(uint32_t type, uint32_t id, const void *, size_t);
int	 rtsd_connected(void);
void	 mtad_send(uint32_t type, const void *, size_t);
/* The same with a request number and a descriptor, which is closed.  -1. */
int	 mtad_ask(uint32_t type, uint32_t id, int fd, const void *, size_t);
/* Milliseconds of a clock that does not step. */
uint64_t spool_clock(void);
/* Asks for spool_tick() no later than that (monotonic milliseconds). */
void	 spool_wake(uint64_t when);
/* One message of rtsd.  -1: a bad one, rtsd loses the channel. */
int	 rtsd_imsg(uint32_t type, uint32_t id, const uint8_t *, size_t);
/* The channel is gone: every association is down. */
void	 rtsd_gone(void);
/* The end of one turn of the event loop: commit, then write. */
void	 spool_turn(void);
/* It ends before more is read. */
void	 spool_turn_now(void);
#define SETTLE	3	/* ms that a checkpoint waits for more */
/* After that checkpoints are confirmed, however few there are. */
void	 spool_settle(void);
/* Ends, to be started again. */
void	 spool_restart(void) __attribute__((noreturn));
/* Applies a new configuration that peers and directories were set to. */
void	 spool_configured(void);

/* batch.c */
int	 spool_open(const char *dir);
void	 spool_close(void);
/* Something durable changed: a commit follows at the end of the turn. */
void	 spool_dirty(void);
/* The same, but the commit need not be durable (recv_later). */
void	 spool_dirty_later(void);
/* 0: nothing is dirty any more.  -1: see sp.state. */
int	 spool_commit(void);
/* What can be now, without waiting for contents; sp.dirty: more follows. */
void	 spool_commit_turn(void);
/* The store failed (why), or the disk is full: refuse, look again later. */
void	 spool_failed(const char *why);
void	 spool_full(const char *why);
/*
 * So many octets of a content were written.  When they may have used up what
 * was free above the reserve it is looked at now: sp.full, and every transfer
 * that comes in refused, its body released, when it is so.
 */
void	 spool_wrote(uint64_t octets);
/* Can messages be taken in? */
int	 spool_receiving(void);
/* Once a second or so. */
void	 spool_tick(void);

/* queue.c */
int	 queue_load(void);
struct target *target_get(int kind, const char *name);
struct target *target_number(uint32_t);
/* Does the configuration have it? */
int	 target_configured(const struct target *);
/* A job that the store has: it may go now. */
void	 queue_arrived(struct target *, const struct store_job *);
/* A job that the store has as being sent, after a restart. */
struct job *queue_take(struct target *, const struct store_job *);
/* Takes the next ready job, of rank 0 only when urgent. */
struct job *queue_next(struct target *, int urgent);
uint64_t queue_ready(const struct target *, int rank);
/* time_t the oldest ready job came, 0 none; of all ranks -1. */
int64_t	 queue_oldest(const struct target *, int rank);
/* s that it has waited, 0 none; what is being sent waits, too. */
uint64_t queue_age(const struct target *);
/* Jobs that somebody has; all of them, whatever they wait for. */
uint64_t queue_taken(const struct target *);
uint64_t queue_stored(const struct target *);
/* What becomes of a job that was taken; frees it after the commit. */
void	 queue_done(struct job *);
void	 queue_return(struct job *, const char *why);
void	 queue_defer(struct job *, int64_t next_try, const char *why);
void	 queue_stuck(struct job *, const char *why);
/* Some jobs of the store: of those that take a function, with chunk_add. */
#define CHUNK_MAX	200
struct chunk {
	struct store_job job[CHUNK_MAX];
	int		 n;
};
int	 chunk_add(void *chunk, const struct store_job *);
/* A job that waits in the store: out of the queue in memory. */
void	 queue_forget(struct target *, const struct store_job *);
/* The same, and it is taken as by queue_next.  NULL: no memory. */
struct job *queue_claim(struct target *, const struct store_job *);
int	 queue_is_taken(const struct target *, uint64_t message);
/* Does the store know of all that happened to the queue? */
int	 queue_settled(void);
int	 queue_flush(void);
void	 queue_committed(void);
/*
 * Those who take jobs look again.  Last in a commit: nothing may be given
 * out while objects of that commit still wait to be told of it.
 */
void	 queue_wake(void);
/* Forgets the windows and reads the store again. */
int	 queue_reload(void);
void	 queue_tick(time_t);
/* Seconds to wait after so many failures. */
uint32_t backoff_next(uint32_t now, uint32_t min, uint32_t max);
uint32_t jitter(uint32_t);

/* By the operator; until: of deferred delivery, to be remembered, or 0. */
void	 queue_hold(struct job *, int64_t until, const char *why);
/* What is to be sent cannot be had any more: held and named. */
void	 queue_lost(struct job *, const char *why);
/*
 * Why the message last looked for with its content, or its content file,
 * will never be had; NULL: it may be next time.
 */
const char *message_trouble(uint64_t id);
/* Nothing has failed, it is only not yet time. */
#define DEFERRED_DELIVERY	"deferred delivery"
void	 queue_until(struct job *, int64_t until, const char *why);

/*
 * poison.c: messages and transfers that rtsd or spoold may have died of, or
 * that the peer refuses.
 */
enum poison_verdict { POISON_GO, POISON_WAIT, POISON_GIVE_UP };
/* After queue_load, before associations are. */
int	 poison_load(void);
/* The next commit is the last one, of an orderly stop. */
void	 poison_stop(void);
/* Before the associations are told. */
void	 poison_rtsd_died(void);
/* May this ready job be taken; and it is. */
int	 poison_may_go(const struct job *);
void	 poison_taken(const struct job *);
/* May it be sent on?  WAIT: ask again at the next tick. */
enum poison_verdict poison_resume(const struct job *);
/* Nothing is sent of it for now; it got further; it was refused. */
void	 poison_rest(const struct job *);
void	 poison_progress(const struct job *);
void	 poison_refused(const struct job *);
/* It is given back, or done.  Not NULL: it is to be held, with these words. */
const char *poison_back(const struct job *, const char *why);
/* The operator lets it go: what was counted is forgotten. */
void	 poison_absolve(const struct job *);
/*
 * A transfer comes in on the association: what waits there to be sent, which
 * cannot begin before, is not on trial meanwhile.
 */
void	 poison_step_back(const struct assoc *);
/* The same of a transfer coming in; suspect: it is told of its end. */
enum poison_verdict poison_resume_in(uint64_t id, uint32_t target,
	    int *suspect);
void	 poison_rest_in(uint64_t id, uint32_t target, int innocent);
int	 poison_flush(void);
void	 poison_committed(void);

/*
 * poison_peer.c: peers whose transfers rtsd dies of before they have a name.
 */
#define POISON_WEIGHT	2	/* of a kill that is beyond doubt */
/* rtsd died; doubt: something that has a name may have done it. */
void	 poison_peers_died(int doubt);
/* Seconds for which nothing is taken from it yet; 0: it may open. */
uint32_t poison_peer_shut(const struct peer *);
/* It opens an association, and poison_peer_shut() was 0. */
void	 poison_peer_opens(struct peer *);

/*
 * audit.c: what is recorded, one function an event (spoold(8)).  All are
 * called before the commit that makes it true, whose transaction takes the
 * line; it is written to the file afterwards.
 */
struct arrival;
struct outcome;
struct list;
enum audit_change { AUDIT_HOLD, AUDIT_RELEASE, AUDIT_REMOVE };
/* submit, arrive, report, duplicate: it is known whether it is the last. */
void	 audit_arrival(const struct arrival *);
/*
 * What the line of a message that reaches a target has of the message, when
 * that is at hand anyway: to be freed; NULL: too long to be kept, no memory.
 * Any thread may ask.
 */
char	*audit_fields(const struct message *, const struct store_message *,
	    uint32_t target);
/* The peer, or the directory, has it: octets of the MPDU; fields or NULL. */
void	 audit_transfer(const struct job *, uint64_t octets,
	    const char *fields);
void	 audit_deliver(const struct job *, const char *fields);
/* Of n outcomes those that are none; report: id of it, 0 none. */
void	 audit_non_deliver(const struct arrival *, const struct outcome *,
	    size_t n, uint64_t report);
void	 audit_job(enum audit_change, const struct job *, const char *by,
	    const char *why);
/* A recipient, from 0, becomes another one; a list its members. */
void	 audit_redirect(const struct arrival *, size_t recipient,
	    const struct or_address *to, int reason);
void	 audit_expand(const struct arrival *, const struct or_address *list,
	    size_t members);
/* Of the commit.  Rollback forgets what came since begin. */
void	 audit_begin(void);
void	 audit_rollback(void);
int	 audit_flush(void);
void	 audit_committed(void);
/* What the store has and the file perhaps not. */
int	 audit_load(void);
void	 audit_tick(void);

/* route.c */
struct route;
struct route_hop {
	struct target	*target;
	uint32_t	 cost, weight;
};
struct route_choice {
	const struct route	*route;	/* until the next route_end; NULL */
	uint32_t		 nhop;
	struct route_hop	 hop[ROUTE_VIAS_MAX];	/* in that order */
};
enum {
	ROUTE_NONE = 0,
	ROUTE_UNKNOWN,		/* in a complete domain, and not there */
	ROUTE_FOUND
};
#define ROUTE_UNKNOWN_TEXT	"no such address in its domain"
/* A new table: route_begin, the routes, route_end puts it into force. */
void	 route_begin(void);
struct route *route_add(const char *prefix, int complete, const char **why);
void	 route_add_hop(struct route *, struct target *, uint32_t cost,
	    uint32_t weight);
void	 route_end(void);
/* Peers of equal cost are shared by this from now on; 0: at random. */
void	 route_seed(uint64_t);
/* Who gets what is for nobody in a complete domain.  -1: no address. */
int	 route_add_alternate(struct route *, const char *address);
const struct or_address *route_alternate(const struct route *);
/* Returns ROUTE_*; hops by cost, there are some when ROUTE_FOUND. */
int	 route_lookup(const struct or_address *, struct route_choice *);
/* The first that is usable; at itself while nothing is better. */
struct target *route_pick(const struct route_choice *,
	    const struct target *at);
/* Configured, and not given up for the time being. */
int	 target_usable(const struct target *);

/* arrival.c: a message becomes ours. */
struct arrival {
	TAILQ_ENTRY(arrival)	 entry;
	uint64_t		 id;
	struct target		*origin;	/* NULL: local */
	struct message		*message;
	uint64_t		 size;
	uint8_t			 kind;		/* enum content_kind */
	const uint8_t		*content;	/* CONTENT_INLINE */
	uint8_t			 copy;		/* of one that is ours */
	uint8_t			 shared;	/* its file has other names */
	/* results of arrival_store */
	uint8_t			 duplicate;
	struct store_job	*jobs;
	size_t			 njobs;
	TAILQ_HEAD(arrivals, arrival) more;	/* copies and reports */
	uint8_t			 has_more;	/* more was initialised */
	char			*said;		/* a report: to be logged */
};
/* The MTSIdentifier of a message of our own (X.411 8.2.1.1.1.1). */
void	 arrival_name(struct message *, uint64_t id);
/* Inside the transaction.  The message is changed (trace). */
int	 arrival_store(struct arrival *);
void	 arrival_committed(struct arrival *);
void	 arrival_free(struct arrival *);	/* all but itself */
/*
 * Inside the transaction: another one, of the same content and of a message
 * that it owns from here on, stored together with the first and to be told of
 * the commit with it.  -1: no memory, or the store's error; m is gone.
 */
int	 arrival_add(struct arrival *, struct message *m, int with_content,
	    int copy);

/* process.c: what becomes of each recipient (X.411 14.3). */
struct outcome {
	uint32_t		 recipient;	/* of the message, from 0 */
	uint8_t			 delivered;	/* or a probe that would be */
	uint8_t			 final;		/* no alternate recipient */
	int			 reason;	/* X.411 8.3.1.2.1.11 and 12 */
	int			 diagnostic;	/* -1: none */
	int64_t			 time;		/* of delivery, time_t */
	uint8_t			 user;		/* TYPE_OF_USER_*, delivered */
	const char		*text;		/* supplementary, or NULL */
	const struct or_address	*redirect;	/* to there instead, or NULL */
	int			 why;		/* enum redirection_reason */
};
struct process {
	struct arrival		*a;
	size_t			 n;		/* recipients; report: 1 */
	uint8_t			*ours;		/* n: to be decided upon */
	uint32_t		*routing;	/* n: target, TARGET_NOT_OURS */
	struct outcome		*outcome;	/* to be freed */
	size_t			 noutcome;
	const struct list	**list;		/* expanded; to be freed */
	size_t			 nlist;
};
/* -1: no memory. */
int	 process_recipients(struct process *);
/*
 * Those of the n outcomes that are redirected, or no delivery but of one with
 * an originator-requested alternate recipient (X.411 14.3.4), go there, as a
 * copy with arrival_add.  The number of outcomes left, or -1.
 */
ssize_t	 process_redirections(struct arrival *, struct outcome *, size_t n);

/* list.c: redirections, distribution lists. */
#define LIST_DEPTH_MAX	20	/* lists in lists */
#define LIST_PIECE	500	/* members in one copy */
/* What the extensions of one recipient may become in all of its members. */
#define LIST_OCTETS_MAX	(64 * 1024 * 1024)
/* Where messages for that name are redirected to (by the recipient), or NULL. */
const struct or_address *redirect_find(const struct or_address *);
const struct list *list_find(const struct or_address *);
/* Does a list not take the message?  Then *o says why. */
int	 list_refuses(const struct list *, const struct message *,
	    size_t recipient, struct outcome *o);
/* With arrival_add, copies for the members in place of that recipient. */
int	 list_expand(const struct list *, struct arrival *, size_t recipient);
/* Are deliveries reported when it was expanded, and not its members'? */
int	 list_reports_itself(const struct list *);
/* A report that is addressed to it, to those that are to have it. */
int	 list_report(const struct list *, struct arrival *);

/* policy.c */
#define RATE_UNIT	1000000u	/* of a bucket, a message */
/* May a message from there (NULL: from here) be for that recipient? */
int	 policy_allows(const struct peer *from, const struct or_address *to);
/* Is it, coming from there (NULL: from here), not to be?  *o says why. */
int	 policy_refuses(const struct peer *from, const struct message *,
	    uint64_t size, struct outcome *o);
/* The same of one recipient, to be sent there (NULL: not to a peer). */
int	 policy_refuses_recipient(const struct peer *from,
	    const struct peer *to, const struct message *, size_t recipient,
	    uint64_t size, struct outcome *o);
/* May the peer send another message now?  Counts it. */
int	 policy_rate(struct peer *);

/* trace.c */
int	 peer_foreign(const struct peer *);
/* For a message that came from there, NULL: from here. */
int	 trace_add(struct message *, const struct target *origin);
/* TRACE_REDIRECTED, TRACE_DL_OPERATION: in the last elements, ours. */
void	 trace_action(struct message *, int other_actions);
void	 trace_deferred(struct message *, const struct utctime *until);
/* How often it was in our domain, and at this MTA; 255: so often or more. */
uint8_t	 trace_passes(const struct message *);
/* Why it is taken for looping; NULL when it is not.  After trace_add. */
const char *trace_looping(const struct message *);
/* It goes another way than by that target, which was tried first. */
void	 trace_rerouted(struct message *, const struct target *attempted);
/* Internal trace that is not for this peer. */
void	 trace_strip(struct message *, const struct peer *);

/* X.411 TypeOfMTSUser. */
enum { TYPE_OF_USER_PRIVATE = 1, TYPE_OF_USER_DL = 3 };
/* report.c: delivery and non-delivery reports. */
/* Reasons and diagnostics that we give. */
enum {
	REASON_TRANSFER_FAILURE = 0, REASON_UNABLE_TO_TRANSFER = 1,
	REASON_CONVERSION_NOT_PERFORMED = 2
};
enum {
	DIAGNOSTIC_NONE = -1,
	DIAGNOSTIC_UNRECOGNISED_OR_NAME = 0,
	DIAGNOSTIC_LOOP_DETECTED = 3,
	DIAGNOSTIC_MAXIMUM_TIME_EXPIRED = 5,
	DIAGNOSTIC_EITS_UNSUPPORTED = 6,
	DIAGNOSTIC_CONTENT_TOO_LONG = 7,
	DIAGNOSTIC_IMPLICIT_CONVERSION_PROHIBITED = 9,
	DIAGNOSTIC_CONTENT_SYNTAX_ERROR = 12,
	DIAGNOSTIC_CONTENT_TYPE_NOT_SUPPORTED = 15,
	DIAGNOSTIC_TOO_MANY_RECIPIENTS = 16,
	DIAGNOSTIC_NO_BILATERAL_AGREEMENT = 17,
	DIAGNOSTIC_UNSUPPORTED_CRITICAL_FUNCTION = 18,
	DIAGNOSTIC_CONVERSION_WITH_LOSS_PROHIBITED = 19,
	DIAGNOSTIC_RECIPIENT_REASSIGNMENT_PROHIBITED = 26,
	DIAGNOSTIC_REDIRECTION_LOOP_DETECTED = 27,
	DIAGNOSTIC_DL_EXPANSION_PROHIBITED = 28,
	DIAGNOSTIC_NO_DL_SUBMIT_PERMISSION = 29,
	DIAGNOSTIC_DL_EXPANSION_FAILURE = 30,
	DIAGNOSTIC_UNABLE_TO_DOWNGRADE = 47,
	DIAGNOSTIC_TRANSFER_ATTEMPTS_LIMIT_REACHED = 49
};
/*
 * Inside the transaction: makes a report about n recipients of a, as far as
 * one is wanted, and stores it with arrival_add.
 */
int	 report_store(struct arrival *a, const struct outcome *, size_t n);
/*
 * A report that came for somebody here: what the originator did not ask for
 * is left out of it.  0: nothing is left (X.411 14.4).
 */
int	 report_wanted(struct message *);
/* The recipients of a job are given up; the caller ends the job. */
int	 report_give_up(const struct job *, int reason, int diagnostic,
	    const char *text);
/* They have been delivered to; the caller ends the job. */
int	 report_delivered(const struct job *);
int	 report_flush(void);
void	 report_committed(void);

/*
 * reroute.c: messages that wait and have a better way now.  After a new
 * configuration all are looked at, some of them at once; returns -1 when the
 * store failed.
 */
int	 reroute_all(void);
/* Those of a target that is usable no more (target_usable). */
void	 reroute_away(struct target *, uint64_t after);
/* What had gone other ways since a target could not be reached. */
void	 reroute_back(void);
void	 reroute_tick(void);
/*
 * By the operator, after reroute_begin and with queue_settled(): a job that
 * is not under way goes to via, or where the routes have it (NULL).  1:
 * something did, 0: nothing, -1.  Then reroute_end, which commits if ok.
 */
int	 reroute_begin(void);
int	 reroute_job(struct target *, const struct store_job *,
	    struct target *via);
int	 reroute_end(int ok);

/* expire.c: what waited too long is given up, a few at a time. */
void	 expire_tick(time_t);

/* content.c: content files, under their ids. */
int	 content_init(void);
int	 content_create(uint64_t id);
int	 content_open(uint64_t id, int flags);
/* To be read, of just the length that it is to have.  -1 with errno. */
int	 content_open_whole(const struct store_message *);
/* The name of a new file is durable when this returned 0. */
int	 content_sync_dir(uint64_t id);
void	 content_unlink(uint64_t id);
/*
 * Inside the transaction: another name for a content; durable when this
 * returned 0.
 */
int	 content_share(uint64_t id, uint64_t as);
/* Inside the transaction: unlinked when it is committed. */
void	 content_discard(uint64_t id);
void	 content_path(uint64_t id, char *, size_t);
/* Removes files that nothing names.  How many, or -1. */
int	 content_sweep(void);
/* Are there files at all? */
int	 content_any(void);
/* Those of content_discard and _share: the commit succeeded, or did not. */
void	 content_discarded(void);
void	 content_keep(void);
/* The same where it was rolled back, so that none of it can come back. */
void	 content_undo(void);
/*
 * A commit that failed may be in the log all the same, and be there when the
 * store is opened again: till then the file stays that it named.
 */
void	 content_doubt(uint64_t id);
/* The store is open again: files that nothing names go.  -1: ask it why. */
int	 content_settle(void);
/*
 * From pin to unpin files that would be removed stay, then go, some at each
 * tick.
 */
void	 content_pin(void);
void	 content_unpin(void);
void	 content_tick(void);
uint64_t content_free(void);		/* octets free in the spool */

/* syncer.c: fdatasync of contents and of the store's log, in a thread. */
enum sync_state {
	SYNC_NONE = 0,
	SYNC_RUNNING,		/* neither it nor its fd may go */
	SYNC_ENDED
};
struct sync {
	TAILQ_ENTRY(sync) entry;
	enum sync_state	 state;		/* sync_look */
	int		 fd;
	struct direct	*direct;	/* to be flushed first, or NULL */
	uint8_t		 whole;		/* there is no more to come */
	uint8_t		 new_file;	/* its directory as well */
	uint64_t	 id;		/* of the content */
	uint64_t	 len;		/* octets when it began */
	int		 error;		/* errno, when ended */
	int		 log_error;	/* the same of the log */
	uint64_t	 commits;	/* that were synced with it */
};
/* A thread that takes no signals.  -1 with errno. */
int	 thread_start(pthread_t *, void *(*)(void *));
int	 sync_start(void);
void	 sync_stop(void);
int	 sync_available(void);
int	 sync_event_fd(void);
/* Empties the pipe of sync_event_fd. */
void	 sync_seen(void);
/* The log to be synced after a content, -1 none; so many commits are in it. */
void	 sync_log(int fd, uint64_t commits);
void	 sync_begin(struct sync *);
/* wait: never SYNC_RUNNING. */
enum sync_state sync_look(struct sync *, int wait);

/* Octets of a content are written in the thread as well; at most once. */
void	 sync_write(struct direct *);
/* Until more of it is written than that, or it failed; here if need be. */
void	 sync_write_wait(struct direct *, uint64_t written);
/* It is not in the thread's hands any more. */
void	 sync_write_stop(struct direct *);

/* direct.c: octets of a content past the page cache. */
#define DIRECT_ALIGN	4096		/* octets */
#define DIRECT_WRITE	(128 * 1024)	/* fewer wait for more, or a sync */
struct direct {
	TAILQ_ENTRY(direct) entry;
	uint8_t		 queued, busy;	/* syncer.c */
	int		 fd, plain;
	uint8_t		 usual;		/* fd does not do */
	uint8_t		*ring, *tail;
	size_t		 room;		/* octets of ring */
	uint64_t	 begin;		/* in the content, aligned */
	_Atomic uint64_t put;		/* so far by the loop */
	_Atomic uint64_t written;	/* by the thread, aligned */
	_Atomic int	 error;		/* errno: nothing more is written */
	_Atomic int	 padded;	/* the file is longer than that */
};
/*
 * From the next multiple of DIRECT_ALIGN after len on; what comes before goes
 * to plain, the content's usual descriptor, which stays the caller's.  More
 * than about `room' octets that are not written yet have to wait.  NULL: not
 * here, or not now.
 */
struct direct *direct_new(uint64_t id, int plain, uint64_t len,
	    uint64_t room);
void	 direct_free(struct direct *);
/* Waits if there is no room.  -1 with errno. */
int	 direct_add(struct direct *, const uint8_t *, size_t);
/* By one at a time (busy): all that can be written now.  -1 with errno. */
int	 direct_write(struct direct *);
/*
 * In the thread, or after sync_write_stop: all up to len is written, to be
 * durable with the next fdatasync; whole: and the file ends there.
 */
int	 direct_flush(struct direct *, uint64_t len, int whole);
/* The file is longer than the content. */
int	 direct_padded(const struct direct *);

/* body.c: a content as it arrives.  -1 with errno; it is to be released. */
struct body {
	uint64_t	 id;
	int		 fd;		/* -1: octets hold it */
	uint8_t		 new_file;	/* its name is not durable */
	uint8_t		*octets;	/* CONTENT_INLINE_MAX of room */
	uint64_t	 len;
	uint64_t	 started, waited;
	struct direct	*direct;	/* NULL: by the page cache */
};
void	 body_init(struct body *, uint64_t id);
int	 body_add(struct body *, const uint8_t *, size_t);
/* All of it, and its name, will survive. */
int	 body_sync(struct body *);
/*
 * From here on past the page cache, if that is possible (direct_new).  It
 * has to be a file already.
 */
void	 body_direct(struct body *, uint64_t room);
/* Octets up to len are durable, and its name: the syncer did it. */
void	 body_synced(struct body *, uint64_t len);
/* An existing file, cut to a length that it must have. */
int	 body_open(struct body *, uint64_t len);
void	 body_release(struct body *, int unlink_it);

/* assoc.c */
RB_PROTOTYPE(assoc_tree, assoc, by_id, assoc_cmp)
int	 assoc_cmp(struct assoc *, struct assoc *);
struct assoc *assoc_find(uint32_t id);
struct assoc *assoc_new(struct peer *);
void	 assoc_free(struct assoc *);
void	 assoc_register(struct assoc *, uint32_t id);
void	 assoc_dirty(struct assoc *);
/* Aborts the connection; whatever rtsd still says of it is ignored. */
void	 assoc_detach(struct assoc *, int reason, int silent);
/* The connection is no more: ASSOC_LOST, and nothing is under its id. */
void	 assoc_unregister(struct assoc *);
/* Forgets it, now (not yet stored) or with the next commit. */
void	 assoc_drop(struct assoc *);
/* Gives it a connection with an identifier of our own. */
int	 assoc_connection(struct assoc *, struct s_connection_id *);
/* The connections that an identifier names, in either form; -1: error. */
int	 assoc_connections(const struct connection_key *, int initiator,
	    struct store_connection *, int max);
/* One of a connection that is no association's; never the same twice. */
void	 connection_make(const struct peer *, struct s_connection_id *);
/* For a connection of ours to rtsd. */
uint32_t assoc_number(void);
/* Are transfers received in part on it kept?  -1: error. */
int	 assoc_has_partial(const struct assoc *);
int	 assoc_ind(uint32_t id, const struct assoc_ind *);
/* A struct call_refused.  -1: it is none. */
int	 assoc_call_refused(const uint8_t *, size_t);
int	 assoc_up(struct assoc *, const struct assoc_up *);
int	 assoc_down(struct assoc *, const struct assoc_down *);
int	 assoc_flush(void);
void	 assoc_committed(void);
void	 assoc_failed(void);
void	 assoc_expire(time_t);
/* Seconds that what it may want to recover is kept. */
int64_t	 assoc_keep(const struct target *);
const char *assoc_name(const struct assoc *);	/* for the log */
/* That it is down, and how far what went over it had come. */
void	 assoc_say_down(const struct assoc *, const char *why);
const char *connection_text(const struct connection_key *, char *, size_t);
const char *activity_text(const struct activity_id *, char *, size_t);
const char *down_text(const struct assoc_down *);
int	 load_associations(void);

/* transfer_in.c */
int	 recv_imsg(struct assoc *, uint32_t type, const uint8_t *, size_t);
/* The association is gone: what is confirmed stays. */
void	 recv_detach(struct assoc *);
/*
 * Contents, before the transaction: those that are not durable stay out of
 * it.  wait: all are made so; otherwise they are when the syncer is done,
 * which makes the spool dirty again.
 */
void	 recv_sync(int wait);
/* The syncer is done: what needs no transaction is confirmed. */
void	 recv_synced(void);
/* Are there any that wait for that? */
int	 recv_waits(void);
/* May the transaction be made durable later, by the syncer? */
int	 recv_later(void);
int	 recv_flush(void);
void	 recv_committed(void);
void	 recv_failed(const char *why);
/* All transfers that need the spool to go on: come back later. */
void	 recv_refuse_all(const char *why);
/* Forgets what was interrupted and not resumed in time. */
void	 recv_expire(time_t);
/* Removes what is left of transfers of an association. */
int	 recv_forget(uint64_t association);

/* schedule.c */
void	 schedule_peer(struct peer *);
/* Its row is durable: ASSOC_OPEN may go out. */
void	 schedule_open_now(struct assoc *);
void	 schedule_tick(void);
void	 schedule_up(struct assoc *);
/* Is it one of ours that was lost; does the peer have any?  Now, then. */
int	 schedule_recovers_it(const struct assoc *);
int	 schedule_recovers(const struct peer *);
void	 schedule_recover(struct assoc *);
/* ours is down; was: the state before.  Decides what follows. */
void	 schedule_down(struct assoc *, enum assoc_state was,
	    const struct assoc_down *);
void	 schedule_give(struct assoc *);
int	 schedule_load(void);		/* associations to be recovered */
/* An open failed; busy: because of how many there are. */
void	 schedule_failure(struct peer *, const char *why, int busy);
uint32_t peer_associations(const struct peer *, int initiator);

/* ladder.c: the steps of each priority, as the peer has them configured. */
/* A try failed: those whose time it was take their next step. */
void	 ladder_failed(struct ladder *, const struct peer_conf *);
/* One succeeded: from the first step again. */
void	 ladder_passed(struct ladder *, const struct peer_conf *);
/*
 * When, in monotonic ms, the first is due of those that have something ready
 * for the peer, and of rank, -1 none.
 */
uint64_t ladder_due(const struct peer *, const struct ladder *, int rank);

/* transfer_out.c */
int	 xfer_imsg(struct assoc *, uint32_t type, const uint8_t *, size_t);
int	 xfer_give(struct assoc *, struct job *);
/* Rows of the store that were being sent, at the start. */
int	 xfer_load(struct assoc *, const struct store_job *);
/* Is there one whose fate the peer has to tell? */
int	 xfer_in_question(const struct assoc *);
/* There is one, and nothing of it was ever confirmed. */
int	 xfer_unconfirmed(const struct assoc *);
/*
 * The connection is gone.  Those that never began go back; with
 * a->uncertain it is not known which had (rtsd died).
 */
void	 xfer_down(struct assoc *);
/* All go back to be sent anew; penalty: it was the peer's word. */
void	 xfer_abandon(struct assoc *, int penalty, const char *why);
/* The recovered association is up, or time has come: resume. */
void	 xfer_resume(struct assoc *);
int	 xfer_flush(void);
void	 xfer_committed(void);
uint32_t xfer_suspended(const struct assoc *);
/* The oldest connection row that a resumption names. */
uint64_t xfer_oldest_connection(const struct assoc *);
void	 xfer_free_all(struct assoc *);

/* May another one be given? */
int	 xfer_room(const struct assoc *);
/* The operator: what was cut is tried now. */
void	 xfer_retry(const struct peer *);
/* Time has come for one that was interrupted. */
void	 xfer_tick(struct assoc *);

struct xfer_show {
	uint64_t	message, octets, total, checkpoint_octets;
	uint32_t	serial, activity;
	int64_t		since, left;	/* time_t; s, -1 not known */
	const char	*state;
};
/* Transfers to a peer that were cut, and are neither resumed nor given up. */
uint32_t xfer_cut(const struct peer *);
/* For show: the n-th transfer of an association.  0: there is none. */
int	 xfer_show(const struct assoc *, uint32_t n, struct xfer_show *);
int	 recv_show(const struct assoc *, struct store_receiving *,
	    const char **state);

/* recovery.c: what to do when an association of ours went down. */
enum recovery_action {
	RECOVERY_NONE,		/* nothing was in question */
	RECOVERY_NOW,		/* recover at once */
	RECOVERY_LATER,		/* another try after recovery_delay */
	RECOVERY_FRESH,		/* open anew, send anew */
	RECOVERY_FRESH_PENALTY,	/* the same, counts as a failed attempt */
	RECOVERY_FRESH_REMEMBER	/* the same, and do not ask this peer again */
};
struct recovery_case {
	uint8_t	in_question;	/* transfers are, in either direction */
	uint8_t	recovering;	/* the open that failed was a recover */
	uint8_t	was_up;
	uint8_t	kind;		/* enum assoc_down_kind */
	uint8_t	reason;
	uint8_t	allowed;	/* recover yes, and not remembered */
	uint8_t	expired;	/* recovery_timeout has passed */
	uint8_t	again;		/* the last recover ended alike */
};
enum recovery_action recovery_decide(const struct recovery_case *);

/* deliver.c */
int	 deliver_init(void);		/* before confinement */
int	 deliver_start(void);
void	 deliver_stop(void);
void	 deliver_wake(void);		/* there may be work, or results */
int	 deliver_event_fd(void);
/* Have directories been removed? */
void	 deliver_tick(void);
void	 deliver_directory_is(struct directory *, int there);
int	 deliver_busy(void);
/* May a report about its delivery be asked for?  Needs nothing of spoold. */
int	 deliver_wants_report(const struct message *);
/* What becomes of a job that was for somebody here, with audit_fields. */
void	 deliver_done(struct job *, int report, const char *fields);
void	 deliver_later(struct job *, const char *why, const char *said);

/* command.c: delivery by a command that mtad runs. */
struct verdict {
	enum { VERDICT_DELIVERED, VERDICT_LATER, VERDICT_FAILED } what;
	int	 reason, diagnostic;	/* FAILED; diagnostic -1: none */
	char	 text[128];		/* never its output: reports have it */
};
/* What the end of a command, sysexits(3), says about the message. */
void	 command_judge(const struct command_done *, struct verdict *);
/*
 * The values of a message for a target, COMMAND_VALUES_MAX octets at most,
 * n of them.  NULL with why: no memory (0), or too many recipients (1).
 */
struct ibuf;
struct ibuf *command_values(const struct message *,
	    const struct store_message *, uint32_t target, uint8_t *n,
	    int *too_many);
void	 command_wake(void);		/* there may be work */
int	 command_busy(void);
/*
 * One answer of mtad.  -1: it does not fit.  1: the message waits for a
 * command that is configured no more, and may be routed again.
 */
int	 command_imsg(uint32_t id, const struct command_done *);

/* live.c */
/* From rtsd.  -1: it does not fit. */
int	 live_imsg(uint32_t type, uint32_t id, const uint8_t *, size_t);
void	 live_rtsd_gone(void);
void	 live_rtsd_back(void);
/* From mtad, of the configuration that a client asked it to read. */
void	 live_reload_line(uint32_t id, const void *, size_t);
void	 live_reload_done(uint32_t id, uint32_t in_force);
void	 live_restarting(void);
/* What the operator did with a peer, as the store has it. */
void	 live_peer_load(struct peer *);

/* control.c */
struct event_base;
int	 control_listen(struct event_base *, int fd,
	    const struct control_conf *);
void	 control_close(void);
void	 control_stop(void);
void	 control_sync(void);	/* contents, before the transaction */
int	 control_flush(void);
void	 control_committed(void);
void	 control_failed(const char *why);

/* alarm.c: once a second or so. */
void	 alarm_tick(void);

/* backup.c: ends one that there is no space for. */
void	 backup_tick(void);
/* What one that was interrupted left behind. */
void	 backup_clean(void);

#endif
