/* SPDX-License-Identifier: ISC */

/*
 * rtsd: the network process.  rtsd.c holds the channels and the
 * configuration, assoc.c an association from descriptor to RTS, assoc_tls.c
 * what it does for TLS, xfer_out.c and xfer_in.c the transfers on it.
 */

#ifndef RTSD_H
#define RTSD_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/tree.h>
#include <sys/uio.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "imsgev.h"
#include "mtad.h"
#include "p1.h"
#include "rts.h"
#include "tls.h"
#include "transport.h"

#define READ_SIZE	(256 * 1024)	/* octets taken from a socket at once */
#define OUT_HIGH	(512 * 1024)	/* octets that wait for the socket */
#define DIRECT_WRITE	(16 * 1024)	/* from here on not copied first */
#define SPOOL_HIGH	(4 * 1024 * 1024) /* octets that wait for spoold */
#define PIECES		32	/* parts of one imsg to spoold */
#define LINGER		3		/* s for the last octets to leave */
#define ASSOC_LIMIT	6000		/* connections at all */
#define ACCEPT_TURN	1	/* connections taken, then others have a turn */
#define TLS_TRY		10		/* s for TLS before plain is tried */
#define TLS_MEMORY	3600		/* s that plain was needed */

/* One transfer that spoold has handed us. */
struct xfer {
	TAILQ_ENTRY(xfer)	 entry;
	struct xfer_req		 req;
	struct ibuf		*envelope;
	struct ibuf		*head;		/* octets before the content, */
	uint64_t		 skip;		/* and in place of so many of it */
	struct ibuf		*content;	/* small one, or NULL */
	int			 fd;		/* large one, or -1 */
	int			 ready;		/* XFER_GO has come */
	int			 head_given;	/* as it was sent before */
	int			 unreadable;	/* the content is */
	uint64_t		 offset;	/* octets handed to the RTS */
	uint64_t		 total;
	uint64_t		 begun_at;	/* ms */
};
TAILQ_HEAD(xfers, xfer);

/* What arrived while spoold looks up what we hold of a resumed activity. */
enum held_kind { HELD_DATA, HELD_CHECKPOINT, HELD_END };

struct held {
	TAILQ_ENTRY(held)	 entry;
	enum held_kind		 kind;
	uint32_t		 serial;
	size_t			 len;
	uint8_t			 data[];
};
TAILQ_HEAD(held_list, held);

/* What the configuration says of TLS with a peer. */
struct peer_tls {
	struct tls_peer_conf	 conf;
	struct tls_ctx		*ctx;		/* NULL: plain when we call */
};

enum assoc_phase {
	ASSOC_CONNECTING,	/* mtad is at it */
	ASSOC_TRANSPORT,	/* CR and CC, CN */
	ASSOC_ASKED,		/* spoold decides on the PConnect */
	ASSOC_OPEN,
	ASSOC_GONE		/* over, the last octets leave */
};

struct assoc {
	RB_ENTRY(assoc)		 entry;
	uint32_t		 id;
	enum assoc_phase	 phase;
	int			 initiator;
	int			 known;		/* spoold has heard of it */
	int			 was_up;
	int			 said;		/* why it was refused */
	int			 t_up;		/* the CC came, or was sent */
	int			 closing;	/* ASSOC_CLOSE came */
	int			 fd;
	int			 shut;		/* our half is shut down */
	int			 paused;	/* not reading */
	int			 has_peer;
	struct peer_conf	 peer;		/* as it was when opened */
	uint32_t		 listener;
	uint32_t		 address_index;
	char			 tried[128];	/* the ones before, in words */
	struct selector		 local_tsel;	/* of the listener */
	struct assoc_open	 open;		/* initiator */
	struct pconnect		 pconnect;	/* responder */
	char			 address[64];
	struct source		*source;	/* responder; admit.c */
	TAILQ_ENTRY(assoc)	 half_open_entry;
	int			 is_half_open;
	int			 heard;		/* an octet came */
	struct event		*rev, *wev;
	struct event		*fev;		/* write what is in out */
	struct evbuffer		*out;
	struct tls		*tls;		/* NULL: plain */
	int			 tls_up;	/* the handshake is over */
	int			 tls_unsure;	/* plain if it looks so */
	int			 tls_wait;	/* no reading goes before this */
	struct transport	*t;
	struct rts		*rts;
	uint64_t		 progress;	/* ms, of the last octet */
	uint64_t		 phase_since;	/* ms */

	/* trace.c */
	struct trace_flow	*flow;		/* NULL: of no interest */
	uint64_t		 octets[2];	/* in and out, so far */
	/* ping.c */
	int			 ping;		/* opened to be released */
	int			 ping_layer;	/* where it failed, if known */
	int			 ping_dr;	/* reason of a DR */
	int			 ping_plain;	/* TLS was not wanted */
	uint32_t		 ping_limit;	/* s */
	uint64_t		 ping_since;	/* ms */

	/* outgoing */
	struct xfers		 outq;
	struct xfer		*cur;		/* first of outq, begun */
	struct xfer		*filling;	/* XFER_GO not yet seen */
	int			 asked_turn;
	unsigned		 sent_in_turn;	/* transfers, since we got it */
	uint32_t		 unsettled;	/* responder: ends not on record */
	int			 peer_asked;	/* for the turn */
	int			 peer_priority;

	/* incoming */
	struct p1_in		*in;
	int			 in_refused;
	int			 in_complete;	/* only the end is awaited */
	int			 holding;
	struct held_list	 held;
	size_t			 held_octets;
	struct ibuf		*old_markup;
	struct iovec		 piece[PIECES];	/* of the input at hand */
	int			 npiece;
	size_t			 piece_len;
	int			 piece_content;
};

/* rtsd.c */
extern struct imsgev	*spoold;	/* NULL: no channel */
extern struct imsgev	 parent;
extern struct event_base *base;
const struct peer_conf	*peer_by_id(uint32_t);
/*
 * The peer whose PConnect carries these credentials, or NULL with *why
 * naming what did not match.  Takes the same time for every password.
 */
const struct peer_conf	*peer_by_credentials(const struct credentials *,
			    const char **why);
/* Who calls itself by that name, 0: nobody does. */
uint32_t		 peer_by_remote_name(const char *);
/* NULL: nothing is said of TLS with it.  Until the next configuration. */
const struct peer_tls	*peer_tls(uint32_t);
/* Passwords, in constant time. */
int		 secret_equal(const char *, const char *);
int		 to_spoold(uint32_t, struct assoc *, const void *, size_t);
/* What was sent so far goes out at once, in the first minutes. */
void		 to_spoold_now(void);
/* The same from several places, not copied if it can go at once. */
int		 to_spoold_v(uint32_t, struct assoc *, const struct iovec *,
		    int);
uint64_t	 now_ms(void);
const struct mta_conf *mta(void);

/* assoc.c */
struct assoc	*assoc_find(uint32_t);
/* The context is that of the listener; NULL: plain. */
void		 assoc_accept(int, const struct sockaddr *, const char *,
		    const struct listen_conf *, struct tls_ctx *);
/* Closed for another one, at once and for good. */
void		 assoc_evict(struct assoc *);
/* -1: the number is none, or in use. */
int		 assoc_begin(uint32_t, const struct assoc_open *);
void		 assoc_connected(struct assoc *, int, const char *);
void		 assoc_connect_failed(struct assoc *, const char *);
void		 assoc_close(struct assoc *);
void		 assoc_abort(struct assoc *, int, const char *, int silent);
void		 assoc_flush(struct assoc *);
void		 assoc_tick(void);
void		 assoc_abort_all(int, const char *);
void		 assoc_close_all(void);
unsigned	 assoc_count(void);
void		 assoc_pause_all(int);
void		 assoc_update_reading(struct assoc *);
/* After anything happened: turn, next transfer, release, write. */
void		 assoc_run(struct assoc *);
/* The last word to spoold, or to the log; what is put out still leaves. */
void		 assoc_over(struct assoc *, int kind, int reason,
		    const char *why);
/* Why it is over, in words of their own; those of rts are only what is to be
 * added to the kind.  Static, or why. */
const char	*assoc_end_text(int kind, const char *why);
/* Without a connection again, and nothing that was meant for one. */
void		 assoc_detach(struct assoc *);
/* Asks mtad for the connection to the address at hand. */
void		 assoc_connect(struct assoc *);
/* The connection is ready for the CR. */
void		 assoc_call(struct assoc *);
void		 assoc_want_write(struct assoc *);
/* Words that name it in a log line. */
const char	*assoc_name(const struct assoc *);

/* resolve.c: in place of all else; the exit status. */
int		 resolve(const char *host, const char *port,
		    const char *user, int is_unconfined);

/* admit.c */
/* Addresses that peers have, by the configuration that is in force. */
void		 admit_configured(const struct source_conf *, size_t);
/* One more that is half-open; -1: there is no room (*why). */
int		 admit_enter(struct assoc *, const struct sockaddr *,
		    const char **why);
/* It is of a peer of the configuration. */
void		 admit_peer(struct assoc *);
/* It is no more. */
void		 admit_leave(struct assoc *);
/* Closes a half-open one.  -1: none of them is to be closed. */
int		 admit_shed(void);
/*
 * Around what a half-open connection may put into the log.  They may be
 * nested; the association need not outlive what stands between.
 */
struct source	*admit_quiet(const struct assoc *);
void		 admit_loud(struct source *);
void		 admit_tick(void);
/* One that we initiate, which spoold does not know.  NULL: it cannot be. */
struct assoc	*assoc_create(uint32_t id, const struct assoc_open *);
/* The last trace ended. */
void		 assoc_trace_end(void);

/* ping.c: what is said to spoold of the layers of an association. */
/* -1: it does not fit. */
int		 ping_begin(uint32_t, const struct ping_open *);
void		 ping_cancel(uint32_t);
void		 ping_connected(struct assoc *);
/* Next address, or without TLS?  It takes care of that, too. */
void		 ping_tls_failed(struct assoc *, const char *, int refused);
void		 ping_tls_up(struct assoc *);
void		 ping_transport_up(struct assoc *);
/* why: the credentials are not those of the peer; NULL: they are. */
void		 ping_open_cnf(struct assoc *, const struct paccept *,
		    const char *why);
void		 ping_over(struct assoc *, int kind, int reason,
		    const char *why);
/* Has it used up its time? */
void		 ping_tick(struct assoc *, uint64_t now);

/* trace.c */
/* -1: it does not fit. */
int		 trace_begin(uint32_t, const struct trace_open *);
void		 trace_stop(uint32_t);
void		 trace_stop_all(void);
void		 trace_tick(void);
int		 trace_running(void);
/* There is a descriptor, there is none any more. */
void		 trace_attach(struct assoc *);
void		 trace_detach(struct assoc *);
void		 trace_forget(struct assoc *);
/* What the transport is given, and what it puts out. */
void		 trace_input(struct assoc *, uint8_t *, size_t);
void		 trace_output(struct assoc *, const struct iovec *, int);
/* It is known by now which peer it is. */
void		 trace_identified(struct assoc *);
void		 trace_over(struct assoc *, const char *why);

/*
 * debug.c: in detail, where "log verbose" asks for it.  debug_peers: of how
 * many peers beyond what log_getverbose says of all.
 */
void		 debug_peers(unsigned);
int		 assoc_debugging(const struct assoc *);
void		 assoc_debug(const struct assoc *, const char *, ...)
		    __attribute__((__format__(printf, 2, 3)));
void		 assoc_debug_connect(const struct assoc *, const char *what,
		    const struct pconnect *);
void		 assoc_debug_up(const struct assoc *);
/* For session_trace. */
void		 assoc_debug_spdu(void *, int out, const char *spdu, size_t);

/* assoc_open.c */
extern const struct rts_user assoc_rts_user;
void		 assoc_answer(struct assoc *, const struct assoc_answer *);
/* The P1 that the association carries (X.419 clauses 12 and 13). */
static inline enum p1_protocol
assoc_p1(const struct assoc *a)
{
	return (a->peer.mode == MODE_X410_1984 ? P1_1984 : P1_1988);
}


/* assoc_tls.c */
/* With a descriptor: -1 when TLS is asked for and cannot be had (*why). */
int		 assoc_tls_connected(struct assoc *, const char **why);
int		 assoc_tls_accepted(struct assoc *, struct tls_ctx *,
		    int optional);
/* The first octet of what may be TLS.  0: it is not there yet. */
int		 assoc_tls_tell(struct assoc *);
void		 assoc_tls_handshake(void *);
/* TLS failed before there was a CC; the second takes care of it, and is 1. */
int		 assoc_tls_is_lost(const struct assoc *);
int		 assoc_tls_lost(struct assoc *);
/* Has the handshake used up its time?  1: taken care of. */
int		 assoc_tls_tick(struct assoc *, uint64_t now);
/* Which addresses had to be called without: they are tried again. */
void		 assoc_tls_forget(void);
/* Why a peer that calls may not come like this, or NULL. */
const char	*assoc_tls_refusal(struct assoc *, uint32_t peer);

/* xfer_out.c */
int		 xfer_imsg(struct assoc *, struct imsg *);
void		 xfer_run(struct assoc *);
/* Nothing goes on: a responder does not keep the turn for nothing. */
void		 xfer_idle_turn(struct assoc *);
void		 xfer_free_all(struct assoc *);
/* Drops what has not begun. */
void		 xfer_free_all_but_current(struct assoc *);
void		 xfer_confirmed(void *, uint32_t, uint64_t);
void		 xfer_room(void *);
void		 xfer_cnf(void *, int, int);

/* xfer_in.c */
int		 recv_imsg(struct assoc *, struct imsg *);
void		 recv_free(struct assoc *);
/* Passes on what was gathered, before its memory is used for other input. */
void		 recv_flush(struct assoc *);
void		 recv_start_ind(void *, const struct activity_id *);
void		 recv_resume_ind(void *, const struct s_resume *);
void		 recv_data_ind(void *, const uint8_t *, size_t);
void		 recv_checkpoint_ind(void *, uint32_t);
void		 recv_end_ind(void *, uint32_t);
void		 recv_interrupt_ind(void *, int);
void		 recv_discard_ind(void *, int);

#endif
