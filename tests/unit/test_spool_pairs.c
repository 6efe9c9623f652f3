/* SPDX-License-Identifier: ISC */

/*
 * By which (connection, activity) pair the two sides of a transfer speak of
 * it (X.410 clause 4.3.4, X.228 clause 7.8): an ACTIVITY RESUME can get lost,
 * so the sender names the last pair of which it has had an answer, and the
 * receiver knows a transfer by each that it ever had.  And what all this
 * leaves in the store stays bounded.
 */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "spool_sender.h"

#define IN	(ASSOC_INCOMING | 7)
#define PIECE	1000

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

/* As a receiver */

static void
pieces(uint32_t id, uint32_t from, uint32_t to)
{
	uint8_t		buf[PIECE];
	uint32_t	i;

	for (i = from; i < to; i++) {
		recv_octets(IMSG_RECV_MARKUP, id, "mk", 2);
		fill_octets(buf, (uint64_t)i * PIECE, PIECE);
		recv_octets(IMSG_RECV_CONTENT, id, buf, PIECE);
		recv_number(IMSG_RECV_CHECKPOINT, id, i + 1);
		spool_turn();
		next(IMSG_RECV_CONFIRM);
	}
}

/* Activity act of the present connection, said to be old_act of conn. */
static void
resume(uint32_t id, int act, int conn, int old_act, uint32_t serial)
{
	struct recv_resume	rs;

	memset(&rs, 0, sizeof(rs));
	make_act(&rs.activity, act);
	make_act(&rs.old_activity, old_act);
	if (conn != 0)
		make_conn(&rs.old_connection, "beta", conn);
	rs.serial = serial;
	from_rtsd(IMSG_RECV_RESUME, id, &rs, sizeof(rs));
}

/* complete, and the octets of content that the other side has to go on from */
static void
resumed(int complete, uint64_t len)
{
	const struct recv_resumed	*r;
	size_t				 markup = 0;

	spool_turn();
	while (markup < len / PIECE * 2)
		markup += next(IMSG_RECV_OLD_MARKUP)->len;
	r = (const void *)next(IMSG_RECV_RESUMED)->data;
	CHECK(r->complete == complete);
	CHECK(r->content_len == len);
}

static void
lost(uint32_t id)
{
	struct assoc_down	d;

	memset(&d, 0, sizeof(d));
	d.kind = DOWN_TRANSPORT_LOST;
	from_rtsd(IMSG_ASSOC_DOWN, id, &d, sizeof(d));
	spool_turn();
	forget_sent();
}

static void
end(uint32_t id, uint32_t serial)
{
	recv_envelope(id, 1, PRIORITY_NORMAL, 1, (const char *[]){ TO_HERE });
	recv_number(IMSG_RECV_END, id, serial);
	spool_turn();
	next(IMSG_RECV_ENDED);
}

/* Three checkpoints of activity 1 on connection 1 are confirmed. */
static void
begin(const char *d)
{
	life_begin(d);
	peer_opens(IN, BETA, 1, 0, 0);
	recv_begin(IN, 1);
	pieces(IN, 0, 3);
	lost(IN);
}

static void
once(const char *d)
{
	settle();
	CHECK(delivered_files(d, ".p2") == 1);
	CHECK(delivered_right(d, 5 * PIECE));
}

/* Resumed, but nothing of that arrives at the sender: it names the first. */
static void
life_every_pair(const char *d)
{
	int	i;

	begin(d);
	for (i = 2; i < 8; i++) {
		peer_opens(IN, BETA, i, i - 1, 0);
		resume(IN, i, 1, 1, 2);
		resumed(0, 2 * PIECE);
		lost(IN);
	}
	for (i = 7; i > 1; i--) {	/* each of the others is as good */
		peer_opens(IN, BETA, 20 - i, 19 - i > 12 ? 19 - i : 7, 0);
		resume(IN, 20 - i, i, i, 2);
		resumed(0, 2 * PIECE);
		lost(IN);
	}
	peer_opens(IN, BETA, 30, 18, 0);
	resume(IN, 1, 1, 1, 2);
	resumed(0, 2 * PIECE);
	pieces(IN, 2, 5);
	end(IN, 6);
	once(d);
}

static void
test_every_pair(void **state)
{
	assert_int_equal(fake_life(life_every_pair, dir), 0);
}

/* The resumption went to its end, of which the sender heard nothing. */
static void
life_end_after_resumption(const char *d)
{
	begin(d);
	peer_opens(IN, BETA, 2, 1, 0);
	resume(IN, 2, 1, 1, 3);
	resumed(0, 3 * PIECE);
	pieces(IN, 3, 5);
	end(IN, 6);
	lost(IN);
	peer_opens(IN, BETA, 3, 2, 0);
	resume(IN, 3, 1, 1, 3);
	resumed(1, 0);
	/* what rtsd now confirms of it the sender will name it by */
	lost(IN);
	raise(SIGKILL);
}

static void
life_end_after_death(const char *d)
{
	static const int	pairs[] = { 3, 2, 1 };
	size_t			i;

	life_begin(d);
	for (i = 0; i < nitems(pairs); i++) {
		peer_opens(IN, BETA, 4 + i, 3 + i, 0);
		resume(IN, 4 + i, pairs[i], pairs[i], i + 3);
		resumed(1, 0);
		lost(IN);
	}
	peer_opens(IN, BETA, 9, 6, 0);
	resume(IN, 9, 1, 1, 3);
	resumed(1, 0);
	recv_number(IMSG_RECV_END, IN, 6);
	spool_turn();
	next(IMSG_RECV_ENDED);
	once(d);
}

static void
test_end_after_resumption(void **state)
{
	assert_int_equal(fake_life(life_end_after_resumption, dir),
	    256 + SIGKILL);
	assert_int_equal(fake_life(life_end_after_death, dir), 0);
}

/* Resumption and what ends it come in one batch. */
static void
life_one_batch(const char *d)
{
	begin(d);
	peer_opens(IN, BETA, 2, 1, 0);
	resume(IN, 2, 1, 1, 3);
	recv_number(IMSG_RECV_INTERRUPT, IN, 0);
	spool_turn();
	next(IMSG_RECV_INTERRUPTED);
	lost(IN);
	peer_opens(IN, BETA, 3, 2, 0);
	resume(IN, 3, 2, 2, 3);		/* it had an answer to that */
	resumed(0, 3 * PIECE);
	pieces(IN, 3, 5);
	end(IN, 6);
	resume(IN, 4, 0, 3, 0);		/* complete, and discarded at once */
	recv_number(IMSG_RECV_DISCARD, IN, 0);
	spool_turn();
	CHECK(*(const uint32_t *)(const void *)
	    next(IMSG_RECV_DISCARDED)->data == 1);
	once(d);
}

static void
test_one_batch(void **state)
{
	assert_int_equal(fake_life(life_one_batch, dir), 0);
}

/* Serial 0: nothing was confirmed, so it need not be known. */
static void
life_unknown(const char *d)
{
	const struct recv_refuse	*r;

	life_begin(d);
	peer_opens(IN, BETA, 1, 0, 0);
	resume(IN, 1, 0, 77, 0);
	resumed(0, 0);
	pieces(IN, 0, 5);
	end(IN, 6);
	resume(IN, 2, 99, 1, 0);	/* nor its connection */
	resumed(0, 0);
	recv_number(IMSG_RECV_DISCARD, IN, 0);
	spool_turn();
	CHECK(*(const uint32_t *)(const void *)
	    next(IMSG_RECV_DISCARDED)->data == 0);
	resume(IN, 3, 99, 1, 1);
	spool_turn();
	r = (const void *)next(IMSG_RECV_REFUSE)->data;
	CHECK(r->kind == RECV_UNRECOGNIZED);
	once(d);
}

static void
test_unknown(void **state)
{
	assert_int_equal(fake_life(life_unknown, dir), 0);
}

/* A peer that calls each of its activities 1. */
static void
life_same_number(const char *d)
{
	life_begin(d);
	peer_opens(IN, BETA, 1, 0, 0);
	recv_message(IN, 1, 50, PRIORITY_NORMAL, TO_HERE, 5 * PIECE);
	next(IMSG_RECV_ENDED);
	once(d);
	recv_begin(IN, 1);
	recv_octets(IMSG_RECV_MARKUP, IN, "mk", 2);
	spool_turn();
	lost(IN);
	peer_opens(IN, BETA, 2, 1, 0);
	resume(IN, 1, 1, 1, 0);
	resumed(0, 0);			/* not that which is complete */
	pieces(IN, 0, 5);
	end(IN, 6);
	settle();
	CHECK(delivered_files(d, ".p2") == 2);
	CHECK(delivered_right(d, 5 * PIECE));
}

static void
test_same_number(void **state)
{
	assert_int_equal(fake_life(life_same_number, dir), 0);
}

/* As a sender */

static struct s_connection_id	first_id, second_id;

static void
names(const struct s_connection_id *id, const struct activity_id *a,
    uint32_t serial)
{
	CHECK(memcmp(&req.old_connection, id, sizeof(*id)) == 0);
	CHECK(memcmp(&req.old_activity, a, sizeof(*a)) == 0);
	CHECK(req.serial == serial);
}

static void
life_sender(const char *d)
{
	struct activity_id	first, second;
	uint32_t		id, x;
	int			i;

	life_begin(d);
	queue_up(1, 1, PRIORITY_NORMAL, 100000);
	id = expect_open(0);
	first_id = opened.id;
	up(id, TURN_INITIATOR, 0);
	x = expect_xfer(id, 0, 0);
	first = req.activity;
	begun(id, x, 100200);
	head(id, x);
	confirmed(id, x, 1, 4096);
	down(id, DOWN_TRANSPORT_LOST, 0);
	for (i = 0; i < 3; i++) {	/* no answer to any of these */
		fake_offset += 300;
		id = expect_open(1);
		second_id = opened.id;
		up(id, TURN_INITIATOR, 0);
		x = expect_xfer(id, 1, 0);
		names(&first_id, &first, 1);
		second = req.activity;
		CHECK(memcmp(&second, &first, sizeof(first)) != 0);
		begun(id, x, 100200);
		if (i < 2)
			down(id, DOWN_TRANSPORT_LOST, 0);
	}
	confirmed(id, x, 2, 8192);
	down(id, DOWN_TRANSPORT_LOST, 0);
	fake_offset += 300;
	id = expect_open(1);
	CHECK(memcmp(&opened.recovered, &second_id,
	    sizeof(second_id)) == 0);
	up(id, TURN_INITIATOR, 0);
	expect_xfer(id, 1, 0);
	names(&second_id, &second, 2);
}

static void
test_sender(void **state)
{
	assert_int_equal(fake_life(life_sender, dir), 0);
}

/* Bounds */

static int
rows(const char *d, const char *table)
{
	sqlite3_stmt	*st;
	sqlite3		*db;
	char		 path[100], sql[100];
	int		 n;

	snprintf(path, sizeof(path), "%s/spool/queue.db", d);
	snprintf(sql, sizeof(sql), "SELECT COUNT(*) FROM %s", table);
	CHECK(sqlite3_open(path, &db) == SQLITE_OK);
	CHECK(sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK);
	CHECK(sqlite3_step(st) == SQLITE_ROW);
	n = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return (n);
}

static void
all_rows(const char *d, int associations, int connections, int activities,
    int transfers)
{
	spool_commit();
	spool_close();			/* it was locked */
	CHECK(rows(d, "associations") == associations);
	CHECK(rows(d, "connections") == connections);
	CHECK(rows(d, "activities") == activities);
	CHECK(rows(d, "receiving") == transfers);
	CHECK((rows(d, "checkpoints") != 0) == (transfers != 0));
	CHECK((rows(d, "pieces") != 0) == (transfers != 0));
}

/* An association that is lost and recovered for ever. */
static void
life_recoveries(const char *d)
{
	int	i;

	begin(d);
	for (i = 2; i < 400; i++) {
		peer_opens(IN, BETA, i, i - 1, 0);
		if (i == 5) {
			resume(IN, 5, 1, 1, 3);
			resumed(0, 3 * PIECE);
		}
		lost(IN);
	}
	/* those that the transfer is known by are still there */
	peer_opens(IN, BETA, 400, 399, 0);
	resume(IN, 9, 1, 1, 3);
	resumed(0, 3 * PIECE);
	lost(IN);
	all_rows(d, 1, CONNECTIONS_KEEP + 2, 3, 1);
}

static void
test_recoveries(void **state)
{
	assert_int_equal(fake_life(life_recoveries, dir), 0);
}

/* Transfers that are interrupted and never resumed. */
static void
life_interrupted(const char *d)
{
	int	i;

	life_begin(d);
	peer_opens(IN, BETA, 1, 0, 0);
	for (i = 1; i <= 40; i++) {
		recv_begin(IN, i);
		pieces(IN, 0, 2);
		recv_number(IMSG_RECV_INTERRUPT, IN, 0);
		spool_turn();
		next(IMSG_RECV_INTERRUPTED);
	}
	all_rows(d, 1, 1, 16, 16);
}

static void
life_interrupted_long(const char *d)
{
	life_begin(d);
	peer_opens(IN, BETA, 2, 1, 0);
	resume(IN, 50, 1, 40, 2);
	resumed(0, 2 * PIECE);
	/* not the one under way, all others though the association lives */
	sleep(2);
	assoc_expire(time(NULL));
	spool_commit();
	CHECK(assoc_has_partial(assoc_find(IN)) == 1);
	all_rows(d, 1, 2, 2, 1);
}

static void
test_interrupted(void **state)
{
	assert_int_equal(fake_life(life_interrupted, dir), 0);
	fake_peer[0].recovery_keep = 0;
	assert_int_equal(fake_life(life_interrupted_long, dir), 0);
}

/* Associations that are opened and lost: after a time nothing is left. */
static void
life_many_lost(const char *d)
{
	int	i;

	life_begin(d);
	for (i = 1; i <= 300; i++) {
		peer_opens(IN, BETA, i, 0, 0);
		recv_begin(IN, 1);
		if (i % 10 == 0)
			pieces(IN, 0, 1);
		lost(IN);
	}
	sleep(2);
	assoc_expire(time(NULL));
	all_rows(d, 0, 0, 0, 0);
}

static void
test_many_lost(void **state)
{
	fake_peer[0].recovery_keep = 0;
	assert_int_equal(fake_life(life_many_lost, dir), 0);
}

/* More of them than are kept, before that time. */
static void
life_too_many_lost(const char *d)
{
	struct store_association	row;
	int				i;

	life_begin(d);
	CHECK(store_begin(sp.store) == 0);
	memset(&row, 0, sizeof(row));
	row.peer = TAILQ_FIRST(&sp.peers)->target->number;
	for (i = 1; i <= LOST_MAX + 500; i++) {
		row.id = i;
		row.lost = time(NULL) - LOST_MAX - 500 + i;
		CHECK(store_association_put(sp.store, &row) == 0);
	}
	CHECK(store_commit(sp.store) == 0);
	assoc_expire(time(NULL));
	CHECK(store_association_get(sp.store, 500, &row) == 0);
	CHECK(store_association_get(sp.store, 501, &row) == 1);
	all_rows(d, LOST_MAX, 0, 0, 0);
}

static void
test_too_many_lost(void **state)
{
	fake_peer[0].recovery_keep = 1000000;
	assert_int_equal(fake_life(life_too_many_lost, dir), 0);
}

/* A transfer that went over to an association of its own. */
static void
life_elsewhere(const char *d)
{
	begin(d);
	peer_opens(IN, BETA, 2, 0, 0);
	resume(IN, 2, 1, 1, 3);
	resumed(0, 3 * PIECE);
	pieces(IN, 3, 4);
	sleep(2);
	assoc_expire(time(NULL));	/* of the first: it knows the pair */
	lost(IN);
	peer_opens(IN, BETA, 3, 0, 0);
	resume(IN, 3, 1, 1, 3);
	resumed(0, 3 * PIECE);
	pieces(IN, 3, 5);
	end(IN, 6);
	once(d);
	lost(IN);
	sleep(2);
	assoc_expire(time(NULL));
	all_rows(d, 0, 0, 0, 0);
}

static void
test_elsewhere(void **state)
{
	fake_peer[0].recovery_keep = 1;
	assert_int_equal(fake_life(life_elsewhere, dir), 0);
}

/*
 * A content outgrows its rows, and so does its markup, between checkpoints:
 * what was confirmed must not depend on a file that nobody has synced.
 */
static void
life_outgrown(const char *d)
{
	static uint8_t	buf[60000];
	int		i;

	life_begin(d);
	peer_opens(IN, BETA, 1, 0, 0);
	recv_begin(IN, 1);
	pieces(IN, 0, 1);
	recv_octets(IMSG_RECV_CONTENT, IN, buf, sizeof(buf));
	for (i = 0; i < 4; i++)
		recv_octets(IMSG_RECV_MARKUP, IN, buf, 50000);
	spool_turn();
	CHECK(content_any());
	raise(SIGKILL);
}

static void
life_after_power_cut(const char *d)
{
	char	cmd[200];

	snprintf(cmd, sizeof(cmd), "find %s/spool/content -type f "
	    "-exec truncate -s 0 {} +", d);
	CHECK(system(cmd) == 0);
	life_begin(d);
	peer_opens(IN, BETA, 2, 1, 0);
	resume(IN, 2, 1, 1, 1);
	resumed(0, PIECE);
	pieces(IN, 1, 5);
	end(IN, 6);
	once(d);
}

static void
test_outgrown(void **state)
{
	assert_int_equal(fake_life(life_outgrown, dir), 256 + SIGKILL);
	assert_int_equal(fake_life(life_after_power_cut, dir), 0);
}

/* Of a peer that is not configured any more, in either role. */
static void
life_unknown_peer(const char *d)
{
	struct store_association	row;

	life_begin(d);
	memset(&row, 0, sizeof(row));
	row.peer = target_get(TARGET_PEER, "delta")->number;
	CHECK(store_begin(sp.store) == 0);
	for (row.id = 1; row.id <= 8; row.id++) {
		row.initiator = row.id % 2;
		row.lost = time(NULL) - (row.id <= 6 ? 4000 : 10);
		CHECK(store_association_put(sp.store, &row) == 0);
	}
	CHECK(store_commit(sp.store) == 0);
	assoc_expire(time(NULL));
	all_rows(d, 2, 0, 0, 0);
}

static void
test_unknown_peer(void **state)
{
	assert_int_equal(fake_life(life_unknown_peer, dir), 0);
}

static void
released(uint32_t id)
{
	struct assoc_down	d;

	memset(&d, 0, sizeof(d));
	d.kind = DOWN_RELEASED;
	from_rtsd(IMSG_ASSOC_DOWN, id, &d, sizeof(d));
	spool_turn();
}

/* What was received, delivered and sent leaves the MPDU identifiers only. */
static void
life_finished(const char *d)
{
	uint32_t	id, x;
	int		i;

	life_begin(d);
	peer_opens(IN, BETA, 1, 0, 0);
	for (i = 0; i < 50; i++) {
		recv_begin(IN, i + 1);
		pieces(IN, 0, 3 + i % 2 * 40);
		recv_envelope(IN, i, PRIORITY_NORMAL, 1,
		    (const char *[]){ TO_HERE });
		recv_number(IMSG_RECV_END, IN, 50);
		spool_turn();
		next(IMSG_RECV_ENDED);
	}
	released(IN);
	queue_up(70, 3, PRIORITY_NORMAL, 50000);
	released(SENDER_IN);
	id = expect_open(0);
	up(id, TURN_INITIATOR, 0);
	for (i = 0; i < 3; i++)
		expect_xfer(id, 0, 0);
	CHECK(content_any() == 1);
	for (x = req.xfer - 2, i = 0; i < 3; i++) {
		begun(id, x + i, 50200);
		confirmed(id, x + i, 1, 4096);
		done(id, x + i);
	}
	fake_offset += 301 * 1000;
	schedule_tick();
	next(IMSG_ASSOC_CLOSE);
	down(id, DOWN_RELEASED, 0);
	settle();
	CHECK(delivered_files(d, ".p2") == 50);
	CHECK(content_any() == 0);
	all_rows(d, 0, 0, 0, 0);
	CHECK(rows(d, "messages") == 0);
	CHECK(rows(d, "queue") == 0);
	CHECK(rows(d, "accepted") == 53);
}

static void
test_finished(void **state)
{
	assert_int_equal(fake_life(life_finished, dir), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name)	cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
		T(every_pair), T(end_after_resumption), T(one_batch),
		T(unknown), T(same_number), T(sender), T(recoveries),
		T(interrupted), T(many_lost), T(too_many_lost), T(elsewhere),
		T(outgrown), T(unknown_peer), T(finished)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
