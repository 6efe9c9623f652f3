/* SPDX-License-Identifier: ISC */

/*
 * TSDUs for a session machine, with a user that answers everything as it is
 * due.  Input: an octet that says who we are, then TSDUs, each after two
 * octets of length; it comes whole and in pieces, with the same result.
 */

#include <string.h>

#include "fuzz.h"
#include "session.h"

struct side {
	struct session	*s;
	uint64_t	 hash;
	int		 over;
	int		 activity;
};

static void
mix(struct side *s, uint64_t v)
{
	MUST(!s->over);
	s->hash = (s->hash ^ v) * UINT64_C(0x100000001b3);
}

static void
mix_octets(struct side *s, struct s_octets o)
{
	size_t	i;

	MUST(o.len <= S_USER_DATA_V2);
	for (i = 0; i < o.len; i++)
		mix(s, o.p[i]);
}

static void
connect_ind(void *arg, const struct s_connect *c)
{
	struct side		*s = arg;
	struct s_connect	 a;

	mix(s, 1);
	mix_octets(s, c->data);
	MUST(c->id.user_len <= S_USER_REFERENCE_MAX);
	a = *c;
	a.data.len = 0;
	a.requirements &= S_HALF_DUPLEX | S_MINOR_SYNC | S_ACTIVITY |
	    S_EXCEPTIONS;
	if (a.tokens == S_TOKENS_ACCEPTOR)
		a.tokens = S_TOKENS_RESPONDER;
	a.versions = c->versions & S_VERSION_2 ? S_VERSION_2 : S_VERSION_1;
	if (s_connect_rsp(s->s, &a) == -1)
		s_connect_refuse_rsp(s->s, &a, S_REFUSE_USER);
}

static void
connect_cnf(void *arg, int refused, const struct s_connect *c)
{
	struct side	*s = arg;

	mix(s, 2 + refused);
	mix_octets(s, c->data);
	if (refused != -1)
		s->over = 1;
}

static void
data_ind(void *arg, const uint8_t *p, size_t len, int last)
{
	struct side	*s = arg;
	size_t		 i;

	MUST(s->activity);
	for (i = 0; i < len; i++)
		mix(s, p[i]);
	if (last)
		mix(s, 3);
}

static void
token_please(void *arg, int tokens, struct s_octets o)
{
	struct side	*s = arg;

	mix(s, 4);
	mix_octets(s, o);
	s_control_give_req(s->s);
}

static void
token_give(void *arg, int tokens)
{
	mix(arg, 5 + tokens);
}

static void
control_give(void *arg)
{
	struct side		*s = arg;
	struct activity_id	 id = { 3, { 2, 1, 1 } };
	uint32_t		 serial;

	mix(s, 6);
	if (s_activity_start_req(s->s, &id) == 0) {
		s_data_req(s->s, (const uint8_t *)"data", 4, 1, 1);
		s_sync_minor_req(s->s, &serial);
	}
}

static void
minor_ind(void *arg, uint32_t serial, int explicit_cnf, struct s_octets o)
{
	struct side	*s = arg;

	mix(s, 7 + serial);
	MUST(s->activity && serial <= S_SERIAL_MAX);
	MUST(s_sync_minor_rsp(s->s, serial) == 0);
}

static void
minor_cnf(void *arg, uint32_t serial, struct s_octets o)
{
	struct side	*s = arg;

	mix(s, 8 + serial);
	s_activity_end_req(s->s, &serial);
}

static void
u_exception(void *arg, int reason, struct s_octets o)
{
	struct side	*s = arg;

	mix(s, 9 + reason);
	s_activity_interrupt_req(s->s, S_REASON_LOCAL_USER);
}

static void
p_exception(void *arg)
{
	struct side	*s = arg;

	mix(s, 10);
	s_activity_discard_req(s->s, S_REASON_UNSPECIFIED);
}

static void
start_ind(void *arg, const struct activity_id *id, struct s_octets o)
{
	struct side	*s = arg;

	mix(s, 11 + id->len);
	MUST(!s->activity && id->len <= S_ACTIVITY_ID_MAX);
	s->activity = 1;
	if (id->len == 2)
		s_u_exception_report_req(s->s, S_REASON_JEOPARDIZED,
		    (struct s_octets){ NULL, 0 });
}

static void
resume_ind(void *arg, const struct s_resume *r, struct s_octets o)
{
	struct side	*s = arg;

	mix(s, 12 + r->serial);
	MUST(!s->activity && r->serial <= S_SERIAL_MAX &&
	    r->old_activity.len <= S_ACTIVITY_ID_MAX);
	s->activity = 1;
}

static void
interrupt_ind(void *arg, int reason)
{
	struct side	*s = arg;

	mix(s, 13 + reason);
	s->activity = 0;
	MUST(s_activity_interrupt_rsp(s->s) == 0);
}

static void
discard_ind(void *arg, int reason)
{
	struct side	*s = arg;

	mix(s, 14 + reason);
	s->activity = 0;
	MUST(s_activity_discard_rsp(s->s) == 0);
}

static void
given_up(void *arg)
{
	mix(arg, 15);
}

static void
end_ind(void *arg, uint32_t serial, struct s_octets o)
{
	struct side	*s = arg;

	mix(s, 16 + serial);
	MUST(s->activity);
	s->activity = 0;
	MUST(s_activity_end_rsp(s->s) == 0);
}

static void
end_cnf(void *arg, uint32_t serial, struct s_octets o)
{
	struct side	*s = arg;

	mix(s, 17 + serial);
	s_control_give_req(s->s);
}

static void
release_ind(void *arg, struct s_octets o)
{
	struct side	*s = arg;

	mix(s, 18);
	MUST(s_release_rsp(s->s, o) == 0 || o.len > 0);
}

static void
release_cnf(void *arg, struct s_octets o)
{
	struct side	*s = arg;

	mix(s, 19);
	s->over = 1;
}

static void
u_abort(void *arg, struct s_octets o)
{
	struct side	*s = arg;

	mix(s, 20);
	mix_octets(s, o);
	s->over = 1;
}

static void
p_abort(void *arg, int local, const char *why)
{
	struct side	*s = arg;

	MUST(why != NULL && why[0] != '\0');
	mix(s, 21 + local);
	s->over = 1;
}

static const struct s_user user = {
	connect_ind, connect_cnf, data_ind, token_please, token_give,
	control_give, minor_ind, minor_cnf, u_exception, p_exception,
	start_ind, resume_ind, interrupt_ind, given_up, discard_ind, given_up,
	end_ind, end_cnf, release_ind, release_cnf, u_abort, p_abort
};

static void
t_data(void *arg, const uint8_t *p, size_t len, int last)
{
	MUST(len == 0 || p != NULL);
}

static void
t_disconnect(void *arg)
{
}

static const struct s_transport transport = { t_data, t_disconnect };

static void
run(struct side *s, int initiator, const uint8_t *p, size_t len, size_t piece)
{
	struct s_connect	c;
	size_t			n, i, k;

	memset(s, 0, sizeof(*s));
	s->s = session_new(&user, s, &transport, s, initiator);
	MUST(s->s != NULL);
	if (initiator) {
		memset(&c, 0, sizeof(c));
		c.requirements = S_HALF_DUPLEX | S_MINOR_SYNC | S_ACTIVITY |
		    S_EXCEPTIONS;
		c.versions = S_VERSION_1 | S_VERSION_2;
		MUST(s_connect_req(s->s, &c) == 0);
	}
	while (len >= 2) {
		n = (size_t)(p[0] & 0x0f) << 8 | p[1];
		p += 2;
		len -= 2;
		if (n > len)
			n = len;
		if (n == 0)
			session_t_data_ind(s->s, NULL, 0, 1);
		for (i = 0; i < n; i += k) {
			k = n - i < piece ? n - i : piece;
			session_t_data_ind(s->s, p + i, k, i + k == n);
		}
		p += n;
		len -= n;
	}
	session_free(s->s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct side	a, b;

	if (len == 0)
		return 0;
	run(&a, p[0] & 1, p + 1, len - 1, SIZE_MAX);
	run(&b, p[0] & 1, p + 1, len - 1, (p[0] >> 1) % 32 + 1);
	MUST(a.hash == b.hash && a.over == b.over);
	return 0;
}
