/* SPDX-License-Identifier: ISC */

/*
 * spoold as a receiver: nothing is confirmed before its commit, what was
 * confirmed survives the process at any point, everything is delivered once.
 */

#include <sys/resource.h>
#include <sys/stat.h>

#include <dirent.h>
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

#include "spool_fake.h"

#define IN	(ASSOC_INCOMING | 1)
#define IN2	(ASSOC_INCOMING | 2)

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

/* A message in one batch: one commit, then the confirmation, delivery. */
static void
life_small(const char *d)
{
	uint64_t	commits;

	life_begin(d);
	peer_opens(IN, BETA, 1, 0, 0);
	spool_commit();
	commits = store_commits(sp.store);
	recv_begin(IN, 1);
	recv_octets(IMSG_RECV_MARKUP, IN, "markup", 6);
	recv_octets(IMSG_RECV_CONTENT, IN, "octets", 6);
	spool_turn();
	CHECK(store_commits(sp.store) == commits);	/* nothing durable */
	recv_envelope(IN, 1, PRIORITY_NORMAL, 1, (const char *[]){ TO_HERE });
	recv_number(IMSG_RECV_END, IN, 1);
	CHECK(nothing_sent());
	spool_turn();
	CHECK(store_commits(sp.store) == commits + 1);
	CHECK(*(const uint32_t *)(const void *)
	    next(IMSG_RECV_ENDED)->data == 1);
	CHECK(queue_length() == 1);
	settle();
	CHECK(queue_length() == 0);
	CHECK(delivered_files(d, ".p2") == 1);
	CHECK(delivered_files(d, ".env") == 1);
	CHECK(sp.stats.delivered == 1);
}

static void
test_small(void **state)
{
	assert_int_equal(fake_life(life_small, dir), 0);
}

/* Many associations, one commit. */
static void
life_batch(const char *d)
{
	uint64_t	commits;
	uint32_t	i, n = 20;

	life_begin(d);
	for (i = 0; i < n; i++)
		peer_opens(ASSOC_INCOMING | (i + 10), BETA, i + 1, 0, 0);
	commits = store_commits(sp.store);
	for (i = 0; i < n; i++) {
		recv_begin(ASSOC_INCOMING | (i + 10), 1);
		recv_octets(IMSG_RECV_CONTENT, ASSOC_INCOMING | (i + 10),
		    "\0\x1f", 2);
		recv_envelope(ASSOC_INCOMING | (i + 10), i, PRIORITY_NORMAL,
		    1, (const char *[]){ TO_HERE });
		recv_number(IMSG_RECV_END, ASSOC_INCOMING | (i + 10), 1);
	}
	CHECK(nothing_sent());
	spool_turn();
	CHECK(store_commits(sp.store) == commits + 1);
	for (i = 0; i < n; i++)
		next(IMSG_RECV_ENDED);
	settle();
	CHECK(delivered_files(d, ".p2") == (int)n);
	CHECK(delivered_right(d, 2));
}

static void
test_batch(void **state)
{
	assert_int_equal(fake_life(life_batch, dir), 0);
}

static void
life_duplicate(const char *d)
{
	const char *both[2] = { TO_HERE, TO_HERE };

	life_begin(d);
	peer_opens(IN, BETA, 1, 0, 0);
	recv_message(IN, 1, 7, PRIORITY_NORMAL, TO_HERE, 100);
	next(IMSG_RECV_ENDED);
	recv_message(IN, 2, 7, PRIORITY_NORMAL, TO_HERE, 100);
	next(IMSG_RECV_ENDED);
	settle();
	CHECK(sp.stats.duplicates == 1);
	CHECK(delivered_files(d, ".p2") == 1);
	/* the same message for another recipient is no duplicate */
	recv_begin(IN, 3);
	recv_envelope(IN, 7, PRIORITY_NORMAL, 2, both);
	recv_number(IMSG_RECV_END, IN, 1);
	spool_turn();
	next(IMSG_RECV_ENDED);
	settle();
	CHECK(sp.stats.duplicates == 1);
	CHECK(delivered_files(d, ".p2") == 2);
	/* the same identifier from another peer is another message */
	peer_opens(IN2, GAMMA, 1, 0, 0);
	recv_message(IN2, 1, 7, PRIORITY_NORMAL, TO_HERE, 100);
	next(IMSG_RECV_ENDED);
	settle();
	CHECK(delivered_files(d, ".p2") == 3);
}

static void
test_duplicate(void **state)
{
	assert_int_equal(fake_life(life_duplicate, dir), 0);
}

/* Checkpoints; then killed; then resumed. */

static uint64_t	piece = 2048, pieces = 8, resume_from = 2;

static void
send_pieces(uint32_t id, uint64_t from, uint64_t to, int confirm)
{
	static uint8_t	buf[65536];
	uint64_t	i;

	for (i = from; i < to; i++) {
		recv_octets(IMSG_RECV_MARKUP, id, "mk", 2);
		fill_octets(buf, i * piece, piece);
		recv_octets(IMSG_RECV_CONTENT, id, buf, piece);
		recv_number(IMSG_RECV_CHECKPOINT, id, i + 1);
		if (!confirm)
			continue;
		CHECK(nothing_sent());
		spool_turn();
		CHECK(*(const uint32_t *)(const void *)
		    next(IMSG_RECV_CONFIRM)->data == i + 1);
	}
}

static void
finish(uint32_t id)
{
	recv_envelope(id, 1, PRIORITY_NORMAL, 1, (const char *[]){ TO_HERE });
	recv_number(IMSG_RECV_END, id, pieces + 1);
	spool_turn();
	next(IMSG_RECV_ENDED);
}

static void
life_partial(const char *d)
{
	life_begin(d);
	peer_opens(IN, BETA, 1, 0, 0);
	recv_begin(IN, 5);
	send_pieces(IN, 0, 3, 1);
	/* these are in memory and in the file, but not confirmed */
	send_pieces(IN, 3, 5, 0);
	raise(SIGKILL);
}

static int	at_once;	/* the discard comes in the same batch */

static void
resume(uint32_t id, int conn, int act, int new_act, uint32_t serial)
{
	struct recv_resume	rs;

	memset(&rs, 0, sizeof(rs));
	make_act(&rs.activity, new_act);
	make_act(&rs.old_activity, act);
	if (conn != 0)
		make_conn(&rs.old_connection, "beta", conn);
	rs.serial = serial;
	from_rtsd(IMSG_RECV_RESUME, id, &rs, sizeof(rs));
	if (!at_once)
		spool_turn();
}

static void
life_resume(const char *d)
{
	const struct recv_resumed	*r;
	const struct sent		*s;
	size_t				 markup = 0;

	life_begin(d);
	CHECK(queue_length() == 0);
	peer_opens(IN, BETA, 2, 1, 0);
	resume(IN, 1, 5, 6, resume_from);
	while (markup < resume_from * 2) {
		s = next(IMSG_RECV_OLD_MARKUP);
		CHECK(s->len % 2 == 0 && memcmp(s->data, "mk", 2) == 0);
		markup += s->len;
	}
	CHECK(markup == resume_from * 2);
	r = (const void *)next(IMSG_RECV_RESUMED)->data;
	CHECK(!r->complete);
	CHECK(r->content_len == resume_from * piece);
	send_pieces(IN, resume_from, pieces, 1);
	finish(IN);
	settle();
	CHECK(delivered_files(d, ".p2") == 1);
	CHECK(delivered_right(d, piece * pieces));
	CHECK(queue_length() == 0);
}

static void
test_resume(void **state)
{
	static const uint64_t	sizes[] = { 2048, 9000, 60000 };
	size_t			i, k;

	for (i = 0; i < nitems(sizes); i++) {
		for (k = 1; k <= 3; k++) {
			piece = sizes[i];
			resume_from = k;
			assert_int_equal(fake_life(life_partial, dir),
			    256 + SIGKILL);
			assert_int_equal(fake_life(life_resume, dir), 0);
			teardown(NULL);
			setup(NULL);
		}
	}
	piece = 2048;
	resume_from = 2;
}

/* Cut twice: the second resumption may name either pair (rule 3). */
static int	name_conn, name_act;

static void
life_resume_and_die(const char *d)
{
	life_begin(d);
	peer_opens(IN, BETA, 2, 1, 0);
	resume(IN, 1, 5, 6, 2);
	send_pieces(IN, 2, 2, 0);
	forget_sent();
	send_pieces(IN, 2, 4, 1);
	raise(SIGKILL);
}

static void
life_resume_again(const char *d)
{
	life_begin(d);
	peer_opens(IN, BETA, 3, name_conn, 0);
	resume(IN, name_conn, name_act, 7, 4);
	next(IMSG_RECV_OLD_MARKUP);
	forget_sent();
	send_pieces(IN, 4, pieces, 1);
	finish(IN);
	settle();
	CHECK(delivered_files(d, ".p2") == 1);
	CHECK(delivered_right(d, piece * pieces));
}

static void
test_resume_twice(void **state)
{
	int	i;

	for (i = 0; i < 2; i++) {
		name_conn = i == 0 ? 2 : 1;
		name_act = i == 0 ? 6 : 5;
		assert_int_equal(fake_life(life_partial, dir), 256 + SIGKILL);
		assert_int_equal(fake_life(life_resume_and_die, dir),
		    256 + SIGKILL);
		assert_int_equal(fake_life(life_resume_again, dir), 0);
		teardown(NULL);
		setup(NULL);
	}
}

/* What was never confirmed cannot be resumed. */
static void
life_refused(const char *d)
{
	const struct recv_refuse	*r;

	life_begin(d);
	peer_opens(IN, BETA, 2, 1, 0);
	resume(IN, 1, 5, 6, 4);
	r = (const void *)next(IMSG_RECV_REFUSE)->data;
	CHECK(r->kind == RECV_UNRECOGNIZED);
	recv_number(IMSG_RECV_DISCARD, IN, 0);
	spool_turn();
	next(IMSG_RECV_DISCARDED);
	resume(IN, 1, 77, 6, 1);
	r = (const void *)next(IMSG_RECV_REFUSE)->data;
	CHECK(r->kind == RECV_UNRECOGNIZED);
}

static void
test_unconfirmed(void **state)
{
	assert_int_equal(fake_life(life_partial, dir), 256 + SIGKILL);
	assert_int_equal(fake_life(life_refused, dir), 0);
	/* and the refusals harmed nothing */
	assert_int_equal(fake_life(life_resume, dir), 0);
}

/* The whole message was secured, the end confirmation got lost (rule 5). */
static void
life_end_and_die(const char *d)
{
	life_begin(d);
	peer_opens(IN, BETA, 1, 0, 0);
	recv_begin(IN, 5);
	send_pieces(IN, 0, pieces, 1);
	finish(IN);
	raise(SIGKILL);
}

static void
life_complete_resumed(const char *d)
{
	const struct recv_resumed	*r;

	life_begin(d);
	peer_opens(IN, BETA, 2, 1, 0);
	resume(IN, 1, 5, 6, 3);
	r = (const void *)next(IMSG_RECV_RESUMED)->data;
	CHECK(r->complete);
	recv_number(IMSG_RECV_END, IN, 4);
	spool_turn();
	CHECK(*(const uint32_t *)(const void *)
	    next(IMSG_RECV_ENDED)->data == 4);
	settle();
	CHECK(delivered_files(d, ".p2") == 1);
	/* once more, by the new pair, to be discarded */
	resume(IN, 0, 6, 7, 0);
	r = (const void *)next(IMSG_RECV_RESUMED)->data;
	CHECK(r->complete);
	recv_number(IMSG_RECV_DISCARD, IN, 0);
	spool_turn();
	CHECK(*(const uint32_t *)(const void *)
	    next(IMSG_RECV_DISCARDED)->data == 1);
	settle();
	CHECK(delivered_files(d, ".p2") == 1);
	CHECK(delivered_right(d, piece * pieces));
}

static void
test_end_lost(void **state)
{
	assert_int_equal(fake_life(life_end_and_die, dir), 256 + SIGKILL);
	assert_int_equal(fake_life(life_complete_resumed, dir), 0);
}

/* Rule 4: resumed from nothing and discarded. */
static void
life_discard(const char *d)
{
	const struct recv_resumed	*r;

	life_begin(d);
	peer_opens(IN, BETA, 2, 1, 0);
	resume(IN, 1, 5, 6, 0);
	if (!at_once) {
		r = (const void *)next(IMSG_RECV_RESUMED)->data;
		CHECK(!r->complete && r->content_len == 0);
	}
	recv_number(IMSG_RECV_DISCARD, IN, 0);
	spool_turn();
	CHECK(assoc_has_partial(assoc_find(IN)) == 0);
	CHECK(*(const uint32_t *)(const void *)
	    next(IMSG_RECV_DISCARDED)->data == 0);
	recv_begin(IN, 7);
	send_pieces(IN, 0, pieces, 1);
	finish(IN);
	settle();
	CHECK(delivered_files(d, ".p2") == 1);
	CHECK(delivered_right(d, piece * pieces));
}

static void
test_discard(void **state)
{
	piece = 20000;
	for (at_once = 0; at_once < 2; at_once++) {
		assert_int_equal(fake_life(life_partial, dir), 256 + SIGKILL);
		assert_int_equal(fake_life(life_discard, dir), 0);
		teardown(NULL);
		setup(NULL);
	}
	at_once = 0;
	piece = 2048;
}

static int
count_files(const char *d)
{
	char	 path[200];
	DIR	*dp;
	int	 i, n = 0;

	for (i = 0; i < 256; i++) {
		snprintf(path, sizeof(path), "%s/spool/content/%02X", d, i);
		CHECK((dp = opendir(path)) != NULL);
		while (readdir(dp) != NULL)
			n++;
		closedir(dp);
	}
	return (n - 512);
}

/* A plain start after a recovery gives the old activity up. */
static void
life_given_up(const char *d)
{
	const struct recv_refuse	*r;

	life_begin(d);
	CHECK(count_files(d) == 1);
	peer_opens(IN, BETA, 2, 1, 0);
	recv_message(IN, 6, 99, PRIORITY_NORMAL, TO_HERE, 10);
	next(IMSG_RECV_ENDED);
	CHECK(count_files(d) == 0);
	resume(IN, 1, 5, 7, 2);
	r = (const void *)next(IMSG_RECV_REFUSE)->data;
	CHECK(r->kind == RECV_UNRECOGNIZED);
}

static void
test_given_up(void **state)
{
	piece = 20000;
	assert_int_equal(fake_life(life_partial, dir), 256 + SIGKILL);
	assert_int_equal(fake_life(life_given_up, dir), 0);
	piece = 2048;
}

/* Who may recover. */
static void
life_strangers(const char *d)
{
	const struct assoc_answer	*ans;
	struct assoc_ind		 ind;

	life_begin(d);
	memset(&ind, 0, sizeof(ind));
	ind.recover = 1;
	make_conn(&ind.id, "beta", 2);
	make_conn(&ind.recovered, "beta", 9);
	strlcpy(ind.address, "192.0.2.7:1", sizeof(ind.address));
	from_rtsd(IMSG_ASSOC_IND, IN, &ind, sizeof(ind));
	spool_turn();
	ans = (const void *)next(IMSG_ASSOC_ANSWER)->data;
	CHECK(!ans->accept && ans->refuse == RTS_CANNOT_RECOVER);
	make_conn(&ind.recovered, "beta", 1);
	strlcpy(ind.address, "192.0.2.8:1", sizeof(ind.address));
	from_rtsd(IMSG_ASSOC_IND, IN, &ind, sizeof(ind));
	spool_turn();
	ans = (const void *)next(IMSG_ASSOC_ANSWER)->data;
	CHECK(!ans->accept && ans->refuse == RTS_CANNOT_RECOVER);
	/* an unknown peer id, a bad length */
	ind.recover = 0;
	ind.peer = 77;
	from_rtsd(IMSG_ASSOC_IND, IN, &ind, sizeof(ind));
	ans = (const void *)next(IMSG_ASSOC_ANSWER)->data;
	CHECK(!ans->accept && ans->refuse == RTS_VALIDATION_FAILURE);
	ind.id.user_len = 65;
	CHECK(rtsd_imsg(IMSG_ASSOC_IND, IN, (const void *)&ind,
	    sizeof(ind)) == -1);
	CHECK(rtsd_imsg(IMSG_ASSOC_IND, IN, (const void *)&ind, 3) == -1);
}

static void
test_strangers(void **state)
{
	assert_int_equal(fake_life(life_partial, dir), 256 + SIGKILL);
	assert_int_equal(fake_life(life_strangers, dir), 0);
	assert_int_equal(fake_life(life_resume, dir), 0);
}

/* Half-open: the old association still looks alive. */
static void
life_supersede(const char *d)
{
	const struct assoc_abort	*ab;
	const struct assoc_answer	*ans;
	struct assoc_ind		 ind;
	struct assoc_up			 up;
	struct assoc_down		 down;

	life_begin(d);
	peer_opens(IN, BETA, 1, 0, 0);
	recv_begin(IN, 5);
	send_pieces(IN, 0, 3, 1);
	send_pieces(IN, 3, 5, 0);
	memset(&ind, 0, sizeof(ind));
	ind.recover = 1;
	ind.checkpoint = 30;
	ind.window = 10;
	make_conn(&ind.id, "beta", 2);
	make_conn(&ind.recovered, "beta", 1);
	strlcpy(ind.address, "192.0.2.7:99", sizeof(ind.address));
	from_rtsd(IMSG_ASSOC_IND, IN2, &ind, sizeof(ind));
	spool_turn();
	/* what the old one had is on record; it is closed without a word */
	next(IMSG_RECV_CONFIRM);
	next(IMSG_RECV_CONFIRM);
	ab = (const void *)next(IMSG_ASSOC_ABORT)->data;
	CHECK(ab->silent);
	ans = (const void *)next(IMSG_ASSOC_ANSWER)->data;
	CHECK(ans->accept && ans->checkpoint == 2 && ans->window == 3);
	/* late words of the old one harm nothing */
	recv_octets(IMSG_RECV_CONTENT, IN, "xx", 2);
	memset(&down, 0, sizeof(down));
	from_rtsd(IMSG_ASSOC_DOWN, IN, &down, sizeof(down));
	memset(&up, 0, sizeof(up));
	up.checkpoint = 2;
	up.window = 3;
	from_rtsd(IMSG_ASSOC_UP, IN2, &up, sizeof(up));
	spool_turn();
	resume(IN2, 1, 5, 6, 4);
	next(IMSG_RECV_OLD_MARKUP);
	forget_sent();
	send_pieces(IN2, 4, pieces, 1);
	finish(IN2);
	settle();
	CHECK(delivered_files(d, ".p2") == 1);
	CHECK(delivered_right(d, piece * pieces));
}

static void
test_supersede(void **state)
{
	piece = 9000;
	assert_int_equal(fake_life(life_supersede, dir), 0);
	piece = 2048;
}

/* Interrupted, resumed on the same association; others between. */
static void
life_interrupt(const char *d)
{
	life_begin(d);
	peer_opens(IN, BETA, 1, 0, 0);
	recv_begin(IN, 5);
	send_pieces(IN, 0, 2, 1);
	send_pieces(IN, 2, 3, 0);
	recv_number(IMSG_RECV_INTERRUPT, IN, 0);
	spool_turn();
	next(IMSG_RECV_CONFIRM);
	next(IMSG_RECV_INTERRUPTED);
	recv_message(IN, 6, 50, PRIORITY_NORMAL, TO_HERE, piece * pieces);
	next(IMSG_RECV_ENDED);
	resume(IN, 0, 5, 7, 3);
	next(IMSG_RECV_OLD_MARKUP);
	forget_sent();
	send_pieces(IN, 3, pieces, 1);
	finish(IN);
	settle();
	CHECK(delivered_files(d, ".p2") == 2);
	CHECK(delivered_right(d, piece * pieces));
}

static void
test_interrupt(void **state)
{
	assert_int_equal(fake_life(life_interrupt, dir), 0);
}

/* Rule 8: after recovery_keep it is forgotten, file and all. */
static void
life_expire(const char *d)
{
	life_begin(d);
	CHECK(count_files(d) == 1);
	sleep(2);
	assoc_expire(time(NULL));
	CHECK(count_files(d) == 0);
}

static void
test_expire(void **state)
{
	piece = 20000;
	fake_peer[0].recovery_keep = 0;
	assert_int_equal(fake_life(life_partial, dir), 256 + SIGKILL);
	assert_int_equal(fake_life(life_expire, dir), 0);
	assert_int_equal(fake_life(life_strangers, dir), 0);
	piece = 2048;
}

/* The disk lied: the file has less than was synced. */
static void
life_short_file(const char *d)
{
	char		 cmd[200];
	const struct recv_refuse	*r;

	life_begin(d);
	snprintf(cmd, sizeof(cmd), "truncate -s 45000 `find %s/spool/content "
	    "-type f`", d);
	CHECK(system(cmd) == 0);
	peer_opens(IN, BETA, 2, 1, 0);
	resume(IN, 1, 5, 6, 3);
	r = (const void *)next(IMSG_RECV_REFUSE)->data;
	CHECK(r->kind == RECV_UNRECOGNIZED);
	recv_number(IMSG_RECV_INTERRUPT, IN, 0);
	next(IMSG_RECV_INTERRUPTED);
	resume(IN, 1, 5, 6, 2);
	next(IMSG_RECV_OLD_MARKUP);
	forget_sent();
	send_pieces(IN, 2, pieces, 1);
	finish(IN);
	settle();
	CHECK(delivered_right(d, piece * pieces));
}

static void
test_short_file(void **state)
{
	piece = 20000;
	assert_int_equal(fake_life(life_partial, dir), 256 + SIGKILL);
	assert_int_equal(fake_life(life_short_file, dir), 0);
	piece = 2048;
}

static void
life_orphans(const char *d)
{
	char	path[200];
	int	fd;

	life_begin(d);
	CHECK(count_files(d) == 1);	/* of the partial transfer */
	snprintf(path, sizeof(path), "%s/spool/content/AB/00000000000000AB",
	    d);
	CHECK((fd = open(path, O_CREAT | O_WRONLY, 0600)) != -1);
	close(fd);
	CHECK(count_files(d) == 2);
}

static void
life_orphans_gone(const char *d)
{
	life_begin(d);
	CHECK(count_files(d) == 1);
}

static void
test_orphans(void **state)
{
	piece = 20000;
	assert_int_equal(fake_life(life_partial, dir), 256 + SIGKILL);
	assert_int_equal(fake_life(life_orphans, dir), 0);
	assert_int_equal(fake_life(life_orphans_gone, dir), 0);
	assert_int_equal(fake_life(life_resume, dir), 0);
	piece = 2048;
}

/* No route: held, not lost; routed when there is one. */
static void
life_no_route(const char *d)
{
	const char *to[3] = { TO_HERE, TO_NOWHERE, TO_BETA };

	life_begin(d);
	fake_connected = 0;
	peer_opens(IN, BETA, 1, 0, 0);
	recv_begin(IN, 1);
	recv_envelope(IN, 1, PRIORITY_NORMAL, 3, to);
	recv_number(IMSG_RECV_END, IN, 1);
	spool_turn();
	next(IMSG_RECV_ENDED);
	settle();
	CHECK(delivered_files(d, ".env") == 1);
	CHECK(queue_length() == 1);
	CHECK(target_number(0)->stuck == 1);
	CHECK(queue_ready(target_get(TARGET_PEER, "beta"), -1) == 1);
}

static void
life_route_added(const char *d)
{
	struct route_conf	r;
	int			i;

	life_begin(d);
	CHECK(target_number(0)->stuck == 1);
	conf_begin();
	conf_mta(&fake_mta);
	for (i = 0; i < 2; i++)
		conf_peer(&fake_peer[i]);
	memset(&r, 0, sizeof(r));
	strlcpy(r.prefix, "/C=US", sizeof(r.prefix));
	r.nvia = 1;
	r.via[0].peer = GAMMA;
	r.via[0].weight = 1;
	conf_route(&r);
	conf_end();
	spool_configured();
	CHECK(target_number(0)->stuck == 0);
	CHECK(queue_ready(target_get(TARGET_PEER, "gamma"), -1) == 1);
	CHECK(queue_ready(target_get(TARGET_PEER, "beta"), -1) == 1);
}

static void
test_no_route(void **state)
{
	assert_int_equal(fake_life(life_no_route, dir), 0);
	assert_int_equal(fake_life(life_route_added, dir), 0);
}

/* What a bad rtsd may say costs it the channel, not us the memory. */
static void
life_bad_imsgs(const char *d)
{
	struct recv_start	st;

	life_begin(d);
	peer_opens(IN, BETA, 1, 0, 0);
	CHECK(rtsd_imsg(IMSG_RECV_CONTENT, IN, (const void *)"x", 1) == -1);
	memset(&st, 0, sizeof(st));
	st.activity.len = 200;
	CHECK(rtsd_imsg(IMSG_RECV_START, IN, (const void *)&st,
	    sizeof(st)) == -1);
	CHECK(rtsd_imsg(IMSG_RECV_START, IN, (const void *)&st, 2) == -1);
	CHECK(rtsd_imsg(IMSG_XFER_DONE, IN, (const void *)"aaaa", 4) == -1);
	CHECK(rtsd_imsg(4711, IN, (const void *)"aaaa", 4) == -1);
	recv_begin(IN, 1);
	st.activity.len = 3;
	CHECK(rtsd_imsg(IMSG_RECV_START, IN, (const void *)&st,
	    sizeof(st)) == -1);
	recv_octets(IMSG_RECV_ENVELOPE, IN, "garbage", 7);
	CHECK(rtsd_imsg(IMSG_RECV_END, IN, (const void *)"\1\0\0\0",
	    4) == -1);
	rtsd_gone();
	spool_turn();
	CHECK(queue_length() == 0);
}

static void
test_bad_imsgs(void **state)
{
	assert_int_equal(fake_life(life_bad_imsgs, dir), 0);
}

static void
indicates(uint32_t id, int peer, int n, int recover_n, const char *address)
{
	struct assoc_ind	ind;

	memset(&ind, 0, sizeof(ind));
	ind.peer = recover_n ? 0 : peer;
	ind.checkpoint = 2;
	ind.window = 3;
	make_conn(&ind.id, "beta", n);
	if (recover_n) {
		ind.recover = 1;
		make_conn(&ind.recovered, "beta", recover_n);
	}
	strlcpy(ind.address, address, sizeof(ind.address));
	from_rtsd(IMSG_ASSOC_IND, id, &ind, sizeof(ind));
}

static void
refused(int reason)
{
	const struct assoc_answer	*ans;

	ans = (const void *)next(IMSG_ASSOC_ANSWER)->data;
	CHECK(!ans->accept && ans->refuse == reason);
}

/*
 * A peer that opens all it can leaves room for one association of each other
 * peer, and for those that we open.
 */
static void
life_room(const char *d)
{
	uint32_t	i;

	fake_mta.max_associations = 16;		/* 2 of them are ours */
	life_begin(d);
	for (i = 0; i < 13; i++)
		peer_opens(ASSOC_INCOMING | (i + 10), BETA, i + 1, 0, 0);
	for (i = 0; i < 3; i++) {
		indicates(IN, BETA, 50 + i, 0, "192.0.2.7:4711");
		refused(RTS_BUSY);
	}
	peer_opens(IN2, GAMMA, 60, 0, 0);
	indicates(IN, GAMMA, 61, 0, "192.0.2.8:4711");
	refused(RTS_BUSY);
}

static void
test_room(void **state)
{
	assert_int_equal(fake_life(life_room, dir), 0);
}

/* Who only claims to recover has nothing written to disk. */
static void
life_no_commit(const char *d)
{
	uint64_t	commits;
	uint32_t	i;

	life_begin(d);
	peer_opens(IN, BETA, 1, 0, 0);
	spool_commit();
	recv_begin(IN, 1);
	recv_octets(IMSG_RECV_CONTENT, IN, "octets", 6);
	recv_number(IMSG_RECV_CHECKPOINT, IN, 1);
	commits = store_commits(sp.store);
	for (i = 0; i < 200; i++) {
		indicates(IN2, 0, 7, 8 + i, "192.0.2.99:4711");
		refused(RTS_CANNOT_RECOVER);
	}
	CHECK(store_commits(sp.store) == commits);
	/* from the peer's host, or with a right identifier, it is looked at */
	indicates(IN2, 0, 7, 99, "192.0.2.7:4711");
	next(IMSG_RECV_CONFIRM);
	refused(RTS_CANNOT_RECOVER);
	CHECK(store_commits(sp.store) > commits);
	indicates(IN2, 0, 7, 1, "192.0.2.99:4711");
	refused(RTS_CANNOT_RECOVER);
}

static void
test_no_commit(void **state)
{
	assert_int_equal(fake_life(life_no_commit, dir), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(test_small),
		T(test_batch),
		T(test_duplicate),
		T(test_resume),
		T(test_resume_twice),
		T(test_unconfirmed),
		T(test_end_lost),
		T(test_discard),
		T(test_given_up),
		T(test_strangers),
		T(test_supersede),
		T(test_interrupt),
		T(test_expire),
		T(test_short_file),
		T(test_orphans),
		T(test_no_route),
		T(test_bad_imsgs),
		T(test_room),
		T(test_no_commit),
#undef T
	};

	return (cmocka_run_group_tests_name("spool_in", tests, NULL, NULL));
}
