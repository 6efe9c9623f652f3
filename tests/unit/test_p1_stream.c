/* SPDX-License-Identifier: ISC */

/*
 * MPDUs as they arrive: any division into pieces, cuts and replay, and what
 * hostile peers might send.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "p1_decode.h"
#include "p1_sample.h"

/* Pieces of one octet, and every division into two. */
static void
test_split(void **state)
{
	struct kept	 whole, k;
	struct p1_in	*in;
	struct message	*m;
	uint8_t		*p;
	size_t		 i, j, len;

	for (i = 0; i < 3; i++) {
		p = vector_read(mpdus[i], &len);
		kept_init(&whole, len);
		m = decode_pieces(p, len, len, NULL, &whole, NULL, 0);
		assert_non_null(m);
		message_free(m);
		kept_init(&k, len);
		m = decode_pieces(p, len, 1, NULL, &k, NULL, 0);
		assert_non_null(m);
		message_free(m);
		assert_int_equal(k.nmarkup, whole.nmarkup);
		assert_memory_equal(k.markup, whole.markup, k.nmarkup);
		assert_memory_equal(k.content, whole.content, k.ncontent);
		for (j = 1; j < len; j++) {
			k.nmarkup = k.ncontent = 0;
			in = p1_in_new(P1_1984, 0);
			assert_int_equal(feed(in, p, j, &k), 0);
			assert_int_equal(feed(in, p + j, len - j, &k), 0);
			m = p1_in_end(in);
			assert_non_null(m);
			message_free(m);
			p1_in_free(in);
			assert_int_equal(k.nmarkup, whole.nmarkup);
			assert_memory_equal(k.markup, whole.markup,
			    k.nmarkup);
		}
		kept_free(&k);
		kept_free(&whole);
		free(p);
	}
}

/* Cut at any octet it is no MPDU, and the error says something. */
static void
test_truncated(void **state)
{
	struct message	*m;
	struct ibuf	*b;
	uint64_t	 seed = 3;
	uint8_t		*p;
	char		 error[256];
	size_t		 j;
	int		 i;

	for (i = 0; i < 20; i++) {
		b = random_mpdu(&seed);
		for (j = 0; j < ibuf_size(b); j++) {
			p = malloc(j + 1);
			memcpy(p, ibuf_data(b), j);
			m = decode_pieces(p, j, 1000, NULL, NULL, error,
			    sizeof(error));
			assert_null(m);
			assert_int_not_equal(error[0], '\0');
			free(p);
		}
		ibuf_free(b);
	}
}

/*
 * A transfer that was cut: the markup kept is replayed and the content
 * counted, then the rest is decoded as if nothing had been.
 */
static void
test_replay(void **state)
{
	struct kept	 whole, half;
	struct p1_in	*in;
	struct message	*m;
	struct ibuf	*b, *out[2];
	uint64_t	 seed = 11, n;
	uint8_t		*p;
	size_t		 cut, len, mark, cont;
	ssize_t		 used;
	int		 i;

	for (i = 0; i < 600; i++) {
		b = random_mpdu(&seed);
		p = ibuf_data(b);
		len = ibuf_size(b);
		kept_init(&whole, len);
		kept_init(&half, len);
		m = decode_pieces(p, len, len, NULL, &whole, NULL, 0);
		assert_non_null(m);
		out[0] = encode(m, whole.content, whole.ncontent);
		message_free(m);

		cut = test_random(&seed) % (len + 1);
		in = p1_in_new(P1_1984, 0);
		assert_int_equal(feed(in, p, cut, &half), 0);
		p1_in_free(in);

		in = p1_in_new(P1_1984, 0);
		mark = cont = 0;
		while (mark < half.nmarkup || cont < half.ncontent) {
			used = p1_in_markup(in, half.markup + mark,
			    half.nmarkup - mark);
			assert_true(used >= 0);
			mark += used;
			n = p1_in_skip(in, half.ncontent - cont);
			cont += n;
			assert_true(used > 0 || n > 0);
		}
		assert_int_equal(feed(in, p + cut, len - cut, &half), 0);
		m = p1_in_end(in);
		assert_non_null(m);
		p1_in_free(in);
		assert_int_equal(half.nmarkup, whole.nmarkup);
		assert_memory_equal(half.markup, whole.markup, half.nmarkup);
		assert_int_equal(half.ncontent, whole.ncontent);
		assert_memory_equal(half.content, whole.content,
		    half.ncontent);
		out[1] = encode(m, half.content, half.ncontent);
		assert_int_equal(ibuf_size(out[0]), ibuf_size(out[1]));
		assert_memory_equal(ibuf_data(out[0]), ibuf_data(out[1]),
		    ibuf_size(out[0]));
		message_free(m);
		ibuf_free(out[0]);
		ibuf_free(out[1]);
		ibuf_free(b);
		kept_free(&whole);
		kept_free(&half);
	}
}

/* A content in a million segments streams through; its headers count. */
static void
test_segments(void **state)
{
	static uint8_t	 segment[1004] = { 4, 0x82, 1000 >> 8, 1000 & 0xff };
	struct message	*m = p1_sample(MESSAGE_USER);
	struct p1_in	*in;
	struct ibuf	*b;
	uint8_t		*head;
	size_t		 n;
	int		 i;

	m->content_len = 0;
	b = encode(m, NULL, 0);
	message_free(m);
	/* a0 82 xx xx ... 04 00: make both indefinite. */
	n = ibuf_size(b);
	head = malloc(n);
	memcpy(head, ibuf_data(b), n);
	assert_int_equal(head[1], 0x82);
	head[2] = 0xa0;
	head[3] = 0x80;
	head[n - 2] = 0x24;
	head[n - 1] = 0x80;
	in = p1_in_new(P1_1984, 0);
	assert_int_equal(feed(in, head + 2, n - 2, NULL), 0);
	for (i = 0; i < 100000; i++)
		assert_int_equal(feed(in, segment, sizeof(segment), NULL), 0);
	assert_int_equal(feed(in, (const uint8_t *)"\0\0\0\0", 4, NULL), 0);
	m = p1_in_end(in);
	assert_non_null(m);
	assert_int_equal(m->content_len, 100000000);
	message_free(m);
	p1_in_free(in);

	/* Nothing but empty segments comes to an end. */
	in = p1_in_new(P1_1984, 0);
	assert_int_equal(feed(in, head + 2, n - 2, NULL), 0);
	for (i = 0; i < 1000000; i++)
		if (feed(in, (const uint8_t *)"\4\0", 2, NULL) == -1)
			break;
	assert_true(i < 1000000);
	assert_non_null(strstr(p1_in_error(in), "segments"));
	p1_in_free(in);
	free(head);
	ibuf_free(b);
}

static void
refused(const char *hex, const char *why)
{
	struct p1_in	*in = p1_in_new(P1_1984, 1000);
	struct message	*m = NULL;
	uint8_t		*p;
	size_t		 len;

	p = hex_octets(hex, &len);
	if (feed(in, p, len, NULL) == 0)
		m = p1_in_end(in);
	if (m != NULL)
		fail_msg("%s is taken", hex);
	if (strstr(p1_in_error(in), why) == NULL)
		fail_msg("%s: %s", hex, p1_in_error(in));
	/* It stays refused. */
	assert_int_equal(p1_in_markup(in, p, len), -1);
	assert_null(p1_in_end(in));
	p1_in_free(in);
	free(p);
}

#define SMALL_ENVELOPE "31 4c 64 10 63 0a 61 02 13 00 62 04 13 02 58 58 " \
	"16 02 69 64 60 02 30 00 46 01 02 a2 12 31 10 60 04 30 00 30 00 " \
	"80 01 01 81 02 00 a0 82 01 00 69 1d 30 1b 63 08 61 02 13 00 " \
	"62 02 13 00 31 0f 80 0a 31 31 31 31 31 31 31 31 31 31 82 01 00 "

static void
test_hostile(void **state)
{
	char	*big, *q;
	int	 i;

	refused("", "truncated");
	refused("30 00", "MPDU: unexpected element");
	refused("80 00", "MPDU: unexpected element");
	refused("a3 00", "MPDU: unexpected element");
	refused("a0 00", "no envelope");
	refused("a1 00", "no envelope");
	refused("a2 00", "MPDU.probeMPDU: no probe");
	refused("a0 80 00 00", "no envelope");
	refused("a0 02 04 00", "unexpected element");
	refused("a0 04 31 00 04 00", "UMPDUEnvelope: no mpduIdentifier");
	refused("a1 04 31 00 31 00", "no report");
	/* lengths of 2^63 and near, and longer than what holds them */
	refused("a0 88 80 00 00 00 00 00 00 00", "length too large");
	refused("a0 88 7f ff ff ff ff ff ff ff 31 88 7f ff ff ff ff ff ff ff",
	    "longer");
	refused("a0 88 00 ff ff ff ff ff ff ff 31 87 ff ff ff ff ff ff 00",
	    "more than");
	refused("a0 89 01 00 00 00 00 00 00 00 00", "length too large");
	refused("a0 ff", "length octets");
	refused("a0 80 31 84 7f ff ff ff", "more than");
	refused("a0 03 31 02 00 00", "longer");
	refused("a0 01 31 00", "longer");
	refused("a2 80 30 85 01 00 00 00 00", "more than");
	/* end-of-contents where none is due, and malformed */
	refused("a0 02 00 00", "end-of-contents");
	refused("a0 80 00 01 00", "end-of-contents");
	refused("a0 80 20 80", "end-of-contents");
	refused("a0 80 00 81 00", "end-of-contents");
	/* tags */
	refused("bf ff ff ff ff ff 7f 00", "tag number");
	refused("9f 80 80 80 80 80", "tag number");
	/* contents */
	refused("a0 80 " SMALL_ENVELOPE "04 82 03 e9", "more than 1000");
	refused("a0 80 " SMALL_ENVELOPE "24 80 04 82 03 e9",
	    "more than 1000");
	refused("a0 80 " SMALL_ENVELOPE "24 80 02 01 00",
	    "unexpected element");
	refused("a0 80 " SMALL_ENVELOPE "04 00 05 00", "unexpected element");
	refused("a0 80 " SMALL_ENVELOPE "00 00", "no content");
	refused("a0 80 " SMALL_ENVELOPE "04 00", "truncated");
	refused("a0 80 " SMALL_ENVELOPE "04 00 00 00 00", "behind");
	refused("a0 50 " SMALL_ENVELOPE "04 00 00", "behind");
	refused("a0 80 " SMALL_ENVELOPE "24 80 24 80 24 80 24 80 24 80 24 80 "
	    "24 80 24 80 24 80 24 80 24 80 24 80 24 80 24 80 24 80 24 80 "
	    "24 80", "nested too deep");
	/* returned twice */
	refused("a1 80 31 00 31 80 81 00 81 00", "twice");

	/* Indefinite lengths ten thousand deep. */
	big = malloc(3 * 20002 + 1);
	q = big + sprintf(big, "a2 80 ");
	for (i = 0; i < 10000; i++)
		q += sprintf(q, "30 80 ");
	refused(big, "nested too deep");
	free(big);
}

/*
 * What is collected of an envelope goes up to the limit of memory, and what is
 * decoded from it counts as well.
 */
static void
test_memory(void **state)
{
	static const uint8_t	recipient[] = {
		0x31, 0x10, 0x60, 4, 0x30, 0, 0x30, 0, 0x80, 1, 1,
		0x81, 2, 0, 0xa0, 0x82, 1, 0
	};
	static const char	before[] = "a0 80 31 80 64 10 63 0a 61 02 13 "
	    "00 62 04 13 02 58 58 16 02 69 64 60 02 30 00 46 01 02 a2 80";
	static const size_t	limits[] = { 64 * 1024, 1024 * 1024, 0 };
	struct p1_in		*in;
	uint8_t			*head;
	size_t			 len, i, n, taken[3];
	int			 r;

	head = hex_octets(before, &len);
	for (i = 0; i < 3; i++) {
		in = p1_in_new(P1_1984, 0);
		if (limits[i] != 0)
			p1_in_memory(in, limits[i]);
		r = feed(in, head, len, NULL);
		for (n = 0; r == 0 && n < 100000; n++)
			r = feed(in, recipient, sizeof(recipient), NULL);
		if (r == -1)
			assert_non_null(strstr(p1_in_error(in),
			    "more memory"));
		taken[i] = n;
		p1_in_free(in);
	}
	free(head);
	assert_in_range(taken[0], 1000, 64 * 1024 / sizeof(recipient) + 1);
	assert_in_range(taken[1], 16 * (taken[0] - 20), 60000);
	assert_int_equal(taken[2], 100000);
	/* an envelope that can be collected, and not be decoded */
	in = p1_in_new(P1_1984, 0);
	p1_in_memory(in, 64 * 1024);
	head = hex_octets(before, &len);
	assert_int_equal(feed(in, head, len, NULL), 0);
	for (n = 0; n < 1500; n++)
		assert_int_equal(feed(in, recipient, sizeof(recipient), NULL),
		    0);
	assert_int_equal(feed(in, (const uint8_t *)"\0\0\0\0", 4, NULL), -1);
	assert_non_null(strstr(p1_in_error(in), "memory"));
	p1_in_free(in);
	free(head);
}

/* As many recipients as may be are taken, one more is not. */
static void
test_many_recipients(void **state)
{
	static const uint8_t	recipient[] = {
		0x31, 0x10, 0x60, 4, 0x30, 0, 0x30, 0, 0x80, 1, 1,
		0x81, 2, 0, 0xa0, 0x82, 1, 0
	};
	/* what SMALL_ENVELOPE has before and behind its recipient */
	static const char	before[] = "a0 80 31 80 64 10 63 0a 61 02 13 "
	    "00 62 04 13 02 58 58 16 02 69 64 60 02 30 00 46 01 02 a2 80";
	static const char	behind[] = "00 00 69 1d 30 1b 63 08 61 02 13 "
	    "00 62 02 13 00 31 0f 80 0a 31 31 31 31 31 31 31 31 31 31 82 01 "
	    "00 00 00 04 00 00 00";
	struct p1_in		*in;
	struct message		*m;
	uint8_t			*p, *q;
	size_t			 np, nq;
	int			 i, n, r;

	p = hex_octets(before, &np);
	q = hex_octets(behind, &nq);
	for (n = UB_RECIPIENTS; n <= UB_RECIPIENTS + 1; n++) {
		in = p1_in_new(P1_1984, 0);
		assert_int_equal(feed(in, p, np, NULL), 0);
		for (i = 0; i < n; i++)
			assert_int_equal(feed(in, recipient,
			    sizeof(recipient), NULL), 0);
		r = feed(in, q, nq, NULL);
		m = p1_in_end(in);
		if (n == UB_RECIPIENTS) {
			assert_int_equal(r, 0);
			assert_non_null(m);
			assert_int_equal(m->nrecipient, n);
		} else {
			assert_int_equal(r, -1);
			assert_null(m);
			assert_string_equal(p1_in_error(in), "UMPDUEnvelope."
			    "recipients: more than 32767 elements");
		}
		message_free(m);
		p1_in_free(in);
	}
	free(p);
	free(q);
}

/* Octets changed at random; pieces or not make no difference. */
static void
test_mutations(void **state)
{
	struct message	*m, *m2;
	struct ibuf	*b;
	uint64_t	 seed = 5;
	uint8_t		*p;
	size_t		 len;
	char		*text;
	size_t		 size;
	FILE		*fp;
	int		 i, n;

	for (i = 0; i < 8000; i++) {
		if (i % 4 == 0)
			p = vector_read(mpdus[i / 4 % 3], &len);
		else {
			b = random_mpdu(&seed);
			len = ibuf_size(b);
			p = malloc(len);
			memcpy(p, ibuf_data(b), len);
			ibuf_free(b);
		}
		for (n = test_random(&seed) % 3; n >= 0; n--)
			p[test_random(&seed) % len] = test_random(&seed);
		m = decode_pieces(p, len, len, NULL, NULL, NULL, 0);
		m2 = decode_pieces(p, len, 0, &seed, NULL, NULL, 0);
		assert_true((m == NULL) == (m2 == NULL));
		/* The tables alone come to the same end. */
		fp = open_memstream(&text, &size);
		n = p1_print(P1_1984, p, len, fp);
		fclose(fp);
		if ((n == 0) != (m != NULL))
			fail_msg("run %d: %s", i, text);
		free(text);
		if (m != NULL && m->content_type >= 0) {
			b = encode(m, NULL, 0);
			ibuf_free(b);
		}
		message_free(m);
		message_free(m2);
		free(p);
	}
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_replay),
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_many_recipients),
		cmocka_unit_test(test_mutations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
