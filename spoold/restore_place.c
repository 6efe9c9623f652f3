/* SPDX-License-Identifier: ISC */

/*
 * Where spoold -r puts what it reads: a directory of its own in the spool,
 * and from there into place when all of it is good.
 */

#include <sys/file.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "restore.h"
#include "salvage.h"

void
restore_clean(void)
{
	char		 path[96], dir[64];
	struct dirent	*de;
	DIR		*d;
	int		 fd, i;

	for (i = 0; i < 256; i++) {
		snprintf(dir, sizeof(dir), RESTORE_TMP "/content/%02X", i);
		if ((fd = openat(sp.dirfd, dir, O_RDONLY | O_DIRECTORY |
		    O_NOFOLLOW | O_CLOEXEC)) == -1)
			continue;
		if ((d = fdopendir(fd)) == NULL) {
			close(fd);
			continue;
		}
		while ((de = readdir(d)) != NULL)
			if (de->d_name[0] != '.')
				unlinkat(fd, de->d_name, 0);
		closedir(d);
		unlinkat(sp.dirfd, dir, AT_REMOVEDIR);
	}
	unlinkat(sp.dirfd, RESTORE_TMP "/content", AT_REMOVEDIR);
	for (i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), RESTORE_TMP "/" STORE_FILE "%s",
		    i == 0 ? "" : "-wal");
		unlinkat(sp.dirfd, path, 0);
	}
	unlinkat(sp.dirfd, RESTORE_TMP, AT_REMOVEDIR);
}

static int
sync_all(void)
{
#ifdef __linux__
	if (syncfs(sp.dirfd) == -1) {
		log_warn(EVT_NOT_RESTORED, ": sync of the spool");
		return (-1);
	}
#endif
	return (0);
}

int
restore_into_place(void)
{
	char	path[32];
	int	i;

	if (sync_all() == -1)
		return (-1);
	for (i = 0; i < 256; i++) {
		snprintf(path, sizeof(path), "content/%02X", i);
		unlinkat(sp.dirfd, path, AT_REMOVEDIR);
	}
	unlinkat(sp.dirfd, "content", AT_REMOVEDIR);
	if ((renameat(sp.dirfd, RESTORE_TMP "/content", sp.dirfd,
	    "content") == -1 && errno != ENOENT) || fsync(sp.dirfd) == -1 ||
	    renameat(sp.dirfd, RESTORE_TMP "/" STORE_FILE, sp.dirfd,
	    STORE_FILE) == -1 || fsync(sp.dirfd) == -1) {
		log_warn(EVT_NOT_RESTORED, ": giving the files their names");
		return (-1);
	}
	return (0);
}

/* Nothing is overwritten, ever. */
int
restore_place_empty(void)
{
	static const char *const	names[] = { STORE_FILE,
	    STORE_FILE "-wal", SALVAGE_DONE, SALVAGE_MARK };
	struct stat			st;
	size_t				i;

	for (i = 0; i < nitems(names); i++)
		if (fstatat(sp.dirfd, names[i], &st, 0) == 0) {
			log_warnx(EVT_NOT_RESTORED, ": the spool is in use: "
			    "there is %s; move it and the directory content "
			    "away", names[i]);
			return (0);
		}
	if (content_any()) {
		log_warnx(EVT_NOT_RESTORED, ": the spool is in use: there "
		    "are contents; move the directory content away");
		return (0);
	}
	return (1);
}

static int
lock_tmp(void)
{
	int	fd;

	if ((fd = openat(sp.dirfd, RESTORE_TMP, O_RDONLY | O_DIRECTORY |
	    O_NOFOLLOW | O_CLOEXEC)) == -1)
		return (-1);
	if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		close(fd);
		return (-1);
	}
	return (fd);
}

int
restore_tmp(void)
{
	int	fd;

	if ((fd = lock_tmp()) == -1 && errno != ENOENT) {
		log_warn(EVT_NOT_RESTORED, ": " RESTORE_TMP ", another one "
		    "under way?");
		return (-1);
	}
	if (fd != -1) {
		restore_clean();
		close(fd);
	}
	if (mkdirat(sp.dirfd, RESTORE_TMP, 0700) == -1 ||
	    (fd = lock_tmp()) == -1) {
		log_warn(EVT_NOT_RESTORED, ": " RESTORE_TMP);
		return (-1);
	}
	return (fd);
}
