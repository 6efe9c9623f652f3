/* SPDX-License-Identifier: ISC */

/*
 * For one test program: pwrite in front of libc, under both names that it
 * has; the program says in write_as_told what becomes of it.
 */

#ifndef FRONT_PWRITE_H
#define FRONT_PWRITE_H

#include <sys/types.h>

#include <stdint.h>

static ssize_t	write_as_told(int, const void *, size_t, int64_t);

ssize_t	fake_pwrite(int, const void *, size_t, int64_t) __asm__("pwrite");
ssize_t	fake_pwrite64(int, const void *, size_t, int64_t)
	    __asm__("pwrite64");

ssize_t
fake_pwrite(int fd, const void *p, size_t len, int64_t at)
{
	return (write_as_told(fd, p, len, at));
}

ssize_t
fake_pwrite64(int fd, const void *p, size_t len, int64_t at)
{
	return (write_as_told(fd, p, len, at));
}

#endif
