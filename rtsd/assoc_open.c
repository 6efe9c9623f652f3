/* SPDX-License-Identifier: ISC */

/*
 * The opening of an association, and what its RTS indicates apart from the
 * transfers: who the other side is and whether it may, the turn, the end
 * (X.410 clause 4.2, X.228 clause 7.1).
 */

#include <stdio.h>
#include <string.h>

#include "log.h"
#include "rtsd.h"

static void
tell_up(struct assoc *a)
{
	struct assoc_up up;

	trace_identified(a);
	memset(&up, 0, sizeof(up));
	up.peer = a->peer.id;
	up.initiator = a->initiator;
	up.turn = (rts_turn(a->rts) != 0) == (a->initiator != 0) ?
	    TURN_INITIATOR : TURN_RESPONDER;
	up.dialogue = rts_dialogue(a->rts);
	up.checkpoint = rts_checkpoint_size(a->rts);
	up.window = rts_window(a->rts);
	memcpy(up.address, a->address, sizeof(up.address));
	if (a->tls != NULL)
		tls_text(a->tls, up.tls, sizeof(up.tls));
	a->phase = ASSOC_OPEN;
	a->phase_since = now_ms();
	a->was_up = 1;
	if (a->initiator)
		admit_peer(a);
	to_spoold(IMSG_ASSOC_UP, a, &up, sizeof(up));
	assoc_debug_up(a);
}

static void
open_cnf(void *arg, const struct paccept *pa)
{
	struct assoc *a = arg;
	const struct credentials *want = &a->peer.remote_response;
	const char *what = NULL;
	char why[80];

	if (a->open.recover) {
		if (!pa->data.recover)
			log_info(EVT_PACCEPT_BARE, "%s: taken all the same",
			    assoc_name(a));
	} else if (pa->data.recover)
		what = "answers our open with a recovery";
	else if (want->name[0] != '\0' && strcmp(want->name,
	    pa->data.credentials.name) != 0)
		what = "carries another MTA name than configured";
	else if (want->name[0] != '\0' && !secret_equal(want->password,
	    pa->data.credentials.password))
		what = "carries a wrong password";
	snprintf(why, sizeof(why), "%s %s", rts_normal(a->rts) ? "RTOAC" :
	    "PAccept", what != NULL ? what : "");
	if (a->ping) {
		ping_open_cnf(a, pa, what != NULL ? why : NULL);
		return;
	}
	if (what != NULL) {
		log_warnx(EVT_PEER_WRONG, "%s name=\"%s\" expected=\"%s\": %s",
		    assoc_name(a), log_octets(pa->data.credentials.name,
		    strlen(pa->data.credentials.name)), want->name, why);
		rts_abort_req(a->rts, RTS_ABORT_INVALID_PARAMETER, why);
		return;
	}
	tell_up(a);
}

static void
refuse(struct assoc *a, int reason, const char *why)
{
	a->said = 1;
	rts_open_refuse(a->rts, reason);
	assoc_over(a, DOWN_ABORTED_BY_US, reason, why);
}

/* Whom it said to be is to know of it, on the sheet of that peer. */
static void
refuse_invalid(struct assoc *a, const char *why)
{
	struct call_refused cr;

	memset(&cr, 0, sizeof(cr));
	cr.peer = a->has_peer ? a->peer.id :
	    peer_by_remote_name(a->pconnect.data.credentials.name);
	strlcpy(cr.address, a->address, sizeof(cr.address));
	strlcpy(cr.why, why, sizeof(cr.why));
	if (cr.peer != 0 && spoold != NULL &&
	    imsgev_pending(spoold) <= SPOOL_HIGH)
		imsgev_compose(spoold, IMSG_CALL_REFUSED, 0, 0, -1, &cr,
		    sizeof(cr));
	refuse(a, RTS_VALIDATION_FAILURE, why);
}

/* enum peer_mode of what was proposed, -1: none of ours. */
static int
incoming_mode(const struct pconnect *pc)
{
	if (pc->normal)
		return (MODE_NORMAL);
	switch (pc->protocol) {
	case 1:
	case 8883:		/* of MOTIS, with the same P1 */
		return (MODE_X410_1984);
	case 12:
		return (MODE_X410_1988);
	default:
		return (-1);
	}
}

static void
open_ind(void *arg, const struct s_connect *c, const struct pconnect *pc)
{
	struct assoc *a = arg;
	const struct peer_conf *peer;
	struct assoc_ind ai;
	const char *why;
	char text[160];
	int turn, mode;

	a->pconnect = *pc;
	assoc_debug_connect(a, "asked", pc);
	turn = (c->tokens & 0x03) == (S_TOKENS_RESPONDER & 0x03) ?
	    TURN_RESPONDER : TURN_INITIATOR;
	if ((mode = incoming_mode(pc)) == -1) {
		snprintf(text, sizeof(text), "application protocol %u is "
		    "neither P1 of 1984 (1, 8883) nor of 1988 (12)",
		    pc->protocol);
		log_warnx(EVT_ASSOC_REFUSED, "%s: %s", assoc_name(a), text);
		refuse(a, RTS_VALIDATION_FAILURE, text);
		return;
	}
	if (c->id.user_len == 0 || c->id.common_len == 0) {
		log_warnx(EVT_ASSOC_REFUSED, "%s: no session connection "
		    "identifier", assoc_name(a));
		refuse(a, RTS_VALIDATION_FAILURE,
		    "no session connection identifier");
		return;
	}
	if (!pc->data.recover) {
		peer = peer_by_credentials(&pc->data.credentials, &why);
		if (peer == NULL) {
			log_warnx(EVT_AUTHENTICATION, "%s name=\"%s\": %s",
			    assoc_name(a), log_octets(pc->data.credentials.name,
			    strlen(pc->data.credentials.name)), why);
			refuse_invalid(a, why);
			return;
		}
		a->peer = *peer;
		a->has_peer = 1;
		trace_identified(a);
		if ((why = assoc_tls_refusal(a, peer->id)) != NULL) {
			log_warnx(EVT_AUTHENTICATION, "%s: %s", assoc_name(a),
			    why);
			refuse_invalid(a, why);
			return;
		}
		if (mode != peer->mode) {
			snprintf(text, sizeof(text), "mode %s proposed, mode "
			    "%s is configured", mode_name(mode),
			    mode_name(peer->mode));
			log_warnx(EVT_ASSOC_REFUSED, "%s: %s", assoc_name(a),
			    text);
			refuse_invalid(a, text);
			return;
		}
		if (turn == TURN_RESPONDER &&
		    pc->dialogue == DIALOGUE_MONOLOGUE) {
			log_warnx(EVT_ASSOC_REFUSED, "%s: the initiator of a "
			    "monologue does not take the turn", assoc_name(a));
			refuse_invalid(a, "the initiator of a monologue does "
			    "not take the turn");
			return;
		}
	}
	if (spoold == NULL) {
		log_warnx(EVT_ASSOC_REFUSED, "%s: spoold is not there",
		    assoc_name(a));
		refuse(a, RTS_BUSY, "no spoold");
		return;
	}
	if (a->has_peer)
		admit_peer(a);
	memset(&ai, 0, sizeof(ai));
	ai.peer = a->has_peer ? a->peer.id : 0;
	ai.recover = pc->data.recover;
	ai.turn = turn;
	ai.dialogue = pc->dialogue;
	ai.checkpoint = pc->checkpoint;
	ai.window = pc->window;
	ai.id = c->id;
	if (pc->data.recover)
		ai.recovered = pc->data.recovered;
	memcpy(ai.address, a->address, sizeof(ai.address));
	a->phase = ASSOC_ASKED;
	a->known = 1;
	to_spoold(IMSG_ASSOC_IND, a, &ai, sizeof(ai));
}

void
assoc_answer(struct assoc *a, const struct assoc_answer *an)
{
	const struct peer_conf *peer;
	struct paccept pa;
	const char *why;

	if (a->phase != ASSOC_ASKED)
		return;
	if (!an->accept) {
		a->known = 0;	/* spoold is done with it */
		refuse(a, an->refuse, "refused by spoold");
		assoc_flush(a);
		return;
	}
	memset(&pa, 0, sizeof(pa));
	if (a->pconnect.data.recover) {
		if ((peer = peer_by_id(an->peer)) == NULL ||
		    incoming_mode(&a->pconnect) != peer->mode) {
			refuse(a, RTS_CANNOT_RECOVER, peer == NULL ?
			    "peer no longer there" : "not in the mode that "
			    "is configured");
			assoc_flush(a);
			return;
		}
		a->peer = *peer;
		a->has_peer = 1;
		if ((why = assoc_tls_refusal(a, peer->id)) != NULL) {
			log_warnx(EVT_AUTHENTICATION, "%s: %s", assoc_name(a),
			    why);
			refuse(a, RTS_CANNOT_RECOVER, why);
			assoc_flush(a);
			return;
		}
		admit_peer(a);
		pa.data.recover = 1;
		pa.data.recovered = a->pconnect.data.recovered;
	} else {
		pa.data.has_credentials = 1;
		pa.data.credentials = a->peer.local_response;
	}
	rts_set_title(a->rts, &a->peer.local_title);
	pa.checkpoint = an->checkpoint;
	pa.window = an->window;
	if (rts_open_rsp(a->rts, &pa, an->dialogue, an->turn) == -1) {
		if (a->phase != ASSOC_GONE)
			rts_abort_req(a->rts, RTS_ABORT_LOCAL_SYSTEM_PROBLEM,
			    "PAccept cannot be sent");
		assoc_flush(a);
		return;
	}
	tell_up(a);
	assoc_run(a);
}

static void
turn_please_ind(void *arg, int priority)
{
	struct assoc *a = arg;

	assoc_debug(a, "reliable transfer: the turn is asked for, priority %d",
	    priority);
	a->peer_asked = 1;
	a->peer_priority = priority;
}

static void
turn_give_ind(void *arg)
{
	struct assoc *a = arg;
	struct assoc_turn at;

	assoc_debug(a, "reliable transfer: the turn is ours");
	a->asked_turn = 0;
	at.ours = 1;
	to_spoold(IMSG_TURN, a, &at, sizeof(at));
}

static void
rt_down(void *arg, int kind, int reason, const char *why)
{
	struct assoc *a = arg;

	assoc_debug(a, "reliable transfer: down: %s", assoc_end_text(kind,
	    why));
	/* Without a CC nothing of ours can have reached the peer. */
	if (kind == DOWN_TRANSPORT_LOST && a->initiator && !a->t_up)
		kind = DOWN_CONNECT_FAILED;
	assoc_over(a, kind, reason, why);
}

const struct rts_user assoc_rts_user = {
	.rt_open_ind = open_ind,
	.rt_open_cnf = open_cnf,
	.rt_turn_please_ind = turn_please_ind,
	.rt_turn_give_ind = turn_give_ind,
	.rt_confirmed = xfer_confirmed,
	.rt_room = xfer_room,
	.rt_transfer_cnf = xfer_cnf,
	.rt_start_ind = recv_start_ind,
	.rt_resume_ind = recv_resume_ind,
	.rt_data_ind = recv_data_ind,
	.rt_checkpoint_ind = recv_checkpoint_ind,
	.rt_end_ind = recv_end_ind,
	.rt_interrupt_ind = recv_interrupt_ind,
	.rt_discard_ind = recv_discard_ind,
	.rt_down = rt_down,
};
