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

/* restore_place.c */
#define RESTORE_TMP	"restore.tmp"	/* in the spool */
/* Makes it, empty, for no other restore.  A descriptor that locks it, or -1. */
int	restore_tmp(void);
/* It and all that is in it goes. */
void	restore_clean(void);
/* Is there no spool to be overwritten?  0: said what there is. */
int	restore_place_empty(void);
/* Contents get their names, queue.db last.  -1: said. */
int	restore_into_place(void);

#endif
