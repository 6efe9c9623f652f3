/* SPDX-License-Identifier: ISC */

/*
 * Delivery by a command as spoold sees it: what mtad is asked for, what each
 * end of a command means, and that a job ends only with an end that was seen.
 */

#include <sys/stat.h>

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

#include "imsg.h"
#include "spool_fake.h"

#define IN	(ASSOC_INCOMING | 1)

static char	 dir[64];

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

/* sysexits(3), and the rest. */
static void
test_judge(void **state)
{
	static const struct {
		int	end, status, what, diagnostic;
	} t[] = {
		{ COMMAND_EXITED, EX_OK, VERDICT_DELIVERED, -1 },
		{ COMMAND_EXITED, 1, VERDICT_FAILED, -1 },
		{ COMMAND_EXITED, 63, VERDICT_FAILED, -1 },
		{ COMMAND_EXITED, EX_USAGE, VERDICT_LATER, -1 },
		{ COMMAND_EXITED, EX_DATAERR, VERDICT_FAILED, 12 },
		{ COMMAND_EXITED, EX_NOINPUT, VERDICT_LATER, -1 },
		{ COMMAND_EXITED, EX_NOUSER, VERDICT_FAILED, 0 },
		{ COMMAND_EXITED, EX_NOHOST, VERDICT_FAILED, -1 },
		{ COMMAND_EXITED, EX_UNAVAILABLE, VERDICT_LATER, -1 },
		{ COMMAND_EXITED, EX_SOFTWARE, VERDICT_FAILED, -1 },
		{ COMMAND_EXITED, EX_OSERR, VERDICT_LATER, -1 },
		{ COMMAND_EXITED, EX_OSFILE, VERDICT_LATER, -1 },
		{ COMMAND_EXITED, EX_CANTCREAT, VERDICT_LATER, -1 },
		{ COMMAND_EXITED, EX_IOERR, VERDICT_LATER, -1 },
		{ COMMAND_EXITED, EX_TEMPFAIL, VERDICT_LATER, -1 },
		{ COMMAND_EXITED, EX_PROTOCOL, VERDICT_FAILED, -1 },
		{ COMMAND_EXITED, EX_NOPERM, VERDICT_FAILED, -1 },
		{ COMMAND_EXITED, EX_CONFIG, VERDICT_LATER, -1 },
		{ COMMAND_EXITED, 79, VERDICT_FAILED, -1 },
		{ COMMAND_EXITED, 126, VERDICT_LATER, -1 },
		{ COMMAND_EXITED, 127, VERDICT_LATER, -1 },
		{ COMMAND_EXITED, 255, VERDICT_FAILED, -1 },
		{ COMMAND_SIGNALED, 0, VERDICT_LATER, -1 },
		{ COMMAND_SIGNALED, 11, VERDICT_LATER, -1 },
		{ COMMAND_TIMEOUT, 0, VERDICT_LATER, -1 },
		{ COMMAND_NOT_RUN, 0, VERDICT_LATER, -1 },
	};
	struct command_done	 d;
	struct verdict		 v;
	size_t			 i;

	for (i = 0; i < nitems(t); i++) {
		memset(&d, 0, sizeof(d));
		d.end = t[i].end;
		d.status = t[i].status;
		memset(d.text, 'x', sizeof(d.text) - 1);
		command_judge(&d, &v);
		if ((int)v.what != t[i].what ||
		    v.diagnostic != t[i].diagnostic ||
		    (v.what == VERDICT_FAILED && v.reason != 1))
			fail_msg("end %d status %d: %d %d/%d", t[i].end,
			    t[i].status, v.what, v.reason, v.diagnostic);
		/* nothing of what the command wrote */
		if (d.end != COMMAND_NOT_RUN)
			assert_null(strstr(v.text, "xxx"));
	}
}

/* The n-th value of what mtad was asked. */
static const char *
value(const struct sent *s, int n)
{
	const char	*p = (const char *)s->data +
			    sizeof(struct command_run);
	const char	*end = (const char *)s->data + s->len;

	for (; n > 0; n--)
		p += strlen(p) + 1;
	CHECK(p < end && memchr(p, '\0', end - p) != NULL);
	return (p);
}

static void
is_value(const struct sent *s, int n, const char *text)
{
	if (strcmp(value(s, n), text) != 0)
		printf("value %d: %s is not %s\n", n, value(s, n), text);
	CHECK(strcmp(value(s, n), text) == 0);
}

/* A message has come in and mtad was asked; its request. */
static const struct sent *
arrives(int n, size_t size)
{
	recv_message(IN, n, n, PRIORITY_NORMAL, TO_COMMAND, size);
	next(IMSG_RECV_ENDED);
	return (next(IMSG_COMMAND_RUN));
}

static int
ends(uint32_t id, int end, int status, const char *text)
{
	struct command_done	d;
	int			r;

	memset(&d, 0, sizeof(d));
	d.end = end;
	d.status = status;
	strlcpy(d.text, text, sizeof(d.text));
	r = command_imsg(id, &d);
	command_wake();
	spool_commit();
	return (r);
}

static void
content_right(int fd, size_t size)
{
	struct stat	 st;
	uint8_t		*have, *want;

	CHECK(fd != -1 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode));
	CHECK((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY);
	CHECK((size_t)st.st_size == size);
	CHECK((have = malloc(size)) != NULL && (want = malloc(size)) != NULL);
	fill_octets(want, 0, size);
	CHECK(read(fd, have, size) == (ssize_t)size);
	CHECK(memcmp(have, want, size) == 0);
	free(have);
	free(want);
	close(fd);
}

static void
life_delivered(const char *d)
{
	const struct command_run	*cr;
	const struct sent		*s;
	struct stat			 st;

	life_begin(d);
	peer_opens(IN, BETA, 1, 0, DIALOGUE_MONOLOGUE);
	s = arrives(1, 100);
	cr = (const void *)s->data;
	CHECK(cr->command == FAKE_COMMAND && cr->values == COMMAND_REPORT &&
	    cr->has_content == 1 && cr->message != 0);
	is_value(s, COMMAND_MTS_ID, "[/ADMD=ATLAS/C=FR/;m1]");
	is_value(s, COMMAND_TYPE, "message");
	is_value(s, COMMAND_CONTENT_TYPE, "2");
	is_value(s, COMMAND_PRIORITY, "normal");
	is_value(s, COMMAND_ORIGINATOR, "/S=From/PRMD=BETA/ADMD=ATLAS/C=FR/");
	is_value(s, COMMAND_RECIPIENT, TO_COMMAND);
	is_value(s, COMMAND_CONTENT_LENGTH, "100");
	CHECK(s->len == (size_t)((const uint8_t *)value(s,
	    COMMAND_CONTENT_LENGTH) - s->data) + 4);
	content_right(s->fd, 100);
	/* what it was in for a moment has no name any more */
	CHECK(fstatat(sp.dirfd, "command.tmp", &st, 0) == -1);
	CHECK(command_busy() && queue_length() == 1);
	CHECK(ends(s->id, COMMAND_EXITED, 0, "") == 0);
	CHECK(!command_busy() && queue_length() == 0);
	CHECK(sp.stats.delivered == 1 && nothing_sent());
	/* one in a file of its own */
	s = arrives(2, 100000);
	content_right(s->fd, 100000);
	CHECK(ends(s->id, COMMAND_EXITED, 0, "") == 0);
	CHECK(queue_length() == 0);
}

static void
test_delivered(void **state)
{
	assert_int_equal(fake_life(life_delivered, dir), 0);
}

static void
life_parallel(const char *d)
{
	const struct sent	*s;
	uint32_t		 id[2];

	life_begin(d);
	peer_opens(IN, BETA, 1, 0, DIALOGUE_MONOLOGUE);
	s = arrives(1, 10);
	id[0] = s->id;
	close(s->fd);
	s = arrives(2, 10);
	id[1] = s->id;
	close(s->fd);
	CHECK(id[0] != id[1]);
	recv_message(IN, 3, 3, PRIORITY_NORMAL, TO_COMMAND, 10);
	next(IMSG_RECV_ENDED);
	CHECK(nothing_sent());
	CHECK(ends(id[0], COMMAND_EXITED, 0, "") == 0);
	s = next(IMSG_COMMAND_RUN);
	close(s->fd);
	/* what mtad cannot say */
	CHECK(ends(id[0], COMMAND_EXITED, 0, "") == -1);
	CHECK(ends(4711, COMMAND_EXITED, 0, "") == -1);
	CHECK(ends(id[1], COMMAND_NOT_RUN + 1, 0, "") == -1);
	CHECK(ends(id[1], COMMAND_EXITED, 0, "") == 0);
	CHECK(queue_length() == 1);
}

static void
test_parallel(void **state)
{
	assert_int_equal(fake_life(life_parallel, dir), 0);
}

static int
count_job(void *arg, const struct store_job *j)
{
	CHECK(strcmp(j->reason, "mailbox unavailable, exit status 75") == 0);
	CHECK(j->attempts == 1 && j->next_try > time(NULL));
	++*(int *)arg;
	return (0);
}

static void
life_temporary(const char *d)
{
	const struct sent	*s;
	uint64_t		 message;
	int			 n = 0;

	life_begin(d);
	peer_opens(IN, BETA, 1, 0, DIALOGUE_MONOLOGUE);
	s = arrives(1, 10);
	message = ((const struct command_run *)(const void *)s->data)->message;
	close(s->fd);
	CHECK(ends(s->id, COMMAND_EXITED, EX_TEMPFAIL, "not now") == 0);
	CHECK(nothing_sent());
	CHECK(store_job_in_state(sp.store, target_get(TARGET_COMMAND,
	    "/bin/x as jo")->number, JOB_DEFERRED, 0, 10, count_job,
	    &n) == 1 && n == 1);
	queue_tick(time(NULL) + 3600);
	command_wake();
	s = next(IMSG_COMMAND_RUN);
	CHECK(((const struct command_run *)(const void *)s->data)->message ==
	    message);
	close(s->fd);
}

static void
test_temporary(void **state)
{
	assert_int_equal(fake_life(life_temporary, dir), 0);
}

static int
waits(void *arg, const struct store_job *j)
{
	CHECK(j->attempts == 0);
	CHECK(j->reason[0] == '\0' || strncmp(j->reason,
	    "content cannot be handed over: ", 31) == 0);
	++*(int *)arg;
	return (0);
}

/*
 * When no content can be handed over, all of them wait; none has failed.
 */
static void
life_no_space(const char *d)
{
	int	i, n = 0;

	life_begin(d);
	peer_opens(IN, BETA, 1, 0, DIALOGUE_MONOLOGUE);
	/* where the file would be */
	CHECK(mkdirat(sp.dirfd, "command.tmp", 0700) == 0);
	for (i = 1; i <= 10; i++) {
		recv_message(IN, i, i, PRIORITY_NORMAL, TO_COMMAND, 10);
		next(IMSG_RECV_ENDED);
	}
	spool_turn();
	CHECK(nothing_sent() && !command_busy());
	CHECK(store_job_in_state(sp.store, target_get(TARGET_COMMAND,
	    "/bin/x as jo")->number, JOB_READY, 0, 20, waits, &n) == 10);
	CHECK(n == 10);
	command_wake();
	CHECK(nothing_sent());
	fake_offset += 5000;
	command_wake();			/* one is tried */
	spool_turn();
	CHECK(nothing_sent() && !command_busy());
	CHECK(unlinkat(sp.dirfd, "command.tmp", AT_REMOVEDIR) == 0);
	command_wake();
	CHECK(nothing_sent());
	fake_offset += 5000;
	command_wake();
	for (i = 0; i < 2; i++)
		close(next(IMSG_COMMAND_RUN)->fd);
	CHECK(nothing_sent());
}

static void
test_no_space(void **state)
{
	assert_int_equal(fake_life(life_no_space, dir), 0);
}

/*
 * What has ended is not run again, though the store has it as ready until the
 * commit and the queue in memory was read anew since it was taken.
 */
static void
life_once(const char *d)
{
	const struct command_run	*cr;
	const struct sent		*s;
	uint64_t			 message;
	uint32_t			 id;

	life_begin(d);
	peer_opens(IN, BETA, 1, 0, DIALOGUE_MONOLOGUE);
	s = arrives(1, 10);
	id = s->id;
	close(s->fd);
	s = arrives(2, 10);
	message = ((const struct command_run *)(const void *)s->data)->message;
	close(s->fd);
	CHECK(ends(s->id, COMMAND_EXITED, EX_TEMPFAIL, "not now") == 0);
	s = arrives(3, 10);
	close(s->fd);
	/* the second is due, but there is no room for it */
	queue_tick(time(NULL) + 3600);
	command_wake();
	CHECK(nothing_sent());
	CHECK(ends(id, COMMAND_EXITED, 0, "") == 0);
	s = next(IMSG_COMMAND_RUN);
	cr = (const void *)s->data;
	CHECK(cr->message == message);
	close(s->fd);
	CHECK(nothing_sent() && queue_length() == 2);
	CHECK(sp.stats.delivered == 1);
}

static void
test_once(void **state)
{
	assert_int_equal(fake_life(life_once, dir), 0);
}

/* The one report among what is queued. */
static struct message *
the_report(void)
{
	struct store_message	 sm;
	struct message		*m;
	uint64_t		 id[4];

	CHECK(store_message_ids(sp.store, 0, id, 4) == 1);
	CHECK(store_message_get(sp.store, id[0], &sm, 0) == 1);
	CHECK((m = message_deserialise(sm.envelope, sm.envelope_len)) !=
	    NULL);
	store_message_release(sp.store);
	CHECK(m->type == MESSAGE_REPORT && m->nreported == 1);
	return (m);
}

static void
life_permanent(const char *d)
{
	const struct sent	*s;
	struct message		*m;

	life_begin(d);
	peer_opens(IN, BETA, 1, 0, DIALOGUE_MONOLOGUE);
	s = arrives(1, 10);
	close(s->fd);
	CHECK(ends(s->id, COMMAND_EXITED, EX_NOUSER, "no one; here") == 0);
	m = the_report();
	CHECK(m->reported[0].reason == 1 && m->reported[0].diagnostic == 0);
	CHECK(strcmp(m->reported[0].supplementary, "recipient unknown, exit status 67") ==
	    0);
	message_free(m);
}

static void
test_permanent(void **state)
{
	assert_int_equal(fake_life(life_permanent, dir), 0);
}

static void
be_probe(struct message *m)
{
	m->type = MESSAGE_PROBE;
	m->has_content = 0;
	m->probe_length = 4711;
}

static const struct sent *
probe_arrives(int n)
{
	static const char *const	to[] = { TO_COMMAND };
	const struct sent		*s;

	fake_message = be_probe;
	recv_begin(IN, n);
	recv_octets(IMSG_RECV_MARKUP, IN, "markup", 6);
	recv_envelope(IN, n, PRIORITY_NORMAL, 1, to);
	recv_number(IMSG_RECV_END, IN, 1);
	spool_commit();
	fake_message = NULL;
	next(IMSG_RECV_ENDED);
	s = next(IMSG_COMMAND_RUN);
	CHECK(((const struct command_run *)(const void *)
	    s->data)->has_content == 0 && s->fd == -1);
	is_value(s, COMMAND_TYPE, "probe");
	is_value(s, COMMAND_CONTENT_LENGTH, "4711");
	return (s);
}

/* A probe is answered by the command. */
static void
life_probe(const char *d)
{
	const struct sent	*s;
	struct message		*m;

	life_begin(d);
	peer_opens(IN, BETA, 1, 0, DIALOGUE_MONOLOGUE);
	s = probe_arrives(1);
	CHECK(ends(s->id, COMMAND_EXITED, 0, "") == 0);
	m = the_report();
	CHECK(m->reported[0].delivered == 1);
	message_free(m);
}

static void
test_probe(void **state)
{
	assert_int_equal(fake_life(life_probe, dir), 0);
}

static void
life_probe_of_nobody(const char *d)
{
	const struct sent	*s;
	struct message		*m;

	life_begin(d);
	peer_opens(IN, BETA, 1, 0, DIALOGUE_MONOLOGUE);
	s = probe_arrives(1);
	CHECK(ends(s->id, COMMAND_EXITED, EX_NOUSER, "") == 0);
	m = the_report();
	CHECK(m->reported[0].delivered == 0 && m->reported[0].reason == 1 &&
	    m->reported[0].diagnostic == 0);
	message_free(m);
}

static void
test_probe_of_nobody(void **state)
{
	assert_int_equal(fake_life(life_probe_of_nobody, dir), 0);
}

static void
ask_for_report(struct message *m)
{
	m->recipient[0].flags = PRI_RESPONSIBILITY | PRI_REPORT(2);
}

static void
life_reported(const char *d)
{
	const struct sent	*s;
	struct message		*m;

	life_begin(d);
	peer_opens(IN, BETA, 1, 0, DIALOGUE_MONOLOGUE);
	fake_message = ask_for_report;
	s = arrives(1, 10);
	fake_message = NULL;
	close(s->fd);
	CHECK(ends(s->id, COMMAND_EXITED, 0, "") == 0);
	m = the_report();
	CHECK(m->reported[0].delivered == 1);
	message_free(m);
}

static void
test_reported(void **state)
{
	assert_int_equal(fake_life(life_reported, dir), 0);
}

static uint64_t	*asked;

static void
life_cut(const char *d)
{
	const struct sent	*s;

	life_begin(d);
	if (*asked == 0) {
		peer_opens(IN, BETA, 1, 0, DIALOGUE_MONOLOGUE);
		s = arrives(1, 10);
		*asked = ((const struct command_run *)(const void *)
		    s->data)->message;
		_exit(0);
	}
	command_wake();
	s = next(IMSG_COMMAND_RUN);
	CHECK(((const struct command_run *)(const void *)s->data)->message ==
	    *asked);
	CHECK(ends(s->id, COMMAND_EXITED, 0, "") == 0);
	CHECK(queue_length() == 0);
}

/* Whoever dies before the end was seen asks again, for the same message. */
static void
test_cut(void **state)
{
	asked = fake_shared(sizeof(*asked));
	assert_int_equal(fake_life(life_cut, dir), 0);
	assert_int_equal(fake_life(life_cut, dir), 0);
}

/* What is longer than a value, or has what is not for an environment. */
static void
test_values(void **state)
{
	struct store_message	 sm;
	struct message		*m;
	struct or_attr		*a;
	struct ibuf		*b;
	const char		*p, *why;
	uint32_t		 routing[2] = { 7, 8 };
	uint8_t			 n;
	size_t			 where;
	int			 i, too_many;

	assert_non_null(m = message_new());
	memset(&sm, 0, sizeof(sm));
	sm.routing = routing;
	sm.nrouting = 2;
	m->content_type = -1;
	m->content_oid = message_memdup(m, "1.3.26", 6);
	strlcpy(m->id.local, "a\nb=\033c", sizeof(m->id.local));
	m->nrecipient = 2;
	m->recipient = message_alloc(m, 2 * sizeof(*m->recipient));
	assert_int_equal(or_address_parse(m, &m->recipient[0].name,
	    "/S=A/ADMD=B/C=GB", &where, &why), 0);
	assert_int_equal(or_address_parse(m, &m->recipient[1].name,
	    "/S=B/ADMD=B/C=GB", &where, &why), 0);
	m->originator.attr = a = message_alloc(m, 8 * sizeof(*a));
	m->originator.nattr = 8;
	for (i = 0; i < 8; i++) {
		a[i].type = OR_OU1;
		a[i].charset = OR_TELETEX;
		a[i].len = UB_OR_VALUE;
		a[i].value = message_alloc(m, UB_OR_VALUE + 1);
		memset(a[i].value, 0xe9, UB_OR_VALUE);
	}
	assert_non_null(b = command_values(m, &sm, 8, &n, &too_many));
	assert_int_equal(n, COMMAND_REPORT);
	p = ibuf_data(b);
	assert_string_equal(p, "[/;a?b=?c]");
	p += strlen(p) + 1;
	assert_string_equal(p, "message");
	p += strlen(p) + 1;
	assert_string_equal(p, "1.3.26");
	p += strlen(p) + 1;
	assert_string_equal(p, "normal");
	p += strlen(p) + 1;
	assert_string_equal(p, "");
	p++;
	assert_string_equal(p, "/S=B/ADMD=B/C=GB/");
	ibuf_free(b);
	/* and as a recipient it is refused, not cut short */
	m->recipient[1].name = m->originator;
	assert_null(command_values(m, &sm, 8, &n, &too_many));
	assert_int_equal(too_many, 1);
	message_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)
		cmocka_unit_test(test_judge),
		cmocka_unit_test(test_values),
		T(test_delivered),
		T(test_parallel),
		T(test_temporary),
		T(test_no_space),
		T(test_once),
		T(test_permanent),
		T(test_probe),
		T(test_probe_of_nobody),
		T(test_reported),
		T(test_cut),
#undef T
	};

	return (cmocka_run_group_tests_name("spool_command", tests, NULL,
	    NULL));
}
