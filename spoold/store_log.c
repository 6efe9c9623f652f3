/* SPDX-License-Identifier: ISC */

/*
 * The write-ahead log, written in one piece.  SQLite writes two pieces for
 * every page of a transaction, each a system call, and they took more of the
 * processor than the rest of a commit.  Between SQLite and its own file of
 * the operating system stands one that keeps what follows what came before
 * until it is full, or until somebody looks: a sync, a read of the same
 * place, the size of the file.
 *
 * The file is made longer ahead of what is written: a sync that has no new
 * blocks to record takes half the time or less.  What is there are noughts,
 * which are no frame of SQLite's, so its recovery ends before them.
 *
 * Nothing is promised for a transaction that has not been synced, so a crash
 * loses no more than it did.  A commit that is synced by another descriptor
 * (store_begin_later) is written out first (store_log_write).
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store_int.h"

#define KEEP	(96 * 1024)	/* octets; SQLite writes 128 KB as none */
#define AHEAD_MIN	(192 * 1024)	/* octets, at the beginning */
#define AHEAD_MAX	(1024 * 1024)
#define AHEAD_END	(9 * 1024 * 1024)	/* SQLite begins anew before */

struct log_file {
	sqlite3_file	 file;
	sqlite3_file	*os;		/* behind this, in the same memory */
	sqlite3_int64	 at;		/* of what is kept */
	int		 used;
	uint8_t		*octets;
	sqlite3_int64	 size;		/* of the file, or less */
	int		 no_ahead;	/* there was no room for more */
};

static sqlite3_vfs	*os_vfs;
static sqlite3_vfs	 vfs;

static struct log_file *
log_file(sqlite3_file *f)
{
	return ((struct log_file *)(void *)f);
}

/* It is only for speed: if the disk is full the file stays as it was. */
static void
write_ahead(struct log_file *l, sqlite3_int64 end)
{
	static const uint8_t	noughts[KEEP];
	sqlite3_int64		at, ahead = end;

	if (ahead < AHEAD_MIN)
		ahead = AHEAD_MIN;
	if (ahead > AHEAD_MAX)
		ahead = AHEAD_MAX;
	if (end + ahead > AHEAD_END)
		return;
	for (at = end; at < end + ahead; at += KEEP) {
		if (l->os->pMethods->xWrite(l->os, noughts, KEEP,
		    at) == SQLITE_OK)
			continue;
		l->no_ahead = 1;
		l->os->pMethods->xTruncate(l->os, l->size);
		return;
	}
	l->size = at;
}

static int
write_out(struct log_file *l)
{
	sqlite3_int64	end = l->at + l->used;
	int		rc;

	if (l->used == 0)
		return (SQLITE_OK);
	if (end > l->size && !l->no_ahead)
		write_ahead(l, end);
	/* kept after an error: no reader is to find what was there before */
	if ((rc = l->os->pMethods->xWrite(l->os, l->octets, l->used,
	    l->at)) == SQLITE_OK) {
		l->used = 0;
		if (l->size < end)
			l->size = end;
	}
	return (rc);
}

static int
log_write(sqlite3_file *f, const void *p, int len, sqlite3_int64 at)
{
	struct log_file	*l = log_file(f);
	int		 rc;

	if (l->used > 0 && (at != l->at + l->used || len > KEEP - l->used) &&
	    (rc = write_out(l)) != SQLITE_OK)
		return (rc);
	if (len > KEEP) {
		if ((rc = l->os->pMethods->xWrite(l->os, p, len,
		    at)) == SQLITE_OK && l->size < at + len)
			l->size = at + len;
		return (rc);
	}
	if (at == 0)
		l->no_ahead = 0;	/* it begins anew, and asks again */
	if (l->used == 0)
		l->at = at;
	memcpy(l->octets + l->used, p, len);
	l->used += len;
	return (SQLITE_OK);
}

static int
log_read(sqlite3_file *f, void *p, int len, sqlite3_int64 at)
{
	struct log_file	*l = log_file(f);
	int		 rc;

	if (l->used > 0 && at < l->at + l->used && at + len > l->at &&
	    (rc = write_out(l)) != SQLITE_OK)
		return (rc);
	return (l->os->pMethods->xRead(l->os, p, len, at));
}

static int
log_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	struct log_file	*l = log_file(f);
	int		 rc;

	if ((rc = write_out(l)) != SQLITE_OK)
		return (rc);
	if (size < l->size)
		l->size = size;
	l->no_ahead = 0;
	return (l->os->pMethods->xTruncate(l->os, size));
}

static int
log_sync(sqlite3_file *f, int flags)
{
	struct log_file	*l = log_file(f);
	int		 rc;

	if ((rc = write_out(l)) != SQLITE_OK)
		return (rc);
	return (l->os->pMethods->xSync(l->os, flags));
}

static int
log_size(sqlite3_file *f, sqlite3_int64 *size)
{
	struct log_file	*l = log_file(f);
	int		 rc;

	if ((rc = write_out(l)) != SQLITE_OK)
		return (rc);
	return (l->os->pMethods->xFileSize(l->os, size));
}

static int
log_close(sqlite3_file *f)
{
	struct log_file	*l = log_file(f);
	int		 rc = write_out(l), closed;

	closed = l->os->pMethods->xClose(l->os);
	free(l->octets);
	l->octets = NULL;
	return (rc != SQLITE_OK ? rc : closed);
}

static int
log_lock(sqlite3_file *f, int how)
{
	struct log_file	*l = log_file(f);

	return (l->os->pMethods->xLock(l->os, how));
}

static int
log_unlock(sqlite3_file *f, int how)
{
	struct log_file	*l = log_file(f);

	return (l->os->pMethods->xUnlock(l->os, how));
}

static int
log_reserved(sqlite3_file *f, int *yes)
{
	struct log_file	*l = log_file(f);

	return (l->os->pMethods->xCheckReservedLock(l->os, yes));
}

static int
log_control(sqlite3_file *f, int op, void *arg)
{
	struct log_file	*l = log_file(f);

	return (l->os->pMethods->xFileControl(l->os, op, arg));
}

static int
log_sector(sqlite3_file *f)
{
	struct log_file	*l = log_file(f);

	return (l->os->pMethods->xSectorSize(l->os));
}

static int
log_device(sqlite3_file *f)
{
	struct log_file	*l = log_file(f);

	return (l->os->pMethods->xDeviceCharacteristics(l->os));
}

static const sqlite3_io_methods log_methods = {
	.iVersion = 1,
	.xClose = log_close,
	.xRead = log_read,
	.xWrite = log_write,
	.xTruncate = log_truncate,
	.xSync = log_sync,
	.xFileSize = log_size,
	.xLock = log_lock,
	.xUnlock = log_unlock,
	.xCheckReservedLock = log_reserved,
	.xFileControl = log_control,
	.xSectorSize = log_sector,
	.xDeviceCharacteristics = log_device
};

/* Room for ours, so that the other begins where any object may. */
#define OURS	((sizeof(struct log_file) + 15) / 16 * 16)

static int
vfs_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags,
    int *out)
{
	struct log_file	*l = log_file(f);
	int		 rc;

	if ((flags & SQLITE_OPEN_WAL) == 0)
		return (os_vfs->xOpen(os_vfs, name, f, flags, out));
	memset(l, 0, sizeof(*l));
	l->os = (sqlite3_file *)(void *)((uint8_t *)l + OURS);
	if ((l->octets = malloc(KEEP)) == NULL)
		return (SQLITE_NOMEM);
	if ((rc = os_vfs->xOpen(os_vfs, name, l->os, flags,
	    out)) != SQLITE_OK) {
		free(l->octets);
		l->octets = NULL;
		return (rc);
	}
	if ((rc = l->os->pMethods->xFileSize(l->os, &l->size)) != SQLITE_OK) {
		l->os->pMethods->xClose(l->os);
		free(l->octets);
		l->octets = NULL;
		return (rc);
	}
	l->file.pMethods = &log_methods;
	return (SQLITE_OK);
}

const char *
store_log_vfs(void)
{
	if (os_vfs == NULL && (os_vfs = sqlite3_vfs_find(NULL)) != NULL) {
		vfs = *os_vfs;
		vfs.pNext = NULL;
		vfs.zName = "mtad";
		vfs.szOsFile += OURS;
		vfs.xOpen = vfs_open;
		sqlite3_vfs_register(&vfs, 0);
	}
	return (vfs.zName);
}

int
store_log_write(struct store *s)
{
	sqlite3_file	*f = NULL;

	if (sqlite3_file_control(s->db, "main", SQLITE_FCNTL_JOURNAL_POINTER,
	    &f) != SQLITE_OK || f == NULL || f->pMethods != &log_methods)
		return (0);
	return (write_out(log_file(f)) == SQLITE_OK ? 0 : -1);
}
