/* SPDX-License-Identifier: ISC */

/*
 * The commit: everything one turn of the event loop changed, in one
 * transaction, and then the confirmations.  And the health of the spool:
 * when the store or the disk fails, transfers that need it are told to come
 * back later, new associations hear "busy", the reason is logged once, and
 * the spool is tried again every few seconds until it works.
 */

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>


#include "log.h"
#include "salvage.h"

#define COMMITS_MAX	8	/* in one turn */
#define SALVAGE_LOOK	200	/* ms, is it saved? */
#define SALVAGE_RETRY	60000	/* ms until it is tried again */
#define CHECK_TIME	5	/* s for pages at the start, and for files */

struct spool	 sp;

static uint8_t	 told;		/* that it fails */
static uint8_t	 loaded;	/* memory was filled from the store */
static uint64_t	 look_at;	/* next look at a sick spool */
static uint64_t	 written;	/* octets since the last look at the space */
static uint64_t	 room;		/* octets above the reserve at that look */

static int
load(void)
{
	int	n;

	if (content_init() == -1) {
		log_warn(EVT_SPOOL_FAILED, ": content directories");
		return (-1);
	}
	if (store_associations_lost(sp.store, time(NULL)) == -1 ||
	    salvage_contents(sp.store, CHECK_TIME) == -1 ||
	    queue_load() == -1 || poison_load() == -1 ||
	    audit_load() == -1 || (n = content_sweep()) == -1)
		return (-1);
	if (n > 0)
		log_info(EVT_SPOOL_CLEANED, "files=%d: of unfinished transfers",
		    n);
	spool_configured();
	if (load_associations() == -1)
		return (-1);
	loaded = 1;
	return (0);
}

/*
 * A data base that is not there would be made, and then what the old one
 * knew be swept away: contents of messages that were confirmed.  One that is
 * empty may be new, but not when there are directories that were made later.
 */
static int
lost_database(void)
{
	struct stat	st, other;

	if (fstatat(sp.dirfd, STORE_FILE, &st, 0) == -1)
		return (errno == ENOENT && content_any());
	return (st.st_size == 0 &&
	    fstatat(sp.dirfd, "content", &other, 0) == 0);
}

/* What can be read is saved, beside the loop; nothing comes in meanwhile. */
static int
begin_salvage(const char *why)
{
	if (salvage_begin(why) == -1) {
		spool_failed(strerror(errno));
		return (-1);
	}
	log_warnx(EVT_SPOOL_DAMAGED, ": %s: what can be read of queue.db is "
	    "saved", why);
	spool_failed("queue.db is damaged, being saved");
	look_at = spool_clock() + SALVAGE_LOOK;
	spool_wake(look_at);
	return (-1);
}

/* -1: damaged, or worse. */
static int
check_store(char *why, size_t size)
{
	uint64_t	began = spool_clock();
	int		all, r;

	if ((r = store_check(sp.store, CHECK_TIME, &all)) == 0) {
		if (!all)
			log_info(EVT_SPOOL_CHECKED, "seconds=%d: not all of "
			    "queue.db, the rest is as it is read",
			    CHECK_TIME);
		log_debug("milliseconds=%" PRIu64 ": queue.db is good",
		    spool_clock() - began);
		return (0);
	}
	strlcpy(why, store_error(sp.store), size);
	store_close(sp.store);
	sp.store = NULL;
	errno = r == 1 ? EBADMSG : EIO;
	return (-1);
}

static int
try_open(void)
{
	struct stat	st;
	char		why[256];

	if (salvage_finish() == -1) {
		spool_failed(strerror(errno));
		return (-1);
	}
	if (lost_database()) {
		spool_failed("queue.db is missing or empty but it had "
		    "messages: put it back, restore a backup, or take it and "
		    "the directory content away");
		return (-1);
	}
	if (salvage_wanted(why, sizeof(why)))
		return (begin_salvage(why));
	if (fstatat(sp.dirfd, STORE_FILE, &st, 0) == -1 && errno == ENOENT)
		log_info(EVT_SPOOL_NEW, ": there is no queue.db, an empty one "
		    "is made");
	if ((sp.store = store_open(sp.dir, why, sizeof(why))) == NULL ||
	    check_store(why, sizeof(why)) == -1) {
		if (errno == EBADMSG)
			return (begin_salvage(why));
		spool_failed(why);
		return (-1);
	}
	if (load() == -1) {
		strlcpy(why, store_error(sp.store), sizeof(why));
		errno = store_damaged(sp.store) ? EBADMSG : EIO;
		store_close(sp.store);
		sp.store = NULL;
		if (errno == EBADMSG)
			return (begin_salvage(why));
		spool_failed(why);
		return (-1);
	}
	return (0);
}

int
spool_open(const char *dir)
{
	strlcpy(sp.dir, dir, sizeof(sp.dir));
	if ((sp.dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return (-1);
	strlcpy(sp.state, "running", sizeof(sp.state));
	sp.started = time(NULL);
	told = loaded = 0;
	backup_clean();
	try_open();
	return (0);
}

void
spool_close(void)
{
	salvage_stop();
	store_close(sp.store);
	sp.store = NULL;
	if (sp.dirfd != -1)
		close(sp.dirfd);
	sp.dirfd = -1;
}

void
spool_dirty(void)
{
	sp.dirty = sp.urgent = 1;
}

void
spool_dirty_later(void)
{
	sp.dirty = 1;
}

int
spool_receiving(void)
{
	return (!sp.failing && !sp.full && !sp.stopping && loaded);
}

void
spool_failed(const char *why)
{
	if (!sp.failing) {
		snprintf(sp.state, sizeof(sp.state), "spool failed: %.48s",
		    why);
		log_warnx(EVT_SPOOL_FAILED, ": %s: nothing is taken in until it "
		    "works again", why);
		look_at = spool_clock() + JEOPARDY_RETRY * 1000;
		told = 0;
	}
	sp.failing = 1;
	sp.dirty = 1;
}

void
spool_full(const char *why)
{
	if (sp.full)
		return;
	sp.full = 1;
	snprintf(sp.state, sizeof(sp.state), "spool full: %.50s", why);
	log_warnx(EVT_SPOOL_FULL, "path=\"%s\": %s: nothing is taken in until "
	    "there is space", sp.path, why);
}

/* What arrived in this turn is not ours, and its senders are told so. */
static int
commit_failed(void)
{
	recv_failed(sp.state);
	assoc_failed();
	control_failed(sp.state);
	if (!told) {
		told = 1;
		recv_refuse_all(sp.state);
	}
	return (-1);
}

static int
flush(int later)
{
	audit_begin();
	if ((later ? store_begin_later(sp.store) :
	    store_begin(sp.store)) == -1)
		return (-1);
	/* associations first: the others name them */
	if (assoc_flush() == -1 || recv_flush() == -1 ||
	    control_flush() == -1 || xfer_flush() == -1 ||
	    report_flush() == -1 || queue_flush() == -1 ||
	    poison_flush() == -1 || audit_flush() == -1 ||
	    store_commit(sp.store) == -1) {
		audit_rollback();
		store_rollback(sp.store);
		return (-1);
	}
	return (0);
}

static int
commit_once(int wait)
{
	int	later, log = -1;

	sp.dirty = 0;
	if (sp.failing || sp.store == NULL)
		return (commit_failed());
	recv_sync(wait);
	sp.settle = 0;
	control_sync();
	if (sp.failing)
		return (commit_failed());
	later = !wait && !sp.urgent && recv_later() &&
	    (log = store_log_fd(sp.store)) != -1;
	if (flush(later) == -1) {
		spool_failed(store_error(sp.store));
		sp.dirty = 0;
		content_keep();
		return (commit_failed());
	}
	sp.urgent = 0;
	if (later)
		sync_log(log, store_commits(sp.store));
	else {
		sp.durable = store_commits(sp.store);
		sync_log(-1, 0);
	}
	content_discarded();
	/* what the others do is for the next transaction */
	report_committed();
	assoc_committed();
	recv_committed();
	control_committed();
	xfer_committed();
	queue_committed();
	poison_committed();
	audit_committed();
	queue_wake();
	return (0);
}

int
spool_commit(void)
{
	int	i;

	sp.batch = 0;
	if (recv_waits())
		sp.dirty = 1;
	/* what is said after a commit may give more to do: a job that came
	 * back is given out again, an association opened for it */
	for (i = 0; sp.dirty; i++) {
		if (i == COMMITS_MAX) {
			spool_wake(spool_clock());
			return (0);
		}
		if (commit_once(1) == -1)
			return (-1);
	}
	return (0);
}

void
spool_commit_turn(void)
{
	sp.batch = 0;
	if (sp.dirty)
		commit_once(!sync_available());
}

/* -1: there is to be waited. */
static int
look_at_salvage(void)
{
	char	why[256];

	switch (salvage_look()) {
	case SALVAGE_RUNNING:
		look_at = spool_clock() + SALVAGE_LOOK;
		spool_wake(look_at);
		return (-1);
	case SALVAGE_FAILED:
		look_at = spool_clock() + SALVAGE_RETRY;
		log_warnx(EVT_NOT_SAVED, ": %s: it is tried again%s",
		    salvage_why(), salvage_stopped() ? " at the next start" :
		    "");
		return (-1);
	default:
		break;
	}
	/* memory is full of what it said: from the beginning, then */
	if (sp.store != NULL && store_damaged(sp.store)) {
		strlcpy(why, store_error(sp.store), sizeof(why));
		if (salvage_mark(why) == -1)
			return (-1);
		log_warnx(EVT_SPOOL_DAMAGED, ": %s: starting again to save "
		    "what can be read of queue.db", why);
		spool_restart();
	}
	return (0);
}

/* The store failed: can it be trusted again? */
static void
try_again(void)
{
	if (look_at_salvage() == -1)
		return;
	/* nothing that is made anew knows what this one knew */
	if (sp.store != NULL && store_gone(sp.store))
		return;
	if (content_free() <= sp.mta.min_free / 2)
		return;
	sync_log(-1, 0);
	if (sp.store == NULL) {
		sp.durable = 0;
		if (try_open() == -1)
			return;
		sp.failing = 0;
		told = 0;
	} else {
		if (store_reopen(sp.store) == -1)
			return;
		sp.failing = 0;
		if (content_settle() == -1) {
			spool_failed(store_error(sp.store));
			return;
		}
		if (!loaded) {
			if (load() == -1) {
				spool_failed(store_error(sp.store));
				return;
			}
		} else {
			sp.dirty = 1;
			if (spool_commit() == -1)
				return;
			if (queue_reload() == -1) {
				spool_failed(store_error(sp.store));
				return;
			}
		}
	}
	strlcpy(sp.state, sp.full ? "spool full" : "running",
	    sizeof(sp.state));
	log_info(EVT_SPOOL_WORKS, ": mail is taken in");
	schedule_tick();
	deliver_wake();
	command_wake();
}

static void
look_at_space(void)
{
	char		why[64];
	uint64_t	free_octets = content_free();

	written = 0;
	room = free_octets > sp.mta.min_free ?
	    free_octets - sp.mta.min_free : 0;
	if (!sp.full && free_octets < sp.mta.min_free) {
		snprintf(why, sizeof(why), "%" PRIu64 " KB free",
		    free_octets / 1024);
		spool_full(why);
		recv_refuse_all(sp.state);
	} else if (sp.full && free_octets >= sp.mta.min_free +
	    sp.mta.min_free / 16) {
		sp.full = 0;
		if (!sp.failing)
			strlcpy(sp.state, "running", sizeof(sp.state));
		log_info(EVT_SPOOL_SPACE, ": mail is taken in");
	}
}

/* A fast peer fills a disk between two ticks. */
void
spool_wrote(uint64_t octets)
{
	written += octets;
	if (!sp.full && written > room)
		look_at_space();
}

void
spool_tick(void)
{
	static time_t	 pruned;
	time_t		 now = time(NULL);
	int		 n;

	if (!sp.failing && sp.store != NULL && store_gone(sp.store))
		spool_failed("queue.db is gone: stop mtad, restore a backup");
	if (sp.failing && spool_clock() >= look_at) {
		look_at = spool_clock() + JEOPARDY_RETRY * 1000;
		try_again();
	}
	look_at_space();
	deliver_tick();
	content_tick();
	backup_tick();
	alarm_tick();
	audit_tick();
	if (sp.dirty && spool_commit() == -1)
		return;
	reroute_tick();
	if (!sp.failing && sp.store != NULL && !sp.dirty) {
		queue_tick(now);
		expire_tick(now);
		assoc_expire(now);
		if (now < pruned || now - pruned >= 60) {
			n = store_accepted_prune(sp.store,
			    now - ACCEPTED_KEEP, 5000);
			if (n == -1)
				spool_failed(store_error(sp.store));
			if (n < 5000)
				pruned = now;
		}
	}
	schedule_tick();
	deliver_wake();
	command_wake();
	if (sp.dirty)
		spool_commit();
}
