/* SPDX-License-Identifier: ISC */

/* The connection of "mtactl top" to spoold.  See top.h. */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mtactl.h"
#include "top.h"

/* Between the two processes. */
enum { TOP_CONNECT = 1, TOP_CONNECTED, TOP_NOT_CONNECTED };

static int
connect_to(const char *path)
{
	struct sockaddr_un	sun;
	int			fd, saved;

	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	if (strlcpy(sun.sun_path, path, sizeof(sun.sun_path)) >=
	    sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		return (-1);
	}
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		return (-1);
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1) {
		saved = errno;
		close(fd);
		errno = saved;
		return (-1);
	}
	return (fd);
}

/* All that the first process does until the other one is gone. */
static void __attribute__((noreturn))
connector(const char *path, int channel)
{
	struct imsgbuf	ibuf;
	struct imsg	imsg;
	struct pollfd	pfd = { channel, POLLIN, 0 };
	const char	*why;
	int		fd;

	/* The terminal's signals are for who has it. */
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	signal(SIGTSTP, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	if (imsgbuf_init(&ibuf, channel) == -1)
		_exit(1);
	imsgbuf_allow_fdpass(&ibuf);
	for (;;) {
		while (imsgbuf_get(&ibuf, &imsg) == 1) {
			if ((fd = connect_to(path)) != -1)
				imsg_compose(&ibuf, TOP_CONNECTED, 0, 0, fd,
				    NULL, 0);
			else {
				why = strerror(errno);
				imsg_compose(&ibuf, TOP_NOT_CONNECTED, 0, 0,
				    -1, why, strlen(why) + 1);
			}
			if (imsgbuf_flush(&ibuf) == -1)
				_exit(0);
		}
		if (poll(&pfd, 1, -1) == -1 && errno != EINTR)
			_exit(1);
		if (imsgbuf_read(&ibuf) != 1)	/* it does not wait */
			_exit(0);
	}
}

void
top_connector(struct top *t)
{
	int	pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1)
		err(1, "socketpair");
	switch (fork()) {
	case -1:
		err(1, "fork");
	case 0:
		close(pair[0]);
		connector(t->path, pair[1]);
	default:
		break;
	}
	close(pair[1]);
	if (imsgbuf_init(&t->connector, pair[0]) == -1)
		err(1, NULL);
	imsgbuf_allow_fdpass(&t->connector);
}

static void
trouble(struct top *t, const char *why)
{
	char	*s;

	strlcpy(t->trouble, why, sizeof(t->trouble));
	for (s = t->trouble; *s != '\0'; s++)
		if (*s < ' ' || *s > '~')
			*s = '?';
	if (t->connected) {
		close(t->ctl.fd);
		imsgbuf_clear(&t->ctl);
		t->connected = 0;
	}
	t->step = TOP_IDLE;
	top_data_free(&t->next);
}

static void
request(struct top *t, enum top_step step)
{
	static const uint32_t	types[] = {
		[TOP_SUMMARY] = CTL_SHOW_SUMMARY, [TOP_PEERS] = CTL_SHOW_PEERS,
		[TOP_ASSOCIATIONS] = CTL_SHOW_ASSOCIATIONS,
		[TOP_TRANSFERS] = CTL_SHOW_TRANSFERS
	};

	t->step = step;
	if (imsg_compose(&t->ctl, types[step], 0, 0, -1, NULL, 0) == -1)
		trouble(t, strerror(errno));
	else
		top_ctl_output(t);
}

void
top_ask(struct top *t)
{
	if (t->connected) {
		if (t->step == TOP_IDLE)
			request(t, TOP_SUMMARY);
		return;
	}
	if (t->asked)
		return;
	t->asked = 1;
	if (imsg_compose(&t->connector, TOP_CONNECT, 0, 0, -1, NULL, 0) ==
	    -1 || imsgbuf_flush(&t->connector) == -1)
		errx(1, "the process that connects is gone");
}

int
top_connector_input(struct top *t)
{
	struct imsg	imsg;
	char		why[160];
	size_t		len;
	int		fd;

	if (imsgbuf_read(&t->connector) != 1)
		errx(1, "the process that connects is gone");
	while (imsgbuf_get(&t->connector, &imsg) == 1) {
		t->asked = 0;
		if (imsg_get_type(&imsg) == TOP_CONNECTED &&
		    (fd = imsg_get_fd(&imsg)) != -1 &&
		    imsgbuf_init(&t->ctl, fd) == 0 &&
		    imsgbuf_set_maxsize(&t->ctl, IMSG_MAX) == 0) {
			t->connected = 1;
			request(t, TOP_SUMMARY);
			continue;
		}
		len = imsg_get_len(&imsg);
		if (len >= sizeof(why))
			len = sizeof(why) - 1;
		memcpy(why, ibuf_data(&imsg.body), len);
		why[len] = '\0';
		trouble(t, why[0] != '\0' ? why : "no descriptor");
	}
	return (0);
}

void
top_ctl_output(struct top *t)
{
	if (t->connected && imsgbuf_queuelen(&t->ctl) > 0 &&
	    imsgbuf_write(&t->ctl) == -1 && errno != EAGAIN)
		trouble(t, strerror(errno));
}

/* Another row; those above the limit are counted. */
static void
keep(struct imsg *imsg, void *array, size_t *n, size_t size, uint64_t *more)
{
	void	**rows = array, *grown;

	if (*n == TOP_ROWS_MAX) {
		(*more)++;
		return;
	}
	if ((grown = reallocarray(*rows, *n + 1, size)) == NULL)
		err(1, NULL);
	*rows = grown;
	ctl_row(imsg, (char *)*rows + *n * size, size);
	(*n)++;
}

static void
row(struct top *t, struct imsg *imsg)
{
	struct top_data		*d = &t->next;
	struct ctl_association	*a;
	struct ctl_transfer	*x;
	struct ctl_peer		*p;

	switch (t->step) {
	case TOP_SUMMARY:
		ctl_row(imsg, &d->summary, sizeof(d->summary));
		TERMINATE(d->summary.name);
		TERMINATE(d->summary.version);
		TERMINATE(d->summary.state);
		break;
	case TOP_PEERS:
		keep(imsg, &d->peer, &d->npeer, sizeof(*p), &d->more[0]);
		p = &d->peer[d->npeer - 1];
		TERMINATE(p->name);
		TERMINATE(p->state);
		break;
	case TOP_ASSOCIATIONS:
		keep(imsg, &d->association, &d->nassociation, sizeof(*a),
		    &d->more[1]);
		a = &d->association[d->nassociation - 1];
		TERMINATE(a->peer);
		TERMINATE(a->address);
		TERMINATE(a->connection);
		TERMINATE(a->tls);
		break;
	case TOP_TRANSFERS:
		keep(imsg, &d->transfer, &d->ntransfer, sizeof(*x),
		    &d->more[2]);
		x = &d->transfer[d->ntransfer - 1];
		TERMINATE(x->peer);
		TERMINATE(x->activity);
		TERMINATE(x->connection);
		TERMINATE(x->state);
		break;
	default:
		break;
	}
}

/* 1: it was the last. */
static int
answered(struct top *t)
{
	if (t->step < TOP_TRANSFERS) {
		request(t, t->step + 1);
		return (0);
	}
	t->step = TOP_IDLE;
	t->trouble[0] = '\0';
	top_data_free(&t->before);
	t->before = t->now;
	t->now = t->next;
	memset(&t->next, 0, sizeof(t->next));
	t->now.valid = 1;
	clock_gettime(CLOCK_MONOTONIC, &t->now.taken);
	return (1);
}

int
top_ctl_input(struct top *t)
{
	struct imsg	imsg;
	int		n, done = 0;

	if ((n = imsgbuf_read(&t->ctl)) != 1) {
		trouble(t, n == -1 ? strerror(errno) : "mtad closed the "
		    "connection");
		return (0);
	}
	while (t->connected && (n = imsgbuf_get(&t->ctl, &imsg)) == 1) {
		if (t->step == TOP_IDLE) {
			trouble(t, "what answers there is not mtad");
			break;
		}
		switch (imsg_get_type(&imsg)) {
		case CTL_ROW:
			row(t, &imsg);
			break;
		case CTL_END:
			done |= answered(t);
			break;
		default:
			trouble(t, "mtad refused to answer");
			break;
		}
	}
	if (t->connected && n == -1)
		trouble(t, "what answers there is not mtad");
	return (done);
}

void
top_data_free(struct top_data *d)
{
	free(d->peer);
	free(d->association);
	free(d->transfer);
	memset(d, 0, sizeof(*d));
}
