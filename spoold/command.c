/* SPDX-License-Identifier: ISC */

/*
 * Delivery by a command: mtad runs it, with the content as its standard
 * input and the envelope in its environment; here it is decided what is run
 * when, and what its end says about the message.  A job is ended, put off or
 * given up only when that end is known, and with the next commit: whatever
 * dies between has the command run again, for the same message id.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "imsg.h"
#include "log.h"
#include "spoold.h"

#define UNLINKED_NAME	"command.tmp"	/* of a content on its way, no more */
#define STATUS_SHELL	126	/* and 127: cannot be executed, by sh(1) */

/* A job that mtad was asked to run, until it says how that ended. */
struct run {
	TAILQ_ENTRY(run)	 entry;
	uint32_t		 id;
	struct command		*command;
	struct job		*job;
	int			 report;	/* may be asked for */
	char			*fields;	/* audit_fields */
};

static TAILQ_HEAD(, run) runs = TAILQ_HEAD_INITIALIZER(runs);
static uint32_t		 nruns, next_run;
static uint64_t		 paused;	/* until then, monotonic ms; 0 not */

/* What the end of a command says */

static int
is_temporary(int status)
{
	static const uint8_t	later[] = {
		EX_USAGE, EX_NOINPUT, EX_UNAVAILABLE, EX_OSERR, EX_OSFILE,
		EX_CANTCREAT, EX_IOERR, EX_TEMPFAIL, EX_CONFIG, STATUS_SHELL,
		STATUS_SHELL + 1
	};
	size_t	i;

	for (i = 0; i < nitems(later); i++)
		if (status == later[i])
			return (1);
	return (0);
}

static void
judge_status(int status, struct verdict *v)
{
	if (status == EX_OK) {
		v->what = VERDICT_DELIVERED;
		return;
	}
	if (is_temporary(status))
		return;
	v->what = VERDICT_FAILED;
	v->reason = REASON_UNABLE_TO_TRANSFER;
	if (status == EX_NOUSER)
		v->diagnostic = DIAGNOSTIC_UNRECOGNISED_OR_NAME;
	else if (status == EX_DATAERR)
		v->diagnostic = DIAGNOSTIC_CONTENT_SYNTAX_ERROR;
}

/* Of sysexits(3), and of sh(1). */
static const char *
status_words(int status)
{
	static const struct {
		int		 status;
		const char	*words;
	} t[] = {
		{ EX_USAGE, "delivery agent used wrongly" },
		{ EX_DATAERR, "content cannot be read" },
		{ EX_NOINPUT, "input cannot be read" },
		{ EX_NOUSER, "recipient unknown" },
		{ EX_NOHOST, "host unknown" },
		{ EX_UNAVAILABLE, "service unavailable" },
		{ EX_SOFTWARE, "error of the delivery agent" },
		{ EX_OSERR, "system error" },
		{ EX_OSFILE, "system file missing" },
		{ EX_CANTCREAT, "mailbox cannot be written to" },
		{ EX_IOERR, "input or output error" },
		{ EX_TEMPFAIL, "mailbox unavailable" },
		{ EX_PROTOCOL, "protocol error" },
		{ EX_NOPERM, "permission denied" },
		{ EX_CONFIG, "configuration error" },
		{ STATUS_SHELL, "delivery agent cannot be run" },
		{ STATUS_SHELL + 1, "delivery agent cannot be run" }
	};
	size_t	i;

	for (i = 0; i < nitems(t); i++)
		if (t[i].status == status)
			return (t[i].words);
	return ("delivery failed");
}

/*
 * In words of our own: what the command writes may name files and processes
 * here, and the text goes into reports.
 */
void
command_judge(const struct command_done *d, struct verdict *v)
{
	memset(v, 0, sizeof(*v));
	v->what = VERDICT_LATER;
	v->diagnostic = -1;
	switch (d->end) {
	case COMMAND_EXITED:
		judge_status(d->status, v);
		snprintf(v->text, sizeof(v->text), "%s, exit status %d",
		    status_words(d->status), d->status);
		break;
	case COMMAND_SIGNALED:
		snprintf(v->text, sizeof(v->text), "died of signal %d",
		    d->status);
		break;
	case COMMAND_TIMEOUT:
		strlcpy(v->text, "timeout", sizeof(v->text));
		break;
	default:
		/* the words are mtad's */
		snprintf(v->text, sizeof(v->text), "not run%s%.100s",
		    d->text[0] != '\0' ? ": " : "", d->text);
	}
}

/* The environment */

/* One value as printable ASCII; lines: it may have several. */
static int
put(struct ibuf *b, const char *s, size_t len, int lines)
{
	size_t	i;
	char	c;

	for (i = 0; i < len; i++) {
		c = s[i];
		if ((c < ' ' || c > '~') && !(lines && c == '\n'))
			c = '?';
		if (ibuf_add(b, &c, 1) == -1)
			return (-1);
	}
	return (ibuf_add_n8(b, 0));
}

static int
put_text(struct ibuf *b, const char *s)
{
	return (put(b, s, strlen(s), 0));
}

/* Nothing when it is longer than a value may be. */
static int
put_name(struct ibuf *b, const struct or_address *a)
{
	char	text[COMMAND_VALUE_MAX];

	if ((size_t)or_address_print(a, text, sizeof(text), 0) >=
	    sizeof(text))
		text[0] = '\0';
	return (put_text(b, text));
}

/* Those that are delivered here, one a line.  1: they are too many. */
static int
put_recipients(struct ibuf *b, const struct message *m,
    const struct store_message *sm, uint32_t target)
{
	char	text[COMMAND_VALUE_MAX];
	size_t	i, start = ibuf_size(b);
	int	len;

	if (m->type == MESSAGE_REPORT)
		return (put_name(b, &m->originator));
	for (i = 0; i < m->nrecipient && i < sm->nrouting; i++) {
		if (sm->routing[i] != target)
			continue;
		len = or_address_print(&m->recipient[i].name, text,
		    sizeof(text), 0);
		if ((size_t)len >= sizeof(text) ||
		    ibuf_size(b) - start + len + 2 > COMMAND_RECIPIENTS_MAX)
			return (1);
		if ((ibuf_size(b) > start && ibuf_add_n8(b, '\n') == -1) ||
		    ibuf_add(b, text, len) == -1)
			return (-1);
	}
	return (ibuf_add_n8(b, 0));
}

/* As in the .env files, its last line whole. */
static int
put_report(struct ibuf *b, const struct message *m)
{
	FILE	*f;
	char	*text = NULL;
	size_t	 len = 0;
	int	 r = -1;

	if ((f = open_memstream(&text, &len)) == NULL)
		return (-1);
	if (message_print(m, f) == 0 && fflush(f) == 0) {
		if (len >= COMMAND_REPORT_MAX)
			for (len = COMMAND_REPORT_MAX - 1; len > 0 &&
			    text[len - 1] != '\n'; len--)
				;
		r = put(b, text, len, 1);
	}
	fclose(f);
	free(text);
	return (r);
}

/* What became of each recipient; all of it is in the report as well. */
static int
put_reported(struct ibuf *b, const struct message *m)
{
	const struct reported_recipient	*r;
	char	text[COMMAND_VALUE_MAX], line[COMMAND_VALUE_MAX + 64];
	char	diagnostic[16] = "-";
	size_t	i, len, left = COMMAND_REPORT_MAX;

	for (i = 0; i < m->nreported && i < COMMAND_REPORTED_MAX; i++) {
		r = &m->reported[i];
		if ((size_t)or_address_print(&r->name, text, sizeof(text),
		    0) >= sizeof(text))
			continue;
		if (r->diagnostic != -1)
			snprintf(diagnostic, sizeof(diagnostic), "%" PRId32,
			    r->diagnostic);
		else
			strlcpy(diagnostic, "-", sizeof(diagnostic));
		if (r->delivered)
			snprintf(line, sizeof(line), "delivered %s\n", text);
		else
			snprintf(line, sizeof(line), "failed %" PRId32
			    " %s %s\n", r->reason, diagnostic, text);
		if ((len = strlen(line)) > left)
			break;
		left -= len;
		if (ibuf_add(b, line, len) == -1)
			return (-1);
	}
	return (ibuf_add_n8(b, 0));
}

/* As 2026-11-24T09:30:00Z; empty when there is none. */
static int
put_time(struct ibuf *b, time_t when)
{
	struct tm	tm;
	char		text[32] = "";

	if (when != -1 && (gmtime_r(&when, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0))
		return (-1);
	return (put_text(b, text));
}

/*
 * Which MTA reports: as it says, else the domain where the report began.  An
 * MTA of 1984 does not say.
 */
static int
put_reporting_mta(struct ibuf *b, const struct message *m)
{
	const struct global_domain	*d = &m->id.domain;
	char				 domain[160], text[256];

	if (m->reporting_mta.present && m->reporting_mta.mta[0] != '\0')
		d = &m->reporting_mta.domain;
	else if (m->ntrace > 0)
		d = &m->trace[0].domain;
	global_domain_print(d, domain, sizeof(domain));
	if (m->reporting_mta.present && m->reporting_mta.mta[0] != '\0')
		snprintf(text, sizeof(text), "%s in %s", m->reporting_mta.mta,
		    domain);
	else
		strlcpy(text, domain, sizeof(text));
	return (put_text(b, text));
}

/* When the subject came to who reports, else when it was submitted. */
static time_t
subject_arrival(const struct message *m)
{
	if (m->nreported > 0 && m->reported[0].arrival.text[0] != '\0')
		return (utctime_get(&m->reported[0].arrival));
	if (m->nsubject_trace > 0)
		return (utctime_get(&m->subject_trace[0].arrival));
	if (m->originator_and_dl.n > 0 &&
	    m->originator_and_dl.e[0].time.text[0] != '\0')
		return (utctime_get(&m->originator_and_dl.e[0].time));
	return (-1);
}

static int
put_numbers(struct ibuf *b, const struct message *m,
    const struct store_message *sm)
{
	uint64_t	len;
	char		text[32];

	if (put_time(b, sm->arrival) == -1)
		return (-1);
	len = m->type == MESSAGE_PROBE && m->probe_length != -1 ?
	    (uint64_t)m->probe_length : sm->size;
	snprintf(text, sizeof(text), "%" PRIu64, len);
	return (put_text(b, text));
}

static int
put_head(struct ibuf *b, const struct message *m)
{
	static const char *const	types[] = {
		"message", "report", "probe"
	};
	char	text[256], number[16] = "";

	mts_identifier_print(&m->id, text, sizeof(text));
	if (m->content_type != -1)
		snprintf(number, sizeof(number), "%" PRId32, m->content_type);
	return (put_text(b, text) == -1 || put_text(b, types[m->type]) == -1 ||
	    put_text(b, m->content_oid != NULL ? m->content_oid :
	    number) == -1 || put_text(b, priority_name(m->priority)) == -1 ?
	    -1 : 0);
}

struct ibuf *
command_values(const struct message *m, const struct store_message *sm,
    uint32_t target, uint8_t *n, int *too_many)
{
	struct ibuf	*b;
	char		 text[256];
	int		 r;

	*too_many = 0;
	*n = m->type == MESSAGE_REPORT ? COMMAND_VALUES : COMMAND_REPORT;
	if ((b = ibuf_dynamic(1024, COMMAND_VALUES_MAX)) == NULL)
		return (NULL);
	/* a report comes from nobody */
	if (put_head(b, m) == -1 || (m->type == MESSAGE_REPORT ?
	    put_text(b, "") : put_name(b, &m->originator)) == -1)
		goto fail;
	if ((r = put_recipients(b, m, sm, target)) != 0) {
		*too_many = r == 1;
		goto fail;
	}
	if (put_numbers(b, m, sm) == -1)
		goto fail;
	if (m->type != MESSAGE_REPORT)
		return (b);
	mts_identifier_print(&m->subject, text, sizeof(text));
	if (put_report(b, m) == -1 || put_text(b, text) == -1 ||
	    put_reporting_mta(b, m) == -1 ||
	    put_time(b, subject_arrival(m)) == -1 || put_reported(b, m) == -1)
		goto fail;
	return (b);
fail:
	ibuf_free(b);
	return (NULL);
}

/* The content */

static int
write_all(int fd, const uint8_t *data, size_t len)
{
	ssize_t	n;

	for (; len > 0; data += n, len -= n)
		if ((n = write(fd, data, len)) == -1) {
			if (errno != EINTR)
				return (-1);
			n = 0;
		}
	return (0);
}

/*
 * A file without a name that can only be read, for a content out of the
 * data base.  Nothing of it has to last.
 */
static int
nameless(const void *data, size_t len)
{
	int	fd, to, r;

	if (unlinkat(sp.dirfd, UNLINKED_NAME, 0) == -1 && errno != ENOENT)
		return (-1);
	if ((to = openat(sp.dirfd, UNLINKED_NAME, O_WRONLY | O_CREAT | O_EXCL |
	    O_NOFOLLOW | O_CLOEXEC, 0600)) == -1)
		return (-1);
	r = write_all(to, data, len);
	fd = r == 0 ? openat(sp.dirfd, UNLINKED_NAME, O_RDONLY | O_NOFOLLOW |
	    O_CLOEXEC) : -1;
	close(to);
	unlinkat(sp.dirfd, UNLINKED_NAME, 0);
	return (fd);
}

static int
open_content(const struct store_message *sm)
{
	return (sm->kind == CONTENT_FILE ? content_open_whole(sm) :
	    nameless(sm->content, sm->size));
}

/* Asking mtad */

/*
 * A content that cannot be handed over, for lack of space as a rule: so it is
 * with all of them, and no message has failed.  Some time later one is tried.
 */
static void
pause_all(struct job *j)
{
	char	why[128];

	snprintf(why, sizeof(why), "content cannot be handed over: %s",
	    strerror(errno));
	if (paused == 0)
		log_warnx(EVT_COMMANDS_WAIT, ": %s", why);
	paused = spool_clock() + JEOPARDY_RETRY * 1000;
	spool_wake(paused);
	queue_return(j, why);
}

static void
go_on(void)
{
	if (paused != 0)
		log_info(EVT_COMMANDS_GO_ON, ": contents can be handed over");
	paused = 0;
}

static const char waits[] = "waits";	/* pause_all */

/* NULL: it is asked for.  Else why it is not. */
static const char *
ask(struct run *r, const struct store_message *sm, struct ibuf *values,
    uint8_t nvalues)
{
	struct command_run	 cr;
	struct ibuf		*b;
	const char		*why = NULL;
	int			 fd = -1;

	memset(&cr, 0, sizeof(cr));
	cr.message = r->job->message;
	cr.command = r->command->id;
	cr.values = nvalues;
	cr.has_content = sm->kind != CONTENT_NONE;
	if (cr.has_content && (fd = open_content(sm)) == -1) {
		if (sm->kind == CONTENT_INLINE) {
			pause_all(r->job);
			return (waits);
		}
		log_warn(EVT_CONTENT, "message=%016" PRIX64, r->job->message);
		return ("content cannot be handed over");
	}
	if (sm->kind == CONTENT_INLINE)
		go_on();
	if ((b = ibuf_dynamic(1024, FRAGMENT_MAX)) == NULL ||
	    ibuf_add(b, &cr, sizeof(cr)) == -1 ||
	    ibuf_add_ibuf(b, values) == -1) {
		if (fd != -1)
			close(fd);
		why = "out of memory";
	} else if (mtad_ask(IMSG_COMMAND_RUN, r->id, fd, ibuf_data(b),
	    ibuf_size(b)) == -1)
		why = "mtad cannot be asked";
	ibuf_free(b);
	return (why);
}

/* Names beyond what an environment holds: nobody can deliver that. */
static const char *
refuse(struct job *j)
{
	if (report_give_up(j, REASON_UNABLE_TO_TRANSFER,
	    DIAGNOSTIC_TOO_MANY_RECIPIENTS, "too many recipients for one "
	    "delivery") == -1)
		return ("out of memory");
	log_warnx(EVT_NOT_DELIVERED, "message=%016" PRIX64 " to=\"%s\": too "
	    "many recipients", j->message, j->target->name);
	queue_done(j);
	return (NULL);
}

/* 1: mtad is asked.  0: the job went another way. */
static int
start(struct run *r)
{
	struct store_message	 sm;
	struct message		*m = NULL;
	struct ibuf		*values = NULL;
	const char		*why = "message unreadable", *lost;
	uint8_t			 n;
	int			 found, too_many = 0;

	if ((found = store_message_get(sp.store, r->job->message, &sm,
	    1)) == -1)
		spool_failed(store_error(sp.store));
	if (found == 1 && (m = message_deserialise(sm.envelope,
	    sm.envelope_len)) != NULL) {
		why = "out of memory";
		r->report = m->type == MESSAGE_PROBE ||
		    deliver_wants_report(m);
		if (sp.mta.audit_keep > 0)
			r->fields = audit_fields(m, &sm,
			    r->job->target->number);
		if ((values = command_values(m, &sm, r->job->target->number,
		    &n, &too_many)) != NULL)
			why = ask(r, &sm, values, n);
		else if (too_many)
			why = refuse(r->job);
	}
	ibuf_free(values);
	if (m != NULL)
		message_free(m);
	if (found == 1)
		store_message_release(sp.store);
	if (why == waits)
		;	/* it was given back */
	else if (why != NULL &&
	    (lost = message_trouble(r->job->message)) != NULL)
		queue_lost(r->job, lost);
	else if (why != NULL)
		deliver_later(r->job, why, "");
	return (why == NULL && !too_many);
}

static int
next_job(struct command *c)
{
	struct run	*r;
	struct job	*j;

	if (c->target == NULL || !c->seen || c->running >= c->parallel ||
	    nruns >= COMMANDS_MAX || sp.failing || spool_clock() < paused)
		return (0);
	if ((r = calloc(1, sizeof(*r))) == NULL)
		return (0);
	if ((j = queue_next(c->target, 0)) == NULL) {
		free(r);
		return (0);
	}
	r->id = ++next_run;
	r->command = c;
	r->job = j;
	if (!start(r)) {
		free(r->fields);
		free(r);
		return (1);
	}
	TAILQ_INSERT_TAIL(&runs, r, entry);
	c->running++;
	nruns++;
	return (1);
}

/* One of each in turn, so that no command keeps the others from running. */
void
command_wake(void)
{
	struct command	*c;
	int		 more;

	if (sp.store == NULL || sp.failing || sp.stopping)
		return;
	do {
		more = 0;
		TAILQ_FOREACH(c, &sp.commands, entry)
			more |= next_job(c);
	} while (more);
}

int
command_busy(void)
{
	return (nruns > 0);
}

/* What it said is for the log only. */
static void
give_up(struct job *j, const struct verdict *v, const char *said)
{
	if (report_give_up(j, v->reason, v->diagnostic, v->text) == -1) {
		deliver_later(j, "out of memory", "");
		return;
	}
	log_warnx(EVT_NOT_DELIVERED, "message=%016" PRIX64 " to=\"%s\": "
	    "%s%s%s", j->message, j->target->name, v->text, said[0] != '\0' ?
	    ": " : "", said);
	queue_done(j);
}

int
command_imsg(uint32_t id, const struct command_done *d)
{
	struct verdict	 v;
	struct run	*r;
	int		 orphan;

	if (d->end > COMMAND_NOT_RUN ||
	    memchr(d->text, '\0', sizeof(d->text)) == NULL)
		return (-1);
	TAILQ_FOREACH(r, &runs, entry)
		if (r->id == id)
			break;
	if (r == NULL)
		return (-1);
	TAILQ_REMOVE(&runs, r, entry);
	r->command->running--;
	nruns--;
	command_judge(d, &v);
	switch (v.what) {
	case VERDICT_DELIVERED:
		deliver_done(r->job, r->report, r->fields);
		break;
	case VERDICT_LATER:
		deliver_later(r->job, v.text, d->end == COMMAND_NOT_RUN ?
		    "" : d->text);
		break;
	case VERDICT_FAILED:
		give_up(r->job, &v, d->text);
		break;
	}
	orphan = v.what == VERDICT_LATER && !r->command->seen;
	free(r->fields);
	free(r);
	return (orphan);
}
