/* SPDX-License-Identifier: ISC */

/*
 * The ladder: when alternate routes are taken and left, what the trace says
 * then, what stays where it is, what a new configuration moves, and what
 * expires.
 */

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "imsg.h"
#include "spool_sender.h"

#define IN	SENDER_IN

static char	dir[64];

static int
setup(void **state)
{
	int	i, k;

	fake_setup(dir, sizeof(dir));
	for (i = 0; i < 2; i++) {
		fake_peer[i].alternate_failures = 3;
		for (k = 0; k < 3; k++)
			fake_peer[i].retry_min[k] =
			    fake_peer[i].retry_max[k] = 10;
		strlcpy(fake_peer[i].remote.name, i == 0 ? "BETA-MTA" :
		    "GAMMA-MTA", sizeof(fake_peer[i].remote.name));
		strlcpy(fake_peer[i].domain.country, i == 0 ? "FR" : "DE",
		    UB_COUNTRY_NAME + 1);
		strlcpy(fake_peer[i].domain.admd, " ", UB_DOMAIN_NAME + 1);
		fake_peer[i].internal_trace = INTERNAL_TRACE_KEEP;
	}
	return (0);
}

static int
teardown(void **state)
{
	fake_teardown(dir);
	return (0);
}

static struct target *
beta(void)
{
	return (target_get(TARGET_PEER, "beta"));
}

static struct target *
gamma_(void)
{
	return (target_get(TARGET_PEER, "gamma"));
}

static const struct route_conf only_beta = {
	.prefix = "/C=FR", .nvia = 1, .via = { { BETA, 0, 1 } }
};

/* /C=FR goes by the first of the peers, then by the second (0: none). */
static void
set_routes(uint32_t first, uint32_t second, const char *complete)
{
	struct route_conf	r;
	int			i;

	conf_begin();
	CHECK(conf_mta(&fake_mta) == 0);
	for (i = 0; i < 2; i++)
		CHECK(conf_peer(&fake_peer[i]) == 0);
	memset(&r, 0, sizeof(r));
	strlcpy(r.prefix, "/C=DE", sizeof(r.prefix));
	r.nvia = 1;
	r.via[0].peer = GAMMA;
	r.via[0].weight = r.via[1].weight = 1;
	CHECK(conf_route(&r) == 0);
	strlcpy(r.prefix, "/C=FR", sizeof(r.prefix));
	r.nvia = second == 0 ? 1 : 2;
	r.via[0].peer = first;
	r.via[1].peer = second;
	r.via[1].cost = 1;
	CHECK(conf_route(&r) == 0);
	if (complete != NULL) {
		memset(&r, 0, sizeof(r));
		strlcpy(r.prefix, complete, sizeof(r.prefix));
		r.complete = 1;
		CHECK(conf_route(&r) == 0);
	}
	CHECK(conf_end() == 0);
	spool_configured();
}

static void
configure(uint32_t first, uint32_t second, const char *complete)
{
	set_routes(first, second, complete);
	spool_tick();
}

/* Whoever is called next: beta or gamma.  0: nobody. */
static uint32_t
opens(uint32_t peer)
{
	const struct sent	*s;
	struct assoc_open	 o;

	if (peer == 0) {
		CHECK(nothing_sent());
		return (0);
	}
	s = next(IMSG_ASSOC_OPEN);
	memcpy(&o, s->data, sizeof(o));
	CHECK(o.peer == peer);
	return (s->id);
}

/* A call of beta that fails, and the time until the next one may be. */
static void
fails(int kind, int reason)
{
	uint32_t	id;

	spool_tick();
	id = opens(BETA);
	down(id, kind, reason);
	fake_offset += 15 * 1000;
}

static void
is_up(uint32_t id, uint32_t peer)
{
	struct assoc_up	u;

	memset(&u, 0, sizeof(u));
	u.peer = peer;
	u.initiator = 1;
	u.turn = TURN_INITIATOR;
	u.checkpoint = 4;
	u.window = 3;
	from_rtsd(IMSG_ASSOC_UP, id, &u, sizeof(u));
	spool_turn();
}

/* The last trace element of the transfer that is handed out. */
static struct message *
transfer(uint32_t id, uint32_t *x)
{
	const struct sent	*s;
	struct message		*m;

	s = next(IMSG_XFER_REQ);
	CHECK(s->id == id);
	memcpy(&req, s->data, sizeof(req));
	*x = req.xfer;
	s = next(IMSG_XFER_ENVELOPE);
	CHECK((m = message_deserialise(s->data, s->len)) != NULL);
	if (req.content_len > 0 && req.content_follows)
		next(IMSG_XFER_CONTENT);
	next(IMSG_XFER_GO);
	return (m);
}

static void
life_alternate(const char *d)
{
	struct message	*m;
	uint32_t	 id, probe, x;

	life_begin(d);
	configure(BETA, GAMMA, NULL);
	forget_sent();
	queue_up(1, 1, PRIORITY_NORMAL, 100);
	fails(DOWN_CONNECT_FAILED, 0);
	fails(DOWN_TIMEOUT, 0);
	CHECK(queue_ready(beta(), -1) == 1);
	fails(DOWN_TRANSPORT_LOST, 0);
	CHECK(!target_usable(beta()));
	spool_tick();
	CHECK(queue_ready(beta(), -1) == 0);
	CHECK(queue_ready(gamma_(), -1) == 1);
	id = opens(GAMMA);
	/* beta is called to see whether it is back */
	probe = opens(BETA);
	down(probe, DOWN_CONNECT_FAILED, 0);
	is_up(id, GAMMA);
	m = transfer(id, &x);
	CHECK(m->ntrace == 1);
	CHECK(m->trace[0].action == TRACE_REROUTED);
	CHECK(m->trace[0].has_previous);
	CHECK(strcmp(m->trace[0].previous.country, "FR") == 0);
	CHECK(m->internal.n == 1);
	CHECK(m->internal.e[0].action == TRACE_REROUTED);
	CHECK(m->internal.e[0].attempted == ATTEMPTED_DOMAIN);
	CHECK(strcmp(m->internal.e[0].attempted_domain.country, "FR") == 0);
	message_free(m);
	begun(id, x, 500);
	done(id, x);
	CHECK(queue_length() == 0);
	/* a new one is not tried at beta first */
	queue_up(2, 1, PRIORITY_NORMAL, 100);
	spool_tick();
	CHECK(queue_ready(beta(), -1) == 0);
	m = transfer(id, &x);
	CHECK(m->trace[0].action == TRACE_REROUTED);
	message_free(m);
}

/* The rerouting survives a restart with its message. */
static void
life_restart(const char *d)
{
	struct assoc	*a, *to_gamma = NULL;
	struct message	*m;
	uint32_t	 id = 0, x;

	life_begin(d);
	set_routes(BETA, GAMMA, NULL);
	TAILQ_FOREACH(a, &sp.assocs, entry)
		if (a->row.initiator && a->peer->conf.id == GAMMA)
			to_gamma = a;
	CHECK(to_gamma != NULL);
	/* its time is drawn at random: it may have come */
	to_gamma->retry_at = UINT64_MAX;
	spool_tick();
	/* not begun, as far as anybody knows: discarded, sent anew */
	to_gamma->retry_at = 0;
	forget_sent();
	spool_tick();
	CHECK(to_gamma->state == ASSOC_OPENING);
	opens(GAMMA);
	down(to_gamma->id, DOWN_REFUSED, RTS_CANNOT_RECOVER);
	forget_sent();
	TAILQ_FOREACH(a, &sp.assocs, entry)
		if (a->row.initiator && a->peer->conf.id == GAMMA && !a->drop)
			id = a->id;
	CHECK(id != 0);
	is_up(id, GAMMA);
	m = transfer(id, &x);
	CHECK(m->trace[0].action == TRACE_REROUTED);
	message_free(m);
}

/* From one MTA of our domain: that is for those inside to know. */
static void
life_inside(const char *d)
{
	struct message	*m;
	uint32_t	 id, x;

	fake_peer[0].domain = fake_mta.domain;
	life_begin(d);
	configure(BETA, GAMMA, NULL);
	forget_sent();
	queue_up(1, 1, PRIORITY_NORMAL, 100);
	fails(DOWN_CONNECT_FAILED, 0);
	fails(DOWN_CONNECT_FAILED, 0);
	fails(DOWN_CONNECT_FAILED, 0);
	spool_tick();
	id = opens(GAMMA);
	opens(BETA);
	is_up(id, GAMMA);
	m = transfer(id, &x);
	CHECK(m->trace[0].action == TRACE_RELAYED);
	CHECK(!m->trace[0].has_previous);
	CHECK(m->internal.e[0].action == TRACE_REROUTED);
	CHECK(m->internal.e[0].attempted == ATTEMPTED_MTA);
	CHECK(strcmp(m->internal.e[0].attempted_mta, "BETA-MTA") == 0);
	message_free(m);
}

static void
test_alternate(void **state)
{
	assert_int_equal(fake_life(life_alternate, dir), 0);
	assert_int_equal(fake_life(life_restart, dir), 0);
	fake_teardown(dir);
	setup(NULL);
	assert_int_equal(fake_life(life_inside, dir), 0);
}

/* A message whose delivery is deferred stays so, whichever way it goes. */
static void
deferred(struct message *m)
{
	utctime_set(&m->deferred, time(NULL) + 1000);
}

static void
life_deferred(const char *d)
{
	struct route_conf	r;

	life_begin(d);
	fake_connected = 0;
	peer_opens(IN, GAMMA, 1, 0, 0);
	fake_message = deferred;
	recv_message(IN, 1, 1, PRIORITY_NORMAL, TO_HERE, 10);
	next(IMSG_RECV_ENDED);
	conf_begin();
	CHECK(conf_mta(&fake_mta) == 0);
	CHECK(conf_peer(&fake_peer[0]) == 0);
	memset(&r, 0, sizeof(r));
	strlcpy(r.prefix, "/C=GB", sizeof(r.prefix));
	r.nvia = 1;
	r.via[0].peer = BETA;
	r.via[0].weight = 1;
	CHECK(conf_route(&r) == 0);
	CHECK(conf_end() == 0);
	spool_configured();
	spool_tick();
	CHECK(beta()->deferred == 1);
	CHECK(queue_ready(beta(), -1) == 0);
	CHECK(beta()->next_due > time(NULL) + 900);
	CHECK(queue_reload() == 0);
	CHECK(beta()->deferred == 1);
}

static void
test_deferred(void **state)
{
	assert_int_equal(fake_life(life_deferred, dir), 0);
}

/* What waits at the alternate comes back when the first works again. */
static void
life_back(const char *d)
{
	struct message	*m;
	uint32_t	 id, other, x;

	life_begin(d);
	configure(BETA, GAMMA, NULL);
	forget_sent();
	queue_up(1, 3, PRIORITY_NORMAL, 100);
	fails(DOWN_CONNECT_FAILED, 0);
	fails(DOWN_CONNECT_FAILED, 0);
	fails(DOWN_CONNECT_FAILED, 0);
	spool_tick();
	other = opens(GAMMA);
	id = opens(BETA);
	CHECK(queue_ready(gamma_(), -1) == 3);
	is_up(id, BETA);
	CHECK(target_usable(beta()));
	spool_tick();
	CHECK(queue_ready(gamma_(), -1) == 0);
	m = transfer(id, &x);
	CHECK(m->trace[0].action == TRACE_RELAYED);
	CHECK(!m->trace[0].has_previous);
	message_free(m);
	CHECK(queue_length() == 3);
	down(other, DOWN_CONNECT_FAILED, 0);
}

static void
test_back(void **state)
{
	assert_int_equal(fake_life(life_back, dir), 0);
}

/* KB Q278444: a peer that has too many associations is waited for. */
static void
life_busy(const char *d)
{
	int	i;

	life_begin(d);
	configure(BETA, GAMMA, NULL);
	forget_sent();
	queue_up(1, 2, PRIORITY_URGENT, 100);
	for (i = 0; i < 10; i++)
		fails(DOWN_REFUSED, RTS_BUSY);
	CHECK(target_usable(beta()));
	spool_tick();
	opens(BETA);
	CHECK(queue_ready(gamma_(), -1) == 0);
	CHECK(queue_ready(beta(), -1) == 2);
	/* nor because of our own limit, however long that takes */
	forget_sent();
}

static void
life_limit(const char *d)
{
	fake_mta.max_associations = 1;
	fake_peer[0].alternate_time = 20;
	life_begin(d);
	configure(BETA, GAMMA, NULL);
	queue_up(1, 2, PRIORITY_URGENT, 100);
	forget_sent();
	CHECK(sp.nassoc == 1);		/* gamma's */
	spool_tick();
	fake_offset += 60 * 1000;
	spool_tick();
	fake_offset += 60 * 1000;
	spool_tick();
	CHECK(nothing_sent());
	CHECK(target_usable(beta()));
	CHECK(queue_ready(beta(), -1) == 2);
}

static void
test_full_table_queues(void **state)
{
	assert_int_equal(fake_life(life_busy, dir), 0);
	fake_teardown(dir);
	setup(NULL);
	assert_int_equal(fake_life(life_limit, dir), 0);
}

/* One that only calls us: after a time, by the clock. */
static void
life_time(const char *d)
{
	fake_peer[0].naddress = 0;
	fake_peer[0].alternate_time = 600;
	life_begin(d);
	configure(BETA, GAMMA, NULL);
	queue_up(1, 1, PRIORITY_NORMAL, 100);
	forget_sent();
	spool_tick();
	fake_offset += 599 * 1000;
	spool_tick();
	CHECK(queue_ready(beta(), -1) == 1);
	fake_offset += 2 * 1000;
	spool_tick();
	spool_tick();
	CHECK(queue_ready(beta(), -1) == 0);
	opens(GAMMA);
}

static void
test_time(void **state)
{
	assert_int_equal(fake_life(life_time, dir), 0);
}

/*
 * What was begun stays until its fate is known, then goes the other way; but
 * not what may have come to its end, which would be delivered twice.
 */
static void
lose(const char *d, uint64_t octets, unsigned moves)
{
	struct assoc	*a;
	uint32_t	 id, x;

	fake_peer[0].safe_store = 1;
	life_begin(d);
	configure(BETA, GAMMA, NULL);
	forget_sent();
	queue_up(1, 1, PRIORITY_NORMAL, 100);
	spool_tick();
	id = opens(BETA);
	is_up(id, BETA);
	x = expect_xfer(id, 0, 0);
	begun(id, x, octets);
	down(id, DOWN_TRANSPORT_LOST, 0);
	beta()->peer->alternate = 1;
	reroute_away(beta(), 0);
	spool_tick();
	CHECK(queue_ready(gamma_(), -1) == 0);
	configure(GAMMA, 0, NULL);
	CHECK(queue_ready(gamma_(), -1) == 0);
	configure(BETA, GAMMA, NULL);
	/* it is not recovered in time */
	forget_sent();
	TAILQ_FOREACH(a, &sp.assocs, entry)
		if (a->row.initiator && a->row.lost != 0)
			a->row.lost -= 10000;
	spool_tick();
	spool_tick();
	spool_tick();
	CHECK(queue_ready(beta(), -1) == !moves);
	CHECK(queue_ready(gamma_(), -1) == moves);
}

static void
life_under_way(const char *d)
{
	lose(d, 100000, 1);
}

static void
life_at_its_end(const char *d)
{
	lose(d, 10000, 0);
}

static void
test_under_way(void **state)
{
	assert_int_equal(fake_life(life_under_way, dir), 0);
	fake_teardown(dir);
	setup(NULL);
	assert_int_equal(fake_life(life_at_its_end, dir), 0);
}

/*
 * The copy for gamma is through when that for beta goes by gamma as well:
 * those who have it do not get it twice.
 */
static void
life_once(const char *d)
{
	const char	*to[3] = { TO_GAMMA, TO_BETA, TO_GAMMA };
	struct message	*m;
	struct assoc	*a;
	uint32_t	 id = 0, x, b;

	life_begin(d);
	configure(BETA, GAMMA, NULL);
	fake_connected = 0;
	peer_opens(IN, GAMMA, 1, 0, 0);
	fake_connected = 1;
	recv_begin(IN, 1);
	recv_envelope(IN, 1, PRIORITY_NORMAL, 3, to);
	recv_number(IMSG_RECV_END, IN, 1);
	spool_turn();
	forget_sent();
	TAILQ_FOREACH(a, &sp.assocs, entry)
		if (a->row.initiator && a->peer->conf.id == GAMMA)
			id = a->id;
	CHECK(id != 0);
	is_up(id, GAMMA);
	m = transfer(id, &x);
	CHECK(m->recipient[0].flags & PRI_RESPONSIBILITY);
	CHECK(!(m->recipient[1].flags & PRI_RESPONSIBILITY));
	message_free(m);
	begun(id, x, 500);
	/* not while that is under way */
	b = 0;
	TAILQ_FOREACH(a, &sp.assocs, entry)
		if (a->row.initiator && a->peer->conf.id == BETA)
			b = a->id;
	CHECK(b != 0);
	beta()->peer->failures = 2;
	down(b, DOWN_CONNECT_FAILED, 0);
	spool_tick();
	CHECK(queue_ready(beta(), -1) == 1);
	done(id, x);
	forget_sent();
	reroute_away(beta(), 0);
	spool_tick();
	CHECK(queue_ready(beta(), -1) == 0);
	m = transfer(id, &x);
	CHECK(!(m->recipient[0].flags & PRI_RESPONSIBILITY));
	CHECK(m->recipient[1].flags & PRI_RESPONSIBILITY);
	CHECK(!(m->recipient[2].flags & PRI_RESPONSIBILITY));
	CHECK(m->trace[0].action == TRACE_REROUTED);
	message_free(m);
	begun(id, x, 500);
	done(id, x);
	CHECK(queue_length() == 0);
}

static void
test_once(void **state)
{
	assert_int_equal(fake_life(life_once, dir), 0);
}

/* A new configuration: many messages, another best route; ones held stay. */
static void
life_reload(const char *d)
{
	int	i;

	life_begin(d);
	queue_up(1, 99, PRIORITY_NORMAL, 10);
	queue_up(100, 151, PRIORITY_URGENT, 10);
	forget_sent();
	fake_connected = 0;
	CHECK(queue_ready(beta(), -1) == 250);
	configure(GAMMA, 0, NULL);
	for (i = 0; i < 5; i++)
		spool_tick();
	CHECK(queue_ready(beta(), -1) == 0);
	CHECK(queue_ready(gamma_(), -1) == 250);
	CHECK(queue_reload() == 0);
	CHECK(queue_ready(beta(), -1) == 0);
	CHECK(queue_ready(gamma_(), -1) == 250);
	/* a route with two: it stays at the one that is good enough */
	configure(GAMMA, BETA, NULL);
	CHECK(queue_ready(gamma_(), -1) == 250);
	/* and when it turns out that nobody is there, it is reported */
	configure(GAMMA, BETA, "/C=FR/ADMD=ATLAS/PRMD=BETA");
	for (i = 0; i < 5; i++)
		spool_tick();
	CHECK(queue_ready(gamma_(), -1) == 0);
}

static void
test_reload(void **state)
{
	assert_int_equal(fake_life(life_reload, dir), 0);
}

/* The reports that are stored, and what they say of their first recipient. */
static int
reports(int reason, int diagnostic)
{
	struct store_message	 sm;
	struct message		*m;
	uint64_t		 ids[64];
	int			 i, n, found = 0;

	CHECK((n = store_message_ids(sp.store, 0, ids, 64)) != -1);
	for (i = 0; i < n; i++) {
		CHECK(store_message_get(sp.store, ids[i], &sm, 0) == 1);
		CHECK((m = message_deserialise(sm.envelope,
		    sm.envelope_len)) != NULL);
		if (m->type == MESSAGE_REPORT) {
			CHECK(m->reported[0].reason == reason);
			CHECK(m->reported[0].diagnostic == diagnostic);
			found++;
		}
		message_free(m);
	}
	return (found);
}

/* By priority; the report goes to /C=FR, and expires without a report. */
static void
life_expire(const char *d)
{
	static const char	*nowhere = TO_NOWHERE;
	time_t			 now;

	fake_peer[0].expire[0] = 100;
	fake_peer[0].expire[1] = 200;
	fake_mta.expire[1] = 300;
	life_begin(d);
	fake_connected = 0;
	queue_up(1, 2, PRIORITY_URGENT, 10);
	queue_up(3, 3, PRIORITY_NORMAL, 10);
	queue_up(6, 1, PRIORITY_NON_URGENT, 10);
	fake_connected = 0;
	recv_message(IN, 50, 50, PRIORITY_NORMAL, nowhere, 10);
	next(IMSG_RECV_ENDED);
	CHECK(target_number(0)->stuck == 1);
	now = time(NULL);
	expire_tick(now + 90);
	CHECK(!sp.dirty);
	expire_tick(now + 110);
	CHECK(spool_commit() == 0);
	CHECK(queue_ready(beta(), 0) == 2);	/* two reports, urgent */
	CHECK(queue_ready(beta(), 1) == 3);
	CHECK(reports(1, 5) == 2);
	expire_tick(now + 210);
	CHECK(spool_commit() == 0);
	/* the normal ones, and the two reports: without any more */
	CHECK(queue_ready(beta(), 0) == 0);
	CHECK(queue_ready(beta(), 1) == 3);
	CHECK(reports(1, 5) == 3);
	CHECK(target_number(0)->stuck == 1);
	expire_tick(now + 310);
	CHECK(spool_commit() == 0);
	CHECK(target_number(0)->stuck == 0);
	CHECK(queue_ready(beta(), 1) == 1);	/* about the one held */
	CHECK(queue_ready(beta(), 2) == 1);	/* for ever */
	CHECK(reports(1, 5) == 1);
	expire_tick(now + 1000000);
	CHECK(spool_commit() == 0);
	CHECK(queue_length() == 1);
	CHECK(queue_reload() == 0);
	CHECK(queue_length() == 1);
}

static void
test_expire(void **state)
{
	assert_int_equal(fake_life(life_expire, dir), 0);
}

/* Not what is being sent; nor what was to be kept until later. */
static void
life_expire_not(const char *d)
{
	uint32_t	id, x;
	time_t		now = time(NULL);

	fake_peer[0].expire[1] = 100;
	life_begin(d);
	queue_up(1, 1, PRIORITY_NORMAL, 10);
	id = expect_open(0);
	up(id, TURN_INITIATOR, 0);
	x = expect_xfer(id, 0, 0);
	begun(id, x, 1000);
	expire_tick(now + 1000);
	CHECK(!sp.dirty);
	down(id, DOWN_TRANSPORT_LOST, 0);
	expire_tick(now + 1000);
	CHECK(!sp.dirty && queue_length() == 1);
	fake_message = deferred;
	fake_connected = 0;
	recv_message(IN, 50, 50, PRIORITY_NORMAL, TO_BETA, 10);
	CHECK(queue_ready(beta(), 1) == 1);
	expire_tick(now + 1000);
	CHECK(!sp.dirty);
	expire_tick(now + 1200);
	CHECK(sp.dirty);
}

static void
test_expire_not(void **state)
{
	assert_int_equal(fake_life(life_expire_not, dir), 0);
}

/* After so many failed transfers it is not tried any more. */
static void
life_attempts(const char *d)
{
	uint32_t	id, x, i;

	fake_peer[0].attempts = 3;
	life_begin(d);
	queue_up(1, 1, PRIORITY_NORMAL, 10);
	id = expect_open(0);
	up(id, TURN_INITIATOR, 0);
	for (i = 0; i < 3; i++) {
		CHECK(reports(0, 49) == 0);
		x = expect_xfer(id, 0, 0);
		begun(id, x, 1000);
		xfer_fails(id, x, XFER_REJECTED);
		if (i == 2)
			break;
		CHECK(store_job_due(sp.store, beta()->number,
		    INT64_MAX) == 1);
		CHECK(queue_reload() == 0);
		schedule_tick();
		spool_turn();
	}
	CHECK(reports(0, 49) == 1);
	/* and it is gone; the report waits */
	CHECK(queue_length() == 1);
}

static void
test_attempts(void **state)
{
	assert_int_equal(fake_life(life_attempts, dir), 0);
}

/* Nobody of that name in a domain that is complete. */
static void
life_unknown(const char *d)
{
	static const char *const	to[2] = { TO_NOWHERE, TO_GAMMA };

	life_begin(d);
	configure(BETA, GAMMA, "/C=US/ADMD=Y/PRMD=X");
	fake_connected = 0;
	peer_opens(IN, GAMMA, 1, 0, 0);
	recv_begin(IN, 1);
	recv_envelope(IN, 1, PRIORITY_NORMAL, 2, to);
	recv_number(IMSG_RECV_END, IN, 1);
	spool_turn();
	next(IMSG_RECV_ENDED);
	CHECK(target_number(0)->stuck == 0);
	CHECK(queue_ready(gamma_(), -1) == 1);
	CHECK(queue_ready(beta(), -1) == 1);
	CHECK(reports(1, 0) == 1);
}

static void
test_unknown(void **state)
{
	assert_int_equal(fake_life(life_unknown, dir), 0);
}

/* A peer that does not take such a message is no way for it. */
static void
life_policy(const char *d)
{
	struct assoc	*a;
	int		 i;

	life_begin(d);
	queue_up(1, 1, PRIORITY_NORMAL, 100);
	queue_up(2, 1, PRIORITY_NORMAL, 20);
	fake_peer[1].max_content = 50;
	configure(BETA, GAMMA, NULL);
	forget_sent();
	TAILQ_FOREACH(a, &sp.assocs, entry)
		if (a->row.initiator)
			break;
	CHECK(a != NULL && a->peer == beta()->peer);
	down(a->id, DOWN_CONNECT_FAILED, 0);
	fake_offset += 15 * 1000;
	for (i = 1; i < 3; i++)
		fails(DOWN_CONNECT_FAILED, 0);
	spool_tick();
	CHECK(queue_ready(beta(), -1) == 1);
	CHECK(queue_ready(gamma_(), -1) == 1);
	/* the only way: it is over */
	configure(GAMMA, 0, NULL);
	spool_tick();
	CHECK(queue_ready(beta(), -1) == 0);
	CHECK(reports(1, 7) == 1);
}

static int
count_line(void *arg, uint64_t id, const char *line)
{
	*(int *)arg += strstr(line, "event=non-deliver") != NULL;
	return (0);
}

static int
keep_job(void *arg, const struct store_job *j)
{
	*(struct store_job *)arg = *j;
	return (0);
}

/* The only job, where it is now. */
static struct store_job
the_job(void)
{
	struct store_job	j;
	uint64_t		ids[2];

	CHECK(store_message_ids(sp.store, 0, ids, 2) == 1);
	memset(&j, 0, sizeof(j));
	CHECK(store_job_of_message(sp.store, ids[0], keep_job, &j) == 0);
	return (j);
}

static void
move(struct target *via, int changed)
{
	struct store_job	j = the_job();

	CHECK(spool_commit() == 0);
	CHECK(reroute_begin() == 0);
	CHECK(reroute_job(target_number(j.target), &j, via) == changed);
	CHECK(reroute_end(1) == 0);
}

/* Where the operator sent it, it stays, over a new configuration. */
static void
life_chosen(const char *d)
{
	life_begin(d);
	queue_up(1, 1, PRIORITY_NORMAL, 10);
	move(gamma_(), 1);
	CHECK(the_job().target == gamma_()->number);
	CHECK(the_job().pinned == PINNED_CHOSEN);
	configure(BETA, 0, NULL);
	CHECK(the_job().target == gamma_()->number);
	raise(SIGKILL);
}

static void
life_chosen_again(const char *d)
{
	struct job	*j;

	life_begin(d);
	CHECK(the_job().target == gamma_()->number);
	/* what was sent in vain stays there, too */
	j = queue_next(gamma_(), 0);
	CHECK(j != NULL && j->pinned == PINNED_CHOSEN);
	queue_return(j, "");
	configure(BETA, 0, NULL);
	CHECK(the_job().target == gamma_()->number);
	/* until he leaves it to the routes, be it where they would have it */
	configure(GAMMA, 0, NULL);
	move(NULL, 1);
	CHECK(the_job().target == gamma_()->number);
	CHECK(the_job().pinned == 0);
	move(NULL, 0);
	configure(BETA, 0, NULL);
	CHECK(the_job().target == beta()->number);
	/* or there is no such peer any more */
	move(gamma_(), 1);
	conf_begin();
	CHECK(conf_mta(&fake_mta) == 0 && conf_peer(&fake_peer[0]) == 0);
	CHECK(conf_route(&only_beta) == 0);
	CHECK(conf_end() == 0);
	spool_configured();
	spool_tick();
	CHECK(the_job().target == beta()->number);
	CHECK(the_job().pinned == 0);
}

static void
test_chosen(void **state)
{
	assert_int_equal(fake_life(life_chosen, dir), 256 + SIGKILL);
	assert_int_equal(fake_life(life_chosen_again, dir), 0);
}

/* What rerouting gives up is in the audit log with it, not some time later. */
static void
life_policy_audit(const char *d)
{
	int	n = 0;

	life_begin(d);
	queue_up(1, 1, PRIORITY_NORMAL, 100);
	fake_peer[1].max_content = 50;
	set_routes(GAMMA, 0, NULL);
	CHECK(reports(1, 7) == 1);
	CHECK(store_audit_each(sp.store, count_line, &n) == 0 && n == 1);
}

static void
life_policy_first(const char *d)
{
	fake_peer[0].max_content = 50;
	life_begin(d);
	configure(BETA, GAMMA, NULL);
	queue_up(1, 1, PRIORITY_NORMAL, 100);
	CHECK(queue_ready(beta(), -1) == 0);
	CHECK(queue_ready(gamma_(), -1) == 1);
}

static void
test_policy(void **state)
{
	assert_int_equal(fake_life(life_policy, dir), 0);
	fake_teardown(dir);
	setup(NULL);
	assert_int_equal(fake_life(life_policy_first, dir), 0);
	fake_teardown(dir);
	setup(NULL);
	assert_int_equal(fake_life(life_policy_audit, dir), 0);
}

int
main(void)
{
#define T(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest	tests[] = {
		T(test_alternate), T(test_deferred), T(test_back), T(test_full_table_queues),
		T(test_chosen),
		T(test_time), T(test_under_way), T(test_once),
		T(test_reload), T(test_expire), T(test_expire_not),
		T(test_attempts), T(test_unknown), T(test_policy),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
