/* SPDX-License-Identifier: ISC */

/*
 * The store: reading what is left of a data base that is damaged.  It works
 * on a copy, which it may change.  Rows are read in the order of their keys;
 * where that fails, keys beyond are tried until a page can be read again, so
 * that all pages that are whole give their rows.  What rows say is checked by
 * those who take them.
 *
 * If the first page is damaged, where SQLite keeps what tables there are and
 * where they begin, another is put in its place: the first tables lie where
 * they lie in every data base that was made with this schema.
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_int.h"

#define PAGE	4096		/* octets, SQLite's choice since 2016 */
#define JUMPS	62		/* doublings of a key */

struct store_source {
	struct store	 store;	/* for job_row and its like: db alone */
	int		 patched;
	sqlite3_stmt	*message;
};

/* Columns that were added are there in rows made since; others are null. */
static const struct {
	const char	*name, *more;
} tables[] = {
	{ "targets", "" },
	{ "messages", ", sum INTEGER" },
	{ "queue", ", attempted INTEGER NOT NULL DEFAULT 0, "
	    "pinned INTEGER NOT NULL DEFAULT 0, "
	    "deadline INTEGER NOT NULL DEFAULT 0" },
	{ "accepted", "" },
	{ "meta", "" },
};
#define NTABLES	(sizeof(tables) / sizeof(tables[0]))

static int
run(sqlite3 *db, const char *sql)
{
	return (sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : -1);
}

/* What a table of the first schema is called and where it lies. */
static int
add_master(sqlite3 *first, sqlite3 *to, const char *name, const char *more)
{
	sqlite3_stmt	*st;
	const char	*sql, *end;
	char		*text = NULL;
	int		 r = -1;

	if (sqlite3_prepare_v2(first, "SELECT rootpage, sql FROM "
	    "sqlite_master WHERE type = 'table' AND name = ?", -1, &st,
	    NULL) != SQLITE_OK)
		return (-1);
	sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
	if (sqlite3_step(st) != SQLITE_ROW)
		goto done;
	sql = (const char *)sqlite3_column_text(st, 1);
	/* before the constraints, or the end */
	if ((end = strstr(sql, ", PRIMARY KEY (")) == NULL &&
	    (end = strstr(sql, ", UNIQUE (")) == NULL)
		end = strrchr(sql, ')');
	if (end != NULL)
		text = sqlite3_mprintf("INSERT INTO sqlite_master VALUES "
		    "('table', %Q, %Q, %d, '%.*q%q%q')", name, name,
		    sqlite3_column_int(st, 0), (int)(end - sql), sql, more,
		    strncmp(end, ", UNIQUE", 8) == 0 ? ")" : end);
	if (text != NULL)
		r = run(to, text);
done:
	sqlite3_free(text);
	sqlite3_finalize(st);
	return (r);
}

/* A first page that knows the tables above, in a file of its own. */
static int
make_page(const char *dir, uint8_t *page)
{
	sqlite3	*first = NULL, *to = NULL;
	char	 path[1100];
	size_t	 i;
	int	 fd, r = -1;

	snprintf(path, sizeof(path), "%s/salvage.page", dir);
	unlink(path);
	if (sqlite3_open_v2(":memory:", &first, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK ||
	    run(first, store_first_schema()) == -1 ||
	    sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK ||
	    run(to, "PRAGMA page_size = 4096; PRAGMA locking_mode = "
	    "EXCLUSIVE; PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF;"
	    "PRAGMA writable_schema = ON; BEGIN") == -1)
		goto done;
	for (i = 0; i < NTABLES; i++)
		if (add_master(first, to, tables[i].name,
		    tables[i].more) == -1)
			goto done;
	if (run(to, "COMMIT") == -1)
		goto done;
	sqlite3_close(to);
	to = NULL;
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) != -1) {
		r = pread(fd, page, PAGE, 0) == PAGE ? 0 : -1;
		close(fd);
	}
done:
	sqlite3_close(first);
	sqlite3_close(to);
	unlink(path);
	return (r);
}

/* The page in the place of the first; the log is as good as none. */
static int
patch(const char *dir, const char *file)
{
	uint8_t	page[PAGE];
	char	path[1100];
	int	fd, r;

	if (make_page(dir, page) == -1)
		return (-1);
	memset(page + 28, 0, 4);	/* pages: as many as there are */
	snprintf(path, sizeof(path), "%s/%s", dir, file);
	if ((fd = open(path, O_WRONLY | O_CLOEXEC)) == -1)
		return (-1);
	r = pwrite(fd, page, PAGE, 0) == PAGE ? 0 : -1;
	close(fd);
	return (r);
}

/* The tables that there have to be, with all of their columns? */
static int
usable(sqlite3 *db)
{
	static const char *const	sql[] = {
		"SELECT " JOB_COLUMNS " FROM queue WHERE 0",
		("SELECT id, type, priority, kind, arrival, origin, size, "
		    "envelope, routing, content FROM messages WHERE 0"),
		"SELECT id, kind, name, no_recovery FROM targets WHERE 0",
		"SELECT id FROM receiving WHERE 0",
	};
	size_t	i, n = sizeof(sql) / sizeof(sql[0]);

	for (i = 0; i < n; i++)
		if (run(db, sql[i]) == -1)
			return (0);
	return (1);
}

static sqlite3 *
open_db(const char *path)
{
	sqlite3	*db;

	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
		sqlite3_close(db);
		return (NULL);
	}
	sqlite3_exec(db, "PRAGMA locking_mode = EXCLUSIVE;"
	    "PRAGMA synchronous = OFF; PRAGMA cell_size_check = ON;"
	    "PRAGMA cache_size = -8192", NULL, NULL, NULL);
	return (db);
}

/* Older ones lack columns. */
static void
add_columns(sqlite3 *db)
{
	static const char *const	sql[] = {
		("ALTER TABLE queue ADD COLUMN attempted INTEGER NOT NULL "
		    "DEFAULT 0"),
		("ALTER TABLE queue ADD COLUMN pinned INTEGER NOT NULL "
		    "DEFAULT 0"),
		("ALTER TABLE queue ADD COLUMN deadline INTEGER NOT NULL "
		    "DEFAULT 0"),
		"ALTER TABLE messages ADD COLUMN sum INTEGER",
	};
	size_t	i;

	for (i = 0; i < sizeof(sql) / sizeof(sql[0]); i++)
		(void)run(db, sql[i]);	/* those that are there fail */
}

struct store_source *
source_open(const char *dir, const char *file, char *why, size_t size)
{
	struct store_source	*src;
	char			 path[1100];

	if ((src = calloc(1, sizeof(*src))) == NULL) {
		strlcpy(why, "out of memory", size);
		return (NULL);
	}
	snprintf(path, sizeof(path), "%s/%s", dir, file);
	src->store.log_fd = -1;
	if ((src->store.db = open_db(path)) != NULL) {
		add_columns(src->store.db);
		if (usable(src->store.db))
			return (src);
		snprintf(why, size, "%s", sqlite3_errmsg(src->store.db));
	}
	sqlite3_close(src->store.db);
	src->patched = 1;
	if (patch(dir, file) == 0 &&
	    (src->store.db = open_db(path)) != NULL)
		return (src);
	strlcpy(why, "nothing of it can be read", size);
	free(src);
	return (NULL);
}

void
source_close(struct store_source *src)
{
	int	i;

	for (i = 0; i < S_MAX; i++)
		sqlite3_finalize(src->store.stmt[i]);
	sqlite3_finalize(src->message);
	sqlite3_close(src->store.db);
	free(src);
}

int
source_patched(const struct store_source *src)
{
	return (src->patched);
}

/* Rows of one key, the first column, that is parameter 1 of the query. */
struct rows {
	sqlite3_stmt	*st;
	int		(*row)(void *, sqlite3_stmt *);
	void		*arg;
	int64_t		 last;
};

/* Can the first row after that key be read, or that there is none? */
static int
readable(struct rows *r, int64_t key)
{
	int	code;

	sqlite3_reset(r->st);
	sqlite3_bind_int64(r->st, 1, key);
	code = sqlite3_step(r->st);
	return (code == SQLITE_ROW || code == SQLITE_DONE);
}

/* From last on, up to the end (0), or where it cannot be read (1).  -1. */
static int
rows_up(struct rows *r)
{
	int64_t	key;
	int	code;

	sqlite3_reset(r->st);
	sqlite3_bind_int64(r->st, 1, r->last);
	while ((code = sqlite3_step(r->st)) == SQLITE_ROW) {
		key = sqlite3_column_int64(r->st, 0);
		if (key <= r->last)
			return (1);	/* out of order: it leads nowhere */
		r->last = key;
		if (r->row(r->arg, r->st) != 0)
			return (-1);
	}
	return (code == SQLITE_DONE ? 0 : 1);
}

/* Just before the next key after last from which on it can be read.  0: none */
static int
jump(struct rows *r)
{
	int64_t	bad = r->last, good = 0, step = 1, middle;
	int	i, found = 0;

	for (i = 0; i < JUMPS && !found; i++, step *= 2) {
		if (r->last > INT64_MAX - step)
			break;
		good = r->last + step;
		if ((found = readable(r, good)) == 0)
			bad = good;
	}
	if (!found)
		return (0);
	while (good - bad > 1) {
		middle = bad + (good - bad) / 2;
		if (readable(r, middle))
			good = middle;
		else
			bad = middle;
	}
	r->last = good;
	return (1);
}

static int
each(struct store_source *src, const char *sql, int64_t a, int64_t b,
    int (*row)(void *, sqlite3_stmt *), void *arg)
{
	struct rows	r = { NULL, row, arg, 0 };
	int		code, holes = 0;

	if (sqlite3_prepare_v2(src->store.db, sql, -1, &r.st,
	    NULL) != SQLITE_OK)
		return (1);
	sqlite3_bind_int64(r.st, 2, a);
	sqlite3_bind_int64(r.st, 3, b);
	while ((code = rows_up(&r)) == 1) {
		holes = 1;
		if (!jump(&r)) {
			code = 0;
			break;
		}
	}
	sqlite3_finalize(r.st);
	return (code == -1 ? -1 : holes);
}

struct call {
	int	(*target)(void *, uint32_t, int, const char *, int64_t);
	store_job_cb *job;
	store_id_cb *id;
	int	(*line)(void *, uint64_t, const char *);
	int	(*accepted)(void *, uint32_t, const void *, size_t,
		    const void *, size_t, int64_t);
	void	*arg;
};

static int
target_row(void *arg, sqlite3_stmt *st)
{
	struct call	*c = arg;
	const char	*name = (const char *)sqlite3_column_text(st, 2);

	return (name == NULL ? 0 : c->target(c->arg, column_u32(st, 0),
	    sqlite3_column_int(st, 1), name, sqlite3_column_int64(st, 3)));
}

int
source_targets(struct store_source *src, int (*cb)(void *, uint32_t, int,
    const char *, int64_t), void *arg)
{
	struct call	c = { .target = cb, .arg = arg };

	return (each(src, "SELECT id, kind, name, no_recovery FROM targets "
	    "NOT INDEXED WHERE id > ?1 ORDER BY id", 0, 0, target_row, &c));
}

/* Key first: message; then the columns of a job. */
static int
job_row(void *arg, sqlite3_stmt *st)
{
	struct call		*c = arg;
	const char		*reason;
	struct store_job	 j;

	memset(&j, 0, sizeof(j));
	j.message = column_u64(st, 0);
	j.target = column_u32(st, 1);
	j.rank = (uint8_t)sqlite3_column_int(st, 2);
	j.state = (uint8_t)sqlite3_column_int(st, 3);
	j.sole = sqlite3_column_int(st, 4) != 0;
	j.attempts = column_u32(st, 5);
	j.next_try = sqlite3_column_int64(st, 6);
	j.size = column_u64(st, 7);
	if ((reason = (const char *)sqlite3_column_text(st, 8)) != NULL)
		strlcpy(j.reason, reason, sizeof(j.reason));
	j.attempted = column_u32(st, 9);
	j.pinned = sqlite3_column_int(st, 10) != 0;
	j.deadline = sqlite3_column_int64(st, 11);
	return (j.state > JOB_STUCK ? 0 : c->job(c->arg, &j));
}

int
source_jobs(struct store_source *src, uint32_t target, int rank,
    store_job_cb *cb, void *arg)
{
	struct call	c = { .job = cb, .arg = arg };

	return (each(src, "SELECT message, target, rank, state, sole, "
	    "attempts, next_try, size, reason, attempted, pinned, deadline "
	    "FROM queue NOT INDEXED WHERE message > ?1 AND target = ?2 AND "
	    "rank = ?3 ORDER BY target, rank, message", target, rank,
	    job_row, &c));
}

static int
id_row(void *arg, sqlite3_stmt *st)
{
	struct call	*c = arg;

	return (c->id(c->arg, column_u64(st, 0)));
}

int
source_message_ids(struct store_source *src, store_id_cb *cb, void *arg)
{
	struct call	c = { .id = cb, .arg = arg };

	return (each(src, "SELECT id FROM messages WHERE id > ?1 ORDER BY id",
	    0, 0, id_row, &c));
}

int
source_receiving_ids(struct store_source *src, store_id_cb *cb, void *arg)
{
	struct call	c = { .id = cb, .arg = arg };

	if (src->patched)
		return (1);
	return (each(src, "SELECT id FROM receiving WHERE id > ?1 "
	    "ORDER BY id", 0, 0, id_row, &c));
}

static int
accepted_row(void *arg, sqlite3_stmt *st)
{
	struct call	*c = arg;

	return (c->accepted(c->arg, column_u32(st, 1),
	    sqlite3_column_blob(st, 2), sqlite3_column_bytes(st, 2),
	    sqlite3_column_blob(st, 3), sqlite3_column_bytes(st, 3),
	    sqlite3_column_int64(st, 4)));
}

int
source_accepted(struct store_source *src, int (*cb)(void *, uint32_t,
    const void *, size_t, const void *, size_t, int64_t), void *arg)
{
	struct call	c = { .accepted = cb, .arg = arg };

	return (each(src, "SELECT id, peer, mpdu, recipients, time FROM "
	    "accepted NOT INDEXED WHERE id > ?1 ORDER BY id", 0, 0,
	    accepted_row, &c));
}

static int
audit_row(void *arg, sqlite3_stmt *st)
{
	struct call	*c = arg;
	const char	*line = (const char *)sqlite3_column_text(st, 1);

	return (line == NULL ? 0 : c->line(c->arg, column_u64(st, 0), line));
}

int
source_audit(struct store_source *src, int (*cb)(void *, uint64_t,
    const char *), void *arg)
{
	struct call	c = { .line = cb, .arg = arg };

	if (src->patched)
		return (1);
	return (each(src, "SELECT id, line FROM audit WHERE id > ?1 "
	    "ORDER BY id", 0, 0, audit_row, &c));
}

int
source_meta(struct store_source *src, const char *name, int64_t *value)
{
	return (store_meta_get(&src->store, name, value));
}

static void
message_row(sqlite3_stmt *st, struct store_message *m)
{
	m->type = (uint8_t)sqlite3_column_int(st, 0);
	m->priority = (uint8_t)sqlite3_column_int(st, 1);
	m->kind = (uint8_t)sqlite3_column_int(st, 2);
	m->arrival = sqlite3_column_int64(st, 3);
	m->origin = column_u32(st, 4);
	m->size = column_u64(st, 5);
	m->envelope = sqlite3_column_blob(st, 6);
	m->envelope_len = sqlite3_column_bytes(st, 6);
	m->routing = sqlite3_column_blob(st, 7);
	m->nrouting = sqlite3_column_bytes(st, 7) / sizeof(m->routing[0]);
	m->content = sqlite3_column_blob(st, 8);
	if (m->size == 0)
		m->content = "";
}

int
source_message(struct store_source *src, uint64_t id, struct store_message *m)
{
	sqlite3_stmt	*st;
	int		 code;

	memset(m, 0, sizeof(*m));
	m->id = id;
	if (src->message == NULL && sqlite3_prepare_v2(src->store.db,
	    "SELECT type, priority, kind, arrival, origin, size, envelope, "
	    "routing, content, sum FROM messages WHERE id = ?", -1,
	    &src->message, NULL) != SQLITE_OK)
		return (-1);
	st = src->message;
	sqlite3_reset(st);
	sqlite3_bind_int64(st, 1, (int64_t)id);
	if ((code = sqlite3_step(st)) == SQLITE_DONE)
		return (0);
	if (code != SQLITE_ROW)
		return (-1);
	message_row(st, m);
	if (m->kind > CONTENT_FILE || m->envelope_len == 0 ||
	    (m->kind == CONTENT_INLINE &&
	    (uint64_t)sqlite3_column_bytes(st, 8) != m->size) ||
	    (sqlite3_column_type(st, 9) != SQLITE_NULL &&
	    sqlite3_column_int64(st, 9) != store_message_sum(m)))
		return (-1);
	return (1);
}
