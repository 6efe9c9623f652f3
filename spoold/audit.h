/* SPDX-License-Identifier: ISC */

/*
 * Lines of the audit log: audit.c (events), audit_text.c (their fields) and
 * audit_file.c (the files).
 */

#ifndef AUDIT_H
#define AUDIT_H

#include "spoold.h"

#define DAY		86400
/* Octets that may wait, those of one line, and of one row of the store. */
#define AUDIT_BACKLOG_MAX	(8 * 1024 * 1024)
#define AUDIT_LINE_MAX		(16 * 1024)
#define AUDIT_CHUNK_MAX		(64 * 1024)

/* Lines of one day that are put into the store and the file together. */
struct audit_chunk {
	TAILQ_ENTRY(audit_chunk) entry;
	uint64_t	 id;		/* key of the last line */
	int64_t		 day;
	size_t		 len, size;
	char		*text;		/* ends with NUL */
};
TAILQ_HEAD(audit_chunks, audit_chunk);

/*
 * A line, or a piece of one.  What does not fit any more is left out, and
 * full says so.  Names are with what stands before and after them: " from=".
 * Any thread may do this.
 */
struct audit_text {
	char	*buf;		/* no NUL */
	size_t	 size, len;
	int	 full;
};
void	 audit_text_init(struct audit_text *, char *buf, size_t size);
void	 audit_put(struct audit_text *, const char *);
/* In quotes; what is not printable ASCII as \xNN. */
void	 audit_put_text(struct audit_text *, const char *name, const char *);
void	 audit_put_number(struct audit_text *, const char *name, uint64_t);
void	 audit_put_id(struct audit_text *, const char *name, uint64_t);
/* ms -1: without them. */
void	 audit_put_time(struct audit_text *, const char *name, int64_t,
	    int ms);
void	 audit_put_address(struct audit_text *, const char *name,
	    const struct or_address *);
/* diagnostic -1: none */
void	 audit_put_reason(struct audit_text *, int reason, int diagnostic);
/* What every line has of its message. */
void	 audit_put_message(struct audit_text *, const struct message *);
/* Its last element; of what has none, the one that it gets now. */
void	 audit_put_trace(struct audit_text *, const struct message *,
	    int64_t now);
/* All of these, of one that is in the store. */
void	 audit_put_stored(struct audit_text *, const struct message *,
	    const struct store_message *);

/* audit_file.c: the files of a day each, written by a thread. */
int	 audit_file_start(void);
/* Writes what is left, as far as it can, and ends. */
void	 audit_file_stop(void);
/* Takes the chunks. */
void	 audit_file_put(struct audit_chunks *);
/* They are to be in the file soon: it is about to be read.  Up to this key. */
uint64_t audit_file_hurry(void);
/* 1: a reader finds them, or waits in vain. */
int	 audit_file_has(uint64_t key);
/* errno of the last try to write, 0: it worked. */
int	 audit_file_trouble(void);
/* Up to which id it is durable. */
uint64_t audit_file_durable(void);
/* Octets that wait. */
size_t	 audit_file_backlog(void);
/* The file of a day, "2026-11-24.log". */
void	 audit_file_name(int64_t time, char *, size_t);

#endif
