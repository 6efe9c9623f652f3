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
life_written(const char *d)
{
	struct timespec	ts = { 0, 1000000 };
	int		i;

	life_begin(d);
	CHECK(lines_in_store() == 4);
	CHECK(audit_file_start() == 0);
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
	audit_file_stop();
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
		T(test_audit),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
