/* SPDX-License-Identifier: ISC */

/*
 * The durable memory of spoold: messages, the queue, duplicates, and what
 * recovery needs of associations, of transfers received in part and of
 * transfers being sent.  All access to the data base goes through here, so
 * that another store can take its place.
 *
 * Everything is done between store_begin and store_commit; a commit that
 * returned 0 survives a power failure.  After any error the transaction is
 * rolled back (store_rollback) and nothing of it counts; store_reopen brings
 * the store back to work.  Functions return 0, or -1 with store_error()
 * saying why; those that look something up return 1 when it is there.
 */

#ifndef STORE_H
#define STORE_H

#include <stddef.h>
#include <stdint.h>

#include "mtad.h"

struct store;

/* Where a recipient's copy goes.  Number 0 is "nowhere": no route. */
enum target_kind {
	TARGET_NONE = 0, TARGET_PEER = 1, TARGET_DIRECTORY = 2,
	TARGET_COMMAND = 3
};
#define TARGET_NOT_OURS	UINT32_MAX	/* somebody else's responsibility */
/* It went there or was reported, and its target has a job for others. */
#define TARGET_SETTLED	(UINT32_MAX - 1)

/* Where the octets of a content are. */
enum content_kind { CONTENT_NONE = 0, CONTENT_INLINE = 1, CONTENT_FILE = 2 };

enum job_state {
	JOB_READY = 0,		/* may go */
	JOB_SENDING,		/* recorded for an association */
	JOB_DEFERRED,		/* again at next_try */
	JOB_HELD,		/* by the operator */
	JOB_STUCK		/* no way to go: no route, damaged, loop */
};

/* A connection identifier as a key; see connection_key. */
#define CONNECTION_KEY_MAX	(3 + S_USER_REFERENCE_MAX + \
    S_COMMON_REFERENCE_MAX + S_ADDITIONAL_REFERENCE_MAX)
struct connection_key {
	uint8_t	len;
	uint8_t	octets[CONNECTION_KEY_MAX];
};

/* Absent and empty references make the same key.  -1: a length is wrong. */
int	connection_key(const struct s_connection_id *,
	    struct connection_key *);
int	connection_key_parse(const struct connection_key *,
	    struct s_connection_id *);

struct store_message {
	uint64_t	 id;
	uint8_t		 type;		/* enum message_type */
	uint8_t		 priority;	/* enum priority */
	uint8_t		 kind;		/* enum content_kind */
	int64_t		 arrival;	/* time_t */
	uint32_t	 origin;	/* target number of the peer, 0 local */
	uint64_t	 size;		/* octets of content */
	const void	*envelope;	/* message_serialise() */
	size_t		 envelope_len;
	const uint32_t	*routing;	/* target of each recipient */
	size_t		 nrouting;
	const void	*content;	/* CONTENT_INLINE */
};

struct store_job {
	uint32_t	target;
	uint8_t		rank;		/* 0 urgent 1 normal 2 non-urgent */
	uint64_t	message;
	uint8_t		state;		/* enum job_state */
	uint8_t		sole;		/* only job of its message */
	uint32_t	attempts;
	int64_t		next_try;	/* time_t */
	uint64_t	size;		/* of the message's content */
	char		reason[128];
	uint32_t	attempted;	/* target given up for this, 0 none */
	uint8_t		pinned;		/* it stays where it is: */
#define PINNED_SENT	1		/* the target may have it already */
#define PINNED_CHOSEN	2		/* the operator chose the target */
	int64_t		deadline;	/* latest delivery, time_t, 0 none */
	/* JOB_SENDING: */
	uint64_t	association;
	uint64_t	connection;	/* row of the connection */
	uint32_t	activity;
	uint32_t	serial;		/* last confirmed, 0 none */
	uint64_t	offset;		/* octets before it */
	uint64_t	total;		/* octets of the MPDU, 0 not known */
	int64_t		since;		/* time_t of the first activity */
	const void	*head;		/* octets before the content */
	size_t		head_len;
};

struct store_association {
	uint64_t		id;
	uint32_t		peer;		/* target number */
	uint8_t			initiator;	/* we are */
	uint8_t			dialogue;
	uint8_t			turn;		/* enum rts_turn */
	uint32_t		checkpoint;
	uint32_t		window;
	int64_t			opened;
	int64_t			lost;		/* 0: believed alive */
	uint32_t		next_activity;	/* that we may give */
	uint64_t		connection;	/* row last established */
	char			address[64];
};

#define CONNECTIONS_KEEP	100	/* of an association, at least */
#define LOST_MAX		1000	/* associations of a peer, incoming */

/* The activities last completed on a connection, newest first. */
#define COMPLETED_MAX	8
struct completed {
	uint8_t			n;
	struct activity_id	activity[COMPLETED_MAX];
};

struct store_connection {
	uint64_t		id;
	uint64_t		association;
	struct connection_key	key;
	struct completed	completed;
};

struct store_receiving {
	uint64_t	id;		/* the message gets the same */
	uint32_t	peer;
	uint64_t	association;
	uint32_t	serial;
	uint64_t	markup_len;
	uint64_t	content_len;
	uint8_t		kind;		/* enum content_kind */
	int64_t		since;
	int64_t		confirmed;	/* time_t of the last checkpoint */
};

struct store_checkpoint {
	uint32_t	serial;
	uint64_t	markup_len;
	uint64_t	content_len;
};

enum piece_kind { PIECE_MARKUP = 0, PIECE_CONTENT = 1 };

typedef int	store_job_cb(void *, const struct store_job *);
/* 0: go on, -1: an error, which the call returns; else enough. */
typedef int	store_receiving_cb(void *, const struct store_receiving *);

/* dir: the spool directory.  NULL with the reason in why. */
#define STORE_FILE	"queue.db"
/* errno is EBADMSG when it is damaged. */
struct store	*store_open(const char *dir, char *why, size_t);
/* The same under another name. */
struct store	*store_open_file(const char *dir, const char *file, char *why,
		    size_t);
void		 store_close(struct store *);
const char	*store_error(const struct store *);
/*
 * After an error: gives up the old handle, opens anew, moves everything
 * out of the write-ahead log (whose tail may never have reached the disk)
 * and commits a probe.  0: the store can be trusted again.
 */
int		 store_reopen(struct store *);

/*
 * How many messages, and transfers under way of others, the spool in dir
 * holds, which nobody may have open.  0, or -1 with the reason in why.
 */
int		 store_count(const char *dir, uint64_t *messages,
		    uint64_t *partial, char *why, size_t);

int		 store_begin(struct store *);
/* Is the open data base no longer the file of that name? */
int		 store_gone(const struct store *);
/* Has an error said that the data base is damaged, not merely failing? */
int		 store_damaged(const struct store *);
/*
 * Looks for damage for at most so many seconds (0: to the end): pages, and
 * whether messages and queue agree.  0, and *all says whether all was looked
 * at; 1: damaged, see store_error; -1.
 */
int		 store_check(struct store *, unsigned seconds, int *all);
/* What recovery of associations and transfers needs is forgotten. */
int		 store_forget_recovery(struct store *);
/* Whatever may go is held, with that reason. */
int		 store_hold_all(struct store *, const char *reason);
/* What was being sent is ready again, for the same peer. */
int		 store_unsend_all(struct store *);

/*
 * A copy of the data base as it is when the last step is done, which others
 * may use meanwhile.  store_backup_step: 1: there is more, 0: done, -1.
 */
int		 store_backup_begin(struct store *, const char *file);
int		 store_backup_step(struct store *, int pages, uint64_t *left,
		    uint64_t *all);
/* In the copy that is done.  0 or -1. */
int		 store_backup_messages(struct store *, uint64_t *);
/* Content files of it: ids and sizes after one.  How many, or -1. */
int		 store_backup_files(struct store *, uint64_t after,
		    uint64_t *ids, uint64_t *sizes, int n);
void		 store_backup_end(struct store *);

/* store_source.c: what can be read of a data base that is damaged. */
struct store_source;
typedef int	 store_id_cb(void *, uint64_t);
struct store_source *source_open(const char *dir, const char *file, char *why,
		    size_t);
void		 source_close(struct store_source *);
/* Had it to be read without its own table of tables? */
int		 source_patched(const struct store_source *);
/* 0: all of them, 1: not all could be read, -1: an error of the callback. */
int		 source_targets(struct store_source *, int (*)(void *,
		    uint32_t, int kind, const char *, int64_t no_recovery),
		    void *);
int		 source_jobs(struct store_source *, uint32_t target, int rank,
		    store_job_cb *, void *);
int		 source_message_ids(struct store_source *, store_id_cb *,
		    void *);
int		 source_receiving_ids(struct store_source *, store_id_cb *,
		    void *);
int		 source_accepted(struct store_source *, int (*)(void *,
		    uint32_t peer, const void *key, size_t, const void *,
		    size_t, int64_t), void *);
int		 source_audit(struct store_source *, int (*)(void *, uint64_t,
		    const char *line), void *);
int		 source_meta(struct store_source *, const char *, int64_t *);
/* 1: whole, until the next call; 0: there is none; -1: not to be read. */
int		 source_message(struct store_source *, uint64_t,
		    struct store_message *);
/* Under the number that it had. */
int		 store_target_put(struct store *, uint32_t, int kind,
		    const char *, int64_t no_recovery);
/* Copies of messages that are not there go, each is told of before. */
int		 store_orphans(struct store *, int (*)(void *, uint64_t,
		    const char *target), void *);
/* Messages whose content is a file, after one: ids, sizes.  How many, -1. */
int		 store_files(struct store *, uint64_t after, uint64_t *ids,
		    uint64_t *sizes, int n);
/*
 * A transaction whose commit is at once seen by whoever opens the store
 * next, but survives a power failure only once store_log_fd was synced after
 * it, or another transaction was committed.
 */
int		 store_begin_later(struct store *);
/* The store's descriptor of the file to be synced for that; -1: none. */
int		 store_log_fd(struct store *);
int		 store_commit(struct store *);
void		 store_rollback(struct store *);
/* How many there were, of both kinds. */
uint64_t	 store_commits(const struct store *);

/* Never the same twice, growing: microseconds since 2020 or more. */
uint64_t	 store_next_id(struct store *);
/* Second and number in it, never the same twice, growing. */
void		 store_next_connection(struct store *, int64_t *second,
		    uint32_t *number);
/* Small numbers kept under a name. */
int		 store_meta_get(struct store *, const char *, int64_t *);
int		 store_meta_put(struct store *, const char *, int64_t);

/* Number of a target, made when new.  0: error. */
uint32_t	 store_target(struct store *, int kind, const char *name);
int		 store_target_get(struct store *, uint32_t, int *kind,
		    char *name, size_t);
int		 store_target_no_recovery(struct store *, uint32_t,
		    int64_t until);
int		 store_target_no_recovery_get(struct store *, uint32_t,
		    int64_t *until);
/* All targets in the order of their numbers. */
int		 store_target_each(struct store *, int (*)(void *, uint32_t,
		    int kind, const char *name), void *);

/* Messages */
int		 store_message_add(struct store *,
		    const struct store_message *);
/*
 * 1: found.  Pointers live until the next store_message_get or
 * store_message_release.  content only when with_content, and then none that
 * is damaged.
 */
int		 store_message_get(struct store *, uint64_t,
		    struct store_message *, int with_content);
void		 store_message_release(struct store *);
int		 store_message_routing(struct store *, uint64_t,
		    const uint32_t *, size_t);
/* Was the message that was looked for last there, and not as it was put? */
int		 store_row_damaged(const struct store *);
/*
 * Deletes a message when no job of it is left.  1: gone, *kind tells where
 * its content was (the file is the caller's to remove after the commit).
 */
int		 store_message_done(struct store *, uint64_t, int *kind);
/* Ids in order, after one; at most n.  Returns how many or -1. */
int		 store_message_ids(struct store *, uint64_t after,
		    uint64_t *, int n);
int		 store_message_totals(struct store *, uint64_t *count,
		    uint64_t *octets);

/* Duplicates: key is the MPDU identifier.  recipients: numbers. */
int		 store_accepted_get(struct store *, uint32_t peer,
		    const void *key, size_t, uint32_t *recipients, size_t max,
		    size_t *n);
int		 store_accepted_put(struct store *, uint32_t peer,
		    const void *key, size_t, const uint32_t *recipients,
		    size_t n, int64_t now);
/* Forgets at most limit of those older.  Returns how many or -1. */
int		 store_accepted_prune(struct store *, int64_t before,
		    int limit);

/* The queue */
int		 store_job_add(struct store *, const struct store_job *);
int		 store_job_get(struct store *, uint32_t target, int rank,
		    uint64_t message, store_job_cb *, void *);
/* State, attempts, next_try, reason; forgets the transfer. */
int		 store_job_state(struct store *, const struct store_job *);
/* JOB_SENDING with association, connection, activity, since. */
int		 store_job_sending(struct store *, const struct store_job *);
/* connection, activity, serial, offset, total; head unless NULL. */
int		 store_job_progress(struct store *, const struct store_job *);
int		 store_job_done(struct store *, uint32_t target, int rank,
		    uint64_t message);
/* Ready jobs in order of the message id, after one.  How many or -1. */
int		 store_job_ready(struct store *, uint32_t target, int rank,
		    uint64_t after, int limit, store_job_cb *, void *);
int		 store_job_sending_each(struct store *, store_job_cb *,
		    void *);
/* All jobs of a message. */
int		 store_job_of_message(struct store *, uint64_t,
		    store_job_cb *, void *);
/* Those in a state, of a target, after a message; at most limit. */
int		 store_job_in_state(struct store *, uint32_t target,
		    int state, uint64_t after, int limit, store_job_cb *,
		    void *);
/* Those not being sent, of messages between two; at most limit. */
int		 store_job_waiting(struct store *, uint32_t target, int rank,
		    uint64_t after, uint64_t before, int limit,
		    store_job_cb *, void *);
/* Those waiting, not held, whose deadline is before now; at most limit. */
int		 store_job_overdue(struct store *, int64_t now, int limit,
		    store_job_cb *, void *);
int		 store_job_counts(struct store *, int (*)(void *,
		    uint32_t target, int rank, int state, uint64_t n,
		    uint64_t oldest), void *);
/* Deferred jobs whose time has come become ready.  How many or -1. */
int		 store_job_due(struct store *, uint32_t target, int64_t now);
/* 1: *when is the first next_try of a deferred job. */
int		 store_job_next(struct store *, uint32_t target,
		    int64_t *when);

/* Associations and their connections */
int		 store_association_put(struct store *,
		    const struct store_association *);
int		 store_association_get(struct store *, uint64_t,
		    struct store_association *);
/* Forgets it, its connections and what was received on it in part. */
int		 store_association_delete(struct store *, uint64_t);
/* Calls for each; initiator -1: both. */
int		 store_association_each(struct store *, int initiator,
		    int (*)(void *, const struct store_association *), void *);
/*
 * Incoming ones, or all, lost before a time, or before the LOST_MAX lost last: up to n
 * ids.  Not those that know a transfer which has gone over to another one.
 * How many or -1.
 */
int		 store_association_expired(struct store *, uint32_t peer,
		    int64_t before, int all, uint64_t *, int n);
int		 store_associations_lost(struct store *, int64_t now);
uint64_t	 store_connection_id(struct store *);
int		 store_connection_put(struct store *,
		    const struct store_connection *);
int		 store_connection_get(struct store *, uint64_t,
		    struct store_connection *);
int		 store_connection_delete(struct store *, uint64_t);
/*
 * Forgets old connections of an association, but not the CONNECTIONS_KEEP
 * newest, not but, none from before on, and none that a transfer received in
 * part is known by.
 */
int		 store_connection_prune(struct store *, uint64_t association,
		    uint64_t before, uint64_t but);
/* The transfer known by that pair is complete, or another one is meant now. */
int		 store_completed(struct store *, uint64_t connection,
		    const struct activity_id *, int complete);
int		 completed_has(const struct completed *,
		    const struct activity_id *);
void		 completed_add(struct completed *, const struct activity_id *);
void		 completed_remove(struct completed *,
		    const struct activity_id *);
/* The newest connection of an association. */
int		 store_connection_last(struct store *, uint64_t association,
		    struct store_connection *);
/*
 * Connections known by that identifier, newest first, of associations
 * that the others opened (initiator 0) or we did; at most n.
 */
int		 store_connection_find(struct store *,
		    const struct connection_key *, int initiator,
		    struct store_connection *, int n);

/* Transfers received in part */
int		 store_receiving_put(struct store *,
		    const struct store_receiving *);
/* How far one that is there has come, and no more of it. */
int		 store_receiving_progress(struct store *,
		    const struct store_receiving *);
int		 store_receiving_get(struct store *, uint64_t,
		    struct store_receiving *);
int		 store_receiving_delete(struct store *, uint64_t);
int		 store_receiving_each(struct store *, store_receiving_cb *,
		    void *);
int		 store_receiving_of(struct store *, uint64_t association,
		    store_receiving_cb *, void *);
/* Known by that (connection, activity) pair from now on. */
int		 store_activity_put(struct store *, uint64_t connection,
		    const struct activity_id *, uint64_t transfer);
/* 1: *transfer has that pair. */
int		 store_activity_find(struct store *, uint64_t connection,
		    const struct activity_id *, uint64_t *transfer);
/* 1: the newest of an association that ever had that activity id. */
int		 store_activity_find_association(struct store *,
		    uint64_t association, const struct activity_id *,
		    uint64_t *transfer);
/* 1: the newest pair of a transfer. */
int		 store_activity_of(struct store *, uint64_t transfer,
		    uint64_t *connection, struct activity_id *);
/* All pairs of a transfer; returns of the function as those above. */
int		 store_activity_each(struct store *, uint64_t transfer,
		    int (*)(void *, uint64_t connection,
		    const struct activity_id *), void *);
int		 store_checkpoint_put(struct store *, uint64_t transfer,
		    const struct store_checkpoint *);
/* That one and all after it. */
int		 store_checkpoint_forget(struct store *, uint64_t transfer,
		    uint32_t serial);
/* The newest with at most that serial and content length. */
int		 store_checkpoint_get(struct store *, uint64_t transfer,
		    uint32_t serial, uint64_t content_len,
		    struct store_checkpoint *);
/* Forgets checkpoints and pieces after one. */
int		 store_receiving_truncate(struct store *, uint64_t transfer,
		    const struct store_checkpoint *);
int		 store_piece_put(struct store *, uint64_t transfer, int kind,
		    uint64_t offset, const void *, size_t);
int		 store_piece_each(struct store *, uint64_t transfer, int kind,
		    int (*)(void *, uint64_t offset, const void *, size_t),
		    void *);
int		 store_piece_delete(struct store *, uint64_t transfer,
		    int kind);

/* What is known against a message for a target, or a transfer coming in. */
enum poison_kind { POISON_OUT = 0, POISON_IN = 1 };
struct store_poison {
	uint8_t		kind;		/* enum poison_kind */
	uint64_t	id;		/* message, or transfer */
	uint32_t	target;		/* of the peer */
	uint32_t	kills;		/* see poison.c */
	uint32_t	refusals;
	uint8_t		suspect;	/* may go only alone */
	uint8_t		trial;		/* and does so now */
	uint64_t	offset;		/* octets confirmed at the last kill */
};
int		 store_poison_put(struct store *,
		    const struct store_poison *);
int		 store_poison_delete(struct store *,
		    const struct store_poison *);
/* All of them, after those whose message or transfer is no more are gone. */
int		 store_poison_each(struct store *, int (*)(void *,
		    const struct store_poison *), void *);

/* Lines on their way to the audit log, in the order of growing ids. */
int		 store_audit_put(struct store *, uint64_t, const char *line);
/* Forgets those up to an id. */
int		 store_audit_delete(struct store *, uint64_t);
int		 store_audit_each(struct store *, int (*)(void *, uint64_t,
		    const char *line), void *);

/* Is a content file of that id wanted?  1: yes. */
int		 store_file_wanted(struct store *, uint64_t);

#endif
