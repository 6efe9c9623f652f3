/* SPDX-License-Identifier: ISC */

/*
 * What the files of mtactl share.  Exit codes: 0 done, 1 failed (one line on
 * standard error says why), 2 not called as it should be.
 */

#ifndef MTACTL_H
#define MTACTL_H

#include "control.h"
#include "imsg.h"

#define EXIT_USAGE	2

/* The connection to spoold. */
struct ctl {
	const char	*path;
	struct imsgbuf	 ibuf;
	int		 may_fail;	/* ctl_next returns CTL_FAIL, too */
};

/*
 * ctl_open connects, then gives up whatever is not needed any more; the other
 * two are its halves, for who opens a file only when an answer is there.  Or
 * they exit.
 */
void	ctl_open(struct ctl *, const char *path);
void	ctl_connect(struct ctl *, const char *path);
void	ctl_confine(void);
/*
 * Whether standard output that nobody reads any more ends it, as it does
 * other programs; not while something is on its way to mtad.
 */
void	ctl_pipe_ends(int);
/* Queues a request.  Or exits. */
void	ctl_send(struct ctl *, uint32_t type, const void *, size_t);
/*
 * The next message of the answer: returns its type, which is CTL_FAIL only
 * with may_fail.
 * While more is not NULL and room is left it is called to queue something;
 * it returns 0 when it has nothing more.  Exits when the answer is a failure
 * or the connection is lost.
 */
uint32_t ctl_next(struct ctl *, struct imsg *, int (*more)(struct ctl *,
	    void *), void *);
/*
 * Waits for more of an answer, as long as that many ms (-1: any time): 1
 * there may be some, 0 there is none or a signal came, -1 the connection is
 * lost.  What was queued is sent first.
 */
int	ctl_wait(struct ctl *, int ms);
/* 1: a message is there.  Exits when it is a failure. */
int	ctl_try(struct ctl *, struct imsg *);
/* The structure that a row is, of just that size.  Or exits. */
void	ctl_row(struct imsg *, void *, size_t);

/*
 * show.c: sends the request for what, about an id or the copies for a peer
 * (NULL: all of them), and prints the answer.
 */
struct show;
const struct show *show_find(const char *what);
void	show_run(const struct show *, struct ctl *, uint64_t id,
	    const char *peer, int as_json);
/* Needs an id? */
int	show_wants_id(const struct show *);

/*
 * recipients.c: the recipients of a message, what became of those that it is
 * over for, and how they are printed.
 */
struct recipients {
	struct shown	*r;
	size_t		 n, size;
};
struct json;
void	recipients_add(struct recipients *, const struct ctl_recipient *);
/*
 * Asks the audit log about that message, which came then (time_t); where
 * there is none, or it says nothing, they stay as they are.
 */
void	recipients_ask(struct recipients *, struct ctl *, uint64_t id,
	    uint64_t arrival);
/* As a table, or as a member of the object; and they are forgotten. */
void	recipients_print(struct recipients *);
void	recipients_json(struct recipients *, struct json *);

/* submit.c: parses the arguments (exits when they are wrong) and submits. */
void	submit_run(const char *path, int argc, char **argv, int as_json);

/* backup.c: the same, and writes an archive. */
void	backup_run(const char *path, int argc, char **argv, int as_json);

/* track.c: the same of the audit log. */
void	track_run(const char *path, int argc, char **argv, int as_json);
/*
 * submit_mime.c: the descriptor of a content made of the text.  Or exits.
 */
struct mime_submission;
int	submit_mime(struct mime_submission *, int fd, const char *name);

/* route.c: where an address goes, what would become of a message. */
void	route_run(const char *path, int argc, char **argv, int as_json);
void	check_run(const char *path, int argc, char **argv, int as_json);
/* A row of check in words, made safe to be printed.  Or exits. */
void	check_line(struct ctl_check *, char *line, size_t);

/* live.c: each with its name as argv[0]; they exit when something is wrong. */
void	ping_run(const char *path, int argc, char **argv, int as_json);
void	peer_run(const char *path, int argc, char **argv, int as_json);
void	reload_run(const char *path, int argc, char **argv, int as_json);
void	stop_run(const char *path, int argc, char **argv, int as_json);
/* sheet.c: show peer NAME. */
void	sheet_run(const char *path, const char *name, int as_json);
/* trace.c */
void	trace_run(const char *path, int argc, char **argv, int as_json);
/* The same members as JSON, for top. */
void	show_json_summary(struct json *, const char *key,
	    const struct ctl_summary *);
void	show_json_peer(struct json *, const struct ctl_peer *);
/* A point in time; 0: null. */
void	time_or_null(struct json *, const char *key, uint64_t);
/* Members alone, of an object that has others. */
void	peer_members(struct json *, const struct ctl_peer *);
void	show_json_association(struct json *, const struct ctl_association *);
void	show_json_transfer(struct json *, const struct ctl_transfer *);

/* top.c: shows what goes on until it is told to end. */
void	top_run(const char *path, int argc, char **argv, int as_json);

/* decode_run.c: prints the octets of a trace.  Exits. */
void	decode_run(int argc, char **argv, int as_json)
	    __attribute__((noreturn));

/* mtactl.c */
/* getopt from the first argument on; returns how many are left, in *argv. */
int	options(int argc, char ***argv, const char *which,
	    void (*option)(int, void *), void *);
/* A number of that range.  Or exits. */
uint32_t number_arg(const char *what, const char *text, uint32_t min,
	    uint32_t max);
/* The name of a peer, into its field.  Or exits. */
void	peer_arg(char name[PEER_NAME_MAX], const char *what,
	    const char *text);
/*
 * Exits: what was given for an option, with a caret below the octet where it
 * goes wrong.
 */
void	bad_text(const char *option, const char *text, size_t where,
	    const char *why) __attribute__((noreturn));
/* Hexadecimal, as ids are printed.  Or exits. */
uint64_t parse_id(const char *);
/* Why, if that is not said yet, and how its verb is called. */
void	usage(const char *) __attribute__((noreturn));

/* A string field that came over the socket ends within its array. */
#define TERMINATE(a)	((a)[sizeof(a) - 1] = '\0')

#endif
