/* SPDX-License-Identifier: ISC */

#ifndef RESTORE_H
#define RESTORE_H

struct restore_options {
	int		 check;		/* change nothing */
	int		 as_it_was;	/* nothing is held for its age */
	const char	*audit;		/* directory of the audit log, or "" */
	const char	*mta;		/* whose archive it has to be, or "" */
};
/*
 * Takes an archive from a descriptor into a spool that is empty.  0: it is
 * there, or good; -1: said why, and there is what there was.  Ids of messages
 * that are held go to standard output, one a line.
 */
int	restore(const char *dir, int fd, const struct restore_options *);

#endif
