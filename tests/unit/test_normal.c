/* SPDX-License-Identifier: ISC */

/*
 * Normal mode: presentation, association control and RTSE around the
 * services of reliable transfer, on the octets of a real association and on
 * what peers may get wrong; and P-DATA as a stream in all its forms.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "acse.h"
#include "imsg.h"
#include "normal.h"
#include "rtse.h"
#include "vectors.h"

static struct ibuf *
buffer(void)
{
	struct ibuf	*b = ibuf_dynamic(64, 65536);

	assert_non_null(b);
	return (b);
}

/* The captured association (Wireshark's x400-ping-success). */
static void
test_captured(void **state)
{
	struct normal	 n;
	struct pconnect	 pc;
	struct paccept	 pa;
	uint8_t		*p;
	const char	*why = NULL;
	size_t		 len;
	int		 refusal, reason;

	normal_init(&n, NULL, NULL);
	p = vector_read("x400-ping-success/cp.ber", &len);
	assert_int_equal(normal_connect_decode(&n, &pc, p, len, &refusal,
	    &reason, &why), 0);
	assert_int_equal(pc.normal, 1);
	assert_int_equal(pc.checkpoint, 63);
	assert_int_equal(pc.window, 3);		/* absent */
	assert_int_equal(pc.dialogue, DIALOGUE_MONOLOGUE);
	assert_false(pc.data.recover);
	assert_true(pc.data.has_credentials);
	assert_string_equal(pc.data.credentials.name, "percival.smhs.co.uk");
	assert_string_equal(pc.data.credentials.password, "excalibur");
	assert_int_equal(n.acse, 1);
	assert_int_equal(n.rtse, 3);
	assert_int_equal(n.ncontext, 3);
	free(p);

	p = vector_read("x400-ping-success/cpa.ber", &len);
	assert_int_equal(normal_accept_decode(&n, &pa, p, len, &why), 0);
	assert_int_equal(pa.checkpoint, 63);
	assert_string_equal(pa.data.credentials.name,
	    "guinevere.smhs.co.uk");
	assert_string_equal(pa.data.credentials.password, "merlin");
	free(p);
}

/* Release comes out octet for octet as captured. */
static void
test_release(void **state)
{
	static const char *const	files[] = {
	    "x400-ping-success/rlrq.ber", "x400-ping-success/rlre.ber" };
	struct normal			n;
	struct ibuf			*b;
	uint8_t				*p;
	size_t				len;
	int				i;

	normal_init(&n, NULL, NULL);
	for (i = 0; i < 2; i++) {
		p = vector_read(files[i], &len);
		b = buffer();
		assert_int_equal(normal_release_encode(&n, i, b), 0);
		assert_int_equal(ibuf_size(b), len);
		assert_memory_equal(ibuf_data(b), p, len);
		ibuf_free(b);
		free(p);
	}
}

static void
make_open(struct pconnect *pc)
{
	memset(pc, 0, sizeof(*pc));
	pc->normal = 1;
	pc->version = -1;
	pc->checkpoint = 30;
	pc->window = 5;
	pc->dialogue = DIALOGUE_TWA;
	pc->data.has_credentials = 1;
	strlcpy(pc->data.credentials.name, "alpha",
	    sizeof(pc->data.credentials.name));
	strlcpy(pc->data.credentials.password, "secret",
	    sizeof(pc->data.credentials.password));
}

static void
make_recover(struct rts_connection_data *d)
{
	memset(d, 0, sizeof(*d));
	d->recover = 1;
	memcpy(d->recovered.user, "\x04\x05" "alpha", 7);
	d->recovered.user_len = 7;
	memcpy(d->recovered.common, "\x17\x0d" "261123180000Z", 15);
	d->recovered.common_len = 15;
	memcpy(d->recovered.additional, "\x14\x02" "01", 4);
	d->recovered.additional_len = 4;
}

static void
carry_connect(const struct pconnect *pc, struct pconnect *got,
    struct normal *n)
{
	struct normal	 ours;
	struct selector	 a = { 2, "ab" }, b = { 3, "591" };
	struct ibuf	*buf = buffer();
	const char	*why = "";
	int		 refusal, reason;

	normal_init(&ours, &a, &b);
	assert_int_equal(normal_connect_encode(&ours, pc, buf), 0);
	normal_init(n, NULL, NULL);
	if (normal_connect_decode(n, got, ibuf_data(buf), ibuf_size(buf),
	    &refusal, &reason, &why) == -1)
		fail_msg("%s", why);
	ibuf_free(buf);
}

static void
test_connect(void **state)
{
	struct pconnect	pc, got;
	struct normal	n;
	int		i;

	make_open(&pc);
	carry_connect(&pc, &got, &n);
	assert_memory_equal(&pc, &got, sizeof(pc));
	pc.data.has_credentials = 0;	/* unauthenticated: NULL */
	memset(&pc.data.credentials, 0, sizeof(pc.data.credentials));
	carry_connect(&pc, &got, &n);
	assert_memory_equal(&pc, &got, sizeof(pc));
	make_recover(&pc.data);
	carry_connect(&pc, &got, &n);
	assert_memory_equal(&pc, &got, sizeof(pc));
	/* a T61String stays one, and no additional reference is none */
	pc.data.recovered.user[0] = 0x14;
	pc.data.recovered.additional_len = 0;
	memset(pc.data.recovered.additional, 0, 4);
	carry_connect(&pc, &got, &n);
	assert_memory_equal(&pc, &got, sizeof(pc));
	for (i = 0; i < 3; i++)
		assert_int_equal(n.result[i], P_ACCEPTANCE);
}

static void
test_accept(void **state)
{
	struct pconnect	 pc, got;
	struct paccept	 pa, back;
	struct normal	 ours, n;
	struct ibuf	*buf;
	const char	*why = "";
	int		 i, refusal, reason;

	for (i = 0; i < 2; i++) {
		make_open(&pc);
		normal_init(&ours, NULL, NULL);
		buf = buffer();
		assert_int_equal(normal_connect_encode(&ours, &pc, buf), 0);
		normal_init(&n, NULL, NULL);
		assert_int_equal(normal_connect_decode(&n, &got,
		    ibuf_data(buf), ibuf_size(buf), &refusal, &reason, &why),
		    0);
		ibuf_free(buf);
		memset(&pa, 0, sizeof(pa));
		pa.checkpoint = 16;
		pa.window = 2;
		if (i == 1)
			make_recover(&pa.data);
		else {
			pa.data = pc.data;
		}
		buf = buffer();
		assert_int_equal(normal_accept_encode(&n, &pa, buf), 0);
		if (normal_accept_decode(&ours, &back, ibuf_data(buf),
		    ibuf_size(buf), &why) == -1)
			fail_msg("%s", why);
		assert_memory_equal(&pa, &back, sizeof(pa));
		ibuf_free(buf);
	}
}

static void
test_refuse(void **state)
{
	static const struct {
		int		 refusal, reason, got;
		const char	*why;
	} t[] = {
		{ NORMAL_RTS, RTS_BUSY, RTS_BUSY, NULL },
		{ NORMAL_RTS, RTS_CANNOT_RECOVER, RTS_CANNOT_RECOVER, NULL },
		{ NORMAL_RTS, RTS_VALIDATION_FAILURE, RTS_VALIDATION_FAILURE,
		    NULL },
		{ NORMAL_RTS, RTS_UNACCEPTABLE_DIALOGUE_MODE,
		    RTS_UNACCEPTABLE_DIALOGUE_MODE, NULL },
		{ NORMAL_ACSE, ACSE_CONTEXT_NAME_NOT_SUPPORTED, -1,
		    "application context name not supported" },
		{ NORMAL_PRESENTATION, P_USER_DATA_NOT_READABLE, -1,
		    "user data not readable" },
	};
	struct normal	 n;
	struct ibuf	*buf;
	const char	*why;
	size_t		 i;
	int		 reason;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		normal_init(&n, NULL, NULL);
		n.ncontext = 3;
		buf = buffer();
		assert_int_equal(normal_refuse_encode(&n, t[i].refusal,
		    t[i].reason, buf), 0);
		why = "";
		if (normal_refuse_decode(&n, &reason, ibuf_data(buf),
		    ibuf_size(buf), &why) == -1)
			fail_msg("%zu: %s", i, why);
		assert_int_equal(reason, t[i].got);
		if (t[i].why != NULL)
			assert_non_null(strstr(why, t[i].why));
		ibuf_free(buf);
	}
}

static void
test_abort(void **state)
{
	struct abort_information	 info, got;
	struct normal			 n;
	struct ibuf			*buf;
	const char			*why = "";
	int				 i;

	normal_init(&n, NULL, NULL);
	for (i = -1; i <= RTS_ABORT_TRANSFER_COMPLETED; i++) {
		memset(&info, 0, sizeof(info));
		info.reason = i;
		buf = buffer();
		assert_int_equal(normal_abort_encode(&n, &info, buf), 0);
		if (normal_abort_decode(&n, &got, ibuf_data(buf),
		    ibuf_size(buf), &why) == -1)
			fail_msg("%s", why);
		assert_int_equal(got.reason, i);
		ibuf_free(buf);
	}
	buf = buffer();
	assert_int_equal(arp_encode(1, buf), 0);
	assert_int_equal(normal_abort_decode(&n, &got, ibuf_data(buf),
	    ibuf_size(buf), &why), 0);
	assert_int_equal(got.reason, RTS_ABORT_PROTOCOL_ERROR);
	ibuf_free(buf);
}

static void
test_priority(void **state)
{
	struct normal	 n;
	struct ibuf	*buf = buffer();
	int		 v = -1;

	normal_init(&n, NULL, NULL);
	assert_int_equal(normal_priority_encode(&n, 2, buf), 0);
	assert_int_equal(normal_priority_decode(&n, &v, ibuf_data(buf),
	    ibuf_size(buf)), 0);
	assert_int_equal(v, 2);
	n.rtse = 9;
	assert_int_equal(normal_priority_decode(&n, &v, ibuf_data(buf),
	    ibuf_size(buf)), -1);
	ibuf_free(buf);
}

/*
 * Every single octet of the captured CP is replaced, and every cut of it
 * tried: it is understood or refused with a reason, never anything else.
 */
static void
test_damaged(void **state)
{
	static const uint8_t	values[] = { 0, 1, 0x30, 0x7f, 0x80, 0xa0,
	    0xff };
	struct normal	 n;
	struct pconnect	 pc;
	uint8_t		*p, *copy;
	const char	*why;
	size_t		 len, i, k, bad = 0;
	int		 refusal, reason;

	p = vector_read("x400-ping-success/cp.ber", &len);
	for (i = 0; i < len; i++) {
		for (k = 0; k <= sizeof(values); k++) {
			size_t n_ = k == sizeof(values) ? i : len;

			copy = malloc(n_ + 1);
			assert_non_null(copy);
			memcpy(copy, p, n_);
			if (k < sizeof(values))
				copy[i] = values[k];
			normal_init(&n, NULL, NULL);
			why = NULL;
			if (normal_connect_decode(&n, &pc, copy, n_,
			    &refusal, &reason, &why) == -1) {
				assert_true(why != NULL && why[0] != '\0');
				assert_true(refusal >= NORMAL_RTS &&
				    refusal <= NORMAL_PRESENTATION);
				assert_true(reason >= 0);
				bad++;
			}
			free(copy);
		}
	}
	assert_true(bad > len);
	free(p);
}

/* What is proposed decides what is refused, and by whom. */
static void
test_proposals(void **state)
{
	static const uint8_t	other_arcs[] = { 0x56, 0, 2, 99 };
	struct asn1_octets	other = { other_arcs, 4, 0 };
	struct p_connect	c;
	struct asn1_memory	m;
	struct normal		n;
	struct pconnect		pc, got;
	struct acse		ac;
	struct ibuf		*cp = buffer(), *buf, *acse;
	const char		*why = "";
	int			x410, reason, refusal;

	make_open(&pc);
	normal_init(&n, NULL, NULL);
	assert_int_equal(normal_connect_encode(&n, &pc, cp), 0);
	asn1_memory_init(&m, 65536);
	assert_int_equal(cp_decode(&c, ibuf_data(cp), ibuf_size(cp), &m,
	    &x410, &reason, &why), 0);
	assert_false(x410);

	/* one more context that nobody knows: refused, the rest is not */
	c.context[3] = c.context[2];
	c.context[3].id = 7;
	c.context[3].abstract = other;
	c.ncontext = 4;
	buf = buffer();
	assert_int_equal(cp_encode(&c, buf), 0);
	assert_int_equal(normal_connect_decode(&n, &got, ibuf_data(buf),
	    ibuf_size(buf), &refusal, &reason, &why), 0);
	assert_int_equal(n.result[3], P_PROVIDER_REJECTION);
	assert_int_equal(n.rejection[3], P_ABSTRACT_SYNTAX_NOT_SUPPORTED);
	assert_int_equal(n.result[1], P_ACCEPTANCE);
	ibuf_free(buf);

	/* the same identifier twice */
	c.context[3].id = 1;
	buf = buffer();
	assert_int_equal(cp_encode(&c, buf), 0);
	assert_int_equal(normal_connect_decode(&n, &got, ibuf_data(buf),
	    ibuf_size(buf), &refusal, &reason, &why), -1);
	assert_int_equal(refusal, NORMAL_PRESENTATION);
	ibuf_free(buf);

	/* no RTSE among them */
	c.ncontext = 3;
	c.context[1].abstract = other;
	buf = buffer();
	assert_int_equal(cp_encode(&c, buf), 0);
	assert_int_equal(normal_connect_decode(&n, &got, ibuf_data(buf),
	    ibuf_size(buf), &refusal, &reason, &why), -1);
	assert_int_equal(refusal, NORMAL_ACSE);
	ibuf_free(buf);

	/* another application context */
	asn1_memory_free(&m);
	asn1_memory_init(&m, 65536);
	assert_int_equal(cp_decode(&c, ibuf_data(cp), ibuf_size(cp), &m,
	    &x410, &reason, &why), 0);
	assert_int_equal(acse_decode(&ac, c.user.octets.p, c.user.octets.len,
	    &m, &why), 0);
	ac.context_name = other;
	acse = buffer();
	assert_int_equal(acse_encode(&ac, acse), 0);
	c.user.octets.p = ibuf_data(acse);
	c.user.octets.len = ibuf_size(acse);
	buf = buffer();
	assert_int_equal(cp_encode(&c, buf), 0);
	assert_int_equal(normal_connect_decode(&n, &got, ibuf_data(buf),
	    ibuf_size(buf), &refusal, &reason, &why), -1);
	assert_int_equal(refusal, NORMAL_ACSE);
	assert_int_equal(reason, ACSE_CONTEXT_NAME_NOT_SUPPORTED);
	assert_non_null(strstr(why, "2.6.0.2.99"));
	ibuf_free(buf);
	ibuf_free(acse);
	ibuf_free(cp);
	asn1_memory_free(&m);
}

/* Strong credentials are known for what they are. */
static void
test_strong(void **state)
{
	/* [16]{[3]{[0]{[16]{[1]{ name [0], credentials [1]{ [0]{} } }}}}} */
	static const uint8_t	apdu[] = { 0xb0, 0x12, 0xa3, 0x10, 0xa0, 0x0e,
	    0xb0, 0x0c, 0xa1, 0x0a, 0x80, 0x04, 'n', 'a', 'm', 'e', 0xa1,
	    0x02, 0xa0, 0x00 };
	struct pconnect		pc;
	const char		*why = "";
	int			refuse;

	assert_int_equal(rtorq_decode(&pc, apdu, sizeof(apdu), &refuse, &why),
	    -1);
	assert_int_equal(refuse, RTS_VALIDATION_FAILURE);
	assert_non_null(strstr(why, "strong"));
}

/* P-DATA */

static uint8_t	got[300000];
static size_t	ngot;

static void
data(void *arg, const uint8_t *p, size_t len)
{
	assert_true(ngot + len <= sizeof(got));
	memcpy(got + ngot, p, len);
	ngot += len;
}

static int
stream(const uint8_t *p, size_t len, size_t piece, const char **why)
{
	struct p_data	 d;
	uint8_t		*copy;
	size_t		 i, n;
	int		 r = 0;

	ngot = 0;
	p_data_init(&d, 3);
	if (len == 0)
		return (p_data_input(&d, NULL, 0, 1, data, NULL, why));
	for (i = 0; i < len && r == 0; i += n) {
		n = len - i < piece ? len - i : piece;
		copy = malloc(n);
		assert_non_null(copy);
		memcpy(copy, p + i, n);
		r = p_data_input(&d, copy, n, i + n == len, data, NULL, why);
		free(copy);
	}
	return (r);
}

static void
test_data_lengths(void **state)
{
	static const size_t	lens[] = { 1, 2, 100, 115, 116, 117, 127, 128,
	    240, 255, 256, 1024, 65520, 65535, 65536, 250000 };
	static const int64_t	contexts[] = { 3, 1, 127, 128, 255, 256,
	    65535, -1 };
	uint8_t			head[P_DATA_HEADER_MAX], *p;
	struct p_value		v;
	struct asn1_memory	m;
	const char		*why = "";
	size_t			i, k, n;

	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		n = p_data_header(head, 3, lens[i]);
		assert_true(n <= sizeof(head));
		p = malloc(n + lens[i]);
		assert_non_null(p);
		memcpy(p, head, n);
		for (k = 0; k < lens[i]; k++)
			p[n + k] = k * 13 + k / 256;
		for (k = 1; k < 100000; k = k * 7 + 1) {
			if (k == 1 && lens[i] > 70000)
				continue;
			if (stream(p, n + lens[i], k, &why) == -1)
				fail_msg("%zu: %s", lens[i], why);
			assert_int_equal(ngot, lens[i]);
			assert_memory_equal(got, p + n, lens[i]);
		}
		/* and the tables read it as the same */
		if (lens[i] < 60000) {
			asn1_memory_init(&m, 100000);
			assert_int_equal(p_user_data_decode(&v, p,
			    n + lens[i], &m, &why), 0);
			assert_int_equal(v.context, 3);
			assert_true(v.octets.len > lens[i]);
			asn1_memory_free(&m);
		}
		free(p);
	}
	for (i = 0; i < sizeof(contexts) / sizeof(contexts[0]); i++) {
		n = p_data_header(head, contexts[i], 1);
		head[n] = 'x';
		asn1_memory_init(&m, 1000);
		assert_int_equal(p_user_data_decode(&v, head, n + 1, &m,
		    &why), 0);
		assert_int_equal(v.context, contexts[i]);
		asn1_memory_free(&m);
	}
}

struct form {
	const char	*what;
	uint8_t		 p[64];
	size_t		 len;
	const char	*text;		/* NULL: refused */
};

static const struct form forms[] = {
	{ "single-ASN1-type", { 0x61, 12, 0x30, 10, 2, 1, 3, 0xa0, 5, 4, 3,
	    'a', 'b', 'c' }, 14, "abc" },
	{ "with a transfer syntax name", { 0x61, 16, 0x30, 14, 6, 2, 0x51, 1,
	    2, 1, 3, 0xa0, 5, 4, 3, 'a', 'b', 'c' }, 18, "abc" },
	{ "all indefinite", { 0x61, 0x80, 0x30, 0x80, 2, 1, 3, 0xa0, 0x80,
	    0x24, 0x80, 4, 2, 'a', 'b', 4, 1, 'c', 0, 0, 0, 0, 0, 0, 0, 0 },
	    26, "abc" },
	{ "constructed, definite", { 0x61, 16, 0x30, 14, 2, 1, 3, 0xa0, 9,
	    0x24, 7, 4, 2, 'a', 'b', 4, 1, 'c' }, 18, "abc" },
	{ "octet-aligned", { 0x61, 12, 0x30, 10, 2, 1, 3, 0x81, 5, 4, 3, 'a',
	    'b', 'c' }, 14, "abc" },
	{ "octet-aligned in segments", { 0x61, 0x80, 0x30, 0x80, 2, 1, 3,
	    0xa1, 0x80, 4, 1, 4, 4, 2, 3, 'a', 4, 2, 'b', 'c', 0, 0, 0, 0, 0,
	    0 }, 26, "abc" },
	{ "arbitrary", { 0x61, 13, 0x30, 11, 2, 1, 3, 0x82, 6, 0, 4, 3, 'a',
	    'b', 'c' }, 15, "abc" },
	{ "arbitrary in segments", { 0x61, 19, 0x30, 17, 2, 1, 3, 0xa2, 12, 3,
	    4, 0, 4, 3, 'a', 3, 4, 0, 'b', 'c', 0 }, 20, NULL },
	{ "long lengths", { 0x61, 0x82, 0, 16, 0x30, 0x81, 13, 2, 1, 3, 0xa0,
	    0x83, 0, 0, 5, 4, 3, 'a', 'b', 'c' }, 20, "abc" },
	{ "two PDV-lists", { 0x61, 22, 0x30, 9, 2, 1, 3, 0xa0, 4, 4, 2, 'a',
	    'b', 0x30, 9, 2, 1, 3, 0xa0, 4, 4, 2, 'c', 'd' }, 24, "abcd" },
	{ "empty OCTET STRING", { 0x61, 9, 0x30, 7, 2, 1, 3, 0xa0, 2, 4, 0 },
	    11, "" },
	{ "another context", { 0x61, 12, 0x30, 10, 2, 1, 5, 0xa0, 5, 4, 3,
	    'a', 'b', 'c' }, 14, NULL },
	{ "no context", { 0x61, 9, 0x30, 7, 0xa0, 5, 4, 3, 'a', 'b', 'c' },
	    11, NULL },
	{ "not an OCTET STRING", { 0x61, 12, 0x30, 10, 2, 1, 3, 0xa0, 5, 2, 3,
	    'a', 'b', 'c' }, 14, NULL },
	{ "two values as one", { 0x61, 15, 0x30, 13, 2, 1, 3, 0xa0, 8, 4, 3,
	    'a', 'b', 'c', 4, 1, 'd' }, 17, NULL },
	{ "nothing in it", { 0x61, 7, 0x30, 5, 2, 1, 3, 0xa0, 0 }, 9, NULL },
	{ "no PDV-list", { 0x61, 2, 4, 0 }, 4, NULL },
	{ "simply encoded", { 0x60, 5, 4, 3, 'a', 'b', 'c' }, 7, NULL },
	{ "value longer than its level", { 0x61, 12, 0x30, 10, 2, 1, 3, 0xa0,
	    5, 4, 9, 'a', 'b', 'c' }, 14, NULL },
	{ "level longer than its level", { 0x61, 12, 0x30, 20, 2, 1, 3, 0xa0,
	    5, 4, 3, 'a', 'b', 'c' }, 14, NULL },
	{ "ends too early", { 0x61, 13, 0x30, 10, 2, 1, 3, 0xa0, 5, 4, 3, 'a',
	    'b', 'c' }, 14, NULL },
	{ "octets behind", { 0x61, 12, 0x30, 10, 2, 1, 3, 0xa0, 5, 4, 3, 'a',
	    'b', 'c', 0x61 }, 15, NULL },
	{ "end-of-contents astray", { 0x61, 14, 0x30, 12, 2, 1, 3, 0xa0, 7, 0,
	    0, 4, 3, 'a', 'b', 'c' }, 16, NULL },
	{ "bits that are no octets", { 0x61, 13, 0x30, 11, 2, 1, 3, 0x82, 6,
	    3, 4, 3, 'a', 'b', 'c' }, 15, NULL },
	{ "empty", { 0 }, 0, NULL },
};

static void
test_data_forms(void **state)
{
	const char	*why;
	size_t		 i, piece;
	int		 r;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		for (piece = 1; piece < 40; piece++) {
			why = NULL;
			r = stream(forms[i].p, forms[i].len, piece, &why);
			if ((r == 0) != (forms[i].text != NULL))
				fail_msg("%s, pieces of %zu: %s",
				    forms[i].what, piece, r == 0 ? "taken" :
				    why);
			if (r == 0) {
				assert_int_equal(ngot,
				    strlen(forms[i].text));
				assert_memory_equal(got, forms[i].text, ngot);
			} else
				assert_true(why != NULL && why[0] != '\0');
		}
}

/* Deeper than anyone needs. */
static void
test_data_depth(void **state)
{
	uint8_t		p[300] = { 0x61, 0x80, 0x30, 0x80, 2, 1, 3, 0xa0,
	    0x80 };
	const char	*why = NULL;
	size_t		n;

	for (n = 9; n < 200; n += 2) {
		p[n] = 0x24;
		p[n + 1] = 0x80;
	}
	assert_int_equal(stream(p, n, 300, &why), -1);
	assert_non_null(strstr(why, "deep"));
}

static void
test_oids(void **state)
{
	static const uint8_t	big[] = { 0x88, 0x37, 0x83, 0xff, 0x7f };
	struct asn1_octets	o = { big, sizeof(big), 0 };
	char			buf[64];

	assert_string_equal(oid_print(&oid_mts_transfer, buf, sizeof(buf)),
	    "2.6.0.1.6");
	assert_string_equal(oid_print(&oid_acse, buf, sizeof(buf)),
	    "2.2.1.0.1");
	assert_string_equal(oid_print(&oid_basic_encoding, buf, sizeof(buf)),
	    "2.1.1");
	assert_string_equal(oid_print(&o, buf, sizeof(buf)),
	    "2.999.65535");
	assert_string_equal(oid_print(&o, buf, 4), "2.9");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_captured),
		cmocka_unit_test(test_release),
		cmocka_unit_test(test_connect),
		cmocka_unit_test(test_accept),
		cmocka_unit_test(test_refuse),
		cmocka_unit_test(test_abort),
		cmocka_unit_test(test_priority),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_proposals),
		cmocka_unit_test(test_strong),
		cmocka_unit_test(test_data_lengths),
		cmocka_unit_test(test_data_forms),
		cmocka_unit_test(test_data_depth),
		cmocka_unit_test(test_oids),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
