/* SPDX-License-Identifier: ISC */

/*
 * spoold as a sender: what is opened when, what goes first, and what becomes
 * of a transfer after each kind of loss.
 */

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "imsg.h"
#include "spool_sender.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED
#endif
#endif

#define IN	SENDER_IN

static char	dir[64];

static int
setup(void **state)
{
	fake_setup(dir, sizeof(dir));
	return (0);
}

static int
teardown(void **state)
{
	fake_teardown(dir);
	return (0);
}

static void
life_send(const char *d)
{
	uint32_t	id, x[12], i;

	life_begin(d);
	queue_up(1, 10, PRIORITY_NORMAL, 1000);
	queue_up(50, 1, PRIORITY_NON_URGENT, 1000);
	queue_up(60, 1, PRIORITY_URGENT, 1000);
	CHECK(queue_length() == 12);
	id = expect_open(0);
	CHECK(nothing_sent());
	up(id, TURN_INITIATOR, 0);
	/* ahead of time, the urgent one first, non-urgent last */
	for (i = 0; i < PREFETCH; i++) {
		x[i] = expect_xfer(id, 0, 0);
		CHECK(req.priority == (i == 0 ? PRIORITY_URGENT :
		    PRIORITY_NORMAL));
		CHECK(req.activity.len == 3 && req.activity.octets[0] == 2 &&
		    req.activity.octets[2] == i + 1);
		CHECK(req.content_len == 1000);
	}
	CHECK(nothing_sent());
	for (i = 0; i < 12; i++) {
		begun(id, x[i], 1500);
		done(id, x[i]);
		if (i + PREFETCH < 12) {
			x[i + PREFETCH] = expect_xfer(id, 0, 0);
			if (i + PREFETCH == 11)
				CHECK(req.priority == PRIORITY_NON_URGENT);
		}
	}
	CHECK(queue_length() == 0);
	CHECK(nothing_sent());
	CHECK(sp.stats.sent == 12);
	fake_offset += 299 * 1000;
	schedule_tick();
	CHECK(nothing_sent());
	fake_offset += 2 * 1000;
	schedule_tick();
	next(IMSG_ASSOC_CLOSE);
	down(id, DOWN_RELEASED, 0);
	schedule_tick();
	CHECK(nothing_sent());
}

static void
test_send(void **state)
{
	assert_int_equal(fake_life(life_send, dir), 0);
}

/* Only the recipients of this peer are its responsibility. */
static void
life_flags(const char *d)
{
	const char		*to[3] = { TO_GAMMA, TO_BETA, TO_HERE };
	const struct sent	*s;
	struct message		*m;
	struct assoc		*a;
	uint32_t		 id;

	life_begin(d);
	fake_connected = 0;
	peer_opens(IN, GAMMA, 1, 0, 0);
	fake_connected = 1;
	recv_begin(IN, 1);
	recv_envelope(IN, 1, PRIORITY_NORMAL, 3, to);
	recv_number(IMSG_RECV_END, IN, 1);
	spool_turn();
	forget_sent();
	id = 0;
	TAILQ_FOREACH(a, &sp.assocs, entry)
		if (a->row.initiator && a->peer->conf.id == BETA)
			id = a->id;
	CHECK(id != 0);
	up(id, TURN_INITIATOR, 0);
	next(IMSG_XFER_REQ);
	s = next(IMSG_XFER_ENVELOPE);
	CHECK((m = message_deserialise(s->data, s->len)) != NULL);
	CHECK(m->nrecipient == 3);
	CHECK(!(m->recipient[0].flags & PRI_RESPONSIBILITY));
	CHECK(m->recipient[1].flags & PRI_RESPONSIBILITY);
	CHECK(!(m->recipient[2].flags & PRI_RESPONSIBILITY));
	CHECK(m->ntrace == 1);
	CHECK(strcmp(m->trace[0].domain.prmd, "ALPHA") == 0);
	CHECK(m->trace[0].action == TRACE_RELAYED);
	CHECK(utctime_get(&m->trace[0].arrival) > time(NULL) - 60);
}

static void
test_flags(void **state)
{
	assert_int_equal(fake_life(life_flags, dir), 0);
}

/* Retries grow; a peer that cannot be reached is not called all the time. */
static void
life_retry(const char *d)
{
	struct peer	*p;
	uint64_t	 first, second;

	life_begin(d);
	queue_up(1, 3, PRIORITY_NORMAL, 10);
	down(expect_open(0), DOWN_CONNECT_FAILED, 0);
	p = TAILQ_FIRST(&sp.peers);
	CHECK(p->conf.id == BETA);
	first = p->open.after[1] - spool_clock();
	/* 45 s at least, less what passed since */
	CHECK(first >= 30000 && first <= 76000);
	schedule_tick();
	spool_turn();
	CHECK(nothing_sent());
	fake_offset += 80 * 1000;
	down(expect_open(0), DOWN_REFUSED, RTS_BUSY);
	second = p->open.after[1] - spool_clock();
	CHECK(second > 76000 && second <= 151000);
	fake_offset += 160 * 1000;
	up(expect_open(0), TURN_INITIATOR, 0);
	CHECK(p->open.after[1] == 0);
	CHECK(queue_length() == 3);
}

static void
test_retry(void **state)
{
	assert_int_equal(fake_life(life_retry, dir), 0);
}

/* Calls that failed so far, s seconds later; each time it is time for one. */
static int
calls_after(int s)
{
	int	n = 0;

	while (s-- > 0) {
		fake_offset += 1000;
		schedule_tick();
		spool_turn();
		if (nothing_sent())
			continue;
		down(next(IMSG_ASSOC_OPEN)->id, DOWN_CONNECT_FAILED, 0);
		n++;
	}
	return (n);
}

/* Each priority has its own ladder. */
static void
life_ladders(const char *d)
{
	struct peer	*p;
	int		 n;

	fake_peer[0].retry_min[0] = 10;
	fake_peer[0].retry_max[0] = 20;
	fake_peer[0].retry_min[2] = fake_peer[0].retry_max[2] = 10000;
	life_begin(d);
	p = TAILQ_FIRST(&sp.peers);
	queue_up(1, 1, PRIORITY_NON_URGENT, 10);
	CHECK(calls_after(1) == 1);
	CHECK(calls_after(2000) == 0);
	/* one that is less patient calls at once, as it did not fail yet */
	queue_up(2, 1, PRIORITY_NORMAL, 10);
	n = calls_after(1000);
	CHECK(n >= 3 && n <= 5);	/* 60, 120, 240, 480, each a quarter */
	queue_up(3, 1, PRIORITY_URGENT, 10);
	n = calls_after(300);
	CHECK(n >= 12 && n <= 22);	/* 20 */
	/* what succeeds for one is good for all, from the first step on */
	ladder_passed(&p->open, &p->conf);
	CHECK(p->open.backoff[0] == 0 && p->open.backoff[1] == 0);
	CHECK(p->open.after[1] <= spool_clock() + 60000);
	CHECK(p->open.after[2] <= spool_clock() + 10000000);
}

static void
test_ladders(void **state)
{
	assert_int_equal(fake_life(life_ladders, dir), 0);
}

/* A peer that cannot receive is tried at the pace of what waits for it. */
static void
life_jeopardy_ladders(const char *d)
{
	uint32_t	id, x;
	int		s;

	fake_peer[0].retry_min[0] = fake_peer[0].retry_max[0] = 10;
	fake_peer[0].retry_min[2] = fake_peer[0].retry_max[2] = 1000;
	fake_peer[0].reserved_urgent = 0;
	fake_peer[0].max_associations = 1;
	fake_peer[0].idle = 100000;
	life_begin(d);
	queue_up(1, 1, PRIORITY_NON_URGENT, 100000);
	id = expect_open(0);
	up(id, TURN_INITIATOR, 0);
	x = expect_xfer(id, 0, 0);
	begun(id, x, 100200);
	head(id, x);
	confirmed(id, x, 1, 4096);
	xfer_fails(id, x, XFER_JEOPARDIZED);
	for (s = 0; s < 700; s++) {
		fake_offset += 1000;
		schedule_tick();
		spool_turn();
		CHECK(nothing_sent());
	}
	queue_up(2, 1, PRIORITY_URGENT, 10);
	schedule_tick();
	spool_turn();
	expect_xfer(id, 1, 0);
}

static void
test_jeopardy_ladders(void **state)
{
	assert_int_equal(fake_life(life_jeopardy_ladders, dir), 0);
}

/* Associations that were opened here, or are to be. */
static int
ours(void)
{
	struct assoc	*a;
	int		 n = 0;

	schedule_tick();
	spool_turn();
	TAILQ_FOREACH(a, &sp.assocs, entry)
		n += a->row.initiator;
	forget_sent();
	return (n);
}

/* Thresholds of each priority, while the one association has enough to do. */
static void
life_thresholds(const char *d)
{
	fake_peer[0].threshold[0] = 1;
	fake_peer[0].threshold[1] = 10;
	fake_peer[0].threshold[2] = 20;
	fake_peer[0].threshold_oldest[0] = 0;
	fake_peer[0].max_associations = 9;
	life_begin(d);
	queue_up(1, PREFETCH + 20, PRIORITY_NON_URGENT, 10);
	up(expect_open(0), TURN_INITIATOR, 0);
	forget_sent();
	CHECK(ours() == 1);
	queue_up(30, 1, PRIORITY_NON_URGENT, 10);
	CHECK(ours() == 2);		/* 21 of 20 */
	queue_up(40, 9, PRIORITY_NORMAL, 10);
	CHECK(ours() == 2);		/* and 9 of 10 */
	queue_up(50, 1, PRIORITY_NORMAL, 10);
	CHECK(ours() == 3);
	queue_up(60, 1, PRIORITY_URGENT, 10);
	CHECK(ours() == 3);		/* two are on their way: first these */
}

static void
test_thresholds(void **state)
{
	assert_int_equal(fake_life(life_thresholds, dir), 0);
}

/* Urgent ones get associations of their own. */
static void
life_urgent(const char *d)
{
	struct assoc	*a;

	fake_peer[0].threshold[0] = 1;
	fake_peer[0].max_associations = 4;
	life_begin(d);
	queue_up(1, PREFETCH + 1, PRIORITY_NON_URGENT, 10);
	up(expect_open(0), TURN_INITIATOR, 0);
	forget_sent();
	CHECK(ours() == 1);
	queue_up(60, PREFETCH + 1, PRIORITY_URGENT, 10);
	CHECK(ours() == 2);		/* at once */
	TAILQ_FOREACH(a, &sp.assocs, entry)
		if (a->state == ASSOC_OPENING) {
			up(a->id, TURN_INITIATOR, 0);
			break;
		}
	CHECK(ours() == 2);		/* one is left, no more than 1 */
	queue_up(80, 1, PRIORITY_URGENT, 10);
	CHECK(ours() == 3);
}

static void
test_urgent(void **state)
{
	assert_int_equal(fake_life(life_urgent, dir), 0);
}

/* What is urgent does not wait behind what is large, nor does the rest. */
static void
life_behind(const char *d)
{
	struct assoc	*a;
	uint32_t	 id, x, y, urgent = 0;
	int		 i;

	life_begin(d);
	queue_up(1, 1, PRIORITY_NORMAL, 1000000);
	id = expect_open(0);
	up(id, TURN_INITIATOR, 0);
	x = expect_xfer(id, 0, 0);
	begun(id, x, 1000500);
	forget_sent();
	queue_up(10, 3, PRIORITY_NORMAL, 10);
	CHECK(nothing_sent() && ours() == 1);
	queue_up(20, 1, PRIORITY_URGENT, 10);
	CHECK(ours() == 2);
	TAILQ_FOREACH(a, &sp.assocs, entry)
		if (a->state == ASSOC_OPENING)
			urgent = a->id;
	forget_sent();
	up(urgent, TURN_INITIATOR, 0);
	y = expect_xfer(urgent, 0, 0);
	CHECK(req.priority == PRIORITY_URGENT);
	begun(urgent, y, 100);
	done(urgent, y);
	/* that one is for urgent ones alone; the others go after the first */
	CHECK(nothing_sent());
	done(id, x);
	for (i = 0; i < 3; i++)
		expect_xfer(id, 0, 0);
	CHECK(nothing_sent());
}

static void
test_behind(void **state)
{
	assert_int_equal(fake_life(life_behind, dir), 0);
}

/* Each priority waits as long as it may. */
static void
life_oldest(const char *d)
{
	int	n;

	fake_peer[0].threshold_oldest[0] = 0;
	fake_peer[0].threshold_oldest[1] = 1;
	fake_peer[0].threshold_oldest[2] = 3000;
	life_begin(d);
	queue_up(1, PREFETCH + 1, PRIORITY_NON_URGENT, 10);
	up(expect_open(0), TURN_INITIATOR, 0);
	forget_sent();
	queue_up(50, 1, PRIORITY_URGENT, 10);
	sleep(3);			/* an id tells when it came */
	n = ours();
	queue_up(60, 1, PRIORITY_NORMAL, 10);
	sleep(3);
	CHECK(ours() == n + 1);
}

static void
test_oldest(void **state)
{
	assert_int_equal(fake_life(life_oldest, dir), 0);
}

/* More associations for more messages, one kept for urgent ones. */
static void
life_more(const char *d)
{
	struct assoc	*a;
	uint32_t	 id;
	int		 n = 0;

	life_begin(d);
	queue_up(1, 130, PRIORITY_NORMAL, 10);
	id = expect_open(0);
	CHECK(nothing_sent());		/* first see whether it answers */
	up(id, TURN_INITIATOR, 0);
	forget_sent();
	TAILQ_FOREACH(a, &sp.assocs, entry)
		n += a->row.initiator;
	CHECK(n == 3);			/* of 4, one is reserved */
	queue_up(500, 1, PRIORITY_URGENT, 10);
	schedule_tick();
	spool_turn();
	n = 0;
	TAILQ_FOREACH(a, &sp.assocs, entry)
		n += a->row.initiator;
	TAILQ_FOREACH(a, &sp.assocs, entry)
		if (a->state == ASSOC_OPENING && !a->urgent_only)
			up(a->id, TURN_INITIATOR, 0);
	schedule_tick();
	spool_turn();
	CHECK(queue_ready(target_get(TARGET_PEER, "beta"), 0) == 0);
}

static void
test_more(void **state)
{
	assert_int_equal(fake_life(life_more, dir), 0);
}

/* Recovery: killed, or the connection lost, at a confirmed checkpoint. */

static int	ending;		/* enum assoc_down_kind, -1: SIGKILL */
static int	ending_reason;
static struct s_connection_id	*shared_id;	/* of the first life */

static void
start_large(const char *d, uint32_t *id, uint32_t *x, int checkpoints)
{
	int	i;

	life_begin(d);
	queue_up(1, 3, PRIORITY_NORMAL, 100000);
	*id = expect_open(0);
	*shared_id = opened.id;
	up(*id, TURN_INITIATOR, 0);
	for (i = 0; i < 3; i++)
		x[i] = expect_xfer(*id, 0, 0);
	begun(*id, x[0], 100200);
	head(*id, x[0]);
	for (i = 1; i <= checkpoints; i++)
		confirmed(*id, x[0], i, i * 4096);
}

static void
check_resumed(uint32_t id, uint32_t serial)
{
	uint32_t	x;

	CHECK(opened.recover);
	CHECK(memcmp(&opened.recovered, shared_id,
	    sizeof(*shared_id)) == 0);
	CHECK(memcmp(&opened.id, shared_id, sizeof(*shared_id)) != 0);
	CHECK(opened.checkpoint == 4 && opened.window == 3);
	CHECK(opened.turn == TURN_INITIATOR);
	up(id, TURN_INITIATOR, 0);
	x = expect_xfer(id, 1, serial == 0);
	CHECK(req.serial == serial);
	CHECK(req.offset == serial * 4096);
	CHECK(req.old_activity.len == 3 && req.old_activity.octets[2] == 1);
	CHECK(memcmp(&req.old_connection, shared_id,
	    sizeof(*shared_id)) == 0);
	CHECK(req.activity.octets[2] > 3 || req.activity.octets[1] > 1);
	if (serial > 0) {
		begun(id, x, 100200);
		spool_turn();
		done(id, x);
	} else {
		xfer_fails(id, x, XFER_DISCARDED);
		x = expect_xfer(id, 0, 0);
		CHECK(req.serial == 0);
		begun(id, x, 100200);
		done(id, x);
	}
	CHECK(sp.stats.sent == 1);
	CHECK(queue_length() == 2);
	/* the rest follows, anew */
	expect_xfer(id, 0, 0);
	expect_xfer(id, 0, 0);
	CHECK(nothing_sent());
}

static int	checkpoints_before;

static void
life_until_end(const char *d)
{
	uint32_t	id, x[3];

	start_large(d, &id, x, checkpoints_before);
	if (ending == -1)
		raise(SIGKILL);
	if (ending == -2) {
		rtsd_gone();
		fake_offset += 300;
	} else {
		down(id, ending, ending_reason);
		fake_offset += 300;
	}
	id = expect_open(1);
	check_resumed(id, checkpoints_before);
}

static void
life_after_kill(const char *d)
{
	life_begin(d);
	fake_offset += 300;
	check_resumed(expect_open(1), checkpoints_before);
}

static void
test_recovery(void **state)
{
	static const int	how[][2] = {
		{ -1, 0 }, { -2, 0 }, { DOWN_TRANSPORT_LOST, 0 },
		{ DOWN_TIMEOUT, 0 },
		{ DOWN_ABORTED_BY_PEER, RTS_ABORT_TEMPORARY_PROBLEM },
		{ DOWN_ABORTED_BY_PEER, RTS_ABORT_LOCAL_SYSTEM_PROBLEM },
		{ DOWN_ABORTED_BY_PEER, 255 },
	};
	size_t	i;

	for (i = 0; i < nitems(how) * 2; i++) {
		ending = how[i / 2][0];
		ending_reason = how[i / 2][1];
		checkpoints_before = i % 2 ? 3 : 0;
		if (ending == -1) {
			assert_int_equal(fake_life(life_until_end, dir),
			    256 + SIGKILL);
			assert_int_equal(fake_life(life_after_kill, dir), 0);
		} else
			assert_int_equal(fake_life(life_until_end, dir), 0);
		teardown(NULL);
		setup(NULL);
	}
}

/* Reasons after which the same would happen again; recover no. */
static void
life_fresh(const char *d)
{
	uint32_t	id, x[3];

	start_large(d, &id, x, 2);
	down(id, ending, ending_reason);
	fake_offset += 300 * 1000;
	id = expect_open(0);
	up(id, TURN_INITIATOR, 0);
	expect_xfer(id, 0, 0);
	CHECK(req.serial == 0 && req.activity.octets[2] == 1);
}

static void
test_fresh(void **state)
{
	static const int	reason[] = { RTS_ABORT_INVALID_PARAMETER,
	    RTS_ABORT_UNRECOGNIZED_ACTIVITY, RTS_ABORT_PROTOCOL_ERROR,
	    RTS_ABORT_PERMANENT_PROBLEM, RTS_ABORT_USER_ERROR };
	size_t			i;

	ending = DOWN_ABORTED_BY_PEER;
	for (i = 0; i < nitems(reason); i++) {
		ending_reason = reason[i];
		assert_int_equal(fake_life(life_fresh, dir), 0);
		teardown(NULL);
		setup(NULL);
	}
	ending = DOWN_TRANSPORT_LOST;
	fake_peer[0].recover = 0;
	assert_int_equal(fake_life(life_fresh, dir), 0);
}

/* The peer had it complete: resumed to be discarded, transferCompleted. */
static void
life_completed(const char *d)
{
	uint32_t	id, x;

	life_begin(d);
	fake_offset += 300;
	id = expect_open(1);
	up(id, TURN_INITIATOR, 0);
	x = expect_xfer(id, 1, 1);
	xfer_fails(id, x, XFER_COMPLETED);
	CHECK(sp.stats.sent == 1);
	CHECK(queue_length() == 2);
	/* we died: the next may have begun too, so it is asked for as well */
	x = expect_xfer(id, 1, 1);
	CHECK(req.old_activity.octets[2] == 2);
	down(id, DOWN_ABORTED_BY_PEER, RTS_ABORT_TRANSFER_COMPLETED);
	fake_offset += 300;
	id = expect_open(1);
	up(id, TURN_INITIATOR, 0);
	x = expect_xfer(id, 1, 1);
	CHECK(req.old_activity.octets[2] == 2);
	xfer_fails(id, x, XFER_UNRECOGNIZED);
	expect_xfer(id, 0, 0);
	expect_xfer(id, 0, 0);
	CHECK(nothing_sent());
	CHECK(queue_length() == 2);
}

static void
test_completed(void **state)
{
	ending = -1;
	checkpoints_before = 0;
	assert_int_equal(fake_life(life_until_end, dir), 256 + SIGKILL);
	assert_int_equal(fake_life(life_completed, dir), 0);
}

/* How the peer may answer a recover PConnect (rule 7). */
static void
life_cannot(const char *d)
{
	const struct sent *s;
	uint32_t	id, x[3];
	struct peer	*p;

	start_large(d, &id, x, 2);
	p = TAILQ_FIRST(&sp.peers);
	down(id, DOWN_TRANSPORT_LOST, 0);
	fake_offset += 300;
	id = expect_open(1);
	down(id, ending, ending_reason);
	if (ending == DOWN_CONNECT_FAILED || ending == DOWN_TRANSPORT_LOST ||
	    (ending == DOWN_REFUSED && ending_reason == RTS_BUSY)) {
		schedule_tick();
		spool_turn();
		forget_sent();
		fake_offset += 80 * 1000;
		CHECK(p->no_recovery == 0);
		schedule_tick();
		spool_turn();
		s = next(IMSG_ASSOC_OPEN);
		CHECK(((const struct assoc_open *)(const void *)
		    s->data)->recover);
		/* a peer that dies on it does so again */
		down(s->id, ending, ending_reason);
		CHECK((p->no_recovery > time(NULL)) ==
		    (ending == DOWN_TRANSPORT_LOST));
		return;
	}
	CHECK((p->no_recovery > time(NULL)) ==
	    (ending != DOWN_REFUSED || ending_reason !=
	    RTS_CANNOT_RECOVER));
	id = expect_open(0);	/* at once, once, without recover */
	up(id, TURN_INITIATOR, 0);
	x[0] = expect_xfer(id, 0, 0);
	CHECK(req.serial == 0);
	expect_xfer(id, 0, 0);
	expect_xfer(id, 0, 0);
	/* the next loss: is it asked to recover again? */
	begun(id, x[0], 100200);
	down(id, DOWN_TRANSPORT_LOST, 0);
	fake_offset += 300 * 1000;
	id = expect_open(p->no_recovery == 0);
	if (p->no_recovery != 0)
		return;
	/* cannotRecover twice in a row: enough */
	down(id, ending, ending_reason);
	CHECK(p->no_recovery > time(NULL));
}

static void
life_remembered(const char *d)
{
	int64_t	until;

	life_begin(d);
	CHECK(store_target_no_recovery_get(sp.store, target_get(TARGET_PEER,
	    "beta")->number, &until) == 1);
	CHECK(until > time(NULL));
}

static void
test_cannot_recover(void **state)
{
	static const int	how[][2] = {
		{ DOWN_CONNECT_FAILED, 0 },
		{ DOWN_REFUSED, RTS_BUSY },
		{ DOWN_REFUSED, RTS_CANNOT_RECOVER },
		{ DOWN_REFUSED, RTS_VALIDATION_FAILURE },
		{ DOWN_REFUSED_BELOW, 0 },
		{ DOWN_ABORTED_BY_PEER, RTS_ABORT_PROTOCOL_ERROR },
		{ DOWN_TRANSPORT_LOST, 0 },
		{ DOWN_TIMEOUT, 0 },
	};
	size_t	i;

	for (i = 0; i < nitems(how); i++) {
		ending = how[i][0];
		ending_reason = how[i][1];
		assert_int_equal(fake_life(life_cannot, dir), 0);
		if (i >= 2)
			assert_int_equal(fake_life(life_remembered, dir), 0);
		teardown(NULL);
		setup(NULL);
	}
}

/* When the peer is seen to be back, or told to be, no delay is waited for. */
static void
life_back(const char *d)
{
	struct peer	*p;
	uint32_t	 id, x[3];
	int		 i;

	start_large(d, &id, x, 2);
	p = TAILQ_FIRST(&sp.peers);
	down(id, DOWN_TRANSPORT_LOST, 0);
	fake_offset += 300;
	id = expect_open(1);
	for (i = 0; i < 2; i++) {
		down(id, DOWN_CONNECT_FAILED, 0);
		schedule_tick();
		spool_turn();
		forget_sent();		/* one that is new is tried as well */
		schedule_tick();
		spool_turn();
		CHECK(nothing_sent());
		if (i == 0) {
			peer_opens(IN + 1, BETA, 1, 0, 0);
			forget_sent();
		} else
			xfer_retry(p);
		schedule_tick();
		spool_turn();
		id = expect_open(1);
	}
	up(id, TURN_INITIATOR, 0);
	expect_xfer(id, 1, 0);
}

static void
test_back(void **state)
{
	assert_int_equal(fake_life(life_back, dir), 0);
}

/* Recovery timeout as initiator: fresh, and nothing is lost. */
static void
life_too_late(const char *d)
{
	uint32_t	id, x[3];

	fake_peer[0].recovery_timeout = 1;
	start_large(d, &id, x, 2);
	down(id, DOWN_TRANSPORT_LOST, 0);
	fake_offset += 300;
	id = expect_open(1);
	sleep(2);
	down(id, DOWN_CONNECT_FAILED, 0);
	fake_offset += 700 * 1000;
	id = expect_open(0);
	up(id, TURN_INITIATOR, 0);
	expect_xfer(id, 0, 0);
	CHECK(req.serial == 0);
	CHECK(queue_length() == 3);
}

static void
test_too_late(void **state)
{
	assert_int_equal(fake_life(life_too_late, dir), 0);
}

/* The peer cannot receive now: later, from the checkpoint, same association */
static void
life_jeopardized(const char *d)
{
	uint32_t	id, x[3];

	start_large(d, &id, x, 2);
	xfer_fails(id, x[0], XFER_JEOPARDIZED);
	CHECK(*(const uint32_t *)(const void *)
	    next(IMSG_XFER_CANCEL)->data == x[1]);
	next(IMSG_XFER_CANCEL);
	xfer_fails(id, x[1], XFER_NOT_BEGUN);
	xfer_fails(id, x[2], XFER_NOT_BEGUN);
	schedule_tick();
	spool_turn();
	CHECK(nothing_sent());
	fake_offset += 80 * 1000;
	schedule_tick();
	spool_turn();
	x[0] = expect_xfer(id, 1, 0);
	CHECK(req.serial == 2 && req.offset == 8192);
	CHECK(req.old_connection.user_len == 0);
	begun(id, x[0], 100200);
	done(id, x[0]);
	expect_xfer(id, 0, 0);
	expect_xfer(id, 0, 0);
	CHECK(queue_length() == 2);
}

static void
test_jeopardized(void **state)
{
	assert_int_equal(fake_life(life_jeopardized, dir), 0);
}

/* Two-way alternate: we send on an association that the peer opened. */
static void
life_twa(const char *d)
{
	const struct assoc_answer	*ans;
	struct assoc_ind		 ind;
	struct assoc_up			 u;
	uint32_t			 x;

	life_begin(d);
	fake_peer[0].naddress = 0;
	TAILQ_FIRST(&sp.peers)->conf.naddress = 0;
	TAILQ_FIRST(&sp.peers)->conf.dialogue = DIALOGUE_TWA;
	queue_up(1, 1, PRIORITY_NORMAL, 100000);
	peer_opens(IN + 1, BETA, 1, 0, DIALOGUE_TWA);
	x = expect_xfer(IN + 1, 0, 0);
	begun(IN + 1, x, 100200);
	head(IN + 1, x);
	confirmed(IN + 1, x, 1, 2048);
	down(IN + 1, DOWN_TRANSPORT_LOST, 0);
	CHECK(nothing_sent());
	/* it is for the peer to recover; the turn is ours then */
	memset(&ind, 0, sizeof(ind));
	ind.recover = 1;
	ind.dialogue = DIALOGUE_TWA;
	make_conn(&ind.id, "beta", 2);
	make_conn(&ind.recovered, "beta", 1);
	strlcpy(ind.address, "192.0.2.7:2", sizeof(ind.address));
	from_rtsd(IMSG_ASSOC_IND, IN + 2, &ind, sizeof(ind));
	spool_turn();
	ans = (const void *)next(IMSG_ASSOC_ANSWER)->data;
	CHECK(ans->accept && ans->turn == TURN_RESPONDER);
	memset(&u, 0, sizeof(u));
	u.turn = TURN_RESPONDER;
	u.dialogue = DIALOGUE_TWA;
	u.checkpoint = 2;
	u.window = 3;
	from_rtsd(IMSG_ASSOC_UP, IN + 2, &u, sizeof(u));
	spool_turn();
	x = expect_xfer(IN + 2, 1, 0);
	CHECK(req.serial == 1 && req.offset == 2048);
	CHECK(memcmp(&req.old_connection, &ind.recovered,
	    sizeof(ind.recovered)) == 0);
	begun(IN + 2, x, 100200);
	done(IN + 2, x);
	CHECK(queue_length() == 0);
}

static void
test_twa(void **state)
{
	assert_int_equal(fake_life(life_twa, dir), 0);
}

/* Ten thousand messages in the queue, and memory that does not care. */
static long
resident(void)
{
	long	pages = 0, total;
	FILE	*f;

	CHECK((f = fopen("/proc/self/statm", "r")) != NULL);
	CHECK(fscanf(f, "%ld %ld", &total, &pages) == 2);
	fclose(f);
	return (pages * (sysconf(_SC_PAGESIZE) / 1024));
}

static void
life_many(const char *d)
{
	struct target	*t;
	struct job	*j;
	uint64_t	 last = 0;
	long		 before;
	int		 i;

	life_begin(d);
	t = target_get(TARGET_PEER, "beta");
	before = resident();
	for (i = 0; i < 10; i++) {
		store_begin(sp.store);
		for (int k = 0; k < 1000; k++) {
			struct store_message	m;
			struct store_job	sj;

			memset(&m, 0, sizeof(m));
			memset(&sj, 0, sizeof(sj));
			m.id = sj.message = store_next_id(sp.store);
			m.envelope = "e";
			m.envelope_len = 1;
			m.routing = &t->number;
			m.nrouting = 1;
			CHECK(store_message_add(sp.store, &m) == 0);
			sj.target = t->number;
			sj.rank = 1;
			sj.sole = 1;
			CHECK(store_job_add(sp.store, &sj) == 0);
			queue_arrived(t, &sj);
		}
		CHECK(store_commit(sp.store) == 0);
	}
	CHECK(queue_ready(t, -1) == 10000);
#ifdef SANITIZED
	before += 1024 * 1024;		/* not that of a product */
#endif
	CHECK(resident() - before < 24 * 1024);
	CHECK(t->window[1].n <= 2 * JOB_WINDOW);
	for (i = 0; i < 10000; i++) {
		CHECK((j = queue_next(t, 0)) != NULL);
		CHECK(j->message > last);	/* in order, each once */
		last = j->message;
		queue_done(j);
		if (i % 100 == 0)
			CHECK(spool_commit() == 0);
	}
	CHECK(queue_next(t, 0) == NULL);
	CHECK(spool_commit() == 0);
	CHECK(queue_length() == 0);
}

static void
test_many(void **state)
{
	assert_int_equal(fake_life(life_many, dir), 0);
}

/* The table, row by row. */
static void
test_decisions(void **state)
{
	static const struct {
		struct recovery_case	 c;
		enum recovery_action	 a;
	} rows[] = {
#define R(q, rec, up_, kind_, reason_, ok, exp_, again_, act) { {	\
    .in_question = q, .recovering = rec, .was_up = up_,			\
    .kind = kind_, .reason = reason_, .allowed = ok, .expired = exp_,	\
    .again = again_ }, act }
		R(0, 0, 1, DOWN_TRANSPORT_LOST, 0, 1, 0, 0, RECOVERY_NONE),
		R(0, 0, 0, DOWN_CONNECT_FAILED, 0, 1, 0, 0, RECOVERY_NONE),
		R(1, 0, 1, DOWN_TRANSPORT_LOST, 0, 1, 0, 0, RECOVERY_NOW),
		R(1, 0, 1, DOWN_TRANSPORT_LOST, 0, 0, 0, 0, RECOVERY_FRESH),
		R(1, 0, 1, DOWN_TIMEOUT, 0, 1, 0, 0, RECOVERY_NOW),
		R(1, 0, 1, DOWN_RELEASED, 0, 1, 0, 0, RECOVERY_FRESH),
		R(1, 0, 1, DOWN_ABORTED_BY_PEER, 0, 1, 0, 0, RECOVERY_NOW),
		R(1, 0, 1, DOWN_ABORTED_BY_PEER, 1, 1, 0, 0,
		    RECOVERY_FRESH_PENALTY),
		R(1, 0, 1, DOWN_ABORTED_BY_PEER, 2, 1, 0, 0,
		    RECOVERY_FRESH_PENALTY),
		R(1, 0, 1, DOWN_ABORTED_BY_PEER, 3, 1, 0, 0, RECOVERY_NOW),
		R(1, 0, 1, DOWN_ABORTED_BY_PEER, 4, 1, 0, 0,
		    RECOVERY_FRESH_PENALTY),
		R(1, 0, 1, DOWN_ABORTED_BY_PEER, 5, 1, 0, 0,
		    RECOVERY_FRESH_PENALTY),
		R(1, 0, 1, DOWN_ABORTED_BY_PEER, 6, 1, 0, 0,
		    RECOVERY_FRESH_PENALTY),
		R(1, 0, 1, DOWN_ABORTED_BY_PEER, 7, 1, 0, 0, RECOVERY_NOW),
		R(1, 0, 1, DOWN_ABORTED_BY_PEER, 255, 1, 0, 0, RECOVERY_NOW),
		R(1, 0, 1, DOWN_ABORTED_BY_US, 4, 1, 0, 0,
		    RECOVERY_FRESH_PENALTY),
		R(1, 0, 1, DOWN_ABORTED_BY_US, 3, 1, 0, 0, RECOVERY_NOW),
		R(1, 1, 0, DOWN_CONNECT_FAILED, 0, 1, 0, 0, RECOVERY_LATER),
		R(1, 1, 0, DOWN_CONNECT_FAILED, 0, 1, 1, 0, RECOVERY_FRESH),
		R(1, 1, 0, DOWN_REFUSED, RTS_BUSY, 1, 0, 0, RECOVERY_LATER),
		R(1, 1, 0, DOWN_REFUSED, RTS_BUSY, 1, 1, 0, RECOVERY_FRESH),
		R(1, 1, 0, DOWN_REFUSED, RTS_CANNOT_RECOVER, 1, 0, 0,
		    RECOVERY_FRESH),
		R(1, 1, 0, DOWN_REFUSED, RTS_CANNOT_RECOVER, 1, 0, 1,
		    RECOVERY_FRESH_REMEMBER),
		R(1, 1, 0, DOWN_REFUSED, RTS_VALIDATION_FAILURE, 1, 0, 0,
		    RECOVERY_FRESH_REMEMBER),
		R(1, 1, 0, DOWN_REFUSED_BELOW, 0, 1, 0, 0,
		    RECOVERY_FRESH_REMEMBER),
		R(1, 1, 0, DOWN_TRANSPORT_LOST, 0, 1, 0, 0, RECOVERY_LATER),
		R(1, 1, 0, DOWN_TRANSPORT_LOST, 0, 1, 1, 0, RECOVERY_FRESH),
		R(1, 1, 0, DOWN_TRANSPORT_LOST, 0, 1, 0, 1,
		    RECOVERY_FRESH_REMEMBER),
		R(1, 1, 0, DOWN_TIMEOUT, 0, 1, 0, 0,
		    RECOVERY_FRESH_REMEMBER),
		R(1, 1, 0, DOWN_ABORTED_BY_PEER, 3, 1, 0, 0,
		    RECOVERY_FRESH_REMEMBER),
		R(1, 1, 1, DOWN_TRANSPORT_LOST, 0, 1, 0, 0, RECOVERY_NOW),
#undef R
	};
	size_t	i;

	for (i = 0; i < nitems(rows); i++)
		if (recovery_decide(&rows[i].c) != rows[i].a)
			fail_msg("row %zu: %d, not %d", i,
			    recovery_decide(&rows[i].c), rows[i].a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)
		cmocka_unit_test(test_decisions),
		T(test_send),
		T(test_flags),
		T(test_retry),
		T(test_ladders),
		T(test_jeopardy_ladders),
		T(test_thresholds),
		T(test_urgent),
		T(test_behind),
		T(test_oldest),
		T(test_more),
		T(test_recovery),
		T(test_fresh),
		T(test_completed),
		T(test_cannot_recover),
		T(test_back),
		T(test_too_late),
		T(test_jeopardized),
		T(test_twa),
		T(test_many),
#undef T
	};

	shared_id = fake_shared(sizeof(*shared_id));
	return (cmocka_run_group_tests_name("spool_out", tests, NULL, NULL));
}
