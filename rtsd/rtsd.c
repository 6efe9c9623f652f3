/* SPDX-License-Identifier: ISC */

/*
 * rtsd: channels, configuration and listening sockets of the network
 * process.  It is started by mtad with its channel as descriptor PROC_FD,
 * gets configuration and descriptors over it, confines itself, and then has
 * nothing but those descriptors.
 */

#include <sys/socket.h>

#include <netdb.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "imsg.h"
#include "log.h"
#include "rtsd.h"
#include "sandbox.h"

#define CAREFUL		600000	/* ms, see to_spoold_now */
#define SHUTDOWN_GRACE	3	/* s for transfers under way */

struct listener {
	TAILQ_ENTRY(listener)	 entry;
	struct listen_conf	 conf;
	struct tls_ctx		*tls;		/* NULL: plain */
	int			 fd;
	int			 resting;	/* until the next tick */
	struct event		*ev;
};
TAILQ_HEAD(listeners, listener);

struct peer {
	TAILQ_ENTRY(peer)	 entry;
	struct peer_conf	 conf;
	int			 has_tls;
	struct peer_tls		 tls;
};
TAILQ_HEAD(peers, peer);

struct conf {
	struct mta_conf		 mta;
	int			 has_mta;
	struct peers		 peers;
	struct listeners	 listeners;
	struct source_conf	*sources;
	size_t			 nsources;
	struct tls_pem		*pems;		/* until CONF_END */
	struct tls_ctx		*tls;
};

struct event_base	*base;
struct imsgev		 parent;
struct imsgev		*spoold;
static struct imsgev	 spoold_ev;
static struct conf	*conf;		/* in force */
static struct conf	*staged;	/* between CONF_BEGIN and CONF_END */
static struct event	*tick;
static int		 confined, unconfined, stopping;
static int		 joined;	/* spoold was there once */
static uint64_t		 stopping_since;
static const char	*user = RTSD_USER;
static const char	*root = EMPTY_DIR;

uint64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((uint64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
}

const struct mta_conf *
mta(void)
{
	return (&conf->mta);
}

const struct peer_conf *
peer_by_id(uint32_t id)
{
	struct peer *p;

	TAILQ_FOREACH(p, &conf->peers, entry)
		if (p->conf.id == id)
			return (&p->conf);
	return (NULL);
}

uint32_t
peer_by_remote_name(const char *name)
{
	struct peer *p;

	TAILQ_FOREACH(p, &conf->peers, entry)
		if (strcmp(p->conf.remote.name, name) == 0)
			return (p->conf.id);
	return (0);
}

const struct peer_tls *
peer_tls(uint32_t id)
{
	struct peer *p;

	TAILQ_FOREACH(p, &conf->peers, entry)
		if (p->conf.id == id)
			return (p->has_tls ? &p->tls : NULL);
	return (NULL);
}

/* Takes the same time whatever the two hold; both are NUL terminated. */
int
secret_equal(const char *a, const char *b)
{
	volatile unsigned char diff = 0;
	unsigned char x[UB_PASSWORD + 1], y[UB_PASSWORD + 1];
	size_t i;

	memset(x, 0, sizeof(x));
	memset(y, 0, sizeof(y));
	strlcpy((char *)x, a, sizeof(x));
	strlcpy((char *)y, b, sizeof(y));
	for (i = 0; i < sizeof(x); i++)
		diff |= x[i] ^ y[i];
	explicit_bzero(x, sizeof(x));
	explicit_bzero(y, sizeof(y));
	return (diff == 0);
}

const struct peer_conf *
peer_by_credentials(const struct credentials *c, const char **why)
{
	const struct peer_conf *found = NULL;
	struct peer *p;
	int named = 0, same;

	TAILQ_FOREACH(p, &conf->peers, entry) {
		if (strcmp(p->conf.remote.name, c->name) != 0)
			continue;
		named = 1;
		same = secret_equal(p->conf.remote.password, c->password);
		if (same && found == NULL)
			found = &p->conf;
	}
	*why = named ? "the password does not match" :
	    "no peer has this remote name";
	if (found != NULL && found->disabled) {
		*why = "the peer is disabled";
		return (NULL);
	}
	return (found);
}

/* -1 only when the channel is gone. */
int
to_spoold(uint32_t type, struct assoc *a, const void *p, size_t len)
{
	if (spoold == NULL || !a->known)
		return (-1);
	if (imsgev_compose(spoold, type, a->id, 0, -1, p, len) == -1)
		return (-1);
	if (imsgev_pending(spoold) > SPOOL_HIGH)
		assoc_pause_all(1);
	return (0);
}

/*
 * An rtsd that has not lived for long may be the successor of one that died
 * of what is about to come once more: spoold is to know whose it was.
 */
void
to_spoold_now(void)
{
	static uint64_t born;

	if (born == 0)
		born = now_ms();
	if (spoold != NULL && now_ms() - born < CAREFUL)
		imsgbuf_write(&spoold->ibuf);	/* the loop sees if it fails */
}

int
to_spoold_v(uint32_t type, struct assoc *a, const struct iovec *iov, int n)
{
	if (spoold == NULL || !a->known)
		return (-1);
	if (imsgev_sendv(spoold, type, a->id, 0, iov, n) == -1)
		return (-1);
	if (imsgev_pending(spoold) > SPOOL_HIGH)
		assoc_pause_all(1);
	return (0);
}

/* Listening sockets */

/*
 * Without descriptors or memory a half-open connection makes room; when there
 * is none we stop looking for a while, for the loop would be at it all the
 * time.
 */
static void
accept_failed(struct listener *l)
{
	if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
		return;
	if ((errno == EMFILE || errno == ENFILE) && admit_shed() == 0)
		return;
	log_warn(EVT_SYSTEM, ": accept on %s, the next try is in a second",
	    l->conf.address);
	event_del(l->ev);
	l->resting = 1;
}

static void
listeners_wake(struct listeners *ls)
{
	struct listener *l;

	TAILQ_FOREACH(l, ls, entry)
		if (l->resting) {
			l->resting = 0;
			event_add(l->ev, NULL);
		}
}

static void
accept_cb(int fd, short what, void *arg)
{
	struct listener *l = arg;
	struct sockaddr_storage ss;
	socklen_t len;
	char host[48], serv[8], address[64];
	int s, i;

	for (i = 0; i < ACCEPT_TURN; i++) {
		len = sizeof(ss);
		s = accept4(fd, (struct sockaddr *)&ss, &len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (s == -1) {
			accept_failed(l);
			return;
		}
		if (getnameinfo((struct sockaddr *)&ss, len, host,
		    sizeof(host), serv, sizeof(serv),
		    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
			close(s);
			continue;
		}
		snprintf(address, sizeof(address), "%s port %s", host, serv);
		assoc_accept(s, (struct sockaddr *)&ss, address, &l->conf,
		    l->tls);
	}
}

static void
listeners_free(struct listeners *ls)
{
	struct listener *l;

	while ((l = TAILQ_FIRST(ls)) != NULL) {
		TAILQ_REMOVE(ls, l, entry);
		if (l->ev != NULL)
			event_free(l->ev);
		if (l->fd != -1)
			close(l->fd);
		free(l);
	}
}

static void
listeners_start(struct listeners *ls)
{
	struct listener *l;

	TAILQ_FOREACH(l, ls, entry) {
		if (l->ev != NULL)
			continue;
		evutil_make_socket_nonblocking(l->fd);
		l->ev = event_new(base, l->fd, EV_READ | EV_PERSIST,
		    accept_cb, l);
		if (l->ev == NULL)
			fatalx("out of memory");
		event_add(l->ev, NULL);
	}
}

/* Configuration */

static struct conf *
conf_new(void)
{
	struct conf *c;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		fatalx("out of memory");
	TAILQ_INIT(&c->peers);
	TAILQ_INIT(&c->listeners);
	return (c);
}

static void
conf_free(struct conf *c)
{
	struct peer *p;

	if (c == NULL)
		return;
	while ((p = TAILQ_FIRST(&c->peers)) != NULL) {
		TAILQ_REMOVE(&c->peers, p, entry);
		explicit_bzero(p, sizeof(*p));
		free(p);
	}
	listeners_free(&c->listeners);
	free(c->sources);
	tls_pem_free(c->pems);
	tls_ctx_free(c->tls);
	explicit_bzero(c, sizeof(*c));
	free(c);
}

static void
conf_peer(struct imsg *imsg)
{
	struct peer *p;
	int i;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		fatalx("out of memory");
	if (imsg_get_data(imsg, &p->conf, sizeof(p->conf)) == -1 ||
	    p->conf.naddress > PEER_ADDRESSES_MAX ||
	    p->conf.local_tsel.len > TSEL_MAX)
		fatalx("bad peer in the configuration");
	for (i = 0; i < p->conf.naddress; i++)
		if (p->conf.remote_tsel[i].len > TSEL_MAX)
			fatalx("bad peer in the configuration");
	p->conf.name[sizeof(p->conf.name) - 1] = '\0';
	TAILQ_INSERT_TAIL(&staged->peers, p, entry);
}

static void
conf_source(struct imsg *imsg)
{
	struct source_conf *n, sc;

	if (imsg_get_data(imsg, &sc, sizeof(sc)) == -1 ||
	    (sc.family != AF_INET && sc.family != AF_INET6))
		fatalx("bad address in the configuration");
	if ((n = reallocarray(staged->sources, staged->nsources + 1,
	    sizeof(sc))) == NULL)
		fatalx("out of memory");
	staged->sources = n;
	staged->sources[staged->nsources++] = sc;
}

static void
conf_listen(struct imsg *imsg)
{
	struct listener *l;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		fatalx("out of memory");
	if (imsg_get_data(imsg, &l->conf, sizeof(l->conf)) == -1 ||
	    l->conf.tsel.len > TSEL_MAX || l->conf.tls > TLS_OPTIONAL ||
	    (l->fd = imsg_get_fd(imsg)) == -1)
		fatalx("bad listening socket in the configuration");
	l->conf.address[sizeof(l->conf.address) - 1] = '\0';
	TAILQ_INSERT_TAIL(&staged->listeners, l, entry);
}

static void
conf_pem(struct imsg *imsg)
{
	struct ibuf b;

	if (imsg_get_ibuf(imsg, &b) == -1 || tls_pem_add(&staged->pems,
	    imsg_get_id(imsg), ibuf_data(&b), ibuf_size(&b)) == -1)
		fatalx("bad certificate in the configuration");
}

/* Of the peer that came last. */
static void
conf_tls_peer(struct imsg *imsg)
{
	struct peer *p = TAILQ_LAST(&staged->peers, peers);
	struct tls_peer_conf *c;
	int i;

	if (p == NULL)
		fatalx("bad peer in the configuration");
	c = &p->tls.conf;
	if (imsg_get_data(imsg, c, sizeof(*c)) == -1 ||
	    c->peer != p->conf.id || c->mode > TLS_OPTIONAL)
		fatalx("bad peer in the configuration");
	for (i = 0; i < PEER_ADDRESSES_MAX; i++)
		c->name[i][sizeof(c->name[i]) - 1] = '\0';
	c->remote_name[sizeof(c->remote_name) - 1] = '\0';
	p->has_tls = 1;
}

/* When all is there.  mtad has checked it: what fails now is not for us. */
static void
conf_tls(struct conf *c)
{
	const char *why;
	struct listener *l;
	struct peer *p;

	TAILQ_FOREACH(l, &c->listeners, entry)
		if (l->conf.tls != TLS_NO && (l->tls = tls_ctx_get(&c->tls,
		    c->pems, 0, l->conf.tls_certificate, l->conf.tls_ca,
		    l->conf.tls_verify, &why)) == NULL)
			fatalx("listen on %s: TLS: %s", l->conf.address, why);
	TAILQ_FOREACH(p, &c->peers, entry)
		if (p->has_tls && p->tls.conf.mode != TLS_NO &&
		    (p->tls.ctx = tls_ctx_get(&c->tls, c->pems, 1,
		    p->tls.conf.certificate, p->tls.conf.ca, 1,
		    &why)) == NULL)
			fatalx("peer %s: TLS: %s", p->conf.name, why);
	tls_pem_free(c->pems);
	c->pems = NULL;
}

static void
confine(void)
{
	struct sandbox_conf sc;

	memset(&sc, 0, sizeof(sc));
	sc.user = user;
	sc.root = root;
	sc.unconfined = unconfined;
	if (sandbox_enter(ROLE_RTSD, &sc) == -1)
		fatalx("cannot confine myself, so I do not run");
	confined = 1;
}

/* How many peers are to be told of in detail, and not all are. */
static void
count_verbose(void)
{
	struct peer *p;
	unsigned n = 0;

	TAILQ_FOREACH(p, &conf->peers, entry)
		n += p->conf.verbose != 0;
	debug_peers(n);
}

static void
set_verbose(const struct log_verbose *v)
{
	struct peer *p;

	if (v->peer == 0) {
		log_setverbose(v->verbose);
		return;
	}
	TAILQ_FOREACH(p, &conf->peers, entry)
		if (p->conf.id == v->peer)
			p->conf.verbose = v->verbose != 0;
	count_verbose();
}

static void
conf_end(void)
{
	if (staged == NULL || !staged->has_mta)
		fatalx("configuration incomplete");
	conf_tls(staged);
	conf_free(conf);
	conf = staged;
	staged = NULL;
	assoc_tls_forget();
	log_setverbose(conf->mta.verbose);
	count_verbose();
	if (!confined)
		confine();
	admit_configured(conf->sources, conf->nsources);
	/* who calls before spoold is there for the first time waits a moment,
	 * and does not hear "busy" */
	if (!stopping && joined)
		listeners_start(&conf->listeners);
	imsgev_compose(&parent, IMSG_READY, 0, 0, -1, NULL, 0);
}

/* Channels */

static void
spoold_lost(const char *why)
{
	if (spoold == NULL)
		return;
	if (stopping)
		log_debug("process=spoold: %s, as mtad stops", why);
	else
		log_warnx(EVT_CHANNEL_LOST, "process=spoold: %s", why);
	imsgev_free(spoold);
	spoold = NULL;
	trace_stop_all();
	/* What is under way is resumed when the peers come again. */
	assoc_abort_all(RTS_ABORT_TEMPORARY_PROBLEM, "spoold is gone");
	assoc_pause_all(0);
}

static int
spoold_assoc_imsg(struct assoc *a, struct imsg *imsg)
{
	struct assoc_answer an;
	struct assoc_abort ab;

	switch (imsg_get_type(imsg)) {
	case IMSG_ASSOC_ANSWER:
		if (imsg_get_data(imsg, &an, sizeof(an)) == -1 ||
		    an.refuse > RTS_UNACCEPTABLE_DIALOGUE_MODE ||
		    an.turn > TURN_RESPONDER || an.dialogue > DIALOGUE_TWA)
			return (-1);
		assoc_answer(a, &an);
		return (0);
	case IMSG_ASSOC_CLOSE:
		assoc_close(a);
		return (0);
	case IMSG_ASSOC_ABORT:
		if (imsg_get_data(imsg, &ab, sizeof(ab)) == -1 ||
		    ab.reason > RTS_ABORT_TRANSFER_COMPLETED)
			return (-1);
		assoc_abort(a, ab.reason, ab.silent ? "superseded" :
		    "aborted by spoold", ab.silent);
		return (0);
	case IMSG_XFER_REQ:
	case IMSG_XFER_ENVELOPE:
	case IMSG_XFER_HEAD:
	case IMSG_XFER_CONTENT:
	case IMSG_XFER_GO:
	case IMSG_XFER_STORED:
	case IMSG_XFER_CANCEL:
	case IMSG_XFER_SETTLED:
		return (xfer_imsg(a, imsg));
	default:
		return (recv_imsg(a, imsg));
	}
}

/* On mtactl's behalf.  -1: it does not fit. */
static int
live_imsg(uint32_t id, struct imsg *imsg)
{
	struct ping_open po;
	struct trace_open to;

	switch (imsg_get_type(imsg)) {
	case IMSG_PING:
		if (imsg_get_data(imsg, &po, sizeof(po)) == -1 ||
		    po.limit == 0 || po.limit > PING_LIMIT_MAX ||
		    po.id.user_len > S_USER_REFERENCE_MAX ||
		    po.id.common_len > S_COMMON_REFERENCE_MAX ||
		    po.id.additional_len > S_ADDITIONAL_REFERENCE_MAX)
			return (-1);
		return (ping_begin(id, &po));
	case IMSG_PING_CANCEL:
		ping_cancel(id);
		return (0);
	case IMSG_TRACE:
		if (imsg_get_data(imsg, &to, sizeof(to)) == -1)
			return (-1);
		return (trace_begin(id, &to));
	default:
		trace_stop(id);
		return (0);
	}
}

static void
spoold_imsg(struct imsgev *iev, struct imsg *imsg, void *arg)
{
	struct assoc_open ao;
	struct assoc *a;
	uint32_t type = imsg_get_type(imsg), id = imsg_get_id(imsg);
	int ret;

	if (type <= IMSG_NONE || type >= IMSG_TYPE_MAX) {
		spoold_lost("unknown imsg");
		return;
	}
	if (type == IMSG_ASSOC_OPEN) {
		if (imsg_get_data(imsg, &ao, sizeof(ao)) == -1 ||
		    ao.id.user_len > S_USER_REFERENCE_MAX ||
		    ao.id.common_len > S_COMMON_REFERENCE_MAX ||
		    ao.id.additional_len > S_ADDITIONAL_REFERENCE_MAX ||
		    ao.recovered.user_len > S_USER_REFERENCE_MAX ||
		    ao.recovered.common_len > S_COMMON_REFERENCE_MAX ||
		    ao.recovered.additional_len >
		    S_ADDITIONAL_REFERENCE_MAX ||
		    ao.turn > TURN_RESPONDER || ao.dialogue > DIALOGUE_TWA ||
		    assoc_begin(id, &ao) == -1)
			spoold_lost("bad ASSOC_OPEN");
		return;
	}
	if (type >= IMSG_PING && type <= IMSG_TRACE_STOP) {
		if (live_imsg(id, imsg) == -1)
			spoold_lost("imsg of a ping or trace out of place");
		return;
	}
	/* Associations that are over may still be spoken of. */
	if ((a = assoc_find(id)) == NULL || !a->known)
		return;
	if ((ret = spoold_assoc_imsg(a, imsg)) == -1) {
		log_warnx(EVT_IMSG_BAD, "process=spoold imsg=%u: does not fit",
		    type);
		spoold_lost("imsg out of place");
		return;
	}
	assoc_run(a);
}

static void
spoold_close(struct imsgev *iev, const char *why, void *arg)
{
	spoold_lost(why);
}

static void
spoold_drain(struct imsgev *iev, void *arg)
{
	assoc_pause_all(0);
}

static void
new_channel(struct imsg *imsg)
{
	int fd;

	if ((fd = imsg_get_fd(imsg)) == -1)
		fatalx("channel without a descriptor");
	spoold_lost("replaced");
	if (imsgev_init(&spoold_ev, base, fd, spoold_imsg, spoold_close,
	    spoold_drain, NULL, NULL) == -1)
		fatalx("out of memory");
	if (imsgbuf_set_maxsize(&spoold_ev.ibuf, IMSG_MAX) == -1)
		fatal("imsgbuf_set_maxsize");
	spoold = &spoold_ev;
	joined = 1;
	if (conf != NULL && !stopping)
		listeners_start(&conf->listeners);
}

static void
stop(void)
{
	if (stopping)
		return;
	stopping = 1;
	stopping_since = now_ms();
	if (conf != NULL)
		listeners_free(&conf->listeners);
	assoc_close_all();
}

static void
parent_imsg(struct imsgev *iev, struct imsg *imsg, void *arg)
{
	char text[256];
	struct assoc *a;
	struct ibuf b;
	size_t len;
	struct log_verbose verbose;
	int fd;

	switch (imsg_get_type(imsg)) {
	case IMSG_CONF_BEGIN:
		conf_free(staged);
		staged = conf_new();
		break;
	case IMSG_CONF_MTA:
		if (staged == NULL || imsg_get_data(imsg, &staged->mta,
		    sizeof(staged->mta)) == -1)
			fatalx("bad configuration");
		if (staged->mta.connections_per_address == 0 ||
		    staged->mta.half_open == 0)
			fatalx("bad configuration");
		staged->has_mta = 1;
		break;
	case IMSG_CONF_PEER:
		if (staged == NULL)
			fatalx("bad configuration");
		conf_peer(imsg);
		break;
	case IMSG_CONF_TLS_PEM:
		if (staged == NULL)
			fatalx("bad configuration");
		conf_pem(imsg);
		break;
	case IMSG_CONF_TLS_PEER:
		if (staged == NULL)
			fatalx("bad configuration");
		conf_tls_peer(imsg);
		break;
	case IMSG_CONF_SOURCE:
		if (staged == NULL)
			fatalx("bad configuration");
		conf_source(imsg);
		break;
	case IMSG_CONF_LISTEN:
		if (staged == NULL)
			fatalx("bad configuration");
		conf_listen(imsg);
		break;
	case IMSG_CONF_END:
		conf_end();
		break;
	case IMSG_CHANNEL:
		new_channel(imsg);
		break;
	case IMSG_TLS_CHANNEL:
		if ((fd = imsg_get_fd(imsg)) == -1 ||
		    tls_channel(base, fd) == -1)
			fatalx("bad channel for signatures");
		break;
	case IMSG_VERBOSE:
		if (imsg_get_data(imsg, &verbose, sizeof(verbose)) == 0)
			set_verbose(&verbose);
		break;
	case IMSG_SHUTDOWN:
		stop();
		break;
	case IMSG_CONNECT_DONE:
	case IMSG_CONNECT_FAIL:
		fd = imsg_get_fd(imsg);
		len = 0;
		if (imsg_get_ibuf(imsg, &b) == 0) {
			len = ibuf_size(&b);
			if (len >= sizeof(text))
				len = sizeof(text) - 1;
			memcpy(text, ibuf_data(&b), len);
		}
		text[len] = '\0';
		a = assoc_find(imsg_get_id(imsg));
		if (a == NULL) {
			if (fd != -1)
				close(fd);
		} else if (imsg_get_type(imsg) == IMSG_CONNECT_DONE &&
		    fd != -1)
			assoc_connected(a, fd, text);
		else
			assoc_connect_failed(a, text);
		break;
	default:
		fatalx("unknown imsg %u from mtad", imsg_get_type(imsg));
	}
}

static void
parent_close(struct imsgev *iev, const char *why, void *arg)
{
	/* Without mtad there is nothing to do here. */
	_exit(0);
}

static void
tick_cb(int fd, short what, void *arg)
{
	assoc_tick();
	admit_tick();
	if (conf != NULL)
		listeners_wake(&conf->listeners);
	trace_tick();
	if (!stopping)
		return;
	if (now_ms() - stopping_since > SHUTDOWN_GRACE * 1000)
		assoc_abort_all(RTS_ABORT_TEMPORARY_PROBLEM, "shutting down");
	if (assoc_count() == 0 ||
	    now_ms() - stopping_since > 2 * SHUTDOWN_GRACE * 1000)
		event_base_loopexit(base, NULL);
}

static void
usage(void)
{
	fprintf(stderr, "usage: rtsd [-duv] [-R directory] [-U user]\n"
	    "       rtsd -r [-du] [-U user] host port\n"
	    "rtsd is started by mtad(8).\n");
	exit(1);
}

int
main(int argc, char **argv)
{
	struct timeval second = { 1, 0 };
	int ch, debug = 0, verbose = 0, look_up = 0;

	while ((ch = getopt(argc, argv, "drR:uU:v")) != -1) {
		switch (ch) {
		case 'd':
			debug = 1;
			break;
		case 'r':
			look_up = 1;
			break;
		case 'R':
			root = optarg;
			break;
		case 'u':
			unconfined = 1;
			break;
		case 'U':
			user = optarg;
			break;
		case 'v':
			verbose++;
			break;
		default:
			usage();
		}
	}
	if (argc - optind != (look_up ? 2 : 0))
		usage();
	if (debug || look_up)
		log_init("rtsd", debug, verbose);
	else
		log_init_child("rtsd", verbose);
	if (fcntl(PROC_FD, F_GETFD) == -1)
		usage();
	/* passwords come before there is confinement */
	if (!unconfined && sandbox_secret() == -1)
		fatalx("cannot confine myself, so I do not run");
	signal(SIGPIPE, SIG_IGN);
	if (look_up)
		return (resolve(argv[optind], argv[optind + 1], user,
		    unconfined));
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);

	if (tls_init() == -1)
		fatalx("OpenSSL cannot be used");
	if ((base = event_base_new()) == NULL)
		fatalx("event_base_new");
	if (imsgev_init(&parent, base, PROC_FD, parent_imsg, parent_close,
	    NULL, NULL, NULL) == -1)
		fatalx("out of memory");
	imsgbuf_allow_fdpass(&parent.ibuf);
	imsgbuf_secret(&parent.ibuf);
	if ((tick = event_new(base, -1, EV_PERSIST, tick_cb, NULL)) == NULL)
		fatalx("out of memory");
	event_add(tick, &second);
	event_base_dispatch(base);
	conf_free(staged);
	conf_free(conf);
	assoc_tls_forget();
	tls_end();
	return (0);
}
