/* SPDX-License-Identifier: ISC */

/*
 * What a spool holds that no spoold runs on: asked before it is taken away.
 * Nothing is made there and no schema brought up to date.
 */

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sqlite3.h>

#include "store.h"

static int
count(sqlite3 *db, const char *sql, uint64_t *n)
{
	sqlite3_stmt	*st;
	int		 r = -1;

	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
		return (-1);
	if (sqlite3_step(st) == SQLITE_ROW) {
		*n = sqlite3_column_int64(st, 0);
		r = 0;
	}
	sqlite3_finalize(st);
	return (r);
}

/* There is no data base: so there never was a message, or it was lost. */
static int
no_database(const char *dir, char *why, size_t whysize)
{
	struct stat	st;
	char		path[1100];

	snprintf(path, sizeof(path), "%s/content", dir);
	if (lstat(path, &st) == -1 && errno == ENOENT)
		return (0);
	snprintf(why, whysize, "contents but no queue.db");
	return (-1);
}

/* What was set aside, by us or by somebody, nobody can count. */
static int
only_known(const char *dir, char *why, size_t whysize)
{
	static const char *const known[] = { ".", "..", "queue.db",
	    "queue.db-wal", "queue.db-shm", "content", "audit",
	    "command.tmp", NULL };
	struct dirent	*e;
	DIR		*d;
	size_t		 i;
	int		 r = 0;

	if ((d = opendir(dir)) == NULL) {
		snprintf(why, whysize, "%s", strerror(errno));
		return (-1);
	}
	while (r == 0 && (e = readdir(d)) != NULL) {
		for (i = 0; known[i] != NULL; i++)
			if (strcmp(e->d_name, known[i]) == 0)
				break;
		if (known[i] == NULL) {
			snprintf(why, whysize, "%s is there as well",
			    e->d_name);
			r = -1;
		}
	}
	closedir(d);
	return (r);
}

int
store_count(const char *dir, uint64_t *messages, uint64_t *partial, char *why,
    size_t whysize)
{
	struct stat	 st;
	sqlite3		*db = NULL;
	char		 path[1100];
	int		 r = -1;

	*messages = *partial = 0;
	if (only_known(dir, why, whysize) == -1)
		return (-1);
	snprintf(path, sizeof(path), "%s/queue.db", dir);
	if (stat(path, &st) == -1) {
		if (errno == ENOENT)
			return (no_database(dir, why, whysize));
		snprintf(why, whysize, "queue.db: %s", strerror(errno));
		return (-1);
	}
	if (st.st_size == 0) {
		/* SQLite would call it a data base, and an empty one */
		snprintf(why, whysize, "queue.db is empty");
		return (-1);
	}
	/* Exclusively: a spoold that runs has its own idea of what is there. */
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK &&
	    sqlite3_exec(db, "PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE",
	    NULL, NULL, NULL) == SQLITE_OK &&
	    count(db, "SELECT COUNT(*) FROM messages", messages) == 0 &&
	    count(db, "SELECT COUNT(*) FROM receiving", partial) == 0)
		r = 0;
	else
		snprintf(why, whysize, "queue.db: %s", sqlite3_errmsg(db));
	sqlite3_close(db);
	return (r);
}
