/* SPDX-License-Identifier: ISC */

/*
 * Poison messages: what is counted against whom when rtsd dies, and what is
 * not; and the audit log: lines come with the commit that makes them true,
 * are written once it is durable, and once more after a crash.
 */

#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../spoold/audit.h"
#include "spool_sender.h"

static char	 dir[64];
static int	*counted;		/* shared with the lives */

static int
setup(void **state)
{
	fake_setup(dir, sizeof(dir));
	fake_mta.poison_after = 3;
	if (counted == NULL)
		counted = fake_shared(sizeof(*counted));
	*counted = 0;
	return (0);
}

static int
teardown(void **state)
{
	fake_teardown(dir);
	return (0);
}

static int
one_job(void *arg, const struct store_job *j)
{
	*(struct store_job *)arg = *j;
	return (0);
}

/* The state of the only message. */
static int
state_of(uint64_t id)
{
	struct store_job	j;

	memset(&j, 0, sizeof(j));
	CHECK(store_job_of_message(sp.store, id, one_job, &j) == 0);
	CHECK(j.message == id);
	return (j.state);
}

static uint64_t
only_message(void)
{
	uint64_t	ids[2];

	CHECK(store_message_ids(sp.store, 0, ids, 2) == 1);
	return (ids[0]);
}

static int
last_poison(void *arg, const struct store_poison *row)
{
	*(struct store_poison *)arg = *row;
	return (0);
}

static int	nameless, progress;

/* Something comes in that has no name yet. */
static void
comes_in(int n)
{
	uint32_t	id = ASSOC_INCOMING | (uint32_t)(20 + n);

	peer_opens(id, GAMMA, 20 + n, 0, 0);
	recv_begin(id, 1);
	recv_octets(IMSG_RECV_CONTENT, id, "octets", 6);
}

/* rtsd dies each time that it sends the message; how often until it is held. */
static void
life_killed(const char *d)
{
	uint64_t	message;
	uint32_t	id, x;
	int		n;

	life_begin(d);
	queue_up(1, 1, PRIORITY_NORMAL, 100000);
	message = only_message();
	for (n = 0; n < 9; n++) {
		id = expect_open(n > 0);
		up(id, TURN_INITIATOR, 0);
		if (n > 0 && !progress) {
			x = expect_xfer(id, 1, 1);
			xfer_fails(id, x, XFER_DISCARDED);
			if (state_of(message) == JOB_HELD)
				break;
		}
		x = expect_xfer(id, n > 0 && progress, 0);
		begun(id, x, 100200);
		if (n == 0)
			head(id, x);
		if (progress)
			confirmed(id, x, n + 1, (n + 1) * 4096);
		if (nameless)
			comes_in(n);
		rtsd_gone();
		spool_turn();
		forget_sent();
		fake_offset += 10 * 1000;
	}
	*counted = n;
}

static void
test_counts(void **state)
{
	static const struct {
		int	nameless, progress, kills;
	} cases[] = {
		{ 0, 0, 3 },	/* surely it */
		{ 1, 0, 6 },	/* in doubt each counts half */
		{ 0, 1, 9 },	/* it gets further: never */
	};
	size_t	i;

	for (i = 0; i < nitems(cases); i++) {
		nameless = cases[i].nameless;
		progress = cases[i].progress;
		assert_int_equal(fake_life(life_killed, dir), 0);
		assert_int_equal(*counted, cases[i].kills);
		teardown(NULL);
		setup(NULL);
	}
}

/* Several at once: afterwards one at a time, and all of them arrive. */
static void
life_several(const char *d)
{
	uint32_t	id, x;
	int		n;

	life_begin(d);
	queue_up(1, 3, PRIORITY_NORMAL, 1000);
	id = expect_open(0);
	up(id, TURN_INITIATOR, 0);
	x = expect_xfer(id, 0, 0);
	expect_xfer(id, 0, 0);
	expect_xfer(id, 0, 0);
	begun(id, x, 1200);
	rtsd_gone();
	spool_turn();
	forget_sent();
	fake_offset += 10 * 1000;
	id = expect_open(1);
	up(id, TURN_INITIATOR, 0);
	xfer_fails(id, expect_xfer(id, 1, 1), XFER_DISCARDED);
	for (n = 3; n > 0; n--) {
		x = expect_xfer(id, 0, 0);
		CHECK(nothing_sent());		/* the others wait */
		begun(id, x, 1200);
		done(id, x);
		CHECK(queue_length() == (uint64_t)n - 1);
	}
	/* nobody is suspect any more */
	queue_up(10, 2, PRIORITY_NORMAL, 1000);
	schedule_tick();
	spool_turn();
	expect_xfer(id, 0, 0);
	expect_xfer(id, 0, 0);
}

static void
test_one_at_a_time(void **state)
{
	assert_int_equal(fake_life(life_several, dir), 0);
}

/* A suspect that does not come to an end does not stop the others for ever. */
static void
life_slow(const char *d)
{
	uint32_t	id, x;

	life_begin(d);
	queue_up(1, 2, PRIORITY_NORMAL, 1000);
	id = expect_open(0);
	up(id, TURN_INITIATOR, 0);
	x = expect_xfer(id, 0, 0);
	expect_xfer(id, 0, 0);
	begun(id, x, 1200);
	rtsd_gone();
	spool_turn();
	forget_sent();
	fake_offset += 10 * 1000;
	id = expect_open(1);
	up(id, TURN_INITIATOR, 0);
	xfer_fails(id, expect_xfer(id, 1, 1), XFER_DISCARDED);
	expect_xfer(id, 0, 0);
	CHECK(nothing_sent());
	fake_offset += 31 * 1000;
	schedule_tick();
	spool_turn();
	expect_xfer(id, 0, 0);
}

static void
test_slow(void **state)
{
	assert_int_equal(fake_life(life_slow, dir), 0);
}

/* Peers whose transfers rtsd dies of before they have a name */

/* 0: it was refused, as busy. */
static int
gamma_opens(uint32_t id, int n)
{
	const struct assoc_answer	*ans;
	struct assoc_ind		 ind;
	struct assoc_up			 u;

	memset(&ind, 0, sizeof(ind));
	ind.peer = GAMMA;
	ind.checkpoint = 2;
	ind.window = 3;
	make_conn(&ind.id, "gamma", n);
	strlcpy(ind.address, "192.0.2.9:4711", sizeof(ind.address));
	from_rtsd(IMSG_ASSOC_IND, id, &ind, sizeof(ind));
	spool_commit();
	ans = (const void *)next(IMSG_ASSOC_ANSWER)->data;
	if (!ans->accept) {
		CHECK(ans->refuse == RTS_BUSY);
		return (0);
	}
	memset(&u, 0, sizeof(u));
	u.peer = GAMMA;
	u.checkpoint = 2;
	u.window = 3;
	strlcpy(u.address, ind.address, sizeof(u.address));
	from_rtsd(IMSG_ASSOC_UP, id, &u, sizeof(u));
	spool_commit();
	return (1);
}

static struct peer *
gamma_peer(void)
{
	struct peer	*p;

	TAILQ_FOREACH(p, &sp.peers, entry)
		if (p->conf.id == GAMMA)
			break;
	CHECK(p != NULL);
	return (p);
}

static void
rtsd_dies(void)
{
	rtsd_gone();
	spool_turn();
	forget_sent();
}

/* One that begins something, and rtsd is no more. */
static void
kill_by(uint32_t id, int n)
{
	CHECK(gamma_opens(id, n));
	recv_begin(id, 1);
	recv_octets(IMSG_RECV_CONTENT, id, "octets", 6);
	rtsd_dies();
	fake_offset += 1000;
}

static void
life_nameless(const char *d)
{
	uint32_t	id = ASSOC_INCOMING | 40;
	uint32_t	pause;
	int		n;

	life_begin(d);
	for (n = 0; n < 3; n++) {
		CHECK(poison_peer_shut(gamma_peer()) == 0);
		kill_by(id + n, n);
	}
	/* shut out, for a minute; others are not */
	pause = poison_peer_shut(gamma_peer());
	CHECK(pause > 50 && pause <= 60);
	CHECK(!gamma_opens(id + 10, 10));
	peer_opens(id + 11, BETA, 1, 0, 0);
	recv_message(id + 11, 1, 1, PRIORITY_NORMAL, TO_HERE, 100);
	forget_sent();
	/* one death more is enough, and it takes longer; in the end an hour */
	for (n = 0; n < 8; n++) {
		fake_offset += pause * 1000;
		kill_by(id + 20 + n, 20 + n);
		CHECK(poison_peer_shut(gamma_peer()) > pause || pause > 3500);
		pause = poison_peer_shut(gamma_peer());
	}
	CHECK(pause > 3500 && pause <= 3600);
	/* it comes back, and all is well: as if nothing had been */
	fake_offset += pause * 1000;
	CHECK(gamma_opens(id + 30, 30));
	fake_offset += 600 * 1000;
	recv_begin(id + 30, 2);
	rtsd_dies();
	CHECK(poison_peer_shut(gamma_peer()) == 0);
	kill_by(id + 31, 31);
	CHECK(poison_peer_shut(gamma_peer()) == 0);
}

static void
test_nameless(void **state)
{
	assert_int_equal(fake_life(life_nameless, dir), 0);
}

/* Two at once: each counts half; they come back one after the other. */
static void
life_both(const char *d)
{
	struct peer	*beta;
	uint32_t	 id = ASSOC_INCOMING | 40;
	int		 n;

	life_begin(d);
	beta = TAILQ_FIRST(&sp.peers);
	CHECK(beta->conf.id == BETA);
	for (n = 0; n < 6; n++) {
		CHECK(poison_peer_shut(beta) == 0);
		peer_opens(id + n, BETA, n + 1, 0, 0);
		recv_begin(id + n, 1);
		kill_by(id + 20 + n, n);
	}
	CHECK(poison_peer_shut(beta) > 0);
	CHECK(poison_peer_shut(gamma_peer()) > 0);
	fake_offset += 70 * 1000;
	CHECK(poison_peer_shut(beta) == 0);
	CHECK(gamma_opens(id + 50, 50));
	CHECK(poison_peer_shut(beta) > 20);
	fake_offset += 31 * 1000;
	CHECK(poison_peer_shut(beta) == 0);
	/* nothing is held against what was on record, or not under way */
	rtsd_dies();
	fake_offset += 1000;
	CHECK(poison_peer_shut(gamma_peer()) == 0);
}

static void
test_both(void **state)
{
	assert_int_equal(fake_life(life_both, dir), 0);
}

/* What changes between the flush and the end of a commit is not lost. */
static void
life_meanwhile(const char *d)
{
	struct store_poison	 row;
	struct job		*j;

	life_begin(d);
	queue_up(1, 1, PRIORITY_NORMAL, 10);
	j = queue_next(target_get(TARGET_PEER, "beta"), 0);
	CHECK(j != NULL);
	poison_refused(j);
	CHECK(store_begin(sp.store) == 0 && poison_flush() == 0);
	poison_refused(j);
	CHECK(store_commit(sp.store) == 0);
	poison_committed();
	memset(&row, 0, sizeof(row));
	CHECK(store_poison_each(sp.store, last_poison, &row) == 0);
	CHECK(row.refusals == 1);
	CHECK(spool_commit() == 0);
	CHECK(store_poison_each(sp.store, last_poison, &row) == 0);
	CHECK(row.refusals == 2);
	poison_refused(j);
	/* nor is what a commit that failed had */
	CHECK(store_begin(sp.store) == 0 && poison_flush() == 0);
	store_rollback(sp.store);
	CHECK(spool_commit() == 0);
	CHECK(store_poison_each(sp.store, last_poison, &row) == 0);
	CHECK(row.refusals == 3);
}

static void
test_meanwhile(void **state)
{
	assert_int_equal(fake_life(life_meanwhile, dir), 0);
}

/*
 * The peer resumes what it was sending: that it be refused, for another is
 * to go first, would cost it what it sends meanwhile; and the other one could
 * not go before.
 */
static void
receives(uint32_t id, uint32_t serial)
{
	static const uint8_t	octets[2048];

	recv_octets(IMSG_RECV_CONTENT, id, octets, sizeof(octets));
	recv_number(IMSG_RECV_CHECKPOINT, id, serial);
	spool_turn();
	next(IMSG_RECV_CONFIRM);
}

static int
count_kills(void *arg, const struct store_poison *p)
{
	((uint32_t *)arg)[p->kind == POISON_IN] += p->kills;
	return (0);
}

static void
life_turns(const char *d)
{
	struct recv_resume	rs;
	struct assoc_turn	theirs = { .ours = 0 };
	uint32_t		id, x, kills[2] = { 0, 0 };

	life_begin(d);
	TAILQ_FIRST(&sp.peers)->conf.dialogue = DIALOGUE_TWA;
	queue_up(1, 1, PRIORITY_NORMAL, 1000);
	id = expect_open(0);
	memset(&rs, 0, sizeof(rs));
	rs.old_connection = opened.id;
	up(id, TURN_INITIATOR, DIALOGUE_TWA);
	expect_xfer(id, 0, 0);
	from_rtsd(IMSG_TURN, id, &theirs, sizeof(theirs));
	recv_begin(id, 5);
	receives(id, 1);
	rtsd_gone();
	spool_turn();
	forget_sent();
	fake_offset += 10 * 1000;
	id = expect_open(1);
	up(id, TURN_INITIATOR, DIALOGUE_TWA);
	x = expect_xfer(id, 1, 1);
	xfer_fails(id, x, XFER_DISCARDED);
	expect_xfer(id, 0, 0);
	from_rtsd(IMSG_TURN, id, &theirs, sizeof(theirs));
	make_act(&rs.activity, 6);
	make_act(&rs.old_activity, 5);
	rs.serial = 1;
	from_rtsd(IMSG_RECV_RESUME, id, &rs, sizeof(rs));
	spool_turn();
	next(IMSG_RECV_RESUMED);
	/* and if it is that one, it is counted against it */
	rtsd_gone();
	spool_turn();
	CHECK(spool_commit() == 0);
	CHECK(store_poison_each(sp.store, count_kills, kills) == 0);
	CHECK(kills[0] == 0 && kills[1] == 2);
}

static void
test_turns(void **state)
{
	assert_int_equal(fake_life(life_turns, dir), 0);
}

/* The audit log */

static int
count_line(void *arg, uint64_t id, const char *text)
{
	char	key[32];

	snprintf(key, sizeof(key), " key=%016" PRIX64 " ", id);
	for (; *text != '\0'; text = strchr(text, '\n') + 1) {
		CHECK(strncmp(text, "time=", 5) == 0 &&
		    strstr(text, " key=") != NULL && strchr(text, '\n') !=
		    NULL);
		++*(int *)arg;
		/* a row goes by the name of its last line */
		CHECK(strchr(text, '\n')[1] != '\0' ||
		    strstr(text, key) != NULL);
	}
	return (0);
}

static int
lines_in_store(void)
{
	int	n = 0;

	CHECK(store_audit_each(sp.store, count_line, &n) == 0);
	return (n);
}

static int
lines_in_files(const char *d, const char *what)
{
	char	cmd[200], buf[16] = "";
	FILE	*f;

	snprintf(cmd, sizeof(cmd), "cat %s/spool/audit/*.log 2>/dev/null | "
	    "grep -c -- '%s'", d, what);
	CHECK((f = popen(cmd, "r")) != NULL);
	CHECK(fgets(buf, sizeof(buf), f) != NULL);
	pclose(f);
	return (atoi(buf));
}

static void
life_line(const char *d)
{
	struct arrival	 a;
	struct message	*m;
	size_t		 where;
	const char	*why;

	life_begin(d);
	peer_opens(ASSOC_INCOMING | 1, BETA, 1, 0, 0);
	recv_message(ASSOC_INCOMING | 1, 1, 1, PRIORITY_NORMAL, TO_GAMMA,
	    100);
	CHECK(lines_in_store() == 1);
	/* of a transaction that failed nothing is left */
	CHECK((m = message_new()) != NULL);
	memset(&a, 0, sizeof(a));
	a.message = m;
	a.id = 77;
	audit_begin();
	audit_arrival(&a);
	audit_rollback();
	spool_dirty();
	CHECK(spool_commit() == 0);
	CHECK(lines_in_store() == 1);
	/* what a peer puts into a name does not make lines or fields */
	CHECK((m->recipient = message_alloc(m, sizeof(*m->recipient))) !=
	    NULL);
	m->nrecipient = 1;
	m->recipient[0].flags = PRI_RESPONSIBILITY;
	CHECK(or_address_parse(m, &m->recipient[0].name, "/S=Doe/C=GB/",
	    &where, &why) == 0);
	CHECK((m->content_oid = message_memdup(m, "a\n\"b\\", 5)) != NULL);
	audit_arrival(&a);
	audit_redirect(&a, 0, &m->recipient[0].name,
	    REDIRECTION_RECIPIENT_ASSIGNED);
	audit_expand(&a, &m->recipient[0].name, 12);
	spool_dirty();
	CHECK(spool_commit() == 0);
	CHECK(lines_in_store() == 4);
	message_free(m);
	raise(SIGKILL);		/* and no thread ever wrote a line */
}

static void
wait_written(void)
{
	struct timespec	ts = { 0, 1000000 };
	uint64_t	key = audit_file_hurry();
	int		i;

	CHECK(key != 0);
	for (i = 0; !audit_file_has(key) && i < 60000; i++)
		nanosleep(&ts, NULL);
}

static void
life_written(const char *d)
{
	struct timespec	ts = { 0, 1000000 };
	int		i;

	life_begin(d);
	CHECK(lines_in_store() == 4);
	CHECK(audit_file_start() == 0);
	/* who reads it finds them, before they are durable */
	wait_written();
	CHECK(lines_in_files(d, "") == 4);
	for (i = 0; audit_file_durable() == 0 && i < 60000; i++)
		nanosleep(&ts, NULL);
	CHECK(lines_in_files(d, "event=arrive .*mts-id=") == 1);
	CHECK(lines_in_files(d, "event=submit id=000000000000004D ") == 1);
	CHECK(lines_in_files(d, "event=redirect .*redirected-to=\".*"
	    "redirection-reason=0$") == 1);
	CHECK(lines_in_files(d, "event=expand .* members=12$") == 1);
	CHECK(lines_in_files(d, "") == 4);
	CHECK(lines_in_files(d, " content-type=\"a\\\\x0a\\\\\"b\\\\\\\\\" ") ==
	    3);
	audit_tick();
	CHECK(spool_commit() == 0);
	CHECK(lines_in_store() == 0);
	peer_opens(ASSOC_INCOMING | 1, BETA, 1, 0, 0);
	for (i = 0; i < 50; i++) {
		recv_message(ASSOC_INCOMING | 1, i + 1, i + 100,
		    PRIORITY_NORMAL, TO_GAMMA, 100);
		wait_written();
		CHECK(lines_in_files(d, "") == 5 + i);
	}
	audit_file_stop();
	CHECK(audit_file_has(UINT64_MAX));	/* nobody is to wait */
}

/* A line of the store, without its time and key. */
static int
line_text(void *arg, uint64_t id, const char *text)
{
	const char	*event = strstr(text, " event=");

	CHECK(event != NULL);
	strlcpy(arg, event, 2000);
	return (0);
}

/* Fields kept from when the envelope was at hand are those of the envelope. */
static void
life_fields(const char *d)
{
	struct store_message	 sm;
	struct message		*m;
	struct job		*j;
	static char		 kept[2000], read_again[2000];
	char			*fields;

	life_begin(d);
	queue_up(1, 1, PRIORITY_URGENT, 10);
	j = queue_next(target_get(TARGET_PEER, "beta"), 0);
	CHECK(j != NULL);
	CHECK(store_message_get(sp.store, j->message, &sm, 0) == 1);
	CHECK((m = message_deserialise(sm.envelope, sm.envelope_len)) !=
	    NULL);
	CHECK((fields = audit_fields(m, &sm, j->target->number)) != NULL);
	store_message_release(sp.store);
	message_free(m);
	CHECK(strstr(fields, " recipient=\"") != NULL);
	audit_transfer(j, 77, fields);
	free(fields);
	spool_dirty();
	CHECK(spool_commit() == 0);
	CHECK(store_audit_each(sp.store, line_text, kept) == 0);
	audit_transfer(j, 77, NULL);
	spool_dirty();
	CHECK(spool_commit() == 0);
	CHECK(store_audit_each(sp.store, line_text, read_again) == 0);
	CHECK(strstr(kept, "event=transfer") != NULL);
	CHECK(strstr(kept, " octets=77") != NULL);
	CHECK(strstr(kept, " recipient=\"") != NULL);
	CHECK(strcmp(strstr(kept, " type="), strstr(read_again, " type=")) ==
	    0);
}

static void
test_fields(void **state)
{
	assert_int_equal(fake_life(life_fields, dir), 0);
}

static int
count_row(void *arg, uint64_t id, const char *text)
{
	++*(int *)arg;
	return (0);
}

/* Many lines of a commit are few rows, and none gets lost in between. */
static void
life_rows(const char *d)
{
	struct job	*j;
	int		 n, rows = 0;

	life_begin(d);
	queue_up(1, 1, PRIORITY_URGENT, 10);
	j = queue_next(target_get(TARGET_PEER, "beta"), 0);
	CHECK(j != NULL);
	for (n = 0; n < 1000; n++)
		audit_transfer(j, n, " x");
	audit_begin();
	audit_transfer(j, 77, " rolled-back");
	CHECK(store_begin(sp.store) == 0 && audit_flush() == 0);
	audit_transfer(j, 77, " rolled-back");
	audit_rollback();
	store_rollback(sp.store);
	audit_begin();
	CHECK(store_begin(sp.store) == 0 && audit_flush() == 0);
	audit_transfer(j, 77, " later");
	CHECK(store_commit(sp.store) == 0);
	audit_committed();
	CHECK(lines_in_store() == 1001);	/* the arrival, and these */
	CHECK(store_audit_each(sp.store, count_row, &rows) == 0);
	CHECK(rows >= 2 && rows < 10);
	spool_dirty();
	CHECK(spool_commit() == 0);
	CHECK(lines_in_store() == 1002);
	CHECK(audit_file_start() == 0);
	audit_file_stop();
	CHECK(lines_in_files(d, " later$") == 1);
	CHECK(lines_in_files(d, " x$") == 1000);
	CHECK(lines_in_files(d, "") == 1002);
	spool_dirty();
	CHECK(spool_commit() == 0);
	CHECK(lines_in_store() == 0);
}

static void
test_rows(void **state)
{
	assert_int_equal(fake_life(life_rows, dir), 0);
}

static void
test_audit(void **state)
{
	assert_int_equal(fake_life(life_line, dir), 256 + SIGKILL);
	assert_int_equal(fake_life(life_written, dir), 0);
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_counts),
		T(test_one_at_a_time),
		T(test_slow),
		T(test_nameless),
		T(test_both),
		T(test_meanwhile),
		T(test_fields),
		T(test_rows),
		T(test_turns),
		T(test_audit),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
