/* SPDX-License-Identifier: ISC */

/*
 * Tables for people: columns as wide as what stands in them, and amounts in
 * few characters.
 */

#ifndef TABLE_H
#define TABLE_H

#include <stdint.h>
#include <stdio.h>

#define TABLE_COLUMNS	16

struct table {
	FILE	*f;
	int	 ncolumns;
	int	 width[TABLE_COLUMNS];
	int	 right[TABLE_COLUMNS];
	char	**cell;		/* row by row */
	size_t	 ncells, size;
};

/*
 * headings: separated by commas; one that begins with '>' is of a column
 * aligned to the right.
 */
void	table_begin(struct table *, FILE *, const char *headings);
/* The next cell, left to right; what is not printable ASCII is '?'. */
void	table_text(struct table *, const char *);
void	table_number(struct table *, uint64_t);
void	table_id(struct table *, uint64_t);
void	table_size(struct table *, uint64_t octets);
void	table_age(struct table *, uint64_t seconds);
/* Prints what there is and frees it. */
void	table_end(struct table *);

/* "20.5 MB" (1024), "2h05m"; into the buffer, which is returned. */
#define AMOUNT_LEN	24
char	*size_text(char [AMOUNT_LEN], uint64_t octets);
char	*age_text(char [AMOUNT_LEN], uint64_t seconds);

#endif
