/* SPDX-License-Identifier: ISC */

/*
 * LD_PRELOAD for a process that is to lose what it did not sync: stands in
 * front of fsync, fdatasync and syncfs and keeps the image of powercut.h.
 *
 * POWERCUT_DIRS	directories, separated by colons, the spool first
 * POWERCUT_AT		the process ends at that sync call, before it counts
 * POWERCUT_NAME	only a program of this name (spoold)
 * POWERCUT_FAIL	a directory: as long as it has a file "eio", syncs fail
 *
 * Afterwards, with all processes dead: powercut DIR...
 */

#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "powercut.h"

int	fsync(int);
int	fdatasync(int);
int	syncfs(int);

static int	active, fail_dir = -1;
static long	left;

static void	start(void) __attribute__((constructor));

static void
start(void)
{
	const char	*dirs = getenv("POWERCUT_DIRS");
	const char	*name = getenv("POWERCUT_NAME");
	const char	*roots[16];
	struct stat	 st;
	char		*copy, *p;
	int		 n = 0;

	if (strcmp(program_invocation_short_name,
	    name != NULL ? name : "spoold") != 0)
		return;
	if (getenv("POWERCUT_FAIL") != NULL && (fail_dir =
	    open(getenv("POWERCUT_FAIL"), O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC)) == -1) {
		fprintf(stderr, "powercut: %s: %m\n",
		    getenv("POWERCUT_FAIL"));
		_exit(1);
	}
	if (dirs == NULL)
		return;
	if ((copy = strdup(dirs)) == NULL)
		abort();
	while ((p = strsep(&copy, ":")) != NULL && n < 16)
		if (*p != '\0')
			roots[n++] = p;
	/* mtad leaves us no capability to write where another one owns it */
	if (n == 0 || stat(roots[0], &st) == -1 || seteuid(st.st_uid) == -1 ||
	    powercut_start(roots, n) == -1 || seteuid(getuid()) == -1) {
		fprintf(stderr, "powercut: %s: %m\n", dirs);
		_exit(1);
	}
	if (getenv("POWERCUT_AT") != NULL)
		left = atol(getenv("POWERCUT_AT"));
	active = 1;
}

static void
count(void)
{
	if (left > 0 && --left == 0)
		_exit(99);
}

static int
failing(void)
{
	if (fail_dir == -1 || faccessat(fail_dir, "eio", F_OK, 0) == -1)
		return (0);
	errno = EIO;
	return (1);
}

int
fsync(int fd)
{
	int	r;

	if (failing())
		return (-1);
	if (!active)
		return ((int)syscall(SYS_fsync, fd));
	count();
	if ((r = (int)syscall(SYS_fsync, fd)) == 0)
		powercut_synced(fd);
	return (r);
}

int
fdatasync(int fd)
{
	int	r;

	if (failing())
		return (-1);
	if (!active)
		return ((int)syscall(SYS_fdatasync, fd));
	count();
	if ((r = (int)syscall(SYS_fdatasync, fd)) == 0)
		powercut_synced(fd);
	return (r);
}

int
syncfs(int fd)
{
	int	r;

	if (failing())
		return (-1);
	if (!active)
		return ((int)syscall(SYS_syncfs, fd));
	count();
	if ((r = (int)syscall(SYS_syncfs, fd)) == 0)
		powercut_synced_all();
	return (r);
}
