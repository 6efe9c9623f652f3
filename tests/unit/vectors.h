/* SPDX-License-Identifier: ISC */

/* Captured octets (tests/vectors) and other help for tests of decoders. */

#ifndef TEST_VECTORS_H
#define TEST_VECTORS_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * A file below tests/vectors in a buffer of just its size, so that a read
 * behind its end is seen.  The caller frees.
 */
static inline uint8_t *
vector_read(const char *name, size_t *len)
{
	char	 path[1024];
	uint8_t	*p;
	FILE	*fp;
	long	 size;

	snprintf(path, sizeof(path), "%s/%s", TEST_VECTORS, name);
	if ((fp = fopen(path, "rb")) == NULL || fseek(fp, 0, SEEK_END) != 0 ||
	    (size = ftell(fp)) < 0) {
		fprintf(stderr, "cannot read %s\n", path);
		abort();
	}
	rewind(fp);
	if ((p = malloc(size > 0 ? size : 1)) == NULL ||
	    fread(p, 1, size, fp) != (size_t)size)
		abort();
	fclose(fp);
	*len = size;
	return p;
}

/* Octets of a string of hexadecimal digits; blanks are ignored. */
static inline uint8_t *
hex_octets(const char *hex, size_t *len)
{
	uint8_t		*p = malloc(strlen(hex) / 2 + 1), *q;
	unsigned int	 c;
	int		 n;

	*len = 0;
	while (sscanf(hex, " %2x%n", &c, &n) == 1) {
		p[(*len)++] = c;
		hex += n;
	}
	q = malloc(*len > 0 ? *len : 1);
	memcpy(q, p, *len);
	free(p);
	return q;
}

/* A small generator of its own: the same numbers on every platform. */
static inline uint32_t
test_random(uint64_t *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return *state >> 33;
}

#endif
