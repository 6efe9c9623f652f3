/* SPDX-License-Identifier: ISC */

/*
 * The write-ahead log of the store is written in one piece for a
 * transaction and ahead of it, whatever its size is found again, and a commit
 * whose log could not be written is none.
 */

#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
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

#include "../../spoold/store.h"
#include "front_pwrite.h"
#include "log_file.h"

#define PAGE		4096
#define OCTETS		3000		/* of a content: a page of its own */

static char		 dir[64];
static struct store	*s;
static int		 writes;	/* to the log, of pages */
static int		 no_space;	/* for the log */
static int		 no_ahead;	/* for what is written ahead of it */

static int
noughts(const uint8_t *p, size_t len)
{
	return (p[0] == 0 && memcmp(p, p + 1, len - 1) == 0);
}

static ssize_t
write_as_told(int fd, const void *p, size_t len, int64_t at)
{
	if (is_log(fd)) {
		int	ahead = noughts(p, len);

		writes += !ahead;
		if (no_space || (ahead && no_ahead)) {
			errno = ENOSPC;
			return (-1);
		}
	}
	return (syscall(SYS_pwrite64, fd, p, len, at));
}

static void
open_it(void)
{
	char	why[256];

	s = store_open(dir, why, sizeof(why));
	assert_non_null(s);
}

static int
setup(void **state)
{
	strlcpy(dir, "/tmp/mtad-log.XXXXXX", sizeof(dir));
	if (mkdtemp(dir) == NULL)
		return (-1);
	no_space = no_ahead = 0;
	open_it();
	return (0);
}

static int
teardown(void **state)
{
	char	cmd[128];

	store_close(s);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return (system(cmd));
}

static void
add(uint64_t id)
{
	uint8_t			 content[OCTETS];
	uint32_t		 target = 1;
	struct store_message	 m;

	memset(content, (int)id, sizeof(content));
	memset(&m, 0, sizeof(m));
	m.id = id;
	m.kind = CONTENT_INLINE;
	m.size = sizeof(content);
	m.envelope = "envelope";
	m.envelope_len = 8;
	m.routing = &target;
	m.nrouting = 1;
	m.content = content;
	assert_int_equal(store_message_add(s, &m), 0);
}

static void
check(uint64_t first, uint64_t last)
{
	struct store_message	 m;
	uint8_t			 content[OCTETS];

	for (; first <= last; first++) {
		assert_int_equal(store_message_get(s, first, &m, 1), 1);
		memset(content, (int)first, sizeof(content));
		assert_memory_equal(m.content, content, OCTETS);
		store_message_release(s);
	}
}

/* How many: at most one write for each 64 KB, and one that begins it. */
static void
test_pieces(void **state)
{
	uint64_t	id = 1;
	int		n;

	assert_int_equal(store_begin(s), 0);
	add(id++);
	assert_int_equal(store_commit(s), 0);
	for (n = 1; n <= 300; n = n < 40 ? n + 1 : n + 65) {
		uint64_t	first = id;

		writes = 0;
		assert_int_equal(store_begin(s), 0);
		while (id < first + n)
			add(id++);
		assert_int_equal(store_commit(s), 0);
		assert_in_range(writes, 1, 2 + (n + 12) * PAGE / 65536);
		check(first, id - 1);
	}
	store_close(s);
	open_it();
	check(1, id - 1);
}

/* More than the cache of SQLite holds: read again before it is committed. */
static void
test_spilled(void **state)
{
	uint64_t	id;

	assert_int_equal(store_begin(s), 0);
	for (id = 1; id <= 4000; id++)
		add(id);
	check(1, 4000);
	assert_int_equal(store_commit(s), 0);
	check(1, 4000);
	assert_int_equal(store_begin(s), 0);
	for (; id <= 8000; id++)
		add(id);
	check(4001, 8000);
	store_rollback(s);
	assert_int_equal(store_begin(s), 0);
	add(9000);
	assert_int_equal(store_commit(s), 0);
	store_close(s);
	open_it();
	check(1, 4000);
	check(9000, 9000);
}

/* Committed to be synced later: the process may end, it is in the file. */
static void
test_later(void **state)
{
	int	status;
	pid_t	pid;

	store_close(s);
	if ((pid = fork()) == 0) {
		char	why[256];

		if ((s = store_open(dir, why, sizeof(why))) == NULL ||
		    store_begin_later(s) == -1)
			_exit(1);
		add(7);
		if (store_commit(s) == -1)
			_exit(1);
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	open_it();
	check(7, 7);
}

static void
no_log(int later)
{
	struct store_message	 m;

	assert_int_equal(store_begin(s), 0);
	add(1);
	assert_int_equal(store_commit(s), 0);
	assert_int_equal(later ? store_begin_later(s) : store_begin(s), 0);
	add(2);
	no_space = 1;
	assert_int_equal(store_commit(s), -1);
	store_rollback(s);
	check(1, 1);
	no_space = 0;
	assert_int_equal(store_reopen(s), 0);
	check(1, 1);
	if (!later)
		assert_int_equal(store_message_get(s, 2, &m, 0), 0);
	assert_int_equal(store_begin(s), 0);
	add(3);
	assert_int_equal(store_commit(s), 0);
	store_close(s);
	open_it();
	check(1, 1);
	check(3, 3);
}

static void
test_no_space(void **state)
{
	no_log(0);
}

static void
test_no_space_later(void **state)
{
	no_log(1);
}

/* A transaction that changed nothing is no commit that could be synced. */
static void
test_nothing(void **state)
{
	uint64_t	commits;

	assert_int_equal(store_begin_later(s), 0);
	add(1);
	assert_int_equal(store_commit(s), 0);
	commits = store_commits(s);
	assert_int_equal(store_begin_later(s), 0);
	assert_int_equal(store_commit(s), 0);
	assert_int_equal(store_commits(s), commits);
	/* a full one syncs what the later one left, so it writes something */
	writes = 0;
	assert_int_equal(store_begin(s), 0);
	assert_int_equal(store_commit(s), 0);
	assert_int_equal(store_commits(s), commits + 1);
	assert_true(writes > 0);
}

/* Octets of the log's file, and before the last that are noughts. */
static off_t
log_size(off_t *used)
{
	static uint8_t	buf[16 * 1024 * 1024];
	char		path[128];
	ssize_t		n;
	int		fd;

	snprintf(path, sizeof(path), "%s/queue.db-wal", dir);
	assert_int_not_equal(fd = open(path, O_RDONLY), -1);
	assert_int_not_equal(n = read(fd, buf, sizeof(buf)), -1);
	close(fd);
	for (*used = n; *used > 0 && buf[*used - 1] == 0; --*used)
		;
	return (n);
}

static void
add_one(uint64_t id)
{
	assert_int_equal(store_begin(s), 0);
	add(id);
	assert_int_equal(store_commit(s), 0);
}

/* A file that grew has more to sync: it does so now and then. */
static void
test_ahead(void **state)
{
	off_t		used, size, was = 0;
	uint64_t	id;
	int		grew = 0, status;
	pid_t		pid;

	for (id = 1; id <= 900; id++) {
		add_one(id);
		size = log_size(&used);
		assert_true(size > used && size <= 16 * 1024 * 1024);
		grew += size != was;
		was = size;
	}
	assert_in_range(grew, 3, 16);
	store_close(s);
	if ((pid = fork()) == 0) {
		char	why[256];

		if ((s = store_open(dir, why, sizeof(why))) == NULL)
			_exit(1);
		for (; id <= 1000; id++)
			add_one(id);
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	size = log_size(&used);
	assert_true(size > used && used > 0);
	open_it();
	check(1, 1000);
	add_one(1001);
	check(1, 1001);
}

/* Where there is no room for it nothing is lost but time. */
static void
test_no_ahead(void **state)
{
	off_t		used, size;
	uint64_t	id;

	store_close(s);
	open_it();
	no_ahead = 1;
	for (id = 1; id <= 100; id++)
		add_one(id);
	/* noughts at the end of a page are its own */
	size = log_size(&used);
	assert_true(size - used < PAGE);
	store_close(s);
	open_it();
	check(1, 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(test_pieces),
		T(test_spilled),
		T(test_later),
		T(test_no_space),
		T(test_no_space_later),
		T(test_nothing),
		T(test_ahead),
		T(test_no_ahead),
#undef T
	};

	return (cmocka_run_group_tests_name("store_log", tests, NULL, NULL));
}
