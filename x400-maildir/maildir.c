/* SPDX-License-Identifier: ISC */

/* A Maildir, see maildir.h. */

#include <sys/mman.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "maildir.h"

static const char	*const names[MAILDIR_DIRS] = {
	[MAILDIR_TMP] = "tmp", [MAILDIR_NEW] = "new", [MAILDIR_CUR] = "cur"
};

static int
open_dir(int at, const char *path, int *made)
{
	if (mkdirat(at, path, 0700) == 0)
		*made = 1;
	else if (errno != EEXIST)
		return -1;
	return openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* That a directory is there has to last as well. */
static int
sync_parent(int dir)
{
	int	parent, r;

	parent = openat(dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent == -1)
		return -1;
	r = fsync(parent);
	close(parent);
	return r;
}

int
maildir_open(struct maildir *m, const char *path)
{
	int	i, top, made = 0, r = -1;

	memset(m, 0, sizeof(*m));
	for (i = 0; i < MAILDIR_DIRS; i++)
		m->dir[i] = -1;
	if ((top = open_dir(AT_FDCWD, path, &made)) == -1)
		return -1;
	if (made && sync_parent(top) == -1)
		goto out;
	for (i = 0; i < MAILDIR_DIRS; i++)
		if ((m->dir[i] = open_dir(top, names[i], &made)) == -1)
			goto out;
	r = made ? fsync(top) : 0;
out:
	close(top);
	return r;
}

/* What tells a message from others, as it stands in names. */
static void
mark(const char *id, char *out, size_t size)
{
	snprintf(out, size, ".X%s.", id);
}

void
maildir_name(struct maildir *m, const char *id, int64_t seconds,
    const char *host)
{
	char	 safe[64], part[64], *p;

	mark(id, part, sizeof(part));
	snprintf(safe, sizeof(safe), "%s", host);
	for (p = safe; *p != '\0'; p++)
		if (*p == '/' || *p == ':' || *p <= ' ' || *p > '~')
			*p = '_';
	snprintf(m->name, sizeof(m->name), "%lld%s%s", (long long)seconds,
	    part, safe);
	snprintf(m->temporary, sizeof(m->temporary), "%s.%ld", m->name,
	    (long)getpid());
}

static int
dir_has(int dir, const char *id)
{
	struct dirent	*de;
	char		 part[64];
	DIR		*d;
	int		 fd, r = 0;

	mark(id, part, sizeof(part));
	if ((fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return -1;
	if ((d = fdopendir(fd)) == NULL) {
		close(fd);
		return -1;
	}
	errno = 0;
	while (r == 0 && (de = readdir(d)) != NULL)
		r = strstr(de->d_name, part) != NULL;
	if (r == 0 && errno != 0)
		r = -1;
	closedir(d);
	return r;
}

/*
 * In cur/ it has been seen, and has flags behind its name.  The run that put
 * it there may not have come to sync the directory.
 */
int
maildir_has(const struct maildir *m, const char *id)
{
	int	i, r = 0;

	for (i = MAILDIR_NEW; r == 0 && i <= MAILDIR_CUR; i++)
		if ((r = dir_has(m->dir[i], id)) == 1 &&
		    fsync(m->dir[i]) == -1)
			r = -1;
	return r;
}

int
maildir_begin(struct maildir *m)
{
	int	fd, dir = m->dir[MAILDIR_TMP];

	/* One of the same process number is of a run that came to its end. */
	if (unlinkat(dir, m->temporary, 0) == -1 && errno != ENOENT)
		return -1;
	fd = openat(dir, m->temporary, O_WRONLY | O_CREAT | O_EXCL |
	    O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	if ((m->f = fdopen(fd, "w")) == NULL) {
		close(fd);
		maildir_abort(m);
		return -1;
	}
	return 0;
}

void
maildir_abort(struct maildir *m)
{
	int	saved = errno;

	if (m->f != NULL)
		fclose(m->f);
	m->f = NULL;
	unlinkat(m->dir[MAILDIR_TMP], m->temporary, 0);
	errno = saved;
}

int
maildir_commit(struct maildir *m)
{
	int	r;

	if (fflush(m->f) == EOF || ferror(m->f) || fsync(fileno(m->f)) == -1) {
		if (errno == 0)
			errno = EIO;
		maildir_abort(m);
		return -1;
	}
	r = fclose(m->f);
	m->f = NULL;
	if (r == EOF || (linkat(m->dir[MAILDIR_TMP], m->temporary,
	    m->dir[MAILDIR_NEW], m->name, 0) == -1 && errno != EEXIST)) {
		maildir_abort(m);
		return -1;
	}
	/* The name in new/ has to last before anyone is told. */
	if (fsync(m->dir[MAILDIR_NEW]) == -1) {
		maildir_abort(m);
		return -1;
	}
	maildir_abort(m);
	return 0;
}

/* Of a pipe, a file that ends with us. */
static int
copy(const struct maildir *m)
{
	char	 name[320], buf[65536];
	ssize_t	 n, w;
	char	*p;
	int	 fd;

	snprintf(name, sizeof(name), "%s.in", m->temporary);
	unlinkat(m->dir[MAILDIR_TMP], name, 0);
	fd = openat(m->dir[MAILDIR_TMP], name, O_RDWR | O_CREAT | O_EXCL |
	    O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	unlinkat(m->dir[MAILDIR_TMP], name, 0);
	while ((n = read(STDIN_FILENO, buf, sizeof(buf))) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		for (p = buf; n > 0; p += w, n -= w)
			if ((w = write(fd, p, n)) == -1)
				break;
		if (n != 0) {
			close(fd);
			return -1;
		}
	}
	return fd;
}

int
maildir_input(const struct maildir *m, const uint8_t **p, size_t *len)
{
	struct stat	 st;
	off_t		 at = 0;
	void		*map;
	int		 fd = STDIN_FILENO;

	if (fstat(fd, &st) == -1)
		return -1;
	if (S_ISREG(st.st_mode)) {
		if ((at = lseek(fd, 0, SEEK_CUR)) == -1)
			return -1;
	} else if ((fd = copy(m)) == -1 || fstat(fd, &st) == -1)
		return -1;
	*p = (const uint8_t *)"";
	*len = 0;
	if (st.st_size <= at)
		return 0;
	map = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return -1;
	*p = (const uint8_t *)map + at;
	*len = st.st_size - at;
	return 0;
}
