/* SPDX-License-Identifier: ISC */

/*
 * Associations (X.410 clause 4, X.218): answering those that peers open,
 * recognising a recovered one by any identifier that it ever had, and
 * keeping what recovery needs.  An association here outlives its
 * connections; its imsg id names one connection.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "log.h"
#include "spoold.h"

#define OCTETSTRING	0x04
#define T61STRING	0x14
#define UTCTIME		0x17
#define REFUSALS_SAID	100	/* a minute, of who has not said who he is */
#define EXPIRE_ROUNDS	16	/* of 64 rows, at a time */
#define KEEP_UNKNOWN	3600	/* s, associations of peers now unknown */

static TAILQ_HEAD(, assoc) dirty = TAILQ_HEAD_INITIALIZER(dirty);
static const char shut_out[] = "poison: nothing is taken from it for now";

int
assoc_cmp(struct assoc *a, struct assoc *b)
{
	return (a->id < b->id ? -1 : a->id > b->id);
}
RB_GENERATE(assoc_tree, assoc, by_id, assoc_cmp)

struct assoc *
assoc_find(uint32_t id)
{
	struct assoc	key;

	key.id = id;
	return (id == 0 ? NULL : RB_FIND(assoc_tree, &sp.assoc_tree, &key));
}

struct assoc *
assoc_new(struct peer *peer)
{
	struct assoc	*a;

	if ((a = calloc(1, sizeof(*a))) == NULL)
		return (NULL);
	a->peer = peer;
	a->state = ASSOC_LOST;
	TAILQ_INIT(&a->xfers);
	TAILQ_INSERT_TAIL(&sp.assocs, a, entry);
	sp.nassoc++;
	return (a);
}

void
assoc_free(struct assoc *a)
{
	assoc_unregister(a);
	xfer_free_all(a);
	if (a->dirty)
		TAILQ_REMOVE(&dirty, a, dirty_entry);
	TAILQ_REMOVE(&sp.assocs, a, entry);
	sp.nassoc--;
	free(a);
}

void
assoc_register(struct assoc *a, uint32_t id)
{
	a->id = id;
	RB_INSERT(assoc_tree, &sp.assoc_tree, a);
	a->opened = a->active = spool_clock();
}

void
assoc_unregister(struct assoc *a)
{
	if (a->id != 0)
		RB_REMOVE(assoc_tree, &sp.assoc_tree, a);
	a->id = 0;
	a->state = ASSOC_LOST;
	a->say = 0;
	recv_detach(a);
}

void
assoc_dirty(struct assoc *a)
{
	if (!a->dirty)
		TAILQ_INSERT_TAIL(&dirty, a, dirty_entry);
	a->dirty = 1;
	spool_dirty();
}

void
assoc_drop(struct assoc *a)
{
	a->drop = 1;
	assoc_dirty(a);
}

void
assoc_detach(struct assoc *a, int reason, int silent)
{
	struct assoc_abort	abort_it;

	if (a->id == 0)
		return;
	memset(&abort_it, 0, sizeof(abort_it));
	abort_it.reason = reason;
	abort_it.silent = silent;
	rtsd_send(IMSG_ASSOC_ABORT, a->id, -1, &abort_it, sizeof(abort_it));
	assoc_unregister(a);
}

/* The host of "192.0.2.1:102", "[2001:db8::1]:102", "2001:db8::1". */
static void
host_of(const char *address, char *host, size_t size)
{
	const char	*colon;
	char		*p;

	if (*address == '[') {
		strlcpy(host, address + 1, size);
		if ((p = strchr(host, ']')) != NULL)
			*p = '\0';
		return;
	}
	strlcpy(host, address, size);
	if ((colon = strchr(host, ':')) != NULL &&
	    strchr(colon + 1, ':') == NULL)
		host[colon - host] = '\0';
	if ((p = strchr(host, ' ')) != NULL)
		*p = '\0';
}

static int
same_host(const char *a, const char *b)
{
	char	host_a[64], host_b[64];

	host_of(a, host_a, sizeof(host_a));
	host_of(b, host_b, sizeof(host_b));
	return (strcmp(host_a, host_b) == 0);
}

/* Identifiers of our own (X.410 4.3; rule 10: never the same twice) */

static uint8_t
put_reference(uint8_t *p, int tag, const char *text)
{
	size_t	len = strlen(text);

	p[0] = tag;
	p[1] = len;
	memcpy(p + 2, text, len);
	return (len + 2);
}

void
connection_make(const struct peer *p, struct s_connection_id *id)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	struct utctime	now;
	char		additional[3];
	int64_t		second;
	uint32_t	number;

	if (sp.store != NULL)
		store_next_connection(sp.store, &second, &number);
	else {			/* a ping, whatever ails the spool */
		second = time(NULL);
		number = arc4random_uniform(36 * 36);
	}
	utctime_set(&now, second);
	additional[0] = digits[number / 36 % 36];
	additional[1] = digits[number % 36];
	additional[2] = '\0';
	memset(id, 0, sizeof(*id));
	/* CallingSSuserReference is a CHOICE; normal mode has the other */
	id->user_len = put_reference(id->user,
	    p->conf.mode == MODE_NORMAL ? OCTETSTRING : T61STRING,
	    p->conf.local.name[0] != '\0' ? p->conf.local.name :
	    sp.mta.name);
	id->common_len = put_reference(id->common, UTCTIME, now.text);
	id->additional_len = put_reference(id->additional, T61STRING,
	    additional);
}

uint32_t
assoc_number(void)
{
	if (++sp.next_assoc & ASSOC_INCOMING || sp.next_assoc == 0)
		sp.next_assoc = 1;
	return (sp.next_assoc);
}

int
assoc_connection(struct assoc *a, struct s_connection_id *id)
{
	connection_make(a->peer, id);
	memset(&a->conn, 0, sizeof(a->conn));
	a->conn.id = store_connection_id(sp.store);
	a->conn.association = a->row.id;
	a->put_conn = 1;
	return (connection_key(id, &a->conn.key));
}

/* A reference with tag and length loses them, one without is given them. */
static uint8_t
other_form(uint8_t *p, uint8_t len, size_t size, uint8_t tag)
{
	if (len >= 2 && p[1] == len - 2) {
		memmove(p, p + 2, len - 2);
		return (len - 2);
	}
	if (len == 0 || (size_t)len + 2 > size)
		return (len);
	memmove(p + 2, p, len);
	p[0] = tag;
	p[1] = len;
	return (len + 2);
}

/*
 * The connections that a peer means.  It should name them octet for octet as
 * it did in the CN; but one that put bare characters there, where the
 * PConnect has strings of ASN.1, means the same.
 */
int
assoc_connections(const struct connection_key *key, int initiator,
    struct store_connection *conn, int max)
{
	struct s_connection_id	id;
	struct connection_key	other;
	int			n;

	n = store_connection_find(sp.store, key, initiator, conn, max);
	if (n != 0 || connection_key_parse(key, &id) == -1)
		return (n);
	id.user_len = other_form(id.user, id.user_len, sizeof(id.user),
	    T61STRING);
	id.common_len = other_form(id.common, id.common_len,
	    sizeof(id.common), UTCTIME);
	id.additional_len = other_form(id.additional, id.additional_len,
	    sizeof(id.additional), T61STRING);
	if (connection_key(&id, &other) == -1)
		return (0);
	return (store_connection_find(sp.store, &other, initiator, conn,
	    max));
}

/* Answering */

static void
answer(uint32_t id, const struct assoc_answer *ans)
{
	rtsd_send(IMSG_ASSOC_ANSWER, id, -1, ans, sizeof(*ans));
}

/* Who has not said who he is does not fill the log; the rest is counted. */
static int
may_say(const struct assoc_ind *ind)
{
	static uint64_t	since;
	static unsigned	said, unsaid;
	uint64_t	now = spool_clock();

	if (ind->peer != 0)
		return (1);
	if (since == 0 || now - since >= 60 * 1000) {
		if (unsaid > 0)
			log_info(EVT_LINES_OMITTED, "lines=%u seconds=%llu: of "
			    "recoveries of nobody that is known", unsaid,
			    (unsigned long long)(now - since) / 1000);
		since = now;
		said = unsaid = 0;
	}
	if (++said <= REFUSALS_SAID)
		return (1);
	unsaid++;
	return (0);
}

static struct peer *
peer_by_id(uint32_t id)
{
	struct peer	*p;

	TAILQ_FOREACH(p, &sp.peers, entry)
		if (p->conf.id == id)
			return (p);
	return (NULL);
}

static void
was_refused(struct peer *p, const char *address, const char *why)
{
	p->refused_in++;
	p->last_refused = time(NULL);
	strlcpy(p->refused.address, address, sizeof(p->refused.address));
	strlcpy(p->refused.why, why, sizeof(p->refused.why));
}

int
assoc_call_refused(const uint8_t *data, size_t len)
{
	struct call_refused	 cr;
	struct peer		*p;

	if (len != sizeof(cr))
		return (-1);
	memcpy(&cr, data, sizeof(cr));
	if (memchr(cr.address, '\0', sizeof(cr.address)) == NULL ||
	    memchr(cr.why, '\0', sizeof(cr.why)) == NULL)
		return (-1);
	/* a reload may have taken it away meanwhile */
	if ((p = peer_by_id(cr.peer)) != NULL)
		was_refused(p, cr.address, cr.why);
	return (0);
}

static int
refuse(uint32_t id, const struct assoc_ind *ind, const char *peer,
    int reason, const char *why)
{
	struct assoc_answer	 ans;
	struct peer		*p;

	memset(&ans, 0, sizeof(ans));
	ans.refuse = reason;
	ans.peer = ind->peer;
	answer(id, &ans);
	TAILQ_FOREACH(p, &sp.peers, entry)
		if (strcmp(p->conf.name, peer) == 0)
			was_refused(p, ind->address, why);
	if (may_say(ind))
		log_info(EVT_ASSOC_REFUSED, "peer=%s address=\"%.*s\": %s",
		    peer, (int)sizeof(ind->address), ind->address, why);
	return (0);
}

static void
ask(struct assoc *a, uint32_t id, const struct assoc_ind *ind,
    const struct connection_key *key)
{
	assoc_register(a, id);
	a->state = ASSOC_ASKED;
	strlcpy(a->address, ind->address, sizeof(a->address));
	memset(&a->conn, 0, sizeof(a->conn));
	a->conn.id = store_connection_id(sp.store);
	a->conn.association = a->row.id;
	a->conn.key = *key;
	a->put_row = a->put_conn = 1;
	a->say = SAY_ANSWER;
	memset(&a->answer, 0, sizeof(a->answer));
	a->answer.accept = 1;
	a->answer.turn = a->row.turn;
	a->answer.dialogue = a->row.dialogue;
	a->answer.peer = a->peer->conf.id;
	a->answer.checkpoint = a->row.checkpoint;
	a->answer.window = a->row.window;
	/* a recovery may offer less than what was agreed at first */
	if (ind->window != 0 && ind->window < a->answer.window)
		a->answer.window = ind->window;
	assoc_dirty(a);
}

/* 0 offered: we may choose; 0 of ours: none (X.410 4.2.1.1). */
static uint32_t
negotiate_checkpoint(uint32_t offer, uint32_t ours)
{
	return (offer == 0 || ours < offer ? ours : offer);
}

/*
 * Associations that peers may open to us: all but an eighth, which is for
 * those that we open, and for a peer that has some not the last ones, of which
 * each peer that has none may want one.
 */
static int
has_room(const struct peer *p)
{
	static uint64_t		 look;
	const struct assoc	*a;
	struct peer		*q;
	uint32_t		 max = sp.mta.max_associations, kept = 0;

	if (max == 0)
		return (1);
	if (sp.nassoc + max / 8 >= max)
		return (0);
	look++;
	TAILQ_FOREACH(a, &sp.assocs, entry)
		if (a->peer != NULL && a->id != 0)
			a->peer->has_some = look;
	if (p->has_some != look)
		return (1);
	TAILQ_FOREACH(q, &sp.peers, entry)
		kept += q->has_some != look && !q->conf.disabled && !q->down;
	if (kept > max / 4)
		kept = max / 4;
	return (sp.nassoc + max / 8 + kept < max);
}

static int
ind_open(uint32_t id, const struct assoc_ind *ind,
    const struct connection_key *key)
{
	struct peer	*p;
	struct assoc	*a;

	if ((p = peer_by_id(ind->peer)) == NULL || p->target == NULL)
		return (refuse(id, ind, "?", RTS_VALIDATION_FAILURE,
		    "unknown peer"));
	if (p->conf.disabled || p->down)
		return (refuse(id, ind, p->conf.name, RTS_BUSY,
		    "taken out of service"));
	if (ind->dialogue == DIALOGUE_TWA &&
	    p->conf.dialogue != DIALOGUE_TWA)
		return (refuse(id, ind, p->conf.name,
		    RTS_UNACCEPTABLE_DIALOGUE_MODE, "it proposes two-way "
		    "alternate, monologue is configured"));
	if (!has_room(p))
		return (refuse(id, ind, p->conf.name, RTS_BUSY,
		    "too many associations"));
	if (poison_peer_shut(p) > 0)
		return (refuse(id, ind, p->conf.name, RTS_BUSY, shut_out));
	if ((a = assoc_new(p)) == NULL)
		return (refuse(id, ind, p->conf.name, RTS_BUSY,
		    "out of memory"));
	poison_peer_opens(p);
	a->row.id = store_next_id(sp.store);
	a->row.peer = p->target->number;
	a->row.dialogue = ind->dialogue;
	a->row.turn = ind->turn;
	a->row.checkpoint = negotiate_checkpoint(ind->checkpoint,
	    p->conf.checkpoint);
	a->row.window = ind->window < p->conf.window || p->conf.window == 0 ?
	    ind->window : p->conf.window;
	if (a->row.window == 0)
		a->row.window = 1;
	a->row.opened = time(NULL);
	a->row.next_activity = 1;
	strlcpy(a->row.address, ind->address, sizeof(a->row.address));
	ask(a, id, ind, key);
	return (0);
}

static int
count_receiving(void *arg, const struct store_receiving *r)
{
	*(int *)arg = 1;
	return (1);
}

int
assoc_has_partial(const struct assoc *a)
{
	int	n = 0;

	if (store_receiving_of(sp.store, a->row.id, count_receiving,
	    &n) == -1)
		return (-1);
	return (n);
}

/* Rule 2: whose turn it is follows from who was sending. */
static int
derive_turn(const struct assoc *a)
{
	int	theirs = assoc_has_partial(a) == 1;
	int	ours = xfer_in_question(a);

	if (a->row.dialogue == DIALOGUE_MONOLOGUE)
		return (TURN_INITIATOR);
	if (theirs != ours)
		return ((ours != 0) == (a->row.initiator != 0) ?
		    TURN_INITIATOR : TURN_RESPONDER);
	return (a->row.turn);
}

/* The association that was known by that identifier, from that host. */
static struct assoc *
recovered_assoc(const struct assoc_ind *ind, const struct connection_key *key,
    const char **why)
{
	struct store_connection	 conn[8];
	struct store_association row;
	struct target		*t;
	struct assoc		*a;
	int			 i, n;

	*why = "not known here";
	if ((n = assoc_connections(key, 0, conn, nitems(conn))) == -1)
		goto fail;
	for (i = 0; i < n; i++) {
		switch (store_association_get(sp.store, conn[i].association,
		    &row)) {
		case -1:
			goto fail;
		case 0:
			continue;
		}
		if (!same_host(row.address, ind->address)) {
			*why = "it was with another host";
			continue;
		}
		if ((t = target_number(row.peer)) == NULL ||
		    t->peer == NULL || t->peer->down ||
		    t->peer->conf.disabled || (ind->peer != 0 &&
		    ind->peer != t->peer->conf.id)) {
			*why = "it was with another peer";
			continue;
		}
		if (poison_peer_shut(t->peer) > 0) {
			*why = shut_out;
			return (NULL);
		}
		TAILQ_FOREACH(a, &sp.assocs, entry)
			if (a->row.id == row.id)
				break;
		if (a != NULL && a->drop)
			continue;
		if (a == NULL) {
			if ((a = assoc_new(t->peer)) == NULL) {
				*why = "out of memory";
				return (NULL);
			}
			a->row = row;
			a->next_activity = row.next_activity;
		}
		a->established = conn[i];
		return (a);
	}
	return (NULL);
fail:
	*why = "spool failed";
	spool_failed(store_error(sp.store));
	return (NULL);
}

/*
 * Who asks to recover has not said who he is.  Nobody is let cause a commit
 * by that alone: something is known of that host, or by that identifier.
 */
static int
worth_a_commit(const struct assoc_ind *ind, const struct connection_key *old)
{
	struct store_connection	 conn;
	struct assoc		*a;

	TAILQ_FOREACH(a, &sp.assocs, entry)
		if (same_host(a->row.address, ind->address))
			return (1);
	return (sp.store == NULL || assoc_connections(old, 0, &conn, 1) != 0);
}

static int
ind_recover(uint32_t id, const struct assoc_ind *ind,
    const struct connection_key *key)
{
	struct connection_key	 old;
	struct assoc		*a;
	const char		*why;
	char			 text[160], words[256];

	/* what a half-open connection still holds must be on record */
	if (connection_key(&ind->recovered, &old) == -1)
		return (-1);
	if (worth_a_commit(ind, &old) && spool_commit() == -1)
		return (refuse(id, ind, "?", RTS_BUSY, sp.state));
	if ((a = recovered_assoc(ind, &old, &why)) == NULL) {
		snprintf(words, sizeof(words), "recovery of [%s]: %s",
		    connection_text(&old, text, sizeof(text)), why);
		return (refuse(id, ind, "?", sp.failing || why == shut_out ?
		    RTS_BUSY : RTS_CANNOT_RECOVER, words));
	}
	if (a->id != 0) {
		assoc_say_down(a, "superseded by its recovery");
		assoc_detach(a, RTS_ABORT_TEMPORARY_PROBLEM, 1);
		xfer_down(a);
		if (spool_commit() == -1)
			return (refuse(id, ind, a->peer->conf.name, RTS_BUSY,
			    sp.state));
	}
	poison_peer_opens(a->peer);
	a->recovering = 1;
	a->gone = a->anew = 0;
	a->row.lost = 0;
	a->row.turn = derive_turn(a);
	ask(a, id, ind, key);
	return (0);
}

int
assoc_ind(uint32_t id, const struct assoc_ind *ind)
{
	struct connection_key	 key;

	if (!(id & ASSOC_INCOMING) || assoc_find(id) != NULL ||
	    memchr(ind->address, '\0', sizeof(ind->address)) == NULL ||
	    ind->turn > TURN_RESPONDER || ind->dialogue > DIALOGUE_TWA ||
	    connection_key(&ind->id, &key) == -1)
		return (-1);
	if (!spool_receiving())
		return (refuse(id, ind, conf_peer_name(ind->peer), RTS_BUSY,
		    sp.stopping ? "stopping" : sp.state));
	return (ind->recover ? ind_recover(id, ind, &key) :
	    ind_open(id, ind, &key));
}

/*
 * A peer that lost its record of an association with it opens another one
 * and will never recover the first.  It has confirmed nothing there: what it
 * confirms is on its record.  One that still means to recover, and only has
 * something else to send, does so within the time between two tries.
 */
static void
opened_anew(const struct peer *p)
{
	struct assoc	*a;

	TAILQ_FOREACH(a, &sp.assocs, entry)
		if (a->peer == p && !a->row.initiator && a->id == 0 &&
		    !a->drop && !a->gone && xfer_unconfirmed(a))
			a->anew = 1;
}

/* How long an association that a peer lost is kept for its recovery, s. */
static int64_t
keep_time(const struct assoc *a)
{
	return (a->anew ? a->peer->conf.recovery_delay :
	    a->peer->conf.recovery_keep);
}

int
assoc_up(struct assoc *a, const struct assoc_up *up)
{
	char	text[160];

	if ((a->state != ASSOC_OPENING && a->state != ASSOC_ANSWERED) ||
	    a->say != 0 || up->turn > TURN_RESPONDER ||
	    up->dialogue > DIALOGUE_TWA ||
	    memchr(up->address, '\0', sizeof(up->address)) == NULL ||
	    memchr(up->tls, '\0', sizeof(up->tls)) == NULL)
		return (-1);
	a->state = ASSOC_IS_UP;
	a->recovered = a->recovering;
	a->progress = 0;
	a->row.checkpoint = up->checkpoint;
	a->row.window = up->window;
	a->row.dialogue = up->dialogue;
	a->row.turn = up->turn;
	a->row.lost = 0;
	a->row.connection = a->conn.id;
	a->turn_ours = (up->turn == TURN_INITIATOR) == (a->row.initiator != 0);
	strlcpy(a->address, up->address, sizeof(a->address));
	strlcpy(a->tls, up->tls, sizeof(a->tls));
	strlcpy(a->row.address, up->address, sizeof(a->row.address));
	a->put_row = 1;
	assoc_dirty(a);
	log_info(a->recovering ? EVT_ASSOC_RECOVERED : EVT_ASSOC_UP,
	    "%s role=%s address=\"%s\" checkpoint=%u window=%u "
	    "dialogue=%s%s%s%s%s%s%s", assoc_name(a), a->row.initiator ?
	    "initiator" : "responder", a->address, a->row.checkpoint,
	    a->row.window, a->row.dialogue == DIALOGUE_TWA ? "twa" :
	    "monologue", a->tls[0] != '\0' ? " tls=\"" : "", a->tls, a->tls[0]
	    != '\0' ? "\"" : "", a->recovering ? " was=\"" : "", a->recovering ?
	    connection_text(&a->established.key, text, sizeof(text)) : "",
	    a->recovering ? "\"" : "");
	if (a->recovering) {
		if (a->row.initiator)
			sp.stats.recoveries_out++;
		else
			sp.stats.recoveries_in++;
	}
	if (a->row.initiator)
		a->peer->opened_out++;
	else
		a->peer->opened_in++;
	a->established = a->conn;
	a->uncertain = 0;
	a->died = 0;
	a->ended = 0;
	a->peer->poll = 0;
	if (a->recovering)
		a->peer->cannot_recover = 0;
	a->active = spool_clock();
	if (!a->row.initiator && !a->recovering)
		opened_anew(a->peer);
	schedule_up(a);
	return (0);
}

/* One that the peer had opened is down: it may come back. */
static void
incoming_down(struct assoc *a, const struct assoc_down *down, int was_up)
{
	xfer_down(a);
	if (down->kind == DOWN_RELEASED || (!was_up && !a->recovering)) {
		if (xfer_suspended(a) == 0 && assoc_has_partial(a) == 0) {
			xfer_abandon(a, 0, "");
			assoc_drop(a);
			return;
		}
	}
	a->row.lost = time(NULL);
	a->lost = spool_clock();
	a->put_row = 1;
	if (!xfer_in_question(a))
		a->gone = 1;
	assoc_dirty(a);
}

/*
 * The first of a row of calls that fail alike has a line, then the 2nd, 4th,
 * 8th ..., and every hundredth: a link that is down does not fill the log
 * (KB Q157630, Q175354).
 */
static void
say_down(const struct assoc *a, const struct assoc_down *down,
    enum assoc_state was)
{
	struct peer	*p = a->peer;
	const char	*text = down_text(down);

	if (!a->row.initiator || was == ASSOC_IS_UP || was == ASSOC_CLOSING) {
		assoc_say_down(a, text);
		return;
	}
	if (strncmp(p->said, text, sizeof(p->said) - 1) != 0)
		p->calls = 0;
	strlcpy(p->said, text, sizeof(p->said));
	p->calls++;
	if ((p->calls & (p->calls - 1)) == 0 || p->calls % 100 == 0)
		log_info(EVT_CALL_FAILED, "%s calls=%u: %s", assoc_name(a),
		    p->calls, text);
}

int
assoc_down(struct assoc *a, const struct assoc_down *down)
{
	enum assoc_state	was = a->state;

	if (memchr(down->text, '\0', sizeof(down->text)) == NULL ||
	    down->kind > DOWN_ABORTED_BY_US)
		return (-1);
	say_down(a, down, was);
	/* its last checkpoints are to be on record before it is judged */
	assoc_unregister(a);
	if (spool_commit() == -1 && sp.store == NULL)
		return (0);
	if (a->row.initiator)
		schedule_down(a, was, down);
	else
		incoming_down(a, down, was == ASSOC_IS_UP ||
		    was == ASSOC_CLOSING);
	return (0);
}

/* The store */

int
assoc_flush(void)
{
	struct assoc	*a;

	TAILQ_FOREACH(a, &dirty, dirty_entry) {
		if (a->no_recovery != 0 && store_target_no_recovery(sp.store,
		    a->row.peer, a->no_recovery) == -1)
			return (-1);
		if (a->drop) {
			if (recv_forget(a->row.id) == -1 ||
			    store_association_delete(sp.store,
			    a->row.id) == -1)
				return (-1);
			continue;
		}
		if (a->put_row &&
		    store_association_put(sp.store, &a->row) == -1)
			return (-1);
		if (a->put_conn &&
		    store_connection_put(sp.store, &a->conn) == -1)
			return (-1);
		if (a->put_conn && a->recovering && store_connection_prune(
		    sp.store, a->row.id, xfer_oldest_connection(a),
		    a->row.connection) == -1)
			return (-1);
		if (a->drop_conn != 0 &&
		    store_connection_delete(sp.store, a->drop_conn) == -1)
			return (-1);
	}
	return (0);
}

static void
say(struct assoc *a)
{
	if (a->say == SAY_ANSWER) {
		a->state = ASSOC_ANSWERED;
		answer(a->id, &a->answer);
	} else if (a->say == SAY_OPEN)
		schedule_open_now(a);
	a->say = 0;
}

void
assoc_committed(void)
{
	struct assoc	*a;

	while ((a = TAILQ_FIRST(&dirty)) != NULL) {
		TAILQ_REMOVE(&dirty, a, dirty_entry);
		a->dirty = 0;
		if (a->ended > 0 && a->id != 0)
			rtsd_send(IMSG_XFER_SETTLED, a->id, -1, &a->ended,
			    sizeof(a->ended));
		a->ended = 0;
		a->put_row = a->put_conn = 0;
		a->drop_conn = 0;
		a->no_recovery = 0;
		if (a->drop || (a->gone && a->id == 0))
			assoc_free(a);
		else
			say(a);
	}
}

/* Those that waited for an answer get another one. */
void
assoc_failed(void)
{
	struct assoc_answer	 ans;
	struct assoc		*a, *next;

	for (a = TAILQ_FIRST(&dirty); a != NULL; a = next) {
		next = TAILQ_NEXT(a, dirty_entry);
		if (a->say != SAY_ANSWER)
			continue;
		memset(&ans, 0, sizeof(ans));
		ans.refuse = RTS_BUSY;
		ans.peer = a->peer->conf.id;
		answer(a->id, &ans);
		log_info(EVT_ASSOC_REFUSED, "%s: %s", assoc_name(a), sp.state);
		assoc_unregister(a);
		a->put_conn = 0;
		if (a->recovering) {
			a->row.lost = time(NULL);
			a->gone = !xfer_in_question(a);
		} else
			a->drop = 1;
	}
}

/*
 * Recovery time is over on the receiving side (rule 8).  An unknown peer does
 * not see to its own associations any more.  How many.
 */
static int
expire_peer(const struct target *t, int64_t before)
{
	struct assoc	*a;
	uint64_t	 ids[64];
	int		 i, n, r = 0;

	if ((n = store_association_expired(sp.store, t->number, before,
	    t->peer == NULL, ids, nitems(ids))) <= 0) {
		if (n == -1)
			spool_failed(store_error(sp.store));
		return (n);
	}
	if (store_begin(sp.store) == -1) {
		spool_failed(store_error(sp.store));
		return (-1);
	}
	for (i = 0; i < n && r == 0; i++) {
		TAILQ_FOREACH(a, &sp.assocs, entry)
			if (a->row.id == ids[i])
				break;
		if (a != NULL)
			continue;
		r = recv_forget(ids[i]);
		if (r == 0)
			r = store_association_delete(sp.store, ids[i]);
	}
	if (r == -1 || store_commit(sp.store) == -1) {
		content_keep();
		store_rollback(sp.store);
		spool_failed(store_error(sp.store));
		return (-1);
	}
	content_discarded();
	return (n < (int)nitems(ids) ? 0 : n);
}

int64_t
assoc_keep(const struct target *t)
{
	return (t == NULL || t->peer == NULL ? KEEP_UNKNOWN :
	    (int64_t)t->peer->conf.recovery_keep);
}

void
assoc_expire(time_t now)
{
	static time_t	 last;
	struct target	*t;
	struct assoc	*a;
	int		 i;

	if (now >= last && now - last < 2)
		return;
	last = now;
	TAILQ_FOREACH(a, &sp.assocs, entry) {
		if (a->row.initiator || a->id != 0 || a->drop || a->gone ||
		    a->row.lost == 0 || now - a->row.lost <= keep_time(a))
			continue;
		log_info(EVT_NOT_RECOVERED, "%s: %s, its messages are sent anew",
		    assoc_name(a), a->anew ? "another one opened" :
		    "not in time");
		xfer_abandon(a, 0, "not recovered");
		a->gone = 1;
		assoc_dirty(a);
	}
	TAILQ_FOREACH(t, &sp.targets, entry) {
		if (t->kind != TARGET_PEER)
			continue;
		for (i = 0; i < EXPIRE_ROUNDS && !sp.failing; i++)
			if (expire_peer(t, now - assoc_keep(t)) <= 0)
				break;
	}
	if (!sp.failing)
		recv_expire(now);
}
