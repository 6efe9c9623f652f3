/* SPDX-License-Identifier: ISC */

/* Characters, MIXER addresses, and MIME as it is written and read. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "charset.h"
#include "mime.h"
#include "mime_out.h"
#include "mixer.h"
#include "t61.h"

static void
is_text(int id, const char *octets, size_t len, const char *utf8)
{
	char	*text = charset_text((const uint8_t *)octets, len, id);

	assert_non_null(text);
	assert_string_equal(text, utf8);
	free(text);
}
#define IS_TEXT(id, octets, utf8) is_text(id, octets, sizeof(octets) - 1, utf8)

static void
test_charsets(void **state)
{
	IS_TEXT(CS_ASCII, "a\xe9", "a\xc3\xa9");
	IS_TEXT(CS_8859 + 1, "\xe9", "\xc3\xa9");
	IS_TEXT(CS_8859 + 2, "\xa3", "\xc5\x81");
	IS_TEXT(CS_8859 + 15, "\xa4", "\xe2\x82\xac");
	IS_TEXT(CS_8859 + 3, "\xa5x", "\xef\xbf\xbdx");	/* a hole */
	IS_TEXT(CS_BMP, "\x20\xac", "\xe2\x82\xac");
	IS_TEXT(CS_BMP, "\xd8\x00\x00" "a", "\xef\xbf\xbd" "a");
	IS_TEXT(CS_UCS4, "\0\1\xf6\0", "\xf0\x9f\x98\x80");
	IS_TEXT(CS_UCS4, "\0\x11\0\0", "\xef\xbf\xbd");
	/* overlong, cut short, surrogates, beyond the end */
	IS_TEXT(CS_UTF8, "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd");
	IS_TEXT(CS_UTF8, "\xe2\x82", "\xef\xbf\xbd");
	IS_TEXT(CS_UTF8, "\xe2\x82" "a", "\xef\xbf\xbd" "a");
	IS_TEXT(CS_UTF8, "\xed\xa0\x80", "\xef\xbf\xbd");
	IS_TEXT(CS_UTF8, "\xf4\x90\x80\x80", "\xef\xbf\xbd");
	/* designations, and one of a set that nobody knows */
	IS_TEXT(CS_GENERAL, "\x1b-F\xe1\x1b-A\xe1", "\xce\xb1\xc3\xa1");
	IS_TEXT(CS_GENERAL, "\x1b%G\xc3\xa9\x1b%@\xe9", "\xc3\xa9\xc3\xa9");
	IS_TEXT(CS_GENERAL, "\x1b(Ba", "a");
	assert_int_equal(charset_registered(144), 5);
	assert_int_equal(charset_registered(87), 0);
	assert_int_equal(charset_registration(9), 148);
	assert_int_equal(charset_octet(5, 0x41f), 0xbf);
	assert_int_equal(charset_octet(1, 0x41f), -1);
	assert_int_equal(charset_by_name("ISO-8859-15"), CS_8859 + 15);
	assert_int_equal(charset_by_name("iso-8859-12"), CS_NONE);
	assert_string_equal(charset_name(CS_8859 + 7), "iso-8859-7");
}

/* Every character that becomes T.61 is the same again. */
static void
test_t61(void **state)
{
	uint8_t		octets[2];
	uint32_t	u, v[2];
	char		utf8[5];
	int		n, known = 0;

	for (u = 1; u < 0x3000; u++) {
		utf8[utf8_put(u, utf8)] = '\0';
		if (t61_char(utf8, octets, &n) == 0)
			continue;
		known++;
		assert_int_equal(t61_decode(octets, n, v), 1);
		/* T.61 has one octet for the two capital letters. */
		assert_int_equal(v[0], u == 0xd0 ? 0x110 : u);
	}
	assert_true(known > 300);
	/* a letter that has no such mark keeps it beside it */
	assert_int_equal(t61_decode((const uint8_t *)"\xc2q", 2, v), 2);
	assert_int_equal(v[0], 'q');
	assert_int_equal(v[1], 0x301);
	assert_int_equal(t61_decode((const uint8_t *)"\xe5", 1, v), 0);
}

static void
test_printable(void **state)
{
	static const char	ascii[] = "a_b%c!d\"e(f)g@h*i\x7f~";
	char			encoded[200], again[200];
	int			n;

	n = mixer_encode(ascii, strlen(ascii), encoded, sizeof(encoded));
	assert_string_equal(encoded, "a(u)b(p)c(b)d(q)e(l)f(r)g(a)h(042)i"
	    "(127)(126)");
	assert_int_equal(n, strlen(encoded));
	assert_int_equal(mixer_decode(encoded, n, again, sizeof(again)),
	    strlen(ascii));
	assert_string_equal(again, ascii);
	assert_int_equal(mixer_encode("\xe9", 1, encoded, 9), -1);
	assert_int_equal(mixer_encode("@@@", 3, encoded, 9), -1);
	assert_int_equal(mixer_decode("(A)(999)(a", 10, again, 20), 8);
	assert_string_equal(again, "@(999)(a");
}

static void
test_addresses(void **state)
{
	struct message		*m = message_new();
	struct or_address	 or, base;
	const char		*why = "";
	char			 text[MIXER_MAX];
	size_t			 where;

	assert_int_equal(or_address_parse(m, &base,
	    "/G=Jo/S=Doe/O=Org/P=X/C=GB", &where, &why), 0);
	assert_int_equal(mixer_addr_spec(&base, "gw", text, sizeof(text)), 0);
	assert_string_equal(text,
	    "\"/G=Jo/S=Doe/O=Org/PRMD=X/ADMD= /C=GB/\"@gw");
	/* an address of the Internet, there and back */
	assert_int_equal(mixer_address(m, &or, "bob_b", "example.com", &base,
	    &why), 0);
	assert_null(or_address_get(&or, OR_S));
	assert_string_equal(or_address_get(&or, OR_DDA)->value,
	    "bob(u)b(a)example.com");
	assert_int_equal(mixer_addr_spec(&or, "gw", text, sizeof(text)), 0);
	assert_string_equal(text, "bob_b@example.com");
	assert_int_equal(mixer_address(m, &or, "a b", "c", &base, &why), -1);
	assert_int_equal(mixer_address(m, &or, "a", "b", NULL, &why), -1);
	assert_int_equal(mixer_address(m, &or, "/S=x/", "gw", &base, &why),
	    -1);
	assert_string_equal(why, "no country (C=) in the address");
	message_free(m);
}

static void
is_fold(const char *value, const char *written)
{
	char	*p;
	size_t	 len;
	FILE	*f = open_memstream(&p, &len);

	assert_int_equal(mime_text_field(f, "Subject", value), 0);
	fclose(f);
	assert_string_equal(p, written);
	free(p);
}

static void
test_fields(void **state)
{
	is_fold("abc", "Subject: abc\n");
	is_fold("", "Subject: \n");
	is_fold("=?x", "Subject: =?utf-8?q?=3D=3Fx?=\n");
	is_fold(" a ", "Subject: =?utf-8?q?_a_?=\n");
	is_fold("a\nb", "Subject: =?utf-8?q?a=0Ab?=\n");
	is_fold("1234567890 1234567890 1234567890 1234567890 1234567890 "
	    "1234567890 1234567890", "Subject: 1234567890 1234567890 "
	    "1234567890 1234567890 1234567890 1234567890\n 1234567890\n");
	/* words end between characters */
	is_fold("\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
	    "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", "Subject: =?utf-8?q?"
	    "=C3=A9=C3=A9=C3=A9=C3=A9=C3=A9=C3=A9=C3=A9=C3=A9=C3=A9?=\n"
	    " =?utf-8?q?=C3=A9=C3=A9?=\n");
}

static const char	header[] =
    "Subject: one\r\n two \r\nsubject:three\nX: =?utf-8?q?=C3=A9_?=\n"
    "Content-Type: Text/Plain; charset=\"a\\\"b\"; name*0*=utf-8'de'%C3;\n"
    " name*1*=%A9; name*2=x; other=1\n\nbody";

static void
is_field(const struct mime_entity *e, const char *name, unsigned int n,
    const char *value)
{
	char	*p = mime_field(e, name, n);

	if (value == NULL)
		assert_null(p);
	else {
		assert_non_null(p);
		assert_string_equal(p, value);
	}
	free(p);
}

static void
is_words(const char *s, const char *utf8)
{
	char	*p = mime_words(s);

	assert_string_equal(p, utf8);
	free(p);
}

static void
test_header(void **state)
{
	struct mime_entity	 e;
	char			 token[MIME_NAME_MAX], *value, *p;

	mime_entity(&e, header, sizeof(header) - 1);
	assert_int_equal(e.body_len, 4);
	is_field(&e, "SUBJECT", 0, "one two");
	is_field(&e, "Subject", 1, "three");
	is_field(&e, "Subject", 2, NULL);
	is_field(&e, "Sub", 0, NULL);
	value = mime_field(&e, "Content-Type", 0);
	mime_token(value, token, sizeof(token));
	assert_string_equal(token, "text/plain");
	p = mime_parameter(value, "charset");
	assert_string_equal(p, "a\"b");
	free(p);
	p = mime_parameter(value, "name");
	assert_string_equal(p, "\xc3\xa9x");
	free(p);
	assert_null(mime_parameter(value, "nam"));
	free(value);
	is_words("a =?utf-8?q?=C3=A9_?=   =?iso-8859-1?B?6Q==?= b",
	    "a \xc3\xa9 \xc3\xa9 b");
	is_words("=?utf-8?q?x?= y =?bad?= =?utf-8?x?z?=",
	    "x y =?bad?= =?utf-8?x?z?=");
	is_words("\xe9", "\xc3\xa9");
	/* no blank line, nothing at all */
	mime_entity(&e, "A: b", 4);
	is_field(&e, "a", 0, "b");
	assert_int_equal(e.body_len, 0);
	mime_entity(&e, "", 0);
	is_field(&e, "a", 0, NULL);
}

static void
test_parts(void **state)
{
	static const char	 text[] = "\npreamble\n--b\none\n--bb\n\n--b \n"
				    "--b\r\ntwo\r\n--b--\n--b\nepilogue\n";
	static const char	*const want[] = { "one\n--bb\n", "", "two" };
	struct mime_entity	 e;
	const char		*part;
	size_t			 at = 0, len, i;

	mime_entity(&e, text, sizeof(text) - 1);
	for (i = 0; i < 3; i++) {
		assert_int_equal(mime_part(&e, "b", &at, &part, &len), 1);
		assert_int_equal(len, strlen(want[i]));
		assert_memory_equal(part, want[i], len);
	}
	assert_int_equal(mime_part(&e, "b", &at, &part, &len), 0);
	/* never closed */
	mime_entity(&e, "\n--b\nrest\n", 10);
	at = 0;
	assert_int_equal(mime_part(&e, "b", &at, &part, &len), 1);
	assert_int_equal(len, 5);
	assert_int_equal(mime_part(&e, "b", &at, &part, &len), 0);
}

static void
is_mailbox(const char **s, const char *name, const char *local,
    const char *domain)
{
	struct mime_mailbox	m;

	assert_int_equal(mime_mailbox(s, &m), 1);
	if (name == NULL)
		assert_null(m.name);
	else
		assert_string_equal(m.name, name);
	assert_string_equal(m.local, local);
	assert_string_equal(m.domain, domain);
	mime_mailbox_free(&m);
}

static void
test_mailboxes(void **state)
{
	static const char	*const bad[] = {
		"\"x", "<a@b", "a <b@c> d <", "<>", "[x", "a@"
	};
	const char		*s = "Jo Doe <jo@x.org>, (c(c)) a.b@y (d), "
				    "\"Q, \\\"R\\\"\" <\"/S=a/\"@gw>; Us: "
				    "c@d, <@r:e@[1.2]>;, none:;";
	struct mime_mailbox	 m;
	char			*id;
	size_t			 i;

	is_mailbox(&s, "Jo Doe", "jo", "x.org");
	is_mailbox(&s, NULL, "a.b", "y");
	is_mailbox(&s, "Q, \"R\"", "/S=a/", "gw");
	is_mailbox(&s, NULL, "c", "d");
	is_mailbox(&s, NULL, "e", "[1.2]");
	assert_int_equal(mime_mailbox(&s, &m), 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		s = bad[i];
		while (mime_mailbox(&s, &m) == 1)
			mime_mailbox_free(&m);
		s = bad[i];
		if (i != 2)
			assert_int_equal(mime_mailbox(&s, &m), -1);
	}
	s = "x <\"a>b\"@c> <d@e>";
	assert_string_equal(id = mime_msg_id(&s), "\"a>b\"@c");
	free(id);
	assert_string_equal(id = mime_msg_id(&s), "d@e");
	free(id);
	assert_null(mime_msg_id(&s));
}

static void
test_dates(void **state)
{
	static const struct {
		const char	*text;
		int64_t		 seconds;
	} dates[] = {
		{ "Tue, 24 Nov 2026 22:00:00 +0000", 1795557600 },
		{ "24 Nov 26 23:30 +0130", 1795557600 },
		{ "Tue, 24 Nov 2026 17:00:00 EST", 1795557600 },
		{ "Thu, 1 Jan 1970 00:00:00 GMT", 0 }
	};
	char	text[MIME_DATE_LEN];
	int64_t	seconds;
	size_t	i;

	for (i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
		assert_int_equal(mime_date_parse(dates[i].text, &seconds), 0);
		assert_int_equal(seconds, dates[i].seconds);
	}
	assert_int_equal(mime_date_parse("yesterday", &seconds), -1);
	assert_int_equal(mime_date_parse("1 Foo 2026 1:2", &seconds), -1);
	assert_int_equal(mime_date_parse("32 Jan 2026 1:2", &seconds), -1);
	assert_string_equal(mime_date(text, 1795557600, -90),
	    "Tue, 24 Nov 2026 20:30:00 -0130");
}

struct sink {
	uint8_t	buf[4096];
	size_t	len;
};

static void
sink(void *arg, const uint8_t *p, size_t n)
{
	struct sink	*s = arg;

	assert_true(s->len + n <= sizeof(s->buf));
	memcpy(s->buf + s->len, p, n);
	s->len += n;
}

/* What is written is read again, octet for octet. */
static void
test_encodings(void **state)
{
	struct mime_base64	 b;
	struct mime_text	 t;
	struct sink		 s;
	uint8_t			 octets[300];
	char			*p;
	size_t			 len, n, i;
	FILE			*f;

	for (i = 0; i < sizeof(octets); i++)
		octets[i] = i * 7;
	for (n = 0; n < sizeof(octets); n++) {
		f = open_memstream(&p, &len);
		mime_base64_begin(&b, f);
		mime_base64_put(&b, octets, n / 3);
		mime_base64_put(&b, octets + n / 3, n - n / 3);
		mime_base64_end(&b);
		fclose(f);
		s.len = 0;
		mime_decode(p, len, MIME_BASE64, sink, &s);
		assert_int_equal(s.len, n);
		assert_memory_equal(s.buf, octets, n);
		free(p);
		f = open_memstream(&p, &len);
		mime_text_begin(&t, f, 1);
		for (i = 0; i < n; i++)
			mime_text_put(&t, octets[i] % 128 == '\r' ? ' ' :
			    octets[i] % 128);
		mime_text_end(&t);
		fclose(f);
		s.len = 0;
		mime_decode(p, len, MIME_QP, sink, &s);
		assert_int_equal(s.len, n);
		for (i = 0; i < n; i++)
			assert_int_equal(s.buf[i], octets[i] % 128 == '\r' ?
			    ' ' : octets[i] % 128);
		free(p);
	}
	/* as others write it */
	s.len = 0;
	mime_decode("a =\t\r\nb  \n=3d=zz=", 17, MIME_QP, sink, &s);
	assert_int_equal(s.len, 8);
	assert_memory_equal(s.buf, "a b\n==zz=", 8);
	s.len = 0;
	mime_decode("Y W\nI=YWI=", 10, MIME_BASE64, sink, &s);
	assert_int_equal(s.len, 2);
	assert_memory_equal(s.buf, "ab", 2);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_charsets),
		cmocka_unit_test(test_t61),
		cmocka_unit_test(test_printable),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_mailboxes),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_encodings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
