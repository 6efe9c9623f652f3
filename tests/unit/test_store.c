/* SPDX-License-Identifier: ISC */

/*
 * The store of spoold: what is committed is there after reopening, what is
 * not is not; numbers never repeat; order, truncation, expiry.
 */

#include <sys/stat.h>
#include <sys/wait.h>

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

#include "../../spoold/store.h"

struct fixture {
	char		 dir[64];
	struct store	*s;
};

static int
setup(void **state)
{
	struct fixture	*f;
	char		 why[256];

	f = calloc(1, sizeof(*f));
	assert_non_null(f);
	strlcpy(f->dir, "/tmp/mtad-store.XXXXXX", sizeof(f->dir));
	assert_non_null(mkdtemp(f->dir));
	f->s = store_open(f->dir, why, sizeof(why));
	assert_non_null(f->s);
	*state = f;
	return (0);
}

static int
teardown(void **state)
{
	struct fixture	*f = *state;
	char		 cmd[128];
	int		 r;

	store_close(f->s);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", f->dir);
	r = system(cmd);
	free(f);
	return (r);
}

static void
reopen(struct fixture *f)
{
	char	why[256];

	store_close(f->s);
	f->s = store_open(f->dir, why, sizeof(why));
	assert_non_null(f->s);
}

static void
add_message(struct store *s, uint64_t id, int priority, uint32_t target)
{
	static const uint8_t	 content[] = "content octets";
	struct store_message	 m;
	struct store_job	 j;

	memset(&m, 0, sizeof(m));
	m.id = id;
	m.priority = priority;
	m.kind = CONTENT_INLINE;
	m.size = sizeof(content);
	m.envelope = "envelope";
	m.envelope_len = 8;
	m.routing = &target;
	m.nrouting = 1;
	m.content = content;
	assert_int_equal(store_message_add(s, &m), 0);
	memset(&j, 0, sizeof(j));
	j.target = target;
	j.rank = priority == PRIORITY_URGENT ? 0 :
	    priority == PRIORITY_NON_URGENT ? 2 : 1;
	j.message = id;
	j.sole = 1;
	j.size = sizeof(content);
	assert_int_equal(store_job_add(s, &j), 0);
}

static void
test_commit_and_rollback(void **state)
{
	struct fixture		*f = *state;
	struct store_message	 m;
	uint32_t		 t;

	t = store_target(f->s, TARGET_PEER, "beta");
	assert_int_not_equal(t, 0);
	assert_int_equal(store_begin(f->s), 0);
	add_message(f->s, 1, PRIORITY_NORMAL, t);
	assert_int_equal(store_commit(f->s), 0);
	assert_int_equal(store_begin(f->s), 0);
	add_message(f->s, 2, PRIORITY_NORMAL, t);
	store_rollback(f->s);
	reopen(f);
	assert_int_equal(store_message_get(f->s, 1, &m, 1), 1);
	assert_int_equal(m.size, 15);
	assert_memory_equal(m.content, "content octets", 15);
	assert_memory_equal(m.envelope, "envelope", 8);
	assert_int_equal(m.nrouting, 1);
	assert_int_equal(m.routing[0], t);
	store_message_release(f->s);
	assert_int_equal(store_message_get(f->s, 2, &m, 1), 0);
	assert_int_equal(store_target(f->s, TARGET_PEER, "beta"), t);
	assert_int_not_equal(store_target(f->s, TARGET_DIRECTORY, "beta"), t);
}

/* SIGKILL between a commit and an open transaction. */
static void
test_killed(void **state)
{
	struct fixture		*f = *state;
	struct store_message	 m;
	char			 why[256];
	pid_t			 pid;
	int			 status;

	store_close(f->s);
	if ((pid = fork()) == 0) {
		f->s = store_open(f->dir, why, sizeof(why));
		store_begin(f->s);
		add_message(f->s, 10, PRIORITY_NORMAL, 1);
		store_commit(f->s);
		store_begin(f->s);
		add_message(f->s, 11, PRIORITY_NORMAL, 1);
		raise(SIGKILL);
	}
	waitpid(pid, &status, 0);
	assert_true(WIFSIGNALED(status));
	f->s = store_open(f->dir, why, sizeof(why));
	assert_non_null(f->s);
	assert_int_equal(store_message_get(f->s, 10, &m, 0), 1);
	store_message_release(f->s);
	assert_int_equal(store_message_get(f->s, 11, &m, 0), 0);
}

static void
test_numbers_never_repeat(void **state)
{
	struct fixture	*f = *state;
	uint64_t	 last = 0, id;
	int64_t		 second, last_second = 0;
	uint32_t	 number, last_number = 0;
	int		 i, k;

	for (k = 0; k < 3; k++) {
		for (i = 0; i < 3000; i++) {
			id = store_next_id(f->s);
			assert_true(id > last);
			last = id;
			store_next_connection(f->s, &second, &number);
			assert_true(second > last_second ||
			    (second == last_second && number > last_number));
			assert_true(number < 1296);
			last_second = second;
			last_number = number;
		}
		assert_int_equal(store_begin(f->s), 0);
		assert_int_equal(store_commit(f->s), 0);
		reopen(f);
	}
}

static int
collect(void *arg, const struct store_job *j)
{
	uint64_t	**p = arg;

	*(*p)++ = j->message;
	return (0);
}

static void
test_queue_order(void **state)
{
	struct fixture	*f = *state;
	struct store_job j;
	uint64_t	 got[16], *p = got;
	int64_t		 when;
	int		 kind, i;

	store_begin(f->s);
	for (i = 10; i > 0; i--)
		add_message(f->s, i, PRIORITY_NORMAL, 7);
	add_message(f->s, 20, PRIORITY_URGENT, 7);
	add_message(f->s, 21, PRIORITY_NORMAL, 8);
	store_commit(f->s);
	assert_int_equal(store_job_ready(f->s, 7, 1, 0, 16, collect, &p), 10);
	for (i = 0; i < 10; i++)
		assert_int_equal(got[i], i + 1);
	p = got;
	assert_int_equal(store_job_ready(f->s, 7, 1, 4, 3, collect, &p), 3);
	assert_int_equal(got[0], 5);
	p = got;
	assert_int_equal(store_job_ready(f->s, 7, 0, 0, 3, collect, &p), 1);
	assert_int_equal(got[0], 20);

	/* deferred ones come back when due, others do not */
	store_begin(f->s);
	memset(&j, 0, sizeof(j));
	j.target = 7;
	j.rank = 1;
	j.message = 1;
	j.state = JOB_DEFERRED;
	j.next_try = 1000;
	strlcpy(j.reason, "because", sizeof(j.reason));
	assert_int_equal(store_job_state(f->s, &j), 0);
	store_commit(f->s);
	assert_int_equal(store_job_next(f->s, 7, &when), 1);
	assert_int_equal(when, 1000);
	assert_int_equal(store_job_due(f->s, 7, 999), 0);
	assert_int_equal(store_job_due(f->s, 7, 1000), 1);
	assert_int_equal(store_job_next(f->s, 7, &when), 0);

	/* the message goes with its last job */
	store_begin(f->s);
	assert_int_equal(store_message_done(f->s, 1, &kind), 0);
	assert_int_equal(store_job_done(f->s, 7, 1, 1), 0);
	assert_int_equal(store_message_done(f->s, 1, &kind), 1);
	assert_int_equal(kind, CONTENT_INLINE);
	store_commit(f->s);
}

static void
test_sending(void **state)
{
	struct fixture		*f = *state;
	struct store_job	 j;
	uint64_t		 ids[4], *p = ids;

	store_begin(f->s);
	add_message(f->s, 5, PRIORITY_NORMAL, 7);
	memset(&j, 0, sizeof(j));
	j.target = 7;
	j.rank = 1;
	j.message = 5;
	j.association = 99;
	j.connection = 3;
	j.activity = 12;
	assert_int_equal(store_job_sending(f->s, &j), 0);
	j.serial = 4;
	j.offset = 65536;
	j.head = "head";
	j.head_len = 4;
	assert_int_equal(store_job_progress(f->s, &j), 0);
	j.head = NULL;
	j.serial = 5;
	assert_int_equal(store_job_progress(f->s, &j), 0);
	store_commit(f->s);
	reopen(f);
	assert_int_equal(store_job_ready(f->s, 7, 1, 0, 4, collect, &p), 0);
	memset(&j, 0, sizeof(j));
	assert_int_equal(store_job_sending_each(f->s, collect, &p), 1);
	assert_int_equal(ids[0], 5);
}

static void
test_duplicates(void **state)
{
	struct fixture	*f = *state;
	uint32_t	 numbers[3] = { 1, 2, 5 }, got[8];
	size_t		 n;
	char		 key[8];
	int		 i;

	store_begin(f->s);
	assert_int_equal(store_accepted_get(f->s, 1, "id", 2, got, 8, &n), 0);
	assert_int_equal(store_accepted_put(f->s, 1, "id", 2, numbers, 2,
	    100), 0);
	assert_int_equal(store_accepted_put(f->s, 1, "id", 2, numbers, 3,
	    200), 0);
	assert_int_equal(store_accepted_get(f->s, 1, "id", 2, got, 8, &n), 1);
	assert_int_equal(n, 3);
	assert_int_equal(got[2], 5);
	assert_int_equal(store_accepted_get(f->s, 2, "id", 2, got, 8, &n), 0);
	for (i = 0; i < 20; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		assert_int_equal(store_accepted_put(f->s, 1, key, strlen(key),
		    numbers, 1, 200 + i), 0);
	}
	store_commit(f->s);
	/* the first was put at 100, so it and those before 210 */
	assert_int_equal(store_accepted_prune(f->s, 210, 5), 5);
	assert_int_equal(store_accepted_prune(f->s, 210, 100), 6);
	assert_int_equal(store_accepted_prune(f->s, 210, 100), 0);
	assert_int_equal(store_accepted_get(f->s, 1, "k10", 3, got, 8, &n),
	    1);
	assert_int_equal(store_accepted_get(f->s, 1, "k9", 2, got, 8, &n), 0);
}

static void
make_id(struct s_connection_id *id, const char *user, const char *common,
    const char *additional)
{
	memset(id, 0, sizeof(*id));
	id->user_len = strlen(user);
	memcpy(id->user, user, id->user_len);
	id->common_len = strlen(common);
	memcpy(id->common, common, id->common_len);
	id->additional_len = strlen(additional);
	memcpy(id->additional, additional, id->additional_len);
}

static void
test_connections(void **state)
{
	struct fixture		*f = *state;
	struct store_association a;
	struct store_connection	 c, got[4];
	struct connection_key	 key;
	struct s_connection_id	 id, back;
	uint64_t		 ids[4];

	memset(&a, 0, sizeof(a));
	a.id = 1;
	a.peer = 3;
	a.checkpoint = 16;
	a.window = 4;
	strlcpy(a.address, "192.0.2.1", sizeof(a.address));
	make_id(&id, "alpha", "920509145249Z", "");
	assert_int_equal(connection_key(&id, &key), 0);
	assert_int_equal(connection_key_parse(&key, &back), 0);
	assert_memory_equal(&id, &back, sizeof(id));
	store_begin(f->s);
	store_association_put(f->s, &a);
	memset(&c, 0, sizeof(c));
	c.id = store_connection_id(f->s);
	c.association = 1;
	c.key = key;
	c.completed.n = 2;
	c.completed.activity[0].len = 3;
	memcpy(c.completed.activity[0].octets, "\x02\x01\x07", 3);
	c.completed.activity[1].len = 3;
	memcpy(c.completed.activity[1].octets, "\x02\x01\x06", 3);
	store_connection_put(f->s, &c);
	/* a second connection of the same association */
	make_id(&id, "alpha", "920509145250Z", "aa");
	connection_key(&id, &c.key);
	c.id = store_connection_id(f->s);
	c.completed.n = 0;
	store_connection_put(f->s, &c);
	store_commit(f->s);
	reopen(f);
	assert_int_equal(store_connection_find(f->s, &key, 0, got, 4), 1);
	assert_int_equal(got[0].association, 1);
	assert_int_equal(got[0].completed.n, 2);
	assert_int_equal(got[0].completed.activity[1].octets[2], 6);
	assert_int_equal(store_connection_find(f->s, &key, 1, got, 4), 0);
	assert_int_equal(store_connection_find(f->s, &c.key, 0, got, 4), 1);
	assert_int_equal(store_connection_last(f->s, 1, &got[0]), 1);
	assert_int_equal(got[0].id, c.id);
	assert_true(store_connection_id(f->s) > c.id);

	assert_int_equal(store_association_expired(f->s, 3, 50, 0, ids, 4), 0);
	store_associations_lost(f->s, 40);
	assert_int_equal(store_association_expired(f->s, 3, 40, 0, ids, 4), 0);
	assert_int_equal(store_association_expired(f->s, 3, 41, 0, ids, 4), 1);
	store_begin(f->s);
	assert_int_equal(store_association_delete(f->s, 1), 0);
	store_commit(f->s);
	assert_int_equal(store_connection_find(f->s, &key, 0, got, 4), 0);
	assert_int_equal(store_association_get(f->s, 1, &a), 0);
}

static int
concat(void *arg, uint64_t offset, const void *data, size_t len)
{
	char	*buf = arg;

	assert_int_equal(offset, strlen(buf));
	strncat(buf, data, len);
	return (0);
}

static void
test_receiving(void **state)
{
	struct fixture		*f = *state;
	struct store_receiving	 r;
	struct store_checkpoint	 cp;
	struct activity_id	 act = { 3, { 2, 1, 9 } };
	uint64_t		 id;
	char			 buf[64] = "";
	uint32_t		 i;

	memset(&r, 0, sizeof(r));
	r.id = 77;
	r.association = 1;
	r.serial = 3;
	store_begin(f->s);
	store_receiving_put(f->s, &r);
	store_activity_put(f->s, 5, &act, 77);
	for (i = 1; i <= 3; i++) {
		cp.serial = i;
		cp.markup_len = i * 2;
		cp.content_len = i * 10;
		store_checkpoint_put(f->s, 77, &cp);
	}
	store_piece_put(f->s, 77, PIECE_MARKUP, 0, "abc", 3);
	store_piece_put(f->s, 77, PIECE_MARKUP, 3, "def", 3);
	store_piece_put(f->s, 77, PIECE_MARKUP, 6, "ghi", 3);
	store_commit(f->s);
	assert_int_equal(store_activity_find(f->s, 5, &act, &id), 1);
	assert_int_equal(id, 77);
	assert_int_equal(store_activity_find(f->s, 6, &act, &id), 0);
	/* a file of 25 octets has checkpoint 2, not 3 */
	assert_int_equal(store_checkpoint_get(f->s, 77, 3, 25, &cp), 1);
	assert_int_equal(cp.serial, 2);
	assert_int_equal(store_receiving_truncate(f->s, 77, &cp), 0);
	assert_int_equal(store_piece_each(f->s, 77, PIECE_MARKUP, concat,
	    buf), 0);
	assert_string_equal(buf, "abcd");
	assert_int_equal(store_checkpoint_get(f->s, 77, 3, 100, &cp), 1);
	assert_int_equal(cp.serial, 2);
	r.kind = CONTENT_FILE;
	store_receiving_put(f->s, &r);
	assert_int_equal(store_file_wanted(f->s, 77), 1);
	assert_int_equal(store_receiving_delete(f->s, 77), 0);
	assert_int_equal(store_file_wanted(f->s, 77), 0);
	assert_int_equal(store_activity_find(f->s, 5, &act, &id), 0);
}

/* A data base of the second version has no poison and no audit lines yet. */
static int
count_poison(void *arg, const struct store_poison *p)
{
	assert_int_equal(p->kills, 3);
	assert_int_equal(p->offset, 4096);
	++*(int *)arg;
	return (0);
}

static int
count_line(void *arg, uint64_t id, const char *line)
{
	assert_string_equal(line, "a line\n");
	++*(int *)arg;
	return (0);
}

static int
count_one(void *arg, const struct store_job *j)
{
	++*(int *)arg;
	return (0);
}

/* What each version of the schema added, taken away again. */
static const char *const	added[] = {
	NULL,
	"ALTER TABLE queue DROP COLUMN attempted; "
	    "ALTER TABLE queue DROP COLUMN pinned;",
	"DROP TABLE poison; DROP TABLE audit;",
	"DROP INDEX queue_deadline; ALTER TABLE queue DROP COLUMN deadline;",
	"ALTER TABLE messages DROP COLUMN sum;",
};

static void
make_old(sqlite3 *db, int version)
{
	char	text[64];
	int	v;

	for (v = sizeof(added) / sizeof(added[0]); v > version; v--)
		assert_int_equal(sqlite3_exec(db, added[v - 1], NULL, NULL,
		    NULL), SQLITE_OK);
	snprintf(text, sizeof(text), "PRAGMA user_version = %d", version);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
}

static void
upgrade_from(struct fixture *f, int version)
{
	struct store_poison	 p = { POISON_OUT, 5, 7, 3, 1, 1, 0, 4096 };
	char			 path[128];
	sqlite3			*db;
	int			 n = 0;

	store_begin(f->s);
	add_message(f->s, 5, PRIORITY_NORMAL, 7);
	store_commit(f->s);
	store_close(f->s);
	snprintf(path, sizeof(path), "%s/queue.db", f->dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	make_old(db, version);
	sqlite3_close(db);
	f->s = NULL;
	reopen(f);
	store_begin(f->s);
	assert_int_equal(store_poison_put(f->s, &p), 0);
	p.id = 6;		/* a message that there is not */
	assert_int_equal(store_poison_put(f->s, &p), 0);
	assert_int_equal(store_audit_put(f->s, 1, "a line\n"), 0);
	assert_int_equal(store_audit_put(f->s, 2, "a line\n"), 0);
	assert_int_equal(store_audit_delete(f->s, 1), 0);
	store_commit(f->s);
	reopen(f);
	assert_int_equal(store_poison_each(f->s, count_poison, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(store_audit_each(f->s, count_line, &n), 0);
	assert_int_equal(n, 2);
	p.id = 5;
	store_begin(f->s);
	assert_int_equal(store_poison_delete(f->s, &p), 0);
	store_commit(f->s);
	assert_int_equal(store_poison_each(f->s, count_poison, &n), 0);
	assert_int_equal(n, 2);
	n = 0;
	assert_int_not_equal(store_job_of_message(f->s, 5, count_one, &n),
	    -1);
	assert_int_equal(n, 1);
	assert_int_equal(store_job_overdue(f->s, INT64_MAX, 10, count_one,
	    &n), 0);
}

static void
test_upgrade(void **state)
{
	int	version;

	for (version = 1; version < (int)(sizeof(added) /
	    sizeof(added[0])); version++) {
		if (version > 1) {
			teardown(state);
			setup(state);
		}
		upgrade_from(*state, version);
	}
}

static void
test_newer_schema(void **state)
{
	struct fixture	*f = *state;
	char		 path[128], why[256];
	sqlite3		*db;

	store_close(f->s);
	snprintf(path, sizeof(path), "%s/queue.db", f->dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 1000", NULL,
	    NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	f->s = store_open(f->dir, why, sizeof(why));
	assert_null(f->s);
	assert_non_null(strstr(why, "newer"));
}

static void
test_not_a_database(void **state)
{
	struct fixture	*f = *state;
	char		 path[128], why[256], buf[9] = "";
	FILE		*fp;

	store_close(f->s);
	snprintf(path, sizeof(path), "%s/queue.db-wal", f->dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/queue.db", f->dir);
	assert_non_null(fp = fopen(path, "w"));
	fprintf(fp, "%4096s", "garbage!");
	fclose(fp);
	f->s = store_open(f->dir, why, sizeof(why));
	assert_null(f->s);
	assert_true(why[0] != '\0');
	/* and it is left as it was, for whoever repairs it */
	assert_non_null(fp = fopen(path, "r"));
	fseek(fp, -8, SEEK_END);
	assert_int_equal(fread(buf, 1, 8, fp), 8);
	assert_string_equal(buf, "garbage!");
	fclose(fp);
}

static void
test_reopen_empties_the_log(void **state)
{
	struct fixture		*f = *state;
	struct store_message	 m;
	uint8_t			 octet;
	char			 path[128];
	FILE			*fp;
	int			 at, last = -1;

	store_begin(f->s);
	add_message(f->s, 1, PRIORITY_NORMAL, 1);
	store_commit(f->s);
	assert_int_equal(store_reopen(f->s), 0);
	assert_int_equal(store_message_get(f->s, 1, &m, 0), 1);
	store_message_release(f->s);
	snprintf(path, sizeof(path), "%s/queue.db-wal", f->dir);
	assert_non_null(fp = fopen(path, "r"));
	for (at = 0; fread(&octet, 1, 1, fp) == 1; at++)
		if (octet != 0)
			last = at;
	fclose(fp);
	assert_in_range(last, 0, 20000);	/* the probe only */
}

/* What is there as well, and what is said of it. */
static void
count_with(struct fixture *f, const char *name, const char *says)
{
	char		 path[128], why[256] = "";
	uint64_t	 messages, partial;

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	assert_int_equal(mkdir(path, 0700), 0);
	if (says == NULL)
		assert_int_equal(store_count(f->dir, &messages, &partial, why,
		    sizeof(why)), 0);
	else {
		assert_int_equal(store_count(f->dir, &messages, &partial, why,
		    sizeof(why)), -1);
		assert_ptr_equal(strstr(why, name), why);
		assert_non_null(strstr(why, says));
	}
	/* somebody's own is told of first */
	if (says != NULL && strstr(says, "not of mtad") == NULL) {
		snprintf(path, sizeof(path), "%s/zzz", f->dir);
		assert_int_equal(mkdir(path, 0700), 0);
		assert_int_equal(store_count(f->dir, &messages, &partial, why,
		    sizeof(why)), -1);
		assert_non_null(strstr(why, "zzz is there as well"));
		assert_int_equal(rmdir(path), 0);
		snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	}
	assert_int_equal(rmdir(path), 0);
}

/* What is told of a spool before it is taken away. */
static void
test_count(void **state)
{
	struct fixture	*f = *state;
	char		 from[128], to[128], why[256] = "";
	uint64_t	 messages, partial;
	uint32_t	 t;

	t = store_target(f->s, TARGET_PEER, "beta");
	assert_int_equal(store_begin(f->s), 0);
	add_message(f->s, 1, PRIORITY_NORMAL, t);
	add_message(f->s, 2, PRIORITY_URGENT, t);
	assert_int_equal(store_commit(f->s), 0);
	/* somebody has it open */
	assert_int_equal(store_count(f->dir, &messages, &partial, why,
	    sizeof(why)), -1);
	assert_non_null(strstr(why, "locked"));
	store_close(f->s);
	assert_int_equal(store_count(f->dir, &messages, &partial, why,
	    sizeof(why)), 0);
	assert_int_equal(messages, 2);
	assert_int_equal(partial, 0);

	count_with(f, "queue.db.old", "not of mtad");
	count_with(f, "queue.db.damaged-20261125T101112Z", "set it aside");
	count_with(f, "queue.db.damaged-20261125T101112Z-wal",
	    "set it aside");
	count_with(f, "queue.db.damaged-20261125T101112Z.report",
	    "report of what was lost");
	count_with(f, "content.damaged-20261125T101112Z", "set it aside");
	count_with(f, "queue.db.repair", "when mtad starts");
	count_with(f, "queue.db.saved", "when mtad starts");
	count_with(f, "salvage.new", "when mtad starts");
	count_with(f, "backup.tmp", NULL);
	count_with(f, "lost+found", NULL);
	snprintf(from, sizeof(from), "%s/queue.db", f->dir);
	snprintf(to, sizeof(to), "%s/content", f->dir);
	assert_int_equal(rename(from, to), 0);
	assert_int_equal(store_count(f->dir, &messages, &partial, why,
	    sizeof(why)), -1);
	assert_non_null(strstr(why, "contents"));
	assert_int_equal(truncate(to, 0), 0);
	assert_int_equal(rename(to, from), 0);
	assert_int_equal(store_count(f->dir, &messages, &partial, why,
	    sizeof(why)), -1);
	assert_int_equal(unlink(from), 0);
	assert_int_equal(store_count(f->dir, &messages, &partial, why,
	    sizeof(why)), 0);
	assert_int_equal(messages, 0);
	f->s = store_open(f->dir, why, sizeof(why));
	assert_non_null(f->s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(test_commit_and_rollback),
		T(test_killed),
		T(test_numbers_never_repeat),
		T(test_queue_order),
		T(test_sending),
		T(test_duplicates),
		T(test_connections),
		T(test_receiving),
		T(test_upgrade),
		T(test_newer_schema),
		T(test_not_a_database),
		T(test_reopen_empties_the_log),
		T(test_count),
#undef T
	};

	return (cmocka_run_group_tests_name("store", tests, NULL, NULL));
}
