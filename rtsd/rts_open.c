/* SPDX-License-Identifier: ISC */

/*
 * Reliable transfer: associations are opened and closed, in X.410-1984 mode
 * (X.410 4.2.1, 4.2.2) and in normal mode (X.228 7.1, 7.2).
 */

#include <stdio.h>
#include <string.h>

#include "rts_impl.h"
#include "spdu.h"

static int	refuse_open(struct rts *, int, int);

/* Opening: X.410 4.2.1, X.228 7.1. */

static void
put_ssel(uint8_t *octets, uint8_t *len, const struct selector *s)
{
	*len = s->len < S_SELECTOR_MAX ? s->len : S_SELECTOR_MAX;
	memcpy(octets, s->octets, *len);
}

int
rts_open_req(struct rts *r, const struct rts_open *o)
{
	struct s_connect c;
	struct ibuf *b;
	int ret;

	if (r->phase != RTS_IDLE || !r->initiator)
		return (-1);
	if ((b = ibuf_dynamic(128, S_USER_DATA_V2)) == NULL)
		return (-1);
	r->is_normal = o->pconnect.normal;
	normal_init(&r->normal, &o->calling_psel, &o->called_psel);
	r->normal.calling_title = o->calling_title;
	r->normal.called_title = o->called_title;
	if ((r->is_normal ? normal_connect_encode(&r->normal, &o->pconnect,
	    b) : pconnect_encode(&o->pconnect, b)) == -1) {
		ibuf_free(b);
		return (-1);
	}
	memset(&c, 0, sizeof(c));
	c.id = o->id;
	c.requirements = S_HALF_DUPLEX | S_MINOR_SYNC | S_ACTIVITY |
	    S_EXCEPTIONS;
	/* X.226 needs more user data than version 1 has */
	c.versions = r->is_normal ? S_VERSION_2 : S_VERSION_1 | S_VERSION_2;
	c.tokens = o->turn == TURN_RESPONDER ? S_TOKENS_RESPONDER :
	    S_TOKENS_INITIATOR;
	/* X.410 has none, and some refuse a CN that does (KB Q152932) */
	if (r->is_normal) {
		put_ssel(c.calling_ssel, &c.calling_ssel_len,
		    &o->calling_ssel);
		put_ssel(c.called_ssel, &c.called_ssel_len, &o->called_ssel);
	}
	c.data = octets_of(b);
	r->offered_checkpoint = o->pconnect.checkpoint;
	r->offered_window = o->pconnect.window;
	r->dialogue = o->pconnect.dialogue;
	r->phase = RTS_OPENING;
	ret = s_connect_req(r->s, &c);
	ibuf_free(b);
	if (ret == -1)
		r->phase = RTS_IDLE;
	return (ret);
}

/* CPR: by the MTA, by association control, or by presentation. */
static void
refused_normal(struct rts *r, const struct s_connect *c)
{
	const char *why = "";
	char text[300];
	int reason;

	if (normal_refuse_decode(&r->normal, &reason, c->data.p, c->data.len,
	    &why) == -1) {
		snprintf(text, sizeof(text), "refused without a legal CPR: "
		    "%s", c->data.len == 0 ? "empty" : why);
		rts_down(r, DOWN_REFUSED_BELOW, S_REFUSE_USER, text);
	} else if (reason == -1)
		rts_down(r, DOWN_REFUSED_BELOW, S_REFUSE_USER, why);
	else
		rts_down(r, DOWN_REFUSED, reason, "RTORJ");
}

void
rts_connect_cnf(void *arg, int refused, const struct s_connect *c)
{
	struct rts *r = arg;
	struct paccept pa;
	const char *why;
	char text[160];
	int reason;

	if (refused != -1) {
		if (refused == S_REFUSE_USER && r->is_normal) {
			refused_normal(r, c);
			return;
		}
		if (refused == S_REFUSE_USER &&
		    prefuse_decode(&reason, c->data.p, c->data.len,
		    &why) == 0) {
			rts_down(r, DOWN_REFUSED, reason, "PRefuse");
			return;
		}
		if (refused == S_REFUSE_USER)
			snprintf(text, sizeof(text),
			    "session refused without a legal PRefuse: %s",
			    c->data.len == 0 ? "empty" : why);
		else
			snprintf(text, sizeof(text),
			    "session refused, reason %d: %s", refused,
			    spdu_refuse_text(refused));
		rts_down(r, DOWN_REFUSED_BELOW, refused & 0xff, text);
		return;
	}
	if ((c->requirements & (S_HALF_DUPLEX | S_MINOR_SYNC | S_ACTIVITY |
	    S_EXCEPTIONS)) != (S_HALF_DUPLEX | S_MINOR_SYNC | S_ACTIVITY |
	    S_EXCEPTIONS)) {
		snprintf(text, sizeof(text), "session functional units "
		    "0x%04x do not carry reliable transfer", c->requirements);
		rts_abort_req(r, RTS_ABORT_PERMANENT_PROBLEM, text);
		return;
	}
	if ((r->is_normal ? normal_accept_decode(&r->normal, &pa, c->data.p,
	    c->data.len, &why) : paccept_decode(&pa, c->data.p, c->data.len,
	    &why)) == -1) {
		snprintf(text, sizeof(text), "%s not understood: %s",
		    r->is_normal ? "CPA" : "PAccept", why);
		rts_abort_req(r, RTS_ABORT_INVALID_PARAMETER, text);
		return;
	}
	/*
	 * Never more than was offered; some answer more (KB Q185934,
	 * Q189754) and mean the offer.
	 */
	r->checkpoint = pa.checkpoint;
	if (r->offered_checkpoint != 0 &&
	    r->checkpoint > r->offered_checkpoint)
		r->checkpoint = r->offered_checkpoint;
	r->window = pa.window > r->offered_window ? r->offered_window :
	    pa.window;
	if (r->window == 0)
		r->window = 1;
	r->phase = RTS_OPEN;
	r->user->rt_open_cnf(r->uarg, &pa);
}

void
rts_connect_ind(void *arg, const struct s_connect *c)
{
	struct rts *r = arg;
	struct pconnect pc;
	const char *why;
	char text[300];
	int refuse, refusal;
	uint16_t need = S_HALF_DUPLEX | S_MINOR_SYNC | S_ACTIVITY |
	    S_EXCEPTIONS;

	r->connect = *c;
	r->connect.data = no_data;
	r->phase = RTS_OPEN_IND;
	if ((c->requirements & need) != need) {
		snprintf(text, sizeof(text), "session functional units "
		    "0x%04x do not carry reliable transfer", c->requirements);
		s_connect_refuse_rsp(r->s, &r->connect,
		    S_REFUSE_UNSPECIFIED);
		rts_down(r, DOWN_ABORTED_BY_US, RTS_ABORT_INVALID_PARAMETER, text);
		return;
	}
	if (pconnect_decode(&pc, c->data.p, c->data.len, &refuse,
	    &why) == -1) {
		/*
		 * Always an answer: a peer that hears nothing would try the
		 * same again for ever (KB Q194556).
		 */
		snprintf(text, sizeof(text), "PConnect refused: %s", why);
		rts_open_refuse(r, refuse);
		rts_down(r, DOWN_ABORTED_BY_US, RTS_ABORT_INVALID_PARAMETER, text);
		return;
	}
	if (pc.normal) {
		normal_init(&r->normal, NULL, NULL);
		r->is_normal = 1;
		if (normal_connect_decode(&r->normal, &pc, c->data.p,
		    c->data.len, &refusal, &refuse, &why) == -1) {
			snprintf(text, sizeof(text), "CP refused: %s", why);
			refuse_open(r, refusal, refuse);
			rts_down(r, DOWN_ABORTED_BY_US,
			    RTS_ABORT_INVALID_PARAMETER, text);
			return;
		}
	}
	r->offered_checkpoint = pc.checkpoint;
	r->offered_window = pc.window;
	r->dialogue = pc.dialogue;
	r->user->rt_open_ind(r->uarg, c, &pc);
}

void
rts_set_title(struct rts *r, const struct ae_title *t)
{
	r->normal.called_title = *t;
}

int
rts_open_rsp(struct rts *r, const struct paccept *pa, int dialogue, int turn)
{
	struct s_connect c;
	struct ibuf *b;
	int ret;

	if (r->phase != RTS_OPEN_IND)
		return (-1);
	if ((b = ibuf_dynamic(128, S_USER_DATA_V2)) == NULL)
		return (-1);
	if ((r->is_normal ? normal_accept_encode(&r->normal, pa, b) :
	    paccept_encode(pa, b)) == -1) {
		ibuf_free(b);
		return (-1);
	}
	/*
	 * As real systems do: the identifier comes back with the calling
	 * reference in the place of the called one.
	 */
	memset(&c, 0, sizeof(c));
	c.id = r->connect.id;
	c.called_len = c.id.user_len;
	memcpy(c.called, c.id.user, c.called_len);
	c.id.user_len = 0;
	c.requirements = S_HALF_DUPLEX | S_MINOR_SYNC | S_ACTIVITY |
	    S_EXCEPTIONS;
	c.tokens = r->connect.tokens == S_TOKENS_ACCEPTOR ?
	    (turn == TURN_RESPONDER ? S_TOKENS_RESPONDER :
	    S_TOKENS_INITIATOR) : r->connect.tokens;
	c.versions = r->connect.versions & S_VERSION_2 ? S_VERSION_2 :
	    S_VERSION_1;
	c.data = octets_of(b);
	r->checkpoint = pa->checkpoint;
	r->window = pa->window == 0 ? 1 : pa->window;
	r->dialogue = dialogue;
	r->phase = RTS_OPEN;
	ret = s_connect_rsp(r->s, &c);
	ibuf_free(b);
	if (ret == -1 && r->phase == RTS_OPEN)
		r->phase = RTS_OPEN_IND;
	return (ret);
}

/* refusal: who refuses, in normal mode. */
static int
refuse_open(struct rts *r, int refusal, int reason)
{
	struct ibuf *b;
	int ret;

	b = ibuf_dynamic(64, 1024);
	if (b == NULL || (r->is_normal ? normal_refuse_encode(&r->normal,
	    refusal, reason, b) : prefuse_encode(reason, b)) == -1) {
		ibuf_free(b);
		return (s_connect_refuse_rsp(r->s, &r->connect,
		    S_REFUSE_CONGESTION));
	}
	r->connect.data = octets_of(b);
	ret = s_connect_refuse_rsp(r->s, &r->connect, S_REFUSE_USER);
	r->connect.data = no_data;
	ibuf_free(b);
	return (ret);
}

int
rts_open_refuse(struct rts *r, int reason)
{
	return (r->phase != RTS_OPEN_IND ? -1 :
	    refuse_open(r, NORMAL_RTS, reason));
}

/* Closing: X.410 4.2.2. */

/* S-RELEASE request or response, in normal mode with RLRQ or RLRE. */
static int
release(struct rts *r, int response)
{
	struct s_octets data = no_data;
	struct ibuf *b = NULL;
	int ret;

	if (r->is_normal && (b = ibuf_dynamic(32, 64)) != NULL &&
	    normal_release_encode(&r->normal, response, b) == 0)
		data = octets_of(b);
	ret = response ? s_release_rsp(r->s, data) :
	    s_release_req(r->s, data);
	ibuf_free(b);
	return (ret);
}

int
rts_close_req(struct rts *r)
{
	if (r->phase != RTS_OPEN || !r->initiator || !rts_turn(r) ||
	    r->out != OUT_NONE || r->in != IN_NONE)
		return (-1);
	if (release(r, 0) == -1)
		return (-1);
	r->phase = RTS_CLOSING;
	return (0);
}

void
rts_release_ind(void *arg, struct s_octets data)
{
	struct rts *r = arg;

	release(r, 1);
	rts_down(r, DOWN_RELEASED, 0, "by the peer");
}

void
rts_release_cnf(void *arg, struct s_octets data)
{
	rts_down(arg, DOWN_RELEASED, 0, "");
}
