/* SPDX-License-Identifier: ISC */

/* Headers, cursor, writer, and the engine of the type tables. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "asn1_everything.h"
#include "asn1_random.h"
#include "imsg.h"
#include "vectors.h"

static void
test_headers(void **state)
{
	static const struct {
		const char	*hex;
		int		 used;
		uint32_t	 tag;
		uint64_t	 len;
		int		 constructed, indefinite;
	} v[] = {
		{ "04 00", 2, BER_OCTET_STRING, 0, 0, 0 },
		{ "04 7f", 2, BER_OCTET_STRING, 127, 0, 0 },
		{ "04 81 80", 3, BER_OCTET_STRING, 128, 0, 0 },
		{ "04 81 00", 3, BER_OCTET_STRING, 0, 0, 0 },
		{ "04 84 00 00 00 05", 6, BER_OCTET_STRING, 5, 0, 0 },
		{ "04 8a 00 00 00 00 00 00 00 00 01 00", 12,
		    BER_OCTET_STRING, 256, 0, 0 },
		{ "04 88 7f ff ff ff ff ff ff ff", 10, BER_OCTET_STRING,
		    INT64_MAX, 0, 0 },
		{ "31 80", 2, BER_SET, 0, 1, 1 },
		{ "7f 1f 00", 3, BER_APPLICATION(31), 0, 1, 0 },
		{ "bf 84 80 01 03", 5, BER_CONTEXT(65537), 3, 1, 0 },
		{ "ff ff ff ff 7f 00", 6, BER_PRIVATE(0xfffffff), 0, 1, 0 },
		{ "00 00", 2, BER_EOC, 0, 0, 0 },
		/* incomplete */
		{ "", 0, 0, 0, 0, 0 }, { "04", 0, 0, 0, 0, 0 },
		{ "1f", 0, 0, 0, 0, 0 }, { "1f 81", 0, 0, 0, 0, 0 },
		{ "1f 81 01", 0, 0, 0, 0, 0 }, { "04 82", 0, 0, 0, 0, 0 },
		{ "04 82 01", 0, 0, 0, 0, 0 },
		/* malformed */
		{ "04 80", -1, 0, 0, 0, 0 },
		{ "04 ff 00", -1, 0, 0, 0, 0 },
		{ "04 91 00", -1, 0, 0, 0, 0 },
		{ "04 88 80 00 00 00 00 00 00 00", -1, 0, 0, 0, 0 },
		{ "04 89 01 00 00 00 00 00 00 00 00", -1, 0, 0, 0, 0 },
		{ "1f ff ff ff ff 7f 00", -1, 0, 0, 0, 0 },
	};
	struct ber_header	 h;
	const char		*why;
	uint8_t			*p;
	size_t			 i, len;

	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		p = hex_octets(v[i].hex, &len);
		why = NULL;
		if (ber_header(p, len, &h, &why) != v[i].used)
			fail_msg("%s", v[i].hex);
		if (v[i].used > 0) {
			assert_int_equal(h.tag, v[i].tag);
			assert_true(h.len == v[i].len);
			assert_int_equal(h.constructed, v[i].constructed);
			assert_int_equal(h.indefinite, v[i].indefinite);
		} else if (v[i].used == -1)
			assert_non_null(why);
		free(p);
	}
}

/* What is written for a tag and a length is read again, in both forms. */
static void
test_header_round_trip(void **state)
{
	static const uint32_t	tags[] = {
		1, 30, 31, 127, 128, 16383, 16384, 0xfffffff
	};
	static const uint64_t	lengths[] = {
		0, 1, 127, 128, 255, 256, 65535, 65536, 0xffffffff,
		0x100000000, INT64_MAX
	};
	struct ber_header	 h;
	struct ber_out		 o;
	const char		*why;
	size_t			 i, j;
	int			 c, form;

	for (i = 0; i < 8; i++)
		for (j = 0; j < 11; j++)
			for (c = 0; c < 8; c++) {
				ber_out_init(&o);
				o.after = lengths[j];
				form = c & 4 ? BER_FORM_LONG : 0;
				ber_out_header_form(&o, BER_CONTEXT(tags[i]),
				    c & 1, 0, form);
				assert_int_equal(ber_header(o.buf + o.pos,
				    o.size - o.pos, &h, &why),
				    o.size - o.pos);
				assert_int_equal(h.tag,
				    BER_CONTEXT(tags[i]));
				assert_true(h.len == lengths[j]);
				assert_int_equal(h.constructed, c & 1);
				ber_out_free(&o);
			}
}

static void
test_skip(void **state)
{
	static const struct {
		const char	*hex;
		int		 r, left;
	} v[] = {
		{ "30 03 02 01 05 99", 0, 1 },
		{ "30 80 00 00 99", 0, 1 },
		{ "30 80 31 80 02 01 05 00 00 04 02 00 00 00 00 99 99", 0,
		    2 },
		/* the inside of a definite element is nobody's affair */
		{ "30 80 30 02 30 80 00 00", 0, 0 },
		{ "30 80", -1, 0 }, { "30 80 00", -1, 0 },
		{ "30 80 30 80 00 00", -1, 0 },
		{ "30 80 04 05 00 00", -1, 0 },
		{ "30 80 00 01 00", -1, 0 },
		{ "30 80 20 00 00 00", -1, 0 },
	};
	struct ber_element	 e;
	struct ber		 b;
	uint8_t			*p;
	size_t			 i, len;
	int			 r;

	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		p = hex_octets(v[i].hex, &len);
		ber_init(&b, p, len);
		assert_int_equal(ber_next(&b, &e), 1);
		r = ber_skip(&b, &e);
		if (r != v[i].r)
			fail_msg("%s", v[i].hex);
		if (r == 0)
			assert_int_equal(b.end - b.p, v[i].left);
		else
			assert_non_null(b.why);
		free(p);
	}
}

/* 10,000 indefinite lengths inside each other cost neither stack nor time. */
static void
test_deep(void **state)
{
	struct ber_element	 e;
	struct ber		 b;
	uint8_t			*p = malloc(40000);
	int			 i;

	for (i = 0; i < 10000; i++) {
		p[2 * i] = 0x30;
		p[2 * i + 1] = 0x80;
	}
	memset(p + 20000, 0, 20000);
	ber_init(&b, p, 40000);
	assert_int_equal(ber_next(&b, &e), 1);
	assert_int_equal(ber_skip(&b, &e), -1);
	assert_string_equal(b.why, "nested too deep");
	free(p);
}

static void
test_integers(void **state)
{
	static const int64_t	v[] = {
		0, 1, -1, 127, 128, -128, -129, 255, 256, 32767, 32768,
		-32768, -32769, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN
	};
	static const int	octets[] = {
		1, 1, 1, 1, 2, 1, 2, 2, 2, 2, 3, 2, 3, 4, 4, 8, 8
	};
	static const struct asn1_type	type = {
		.name = "INTEGER", .kind = ASN1_INTEGER, .tag = BER_INTEGER,
		.size = sizeof(int64_t), .min = INT64_MIN, .max = INT64_MAX
	};
	static const struct {
		const char	*hex;
		int		 r;
		int64_t		 value;
	} odd[] = {
		{ "02 0a 00 00 00 00 00 00 00 00 00 80", 0, 128 },
		{ "02 0a ff ff ff ff ff ff ff ff ff 80", 0, -128 },
		{ "02 09 00 7f ff ff ff ff ff ff ff", 0, INT64_MAX },
		{ "02 09 00 80 00 00 00 00 00 00 00", -1, 0 },
		{ "02 09 ff 7f ff ff ff ff ff ff ff", -1, 0 },
		{ "02 09 01 00 00 00 00 00 00 00 00", -1, 0 },
		{ "02 00", -1, 0 }, { "22 03 02 01 05", -1, 0 },
	};
	struct asn1	 a;
	struct ber_out	 o;
	uint8_t		*p;
	int64_t		 out;
	size_t		 i, len;

	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		ber_out_init(&o);
		ber_out_integer(&o, BER_INTEGER, v[i]);
		assert_int_equal(o.size - o.pos, octets[i] + 2);
		asn1_init(&a, NULL);
		assert_int_equal(asn1_decode_all(&a, &type, o.buf + o.pos,
		    o.size - o.pos, &out), 0);
		assert_true(out == v[i]);
		ber_out_free(&o);
	}
	for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		p = hex_octets(odd[i].hex, &len);
		asn1_init(&a, NULL);
		if (asn1_decode_all(&a, &type, p, len, &out) != odd[i].r)
			fail_msg("%s", odd[i].hex);
		if (odd[i].r == 0)
			assert_true(out == odd[i].value);
		free(p);
	}
}

static void
test_bit_strings(void **state)
{
	static const struct asn1_type	type = {
		.name = "BIT STRING", .kind = ASN1_BIT_STRING,
		.tag = BER_BIT_STRING, .size = sizeof(struct asn1_bits),
		.max = 16
	};
	static const struct {
		const char	*hex;
		int		 nbits;		/* -1: refused */
	} v[] = {
		{ "03 01 00", 0 }, { "03 02 04 f0", 4 }, { "03 02 00 f0", 8 },
		{ "03 03 07 ff 80", 9 },
		{ "23 80 03 02 00 f0 03 02 04 f0 00 00", 12 },
		{ "23 04 03 02 04 f0", 4 },
		{ "23 00", 0 },
		{ "03 00", -1 }, { "03 01 01", -1 }, { "03 02 08 00", -1 },
		{ "03 04 00 00 00 00", -1 },
		{ "23 08 03 02 04 f0 03 02 00 f0", -1 },
		{ "23 04 04 02 04 f0", -1 },
	};
	struct asn1_memory	 m;
	struct asn1_bits	 bits;
	struct asn1		 a;
	uint8_t			*p;
	size_t			 i, len;
	int			 r;

	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		p = hex_octets(v[i].hex, &len);
		asn1_memory_init(&m, 4096);
		asn1_init(&a, &m);
		r = asn1_decode_all(&a, &type, p, len, &bits);
		if ((r == -1) != (v[i].nbits == -1))
			fail_msg("%s: %s", v[i].hex, a.error);
		if (r == 0)
			assert_int_equal(bits.nbits, v[i].nbits);
		asn1_memory_free(&m);
		free(p);
	}
}

static int
decode(const uint8_t *p, size_t len, struct everything *v,
    struct asn1_memory *m, char *error, size_t size)
{
	struct asn1	a;
	int		r;

	memset(v, 0, sizeof(*v));
	asn1_memory_init(m, 1 << 16);
	asn1_init(&a, m);
	r = asn1_decode_all(&a, &t_everything, p, len, v);
	strlcpy(error, a.error, size);
	assert_true((r == -1) == (error[0] != '\0'));
	return r;
}

static void
test_errors(void **state)
{
	static const struct {
		const char	*hex, *why;
	} v[] = {
		{ "", "Everything: missing" },
		{ "02 01 05", "Everything: element [UNIVERSAL 2] is not a "
		    "Everything" },
		{ "31 00", "Everything: no sequence" },
		{ "11 00", "Everything: primitive" },
		{ "31 02 ad 00", "Everything.sequence: no text" },
		{ "31 06 ad 04 02 02 03 e9", "Everything.sequence.number: "
		    "1001 is not in -5..1000" },
		{ "31 08 ad 06 13 01 61 02 01 05", "Everything.sequence: "
		    "unexpected element [UNIVERSAL 2]" },
		{ "31 05 ad 03 13 01 07", "Everything.sequence.text: "
		    "character 0x07" },
		{ "31 04 ad 02 13 00", "Everything.sequence.text: 0 octets, "
		    "limits 1..8" },
		{ "31 0d ad 0b 13 09 61 61 61 61 61 61 61 61 61",
		    "Everything.sequence.text: 9 octets, limit 8" },
		{ "31 02 30 00", "Everything.list: 0 elements, at least 1 "
		    "are due" },
		{ "31 14 30 12 02 01 01 02 01 01 02 01 01 02 01 01 02 01 01 "
		    "02 01 01", "Everything.list: more than 5 elements" },
		{ "31 08 30 06 02 01 01 04 01 01", "Everything.list[1]: "
		    "element [UNIVERSAL 4] is not a INTEGER" },
		{ "31 05 30 03 02 05 01", "Everything.list: longer than "
		    "what holds it" },
		{ "31 04 ab 02 04 00", "Everything.text: not a Text" },
		{ "31 02 ab 00", "Everything.text: empty" },
		{ "31 08 ab 06 13 01 61 13 01 61", "Everything.text: "
		    "unexpected element [UNIVERSAL 19]" },
		{ "31 04 8c 02 39 41", "Everything.time: character 0x41 in "
		    "a time" },
		{ "31 0a ad 03 13 01 61 ad 03 13 01 61",
		    "Everything.sequence: there twice" },
		{ "31 80 ad 03 13 01 61", "Everything: no end-of-contents" },
		{ "31 05 ad 03 13 01 61 00", "Everything: 1 octets behind "
		    "it" },
		{ "31 44 99 42 0000000000000000000000000000000000000000000000"
		    "000000000000000000000000000000000000000000000000000000"
		    "0000000000000000000000000000000000", "Everything: other "
		    "members of more than 64 octets" },
	};
	struct everything	 e;
	struct asn1_memory	 m;
	char			 error[256];
	uint8_t			*p;
	size_t			 i, len;

	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		p = hex_octets(v[i].hex, &len);
		assert_int_equal(decode(p, len, &e, &m, error,
		    sizeof(error)), -1);
		assert_string_equal(error, v[i].why);
		asn1_memory_free(&m);
		free(p);
	}
}

/* Members in any order, unknown ones kept as they are, defaults. */
static void
test_lenient(void **state)
{
	struct everything	 e;
	struct asn1_memory	 m;
	struct asn1		 a;
	struct ber_out		 o;
	char			 error[256];
	uint8_t			*p;
	size_t			 len;

	p = hex_octets("31 80 81 01 05 ad 80 33 80 04 01 61 13 01 62 00 00 "
	    "00 00 b0 80 05 00 00 00 ab 05 12 03 31 32 33 82 00 00 00",
	    &len);
	if (decode(p, len, &e, &m, error, sizeof(error)) == -1)
		fail_msg("%s", error);
	assert_int_equal(e.number, 7);
	assert_int_equal(e.sequence.text.len, 2);
	assert_memory_equal(e.sequence.text.p, "ab", 2);
	assert_int_equal(e.text.tag, BER_NUMERIC_STRING);
	assert_memory_equal(e.text.p, "123", 3);
	assert_int_equal(e.others.len, 11);
	assert_memory_equal(e.others.p,
	    "\x81\1\5\xb0\x80\5\0\0\0\x82\0", 11);
	asn1_init(&a, &m);
	ber_out_init(&o);
	assert_int_equal(asn1_encode(&a, &t_everything, &e, &o), 0);
	assert_int_equal(o.size - o.pos, 26);
	assert_memory_equal(o.buf + o.pos, "\x31\x18\xab\5\x12\3" "123"
	    "\xad\4\x13\2" "ab" "\x81\1\5\xb0\x80\5\0\0\0\x82\0", 26);
	ber_out_free(&o);
	asn1_memory_free(&m);
	free(p);

	/* The string right under its explicit tag. */
	p = hex_octets("31 0a 8b 03 61 62 63 ad 03 13 01 61", &len);
	assert_int_equal(decode(p, len, &e, &m, error, sizeof(error)), 0);
	assert_int_equal(e.text.tag, BER_PRINTABLE_STRING);
	assert_memory_equal(e.text.p, "abc", 3);
	asn1_memory_free(&m);
	free(p);
}

/* Every form of values at random gives the one canonical form again. */
static void
test_every_form(void **state)
{
	struct asn1_memory	 m, m2;
	struct asn1		 a;
	struct everything	 v, w;
	struct ber_out		 o[3];
	uint64_t		 seed = 42;
	char			 error[256];
	int			 i;

	for (i = 0; i < 20000; i++) {
		asn1_memory_init(&m, 1 << 16);
		asn1_init(&a, &m);
		memset(&v, 0, sizeof(v));
		asn1_random(&t_everything, &v, &m, &seed);
		ber_out_init(&o[0]);
		assert_int_equal(asn1_encode(&a, &t_everything, &v, &o[0]),
		    0);
		ber_out_init(&o[1]);
		o[1].form = asn1_random_form;
		o[1].form_arg = &seed;
		assert_int_equal(asn1_encode(&a, &t_everything, &v, &o[1]),
		    0);
		if (decode(o[1].buf + o[1].pos, o[1].size - o[1].pos, &w,
		    &m2, error, sizeof(error)) == -1)
			fail_msg("run %d: %s", i, error);
		ber_out_init(&o[2]);
		assert_int_equal(asn1_encode(&a, &t_everything, &w, &o[2]),
		    0);
		assert_int_equal(o[0].size - o[0].pos, o[2].size - o[2].pos);
		assert_memory_equal(o[0].buf + o[0].pos, o[2].buf + o[2].pos,
		    o[0].size - o[0].pos);
		ber_out_free(&o[0]);
		ber_out_free(&o[1]);
		ber_out_free(&o[2]);
		asn1_memory_free(&m);
		asn1_memory_free(&m2);
	}
}

/* A limit on memory holds, and what was given is zeroed. */
static void
test_memory(void **state)
{
	struct asn1_memory	 m;
	uint8_t			*p;
	size_t			 i, n, total = 0;
	uint64_t		 seed = 1;

	asn1_memory_init(&m, 100000);
	for (;;) {
		n = 1 + test_random(&seed) % 6000;
		if ((p = asn1_memory_alloc(&m, n)) == NULL)
			break;
		for (i = 0; i < n; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, n);
		total += n;
	}
	assert_true(total <= 100000 && total > 80000);
	assert_null(asn1_memory_alloc(&m, SIZE_MAX));
	asn1_memory_free(&m);
	assert_non_null(asn1_memory_alloc(&m, 16));
	asn1_memory_free(&m);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_header_round_trip),
		cmocka_unit_test(test_skip),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_bit_strings),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_lenient),
		cmocka_unit_test(test_every_form),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
