/* SPDX-License-Identifier: ISC */

/*
 * Confinement, one call for every platform: user, root directory, resource
 * limits, capabilities, system calls, file system.  What a role needs
 * afterwards, and what not:
 *
 *	ROLE_MTAD	the root parent: sheds nothing but new privileges for
 *			what it does not need to execute
 *	ROLE_RTSD	descriptors that it has or is sent; no file, no
 *			socket, no process
 *	ROLE_SPOOLD	files below its root and below the given directories
 *	ROLE_RESOLVER	look-ups of names, no more
 *	ROLE_CTL	a connected control socket and standard input/output
 *	ROLE_TOP	the same with a terminal; connections are sent to it
 *	ROLE_AGENT	standard input/output; files are made, linked and removed
 *			in the given directories
 */

#ifndef SANDBOX_H
#define SANDBOX_H

#include <stddef.h>

enum sandbox_role {
	ROLE_MTAD, ROLE_RTSD, ROLE_SPOOLD, ROLE_RESOLVER, ROLE_CTL,
	ROLE_AGENT, ROLE_TOP
};

struct sandbox_conf {
	const char	*user;		/* NULL: stay who we are */
	const char	*root;		/* chroot; NULL: none */
	const int	*dirs;		/* ROLE_SPOOLD: directories beside root;
					 * ROLE_AGENT: all that it has */
	size_t		 ndirs;
	int		 unconfined;	/* for development: warn and go on */
};

/*
 * Enters the role for good; there is no way back.  Returns 0, or -1 after a
 * log line that says which step failed: the caller must not go on.  With
 * unconfined nothing is done but to say so.
 */
int	sandbox_enter(enum sandbox_role, const struct sandbox_conf *);

#endif
