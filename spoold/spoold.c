/* SPDX-License-Identifier: ISC */

/*
 * spoold: the channels to mtad and rtsd, the event loop.  It is started by
 * mtad with its channel as descriptor PROC_FD, gets configuration and
 * descriptors over it, confines itself to the spool, and says IMSG_READY.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit.h"
#include "conf.h"
#include "imsgev.h"
#include "log.h"
#include "metrics.h"
#include "restore.h"
#include "sandbox.h"
#include "salvage.h"
#include "spoold.h"

#define SHUTDOWN_GRACE	8	/* s for associations to be released */
#define CHANNEL_GRACE	10	/* s for mtad to send another channel */
#define BATCH_MAX	(256 * 1024)	/* octets, then commit at once */
#define COMMIT_BY	5	/* ms after the first change, at the latest */

/* Of the loop: a commit comes when nothing more can be read. */
enum { PRIORITY_NONE, PRIORITY_READ, PRIORITY_COMMIT, PRIORITIES };

static struct event_base *base;
static struct imsgev	 parent;
static struct imsgev	 rtsd;		/* fd -1: not there */
static struct event	*timer, *delivered, *synced, *turn, *settle;
static uint64_t		 timer_at, stopping_since, channel_by;
static uint64_t		 dirty_since;	/* ms, 0: not dirty */
static int		 confined, unconfined;
static int		 ending;	/* mtad stops, rtsd first */
static const char	*user = SPOOLD_USER;
static const char	*root = SPOOL_DIR;

/* Time */

uint64_t
spool_clock(void)
{
	struct timespec	ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((uint64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
}

void
spool_wake(uint64_t when)
{
	struct timeval	tv;
	uint64_t	now = spool_clock(), ms;

	if (timer == NULL || (timer_at != 0 && when >= timer_at))
		return;
	ms = when > now ? when - now : 0;
	timer_at = when;
	tv.tv_sec = ms / 1000;
	tv.tv_usec = ms % 1000 * 1000;
	event_add(timer, &tv);
}

static void
timer_cb(int fd, short what, void *arg)
{
	uint64_t	now = spool_clock();

	timer_at = 0;
	if (channel_by != 0 && now >= channel_by)
		fatalx("no new channel to rtsd came: to be started again");
	spool_tick();
	if (sp.stopping && ((sp.nassoc == 0 && !command_busy()) ||
	    now - stopping_since > SHUTDOWN_GRACE * 1000) && !deliver_busy())
		event_base_loopexit(base, NULL);
	spool_wake(now + (sp.stopping ? 100 : 1000));
	spool_turn();
}

/* Nothing more is to be read: all that it changed is made durable. */
static void
turn_cb(int fd, short what, void *arg)
{
	dirty_since = 0;
	spool_commit_turn();
	if (rtsd.fd != -1)
		imsgev_flush(&rtsd);
	if (sp.dirty)
		event_active(turn, EV_TIMEOUT, 0);
}

void
spool_turn(void)
{
	uint64_t	now;

	if (sp.dirty) {
		now = spool_clock();
		if (dirty_since == 0)
			dirty_since = now;
		if (now - dirty_since >= COMMIT_BY || sp.batch > BATCH_MAX) {
			turn_cb(-1, 0, NULL);
			return;
		}
	}
	event_active(turn, EV_TIMEOUT, 0);
}

void
spool_turn_now(void)
{
	sp.batch = BATCH_MAX + 1;
}

static void
settle_cb(int fd, short what, void *arg)
{
	sp.settle = 1;
	spool_dirty_later();
	spool_turn();
}

void
spool_settle(void)
{
	struct timeval	tv = { 0, SETTLE * 1000 };

	if (!event_pending(settle, EV_TIMEOUT, NULL))
		event_add(settle, &tv);
}

void
spool_restart(void)
{
	exit(1);
}

/* rtsd */

int
rtsd_connected(void)
{
	return (rtsd.fd != -1);
}

int
rtsd_send(uint32_t type, uint32_t id, int fd, const void *data, size_t len)
{
	if (rtsd.fd != -1 && imsgev_compose(&rtsd, type, id, 0, fd, data,
	    len) == 1)
		return (0);
	if (rtsd.fd != -1)
		log_warn(EVT_SYSTEM, ": imsg to rtsd");
	if (fd != -1)
		close(fd);
	return (-1);
}

int
rtsd_send_pieces(uint32_t type, uint32_t id, const void *data, size_t len)
{
	const uint8_t	*p = data;
	size_t		 n;

	for (; len > 0; p += n, len -= n) {
		n = len > FRAGMENT_MAX ? FRAGMENT_MAX : len;
		if (rtsd_send(type, id, -1, p, n) == -1)
			return (-1);
	}
	return (0);
}

void
mtad_send(uint32_t type, const void *data, size_t len)
{
	imsgev_compose(&parent, type, 0, 0, -1, data, len);
}

int
mtad_ask(uint32_t type, uint32_t id, int fd, const void *data, size_t len)
{
	if (imsgev_compose(&parent, type, id, 0, fd, data, len) == 1)
		return (0);
	log_warn(EVT_SYSTEM, ": imsg to mtad");
	if (fd != -1)
		close(fd);
	return (-1);
}

static void
rtsd_lost(const char *why)
{
	if (rtsd.fd == -1)
		return;
	if (ending)
		log_debug("process=rtsd: %s, as mtad stops", why);
	else
		log_warnx(EVT_CHANNEL_LOST, "process=rtsd: %s", why);
	imsgev_free(&rtsd);
	rtsd_gone();
	spool_turn();
}

static void
rtsd_handler(struct imsgev *iev, struct imsg *imsg, void *arg)
{
	struct ibuf	body;
	uint8_t		*data = NULL;
	size_t		 len = 0;

	if (imsg_get_ibuf(imsg, &body) == 0) {
		data = ibuf_data(&body);
		len = ibuf_size(&body);
	}
	if (rtsd_imsg(imsg_get_type(imsg), imsg_get_id(imsg), data,
	    len) == -1) {
		log_warnx(EVT_IMSG_BAD, "process=rtsd imsg=%u: does not fit",
		    imsg_get_type(imsg));
		channel_by = spool_clock() + CHANNEL_GRACE * 1000;
		rtsd_lost("dropped");
		return;
	}
	sp.batch += len;
	if (sp.batch > BATCH_MAX)
		spool_turn();
}

static void
rtsd_close(struct imsgev *iev, const char *why, void *arg)
{
	rtsd_lost(why);
}

static void
rtsd_batch(struct imsgev *iev, void *arg)
{
	spool_turn();
}

static void
new_channel(int fd)
{
	if (fd == -1)
		fatalx("channel without a descriptor");
	rtsd_lost("replaced");
	if (imsgev_init(&rtsd, base, fd, rtsd_handler, rtsd_close, NULL,
	    rtsd_batch, NULL) == -1 ||
	    imsgbuf_set_maxsize(&rtsd.ibuf, IMSG_MAX) == -1)
		fatalx("out of memory");
	channel_by = 0;
	live_rtsd_back();
	schedule_tick();
	spool_turn();
}

/* mtad */

static void
confine(void)
{
	struct sandbox_conf	sc;
	int			dirs[CONF_DIRS_MAX];

	memset(&sc, 0, sizeof(sc));
	sc.user = user;
	sc.root = root;
	sc.dirs = dirs;
	sc.ndirs = conf_dirs(dirs, nitems(dirs));
	sc.unconfined = unconfined;
	if (sandbox_enter(ROLE_SPOOLD, &sc) == -1)
		fatalx("cannot confine myself, so I do not run");
	confined = 1;
	if (spool_open(unconfined ? root : "/") == -1)
		fatal("spool %s", root);
	if (deliver_start() == -1 || sync_start() == -1 ||
	    audit_file_start() == -1)
		fatal("threads");
}

static void
delivered_cb(int fd, short what, void *arg)
{
	deliver_wake();
	spool_turn();
}

static void
synced_cb(int fd, short what, void *arg)
{
	sync_seen();
	recv_synced();
	if (rtsd.fd != -1)
		imsgev_flush(&rtsd);
	if (sp.dirty)
		spool_turn();
}

static void
configured(void)
{
	uint8_t	failing;

	if (conf_end() == -1)
		fatalx("configuration incomplete");
	if (metrics_end(base) == -1)
		fatalx("out of memory");
	if (!confined) {
		confine();
		if ((delivered = event_new(base, deliver_event_fd(),
		    EV_READ | EV_PERSIST, delivered_cb, NULL)) == NULL ||
		    event_add(delivered, NULL) == -1 ||
		    (synced = event_new(base, sync_event_fd(),
		    EV_READ | EV_PERSIST, synced_cb, NULL)) == NULL ||
		    event_add(synced, NULL) == -1)
			fatalx("out of memory");
		spool_wake(spool_clock() + 1000);
	} else if (!unconfined && conf_has_new_dir()) {
		log_info(EVT_RESTART, ": a new directory is out of reach");
		live_restarting();
		poison_stop();
		spool_commit();
		exit(0);
	} else
		spool_configured();
	failing = sp.failing;
	mtad_send(IMSG_READY, &failing, sizeof(failing));
	deliver_wake();
	command_wake();
	schedule_tick();
	spool_turn();
}

static void
shutdown_spool(void)
{
	sp.stopping = 1;
	stopping_since = spool_clock();
	control_close();
	metrics_stop();
	schedule_tick();
	spool_wake(spool_clock() + 50);
	spool_turn();
}

#define GET(p)	imsg_get_data(imsg, (p), sizeof(*(p)))

static int
conf_imsg(struct imsg *imsg)
{
	struct mta_conf		mta;
	struct peer_conf	peer;
	struct route_conf	route;
	struct deliver_conf	deliver;
	struct command_conf	command;
	struct redirect_conf	redirect;
	struct policy_conf	policy;
	struct list_conf	list;
	struct list_item_conf	item;
	struct control_conf	cc;
	struct listen_conf	listener;
	struct sheet_conf	sheet;
	int			fd;

	switch (imsg_get_type(imsg)) {
	case IMSG_CONF_BEGIN:
		conf_begin();
		metrics_begin();
		return (0);
	case IMSG_CONF_METRICS:
		return (metrics_add(imsg_get_fd(imsg)));
	case IMSG_CONF_MTA:
		return (GET(&mta) == -1 ? -1 : conf_mta(&mta));
	case IMSG_CONF_PEER:
		return (GET(&peer) == -1 ? -1 : conf_peer(&peer));
	case IMSG_CONF_LISTEN:
		return (GET(&listener) == -1 ? -1 :
		    conf_listen(&listener));
	case IMSG_CONF_SHEET:
		return (GET(&sheet) == -1 ? -1 : conf_put_sheet(&sheet));
	case IMSG_CONF_ROUTE:
		return (GET(&route) == -1 ? -1 : conf_route(&route));
	case IMSG_CONF_DELIVER:
		return (GET(&deliver) == -1 ? -1 : conf_deliver(&deliver,
		    imsg_get_fd(imsg)));
	case IMSG_CONF_COMMAND:
		return (GET(&command) == -1 ? -1 : conf_command(&command));
	case IMSG_CONF_REDIRECT:
		return (GET(&redirect) == -1 ? -1 : list_redirect(&redirect));
	case IMSG_CONF_POLICY:
		return (GET(&policy) == -1 ? -1 : policy_add(&policy));
	case IMSG_CONF_LIST:
		return (GET(&list) == -1 ? -1 : list_add(&list));
	case IMSG_CONF_LIST_ITEM:
		return (GET(&item) == -1 ? -1 : list_item(&item));
	case IMSG_CONF_CONTROL:
		if (GET(&cc) == -1 || (fd = imsg_get_fd(imsg)) == -1)
			return (-1);
		return (control_listen(base, fd, &cc));
	case IMSG_CONF_END:
		configured();
		return (0);
	default:
		return (-1);
	}
}

static void
command_done(struct imsg *imsg)
{
	struct command_done	done;
	int			r = -1;

	if (GET(&done) == 0)
		r = command_imsg(imsg_get_id(imsg), &done);
	if (r == -1)
		fatalx("imsg of mtad about a command does not fit");
	if (r == 1 && !sp.failing)
		reroute_all();
	command_wake();
	spool_turn();
}

/* Of the configuration that a client had read again. */
static void
reload_imsg(struct imsg *imsg)
{
	struct ibuf	b;
	uint32_t	in_force;

	if (imsg_get_type(imsg) == IMSG_RELOAD_DONE) {
		if (GET(&in_force) == -1)
			fatalx("imsg of mtad about a reload does not fit");
		live_reload_done(imsg_get_id(imsg), in_force != 0);
	} else if (imsg_get_ibuf(imsg, &b) == 0)
		live_reload_line(imsg_get_id(imsg), ibuf_data(&b),
		    ibuf_size(&b));
}

static void
parent_handler(struct imsgev *iev, struct imsg *imsg, void *arg)
{
	struct log_verbose	verbose;

	switch (imsg_get_type(imsg)) {
	case IMSG_CHANNEL:
		new_channel(imsg_get_fd(imsg));
		break;
	case IMSG_VERBOSE:
		if (GET(&verbose) == 0 && verbose.peer == 0)
			log_setverbose(verbose.verbose);
		break;
	case IMSG_COMMAND_DONE:
		command_done(imsg);
		break;
	case IMSG_RELOAD_LINE:
	case IMSG_RELOAD_DONE:
		reload_imsg(imsg);
		break;
	case IMSG_STOP:
		ending = 1;
		salvage_end();
		break;
	case IMSG_SHUTDOWN:
		shutdown_spool();
		break;
	default:
		if (conf_imsg(imsg) == -1)
			fatalx("imsg %u of mtad does not fit",
			    imsg_get_type(imsg));
	}
}

static void
parent_close(struct imsgev *iev, const char *why, void *arg)
{
	/* without mtad there is nothing to do here */
	_exit(0);
}

/* -n: 0 says that no message is lost if the spool is taken away. */
static int
say_holds(void)
{
	struct sandbox_conf	sc = { .user = user, .root = root,
				    .unconfined = unconfined };
	uint64_t		messages, partial;
	char			why[256];

	if (sandbox_enter(ROLE_SPOOLD, &sc) == -1)
		return (1);
	if (store_count(unconfined ? root : "/", &messages, &partial, why,
	    sizeof(why)) == -1) {
		fprintf(stderr, "spoold: %s: %s\n", root, why);
		return (1);
	}
	printf("%llu messages, %llu in part\n", (unsigned long long)messages,
	    (unsigned long long)partial);
	if (fflush(stdout) == EOF)
		return (1);
	return (messages == 0 ? 0 : 3);
}

static void
usage(void)
{
	fprintf(stderr, "usage: spoold [-dnuv] [-R directory] [-U user]\n"
	    "       spoold -r [-knuv] [-a audit] [-m name] [-R directory] "
	    "[-U user] <archive\n"
	    "spoold is started by mtad(8).\n");
	exit(1);
}

static void
init(void)
{
	TAILQ_INIT(&sp.peers);
	TAILQ_INIT(&sp.targets);
	TAILQ_INIT(&sp.directories);
	TAILQ_INIT(&sp.commands);
	TAILQ_INIT(&sp.assocs);
	RB_INIT(&sp.assoc_tree);
	rtsd.fd = -1;
	sp.dirfd = -1;
	strlcpy(sp.path, root, sizeof(sp.path));
	if ((base = event_base_new()) == NULL ||
	    event_base_priority_init(base, PRIORITIES) == -1 ||
	    (timer = event_new(base, -1, 0, timer_cb, NULL)) == NULL ||
	    (turn = event_new(base, -1, 0, turn_cb, NULL)) == NULL ||
	    (settle = event_new(base, -1, 0, settle_cb, NULL)) == NULL ||
	    event_priority_set(turn, PRIORITY_COMMIT) == -1 ||
	    imsgev_init(&parent, base, PROC_FD, parent_handler, parent_close,
	    NULL, NULL, NULL) == -1 ||
	    imsgbuf_set_maxsize(&parent.ibuf, IMSG_MAX) == -1 ||
	    deliver_init() == -1)
		fatalx("out of memory");
}

/* spoold -r: confined as in service, the archive is standard input. */
static void __attribute__((noreturn))
restore_main(const struct restore_options *o)
{
	struct sandbox_conf	sc;

	memset(&sc, 0, sizeof(sc));
	sc.user = user;
	sc.root = root;
	sc.unconfined = unconfined;
	if (sandbox_enter(ROLE_SPOOLD, &sc) == -1)
		fatalx("cannot confine myself, so I do not run");
	umask(077);
	if (restore(unconfined ? root : "/", STDIN_FILENO, o) == -1 ||
	    fflush(stdout) != 0)
		_exit(1);
	_exit(0);	/* as confined, not even a leak can be looked for */
}

int
main(int argc, char **argv)
{
	struct restore_options	ro = { .audit = "", .mta = "" };
	int			ch, debug = 0, holds = 0, restoring = 0;
	int			verbose = 0;

	while ((ch = getopt(argc, argv, "a:dkm:nrR:uU:v")) != -1) {
		switch (ch) {
		case 'a':
			ro.audit = optarg;
			break;
		case 'k':
			ro.as_it_was = 1;
			break;
		case 'm':
			ro.mta = optarg;
			break;
		case 'r':
			restoring = debug = 1;
			break;
		case 'd':
			debug = 1;
			break;
		case 'n':
			holds = 1;
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
	if (argc != optind)
		usage();
	if (debug || holds || restoring)
		log_init("spoold", 1, verbose);
	else
		log_init_child("spoold", verbose);
	ro.check = holds;
	if (restoring)
		restore_main(&ro);
	if (holds)
		return (say_holds());
	if (fcntl(PROC_FD, F_GETFD) == -1)
		usage();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	umask(077);
	init();
	event_base_dispatch(base);
	control_stop();
	deliver_stop();
	poison_stop();
	spool_commit();
	audit_file_stop();
	spool_dirty();		/* what the audit log has now */
	spool_commit();
	sync_stop();
	spool_close();
	return (0);
}
