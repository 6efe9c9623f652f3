/* SPDX-License-Identifier: ISC */

/*
 * Delivery into a Maildir: what is in new/ is whole and on the disk.  The name
 * of a message comes from its identifier, so that it is there once however
 * often it is delivered.
 */

#ifndef MAILDIR_H
#define MAILDIR_H

#include <stdint.h>
#include <stdio.h>

enum maildir_dir { MAILDIR_TMP, MAILDIR_NEW, MAILDIR_CUR, MAILDIR_DIRS };

struct maildir {
	int	 dir[MAILDIR_DIRS];
	char	 name[256];		/* in new/ */
	char	 temporary[288];	/* in tmp/ */
	FILE	*f;
};

/* What a delivery agent shares with its report. */
struct agent {
	const char	*domain;	/* of O/R addresses as local parts */
	const char	*message_id;
	int64_t		 arrival;	/* seconds */
	int64_t		 subject_arrival;	/* of what a report is about */
	int		 has_subject_arrival;
};

/*
 * Opens the directories and makes those that are missing.  -1 with errno.
 */
int	maildir_open(struct maildir *, const char *path);
/* The name of the message, from its identifier and time. */
void	maildir_name(struct maildir *, const char *id, int64_t seconds,
	    const char *host);
/* Was it delivered before?  1, 0, -1 with errno. */
int	maildir_has(const struct maildir *, const char *id);
/* A file in tmp/ to write to, maildir.f.  -1 with errno. */
int	maildir_begin(struct maildir *);
/*
 * Syncs the file and gives it its name in new/.  0 also when there is one of
 * that name.  -1 with errno: nothing was delivered.
 */
int	maildir_commit(struct maildir *);
/* Removes the file in tmp/. */
void	maildir_abort(struct maildir *);
/*
 * Standard input in memory: mapped when it is a file, else by way of a file in
 * tmp/ that has no name.  -1 with errno.
 */
int	maildir_input(const struct maildir *, const uint8_t **, size_t *);

/* report.c */

/* What a report is made of. */
struct report {
	const char	*text;
	size_t		 len;
	const uint8_t	*returned;	/* content of its subject */
	size_t		 returned_len;	/* 0: it was not returned */
};
/* A report as a delivery status notification.  -1: no memory. */
int	report_write(const struct agent *, const struct report *, FILE *);

#endif
