/* SPDX-License-Identifier: ISC */

#ifndef AUDIT_LINE_H
#define AUDIT_LINE_H

#include <stddef.h>
#include <stdint.h>

/* A line: its fields point into it. */
struct line {
	char		*text;
	uint64_t	 id, key;
	size_t		 n;
	struct field {
		char	*name, *value;
	}		*field;
};

/* 1: filled in, for line_free(); 0: no line of an audit log.  Or exits. */
int	line_parse(struct line *, const char *text, size_t len);
void	line_free(struct line *);
/* The first field of that name; NULL: there is none. */
const char *line_field(const struct line *, const char *name);

#endif
