/* SPDX-License-Identifier: ISC */

/*
 * Transfers going out (X.410 clause 4.3, X.228 clause 7.8).
 *
 * Which message goes as which activity of which association is on record
 * before rtsd hears of it; what the peer confirmed is on record before rtsd
 * may count on it.  Transfers of one association go in order, so when the
 * connection is gone at most the first that was not finished is in question;
 * when rtsd or spoold died, those behind it too, one after the other.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#include "log.h"
#include "transfer_out.h"

#define ACTIVITIES_AHEAD	64	/* numbers reserved in the row */

static TAILQ_HEAD(, xfer) dirty = TAILQ_HEAD_INITIALIZER(dirty);

static void
xfer_dirty(struct xfer *x)
{
	if (!x->dirty)
		TAILQ_INSERT_TAIL(&dirty, x, dirty_entry);
	x->dirty = 1;
	spool_dirty();
}

/* Away; the job has been given back by the caller. */
static void
xfer_free(struct xfer *x)
{
	if (x->dirty)
		TAILQ_REMOVE(&dirty, x, dirty_entry);
	TAILQ_REMOVE(&x->assoc->xfers, x, entry);
	x->assoc->nxfers--;
	free(x->head);
	free(x->fields);
	free(x);
}

void
xfer_free_all(struct assoc *a)
{
	struct xfer	*x;

	while ((x = TAILQ_FIRST(&a->xfers)) != NULL) {
		queue_return(x->job, "");
		xfer_free(x);
	}
}

static struct xfer *
xfer_new(struct assoc *a, struct job *j)
{
	struct xfer	*x;

	if ((x = calloc(1, sizeof(*x))) == NULL)
		return (NULL);
	x->assoc = a;
	x->job = j;
	TAILQ_INSERT_TAIL(&a->xfers, x, entry);
	a->nxfers++;
	return (x);
}

static uint32_t
next_activity(struct assoc *a)
{
	if (a->next_activity == 0 || a->next_activity > INT32_MAX)
		a->next_activity = 1;
	if (a->next_activity >= a->row.next_activity) {
		a->row.next_activity = a->next_activity + ACTIVITIES_AHEAD;
		a->put_row = 1;
		assoc_dirty(a);
	}
	return (a->next_activity++);
}

static const char *
xfer_text(const struct xfer *x)
{
	static char	text[160];

	snprintf(text, sizeof(text), "peer=%s message=%016" PRIX64
	    " activity=%u", x->assoc->peer->conf.name, x->job->message,
	    x->now_activity);
	return (text);
}

/*
 * Small messages follow one another without a pause; behind a large one none
 * is bound to the association, for another may be free, or opened, before.
 */
int
xfer_room(const struct assoc *a)
{
	const struct xfer	*x;
	uint64_t		 size, left = 0;

	if (a->state != ASSOC_IS_UP || a->drop || a->nxfers >= PREFETCH ||
	    (!a->row.initiator && a->row.dialogue != DIALOGUE_TWA))
		return (0);
	TAILQ_FOREACH(x, &a->xfers, entry) {
		if (x->state == XFER_WAITING || x->state == XFER_SUSPENDED)
			return (0);
		size = x->total != 0 ? x->total : x->job->size;
		left += size > x->offset ? size - x->offset : 0;
	}
	return (left < PREFETCH_OCTETS);
}

static void
present(struct xfer *x)
{
	x->id = ++sp.next_xfer;
	x->now_connection = x->assoc->conn.id;
	x->now_activity = next_activity(x->assoc);
	x->state = XFER_NEW;
}

int
xfer_give(struct assoc *a, struct job *j)
{
	struct xfer	*x;

	if ((x = xfer_new(a, j)) == NULL)
		return (-1);
	present(x);
	x->connection = x->now_connection;
	x->activity = x->now_activity;
	x->since = time(NULL);
	x->record = 1;
	xfer_dirty(x);
	return (0);
}

int
xfer_load(struct assoc *a, const struct store_job *sj)
{
	struct target	*t;
	struct job	*j;
	struct xfer	*x;

	if ((t = target_number(sj->target)) == NULL ||
	    (j = queue_take(t, sj)) == NULL)
		return (-1);
	if ((x = xfer_new(a, j)) == NULL) {
		queue_return(j, "out of memory");
		return (-1);
	}
	x->state = XFER_WAITING;
	x->connection = x->now_connection = sj->connection;
	x->activity = x->now_activity = sj->activity;
	x->serial = sj->serial;
	x->offset = x->high = sj->offset;
	x->total = sj->total;
	x->since = sj->since;
	if (sj->head_len > 0 && (x->head = malloc(sj->head_len)) != NULL) {
		memcpy(x->head, sj->head, sj->head_len);
		x->head_len = sj->head_len;
	}
	return (0);
}

int
xfer_in_question(const struct assoc *a)
{
	const struct xfer	*x;

	TAILQ_FOREACH(x, &a->xfers, entry)
		if (x->state == XFER_WAITING || x->state == XFER_SUSPENDED ||
		    x->state == XFER_RUNNING)
			return (1);
	return (0);
}

int
xfer_unconfirmed(const struct assoc *a)
{
	const struct xfer	*x;

	TAILQ_FOREACH(x, &a->xfers, entry)
		if (x->state == XFER_WAITING || x->state == XFER_SUSPENDED)
			return (x->serial == 0);
	return (0);
}

uint64_t
xfer_oldest_connection(const struct assoc *a)
{
	const struct xfer	*x;
	uint64_t		 oldest = INT64_MAX;

	TAILQ_FOREACH(x, &a->xfers, entry)
		if (x->connection < oldest)
			oldest = x->connection;
	return (oldest);
}

uint32_t
xfer_suspended(const struct assoc *a)
{
	const struct xfer	*x;
	uint32_t		 n = 0;

	TAILQ_FOREACH(x, &a->xfers, entry)
		n += x->state == XFER_SUSPENDED || x->state == XFER_WAITING;
	return (n);
}

static int64_t
again_at(const struct xfer *x)
{
	const struct peer_conf	*c = &x->assoc->peer->conf;
	uint32_t		 s = 1, i;

	for (i = 0; i < x->job->attempts && i < 16; i++)
		s = backoff_next(s, c->retry_min[x->job->rank],
		    c->retry_max[x->job->rank]);
	return (time(NULL) + (i == 0 ? 1 : jitter(s)));
}

/* One more failed attempt: is that the last?  Then it is reported. */
static int
too_often(const struct xfer *x, const char *why)
{
	uint32_t	limit = x->assoc->peer->conf.attempts;
	char		text[128];

	if (limit == 0 || x->job->attempts + 1 < limit)
		return (0);
	snprintf(text, sizeof(text), "%u transfers failed: %.90s", limit,
	    why);
	return (report_give_up(x->job, REASON_TRANSFER_FAILURE,
	    DIAGNOSTIC_TRANSFER_ATTEMPTS_LIMIT_REACHED, text) == 0);
}

/* Back to the queue, to go anew as another activity. */
static void
anew(struct xfer *x, int penalty, const char *why)
{
	if (x->offset > 0) {
		x->assoc->peer->resent_octets += x->offset;
		sp.stats.resent_octets += x->offset;
	}
	if (penalty)
		poison_refused(x->job);
	if (penalty && too_often(x, why))
		queue_done(x->job);
	else if (penalty)
		queue_defer(x->job, again_at(x), why);
	else
		queue_return(x->job, why);
	xfer_free(x);
}

static void
stuck(struct xfer *x, const char *why)
{
	log_warnx(EVT_HELD, "%s: %s", xfer_text(x), why);
	queue_stuck(x->job, why);
	xfer_free(x);
}

/* The peer has all octets before that one. */
static void
confirmed_to(struct xfer *x, uint64_t offset)
{
	if (offset > x->offset) {
		x->assoc->peer->confirmed_out += offset - x->offset;
		sp.stats.confirmed_out += offset - x->offset;
	}
	x->offset = offset;
}

static void
finished(struct xfer *x, const char *how)
{
	struct assoc	*a = x->assoc;
	struct peer	*p = a->peer;

	log_info(EVT_TRANSFERRED, "%s octets=%" PRIu64 " checkpoint=%u%s%s",
	    xfer_text(x), x->total, x->serial, x->resumed_at > 0 ?
	    " resumed=yes" : "", how);
	confirmed_to(x, x->total);
	a->sent++;
	a->progress = 1;
	p->sent++;
	p->sent_octets += x->total;
	p->last_out = time(NULL);
	p->failures = 0;
	ladder_passed(&p->open, &p->conf);
	ladder_passed(&p->send, &p->conf);
	sp.stats.sent++;
	sp.stats.sent_octets += x->total;
	audit_transfer(x->job, x->total, x->fields);
	queue_done(x->job);
	if (!a->row.initiator) {
		a->ended++;
		assoc_dirty(a);
	}
	xfer_free(x);
}

void
xfer_down(struct assoc *a)
{
	struct xfer	*x, *next;

	for (x = TAILQ_FIRST(&a->xfers); x != NULL; x = next) {
		next = TAILQ_NEXT(x, entry);
		if (x->state == XFER_NEW && !x->resume) {
			anew(x, 0, "");
			continue;
		}
		if (x->state == XFER_GIVEN && !x->resume && !a->uncertain) {
			anew(x, 0, "");
			continue;
		}
		x->state = XFER_WAITING;
		poison_rest(x->job);
	}
}

/*
 * May its last octet have gone out?  Beyond the last confirmation on record
 * there are at most the window, and what safe-store lets go ahead of it.
 */
static int
may_be_complete(const struct xfer *x)
{
	const struct assoc	*a = x->assoc;
	uint32_t		 ahead = a->peer->conf.safe_store;

	if (x->state == XFER_NEW && !x->resume)
		return (0);
	return (x->total == 0 || a->row.checkpoint == 0 || ahead == 0 ||
	    x->total - x->offset <= (a->row.window + ahead + UINT64_C(1)) *
	    a->row.checkpoint * 1024);
}

void
xfer_abandon(struct assoc *a, int penalty, const char *why)
{
	struct xfer	*x;

	while ((x = TAILQ_FIRST(&a->xfers)) != NULL) {
		if (may_be_complete(x))
			x->job->pinned |= PINNED_SENT;
		anew(x, penalty, why);
		penalty = 0;
	}
}

static void	release_rest(struct assoc *);

/* A suspect waits for its turn; one found guilty goes no further. */
static int
may_resume(struct xfer *x)
{
	struct assoc	*a = x->assoc;

	x->parked = 0;
	if (x->serial == 0)
		return (1);	/* is discarded, nothing of it goes out */
	switch (poison_resume(x->job)) {
	case POISON_WAIT:
		x->parked = 1;
		return (0);
	case POISON_GIVE_UP:
		anew(x, 0, "");
		release_rest(a);
		return (0);
	default:
		return (1);
	}
}

/* Takes the first one in question up again (rules 3 and 4). */
void
xfer_resume(struct assoc *a)
{
	struct xfer	*x;

	TAILQ_FOREACH(x, &a->xfers, entry)
		if (x->state == XFER_WAITING || x->state == XFER_SUSPENDED)
			break;
	if (x == NULL || a->state != ASSOC_IS_UP || !may_resume(x))
		return;
	present(x);
	x->resume = 1;
	x->discard = x->serial == 0;
	if (!x->discard && x->high > x->offset) {
		a->peer->resent_octets += x->high - x->offset;
		sp.stats.resent_octets += x->high - x->offset;
	}
	x->high = x->offset;
	x->resumed_at = x->offset;
	xfer_dirty(x);
}

/* Those behind one that turned out not to be complete never began. */
static void
release_rest(struct assoc *a)
{
	struct xfer	*x, *next;

	for (x = TAILQ_FIRST(&a->xfers); x != NULL; x = next) {
		next = TAILQ_NEXT(x, entry);
		if (x->state == XFER_WAITING && !x->resume)
			anew(x, 0, "");
	}
}

/* What waits behind it may be more urgent. */
static uint64_t
resume_time(const struct xfer *x)
{
	const struct peer	*p = x->assoc->peer;

	return (x->jeopardized ? ladder_due(p, &p->send, x->job->rank) :
	    x->resume_at);
}

void
xfer_tick(struct assoc *a)
{
	struct xfer	*x;

	TAILQ_FOREACH(x, &a->xfers, entry) {
		if (x->parked) {
			xfer_resume(a);
			return;
		}
		if (x->state != XFER_SUSPENDED)
			continue;
		if (spool_clock() >= resume_time(x))
			xfer_resume(a);
		else
			spool_wake(resume_time(x));
		return;
	}
}

void
xfer_retry(const struct peer *p)
{
	struct assoc	*a;
	struct xfer	*x;

	TAILQ_FOREACH(a, &sp.assocs, entry) {
		if (a->peer != p)
			continue;
		schedule_recover(a);
		TAILQ_FOREACH(x, &a->xfers, entry)
			x->resume_at = 0;
	}
}

/* What rtsd says */

static void
suspend(struct xfer *x, int jeopardized)
{
	struct assoc	*a = x->assoc;
	struct peer	*p = a->peer;
	struct xfer	*other;
	uint64_t	 now = spool_clock(), when;
	uint32_t	*step = &p->send.backoff[x->job->rank];

	x->state = XFER_SUSPENDED;
	x->jeopardized = jeopardized;
	poison_rest(x->job);
	if (jeopardized)
		ladder_failed(&p->send, &p->conf);
	else {
		*step = backoff_next(*step, 1,
		    p->conf.retry_max[x->job->rank]);
		x->resume_at = now + jitter(*step) * UINT64_C(1000);
	}
	when = resume_time(x);
	spool_wake(when);
	log_info(EVT_TRANSFER_CUT, "%s checkpoint=%u octets=%" PRIu64
	    " again=%us%s", xfer_text(x), x->serial, x->offset, when <= now ?
	    0 : (uint32_t)((when - now + 500) / 1000), jeopardized ?
	    ": the peer cannot receive now" : "");
	if (!jeopardized)
		return;
	TAILQ_FOREACH(other, &a->xfers, entry)
		if (other->state == XFER_GIVEN && !other->resume)
			rtsd_send(IMSG_XFER_CANCEL, a->id, -1, &other->id,
			    sizeof(other->id));
}

static void
failed(struct xfer *x, const struct xfer_failed *f)
{
	struct assoc	*a = x->assoc;

	switch (f->failure) {
	case XFER_INTERRUPTED:
	case XFER_JEOPARDIZED:
		if (x->resume && x->discard) {
			x->state = XFER_WAITING;
			return;
		}
		suspend(x, f->failure == XFER_JEOPARDIZED);
		return;
	case XFER_COMPLETED:
		finished(x, ": the peer had it complete");
		if (a->state == ASSOC_IS_UP)
			xfer_resume(a);
		return;
	case XFER_DISCARDED:
		x->job->pinned &= ~PINNED_SENT;
		anew(x, 0, "");
		break;
	case XFER_UNRECOGNIZED:
		log_info(EVT_TRANSFER_ANEW, "%s: not known to the peer",
		    xfer_text(x));
		x->job->pinned |= PINNED_SENT;
		anew(x, !x->resume, "activity not recognized by the peer");
		break;
	case XFER_REJECTED:
		log_warnx(EVT_REJECTED, "%s reason=%u", xfer_text(x), f->reason);
		x->job->pinned &= ~PINNED_SENT;
		anew(x, 1, "rejected by the peer");
		break;
	case XFER_NOT_BEGUN:
		if (x->resume) {
			x->state = XFER_WAITING;
			return;
		}
		anew(x, 0, "");
		break;
	case XFER_UNABLE_TO_DOWNGRADE:
	case XFER_LOSS_PROHIBITED:
		log_warnx(EVT_NOT_ENCODED, "%s: unable to downgrade: %s",
		    xfer_text(x), f->text);
		if (report_give_up(x->job, REASON_CONVERSION_NOT_PERFORMED,
		    f->failure == XFER_LOSS_PROHIBITED ?
		    DIAGNOSTIC_CONVERSION_WITH_LOSS_PROHIBITED :
		    DIAGNOSTIC_UNABLE_TO_DOWNGRADE, f->text) == -1) {
			anew(x, 1, "out of memory");
			break;
		}
		queue_done(x->job);
		xfer_free(x);
		break;
	default:
		log_warnx(EVT_NOT_ENCODED, "%s: cannot be sent from here",
		    xfer_text(x));
		anew(x, 1, "content or envelope unusable");
		break;
	}
	release_rest(a);
}

static int
begun(struct xfer *x, const struct xfer_begun *b)
{
	char	text[160];

	if (x->state != XFER_GIVEN)
		return (-1);
	x->state = XFER_RUNNING;
	x->running_from = x->high;
	x->running_since = spool_clock();
	x->began = 1;
	x->total = b->total;
	if (x->resume) {
		log_info(EVT_TRANSFER_RESUMED, "%s checkpoint=%u octet=%" PRIu64
		    " octets=%" PRIu64, xfer_text(x), x->serial, x->offset,
		    x->total);
		release_rest(x->assoc);
	} else
		log_debug("%s octets=%" PRIu64 " connection=\"%s\": begun",
		    xfer_text(x), x->total, connection_text(
		    &x->assoc->conn.key, text, sizeof(text)));
	return (0);
}

static int
confirmed(struct xfer *x, const struct xfer_serial *s)
{
	if (x->state != XFER_RUNNING || s->serial > S_SERIAL_MAX ||
	    s->serial <= x->serial || s->offset < x->offset)
		return (-1);
	x->serial = s->serial;
	confirmed_to(x, s->offset);
	if (x->resumed_at + s->sent > x->high)
		x->high = x->resumed_at + s->sent;
	/* now it is sure that the peer knows it by this pair */
	x->connection = x->now_connection;
	x->activity = x->now_activity;
	x->progress = 1;
	poison_progress(x->job);
	xfer_dirty(x);
	return (0);
}

static int
head_out(struct xfer *x, const uint8_t *data, size_t len)
{
	uint8_t	*p;

	if (x->resume || x->head_len + len > ENVELOPE_MAX)
		return (-1);
	if ((p = realloc(x->head, x->head_len + len)) == NULL)
		return (0);	/* it is encoded anew then */
	memcpy(p + x->head_len, data, len);
	x->head = p;
	x->head_len += len;
	x->put_head = 1;
	return (0);
}

static struct xfer *
find(struct assoc *a, uint32_t id)
{
	struct xfer	*x;

	TAILQ_FOREACH(x, &a->xfers, entry)
		if (x->id == id && x->state != XFER_NEW &&
		    x->state != XFER_WAITING)
			return (x);
	return (NULL);
}

int
xfer_imsg(struct assoc *a, uint32_t type, const uint8_t *data, size_t len)
{
	struct xfer_begun	b;
	struct xfer_serial	s;
	struct xfer_failed	f;
	struct xfer		*x;
	uint32_t		 id;

	if (a->state != ASSOC_IS_UP && a->state != ASSOC_CLOSING)
		return (-1);
	if (len < sizeof(id))
		return (-1);
	memcpy(&id, data, sizeof(id));
	if ((x = find(a, id)) == NULL)
		return (-1);
	a->active = spool_clock();
	switch (type) {
	case IMSG_XFER_BEGUN:
		if (len != sizeof(b))
			return (-1);
		memcpy(&b, data, sizeof(b));
		return (begun(x, &b));
	case IMSG_XFER_HEAD_OUT:
		return (head_out(x, data + sizeof(id), len - sizeof(id)));
	case IMSG_XFER_CONFIRMED:
	case IMSG_XFER_DONE:
		if (len != sizeof(s))
			return (-1);
		memcpy(&s, data, sizeof(s));
		if (type == IMSG_XFER_CONFIRMED)
			return (confirmed(x, &s));
		if (x->state != XFER_RUNNING)
			return (-1);
		finished(x, "");
		schedule_give(a);
		return (0);
	case IMSG_XFER_FAILED:
		if (len != sizeof(f))
			return (-1);
		memcpy(&f, data, sizeof(f));
		if (f.failure > XFER_LOSS_PROHIBITED)
			return (-1);
		f.text[sizeof(f.text) - 1] = '\0';
		failed(x, &f);
		schedule_give(a);
		return (0);
	default:
		return (-1);
	}
}

/* The store */

static void
fill(const struct xfer *x, struct store_job *sj)
{
	memset(sj, 0, sizeof(*sj));
	sj->target = x->job->target->number;
	sj->rank = x->job->rank;
	sj->message = x->job->message;
	sj->association = x->assoc->row.id;
	sj->connection = x->connection;
	sj->activity = x->activity;
	sj->since = x->since;
	sj->serial = x->serial;
	sj->offset = x->offset;
	sj->total = x->total;
	if (x->put_head) {
		sj->head = x->head;
		sj->head_len = x->head_len;
	}
}

int
xfer_flush(void)
{
	struct store_job sj;
	struct xfer	*x;

	TAILQ_FOREACH(x, &dirty, dirty_entry) {
		fill(x, &sj);
		if (x->record && store_job_sending(sp.store, &sj) == -1)
			return (-1);
		if (x->progress && store_job_progress(sp.store, &sj) == -1)
			return (-1);
	}
	return (0);
}

static void
give_out(struct xfer *x)
{
	const char	*why, *lost;

	x->state = XFER_GIVEN;
	if (send_xfer(x, &why) == -1) {
		if ((lost = message_trouble(x->job->message)) != NULL) {
			queue_lost(x->job, lost);
			xfer_free(x);
		} else if (x->resume)
			anew(x, 0, why);
		else
			stuck(x, why);
	}
}

void
xfer_committed(void)
{
	struct xfer_serial s;
	struct xfer	*x;

	while ((x = TAILQ_FIRST(&dirty)) != NULL) {
		TAILQ_REMOVE(&dirty, x, dirty_entry);
		x->dirty = x->record = 0;
		if (x->progress) {
			x->progress = x->put_head = 0;
			memset(&s, 0, sizeof(s));
			s.xfer = x->id;
			s.serial = x->serial;
			s.offset = x->offset;
			if (x->state == XFER_RUNNING)
				rtsd_send(IMSG_XFER_STORED, x->assoc->id, -1,
				    &s, sizeof(s));
		}
		if (x->state == XFER_NEW)
			give_out(x);
	}
}

/* s that the rest takes; the time that it was interrupted does not count. */
static int64_t
time_left(const struct xfer *x, uint64_t total)
{
	uint64_t	done = x->high - x->running_from;
	uint64_t	ms = spool_clock() - x->running_since;

	if (x->state != XFER_RUNNING || x->high <= x->running_from ||
	    x->high > total)
		return (-1);
	return ((int64_t)((double)(total - x->high) * ms / done / 1000 + 0.5));
}

int
xfer_show(const struct assoc *a, uint32_t n, struct xfer_show *out)
{
	static const char *const names[] = { "queued", "queued", "sending",
	    "interrupted", "waiting for recovery" };
	const struct xfer	*x;

	TAILQ_FOREACH(x, &a->xfers, entry)
		if (n-- == 0)
			break;
	if (x == NULL)
		return (-1);
	memset(out, 0, sizeof(*out));
	out->message = x->job->message;
	out->octets = x->high;
	out->total = x->total != 0 ? x->total : x->job->size;
	out->checkpoint_octets = x->offset;
	out->serial = x->serial;
	out->activity = x->now_activity;
	out->since = x->since;
	out->left = time_left(x, out->total);
	out->state = names[x->state];
	return (0);
}

uint32_t
xfer_cut(const struct peer *p)
{
	const struct assoc	*a;
	const struct xfer	*x;
	uint32_t		 n = 0;

	TAILQ_FOREACH(a, &sp.assocs, entry) {
		if (a->peer != p || a->drop || a->gone)
			continue;
		TAILQ_FOREACH(x, &a->xfers, entry)
			n += x->state == XFER_SUSPENDED ||
			    x->state == XFER_WAITING;
	}
	return (n);
}
