/* SPDX-License-Identifier: ISC */

/*
 * Passwords in a trace: those of PConnect and PAccept in both modes, in every
 * form that BER allows and in TPDUs of any size, and nothing beside them.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "imsg.h"
#include "mask.h"
#include "normal.h"
#include "rtspdu.h"

#define SECRET	"fun with seven"

static struct pconnect
connect_apdu(int normal, int recover)
{
	struct pconnect pc;

	memset(&pc, 0, sizeof(pc));
	pc.normal = normal;
	pc.checkpoint = 16;
	pc.window = 3;
	pc.protocol = 1;
	pc.version = -1;
	if (recover) {
		pc.data.recover = 1;
		assert_int_equal(connection_id_make(&pc.data.recovered,
		    "alpha", "920509145249Z", "aa"), 0);
		if (normal)
			pc.data.recovered.user[0] = 0x04;
		return (pc);
	}
	pc.data.has_credentials = 1;
	strlcpy(pc.data.credentials.name, "alpha",
	    sizeof(pc.data.credentials.name));
	strlcpy(pc.data.credentials.password, SECRET,
	    sizeof(pc.data.credentials.password));
	return (pc);
}

static struct ibuf *
encoded(int normal, int recover)
{
	struct pconnect pc = connect_apdu(normal, recover);
	struct normal n;
	struct ibuf *b;

	assert_non_null(b = ibuf_dynamic(128, 16384));
	normal_init(&n, NULL, NULL);
	assert_int_equal(normal ? normal_connect_encode(&n, &pc, b) :
	    pconnect_encode(&pc, b), 0);
	return (b);
}

/* Only the password differs, each octet of it. */
static void
check_masked(const uint8_t *was, const uint8_t *is, size_t len)
{
	uint8_t *copy;
	const uint8_t *at;

	assert_null(memmem(is, len, SECRET, strlen(SECRET)));
	assert_non_null(copy = malloc(len));
	memcpy(copy, was, len);
	assert_non_null(at = memmem(copy, len, SECRET, strlen(SECRET)));
	memset(copy + (at - copy), '*', strlen(SECRET));
	assert_memory_equal(copy, is, len);
	free(copy);
}

static void
test_user_data(void **state)
{
	struct ibuf *b;
	uint8_t *copy;
	int normal;

	for (normal = 0; normal < 2; normal++) {
		b = encoded(normal, 0);
		assert_non_null(copy = malloc(ibuf_size(b)));
		memcpy(copy, ibuf_data(b), ibuf_size(b));
		assert_int_equal(mask_user_data(copy, ibuf_size(b)), 0);
		check_masked(ibuf_data(b), copy, ibuf_size(b));
		free(copy);
		ibuf_free(b);
	}
}

/* The references of a recovery are no passwords. */
static void
test_recover(void **state)
{
	struct ibuf *b;
	uint8_t *copy;
	int normal;

	for (normal = 0; normal < 2; normal++) {
		b = encoded(normal, 1);
		assert_non_null(copy = malloc(ibuf_size(b)));
		memcpy(copy, ibuf_data(b), ibuf_size(b));
		assert_int_equal(mask_user_data(copy, ibuf_size(b)), 0);
		assert_memory_equal(copy, ibuf_data(b), ibuf_size(b));
		free(copy);
		ibuf_free(b);
	}
}

/* Indefinite lengths, strings in pieces, octet-aligned, and what is none. */
static void
test_forms(void **state)
{
	static const struct {
		const char	*was, *is;
		size_t		 len;
		int		 ret;
	} t[] = {
#define T(was, is, ret)	{ was, is, sizeof(was) - 1, ret }
		T("\xa1\x04\x16\x02" "pw", "\xa1\x04\x16\x02**", 0),
		T("\xa1\x04\x04\x02" "pw", "\xa1\x04\x04\x02**", 0),
		T("\xa1\x04\x14\x02" "pw", "\xa1\x04\x14\x02**", 0),
		T("\x30\x06\xa1\x04\x16\x02" "pw",
		    "\x30\x06\xa1\x04\x16\x02**", 0),
		T("\xa1\x80\x16\x02" "pw\0\0", "\xa1\x80\x16\x02**\0\0", 0),
		T("\xa1\x80\x36\x80\x16\x01p\x16\x01w\0\0\0\0",
		    "\xa1\x80\x36\x80\x16\x01*\x16\x01*\0\0\0\0", 0),
		T("\xa1\x81\x04\x16\x02" "pw", "\xa1\x81\x04\x16\x02**", 0),
		T("\x81\x06\xa1\x04\x16\x02" "pw",
		    "\x81\x06\xa1\x04\x16\x02**", 0),
		/* a name, a string that is tagged otherwise, two members */
		T("\x80\x02" "pw", "\x80\x02" "pw", 0),
		T("\xa0\x04\x16\x02" "pw", "\xa0\x04\x16\x02" "pw", 0),
		T("\xa1\x07\x04\x02" "pw\x17\x01x",
		    "\xa1\x07\x04\x02" "pw\x17\x01x", 0),
		T("\xa1\x04\x06\x02" "pw", "\xa1\x04\x06\x02" "pw", 0),
		/* no BER */
		T("\xa1\x05\x16\x02" "pw", "\xa1\x05\x16\x02" "pw", -1),
		T("\x30\x80\x16\x02" "pw", "\x30\x80\x16\x02" "pw", -1),
		T("\x16\x85\x01\x01\x01\x01\x01", "\x16\x85\x01\x01\x01\x01"
		    "\x01", -1),
		T("\x1f\xff", "\x1f\xff", -1),
		T("\x30", "\x30", -1),
		T("", "", 0),
	};
	uint8_t copy[64];
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		memcpy(copy, t[i].was, t[i].len);
		assert_int_equal(mask_user_data(copy, t[i].len), t[i].ret);
		if (t[i].ret == 0)
			assert_memory_equal(copy, t[i].is, t[i].len);
	}
}

/* However deep. */
static void
test_depth(void **state)
{
	uint8_t b[512];
	size_t i;

	for (i = 0; i < 256; i += 2) {
		b[i] = 0x30;
		b[i + 1] = 0x80;
	}
	memset(b + i, 0, sizeof(b) - i);
	assert_int_equal(mask_user_data(b, sizeof(b)), -1);
}

/* A CR, and a TSDU in DTs of that many octets; returns the length. */
static size_t
packets(uint8_t *out, const uint8_t *tsdu, size_t len, size_t size)
{
	static const uint8_t cr[] = { 3, 0, 0, 11, 6, 0xe0, 0, 0, 0, 1, 0 };
	size_t n, have = sizeof(cr);

	memcpy(out, cr, sizeof(cr));
	do {
		n = len < size ? len : size;
		out[have++] = 3;
		out[have++] = 0;
		out[have++] = (n + 7) >> 8;
		out[have++] = (n + 7) & 0xff;
		out[have++] = 2;
		out[have++] = 0xf0;
		out[have++] = n == len ? 0x80 : 0;
		memcpy(out + have, tsdu, n);
		have += n;
		tsdu += n;
		len -= n;
	} while (len > 0);
	return (have);
}

/* The octets of DTs, one after another. */
static size_t
unpack(const uint8_t *p, size_t len, uint8_t *out)
{
	size_t off, n, have = 0;

	for (off = 0; off < len; off += n) {
		n = p[off + 2] << 8 | p[off + 3];
		if (p[off + 5] != 0xf0)
			continue;
		memcpy(out + have, p + off + 7, n - 7);
		have += n - 7;
	}
	return (have);
}

static size_t
spdu(uint8_t *out, int si, const struct ibuf *data)
{
	static const uint8_t item[] = { 5, 3, 19, 1, 0 };
	size_t len = ibuf_size(data), n = 0;

	out[n++] = si;
	out[n++] = 255;
	out[n++] = (sizeof(item) + 4 + len) >> 8;
	out[n++] = (sizeof(item) + 4 + len) & 0xff;
	memcpy(out + n, item, sizeof(item));
	n += sizeof(item);
	out[n++] = 193;
	out[n++] = 255;
	out[n++] = len >> 8;
	out[n++] = len & 0xff;
	memcpy(out + n, ibuf_data(data), len);
	return (n + len);
}

static void
test_packets(void **state)
{
	uint8_t tsdu[2048], raw[32768], masked[32768], back[2048];
	size_t len, n, size;
	struct ibuf *b;
	int normal, si;

	for (normal = 0; normal < 2; normal++) {
		b = encoded(normal, 0);
		for (si = 13; si <= 14; si++)
			for (size = 1; size < 300; size++) {
				len = spdu(tsdu, si, b);
				n = packets(raw, tsdu, len, size);
				memcpy(masked, raw, n);
				mask_opening(masked, n);
				assert_int_equal(unpack(masked, n, back),
				    len);
				check_masked(tsdu, back, len);
				/* nothing else: headers are as they were */
				packets(raw, back, len, size);
				assert_memory_equal(raw, masked, n);
			}
		ibuf_free(b);
	}
}

/* User data that is no BER goes as a whole; other SPDUs stay. */
static void
test_others(void **state)
{
	static const uint8_t broken[] = { 13, 8, 193, 6, 0xa1, 9, 0x16, 2,
	    'p', 'w' };
	static const uint8_t cut[] = { 13, 80, 193, 6, 0xa1, 4, 0x16, 2, 'p',
	    'w' };
	static const uint8_t finish[] = { 9, 8, 193, 6, 0xa1, 4, 0x16, 2,
	    'p', 'w' };
	uint8_t raw[256], back[64];
	size_t n;

	n = packets(raw, broken, sizeof(broken), 64);
	mask_opening(raw, n);
	unpack(raw, n, back);
	assert_memory_equal(back, "\15\10\301\6******", sizeof(broken));
	n = packets(raw, cut, sizeof(cut), 3);
	mask_opening(raw, n);
	unpack(raw, n, back);
	assert_memory_equal(back, "**********", sizeof(cut));
	n = packets(raw, finish, sizeof(finish), 64);
	mask_opening(raw, n);
	unpack(raw, n, back);
	assert_memory_equal(back, finish, sizeof(finish));
	/* lengths that lie, and no packet at all */
	for (n = 0; n < sizeof(raw); n++) {
		packets(raw, broken, sizeof(broken), 64);
		raw[13] = n & 0xff;
		raw[14] = n & 0xff;
		mask_opening(raw, 11 + n % 18);
	}
	mask_opening(raw, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_user_data),
		cmocka_unit_test(test_recover),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_packets),
		cmocka_unit_test(test_others),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
