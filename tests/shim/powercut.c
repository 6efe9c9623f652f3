/* SPDX-License-Identifier: ISC */

/* See powercut.h. */

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "powercut.h"

#define ROOTS_MAX	16
#define KEY_MAX		64

static pthread_mutex_t	 lock = PTHREAD_MUTEX_INITIALIZER;
static int		 shadow = -1, root_fd[ROOTS_MAX], nroots;

/* Inode numbers are used again; with the time of birth they are unique. */
static int
key_of(int dir, const char *name, char *key, mode_t *mode)
{
	struct statx	st;

	if (statx(dir, name, *name == '\0' ? AT_EMPTY_PATH :
	    AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &st) == -1)
		return (-1);
	snprintf(key, KEY_MAX, "%x-%" PRIx64 "-%" PRIx64 ".%x",
	    st.stx_dev_minor, (uint64_t)st.stx_ino,
	    (uint64_t)st.stx_btime.tv_sec, st.stx_btime.tv_nsec);
	*mode = st.stx_mode;
	return (0);
}

static int
copy(int from, int to)
{
	static char	buf[65536];
	ssize_t		n;
	off_t		at = 0;

	while ((n = pread(from, buf, sizeof(buf), at)) > 0) {
		if (write(to, buf, n) != n)
			return (-1);
		at += n;
	}
	return ((int)n);
}

/* Under its key in the shadow, never half. */
static void
save_file(int fd, const char *key)
{
	char	name[KEY_MAX + 8], tmp[KEY_MAX + 8];
	int	to;

	snprintf(name, sizeof(name), "F%s", key);
	snprintf(tmp, sizeof(tmp), "T%s", key);
	if ((to = openat(shadow, tmp, O_WRONLY | O_CREAT | O_TRUNC |
	    O_CLOEXEC, 0600)) == -1)
		return;
	if (copy(fd, to) == 0)
		renameat(shadow, tmp, shadow, name);
	close(to);
}

static void
save_dir(int fd, const char *key)
{
	char		 name[KEY_MAX + 8], tmp[KEY_MAX + 8], child[KEY_MAX];
	struct dirent	*de;
	mode_t		 mode;
	FILE		*f;
	DIR		*d;
	int		 to, again;

	snprintf(name, sizeof(name), "D%s", key);
	snprintf(tmp, sizeof(tmp), "T%s", key);
	if ((again = openat(fd, ".", O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC)) == -1)
		return;
	if ((d = fdopendir(again)) == NULL) {
		close(again);
		return;
	}
	to = openat(shadow, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
	    0600);
	if (to != -1 && (f = fdopen(to, "w")) != NULL) {
		while ((de = readdir(d)) != NULL) {
			if (strcmp(de->d_name, ".") == 0 ||
			    strcmp(de->d_name, "..") == 0 ||
			    strcmp(de->d_name, POWERCUT_SHADOW) == 0 ||
			    key_of(fd, de->d_name, child, &mode) == -1)
				continue;
			fprintf(f, "%c %s %s\n", S_ISDIR(mode) ? 'D' : 'F',
			    child, de->d_name);
		}
		if (fclose(f) == 0)
			renameat(shadow, tmp, shadow, name);
	}
	closedir(d);
}

static void
save_tree(int fd)
{
	char		 key[KEY_MAX];
	struct dirent	*de;
	mode_t		 mode;
	DIR		*d;
	int		 again, child;

	if (key_of(fd, "", key, &mode) == -1)
		return;
	if (!S_ISDIR(mode)) {
		if (S_ISREG(mode))
			save_file(fd, key);
		return;
	}
	save_dir(fd, key);
	if ((again = openat(fd, ".", O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC)) == -1 || (d = fdopendir(again)) == NULL)
		return;
	while ((de = readdir(d)) != NULL) {
		if (strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0 ||
		    strcmp(de->d_name, POWERCUT_SHADOW) == 0)
			continue;
		if ((child = openat(fd, de->d_name, O_RDONLY | O_NOFOLLOW |
		    O_NONBLOCK | O_CLOEXEC)) == -1)
			continue;
		save_tree(child);
		close(child);
	}
	closedir(d);
}

static int
clear_shadow(void)
{
	struct dirent	*de;
	DIR		*d;
	int		 again;

	if ((again = openat(shadow, ".", O_RDONLY | O_DIRECTORY)) == -1 ||
	    (d = fdopendir(again)) == NULL)
		return (-1);
	while ((de = readdir(d)) != NULL)
		if (de->d_name[0] != '.')
			unlinkat(shadow, de->d_name, 0);
	closedir(d);
	return (0);
}

int
powercut_start(const char *const *roots, int n)
{
	char	path[1024];
	int	i;

	if (n < 1 || n > ROOTS_MAX)
		return (-1);
	snprintf(path, sizeof(path), "%s/%s", roots[0], POWERCUT_SHADOW);
	if (mkdir(path, 0777) == -1 && errno != EEXIST)
		return (-1);
	chmod(path, 0777);	/* who we are is going to change */
	if ((shadow = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1 ||
	    clear_shadow() == -1)
		return (-1);
	for (i = 0; i < n; i++)
		if ((root_fd[i] = open(roots[i], O_RDONLY | O_DIRECTORY |
		    O_CLOEXEC)) == -1)
			return (-1);
	nroots = n;
	powercut_synced_all();
	return (0);
}

void
powercut_synced(int fd)
{
	char	key[KEY_MAX];
	mode_t	mode;
	int	saved = errno;

	pthread_mutex_lock(&lock);
	if (shadow != -1 && key_of(fd, "", key, &mode) == 0) {
		if (S_ISDIR(mode))
			save_dir(fd, key);
		else if (S_ISREG(mode))
			save_file(fd, key);
	}
	pthread_mutex_unlock(&lock);
	errno = saved;
}

void
powercut_synced_all(void)
{
	int	i, saved = errno;

	pthread_mutex_lock(&lock);
	for (i = 0; shadow != -1 && i < nroots; i++)
		save_tree(root_fd[i]);
	pthread_mutex_unlock(&lock);
	errno = saved;
}

/* Restoring */

static int
remove_tree(int dir, const char *name)
{
	struct dirent	*de;
	DIR		*d;
	int		 fd;

	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return (0);
	if ((fd = openat(dir, name, O_RDONLY | O_DIRECTORY)) == -1 ||
	    (d = fdopendir(fd)) == NULL)
		return (-1);
	while ((de = readdir(d)) != NULL)
		if (strcmp(de->d_name, ".") != 0 &&
		    strcmp(de->d_name, "..") != 0)
			remove_tree(fd, de->d_name);
	closedir(d);
	return (unlinkat(dir, name, AT_REMOVEDIR));
}

static int
restore_file(int dir, const char *name, const char *key, uid_t uid, gid_t gid)
{
	char	from_name[KEY_MAX + 8];
	int	from, to, r = 0;

	snprintf(from_name, sizeof(from_name), "F%s", key);
	from = openat(shadow, from_name, O_RDONLY);	/* or never synced */
	unlinkat(dir, name, 0);
	if ((to = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL,
	    0600)) == -1)
		return (-1);
	if (fchown(to, uid, gid) == -1 || (from != -1 &&
	    copy(from, to) == -1))
		r = -1;
	close(to);
	if (from != -1)
		close(from);
	return (r);
}

struct entry {
	char	type, key[KEY_MAX], name[256];
};

static int
listed(const struct entry *e, size_t n, const char *name)
{
	size_t	i;

	for (i = 0; i < n; i++)
		if (strcmp(e[i].name, name) == 0)
			return (1);
	return (0);
}

static size_t
read_listing(const char *key, struct entry **out)
{
	char		 name[KEY_MAX + 8];
	struct entry	*e = NULL, one;
	size_t		 n = 0;
	FILE		*f;
	int		 fd;

	*out = NULL;
	snprintf(name, sizeof(name), "D%s", key);
	if ((fd = openat(shadow, name, O_RDONLY)) == -1 ||
	    (f = fdopen(fd, "r")) == NULL)
		return (0);
	while (fscanf(f, " %c %63s %255[^\n]", &one.type, one.key,
	    one.name) == 3) {
		if ((e = realloc(e, (n + 1) * sizeof(*e))) == NULL)
			abort();
		e[n++] = one;
	}
	fclose(f);
	*out = e;
	return (n);
}

static int
restore_dir(int fd, const char *key)
{
	struct entry	*e;
	struct dirent	*de;
	struct stat	 st;
	size_t		 i, n;
	DIR		*d;
	int		 again, child, r = 0;

	n = read_listing(key, &e);
	if (fstat(fd, &st) == -1 || (again = openat(fd, ".", O_RDONLY |
	    O_DIRECTORY)) == -1 || (d = fdopendir(again)) == NULL)
		return (-1);
	while ((de = readdir(d)) != NULL)
		if (strcmp(de->d_name, ".") != 0 &&
		    strcmp(de->d_name, "..") != 0 &&
		    strcmp(de->d_name, POWERCUT_SHADOW) != 0 &&
		    !listed(e, n, de->d_name))
			remove_tree(fd, de->d_name);
	closedir(d);
	for (i = 0; i < n && r == 0; i++) {
		if (e[i].type == 'F') {
			r = restore_file(fd, e[i].name, e[i].key, st.st_uid,
			    st.st_gid);
			continue;
		}
		if (mkdirat(fd, e[i].name, 0700) == 0)
			r = fchownat(fd, e[i].name, st.st_uid, st.st_gid, 0);
		if ((child = openat(fd, e[i].name, O_RDONLY |
		    O_DIRECTORY)) == -1)
			r = -1;
		else {
			r = restore_dir(child, e[i].key);
			close(child);
		}
	}
	free(e);
	return (r);
}

int
powercut_restore(const char *const *roots, int n)
{
	char	path[1024], key[KEY_MAX];
	mode_t	mode;
	int	fd, i, r = 0;

	snprintf(path, sizeof(path), "%s/%s", roots[0], POWERCUT_SHADOW);
	if ((shadow = open(path, O_RDONLY | O_DIRECTORY)) == -1)
		return (-1);
	for (i = 0; i < n && r == 0; i++) {
		if ((fd = open(roots[i], O_RDONLY | O_DIRECTORY)) == -1 ||
		    key_of(fd, "", key, &mode) == -1)
			return (-1);
		r = restore_dir(fd, key);
		close(fd);
	}
	if (r == 0)
		clear_shadow();
	close(shadow);
	shadow = -1;
	return (r);
}
