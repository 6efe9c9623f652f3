/* SPDX-License-Identifier: ISC */

/*
 * Archives of ordinary files, POSIX.1 ustar; sizes of 8 GB and more are in
 * base 256, as GNU tar and libarchive have them.
 */

#ifndef TAR_H
#define TAR_H

#include <stdint.h>
#include <stddef.h>

#define TAR_BLOCK	512
#define TAR_NAME_MAX	100	/* with its NUL */

/* The header of a file of mode 0600; the name is shorter than TAR_NAME_MAX. */
void	tar_header(uint8_t[TAR_BLOCK], const char *name, uint64_t size,
	    int64_t mtime);
/* 1: of an ordinary file, 0: the end, -1: no header, or of something else. */
int	tar_parse(const uint8_t[TAR_BLOCK], char[TAR_NAME_MAX],
	    uint64_t *size);
/* Octets between the end of a file and the next header. */
size_t	tar_padding(uint64_t size);

#endif
