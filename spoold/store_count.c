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

#include "salvage.h"
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

/*
 * What mtad itself put there and nobody can count, NULL when the name is none
 * of ours.
 */
static const char *
set_aside(const char *name)
{
	static const struct {
		const char	*prefix, *what;
	} ours[] = {
		{ "queue.db.damaged-", "mtad set it aside as damaged, and it "
		    "may hold messages that could not be saved" },
		{ "content.damaged-", "mtad set it aside, contents that no "
		    "message was found for" },
		{ SALVAGE_MARK, "queue.db is damaged: what can be read of it "
		    "is saved when mtad starts" },
		{ SALVAGE_DONE, "what was saved of a damaged queue.db, which "
		    "it replaces when mtad starts" },
		{ "salvage.", "what can be read of a damaged queue.db was "
		    "being saved: that is done when mtad starts" },
	};
	size_t	i, len = strlen(name);

	if (strncmp(name, ours[0].prefix, strlen(ours[0].prefix)) == 0 &&
	    len > 7 && strcmp(name + len - 7, ".report") == 0)
		return ("mtad's report of what was lost of a damaged "
		    "queue.db");
	for (i = 0; i < nitems(ours); i++)
		if (strncmp(name, ours[i].prefix, strlen(ours[i].prefix)) == 0)
			return (ours[i].what);
	return (NULL);
}

/*
 * What was set aside, by us or by somebody, nobody can count.  Of several
 * the one whose name comes first is told of, what is not ours before.
 */
static int
only_known(const char *dir, char *why, size_t whysize)
{
	static const char *const known[] = { ".", "..", "queue.db",
	    "queue.db-wal", "queue.db-shm", "content", "audit",
	    "command.tmp", "backup.tmp", "restore.tmp", "lost+found", NULL };
	const char	*what, *of = NULL;
	struct dirent	*e;
	DIR		*d;
	char		 first[256] = "";
	size_t		 i;

	if ((d = opendir(dir)) == NULL) {
		snprintf(why, whysize, "%s", strerror(errno));
		return (-1);
	}
	while ((e = readdir(d)) != NULL) {
		for (i = 0; known[i] != NULL; i++)
			if (strcmp(e->d_name, known[i]) == 0)
				break;
		if (known[i] != NULL)
			continue;
		what = set_aside(e->d_name);
		if (first[0] == '\0' || (what == NULL && of != NULL) ||
		    ((what == NULL) == (of == NULL) &&
		    strcmp(e->d_name, first) < 0)) {
			snprintf(first, sizeof(first), "%s", e->d_name);
			of = what;
		}
	}
	closedir(d);
	if (first[0] == '\0')
		return (0);
	if (of == NULL)
		snprintf(why, whysize, "%s is there as well, which is not of "
		    "mtad", first);
	else
		snprintf(why, whysize, "%s: %s", first, of);
	return (-1);
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
