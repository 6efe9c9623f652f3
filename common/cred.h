/* SPDX-License-Identifier: ISC */

/* Who is at the other end of a Unix socket. */

#ifndef CRED_H
#define CRED_H

#include <sys/types.h>

#define CRED_GROUPS	256	/* that are looked at */

struct client_cred {
	uid_t	uid;
	pid_t	pid;			/* 0: not known here */
	int	all_groups;
	size_t	ngroups;		/* first the effective one */
	gid_t	groups[CRED_GROUPS];
};

/* As they were when it connected.  -1 with errno. */
int	client_cred(int, struct client_cred *);

#endif
