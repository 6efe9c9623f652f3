/* SPDX-License-Identifier: ISC */

/* The APDUs of X.410 mode, as captured and in every form of BER. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "ber.h"
#include "imsg.h"
#include "rtspdu.h"
#include "vectors.h"

static int
connect_hex(struct pconnect *pc, const char *hex, int *refuse,
    const char **why)
{
	size_t	 len;
	uint8_t	*p = hex_octets(hex, &len);
	int	 r;

	*why = NULL;
	r = pconnect_decode(pc, p, len, refuse, why);
	free(p);
	return r;
}

static int
accept_hex(struct paccept *pa, const char *hex, const char **why)
{
	size_t	 len;
	uint8_t	*p = hex_octets(hex, &len);
	int	 r;

	*why = NULL;
	r = paccept_decode(pa, p, len, why);
	free(p);
	return r;
}

static void
test_pconnect_captured(void **state)
{
	struct pconnect	 pc;
	const char	*why;
	uint8_t		*p;
	size_t		 len;
	int		 refuse;

	p = vector_read("kb-Q86988/pconnect.ber", &len);
	assert_int_equal(pconnect_decode(&pc, p, len, &refuse, &why), 0);
	free(p);
	assert_int_equal(pc.normal, 0);
	assert_int_equal(pc.checkpoint, 0);
	assert_int_equal(pc.window, 1);
	assert_int_equal(pc.dialogue, DIALOGUE_MONOLOGUE);
	assert_int_equal(pc.protocol, 1);
	assert_int_equal(pc.version, -1);
	assert_int_equal(pc.data.recover, 0);
	assert_int_equal(pc.data.has_credentials, 1);
	assert_string_equal(pc.data.credentials.name, "wgc.microsoft.ca");
	assert_string_equal(pc.data.credentials.password, "");

	p = vector_read("kb-Q123650/pconnect.ber", &len);
	assert_int_equal(pconnect_decode(&pc, p, len, &refuse, &why), 0);
	free(p);
	assert_int_equal(pc.checkpoint, 0);
	assert_int_equal(pc.window, 3);
	assert_string_equal(pc.data.credentials.name, "jgarcia-x400-mta");
}

static void
test_paccept_captured(void **state)
{
	struct paccept	 pa;
	const char	*why;
	uint8_t		*p;
	size_t		 len;

	p = vector_read("kb-Q86988/paccept.ber", &len);
	assert_int_equal(paccept_decode(&pa, p, len, &why), 0);
	free(p);
	assert_int_equal(pa.checkpoint, 0);
	assert_int_equal(pa.window, 1);
	assert_string_equal(pa.data.credentials.name, "ean.ubc");

	/* Indefinite lengths, empty name, empty password. */
	p = vector_read("kb-Q123650/paccept.ber", &len);
	assert_int_equal(paccept_decode(&pa, p, len, &why), 0);
	free(p);
	assert_int_equal(pa.checkpoint, 0);
	assert_int_equal(pa.window, 3);
	assert_int_equal(pa.data.has_credentials, 1);
	assert_string_equal(pa.data.credentials.name, "");
	assert_string_equal(pa.data.credentials.password, "");
}

static void
test_normal_mode(void **state)
{
	struct pconnect	 pc;
	struct paccept	 pa;
	const char	*why;
	uint8_t		*p;
	size_t		 len;
	int		 refuse;

	p = vector_read("x400-ping-success/cp.ber", &len);
	assert_int_equal(pconnect_decode(&pc, p, len, &refuse, &why), 0);
	assert_int_equal(pc.normal, 1);
	free(p);
	p = vector_read("x400-ping-success/cpa.ber", &len);
	assert_int_equal(paccept_decode(&pa, p, len, &why), -1);
	assert_non_null(strstr(why, "x409"));
	free(p);
}

/* Every prefix of an APDU is refused, and no octet behind it is read. */
static void
test_truncated(void **state)
{
	static const char	*file[] = {
		"kb-Q86988/pconnect.ber", "kb-Q123650/paccept.ber",
		"x400-ping-success/cp.ber", "kb-Q86988/paccept.ber"
	};
	struct pconnect	 pc;
	struct paccept	 pa;
	const char	*why;
	uint8_t		*p, *q;
	size_t		 i, j, len;
	int		 refuse;

	for (i = 0; i < 4; i++) {
		p = vector_read(file[i], &len);
		for (j = 0; j < len; j++) {
			q = malloc(j > 0 ? j : 1);
			memcpy(q, p, j);
			why = NULL;
			assert_int_equal(pconnect_decode(&pc, q, j, &refuse,
			    &why), -1);
			assert_non_null(why);
			why = NULL;
			assert_int_equal(paccept_decode(&pa, q, j, &why), -1);
			assert_non_null(why);
			free(q);
		}
		free(p);
	}
}

static void
test_credential_forms(void **state)
{
	static const struct {
		const char	*open;
		int		 has;
		const char	*name, *password;
	} form[] = {
		{ "a0 00", 0, "", "" },
		{ "a0 80 00 00", 0, "", "" },
		{ "80 00", 0, "", "" },
		{ "a0 02 05 00", 0, "", "" },
		{ "a0 80 05 00 00 00", 0, "", "" },
		/* [1] IMPLICIT SET */
		{ "a0 0b a1 09 80 01 61 a1 04 16 02 70 77", 1, "a", "pw" },
		/* a plain SET; the other order; indefinite */
		{ "a0 0b 31 09 80 01 61 a1 04 16 02 70 77", 1, "a", "pw" },
		{ "a0 0b 31 09 a1 04 16 02 70 77 80 01 61", 1, "a", "pw" },
		{ "a0 80 31 80 80 01 61 a1 80 16 02 70 77 00 00 00 00 00 00",
		    1, "a", "pw" },
		/* no name, no password, neither */
		{ "a0 08 a1 06 a1 04 16 02 70 77", 1, "", "pw" },
		{ "a0 05 a1 03 80 01 61", 1, "a", "" },
		{ "a0 02 a1 00", 1, "", "" },
		{ "a0 02 31 00", 1, "", "" },
		{ "a0 04 a1 02 80 00", 1, "", "" },
		/* password of other types */
		{ "a0 08 a1 06 a1 04 04 02 70 77", 1, "", "pw" },
		{ "a0 08 a1 06 a1 04 13 02 70 77", 1, "", "pw" },
		{ "a0 08 a1 06 a1 04 14 02 70 77", 1, "", "pw" },
		{ "a0 06 a1 04 81 02 70 77", 1, "", "pw" },
		/* constructed strings, long lengths */
		{ "a0 10 a1 0e a0 06 04 01 61 04 01 62 a1 04 16 02 70 77", 1,
		    "ab", "pw" },
		{ "a0 81 0f a1 82 00 0b a0 80 04 84 00 00 00 01 61 00 00", 1,
		    "a", "" },
		{ "a0 11 a1 0f a1 0d 36 0b 24 80 04 01 70 00 00 16 02 77 78",
		    1, "", "pwx" },
		/* an unknown member */
		{ "a0 0a a1 08 80 01 61 bf 1f 02 05 00", 1, "a", "" },
	};
	char		 hex[512];
	struct pconnect	 pc;
	struct paccept	 pa;
	const char	*why;
	size_t		 i;
	int		 refuse;

	for (i = 0; i < sizeof(form) / sizeof(form[0]); i++) {
		snprintf(hex, sizeof(hex), "31 80 a0 03 80 01 00 a1 80 "
		    "a3 80 %s 00 00 00 00 00 00", form[i].open);
		if (connect_hex(&pc, hex, &refuse, &why) == -1)
			fail_msg("form %zu: %s", i, why);
		assert_int_equal(pc.data.recover, 0);
		assert_int_equal(pc.data.has_credentials, form[i].has);
		assert_string_equal(pc.data.credentials.name, form[i].name);
		assert_string_equal(pc.data.credentials.password,
		    form[i].password);
		snprintf(hex, sizeof(hex), "31 80 a1 80 "
		    "a2 80 %s 00 00 00 00 a0 03 80 01 00 00 00",
		    form[i].open);
		if (accept_hex(&pa, hex, &why) == -1)
			fail_msg("form %zu: %s", i, why);
		assert_int_equal(pa.data.has_credentials, form[i].has);
		assert_string_equal(pa.data.credentials.name, form[i].name);
		assert_string_equal(pa.data.credentials.password,
		    form[i].password);
	}
}

static void
test_defaults(void **state)
{
	struct pconnect	 pc;
	struct paccept	 pa;
	const char	*why;
	int		 refuse;

	assert_int_equal(connect_hex(&pc, "31 0d a0 03 80 01 00 a1 06 a3 04 "
	    "a0 02 05 00", &refuse, &why), 0);
	assert_int_equal(pc.checkpoint, 0);
	assert_int_equal(pc.window, 3);
	assert_int_equal(pc.dialogue, DIALOGUE_MONOLOGUE);
	assert_int_equal(pc.protocol, 1);
	assert_int_equal(pc.version, -1);
	/* Unknown members at both levels are ignored. */
	assert_int_equal(connect_hex(&pc, "31 14 a0 03 80 01 00 a1 0b a3 04 "
	    "a0 02 05 00 99 03 01 02 03 82 00", &refuse, &why), 0);
	/* Everything there, and another protocol and version. */
	assert_int_equal(connect_hex(&pc, "31 1d a1 16 85 01 00 84 02 22 b3 "
	    "a3 04 a0 02 05 00 82 01 01 81 01 05 80 01 1e a0 03 80 01 00",
	    &refuse, &why), 0);
	assert_int_equal(pc.checkpoint, 30);
	assert_int_equal(pc.window, 5);
	assert_int_equal(pc.dialogue, DIALOGUE_TWA);
	assert_int_equal(pc.protocol, 8883);
	assert_int_equal(pc.version, 0);
	/* An accept with nothing in it. */
	assert_int_equal(accept_hex(&pa, "31 07 a0 03 80 01 00 a1 00", &why),
	    0);
	assert_int_equal(pa.checkpoint, 0);
	assert_int_equal(pa.window, 3);
	assert_int_equal(pa.data.has_credentials, 0);
}

static void
test_recover_forms(void **state)
{
	static const struct {
		const char	*data;
		const char	*additional;
	} form[] = {
		{ "a1 14 14 03 43 53 49 17 0d 39 32 30 35 30 39 31 34 35 32 "
		    "34 39 5a", NULL },
		/* OCTET STRING, as normal mode has it */
		{ "a1 14 04 03 43 53 49 17 0d 39 32 30 35 30 39 31 34 35 32 "
		    "34 39 5a", NULL },
		{ "a1 18 14 03 43 53 49 17 0d 39 32 30 35 30 39 31 34 35 32 "
		    "34 39 5a 80 02 61 61", "aa" },
		/* additional reference empty; not implicit */
		{ "a1 16 14 03 43 53 49 17 0d 39 32 30 35 30 39 31 34 35 32 "
		    "34 39 5a 80 00", NULL },
		{ "a1 18 14 03 43 53 49 17 0d 39 32 30 35 30 39 31 34 35 32 "
		    "34 39 5a 14 02 61 61", "aa" },
		/* constructed, long, indefinite */
		{ "a1 80 34 80 04 01 43 04 02 53 49 00 00 37 81 11 04 0d 39 "
		    "32 30 35 30 39 31 34 35 32 34 39 5a 04 00 a0 06 04 01 "
		    "61 04 01 61 00 00", "aa" },
	};
	struct s_connection_id	 id;
	struct pconnect		 pc;
	struct paccept		 pa;
	const char		*why;
	char			 hex[512];
	size_t			 i;
	int			 refuse;

	for (i = 0; i < sizeof(form) / sizeof(form[0]); i++) {
		assert_int_equal(connection_id_make(&id, "CSI",
		    "920509145249Z", form[i].additional), 0);
		snprintf(hex, sizeof(hex), "31 80 a0 03 80 01 00 a1 80 "
		    "a3 80 %s 00 00 00 00 00 00", form[i].data);
		if (connect_hex(&pc, hex, &refuse, &why) == -1)
			fail_msg("form %zu: %s", i, why);
		assert_int_equal(pc.data.recover, 1);
		assert_int_equal(refuse, RTS_CANNOT_RECOVER);
		assert_memory_equal(&pc.data.recovered, &id, sizeof(id));
		snprintf(hex, sizeof(hex), "31 80 a0 03 80 01 00 a1 80 "
		    "a2 80 %s 00 00 00 00 00 00", form[i].data);
		if (accept_hex(&pa, hex, &why) == -1)
			fail_msg("form %zu: %s", i, why);
		assert_memory_equal(&pa.data.recovered, &id, sizeof(id));
	}
}

/* What is wrong is named, and refused with the reason that suits. */
static void
test_refused(void **state)
{
	static const struct {
		const char	*hex;
		int		 refuse;
		const char	*why;
	} bad[] = {
		{ "", RTS_VALIDATION_FAILURE, "missing" },
		{ "05 00", RTS_VALIDATION_FAILURE, "PConnect" },
		{ "31 00", RTS_VALIDATION_FAILURE, "dataTransferSyntax" },
		{ "31 05 a0 03 80 01 00", RTS_VALIDATION_FAILURE,
		    "pUserData" },
		{ "31 07 a0 03 80 01 02 a1 00", RTS_VALIDATION_FAILURE,
		    "x409" },
		/* octets behind */
		{ "31 07 a0 03 80 01 00 a1 00 00", RTS_VALIDATION_FAILURE,
		    "behind" },
		/* the same member twice */
		{ "31 0d a0 03 80 01 00 a1 06 80 01 00 80 01 00",
		    RTS_VALIDATION_FAILURE, "checkpointSize: there twice" },
		/* numbers: negative, too long, empty, constructed */
		{ "31 0a a0 03 80 01 00 a1 03 80 01 ff",
		    RTS_VALIDATION_FAILURE, "checkpointSize" },
		{ "31 12 a0 03 80 01 00 a1 0b 81 09 01 00 00 00 00 00 00 00 "
		    "00", RTS_VALIDATION_FAILURE, "windowSize" },
		{ "31 09 a0 03 80 01 00 a1 02 81 00",
		    RTS_VALIDATION_FAILURE, "windowSize" },
		{ "31 09 a0 03 80 01 00 a1 02 a1 00",
		    RTS_VALIDATION_FAILURE, "windowSize" },
		{ "31 0a a0 03 80 01 00 a1 03 82 01 02",
		    RTS_UNACCEPTABLE_DIALOGUE_MODE, "dialogueMode" },
		/* name with a control character; too long */
		{ "31 12 a0 03 80 01 00 a1 0b a3 09 a0 07 31 05 80 03 61 0a "
		    "62", RTS_VALIDATION_FAILURE, "mTAName" },
		{ "31 30 a0 03 80 01 00 a1 29 a3 27 a0 25 31 23 80 21 "
		    "616161616161616161616161616161616161616161616161616161"
		    "616161616161", RTS_VALIDATION_FAILURE, "mTAName" },
		/* password with a NUL */
		{ "31 14 a0 03 80 01 00 a1 0d a3 0b a0 09 31 07 a1 05 16 03 "
		    "61 00 62", RTS_VALIDATION_FAILURE, "password" },
		/* credentials of no known kind; two of them */
		{ "31 0d a0 03 80 01 00 a1 06 a3 04 a0 02 16 00",
		    RTS_VALIDATION_FAILURE, "open" },
		{ "31 0f a0 03 80 01 00 a1 08 a3 06 a0 04 05 00 05 00",
		    RTS_VALIDATION_FAILURE, "open" },
		/* neither open nor recover */
		{ "31 0b a0 03 80 01 00 a1 04 a3 02 82 00",
		    RTS_VALIDATION_FAILURE, "ConnectionData" },
		/* recover: empty, half, twice, too long, text in addition */
		{ "31 0b a0 03 80 01 00 a1 04 a3 02 a1 00",
		    RTS_CANNOT_RECOVER, "callingSSUserReference" },
		{ "31 0b a0 03 80 01 00 a1 04 a3 02 81 00",
		    RTS_CANNOT_RECOVER, "recover" },
		{ "31 0e a0 03 80 01 00 a1 07 a3 05 a1 03 14 01 61",
		    RTS_CANNOT_RECOVER, "commonReference" },
		{ "31 16 a0 03 80 01 00 a1 0f a3 0d a1 0b 14 01 61 17 01 30 "
		    "80 03 61 61 61", RTS_CANNOT_RECOVER, "additional" },
	};
	struct pconnect	 pc;
	const char	*why;
	size_t		 i;
	int		 refuse;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		refuse = -1;
		if (connect_hex(&pc, bad[i].hex, &refuse, &why) != -1)
			fail_msg("case %zu is taken", i);
		if (strstr(why, bad[i].why) == NULL)
			fail_msg("case %zu: %s", i, why);
		if (refuse != bad[i].refuse)
			fail_msg("case %zu: refuse %d", i, refuse);
	}
}

static void
test_round_trip(void **state)
{
	struct pconnect	 pc, pc2;
	struct paccept	 pa, pa2;
	struct ibuf	*b;
	const char	*why;
	uint8_t		*p;
	size_t		 len;
	int		 i, refuse;

	for (i = 0; i < 4; i++) {
		memset(&pc, 0, sizeof(pc));
		memset(&pa, 0, sizeof(pa));
		pc.checkpoint = pa.checkpoint = i == 0 ? 0 : 1024;
		pc.window = pa.window = i == 0 ? 3 : 10;
		pc.dialogue = i & 1;
		pc.protocol = i == 0 ? 1 : 8883;
		pc.version = i - 1;
		pc.data.has_credentials = i == 1;
		if (i == 1) {
			strlcpy(pc.data.credentials.name, "alpha", 6);
			strlcpy(pc.data.credentials.password, "s\xe9 \"", 6);
		}
		if (i >= 2) {
			pc.data.recover = 1;
			assert_int_equal(connection_id_make(
			    &pc.data.recovered, "alpha",
			    "920509145249-0700", i == 2 ? NULL : "zz"), 0);
		}
		pa.data = pc.data;
		assert_non_null(b = ibuf_dynamic(0, 4096));
		assert_int_equal(pconnect_encode(&pc, b), 0);
		assert_int_equal(pconnect_decode(&pc2, ibuf_data(b),
		    ibuf_size(b), &refuse, &why), 0);
		assert_memory_equal(&pc, &pc2, sizeof(pc));
		ibuf_free(b);
		assert_non_null(b = ibuf_dynamic(0, 4096));
		assert_int_equal(paccept_encode(&pa, b), 0);
		assert_int_equal(paccept_decode(&pa2, ibuf_data(b),
		    ibuf_size(b), &why), 0);
		assert_memory_equal(&pa, &pa2, sizeof(pa));
		ibuf_free(b);
	}
	/* The captured PAccept comes out again octet for octet. */
	p = vector_read("kb-Q86988/paccept.ber", &len);
	assert_int_equal(paccept_decode(&pa, p, len, &why), 0);
	assert_non_null(b = ibuf_dynamic(0, 4096));
	assert_int_equal(paccept_encode(&pa, b), 0);
	assert_int_equal(ibuf_size(b), len);
	assert_memory_equal(ibuf_data(b), p, len);
	ibuf_free(b);
	free(p);
}

static void
test_refuse_and_abort(void **state)
{
	static const uint8_t	refused[] = { 0x31, 3, 0x80, 1, 1 };
	static const uint8_t	odd[] = { 0x31, 0x80, 0x82, 1, 1, 0xa1, 4,
		3, 2, 4, 0xb0, 0, 0 };
	struct abort_information info = { 0 }, out;
	struct ibuf		*b;
	const char		*why;
	uint8_t			*p;
	size_t			 len;
	int			 reason = -1, i;

	assert_int_equal(prefuse_decode(&reason, refused, sizeof(refused),
	    &why), 0);
	assert_int_equal(reason, RTS_CANNOT_RECOVER);
	for (i = 0; i < (int)sizeof(refused); i++)
		assert_int_equal(prefuse_decode(&reason, refused, i, &why),
		    -1);
	assert_non_null(b = ibuf_dynamic(0, 64));
	assert_int_equal(prefuse_encode(RTS_CANNOT_RECOVER, b), 0);
	assert_int_equal(ibuf_size(b), sizeof(refused));
	assert_memory_equal(ibuf_data(b), refused, sizeof(refused));
	ibuf_free(b);

	p = vector_read("kb-Q194385/abort-information.ber", &len);
	assert_int_equal(abort_decode(&info, p, len, &why), 0);
	assert_int_equal(info.reason, RTS_ABORT_PROTOCOL_ERROR);
	assert_int_equal(info.reflected_bits, 0);
	assert_non_null(b = ibuf_dynamic(0, 64));
	assert_int_equal(abort_encode(&info, b), 0);
	assert_int_equal(ibuf_size(b), len);
	assert_memory_equal(ibuf_data(b), p, len);
	ibuf_free(b);
	free(p);

	/* No user data at all; no members; a constructed BIT STRING. */
	assert_int_equal(abort_decode(&info, NULL, 0, &why), 0);
	assert_int_equal(info.reason, -1);
	assert_int_equal(abort_decode(&info, (const uint8_t *)"\x31\0", 2,
	    &why), 0);
	assert_int_equal(info.reason, -1);
	assert_int_equal(abort_decode(&info, odd, sizeof(odd), &why), 0);
	assert_int_equal(info.reflected_bits, 4);
	assert_int_equal(info.reflected, 0xb0);

	info.reason = RTS_ABORT_INVALID_PARAMETER;
	assert_non_null(b = ibuf_dynamic(0, 64));
	assert_int_equal(abort_encode(&info, b), 0);
	assert_int_equal(abort_decode(&out, ibuf_data(b), ibuf_size(b), &why),
	    0);
	assert_memory_equal(&info, &out, sizeof(info));
	ibuf_free(b);
}

static void
test_priority(void **state)
{
	static const uint8_t	urgent[] = { 2, 1, 2 };
	struct ibuf		*b;
	int			 priority;

	assert_int_equal(priority_decode(&priority, urgent, 3), 0);
	assert_int_equal(priority, 2);
	assert_int_equal(priority_decode(&priority, urgent, 2), -1);
	assert_int_equal(priority_decode(&priority, NULL, 0), -1);
	assert_non_null(b = ibuf_dynamic(0, 64));
	assert_int_equal(priority_encode(2, b), 0);
	assert_int_equal(ibuf_size(b), 3);
	assert_memory_equal(ibuf_data(b), urgent, 3);
	ibuf_free(b);
}

static void
test_identifiers(void **state)
{
	static const uint8_t	user[] = { 0x14, 3, 'C', 'S', 'I' };
	struct s_connection_id	a, b;
	struct activity_id	id;
	char			text[128];

	assert_int_equal(connection_id_make(&a, "CSI", "920509145249-0700",
	    NULL), 0);
	assert_int_equal(a.user_len, sizeof(user));
	assert_memory_equal(a.user, user, sizeof(user));
	assert_int_equal(a.additional_len, 0);
	assert_int_equal(connection_id_print(&a, text, sizeof(text)), 21);
	assert_string_equal(text, "CSI 920509145249-0700");

	/* Absent and empty are the same; so are the two string types. */
	b = a;
	b.additional_len = 2;
	memcpy(b.additional, "\x14\0", 2);
	b.user[0] = 4;
	assert_int_equal(connection_id_compare(&a, &b), 0);
	assert_int_equal(connection_id_make(&b, "CSI", "920509145249-0700",
	    "aa"), 0);
	assert_int_not_equal(connection_id_compare(&a, &b), 0);
	connection_id_print(&b, text, sizeof(text));
	assert_string_equal(text, "CSI 920509145249-0700 aa");
	assert_int_equal(connection_id_make(&b, "CSJ", "920509145249-0700",
	    NULL), 0);
	assert_int_not_equal(connection_id_compare(&a, &b), 0);
	/* Hostile octets do not reach the log. */
	b.user[3] = '\n';
	b.user_len = S_USER_REFERENCE_MAX;
	memset(b.user, 0xff, sizeof(b.user));
	assert_true(connection_id_print(&b, text, sizeof(text)) > 64);
	assert_null(strchr(text, '\n'));
	/* Too long for the parameter. */
	memset(text, 'x', 63);
	text[63] = '\0';
	assert_int_equal(connection_id_make(&b, text, "1", NULL), -1);
	assert_int_equal(connection_id_make(&b, "a", "1", "abc"), -1);

	assert_int_equal(activity_id_make(&id, 1), 0);
	assert_int_equal(id.len, 3);
	assert_memory_equal(id.octets, "\x02\x01\x01", 3);
	assert_int_equal(activity_id_make(&id, 0x7fffffff), 0);
	assert_int_equal(id.len, 6);
	activity_id_print(&id, text, sizeof(text));
	assert_string_equal(text, "2147483647");
	assert_int_equal(activity_id_make(&id, 0x80000000), -1);
	memcpy(id.octets, "\xff\xff\xff\xff\xff\xff", 6);
	activity_id_print(&id, text, sizeof(text));
	assert_string_equal(text, "0xffffffffffff");
}

/*
 * Puts a constructed element around contents, in a form at random: definite,
 * long, or indefinite.  Returns the length; out may be contents.
 */
static size_t
wrap(uint8_t *out, uint8_t tag, const uint8_t *contents, size_t len,
    uint64_t *seed)
{
	uint8_t	copy[1024];
	size_t	n = 0;

	memcpy(copy, contents, len);
	out[n++] = tag;
	switch (test_random(seed) % 4) {
	case 0:
		out[n++] = 0x80;
		break;
	case 1:
		out[n++] = 0x84;
		out[n++] = 0;
		out[n++] = 0;
		out[n++] = len >> 8;
		out[n++] = len;
		break;
	default:
		if (len > 127) {
			out[n++] = 0x82;
			out[n++] = len >> 8;
		}
		out[n++] = len;
	}
	memcpy(out + n, copy, len);
	n += len;
	if (out[1] == 0x80) {
		out[n++] = 0;
		out[n++] = 0;
	}
	return n;
}

/* Members in random order, some left out that have a default. */
static size_t
members(uint8_t *out, const char *const *hex, const int *optional, size_t n,
    uint64_t *seed)
{
	uint8_t	*p;
	size_t	 len = 0, one;
	uint32_t left = (1u << n) - 1, i;

	while (left != 0) {
		i = test_random(seed) % n;
		if ((left >> i & 1) == 0)
			continue;
		left &= ~(1u << i);
		if (optional[i] && test_random(seed) % 2)
			continue;
		p = hex_octets(hex[i], &one);
		memcpy(out + len, p, one);
		len += one;
		free(p);
	}
	return len;
}

/* Orders, lengths and defaults in all combinations say the same. */
static void
test_pconnect_every_form(void **state)
{
	static const char *const	string[] = {
		"16 06 73 65 63 72 65 74", "16 81 06 73 65 63 72 65 74",
		"36 80 04 03 73 65 63 16 03 72 65 74 00 00",
		"36 0a 24 04 04 02 73 65 04 02 63 72"
	};
	static const char *const	plain[] = {
		"80 01 00", "81 01 03", "82 01 00", "84 01 01", "9e 01 ff"
	};
	static const int		all[] = { 1, 1, 1, 1, 1 };
	uint8_t				buf[1024], *p, data[512];
	const char			*name;
	struct pconnect			 pc;
	const char			*why;
	uint64_t			 seed = 17;
	size_t				 len, n, form;
	int				 i, refuse;

	for (i = 0; i < 20000; i++) {
		/* the password, its tag, and the name before or behind */
		form = test_random(&seed) % 4;
		p = hex_octets(string[form], &len);
		n = wrap(data, 0xa1, p, len, &seed);
		free(p);
		name = test_random(&seed) % 2 ? "80 05 61 6c 70 68 61" :
		    "a0 80 04 02 61 6c 04 03 70 68 61 00 00";
		p = hex_octets(name, &len);
		if (test_random(&seed) % 2) {
			memcpy(data + n, p, len);
		} else {
			memmove(data + len, data, n);
			memcpy(data, p, len);
		}
		n += len;
		free(p);
		/* a SET with or without its tag, [0] open, [3] */
		n = wrap(data, test_random(&seed) % 2 ? 0xa1 : 0x31, data, n,
		    &seed);
		n = wrap(data, 0xa0, data, n, &seed);
		n = wrap(data, 0xa3, data, n, &seed);
		/* the members that have defaults, before and behind */
		len = members(buf, plain, all, 5, &seed);
		if (test_random(&seed) % 2) {
			memcpy(buf + len, data, n);
		} else {
			memmove(buf + n, buf, len);
			memcpy(buf, data, n);
		}
		n = wrap(buf, 0xa1, buf, n + len, &seed);
		/* the syntax in front or behind */
		len = wrap(data, 0xa0, (const uint8_t *)"\x80\1\0", 3, &seed);
		if (test_random(&seed) % 2) {
			memcpy(buf + n, data, len);
		} else {
			memmove(buf + len, buf, n);
			memcpy(buf, data, len);
		}
		n = wrap(buf, 0x31, buf, n + len, &seed);
		if (pconnect_decode(&pc, buf, n, &refuse, &why) == -1)
			fail_msg("run %d: %s", i, why);
		assert_int_equal(pc.checkpoint, 0);
		assert_int_equal(pc.window, 3);
		assert_int_equal(pc.dialogue, DIALOGUE_MONOLOGUE);
		assert_int_equal(pc.protocol, 1);
		assert_int_equal(pc.data.has_credentials, 1);
		assert_string_equal(pc.data.credentials.name, "alpha");
		assert_string_equal(pc.data.credentials.password,
		    form == 3 ? "secr" : "secret");
	}
}

/* Octets changed at random: no crash, and what is taken comes out again. */
static void
test_mutations(void **state)
{
	static const char	*file[] = {
		"kb-Q86988/pconnect.ber", "kb-Q123650/paccept.ber",
		"kb-Q123650/pconnect.ber", "kb-Q194385/abort-information.ber"
	};
	struct abort_information info;
	struct pconnect		 pc, pc2;
	struct paccept		 pa;
	struct ibuf		*b;
	const char		*why;
	uint64_t		 seed = 1;
	uint8_t			*p, *q;
	size_t			 len;
	int			 i, j, n, refuse, reason;

	for (i = 0; i < 4; i++) {
		p = vector_read(file[i], &len);
		for (j = 0; j < 20000; j++) {
			q = malloc(len);
			memcpy(q, p, len);
			for (n = test_random(&seed) % 4; n >= 0; n--)
				q[test_random(&seed) % len] =
				    test_random(&seed);
			paccept_decode(&pa, q, len, &why);
			prefuse_decode(&reason, q, len, &why);
			abort_decode(&info, q, len, &why);
			if (pconnect_decode(&pc, q, len, &refuse, &why) == 0 &&
			    !pc.normal) {
				b = ibuf_dynamic(0, 4096);
				assert_int_equal(pconnect_encode(&pc, b), 0);
				assert_int_equal(pconnect_decode(&pc2,
				    ibuf_data(b), ibuf_size(b), &refuse,
				    &why), 0);
				assert_memory_equal(&pc, &pc2, sizeof(pc));
				ibuf_free(b);
			}
			free(q);
		}
		free(p);
	}
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_pconnect_captured),
		cmocka_unit_test(test_paccept_captured),
		cmocka_unit_test(test_normal_mode),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_credential_forms),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_recover_forms),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_refuse_and_abort),
		cmocka_unit_test(test_priority),
		cmocka_unit_test(test_identifiers),
		cmocka_unit_test(test_pconnect_every_form),
		cmocka_unit_test(test_mutations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
