/* SPDX-License-Identifier: ISC */

/*
 * The session protocol machine (X.225): the state tables of annex A for the
 * functional units kernel, half-duplex, minor synchronize, activity
 * management and exceptions.
 *
 * The states of annex A fold into three variables here: the phase of the
 * connection; while it is open, whether an activity is in progress (Vact);
 * and step, what is awaited within or around the activity.
 *
 *	STA01  closed		STA713 data, step NORMAL
 *	STA02A calling		STA04B end_sent, STA10B end_rcvd
 *	STA08  called		STA05A/B interrupt_/discard_sent
 *	STA03  releasing	STA11A/B interrupt_/discard_rcvd
 *	STA09  release_rcvd	STA18 give_sent, STA20 exception_sent,
 *	STA16  aborting		STA19 exception_rcvd
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spdu.h"

enum phase {
	IDLE, WAIT_CN, CALLING, CALLED, DATA, RELEASING, RELEASE_RCVD,
	ABORTING, CLOSED
};

enum step {
	NORMAL, END_SENT, END_RCVD, INTERRUPT_SENT, INTERRUPT_RCVD,
	DISCARD_SENT, DISCARD_RCVD, GIVE_SENT, EXCEPTION_SENT, EXCEPTION_RCVD
};

/* Where we are in an incoming TSDU. */
enum input { HEADER, PARAMETERS, USER_DATA, NO_MORE };

#define TOKENS_ALL	(S_TOKEN_DATA | S_TOKEN_MINOR | S_TOKEN_MAJOR)
#define RTS_UNITS	(S_HALF_DUPLEX | S_MINOR_SYNC | S_ACTIVITY | \
			    S_EXCEPTIONS)
#define REFLECT_MAX	9		/* X.225 8.3.9.4 */

/* Prefixes of category 2, and DT with nothing in its parameter field. */
static const uint8_t gt[2] = { SI_GT, 0 };
static const uint8_t pt[2] = { SI_PT, 0 };

struct session {
	const struct s_user		*user;
	void				*uarg;
	const struct s_transport	*t;
	void				*targ;
	int				 initiator;
	enum phase			 phase;
	enum step			 step;
	int				 activity;	/* Vact */
	int				 tokens;	/* that we own */
	int				 version;
	uint8_t				 proposed;	/* versions in CN */
	uint16_t			 requirements;	/* proposed by us */
	uint8_t				 setting;	/* token setting of CN */
	uint32_t			 va;	/* lowest serial unconfirmed */
	uint32_t			 vm;	/* next serial */
	int				 syncs_ours;	/* who sent them */

	enum input			 input;
	int				 first;		/* SPDU of its TSDU */
	int				 last_ssdu;	/* DT ends its SSDU */
	int				 in_ssdu;	/* its end is not told */
	uint8_t				 si;
	uint8_t				 head[4];
	size_t				 head_have, head_len;
	uint8_t				*params;
	size_t				 params_size, params_have, params_len;

	void				(*trace)(void *, int, const char *,
					    size_t);
	void				*trace_arg;
};

static void	protocol_error(struct session *, const char *);

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

/* One TSDU: a prefix of category 0 or none, and the SPDU.  -1: too long. */
static int
send_spdu(struct session *s, const uint8_t *prefix, const struct spdu *u)
{
	uint8_t buf[SPDU_MAX];
	size_t n, len;

	n = prefix != NULL ? 2 : 0;
	if (n > 0)
		memcpy(buf, prefix, n);
	if ((len = spdu_encode(u, buf + n, sizeof(buf) - n)) == 0)
		return (-1);
	if (s->trace != NULL)
		s->trace(s->trace_arg, 1, spdu_name(u->si, n == 0), len);
	s->t->t_data_req(s->targ, buf, n + len, 1);
	return (0);
}

static void
start(struct spdu *u, uint8_t si)
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

	start(&u, SI_AB);
	u.present = SPDU_DISCONNECT;
	u.disconnect = flags;
	u.data = data;
	u.reflect = reflect;
	if (send_spdu(s, NULL, &u) == -1) {
		u.data.len = 0;
		send_spdu(s, NULL, &u);
	}
	s->phase = ABORTING;
}

static void
protocol_error(struct session *s, const char *what)
{
	static char why[160];
	struct s_octets none = { NULL, 0 }, reflect;
	const char *state = session_state(s);

	if (s->phase == ABORTING || s->phase == CLOSED)
		return;
	snprintf(why, sizeof(why), "session protocol error by the peer in "
	    "%s: %s", state, what);
	reflect.p = s->head;
	reflect.len = s->head_len;
	if (s->phase == IDLE || s->phase == WAIT_CN) {
		/* No connection: nothing to abort but the transport. */
		s->phase = CLOSED;
		s->t->t_disconnect_req(s->targ);
	} else
		send_abort(s, 0x01 | 0x04, none, reflect);
	s->user->s_p_abort_ind(s->uarg, 1, why);
}

/* Connection establishment */

static struct s_octets
octets_at(const uint8_t *p, size_t len)
{
	struct s_octets o = { p, len };

	return (o);
}

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
copy(uint8_t *to, uint8_t *to_len, struct s_octets from)
{
	/* spdu_decode has checked the bounds of each. */
	*to_len = from.len;
	if (from.len > 0)
		memcpy(to, from.p, from.len);
}

static void
get_connect(struct s_connect *c, const struct spdu *u)
{
	memset(c, 0, sizeof(*c));
	copy(c->called, &c->called_len, u->refs.called);
	copy(c->id.user, &c->id.user_len, u->refs.calling);
	copy(c->id.common, &c->id.common_len, u->refs.common);
	copy(c->id.additional, &c->id.additional_len, u->refs.additional);
	copy(c->calling_ssel, &c->calling_ssel_len, u->calling_ssel);
	copy(c->called_ssel, &c->called_ssel_len, u->called_ssel);
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

	start(&u, si);
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
	if (c->data.len > S_USER_DATA_V1 && !(c->versions & S_VERSION_2))
		return (-1);
	return (send_spdu(s, NULL, &u));
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

	if (s->phase != CALLED || c->data.len > S_USER_DATA_V1)
		return (-1);
	start(&u, SI_RF);
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
	if (send_spdu(s, NULL, &u) == -1)
		return (-1);
	s->phase = CLOSED;
	return (0);
}

static void
got_cn(struct session *s, const struct spdu *u)
{
	struct s_connect c;

	if (s->phase != WAIT_CN) {
		protocol_error(s, "CN out of place");
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

static void
got_ac(struct session *s, const struct spdu *u)
{
	struct s_connect c;

	if (s->phase != CALLING) {
		protocol_error(s, "AC out of place");
		return;
	}
	get_connect(&c, u);
	if ((c.versions & s->proposed) == 0) {
		protocol_error(s, "AC with a version not proposed");
		return;
	}
	s->version = (c.versions & s->proposed & S_VERSION_2) ? 2 : 1;
	c.requirements &= s->requirements;
	s->tokens = tokens_of(s->setting, c.tokens, 1);
	s->phase = DATA;
	s->user->s_connect_cnf(s->uarg, -1, &c);
}

static void
got_rf(struct session *s, const struct spdu *u)
{
	struct s_connect c;
	int reason = S_REFUSE_UNSPECIFIED;

	if (s->phase != CALLING) {
		protocol_error(s, "RF out of place");
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

/* Data */

int
s_data_req(struct session *s, const uint8_t *p, size_t len, int first,
    int last)
{
	static const uint8_t head[4] = { SI_GT, 0, SI_DT, 0 };

	if (!session_owns(s, S_TOKEN_DATA) || s->step != NORMAL ||
	    !s->activity)
		return (-1);
	if (first) {
		if (s->trace != NULL)
			s->trace(s->trace_arg, 1, "DT", len);
		s->t->t_data_req(s->targ, head, sizeof(head), 0);
	}
	s->t->t_data_req(s->targ, p, len, last);
	return (0);
}

/* Tokens */

int
s_token_please_req(struct session *s, int tokens, struct s_octets data)
{
	struct spdu u;

	if (s->phase != DATA || (s->tokens & tokens) != 0 ||
	    data.len > S_USER_DATA_V1)
		return (-1);
	start(&u, SI_PT);
	u.present = SPDU_TOKEN;
	u.token = tokens;
	u.data = data;
	return (send_spdu(s, NULL, &u));
}

int
s_token_give_req(struct session *s, int tokens)
{
	struct spdu u;

	if (!session_owns(s, tokens) || s->step != NORMAL)
		return (-1);
	start(&u, SI_GT);
	u.present = SPDU_TOKEN;
	u.token = tokens;
	if (send_spdu(s, NULL, &u) == -1)
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
	start(&u, SI_GTC);
	if (send_spdu(s, NULL, &u) == -1)
		return (-1);
	s->tokens = 0;
	s->step = GIVE_SENT;
	return (0);
}

static void
got_gtc(struct session *s)
{
	struct spdu u;

	if (s->phase != DATA || s->activity || s->tokens != 0 ||
	    s->step != NORMAL) {
		protocol_error(s, "GTC out of place");
		return;
	}
	start(&u, SI_GTA);
	send_spdu(s, NULL, &u);
	s->tokens = TOKENS_ALL;
	s->user->s_control_give_ind(s->uarg);
}

static void
got_gta(struct session *s)
{
	if (s->phase != DATA || s->step != GIVE_SENT) {
		protocol_error(s, "GTA out of place");
		return;
	}
	s->step = NORMAL;
}

static void
got_gt(struct session *s, const struct spdu *u)
{
	int given;

	if (!(u->present & SPDU_TOKEN) || u->token == 0)
		return;
	given = u->token & (TOKENS_ALL | S_TOKEN_RELEASE);
	if (s->tokens & given) {
		protocol_error(s, "GT gives tokens that are ours");
		return;
	}
	s->tokens |= given & TOKENS_ALL;
	/* Giving the data token also answers an exception report. */
	if (s->step == EXCEPTION_SENT && given & S_TOKEN_DATA)
		s->step = NORMAL;
	s->user->s_token_give_ind(s->uarg, given);
}

static void
got_pt(struct session *s, const struct spdu *u)
{
	if (!(u->present & SPDU_TOKEN) || u->token == 0)
		return;
	/* They may have crossed a GT or GTC: asking again is harmless. */
	if ((s->tokens & u->token) == 0)
		return;
	s->user->s_token_please_ind(s->uarg, u->token, u->data);
}

/* Synchronization */

static int
send_serial(struct session *s, const uint8_t *prefix, uint8_t si,
    uint32_t serial)
{
	struct spdu u;

	start(&u, si);
	u.present = SPDU_SERIAL;
	u.serial = serial;
	return (send_spdu(s, prefix, &u));
}

int
s_sync_minor_req(struct session *s, uint32_t *serial)
{
	if (!session_owns(s, S_TOKEN_DATA | S_TOKEN_MINOR) ||
	    s->step != NORMAL || !s->activity || s->vm > S_SERIAL_MAX)
		return (-1);
	if (send_serial(s, gt, SI_MIP, s->vm) == -1)
		return (-1);
	if (serial != NULL)
		*serial = s->vm;
	s->vm++;
	s->syncs_ours = 1;
	return (0);
}

int
s_sync_minor_rsp(struct session *s, uint32_t serial)
{
	/* After END_RCVD what came before the end may still be confirmed. */
	if (s->phase != DATA || !s->activity || s->syncs_ours ||
	    (s->step != NORMAL && s->step != END_RCVD) ||
	    serial < s->va || serial >= s->vm)
		return (-1);
	if (send_serial(s, pt, SI_MIA, serial) == -1)
		return (-1);
	s->va = serial + 1;
	return (0);
}

static void
got_mip(struct session *s, const struct spdu *u)
{
	if (!s->activity || (s->tokens & (S_TOKEN_DATA | S_TOKEN_MINOR)) ||
	    !(u->present & SPDU_SERIAL)) {
		protocol_error(s, "MIP out of place");
		return;
	}
	if (s->step == EXCEPTION_SENT)
		return;
	if (s->step != NORMAL) {
		protocol_error(s, "MIP out of place");
		return;
	}
	if (u->serial != s->vm) {
		protocol_error(s, "MIP with a wrong serial number");
		return;
	}
	s->vm++;
	s->syncs_ours = 0;
	s->user->s_sync_minor_ind(s->uarg, u->serial, !(u->present &
	    SPDU_SYNC_TYPE && u->sync_type & 1), u->data);
}

static void
got_mia(struct session *s, const struct spdu *u)
{
	switch (s->step) {
	case INTERRUPT_SENT:
	case DISCARD_SENT:
	case EXCEPTION_RCVD:
		return;		/* it crossed what ends the activity */
	case NORMAL:
	case END_SENT:
		break;
	default:
		protocol_error(s, "MIA out of place");
		return;
	}
	if (!s->activity || !s->syncs_ours || !(u->present & SPDU_SERIAL) ||
	    u->serial < s->va || u->serial >= s->vm -
	    (s->step == END_SENT ? 1 : 0)) {
		protocol_error(s, "MIA with a serial number not outstanding");
		return;
	}
	s->va = u->serial + 1;
	s->user->s_sync_minor_cnf(s->uarg, u->serial, u->data);
}

/* Activities */

static int
may_start(const struct session *s)
{
	return (session_owns(s, TOKENS_ALL) && s->step == NORMAL &&
	    !s->activity);
}

int
s_activity_start_req(struct session *s, const struct activity_id *id)
{
	struct spdu u;

	if (!may_start(s))
		return (-1);
	start(&u, SI_AS);
	u.activity = octets_at(id->octets, id->len);
	if (send_spdu(s, gt, &u) == -1)
		return (-1);
	s->activity = 1;
	s->va = s->vm = 1;
	s->syncs_ours = 1;
	return (0);
}

int
s_activity_resume_req(struct session *s, const struct s_resume *r)
{
	struct spdu u;

	if (!may_start(s) || r->serial >= S_SERIAL_MAX)
		return (-1);
	start(&u, SI_AR);
	u.present = SPDU_LINKING | SPDU_LINK_SERIAL;
	u.activity = octets_at(r->activity.octets, r->activity.len);
	u.link_activity = octets_at(r->old_activity.octets,
	    r->old_activity.len);
	u.link_serial = r->serial;
	if (r->has_connection) {
		u.link.called = octets_at(r->called, r->called_len);
		u.link.calling = octets_at(r->old_connection.user,
		    r->old_connection.user_len);
		u.link.common = octets_at(r->old_connection.common,
		    r->old_connection.common_len);
		u.link.additional = octets_at(r->old_connection.additional,
		    r->old_connection.additional_len);
	}
	if (send_spdu(s, gt, &u) == -1)
		return (-1);
	s->activity = 1;
	s->va = s->vm = r->serial + 1;
	s->syncs_ours = 1;
	return (0);
}

static void
got_start(struct session *s, const struct spdu *u)
{
	struct s_resume r;

	if (s->activity || s->tokens != 0 || s->step != NORMAL ||
	    u->activity.len == 0) {
		protocol_error(s, u->si == SI_AS ? "AS out of place" :
		    "AR out of place");
		return;
	}
	s->syncs_ours = 0;
	memset(&r, 0, sizeof(r));
	copy(r.activity.octets, &r.activity.len, u->activity);
	if (u->si == SI_AS) {
		s->activity = 1;
		s->va = s->vm = 1;
		s->user->s_activity_start_ind(s->uarg, &r.activity, u->data);
		return;
	}
	if (u->link_activity.len == 0 || !(u->present & SPDU_LINK_SERIAL) ||
	    u->link_serial >= S_SERIAL_MAX) {
		protocol_error(s, "AR without the old activity");
		return;
	}
	copy(r.old_activity.octets, &r.old_activity.len, u->link_activity);
	copy(r.called, &r.called_len, u->link.called);
	copy(r.old_connection.user, &r.old_connection.user_len,
	    u->link.calling);
	copy(r.old_connection.common, &r.old_connection.common_len,
	    u->link.common);
	copy(r.old_connection.additional, &r.old_connection.additional_len,
	    u->link.additional);
	r.has_connection = r.old_connection.common_len > 0;
	r.serial = u->link_serial;
	s->activity = 1;
	s->va = s->vm = r.serial + 1;
	s->user->s_activity_resume_ind(s->uarg, &r, u->data);
}

int
s_activity_end_req(struct session *s, uint32_t *serial)
{
	if (!session_owns(s, TOKENS_ALL) || s->step != NORMAL ||
	    !s->activity || s->vm > S_SERIAL_MAX)
		return (-1);
	if (send_serial(s, gt, SI_AE, s->vm) == -1)
		return (-1);
	if (serial != NULL)
		*serial = s->vm;
	s->vm++;
	s->step = END_SENT;
	return (0);
}

int
s_activity_end_rsp(struct session *s)
{
	if (s->phase != DATA || s->step != END_RCVD)
		return (-1);
	if (send_serial(s, pt, SI_AEA, s->vm - 1) == -1)
		return (-1);
	s->va = s->vm;
	s->activity = 0;
	s->step = NORMAL;
	return (0);
}

static void
got_ae(struct session *s, const struct spdu *u)
{
	if (u->present & SPDU_SYNC_TYPE && u->sync_type & 1) {
		protocol_error(s, "MAP: major synchronize is not in use");
		return;
	}
	if (!s->activity || s->tokens != 0 || !(u->present & SPDU_SERIAL)) {
		protocol_error(s, "AE out of place");
		return;
	}
	if (s->step == EXCEPTION_SENT)
		return;
	if (s->step != NORMAL || u->serial != s->vm) {
		protocol_error(s, s->step != NORMAL ? "AE out of place" :
		    "AE with a wrong serial number");
		return;
	}
	s->vm++;
	s->step = END_RCVD;
	s->user->s_activity_end_ind(s->uarg, u->serial, u->data);
}

static void
got_aea(struct session *s, const struct spdu *u)
{
	switch (s->step) {
	case INTERRUPT_SENT:
	case DISCARD_SENT:
	case EXCEPTION_RCVD:
		return;
	case END_SENT:
		break;
	default:
		protocol_error(s, "AEA out of place");
		return;
	}
	if (!(u->present & SPDU_SERIAL) || u->serial != s->vm - 1) {
		protocol_error(s, "AEA with a wrong serial number");
		return;
	}
	s->va = s->vm;
	s->activity = 0;
	s->step = NORMAL;
	s->user->s_activity_end_cnf(s->uarg, u->serial, u->data);
}

/* Exceptions, interrupt and discard */

static int
send_reason(struct session *s, const uint8_t *prefix, uint8_t si, int reason,
    struct s_octets data)
{
	struct spdu u;
	uint8_t code = reason;

	start(&u, si);
	u.reason = octets_at(&code, 1);
	u.data = data;
	return (send_spdu(s, prefix, &u));
}

int
s_u_exception_report_req(struct session *s, int reason, struct s_octets data)
{
	if (s->phase != DATA || !s->activity || s->tokens & S_TOKEN_DATA ||
	    (s->step != NORMAL && s->step != END_RCVD))
		return (-1);
	if (send_reason(s, pt, SI_ED, reason, data) == -1)
		return (-1);
	s->step = EXCEPTION_SENT;
	return (0);
}

static int
give_up(struct session *s, uint8_t si, enum step next, int reason)
{
	struct s_octets none = { NULL, 0 };

	if (!session_owns(s, S_TOKEN_MAJOR) || !s->activity ||
	    (s->step != NORMAL && s->step != END_SENT &&
	    s->step != EXCEPTION_RCVD))
		return (-1);
	if (send_reason(s, gt, si, reason, none) == -1)
		return (-1);
	s->step = next;
	return (0);
}

int
s_activity_interrupt_req(struct session *s, int reason)
{
	return (give_up(s, SI_AI, INTERRUPT_SENT, reason));
}

int
s_activity_discard_req(struct session *s, int reason)
{
	return (give_up(s, SI_AD, DISCARD_SENT, reason));
}

static int
given_up_rsp(struct session *s, enum step step, uint8_t si)
{
	struct spdu u;

	if (s->phase != DATA || s->step != step)
		return (-1);
	start(&u, si);
	if (send_spdu(s, pt, &u) == -1)
		return (-1);
	s->activity = 0;
	s->step = NORMAL;
	return (0);
}

int
s_activity_interrupt_rsp(struct session *s)
{
	return (given_up_rsp(s, INTERRUPT_RCVD, SI_AIA));
}

int
s_activity_discard_rsp(struct session *s)
{
	return (given_up_rsp(s, DISCARD_RCVD, SI_ADA));
}

static void
got_give_up(struct session *s, const struct spdu *u)
{
	int reason = u->reason.len > 0 ? u->reason.p[0] : 0;

	if (!s->activity || s->tokens & S_TOKEN_MAJOR ||
	    (s->step != NORMAL && s->step != END_RCVD &&
	    s->step != EXCEPTION_SENT)) {
		protocol_error(s, u->si == SI_AI ? "AI out of place" :
		    "AD out of place");
		return;
	}
	if (u->si == SI_AI) {
		s->step = INTERRUPT_RCVD;
		s->user->s_activity_interrupt_ind(s->uarg, reason);
	} else {
		s->step = DISCARD_RCVD;
		s->user->s_activity_discard_ind(s->uarg, reason);
	}
}

static void
got_given_up(struct session *s, const struct spdu *u)
{
	if (s->step != (u->si == SI_AIA ? INTERRUPT_SENT : DISCARD_SENT)) {
		protocol_error(s, u->si == SI_AIA ? "AIA out of place" :
		    "ADA out of place");
		return;
	}
	s->activity = 0;
	s->step = NORMAL;
	if (u->si == SI_AIA)
		s->user->s_activity_interrupt_cnf(s->uarg);
	else
		s->user->s_activity_discard_cnf(s->uarg);
}

static void
got_exception(struct session *s, const struct spdu *u)
{
	switch (s->step) {
	case INTERRUPT_SENT:
	case DISCARD_SENT:
	case EXCEPTION_RCVD:
		return;		/* crossed */
	case NORMAL:
	case END_SENT:
		break;
	default:
		protocol_error(s, "exception out of place");
		return;
	}
	if (!s->activity || !(s->tokens & S_TOKEN_DATA)) {
		protocol_error(s, "exception out of place");
		return;
	}
	s->step = EXCEPTION_RCVD;
	if (u->si == SI_ED)
		s->user->s_u_exception_report_ind(s->uarg, u->reason.len > 0 ?
		    u->reason.p[0] : 0, u->data);
	else
		s->user->s_p_exception_report_ind(s->uarg);
}

/* Release and abort */

int
s_release_req(struct session *s, struct s_octets data)
{
	struct spdu u;

	if (!session_owns(s, TOKENS_ALL) || s->activity || s->step != NORMAL)
		return (-1);
	start(&u, SI_FN);
	u.present = SPDU_DISCONNECT;
	u.disconnect = 1;
	u.data = data;
	if (send_spdu(s, NULL, &u) == -1)
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
	start(&u, SI_DN);
	u.data = data;
	if (send_spdu(s, NULL, &u) == -1)
		return (-1);
	s->phase = CLOSED;
	return (0);
}

static void
got_fn(struct session *s, const struct spdu *u)
{
	if (s->phase != DATA || s->activity || s->tokens != 0 ||
	    s->step != NORMAL) {
		protocol_error(s, "FN out of place");
		return;
	}
	s->phase = RELEASE_RCVD;
	s->user->s_release_ind(s->uarg, u->data);
}

static void
got_dn(struct session *s, const struct spdu *u)
{
	if (s->phase != RELEASING) {
		protocol_error(s, "DN out of place");
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
	if (s->version == 1 && data.len > 9)
		data.len = 0;
	send_abort(s, 0x01 | 0x02, data, none);
	return (0);
}

static void
got_ab(struct session *s, const struct spdu *u)
{
	struct spdu aa;
	int flags = u->present & SPDU_DISCONNECT ? u->disconnect : 0;

	if (s->phase == CLOSED)
		return;
	start(&aa, SI_AA);
	send_spdu(s, NULL, &aa);
	if (s->phase == ABORTING || s->phase == IDLE ||
	    s->phase == WAIT_CN) {
		s->phase = CLOSED;
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
session_t_disconnect_ind(struct session *s, const char *why)
{
	enum phase was = s->phase;

	s->phase = CLOSED;
	if (was != CLOSED && was != ABORTING)
		s->user->s_p_abort_ind(s->uarg, 0, why);
}

/* Input */

/* A complete SPDU other than DT. */
static void
dispatch(struct session *s, int first, const struct spdu *u)
{
	if (first) {
		switch (u->si) {
		case SI_GT:
		case SI_PT:
			if (s->phase != DATA)
				break;
			if (u->si == SI_GT)
				got_gt(s, u);
			else
				got_pt(s, u);
			return;
		case SI_CN:
			got_cn(s, u);
			return;
		case SI_AC:
			got_ac(s, u);
			return;
		case SI_RF:
			got_rf(s, u);
			return;
		case SI_FN:
			got_fn(s, u);
			return;
		case SI_DN:
			got_dn(s, u);
			return;
		case SI_AB:
			got_ab(s, u);
			return;
		case SI_AA:
			if (s->phase == ABORTING)
				s->phase = CLOSED;
			else
				protocol_error(s, "AA out of place");
			return;
		case SI_GTC:
			got_gtc(s);
			return;
		case SI_GTA:
			got_gta(s);
			return;
		}
	}
	/* Category 2; some leave the category 0 SPDU out. */
	if (s->phase != DATA) {
		protocol_error(s, spdu_name(u->si, first));
		return;
	}
	switch (u->si) {
	case SI_MIP:
		got_mip(s, u);
		break;
	case SI_MIA:
		got_mia(s, u);
		break;
	case SI_AE:
		got_ae(s, u);
		break;
	case SI_AEA:
		got_aea(s, u);
		break;
	case SI_AS:
	case SI_AR:
		got_start(s, u);
		break;
	case SI_AI:
	case SI_AD:
		got_give_up(s, u);
		break;
	case SI_AIA:
	case SI_ADA:
		got_given_up(s, u);
		break;
	case SI_ED:
	case SI_ER:
		got_exception(s, u);
		break;
	default:
		protocol_error(s, spdu_name(u->si, first));
		break;
	}
}

/* Category 1 SPDUs are alone in their TSDU. */
static int
is_alone(uint8_t si, int first)
{
	switch (si) {
	case SI_CN: case SI_AC: case SI_RF: case SI_FN: case SI_DN:
	case SI_NF: case SI_GTC: case SI_GTA: case SI_OA: case SI_CDO:
		return (1);
	case SI_AB: case SI_AA:
		return (first);
	default:
		return (0);
	}
}

/* Header and parameters are complete. */
static void
got_spdu(struct session *s)
{
	struct spdu u;
	const char *why;
	int first = s->first;

	s->first = 0;
	if (s->trace != NULL)
		s->trace(s->trace_arg, 0, spdu_name(s->si, first),
		    s->head_len + s->params_len);
	s->input = is_alone(s->si, first) ? NO_MORE : HEADER;
	s->head_have = 0;
	if (spdu_decode(&u, s->si, s->params, s->params_len, &why) == -1) {
		protocol_error(s, why);
		return;
	}
	if (s->phase == ABORTING && !(first && (s->si == SI_AB ||
	    s->si == SI_AA))) {
		s->input = NO_MORE;
		return;
	}
	if (!first && s->si == SI_DT) {
		s->input = USER_DATA;
		s->in_ssdu = 1;
		s->last_ssdu = !(u.present & SPDU_ENCLOSURE) ||
		    u.enclosure & 2;
		if (s->phase != DATA || !s->activity ||
		    s->tokens & S_TOKEN_DATA ||
		    (s->step != NORMAL && s->step != EXCEPTION_SENT))
			protocol_error(s, "DT out of place");
		return;
	}
	dispatch(s, first, &u);
}

static void
user_data(struct session *s, const uint8_t *p, size_t len, int last)
{
	if (last)
		s->in_ssdu = 0;
	if (s->phase != DATA || s->step != NORMAL || !s->activity)
		return;
	s->user->s_data_ind(s->uarg, p, len, last && s->last_ssdu);
}

/* Room for the parameters of the SPDU whose header is there. */
static int
begin_params(struct session *s)
{
	uint8_t *p;

	s->si = s->head[0];
	if (s->params_len > SPDU_MAX) {
		protocol_error(s, "SPDU too long");
		return (-1);
	}
	if (s->params_len > s->params_size) {
		if ((p = realloc(s->params, s->params_len)) == NULL) {
			protocol_error(s, "SPDU too long for our memory");
			return (-1);
		}
		s->params = p;
		s->params_size = s->params_len;
	}
	s->params_have = 0;
	s->input = PARAMETERS;
	return (0);
}

void
session_t_data_ind(struct session *s, const uint8_t *p, size_t len, int last)
{
	size_t n;

	while (len > 0 && s->phase != CLOSED) {
		switch (s->input) {
		case HEADER:
			s->head[s->head_have++] = *p++;
			len--;
			s->head_len = spdu_header(s->head, s->head_have,
			    &s->params_len);
			if (s->head_len == 0)
				break;
			if (begin_params(s) == -1) {
				len = 0;
				break;
			}
			if (s->params_len == 0)
				got_spdu(s);
			break;
		case PARAMETERS:
			n = s->params_len - s->params_have;
			if (n > len)
				n = len;
			memcpy(s->params + s->params_have, p, n);
			s->params_have += n;
			p += n;
			len -= n;
			if (s->params_have == s->params_len)
				got_spdu(s);
			break;
		case USER_DATA:
			user_data(s, p, len, last);
			len = 0;
			break;
		case NO_MORE:
			len = 0;
			protocol_error(s, "octets after an SPDU that is alone "
			    "in its TSDU");
			break;
		}
	}
	if (!last || s->phase == CLOSED)
		return;
	if (s->in_ssdu)
		user_data(s, NULL, 0, 1);
	if (s->input == PARAMETERS || (s->input == HEADER &&
	    s->head_have > 0))
		protocol_error(s, "TSDU ends within an SPDU");
	s->input = HEADER;
	s->head_have = s->head_len = 0;
	s->first = 1;
}
