/* SPDX-License-Identifier: ISC */

/*
 * mtactl, the control program: looks into a running mtad, submits messages
 * to it and tells it what to do.  See mtactl(8).
 */

#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "charset.h"
#include "json.h"
#include "log.h"
#include "mtactl.h"

#define BAD_AROUND	60	/* octets to each side of what is bad */

static const char *socket_path = RUN_DIR "/mtad.sock";
static int as_json;
static int late_option;		/* behind the verb, where it is none */
static const char *verb;	/* that was given; NULL: none that is known */

static void	print_usage(FILE *, const char *);

void
usage(const char *why)
{
	if (why != NULL)
		warnx("%s", why);
	if (verb != NULL) {
		if (late_option)
			warnx("-j comes before the command");
		print_usage(stderr, verb);
	} else
		fputs("usage: mtactl [-j] [-s socket] command ...\n"
		    "\"mtactl help\" has all commands, mtactl(8) what they "
		    "do\n", stderr);
	exit(EXIT_USAGE);
}

/* 0: it is one. */
static int
get_id(const char *text, uint64_t *id)
{
	char *end;

	errno = 0;
	*id = strtoull(text, &end, 16);
	return (!isxdigit((unsigned char)*text) || *end != '\0' ||
	    errno != 0 || *id == 0 ? -1 : 0);
}

uint64_t
parse_id(const char *text)
{
	uint64_t v;

	if (get_id(text, &v) == -1)
		errx(EXIT_USAGE, "%s: not the id of a message: they are "
		    "hexadecimal, as \"show queue\" has them", text);
	return (v);
}

int
options(int argc, char ***argv, const char *which,
    void (*option)(int, void *), void *arg)
{
	static char name[] = "mtactl";
	int ch;

	(*argv)[0] = name;		/* for the errors of getopt */
	optind = 1;
#ifdef LIBBSD_OVERLAY
	optreset = 1;
#endif
	while ((ch = getopt(argc, *argv, which)) != -1) {
		if (ch == '?')
			usage(NULL);
		option(ch, arg);
	}
	*argv += optind;
	return (argc - optind);
}

uint32_t
number_arg(const char *what, const char *text, uint32_t min, uint32_t max)
{
	const char *why;
	long long v;

	v = strtonum(text, min, max, &why);
	if (why != NULL)
		errx(EXIT_USAGE, "%s: %s: a number from %" PRIu32 " to %"
		    PRIu32 " was expected", what, text, min, max);
	return (v);
}

void
peer_arg(char name[PEER_NAME_MAX], const char *what, const char *text)
{
	if (*text == '\0' || strlcpy(name, text, PEER_NAME_MAX) >=
	    PEER_NAME_MAX)
		errx(EXIT_USAGE, "%s: \"%s\": the name of a peer was "
		    "expected", what, text);
}

/* Into a character of UTF-8, not at its beginning. */
static int
within(const char *s)
{
	return (((unsigned char)*s & 0xc0) == 0x80);
}

void
bad_text(const char *option, const char *text, size_t where, const char *why)
{
	const char *s, *from = text, *end = text + strlen(text);
	uint32_t c;
	size_t n;
	int column;

	/* Of one that is long, what is around it. */
	if (where > BAD_AROUND)
		for (from += where - BAD_AROUND; within(from) && from > text;)
			from--;
	if ((size_t)(end - text) > where + BAD_AROUND)
		for (end = text + where + BAD_AROUND; within(end);)
			end++;
	warnx("%s: %s", option, why);
	fputs(from > text ? "\t..." : "\t", stderr);
	column = from > text ? 3 : 0;
	for (s = from; s < end; s += n) {
		/* What is no character of UTF-8 is one '?' an octet. */
		n = utf8_get(s, end - s, &c);
		if (n == 0 || c < ' ' || c == 127)
			putc('?', stderr);
		else
			fwrite(s, 1, n, stderr);
		n = n == 0 ? 1 : n;
		column += s < text + where;
	}
	fprintf(stderr, "%s\n\t%*s^\n", *end != '\0' ? "..." : "", column, "");
	exit(EXIT_USAGE);
}

/* One request, and nothing to show for it but that it was done. */
static void
simple(uint32_t type, const void *data, size_t len)
{
	struct imsg imsg;
	struct json j;
	struct ctl c;

	ctl_open(&c, socket_path);
	ctl_send(&c, type, data, len);
	if (ctl_next(&c, &imsg, NULL, NULL) != CTL_END)
		errx(1, "%s: unexpected answer", socket_path);
	if (!as_json)
		return;
	json_begin(&j, stdout);
	json_object(&j, NULL);
	json_bool(&j, "ok", 1);
	json_close(&j, '}');
	json_end(&j);
}

static void
show_option(int ch, void *arg)
{
	peer_arg(arg, "show queue", optarg);
}

static void
cmd_show(uint32_t request, int argc, char **argv)
{
	const struct show *show;
	char peer[PEER_NAME_MAX] = "";
	struct ctl c;
	uint64_t id = 0;

	if (argc < 2)
		usage("show: what?");
	if (strcmp(argv[1], "peer") == 0) {
		if (argc != 3)
			usage("show peer: one name expected");
		sheet_run(socket_path, argv[2], as_json);
		return;
	}
	if ((show = show_find(argv[1])) == NULL) {
		warnx("show: %s: unknown", argv[1]);
		usage(NULL);
	}
	if (strcmp(argv[1], "queue") == 0) {
		argv++;
		argc = options(argc - 1, &argv, "+P:", show_option, peer) + 2;
	}
	if (argc != (show_wants_id(show) ? 3 : 2))
		usage(show_wants_id(show) ? "show message: one id expected" :
		    "show: too many arguments");
	if (show_wants_id(show))
		id = parse_id(argv[2]);
	ctl_open(&c, socket_path);
	show_run(show, &c, id, peer[0] != '\0' ? peer : NULL, as_json);
}

static void
cmd_submit(uint32_t request, int argc, char **argv)
{
	submit_run(socket_path, argc, argv, as_json);
}

static void
cmd_route(uint32_t request, int argc, char **argv)
{
	if (request == CTL_ROUTE)
		route_run(socket_path, argc, argv, as_json);
	else
		check_run(socket_path, argc, argv, as_json);
}

static void
change_name(char *out, size_t size, const char *what, const char *name)
{
	if (*name == '\0' || strlcpy(out, name, size) >= size)
		errx(EXIT_USAGE, "%s: \"%s\": the name of a peer was "
		    "expected", what, name);
}

/* [-r] [-V peer] ID | all | -P peer; of "retry" nothing means all. */
static struct ctl_change
change_args(uint32_t request, int argc, char **argv)
{
	struct ctl_change ch;
	static char name[] = "mtactl";
	const char *what = argv[0];
	int option;

	memset(&ch, 0, sizeof(ch));
	argv[0] = name;			/* for the errors of getopt */
	optind = 1;
#ifdef LIBBSD_OVERLAY
	optreset = 1;
#endif
	while ((option = getopt(argc, argv, request == CTL_REMOVE ? "+P:r" :
	    request == CTL_REROUTE ? "+P:V:" : "+P:")) != -1) {
		switch (option) {
		case 'P':
			change_name(ch.peer, sizeof(ch.peer), what, optarg);
			break;
		case 'r':
			ch.report = 1;
			break;
		case 'V':
			change_name(ch.via, sizeof(ch.via), what, optarg);
			break;
		default:
			usage(NULL);
		}
	}
	argc -= optind;
	argv += optind;
	if (argc == 1 && ch.peer[0] == '\0') {
		if (strcmp(argv[0], "all") != 0 &&
		    get_id(argv[0], &ch.id) == -1)
			errx(EXIT_USAGE, "%s: not the id of a message: they "
			    "are hexadecimal, as \"show queue\" has them; "
			    "or -P %s for a peer", argv[0], argv[0]);
	} else if (argc != 0 || (ch.peer[0] == '\0' &&
	    request != CTL_RETRY)) {
		warnx("%s: one id, \"all\" or -P and a peer expected", what);
		usage(NULL);
	}
	return (ch);
}

static void
print_changed(uint32_t request, const struct ctl_change *ch,
    const struct ctl_changed *r)
{
	if (request == CTL_RETRY)
		printf("%" PRIu64 " message%s tried now, %" PRIu64 " peer%s "
		    "called, %" PRIu64 " under way and left alone",
		    r->tried, r->tried == 1 ? "" : "s", r->peers,
		    r->peers == 1 ? "" : "s", r->under_way);
	else if (ch->id == 0)
		printf("%" PRIu64 " changed, %" PRIu64 " under way and left "
		    "alone", r->changed, r->under_way);
	else if (r->unchanged > 0 && r->changed + r->under_way == 0)
		printf("message %016" PRIX64 " stays as it was", ch->id);
	else
		return;
	if (ch->id == 0 && request != CTL_RETRY && r->unchanged > 0)
		printf(", %" PRIu64 " as %s", r->unchanged,
		    r->unchanged == 1 ? "it was" : "they were");
	if (r->why[0] != '\0')
		printf("%s%s", ch->id == 0 ? "; one of them: " : ": ", r->why);
	putchar('\n');
}

static void
cmd_change(uint32_t request, int argc, char **argv)
{
	struct ctl_change ch = change_args(request, argc, argv);
	struct ctl_changed r;
	struct imsg imsg;
	struct json j;
	struct ctl c;
	char *p;

	ctl_open(&c, socket_path);
	ctl_send(&c, request, &ch, sizeof(ch));
	if (ctl_next(&c, &imsg, NULL, NULL) != CTL_ROW)
		errx(1, "%s: unexpected answer", socket_path);
	ctl_row(&imsg, &r, sizeof(r));
	TERMINATE(r.why);
	if (ctl_next(&c, &imsg, NULL, NULL) != CTL_END)
		errx(1, "%s: unexpected answer", socket_path);
	for (p = r.why; *p != '\0' && !as_json; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	if (as_json) {
		json_begin(&j, stdout);
		json_object(&j, NULL);
		json_bool(&j, "ok", r.under_way == 0 || ch.id == 0);
		json_uint(&j, "changed", r.changed);
		json_uint(&j, "under_way", r.under_way);
		json_uint(&j, "unchanged", r.unchanged);
		if (r.why[0] != '\0')
			json_string(&j, "why", r.why);
		else
			json_null(&j, "why");
		if (request == CTL_RETRY) {
			json_uint(&j, "tried", r.tried);
			json_uint(&j, "peers", r.peers);
		}
		json_close(&j, '}');
		json_end(&j);
	} else
		print_changed(request, &ch, &r);
	if (ch.id != 0 && r.under_way > 0) {
		fflush(stdout);
		errx(1, "message %016" PRIX64 ": a copy of it is under way "
		    "and was left alone; the others were changed", ch.id);
	}
}

static void
cmd_track(uint32_t request, int argc, char **argv)
{
	track_run(socket_path, argc, argv, as_json);
}

static void
cmd_backup(uint32_t request, int argc, char **argv)
{
	backup_run(socket_path, argc, argv, as_json);
}

static void
cmd_restore(uint32_t request, int argc, char **argv)
{
	errx(EXIT_USAGE, "restore: mtad does that while it is stopped: "
	    "mtad -r file, see mtad(8)");
}

/* The text is made by mtad; it is none of JSON. */
static void
cmd_stats(uint32_t request, int argc, char **argv)
{
	struct imsg imsg;
	struct ctl c;
	uint32_t type;

	if (argc != 1)
		usage("stats: too many arguments");
	ctl_open(&c, socket_path);
	ctl_send(&c, request, NULL, 0);
	while ((type = ctl_next(&c, &imsg, NULL, NULL)) == CTL_ROW)
		fwrite(ibuf_data(&imsg.body), 1, imsg_get_len(&imsg), stdout);
	if (type != CTL_END)
		errx(1, "%s: unexpected answer", socket_path);
}

static void
cmd_live(uint32_t request, int argc, char **argv)
{
	switch (request) {
	case CTL_PEER:
		peer_run(socket_path, argc, argv, as_json);
		break;
	case CTL_PING:
		ping_run(socket_path, argc, argv, as_json);
		break;
	case CTL_TRACE:
		trace_run(socket_path, argc, argv, as_json);
		break;
	case CTL_RELOAD:
		reload_run(socket_path, argc, argv, as_json);
		break;
	case CTL_STOP:
		stop_run(socket_path, argc, argv, as_json);
		break;
	}
}

static void
cmd_log(uint32_t request, int argc, char **argv)
{
	struct ctl_verbose v;

	memset(&v, 0, sizeof(v));
	if (argc != 2 && argc != 3)
		usage("log: \"verbose\" or \"brief\" expected");
	v.verbose = strcmp(argv[1], "verbose") == 0;
	if (!v.verbose && strcmp(argv[1], "brief") != 0)
		errx(EXIT_USAGE, "log: %s: verbose or brief expected",
		    argv[1]);
	if (argc == 3)
		peer_arg(v.peer, "log", argv[2]);
	simple(request, &v, sizeof(v));
}

static void
cmd_decode(uint32_t request, int argc, char **argv)
{
	decode_run(argc, argv, as_json);
}

static void
cmd_top(uint32_t request, int argc, char **argv)
{
	top_run(socket_path, argc, argv, as_json);
}

static void	cmd_help(uint32_t, int, char **);

/* With how each is called, without the options of all. */
#define OPTIONS	"[-j] [-s socket] "
static const struct command {
	const char	*name;
	void		(*run)(uint32_t, int, char **);
	uint32_t	 request;
	const char	*usage;
} commands[] = {
	{ "show", cmd_show, 0,
	    OPTIONS "show summary | peers | associations |\n"
	    "\t    queue [-P peer] | transfers | peer name | message ID" },
	{ "submit", cmd_submit, CTL_SUBMIT,
	    OPTIONS "submit [-b] -f oraddress -t oraddress ...\n"
	    "\t    [-p priority] [-r report] [-s subject] [file]\n"
	    "       mtactl " OPTIONS "submit -m [-f oraddress] "
	    "[-t oraddress] ...\n"
	    "\t    [-p priority] [-r report] [file]" },
	{ "route", cmd_route, CTL_ROUTE,
	    OPTIONS "route oraddress" },
	{ "check", cmd_route, CTL_CHECK,
	    OPTIONS "check [-f oraddress] -t oraddress ...\n"
	    "\t    [-l length] [-p priority]" },
	{ "retry", cmd_change, CTL_RETRY,
	    OPTIONS "retry [ID | all | -P peer]" },
	{ "hold", cmd_change, CTL_HOLD,
	    OPTIONS "hold ID | all | -P peer" },
	{ "release", cmd_change, CTL_RELEASE,
	    OPTIONS "release ID | all | -P peer" },
	{ "remove", cmd_change, CTL_REMOVE,
	    OPTIONS "remove [-r] ID | all | -P peer" },
	{ "reroute", cmd_change, CTL_REROUTE,
	    OPTIONS "reroute [-V peer] ID | all | -P peer" },
	{ "expire", cmd_change, CTL_EXPIRE,
	    OPTIONS "expire ID | all | -P peer" },
	{ "track", cmd_track, CTL_TRACK,
	    OPTIONS "track [ID | mts-id | oraddress]\n"
	    "\t    [since time] [until time]" },
	{ "backup", cmd_backup, CTL_BACKUP,
	    OPTIONS "backup [file | directory]" },
	{ "restore", cmd_restore, 0,
	    "restore" },
	{ "stats", cmd_stats, CTL_STATS,
	    "[-s socket] stats" },
	{ "peer", cmd_live, CTL_PEER,
	    OPTIONS "peer name up | down | hold" },
	{ "ping", cmd_live, CTL_PING,
	    OPTIONS "ping [-a] [-n number] [-t seconds] peer" },
	{ "trace", cmd_live, CTL_TRACE,
	    OPTIONS "trace [-p] [-w file] peer | -a [seconds]" },
	{ "reload", cmd_live, CTL_RELOAD,
	    OPTIONS "reload" },
	{ "stop", cmd_live, CTL_STOP,
	    OPTIONS "stop" },
	{ "log", cmd_log, CTL_VERBOSE,
	    OPTIONS "log verbose | brief [peer]" },
	{ "decode", cmd_decode, 0,
	    "[-j] decode [-x] [-t kind] file" },
	{ "top", cmd_top, 0,
	    OPTIONS "top [-i interval] [-n count] [-o order]" },
	{ "help", cmd_help, 0,
	    "help [command]" },
};

static const struct command *
find_command(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, name) == 0)
			return (&commands[i]);
	return (NULL);
}

/* Does it look at something, and change nothing? */
static int
looks(const char *name)
{
	static const char *const names[] = {
		"show", "route", "check", "track", "stats", "decode", "help"
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0)
			return (1);
	return (0);
}

/* Of one command, or of all (NULL). */
static void
print_usage(FILE *out, const char *name)
{
	const char *head = "usage: ";
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (name == NULL || strcmp(commands[i].name, name) == 0) {
			fprintf(out, "%smtactl %s\n", head,
			    commands[i].usage);
			head = "       ";
		}
}

static void
unknown_command(const char *name)
{
	char why[80];

	verb = NULL;
	snprintf(why, sizeof(why), "%.40s: unknown command", name);
	usage(why);
}

static void
cmd_help(uint32_t request, int argc, char **argv)
{
	if (argc > 2)
		usage("help: one command expected");
	if (argc == 2 && find_command(argv[1]) == NULL)
		unknown_command(argv[1]);
	print_usage(stdout, argc == 2 ? argv[1] : NULL);
}

/*
 * Where standard input, output or error is closed nothing else may take its
 * number, least of all the control socket: what is written there fails.
 */
static void
standard_files(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDONLY);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd == -1)
		exit(1);		/* nobody can be told */
	close(fd);
}

int
main(int argc, char **argv)
{
	const struct command *c;
	char why[32];
	int ch;

	standard_files();
	log_init("mtactl", 1, 0);
	signal(SIGPIPE, SIG_IGN);
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 ||
	    strcmp(argv[1], "-h") == 0)) {
		print_usage(stdout, NULL);
		return (0);
	}
	opterr = 0;			/* usage() has the reason */
	while ((ch = getopt(argc, argv, "+:js:")) != -1) {
		switch (ch) {
		case 'j':
			as_json = 1;
			break;
		case 's':
			socket_path = optarg;
			break;
		default:
			snprintf(why, sizeof(why), ch == ':' ?
			    "-%c: a value is missing" :
			    "-%c: unknown option", optopt);
			usage(why);
		}
	}
	opterr = 1;
	argc -= optind;
	argv += optind;
	if (argc == 0)
		usage("a command expected");
	if ((c = find_command(argv[0])) == NULL)
		unknown_command(argv[0]);
	verb = c->name;
	for (ch = 1; ch < argc; ch++)
		late_option |= strcmp(argv[ch], "-j") == 0;
	/* "| head" ends it without a word; who changes something must know. */
	ctl_pipe_ends(looks(c->name));
	c->run(c->request, argc, argv);
	if (fflush(stdout) != 0 || ferror(stdout))
		err(1, "standard output");
	return (0);
}
