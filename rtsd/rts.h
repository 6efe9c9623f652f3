/* SPDX-License-Identifier: ISC */

/*
 * Reliable transfer (X.218) over the session service, by the X.410-1984
 * protocol or in normal mode (X.228 over X.226 and X.227): associations, the
 * turn, transfers cut into checkpoints, the window, and the procedures of
 * resumption.
 *
 * A struct rts is a machine in memory above a struct session.  It holds no
 * APDU data: what is to be sent is handed in by rts_data_req as far as
 * rts_data_room allows, what is received goes out piece by piece.  What is
 * durable is the user's affair: a checkpoint is confirmed to the peer when
 * the user says so, and the window of the sender may be held back until the
 * user has stored the confirmations that came (rts_stored).
 *
 * Requests return 0, or -1 when the state does not allow them.  Indications
 * come from within rts_input or a request; they may call any request but
 * rts_free.  After rt_down nothing more is indicated.
 */

#ifndef RTS_H
#define RTS_H

#include "normal.h"
#include "rtspdu.h"
#include "session.h"

struct rts;

struct rts_user {
	/* responder; answer with rts_open_rsp or rts_open_refuse */
	void (*rt_open_ind)(void *, const struct s_connect *,
	    const struct pconnect *);
	/* initiator: accepted */
	void (*rt_open_cnf)(void *, const struct paccept *);

	void (*rt_turn_please_ind)(void *, int priority);
	void (*rt_turn_give_ind)(void *);

	/* sender: the peer has confirmed up to serial */
	void (*rt_confirmed)(void *, uint32_t serial, uint64_t offset);
	/* sender: rts_data_room may have grown */
	void (*rt_room)(void *);
	/* sender: the activity is over; failure -1: confirmed, else enum
	 * xfer_failure with an S reason */
	void (*rt_transfer_cnf)(void *, int failure, int reason);

	/* receiver */
	void (*rt_start_ind)(void *, const struct activity_id *);
	void (*rt_resume_ind)(void *, const struct s_resume *);
	void (*rt_data_ind)(void *, const uint8_t *, size_t);
	void (*rt_checkpoint_ind)(void *, uint32_t serial);
	void (*rt_end_ind)(void *, uint32_t serial);
	void (*rt_interrupt_ind)(void *, int reason);
	void (*rt_discard_ind)(void *, int reason);

	/* the association is over: enum assoc_down_kind, reason, and words
	 * for what these do not say, or "" */
	void (*rt_down)(void *, int kind, int reason, const char *why);
};

/* pconnect.normal says in which mode. */
struct rts_open {
	struct s_connection_id	id;		/* of this connection */
	struct pconnect		pconnect;
	int			turn;		/* enum rts_turn */
	/* normal mode: selectors and titles, len 0: none */
	struct selector		calling_ssel, called_ssel;
	struct selector		calling_psel, called_psel;
	struct ae_title		calling_title, called_title;
};

/* NULL: no memory.  Tables must outlive it. */
struct rts	*rts_new(const struct rts_user *, void *,
		    const struct s_transport *, void *, int initiator);
void		 rts_free(struct rts *);

/* What presentation and association control hold; NULL: X.410-1984 mode. */
const struct normal *rts_presentation(const struct rts *);
/* Every SPDU that goes in or out: see session_trace. */
void		 rts_trace(struct rts *, void (*)(void *, int out,
		    const char *spdu, size_t octets), void *);

/* From the transport. */
void	 rts_input(struct rts *, const uint8_t *, size_t, int last);
void	 rts_disconnected(struct rts *, const char *why);

int	 rts_open_req(struct rts *, const struct rts_open *);
/* Responder, normal mode: what the AARE says of us; before rts_open_rsp. */
void	 rts_set_title(struct rts *, const struct ae_title *);
int	 rts_open_rsp(struct rts *, const struct paccept *, int dialogue,
	    int turn);
int	 rts_open_refuse(struct rts *, int reason);
/* Initiator that holds the turn, no activity: S-RELEASE. */
int	 rts_close_req(struct rts *);
/* S-U-ABORT with AbortInformation; rt_down follows from within. */
int	 rts_abort_req(struct rts *, int reason, const char *why);

/* Do we hold the turn?  Is an activity in progress that we send? */
int	 rts_turn(const struct rts *);
int	 rts_sending(const struct rts *);
int	 rts_is_open(const struct rts *);
int	 rts_turn_please_req(struct rts *, int priority);
int	 rts_turn_give_req(struct rts *);

/*
 * Sender.  Begins an activity of total octets, to be handed in from offset
 * on when resume is given (old activity, old connection, last confirmed
 * serial).  safe_store: how many checkpoints may be confirmed by the peer
 * but not yet stored (rts_stored) while data goes on, at least 1; 0: any.
 */
int	 rts_transfer_req(struct rts *, const struct activity_id *,
	    const struct s_resume *, uint64_t offset, uint64_t total,
	    uint32_t safe_store);
/* How many octets may be handed in now. */
uint64_t rts_data_room(const struct rts *);
/* Next octets of the APDU, at most rts_data_room. */
int	 rts_data_req(struct rts *, const uint8_t *, size_t);
void	 rts_stored(struct rts *, uint32_t serial);
/* ACTIVITY-RESUME followed at once by ACTIVITY-DISCARD (rule 4). */
int	 rts_resume_discard_req(struct rts *, const struct activity_id *,
	    const struct s_resume *);
/* Gives the activity in progress up, resumable, or for good. */
int	 rts_interrupt_req(struct rts *, int reason);
int	 rts_discard_req(struct rts *, int reason);

/* Receiver. */
int	 rts_checkpoint_rsp(struct rts *, uint32_t serial);
int	 rts_end_rsp(struct rts *);
int	 rts_interrupt_rsp(struct rts *);
/* completed: the APDU had been secured: abort transferCompleted (rule 5) */
int	 rts_discard_rsp(struct rts *, int completed);
/* enum recv_refusal */
int	 rts_refuse_receive(struct rts *, int refusal, const char *why);

uint32_t rts_checkpoint_size(const struct rts *);	/* units of 1024 */
uint32_t rts_window(const struct rts *);
int	 rts_dialogue(const struct rts *);
int	 rts_session_version(const struct rts *);
int	 rts_normal(const struct rts *);	/* not X.410-1984 */
/* Presentation context of MTSE, -1: none was accepted. */
int64_t	 rts_mtse(const struct rts *);
/* Octets of the APDU put out in the present activity. */
uint64_t rts_sent(const struct rts *);
/* State for the log and show. */
const char *rts_state(const struct rts *);

#endif
