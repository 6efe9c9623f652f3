/* SPDX-License-Identifier: ISC */

/*
 * Reliable transfer in X.410-1984 mode: X.410 clause 4, with the procedures
 * of X.228 clause 7 where the older text is silent (resumption, 7.8); and in
 * normal mode, where what goes into the session's user data is wrapped
 * (normal.h) and the procedures are the same.
 *
 * The sender's arithmetic: with a checkpoint size c the APDU is cut into
 * S-DATA of c octets, S-SYNC-MINOR between them, S-ACTIVITY-END after the
 * last.  Serial n stands before octet base + (n - base_serial) * c, where
 * base is 0, or the place that a resumption began from.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rts_impl.h"

uint32_t
rts_checkpoint_size(const struct rts *r)
{
	return (r->checkpoint);
}

uint32_t
rts_window(const struct rts *r)
{
	return (r->window);
}

int
rts_dialogue(const struct rts *r)
{
	return (r->dialogue);
}

uint64_t
rts_sent(const struct rts *r)
{
	return (r->sent);
}

int64_t
rts_mtse(const struct rts *r)
{
	return (r->normal.mtse);
}

int
rts_session_version(const struct rts *r)
{
	return (session_version(r->s));
}

int
rts_normal(const struct rts *r)
{
	return (r->is_normal);
}

int
rts_is_open(const struct rts *r)
{
	return (r->phase == RTS_OPEN);
}

int
rts_turn(const struct rts *r)
{
	return (r->phase == RTS_OPEN && session_owns(r->s,
	    S_TOKEN_DATA | S_TOKEN_MINOR | S_TOKEN_MAJOR));
}

int
rts_sending(const struct rts *r)
{
	return (r->phase == RTS_OPEN && r->out != OUT_NONE);
}

const char *
rts_state(const struct rts *r)
{
	switch (r->phase) {
	case RTS_IDLE:
		return ("idle");
	case RTS_OPENING:
	case RTS_OPEN_IND:
		return ("opening");
	case RTS_CLOSING:
		return ("closing");
	case RTS_DOWN:
		return ("down");
	case RTS_OPEN:
		break;
	}
	if (r->out == OUT_GIVING_UP || r->in == IN_EXCEPTION)
		return ("exception");
	if (r->out != OUT_NONE)
		return ("sending");
	if (r->in != IN_NONE)
		return ("receiving");
	return ("open");
}

/* Ends: every way out passes here, once. */
void
rts_down(struct rts *r, int kind, int reason, const char *why)
{
	if (r->phase == RTS_DOWN)
		return;
	r->phase = RTS_DOWN;
	r->out = OUT_NONE;
	r->in = IN_NONE;
	r->user->rt_down(r->uarg, kind, reason, why);
}

int
rts_abort_req(struct rts *r, int reason, const char *why)
{
	struct abort_information ai;
	struct ibuf *b;

	if (r->phase == RTS_DOWN)
		return (-1);
	memset(&ai, 0, sizeof(ai));
	ai.reason = reason;
	b = ibuf_dynamic(16, 256);
	if (b != NULL && (r->is_normal ? normal_abort_encode(&r->normal, &ai,
	    b) : abort_encode(&ai, b)) == 0)
		s_u_abort_req(r->s, octets_of(b));
	else
		s_u_abort_req(r->s, no_data);
	ibuf_free(b);
	rts_down(r, DOWN_ABORTED_BY_US, reason, why);
	return (0);
}

/* The turn: X.410 4.2.3, 4.2.4. */

int
rts_turn_please_req(struct rts *r, int priority)
{
	struct ibuf *b;
	int ret = -1;

	if (r->phase != RTS_OPEN || rts_turn(r) ||
	    r->dialogue != DIALOGUE_TWA)
		return (-1);
	b = ibuf_dynamic(16, 64);
	if (b != NULL && (r->is_normal ? normal_priority_encode(&r->normal,
	    priority, b) : priority_encode(priority, b)) == 0)
		ret = s_token_please_req(r->s, S_TOKEN_DATA, octets_of(b));
	ibuf_free(b);
	return (ret);
}

int
rts_turn_give_req(struct rts *r)
{
	if (!rts_turn(r) || r->out != OUT_NONE || r->in != IN_NONE ||
	    r->dialogue != DIALOGUE_TWA)
		return (-1);
	return (s_control_give_req(r->s));
}

static void
token_please_ind(void *arg, int tokens, struct s_octets data)
{
	struct rts *r = arg;
	int priority;

	if (r->phase != RTS_OPEN)
		return;
	/* No priority, or one that we cannot read, is the lowest. */
	if ((r->is_normal ? normal_priority_decode(&r->normal, &priority,
	    data.p, data.len) : priority_decode(&priority, data.p,
	    data.len)) == -1)
		priority = INT32_MAX;
	if (r->dialogue != DIALOGUE_TWA) {
		rts_abort_req(r, RTS_ABORT_PROTOCOL_ERROR,
		    "turn-please in a monologue");
		return;
	}
	r->user->rt_turn_please_ind(r->uarg, priority);
}

static void
token_give_ind(void *arg, int tokens)
{
	struct rts *r = arg;

	if (rts_turn(r))
		r->user->rt_turn_give_ind(r->uarg);
}

static void
control_give_ind(void *arg)
{
	struct rts *r = arg;

	if (rts_turn(r))
		r->user->rt_turn_give_ind(r->uarg);
}

/* Sender: X.410 4.2.5, X.228 7.4. */

static void
out_reset(struct rts *r, uint64_t offset, uint32_t serial, uint64_t total)
{
	r->base = r->offset = offset;
	r->base_serial = r->serial = r->confirmed = r->stored = serial;
	r->total = total;
	r->sent = r->in_ssdu = 0;
	r->failure = -1;
	r->failure_reason = 0;
}

int
rts_transfer_req(struct rts *r, const struct activity_id *id,
    const struct s_resume *resume, uint64_t offset, uint64_t total,
    uint32_t safe_store)
{
	if (!rts_turn(r) || r->out != OUT_NONE || r->in != IN_NONE ||
	    offset >= total)
		return (-1);
	if (resume != NULL) {
		if (s_activity_resume_req(r->s, resume) == -1)
			return (-1);
		out_reset(r, offset, resume->serial, total);
	} else {
		if (offset != 0 || s_activity_start_req(r->s, id) == -1)
			return (-1);
		out_reset(r, 0, 0, total);
	}
	r->resumed = resume != NULL;
	r->safe_store = safe_store;
	r->out = OUT_DATA;
	return (0);
}

uint64_t
rts_data_room(const struct rts *r)
{
	uint64_t left;

	if (r->phase != RTS_OPEN || r->out != OUT_DATA)
		return (0);
	left = r->total - r->offset;
	if (r->checkpoint == 0)
		return (left);
	if (r->serial - r->confirmed >= r->window)
		return (0);
	if (r->safe_store != 0 && r->serial - r->stored >=
	    (uint64_t)r->window + r->safe_store)
		return (0);
	if (left > (uint64_t)r->checkpoint * 1024 - r->in_ssdu)
		left = (uint64_t)r->checkpoint * 1024 - r->in_ssdu;
	return (left);
}

int
rts_data_req(struct rts *r, const uint8_t *p, size_t len)
{
	uint8_t head[P_DATA_HEADER_MAX];
	uint64_t size = (uint64_t)r->checkpoint * 1024, ssdu;
	size_t n;
	int first, end, boundary;

	if (len == 0 || len > rts_data_room(r))
		return (-1);
	first = r->in_ssdu == 0;
	end = r->offset + len == r->total;
	boundary = size != 0 && r->in_ssdu + len == size;
	if (first && r->is_normal) {
		/* the SSDU's octets are known by its first */
		ssdu = rts_data_room(r);
		n = p_data_header(head, r->normal.rtse, ssdu);
		if (s_data_req(r->s, head, n, 1, 0) == -1)
			return (-1);
		first = 0;
	}
	if (s_data_req(r->s, p, len, first, end || boundary) == -1)
		return (-1);
	r->offset += len;
	r->sent += len;
	r->in_ssdu += len;
	if (end) {
		if (s_activity_end_req(r->s, NULL) == -1)
			return (-1);
		r->out = OUT_END;
	} else if (boundary) {
		r->in_ssdu = 0;
		if (r->serial >= S_SERIAL_MAX - 1) {
			rts_abort_req(r, RTS_ABORT_LOCAL_SYSTEM_PROBLEM,
			    "more checkpoints than serial numbers");
			return (-1);
		}
		if (s_sync_minor_req(r->s, &r->serial) == -1)
			return (-1);
	}
	return (0);
}

void
rts_stored(struct rts *r, uint32_t serial)
{
	if (serial <= r->stored || serial > r->confirmed)
		return;
	r->stored = serial;
	if (rts_data_room(r) > 0)
		r->user->rt_room(r->uarg);
}

static void
sync_minor_cnf(void *arg, uint32_t serial, struct s_octets data)
{
	struct rts *r = arg;

	if (r->out == OUT_NONE || serial <= r->confirmed ||
	    serial > r->serial)
		return;
	r->confirmed = serial;
	r->user->rt_confirmed(r->uarg, serial, r->base +
	    (uint64_t)(serial - r->base_serial) * r->checkpoint * 1024);
	if (rts_data_room(r) > 0)
		r->user->rt_room(r->uarg);
}

static void
transfer_over(struct rts *r, int failure, int reason)
{
	r->out = OUT_NONE;
	r->user->rt_transfer_cnf(r->uarg, failure, reason);
}

static void
activity_end_cnf(void *arg, uint32_t serial, struct s_octets data)
{
	struct rts *r = arg;

	if (r->out == OUT_END)
		transfer_over(r, -1, 0);
}

int
rts_resume_discard_req(struct rts *r, const struct activity_id *id,
    const struct s_resume *resume)
{
	if (!rts_turn(r) || r->out != OUT_NONE || r->in != IN_NONE)
		return (-1);
	if (s_activity_resume_req(r->s, resume) == -1)
		return (-1);
	out_reset(r, 0, resume->serial, 1);
	r->resumed = 1;
	r->safe_store = 0;
	r->out = OUT_DATA;
	return (rts_discard_req(r, S_REASON_UNSPECIFIED));
}

/* Leaves the activity; cnf tells the user with the failure noted. */
static int
give_up(struct rts *r, int discard, int failure, int reason)
{
	if (r->phase != RTS_OPEN ||
	    (r->out != OUT_DATA && r->out != OUT_END))
		return (-1);
	if ((discard ? s_activity_discard_req(r->s, reason) :
	    s_activity_interrupt_req(r->s, reason)) == -1)
		return (-1);
	r->failure = failure;
	r->failure_reason = reason;
	r->out = OUT_GIVING_UP;
	return (0);
}

int
rts_interrupt_req(struct rts *r, int reason)
{
	return (give_up(r, 0, XFER_INTERRUPTED, reason));
}

int
rts_discard_req(struct rts *r, int reason)
{
	return (give_up(r, 1, XFER_DISCARDED, reason));
}

static void
given_up(void *arg)
{
	struct rts *r = arg;

	if (r->out == OUT_GIVING_UP)
		transfer_over(r, r->failure, r->failure_reason);
}

/*
 * The receiver cannot go on.  What it may be able to take later stays
 * resumable when something has been confirmed; there is no use in keeping
 * the rest (X.410 4.3.2).
 */
static void
exception_ind(struct rts *r, int reason, const char *what)
{
	int failure, discard;
	char text[96];

	switch (reason) {
	case S_REASON_UNSPECIFIED:
	case S_REASON_JEOPARDIZED:
		failure = XFER_JEOPARDIZED;
		discard = r->confirmed == 0;
		break;
	default:
		failure = XFER_REJECTED;
		discard = 1;
		break;
	}
	if (r->out == OUT_GIVING_UP)
		return;		/* it crossed ours */
	if (give_up(r, discard, failure, reason) == -1) {
		snprintf(text, sizeof(text), "%s, reason %d, with no activity",
		    what, reason);
		rts_abort_req(r, RTS_ABORT_PROTOCOL_ERROR, text);
	}
}

static void
u_exception_report_ind(void *arg, int reason, struct s_octets data)
{
	exception_ind(arg, reason, "exception report");
}

static void
p_exception_report_ind(void *arg)
{
	exception_ind(arg, S_REASON_UNSPECIFIED, "provider exception report");
}

/* Receiver: X.410 4.2.5, X.228 7.4 and 7.8. */

static void
activity_start_ind(void *arg, const struct activity_id *id,
    struct s_octets data)
{
	struct rts *r = arg;

	r->in = IN_DATA;
	r->in_pdata = 0;
	r->in_serial = r->in_confirmed = 0;
	r->user->rt_start_ind(r->uarg, id);
}

static void
activity_resume_ind(void *arg, const struct s_resume *resume,
    struct s_octets data)
{
	struct rts *r = arg;

	r->in = IN_DATA;
	r->in_pdata = 0;
	r->in_serial = r->in_confirmed = resume->serial;
	r->user->rt_resume_ind(r->uarg, resume);
}

static void
unwrapped(void *arg, const uint8_t *p, size_t len)
{
	struct rts *r = arg;

	/* an indication before may have ended it */
	if (r->in == IN_DATA && r->phase == RTS_OPEN)
		r->user->rt_data_ind(r->uarg, p, len);
}

static void
wrapped_data(struct rts *r, const uint8_t *p, size_t len, int last)
{
	const char *why;
	char text[160];

	if (!r->in_pdata)
		p_data_init(&r->pdata, r->normal.rtse);
	r->in_pdata = !last;
	if (p_data_input(&r->pdata, p, len, last, unwrapped, r, &why) == 0)
		return;
	snprintf(text, sizeof(text), "P-DATA: %s", why);
	rts_abort_req(r, RTS_ABORT_PROTOCOL_ERROR, text);
}

static void
data_ind(void *arg, const uint8_t *p, size_t len, int last)
{
	struct rts *r = arg;

	if (r->is_normal && r->in == IN_DATA) {
		wrapped_data(r, p, len, last);
		return;
	}
	if (r->in == IN_DATA) {
		if (len > 0)
			r->user->rt_data_ind(r->uarg, p, len);
	} else if (r->in == IN_NONE && r->phase == RTS_OPEN)
		rts_abort_req(r, RTS_ABORT_PROTOCOL_ERROR,
		    "data outside of an activity");
}

static void
sync_minor_ind(void *arg, uint32_t serial, int explicit_cnf,
    struct s_octets data)
{
	struct rts *r = arg;

	if (r->in != IN_DATA)
		return;
	r->in_serial = serial;
	/* Some stop at the window, some one later (ISODE): bear both. */
	if (serial - r->in_confirmed > (uint64_t)r->window + 1) {
		rts_abort_req(r, RTS_ABORT_PROTOCOL_ERROR,
		    "more checkpoints outstanding than the window allows");
		return;
	}
	r->user->rt_checkpoint_ind(r->uarg, serial);
}

int
rts_checkpoint_rsp(struct rts *r, uint32_t serial)
{
	if (r->phase != RTS_OPEN || (r->in != IN_DATA && r->in != IN_END) ||
	    serial <= r->in_confirmed || serial > r->in_serial)
		return (-1);
	if (s_sync_minor_rsp(r->s, serial) == -1)
		return (-1);
	r->in_confirmed = serial;
	return (0);
}

static void
activity_end_ind(void *arg, uint32_t serial, struct s_octets data)
{
	struct rts *r = arg;

	if (r->in != IN_DATA)
		return;
	r->in = IN_END;
	r->user->rt_end_ind(r->uarg, serial);
}

int
rts_end_rsp(struct rts *r)
{
	if (r->phase != RTS_OPEN || r->in != IN_END)
		return (-1);
	if (s_activity_end_rsp(r->s) == -1)
		return (-1);
	r->in = IN_NONE;
	return (0);
}

static void
activity_interrupt_ind(void *arg, int reason)
{
	struct rts *r = arg;

	r->in = IN_INTERRUPT;
	r->user->rt_interrupt_ind(r->uarg, reason);
}

int
rts_interrupt_rsp(struct rts *r)
{
	if (r->phase != RTS_OPEN || r->in != IN_INTERRUPT)
		return (-1);
	r->in = IN_NONE;
	return (s_activity_interrupt_rsp(r->s));
}

static void
activity_discard_ind(void *arg, int reason)
{
	struct rts *r = arg;

	r->in = IN_DISCARD;
	r->user->rt_discard_ind(r->uarg, reason);
}

int
rts_discard_rsp(struct rts *r, int completed)
{
	if (r->phase != RTS_OPEN || r->in != IN_DISCARD)
		return (-1);
	if (completed)
		return (rts_abort_req(r, RTS_ABORT_TRANSFER_COMPLETED,
		    "discarded what had been received in full"));
	r->in = IN_NONE;
	return (s_activity_discard_rsp(r->s));
}

int
rts_refuse_receive(struct rts *r, int refusal, const char *why)
{
	if (r->phase != RTS_OPEN || (r->in != IN_DATA && r->in != IN_END))
		return (-1);
	if (refusal == RECV_UNRECOGNIZED)
		return (rts_abort_req(r, RTS_ABORT_UNRECOGNIZED_ACTIVITY,
		    why));
	if (s_u_exception_report_req(r->s, refusal == RECV_JEOPARDIZED ?
	    S_REASON_JEOPARDIZED : S_REASON_UNRECOVERABLE, no_data) == -1)
		return (rts_abort_req(r, refusal == RECV_JEOPARDIZED ?
		    RTS_ABORT_TEMPORARY_PROBLEM : RTS_ABORT_PERMANENT_PROBLEM,
		    why));
	r->in = IN_EXCEPTION;
	return (0);
}

/* Aborts: X.410 4.3.1. */

static void
u_abort_ind(void *arg, struct s_octets data)
{
	struct rts *r = arg;
	struct abort_information ai;
	const char *why;
	char text[160] = "";	/* more than the reason says */
	int reason = 255, sending = r->out != OUT_NONE, resumed = r->resumed;

	if (data.len == 0)
		snprintf(text, sizeof(text), "without a reason");
	else if ((r->is_normal ? normal_abort_decode(&r->normal, &ai, data.p,
	    data.len, &why) : abort_decode(&ai, data.p, data.len,
	    &why)) == -1)
		snprintf(text, sizeof(text),
		    "AbortInformation not understood: %s", why);
	else if (ai.reason >= 0 && ai.reason <= 254)
		reason = ai.reason;
	r->phase = RTS_CLOSING;
	if (sending && reason == RTS_ABORT_TRANSFER_COMPLETED)
		transfer_over(r, XFER_COMPLETED, reason);
	else if (sending && resumed &&
	    reason == RTS_ABORT_UNRECOGNIZED_ACTIVITY)
		transfer_over(r, XFER_UNRECOGNIZED, reason);
	rts_down(r, DOWN_ABORTED_BY_PEER, reason, text);
}

static void
p_abort_ind(void *arg, int local, const char *why)
{
	if (local)
		rts_down(arg, DOWN_ABORTED_BY_US, RTS_ABORT_PROTOCOL_ERROR, why);
	else
		rts_down(arg, DOWN_TRANSPORT_LOST, 0, why);
}

static const struct s_user session_user = {
	.s_connect_ind = rts_connect_ind,
	.s_connect_cnf = rts_connect_cnf,
	.s_data_ind = data_ind,
	.s_token_please_ind = token_please_ind,
	.s_token_give_ind = token_give_ind,
	.s_control_give_ind = control_give_ind,
	.s_sync_minor_ind = sync_minor_ind,
	.s_sync_minor_cnf = sync_minor_cnf,
	.s_u_exception_report_ind = u_exception_report_ind,
	.s_p_exception_report_ind = p_exception_report_ind,
	.s_activity_start_ind = activity_start_ind,
	.s_activity_resume_ind = activity_resume_ind,
	.s_activity_interrupt_ind = activity_interrupt_ind,
	.s_activity_interrupt_cnf = given_up,
	.s_activity_discard_ind = activity_discard_ind,
	.s_activity_discard_cnf = given_up,
	.s_activity_end_ind = activity_end_ind,
	.s_activity_end_cnf = activity_end_cnf,
	.s_release_ind = rts_release_ind,
	.s_release_cnf = rts_release_cnf,
	.s_u_abort_ind = u_abort_ind,
	.s_p_abort_ind = p_abort_ind,
};

struct rts *
rts_new(const struct rts_user *user, void *uarg,
    const struct s_transport *transport, void *targ, int initiator)
{
	struct rts *r;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return (NULL);
	r->user = user;
	r->uarg = uarg;
	r->initiator = initiator;
	r->s = session_new(&session_user, r, transport, targ, initiator);
	if (r->s == NULL) {
		free(r);
		return (NULL);
	}
	return (r);
}

const struct normal *
rts_presentation(const struct rts *r)
{
	return (r->is_normal ? &r->normal : NULL);
}

void
rts_trace(struct rts *r, void (*cb)(void *, int, const char *, size_t),
    void *arg)
{
	session_trace(r->s, cb, arg);
}

void
rts_free(struct rts *r)
{
	if (r == NULL)
		return;
	session_free(r->s);
	free(r);
}

void
rts_input(struct rts *r, const uint8_t *p, size_t len, int last)
{
	session_t_data_ind(r->s, p, len, last);
}

void
rts_disconnected(struct rts *r, const char *why)
{
	session_t_disconnect_ind(r->s, why);
	rts_down(r, DOWN_TRANSPORT_LOST, 0, why);
}
