/* SPDX-License-Identifier: ISC */

/* See log.h. */

#include <sys/socket.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include <errno.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

static const char	*const events[] = {
#define EVENT(name, text)	text,
	EVENTS(EVENT)
#undef EVENT
};

static const char	*procname = "mtad";
static enum { TO_TERMINAL, TO_SYSLOG, TO_PARENT, TO_AGENT } where;
static int		 verbosity, muted;
static void		 (*copy)(const char *);
static atomic_uint	 lines;
static atomic_uint	 lost;		/* lines that found no room */

/* Of what was executed by a descriptor older kernels know but its number. */
static void
set_name(const char *name)
{
	procname = name;
#ifdef __linux__
	prctl(PR_SET_NAME, name);
#endif
}

void
log_init(const char *name, int debug, int verbose)
{
	set_name(name);
	where = debug ? TO_TERMINAL : TO_SYSLOG;
	verbosity = verbose;
	tzset();	/* there may be no files later */
}

void
log_init_child(const char *name, int verbose)
{
	set_name(name);
	where = TO_PARENT;
	verbosity = verbose;
	tzset();
}

void
log_init_agent(const char *name, int verbose)
{
	log_init(name, 1, verbose);
	if (!isatty(STDERR_FILENO))
		where = TO_AGENT;
}

void
log_setverbose(int v)
{
	verbosity = v;
}

int
log_getverbose(void)
{
	return (verbosity);
}

void
log_mute(int on)
{
	muted = on;
}

void
log_copy(void (*f)(const char *))
{
	copy = f;
}

unsigned
log_lines(void)
{
	return (lines);
}

/* Lines of a process that says them here, or through us. */
static void
to_syslog(int level, const char *name, int pid, const char *line)
{
	static char ident[48];
	char now[48];

	snprintf(now, sizeof(now), "%.32s[%d]", name, pid);
	if (strcmp(now, ident) != 0) {
		memcpy(ident, now, sizeof(ident));	/* syslog(3) keeps it */
		openlog(ident, LOG_NDELAY, LOG_MAIL);
	}
	syslog(level, "%s", line);
}

/* 0, or -1 where the parent has no room now. */
static int
to_parent(int level, const char *line)
{
	char packet[LOG_LINE_MAX + 8];
	int n;

	n = snprintf(packet, sizeof(packet), "<%d>%s", level, line);
	return (send(STDERR_FILENO, packet, n, MSG_DONTWAIT | MSG_NOSIGNAL) ==
	    -1 ? -1 : 0);
}

static void
to_terminal(const char *line)
{
	struct timespec ts;
	struct tm tm;
	char stamp[32];

	clock_gettime(CLOCK_REALTIME, &ts);
	localtime_r(&ts.tv_sec, &tm);
	strftime(stamp, sizeof(stamp), "%H:%M:%S", &tm);
	fprintf(stderr, "%s.%03ld %s[%d]: %s\n", stamp, ts.tv_nsec / 1000000,
	    procname, (int)getpid(), line);
}

static void
put_line(int level, const char *line)
{
	char text[80];
	unsigned n;

	switch (where) {
	case TO_TERMINAL:
		to_terminal(line);
		break;
	case TO_AGENT:
		fprintf(stderr, "%s\n", line);
		break;
	case TO_SYSLOG:
		to_syslog(level, procname, (int)getpid(), line);
		break;
	case TO_PARENT:
		if ((n = atomic_exchange(&lost, 0)) > 0) {
			snprintf(text, sizeof(text), "%s lines=%u",
			    events[EVT_LOG_LOST], n);
			if (to_parent(LOG_WARNING, text) == -1) {
				lost += n + 1;
				break;
			}
		}
		if (to_parent(level, line) == -1)
			lost++;
		break;
	}
}

/* Nothing that a peer sent makes a line of its own. */
static void
clean(char *line)
{
	for (; *line != '\0'; line++)
		if ((unsigned char)*line < 0x20 || *line == 0x7f)
			*line = '?';
}

static void
vlog(int level, enum event_id id, int error, const char *fmt, va_list ap)
{
	char line[LOG_LINE_MAX + 1];
	void (*f)(const char *);
	size_t n;
	int r;

	if (level != LOG_DEBUG)
		lines++;
	if (muted && level != LOG_CRIT)
		return;
	n = strlcpy(line, events[id], sizeof(line));
	if (*fmt != ':') {
		if (id == EVT_FATAL)
			line[n++] = ':';
		line[n++] = ' ';
	}
	if ((r = vsnprintf(line + n, sizeof(line) - n, fmt, ap)) < 0)
		return;
	n += r;
	if (n >= sizeof(line))
		n = sizeof(line) - 1;
	if (error != 0)
		snprintf(line + n, sizeof(line) - n, ": %s", strerror(error));
	clean(line);
	put_line(level, line);
	if (copy != NULL && level <= LOG_WARNING) {
		f = copy;
		copy = NULL;		/* what it logs is for the log */
		f(line);
		copy = f;
	}
}

void
log_passed(const char *name, int pid, const char *packet, size_t len)
{
	char line[LOG_LINE_MAX + 1];
	const char *id = "", *colon = "";
	int level = LOG_ERR;

	if (len >= 3 && packet[0] == '<' && packet[2] == '>' &&
	    packet[1] >= '0' + LOG_CRIT && packet[1] <= '0' + LOG_DEBUG) {
		level = packet[1] - '0';
		packet += 3;
		len -= 3;
	} else {
		id = events[EVT_OUTPUT];
		colon = ": ";
	}
	while (len > 0 && packet[len - 1] == '\n')
		len--;
	if (len > LOG_LINE_MAX)
		len = LOG_LINE_MAX;
	snprintf(line, sizeof(line), "%s%s%.*s", id, colon, (int)len,
	    packet);
	clean(line);
	to_syslog(level, name, pid, line);
}

#define LOG_BODY(level, id, error) do {					\
	va_list ap;							\
									\
	va_start(ap, fmt);						\
	vlog(level, id, error, fmt, ap);				\
	va_end(ap);							\
} while (0)

void
log_warn(enum event_id id, const char *fmt, ...)
{
	int saved = errno;

	LOG_BODY(LOG_ERR, id, saved);
	errno = saved;
}

void
log_warnx(enum event_id id, const char *fmt, ...)
{
	LOG_BODY(LOG_WARNING, id, 0);
}

void
log_info(enum event_id id, const char *fmt, ...)
{
	LOG_BODY(LOG_INFO, id, 0);
}

void
log_debug(const char *fmt, ...)
{
	if (verbosity > 0)
		LOG_BODY(LOG_DEBUG, EVT_DEBUG, 0);
}

void
log_detail(const char *fmt, ...)
{
	LOG_BODY(LOG_DEBUG, EVT_DEBUG, 0);
}

void
fatal(const char *fmt, ...)
{
	LOG_BODY(LOG_CRIT, EVT_FATAL, errno);
	exit(1);
}

void
fatalx(const char *fmt, ...)
{
	LOG_BODY(LOG_CRIT, EVT_FATAL, 0);
	exit(1);
}

const char *
log_octets(const void *p, size_t len)
{
	static char bufs[4][216];
	static unsigned turn;
	const unsigned char *o = p;
	char *b = bufs[turn++ % 4];
	size_t i, n = 0;

	for (i = 0; i < len && n < 200; i++) {
		if (o[i] >= 0x20 && o[i] < 0x7f && o[i] != '\\' &&
		    o[i] != '"')
			b[n++] = o[i];
		else
			n += snprintf(b + n, 5, "\\x%02x", o[i]);
	}
	if (i < len) {
		memcpy(b + n, "...", 3);
		n += 3;
	}
	b[n] = '\0';
	return (b);
}
