/* SPDX-License-Identifier: ISC */

/* For tests that stand in front of libc. */

#ifndef LOG_FILE_H
#define LOG_FILE_H

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Is it open on the write-ahead log of a store? */
static inline int
is_log(int fd)
{
	char	path[64], name[256];
	ssize_t	n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, name, sizeof(name) - 1);
	return (n > 4 && memcmp(name + n - 4, "-wal", 4) == 0);
}

#endif
