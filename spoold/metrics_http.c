/* SPDX-License-Identifier: ISC */

/*
 * Metrics over HTTP/1.x (RFC 9110, RFC 9112), as much of it as a scrape
 * needs: GET or HEAD of /metrics, one request a connection.  What comes is
 * hostile: the request is bounded, so is its time, so are the connections;
 * of a request only the first line is looked at.
 */

#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imsg.h"
#include "log.h"
#include "metrics.h"

#define CONNECTIONS_MAX	8
#define REQUEST_TIME	10	/* s for all of the request */
#define ANSWER_TIME	30	/* s for all of the answer */
#define WRITE_MAX	65536	/* octets before others have their turn */

struct reader {
	TAILQ_ENTRY(reader)	 entry;
	struct event		*ev;
	int			 fd;
	char			 request[METRICS_REQUEST_MAX];
	size_t			 len;
	struct ibuf		*answer;
	size_t			 sent;
	uint64_t		 until;		/* spool_clock */
};
static TAILQ_HEAD(readers, reader) readers = TAILQ_HEAD_INITIALIZER(readers);
static unsigned		 nreaders;
static int		 staged[METRICS_LISTEN_MAX], nstaged;
static struct event	*listener[METRICS_LISTEN_MAX];
static int		 nlisteners;

static void	ready(int, short, void *);

static struct ibuf *
make_answer(const char *status, const char *type, const struct ibuf *body,
    int head)
{
	struct ibuf	*b;
	char		 header[512];
	int		 n;

	if ((b = ibuf_dynamic(sizeof(header), SIZE_MAX / 4)) == NULL)
		return (NULL);
	n = snprintf(header, sizeof(header), "HTTP/1.1 %s\r\n"
	    "Content-Type: %s\r\nContent-Length: %zu\r\n"
	    "%sConnection: close\r\n\r\n", status, type, ibuf_size(body),
	    strncmp(status, "405", 3) == 0 ? "Allow: GET, HEAD\r\n" : "");
	if (ibuf_add(b, header, (size_t)n) == -1 || (!head &&
	    ibuf_add(b, ibuf_data(body), ibuf_size(body)) == -1)) {
		ibuf_free(b);
		return (NULL);
	}
	return (b);
}

static struct ibuf *
make_error(const char *status)
{
	struct ibuf	*body, *b = NULL;

	if ((body = ibuf_dynamic(64, 256)) != NULL &&
	    ibuf_add(body, status, strlen(status)) == 0 &&
	    ibuf_add(body, "\n", 1) == 0)
		b = make_answer(status, "text/plain; charset=utf-8", body, 0);
	ibuf_free(body);
	return (b);
}

static struct ibuf *
make_metrics(int head)
{
	struct ibuf	*body, *b = NULL;

	if ((body = metrics_text()) != NULL)
		b = make_answer("200 OK", "application/openmetrics-text; "
		    "version=1.0.0; charset=utf-8", body, head);
	ibuf_free(body);
	return (b != NULL ? b : make_error("503 Service Unavailable"));
}

/* method SP target SP HTTP/1.x; the target without its query. */
static struct ibuf *
answer_line(const char *line)
{
	char	method[16], target[64], version[16];
	int	head;

	if (sscanf(line, "%15[A-Za-z] %63s %15s", method, target,
	    version) != 3 || strncmp(version, "HTTP/1.", 7) != 0)
		return (make_error("400 Bad Request"));
	head = strcmp(method, "HEAD") == 0;
	if (!head && strcmp(method, "GET") != 0)
		return (make_error("405 Method Not Allowed"));
	target[strcspn(target, "?#")] = '\0';
	if (strcmp(target, "/metrics") != 0)
		return (make_error("404 Not Found"));
	return (make_metrics(head));
}

/* Does the header end there, with an empty line? */
static int
complete(const char *s, size_t len)
{
	return (memmem(s, len, "\r\n\r\n", 4) != NULL ||
	    memmem(s, len, "\n\n", 2) != NULL);
}

int
metrics_answer(const char *request, size_t len, struct ibuf **answer)
{
	char	line[256];
	size_t	n = 0;

	if (!complete(request, len)) {
		if (len < METRICS_REQUEST_MAX)
			return (0);
		*answer = make_error("431 Request Header Fields Too Large");
		return (1);
	}
	while (n < len && request[n] != '\n' && request[n] != '\r')
		n++;
	if (n >= sizeof(line) || memchr(request, '\0', n) != NULL) {
		*answer = make_error("400 Bad Request");
		return (1);
	}
	memcpy(line, request, n);
	line[n] = '\0';
	*answer = answer_line(line);
	return (1);
}

/* Connections */

static void
reader_free(struct reader *r)
{
	TAILQ_REMOVE(&readers, r, entry);
	nreaders--;
	event_free(r->ev);
	close(r->fd);
	ibuf_free(r->answer);
	free(r);
}

static void
wait_for(struct reader *r, short what, unsigned seconds)
{
	struct timeval	tv = { seconds, 0 };

	r->until = spool_clock() + seconds * UINT64_C(1000);
	event_del(r->ev);
	if (event_assign(r->ev, event_get_base(r->ev), r->fd, what, ready,
	    r) == -1 || event_add(r->ev, &tv) == -1)
		reader_free(r);
}

/* -1: that was all, or too much. */
static int
take(struct reader *r)
{
	ssize_t	n;

	n = read(r->fd, r->request + r->len, sizeof(r->request) - r->len);
	if (n == -1)
		return (errno == EAGAIN || errno == EINTR ? 0 : -1);
	if (n == 0)
		return (-1);
	r->len += (size_t)n;
	if (metrics_answer(r->request, r->len, &r->answer) == 0)
		return (0);
	return (r->answer == NULL ? -1 : 1);
}

static int
give(struct reader *r)
{
	size_t	left = ibuf_size(r->answer) - r->sent;
	ssize_t	n;

	n = write(r->fd, (const char *)ibuf_data(r->answer) + r->sent,
	    left < WRITE_MAX ? left : WRITE_MAX);
	if (n == -1)
		return (errno == EAGAIN || errno == EINTR ? 0 : -1);
	r->sent += (size_t)n;
	if ((size_t)n < left)
		return (0);
	/* what it may have sent besides is not to make it a reset */
	shutdown(r->fd, SHUT_WR);
	return (-1);
}

/* Time is for all of the request, not for each octet of it. */
static void
ready(int fd, short what, void *arg)
{
	struct reader	*r = arg;
	int		 n;

	if ((what & EV_TIMEOUT) || spool_clock() >= r->until) {
		reader_free(r);
		return;
	}
	if (r->answer != NULL) {
		if (give(r) == -1)
			reader_free(r);
		return;
	}
	if ((n = take(r)) == -1)
		reader_free(r);
	else if (n == 1)
		wait_for(r, EV_WRITE | EV_PERSIST, ANSWER_TIME);
}

static void
accept_one(int fd, short what, void *arg)
{
	struct reader	*r;
	int		 s;

	if ((s = accept4(fd, NULL, NULL, SOCK_NONBLOCK |
	    SOCK_CLOEXEC)) == -1)
		return;
	/* the one that has been there longest makes room */
	if (nreaders >= CONNECTIONS_MAX)
		reader_free(TAILQ_FIRST(&readers));
	if ((r = calloc(1, sizeof(*r))) == NULL ||
	    (r->ev = event_new(arg, s, EV_READ, ready, r)) == NULL) {
		free(r);
		close(s);
		return;
	}
	r->fd = s;
	TAILQ_INSERT_TAIL(&readers, r, entry);
	nreaders++;
	wait_for(r, EV_READ | EV_PERSIST, REQUEST_TIME);
}

void
metrics_begin(void)
{
	while (nstaged > 0)
		close(staged[--nstaged]);
}

int
metrics_add(int fd)
{
	if (fd == -1 || nstaged == METRICS_LISTEN_MAX)
		return (-1);
	staged[nstaged++] = fd;
	return (0);
}

void
metrics_stop(void)
{
	while (nlisteners > 0) {
		close(event_get_fd(listener[--nlisteners]));
		event_free(listener[nlisteners]);
	}
	while (!TAILQ_EMPTY(&readers))
		reader_free(TAILQ_FIRST(&readers));
}

int
metrics_end(struct event_base *base)
{
	struct event	*ev;
	int		 i;

	metrics_stop();
	for (i = 0; i < nstaged; i++) {
		evutil_make_socket_nonblocking(staged[i]);
		if ((ev = event_new(base, staged[i], EV_READ | EV_PERSIST,
		    accept_one, base)) == NULL || event_add(ev, NULL) == -1)
			return (-1);
		listener[nlisteners++] = ev;
	}
	nstaged = 0;
	return (0);
}
