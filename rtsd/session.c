/* SPDX-License-Identifier: ISC */

/*
 * The session protocol machine (X.225): connection, tokens, release, abort,
 * and what goes out.  See session_impl.h for the rest of it.
 */

#include <stdio.h>
#include <stdlib.h>

#include "session_impl.h"

const uint8_t	spm_gt[2] = { SI_GT, 0 };
const uint8_t	spm_pt[2] = { SI_PT, 0 };

static const char *const phase_names[] = {
	"STA01 idle", "STA01C awaiting CN", "STA02A calling", "STA08 called",
	"STA713 data", "STA03 releasing", "STA09 release received",
	"STA16 aborting", "STA01 closed"
};
static const char *const step_names[] = {
	"STA713 data", "STA04B activity end sent",
	"STA10B activity end received", "STA05B interrupt sent",
	"STA11B interrupt received", "STA05C discard sent",
	"STA11C discard received", "STA18 control given",
	"STA20 exception reported", "STA19 exception received"
};

const char *
session_state(const struct session *s)
{
	return (s->phase == DATA ? step_names[s->step] :
	    phase_names[s->phase]);
}

int
session_version(const struct session *s)
{
	return (s->version);
}

size_t
session_user_data_max(const struct session *s)
{
	return (s->version == 2 ? S_USER_DATA_V2 : S_USER_DATA_V1);
}

int
session_owns(const struct session *s, int tokens)
{
	return (s->phase == DATA && (s->tokens & tokens) == tokens);
}

void
session_trace(struct session *s, void (*cb)(void *, int, const char *,
    size_t), void *arg)
{
	s->trace = cb;
	s->trace_arg = arg;
}

struct session *
session_new(const struct s_user *user, void *uarg,
    const struct s_transport *t, void *targ, int initiator)
{
	struct session *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return (NULL);
	s->user = user;
	s->uarg = uarg;
	s->t = t;
	s->targ = targ;
	s->initiator = initiator;
	s->phase = initiator ? IDLE : WAIT_CN;
	s->first = 1;
	s->version = 1;
	return (s);
}

void
session_free(struct session *s)
{
	if (s == NULL)
		return;
	free(s->params);
	free(s);
}

/* Output */

int
spm_send(struct session *s, const uint8_t *prefix, const struct spdu *u)
{
	uint8_t buf[SPDU_MAX];
	size_t n, len;

	/* send_connect() knows the version for its own. */
	if (u->si != SI_CN && u->si != SI_AC &&
	    u->data.len > session_user_data_max(s))
		return (-1);
	n = prefix != NULL ? 2 : 0;
	if (n > 0)
		memcpy(buf, prefix, n);
	if ((len = spdu_encode(u, buf + n, sizeof(buf) - n)) == 0)
		return (-1);
	if (s->sending) {
		/*
		 * The SSDU is cut short.  What follows is an abort, interrupt
		 * or discard, which voids it.
		 */
		s->sending = 0;
		s->t->t_data_req(s->targ, NULL, 0, 1);
	}
	if (s->trace != NULL)
		s->trace(s->trace_arg, 1, spdu_name(u->si, n == 0), len);
	s->t->t_data_req(s->targ, buf, n + len, 1);
	return (0);
}

void
spm_start(struct spdu *u, uint8_t si)
{
	memset(u, 0, sizeof(*u));
	u->si = si;
}

/* The end that we make of it; the user has been or will be told. */
static void
send_abort(struct session *s, int flags, struct s_octets data,
    struct s_octets reflect)
{
	struct spdu u;

	spm_start(&u, SI_AB);
	u.present = SPDU_DISCONNECT;
	u.disconnect = flags;
	u.data = data;
	u.reflect = reflect;
	if (spm_send(s, NULL, &u) == -1) {
		u.data.len = 0;
		spm_send(s, NULL, &u);
	}
	s->phase = ABORTING;
}

void
spm_error(struct session *s, const char *what)
{
	static char why[160];
	uint8_t bad[REFLECT_MAX];
	struct s_octets none = { NULL, 0 };
	const char *state = session_state(s);
	size_t n, more;

	if (s->phase == ABORTING || s->phase == CLOSED)
		return;
	snprintf(why, sizeof(why), "session protocol error by the peer in "
	    "%s: %s", state, what);
	/* The SPDU at fault, as far as it is there. */
	n = s->head_len;
	memcpy(bad, s->head, n);
	more = s->params_have;
	if (more > sizeof(bad) - n)
		more = sizeof(bad) - n;
	if (more > 0)
		memcpy(bad + n, s->params, more);
	if (s->phase == IDLE || s->phase == WAIT_CN) {
		/* No connection: nothing to abort but the transport. */
		s->phase = CLOSED;
		s->t->t_disconnect_req(s->targ);
	} else
		send_abort(s, 0x01 | 0x04, none, octets_at(bad, n + more));
	s->user->s_p_abort_ind(s->uarg, 1, why);
}

/* Connection establishment */

static void
put_connection(struct spdu *u, const struct s_connect *c)
{
	u->present |= SPDU_CONNECTION;
	u->refs.called = octets_at(c->called, c->called_len);
	u->refs.calling = octets_at(c->id.user, c->id.user_len);
	u->refs.common = octets_at(c->id.common, c->id.common_len);
	u->refs.additional = octets_at(c->id.additional,
	    c->id.additional_len);
}

static void
get_connect(struct s_connect *c, const struct spdu *u)
{
	memset(c, 0, sizeof(*c));
	octets_copy(c->called, &c->called_len, u->refs.called);
	octets_copy(c->id.user, &c->id.user_len, u->refs.calling);
	octets_copy(c->id.common, &c->id.common_len, u->refs.common);
	octets_copy(c->id.additional, &c->id.additional_len,
	    u->refs.additional);
	octets_copy(c->calling_ssel, &c->calling_ssel_len, u->calling_ssel);
	octets_copy(c->called_ssel, &c->called_ssel_len, u->called_ssel);
	/* Absent: half-duplex, minor, activity, capability, exceptions. */
	c->requirements = u->present & SPDU_REQUIREMENTS ? u->requirements :
	    0x0349;
	c->versions = u->present & SPDU_VERSION ? u->version : S_VERSION_1;
	c->tokens = u->token_setting;
	c->serial_present = (u->present & SPDU_INITIAL_SERIAL) != 0;
	c->serial = u->initial_serial;
	c->data = u->data;
}

/* CN and AC have the same parameters but for where the data may go. */
static int
send_connect(struct session *s, uint8_t si, const struct s_connect *c)
{
	struct spdu u;

	spm_start(&u, si);
	put_connection(&u, c);
	u.present |= SPDU_OPTIONS | SPDU_VERSION | SPDU_TOKEN_SETTING |
	    SPDU_REQUIREMENTS;
	u.version = c->versions;
	u.token_setting = c->tokens;
	u.requirements = c->requirements;
	if (c->serial_present) {
		u.present |= SPDU_INITIAL_SERIAL;
		u.initial_serial = c->serial;
	}
	u.calling_ssel = octets_at(c->calling_ssel, c->calling_ssel_len);
	u.called_ssel = octets_at(c->called_ssel, c->called_ssel_len);
	u.data = c->data;
	if (c->data.len > (c->versions & S_VERSION_2 ? S_USER_DATA_V2 :
	    S_USER_DATA_V1))
		return (-1);
	return (spm_send(s, NULL, &u));
}

/* Two bits for each token: 0 the initiator's, 1 the responder's. */
static int
tokens_of(uint8_t cn, uint8_t ac, int initiator)
{
	static const int tokens[3] = { S_TOKEN_DATA, S_TOKEN_MINOR,
	    S_TOKEN_MAJOR };
	int i, v, own = 0;

	for (i = 0; i < 3; i++) {
		v = cn >> (2 * i) & 3;
		if (v == 2)
			v = ac >> (2 * i) & 3;
		if ((v == 0) == (initiator != 0))
			own |= tokens[i];
	}
	return (own);
}

int
s_connect_req(struct session *s, const struct s_connect *c)
{
	if (s->phase != IDLE || c->id.user_len > S_USER_REFERENCE_MAX)
		return (-1);
	s->proposed = c->versions;
	s->requirements = c->requirements;
	s->setting = c->tokens;
	if (send_connect(s, SI_CN, c) == -1)
		return (-1);
	s->phase = CALLING;
	return (0);
}

int
s_connect_rsp(struct session *s, const struct s_connect *c)
{
	if (s->phase != CALLED || send_connect(s, SI_AC, c) == -1)
		return (-1);
	s->version = c->versions & S_VERSION_2 ? 2 : 1;
	s->tokens = tokens_of(s->setting, c->tokens, 0);
	s->phase = DATA;
	return (0);
}

int
s_connect_refuse_rsp(struct session *s, const struct s_connect *c, int reason)
{
	uint8_t text[1 + S_USER_DATA_V2];
	struct spdu u;

	if (s->phase != CALLED || (reason == S_REFUSE_USER &&
	    c->data.len > S_USER_DATA_V1))
		return (-1);
	spm_start(&u, SI_RF);
	u.refs.called = octets_at(c->id.user, c->id.user_len);
	u.refs.common = octets_at(c->id.common, c->id.common_len);
	u.refs.additional = octets_at(c->id.additional,
	    c->id.additional_len);
	u.present = SPDU_CONNECTION | SPDU_DISCONNECT | SPDU_REQUIREMENTS |
	    SPDU_VERSION;
	u.disconnect = 1;
	u.requirements = RTS_UNITS;
	u.version = c->versions & S_VERSION_2 ? S_VERSION_2 : S_VERSION_1;
	text[0] = reason;
	if (reason == S_REFUSE_USER && c->data.len > 0)
		memcpy(text + 1, c->data.p, c->data.len);
	u.reason.p = text;
	u.reason.len = 1 + (reason == S_REFUSE_USER ? c->data.len : 0);
	if (spm_send(s, NULL, &u) == -1)
		return (-1);
	s->phase = CLOSED;
	return (0);
}

void
spm_cn(struct session *s, const struct spdu *u)
{
	struct s_connect c;

	if (s->phase != WAIT_CN) {
		spm_error(s, "CN out of place");
		return;
	}
	get_connect(&c, u);
	s->setting = c.tokens;
	s->phase = CALLED;
	if (!(c.versions & (S_VERSION_1 | S_VERSION_2))) {
		s_connect_refuse_rsp(s, &c, S_REFUSE_VERSION);
		s->user->s_p_abort_ind(s->uarg, 1,
		    "no common session protocol version");
		return;
	}
	s->user->s_connect_ind(s->uarg, &c);
}

void
spm_ac(struct session *s, const struct spdu *u)
{
	struct s_connect c;

	if (s->phase != CALLING) {
		spm_error(s, "AC out of place");
		return;
	}
	get_connect(&c, u);
	if ((c.versions & s->proposed) == 0) {
		spm_error(s, "AC with a version not proposed");
		return;
	}
	s->version = (c.versions & s->proposed & S_VERSION_2) ? 2 : 1;
	c.requirements &= s->requirements;
	s->tokens = tokens_of(s->setting, c.tokens, 1);
	s->phase = DATA;
	s->user->s_connect_cnf(s->uarg, -1, &c);
}

void
spm_rf(struct session *s, const struct spdu *u)
{
	struct s_connect c;
	int reason = S_REFUSE_UNSPECIFIED;

	if (s->phase != CALLING) {
		spm_error(s, "RF out of place");
		return;
	}
	get_connect(&c, u);
	if (u->reason.len > 0) {
		reason = u->reason.p[0];
		c.data = octets_at(u->reason.p + 1, u->reason.len - 1);
	}
	s->phase = CLOSED;
	s->user->s_connect_cnf(s->uarg, reason, &c);
}

/* Tokens */

int
s_token_please_req(struct session *s, int tokens, struct s_octets data)
{
	struct spdu u;

	if (s->phase != DATA || (s->tokens & tokens) != 0 ||
	    data.len > S_USER_DATA_V1)
		return (-1);
	spm_start(&u, SI_PT);
	u.present = SPDU_TOKEN;
	u.token = tokens;
	u.data = data;
	return (spm_send(s, NULL, &u));
}

int
s_token_give_req(struct session *s, int tokens)
{
	struct spdu u;

	if (!session_owns(s, tokens) || s->sending || s->step != NORMAL)
		return (-1);
	spm_start(&u, SI_GT);
	u.present = SPDU_TOKEN;
	u.token = tokens;
	if (spm_send(s, NULL, &u) == -1)
		return (-1);
	s->tokens &= ~tokens;
	return (0);
}

int
s_control_give_req(struct session *s)
{
	struct spdu u;

	if (!session_owns(s, TOKENS_ALL) || s->activity ||
	    s->step != NORMAL)
		return (-1);
	spm_start(&u, SI_GTC);
	if (spm_send(s, NULL, &u) == -1)
		return (-1);
	s->tokens = 0;
	s->step = GIVE_SENT;
	return (0);
}

void
spm_gtc(struct session *s, const struct spdu *in)
{
	struct spdu u;

	if (s->phase != DATA || s->activity || s->tokens != 0 ||
	    s->step != NORMAL) {
		spm_error(s, "GTC out of place");
		return;
	}
	spm_start(&u, SI_GTA);
	spm_send(s, NULL, &u);
	s->tokens = TOKENS_ALL;
	s->user->s_control_give_ind(s->uarg);
}

void
spm_gta(struct session *s, const struct spdu *in)
{
	if (s->phase != DATA || s->step != GIVE_SENT) {
		spm_error(s, "GTA out of place");
		return;
	}
	s->step = NORMAL;
}

void
spm_gt_tokens(struct session *s, const struct spdu *u)
{
	int given;

	if (s->phase != DATA) {
		spm_error(s, "GT out of place");
		return;
	}
	if (!(u->present & SPDU_TOKEN) || u->token == 0)
		return;
	given = u->token & (TOKENS_ALL | S_TOKEN_RELEASE);
	if (s->tokens & given) {
		spm_error(s, "GT gives tokens that are ours");
		return;
	}
	s->tokens |= given & TOKENS_ALL;
	/* Giving the data token also answers an exception report. */
	if (s->step == EXCEPTION_SENT && given & S_TOKEN_DATA)
		s->step = NORMAL;
	s->user->s_token_give_ind(s->uarg, given);
}

void
spm_pt_tokens(struct session *s, const struct spdu *u)
{
	/* It may have crossed our FN. */
	if (s->phase == RELEASING)
		return;
	if (s->phase != DATA) {
		spm_error(s, "PT out of place");
		return;
	}
	if (!(u->present & SPDU_TOKEN) || u->token == 0)
		return;
	/* They may have crossed a GT or GTC: asking again is harmless. */
	if ((s->tokens & u->token) == 0)
		return;
	s->user->s_token_please_ind(s->uarg, u->token, u->data);
}

/* Release and abort */

int
s_release_req(struct session *s, struct s_octets data)
{
	struct spdu u;

	if (!session_owns(s, TOKENS_ALL) || s->activity || s->step != NORMAL)
		return (-1);
	spm_start(&u, SI_FN);
	u.present = SPDU_DISCONNECT;
	u.disconnect = 1;
	u.data = data;
	if (spm_send(s, NULL, &u) == -1)
		return (-1);
	s->phase = RELEASING;
	return (0);
}

int
s_release_rsp(struct session *s, struct s_octets data)
{
	struct spdu u;

	if (s->phase != RELEASE_RCVD)
		return (-1);
	spm_start(&u, SI_DN);
	u.data = data;
	if (spm_send(s, NULL, &u) == -1)
		return (-1);
	s->phase = CLOSED;
	return (0);
}

void
spm_fn(struct session *s, const struct spdu *u)
{
	if (s->phase != DATA || s->activity || s->tokens != 0 ||
	    s->step != NORMAL) {
		spm_error(s, "FN out of place");
		return;
	}
	s->phase = RELEASE_RCVD;
	s->user->s_release_ind(s->uarg, u->data);
}

void
spm_dn(struct session *s, const struct spdu *u)
{
	if (s->phase != RELEASING) {
		spm_error(s, "DN out of place");
		return;
	}
	s->phase = CLOSED;
	s->t->t_disconnect_req(s->targ);
	s->user->s_release_cnf(s->uarg, u->data);
}

int
s_u_abort_req(struct session *s, struct s_octets data)
{
	struct s_octets none = { NULL, 0 };

	switch (s->phase) {
	case IDLE:
	case WAIT_CN:
	case ABORTING:
	case CLOSED:
		return (-1);
	default:
		break;
	}
	/* Version 1 has room for nine octets only (X.225 8.3.9.6). */
	if (s->version == 1 && data.len > AB_DATA_V1)
		data.len = 0;
	send_abort(s, 0x01 | 0x02, data, none);
	return (0);
}

void
spm_ab(struct session *s, const struct spdu *u)
{
	struct spdu aa;
	int flags = u->present & SPDU_DISCONNECT ? u->disconnect : 0;

	if (s->phase == IDLE || s->phase == WAIT_CN) {
		spm_error(s, "AB out of place");
		return;
	}
	if (s->phase == CLOSED)
		return;
	spm_start(&aa, SI_AA);
	spm_send(s, NULL, &aa);
	if (s->phase == ABORTING) {
		/* Both at once: neither waits for an AA any more. */
		s->phase = CLOSED;
		s->t->t_disconnect_req(s->targ);
		return;
	}
	s->phase = CLOSED;
	if (flags & 0x02)
		s->user->s_u_abort_ind(s->uarg, u->data);
	else
		s->user->s_p_abort_ind(s->uarg, 0, flags & 0x04 ?
		    "the peer's session provider aborts: protocol error" :
		    "the peer's session provider aborts");
}

void
spm_aa(struct session *s, const struct spdu *u)
{
	if (s->phase != ABORTING) {
		spm_error(s, "AA out of place");
		return;
	}
	s->phase = CLOSED;
	s->t->t_disconnect_req(s->targ);
}

void
session_t_disconnect_ind(struct session *s, const char *why)
{
	enum phase was = s->phase;

	s->phase = CLOSED;
	if (was != CLOSED && was != ABORTING)
		s->user->s_p_abort_ind(s->uarg, 0, why);
}
