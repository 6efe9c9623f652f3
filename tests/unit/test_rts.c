/* SPDX-License-Identifier: ISC */

/*
 * Two RTS machines back to back over two session machines, in memory: the
 * services of X.410 clause 4, and resumption after a cut at every TSDU.
 */

#include <sys/queue.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rts.h"

#define KB	1024

struct tsdu {
	TAILQ_ENTRY(tsdu)	 entry;
	size_t			 len;
	uint8_t			 data[];
};
TAILQ_HEAD(tsdus, tsdu);

/* What a receiver has secured: it outlives the machines. */
struct secured {
	uint8_t		 data[64 * KB];
	size_t		 len;		/* received */
	size_t		 at[64];	/* length at serial */
	uint32_t	 confirmed;
	int		 ended;		/* whole APDUs taken */
	int		 known;		/* an activity was begun */
	struct activity_id id;
};

struct side {
	struct rts	*r;
	struct side	*peer;
	struct tsdus	 to_peer;
	uint8_t		*partial;
	size_t		 partial_len;

	int		 open_ind, open_cnf, downs, kind, reason;
	int		 turn_please, turn_given, interrupts, discards;
	int		 done, failure, fail_reason, rooms;
	uint32_t	 confirmed_out;
	uint64_t	 confirmed_offset;
	struct pconnect	 pc;
	struct paccept	 pa;
	struct secured	*sec;
	int		 auto_confirm;
	uint32_t	 unconfirmed_max;
	uint32_t	 got_serial;
	uint32_t	 held[64];
	int		 nheld;
	int		 held_end;
	int		 answer;	/* -1 accept, else refuse reason */
	struct paccept	 answer_pa;
	int		 twa;
	struct s_resume	 resume;
	int		 resumes;
	int		 complete_discard;
};

static void
t_data(void *arg, const uint8_t *p, size_t len, int last)
{
	struct side *s = arg;
	struct tsdu *t;

	s->partial = realloc(s->partial, s->partial_len + len + 1);
	assert_non_null(s->partial);
	if (len > 0)
		memcpy(s->partial + s->partial_len, p, len);
	s->partial_len += len;
	if (!last)
		return;
	t = malloc(sizeof(*t) + s->partial_len);
	assert_non_null(t);
	t->len = s->partial_len;
	memcpy(t->data, s->partial, t->len);
	TAILQ_INSERT_TAIL(&s->to_peer, t, entry);
	s->partial_len = 0;
}

static void
t_disconnect(void *arg)
{
}

static const struct s_transport transport = { t_data, t_disconnect };

static void
open_ind(void *arg, const struct s_connect *c, const struct pconnect *pc)
{
	struct side *s = arg;

	s->open_ind++;
	s->pc = *pc;
	if (s->answer >= 0)
		rts_open_refuse(s->r, s->answer);
	else if (s->answer == -1)
		assert_int_equal(rts_open_rsp(s->r, &s->answer_pa,
		    pc->dialogue, TURN_INITIATOR), 0);
}

static void
open_cnf(void *arg, const struct paccept *pa)
{
	struct side *s = arg;

	s->open_cnf++;
	s->pa = *pa;
}

static void
turn_please(void *arg, int priority)
{
	struct side *s = arg;

	s->turn_please = priority + 1;
}

static void
turn_give(void *arg)
{
	struct side *s = arg;

	s->turn_given++;
}

static void
confirmed(void *arg, uint32_t serial, uint64_t offset)
{
	struct side *s = arg;

	assert_true(serial > s->confirmed_out);
	s->confirmed_out = serial;
	s->confirmed_offset = offset;
}

static void
room(void *arg)
{
	struct side *s = arg;

	s->rooms++;
}

static void
cnf(void *arg, int failure, int reason)
{
	struct side *s = arg;

	s->done++;
	s->failure = failure;
	s->fail_reason = reason;
}

static void
start_ind(void *arg, const struct activity_id *id)
{
	struct side *s = arg;

	s->sec->len = 0;
	s->sec->confirmed = 0;
	s->sec->known = 1;
	s->sec->id = *id;
	s->nheld = 0;
}

static void
resume_ind(void *arg, const struct s_resume *r)
{
	struct side *s = arg;

	s->resumes++;
	s->resume = *r;
	if (r->serial == 0) {
		s->sec->len = 0;
		return;
	}
	if (!s->sec->known || r->serial > s->sec->confirmed) {
		rts_refuse_receive(s->r, RECV_UNRECOGNIZED, "unknown");
		return;
	}
	s->sec->confirmed = r->serial;
	s->sec->len = s->sec->at[r->serial];
}

static void
data_ind(void *arg, const uint8_t *p, size_t len)
{
	struct side *s = arg;

	assert_true(s->sec->len + len <= sizeof(s->sec->data));
	memcpy(s->sec->data + s->sec->len, p, len);
	s->sec->len += len;
}

static void
confirm(struct side *s, uint32_t serial)
{
	s->sec->confirmed = serial;
	rts_checkpoint_rsp(s->r, serial);
}

static void
checkpoint_ind(void *arg, uint32_t serial)
{
	struct side *s = arg;

	s->got_serial = serial;
	s->sec->at[serial] = s->sec->len;
	if (serial - s->sec->confirmed > s->unconfirmed_max)
		s->unconfirmed_max = serial - s->sec->confirmed;
	if (s->auto_confirm)
		confirm(s, serial);
	else
		s->held[s->nheld++] = serial;
}

static void
end_ind(void *arg, uint32_t serial)
{
	struct side *s = arg;

	if (s->auto_confirm) {
		s->sec->ended++;
		s->sec->known = 0;
		assert_int_equal(rts_end_rsp(s->r), 0);
	} else
		s->held_end = 1;
}

static void
interrupt_ind(void *arg, int reason)
{
	struct side *s = arg;

	s->interrupts++;
	s->reason = reason;
	assert_int_equal(rts_interrupt_rsp(s->r), 0);
}

static void
discard_ind(void *arg, int reason)
{
	struct side *s = arg;

	s->discards++;
	rts_discard_rsp(s->r, s->complete_discard);
}

static void
rt_down(void *arg, int kind, int reason, const char *why)
{
	struct side *s = arg;

	s->downs++;
	s->kind = kind;
	s->reason = reason;
	assert_non_null(why);
}

static const struct rts_user user = {
	.rt_open_ind = open_ind, .rt_open_cnf = open_cnf,
	.rt_turn_please_ind = turn_please, .rt_turn_give_ind = turn_give,
	.rt_confirmed = confirmed, .rt_room = room, .rt_transfer_cnf = cnf,
	.rt_start_ind = start_ind, .rt_resume_ind = resume_ind,
	.rt_data_ind = data_ind, .rt_checkpoint_ind = checkpoint_ind,
	.rt_end_ind = end_ind, .rt_interrupt_ind = interrupt_ind,
	.rt_discard_ind = discard_ind, .rt_down = rt_down,
};

static struct side A, B;
static int normal_mode;

static void
fresh(struct side *s, struct side *peer, int initiator, struct secured *sec)
{
	memset(s, 0, sizeof(*s));
	s->peer = peer;
	TAILQ_INIT(&s->to_peer);
	s->sec = sec;
	s->auto_confirm = 1;
	s->answer = -1;
	s->answer_pa.checkpoint = 1;
	s->answer_pa.window = 3;
	s->answer_pa.data.has_credentials = 1;
	strcpy(s->answer_pa.data.credentials.name, "beta");
	s->r = rts_new(&user, s, &transport, s, initiator);
	assert_non_null(s->r);
}

static void
empty(struct side *s)
{
	struct tsdu *t;

	while ((t = TAILQ_FIRST(&s->to_peer)) != NULL) {
		TAILQ_REMOVE(&s->to_peer, t, entry);
		free(t);
	}
	free(s->partial);
	s->partial = NULL;
	s->partial_len = 0;
	rts_free(s->r);
	s->r = NULL;
}

/* One TSDU from s to its peer; 0 when there was none. */
static int
step(struct side *s)
{
	struct tsdu *t;
	size_t half;

	if ((t = TAILQ_FIRST(&s->to_peer)) == NULL)
		return (0);
	TAILQ_REMOVE(&s->to_peer, t, entry);
	half = t->len / 2;
	rts_input(s->peer->r, t->data, half, 0);
	rts_input(s->peer->r, t->data + half, t->len - half, 1);
	free(t);
	return (1);
}

static void
settle(void)
{
	while (step(&A) || step(&B))
		;
}

static void
conn_id(struct s_connection_id *id, const char *add)
{
	assert_int_equal(connection_id_make(id, "alpha", "261123160000Z",
	    add), 0);
}

static void
begin(struct rts_open *o, uint32_t ckpt, uint32_t window, int dialogue)
{
	memset(o, 0, sizeof(*o));
	conn_id(&o->id, "aa");
	o->pconnect.checkpoint = ckpt;
	o->pconnect.window = window;
	o->pconnect.dialogue = dialogue;
	o->pconnect.protocol = 1;
	o->pconnect.version = -1;
	o->pconnect.normal = normal_mode;
	o->pconnect.data.has_credentials = 1;
	strcpy(o->pconnect.data.credentials.name, "alpha");
	strcpy(o->pconnect.data.credentials.password, "secret");
}

static struct secured secA, secB;

static void
open_pair(uint32_t ckpt, uint32_t window, int dialogue)
{
	struct rts_open o;

	fresh(&A, &B, 1, &secA);
	fresh(&B, &A, 0, &secB);
	begin(&o, ckpt, window, dialogue);
	B.answer_pa.checkpoint = ckpt;
	B.answer_pa.window = window;
	assert_int_equal(rts_open_req(A.r, &o), 0);
	settle();
	assert_int_equal(A.open_cnf, 1);
	assert_int_equal(B.open_ind, 1);
	assert_true(rts_turn(A.r));
	assert_false(rts_turn(B.r));
}

static void
close_pair(void)
{
	empty(&A);
	empty(&B);
}

static uint8_t apdu[20 * KB];

/* Hands in as much as there is room for, in pieces that fit nothing. */
static void
pump(struct side *s, uint64_t *offset, uint64_t total)
{
	uint64_t n;

	while (*offset < total && (n = rts_data_room(s->r)) > 0) {
		if (n > 700)
			n = 700;
		assert_int_equal(rts_data_req(s->r, apdu + *offset, n), 0);
		*offset += n;
	}
}

static void
run(struct side *s, uint64_t *offset, uint64_t total)
{
	int moved;

	do {
		pump(s, offset, total);
		moved = step(&A);
		moved |= step(&B);
	} while (moved);
}

static void
transfer(struct side *s, uint32_t n, uint64_t total)
{
	struct activity_id id;
	uint64_t offset = 0;

	assert_int_equal(activity_id_make(&id, n), 0);
	assert_int_equal(rts_transfer_req(s->r, &id, NULL, 0, total, 0), 0);
	run(s, &offset, total);
	assert_int_equal(s->done, 1);
	assert_int_equal(s->failure, -1);
	s->done = 0;
	s->confirmed_out = 0;
}

static void
test_open_refused(void **state)
{
	struct rts_open o;
	int reason;

	for (reason = RTS_BUSY; reason <= RTS_UNACCEPTABLE_DIALOGUE_MODE;
	    reason++) {
		fresh(&A, &B, 1, &secA);
		fresh(&B, &A, 0, &secB);
		B.answer = reason;
		begin(&o, 1, 3, 0);
		assert_int_equal(rts_open_req(A.r, &o), 0);
		settle();
		assert_int_equal(A.downs, 1);
		assert_int_equal(A.kind, DOWN_REFUSED);
		assert_int_equal(A.reason, reason);
		assert_string_equal(B.pc.data.credentials.password, "secret");
		close_pair();
	}
}

static void
test_answer_never_more_than_offered(void **state)
{
	struct rts_open o;

	fresh(&A, &B, 1, &secA);
	fresh(&B, &A, 0, &secB);
	begin(&o, 2, 3, 0);
	B.answer_pa.checkpoint = 63;
	B.answer_pa.window = 5;
	assert_int_equal(rts_open_req(A.r, &o), 0);
	settle();
	assert_int_equal(rts_checkpoint_size(A.r), 2);
	assert_int_equal(rts_window(A.r), 3);
	close_pair();
}

static void
test_transfer_sizes(void **state)
{
	static const uint64_t sizes[] = { 1, 1023, 1024, 1025, 2048, 5000,
	    8 * KB, 8 * KB + 1 };
	static const uint32_t ckpts[] = { 0, 1, 2, 8 };
	size_t i, j;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (j = 0; j < sizeof(ckpts) / sizeof(ckpts[0]); j++) {
			memset(&secB, 0, sizeof(secB));
			open_pair(ckpts[j], 3, 0);
			transfer(&A, 1, sizes[i]);
			assert_int_equal(secB.ended, 1);
			assert_int_equal(secB.len, sizes[i]);
			assert_memory_equal(secB.data, apdu, sizes[i]);
			/* No checkpoint after the last octet. */
			if (ckpts[j] != 0)
				assert_int_equal(B.got_serial,
				    (sizes[i] - 1) / (ckpts[j] * KB));
			else
				assert_int_equal(B.got_serial, 0);
			transfer(&A, 2, sizes[i]);
			assert_int_equal(secB.ended, 2);
			close_pair();
		}
}

/* The sender stops at the window, and goes on as confirmations come. */
static void
test_window(void **state)
{
	struct activity_id id;
	uint64_t offset = 0;
	int i;

	memset(&secB, 0, sizeof(secB));
	open_pair(1, 3, 0);
	B.auto_confirm = 0;
	activity_id_make(&id, 1);
	assert_int_equal(rts_transfer_req(A.r, &id, NULL, 0, 8 * KB, 0), 0);
	run(&A, &offset, 8 * KB);
	assert_int_equal(offset, 3 * KB);
	assert_int_equal(B.nheld, 3);
	confirm(&B, B.held[0]);
	run(&A, &offset, 8 * KB);
	assert_int_equal(offset, 4 * KB);
	assert_int_equal(A.confirmed_out, 1);
	assert_int_equal(A.confirmed_offset, KB);
	for (i = 1; i < B.nheld; i++) {
		confirm(&B, B.held[i]);
		run(&A, &offset, 8 * KB);
	}
	assert_int_equal(offset, 8 * KB);
	assert_int_equal(B.held_end, 1);
	assert_int_equal(rts_end_rsp(B.r), 0);
	settle();
	assert_int_equal(A.done, 1);
	assert_int_equal(B.unconfirmed_max, 3);
	close_pair();
}

/* What is confirmed but not stored holds the sender back. */
static void
test_safe_store(void **state)
{
	struct activity_id id;
	uint64_t offset = 0;

	memset(&secB, 0, sizeof(secB));
	open_pair(1, 3, 0);
	activity_id_make(&id, 1);
	assert_int_equal(rts_transfer_req(A.r, &id, NULL, 0, 20 * KB, 1), 0);
	run(&A, &offset, 20 * KB);
	/* serial 4 is sent when 4 - 0 reaches window + 1 */
	assert_int_equal(offset, 4 * KB);
	assert_int_equal(A.confirmed_out, 4);
	rts_stored(A.r, 4);
	assert_true(A.rooms > 0);
	run(&A, &offset, 20 * KB);
	assert_int_equal(offset, 8 * KB);
	rts_stored(A.r, 9);		/* never confirmed: ignored */
	assert_int_equal(rts_data_room(A.r), 0);
	close_pair();
}

static void
test_turn(void **state)
{
	memset(&secA, 0, sizeof(secA));
	memset(&secB, 0, sizeof(secB));
	open_pair(1, 3, DIALOGUE_TWA);
	transfer(&A, 1, 3000);
	assert_int_equal(rts_turn_please_req(A.r, 0), -1);
	assert_int_equal(rts_turn_please_req(B.r, 2), 0);
	settle();
	assert_int_equal(A.turn_please, 3);
	assert_int_equal(rts_turn_give_req(A.r), 0);
	settle();
	assert_int_equal(B.turn_given, 1);
	assert_false(rts_turn(A.r));
	assert_true(rts_turn(B.r));
	assert_int_equal(rts_close_req(A.r), -1);
	transfer(&B, 1, 5000);
	assert_int_equal(secA.ended, 1);
	assert_int_equal(secA.len, 5000);
	assert_int_equal(rts_turn_give_req(B.r), 0);
	settle();
	assert_true(rts_turn(A.r));
	assert_int_equal(rts_close_req(A.r), 0);
	settle();
	assert_int_equal(A.kind, DOWN_RELEASED);
	assert_int_equal(B.kind, DOWN_RELEASED);
	close_pair();
}

static void
test_no_turn_in_monologue(void **state)
{
	open_pair(1, 3, DIALOGUE_MONOLOGUE);
	assert_int_equal(rts_turn_please_req(B.r, 1), -1);
	assert_int_equal(rts_turn_give_req(A.r), -1);
	close_pair();
}

/* Receiving ability jeopardized: interrupt once something is confirmed,
 * discard before; procedural error: discard. */
static void
test_exceptions(void **state)
{
	static const struct {
		int confirm, refusal, failure, interrupts, discards;
	} t[] = {
		{ 1, RECV_JEOPARDIZED, XFER_JEOPARDIZED, 1, 0 },
		{ 0, RECV_JEOPARDIZED, XFER_JEOPARDIZED, 0, 1 },
		{ 1, RECV_UNACCEPTABLE, XFER_REJECTED, 0, 1 },
	};
	struct activity_id id;
	uint64_t offset;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		memset(&secB, 0, sizeof(secB));
		open_pair(1, 3, 0);
		B.auto_confirm = 0;
		offset = 0;
		activity_id_make(&id, 1);
		assert_int_equal(rts_transfer_req(A.r, &id, NULL, 0, 8 * KB,
		    0), 0);
		run(&A, &offset, 8 * KB);
		if (t[i].confirm) {
			confirm(&B, 1);
			settle();
		}
		assert_int_equal(rts_refuse_receive(B.r, t[i].refusal,
		    "test"), 0);
		settle();
		assert_int_equal(A.done, 1);
		assert_int_equal(A.failure, t[i].failure);
		assert_int_equal(B.interrupts, t[i].interrupts);
		assert_int_equal(B.discards, t[i].discards);
		/* The association lives on. */
		B.auto_confirm = 1;
		A.done = 0;
		A.confirmed_out = 0;
		transfer(&A, 2, 3000);
		assert_int_equal(secB.ended, 1);
		close_pair();
	}
}

static void
reopen(int turn)
{
	struct rts_open o;
	struct s_connection_id old;

	fresh(&A, &B, 1, &secA);
	fresh(&B, &A, 0, &secB);
	begin(&o, 1, 3, 0);
	conn_id(&old, "aa");
	conn_id(&o.id, "ab");
	o.turn = turn;
	o.pconnect.data.has_credentials = 0;
	o.pconnect.data.recover = 1;
	o.pconnect.data.recovered = old;
	B.answer_pa.data.has_credentials = 0;
	B.answer_pa.data.recover = 1;
	B.answer_pa.data.recovered = old;
	assert_int_equal(rts_open_req(A.r, &o), 0);
	settle();
	assert_int_equal(A.open_cnf, 1);
	assert_true(B.pc.data.recover);
	assert_int_equal(connection_id_compare(&B.pc.data.recovered, &old),
	    0);
	assert_true(A.pa.data.recover);
}

static void
make_resume(struct s_resume *r, uint32_t serial)
{
	memset(r, 0, sizeof(*r));
	activity_id_make(&r->activity, 2);
	activity_id_make(&r->old_activity, 1);
	r->has_connection = 1;
	conn_id(&r->old_connection, "aa");
	r->serial = serial;
}

/*
 * A cut after every number of TSDUs that were carried, then recovery: the
 * APDU arrives once, and no more than (window + 1) checkpoints again.
 */
static void
test_resume_after_every_cut(void **state)
{
	struct activity_id id;
	struct s_resume r;
	uint64_t offset, total = 8 * KB, sent;
	uint32_t serial;
	int cut, moved, finished = 0, was_ended;

	for (cut = 0; !finished; cut++) {
		assert_true(cut < 200);
		memset(&secB, 0, sizeof(secB));
		open_pair(1, 3, 0);
		activity_id_make(&id, 1);
		offset = 0;
		assert_int_equal(rts_transfer_req(A.r, &id, NULL, 0, total,
		    1), 0);
		for (moved = 0; moved < cut; moved++) {
			pump(&A, &offset, total);
			rts_stored(A.r, A.confirmed_out);
			pump(&A, &offset, total);
			if (!step(&A) && !step(&B)) {
				finished = 1;
				break;
			}
		}
		if (A.done)
			finished = 1;
		sent = offset;
		serial = A.confirmed_out;
		was_ended = secB.ended;
		rts_disconnected(A.r, "cut");
		rts_disconnected(B.r, "cut");
		assert_int_equal(A.downs, 1);
		assert_int_equal(A.kind, DOWN_TRANSPORT_LOST);
		close_pair();
		if (finished) {
			assert_int_equal(secB.ended, 1);
			break;
		}
		reopen(TURN_INITIATOR);
		make_resume(&r, serial);
		if (serial == 0) {
			/* Rule 4; rule 5 when it had arrived after all. */
			B.complete_discard = was_ended;
			assert_int_equal(rts_resume_discard_req(A.r,
			    &r.activity, &r), 0);
			settle();
			assert_int_equal(A.done, 1);
			assert_int_equal(A.failure, was_ended ?
			    XFER_COMPLETED : XFER_DISCARDED);
			assert_true(sent <= 4 * KB);
		} else if (!was_ended) {
			offset = (uint64_t)serial * KB;
			assert_true(sent - offset <= 4 * KB);
			assert_int_equal(rts_transfer_req(A.r, &r.activity,
			    &r, offset, total, 0), 0);
			run(&A, &offset, total);
			assert_int_equal(B.resumes, 1);
			assert_int_equal(B.resume.serial, serial);
			assert_true(B.resume.has_connection);
			assert_int_equal(connection_id_compare(
			    &B.resume.old_connection, &r.old_connection), 0);
			assert_int_equal(A.done, 1);
			assert_int_equal(A.failure, -1);
			assert_int_equal(secB.ended, 1);
			assert_int_equal(secB.len, total);
			assert_memory_equal(secB.data, apdu, total);
		}
		close_pair();
	}
	assert_true(cut > 20);
}

static void
test_resume_unknown(void **state)
{
	struct s_resume r;

	memset(&secB, 0, sizeof(secB));
	reopen(TURN_INITIATOR);
	make_resume(&r, 3);
	assert_int_equal(rts_transfer_req(A.r, &r.activity, &r, 3 * KB,
	    8 * KB, 0), 0);
	settle();
	assert_int_equal(A.done, 1);
	assert_int_equal(A.failure, XFER_UNRECOGNIZED);
	assert_int_equal(A.kind, DOWN_ABORTED_BY_PEER);
	assert_int_equal(A.reason, RTS_ABORT_UNRECOGNIZED_ACTIVITY);
	assert_int_equal(B.kind, DOWN_ABORTED_BY_US);
	close_pair();
}

/* The CN places the tokens: a responder that was sending has the turn. */
static void
test_turn_after_recovery(void **state)
{
	reopen(TURN_RESPONDER);
	assert_false(rts_turn(A.r));
	assert_true(rts_turn(B.r));
	close_pair();
}

static void
test_abort_reasons(void **state)
{
	int reason;

	for (reason = 0; reason <= RTS_ABORT_TRANSFER_COMPLETED; reason++) {
		open_pair(1, 3, 0);
		assert_int_equal(rts_abort_req(B.r, reason, "test"), 0);
		settle();
		assert_int_equal(A.kind, DOWN_ABORTED_BY_PEER);
		assert_int_equal(A.reason, reason);
		assert_int_equal(B.downs, 1);
		close_pair();
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open_refused),
		cmocka_unit_test(test_answer_never_more_than_offered),
		cmocka_unit_test(test_transfer_sizes),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_safe_store),
		cmocka_unit_test(test_turn),
		cmocka_unit_test(test_no_turn_in_monologue),
		cmocka_unit_test(test_exceptions),
		cmocka_unit_test(test_resume_after_every_cut),
		cmocka_unit_test(test_resume_unknown),
		cmocka_unit_test(test_turn_after_recovery),
		cmocka_unit_test(test_abort_reasons),
	};
	size_t i;

	for (i = 0; i < sizeof(apdu); i++)
		apdu[i] = i * 31 + i / 251;
	if (cmocka_run_group_tests_name("X.410-1984 mode", tests, NULL,
	    NULL) != 0)
		return (1);
	normal_mode = 1;
	return (cmocka_run_group_tests_name("normal mode", tests, NULL,
	    NULL));
}
