/* SPDX-License-Identifier: ISC */

/*
 * RFC 1006 and X.224 class 0: two machines back to back, octets by hand,
 * octets in pieces, and everything that a peer may do wrong.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "transport.h"

struct side {
	struct transport	*t;
	uint8_t			*out;		/* not yet carried */
	size_t			 nout;
	int			 inds, cnfs, downs, reason;
	char			 why[128];
	struct selector		 calling, called;
	uint8_t			*data;		/* of the TSDU coming in */
	size_t			 ndata;
	int			 tsdus;
	size_t			 last_len;
	int			 accept;	/* 1 yes, 0 refuse, -1 later */
};

static struct side	A, B;

static void
connect_ind(void *arg, const struct selector *calling,
    const struct selector *called)
{
	struct side	*s = arg;

	s->inds++;
	s->calling = *calling;
	s->called = *called;
	if (s->accept == 1)
		assert_int_equal(t_connect_rsp(s->t), 0);
	else if (s->accept == 0)
		assert_int_equal(t_connect_refuse(s->t, 0x81), 0);
}

static void
connect_cnf(void *arg)
{
	((struct side *)arg)->cnfs++;
}

static void
data_ind(void *arg, const uint8_t *p, size_t len, int last)
{
	struct side	*s = arg;

	s->data = realloc(s->data, s->ndata + len + 1);
	assert_non_null(s->data);
	if (len > 0)
		memcpy(s->data + s->ndata, p, len);
	s->ndata += len;
	if (last) {
		s->tsdus++;
		s->last_len = s->ndata;
		s->ndata = 0;
	}
}

static void
disconnect_ind(void *arg, int reason, const char *why)
{
	struct side	*s = arg;

	s->downs++;
	s->reason = reason;
	strlcpy(s->why, why, sizeof(s->why));
}

static void
output(void *arg, const struct iovec *iov, int n)
{
	struct side	*s = arg;
	int		 i;

	for (i = 0; i < n; i++) {
		s->out = realloc(s->out, s->nout + iov[i].iov_len + 1);
		assert_non_null(s->out);
		if (iov[i].iov_len > 0)
			memcpy(s->out + s->nout, iov[i].iov_base,
			    iov[i].iov_len);
		s->nout += iov[i].iov_len;
	}
}

static const struct t_user user = {
	connect_ind, connect_cnf, data_ind, disconnect_ind, output
};

static void
fresh(struct side *s, int initiator, uint32_t tpdu)
{
	memset(s, 0, sizeof(*s));
	s->accept = 1;
	s->t = transport_new(&user, s, initiator, tpdu);
	assert_non_null(s->t);
}

static void
done(struct side *s)
{
	transport_free(s->t);
	free(s->out);
	free(s->data);
	memset(s, 0, sizeof(*s));
}

/* Carries what one has put out, in pieces of at most n octets. */
static void
carry(struct side *from, struct side *to, size_t n)
{
	uint8_t	*p = from->out, *piece;
	size_t	 len = from->nout, i, k;

	from->out = NULL;
	from->nout = 0;
	for (i = 0; i < len; i += k) {
		k = len - i < n ? len - i : n;
		/* a copy of just that: reads behind it are found out */
		piece = malloc(k);
		assert_non_null(piece);
		memcpy(piece, p + i, k);
		transport_input(to->t, piece, k);
		free(piece);
	}
	free(p);
}

static void
settle(size_t n)
{
	while (A.nout > 0 || B.nout > 0) {
		carry(&A, &B, n);
		carry(&B, &A, n);
	}
}

static struct selector
sel(const char *s)
{
	struct selector	v;

	memset(&v, 0, sizeof(v));
	v.len = strlen(s);
	memcpy(v.octets, s, v.len);
	return (v);
}

static void
open_pair(uint32_t ours, uint32_t theirs, size_t n)
{
	struct selector	a = sel("ALPHA"), b = sel("591");

	fresh(&A, 1, ours);
	fresh(&B, 0, theirs);
	assert_int_equal(t_connect_req(A.t, &a, &b), 0);
	settle(n);
	assert_int_equal(A.cnfs, 1);
	assert_int_equal(B.inds, 1);
	assert_int_equal(B.called.len, 3);
	assert_memory_equal(B.called.octets, "591", 3);
	assert_int_equal(B.calling.len, 5);
}

static void
close_pair(void)
{
	assert_int_equal(A.downs, 0);
	assert_int_equal(B.downs, 0);
	done(&A);
	done(&B);
}

/* The smaller of both wishes, as a power of two or as RFC 1006 has it. */
static void
test_sizes(void **state)
{
	static const struct {
		uint32_t	ours, theirs, in_force;
	} t[] = {
		{ 65531, 65531, 65531 }, { 128, 65531, 128 },
		{ 65531, 128, 128 }, { 2048, 512, 512 }, { 8192, 8192, 8192 },
		{ 65531, 8192, 8192 },
	};
	size_t	i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		open_pair(t[i].ours, t[i].theirs, 7);
		assert_int_equal(transport_tpdu_size(A.t), t[i].in_force);
		assert_int_equal(transport_tpdu_size(B.t), t[i].in_force);
		close_pair();
	}
}

static void
input(struct side *s, const void *octets, size_t len)
{
	uint8_t	*p = malloc(len);

	assert_non_null(p);
	memcpy(p, octets, len);
	transport_input(s->t, p, len);
	free(p);
}

#define INPUT(s, ...) do {						\
	static const uint8_t o_[] = { __VA_ARGS__ };			\
	input(s, o_, sizeof(o_));					\
} while (0)

/* What a CR says of sizes and selectors, and the CC that answers it. */
static void
test_parameters(void **state)
{
	static const struct {
		const char	*what;
		uint8_t		 p[8];		/* parameters of the CR */
		size_t		 len;
		uint32_t	 in_force;	/* 0: an ER */
		uint8_t		 answer[4];
		size_t		 nanswer;
	} t[] = {
		{ "none", { 0 }, 0, 65531, { 0 }, 0 },
		{ "128", { 0xc0, 1, 7 }, 3, 128, { 0xc0, 1, 7 }, 3 },
		{ "256", { 0xc0, 1, 8 }, 3, 256, { 0xc0, 1, 8 }, 3 },
		{ "512", { 0xc0, 1, 9 }, 3, 512, { 0xc0, 1, 9 }, 3 },
		{ "1024", { 0xc0, 1, 10 }, 3, 1024, { 0xc0, 1, 10 }, 3 },
		{ "2048", { 0xc0, 1, 11 }, 3, 2048, { 0xc0, 1, 11 }, 3 },
		{ "4096", { 0xc0, 1, 12 }, 3, 4096, { 0xc0, 1, 12 }, 3 },
		{ "8192", { 0xc0, 1, 13 }, 3, 8192, { 0xc0, 1, 13 }, 3 },
		{ "preferred 256 before 128", { 0xc0, 1, 7, 0xf0, 1, 2 }, 6,
		    256, { 0xf0, 2, 0, 2 }, 4 },
		{ "preferred in four octets", { 0xf0, 4, 255, 255, 255, 255 },
		    6, 65408, { 0xf0, 2, 1, 255 }, 4 },
		{ "preferred 0 says nothing", { 0xf0, 1, 0 }, 3, 65531,
		    { 0 }, 0 },
		{ "64", { 0xc0, 1, 6 }, 3, 0, { 0 }, 0 },
		{ "code 17", { 0xc0, 1, 17 }, 3, 0, { 0 }, 0 },
		{ "size of two octets", { 0xc0, 2, 0, 10 }, 4, 0, { 0 }, 0 },
		{ "size of none", { 0xc0, 0 }, 2, 0, { 0 }, 0 },
		{ "preferred of none", { 0xf0, 0 }, 2, 0, { 0 }, 0 },
		{ "preferred of five", { 0xf0, 5, 0, 0, 0, 0, 1 }, 7, 0,
		    { 0 }, 0 },
		{ "lone parameter code", { 0xc1 }, 1, 0, { 0 }, 0 },
	};
	uint8_t	cr[11 + 8] = { 3, 0, 0, 0, 0, 0xe0, 0, 0, 0, 1, 0 };
	size_t	i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		fresh(&B, 0, 65531);
		cr[3] = 11 + t[i].len;
		cr[4] = 6 + t[i].len;
		memcpy(cr + 11, t[i].p, t[i].len);
		input(&B, cr, 11 + t[i].len);
		if (B.inds != (t[i].in_force != 0) || B.downs == B.inds)
			fail_msg("%s: %d times asked", t[i].what, B.inds);
		if (t[i].in_force == 0) {
			assert_int_equal(B.out[5], 0x70);
			done(&B);
			continue;
		}
		assert_int_equal(transport_tpdu_size(B.t), t[i].in_force);
		assert_int_equal(B.out[5], 0xd0);
		assert_int_equal(B.nout, 11 + t[i].nanswer);
		assert_memory_equal(B.out + 11, t[i].answer, t[i].nanswer);
		done(&B);
	}
}

/* The longest selectors come through; one octet more is an error. */
static void
test_selectors(void **state)
{
	uint8_t		cr[11 + 2 + TSEL_MAX + 1];
	struct selector	a, none;
	size_t		len;

	memset(&none, 0, sizeof(none));
	memset(&a, 0xa5, sizeof(a));
	a.len = TSEL_MAX;
	fresh(&A, 1, 128);
	fresh(&B, 0, 65531);
	assert_int_equal(t_connect_req(A.t, &a, &a), 0);
	settle(1);
	assert_int_equal(A.cnfs, 1);
	assert_int_equal(B.calling.len, TSEL_MAX);
	assert_memory_equal(B.called.octets, a.octets, TSEL_MAX);
	close_pair();
	fresh(&A, 1, 65531);
	fresh(&B, 0, 65531);
	assert_int_equal(t_connect_req(A.t, &none, &none), 0);
	settle(1000);
	assert_int_equal(B.inds, 1);
	assert_int_equal(B.calling.len + B.called.len, 0);
	close_pair();
	for (len = TSEL_MAX; len <= TSEL_MAX + 1; len++) {
		memset(cr, 0, sizeof(cr));
		cr[0] = 3;
		cr[3] = 13 + len;
		cr[4] = 8 + len;
		cr[5] = 0xe0;
		cr[9] = 1;
		cr[11] = 0xc2;
		cr[12] = len;
		fresh(&B, 0, 65531);
		input(&B, cr, 13 + len);
		assert_int_equal(B.inds, len == TSEL_MAX);
		assert_int_equal(B.downs, len != TSEL_MAX);
		done(&B);
	}
}

static void
send_tsdu(struct side *s, size_t len, size_t piece)
{
	uint8_t	*p = malloc(len + 1);
	size_t	 i, k;

	assert_non_null(p);
	for (i = 0; i < len; i++)
		p[i] = i * 7 + i / 251;
	for (i = 0; i < len; i += k) {
		k = len - i < piece ? len - i : piece;
		assert_int_equal(t_data_req(s->t, p + i, k, i + k == len), 0);
	}
	if (len == 0)
		assert_int_equal(t_data_req(s->t, p, 0, 1), 0);
	free(p);
}

/* No TPDU is larger than agreed, and none of ours is empty at the end. */
static void
check_packets(const struct side *s, uint32_t tpdu, int whole)
{
	size_t	i = 0, len;

	while (i < s->nout) {
		assert_true(s->nout - i >= 7);
		assert_int_equal(s->out[i], 3);
		assert_int_equal(s->out[i + 1], 0);
		len = s->out[i + 2] << 8 | s->out[i + 3];
		assert_true(len - 4 <= tpdu);
		assert_int_equal(s->out[i + 4], 2);
		assert_int_equal(s->out[i + 5], 0xf0);
		if (!whole || len == 7)
			assert_true(len > 7);
		i += len;
	}
	assert_int_equal(i, s->nout);
}

static void
test_tsdus(void **state)
{
	static const uint32_t	tpdus[] = { 128, 1024, 65531 };
	static const size_t	lens[] = { 1, 2, 124, 125, 126, 250, 4095,
	    4096, 4097, 65528, 65529, 200000 };
	static const size_t	pieces[] = { 1, 125, 4096, 1000000 };
	size_t			i, k, m, j;

	for (i = 0; i < 3; i++)
		for (k = 0; k < sizeof(lens) / sizeof(lens[0]); k++)
			for (m = 0; m < 4; m++) {
				if (lens[k] > 10000 && pieces[m] == 1)
					continue;
				open_pair(tpdus[i], 65531, 100000);
				send_tsdu(&A, lens[k], pieces[m]);
				check_packets(&A, tpdus[i], 0);
				carry(&A, &B, m % 2 == 0 ? 100000 :
				    lens[k] > 10000 ? 1021 : 13);
				assert_int_equal(B.tsdus, 1);
				assert_int_equal(B.last_len, lens[k]);
				for (j = 0; j < lens[k]; j++)
					if (B.data[j] != (uint8_t)(j * 7 +
					    j / 251))
						fail_msg("octet %zu", j);
				close_pair();
			}
}

/* Every place of a cut in the stream: nothing depends on it. */
static void
test_pieces(void **state)
{
	size_t	n;

	for (n = 1; n < 40; n++) {
		open_pair(128, 128, n);
		send_tsdu(&A, 300, 300);
		send_tsdu(&B, 77, 10);
		settle(n);
		assert_int_equal(B.tsdus, 1);
		assert_int_equal(B.last_len, 300);
		assert_int_equal(A.last_len, 77);
		close_pair();
	}
}

/* A last DT without data is legal (KB Q123824 refused it). */
static void
test_empty_last(void **state)
{
	open_pair(65531, 65531, 1000);
	INPUT(&B, 3, 0, 0, 9, 2, 0xf0, 0x00, 'h', 'i');
	assert_int_equal(B.tsdus, 0);
	INPUT(&B, 3, 0, 0, 7, 2, 0xf0, 0x80);
	assert_int_equal(B.tsdus, 1);
	assert_int_equal(B.last_len, 2);
	close_pair();
}

/* The reserved octet is not looked at (KB Q151626 has 0x11 there). */
static void
test_reserved(void **state)
{
	open_pair(65531, 65531, 1000);
	INPUT(&B, 3, 0x11, 0, 9, 2, 0xf0, 0x80, 'h', 'i');
	assert_int_equal(B.last_len, 2);
	close_pair();
}

static void
test_refuse(void **state)
{
	struct selector	a = sel("A"), b = sel("B");

	fresh(&A, 1, 65531);
	fresh(&B, 0, 65531);
	B.accept = 0;
	assert_int_equal(t_connect_req(A.t, &a, &b), 0);
	settle(3);
	assert_int_equal(A.cnfs, 0);
	assert_int_equal(A.downs, 1);
	assert_int_equal(A.reason, 0x81);
	assert_int_equal(t_data_req(A.t, (const uint8_t *)"x", 1, 1), -1);
	done(&A);
	done(&B);
}

/* Classes: 0 must be preferred or an alternative. */
static void
test_classes(void **state)
{
	static const struct {
		uint8_t	cr[24];
		size_t	len;
		int	ok;
	} t[] = {
		{ { 3, 0, 0, 11, 6, 0xe0, 0, 0, 0, 1, 0 }, 11, 1 },
		{ { 3, 0, 0, 11, 6, 0xe0, 0, 0, 0, 1, 0x20 }, 11, 0 },
		{ { 3, 0, 0, 11, 6, 0xe0, 0, 0, 0, 1, 0x40 }, 11, 0 },
		{ { 3, 0, 0, 14, 9, 0xe0, 0, 0, 0, 1, 0x40, 0xc7, 1, 0 }, 14,
		    1 },
	};
	size_t	i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		fresh(&B, 0, 65531);
		input(&B, t[i].cr, t[i].len);
		assert_int_equal(B.inds, t[i].ok);
		assert_true(B.nout >= 6);
		assert_int_equal(B.out[5] & 0xf0, t[i].ok ? 0xd0 : 0x80);
		done(&B);
	}
}

/* Unknown parameters of a CR are passed over. */
static void
test_unknown_parameter(void **state)
{
	fresh(&B, 0, 65531);
	INPUT(&B, 3, 0, 0, 15, 10, 0xe0, 0, 0, 0, 1, 0, 0x9a, 2, 1, 2);
	assert_int_equal(B.inds, 1);
	assert_int_equal(B.downs, 0);
	done(&B);
}

static void
test_malformed(void **state)
{
	static const struct {
		const char	*what;
		int		 connected;
		uint8_t		 p[16];
		size_t		 len;
	} t[] = {
		{ "version 2", 0, { 2, 0, 0, 11 }, 4 },
		{ "shorter than its header", 0, { 3, 0, 0, 3 }, 4 },
		{ "no TPDU in it", 0, { 3, 0, 0, 4 }, 4 },
		{ "TPDU of two octets", 0, { 3, 0, 0, 6, 1, 0xe0 }, 6 },
		{ "LI beyond the packet", 0,
		    { 3, 0, 0, 11, 20, 0xe0, 0, 0, 0, 1, 0 }, 11 },
		{ "LI 255", 0, { 3, 0, 0, 11, 255, 0xe0, 0, 0, 0, 1, 0 }, 11 },
		{ "CR too short", 0, { 3, 0, 0, 9, 4, 0xe0, 0, 0, 0 }, 9 },
		{ "CR parameter beyond LI", 0,
		    { 3, 0, 0, 14, 9, 0xe0, 0, 0, 0, 1, 0, 0xc1, 5, 1 }, 14 },
		{ "DT before CR", 0, { 3, 0, 0, 8, 2, 0xf0, 0x80, 1 }, 8 },
		{ "CC from an initiator", 0,
		    { 3, 0, 0, 11, 6, 0xd0, 0, 0, 0, 1, 0 }, 11 },
		{ "HTTP", 0, { 'G', 'E', 'T', ' ', '/' }, 5 },
		{ "CR again", 1, { 3, 0, 0, 11, 6, 0xe0, 0, 0, 0, 1, 0 }, 11 },
		{ "DT with a longer header", 1,
		    { 3, 0, 0, 8, 3, 0xf0, 0x80, 0 }, 8 },
		{ "unknown TPDU", 1, { 3, 0, 0, 7, 2, 0x30, 0 }, 7 },
		{ "expedited data", 1, { 3, 0, 0, 8, 2, 0x10, 0x80, 1 }, 8 },
	};
	size_t	i, k;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		for (k = 0; k < 2; k++) {
			if (t[i].connected)
				open_pair(65531, 65531, 1000);
			else
				fresh(&B, 0, 65531);
			if (k == 0)
				input(&B, t[i].p, t[i].len);
			else {
				size_t j;

				for (j = 0; j < t[i].len; j++)
					input(&B, t[i].p + j, 1);
			}
			if (B.downs != 1)
				fail_msg("%s: %d times down", t[i].what,
				    B.downs);
			assert_int_equal(B.tsdus, 0);
			assert_true(B.why[0] != '\0');
			/* nothing more is heard from it, and it keeps so */
			INPUT(&B, 3, 0, 0, 8, 2, 0xf0, 0x80, 1);
			assert_int_equal(B.downs, 1);
			assert_int_equal(B.tsdus, 0);
			if (t[i].connected)
				done(&A);
			done(&B);
		}
}

/* One larger than agreed upon is borne: nothing is kept of it. */
static void
test_too_large(void **state)
{
	uint8_t	p[4 + 200] = { 3, 0, 0, 204, 2, 0xf0, 0x80 };

	open_pair(128, 128, 1000);
	input(&B, p, sizeof(p));
	assert_int_equal(B.last_len, 197);
	close_pair();
}

static void
test_disconnect(void **state)
{
	open_pair(65531, 65531, 1000);
	INPUT(&A, 3, 0, 0, 11, 6, 0x80, 0, 0, 0, 0, 0x80);
	assert_int_equal(A.downs, 1);
	assert_int_equal(A.reason, 0x80);
	INPUT(&B, 3, 0, 0, 9, 4, 0x70, 0, 0, 1);
	assert_int_equal(B.downs, 1);
	assert_int_equal(t_data_req(B.t, (const uint8_t *)"x", 1, 1), -1);
	done(&A);
	done(&B);
}

static void
test_states(void **state)
{
	struct selector	s = sel("X");

	fresh(&A, 1, 65531);
	assert_int_equal(t_connect_rsp(A.t), -1);
	assert_int_equal(t_data_req(A.t, (const uint8_t *)"x", 1, 1), -1);
	assert_int_equal(t_connect_req(A.t, &s, &s), 0);
	assert_int_equal(t_connect_req(A.t, &s, &s), -1);
	done(&A);
	fresh(&B, 0, 65531);
	assert_int_equal(t_connect_req(B.t, &s, &s), -1);
	assert_int_equal(t_connect_rsp(B.t), -1);
	assert_int_equal(B.nout, 0);
	done(&B);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_selectors),
		cmocka_unit_test(test_tsdus),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_empty_last),
		cmocka_unit_test(test_reserved),
		cmocka_unit_test(test_refuse),
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_unknown_parameter),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_disconnect),
		cmocka_unit_test(test_states),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
