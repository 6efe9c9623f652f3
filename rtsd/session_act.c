/* SPDX-License-Identifier: ISC */

/*
 * The session protocol machine (X.225): data transfer (half-duplex), minor
 * synchronization, activity management and exceptions, the tables of annex A.
 */

#include <stdio.h>

#include "session_impl.h"

/* Data */

int
s_data_req(struct session *s, const uint8_t *p, size_t len, int first,
    int last)
{
	static const uint8_t head[4] = { SI_GT, 0, SI_DT, 0 };

	if (!session_owns(s, S_TOKEN_DATA) || s->step != NORMAL ||
	    !s->activity || (first != 0) == s->sending)
		return (-1);
	s->sending = !last;
	if (first) {
		if (s->trace != NULL)
			s->trace(s->trace_arg, 1, "DT", len);
		s->t->t_data_req(s->targ, head, sizeof(head), 0);
	}
	s->t->t_data_req(s->targ, p, len, last);
	return (0);
}

/* Synchronization */

static int
send_serial(struct session *s, const uint8_t *prefix, uint8_t si,
    uint32_t serial)
{
	struct spdu u;

	spm_start(&u, si);
	u.present = SPDU_SERIAL;
	u.serial = serial;
	return (spm_send(s, prefix, &u));
}

/* Both sides count: the operators of both need to see the numbers. */
static void
serial_error(struct session *s, const char *spdu, uint32_t got, uint32_t due)
{
	char text[80];

	snprintf(text, sizeof(text), "%s with serial number %u, %u was due",
	    spdu, got, due);
	spm_error(s, text);
}

int
s_sync_minor_req(struct session *s, uint32_t *serial)
{
	if (!session_owns(s, S_TOKEN_DATA | S_TOKEN_MINOR) || s->sending ||
	    s->step != NORMAL || !s->activity || s->vm > S_SERIAL_MAX)
		return (-1);
	if (send_serial(s, spm_gt, SI_MIP, s->vm) == -1)
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
	if (send_serial(s, spm_pt, SI_MIA, serial) == -1)
		return (-1);
	s->va = serial + 1;
	return (0);
}

void
spm_mip(struct session *s, const struct spdu *u)
{
	if (!s->activity || (s->tokens & (S_TOKEN_DATA | S_TOKEN_MINOR)) ||
	    !(u->present & SPDU_SERIAL)) {
		spm_error(s, "MIP out of place");
		return;
	}
	if (s->step != NORMAL && s->step != EXCEPTION_SENT) {
		spm_error(s, "MIP out of place");
		return;
	}
	if (u->serial != s->vm || u->serial > S_SERIAL_MAX) {
		serial_error(s, "MIP", u->serial, s->vm);
		return;
	}
	s->vm++;
	if (s->step == EXCEPTION_SENT)
		return;		/* it crossed the ED */
	s->syncs_ours = 0;
	s->user->s_sync_minor_ind(s->uarg, u->serial, !(u->present &
	    SPDU_SYNC_TYPE && u->sync_type & 1), u->data);
}

void
spm_mia(struct session *s, const struct spdu *u)
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
		spm_error(s, "MIA out of place");
		return;
	}
	if (!s->activity || !s->syncs_ours || !(u->present & SPDU_SERIAL) ||
	    u->serial < s->va || u->serial >= s->vm -
	    (s->step == END_SENT ? 1 : 0)) {
		serial_error(s, "MIA", u->serial, s->va);
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
	spm_start(&u, SI_AS);
	u.activity = octets_at(id->octets, id->len);
	if (spm_send(s, spm_gt, &u) == -1)
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
	spm_start(&u, SI_AR);
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
	if (spm_send(s, spm_gt, &u) == -1)
		return (-1);
	s->activity = 1;
	s->va = s->vm = r->serial + 1;
	s->syncs_ours = 1;
	return (0);
}

void
spm_as_ar(struct session *s, const struct spdu *u)
{
	struct s_resume r;

	if (s->activity || s->tokens != 0 || s->step != NORMAL ||
	    u->activity.len == 0) {
		spm_error(s, u->si == SI_AS ? "AS out of place" :
		    "AR out of place");
		return;
	}
	s->syncs_ours = 0;
	memset(&r, 0, sizeof(r));
	octets_copy(r.activity.octets, &r.activity.len, u->activity);
	if (u->si == SI_AS) {
		s->activity = 1;
		s->va = s->vm = 1;
		s->user->s_activity_start_ind(s->uarg, &r.activity, u->data);
		return;
	}
	if (u->link_activity.len == 0 || !(u->present & SPDU_LINK_SERIAL) ||
	    u->link_serial >= S_SERIAL_MAX) {
		spm_error(s, "AR without the old activity");
		return;
	}
	octets_copy(r.old_activity.octets, &r.old_activity.len,
	    u->link_activity);
	octets_copy(r.called, &r.called_len, u->link.called);
	octets_copy(r.old_connection.user, &r.old_connection.user_len,
	    u->link.calling);
	octets_copy(r.old_connection.common, &r.old_connection.common_len,
	    u->link.common);
	octets_copy(r.old_connection.additional,
	    &r.old_connection.additional_len, u->link.additional);
	r.has_connection = r.old_connection.common_len > 0;
	r.serial = u->link_serial;
	s->activity = 1;
	s->va = s->vm = r.serial + 1;
	s->user->s_activity_resume_ind(s->uarg, &r, u->data);
}

int
s_activity_end_req(struct session *s, uint32_t *serial)
{
	if (!session_owns(s, TOKENS_ALL) || s->sending ||
	    s->step != NORMAL || !s->activity || s->vm > S_SERIAL_MAX)
		return (-1);
	if (send_serial(s, spm_gt, SI_AE, s->vm) == -1)
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
	if (send_serial(s, spm_pt, SI_AEA, s->vm - 1) == -1)
		return (-1);
	s->va = s->vm;
	s->activity = 0;
	s->step = NORMAL;
	return (0);
}

void
spm_ae(struct session *s, const struct spdu *u)
{
	if (u->present & SPDU_SYNC_TYPE && u->sync_type & 1) {
		spm_error(s, "MAP: major synchronize is not in use");
		return;
	}
	if (!s->activity || s->tokens != 0 || !(u->present & SPDU_SERIAL)) {
		spm_error(s, "AE out of place");
		return;
	}
	if (s->step != NORMAL && s->step != EXCEPTION_SENT) {
		spm_error(s, "AE out of place");
		return;
	}
	if (u->serial != s->vm) {
		serial_error(s, "AE", u->serial, s->vm);
		return;
	}
	s->vm++;
	if (s->step == EXCEPTION_SENT)
		return;		/* it crossed the ED */
	s->step = END_RCVD;
	s->user->s_activity_end_ind(s->uarg, u->serial, u->data);
}

void
spm_aea(struct session *s, const struct spdu *u)
{
	switch (s->step) {
	case INTERRUPT_SENT:
	case DISCARD_SENT:
	case EXCEPTION_RCVD:
		return;
	case END_SENT:
		break;
	default:
		spm_error(s, "AEA out of place");
		return;
	}
	if (!(u->present & SPDU_SERIAL) || u->serial != s->vm - 1) {
		serial_error(s, "AEA", u->serial, s->vm - 1);
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

	spm_start(&u, si);
	u.reason = octets_at(&code, 1);
	u.data = data;
	return (spm_send(s, prefix, &u));
}

int
s_u_exception_report_req(struct session *s, int reason, struct s_octets data)
{
	if (s->phase != DATA || !s->activity || s->tokens & S_TOKEN_DATA ||
	    (s->step != NORMAL && s->step != END_RCVD))
		return (-1);
	if (send_reason(s, spm_pt, SI_ED, reason, data) == -1)
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
	if (send_reason(s, spm_gt, si, reason, none) == -1)
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
	spm_start(&u, si);
	if (spm_send(s, spm_pt, &u) == -1)
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

void
spm_ai_ad(struct session *s, const struct spdu *u)
{
	int reason = u->reason.len > 0 ? u->reason.p[0] : 0;

	if (!s->activity || s->tokens & S_TOKEN_MAJOR ||
	    (s->step != NORMAL && s->step != END_RCVD &&
	    s->step != EXCEPTION_SENT)) {
		spm_error(s, u->si == SI_AI ? "AI out of place" :
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

void
spm_aia_ada(struct session *s, const struct spdu *u)
{
	if (s->step != (u->si == SI_AIA ? INTERRUPT_SENT : DISCARD_SENT)) {
		spm_error(s, u->si == SI_AIA ? "AIA out of place" :
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

void
spm_ed_er(struct session *s, const struct spdu *u)
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
		spm_error(s, "exception out of place");
		return;
	}
	if (!s->activity || !(s->tokens & S_TOKEN_DATA)) {
		spm_error(s, "exception out of place");
		return;
	}
	s->step = EXCEPTION_RCVD;
	if (u->si == SI_ED)
		s->user->s_u_exception_report_ind(s->uarg, u->reason.len > 0 ?
		    u->reason.p[0] : 0, u->data);
	else
		s->user->s_p_exception_report_ind(s->uarg);
}

/* With an exception reported it may be on its way still; it is ignored. */
int
spm_dt_allowed(const struct session *s)
{
	return (s->phase == DATA && s->activity &&
	    !(s->tokens & S_TOKEN_DATA) &&
	    (s->step == NORMAL || s->step == EXCEPTION_SENT));
}
