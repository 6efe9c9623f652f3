/* SPDX-License-Identifier: ISC */

/*
 * spoold as it is watched: alarms with their two marks, the text of the
 * metrics, and what HTTP may ask of it.
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

#include "../../spoold/metrics.h"
#include "imsg.h"
#include "spool_sender.h"

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

static struct peer *
beta(void)
{
	struct peer	*p;

	TAILQ_FOREACH(p, &sp.peers, entry)
		if (p->conf.id == BETA)
			return (p);
	return (NULL);
}

/* So many transfers of beta's end. */
static void
send_some(uint32_t id, uint32_t *x, int *given, int n)
{
	int	i;

	for (i = 0; i < n; i++) {
		begun(id, x[*given], 100);
		done(id, x[(*given)++]);
		if (!nothing_sent())
			x[*given + PREFETCH - 1] = expect_xfer(id, 0, 0);
	}
}

/* Raised at the upper mark, over at the lower one, and not between. */
static void
life_queue(const char *d)
{
	uint32_t	id, x[32];
	int		i, given = 0;

	fake_peer[0].alarm_queue = 10;
	fake_peer[0].alarm_queue_clear = 4;
	life_begin(d);
	queue_up(1, 9, PRIORITY_NORMAL, 10);
	alarm_tick();
	CHECK(beta()->alarms == 0);
	queue_up(20, 1, PRIORITY_NORMAL, 10);
	alarm_tick();
	CHECK(beta()->alarms == ALARM_QUEUE);
	id = expect_open(0);
	up(id, TURN_INITIATOR, 0);
	for (i = 0; i < PREFETCH; i++)
		x[i] = expect_xfer(id, 0, 0);
	/* those that are being sent are in the queue yet */
	alarm_tick();
	CHECK(queue_stored(beta()->target) == 10);
	CHECK(beta()->alarms == ALARM_QUEUE);
	send_some(id, x, &given, 5);
	alarm_tick();
	CHECK(queue_stored(beta()->target) == 5);
	CHECK(beta()->alarms == ALARM_QUEUE);
	send_some(id, x, &given, 1);
	alarm_tick();
	CHECK(beta()->alarms == 0);
	queue_up(40, 5, PRIORITY_NORMAL, 10);
	alarm_tick();
	CHECK(beta()->alarms == 0);
}

static void
test_queue(void **state)
{
	assert_int_equal(fake_life(life_queue, dir), 0);
}

static void
life_fill(const char *d)
{
	fake_peer[0].naddress = 0;
	life_begin(d);
	queue_up(1, 3, PRIORITY_NORMAL, 10);
	sleep(2);
	spool_close();
}

/* After a start, too, though nothing of the queue is in memory. */
static void
life_age(const char *d)
{
	fake_peer[0].naddress = 0;
	fake_peer[0].alarm_age = 2;
	fake_peer[0].alarm_age_clear = 1;
	life_begin(d);
	CHECK(queue_age(beta()->target) >= 2);
	alarm_tick();
	CHECK(beta()->alarms == ALARM_AGE);
	/* one that is not configured any more is none */
	beta()->conf.alarm_age = 0;
	alarm_tick();
	CHECK(beta()->alarms == 0);
}

static void
test_age(void **state)
{
	assert_int_equal(fake_life(life_fill, dir), 0);
	assert_int_equal(fake_life(life_age, dir), 0);
}

static void
life_space(const char *d)
{
	life_begin(d);
	alarm_tick();
	CHECK(sp.alarms == 0);
	sp.mta.alarm_space = UINT64_MAX / 2;
	sp.mta.alarm_space_clear = UINT64_MAX;
	alarm_tick();
	CHECK(sp.alarms == ALARM_SPACE);
	sp.mta.alarm_space = 1;		/* more than that, but not enough */
	alarm_tick();
	CHECK(sp.alarms == ALARM_SPACE);
	sp.mta.alarm_space_clear = 2;
	alarm_tick();
	CHECK(sp.alarms == 0);
}

static void
test_space(void **state)
{
	assert_int_equal(fake_life(life_space, dir), 0);
}

/* HTTP */

static void
expect(const char *request, const char *status, int body)
{
	struct ibuf	*b = NULL;
	const char	*text;
	size_t		 len;

	CHECK(metrics_answer(request, strlen(request), &b) == 1);
	CHECK(b != NULL);
	text = ibuf_data(b);
	len = ibuf_size(b);
	CHECK(text != NULL && len > 9 + strlen(status));
	CHECK(memcmp(text, "HTTP/1.1 ", 9) == 0);
	if (memcmp(text + 9, status, strlen(status)) != 0) {
		fprintf(stderr, "%s: %.20s\n", request, text);
		CHECK(0);
	}
	CHECK((memmem(text, len, "\n# EOF\n", 7) != NULL) == body);
	CHECK(memmem(text, len, "\r\nConnection: close\r\n", 21) != NULL);
	ibuf_free(b);
}

static void
life_http(const char *d)
{
	static char	 long_one[METRICS_REQUEST_MAX + 1];
	struct ibuf	*b = NULL;
	size_t		 i;

	life_begin(d);
	expect("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "200 OK", 1);
	expect("GET /metrics HTTP/1.0\n\n", "200 OK", 1);
	expect("GET /metrics?x=y HTTP/1.1\r\n\r\n", "200 OK", 1);
	expect("HEAD /metrics HTTP/1.1\r\n\r\n", "200 OK", 0);
	expect("GET / HTTP/1.1\r\n\r\n", "404", 0);
	expect("GET /metricsx HTTP/1.1\r\n\r\n", "404", 0);
	expect("POST /metrics HTTP/1.1\r\n\r\n", "405", 0);
	expect("GET /metrics HTTP/2\r\n\r\n", "400", 0);
	expect("GET /metrics\r\n\r\n", "400", 0);
	expect("\r\n\r\n", "400", 0);
	expect("\1\2\3\n\n", "400", 0);
	/* not complete yet, at whatever octet it is cut */
	for (i = 0; i < strlen("GET /metrics HTTP/1.1\r\n\r\n"); i++)
		CHECK(metrics_answer("GET /metrics HTTP/1.1\r\n\r\n", i,
		    &b) == 0);
	/* and it never will be */
	memset(long_one, 'x', METRICS_REQUEST_MAX);
	expect(long_one, "431", 0);
	memcpy(long_one + METRICS_REQUEST_MAX - 4, "\r\n\r\n", 4);
	expect(long_one, "400", 0);
}

static void
test_http(void **state)
{
	assert_int_equal(fake_life(life_http, dir), 0);
}

/* Names that would break the text. */
static void
life_text(const char *d)
{
	struct ibuf	*b;
	char		*text;

	life_begin(d);
	strlcpy(beta()->target->name, "a\"b\\c\nd\xff", 16);
	CHECK((b = metrics_text()) != NULL);
	CHECK(ibuf_add_n8(b, 0) == 0);
	text = ibuf_data(b);
	CHECK(strstr(text, "{group=\"a\\\"b\\\\c?d?\",kind=\"peer\"}") !=
	    NULL);
	CHECK(strstr(text, "mtad_group_stored_messages{group=\"gamma\","
	    "kind=\"peer\",state=\"ready\"} 0\n") != NULL);
	ibuf_free(b);
}

static void
test_text(void **state)
{
	assert_int_equal(fake_life(life_text, dir), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(test_queue),
		T(test_age),
		T(test_space),
		T(test_http),
		T(test_text),
#undef T
	};

	return (cmocka_run_group_tests_name("watch", tests, NULL, NULL));
}
