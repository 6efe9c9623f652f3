/* SPDX-License-Identifier: ISC */

/*
 * Transfers coming in: when what arrived is made durable, and what may be
 * confirmed then.  The syncs of contents and of the log go on in a thread
 * (syncer.c) while the loop receives.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "transfer_in.h"

#define FORESEE		64	/* checkpoints, beyond the last */
#define BURST		(1024 * 1024)	/* octets; more gain nothing */
#define DIRECT_FROM	(1024 * 1024)	/* octets; shorter ones are read soon */
#define DIRECT_ROOM	(1024 * 1024)	/* octets; without checkpoints */
#define ROW_EVERY	30000	/* ms that the row of a transfer is behind */
#define STEADY		16	/* bursts as expected, then one more is */

/* How much of the content has to be durable for what is to be committed. */
static uint64_t
needed(const struct intransfer *t)
{
	switch (t->state) {
	case IN_RECEIVING:
		return (t->ncp > 0 ? t->cp[0].row.content_len : 0);
	case IN_INTERRUPTING:
		return (t->ncp > 0 ? t->cp[t->ncp - 1].row.content_len : 0);
	case IN_ENDING:
		return (t->complete ? 0 : t->body.len);
	default:
		return (0);
	}
}

/* A row is going to name a file whose name is not durable. */
static int
unnamed(const struct intransfer *t)
{
	return (t->body.fd != -1 && t->body.new_file && t->ncp > 0 &&
	    (t->state == IN_RECEIVING || t->state == IN_INTERRUPTING));
}

/*
 * It is not, or the file is longer than the content.  A sync that runs may
 * make it so yet, and one that cuts it has done nothing before it has ended:
 * after a power failure the length would be wrong, and the message lost.
 */
static int
lacks(struct intransfer *t)
{
	if (t->synced < needed(t) || unnamed(t))
		return (1);
	if (t->state != IN_ENDING || t->complete || t->body.direct == NULL)
		return (0);
	return (sync_look(&t->sync, 0) != SYNC_NONE ||
	    direct_padded(t->body.direct));
}

static void
sync_failed(struct intransfer *t, int error)
{
	char	why[128];

	snprintf(why, sizeof(why), "sync of the content: %s",
	    strerror(error));
	if (error == ENOSPC || error == EDQUOT)
		spool_full(why);
	else
		log_warnx(EVT_TRANSFER_IN_FAILED, "%s: %s", recv_text(t), why);
	/* the pages may be gone: nothing after the last commit counts, and
	 * a resumption opens the file anew */
	if (t->assoc == NULL)
		recv_done(t, 1);
	else
		recv_refuse(t, why);
}

int
recv_log_failed(const struct intransfer *t)
{
	char	why[128];

	if (t->sync.log_error == 0)
		return (0);
	snprintf(why, sizeof(why), "sync of the log: %s",
	    strerror(t->sync.log_error));
	spool_failed(why);
	return (1);
}

/* A sync that ended.  -1: it failed, and t may be gone. */
static int
collect(struct intransfer *t, int wait)
{
	if (sync_look(&t->sync, wait) != SYNC_ENDED)
		return (0);
	t->sync.state = SYNC_NONE;
	if (t->sync.error != 0) {
		sync_failed(t, t->sync.error);
		return (-1);
	}
	if (recv_log_failed(t))
		return (-1);
	t->synced = t->sync.len;
	body_synced(&t->body, t->synced);
	if (t->sync.commits > sp.durable)
		sp.durable = t->sync.commits;
	return (0);
}

/*
 * Past the page cache the file grows by whole blocks, and checkpoints that
 * have not come may be on record already: up to one that has come it is
 * synced, so that no padding gets to the place of the next.
 */
static uint64_t
sync_to(const struct intransfer *t)
{
	uint64_t	len;

	if (t->body.direct == NULL || t->state == IN_ENDING)
		return (t->body.len);
	len = t->ncp > 0 ? t->cp[t->ncp - 1].row.content_len : 0;
	return (len > t->synced ? len : t->synced);
}

void
recv_sync_more(struct intransfer *t)
{
	enum sync_state	state = sync_look(&t->sync, 0);

	/* one that ended when there was nothing more to confirm */
	if (state == SYNC_ENDED)
		spool_dirty_later();
	if (!sync_available() || state != SYNC_NONE)
		return;
	t->sync.fd = t->body.fd;
	t->sync.id = t->body.id;
	t->sync.len = sync_to(t);
	t->sync.whole = t->state == IN_ENDING;
	/* NULL: for the log alone */
	t->sync.direct = t->sync.len > t->synced || t->sync.whole ?
	    t->body.direct : NULL;
	t->sync.new_file = t->body.new_file;
	t->waits = 0;
	sync_begin(&t->sync);
}

void
recv_say(const struct intransfer *t, uint32_t type, uint32_t number)
{
	if (t->assoc != NULL)
		rtsd_send(type, t->assoc->id, -1, &number, sizeof(number));
}

/* Those recorded that are durable, and whose octets are. */
void
recv_confirm(struct intransfer *t)
{
	size_t	i;

	for (i = 0; i < t->nrecorded; i++) {
		if (t->cp[i].commit > sp.durable || (t->body.fd != -1 &&
		    t->cp[i].row.content_len > t->synced))
			break;
		recv_say(t, IMSG_RECV_CONFIRM, t->cp[i].row.serial);
		recv_confirmed(t, t->cp[i].row.content_len);
	}
	if (i == 0)
		return;
	t->ncp -= i;
	t->nready -= t->nready < i ? t->nready : i;
	t->nrecorded -= i;
	memmove(t->cp, t->cp + i, t->ncp * sizeof(*t->cp));
}

/* They are in the transaction that was just committed. */
size_t
recv_recorded(struct intransfer *t)
{
	size_t	n = t->nready - t->nrecorded;

	for (; t->nrecorded < t->nready; t->nrecorded++)
		t->cp[t->nrecorded].commit = store_commits(sp.store);
	recv_confirm(t);
	return (n);
}

/*
 * Once a row names the file, checkpoints go on record while their octets
 * are still being synced, and the record is synced after them, in one go.
 * Nobody hears of one before both are durable, so after a power failure no
 * peer can ask for one that is only on record.
 */
int
recv_ahead(const struct intransfer *t)
{
	return (t->state == IN_RECEIVING && t->stored_file);
}

int
recv_half_window(const struct intransfer *t)
{
	return (t->assoc == NULL ||
	    2 * (t->ncp - t->nrecorded) >= t->assoc->row.window);
}

/*
 * Checkpoints that come evenly, in the middle of a content, are on record
 * some windows ahead, as many at most as there were.  Then only the sync of
 * their octets stands between them and their confirmation, not one of the
 * log as well.  That a row is there says nothing to a peer: it hears of a
 * checkpoint when its octets are durable, and can resume from no other.
 */
uint32_t
recv_foresee(const struct intransfer *t)
{
	uint64_t	window, n;

	if (!recv_ahead(t) || t->assoc == NULL || t->even < 2)
		return (0);
	window = t->assoc->row.window;
	if (t->at.serial < window || (t->foreseen.last > t->at.serial &&
	    t->foreseen.last - t->at.serial > 2 * window))
		return (0);
	n = FORESEE > 4 * window ? FORESEE : 4 * window;
	if (n > t->at.serial)
		n = t->at.serial;
	return (t->at.serial + n > S_SERIAL_MAX ? 0 : t->at.serial + n);
}

int
recv_to_put(const struct intransfer *t)
{
	return (t->nready > t->nrecorded || t->markup_used > MARKUP_SPILL ||
	    (t->row_behind && (t->state == IN_INTERRUPTING ||
	    t->assoc == NULL || t->row_behind + ROW_EVERY <
	    spool_clock())) || (t->nready == t->ncp && recv_foresee(t) >
	    t->foreseen.last));
}

/* Checkpoints whose octets no running sync makes durable. */
static size_t
unsynced(struct intransfer *t)
{
	uint64_t	len = sync_look(&t->sync, 0) == SYNC_NONE ?
			    t->synced : t->sync.len;
	size_t		n = 0;

	while (n < t->ncp && t->cp[t->ncp - 1 - n].row.content_len > len)
		n++;
	return (n);
}

/*
 * The fewer syncs the better, but the peer is not to wait for one that does
 * not come: at best a whole window is synced in one go, otherwise as many
 * checkpoints as it was seen to send without a pause, and not too many.
 */
static void
sync_burst(struct intransfer *t)
{
	size_t	n = unsynced(t), window = t->assoc->row.window;
	size_t	size = t->assoc->row.checkpoint;	/* KB */
	size_t	most = size == 0 ? 1 : BURST / 1024 / size;

	if (window > most)
		window = most > 0 ? most : 1;
	if (t->burst == 0 || t->burst > window)
		t->burst = window;
	if (sync_look(&t->sync, 0) == SYNC_RUNNING)
		return;		/* when it has ended, again */
	if (n > 0 && n < t->burst) {
		if (t->waits == 0)
			t->waits = spool_clock();
		spool_settle();
		return;
	}
	/* none of them: it is the log that has to be synced */
	if (n > t->burst)
		t->burst = n < window ? n : window;
	else if (n > 0 && t->burst < window && ++t->steady >= STEADY) {
		t->steady = 0;
		t->burst++;
	}
	recv_sync_more(t);
}

/* The time of one that waits is over for all: but no more came for it? */
static void
settled(struct intransfer *t)
{
	size_t	n = unsynced(t);

	if (t->waits == 0 || spool_clock() - t->waits + 1 < SETTLE) {
		sync_burst(t);
		return;
	}
	if (n < t->burst) {
		t->burst = n > 0 ? n : 1;
		t->steady = 0;
	}
	recv_sync_more(t);
}

/*
 * What goes past the page cache has to fit into memory until it is synced.
 * After a crash the file's length says less than it does otherwise: up to a
 * block of it may be padding, so checkpoints are not to be as near as that.
 */
void
recv_go_direct(struct intransfer *t)
{
	uint64_t	size = (uint64_t)t->assoc->row.checkpoint * 1024;

	if (t->body.direct != NULL || t->tried_direct ||
	    t->body.len < DIRECT_FROM || (size > 0 && size < 2 * DIRECT_ALIGN))
		return;
	t->tried_direct = 1;
	/* one more than the window, as some have it, and what comes behind */
	body_direct(&t->body, size == 0 ? DIRECT_ROOM :
	    (t->assoc->row.window + UINT64_C(3)) * size);
}

int
recv_foreseen(struct intransfer *t)
{
	struct incheckpoint	*cp = &t->cp[t->ncp - 1];

	if (cp->row.serial > t->foreseen.last || t->nrecorded != t->ncp - 1)
		return (0);
	cp->commit = t->foreseen.commit;
	t->nready = t->nrecorded = t->ncp;
	t->row.serial = cp->row.serial;
	t->row.markup_len = cp->row.markup_len;
	t->row.content_len = cp->row.content_len;
	t->row.confirmed = time(NULL);
	if (t->row_behind == 0)
		t->row_behind = spool_clock();
	recv_go_direct(t);
	if (recv_to_put(t))
		spool_dirty_later();
	sync_burst(t);
	return (1);
}

void
recv_synced(void)
{
	struct intransfer *t, *next;
	int		   others = 0;

	for (t = recv_first_dirty(); t != NULL; t = next) {
		next = TAILQ_NEXT(t, dirty_entry);
		if (!recv_ahead(t) || t->assoc == NULL ||
		    t->nrecorded != t->ncp || t->put_pair || t->reused ||
		    t->give_up || recv_to_put(t)) {
			others = 1;
			continue;
		}
		if (collect(t, 0) == -1) {
			if (sp.failing)
				break;	/* for all of them */
			continue;
		}
		recv_confirm(t);
		if (t->ncp == 0)
			recv_done(t, 0);
		else
			sync_burst(t);
	}
	if (others)
		spool_dirty_later();
}

static void
sync_one(struct intransfer *t, int wait)
{
	size_t	i;

	if (t->body.fd != -1 && (needed(t) > 0 || unnamed(t))) {
		if (collect(t, wait) == -1)
			return;
		recv_confirm(t);
		if (wait && (t->synced < t->body.len || lacks(t))) {
			if (body_sync(&t->body) == -1) {
				sync_failed(t, errno);
				return;
			}
			t->synced = t->body.len;
			t->waits = 0;
		}
		if (lacks(t) && !recv_ahead(t)) {
			t->waiting = 1;
			recv_sync_more(t);
			return;
		}
	}
	t->waiting = 0;
	if (recv_ahead(t))
		i = wait || sp.settle || recv_half_window(t) ? t->ncp :
		    t->nrecorded;
	else
		for (i = 0; i < t->ncp; i++)
			if (t->body.fd != -1 &&
			    t->cp[i].row.content_len > t->synced)
				break;
	t->nready = i;
	if (wait || t->body.fd == -1 || t->ncp == 0)
		return;
	/* goes on beside the transaction */
	if (!recv_ahead(t)) {
		if (t->cp[t->ncp - 1].row.content_len > t->synced)
			recv_sync_more(t);
	} else if (i > t->nrecorded)
		recv_sync_more(t);
	else if (i > 0 && sp.settle)
		settled(t);
	else if (i > 0)
		sync_burst(t);
}

/* Can all that recv_flush writes be committed now and made durable later? */
int
recv_later(void)
{
	struct intransfer *t;

	if (!sync_available())
		return (0);
	for (t = recv_first_dirty(); t != NULL;
	    t = TAILQ_NEXT(t, dirty_entry))
		if (!t->waiting && (!recv_ahead(t) || t->put_pair ||
		    t->reused || t->give_up || t->assoc == NULL))
			return (0);
	return (1);
}

void
recv_sync(int wait)
{
	struct intransfer *t, *next;

	for (t = recv_first_dirty(); t != NULL; t = next) {
		next = TAILQ_NEXT(t, dirty_entry);
		/* what has lost its association is not to outlive its row */
		sync_one(t, wait || t->assoc == NULL);
		if (sp.failing)
			return;
	}
}
