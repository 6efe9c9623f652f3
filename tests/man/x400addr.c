/* SPDX-License-Identifier: ISC */

/*
 * For test_x400addr.py: parses the address of each line of standard input,
 * as or_address_parse() does, and prints it in both forms and which line
 * before it is the same one, or why it is none:
 *
 *	ok <tab> /form/ <tab> form; form <tab> 3
 *	no <tab> offset <tab> why
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "envelope.h"

#define LINES_MAX	512

int
main(void)
{
	static struct or_address	or[LINES_MAX];
	static char			line[8192];
	char				slash[8192], semicolon[8192];
	struct message			*m = message_new();
	const char			*why;
	size_t				 n, i, where;

	for (n = 0; n < LINES_MAX && fgets(line, sizeof(line), stdin) != NULL;
	    n++) {
		line[strcspn(line, "\n")] = '\0';
		if (m == NULL || or_address_parse(m, &or[n], line, &where,
		    &why) == -1) {
			printf("no\t%zu\t%s\n", where, why);
			continue;
		}
		or_address_print(&or[n], slash, sizeof(slash), 0);
		or_address_print(&or[n], semicolon, sizeof(semicolon), 1);
		for (i = 0; i < n; i++)
			if (or[i].nattr > 0 && or_address_compare(&or[i],
			    &or[n]) == 0)
				break;
		printf("ok\t%s\t%s\t%zu\n", slash, semicolon, i);
	}
	message_free(m);
	return (0);
}
