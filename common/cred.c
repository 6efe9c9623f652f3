/* SPDX-License-Identifier: ISC */

/* See cred.h.  Systems without a list of groups tell the effective one. */

#include <sys/socket.h>
#include <sys/types.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cred.h"

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS	59	/* Linux 4.13 */
#endif

int
client_cred(int s, struct client_cred *c)
{
#ifdef __linux__
	struct ucred uc;
	socklen_t len = sizeof(uc);

	memset(c, 0, sizeof(*c));
	if (getsockopt(s, SOL_SOCKET, SO_PEERCRED, &uc, &len) == -1)
		return (-1);
	c->uid = uc.uid;
	c->pid = uc.pid;
	c->groups[0] = uc.gid;
	c->ngroups = 1;
	len = sizeof(c->groups) - sizeof(c->groups[0]);
	if (getsockopt(s, SOL_SOCKET, SO_PEERGROUPS, c->groups + 1,
	    &len) == 0) {
		c->ngroups += len / sizeof(c->groups[0]);
		c->all_groups = 1;
	} else if (errno != ERANGE && errno != ENOPROTOOPT)
		return (-1);
	return (0);
#else
	memset(c, 0, sizeof(*c));
	if (getpeereid(s, &c->uid, &c->groups[0]) == -1)
		return (-1);
	c->ngroups = 1;
	return (0);
#endif
}
