/* SPDX-License-Identifier: ISC */

/*
 * An imsg channel in a libevent loop.  Messages are handed to the handler
 * one by one; when all that one wakeup made available have been handled,
 * on_batch is called once (spoold commits there).  The handler owns neither
 * the imsg nor its body; a descriptor that it does not take is closed.
 *
 * Callbacks may compose, and may free the imsgev; then nothing more is
 * called.  When the channel ends or its peer sends what cannot be right,
 * on_close is called, which has to free it.
 */

#ifndef IMSGEV_H
#define IMSGEV_H

#include <event2/event.h>

#include "imsg.h"

struct imsgev {
	struct imsgbuf		  ibuf;
	struct event		 *rev, *wev, *fev;
	void			(*handler)(struct imsgev *, struct imsg *,
				    void *);
	void			(*on_close)(struct imsgev *, const char *,
				    void *);
	void			(*on_drain)(struct imsgev *, void *);
	void			(*on_batch)(struct imsgev *, void *);
	void			 *arg;
	int			  fd;		/* -1: not in use */
	int			  paused;
	int			  turns;
	int			 *freed;	/* set while callbacks run */
};

/*
 * fd is made non-blocking and is the imsgev's from then on.  on_drain (when
 * everything composed has been written) and on_batch may be NULL.  -1: no
 * memory.
 */
int	imsgev_init(struct imsgev *, struct event_base *, int fd,
	    void (*handler)(struct imsgev *, struct imsg *, void *),
	    void (*on_close)(struct imsgev *, const char *why, void *),
	    void (*on_drain)(struct imsgev *, void *),
	    void (*on_batch)(struct imsgev *, void *), void *arg);
/* Closes the descriptor and forgets what was not written. */
void	imsgev_free(struct imsgev *);
/*
 * As imsg_compose and imsg_composev.  It is written by the loop after what
 * is ready now, so that many messages go at once.  1 or -1.
 */
int	imsgev_compose(struct imsgev *, uint32_t type, uint32_t id, pid_t,
	    int fd, const void *, size_t);
int	imsgev_composev(struct imsgev *, uint32_t type, uint32_t id, pid_t,
	    int fd, const struct iovec *, int);
/* As imsg_sendv: for long ones, which are not to be copied.  1 or -1. */
int	imsgev_sendv(struct imsgev *, uint32_t type, uint32_t id, pid_t,
	    const struct iovec *, int);
/* Writes now what the socket takes. */
void	imsgev_flush(struct imsgev *);
/* Octets that wait to be written. */
size_t	imsgev_pending(struct imsgev *);
void	imsgev_pause(struct imsgev *);
void	imsgev_resume(struct imsgev *);

#endif
