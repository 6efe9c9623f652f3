/* SPDX-License-Identifier: ISC */

/*
 * What mtactl shows, row by row.  The queue is read from the store as the
 * client takes the rows, so that a long queue costs no memory.
 */

#include <sys/stat.h>

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#include "client.h"
#include "log.h"

#define ROWS_AT_ONCE	32
#define ROUNDS		8	/* of so many rows in one turn */

static uint64_t
since(uint64_t then)
{
	uint64_t	now = spool_clock();

	return (then == 0 || now < then ? 0 : (now - then) / 1000);
}

static uint64_t
age(int64_t then)
{
	int64_t	now = time(NULL);

	return (then == 0 || now < then ? 0 : (uint64_t)(now - then));
}

/* What is most wrong of all that is. */
static void
state_text(char *s, size_t size)
{
	const struct directory	*dir;

	strlcpy(s, sp.stopping ? "stopping" : sp.state, size);
	if (sp.stopping || sp.failing || sp.full)
		return;
	if (!rtsd_connected()) {
		strlcpy(s, "rtsd is not there: no peer is reached", size);
		return;
	}
	TAILQ_FOREACH(dir, &sp.directories, entry)
		if (dir->seen && dir->gone) {
			snprintf(s, size, "no delivery: no directory %.90s",
			    dir->target->name);
			return;
		}
}

static void
show_summary(struct client *c)
{
	struct ctl_summary	 s;
	struct target		*t;
	struct assoc		*a;
	uint64_t		 count, oldest;

	memset(&s, 0, sizeof(s));
	strlcpy(s.name, sp.mta.name, sizeof(s.name));
	strlcpy(s.version, MTAD_VERSION, sizeof(s.version));
	state_text(s.state, sizeof(s.state));
	s.uptime = age(sp.started);
	TAILQ_FOREACH(t, &sp.targets, entry) {
		s.queued += queue_ready(t, -1);
		s.deferred += t->deferred;
		s.held += t->stuck;
		s.active += queue_taken(t);
		s.stored += queue_stored(t);
		if ((oldest = queue_age(t)) > s.oldest)
			s.oldest = oldest;
	}
	if (sp.store != NULL && !sp.failing) {
		store_message_totals(sp.store, &count, &s.queued_octets);
		s.commits = store_commits(sp.store);
	}
	s.received = sp.stats.received;
	s.sent = sp.stats.sent;
	s.delivered = sp.stats.delivered;
	s.duplicates = sp.stats.duplicates;
	s.received_octets = sp.stats.received_octets;
	s.received_mpdu_octets = sp.stats.received_mpdu_octets;
	s.sent_octets = sp.stats.sent_octets;
	s.resent_octets = sp.stats.resent_octets;
	s.confirmed_in = sp.stats.confirmed_in;
	s.confirmed_out = sp.stats.confirmed_out;
	s.recoveries_in = sp.stats.recoveries_in;
	s.recoveries_out = sp.stats.recoveries_out;
	TAILQ_FOREACH(a, &sp.assocs, entry) {
		s.associations += a->state == ASSOC_IS_UP;
		s.transfers += a->nxfers + (a->in != NULL);
	}
	client_row(c, CTL_ROW, &s, sizeof(s));
	client_end(c);
}

/* Messages wait that it will never be sent: it calls, and has the turn. */
static int
waits_in_vain(const struct peer *p)
{
	return (p->conf.naddress == 0 && p->conf.dialogue ==
	    DIALOGUE_MONOLOGUE && p->target != NULL &&
	    queue_ready(p->target, 0) + queue_ready(p->target, 1) +
	    queue_ready(p->target, 2) > 0);
}

static void
peer_state(const struct peer *p, struct ctl_peer *r)
{
	uint64_t	now = spool_clock(), send, open;
	uint32_t	shut;

	send = p->target == NULL ? 0 : ladder_due(p, &p->send, -1);
	open = p->target == NULL ? 0 : ladder_due(p, &p->open, -1);
	if (p->down || p->held)
		strlcpy(r->state, p->down ? "down by operator" :
		    "held by operator", sizeof(r->state));
	else if (p->conf.disabled)
		strlcpy(r->state, "disabled", sizeof(r->state));
	else if ((shut = poison_peer_shut(p)) > 0)
		snprintf(r->state, sizeof(r->state), "poison: nothing is taken "
		    "from it for %u s", shut);
	else if (send > now) {
		r->retry_in = (send - now + 999) / 1000;
		snprintf(r->state, sizeof(r->state), "retry in %u s: the "
		    "peer cannot receive", r->retry_in);
	} else if (waits_in_vain(p))
		strlcpy(r->state, "nothing can be sent to it: no address, "
		    "and dialogue monologue", sizeof(r->state));
	else if (r->associations_in + r->associations_out > 0)
		strlcpy(r->state, "up", sizeof(r->state));
	else if (open > now) {
		r->retry_in = (open - now + 999) / 1000;
		snprintf(r->state, sizeof(r->state), "%sretry in %u s: %.80s",
		    p->alternate && p->target != NULL &&
		    p->target->alternates ? "alternates used, " : "",
		    r->retry_in, p->why);
	} else
		strlcpy(r->state, "idle", sizeof(r->state));
}

void
peer_text(const struct peer *p, char *text, size_t size)
{
	struct ctl_peer	 r;

	memset(&r, 0, sizeof(r));
	r.associations_in = peer_associations(p, 0);
	r.associations_out = peer_associations(p, 1);
	peer_state(p, &r);
	strlcpy(text, r.state, size);
}

/* Is it one that comes in now? */
static int
is_live(uint64_t id)
{
	struct store_receiving	 live;
	struct assoc		*a;
	const char		*state;

	TAILQ_FOREACH(a, &sp.assocs, entry)
		if (a->in != NULL && recv_show(a, &live, &state) == 0 &&
		    live.id == id)
			return (1);
	return (0);
}

static int
count_cut(void *arg, const struct store_receiving *v)
{
	const struct target	*t;

	if (!is_live(v->id) && (t = target_number(v->peer)) != NULL &&
	    t->peer != NULL)
		t->peer->cut_in++;
	return (0);
}

int
show_count_cut(void)
{
	struct peer	*p;

	TAILQ_FOREACH(p, &sp.peers, entry)
		p->cut_in = 0;
	if (sp.store == NULL || sp.failing)
		return (0);
	return (store_receiving_each(sp.store, count_cut, NULL));
}

void
show_peer_row(const struct peer *p, struct ctl_peer *r)
{
	int	i;

	memset(r, 0, sizeof(*r));
	strlcpy(r->name, p->conf.name, sizeof(r->name));
	r->associations_in = peer_associations(p, 0);
	r->associations_out = peer_associations(p, 1);
	peer_state(p, r);
	if (p->target != NULL) {
		for (i = 0; i < 3; i++)
			r->queued[i == 0 ? PRIORITY_URGENT : i == 1 ?
			    PRIORITY_NORMAL : PRIORITY_NON_URGENT] =
			    queue_ready(p->target, i);
		r->active = queue_taken(p->target);
		r->stored = queue_stored(p->target);
		r->oldest = queue_age(p->target);
	}
	r->cut_in = p->cut_in;
	r->cut_out = xfer_cut(p);
	r->received = p->received;
	r->sent = p->sent;
	r->received_octets = p->received_octets;
	r->received_mpdu_octets = p->received_mpdu_octets;
	r->sent_octets = p->sent_octets;
	r->resent_octets = p->resent_octets;
	r->confirmed_in = p->confirmed_in;
	r->confirmed_out = p->confirmed_out;
	r->last_in = p->last_in;
	r->last_out = p->last_out;
	r->down = p->down;
	r->held = p->held;
	r->no_recovery = p->no_recovery > time(NULL);
}

static void
show_peers(struct client *c)
{
	struct ctl_peer	 r;
	struct peer	*p;

	/* none is known before the spool is */
	if (sp.store == NULL) {
		client_fail(c, sp.state);
		return;
	}
	if (show_count_cut() == -1) {
		client_fail(c, store_error(sp.store));
		return;
	}
	TAILQ_FOREACH(p, &sp.peers, entry) {
		if (!p->seen)
			continue;
		show_peer_row(p, &r);
		client_row(c, CTL_ROW, &r, sizeof(r));
	}
	client_end(c);
}

static void
show_associations(struct client *c)
{
	struct ctl_association	 r;
	struct assoc		*a;

	TAILQ_FOREACH(a, &sp.assocs, entry) {
		if (a->drop || a->gone)
			continue;
		memset(&r, 0, sizeof(r));
		r.id = a->id;
		strlcpy(r.peer, a->peer->conf.name, sizeof(r.peer));
		strlcpy(r.address, a->address[0] != '\0' ? a->address :
		    a->row.address, sizeof(r.address));
		connection_text(&a->conn.key, r.connection,
		    sizeof(r.connection));
		r.initiator = a->row.initiator;
		r.dialogue = a->row.dialogue;
		r.up = a->state == ASSOC_IS_UP;
		r.ours = a->turn_ours;
		r.checkpoint = a->row.checkpoint;
		r.window = a->row.window;
		r.age = age(a->row.opened);
		r.idle = since(a->active);
		r.sent = a->sent;
		r.received = a->received;
		if (r.up)
			strlcpy(r.tls, a->tls, sizeof(r.tls));
		client_row(c, CTL_ROW, &r, sizeof(r));
	}
	client_end(c);
}

/* The state of a message is the worst of its jobs. */
struct job_summary {
	struct ctl_message	*row;
	int			 rank;
	const char		*only;	/* of the copies for that peer, or NULL */
};

/* What keeps one that might go at once. */
static const char *
ready_text(const struct target *t, char *buf, size_t size)
{
	char	state[128];

	if (t == NULL || t->kind == TARGET_NONE)
		return ("queued");
	if (!target_configured(t))
		snprintf(buf, size, "waits: %.100s is not configured", t->name);
	else if (t->directory != NULL && t->directory->gone)
		snprintf(buf, size, "waits: no directory %.100s", t->name);
	else if (t->peer != NULL) {
		peer_text(t->peer, state, sizeof(state));
		if (strcmp(state, "up") == 0 || strcmp(state, "idle") == 0)
			return ("queued");
		snprintf(buf, size, "waits: %.64s %s", t->name, state);
	} else
		return ("queued");
	return (buf);
}

/* NULL: no transfer of it goes on, or is to go on. */
static const char *
transfer_text(const struct target *t, uint64_t message)
{
	struct xfer_show	 x;
	const struct assoc	*a;
	uint32_t		 n;

	TAILQ_FOREACH(a, &sp.assocs, entry)
		for (n = 0; t != NULL && a->peer == t->peer && !a->drop &&
		    !a->gone && xfer_show(a, n, &x) == 0; n++)
			if (x.message == message)
				return (x.state);
	return (NULL);
}

const char *
show_job_text(const struct store_job *j, char *buf, size_t size)
{
	const struct target	*t = target_number(j->target);
	const char		*state;

	switch (j->state) {
	case JOB_READY:
	case JOB_SENDING:
		if ((state = transfer_text(t, j->message)) != NULL)
			return (state);
		return (j->state == JOB_SENDING ? "sending" :
		    ready_text(t, buf, size));
	case JOB_DEFERRED:
		snprintf(buf, size, "retry in %" PRIu64 " s: %s",
		    j->next_try > time(NULL) ? (uint64_t)(j->next_try -
		    time(NULL)) : 0, j->reason);
		return (buf);
	case JOB_HELD:
		snprintf(buf, size, "held: %s", j->reason);
		return (buf);
	default:
		return (j->reason);
	}
}

static int
add_job(void *arg, const struct store_job *j)
{
	static const int	 rank[] = { 1, 2, 3, 4, 5 };
	struct job_summary	*s = arg;
	const struct target	*t = target_number(j->target);
	char			 buf[256];

	s->row->waiting++;
	if (s->only != NULL && (t == NULL || t->kind != TARGET_PEER ||
	    strcmp(t->name, s->only) != 0))
		return (0);
	if (j->state == JOB_HELD || j->state == JOB_STUCK)
		s->row->held = 1;
	if (j->state <= JOB_STUCK && rank[j->state] > s->rank) {
		s->rank = rank[j->state];
		strlcpy(s->row->state, show_job_text(j, buf,
		    sizeof(buf)), sizeof(s->row->state));
		strlcpy(s->row->where, t != NULL && t->kind != TARGET_NONE ?
		    t->name : "", sizeof(s->row->where));
	}
	return (0);
}

/*
 * 1: the row is filled in, and the message is kept where keep is not NULL; 0:
 * there is none, or none for that peer.
 */
static int
message_row(uint64_t id, struct ctl_message *r, const char *only,
    struct client *keep)
{
	struct job_summary	 s = { r, 0, only };
	struct store_message	 sm;
	struct message		*m;
	const struct target	*t;
	int			 rc;

	memset(r, 0, sizeof(*r));
	if (store_job_of_message(sp.store, id, add_job, &s) == -1)
		return (-1);
	if (only != NULL && s.rank == 0)
		return (0);
	if ((rc = store_message_get(sp.store, id, &sm, 0)) != 1)
		return (rc);
	r->id = id;
	r->type = sm.type;
	r->priority = sm.priority;
	r->size = sm.size;
	r->arrival = sm.arrival;
	r->recipients = sm.nrouting;
	if (sm.origin != 0 && (t = target_number(sm.origin)) != NULL)
		strlcpy(r->from, t->name, sizeof(r->from));
	if ((m = message_deserialise(sm.envelope, sm.envelope_len)) != NULL) {
		mts_identifier_print(&m->id, r->mts_id, sizeof(r->mts_id));
		or_address_print(&m->originator, r->originator,
		    sizeof(r->originator), 0);
	}
	if (keep != NULL && m != NULL) {
		keep->nrouting = sm.nrouting;
		keep->envelope_len = sm.envelope_len;
		keep->routing = calloc(sm.nrouting + 1,
		    sizeof(*keep->routing));
		keep->envelope = malloc(sm.envelope_len + 1);
		if (keep->routing != NULL && keep->envelope != NULL) {
			memcpy(keep->routing, sm.routing, sm.nrouting *
			    sizeof(*keep->routing));
			memcpy(keep->envelope, sm.envelope,
			    sm.envelope_len);
			keep->message = m;
			m = NULL;
		}
	}
	store_message_release(sp.store);
	if (m != NULL)
		message_free(m);
	if (r->waiting == 0)
		strlcpy(r->state, "done", sizeof(r->state));
	return (1);
}

static void
show_queue(struct client *c)
{
	struct ctl_message	r;
	const char		*only = c->only[0] != '\0' ? c->only : NULL;
	uint64_t		ids[ROWS_AT_ONCE];
	int			i, n, rounds = 0;

	do {
		n = store_message_ids(sp.store, c->cursor, ids,
		    ROWS_AT_ONCE);
		for (i = 0; i < n; i++) {
			c->cursor = ids[i];
			switch (message_row(ids[i], &r, only, NULL)) {
			case 1:
				client_row(c, CTL_ROW, &r, sizeof(r));
				break;
			case -1:
				client_fail(c, store_error(sp.store));
				return;
			}
		}
	} while (n == ROWS_AT_ONCE && ++rounds < ROUNDS &&
	    imsgev_pending(&c->iev) < CLIENT_HIGH);
	if (n == -1)
		client_fail(c, store_error(sp.store));
	else if (n < ROWS_AT_ONCE)
		client_end(c);
	else {
		/* no row, and so no room that the client made, may come */
		c->looking = 1;
		control_work();
	}
}

/* Seconds until an association that was lost is recovered, if we may. */
static int64_t
recovery_in(const struct assoc *a)
{
	uint64_t	now = spool_clock();

	if (!schedule_recovers_it(a) || a->peer->down || a->peer->held ||
	    a->peer->conf.disabled)
		return (-1);
	return (a->retry_at <= now ? 0 : (a->retry_at - now + 999) / 1000);
}

static void
out_rows(struct client *c, const struct assoc *a)
{
	struct ctl_transfer	r;
	struct xfer_show	x;
	uint32_t		n;

	for (n = 0; xfer_show(a, n, &x) == 0; n++) {
		memset(&r, 0, sizeof(r));
		strlcpy(r.peer, a->peer->conf.name, sizeof(r.peer));
		r.out = 1;
		r.message = x.message;
		snprintf(r.activity, sizeof(r.activity), "%u", x.activity);
		connection_text(&a->conn.key, r.connection,
		    sizeof(r.connection));
		r.octets = x.octets;
		r.total = x.total;
		r.checkpoint = x.serial;
		r.checkpoint_octets = x.checkpoint_octets;
		r.age = age(x.since);
		r.left = x.left;
		r.recovery = recovery_in(a);
		strlcpy(r.state, x.state, sizeof(r.state));
		client_row(c, CTL_ROW, &r, sizeof(r));
	}
}

static void
in_row(struct client *c, const struct store_receiving *v, uint64_t octets,
    uint64_t checkpoint_octets, const char *state,
    const struct connection_key *key)
{
	struct ctl_transfer	 r;
	struct store_connection	 conn;
	struct activity_id	 activity;
	const struct target	*t;
	uint64_t		 connection;

	memset(&r, 0, sizeof(r));
	if ((t = target_number(v->peer)) != NULL)
		strlcpy(r.peer, t->name, sizeof(r.peer));
	r.octets = octets;
	r.checkpoint = v->serial;
	r.checkpoint_octets = checkpoint_octets;
	r.age = age(v->since);
	r.left = r.recovery = -1;
	strlcpy(r.state, state, sizeof(r.state));
	if (store_activity_of(sp.store, v->id, &connection,
	    &activity) == 1) {
		activity_text(&activity, r.activity, sizeof(r.activity));
		if (key == NULL && store_connection_get(sp.store, connection,
		    &conn) == 1)
			key = &conn.key;
	}
	if (key != NULL)
		connection_text(key, r.connection, sizeof(r.connection));
	client_row(c, CTL_ROW, &r, sizeof(r));
}

/* After a crash the row may be behind what was foreseen, and has come. */
static int
dormant_row(void *arg, const struct store_receiving *v)
{
	struct client		*c = arg;
	struct store_receiving	 now = *v;
	struct store_checkpoint	 cp;
	struct stat		 st;
	char			 path[64];

	if (is_live(v->id))
		return (0);
	content_path(v->id, path, sizeof(path));
	if (v->kind == CONTENT_FILE && v->confirmed < sp.started &&
	    fstatat(sp.dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    store_checkpoint_get(sp.store, v->id, INT32_MAX, st.st_size,
	    &cp) == 1) {
		now.serial = cp.serial;
		now.content_len = cp.content_len;
	}
	in_row(c, &now, now.content_len, now.content_len,
	    "waiting for recovery", NULL);
	return (0);
}

static void
show_transfers(struct client *c)
{
	struct store_receiving	 v;
	struct assoc		*a;
	const char		*state;

	TAILQ_FOREACH(a, &sp.assocs, entry) {
		if (a->drop || a->gone)
			continue;
		out_rows(c, a);
		if (recv_show(a, &v, &state) == 0)
			in_row(c, &v, v.content_len, v.markup_len, state,
			    &a->conn.key);
	}
	if (store_receiving_each(sp.store, dormant_row, c) == -1)
		client_fail(c, store_error(sp.store));
	else
		client_end(c);
}

struct find_job {
	uint32_t	 target;
	struct store_job job;
	int		 found;
};

static int
find_job(void *arg, const struct store_job *j)
{
	struct find_job	*f = arg;

	if (j->target == f->target) {
		f->job = *j;
		f->found = 1;
	}
	return (0);
}

static void
recipient_row(struct client *c, const struct or_address *name,
    uint32_t number, uint64_t id)
{
	struct ctl_recipient	 r;
	struct find_job		 f;
	const struct target	*t;
	char			 buf[256];

	memset(&r, 0, sizeof(r));
	or_address_print(name, r.name, sizeof(r.name), 0);
	if (number == TARGET_NOT_OURS || number == TARGET_SETTLED) {
		strlcpy(r.state, number == TARGET_SETTLED ? "done" :
		    "not our responsibility", sizeof(r.state));
		r.over = 1;
		client_row(c, CTL_ROW_RECIPIENT, &r, sizeof(r));
		return;
	}
	if ((t = target_number(number)) != NULL)
		strlcpy(r.where, t->name, sizeof(r.where));
	memset(&f, 0, sizeof(f));
	f.target = number;
	store_job_of_message(sp.store, id, find_job, &f);
	r.over = !f.found;
	strlcpy(r.state, !f.found ? "done" : show_job_text(&f.job,
	    buf, sizeof(buf)), sizeof(r.state));
	client_row(c, CTL_ROW_RECIPIENT, &r, sizeof(r));
}

/* cursor: the message id first, then recipients counted from 1. */
static void
show_message(struct client *c)
{
	struct ctl_message	 r;
	struct message		*m;
	uint64_t		 i, n;
	size_t			 off, len;

	if (c->message == NULL) {
		switch (message_row(c->cursor, &r, NULL, c)) {
		case -1:
			client_fail(c, store_error(sp.store));
			return;
		case 0:
			client_fail(c, "no such message: \"track\" may "
			    "know what became of it");
			return;
		}
		if (c->message == NULL) {
			client_fail(c, "message cannot be read");
			return;
		}
		client_row(c, CTL_ROW, &r, sizeof(r));
		c->arrival.id = c->cursor;
		c->cursor = 0;
	}
	m = c->message;
	n = m->type == MESSAGE_REPORT ? 1 : m->nrecipient;
	for (i = c->cursor; i < n && i < c->nrouting; i++) {
		recipient_row(c, m->type == MESSAGE_REPORT ? &m->originator :
		    &m->recipient[i].name, c->routing[i], c->arrival.id);
		c->cursor = i + 1;
		if (imsgev_pending(&c->iev) > CLIENT_HIGH)
			return;
	}
	for (off = 0; off < c->envelope_len; off += len) {
		len = c->envelope_len - off;
		if (len > FRAGMENT_MAX)
			len = FRAGMENT_MAX;
		client_row(c, CTL_ROW_ENVELOPE, c->envelope + off, len);
	}
	client_end(c);
}

void
show_more(struct client *c)
{
	if (imsgev_pending(&c->iev) > CLIENT_HIGH)
		return;
	if (c->request == CTL_SHOW_SUMMARY) {
		show_summary(c);
		return;
	}
	if (c->request == CTL_SHOW_PEERS) {
		show_peers(c);
		return;
	}
	if (sp.store == NULL || sp.failing) {
		client_fail(c, sp.state);
		return;
	}
	switch (c->request) {
	case CTL_SHOW_ASSOCIATIONS:
		show_associations(c);
		break;
	case CTL_SHOW_QUEUE:
		show_queue(c);
		break;
	case CTL_SHOW_TRANSFERS:
		show_transfers(c);
		break;
	case CTL_SHOW_MESSAGE:
		show_message(c);
		break;
	}
}

void
show_free(struct client *c)
{
	if (c->message != NULL)
		message_free(c->message);
	free(c->routing);
	free(c->envelope);
	track_free(c);
	backup_free(c);
	live_free(c);
	c->changing = 0;
	c->looking = 0;
	c->message = NULL;
	c->routing = NULL;
	c->envelope = NULL;
}
