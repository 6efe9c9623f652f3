/* SPDX-License-Identifier: ISC */

/*
 * What spoold takes of rtsd about pings and traces, the identifiers of pings,
 * and the state of a peer over a restart.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "imsg.h"
#include "spool_fake.h"

static char	dir[64];

static int
setup(void **state)
{
	fake_setup(dir, sizeof(dir));
	return (0);
}

static int
teardown(void **state)
{
	fake_teardown(dir);
	return (0);
}

#define LIFE(fn)	assert_int_equal(fake_life(fn, dir), 0)

static struct peer *
beta(void)
{
	struct peer	*p;

	TAILQ_FOREACH(p, &sp.peers, entry)
		if (p->conf.id == BETA)
			return (p);
	CHECK(!"no beta");
	return (NULL);
}

static int
taken(uint32_t type, const void *data, size_t len)
{
	return (rtsd_imsg(type, 7, data, len) == 0);
}

/* Nobody waits for them: what is right is passed over, the rest is not. */
static void
imsgs(const char *d)
{
	struct ping_step	 ps;
	struct ping_end		 pe;
	struct trace_data	 td;
	struct call_refused	 cr;
	static uint8_t		 big[sizeof(td) + TRACE_PIECE + 1];

	life_begin(d);
	memset(&ps, 0, sizeof(ps));
	CHECK(taken(IMSG_PING_STEP, &ps, sizeof(ps)));
	CHECK(!taken(IMSG_PING_STEP, &ps, sizeof(ps) - 1));
	ps.layer = PING_LAYERS;
	CHECK(!taken(IMSG_PING_STEP, &ps, sizeof(ps)));
	ps.layer = PING_RELEASE;
	memset(ps.text, 'x', sizeof(ps.text));
	CHECK(!taken(IMSG_PING_STEP, &ps, sizeof(ps)));
	memset(&pe, 0, sizeof(pe));
	CHECK(taken(IMSG_PING_END, &pe, sizeof(pe)));
	CHECK(!taken(IMSG_PING_END, &pe, 0));
	CHECK(!taken(IMSG_PING_END, &pe, sizeof(pe) + 1));
	memset(&cr, 0, sizeof(cr));
	strlcpy(cr.address, "192.0.2.7:4711", sizeof(cr.address));
	strlcpy(cr.why, "mode", sizeof(cr.why));
	cr.peer = 4711;		/* nobody any more */
	CHECK(taken(IMSG_CALL_REFUSED, &cr, sizeof(cr)));
	cr.peer = BETA;
	CHECK(taken(IMSG_CALL_REFUSED, &cr, sizeof(cr)));
	CHECK(beta()->refused_in == 1 && beta()->last_refused != 0);
	CHECK(strcmp(beta()->refused.address, cr.address) == 0);
	CHECK(strcmp(beta()->refused.why, "mode") == 0);
	CHECK(!taken(IMSG_CALL_REFUSED, &cr, sizeof(cr) - 1));
	memset(cr.why, 'x', sizeof(cr.why));
	CHECK(!taken(IMSG_CALL_REFUSED, &cr, sizeof(cr)));
	memset(cr.why, 0, sizeof(cr.why));
	memset(cr.address, 'x', sizeof(cr.address));
	CHECK(!taken(IMSG_CALL_REFUSED, &cr, sizeof(cr)));
	CHECK(beta()->refused_in == 1);
	memset(&td, 0, sizeof(td));
	CHECK(taken(IMSG_TRACE_DATA, &td, sizeof(td)));
	CHECK(!taken(IMSG_TRACE_DATA, &td, sizeof(td) - 1));
	CHECK(taken(IMSG_TRACE_DATA, big, sizeof(big) - 1));
	CHECK(!taken(IMSG_TRACE_DATA, big, sizeof(big)));
	td.first = 1;
	CHECK(!taken(IMSG_TRACE_DATA, &td, sizeof(td)));
	td.first = 0;
	td.nsec = 1000000000;
	CHECK(!taken(IMSG_TRACE_DATA, &td, sizeof(td)));
	td.nsec = 0;
	memset(td.remote, 'x', sizeof(td.remote));
	CHECK(!taken(IMSG_TRACE_DATA, &td, sizeof(td)));
	CHECK(!taken(IMSG_PING, NULL, 0));
	CHECK(!taken(IMSG_TRACE_STOP, NULL, 0));
	CHECK(nothing_sent());
	_exit(0);
}

static void
test_imsgs(void **state)
{
	LIFE(imsgs);
}

/* No two are alike, nor like those of associations. */
static void
identifiers(const char *d)
{
	struct s_connection_id	id[64];
	uint32_t		number[64];
	int			i, k;

	life_begin(d);
	for (i = 0; i < 64; i++) {
		connection_make(beta(), &id[i]);
		number[i] = assoc_number();
		CHECK(id[i].user_len > 2 && id[i].common_len > 2);
		CHECK(!(number[i] & ASSOC_INCOMING) && number[i] != 0);
		for (k = 0; k < i; k++)
			CHECK(memcmp(&id[i], &id[k], sizeof(id[i])) != 0 &&
			    number[i] != number[k]);
	}
	_exit(0);
}

static void
test_identifiers(void **state)
{
	LIFE(identifiers);
}

static void
take_down(const char *d)
{
	life_begin(d);
	CHECK(!beta()->down && !beta()->held);
	beta()->down = beta()->put_state = 1;
	spool_dirty();
	CHECK(spool_commit() == 0);
	CHECK(!beta()->put_state);
	_exit(0);
}

/* Who calls is told to come back later. */
static void
refused(void)
{
	const struct assoc_answer	*ans;
	struct assoc_ind		 ind;

	memset(&ind, 0, sizeof(ind));
	ind.peer = BETA;
	make_conn(&ind.id, "beta", 1);
	strlcpy(ind.address, "192.0.2.7:4711", sizeof(ind.address));
	from_rtsd(IMSG_ASSOC_IND, ASSOC_INCOMING | 1, &ind, sizeof(ind));
	spool_commit();
	ans = (const void *)next(IMSG_ASSOC_ANSWER)->data;
	CHECK(!ans->accept && ans->refuse == RTS_BUSY);
}

static void
is_down(const char *d)
{
	life_begin(d);
	CHECK(beta()->down && !beta()->held);
	refused();
	CHECK(beta()->refused_in == 1);
	CHECK(strcmp(beta()->refused.why, "taken out of service") ==
	    0);
	beta()->down = 0;
	beta()->held = beta()->put_state = 1;
	spool_dirty();
	CHECK(spool_commit() == 0);
	_exit(0);
}

/* Held: it may come, and gets nothing. */
static void
is_held(const char *d)
{
	life_begin(d);
	CHECK(!beta()->down && beta()->held);
	peer_opens(ASSOC_INCOMING | 1, BETA, 1, 0,
	    DIALOGUE_MONOLOGUE);
	recv_message(ASSOC_INCOMING | 1, 1, 1, PRIORITY_NORMAL, TO_BETA, 100);
	spool_commit();
	schedule_tick();
	spool_commit();
	forget_sent();
	CHECK(queue_length() == 1);
	schedule_tick();
	spool_commit();
	CHECK(nothing_sent());
	beta()->held = 0;
	schedule_tick();
	spool_commit();
	CHECK(next(IMSG_ASSOC_OPEN) != NULL);
	_exit(0);
}

/* Taken down while it is there: it is let go when nothing is under way. */
static void
goes_down(const char *d)
{
	life_begin(d);
	beta()->held = 0;
	peer_opens(ASSOC_INCOMING | 2, BETA, 2, 0, DIALOGUE_MONOLOGUE);
	forget_sent();
	beta()->down = 1;
	schedule_tick();
	CHECK(next(IMSG_ASSOC_CLOSE)->id == (ASSOC_INCOMING | 2));
	_exit(0);
}

static void
test_states(void **state)
{
	LIFE(take_down);
	LIFE(is_down);
	LIFE(is_held);
	LIFE(goes_down);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_imsgs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_identifiers, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_states, setup, teardown),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
