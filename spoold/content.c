/* SPDX-License-Identifier: ISC */

/*
 * Content files: content/xx/ID under the spool, xx the low octet of the
 * message id.  A file is made when a content outgrows a row, appended to,
 * and has exactly the octets of the content.  Its name is durable before a
 * row names it, and it is unlinked only after the commit that dropped the
 * last row; what a crash leaves between is swept at the start.  A further name
 * is taken back when the transaction that it was made in failed.
 */

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "log.h"
#include "spoold.h"

#define UNPIN	200	/* files removed at one tick */

struct ids {
	uint64_t	*id;
	size_t		 n, size;
};
static struct ids	 discarded;	/* once it is committed */
static struct ids	 shared;	/* unless it is */
static struct ids	 doubtful;	/* of commits that failed */
static struct ids	 pinned;	/* when nobody reads them any more */
static int		 pins;

static int
ids_add(struct ids *ids, uint64_t id)
{
	uint64_t	*p;

	if (ids->n == ids->size) {
		if ((p = reallocarray(ids->id, ids->size + 64,
		    sizeof(*p))) == NULL)
			return (-1);
		ids->id = p;
		ids->size += 64;
	}
	ids->id[ids->n++] = id;
	return (0);
}

static void
ids_unlink(struct ids *ids)
{
	while (ids->n > 0)
		content_unlink(ids->id[--ids->n]);
}

void
content_path(uint64_t id, char *path, size_t size)
{
	snprintf(path, size, "content/%02X/%016" PRIX64, (unsigned)(id & 0xff),
	    id);
}

static int
sync_path(const char *path)
{
	int	fd, r;

	if ((fd = openat(sp.dirfd, path,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return (-1);
	r = fsync(fd);
	close(fd);
	return (r);
}

int
content_init(void)
{
	char	path[32];
	int	i, made = 0;

	if (mkdirat(sp.dirfd, "content", 0700) == 0)
		made = 1;
	else if (errno != EEXIST)
		return (-1);
	for (i = 0; i < 256; i++) {
		snprintf(path, sizeof(path), "content/%02X", i);
		if (mkdirat(sp.dirfd, path, 0700) == 0)
			made = 1;
		else if (errno != EEXIST)
			return (-1);
	}
	if (made && (sync_path("content") == -1 || fsync(sp.dirfd) == -1))
		return (-1);
	return (0);
}

int
content_create(uint64_t id)
{
	char	path[64];

	content_path(id, path, sizeof(path));
	return (openat(sp.dirfd, path, O_RDWR | O_CREAT | O_EXCL |
	    O_NOFOLLOW | O_CLOEXEC, 0600));
}

int
content_open(uint64_t id, int flags)
{
	char	path[64];

	content_path(id, path, sizeof(path));
	return (openat(sp.dirfd, path, flags | O_NOFOLLOW | O_CLOEXEC));
}

int
content_open_whole(const struct store_message *sm)
{
	struct stat	st;
	int		fd;

	if ((fd = content_open(sm->id, O_RDONLY)) == -1)
		return (-1);
	if (fstat(fd, &st) == -1 || (uint64_t)st.st_size != sm->size) {
		close(fd);
		errno = EIO;
		return (-1);
	}
	return (fd);
}

int
content_share(uint64_t id, uint64_t as)
{
	char	from[64], to[64];

	content_path(id, from, sizeof(from));
	content_path(as, to, sizeof(to));
	if (linkat(sp.dirfd, from, sp.dirfd, to, 0) == -1)
		return (-1);
	if (ids_add(&shared, as) == -1) {
		content_unlink(as);
		return (-1);
	}
	return (content_sync_dir(as));
}

int
content_sync_dir(uint64_t id)
{
	char	path[32];

	snprintf(path, sizeof(path), "content/%02X", (unsigned)(id & 0xff));
	return (sync_path(path));
}

void
content_unlink(uint64_t id)
{
	char	path[64];

	content_path(id, path, sizeof(path));
	if (unlinkat(sp.dirfd, path, 0) == -1 && errno != ENOENT)
		log_warn(EVT_CONTENT, "path=\"%s\": cannot be removed", path);
}

void
content_discard(uint64_t id)
{
	/* no memory: swept at the next start */
	ids_add(&discarded, id);
}

void
content_discarded(void)
{
	size_t	i;

	shared.n = 0;
	if (pins == 0) {
		ids_unlink(&discarded);
		return;
	}
	for (i = 0; i < discarded.n; i++)
		ids_add(&pinned, discarded.id[i]);
	discarded.n = 0;
}

void
content_pin(void)
{
	pins++;
}

void
content_unpin(void)
{
	pins--;
	content_tick();
}

void
content_tick(void)
{
	int	i;

	if (pins > 0)
		return;
	for (i = 0; i < UNPIN && pinned.n > 0; i++)
		content_unlink(pinned.id[--pinned.n]);
	if (pinned.n > 0)
		spool_wake(spool_clock() + 20);
}

void
content_undo(void)
{
	discarded.n = 0;
	ids_unlink(&shared);
}

void
content_keep(void)
{
	discarded.n = 0;
	while (shared.n > 0)
		content_doubt(shared.id[--shared.n]);
}

void
content_doubt(uint64_t id)
{
	/* no memory: swept at the next start */
	ids_add(&doubtful, id);
}

int
content_settle(void)
{
	int	r;

	for (; doubtful.n > 0; doubtful.n--) {
		if ((r = store_file_wanted(sp.store,
		    doubtful.id[doubtful.n - 1])) == -1)
			return (-1);
		if (r == 0)
			content_unlink(doubtful.id[doubtful.n - 1]);
	}
	return (0);
}

/* Removes the orphans of one directory. */
static int
sweep_dir(const char *path)
{
	DIR		*dir;
	struct dirent	*de;
	uint64_t	 id;
	char		*end;
	int		 fd, r, n = 0;

	if ((fd = openat(sp.dirfd, path,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return (errno == ENOENT ? 0 : -1);
	if ((dir = fdopendir(fd)) == NULL) {
		close(fd);
		return (-1);
	}
	while ((de = readdir(dir)) != NULL) {
		if (de->d_name[0] == '.')
			continue;
		id = strtoull(de->d_name, &end, 16);
		if (*end != '\0')
			continue;
		if ((r = store_file_wanted(sp.store, id)) == -1) {
			n = -1;
			break;
		}
		if (r == 0 && unlinkat(dirfd(dir), de->d_name, 0) == 0)
			n++;
	}
	closedir(dir);
	return (n);
}

int
content_sweep(void)
{
	char	path[32];
	int	i, n, total = 0;

	for (i = 0; i < 256; i++) {
		snprintf(path, sizeof(path), "content/%02X", i);
		if ((n = sweep_dir(path)) == -1)
			return (-1);
		total += n;
	}
	return (total);
}

int
content_any(void)
{
	DIR		*dir;
	struct dirent	*de;
	char		 path[32];
	int		 fd, i, any = 0;

	for (i = 0; i < 256 && !any; i++) {
		snprintf(path, sizeof(path), "content/%02X", i);
		if ((fd = openat(sp.dirfd, path,
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
			continue;
		if ((dir = fdopendir(fd)) == NULL) {
			close(fd);
			continue;
		}
		while (!any && (de = readdir(dir)) != NULL)
			any = de->d_name[0] != '.';
		closedir(dir);
	}
	return (any);
}

uint64_t
content_free(void)
{
	struct statvfs	 vfs;

	if (fstatvfs(sp.dirfd, &vfs) == -1)
		return (0);
	return ((uint64_t)vfs.f_bavail * vfs.f_frsize);
}
