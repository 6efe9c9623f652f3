/* SPDX-License-Identifier: ISC */

/*
 * The log: syslog, facility mail, or standard error with the time when the
 * process stays in the foreground.  Nothing here allocates.
 */

#ifndef LOG_H
#define LOG_H

#include <stddef.h>

#define LOG_PRINTF	__attribute__((__format__(printf, 1, 2)))

/* name: as in "rtsd[123]"; debug: to standard error. */
void	log_init(const char *name, int debug, int verbose);
/* 0: debug lines are dropped. */
void	log_setverbose(int);
int	log_getverbose(void);
/* Nothing is said until it is called with 0: for what only seems to be. */
void	log_mute(int);
/* How many lines there were so far, muted ones counted, debug lines not. */
unsigned log_lines(void);
void	log_warn(const char *, ...) LOG_PRINTF;	/* with strerror(errno) */
void	log_warnx(const char *, ...) LOG_PRINTF;
void	log_info(const char *, ...) LOG_PRINTF;
void	log_debug(const char *, ...) LOG_PRINTF;
void	fatal(const char *, ...) LOG_PRINTF __attribute__((noreturn));
void	fatalx(const char *, ...) LOG_PRINTF __attribute__((noreturn));
/*
 * Octets from outside as printable text, \xNN for what is not, cut short
 * after some 200 characters.  One of four static buffers in turn.
 */
const char *log_octets(const void *, size_t);

#endif
