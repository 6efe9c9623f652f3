/* SPDX-License-Identifier: ISC */

/*
 * Non-delivery reports: about recipients with an extension that is critical
 * and not known here (X.411 14.3.2), in the transaction that takes the message
 * in; what is in them, to whom they go, and when there is none.
 */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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

/* The only report that is stored, NULL: none. */
static struct message *
the_report(uint64_t *id)
{
	struct store_message	 sm;
	struct message		*m, *found = NULL;
	uint64_t		 ids[16];
	int			 i, n;

	CHECK((n = store_message_ids(sp.store, 0, ids, 16)) != -1);
	for (i = 0; i < n; i++) {
		CHECK(store_message_get(sp.store, ids[i], &sm, 0) == 1);
		CHECK((m = message_deserialise(sm.envelope,
		    sm.envelope_len)) != NULL);
		CHECK(sm.type == m->type);
		if (m->type != MESSAGE_REPORT) {
			message_free(m);
			continue;
		}
		CHECK(found == NULL && sm.kind == CONTENT_NONE &&
		    sm.origin == 0 && sm.nrouting == 1);
		if (id != NULL)
			*id = ids[i];
		found = m;
	}
	return (found);
}

static void
is_address(const struct or_address *a, const char *text)
{
	char	buf[OR_TEXT_MAX];

	or_address_print(a, buf, sizeof(buf), 0);
	if (strcmp(buf, text) != 0)
		printf("%s is not %s\n", buf, text);
	CHECK(strcmp(buf, text) == 0);
}

static void
add_extension(struct message *m, struct extensions *list, int type,
    const char *oid, int criticality)
{
	struct extension	e;

	memset(&e, 0, sizeof(e));
	e.type = type;
	e.oid = (char *)(uintptr_t)oid;
	e.criticality = criticality;
	CHECK(message_extension_add(m, list, &e) == 0);
}

static void
transfer(int activity, int n, int nrecipient, const char *const *to)
{
	recv_begin(IN, activity);
	recv_octets(IMSG_RECV_CONTENT, IN, "content", 7);
	recv_envelope(IN, n, PRIORITY_NORMAL, nrecipient, to);
	recv_number(IMSG_RECV_END, IN, 1);
	spool_commit();
	next(IMSG_RECV_ENDED);
}

static const char *const	both[] = { TO_HERE, TO_GAMMA };

/* Of the message: no recipient gets it. */
static void
whole(struct message *m)
{
	strlcpy(m->content_id, "an id", sizeof(m->content_id));
	m->has_content_id = 1;
	add_extension(m, &m->extension, 999, NULL, EXT_TRANSFER);
}

static void
life_whole(const char *d)
{
	struct message	*r;
	uint64_t	 id;

	life_begin(d);
	peer_opens(IN, BETA, 1, 0, 0);
	spool_commit();
	forget_sent();
	fake_message = whole;
	transfer(5, 1, 2, both);
	CHECK((r = the_report(&id)) != NULL);
	CHECK(queue_length() == 1);	/* the report, to where it came from */
	is_address(&r->originator, "/S=From/PRMD=BETA/ADMD=ATLAS/C=FR/");
	CHECK(strcmp(r->subject.local, "m1") == 0);
	CHECK(strcmp(r->subject.domain.admd, "ATLAS") == 0);
	CHECK(strcmp(r->id.domain.prmd, "ALPHA") == 0 && r->id.local[0]);
	CHECK(r->has_content_id && strcmp(r->content_id, "an id") == 0);
	CHECK(r->content_type == 2 && !r->has_content);
	CHECK(r->ntrace == 1 && r->nsubject_trace == 0);
	CHECK(strcmp(r->trace[0].domain.prmd, "ALPHA") == 0);
	CHECK(r->reporting_mta.present &&
	    strcmp(r->reporting_mta.mta, "alpha") == 0);
	CHECK(r->nreported == 2);
	is_address(&r->reported[0].name, TO_HERE);
	is_address(&r->reported[1].name, TO_GAMMA);
	CHECK(r->reported[1].number == 2 && !r->reported[1].delivered);
	CHECK(r->reported[0].reason == 1 && r->reported[0].diagnostic == 18);
	CHECK(r->reported[0].arrival.text[0] != '\0');
	CHECK(strcmp(r->reported[0].supplementary, "extension 999") == 0);
	settle();
	CHECK(delivered_files(d, ".p2") == 0);
}

static void
test_whole(void **state)
{
	assert_int_equal(fake_life(life_whole, dir), 0);
}

/* Of one recipient: the other gets it. */
static void
one(struct message *m)
{
	m->recipient[1].flags = PRI_RESPONSIBILITY | PRI_REPORT(3);
	add_extension(m, &m->recipient[1].extension, 0, "1.3.12.2.1",
	    EXT_TRANSFER);
}

static void
life_one(const char *d)
{
	struct message	*r;

	life_begin(d);
	peer_opens(IN, BETA, 1, 0, 0);
	spool_commit();
	forget_sent();
	fake_message = one;
	transfer(5, 1, 2, both);
	CHECK((r = the_report(NULL)) != NULL);
	CHECK(r->nreported == 1 && r->reported[0].number == 2);
	CHECK(strcmp(r->reported[0].supplementary,
	    "extension 1.3.12.2.1") == 0);
	/* audit was asked for: the way until here */
	CHECK(r->nsubject_trace == 1);
	settle();
	CHECK(delivered_files(d, ".p2") == 1);
}

static void
test_one(void **state)
{
	assert_int_equal(fake_life(life_one, dir), 0);
}

/* What is not critical, or for submission only, or known, changes nothing. */
static void
harmless(struct message *m)
{
	add_extension(m, &m->extension, 999, NULL, 0);
	add_extension(m, &m->extension, 0, "1.3.12.2.1", EXT_SUBMISSION);
	add_extension(m, &m->extension, EXT_MESSAGE_SECURITY_LABEL, NULL,
	    EXT_TRANSFER);
}

static void
life_harmless(const char *d)
{
	life_begin(d);
	peer_opens(IN, BETA, 1, 0, 0);
	spool_commit();
	forget_sent();
	fake_message = harmless;
	transfer(5, 1, 2, both);
	CHECK(the_report(NULL) == NULL);
	settle();
	CHECK(delivered_files(d, ".p2") == 1);
}

static void
test_harmless(void **state)
{
	assert_int_equal(fake_life(life_harmless, dir), 0);
}

/* Through a list: its name gets the report, with the history. */
static void
listed(struct message *m)
{
	struct or_address	 list;
	struct utctime		 t;
	const char		*why;
	size_t			 where;

	whole(m);
	utctime_set(&t, 1700000000);
	CHECK(or_address_parse(m, &list, "/S=List/PRMD=GAMMA/ADMD=DBP/C=DE/",
	    &where, &why) == 0);
	CHECK(dl_expansion_add(m, &m->dl_expansion, &list, &t,
	    UB_DL_EXPANSIONS) == 0);
}

static void
life_listed(const char *d)
{
	struct message	*r;

	life_begin(d);
	peer_opens(IN, BETA, 1, 0, 0);
	spool_commit();
	forget_sent();
	fake_message = listed;
	transfer(5, 1, 1, both);
	CHECK((r = the_report(NULL)) != NULL);
	is_address(&r->originator, "/S=List/PRMD=GAMMA/ADMD=DBP/C=DE/");
	CHECK(r->originator_and_dl.n == 2);
	is_address(&r->originator_and_dl.e[0].name,
	    "/S=From/PRMD=BETA/ADMD=ATLAS/C=FR/");
	is_address(&r->originator_and_dl.e[1].name,
	    "/S=List/PRMD=GAMMA/ADMD=DBP/C=DE/");
}

static void
test_listed(void **state)
{
	assert_int_equal(fake_life(life_listed, dir), 0);
}

/* Duplicates are not reported twice. */
static void
life_twice(const char *d)
{
	struct message	*r;

	life_begin(d);
	peer_opens(IN, BETA, 1, 0, 0);
	spool_commit();
	forget_sent();
	fake_message = whole;
	transfer(5, 1, 1, both);
	forget_sent();
	transfer(6, 1, 1, both);
	CHECK((r = the_report(NULL)) != NULL);
	CHECK(queue_length() == 1);
}

static void
test_twice(void **state)
{
	assert_int_equal(fake_life(life_twice, dir), 0);
}

/* A report that we cannot understand is no cause for another. */
static void
report(struct message *m)
{
	m->type = MESSAGE_REPORT;
	m->subject = m->id;
	m->nreported = 1;
	CHECK((m->reported = message_alloc(m, sizeof(*m->reported))) != NULL);
	m->reported[0].name = m->recipient[0].name;
	m->reported[0].reason = 1;
	m->reported[0].diagnostic = m->reported[0].type_of_ua = -1;
	m->nrecipient = 0;
	m->recipient = NULL;
	add_extension(m, &m->extension, 999, NULL, EXT_TRANSFER);
}

static void
life_report(const char *d)
{
	life_begin(d);
	peer_opens(IN, BETA, 1, 0, 0);
	spool_commit();
	forget_sent();
	fake_message = report;
	recv_begin(IN, 5);
	recv_envelope(IN, 1, PRIORITY_NORMAL, 1, both);
	recv_number(IMSG_RECV_END, IN, 1);
	spool_commit();
	next(IMSG_RECV_ENDED);
	CHECK(queue_length() == 1);
}

static void
test_report(void **state)
{
	assert_int_equal(fake_life(life_report, dir), 0);
}

/* A job that is given up: its recipients, and the queue without it. */
static void
life_given_up(const char *d)
{
	struct message	*r;
	struct target	*t;
	struct job	*j;

	life_begin(d);
	peer_opens(IN, BETA, 1, 0, 0);
	spool_commit();
	forget_sent();
	transfer(5, 1, 2, both);
	settle();
	CHECK(queue_length() == 1);
	TAILQ_FOREACH(t, &sp.targets, entry)
		if (t->kind == TARGET_PEER && strcmp(t->name, "gamma") == 0)
			break;
	CHECK(t != NULL);
	CHECK((j = queue_next(t, 0)) != NULL);
	CHECK(report_give_up(j, REASON_CONVERSION_NOT_PERFORMED,
	    DIAGNOSTIC_UNABLE_TO_DOWNGRADE, "Sm\366rg\345s") == 0);
	queue_done(j);
	CHECK(spool_commit() == 0);
	CHECK((r = the_report(NULL)) != NULL);
	CHECK(r->nreported == 1 && r->reported[0].number == 2);
	CHECK(r->reported[0].reason == 2 && r->reported[0].diagnostic == 47);
	CHECK(strcmp(r->reported[0].supplementary, "Sm rg s") == 0);
	CHECK(queue_length() == 1);
}

static void
test_given_up(void **state)
{
	assert_int_equal(fake_life(life_given_up, dir), 0);
}

/* Lists */

#define LIST	"/S=Tous/O=Here/PRMD=ALPHA/ADMD=GOLD 400/C=GB/"
#define OTHER_LIST "/S=Alle/O=Here/PRMD=ALPHA/ADMD=GOLD 400/C=GB/"
#define MEMBERS	200

static void
make_list(void)
{
	struct list_item_conf	 item;
	struct list_conf	 l;
	int			 i;

	memset(&l, 0, sizeof(l));
	strlcpy(l.name, LIST, sizeof(l.name));
	list_begin();
	CHECK(list_add(&l) == 0);
	for (i = 0; i < MEMBERS; i++) {
		memset(&item, 0, sizeof(item));
		snprintf(item.text, sizeof(item.text),
		    "/S=M%d/PRMD=GAMMA/ADMD=DBP/C=DE", i);
		CHECK(list_item(&item) == 0);
	}
	list_end();
}

/* What is stored: messages, and recipients of theirs on their way. */
static void
count_stored(int *messages, int *recipients)
{
	struct store_message	 sm;
	uint64_t		 ids[64];
	size_t			 k;
	int			 i;

	*recipients = 0;
	CHECK((*messages = store_message_ids(sp.store, 0, ids, 64)) != -1);
	for (i = 0; i < *messages; i++) {
		CHECK(store_message_get(sp.store, ids[i], &sm, 0) == 1);
		for (k = 0; k < sm.nrouting; k++)
			*recipients += sm.routing[k] != TARGET_NOT_OURS;
		store_message_release(sp.store);
	}
}

static void
long_extension(struct message *m, int octets)
{
	struct extension	e;

	memset(&e, 0, sizeof(e));
	e.oid = (char *)(uintptr_t)"1.2.3";
	e.len = octets;
	CHECK((e.value = message_alloc(m, octets)) != NULL);
	CHECK(message_extension_add(m, &m->recipient[0].extension, &e) == 0);
}

static void
long_recipient(struct message *m)
{
	long_extension(m, 100 * 1024);
}

static void
longest_recipient(struct message *m)
{
	long_extension(m, UB_EXTENSION_VALUE);
	m->recipient[0].extension.e[0].oid = message_memdup(m, "1.2.4", 5);
	long_extension(m, UB_EXTENSION_VALUE);
}

/* What its recipient has each member has, in as many copies as it takes. */
static void
life_long_list(const char *d)
{
	const char	*to[] = { LIST };
	struct message	*r;
	int		 messages, recipients;

	life_begin(d);
	make_list();
	peer_opens(IN, BETA, 1, 0, 0);
	spool_commit();
	forget_sent();
	fake_message = long_recipient;
	transfer(5, 1, 1, to);
	CHECK(!sp.failing);
	count_stored(&messages, &recipients);
	CHECK(messages > 1 && recipients == MEMBERS);
	CHECK(the_report(NULL) == NULL);
	/* and what it takes is not without bounds */
	forget_sent();
	fake_message = longest_recipient;
	transfer(6, 2, 1, to);
	CHECK(!sp.failing);
	count_stored(&messages, &recipients);
	CHECK(recipients == MEMBERS + 1);
	CHECK((r = the_report(NULL)) != NULL);
	is_address(&r->reported[0].name, LIST);
	CHECK(r->reported[0].diagnostic == DIAGNOSTIC_DL_EXPANSION_FAILURE);
}

static void
test_long_list(void **state)
{
	assert_int_equal(fake_life(life_long_list, dir), 0);
}

/* However often a message names a list, its members get it once. */
static void
life_list_once(const char *d)
{
	const char	*to[1000];
	size_t		 i;
	int		 messages, recipients;

	life_begin(d);
	make_list();
	peer_opens(IN, BETA, 1, 0, 0);
	spool_commit();
	forget_sent();
	for (i = 0; i < nitems(to); i++)
		to[i] = LIST;
	transfer(5, 1, nitems(to), to);
	count_stored(&messages, &recipients);
	CHECK(messages == 1 && recipients == MEMBERS);
}

static void
test_list_once(void **state)
{
	assert_int_equal(fake_life(life_list_once, dir), 0);
}

/* Reports to a list, with a history that leads from it to itself. */
static void
circular(struct message *m)
{
	struct or_address	 name[2];
	struct utctime		 t;
	const char		*why;
	size_t			 i, where;

	report(m);
	m->extension.n = 0;
	utctime_set(&t, 1700000000);
	CHECK(or_address_parse(m, &name[0], LIST, &where, &why) == 0);
	CHECK(or_address_parse(m, &name[1], OTHER_LIST, &where, &why) == 0);
	for (i = 0; i < 4; i++)
		CHECK(dl_expansion_add(m, &m->originator_and_dl, &name[i % 2],
		    &t, UB_ORIG_AND_DL) == 0);
	CHECK(or_address_copy(m, &m->originator, &name[1]) == 0);
}

/* Each list the owner of the other one, all get what can be got. */
static void
make_circle(void)
{
	static const char	*name[2] = { LIST, OTHER_LIST };
	struct list_item_conf	 item;
	struct list_conf	 l;
	int			 i;

	list_begin();
	for (i = 0; i < 2; i++) {
		memset(&l, 0, sizeof(l));
		strlcpy(l.name, name[i], sizeof(l.name));
		strlcpy(l.owner, name[!i], sizeof(l.owner));
		l.reports = LIST_REPORTS_BOTH;
		CHECK(list_add(&l) == 0);
		memset(&item, 0, sizeof(item));
		strlcpy(item.text, TO_GAMMA, sizeof(item.text));
		CHECK(list_item(&item) == 0);
	}
	list_end();
}

static void
life_circle(const char *d)
{
	int	messages, recipients;

	life_begin(d);
	make_circle();
	peer_opens(IN, BETA, 1, 0, 0);
	spool_commit();
	forget_sent();
	fake_message = circular;
	recv_begin(IN, 5);
	recv_envelope(IN, 1, PRIORITY_NORMAL, 1, both);
	recv_number(IMSG_RECV_END, IN, 1);
	spool_commit();
	next(IMSG_RECV_ENDED);
	count_stored(&messages, &recipients);
	CHECK(messages == 0);
}

static void
test_circle(void **state)
{
	assert_int_equal(fake_life(life_circle, dir), 0);
}

/* Many that are not to have it, among them some of the members. */
static void
exempting(struct message *m)
{
	struct ext_names	*x = &m->dl_exempted;
	const char		*why;
	char			 name[64];
	size_t			 where;
	uint32_t		 i;

	x->n = 500;
	CHECK((x->name = message_alloc(m, x->n * sizeof(*x->name))) != NULL);
	for (i = 0; i < x->n; i++) {
		snprintf(name, sizeof(name), "/S=m%u/PRMD=GAMMA/ADMD=DBP/C=DE",
		    (i * 7919 + 50) % 1000);
		CHECK(or_address_parse(m, &x->name[i], name, &where,
		    &why) == 0);
	}
}

static void
life_exempted(const char *d)
{
	const char	*to[] = { LIST };
	uint32_t	 i, expected = MEMBERS;
	int		 messages, recipients;

	life_begin(d);
	make_list();
	peer_opens(IN, BETA, 1, 0, 0);
	spool_commit();
	forget_sent();
	fake_message = exempting;
	transfer(5, 1, 1, to);
	for (i = 0; i < 500; i++)
		expected -= (i * 7919 + 50) % 1000 < MEMBERS;
	CHECK(expected > 0 && expected < MEMBERS);
	count_stored(&messages, &recipients);
	CHECK(messages == 1 && recipients == (int)expected);
}

static void
test_exempted(void **state)
{
	assert_int_equal(fake_life(life_exempted, dir), 0);
}

/* Redirections make an envelope longer than what a peer may send. */
static void
life_long_redirect(const char *d)
{
	static const char	*to[UB_RECIPIENTS];
	struct redirect_conf	 rc;
	size_t			 i;
	int			 messages, recipients;

	life_begin(d);
	list_begin();
	strlcpy(rc.from, TO_HERE, sizeof(rc.from));
	snprintf(rc.to, sizeof(rc.to), "/S=%040d/O=%064d/OU1=%032d/OU2=%032d/"
	    "OU3=%032d/PRMD=GAMMA/ADMD=DBP/C=DE", 1, 2, 3, 4, 5);
	CHECK(list_redirect(&rc) == 0);
	list_end();
	peer_opens(IN, BETA, 1, 0, 0);
	spool_commit();
	forget_sent();
	for (i = 0; i < nitems(to); i++)
		to[i] = TO_HERE;
	transfer(5, 1, nitems(to), to);
	CHECK(!sp.failing);
	count_stored(&messages, &recipients);
	CHECK(messages == 1 && recipients == UB_RECIPIENTS);
}

static void
test_long_redirect(void **state)
{
	assert_int_equal(fake_life(life_long_redirect, dir), 0);
}

/* A peer reaches by an alternate recipient nobody that it may not send to. */
static void
alternate(struct message *m)
{
	const char	*why;
	size_t		 where;

	m->reassignment_prohibited.set = 1;
	CHECK(or_address_parse(m, &m->recipient[0].alternate.name, TO_GAMMA,
	    &where, &why) == 0);
}

static void
life_alternate(const char *d)
{
	struct redirect_conf	 rc;
	struct policy_conf	 pc;
	struct message		*r;

	life_begin(d);
	list_begin();
	strlcpy(rc.from, TO_HERE, sizeof(rc.from));
	strlcpy(rc.to, TO_COMMAND, sizeof(rc.to));
	CHECK(list_redirect(&rc) == 0);
	list_end();
	peer_opens(IN, BETA, 1, 0, 0);
	spool_commit();
	forget_sent();
	fake_message = alternate;
	transfer(5, 1, 1, both);
	CHECK(the_report(NULL) == NULL && queue_length() == 1);
	forget_sent();
	memset(&pc, 0, sizeof(pc));
	pc.peer = BETA;
	pc.what = POLICY_TO;
	strlcpy(pc.text, "/PRMD=ALPHA/ADMD=GOLD 400/C=GB", sizeof(pc.text));
	policy_begin();
	CHECK(policy_add(&pc) == 0);
	policy_end();
	transfer(6, 2, 1, both);
	CHECK((r = the_report(NULL)) != NULL);
	is_address(&r->reported[0].name, TO_HERE);
	CHECK(r->reported[0].diagnostic ==
	    DIAGNOSTIC_RECIPIENT_REASSIGNMENT_PROHIBITED);
	CHECK(queue_length() == 2);
}

/* Nor by a list that it may not send to. */
static void
life_forbidden_list(const char *d)
{
	const char		*to[] = { LIST };
	struct policy_conf	 pc;
	struct message		*r;

	life_begin(d);
	make_list();
	memset(&pc, 0, sizeof(pc));
	pc.peer = BETA;
	pc.what = POLICY_TO;
	strlcpy(pc.text, TO_HERE, sizeof(pc.text));
	policy_begin();
	CHECK(policy_add(&pc) == 0);
	policy_end();
	peer_opens(IN, BETA, 1, 0, 0);
	spool_commit();
	forget_sent();
	transfer(5, 1, 1, to);
	CHECK((r = the_report(NULL)) != NULL && queue_length() == 1);
	CHECK(r->reported[0].diagnostic == DIAGNOSTIC_NO_BILATERAL_AGREEMENT);
}

static void
test_forbidden_list(void **state)
{
	assert_int_equal(fake_life(life_forbidden_list, dir), 0);
}

static void
test_alternate(void **state)
{
	assert_int_equal(fake_life(life_alternate, dir), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(test_whole),
		T(test_one),
		T(test_harmless),
		T(test_listed),
		T(test_twice),
		T(test_report),
		T(test_given_up),
		T(test_long_list),
		T(test_list_once),
		T(test_exempted),
		T(test_long_redirect),
		T(test_circle),
		T(test_alternate),
		T(test_forbidden_list),
#undef T
	};

	return (cmocka_run_group_tests_name("spool_report", tests, NULL,
	    NULL));
}
