/* SPDX-License-Identifier: ISC */

/*
 * Route lookup: which prefix wins, patterns, the ADMD of one blank, complete
 * domains, the order of the peers, and what it costs with many routes.
 */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "../../common/oraddr.h"
#include "../../spoold/route.h"
#include "spool_fake.h"

static struct peer	peers[8];
static struct target	targets[8];

static int
setup(void **state)
{
	int	i;

	memset(&sp, 0, sizeof(sp));
	TAILQ_INIT(&sp.targets);
	TAILQ_INIT(&sp.peers);
	memset(peers, 0, sizeof(peers));
	memset(targets, 0, sizeof(targets));
	for (i = 0; i < 8; i++) {
		targets[i].number = i + 1;
		targets[i].kind = TARGET_PEER;
		targets[i].peer = &peers[i];
		peers[i].target = &targets[i];
		TAILQ_INSERT_TAIL(&sp.targets, &targets[i], entry);
	}
	route_seed(0);
	route_begin();
	return (0);
}

static int
teardown(void **state)
{
	route_begin();
	route_end();
	route_begin();
	return (0);
}

/* A route by one peer, by its number; 0: a complete domain. */
static struct route *
add(const char *prefix, int peer)
{
	struct or_address	 or;
	struct message		*m;
	struct route		*r;
	const char		*why;
	char			 text[OR_TEXT_MAX];
	size_t			 where;

	/* as mtad passes it on */
	assert_non_null(m = message_new());
	assert_int_equal(or_prefix_parse(m, &or, prefix, &where, &why), 0);
	or_address_print(&or, text, sizeof(text), 0);
	message_free(m);
	r = route_add(text, peer == 0, &why);
	if (r == NULL)
		fail_msg("%s: %s", prefix, why);
	if (peer > 0)
		route_add_hop(r, &targets[peer - 1], 0, 1);
	return (r);
}

static int
lookup(const char *text, struct route_choice *c)
{
	struct or_address	 or;
	struct message		*m;
	const char		*why;
	size_t			 where;
	int			 r;

	assert_non_null(m = message_new());
	assert_int_equal(or_address_parse(m, &or, text, &where, &why), 0);
	r = route_lookup(&or, c);
	message_free(m);
	return (r);
}

/* The number of the first peer, 0 unknown, -1 no route. */
static int
goes(const char *text)
{
	struct route_choice	c;

	switch (lookup(text, &c)) {
	case ROUTE_NONE:
		return (-1);
	case ROUTE_UNKNOWN:
		return (0);
	}
	assert_true(c.nhop >= 1);
	return (c.hop[0].target->number);
}

#define BETA_	"/C=FR/ADMD=ATLAS/PRMD=BETA"

static void
test_longest(void **state)
{
	add("/C=FR", 1);
	add(BETA_, 2);
	add(BETA_ "/O=Far", 3);
	add(BETA_ "/O=Far/OU1=a/OU2=b/OU3=c/OU4=d", 4);
	add(BETA_ "/O=Far/S=Loup", 5);
	add("/C=FR/O=Gap", 6);
	add("/ADMD= ", 7);
	route_end();
	assert_int_equal(goes("/C=FR/ADMD=X/S=a"), 1);
	assert_int_equal(goes(BETA_ "/S=a"), 2);
	assert_int_equal(goes(BETA_ "/O=Far/S=a"), 3);
	assert_int_equal(goes(BETA_ "/O=Far/OU1=a/OU2=b/OU3=c/OU4=x"), 3);
	assert_int_equal(goes(BETA_ "/O=Far/OU1=a/OU2=b/OU3=c/OU4=d"), 4);
	assert_int_equal(goes(BETA_ "/O=Far/S=Loup/G=Le"), 5);
	/* two attributes are less than three, whichever they are */
	assert_int_equal(goes(BETA_ "/O=Gap"), 2);
	assert_int_equal(goes("/C=FR/ADMD=X/PRMD=Y/O=Gap/S=a"), 6);
	/* of X.402 18: neither case nor blanks count */
	assert_int_equal(goes("/c=fr/admd= atlas /prmd=beta/o=FAR"), 3);
	assert_int_equal(goes("/C=US/ADMD=X/S=a"), 7);
}

static void
test_order(void **state)
{
	add("/C=FR/O=first", 1);
	add("/C=FR/PRMD=second", 2);
	route_end();
	assert_int_equal(goes("/C=FR/PRMD=second/O=first"), 1);
	assert_int_equal(goes("/C=FR/PRMD=second/O=other"), 2);
	assert_int_equal(goes("/C=DE/O=first"), -1);
}

static void
test_blank_admd(void **state)
{
	add("/C=US/PRMD=EXAMPLE", 1);
	add("/C=US/ADMD=MCI", 2);
	add("/C=DE/ADMD= /PRMD=P", 3);
	add("/C=FR/ADMD=ATLAS/PRMD=P", 4);
	route_end();
	/* no ADMD, or one blank: any */
	assert_int_equal(goes("/C=US/ADMD=ANY/PRMD=EXAMPLE"), 1);
	assert_int_equal(goes("/C=US/ADMD= /PRMD=EXAMPLE"), 1);
	assert_int_equal(goes("/C=US/PRMD=EXAMPLE"), 1);
	assert_int_equal(goes("/C=DE/PRMD=P"), 3);
	assert_int_equal(goes("/C=DE/ADMD=DBP/PRMD=P"), 3);
	/* but what leaves it open is not in a certain one */
	assert_int_equal(goes("/C=FR/ADMD= /PRMD=P"), -1);
	assert_int_equal(goes("/C=FR/PRMD=P"), -1);
	assert_int_equal(goes("/C=US/ADMD=MCI/PRMD=Q"), 2);
}

static void
test_patterns(void **state)
{
	add("/C=XX/ADMD=ICAO/PRMD=UK", 1);
	add("/C=XX/ADMD=ICAO/PRMD=UK/CN=EG*", 2);
	add("/C=XX/ADMD=ICAO/PRMD=UK/CN=EGLLZTZX", 3);
	add("/C=XX/ADMD=ICAO/PRMD=UK/CN=LF??ZTZX", 4);
	add("C=XX; A=ICAO; P=UK; DDA:RFC-822=*(a)example.com", 5);
	add("/C=XX/ADMD=ICAO/PRMD=UK/DD.FAX=49*", 6);
	add("/C=XX/ADMD=ICAO/PRMD=UK/CN=EG*/DD.FAX=49*", 7);
	add("/C=XX/ADMD=ICAO/PRMD=UK/CN=M\303\274nchen*", 8);
	route_end();
#define UK	"/C=XX/ADMD=ICAO/PRMD=UK"
	assert_int_equal(goes(UK "/CN=EDDFZTZX"), 1);
	assert_int_equal(goes(UK "/CN=EGKKZTZX"), 2);
	assert_int_equal(goes(UK "/CN=egkk"), 2);
	assert_int_equal(goes(UK "/CN=EG"), 2);
	assert_int_equal(goes(UK "/CN=E"), 1);
	/* the exact one before the pattern */
	assert_int_equal(goes(UK "/CN=EGLLZTZX"), 3);
	assert_int_equal(goes(UK "/CN=EGLLZTZXX"), 2);
	assert_int_equal(goes(UK "/CN=LFPGZTZX"), 4);
	assert_int_equal(goes(UK "/CN=LFPZTZX"), 1);
	assert_int_equal(goes(UK "/CN=LFPGGZTZX"), 1);
	assert_int_equal(goes(UK "/DD.RFC-822=jo(a)example.com"), 5);
	assert_int_equal(goes(UK "/DD.RFC-822=jo(a)example.org"), 1);
	assert_int_equal(goes(UK "/DD.FAX=4930"), 6);
	assert_int_equal(goes(UK "/DD.TEL=4930"), 1);
	assert_int_equal(goes(UK "/CN=EGKK/DD.FAX=4930"), 7);
	/* of the teletex form too */
	assert_int_equal(goes(UK "/CN=EGx*EGy"), 2);
	assert_int_equal(goes(UK "/CN=M\303\274nchen Tower"), 8);
	assert_int_equal(goes(UK "/CN=Muenchen Tower*M{200}unchen Tower"), 8);
	assert_int_equal(goes(UK "/CN=Muenchen Tower"), 1);
	/* and a star elsewhere is what it always was: the teletex form */
	assert_int_equal(goes("/C=XX/ADMD=ICAO/PRMD=UK/O=a*b"), 1);
}

/* "*a*b" needs going back, and does so in a bounded time. */
static void
test_pattern_backtracks(void **state)
{
	char	text[160] = UK "/CN=";

	add(UK "/CN=*a*b", 1);
	add(UK "/CN=?*x*?y", 2);
	route_end();
	assert_int_equal(goes(UK "/CN=ab"), 1);
	assert_int_equal(goes(UK "/CN=xaxab"), 1);
	assert_int_equal(goes(UK "/CN=ba"), -1);
	assert_int_equal(goes(UK "/CN=1xx2y"), 2);
	assert_int_equal(goes(UK "/CN=xy"), -1);
	memset(text + strlen(text), 'a', 64);
	assert_int_equal(goes(text), -1);
}

static void
test_complete(void **state)
{
	add("/C=GB", 1);
	add("/C=GB/ADMD=GOLD 400/PRMD=ALPHA", 0);
	add("/C=GB/ADMD=GOLD 400/PRMD=ALPHA/O=Here", 2);
	add("/C=GB/ADMD=GOLD 400/PRMD=ALPHA/CN=P*", 3);
	route_end();
#define ALPHA	"/C=GB/ADMD=GOLD 400/PRMD=ALPHA"
	assert_int_equal(goes(ALPHA "/O=Here/S=a"), 2);
	assert_int_equal(goes(ALPHA "/O=There/S=a"), 0);
	assert_int_equal(goes(ALPHA "/S=a"), 0);
	assert_int_equal(goes(ALPHA "/CN=Post"), 3);
	assert_int_equal(goes("/C=GB/ADMD=GOLD 400/PRMD=OTHER/S=a"), 1);
	assert_int_equal(goes("/C=FR/ADMD=X/S=a"), -1);
}

static void
test_cost(void **state)
{
	struct route_choice	 c;
	struct route		*r;
	int			 i;

	r = add("/C=FR", -1);
	route_add_hop(r, &targets[0], 10, 1);
	route_add_hop(r, &targets[1], 5, 1);
	route_add_hop(r, &targets[2], 20, 3);
	route_end();
	assert_int_equal(targets[0].alternates, 1);
	assert_int_equal(targets[3].alternates, 0);
	for (i = 0; i < 20; i++) {
		assert_int_equal(lookup("/C=FR/ADMD=X", &c), ROUTE_FOUND);
		assert_int_equal(c.nhop, 3);
		assert_ptr_equal(c.hop[0].target, &targets[1]);
		assert_ptr_equal(c.hop[1].target, &targets[0]);
		assert_ptr_equal(c.hop[2].target, &targets[2]);
	}
}

static void
test_weight(void **state)
{
	struct route_choice	 c, again;
	struct route		*r;
	int			 i, k, first[3] = { 0 };

	r = add("/C=FR", -1);
	route_add_hop(r, &targets[0], 5, 1);
	route_add_hop(r, &targets[1], 5, 3);
	route_add_hop(r, &targets[2], 6, 100);
	route_end();
	for (i = 1; i <= 4000; i++) {
		route_seed(i);
		assert_int_equal(lookup("/C=FR/ADMD=X", &c), ROUTE_FOUND);
		assert_int_equal(lookup("/C=FR/ADMD=Y", &again),
		    ROUTE_FOUND);
		/* recipients of one message go together */
		for (k = 0; k < 3; k++)
			assert_ptr_equal(c.hop[k].target,
			    again.hop[k].target);
		assert_ptr_equal(c.hop[2].target, &targets[2]);
		first[c.hop[0].target->number - 1]++;
	}
	/* a quarter, give or take six standard deviations */
	assert_in_range(first[0], 1000 - 165, 1000 + 165);
	assert_int_equal(first[0] + first[1], 4000);
}

static void
test_pick(void **state)
{
	struct route_choice	 c;
	struct route		*r;

	r = add("/C=FR", -1);
	route_add_hop(r, &targets[0], 1, 1);
	route_add_hop(r, &targets[1], 2, 1);
	route_add_hop(r, &targets[2], 2, 1);
	route_end();
	route_seed(1);
	assert_int_equal(lookup("/C=FR/ADMD=X", &c), ROUTE_FOUND);
	assert_ptr_equal(route_pick(&c, NULL), &targets[0]);
	assert_ptr_equal(route_pick(&c, &targets[1]), &targets[0]);
	peers[0].alternate = 1;
	/* of equal cost: where it is */
	assert_ptr_equal(route_pick(&c, &targets[1]), &targets[1]);
	assert_ptr_equal(route_pick(&c, &targets[2]), &targets[2]);
	assert_ptr_equal(route_pick(&c, &targets[0]), c.hop[1].target);
	peers[1].down = 1;
	peers[2].conf.disabled = 1;
	/* none: it waits where it is */
	assert_ptr_equal(route_pick(&c, &targets[2]), &targets[2]);
	assert_ptr_equal(route_pick(&c, &targets[5]), &targets[0]);
}

/* CPU seconds that lookups take, at best, with so many routes. */
static double
cost(int n)
{
	struct or_address	 or;
	struct route_choice	 c;
	struct timespec		 a, b;
	struct message		*m;
	const char		*why;
	char			 text[128];
	double			 best = 1e9, t;
	size_t			 where;
	int			 i, k;

	route_begin();
	for (i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "/C=%c%c/ADMD=A%d/PRMD=P%d/O=O%d"
		    "%s%d", 'A' + i % 26, 'A' + i / 26 % 26, i % 7, i,
		    i % 3, i % 2 ? "/CN=box " : "/OU1=u", i);
		add(text, i % 8 + 1);
	}
	route_end();
	assert_non_null(m = message_new());
	for (k = 0; k < 7; k++) {
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
		for (i = 0; i < n; i += n / 100) {
			snprintf(text, sizeof(text), "/C=%c%c/ADMD=A%d/PRMD="
			    "P%d/O=O%d%s%d/S=x", 'A' + i % 26,
			    'A' + i / 26 % 26, i % 7, i, i % 3,
			    i % 2 ? "/CN=box " : "/OU1=u", i);
			assert_int_equal(or_address_parse(m, &or, text,
			    &where, &why), 0);
			assert_int_equal(route_lookup(&or, &c), ROUTE_FOUND);
			assert_int_equal(c.hop[0].target->number, i % 8 + 1);
		}
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
		t = b.tv_sec - a.tv_sec + (b.tv_nsec - a.tv_nsec) / 1e9;
		if (t < best)
			best = t;
	}
	message_free(m);
	return (best);
}

/* 400 times the routes; looked through, that would cost 400 times as much. */
static void
test_many(void **state)
{
	double	few, many;

	few = cost(100);
	many = cost(40000);
	if (many > 20 * few)
		fail_msg("%g s, then %g s", few, many);
}

/* What the text that mtad sends spoold means is what was configured. */
static void
test_prefix_text(void **state)
{
	static const char *const	t[][2] = {
		{ "/C=FR/CN=a*b?", "/CN=a$*b?/ADMD= /C=FR/" },
		{ "c=fr; cn=*; o=x", "/CN=$*/O=x/ADMD= /C=fr/" },
		{ "/C=FR/DD.a=1*/O=b", "/O=b/ADMD= /C=FR/DD.a=1$*/" },
		{ "/C=FR/CN=a$*", "/CN=a$*/ADMD= /C=FR/" },
		{ "/C=FR/CN=a//b*", "/CN=a$/b$*/ADMD= /C=FR/" },
		{ "/C=FR/O=a*b", "/O=a*b/ADMD= /C=FR/" },
	};
	struct or_address	 or, again;
	struct message		*m;
	const char		*why;
	char			 buf[OR_TEXT_MAX];
	size_t			 i, where;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_non_null(m = message_new());
		assert_int_equal(or_prefix_parse(m, &or, t[i][0], &where,
		    &why), 0);
		or_address_print(&or, buf, sizeof(buf), 0);
		assert_string_equal(buf, t[i][1]);
		assert_int_equal(or_address_parse(m, &again, buf, &where,
		    &why), 0);
		assert_int_equal(or_address_compare(&or, &again), 0);
		message_free(m);
	}
	assert_non_null(m = message_new());
	assert_int_equal(or_prefix_parse(m, &or, "/CN=**/C=F%", &where,
	    &why), -1);
	assert_int_equal(where, 10);
	message_free(m);
}

int
main(void)
{
#define T(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest	tests[] = {
		T(test_longest), T(test_order), T(test_blank_admd),
		T(test_patterns), T(test_pattern_backtracks),
		T(test_complete), T(test_cost), T(test_weight), T(test_pick),
		T(test_many), T(test_prefix_text),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
