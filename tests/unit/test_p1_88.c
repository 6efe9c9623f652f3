/* SPDX-License-Identifier: ISC */

/*
 * P1 of 1988: octets that a program of its own wrote from the Recommendation
 * (p1_88_vectors.py) come out as they went in, what is out of bounds is
 * refused, and values at random survive every form of BER.
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
#include "p1_88.h"
#include "p1_88_vectors.h"
#include "p1_decode.h"
#include "p1_sample.h"

static struct message *
decode_88(const uint8_t *p, size_t len, size_t piece, uint64_t *seed,
    struct kept *k, char *error, size_t size)
{
	struct p1_in	*in = p1_in_new(P1_1988, 0);
	struct message	*m = NULL;
	size_t		 n, off;

	for (off = 0; off < len; off += n) {
		n = piece != 0 ? piece : 1 + test_random(seed) % 40;
		if (n > len - off)
			n = len - off;
		if (feed(in, p + off, n, k) == -1)
			break;
	}
	if (off >= len)
		m = p1_in_end(in);
	if (error != NULL)
		strlcpy(error, p1_in_error(in), size);
	assert_true((m == NULL) == (p1_in_error(in)[0] != '\0'));
	p1_in_free(in);
	return m;
}

static struct message *
vector_decode(const struct p1_88_vector *v, struct kept *k)
{
	char		 error[256];
	struct message	*m;

	if (k != NULL)
		kept_init(k, v->len);
	m = decode_88(v->octets, v->len, v->len, NULL, k, error,
	    sizeof(error));
	if (m == NULL)
		fail_msg("%s: %s", v->name, error);
	return m;
}

static const struct p1_88_vector *
vector(const char *name)
{
	size_t	i;

	for (i = 0; i < P1_88_GOOD; i++)
		if (strcmp(p1_88_good[i].name, name) == 0)
			return &p1_88_good[i];
	fail_msg("no vector %s", name);
	return NULL;
}

static struct ibuf *
encode_88(const struct message *m, const uint8_t *content, size_t len,
    const char *name)
{
	struct ibuf	*b = ibuf_dynamic(0, 1 << 24);
	const char	*why = "";

	if (p1_out_head(P1_1988, m, b, &why) == -1)
		fail_msg("%s: cannot encode: %s", name, why);
	assert_int_equal(ibuf_add(b, content, len), 0);
	return b;
}

static int
print_88(const uint8_t *p, size_t len, char **text)
{
	size_t	 size;
	FILE	*fp = open_memstream(text, &size);
	int	 r = p1_print(P1_1988, p, len, fp);

	fclose(fp);
	return r;
}

static void
assert_octets(const char *name, struct ibuf *b, const uint8_t *p, size_t len)
{
	const uint8_t	*q = ibuf_data(b);
	size_t		 i;

	for (i = 0; i < len && i < ibuf_size(b); i++)
		if (p[i] != q[i])
			fail_msg("%s: octet %zu is %02x, not %02x", name, i,
			    q[i], p[i]);
	if (len != ibuf_size(b))
		fail_msg("%s: %zu octets, not %zu", name, ibuf_size(b), len);
}

/* In and out again, directly and through the form inside. */
static void
test_vectors(void **state)
{
	const struct p1_88_vector	*v;
	struct message			*m, *copy;
	struct kept			 k;
	struct ibuf			*b;
	char				*text;
	size_t				 i;

	for (i = 0; i < P1_88_GOOD; i++) {
		v = &p1_88_good[i];
		m = vector_decode(v, &k);
		b = encode_88(m, k.content, k.ncontent, v->name);
		assert_octets(v->name, b, v->octets, v->len);
		ibuf_free(b);
		assert_non_null(copy = message_copy(m));
		b = encode_88(copy, k.content, k.ncontent, v->name);
		assert_octets(v->name, b, v->octets, v->len);
		ibuf_free(b);
		message_free(copy);
		message_free(m);
		kept_free(&k);
		if (print_88(v->octets, v->len, &text) == -1)
			fail_msg("%s: %s", v->name, text);
		free(text);
	}
}

/* Out of bounds, of the wrong type, there twice, or not there. */
static void
test_refused(void **state)
{
	const struct p1_88_vector	*v;
	struct message			*m;
	char				 error[256], *text;
	size_t				 i;

	for (i = 0; i < P1_88_BAD; i++) {
		v = &p1_88_bad[i];
		m = decode_88(v->octets, v->len, v->len, NULL, NULL, error,
		    sizeof(error));
		if (m != NULL)
			fail_msg("%s: not refused", v->name);
		assert_int_equal(print_88(v->octets, v->len, &text), -1);
		free(text);
	}
}

/* Cut anywhere there is no message and no crash. */
static void
test_truncated(void **state)
{
	static const char *const	 names[] = {
		"message-all", "probe-all", "report-all"
	};
	const struct p1_88_vector	*v;
	char				 error[256];
	uint8_t				*p;
	size_t				 i, len;

	for (i = 0; i < 3; i++) {
		v = vector(names[i]);
		for (len = 0; len < v->len; len++) {
			p = malloc(len + 1);
			memcpy(p, v->octets, len);
			assert_null(decode_88(p, len, len == 0 ? 1 : len,
			    NULL, NULL, error, sizeof(error)));
			free(p);
		}
	}
}

/* Two pieces, cut at every octet; and resumed there, of markup alone. */
static void
test_cut(void **state)
{
	static const char *const	 names[] = {
		"message-all", "probe-all", "report-all"
	};
	const struct p1_88_vector	*v;
	struct message			*m;
	struct p1_in			*in;
	struct kept			 k;
	struct ibuf			*b;
	size_t				 i, cut, mark, content;
	ssize_t				 used;
	uint64_t			 n;

	for (i = 0; i < 3; i++) {
		v = vector(names[i]);
		for (cut = 0; cut <= v->len; cut++) {
			kept_init(&k, v->len);
			in = p1_in_new(P1_1988, 0);
			assert_int_equal(feed(in, v->octets, cut, &k), 0);
			if (cut % 2) {
				p1_in_free(in);
				in = p1_in_new(P1_1988, 0);
				for (mark = content = 0; mark < k.nmarkup ||
				    content < k.ncontent; ) {
					used = p1_in_markup(in, k.markup +
					    mark, k.nmarkup - mark);
					assert_true(used >= 0);
					mark += used;
					n = p1_in_skip(in, k.ncontent -
					    content);
					content += n;
					assert_true(used > 0 || n > 0);
				}
			}
			assert_int_equal(feed(in, v->octets + cut,
			    v->len - cut, &k), 0);
			m = p1_in_end(in);
			if (m == NULL)
				fail_msg("%s", p1_in_error(in));
			b = encode_88(m, k.content, k.ncontent, v->name);
			assert_octets(v->name, b, v->octets, v->len);
			ibuf_free(b);
			message_free(m);
			p1_in_free(in);
			kept_free(&k);
		}
	}
}

/* What it all becomes inside. */
static void
test_message(void **state)
{
	struct message		*m = vector_decode(vector("message-all"), NULL);
	struct recipient	*r = m->recipient;

	assert_int_equal(m->type, MESSAGE_USER);
	assert_int_equal(m->content_type, -1);
	assert_string_equal(m->content_oid, "2.6.1.10.1");
	assert_int_equal(m->original.nexternal, 1);
	assert_string_equal(m->original.external[0], "1.0.10021.7.1.0.6");
	assert_string_equal(m->bilateral[0].prmd, "PRIV");
	assert_int_equal(m->trace[1].other_actions, TRACE_DL_OPERATION);
	assert_int_equal(m->trace[1].has_previous, 1);
	assert_int_equal(m->reassignment_prohibited.set, 1);
	assert_int_equal(m->reassignment_prohibited.criticality, EXT_DELIVERY);
	assert_int_equal(m->dl_expansion_prohibited.set, 1);
	assert_int_equal(m->conversion_loss_prohibited.set, 1);
	assert_string_equal(m->latest_delivery.time.text, "261124120000Z");
	assert_int_equal(m->correlator.kind, CORRELATOR_IA5);
	assert_int_equal(m->correlator.len, 9);
	assert_int_equal(m->dl_expansion.n, 1);
	assert_string_equal(m->dl_expansion.e[0].time.text, "261123160000Z");
	assert_int_equal(m->dl_exempted.n, 1);
	assert_int_equal(m->internal.n, 2);
	assert_string_equal(m->internal.e[0].mta, "relay");
	assert_int_equal(m->internal.e[0].attempted, ATTEMPTED_MTA);
	assert_string_equal(m->internal.e[0].attempted_mta, "other");
	assert_int_equal(m->internal.e[1].attempted, ATTEMPTED_DOMAIN);
	assert_int_equal(m->internal.e[1].action, TRACE_REROUTED);
	assert_non_null(message_extension_get(&m->extension,
	    EXT_MESSAGE_SECURITY_LABEL));
	assert_null(message_extension_get(&m->extension,
	    EXT_CONTENT_CORRELATOR));
	assert_int_equal(m->originator.directory_len, 2);
	assert_int_equal(r->number, 1);
	assert_int_equal(r->alternate.name.nattr, 4);
	assert_int_equal(r->methods.n, 2);
	assert_int_equal(r->methods.method[1], 2);
	assert_int_equal(r->redirection.n, 1);
	assert_int_equal(r->redirection.e[0].reason,
	    REDIRECTION_RECIPIENT_MD_ASSIGNED);
	assert_int_equal(message_extension_get(&r->extension,
	    EXT_PROOF_OF_DELIVERY_REQUEST)->criticality, EXT_DELIVERY);
	message_free(m);
}

static void
test_report(void **state)
{
	struct message	*m = vector_decode(vector("report-all"), NULL);

	assert_int_equal(m->type, MESSAGE_REPORT);
	assert_int_equal(m->content_type, 22);
	assert_int_equal(m->has_content, 1);
	assert_int_equal(m->content_len, 5);
	assert_int_equal(m->original.present, 1);
	assert_int_equal(m->redirection.n, 1);
	assert_int_equal(m->originator_and_dl.n, 2);
	assert_int_equal(m->reporting_dl.name.nattr, 4);
	assert_int_equal(m->reporting_mta.present, 1);
	assert_string_equal(m->reporting_mta.mta, "relay");
	assert_int_equal(m->correlator.kind, CORRELATOR_OCTETS);
	assert_int_equal(m->internal.n, 2);
	assert_int_equal(m->content_extension.n, 1);
	assert_string_equal(m->content_extension.e[0].oid, "1.2.3");
	assert_int_equal(m->reported[0].redirection.n, 1);
	assert_int_equal(m->reported[0].extension.e[0].type,
	    EXT_PHYSICAL_FORWARDING_ADDRESS);
	assert_int_equal(m->reported[1].delivered, 1);
	assert_int_equal(m->reported[1].type_of_ua, 3);
	message_free(m);
}

/* Every extension attribute becomes what F.401 calls it. */
static void
test_attributes(void **state)
{
	static const struct {
		uint8_t		type, charset;
		const char	*value;
		size_t		len;
	} want[] = {
		{ OR_C, OR_PRINTABLE, "GB", 2 },
		{ OR_A, OR_PRINTABLE, "GOLD 400", 8 },
		{ OR_CN, OR_PRINTABLE, "common", 6 },
		{ OR_CN, OR_TELETEX, "c\310o", 3 },
		{ OR_O, OR_TELETEX, "org", 3 },
		{ OR_S, OR_TELETEX, "sur", 3 },
		{ OR_G, OR_TELETEX, "given", 5 },
		{ OR_I, OR_TELETEX, "i", 1 },
		{ OR_Q, OR_TELETEX, "III", 3 },
		{ OR_OU1, OR_TELETEX, "one", 3 },
		{ OR_OU2, OR_TELETEX, "two", 3 },
		{ OR_DDA, OR_TELETEX, "value", 5 },
		{ OR_PD_SERVICE, OR_PRINTABLE, "pds", 3 },
		{ OR_PD_C, OR_NUMERIC, "234", 3 },
		{ OR_PD_CODE, OR_PRINTABLE, "W1A 1AA", 7 },
		{ OR_PD_OFFICE, OR_PRINTABLE, "p10", 3 },
		{ OR_PD_OFFICE, OR_TELETEX, "t10", 3 },
		{ OR_PD_OFFICE_NUM, OR_PRINTABLE, "p11", 3 },
		{ OR_PD_EXT_ADDRESS, OR_PRINTABLE, "p12", 3 },
		{ OR_PD_PN, OR_PRINTABLE, "p13", 3 },
		{ OR_PD_O, OR_PRINTABLE, "p14", 3 },
		{ OR_PD_EXT_DELIVERY, OR_PRINTABLE, "p15", 3 },
		{ OR_PD_ADDRESS, OR_PRINTABLE, "line 1|line 2", 13 },
		{ OR_PD_ADDRESS, OR_TELETEX, "all", 3 },
		{ OR_PD_STREET, OR_PRINTABLE, "p17", 3 },
		{ OR_PD_BOX, OR_PRINTABLE, "p18", 3 },
		{ OR_PD_RESTANTE, OR_PRINTABLE, "p19", 3 },
		{ OR_PD_UNIQUE, OR_PRINTABLE, "p20", 3 },
		{ OR_PD_LOCAL, OR_PRINTABLE, "p21", 3 },
		{ OR_ISDN, OR_NUMERIC, "44123", 5 },
		{ OR_ISDN_SUB, OR_NUMERIC, "7", 1 },
		{ OR_T_TY, OR_NUMERIC, "7", 1 },
		{ OR_CN, OR_UNIVERSAL, "\303\274\0en", 5 },
		{ OR_O, OR_UNIVERSAL, "\360\237\230\200", 4 },
		{ OR_S, OR_UNIVERSAL, "S", 1 },
		{ OR_G, OR_UNIVERSAL, "G", 1 },
		{ OR_OU1, OR_UNIVERSAL, "U", 1 },
		{ OR_DDA, OR_UNIVERSAL, "v", 1 },
		{ OR_PD_OFFICE, OR_UNIVERSAL, "u29", 3 },
		{ OR_PD_OFFICE_NUM, OR_UNIVERSAL, "u30", 3 },
		{ OR_PD_EXT_ADDRESS, OR_UNIVERSAL, "u31", 3 },
		{ OR_PD_PN, OR_UNIVERSAL, "u32", 3 },
		{ OR_PD_O, OR_UNIVERSAL, "u33", 3 },
		{ OR_PD_EXT_DELIVERY, OR_UNIVERSAL, "u34", 3 },
		{ OR_PD_ADDRESS, OR_UNIVERSAL, "u35", 3 },
		{ OR_PD_STREET, OR_UNIVERSAL, "u36", 3 },
		{ OR_PD_BOX, OR_UNIVERSAL, "u37", 3 },
		{ OR_PD_RESTANTE, OR_UNIVERSAL, "u38", 3 },
		{ OR_PD_UNIQUE, OR_UNIVERSAL, "u39", 3 },
		{ OR_PD_LOCAL, OR_UNIVERSAL, "u40", 3 },
	};
	struct message		*m = vector_decode(vector("attributes"), NULL);
	const struct or_attr	*a = m->originator.attr;
	size_t			 i;

	assert_int_equal(m->originator.nattr, sizeof(want) / sizeof(want[0]));
	for (i = 0; i < m->originator.nattr; i++) {
		if (a[i].type != want[i].type ||
		    a[i].charset != want[i].charset ||
		    a[i].len != want[i].len ||
		    memcmp(a[i].value, want[i].value, a[i].len) != 0)
			fail_msg("attribute %zu: type %d charset %d \"%s\"", i,
			    a[i].type, a[i].charset, a[i].value);
	}
	assert_true(m->originator.unknown_len > 0);
	message_free(m);
	m = vector_decode(vector("psap"), NULL);
	a = or_address_get(&m->originator, OR_PSAP);
	assert_int_equal(a->charset, OR_OCTETS);
	message_free(m);
}

/* Unknown ones travel, and those that are critical are told. */
static void
test_criticality(void **state)
{
	struct message			*m;
	const struct extension		*e;
	const struct p1_88_vector	*v = vector("unknown");

	m = vector_decode(v, NULL);
	assert_int_equal(m->extension.n, 3);
	e = message_extension_unsupported(&m->extension, EXT_TRANSFER);
	assert_int_equal(e->type, 200);
	assert_int_equal(e->criticality, EXT_TRANSFER);
	e = message_extension_unsupported(&m->extension, EXT_DELIVERY);
	assert_string_equal(e->oid,
	    "2.25.340282366920938463463374607431768211455");
	assert_null(message_extension_unsupported(&m->extension,
	    EXT_SUBMISSION));
	/* As it came, indefinite lengths and all. */
	e = message_extension_get(&m->extension, 199);
	assert_int_equal(e->len, 7);
	assert_memory_equal(e->value, "\x30\x80\x02\x01\x05\0\0", 7);
	e = message_extension_unsupported(&m->recipient[0].extension,
	    EXT_TRANSFER);
	assert_int_equal(e->type, 250);
	assert_int_equal(e->len, 0);
	message_free(m);
}

/* Explicit defaults, another order, long forms: one encoding comes out. */
static void
test_one_encoding(void **state)
{
	const struct p1_88_vector	*v = vector("message-one");
	struct message			*m;
	struct kept			 k;
	struct ibuf			*b;
	size_t				 i;

	for (i = 0; i < P1_88_SAME; i++) {
		m = vector_decode(&p1_88_same[i], &k);
		b = encode_88(m, k.content, k.ncontent, p1_88_same[i].name);
		assert_octets(p1_88_same[i].name, b, v->octets, v->len);
		ibuf_free(b);
		kept_free(&k);
		message_free(m);
	}
}

/* A message of 1984 goes out as one of 1988; the other way only if it can. */
static void
test_upgrade(void **state)
{
	struct message	*m, *again;
	struct ibuf	*b, *c;
	const char	*why;
	int		 type;

	for (type = MESSAGE_USER; type <= MESSAGE_PROBE; type++) {
		m = p1_sample(type);
		if (type == MESSAGE_USER)
			m->content_len = 3;
		b = encode(m, (const uint8_t *)"abc", m->content_len);
		again = decode(ibuf_data(b), ibuf_size(b));
		c = encode_88(again, (const uint8_t *)"abc", m->content_len,
		    "upgrade");
		message_free(again);
		again = decode_88(ibuf_data(c), ibuf_size(c), 7, NULL, NULL,
		    NULL, 0);
		assert_non_null(again);
		ibuf_free(c);
		c = encode(again, (const uint8_t *)"abc", m->content_len);
		assert_octets("1984", c, ibuf_data(b), ibuf_size(b));
		ibuf_free(b);
		ibuf_free(c);
		message_free(again);
		message_free(m);
	}
	m = vector_decode(vector("message-all"), NULL);
	b = ibuf_dynamic(0, 65536);
	assert_int_equal(p1_out_head(P1_1984, m, b, &why), -1);
	assert_string_equal(why, message_is_1988(m));
	assert_int_equal(ibuf_size(b), 0);
	message_free(m);
	/* Nothing but a directory name. */
	m = p1_sample(MESSAGE_USER);
	m->originator.directory = (uint8_t *)message_memdup(m, "\x30\0", 2);
	m->originator.directory_len = 2;
	assert_null(message_is_1988(m));
	assert_int_equal(p1_out_head(P1_1984, m, b, &why), -1);
	assert_non_null(strstr(why, "directory name"));
	assert_int_equal(p1_out_head(P1_1988, m, b, &why), 0);
	message_free(m);
	ibuf_free(b);
}

/* No empty SETs of extensions, and eight bits of indicators. */
static void
test_form(void **state)
{
	struct message	*m = p1_sample(MESSAGE_REPORT);
	struct ibuf	*b;

	b = encode_88(m, NULL, 0, "report");
	assert_null(memmem(ibuf_data(b), ibuf_size(b), "\xa3\0", 2));
	assert_null(memmem(ibuf_data(b), ibuf_size(b), "\xa1\0", 2));
	assert_non_null(memmem(ibuf_data(b), ibuf_size(b), "\x82\2\0\xc0", 4));
	ibuf_free(b);
	message_free(m);
}

/* External types that come in P1 of 1984 are found. */
static void
test_external_1984(void **state)
{
	struct message	*m = p1_sample(MESSAGE_USER), *again;
	struct ibuf	*b;
	const char	*why;

	m->original.present = 1;
	m->original.nbits = 1;
	m->original.other = (uint8_t *)message_memdup(m,
	    "\x81\1\0\xa4\4\6\2\x29\3\xa2\0", 11);
	m->original.other_len = 11;
	b = encode(m, NULL, 0);
	again = decode(ibuf_data(b), ibuf_size(b));
	assert_int_equal(again->original.nexternal, 1);
	assert_string_equal(again->original.external[0], "1.1.3");
	assert_int_equal(again->original.other_len, 5);
	assert_memory_equal(again->original.other, "\x81\1\0\xa2\0", 5);
	ibuf_free(b);
	b = ibuf_dynamic(0, 65536);
	assert_int_equal(p1_out_head(P1_1984, again, b, &why), -1);
	assert_int_equal(p1_out_head(P1_1988, again, b, &why), 0);
	ibuf_free(b);
	message_free(again);
	message_free(m);
}

/* Values at random in random forms: both come to the same octets. */
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
	uint64_t		 seed = 11;
	char			 error[256], *text;
	int			 i, form, good = 0;

	for (i = 0; i < 2000; i++) {
		asn1_memory_init(&mem, 1 << 24);
		asn1_init(&a, &mem);
		memset(&v, 0, sizeof(v));
		asn1_random(&p1_88_type_apdu, &v, &mem, &seed);
		for (form = 0; form < 2; form++) {
			b[form] = NULL;
			ber_out_init(&o);
			if (form == 1) {
				o.form = asn1_random_form;
				o.form_arg = &seed;
			}
			if (asn1_encode(&a, &p1_88_type_apdu, &v, &o) == -1)
				fail_msg("%s", a.error);
			wire = ibuf_dynamic(0, 1 << 24);
			assert_int_equal(ber_out_flush(&o, wire), 0);
			kept_init(&k, ibuf_size(wire));
			m = decode_88(ibuf_data(wire), ibuf_size(wire), 0,
			    &seed, &k, error, sizeof(error));
			assert_int_equal(print_88(ibuf_data(wire),
			    ibuf_size(wire), &text), m == NULL ? -1 : 0);
			free(text);
			if (m != NULL)
				b[form] = encode_88(m, k.content, k.ncontent,
				    "random");
			else if (strstr(error, "twice") == NULL &&
			    strstr(error, "no content-type") == NULL)
				fail_msg("run %d: %s", i, error);
			message_free(m);
			kept_free(&k);
			ibuf_free(wire);
		}
		assert_true((b[0] == NULL) == (b[1] == NULL));
		if (b[0] != NULL) {
			good++;
			assert_octets("random", b[1], ibuf_data(b[0]),
			    ibuf_size(b[0]));
		}
		ibuf_free(b[0]);
		ibuf_free(b[1]);
		asn1_memory_free(&mem);
	}
	assert_true(good > 300);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_message),
		cmocka_unit_test(test_report),
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_criticality),
		cmocka_unit_test(test_one_encoding),
		cmocka_unit_test(test_upgrade),
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_external_1984),
		cmocka_unit_test(test_every_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
