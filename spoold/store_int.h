/* SPDX-License-Identifier: ISC */

/*
 * Inside the store: prepared statements by number, one way to bind and run
 * them.  Only store*.c include this.
 */

#ifndef STORE_INT_H
#define STORE_INT_H

#include <sqlite3.h>

#include "store.h"

#define JOB_COLUMNS "target, rank, message, state, sole, attempts, " \
    "next_try, size, reason, association, connection, activity, serial, " \
    "offset, total, since, head, attempted, pinned, deadline"
#define ASSOC_COLUMNS "id, peer, initiator, dialogue, turn, checkpoint, " \
    "window, opened, lost, next_activity, connection, address"
#define RECV_COLUMNS "id, peer, association, serial, markup_len, " \
    "content_len, kind, since, confirmed"

#define STORE_STATEMENTS \
    S(BEGIN, "BEGIN IMMEDIATE") \
    S(SYNC_FULL, "PRAGMA synchronous = FULL") \
    S(SYNC_NORMAL, "PRAGMA synchronous = NORMAL") \
    S(COMMIT, "COMMIT") \
    S(ROLLBACK, "ROLLBACK") \
    S(META_GET, "SELECT value FROM meta WHERE name = ?") \
    S(META_PUT, "INSERT OR REPLACE INTO meta VALUES (?, ?)") \
    S(TARGET_FIND, "SELECT id FROM targets WHERE kind = ? AND name = ?") \
    S(TARGET_ADD, "INSERT INTO targets (kind, name) VALUES (?, ?)") \
    S(TARGET_GET, "SELECT kind, name FROM targets WHERE id = ?") \
    S(TARGET_EACH, "SELECT id, kind, name FROM targets ORDER BY id") \
    S(TARGET_NOREC, "UPDATE targets SET no_recovery = ? WHERE id = ?") \
    S(TARGET_NOREC_GET, "SELECT no_recovery FROM targets WHERE id = ?") \
    S(MSG_ADD, "INSERT INTO messages (id, type, priority, kind, arrival, " \
	"origin, size, envelope, routing, content, sum) " \
	"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)") \
    S(MSG_GET, "SELECT type, priority, kind, arrival, origin, size, " \
	"envelope, routing FROM messages WHERE id = ?") \
    S(MSG_GET_CONTENT, "SELECT type, priority, kind, arrival, origin, " \
	"size, envelope, routing, content, sum FROM messages " \
	"WHERE id = ?") \
    S(MSG_ROUTING, "UPDATE messages SET routing = ? WHERE id = ?") \
    S(MSG_ROUTED, "SELECT priority, kind, routing FROM messages " \
	"WHERE id = ?") \
    S(MSG_DELETE, "DELETE FROM messages WHERE id = ?") \
    S(MSG_IDS, "SELECT id FROM messages WHERE id > ? ORDER BY id LIMIT ?") \
    S(MSG_TOTALS, "SELECT COUNT(DISTINCT message), SUM(size) FROM queue") \
    S(ACC_GET, "SELECT recipients FROM accepted WHERE peer = ? " \
	"AND mpdu = ?") \
    S(ACC_PUT, "INSERT INTO accepted (peer, mpdu, recipients, time) " \
	"VALUES (?1, ?2, ?3, ?4) ON CONFLICT (peer, mpdu) " \
	"DO UPDATE SET recipients = ?3") \
    S(ACC_PRUNE, "DELETE FROM accepted WHERE id IN (SELECT id FROM " \
	"accepted ORDER BY id LIMIT ?2) AND time < ?1") \
    S(JOB_ADD, "INSERT OR REPLACE INTO queue (target, rank, message, " \
	"state, sole, attempts, next_try, size, reason, attempted, pinned, " \
	"deadline) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)") \
    S(JOB_GET, "SELECT " JOB_COLUMNS " FROM queue WHERE target = ? " \
	"AND rank = ? AND message = ?") \
    S(JOB_STATE, "UPDATE queue SET state = ?4, attempts = ?5, " \
	"next_try = ?6, reason = ?7, pinned = ?8, association = 0, " \
	"connection = 0, " \
	"activity = 0, serial = 0, offset = 0, total = 0, since = 0, " \
	"head = NULL WHERE target = ?1 AND rank = ?2 AND message = ?3") \
    S(JOB_SENDING, "UPDATE queue SET state = 1, association = ?4, " \
	"connection = ?5, activity = ?6, since = ?7, serial = 0, " \
	"offset = 0, total = 0, head = NULL, reason = '' " \
	"WHERE target = ?1 AND rank = ?2 AND message = ?3") \
    S(JOB_PROGRESS, "UPDATE queue SET connection = ?4, activity = ?5, " \
	"serial = ?6, offset = ?7, total = ?8 " \
	"WHERE target = ?1 AND rank = ?2 AND message = ?3") \
    S(JOB_PROGRESS_HEAD, "UPDATE queue SET connection = ?4, " \
	"activity = ?5, serial = ?6, offset = ?7, total = ?8, head = ?9 " \
	"WHERE target = ?1 AND rank = ?2 AND message = ?3") \
    S(JOB_DONE, "DELETE FROM queue WHERE target = ? AND rank = ? " \
	"AND message = ?") \
    S(JOB_READY, "SELECT " JOB_COLUMNS " FROM queue WHERE target = ? " \
	"AND rank = ? AND message > ? AND state = 0 " \
	"ORDER BY message LIMIT ?") \
    S(JOB_SENDING_EACH, "SELECT " JOB_COLUMNS " FROM queue " \
	"WHERE state = 1 ORDER BY association, activity") \
    S(JOB_IN_STATE, "SELECT " JOB_COLUMNS " FROM queue WHERE target = ?1 " \
	"AND rank IN (0, 1, 2) AND message > ?3 AND state = ?2 " \
	"ORDER BY message LIMIT ?4") \
    S(JOB_WAITING, "SELECT " JOB_COLUMNS " FROM queue WHERE target = ?1 " \
	"AND rank = ?2 AND message > ?3 AND message < ?4 AND state != 1 " \
	"ORDER BY message LIMIT ?5") \
    S(JOB_OVERDUE, "SELECT " JOB_COLUMNS " FROM queue " \
	"WHERE deadline > 0 AND deadline < ?1 AND state IN (0, 2, 4) " \
	"ORDER BY deadline LIMIT ?2") \
    S(JOB_COUNTS, "SELECT target, rank, state, COUNT(*), MIN(message) " \
	"FROM queue GROUP BY target, rank, state") \
    S(JOB_DUE, "UPDATE queue SET state = 0 WHERE target = ? " \
	"AND state = 2 AND next_try <= ?") \
    S(JOB_NEXT, "SELECT MIN(next_try) FROM queue WHERE target = ? " \
	"AND state = 2") \
    S(JOB_HOLD_ALL, "UPDATE queue SET state = 3, reason = ?1, " \
	"association = 0, connection = 0, activity = 0, serial = 0, " \
	"offset = 0, total = 0, since = 0, head = NULL " \
	"WHERE state NOT IN (3, 4)") \
    S(FILES, "SELECT id, size FROM messages WHERE kind = 2 AND id > ? " \
	"ORDER BY id LIMIT ?") \
    S(ORPHANS, "SELECT message, (SELECT name FROM targets WHERE " \
	"id = queue.target) FROM queue WHERE message NOT IN " \
	"(SELECT id FROM messages)") \
    S(ORPHANS_DELETE, "DELETE FROM queue WHERE message NOT IN " \
	"(SELECT id FROM messages)") \
    S(TARGET_PUT, "INSERT INTO targets (id, kind, name, no_recovery) " \
	"VALUES (?, ?, ?, ?)") \
    S(ASSOC_PUT, "INSERT OR REPLACE INTO associations (" ASSOC_COLUMNS \
	") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)") \
    S(ASSOC_GET, "SELECT " ASSOC_COLUMNS " FROM associations " \
	"WHERE id = ?") \
    S(ASSOC_DELETE, "DELETE FROM associations WHERE id = ?") \
    S(ASSOC_EACH, "SELECT " ASSOC_COLUMNS " FROM associations " \
	"WHERE ?1 < 0 OR initiator = ?1 ORDER BY id") \
    S(ASSOC_EXPIRED, "SELECT id FROM associations WHERE " \
	"(initiator = 0 OR ?5) AND peer = ?1 AND lost > 0 AND (lost < ?2 OR id IN " \
	"(SELECT id FROM associations WHERE initiator = 0 AND peer = ?1 " \
	"AND lost > 0 ORDER BY lost DESC LIMIT -1 OFFSET ?4)) " \
	"AND NOT EXISTS (SELECT 1 FROM connections c JOIN activities t " \
	"ON t.connection = c.id JOIN receiving r ON r.id = t.transfer " \
	"WHERE c.association = associations.id " \
	"AND r.association != associations.id) LIMIT ?3") \
    S(ASSOC_LOST, "UPDATE associations SET lost = ? WHERE lost = 0") \
    S(CONN_ID, "SELECT MAX(id) FROM connections") \
    S(CONN_PUT, "INSERT OR REPLACE INTO connections (id, association, " \
	"key, completed) VALUES (?, ?, ?, ?)") \
    S(CONN_COMPLETED, "UPDATE connections SET completed = ?2 " \
	"WHERE id = ?1") \
    S(CONN_GET, "SELECT id, association, key, completed " \
	"FROM connections WHERE id = ?") \
    S(CONN_LAST, "SELECT id, association, key, completed " \
	"FROM connections WHERE association = ? ORDER BY id DESC LIMIT 1") \
    S(CONN_FIND, "SELECT c.id, c.association, c.key, c.completed " \
	"FROM connections c JOIN associations a ON a.id = c.association " \
	"WHERE c.key = ? AND a.initiator = ? ORDER BY c.id DESC LIMIT ?") \
    S(CONN_DELETE, "DELETE FROM connections WHERE association = ?") \
    S(CONN_DROP, "DELETE FROM connections WHERE id = ?") \
    S(CONN_PRUNE, "DELETE FROM connections WHERE association = ?1 " \
	"AND id < ?2 AND id != ?3 AND id <= (SELECT id FROM connections " \
	"WHERE association = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?4) " \
	"AND NOT EXISTS (SELECT 1 FROM activities " \
	"WHERE connection = connections.id)") \
    S(ACT_DELETE_CONN, "DELETE FROM activities WHERE connection IN " \
	"(SELECT id FROM connections WHERE association = ?)") \
    S(RECV_PUT, "INSERT OR REPLACE INTO receiving (" RECV_COLUMNS ") " \
	"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)") \
    S(RECV_PROGRESS, "UPDATE receiving SET serial = ?2, markup_len = ?3, " \
	"content_len = ?4, kind = ?5, confirmed = ?6 WHERE id = ?1") \
    S(RECV_GET, "SELECT " RECV_COLUMNS " FROM receiving WHERE id = ?") \
    S(RECV_DELETE, "DELETE FROM receiving WHERE id = ?") \
    S(RECV_EACH, "SELECT " RECV_COLUMNS " FROM receiving ORDER BY id") \
    S(RECV_OF, "SELECT " RECV_COLUMNS " FROM receiving " \
	"WHERE association = ? ORDER BY id") \
    S(ACT_PUT, "INSERT OR REPLACE INTO activities (connection, activity, " \
	"transfer) VALUES (?, ?, ?)") \
    S(ACT_FIND, "SELECT transfer FROM activities WHERE connection = ? " \
	"AND activity = ?") \
    S(ACT_FIND_ASSOC, "SELECT t.transfer FROM activities t " \
	"JOIN connections c ON c.id = t.connection " \
	"WHERE c.association = ? AND t.activity = ? " \
	"ORDER BY t.transfer DESC LIMIT 1") \
    S(ACT_OF, "SELECT connection, activity FROM activities " \
	"WHERE transfer = ? ORDER BY connection DESC LIMIT 1") \
    S(ACT_EACH, "SELECT connection, activity FROM activities " \
	"WHERE transfer = ? ORDER BY connection") \
    S(ACT_DELETE, "DELETE FROM activities WHERE transfer = ?") \
    S(CP_PUT, "INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, ?)") \
    S(CP_GET, "SELECT serial, markup_len, content_len FROM checkpoints " \
	"WHERE transfer = ? AND serial <= ? AND content_len <= ? " \
	"ORDER BY serial DESC LIMIT 1") \
    S(CP_TRUNCATE, "DELETE FROM checkpoints WHERE transfer = ? " \
	"AND serial > ?") \
    S(CP_DELETE, "DELETE FROM checkpoints WHERE transfer = ?") \
    S(PIECE_PUT, "INSERT INTO pieces (transfer, kind, offset, data) " \
	"VALUES (?, ?, ?, ?)") \
    S(PIECE_EACH, "SELECT offset, data FROM pieces WHERE transfer = ? " \
	"AND kind = ? ORDER BY offset") \
    S(PIECE_DELETE, "DELETE FROM pieces WHERE transfer = ? AND kind = ?") \
    S(PIECE_DELETE_ALL, "DELETE FROM pieces WHERE transfer = ?") \
    S(PIECE_AFTER, "DELETE FROM pieces WHERE transfer = ? AND kind = ? " \
	"AND offset >= ?") \
    S(PIECE_LAST, "SELECT id, offset, data FROM pieces " \
	"WHERE transfer = ? AND kind = ? ORDER BY offset DESC LIMIT 1") \
    S(PIECE_CUT, "UPDATE pieces SET data = ? WHERE id = ?") \
    S(FILE_MSG, "SELECT 1 FROM messages WHERE id = ? AND kind = 2") \
    S(FILE_RECV, "SELECT 1 FROM receiving WHERE id = ? AND kind = 2") \
    S(POISON_PUT, "INSERT OR REPLACE INTO poison (kind, id, target, kills, " \
	"refusals, suspect, trial, offset) VALUES (?, ?, ?, ?, ?, ?, ?, ?)") \
    S(POISON_DELETE, "DELETE FROM poison WHERE kind = ? AND id = ? " \
	"AND target = ?") \
    S(POISON_EACH, "SELECT kind, id, target, kills, refusals, suspect, " \
	"trial, offset FROM poison") \
    S(POISON_PRUNE, "DELETE FROM poison WHERE CASE kind WHEN 0 THEN " \
	"NOT EXISTS (SELECT 1 FROM queue WHERE target = poison.target " \
	"AND rank IN (0, 1, 2) AND message = poison.id) ELSE NOT EXISTS " \
	"(SELECT 1 FROM receiving WHERE id = poison.id) END") \
    S(AUDIT_PUT, "INSERT OR IGNORE INTO audit (id, line) VALUES (?, ?)") \
    S(AUDIT_DELETE, "DELETE FROM audit WHERE id <= ?") \
    S(AUDIT_EACH, "SELECT id, line FROM audit ORDER BY id")

enum store_statement {
#define S(name, sql)	S_##name,
	STORE_STATEMENTS
#undef S
	S_MAX
};

struct store {
	sqlite3		*db;
	char		 dir[1024];
	char		 file[64];
	dev_t		 dev;		/* of the file that is open */
	ino_t		 ino;
	int		 damaged;	/* an error said so */
	int		 row_damaged;	/* the message last looked for */
	sqlite3_backup	*backup;
	sqlite3		*copy;		/* that is made */
	sqlite3_stmt	*stmt[S_MAX];
	char		 error[256];
	int		 in_transaction;
	int		 later;		/* commits are not synced */
	int		 pending;	/* such a one may not be durable */
	int		 log_fd;	/* of the write-ahead log, -1 */
	int		 meta_dirty;
	uint64_t	 commits;
	int		 changes;	/* sqlite3_total_changes, before */
	uint64_t	 last_id, id_ceiling;
	int64_t		 connection_second;
	uint32_t	 connection_number;
	uint64_t	 last_connection;
	enum store_statement held;	/* a row is being looked at */
};

/* store_log.c: the name of what store_open opens its files by. */
const char	*store_log_vfs(void);
/* What is committed is in the file, not synced.  -1: it is not. */
int		 store_log_write(struct store *);

/*
 * Statement n with its parameters bound: 'i' int64_t, 't' const char *,
 * 'b' const void * and size_t (NULL: null).  NULL on error.
 */
sqlite3_stmt	*store_bind(struct store *, enum store_statement,
		    const char *, ...);
/* The same, run to its end. */
int		 store_run(struct store *, enum store_statement,
		    const char *, ...);
/* 1 a row, 0 none (reset), -1 error (reset). */
int		 store_step(struct store *, sqlite3_stmt *);
int		 store_fail(struct store *, const char *);
int		 store_exec(struct store *, const char *sql);
/* Of all of a message that is not to change. */
int64_t		 store_message_sum(const struct store_message *);
/* The statement that made the tables which were there from the beginning. */
const char	*store_first_schema(void);

#define I(x)	((int64_t)(x))

static inline uint64_t
column_u64(sqlite3_stmt *st, int n)
{
	return ((uint64_t)sqlite3_column_int64(st, n));
}

static inline uint32_t
column_u32(sqlite3_stmt *st, int n)
{
	return ((uint32_t)sqlite3_column_int64(st, n));
}

#endif
