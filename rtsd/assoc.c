/* SPDX-License-Identifier: ISC */

/*
 * An association from its descriptor to its RTS: octets between the socket
 * and the transport, the handshakes of both roles, time limits, the end.
 *
 * Input is read into one buffer that all associations share and passes
 * through the layers at once; only output waits for the socket.
 */

#include <sys/socket.h>
#include <sys/uio.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imsg.h"
#include "log.h"
#include "rtsd.h"

RB_HEAD(assocs, assoc) assocs = RB_INITIALIZER(&assocs);
static unsigned nassocs;
static int all_paused;
static uint32_t next_incoming;

static void	assoc_read(int, short, void *);
static void	assoc_write(int, short, void *);
static void	assoc_free(struct assoc *);

static int
assoc_cmp(struct assoc *a, struct assoc *b)
{
	return (a->id < b->id ? -1 : a->id > b->id);
}

RB_PROTOTYPE(assocs, assoc, entry, assoc_cmp)
RB_GENERATE(assocs, assoc, entry, assoc_cmp)

struct assoc *
assoc_find(uint32_t id)
{
	struct assoc key;

	key.id = id;
	return (RB_FIND(assocs, &assocs, &key));
}

unsigned
assoc_count(void)
{
	return (nassocs);
}

const char *
assoc_name(const struct assoc *a)
{
	static char buf[2][PEER_NAME_MAX + 120];
	static int i;

	i = !i;
	snprintf(buf[i], sizeof(buf[i]), "%s%s%sassociation=%08x role=%s%s%s%s",
	    a->has_peer ? "peer=" : "", a->has_peer ? a->peer.name : "",
	    a->has_peer ? " " : "", a->id,
	    a->initiator ? "initiator" : "responder",
	    a->address[0] != '\0' ? " address=\"" : "", a->address,
	    a->address[0] != '\0' ? "\"" : "");
	return (buf[i]);
}

/* Descriptor */

void
assoc_want_write(struct assoc *a)
{
	if (a->wev != NULL && !event_pending(a->wev, EV_WRITE, NULL))
		event_add(a->wev, NULL);
}

static void
write_failed(struct assoc *a)
{
	char why[192];

	if (errno == EAGAIN || errno == EINTR) {
		assoc_want_write(a);
		return;
	}
	if (a->tls != NULL && errno == EPROTO)
		strlcpy(why, tls_why(a->tls), sizeof(why));
	else
		snprintf(why, sizeof(why), "write: %s", strerror(errno));
	evbuffer_drain(a->out, evbuffer_get_length(a->out));
	if (a->phase == ASSOC_GONE)
		a->progress = 0;
	else if (assoc_tls_is_lost(a))
		event_active(a->rev, EV_READ, 0);
	else
		rts_disconnected(a->rts, why);
}

/* What was put out since the loop last looked goes in one write. */
static void
assoc_flush_soon(int fd, short what, void *arg)
{
	struct assoc *a = arg;

	assoc_flush(a);
	if (a->phase != ASSOC_GONE)
		assoc_run(a);
}

/* As evbuffer_write, in records as full as what waits allows. */
static int
write_records(struct assoc *a)
{
	size_t len = evbuffer_get_length(a->out);
	unsigned char *p;
	ssize_t n;

	if (len > TLS_RECORD)
		len = TLS_RECORD;
	if ((p = evbuffer_pullup(a->out, len)) == NULL)
		fatalx("out of memory");
	if ((n = tls_write(a->tls, p, len)) > 0)
		evbuffer_drain(a->out, n);
	return (n);
}

/* Puts out what waits.  The association may be over afterwards. */
void
assoc_flush(struct assoc *a)
{
	if (a->fd == -1)
		return;
	if (a->tls != NULL && !a->tls_up)
		evbuffer_drain(a->out, evbuffer_get_length(a->out));
	while (evbuffer_get_length(a->out) > 0) {
		if ((a->tls != NULL ? write_records(a) :
		    evbuffer_write(a->out, a->fd)) <= 0) {
			write_failed(a);
			return;
		}
	}
	if (a->phase == ASSOC_GONE && !a->shut) {
		a->shut = 1;
		if (a->tls != NULL)
			tls_close(a->tls);
		shutdown(a->fd, SHUT_WR);
	}
}

/* A large piece goes straight, together with what waits; what was sent. */
static size_t
write_through(struct assoc *a, const struct iovec *iov, int n)
{
	struct evbuffer_iovec old[8];
	struct iovec all[16];
	size_t waits = evbuffer_get_length(a->out);
	ssize_t w;
	int i, k = 0;

	if (waits > 0) {
		k = evbuffer_peek(a->out, -1, NULL, old, 8);
		if (k > 8 || k + n > 16)
			return (0);
		for (i = 0; i < k; i++) {
			all[i].iov_base = old[i].iov_base;
			all[i].iov_len = old[i].iov_len;
		}
	}
	for (i = 0; i < n; i++)
		all[k + i] = iov[i];
	/* a lasting error shows at the next write */
	if ((w = writev(a->fd, all, k + n)) <= 0)
		return (0);
	evbuffer_drain(a->out, (size_t)w < waits ? (size_t)w : waits);
	return ((size_t)w < waits ? 0 : w - waits);
}

/* From the transport: small pieces are gathered, large ones go straight. */
static void
output(void *arg, const struct iovec *iov, int n)
{
	struct assoc *a = arg;
	size_t len = 0, off, w = 0;
	int i;

	if (a->fd == -1)
		return;
	trace_output(a, iov, n);
	for (i = 0; i < n; i++)
		len += iov[i].iov_len;
	if (a->tls == NULL && len >= DIRECT_WRITE &&
	    !event_pending(a->wev, EV_WRITE, NULL))
		w = write_through(a, iov, n);
	for (i = 0; i < n; i++) {
		off = w < iov[i].iov_len ? w : iov[i].iov_len;
		w -= off;
		if (off < iov[i].iov_len && evbuffer_add(a->out,
		    (const char *)iov[i].iov_base + off,
		    iov[i].iov_len - off) == -1)
			fatalx("out of memory");
	}
	if (evbuffer_get_length(a->out) > 0 &&
	    !event_pending(a->wev, EV_WRITE, NULL))
		event_active(a->fev, EV_TIMEOUT, 0);
}

void
assoc_update_reading(struct assoc *a)
{
	int stop;

	if (a->rev == NULL)
		return;
	stop = a->phase != ASSOC_GONE && (a->holding || all_paused ||
	    a->tls_wait ||
	    evbuffer_get_length(a->out) > 2 * OUT_HIGH);
	if (stop == a->paused)
		return;
	a->paused = stop;
	if (stop)
		event_del(a->rev);
	else {
		a->progress = now_ms();
		event_add(a->rev, NULL);
	}
}

void
assoc_pause_all(int pause)
{
	struct assoc *a;

	if (all_paused == pause)
		return;
	all_paused = pause;
	RB_FOREACH(a, assocs, &assocs)
		assoc_update_reading(a);
}

void
assoc_run(struct assoc *a)
{
	if (a->phase == ASSOC_OPEN)
		xfer_run(a);
	if (a->phase == ASSOC_OPEN && a->closing && a->cur == NULL &&
	    TAILQ_EMPTY(&a->outq) && a->in == NULL && !a->holding) {
		if (!a->initiator)
			rts_abort_req(a->rts, RTS_ABORT_TEMPORARY_PROBLEM,
			    "closed by us, the responder");
		else if (rts_turn(a->rts)) {
			if (rts_close_req(a->rts) == 0)
				a->closing = 0;
		} else if (!a->asked_turn &&
		    rts_turn_please_req(a->rts, 2) == 0)
			a->asked_turn = 1;
	}
	if (a->phase == ASSOC_GONE)
		assoc_flush(a);
	assoc_update_reading(a);
}

/*
 * A peer that asks for new keys and takes no octets would have us look at
 * what it sends again and again.
 */
static void
tls_blocked(struct assoc *a)
{
	if (a->tls == NULL || !tls_read_wants_write(a->tls))
		return;
	a->tls_wait = 1;
	assoc_want_write(a);
	assoc_update_reading(a);
}

/*
 * As read(2).  Of TLS whole records as long as there is room for one; what
 * ends them is left to another call, for which there may be no other reason.
 */
static ssize_t
take(struct assoc *a, uint8_t *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;

	if (a->tls == NULL || a->phase == ASSOC_GONE)
		return (read(a->fd, buf, size));
	do {
		if ((n = tls_read(a->tls, buf + len, size - len)) <= 0) {
			if (len == 0)
				return (n);
			if (n == 0 || errno != EAGAIN)
				event_active(a->rev, EV_READ, 0);
			break;
		}
		len += n;
	} while (size - len >= TLS_RECORD);
	return (len);
}

static void
input(struct assoc *a)
{
	static uint8_t buf[READ_SIZE];
	char why[192];
	ssize_t n;

	if (a->tls_unsure && !assoc_tls_tell(a))
		return;
	a->heard = 1;
	if (a->tls != NULL && !a->tls_up && a->phase != ASSOC_GONE) {
		assoc_tls_handshake(a);
		return;
	}
	n = take(a, buf, sizeof(buf));
	if (n == -1) {
		if (errno == EAGAIN || errno == EINTR) {
			if (a->phase != ASSOC_GONE)
				tls_blocked(a);
			return;
		}
		if (a->tls != NULL && errno == EPROTO)
			strlcpy(why, tls_why(a->tls), sizeof(why));
		else
			snprintf(why, sizeof(why), "read: %s",
			    strerror(errno));
	} else if (n == 0)
		snprintf(why, sizeof(why), "connection closed by the peer");
	if (a->phase == ASSOC_GONE) {
		if (n <= 0)
			assoc_free(a);
		return;
	}
	if (n <= 0) {
		if (a->tls != NULL && n == -1 && assoc_tls_lost(a))
			return;
		event_del(a->rev);
		rts_disconnected(a->rts, why);
		assoc_flush(a);
		return;
	}
	a->progress = now_ms();
	trace_input(a, buf, n);
	transport_input(a->t, buf, n);
	recv_flush(a);
	assoc_run(a);
}

static void
assoc_read(int fd, short what, void *arg)
{
	struct source *s = admit_quiet(arg);

	input(arg);
	admit_loud(s);
}

static void
assoc_write(int fd, short what, void *arg)
{
	struct assoc *a = arg;

	if (a->tls != NULL && !a->tls_up && a->phase != ASSOC_GONE) {
		assoc_tls_handshake(a);
		return;
	}
	a->tls_wait = 0;
	a->progress = now_ms();
	assoc_flush(a);
	if (a->phase != ASSOC_GONE)
		assoc_run(a);
}

/* Layers */

static void
t_data_ind(void *arg, const uint8_t *p, size_t len, int last)
{
	struct assoc *a = arg;

	rts_input(a->rts, p, len, last);
}

static void
t_disconnect_ind(void *arg, int reason, const char *why)
{
	struct assoc *a = arg;

	assoc_debug(a, "transport: disconnected, reason %d: %s", reason, why);
	a->ping_dr = reason;
	rts_disconnected(a->rts, why);
}

static void
t_connect_ind(void *arg, const struct selector *calling,
    const struct selector *called)
{
	struct assoc *a = arg;
	const struct selector *want = &a->local_tsel;

	assoc_debug(a, "transport: receive CR, from \"%s\" to \"%s\"",
	    log_octets(calling->octets, calling->len),
	    log_octets(called->octets, called->len));
	if (want->len > 0 && (called->len != want->len ||
	    memcmp(called->octets, want->octets, want->len) != 0)) {
		log_warnx(EVT_ASSOC_REFUSED, "%s: called transport selector "
		    "\"%s\" is not \"%s\", the one we listen on",
		    assoc_name(a), log_octets(called->octets, called->len),
		    log_octets(want->octets, want->len));
		a->said = 1;
		t_connect_refuse(a->t, 3);	/* address unknown */
		rts_disconnected(a->rts, "unknown transport selector");
		return;
	}
	a->t_up = 1;
	t_connect_rsp(a->t);
	assoc_debug(a, "transport: send CC, TPDU of %u octets",
	    transport_tpdu_size(a->t));
}

static void
t_connect_cnf(void *arg)
{
	struct assoc *a = arg;
	struct rts_open o;

	a->t_up = 1;
	assoc_debug(a, "transport: receive CC, TPDU of %u octets",
	    transport_tpdu_size(a->t));
	if (a->ping)
		ping_transport_up(a);
	memset(&o, 0, sizeof(o));
	o.id = a->open.id;
	o.turn = a->open.turn;
	o.pconnect.normal = a->peer.mode == MODE_NORMAL;
	o.pconnect.checkpoint = a->open.checkpoint;
	o.pconnect.window = a->open.window;
	o.pconnect.dialogue = a->open.dialogue;
	o.pconnect.protocol = a->peer.mode == MODE_X410_1988 ? 12 : 1;
	o.calling_ssel = a->peer.local_ssel;
	o.called_ssel = a->peer.remote_ssel[a->address_index];
	o.calling_psel = a->peer.local_psel;
	o.called_psel = a->peer.remote_psel[a->address_index];
	o.calling_title = a->peer.local_title;
	o.called_title = a->peer.remote_title;
	o.pconnect.version = -1;
	if (a->open.recover) {
		o.pconnect.data.recover = 1;
		o.pconnect.data.recovered = a->open.recovered;
	} else {
		o.pconnect.data.has_credentials = 1;
		o.pconnect.data.credentials = a->peer.local;
	}
	assoc_debug_connect(a, "propose", &o.pconnect);
	if (rts_open_req(a->rts, &o) == -1)
		rts_abort_req(a->rts, RTS_ABORT_LOCAL_SYSTEM_PROBLEM,
		    "PConnect cannot be sent");
}

static const struct t_user transport_user = {
	.t_connect_ind = t_connect_ind,
	.t_connect_cnf = t_connect_cnf,
	.t_data_ind = t_data_ind,
	.t_disconnect_ind = t_disconnect_ind,
	.output = output,
};

static void
s_t_data_req(void *arg, const uint8_t *p, size_t len, int last)
{
	struct assoc *a = arg;

	t_data_req(a->t, p, len, last);
}

static void
s_t_disconnect_req(void *arg)
{
	/* The TCP connection goes when what was put out has left. */
}

static const struct s_transport session_transport = {
	.t_data_req = s_t_data_req,
	.t_disconnect_req = s_t_disconnect_req,
};

/* Life */

static struct assoc *
assoc_new(uint32_t id, int initiator)
{
	struct assoc *a;

	if (nassocs >= ASSOC_LIMIT || (a = calloc(1, sizeof(*a))) == NULL)
		return (NULL);
	a->id = id;
	a->initiator = initiator;
	a->fd = -1;
	a->phase = ASSOC_TRANSPORT;
	a->progress = a->phase_since = now_ms();
	TAILQ_INIT(&a->outq);
	TAILQ_INIT(&a->held);
	a->out = evbuffer_new();
	a->rts = rts_new(&assoc_rts_user, a, &session_transport, a, initiator);
	if (a->out == NULL || a->rts == NULL ||
	    RB_INSERT(assocs, &assocs, a) != NULL) {
		if (a->out != NULL)
			evbuffer_free(a->out);
		rts_free(a->rts);
		free(a);
		return (NULL);
	}
	rts_trace(a->rts, assoc_debug_spdu, a);
	nassocs++;
	return (a);
}

void
assoc_detach(struct assoc *a)
{
	if (a->rev != NULL)
		event_free(a->rev);
	if (a->wev != NULL)
		event_free(a->wev);
	if (a->fev != NULL)
		event_free(a->fev);
	a->rev = a->wev = a->fev = NULL;
	trace_detach(a);
	tls_free(a->tls);	/* while there is the descriptor */
	a->tls = NULL;
	a->tls_up = a->tls_unsure = a->tls_wait = 0;
	if (a->fd != -1)
		close(a->fd);
	a->fd = -1;
	evbuffer_drain(a->out, evbuffer_get_length(a->out));
	transport_free(a->t);
	a->t = NULL;
}

static void
assoc_free(struct assoc *a)
{
	RB_REMOVE(assocs, &assocs, a);
	nassocs--;
	admit_leave(a);
	assoc_detach(a);
	xfer_free_all(a);
	recv_free(a);
	evbuffer_free(a->out);
	rts_free(a->rts);
	explicit_bzero(&a->peer, sizeof(a->peer));
	explicit_bzero(&a->pconnect, sizeof(a->pconnect));
	free(a);
}

/* The words of rts.c are what goes after those that spoold has for a kind. */
const char *
assoc_end_text(int kind, const char *why)
{
	static char text[200];

	if (kind == DOWN_RELEASED)
		snprintf(text, sizeof(text), "released%s%s",
		    *why != '\0' ? " " : "", why);
	else if (kind == DOWN_ABORTED_BY_PEER)
		snprintf(text, sizeof(text), "aborted by the peer%s%s",
		    *why != '\0' ? ": " : "", why);
	else
		return (why);
	return (text);
}

/* The last word to spoold; the descriptor may outlive it a little. */
void
assoc_over(struct assoc *a, int kind, int reason, const char *why)
{
	struct assoc_down ad;
	struct source *s;

	if (a->phase == ASSOC_GONE)
		return;
	if (a->ping)
		ping_over(a, kind, reason, kind == DOWN_RELEASED ?
		    assoc_end_text(kind, why) : why);
	else if (a->known) {
		recv_flush(a);
		memset(&ad, 0, sizeof(ad));
		ad.kind = kind;
		ad.reason = reason;
		ad.was_up = a->was_up;
		strlcpy(ad.text, why, sizeof(ad.text));
		to_spoold(IMSG_ASSOC_DOWN, a, &ad, sizeof(ad));
	} else if (a->address[0] != '\0' && !a->said) {
		s = admit_quiet(a);
		log_info(EVT_ASSOC_UNKNOWN, "%s: %s", assoc_name(a),
		    assoc_end_text(kind, why));
		admit_loud(s);
	}
	a->phase = ASSOC_GONE;
	trace_over(a, assoc_end_text(kind, why));
	a->tls_unsure = a->tls_wait = 0;
	a->progress = a->phase_since = now_ms();
	if (a->paused && a->rev != NULL) {
		a->paused = 0;
		event_add(a->rev, NULL);
	}
}

static int
assoc_attach(struct assoc *a, int fd, uint32_t tpdu)
{
	int one = 1;

	if ((a->t = transport_new(&transport_user, a, a->initiator,
	    tpdu)) == NULL)
		return (-1);
	a->rev = event_new(base, fd, EV_READ | EV_PERSIST, assoc_read, a);
	a->wev = event_new(base, fd, EV_WRITE, assoc_write, a);
	a->fev = event_new(base, -1, 0, assoc_flush_soon, a);
	if (a->rev == NULL || a->wev == NULL || a->fev == NULL)
		return (-1);
	a->fd = fd;
	/* An acknowledgement must not wait for the next data. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	evutil_make_socket_nonblocking(fd);
	trace_attach(a);
	a->paused = all_paused;
	if (!a->paused)
		event_add(a->rev, NULL);
	return (0);
}

void
assoc_evict(struct assoc *a)
{
	assoc_over(a, DOWN_TIMEOUT, 0, "closed, for newer ones to have room");
	assoc_free(a);
}

static uint32_t
incoming_number(void)
{
	uint32_t id, tries;

	for (tries = 0; tries < ASSOC_LIMIT + 1; tries++) {
		id = (++next_incoming & ~ASSOC_INCOMING) | ASSOC_INCOMING;
		if (assoc_find(id) == NULL)
			break;
	}
	return (id);
}

void
assoc_accept(int fd, const struct sockaddr *sa, const char *address,
    const struct listen_conf *lc, struct tls_ctx *tls)
{
	struct assoc *a;
	struct source *s;
	const char *why = "out of memory";

	if ((a = assoc_new(incoming_number(), 0)) == NULL) {
		close(fd);
		log_warnx(EVT_CONNECTION_DROPPED, "address=\"%s\": too many",
		    address);
		return;
	}
	strlcpy(a->address, address, sizeof(a->address));
	a->local_tsel = lc->tsel;
	if (admit_enter(a, sa, &why) == -1 ||
	    assoc_attach(a, fd, TPDU_SIZE_MAX) == -1 || (tls != NULL &&
	    assoc_tls_accepted(a, tls, lc->tls == TLS_OPTIONAL) == -1)) {
		if (a->fd == -1)
			close(fd);
		s = admit_quiet(a);
		log_warnx(EVT_CONNECTION_DROPPED, "address=\"%s\": %s",
		    address, why);
		admit_loud(s);
		assoc_free(a);
		return;
	}
	/* who speaks at once is not taken for one who is silent */
	if (!a->paused)
		assoc_read(fd, EV_READ, a);
}

void
assoc_connect(struct assoc *a)
{
	uint32_t req[2] = { a->peer.id, a->address_index };

	a->phase = ASSOC_CONNECTING;
	imsgev_compose(&parent, IMSG_CONNECT, a->id, 0, -1, req, sizeof(req));
}

struct assoc *
assoc_create(uint32_t id, const struct assoc_open *ao)
{
	struct assoc *a;

	/* What lingers here is over for spoold, which may use its number. */
	if ((a = assoc_find(id)) != NULL && a->phase == ASSOC_GONE)
		assoc_free(a);
	if (id & ASSOC_INCOMING || assoc_find(id) != NULL ||
	    (a = assoc_new(id, 1)) == NULL)
		return (NULL);
	a->open = *ao;
	a->phase = ASSOC_CONNECTING;
	return (a);
}

/* Without memory or place for it, which costs the others nothing. */
static void
no_room(uint32_t id)
{
	struct assoc_down ad;

	memset(&ad, 0, sizeof(ad));
	ad.kind = DOWN_CONNECT_FAILED;
	strlcpy(ad.text, "no memory or no place for another connection",
	    sizeof(ad.text));
	imsgev_compose(spoold, IMSG_ASSOC_DOWN, id, 0, -1, &ad, sizeof(ad));
}

/* spoold wants an association; mtad makes the connection. */
int
assoc_begin(uint32_t id, const struct assoc_open *ao)
{
	const struct peer_conf *peer;
	struct assoc *a;

	if ((a = assoc_create(id, ao)) == NULL) {
		if (id & ASSOC_INCOMING || assoc_find(id) != NULL)
			return (-1);
		no_room(id);
		return (0);
	}
	a->known = 1;
	if ((peer = peer_by_id(ao->peer)) == NULL || peer->naddress == 0) {
		assoc_over(a, DOWN_CONNECT_FAILED, 0,
		    "no address configured for the peer");
		return (0);
	}
	a->peer = *peer;
	a->has_peer = 1;
	assoc_connect(a);
	return (0);
}

void
assoc_call(struct assoc *a)
{
	assoc_debug(a, "transport: send CR");
	if (t_connect_req(a->t, &a->peer.local_tsel,
	    &a->peer.remote_tsel[a->address_index]) == -1)
		assoc_over(a, DOWN_CONNECT_FAILED, 0, "CR cannot be sent");
	assoc_flush(a);
}

void
assoc_connected(struct assoc *a, int fd, const char *address)
{
	const char *why = NULL;

	if (a->phase != ASSOC_CONNECTING) {
		close(fd);
		return;
	}
	strlcpy(a->address, address, sizeof(a->address));
	if (a->tried[0] != '\0')
		log_info(EVT_ADDRESS_NEXT, "%s: %s", assoc_name(a), a->tried);
	if (assoc_attach(a, fd, a->peer.tpdu_size) == -1) {
		if (a->fd == -1)
			close(fd);
		assoc_over(a, DOWN_CONNECT_FAILED, 0, "out of memory");
		return;
	}
	a->phase = ASSOC_TRANSPORT;
	a->progress = a->phase_since = now_ms();
	if (a->ping)
		ping_connected(a);
	if (assoc_tls_connected(a, &why) == -1) {
		assoc_over(a, DOWN_CONNECT_FAILED, 0, why);
		assoc_flush(a);
	} else if (a->tls != NULL)
		assoc_tls_handshake(a);
	else
		assoc_call(a);
}

void
assoc_connect_failed(struct assoc *a, const char *why)
{
	if (a->phase != ASSOC_CONNECTING)
		return;
	if (a->ping) {
		assoc_over(a, DOWN_CONNECT_FAILED, 0, why);
		return;
	}
	if (a->tried[0] != '\0')
		strlcat(a->tried, "; ", sizeof(a->tried));
	strlcat(a->tried, why, sizeof(a->tried));
	if (++a->address_index < a->peer.naddress)
		assoc_connect(a);
	else
		assoc_over(a, DOWN_CONNECT_FAILED, 0, a->tried);
}

void
assoc_close(struct assoc *a)
{
	if (a->phase == ASSOC_OPEN) {
		a->closing = 1;
		assoc_run(a);
	} else
		assoc_abort(a, RTS_ABORT_TEMPORARY_PROBLEM, "not needed", 0);
}

void
assoc_abort(struct assoc *a, int reason, const char *why, int silent)
{
	if (a->phase == ASSOC_GONE)
		return;
	if (a->phase == ASSOC_CONNECTING) {
		imsgev_compose(&parent, IMSG_CONNECT_CANCEL, a->id, 0, -1,
		    NULL, 0);
		assoc_over(a, DOWN_ABORTED_BY_US, reason, why);
		return;
	}
	if (silent)
		assoc_over(a, DOWN_ABORTED_BY_US, reason, why);
	else
		rts_abort_req(a->rts, reason, why);
	assoc_flush(a);
}

void
assoc_abort_all(int reason, const char *why)
{
	struct assoc *a, *next;

	RB_FOREACH_SAFE(a, assocs, &assocs, next) {
		assoc_abort(a, reason, why, 0);
		a->known = 0;
	}
}

void
assoc_close_all(void)
{
	struct assoc *a, *next;

	RB_FOREACH_SAFE(a, assocs, &assocs, next) {
		if (a->phase == ASSOC_GONE)
			continue;
		xfer_free_all_but_current(a);
		assoc_close(a);
	}
}

static void
tick_opening(struct assoc *a, uint64_t now)
{
	uint64_t limit;

	if (assoc_tls_tick(a, now))
		return;
	limit = a->has_peer ? a->peer.open_timeout : mta()->half_open_time;
	if (now - a->phase_since <= limit * 1000)
		return;
	if (a->was_up || !a->initiator)
		log_warnx(EVT_ASSOC_REFUSED, "%s: not open after %llu s",
		    assoc_name(a), (unsigned long long)limit);
	assoc_over(a, DOWN_TIMEOUT, 0,
	    "no answer within the time for opening");
	assoc_flush(a);
}

static void
tick_open(struct assoc *a, uint64_t now)
{
	if (a->cur == NULL && a->in == NULL && !a->holding) {
		if (now - a->progress > 1000)
			xfer_idle_turn(a);
		return;
	}
	if (a->paused || now - a->progress <=
	    (uint64_t)a->peer.transfer_timeout * 1000)
		return;
	rts_abort_req(a->rts, RTS_ABORT_TEMPORARY_PROBLEM,
	    "transfer makes no progress");
	assoc_flush(a);
}

void
assoc_trace_end(void)
{
	struct assoc *a;

	RB_FOREACH(a, assocs, &assocs)
		if (a->flow != NULL)
			trace_forget(a);
}

/* Time limits, once a second. */
void
assoc_tick(void)
{
	struct assoc *a, *next;
	struct source *s;
	uint64_t now = now_ms();

	RB_FOREACH_SAFE(a, assocs, &assocs, next) {
		if (a->ping && a->phase != ASSOC_GONE) {
			ping_tick(a, now);
			continue;
		}
		s = admit_quiet(a);
		switch (a->phase) {
		case ASSOC_CONNECTING:
			break;		/* mtad's limit */
		case ASSOC_TRANSPORT:
		case ASSOC_ASKED:
			tick_opening(a, now);
			break;
		case ASSOC_OPEN:
			tick_open(a, now);
			break;
		case ASSOC_GONE:
			if (a->fd == -1 || a->progress == 0 ||
			    now - a->phase_since > LINGER * 1000)
				assoc_free(a);
			break;
		}
		admit_loud(s);
	}
}
