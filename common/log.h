/* SPDX-License-Identifier: ISC */

/*
 * The log: syslog, facility mail, or standard error with the time when the
 * process stays in the foreground.  A line is
 *
 *	IDENTIFIER *(" " KEY "=" VALUE) [": " WORDS]
 *
 * and never holds a control character.  Values with blanks are in quotation
 * marks.  Formats begin with the first key or with ": ".  Nothing here
 * allocates.
 */

#ifndef LOG_H
#define LOG_H

#include <stddef.h>

#include "event.h"

#define LOG_PRINTF	__attribute__((__format__(printf, 2, 3)))
#define FATAL_PRINTF	__attribute__((__format__(printf, 1, 2), noreturn))
#define LOG_LINE_MAX	1024	/* octets, without the final zero */

/* name: as in "rtsd[123]" and what ps(1) shows, not copied; debug: to standard
 * error, with the time. */
void	log_init(const char *name, int debug, int verbose);
/* The same of a program that others run: when no one reads it at a terminal,
 * plain words, without the time and its name. */
void	log_init_agent(const char *name, int verbose);
/*
 * As log_init of a daemon, for a child that mtad gave a socket of packets as
 * standard error: each line is a packet "<LEVEL>LINE", which log_passed takes
 * at the other end.  Where that is full, lines are counted and told of later.
 */
void	log_init_child(const char *name, int verbose);
/*
 * Log a packet of a child of that name; what has no level, for a library or
 * the system said it, is a line "output".  len is at least 0.
 */
void	log_passed(const char *name, int pid, const char *packet, size_t len);
/* 0: debug lines are dropped. */
void	log_setverbose(int);
int	log_getverbose(void);
/* Nothing is said until it is called with 0: for what only seems to be. */
void	log_mute(int);
/* Warnings and worse go to it as well, as they are logged; NULL: no more. */
void	log_copy(void (*)(const char *));
/* How many lines there were so far, muted ones counted, debug lines not. */
unsigned log_lines(void);
/* LOG_ERR, with strerror(errno) */
void	log_warn(enum event_id, const char *, ...) LOG_PRINTF;
/* LOG_WARNING */
void	log_warnx(enum event_id, const char *, ...) LOG_PRINTF;
void	log_info(enum event_id, const char *, ...) LOG_PRINTF;
void	log_debug(const char *, ...) __attribute__((__format__(printf, 1, 2)));
/* The same, however log_setverbose is. */
void	log_detail(const char *, ...) __attribute__((__format__(printf, 1, 2)));
/* LOG_CRIT, and the end; without x with strerror(errno). */
void	fatal(const char *, ...) FATAL_PRINTF;
void	fatalx(const char *, ...) FATAL_PRINTF;
/*
 * Octets from outside as printable text, \xNN for what is not, cut short
 * after some 200 characters.  One of four static buffers in turn.
 */
const char *log_octets(const void *, size_t);

#endif
