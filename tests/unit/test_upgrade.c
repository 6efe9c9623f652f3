/* SPDX-License-Identifier: ISC */

/*
 * Stores of every schema that there was, with what a spool has in the middle
 * of its work, become one of today, and go on: transfers are recovered in
 * both directions, what is held stays held, duplicates are known.  A store of
 * a newer one is refused and left alone.
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

#define IN2	(ASSOC_INCOMING | 2)	/* beta's, a transfer in part */
#define PIECE	9000
#define LARGE	60000
#define QUEUED	7

/*
 * What each version added, as it was published: these lines never change.
 * A new version gets a new entry.
 */
static const char *const	published[] = {
	"CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER) "
	    "WITHOUT ROWID;"
	    "CREATE TABLE targets (id INTEGER PRIMARY KEY AUTOINCREMENT, "
	    "kind INTEGER NOT NULL, name TEXT NOT NULL, "
	    "no_recovery INTEGER NOT NULL DEFAULT 0, UNIQUE (kind, name));"
	    "CREATE TABLE messages (id INTEGER PRIMARY KEY, type INTEGER, "
	    "priority INTEGER, kind INTEGER, arrival INTEGER, "
	    "origin INTEGER, size INTEGER, envelope BLOB, routing BLOB, "
	    "content BLOB);"
	    "CREATE TABLE queue (target INTEGER, rank INTEGER, "
	    "message INTEGER, state INTEGER NOT NULL, "
	    "sole INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, "
	    "next_try INTEGER NOT NULL DEFAULT 0, "
	    "size INTEGER NOT NULL DEFAULT 0, "
	    "reason TEXT NOT NULL DEFAULT '', "
	    "association INTEGER NOT NULL DEFAULT 0, "
	    "connection INTEGER NOT NULL DEFAULT 0, "
	    "activity INTEGER NOT NULL DEFAULT 0, "
	    "serial INTEGER NOT NULL DEFAULT 0, "
	    "offset INTEGER NOT NULL DEFAULT 0, "
	    "total INTEGER NOT NULL DEFAULT 0, "
	    "since INTEGER NOT NULL DEFAULT 0, head BLOB, "
	    "PRIMARY KEY (target, rank, message)) WITHOUT ROWID;"
	    "CREATE TABLE accepted (id INTEGER PRIMARY KEY, peer INTEGER, "
	    "mpdu BLOB, recipients BLOB, time INTEGER, "
	    "UNIQUE (peer, mpdu));"
	    "CREATE TABLE associations (id INTEGER PRIMARY KEY, "
	    "peer INTEGER, initiator INTEGER, dialogue INTEGER, "
	    "turn INTEGER, checkpoint INTEGER, window INTEGER, "
	    "opened INTEGER, lost INTEGER, next_activity INTEGER, "
	    "connection INTEGER, address TEXT);"
	    "CREATE TABLE connections (id INTEGER PRIMARY KEY, "
	    "association INTEGER, key BLOB, completed BLOB);"
	    "CREATE INDEX connections_key ON connections (key);"
	    "CREATE INDEX connections_association ON connections "
	    "(association);"
	    "CREATE TABLE receiving (id INTEGER PRIMARY KEY, peer INTEGER, "
	    "association INTEGER, serial INTEGER, markup_len INTEGER, "
	    "content_len INTEGER, kind INTEGER, since INTEGER, "
	    "confirmed INTEGER);"
	    "CREATE INDEX receiving_association ON receiving (association);"
	    "CREATE TABLE activities (connection INTEGER, activity BLOB, "
	    "transfer INTEGER, PRIMARY KEY (connection, activity)) "
	    "WITHOUT ROWID;"
	    "CREATE INDEX activities_transfer ON activities (transfer);"
	    "CREATE TABLE checkpoints (transfer INTEGER, serial INTEGER, "
	    "markup_len INTEGER, content_len INTEGER, "
	    "PRIMARY KEY (transfer, serial)) WITHOUT ROWID;"
	    "CREATE TABLE pieces (id INTEGER PRIMARY KEY, transfer INTEGER, "
	    "kind INTEGER, offset INTEGER, data BLOB);"
	    "CREATE INDEX pieces_of ON pieces (transfer, kind, offset);",
	"ALTER TABLE queue ADD COLUMN attempted INTEGER NOT NULL DEFAULT 0;"
	    "ALTER TABLE queue ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;",
	"CREATE TABLE poison (kind INTEGER, id INTEGER, target INTEGER, "
	    "kills INTEGER NOT NULL, refusals INTEGER NOT NULL, "
	    "suspect INTEGER NOT NULL, trial INTEGER NOT NULL, "
	    "offset INTEGER NOT NULL, PRIMARY KEY (kind, id, target)) "
	    "WITHOUT ROWID;"
	    "CREATE TABLE audit (id INTEGER PRIMARY KEY, "
	    "line TEXT NOT NULL);",
	"ALTER TABLE queue ADD COLUMN deadline INTEGER NOT NULL DEFAULT 0;"
	    "CREATE INDEX queue_deadline ON queue (deadline) "
	    "WHERE deadline > 0;",
	"ALTER TABLE messages ADD COLUMN sum INTEGER;",
};
#define TODAY	((int)nitems(published))

static char	dir[64];

struct shared {
	int			version;
	uint64_t		held, poison;
	struct s_connection_id	connection;
};
static struct shared	*shared;

static void
send_pieces(uint64_t from, uint64_t to)
{
	static uint8_t	buf[PIECE];
	uint64_t	i;

	for (i = from; i < to; i++) {
		recv_octets(IMSG_RECV_MARKUP, IN2, "mk", 2);
		fill_octets(buf, i * PIECE, PIECE);
		recv_octets(IMSG_RECV_CONTENT, IN2, buf, PIECE);
		recv_number(IMSG_RECV_CHECKPOINT, IN2, (uint32_t)i + 1);
		spool_turn();
		next(IMSG_RECV_CONFIRM);
	}
}

static int
copy_job(void *arg, const struct store_job *j)
{
	*(struct store_job *)arg = *j;
	return (0);
}

/* One held, one deferred, one that has a bad name; one without a way. */
static void
set_states(void)
{
	struct store_poison	 p;
	struct store_job	 j;
	uint64_t		 ids[QUEUED];

	CHECK(store_message_ids(sp.store, 0, ids, QUEUED) == QUEUED);
	CHECK(store_begin(sp.store) == 0);
	CHECK(store_job_of_message(sp.store, ids[0], copy_job, &j) == 0);
	j.state = JOB_HELD;
	strlcpy(j.reason, "by the operator", sizeof(j.reason));
	CHECK(store_job_state(sp.store, &j) == 0);
	shared->held = ids[0];
	CHECK(store_job_of_message(sp.store, ids[1], copy_job, &j) == 0);
	j.state = JOB_DEFERRED;
	j.attempts = 3;
	j.next_try = time(NULL) + 86400;
	CHECK(store_job_state(sp.store, &j) == 0);
	memset(&p, 0, sizeof(p));
	p.id = shared->poison = ids[1];
	p.target = j.target;
	p.kills = 1;
	CHECK(store_poison_put(sp.store, &p) == 0);
	CHECK(store_commit(sp.store) == 0);
}

/* In the middle of everything; killed then. */
static void
life_make(const char *d)
{
	uint32_t	id, x, i;

	fake_connected = 0;
	fake_peer[1].naddress = 0;
	life_begin(d);
	peer_opens(SENDER_IN, GAMMA, 1, 0, 0);
	recv_message(SENDER_IN, 1, 1, PRIORITY_URGENT, TO_GAMMA, 50);
	recv_message(SENDER_IN, 2, 2, PRIORITY_NORMAL, TO_GAMMA, LARGE);
	recv_message(SENDER_IN, 3, 3, PRIORITY_NORMAL, TO_NOWHERE, 5000);
	recv_message(SENDER_IN, 4, 4, PRIORITY_NON_URGENT, TO_HERE, 70);
	settle();
	forget_sent();
	CHECK(delivered_files(d, ".p2") == 1);
	queue_up(10, 4, PRIORITY_NORMAL, LARGE);
	set_states();
	id = expect_open(0);
	shared->connection = opened.id;
	up(id, TURN_INITIATOR, 0);
	x = expect_xfer(id, 0, 0);
	for (i = 0; i < 3; i++)
		expect_xfer(id, 0, 0);
	begun(id, x, LARGE + 200);
	head(id, x);
	for (i = 1; i <= 3; i++)
		confirmed(id, x, i, i * 4096);
	peer_opens(IN2, BETA, 7, 0, 0);
	recv_begin(IN2, 5);
	send_pieces(0, 3);
	raise(SIGKILL);
}

static void
resume_in(const char *d)
{
	struct recv_resume		 rs;
	const struct recv_resumed	*r;

	peer_opens(IN2, BETA, 8, 7, 0);
	memset(&rs, 0, sizeof(rs));
	make_act(&rs.activity, 6);
	make_act(&rs.old_activity, 5);
	make_conn(&rs.old_connection, "beta", 7);
	rs.serial = 2;
	from_rtsd(IMSG_RECV_RESUME, IN2, &rs, sizeof(rs));
	spool_turn();
	next(IMSG_RECV_OLD_MARKUP);
	next(IMSG_RECV_OLD_MARKUP);
	r = (const void *)next(IMSG_RECV_RESUMED)->data;
	CHECK(!r->complete && r->content_len == 2 * PIECE);
	send_pieces(2, 6);
	recv_envelope(IN2, 100, PRIORITY_NORMAL, 1, (const char *[]){
	    TO_HERE });
	recv_number(IMSG_RECV_END, IN2, 7);
	spool_turn();
	next(IMSG_RECV_ENDED);
	settle();
	CHECK(delivered_files(d, ".p2") == 2);
}

static int
count_poison(void *arg, const struct store_poison *p)
{
	*(int *)arg += p->id == shared->poison && p->kills == 1;
	return (0);
}

static void
life_go_on(const char *d)
{
	struct store_job	j;
	uint32_t		id, x[4], i;
	int			n = 0;

	fake_peer[1].naddress = 0;
	life_begin(d);
	CHECK(!sp.failing);
	CHECK(queue_length() == QUEUED);
	CHECK(store_job_of_message(sp.store, shared->held, copy_job, &j) ==
	    0);
	CHECK(j.state == JOB_HELD &&
	    strcmp(j.reason, "by the operator") == 0);
	CHECK(store_poison_each(sp.store, count_poison, &n) == 0);
	CHECK(n == (shared->version >= 3));
	fake_offset += 300;
	/* sent from the third checkpoint on */
	id = expect_open(1);
	CHECK(memcmp(&opened.recovered, &shared->connection,
	    sizeof(opened.recovered)) == 0);
	up(id, TURN_INITIATOR, 0);
	x[0] = expect_xfer(id, 1, 0);
	CHECK(req.serial == 3 && req.offset == 3 * 4096);
	begun(id, x[0], LARGE + 200);
	done(id, x[0]);
	/* nothing says that those behind it had begun */
	for (i = 1; i < 4; i++) {
		x[i] = expect_xfer(id, 0, 0);
		begun(id, x[i], LARGE + 200);
		done(id, x[i]);
	}
	CHECK(queue_length() == QUEUED - 4);
	forget_sent();
	resume_in(d);
	/* and what came before the upgrade is known */
	peer_opens(SENDER_IN, GAMMA, 2, 0, 0);
	recv_message(SENDER_IN, 1, 4, PRIORITY_NON_URGENT, TO_HERE, 70);
	CHECK(sp.stats.duplicates == 1);
	spool_close();
}

static void
run(sqlite3 *db, const char *sql)
{
	char	*why = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", sql, why);
}

/* Columns that the older one has. */
static void
copy_table(sqlite3 *db, const char *table)
{
	sqlite3_stmt	*st;
	char		 columns[1000] = "", *sql;

	assert_non_null(sql = sqlite3_mprintf("SELECT name FROM "
	    "pragma_table_info(%Q, 'old')", table));
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL),
	    SQLITE_OK);
	sqlite3_free(sql);
	while (sqlite3_step(st) == SQLITE_ROW) {
		if (columns[0] != '\0')
			strlcat(columns, ", ", sizeof(columns));
		strlcat(columns, (const char *)sqlite3_column_text(st, 0),
		    sizeof(columns));
	}
	sqlite3_finalize(st);
	assert_true(columns[0] != '\0');
	assert_non_null(sql = sqlite3_mprintf("INSERT INTO old.%s (%s) "
	    "SELECT %s FROM main.%s", table, columns, columns, table));
	run(db, sql);
	sqlite3_free(sql);
}

/* The store as one of that version would have it. */
static void
make_old(int version)
{
	static const char *const	tables[] = { "meta", "targets",
	    "messages", "queue", "accepted", "associations", "connections",
	    "receiving", "activities", "checkpoints", "pieces", "poison",
	    "audit" };
	char				path[128], old[128], sql[200];
	sqlite3				*db;
	size_t				i;
	int				v;

	snprintf(path, sizeof(path), "%s/spool/queue.db", dir);
	snprintf(old, sizeof(old), "%s/spool/old", dir);
	assert_int_equal(sqlite3_open(old, &db), SQLITE_OK);
	for (v = 0; v < version; v++)
		run(db, published[v]);
	snprintf(sql, sizeof(sql), "PRAGMA journal_mode = WAL;"
	    "PRAGMA user_version = %d", version);
	run(db, sql);
	sqlite3_close(db);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	snprintf(sql, sizeof(sql), "ATTACH '%s' AS old", old);
	run(db, sql);
	for (i = 0; i < nitems(tables) - (version < 3 ? 2 : 0); i++)
		copy_table(db, tables[i]);
	sqlite3_close(db);
	assert_int_equal(rename(old, path), 0);
}

static int
one_int(const char *pragma)
{
	sqlite3_stmt	*st;
	sqlite3		*db;
	char		 path[128];
	int		 v;

	snprintf(path, sizeof(path), "%s/spool/queue.db", dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, pragma, -1, &st, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	v = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return (v);
}

static void
test_upgrade(void **state)
{
	for (shared->version = 1; shared->version <= TODAY;
	    shared->version++) {
		fake_setup(dir, sizeof(dir));
		assert_int_equal(fake_life(life_make, dir), 256 + SIGKILL);
		/* who adds a version adds it above */
		assert_int_equal(one_int("PRAGMA user_version"), TODAY);
		make_old(shared->version);
		assert_int_equal(one_int("PRAGMA user_version"),
		    shared->version);
		assert_int_equal(fake_life(life_go_on, dir), 0);
		assert_int_equal(one_int("PRAGMA user_version"), TODAY);
		fake_teardown(dir);
	}
}

/* What the upgrades made is what is made today. */
static void
test_same(void **state)
{
	static const char	tables[] = "SELECT group_concat(name || "
	    "sql, ';') FROM (SELECT name, sql FROM sqlite_master ORDER BY "
	    "name)";
	sqlite3_stmt		*st;
	sqlite3			*db;
	char			*made[2], path[128];
	int			 i, v;

	fake_setup(dir, sizeof(dir));
	assert_int_equal(fake_life(life_make, dir), 256 + SIGKILL);
	snprintf(path, sizeof(path), "%s/spool/queue.db", dir);
	for (i = 0; i < 2; i++) {
		assert_int_equal(sqlite3_open(i == 0 ? path : ":memory:",
		    &db), SQLITE_OK);
		for (v = 0; v < TODAY && i == 1; v++)
			run(db, published[v]);
		assert_int_equal(sqlite3_prepare_v2(db, tables, -1, &st,
		    NULL), SQLITE_OK);
		assert_int_equal(sqlite3_step(st), SQLITE_ROW);
		assert_non_null(made[i] = strdup((const char *)
		    sqlite3_column_text(st, 0)));
		sqlite3_finalize(st);
		sqlite3_close(db);
	}
	assert_string_equal(made[0], made[1]);
	free(made[0]);
	free(made[1]);
	fake_teardown(dir);
}

static void
life_newer(const char *d)
{
	fake_connected = 0;
	life_begin(d);
	CHECK(sp.failing && sp.store == NULL);
	CHECK(strstr(sp.state, "newer mtad") != NULL);
	fake_offset += 10000;
	spool_tick();
	CHECK(sp.failing && sp.store == NULL);
}

static void
test_newer(void **state)
{
	char	sql[64];

	fake_setup(dir, sizeof(dir));
	assert_int_equal(fake_life(life_make, dir), 256 + SIGKILL);
	snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", TODAY + 1);
	make_old(TODAY);
	{
		sqlite3	*db;
		char	 path[128];

		snprintf(path, sizeof(path), "%s/spool/queue.db", dir);
		assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
		run(db, sql);
		sqlite3_close(db);
	}
	assert_int_equal(fake_life(life_newer, dir), 0);
	assert_int_equal(one_int("PRAGMA user_version"), TODAY + 1);
	assert_int_equal(one_int("SELECT COUNT(*) FROM messages"), QUEUED);
	fake_teardown(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_upgrade),
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_newer),
	};

	shared = fake_shared(sizeof(*shared));
	return (cmocka_run_group_tests_name("upgrade", tests, NULL, NULL));
}
