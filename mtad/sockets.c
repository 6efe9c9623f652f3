/* SPDX-License-Identifier: ISC */

/*
 * Sockets on behalf of rtsd: listening ones, the control socket, outgoing
 * connections.  Only addresses of the configuration are ever connected to.
 * Names are resolved in a child that is confined and lives for one look-up.
 */

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "mtad.h"
#include "parent.h"
#include "sandbox.h"

#define ATTEMPTS_MAX	1024		/* under way at once */
#define RESULTS_MAX	8		/* addresses of one name */
#define BACKLOG		128

struct attempt {
	TAILQ_ENTRY(attempt)	 entry;
	uint32_t		 assoc;
	struct conf_address	 where;
	unsigned		 timeout;	/* s, for each address */
	struct sockaddr_storage	 ss[RESULTS_MAX];
	unsigned		 n, next;
	int			 fd;		/* pipe or socket, or -1 */
	struct event		*ev;
	pid_t			 resolver;
	char			 why[160];
};

static TAILQ_HEAD(attempts, attempt) attempts =
    TAILQ_HEAD_INITIALIZER(attempts);
static unsigned nattempts;

static void	try_next(struct attempt *);

/* Listening */

static int
listen_on(struct conf_listen *l)
{
	int one = 1;

	l->fd = socket(l->ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0);
	if (l->fd == -1)
		goto bad;
	setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (l->ss.ss_family == AF_INET6)
		setsockopt(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, &one,
		    sizeof(one));
	if (bind(l->fd, (struct sockaddr *)&l->ss, l->ss_len) == -1 ||
	    listen(l->fd, BACKLOG) == -1)
		goto bad;
	return (0);
bad:
	log_warn(EVT_LISTEN, "address=\"%s\"", l->listen.address);
	if (l->fd != -1)
		close(l->fd);
	l->fd = -1;
	return (-1);
}

int
sockets_listen(struct conf *new, struct conf *old)
{
	struct conf_listen *l, *o;
	uint32_t id = 0;

	TAILQ_FOREACH(l, &new->listeners, entry) {
		l->listen.id = ++id;
		if (old != NULL)
			TAILQ_FOREACH(o, &old->listeners, entry)
				if (o->fd != -1 && o->ss_len == l->ss_len &&
				    memcmp(&o->ss, &l->ss, l->ss_len) == 0)
					l->fd = dup(o->fd);
		if (l->fd == -1 && listen_on(l) == -1) {
			TAILQ_FOREACH(l, &new->listeners, entry) {
				if (l->fd != -1)
					close(l->fd);
				l->fd = -1;
			}
			return (-1);
		}
	}
	return (0);
}

/*
 * Is there somebody?  The spoold of an mtad that was killed ends by itself,
 * as soon as what it is writing is on disk.
 */
static int
answers(const struct sockaddr_un *sun)
{
	struct timespec pause = { 0, 100 * 1000000 };
	int i, probe;

	for (i = 0; i < 100; i++) {
		if ((probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC |
		    SOCK_NONBLOCK, 0)) == -1)
			return (1);
		if (connect(probe, (const struct sockaddr *)sun,
		    sizeof(*sun)) == -1 && errno != EAGAIN) {
			close(probe);
			return (0);
		}
		close(probe);
		nanosleep(&pause, NULL);
	}
	return (1);
}

int
sockets_control(struct conf *c)
{
	struct sockaddr_un sun;
	struct group *gr = NULL;
	mode_t old;
	int fd, ret;

	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	if (strlcpy(sun.sun_path, c->control, sizeof(sun.sun_path)) >=
	    sizeof(sun.sun_path)) {
		log_warnx(EVT_CONTROL, "path=\"%s\": longer than a socket's "
		    "name may be", c->control);
		return (-1);
	}
	if (c->control_group[0] != '\0' &&
	    (gr = getgrnam(c->control_group)) == NULL) {
		log_warnx(EVT_CONTROL, ": group \"%s\" does not exist",
		    c->control_group);
		return (-1);
	}
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0)) == -1) {
		log_warn(EVT_CONTROL, ": socket");
		return (-1);
	}
	if (answers(&sun)) {
		log_warnx(EVT_CONTROL, "path=\"%s\": another mtad answers there",
		    c->control);
		close(fd);
		return (-1);
	}
	unlink(c->control);
	old = umask(0117);
	ret = bind(fd, (struct sockaddr *)&sun, sizeof(sun));
	umask(old);
	if (ret == -1 || (gr != NULL && chown(c->control, 0, gr->gr_gid) ==
	    -1) || listen(fd, 16) == -1) {
		log_warn(EVT_CONTROL, "path=\"%s\"", c->control);
		close(fd);
		return (-1);
	}
	return (fd);
}

/* Connecting */

static void
forget(struct attempt *a)
{
	TAILQ_REMOVE(&attempts, a, entry);
	nattempts--;
	if (a->ev != NULL)
		event_free(a->ev);
	if (a->fd != -1)
		close(a->fd);
	if (a->resolver != 0)
		kill(a->resolver, SIGKILL);
	free(a);
}

static void
failed(struct attempt *a)
{
	char text[sizeof(a->why) + CONF_HOST_MAX + 32];

	snprintf(text, sizeof(text), "%s port %s: %s", a->where.host,
	    a->where.port, a->why);
	child_send(CHILD_RTSD, IMSG_CONNECT_FAIL, a->assoc, -1, text,
	    strlen(text));
	forget(a);
}

static socklen_t
length_of(const struct sockaddr_storage *ss)
{
	return (ss->ss_family == AF_INET ? sizeof(struct sockaddr_in) :
	    sizeof(struct sockaddr_in6));
}

static void
numeric(const struct sockaddr_storage *ss, char *buf, size_t len)
{
	char host[64], serv[16];

	if (getnameinfo((const struct sockaddr *)ss, length_of(ss), host,
	    sizeof(host), serv, sizeof(serv), NI_NUMERICHOST |
	    NI_NUMERICSERV) != 0)
		snprintf(buf, len, "?");
	else
		snprintf(buf, len, "%s port %s", host, serv);
}

static void
connected(struct attempt *a)
{
	char text[96];
	int one = 1;
#ifdef TCP_KEEPIDLE
	int idle = 60, interval = 15, count = 4;

	/* A peer whose host is gone is noticed within two minutes. */
	setsockopt(a->fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(a->fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval,
	    sizeof(interval));
	setsockopt(a->fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
#endif
	setsockopt(a->fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	setsockopt(a->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	numeric(&a->ss[a->next - 1], text, sizeof(text));
	child_send(CHILD_RTSD, IMSG_CONNECT_DONE, a->assoc, a->fd, text,
	    strlen(text));
	forget(a);
}

static void
connect_cb(int fd, short what, void *arg)
{
	struct attempt *a = arg;
	socklen_t len = sizeof(int);
	int e = 0;

	if (what & EV_TIMEOUT)
		e = ETIMEDOUT;
	else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &len) == -1)
		e = errno;
	if (e == 0) {
		connected(a);
		return;
	}
	strlcpy(a->why, strerror(e), sizeof(a->why));
	event_free(a->ev);
	a->ev = NULL;
	close(a->fd);
	a->fd = -1;
	try_next(a);
}

static void
try_next(struct attempt *a)
{
	struct timeval tv = { a->timeout, 0 };
	struct sockaddr_storage *ss;

	while (a->next < a->n) {
		ss = &a->ss[a->next++];
		a->fd = socket(ss->ss_family, SOCK_STREAM | SOCK_CLOEXEC |
		    SOCK_NONBLOCK, 0);
		if (a->fd == -1) {
			strlcpy(a->why, strerror(errno), sizeof(a->why));
			continue;
		}
		if (connect(a->fd, (struct sockaddr *)ss,
		    length_of(ss)) == 0) {
			connected(a);
			return;
		}
		if (errno == EINPROGRESS && (a->ev = event_new(base, a->fd,
		    EV_WRITE, connect_cb, a)) != NULL) {
			event_add(a->ev, &tv);
			return;
		}
		strlcpy(a->why, strerror(errno), sizeof(a->why));
		close(a->fd);
		a->fd = -1;
	}
	failed(a);
}

static void
take_results(struct attempt *a, struct addrinfo *res)
{
	struct addrinfo *ai;

	for (ai = res; ai != NULL && a->n < RESULTS_MAX; ai = ai->ai_next)
		if (ai->ai_family == AF_INET || ai->ai_family == AF_INET6)
			memcpy(&a->ss[a->n++], ai->ai_addr, ai->ai_addrlen);
}

/* The child: addresses or an error text go up the pipe. */
static void
resolve(struct attempt *a, int fd)
{
	struct addrinfo hints, *res;
	struct sandbox_conf sc;
	int e;

	/* What answers it gets come from a network. */
	conf_forget_keys(conf);
	memset(&sc, 0, sizeof(sc));
	sc.user = options.rtsd_user;
	sc.unconfined = options.unconfined;
	if (sandbox_enter(ROLE_RESOLVER, &sc) == -1)
		_exit(1);
	memset(&hints, 0, sizeof(hints));
	hints.ai_socktype = SOCK_STREAM;
	hints.ai_flags = AI_ADDRCONFIG;
	e = getaddrinfo(a->where.host, a->where.port, &hints, &res);
	if (e != 0) {
		memset(&a->ss[0], 0, sizeof(a->ss[0]));
		strlcpy((char *)&a->ss[0], gai_strerror(e),
		    sizeof(a->ss[0]));
		if (write(fd, &a->ss[0], sizeof(a->ss[0]) - 1) == -1)
			_exit(1);
		_exit(0);
	}
	take_results(a, res);
	if (write(fd, a->ss, a->n * sizeof(a->ss[0])) == -1)
		_exit(1);
	_exit(0);
}

static void
resolved_cb(int fd, short what, void *arg)
{
	struct attempt *a = arg;
	char buf[sizeof(a->ss)];
	ssize_t n = -1;
	unsigned i;

	if (what & EV_TIMEOUT)
		strlcpy(a->why, "name not resolved in time", sizeof(a->why));
	else {
		n = read(fd, buf, sizeof(buf));
		strlcpy(a->why, "name cannot be resolved", sizeof(a->why));
	}
	event_free(a->ev);
	a->ev = NULL;
	close(a->fd);
	a->fd = -1;
	if (a->resolver != 0 && n <= 0)
		kill(a->resolver, SIGKILL);
	a->resolver = 0;
	if (n == (ssize_t)sizeof(a->ss[0]) - 1) {
		buf[sizeof(a->ss[0]) - 2] = '\0';
		snprintf(a->why, sizeof(a->why), "%.120s", buf);
	} else if (n > 0 && n % sizeof(a->ss[0]) == 0) {
		a->n = n / sizeof(a->ss[0]);
		memcpy(a->ss, buf, n);
		for (i = 0; i < a->n; i++)
			if (a->ss[i].ss_family != AF_INET &&
			    a->ss[i].ss_family != AF_INET6)
				a->n = i;
	}
	try_next(a);
}

static void
look_up(struct attempt *a)
{
	struct timeval tv = { 30, 0 };
	int p[2];

	if (pipe2(p, O_CLOEXEC) == -1) {
		strlcpy(a->why, strerror(errno), sizeof(a->why));
		failed(a);
		return;
	}
	switch (a->resolver = fork()) {
	case -1:
		a->resolver = 0;
		strlcpy(a->why, strerror(errno), sizeof(a->why));
		close(p[0]);
		close(p[1]);
		failed(a);
		return;
	case 0:
		dup2(p[1], PROC_FD);
		closefrom(PROC_FD + 1);
		resolve(a, PROC_FD);
	}
	close(p[1]);
	a->fd = p[0];
	if ((a->ev = event_new(base, a->fd, EV_READ, resolved_cb, a)) == NULL)
		fatalx("out of memory");
	event_add(a->ev, &tv);
}

void
sockets_connect(uint32_t assoc, const struct conf_peer *p, uint32_t address)
{
	struct addrinfo hints, *res;
	struct attempt *a;

	if (nattempts >= ATTEMPTS_MAX || (a = calloc(1, sizeof(*a))) == NULL) {
		child_send(CHILD_RTSD, IMSG_CONNECT_FAIL, assoc, -1,
		    "too many connections under way", 30);
		return;
	}
	a->assoc = assoc;
	a->where = p->address[address];
	a->timeout = p->peer.open_timeout;
	a->fd = -1;
	TAILQ_INSERT_TAIL(&attempts, a, entry);
	nattempts++;
	memset(&hints, 0, sizeof(hints));
	hints.ai_socktype = SOCK_STREAM;
	hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
	if (getaddrinfo(a->where.host, a->where.port, &hints, &res) == 0) {
		take_results(a, res);
		freeaddrinfo(res);
		try_next(a);
	} else
		look_up(a);
}

void
sockets_cancel(uint32_t assoc)
{
	struct attempt *a;

	TAILQ_FOREACH(a, &attempts, entry)
		if (a->assoc == assoc) {
			forget(a);
			return;
		}
}

void
sockets_cancel_all(void)
{
	struct attempt *a;

	while ((a = TAILQ_FIRST(&attempts)) != NULL)
		forget(a);
}

int
sockets_reap(pid_t pid)
{
	struct attempt *a;

	TAILQ_FOREACH(a, &attempts, entry)
		if (a->resolver == pid) {
			a->resolver = 0;
			return (1);
		}
	return (0);
}
