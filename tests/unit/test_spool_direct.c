/* SPDX-License-Identifier: ISC */

/*
 * Contents that go past the page cache: the octets in the file are those
 * that came, wherever a sync was, and the file is as long as its content when
 * a message names it.  What the disk refuses is told to the peer.
 */

#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
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

#include "front_pwrite.h"
#include "spool_receiver.h"

#ifndef O_DIRECT
#define O_DIRECT	0
#endif

#define IN		RECEIVER_IN
#define NO_DIRECT	78	/* status: the file system has it not */
#define EVEN		(64 * 1024)	/* octets between checkpoints */
#define ROOM		(32 * 1024)
#define END		(300 * 1024)

static char		 dir[64];
static int		 direct_writes;	/* by descriptors that are so */
static int		 fail;		/* errno of those */
static size_t		 short_by;	/* octets of each that are left */
static int		 held;		/* the thread does not write */
static int		 syncs_held;	/* nor does a sync of it end */
static int		 in_sync;	/* it is at one that does not */
static pthread_t	 loop;
static pthread_mutex_t	 lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t	 change = PTHREAD_COND_INITIALIZER;

static int
is_direct(int fd)
{
	int	flags = fcntl(fd, F_GETFL);

	return (flags != -1 && (flags & O_DIRECT) != 0);
}

static ssize_t
write_as_told(int fd, const void *p, size_t len, int64_t at)
{
	if (is_direct(fd)) {
		pthread_mutex_lock(&lock);
		while (held)
			pthread_cond_wait(&change, &lock);
		direct_writes++;
		pthread_mutex_unlock(&lock);
		if (fail != 0) {
			errno = fail;
			return (-1);
		}
		if (len > short_by)
			len -= short_by;
	}
	return (syscall(SYS_pwrite64, fd, p, len, at));
}

int
fdatasync(int fd)
{
	pthread_mutex_lock(&lock);
	while (syncs_held && !pthread_equal(pthread_self(), loop)) {
		in_sync = 1;
		pthread_cond_broadcast(&change);
		pthread_cond_wait(&change, &lock);
	}
	in_sync = 0;
	pthread_mutex_unlock(&lock);
	return (syscall(SYS_fdatasync, fd));
}

static void
hold_syncs(int yes)
{
	pthread_mutex_lock(&lock);
	loop = pthread_self();
	syncs_held = yes;
	pthread_cond_broadcast(&change);
	pthread_mutex_unlock(&lock);
}

static void
wait_for_sync(void)
{
	pthread_mutex_lock(&lock);
	while (!in_sync)
		pthread_cond_wait(&change, &lock);
	pthread_mutex_unlock(&lock);
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
setup_with(void)
{
	direct_writes = 0;
	fake_checkpoint = EVEN / 1024;
	fake_setup(dir, sizeof(dir));
	return (0);
}

static int
setup(void **state)
{
	even_extra = 0;
	return (setup_with());
}

static int
setup_uneven(void **state)
{
	even_extra = 1000;
	return (setup_with());
}

static int
teardown(void **state)
{
	fake_teardown(dir);
	return (0);
}

/* A content by itself */

static uint8_t	octets[END + ROOM];

static void
file_is(int fd, uint64_t len, int whole)
{
	static uint8_t	is[END + ROOM];
	struct stat	st;

	CHECK(fstat(fd, &st) == 0);
	CHECK(whole ? (uint64_t)st.st_size == len :
	    (uint64_t)st.st_size >= len);
	CHECK(pread(fd, is, len, 0) == (ssize_t)len);
	CHECK(memcmp(is, octets, len) == 0);
}

static void
content_life(const char *d)
{
	life_begin(d);
	CHECK(sync_start() == 0);
	fill_octets(octets, 0, sizeof(octets));
}

static void
body_begin(struct body *b, uint64_t id, size_t len)
{
	body_init(b, id);
	CHECK(body_add(b, octets, len) == 0);
	body_direct(b, ROOM);
	if (b->direct == NULL)
		exit(NO_DIRECT);
}

/* 1 ... END octets in pieces of a size, a sync after each of another. */
static void
life_pieces(const char *d)
{
	static const size_t	sizes[] = { 1, 511, 4095, 4096, 4097, 20000,
				    ROOM };
	struct body		b;
	struct sync		s;
	size_t			i, k, n, start, sync_at;
	uint64_t		id = 1;

	content_life(d);
	for (i = 0; i < nitems(sizes); i++) for (k = 0; k < 2 *
	    nitems(sizes); k++) {
		start = CONTENT_INLINE_MAX + 1 + (k % 3) * 1000 +
		    (k % 4 == 0 ? 4095 - (k % 3) * 1000 : 0);
		body_begin(&b, id++, start);
		memset(&s, 0, sizeof(s));
		sync_at = start + sizes[k % nitems(sizes)];
		while (b.len < END) {
			n = sizes[i];
			if (b.len + n > sync_at && b.len < sync_at)
				n = sync_at - b.len;
			CHECK(body_add(&b, octets + b.len, n) == 0);
			if (b.len < sync_at)
				continue;
			sync_at += sizes[k % nitems(sizes)] + 3000;
			s.fd = b.fd;
			s.direct = b.direct;
			s.len = b.len;
			s.whole = 0;
			sync_begin(&s);
			if (k < nitems(sizes)) {
				/* it may still run while more comes */
				n = b.len % 7 * 300;
				CHECK(body_add(&b, octets + b.len, n) == 0);
			}
			CHECK(sync_look(&s, 1) == SYNC_ENDED);
			file_is(b.fd, s.len, 0);
			CHECK(s.error == 0);
		}
		if (k % 2 == 0) {
			s.fd = b.fd;
			s.direct = b.direct;
			s.len = b.len;
			s.whole = 1;
			sync_begin(&s);
			CHECK(sync_look(&s, 1) == SYNC_ENDED);
			CHECK(s.error == 0);
		} else
			CHECK(body_sync(&b) == 0);
		CHECK(!direct_padded(b.direct));
		file_is(b.fd, b.len, 1);
		body_release(&b, 1);
		if (i == 0)
			k += 3;		/* octet by octet takes its time */
	}
	CHECK(direct_writes > 1000);
	sync_stop();
}

static void
run(void (*life)(const char *))
{
	int	status = fake_life(life, dir);

	if (status == NO_DIRECT)
		skip();
	assert_int_equal(status, 0);
}

static void
test_pieces(void **state)
{
	run(life_pieces);
}

/* A device that wants another alignment, or takes less than it was given. */
static void
life_usual(const char *d)
{
	fail = EINVAL;
	life_pieces(d);
}

static void
test_usual(void **state)
{
	/* each content tries once */
	direct_writes = 1000;
	run(life_usual);
}

static void
life_short(const char *d)
{
	short_by = DIRECT_ALIGN;
	life_pieces(d);
}

static void
test_short(void **state)
{
	run(life_short);
}

/* Synced in the loop, and then it goes on. */
static void
life_goes_on(const char *d)
{
	struct body	b;
	size_t		n;

	content_life(d);
	body_begin(&b, 1, 40000);
	for (n = 1; b.len + n < END; n += 1237) {
		CHECK(body_add(&b, octets + b.len, n) == 0);
		CHECK(body_sync(&b) == 0);
		file_is(b.fd, b.len, 1);
	}
	body_release(&b, 0);
	/* and again from a place in the middle, as for a resumption */
	body_init(&b, 1);
	CHECK(body_open(&b, 100001) == 0);
	body_direct(&b, ROOM);
	CHECK(b.direct != NULL);
	while (b.len < END)
		CHECK(body_add(&b, octets + b.len, 777) == 0);
	CHECK(body_sync(&b) == 0);
	file_is(b.fd, b.len, 1);
	body_release(&b, 1);
	sync_stop();
}

static void
test_goes_on(void **state)
{
	run(life_goes_on);
}

/* Memory has a bound, for one and for all of them, and comes back. */
static void
life_bound(const char *d)
{
	struct body	b[40];
	int		i, n, round;

	content_life(d);
	for (round = 0; round < 2; round++) {
		for (i = n = 0; i < 40; i++) {
			body_init(&b[i], i + 1);
			CHECK(body_add(&b[i], octets, 40000) == 0);
			body_direct(&b[i], i == 0 ? UINT64_C(1) << 40 :
			    1024 * 1024);
			n += b[i].direct != NULL;
		}
		if (n == 0)
			exit(NO_DIRECT);
		/* it wanted more, and has to wait for the disk */
		CHECK(b[0].direct != NULL && n == 15);
		CHECK(b[0].direct->room == 2 * 1024 * 1024);
		for (i = 0; i < 40; i++) {
			CHECK(body_add(&b[i], octets + 40000, 40000) == 0);
			CHECK(body_sync(&b[i]) == 0);
			file_is(b[i].fd, 80000, 1);
			body_release(&b[i], 1);
		}
	}
	sync_stop();
}

static void
test_bound(void **state)
{
	run(life_bound);
}

static void *
release_soon(void *arg)
{
	usleep(50000);
	hold(0);
	return (NULL);
}

/* More than there is room for waits for the disk, and then it is there. */
static void
life_full_ring(const char *d)
{
	struct body	b;
	pthread_t	t;

	content_life(d);
	body_begin(&b, 1, 40000);
	hold(1);
	CHECK(body_add(&b, octets + b.len, ROOM / 2) == 0);
	CHECK(direct_writes == 0);
	CHECK(pthread_create(&t, NULL, release_soon, NULL) == 0);
	CHECK(body_add(&b, octets + b.len, END - b.len) == 0);
	CHECK(direct_writes > 0);
	pthread_join(t, NULL);
	/* and one that can no longer be written does not wait for ever */
	fail = EIO;
	while (b.len < END + ROOM / 2 && body_add(&b, octets + b.len,
	    1000) == 0)
		;
	CHECK(body_sync(&b) == -1 && errno == EIO);
	fail = 0;
	/* what is lost stays so */
	CHECK(body_sync(&b) == -1 && errno == EIO);
	CHECK(body_add(&b, octets, 1) == -1 && errno == EIO);
	body_release(&b, 1);
	sync_stop();
}

static void
test_full_ring(void **state)
{
	run(life_full_ring);
}

/* The thread is at another one's sync: its disk is not to be waited for. */
static void
life_not_for_others(const char *d)
{
	struct body	a, b;
	struct sync	s;

	alarm(60);
	content_life(d);
	body_begin(&a, 1, 40000);
	body_begin(&b, 2, 40000);
	CHECK(body_add(&a, octets + a.len, 10000) == 0);
	hold_syncs(1);
	memset(&s, 0, sizeof(s));
	s.fd = a.fd;
	s.direct = a.direct;
	s.len = a.len;
	sync_begin(&s);
	wait_for_sync();
	CHECK(body_add(&b, octets + b.len, END - b.len) == 0);
	/* nor is there less room for this one while it is synced */
	CHECK(body_add(&a, octets + a.len, END - a.len) == 0);
	CHECK(sync_look(&s, 0) == SYNC_RUNNING);
	hold_syncs(0);
	CHECK(sync_look(&s, 1) == SYNC_ENDED && s.error == 0);
	CHECK(body_sync(&a) == 0 && body_sync(&b) == 0);
	file_is(a.fd, END, 1);
	file_is(b.fd, END, 1);
	body_release(&a, 1);
	body_release(&b, 1);
	sync_stop();
}

static void
test_not_for_others(void **state)
{
	run(life_not_for_others);
}

/* A transfer */

static void
begin_transfer(const char *d)
{
	int	fd;

	life_begin(d);
	fd = content_create(999999);
	CHECK(fd != -1);
	close(fd);
	if (O_DIRECT == 0 || (fd = content_open(999999, O_RDWR |
	    O_DIRECT)) == -1)
		exit(NO_DIRECT);
	close(fd);
	content_unlink(999999);
	CHECK(sync_start() == 0);
	peer_opens(IN, BETA, 1, 0, 0);
	spool_commit();
	forget_sent();
	recv_begin(IN, 5);
	recv_octets(IMSG_RECV_MARKUP, IN, octets, 100);
}

/* Up to checkpoint 30, long past the page cache. */
static void
begin(const char *d)
{
	uint32_t	n;

	begin_transfer(d);
	if (even_extra > 0)
		content(0, even_extra);
	for (n = 1; n <= 9; n++) {
		even(n);
		CHECK(spool_commit() == 0);
		is_confirmed(n);
	}
	fake_patient = 1;
	for (; n <= 30; n += 3)
		window_of(n);
	CHECK(nothing_sent() && direct_writes > 0);
}

/* No more comes for a while: what is there is confirmed. */
static void
nothing_more(void)
{
	fake_offset += SETTLE;
	sp.settle = 1;
	spool_dirty_later();
	spool_commit_turn();
	turn_until_sent();
}

static void
finish(const char *d, uint32_t last, size_t more)
{
	static const char *const to[] = { TO_HERE };

	if (more > 0)
		content(even_len(last), more);
	recv_envelope(IN, 1, PRIORITY_NORMAL, 1, to);
	recv_number(IMSG_RECV_END, IN, last + 1);
	if (sp.dirty)
		spool_commit_turn();
	turn_until_sent();
	next(IMSG_RECV_ENDED);
	settle();
	CHECK(delivered_files(d, ".p2") == 1);
	CHECK(delivered_right(d, even_len(last) + more));
	sync_stop();
}

static void
life_whole(const char *d)
{
	begin(d);
	finish(d, 30, 1234);
}

static void
life_whole_even(const char *d)
{
	begin(d);
	finish(d, 30, 0);
}

static void
test_whole(void **state)
{
	run(life_whole);
}

static void
test_whole_even(void **state)
{
	run(life_whole_even);
}

/*
 * All of it is durable at the last checkpoint, which is not at the end of a
 * block: a message that is longer than its content would never be delivered.
 */
static void
life_padded(const char *d)
{
	static const char *const to[] = { TO_HERE };

	alarm(60);
	begin(d);
	content(even_len(30), 5000);
	recv_number(IMSG_RECV_CHECKPOINT, IN, 31);
	if (sp.dirty)
		spool_commit_turn();
	nothing_more();
	is_confirmed(31);
	/* nor is it there before its length is durable */
	hold_syncs(1);
	recv_envelope(IN, 1, PRIORITY_NORMAL, 1, to);
	recv_number(IMSG_RECV_END, IN, 32);
	spool_commit_turn();
	wait_for_sync();
	spool_dirty_later();	/* for another association */
	spool_commit_turn();
	CHECK(nothing_sent() && sp.stats.received == 0);
	hold_syncs(0);
	turn_until_sent();
	next(IMSG_RECV_ENDED);
	settle();
	CHECK(delivered_files(d, ".p2") == 1);
	CHECK(delivered_right(d, even_len(30) + 5000));
	sync_stop();
}

static void
test_padded(void **state)
{
	run(life_padded);
}

/*
 * The end comes while a sync runs that will make the file longer than its
 * content, though all of the content is durable already.
 */
static void
life_end_meanwhile(const char *d)
{
	static const char *const to[] = { TO_HERE };
	pthread_t		 t;

	begin(d);
	even(31);
	content(even_len(31), EVEN);
	CHECK(spool_commit() == 0);	/* another one's, with all that came */
	is_confirmed(31);
	CHECK(nothing_sent());
	hold(1);
	recv_number(IMSG_RECV_CHECKPOINT, IN, 32);
	recv_envelope(IN, 1, PRIORITY_NORMAL, 1, to);
	recv_number(IMSG_RECV_END, IN, 33);
	CHECK(pthread_create(&t, NULL, release_soon, NULL) == 0);
	spool_commit_turn();
	pthread_join(t, NULL);
	turn_until_sent();
	is_confirmed(32);
	if (nothing_sent())
		turn_until_sent();
	next(IMSG_RECV_ENDED);
	settle();
	CHECK(delivered_files(d, ".p2") == 1);
	CHECK(delivered_right(d, even_len(32)));
	sync_stop();
}

static void
test_end_meanwhile(void **state)
{
	run(life_end_meanwhile);
}

/* Killed in the middle: what was confirmed is there, and it goes on. */
static void
life_killed(const char *d)
{
	begin(d);
	even(31);
	raise(SIGKILL);
}

static void
life_resumed(const char *d)
{
	const struct recv_resumed	*r;
	uint32_t			 n;

	life_begin(d);
	CHECK(sync_start() == 0);
	peer_opens(IN, BETA, 2, 1, 0);
	resume_at(7, 30);
	next(IMSG_RECV_OLD_MARKUP);
	r = (const void *)next(IMSG_RECV_RESUMED)->data;
	CHECK(r->content_len == even_len(30));
	fake_patient = 1;
	for (n = 31; n <= 33; n++) {
		even(n);
		CHECK(spool_commit() == 0);
		is_confirmed(n);
	}
	for (; n < 60; n += 3)
		window_of(n);
	CHECK(direct_writes > 0);
	finish(d, n - 1, 77);
}

static void
test_killed(void **state)
{
	int	status = fake_life(life_killed, dir);

	if (status == NO_DIRECT)
		skip();
	assert_int_equal(status, 256 + SIGKILL);
	run(life_resumed);
}

/*
 * Killed where the next checkpoint, which is on record already, is not a
 * block away: what pads the file is never taken for its octets.
 */
static void
life_killed_before_next(const char *d)
{
	begin(d);
	even(31);
	content(even_len(31), EVEN - 100);
	nothing_more();
	is_confirmed(31);
	raise(SIGKILL);
}

static void
life_asked_for_next(const char *d)
{
	const struct recv_refuse	*r;

	life_begin(d);
	CHECK(sync_start() == 0);
	peer_opens(IN, BETA, 2, 1, 0);
	resume_at(7, 32);
	r = (const void *)next(IMSG_RECV_REFUSE)->data;
	CHECK(r->kind == RECV_UNRECOGNIZED);
	CHECK(nothing_sent());
	sync_stop();
}

static void
test_killed_before_next(void **state)
{
	int	status = fake_life(life_killed_before_next, dir);

	if (status == NO_DIRECT)
		skip();
	assert_int_equal(status, 256 + SIGKILL);
	run(life_asked_for_next);
	run(life_resumed);
}

/* The disk is full: the peer is told to wait, and may go on from there. */
static void
life_no_space(const char *d)
{
	const struct recv_refuse	*r;

	begin(d);
	fail = ENOSPC;
	even(31);
	even(32);
	even(33);
	if (sp.dirty)
		spool_commit_turn();
	turn_until_sent();
	r = (const void *)next(IMSG_RECV_REFUSE)->data;
	CHECK(r->kind == RECV_JEOPARDIZED);
	CHECK(strstr(r->text, "No space") != NULL);
	CHECK(nothing_sent() && !recv_waits() && !spool_receiving());
	sync_stop();
}

static void
test_no_space(void **state)
{
	run(life_no_space);
	run(life_resumed);
}

/* Given up by the peer while the thread is at work. */
static void
life_discarded(const char *d)
{
	begin(d);
	hold(1);
	even(31);
	even(32);
	even(33);
	recv_number(IMSG_RECV_DISCARD, IN, 0);
	hold(0);
	spool_commit();
	next(IMSG_RECV_DISCARDED);
	CHECK(!recv_waits());
	sync_stop();
}

static void
test_discarded(void **state)
{
	run(life_discarded);
}

/* Without checkpoints: no sync before the end, and past the cache as well. */

static int
setup_unchecked(void **state)
{
	even_extra = 0;
	direct_writes = 0;
	fake_checkpoint = 0;
	fake_setup(dir, sizeof(dir));
	return (0);
}

static uint64_t
unchecked(const char *d)
{
	uint64_t	at;

	begin_transfer(d);
	for (at = 0; at < 5 * 1024 * 1024; at += EVEN) {
		content(at, EVEN);
		CHECK(nothing_sent() && !recv_waits());
	}
	CHECK(direct_writes > 0);
	return (at);
}

static void
life_unchecked(const char *d)
{
	uint64_t	len = unchecked(d);

	even_extra = len;	/* finish() has it so */
	fake_patient = 1;
	finish(d, 0, 1234);
}

static void
test_unchecked(void **state)
{
	run(life_unchecked);
}

static void
life_unchecked_no_space(const char *d)
{
	const struct recv_refuse	*r;
	uint64_t			 at = unchecked(d);

	fail = ENOSPC;
	while (nothing_sent()) {
		CHECK(at < 50 * 1024 * 1024);
		content(at, EVEN);
		at += EVEN;
	}
	r = (const void *)next(IMSG_RECV_REFUSE)->data;
	CHECK(r->kind == RECV_JEOPARDIZED);
	CHECK(strstr(r->text, "No space") != NULL);
	CHECK(nothing_sent() && !recv_waits() && !spool_receiving());
	sync_stop();
}

static void
test_unchecked_no_space(void **state)
{
	run(life_unchecked_no_space);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define N(name)	cmocka_unit_test_setup_teardown(name, setup_unchecked, teardown)
#define T(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)
#define U(name)	cmocka_unit_test_setup_teardown(name, setup_uneven, teardown)
		T(test_pieces),
		T(test_usual),
		T(test_short),
		T(test_goes_on),
		T(test_bound),
		T(test_full_ring),
		T(test_not_for_others),
		T(test_whole),
		T(test_whole_even),
		T(test_padded),
		T(test_killed),
		T(test_killed_before_next),
		T(test_no_space),
		T(test_discarded),
		N(test_unchecked),
		N(test_unchecked_no_space),
		/* checkpoints are not at the ends of blocks */
		U(test_whole),
		U(test_whole_even),
		U(test_padded),
		U(test_killed),
		U(test_killed_before_next),
		U(test_no_space),
		U(test_discarded),
		U(test_end_meanwhile),
#undef T
#undef U
#undef N
	};

	return (cmocka_run_group_tests_name("spool_direct", tests, NULL,
	    NULL));
}
