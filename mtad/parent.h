/* SPDX-License-Identifier: ISC */

/*
 * The parent process: children.c starts and restarts rtsd and spoold,
 * command.c runs what delivers, sockets.c binds and connects for them, sign.c signs for rtsd, mtad.c joins
 * these to configuration and signals.
 */

#ifndef PARENT_H
#define PARENT_H

#include <event2/event.h>

#include "conf.h"
#include "imsgev.h"

enum role { CHILD_RTSD, CHILD_SPOOLD, CHILDREN };

struct options {
	int		 debug, verbose, unconfined;
	const char	*conf_file;
	const char	*pid_file;	/* or NULL */
	const char	*libexec;	/* where rtsd and spoold are */
	const char	*archive;	/* to be restored, or NULL */
	int		 as_it_was;	/* and nothing held */
	const char	*rtsd_user, *spoold_user;
};

extern struct options		 options;
extern struct event_base	*base;
extern struct conf		*conf;

/* mtad.c */
void	 child_imsg(enum role, struct imsg *);
/* A child runs and waits for its configuration. */
void	 child_started(enum role);
/* Both of them have exited after children_stop. */
void	 children_gone(void);

/* places.c */
/* -1: one cannot be had, or is not whose it has to be (said). */
int	 make_directories(struct conf *);
/* On standard output, for scripts: mtad(8), -n. */
void	 say_places(const struct conf *);

/* send.c */
/* Numbers for what has none yet; the same names keep theirs. */
void	 conf_number(struct conf *);
/* All that is in force and is for that child. */
void	 conf_send(enum role);

/* children.c */
void	 children_start(void);
/* A new channel between the two; lost if one of them is not there. */
void	 children_join(void);
void	 children_stop(void);
/* Has one not ended in order when it was to stop? */
int	 children_failed(void);
void	 children_reap(void);
/*
 * The programs of the children are opened once: those that were there when
 * mtad started are what it starts again, also when the files were replaced
 * meanwhile, so that all speak the same imsgs.  -1 after a log line.
 */
int	 children_open(void);
/*
 * In a process of its own, which becomes the program: descriptors up to
 * PROC_FD stay.  argv[0] is filled in.
 */
void	 child_execute(enum role, char **argv, char *const env[])
	    __attribute__((noreturn));
/* spoold takes an archive into the spool, or looks at it: exit status. */
int	 children_restore(int fd, int check);
/* To one child; the descriptor is the caller's still.  Lost when it is
 * not there: it gets everything anew when it comes. */
void	 child_send(enum role, uint32_t type, uint32_t id, int fd,
	    const void *, size_t);

/* command.c */
/* spoold asks for a command to be run. */
void	 command_imsg(struct imsg *);
/* It is gone: nobody waits for those that run, until it asks again. */
void	 command_spoold_gone(void);
/* pid has ended, and is not waited for yet. */
void	 command_ending(pid_t);
/* 1: pid was a command. */
int	 command_reap(pid_t, int status);
/* None is run any more; those that run get some seconds, then signals. */
void	 command_stop(void);
/* At once, without a word to anybody. */
void	 command_kill(void);

/* sign.c */
/* A new channel, over which this rtsd asks for signatures. */
void	 sign_open(void);
void	 sign_close(void);

/* sockets.c */
/* Opens what the new configuration listens on; takes over what old has.
 * -1: one cannot be bound (said), nothing has changed. */
int	 sockets_listen(struct conf *new, struct conf *old);
/* The same of those who ask for metrics; what new has not got is removed. */
int	 sockets_metrics(struct conf *new, struct conf *old);
void	 sockets_metrics_close(struct conf *, int remove);
/* Its descriptor or -1, and who may use it. */
int	 sockets_control(struct conf *, struct control_conf *);
/* Again, by the process that stays. */
void	 sockets_control_own(int);
void	 sockets_connect(uint32_t assoc, const struct conf_peer *,
	    uint32_t address);
/* Tells rtsd the numeric addresses of a peer. */
void	 sockets_sources(const struct conf_peer *);
void	 sockets_cancel(uint32_t assoc);
void	 sockets_cancel_all(void);
/* 1: pid was a resolver of ours. */
int	 sockets_reap(pid_t);

#endif
