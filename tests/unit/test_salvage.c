/* SPDX-License-Identifier: ISC */

/*
 * Spools that are damaged: whatever happens to queue.db, its log and the
 * contents, spoold comes into service again by itself, and every message is
 * in its queue as it was, or named as lost.
 */

#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "../../spoold/audit.h"
#include "../../spoold/salvage.h"
#include "spool_sender.h"

#define IN		(ASSOC_INCOMING | 1)
#define MESSAGES	48
#define FILE_SIZE	60000
#define OCTETS_MAX	64	/* that one damage changes */
#define LIVES_MAX	4
#define WAIT		3000	/* times 10 ms */

/* No power fails here. */
int	fsync(int);
int	fdatasync(int);
int	syncfs(int);

int
fsync(int fd)
{
	return (0);
}

int
fdatasync(int fd)
{
	return (0);
}

int
syncfs(int fd)
{
	return (0);
}

static char	dir[64], copy[80];

/* What the lives share. */
struct shared {
	int		n;
	uint64_t	id[MESSAGES], size[MESSAGES];
	int		kept, named;
	int		no_close;	/* as if killed */
};
static struct shared	*shared;

static void
path_of(const char *d, const char *name, char *path, size_t size)
{
	snprintf(path, size, "%s/spool/%s", d, name);
}

static size_t
size_of(const char *name)
{
	struct stat	st;
	char		path[128];

	path_of(dir, name, path, sizeof(path));
	return (stat(path, &st) == -1 ? 0 : (size_t)st.st_size);
}

/* Messages for two peers, for nobody; small ones, and files. */
static void
life_fill(const char *d)
{
	static const char *const	to[] = { TO_BETA, TO_GAMMA,
	    TO_NOWHERE };
	static const size_t		size[] = { 10, 900, 5000, 30000,
	    FILE_SIZE, 300 };
	struct store_message		m;
	int				i;

	fake_connected = 0;
	life_begin(d);
	CHECK(sync_start() == 0 && audit_file_start() == 0);
	fake_connected = 1;
	peer_opens(IN, BETA, 1, 0, 0);
	for (i = 0; i < MESSAGES; i++) {
		recv_message(IN, i + 1, i, i % 3, to[i % 3],
		    size[i % nitems(size)]);
		forget_sent();
	}
	shared->n = store_message_ids(sp.store, 0, shared->id, MESSAGES);
	CHECK(shared->n == MESSAGES);
	for (i = 0; i < MESSAGES; i++) {
		CHECK(store_message_get(sp.store, shared->id[i], &m, 1) == 1);
		shared->size[i] = m.size;
	}
	store_message_release(sp.store);
	audit_file_stop();
	spool_dirty();
	spool_commit();
	if (!shared->no_close)
		spool_close();
}

/* Is it named in a report? */
static int
named(const char *d, uint64_t id)
{
	char	cmd[200];

	snprintf(cmd, sizeof(cmd), "cat %s/spool/*.report 2>/dev/null | "
	    "grep -q 'message %016" PRIX64 ": '", d, id);
	return (system(cmd) == 0);
}

static int
right(const struct store_message *m)
{
	uint8_t		buf[FILE_SIZE];
	const uint8_t	*p = m->content;
	uint64_t	i;
	int		fd;

	if (m->kind == CONTENT_FILE) {
		if ((fd = content_open(m->id, O_RDONLY)) == -1)
			return (0);
		i = (uint64_t)read(fd, buf, sizeof(buf));
		close(fd);
		if (i != m->size)
			return (0);
		p = buf;
	}
	for (i = 0; i < m->size; i++)
		if (p[i] != octet_at(i))
			return (0);
	return (1);
}

struct found {
	int	n, held;
	char	reason[128];
};

static int
found_job(void *arg, const struct store_job *j)
{
	struct found	*f = arg;

	f->n++;
	strlcpy(f->reason, j->reason, sizeof(f->reason));
	f->held += j->state == JOB_HELD || j->state == JOB_STUCK;
	return (0);
}

static void
in_service(void)
{
	int	i;

	for (i = 0; i < WAIT && sp.failing; i++) {
		usleep(10000);
		fake_offset += 200;
		spool_tick();
	}
	CHECK(!sp.failing && sp.store != NULL);
}

/* Each is there, whole, and has a place; or is named. */
static void
life_look(const char *d)
{
	struct store_message	m;
	struct found		f;
	int			i;

	fake_connected = 0;
	life_begin(d);
	in_service();
	shared->kept = shared->named = 0;
	for (i = 0; i < shared->n; i++) {
		memset(&f, 0, sizeof(f));
		if (store_message_get(sp.store, shared->id[i], &m, 1) != 1) {
			/* or when somebody wants it, see test_row */
			CHECK(store_row_damaged(sp.store) ||
			    named(d, shared->id[i]));
			shared->named++;
			continue;
		}
		CHECK(m.size == shared->size[i]);
		CHECK(right(&m) || named(d, shared->id[i]));
		store_message_release(sp.store);
		CHECK(store_job_of_message(sp.store, shared->id[i],
		    found_job, &f) == 0);
		CHECK(f.n == 1);
		shared->kept++;
	}
	/* and new ones come in */
	fake_connected = 1;
	peer_opens(IN, BETA, 2, 0, 0);
	recv_message(IN, 99, 1000 + shared->n, PRIORITY_NORMAL, TO_BETA, 20);
	next(IMSG_RECV_ENDED);
	spool_close();
}

static void
life_service(const char *d)
{
	fake_connected = 0;
	life_begin(d);
	in_service();
}

/* As mtad would: started again when it wants to be.  The last status. */
static int
lives(void)
{
	int	i, status = FAKE_RESTART;

	for (i = 0; i < LIVES_MAX && status == FAKE_RESTART; i++)
		status = fake_life(life_look, dir);
	return (status);
}

static void
begin(int no_close)
{
	fake_setup(dir, sizeof(dir));
	memset(shared, 0, sizeof(*shared));
	shared->no_close = no_close;
	fake_peer[0].naddress = fake_peer[1].naddress = 0;
	assert_int_equal(fake_life(life_fill, dir), 0);
}

static void
save_spool(void)
{
	char	cmd[300];

	snprintf(copy, sizeof(copy), "%s.copy", dir);
	snprintf(cmd, sizeof(cmd), "cp -a %s/spool %s", dir, copy);
	assert_int_equal(system(cmd), 0);
}

static void
reset_spool(void)
{
	char	cmd[300];

	snprintf(cmd, sizeof(cmd), "rm -rf %s/spool && cp -a %s %s/spool",
	    dir, copy, dir);
	assert_int_equal(system(cmd), 0);
}

static void
finish(void)
{
	char	cmd[200];

	if (copy[0] != '\0') {
		snprintf(cmd, sizeof(cmd), "rm -rf %s", copy);
		assert_int_equal(system(cmd), 0);
	}
	copy[0] = '\0';
	fake_teardown(dir);
}

static uint32_t	seed = 1;

static uint32_t
number(uint32_t n)
{
	seed = seed * 1103515245u + 12345u;
	return ((seed >> 8) % n);
}

/* Octets from at on are others. */
static void
hurt(const char *name, off_t at, size_t len, int zero)
{
	uint8_t	buf[4096];
	char	path[128];
	size_t	i;
	int	fd;

	assert_true(len <= sizeof(buf));
	path_of(dir, name, path, sizeof(path));
	assert_int_not_equal(fd = open(path, O_RDWR), -1);
	assert_int_equal(pread(fd, buf, len, at), len);
	for (i = 0; i < len; i++)
		buf[i] = zero ? 0 : (uint8_t)(buf[i] ^ (1 + number(255)));
	assert_int_equal(pwrite(fd, buf, len, at), len);
	close(fd);
}

static int
any(const char *what)
{
	char	cmd[200];

	snprintf(cmd, sizeof(cmd), "ls %s/spool | grep -q '%s'", dir, what);
	return (system(cmd) == 0);
}

static void
check_lives(const char *what, size_t at)
{
	int	status;

	if ((status = lives()) != 0)
		fail_msg("%s at %zu: status %d", what, at, status);
	assert_int_equal(shared->kept + shared->named, MESSAGES);
	assert_false(any("^salvage"));
}

static void
test_whole(void **state)
{
	begin(0);
	check_lives("nothing", 0);
	assert_int_equal(shared->kept, MESSAGES);
	assert_false(any("damaged"));
	finish();
}

/* One page after the other. */
static void
test_pages(void **state)
{
	size_t	at, size;
	int	kept = 0, n = 0;

	begin(0);
	save_spool();
	size = size_of("queue.db");
	for (at = 0; at + 4096 <= size; at += 4096) {
		reset_spool();
		switch (at / 4096 % 4) {
		case 0:
			hurt("queue.db", at, 4096, 1);
			break;
		case 1:
			hurt("queue.db", at, OCTETS_MAX, 0);
			break;
		case 2:
			hurt("queue.db", at + number(4096 - OCTETS_MAX),
			    OCTETS_MAX, 0);
			break;
		default:
			hurt("queue.db", at + number(4096), 1, 0);
		}
		check_lives("page", at);
		kept += shared->kept;
		n++;
	}
	/* of one page never many */
	assert_true(kept > n * (MESSAGES - 4));
	finish();
}

/* The header, octet by octet, and the table of tables behind it. */
static void
test_header(void **state)
{
	size_t	at;

	begin(0);
	save_spool();
	for (at = 0; at < 108; at += at < 32 ? 3 : 9) {
		reset_spool();
		hurt("queue.db", at, 3, 0);
		check_lives("header", at);
		assert_int_equal(shared->kept, MESSAGES);
	}
	reset_spool();
	hurt("queue.db", 0, 100, 1);
	check_lives("no header", 0);
	assert_int_equal(shared->kept, MESSAGES);
	assert_true(any("queue.db.damaged-.*Z$"));
	reset_spool();
	hurt("queue.db", 0, 4096, 0);
	check_lives("no first page", 0);
	assert_int_equal(shared->kept, MESSAGES);
	finish();
}

static void
test_truncated(void **state)
{
	char	path[128];
	size_t	size;
	int	i;

	begin(0);
	save_spool();
	size = size_of("queue.db");
	path_of(dir, "queue.db", path, sizeof(path));
	for (i = 1; i < 10; i++) {
		reset_spool();
		assert_int_equal(truncate(path, size * i / 10 + i % 2 * 100),
		    0);
		if (lives() != 0)
			fail_msg("truncated to %d tenths", i);
		assert_int_equal(shared->kept + shared->named, shared->n);
	}
	finish();
}

/* Most of it in the log yet: after a kill. */
static void
test_log(void **state)
{
	size_t	at, size, step;

	begin(1);
	save_spool();
	size = size_of("queue.db-wal");
	assert_true(size > 100000);
	step = size / 12;
	for (at = 0; at + OCTETS_MAX < size; at += step) {
		reset_spool();
		hurt("queue.db-wal", at, OCTETS_MAX, 0);
		/* what follows is as if it had never been committed: SQLite
		 * cannot tell it from what a power failure leaves */
		assert_int_equal(fake_life(life_service, dir), 0);
	}
	finish();
}

static void
content_of(uint64_t id, char *path, size_t size)
{
	char	name[64];

	content_path(id, name, sizeof(name));
	path_of(dir, name, path, size);
}

static void
life_contents(const char *d)
{
	struct found	f;
	int		i, files = 0;

	fake_connected = 0;
	life_begin(d);
	CHECK(!sp.failing);
	for (i = 0; i < shared->n; i++) {
		if (shared->size[i] != FILE_SIZE)
			continue;
		memset(&f, 0, sizeof(f));
		CHECK(store_job_of_message(sp.store, shared->id[i],
		    found_job, &f) == 0);
		CHECK(f.n == 1 && (files++ >= 2 || f.held == 1));
	}
	CHECK(files > 2);
}

/* One is missing, one is short: held, the others are not. */
static void
test_contents(void **state)
{
	char	path[200];
	int	i, n = 0;

	begin(0);
	for (i = 0; i < shared->n && n < 2; i++) {
		if (shared->size[i] != FILE_SIZE)
			continue;
		content_of(shared->id[i], path, sizeof(path));
		if (n++ == 0)
			assert_int_equal(unlink(path), 0);
		else
			assert_int_equal(truncate(path, 100), 0);
	}
	assert_int_equal(fake_life(life_contents, dir), 0);
	assert_false(any("damaged"));
	finish();
}

/* It is not what was put there: held when it is its turn, never sent. */
static void
life_row(const char *d)
{
	struct found	f;

	fake_peer[0].naddress = 1;
	life_begin(d);
	CHECK(!sp.failing);
	schedule_tick();
	spool_turn();
	up(expect_open(0), TURN_INITIATOR, 0);
	forget_sent();
	memset(&f, 0, sizeof(f));
	CHECK(store_job_of_message(sp.store, shared->id[3], found_job,
	    &f) == 0);
	CHECK(f.n == 1 && f.held == 1);
	CHECK(strcmp(f.reason, "message lost: damaged in the data base") ==
	    0);
}

static void
test_row(void **state)
{
	char	path[128], *sql;
	sqlite3	*db;

	begin(0);
	path_of(dir, "queue.db", path, sizeof(path));
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_non_null(sql = sqlite3_mprintf("UPDATE messages SET content = "
	    "zeroblob(size) WHERE id = %lld", (long long)shared->id[3]));
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_free(sql);
	sqlite3_close(db);
	assert_int_equal(fake_life(life_row, dir), 0);
	finish();
}

/* Found while it runs: it starts again, and saves then. */
static void
life_run(const char *d)
{
	char	path[128];
	int	i;

	fake_connected = 0;
	life_begin(d);
	CHECK(!sp.failing);
	fake_connected = 1;
	for (i = 0; i < 1000; i++) {
		fake_offset += 2000;
		if (i == 1) {
			/* what SQLite has in memory is right yet */
			path_of(d, "queue.db", path, sizeof(path));
			CHECK(truncate(path, 4096) == 0);
			CHECK(store_reopen(sp.store) == -1);
			spool_failed(store_error(sp.store));
		}
		spool_tick();
	}
	CHECK(0);
}

static void
test_running(void **state)
{
	begin(0);
	assert_int_equal(fake_life(life_run, dir), FAKE_RESTART);
	assert_true(any("queue.db.repair"));
	assert_int_equal(lives(), 0);
	assert_false(any("queue.db.repair"));
	finish();
}

/* Stopped between any two of the names that change. */
static void
test_interrupted(void **state)
{
	static const char *const	how[] = {
		/* the new one stands beside the old one */
		"cp queue.db queue.db.saved && head -c 4096 /dev/zero "
		    ">queue.db && touch queue.db.repair",
		/* the old one is away */
		"mv queue.db queue.db.saved && echo x >queue.db-wal && "
		    "touch queue.db.repair",
		/* and its log */
		"mv queue.db queue.db.saved && rm -f queue.db-wal",
	};
	char				cmd[400];
	size_t				i;

	begin(0);
	save_spool();
	for (i = 0; i < nitems(how); i++) {
		reset_spool();
		snprintf(cmd, sizeof(cmd), "cd %s/spool && %s", dir, how[i]);
		assert_int_equal(system(cmd), 0);
		check_lives("interrupted", i);
		assert_int_equal(shared->kept, MESSAGES);
		assert_false(any("queue.db.saved"));
	}
	finish();
}

/*
 * What the audit log has as waiting, when its lines are there once more
 * after a crash, whole or in part, or are in the store only.
 */
#define LINE(key, event, id, rest)					\
	"time=2026-11-24T20:12:00.000Z key=00000000000000" key " event=" \
	event " id=00000000000000" id " type=message" rest "\n"

static struct {
	uint64_t	id[8];
	int		n;
} waiting;

static int
add_waiting(void *arg, uint64_t id)
{
	waiting.id[waiting.n++] = id;
	return (0);
}

static int
count_row(void *arg, uint64_t id, const char *text)
{
	++*(int *)arg;
	return (0);
}

static void
test_twice(void **state)
{
	static const char	log[] =
	    LINE("10", "submit", "01", " recipients=1 recipient=\"a\"")
	    LINE("11", "submit", "02", " recipients=2 recipient=\"a\" "
		"recipient=\"b\"")
	    LINE("12", "transfer", "01", " to=\"x\" recipient=\"a\"")
	    /* once more, after a restore */
	    LINE("10", "submit", "01", " recipients=1 recipient=\"a\"")
	    /* the same copy, not the other one */
	    LINE("13", "transfer", "02", " to=\"x\" recipient=\"a\"")
	    LINE("13", "transfer", "02", " to=\"x\" recipient=\"a\"")
	    LINE("14", "submit", "03", " recipients=2 recipient=\"a\" "
		"recipient=\"b\"")
	    /* it was cut off, and is written again */
	    LINE("15", "transfer", "03", " to=\"x\" recipient=\"a\"")
	    LINE("15", "transfer", "03", " to=\"x\" recipient=\"a\" "
		"recipient=\"b\"")
	    LINE("16", "submit", "04", " recipients=1 recipient=\"a\"")
	    LINE("17", "submit", "05", " recipients=1 recipient=\"a\"");
	struct store		*s;
	char			 path[128], why[200];
	FILE			*f;
	int			 fd, n = 0;

	fake_setup(dir, sizeof(dir));
	snprintf(path, sizeof(path), "%s/audit", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/audit/2026-11-24.log", dir);
	assert_non_null(f = fopen(path, "w"));
	assert_int_equal(fputs(log, f) < 0, 0);
	assert_int_equal(fclose(f), 0);
	assert_non_null(s = store_open_file(dir, "s.db", why, sizeof(why)));
	assert_int_equal(store_begin(s), 0);
	assert_int_equal(store_audit_put(s, 0x17,
	    LINE("16", "submit", "04", " recipients=1 recipient=\"a\"")
	    LINE("17", "submit", "05", " recipients=1 recipient=\"a\"")), 0);
	assert_int_equal(store_audit_put(s, 0x19,
	    LINE("18", "submit", "06", " recipients=1 recipient=\"a\"")
	    LINE("19", "transfer", "04", " to=\"x\" recipient=\"a\"")), 0);
	assert_int_equal(store_commit(s), 0);
	assert_int_not_equal(fd = open(dir, O_RDONLY | O_DIRECTORY), -1);
	assert_int_equal(audit_unsettled(s, fd, "audit", add_waiting, NULL),
	    0);
	assert_int_equal(waiting.n, 3);
	assert_int_equal(waiting.id[0], 2);
	assert_int_equal(waiting.id[1], 5);
	assert_int_equal(waiting.id[2], 6);
	/* what the log has need not be written again, the rest is */
	assert_int_equal(store_begin(s), 0);
	assert_int_equal(audit_written(s, fd, "audit", 0), 0);
	assert_int_equal(store_audit_each(s, count_row, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(audit_written(s, fd, "none", 0), 0);
	assert_int_equal(store_audit_each(s, count_row, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(store_commit(s), 0);
	store_close(s);
	close(fd);
	fake_teardown(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_log),
		cmocka_unit_test(test_contents),
		cmocka_unit_test(test_row),
		cmocka_unit_test(test_running),
		cmocka_unit_test(test_interrupted),
		cmocka_unit_test(test_twice),
	};

	shared = fake_shared(sizeof(*shared));
	return (cmocka_run_group_tests_name("salvage", tests, NULL, NULL));
}
