/* SPDX-License-Identifier: ISC */

/*
 * What happens to a data base that is damaged, and to one that was restored
 * (spoold(8), Incidents).
 */

#ifndef SALVAGE_H
#define SALVAGE_H

#include "spoold.h"

#define SALVAGE_MARK	"queue.db.repair"	/* to be saved, at the start */
#define SALVAGE_DONE	"queue.db.saved"	/* to become queue.db */

/* audit_past.c */
struct audit_past {
	uint64_t	settled;	/* copies that had got there */
	uint64_t	told;		/* messages held */
};
/*
 * What the audit log in that directory of the spool has since then is done
 * to a store, in a transaction of the caller's.  -1: the store failed.
 */
int	audit_past(struct store *, int spool, const char *directory,
	    int64_t since, struct audit_past *);

/*
 * Messages that came, by the audit log and what the store has that is not yet
 * in it, and did not go for all of their recipients, in the order of their
 * ids.  -1: no memory, or the function's.
 */
int	audit_unsettled(struct store *, int spool, const char *directory,
	    int (*)(void *, uint64_t id), void *);

/*
 * Lines of a store of then that the log has: they leave the store, in a
 * transaction of the caller's, and do not come again behind what happened
 * since.  Lines are written in the order of their keys.  -1: it failed.
 */
int	audit_written(struct store *, int spool, const char *directory,
	    int64_t then);

/* salvage_files.c */
/* A file of the spool, and what of it cannot be read as zeros.  -1: said. */
int	salvage_copy(const char *from, const char *to);
/* A data base with all that SQLite puts beside it. */
void	salvage_remove(const char *name);
/* The time, for names of what is set aside; none has it yet. */
void	salvage_stamp(char *, size_t);
/* Holds all copies of a message.  How many were not held so yet, or -1. */
int	salvage_hold(struct store *, uint64_t message, const char *why);
/* What was saved becomes queue.db, the other is set aside.  -1: said. */
int	salvage_rename(const char *stamp);

/* salvage.c */
/* Keeps the words of an error.  -1. */
int	salvage_fail(const char *what);
/* The thread: is it to end?  The words are kept. */
int	salvage_stopped(void);
enum salvage_state { SALVAGE_NONE = 0, SALVAGE_RUNNING, SALVAGE_SAVED,
    SALVAGE_FAILED };
/* Ends what was interrupted: 1: there was something.  -1 with errno. */
int	salvage_finish(void);
/* Is it to be saved?  The words are for the log. */
int	salvage_wanted(char *why, size_t);
/* At the next start it is.  -1 with errno. */
int	salvage_mark(const char *why);
/* Begins, in a thread.  -1 with errno. */
int	salvage_begin(const char *why);
/* Says once what came of it; after SAVED queue.db is another one. */
enum salvage_state salvage_look(void);
/* The words of SALVAGE_FAILED. */
const char *salvage_why(void);
/* It is to end soon, and what is not saved by then left to the next start. */
void	salvage_end(void);
/*
 * At the end: what is not yet saved is left to the next start, and the log
 * says what came of it.
 */
void	salvage_stop(void);
/*
 * Messages whose content file is not what it should be are held; for at most
 * so many seconds.  How many, or -1.
 */
int	salvage_contents(struct store *, unsigned seconds);
/* Of a content file: why is it not all of a content?  NULL: it is. */
const char *content_trouble(uint64_t id, uint64_t size);

#endif
