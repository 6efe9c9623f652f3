/* SPDX-License-Identifier: ISC */

/*
 * The store: is it whole, and copies of it.  The copy is made by SQLite, some
 * pages at a time, and what is committed meanwhile goes into it as well; it
 * is that of the moment of its last step.
 */

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "store_int.h"

/* One that interrupts what takes too long; SQLite alone cannot. */
struct limit {
	pthread_mutex_t	 lock;
	pthread_cond_t	 ended;
	pthread_t	 thread;
	sqlite3		*db;
	struct timespec	 end;
	int		 running, over, done;
};

static void *
watch(void *arg)
{
	struct limit	*l = arg;
	struct timespec	 again;

	pthread_mutex_lock(&l->lock);
	while (!l->done && pthread_cond_timedwait(&l->ended, &l->lock,
	    &l->end) == 0)
		;
	while (!l->done) {
		l->over = 1;
		sqlite3_interrupt(l->db);
		/* between two statements nobody has heard it */
		again = l->end;
		l->end.tv_sec++;
		pthread_cond_timedwait(&l->ended, &l->lock, &again);
	}
	pthread_mutex_unlock(&l->lock);
	return (NULL);
}

static void
limit_begin(struct limit *l, sqlite3 *db, unsigned seconds)
{
	memset(l, 0, sizeof(*l));
	if (seconds == 0)
		return;
	l->db = db;
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->ended, NULL);
	clock_gettime(CLOCK_REALTIME, &l->end);
	l->end.tv_sec += seconds;
	l->running = pthread_create(&l->thread, NULL, watch, l) == 0;
}

/* Was it over? */
static int
limit_end(struct limit *l)
{
	if (!l->running)
		return (0);
	pthread_mutex_lock(&l->lock);
	l->done = 1;
	pthread_cond_signal(&l->ended);
	pthread_mutex_unlock(&l->lock);
	pthread_join(l->thread, NULL);
	return (l->over);
}

/* SQLite's words on one line, without the name of the data base. */
static void
one_line(char *s)
{
	char	*nl;

	if (strncmp(s, "*** in database ", 16) == 0 &&
	    (nl = strchr(s, '\n')) != NULL)
		memmove(s, nl + 1, strlen(nl));
	for (; *s != '\0'; s++)
		if (*s == '\n')
			*s = ' ';
}

/* Does it say something else than want (NULL: nothing)?  1, with words. */
static int
check_one(struct store *s, const char *sql, const char *want,
    const char *what)
{
	sqlite3_stmt	*st;
	const char	*text;
	int		 code, r = 0;

	if ((code = sqlite3_prepare_v2(s->db, sql, -1, &st,
	    NULL)) == SQLITE_OK && (code = sqlite3_step(st)) == SQLITE_ROW) {
		text = (const char *)sqlite3_column_text(st, 0);
		r = want == NULL || text == NULL || strcmp(text, want) != 0;
		if (r)
			snprintf(s->error, sizeof(s->error), "%s%.200s", what,
			    text == NULL ? "?" : text);
		one_line(s->error);
	}
	if (code != SQLITE_ROW && code != SQLITE_DONE) {
		r = store_fail(s, what);
		code &= 0xff;
		if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
			r = 1;
	}
	sqlite3_finalize(st);
	return (r);
}

int
store_check(struct store *s, unsigned seconds, int *all)
{
	static const struct {
		const char	*sql, *want, *what;
	} checks[] = {
		{ "PRAGMA quick_check(1)", "ok", "" },
		{ "SELECT message FROM queue WHERE state NOT BETWEEN 0 AND 4 "
		    "OR rank NOT BETWEEN 0 AND 2 OR (target != 0 AND NOT "
		    "EXISTS (SELECT 1 FROM targets WHERE id = queue.target)) "
		    "LIMIT 1", NULL, "a row of the queue makes no sense, "
		    "message " },
		{ "SELECT message FROM queue WHERE NOT EXISTS (SELECT 1 FROM "
		    "messages WHERE id = queue.message) LIMIT 1", NULL,
		    "in the queue, but gone: message " },
		{ "SELECT id FROM messages WHERE id NOT IN (SELECT message "
		    "FROM queue) LIMIT 1", NULL,
		    "not in the queue any more: message " },
	};
	struct limit	l;
	size_t		i;
	int		over, r = 0;

	limit_begin(&l, s->db, seconds);
	for (i = 0; i < sizeof(checks) / sizeof(checks[0]) && r == 0; i++)
		r = check_one(s, checks[i].sql, checks[i].want,
		    checks[i].what);
	over = limit_end(&l);
	*all = !over;
	return (r == -1 && over ? 0 : r);
}

int
store_forget_recovery(struct store *s)
{
	return (store_exec(s, "DELETE FROM associations;"
	    "DELETE FROM connections; DELETE FROM receiving;"
	    "DELETE FROM activities; DELETE FROM checkpoints;"
	    "DELETE FROM pieces; DELETE FROM poison"));
}

#define FORGET_SENT	"association = 0, connection = 0, activity = 0, serial = 0, " \
    "offset = 0, total = 0, since = 0, head = NULL"

int
store_hold_all(struct store *s, const char *reason)
{
	return (store_run(s, S_JOB_HOLD_ALL, "t", reason));
}

int
store_unsend_all(struct store *s)
{
	return (store_exec(s, "UPDATE queue SET state = 0, pinned = 1, "
	    FORGET_SENT " WHERE state = 1"));
}

static int
id_rows(struct store *s, sqlite3_stmt *st, uint64_t *ids, uint64_t *sizes,
    int max)
{
	int	n = 0, r = 0;

	while (n < max && (r = store_step(s, st)) == 1) {
		ids[n] = column_u64(st, 0);
		sizes[n++] = column_u64(st, 1);
	}
	sqlite3_reset(st);
	return (r == -1 ? -1 : n);
}

int
store_files(struct store *s, uint64_t after, uint64_t *ids, uint64_t *sizes,
    int n)
{
	sqlite3_stmt	*st;

	if ((st = store_bind(s, S_FILES, "ii", I(after), I(n))) == NULL)
		return (-1);
	return (id_rows(s, st, ids, sizes, n));
}

int
store_target_put(struct store *s, uint32_t id, int kind, const char *name,
    int64_t no_recovery)
{
	return (store_run(s, S_TARGET_PUT, "iiti", I(id), I(kind), name,
	    no_recovery));
}

int
store_orphans(struct store *s, int (*cb)(void *, uint64_t, const char *),
    void *arg)
{
	sqlite3_stmt	*st;
	const char	*name;
	int		 r;

	if ((st = store_bind(s, S_ORPHANS, "")) == NULL)
		return (-1);
	while ((r = store_step(s, st)) == 1) {
		name = (const char *)sqlite3_column_text(st, 1);
		if (cb(arg, column_u64(st, 0), name == NULL ? "nobody" :
		    name) != 0) {
			sqlite3_reset(st);
			return (-1);
		}
	}
	return (r == -1 ? -1 : store_run(s, S_ORPHANS_DELETE, ""));
}

/* Copies */

static int
copy_failed(struct store *s, const char *what)
{
	snprintf(s->error, sizeof(s->error), "%s: %s", what,
	    s->copy == NULL ? "out of memory" : sqlite3_errmsg(s->copy));
	store_backup_end(s);
	return (-1);
}

int
store_backup_begin(struct store *s, const char *file)
{
	char	path[1100];

	if (s->db == NULL || s->backup != NULL)
		return (store_fail(s, "copy"));
	snprintf(path, sizeof(path), "%s/%s", s->dir, file);
	if (sqlite3_open_v2(path, &s->copy, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK ||
	    sqlite3_exec(s->copy, "PRAGMA locking_mode = EXCLUSIVE;"
	    "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
	    "PRAGMA cache_size = -1024", NULL, NULL, NULL) != SQLITE_OK ||
	    (s->backup = sqlite3_backup_init(s->copy, "main", s->db,
	    "main")) == NULL)
		return (copy_failed(s, file));
	return (0);
}

int
store_backup_step(struct store *s, int pages, uint64_t *left, uint64_t *all)
{
	int	code;

	if (s->backup == NULL)
		return (store_fail(s, "copy"));
	code = sqlite3_backup_step(s->backup, pages);
	*left = sqlite3_backup_remaining(s->backup);
	*all = sqlite3_backup_pagecount(s->backup);
	if (code == SQLITE_OK || code == SQLITE_BUSY || code == SQLITE_LOCKED)
		return (1);
	if (code != SQLITE_DONE)
		return (copy_failed(s, "copy"));
	code = sqlite3_backup_finish(s->backup);
	s->backup = NULL;
	return (code == SQLITE_OK ? 0 : copy_failed(s, "copy"));
}

int
store_backup_messages(struct store *s, uint64_t *n)
{
	sqlite3_stmt	*st;
	int		 ret = -1;

	if (s->copy == NULL || sqlite3_prepare_v2(s->copy, "SELECT COUNT(*) "
	    "FROM messages", -1, &st, NULL) != SQLITE_OK)
		return (copy_failed(s, "copy"));
	if (sqlite3_step(st) == SQLITE_ROW) {
		*n = column_u64(st, 0);
		ret = 0;
	}
	sqlite3_finalize(st);
	return (ret == 0 ? 0 : copy_failed(s, "copy"));
}

int
store_backup_files(struct store *s, uint64_t after, uint64_t *ids,
    uint64_t *sizes, int max)
{
	sqlite3_stmt	*st;
	int		 n = 0, code;

	if (s->copy == NULL || sqlite3_prepare_v2(s->copy, "SELECT id, size "
	    "FROM messages WHERE kind = 2 AND id > ? ORDER BY id LIMIT ?",
	    -1, &st, NULL) != SQLITE_OK)
		return (copy_failed(s, "copy"));
	sqlite3_bind_int64(st, 1, (int64_t)after);
	sqlite3_bind_int(st, 2, max);
	while ((code = sqlite3_step(st)) == SQLITE_ROW) {
		ids[n] = column_u64(st, 0);
		sizes[n++] = column_u64(st, 1);
	}
	sqlite3_finalize(st);
	return (code == SQLITE_DONE ? n : copy_failed(s, "copy"));
}

void
store_backup_end(struct store *s)
{
	if (s->backup != NULL)
		sqlite3_backup_finish(s->backup);
	s->backup = NULL;
	sqlite3_close(s->copy);
	s->copy = NULL;
}
