/* SPDX-License-Identifier: ISC */

/*
 * mtad.conf: who watches.  Sockets that metrics are asked for on, which only
 * this host can reach, and the marks of alarms.
 */

#include <sys/un.h>

#include <netinet/in.h>

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "parse_int.h"

/* A path, or a numeric address. */
static int
set_unix(const struct place *p, struct conf_metrics *m, const char *path)
{
	struct sockaddr_un	sun;

	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	if (strlcpy(sun.sun_path, path, sizeof(sun.sun_path)) >=
	    sizeof(sun.sun_path)) {
		conf_error(p, "metrics listen on: longer than a socket's "
		    "name may be");
		return (-1);
	}
	memcpy(&m->ss, &sun, sizeof(sun));
	m->ss_len = sizeof(sun);
	return (0);
}

static int
is_loopback(const struct sockaddr *sa)
{
	const struct sockaddr_in	*in = (const void *)sa;
	const struct sockaddr_in6	*in6 = (const void *)sa;

	if (sa->sa_family == AF_INET)
		return (ntohl(in->sin_addr.s_addr) >> 24 == 127);
	return (sa->sa_family == AF_INET6 &&
	    IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr));
}

static int
set_inet(const struct place *p, struct conf_metrics *m, const char *host,
    const struct place *pp, uint64_t port)
{
	struct addrinfo	hints, *res = NULL;
	char		serv[24];
	int		ok;

#ifdef __OpenBSD__
	conf_error(p, "metrics listen on: spoold is pledged to Unix sockets; "
	    "a path was expected");
	return (-1);
#endif
	if (port < 1 || port > 65535) {
		conf_error(pp == NULL ? p : pp, "metrics listen on: a port "
		    "from 1 to 65535 was expected");
		return (-1);
	}
	memset(&hints, 0, sizeof(hints));
	hints.ai_socktype = SOCK_STREAM;
	hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
	snprintf(serv, sizeof(serv), "%llu", (unsigned long long)port);
	ok = getaddrinfo(host, serv, &hints, &res) == 0 &&
	    is_loopback(res->ai_addr);
	if (ok) {
		memcpy(&m->ss, res->ai_addr, res->ai_addrlen);
		m->ss_len = res->ai_addrlen;
	} else
		conf_error(p, "metrics listen on \"%.80s\": 127.0.0.1, ::1 or "
		    "the path of a socket was expected", host);
	if (res != NULL)
		freeaddrinfo(res);
	return (ok ? 0 : -1);
}

void
add_metrics(const struct place *p, const char *where, const struct place *pp,
    uint64_t port, const char *group)
{
	struct conf_metrics	*m, *other;
	int			 n = 0, r;

	if ((m = calloc(1, sizeof(*m))) == NULL)
		fatalx("out of memory");
	m->fd = -1;
	if (where[0] == '/' && pp != NULL && group == NULL) {
		conf_error(pp, "metrics listen on: a socket with a path has "
		    "no port");
		r = -1;
	} else if (where[0] == '/')
		r = set_unix(p, m, where);
	else if (group != NULL) {
		conf_error(pp, "metrics listen on: a group is for a socket "
		    "with a path");
		r = -1;
	} else
		r = set_inet(p, m, where, pp, port);
	TAILQ_FOREACH(other, &conf_now->metrics, entry) {
		n++;
		if (r == 0 && other->ss_len == m->ss_len &&
		    memcmp(&other->ss, &m->ss, m->ss_len) == 0) {
			conf_error(p, "metrics listen on: a second time");
			r = -1;
		}
	}
	if (r == 0 && n == METRICS_LISTEN_MAX) {
		conf_error(p, "metrics listen on: more than %d of them",
		    METRICS_LISTEN_MAX);
		r = -1;
	}
	if (r == -1) {
		free(m);
		return;
	}
	set_string(p, m->address, sizeof(m->address), "address", where);
	if (group != NULL)
		set_string(pp, m->group, sizeof(m->group), "group", group);
	TAILQ_INSERT_TAIL(&conf_now->metrics, m, entry);
}

/* The mark, and where it is over: below it. */
static void
set_marks(const char *what, uint32_t *mark, uint32_t *over,
    const struct place *p, uint64_t v, const struct place *pc, uint64_t clear,
    uint32_t max)
{
	set_number(p, mark, v, 0, max, what);
	if (clear == ALARM_HALF)
		clear = v / 2;
	if (v != 0 && clear >= v)
		conf_error(pc, "%s: clear: less than the mark was expected",
		    what);
	*over = (uint32_t)clear;
}

void
set_alarm_queue(struct conf_peer *peer, const struct place *p, uint64_t v,
    const struct place *pc, uint64_t clear)
{
	struct peer_conf	*c = ladder_of(peer, p);

	set_marks("alarm queue", &c->alarm_queue, &c->alarm_queue_clear, p, v,
	    pc, clear, 1000000000);
}

void
set_alarm_age(struct conf_peer *peer, const struct place *p, uint64_t v,
    const struct place *pc, uint64_t clear)
{
	struct peer_conf	*c = ladder_of(peer, p);

	set_marks("alarm age", &c->alarm_age, &c->alarm_age_clear, p, v, pc,
	    clear, 30 * 86400);
}

void
set_alarm_space(const struct place *p, uint64_t v, uint64_t clear)
{
	if (clear < v)
		conf_error(p, "alarm space: clear: more than the mark was "
		    "expected");
	conf_now->mta.alarm_space = v;
	/* without a mark of its own a sixteenth more */
	conf_now->mta.alarm_space_clear = clear > v ? clear : v + v / 16;
}
