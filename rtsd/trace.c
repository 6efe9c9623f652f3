/* SPDX-License-Identifier: ISC */

/*
 * Traces: copies of the octets between transport and socket, before TLS on
 * the way out and after it on the way in, for who asked spoold for them.
 *
 * A trace never holds an association up: what does not go at once, for the
 * channel is busy or it is too much in a second, is left out and counted.
 * The TSDU by which an association is opened has passwords.  It is held until
 * all of it is there, so that they can be masked; and as long as nobody knows
 * which peer calls, what was said is held too.
 */

#include <sys/socket.h>

#include <netdb.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "imsg.h"
#include "log.h"
#include "mask.h"
#include "rtsd.h"

#define TRACE_PENDING	(512 * 1024)	/* octets that may wait for spoold */
#define TRACE_RATE	(32 * 1024 * 1024)	/* octets in a second, all */
#define OPENING_MAX	(24 * 1024)	/* octets of a TSDU that opens */
#define EARLY_MAX	(32 * 1024)	/* held, of one association */
#define HELD_MAX	(8 * 1024 * 1024)	/* held, of all of them */

struct trace {
	TAILQ_ENTRY(trace)	 entry;
	uint32_t		 id;
	struct trace_open	 open;
	uint64_t		 lost, told;	/* octets */
};
static TAILQ_HEAD(, trace) traces = TAILQ_HEAD_INITIALIZER(traces);
static unsigned ntraces;
static uint64_t budget = TRACE_RATE, budget_at;
static size_t held;			/* octets, in all openings and early */

/* Octets at one time, in one direction. */
struct chunk {
	TAILQ_ENTRY(chunk)	 entry;
	int			 out;
	int			 opening;	/* passwords may be in it */
	uint64_t		 offset, other;
	size_t			 first;
	struct timespec		 at;
	size_t			 len;
	uint8_t			 octets[];
};

/* What is known of an association for the sake of traces. */
struct trace_flow {
	struct tpkt_position	 position;	/* of the input */
	struct opening {
		int	 over;
		int	 too_long;	/* it may go on in what follows */
		uint64_t offset, other;	/* of the first octet held */
		size_t	 len;
		uint8_t	*octets;
	}			 opening[2];
	TAILQ_HEAD(, chunk)	 early;		/* nobody knows whose */
	size_t			 early_octets;
	char			 local[64], remote[64];
};

int
trace_running(void)
{
	return (ntraces > 0);
}

/* An association */

static void
name(int fd, int (*get)(int, struct sockaddr *, socklen_t *), char *buf,
    size_t size)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	char host[48], serv[8];

	if (get(fd, (struct sockaddr *)&ss, &len) == 0 &&
	    getnameinfo((struct sockaddr *)&ss, len, host, sizeof(host), serv,
	    sizeof(serv), NI_NUMERICHOST | NI_NUMERICSERV) == 0)
		snprintf(buf, size, "%s port %s", host, serv);
}

/* whole: from its first octet on. */
static void
flow_new(struct assoc *a, int whole)
{
	struct trace_flow *f;

	if ((f = calloc(1, sizeof(*f))) == NULL)
		return;
	TAILQ_INIT(&f->early);
	f->opening[0].over = f->opening[1].over = !whole;
	transport_position(a->t, &f->position);
	name(a->fd, getsockname, f->local, sizeof(f->local));
	name(a->fd, getpeername, f->remote, sizeof(f->remote));
	a->flow = f;
}

static void
early_free(struct trace_flow *f)
{
	struct chunk *c;

	while ((c = TAILQ_FIRST(&f->early)) != NULL) {
		TAILQ_REMOVE(&f->early, c, entry);
		held -= c->len;
		freezero(c, sizeof(*c) + c->len);
	}
	f->early_octets = 0;
}

static void
opening_end(struct opening *o)
{
	freezero(o->octets, o->len);
	held -= o->len;
	o->octets = NULL;
	o->len = 0;
	o->over = 1;
}

void
trace_forget(struct assoc *a)
{
	if (a->flow != NULL) {
		early_free(a->flow);
		opening_end(&a->flow->opening[0]);
		opening_end(&a->flow->opening[1]);
		free(a->flow);
	}
	a->flow = NULL;
}

void
trace_detach(struct assoc *a)
{
	trace_forget(a);
	a->octets[0] = a->octets[1] = 0;
}

void
trace_attach(struct assoc *a)
{
	if (ntraces > 0)
		flow_new(a, 1);
}

/* The peer whose it is; 0: not known, perhaps not yet. */
static uint32_t
whose(const struct assoc *a)
{
	if (a->has_peer)
		return (a->peer.id);
	if (a->phase != ASSOC_GONE || !a->pconnect.data.has_credentials)
		return (0);
	/* it was refused, but this is who it said it is */
	return (peer_by_remote_name(a->pconnect.data.credentials.name));
}

/* Out of here */

static int
affordable(size_t len)
{
	uint64_t now = now_ms();

	budget += (now - budget_at) * (TRACE_RATE / 1000);
	if (budget_at == 0 || budget > TRACE_RATE)
		budget = TRACE_RATE;
	budget_at = now;
	if (budget < len || imsgev_pending(spoold) + len > TRACE_PENDING)
		return (0);
	budget -= len;
	return (1);
}

static void
send_one(struct trace *t, const struct assoc *a, const struct chunk *c,
    int end, const struct iovec *iov, int n)
{
	struct trace_data td;
	struct iovec all[PIECES];
	int i;

	if (spoold == NULL)
		return;
	if (n + 1 > PIECES || !affordable(c->len + sizeof(td))) {
		t->lost += c->len;
		return;
	}
	memset(&td, 0, sizeof(td));
	td.assoc = a->id;
	td.out = c->out;
	td.initiator = a->initiator;
	td.end = end;
	td.first = c->first;
	td.sec = c->at.tv_sec;
	td.nsec = c->at.tv_nsec;
	td.offset = c->offset;
	td.other = c->other;
	td.lost = t->told = t->lost;
	if (a->has_peer)
		memcpy(td.peer, a->peer.name, sizeof(td.peer));
	if (a->flow != NULL) {
		memcpy(td.local, a->flow->local, sizeof(td.local));
		memcpy(td.remote, a->flow->remote, sizeof(td.remote));
	}
	if (a->tls != NULL && a->tls_up)
		tls_text(a->tls, td.tls, sizeof(td.tls));
	all[0].iov_base = &td;
	all[0].iov_len = sizeof(td);
	for (i = 0; i < n; i++)
		all[i + 1] = iov[i];
	imsgev_sendv(spoold, IMSG_TRACE_DATA, t->id, 0, all, n + 1);
}

enum which { ALL_AND_PEER, ONLY_ALL, ONLY_PEER };

/* To those that want it, with passwords or without. */
static void
send_all(const struct assoc *a, enum which which, int secrets,
    const struct chunk *c, int end, const struct iovec *iov, int n)
{
	struct trace *t;
	uint32_t peer = whose(a);

	TAILQ_FOREACH(t, &traces, entry) {
		if (secrets != -1 && (t->open.secrets != 0) != secrets)
			continue;
		if (t->open.peer == 0 ? which != ONLY_PEER :
		    which != ONLY_ALL && t->open.peer == peer)
			send_one(t, a, c, end, iov, n);
	}
}

/* The octets of the chunk are masked by this. */
static void
send_chunk(const struct assoc *a, enum which which, struct chunk *c)
{
	struct iovec iov = { c->octets, c->len };

	if (!c->opening) {
		send_all(a, which, -1, c, 0, &iov, 1);
		return;
	}
	send_all(a, which, 1, c, 0, &iov, 1);
	mask_opening(c->octets, c->len);
	send_all(a, which, 0, c, 0, &iov, 1);
}

/* Now, or when it is known whose it is. */
static void
dispatch(struct assoc *a, struct chunk *c)
{
	struct trace_flow *f = a->flow;
	struct chunk *copy;

	if (whose(a) != 0) {
		send_chunk(a, ALL_AND_PEER, c);
		return;
	}
	if (f->early_octets + c->len <= EARLY_MAX &&
	    held + c->len <= HELD_MAX &&
	    (copy = malloc(sizeof(*c) + c->len)) != NULL) {
		memcpy(copy, c, sizeof(*c) + c->len);
		TAILQ_INSERT_TAIL(&f->early, copy, entry);
		f->early_octets += c->len;
		held += c->len;
	}
	send_chunk(a, ONLY_ALL, c);
}

/* What was held goes, or nobody is ever going to know whose it is. */
static void
early_send(struct assoc *a)
{
	struct chunk *c;

	if (whose(a) != 0)
		TAILQ_FOREACH(c, &a->flow->early, entry)
			send_chunk(a, ONLY_PEER, c);
	early_free(a->flow);
}

static void
lose(size_t len)
{
	struct trace *t;

	TAILQ_FOREACH(t, &traces, entry)
		t->lost += len;
}

/* Of the octets held the first len go. */
static void
opening_send(struct assoc *a, int out, size_t len, int opening)
{
	struct opening *o = &a->flow->opening[out];
	struct chunk *c;

	if (len == 0)
		return;
	if ((c = calloc(1, sizeof(*c) + len)) != NULL) {
		c->out = out;
		c->opening = opening;
		c->offset = o->offset;
		c->other = o->other;
		c->len = len;
		clock_gettime(CLOCK_REALTIME, &c->at);
		memcpy(c->octets, o->octets, len);
		dispatch(a, c);
		freezero(c, sizeof(*c) + len);
	}
	held -= len;
	o->len -= len;
	o->offset += len;
	memmove(o->octets, o->octets + len, o->len);
	/* there may have been a password */
	explicit_bzero(o->octets + o->len, len);
}

/*
 * How much may go: TPDUs before the first DT as they come, and then all to
 * the end of the first TSDU, with which the opening is over.
 */
static size_t
opening_ready(const struct opening *o, int *over)
{
	size_t off = 0, before = 0, whole;
	int dt = 0;

	*over = 0;
	while (o->len - off >= 7) {
		whole = o->octets[off + 2] << 8 | o->octets[off + 3];
		if (o->octets[off] != 3 || whole < 7) {
			*over = 1;	/* no TPKT, no password */
			return (o->len);
		}
		if (o->len - off < whole)
			break;
		if ((o->octets[off + 5] & 0xf0) != 0xf0) {
			if (!dt)
				before = off + whole;
		} else if (o->octets[off + 6] & 0x80) {
			*over = 1;
			return (o->len);
		} else
			dt = 1;
		off += whole;
	}
	return (before);
}

static void
opening_add(struct assoc *a, int out, uint64_t offset,
    const struct iovec *iov, int n, size_t len)
{
	struct opening *o = &a->flow->opening[out];
	uint8_t *p;
	size_t ready;
	int i, over;

	if (o->len == 0) {
		o->offset = offset;
		o->other = a->octets[!out];
	}
	if (len > OPENING_MAX - o->len || len > HELD_MAX - held ||
	    (p = recallocarray(o->octets, o->len, o->len + len, 1)) == NULL) {
		lose(o->len + len);
		opening_end(o);
		o->too_long = 1;
		return;
	}
	o->octets = p;
	for (i = 0; i < n; i++) {
		memcpy(o->octets + o->len, iov[i].iov_base, iov[i].iov_len);
		o->len += iov[i].iov_len;
	}
	held += len;
	ready = opening_ready(o, &over);
	opening_send(a, out, ready, over);
	if (over)
		opening_end(o);
}

/* Where the first TPKT begins in octets that are input; moves past them. */
static size_t
input_first(struct trace_flow *f, const uint8_t *p, size_t len)
{
	struct tpkt_position *at = &f->position;
	size_t off = 0, first = len, n;

	while (off < len) {
		if (at->left == 0 && at->have == 0 && first == len)
			first = off;
		if (at->left == 0) {
			at->head[at->have++] = p[off++];
			if (at->have < sizeof(at->head))
				continue;
			at->have = 0;
			n = at->head[2] << 8 | at->head[3];
			at->left = n > sizeof(at->head) ?
			    n - sizeof(at->head) : 0;
			continue;
		}
		n = at->left < len - off ? at->left : len - off;
		at->left -= n;
		off += n;
	}
	return (first);
}

/* Octets that are past the opening, at most TRACE_PIECE. */
static void
plain(struct assoc *a, int out, uint64_t offset, const struct iovec *iov,
    int n, size_t len)
{
	struct chunk c;

	memset(&c, 0, sizeof(c));
	c.out = out;
	c.offset = offset;
	c.other = a->octets[!out];
	c.len = len;
	if (!out)
		c.first = input_first(a->flow, iov[0].iov_base, len);
	if (a->flow->opening[out].too_long && a->phase != ASSOC_OPEN) {
		lose(len);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &c.at);
	send_all(a, ALL_AND_PEER, -1, &c, 0, iov, n);
}

/* The association was there before the trace: from now on. */
static int
flow_late(struct assoc *a)
{
	if (a->flow == NULL && a->phase == ASSOC_OPEN)
		flow_new(a, 0);
	return (a->flow != NULL);
}

void
trace_input(struct assoc *a, uint8_t *p, size_t len)
{
	struct iovec iov = { p, len };
	uint64_t offset = a->octets[0];

	a->octets[0] += len;
	if (ntraces == 0 || !flow_late(a))
		return;
	if (!a->flow->opening[0].over) {
		input_first(a->flow, p, len);
		opening_add(a, 0, offset, &iov, 1, len);
		return;
	}
	for (; len > 0; p += iov.iov_len, len -= iov.iov_len,
	    offset += iov.iov_len) {
		iov.iov_base = p;
		iov.iov_len = len < TRACE_PIECE ? len : TRACE_PIECE;
		plain(a, 0, offset, &iov, 1, iov.iov_len);
	}
}

void
trace_output(struct assoc *a, const struct iovec *iov, int n)
{
	uint64_t offset = a->octets[1];
	size_t len = 0;
	int i;

	for (i = 0; i < n; i++)
		len += iov[i].iov_len;
	a->octets[1] += len;
	if (ntraces == 0 || !flow_late(a))
		return;
	if (!a->flow->opening[1].over)
		opening_add(a, 1, offset, iov, n, len);
	else
		plain(a, 1, offset, iov, n, len);
}

void
trace_identified(struct assoc *a)
{
	if (a->flow != NULL && !TAILQ_EMPTY(&a->flow->early))
		early_send(a);
}

void
trace_over(struct assoc *a, const char *why)
{
	struct iovec iov = { (void *)(uintptr_t)why, strlen(why) };
	struct chunk c;

	if (ntraces == 0 || a->flow == NULL)
		return;
	early_send(a);
	memset(&c, 0, sizeof(c));
	c.out = 1;
	c.offset = a->octets[1];
	c.other = a->octets[0];
	clock_gettime(CLOCK_REALTIME, &c.at);
	send_all(a, ALL_AND_PEER, -1, &c, 1, &iov, 1);
}

/* The traces */

int
trace_begin(uint32_t id, const struct trace_open *to)
{
	struct trace *t;

	TAILQ_FOREACH(t, &traces, entry)
		if (t->id == id)
			return (-1);
	if (ntraces >= TRACES_MAX || (t = calloc(1, sizeof(*t))) == NULL)
		return (-1);
	t->id = id;
	t->open = *to;
	TAILQ_INSERT_TAIL(&traces, t, entry);
	ntraces++;
	return (0);
}

static void
forget(struct trace *t)
{
	TAILQ_REMOVE(&traces, t, entry);
	free(t);
	if (--ntraces == 0)
		assoc_trace_end();
}

void
trace_stop(uint32_t id)
{
	struct trace *t;

	TAILQ_FOREACH(t, &traces, entry)
		if (t->id == id) {
			forget(t);
			return;
		}
}

void
trace_stop_all(void)
{
	struct trace *t;

	while ((t = TAILQ_FIRST(&traces)) != NULL)
		forget(t);
}

/* What was left out is told, also when nothing follows it. */
void
trace_tick(void)
{
	struct trace_data td;
	struct trace *t;

	TAILQ_FOREACH(t, &traces, entry) {
		if (spoold == NULL || t->lost == t->told)
			continue;
		memset(&td, 0, sizeof(td));
		td.lost = t->told = t->lost;
		imsgev_compose(spoold, IMSG_TRACE_DATA, t->id, 0, -1, &td,
		    sizeof(td));
	}
}
