/* SPDX-License-Identifier: ISC */

/*
 * P1 of 1984: what real systems sent, every form of BER for values at random,
 * and what cannot be said.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "asn1_random.h"
#include "imsg.h"
#include "p1.h"
#include "p1_84.h"
#include "p1_decode.h"
#include "p1_sample.h"
#include "vectors.h"

static char *
print(const uint8_t *p, size_t len)
{
	char	*text;
	size_t	 size;
	FILE	*fp = open_memstream(&text, &size);
	int	 r = p1_print(P1_1984, p, len, fp);

	fclose(fp);
	if (r == -1)
		fail_msg("cannot print: %s", text);
	/* Room for a few characters more. */
	return realloc(text, size + 16);
}

static void
assert_attr(const struct or_address *or, int i, int type, const char *value)
{
	assert_true(i < or->nattr);
	assert_int_equal(or->attr[i].type, type);
	assert_int_equal(or->attr[i].len, strlen(value));
	assert_string_equal(or->attr[i].value, value);
	assert_int_equal(or->attr[i].charset, OR_PRINTABLE);
}

/* What EAN of 1985 wrote comes out field by field. */
static void
test_ean(void **state)
{
	struct message		*m;
	const struct or_address	*or;
	uint8_t			*p;
	size_t			 len;

	p = vector_read(mpdus[0], &len);
	m = decode(p, len);
	free(p);
	assert_int_equal(m->type, MESSAGE_USER);
	assert_int_equal(m->has_content, 1);
	assert_int_equal(m->content_len, 342);
	assert_int_equal(m->content_type, 2);
	assert_int_equal(m->has_content_id, 1);
	assert_int_equal(m->id.domain.country[0], '\0');
	assert_int_equal(m->id.domain.admd[0], '\0');
	assert_string_equal(m->id.domain.prmd, "uk");
	assert_string_equal(m->id.local, "851106103311");
	or = &m->originator;
	assert_int_equal(or->nattr, 5);
	assert_attr(or, 0, OR_C, "");
	assert_attr(or, 1, OR_A, "");
	assert_attr(or, 2, OR_P, "uk");
	assert_attr(or, 3, OR_DDA, "ean");
	assert_string_equal(or->attr[3].dda_type, "");
	assert_attr(or, 4, OR_DDA, "ean.vax2.cs.ucl.ac");
	assert_int_equal(m->original.present, 1);
	assert_int_equal(m->nrecipient, 1);
	or = &m->recipient[0].name;
	assert_int_equal(or->nattr, 5);
	assert_attr(or, 3, OR_DDA, "alina");
	assert_int_equal(m->ntrace, 1);
	assert_string_equal(m->trace[0].domain.prmd, "uk");
	assert_int_equal(strlen(m->trace[0].arrival.text), 17);
	assert_int_equal(m->trace[0].action, TRACE_RELAYED);
	assert_int_equal(m->nbilateral, 0);
	assert_int_equal(m->deferred.text[0], '\0');
	message_free(m);
}

/* A real MPDU decodes and encodes again to the same values. */
static void
test_captured_again(void **state)
{
	struct kept	 k;
	struct message	*m;
	struct ibuf	*b;
	uint8_t		*p, *c;
	char		*before, *after, *flags;
	size_t		 i, len, clen;
	char		 name[64];

	for (i = 0; i < 3; i++) {
		p = vector_read(mpdus[i], &len);
		kept_init(&k, len);
		m = decode_pieces(p, len, len, NULL, &k, NULL, 0);
		assert_non_null(m);
		/* The content is what was put together into the MPDU. */
		snprintf(name, sizeof(name), "ean-1985/msg%zu.content.ber",
		    i + 1);
		c = vector_read(name, &clen);
		assert_int_equal(k.ncontent, clen);
		assert_memory_equal(k.content, c, clen);
		assert_int_equal(m->content_len, clen);
		b = encode(m, k.content, k.ncontent);
		before = print(p, len);
		after = print(ibuf_data(b), ibuf_size(b));
		/* Five bits came; we write the three reserved ones too. */
		flags = strstr(before, "'10001'B");
		assert_non_null(flags);
		assert_memory_equal(strstr(after, "'10001000'B"),
		    "'10001000'B", 11);
		memmove(flags + 9, flags + 6, strlen(flags + 6) + 1);
		memcpy(flags + 6, "000'B", 3);
		assert_string_equal(before, after);
		free(before);
		free(after);
		free(c);
		ibuf_free(b);
		message_free(m);
		kept_free(&k);
		free(p);
	}
}

/* TraceInformation elements of Exchange, which are all indefinite. */
static void
test_captured_trace(void **state)
{
	static const struct {
		const char	*file, *country, *prmd, *arrival;
	} v[] = {
		{ "01-Q153188", "US", "MICROSOFT", "960701133155-0400" },
		{ "03-Q184681", "US", "Microsoft", "980320155300-0800" },
		{ "04-Q224987", "US", "Microsoft", "981208151400-0500" },
		{ "05-Q231488", "US", "JHANCOCK", "990413111837-0400" },
		{ "06-Q251016", "US", "JOE", "000113162204Z" },
	};
	struct asn1_memory	 mem;
	struct asn1		 a;
	struct p1_trace		 t;
	struct ber_out		 o;
	char			 name[64];
	uint8_t			*p;
	size_t			 i, len;

	for (i = 0; i < 6; i++) {
		snprintf(name, sizeof(name), "kb-trace-information/%s.ber",
		    i < 5 ? v[i].file : "02-Q176952");
		p = vector_read(name, &len);
		memset(&t, 0, sizeof(t));
		asn1_memory_init(&mem, 4096);
		asn1_init(&a, &mem);
		if (i == 5) {
			/* cut short where it was printed */
			assert_int_equal(asn1_decode_all(&a, &p1_type_trace,
			    p, len, &t), -1);
			asn1_memory_free(&mem);
			free(p);
			break;
		}
		if (asn1_decode_all(&a, &p1_type_trace, p, len, &t) == -1)
			fail_msg("%s: %s", name, a.error);
		assert_memory_equal(t.domain.country.p, v[i].country, 2);
		assert_int_equal(t.domain.prmd.len, strlen(v[i].prmd));
		assert_memory_equal(t.domain.prmd.p, v[i].prmd,
		    t.domain.prmd.len);
		assert_int_equal(t.supplied.arrival.len,
		    strlen(v[i].arrival));
		assert_memory_equal(t.supplied.arrival.p, v[i].arrival,
		    t.supplied.arrival.len);
		assert_int_equal(t.supplied.action, 0);
		assert_int_equal(t.supplied.other_actions.nbits, 2);
		ber_out_init(&o);
		assert_int_equal(asn1_encode(&a, &p1_type_trace, &t, &o), 0);
		assert_true(ber_out_length(&o) < len);
		ber_out_free(&o);
		asn1_memory_free(&mem);
		free(p);
	}
}

/* Bodies of no octets, of one, and on either side of length forms. */
static void
test_content_lengths(void **state)
{
	static const size_t	lengths[] = {
		0, 1, 2, 127, 128, 129, 255, 256, 65535, 65536, 200000
	};
	uint8_t			*c = calloc(1, 200000);
	struct message		*m, *again;
	struct ibuf		*b;
	size_t			 i;
	int			 type;

	for (type = MESSAGE_USER; type <= MESSAGE_REPORT; type++)
		for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
			m = p1_sample(type);
			m->has_content = 1;
			m->content_len = lengths[i];
			b = encode(m, c, lengths[i]);
			again = decode(ibuf_data(b), ibuf_size(b));
			assert_int_equal(again->type, type);
			assert_int_equal(again->has_content, 1);
			assert_int_equal(again->content_len, lengths[i]);
			message_free(again);
			message_free(m);
			ibuf_free(b);
		}
	free(c);
}

/* A head says how long a content is that it does not hold. */
static void
test_head_of_huge_content(void **state)
{
	uint8_t		 zero[65536] = { 0 };
	struct message	*m = p1_sample(MESSAGE_USER);
	struct p1_in	*in;
	struct ibuf	*b;
	uint64_t	 left = 5ULL << 30, n;

	m->content_len = left;
	b = encode(m, NULL, 0);
	message_free(m);
	in = p1_in_new(P1_1984, 0);
	assert_int_equal(p1_in_markup(in, ibuf_data(b), ibuf_size(b)),
	    ibuf_size(b));
	assert_int_equal(feed(in, zero, sizeof(zero), NULL), 0);
	left -= sizeof(zero);
	n = p1_in_skip(in, left);
	assert_int_equal(n, left);
	m = p1_in_end(in);
	assert_non_null(m);
	assert_true(m->content_len == 5ULL << 30);
	message_free(m);
	p1_in_free(in);
	ibuf_free(b);
}

/* Report and probe with everything in them, and their values again. */
static void
test_report_and_probe(void **state)
{
	struct message	*m, *r;
	struct ibuf	*b, *b2;

	m = p1_sample(MESSAGE_REPORT);
	m->has_content_id = 1;		/* and empty */
	m->subject_trace = m->trace;
	m->nsubject_trace = 1;
	m->billing = (uint8_t *)message_memdup(m, "\x13\x03xyz", 5);
	m->billing_len = 5;
	m->has_content = 1;
	m->content_len = 3;
	b = encode(m, (const uint8_t *)"abc", 3);
	r = decode(ibuf_data(b), ibuf_size(b));
	assert_int_equal(r->type, MESSAGE_REPORT);
	assert_int_equal(r->nreported, 2);
	assert_int_equal(r->reported[0].delivered, 0);
	assert_int_equal(r->reported[0].reason, 1);
	assert_int_equal(r->reported[0].diagnostic, 0);
	assert_string_equal(r->reported[0].supplementary, "no such user");
	assert_int_equal(r->reported[0].intended.nattr, 6);
	assert_int_equal(r->reported[1].delivered, 1);
	assert_int_equal(r->reported[1].type_of_ua, 1);
	assert_int_equal(r->reported[1].diagnostic, -1);
	assert_int_equal(r->reported[1].flags,
	    PRI_RESPONSIBILITY | PRI_REPORT(2));
	assert_string_equal(r->reported[1].delivery.text, "261123160000Z");
	assert_int_equal(r->nsubject_trace, 1);
	assert_int_equal(r->has_content_id, 1);
	assert_int_equal(r->billing_len, 5);
	assert_memory_equal(r->billing, "\x13\x03xyz", 5);
	b2 = encode(r, (const uint8_t *)"abc", 3);
	assert_int_equal(ibuf_size(b), ibuf_size(b2));
	assert_memory_equal(ibuf_data(b), ibuf_data(b2), ibuf_size(b));
	ibuf_free(b);
	ibuf_free(b2);
	message_free(m);
	message_free(r);

	m = p1_sample(MESSAGE_PROBE);
	m->probe_length = 123456789012;
	m->indicators = PMI_ALTERNATE_RECIPIENT;
	b = encode(m, NULL, 0);
	r = decode(ibuf_data(b), ibuf_size(b));
	assert_int_equal(r->type, MESSAGE_PROBE);
	assert_true(r->probe_length == 123456789012);
	assert_int_equal(r->has_content, 0);
	assert_int_equal(r->indicators, PMI_ALTERNATE_RECIPIENT);
	assert_int_equal(r->nrecipient, 1);
	ibuf_free(b);
	message_free(m);
	message_free(r);
}

/*
 * Values at random in random forms of BER, in random pieces: the message is
 * the same as that of the canonical form.
 */
static void
test_every_form(void **state)
{
	struct asn1_memory	 mem;
	struct asn1		 a;
	struct p1_mpdu		 v;
	struct ber_out		 o;
	struct kept		 k;
	struct message		*m;
	struct ibuf		*b[2], *wire;
	uint64_t		 seed = 7;
	char			 error[256], *t1, *t2;
	size_t			 content[2];
	int			 i, form;

	for (i = 0; i < 1500; i++) {
		asn1_memory_init(&mem, 1 << 22);
		asn1_init(&a, &mem);
		memset(&v, 0, sizeof(v));
		asn1_random(&p1_type_mpdu, &v, &mem, &seed);
		for (form = 0; form < 2; form++) {
			ber_out_init(&o);
			if (form == 1) {
				o.form = asn1_random_form;
				o.form_arg = &seed;
			}
			if (asn1_encode(&a, &p1_type_mpdu, &v, &o) == -1)
				fail_msg("%s", a.error);
			wire = ibuf_dynamic(0, 1 << 22);
			assert_int_equal(ber_out_flush(&o, wire), 0);
			kept_init(&k, ibuf_size(wire));
			m = decode_pieces(ibuf_data(wire), ibuf_size(wire),
			    0, &seed, &k, error, sizeof(error));
			if (m == NULL)
				fail_msg("run %d: %s", i, error);
			assert_int_equal(m->content_len, k.ncontent);
			assert_int_equal(k.nmarkup + k.ncontent,
			    ibuf_size(wire));
			content[form] = k.ncontent;
			b[form] = encode(m, k.content, k.ncontent);
			message_free(m);
			kept_free(&k);
			ibuf_free(wire);
		}
		assert_int_equal(content[0], content[1]);
		assert_int_equal(ibuf_size(b[0]), ibuf_size(b[1]));
		assert_memory_equal(ibuf_data(b[0]), ibuf_data(b[1]),
		    ibuf_size(b[0]));
		/* Printing takes the whole MPDU through the tables. */
		t1 = print(ibuf_data(b[0]), ibuf_size(b[0]));
		t2 = print(ibuf_data(b[1]), ibuf_size(b[1]));
		assert_string_equal(t1, t2);
		free(t1);
		free(t2);
		ibuf_free(b[0]);
		ibuf_free(b[1]);
		asn1_memory_free(&mem);
	}
}

/* The error names the field. */
static void
test_error_path(void **state)
{
	struct message	*m = p1_sample(MESSAGE_USER);
	struct ibuf	*b = encode(m, NULL, 0);
	uint8_t		*p = ibuf_data(b), *q;
	char		 error[256];

	message_free(m);
	/* In the recipient: the surname becomes some other member. */
	q = memmem(p, ibuf_size(b), "\x80\3Doe", 5);
	assert_non_null(q);
	q = memmem(q + 5, ibuf_size(b) - (q + 5 - p), "\x80\3Doe", 5);
	assert_non_null(q);
	*q = 0x8e;
	m = decode_pieces(p, ibuf_size(b), 100, NULL, NULL, error,
	    sizeof(error));
	assert_null(m);
	assert_string_equal(error, "UMPDUEnvelope.recipients[0].recipient."
	    "standardAttributes.personalName: unexpected element [14]");
	ibuf_free(b);
}

/* What cannot be said in P1 of 1984 is not said. */
static void
test_not_encodable(void **state)
{
	struct message	*m = p1_sample(MESSAGE_USER);
	struct ibuf	*b = ibuf_dynamic(0, 4096);
	const char	*why = "";

	m->originator.attr[3].type = OR_PD_STREET;
	assert_int_equal(p1_out_head(P1_1984, m, b, &why), -1);
	assert_non_null(strstr(why, "1988"));
	m->originator.attr[3].type = OR_S;
	m->originator.attr[3].charset = OR_TELETEX;
	assert_int_equal(p1_out_head(P1_1984, m, b, &why), -1);
	m->originator.attr[3].charset = OR_PRINTABLE;
	m->originator.attr[3].type = OR_C;
	assert_int_equal(p1_out_head(P1_1984, m, b, &why), -1);
	assert_non_null(strstr(why, "twice"));
	m->originator.attr[3].type = OR_S;
	m->trace[0].arrival.text[0] = '\0';
	assert_int_equal(p1_out_head(P1_1984, m, b, &why), -1);
	assert_non_null(strstr(why, "arrival"));
	strlcpy(m->trace[0].arrival.text, "2611231600Z", 12);
	m->nrecipient = 0;
	assert_int_equal(p1_out_head(P1_1984, m, b, &why), -1);
	assert_non_null(strstr(why, "recipients"));
	assert_int_equal(ibuf_size(b), 0);
	m->nrecipient = 1;
	/* A common name travels as an attribute of the domain. */
	m->originator.attr[5].type = OR_CN;
	assert_int_equal(p1_out_head(P1_1984, m, b, &why), 0);
	assert_non_null(memmem(ibuf_data(b), ibuf_size(b), "Common", 6));
	ibuf_free(b);
	message_free(m);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_ean),
		cmocka_unit_test(test_captured_again),
		cmocka_unit_test(test_captured_trace),
		cmocka_unit_test(test_content_lengths),
		cmocka_unit_test(test_head_of_huge_content),
		cmocka_unit_test(test_report_and_probe),
		cmocka_unit_test(test_every_form),
		cmocka_unit_test(test_error_path),
		cmocka_unit_test(test_not_encodable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
