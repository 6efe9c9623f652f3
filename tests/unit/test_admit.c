/* SPDX-License-Identifier: ISC */

/*
 * Who is let in, and who has to go for it.  Associations are as far as rtsd
 * has them for that; what it would do with one that is evicted is only noted.
 */

#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "log.h"
#include "rtsd.h"

#define EVICTED_MAX	4096

static struct mta_conf	 conf;
static uint64_t		 clock_ms = 1000000;
static struct assoc	*evicted[EVICTED_MAX];
static unsigned		 nevicted;
static struct assoc	*peers[64];
static unsigned		 npeers;
static unsigned		 lines, said;
static int		 muted;

/* The log, of which only the number of lines is of interest. */
void
log_info(enum event_id id, const char *fmt, ...)
{
	lines++;
	said += !muted;
}

void
log_warnx(enum event_id id, const char *fmt, ...)
{
	log_info(id, "%s", fmt);
}

void
log_mute(int on)
{
	muted = on;
}

unsigned
log_lines(void)
{
	return (lines);
}

const struct mta_conf *
mta(void)
{
	return (&conf);
}

uint64_t
now_ms(void)
{
	return (clock_ms);
}

void
assoc_evict(struct assoc *a)
{
	if (nevicted < EVICTED_MAX)
		evicted[nevicted++] = a;
	admit_leave(a);
}

static struct assoc *
make(const char *address)
{
	struct assoc	*a;

	if ((a = calloc(1, sizeof(*a))) == NULL)
		abort();
	a->phase = ASSOC_TRANSPORT;
	snprintf(a->address, sizeof(a->address), "%s port 1", address);
	return (a);
}

/* NULL: not let in. */
static struct assoc *
comes(const char *address)
{
	struct sockaddr_storage	 ss;
	struct sockaddr_in6	*sin6 = (struct sockaddr_in6 *)&ss;
	struct sockaddr_in	*sin = (struct sockaddr_in *)&ss;
	struct assoc		*a = make(address);
	const char		*why = NULL;

	memset(&ss, 0, sizeof(ss));
	if (inet_pton(AF_INET, address, &sin->sin_addr) == 1)
		ss.ss_family = AF_INET;
	else if (inet_pton(AF_INET6, address, &sin6->sin6_addr) == 1)
		ss.ss_family = AF_INET6;
	else
		abort();
	if (admit_enter(a, (struct sockaddr *)&ss, &why) == 0)
		return (a);
	assert_non_null(why);
	admit_leave(a);
	free(a);
	return (NULL);
}

/* A number of the same address: the first of them. */
static struct assoc *
come(const char *address, unsigned n)
{
	struct assoc	*first = comes(address);

	while (--n > 0)
		assert_non_null(comes(address));
	return (first);
}

static struct assoc *
of_peer(const char *address)
{
	struct assoc	*a = comes(address);

	assert_non_null(a);
	a->has_peer = 1;
	admit_peer(a);
	peers[npeers++] = a;
	return (a);
}

/* Everybody of before has gone, and what was known of them. */
static int
setup(void **state)
{
	memset(&conf, 0, sizeof(conf));
	conf.connections_per_address = 20;
	conf.half_open = 100;
	while (admit_shed() == 0)
		;
	while (npeers > 0)
		admit_leave(peers[--npeers]);
	clock_ms += 8 * 86400 * 1000ULL;
	admit_configured(NULL, 0);
	admit_tick();
	nevicted = 0;
	return (0);
}

/* One address has its share; who comes later takes a place of its own. */
static void
test_address(void **state)
{
	struct assoc	*first = come("192.0.2.1", 20), *other;

	other = comes("192.0.2.2");
	assert_int_equal(nevicted, 0);
	assert_non_null(comes("192.0.2.1"));
	assert_int_equal(nevicted, 1);
	assert_ptr_equal(evicted[0], first);
	come("192.0.2.1", 500);
	assert_int_equal(nevicted, 501);
	while (nevicted > 0)
		assert_ptr_not_equal(evicted[--nevicted], other);
}

/* A /64 is one address, its neighbour is another. */
static void
test_prefix(void **state)
{
	char		 address[64];
	struct assoc	*other = comes("2001:db8:1:1::1");
	unsigned	 i;

	for (i = 0; i < 300; i++) {
		snprintf(address, sizeof(address), "2001:db8:1:2:%x::%x",
		    i * 7, i);
		assert_non_null(comes(address));
	}
	assert_int_equal(nevicted, 280);
	while (nevicted > 0)
		assert_ptr_not_equal(evicted[--nevicted], other);
}

/* Of those of an address: who is over, who was silent, who is oldest. */
static void
test_order(void **state)
{
	struct assoc	*a[20];
	unsigned	 i;

	for (i = 0; i < 20; i++)
		a[i] = comes("192.0.2.1");
	for (i = 0; i < 16; i++)
		a[i]->heard = 1;
	for (i = 0; i < 12; i++)
		a[i]->t_up = 1;
	a[0]->phase = ASSOC_ASKED;
	a[5]->phase = ASSOC_GONE;
	for (i = 0; i < 19; i++)
		of_peer("192.0.2.1");		/* no place of its own yet */
	assert_int_equal(nevicted, 19);
	assert_ptr_equal(evicted[0], a[5]);
	for (i = 0; i < 4; i++)
		assert_ptr_equal(evicted[1 + i], a[16 + i]);
	for (i = 0; i < 4; i++)
		assert_ptr_equal(evicted[5 + i], a[12 + i]);
	assert_ptr_equal(evicted[9], a[1]);
	assert_ptr_equal(evicted[18], a[11]);
	/* who has got farthest is the last, and after it nobody */
	of_peer("192.0.2.1");
	assert_ptr_equal(evicted[19], a[0]);
	assert_null(comes("192.0.2.1"));
	assert_int_equal(nevicted, 20);
}

/* All places used: who has most of them loses one. */
static void
test_most(void **state)
{
	char		 address[32];
	struct assoc	*one = comes("192.0.2.77"), *first;
	unsigned	 i;

	first = come("192.0.2.1", 20);
	for (i = 0; i < 79; i++) {
		snprintf(address, sizeof(address), "198.51.100.%u", i);
		comes(address);
	}
	assert_int_equal(nevicted, 0);
	assert_non_null(comes("192.0.2.78"));
	assert_int_equal(nevicted, 1);
	assert_ptr_equal(evicted[0], first);
	for (i = 0; i < 15; i++) {
		snprintf(address, sizeof(address), "203.0.113.%u", i);
		assert_non_null(comes(address));
	}
	assert_int_equal(nevicted, 16);
	for (i = 0; i < nevicted; i++)
		assert_ptr_not_equal(evicted[i], one);
}

/* From everywhere: the addresses of peers keep theirs, up to eight. */
static void
test_known(void **state)
{
	struct source_conf	 sc = { .family = AF_INET };
	struct assoc		*mine[9], *theirs[9], *peer;
	char			 address[32];
	unsigned		 i, k, lost = 0;

	inet_pton(AF_INET, "192.0.2.1", sc.address);
	admit_configured(&sc, 1);
	peer = of_peer("192.0.2.2");
	for (i = 0; i < 9; i++) {
		mine[i] = comes("192.0.2.1");
		theirs[i] = comes("192.0.2.2");
	}
	for (i = 0; i < 3000; i++) {
		snprintf(address, sizeof(address), "10.0.%u.%u", i / 250,
		    i % 250);
		assert_non_null(comes(address));
	}
	for (k = 0; k < nevicted; k++) {
		assert_ptr_not_equal(evicted[k], peer);
		for (i = 0; i < 9; i++)
			lost += evicted[k] == mine[i] ||
			    evicted[k] == theirs[i];
	}
	assert_int_equal(lost, 2);
	/* more of them still come in */
	nevicted = 0;
	assert_non_null(comes("192.0.2.1"));
	assert_int_equal(nevicted, 1);
	/* a week later the one that came is as good as any */
	clock_ms += 7 * 86400 * 1000ULL;
	for (i = 0; i < 400; i++) {
		snprintf(address, sizeof(address), "10.1.%u.%u", i / 250,
		    i % 250);
		assert_non_null(comes(address));
	}
	for (lost = k = 0; k < nevicted; k++)
		for (i = 0; i < 9; i++)
			lost += evicted[k] == theirs[i];
	assert_int_equal(lost, 8);
}

/* A call of ours makes an address known as well. */
static void
test_called(void **state)
{
	struct assoc	*a = make("192.0.2.9"), *there;
	char		 address[32];
	unsigned	 i;

	admit_peer(a);
	there = comes("192.0.2.9");
	for (i = 0; i < 300; i++) {
		snprintf(address, sizeof(address), "10.0.%u.%u", i / 250,
		    i % 250);
		assert_non_null(comes(address));
	}
	for (i = 0; i < nevicted; i++)
		assert_ptr_not_equal(evicted[i], there);
	free(a);
}

/* n lines; how many of them are there to be read. */
static unsigned
says(struct assoc *a, unsigned n)
{
	struct source	*s;
	unsigned	 before = said;

	while (n-- > 0) {
		s = admit_quiet(a);
		/* what is nested counts once */
		admit_loud(admit_quiet(a));
		log_info(EVT_ASSOC_UNKNOWN, "%s", a->address);
		admit_loud(s);
		assert_false(muted);
	}
	return (said - before);
}

/* The log: so many lines of one, of all, and more of who is known. */
static void
test_log(void **state)
{
	struct source_conf	 sc = { .family = AF_INET };
	struct assoc		*a;
	char			 address[32];
	unsigned		 all = 0, i;

	assert_int_equal(says(comes("192.0.2.1"), 1000), 100);
	for (i = 0; i < 200; i++) {
		snprintf(address, sizeof(address), "10.0.0.%u", i);
		all += says(comes(address), 3);
	}
	assert_in_range(all, 100, 102);
	inet_pton(AF_INET, "192.0.2.5", sc.address);
	admit_configured(&sc, 1);
	a = comes("192.0.2.5");
	assert_int_equal(says(a, 1000), 200);
	clock_ms += 60 * 1000;
	i = said;
	admit_tick();
	assert_int_equal(said, i + 2);	/* so many more, of it and of all */
	assert_int_equal(says(comes("192.0.2.1"), 1000), 100);
	/* a peer is never muted */
	a->has_peer = 1;
	admit_peer(a);
	assert_int_equal(says(a, 1000), 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name)	cmocka_unit_test_setup(name, setup)
		T(test_address),
		T(test_prefix),
		T(test_order),
		T(test_most),
		T(test_known),
		T(test_called),
		T(test_log),
#undef T
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
