/* SPDX-License-Identifier: ISC */

/*
 * "mtactl top": what the files of it share.
 *
 * Two processes: one only connects to the control socket when it is asked to
 * and hands the connection over; the other has the terminal, asks spoold and
 * draws, confined, and so can have the connection anew when spoold, or mtad,
 * comes back.
 */

#ifndef TOP_H
#define TOP_H

#include <signal.h>
#include <time.h>

#include "control.h"
#include "imsg.h"
#include "json.h"

#define TOP_ROWS_MAX	4096	/* kept of each kind; others are counted */
#define TOP_LINE_MAX	512	/* columns drawn */

/* One look at everything. */
struct top_data {
	int			 valid;
	struct timespec		 taken;		/* CLOCK_MONOTONIC */
	struct ctl_summary	 summary;
	struct ctl_peer		*peer;
	size_t			 npeer;
	struct ctl_association	*association;
	size_t			 nassociation;
	struct ctl_transfer	*transfer;
	size_t			 ntransfer;
	uint64_t		 more[3];	/* rows that were not kept */
};

/* By second; before there are two looks: 0, and valid is not set. */
struct top_rate {
	int	valid;
	double	received, sent, received_octets, sent_octets;
};

enum top_sort { TOP_NAME = 0, TOP_QUEUED, TOP_OLDEST, TOP_RATE, TOP_SORTS };
enum top_step { TOP_IDLE = 0, TOP_SUMMARY, TOP_PEERS, TOP_ASSOCIATIONS,
	TOP_TRANSFERS };

struct top {
	/* The connection. */
	const char	*path;
	struct imsgbuf	 connector;
	int		 asked;		/* of the connector, no answer yet */
	struct imsgbuf	 ctl;
	int		 connected;
	enum top_step	 step;
	char		 trouble[160];	/* why there is none; "" */
	/* What is known. */
	struct top_data	 now, before, next;
	/* What the operator wants. */
	int		 interval;	/* s */
	enum top_sort	 sort;
	int		 paused;
	int		 scroll;
	int		 hidden;	/* bits of sections: 1 << enum */
	int		 help;
};

/* top_link.c */
/* Forks the process that connects.  Or exits. */
void	top_connector(struct top *);
/* Begins a look unless one is under way. */
void	top_ask(struct top *);
/* What can be read has come.  1: a look is complete, it is in now. */
int	top_connector_input(struct top *);
int	top_ctl_input(struct top *);
/* What waits to be written. */
void	top_ctl_output(struct top *);
void	top_data_free(struct top_data *);

/* top_rate.c: between the last two looks */
struct top_rate	 top_rate(const struct top *);
struct top_rate	 top_peer_rate(const struct top *, const struct ctl_peer *);
/* Octets by second; -1: not known. */
double	 top_transfer_rate(const struct top *, const struct ctl_transfer *);
void	 top_sort(struct top *);
uint64_t top_queued(const struct ctl_peer *);
/* s since the last look, 0 when there is none. */
int	 top_age(const struct top *);
const char *top_sort_name(enum top_sort);
int	 top_sort_find(const char *);	/* -1 */

/* top_lines.c: the screen as lines of text, no wider than told */
enum top_style { TOP_PLAIN = 0, TOP_TITLE, TOP_HEADING, TOP_ALARM, TOP_BUSY };
struct top_line {
	enum top_style	 style;
	char		 text[TOP_LINE_MAX + 1];
};
struct top_lines {
	struct top_line	*line;
	size_t		 n, size;
	size_t		 head;		/* of them that do not scroll */
};
/* The same array again and again; free lines->line. */
void	 top_lines(const struct top *, struct top_lines *, int width);

/* top_json.c */
void	 top_json(const struct top *, FILE *);

#endif
