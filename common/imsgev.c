/* SPDX-License-Identifier: ISC */

/* See imsgev.h. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "imsgev.h"

#define READ_TURNS	4	/* reads a wakeup, so that others get theirs */
#define WAIT_MAX	(256 * 1024)	/* octets kept for a later write */

static void
lost(struct imsgev *iev, const char *what)
{
	char why[96];

	snprintf(why, sizeof(why), "%s", what);
	iev->on_close(iev, why, iev->arg);
}

/* Reads and hands out; the reason when the channel is to be given up. */
static const char *
read_turn(struct imsgev *iev, const int *freed)
{
	struct imsg imsg;
	size_t had;
	int ret, n = 0;

	do {
		had = iev->ibuf.rlen;
		if ((ret = imsgbuf_read(&iev->ibuf)) == -1)
			return (errno == EBADMSG ? "bad imsg" :
			    strerror(errno));
		while (!iev->paused &&
		    (n = imsgbuf_get(&iev->ibuf, &imsg)) == 1) {
			iev->handler(iev, &imsg, iev->arg);
			imsg_free(&imsg);
			if (*freed)
				return (NULL);
		}
		if (n == -1)
			return ("bad imsg");
		if (ret == 0) {
			if (iev->on_batch != NULL)
				iev->on_batch(iev, iev->arg);
			return ("closed");
		}
		/* A read that left room in the buffer took all there was. */
	} while (!iev->paused && iev->ibuf.rlen != had && ++iev->turns <
	    READ_TURNS && iev->ibuf.rpos + iev->ibuf.rlen == iev->ibuf.rsize);
	if (iev->on_batch != NULL)
		iev->on_batch(iev, iev->arg);
	return (NULL);
}

static void
readable(int fd, short what, void *arg)
{
	struct imsgev *iev = arg;
	const char *why;
	int freed = 0;

	iev->freed = &freed;
	iev->turns = 0;
	why = read_turn(iev, &freed);
	if (!freed && why != NULL)
		lost(iev, why);
	if (!freed)
		iev->freed = NULL;
}

static void
writable(int fd, short what, void *arg)
{
	imsgev_flush(arg);
}

/* Asks for the descriptor only when that changes: it is a system call. */
static void
want_write(struct imsgev *iev, int want)
{
	if ((event_pending(iev->wev, EV_WRITE, NULL) != 0) == want)
		return;
	if (want)
		event_add(iev->wev, NULL);
	else
		event_del(iev->wev);
}

void
imsgev_flush(struct imsgev *iev)
{
	int freed = 0, *outer = iev->freed;

	if (iev->fd == -1)
		return;
	if (imsgbuf_write(&iev->ibuf) == -1) {
		/* The reader is told when the descriptor reads as closed. */
		if (errno == EPIPE || errno == ECONNRESET) {
			want_write(iev, 0);
			return;
		}
		lost(iev, strerror(errno));
		return;
	}
	if (imsgbuf_queuelen(&iev->ibuf) > 0) {
		want_write(iev, 1);
		return;
	}
	want_write(iev, 0);
	if (iev->on_drain != NULL) {
		iev->freed = &freed;
		iev->on_drain(iev, iev->arg);
		if (freed) {
			if (outer != NULL)
				*outer = 1;
			return;
		}
		iev->freed = outer;
	}
}

int
imsgev_init(struct imsgev *iev, struct event_base *base, int fd,
    void (*handler)(struct imsgev *, struct imsg *, void *),
    void (*on_close)(struct imsgev *, const char *, void *),
    void (*on_drain)(struct imsgev *, void *),
    void (*on_batch)(struct imsgev *, void *), void *arg)
{
	memset(iev, 0, sizeof(*iev));
	iev->fd = -1;
	evutil_make_socket_nonblocking(fd);
	if (imsgbuf_init(&iev->ibuf, fd) == -1)
		return (-1);
	imsgbuf_allow_fdpass(&iev->ibuf);
	iev->handler = handler;
	iev->on_close = on_close;
	iev->on_drain = on_drain;
	iev->on_batch = on_batch;
	iev->arg = arg;
	iev->rev = event_new(base, fd, EV_READ | EV_PERSIST, readable, iev);
	iev->wev = event_new(base, fd, EV_WRITE | EV_PERSIST, writable, iev);
	iev->fev = event_new(base, -1, 0, writable, iev);
	if (iev->rev == NULL || iev->wev == NULL || iev->fev == NULL ||
	    event_add(iev->rev, NULL) == -1) {
		if (iev->rev != NULL)
			event_free(iev->rev);
		if (iev->wev != NULL)
			event_free(iev->wev);
		if (iev->fev != NULL)
			event_free(iev->fev);
		imsgbuf_clear(&iev->ibuf);
		return (-1);
	}
	iev->fd = fd;
	return (0);
}

void
imsgev_free(struct imsgev *iev)
{
	if (iev->fd == -1)
		return;
	event_free(iev->rev);
	event_free(iev->wev);
	event_free(iev->fev);
	imsgbuf_clear(&iev->ibuf);
	close(iev->fd);
	iev->fd = -1;
	if (iev->freed != NULL)
		*iev->freed = 1;
	iev->freed = NULL;
}

static int
arm(struct imsgev *iev, int ret)
{
	if (ret != 1 || event_pending(iev->wev, EV_WRITE, NULL))
		return (ret);
	event_active(iev->fev, EV_TIMEOUT, 0);
	/* An error shows again when the event is handled. */
	if (imsgbuf_queued_bytes(&iev->ibuf) > WAIT_MAX)
		imsgbuf_write(&iev->ibuf);
	return (ret);
}

int
imsgev_compose(struct imsgev *iev, uint32_t type, uint32_t id, pid_t pid,
    int fd, const void *p, size_t len)
{
	if (iev->fd == -1)
		return (-1);
	return (arm(iev, imsg_compose(&iev->ibuf, type, id, pid, fd, p,
	    len)));
}

int
imsgev_composev(struct imsgev *iev, uint32_t type, uint32_t id, pid_t pid,
    int fd, const struct iovec *iov, int n)
{
	if (iev->fd == -1)
		return (-1);
	return (arm(iev, imsg_composev(&iev->ibuf, type, id, pid, fd, iov,
	    n)));
}

int
imsgev_sendv(struct imsgev *iev, uint32_t type, uint32_t id, pid_t pid,
    const struct iovec *iov, int n)
{
	int ret;

	if (iev->fd == -1)
		return (-1);
	if (event_pending(iev->wev, EV_WRITE, NULL))
		return (imsg_composev(&iev->ibuf, type, id, pid, -1, iov, n));
	ret = imsg_sendv(&iev->ibuf, type, id, pid, iov, n);
	if (imsgbuf_queuelen(&iev->ibuf) > 0)
		event_active(iev->fev, EV_TIMEOUT, 0);
	return (ret);
}

size_t
imsgev_pending(struct imsgev *iev)
{
	return (imsgbuf_queued_bytes(&iev->ibuf));
}

void
imsgev_pause(struct imsgev *iev)
{
	iev->paused = 1;
	event_del(iev->rev);
}

void
imsgev_resume(struct imsgev *iev)
{
	iev->paused = 0;
	event_add(iev->rev, NULL);
	/* What is in the buffer already makes no descriptor readable. */
	if (iev->ibuf.rlen > 0)
		event_active(iev->rev, EV_READ, 0);
}
