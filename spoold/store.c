/* SPDX-License-Identifier: ISC */

/*
 * The store: opening, schema, transactions, numbers that never repeat.
 *
 * SQLite with a write-ahead log, synchronous FULL and an exclusive lock.
 * One commit is one fdatasync of the log.  A sync that failed may have
 * thrown away pages that the next sync calls good, so after any error the
 * handle is closed, the log is moved into the data base and emptied, and
 * only then is the store trusted again (store_reopen).
 */

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>


#include "store_int.h"

#define ID_EPOCH	1577836800	/* 2020-01-01, seconds */
#define ID_RESERVE	1000000		/* microseconds of ids ahead */
#define VERSION_MAX	4095		/* of a schema: more is no version */
#define CONNECTION_NUMBERS 1296		/* two characters, base 36 */

static const char *const statements[] = {
#define S(name, sql)	sql,
	STORE_STATEMENTS
#undef S
};

/* One entry is what takes a data base from that version to the next. */
static const char *const schema[] = {
	"CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER) "
	"WITHOUT ROWID;"
	"CREATE TABLE targets (id INTEGER PRIMARY KEY AUTOINCREMENT, "
	"kind INTEGER NOT NULL, name TEXT NOT NULL, "
	"no_recovery INTEGER NOT NULL DEFAULT 0, UNIQUE (kind, name));"
	"CREATE TABLE messages (id INTEGER PRIMARY KEY, type INTEGER, "
	"priority INTEGER, kind INTEGER, arrival INTEGER, origin INTEGER, "
	"size INTEGER, envelope BLOB, routing BLOB, content BLOB);"
	"CREATE TABLE queue (target INTEGER, rank INTEGER, message INTEGER, "
	"state INTEGER NOT NULL, sole INTEGER NOT NULL, "
	"attempts INTEGER NOT NULL DEFAULT 0, "
	"next_try INTEGER NOT NULL DEFAULT 0, "
	"size INTEGER NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '', "
	"association INTEGER NOT NULL DEFAULT 0, "
	"connection INTEGER NOT NULL DEFAULT 0, "
	"activity INTEGER NOT NULL DEFAULT 0, "
	"serial INTEGER NOT NULL DEFAULT 0, "
	"offset INTEGER NOT NULL DEFAULT 0, "
	"total INTEGER NOT NULL DEFAULT 0, "
	"since INTEGER NOT NULL DEFAULT 0, head BLOB, "
	"PRIMARY KEY (target, rank, message)) WITHOUT ROWID;"
	"CREATE TABLE accepted (id INTEGER PRIMARY KEY, peer INTEGER, "
	"mpdu BLOB, recipients BLOB, time INTEGER, UNIQUE (peer, mpdu));"
	"CREATE TABLE associations (id INTEGER PRIMARY KEY, peer INTEGER, "
	"initiator INTEGER, dialogue INTEGER, turn INTEGER, "
	"checkpoint INTEGER, window INTEGER, opened INTEGER, lost INTEGER, "
	"next_activity INTEGER, connection INTEGER, address TEXT);"
	"CREATE TABLE connections (id INTEGER PRIMARY KEY, "
	"association INTEGER, key BLOB, completed BLOB);"
	"CREATE INDEX connections_key ON connections (key);"
	"CREATE INDEX connections_association ON connections (association);"
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
	/* poison messages; lines that the audit log may not have */
	"CREATE TABLE poison (kind INTEGER, id INTEGER, target INTEGER, "
	"kills INTEGER NOT NULL, refusals INTEGER NOT NULL, "
	"suspect INTEGER NOT NULL, trial INTEGER NOT NULL, "
	"offset INTEGER NOT NULL, PRIMARY KEY (kind, id, target)) "
	"WITHOUT ROWID;"
	"CREATE TABLE audit (id INTEGER PRIMARY KEY, line TEXT NOT NULL);",
	"ALTER TABLE queue ADD COLUMN deadline INTEGER NOT NULL DEFAULT 0;"
	"CREATE INDEX queue_deadline ON queue (deadline) WHERE deadline > 0;",
	/* of those that came before it is not known */
	"ALTER TABLE messages ADD COLUMN sum INTEGER;"
};
#define SCHEMA_VERSION	((int)(sizeof(schema) / sizeof(schema[0])))

const char *
store_first_schema(void)
{
	return (schema[0]);
}

int
connection_key(const struct s_connection_id *id, struct connection_key *key)
{
	uint8_t	*p = key->octets, additional_len = id->additional_len;

	if (id->user_len > S_USER_REFERENCE_MAX ||
	    id->common_len > S_COMMON_REFERENCE_MAX ||
	    id->additional_len > S_ADDITIONAL_REFERENCE_MAX)
		return (-1);
	*p++ = id->user_len;
	memcpy(p, id->user, id->user_len);
	p += id->user_len;
	*p++ = id->common_len;
	memcpy(p, id->common, id->common_len);
	p += id->common_len;
	/* an empty string is as good as none (rule 10 of recovery) */
	if (additional_len == 2 && id->additional[1] == 0)
		additional_len = 0;
	*p++ = additional_len;
	memcpy(p, id->additional, additional_len);
	p += additional_len;
	key->len = p - key->octets;
	return (0);
}

int
connection_key_parse(const struct connection_key *key,
    struct s_connection_id *id)
{
	const uint8_t	*p = key->octets, *end = p + key->len;

	memset(id, 0, sizeof(*id));
	if (p == end || (id->user_len = *p++) > S_USER_REFERENCE_MAX ||
	    end - p < id->user_len)
		return (-1);
	memcpy(id->user, p, id->user_len);
	p += id->user_len;
	if (p == end || (id->common_len = *p++) > S_COMMON_REFERENCE_MAX ||
	    end - p < id->common_len)
		return (-1);
	memcpy(id->common, p, id->common_len);
	p += id->common_len;
	if (p == end ||
	    (id->additional_len = *p++) > S_ADDITIONAL_REFERENCE_MAX ||
	    end - p != id->additional_len)
		return (-1);
	memcpy(id->additional, p, id->additional_len);
	return (0);
}

int
store_fail(struct store *s, const char *what)
{
	int	code = s->db == NULL ? SQLITE_OK : sqlite3_errcode(s->db) & 0xff;

	if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
		s->damaged = 1;
	snprintf(s->error, sizeof(s->error), "%.160s: %s", what,
	    s->db == NULL ? "store is closed" : sqlite3_errmsg(s->db));
	return (-1);
}

int
store_damaged(const struct store *s)
{
	return (s->damaged);
}

const char *
store_error(const struct store *s)
{
	return (s->error);
}

uint64_t
store_commits(const struct store *s)
{
	return (s->commits);
}

static sqlite3_stmt *
store_vbind(struct store *s, enum store_statement n, const char *fmt,
    va_list ap)
{
	sqlite3_stmt	*st;
	const void	*data;
	const char	*text;
	size_t		 len;
	int		 i, rc = SQLITE_OK;

	if (s->db == NULL) {
		store_fail(s, "store");
		return (NULL);
	}
	if (s->stmt[n] == NULL && sqlite3_prepare_v3(s->db, statements[n],
	    -1, SQLITE_PREPARE_PERSISTENT, &s->stmt[n], NULL) != SQLITE_OK) {
		store_fail(s, statements[n]);
		return (NULL);
	}
	st = s->stmt[n];
	sqlite3_reset(st);
	for (i = 1; *fmt != '\0' && rc == SQLITE_OK; i++, fmt++) {
		switch (*fmt) {
		case 'i':
			rc = sqlite3_bind_int64(st, i, va_arg(ap, int64_t));
			break;
		case 't':
			text = va_arg(ap, const char *);
			rc = sqlite3_bind_text(st, i, text, -1,
			    SQLITE_STATIC);
			break;
		case 'b':
			data = va_arg(ap, const void *);
			len = va_arg(ap, size_t);
			if (data == NULL)
				rc = sqlite3_bind_null(st, i);
			else
				rc = sqlite3_bind_blob64(st, i,
				    len == 0 ? "" : data, len, SQLITE_STATIC);
			break;
		default:
			abort();
		}
	}
	if (rc != SQLITE_OK) {
		store_fail(s, statements[n]);
		return (NULL);
	}
	return (st);
}

sqlite3_stmt *
store_bind(struct store *s, enum store_statement n, const char *fmt, ...)
{
	sqlite3_stmt	*st;
	va_list		 ap;

	va_start(ap, fmt);
	st = store_vbind(s, n, fmt, ap);
	va_end(ap);
	return (st);
}

int
store_step(struct store *s, sqlite3_stmt *st)
{
	switch (sqlite3_step(st)) {
	case SQLITE_ROW:
		return (1);
	case SQLITE_DONE:
		sqlite3_reset(st);
		return (0);
	default:
		store_fail(s, sqlite3_sql(st));
		sqlite3_reset(st);
		return (-1);
	}
}

int
store_run(struct store *s, enum store_statement n, const char *fmt, ...)
{
	sqlite3_stmt	*st;
	va_list		 ap;
	int		 r;

	va_start(ap, fmt);
	st = store_vbind(s, n, fmt, ap);
	va_end(ap);
	if (st == NULL)
		return (-1);
	while ((r = store_step(s, st)) == 1)
		;
	return (r);
}

int
store_exec(struct store *s, const char *sql)
{
	if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return (store_fail(s, sql));
	return (0);
}

static int
pragma_int(struct store *s, const char *sql, int *value)
{
	sqlite3_stmt	*st;
	int		 ok;

	if (sqlite3_prepare_v2(s->db, sql, -1, &st, NULL) != SQLITE_OK)
		return (store_fail(s, sql));
	if ((ok = sqlite3_step(st) == SQLITE_ROW))
		*value = sqlite3_column_int(st, 0);
	else
		store_fail(s, sql);
	sqlite3_finalize(st);
	return (ok ? 0 : -1);
}

static int
upgrade(struct store *s)
{
	char	sql[64];
	int	version = 0;

	if (pragma_int(s, "PRAGMA user_version", &version) == -1)
		return (-1);
	if (version < 0 || version > VERSION_MAX) {
		strlcpy(s->error, "the number of its schema makes no sense",
		    sizeof(s->error));
		s->damaged = 1;
		return (-1);
	}
	if (version > SCHEMA_VERSION) {
		snprintf(s->error, sizeof(s->error), "made by a newer mtad "
		    "(schema %d, known %d)", version, SCHEMA_VERSION);
		return (-1);
	}
	for (; version < SCHEMA_VERSION; version++) {
		snprintf(sql, sizeof(sql), "PRAGMA user_version = %d",
		    version + 1);
		if (store_exec(s, "BEGIN IMMEDIATE") == -1)
			return (-1);
		if (store_exec(s, schema[version]) == -1 || store_exec(s, sql) == -1 ||
		    store_exec(s, "COMMIT") == -1) {
			sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
			return (-1);
		}
	}
	return (0);
}

static int
look_at_file(const struct store *s, struct stat *st)
{
	char	path[1100];

	snprintf(path, sizeof(path), "%s/%s", s->dir, s->file);
	return (stat(path, st));
}

int
store_gone(const struct store *s)
{
	struct stat	st;

	if (s->db == NULL)
		return (0);
	if (look_at_file(s, &st) == -1)
		return (errno == ENOENT);
	return (st.st_dev != s->dev || st.st_ino != s->ino);
}

/* A new file lasts only when its directory has been synced. */
static int
sync_directory(struct store *s)
{
	int	fd, r;

	if ((fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1) {
		snprintf(s->error, sizeof(s->error), "spool directory: %m");
		return (-1);
	}
	if ((r = fsync(fd)) == -1)
		snprintf(s->error, sizeof(s->error), "sync of the spool directory: %m");
	close(fd);
	return (r);
}

static void
close_handle(struct store *s)
{
	int	i;

	store_backup_end(s);
	for (i = 0; i < S_MAX; i++) {
		sqlite3_finalize(s->stmt[i]);
		s->stmt[i] = NULL;
	}
	if (s->log_fd != -1)
		close(s->log_fd);
	s->log_fd = -1;
	sqlite3_close(s->db);
	s->db = NULL;
	s->in_transaction = 0;
}

static int
open_handle(struct store *s)
{
	char		 path[1100];
	int64_t		 v;
	sqlite3_stmt	*st;
	struct stat	 st_file;

	snprintf(path, sizeof(path), "%s/%s", s->dir, s->file);
	if (sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
	    store_log_vfs()) != SQLITE_OK) {
		store_fail(s, path);
		goto fail;
	}
	sqlite3_extended_result_codes(s->db, 1);
	s->later = 0;
	if (sqlite3_exec(s->db, "PRAGMA locking_mode = EXCLUSIVE;"
	    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
	    "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8192;"
	    "PRAGMA wal_autocheckpoint = 2000;"
	    "PRAGMA journal_size_limit = 16777216", NULL, NULL,
	    NULL) != SQLITE_OK) {
		store_fail(s, "data base");
		goto fail;
	}
	if (upgrade(s) == -1 || sync_directory(s) == -1)
		goto fail;
	if (look_at_file(s, &st_file) == -1) {
		store_fail(s, path);
		goto fail;
	}
	s->dev = st_file.st_dev;
	s->ino = st_file.st_ino;
	if (store_meta_get(s, "id", &v) == 1 && (uint64_t)v > s->id_ceiling)
		s->id_ceiling = v;
	if (s->id_ceiling > s->last_id)
		s->last_id = s->id_ceiling;
	if (store_meta_get(s, "connection second", &v) == 1 &&
	    v > s->connection_second) {
		s->connection_second = v;
		s->connection_number = CONNECTION_NUMBERS;
	}
	if ((st = store_bind(s, S_CONN_ID, "")) == NULL ||
	    store_step(s, st) != 1)
		goto fail;
	if (column_u64(st, 0) > s->last_connection)
		s->last_connection = column_u64(st, 0);
	sqlite3_reset(st);
	return (0);
fail:
	close_handle(s);
	return (-1);
}

struct store *
store_open(const char *dir, char *why, size_t whysize)
{
	return (store_open_file(dir, STORE_FILE, why, whysize));
}

struct store *
store_open_file(const char *dir, const char *file, char *why, size_t whysize)
{
	struct store	*s;
	int		 damaged;

	if ((s = calloc(1, sizeof(*s))) == NULL) {
		strlcpy(why, "out of memory", whysize);
		errno = ENOMEM;
		return (NULL);
	}
	strlcpy(s->dir, dir, sizeof(s->dir));
	strlcpy(s->file, file, sizeof(s->file));
	s->log_fd = -1;
	if (open_handle(s) == -1) {
		strlcpy(why, s->error, whysize);
		damaged = s->damaged;
		free(s);
		errno = damaged ? EBADMSG : EIO;
		return (NULL);
	}
	return (s);
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	close_handle(s);
	free(s);
}

int
store_reopen(struct store *s)
{
	close_handle(s);
	if (open_handle(s) == -1)
		return (-1);
	if (store_exec(s, "PRAGMA wal_checkpoint(TRUNCATE)") == -1 ||
	    store_begin(s) == -1 ||
	    store_meta_put(s, "probe", time(NULL)) == -1 ||
	    store_commit(s) == -1) {
		close_handle(s);
		return (-1);
	}
	return (0);
}

static int
begin(struct store *s, int later)
{
	if (s->later != later) {
		if (store_run(s, later ? S_SYNC_NORMAL : S_SYNC_FULL,
		    "") == -1)
			return (-1);
		s->later = later;
	}
	if (store_run(s, S_BEGIN, "") == -1)
		return (-1);
	s->in_transaction = 1;
	s->changes = sqlite3_total_changes(s->db);
	return (0);
}

int
store_begin(struct store *s)
{
	return (begin(s, 0));
}

int
store_begin_later(struct store *s)
{
	return (begin(s, 1));
}

/* The log stays the same file as long as the data base is open. */
int
store_log_fd(struct store *s)
{
	char	path[1100];

	if (s->log_fd == -1 && s->db != NULL) {
		snprintf(path, sizeof(path), "%s/%s-wal", s->dir, s->file);
		s->log_fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	}
	return (s->log_fd);
}

int
store_commit(struct store *s)
{
	uint64_t	ceiling = s->id_ceiling;
	int		meta = !s->later && s->meta_dirty;

	/* what others count on is for a commit that is durable */
	if (!s->later && s->last_id > ceiling) {
		ceiling = s->last_id + ID_RESERVE;
		if (store_meta_put(s, "id", I(ceiling)) == -1)
			return (-1);
	}
	/* a commit that wrote nothing would sync nothing */
	if (!s->later && s->pending && store_meta_put(s, "commits",
	    s->commits) == -1)
		return (-1);
	if (meta && store_meta_put(s, "connection second",
	    s->connection_second) == -1)
		return (-1);
	if (store_run(s, S_COMMIT, "") == -1)
		return (-1);
	if (s->later && store_log_write(s) == -1) {
		strlcpy(s->error, "log: cannot be written", sizeof(s->error));
		return (-1);
	}
	if (sqlite3_total_changes(s->db) != s->changes) {
		s->pending = s->later;
		s->commits++;
	}
	s->id_ceiling = ceiling;
	if (meta)
		s->meta_dirty = 0;
	s->in_transaction = 0;
	return (0);
}

void
store_rollback(struct store *s)
{
	char	error[sizeof(s->error)];

	if (!s->in_transaction)
		return;
	memcpy(error, s->error, sizeof(error));
	store_run(s, S_ROLLBACK, "");
	memcpy(s->error, error, sizeof(error));
	s->in_transaction = 0;
}

uint64_t
store_next_id(struct store *s)
{
	struct timespec	ts;
	uint64_t	now = 0;

	clock_gettime(CLOCK_REALTIME, &ts);
	if (ts.tv_sec > ID_EPOCH)
		now = (uint64_t)(ts.tv_sec - ID_EPOCH) * 1000000 +
		    ts.tv_nsec / 1000;
	s->last_id = now > s->last_id ? now : s->last_id + 1;
	return (s->last_id);
}

void
store_next_connection(struct store *s, int64_t *second, uint32_t *number)
{
	int64_t	now = time(NULL);

	if (now > s->connection_second) {
		s->connection_second = now;
		s->connection_number = 0;
	} else if (++s->connection_number >= CONNECTION_NUMBERS) {
		s->connection_second++;
		s->connection_number = 0;
	}
	s->meta_dirty = 1;
	*second = s->connection_second;
	*number = s->connection_number;
}

int
store_meta_get(struct store *s, const char *name, int64_t *value)
{
	sqlite3_stmt	*st;
	int		 r;

	if ((st = store_bind(s, S_META_GET, "t", name)) == NULL)
		return (-1);
	if ((r = store_step(s, st)) == 1) {
		*value = sqlite3_column_int64(st, 0);
		sqlite3_reset(st);
	}
	return (r);
}

int
store_meta_put(struct store *s, const char *name, int64_t value)
{
	return (store_run(s, S_META_PUT, "ti", name, value));
}
