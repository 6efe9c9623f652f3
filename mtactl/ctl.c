/* SPDX-License-Identifier: ISC */

/*
 * The client side of the control socket (control.h).
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "mtactl.h"
#include "sandbox.h"

/* Octets that may wait for the socket before more are made. */
#define QUEUE_MAX	(4 * FRAGMENT_MAX)

static const char *
advice(int error)
{
	switch (error) {
	case ENOENT:
	case ECONNREFUSED:
		return (": is mtad running?");
	case EACCES:
	case EPERM:
		return (": root may, and the group of \"control\" in "
		    "mtad.conf");
	default:
		return ("");
	}
}

/* "Connection refused" within a sentence. */
static const char *
reason(int error)
{
	static char buf[128];

	strlcpy(buf, strerror(error), sizeof(buf));
	if (isupper((unsigned char)buf[0]) && !isupper((unsigned char)buf[1]))
		buf[0] = tolower((unsigned char)buf[0]);
	return (buf);
}

static int pipe_ends;

static void
sigpipe(int ends)
{
	static int now = -1;

	if (now != ends)
		signal(SIGPIPE, ends ? SIG_DFL : SIG_IGN);
	now = ends;
}

void
ctl_pipe_ends(int ends)
{
	pipe_ends = ends;
	sigpipe(ends);
}

/* What is at that path, when it does not answer. */
static const char *
no_socket(const char *path, int error)
{
	struct stat sb;

	if (path[0] == '\0')
		return ("the path of a socket was expected");
	if (error == ECONNREFUSED && stat(path, &sb) == 0 &&
	    !S_ISSOCK(sb.st_mode))
		return ("not a socket: -s is for the control socket of mtad");
	return (NULL);
}

void
ctl_confine(void)
{
	struct sandbox_conf sc;

	memset(&sc, 0, sizeof(sc));
	if (sandbox_enter(ROLE_CTL, &sc) == -1)
		exit(1);
}

void
ctl_open(struct ctl *c, const char *path)
{
	ctl_connect(c, path);
	ctl_confine();
}

void
ctl_connect(struct ctl *c, const char *path)
{
	const char *why;
	struct sockaddr_un sun;
	int fd, error;

	sigpipe(0);
	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	if (strlcpy(sun.sun_path, path, sizeof(sun.sun_path)) >=
	    sizeof(sun.sun_path))
		errx(1, "%s: name too long for a socket", path);
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		err(1, "socket");
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1) {
		error = errno;
		if ((why = no_socket(path, error)) != NULL)
			errx(1, "%s: %s", path[0] != '\0' ? path : "-s", why);
		errx(1, "%s: %s%s", path, reason(error), advice(error));
	}
	c->path = path;
	c->may_fail = 0;
	if (imsgbuf_init(&c->ibuf, fd) == -1 ||
	    imsgbuf_set_maxsize(&c->ibuf, IMSG_MAX) == -1)
		err(1, NULL);
}

void
ctl_send(struct ctl *c, uint32_t type, const void *data, size_t len)
{
	sigpipe(0);
	if (imsg_compose(&c->ibuf, type, 0, 0, -1, data, len) == -1)
		err(1, "%s", c->path);
}

/* spoold's own words. */
static void __attribute__((noreturn))
failed(struct imsg *imsg)
{
	char why[512], *s;
	size_t len = imsg_get_len(imsg);

	if (len >= sizeof(why))
		len = sizeof(why) - 1;
	memcpy(why, ibuf_data(&imsg->body), len);
	why[len] = '\0';
	for (s = why; *s != '\0'; s++)
		if (*s < ' ' || *s > '~')
			*s = '?';
	errx(1, "%s", why[0] != '\0' ? why : "refused without a reason");
}

/* Returns 1 when imsg is there. */
static int
get(struct ctl *c, struct imsg *imsg)
{
	int n;

	if ((n = imsgbuf_get(&c->ibuf, imsg)) == -1)
		errx(1, "%s: what answers there is not mtad", c->path);
	if (n == 1 && imsg_get_type(imsg) == CTL_FAIL && !c->may_fail)
		failed(imsg);
	return (n);
}

static void __attribute__((noreturn))
lost(struct ctl *c, int error)
{
	errx(1, "%s: mtad closed the connection%s%s: see its log", c->path,
	    error != 0 ? ": " : "", error != 0 ? reason(error) : "");
}

static int
wait_for(struct ctl *c, int events)
{
	struct pollfd pfd;

	pfd.fd = c->ibuf.fd;
	pfd.events = events;
	while (poll(&pfd, 1, -1) == -1)
		if (errno != EINTR)
			err(1, "poll");
	return (pfd.revents);
}

uint32_t
ctl_next(struct ctl *c, struct imsg *imsg, int (*more)(struct ctl *, void *),
    void *arg)
{
	int r, ready, saved;

	while (get(c, imsg) == 0) {
		while (more != NULL &&
		    imsgbuf_queued_bytes(&c->ibuf) < QUEUE_MAX)
			if (more(c, arg) == 0)
				more = NULL;
		ready = wait_for(c, POLLIN |
		    (imsgbuf_queuelen(&c->ibuf) > 0 ? POLLOUT : 0));
		if (ready & (POLLIN | POLLHUP | POLLERR)) {
			if ((r = imsgbuf_read(&c->ibuf)) == 1)
				continue;
			lost(c, r == -1 ? errno : 0);
		}
		if ((ready & POLLOUT) && imsgbuf_write(&c->ibuf) == -1) {
			/* It may have said why before it went. */
			saved = errno;
			while ((r = imsgbuf_read(&c->ibuf)) == 1)
				if (get(c, imsg) == 1)
					return (imsg_get_type(imsg));
			lost(c, saved);
		}
	}
	sigpipe(pipe_ends && imsgbuf_queuelen(&c->ibuf) == 0);
	return (imsg_get_type(imsg));
}

int
ctl_try(struct ctl *c, struct imsg *imsg)
{
	return (get(c, imsg));
}

int
ctl_wait(struct ctl *c, int ms)
{
	struct pollfd pfd;
	int n;

	if (imsgbuf_queuelen(&c->ibuf) > 0 && imsgbuf_flush(&c->ibuf) == -1)
		return (-1);
	pfd.fd = c->ibuf.fd;
	pfd.events = POLLIN;
	if ((n = poll(&pfd, 1, ms)) <= 0)
		return (n == -1 && errno != EINTR ? -1 : 0);
	return (imsgbuf_read(&c->ibuf) == 1 ? 1 : -1);
}

void
ctl_row(struct imsg *imsg, void *row, size_t len)
{
	if (imsg_get_data(imsg, row, len) == -1)
		errx(1, "mtad and mtactl are of different versions: "
		    "restart mtad");
}
