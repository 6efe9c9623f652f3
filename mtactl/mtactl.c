/* SPDX-License-Identifier: ISC */

/*
 * mtactl, the control program: looks into a running mtad, submits messages
 * to it and tells it what to do.  See mtactl(8).
 */

#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "log.h"
#include "mtactl.h"

static const char *socket_path = RUN_DIR "/mtad.sock";
static int as_json;

void
usage(const char *why)
{
	if (why != NULL)
		warnx("%s", why);
	fputs("usage: mtactl [-j] [-s socket] show summary | peers | "
	    "associations |\n"
	    "\t    queue | transfers | peer name | message ID\n"
	    "       mtactl [-j] [-s socket] submit [-b] -f oraddress -t "
	    "oraddress ...\n"
	    "\t    [-p priority] [-r report] [-s subject] [file]\n"
	    "       mtactl [-j] [-s socket] submit -m [-f oraddress] "
	    "[-t oraddress] ...\n"
	    "\t    [-p priority] [-r report] [file]\n"
	    "       mtactl [-j] [-s socket] route oraddress\n"
	    "       mtactl [-j] [-s socket] check [-f oraddress] -t oraddress "
	    "...\n"
	    "\t    [-l length] [-p priority]\n"
	    "       mtactl [-j] [-s socket] retry | hold | release | expire "
	    "ID | all | -P peer\n"
	    "       mtactl [-j] [-s socket] remove [-r] ID | all | -P peer\n"
	    "       mtactl [-j] [-s socket] reroute [-V peer] ID | all | "
	    "-P peer\n"
	    "       mtactl [-j] [-s socket] track ID | mts-id | oraddress | "
	    "since time\n"
	    "\t    [since time] [until time]\n"
	    "       mtactl [-j] [-s socket] backup [file | directory]\n"
	    "       mtactl restore\n"
	    "       mtactl [-s socket] stats\n"
	    "       mtactl [-j] [-s socket] peer name up | down | hold\n"
	    "       mtactl [-j] [-s socket] ping [-a] [-n number] [-t seconds] "
	    "peer\n"
	    "       mtactl [-j] [-s socket] trace [-p] [-w file] peer | -a "
	    "[seconds]\n"
	    "       mtactl [-j] [-s socket] reload | stop\n"
	    "       mtactl [-j] [-s socket] log verbose | brief [peer]\n"
	    "       mtactl [-j] decode [-x] [-t kind] file\n"
	    "       mtactl [-j] [-s socket] top [-i interval] [-n count] "
	    "[-o order]\n", stderr);
	exit(EXIT_USAGE);
}

uint64_t
parse_id(const char *text)
{
	unsigned long long v;
	char *end;

	errno = 0;
	v = strtoull(text, &end, 16);
	if (!isxdigit((unsigned char)*text) || *end != '\0' || errno != 0 ||
	    v == 0)
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
cmd_show(uint32_t request, int argc, char **argv)
{
	const struct show *show;
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
	if (argc != (show_wants_id(show) ? 3 : 2))
		usage(show_wants_id(show) ? "show message: one id expected" :
		    "show: too many arguments");
	if (show_wants_id(show))
		id = parse_id(argv[2]);
	ctl_open(&c, socket_path);
	show_run(show, &c, id, as_json);
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
		if (strcmp(argv[0], "all") != 0)
			ch.id = parse_id(argv[0]);
	} else if (argc != 0 || (ch.peer[0] == '\0' &&
	    request != CTL_RETRY)) {
		warnx("%s: one id, \"all\" or -P and a peer expected", what);
		usage(NULL);
	}
	return (ch);
}

static void
cmd_change(uint32_t request, int argc, char **argv)
{
	struct ctl_change ch = change_args(request, argc, argv);
	struct ctl_changed r;
	struct imsg imsg;
	struct json j;
	struct ctl c;

	ctl_open(&c, socket_path);
	ctl_send(&c, request, &ch, sizeof(ch));
	if (ctl_next(&c, &imsg, NULL, NULL) != CTL_ROW)
		errx(1, "%s: unexpected answer", socket_path);
	ctl_row(&imsg, &r, sizeof(r));
	if (ctl_next(&c, &imsg, NULL, NULL) != CTL_END)
		errx(1, "%s: unexpected answer", socket_path);
	if (as_json) {
		json_begin(&j, stdout);
		json_object(&j, NULL);
		json_bool(&j, "ok", r.under_way == 0 || ch.id == 0);
		json_uint(&j, "changed", r.changed);
		json_uint(&j, "under_way", r.under_way);
		json_uint(&j, "unchanged", r.unchanged);
		json_close(&j, '}');
		json_end(&j);
	} else if (ch.id == 0)
		printf("%" PRIu64 " changed, %" PRIu64 " under way and left "
		    "alone\n", r.changed, r.under_way);
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
	if (argc == 3 && strlcpy(v.peer, argv[2], sizeof(v.peer)) >=
	    sizeof(v.peer))
		errx(EXIT_USAGE, "log: %s: too long", argv[2]);
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

static const struct command {
	const char	*name;
	void		(*run)(uint32_t, int, char **);
	uint32_t	 request;
} commands[] = {
	{ "show", cmd_show, 0 },
	{ "submit", cmd_submit, CTL_SUBMIT },
	{ "route", cmd_route, CTL_ROUTE },
	{ "check", cmd_route, CTL_CHECK },
	{ "retry", cmd_change, CTL_RETRY },
	{ "hold", cmd_change, CTL_HOLD },
	{ "release", cmd_change, CTL_RELEASE },
	{ "remove", cmd_change, CTL_REMOVE },
	{ "reroute", cmd_change, CTL_REROUTE },
	{ "expire", cmd_change, CTL_EXPIRE },
	{ "track", cmd_track, CTL_TRACK },
	{ "backup", cmd_backup, CTL_BACKUP },
	{ "restore", cmd_restore, 0 },
	{ "stats", cmd_stats, CTL_STATS },
	{ "peer", cmd_live, CTL_PEER },
	{ "ping", cmd_live, CTL_PING },
	{ "trace", cmd_live, CTL_TRACE },
	{ "reload", cmd_live, CTL_RELOAD },
	{ "stop", cmd_live, CTL_STOP },
	{ "log", cmd_log, CTL_VERBOSE },
	{ "decode", cmd_decode, 0 },
	{ "top", cmd_top, 0 },
};

int
main(int argc, char **argv)
{
	size_t i;
	int ch;

	log_init("mtactl", 1, 0);
	signal(SIGPIPE, SIG_IGN);
	while ((ch = getopt(argc, argv, "+js:")) != -1) {
		switch (ch) {
		case 'j':
			as_json = 1;
			break;
		case 's':
			socket_path = optarg;
			break;
		default:
			usage(NULL);
		}
	}
	argc -= optind;
	argv += optind;
	if (argc == 0)
		usage(NULL);
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, argv[0]) == 0)
			break;
	if (i == sizeof(commands) / sizeof(commands[0])) {
		warnx("%s: unknown command", argv[0]);
		usage(NULL);
	}
	commands[i].run(commands[i].request, argc, argv);
	if (fflush(stdout) != 0 || ferror(stdout))
		err(1, "standard output");
	return (0);
}
