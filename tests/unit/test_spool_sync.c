/* SPDX-License-Identifier: ISC */

/*
 * Contents that are synced beside the loop: nothing is confirmed before the
 * sync that covers it has ended, what came after it began waits for another
 * one, and whatever has to be on record at once does not wait for the loop.
 */

#include <sys/syscall.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
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

#include "log_file.h"
#include "spool_receiver.h"

#define IN	RECEIVER_IN
#define PIECE	40000

static char		 dir[64];
static pthread_t	 loop;
static pthread_mutex_t	 lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t	 change = PTHREAD_COND_INITIALIZER;
static int		 held, fail;	/* syncs of the other thread */
static int		 fail_log;	/* only those of the store's log */
static int		 log_syncs;	/* of the other thread */

static int		 fail_range;	/* of writing ahead of a sync */

int	fdatasync(int fd);
int	sync_file_range(int, int64_t, int64_t, unsigned);

int
sync_file_range(int fd, int64_t at, int64_t len, unsigned flags)
{
	if (fail_range != 0) {
		errno = fail_range;
		return (-1);
	}
	return (syscall(SYS_sync_file_range, fd, at, len, flags));
}

int
fdatasync(int fd)
{
	int	e = 0;

	if (loop != 0 && !pthread_equal(pthread_self(), loop)) {
		pthread_mutex_lock(&lock);
		while (held)
			pthread_cond_wait(&change, &lock);
		e = fail_log != 0 && is_log(fd) ? fail_log : fail;
		log_syncs += is_log(fd);
		pthread_mutex_unlock(&lock);
	}
	if (e != 0) {
		errno = e;
		return (-1);
	}
	return (syscall(SYS_fdatasync, fd));
}

static void
hold(int yes)
{
	pthread_mutex_lock(&lock);
	held = yes;
	pthread_cond_broadcast(&change);
	pthread_mutex_unlock(&lock);
}

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
begin(const char *d)
{
	loop = pthread_self();
	life_begin(d);
	CHECK(sync_start() == 0);
	hold(1);
	peer_opens(IN, BETA, 1, 0, 0);
	spool_commit();
	forget_sent();
	recv_begin(IN, 5);
}

static void
piece(uint32_t n)
{
	static uint8_t	buf[PIECE];

	fill_octets(buf, (uint64_t)n * PIECE, PIECE);
	recv_octets(IMSG_RECV_CONTENT, IN, buf, PIECE);
	recv_number(IMSG_RECV_CHECKPOINT, IN, n + 1);
}

/* As the loop does when the thread has woken it. */
static void
turn_after_sync(void)
{
	struct pollfd	pfd = { .fd = sync_event_fd(), .events = POLLIN };

	CHECK(poll(&pfd, 1, 5000) == 1);
	sync_seen();
	spool_dirty();
	spool_commit_turn();
}

/* The same where nothing else has to be committed: only the thread syncs. */
static void
turn_of_thread(void)
{
	struct pollfd	pfd = { .fd = sync_event_fd(), .events = POLLIN };

	CHECK(poll(&pfd, 1, 60000) == 1);
	sync_seen();
	recv_synced();
	spool_commit_turn();
}

static void
life_in_order(const char *d)
{
	begin(d);
	piece(0);
	piece(1);
	spool_commit_turn();
	CHECK(nothing_sent());
	/* behind the sync that is under way */
	piece(2);
	spool_commit_turn();
	CHECK(nothing_sent());
	hold(0);
	turn_after_sync();
	is_confirmed(1);
	is_confirmed(2);
	CHECK(nothing_sent());
	turn_after_sync();
	is_confirmed(3);
	/* the end waits as well, and what came before it */
	hold(1);
	piece(3);
	spool_commit_turn();
	recv_octets(IMSG_RECV_CONTENT, IN, "", 1);
	recv_envelope(IN, 1, PRIORITY_NORMAL, 1, (const char *[]){ TO_HERE });
	recv_number(IMSG_RECV_END, IN, 5);
	spool_commit_turn();
	CHECK(nothing_sent());
	hold(0);
	turn_after_sync();
	while (nothing_sent())
		turn_after_sync();
	is_confirmed(4);
	/* it was on record already; the end goes with its own commit */
	if (nothing_sent())
		turn_after_sync();
	next(IMSG_RECV_ENDED);
	CHECK(nothing_sent());
	sync_stop();
}

static void
test_in_order(void **state)
{
	assert_int_equal(fake_life(life_in_order, dir), 0);
}

/* A commit that cannot wait takes everything with it. */
static void
life_at_once(const char *d)
{
	begin(d);
	piece(0);
	spool_commit_turn();
	piece(1);
	CHECK(nothing_sent());
	hold(0);
	CHECK(spool_commit() == 0);
	is_confirmed(1);
	is_confirmed(2);
	CHECK(nothing_sent() && !recv_waits());
	sync_stop();
}

static void
test_at_once(void **state)
{
	assert_int_equal(fake_life(life_at_once, dir), 0);
}

/* The connection goes while a sync is under way: all of it is on record. */
static void
life_lost(const char *d)
{
	struct assoc_down	down;

	begin(d);
	piece(0);
	spool_commit_turn();
	piece(1);
	hold(0);
	memset(&down, 0, sizeof(down));
	down.kind = DOWN_TRANSPORT_LOST;
	from_rtsd(IMSG_ASSOC_DOWN, IN, &down, sizeof(down));
	CHECK(!recv_waits());
	raise(SIGKILL);
}

static void
life_resumed(const char *d)
{
	const struct recv_resumed	*r;
	struct recv_resume		 rs;

	life_begin(d);
	peer_opens(IN, BETA, 2, 1, 0);
	memset(&rs, 0, sizeof(rs));
	make_act(&rs.activity, 6);
	make_act(&rs.old_activity, 5);
	make_conn(&rs.old_connection, "beta", 1);
	rs.serial = 2;
	from_rtsd(IMSG_RECV_RESUME, IN, &rs, sizeof(rs));
	spool_commit();
	r = (const void *)next(IMSG_RECV_RESUMED)->data;
	CHECK(r->content_len == 2 * PIECE);
}

static void
test_lost(void **state)
{
	assert_int_equal(fake_life(life_lost, dir), 256 + SIGKILL);
	assert_int_equal(fake_life(life_resumed, dir), 0);
}

/* A sync that fails refuses the transfer, and only that. */
static void
life_fails(const char *d)
{
	const struct recv_refuse	*r;

	begin(d);
	piece(0);
	spool_commit_turn();
	fail = EIO;
	hold(0);
	turn_after_sync();
	r = (const void *)next(IMSG_RECV_REFUSE)->data;
	CHECK(r->kind == RECV_JEOPARDIZED);
	CHECK(nothing_sent() && !recv_waits() && !sp.failing);
	fail = 0;
	sync_stop();
}

static void
test_fails(void **state)
{
	assert_int_equal(fake_life(life_fails, dir), 0);
}

/* A write that failed ahead of a sync: the sync would not tell of it. */
static void
life_range_fails(const char *d)
{
	const struct recv_refuse	*r;
	uint32_t			 n;

	begin(d);
	hold(0);
	fail_range = EIO;
	for (n = 0; nothing_sent() && n < 10; n++)
		piece(n);
	r = (const void *)next(IMSG_RECV_REFUSE)->data;
	CHECK(r->kind == RECV_JEOPARDIZED);
	CHECK(nothing_sent());
	sync_stop();
}

static void
test_range_fails(void **state)
{
	assert_int_equal(fake_life(life_range_fails, dir), 0);
}

/* Discarded while a sync is under way: nothing of it is left. */
static void
life_discarded(const char *d)
{
	begin(d);
	piece(0);
	spool_commit_turn();
	recv_number(IMSG_RECV_DISCARD, IN, 0);
	hold(0);
	spool_commit_turn();
	next(IMSG_RECV_DISCARDED);
	CHECK(nothing_sent() && !recv_waits());
	recv_message(IN, 6, 1, PRIORITY_NORMAL, TO_HERE, PIECE);
	next(IMSG_RECV_ENDED);
	sync_stop();
}

static void
test_discarded(void **state)
{
	assert_int_equal(fake_life(life_discarded, dir), 0);
}

/* Records go ahead of the octets, half a window at a time. */
static void
life_ahead(const char *d)
{
	begin(d);
	fake_patient = 1;
	hold(0);
	piece(0);
	piece(1);
	CHECK(spool_commit() == 0);
	is_confirmed(1);
	is_confirmed(2);
	hold(1);
	/* one of a window of three waits for another, or for time to pass */
	piece(2);
	CHECK(!sp.dirty);
	piece(3);
	CHECK(sp.dirty);
	spool_commit_turn();
	CHECK(nothing_sent());
	hold(0);
	turn_after_sync();
	while (nothing_sent())
		turn_after_sync();
	is_confirmed(3);
	is_confirmed(4);
	CHECK(nothing_sent());
	piece(4);
	CHECK(!sp.dirty);
	sp.settle = 1;
	spool_dirty_later();
	spool_commit_turn();
	CHECK(nothing_sent());
	turn_after_sync();
	while (nothing_sent())
		turn_after_sync();
	is_confirmed(5);
	sync_stop();
}

static void
test_ahead(void **state)
{
	assert_int_equal(fake_life(life_ahead, dir), 0);
}

/* Killed when something was on record that had not been synced. */
static void
life_ahead_killed(const char *d)
{
	begin(d);
	hold(0);
	piece(0);
	piece(1);
	CHECK(spool_commit() == 0);
	hold(1);
	piece(2);
	piece(3);
	spool_commit_turn();
	raise(SIGKILL);
}

/* The power failed as well: the file is as long as what was confirmed. */
static void
life_ahead_unknown(const char *d)
{
	const struct recv_refuse	*r;
	struct recv_resume		 rs;
	char				 command[200];

	snprintf(command, sizeof(command), "find %s/spool/content -type f "
	    "-exec truncate -s %d {} +", d, 2 * PIECE);
	CHECK(system(command) == 0);
	life_begin(d);
	peer_opens(IN, BETA, 2, 1, 0);
	memset(&rs, 0, sizeof(rs));
	make_act(&rs.activity, 6);
	make_act(&rs.old_activity, 5);
	make_conn(&rs.old_connection, "beta", 1);
	rs.serial = 4;
	from_rtsd(IMSG_RECV_RESUME, IN, &rs, sizeof(rs));
	spool_commit();
	r = (const void *)next(IMSG_RECV_REFUSE)->data;
	CHECK(r->kind == RECV_UNRECOGNIZED);
}

static void
test_ahead_killed(void **state)
{
	assert_int_equal(fake_life(life_ahead_killed, dir), 256 + SIGKILL);
	assert_int_equal(fake_life(life_ahead_unknown, dir), 0);
	assert_int_equal(fake_life(life_resumed, dir), 0);
}

/* A log that cannot be synced is a store that cannot be trusted. */
static void
life_log_fails(const char *d)
{
	const struct recv_refuse	*r;

	begin(d);
	hold(0);
	piece(0);
	piece(1);
	CHECK(spool_commit() == 0);
	is_confirmed(1);
	is_confirmed(2);
	fail_log = EIO;
	piece(2);
	piece(3);
	spool_commit_turn();
	while (nothing_sent())
		turn_of_thread();
	r = (const void *)next(IMSG_RECV_REFUSE)->data;
	CHECK(r->kind == RECV_JEOPARDIZED);
	CHECK(sp.failing && nothing_sent() && !recv_waits());
	sync_stop();
}

static void
test_log_fails(void **state)
{
	assert_int_equal(fake_life(life_log_fails, dir), 0);
}

/*
 * Checkpoints in the middle of a content, EVEN octets each as agreed, are
 * foreseen: their confirmation takes neither a transaction nor a sync of the
 * log.
 */
#define EVEN	2048

/* Up to checkpoint 60, from where on more are on record. */
static void
begin_even(const char *d)
{
	uint32_t	n;

	begin(d);
	hold(0);
	for (n = 1; n <= 24; n++) {
		even(n);
		CHECK(spool_commit() == 0);
		is_confirmed(n);
	}
	fake_patient = 1;
	for (; n <= 60; n += 3)
		window_of(n);
	CHECK(nothing_sent());
}

static void
life_foreseen(const char *d)
{
	uint64_t	commits;
	uint32_t	n;
	int		none = 0, syncs;

	begin_even(d);
	syncs = log_syncs;
	commits = store_commits(sp.store);
	for (n = 61; n <= 150; n += 3) {
		uint64_t	before = store_commits(sp.store);

		window_of(n);
		none += before == store_commits(sp.store);
	}
	/* one transaction for some fifty, and no other sync of the log */
	CHECK(none >= 26);
	CHECK((uint64_t)(log_syncs - syncs) <=
	    store_commits(sp.store) - commits);
	even(151);
	even(152);
	CHECK(nothing_sent());
	raise(SIGKILL);
}

/* One that is on record but never came is refused, the confirmed one not. */
static void
life_foreseen_resumed(const char *d)
{
	static const char *const	 to[] = { TO_HERE };
	const struct recv_refuse	*refuse;
	const struct recv_resumed	*r;
	uint32_t			 n;

	life_begin(d);
	peer_opens(IN, BETA, 2, 1, 0);
	resume_at(6, 158);
	refuse = (const void *)next(IMSG_RECV_REFUSE)->data;
	CHECK(refuse->kind == RECV_UNRECOGNIZED);
	resume_at(7, 150);
	r = (const void *)next(IMSG_RECV_RESUMED)->data;
	CHECK(r->content_len == (uint64_t)150 * EVEN);
	for (n = 151; n <= 200; n++) {
		even(n);
		CHECK(spool_commit() == 0);
		is_confirmed(n);
	}
	recv_envelope(IN, 1, PRIORITY_NORMAL, 1, to);
	recv_number(IMSG_RECV_END, IN, 201);
	CHECK(spool_commit() == 0);
	next(IMSG_RECV_ENDED);
	settle();
	CHECK(delivered_files(d, ".p2") == 1);
	CHECK(delivered_right(d, (uint64_t)200 * EVEN));
}

static void
test_foreseen(void **state)
{
	assert_int_equal(fake_life(life_foreseen, dir), 256 + SIGKILL);
	assert_int_equal(fake_life(life_foreseen_resumed, dir), 0);
}

/* One that comes elsewhere is confirmed when that is on record. */
static void
life_uneven(const char *d)
{
	static const uint8_t	octets[EVEN];
	uint64_t		commits;

	begin_even(d);
	hold(1);
	even(61);
	recv_octets(IMSG_RECV_MARKUP, IN, octets, 10);
	recv_octets(IMSG_RECV_CONTENT, IN, octets, EVEN - 10);
	recv_number(IMSG_RECV_CHECKPOINT, IN, 62);
	commits = store_commits(sp.store);
	fake_offset += SETTLE;
	sp.settle = 1;
	spool_dirty_later();
	spool_commit_turn();
	CHECK(store_commits(sp.store) == commits + 1);
	CHECK(nothing_sent());
	hold(0);
	turn_until_sent();
	is_confirmed(61);
	if (nothing_sent())
		turn_until_sent();
	is_confirmed(62);
	raise(SIGKILL);
}

static void
life_uneven_resumed(const char *d)
{
	const struct recv_refuse	*refuse;
	const struct recv_resumed	*r;

	life_begin(d);
	peer_opens(IN, BETA, 2, 1, 0);
	resume_at(6, 63);	/* was foreseen once */
	refuse = (const void *)next(IMSG_RECV_REFUSE)->data;
	CHECK(refuse->kind == RECV_UNRECOGNIZED);
	resume_at(7, 62);
	next(IMSG_RECV_OLD_MARKUP);
	r = (const void *)next(IMSG_RECV_RESUMED)->data;
	CHECK(r->content_len == (uint64_t)62 * EVEN - 10);
}

static void
test_uneven(void **state)
{
	assert_int_equal(fake_life(life_uneven, dir), 256 + SIGKILL);
	assert_int_equal(fake_life(life_uneven_resumed, dir), 0);
}

static int
look_at_row(void *arg, const struct store_receiving *r)
{
	CHECK(r->content_len == (uint64_t)r->serial * EVEN);
	*(uint32_t *)arg = r->serial;
	return (0);
}

/* However it ends, what is waiting says how far it came. */
static void
life_row(int lost)
{
	struct assoc_down	down;
	uint32_t		serial = 0;

	even(61);
	even(62);
	if (lost) {
		memset(&down, 0, sizeof(down));
		down.kind = DOWN_TRANSPORT_LOST;
		from_rtsd(IMSG_ASSOC_DOWN, IN, &down, sizeof(down));
	} else {
		recv_number(IMSG_RECV_INTERRUPT, IN, 0);
		spool_commit();
		next(IMSG_RECV_CONFIRM);
		next(IMSG_RECV_CONFIRM);
		next(IMSG_RECV_INTERRUPTED);
	}
	CHECK(!recv_waits());
	CHECK(store_receiving_each(sp.store, look_at_row, &serial) == 0);
	CHECK(serial == 62);
	sync_stop();
}

/* It expires by the time that it has, so that is not to be long ago. */
static void
life_row_slow(const char *d)
{
	uint32_t	serial = 0;

	begin_even(d);
	window_of(61);
	CHECK(store_receiving_each(sp.store, look_at_row, &serial) == 0);
	CHECK(serial < 63);
	fake_offset += 31000;
	window_of(64);
	CHECK(store_receiving_each(sp.store, look_at_row, &serial) == 0);
	CHECK(serial >= 64);
	sync_stop();
}

static void
test_row_slow(void **state)
{
	assert_int_equal(fake_life(life_row_slow, dir), 0);
}

static void
life_row_lost(const char *d)
{
	begin_even(d);
	life_row(1);
}

static void
life_row_interrupted(const char *d)
{
	begin_even(d);
	life_row(0);
}

static void
test_row(void **state)
{
	assert_int_equal(fake_life(life_row_lost, dir), 0);
}

static void
test_row_interrupted(void **state)
{
	assert_int_equal(fake_life(life_row_interrupted, dir), 0);
}

/* A peer that never has a whole window on its way is not kept waiting. */
static void
life_burst(const char *d)
{
	begin_even(d);
	even(61);
	even(62);
	CHECK(nothing_sent() && !sp.dirty);
	sp.settle = 1;			/* of another one */
	spool_dirty_later();
	spool_commit_turn();
	CHECK(nothing_sent() && !sp.dirty);
	fake_offset += SETTLE;		/* no third one came in time */
	sp.settle = 1;
	spool_dirty_later();
	spool_commit_turn();
	turn_until_sent();
	is_confirmed(61);
	is_confirmed(62);
	even(63);
	CHECK(nothing_sent() && !sp.dirty);
	even(64);
	turn_until_sent();		/* no time has to pass again */
	is_confirmed(63);
	is_confirmed(64);
	sync_stop();
}

/*
 * A sync of the log ends when another one's commit has confirmed all that it
 * was for: those that come later are not left to it.
 */
static void
life_orphan(const char *d)
{
	struct pollfd	pfd = { .events = POLLIN };
	uint8_t		buf[EVEN];
	uint32_t	n, k = 100;

	begin_even(d);
	pfd.fd = sync_event_fd();
	for (n = 61; n < k; n += 3)
		window_of(n);
	even(k);		/* alone, and so will be those that follow */
	fake_offset += SETTLE;
	sp.settle = 1;
	spool_dirty_later();
	spool_commit_turn();
	turn_until_sent();
	is_confirmed(k++);
	hold(1);
	even(k);
	CHECK(!sp.dirty);
	even(k + 1);		/* more are foreseen with it */
	CHECK(sp.dirty);
	fill_octets(buf, (uint64_t)(k + 1) * EVEN, EVEN);
	recv_octets(IMSG_RECV_CONTENT, IN, buf, EVEN);
	hold(0);
	CHECK(poll(&pfd, 1, 5000) == 1);
	sync_seen();
	fake_slow = 1;		/* the next sync ends before the commit */
	spool_commit_turn();
	fake_slow = 0;
	is_confirmed(k);
	recv_number(IMSG_RECV_CHECKPOINT, IN, k + 2);
	CHECK(nothing_sent());
	hold(1);
	CHECK(poll(&pfd, 1, 5000) == 1);
	sync_seen();
	recv_synced();		/* now one that is for the log alone */
	is_confirmed(k + 1);
	CHECK(nothing_sent() && recv_waits());
	spool_dirty();
	spool_commit_turn();
	is_confirmed(k + 2);
	CHECK(!recv_waits());
	hold(0);
	CHECK(poll(&pfd, 1, 5000) == 1);
	sync_seen();
	recv_synced();
	for (n = k + 3; n < k + 6; n++) {
		even(n);
		if (sp.dirty)
			spool_commit_turn();
		turn_until_sent();
		is_confirmed(n);
	}
	sync_stop();
}

static void
test_orphan(void **state)
{
	assert_int_equal(fake_life(life_orphan, dir), 0);
}

/* The kernel tells of a failed write once: the syncer does not forget it. */
static void
life_log_lost(const char *d)
{
	struct sync	first, second;
	int		log;

	life_begin(d);
	loop = pthread_self();
	CHECK(sync_start() == 0);
	memset(&first, 0, sizeof(first));
	CHECK((first.fd = content_create(1)) != -1);
	second = first;
	CHECK((log = store_log_fd(sp.store)) != -1);
	sync_log(log, 5);
	fail_log = EIO;
	sync_begin(&first);
	CHECK(sync_look(&first, 1) == SYNC_ENDED);
	CHECK(first.error == 0 && first.log_error == EIO);
	fail_log = 0;
	sync_begin(&second);
	CHECK(sync_look(&second, 1) == SYNC_ENDED);
	CHECK(second.log_error == EIO && second.commits == 0);
	/* after a commit that SQLite has synced it counts again */
	sync_log(-1, 0);
	sync_log(log, 6);
	sync_begin(&second);
	CHECK(sync_look(&second, 1) == SYNC_ENDED);
	CHECK(second.log_error == 0 && second.commits == 6);
	sync_stop();
}

static void
test_log_lost(void **state)
{
	assert_int_equal(fake_life(life_log_lost, dir), 0);
}

static void
test_burst(void **state)
{
	assert_int_equal(fake_life(life_burst, dir), 0);
}

/*
 * A checkpoint before any content, in one turn with what makes the file: the
 * row names that, so its name has to be durable first.
 */
static void
life_no_content_yet(const char *d)
{
	static uint8_t	buf[PIECE];

	begin(d);
	recv_octets(IMSG_RECV_MARKUP, IN, "markup", 6);
	recv_number(IMSG_RECV_CHECKPOINT, IN, 1);
	fill_octets(buf, 0, PIECE);
	recv_octets(IMSG_RECV_CONTENT, IN, buf, PIECE);
	recv_number(IMSG_RECV_CHECKPOINT, IN, 2);
	spool_commit_turn();
	CHECK(nothing_sent());
	hold(0);
	turn_after_sync();
	while (nothing_sent())
		turn_after_sync();
	is_confirmed(1);
	is_confirmed(2);
	sync_stop();
}

static void
test_no_content_yet(void **state)
{
	assert_int_equal(fake_life(life_no_content_yet, dir), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(test_no_content_yet),
		T(test_in_order),
		T(test_at_once),
		T(test_lost),
		T(test_fails),
		T(test_range_fails),
		T(test_discarded),
		T(test_ahead),
		T(test_ahead_killed),
		T(test_log_fails),
		T(test_foreseen),
		T(test_uneven),
		T(test_row),
		T(test_row_interrupted),
		T(test_row_slow),
		T(test_burst),
		T(test_orphan),
		T(test_log_lost),
#undef T
	};

	return (cmocka_run_group_tests_name("spool_sync", tests, NULL,
	    NULL));
}
