/* SPDX-License-Identifier: ISC */

/* See log.h. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

static const char	*procname = "mtad";
static int		 foreground = 1, verbosity, muted;
static unsigned		 lines;

void
log_init(const char *name, int debug, int verbose)
{
	procname = name;
	foreground = debug;
	verbosity = verbose;
	if (!debug)
		openlog(name, LOG_PID | LOG_NDELAY, LOG_MAIL);
	tzset();	/* there may be no files later */
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

unsigned
log_lines(void)
{
	return (lines);
}

static void
vlog(int level, int error, const char *fmt, va_list ap)
{
	char line[1024], stamp[32];
	struct timespec ts;
	struct tm tm;
	int n;

	if (level != LOG_DEBUG)
		lines++;
	if (muted && level != LOG_CRIT)
		return;
	n = vsnprintf(line, sizeof(line), fmt, ap);
	if (n < 0)
		return;
	if ((size_t)n >= sizeof(line))
		n = sizeof(line) - 1;
	if (error != 0)
		snprintf(line + n, sizeof(line) - n, ": %s", strerror(error));
	if (!foreground) {
		syslog(level, "%s", line);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &ts);
	localtime_r(&ts.tv_sec, &tm);
	strftime(stamp, sizeof(stamp), "%H:%M:%S", &tm);
	fprintf(stderr, "%s.%03ld %s[%d]: %s\n", stamp, ts.tv_nsec / 1000000,
	    procname, (int)getpid(), line);
}

#define LOG_BODY(level, error) do {					\
	va_list ap;							\
									\
	va_start(ap, fmt);						\
	vlog(level, error, fmt, ap);					\
	va_end(ap);							\
} while (0)

void
log_warn(const char *fmt, ...)
{
	int saved = errno;

	LOG_BODY(LOG_ERR, saved);
	errno = saved;
}

void
log_warnx(const char *fmt, ...)
{
	LOG_BODY(LOG_ERR, 0);
}

void
log_info(const char *fmt, ...)
{
	LOG_BODY(LOG_INFO, 0);
}

void
log_debug(const char *fmt, ...)
{
	if (verbosity > 0)
		LOG_BODY(LOG_DEBUG, 0);
}

void
fatal(const char *fmt, ...)
{
	LOG_BODY(LOG_CRIT, errno);
	exit(1);
}

void
fatalx(const char *fmt, ...)
{
	LOG_BODY(LOG_CRIT, 0);
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
