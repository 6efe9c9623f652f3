/* SPDX-License-Identifier: ISC */

/* Headers of tar archives: POSIX.1, pax, ustar Interchange Format. */

#include <stdio.h>
#include <string.h>

#include "tar.h"

/* Where fields are, and how long. */
enum {
	NAME = 0, MODE = 100, UID = 108, GID = 116, SIZE = 124, MTIME = 136,
	SUM = 148, TYPE = 156, MAGIC = 257, PREFIX = 345
};
#define SIZE_LEN	12
#define SUM_LEN		8
#define OCTAL_MAX	077777777777ULL	/* of 11 digits */

static unsigned
sum(const uint8_t *h)
{
	unsigned	s = 0;
	int		i;

	for (i = 0; i < TAR_BLOCK; i++)
		s += i >= SUM && i < SUM + SUM_LEN ? ' ' : h[i];
	return (s);
}

static void
octal(uint8_t *h, int at, int len, uint64_t v)
{
	int	i;

	for (i = len - 2; i >= 0; i--, v >>= 3)
		h[at + i] = '0' + (v & 7);
}

static void
put_number(uint8_t *h, int at, uint64_t v)
{
	int	i;

	if (v <= OCTAL_MAX) {
		octal(h, at, SIZE_LEN, v);
		return;
	}
	memset(h + at, 0, SIZE_LEN);
	for (i = SIZE_LEN - 1; v > 0; i--, v >>= 8)
		h[at + i] = v & 0xff;
	h[at] = 0x80;
}

static int
get_number(const uint8_t *h, int at, int len, uint64_t *v)
{
	int	i;

	*v = 0;
	if (h[at] == 0x80) {
		for (i = 1; i < len; i++) {
			if (*v >> 55)
				return (-1);
			*v = *v << 8 | h[at + i];
		}
		return (0);
	}
	for (i = 0; i < len && h[at + i] == ' '; i++)
		;
	for (; i < len && h[at + i] >= '0' && h[at + i] <= '7'; i++)
		*v = *v << 3 | (h[at + i] - '0');
	return (i == len || h[at + i] == ' ' || h[at + i] == '\0' ? 0 : -1);
}

void
tar_header(uint8_t h[TAR_BLOCK], const char *name, uint64_t size,
    int64_t mtime)
{
	memset(h, 0, TAR_BLOCK);
	snprintf((char *)h + NAME, TAR_NAME_MAX, "%s", name);
	octal(h, MODE, 8, 0600);
	octal(h, UID, 8, 0);
	octal(h, GID, 8, 0);
	put_number(h, SIZE, size);
	put_number(h, MTIME, mtime > 0 ? (uint64_t)mtime : 0);
	h[TYPE] = '0';
	memcpy(h + MAGIC, "ustar\00000", 8);
	octal(h, SUM, SUM_LEN - 1, sum(h));
	h[SUM + SUM_LEN - 1] = ' ';
}

int
tar_parse(const uint8_t h[TAR_BLOCK], char name[TAR_NAME_MAX], uint64_t *size)
{
	uint64_t	v;
	int		i;

	for (i = 0; i < TAR_BLOCK && h[i] == 0; i++)
		;
	if (i == TAR_BLOCK)
		return (0);
	if (get_number(h, SUM, SUM_LEN, &v) == -1 || v != sum(h) ||
	    memcmp(h + MAGIC, "ustar", 5) != 0 ||
	    (h[TYPE] != '0' && h[TYPE] != '\0') || h[PREFIX] != '\0' ||
	    memchr(h + NAME, '\0', TAR_NAME_MAX) == NULL ||
	    get_number(h, SIZE, SIZE_LEN, size) == -1)
		return (-1);
	memcpy(name, h + NAME, TAR_NAME_MAX);
	return (1);
}

size_t
tar_padding(uint64_t size)
{
	return ((size_t)((TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK));
}
