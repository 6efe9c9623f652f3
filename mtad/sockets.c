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

#include "cred.h"
#include "log.h"
#include "mtad.h"
#include "parent.h"

#define ATTEMPTS_MAX	1024		/* under way at once */
#define RESOLVERS_MAX	32		/* look-ups at once */
#define LOOK_UP_TIME	30		/* s */
#define REMEMBERED_MAX	1024		/* names whose addresses we keep */
#define REMEMBERED_TIME	86400		/* s that they are of use */
#define BACKLOG		1024
#define CONTROL_BACKLOG	16

struct attempt {
	TAILQ_ENTRY(attempt)	 entry;
	uint32_t		 assoc;
	struct conf_address	 where;
	unsigned		 timeout;	/* s, for each address */
	struct sockaddr_storage	 ss[RESOLVED_MAX];
	unsigned		 n, next;
	int			 fd;		/* pipe or socket, or -1 */
	struct event		*ev;
	pid_t			 resolver;
	int			 looks_up;	/* counted as such */
	int			 waits;		/* for others to be done */
	char			 why[160];
};

static TAILQ_HEAD(attempts, attempt) attempts =
    TAILQ_HEAD_INITIALIZER(attempts);
static unsigned nattempts, nresolvers;

/* What a name stood for when it was last found. */
struct remembered {
	TAILQ_ENTRY(remembered)	 entry;
	struct conf_address	 where;
	struct sockaddr_storage	 ss[RESOLVED_MAX];
	unsigned		 n;
	time_t			 since;
};
static TAILQ_HEAD(remembered_list, remembered) remembered =
    TAILQ_HEAD_INITIALIZER(remembered);
static unsigned nremembered;

static void	try_next(struct attempt *);
static void	look_up_waiting(void);

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
 * as soon as what it is writing is on disk; one whose mtad lives, for that
 * is who listened, is not worth waiting for.
 */
static int
answers(const struct sockaddr_un *sun, pid_t *who)
{
	struct timespec pause = { 0, 100 * 1000000 };
	struct client_cred cred;
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
		*who = client_cred(probe, &cred) == 0 ? cred.pid : 0;
		close(probe);
		if (*who > 0 && (kill(*who, 0) == 0 || errno != ESRCH))
			return (1);
		nanosleep(&pause, NULL);
	}
	return (1);
}

int
sockets_control(struct conf *c, struct control_conf *cc)
{
	struct sockaddr_un sun;
	struct group *gr = NULL;
	mode_t old;
	pid_t who = 0;
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
	if (answers(&sun, &who)) {
		if (who > 0 && kill(who, 0) == -1 && errno == ESRCH)
			log_warnx(EVT_CONTROL, "path=\"%s\": the spoold of "
			    "an mtad that was killed is still there",
			    c->control);
		else
			log_warnx(EVT_CONTROL, "path=\"%s\" pid=%d: another "
			    "mtad answers there", c->control, (int)who);
		close(fd);
		return (-1);
	}
	unlink(c->control);
	old = umask(gr != NULL ? 0117 : 0177);
	ret = bind(fd, (struct sockaddr *)&sun, sizeof(sun));
	umask(old);
	cc->uid = geteuid();
	cc->has_group = gr != NULL;
	cc->gid = gr != NULL ? gr->gr_gid : 0;
	if (ret == -1 || (gr != NULL && chown(c->control, -1, gr->gr_gid) ==
	    -1) || listen(fd, CONTROL_BACKLOG) == -1) {
		log_warn(EVT_CONTROL, "path=\"%s\"", c->control);
		close(fd);
		return (-1);
	}
	return (fd);
}

/* It is known by the process that listened last: see answers(). */
void
sockets_control_own(int fd)
{
	if (listen(fd, CONTROL_BACKLOG) == -1)
		log_warn(EVT_CONTROL, ": listen");
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
	if (a->looks_up)
		nresolvers--;
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

	for (ai = res; ai != NULL && a->n < RESOLVED_MAX; ai = ai->ai_next)
		if (ai->ai_family == AF_INET || ai->ai_family == AF_INET6)
			memcpy(&a->ss[a->n++], ai->ai_addr, ai->ai_addrlen);
}

void
sockets_sources(const struct conf_peer *p)
{
	struct addrinfo hints, *res;
	struct source_conf sc;
	unsigned i;

	memset(&hints, 0, sizeof(hints));
	hints.ai_socktype = SOCK_STREAM;
	hints.ai_flags = AI_NUMERICHOST;
	for (i = 0; i < p->peer.naddress; i++) {
		if (getaddrinfo(p->address[i].host, NULL, &hints, &res) != 0)
			continue;
		memset(&sc, 0, sizeof(sc));
		sc.family = res->ai_family;
		if (res->ai_family == AF_INET6)
			memcpy(sc.address, &((struct sockaddr_in6 *)
			    (void *)res->ai_addr)->sin6_addr, 16);
		else
			memcpy(sc.address, &((struct sockaddr_in *)
			    (void *)res->ai_addr)->sin_addr, 4);
		freeaddrinfo(res);
		child_send(CHILD_RTSD, IMSG_CONF_SOURCE, 0, -1, &sc,
		    sizeof(sc));
	}
}

/* A name that was found once is not lost with its server. */

static struct remembered *
recall(const struct conf_address *where)
{
	struct remembered *r;

	TAILQ_FOREACH(r, &remembered, entry)
		if (strcmp(r->where.host, where->host) == 0 &&
		    strcmp(r->where.port, where->port) == 0)
			return (r);
	return (NULL);
}

static void
remember(const struct attempt *a)
{
	struct remembered *r;

	if ((r = recall(&a->where)) != NULL)
		TAILQ_REMOVE(&remembered, r, entry);
	else if (nremembered >= REMEMBERED_MAX) {
		r = TAILQ_LAST(&remembered, remembered_list);
		TAILQ_REMOVE(&remembered, r, entry);
	} else if ((r = calloc(1, sizeof(*r))) == NULL)
		return;
	else
		nremembered++;
	r->where = a->where;
	memcpy(r->ss, a->ss, sizeof(r->ss));
	r->n = a->n;
	r->since = time(NULL);
	TAILQ_INSERT_HEAD(&remembered, r, entry);
}

static void
not_found(struct attempt *a)
{
	const struct remembered *r;
	time_t age;

	if ((r = recall(&a->where)) == NULL)
		return;
	age = time(NULL) - r->since;
	if (age < 0 || age > REMEMBERED_TIME)
		return;
	log_warnx(EVT_NAME_OLD, "host=\"%s\" seconds=%lld: %s",
	    a->where.host, (long long)age, a->why);
	memcpy(a->ss, r->ss, sizeof(a->ss));
	a->n = r->n;
}

/* The child: addresses or an error text go up the pipe. */
static void
resolve(struct attempt *a, int fd)
{
	static char *const env[] = { (char *)(uintptr_t)"PATH=/usr/bin:/bin",
	    NULL };
	char *argv[10];
	int n = 1;

	/* nothing of the configuration is left there */
	argv[n++] = (char *)(uintptr_t)"-r";
	if (options.debug)
		argv[n++] = (char *)(uintptr_t)"-d";
	if (options.unconfined)
		argv[n++] = (char *)(uintptr_t)"-u";
	argv[n++] = (char *)(uintptr_t)"-U";
	argv[n++] = (char *)(uintptr_t)options.rtsd_user;
	argv[n++] = (char *)(uintptr_t)"--";
	argv[n++] = a->where.host;
	argv[n++] = a->where.port;
	argv[n] = NULL;
	if (fd != PROC_FD) {
		if (dup2(fd, PROC_FD) == -1)
			_exit(127);
	} else if (fcntl(fd, F_SETFD, 0) == -1)
		_exit(127);
	child_execute(CHILD_RTSD, argv, env);
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
	a->looks_up = 0;
	nresolvers--;
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
	if (a->n > 0)
		remember(a);
	else
		not_found(a);
	try_next(a);
	look_up_waiting();
}

static void
look_up(struct attempt *a)
{
	struct timeval tv = { LOOK_UP_TIME, 0 };
	int p[2];

	if (nresolvers >= RESOLVERS_MAX) {
		a->waits = 1;
		return;
	}
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
		resolve(a, p[1]);
	}
	close(p[1]);
	a->looks_up = 1;
	nresolvers++;
	a->fd = p[0];
	if ((a->ev = event_new(base, a->fd, EV_READ, resolved_cb, a)) == NULL)
		fatalx("out of memory");
	event_add(a->ev, &tv);
}

/* Those that there was no room for. */
static void
look_up_waiting(void)
{
	struct attempt *a, *next;

	for (a = TAILQ_FIRST(&attempts); a != NULL && nresolvers <
	    RESOLVERS_MAX; a = next) {
		next = TAILQ_NEXT(a, entry);
		if (a->waits) {
			a->waits = 0;
			look_up(a);
		}
	}
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
			look_up_waiting();
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
