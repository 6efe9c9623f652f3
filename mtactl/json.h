/* SPDX-License-Identifier: ISC */

/*
 * Writes JSON (RFC 8259) in the order of the calls.  key is NULL in an array
 * and at the top.
 */

#ifndef JSON_H
#define JSON_H

#include <stdint.h>
#include <stdio.h>

#define JSON_DEPTH	512

struct json {
	FILE	*f;
	int	 depth;
	int	 filled[JSON_DEPTH];	/* has a member already */
	int	 rows;			/* depth whose members have a line */
};

void	json_begin(struct json *, FILE *);
void	json_object(struct json *, const char *key);
void	json_array(struct json *, const char *key);
void	json_close(struct json *, char bracket);	/* ']' or '}' */
/* Text of any octets; what is not UTF-8 is taken for Latin-1. */
void	json_string(struct json *, const char *key, const char *);
void	json_uint(struct json *, const char *key, uint64_t);
/* With one digit behind the point. */
void	json_decimal(struct json *, const char *key, double);
void	json_bool(struct json *, const char *key, int);
void	json_null(struct json *, const char *key);
/* An id as mtactl prints and takes it. */
void	json_id(struct json *, const char *key, uint64_t);
/* A newline after the last bracket. */
void	json_end(struct json *);

#endif
