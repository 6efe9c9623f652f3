/* SPDX-License-Identifier: ISC */

/*
 * SPDUs (X.225 clause 8): those that another encoder made, every parameter
 * out and in, and what has to be refused.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "spdu.h"
#include "spdu_vectors.h"

static const uint8_t *
params_of(const uint8_t *p, size_t len, size_t *n)
{
	size_t	head, params;

	head = spdu_header(p, len, &params);
	assert_true(head == 2 || head == 4);
	assert_true(head + params <= len);
	*n = params;
	return (p + head);
}

static int
same(struct s_octets a, struct s_octets b)
{
	return (a.len == b.len && (a.len == 0 ||
	    memcmp(a.p, b.p, a.len) == 0));
}

static void
assert_same(const struct spdu *a, const struct spdu *b)
{
	assert_int_equal(a->si, b->si);
	assert_int_equal(a->present, b->present);
	assert_true(same(a->refs.called, b->refs.called));
	assert_true(same(a->refs.calling, b->refs.calling));
	assert_true(same(a->refs.common, b->refs.common));
	assert_true(same(a->refs.additional, b->refs.additional));
	assert_true(same(a->link.called, b->link.called));
	assert_true(same(a->link.calling, b->link.calling));
	assert_true(same(a->link.common, b->link.common));
	assert_true(same(a->link.additional, b->link.additional));
	assert_true(same(a->activity, b->activity));
	assert_true(same(a->link_activity, b->link_activity));
	assert_int_equal(a->serial, b->serial);
	assert_int_equal(a->link_serial, b->link_serial);
	assert_int_equal(a->initial_serial, b->initial_serial);
	assert_int_equal(a->requirements, b->requirements);
	assert_int_equal(a->options, b->options);
	assert_int_equal(a->version, b->version);
	assert_int_equal(a->token_setting, b->token_setting);
	assert_int_equal(a->token, b->token);
	assert_int_equal(a->sync_type, b->sync_type);
	assert_int_equal(a->disconnect, b->disconnect);
	assert_int_equal(a->enclosure, b->enclosure);
	assert_int_equal(a->tsdu_size[0], b->tsdu_size[0]);
	assert_int_equal(a->tsdu_size[1], b->tsdu_size[1]);
	assert_true(same(a->reflect, b->reflect));
	assert_true(same(a->reason, b->reason));
	assert_true(same(a->calling_ssel, b->calling_ssel));
	assert_true(same(a->called_ssel, b->called_ssel));
	assert_true(same(a->data, b->data));
}

/* Every SPDU of ISODE's encoder is understood; ours says the same. */
static void
test_vectors(void **state)
{
	static uint8_t	 buf[SPDU_MAX];
	const uint8_t	*octets, *p;
	const char	*why;
	struct spdu	 s, t;
	size_t		 i, n, len;

	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		octets = (const uint8_t *)vectors[i].octets;
		/* What follows the parameters of DT and TD is no parameter. */
		p = params_of(octets, vectors[i].len, &n);
		if (spdu_decode(&s, octets[0], p, n, &why) == -1)
			fail_msg("%s: %s", vectors[i].name, why);
		assert_int_equal(s.si, octets[0]);
		/* resynchronize, of a unit that reliable transfer has not */
		if (s.si == SI_RS || s.si == SI_RA)
			continue;
		len = spdu_encode(&s, buf, sizeof(buf));
		if (len == 0)
			fail_msg("%s: not encoded", vectors[i].name);
		p = params_of(buf, len, &n);
		assert_int_equal(spdu_decode(&t, buf[0], p, n, &why), 0);
		assert_same(&s, &t);
	}
}

/* Octet for octet where the order of parameters is fixed by X.225. */
static void
test_octets(void **state)
{
	static const char *const	exact[] = { "MIP", "MIA", "AE", "AEA",
	    "GTC", "GTA", "AS", "AA", "PT", "GT", "ADA", "AIA" };
	static uint8_t			buf[SPDU_MAX];
	const uint8_t			*p;
	const char			*why;
	struct spdu			s;
	size_t				i, k, n, len, seen = 0;

	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		for (k = 0; k < sizeof(exact) / sizeof(exact[0]); k++)
			if (strcmp(vectors[i].spdu, exact[k]) == 0)
				break;
		if (k == sizeof(exact) / sizeof(exact[0]) ||
		    vectors[i].len > 200)
			continue;
		p = params_of((const uint8_t *)vectors[i].octets,
		    vectors[i].len, &n);
		assert_int_equal(spdu_decode(&s, vectors[i].octets[0], p, n,
		    &why), 0);
		len = spdu_encode(&s, buf, sizeof(buf));
		if (len != vectors[i].len || memcmp(buf, vectors[i].octets,
		    len) != 0)
			fail_msg("%s: other octets", vectors[i].name);
		seen++;
	}
	assert_true(seen >= 12);
}

static void
test_header(void **state)
{
	static const uint8_t	s[] = { 13, 7 }, l[] = { 13, 255, 1, 2 };
	size_t			n = 99;

	assert_int_equal(spdu_header(s, 0, &n), 0);
	assert_int_equal(spdu_header(s, 1, &n), 0);
	assert_int_equal(spdu_header(s, 2, &n), 2);
	assert_int_equal(n, 7);
	assert_int_equal(spdu_header(l, 2, &n), 0);
	assert_int_equal(spdu_header(l, 3, &n), 0);
	assert_int_equal(spdu_header(l, 4, &n), 4);
	assert_int_equal(n, 258);
}

/* "1", "01" and "000001" are one number (X.225 8.3.13.3). */
static void
test_serials(void **state)
{
	static const struct {
		const char	*digits;
		int		 ok;
		uint32_t	 value;
	} t[] = {
		{ "1", 1, 1 }, { "000001", 1, 1 }, { "01", 1, 1 },
		{ "999998", 1, 999998 }, { "0", 1, 0 }, { "123456", 1, 123456 },
		{ "1234567", 0, 0 }, { "", 0, 0 }, { "1a", 0, 0 },
		{ " 1", 0, 0 }, { "-1", 0, 0 },
	};
	uint8_t		 p[16];
	const char	*why;
	struct spdu	 s;
	size_t		 i, n;
	int		 r;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		n = strlen(t[i].digits);
		p[0] = PI_SERIAL;
		p[1] = n;
		memcpy(p + 2, t[i].digits, n);
		why = NULL;
		r = spdu_decode(&s, SI_MIP, p, n + 2, &why);
		if ((r == 0) != t[i].ok)
			fail_msg("serial \"%s\": %d", t[i].digits, r);
		if (r == 0) {
			assert_true(s.present & SPDU_SERIAL);
			assert_int_equal(s.serial, t[i].value);
		} else
			assert_true(why != NULL && why[0] != '\0');
	}
}

static struct s_octets
octets(const void *p, size_t len)
{
	struct s_octets	o = { p, len };

	return (o);
}

/* All parameters at their greatest length come back. */
static void
test_limits(void **state)
{
	static uint8_t	 buf[SPDU_MAX], fill[S_USER_DATA_V2];
	static const size_t sizes[] = { 0, 1, 253, 254, 255, 256, 511, 512,
	    513, 10239, 10240 };
	const uint8_t	*p;
	const char	*why;
	struct spdu	 s, t;
	size_t		 i, n, len;

	memset(fill, 0x55, sizeof(fill));
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		memset(&s, 0, sizeof(s));
		s.si = SI_CN;
		s.present = SPDU_CONNECTION | SPDU_REQUIREMENTS |
		    SPDU_VERSION | SPDU_OPTIONS;
		s.refs.calling = octets(fill, S_USER_REFERENCE_MAX);
		s.refs.common = octets(fill, S_COMMON_REFERENCE_MAX);
		s.refs.additional = octets(fill, S_ADDITIONAL_REFERENCE_MAX);
		s.calling_ssel = octets(fill, S_SELECTOR_MAX);
		s.called_ssel = octets(fill, S_SELECTOR_MAX);
		s.requirements = 0x249;
		s.version = S_VERSION_1 | S_VERSION_2;
		s.data = octets(fill, sizes[i]);
		len = spdu_encode(&s, buf, sizeof(buf));
		assert_true(len > sizes[i]);
		p = params_of(buf, len, &n);
		assert_int_equal(n + (buf[1] == 255 ? 4 : 2), len);
		assert_int_equal(spdu_decode(&t, buf[0], p, n, &why), 0);
		assert_same(&s, &t);
		/* It fits exactly, or not at all. */
		assert_int_equal(spdu_encode(&s, buf, len - 1), 0);
		assert_int_equal(spdu_encode(&s, buf, len), len);
	}
	s.data.len = S_USER_DATA_V2 + 1;
	assert_int_equal(spdu_encode(&s, buf, sizeof(buf)), 0);
}

/* Each cut of a good parameter field is an error or shorter, never a crash
 * and never octets from behind it. */
static void
test_truncated(void **state)
{
	const uint8_t	*p;
	const char	*why;
	struct spdu	 s;
	uint8_t		*copy;
	size_t		 i, k, n, bad = 0;

	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		p = params_of((const uint8_t *)vectors[i].octets,
		    vectors[i].len, &n);
		for (k = 0; k < n && k < 300; k++) {
			copy = malloc(k + 1);
			assert_non_null(copy);
			memcpy(copy, p, k);
			why = NULL;
			if (spdu_decode(&s, vectors[i].octets[0], copy, k,
			    &why) == -1) {
				assert_true(why != NULL && why[0] != '\0');
				bad++;
			}
			free(copy);
		}
	}
	assert_true(bad > 100);
}

static void
test_refused(void **state)
{
	static const struct {
		const char	*what;
		uint8_t		 si;
		uint8_t		 p[80];
		size_t		 len;
	} t[] = {
		{ "parameter beyond the SPDU", SI_AS,
		    { PI_ACTIVITY, 5, 2, 1, 1 }, 5 },
		{ "long length cut", SI_AS, { PI_ACTIVITY, 255, 0 }, 3 },
		{ "group beyond the SPDU", SI_CN, { PGI_CONNECTION, 9, 10 },
		    3 },
		{ "parameter beyond its group", SI_CN,
		    { PGI_CONNECTION, 4, PI_CALLING_REF, 5, 1, 2, 3, 4, 5 },
		    9 },
		{ "activity identifier of seven", SI_AS,
		    { PI_ACTIVITY, 7, 2, 5, 1, 1, 1, 1, 1 }, 9 },
		{ "additional reference of five", SI_CN,
		    { PGI_CONNECTION, 7, PI_ADDITIONAL_REF, 5, 1, 2, 3, 4,
		    5 }, 9 },
		{ "session selector of seventeen", SI_CN,
		    { PI_CALLING_SSEL, 17 }, 19 },
		{ "requirements of one octet", SI_CN,
		    { PI_REQUIREMENTS, 1, 0x49 }, 3 },
		{ "version of two octets", SI_CN,
		    { PGI_ITEM, 4, PI_VERSION, 2, 1, 1 }, 6 },
		{ "lone identifier", SI_MIP, { PI_SERIAL }, 1 },
	};
	const char	*why;
	struct spdu	 s;
	size_t		 i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		why = NULL;
		if (spdu_decode(&s, t[i].si, t[i].p, t[i].len, &why) == 0)
			fail_msg("%s: taken", t[i].what);
		assert_true(why != NULL && why[0] != '\0');
	}
}

/* Unknown parameters and groups are passed over (X.225 8.2.1). */
static void
test_unknown(void **state)
{
	static const uint8_t	p[] = { 200, 3, 1, 2, 3, PI_SERIAL, 1, '7',
	    201, 0, 99, 255, 0, 2, 8, 9 };
	const char		*why;
	struct spdu		s;

	assert_int_equal(spdu_decode(&s, SI_MIP, p, sizeof(p), &why), 0);
	assert_int_equal(s.serial, 7);
}

static void
test_names(void **state)
{
	assert_string_equal(spdu_name(SI_GT, 1), "GT");
	assert_string_equal(spdu_name(SI_DT, 0), "DT");
	assert_string_equal(spdu_name(SI_AB, 1), "AB");
	assert_string_equal(spdu_name(SI_AI, 0), "AI");
	assert_string_equal(spdu_name(250, 0), "unknown SPDU");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_octets),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_serials),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_names),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
