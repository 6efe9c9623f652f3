/* SPDX-License-Identifier: ISC */

/*
 * What of some directories would survive a power failure, kept beside them.
 *
 * The model is that of POSIX, stricter than most file systems: the octets of
 * a file are durable as they were at its last fsync or fdatasync, a name as
 * it was at the last fsync of its directory; a created, renamed or removed
 * name that was not followed by one is undone.  What is there when
 * powercut_start is called counts as durable.
 *
 * The image lies in a directory of its own, which has to be one that the
 * process can still write to when it is confined.
 */

#ifndef POWERCUT_H
#define POWERCUT_H

#define POWERCUT_SHADOW	".powercut"

/* roots: directories, the shadow lies in the first.  0 or -1. */
int	powercut_start(const char *const *roots, int n);
/* The process has synced that file or directory; everything. */
void	powercut_synced(int fd);
void	powercut_synced_all(void);
/* After the process is dead: everything else never happened. */
int	powercut_restore(const char *const *roots, int n);

#endif
