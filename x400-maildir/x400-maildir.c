/* SPDX-License-Identifier: ISC */

/*
 * x400-maildir, a delivery agent: a content on standard input, its envelope
 * in the environment, becomes a message of MIME in a Maildir.  See
 * x400-maildir(8).  Before the first octet of the content is looked at the
 * process can do no more than to make files in that Maildir.
 */

#include <sys/stat.h>
#include <sys/types.h>

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "ipm.h"
#include "log.h"
#include "maildir.h"
#include "mime_out.h"
#include "sandbox.h"

#define ID_MAX	32

static char	host[256];

static void __attribute__((noreturn))
usage(void)
{
	fputs("usage: x400-maildir [-Rv] [-D domain] [-d maildir]\n", stderr);
	exit(EX_USAGE);
}

/* ISO 8601 in UTC.  Is there one? */
static int
parse_time(const char *s, int64_t *seconds)
{
	struct tm	tm;

	memset(&tm, 0, sizeof(tm));
	if (s == NULL || sscanf(s, "%4d-%2d-%2dT%2d:%2d:%2d", &tm.tm_year,
	    &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min,
	    &tm.tm_sec) != 6)
		return 0;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	*seconds = timegm(&tm);
	return 1;
}

/* Of the name of a file: letters and digits only. */
static const char *
message_id(void)
{
	const char	*id = getenv("MTAD_MESSAGE_ID"), *p;

	if (id == NULL || *id == '\0' || strlen(id) > ID_MAX) {
		log_warnx(EVT_MAILDIR, ": MTAD_MESSAGE_ID is not set to an "
		    "identifier");
		exit(EX_USAGE);
	}
	for (p = id; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p)) {
			log_warnx(EVT_MAILDIR, ": MTAD_MESSAGE_ID: not an "
			    "identifier");
			exit(EX_USAGE);
		}
	return id;
}

static void
confine(const struct maildir *m)
{
	struct sandbox_conf	sc;

	memset(&sc, 0, sizeof(sc));
	sc.dirs = m->dir;
	sc.ndirs = MAILDIR_DIRS;
	if (sandbox_enter(ROLE_AGENT, &sc) == -1)
		exit(EX_TEMPFAIL);
}

/* Several lines become one, a comma between. */
static int
list_field(FILE *f, const char *name, const char *value)
{
	struct mime_field	mf;
	char			one[2] = "";

	if (value == NULL || *value == '\0')
		return 0;
	mime_field_begin(&mf, name);
	for (; *value != '\0'; value++) {
		one[0] = *value;
		if (*value != '\n')
			mime_field_raw(&mf, one);
		else if (value[1] != '\0')
			mime_field_raw(&mf, ", ");
	}
	return mime_field_end(&mf, f);
}

/* What the envelope says, in the fields of RFC 2156 2.2.2. */
static int
envelope(const struct agent *a, FILE *f)
{
	static const char	*const fields[][2] = {
		{ "X400-MTS-Identifier", "MTAD_MTS_ID" },
		{ "X400-Originator", "MTAD_ORIGINATOR" },
		{ "X400-Recipients", "MTAD_RECIPIENT" },
		{ "Priority", "MTAD_PRIORITY" }
	};
	const char		*type = getenv("MTAD_CONTENT_TYPE");
	char			 text[512], date[MIME_DATE_LEN];
	size_t			 i;

	snprintf(text, sizeof(text), "by %s (x400-maildir) with X400 id %s; "
	    "%s", host, a->message_id, mime_date(date, a->arrival, 0));
	if (mime_raw_field(f, "Received", text) == -1)
		return -1;
	if (type != NULL && *type != '\0' &&
	    mime_raw_field(f, "X400-Content-Type", strcmp(type, "2") == 0 ?
	    "P2-1984 (2)" : strcmp(type, "22") == 0 ? "P2-1988 (22)" :
	    type) == -1)
		return -1;
	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (list_field(f, fields[i][0], getenv(fields[i][1])) == -1)
			return -1;
	return 0;
}

/* P2 and P22, as numbers and as id-mct of X.420. */
static int
is_ipm(const char *type)
{
	return type == NULL || *type == '\0' || strcmp(type, "2") == 0 ||
	    strcmp(type, "22") == 0 || strcmp(type, "2.6.1.10.0") == 0 ||
	    strcmp(type, "2.6.1.10.1") == 0;
}

/* As many octets as there should be? */
static int
check_length(size_t len)
{
	const char	*s = getenv("MTAD_CONTENT_LENGTH");

	if (s != NULL && *s != '\0' && strtoull(s, NULL, 10) != len) {
		log_warnx(EVT_MAILDIR, ": %zu octets of content, not %s", len,
		    s);
		return -1;
	}
	return 0;
}

static int
write_report(const struct maildir *m, const struct agent *a)
{
	struct report	 r;
	const uint8_t	*p;
	size_t		 len;

	if (maildir_input(m, &p, &len) == -1) {
		log_warn(EVT_MAILDIR, ": standard input");
		return EX_TEMPFAIL;
	}
	memset(&r, 0, sizeof(r));
	if ((r.text = getenv("MTAD_REPORT")) != NULL) {
		r.len = strlen(r.text);
		r.returned = p;
		r.returned_len = len;
	} else {
		r.text = (const char *)p;
		r.len = len;
	}
	return report_write(a, &r, m->f) == -1 ? EX_TEMPFAIL : 0;
}

static int
write_content(const struct maildir *m, const struct agent *a)
{
	struct ipm_options	 options;
	const uint8_t		*p;
	size_t			 len;
	char			 why[IPM_WHY_MAX];

	if (!is_ipm(getenv("MTAD_CONTENT_TYPE"))) {
		log_warnx(EVT_MAILDIR, ": content type %s is not of "
		    "interpersonal messages", getenv("MTAD_CONTENT_TYPE"));
		return EX_DATAERR;
	}
	if (maildir_input(m, &p, &len) == -1) {
		log_warn(EVT_MAILDIR, ": standard input");
		return EX_TEMPFAIL;
	}
	if (check_length(len) == -1)
		return EX_TEMPFAIL;
	memset(&options, 0, sizeof(options));
	options.domain = a->domain;
	options.originator = getenv("MTAD_ORIGINATOR");
	options.date = a->arrival;
	switch (ipm_to_mime(p, len, &options, m->f, why)) {
	case 0:
		return 0;
	case -1:
		log_warnx(EVT_MAILDIR, ": %s: the content is no interpersonal "
		    "message: %s", a->message_id, log_octets(why, strlen(why)));
		return EX_DATAERR;
	default:
		log_warnx(EVT_MAILDIR, ": out of memory");
		return EX_TEMPFAIL;
	}
}

static int
deliver(struct maildir *m, const struct agent *a)
{
	const char	*type = getenv("MTAD_TYPE");
	int		 r, report;

	if (type != NULL && strcmp(type, "probe") == 0)
		return is_ipm(getenv("MTAD_CONTENT_TYPE")) ? 0 : EX_DATAERR;
	report = type != NULL && strcmp(type, "report") == 0;
	if (type != NULL && !report && strcmp(type, "message") != 0) {
		log_warnx(EVT_MAILDIR, ": a %.32s is not delivered", type);
		return EX_USAGE;
	}
	if ((r = maildir_has(m, a->message_id)) == -1) {
		log_warn(EVT_MAILDIR, ": maildir");
		return EX_TEMPFAIL;
	}
	if (r == 1) {
		log_debug("message=%s: is there already", a->message_id);
		return 0;
	}
	if (maildir_begin(m) == -1) {
		log_warn(EVT_MAILDIR, ": tmp/%s", m->temporary);
		return EX_TEMPFAIL;
	}
	if (envelope(a, m->f) == -1)
		r = EX_TEMPFAIL;
	else
		r = report ? write_report(m, a) : write_content(m, a);
	if (r != 0) {
		maildir_abort(m);
		return r;
	}
	if (maildir_commit(m) == -1) {
		log_warn(EVT_MAILDIR, ": new/%s", m->name);
		return EX_TEMPFAIL;
	}
	log_debug("message=%s: delivered as new/%s", a->message_id, m->name);
	return 0;
}

static const char *
default_maildir(void)
{
	static char	 path[1024];
	const char	*home = getenv("HOME");

	if (getenv("MAILDIR") != NULL)
		return getenv("MAILDIR");
	if (home == NULL) {
		log_warnx(EVT_MAILDIR, ": neither -d nor MAILDIR nor HOME says "
		    "where");
		exit(EX_USAGE);
	}
	snprintf(path, sizeof(path), "%s/Maildir", home);
	return path;
}

int
main(int argc, char *argv[])
{
	const char	*path = NULL;
	struct maildir	 m;
	struct agent	 a;
	int		 ch, root = 0, verbose = 0;

	memset(&a, 0, sizeof(a));
	while ((ch = getopt(argc, argv, "D:d:Rv")) != -1) {
		switch (ch) {
		case 'D':
			a.domain = optarg;
			break;
		case 'd':
			path = optarg;
			break;
		case 'R':
			root = 1;
			break;
		case 'v':
			verbose = 1;
			break;
		default:
			usage();
		}
	}
	if (argc != optind)
		usage();
	log_init_agent("x400-maildir", verbose);
	if (!root && (geteuid() == 0 || getuid() == 0)) {
		log_warnx(EVT_MAILDIR, ": not run as root: mail is delivered "
		    "by the user whose it is");
		exit(EX_USAGE);
	}
	signal(SIGPIPE, SIG_IGN);
	umask(077);
	if (gethostname(host, sizeof(host) - 1) == -1 || host[0] == '\0')
		strlcpy(host, "localhost", sizeof(host));
	if (a.domain == NULL)
		a.domain = host;
	a.message_id = message_id();
	if (!parse_time(getenv("MTAD_ARRIVAL"), &a.arrival))
		a.arrival = time(NULL);
	a.has_subject_arrival = parse_time(getenv("MTAD_SUBJECT_ARRIVAL"),
	    &a.subject_arrival);
	if (path == NULL)
		path = default_maildir();
	if (maildir_open(&m, path) == -1) {
		log_warn(EVT_MAILDIR, ": %s", path);
		exit(EX_TEMPFAIL);
	}
	maildir_name(&m, a.message_id, a.arrival, host);
	confine(&m);
	return deliver(&m, &a);
}
