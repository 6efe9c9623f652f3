/* SPDX-License-Identifier: ISC */

/*
 * Two session machines back to back (X.225), what they put on the wire, and
 * TSDUs by hand: every service that reliable transfer uses, and refusals.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "session.h"
#include "spdu.h"

#define UNITS	(S_HALF_DUPLEX | S_MINOR_SYNC | S_ACTIVITY | S_EXCEPTIONS)

struct side {
	struct session	*s;
	struct side	*peer;
	uint8_t		*tsdu;		/* being put together */
	size_t		 ntsdu;
	struct {
		uint8_t	*p;
		size_t	 len;
	}		 out[64];
	int		 nout;
	char		 log[1024];	/* what was indicated, in order */
	uint8_t		 user[S_USER_DATA_V2];	/* of the last one */
	size_t		 nuser;
	uint8_t		 data[4096];
	size_t		 ndata;
	int		 gone;		/* t_disconnect_req */
	struct s_connect connect;
	struct s_resume	 resume;
	struct activity_id activity;
};

static struct side	A, B;
static uint8_t		filler[S_USER_DATA_V2 + 1];

static void
note(struct side *s, const char *fmt, ...)
{
	va_list	ap;
	size_t	n = strlen(s->log);

	va_start(ap, fmt);
	vsnprintf(s->log + n, sizeof(s->log) - n, fmt, ap);
	va_end(ap);
}

static void
take(struct side *s, struct s_octets o)
{
	assert_true(o.len <= sizeof(s->user));
	if (o.len > 0)
		memcpy(s->user, o.p, o.len);
	s->nuser = o.len;
}

static void
connect_ind(void *arg, const struct s_connect *c)
{
	struct side	*s = arg;

	note(s, "connect ");
	s->connect = *c;
	take(s, c->data);
}

static void
connect_cnf(void *arg, int refused, const struct s_connect *c)
{
	struct side	*s = arg;

	note(s, refused == -1 ? "accepted " : "refused:%d ", refused);
	s->connect = *c;
	take(s, c->data);
}

static void
data_ind(void *arg, const uint8_t *p, size_t len, int last)
{
	struct side	*s = arg;

	assert_true(s->ndata + len <= sizeof(s->data));
	if (len > 0)
		memcpy(s->data + s->ndata, p, len);
	s->ndata += len;
	if (last)
		note(s, "data:%zu ", s->ndata);
}

static void
token_please(void *arg, int tokens, struct s_octets o)
{
	note(arg, "please:%x ", tokens);
	take(arg, o);
}

static void
token_give(void *arg, int tokens)
{
	note(arg, "give:%x ", tokens);
}

static void
control_give(void *arg)
{
	note(arg, "control ");
}

static void
minor_ind(void *arg, uint32_t serial, int explicit_cnf, struct s_octets o)
{
	note(arg, "minor:%u%s ", serial, explicit_cnf ? "" : "-");
}

static void
minor_cnf(void *arg, uint32_t serial, struct s_octets o)
{
	note(arg, "confirmed:%u ", serial);
}

static void
u_exception(void *arg, int reason, struct s_octets o)
{
	note(arg, "exception:%d ", reason);
}

static void
p_exception(void *arg)
{
	note(arg, "p-exception ");
}

static void
start_ind(void *arg, const struct activity_id *id, struct s_octets o)
{
	struct side	*s = arg;

	s->activity = *id;
	note(s, "start ");
}

static void
resume_ind(void *arg, const struct s_resume *r, struct s_octets o)
{
	struct side	*s = arg;

	s->resume = *r;
	note(s, "resume:%u ", r->serial);
}

static void
interrupt_ind(void *arg, int reason)
{
	note(arg, "interrupt:%d ", reason);
}

static void
interrupt_cnf(void *arg)
{
	note(arg, "interrupted ");
}

static void
discard_ind(void *arg, int reason)
{
	note(arg, "discard:%d ", reason);
}

static void
discard_cnf(void *arg)
{
	note(arg, "discarded ");
}

static void
end_ind(void *arg, uint32_t serial, struct s_octets o)
{
	note(arg, "end:%u ", serial);
}

static void
end_cnf(void *arg, uint32_t serial, struct s_octets o)
{
	note(arg, "ended:%u ", serial);
}

static void
release_ind(void *arg, struct s_octets o)
{
	note(arg, "release ");
	take(arg, o);
}

static void
release_cnf(void *arg, struct s_octets o)
{
	note(arg, "released ");
	take(arg, o);
}

static void
u_abort(void *arg, struct s_octets o)
{
	note(arg, "u-abort ");
	take(arg, o);
}

static void
p_abort(void *arg, int local, const char *why)
{
	assert_true(why != NULL && why[0] != '\0');
	note(arg, local ? "p-abort:local " : "p-abort ");
}

static const struct s_user user = {
	connect_ind, connect_cnf, data_ind, token_please, token_give,
	control_give, minor_ind, minor_cnf, u_exception, p_exception,
	start_ind, resume_ind, interrupt_ind, interrupt_cnf, discard_ind,
	discard_cnf, end_ind, end_cnf, release_ind, release_cnf, u_abort,
	p_abort
};

static void
t_data(void *arg, const uint8_t *p, size_t len, int last)
{
	struct side	*s = arg;

	s->tsdu = realloc(s->tsdu, s->ntsdu + len + 1);
	assert_non_null(s->tsdu);
	if (len > 0)
		memcpy(s->tsdu + s->ntsdu, p, len);
	s->ntsdu += len;
	if (!last)
		return;
	assert_true(s->nout < 64);
	s->out[s->nout].p = s->tsdu;
	s->out[s->nout++].len = s->ntsdu;
	s->tsdu = NULL;
	s->ntsdu = 0;
}

static void
t_disconnect(void *arg)
{
	((struct side *)arg)->gone++;
}

static const struct s_transport transport = { t_data, t_disconnect };

/* One TSDU to a machine, in pieces of n octets. */
static void
put_tsdu(struct side *to, const uint8_t *p, size_t len, size_t n)
{
	uint8_t	*piece;
	size_t	 i, k;

	if (len == 0)
		session_t_data_ind(to->s, NULL, 0, 1);
	for (i = 0; i < len; i += k) {
		k = len - i < n ? len - i : n;
		piece = malloc(k);
		assert_non_null(piece);
		memcpy(piece, p + i, k);
		session_t_data_ind(to->s, piece, k, i + k == len);
		free(piece);
	}
}

static size_t	pieces = 100000;

static void
carry(struct side *from)
{
	uint8_t	*p;
	size_t	 len;

	while (from->nout > 0) {
		p = from->out[0].p;
		len = from->out[0].len;
		from->nout--;
		memmove(from->out, from->out + 1,
		    from->nout * sizeof(from->out[0]));
		put_tsdu(from->peer, p, len, pieces);
		free(p);
	}
}

static void
settle(void)
{
	while (A.nout > 0 || B.nout > 0) {
		carry(&A);
		carry(&B);
	}
}

static void
fresh(void)
{
	memset(&A, 0, sizeof(A));
	memset(&B, 0, sizeof(B));
	A.peer = &B;
	B.peer = &A;
	A.s = session_new(&user, &A, &transport, &A, 1);
	B.s = session_new(&user, &B, &transport, &B, 0);
	assert_non_null(A.s);
	assert_non_null(B.s);
}

static void
done(void)
{
	struct side	*s;
	int		 i;

	for (s = &A; s != NULL; s = s == &A ? &B : NULL) {
		session_free(s->s);
		for (i = 0; i < s->nout; i++)
			free(s->out[i].p);
		free(s->tsdu);
	}
}

static void
expect(struct side *s, const char *log)
{
	assert_string_equal(s->log, log);
	s->log[0] = '\0';
}

static struct s_octets
octets(const void *p, size_t len)
{
	struct s_octets	o = { p, len };

	return (o);
}

static void
proposal(struct s_connect *c, int versions, size_t len)
{
	memset(c, 0, sizeof(*c));
	c->id.user_len = 3;
	memcpy(c->id.user, "\x14\x01" "a", 3);
	c->id.common_len = 5;
	memcpy(c->id.common, "\x17\x03" "now", 5);
	c->requirements = UNITS;
	c->versions = versions;
	c->tokens = S_TOKENS_INITIATOR;
	c->data = octets(filler, len);
}

static void
connect_pair(int versions, int tokens)
{
	struct s_connect	c;

	fresh();
	proposal(&c, versions, 10);
	c.tokens = tokens;
	assert_int_equal(s_connect_req(A.s, &c), 0);
	carry(&A);
	expect(&B, "connect ");
	assert_int_equal(B.nuser, 10);
	assert_int_equal(B.connect.requirements & UNITS, UNITS);
	assert_int_equal(B.connect.id.user_len, 3);
	c.versions = versions & S_VERSION_2 ? S_VERSION_2 : S_VERSION_1;
	if (c.tokens == S_TOKENS_ACCEPTOR)
		c.tokens = S_TOKENS_RESPONDER;
	c.data = octets(filler, 7);
	assert_int_equal(s_connect_rsp(B.s, &c), 0);
	carry(&B);
	expect(&A, "accepted ");
	assert_int_equal(A.nuser, 7);
}

static const int	all = S_TOKEN_DATA | S_TOKEN_MINOR | S_TOKEN_MAJOR;

static void
test_connect(void **state)
{
	connect_pair(S_VERSION_1 | S_VERSION_2, S_TOKENS_INITIATOR);
	assert_int_equal(session_version(A.s), 2);
	assert_int_equal(session_version(B.s), 2);
	assert_true(session_owns(A.s, all));
	assert_false(session_owns(B.s, all));
	done();
	connect_pair(S_VERSION_1, S_TOKENS_RESPONDER);
	assert_int_equal(session_version(A.s), 1);
	assert_int_equal(session_user_data_max(A.s), S_USER_DATA_V1);
	assert_false(session_owns(A.s, all));
	assert_true(session_owns(B.s, all));
	done();
	connect_pair(S_VERSION_2, S_TOKENS_ACCEPTOR);
	assert_true(session_owns(B.s, all));
	done();
}

/* Data of more than 512 octets need version 2 (PI 194). */
static void
test_user_data(void **state)
{
	static const size_t	sizes[] = { 0, 1, 511, 512, 513, 10240 };
	struct s_connect	c;
	size_t			i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		fresh();
		proposal(&c, S_VERSION_1 | S_VERSION_2, sizes[i]);
		assert_int_equal(s_connect_req(A.s, &c), 0);
		assert_int_equal(A.nout, 1);
		carry(&A);
		expect(&B, "connect ");
		assert_int_equal(B.nuser, sizes[i]);
		assert_memory_equal(B.user, filler, sizes[i]);
		done();
	}
	fresh();
	proposal(&c, S_VERSION_1 | S_VERSION_2, S_USER_DATA_V2 + 1);
	assert_int_equal(s_connect_req(A.s, &c), -1);
	assert_int_equal(A.nout, 0);
	done();
}

static void
test_refuse(void **state)
{
	static const int	reasons[] = { S_REFUSE_USER,
	    S_REFUSE_CONGESTION, S_REFUSE_SELECTOR, S_REFUSE_VERSION };
	struct s_connect	c;
	char			want[32];
	size_t			i;

	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		fresh();
		proposal(&c, S_VERSION_1 | S_VERSION_2, 3);
		assert_int_equal(s_connect_req(A.s, &c), 0);
		carry(&A);
		c.data = octets(filler, 5);
		assert_int_equal(s_connect_refuse_rsp(B.s, &c, reasons[i]), 0);
		carry(&B);
		snprintf(want, sizeof(want), "refused:%d ", reasons[i]);
		expect(&A, want);
		assert_int_equal(A.nuser, reasons[i] == S_REFUSE_USER ? 5 : 0);
		assert_int_equal(s_release_req(A.s, octets(NULL, 0)), -1);
		done();
	}
}

static void
begin(struct activity_id *id)
{
	memset(id, 0, sizeof(*id));
	id->len = 3;
	memcpy(id->octets, "\x02\x01\x07", 3);
	assert_int_equal(s_activity_start_req(A.s, id), 0);
}

static void
test_activity(void **state)
{
	struct activity_id	id;
	uint32_t		serial;

	for (pieces = 1; pieces < 100000; pieces *= 17) {
		connect_pair(S_VERSION_1 | S_VERSION_2, S_TOKENS_INITIATOR);
		begin(&id);
		assert_int_equal(s_data_req(A.s, filler, 100, 1, 0), 0);
		assert_int_equal(s_data_req(A.s, filler, 50, 0, 1), 0);
		assert_int_equal(s_sync_minor_req(A.s, &serial), 0);
		assert_int_equal(serial, 1);
		assert_int_equal(s_data_req(A.s, filler, 20, 1, 1), 0);
		assert_int_equal(s_sync_minor_req(A.s, &serial), 0);
		assert_int_equal(serial, 2);
		carry(&A);
		expect(&B, "start data:150 minor:1 data:170 minor:2 ");
		assert_memory_equal(&B.activity, &id, sizeof(id));
		/* one confirmation for both (X.225 7.17) */
		assert_int_equal(s_sync_minor_rsp(B.s, 2), 0);
		assert_int_equal(s_sync_minor_rsp(B.s, 1), -1);
		carry(&B);
		expect(&A, "confirmed:2 ");
		assert_int_equal(s_data_req(A.s, filler, 1, 1, 1), 0);
		assert_int_equal(s_activity_end_req(A.s, &serial), 0);
		assert_int_equal(serial, 3);
		assert_int_equal(s_data_req(A.s, filler, 1, 1, 1), -1);
		carry(&A);
		expect(&B, "data:171 end:3 ");
		assert_int_equal(s_activity_end_rsp(B.s), 0);
		carry(&B);
		expect(&A, "ended:3 ");
		/* and the next begins with 1 again */
		begin(&id);
		assert_int_equal(s_sync_minor_req(A.s, &serial), 0);
		assert_int_equal(serial, 1);
		done();
	}
	pieces = 100000;
}

static void
test_resume(void **state)
{
	struct s_resume	r;
	uint32_t	serial;

	connect_pair(S_VERSION_1, S_TOKENS_INITIATOR);
	memset(&r, 0, sizeof(r));
	r.activity.len = r.old_activity.len = 3;
	memcpy(r.activity.octets, "\x02\x01\x09", 3);
	memcpy(r.old_activity.octets, "\x02\x01\x08", 3);
	r.has_connection = 1;
	r.old_connection.user_len = 3;
	memcpy(r.old_connection.user, "\x14\x01z", 3);
	r.old_connection.common_len = 4;
	memcpy(r.old_connection.common, "\x17\x02ts", 4);
	r.old_connection.additional_len = 4;
	memcpy(r.old_connection.additional, "\x14\x02zz", 4);
	r.serial = 41;
	assert_int_equal(s_activity_resume_req(A.s, &r), 0);
	assert_int_equal(s_sync_minor_req(A.s, &serial), 0);
	assert_int_equal(serial, 42);
	carry(&A);
	expect(&B, "resume:41 minor:42 ");
	assert_true(B.resume.has_connection);
	assert_int_equal(B.resume.old_connection.additional_len, 4);
	assert_memory_equal(B.resume.old_connection.user, "\x14\x01z", 3);
	assert_memory_equal(B.resume.old_activity.octets, "\x02\x01\x08", 3);
	assert_memory_equal(B.resume.activity.octets, "\x02\x01\x09", 3);
	done();
}

static void
test_give_up(void **state)
{
	struct activity_id	id;
	int			reason;

	for (reason = 0; reason < 7; reason++) {
		if (reason == 2 || reason == 4)
			continue;
		connect_pair(S_VERSION_2, S_TOKENS_INITIATOR);
		begin(&id);
		assert_int_equal(s_data_req(A.s, filler, 5, 1, 0), 0);
		/* also in the middle of an SSDU */
		assert_int_equal(s_activity_interrupt_req(A.s, reason), 0);
		settle();
		assert_non_null(strstr(B.log, "interrupt:"));
		assert_int_equal(s_activity_interrupt_rsp(B.s), 0);
		settle();
		expect(&A, "interrupted ");
		B.log[0] = '\0';
		begin(&id);
		assert_int_equal(s_activity_discard_req(A.s, reason), 0);
		settle();
		assert_non_null(strstr(B.log, "start discard:"));
		assert_int_equal(s_activity_discard_rsp(B.s), 0);
		settle();
		expect(&A, "discarded ");
		done();
	}
}

static void
test_exception(void **state)
{
	struct activity_id	id;

	connect_pair(S_VERSION_2, S_TOKENS_INITIATOR);
	begin(&id);
	settle();
	assert_int_equal(s_u_exception_report_req(A.s, 1, octets(NULL, 0)),
	    -1);
	assert_int_equal(s_u_exception_report_req(B.s, S_REASON_JEOPARDIZED,
	    octets(NULL, 0)), 0);
	/* what crosses it is not told any more */
	assert_int_equal(s_data_req(A.s, filler, 9, 1, 1), 0);
	B.log[0] = '\0';
	carry(&A);
	expect(&B, "");
	settle();
	expect(&A, "exception:1 ");
	assert_int_equal(s_activity_interrupt_req(A.s, 0), 0);
	settle();
	expect(&B, "interrupt:0 ");
	assert_int_equal(s_activity_interrupt_rsp(B.s), 0);
	settle();
	begin(&id);
	settle();
	expect(&B, "start ");
	done();
}

static void
test_tokens(void **state)
{
	struct activity_id	id;

	connect_pair(S_VERSION_1 | S_VERSION_2, S_TOKENS_INITIATOR);
	assert_int_equal(s_token_please_req(A.s, S_TOKEN_DATA,
	    octets(NULL, 0)), -1);
	assert_int_equal(s_token_please_req(B.s, S_TOKEN_DATA,
	    octets("\x02\x01\x02", 3)), 0);
	assert_int_equal(B.nout, 1);	/* in a TSDU of its own */
	assert_int_equal(B.out[0].p[0], SI_PT);
	settle();
	expect(&A, "please:1 ");
	assert_int_equal(A.nuser, 3);
	assert_int_equal(s_control_give_req(B.s), -1);
	assert_int_equal(s_control_give_req(A.s), 0);
	settle();
	expect(&B, "control ");
	assert_true(session_owns(B.s, all));
	assert_false(session_owns(A.s, all));
	memset(&id, 0, sizeof(id));
	id.len = 1;
	assert_int_equal(s_activity_start_req(A.s, &id), -1);
	assert_int_equal(s_activity_start_req(B.s, &id), 0);
	settle();
	expect(&A, "start ");
	/* not within an activity */
	assert_int_equal(s_control_give_req(B.s), -1);
	done();
}

static void
test_release(void **state)
{
	connect_pair(S_VERSION_2, S_TOKENS_INITIATOR);
	assert_int_equal(s_release_req(B.s, octets(NULL, 0)), -1);
	assert_int_equal(s_release_req(A.s, octets(filler, 4)), 0);
	settle();
	expect(&B, "release ");
	assert_int_equal(B.nuser, 4);
	assert_int_equal(s_release_rsp(B.s, octets(filler, 2)), 0);
	settle();
	expect(&A, "released ");
	assert_int_equal(A.nuser, 2);
	assert_int_equal(s_release_req(A.s, octets(NULL, 0)), -1);
	done();
}

static void
test_abort(void **state)
{
	struct activity_id	id;
	int			k;

	for (k = 0; k < 2; k++) {
		connect_pair(k ? S_VERSION_2 : S_VERSION_1,
		    S_TOKENS_INITIATOR);
		begin(&id);
		assert_int_equal(s_u_abort_req(A.s, octets("\x31\x03\x80\x01"
		    "\x03", 5)), 0);
		settle();
		expect(&B, "start u-abort ");
		assert_int_equal(B.nuser, 5);
		expect(&A, "");
		assert_true(A.gone == 1);	/* after the AA */
		done();
	}
	connect_pair(S_VERSION_1, S_TOKENS_INITIATOR);
	session_t_disconnect_ind(A.s, "gone");
	expect(&A, "p-abort ");
	session_t_disconnect_ind(A.s, "gone");
	expect(&A, "");
	done();
}

/* Both abort at once: each answers, neither is told of the other. */
static void
test_abort_collision(void **state)
{
	connect_pair(S_VERSION_2, S_TOKENS_INITIATOR);
	assert_int_equal(s_u_abort_req(A.s, octets(NULL, 0)), 0);
	assert_int_equal(s_u_abort_req(B.s, octets(NULL, 0)), 0);
	assert_int_equal(s_u_abort_req(B.s, octets(NULL, 0)), -1);
	carry(&A);
	assert_int_equal(B.nout, 2);
	assert_int_equal(B.out[1].p[0], SI_AA);
	assert_int_equal(B.gone, 1);
	settle();
	assert_int_equal(A.gone, 1);
	assert_int_equal(B.gone, 1);
	expect(&A, "");
	expect(&B, "");
	done();
}

/* An SSDU that is not finished is not cut short but by what voids it. */
static void
test_within_ssdu(void **state)
{
	struct activity_id	id;
	uint32_t		serial = 77;

	connect_pair(S_VERSION_2, S_TOKENS_INITIATOR);
	begin(&id);
	assert_int_equal(s_data_req(A.s, filler, 5, 1, 0), 0);
	assert_int_equal(s_data_req(A.s, filler, 5, 1, 0), -1);
	assert_int_equal(s_sync_minor_req(A.s, &serial), -1);
	assert_int_equal(s_activity_end_req(A.s, &serial), -1);
	assert_int_equal(s_token_give_req(A.s, S_TOKEN_DATA), -1);
	assert_int_equal(serial, 77);
	assert_int_equal(s_data_req(A.s, filler, 5, 0, 1), 0);
	assert_int_equal(s_data_req(A.s, filler, 5, 0, 1), -1);
	assert_int_equal(s_sync_minor_req(A.s, &serial), 0);
	settle();
	expect(&B, "start data:10 minor:1 ");
	done();
}

/* Any number may be outstanding; each is confirmed once, in order. */
static void
test_window(void **state)
{
	static const struct {
		const char	*what, *log;
		uint8_t		 serial;
	} t[] = {
		{ "the one before", "p-abort:local ", '1' },
		{ "the same again", "p-abort:local ", '2' },
		{ "the next", "confirmed:3 ", '3' },
		{ "the last", "confirmed:4 ", '4' },
		{ "one not sent", "p-abort:local ", '5' },
	};
	struct activity_id	id;
	uint32_t		serial;
	uint8_t			mia[] = { 2, 0, SI_MIA, 3, 42, 1, 0 };
	size_t			i, k;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		connect_pair(S_VERSION_1, S_TOKENS_INITIATOR);
		begin(&id);
		for (k = 0; k < 4; k++)
			assert_int_equal(s_sync_minor_req(A.s, &serial), 0);
		carry(&A);
		assert_int_equal(s_sync_minor_rsp(B.s, 5), -1);
		assert_int_equal(s_sync_minor_rsp(B.s, 0), -1);
		assert_int_equal(s_sync_minor_rsp(B.s, 1), 0);
		assert_int_equal(s_sync_minor_rsp(B.s, 2), 0);
		carry(&B);
		expect(&A, "confirmed:1 confirmed:2 ");
		mia[6] = t[i].serial;
		put_tsdu(&A, mia, sizeof(mia), 100);
		if (strcmp(A.log, t[i].log) != 0)
			fail_msg("%s: \"%s\"", t[i].what, A.log);
		done();
	}
}

/* The AB reflects the SPDU at fault, nothing of the one before it. */
static void
test_reflect(void **state)
{
	static const struct {
		uint8_t	p[16];
		size_t	len;
		uint8_t	ab[16];
		size_t	ab_len;
	} t[] = {
		/* MIP 2 where 1 is due: whole */
		{ { 1, 0, 45, 3, 41, 1, 7, 49, 3, 42, 1, '2' }, 12,
		    { 25, 10, 17, 1, 5, 49, 5, 49, 3, 42, 1, '2' }, 12 },
		/* SI and no LI: nothing to show, not the AS */
		{ { 1, 0, 45, 3, 41, 1, 7, 49 }, 8,
		    { 25, 3, 17, 1, 5 }, 5 },
		/* the octets of a cut parameter that have come */
		{ { 1, 0, 45, 3, 41, 1, 7, 49, 3, 42 }, 10,
		    { 25, 8, 17, 1, 5, 49, 3, 49, 3, 42 }, 10 },
	};
	size_t	i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		for (pieces = 1; pieces <= 100; pieces += 99) {
			connect_pair(S_VERSION_1, S_TOKENS_INITIATOR);
			put_tsdu(&B, t[i].p, t[i].len, pieces);
			expect(&B, "start p-abort:local ");
			assert_int_equal(B.nout, 1);
			assert_int_equal(B.out[0].len, t[i].ab_len);
			assert_memory_equal(B.out[0].p, t[i].ab, t[i].ab_len);
			done();
		}
	pieces = 100000;
}

/* Category 2 comes after GT, after PT, several in one TSDU (extended). */
static void
test_concatenation(void **state)
{
	static const uint8_t	with_pt[] = { 2, 0, 45, 5, 41, 3, 2, 1, 7 };
	static const uint8_t	extended[] = { 1, 0, 45, 5, 41, 3, 2, 1, 7,
	    49, 3, 42, 1, '1', 49, 3, 42, 1, '2' };
	static const uint8_t	enclosed[] = { 1, 0, 1, 3, 25, 1, 1, 'a' };
	static const uint8_t	ending[] = { 1, 0, 1, 3, 25, 1, 2, 'b', 'c' };

	for (pieces = 1; pieces < 100; pieces += 30) {
		connect_pair(S_VERSION_2, S_TOKENS_INITIATOR);
		put_tsdu(&B, with_pt, sizeof(with_pt), pieces);
		expect(&B, "start ");
		done();
		/* without either, where there is no doubt: borne */
		connect_pair(S_VERSION_2, S_TOKENS_INITIATOR);
		put_tsdu(&B, with_pt + 2, sizeof(with_pt) - 2, pieces);
		expect(&B, "start ");
		done();
		connect_pair(S_VERSION_2, S_TOKENS_INITIATOR);
		put_tsdu(&B, extended, sizeof(extended), pieces);
		expect(&B, "start minor:1 minor:2 ");
		/* an SSDU over two TSDUs, by enclosure items */
		put_tsdu(&B, enclosed, sizeof(enclosed), pieces);
		expect(&B, "");
		put_tsdu(&B, ending, sizeof(ending), pieces);
		expect(&B, "data:3 ");
		assert_memory_equal(B.data, "abc", 3);
		done();
	}
	pieces = 100000;
}

static const struct bad {
	const char	*what;
	uint8_t		 p[40];
	size_t		 len;
} bads[] = {
	{ "MIP without activity", { 1, 0, 49, 3, 42, 1, '1' }, 7 },
	{ "AE without activity", { 1, 0, 41, 3, 42, 1, '1' }, 7 },
	{ "MIA of nothing", { 2, 0, 50, 3, 42, 1, '1' }, 7 },
	{ "AEA of nothing", { 2, 0, 42, 3, 42, 1, '1' }, 7 },
	{ "AIA of nothing", { 1, 0, 26, 0 }, 4 },
	{ "GTA of nothing", { 22, 0 }, 2 },
	{ "DN of nothing", { 10, 0 }, 2 },
	{ "CN again", { 13, 0 }, 2 },
	{ "AC from the other side", { 14, 0 }, 2 },
	{ "AS without identifier", { 1, 0, 45, 0 }, 4 },
	{ "AR without linking", { 1, 0, 29, 5, 41, 3, 2, 1, 7 }, 9 },
	{ "unknown SPDU", { 99, 0 }, 2 },
	{ "major sync", { 1, 0, 41, 6, 15, 1, 1, 42, 1, '1' }, 10 },
	{ "FN with more behind it", { 9, 0, 1, 0 }, 4 },
	{ "TSDU ends in a header", { 1 }, 1 },
	{ "TSDU ends in an SPDU", { 1, 0, 45, 5, 41 }, 5 },
	{ "serial of seven digits", { 1, 0, 45, 5, 41, 3, 2, 1, 7, 49, 9, 42,
	    7, '0', '0', '0', '0', '0', '0', '1' }, 20 },
	{ "serial out of order", { 1, 0, 45, 5, 41, 3, 2, 1, 7, 49, 3, 42, 1,
	    '2' }, 14 },
	{ "data without activity", { 1, 0, 1, 0, 'x' }, 5 },
	{ "empty TSDU", { 0 }, 0 },
};

static void
test_errors(void **state)
{
	size_t	i;

	for (i = 0; i < sizeof(bads) / sizeof(bads[0]); i++)
		for (pieces = 1; pieces <= 100; pieces += 99) {
			connect_pair(S_VERSION_1 | S_VERSION_2,
			    S_TOKENS_INITIATOR);
			put_tsdu(&B, bads[i].p, bads[i].len, pieces);
			if (bads[i].len == 0) {
				/* legal in RFC 1006, and says nothing */
				expect(&B, "");
				done();
				continue;
			}
			if (strstr(B.log, "p-abort:local ") == NULL)
				fail_msg("%s: \"%s\"", bads[i].what, B.log);
			/* the peer is told, and that it was protocol */
			assert_int_equal(B.nout, 1);
			assert_int_equal(B.out[0].p[0], SI_AB);
			settle();
			assert_non_null(strstr(A.log, "p-abort "));
			/* nothing is indicated any more */
			B.log[0] = '\0';
			put_tsdu(&B, (const uint8_t *)"\x01\x00\x2d\x05\x29"
			    "\x03\x02\x01\x07", 9, 100);
			expect(&B, "");
			done();
		}
	pieces = 100000;
}

/* An initiator that does not begin with a CN gets no answer to that. */
static void
test_first(void **state)
{
	static const uint8_t	si[] = { SI_AB, SI_AA, SI_AC, SI_FN, SI_GTC };
	uint8_t			spdu[2] = { 0, 0 };
	size_t			i;

	for (i = 0; i < sizeof(si); i++) {
		fresh();
		spdu[0] = si[i];
		put_tsdu(&B, spdu, sizeof(spdu), 100);
		expect(&B, "p-abort:local ");
		assert_int_equal(B.gone, 1);
		assert_int_equal(B.nout, 0);
		done();
	}
	fresh();
	put_tsdu(&B, (const uint8_t *)"\x01\x00\x2d\x00", 4, 100);
	assert_true(B.gone > 0 || B.nout > 0);
	assert_null(strstr(B.log, "start"));
	done();
	fresh();
	/* no functional units that are ours: it is told so, not dropped */
	put_tsdu(&B, (const uint8_t *)"\x0d\x04\x14\x02\x00\x02", 6, 100);
	assert_true(strstr(B.log, "connect") != NULL || B.nout > 0);
	done();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connect),
		cmocka_unit_test(test_user_data),
		cmocka_unit_test(test_refuse),
		cmocka_unit_test(test_activity),
		cmocka_unit_test(test_resume),
		cmocka_unit_test(test_give_up),
		cmocka_unit_test(test_exception),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_release),
		cmocka_unit_test(test_abort),
		cmocka_unit_test(test_abort_collision),
		cmocka_unit_test(test_within_ssdu),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_reflect),
		cmocka_unit_test(test_concatenation),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_first),
	};
	size_t	i;

	for (i = 0; i < sizeof(filler); i++)
		filler[i] = i * 11 + i / 256;
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
