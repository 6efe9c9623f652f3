/* SPDX-License-Identifier: ISC */

/*
 * mtad: the privileged parent.  It reads the configuration, owns sockets and
 * children, and parses nothing that came from a network: what rtsd asks of
 * it are numbers that name things of the configuration.
 */

#include <sys/file.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __linux__
#include <libutil.h>		/* pidfile(3), of libbsd */
#endif

#include "log.h"
#include "mtad.h"
#include "parent.h"
#include "sandbox.h"

#define RELOADS_MAX	32	/* that somebody waits for */
#define START_TIME	30	/* s that the caller waits for service */

struct options		 options = {
	.conf_file = CONF_FILE, .libexec = LIBEXEC_DIR,
	.rtsd_user = RTSD_USER, .spoold_user = SPOOLD_USER
};
struct event_base	*base;
struct conf		*conf;
static struct pidfh	*pid_file;
static int		 started_pipe = -1;	/* to who started us */
static int		 control_fd = -1;
static struct control_conf control_conf;
static int		 ready[CHILDREN], said_ready, stopping;
static int		 no_spool;	/* it does not work yet */
/* Configurations sent and not yet in force; a reload is to be told of. */
static unsigned		 awaited[CHILDREN];
static int		 reloading;
/* Who waits to be told: numbers of spoold. */
static uint32_t		 reloads[RELOADS_MAX], reload_number;
static unsigned		 nreloads;

static void
give_conf(enum role r)
{
	conf_send(r);
	awaited[r]++;
}

void
child_started(enum role r)
{
	ready[r] = 0;
	awaited[r] = 0;
	if (r == CHILD_SPOOLD)
		nreloads = 0;		/* who waited is gone */
	if (r == CHILD_SPOOLD && control_fd != -1)
		child_send(r, IMSG_CONF_CONTROL, 0, control_fd, &control_conf,
		    sizeof(control_conf));
	if (r == CHILD_RTSD)
		sign_open();
	give_conf(r);
}

/* Both children have it: so hear all who wait for that. */
static void
reload_done(void)
{
	uint32_t in_force = 1;
	unsigned i;

	for (i = 0; i < nreloads; i++)
		child_send(CHILD_SPOOLD, IMSG_RELOAD_DONE, reloads[i], -1,
		    &in_force, sizeof(in_force));
	nreloads = 0;
}

static void
reload_refused(void)
{
	uint32_t in_force = 0;

	if (reload_number != 0)
		child_send(CHILD_SPOOLD, IMSG_RELOAD_DONE, reload_number, -1,
		    &in_force, sizeof(in_force));
}

/* To the client that asked for the present reload, if it was one. */
static void
reload_say(const char *line)
{
	if (reload_number != 0)
		child_send(CHILD_SPOOLD, IMSG_RELOAD_LINE, reload_number, -1,
		    line, strlen(line));
}

static void
reload_change(const char *line)
{
	log_info(EVT_CONFIG_CHANGED, ": %s", line);
	reload_say(line);
}

static void
child_ready(enum role r, int troubled)
{
	int was = ready[r];

	if (r == CHILD_SPOOLD)
		no_spool = troubled;
	ready[r] = 1;
	if (awaited[r] > 0)
		awaited[r]--;
	if (reloading && awaited[CHILD_RTSD] == 0 &&
	    awaited[CHILD_SPOOLD] == 0) {
		reloading = 0;
		log_info(EVT_RELOADED, "mta=\"%s\"", conf->mta.name);
		reload_done();
	}
	/* A child that is new needs a new channel to the other. */
	if (!was && ready[CHILD_RTSD] && ready[CHILD_SPOOLD]) {
		children_join();
		if (!said_ready)
			log_info(EVT_READY, "mta=\"%s\" version=%s%s",
			    conf->mta.name, MTAD_VERSION, no_spool ?
			    ": but nothing is taken in yet, see "
			    "spool-failed" : "");
		said_ready = 1;
		if (started_pipe != -1) {
			(void)!write(started_pipe, no_spool ? "s" : "", 1);
			close(started_pipe);
			started_pipe = -1;
		}
	}
}

static void
close_listeners(struct conf *c)
{
	struct conf_listen *l;

	TAILQ_FOREACH(l, &c->listeners, entry)
		if (l->fd != -1)
			close(l->fd);
}

/* What the children are confined to, or talk by, stays. */
static int
same_path(const char *what, const char *old, const char *new)
{
	char line[2 * PATH_MAX + 200];

	if (strcmp(old, new) == 0)
		return (1);
	snprintf(line, sizeof(line), "%s: changed from \"%s\" to \"%s\", "
	    "which takes a restart: nothing of this file is in force", what,
	    old, new);
	reload_say(line);
	log_warnx(EVT_CONFIG_ERROR, ": %s", line);
	return (0);
}

/* NULL: it was said why not. */
static struct conf *
reload_parse(void)
{
	struct conf *new;
	int r;

	conf_error_copy = reload_say;
	new = conf_parse(options.conf_file);
	conf_error_copy = NULL;
	if (new == NULL)
		return (NULL);
	if ((same_path("spool", conf->spool, new->spool) &
	    same_path("control", conf->control, new->control)) == 0) {
		conf_free(new);
		return (NULL);
	}
	log_copy(reload_say);
	r = make_directories(new) == -1 || sockets_listen(new, conf) == -1 ||
	    sockets_metrics(new, conf) == -1 ? -1 : 0;
	log_copy(NULL);
	if (r == -1) {
		close_listeners(new);
		conf_free(new);
		return (NULL);
	}
	return (new);
}

/* number: of a request of spoold, or 0. */
static void
reload(uint32_t number)
{
	struct conf *new;

	reload_number = number;
	if (stopping || nreloads == RELOADS_MAX) {
		reload_say(stopping ? "mtad is stopping" : "too many reloads "
		    "at one time");
		reload_refused();
		return;
	}
	if ((new = reload_parse()) == NULL) {
		log_warnx(EVT_NOT_RELOADED, ": what was in force stays in "
		    "force");
		reload_refused();
		return;
	}
	if (number != 0)
		reloads[nreloads++] = number;
	conf_number(new);
	if (options.verbose)
		new->mta.verbose = 1;
	conf_changes(conf, new, reload_change);
	close_listeners(conf);
	sockets_metrics_close(conf, 0);
	conf_free(conf);
	conf = new;
	log_setverbose(conf->mta.verbose);
	give_conf(CHILD_RTSD);
	give_conf(CHILD_SPOOLD);
	reloading = 1;		/* until both say that it is in force */
}

/* Requests of the children: what they may ask, and nothing else. */

static void
connect_imsg(struct imsg *imsg)
{
	struct conf_peer *p;
	uint32_t req[2], id = imsg_get_id(imsg);

	if (imsg_get_data(imsg, req, sizeof(req)) == -1) {
		log_warnx(EVT_IMSG_BAD, "process=rtsd: bad request to connect");
		return;
	}
	TAILQ_FOREACH(p, &conf->peers, entry)
		if (p->peer.id == req[0])
			break;
	if (p == NULL || req[1] >= p->peer.naddress) {
		child_send(CHILD_RTSD, IMSG_CONNECT_FAIL, id, -1,
		    "no such address in the configuration", 36);
		return;
	}
	sockets_connect(id, p, req[1]);
}

static void
stop(const char *by)
{
	if (stopping)
		return;
	stopping = 1;
	log_info(EVT_STOPPING, "mta=\"%s\"%s", conf->mta.name, by);
	children_stop();
}

/* Of all or of one peer, until the configuration is read again. */
static void
set_verbose(const struct log_verbose *v)
{
	struct conf_peer *p;

	if (v->peer == 0) {
		conf->mta.verbose = v->verbose != 0;
		log_setverbose(v->verbose != 0);
	} else
		TAILQ_FOREACH(p, &conf->peers, entry)
			if (p->peer.id == v->peer)
				p->peer.verbose = v->verbose != 0;
	child_send(CHILD_RTSD, IMSG_VERBOSE, 0, -1, v, sizeof(*v));
	child_send(CHILD_SPOOLD, IMSG_VERBOSE, 0, -1, v, sizeof(*v));
}

void
child_imsg(enum role r, struct imsg *imsg)
{
	struct log_verbose verbose;
	uint8_t troubled;

	switch (imsg_get_type(imsg)) {
	case IMSG_READY:
		if (imsg_get_data(imsg, &troubled, sizeof(troubled)) == -1)
			troubled = 0;
		child_ready(r, troubled);
		return;
	case IMSG_CONNECT:
		if (r == CHILD_RTSD) {
			connect_imsg(imsg);
			return;
		}
		break;
	case IMSG_CONNECT_CANCEL:
		if (r == CHILD_RTSD) {
			sockets_cancel(imsg_get_id(imsg));
			return;
		}
		break;
	case IMSG_COMMAND_RUN:
		if (r == CHILD_SPOOLD) {
			command_imsg(imsg);
			return;
		}
		break;
	case IMSG_RELOAD:
		if (r == CHILD_SPOOLD) {
			reload(imsg_get_id(imsg));
			return;
		}
		break;
	case IMSG_STOP:
		if (r == CHILD_SPOOLD) {
			stop(": by the operator");
			return;
		}
		break;
	case IMSG_VERBOSE:
		if (r == CHILD_SPOOLD && imsg_get_data(imsg, &verbose,
		    sizeof(verbose)) == 0) {
			set_verbose(&verbose);
			return;
		}
		break;
	}
	log_warnx(EVT_IMSG_BAD, "process=%s imsg=%u: is not for it to send", r ==
	    CHILD_RTSD ? "rtsd" : "spoold", imsg_get_type(imsg));
}

void
children_gone(void)
{
	command_kill();
	unlink(conf->control);
	sockets_metrics_close(conf, 1);
	if (pid_file != NULL)
		pidfile_remove(pid_file);
	log_info(EVT_STOPPED, "mta=\"%s\"", conf->mta.name);
	event_base_loopexit(base, NULL);
}

static void
signal_cb(int sig, short what, void *arg)
{
	switch (sig) {
	case SIGHUP:
		reload(0);
		break;
	case SIGINT:
	case SIGTERM:
		stop("");
		break;
	case SIGCHLD:
		children_reap();
		break;
	}
}

static void
print_usage(FILE *f)
{
	fprintf(f, "usage: mtad [-dnuv] [-D macro=value] [-f file] "
	    "[-L directory]\n\t[-p pidfile] [-U rtsd-user,spoold-user]\n"
	    "       mtad -r | -R archive [-nuv] [-D macro=value] [-f file] "
	    "[-L directory]\n\t[-U rtsd-user,spoold-user]\n");
}

static void
usage(void)
{
	print_usage(stderr);
	exit(1);
}

static void
set_users(char *arg)
{
	char *comma;

	if ((comma = strchr(arg, ',')) == NULL || comma == arg ||
	    comma[1] == '\0')
		usage();
	*comma = '\0';
	options.rtsd_user = arg;
	options.spoold_user = comma + 1;
}

static int
parse_options(int argc, char **argv)
{
	int ch, check = 0;

	if (argc == 2 && (strcmp(argv[1], "--help") == 0 ||
	    strcmp(argv[1], "-h") == 0)) {
		print_usage(stdout);
		exit(fflush(stdout) == 0 ? 0 : 1);
	}
	while ((ch = getopt(argc, argv, "dD:f:L:np:r:R:uU:v")) != -1) {
		switch (ch) {
		case 'd':
			options.debug = 1;
			break;
		case 'D':
			if (conf_define(optarg) == -1) {
				fprintf(stderr, "mtad: -D %.*s: name=value "
				    "was expected, and a name of letters, "
				    "digits and _ that is no keyword\n",
				    (int)strcspn(optarg, "="), optarg);
				exit(1);
			}
			/* it may be a password, and everybody sees this */
			explicit_bzero(strchr(optarg, '=') + 1,
			    strlen(strchr(optarg, '=') + 1));
			break;
		case 'f':
			options.conf_file = optarg;
			break;
		case 'L':
			options.libexec = optarg;
			break;
		case 'n':
			check = 1;
			break;
		case 'p':
			options.pid_file = optarg;
			break;
		case 'r':
		case 'R':
			options.archive = optarg;
			options.as_it_was = ch == 'R';
			break;
		case 'u':
			options.unconfined = 1;
			break;
		case 'U':
			set_users(optarg);
			break;
		case 'v':
			options.verbose = 1;
			break;
		default:
			usage();
		}
	}
	if (argc != optind)
		usage();
	return (check);
}

/* A second mtad on the same spool would only fail, again and again. */
static int
lock_spool(const char *path)
{
	int fd;

	if ((fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1) {
		log_warn(EVT_NOT_STARTED, "path=\"%s\": spool", path);
		return (-1);
	}
	if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		if (errno == EWOULDBLOCK)
			log_warnx(EVT_NOT_STARTED, "path=\"%s\": spool is in "
			    "use by another mtad", path);
		else
			log_warn(EVT_NOT_STARTED, "path=\"%s\": lock of the "
			    "spool", path);
		close(fd);
		return (-1);
	}
	return (fd);	/* it stays open as long as we run */
}

/*
 * An archive becomes the spool.  No other mtad is to use it meanwhile, and it
 * is spoold, confined, that reads it.
 */
static int
restore(int check)
{
	int from;

	from = strcmp(options.archive, "-") == 0 ? STDIN_FILENO :
	    open(options.archive, O_RDONLY | O_CLOEXEC);
	if (from == -1) {
		log_warn(EVT_NOT_RESTORED, ": %s", options.archive);
		return (1);
	}
	if (make_directories(conf) == -1 ||
	    (!check && lock_spool(conf->spool) == -1))
		return (1);
	return (children_restore(from, check));
}

static int
open_pid_file(void)
{
	pid_t other;

	if (options.pid_file == NULL)
		return (0);
	if ((pid_file = pidfile_open(options.pid_file, 0644, &other)) !=
	    NULL)
		return (0);
	if (errno == EEXIST)
		log_warnx(EVT_NOT_STARTED, "path=\"%s\": mtad is running "
		    "already, pid %ld", options.pid_file, (long)other);
	else
		log_warn(EVT_NOT_STARTED, "path=\"%s\"", options.pid_file);
	return (-1);
}

/* A daemon is elsewhere; what it is to find again it knows from the root. */
static void
make_absolute(const char **path)
{
	char cwd[PATH_MAX], *s;

	if (*path == NULL || **path == '/')
		return;
	if (getcwd(cwd, sizeof(cwd)) == NULL)
		fatal("working directory");
	if (asprintf(&s, "%s/%s", cwd, *path) == -1)
		fatalx("out of memory");
	*path = s;
}

/*
 * As daemon(3), but the one who called waits until there is service: what a
 * script does next may need it.
 */
static void
become_daemon(void)
{
	struct pollfd pfd;
	int fds[2], fd;
	char c;

	if (pipe2(fds, O_CLOEXEC) == -1)
		fatal("pipe");
	switch (fork()) {
	case -1:
		fatal("fork");
	case 0:
		break;
	default:
		close(fds[1]);
		pfd.fd = fds[0];
		pfd.events = POLLIN;
		if (poll(&pfd, 1, START_TIME * 1000) == 1) {
			if (read(fds[0], &c, 1) != 1)
				_exit(1);
			if (c != '\0')
				fprintf(stderr, "mtad: started, but nothing "
				    "is taken in yet: the log says why\n");
			_exit(0);
		}
		fprintf(stderr, "mtad: not ready after %d s, see the log\n",
		    START_TIME);
		_exit(1);
	}
	close(fds[0]);
	started_pipe = fds[1];
	if (setsid() == -1 || chdir("/") == -1)
		fatal("daemon");
	if ((fd = open("/dev/null", O_RDWR | O_CLOEXEC)) == -1 ||
	    dup2(fd, STDIN_FILENO) == -1 || dup2(fd, STDOUT_FILENO) == -1 ||
	    dup2(fd, STDERR_FILENO) == -1)
		fatal("/dev/null");
	close(fd);
}

/* Descriptors 0 to 2 stand, so that PROC_FD is never one of them. */
static void
standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd != -1 && fd <= PROC_FD);
	if (fd == -1)
		exit(1);
	close(fd);
}

/* Before anything is read or made: a reload has no more than the start. */
static void
confine(int check)
{
	struct sandbox_conf sc;

	if (options.unconfined)
		return;
	if (sandbox_secret() == -1)
		fatalx("cannot confine myself, so I do not run");
	if (check)
		return;
	if (geteuid() != 0) {
		fprintf(stderr, "mtad: needs root\n");
		exit(1);
	}
	memset(&sc, 0, sizeof(sc));
	if (sandbox_enter(ROLE_MTAD, &sc) == -1)
		fatalx("cannot confine myself, so I do not run");
}

int
main(int argc, char **argv)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGTERM, SIGCHLD };
	struct event *ev;
	size_t i;
	int check;

	standard_descriptors();
	check = parse_options(argc, argv);
	log_init("mtad", 1, options.verbose);
	confine(check);
	if ((conf = conf_parse(options.conf_file)) == NULL)
		return (1);
	if (check && options.archive == NULL) {
		if (options.verbose)
			say_places(conf);
		fprintf(stderr, "configuration OK\n");
		return (fflush(stdout) == 0 ? 0 : 1);
	}
	conf_number(conf);
	if (options.verbose)
		conf->mta.verbose = 1;
	make_absolute(&options.conf_file);
	make_absolute(&options.libexec);
	make_absolute(&options.pid_file);
	if (options.archive != NULL)
		return (children_open() == -1 ? 1 : restore(check));
	/* Everything that may fail for the operator fails in his sight. */
	if (open_pid_file() == -1)
		return (1);
	if (children_open() == -1 || make_directories(conf) == -1 ||
	    lock_spool(conf->spool) == -1 ||
	    sockets_listen(conf, NULL) == -1 ||
	    sockets_metrics(conf, NULL) == -1 ||
	    (control_fd = sockets_control(conf, &control_conf)) == -1) {
		if (pid_file != NULL)
			pidfile_remove(pid_file);
		return (1);
	}
	if (!options.debug) {
		become_daemon();
		sockets_control_own(control_fd);
	}
	if (pid_file != NULL && pidfile_write(pid_file) == -1)
		log_warn(EVT_NOT_STARTED, "path=\"%s\"", options.pid_file);
	log_init("mtad", options.debug, options.verbose ||
	    conf->mta.verbose);

	signal(SIGPIPE, SIG_IGN);
	if ((base = event_base_new()) == NULL)
		fatalx("event_base_new");
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		ev = evsignal_new(base, signals[i], signal_cb, NULL);
		if (ev == NULL || event_add(ev, NULL) == -1)
			fatalx("signals");
	}
	children_start();
	event_base_dispatch(base);
	conf_free(conf);
	return (children_failed());
}
