/* SPDX-License-Identifier: ISC */

/*
 * spoold when things fail under it: killed at every call that makes
 * something durable, syncs that fail, a full disk, a data base that cannot
 * be read. Nothing confirmed is lost, nothing is delivered twice, and
 * service returns by itself.
 */

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
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

#include "../shim/powercut.h"
#include "log_file.h"
#include "spool_fake.h"

#define IN	(ASSOC_INCOMING | 1)
#define IN2	(ASSOC_INCOMING | 2)
#define MESSAGES	6

static char	dir[64];
static int	fail_log, fail_syncfs;
static int	syncfs_calls;

/* What the lives share. */
struct shared {
	int	kill_at;	/* 0: never */
	int	step;
	int	fail_sync;
	uint64_t space;		/* free, 0: what is */
	int	power;		/* the image of powercut.h is kept */
	uint8_t	ended[MESSAGES];
};
static struct shared	*shared;

/*
 * In front of libc: each of these is a step.  Odd steps die before the
 * call, even ones after it.
 */
static void
step(void)
{
	if (shared != NULL && shared->kill_at != 0 &&
	    ++shared->step == shared->kill_at)
		_exit(99);
}

#define STEP(call, synced) do {						\
	long r_;							\
	step();								\
	if ((r_ = (call)) == 0 && shared != NULL && shared->power) {	\
		synced;							\
	}								\
	step();								\
	return ((int)r_);						\
} while (0)

int	fsync(int fd);
int	fdatasync(int fd);
int	syncfs(int fd);
int	renameat2(int, const char *, int, const char *, unsigned);
int	linkat(int, const char *, int, const char *, int);
int	unlinkat(int, const char *, int);

int
fsync(int fd)
{
	if (shared != NULL && shared->fail_sync) {
		errno = EIO;
		return (-1);
	}
	STEP(syscall(SYS_fsync, fd), powercut_synced(fd));
}

int
fdatasync(int fd)
{
	if (shared != NULL && shared->fail_sync) {
		errno = EIO;
		return (-1);
	}
	if (fail_log && is_log(fd)) {
		errno = EIO;
		return (-1);
	}
	STEP(syscall(SYS_fdatasync, fd), powercut_synced(fd));
}

int
syncfs(int fd)
{
	syncfs_calls++;
	/* as the kernel has it: a descriptor is told of an error once */
	if (fail_syncfs) {
		fail_syncfs = 0;
		errno = EIO;
		return (-1);
	}
	STEP(0, powercut_synced_all());
}

int
renameat2(int a, const char *from, int b, const char *to, unsigned flags)
{
	STEP(syscall(SYS_renameat2, a, from, b, to, flags), (void)0);
}

int
linkat(int a, const char *from, int b, const char *to, int flags)
{
	STEP(syscall(SYS_linkat, a, from, b, to, flags), (void)0);
}

int
unlinkat(int fd, const char *path, int flags)
{
	STEP(syscall(SYS_unlinkat, fd, path, flags), (void)0);
}

int
fstatvfs(int fd, struct statvfs *vfs)
{
	if (shared == NULL || shared->space == 0)
		return (statvfs("/tmp", vfs));
	memset(vfs, 0, sizeof(*vfs));
	vfs->f_frsize = 1;
	vfs->f_bavail = shared->space;
	return (0);
}

static int
setup(void **state)
{
	fake_setup(dir, sizeof(dir));
	memset(shared, 0, sizeof(*shared));
	return (0);
}

static int
teardown(void **state)
{
	shared->kill_at = shared->fail_sync = 0;
	fake_teardown(dir);
	return (0);
}

/* Messages small and large, the large ones with checkpoints. */
static void
receive(uint32_t id, int n)
{
	static uint8_t	buf[20000];
	const char	*to = TO_HERE;
	uint32_t	i;

	recv_begin(id, n + 1);
	fill_octets(buf, 0, sizeof(buf));
	recv_octets(IMSG_RECV_MARKUP, id, "markup", 6);
	if (n % 2 == 0) {
		recv_octets(IMSG_RECV_CONTENT, id, buf, 500);
		i = 0;
	} else {
		for (i = 0; i < 3; i++) {
			fill_octets(buf, i * sizeof(buf), sizeof(buf));
			recv_octets(IMSG_RECV_CONTENT, id, buf, sizeof(buf));
			recv_number(IMSG_RECV_CHECKPOINT, id, i + 1);
			spool_turn();
			next(IMSG_RECV_CONFIRM);
		}
	}
	recv_envelope(id, n, PRIORITY_NORMAL, 1, &to);
	recv_number(IMSG_RECV_END, id, i + 1);
	spool_turn();
	next(IMSG_RECV_ENDED);
	shared->ended[n] = 1;
}

static int	next_conn = 1;

static void
roots(const char *d, const char *root[2])
{
	static char	path[2][128];

	snprintf(path[0], sizeof(path[0]), "%s/spool", d);
	snprintf(path[1], sizeof(path[1]), "%s/in", d);
	root[0] = path[0];
	root[1] = path[1];
}

static void
life_all(const char *d)
{
	const char	*root[2];
	int		n;

	roots(d, root);
	if (shared->power)
		CHECK(powercut_start(root, 2) == 0);
	life_begin(d);
	peer_opens(IN, BETA, next_conn, 0, 0);
	for (n = 0; n < MESSAGES; n++) {
		if (shared->ended[n])
			continue;
		receive(IN, n);
		if (n % 3 == 2)
			settle();
	}
	settle();
	CHECK(queue_length() == 0);
	/* what was received in part expires, file and all */
	assoc_expire(time(NULL) + 100000);
}

static int
leftovers(const char *d)
{
	char	cmd[300];

	snprintf(cmd, sizeof(cmd), "! find %s/spool/content %s/in -type f "
	    "'(' -path '*/content/*' -o -name '.*' ')' | grep .", d, d);
	return (system(cmd) != 0);
}

static void
kill_at_every_step(int power)
{
	/* a sample; all of them when STEPS is 1 */
	int		every = getenv("STEPS") != NULL ?
	    atoi(getenv("STEPS")) : 23;
	const char	*root[2];
	int		n, r = 99;

	for (n = 1; r == 99; n += every) {
		setup(NULL);
		shared->kill_at = n;
		shared->power = power;
		r = fake_life(life_all, dir);
		if (r != 99)
			assert_int_equal(r, 0);
		shared->kill_at = shared->power = 0;
		roots(dir, root);
		if (power)
			assert_int_equal(powercut_restore(root, 2), 0);
		/* the sender sends again what was not confirmed */
		next_conn++;
		assert_int_equal(fake_life(life_all, dir), 0);
		if (delivered_files(dir, ".p2") != MESSAGES ||
		    delivered_files(dir, ".env") != MESSAGES ||
		    leftovers(dir))
			fail_msg("killed at step %d: %d contents, "
			    "%d envelopes", n, delivered_files(dir, ".p2"),
			    delivered_files(dir, ".env"));
		fake_teardown(dir);
		assert_true(n < 1000);
	}
	print_message("%d steps\n", n);
	assert_true(n > 50);
	setup(NULL);
}

static void
test_killed_at_every_step(void **state)
{
	kill_at_every_step(0);
}

static void
test_power_cut_at_every_step(void **state)
{
	kill_at_every_step(1);
}

/* Syncs fail: nothing is confirmed, peers are told, and then it works. */
static void
life_bad_sync(const char *d)
{
	const struct recv_refuse	*r;
	const struct assoc_answer	*ans;
	const struct recv_resumed	*rr;
	static uint8_t			 buf[40000];
	struct assoc_ind		 ind;
	struct recv_resume		 rs;
	const char			*to = TO_HERE;
	int				 i;

	life_begin(d);
	peer_opens(IN, BETA, 1, 0, 0);
	peer_opens(IN2, BETA, 2, 0, 0);
	recv_begin(IN, 1);
	for (i = 0; i < 3; i++) {
		fill_octets(buf, i * sizeof(buf), sizeof(buf));
		recv_octets(IMSG_RECV_MARKUP, IN, "m", 1);
		recv_octets(IMSG_RECV_CONTENT, IN, buf, sizeof(buf));
		recv_number(IMSG_RECV_CHECKPOINT, IN, i + 1);
		if (i == 2)
			break;
		spool_turn();
		next(IMSG_RECV_CONFIRM);
	}
	recv_begin(IN2, 1);
	recv_octets(IMSG_RECV_CONTENT, IN2, "x", 1);
	recv_envelope(IN2, 9, PRIORITY_NORMAL, 1, &to);
	recv_number(IMSG_RECV_END, IN2, 1);
	shared->fail_sync = 1;
	spool_turn();
	r = (const void *)next(IMSG_RECV_REFUSE)->data;
	CHECK(r->kind == RECV_JEOPARDIZED);
	r = (const void *)next(IMSG_RECV_REFUSE)->data;
	CHECK(r->kind == RECV_JEOPARDIZED);
	CHECK(nothing_sent());
	CHECK(sp.failing && strncmp(sp.state, "spool failed", 12) == 0);
	memset(&ind, 0, sizeof(ind));
	ind.peer = BETA;
	ind.window = 3;
	make_conn(&ind.id, "beta", 3);
	from_rtsd(IMSG_ASSOC_IND, ASSOC_INCOMING | 3, &ind, sizeof(ind));
	ans = (const void *)next(IMSG_ASSOC_ANSWER)->data;
	CHECK(!ans->accept && ans->refuse == RTS_BUSY);
	recv_number(IMSG_RECV_INTERRUPT, IN, 0);
	spool_turn();
	next(IMSG_RECV_INTERRUPTED);
	recv_begin(IN, 2);
	r = (const void *)next(IMSG_RECV_REFUSE)->data;
	CHECK(r->kind == RECV_JEOPARDIZED);
	recv_number(IMSG_RECV_INTERRUPT, IN, 0);
	next(IMSG_RECV_INTERRUPTED);
	fake_offset += 4000;
	spool_tick();			/* still sick */
	CHECK(sp.failing);
	shared->fail_sync = 0;
	fake_offset += 4000;
	spool_tick();
	CHECK(!sp.failing && strcmp(sp.state, "running") == 0);
	/* from the last confirmed checkpoint, 3 is not one */
	memset(&rs, 0, sizeof(rs));
	make_act(&rs.activity, 3);
	make_act(&rs.old_activity, 1);
	rs.serial = 2;
	from_rtsd(IMSG_RECV_RESUME, IN, &rs, sizeof(rs));
	spool_turn();
	CHECK(next(IMSG_RECV_OLD_MARKUP)->len == 1);
	CHECK(next(IMSG_RECV_OLD_MARKUP)->len == 1);
	rr = (const void *)next(IMSG_RECV_RESUMED)->data;
	CHECK(rr->content_len == 2 * sizeof(buf));
	fill_octets(buf, 2 * sizeof(buf), sizeof(buf));
	recv_octets(IMSG_RECV_CONTENT, IN, buf, sizeof(buf));
	recv_envelope(IN, 1, PRIORITY_NORMAL, 1, &to);
	recv_number(IMSG_RECV_END, IN, 3);
	spool_turn();
	next(IMSG_RECV_ENDED);
	settle();
	CHECK(delivered_files(d, ".env") >= 1);
}

static void
test_bad_sync(void **state)
{
	assert_int_equal(fake_life(life_bad_sync, dir), 0);
}

/* What was to be sent when the store failed is sent when it works. */
static void
life_bad_sync_out(const char *d)
{
	const struct sent	*s;
	struct assoc_up		 u;
	uint32_t		 id;

	life_begin(d);
	fake_connected = 0;
	peer_opens(IN, GAMMA, 1, 0, 0);
	recv_message(IN, 1, 1, PRIORITY_NORMAL, TO_BETA, 100);
	next(IMSG_RECV_ENDED);
	fake_connected = 1;
	shared->fail_sync = 1;
	schedule_tick();
	spool_turn();
	CHECK(nothing_sent());		/* its row is not durable */
	CHECK(sp.failing);
	shared->fail_sync = 0;
	fake_offset += 4000;
	spool_tick();
	s = next(IMSG_ASSOC_OPEN);
	id = s->id;
	shared->fail_sync = 1;
	memset(&u, 0, sizeof(u));
	u.initiator = 1;
	from_rtsd(IMSG_ASSOC_UP, id, &u, sizeof(u));
	spool_turn();
	CHECK(nothing_sent());
	shared->fail_sync = 0;
	fake_offset += 4000;
	spool_tick();
	next(IMSG_XFER_REQ);
	CHECK(queue_length() == 1);
}

static void
test_bad_sync_out(void **state)
{
	assert_int_equal(fake_life(life_bad_sync_out, dir), 0);
}

/* A full disk, in three ways: a write fails, a row fails, too little left. */
static void
check_busy(void)
{
	const struct assoc_answer	*ans;
	struct assoc_ind		 ind;

	memset(&ind, 0, sizeof(ind));
	ind.peer = BETA;
	ind.window = 3;
	make_conn(&ind.id, "beta", 77);
	from_rtsd(IMSG_ASSOC_IND, ASSOC_INCOMING | 77, &ind, sizeof(ind));
	ans = (const void *)next(IMSG_ASSOC_ANSWER)->data;
	CHECK(!ans->accept && ans->refuse == RTS_BUSY);
}

static void
limit_files(rlim_t n)
{
	struct rlimit	rl = { n, RLIM_INFINITY };

	CHECK(setrlimit(RLIMIT_FSIZE, &rl) == 0);
}

static void
life_full(const char *d)
{
	static uint8_t			 buf[60000];
	const struct recv_refuse	*r;
	struct stat			 st;
	char				 path[128];

	signal(SIGXFSZ, SIG_IGN);
	life_begin(d);
	peer_opens(IN, BETA, 1, 0, 0);
	/* the content file */
	recv_begin(IN, 1);
	recv_octets(IMSG_RECV_CONTENT, IN, buf, sizeof(buf));
	limit_files(100000);
	recv_octets(IMSG_RECV_CONTENT, IN, buf, sizeof(buf));
	r = (const void *)next(IMSG_RECV_REFUSE)->data;
	CHECK(r->kind == RECV_JEOPARDIZED);
	CHECK(sp.full);
	check_busy();
	CHECK(!leftovers(d));
	recv_number(IMSG_RECV_INTERRUPT, IN, 0);
	next(IMSG_RECV_INTERRUPTED);
	limit_files(RLIM_INFINITY);
	spool_tick();
	CHECK(!sp.full);
	/* the data base */
	snprintf(path, sizeof(path), "%s/spool/queue.db-wal", d);
	CHECK(stat(path, &st) == 0);
	limit_files(st.st_size);
	recv_begin(IN, 2);
	recv_octets(IMSG_RECV_CONTENT, IN, buf, 20000);
	recv_envelope(IN, 2, PRIORITY_NORMAL, 1, (const char *[]){ TO_HERE });
	recv_number(IMSG_RECV_END, IN, 1);
	spool_turn();
	r = (const void *)next(IMSG_RECV_REFUSE)->data;
	CHECK(r->kind == RECV_JEOPARDIZED);
	CHECK(sp.failing);
	check_busy();
	recv_number(IMSG_RECV_INTERRUPT, IN, 0);
	next(IMSG_RECV_INTERRUPTED);
	limit_files(RLIM_INFINITY);
	fake_offset += 4000;
	spool_tick();
	CHECK(!sp.failing);
	/* too little left */
	sp.mta.min_free = UINT64_MAX / 4;
	recv_begin(IN, 3);
	spool_tick();
	r = (const void *)next(IMSG_RECV_REFUSE)->data;
	CHECK(r->kind == RECV_JEOPARDIZED);
	check_busy();
	recv_number(IMSG_RECV_INTERRUPT, IN, 0);
	next(IMSG_RECV_INTERRUPTED);
	sp.mta.min_free = 0;
	spool_tick();
	recv_message(IN, 4, 2, PRIORITY_NORMAL, TO_HERE, 100000);
	next(IMSG_RECV_ENDED);
	settle();
	CHECK(delivered_files(d, ".p2") == 1);
	CHECK(delivered_right(d, 100000));
}

static void
test_full(void **state)
{
	assert_int_equal(fake_life(life_full, dir), 0);
}

/*
 * A peer that is faster than the ticks: the reserve is kept all the same,
 * and nobody looks more often than there is need to.
 */
static void
life_reserve(const char *d)
{
	static uint8_t			 buf[60000];
	const struct recv_refuse	*r;
	int				 i;

	shared->space = 2000000;
	fake_mta.min_free = 1000000;
	life_begin(d);
	peer_opens(IN, BETA, 1, 0, 0);
	peer_opens(IN2, BETA, 2, 0, 0);
	spool_tick();
	recv_begin(IN, 1);
	recv_begin(IN2, 1);
	for (i = 0; i < 8; i++) {
		recv_octets(IMSG_RECV_CONTENT, IN, buf, sizeof(buf));
		recv_octets(IMSG_RECV_CONTENT, IN2, buf, sizeof(buf));
		shared->space -= 2 * sizeof(buf);
	}
	CHECK(nothing_sent() && !sp.full);
	/* others write as well: not known before the next look */
	shared->space = 999999;
	recv_octets(IMSG_RECV_CONTENT, IN, buf, sizeof(buf));
	r = (const void *)next(IMSG_RECV_REFUSE)->data;
	CHECK(r->kind == RECV_JEOPARDIZED);
	r = (const void *)next(IMSG_RECV_REFUSE)->data;
	CHECK(r->kind == RECV_JEOPARDIZED);
	CHECK(sp.full && nothing_sent());
	check_busy();
	CHECK(!leftovers(d));
	recv_octets(IMSG_RECV_CONTENT, IN2, buf, sizeof(buf));
	recv_number(IMSG_RECV_INTERRUPT, IN, 0);
	next(IMSG_RECV_INTERRUPTED);
	recv_number(IMSG_RECV_INTERRUPT, IN2, 0);
	next(IMSG_RECV_INTERRUPTED);
	shared->space = 2000000;
	spool_tick();
	CHECK(!sp.full);
	/* one look sees that there is room, and the next time is later */
	recv_message(IN, 2, 1, PRIORITY_NORMAL, TO_HERE, 100000);
	next(IMSG_RECV_ENDED);
	settle();
	CHECK(delivered_right(d, 100000));
	shared->space = 0;
}

static void
test_reserve(void **state)
{
	assert_int_equal(fake_life(life_reserve, dir), 0);
}

/* A content that has further names goes with all of them. */
static void
life_full_shared(const char *d)
{
	static uint8_t			 buf[60000];
	const struct recv_refuse	*r;
	struct redirect_conf		 rc;
	struct stat			 st;
	char				 path[128];

	signal(SIGXFSZ, SIG_IGN);
	life_begin(d);
	list_begin();
	strlcpy(rc.from, TO_HERE, sizeof(rc.from));
	strlcpy(rc.to, "/S=Roe/O=Here/PRMD=ALPHA/ADMD=GOLD 400/C=GB",
	    sizeof(rc.to));
	CHECK(list_redirect(&rc) == 0);
	list_end();
	peer_opens(IN, BETA, 1, 0, 0);
	recv_begin(IN, 1);
	recv_octets(IMSG_RECV_CONTENT, IN, buf, sizeof(buf));
	snprintf(path, sizeof(path), "%s/spool/queue.db-wal", d);
	CHECK(stat(path, &st) == 0);
	limit_files(st.st_size);
	recv_envelope(IN, 1, PRIORITY_NORMAL, 1, (const char *[]){ TO_HERE });
	recv_number(IMSG_RECV_END, IN, 1);
	spool_turn();
	r = (const void *)next(IMSG_RECV_REFUSE)->data;
	CHECK(r->kind == RECV_JEOPARDIZED && sp.failing);
	recv_number(IMSG_RECV_INTERRUPT, IN, 0);
	next(IMSG_RECV_INTERRUPTED);
	limit_files(RLIM_INFINITY);
	fake_offset += 4000;
	spool_tick();
	CHECK(!sp.failing && !leftovers(d));
	recv_message(IN, 2, 1, PRIORITY_NORMAL, TO_HERE, 100000);
	next(IMSG_RECV_ENDED);
	settle();
	CHECK(delivered_right(d, 100000) && !leftovers(d));
}

static void
test_full_shared(void **state)
{
	assert_int_equal(fake_life(life_full_shared, dir), 0);
}

/* The directory cannot be written: tried again, delivered once. */
static void
life_delivery_fails(const char *d)
{
	char	cmd[200];

	life_begin(d);
	peer_opens(IN, BETA, 1, 0, 0);
	snprintf(cmd, sizeof(cmd), "rmdir %s/in", d);
	CHECK(system(cmd) == 0);
	recv_message(IN, 1, 1, PRIORITY_NORMAL, TO_HERE, 100000);
	next(IMSG_RECV_ENDED);
	settle();
	CHECK(queue_length() == 1);
	CHECK(target_get(TARGET_DIRECTORY, TAILQ_FIRST(&sp.directories)->
	    target->name)->deferred == 1);
	snprintf(cmd, sizeof(cmd), "mkdir %s/in", d);
	CHECK(system(cmd) == 0);
}

static void
life_delivery_later(const char *d)
{
	int	i;

	life_begin(d);
	for (i = 0; i < 12 && queue_length() > 0; i++) {
		sleep(1);
		spool_tick();
		settle();
	}
	CHECK(queue_length() == 0);
	CHECK(delivered_files(d, ".p2") == 1);
	CHECK(delivered_right(d, 100000));
	CHECK(!leftovers(d));
}

static void
test_delivery_fails(void **state)
{
	assert_int_equal(fake_life(life_delivery_fails, dir), 0);
	assert_int_equal(fake_life(life_delivery_later, dir), 0);
}

/* What is no data base at all is set aside, and all begins anew. */
static void
life_unreadable(const char *d)
{
	char	cmd[200];
	int	i;

	snprintf(cmd, sizeof(cmd), "head -c 8192 /dev/zero | tr '\\0' x "
	    "> %s/spool/queue.db", d);
	CHECK(system(cmd) == 0);
	life_begin(d);
	CHECK(sp.failing && sp.store == NULL);
	check_busy();
	for (i = 0; i < 3000 && sp.failing; i++) {
		usleep(10000);
		fake_offset += 200;
		spool_tick();
	}
	CHECK(!sp.failing);
	snprintf(cmd, sizeof(cmd), "grep -q xxxx %s/spool/queue.db."
	    "damaged-*Z", d);
	CHECK(system(cmd) == 0);
	peer_opens(IN, BETA, 1, 0, 0);
	recv_message(IN, 1, 1, PRIORITY_NORMAL, TO_HERE, 10);
	next(IMSG_RECV_ENDED);
	settle();
	CHECK(delivered_files(d, ".p2") == 1);
}

static void
test_unreadable(void **state)
{
	assert_int_equal(fake_life(life_unreadable, dir), 0);
}

/*
 * A commit whose sync failed is in the log nevertheless: when that is read
 * again, a message that its sender was told to send again is there, and what
 * it sends is a duplicate.  So its file has to be there as well.
 */
static void
refused_commit(void)
{
	static uint8_t			 buf[60000];
	const struct recv_refuse	*r;

	peer_opens(IN, BETA, 1, 0, 0);
	spool_turn();
	recv_begin(IN, 1);
	fill_octets(buf, 0, sizeof(buf));
	recv_octets(IMSG_RECV_CONTENT, IN, buf, sizeof(buf));
	recv_envelope(IN, 1, PRIORITY_NORMAL, 1, (const char *[]){ TO_HERE });
	recv_number(IMSG_RECV_END, IN, 1);
	fail_log = 1;		/* the content's sync is good */
	spool_turn();
	r = (const void *)next(IMSG_RECV_REFUSE)->data;
	CHECK(r->kind == RECV_JEOPARDIZED && sp.failing);
}

static void
sent_again(const char *d, int n)
{
	recv_message(IN, n, 1, PRIORITY_NORMAL, TO_HERE, 60000);
	next(IMSG_RECV_ENDED);		/* the peer forgets it */
	settle();
	CHECK(delivered_files(d, ".p2") == 1);
	CHECK(delivered_right(d, 60000));
	CHECK(!leftovers(d));
}

static void
life_commit_fails_killed(const char *d)
{
	life_begin(d);
	refused_commit();
	raise(SIGKILL);
}

static void
life_after_commit_failed(const char *d)
{
	life_begin(d);
	peer_opens(IN, BETA, 2, 0, 0);
	sent_again(d, 1);
}

static void
test_commit_fails_killed(void **state)
{
	assert_int_equal(fake_life(life_commit_fails_killed, dir),
	    256 + SIGKILL);
	assert_int_equal(fake_life(life_after_commit_failed, dir), 0);
}

/* The next try of the spool: with the disk still away or not. */
static void
next_try(int away)
{
	shared->fail_sync = away;
	fail_log = 0;
	fake_offset += 6000;
	spool_tick();
	CHECK(sp.failing == away);
}

static void
commit_fails(const char *d, int away)
{
	life_begin(d);
	refused_commit();
	recv_number(IMSG_RECV_INTERRUPT, IN, 0);
	next(IMSG_RECV_INTERRUPTED);
	if (away)
		next_try(1);
	next_try(0);
	sent_again(d, 2);
}

/* The disk stays away for the next try: the log is read again, too. */
static void
life_commit_fails(const char *d)
{
	commit_fails(d, 1);
}

static void
test_commit_fails(void **state)
{
	assert_int_equal(fake_life(life_commit_fails, dir), 0);
}

/* It did not stay away: nothing of it is there, and no file is left. */
static void
life_commit_fails_once(const char *d)
{
	commit_fails(d, 0);
}

static void
test_commit_fails_once(void **state)
{
	assert_int_equal(fake_life(life_commit_fails_once, dir), 0);
}

/* What is in the log after all, lines for the audit log too, is made again. */
static void
life_commit_again(const char *d)
{
	struct pollfd	pfd = { .events = POLLIN };

	life_begin(d);
	peer_opens(IN, BETA, 1, 0, 0);
	recv_message(IN, 1, 1, PRIORITY_NORMAL, TO_HERE, 100);
	next(IMSG_RECV_ENDED);
	spool_turn();
	deliver_wake();
	pfd.fd = deliver_event_fd();
	CHECK(poll(&pfd, 1, 10000) == 1);
	deliver_wake();			/* done, and in the audit log */
	CHECK(!deliver_busy() && sp.dirty);
	fail_log = 1;
	spool_turn();
	CHECK(sp.failing);
	next_try(1);
	next_try(0);
	next_try(0);
	CHECK(queue_length() == 0);
	CHECK(delivered_files(d, ".p2") == 1);
}

static void
test_commit_again(void **state)
{
	assert_int_equal(fake_life(life_commit_again, dir), 0);
}

/* The error of one sync of a file system is that of all files in it. */
static void
life_syncfs_fails(const char *d)
{
	int	i, done;

	life_begin(d);
	peer_opens(IN, BETA, 1, 0, 0);
	recv_message(IN, 100, 100, PRIORITY_NORMAL, TO_HERE, 100);
	next(IMSG_RECV_ENDED);
	spool_turn();
	for (i = 1; i <= 8; i++) {
		recv_message(IN, i, i, PRIORITY_NORMAL, TO_HERE, 100);
		next(IMSG_RECV_ENDED);
	}
	fail_syncfs = 1;
	settle();
	CHECK(syncfs_calls == 1 && !fail_syncfs);
	/* the first may have gone alone, and they wait for another try */
	done = delivered_files(d, ".p2");
	CHECK(done <= 1 && queue_length() == 9 - (uint64_t)done);
}

static void
test_syncfs_fails(void **state)
{
	assert_int_equal(fake_life(life_syncfs_fails, dir), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)
		cmocka_unit_test_teardown(test_killed_at_every_step,
		    teardown),
		cmocka_unit_test_teardown(test_power_cut_at_every_step,
		    teardown),
		T(test_bad_sync),
		T(test_bad_sync_out),
		T(test_commit_fails_killed),
		T(test_commit_fails),
		T(test_commit_fails_once),
		T(test_commit_again),
		T(test_syncfs_fails),
		T(test_full),
		T(test_reserve),
		T(test_full_shared),
		T(test_delivery_fails),
		T(test_unreadable),
#undef T
	};

	shared = fake_shared(sizeof(*shared));
	return (cmocka_run_group_tests_name("spool_fail", tests, NULL,
	    NULL));
}
