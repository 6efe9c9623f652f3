/* SPDX-License-Identifier: ISC */

/*
 * One look-up of a name, for mtad: a process of its own that has nothing of
 * the configuration, is confined to what a look-up needs, writes what it
 * found to PROC_FD and ends.  What it reads comes from a network.
 */

#include <sys/socket.h>

#include <netdb.h>

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "rtsd.h"
#include "sandbox.h"

/* Either addresses, or a text that is shorter than one by an octet. */
static int
answer(const void *p, size_t len)
{
	return (write(PROC_FD, p, len) == (ssize_t)len ? 0 : 1);
}

int
resolve(const char *host, const char *port, const char *user,
    int is_unconfined)
{
	struct sockaddr_storage ss[RESOLVED_MAX];
	struct addrinfo hints, *res, *ai;
	struct sandbox_conf sc;
	size_t n = 0;
	int e;

	memset(&sc, 0, sizeof(sc));
	sc.user = user;
	sc.unconfined = is_unconfined;
	if (sandbox_enter(ROLE_RESOLVER, &sc) == -1)
		fatalx("cannot confine myself, so I do not run");
	memset(&hints, 0, sizeof(hints));
	memset(ss, 0, sizeof(ss));
	hints.ai_socktype = SOCK_STREAM;
	hints.ai_flags = AI_ADDRCONFIG;
	if ((e = getaddrinfo(host, port, &hints, &res)) != 0) {
		strlcpy((char *)ss, gai_strerror(e), sizeof(ss[0]) - 1);
		return (answer(ss, sizeof(ss[0]) - 1));
	}
	for (ai = res; ai != NULL && n < RESOLVED_MAX; ai = ai->ai_next)
		if ((ai->ai_family == AF_INET || ai->ai_family == AF_INET6) &&
		    ai->ai_addrlen <= sizeof(ss[0]))
			memcpy(&ss[n++], ai->ai_addr, ai->ai_addrlen);
	return (answer(ss, n * sizeof(ss[0])));
}
